/* exponential.c: roots, exponentials and logarithms. */
#include "ops/common.h"

#define EXPONENTIAL .family = "exponential", .params = {OPS_X}, .build = ops_build_unary

const chk_op chk_op_exp = {
    .name = "exp",
    .summary = "e to the power x",
    .fn = CHK_FN_EXP,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_exp2 = {
    .name = "exp2",
    .summary = "2 to the power x",
    .fn = CHK_FN_EXP2,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_expm1 = {
    .name = "expm1",
    .summary = "exp(x) - 1, exact near 0",
    .fn = CHK_FN_EXPM1,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_log = {
    .name = "log",
    .summary = "Natural logarithm",
    .fn = CHK_FN_LOG,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
    .doc = "Within 1 ulp. Of 0: -inf; of negative numbers: NaN.",
};
const chk_op chk_op_log1p = {
    .name = "log1p",
    .summary = "log(1 + x), exact near 0",
    .fn = CHK_FN_LOG1P,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
    .doc = "Within 2 ulp.",
};
const chk_op chk_op_log2 = {
    .name = "log2",
    .summary = "Logarithm to base 2",
    .fn = CHK_FN_LOG2,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_log10 = {
    .name = "log10",
    .summary = "Logarithm to base 10",
    .fn = CHK_FN_LOG10,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_logaddexp = {
    .name = "logaddexp",
    .summary = "log(exp(x1) + exp(x2)) without overflow",
    .fn = CHK_FN_LOGADDEXP,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    .family = "exponential",
    .params = {OPS_X1_X2},
    .build = ops_build_binary,
};
const chk_op chk_op_sqrt = {
    .name = "sqrt",
    .summary = "Square root, correctly rounded",
    .fn = CHK_FN_SQRT,
    .flags = OPS_FLOAT,
    EXPONENTIAL,
};
const chk_op chk_op_cbrt = {
    .name = "cbrt",
    .summary = "Cube root",
    .fn = CHK_FN_CBRT,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    EXPONENTIAL,
    .doc = "Within 1 ulp.",
};
