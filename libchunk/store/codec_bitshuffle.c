/* Bitshuffle (registered filter 32008): elements are cut into blocks, and within a block bit 0 of byte 0 of all elements comes first, then
 * bit 1, and so on. Elements beyond the last multiple of 8 stay as they are, at the end.
 *
 * With LZ4 or Zstandard there is a header, the raw size (8 bytes) and the block's raw bytes (4), big-endian, and each block is compressed by
 * itself behind its stored size (4 bytes). A block stays in the L1 cache between the codec and the transpose: that is the format's idea. */
#include <lz4.h>
#include <string.h>
#include <zstd.h>

#include "kern/kern.h"
#include "store/codec_impl.h"

enum { HEADER = 12, MODE_NONE = 0, MODE_LZ4 = 2, MODE_ZSTD = 3 };
enum { CD_ITEM = 2, CD_BLOCK = 3, CD_MODE = 4, CD_LEVEL = 5 };
/* The bitshuffle project's defaults. */
enum { TARGET_BLOCK_BYTES = 8192, MIN_BLOCK = 128, BLOCK_MULTIPLE = 8 };

static unsigned cd_of(const chk_filter *f, unsigned i) { return f->n_cd > i ? f->cd[i] : 0; }

/* Elements in a block. */
static size_t block_of(const chk_filter *f)
{
    if (cd_of(f, CD_BLOCK) > 0) return cd_of(f, CD_BLOCK);
    size_t n = TARGET_BLOCK_BYTES / cd_of(f, CD_ITEM) / BLOCK_MULTIPLE * BLOCK_MULTIPLE;
    return n > MIN_BLOCK ? n : MIN_BLOCK;
}

static bool bitshuffle_native(const chk_filter *f)
{
    unsigned mode = cd_of(f, CD_MODE);
    return cd_of(f, CD_ITEM) > 0 && cd_of(f, CD_BLOCK) % BLOCK_MULTIPLE == 0 &&
           (mode == MODE_NONE || mode == MODE_LZ4 || mode == MODE_ZSTD);
}

static size_t block_bound(unsigned mode, size_t n_bytes)
{
    return mode == MODE_ZSTD ? ZSTD_COMPRESSBOUND(n_bytes) : n_bytes + n_bytes / 255 + 16;
}

static size_t bitshuffle_bound(const chk_filter *f, size_t item_bytes, size_t n_bytes)
{
    (void)item_bytes;
    unsigned mode = cd_of(f, CD_MODE);
    if (mode == MODE_NONE) return n_bytes;
    size_t block = block_of(f) * cd_of(f, CD_ITEM), whole = n_bytes / block;
    return HEADER + whole * (4 + block_bound(mode, block)) + 4 + block_bound(mode, n_bytes % block);
}

static size_t bitshuffle_scratch(const chk_filter *f, size_t item_bytes, size_t n_bytes)
{
    (void)item_bytes;
    if (cd_of(f, CD_MODE) == MODE_NONE) return 0;
    size_t block = block_of(f) * cd_of(f, CD_ITEM);
    return block < n_bytes ? block : n_bytes;
}

/* Elements of the block that begins at element i: a whole one, or what is left, cut to a multiple of 8; 0 at the tail. */
static size_t block_at(size_t i, size_t n_items, size_t block)
{
    size_t left = n_items - i;
    return left >= block ? block : left / BLOCK_MULTIPLE * BLOCK_MULTIPLE;
}

static chunk_status move_plain(const chk_codec_step *s, size_t *n_out, void (*move)(void *, const void *, size_t, size_t),
                               chunk_error *err)
{
    if (s->in_bytes > s->out_cap)
        return chk_fail(err, CHUNK_EFILE, "corrupt bitshuffled data: %zu bytes where at most %zu are expected", s->in_bytes,
                        s->out_cap);
    size_t item = cd_of(s->filter, CD_ITEM), n_items = s->in_bytes / item, block = block_of(s->filter), i = 0;
    for (size_t n; (n = block_at(i, n_items, block)) > 0; i += n) move(s->out + i * item, s->in + i * item, item, n);
    memcpy(s->out + i * item, s->in + i * item, s->in_bytes - i * item);
    *n_out = s->in_bytes;
    return CHUNK_OK;
}

static bool unpack_block(unsigned mode, void *out, size_t n_bytes, const void *in, size_t stored)
{
    if (mode == MODE_LZ4) return stored <= INT32_MAX && LZ4_decompress_safe(in, out, (int)stored, (int)n_bytes) == (int)n_bytes;
    return ZSTD_decompressDCtx(chk_codec_zstd_dctx(), out, n_bytes, in, stored) == n_bytes;
}

static chunk_status bitshuffle_decode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    unsigned mode = cd_of(s->filter, CD_MODE);
    if (mode == MODE_NONE) return move_plain(s, n_out, chk_kern_bitunshuffle, err);
    if (mode == MODE_ZSTD && chk_codec_zstd_dctx() == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for a zstd decompressor");
    if (s->in_bytes < HEADER)
        return chk_fail(err, CHUNK_EFILE, "corrupt bitshuffle data: %zu bytes are too few for its header", s->in_bytes);
    uint64_t total = chk_be64_get(s->in);
    size_t item = cd_of(s->filter, CD_ITEM), block_bytes = chk_be32_get(s->in + 8), block = block_bytes / item;
    bool fits = total <= s->out_cap && total % item == 0 && block > 0 && block_bytes % (item * BLOCK_MULTIPLE) == 0;
    if (!fits || (block_bytes > s->scratch_bytes && total > s->scratch_bytes))
        return chk_fail(
            err, CHUNK_EFILE,
            "corrupt bitshuffle data: its header says %llu bytes in blocks of %zu, expected are at most %zu in blocks of %zu",
            (unsigned long long)total, block_bytes, s->out_cap, block_of(s->filter) * item);
    size_t n_items = total / item, at = HEADER, i = 0;
    for (size_t n; (n = block_at(i, n_items, block)) > 0; i += n) {
        size_t left = s->in_bytes - at, stored = left >= 4 ? chk_be32_get(s->in + at) : 0;
        if (left < 4 || stored > left - 4 || !unpack_block(mode, s->scratch, n * item, s->in + at + 4, stored))
            return chk_fail(err, CHUNK_EFILE, "corrupt bitshuffle data: the block at byte %zu of %llu cannot be decoded", i * item,
                            (unsigned long long)total);
        chk_kern_bitunshuffle(s->out + i * item, s->scratch, item, n);
        at += 4 + stored;
    }
    size_t tail = total - i * item;
    if (s->in_bytes - at < tail)
        return chk_fail(err, CHUNK_EFILE, "corrupt bitshuffle data: %zu bytes end before the last %zu of %llu", s->in_bytes, tail,
                        (unsigned long long)total);
    memcpy(s->out + i * item, s->in + at, tail);
    *n_out = total;
    return CHUNK_OK;
}

/* Stored bytes, 0 on failure. */
static size_t pack_block(const chk_filter *f, void *out, size_t cap, const void *in, size_t n_bytes)
{
    if (cd_of(f, CD_MODE) == MODE_LZ4) {
        int n = LZ4_compress_default(in, out, (int)n_bytes, cap > INT32_MAX ? INT32_MAX : (int)cap);
        return n > 0 ? (size_t)n : 0;
    }
    int level = (int)cd_of(f, CD_LEVEL);
    size_t n = ZSTD_compressCCtx(chk_codec_zstd_cctx(), out, cap, in, n_bytes, level > ZSTD_maxCLevel() ? ZSTD_maxCLevel() : level);
    return ZSTD_isError(n) ? 0 : n;
}

static chunk_status bitshuffle_encode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    const chk_filter *f = s->filter;
    if (cd_of(f, CD_MODE) == MODE_NONE) return move_plain(s, n_out, chk_kern_bitshuffle, err);
    if (cd_of(f, CD_MODE) == MODE_ZSTD && chk_codec_zstd_cctx() == NULL)
        return chk_fail(err, CHUNK_ENOMEM, "no memory for a zstd compressor");
    size_t item = cd_of(f, CD_ITEM), n_items = s->in_bytes / item, block = block_of(f), at = HEADER, i = 0;
    *n_out = 0;
    if (s->in_bytes % item != 0) return CHUNK_OK;
    chk_be64_put(s->out, s->in_bytes);
    chk_be32_put(s->out + 8, (uint32_t)(block * item));
    for (size_t n; (n = block_at(i, n_items, block)) > 0; i += n) {
        chk_kern_bitshuffle(s->scratch, s->in + i * item, item, n);
        size_t stored = pack_block(f, s->out + at + 4, s->out_cap - at - 4, s->scratch, n * item);
        if (stored == 0) return CHUNK_OK;
        chk_be32_put(s->out + at, (uint32_t)stored);
        at += 4 + stored;
    }
    size_t tail = s->in_bytes - i * item;
    memcpy(s->out + at, s->in + i * item, tail);
    if (at + tail < s->in_bytes) *n_out = at + tail;
    return CHUNK_OK;
}

/* LZ4's hash table lies on the stack; the transpose of a block lies in the scratch. */
static size_t bitshuffle_worker_bytes(const chk_filter *f, size_t raw_bytes, bool encode)
{
    switch (cd_of(f, CD_MODE)) {
    case MODE_LZ4: return encode ? 20 * 1024 : 0;
    case MODE_ZSTD: return chk_codec_zstd_bytes((int)cd_of(f, CD_LEVEL), raw_bytes, encode);
    default: return 0;
    }
}

const chk_codec chk_codec_bitshuffle = {
    .id = CHK_FILTER_BITSHUFFLE,
    .name = "bitshuffle",
    .compresses = true,
    .native = bitshuffle_native,
    .bound = bitshuffle_bound,
    .scratch = bitshuffle_scratch,
    .decode = bitshuffle_decode,
    .encode = bitshuffle_encode,
    .worker_bytes = bitshuffle_worker_bytes,
};
