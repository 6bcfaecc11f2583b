/* Codec contexts of each thread. A thread key's destructor frees them when a thread ends without saying so; a level change replaces the
 * compressor, as runs use one level. */
#include <libdeflate.h>
#include <pthread.h>
#include <zstd.h>

#include "base/fault.h"
#include "store/codec_impl.h"

typedef struct codec_state {
    struct libdeflate_decompressor *inflater;
    struct libdeflate_compressor *deflater;
    int level;
    ZSTD_CCtx *cctx;
    ZSTD_DCtx *dctx;
} codec_state;

static _Thread_local codec_state mine;
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool key_made;

static void free_state(void *arg)
{
    codec_state *s = arg;
    libdeflate_free_decompressor(s->inflater);
    libdeflate_free_compressor(s->deflater);
    ZSTD_freeCCtx(s->cctx);
    ZSTD_freeDCtx(s->dctx);
    *s = (codec_state){0};
}

static void make_key(void) { key_made = pthread_key_create(&key, free_state) == 0; }

/* Every making of a context passes here. Without a key (the process has used up its 1024) only chk_codec_thread_done frees. */
static bool may_make(void)
{
    if (chk_fault_hit(CHK_FAULT_ALLOC)) return false;
    pthread_once(&key_once, make_key);
    if (key_made) pthread_setspecific(key, &mine);
    return true;
}

struct libdeflate_decompressor *chk_codec_inflater(void)
{
    if (mine.inflater == NULL && may_make()) mine.inflater = libdeflate_alloc_decompressor();
    return mine.inflater;
}

struct libdeflate_compressor *chk_codec_deflater(int level)
{
    if (mine.deflater != NULL && mine.level != level) {
        libdeflate_free_compressor(mine.deflater);
        mine.deflater = NULL;
    }
    if (mine.deflater == NULL && may_make()) mine.deflater = libdeflate_alloc_compressor(level);
    mine.level = level;
    return mine.deflater;
}

ZSTD_CCtx *chk_codec_zstd_cctx(void)
{
    if (mine.cctx == NULL && may_make()) mine.cctx = ZSTD_createCCtx();
    return mine.cctx;
}

ZSTD_DCtx *chk_codec_zstd_dctx(void)
{
    if (mine.dctx == NULL && may_make()) mine.dctx = ZSTD_createDCtx();
    return mine.dctx;
}

void chk_codec_thread_done(void) { free_state(&mine); }
