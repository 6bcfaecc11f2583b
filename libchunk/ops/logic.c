/* logic.c: bits and truth values. */
#include "ops/make.h"

#define BITWISE .family = "bitwise", .params = {OPS_X1_X2}, .build = ops_build_binary
#define LOGIC .family = "logic", .params = {OPS_X1_X2}, .build = build_logic
#define LOGIC_OF_ONE .family = "logic", .params = {OPS_X}, .build = ops_build_unary

/* Each input counts by whether it is zero, so their dtypes need not have a common one. */
static chunk_status build_logic(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_cast(&m, ops_value(&m, &args[0], op->name), CHK_BOOL);
    chk_node *y = ops_cast(&m, ops_value(&m, &args[1], op->name), CHK_BOOL);
    return ops_give(out, &m, ops_apply(&m, op->fn, CHK_BOOL, x, y, NULL));
}

const chk_op chk_op_bitwise_and = {
    .name = "bitwise_and",
    .summary = "Bits set in both, x1 & x2",
    .fn = CHK_FN_AND,
    .flags = OPS_NO_FLOAT,
    BITWISE,
};
const chk_op chk_op_bitwise_or = {
    .name = "bitwise_or",
    .summary = "Bits set in either, x1 | x2",
    .fn = CHK_FN_OR,
    .flags = OPS_NO_FLOAT,
    BITWISE,
};
const chk_op chk_op_bitwise_xor = {
    .name = "bitwise_xor",
    .summary = "Bits set in one of the two, x1 ^ x2",
    .fn = CHK_FN_XOR,
    .flags = OPS_NO_FLOAT,
    BITWISE,
};
const chk_op chk_op_bitwise_left_shift = {
    .name = "bitwise_left_shift",
    .aliases = "left_shift",
    .summary = "x1 << x2; counts beyond the width give 0",
    .fn = CHK_FN_SHL,
    .flags = OPS_NO_FLOAT | OPS_BOOL_AS_INT8,
    BITWISE,
};
const chk_op chk_op_bitwise_right_shift = {
    .name = "bitwise_right_shift",
    .aliases = "right_shift",
    .summary = "x1 >> x2; counts beyond the width give 0, or -1 for negative x1",
    .fn = CHK_FN_SHR,
    .flags = OPS_NO_FLOAT | OPS_BOOL_AS_INT8,
    BITWISE,
};
const chk_op chk_op_bitwise_invert = {
    .name = "bitwise_invert",
    .aliases = "invert bitwise_not",
    .summary = "All bits turned, ~x; of truth values: not",
    .fn = CHK_FN_INVERT,
    .flags = OPS_NO_FLOAT,
    .family = "bitwise",
    .params = {OPS_X},
    .build = ops_build_unary,
};
const chk_op chk_op_logical_and = {
    .name = "logical_and",
    .summary = "Both are not zero",
    .fn = CHK_FN_LAND,
    LOGIC,
};
const chk_op chk_op_logical_or = {
    .name = "logical_or",
    .summary = "One or both are not zero",
    .fn = CHK_FN_LOR,
    LOGIC,
};
const chk_op chk_op_logical_xor = {
    .name = "logical_xor",
    .summary = "Exactly one is not zero",
    .fn = CHK_FN_LXOR,
    LOGIC,
};
const chk_op chk_op_logical_not = {
    .name = "logical_not",
    .summary = "Is zero",
    .fn = CHK_FN_NOT,
    LOGIC_OF_ONE,
};
