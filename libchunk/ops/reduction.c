/* reduction.c: sums, extremes, places, means and variances.
 *
 * Sums of floats run in float64 and are rounded once to the result's dtype, so that float16 and float32 lose nothing on the way; integers are
 * exact, wrapping at 64 bits. All follow the fixed tree of leaves: the same bits whatever the threads and the ceiling. */
#include <string.h>

#include "ops/reduce.h"

/* The arguments that all reductions have. */
typedef struct red_args {
    chk_node *x;
    uint32_t axes;
    int64_t n; /* elements that go into one result */
    bool keepdims, has_dtype;
    chk_dtype dtype;
    double correction;
} red_args;

static chunk_status read_args(red_args *r, const chk_op *op, const chk_value *args, chunk_error *err)
{
    static const chk_value missing = {.kind = CHK_VAL_MISSING};
    const chk_value *axis = &missing;
    for (int i = 1; i < CHK_MAX_PARAMS && op->params[i].kind != CHK_PAR_END; i++) {
        const char *name = op->params[i].name;
        if (!strcmp(name, "axis"))
            axis = &args[i];
        else if (!strcmp(name, "keepdims"))
            CHK_TRY(ops_arg_bool(&r->keepdims, &args[i], false, op->name, name, err));
        else if (!strcmp(name, "dtype"))
            CHK_TRY(ops_arg_dtype(&r->dtype, &r->has_dtype, &args[i], op->name, err));
        else if (!strcmp(name, "correction"))
            CHK_TRY(ops_arg_real(&r->correction, &args[i], 0, op->name, name, err));
    }
    return chk_value_axes(&r->axes, axis, r->x->shape.ndim, op->name, err);
}

/* All zero, and m's failure set, where an argument is no good. */
static red_args get_args(ops_maker *m, const chk_op *op, const chk_value *args)
{
    red_args r = {.x = ops_value(m, &args[0], op->name), .dtype = CHK_F64};
    if (r.x && r.x->weak) r.x = ops_cast(m, r.x, ops_result_type(&r.x, 1));
    if (r.x) m->st = read_args(&r, op, args, m->err);
    if (m->st != CHUNK_OK) return (red_args){.n = 0};
    chk_shape reduced = {.ndim = 0};
    for (int a = 0; a < r.x->shape.ndim; a++)
        if (r.axes >> a & 1) reduced.dim[reduced.ndim++] = r.x->shape.dim[a];
    r.n = chk_shape_count(&reduced);
    return r;
}

static chk_node *reduce(ops_maker *m, chk_red red, chk_node *x, const red_args *r)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK
               ? NULL
               : ops_own(m, chk_node_reduce(&made, m->b, red, NULL, x, r->axes, r->keepdims, r->correction, m->err), &made);
}

/* Integers have no NaN: the plain form does. */
static chk_red plain_where_exact(chk_red red, chk_dtype d)
{
    if (!ops_is_whole(d)) return red;
    switch (red) {
    case CHK_RED_NANSUM: return CHK_RED_SUM;
    case CHK_RED_NANPROD: return CHK_RED_PROD;
    case CHK_RED_FMIN: return CHK_RED_MIN;
    case CHK_RED_FMAX: return CHK_RED_MAX;
    case CHK_RED_NANARGMIN: return CHK_RED_ARGMIN;
    case CHK_RED_NANARGMAX: return CHK_RED_ARGMAX;
    case CHK_RED_NANVAR: return CHK_RED_VAR;
    default: return red;
    }
}

static chk_dtype sum_dtype(chk_dtype d)
{
    chk_kind k = chk_dtype_kind(d);
    return k == CHK_KIND_BOOL || k == CHK_KIND_INT ? CHK_I64 : k == CHK_KIND_UINT ? CHK_U64 : d;
}

chunk_status ops_build_sum(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    red_args r = get_args(&m, op, args);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    bool product = op->red == CHK_RED_PROD || op->red == CHK_RED_NANPROD,
         skips_nan = op->red == CHK_RED_NANSUM || op->red == CHK_RED_NANPROD;
    chk_dtype result = r.has_dtype ? r.dtype : sum_dtype(r.x->dtype);
    /* A cast to integers would hide NaN before it can be left out. */
    if (skips_nan && !ops_is_whole(r.x->dtype) && ops_is_whole(result))
        m.st = chk_fail(err, CHUNK_ETYPE, "%s: dtype %s has no NaN to leave out; cast the result instead", op->name,
                        chk_dtype_name(result));
    chk_node *x = r.has_dtype ? ops_cast(&m, r.x, result) : r.x;
    chk_red red = result == CHK_BOOL ? (product ? CHK_RED_ALL : CHK_RED_ANY) : plain_where_exact(op->red, x ? x->dtype : CHK_F64);
    return ops_give(out, &m, ops_cast(&m, reduce(&m, red, x, &r), result));
}

static chk_node *extreme(ops_maker *m, const chk_op *op, chk_red red, const red_args *r)
{
    if (m->st == CHUNK_OK && r->n == 0)
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: no elements along the reduced axes, and no value to start from", op->name);
    if (m->st != CHUNK_OK) return NULL;
    return ops_cast(m, reduce(m, plain_where_exact(red, r->x->dtype), r->x, r), r->x->dtype);
}

chunk_status ops_build_extreme(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    red_args r = get_args(&m, op, args);
    return ops_give(out, &m, extreme(&m, op, op->red, &r));
}

chunk_status ops_build_place(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    if (args[1].kind == CHK_VAL_TUPLE)
        return chk_fail(err, CHUNK_ETYPE, "%s: axis must be an integer or None, got a tuple", op->name);
    ops_maker m = ops_make(b, err);
    red_args r = get_args(&m, op, args);
    if (m.st == CHUNK_OK && r.n == 0) m.st = chk_fail(err, CHUNK_ESHAPE, "%s: no elements along the axis", op->name);
    return ops_give(out, &m, m.st == CHUNK_OK ? reduce(&m, plain_where_exact(op->red, r.x->dtype), r.x, &r) : NULL);
}

/* How many elements a result counts, as float64: a constant, or for the nan form those that are not NaN. */
static chk_node *count(ops_maker *m, bool skips_nan, const red_args *r)
{
    if (!skips_nan) return ops_number(m, CHK_F64, (double)r->n);
    chk_node *is_nan = ops_apply(m, CHK_FN_ISNAN, r->x->dtype, r->x, NULL, NULL);
    return ops_cast(m, reduce(m, CHK_RED_COUNT, ops_apply(m, CHK_FN_NOT, CHK_BOOL, is_nan, NULL, NULL), r), CHK_F64);
}

chunk_status ops_build_mean(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    red_args r = get_args(&m, op, args);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    bool skips_nan = op->red == CHK_RED_NANSUM && !ops_is_whole(r.x->dtype);
    chk_dtype result = r.has_dtype ? r.dtype : ops_is_whole(r.x->dtype) ? CHK_F64 : r.x->dtype;
    if (skips_nan && ops_is_whole(result))
        m.st = chk_fail(err, CHUNK_ETYPE, "%s: dtype %s has no NaN to leave out; cast the result instead", op->name,
                        chk_dtype_name(result));
    chk_node *x = ops_cast(&m, r.x, result);
    chk_node *sum = reduce(&m, plain_where_exact(op->red, result), x, &r);
    chk_dtype d = chk_dtype_kind(result) == CHK_KIND_COMPLEX ? CHK_C128 : CHK_F64;
    return ops_give(out, &m, ops_cast(&m, ops_apply(&m, CHK_FN_DIV, d, sum, count(&m, skips_nan, &r), NULL), result));
}

chunk_status ops_build_var(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    red_args r = get_args(&m, op, args);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    if (r.has_dtype && ops_is_whole(r.dtype))
        m.st = chk_fail(err, CHUNK_ETYPE, "%s: dtype must be a float or complex dtype, got %s", op->name, chk_dtype_name(r.dtype));
    chk_dtype d = r.has_dtype ? r.dtype : ops_is_whole(r.x->dtype) ? CHK_F64 : r.x->dtype;
    chk_node *v = reduce(&m, plain_where_exact(op->red, r.x->dtype), ops_cast(&m, r.x, d), &r);
    if (op->flags & OPS_ROOT) v = ops_apply(&m, CHK_FN_SQRT, CHK_F64, v, NULL, NULL);
    return ops_give(out, &m, ops_cast(&m, v, r.has_dtype ? d : chk_dtype_real_of(d)));
}

chunk_status ops_build_truth(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    red_args r = get_args(&m, op, args);
    return ops_give(out, &m, reduce(&m, op->red, r.x, &r));
}

static chunk_status build_ptp(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    red_args r = get_args(&m, op, args);
    if (r.x && r.x->dtype == CHK_BOOL) m.st = ops_not_for(op, r.x->dtype, err);
    chk_node *hi = extreme(&m, op, CHK_RED_MAX, &r), *lo = extreme(&m, op, CHK_RED_MIN, &r);
    return ops_give(out, &m, ops_apply(&m, CHK_FN_SUB, r.x ? r.x->dtype : CHK_F64, hi, lo, NULL));
}

#define REDUCTION .family = "reduction"

const chk_op chk_op_sum = {
    .name = "sum",
    .summary = "Sum over axes",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS},
    .red = CHK_RED_SUM,
    .build = ops_build_sum,
    .doc = "Integers and bool in 64 bits, wrapping; floats in float64, rounded once to the result's dtype. Of no elements: 0.",
};
const chk_op chk_op_prod = {
    .name = "prod",
    .summary = "Product over axes",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS},
    .red = CHK_RED_PROD,
    .build = ops_build_sum,
    .doc = "As sum. Of no elements: 1.",
};
const chk_op chk_op_min = {
    .name = "min",
    .aliases = "amin",
    .summary = "Smallest value over axes; NaN wins",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_MIN,
    .build = ops_build_extreme,
    .doc = "Of no elements: an error.",
};
const chk_op chk_op_max = {
    .name = "max",
    .aliases = "amax",
    .summary = "Largest value over axes; NaN wins",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_MAX,
    .build = ops_build_extreme,
    .doc = "Of no elements: an error.",
};
const chk_op chk_op_ptp = {
    .name = "ptp",
    .summary = "Largest minus smallest value over axes",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .build = build_ptp,
};
const chk_op chk_op_mean = {
    .name = "mean",
    .summary = "Mean over axes",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS},
    .red = CHK_RED_SUM,
    .build = ops_build_mean,
    .doc = "Sum and division in float64, rounded once. Of no elements: NaN.",
};
const chk_op chk_op_var = {
    .name = "var",
    .summary = "Variance over axes",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_CORRECTION, OPS_KEEPDIMS},
    .red = CHK_RED_VAR,
    .build = ops_build_var,
    .doc = "Divided by n - correction (ddof is the same). Means and squares of differences are merged in float64.",
};
const chk_op chk_op_std = {
    .name = "std",
    .summary = "Standard deviation over axes",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_CORRECTION, OPS_KEEPDIMS},
    .red = CHK_RED_VAR,
    .flags = OPS_ROOT,
    .build = ops_build_var,
    .doc = "The square root of var.",
};
const chk_op chk_op_any = {
    .name = "any",
    .summary = "Is any element not zero",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_ANY,
    .build = ops_build_truth,
    .doc = "NaN is not zero. Of no elements: False.",
};
const chk_op chk_op_all = {
    .name = "all",
    .summary = "Are all elements not zero",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_ALL,
    .build = ops_build_truth,
    .doc = "Of no elements: True.",
};
const chk_op chk_op_count_nonzero = {
    .name = "count_nonzero",
    .summary = "How many elements are not zero",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_COUNT,
    .build = ops_build_truth,
};
const chk_op chk_op_argmin = {
    .name = "argmin",
    .summary = "Index of the smallest value along an axis, or of the whole array in C order",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_ARGMIN,
    .build = ops_build_place,
    .doc = "The first of equal ones; the first NaN wins.",
};
const chk_op chk_op_argmax = {
    .name = "argmax",
    .summary = "Index of the largest value along an axis, or of the whole array in C order",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_ARGMAX,
    .build = ops_build_place,
    .doc = "The first of equal ones; the first NaN wins.",
};
