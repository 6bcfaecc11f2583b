/* scan.c: cutting a scan into tiles, sizing, opening and closing its pass; scan_run.c is what its tasks do. */
#include "plan/scan.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/put.h"
#include "plan/scan_pass.h"

/* A tile of 512 KiB of float64 stays in the second-level cache between reading, scanning and writing. The states of all lines abreast: 1 MiB, so that
 * small ceilings are not spent on them; two lines at least, so that one may be read while another waits. */
enum { TILE_ELEMENTS = 64 << 10, STATES_BYTES = 1 << 20, LEAST_SIDE = 2 };

static int64_t max_chunk(const chk_scan_pass *s, int a)
{
    int64_t c = chk_axis_max_chunk(&s->grid.axis[a]);
    return c < 1 ? 1 : c < s->shape.dim[a] ? c : s->shape.dim[a] > 0 ? s->shape.dim[a] : 1;
}

/* Cuts extents to a run of at most `most` elements of their C order. */
static void cut_run(int64_t *out, const int64_t *extent, int ndim, int64_t most)
{
    for (int a = ndim - 1; a >= 0; a--) {
        out[a] = extent[a] < most ? extent[a] : most;
        most = out[a] < extent[a] ? 1 : most / out[a];
        if (most < 1) most = 1;
    }
}

static int64_t times(int64_t a, int64_t b)
{
    int64_t n;
    return __builtin_mul_overflow(a, b, &n) ? INT64_MAX : n;
}

/* Whole chunks where the result is encoded or the input decoded; else runs of a chunk's C order. All of it follows from shape and grid. */
static void cut_tiles(chk_scan_pass *s)
{
    int64_t chunk[CHK_MAX_NDIM];
    int ndim = s->shape.ndim, axis = s->spec.axis;
    for (int a = 0; a < ndim; a++) chunk[a] = max_chunk(s, a);
    if (s->encoded || !s->reader.cuttable)
        memcpy(s->tile, chunk, sizeof chunk);
    else
        cut_run(s->tile, chunk, ndim, TILE_ELEMENTS);
    s->n_lines = s->line_parts = 1;
    s->line_cells = 1;
    for (int a = 0; a < ndim; a++) {
        s->part[a] = (chunk[a] + s->tile[a] - 1) / s->tile[a];
        if (a == axis) {
            s->n_steps = times(s->grid.axis[a].n_chunks, s->part[a]);
        } else {
            s->line_parts *= s->part[a];
            s->n_lines = times(s->n_lines, times(s->grid.axis[a].n_chunks, s->part[a]));
            s->line_cells *= (size_t)s->tile[a];
        }
    }
    s->side = (int64_t)(STATES_BYTES / chk_scan_state_bytes(s));
    if (s->side < LEAST_SIDE) s->side = LEAST_SIDE;
    if (s->side > CHK_SCAN_SIDE) s->side = CHK_SCAN_SIDE;
    if (s->side > s->n_lines) s->side = s->n_lines > 0 ? s->n_lines : 1;
}

bool chk_scan_tile(const chk_scan_pass *s, uint64_t task, chk_box *box)
{
    int ndim = s->shape.ndim, axis = s->spec.axis;
    int64_t n = (int64_t)task, abreast = n % s->side, step = n / s->side % s->n_steps,
            line = n / s->side / s->n_steps * s->side + abreast;
    if (line >= s->n_lines) return false;
    if (s->spec.backwards) step = s->n_steps - 1 - step;
    int64_t inside = line % s->line_parts, outside = line / s->line_parts;
    box->ndim = ndim;
    for (int a = ndim - 1; a >= 0; a--) {
        int64_t chunk, part;
        const chk_axis_grid *g = &s->grid.axis[a];
        if (a == axis) {
            chunk = step / s->part[a];
            part = step % s->part[a];
        } else {
            chunk = outside % g->n_chunks;
            outside /= g->n_chunks;
            part = inside % s->part[a];
            inside /= s->part[a];
        }
        int64_t end = chk_axis_bound(g, chunk + 1);
        box->lo[a] = chk_axis_bound(g, chunk) + part * s->tile[a];
        box->hi[a] = box->lo[a] + s->tile[a] < end ? box->lo[a] + s->tile[a] : end;
        if (box->lo[a] >= box->hi[a]) return false;
    }
    return true;
}

void chk_scan_input_box(const chk_scan_pass *s, const chk_box *box, chk_box *in)
{
    *in = *box;
    if (in->hi[s->spec.axis] > s->in_extent) in->hi[s->spec.axis] = s->in_extent;
}

/* ---- sizing */

size_t chk_scan_kept_bytes(const chk_scan_pass *s) { return s->kept_bytes ? s->kept_bytes : s->block_bytes; }

static void scan_size(chk_pass *p, const chk_sizing *z)
{
    chk_scan_pass *s = p->ctx;
    int ndim = s->shape.ndim;
    memcpy(s->block, s->tile, sizeof s->block);
    if (!s->encoded && s->reader.cuttable)
        cut_run(s->block, s->tile, ndim, z->block_elements < TILE_ELEMENTS ? z->block_elements : TILE_ELEMENTS);
    chk_need need;
    chk_reader_need(&s->reader, s->block, &need);
    s->block_bytes = chk_extent_bytes(ndim, s->block, s->dtype);
    s->reader_bytes = need.arena + need.transient;
    s->most_late = s->ordered && !s->encoded && !s->serial && z->n_workers > 1 ? CHK_LATE_BLOCKS : 0;
    p->work_bytes = chk_page_round(chk_arena_cost(s->block_bytes) + chk_arena_cost(s->reader_bytes) +
                                   chk_arena_cost(s->scratch_bytes) + chk_late_bytes(s->most_late, s->block_bytes) + 64);
    p->window_bytes = need.window;
    p->kept_bytes = s->encoded ? chk_page_round(chk_arena_cost(sizeof(chk_block)) + chk_arena_cost(chk_scan_kept_bytes(s))) : 0;
    p->worker_bytes = chk_reader_worker_bytes(&s->reader) + s->sink_worker_bytes;
    p->serial = s->serial || !chk_reader_thread_safe(&s->reader);
    p->ordered = true;
    p->bytes_read = chk_reader_stored_bytes(&s->reader);
    p->bytes_written = s->direct ? (uint64_t)chk_shape_count(&s->shape) * chk_dtype_size(s->dtype) : 0;
    int64_t rounds = (s->n_lines + s->side - 1) / s->side;
    p->n_tasks = (uint64_t)times(times(rounds, s->n_steps), s->side);
}

/* ---- the pass */

static void scan_sources(const chk_pass *p, chk_source_visit visit, void *arg)
{
    chk_reader_sources(&((const chk_scan_pass *)p->ctx)->reader, visit, arg);
}

static bool scan_once(const chk_pass *p, const chk_source *s) { return (void)p, (void)s, true; }

static void scan_bind(chk_pass *p, int out, chk_sink *sink)
{
    (void)out;
    ((chk_scan_pass *)p->ctx)->sink = sink;
}

static chunk_status scan_open(chk_pass *p, int n_workers, chunk_error *err)
{
    (void)n_workers, (void)err;
    chk_scan_pass *s = p->ctx;
    for (int i = 0; i < CHK_SCAN_SIDE; i++) s->done[i] = 0;
    return CHUNK_OK;
}

static chunk_status scan_close(chk_pass *p, int *next_pass, chunk_error *err)
{
    (void)next_pass;
    chk_sink *sink = ((chk_scan_pass *)p->ctx)->sink;
    return sink->ops->finish ? sink->ops->finish(sink, err) : CHUNK_OK;
}

static void scan_free(chk_pass *p)
{
    chk_scan_pass *s = p->ctx;
    if (!s) return;
    chk_reader_done(&s->reader);
    if (s->own_sink) chk_sink_free(s->sink);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->moved);
    chk_free(s);
    p->ctx = NULL;
}

static void scan_advise(chk_pass *p, uint64_t task)
{
    const chk_scan_pass *s = p->ctx;
    chk_box box, in;
    if (!chk_scan_tile(s, task, &box)) return;
    chk_scan_input_box(s, &box, &in);
    if (chk_box_count(&in) > 0) chk_reader_advise(&s->reader, &in);
}

static void scan_describe(const chk_pass *p, char *buf, size_t size)
{
    const chk_scan_pass *s = p->ctx;
    snprintf(buf, size, "%s along axis %d, %lld line%s abreast", s->name, s->spec.axis, (long long)s->side,
             s->side == 1 ? "" : "s");
}

#define COMMON                                                                                                                     \
    .kind = "scan", .size = scan_size, .sources = scan_sources, .once = scan_once, .bind = scan_bind, .open = scan_open,           \
    .run = chk_scan_run, .advise = scan_advise, .close = scan_close, .free = scan_free, .describe = scan_describe
static const chk_pass_ops stream_ops = {COMMON};
static const chk_pass_ops encoded_ops = {COMMON, .claim = chk_scan_claim, .write = chk_scan_write};

static void go_direct(chk_scan_pass *s, const chk_target *t)
{
    s->direct = true;
    if (t->own_grid) s->grid = t->grid;
    s->encoded = t->whole_chunks;
    s->ordered = t->ordered;
    s->serial = t->serial;
    s->sink_worker_bytes = t->worker_bytes;
    s->kept_bytes = t->kept_bytes;
    s->scratch_bytes = t->scratch_bytes;
}

chunk_status chk_scan_lower(chk_plan_builder *b, const chk_node *n, const chk_scan_spec *spec, chunk_error *err)
{
    chk_scan_pass *s = chk_calloc(1, sizeof *s);
    if (!s) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning %s", n->name);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->moved, NULL);
    s->spec = *spec;
    s->kern = chk_scan_find(spec->scan, n->dtype);
    s->dtype = n->dtype;
    s->shape = n->shape;
    s->grid = n->grid;
    s->in_extent = n->in[0]->shape.dim[spec->axis];
    snprintf(s->name, sizeof s->name, "%s", n->name);
    const chk_target *direct = chk_plan_direct(b);
    if (direct) go_direct(s, direct);
    chunk_status st = chk_plan_reader(&s->reader, b, n->in[0], err);
    if (st != CHUNK_OK) {
        scan_free(&(chk_pass){.ctx = s});
        return st;
    }
    cut_tiles(s);
    int pass;
    CHK_TRY(chk_plan_add_pass(&pass, b, s->encoded ? &encoded_ops : &stream_ops, s, s->name, err));
    CHK_TRY(chk_plan_add_region(&s->states, b, "carried along the axis", (uint64_t)s->side * chk_scan_state_bytes(s), -1, pass,
                                pass, err));
    if (direct) {
        chk_plan_take_direct(b, pass, 0);
        return CHUNK_OK;
    }
    s->own_sink = true;
    return chk_plan_result_place(&s->sink, b, err);
}
