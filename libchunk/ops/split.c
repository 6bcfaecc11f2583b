/* split.c: an array in parts along an axis: views. Operations with several results; part picks one. */
#include "ops/make.h"

enum { MOST_PARTS = 1 << 12 };

/* flags: what kind of split. */
enum { SPLIT, ARRAY_SPLIT, HSPLIT, VSPLIT, DSPLIT };

static int64_t clamped(int64_t i, int64_t n)
{
    if (i < 0) i += n;
    return i < 0 ? 0 : i > n ? n : i;
}

/* The axis and number of parts; bounds of part `part`. args: x, sections, (axis,) part. */
static chunk_status part_of(int *axis, int *n_parts, int64_t part, int64_t *lo, int64_t *hi, const chk_node *x, const chk_op *op,
                            const chk_value *args, chunk_error *err)
{
    int64_t want = 0;
    bool has_axis = op->flags == SPLIT || op->flags == ARRAY_SPLIT;
    int fixed = op->flags == DSPLIT ? 2 : op->flags == HSPLIT && x->shape.ndim != 1, least = op->flags == DSPLIT   ? 3
                                                                                             : op->flags == VSPLIT ? 2
                                                                                                                   : 1;
    if (x->shape.ndim < least)
        return chk_fail(err, CHUNK_ESHAPE, "%s: needs at least %d dimension%s, got %d", op->name, least, least == 1 ? "" : "s",
                        x->shape.ndim);
    if (has_axis) CHK_TRY(ops_arg_int(&want, &args[2], 0, op->name, "axis", err));
    CHK_TRY(chk_axis_normal(axis, has_axis ? want : fixed, x->shape.ndim, op->name, err));
    int64_t length = x->shape.dim[*axis], n;
    const chk_value *v = &args[1];
    if (v->kind == CHK_VAL_TUPLE) {
        n = (int64_t)v->u.tuple.n + 1;
        int64_t at[2] = {0, length};
        for (int i = 0; i < 2 && part >= 0 && part < n; i++) {
            int64_t k = part - 1 + i, bound = 0;
            if (k < 0 || k >= v->u.tuple.n) continue;
            CHK_TRY(chk_value_int(&bound, &v->u.tuple.item[k], op->name, "indices", err));
            at[i] = clamped(bound, length);
        }
        *lo = at[0];
        *hi = at[1] > at[0] ? at[1] : at[0];
    } else {
        CHK_TRY(chk_value_int(&n, v, op->name, "indices_or_sections", err));
        if (n < 1) return chk_fail(err, CHUNK_EINVAL, "%s: %lld sections: there must be at least one", op->name, (long long)n);
        if (op->flags != ARRAY_SPLIT && length % n)
            return chk_fail(err, CHUNK_EINVAL, "%s: %lld sections do not divide length %lld evenly: use array_split", op->name,
                            (long long)n, (long long)length);
        int64_t each = length / n, more = length % n;
        *lo = part * each + (part < more ? part : more);
        *hi = *lo + each + (part < more);
    }
    if (n > MOST_PARTS)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "%s: %lld parts, at most %d at once: slice x instead", op->name, (long long)n,
                        MOST_PARTS);
    *n_parts = (int)n;
    return CHUNK_OK;
}

static chunk_status part_number(int64_t *part, int n, const chk_value *v, const char *who, chunk_error *err)
{
    if (ops_absent(v)) return chk_fail(err, CHUNK_EINVAL, "%s: has several results: say which with part=", who);
    CHK_TRY(chk_value_int(part, v, who, "part", err));
    if (*part < -n || *part >= n) return chk_fail(err, CHUNK_EINDEX, "%s: part %lld of %d", who, (long long)*part, n);
    if (*part < 0) *part += n;
    return CHUNK_OK;
}

static int part_arg(const chk_op *op) { return op->flags == SPLIT || op->flags == ARRAY_SPLIT ? 3 : 2; }

static chunk_status count_parts(int *n, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    int axis;
    int64_t lo, hi;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = part_of(&axis, n, 0, &lo, &hi, x, op, args, err);
    chk_node_release(x);
    return st;
}

static chunk_status build_split(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int axis = 0, n = 0;
    int64_t part = 0, lo = 0, hi = 0;
    if (x) m.st = part_of(&axis, &n, 0, &lo, &hi, x, op, args, err);
    if (m.st == CHUNK_OK) m.st = part_number(&part, n, &args[part_arg(op)], op->name, err);
    if (m.st == CHUNK_OK) m.st = part_of(&axis, &n, part, &lo, &hi, x, op, args, err);
    return ops_give(out, &m, m.st == CHUNK_OK ? ops_slice(&m, x, axis, lo, 1, hi - lo) : NULL);
}

#define SECTIONS                                                                                                                   \
    OPS_X, { "indices_or_sections", CHK_PAR_SHAPE, NULL, false }
#define PART                                                                                                                       \
    {                                                                                                                              \
        "part", CHK_PAR_INT, "None", true                                                                                          \
    }
#define DOC                                                                                                                        \
    "indices_or_sections: how many parts, or a tuple of the indices where they begin. In text the value is a tuple of all parts: " \
    "split(x, 3)[1], "                                                                                                             \
    "concat(split(x, 3)); in calls part says which. Views."

const chk_op chk_op_split = {.name = "split",
                             .family = "joining",
                             .summary = "x in equal parts along an axis, or cut at indices",
                             .doc = DOC,
                             .params = {SECTIONS, {"axis", CHK_PAR_INT, "0", false}, PART},
                             .build = build_split,
                             .several = count_parts,
                             .flags = SPLIT};
const chk_op chk_op_array_split = {.name = "array_split",
                                   .family = "joining",
                                   .summary = "x in parts along an axis, the first ones longer by one where it cannot be even",
                                   .doc = DOC,
                                   .params = {SECTIONS, {"axis", CHK_PAR_INT, "0", false}, PART},
                                   .build = build_split,
                                   .several = count_parts,
                                   .flags = ARRAY_SPLIT};
const chk_op chk_op_hsplit = {.name = "hsplit",
                              .family = "joining",
                              .summary = "split along the second axis, or the only one",
                              .doc = DOC,
                              .params = {SECTIONS, PART},
                              .build = build_split,
                              .several = count_parts,
                              .flags = HSPLIT};
const chk_op chk_op_vsplit = {.name = "vsplit",
                              .family = "joining",
                              .summary = "split along the first axis",
                              .doc = DOC,
                              .params = {SECTIONS, PART},
                              .build = build_split,
                              .several = count_parts,
                              .flags = VSPLIT};
const chk_op chk_op_dsplit = {.name = "dsplit",
                              .family = "joining",
                              .summary = "split along the third axis",
                              .doc = DOC,
                              .params = {SECTIONS, PART},
                              .build = build_split,
                              .several = count_parts,
                              .flags = DSPLIT};

/* ---- unstack */

static chunk_status unstack_axis(int *axis, int *n, const chk_node *x, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int64_t want;
    CHK_TRY(ops_arg_int(&want, &args[1], 0, op->name, "axis", err));
    CHK_TRY(chk_axis_normal(axis, want, x->shape.ndim, op->name, err));
    if (x->shape.dim[*axis] > MOST_PARTS)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "unstack: %lld arrays, at most %d at once: index x instead",
                        (long long)x->shape.dim[*axis], MOST_PARTS);
    *n = (int)x->shape.dim[*axis];
    return CHUNK_OK;
}

static chunk_status count_unstacked(int *n, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    int axis;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = unstack_axis(&axis, n, x, op, args, err);
    chk_node_release(x);
    return st;
}

static chunk_status build_unstack(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int axis = 0, n = 0;
    int64_t part = 0;
    if (x) m.st = unstack_axis(&axis, &n, x, op, args, err);
    if (m.st == CHUNK_OK) m.st = part_number(&part, n, &args[2], op->name, err);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    chk_view v = {.shape = {.ndim = x->shape.ndim - 1}, .base_ndim = x->shape.ndim};
    for (int a = 0; a < x->shape.ndim; a++) {
        v.axis[a] = a == axis ? -1 : a - (a > axis);
        v.off[a] = a == axis ? part : 0;
        v.step[a] = a != axis;
        if (a != axis) v.shape.dim[v.axis[a]] = x->shape.dim[a];
    }
    return ops_give(out, &m, ops_view(&m, x, &v));
}

const chk_op chk_op_unstack = {
    .name = "unstack",
    .family = "joining",
    .summary = "The arrays that lie beside each other along an axis",
    .doc = "In text the value is a tuple of all: unstack(x)[1] is x[1]; in calls part says which. Views; at most 4,096.",
    .params = {OPS_X, {"axis", CHK_PAR_INT, "0", false}, PART},
    .build = build_unstack,
    .several = count_unstacked,
};
