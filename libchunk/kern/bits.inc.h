/* bits.inc.h: bitshuffle's bit transpose with AVX-512, VBMI and GFNI (Zen 4, Ice Lake and later), for items of 2, 4 and 8 bytes. Included by move.inc.h; what
 * the processor has is asked at run time.
 *
 * 64 items of S bytes are S planes of 64 bytes, a plane is 8 by 8 bytes of 8 by 8 bits: byte c of row r holds bit r of items 8c to 8c + 7. One instruction
 * transposes the bits of 8 bytes (an affine map whose matrix is the data, of the unit vectors), one orders bytes within a vector. Rows of 64 bytes, of 8 such
 * groups of items, are cut into words by a transpose of 8 by 8 words. */
#include <immintrin.h>

enum { WIDE_ITEMS = 512 };

static bool bits_wide(size_t item)
{
    return (item == 2 || item == 4 || item == 8) && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("gfni");
}

/* Orders of a vector's bytes. Items lie in planes so that interleaving planes lane by lane (rotate) gives them in order: with E = 16 / S items in a lane of a vector,
 * place E v + e of lane l is item 4 E v + E l + e. */
typedef struct bits_orders {
    __m512i cut, place, unplace, join;
} bits_orders;

#pragma GCC push_options
#pragma GCC target("avx512vbmi,gfni")

static bits_orders bits_make(int S)
{
    uint8_t cut[64], place[64], unplace[64], join[64];
    int E = 16 / S;
    for (int r = 0; r < 8; r++)
        for (int c = 0; c < 8; c++) {
            cut[8 * c + 7 - r] = (uint8_t)(8 * r + c);
            join[8 * r + c] = (uint8_t)(8 * c + r);
        }
    for (int l = 0; l < 4; l++)
        for (int v = 0; v < S; v++)
            for (int e = 0; e < E; e++) {
                int at = 16 * l + E * v + e, item = 4 * E * v + E * l + e;
                place[at] = (uint8_t)item;
                unplace[item / 8 * 8 + 7 - item % 8] = (uint8_t)at;
            }
    return (bits_orders){_mm512_loadu_si512(cut), _mm512_loadu_si512(place), _mm512_loadu_si512(unplace), _mm512_loadu_si512(join)};
}

static inline __attribute__((always_inline)) __m512i bits_transposed(__m512i x)
{
    return _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64((int64_t)0x8040201008040201), x, 0);
}

/* rotate() for lanes of 64-byte vectors */
static inline __attribute__((always_inline)) void rotate_lanes(__m512i *v, int S, int n_rounds)
{
    __m512i w[8];
    UNROLL for (int round = 0; round < n_rounds; round++)
    {
        UNROLL for (int k = 0; k < S / 2; k++)
        {
            w[2 * k] = _mm512_unpacklo_epi8(v[k], v[k + S / 2]);
            w[2 * k + 1] = _mm512_unpackhi_epi8(v[k], v[k + S / 2]);
        }
        UNROLL for (int k = 0; k < S; k++) v[k] = w[k];
    }
}

/* Items [0, n) of a block with rows of `row` bytes; n is a multiple of WIDE_ITEMS. */
static inline __attribute__((always_inline)) void bits_apart(uint8_t *out, const uint8_t *in, size_t row, int S, size_t n)
{
    bits_orders order = bits_make(S);
    __m512i plane[8][8], v[8]; /* [word of a row][plane] */
    for (size_t i = 0; i < n; i += WIDE_ITEMS) {
        for (int q = 0; q < 8; q++) {
            const uint8_t *a = in + (i + 64 * (size_t)q) * (size_t)S;
            UNROLL for (int k = 0; k < S; k++) v[k] = _mm512_loadu_si512(a + 64 * k);
            rotate_lanes(v, S, 4);
            UNROLL for (int b = 0; b < S; b++)
            {
                __m512i x = bits_transposed(_mm512_permutexvar_epi8(order.unplace, v[b]));
                plane[b][q] = _mm512_permutexvar_epi8(order.join, x);
            }
        }
        for (int b = 0; b < S; b++)
            transpose_8((char *)out + 8 * (size_t)b * row + i / 8, (int64_t)row, (const char *)plane[b], 64);
    }
}

static inline __attribute__((always_inline)) void bits_together(uint8_t *out, const uint8_t *in, size_t row, int S, int log2_S,
                                                                size_t n)
{
    bits_orders order = bits_make(S);
    __m512i plane[8][8], v[8];
    for (size_t i = 0; i < n; i += WIDE_ITEMS) {
        for (int b = 0; b < S; b++) transpose_8((char *)plane[b], 64, (const char *)in + 8 * (size_t)b * row + i / 8, (int64_t)row);
        for (int q = 0; q < 8; q++) {
            UNROLL for (int b = 0; b < S; b++)
            {
                __m512i x = bits_transposed(_mm512_permutexvar_epi8(order.cut, plane[b][q]));
                v[b] = _mm512_permutexvar_epi8(order.place, x);
            }
            rotate_lanes(v, S, log2_S);
            uint8_t *o = out + (i + 64 * (size_t)q) * (size_t)S;
            UNROLL for (int k = 0; k < S; k++) _mm512_storeu_si512(o + 64 * k, v[k]);
        }
    }
}

/* As many items as can be done so: how many. */
static size_t bitshuffle_wide(uint8_t *out, const uint8_t *in, size_t item, size_t n)
{
    size_t whole = n / WIDE_ITEMS * WIDE_ITEMS;
    switch (item) {
    case 2: bits_apart(out, in, n / 8, 2, whole); break;
    case 4: bits_apart(out, in, n / 8, 4, whole); break;
    default: bits_apart(out, in, n / 8, 8, whole);
    }
    return whole;
}

static size_t bitunshuffle_wide(uint8_t *out, const uint8_t *in, size_t item, size_t n)
{
    size_t whole = n / WIDE_ITEMS * WIDE_ITEMS;
    switch (item) {
    case 2: bits_together(out, in, n / 8, 2, 1, whole); break;
    case 4: bits_together(out, in, n / 8, 4, 2, whole); break;
    default: bits_together(out, in, n / 8, 8, 3, whole);
    }
    return whole;
}
#pragma GCC pop_options
