/* predicate.c: questions about floats. Integers are never NaN or infinite: the answer is a constant. */
#include <math.h>

#include "ops/make.h"

static chk_node *same_for_all(ops_maker *m, const chk_node *x, bool answer)
{
    return ops_spread(m, ops_whole(m, CHK_BOOL, answer), x ? &x->shape : NULL);
}

static chunk_status build_predicate(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_dtype d = x ? ops_result_type(&x, 1) : CHK_F64;
    return ops_give(out, &m,
                    ops_is_whole(d) ? same_for_all(&m, x, op->fn == CHK_FN_ISFINITE) : ops_apply(&m, op->fn, d, x, NULL, NULL));
}

const chk_op chk_op_isnan = {
    .name = "isnan",
    .summary = "Is NaN",
    .family = "predicate",
    .params = {OPS_X},
    .fn = CHK_FN_ISNAN,
    .build = build_predicate,
};
const chk_op chk_op_isinf = {
    .name = "isinf",
    .summary = "Is infinite, of either sign",
    .family = "predicate",
    .params = {OPS_X},
    .fn = CHK_FN_ISINF,
    .build = build_predicate,
};
const chk_op chk_op_isfinite = {
    .name = "isfinite",
    .summary = "Is neither NaN nor infinite",
    .family = "predicate",
    .params = {OPS_X},
    .fn = CHK_FN_ISFINITE,
    .build = build_predicate,
};
const chk_op chk_op_signbit = {
    .name = "signbit",
    .summary = "Has its sign bit set, also -0.0",
    .family = "predicate",
    .params = {OPS_X},
    .fn = CHK_FN_SIGNBIT,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    .build = ops_build_unary,
};

/* x == inf or x == -inf. */
static chunk_status build_signed_inf(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_dtype d = x ? ops_result_type(&x, 1) : CHK_F64;
    if (x && chk_dtype_kind(d) == CHK_KIND_COMPLEX) m.st = ops_not_for(op, d, err);
    if (ops_is_whole(d)) return ops_give(out, &m, same_for_all(&m, x, false));
    return ops_give(out, &m, ops_apply(&m, CHK_FN_EQ, d, x, ops_number(&m, d, op->flags * INFINITY), NULL));
}

const chk_op chk_op_isposinf = {
    .name = "isposinf",
    .summary = "Is positive infinity",
    .family = "predicate",
    .params = {OPS_X},
    .flags = 1,
    .build = build_signed_inf,
};
const chk_op chk_op_isneginf = {
    .name = "isneginf",
    .summary = "Is negative infinity",
    .family = "predicate",
    .params = {OPS_X},
    .flags = -1,
    .build = build_signed_inf,
};
