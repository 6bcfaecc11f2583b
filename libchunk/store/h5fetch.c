/* Reading and decoding chunks into the buffers of a fetch. Small stored chunks that lie side by side come in with one system call. */
#include "store/h5fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/thread.h"
#include "kern/kern.h"

static size_t max(size_t a, size_t b) { return a > b ? a : b; }

static bool filtered(const chk_h5set *set) { return set->info.pipeline.n > 0; }

static size_t stored_bytes(const chk_h5set *set, uint64_t n_boxes, bool copies)
{
    if (!filtered(set)) return copies ? CHK_FETCH_BATCH : 0;
    uint64_t all = set->stored_bound < CHK_FETCH_BATCH ? n_boxes * set->stored_bound : CHK_FETCH_BATCH;
    return max(set->stored_bound, all < CHK_FETCH_BATCH ? all : CHK_FETCH_BATCH);
}

static size_t scratch_bytes(const chk_h5set *set, bool copies, bool little)
{
    if (!filtered(set)) return 0;
    size_t n = chk_pipeline_decode_scratch(&set->info.pipeline, set->chunk_bytes, true);
    return copies && !little ? max(n, chk_pipeline_decode_scratch(&set->info.pipeline, set->chunk_bytes, false)) : n;
}

size_t chk_h5fetch_transient(const chk_h5set *set, int64_t n_boxes, bool copies, bool little)
{
    size_t decoded = filtered(set) && copies ? set->chunk_bytes : 0;
    return chk_arena_cost(stored_bytes(set, (uint64_t)n_boxes, copies)) + chk_arena_cost(scratch_bytes(set, copies, little)) +
           chk_arena_cost(decoded);
}

void chk_h5fetch_init(chk_h5fetch *f, chk_h5set *set, const chk_view *view, chk_hold *hold, size_t n_boxes, bool copies,
                      bool little, void *room)
{
    char *at = room;
    *f = (chk_h5fetch){
        .set = set, .view = view, .hold = hold, .copies = copies, .little = little, .decoded_addr = UINT64_MAX, .tile = -1};
    f->stored = at;
    f->stored_cap = stored_bytes(set, n_boxes, copies);
    f->scratch = at += chk_arena_cost(f->stored_cap);
    f->scratch_bytes = scratch_bytes(set, copies, little);
    f->decoded = at + chk_arena_cost(f->scratch_bytes);
    memcpy(f->fill, set->info.fill.v.bytes, sizeof f->fill);
    chk_h5type_to_native(&set->info, f->fill, 1); /* reversing twice is nothing: native to stored is the same step */
}

chunk_status chk_h5fetch_readv_untimed(chk_h5fetch *f, struct iovec *piece, int n, uint64_t offset, chunk_error *err)
{
    const chk_h5info *i = &f->set->info;
    uint64_t left = 0;
    for (int k = 0; k < n; k++) left += piece[k].iov_len;
    f->hold->bytes_read += left;
    while (left > 0) {
        errno = EIO;
        int fd = f->set->file->fd;
        ssize_t got = chk_fault_hit(CHK_FAULT_READ) ? -1
                      : n == 1                      ? pread(fd, piece->iov_base, piece->iov_len, (off_t)offset)
                                                    : preadv(fd, piece, n, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return chk_fail_errno(err, errno, i->file, "cannot read");
        if (got == 0)
            return chk_fail(err, CHUNK_EFILE,
                            "%s: truncated: ends at byte %" PRIu64 ", %" PRIu64 " bytes before the end of data of %s", i->file,
                            offset, left, i->path);
        offset += (uint64_t)got;
        left -= (uint64_t)got;
        for (; n > 0 && (size_t)got >= piece->iov_len; piece++, n--) got -= (ssize_t)piece->iov_len;
        if (n > 0) *piece = (struct iovec){(char *)piece->iov_base + got, piece->iov_len - (size_t)got};
    }
    return CHUNK_OK;
}

chunk_status chk_h5fetch_read_untimed(chk_h5fetch *f, void *out, size_t n_bytes, uint64_t offset, chunk_error *err)
{
    return chk_h5fetch_readv_untimed(f, &(struct iovec){out, n_bytes}, 1, offset, err);
}

chunk_status chk_h5fetch_read(chk_h5fetch *f, void *out, size_t n_bytes, uint64_t offset, chunk_error *err)
{
    uint64_t t0 = chk_clock_ns();
    chunk_status st = chk_h5fetch_readv_untimed(f, &(struct iovec){out, n_bytes}, 1, offset, err);
    f->hold->ns_read += chk_clock_ns() - t0;
    return st;
}

/* Brings [addr, addr + n) into the buffer, and what follows of `more` while it lies side by side and fits. */
static chunk_status bring(chk_h5fetch *f, const chk_extent *chunk, const chk_extent *more, size_t n_more, chunk_error *err)
{
    if (chunk->addr >= f->stored_at && chunk->addr + chunk->n_bytes <= f->stored_at + f->n_stored) return CHUNK_OK;
    uint64_t n = chunk->n_bytes;
    for (size_t k = 0; k < n_more; k++) {
        if (more[k].absent || more[k].addr != chunk->addr + n || n + more[k].n_bytes > f->stored_cap) break;
        n += more[k].n_bytes;
    }
    f->n_stored = 0;
    CHK_TRY(chk_h5fetch_read(f, f->stored, n, chunk->addr, err));
    f->stored_at = chunk->addr;
    f->n_stored = n;
    return CHUNK_OK;
}

chunk_status chk_h5fetch_decode(chk_h5fetch *f, void *out, const chk_extent *chunk, const int64_t *coord, const chk_extent *more,
                                size_t n_more, bool *planes, chunk_error *err)
{
    const chk_h5set *d = f->set;
    CHK_TRY(bring(f, chunk, more, n_more, err));
    const char *stored = f->stored + (chunk->addr - f->stored_at);
    uint64_t t0 = chk_clock_ns();
    if (planes) *planes = false;
    if (chunk->raw) { /* an edge chunk of a dataset that leaves those unfiltered: as long as a chunk, which look-up checked */
        memcpy(out, stored, d->chunk_bytes);
        f->hold->ns_decode += chk_clock_ns() - t0;
        return CHUNK_OK;
    }
    chunk_error why = {0};
    chunk_status st = chk_pipeline_decode(&d->info.pipeline, chunk->mask, out, d->chunk_bytes, stored, chunk->n_bytes, f->scratch,
                                          f->scratch_bytes, planes != NULL, planes, &why);
    f->hold->ns_decode += chk_clock_ns() - t0;
    if (st == CHUNK_OK) return CHUNK_OK;
    char text[700];
    return chk_fail(err, st, "%.300s: %.160s", chk_h5set_where(text, sizeof text, d, coord), why.text);
}

chunk_status chk_h5fetch_tile(chk_h5fetch *f, int *slot, const chk_extent *chunk, const int64_t *coord, const chk_extent *more,
                              size_t n_more, chunk_error *err)
{
    bool load = false, planes = false;
    *slot = f->tiles ? chk_tiles_get(f->tiles, chunk->addr, &load) : -1;
    if (*slot < 0 || !load) return CHUNK_OK;
    chunk_status st = chk_h5fetch_decode(f, chk_tiles_data(f->tiles, *slot), chunk, coord, more, n_more, &planes, err);
    chk_tiles_loaded(f->tiles, *slot, st == CHUNK_OK, planes);
    return st;
}

void chk_h5fetch_done(chk_h5fetch *f)
{
    if (f->tile >= 0) chk_tiles_put(f->tiles, f->tile);
    f->tile = -1;
    f->decoded_addr = UINT64_MAX;
}
