/* Fuzzes the language and the JSON form: texts put together from fragments and mutated, built over a few arrays; every accepted result is
 * written as JSON and read back as the same node; then the JSON itself is mutated and read. In a quarter of the cases an allocation fails. FUZZ_SECONDS and SEED set time and start. */
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "expr_case.h"

static uint64_t state;

static uint32_t roll(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 11) % n;
}

static const char *const fragments[] = {
    "x",
    "y",
    "u",
    "z",
    "1",
    "2",
    "-1",
    "0",
    "300",
    "1.5",
    "2j",
    "True",
    "None",
    "inf",
    "nan",
    "pi",
    "9223372036854775807",
    "18446744073709551615",
    "1e400",
    "0x7f",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "@",
    "<",
    "<=",
    "==",
    "!=",
    "&",
    "|",
    "^",
    "~",
    "<<",
    ">>",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "::",
    ";",
    "=",
    ":=",
    "...",
    ".",
    "sum(",
    "mean(x",
    "std(",
    "where(",
    "clip(",
    "sin(",
    "pow(",
    "arange(",
    "linspace(",
    "eye(",
    "zeros(",
    "full(",
    "astype(",
    "permute_dims(",
    "flip(",
    "argmin(",
    "isclose(",
    "round(",
    "nan_to_num(",
    "squeeze(",
    "expand_dims(",
    "moveaxis(",
    "broadcast_to(",
    "axis=",
    "axis=0",
    "keepdims=True",
    "dtype=",
    "'int8'",
    "float16",
    "float32",
    "'",
    "\"",
    "(1, 2)",
    "[::-1]",
    "[0]",
    "[..., None]",
    "x[1:2, ::2]",
    "sum(x, axis=0)",
    "a = ",
    "b := ",
    " ",
    "\n",
    "\xc3\xa9",
    "\xff",
    "#",
    "and",
    "not",
};

static void compose(char *out, size_t size)
{
    size_t n = 0;
    for (int k = (int)roll(14) + 1; k > 0; k--) {
        const char *f = fragments[roll(sizeof fragments / sizeof *fragments)];
        if (n + strlen(f) + 1 >= size) break;
        n += (size_t)sprintf(out + n, "%s", f);
        if (roll(3) == 0) out[n++] = ' ';
    }
    out[n] = 0;
    if (n && roll(8) == 0) out[roll((uint32_t)n)] = (char)(roll(255) + 1);
}

static chk_source *sources[4];

static chunk_status resolve(void *arg, const char *name, chk_source **out, chunk_error *err)
{
    (void)arg;
    static const char *const names[] = {"x", "y", "u", "z"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(names[i], name)) continue;
        chk_source_retain(sources[i]);
        *out = sources[i];
        return CHUNK_OK;
    }
    return chk_fail(err, CHUNK_EFILE, "no source");
}

static void require(bool ok, const char *what, const char *text)
{
    if (ok) return;
    fprintf(stderr, "text_fuzz: %s: %s\n", what, text);
    abort();
}

static void mutate_and_read(chk_builder *b, char *json)
{
    size_t n = strlen(json);
    for (int k = (int)roll(4); k >= 0; k--) json[roll((uint32_t)n)] = "0123456789-\",:[]{}ae"[roll(20)];
    chk_node *out[16];
    int n_out = 0;
    chunk_error err = {0};
    chunk_status st = chk_json_read(out, 16, &n_out, b, json, n, resolve, NULL, &err);
    require(st == CHUNK_OK || err.text[0], "failure without a text", json);
    while (st == CHUNK_OK && n_out > 0) chk_node_release(out[--n_out]);
}

static void round_trip(chk_builder *b, chk_node **out, int n, const char *text)
{
    chk_node *back[16];
    int n_back = 0;
    char *json;
    chunk_error err = {0};
    chunk_status st = chk_json_write(&json, out, n, &err);
    require(st == CHUNK_OK, err.text, text);
    st = chk_json_read(back, 16, &n_back, b, json, strlen(json), resolve, NULL, &err);
    require(st == CHUNK_OK && n_back == n, err.text, json);
    for (int i = 0; i < n; i++) {
        require(back[i] == out[i], "read back as another node", json);
        chk_node_release(back[i]);
    }
    mutate_and_read(b, json);
    chk_free(json);
}

static int one(chk_builder *b, const chk_binding *bound)
{
    char text[512];
    compose(text, sizeof text);
    chk_node *out[16];
    int n = 0;
    chunk_error err = {0};
    if (roll(4) == 0) chk_fault_arm(CHK_FAULT_ALLOC, roll(60) + 1, roll(2));
    chunk_status st = build_text(out, &n, b, text, bound, 4, &err);
    chk_fault_arm(CHK_FAULT_ALLOC, 0, false);
    require(st == CHUNK_OK || err.text[0], "failure without a text", text);
    require(st == CHUNK_OK || !strchr(err.text, '\n'), "a message of several lines", text);
    if (st != CHUNK_OK) return 0;
    if (n) round_trip(b, out, n, text);
    while (n > 0) chk_node_release(out[--n]);
    return 1;
}

int main(void)
{
    const char *seconds = getenv("FUZZ_SECONDS"), *seed = getenv("SEED");
    state = 0x9e3779b97f4a7c15u ^ (seed ? strtoull(seed, NULL, 10) * 0x2545f4914f6cdd1du : 1);
    time_t end = time(NULL) + (seconds ? atoi(seconds) : 1);
    chk_builder *b = new_builder();
    chk_binding bound[4];
    static const chk_dtype dtypes[] = {CHK_F64, CHK_F32, CHK_U8, CHK_C64};
    static const char *const names[] = {"x", "y", "u", "z"};
    static const int64_t dims[4][3] = {{3, 4, 5}, {4, 5, 0}, {5, 0, 0}, {3, 4, 5}};
    static const int ndims[] = {3, 2, 1, 0};
    for (int i = 0; i < 4; i++) {
        sources[i] = fake_source("hdf5", dtypes[i], ndims[i], dims[i], NULL);
        bound[i].name = names[i];
        require(chk_node_source(&bound[i].node, b, sources[i], names[i], NULL) == CHUNK_OK, "source", names[i]);
    }
    long tried = 0, accepted = 0;
    do {
        for (int i = 0; i < 200; i++, tried++) accepted += one(b, bound);
    } while (time(NULL) < end);
    for (int i = 0; i < 4; i++) {
        require(bound[i].node->refs == 1, "references are left over", names[i]);
        chk_node_release(bound[i].node);
        chk_source_release(sources[i]);
    }
    chk_builder_free(b);
    printf("%ld texts, %ld accepted\n", tried, accepted);
    return accepted > 0 ? 0 : 1;
}
