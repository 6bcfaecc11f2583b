/* cast.inc.h: conversions between all dtypes, as NumPy's astype. float16 goes by float32; from float64 by a float32 rounded to odd, which
 * leaves the last rounding exact. */
#include "kern/isa.h"
#include "kern/simd.h"

/* ---- floats to integers: truncation; what does not fit becomes the smallest value, of which narrower integers take the low bits */
static inline int32_t f64_to_i32(double x) { return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN; }
static inline int32_t f32_to_i32(float x) { return x >= -0x1p31f && x < 0x1p31f ? (int32_t)x : INT32_MIN; }
static inline int64_t f64_to_i64(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }
static inline int64_t f32_to_i64(float x) { return x >= -0x1p63f && x < 0x1p63f ? (int64_t)x : INT64_MIN; }
static inline uint64_t f64_to_u64(double x) { return x >= 0x1p63 && x < 0x1p64 ? (uint64_t)x : (uint64_t)f64_to_i64(x); }
static inline uint64_t f32_to_u64(float x) { return x >= 0x1p63f && x < 0x1p64f ? (uint64_t)x : (uint64_t)f32_to_i64(x); }

#define INTEGER_TO_b(d, x) ((x) != 0)
#define INTEGER_TO_i8(d, x) ((int8_t)(x))
#define INTEGER_TO_i16(d, x) ((int16_t)(x))
#define INTEGER_TO_i32(d, x) ((int32_t)(x))
#define INTEGER_TO_i64(d, x) ((int64_t)(x))
#define INTEGER_TO_u8(d, x) ((uint8_t)(x))
#define INTEGER_TO_u16(d, x) ((uint16_t)(x))
#define INTEGER_TO_u32(d, x) ((uint32_t)(x))
#define INTEGER_TO_u64(d, x) ((uint64_t)(x))
#define INTEGER_TO_f32(d, x) ((float)(x))
#define INTEGER_TO_f64(d, x) ((double)(x))
#define FLOAT_TO_b(d, x) ((x) != 0)
#define FLOAT_TO_i8(d, x) ((int8_t)d##_to_i32(x))
#define FLOAT_TO_i16(d, x) ((int16_t)d##_to_i32(x))
#define FLOAT_TO_i32(d, x) d##_to_i32(x)
#define FLOAT_TO_i64(d, x) d##_to_i64(x)
#define FLOAT_TO_u8(d, x) ((uint8_t)d##_to_i32(x))
#define FLOAT_TO_u16(d, x) ((uint16_t)d##_to_i32(x))
#define FLOAT_TO_u32(d, x) ((uint32_t)d##_to_i64(x))
#define FLOAT_TO_u64(d, x) d##_to_u64(x)
#define FLOAT_TO_f32(d, x) ((float)(x))
#define FLOAT_TO_f64(d, x) ((double)(x))

/* A float64 as the float32 whose rounding to float16 is the float64's: truncated, the last bit set where anything was cut off. */
static inline float odd_f64(double x)
{
    float f = (float)x;
    double back = f;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    bits -= fabs(back) > fabs(x);
    bits |= back != x && x == x;
    memcpy(&f, &bits, sizeof f);
    return f;
}
#define odd_f32(x) (x)
#define odd_int(x) ((float)(x))

/* ---- float16 */
#include "kern/half.inc.h"

enum { HALF_BLOCK = 256 }; /* float32 on the stack between float16 and another dtype */

/* ---- one loop a pair; complex values are pairs of one of the floats */
#define CAST(from, F, to, T, expr)                                                                                                 \
    static void cast_##from##_##to(void *out, const void *const *in, size_t n)                                                     \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const F *a = in[0];                                                                                                        \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                                        \
        {                                                                                                                          \
            F x = a[i];                                                                                                            \
            o[i] = (T)(expr);                                                                                                      \
        }                                                                                                                          \
    }
#define CAST_TO_COMPLEX(from, F, to, T)                                                                                            \
    static void cast_##from##_##to(void *out, const void *const *in, size_t n)                                                     \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const F *a = in[0];                                                                                                        \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            T re = (T)a[i];                                                                                                        \
            o[2 * i] = re;                                                                                                         \
            o[2 * i + 1] = 0;                                                                                                      \
        }                                                                                                                          \
    }
#define CAST_TO_HALF(from, F, stride, narrow)                                                                                      \
    static void cast_##from##_f16(void *out, const void *const *in, size_t n)                                                      \
    {                                                                                                                              \
        u16u *o = out;                                                                                                             \
        const F *a = in[0];                                                                                                        \
        float buf[HALF_BLOCK];                                                                                                     \
        for (size_t i = 0; i < n; i += HALF_BLOCK) {                                                                               \
            size_t m = n - i < HALF_BLOCK ? n - i : HALF_BLOCK;                                                                    \
            for (size_t j = 0; j < m; j++) buf[j] = narrow(a[stride * (i + j)]);                                                   \
            narrow_half(o + i, buf, m);                                                                                            \
        }                                                                                                                          \
    }
#define CAST_FROM_HALF(to, T, expr)                                                                                                \
    static void cast_f16_##to(void *out, const void *const *in, size_t n)                                                          \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const u16u *a = in[0];                                                                                                     \
        float buf[HALF_BLOCK];                                                                                                     \
        for (size_t i = 0; i < n; i += HALF_BLOCK) {                                                                               \
            size_t m = n - i < HALF_BLOCK ? n - i : HALF_BLOCK;                                                                    \
            widen_half(buf, a + i, m);                                                                                             \
            for (size_t j = 0; j < m; j++) {                                                                                       \
                float x = buf[j];                                                                                                  \
                o[i + j] = (T)(expr);                                                                                              \
            }                                                                                                                      \
        }                                                                                                                          \
    }
#define CAST_HALF_TO_COMPLEX(to, T)                                                                                                \
    static void cast_f16_##to(void *out, const void *const *in, size_t n)                                                          \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const u16u *a = in[0];                                                                                                     \
        float buf[HALF_BLOCK];                                                                                                     \
        for (size_t i = 0; i < n; i += HALF_BLOCK) {                                                                               \
            size_t m = n - i < HALF_BLOCK ? n - i : HALF_BLOCK;                                                                    \
            widen_half(buf, a + i, m);                                                                                             \
            for (size_t j = 0; j < m; j++) o[2 * (i + j)] = buf[j], o[2 * (i + j) + 1] = 0;                                        \
        }                                                                                                                          \
    }
#define CAST_FROM_COMPLEX(from, F, to, T, expr)                                                                                    \
    static void cast_##from##_##to(void *out, const void *const *in, size_t n)                                                     \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const F *a = in[0];                                                                                                        \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                                        \
        {                                                                                                                          \
            F x = a[2 * i];                                                                                                        \
            o[i] = (T)(expr);                                                                                                      \
        }                                                                                                                          \
    }
#define CAST_PAIRS(from, to, part)                                                                                                 \
    static void cast_##from##_##to(void *out, const void *const *in, size_t n) { part(out, in, 2 * n); }
#define COMPLEX_TO_BOOL(from, F)                                                                                                   \
    static void cast_##from##_b(void *out, const void *const *in, size_t n)                                                        \
    {                                                                                                                              \
        u8u *o = out;                                                                                                              \
        const F *a = in[0];                                                                                                        \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++) o[i] = (a[2 * i] != 0) | (a[2 * i + 1] != 0);                          \
    }

/* From each integer and real dtype to each, to float16 and to complex */
#define TO_REALS(CLASS, from, F)                                                                                                   \
    CAST(from, F, b, u8u, CLASS##_TO_b(from, x))                                                                                   \
    CAST(from, F, i8, i8u, CLASS##_TO_i8(from, x))                                                                                 \
    CAST(from, F, i16, i16u, CLASS##_TO_i16(from, x))                                                                              \
    CAST(from, F, i32, i32u, CLASS##_TO_i32(from, x))                                                                              \
    CAST(from, F, i64, i64u, CLASS##_TO_i64(from, x))                                                                              \
    CAST(from, F, u8, u8u, CLASS##_TO_u8(from, x))                                                                                 \
    CAST(from, F, u16, u16u, CLASS##_TO_u16(from, x))                                                                              \
    CAST(from, F, u32, u32u, CLASS##_TO_u32(from, x))                                                                              \
    CAST(from, F, u64, u64u, CLASS##_TO_u64(from, x))                                                                              \
    CAST(from, F, f32, f32u, CLASS##_TO_f32(from, x))                                                                              \
    CAST(from, F, f64, f64u, CLASS##_TO_f64(from, x))                                                                              \
    CAST_TO_COMPLEX(from, F, c64, f32u)                                                                                            \
    CAST_TO_COMPLEX(from, F, c128, f64u)
#define INTEGER(from, F) TO_REALS(INTEGER, from, F) CAST_TO_HALF(from, F, 1, odd_int)
INTEGER(b, u8u)
INTEGER(i8, i8u)
INTEGER(i16, i16u)
INTEGER(i32, i32u)
INTEGER(i64, i64u)
INTEGER(u8, u8u)
INTEGER(u16, u16u)
INTEGER(u32, u32u)
INTEGER(u64, u64u)
TO_REALS(FLOAT, f32, f32u)
TO_REALS(FLOAT, f64, f64u)
CAST_TO_HALF(f32, f32u, 1, odd_f32)
CAST_TO_HALF(f64, f64u, 1, odd_f64)

CAST_FROM_HALF(b, u8u, x != 0)
CAST_FROM_HALF(i8, i8u, FLOAT_TO_i8(f32, x))
CAST_FROM_HALF(i16, i16u, FLOAT_TO_i16(f32, x))
CAST_FROM_HALF(i32, i32u, FLOAT_TO_i32(f32, x))
CAST_FROM_HALF(i64, i64u, FLOAT_TO_i64(f32, x))
CAST_FROM_HALF(u8, u8u, FLOAT_TO_u8(f32, x))
CAST_FROM_HALF(u16, u16u, FLOAT_TO_u16(f32, x))
CAST_FROM_HALF(u32, u32u, FLOAT_TO_u32(f32, x))
CAST_FROM_HALF(u64, u64u, FLOAT_TO_u64(f32, x))
CAST_FROM_HALF(f32, f32u, x)
CAST_FROM_HALF(f64, f64u, x)
CAST(f16, u16u, f16, u16u, x)
CAST_HALF_TO_COMPLEX(c64, f32u)
CAST_HALF_TO_COMPLEX(c128, f64u)

#define COMPLEX(from, F, d)                                                                                                        \
    COMPLEX_TO_BOOL(from, F)                                                                                                       \
    CAST_FROM_COMPLEX(from, F, i8, i8u, FLOAT_TO_i8(d, x))                                                                         \
    CAST_FROM_COMPLEX(from, F, i16, i16u, FLOAT_TO_i16(d, x))                                                                      \
    CAST_FROM_COMPLEX(from, F, i32, i32u, FLOAT_TO_i32(d, x))                                                                      \
    CAST_FROM_COMPLEX(from, F, i64, i64u, FLOAT_TO_i64(d, x))                                                                      \
    CAST_FROM_COMPLEX(from, F, u8, u8u, FLOAT_TO_u8(d, x))                                                                         \
    CAST_FROM_COMPLEX(from, F, u16, u16u, FLOAT_TO_u16(d, x))                                                                      \
    CAST_FROM_COMPLEX(from, F, u32, u32u, FLOAT_TO_u32(d, x))                                                                      \
    CAST_FROM_COMPLEX(from, F, u64, u64u, FLOAT_TO_u64(d, x))                                                                      \
    CAST_FROM_COMPLEX(from, F, f32, f32u, x)                                                                                       \
    CAST_FROM_COMPLEX(from, F, f64, f64u, x)                                                                                       \
    CAST_TO_HALF(from, F, 2, odd_##d)
COMPLEX(c64, f32u, f32)
COMPLEX(c128, f64u, f64)
CAST_PAIRS(c64, c64, cast_f32_f32)
CAST_PAIRS(c64, c128, cast_f32_f64)
CAST_PAIRS(c128, c64, cast_f64_f32)
CAST_PAIRS(c128, c128, cast_f64_f64)

/* The processor's own conversion gives the smallest value where a number does not fit, so nothing is left to compare. */
#if defined __AVX2__
static void cast_f64_i32_wide(void *out, const void *const *in, size_t n)
{
    const char *a = in[0];
    char *o = out;
#if defined __AVX512F__
    for (; n >= 8; n -= 8, a += 64, o += 32) _mm256_storeu_si256((void *)o, _mm512_cvttpd_epi32(_mm512_loadu_pd(a)));
#else
    for (; n >= 4; n -= 4, a += 32, o += 16) _mm_storeu_si128((void *)o, _mm256_cvttpd_epi32(_mm256_loadu_pd((const void *)a)));
#endif
    cast_f64_i32(o, (const void *const[]){a}, n);
}
#define cast_f64_i32 cast_f64_i32_wide
#endif

#define ROW(from)                                                                                                                  \
    {                                                                                                                              \
        [CHK_BOOL] = cast_##from##_b, [CHK_I8] = cast_##from##_i8, [CHK_I16] = cast_##from##_i16, [CHK_I32] = cast_##from##_i32,   \
        [CHK_I64] = cast_##from##_i64, [CHK_U8] = cast_##from##_u8, [CHK_U16] = cast_##from##_u16, [CHK_U32] = cast_##from##_u32,  \
        [CHK_U64] = cast_##from##_u64, [CHK_F16] = cast_##from##_f16, [CHK_F32] = cast_##from##_f32,                               \
        [CHK_F64] = cast_##from##_f64, [CHK_C64] = cast_##from##_c64, [CHK_C128] = cast_##from##_c128,                             \
    }
const chk_kern CHK_AT_LEVEL(chk_casts)[CHK_NDTYPE][CHK_NDTYPE] = {
    [CHK_BOOL] = ROW(b),  [CHK_I8] = ROW(i8),   [CHK_I16] = ROW(i16), [CHK_I32] = ROW(i32),   [CHK_I64] = ROW(i64),
    [CHK_U8] = ROW(u8),   [CHK_U16] = ROW(u16), [CHK_U32] = ROW(u32), [CHK_U64] = ROW(u64),   [CHK_F16] = ROW(f16),
    [CHK_F32] = ROW(f32), [CHK_F64] = ROW(f64), [CHK_C64] = ROW(c64), [CHK_C128] = ROW(c128),
};
