/* fused.c: sizing, opening and closing fused passes; what their tasks do is in fused_run.c. */
#include "plan/fused.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/fused_run.h"

/* Chunks above this many elements are not a task's unit unless a codec forces it: a few of them could not keep all workers busy. */
enum { MAX_UNIT_ELEMENTS = 4 << 20, MAX_UNITS_PER_TASK = 256, TASKS_LEAST = 16 };

/* Of what is read in strides much more may come in than is used: a task's share of an input beyond this no longer fits a second-level cache. */
enum { FETCH_MOST = 1 << 20 };

/* States of a block's results above this size: unmatched ones are worth bounding, at the price of a dependency a task (0.1 us). */
enum { LARGE_STATES = 64 << 10, MOST_STATES = 256 << 10, LEAST_BLOCK = 16 << 10 };

/* Elements of a block. BLOCK_MOST: 512 KiB of float64, half of a second-level cache, so that data is still there when it is computed with (W1, by
 * pread: 1.04 s of processor time, with blocks of 4 MiB 1.12 s, of 64 KiB 1.26 s), and many workers fit under a small ceiling. Larger ones only where
 * everything is read through windows, whose cost is a call's and the other cores' interrupts when they are taken away. Where something is stored blocks stay small,
 * as what is written should come from the cache, and several are read through one window (W2: 0.85 s, with windows of 8 blocks 0.57 s). */
enum { BLOCK_MOST = 64 << 10 };

static int log2_floor(int64_t n)
{
    int b = 0;
    while (n >> (b + 1)) b++;
    return b;
}

/* Results over these axes in a box of these extents. */
static size_t count_results(const chk_fused *f, uint32_t axes, const int64_t *extent)
{
    size_t n = 1;
    for (int a = 0; a < f->space.ndim; a++)
        if (!(axes >> a & 1)) n *= (size_t)extent[a];
    return n;
}

/* Bytes of the states in a box, of the reductions that the walk goes by: how chunks are cut, and so how files are laid out, must not depend on what else has room in the pass. */
static size_t states(const chk_fused *f, const int64_t *extent)
{
    size_t n = 0;
    for (int o = 0; o < f->n_out; o++)
        if (f->out[o].reduce && !f->out[o].own) n += f->out[o].reducer.state_bytes * count_results(f, f->out[o].axes, extent);
    return n;
}

/* Chunks of files are placed when the first of their blocks comes that is not fill. Blocks come with the reduced axes fastest; where that mixes
 * blocks of several chunks, or is not the order of elements in a chunk and several files' chunks compete, the places would depend on how large
 * blocks are. whole: all blocks of a chunk come in a row. */
static bool layout_depends_on_blocks(const chk_fused *f, bool whole)
{
    int n_placed = 0;
    bool kept_cut = false, reduced_cut = false, mixes = false;
    for (int o = 0; o < f->n_out; o++) n_placed += !f->out[o].reduce && f->out[o].ordered;
    for (int a = 0; a < f->space.ndim; a++) {
        bool red = f->reduced >> a & 1;
        *(red ? &reduced_cut : &kept_cut) |= f->g.leaf[a] < f->g.max_chunk[a];
        mixes |= red && f->space.dim[a] > 1;
    }
    return kept_cut && (whole ? n_placed > 1 && reduced_cut : n_placed > 0 && mixes);
}

static void cut(chk_fused *f, int64_t block_elements, bool whole_chunks)
{
    chk_geometry_make(&f->g, &f->space, &f->grid, f->reduced, CHK_LEAF_ELEMENTS, block_elements, whole_chunks);
    if (f->limited) chk_geometry_limit(&f->g, &f->needed);
}

static void size_cut(chk_fused *f, int64_t block_elements)
{
    bool cuttable = true;
    f->encoded = false;
    for (int o = 0; o < f->n_out; o++) f->encoded |= f->out[o].whole_chunks;
    for (int i = 0; i < f->program.n_inputs; i++) cuttable &= f->program.input[i].source->cuttable;
    cut(f, block_elements, false);
    int64_t in_chunk = 1;
    for (int a = 0; a < f->space.ndim; a++) in_chunk *= f->g.max_chunk[a];
    bool small = in_chunk <= MAX_UNIT_ELEMENTS && states(f, f->g.max_chunk) <= LARGE_STATES;
    if (f->encoded) {
        block_elements = in_chunk;
    } else if (f->reduces && layout_depends_on_blocks(f, !cuttable || small)) {
        block_elements = 1; /* a leaf, under every ceiling */
    } else if (f->reduces && cuttable) {
        /* Large states are paid for once a level of the tree: rather smaller blocks, as long as they are not smaller than it pays to read. */
        while (block_elements > LEAST_BLOCK && states(f, f->g.block) > MOST_STATES) cut(f, block_elements /= 2, false);
    }
    bool whole = f->encoded || !cuttable || (in_chunk > block_elements && small);
    f->fetch_units = !cuttable || !whole;
    cut(f, block_elements, whole);
    if (f->encoded) { /* blocks are chunks even where leaves would have to be cut */
        memcpy(f->g.block, f->g.max_chunk, sizeof f->g.block);
        for (int a = 0; a < f->space.ndim; a++) f->g.blocks_in_chunk[a] = 1;
    }
    int64_t unit[CHK_MAX_NDIM], unit_elements = chk_geometry_max_unit(&f->g, unit);
    f->units_per_task = 1;
    if (!f->encoded && unit_elements < block_elements) {
        f->units_per_task = block_elements / unit_elements;
        if (f->units_per_task > MAX_UNITS_PER_TASK) f->units_per_task = MAX_UNITS_PER_TASK;
        int64_t share = (f->g.n_units + TASKS_LEAST - 1) / TASKS_LEAST;
        if (f->units_per_task > share) f->units_per_task = share;
        if (f->units_per_task < 1) f->units_per_task = 1;
        f->fetch_units = true;
    }
}

/* Chunks of a stored stencil that are made together. Where a box ends at the sides of a chunk, every row of it brings an element of each neighbour, by a system call
 * and from a page of its own: with four chunks of 1,024 a quarter of them (laplace(x) of 2 GiB, two threads: 0.59 s, 0.41 so). By the grid alone, as chunks
 * are placed in this order. */
enum { BESIDE_ROW = 4096, BESIDE_MOST = 16, BESIDE_TASKS = 32, STACKED_MOST = 8, STRIP_HALOS = 8 };

static bool has_sides(const chk_fused *f, int axis)
{
    for (int i = 0; i < f->program.n_inputs; i++) {
        const chk_prog_input *in = &f->program.input[i];
        for (int b = 0; b < in->view.base_ndim; b++)
            if (in->view.axis[b] == axis && (in->source->overlaps >> b & 1)) return true;
    }
    return false;
}

static int64_t count_beside(const chk_fused *f)
{
    int last = f->space.ndim - 1;
    if (f->encoded || f->reduces || f->limited || f->n_out != 1 || last < 1 || !has_sides(f, last)) return 1;
    for (int i = 0; i < f->program.n_inputs; i++) {
        const chk_source *s = f->program.input[i].source;
        if (!s->cuttable || (s->stacked && s->halo > STACKED_MOST))
            return 1; /* each of the stack would want large boxes in the cache */
    }
    int64_t in_chunk = 1, n = BESIDE_ROW / f->g.max_chunk[last], chunks = chk_grid_n_chunks(&f->grid);
    for (int a = 0; a <= last; a++) in_chunk *= f->g.max_chunk[a];
    if (in_chunk < BLOCK_MOST || in_chunk > MAX_UNIT_ELEMENTS) return 1; /* else a unit is a chunk whatever the ceiling */
    if (n > BESIDE_MOST) n = BESIDE_MOST;
    if (n > f->grid.axis[last].n_chunks) n = f->grid.axis[last].n_chunks;
    if (n > chunks / BESIDE_TASKS) n = chunks / BESIDE_TASKS;
    return n > 1 ? n : 1;
}

/* Whether what they store is one input, which can be opened: its halo is brought in once for a row of blocks, not a strip, and nothing is copied into
 * place (laplace(x) of 2 GiB, two threads: 0.290 s, 0.264 so). A stack would want large boxes in the cache. */
static bool can_open(const chk_fused *f)
{
    const chk_program *p = &f->program;
    if (f->beside == 1 || p->n_inputs != 1 || p->instr[f->out[0].value].kind != CHK_INSTR_LOAD) return false;
    const chk_prog_input *in = &p->input[0];
    return !in->source->stacked && in->source->ops->opens && in->source->ops->opens(in->source, &in->view, NULL, NULL);
}

/* Boxes of such chunks are fetched strip by strip, each about as large as a block, or large beside its halo. extent: of a block; becomes that of a strip. */
static void size_strip(chk_fused *f, int64_t *extent)
{
    int last = f->space.ndim - 1, a = 0;
    while (a < last - 1 && f->g.block[a] == 1) a++;
    int64_t least = f->g.leaf[a], halo = 0;
    for (int i = 0; i < f->program.n_inputs; i++)
        if (f->program.input[i].source->halo > halo) halo = f->program.input[i].source->halo;
    f->strip_axis = a;
    f->strip = f->g.block[a] / f->beside;
    if (f->strip < STRIP_HALOS * halo) f->strip = STRIP_HALOS * halo;
    f->strip = (f->strip + least - 1) / least * least;
    if (f->opens || f->strip > f->g.block[a]) f->strip = f->g.block[a];
    extent[a] = f->strip;
    extent[last] = f->beside * f->g.max_chunk[last];
    if (extent[last] > f->space.dim[last]) extent[last] = f->space.dim[last];
}

int64_t chk_fused_most_units(const chk_fused *f) { return f->beside > 1 ? f->beside : f->units_per_task; }

/* Units that tasks follow each other in: a task has no units of two rows of chunks beside each other. */
static int64_t row_units(const chk_fused *f) { return f->beside > 1 ? f->grid.axis[f->space.ndim - 1].n_chunks : f->g.n_units; }

static int64_t tasks_in_row(const chk_fused *f)
{
    int64_t most = chk_fused_most_units(f);
    return (row_units(f) + most - 1) / most;
}

/* The level of the tree that a block of these extents is a node of. */
static int level_of(const chk_geometry *g)
{
    int level = 0;
    for (int a = 0; a < g->space.ndim; a++)
        if (g->reduced >> a & 1) level += g->block[a] >= g->max_chunk[a] ? g->axis_bits[a] : log2_floor(g->block[a] / g->leaf[a]);
    return level;
}

/* The geometry of g's blocks for a reduction over other axes. */
static void turn(chk_geometry *own, const chk_geometry *g, uint32_t axes)
{
    chk_geometry_make(own, &g->space, &g->grid, axes, CHK_LEAF_ELEMENTS, 1, g->whole_chunks);
    memcpy(own->block, g->block, sizeof own->block);
    memcpy(own->blocks_in_chunk, g->blocks_in_chunk, sizeof own->blocks_in_chunk);
}

static int64_t kept_blocks(const chk_geometry *g)
{
    int64_t n = 1;
    for (int a = 0; a < g->space.ndim; a++)
        if (!(g->reduced >> a & 1) && g->whole_chunks) n *= g->blocks_in_chunk[a];
    return n;
}

static int64_t blocks_in_unit(const chk_geometry *g)
{
    int64_t n = 1;
    for (int a = 0; a < g->space.ndim && g->whole_chunks; a++) n *= g->blocks_in_chunk[a];
    return n;
}

uint64_t chk_fused_aside_bytes(const chk_fused *f, uint32_t axes, const chk_reducer *r, int n_workers)
{
    chk_geometry g, own;
    chk_geometry_make(&g, &f->space, &f->grid, f->reduced, CHK_LEAF_ELEMENTS, BLOCK_MOST, true);
    turn(&own, &g, axes);
    size_t results = count_results(f, axes, g.block);
    if (r->state_bytes * results > (size_t)chk_geometry_block_elements(&g) * chk_dtype_size(r->in))
        return UINT64_MAX; /* to copy them is as much as to read again */
    int64_t n = chk_combiner_entries_aside(&own, f->reduced, level_of(&own), n_workers, false, g.n_units * blocks_in_unit(&g),
                                           CHK_TASK_BATCH * blocks_in_unit(&g));
    return n > INT32_MAX / 4 ? UINT64_MAX : chk_combiner_bytes(n, r, results);
}

/* Of a reduction over other axes: as many slots as a block has, where its leaves do not come in the order of these. */
static int64_t slots_at_once(const chk_geometry *own)
{
    int64_t n = 1;
    for (int a = 0; a < own->space.ndim; a++)
        if (own->reduced >> a & 1) n *= (own->block[a] + own->leaf[a] - 1) / own->leaf[a];
    return chk_geometry_leaves_turn(own, own->block) ? n : 0;
}

static void size_reductions(chk_fused *f, int n_workers)
{
    const chk_geometry *g = &f->g;
    size_t waiting = 0;
    bool batch = f->units_per_task > 1;
    f->cacheable = f->program.constant_when_absent;
    for (int o = 0; o < f->n_out; o++) {
        chk_fused_out *out = &f->out[o];
        if (!out->reduce) continue;
        if (out->own) turn(out->own, g, out->axes);
        const chk_geometry *seen = chk_fused_geometry(f, o);
        out->cap = count_results(f, out->axes, g->block);
        out->block_level = level_of(seen);
        out->stack_depth = out->own          ? out->block_level + 3 + (int)slots_at_once(seen)
                           : batch           ? 2 * (g->levels + 2)
                           : g->whole_chunks ? g->chunk_bits + 3
                                             : out->block_level + 3;
        waiting += out->reducer.state_bytes * out->cap * (size_t)kept_blocks(seen);
        f->cacheable &= out->reducer.kern != NULL;
    }
    /* Encoded passes start in order and hold a kept area each: at most workers and two more are under way. */
    f->run_ahead = f->encoded || waiting > LARGE_STATES ? 2 * n_workers + 2 : 0;
    int64_t ahead = f->run_ahead;
    if (!ahead && f->any_order)
        ahead = f->g.n_units / f->units_per_task < CHK_TASK_WINDOW ? f->g.n_units / f->units_per_task + 1 : CHK_TASK_WINDOW;
    for (int o = 0; o < f->n_out; o++) {
        chk_fused_out *out = &f->out[o];
        if (!out->reduce) continue;
        int64_t in_unit = blocks_in_unit(g);
        out->n_entries = out->own ? chk_combiner_entries_aside(out->own, f->reduced, out->block_level, n_workers, f->any_order,
                                                               g->n_units * in_unit, CHK_TASK_BATCH * in_unit * f->units_per_task)
                                  : chk_combiner_entries(g, batch ? 0 : out->block_level, n_workers, ahead * f->units_per_task,
                                                         kept_blocks(g) * (batch ? 2 : 1));
        out->pool->n_bytes = chk_combiner_bytes(out->n_entries, &out->reducer, out->cap);
    }
}

/* Fewer units a task where their boxes bring in much more than their elements. */
static void size_fetch(chk_fused *f, const int64_t *extent)
{
    int64_t n = 1;
    for (int a = 0; a < f->space.ndim; a++) n *= extent[a];
    for (int i = 0; i < f->program.n_inputs; i++) {
        chk_prog_input *in = &f->program.input[i];
        uint64_t used = (uint64_t)n * chk_dtype_size(in->source->dtype);
        for (; f->units_per_task > 1; f->units_per_task = (f->units_per_task + 1) / 2) {
            chk_need need = {0};
            in->source->ops->need(in->source, &in->view, extent, f->units_per_task, in->aligned, &need);
            if (need.arena <= FETCH_MOST || need.arena <= 2 * used * (uint64_t)f->units_per_task) break;
        }
    }
}

/* Blocks are fetched together that follow each other along the last axis that has several in the largest chunk. The axis is the same in all chunks: in an edge
 * chunk that has one block along it, they are fetched one by one, as a row along another axis might be larger than this extent. */
static void extend_fetch(chk_fused *f, int64_t *extent)
{
    const chk_geometry *g = &f->g;
    int a = f->together > 1 ? f->space.ndim - 1 : -1;
    while (a >= 0 && g->blocks_in_chunk[a] == 1) a--;
    f->row_axis = a;
    if (a >= 0) extent[a] = f->together < g->blocks_in_chunk[a] ? f->together * g->block[a] : g->max_chunk[a];
}

void chk_fused_size(chk_fused *f, chk_pass *pass, int64_t block_elements, int n_workers)
{
    for (int i = 0; i < f->program.n_inputs; i++) {
        int64_t most = f->program.input[i].source->most_block;
        if (most && most < block_elements) block_elements = most;
    }
    size_cut(f, block_elements);
    int64_t extent[CHK_MAX_NDIM];
    chk_geometry_max_unit(&f->g, extent);
    size_fetch(f, extent);
    size_reductions(f, n_workers);
    f->beside = count_beside(f);
    f->opens = can_open(f);
    if (f->beside > 1) {
        f->fetch_units = false;
        f->together = 1;
        memcpy(extent, f->g.block, sizeof extent);
        size_strip(f, extent);
    } else if (!f->fetch_units) {
        memcpy(extent, f->g.block, sizeof extent);
        extend_fetch(f, extent);
    }
    int64_t boxes = f->fetch_units ? f->units_per_task : 1;
    pass->window_bytes = pass->worker_bytes = 0;
    pass->bytes_read = pass->bytes_written = 0;
    pass->serial = false;
    f->fetch_arena = f->fetch_transient = 0;
    for (int i = 0; i < f->program.n_inputs; i++) {
        chk_prog_input *in = &f->program.input[i];
        chk_need need = {0};
        if (f->opens)
            in->source->ops->opens(in->source, &in->view, extent, &need);
        else
            in->source->ops->need(in->source, &in->view, extent, boxes, in->aligned, &need);
        f->fetch_arena += chk_arena_cost(need.arena);
        if (need.transient > f->fetch_transient) f->fetch_transient = need.transient;
        pass->window_bytes += need.window;
        pass->serial |= !in->source->thread_safe;
        pass->worker_bytes += in->source->worker_bytes;
        bool alike = in->aligned && chk_shape_equal(&in->source->shape, &f->space);
        pass->bytes_read += alike ? (uint64_t)((double)in->source->stored_bytes * chk_geometry_share(&f->g))
                                  : chk_source_view_bytes(in->source, &in->view);
    }
    pass->kept_bytes = 0;
    pass->ordered = false;
    for (int o = 0; o < f->n_out; o++) {
        if (f->out[o].reduce) continue;
        if (!f->out[o].own_sink) pass->bytes_written += (uint64_t)chk_shape_count(&f->space) * chk_dtype_size(f->out[o].dtype);
        pass->worker_bytes += f->out[o].worker_bytes;
        pass->ordered |= f->out[o].ordered;
        pass->serial |= f->out[o].serial;
        if (f->encoded) pass->kept_bytes += chk_arena_cost(chk_fused_kept_bytes(f, o));
    }
    /* Tasks that start in order, each once the one run_ahead below has ended, leave nothing unfinished further below. */
    pass->ordered |= f->encoded || f->run_ahead > 0;
    pass->ops = f->encoded ? &chk_fused_ops : f->run_ahead ? &chk_fused_bounded_ops : &chk_fused_stream_ops;
    pass->kept_bytes = chk_page_round(pass->kept_bytes);
    pass->work_bytes = chk_page_round(chk_fused_work_bytes(f));
    pass->n_tasks = f->g.n_units > 0 ? (uint64_t)(f->g.n_units / row_units(f) * tasks_in_row(f)) : 0;
}

int64_t chk_fused_units(const chk_fused *f, uint64_t task, int64_t *first)
{
    int64_t row = row_units(f), most = chk_fused_most_units(f), at = (int64_t)task % tasks_in_row(f) * most;
    *first = (int64_t)task / tasks_in_row(f) * row + at;
    return row - at < most ? row - at : most;
}

static bool wants_windows(const chk_fused *f)
{
    bool any = false, all = true;
    for (int i = 0; i < f->program.n_inputs; i++) {
        const chk_source *s = f->program.input[i].source;
        bool large = chk_source_windows(s, f->waits_for_memory, (uint64_t)chk_shape_count(&f->space) * chk_dtype_size(s->dtype));
        any |= large;
        all &= large || (!s->file && !s->ops->inner);
    }
    return any && all;
}

static bool only_reduces(const chk_fused *f)
{
    for (int o = 0; o < f->n_out; o++)
        if (!f->out[o].reduce) return false;
    return true;
}

static void fused_size(chk_pass *p, const chk_sizing *s)
{
    chk_fused *f = p->ctx;
    f->any_order = s->any_order;
    f->keeps_late = s->n_workers > 1;
    f->waits_for_memory = only_reduces(f) && !f->program.slow;
    bool large = wants_windows(f) && s->block_elements > BLOCK_MOST, small_blocks = !large || !only_reduces(f);
    f->together = large && small_blocks ? s->block_elements / BLOCK_MOST : 1;
    chk_fused_size(f, p, small_blocks && s->block_elements > BLOCK_MOST ? BLOCK_MOST : s->block_elements, s->n_workers);
}

static void fused_sources(const chk_pass *p, chk_source_visit visit, void *arg)
{
    const chk_fused *f = p->ctx;
    for (int i = 0; i < f->program.n_inputs; i++) visit(arg, f->program.input[i].source);
}

static bool fused_once(const chk_pass *p, const chk_source *s)
{
    const chk_fused *f = p->ctx;
    int readers = 0;
    bool aligned = true;
    for (int i = 0; i < f->program.n_inputs; i++) {
        if (f->program.input[i].source != s) continue;
        aligned &= f->program.input[i].aligned;
        readers++;
    }
    return aligned && readers == 1;
}

static void fused_bind(chk_pass *p, int out, chk_sink *sink) { ((chk_fused *)p->ctx)->out[out].sink = sink; }

static chunk_status fused_open(chk_pass *p, int n_workers, chunk_error *err)
{
    static _Atomic uint64_t epochs;
    chk_fused *f = p->ctx;
    (void)n_workers;
    f->epoch = ++epochs;
    for (int o = 0; o < f->n_out; o++) {
        chk_fused_out *out = &f->out[o];
        if (!out->reduce) continue;
        chk_combiner_done(&out->combiner);
        const chk_geometry *g = chk_fused_geometry(f, o);
        chk_combiner_init(&out->combiner, &out->reducer, g, out->cap, out->n_entries, out->pool->buf.data,
                          out->result ? out->result->buf.data : NULL, out->sink, out->keepdims);
        if (g->n_red_chunks == 0) CHK_TRY(chk_combiner_finish_empty(&out->combiner, err));
    }
    return CHUNK_OK;
}

static chunk_status fused_close(chk_pass *p, int *next_pass, chunk_error *err)
{
    (void)next_pass;
    chk_fused *f = p->ctx;
    for (int o = 0; o < f->n_out; o++)
        if (!f->out[o].reduce && f->out[o].sink->ops->finish) CHK_TRY(f->out[o].sink->ops->finish(f->out[o].sink, err));
    return CHUNK_OK;
}

static void fused_free(chk_pass *p)
{
    chk_fused *f = p->ctx;
    if (!f) return;
    for (int o = 0; o < f->n_out; o++) {
        chk_combiner_done(&f->out[o].combiner);
        if (f->out[o].own_sink) chk_sink_free(f->out[o].sink);
        chk_free(f->out[o].own);
    }
    chk_program_free(&f->program);
    chk_free(f->out);
    chk_free(f);
    p->ctx = NULL;
}

static void fused_describe(const chk_pass *p, char *buf, size_t size)
{
    const chk_fused *f = p->ctx;
    size_t n = 0;
    for (int o = 0; o < f->n_out && n < size; o++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s %s", o ? ", " : "", f->out[o].reduce ? "reduce" : "store", f->out[o].name);
}

/* Nothing but the bound on running ahead. */
static bool fused_deps(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    uint64_t ahead = (uint64_t)((const chk_fused *)p->ctx)->run_ahead;
    if (i > 0 || task < ahead) return false;
    *on = task - ahead;
    return true;
}

const chk_pass_ops chk_fused_ops = {
    .kind = "fused",
    .size = fused_size,
    .sources = fused_sources,
    .once = fused_once,
    .bind = fused_bind,
    .open = fused_open,
    .run = chk_fused_run,
    .claim = chk_fused_claim,
    .write = chk_fused_write,
    .advise = chk_fused_advise,
    .close = fused_close,
    .free = fused_free,
    .describe = fused_describe,
};
const chk_pass_ops chk_fused_stream_ops = {
    .kind = "fused",
    .size = fused_size,
    .sources = fused_sources,
    .once = fused_once,
    .bind = fused_bind,
    .open = fused_open,
    .run = chk_fused_run,
    .advise = chk_fused_advise,
    .close = fused_close,
    .free = fused_free,
    .describe = fused_describe,
};
const chk_pass_ops chk_fused_bounded_ops = {
    .kind = "fused",
    .size = fused_size,
    .sources = fused_sources,
    .once = fused_once,
    .bind = fused_bind,
    .open = fused_open,
    .deps = fused_deps,
    .run = chk_fused_run,
    .advise = chk_fused_advise,
    .close = fused_close,
    .free = fused_free,
    .describe = fused_describe,
};
