/* The canonical JSON form: what is written reads back with the same hashes and writes the same text; what others write is refused politely. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/alloc.h"
#include "expr_case.h"

typedef struct world {
    chk_source *x, *u;
} world;

static chunk_status resolve(void *arg, const char *name, chk_source **out, chunk_error *err)
{
    world *w = arg;
    chk_source *s = !strcmp(name, "f.h5:/x") ? w->x : !strcmp(name, "f.h5:/\"odd\"\n\xc3\xa9") ? w->u : NULL;
    if (!s) return chk_fail(err, CHUNK_EFILE, "no source '%s'", name);
    chk_source_retain(s);
    *out = s;
    return CHUNK_OK;
}

static world make_world(chk_builder *b, chk_binding bound[2])
{
    world w = {fake_source("hdf5", CHK_F64, DIMS(30, 40), (int64_t[]){7, 40}), fake_source("hdf5", CHK_U8, DIMS(40), NULL)};
    bound[0].name = "x";
    bound[1].name = "u";
    cr_assert_eq(chk_node_source(&bound[0].node, b, w.x, "f.h5:/x", NULL), CHUNK_OK);
    cr_assert_eq(chk_node_source(&bound[1].node, b, w.u, "f.h5:/\"odd\"\n\xc3\xa9", NULL), CHUNK_OK);
    return w;
}

static void free_world(world *w, chk_binding bound[2])
{
    for (int i = 0; i < 2; i++) chk_node_release(bound[i].node);
    chk_source_release(w->x);
    chk_source_release(w->u);
}

static const char *const texts[] = {
    "x",
    "x + u",
    "sum(sin(x) * 2 + u, axis=0, keepdims=True)",
    "a := exp(x); b = a + 1; a * b; std(a, axis=(0, 1), ddof=1)",
    "x[3:20:2, ::-1][None, ..., 5]",
    "where(x > 0.1, x, nan) + 1e-300",
    "arange(1000000) * 0.1",
    "full((3, 4), 1.5 - 2j)",
    "astype(u, float16) + 0.1",
    "u + 18446744073709551615.0",
    "astype(u, uint64) + 18446744073709551615",
    "argmin(x, axis=1)",
    "permute_dims(broadcast_to(u, (5, 40)))",
    "nan_to_num(x) // -0.0",
    "eye(5, 6, -1)",
    "isclose(x, inf, equal_nan=True)",
    "any(u == 3); all(x); count_nonzero(u)",
    "astype(u, int64) < astype(u, uint64)",
    "broadcast_to(u, (9007199254740999, 40))",
    "-9223372036854775808",
    "True",
    "x ** 2.5 % 3",
};

Test(json, round_trip_keeps_hashes_and_text)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        chk_builder *b = new_builder(), *other = new_builder();
        chk_binding bound[2];
        world w = make_world(b, bound);
        chk_node *out[16], *back[16];
        int n = 0, n_back = 0;
        char *json = NULL, *again = NULL;
        chunk_error err = {0};
        cr_assert_eq(build_text(out, &n, b, texts[i], bound, 2, &err), CHUNK_OK, "%s: %s", texts[i], err.text);
        cr_assert_eq(chk_json_write(&json, out, n, &err), CHUNK_OK, "%s: %s", texts[i], err.text);
        cr_assert_eq(chk_json_read(back, 16, &n_back, other, json, strlen(json), resolve, &w, &err), CHUNK_OK, "%s: %s\n%s",
                     texts[i], err.text, json);
        cr_assert_eq(n_back, n);
        for (int k = 0; k < n; k++) {
            cr_expect(out[k]->hash[0] == back[k]->hash[0] && out[k]->hash[1] == back[k]->hash[1], "%s: %s", texts[i], json);
            cr_expect(out[k]->dtype == back[k]->dtype && chk_shape_equal(&out[k]->shape, &back[k]->shape));
        }
        cr_assert_eq(chk_json_write(&again, back, n, &err), CHUNK_OK);
        cr_expect_str_eq(json, again);
        for (int k = 0; k < n; k++) {
            chk_node_release(out[k]);
            chk_node_release(back[k]);
        }
        chk_free(json);
        chk_free(again);
        free_world(&w, bound);
        chk_builder_free(b);
        chk_builder_free(other);
    }
}

Test(json, the_text_is_canonical)
{
    chk_builder *b = new_builder();
    chk_binding bound[2];
    world w = make_world(b, bound);
    chk_node *out[16];
    int n = 0;
    char *json = NULL;
    cr_assert_eq(build_text(out, &n, b, "mean(x[1:] + 0.5, axis=1)", bound, 2, NULL), CHUNK_OK);
    cr_assert_eq(chk_json_write(&json, out, n, NULL), CHUNK_OK);
    cr_expect_str_eq(json, "{\"libchunk\":1,\"nodes\":["
                           "{\"dtype\":\"float64\",\"kind\":\"source\",\"name\":\"f.h5:/x\",\"shape\":[30,40]},"
                           "{\"axis\":[0,1],\"in\":[0],\"kind\":\"view\",\"off\":[1,0],\"shape\":[29,40],\"step\":[1,1]},"
                           "{\"dtype\":\"float64\",\"kind\":\"scalar\",\"value\":\"0x1p-1\",\"weak\":false},"
                           "{\"compute\":\"float64\",\"fn\":\"add\",\"in\":[1,2],\"kind\":\"map\"},"
                           "{\"axes\":[1],\"in\":[3],\"keepdims\":false,\"kind\":\"reduce\",\"param\":\"0x0p+0\",\"red\":\"sum\"},"
                           "{\"dtype\":\"float64\",\"kind\":\"scalar\",\"value\":\"0x1.4p+5\",\"weak\":false},"
                           "{\"compute\":\"float64\",\"fn\":\"divide\",\"in\":[4,5],\"kind\":\"map\"}],\"results\":[6]}");
    chk_free(json);
    chk_node_release(out[0]);
    free_world(&w, bound);
    chk_builder_free(b);
}

#define NODES(list) "{\"libchunk\":1,\"nodes\":[" list "],\"results\":[0]}"
#define SCALAR "{\"dtype\":\"float64\",\"kind\":\"scalar\",\"value\":\"0x1p+0\",\"weak\":false}"
#define IOTA "{\"kind\":\"iota\",\"n\":5}"

Test(json, hostile_texts_are_refused)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{\"libchunk\":1}",
        "{\"libchunk\":2,\"nodes\":[" SCALAR "],\"results\":[0]}",
        NODES(""),
        NODES(SCALAR) "x",
        "{\"libchunk\":1,\"nodes\":[" SCALAR "],\"results\":[]}",
        "{\"libchunk\":1,\"nodes\":[" SCALAR "],\"results\":[1]}",
        "{\"libchunk\":1,\"nodes\":[" SCALAR "],\"results\":[-1]}",
        "{\"libchunk\":1,\"nodes\":[" SCALAR "],\"results\":[0.5]}",
        "{\"libchunk\":1,\"nodes\":[" SCALAR "],\"results\":[0,0,0,0,0]}",
        NODES("7"),
        NODES("{\"kind\":\"nothing\"}"),
        NODES("{\"kind\":\"keep\",\"in\":[0]}"),
        NODES("{\"kind\":\"iota\"}"),
        NODES("{\"kind\":\"iota\",\"n\":-1}"),
        NODES("{\"kind\":\"iota\",\"n\":1e300}"),
        NODES("{\"kind\":\"iota\",\"n\":\"99999999999999999999\"}"),
        NODES("{\"kind\":\"iota\",\"n\":5,\"m\":5}"),
        NODES("{\"dtype\":\"float64\",\"kind\":\"scalar\",\"value\":\"one\",\"weak\":false}"),
        NODES("{\"dtype\":\"int8\",\"kind\":\"scalar\",\"value\":\"300\",\"weak\":false}"),
        NODES("{\"dtype\":\"int8\",\"kind\":\"scalar\",\"value\":\"3\",\"weak\":true}"),
        NODES("{\"dtype\":\"float16\",\"kind\":\"scalar\",\"value\":\"0x1.0000001p+0\",\"weak\":false}"),
        NODES("{\"dtype\":\"float64\",\"kind\":\"scalar\",\"value\":3,\"weak\":false}"),
        NODES("{\"dtype\":\"float65\",\"kind\":\"scalar\",\"value\":\"0x1p+0\",\"weak\":false}"),
        NODES(IOTA ",{\"compute\":\"int64\",\"fn\":\"add\",\"in\":[0],\"kind\":\"map\"}"),
        NODES(IOTA ",{\"compute\":\"int64\",\"fn\":\"add\",\"in\":[0,1],\"kind\":\"map\"}"),
        NODES(IOTA ",{\"compute\":\"int64\",\"fn\":\"nothing\",\"in\":[0,0],\"kind\":\"map\"}"),
        NODES(IOTA ",{\"compute\":\"int64\",\"fn\":\"sin\",\"in\":[0],\"kind\":\"map\"}"),
        NODES(IOTA ",{\"axes\":[1],\"in\":[0],\"keepdims\":false,\"kind\":\"reduce\",\"param\":\"0x0p+0\",\"red\":\"sum\"}"),
        NODES(IOTA ",{\"axes\":[0,0],\"in\":[0],\"keepdims\":false,\"kind\":\"reduce\",\"param\":\"0x0p+0\",\"red\":\"sum\"}"),
        NODES(IOTA ",{\"axes\":[0],\"in\":[0],\"keepdims\":1,\"kind\":\"reduce\",\"param\":\"0x0p+0\",\"red\":\"sum\"}"),
        NODES(IOTA ",{\"axis\":[0],\"in\":[0],\"kind\":\"view\",\"off\":[1],\"shape\":[5],\"step\":[1]}"),
        NODES(IOTA ",{\"axis\":[3],\"in\":[0],\"kind\":\"view\",\"off\":[0],\"shape\":[5],\"step\":[1]}"),
        NODES(IOTA ",{\"axis\":[0],\"in\":[0],\"kind\":\"view\",\"off\":[0],\"shape\":[5],\"step\":[0]}"),
        NODES(IOTA ",{\"axis\":[0],\"in\":[0],\"kind\":\"view\",\"off\":[0],\"shape\":[-5],\"step\":[1]}"),
        NODES(IOTA ",{\"axis\":[0],\"in\":[0],\"kind\":\"view\",\"off\":[0],\"shape\":[3],\"step\":[\"9223372036854775807\"]}"),
        NODES(IOTA ",{\"axis\":[],\"in\":[0],\"kind\":\"view\",\"off\":[],\"shape\":[5],\"step\":[]}"),
        NODES("{\"dtype\":\"float64\",\"kind\":\"source\",\"name\":\"f.h5:/y\",\"shape\":[30,40]}"),
        NODES("{\"dtype\":\"float64\",\"kind\":\"source\",\"name\":\"f.h5:/x\",\"shape\":[30]}"),
        NODES("{\"dtype\":\"float32\",\"kind\":\"source\",\"name\":\"f.h5:/x\",\"shape\":[30,40]}"),
    };
    chk_builder *b = new_builder();
    chk_binding bound[2];
    world w = make_world(b, bound);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        chk_node *out[4];
        int n = -1;
        chunk_error err = {0};
        chunk_status st = chk_json_read(out, 4, &n, b, bad[i], strlen(bad[i]), resolve, &w, &err);
        cr_expect_neq(st, CHUNK_OK, "accepted: %s", bad[i]);
        cr_expect(err.text[0] && !strchr(err.text, '\n'), "%s: '%s'", bad[i], err.text);
        cr_expect_eq(n, -1);
    }
    free_world(&w, bound);
    chk_builder_free(b);
}

Test(json, deep_brackets_are_refused)
{
    chk_builder *b = new_builder();
    size_t n = 1 << 20;
    char *text = malloc(n);
    memset(text, '[', n);
    chk_node *out[1];
    int n_out;
    cr_assert_eq(chk_json_read(out, 1, &n_out, b, text, n, resolve, NULL, NULL), CHUNK_EINVAL);
    free(text);
    chk_builder_free(b);
}

Test(json, memory_has_no_name_elsewhere)
{
    chk_builder *b = new_builder();
    chk_source *s = fake_source("memory", CHK_F64, DIMS(3), NULL);
    chk_node *n;
    char *json = NULL;
    cr_assert_eq(chk_node_source(&n, b, s, "x", NULL), CHUNK_OK);
    cr_assert_eq(chk_json_write(&json, &n, 1, NULL), CHUNK_EUNSUPPORTED);
    cr_assert_null(json);
    chk_node_release(n);
    chk_source_release(s);
    chk_builder_free(b);
}
