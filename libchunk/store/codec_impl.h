/* codec_impl.h: what a filter is to the pipeline: one const struct a codec, gathered in codec.c. */
#ifndef CHK_CODEC_IMPL_H
#define CHK_CODEC_IMPL_H

#include "store/codec.h"

/* One step of a pipeline at work. Sizes may be anything a hostile file says; in and out never overlap. */
typedef struct chk_codec_step {
    const chk_filter *filter;
    size_t item_bytes;
    const uint8_t *in;
    size_t in_bytes;
    uint8_t *out;
    size_t out_cap;
    void *scratch; /* of scratch() bytes */
    size_t scratch_bytes;
} chk_codec_step;

typedef struct chk_codec {
    int id;
    const char *name;
    bool compresses; /* at most one of these in a pipeline that we write; skipped where it does not shrink */
    bool in_place;   /* undone by dropping bytes at the end: decode only checks, encode appends to what is in out */
    bool (*native)(const chk_filter *f); /* NULL: with any parameters */
    size_t (*bound)(const chk_filter *f, size_t item_bytes,
                    size_t n_bytes); /* of the encoded form of n_bytes, by any writer; NULL: n_bytes */
    size_t (*scratch)(const chk_filter *f, size_t item_bytes, size_t n_bytes); /* of either direction; NULL: 0 */
    /* Both set *n_out. encode sets it to 0 where the result would not be smaller than the input (only when compresses). */
    chunk_status (*decode)(const chk_codec_step *s, size_t *n_out, chunk_error *err);
    chunk_status (*encode)(const chk_codec_step *s, size_t *n_out, chunk_error *err);
    size_t (*worker_bytes)(const chk_filter *f, size_t raw_bytes, bool encode); /* of chunks of raw_bytes; NULL: 0 */
} chk_codec;

extern const chk_codec chk_codec_deflate, chk_codec_shuffle, chk_codec_fletcher32, chk_codec_lz4, chk_codec_bitshuffle,
    chk_codec_zstd;

/* Contexts of the calling thread, made on first use, freed when the thread ends or by chk_codec_thread_done. NULL when out of memory. */
struct libdeflate_compressor;
struct libdeflate_decompressor;
struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;
struct libdeflate_compressor *chk_codec_deflater(int level);
struct libdeflate_decompressor *chk_codec_inflater(void);
struct ZSTD_CCtx_s *chk_codec_zstd_cctx(void);
struct ZSTD_DCtx_s *chk_codec_zstd_dctx(void);
size_t chk_codec_zstd_bytes(int level, size_t raw_bytes, bool encode); /* of such a context for so much data */

static inline uint32_t chk_be32_get(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t chk_be64_get(const uint8_t *p) { return (uint64_t)chk_be32_get(p) << 32 | chk_be32_get(p + 4); }
static inline void chk_be32_put(uint8_t *p, uint32_t x)
{
    p[0] = (uint8_t)(x >> 24), p[1] = (uint8_t)(x >> 16), p[2] = (uint8_t)(x >> 8), p[3] = (uint8_t)x;
}
static inline void chk_be64_put(uint8_t *p, uint64_t x)
{
    chk_be32_put(p, (uint32_t)(x >> 32));
    chk_be32_put(p + 4, (uint32_t)x);
}

#endif
