/* predicate.c: questions about floats. Integers are never NaN or infinite: the answer is a constant. */
#include "ops/common.h"

static bool is_whole(chk_dtype d)
{
    chk_kind k = chk_dtype_kind(d);
    return k == CHK_KIND_BOOL || k == CHK_KIND_INT || k == CHK_KIND_UINT;
}

static chunk_status build_predicate(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chk_dtype d = ops_result_type(&x, 1);
    chunk_status st = is_whole(d) ? ops_filled(out, b, &x->shape, op->fn == CHK_FN_ISFINITE, err) : ops_map1(out, b, op->fn, d, x, err);
    chk_node_release(x);
    return st;
}

const chk_op chk_op_isnan = {
    .name = "isnan", .summary = "Is NaN", .family = "predicate", .params = {OPS_X}, .fn = CHK_FN_ISNAN, .build = build_predicate,
};
const chk_op chk_op_isinf = {
    .name = "isinf", .summary = "Is infinite, of either sign", .family = "predicate", .params = {OPS_X}, .fn = CHK_FN_ISINF, .build = build_predicate,
};
const chk_op chk_op_isfinite = {
    .name = "isfinite", .summary = "Is neither NaN nor infinite", .family = "predicate", .params = {OPS_X}, .fn = CHK_FN_ISFINITE, .build = build_predicate,
};
const chk_op chk_op_signbit = {
    .name = "signbit", .summary = "Has its sign bit set, also -0.0", .family = "predicate", .params = {OPS_X}, .fn = CHK_FN_SIGNBIT,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX, .build = ops_build_unary,
};

/* x == inf or x == -inf. */
static chunk_status build_signed_inf(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x, *inf = NULL;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chk_dtype d = ops_result_type(&x, 1);
    chunk_status st;
    if (chk_dtype_kind(d) == CHK_KIND_COMPLEX) st = ops_not_for(op, d, err);
    else if (is_whole(d)) st = ops_filled(out, b, &x->shape, false, err);
    else {
        st = ops_real(&inf, b, d, op->flags < 0 ? -__builtin_inf() : __builtin_inf(), err);
        if (st == CHUNK_OK) st = ops_map2(out, b, CHK_FN_EQ, d, x, inf, err);
    }
    chk_node_release(inf);
    chk_node_release(x);
    return st;
}

const chk_op chk_op_isposinf = {
    .name = "isposinf", .summary = "Is positive infinity", .family = "predicate", .params = {OPS_X}, .flags = 1, .build = build_signed_inf,
};
const chk_op chk_op_isneginf = {
    .name = "isneginf", .summary = "Is negative infinity", .family = "predicate", .params = {OPS_X}, .flags = -1, .build = build_signed_inf,
};
