/* The pipeline: its filters undone from the last to the first, or applied from the first to the last, between the input, the output and up to two
 * intermediate buffers in the scratch. Every step knows how much room it has, so that no stored bytes, however broken, reach beyond a buffer. */
#include "store/codec.h"

#include <assert.h>
#include <string.h>

#include "store/codec_impl.h"

static const chk_codec *const codecs[] = {&chk_codec_shuffle, &chk_codec_deflate,    &chk_codec_fletcher32,
                                          &chk_codec_lz4,     &chk_codec_bitshuffle, &chk_codec_zstd};
enum { N_CODECS = sizeof codecs / sizeof *codecs };

static const chk_codec *codec_of(const chk_filter *f)
{
    for (int i = 0; i < N_CODECS; i++) {
        if (codecs[i]->id == f->id) return codecs[i];
    }
    return NULL;
}

void chk_pipeline_settle(chk_pipeline *p)
{
    p->native = true;
    for (int i = 0; i < p->n; i++) {
        chk_filter *f = &p->filter[i];
        const chk_codec *c = codec_of(f);
        if (c == NULL || (c->native != NULL && !c->native(f))) {
            p->native = false;
            continue;
        }
        strncpy(f->name, c->name, sizeof f->name - 1);
    }
    p->writable = p->native;
}

/* ---- sizes */

static size_t sum(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

static size_t aligned(size_t n) { return n > SIZE_MAX - 63 ? SIZE_MAX : (n + 63) & ~(size_t)63; }

/* The most that raw_bytes take after the first n_steps filters, any of them perhaps skipped. */
static size_t bound_after(const chk_pipeline *p, int n_steps, size_t raw_bytes)
{
    size_t n = raw_bytes;
    for (int i = 0; i < n_steps; i++) {
        const chk_codec *c = codec_of(&p->filter[i]);
        size_t after = c != NULL && c->bound != NULL ? c->bound(&p->filter[i], p->item_bytes, n) : n;
        if (after > n) n = after;
    }
    return n;
}

size_t chk_pipeline_stored_bound(const chk_pipeline *p, size_t raw_bytes) { return bound_after(p, p->n, raw_bytes); }

/* Largest scratch of a single step. */
static size_t step_scratch(const chk_pipeline *p, size_t raw_bytes)
{
    size_t most = 0;
    for (int i = 0; i < p->n; i++) {
        const chk_codec *c = codec_of(&p->filter[i]);
        size_t n = c != NULL && c->scratch != NULL ? c->scratch(&p->filter[i], p->item_bytes, bound_after(p, i, raw_bytes)) : 0;
        if (n > most) most = n;
    }
    return aligned(most);
}

static int n_moving(const chk_pipeline *p)
{
    int n = 0;
    for (int i = 0; i < p->n; i++) n += !codec_of(&p->filter[i])->in_place;
    return n;
}

/* Filter 0 is a shuffle that can be left undone: its elements are the dataset's and fill the chunk. */
static bool planes_possible(const chk_pipeline *p, size_t raw_bytes)
{
    if (p->n == 0 || p->filter[0].id != CHK_FILTER_SHUFFLE || p->item_bytes < 2 || raw_bytes % p->item_bytes != 0) return false;
    return p->filter[0].n_cd == 0 || p->filter[0].cd[0] == p->item_bytes;
}

/* The last moving step writes to the output, unless a checksum is undone after it, whose bytes would not fit there. Two intermediate forms are
 * alive at once at most. */
static int n_between(int moving, bool in_place_after)
{
    int n = moving - (moving > 0 && !in_place_after);
    return n < 2 ? n : 2;
}

size_t chk_pipeline_decode_scratch(const chk_pipeline *p, size_t raw_bytes, bool keep_planes)
{
    int moving = n_moving(p) - (keep_planes && planes_possible(p, raw_bytes));
    bool checksum_inside = false;
    for (int i = 0; i + 1 < p->n; i++) checksum_inside |= codec_of(&p->filter[i])->in_place;
    size_t between = aligned(bound_after(p, p->n > 0 ? p->n - 1 : 0, raw_bytes));
    return sum((size_t)n_between(moving, checksum_inside) * between, step_scratch(p, raw_bytes));
}

size_t chk_pipeline_encode_scratch(const chk_pipeline *p, size_t raw_bytes)
{
    size_t between = n_moving(p) > 1 ? aligned(chk_pipeline_stored_bound(p, raw_bytes)) : 0;
    return sum(between, step_scratch(p, raw_bytes));
}

size_t chk_pipeline_worker_bytes(const chk_pipeline *p, size_t raw_bytes, bool encode)
{
    size_t n = 0;
    for (int i = 0; i < p->n; i++) {
        const chk_codec *c = codec_of(&p->filter[i]);
        if (c != NULL && c->worker_bytes != NULL) n += c->worker_bytes(&p->filter[i], raw_bytes, encode);
    }
    return n;
}

/* ---- decode */

/* The filters that were applied to this chunk, in the order in which they are undone; *planes when the shuffle stays. */
static int steps_to_undo(int *steps, int *moving, const chk_pipeline *p, uint32_t mask, size_t raw_bytes, bool *planes)
{
    int n = 0;
    *moving = 0;
    bool shuffled = p->n > 0 && (mask & 1) == 0 && planes_possible(p, raw_bytes);
    *planes = *planes && shuffled;
    for (int i = p->n - 1; i >= (*planes ? 1 : 0); i--) {
        if (mask >> i & 1) continue;
        steps[n++] = i;
        *moving += !codec_of(&p->filter[i])->in_place;
    }
    return n;
}

chunk_status chk_pipeline_decode(const chk_pipeline *p, uint32_t mask, void *out, size_t raw_bytes, const void *in, size_t in_bytes,
                                 void *scratch, size_t scratch_bytes, bool keep_planes, bool *planes, chunk_error *err)
{
    assert(p->native && "only native pipelines are decoded here");
    int steps[CHK_MAX_FILTERS], moving, moved = 0;
    bool kept = keep_planes;
    int n = steps_to_undo(steps, &moving, p, mask, raw_bytes, &kept);
    size_t between = aligned(bound_after(p, p->n > 0 ? p->n - 1 : 0, raw_bytes));
    bool ends_in_place = n > 0 && codec_of(&p->filter[steps[n - 1]])->in_place;
    size_t own = (size_t)n_between(moving, ends_in_place) * between;
    assert(scratch_bytes >= own && "the scratch has chk_pipeline_decode_scratch bytes");

    const uint8_t *at = in;
    size_t at_bytes = in_bytes;
    for (int k = 0; k < n; k++) {
        const chk_filter *f = &p->filter[steps[k]];
        const chk_codec *c = codec_of(f);
        chk_codec_step step = {.filter = f, .item_bytes = p->item_bytes, .in = at, .in_bytes = at_bytes};
        if (!c->in_place) {
            bool last = k == n - 1;
            step.out = last ? out : (uint8_t *)scratch + (size_t)(moved % 2) * between;
            step.out_cap = last ? raw_bytes : bound_after(p, steps[k], raw_bytes);
            step.scratch = (uint8_t *)scratch + own;
            step.scratch_bytes = scratch_bytes - own;
            moved++;
        }
        CHK_TRY(c->decode(&step, &at_bytes, err));
        if (!c->in_place) at = step.out;
    }
    if (at_bytes != raw_bytes)
        return chk_fail(err, CHUNK_EFILE, "corrupt: %zu stored bytes decode to %zu instead of %zu", in_bytes, at_bytes, raw_bytes);
    if (at != out) memcpy(out, at, raw_bytes);
    if (planes != NULL) *planes = kept;
    return CHUNK_OK;
}

/* ---- encode */

/* With no moving step nothing is overwritten; with two the first one empties the input into the scratch. */
bool chk_pipeline_encodes_in_place(const chk_pipeline *p) { return n_moving(p) != 1; }

chunk_status chk_pipeline_encode(const chk_pipeline *p, uint32_t *mask, void *out, size_t cap, size_t *out_bytes, const void *in,
                                 size_t raw_bytes, void *scratch, size_t scratch_bytes, chunk_error *err)
{
    assert(p->writable && "only writable pipelines are encoded");
    size_t bound = chk_pipeline_stored_bound(p, raw_bytes);
    size_t own = n_moving(p) > 1 ? aligned(bound) : 0;
    assert(cap >= bound && scratch_bytes >= own && "out and scratch are as large as was asked for");
    (void)cap;
    const uint8_t *at = in;
    size_t at_bytes = raw_bytes;
    uint32_t skipped = 0;
    int moving = n_moving(p);
    for (int i = 0; i < p->n; i++) {
        const chk_filter *f = &p->filter[i];
        const chk_codec *c = codec_of(f);
        /* the buffer that is free, such that with nothing skipped the last step ends in out */
        uint8_t *to = at == out ? scratch : at == scratch ? out : moving % 2 == 1 || own == 0 ? out : scratch;
        if (c->in_place && at == in && in != out) at = memcpy(to, at, at_bytes);
        chk_codec_step step = {.filter = f,
                               .item_bytes = p->item_bytes,
                               .in = at,
                               .in_bytes = at_bytes,
                               .out = c->in_place ? (uint8_t *)at : to,
                               .out_cap = bound,
                               .scratch = (uint8_t *)scratch + own,
                               .scratch_bytes = scratch_bytes - own};
        size_t n;
        CHK_TRY(c->encode(&step, &n, err));
        moving -= !c->in_place;
        if (c->compresses && n == 0) {
            skipped |= (uint32_t)1 << i;
            continue;
        }
        at = step.out;
        at_bytes = n;
    }
    if (at != out) memcpy(out, at, at_bytes);
    *mask = skipped;
    *out_bytes = at_bytes;
    return CHUNK_OK;
}
