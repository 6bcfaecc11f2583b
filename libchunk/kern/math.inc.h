/* math.inc.h: transcendental functions, by SLEEF, and remainders at one instruction set level; math_real.inc.h is the body for one
 * dtype. */
#include "kern/isa.h"
#include "kern/simd.h"

#include "kern/sleef/exp.inc.h"

/* HALF_EXP: half of exp(x) is exp(x - SHIFT) * FACTOR, for x above FROM. SHIFT is the multiple of 1/4 whose factor, exp(SHIFT) / 2, lies
 * nearest to a number of the type, found by trying all up to 60; x - SHIFT is exact. */
#define REAL f64
#define REAL_T double
#define EXACT_BELOW 0x1p53
#define FMOD fmod
#define HALF_EXP_FROM 709
#define HALF_EXP_SHIFT 39.75
#define HALF_EXP_FACTOR 0x1.45a37ac20f1ddp+56
#include "kern/math_real.inc.h"
#undef REAL
#undef REAL_T
#undef EXACT_BELOW
#undef FMOD
#undef HALF_EXP_FROM
#undef HALF_EXP_SHIFT
#undef HALF_EXP_FACTOR

#define REAL f32
#define REAL_T float
#define EXACT_BELOW 0x1p24f
#define FMOD fmodf
#define HALF_EXP_FROM 88
#define HALF_EXP_SHIFT 21.5f
#define HALF_EXP_FACTOR 0x1.03343p+30f
#include "kern/math_real.inc.h"

#define ROWS(D, d)                                                                                                                 \
    {CHK_FN_EXP, D, exp_##d}, {CHK_FN_EXP_NEG, D, exp_neg_##d}, {CHK_FN_EXP2, D, exp2_##d}, {CHK_FN_EXPM1, D, expm1_##d},          \
        {CHK_FN_LOG, D, log_##d}, {CHK_FN_LOG2, D, log2_##d}, {CHK_FN_LOG10, D, log10_##d}, {CHK_FN_LOG1P, D, log1p_##d},          \
        {CHK_FN_CBRT, D, cbrt_##d}, {CHK_FN_SIN, D, sin_##d}, {CHK_FN_COS, D, cos_##d}, {CHK_FN_TAN, D, tan_##d},                  \
        {CHK_FN_ASIN, D, asin_##d}, {CHK_FN_ACOS, D, acos_##d}, {CHK_FN_ATAN, D, atan_##d}, {CHK_FN_SINH, D, sinh_##d},            \
        {CHK_FN_COSH, D, cosh_##d}, {CHK_FN_TANH, D, tanh_##d}, {CHK_FN_ASINH, D, asinh_##d}, {CHK_FN_ACOSH, D, acosh_##d},        \
        {CHK_FN_ATANH, D, atanh_##d}, {CHK_FN_ERF, D, erf_##d}, {CHK_FN_LGAMMA, D, lgamma_##d}, {CHK_FN_POW, D, pow_##d},          \
        {CHK_FN_ATAN2, D, atan2_##d}, {CHK_FN_HYPOT, D, hypot_##d}, {CHK_FN_LOGADDEXP, D, logaddexp_##d},                          \
        {CHK_FN_FMOD, D, fmod_##d}, {CHK_FN_MOD, D, mod_##d},                                                                      \
    {                                                                                                                              \
        CHK_FN_FLOORDIV, D, floordiv_##d                                                                                           \
    }

const chk_kern_row CHK_AT_LEVEL(chk_math_rows)[] = {ROWS(CHK_F64, f64), ROWS(CHK_F32, f32), {CHK_FN_NONE, CHK_BOOL, NULL}};
