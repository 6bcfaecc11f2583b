/* move.inc.h: byte order, HDF5's byte shuffle, bitshuffle's bit transpose, and what a mask selects, at one level.
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

/* Transposes L by L elements, row i of `in` at i * from, row i of `out` at i * to: an index is (row, column), and each of log2 L rounds of
 * interleaving vector k with vector k + L/2 rotates its bits by one. */
#define TRANSPOSE(name, T, L, LOG2_L, LOW, HIGH)                                                                                   \
    typedef T name##_v __attribute__((vector_size(L * sizeof(T))));                                                                \
    typedef T name##_vu __attribute__((vector_size(L * sizeof(T)), aligned(1), may_alias));                                        \
    static void name(char *out, int64_t to, const char *in, int64_t from)                                                          \
    {                                                                                                                              \
        name##_v v[L], w[L];                                                                                                       \
        UNROLL for (int k = 0; k < L; k++) v[k] = *(const name##_vu *)(in + k * from);                                             \
        UNROLL for (int round = 0; round < LOG2_L; round++)                                                                        \
        {                                                                                                                          \
            UNROLL for (int k = 0; k < L / 2; k++)                                                                                 \
            {                                                                                                                      \
                w[2 * k] = __builtin_shuffle(v[k], v[k + L / 2], (name##_v)LOW);                                                   \
                w[2 * k + 1] = __builtin_shuffle(v[k], v[k + L / 2], (name##_v)HIGH);                                              \
            }                                                                                                                      \
            UNROLL for (int k = 0; k < L; k++) v[k] = w[k];                                                                        \
        }                                                                                                                          \
        UNROLL for (int k = 0; k < L; k++) * (name##_vu *)(out + k * to) = v[k];                                                   \
    }
/* clang-format off */
#define LOW_2 {0, 2}
#define HIGH_2 {1, 3}
#define LOW_4 {0, 4, 1, 5}
#define HIGH_4 {2, 6, 3, 7}
#define LOW_8 {0, 8, 1, 9, 2, 10, 3, 11}
#define HIGH_8 {4, 12, 5, 13, 6, 14, 7, 15}
#define LOW_16 {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23}
#define HIGH_16 {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31}
/* clang-format on */
enum { LANES_1 = 16, LANES_2 = 8 };
TRANSPOSE(transpose_1, uint8_t, 16, 4, LOW_16, HIGH_16)
TRANSPOSE(transpose_2, uint16_t, 8, 3, LOW_8, HIGH_8)
#if defined __AVX512F__
enum { LANES_4 = 8, LANES_8 = 8 };
TRANSPOSE(transpose_4, uint32_t, 8, 3, LOW_8, HIGH_8)
TRANSPOSE(transpose_8, uint64_t, 8, 3, LOW_8, HIGH_8)
#elif defined __AVX2__
enum { LANES_4 = 8, LANES_8 = 4 };
TRANSPOSE(transpose_4, uint32_t, 8, 3, LOW_8, HIGH_8)
TRANSPOSE(transpose_8, uint64_t, 4, 2, LOW_4, HIGH_4)
#else
enum { LANES_4 = 4, LANES_8 = 2 };
TRANSPOSE(transpose_4, uint32_t, 4, 2, LOW_4, HIGH_4)
TRANSPOSE(transpose_8, uint64_t, 2, 1, LOW_2, HIGH_2)
#endif

/* Rows of the output that are made together: more of them, which often lie a power of two apart, drive each other out of the first-level cache (from
 * memory, 8 KiB apart, a core: 32 at a time 12.8 GB/s, 16 at a time 19.3). */
enum { GROUP = 16 };

static void transpose(void *out, int64_t to, const void *in, int64_t from, size_t item, int64_t n_rows, int64_t n_cols)
{
    static const struct {
        void (*block)(char *out, int64_t to, const char *in, int64_t from);
        int64_t lanes;
    } by_size[] = {{transpose_1, LANES_1}, {transpose_2, LANES_2}, {transpose_4, LANES_4}, {transpose_8, LANES_8}};
    int64_t L = item <= 8 && !(item & (item - 1)) ? by_size[__builtin_ctzll(item)].lanes : 0, size = (int64_t)item;
    int64_t rows = L ? n_rows / L * L : 0, cols = L ? n_cols / L * L : 0;
    char *o = out;
    const char *a = in;
    for (int64_t c = 0, end; c < cols; c = end) {
        end = c + GROUP < cols ? c + GROUP : cols;
        for (int64_t i = 0; i < rows; i += L)
            for (int64_t k = c; k < end; k += L)
                by_size[__builtin_ctzll(item)].block(o + k * to + i * size, to, a + i * from + k * size, from);
    }
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t k = i < rows ? cols : 0; k < n_cols; k++) memcpy(o + k * to + i * size, a + i * from + k * size, item);
}

#if defined __AVX512BW__ && defined __OPTIMIZE__
#include "kern/bits.inc.h"
#define WIDE(f, out, in, item, n) (bits_wide(item) ? f(out, in, item, n) : 0)
#else
#define WIDE(f, out, in, item, n) 0
#endif

enum { BIT_BLOCK = 512, BIT_PLANES = 16 }; /* elements at a time, and planes of them on the stack: 8 KiB */

static void bitshuffle(void *out, const void *in, size_t item, size_t n)
{
    uint64_t planes[BIT_PLANES][BIT_BLOCK / 8];
    uint8_t *o = out;
    size_t row = n / 8; /* bytes of a row of bits */
    bool together = item <= BIT_PLANES && !(item & (item - 1));
    for (size_t i = WIDE(bitshuffle_wide, o, in, item, n); i < n; i += BIT_BLOCK) {
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
    for (size_t i = WIDE(bitunshuffle_wide, out, a, item, n); i < n; i += BIT_BLOCK) {
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

/* ---- what a mask selects. No branch goes by the mask's values. */
typedef struct two_words {
    uint64_t word[2];
} two_words;

#define COMPRESS(name, T)                                                                                                          \
    static size_t name(void *out, const void *in, const uint8_t *mask, size_t n, size_t room)                                      \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const T *a = in;                                                                                                           \
        size_t k = 0;                                                                                                              \
        for (size_t i = 0; i < n && k < room; i++) {                                                                               \
            o[k] = a[i];                                                                                                           \
            k += mask[i];                                                                                                          \
        }                                                                                                                          \
        return k;                                                                                                                  \
    }
COMPRESS(compress_1, uint8_t)
COMPRESS(compress_2, uint16_t)
COMPRESS(compress_4_plain, uint32_t)
COMPRESS(compress_8_plain, uint64_t)
COMPRESS(compress_16, two_words)

#if defined __AVX512BW__
#include <immintrin.h>
/* Whole vectors are stored while there is room: what lies behind the selected ones is overwritten by the next. In place it has been read. */
#define COMPRESS_WIDE(name, T, W, MASK, epi)                                                                                       \
    static size_t name(void *out, const void *in, const uint8_t *mask, size_t n, size_t room)                                      \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const T *a = in;                                                                                                           \
        size_t i = 0, k = 0;                                                                                                       \
        for (; i + 64 <= n && k < room; i += 64) {                                                                                 \
            __m512i m = _mm512_loadu_si512(mask + i);                                                                              \
            uint64_t bits = _mm512_test_epi8_mask(m, m);                                                                           \
            for (const T *at = a + i; bits; bits >>= W, at += W) {                                                                 \
                MASK some = (MASK)bits;                                                                                            \
                __m512i packed = _mm512_maskz_compress_##epi(some, _mm512_loadu_si512(at));                                        \
                size_t left = room - k, found = (size_t)__builtin_popcount(some);                                                  \
                if (left >= W)                                                                                                     \
                    _mm512_storeu_si512(o + k, packed);                                                                            \
                else                                                                                                               \
                    _mm512_mask_storeu_##epi(o + k, (MASK)((1u << left) - 1), packed);                                             \
                k += found < left ? found : left;                                                                                  \
            }                                                                                                                      \
        }                                                                                                                          \
        return k + name##_plain(o + k, a + i, mask + i, n - i, room - k);                                                          \
    }
COMPRESS_WIDE(compress_4, uint32_t, 16, __mmask16, epi32)
COMPRESS_WIDE(compress_8, uint64_t, 8, __mmask8, epi64)
#else
#define compress_4 compress_4_plain
#define compress_8 compress_8_plain
#endif

static size_t compress(void *out, const void *in, const uint8_t *mask, size_t item, size_t n, size_t room)
{
    switch (item) {
    case 1: return compress_1(out, in, mask, n, room);
    case 2: return compress_2(out, in, mask, n, room);
    case 4: return compress_4(out, in, mask, n, room);
    case 8: return compress_8(out, in, mask, n, room);
    default: return compress_16(out, in, mask, n, room);
    }
}

const chk_move CHK_AT_LEVEL(chk_moves) = {swap, shuffle, unshuffle, bitshuffle, bitunshuffle, transpose, compress};
