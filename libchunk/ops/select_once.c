/* select_once.c: x[mask] straight to a dataset, in one pass: nobody counts first. Tasks select from bands of the array's C order; each in its turn claims
 * the next places of the output for what it found, and writes it there by itself. The output has room for everything and is cut to size at the end. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "kern/kern.h"
#include "ops/mask.h"
#include "plan/builder.h"

typedef struct select_pass {
    chk_reader reader; /* mask and values */
    chk_sink *sink;
    chk_shape shape; /* of mask and values */
    ops_bands bands;
    size_t item, mask_bytes, x_bytes, read_bytes; /* of a worker's area */
    int64_t total;                                /* places claimed; changes in turn only */
} select_pass;

/* What a task takes with bands like these; sets the members that tell of it. */
static size_t band_work(select_pass *f, const ops_bands *b, chk_need *need)
{
    int64_t extent[CHK_MAX_NDIM];
    ops_bands_extent(b, &f->shape, extent);
    chk_reader_need(&f->reader, extent, need);
    f->bands = *b;
    f->mask_bytes = chk_extent_bytes(f->shape.ndim, extent, CHK_BOOL);
    f->x_bytes = f->mask_bytes * f->item;
    f->read_bytes = need->transient;
    return chk_page_round(chk_arena_cost(f->mask_bytes) + chk_arena_cost(f->x_bytes) + f->read_bytes + 256);
}

/* Chunks that are decoded as a whole and lie across bands: the longest along the axis that bands cut, and what a row of them side by side takes. */
typedef struct across {
    const chk_shape *shape;
    int d;
    int64_t longest;
    uint64_t row_bytes;
} across;

static void find_across(void *arg, chk_source *s)
{
    across *w = arg;
    if (!s->tile_bytes || !chk_shape_equal(&s->shape, w->shape)) return;
    int64_t n = chk_axis_max_chunk(&s->grid.axis[w->d]);
    uint64_t bytes = s->tile_bytes;
    for (int a = w->d + 1; a < s->shape.ndim; a++) bytes *= (uint64_t)s->grid.axis[a].n_chunks;
    if (n > w->longest) w->longest = n;
    w->row_bytes += bytes;
}

/* A band is filled to its last byte, and a dataset that grows takes room in HDF5 for its index and the code for it: without this, peaks were
 * measured up to 46 KiB, and with half of it 9 KiB, above the projection. */
enum { GROWTH_BYTES = 256 << 10 };

/* A band is a quarter million elements. Where chunks that must be decoded lie across several bands and a row of them cannot be kept (tiles.h), every band decodes
 * its row again: then bands are as long as there is room for, an even part of a chunk. */
static void select_size(chk_pass *p, const chk_sizing *s)
{
    select_pass *f = p->ctx;
    chk_need need;
    ops_bands b = ops_cut(&f->shape), least = b;
    across w = {.shape = &f->shape, .d = b.d};
    p->work_bytes = band_work(f, &b, &need);
    chk_reader_sources(&f->reader, find_across, &w);
    p->worker_bytes = chk_reader_worker_bytes(&f->reader) + GROWTH_BYTES;
    uint64_t workers = (uint64_t)s->n_workers;
    if (w.longest > least.s && workers * (p->work_bytes + need.window + p->worker_bytes) + w.row_bytes > s->room) {
        int64_t inner = 1;
        for (int a = b.d + 1; a < f->shape.ndim; a++) inner *= f->shape.dim[a];
        for (int64_t parts = 1; (w.longest + parts - 1) / parts > least.s; parts++) {
            b = ops_cut_by(&f->shape, (w.longest + parts - 1) / parts * inner);
            p->work_bytes = band_work(f, &b, &need);
            if (workers * (p->work_bytes + need.window + p->worker_bytes) <= s->room) break;
            p->work_bytes = band_work(f, &least, &need);
        }
    }
    p->window_bytes = need.window;
    p->serial = !chk_reader_thread_safe(&f->reader);
    p->ordered = true;
    p->n_tasks = (uint64_t)f->bands.n;
    p->bytes_read = chk_reader_stored_bytes(&f->reader);
    p->bytes_written = (uint64_t)chk_shape_count(&f->shape) * f->item;
}

static void select_sources(const chk_pass *p, chk_source_visit visit, void *arg)
{
    chk_reader_sources(&((const select_pass *)p->ctx)->reader, visit, arg);
}

static void select_bind(chk_pass *p, int out, chk_sink *sink)
{
    (void)out;
    ((select_pass *)p->ctx)->sink = sink;
}

static chunk_status select_open(chk_pass *p, int n_workers, chunk_error *err)
{
    (void)n_workers, (void)err;
    ((select_pass *)p->ctx)->total = 0;
    return CHUNK_OK;
}

/* Places [first, first + n) of the output, cut where its chunks end: `done` of them lie before *b. False after the last. */
static bool next_block(const select_pass *f, chk_block *b, const char *data, int64_t first, int64_t n, int64_t done)
{
    if (done >= n) return false;
    const chk_axis_grid *axis = &f->sink->grid.axis[0];
    int64_t lo = first + done, end = chk_axis_bound(axis, chk_axis_find(axis, lo) + 1), hi = end < first + n ? end : first + n;
    *b = (chk_block){
        .box = {.ndim = 1, .lo = {lo}, .hi = {hi}}, .data = data + done * (int64_t)f->item, .n_bytes = (size_t)(hi - lo) * f->item};
    return true;
}

/* Blocks that are claimed together. */
enum { MOST_BLOCKS = 64 };

static chunk_status put(select_pass *f, chk_task *t, const char *data, int64_t n, chunk_error *err)
{
    chk_block block[MOST_BLOCKS];
    CHK_TRY(chk_task_wait_turn(t, err));
    int64_t first = f->total;
    for (int64_t done = 0; done < n;) {
        int k = 0;
        while (k < MOST_BLOCKS && next_block(f, &block[k], data, first, n, done)) {
            CHK_TRY(f->sink->ops->claim(f->sink, &block[k], err));
            done += chk_box_extent(&block[k++].box, 0);
        }
        f->total = first + done;
        if (done == n) chk_task_pass_turn(t); /* else more claims follow: the turn is kept while these are written */
        uint64_t t0 = chk_clock_ns();
        for (int i = 0; i < k; i++) {
            if (!block[i].skip) CHK_TRY(f->sink->ops->write(f->sink, &block[i], err));
            t->stats.bytes_written += block[i].n_bytes;
        }
        t->stats.ns_write += chk_clock_ns() - t0;
    }
    return CHUNK_OK;
}

static chunk_status select_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    select_pass *f = p->ctx;
    chk_arena arena;
    chk_arena_init(&arena, t->work, p->work_bytes);
    unsigned char *mask = chk_arena_get(&arena, f->mask_bytes);
    char *x = chk_arena_get(&arena, f->x_bytes);
    if (!mask || !x) return chk_fail(err, CHUNK_ESTATE, "internal: a band of %s is larger than planned", p->name);
    chk_box box;
    chk_hold books = {0};
    void *dest[2] = {mask, x};
    ops_band_box(&box, &f->bands, &f->shape, (int64_t)t->number);
    CHK_TRY(chk_reader_read_all(&f->reader, &box, dest, &arena, &books, err));
    uint64_t t0 = chk_clock_ns();
    size_t n = (size_t)chk_box_count(&box);
    int64_t count = (int64_t)chk_kern_compress(x, x, mask, f->item, n, n); /* to the front, over what was looked at */
    t->stats.ns_compute += chk_clock_ns() - t0;
    chk_task_count(t, &books);
    return put(f, t, x, count, err);
}

static void select_advise(chk_pass *p, uint64_t task)
{
    const select_pass *f = p->ctx;
    chk_box box;
    ops_band_box(&box, &f->bands, &f->shape, (int64_t)task);
    chk_reader_advise(&f->reader, &box);
}

static chunk_status select_close(chk_pass *p, int *next_pass, chunk_error *err)
{
    (void)next_pass;
    select_pass *f = p->ctx;
    chk_shape shape = {.ndim = 1, .dim = {f->total}};
    CHK_TRY(f->sink->ops->resize(f->sink, &shape, err));
    return f->sink->ops->finish ? f->sink->ops->finish(f->sink, err) : CHUNK_OK;
}

static void select_free(chk_pass *p)
{
    select_pass *f = p->ctx;
    if (!f) return;
    chk_reader_done(&f->reader);
    chk_free(f);
    p->ctx = NULL;
}

static void select_describe(const chk_pass *p, char *buf, size_t size)
{
    (void)p;
    strncpy(buf, "store what a mask selects, places claimed in order, cut to size at the end", size - 1);
    buf[size - 1] = 0;
}

static const chk_pass_ops select_ops = {.kind = "select",
                                        .size = select_size,
                                        .sources = select_sources,
                                        .bind = select_bind,
                                        .open = select_open,
                                        .run = select_run,
                                        .advise = select_advise,
                                        .close = select_close,
                                        .free = select_free,
                                        .describe = select_describe};

static chunk_status select_lower(chk_plan_builder *b, const chk_node *n, chunk_error *err)
{
    const chk_target *target = chk_plan_direct(b);
    if (!target || !target->extendible)
        return chk_fail(err, CHUNK_ESTATE, "internal: what a mask selects was not counted before it was used");
    select_pass *f = chk_calloc(1, sizeof *f);
    if (!f) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    f->shape = n->in[0]->shape;
    f->bands = ops_cut(&f->shape);
    f->item = chk_dtype_size(n->dtype);
    chunk_status st = chk_plan_reader_all(&f->reader, b, n->in, 2, err);
    if (st != CHUNK_OK) {
        chk_free(f);
        return st;
    }
    int pass;
    CHK_TRY(chk_plan_add_pass(&pass, b, &select_ops, f, "extract", err));
    chk_plan_take_direct(b, pass, 0);
    return CHUNK_OK;
}

static chunk_status count(chk_node **out, chk_builder *b, chk_node *n, chunk_error *err)
{
    bool deferred = chk_builder_defers(b);
    chk_builder_defer(b, false);
    chunk_status st = ops_select(out, b, n->in[0], n->in[1], err);
    chk_builder_defer(b, deferred);
    return st;
}

static const chk_op select_op = {.name = "extract", .count = count, .lower = select_lower};

chunk_status ops_select_uncounted(chk_node **out, chk_builder *b, chk_node *const *in, chunk_error *err)
{
    chk_shape shape = {.ndim = 1, .dim = {chk_shape_count(&in[1]->shape)}};
    chk_grid grid = {.ndim = 1, .axis = {chk_axis_regular(shape.dim[0], OPS_SELECTED_CHUNK)}};
    return chk_node_custom(out, b, &select_op, NULL, 0, in[1]->dtype, &shape, &grid, in, 2, err);
}
