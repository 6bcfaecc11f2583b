/* special.c: special functions. */
#include "ops/common.h"

#define SPECIAL .family = "special", .params = {OPS_X}, .build = ops_build_unary

const chk_op chk_op_erf = {
    .name = "erf",
    .summary = "Error function",
    .fn = CHK_FN_ERF,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    SPECIAL,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_lgamma = {
    .name = "lgamma",
    .aliases = "gammaln",
    .summary = "Logarithm of the absolute value of the gamma function",
    .fn = CHK_FN_LGAMMA,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    SPECIAL,
    .doc = "Within 1 ulp but for arguments near -2.5 and its like, where the result is near zero.",
};
