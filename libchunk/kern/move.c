/* move.c: moving bytes: splat, gather, byte swap, HDF5's shuffle and bitshuffle's bit transpose. Plain loops are written so that the compiler turns them
 * into vector code; transposes of bytes use 128-bit unpacks, which every x86-64 has. */
#include "kern/isa.h"

#if defined __SSE2__
#include <emmintrin.h>
#endif

void chk_kern_splat(void *out, const void *item, size_t item_bytes, size_t n)
{
    switch (item_bytes) {
    case 1: memset(out, *(const uint8_t *)item, n); return;
    case 2: {
        uint16_t v;
        memcpy(&v, item, 2);
        for (size_t i = 0; i < n; i++) ((u16u *)out)[i] = v;
        return;
    }
    case 4: {
        uint32_t v;
        memcpy(&v, item, 4);
        for (size_t i = 0; i < n; i++) ((u32u *)out)[i] = v;
        return;
    }
    case 8: {
        uint64_t v;
        memcpy(&v, item, 8);
        for (size_t i = 0; i < n; i++) ((u64u *)out)[i] = v;
        return;
    }
    default:
        for (size_t i = 0; i < n; i++) memcpy((char *)out + i * item_bytes, item, item_bytes);
    }
}

void chk_kern_gather(void *out, const void *in, int64_t stride, size_t item_bytes, size_t n)
{
    const char *a = in;
    switch (item_bytes) {
    case 1:
        for (size_t i = 0; i < n; i++) ((u8u *)out)[i] = *(const u8u *)(a + (int64_t)i * stride);
        return;
    case 2:
        for (size_t i = 0; i < n; i++) ((u16u *)out)[i] = *(const u16u *)(const void *)(a + (int64_t)i * stride);
        return;
    case 4:
        for (size_t i = 0; i < n; i++) ((u32u *)out)[i] = *(const u32u *)(const void *)(a + (int64_t)i * stride);
        return;
    case 8:
        for (size_t i = 0; i < n; i++) ((u64u *)out)[i] = *(const u64u *)(const void *)(a + (int64_t)i * stride);
        return;
    default:
        for (size_t i = 0; i < n; i++) memcpy((char *)out + i * item_bytes, a + (int64_t)i * stride, item_bytes);
    }
}

void chk_kern_bswap(void *out, const void *in, size_t unit_bytes, size_t n)
{
    switch (unit_bytes) {
    case 2: {
        u16u *o = out;
        const u16u *a = in;
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++) o[i] = __builtin_bswap16(a[i]);
        return;
    }
    case 4: {
        u32u *o = out;
        const u32u *a = in;
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++) o[i] = __builtin_bswap32(a[i]);
        return;
    }
    case 8: {
        u64u *o = out;
        const u64u *a = in;
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++) o[i] = __builtin_bswap64(a[i]);
        return;
    }
    default:
        if (out != in) memmove(out, in, unit_bytes * n);
    }
}

bool chk_kern_all_equal(const void *in, const void *item, size_t item_bytes, size_t n)
{
    if (n == 0) return true;
    if (memcmp(in, item, item_bytes) != 0) return false;
    /* All equal to the first: the bytes equal themselves moved by one item. */
    return memcmp(in, (const char *)in + item_bytes, item_bytes * (n - 1)) == 0;
}

/* ---- bytes of elements <-> planes of bytes */

#if defined __SSE2__
#define LOADU(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define STOREU(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

static void unplane16x8(uint8_t *out, const uint8_t *in, size_t plane) /* 16 elements of 8 bytes */
{
    __m128i p[8], q[8];
    for (int b = 0; b < 8; b++) p[b] = LOADU(in + (size_t)b * plane);
    for (int b = 0; b < 4; b++) {
        q[b] = _mm_unpacklo_epi8(p[2 * b], p[2 * b + 1]);
        q[b + 4] = _mm_unpackhi_epi8(p[2 * b], p[2 * b + 1]);
    }
    for (int h = 0; h < 2; h++) {
        __m128i *r = &q[4 * h];
        __m128i a = _mm_unpacklo_epi16(r[0], r[1]), b = _mm_unpackhi_epi16(r[0], r[1]);
        __m128i c = _mm_unpacklo_epi16(r[2], r[3]), d = _mm_unpackhi_epi16(r[2], r[3]);
        uint8_t *o = out + 64 * h;
        STOREU(o, _mm_unpacklo_epi32(a, c));
        STOREU(o + 16, _mm_unpackhi_epi32(a, c));
        STOREU(o + 32, _mm_unpacklo_epi32(b, d));
        STOREU(o + 48, _mm_unpackhi_epi32(b, d));
    }
}

static void unplane16x4(uint8_t *out, const uint8_t *in, size_t plane)
{
    __m128i a = LOADU(in), b = LOADU(in + plane), c = LOADU(in + 2 * plane), d = LOADU(in + 3 * plane);
    __m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d), AB = _mm_unpackhi_epi8(a, b), CD = _mm_unpackhi_epi8(c, d);
    STOREU(out, _mm_unpacklo_epi16(ab, cd));
    STOREU(out + 16, _mm_unpackhi_epi16(ab, cd));
    STOREU(out + 32, _mm_unpacklo_epi16(AB, CD));
    STOREU(out + 48, _mm_unpackhi_epi16(AB, CD));
}

/* 16 elements of 8 bytes into 8 planes: the same unpacks, three times, bring byte b of all elements together. */
static void plane16x8(uint8_t *out, const uint8_t *in, size_t plane)
{
    __m128i p[8], q[8];
    for (int i = 0; i < 8; i++) p[i] = LOADU(in + 16 * i);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 4; i++) {
            q[2 * i] = _mm_unpacklo_epi8(p[i], p[i + 4]);
            q[2 * i + 1] = _mm_unpackhi_epi8(p[i], p[i + 4]);
        }
        memcpy(p, q, sizeof p);
    }
    for (int b = 0; b < 8; b++) STOREU(out + (size_t)b * plane, p[b]);
}
#endif

void chk_kern_unplane(void *out, const void *in, size_t plane_bytes, size_t item_bytes, size_t n)
{
    uint8_t *o = out;
    const uint8_t *a = in;
    size_t i = 0;
#if defined __SSE2__
    if (item_bytes == 8)
        for (; i + 16 <= n; i += 16) unplane16x8(o + 8 * i, a + i, plane_bytes);
    if (item_bytes == 4)
        for (; i + 16 <= n; i += 16) unplane16x4(o + 4 * i, a + i, plane_bytes);
#endif
    for (; i < n; i++)
        for (size_t b = 0; b < item_bytes; b++) o[i * item_bytes + b] = a[b * plane_bytes + i];
}

static void to_planes(uint8_t *out, const uint8_t *in, size_t plane_bytes, size_t item_bytes, size_t n)
{
    size_t i = 0;
#if defined __SSE2__
    if (item_bytes == 8)
        for (; i + 16 <= n; i += 16) plane16x8(out + i, in + 8 * i, plane_bytes);
#endif
    for (size_t b = 0; b < item_bytes; b++)
        for (size_t k = i; k < n; k++) out[b * plane_bytes + k] = in[k * item_bytes + b];
}

void chk_kern_shuffle(void *out, const void *in, size_t item_bytes, size_t n_bytes)
{
    size_t n = n_bytes / item_bytes, rest = n_bytes % item_bytes;
    to_planes(out, in, n, item_bytes, n);
    memcpy((char *)out + n * item_bytes, (const char *)in + n * item_bytes, rest);
}

void chk_kern_unshuffle(void *out, const void *in, size_t item_bytes, size_t n_bytes)
{
    size_t n = n_bytes / item_bytes, rest = n_bytes % item_bytes;
    chk_kern_unplane(out, in, n, item_bytes, n);
    memcpy((char *)out + n * item_bytes, (const char *)in + n * item_bytes, rest);
}

/* ---- bits */

/* The 8 x 8 bit matrices in n words, transposed (Hacker's Delight, 7-3). */
static void transpose8(uint64_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t v = x[i], t = (v ^ (v >> 7)) & 0x00AA00AA00AA00AAu;
        v ^= t ^ (t << 7);
        t = (v ^ (v >> 14)) & 0x0000CCCC0000CCCCu;
        v ^= t ^ (t << 14);
        t = (v ^ (v >> 28)) & 0x00000000F0F0F0F0u;
        x[i] = v ^ t ^ (t << 28);
    }
}

/* Elements at a time: planes of them stay in L1 for items up to 16 bytes; larger items go plane by plane. */
enum { BITS_AT_ONCE = 512 };

void chk_kern_bitunshuffle(void *out, const void *in, size_t item_bytes, size_t n)
{
    size_t row = n / 8;                           /* bytes of one bit of one byte of all elements */
    uint64_t words[BITS_AT_ONCE / 8];
    for (size_t first = 0; first < n; first += BITS_AT_ONCE) {
        size_t m = n - first < BITS_AT_ONCE ? n - first : BITS_AT_ONCE;
        uint8_t plane[16][BITS_AT_ONCE];
        for (size_t b0 = 0; b0 < item_bytes; b0 += 16) {
            size_t nb = item_bytes - b0 < 16 ? item_bytes - b0 : 16;
            for (size_t b = 0; b < nb; b++) {
                chk_kern_unplane(words, (const uint8_t *)in + (b0 + b) * 8 * row + first / 8, row, 8, m / 8);
                transpose8(words, m / 8);
                memcpy(plane[b], words, m);
            }
            if (item_bytes <= 16) {
                chk_kern_unplane((uint8_t *)out + first * item_bytes, plane, BITS_AT_ONCE, item_bytes, m);
                continue;
            }
            for (size_t i = 0; i < m; i++)
                for (size_t b = 0; b < nb; b++) ((uint8_t *)out)[(first + i) * item_bytes + b0 + b] = plane[b][i];
        }
    }
}

void chk_kern_bitshuffle(void *out, const void *in, size_t item_bytes, size_t n)
{
    size_t row = n / 8;
    uint64_t words[BITS_AT_ONCE / 8];
    for (size_t first = 0; first < n; first += BITS_AT_ONCE) {
        size_t m = n - first < BITS_AT_ONCE ? n - first : BITS_AT_ONCE;
        uint8_t plane[16][BITS_AT_ONCE];
        for (size_t b0 = 0; b0 < item_bytes; b0 += 16) {
            size_t nb = item_bytes - b0 < 16 ? item_bytes - b0 : 16;
            const uint8_t *from = (const uint8_t *)in + first * item_bytes + b0;
            if (item_bytes <= 16)
                to_planes(plane[0], from, BITS_AT_ONCE, item_bytes, m);
            else
                for (size_t i = 0; i < m; i++)
                    for (size_t b = 0; b < nb; b++) plane[b][i] = from[i * item_bytes + b];
            for (size_t b = 0; b < nb; b++) {
                memcpy(words, plane[b], m);
                transpose8(words, m / 8);
                to_planes((uint8_t *)out + (b0 + b) * 8 * row + first / 8, (const uint8_t *)words, row, 8, m / 8);
            }
        }
    }
}
