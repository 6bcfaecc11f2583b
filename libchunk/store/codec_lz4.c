/* LZ4 (registered filter 32004): the raw size (8 bytes) and the block size (4), big-endian; then for each block its stored size (4) and its
 * bytes, which are the raw ones where the stored size is the raw size. */
#include <lz4.h>
#include <string.h>

#include "store/codec_impl.h"

enum { HEADER = 12, DEFAULT_BLOCK = 1 << 30 };

static size_t block_bytes_of(const chk_filter *f)
{
    return f->n_cd > 0 && f->cd[0] > 0 && f->cd[0] <= LZ4_MAX_INPUT_SIZE ? f->cd[0] : DEFAULT_BLOCK;
}

static size_t lz4_bound(const chk_filter *f, size_t item_bytes, size_t n_bytes)
{
    (void)item_bytes;
    return HEADER + n_bytes + 4 * (n_bytes / block_bytes_of(f) + 1);
}

static chunk_status lz4_decode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    if (s->in_bytes < HEADER)
        return chk_fail(err, CHUNK_EFILE, "corrupt lz4 data: %zu bytes are too few for its header", s->in_bytes);
    uint64_t total = chk_be64_get(s->in);
    size_t block = chk_be32_get(s->in + 8), at = HEADER;
    if (total > s->out_cap || (block == 0 && total > 0) || block > LZ4_MAX_INPUT_SIZE)
        return chk_fail(err, CHUNK_EFILE, "corrupt lz4 data: its header says %llu bytes in blocks of %zu, expected are at most %zu",
                        (unsigned long long)total, block, s->out_cap);
    for (size_t done = 0; done < total; done += block) {
        if (block > total - done) block = total - done;
        size_t left = s->in_bytes - at, stored = left >= 4 ? chk_be32_get(s->in + at) : 0;
        if (left < 4 || stored > left - 4)
            return chk_fail(err, CHUNK_EFILE, "corrupt lz4 data: %zu bytes end inside the block at byte %zu of %llu", s->in_bytes,
                            done, (unsigned long long)total);
        at += 4;
        if (stored == block)
            memcpy(s->out + done, s->in + at, block);
        else if (stored > INT32_MAX ||
                 LZ4_decompress_safe((const char *)s->in + at, (char *)s->out + done, (int)stored, (int)block) != (int)block)
            return chk_fail(err, CHUNK_EFILE, "corrupt lz4 data: the block at byte %zu of %llu cannot be decoded", done,
                            (unsigned long long)total);
        at += stored;
    }
    *n_out = total;
    return CHUNK_OK;
}

static chunk_status lz4_encode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    (void)err;
    size_t block = block_bytes_of(s->filter), at = HEADER;
    if (block > s->in_bytes) block = s->in_bytes;
    *n_out = 0;
    chk_be64_put(s->out, s->in_bytes);
    chk_be32_put(s->out + 8, (uint32_t)block);
    for (size_t done = 0; done < s->in_bytes; done += block) {
        if (block > s->in_bytes - done) block = s->in_bytes - done;
        size_t room = s->out_cap - at - 4;
        if (room > INT32_MAX) room = INT32_MAX;
        int stored = LZ4_compress_default((const char *)s->in + done, (char *)s->out + at + 4, (int)block, (int)room);
        if (stored <= 0 || (size_t)stored >= block) {
            memcpy(s->out + at + 4, s->in + done, block);
            stored = (int)block;
        }
        chk_be32_put(s->out + at, (uint32_t)stored);
        at += 4 + (size_t)stored;
    }
    if (at < s->in_bytes) *n_out = at;
    return CHUNK_OK;
}

/* LZ4's hash table lies on the stack, in 16 KiB. */
static size_t lz4_worker_bytes(const chk_filter *f, size_t raw_bytes, bool encode)
{
    (void)f, (void)raw_bytes;
    return encode ? 20 * 1024 : 0;
}

const chk_codec chk_codec_lz4 = {
    .id = CHK_FILTER_LZ4,
    .name = "lz4",
    .compresses = true,
    .bound = lz4_bound,
    .decode = lz4_decode,
    .encode = lz4_encode,
    .worker_bytes = lz4_worker_bytes,
};
