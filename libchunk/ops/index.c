/* index.c: indexing with integer arrays, by NumPy's rules: index arrays are broadcast together; their dimensions stand where the indexed axes stood, or
 * first when other axes lie between those. Masks become index arrays (mask.c). */
#include <string.h>

#include "ops/gather.h"
#include "ops/make.h"
#include "ops/mask.h"

static chk_node *as_int64(ops_maker *m, chk_node *x, const char *who)
{
    if (!x) return NULL;
    chk_kind kind = chk_dtype_kind(x->dtype);
    bool empty = chk_shape_count(&x->shape) == 0; /* [] is float64 and indexes all the same */
    if (kind != CHK_KIND_INT && kind != CHK_KIND_UINT && !empty) {
        m->st = chk_fail(m->err, CHUNK_EINDEX, "%s: arrays used as indices must be of integer (or bool) type, not %s", who,
                         chk_dtype_name(x->dtype));
        return NULL;
    }
    return ops_cast(m, x, CHK_I64);
}

/* The node of x at index arrays idx[k] on axes axis[k] (ascending), broadcast together. */
static chunk_status at_arrays(chk_node **out, ops_maker *m, const chk_op *op, chk_node *x, chk_node **idx, const int *axis, int n,
                              chunk_error *err)
{
    chk_node *in[CHK_MAX_NDIM + 1] = {x};
    int64_t attr[CHK_MAX_NDIM + 1];
    chk_shape shape = idx[0]->shape;
    for (int k = 1; k < n; k++) {
        char a[160], b[160];
        if (!chk_shape_broadcast(&shape, &shape, &idx[k]->shape))
            return chk_fail(err, CHUNK_EINDEX, "%s: shape mismatch: index arrays of shapes %s and %s do not broadcast together",
                            op->name, chk_shape_text(a, sizeof a, &idx[0]->shape), chk_shape_text(b, sizeof b, &idx[k]->shape));
    }
    bool adjacent = true;
    for (int k = 0; k < n; k++) {
        attr[1 + k] = axis[k];
        adjacent &= axis[k] == axis[0] + k;
        if (!(in[1 + k] = ops_spread(m, idx[k], &shape))) return m->st;
    }
    attr[0] = adjacent ? axis[0] : 0;
    return op->make(out, m->b, op, in, n + 1, attr, n + 1, err);
}

/* indices: for each axis of x None or an index array; a mask stands for as many axes as it has dimensions. */
static chunk_status build_index(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    bool list = args[1].kind == CHK_VAL_TUPLE;
    const chk_value *item = list ? args[1].u.tuple.item : &args[1];
    int n_items = list ? args[1].u.tuple.n : 1, n = 0, axis = 0;
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *idx[CHK_MAX_NDIM];
    int at[CHK_MAX_NDIM];
    for (int i = 0; i < n_items && m.st == CHUNK_OK; i++) {
        if (item[i].kind == CHK_VAL_NONE) {
            axis++;
            continue;
        }
        chk_node *one = ops_value(&m, &item[i], op->name), *made = NULL;
        if (!one) break;
        bool mask = one->dtype == CHK_BOOL;
        if (mask && one->shape.ndim == 0) { /* of no dimensions: selects all of a new axis, or nothing of it */
            x = ops_with_axes(&m, x, UINT32_C(1) << axis, x->shape.ndim + 1);
            one = ops_with_axes(&m, one, 1, 1);
            if (!x || !one) break;
        }
        int dims = mask ? one->shape.ndim : 1;
        if (axis + dims > x->shape.ndim) {
            m.st = chk_fail(err, CHUNK_EINDEX, "too many indices: the array has %d dimension%s, %d were indexed", x->shape.ndim,
                            x->shape.ndim == 1 ? "" : "s", axis + dims);
        } else if (!mask) {
            made = as_int64(&m, one, op->name);
            if (made) idx[n] = made, at[n++] = axis;
        } else {
            for (int d = 0; d < dims && m.st == CHUNK_OK; d++)
                if (one->shape.dim[d] != x->shape.dim[axis + d])
                    m.st = chk_fail(err, CHUNK_EINDEX,
                                    "boolean index did not match indexed array along axis %d; size of axis is %lld but size of the "
                                    "mask's is %lld",
                                    axis + d, (long long)x->shape.dim[axis + d], (long long)one->shape.dim[d]);
            if (m.st == CHUNK_OK && n_items == 1 && dims == x->shape.ndim && dims > 0) {
                m.st = ops_select(&made, b, one, x, err);
                return ops_give(out, &m, ops_own(&m, m.st, &made));
            }
            for (int d = 0; d < dims && m.st == CHUNK_OK; d++) {
                m.st = ops_nonzero_axis(&made, b, one, d, err);
                made = ops_own(&m, m.st, &made);
                if (made) idx[n] = made, at[n++] = axis + d;
            }
        }
        axis += dims;
    }
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    if (axis > x->shape.ndim)
        m.st = chk_fail(err, CHUNK_EINDEX, "too many indices: the array has %d dimension%s, %d were indexed", x->shape.ndim,
                        x->shape.ndim == 1 ? "" : "s", axis);
    if (n == 0 || m.st != CHUNK_OK) return ops_give(out, &m, m.st == CHUNK_OK ? x : NULL);
    chk_node *made;
    m.st = at_arrays(&made, &m, op, x, idx, at, n, err);
    return ops_give(out, &m, ops_own(&m, m.st, &made));
}

const chk_op chk_op_index = {
    .name = "index",
    .family = "indexing",
    .summary = "x at integer arrays or masks, x[i, :, j] in text",
    .doc =
        "indices: a tuple with None (the whole axis), an integer array or a mask for each axis, in order; a mask stands for as "
        "many axes as it has dimensions. "
        "Negative indices count from the end; out of bounds is an error, found before anything is written where the indices are "
        "in memory. Memory: a block of the result, its indices and 24 bytes for each, and the elements of one chunk of x (256 KiB "
        "where it is uncompressed). Many indices in no order are sorted first, band by band, so that each chunk is read once; "
        "sorted indices and values then lie in memory or in the scratch file.",
    .params = {OPS_X, {"indices", CHK_PAR_ARRAYS, NULL, false}},
    .build = build_index,
    .make = ops_make_gather,
    .look = ops_look_at_indices,
    .local = &ops_gather_local,
    .lower = ops_gather_lower,
    .lowers = ops_gather_lowers,
};

static chunk_status build_take(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *i = ops_array(&m, &args[1], op->name), *made = NULL;
    int axis = 0;
    i = as_int64(&m, i, op->name);
    if (!x || !i) return ops_give(out, &m, NULL);
    x = ops_along(&m, &axis, x, &args[2], op->name);
    if (m.st == CHUNK_OK) m.st = at_arrays(&made, &m, op, x, &i, &axis, 1, err);
    return ops_give(out, &m, ops_own(&m, m.st, &made));
}

const chk_op chk_op_take = {
    .name = "take",
    .family = "indexing",
    .summary = "x at indices along an axis; x raveled without one",
    .doc = "indices: integers of any shape, or a tuple of them, which takes the place of the axis. Memory and errors as for index.",
    .params = {OPS_X, {"indices", CHK_PAR_ARRAY, NULL, false}, {"axis", CHK_PAR_INT, "None", false}},
    .build = build_take,
    .make = ops_make_gather,
    .look = ops_look_at_indices,
    .local = &ops_gather_local,
    .lower = ops_gather_lower,
    .lowers = ops_gather_lowers,
};

/* 0, 1, ..., n - 1 along `axis` of an array of ndim axes, extent 1 along the others. */
static chk_node *iota_along(ops_maker *m, int64_t n, int axis, int ndim)
{
    chk_node *iota = ops_iota(m, n);
    if (!iota) return NULL;
    chk_view v = {.shape = {.ndim = ndim}, .base_ndim = 1, .axis = {axis}, .step = {1}};
    for (int a = 0; a < ndim; a++) v.shape.dim[a] = a == axis ? n : 1;
    return ops_view(m, iota, &v);
}

static chunk_status build_take_along(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *i = as_int64(&m, ops_value(&m, &args[1], op->name), op->name), *made = NULL,
             *idx[CHK_MAX_NDIM];
    int64_t want = -1;
    int axis = 0, at[CHK_MAX_NDIM];
    if (!x || !i) return ops_give(out, &m, NULL);
    if (x->shape.ndim != i->shape.ndim)
        m.st = chk_fail(err, CHUNK_EINDEX, "take_along_axis: the indices have %d dimensions, x has %d: they must have the same",
                        i->shape.ndim, x->shape.ndim);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&want, &args[2], -1, op->name, "axis", err);
    if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, want, x->shape.ndim, op->name, err);
    for (int a = 0; a < x->shape.ndim && m.st == CHUNK_OK; a++) {
        bool fits = a == axis || i->shape.dim[a] == x->shape.dim[a] || i->shape.dim[a] == 1 || x->shape.dim[a] == 1;
        if (!fits)
            m.st = chk_fail(err, CHUNK_EINDEX, "take_along_axis: axis %d is %lld long in x and %lld in the indices", a,
                            (long long)x->shape.dim[a], (long long)i->shape.dim[a]);
        at[a] = a;
        idx[a] = a == axis              ? i
                 : x->shape.dim[a] == 1 ? ops_whole(&m, CHK_I64, 0)
                                        : iota_along(&m, x->shape.dim[a], a, x->shape.ndim);
    }
    if (m.st == CHUNK_OK) m.st = at_arrays(&made, &m, op, x, idx, at, x->shape.ndim, err);
    return ops_give(out, &m, ops_own(&m, m.st, &made));
}

const chk_op chk_op_take_along_axis = {
    .name = "take_along_axis",
    .family = "indexing",
    .summary = "x at indices along an axis, the other indices being its own",
    .doc = "indices: as many dimensions as x; along other axes as long as x, or 1. Memory and errors as for index.",
    .params = {OPS_X, {"indices", CHK_PAR_ARRAY, NULL, false}, {"axis", CHK_PAR_INT, "-1", false}},
    .build = build_take_along,
    .make = ops_make_gather,
    .look = ops_look_at_indices,
    .local = &ops_gather_local,
};
