/* stack.c: arrays joined along new axes and in blocks: all are views that concat puts together. */
#include <string.h>

#include "base/alloc.h"
#include "ops/join.h"
#include "ops/make.h"

/* A tuple or list of arrays is needed: of one array NumPy would take the rows. */
static chunk_status list_of(ops_list *l, chk_builder *b, const chk_value *v, const char *who, chunk_error *err)
{
    const chk_value arrays = chk_value_items(v);
    if (arrays.kind != CHK_VAL_TUPLE) return chk_fail(err, CHUNK_ETYPE, "%s: arrays must be a tuple or list: %s((x, y))", who, who);
    return ops_list_of(l, b, arrays.u.tuple.item, arrays.u.tuple.n, who, err);
}

/* Puts in place of array i what a maker has made of it. */
static chunk_status replace(ops_list *l, int i, ops_maker *m, chk_node *made)
{
    chk_node *node = NULL;
    chunk_status st = ops_give(&node, m, made);
    if (st == CHUNK_OK) ops_list_put(l, i, node);
    return st;
}

static chunk_status build_stack(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_list l;
    int64_t want;
    int axis;
    CHK_TRY(ops_arg_int(&want, &args[1], 0, op->name, "axis", err));
    CHK_TRY(list_of(&l, b, &args[0], op->name, err));
    chk_shape shape = l.node[0]->shape;
    chunk_status st = chk_axis_normal(&axis, want, shape.ndim + 1, op->name, err);
    for (int i = 0; i < l.n && st == CHUNK_OK; i++) {
        char had[400], got[400];
        ops_maker m = ops_make(b, err);
        if (!chk_shape_equal(&l.node[i]->shape, &shape))
            st = chk_fail(err, CHUNK_ESHAPE, "%s: array %d is %s, array 0 %s: all must have one shape", op->name, i,
                          chk_shape_text(got, sizeof got, &l.node[i]->shape), chk_shape_text(had, sizeof had, &shape));
        else
            st = replace(&l, i, &m, ops_with_axes(&m, l.node[i], UINT32_C(1) << axis, shape.ndim + 1));
    }
    if (st == CHUNK_OK) st = ops_join(out, b, l.node, l.n, axis, err);
    ops_list_done(&l);
    return st;
}

const chk_op chk_op_stack = {
    .name = "stack",
    .family = "joining",
    .summary = "Arrays of one shape beside each other along a new axis",
    .doc = "arrays: a tuple; axis: where the new axis stands in the result. Chunks are those of the first array, one array deep. "
           "Costs what concat costs.",
    .params = {{"arrays", CHK_PAR_ARRAYS, NULL, false}, {"axis", CHK_PAR_INT, "0", false}},
    .build = build_stack,
};

/* At least ndim axes (up to 3), as NumPy adds them. */
static chk_node *at_least(ops_maker *m, chk_node *x, int ndim)
{
    if (!x || x->shape.ndim >= ndim) return x;
    uint32_t all = (UINT32_C(1) << ndim) - 1;
    if (x->shape.ndim == 0) return ops_with_axes(m, x, all, ndim);
    if (x->shape.ndim == 1) return ops_with_axes(m, x, all & ~UINT32_C(2), ndim);
    return ops_with_axes(m, x, UINT32_C(4), 3);
}

/* flags: the dimensions that each array gets. */
static chunk_status build_at_least(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    return ops_give(out, &m, at_least(&m, ops_value(&m, &args[0], op->name), op->flags));
}

const chk_op chk_op_atleast_1d = {.name = "atleast_1d",
                                  .family = "manipulation",
                                  .summary = "x with at least one dimension",
                                  .params = {OPS_X},
                                  .build = build_at_least,
                                  .flags = 1};
const chk_op chk_op_atleast_2d = {.name = "atleast_2d",
                                  .family = "manipulation",
                                  .summary = "x with at least two dimensions; one of n becomes (1, n)",
                                  .params = {OPS_X},
                                  .build = build_at_least,
                                  .flags = 2};
const chk_op chk_op_atleast_3d = {.name = "atleast_3d",
                                  .family = "manipulation",
                                  .summary = "x with at least three dimensions; n becomes (1, n, 1), (m, n) becomes (m, n, 1)",
                                  .params = {OPS_X},
                                  .build = build_at_least,
                                  .flags = 3};

static chunk_status join_at_least(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, int ndim, int axis,
                                  chunk_error *err)
{
    ops_list l;
    CHK_TRY(list_of(&l, b, &args[0], op->name, err));
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < l.n && st == CHUNK_OK; i++) {
        ops_maker m = ops_make(b, err);
        bool column = op->flags && l.node[i]->shape.ndim == 1; /* column_stack */
        st = replace(&l, i, &m, column ? ops_with_axes(&m, l.node[i], 2, 2) : at_least(&m, l.node[i], ndim));
    }
    if (st == CHUNK_OK && l.node[0]->shape.ndim == 1) axis = 0;
    if (st == CHUNK_OK) st = ops_join(out, b, l.node, l.n, axis, err);
    ops_list_done(&l);
    return st;
}

static chunk_status build_hstack(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return join_at_least(out, b, op, args, 1, 1, err);
}

static chunk_status build_vstack(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return join_at_least(out, b, op, args, 2, 0, err);
}

static chunk_status build_dstack(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return join_at_least(out, b, op, args, 3, 2, err);
}

static chunk_status build_column_stack(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return join_at_least(out, b, op, args, 2, 1, err);
}

#define ARRAYS                                                                                                                     \
    {                                                                                                                              \
        {                                                                                                                          \
            "arrays", CHK_PAR_ARRAYS, NULL, false                                                                                  \
        }                                                                                                                          \
    }

const chk_op chk_op_hstack = {.name = "hstack",
                              .family = "joining",
                              .summary = "Arrays side by side: along the second axis, or the only one",
                              .params = ARRAYS,
                              .build = build_hstack};
const chk_op chk_op_vstack = {.name = "vstack",
                              .aliases = "row_stack",
                              .family = "joining",
                              .summary = "Arrays below each other along the first axis; those of one dimension are rows",
                              .params = ARRAYS,
                              .build = build_vstack};
const chk_op chk_op_dstack = {.name = "dstack",
                              .family = "joining",
                              .summary = "Arrays behind each other along the third axis",
                              .params = ARRAYS,
                              .build = build_dstack};
const chk_op chk_op_column_stack = {.name = "column_stack",
                                    .family = "joining",
                                    .summary = "Arrays of one dimension as columns, others side by side",
                                    .params = ARRAYS,
                                    .build = build_column_stack,
                                    .flags = 1};

/* ---- block */

enum { BLOCK_DEPTH = 8 };

/* How deep arrays are nested, the same everywhere; the most dimensions of any; all of them in a row. */
static chunk_status look(const chk_value *v, int depth, int *deep, int *n, const chk_value **leaf, int room, chunk_error *err)
{
    if (v->kind != CHK_VAL_TUPLE) {
        if (*deep >= 0 && *deep != depth)
            return chk_fail(err, CHUNK_EINVAL, "block: one array is nested %d deep, another %d: all must be nested alike", *deep,
                            depth);
        *deep = depth;
        if (*n < room) leaf[*n] = v;
        ++*n;
        return CHUNK_OK;
    }
    if (depth == BLOCK_DEPTH) return chk_fail(err, CHUNK_EUNSUPPORTED, "block: nested more than %d deep", BLOCK_DEPTH);
    if (v->u.tuple.n == 0) return chk_fail(err, CHUNK_EINVAL, "block: an empty tuple has no place in it");
    for (int i = 0; i < v->u.tuple.n; i++) CHK_TRY(look(&v->u.tuple.item[i], depth + 1, deep, n, leaf, room, err));
    return CHUNK_OK;
}

/* Joins what v holds: the innermost tuples along the last axis. *next: the array that comes next. */
static chunk_status joined(chk_node **out, chk_builder *b, const chk_value *v, const ops_list *l, int *next, int axis,
                           chunk_error *err)
{
    if (v->kind != CHK_VAL_TUPLE) {
        *out = chk_node_retain(l->node[(*next)++]);
        return CHUNK_OK;
    }
    int n = v->u.tuple.n, made = 0;
    chk_node **part = chk_calloc((size_t)n, sizeof(chk_node *));
    if (!part) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %d arrays", n);
    chunk_status st = CHUNK_OK;
    for (; made < n && st == CHUNK_OK; made += st == CHUNK_OK)
        st = joined(&part[made], b, &v->u.tuple.item[made], l, next, axis + 1, err);
    if (st == CHUNK_OK) st = ops_join(out, b, part, n, axis, err);
    for (int i = 0; i < made; i++) chk_node_release(part[i]);
    chk_free(part);
    return st;
}

static chunk_status build_block(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int deep = -1, n = 0, again = 0, next = 0;
    ops_list l = {0};
    CHK_TRY(look(&args[0], 0, &deep, &n, NULL, 0, err));
    chk_value *leaf = chk_calloc((size_t)n, sizeof *leaf);
    const chk_value **at = chk_calloc((size_t)n, sizeof *at);
    chunk_status st = leaf && at ? CHUNK_OK : chk_fail(err, CHUNK_ENOMEM, "out of memory for %d arrays", n);
    if (st == CHUNK_OK) st = look(&args[0], 0, &deep, &again, at, n, err);
    for (int i = 0; i < n && st == CHUNK_OK; i++) leaf[i] = *at[i];
    if (st == CHUNK_OK) st = ops_list_of(&l, b, leaf, n, op->name, err);
    int ndim = deep;
    for (int i = 0; i < l.n; i++)
        if (l.node[i]->shape.ndim > ndim) ndim = l.node[i]->shape.ndim;
    for (int i = 0; i < l.n && st == CHUNK_OK; i++) {
        ops_maker m = ops_make(b, err);
        int missing = ndim - l.node[i]->shape.ndim;
        st = replace(&l, i, &m, ops_with_axes(&m, l.node[i], (uint32_t)((UINT64_C(1) << missing) - 1), ndim));
    }
    if (st == CHUNK_OK) st = joined(out, b, &args[0], &l, &next, ndim - deep, err);
    ops_list_done(&l);
    chk_free(leaf);
    chk_free(at);
    return st;
}

const chk_op chk_op_block = {
    .name = "block",
    .family = "joining",
    .summary = "An array put together from nested tuples of blocks",
    .doc = "arrays: ((a, b), (c, d)) are rows of blocks; the innermost tuples are joined along the last axis, those around them "
           "along the one before. Costs "
           "what concat costs, a level of nesting.",
    .params = ARRAYS,
    .build = build_block,
};
