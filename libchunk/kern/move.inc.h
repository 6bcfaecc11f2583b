/* move.inc.h: byte order, HDF5's byte shuffle and bitshuffle's bit transpose at one level.
 *
 * Shuffling is a rotation of index bits. Take 16 items of S bytes, S a power of two, as S vectors of 16 bytes: unpacking vector k with
 * vector k + S/2 into vectors 2k and 2k + 1 moves the top bit of every byte's index to the bottom. From (plane, item) to (item, plane) takes
 * log2 S such rounds, back takes four. A bit transpose is the byte shuffle, an 8 by 8 bit transpose in each 8 bytes of a plane, and the byte
 * shuffle of those 8 bytes. */
#include "kern/level.h"

typedef uint8_t v16 __attribute__((vector_size(16)));
typedef uint8_t v16u __attribute__((vector_size(16), aligned(1), may_alias));

static inline v16 low(v16 a, v16 b)
{
    return __builtin_shuffle(a, b, (v16){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23});
}
static inline v16 high(v16 a, v16 b)
{
    return __builtin_shuffle(a, b, (v16){8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31});
}

/* Vectors of a block live in registers once their loops are unrolled */
#if defined __OPTIMIZE__
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL
#endif

/* n_rounds rounds over S vectors; S and n_rounds are constants where this is inlined */
static inline __attribute__((always_inline)) void rotate(v16 *v, int S, int n_rounds)
{
    v16 w[16];
    UNROLL for (int round = 0; round < n_rounds; round++)
    {
        UNROLL for (int k = 0; k < S / 2; k++) w[2 * k] = low(v[k], v[k + S / 2]), w[2 * k + 1] = high(v[k], v[k + S / 2]);
        UNROLL for (int k = 0; k < S; k++) v[k] = w[k];
    }
}

static inline __attribute__((always_inline)) void shuffle_size(uint8_t *out, const uint8_t *in, size_t plane, int S, size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 v[16];
        UNROLL for (int k = 0; k < S; k++) v[k] = ((const v16u *)(in + i * (size_t)S))[k];
        rotate(v, S, 4);
        UNROLL for (int k = 0; k < S; k++) * (v16u *)(out + (size_t)k * plane + i) = v[k];
    }
    for (; i < n; i++)
        for (int k = 0; k < S; k++) out[(size_t)k * plane + i] = in[i * (size_t)S + (size_t)k];
}

static inline __attribute__((always_inline)) void unshuffle_size(uint8_t *out, const uint8_t *in, size_t plane, int S, int log2_S,
                                                                 size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 v[16];
        UNROLL for (int k = 0; k < S; k++) v[k] = *(const v16u *)(in + (size_t)k * plane + i);
        rotate(v, S, log2_S);
        UNROLL for (int k = 0; k < S; k++)((v16u *)(out + i * (size_t)S))[k] = v[k];
    }
    for (; i < n; i++)
        for (int k = 0; k < S; k++) out[i * (size_t)S + (size_t)k] = in[(size_t)k * plane + i];
}

static void shuffle(void *out, const void *in, size_t plane, size_t item, size_t n)
{
    uint8_t *o = out;
    const uint8_t *a = in;
    switch (item) {
    case 1: memcpy(out, in, n); break;
    case 2: shuffle_size(o, a, plane, 2, n); break;
    case 4: shuffle_size(o, a, plane, 4, n); break;
    case 8: shuffle_size(o, a, plane, 8, n); break;
    case 16: shuffle_size(o, a, plane, 16, n); break;
    default:
        for (size_t b = 0; b < item; b++)
            for (size_t i = 0; i < n; i++) o[b * plane + i] = a[i * item + b];
    }
}

static void unshuffle(void *out, const void *in, size_t plane, size_t item, size_t n)
{
    uint8_t *o = out;
    const uint8_t *a = in;
    switch (item) {
    case 1: memcpy(out, in, n); break;
    case 2: unshuffle_size(o, a, plane, 2, 1, n); break;
    case 4: unshuffle_size(o, a, plane, 4, 2, n); break;
    case 8: unshuffle_size(o, a, plane, 8, 3, n); break;
    case 16: unshuffle_size(o, a, plane, 16, 4, n); break;
    default:
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < item; b++) o[i * item + b] = a[b * plane + i];
    }
}

/* Transposes the 8 by 8 bits of each of n words: bit c of byte r becomes bit r of byte c */
static void transpose_bits(uint64_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t w = x[i], t = (w ^ (w >> 7)) & 0x00AA00AA00AA00AA;
        w ^= t ^ (t << 7);
        t = (w ^ (w >> 14)) & 0x0000CCCC0000CCCC;
        w ^= t ^ (t << 14);
        t = (w ^ (w >> 28)) & 0x00000000F0F0F0F0;
        x[i] = w ^ t ^ (t << 28);
    }
}

enum { BIT_BLOCK = 512, BIT_PLANES = 16 }; /* elements at a time, and planes of them on the stack: 8 KiB */

static void bitshuffle(void *out, const void *in, size_t item, size_t n)
{
    uint64_t planes[BIT_PLANES][BIT_BLOCK / 8];
    uint8_t *o = out;
    size_t row = n / 8; /* bytes of a row of bits */
    bool together = item <= BIT_PLANES && !(item & (item - 1));
    for (size_t i = 0; i < n; i += BIT_BLOCK) {
        size_t m = n - i < BIT_BLOCK ? n - i : BIT_BLOCK;
        const uint8_t *a = (const uint8_t *)in + i * item;
        if (together) shuffle(planes, a, BIT_BLOCK, item, m);
        for (size_t b = 0; b < item; b++) {
            uint64_t *p = planes[together ? b : 0];
            if (!together)
                for (size_t j = 0; j < m; j++) ((uint8_t *)p)[j] = a[j * item + b];
            transpose_bits(p, m / 8);
            shuffle(o + 8 * b * row + i / 8, p, row, 8, m / 8);
        }
    }
}

static void bitunshuffle(void *out, const void *in, size_t item, size_t n)
{
    uint64_t planes[BIT_PLANES][BIT_BLOCK / 8];
    const uint8_t *a = in;
    size_t row = n / 8;
    bool together = item <= BIT_PLANES && !(item & (item - 1));
    for (size_t i = 0; i < n; i += BIT_BLOCK) {
        size_t m = n - i < BIT_BLOCK ? n - i : BIT_BLOCK;
        uint8_t *o = (uint8_t *)out + i * item;
        for (size_t b = 0; b < item; b++) {
            uint64_t *p = planes[together ? b : 0];
            unshuffle(p, a + 8 * b * row + i / 8, row, 8, m / 8);
            transpose_bits(p, m / 8);
            if (!together)
                for (size_t j = 0; j < m; j++) o[j * item + b] = ((uint8_t *)p)[j];
        }
        if (together) unshuffle(o, planes, BIT_BLOCK, item, m);
    }
}

#define SWAP(name, T, reversed)                                                                                                    \
    static void name(T *o, const T *a, size_t n) { _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++) o[i] = reversed(a[i]); }
SWAP(swap2, u16u, __builtin_bswap16)
SWAP(swap4, u32u, __builtin_bswap32)
SWAP(swap8, u64u, __builtin_bswap64)

static void swap(void *out, const void *in, size_t unit, size_t n)
{
    switch (unit) {
    case 2: swap2(out, in, n); break;
    case 4: swap4(out, in, n); break;
    case 8: swap8(out, in, n); break;
    default: memmove(out, in, unit * n);
    }
}

const chk_move CHK_AT_LEVEL(chk_moves) = {swap, shuffle, unshuffle, bitshuffle, bitunshuffle};
