/* half.inc.h: float16 to float32 and back, rounding to nearest even; for templates. */
#ifndef CHK_KERN_HALF_INC_H
#define CHK_KERN_HALF_INC_H

#include "kern/isa.h"
#include "kern/simd.h"

#if defined __F16C__
static void widen_half(float *out, const u16u *in, size_t n)
{
    for (; n >= 8; n -= 8, in += 8, out += 8) _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i_u *)in)));
    for (; n; n--) *out++ = _cvtsh_ss(*in++);
}
static void narrow_half(u16u *out, const float *in, size_t n)
{
    for (; n >= 8; n -= 8, in += 8, out += 8)
        _mm_storeu_si128((__m128i_u *)out, _mm256_cvtps_ph(_mm256_loadu_ps(in), _MM_FROUND_TO_NEAREST_INT));
    for (; n; n--) *out++ = _cvtss_sh(*in++, _MM_FROUND_TO_NEAREST_INT);
}
#else
static inline float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static inline uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}
static void widen_half(float *out, const u16u *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t sign = (uint32_t)(in[i] & 0x8000) << 16, size = (uint32_t)(in[i] & 0x7FFF) << 13;
        uint32_t normal = size + (112u << 23);                                         /* the exponent's new bias */
        uint32_t tiny = bits_of(float_of(size + (113u << 23)) - float_of(113u << 23)); /* subnormals, by subtraction */
        uint32_t special = (size + (224u << 23)) | (size > 0x0F800000u ? 0x400000u : 0);
        out[i] = float_of(sign | (size < 0x00800000u ? tiny : size < 0x0F800000u ? normal : special));
    }
}
static void narrow_half(u16u *out, const float *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = bits_of(in[i]), sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
        uint32_t normal = (size - (112u << 23) + 0xFFF + (size >> 13 & 1)) >> 13;      /* ties to even */
        uint32_t tiny = bits_of(float_of(size) + float_of(126u << 23)) - (126u << 23); /* 0.5 + x rounds at float16's last place */
        uint32_t special = size > 0x7F800000u ? 0x7E00 | (size >> 13 & 0x3FF) : 0x7C00;
        out[i] = (uint16_t)(sign | (size >= 143u << 23 ? special : size < 113u << 23 ? tiny : normal));
    }
}
#endif

#endif
