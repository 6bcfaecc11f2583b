/* arith.inc.h: arithmetic, bitwise and selecting kernels, one loop an operation and dtype, left to the compiler to vectorise. Integers wrap. */
#include <math.h>

#if defined __AVX512BW__
#include <immintrin.h>
#endif

#include "kern/isa.h"

#define FOR_INTS(X)                                                                                                                \
    X(i8, i8u, int8_t, u8u, uint8_t, 8)                                                                                            \
    X(i16, i16u, int16_t, u16u, uint16_t, 16)                                                                                      \
    X(i32, i32u, int32_t, u32u, uint32_t, 32)                                                                                      \
    X(i64, i64u, int64_t, u64u, uint64_t, 64)
#define FOR_UINTS(X) X(u8, u8u, uint8_t, 8) X(u16, u16u, uint16_t, 16) X(u32, u32u, uint32_t, 32) X(u64, u64u, uint64_t, 64)
#define FOR_FLOATS(X) X(f32, f32u, float, f) X(f64, f64u, double, )

/* Integer powers by squaring. */
static inline uint64_t upow(uint64_t x, uint64_t y)
{
    uint64_t r = 1;
    for (; y; y >>= 1, x *= x)
        if (y & 1) r *= x;
    return r;
}

/* The integer part where the exponent is negative: 0, but of 1 and -1. Of 0, which has none, 0, as its quotients have. */
static inline uint64_t ipow(int64_t x, int64_t y)
{
    if (y >= 0) return upow((uint64_t)x, (uint64_t)y);
    return x == 1 ? 1 : x != -1 ? 0 : y & 1 ? UINT64_MAX : 1;
}

/* ---- signed: additions and products in the unsigned type, where wrapping is defined */
#define SIGNED(d, T, V, UT, UV, bits)                                                                                              \
    CHK_BINARY(add_##d, UT, UT, UT, (UV)(x + y))                                                                                   \
    CHK_BINARY(sub_##d, UT, UT, UT, (UV)(x - y))                                                                                   \
    CHK_BINARY(mul_##d, UT, UT, UT, (UV)((uint64_t)x * (uint64_t)y))                                                               \
    CHK_BINARY(floordiv_##d, T, T, T,                                                                                              \
               y == 0    ? 0                                                                                                       \
               : y == -1 ? (V)(UV)(0 - (uint64_t)x)                                                                                \
                         : (V)(x / y - (x % y != 0 && (x < 0) != (y < 0))))                                                        \
    CHK_BINARY(mod_##d, T, T, T, y == 0 || y == -1 ? 0 : (V)(x % y + ((x % y != 0 && (x < 0) != (y < 0)) ? y : 0)))                \
    CHK_BINARY(fmod_##d, T, T, T, y == 0 || y == -1 ? 0 : (V)(x % y))                                                              \
    CHK_BINARY(pow_##d, T, T, T, (V)(UV)ipow(x, y))                                       \
    CHK_BINARY(shl_##d, T, T, T, (uint64_t)(int64_t)y < bits ? (V)(UV)((uint64_t)(int64_t)x << (y & (bits - 1))) : 0)              \
    CHK_BINARY(shr_##d, T, T, T, (V)(x >> ((uint64_t)(int64_t)y < bits ? y : bits - 1)))                                           \
    CHK_UNARY(neg_##d, UT, UT, (UV)(0 - x))                                                                                        \
    CHK_UNARY(abs_##d, T, T, (V)(UV)(x < 0 ? 0 - (UV)x : (UV)x))                                                                   \
    CHK_UNARY(sign_##d, T, T, (x > 0) - (x < 0))                                                                                   \
    CHK_UNARY(recip_##d, T, T, x == 0 ? (V)((UV)(bits >= 32) << (bits - 1)) : (x == 1) - (x == -1))
FOR_INTS(SIGNED)

#define UNSIGNED(d, T, V, bits)                                                                                                    \
    CHK_BINARY(floordiv_##d, T, T, T, y == 0 ? 0 : x / y)                                                                          \
    CHK_BINARY(mod_##d, T, T, T, y == 0 ? 0 : x % y)                                                                               \
    CHK_BINARY(pow_##d, T, T, T, (V)upow(x, y))                                                                                    \
    CHK_BINARY(shl_##d, T, T, T, y < bits ? (V)((uint64_t)x << (y & (bits - 1))) : 0)                                              \
    CHK_BINARY(shr_##d, T, T, T, y < bits ? (V)(x >> (y & (bits - 1))) : 0)                                                        \
    CHK_UNARY(sign_##d, T, T, x != 0)                                                                                              \
    CHK_UNARY(recip_##d, T, T, x == 1)
FOR_UINTS(UNSIGNED)

#define INT_COMMON(d, T)                                                                                                           \
    CHK_BINARY(min_##d, T, T, T, x < y ? x : y)                                                                                    \
    CHK_BINARY(max_##d, T, T, T, x > y ? x : y)                                                                                    \
    CHK_BINARY(and_##d, T, T, T, x &y)                                                                                             \
    CHK_BINARY(or_##d, T, T, T, x | y)                                                                                             \
    CHK_BINARY(xor_##d, T, T, T, x ^ y)                                                                                            \
    CHK_UNARY(not_##d, T, T, ~x)                                                                                                   \
    CHK_UNARY(copy_##d, T, T, x)
INT_COMMON(i8, i8u)
INT_COMMON(i16, i16u)
INT_COMMON(i32, i32u)
INT_COMMON(i64, i64u)
INT_COMMON(u8, u8u)
INT_COMMON(u16, u16u)
INT_COMMON(u32, u32u)
INT_COMMON(u64, u64u)

/* ---- floats; x != x is "x is NaN" */
static inline float step_f32(float x, float y)
{
    uint32_t bits;
    if (x != x || y != y) return x + y;
    if (x == y) return y;
    if (x == 0) return __builtin_copysignf(0x1p-149f, y);
    memcpy(&bits, &x, sizeof bits);
    bits += (x < y) == (x > 0) ? 1 : (uint32_t)-1;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline double step_f64(double x, double y)
{
    uint64_t bits;
    if (x != x || y != y) return x + y;
    if (x == y) return y;
    if (x == 0) return __builtin_copysign(0x1p-1074, y);
    memcpy(&bits, &x, sizeof bits);
    bits += (x < y) == (x > 0) ? 1 : (uint64_t)-1;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define FLOATS(d, T, V, s)                                                                                                         \
    CHK_BINARY(add_##d, T, T, T, x + y)                                                                                            \
    CHK_BINARY(sub_##d, T, T, T, x - y)                                                                                            \
    CHK_BINARY(mul_##d, T, T, T, x *y)                                                                                             \
    CHK_BINARY(div_##d, T, T, T, x / y)                                                                                            \
    CHK_BINARY(min_##d, T, T, T, x < y || x != x ? x : y)                                                                          \
    CHK_BINARY(max_##d, T, T, T, x > y || x != x ? x : y)                                                                          \
    CHK_BINARY(fmin_##d, T, T, T, x <= y || y != y ? x : y)                                                                        \
    CHK_BINARY(fmax_##d, T, T, T, x >= y || y != y ? x : y)                                                                        \
    CHK_BINARY(copysign_##d, T, T, T, __builtin_copysign##s(x, y))                                                                 \
    CHK_BINARY(nextafter_##d, T, T, T, step_##d(x, y))                                                                             \
    CHK_UNARY(neg_##d, T, T, -x)                                                                                                   \
    CHK_UNARY(copy_##d, T, T, x)                                                                                                   \
    CHK_UNARY(square_##d, T, T, x *x)                                                                                              \
    CHK_UNARY(abs_##d, T, T, __builtin_fabs##s(x))                                                                                 \
    CHK_UNARY(sign_##d, T, T, x != x ? x : (V)((x > 0) - (x < 0)))                                                                 \
    CHK_UNARY(floor_##d, T, T, __builtin_floor##s(x))                                                                              \
    CHK_UNARY(ceil_##d, T, T, __builtin_ceil##s(x))                                                                                \
    CHK_UNARY(trunc_##d, T, T, __builtin_trunc##s(x))                                                                              \
    CHK_UNARY(round_##d, T, T, __builtin_rint##s(x))                                                                               \
    CHK_UNARY(recip_##d, T, T, 1 / x)                                                                                              \
    CHK_UNARY(sqrt_##d, T, T, __builtin_sqrt##s(x))                                                                                \
    CHK_UNARY(deg2rad_##d, T, T, x *((V)3.14159265358979323846 / 180))                                                             \
    CHK_UNARY(rad2deg_##d, T, T, x *(180 / (V)3.14159265358979323846))
FOR_FLOATS(FLOATS)

CHK_BINARY(or_b, u8u, u8u, u8u, (x | y) != 0)
CHK_BINARY(and_b, u8u, u8u, u8u, (x & y) != 0)
CHK_BINARY(xor_b, u8u, u8u, u8u, (x != 0) ^ (y != 0))
CHK_UNARY(not_b, u8u, u8u, x == 0)

/* where: in[0] bool, then two of one size */
#define WHERE(name, T)                                                                                                             \
    static void name(void *out, const void *const *in, size_t n)                                                                   \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const u8u *c = in[0];                                                                                                      \
        const T *a = in[1], *b = in[2];                                                                                            \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                                        \
        {                                                                                                                          \
            T x = a[i], y = b[i];                                                                                                  \
            o[i] = c[i] ? x : y;                                                                                                   \
        }                                                                                                                          \
    }
WHERE(where8, u8u)
WHERE(where16, u16u)
#if defined __AVX512BW__
/* A vector at a time, the last by a mask: left to itself the compiler takes eight and then the rest one by one. */
#define WHERE_512(name, T, W, bits)                                                                                                \
    static void name(void *out, const void *const *in, size_t n)                                                                   \
    {                                                                                                                              \
        const u8u *c = in[0];                                                                                                      \
        const T *a = in[1], *b = in[2];                                                                                            \
        T *o = out;                                                                                                                \
        size_t i = 0;                                                                                                              \
        _Pragma("GCC unroll 4") for (; i + W <= n; i += W)                                                                         \
        {                                                                                                                          \
            __m128i m = W == 8 ? _mm_loadl_epi64((const void *)(c + i)) : _mm_loadu_si128((const void *)(c + i));                  \
            __mmask##W yes = (__mmask##W)_mm_test_epi8_mask(m, m);                                                                 \
            _mm512_storeu_si512(o + i, _mm512_mask_loadu_##bits(_mm512_loadu_si512(b + i), yes, a + i));                           \
        }                                                                                                                          \
        if (i == n) return;                                                                                                        \
        __mmask##W rest = (__mmask##W)((1u << (n - i)) - 1);                                                                       \
        __m128i m = _mm_maskz_loadu_epi8(rest, c + i);                                                                             \
        __m512i y = _mm512_maskz_loadu_##bits(rest, b + i);                                                                        \
        _mm512_mask_storeu_##bits(o + i, rest,                                                                                     \
                                  _mm512_mask_loadu_##bits(y, (__mmask##W)_mm_mask_test_epi8_mask(rest, m, m), a + i));            \
    }
WHERE_512(where32, u32u, 16, epi32)
WHERE_512(where64, u64u, 8, epi64)
#else
WHERE(where32, u32u)
WHERE(where64, u64u)
#endif
static void where128(void *out, const void *const *in, size_t n)
{
    const u8u *c = in[0];
    for (size_t i = 0; i < n; i++) memmove((char *)out + 16 * i, (const char *)in[c[i] ? 1 : 2] + 16 * i, 16);
}

#define ROWS_COMMON(d, D)                                                                                                          \
    {CHK_FN_MIN, D, min_##d}, {CHK_FN_MAX, D, max_##d}, {CHK_FN_FMIN, D, min_##d}, {CHK_FN_FMAX, D, max_##d},                      \
        {CHK_FN_AND, D, and_##d}, {CHK_FN_OR, D, or_##d}, {CHK_FN_XOR, D, xor_##d}, {CHK_FN_INVERT, D, not_##d},                   \
        {CHK_FN_POS, D, copy_##d}, {CHK_FN_CONJ, D, copy_##d}, {CHK_FN_FLOORDIV, D, floordiv_##d}, {CHK_FN_MOD, D, mod_##d},       \
        {CHK_FN_POW, D, pow_##d}, {CHK_FN_SHL, D, shl_##d}, {CHK_FN_SHR, D, shr_##d}, {CHK_FN_SIGN, D, sign_##d},                  \
        {CHK_FN_RECIPROCAL, D, recip_##d}, {CHK_FN_FLOOR, D, copy_##d}, {CHK_FN_CEIL, D, copy_##d}, {CHK_FN_TRUNC, D, copy_##d},   \
    {                                                                                                                              \
        CHK_FN_ROUND, D, copy_##d                                                                                                  \
    }
/* add, subtract, multiply, negative: the signed loops serve both, bits being bits */
#define ROWS_SIGNED(d, D, U, u)                                                                                                    \
    {CHK_FN_ADD, D, add_##d}, {CHK_FN_SUB, D, sub_##d}, {CHK_FN_MUL, D, mul_##d}, {CHK_FN_NEG, D, neg_##d},                        \
        {CHK_FN_ABS, D, abs_##d}, {CHK_FN_FMOD, D, fmod_##d}, {CHK_FN_ADD, U, add_##d}, {CHK_FN_SUB, U, sub_##d},                  \
        {CHK_FN_MUL, U, mul_##d}, {CHK_FN_NEG, U, neg_##d}, {CHK_FN_ABS, U, copy_##u}, {CHK_FN_FMOD, U, mod_##u},                  \
        {CHK_FN_WHERE, D, CHK_WHERE_##d}, {CHK_FN_WHERE, U, CHK_WHERE_##d}, {CHK_FN_SQUARE, D, square_int_##d},                    \
    {                                                                                                                              \
        CHK_FN_SQUARE, U, square_int_##d                                                                                           \
    }
#define CHK_WHERE_i8 where8
#define CHK_WHERE_i16 where16
#define CHK_WHERE_i32 where32
#define CHK_WHERE_i64 where64
#define SQUARE(d, T, V, UT, UV, bits) CHK_UNARY(square_int_##d, UT, UT, (UV)((uint64_t)x * (uint64_t)x))
FOR_INTS(SQUARE)
#define ROWS_FLOAT(d, D)                                                                                                           \
    {CHK_FN_ADD, D, add_##d}, {CHK_FN_SUB, D, sub_##d}, {CHK_FN_MUL, D, mul_##d}, {CHK_FN_DIV, D, div_##d},                        \
        {CHK_FN_MIN, D, min_##d}, {CHK_FN_MAX, D, max_##d}, {CHK_FN_FMIN, D, fmin_##d}, {CHK_FN_FMAX, D, fmax_##d},                \
        {CHK_FN_COPYSIGN, D, copysign_##d}, {CHK_FN_NEXTAFTER, D, nextafter_##d}, {CHK_FN_NEG, D, neg_##d},                        \
        {CHK_FN_POS, D, copy_##d}, {CHK_FN_CONJ, D, copy_##d}, {CHK_FN_SQUARE, D, square_##d}, {CHK_FN_ABS, D, abs_##d},           \
        {CHK_FN_SIGN, D, sign_##d}, {CHK_FN_FLOOR, D, floor_##d}, {CHK_FN_CEIL, D, ceil_##d}, {CHK_FN_TRUNC, D, trunc_##d},        \
        {CHK_FN_ROUND, D, round_##d}, {CHK_FN_RECIPROCAL, D, recip_##d}, {CHK_FN_SQRT, D, sqrt_##d},                               \
        {CHK_FN_DEG2RAD, D, deg2rad_##d},                                                                                          \
    {                                                                                                                              \
        CHK_FN_RAD2DEG, D, rad2deg_##d                                                                                             \
    }

const chk_kern_row CHK_AT_LEVEL(chk_arith_rows)[] = {
    ROWS_COMMON(i8, CHK_I8),
    ROWS_COMMON(i16, CHK_I16),
    ROWS_COMMON(i32, CHK_I32),
    ROWS_COMMON(i64, CHK_I64),
    ROWS_COMMON(u8, CHK_U8),
    ROWS_COMMON(u16, CHK_U16),
    ROWS_COMMON(u32, CHK_U32),
    ROWS_COMMON(u64, CHK_U64),
    ROWS_SIGNED(i8, CHK_I8, CHK_U8, u8),
    ROWS_SIGNED(i16, CHK_I16, CHK_U16, u16),
    ROWS_SIGNED(i32, CHK_I32, CHK_U32, u32),
    ROWS_SIGNED(i64, CHK_I64, CHK_U64, u64),
    ROWS_FLOAT(f32, CHK_F32),
    ROWS_FLOAT(f64, CHK_F64),
    {CHK_FN_WHERE, CHK_F32, where32},
    {CHK_FN_WHERE, CHK_F64, where64},
    {CHK_FN_ADD, CHK_BOOL, or_b},
    {CHK_FN_MUL, CHK_BOOL, and_b},
    {CHK_FN_MAX, CHK_BOOL, or_b},
    {CHK_FN_MIN, CHK_BOOL, and_b},
    {CHK_FN_FMAX, CHK_BOOL, or_b},
    {CHK_FN_FMIN, CHK_BOOL, and_b},
    {CHK_FN_AND, CHK_BOOL, and_b},
    {CHK_FN_OR, CHK_BOOL, or_b},
    {CHK_FN_XOR, CHK_BOOL, xor_b},
    {CHK_FN_INVERT, CHK_BOOL, not_b},
    {CHK_FN_ABS, CHK_BOOL, copy_u8},
    {CHK_FN_FLOOR, CHK_BOOL, copy_u8},
    {CHK_FN_CEIL, CHK_BOOL, copy_u8},
    {CHK_FN_TRUNC, CHK_BOOL, copy_u8},
    {CHK_FN_SQUARE, CHK_BOOL, copy_u8},
    {CHK_FN_CONJ, CHK_BOOL, copy_u8},
    {CHK_FN_WHERE, CHK_BOOL, where8},
    {CHK_FN_WHERE, CHK_C64, where64},
    {CHK_FN_WHERE, CHK_C128, where128},
    {CHK_FN_NONE, CHK_BOOL, NULL},
};
