/* Sinks into chunked datasets of a new file.
 *
 * Without filters a block is written from where it was computed. Its chunk is placed by the first block that is not all fill, in the order of the
 * pass, so that addresses do not depend on threads; fill bytes of 0 are never written, as new files read as 0 where nothing was, and a chunk with
 * any other fill value is filled when it is placed. With filters, whole chunks are padded, encoded in parallel, placed in order and written. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "kern/kern.h"
#include "store/h5writer_impl.h"
#include "store/source.h"

enum { PAD_BYTES = 4096, N_PIECES = 256, FIRST_OPEN = 16 };

/* A chunk that has blocks to come. */
typedef struct open_chunk {
    int64_t number;
    uint64_t addr; /* 0: all that came was fill; it has no place yet */
    int64_t left;  /* elements of the array that have not come */
} open_chunk;

typedef struct h5_sink {
    chk_sink s;
    chk_h5out *set;
    size_t item, chunk_bytes;
    bool zero_fill;
    uint8_t pad[PAD_BYTES]; /* the fill value, repeated */
    pthread_mutex_t lock;   /* of what follows; taken before HDF5's, never during a write of data */
    open_chunk *open;
    size_t n_open, cap_open;
} h5_sink;

/* ---- where a block lies */

static void chunk_of(int64_t *coord, int64_t *number, const h5_sink *h, const chk_box *box)
{
    *number = 0;
    for (int a = 0; a < box->ndim; a++) {
        coord[a] = box->lo[a] / h->set->chunk[a];
        *number = *number * h->s.grid.axis[a].n_chunks + coord[a];
    }
}

static int64_t clipped(const h5_sink *h, const int64_t *coord, int a)
{
    int64_t left = h->s.shape.dim[a] - coord[a] * h->set->chunk[a];
    return left < h->set->chunk[a] ? left : h->set->chunk[a];
}

/* Elements of the array in the chunk. */
static int64_t count_in_chunk(const h5_sink *h, const int64_t *coord)
{
    int64_t n = 1;
    for (int a = 0; a < h->s.shape.ndim; a++) n *= clipped(h, coord, a);
    return n;
}

static bool all_fill(const h5_sink *h, const chk_block *b)
{
    return chk_kern_all_equal(b->data, h->s.fill.v.bytes, h->item, (size_t)chk_box_count(&b->box));
}

/* ---- without filters */

static bool fill_from(const h5_sink *h, const chk_block *b, int64_t at, int64_t n)
{
    return chk_kern_all_equal((const char *)b->data + at * (int64_t)h->item, h->s.fill.v.bytes, h->item, (size_t)n);
}

static int64_t plain_leading_fill(const chk_sink *s, const chk_block *b)
{
    enum { STEP = 512 };
    const h5_sink *h = (const h5_sink *)s;
    int64_t n = chk_box_count(&b->box), at = 0;
    if (b->skip) return n;
    while (at + STEP <= n && fill_from(h, b, at, STEP)) at += STEP;
    while (at < n && fill_from(h, b, at, 1)) at++;
    return at;
}

static void plain_need(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch)
{
    (void)s, (void)n_elements;
    *kept = *scratch = 0;
}

static open_chunk *find_open(h5_sink *h, int64_t number)
{
    for (size_t i = 0; i < h->n_open; i++) {
        if (h->open[i].number == number) return &h->open[i];
    }
    return NULL;
}

static chunk_status add_open(h5_sink *h, open_chunk c, chunk_error *err)
{
    if (h->n_open == h->cap_open) {
        size_t cap = h->cap_open > 0 ? 2 * h->cap_open : FIRST_OPEN;
        open_chunk *grown = chk_realloc(h->open, cap * sizeof *grown);
        if (grown == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory to note an open chunk of %s", h->set->path);
        h->open = grown;
        h->cap_open = cap;
    }
    h->open[h->n_open++] = c;
    return CHUNK_OK;
}

static chunk_status fill_chunk(h5_sink *h, uint64_t addr, chunk_error *err)
{
    for (size_t done = 0; done < h->chunk_bytes; done += PAD_BYTES) {
        size_t n = h->chunk_bytes - done < PAD_BYTES ? h->chunk_bytes - done : PAD_BYTES;
        CHK_TRY(chk_h5out_pwrite(h->set, h->pad, n, addr + done, err));
    }
    return CHUNK_OK;
}

static chunk_status place(h5_sink *h, chk_block *b, const int64_t *coord, chunk_error *err)
{
    CHK_TRY(chk_h5out_claim(h->set, coord, 0, h->chunk_bytes, &b->addr, err));
    bool whole = (uint64_t)chk_box_count(&b->box) * h->item == h->chunk_bytes;
    return h->zero_fill || whole ? CHUNK_OK : fill_chunk(h, b->addr, err);
}

/* Blocks of a chunk come in any order, each once. */
static chunk_status plain_claim_locked(h5_sink *h, chk_block *b, chunk_error *err)
{
    int64_t coord[CHK_MAX_NDIM], number, n = chk_box_count(&b->box);
    chunk_of(coord, &number, h, &b->box);
    open_chunk *c = find_open(h, number);
    if (c && c->addr != 0) {
        b->addr = c->addr; /* a block of fill alone may stay skipped: its bytes in the file are the fill value's already */
    } else {
        b->skip = b->skip || all_fill(h, b);
        if (!b->skip) CHK_TRY(place(h, b, coord, err));
    }
    int64_t left = (c ? c->left : count_in_chunk(h, coord)) - n;
    assert(n > 0 && left >= 0 && "a block lies inside one chunk and comes once");
    if (!c) return left > 0 ? add_open(h, (open_chunk){number, b->skip ? 0 : b->addr, left}, err) : CHUNK_OK;
    c->left = left;
    if (!b->skip) c->addr = b->addr;
    if (left == 0) *c = h->open[--h->n_open];
    return CHUNK_OK;
}

static chunk_status plain_claim(chk_sink *s, chk_block *b, chunk_error *err)
{
    h5_sink *h = (h5_sink *)s;
    pthread_mutex_lock(&h->lock);
    chunk_status st = plain_claim_locked(h, b, err);
    pthread_mutex_unlock(&h->lock);
    return st;
}

static chunk_status plain_place(chk_sink *s, bool (*absent)(void *arg, const chk_box *chunk), void *arg, uint64_t *addr,
                                chunk_error *err)
{
    h5_sink *h = (h5_sink *)s;
    int64_t n = chk_grid_n_chunks(&s->grid), coord[CHK_MAX_NDIM] = {0};
    for (int64_t k = 0; k < n; k++) {
        chk_block b = {.skip = false};
        chk_grid_chunk_box(&b.box, &s->grid, coord);
        if (!absent(arg, &b.box)) CHK_TRY(chk_h5out_reserve(h->set, h->chunk_bytes, &b.addr, err));
        if (b.addr != 0 && !h->zero_fill) CHK_TRY(fill_chunk(h, b.addr, err));
        addr[k] = b.addr;
        for (int a = s->shape.ndim - 1; a >= 0 && ++coord[a] == s->grid.axis[a].n_chunks; a--) coord[a] = 0;
    }
    return CHUNK_OK;
}

static chunk_status plain_enter(chk_sink *s, const uint64_t *addr, const unsigned char *stored, chunk_error *err)
{
    h5_sink *h = (h5_sink *)s;
    int64_t n = chk_grid_n_chunks(&s->grid), coord[CHK_MAX_NDIM] = {0};
    uint64_t from = 0, to = 0;
    /* From the end on, so that what nothing lies behind makes the file shorter. Space that a fill value was written to is no hole, and stays unused. */
    for (int64_t k = n - 1; k >= 0 && h->zero_fill; k--) {
        if (addr[k] == 0 || stored[k]) continue;
        if (addr[k] + h->chunk_bytes != from) {
            chk_h5out_give_back(h->set, from, to);
            to = addr[k] + h->chunk_bytes;
        }
        from = addr[k];
    }
    chk_h5out_give_back(h->set, from, to);
    for (int64_t k = 0; k < n; k++) {
        if (addr[k] != 0 && stored[k]) CHK_TRY(chk_h5out_enter(h->set, coord, h->chunk_bytes, addr[k], err));
        for (int a = s->shape.ndim - 1; a >= 0 && ++coord[a] == s->grid.axis[a].n_chunks; a--) coord[a] = 0;
    }
    return CHUNK_OK;
}

/* Writes n_rows rows that lie `pitch` bytes apart in the file and end to end in memory. Between rows there is only padding, which is written as
 * well where it is short, so that many rows go in one call. */
static chunk_status write_rows(h5_sink *h, const char *data, size_t row, int64_t n_rows, size_t pitch, uint64_t at,
                               chunk_error *err)
{
    size_t gap = pitch - row;
    int64_t together = gap <= PAD_BYTES ? N_PIECES / 2 : 1;
    for (int64_t i = 0; i < n_rows; i += together) {
        struct iovec piece[N_PIECES];
        int n = 0;
        for (int64_t k = i; k < n_rows && k < i + together; k++) {
            if (n > 0) piece[n++] = (struct iovec){h->pad, gap};
            piece[n++] = (struct iovec){(void *)(data + k * (int64_t)row), row};
        }
        CHK_TRY(chk_h5out_pwritev(h->set, piece, n, at + (uint64_t)i * pitch, err));
    }
    return CHUNK_OK;
}

static chunk_status plain_write(chk_sink *s, chk_block *b, chunk_error *err)
{
    h5_sink *h = (h5_sink *)s;
    const chk_box *box = &b->box;
    const int64_t *chunk = h->set->chunk;
    assert(!b->skip && b->addr != 0 && "a block is claimed before it is written");
    int64_t stride[CHK_MAX_NDIM], dense = (int64_t)h->item; /* in the chunk, bytes */
    for (int a = box->ndim - 1; a >= 0; a--) {
        stride[a] = dense;
        dense *= chunk[a];
    }
    uint64_t at = b->addr;
    for (int a = 0; a < box->ndim; a++) at += (uint64_t)(box->lo[a] % chunk[a] * stride[a]);
    int inner = box->ndim; /* axes [inner, ndim) and the one before them make one run */
    int64_t run = (int64_t)h->item;
    while (inner > 0 && stride[inner - 1] == run) run *= chk_box_extent(box, --inner);
    int rows = inner > 0 ? inner - 1 : 0; /* the axis of rows of such runs */
    int64_t n_rows = inner > 0 ? chk_box_extent(box, rows) : 1;
    size_t pitch = inner > 0 ? (size_t)stride[rows] : (size_t)run;
    const char *data = b->data;
    int64_t i[CHK_MAX_NDIM] = {0};
    for (;;) {
        CHK_TRY(write_rows(h, data, (size_t)run, n_rows, pitch, at, err));
        data += n_rows * run;
        int a = rows - 1;
        for (; a >= 0; a--) {
            at += (uint64_t)stride[a];
            if (++i[a] < chk_box_extent(box, a)) break;
            at -= (uint64_t)(i[a] * stride[a]);
            i[a] = 0;
        }
        if (a < 0) return CHUNK_OK;
    }
}

/* ---- with filters */

void chk_sink_h5_need(const chk_pipeline *pipeline, size_t raw_bytes, size_t *kept, size_t *scratch)
{
    size_t padded = chk_pipeline_encodes_in_place(pipeline) ? 0 : (raw_bytes + 63) & ~(size_t)63;
    *kept = chk_pipeline_stored_bound(pipeline, raw_bytes);
    *scratch = padded + chk_pipeline_encode_scratch(pipeline, raw_bytes);
}

static void coded_need(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch)
{
    (void)n_elements; /* an edge chunk is stored in full size */
    const h5_sink *h = (const h5_sink *)s;
    chk_sink_h5_need(&h->set->pipeline, h->chunk_bytes, kept, scratch);
}

/* The block spread over a whole chunk, the rest of which is fill; from the last row on, so that `out` may be where the block is. */
static void pad_chunk(const h5_sink *h, char *out, const chk_block *b)
{
    const int64_t *chunk = h->set->chunk;
    int ndim = b->box.ndim;
    size_t row = (size_t)chk_box_extent(&b->box, ndim - 1) * h->item, filled = h->chunk_bytes;
    const char *in = (const char *)b->data + b->n_bytes;
    int64_t i[CHK_MAX_NDIM];
    for (int a = 0; a < ndim; a++) i[a] = a < ndim - 1 ? chk_box_extent(&b->box, a) - 1 : 0;
    for (;;) {
        size_t at = 0;
        for (int a = 0; a < ndim; a++) at = at * (size_t)chunk[a] + (size_t)i[a];
        at *= h->item;
        in -= row;
        memmove(out + at, in, row);
        chk_kern_splat(out + at + row, h->s.fill.v.bytes, h->item, (filled - at - row) / h->item);
        filled = at;
        int a = ndim - 2;
        for (; a >= 0 && --i[a] < 0; a--) i[a] = chk_box_extent(&b->box, a) - 1;
        if (a < 0) return;
    }
}

static chunk_status coded_encode(chk_sink *s, chk_block *b, void *kept, size_t kept_bytes, void *scratch, size_t scratch_bytes,
                                 chunk_error *err)
{
    h5_sink *h = (h5_sink *)s;
    const chk_pipeline *p = &h->set->pipeline;
    b->skip = b->skip || all_fill(h, b);
    if (b->skip) return CHUNK_OK;
    const void *raw = b->data;
    bool in_place = chk_pipeline_encodes_in_place(p);
    char *padded = in_place ? kept : scratch; /* where the values may lie already */
    size_t used = in_place ? 0 : (h->chunk_bytes + 63) & ~(size_t)63;
    assert(scratch_bytes >= used && kept_bytes >= h->chunk_bytes && "kept and scratch are as large as need says");
    if (b->n_bytes < h->chunk_bytes) {
        pad_chunk(h, padded, b);
        raw = padded;
    }
    scratch = (char *)scratch + used;
    scratch_bytes -= used;
    CHK_TRY(chk_pipeline_encode(p, &b->mask, kept, kept_bytes, &b->n_bytes, raw, h->chunk_bytes, scratch, scratch_bytes, err));
    b->data = kept;
    return CHUNK_OK;
}

static chunk_status coded_claim(chk_sink *s, chk_block *b, chunk_error *err)
{
    h5_sink *h = (h5_sink *)s;
    if (b->skip) return CHUNK_OK;
    int64_t coord[CHK_MAX_NDIM], number;
    chunk_of(coord, &number, h, &b->box);
    return chk_h5out_claim(h->set, coord, b->mask, b->n_bytes, &b->addr, err);
}

static chunk_status coded_write(chk_sink *s, chk_block *b, chunk_error *err)
{
    assert(!b->skip && b->addr != 0 && "a block is claimed before it is written");
    return chk_h5out_pwrite(((h5_sink *)s)->set, b->data, b->n_bytes, b->addr, err);
}

/* ---- making one */

static chunk_status h5_resize(chk_sink *s, const chk_shape *shape, chunk_error *err)
{
    CHK_TRY(chk_h5out_resize(((h5_sink *)s)->set, shape, err));
    s->shape = *shape;
    return CHUNK_OK;
}

static void h5_free(chk_sink *s)
{
    h5_sink *h = (h5_sink *)s;
    pthread_mutex_destroy(&h->lock);
    chk_free(h->open);
    chk_free(h);
}

static bool plain_busy(const chk_sink *s) { return chk_h5out_busy(((const h5_sink *)s)->set); }

static const chk_sink_ops plain_ops = {.kind = "hdf5",
                                       .need = plain_need,
                                       .leading_fill = plain_leading_fill,
                                       .claim = plain_claim,
                                       .write = plain_write,
                                       .busy = plain_busy,
                                       .place = plain_place,
                                       .enter = plain_enter,
                                       .resize = h5_resize,
                                       .free = h5_free};
static const chk_sink_ops coded_ops = {
    .kind = "hdf5", .need = coded_need, .encode = coded_encode, .claim = coded_claim, .write = coded_write, .free = h5_free};

chunk_status chk_sink_h5(chk_sink **out, chk_h5out *d, chunk_error *err)
{
    assert(d->chunked && "contiguous datasets are written whole, by chk_h5out_write_small");
    h5_sink *h = chk_calloc(1, sizeof *h);
    if (h == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for an output to %s", d->path);
    h->s = (chk_sink){.ops = d->pipeline.n > 0 ? &coded_ops : &plain_ops,
                      .dtype = d->dtype,
                      .shape = d->shape,
                      .grid = chk_grid_regular(&d->shape, d->chunk),
                      .whole_chunks = d->pipeline.n > 0,
                      .has_fill = true,
                      .fill = d->fill,
                      .ordered = true,
                      .thread_safe = true};
    snprintf(h->s.name, sizeof h->s.name, "%.40s:%.22s", d->writer->name, d->path);
    h->set = d;
    h->item = h->chunk_bytes = chk_dtype_size(d->dtype);
    for (int a = 0; a < d->shape.ndim; a++) h->chunk_bytes *= (size_t)d->chunk[a];
    chk_kern_splat(h->pad, d->fill.v.bytes, h->item, PAD_BYTES / h->item);
    static const uint8_t zeros[16];
    h->zero_fill = memcmp(d->fill.v.bytes, zeros, h->item) == 0;
    pthread_mutex_init(&h->lock, NULL);
    *out = &h->s;
    return CHUNK_OK;
}
