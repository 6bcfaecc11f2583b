/* Zstandard (registered filter 32015): plain frames. */
#define ZSTD_STATIC_LINKING_ONLY /* what a context takes; exported by the shared library as well */
#include <zstd.h>

#include "store/codec_impl.h"

static int level_of(const chk_filter *f)
{
    int level = f->n_cd > 0 ? (int)f->cd[0] : 3;
    return level > ZSTD_maxCLevel() ? ZSTD_maxCLevel() : level;
}

static size_t zstd_bound(const chk_filter *f, size_t item_bytes, size_t n_bytes)
{
    (void)f, (void)item_bytes;
    return ZSTD_COMPRESSBOUND(n_bytes) + 64; /* a checksum and skippable frames are allowed to other writers */
}

static chunk_status zstd_decode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    ZSTD_DCtx *d = chk_codec_zstd_dctx();
    if (d == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for a zstd decompressor");
    size_t n = ZSTD_decompressDCtx(d, s->out, s->out_cap, s->in, s->in_bytes);
    if (ZSTD_isError(n))
        return chk_fail(err, CHUNK_EFILE, "corrupt zstd data: %zu bytes do not decode to at most %zu: %s", s->in_bytes, s->out_cap,
                        ZSTD_getErrorName(n));
    *n_out = n;
    return CHUNK_OK;
}

static chunk_status zstd_encode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    ZSTD_CCtx *c = chk_codec_zstd_cctx();
    if (c == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for a zstd compressor");
    size_t n = ZSTD_compressCCtx(c, s->out, s->out_cap, s->in, s->in_bytes, level_of(s->filter));
    if (ZSTD_isError(n))
        return chk_fail(err, CHUNK_ENOMEM, "zstd cannot compress %zu bytes: %s", s->in_bytes, ZSTD_getErrorName(n));
    *n_out = n < s->in_bytes ? n : 0;
    return CHUNK_OK;
}

/* malloc maps large areas in whole pages. */
enum { PAGE = 4096 };
size_t chk_codec_zstd_bytes(int level, size_t raw_bytes, bool encode)
{
    if (!encode) return 96 * 1024;
    return ZSTD_estimateCCtxSize_usingCParams(ZSTD_getCParams(level, raw_bytes, 0)) + PAGE;
}

static size_t zstd_worker_bytes(const chk_filter *f, size_t raw_bytes, bool encode)
{
    return chk_codec_zstd_bytes(level_of(f), raw_bytes, encode);
}

const chk_codec chk_codec_zstd = {
    .id = CHK_FILTER_ZSTD,
    .name = "zstd",
    .compresses = true,
    .bound = zstd_bound,
    .decode = zstd_decode,
    .encode = zstd_encode,
    .worker_bytes = zstd_worker_bytes,
};
