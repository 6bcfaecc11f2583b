/* compare.inc.h: comparisons, logic and classification: bool out. NaN compares as IEEE 754 has it and is true. */
#include "kern/isa.h"

#define FOR_REALS(X)                                                                                                               \
    X(i8, i8u) X(i16, i16u) X(i32, i32u) X(i64, i64u) X(u8, u8u) X(u16, u16u) X(u32, u32u) X(u64, u64u) X(f32, f32u) X(f64, f64u)

#define COMPARE(d, T)                                                                                                              \
    CHK_BINARY(eq_##d, u8u, T, T, x == y)                                                                                          \
    CHK_BINARY(ne_##d, u8u, T, T, x != y)                                                                                          \
    CHK_BINARY(lt_##d, u8u, T, T, x < y)                                                                                           \
    CHK_BINARY(le_##d, u8u, T, T, x <= y)                                                                                          \
    CHK_BINARY(gt_##d, u8u, T, T, x > y)                                                                                           \
    CHK_BINARY(ge_##d, u8u, T, T, x >= y)                                                                                          \
    CHK_BINARY(land_##d, u8u, T, T, (x != 0) & (y != 0))                                                                           \
    CHK_BINARY(lor_##d, u8u, T, T, (x != 0) | (y != 0))                                                                            \
    CHK_BINARY(lxor_##d, u8u, T, T, (x != 0) ^ (y != 0))                                                                           \
    CHK_UNARY(not_##d, u8u, T, x == 0)
FOR_REALS(COMPARE)

/* A signed against an unsigned 64-bit integer, exactly */
CHK_BINARY(eq_iu, u8u, i64u, u64u, x >= 0 && (uint64_t)x == y)
CHK_BINARY(ne_iu, u8u, i64u, u64u, x < 0 || (uint64_t)x != y)
CHK_BINARY(lt_iu, u8u, i64u, u64u, x < 0 || (uint64_t)x < y)
CHK_BINARY(le_iu, u8u, i64u, u64u, x < 0 || (uint64_t)x <= y)
CHK_BINARY(gt_iu, u8u, i64u, u64u, x >= 0 && (uint64_t)x > y)
CHK_BINARY(ge_iu, u8u, i64u, u64u, x >= 0 && (uint64_t)x >= y)

#define CLASSIFY(d, T, U, sign, inf)                                                                                               \
    CHK_UNARY(isnan_##d, u8u, U, (U)(x & ~(sign)) > (inf))                                                                         \
    CHK_UNARY(isinf_##d, u8u, U, (U)(x & ~(sign)) == (inf))                                                                        \
    CHK_UNARY(isfinite_##d, u8u, U, (U)(x & ~(sign)) < (inf))                                                                      \
    CHK_UNARY(signbit_##d, u8u, U, (x & (sign)) != 0)
CLASSIFY(f32, f32u, u32u, 0x80000000u, 0x7F800000u)
CLASSIFY(f64, f64u, u64u, 0x8000000000000000u, 0x7FF0000000000000u)

static void zeros(void *out, const void *const *in, size_t n)
{
    (void)in;
    memset(out, 0, n);
}
static void ones(void *out, const void *const *in, size_t n)
{
    (void)in;
    memset(out, 1, n);
}
#define NEGATIVE(d, T) CHK_UNARY(negative_##d, u8u, T, x < 0)
NEGATIVE(i8, i8u)
NEGATIVE(i16, i16u)
NEGATIVE(i32, i32u)
NEGATIVE(i64, i64u)

#define ROWS(d, D)                                                                                                                 \
    {CHK_FN_EQ, D, eq_##d}, {CHK_FN_NE, D, ne_##d}, {CHK_FN_LT, D, lt_##d}, {CHK_FN_LE, D, le_##d}, {CHK_FN_GT, D, gt_##d},        \
        {CHK_FN_GE, D, ge_##d}, {CHK_FN_LAND, D, land_##d}, {CHK_FN_LOR, D, lor_##d}, {CHK_FN_LXOR, D, lxor_##d},                  \
    {                                                                                                                              \
        CHK_FN_NOT, D, not_##d                                                                                                     \
    }
#define INTEGER_ROWS(D)                                                                                                            \
    {CHK_FN_ISNAN, D, zeros}, {CHK_FN_ISINF, D, zeros}, { CHK_FN_ISFINITE, D, ones }
#define FLOAT_ROWS(d, D)                                                                                                           \
    {CHK_FN_ISNAN, D, isnan_##d}, {CHK_FN_ISINF, D, isinf_##d}, {CHK_FN_ISFINITE, D, isfinite_##d},                                \
    {                                                                                                                              \
        CHK_FN_SIGNBIT, D, signbit_##d                                                                                             \
    }

const chk_kern_row CHK_AT_LEVEL(chk_compare_rows)[] = {
    ROWS(i8, CHK_I8),
    ROWS(i16, CHK_I16),
    ROWS(i32, CHK_I32),
    ROWS(i64, CHK_I64),
    ROWS(u8, CHK_U8),
    ROWS(u16, CHK_U16),
    ROWS(u32, CHK_U32),
    ROWS(u64, CHK_U64),
    ROWS(f32, CHK_F32),
    ROWS(f64, CHK_F64),
    ROWS(u8, CHK_BOOL),
    {CHK_FN_EQ_IU, CHK_I64, eq_iu},
    {CHK_FN_NE_IU, CHK_I64, ne_iu},
    {CHK_FN_LT_IU, CHK_I64, lt_iu},
    {CHK_FN_LE_IU, CHK_I64, le_iu},
    {CHK_FN_GT_IU, CHK_I64, gt_iu},
    {CHK_FN_GE_IU, CHK_I64, ge_iu},
    INTEGER_ROWS(CHK_BOOL),
    INTEGER_ROWS(CHK_I8),
    INTEGER_ROWS(CHK_I16),
    INTEGER_ROWS(CHK_I32),
    INTEGER_ROWS(CHK_I64),
    INTEGER_ROWS(CHK_U8),
    INTEGER_ROWS(CHK_U16),
    INTEGER_ROWS(CHK_U32),
    INTEGER_ROWS(CHK_U64),
    FLOAT_ROWS(f32, CHK_F32),
    FLOAT_ROWS(f64, CHK_F64),
    {CHK_FN_SIGNBIT, CHK_I8, negative_i8},
    {CHK_FN_SIGNBIT, CHK_I16, negative_i16},
    {CHK_FN_SIGNBIT, CHK_I32, negative_i32},
    {CHK_FN_SIGNBIT, CHK_I64, negative_i64},
    {CHK_FN_SIGNBIT, CHK_U8, zeros},
    {CHK_FN_SIGNBIT, CHK_U16, zeros},
    {CHK_FN_SIGNBIT, CHK_U32, zeros},
    {CHK_FN_SIGNBIT, CHK_U64, zeros},
    {CHK_FN_NONE, CHK_BOOL, NULL},
};
