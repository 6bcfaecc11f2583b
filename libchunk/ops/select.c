/* select.c: choosing between values: where, clip, nan_to_num, isclose. */
#include <float.h>
#include <math.h>

#include "ops/make.h"

static chunk_status build_where(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *c = ops_value(&m, &args[0], op->name),
             *in[2] = {ops_value(&m, &args[1], op->name), ops_value(&m, &args[2], op->name)};
    chk_dtype d = m.st == CHUNK_OK ? ops_result_type(in, 2) : CHK_F64;
    return ops_give(out, &m, ops_apply(&m, CHK_FN_WHERE, d, c, in[0], in[1]));
}

const chk_op chk_op_where = {
    .name = "where",
    .summary = "x1 where condition holds, x2 elsewhere",
    .family = "selection",
    .params = {{"condition", CHK_PAR_ARRAY, NULL, false}, OPS_X1_X2},
    .build = build_where,
    .doc = "A condition that is not bool holds where it is not zero. Both sides are computed.",
};

/* A plain integer that every value of x's integer dtype keeps to anyway is no limit; it need not fit the dtype. */
static bool is_no_limit(const chk_node *x, const chk_node *limit, bool upper)
{
    if (x->weak || !limit->weak || chk_dtype_kind(x->dtype) == CHK_KIND_BOOL || !ops_is_whole(x->dtype) ||
        !ops_is_whole(limit->dtype))
        return false;
    __int128 lo, hi, v = limit->dtype == CHK_U64 ? (__int128)limit->u.scalar.v.u64 : (__int128)limit->u.scalar.v.i64;
    ops_int_range(x->dtype, &lo, &hi);
    return upper ? v >= hi : v <= lo;
}

static bool is_single(const chk_node *x) { return x && chk_shape_count(&x->shape) == 1; }

/* Zeros of two signs are equal, and the kernels of two equal values give the second one. NumPy's clip keeps x's between two single limits, and of
 * float16 always; else it gives the limit's. */
static chunk_status build_clip(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *in[3] = {ops_value(&m, &args[0], op->name)};
    chk_fn fn[3];
    int n = 1;
    for (int i = 1; i < 3; i++) {
        if (ops_absent(&args[i])) continue;
        fn[n] = i == 1 ? CHK_FN_MAX : CHK_FN_MIN;
        in[n] = ops_value(&m, &args[i], op->name);
        if (m.st != CHUNK_OK || !is_no_limit(in[0], in[n], i == 2)) n++;
    }
    chk_dtype d = m.st == CHUNK_OK ? ops_result_type(in, n) : CHK_F64;
    chk_node *y = in[0];
    bool x_stays = d == CHK_F16 || (n == 3 && is_single(in[1]) && is_single(in[2]) && chk_dtype_kind(d) != CHK_KIND_COMPLEX);
    for (int i = 1; i < n; i++) y = x_stays ? ops_apply(&m, fn[i], d, in[i], y, NULL) : ops_apply(&m, fn[i], d, y, in[i], NULL);
    return ops_give(out, &m, n == 1 ? ops_cast(&m, y, d) : y);
}

const chk_op chk_op_clip = {
    .name = "clip",
    .summary = "x limited to min and max; None is no limit",
    .family = "selection",
    .params = {OPS_X, {"min", CHK_PAR_ARRAY, "None", false}, {"max", CHK_PAR_ARRAY, "None", false}},
    .build = build_clip,
    .doc = "minimum(maximum(x, min), max): NaN stays NaN, and max wins where it is below min.",
};

/* The largest finite value of a real float dtype. */
static double largest(chk_dtype d) { return d == CHK_F16 ? 65504 : d == CHK_F32 ? FLT_MAX : DBL_MAX; }

/* Real x of dtype d with NaN, inf and -inf replaced by value[0], [1], [2]. */
static chk_node *replaced(ops_maker *m, chk_dtype d, chk_node *x, const double value[3])
{
    chk_node *is_nan = ops_apply(m, CHK_FN_ISNAN, d, x, NULL, NULL);
    chk_node *is_high = ops_apply(m, CHK_FN_EQ, d, x, ops_number(m, d, INFINITY), NULL);
    chk_node *is_low = ops_apply(m, CHK_FN_EQ, d, x, ops_number(m, d, -INFINITY), NULL);
    x = ops_apply(m, CHK_FN_WHERE, d, is_nan, ops_number(m, d, value[0]), x);
    x = ops_apply(m, CHK_FN_WHERE, d, is_high, ops_number(m, d, value[1]), x);
    return ops_apply(m, CHK_FN_WHERE, d, is_low, ops_number(m, d, value[2]), x);
}

static chk_node *replaced_parts(ops_maker *m, chk_dtype d, chk_node *x, const double value[3])
{
    chk_dtype real = chk_dtype_real_of(d);
    chk_node *re = replaced(m, real, ops_apply(m, CHK_FN_REAL, d, x, NULL, NULL), value);
    chk_node *im = replaced(m, real, ops_apply(m, CHK_FN_IMAG, d, x, NULL, NULL), value);
    return ops_from_parts(m, d, re, im);
}

static chunk_status build_nan_to_num(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_dtype d = x ? ops_result_type(&x, 1) : CHK_F64;
    double most = largest(chk_dtype_real_of(d)), value[3];
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&value[0], &args[1], 0, op->name, "nan", err);
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&value[1], &args[2], most, op->name, "posinf", err);
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&value[2], &args[3], -most, op->name, "neginf", err);
    if (m.st != CHUNK_OK || ops_is_whole(d)) return ops_give(out, &m, ops_cast(&m, x, d));
    bool is_complex = chk_dtype_kind(d) == CHK_KIND_COMPLEX;
    return ops_give(out, &m, is_complex ? replaced_parts(&m, d, x, value) : replaced(&m, d, x, value));
}

const chk_op chk_op_nan_to_num = {
    .name = "nan_to_num",
    .summary = "NaN and infinities replaced; None is the largest finite value",
    .family = "selection",
    .params = {OPS_X,
               {"nan", CHK_PAR_NUMBER, "0.0", false},
               {"posinf", CHK_PAR_NUMBER, "None", false},
               {"neginf", CHK_PAR_NUMBER, "None", false}},
    .build = build_nan_to_num,
    .doc = "Complex numbers are treated by parts.",
};

/* NumPy's formula: |x - y| <= atol + rtol * |y| where y is finite, or x == y. y is in floats of its own kind first. */
static chk_node *isclose(ops_maker *m, chk_node *x, chk_node *y, double rtol, double atol, bool equal_nan)
{
    chk_node *made = NULL, *pair[2] = {y, NULL};
    pair[1] = m->st != CHUNK_OK ? NULL : ops_own(m, chk_node_float(&made, m->b, 1, m->err), &made);
    chk_dtype dy = m->st == CHUNK_OK ? ops_result_type(pair, 2) : CHK_F64, ry = chk_dtype_real_of(dy);
    pair[0] = x;
    pair[1] = y = ops_cast(m, y, dy);
    chk_dtype d = m->st == CHUNK_OK ? ops_result_type(pair, 2) : CHK_F64;
    chk_node *scale = ops_apply(m, CHK_FN_MUL, ry, ops_number(m, ry, rtol), ops_apply(m, CHK_FN_ABS, dy, y, NULL, NULL), NULL);
    chk_node *limit = ops_apply(m, CHK_FN_ADD, ry, ops_number(m, ry, atol), scale, NULL);
    chk_node *gap = ops_apply(m, CHK_FN_ABS, d, ops_apply(m, CHK_FN_SUB, d, x, y, NULL), NULL, NULL);
    chk_node *near = ops_apply(m, CHK_FN_LE, chk_promote(chk_dtype_real_of(d), ry), gap, limit, NULL);
    near = ops_apply(m, CHK_FN_AND, CHK_BOOL, near, ops_apply(m, CHK_FN_ISFINITE, dy, y, NULL, NULL), NULL);
    near = ops_apply(m, CHK_FN_OR, CHK_BOOL, near, ops_apply(m, CHK_FN_EQ, d, x, y, NULL), NULL);
    if (!equal_nan) return near;
    chk_node *both = ops_apply(m, CHK_FN_AND, CHK_BOOL, ops_apply(m, CHK_FN_ISNAN, d, x, NULL, NULL),
                               ops_apply(m, CHK_FN_ISNAN, dy, y, NULL, NULL), NULL);
    return ops_apply(m, CHK_FN_OR, CHK_BOOL, near, both, NULL);
}

static chunk_status build_isclose(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    double rtol, atol;
    bool equal_nan;
    CHK_TRY(ops_arg_real(&rtol, &args[2], 1e-5, op->name, "rtol", err));
    CHK_TRY(ops_arg_real(&atol, &args[3], 1e-8, op->name, "atol", err));
    CHK_TRY(ops_arg_bool(&equal_nan, &args[4], false, op->name, "equal_nan", err));
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *y = ops_value(&m, &args[1], op->name);
    return ops_give(out, &m, isclose(&m, x, y, rtol, atol, equal_nan));
}

const chk_op chk_op_isclose = {
    .name = "isclose",
    .summary = "abs(x1 - x2) <= atol + rtol * abs(x2)",
    .family = "selection",
    .params = {OPS_X1_X2,
               {"rtol", CHK_PAR_NUMBER, "1e-05", false},
               {"atol", CHK_PAR_NUMBER, "1e-08", false},
               {"equal_nan", CHK_PAR_BOOL, "False", false}},
    .build = build_isclose,
    .doc = "Infinities are close to themselves only.",
};
