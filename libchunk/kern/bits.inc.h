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

/* Orders of a vector's bytes: which of them goes to place i. Items lie in planes so that interleaving planes lane by lane (rotate_lanes) gives them in order: with
 * E = 16 / S items in a lane of a vector, place E v + e of lane l is item 4 E v + E l + e. CUT and UNPLACE turn the bytes of a word round, as the affine map
 * wants its rows. */
#define CUT(S, i) (8 * (7 - (i) % 8) + (i) / 8)
#define JOIN(S, i) (8 * ((i) % 8) + (i) / 8)
#define PLACE(S, i) (64 / (S) * ((i) % 16 * (S) / 16) + 16 / (S) * ((i) / 16) + (i) % (16 / (S)))
#define PLACE_OF(S, item) (16 * ((item) % (64 / (S)) * (S) / 16) + 16 / (S) * ((item) * (S) / 64) + (item) % (16 / (S)))
#define UNPLACE(S, i) PLACE_OF(S, (i) / 8 * 8 + 7 - (i) % 8)
#define EIGHT(f, S, i) f(S, i), f(S, i + 1), f(S, i + 2), f(S, i + 3), f(S, i + 4), f(S, i + 5), f(S, i + 6), f(S, i + 7)
#define ORDER(f, S)                                                                                                                \
    {                                                                                                                              \
        EIGHT(f, S, 0), EIGHT(f, S, 8), EIGHT(f, S, 16), EIGHT(f, S, 24), EIGHT(f, S, 32), EIGHT(f, S, 40), EIGHT(f, S, 48),       \
            EIGHT(f, S, 56)                                                                                                        \
    }
static const uint8_t bits_cut[64] = ORDER(CUT, 0), bits_join[64] = ORDER(JOIN, 0);
static const uint8_t bits_place[][64] = {ORDER(PLACE, 2), ORDER(PLACE, 4), ORDER(PLACE, 8)}; /* of S 2, 4, 8 */
static const uint8_t bits_unplace[][64] = {ORDER(UNPLACE, 2), ORDER(UNPLACE, 4), ORDER(UNPLACE, 8)};

#pragma GCC push_options
#pragma GCC target("avx512vbmi,gfni")

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
static inline __attribute__((always_inline)) void bits_apart(uint8_t *out, const uint8_t *in, size_t row, int S, int log2_S,
                                                             size_t n)
{
    __m512i unplace = _mm512_loadu_si512(bits_unplace[log2_S - 1]), join = _mm512_loadu_si512(bits_join);
    __m512i plane[8][8], v[8]; /* [plane][word of a row] */
    for (size_t i = 0; i < n; i += WIDE_ITEMS) {
        for (int q = 0; q < 8; q++) {
            const uint8_t *a = in + (i + 64 * (size_t)q) * (size_t)S;
            UNROLL for (int k = 0; k < S; k++) v[k] = _mm512_loadu_si512(a + 64 * k);
            rotate_lanes(v, S, 4);
            UNROLL for (int b = 0; b < S; b++)
            {
                __m512i x = bits_transposed(_mm512_permutexvar_epi8(unplace, v[b]));
                plane[b][q] = _mm512_permutexvar_epi8(join, x);
            }
        }
        for (int b = 0; b < S; b++)
            transpose_8((char *)out + 8 * (size_t)b * row + i / 8, (int64_t)row, (const char *)plane[b], 64);
    }
}

static inline __attribute__((always_inline)) void bits_together(uint8_t *out, const uint8_t *in, size_t row, int S, int log2_S,
                                                                size_t n)
{
    __m512i cut = _mm512_loadu_si512(bits_cut), place = _mm512_loadu_si512(bits_place[log2_S - 1]);
    __m512i plane[8][8], v[8];
    for (size_t i = 0; i < n; i += WIDE_ITEMS) {
        for (int b = 0; b < S; b++) transpose_8((char *)plane[b], 64, (const char *)in + 8 * (size_t)b * row + i / 8, (int64_t)row);
        for (int q = 0; q < 8; q++) {
            UNROLL for (int b = 0; b < S; b++)
            {
                __m512i x = bits_transposed(_mm512_permutexvar_epi8(cut, plane[b][q]));
                v[b] = _mm512_permutexvar_epi8(place, x);
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
    case 2: bits_apart(out, in, n / 8, 2, 1, whole); break;
    case 4: bits_apart(out, in, n / 8, 4, 2, whole); break;
    default: bits_apart(out, in, n / 8, 8, 3, whole);
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
