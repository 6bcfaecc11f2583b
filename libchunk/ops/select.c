/* select.c: choosing between values: where, clip, nan_to_num, isclose. */
#include <float.h>
#include <math.h>

#include "ops/common.h"

static chunk_status where_of(chk_node **out, chk_builder *b, chk_node *c, chk_node *x, chk_node *y, chunk_error *err)
{
    chk_node *in[3] = {c, x, y};
    return ops_map(out, b, CHK_FN_WHERE, ops_result_type(in + 1, 2), in, 3, err);
}

static chunk_status build_where(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_temps t = {.n = 0};
    chk_node *n;
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < 3 && st == CHUNK_OK; i++) {
        st = chk_value_node(&n, b, &args[i], op->name, err);
        if (st == CHUNK_OK) ops_hold(&t, n);
    }
    if (st == CHUNK_OK) st = where_of(out, b, t.node[0], t.node[1], t.node[2], err);
    ops_release(&t);
    return st;
}

const chk_op chk_op_where = {
    .name = "where", .summary = "x1 where condition holds, x2 elsewhere", .family = "selection",
    .params = {{"condition", CHK_PAR_ARRAY, NULL, false}, OPS_X1_X2}, .build = build_where,
    .doc = "A condition that is not bool holds where it is not zero. Both sides are computed.",
};

static chunk_status clip_to(chk_node **out, chk_builder *b, chk_node *x, chk_node *lo, chk_node *hi, chunk_error *err)
{
    chk_node *in[3] = {x}, *y;
    int n = 1;
    if (lo) in[n++] = lo;
    if (hi) in[n++] = hi;
    chk_dtype d = ops_result_type(in, n);
    CHK_TRY(ops_fit(&y, b, x, d, err));
    chunk_status st = CHUNK_OK;
    if (lo) st = ops_then(&y, b, CHK_FN_MAX, d, lo, err);
    if (st == CHUNK_OK && hi) st = ops_then(&y, b, CHK_FN_MIN, d, hi, err);
    if (st == CHUNK_OK) *out = y;
    else chk_node_release(y);
    return st;
}

static chunk_status build_clip(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *n[3] = {NULL};
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < 3 && st == CHUNK_OK; i++)
        if (i == 0 || !ops_absent(&args[i])) st = chk_value_node(&n[i], b, &args[i], op->name, err);
    if (st == CHUNK_OK) st = clip_to(out, b, n[0], n[1], n[2], err);
    for (int i = 0; i < 3; i++) chk_node_release(n[i]);
    return st;
}

const chk_op chk_op_clip = {
    .name = "clip", .summary = "x limited to min and max; None is no limit", .family = "selection",
    .params = {OPS_X, {"min", CHK_PAR_ARRAY, "None", false}, {"max", CHK_PAR_ARRAY, "None", false}}, .build = build_clip,
    .doc = "minimum(maximum(x, min), max): NaN stays NaN, and max wins where it is below min.",
};

/* The largest finite value of a real float dtype. */
static double largest(chk_dtype d) { return d == CHK_F16 ? 65504 : d == CHK_F32 ? FLT_MAX : DBL_MAX; }

/* Real x with NaN and the infinities replaced. *x is taken over. */
static chunk_status replace_special(chk_node **x, chk_builder *b, const double value[3], chunk_error *err)
{
    static const double special[3] = {0, INFINITY, -INFINITY};
    chk_dtype d = (*x)->dtype;
    for (int i = 0; i < 3; i++) {
        ops_temps t = {.n = 0};
        chk_node *mark, *with, *is, *r;
        chunk_status st = ops_real(&mark, b, d, special[i], err);
        if (st == CHUNK_OK) ops_hold(&t, mark), st = ops_real(&with, b, d, value[i], err);
        if (st == CHUNK_OK) ops_hold(&t, with), st = i == 0 ? ops_map1(&is, b, CHK_FN_ISNAN, d, *x, err) : ops_map2(&is, b, CHK_FN_EQ, d, *x, mark, err);
        if (st == CHUNK_OK) {
            chk_node *in[3] = {ops_hold(&t, is), with, *x};
            st = ops_map(&r, b, CHK_FN_WHERE, d, in, 3, err);
        }
        ops_release(&t);
        if (st != CHUNK_OK) return st;
        chk_node_release(*x);
        *x = r;
    }
    return CHUNK_OK;
}

/* re + im * 1j where x is not finite; x itself, with the signs of its zeros, where it is. */
static chunk_status join_parts(chk_node **out, chk_builder *b, chk_node *x, chk_node *re, chk_node *im, chunk_error *err)
{
    chk_dtype d = x->dtype;
    chk_node *unit, *y = NULL, *finite = NULL;
    chk_scalar i = {.dtype = CHK_C128, .v.c128 = {0, 1}};
    CHK_TRY(chk_node_scalar(&unit, b, &i, true, err));
    chunk_status st = ops_map2(&y, b, CHK_FN_MUL, d, im, unit, err);
    if (st == CHUNK_OK) st = ops_then(&y, b, CHK_FN_ADD, d, re, err);
    if (st == CHUNK_OK) st = ops_map1(&finite, b, CHK_FN_ISFINITE, d, x, err);
    if (st == CHUNK_OK) {
        chk_node *in[3] = {finite, x, y};
        st = ops_map(out, b, CHK_FN_WHERE, d, in, 3, err);
    }
    chk_node_release(unit);
    chk_node_release(y);
    chk_node_release(finite);
    return st;
}

static chunk_status nan_to_num(chk_node **out, chk_builder *b, chk_node *x, const double value[3], chunk_error *err)
{
    chk_kind k = chk_dtype_kind(x->dtype);
    if (k == CHK_KIND_FLOAT) {
        *out = chk_node_retain(x);
        chunk_status st = replace_special(out, b, value, err);
        if (st != CHUNK_OK) chk_node_release(*out);
        return st;
    }
    if (k != CHK_KIND_COMPLEX) {
        *out = chk_node_retain(x);
        return CHUNK_OK;
    }
    chk_node *part[2] = {NULL};
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < 2 && st == CHUNK_OK; i++) {
        st = ops_map1(&part[i], b, i ? CHK_FN_IMAG : CHK_FN_REAL, x->dtype, x, err);
        if (st == CHUNK_OK) st = replace_special(&part[i], b, value, err);
    }
    if (st == CHUNK_OK) st = join_parts(out, b, x, part[0], part[1], err);
    chk_node_release(part[0]);
    chk_node_release(part[1]);
    return st;
}

static chunk_status build_nan_to_num(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = x->weak ? ops_cast_to(&x, b, ops_result_type(&x, 1), err) : CHUNK_OK;
    double most = largest(chk_dtype_real_of(x->dtype)), value[3];
    if (st == CHUNK_OK) st = ops_arg_real(&value[0], &args[1], 0, op->name, "nan", err);
    if (st == CHUNK_OK) st = ops_arg_real(&value[1], &args[2], most, op->name, "posinf", err);
    if (st == CHUNK_OK) st = ops_arg_real(&value[2], &args[3], -most, op->name, "neginf", err);
    if (st == CHUNK_OK) st = nan_to_num(out, b, x, value, err);
    chk_node_release(x);
    return st;
}

const chk_op chk_op_nan_to_num = {
    .name = "nan_to_num", .summary = "NaN and infinities replaced; None is the largest finite value", .family = "selection",
    .params = {OPS_X, {"nan", CHK_PAR_NUMBER, "0.0", false}, {"posinf", CHK_PAR_NUMBER, "None", false}, {"neginf", CHK_PAR_NUMBER, "None", false}},
    .build = build_nan_to_num, .doc = "Complex numbers are treated by parts.",
};

/* NumPy's formula: |x - y| <= atol + rtol * |y| where y is finite, or x == y. */
static chunk_status isclose(chk_node **out, chk_builder *b, chk_node *x, chk_node *y, double rtol, double atol, bool equal_nan, chunk_error *err)
{
    ops_temps t = {.n = 0};
    chk_node *pair[2] = {x, y}, *one, *limit, *gap, *n;
    CHK_TRY(chk_node_float(&one, b, 1, err));
    chk_node *ones[2] = {y, ops_hold(&t, one)};
    chk_dtype dy = ops_result_type(ones, 2), d;
    chunk_status st = ops_fit(&n, b, y, dy, err);
    if (st == CHUNK_OK) ops_hold(&t, n), st = chk_node_cast(&n, b, n, dy, err);
    if (st != CHUNK_OK) goto done;
    pair[1] = y = ops_hold(&t, n);
    d = ops_result_type(pair, 2);
    chk_dtype real = chk_dtype_real_of(d), real_y = chk_dtype_real_of(dy);

    if ((st = ops_map1(&limit, b, CHK_FN_ABS, dy, y, err)) != CHUNK_OK) goto done;
    ops_hold(&t, limit);
    if ((st = ops_real(&n, b, real_y, rtol, err)) != CHUNK_OK) goto done;
    if ((st = ops_map2(&limit, b, CHK_FN_MUL, real_y, ops_hold(&t, n), limit, err)) != CHUNK_OK) goto done;
    ops_hold(&t, limit);
    if ((st = ops_real(&n, b, real_y, atol, err)) != CHUNK_OK) goto done;
    if ((st = ops_map2(&limit, b, CHK_FN_ADD, real_y, ops_hold(&t, n), limit, err)) != CHUNK_OK) goto done;
    ops_hold(&t, limit);

    if ((st = ops_map2(&gap, b, CHK_FN_SUB, d, x, y, err)) != CHUNK_OK) goto done;
    if ((st = ops_map1(&gap, b, CHK_FN_ABS, d, ops_hold(&t, gap), err)) != CHUNK_OK) goto done;
    if ((st = ops_map2(&n, b, CHK_FN_LE, chk_promote(real, real_y), ops_hold(&t, gap), limit, err)) != CHUNK_OK) goto done;
    chk_node *near = n;
    if ((st = ops_map1(&n, b, CHK_FN_ISFINITE, dy, y, err)) != CHUNK_OK) goto drop_near;
    if ((st = ops_then(&near, b, CHK_FN_AND, CHK_BOOL, ops_hold(&t, n), err)) != CHUNK_OK) goto drop_near;
    if ((st = ops_map2(&n, b, CHK_FN_EQ, d, x, y, err)) != CHUNK_OK) goto drop_near;
    if ((st = ops_then(&near, b, CHK_FN_OR, CHK_BOOL, ops_hold(&t, n), err)) != CHUNK_OK) goto drop_near;
    if (equal_nan) {
        chk_node *both;
        if ((st = ops_map2(&both, b, CHK_FN_NE, d, x, x, err)) != CHUNK_OK) goto drop_near;
        ops_hold(&t, both);
        if ((st = ops_map1(&n, b, CHK_FN_ISNAN, dy, y, err)) != CHUNK_OK) goto drop_near;
        if ((st = ops_map2(&n, b, CHK_FN_AND, CHK_BOOL, ops_hold(&t, n), both, err)) != CHUNK_OK) goto drop_near;
        if ((st = ops_then(&near, b, CHK_FN_OR, CHK_BOOL, ops_hold(&t, n), err)) != CHUNK_OK) goto drop_near;
    }
    *out = near;
    goto done;
drop_near:
    chk_node_release(near);
done:
    ops_release(&t);
    return st;
}

static chunk_status build_isclose(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    double rtol, atol;
    bool equal_nan;
    chk_node *x, *y;
    CHK_TRY(ops_arg_real(&rtol, &args[2], 1e-5, op->name, "rtol", err));
    CHK_TRY(ops_arg_real(&atol, &args[3], 1e-8, op->name, "atol", err));
    CHK_TRY(ops_arg_bool(&equal_nan, &args[4], false, op->name, "equal_nan", err));
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = chk_value_node(&y, b, &args[1], op->name, err);
    if (st == CHUNK_OK) {
        st = isclose(out, b, x, y, rtol, atol, equal_nan, err);
        chk_node_release(y);
    }
    chk_node_release(x);
    return st;
}

const chk_op chk_op_isclose = {
    .name = "isclose", .summary = "abs(x1 - x2) <= atol + rtol * abs(x2)", .family = "selection",
    .params = {OPS_X1_X2, {"rtol", CHK_PAR_NUMBER, "1e-05", false}, {"atol", CHK_PAR_NUMBER, "1e-08", false}, {"equal_nan", CHK_PAR_BOOL, "False", false}},
    .build = build_isclose, .doc = "Infinities are close to themselves only.",
};
