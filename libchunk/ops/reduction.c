/* reduction.c: sums, extremes, places, means and variances.
 *
 * Sums of floats run in float64 and are rounded once to the result's dtype, so that float16 and float32 lose nothing on the way; integers are
 * exact, wrapping at 64 bits. All follow the fixed tree of leaves: the same bits whatever the threads and the ceiling. */
#include <string.h>

#include "ops/reduce.h"

bool ops_is_real_or_complex(chk_dtype d)
{
    chk_kind k = chk_dtype_kind(d);
    return k == CHK_KIND_FLOAT || k == CHK_KIND_COMPLEX;
}

static chunk_status fill_args(ops_red_args *r, const chk_op *op, const chk_value *args, chunk_error *err)
{
    static const chk_value missing = {.kind = CHK_VAL_MISSING};
    const chk_value *axis = &missing;
    for (int i = 1; i < CHK_MAX_PARAMS && op->params[i].kind != CHK_PAR_END; i++) {
        const char *name = op->params[i].name;
        if (!strcmp(name, "axis")) axis = &args[i];
        else if (!strcmp(name, "keepdims")) CHK_TRY(ops_arg_bool(&r->keepdims, &args[i], false, op->name, name, err));
        else if (!strcmp(name, "dtype")) CHK_TRY(ops_arg_dtype(&r->dtype, &r->has_dtype, &args[i], op->name, err));
        else if (!strcmp(name, "correction")) CHK_TRY(ops_arg_real(&r->correction, &args[i], 0, op->name, name, err));
    }
    return chk_value_axes(&r->axes, axis, r->x->shape.ndim, op->name, err);
}

chunk_status ops_red_args_get(ops_red_args *r, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    memset(r, 0, sizeof *r);
    CHK_TRY(chk_value_node(&r->x, b, &args[0], op->name, err));
    chunk_status st = r->x->weak ? ops_cast_to(&r->x, b, ops_result_type(&r->x, 1), err) : CHUNK_OK;
    if (st == CHUNK_OK) st = fill_args(r, op, args, err);
    if (st != CHUNK_OK) {
        chk_node_release(r->x);
        return st;
    }
    chk_shape reduced = {.ndim = 0};
    for (int a = 0; a < r->x->shape.ndim; a++)
        if (r->axes >> a & 1) reduced.dim[reduced.ndim++] = r->x->shape.dim[a];
    r->n = chk_shape_count(&reduced);
    return CHUNK_OK;
}

chunk_status ops_red_node(chk_node **out, chk_builder *b, chk_red red, chk_node *in, const ops_red_args *r, chunk_error *err)
{
    return chk_node_reduce(out, b, red, NULL, in, r->axes, r->keepdims, r->correction, err);
}

/* Integers have no NaN: the plain form does. */
static chk_red plain_where_exact(chk_red red, chk_dtype d)
{
    if (ops_is_real_or_complex(d)) return red;
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

static chunk_status sum_of(chk_node **out, chk_builder *b, chk_red red, ops_red_args *r, chunk_error *err)
{
    bool product = red == CHK_RED_PROD || red == CHK_RED_NANPROD;
    chk_dtype result = r->has_dtype ? r->dtype : sum_dtype(r->x->dtype);
    /* NaN is left out before a cast could hide it. */
    bool to_exact = r->has_dtype && ops_is_real_or_complex(r->x->dtype) && !ops_is_real_or_complex(r->dtype);
    if (to_exact && red != CHK_RED_SUM && red != CHK_RED_PROD)
        return chk_fail(err, CHUNK_ETYPE, "sum without NaN: dtype %s cannot be asked for from %s", chk_dtype_name(r->dtype), chk_dtype_name(r->x->dtype));
    if (r->has_dtype) CHK_TRY(ops_cast_to(&r->x, b, r->dtype, err));
    red = plain_where_exact(red, r->x->dtype);
    if (result == CHK_BOOL) red = product ? CHK_RED_ALL : CHK_RED_ANY;
    CHK_TRY(ops_red_node(out, b, red, r->x, r, err));
    return ops_cast_to(out, b, result, err);
}

chunk_status ops_build_sum(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_red_args r;
    CHK_TRY(ops_red_args_get(&r, b, op, args, err));
    chunk_status st = sum_of(out, b, op->red, &r, err);
    chk_node_release(r.x);
    return st;
}

static chunk_status extreme_of(chk_node **out, chk_builder *b, const chk_op *op, chk_red red, const ops_red_args *r, chunk_error *err)
{
    if (r->n == 0) return chk_fail(err, CHUNK_ESHAPE, "%s: no elements along the reduced axes, and no value to start from", op->name);
    CHK_TRY(ops_red_node(out, b, plain_where_exact(red, r->x->dtype), r->x, r, err));
    return ops_cast_to(out, b, r->x->dtype, err);
}

chunk_status ops_build_extreme(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_red_args r;
    CHK_TRY(ops_red_args_get(&r, b, op, args, err));
    chunk_status st = extreme_of(out, b, op, op->red, &r, err);
    chk_node_release(r.x);
    return st;
}

chunk_status ops_build_place(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_red_args r;
    if (args[1].kind == CHK_VAL_TUPLE) return chk_fail(err, CHUNK_ETYPE, "%s: axis must be an integer or None, got a tuple", op->name);
    CHK_TRY(ops_red_args_get(&r, b, op, args, err));
    chunk_status st = r.n == 0 ? chk_fail(err, CHUNK_ESHAPE, "%s: no elements along the axis", op->name)
                               : ops_red_node(out, b, plain_where_exact(op->red, r.x->dtype), r.x, &r, err);
    chk_node_release(r.x);
    return st;
}

/* How many elements a result counts, as float64: a constant, or for the nan form those that are not NaN. */
static chunk_status count_of(chk_node **out, chk_builder *b, bool not_nan, const ops_red_args *r, chunk_error *err)
{
    if (!not_nan) return ops_real(out, b, CHK_F64, (double)r->n, err);
    chk_node *y;
    CHK_TRY(ops_map1(&y, b, CHK_FN_ISNAN, r->x->dtype, r->x, err));
    chunk_status st = ops_then(&y, b, CHK_FN_NOT, CHK_BOOL, NULL, err);
    if (st == CHUNK_OK) st = ops_red_node(out, b, CHK_RED_COUNT, y, r, err);
    chk_node_release(y);
    return st == CHUNK_OK ? ops_cast_to(out, b, CHK_F64, err) : st;
}

static chunk_status mean_of(chk_node **out, chk_builder *b, chk_red red, ops_red_args *r, chunk_error *err)
{
    chk_dtype result = r->has_dtype ? r->dtype : ops_is_real_or_complex(r->x->dtype) ? r->x->dtype : CHK_F64;
    bool not_nan = red == CHK_RED_NANSUM && ops_is_real_or_complex(r->x->dtype);
    chk_node *count, *sum;
    CHK_TRY(count_of(&count, b, not_nan, r, err));
    chunk_status st = ops_cast_to(&r->x, b, result, err);
    if (st == CHUNK_OK) st = ops_red_node(&sum, b, plain_where_exact(red, r->x->dtype), r->x, r, err);
    if (st == CHUNK_OK) {
        bool is_complex = chk_dtype_kind(sum->dtype) == CHK_KIND_COMPLEX;
        st = ops_then(&sum, b, CHK_FN_DIV, is_complex ? CHK_C128 : CHK_F64, count, err);
        if (st == CHUNK_OK) st = ops_cast_to(&sum, b, result, err);
        if (st == CHUNK_OK) *out = sum;
        else chk_node_release(sum);
    }
    chk_node_release(count);
    return st;
}

chunk_status ops_build_mean(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_red_args r;
    CHK_TRY(ops_red_args_get(&r, b, op, args, err));
    chunk_status st = mean_of(out, b, op->red, &r, err);
    chk_node_release(r.x);
    return st;
}

static chunk_status var_of(chk_node **out, chk_builder *b, const chk_op *op, ops_red_args *r, chunk_error *err)
{
    chk_dtype d = r->has_dtype ? r->dtype : r->x->dtype;
    if (r->has_dtype && !ops_is_real_or_complex(d)) return chk_fail(err, CHUNK_ETYPE, "%s: dtype must be a float or complex dtype, got %s", op->name, chk_dtype_name(d));
    chk_dtype result = chk_dtype_real_of(ops_is_real_or_complex(d) ? d : CHK_F64);
    chk_red red = plain_where_exact(op->red, r->x->dtype);
    CHK_TRY(ops_cast_to(&r->x, b, ops_is_real_or_complex(d) ? d : CHK_F64, err));
    CHK_TRY(ops_red_node(out, b, red, r->x, r, err));
    chunk_status st = op->flags & OPS_ROOT ? ops_then(out, b, CHK_FN_SQRT, CHK_F64, NULL, err) : CHUNK_OK;
    return st == CHUNK_OK ? ops_cast_to(out, b, result, err) : st;
}

chunk_status ops_build_var(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_red_args r;
    CHK_TRY(ops_red_args_get(&r, b, op, args, err));
    chunk_status st = var_of(out, b, op, &r, err);
    chk_node_release(r.x);
    return st;
}

chunk_status ops_build_truth(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_red_args r;
    CHK_TRY(ops_red_args_get(&r, b, op, args, err));
    chunk_status st = ops_red_node(out, b, op->red, r.x, &r, err);
    chk_node_release(r.x);
    return st;
}

static chunk_status build_ptp(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_red_args r;
    CHK_TRY(ops_red_args_get(&r, b, op, args, err));
    chk_node *hi = NULL, *lo = NULL;
    chunk_status st = r.x->dtype == CHK_BOOL ? ops_not_for(op, r.x->dtype, err) : extreme_of(&hi, b, op, CHK_RED_MAX, &r, err);
    if (st == CHUNK_OK) st = extreme_of(&lo, b, op, CHK_RED_MIN, &r, err);
    if (st == CHUNK_OK) st = ops_map2(out, b, CHK_FN_SUB, r.x->dtype, hi, lo, err);
    chk_node_release(hi);
    chk_node_release(lo);
    chk_node_release(r.x);
    return st;
}

#define REDUCTION .family = "reduction"

const chk_op chk_op_sum = {
    .name = "sum", .summary = "Sum over axes", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS}, .red = CHK_RED_SUM, .build = ops_build_sum,
    .doc = "Integers and bool in 64 bits, wrapping; floats in float64, rounded once to the result's dtype. Of no elements: 0.",
};
const chk_op chk_op_prod = {
    .name = "prod", .summary = "Product over axes", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS}, .red = CHK_RED_PROD,
    .build = ops_build_sum, .doc = "As sum. Of no elements: 1.",
};
const chk_op chk_op_min = {
    .name = "min", .aliases = "amin", .summary = "Smallest value over axes; NaN wins", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_MIN, .build = ops_build_extreme, .doc = "Of no elements: an error.",
};
const chk_op chk_op_max = {
    .name = "max", .aliases = "amax", .summary = "Largest value over axes; NaN wins", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_MAX, .build = ops_build_extreme, .doc = "Of no elements: an error.",
};
const chk_op chk_op_ptp = {
    .name = "ptp", .summary = "Largest minus smallest value over axes", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS}, .build = build_ptp,
};
const chk_op chk_op_mean = {
    .name = "mean", .summary = "Mean over axes", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS}, .red = CHK_RED_SUM,
    .build = ops_build_mean, .doc = "Sum and division in float64, rounded once. Of no elements: NaN.",
};
const chk_op chk_op_var = {
    .name = "var", .summary = "Variance over axes", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_CORRECTION, OPS_KEEPDIMS}, .red = CHK_RED_VAR,
    .build = ops_build_var, .doc = "Divided by n - correction (ddof is the same). Means and squares of differences are merged in float64.",
};
const chk_op chk_op_std = {
    .name = "std", .summary = "Standard deviation over axes", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_CORRECTION, OPS_KEEPDIMS},
    .red = CHK_RED_VAR, .flags = OPS_ROOT, .build = ops_build_var, .doc = "The square root of var.",
};
const chk_op chk_op_any = {
    .name = "any", .summary = "Is any element not zero", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS}, .red = CHK_RED_ANY, .build = ops_build_truth,
    .doc = "NaN is not zero. Of no elements: False.",
};
const chk_op chk_op_all = {
    .name = "all", .summary = "Are all elements not zero", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS}, .red = CHK_RED_ALL, .build = ops_build_truth,
    .doc = "Of no elements: True.",
};
const chk_op chk_op_count_nonzero = {
    .name = "count_nonzero", .summary = "How many elements are not zero", REDUCTION, .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS}, .red = CHK_RED_COUNT,
    .build = ops_build_truth,
};
const chk_op chk_op_argmin = {
    .name = "argmin", .summary = "Index of the smallest value along an axis, or of the whole array in C order", REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS}, .red = CHK_RED_ARGMIN, .build = ops_build_place, .doc = "The first of equal ones; the first NaN wins.",
};
const chk_op chk_op_argmax = {
    .name = "argmax", .summary = "Index of the largest value along an axis, or of the whole array in C order", REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS}, .red = CHK_RED_ARGMAX, .build = ops_build_place, .doc = "The first of equal ones; the first NaN wins.",
};
