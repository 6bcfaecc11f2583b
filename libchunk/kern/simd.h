/* simd.h: one vector of float64 and one of float32 at each instruction set level, and SLEEF's functions on them. (Private to kern/.)
 *
 * SLEEF's deterministic family (finz) is taken at the vector levels: its others choose a path by all lanes together, so that a result would
 * depend on an element's neighbours. At the plain level a "vector" is one element. */
#ifndef CHK_KERN_SIMD_H
#define CHK_KERN_SIMD_H

#include <math.h>
#include <sleef.h>
#include <string.h>

#if defined __AVX512F__
#include <immintrin.h>
typedef __m512d vec_f64;
typedef __m512 vec_f32;
typedef __mmask8 mask_f64;
typedef __mmask16 mask_f32;
enum { WIDTH_f64 = 8, WIDTH_f32 = 16 };
#define SLEEF_f64(fn, acc) Sleef_finz_##fn##d8_##acc##avx512f
#define SLEEF_f32(fn, acc) Sleef_finz_##fn##f16_##acc##avx512f
#define CHK_SVML /* kern/svml/README.md; the linker hides what is declared hidden */
__attribute__((visibility("hidden"))) vec_f64 chk_svml_pow_f64(vec_f64 x, vec_f64 y);
__attribute__((visibility("hidden"))) vec_f32 chk_svml_pow_f32(vec_f32 x, vec_f32 y);
__attribute__((visibility("hidden"))) vec_f64 chk_svml_log_f64(vec_f64 x);
#define LOG_f64 chk_svml_log_f64
static inline vec_f64 load_f64(const void *p) { return _mm512_loadu_pd(p); }
static inline vec_f32 load_f32(const void *p) { return _mm512_loadu_ps(p); }
static inline void store_f64(void *p, vec_f64 x) { _mm512_storeu_pd(p, x); }
static inline void store_f32(void *p, vec_f32 x) { _mm512_storeu_ps(p, x); }
static inline vec_f64 all_f64(double x) { return _mm512_set1_pd(x); }
static inline vec_f32 all_f32(float x) { return _mm512_set1_ps(x); }
static inline mask_f64 less_f64(vec_f64 a, vec_f64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
static inline mask_f32 less_f32(vec_f32 a, vec_f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline mask_f64 equal_f64(vec_f64 a, vec_f64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
static inline mask_f32 equal_f32(vec_f32 a, vec_f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vec_f64 choose_f64(mask_f64 m, vec_f64 yes, vec_f64 no) { return _mm512_mask_blend_pd(m, no, yes); }
static inline vec_f32 choose_f32(mask_f32 m, vec_f32 yes, vec_f32 no) { return _mm512_mask_blend_ps(m, no, yes); }
static inline int any_f64(mask_f64 m) { return m != 0; }
static inline int every_f64(mask_f64 m) { return m == 0xFF; }
static inline int every_f32(mask_f32 m) { return m == 0xFFFF; }
static inline int any_f32(mask_f32 m) { return m != 0; }
static inline vec_f64 abs_f64(vec_f64 x) { return _mm512_abs_pd(x); }
static inline vec_f32 abs_f32(vec_f32 x) { return _mm512_abs_ps(x); }
static inline vec_f64 sign_f64(vec_f64 size, vec_f64 sign)
{
    return _mm512_or_pd(_mm512_abs_pd(size), _mm512_and_pd(sign, all_f64(-0.0)));
}
static inline vec_f32 sign_f32(vec_f32 size, vec_f32 sign)
{
    return _mm512_or_ps(_mm512_abs_ps(size), _mm512_and_ps(sign, all_f32(-0.0f)));
}
static inline vec_f64 trunc_f64(vec_f64 x) { return _mm512_roundscale_pd(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
static inline vec_f32 trunc_f32(vec_f32 x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
static inline vec_f64 floor_f64(vec_f64 x) { return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline vec_f32 floor_f32(vec_f32 x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline vec_f64 nearest_f64(vec_f64 x) { return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec_f32 nearest_f32(vec_f32 x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec_f64 fnma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return _mm512_fnmadd_pd(a, b, c); }
static inline vec_f32 fnma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return _mm512_fnmadd_ps(a, b, c); }
static inline vec_f64 fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return _mm512_fmadd_pd(a, b, c); }
static inline vec_f32 fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return _mm512_fmadd_ps(a, b, c); }
/* x * 2^n for whole n from -2000 to 2000 (float32: -250 to 250) */
static inline vec_f64 scale_f64(vec_f64 x, vec_f64 n) { return _mm512_scalef_pd(x, n); }
static inline vec_f32 scale_f32(vec_f32 x, vec_f32 n) { return _mm512_scalef_ps(x, n); }
#elif defined __AVX2__
#include <immintrin.h>
typedef __m256d vec_f64, mask_f64;
typedef __m256 vec_f32, mask_f32;
enum { WIDTH_f64 = 4, WIDTH_f32 = 8 };
#define SLEEF_f64(fn, acc) Sleef_finz_##fn##d4_##acc##avx2
#define SLEEF_f32(fn, acc) Sleef_finz_##fn##f8_##acc##avx2
static inline vec_f64 load_f64(const void *p) { return _mm256_loadu_pd(p); }
static inline vec_f32 load_f32(const void *p) { return _mm256_loadu_ps(p); }
static inline void store_f64(void *p, vec_f64 x) { _mm256_storeu_pd(p, x); }
static inline void store_f32(void *p, vec_f32 x) { _mm256_storeu_ps(p, x); }
static inline vec_f64 all_f64(double x) { return _mm256_set1_pd(x); }
static inline vec_f32 all_f32(float x) { return _mm256_set1_ps(x); }
static inline mask_f64 less_f64(vec_f64 a, vec_f64 b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
static inline mask_f32 less_f32(vec_f32 a, vec_f32 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline mask_f64 equal_f64(vec_f64 a, vec_f64 b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
static inline mask_f32 equal_f32(vec_f32 a, vec_f32 b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline vec_f64 choose_f64(mask_f64 m, vec_f64 yes, vec_f64 no) { return _mm256_blendv_pd(no, yes, m); }
static inline vec_f32 choose_f32(mask_f32 m, vec_f32 yes, vec_f32 no) { return _mm256_blendv_ps(no, yes, m); }
static inline int every_f64(mask_f64 m) { return _mm256_movemask_pd(m) == 0xF; }
static inline int every_f32(mask_f32 m) { return _mm256_movemask_ps(m) == 0xFF; }
static inline int any_f64(mask_f64 m) { return _mm256_movemask_pd(m) != 0; }
static inline int any_f32(mask_f32 m) { return _mm256_movemask_ps(m) != 0; }
static inline vec_f64 abs_f64(vec_f64 x) { return _mm256_andnot_pd(all_f64(-0.0), x); }
static inline vec_f32 abs_f32(vec_f32 x) { return _mm256_andnot_ps(all_f32(-0.0f), x); }
static inline vec_f64 sign_f64(vec_f64 size, vec_f64 sign)
{
    return _mm256_or_pd(abs_f64(size), _mm256_and_pd(sign, all_f64(-0.0)));
}
static inline vec_f32 sign_f32(vec_f32 size, vec_f32 sign)
{
    return _mm256_or_ps(abs_f32(size), _mm256_and_ps(sign, all_f32(-0.0f)));
}
static inline vec_f64 trunc_f64(vec_f64 x) { return _mm256_round_pd(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
static inline vec_f32 trunc_f32(vec_f32 x) { return _mm256_round_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC); }
static inline vec_f64 floor_f64(vec_f64 x) { return _mm256_floor_pd(x); }
static inline vec_f32 floor_f32(vec_f32 x) { return _mm256_floor_ps(x); }
static inline vec_f64 fnma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return _mm256_fnmadd_pd(a, b, c); }
static inline vec_f32 fnma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vec_f64 fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return _mm256_fmadd_pd(a, b, c); }
static inline vec_f32 fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec_f64 nearest_f64(vec_f64 x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec_f32 nearest_f32(vec_f32 x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/* In two steps, of which only the second can round. */
static inline vec_f64 power_of_two_f64(__m128i n)
{
    return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_cvtepi32_epi64(_mm_add_epi32(n, _mm_set1_epi32(1023))), 52));
}
static inline vec_f64 scale_f64(vec_f64 x, vec_f64 n)
{
    __m128i i = _mm256_cvtpd_epi32(n), half = _mm_srai_epi32(i, 1);
    return x * power_of_two_f64(half) * power_of_two_f64(_mm_sub_epi32(i, half));
}
static inline vec_f32 power_of_two_f32(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
static inline vec_f32 scale_f32(vec_f32 x, vec_f32 n)
{
    __m256i i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1);
    return x * power_of_two_f32(half) * power_of_two_f32(_mm256_sub_epi32(i, half));
}
#else
typedef double vec_f64;
typedef float vec_f32;
typedef int mask_f64, mask_f32;
enum { WIDTH_f64 = 1, WIDTH_f32 = 1 };
#define SLEEF_f64(fn, acc) Sleef_##fn##_##acc
#define SLEEF_f32(fn, acc) Sleef_##fn##f_##acc
static inline vec_f64 load_f64(const void *p)
{
    double x;
    memcpy(&x, p, sizeof x);
    return x;
}
static inline vec_f32 load_f32(const void *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}
static inline void store_f64(void *p, vec_f64 x) { memcpy(p, &x, sizeof x); }
static inline void store_f32(void *p, vec_f32 x) { memcpy(p, &x, sizeof x); }
static inline vec_f64 all_f64(double x) { return x; }
static inline vec_f32 all_f32(float x) { return x; }
static inline mask_f64 less_f64(vec_f64 a, vec_f64 b) { return a < b; }
static inline mask_f32 less_f32(vec_f32 a, vec_f32 b) { return a < b; }
static inline mask_f64 equal_f64(vec_f64 a, vec_f64 b) { return a == b; }
static inline mask_f32 equal_f32(vec_f32 a, vec_f32 b) { return a == b; }
static inline vec_f64 choose_f64(mask_f64 m, vec_f64 yes, vec_f64 no) { return m ? yes : no; }
static inline vec_f32 choose_f32(mask_f32 m, vec_f32 yes, vec_f32 no) { return m ? yes : no; }
static inline int any_f64(mask_f64 m) { return m; }
static inline int any_f32(mask_f32 m) { return m; }
static inline vec_f64 abs_f64(vec_f64 x) { return fabs(x); }
static inline vec_f32 abs_f32(vec_f32 x) { return fabsf(x); }
static inline vec_f64 sign_f64(vec_f64 size, vec_f64 sign) { return copysign(size, sign); }
static inline vec_f32 sign_f32(vec_f32 size, vec_f32 sign) { return copysignf(size, sign); }
static inline vec_f64 floor_f64(vec_f64 x) { return floor(x); }
static inline vec_f32 floor_f32(vec_f32 x) { return floorf(x); }
#endif

#if !defined CHK_SVML
#define LOG_f64 SLEEF_f64(log, u10)
#endif
#define LOG_f32 SLEEF_f32(log, u10)
#endif
