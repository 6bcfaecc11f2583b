/* trigonometric.c: circular and hyperbolic functions and their inverses; angles in radians. */
#include "ops/common.h"

#define TRIGONOMETRIC .family = "trigonometric", .params = {OPS_X}, .build = ops_build_unary

const chk_op chk_op_sin = {
    .name = "sin",
    .summary = "Sine",
    .fn = CHK_FN_SIN,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_cos = {
    .name = "cos",
    .summary = "Cosine",
    .fn = CHK_FN_COS,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_tan = {
    .name = "tan",
    .summary = "Tangent",
    .fn = CHK_FN_TAN,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_asin = {
    .name = "asin",
    .aliases = "arcsin",
    .summary = "Inverse sine",
    .fn = CHK_FN_ASIN,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_acos = {
    .name = "acos",
    .aliases = "arccos",
    .summary = "Inverse cosine",
    .fn = CHK_FN_ACOS,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_atan = {
    .name = "atan",
    .aliases = "arctan",
    .summary = "Inverse tangent",
    .fn = CHK_FN_ATAN,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_sinh = {
    .name = "sinh",
    .summary = "Hyperbolic sine",
    .fn = CHK_FN_SINH,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_cosh = {
    .name = "cosh",
    .summary = "Hyperbolic cosine",
    .fn = CHK_FN_COSH,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_tanh = {
    .name = "tanh",
    .summary = "Hyperbolic tangent",
    .fn = CHK_FN_TANH,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_asinh = {
    .name = "asinh",
    .aliases = "arcsinh",
    .summary = "Inverse hyperbolic sine",
    .fn = CHK_FN_ASINH,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_acosh = {
    .name = "acosh",
    .aliases = "arccosh",
    .summary = "Inverse hyperbolic cosine",
    .fn = CHK_FN_ACOSH,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_atanh = {
    .name = "atanh",
    .aliases = "arctanh",
    .summary = "Inverse hyperbolic tangent",
    .fn = CHK_FN_ATANH,
    .flags = OPS_FLOAT,
    TRIGONOMETRIC,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_atan2 = {
    .name = "atan2",
    .aliases = "arctan2",
    .summary = "Angle of the point (x2, x1), -pi to pi",
    .fn = CHK_FN_ATAN2,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    .family = "trigonometric",
    .params = {OPS_X1_X2},
    .build = ops_build_binary,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_hypot = {
    .name = "hypot",
    .summary = "sqrt(x1*x1 + x2*x2) without overflow",
    .fn = CHK_FN_HYPOT,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    .family = "trigonometric",
    .params = {OPS_X1_X2},
    .build = ops_build_binary,
    .doc = "Within 1 ulp.",
};
const chk_op chk_op_deg2rad = {
    .name = "deg2rad",
    .aliases = "radians",
    .summary = "Degrees to radians",
    .fn = CHK_FN_DEG2RAD,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    TRIGONOMETRIC,
};
const chk_op chk_op_rad2deg = {
    .name = "rad2deg",
    .aliases = "degrees",
    .summary = "Radians to degrees",
    .fn = CHK_FN_RAD2DEG,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    TRIGONOMETRIC,
};
