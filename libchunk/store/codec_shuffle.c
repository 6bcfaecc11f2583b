/* Shuffle (HDF5 filter 2): byte 0 of all elements, then byte 1 of all, and so on; what does not fill an element stays at the end. */
#include <string.h>

#include "kern/kern.h"
#include "store/codec_impl.h"

/* HDF5 records the element size when the dataset is made. */
static size_t unit_of(const chk_codec_step *s) { return s->filter->n_cd > 0 ? s->filter->cd[0] : s->item_bytes; }

static chunk_status shuffle_step(const chk_codec_step *s, size_t *n_out, void (*move)(void *, const void *, size_t, size_t),
                                 chunk_error *err)
{
    if (s->in_bytes > s->out_cap)
        return chk_fail(err, CHUNK_EFILE, "corrupt shuffled data: %zu bytes where at most %zu are expected", s->in_bytes,
                        s->out_cap);
    size_t unit = unit_of(s);
    if (unit > 1 && unit <= s->in_bytes)
        move(s->out, s->in, unit, s->in_bytes);
    else
        memcpy(s->out, s->in, s->in_bytes);
    *n_out = s->in_bytes;
    return CHUNK_OK;
}

static chunk_status shuffle_decode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    return shuffle_step(s, n_out, chk_kern_unshuffle, err);
}

static chunk_status shuffle_encode(const chk_codec_step *s, size_t *n_out, chunk_error *err)
{
    return shuffle_step(s, n_out, chk_kern_shuffle, err);
}

const chk_codec chk_codec_shuffle = {
    .id = CHK_FILTER_SHUFFLE,
    .name = "shuffle",
    .decode = shuffle_decode,
    .encode = shuffle_encode,
};
