/* Boxes of unfiltered datasets straight into memory with any strides: rows that follow each other in the file come in with one system call, each to its
 * place. Nothing is copied twice, and a chunk is looked up once a box. */
#include <string.h>

#include "base/thread.h"
#include "store/h5fetch.h"

enum { ROWS = 256, ROW_LEAST = 512 };

/* Rows that are to be read together, from `at` on. */
typedef struct rows {
    struct iovec piece[ROWS];
    int n;
    uint64_t at, n_bytes;
} rows;

static chunk_status flush(chk_h5fetch *f, rows *r, chunk_error *err)
{
    int n = r->n;
    r->n = 0;
    return n > 0 ? chk_h5fetch_readv_untimed(f, r->piece, n, r->at, err) : CHUNK_OK;
}

static chunk_status add(chk_h5fetch *f, rows *r, char *to, size_t n_bytes, uint64_t from, chunk_error *err)
{
    if (r->n == ROWS || (r->n > 0 && from != r->at + r->n_bytes)) CHK_TRY(flush(f, r, err));
    if (r->n == 0) r->at = from, r->n_bytes = 0;
    r->piece[r->n++] = (struct iovec){to, n_bytes};
    r->n_bytes += n_bytes;
    return CHUNK_OK;
}

/* True when many short pieces lie so near each other that they had better be read as one and copied. */
static bool many_short(int64_t run, int inner, const int64_t *n, const int64_t *pitch)
{
    int a = inner - 1;
    while (a >= 0 && n[a] == 1) a--;
    if (a < 0) return false;
    return run < ROW_LEAST ? pitch[a] <= CHK_MAX_GAP : run < CHK_MAX_GAP && pitch[a] > run && pitch[a] - run < CHK_MAX_GAP;
}

/* Rows of `run` bytes from `at` on to dest, one a place of the first `inner` axes. The clock is read once: what lies across a chunk border is many rows of a
 * few bytes. */
static chunk_status read_rows(chk_h5fetch *f, uint64_t at, char *dest, int64_t run, int inner, const int64_t *n,
                              const int64_t *pitch, const int64_t *stride, chunk_error *err)
{
    int64_t i[CHK_MAX_NDIM] = {0};
    uint64_t t0 = chk_clock_ns();
    rows r;
    r.n = 0;
    for (;;) {
        CHK_TRY(add(f, &r, dest, (size_t)run, at, err));
        int a = inner - 1;
        for (; a >= 0; a--) {
            at += (uint64_t)pitch[a];
            dest += stride[a];
            if (++i[a] < n[a]) break;
            at -= (uint64_t)(i[a] * pitch[a]);
            dest -= i[a] * stride[a];
            i[a] = 0;
        }
        if (a < 0) break;
    }
    chunk_status st = flush(f, &r, err);
    f->hold->ns_read += chk_clock_ns() - t0;
    return st;
}

/* The part of a box that lies in one chunk, box->lo being at `dest`; lo: where it begins in the chunk. */
static chunk_status read_part(chk_h5fetch *f, const chk_extent *chunk, const chk_box *box, const int64_t *lo, char *dest,
                              const int64_t *stride, chunk_error *err)
{
    const chk_h5info *info = &f->set->info;
    int ndim = box->ndim, inner = ndim; /* axes from `inner` on are one run, there and here */
    int64_t n[CHK_MAX_NDIM], pitch[CHK_MAX_NDIM], next = (int64_t)info->item_bytes, run = next;
    uint64_t at = chunk->addr;
    for (int a = ndim - 1; a >= 0; a--) {
        n[a] = chk_box_extent(box, a);
        pitch[a] = next;
        next *= info->chunk.dim[a];
        at += (uint64_t)(lo[a] * pitch[a]);
    }
    if (chunk->absent) {
        chk_fill_strided(dest, stride, f->fill, n, ndim, info->item_bytes);
        return CHUNK_OK;
    }
    while (inner > 0 && (n[inner - 1] == 1 || (pitch[inner - 1] == run && stride[inner - 1] == run))) run *= n[--inner];
    if (many_short(run, inner, n, pitch)) return chk_h5fetch_dense(f, dest, stride, box, err);
    return read_rows(f, at, dest, run, inner, n, pitch, stride, err);
}

chunk_status chk_h5fetch_direct(chk_h5fetch *f, char *dest, const int64_t *stride, const chk_box *box, chunk_error *err)
{
    const int64_t *chunk = f->set->info.chunk.dim, *off = f->view->off;
    int ndim = box->ndim;
    int64_t coord[CHK_MAX_NDIM], lo[CHK_MAX_NDIM];
    chk_box part = *box;
    for (int a = 0; a < ndim; a++) coord[a] = (box->lo[a] + off[a]) / chunk[a];
    for (;;) {
        char *to = dest;
        chk_extent extent;
        for (int a = 0; a < ndim; a++) {
            int64_t first = coord[a] * chunk[a] - off[a], end = first + chunk[a];
            part.lo[a] = first > box->lo[a] ? first : box->lo[a];
            part.hi[a] = end < box->hi[a] ? end : box->hi[a];
            lo[a] = part.lo[a] - first;
            to += (part.lo[a] - box->lo[a]) * stride[a];
        }
        CHK_TRY(chk_h5set_locate(f->set, coord, 1, &extent, err));
        CHK_TRY(read_part(f, &extent, &part, lo, to, stride, err));
        int a = ndim - 1;
        for (; a >= 0 && part.hi[a] == box->hi[a]; a--) coord[a] = (box->lo[a] + off[a]) / chunk[a];
        if (a < 0) return CHUNK_OK;
        coord[a]++;
    }
}
