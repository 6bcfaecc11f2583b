/* Nodes: equal ones are shared, constants fold, views compose, grids follow their rule, user operations register. */
#include <criterion/criterion.h>

#include "base/alloc.h"
#include "expr/call.h"
#include "expr_case.h"

static chk_node *built(chk_builder *b, const char *text, const chk_binding *bound, int n_bound)
{
    chk_node *out[16];
    int n = 0;
    chunk_error err = {0};
    cr_assert_eq(build_text(out, &n, b, text, bound, n_bound, &err), CHUNK_OK, "%s: %s", text, err.text);
    cr_assert_eq(n, 1);
    return out[0];
}

Test(node, equal_expressions_are_one_node)
{
    chk_builder *b = new_builder();
    chk_binding x = {"x", new_array(b, "f.h5:/x", CHK_F32, DIMS(30, 40), NULL)};
    static const char *const same[][2] = {
        {"sin(x) + 1", "sin(x) + 1.0"},
        {"sum(x, axis=-1)", "sum(x, axis=1)"},
        {"x[2:10][1:]", "x[3:10]"},
        {"x ** 2", "square(x)"},
        {"x[::-1][::-1]", "x"},
        {"pow(x, 3)", "power(x, 3)"},
        {"permute_dims(permute_dims(x))", "x"},
        {"x * (2 + 1)", "x * 3"},
        {"ones(4) * 2 + 1", "full(4, 3.0)"},
        {"std(x, ddof=1)", "std(x, correction=1)"},
        {"broadcast_to(x[0], (30, 40))[3]", "x[0]"},
        {"astype(x, 'float32')", "x"},
        {"var(x, axis=(0, 1))", "var(x)"},
        {"x[..., None][..., 0]", "x"},
        {"clip(x, None, None)", "x"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        chk_node *p = built(b, same[i][0], &x, 1), *q = built(b, same[i][1], &x, 1);
        cr_expect_eq(p, q, "%s is not %s", same[i][0], same[i][1]);
        chk_node_release(p);
        chk_node_release(q);
    }
    static const char *const different[][2] = {
        {"x + 1", "1 + x"}, {"x * 0.0", "x * -0.0"}, {"std(x)", "std(x, ddof=1)"}, {"sum(x)", "sum(x, keepdims=True)"}};
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        chk_node *p = built(b, different[i][0], &x, 1), *q = built(b, different[i][1], &x, 1);
        cr_expect(p != q && (p->hash[0] != q->hash[0] || p->hash[1] != q->hash[1]), "%s is %s", different[i][0], different[i][1]);
        chk_node_release(p);
        chk_node_release(q);
    }
    cr_assert_eq((int)x.node->refs, 1);
    chk_node_release(x.node);
    chk_builder_free(b);
}

Test(node, two_sources_of_one_name_stay_two)
{
    chk_builder *b = new_builder();
    chk_node *p = new_array(b, "f.h5:/x", CHK_F64, DIMS(3), NULL), *q = new_array(b, "f.h5:/x", CHK_F64, DIMS(3), NULL);
    cr_assert(p != q && p->hash[0] == q->hash[0] && p->hash[1] == q->hash[1]);
    chk_node *sum = built(b, "a + b", (chk_binding[]){{"a", p}, {"b", q}}, 2);
    cr_assert(sum->in[0] == p && sum->in[1] == q);
    chk_node_release(sum);
    chk_node_release(p);
    chk_node_release(q);
    chk_builder_free(b);
}

Test(node, nodes_outlive_their_builder)
{
    chk_builder *b = new_builder();
    chk_node *x = new_array(b, "f.h5:/x", CHK_F64, DIMS(3, 4), NULL), *y = built(b, "exp(x) * 2", &(chk_binding){"x", x}, 1);
    chk_builder_free(b);
    cr_assert_eq(y->dtype, CHK_F64);
    chk_node_release(x);
    chk_node_release(y);
}

static void expect_chunks(const chk_node *n, int axis, int64_t n_chunks, int64_t second)
{
    cr_expect_eq(n->grid.ndim, n->shape.ndim);
    cr_expect_eq(n->grid.axis[axis].n_chunks, n_chunks, "%s axis %d: %lld chunks", n->name, axis,
                 (long long)n->grid.axis[axis].n_chunks);
    if (n_chunks > 1) cr_expect_eq(chk_axis_bound(&n->grid.axis[axis], 1), second, "%s axis %d", n->name, axis);
}

Test(node, grids_follow_the_rule)
{
    chk_builder *b = new_builder();
    chk_binding bound[3] = {{"x", new_array(b, "f.h5:/x", CHK_F64, DIMS(100, 60), (int64_t[]){30, 20})},
                            {"y", new_array(b, "f.h5:/y", CHK_F64, DIMS(100, 60), (int64_t[]){10, 60})},
                            {"r", new_array(b, "f.h5:/r", CHK_F64, DIMS(60), (int64_t[]){7})}};
    static const struct {
        const char *text;
        int axis;
        int64_t n, second;
    } cases[] = {
        {"x + y", 0, 4, 30},
        {"x + y", 1, 3, 20},
        {"y + x", 0, 10, 10},
        {"r + x", 1, 3, 20},
        {"zeros((100, 60)) + x", 0, 4, 30},
        {"arange(60) * r", 0, 9, 7},
        {"sum(x, axis=0)", 0, 3, 20},
        {"sum(x, axis=0, keepdims=True)", 0, 1, 1},
        {"sum(x, axis=0, keepdims=True)", 1, 3, 20},
        {"x[5:]", 0, 4, 25},
        {"x[::2]", 0, 4, 15},
        {"x[::-1]", 0, 4, 10},
        {"permute_dims(x)", 0, 3, 20},
        {"x[3]", 0, 3, 20},
        {"x[:, None]", 1, 1, 1},
        {"r[:, None] + x[0, :][None, :]", 0, 9, 7},
        {"r[:, None] + x[0, :][None, :]", 1, 3, 20},
        {"sin(x) > 0", 1, 3, 20},
        {"x[:0]", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        chk_node *n = built(b, cases[i].text, bound, 3);
        expect_chunks(n, cases[i].axis, cases[i].n, cases[i].second);
        chk_node_release(n);
    }
    for (int i = 0; i < 3; i++) chk_node_release(bound[i].node);
    chk_builder_free(b);
}

/* Broadcasting must not make chunks that are far larger than those under them. */
Test(node, broadcast_axes_are_cut)
{
    chk_builder *b = new_builder();
    chk_binding bound[2] = {{"big", new_array(b, "f.h5:/b", CHK_F64, DIMS(1024, 1024), (int64_t[]){512, 512})},
                            {"small", new_array(b, "f.h5:/s", CHK_F64, DIMS(1024), (int64_t[]){1024})}};
    chk_node *n = built(b, "broadcast_to(big, (50, 1024, 1024))", bound, 2);
    expect_chunks(n, 0, 50, 1);
    chk_node_release(n);
    n = built(b, "broadcast_to(small, (1000, 1024))", bound, 2);
    expect_chunks(n, 0, 8, 128);
    chk_node_release(n);
    for (int i = 0; i < 2; i++) chk_node_release(bound[i].node);
    chk_builder_free(b);
}

Test(node, views_that_leave_the_array_are_refused)
{
    chk_builder *b = new_builder();
    chk_node *x = new_array(b, "f.h5:/x", CHK_F64, DIMS(10, 5), NULL), *out = NULL;
    chk_view ok = chk_view_identity(&x->shape);
    const struct {
        int64_t off, step, n;
    } bad[] = {{-1, 1, 5}, {5, 1, 6}, {0, -1, 2}, {0, INT64_MAX, 3}, {INT64_MAX, 1, 2}, {9, 1, -1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        chk_view v = ok;
        v.off[0] = bad[i].off;
        v.step[0] = bad[i].step;
        v.shape.dim[0] = bad[i].n;
        cr_expect(chk_node_view(&out, b, x, &v, NULL) != CHUNK_OK, "case %zu", i);
    }
    ok.axis[1] = 0;
    cr_expect(chk_node_view(&out, b, x, &ok, NULL) != CHUNK_OK);
    chk_node_release(x);
    chk_builder_free(b);
}

Test(node, zero_dimensional_reductions_reduce_an_axis)
{
    chk_builder *b = new_builder();
    chk_binding x = {"x", new_array(b, "f.h5:/x", CHK_F64, 0, NULL, NULL)};
    chk_node *n = built(b, "sum(x)", &x, 1);
    cr_assert_eq(n->kind, CHK_NODE_REDUCE);
    cr_assert_eq(n->u.red.axes, 1u);
    cr_assert_eq(n->in[0]->shape.ndim, 1);
    chk_node_release(n);
    chk_node_release(x.node);
    chk_builder_free(b);
}

static int triple(void *user, const void *const *in, void *out, size_t n)
{
    (void)user;
    for (size_t i = 0; i < n; i++) ((double *)out)[i] = 3 * ((const double *)in[0])[i];
    return 0;
}
static void init_last(void *user, void *state) { (void)user, memset(state, 0, 8); }
static int fold_last(void *user, void *state, const void *data, size_t n)
{
    (void)user;
    return n ? memcpy(state, (const double *)data + n - 1, 8), 0 : 0;
}
static int merge_last(void *user, void *into, const void *from)
{
    (void)user;
    return memcpy(into, from, 8), 0;
}
static int finish_last(void *user, const void *state, void *out)
{
    (void)user;
    return memcpy(out, state, 8), 0;
}

Test(node, user_operations_are_called_like_others)
{
    chk_builder *b = new_builder();
    chk_binding x = {"x", new_array(b, "f.h5:/x", CHK_I32, DIMS(6, 5), (int64_t[]){3, 5})};
    chk_user_op map = {.name = "triple", .n_in = 1, .in_dtype = {CHK_F64}, .out_dtype = CHK_F64, .map = triple};
    chk_user_op red = {.name = "last",
                       .n_in = 1,
                       .in_dtype = {CHK_F64},
                       .out_dtype = CHK_F64,
                       .red = {8, init_last, fold_last, merge_last, finish_last}};
    cr_assert_eq(chk_builder_register(b, &map, NULL), CHUNK_OK);
    cr_assert_eq(chk_builder_register(b, &red, NULL), CHUNK_OK);
    cr_assert_eq(chk_builder_register(b, &map, NULL), CHUNK_EEXIST);
    strcpy(map.name, "sin");
    cr_assert_eq(chk_builder_register(b, &map, NULL), CHUNK_EEXIST);
    static const char *const taken[] = {"pi", "True", "None", "float32", "int", "and", "lambda"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        strcpy(map.name, taken[i]);
        cr_expect_eq(chk_builder_register(b, &map, NULL), CHUNK_EEXIST, "%s", taken[i]);
    }
    strcpy(map.name, "no name");
    cr_assert_eq(chk_builder_register(b, &map, NULL), CHUNK_EINVAL);

    chk_node *n = built(b, "triple(x) + last(x, axis=0)", &x, 1);
    cr_assert_eq(n->dtype, CHK_F64);
    cr_assert_eq(n->in[0]->kind, CHK_NODE_USER);
    cr_assert_eq(n->in[1]->kind, CHK_NODE_REDUCE);
    cr_assert_eq(n->in[1]->in[0]->dtype, CHK_F64);
    chunk_error err = {0};
    char *json = NULL;
    cr_assert_eq(chk_json_write(&json, &n, 1, &err), CHUNK_EUNSUPPORTED);
    cr_assert(strstr(err.text, "triple"), "%s", err.text);
    chk_node_release(n);

    chk_text *t;
    cr_assert_eq(chk_text_parse(&t, b, "triple(x, x)", &err), CHUNK_EINVAL);
    cr_assert_eq(chk_text_parse(&t, b, "tripel(x)", &err), CHUNK_ENAME);
    cr_assert(strstr(err.text, "'triple'"), "%s", err.text);
    chk_node_release(x.node);
    chk_builder_free(b);
}

/* Every allocation fails once, in each of the ways in which an expression is made: a clean error, and nothing is lost (the address
 * sanitizer counts). */
Test(node, fault_every_allocation)
{
    static const char *const texts[] = {"sum(sin(x) * 2 + x[::-1, None], axis=0)",
                                        "a := x + 1; b = a * a; mean(b); nan_to_num(b)",
                                        "isclose(x, linspace(0, 1, 4))",
                                        "where(x > 0, clip(x, 0, 1), std(x, axis=0)) ; eye(3); round(x, 2)",
                                        "sqt(x)",
                                        "x + y"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        chk_builder *b = new_builder();
        chk_binding x = {"x", new_array(b, "f.h5:/x", CHK_F64, DIMS(3, 4), NULL)};
        for (uint64_t at = 1;; at++) {
            chk_node *out[16];
            int n = 0;
            chunk_error err = {0};
            chk_fault_arm(CHK_FAULT_ALLOC, at, at % 2);
            chunk_status st = build_text(out, &n, b, texts[i], &x, 1, &err);
            char *json = NULL;
            if (st == CHUNK_OK) st = chk_json_write(&json, out, n, &err);
            bool untouched = chk_fault_count(CHK_FAULT_ALLOC) < at;
            chk_fault_arm(CHK_FAULT_ALLOC, 0, false);
            cr_assert(st == CHUNK_OK || err.text[0], "%s, allocation %d: status %d without a text", texts[i], (int)at, st);
            if (!untouched) cr_assert(st == CHUNK_ENOMEM || st == CHUNK_OK || i >= 4, "%s: %d %s", texts[i], st, err.text);
            while (n > 0) chk_node_release(out[--n]);
            chk_free(json);
            cr_assert_eq((int)x.node->refs, 1, "%s, allocation %d: %d references", texts[i], (int)at, (int)x.node->refs);
            if (untouched) break;
            cr_assert(at < 5000);
        }
        chk_node_release(x.node);
        chk_builder_free(b);
    }
}
