/* complex.inc.h: complex kernels at one level; complex_type.inc.h is the body for one dtype. Arithmetic and comparisons are NumPy's formulas;
 * transcendental functions are the C library's, one element at a time. */
#include <complex.h>
#undef I

#include "kern/isa.h"
#include "kern/simd.h"

#define C_ID c128
#define C_REAL f64
#define C_V double
#define C_T f64u
#define LIBM(name) name
#include "kern/complex_type.inc.h"
#undef C_ID
#undef C_REAL
#undef C_V
#undef C_T
#undef LIBM

#define C_ID c64
#define C_REAL f32
#define C_V float
#define C_T f32u
#define LIBM(name) name##f
#include "kern/complex_type.inc.h"

#define ROWS(D, d)                                                                                                                 \
    {CHK_FN_ADD, D, add_##d}, {CHK_FN_SUB, D, sub_##d}, {CHK_FN_MUL, D, mul_##d}, {CHK_FN_DIV, D, div_##d},                        \
        {CHK_FN_POW, D, pow_##d}, {CHK_FN_MIN, D, min_##d}, {CHK_FN_MAX, D, max_##d}, {CHK_FN_FMIN, D, fmin_##d},                  \
        {CHK_FN_FMAX, D, fmax_##d}, {CHK_FN_EQ, D, eq_##d}, {CHK_FN_NE, D, ne_##d}, {CHK_FN_LT, D, lt_##d},                        \
        {CHK_FN_LE, D, le_##d}, {CHK_FN_GT, D, gt_##d}, {CHK_FN_GE, D, ge_##d}, {CHK_FN_LAND, D, land_##d},                        \
        {CHK_FN_LOR, D, lor_##d}, {CHK_FN_LXOR, D, lxor_##d}, {CHK_FN_NEG, D, neg_##d}, {CHK_FN_POS, D, pos_##d},                  \
        {CHK_FN_SQUARE, D, square_##d}, {CHK_FN_CONJ, D, conj_##d}, {CHK_FN_ABS, D, abs_##d}, {CHK_FN_SIGN, D, sign_##d},          \
        {CHK_FN_ROUND, D, round_##d}, {CHK_FN_RECIPROCAL, D, reciprocal_##d}, {CHK_FN_SQRT, D, sqrt_##d},                          \
        {CHK_FN_EXP, D, exp_##d}, {CHK_FN_EXP2, D, exp2_##d}, {CHK_FN_PARTS, D, parts_##d}, {CHK_FN_EXPM1, D, expm1_##d},          \
        {CHK_FN_LOG, D, log_##d}, {CHK_FN_LOG1P, D, log1p_##d}, {CHK_FN_LOG2, D, log2_##d}, {CHK_FN_LOG10, D, log10_##d},          \
        {CHK_FN_SIN, D, sin_##d}, {CHK_FN_COS, D, cos_##d}, {CHK_FN_TAN, D, tan_##d}, {CHK_FN_ASIN, D, asin_##d},                  \
        {CHK_FN_ACOS, D, acos_##d}, {CHK_FN_ATAN, D, atan_##d}, {CHK_FN_SINH, D, sinh_##d}, {CHK_FN_COSH, D, cosh_##d},            \
        {CHK_FN_TANH, D, tanh_##d}, {CHK_FN_ASINH, D, asinh_##d}, {CHK_FN_ACOSH, D, acosh_##d}, {CHK_FN_ATANH, D, atanh_##d},      \
        {CHK_FN_REAL, D, real_##d}, {CHK_FN_IMAG, D, imag_##d}, {CHK_FN_ANGLE, D, angle_##d}, {CHK_FN_NOT, D, not_##d},            \
        {CHK_FN_ISNAN, D, isnan_##d}, {CHK_FN_ISINF, D, isinf_##d},                                                                \
    {                                                                                                                              \
        CHK_FN_ISFINITE, D, isfinite_##d                                                                                           \
    }

const chk_kern_row CHK_AT_LEVEL(chk_complex_rows)[] = {ROWS(CHK_C128, c128), ROWS(CHK_C64, c64), {CHK_FN_NONE, CHK_BOOL, NULL}};
