/* Fletcher32 (HDF5 filter 3): four bytes at the end. HDF5 sums big-endian 16-bit words modulo 65535 and stores (sum2 << 16 | sum1) little-endian.
 *
 * Swapping the bytes of a word multiplies it by 256 modulo 65535, and so does swapping those of a sum: so words are summed as they lie in memory,
 * in 16 lanes, and the sums swapped at the end. A sum of 0 stays 0, any other is kept in 1..65535, which is what HDF5's folding gives. */
#include <string.h>

#include "store/codec_impl.h"

enum { LANES = 16, ROWS = 360 }; /* 360 * 361 / 2 * 65535 is the most that fits 32 bits */

typedef uint16_t words_in __attribute__((vector_size(2 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

static uint64_t fold(uint64_t x)
{
    while (x > 0xffff) x = (x & 0xffff) + (x >> 16);
    return x;
}

/* Adds the next n_rows rows of LANES words. Word i of n counts n - i times in sum2, besides n times what came before. */
static void add_rows(uint64_t *sum1, uint64_t *sum2, const uint8_t *p, size_t n_rows)
{
    words a = {0}, b = {0};
    for (size_t k = 0; k < n_rows; k++) {
        words_in w;
        memcpy(&w, p + k * sizeof w, sizeof w);
        a += __builtin_convertvector(w, words);
        b += a;
    }
    uint64_t n1 = 0, n2 = 0;
    for (unsigned l = 0; l < LANES; l++) {
        n1 += a[l];
        n2 += (uint64_t)LANES * b[l] - (uint64_t)l * a[l];
    }
    *sum2 = fold(*sum2 + n_rows * LANES * *sum1 + n2);
    *sum1 = fold(*sum1 + n1);
}

static uint32_t swapped_pairs(uint32_t x) { return (x & 0x00ff00ffu) << 8 | (x >> 8 & 0x00ff00ffu); }

static uint32_t checksum(const uint8_t *p, size_t n_bytes)
{
    uint64_t sum1 = 0, sum2 = 0;
    size_t row = 2 * LANES, n_rows = n_bytes / row;
    for (size_t r = 0; r < n_rows; r += ROWS) add_rows(&sum1, &sum2, p + r * row, n_rows - r < ROWS ? n_rows - r : ROWS);
    for (size_t i = n_rows * row; i < n_bytes; i += 2) {
        uint8_t pair[2] = {p[i], i + 1 < n_bytes ? p[i + 1] : 0};
        uint16_t w;
        memcpy(&w, pair, 2);
        sum1 = fold(sum1 + w);
        sum2 = fold(sum2 + sum1);
    }
    uint32_t sum = (uint32_t)(sum2 << 16 | sum1);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? swapped_pairs(sum) : sum;
}

static size_t fletcher32_bound(const chk_filter *f, size_t item_bytes, size_t n_bytes)
{
    (void)f, (void)item_bytes;
    return n_bytes + 4;
}

/* HDF5 up to 1.6.2 stored the sums with their bytes swapped; HDF5 accepts both forms, and so do we. */
static chunk_status fletcher32_decode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    if (s->in_bytes < 4)
        return chk_fail(err, CHUNK_EFILE, "corrupt checksummed data: %zu bytes are too few for a checksum", s->in_bytes);
    size_t n = s->in_bytes - 4;
    const uint8_t *at = s->in + n;
    uint32_t stored = (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
    uint32_t found = checksum(s->in, n);
    if (stored != found && stored != swapped_pairs(found))
        return chk_fail(err, CHUNK_EFILE, "corrupt data: the Fletcher32 checksum of %zu bytes is %08x, stored is %08x", n, found,
                        stored);
    *n_out = n;
    return CHUNK_OK;
}

static chunk_status fletcher32_encode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    (void)err;
    uint32_t sum = checksum(s->out, s->in_bytes);
    for (int i = 0; i < 4; i++) s->out[s->in_bytes + (size_t)i] = (uint8_t)(sum >> 8 * i);
    *n_out = s->in_bytes + 4;
    return CHUNK_OK;
}

const chk_codec chk_codec_fletcher32 = {
    .id = CHK_FILTER_FLETCHER32,
    .name = "fletcher32",
    .in_place = true,
    .bound = fletcher32_bound,
    .decode = fletcher32_decode,
    .encode = fletcher32_encode,
};
