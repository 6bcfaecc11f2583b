/* points_fetch.c: the second pass of points.h. A task takes the cells of a group in order, one piece of the other axes; what each band wants of a cell lies
 * together in its keys, and a cursor a band says how far they are done. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "ops/points.h"

/* Keys that are looked at together: their values are written by one call. */
enum { MOST_KEYS = 4096, VALUES_BYTES = 256 << 10 };
/* Elements that may be read for each that is wanted, where a cell need not be read as a whole. */
enum { WASTE = 512 };

typedef struct fetching {
    ops_points *f;
    chk_reader x;
    int64_t extent[CHK_MAX_NDIM]; /* of a tile: a cell, a piece */
    int64_t n_keys;               /* at once */
    size_t tile_bytes, values_bytes, tables_bytes, key_bytes;
} fetching;

typedef struct work {
    const fetching *s;
    chk_task *t;
    chk_arena *arena;
    chk_hold books;
    int64_t piece, piece_count;
    chk_box box; /* of x: the piece; and the cell, or the part of it that was read last */
    char *tile, *values;
    bool dense;         /* cells are read as a whole */
    int64_t in_tile;    /* the cell that the tile holds as a whole; -1: none */
    uint32_t *at, *end; /* a band's cursor and where its group ends */
    uint64_t *next;     /* the key under the cursor, UINT64_MAX at the end */
} work;

static void fetch_size(chk_pass *p, const chk_sizing *z)
{
    (void)z;
    fetching *s = p->ctx;
    const ops_points *f = s->f;
    const chk_node *x = f->node->in[0];
    for (int a = 0; a < x->shape.ndim; a++) s->extent[a] = f->g.cuttable ? x->shape.dim[a] : chk_axis_max_chunk(&x->grid.axis[a]);
    for (int k = 0; k < f->g.n_idx; k++) s->extent[f->g.axis[k]] = f->cell[k];
    chk_need need, keys;
    chk_reader_need(&s->x, s->extent, &need);
    s->n_keys = VALUES_BYTES / (int64_t)f->item / f->piece_max;
    s->n_keys = s->n_keys < 1 ? 1 : s->n_keys > MOST_KEYS ? MOST_KEYS : s->n_keys;
    s->tile_bytes = chk_extent_bytes(x->shape.ndim, s->extent, x->dtype);
    s->values_bytes = (size_t)(s->n_keys * f->piece_max) * f->item;
    s->tables_bytes = (size_t)f->bands.n * (2 * sizeof(uint32_t) + sizeof(uint64_t));
    s->key_bytes = (size_t)s->n_keys * sizeof(int64_t);
    keys.transient = chk_arena_cost(s->key_bytes);
    p->work_bytes = chk_page_round(chk_arena_cost(s->tile_bytes) + chk_arena_cost(s->values_bytes) +
                                   chk_arena_cost(s->tables_bytes) + need.transient + keys.transient + 256);
    p->window_bytes = need.window;
    p->worker_bytes = chk_reader_worker_bytes(&s->x);
    p->serial = !chk_reader_thread_safe(&s->x);
    p->bytes_read = chk_reader_stored_bytes(&s->x);
    p->n_tasks = (uint64_t)(f->n_groups * f->n_pieces);
}

/* n keys of a band from its place `at` on; they stay in the arena until the caller takes it back. */
static chunk_status keys_at(const uint64_t **out, const work *w, int64_t band, int64_t at, int64_t n, chunk_error *err)
{
    static const chk_view rows = {.base_ndim = 2, .axis = {0, 1}, .step = {1, 1}};
    chk_source *s = w->s->f->keys;
    chk_box box = {.ndim = 2, .lo = {band, at}, .hi = {band + 1, at + n}};
    chk_hold hold = {0};
    chk_piece piece;
    CHK_TRY(s->ops->fetch(s, &rows, &box, 1, w->arena, &hold, &piece, err));
    *out = (const uint64_t *)piece.data;
    w->t->stats.ns_read += hold.ns_read;
    s->ops->release(s, &hold);
    return CHUNK_OK;
}

/* Where key k's elements lie in x: its index along each indexed axis. */
static void unpack(int64_t *index, const ops_points *f, const chk_box *cell, uint64_t key)
{
    uint64_t inside = key % (uint64_t)f->cell_volume;
    for (int k = f->g.n_idx - 1; k > 0; k--) {
        index[k] = cell->lo[f->g.axis[k]] + (int64_t)(inside % (uint64_t)f->cell[k]);
        inside /= (uint64_t)f->cell[k];
    }
    index[0] = cell->lo[f->g.axis[0]] + (int64_t)inside;
}

static chunk_status read_tile(work *w, chunk_error *err)
{
    size_t mark = w->arena->used;
    CHK_TRY(chk_reader_read(&w->s->x, &w->box, w->tile, NULL, w->arena, &w->books, err));
    w->arena->used = mark;
    return CHUNK_OK;
}

/* The values of n keys, from the tile to the buffer of values. */
static void copy_values(const work *w, const chk_box *cell, const uint64_t *key, int64_t n)
{
    const ops_points *f = w->s->f;
    const chk_shape *xs = &f->node->in[0]->shape;
    int64_t stride[CHK_MAX_NDIM], dense[CHK_MAX_NDIM], next = (int64_t)f->item, to = (int64_t)f->item, index[CHK_MAX_NDIM];
    for (int a = xs->ndim - 1; a >= 0; a--) {
        stride[a] = next;
        next *= chk_box_extent(&w->box, a);
        dense[a] = to;
        if (f->g.out_axis[a] >= 0) to *= chk_box_extent(&w->box, a);
    }
    ops_part part = {.item = f->item};
    for (int a = 0; a < xs->ndim; a++)
        if (f->g.out_axis[a] >= 0) ops_part_axis(&part, chk_box_extent(&w->box, a), stride[a], dense[a]);
    size_t slot = (size_t)f->piece_max * f->item;
    for (int64_t i = 0; i < n; i++) {
        const char *from = w->tile;
        unpack(index, f, cell, key[i]);
        for (int k = 0; k < f->g.n_idx; k++) from += (index[k] - w->box.lo[f->g.axis[k]]) * stride[f->g.axis[k]];
        ops_part_copy(&part, w->values + (size_t)i * slot, from);
    }
}

/* Of keys in one cell the longest run from the first on whose box is not too sparse; w->box becomes that box. */
static int64_t next_run(work *w, const chk_box *cell, const uint64_t *key, int64_t n)
{
    const ops_points *f = w->s->f;
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM], index[CHK_MAX_NDIM], run = 1;
    unpack(lo, f, cell, key[0]);
    for (int k = 0; k < f->g.n_idx; k++) hi[k] = lo[k] + 1;
    for (; run < n; run++) {
        int64_t l[CHK_MAX_NDIM], h[CHK_MAX_NDIM], volume = w->piece_count;
        unpack(index, f, cell, key[run]);
        for (int k = 0; k < f->g.n_idx; k++) {
            l[k] = index[k] < lo[k] ? index[k] : lo[k];
            h[k] = index[k] >= hi[k] ? index[k] + 1 : hi[k];
            volume *= h[k] - l[k];
        }
        if (volume > (run + 1) * WASTE) break;
        memcpy(lo, l, sizeof lo);
        memcpy(hi, h, sizeof hi);
    }
    for (int k = 0; k < f->g.n_idx; k++) w->box.lo[f->g.axis[k]] = lo[k], w->box.hi[f->g.axis[k]] = hi[k];
    return run;
}

static chunk_status give_values(work *w, int64_t band, int64_t at, int64_t n, chunk_error *err)
{
    const ops_points *f = w->s->f;
    chk_block block = {.data = w->values, .n_bytes = (size_t)(n * f->piece_max) * f->item};
    ops_points_slot(&block.box, f, w->piece, band, at, n);
    uint64_t t0 = chk_clock_ns();
    CHK_TRY(f->values_in->ops->write(f->values_in, &block, err));
    w->t->stats.ns_write += chk_clock_ns() - t0;
    w->t->stats.bytes_spilled += block.addr ? block.n_bytes : 0;
    return CHUNK_OK;
}

/* The values of n keys of one cell; the band's cursor moves on. */
static chunk_status serve(work *w, int64_t cell, int64_t band, const uint64_t *key, int64_t n, chunk_error *err)
{
    chk_box box = w->box;
    ops_points_cell(w->s->f, cell, &box);
    if (w->dense) {
        w->box = box;
        if (w->in_tile != cell) CHK_TRY(read_tile(w, err));
        w->in_tile = cell;
        copy_values(w, &box, key, n);
        CHK_TRY(give_values(w, band, w->at[band], n, err));
        w->at[band] += (uint32_t)n;
        return CHUNK_OK;
    }
    for (int64_t run; n > 0; n -= run, key += run) {
        run = next_run(w, &box, key, n);
        CHK_TRY(read_tile(w, err));
        copy_values(w, &box, key, run);
        CHK_TRY(give_values(w, band, w->at[band], run, err));
        w->at[band] += (uint32_t)run;
    }
    return CHUNK_OK;
}

/* All that a band wants of a cell. */
static chunk_status serve_band(work *w, int64_t cell, int64_t band, chunk_error *err)
{
    uint64_t volume = (uint64_t)w->s->f->cell_volume;
    while (w->next[band] / volume == (uint64_t)cell) { /* UINT64_MAX is no key of any cell */
        size_t mark = w->arena->used;
        int64_t most = w->end[band] - w->at[band], n = most < w->s->n_keys ? most : w->s->n_keys, here = 0;
        const uint64_t *key;
        CHK_TRY(keys_at(&key, w, band, w->at[band], n, err));
        while (here < n && key[here] / volume == (uint64_t)cell) here++;
        w->next[band] = here < n ? key[here] : 0;
        bool more = here == n && n < most;
        CHK_TRY(serve(w, cell, band, key, here, err));
        if (here == n && !more) w->next[band] = UINT64_MAX;
        w->arena->used = mark;
        if (more) {
            CHK_TRY(keys_at(&key, w, band, w->at[band], 1, err));
            w->next[band] = key[0];
            w->arena->used = mark;
        }
    }
    return CHUNK_OK;
}

/* Cursors at the group's beginning; how many keys there are. */
static chunk_status begin(work *w, int64_t group, int64_t *n_keys, chunk_error *err)
{
    const ops_points *f = w->s->f;
    *n_keys = 0;
    for (int64_t b = 0; b < f->bands.n; b++) {
        const uint32_t *first = (const uint32_t *)f->table->buf.data + (size_t)b * (size_t)(f->n_groups + 1);
        w->at[b] = first[group];
        w->end[b] = first[group + 1];
        w->next[b] = UINT64_MAX;
        *n_keys += w->end[b] - w->at[b];
        if (w->at[b] == w->end[b]) continue;
        size_t mark = w->arena->used;
        const uint64_t *key;
        CHK_TRY(keys_at(&key, w, b, w->at[b], 1, err));
        w->next[b] = key[0];
        w->arena->used = mark;
    }
    return CHUNK_OK;
}

static chunk_status fetch_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    const fetching *s = p->ctx;
    const ops_points *f = s->f;
    chk_arena arena;
    chk_arena_init(&arena, t->work, p->work_bytes);
    work w = {.s = s, .t = t, .arena = &arena, .piece = (int64_t)t->number % f->n_pieces, .in_tile = -1, .piece_count = 1};
    w.tile = chk_arena_get(&arena, s->tile_bytes);
    w.values = chk_arena_get(&arena, s->values_bytes);
    w.next = chk_arena_get(&arena, s->tables_bytes);
    if (!w.tile || !w.values || !w.next)
        return chk_fail(err, CHUNK_ESTATE, "internal: a cell of %s is larger than planned", p->name);
    w.at = (uint32_t *)(w.next + f->bands.n);
    w.end = w.at + f->bands.n;
    ops_points_piece(f, w.piece, &w.box);
    for (int a = 0; a < w.box.ndim; a++)
        if (f->g.out_axis[a] >= 0) w.piece_count *= chk_box_extent(&w.box, a);
    uint64_t t0 = chk_clock_ns(), other0 = t->stats.ns_read + t->stats.ns_write;
    int64_t n_keys;
    CHK_TRY(begin(&w, (int64_t)t->number / f->n_pieces, &n_keys, err));
    w.dense = !f->g.cuttable || n_keys * WASTE > f->cells_a_group * f->cell_volume;
    for (;;) {
        uint64_t least = UINT64_MAX;
        for (int64_t b = 0; b < f->bands.n; b++) least = w.next[b] < least ? w.next[b] : least;
        if (least == UINT64_MAX) break;
        if (chk_task_canceled(t)) return chk_fail(err, CHUNK_ECANCELED, "canceled");
        int64_t cell = (int64_t)(least / (uint64_t)f->cell_volume);
        for (int64_t b = 0; b < f->bands.n; b++) CHK_TRY(serve_band(&w, cell, b, err));
    }
    t->stats.ns_read += w.books.ns_read;
    t->stats.ns_decode += w.books.ns_decode;
    t->stats.bytes_read += w.books.bytes_read;
    uint64_t other = t->stats.ns_read + t->stats.ns_write + w.books.ns_decode - other0, all = chk_clock_ns() - t0;
    t->stats.ns_compute += all > other ? all - other : 0;
    return CHUNK_OK;
}

static void fetch_sources(const chk_pass *p, chk_source_visit visit, void *arg)
{
    const fetching *s = p->ctx;
    chk_reader_sources(&s->x, visit, arg);
    if (s->f->keys) visit(arg, s->f->keys);
}

static bool fetch_once(const chk_pass *p, const chk_source *s) { return (void)p, (void)s, true; }

static void fetch_free(chk_pass *p)
{
    fetching *s = p->ctx;
    if (!s) return;
    chk_reader_done(&s->x);
    ops_points_release(s->f);
    chk_free(s);
    p->ctx = NULL;
}

static void fetch_describe(const chk_pass *p, char *buf, size_t size)
{
    const ops_points *f = ((const fetching *)p->ctx)->f;
    snprintf(buf, size, "read x cell by cell, each once, for all index tuples in it; %lld groups of cells", (long long)f->n_groups);
}

static const chk_pass_ops fetch_ops = {.kind = "fetch",
                                       .size = fetch_size,
                                       .sources = fetch_sources,
                                       .once = fetch_once,
                                       .run = fetch_run,
                                       .free = fetch_free,
                                       .describe = fetch_describe};

chunk_status ops_points_fetch_pass(ops_points *f, chk_plan_builder *b, chunk_error *err)
{
    fetching *s = chk_calloc(1, sizeof *s);
    if (!s) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    chunk_status st = chk_plan_reader(&s->x, b, f->node->in[0], err);
    if (st != CHUNK_OK) {
        chk_free(s);
        return st;
    }
    s->f = f;
    f->refs++;
    int number;
    return chk_plan_add_pass(&number, b, &fetch_ops, s, f->node->u.custom.op->name, err);
}
