/* rounding.c: floats to whole numbers. Integers are whole and come back as they are. */
#include <math.h>

#include "ops/common.h"

#define ROUNDING .family = "rounding", .params = {OPS_X}, .build = ops_build_unary

const chk_op chk_op_floor = {
    .name = "floor", .summary = "Largest whole number not above x", .fn = CHK_FN_FLOOR, .flags = OPS_SAME_INT | OPS_NO_COMPLEX, ROUNDING,
};
const chk_op chk_op_ceil = {
    .name = "ceil", .summary = "Smallest whole number not below x", .fn = CHK_FN_CEIL, .flags = OPS_SAME_INT | OPS_NO_COMPLEX, ROUNDING,
};
const chk_op chk_op_trunc = {
    .name = "trunc", .aliases = "fix", .summary = "x without its fraction", .fn = CHK_FN_TRUNC, .flags = OPS_SAME_INT | OPS_NO_COMPLEX, ROUNDING,
};
const chk_op chk_op_rint = {
    .name = "rint", .summary = "Nearest whole number in floats, halves to even", .fn = CHK_FN_ROUND, .flags = OPS_FLOAT, ROUNDING,
};

/* x * 10^decimals rounded and scaled back, in dtype d; negative decimals divide first. */
static chunk_status scale_and_round(chk_node **out, chk_builder *b, chk_dtype d, chk_node *x, int64_t decimals, chunk_error *err)
{
    if (decimals == 0) return ops_map1(out, b, CHK_FN_ROUND, d, x, err);
    chk_node *power, *y;
    CHK_TRY(ops_real(&power, b, d, pow(10, fabs((double)decimals)), err));
    chunk_status st = ops_map2(&y, b, decimals > 0 ? CHK_FN_MUL : CHK_FN_DIV, d, x, power, err);
    if (st == CHUNK_OK) {
        st = ops_then(&y, b, CHK_FN_ROUND, d, NULL, err);
        if (st == CHUNK_OK) st = ops_then(&y, b, decimals > 0 ? CHK_FN_DIV : CHK_FN_MUL, d, power, err);
        if (st == CHUNK_OK) *out = y;
        else chk_node_release(y);
    }
    chk_node_release(power);
    return st;
}

static chunk_status round_node(chk_node **out, chk_builder *b, chk_node *x, int64_t decimals, chunk_error *err)
{
    chk_dtype d = ops_result_type(&x, 1);
    chk_kind k = chk_dtype_kind(d);
    if (k == CHK_KIND_FLOAT || k == CHK_KIND_COMPLEX) return scale_and_round(out, b, d, x, decimals, err);
    if (k == CHK_KIND_BOOL) return scale_and_round(out, b, CHK_F16, x, decimals, err);
    if (decimals >= 0) return ops_fit(out, b, x, d, err);
    CHK_TRY(scale_and_round(out, b, CHK_F64, x, decimals, err));
    return ops_cast_to(out, b, d, err);
}

static chunk_status build_round(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    int64_t decimals;
    CHK_TRY(ops_arg_int(&decimals, &args[1], 0, op->name, "decimals", err));
    if (decimals < -308 || decimals > 308) return chk_fail(err, CHUNK_EINVAL, "round: decimals must lie between -308 and 308, got %lld", (long long)decimals);
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = round_node(out, b, x, decimals, err);
    chk_node_release(x);
    return st;
}

const chk_op chk_op_round = {
    .name = "round", .aliases = "around", .summary = "Rounded to a number of decimals, halves to even", .family = "rounding",
    .params = {OPS_X, {"decimals", CHK_PAR_INT, "0", false}}, .build = build_round,
    .doc = "Computed as round(x * 10**decimals) / 10**decimals, as NumPy does.",
};
