/* rounding.c: floats to whole numbers. Integers are whole and come back as they are. */
#include <math.h>

#include "ops/make.h"

#define ROUNDING .family = "rounding", .params = {OPS_X}, .build = ops_build_unary

const chk_op chk_op_floor = {
    .name = "floor",
    .summary = "Largest whole number not above x",
    .fn = CHK_FN_FLOOR,
    .flags = OPS_SAME_INT | OPS_NO_COMPLEX,
    ROUNDING,
};
const chk_op chk_op_ceil = {
    .name = "ceil",
    .summary = "Smallest whole number not below x",
    .fn = CHK_FN_CEIL,
    .flags = OPS_SAME_INT | OPS_NO_COMPLEX,
    ROUNDING,
};
const chk_op chk_op_trunc = {
    .name = "trunc",
    .aliases = "fix",
    .summary = "x without its fraction",
    .fn = CHK_FN_TRUNC,
    .flags = OPS_SAME_INT | OPS_NO_COMPLEX,
    ROUNDING,
};
const chk_op chk_op_rint = {
    .name = "rint",
    .summary = "Nearest whole number in floats, halves to even",
    .fn = CHK_FN_ROUND,
    .flags = OPS_FLOAT,
    ROUNDING,
};

/* x * 10^decimals rounded and scaled back, in dtype d; negative decimals divide first. Complex numbers part by part: their products make NaN of
 * infinities. */
static chk_node *scaled(ops_maker *m, chk_dtype d, chk_node *x, int64_t decimals)
{
    if (decimals == 0) return ops_apply(m, CHK_FN_ROUND, d, x, NULL, NULL);
    if (chk_dtype_kind(d) == CHK_KIND_COMPLEX) {
        chk_node *re = scaled(m, chk_dtype_real_of(d), ops_apply(m, CHK_FN_REAL, d, x, NULL, NULL), decimals);
        chk_node *im = scaled(m, chk_dtype_real_of(d), ops_apply(m, CHK_FN_IMAG, d, x, NULL, NULL), decimals);
        return ops_from_parts(m, d, re, im);
    }
    chk_fn up = decimals > 0 ? CHK_FN_MUL : CHK_FN_DIV, down = decimals > 0 ? CHK_FN_DIV : CHK_FN_MUL;
    chk_node *power = ops_number(m, d, pow(10, fabs((double)decimals)));
    chk_node *y = ops_apply(m, CHK_FN_ROUND, d, ops_apply(m, up, d, x, power, NULL), NULL, NULL);
    return ops_apply(m, down, d, y, power, NULL);
}

static chunk_status build_round(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int64_t decimals;
    CHK_TRY(ops_arg_int(&decimals, &args[1], 0, op->name, "decimals", err));
    if (decimals < -308 || decimals > 308)
        return chk_fail(err, CHUNK_EINVAL, "round: decimals must lie between -308 and 308, got %lld", (long long)decimals);
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_dtype d = x ? ops_result_type(&x, 1) : CHK_F64;
    if (!ops_is_whole(d)) return ops_give(out, &m, scaled(&m, d, x, decimals));
    if (d == CHK_BOOL && decimals == 0) return ops_give(out, &m, scaled(&m, CHK_F16, x, 0));
    if (d == CHK_BOOL) m.st = ops_not_for(op, d, err);
    if (decimals < 0) x = scaled(&m, CHK_F64, x, decimals);
    return ops_give(out, &m, ops_cast(&m, x, d));
}

const chk_op chk_op_round = {
    .name = "round",
    .aliases = "around",
    .summary = "Rounded to a number of decimals, halves to even",
    .family = "rounding",
    .params = {OPS_X, {"decimals", CHK_PAR_INT, "0", false}},
    .build = build_round,
    .doc = "Computed as round(x * 10**decimals) / 10**decimals, as NumPy does.",
};
