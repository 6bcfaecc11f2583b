/* A sink into a region of a dataset that exists: every element goes by pwrite to where it lies. Blocks may lie anywhere in the region; they do not overlap, so
 * workers write at the same time. Elements that lie apart in a row are put into the bytes between them, which are read for it: along a row nobody else writes. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "store/h5place.h"
#include "store/h5read.h"
#include "store/source.h"

enum { TARGET_BYTES = 1 << 20, SPAN_BYTES = 16 << 10, SPAN_LEAST = 4 }; /* elements in a span that make reading it worth it */

typedef struct place_sink {
    chk_sink s;
    chk_h5set *set;
    chk_h5region region;
    int fd;
    size_t item;
    atomic_bool any; /* something was written */
} place_sink;

/* A block, for the parts of it. */
typedef struct writing {
    place_sink *h;
    const char *data;                               /* of index lo */
    int64_t lo[CHK_MAX_NDIM], stride[CHK_MAX_NDIM]; /* an axis of the dataset; bytes in memory */
} writing;

static void place_need(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch)
{
    (void)s, (void)n_elements;
    *kept = *scratch = 0;
}

static chunk_status put(place_sink *h, const char *data, size_t n, uint64_t at, chunk_error *err)
{
    while (n > 0) {
        errno = EIO;
        ssize_t k = chk_fault_hit(CHK_FAULT_WRITE) ? -1 : pwrite(h->fd, data, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return chk_fail_errno(err, k < 0 ? errno : ENOSPC, h->set->info.file, "cannot write");
        h->any = true;
        data += k, at += (uint64_t)k, n -= (size_t)k;
    }
    return CHUNK_OK;
}

static chunk_status get(const place_sink *h, char *out, size_t n, uint64_t at, chunk_error *err)
{
    while (n > 0) {
        errno = EIO;
        ssize_t k = chk_fault_hit(CHK_FAULT_READ) ? -1 : pread(h->fd, out, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return chk_fail_errno(err, errno, h->set->info.file, "cannot read");
        if (k == 0) { /* placed by HDF5, never written */
            memset(out, 0, n);
            return CHUNK_OK;
        }
        out += k, at += (uint64_t)k, n -= (size_t)k;
    }
    return CHUNK_OK;
}

/* n elements, `apart` bytes from one to the next in the file (either way) and `step` in memory. */
static chunk_status put_apart(place_sink *h, const char *data, int64_t step, int64_t n, int64_t apart, uint64_t at,
                              chunk_error *err)
{
    int64_t item = (int64_t)h->item, wide = apart < 0 ? -apart : apart, most = (SPAN_BYTES - item) / wide + 1;
    char span[SPAN_BYTES];
    for (int64_t i = 0; i < n;) {
        int64_t k = n - i < most ? n - i : most, bytes = (k - 1) * wide + item;
        uint64_t first = at + (uint64_t)((apart < 0 ? i + k - 1 : i) * apart);
        if (most < SPAN_LEAST) {
            CHK_TRY(put(h, data + i * step, h->item, at + (uint64_t)(i * apart), err));
            i++;
            continue;
        }
        CHK_TRY(get(h, span, (size_t)bytes, first, err));
        for (int64_t j = 0; j < k; j++) memcpy(span + (apart < 0 ? k - 1 - j : j) * wide, data + (i + j) * step, h->item);
        CHK_TRY(put(h, span, (size_t)bytes, first, err));
        i += k;
    }
    return CHUNK_OK;
}

static chunk_status write_part(void *arg, const chk_h5part *p, chunk_error *err)
{
    const writing *w = arg;
    place_sink *h = w->h;
    const chk_h5info *info = &h->set->info;
    int ndim = info->shape.ndim, inner = ndim;
    int64_t apart[CHK_MAX_NDIM], n[CHK_MAX_NDIM], i[CHK_MAX_NDIM] = {0}, run = (int64_t)h->item, dense = run;
    chk_extent e;
    CHK_TRY(chk_h5set_locate(h->set, p->coord, 1, &e, err));
    if (e.absent) return chk_fail(err, CHUNK_EFILE, "%s:%s: a chunk is gone that was there", info->file, info->path);
    uint64_t at = e.addr;
    const char *data = w->data;
    for (int a = ndim - 1; a >= 0; a--) {
        n[a] = p->hi[a] - p->lo[a];
        apart[a] = dense * h->region.step[a];
        at += (uint64_t)((h->region.start[a] + p->lo[a] * h->region.step[a] - p->coord[a] * info->chunk.dim[a]) * dense);
        data += (p->lo[a] - w->lo[a]) * w->stride[a];
        dense *= info->chunk.dim[a];
    }
    while (inner > 0 && (n[inner - 1] == 1 || (apart[inner - 1] == run && w->stride[inner - 1] == run))) run *= n[--inner];
    bool row = inner == ndim && ndim > 0; /* elements of the last axis lie apart, in the file or in memory */
    if (row) inner--;
    for (;;) {
        if (row)
            CHK_TRY(put_apart(h, data, w->stride[inner], n[inner], apart[inner], at, err));
        else
            CHK_TRY(put(h, data, (size_t)run, at, err));
        int a = inner - 1;
        for (; a >= 0; a--) {
            at += (uint64_t)apart[a];
            data += w->stride[a];
            if (++i[a] < n[a]) break;
            at -= (uint64_t)(i[a] * apart[a]);
            data -= i[a] * w->stride[a];
            i[a] = 0;
        }
        if (a < 0) return CHUNK_OK;
    }
}

static chunk_status place_write(chk_sink *s, chk_block *b, chunk_error *err)
{
    place_sink *h = (place_sink *)s;
    writing w = {.h = h, .data = b->data};
    int64_t hi[CHK_MAX_NDIM], dense = (int64_t)h->item;
    for (int a = h->set->info.shape.ndim - 1, k = s->shape.ndim - 1; a >= 0; a--) {
        bool seen = !h->region.single[a];
        w.lo[a] = seen ? b->box.lo[k] : 0;
        hi[a] = seen ? b->box.hi[k] : 1;
        w.stride[a] = dense;
        dense *= hi[a] - w.lo[a];
        k -= seen;
    }
    return chk_h5region_walk(h->set, &h->region, w.lo, hi, write_part, &w, err);
}

chunk_status chk_sink_h5place_end(chk_sink *s, bool durable, bool *any, chunk_error *err)
{
    place_sink *h = (place_sink *)s;
    *any = h->any;
    chk_h5file_refresh(h->set->file);
    errno = EIO;
    if (!durable || (!chk_fault_hit(CHK_FAULT_WRITE) && fsync(h->fd) == 0)) return CHUNK_OK;
    return chk_fail_errno(err, errno, h->set->info.file, "cannot bring it to the disk");
}

static void place_free(chk_sink *s)
{
    place_sink *h = (place_sink *)s;
    chk_h5place_close(h->fd, h->set);
    chk_h5set_release(h->set);
    chk_free(h);
}

static const chk_sink_ops place_ops = {.kind = "hdf5 in place", .need = place_need, .write = place_write, .free = place_free};

chunk_status chk_sink_h5place(chk_sink **out, chk_h5set *set, const chk_h5region *r, chunk_error *err)
{
    place_sink *h = chk_calloc(1, sizeof *h);
    if (!h) return chk_fail(err, CHUNK_ENOMEM, "no memory for an output to %s", set->info.path);
    chk_shape shape = {0};
    int64_t chunk[CHK_MAX_NDIM];
    for (int a = 0; a < set->info.shape.ndim; a++)
        if (!r->single[a]) shape.dim[shape.ndim++] = r->count[a];
    chk_grid_default_chunks(chunk, &shape, set->info.item_bytes, TARGET_BYTES);
    h->s = (chk_sink){.ops = &place_ops,
                      .dtype = set->info.dtype,
                      .shape = shape,
                      .grid = chk_grid_regular(&shape, chunk),
                      .thread_safe = true,
                      .name = "in place"};
    h->set = set;
    h->region = *r;
    h->item = set->info.item_bytes;
    chunk_status st = chk_h5place_open(&h->fd, set, r, err);
    if (st != CHUNK_OK) {
        chk_free(h);
        return st;
    }
    chk_h5set_retain(set);
    *out = &h->s;
    return CHUNK_OK;
}
