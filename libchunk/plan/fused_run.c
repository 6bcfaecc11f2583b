/* fused_run.c: one task of a fused pass: fetch its boxes, run the program leaf by leaf, fold what is reduced, hand on what is stored.
 *
 * Streamed passes write each block from the worker's own buffer, in turn only as long as the sink's order matters. Encoded passes (filters) make
 * one chunk a task and leave what is to be written in the task's kept area until claim and write. */
#include "plan/fused_run.h"

#include <assert.h>
#include <string.h>

#include "base/thread.h"
#include "plan/put.h"

/* At the start of a worker's area: what survives from task to task, when the epoch says that it is ours. */
typedef struct cache_head {
    uint64_t epoch;
    bool valid;
    int64_t extent[CHK_MAX_NDIM]; /* of the fill-only block whose states are cached */
    int n_held; /* inputs [0, n_held) are as the last task fetched them: a broadcast chunk is decoded once, not per task */
} cache_head;

/* What the last task fetched of an input that needs no window: its box in the source, and where the arena ended behind it. */
typedef struct held_input {
    chk_box box;
    size_t arena_used;
    chk_scalar fill; /* in the fill-only block whose states are cached: inputs that pass others on have several */
} held_input;

typedef struct out_state {
    char *leaf; /* reduce: a leaf's values */
    chk_red_stack stack;
    int64_t kept; /* reduce: number and box of the block whose results the stack holds */
    chk_box box;
    int64_t slot;  /* of the last leaf */
    char *cached;  /* states of a fill-only block */
    char **made;   /* store: where the next block is made, of each unit beside each other, or all blocks of the task */
    char *scratch; /* of the encoder */
    chk_late late;
    const char *value; /* encoded passes: where the block's values lie, there or in the input that they are */
} out_state;

typedef struct worker {
    const chk_fused *f;
    chk_task *t;
    cache_head *cache;
    chk_prog_state prog;
    chk_box *box; /* boxes of the task's units */
    int64_t (*chunk)[CHK_MAX_NDIM];
    chk_piece *piece;     /* n_inputs x boxes */
    chk_hold *hold;       /* an input */
    held_input *held;     /* an input */
    const chk_piece **at; /* the pieces of the current box */
    out_state *out;
    chk_block *block; /* stored blocks that are made together: streamed passes */
    chk_arena arena;
    bool turn_passed;
} worker;

static int64_t max_unit_elements(const chk_fused *f)
{
    int64_t extent[CHK_MAX_NDIM];
    return chk_geometry_max_unit(&f->g, extent);
}

static int64_t leaf_elements(const chk_fused *f)
{
    int64_t n = 1;
    for (int a = 0; a < f->space.ndim; a++) n *= f->g.leaf[a];
    return n;
}

static size_t block_bytes(const chk_fused *f, int o)
{
    int64_t n = f->units_per_task > 1 ? f->units_per_task * max_unit_elements(f) : chk_geometry_block_elements(&f->g);
    return (size_t)n * chk_dtype_size(f->out[o].dtype);
}

/* Encoded passes: a block is made in the kept area where nothing, or what works in place, encodes it; else where its encoder would have scratch. */
static bool block_in_kept(const chk_fused *f, int o) { return f->encoded && (f->out[o].in_place || !f->out[o].kept_bytes); }

/* Encoders' scratch, and with it the blocks that are made there: at the end of the work area, where reads had their transient memory. Those that are
 * encoded in the kept area share theirs. */
static size_t tail_bytes(const chk_fused *f, size_t *shared)
{
    size_t apart = 0;
    *shared = 0;
    for (int o = 0; o < f->n_out; o++) {
        if (f->out[o].reduce) continue;
        size_t n = chk_arena_cost(f->out[o].scratch_bytes);
        if (!block_in_kept(f, o))
            apart += n;
        else if (n > *shared)
            *shared = n;
    }
    return f->encoded ? apart + *shared : 0;
}

/* How many blocks of an output may be late: of files that several workers write into. LATE_LARGE: a little faster (exp(-x)*y + 1 of 2 GiB: 2 to 3 %); in short runs
 * they might never be used. */
enum { LATE_LARGE = 3 };
#define LARGE_OUTPUT ((uint64_t)256 << 20)

static int64_t most_late(const chk_fused *f, int o)
{
    bool late = f->keeps_late && !f->encoded && f->units_per_task == 1 && f->out[o].ordered && !f->out[o].serial;
    bool large = (uint64_t)chk_shape_count(&f->space) * chk_dtype_size(f->out[o].dtype) >= LARGE_OUTPUT;
    int64_t most = large ? LATE_LARGE : CHK_LATE_BLOCKS;
    return !late ? 0 : f->beside > most ? f->beside : most;
}

/* Streamed: one block of each unit at a time is handed on. */
static int64_t blocks_per_task(const chk_fused *f) { return chk_fused_most_units(f); }

size_t chk_fused_kept_bytes(const chk_fused *f, int o)
{
    size_t n = block_in_kept(f, o) ? block_bytes(f, o) : f->out[o].kept_bytes;
    return chk_arena_cost(n) + chk_arena_cost(sizeof(chk_block));
}

size_t chk_fused_work_bytes(const chk_fused *f)
{
    size_t boxes = (size_t)chk_fused_most_units(f), inputs = (size_t)f->program.n_inputs, outs = (size_t)f->n_out, shared;
    size_t tail = tail_bytes(f, &shared);
    size_t n = chk_arena_cost(sizeof(cache_head)) + chk_program_work_bytes(&f->program) + chk_arena_cost(boxes * sizeof(chk_box)) +
               chk_arena_cost(boxes * sizeof(int64_t[CHK_MAX_NDIM])) + chk_arena_cost(inputs * boxes * sizeof(chk_piece)) +
               chk_arena_cost(inputs * sizeof(chk_hold)) + chk_arena_cost(inputs * sizeof(held_input)) +
               chk_arena_cost(inputs * sizeof(chk_piece *)) + chk_arena_cost(outs * sizeof(out_state)) +
               chk_arena_cost(outs * (size_t)blocks_per_task(f) * sizeof(chk_block));
    for (int o = 0; o < f->n_out; o++) {
        const chk_fused_out *out = &f->out[o];
        if (out->reduce) {
            n += chk_arena_cost((size_t)leaf_elements(f) * chk_dtype_size(out->reducer.in));
            n += chk_red_stack_bytes(out->reducer.state_bytes, out->cap, out->stack_depth);
            n += chk_arena_cost(f->cacheable ? out->reducer.state_bytes * out->cap : 0);
        } else {
            n += chk_arena_cost((size_t)f->beside * sizeof(char *));
            if (!f->encoded) n += chk_arena_cost(block_bytes(f, o)) * (size_t)f->beside;
            n += chk_late_bytes(most_late(f, o), block_bytes(f, o));
        }
    }
    return n + f->fetch_arena + (tail > f->fetch_transient ? tail : f->fetch_transient) + 1024;
}

/* ---- laying out a worker's memory; the same for every task of the pass */

static void *kept_area(const chk_fused *f, chk_task *t, int o, chk_block **block)
{
    char *at = t->kept;
    for (int i = 0; i < o; i++)
        if (!f->out[i].reduce) at += chk_arena_cost(chk_fused_kept_bytes(f, i));
    *block = (chk_block *)(void *)at;
    return at + chk_arena_cost(sizeof(chk_block));
}

static chunk_status carve(worker *w, const chk_fused *f, chk_task *t, size_t work_bytes, chunk_error *err)
{
    *w = (worker){.f = f, .t = t};
    chk_arena *a = &w->arena;
    chk_arena_init(a, t->work, work_bytes);
    size_t boxes = (size_t)chk_fused_most_units(f), inputs = (size_t)f->program.n_inputs, shared;
    char *tail = (char *)t->work + ((work_bytes - tail_bytes(f, &shared)) & ~(size_t)63), *apart = tail + shared;
    bool ok = (w->cache = chk_arena_get(a, sizeof *w->cache)) &&
              chk_prog_state_init(&w->prog, &f->program, a, w->cache->epoch != f->epoch) &&
              (w->box = chk_arena_get(a, boxes * sizeof *w->box)) && (w->chunk = chk_arena_get(a, boxes * sizeof *w->chunk)) &&
              (w->piece = chk_arena_get(a, inputs * boxes * sizeof *w->piece)) &&
              (w->hold = chk_arena_get(a, inputs * sizeof *w->hold)) && (w->held = chk_arena_get(a, inputs * sizeof *w->held)) &&
              (w->at = chk_arena_get(a, inputs * sizeof *w->at)) &&
              (w->out = chk_arena_get(a, (size_t)f->n_out * sizeof *w->out)) &&
              (w->block = chk_arena_get(a, (size_t)f->n_out * (size_t)blocks_per_task(f) * sizeof *w->block));
    for (int o = 0; o < f->n_out && ok; o++) {
        const chk_fused_out *out = &f->out[o];
        out_state *s = &w->out[o];
        memset(s, 0, sizeof *s);
        s->kept = -1;
        if (out->reduce) {
            ok = (s->leaf = chk_arena_get(a, (size_t)leaf_elements(f) * chk_dtype_size(out->reducer.in))) &&
                 chk_red_stack_init(&s->stack, &out->reducer, chk_fused_geometry(f, o), out->cap, out->stack_depth, a) &&
                 (!f->cacheable || (s->cached = chk_arena_get(a, out->reducer.state_bytes * out->cap)));
        } else {
            chk_block *unused;
            ok = (s->made = chk_arena_get(a, (size_t)f->beside * sizeof *s->made));
            for (int64_t u = 0; u < f->beside && ok; u++)
                ok = (s->made[u] = block_in_kept(f, o) ? kept_area(f, t, o, &unused)
                                   : f->encoded        ? apart
                                                       : chk_arena_get(a, block_bytes(f, o)));
            s->scratch = block_in_kept(f, o) ? tail : apart;
            if (f->encoded && !block_in_kept(f, o)) apart += chk_arena_cost(out->scratch_bytes);
            ok = ok && chk_late_init(&s->late, most_late(f, o), block_bytes(f, o), out->sink, !out->own_sink, t, a);
        }
    }
    if (!ok) return chk_fail(err, CHUNK_ESTATE, "internal: a task's memory of %zu bytes is smaller than its parts", work_bytes);
    memset(w->hold, 0, inputs * sizeof *w->hold);
    if (w->cache->epoch != f->epoch) *w->cache = (cache_head){.epoch = f->epoch};
    return CHUNK_OK;
}

/* ---- input */

static void release(worker *w)
{
    for (int i = 0; i < w->f->program.n_inputs; i++) {
        chk_source *s = w->f->program.input[i].source;
        chk_hold *h = &w->hold[i];
        chk_task_count(w->t, h);
        s->ops->release(s, h);
        memset(h, 0, sizeof *h);
    }
}

static bool box_equal(const chk_box *a, const chk_box *b)
{
    return a->ndim == b->ndim && !memcmp(a->lo, b->lo, (size_t)a->ndim * sizeof *a->lo) &&
           !memcmp(a->hi, b->hi, (size_t)a->ndim * sizeof *a->hi);
}

/* Inputs are fetched in order; the first ones may still be there from the last fetch, when it was of one box and asked for the same of them. */
static chunk_status fetch(worker *w, const chk_box *boxes, size_t n, chunk_error *err)
{
    const chk_fused *f = w->f;
    int reusable = n == 1 ? w->cache->n_held : 0;
    w->cache->n_held = 0;
    for (int i = 0; i < f->program.n_inputs; i++) {
        const chk_prog_input *in = &f->program.input[i];
        chk_box base;
        chk_view_base_box(&base, &in->view, &boxes[0]);
        if (i < reusable && box_equal(&base, &w->held[i].box)) {
            w->arena.used = w->held[i].arena_used;
            w->cache->n_held = i + 1;
            continue;
        }
        reusable = 0;
        w->hold[i].waits_for_memory = f->waits_for_memory;
        chunk_status st = in->source->ops->fetch(in->source, &in->view, boxes, n, &w->arena, &w->hold[i],
                                                 w->piece + (size_t)i * (size_t)chk_fused_most_units(f), err);
        if (st != CHUNK_OK) {
            release(w);
            return st;
        }
        w->held[i].box = base;
        w->held[i].arena_used = w->arena.used;
        if (n == 1 && w->cache->n_held == i && w->hold[i].n == 0 && !w->hold[i].inner) w->cache->n_held = i + 1;
    }
    return CHUNK_OK;
}

static chunk_status check_holds(worker *w, chunk_error *err)
{
    for (int i = 0; i < w->f->program.n_inputs; i++)
        if (chk_hold_failed(&w->hold[i]))
            return chk_fail(err, CHUNK_EFILE, "%s: the file became shorter, or its device failed, while it was being read",
                            w->f->program.input[i].source->name);
    return CHUNK_OK;
}

static bool all_fill(const worker *w)
{
    if (!w->f->program.constant_when_absent) return false;
    for (int i = 0; i < w->f->program.n_inputs; i++)
        if (w->at[i]->data) return false;
    return true;
}

/* ---- reductions */

static size_t kept_count(const chk_geometry *g, const chk_box *block)
{
    size_t k = 1;
    for (int a = 0; a < block->ndim; a++)
        if (!(g->reduced >> a & 1)) k *= (size_t)chk_box_extent(block, a);
    return k;
}

/* Posts what the stack of an output holds to its combiner. */
static chunk_status flush_out(worker *w, int o, chunk_error *err)
{
    out_state *out = &w->out[o];
    chk_red_stack *s = &out->stack;
    for (int i = 0; i < s->n; i++)
        CHK_TRY(chk_combiner_post((chk_combiner *)&w->f->out[o].combiner, out->kept, &out->box, s->k, s->node[i].level,
                                  s->node[i].i, s->node[i].state, err));
    s->n = 0;
    return CHUNK_OK;
}

static chunk_status flush(worker *w, chunk_error *err)
{
    for (int o = 0; o < w->f->n_out; o++)
        if (w->f->out[o].reduce) CHK_TRY(flush_out(w, o, err));
    return CHUNK_OK;
}

static chunk_status user_failed(const chk_fused_out *o, chunk_error *err)
{
    return chk_fail(err, CHUNK_EUSER, "the reduction registered as %s reported a failure",
                    o->reducer.user ? o->reducer.user->name : o->name);
}

/* States of the block go to those of its results' stack. Where the walk goes by the axes of a reduction, blocks of the same results follow each other in slot
 * order; those of others are posted one by one. */
static chunk_status begin_block(worker *w, const int64_t *chunk, const chk_box *block, chunk_error *err)
{
    for (int o = 0; o < w->f->n_out; o++) {
        const chk_geometry *g = chk_fused_geometry(w->f, o);
        out_state *out = &w->out[o];
        if (!w->f->out[o].reduce) continue;
        out->slot = -1;
        int64_t kept = chk_geometry_kept_id(g, chunk, block);
        if (kept == out->kept && !w->f->out[o].own) continue;
        CHK_TRY(flush_out(w, o, err));
        out->kept = kept;
        out->box = *block;
        out->stack.k = kept_count(g, block);
    }
    return CHUNK_OK;
}

static const chk_scalar *fill_of(const worker *w, int input) { return &w->at[input]->fill; }

static void cache_block(worker *w, const chk_box *block)
{
    for (int o = 0; o < w->f->n_out; o++) {
        out_state *s = &w->out[o];
        if (!w->f->out[o].reduce) continue;
        if (s->stack.n != 1) return;
        memcpy(s->cached, s->stack.node[0].state, w->f->out[o].reducer.state_bytes * w->f->out[o].cap);
    }
    for (int a = 0; a < block->ndim; a++) w->cache->extent[a] = chk_box_extent(block, a);
    for (int i = 0; i < w->f->program.n_inputs; i++) w->held[i].fill = *fill_of(w, i);
    w->cache->valid = true;
}

/* ---- computing a block */

/* Leaf i of a block: reduced axes are the high digits, so that all leaves of one slot come in a row, slots ascending. */
static void leaf_at(const chk_geometry *g, const chk_box *block, int64_t i, chk_box *leaf)
{
    leaf->ndim = block->ndim;
    for (int pass = 0; pass < 2; pass++) {
        for (int a = block->ndim - 1; a >= 0; a--) {
            if ((bool)(g->reduced >> a & 1) != (pass == 1)) continue;
            int64_t n = (chk_box_extent(block, a) + g->leaf[a] - 1) / g->leaf[a];
            leaf->lo[a] = block->lo[a] + i % n * g->leaf[a];
            leaf->hi[a] = leaf->lo[a] + g->leaf[a] < block->hi[a] ? leaf->lo[a] + g->leaf[a] : block->hi[a];
            i /= n;
        }
    }
}

static int64_t n_leaves(const chk_geometry *g, const chk_box *block)
{
    int64_t n = 1;
    for (int a = 0; a < block->ndim; a++) n *= (chk_box_extent(block, a) + g->leaf[a] - 1) / g->leaf[a];
    return n;
}

static int64_t offset_in(const chk_box *block, const chk_box *leaf)
{
    int64_t n = 0;
    for (int a = 0; a < block->ndim; a++) n = n * chk_box_extent(block, a) + leaf->lo[a] - block->lo[a];
    return n;
}

static bool by_rows(const chk_fused *f, int o)
{
    const chk_fused_out *out = &f->out[o];
    uint32_t all = f->space.ndim == 32 ? UINT32_MAX : ((uint32_t)1 << f->space.ndim) - 1;
    return out->reduce && out->axes == all && out->reducer.kern && !out->reducer.kern->wants_index;
}

/* Reductions of a leaf to a single number: those of the same values go over them together, piece by piece. */
static void fold_rows(const chk_fused *f, void *const *state, const chk_prog_out *out, size_t n)
{
    bool done[f->n_out];
    chk_red_row row[f->n_out];
    for (int o = 0; o < f->n_out; o++) done[o] = !by_rows(f, o);
    for (int o = 0; o < f->n_out; o++) {
        chk_dtype d = f->out[o].reducer.in;
        int n_rows = 0;
        for (int k = o; k < f->n_out; k++) {
            if (done[k] || out[k].data != out[o].data || f->out[k].reducer.in != d) continue;
            row[n_rows++] = (chk_red_row){f->out[k].reducer.kern, state[k], f->out[k].cap};
            done[k] = true;
        }
        for (size_t i = 0; i < n && n_rows; i += CHK_ROW_PIECE)
            chk_red_rows(row, n_rows, d, out[o].data + i * chk_dtype_size(d), n - i < CHK_ROW_PIECE ? n - i : CHK_ROW_PIECE);
    }
}

/* All reductions of one leaf. Returns the output whose function failed, or -1. */
static int fold_leaf(const chk_fused *f, void *const *state, const chk_prog_out *out, const chk_box *block, const chk_box *leaf)
{
    bool rows = false;
    for (int o = 0; o < f->n_out; o++) {
        if (!f->out[o].reduce) continue;
        if (by_rows(f, o))
            rows = true;
        else if (!chk_reducer_fold(&f->out[o].reducer, state[o], f->out[o].cap, out[o].data, chk_fused_geometry(f, o), block, leaf))
            return o;
    }
    if (rows) fold_rows(f, state, out, (size_t)chk_box_count(leaf));
    return -1;
}

/* A chunk that is encoded is computed as one piece: what is an input unchanged is encoded from where it lies. */
static chunk_status compute_chunk(worker *w, const chk_box *unit, const chk_box *block, char *const *dest, chunk_error *err)
{
    const chk_fused *f = w->f;
    chk_prog_out out[f->n_out];
    for (int o = 0; o < f->n_out; o++)
        out[o] = (chk_prog_out){.value = f->out[o].value, .in_place_ok = !block_in_kept(f, o), .dest = dest[o]};
    CHK_TRY(chk_program_run(&w->prog, w->at, unit, block, out, f->n_out, err));
    for (int o = 0; o < f->n_out; o++) w->out[o].value = out[o].data;
    return CHUNK_OK;
}

/* Whether the leaves of the block come in another order than an output's slots. */
static bool leaves_turn(const chk_fused *f, int o, const chk_box *block)
{
    int64_t extent[CHK_MAX_NDIM];
    if (!f->out[o].reduce || !f->out[o].own) return false;
    for (int a = 0; a < block->ndim; a++) extent[a] = chk_box_extent(block, a);
    return chk_geometry_leaves_turn(f->out[o].own, extent);
}

static chunk_status too_many(const chk_red_stack *s, chunk_error *err)
{
    return chk_fail(err, CHUNK_ESTATE, "internal: more than %d partial results in a task", s->depth);
}

/* Then all its slots are there before the first leaf. */
static chunk_status push_slots(worker *w, int o, const int64_t *chunk, const chk_box *block, chunk_error *err)
{
    const chk_geometry *g = chk_fused_geometry(w->f, o);
    chk_red_stack *s = &w->out[o].stack;
    for (int64_t i = 0, n = n_leaves(g, block); i < n; i++) {
        chk_box leaf;
        leaf_at(g, block, i, &leaf);
        if (!chk_red_stack_at(s, chk_geometry_slot(g, chunk, leaf.lo))) return too_many(s, err);
    }
    return CHUNK_OK;
}

/* Where the leaf at lo goes. */
static chunk_status state_for(worker *w, int o, const int64_t *chunk, const int64_t *lo, bool turns, void **state, chunk_error *err)
{
    out_state *out = &w->out[o];
    int64_t slot = chk_geometry_slot(chk_fused_geometry(w->f, o), chunk, lo);
    if (turns) {
        *state = chk_red_stack_find(&out->stack, slot);
    } else {
        if (out->slot >= 0 && slot != out->slot && !chk_red_stack_settle(&out->stack)) return user_failed(&w->f->out[o], err);
        *state = chk_red_stack_at(&out->stack, slot);
    }
    out->slot = slot;
    return *state ? CHUNK_OK : too_many(&out->stack, err);
}

static chunk_status compute_block(worker *w, const chk_box *unit, const int64_t *chunk, const chk_box *block, char *const *dest,
                                  chunk_error *err)
{
    const chk_fused *f = w->f;
    if (f->encoded && !f->reduces) return compute_chunk(w, unit, block, dest, err);
    if (f->reduces) CHK_TRY(begin_block(w, chunk, block, err));
    int64_t n = n_leaves(&f->g, block);
    chk_prog_out out[f->n_out];
    bool turns[f->n_out];
    for (int o = 0; o < f->n_out; o++) {
        turns[o] = leaves_turn(f, o, block);
        if (turns[o]) CHK_TRY(push_slots(w, o, chunk, block, err));
    }
    for (int64_t i = 0; i < n; i++) {
        chk_box leaf;
        leaf_at(&f->g, block, i, &leaf);
        for (int o = 0; o < f->n_out; o++) {
            bool red = f->out[o].reduce;
            char *to = red ? w->out[o].leaf : dest[o] + (size_t)offset_in(block, &leaf) * chk_dtype_size(f->out[o].dtype);
            out[o] = (chk_prog_out){.value = f->out[o].value, .in_place_ok = red, .dest = to};
        }
        CHK_TRY(chk_program_run(&w->prog, w->at, unit, &leaf, out, f->n_out, err));
        void *state[f->n_out];
        for (int o = 0; o < f->n_out; o++)
            if (f->out[o].reduce) CHK_TRY(state_for(w, o, chunk, leaf.lo, turns[o], &state[o], err));
        int bad = fold_leaf(f, state, out, block, &leaf);
        if (bad >= 0) return user_failed(&f->out[bad], err);
    }
    for (int o = 0; o < f->n_out; o++)
        if (f->out[o].reduce && !(turns[o] ? chk_red_stack_settle_all : chk_red_stack_settle)(&w->out[o].stack))
            return user_failed(&f->out[o], err);
    return CHUNK_OK;
}

static bool wants_index(const chk_fused *f, int o)
{
    return f->out[o].reduce && f->out[o].reducer.kern && f->out[o].reducer.kern->wants_index;
}

/* The state of output o, which names an index, of a block of one value: that of its first elements along the reduced axes. */
static chunk_status fold_first(worker *w, int o, const chk_box *unit, const chk_box *block, void *state, chunk_error *err)
{
    const chk_fused *f = w->f;
    const chk_geometry *g = chk_fused_geometry(f, o);
    chk_box first = *block;
    for (int a = 0; a < first.ndim; a++)
        if (g->reduced >> a & 1) first.hi[a] = first.lo[a] + 1;
    for (int64_t i = 0, n = n_leaves(g, &first); i < n; i++) {
        chk_box leaf;
        leaf_at(g, &first, i, &leaf);
        chk_prog_out out = {.value = f->out[o].value, .in_place_ok = true, .dest = w->out[o].leaf};
        CHK_TRY(chk_program_run(&w->prog, w->at, unit, &leaf, &out, 1, err));
        chk_reducer_fold(&f->out[o].reducer, state, f->out[o].cap, out.data, g, block, &leaf);
    }
    return CHUNK_OK;
}

/* A block of fill alone: the same states as the last one of these extents and values, but for indices. */
static chunk_status cached_block(worker *w, const chk_box *unit, const int64_t *chunk, const chk_box *block, bool *cached,
                                 chunk_error *err)
{
    const chk_fused *f = w->f;
    *cached = f->cacheable && w->cache->valid;
    for (int a = 0; a < block->ndim && *cached; a++) *cached = w->cache->extent[a] == chk_box_extent(block, a);
    for (int i = 0; i < f->program.n_inputs && *cached; i++) {
        const chk_scalar *now = fill_of(w, i), *then = &w->held[i].fill;
        *cached = now->dtype == then->dtype && !memcmp(now->v.bytes, then->v.bytes, sizeof now->v.bytes);
    }
    if (!*cached) return CHUNK_OK;
    for (int o = 0; o < f->n_out; o++) {
        const chk_fused_out *out = &f->out[o];
        chk_red_stack *s = &w->out[o].stack;
        if (!out->reduce) continue;
        int64_t slot = chk_geometry_slot(chk_fused_geometry(f, o), chunk, block->lo);
        void *state = chk_red_stack_push(s, out->block_level, slot >> out->block_level);
        if (!state) return too_many(s, err);
        if (wants_index(f, o)) {
            chk_reducer_init(s->r, state, s->cap, s->k);
            CHK_TRY(fold_first(w, o, unit, block, state, err));
        } else {
            memcpy(state, w->out[o].cached, out->reducer.state_bytes * out->cap);
        }
        if (!chk_red_stack_settle(s)) return user_failed(out, err);
    }
    return CHUNK_OK;
}

/* A block whose inputs are all fill: stored values are one constant, states come from the last such block. Returns in *skip which stores need not
 * happen at all. */
static chunk_status compute_fill(worker *w, const chk_box *unit, const int64_t *chunk, const chk_box *block, char *const *dest,
                                 bool *skip, chunk_error *err)
{
    const chk_fused *f = w->f;
    bool stores = false, reduces = false;
    for (int o = 0; o < f->n_out; o++) *(f->out[o].reduce ? &reduces : &stores) = true;
    if (stores) {
        chk_box one = *block;
        for (int a = 0; a < one.ndim; a++) one.hi[a] = one.lo[a] + 1;
        chk_scalar value[f->n_out];
        chk_prog_out out[f->n_out];
        for (int o = 0; o < f->n_out; o++)
            out[o] = (chk_prog_out){.value = f->out[o].value, .dest = f->out[o].reduce ? w->out[o].leaf : (char *)value[o].v.bytes};
        CHK_TRY(chk_program_run(&w->prog, w->at, unit, &one, out, f->n_out, err));
        for (int o = 0; o < f->n_out; o++) {
            if (f->out[o].reduce) continue;
            size_t item = chk_dtype_size(f->out[o].dtype);
            const chk_sink *sink = f->out[o].sink;
            skip[o] = sink->has_fill && !memcmp(value[o].v.bytes, sink->fill.v.bytes, item);
            if (!skip[o]) chk_kern_splat(dest[o], value[o].v.bytes, item, (size_t)chk_box_count(block));
        }
    }
    if (!reduces) return CHUNK_OK;
    CHK_TRY(begin_block(w, chunk, block, err));
    bool cached;
    CHK_TRY(cached_block(w, unit, chunk, block, &cached, err));
    if (cached) return CHUNK_OK;
    if (!f->cacheable || stores) return compute_block(w, unit, chunk, block, dest, err);
    CHK_TRY(flush(w, err));
    CHK_TRY(compute_block(w, unit, chunk, block, dest, err));
    cache_block(w, block);
    return CHUNK_OK;
}

/* ---- output */

static chunk_status take_turn(worker *w, chunk_error *err)
{
    if (w->turn_passed) return CHUNK_OK;
    uint64_t t0 = chk_clock_ns();
    chunk_status st = chk_task_wait_turn(w->t, err);
    w->t->stats.ns_wait += chk_clock_ns() - t0;
    return st;
}

static void pass_turn(worker *w)
{
    if (!w->turn_passed) chk_task_pass_turn(w->t);
    w->turn_passed = true;
}

/* Claims the i-th blocks of all stored values. Where there are several, the one that is first to hold anything but fill comes first: then files
 * are laid out alike whatever the blocks' size. */
static chunk_status claim_all(worker *w, int64_t i, bool *all_claimed, chunk_error *err)
{
    const chk_fused *f = w->f;
    int64_t lead[f->n_out];
    int n = 0;
    for (int o = 0; o < f->n_out; o++) {
        lead[o] = f->out[o].reduce || !f->out[o].sink->ops->claim ? -1 : 0;
        n += lead[o] == 0;
    }
    for (int o = 0; o < f->n_out && n > 1; o++) {
        const chk_sink *sink = f->out[o].sink;
        if (lead[o] == 0 && sink->ops->leading_fill) lead[o] = sink->ops->leading_fill(sink, &w->block[o * blocks_per_task(f) + i]);
    }
    for (; n > 0; n--) {
        int next = -1;
        for (int o = 0; o < f->n_out; o++)
            if (lead[o] >= 0 && (next < 0 || lead[o] < lead[next])) next = o;
        chk_block *b = &w->block[next * blocks_per_task(f) + i];
        CHK_TRY(f->out[next].sink->ops->claim(f->out[next].sink, b, err));
        *all_claimed &= !b->skip;
        lead[next] = -1;
    }
    return CHUNK_OK;
}

/* Writes what is late; all: also what has to wait. */
static chunk_status write_late(worker *w, bool all, chunk_error *err)
{
    for (int o = 0; o < w->f->n_out; o++)
        if (!w->f->out[o].reduce) CHK_TRY(chk_late_write(&w->out[o].late, all, err));
    return CHUNK_OK;
}

/* The claims of blocks beside each other: chunks are placed in the order of the rows in which they first hold anything but fill, which does not depend on the
 * blocks' size. */
static chunk_status claim_beside(worker *w, size_t n, bool *all_claimed, chunk_error *err)
{
    chk_sink *sink = w->f->out[0].sink;
    int last = w->f->space.ndim - 1;
    int64_t row[n];
    if (!sink->ops->claim) return CHUNK_OK;
    for (size_t u = 0; u < n; u++)
        row[u] = sink->ops->leading_fill ? sink->ops->leading_fill(sink, &w->block[u]) / chk_box_extent(&w->block[u].box, last) : 0;
    for (size_t left = n; left > 0; left--) {
        size_t next = n;
        for (size_t u = 0; u < n; u++)
            if (row[u] >= 0 && (next == n || row[u] < row[next])) next = u;
        CHK_TRY(sink->ops->claim(sink, &w->block[next], err));
        *all_claimed &= !w->block[next].skip;
        row[next] = -1;
    }
    return CHUNK_OK;
}

/* Claims and writes n blocks of each stored value (w->block, output by output); more: other blocks of this task follow. *placed: every chunk of these blocks
 * has its place in its file now. */
static chunk_status hand_on(worker *w, int64_t n, bool more, bool *placed, chunk_error *err)
{
    const chk_fused *f = w->f;
    bool ordered = false, hold_turn = false;
    *placed = true;
    for (int o = 0; o < f->n_out; o++) {
        ordered |= !f->out[o].reduce && f->out[o].sink->ordered;
        hold_turn |= !f->out[o].reduce && f->out[o].sink->ordered && !f->out[o].sink->thread_safe;
    }
    if (ordered) CHK_TRY(take_turn(w, err));
    if (f->beside > 1) CHK_TRY(claim_beside(w, (size_t)n, placed, err));
    for (int64_t i = 0; i < n && f->beside == 1; i++)
        CHK_TRY(claim_all(w, i, placed, err)); /* block by block: files do not depend on how many a task has */
    if (ordered && !hold_turn && (!more || *placed)) pass_turn(w);
    for (int o = 0; o < f->n_out; o++)
        for (int64_t i = 0; i < n && !f->out[o].reduce; i++)
            CHK_TRY(
                chk_late_put(&w->out[o].late, &w->block[o * blocks_per_task(f) + i], &w->out[o].made[f->beside > 1 ? i : 0], err));
    if (ordered && hold_turn && !more) pass_turn(w);
    return CHUNK_OK;
}

/* Encoded passes: from raw values to what is stored, in the task's kept area. */
static chunk_status encode(worker *w, const chk_box *box, const bool *skip, chunk_error *err)
{
    const chk_fused *f = w->f;
    for (int o = 0; o < f->n_out; o++) {
        if (f->out[o].reduce) continue;
        chk_sink *sink = f->out[o].sink;
        chk_block *b;
        void *kept = kept_area(f, w->t, o, &b);
        *b = (chk_block){.box = *box,
                         .data = w->out[o].value,
                         .n_bytes = (size_t)chk_box_count(box) * chk_dtype_size(f->out[o].dtype),
                         .skip = skip[o]};
        if (!sink->ops->encode || !f->out[o].kept_bytes || skip[o]) continue;
        uint64_t t0 = chk_clock_ns();
        CHK_TRY(sink->ops->encode(sink, b, kept, f->out[o].kept_bytes, w->out[o].scratch, f->out[o].scratch_bytes, err));
        w->t->stats.ns_encode += chk_clock_ns() - t0;
    }
    return check_holds(w, err);
}

chunk_status chk_fused_claim(chk_pass *p, chk_task *t, chunk_error *err)
{
    const chk_fused *f = p->ctx;
    for (int o = 0; o < f->n_out; o++) {
        if (f->out[o].reduce) continue;
        chk_block *b;
        kept_area(f, t, o, &b);
        if (b->box.ndim < 0) continue;
        chk_sink *sink = f->out[o].sink;
        if (sink->ops->claim) CHK_TRY(sink->ops->claim(sink, b, err));
        if (sink->ordered && !sink->thread_safe && !b->skip) CHK_TRY(sink->ops->write(sink, b, err));
    }
    return CHUNK_OK;
}

chunk_status chk_fused_write(chk_pass *p, chk_task *t, chunk_error *err)
{
    const chk_fused *f = p->ctx;
    for (int o = 0; o < f->n_out; o++) {
        if (f->out[o].reduce) continue;
        chk_block *b;
        kept_area(f, t, o, &b);
        chk_sink *sink = f->out[o].sink;
        if (b->box.ndim < 0 || (sink->ordered && !sink->thread_safe)) continue;
        CHK_TRY(chk_put_claimed(sink, !f->out[o].own_sink, t, b, err));
    }
    return CHUNK_OK;
}

/* ---- the task */

static chunk_status do_block(worker *w, const chk_box *unit, const int64_t *chunk, const chk_box *block, char *const *dest,
                             bool *skip, chunk_error *err)
{
    uint64_t t0 = chk_clock_ns();
    memset(skip, 0, (size_t)w->f->n_out * sizeof *skip);
    chunk_status st =
        all_fill(w) ? compute_fill(w, unit, chunk, block, dest, skip, err) : compute_block(w, unit, chunk, block, dest, err);
    w->t->stats.ns_compute += chk_clock_ns() - t0;
    return st == CHUNK_OK ? check_holds(w, err) : st;
}

static void point_at(worker *w, size_t box)
{
    for (int i = 0; i < w->f->program.n_inputs; i++) w->at[i] = &w->piece[(size_t)i * (size_t)chk_fused_most_units(w->f) + box];
}

/* Several small units: all of them are computed, then handed on together. */
static chunk_status run_batch(worker *w, size_t n, chunk_error *err)
{
    const chk_fused *f = w->f;
    size_t done[f->n_out];
    bool placed;
    memset(done, 0, sizeof done);
    for (size_t u = 0; u < n; u++) {
        char *dest[f->n_out];
        bool skip[f->n_out];
        for (int o = 0; o < f->n_out; o++) dest[o] = f->out[o].reduce ? NULL : w->out[o].made[0] + done[o];
        point_at(w, u);
        CHK_TRY(do_block(w, &w->box[u], w->chunk[u], &w->box[u], dest, skip, err));
        for (int o = 0; o < f->n_out; o++) {
            if (f->out[o].reduce) continue;
            size_t bytes = (size_t)chk_box_count(&w->box[u]) * chk_dtype_size(f->out[o].dtype);
            w->block[(size_t)o * (size_t)blocks_per_task(f) + u] =
                (chk_block){.box = w->box[u], .data = dest[o], .n_bytes = bytes, .skip = skip[o]};
            done[o] += bytes;
        }
    }
    return hand_on(w, (int64_t)n, false, &placed, err);
}

/* Fetches block i of n and those after it that make one box with it, as many as the plan has room for. Returns in *end the first that is not among them. */
static chunk_status fetch_row(worker *w, chk_box *row, int64_t i, int64_t n, int64_t *end, chunk_error *err)
{
    const chk_fused *f = w->f;
    const chk_box *unit = &w->box[0];
    int a = f->row_axis;
    chk_geometry_block(&f->g, unit, i, row);
    for (*end = i + 1; *end < n && *end < i + f->together && a >= 0; ++*end) {
        chk_box next;
        chk_geometry_block(&f->g, unit, *end, &next);
        bool follows = next.lo[a] == row->hi[a];
        for (int b = 0; b < f->space.ndim; b++) follows &= b == a || (next.lo[b] == row->lo[b] && next.hi[b] == row->hi[b]);
        if (!follows) break;
        row->hi[a] = next.hi[a];
    }
    return fetch(w, row, 1, err);
}

/* One unit, block by block. fetched: its pieces are there already. */
static chunk_status run_unit(worker *w, bool fetched, chunk_error *err)
{
    const chk_fused *f = w->f;
    const chk_box *unit = &w->box[0];
    int64_t n = chk_geometry_n_blocks(&f->g, unit);
    if (f->encoded) n = 1;
    chk_box row = *unit; /* what is fetched, until block `end` */
    int64_t end = fetched ? n : 0;
    size_t mark = w->arena.used;
    for (int64_t i = 0; i < n; i++) {
        if (chk_task_canceled(w->t)) return chk_fail(err, CHUNK_ECANCELED, "canceled");
        chk_box block = *unit;
        if (!f->encoded) chk_geometry_block(&f->g, unit, i, &block);
        if (i == end) CHK_TRY(fetch_row(w, &row, i, n, &end, err));
        point_at(w, 0);
        char *dest[f->n_out];
        bool skip[f->n_out];
        for (int o = 0; o < f->n_out; o++) w->out[o].value = dest[o] = w->out[o].made ? w->out[o].made[0] : NULL;
        CHK_TRY(do_block(w, &row, w->chunk[0], &block, dest, skip, err));
        if (f->encoded) CHK_TRY(encode(w, &block, skip, err));
        if (!fetched && i + 1 == end) {
            release(w);
            w->arena.used = mark;
        }
        if (f->encoded) continue;
        bool stores = false, placed;
        for (int o = 0; o < f->n_out; o++) {
            if (f->out[o].reduce) continue;
            stores = true;
            size_t bytes = (size_t)chk_box_count(&block) * chk_dtype_size(f->out[o].dtype);
            w->block[o * blocks_per_task(f)] = (chk_block){.box = block, .data = dest[o], .n_bytes = bytes, .skip = skip[o]};
        }
        if (stores) CHK_TRY(hand_on(w, 1, i + 1 < n, &placed, err));
    }
    return write_late(w, true, err);
}

/* A strip of the blocks `made` of n units: fetched at once, computed unit by unit into each block's place. skip: what was so far fill alone in the blocks. */
static chunk_status make_strip(worker *w, size_t n, const chk_box *strip, const chk_box *made, bool *skip, chunk_error *err)
{
    const chk_fused *f = w->f;
    const chk_sink *sink = f->out[0].sink;
    size_t item = chk_dtype_size(f->out[0].dtype), mark = w->arena.used;
    int last = f->space.ndim - 1, axis = f->strip_axis;
    if (chk_task_canceled(w->t)) return chk_fail(err, CHUNK_ECANCELED, "canceled");
    CHK_TRY(fetch(w, strip, 1, err));
    point_at(w, 0);
    for (size_t u = 0; u < n; u++) {
        chk_box part = *strip;
        part.lo[last] = w->box[u].lo[last];
        part.hi[last] = w->box[u].hi[last];
        size_t n_part = (size_t)chk_box_count(&part), row = n_part / (size_t)chk_box_extent(&part, axis);
        char *dest = w->out[0].made[u] + (size_t)(strip->lo[axis] - made->lo[axis]) * row * item;
        bool fill;
        CHK_TRY(do_block(w, strip, w->chunk[u], &part, &dest, &fill, err));
        if (fill) chk_kern_splat(dest, sink->fill.v.bytes, item, n_part);
        skip[u] &= fill;
        CHK_TRY(write_late(w, false, err));
    }
    release(w);
    w->arena.used = mark;
    return CHUNK_OK;
}

/* Block i of each of n units: what is handed on. skip: fill alone. */
static void set_beside(worker *w, size_t u, size_t at, const chk_box *made, bool skip)
{
    int last = made->ndim - 1;
    chk_box b = *made;
    b.lo[last] = w->box[u].lo[last];
    b.hi[last] = w->box[u].hi[last];
    size_t bytes = (size_t)chk_box_count(&b) * chk_dtype_size(w->f->out[0].dtype);
    w->block[at] = (chk_block){.box = b, .data = w->out[0].made[at], .n_bytes = bytes, .skip = skip};
}

/* The blocks `made` of n units, from an input that is opened for all of them. *placed: all of their chunks have their places; then each block is handed on
 * as soon as it is made, else all of them together. more: other blocks of the task follow. */
static chunk_status make_opened(worker *w, size_t n, const chk_box *made, bool *placed, bool more, chunk_error *err)
{
    const chk_source_ops *ops = w->f->program.input[0].source->ops;
    chk_source *s = w->f->program.input[0].source;
    size_t mark = w->arena.used;
    const void *opened;
    bool one_by_one = *placed;
    if (chk_task_canceled(w->t)) return chk_fail(err, CHUNK_ECANCELED, "canceled");
    CHK_TRY(ops->open(s, made, &w->arena, &w->hold[0], &opened, err));
    CHK_TRY(check_holds(w, err));
    for (size_t u = 0; u < n; u++) {
        size_t at = one_by_one ? 0 : u;
        uint64_t t0 = chk_clock_ns();
        set_beside(w, u, at, made, false);
        ops->make(s, opened, &w->block[at].box, w->out[0].made[at]);
        w->t->stats.ns_compute += chk_clock_ns() - t0;
        if (one_by_one) CHK_TRY(hand_on(w, 1, more || u + 1 < n, placed, err));
    }
    release(w);
    w->arena.used = mark;
    return one_by_one ? CHUNK_OK : hand_on(w, (int64_t)n, more, placed, err);
}

/* Units beside each other, a block of each at a time. */
static chunk_status run_beside(worker *w, size_t n, chunk_error *err)
{
    const chk_fused *f = w->f;
    int last = f->space.ndim - 1, axis = f->strip_axis;
    int64_t n_blocks = chk_geometry_n_blocks(&f->g, &w->box[0]);
    bool placed = false;
    for (int64_t i = 0; i < n_blocks; i++) {
        chk_box made, strip;
        bool skip[n];
        chk_geometry_block(&f->g, &w->box[0], i, &made);
        made.hi[last] = w->box[n - 1].hi[last];
        if (f->opens) {
            CHK_TRY(make_opened(w, n, &made, &placed, i + 1 < n_blocks, err));
            continue;
        }
        for (size_t u = 0; u < n; u++) skip[u] = true;
        strip = made;
        for (; strip.lo[axis] < made.hi[axis]; strip.lo[axis] = strip.hi[axis]) {
            strip.hi[axis] = strip.lo[axis] + f->strip < made.hi[axis] ? strip.lo[axis] + f->strip : made.hi[axis];
            CHK_TRY(make_strip(w, n, &strip, &made, skip, err));
        }
        for (size_t u = 0; u < n; u++) set_beside(w, u, u, &made, skip[u]);
        CHK_TRY(hand_on(w, (int64_t)n, i + 1 < n_blocks, &placed, err));
    }
    return write_late(w, true, err);
}

/* Chunks of fill alone are known by a look-up, before any block of them is fetched. */
static bool unit_is_fill(worker *w)
{
    const chk_fused *f = w->f;
    if (!f->program.constant_when_absent) return false;
    for (int i = 0; i < f->program.n_inputs; i++) {
        const chk_prog_input *in = &f->program.input[i];
        chk_piece *p = &w->piece[(size_t)i * (size_t)chk_fused_most_units(f)];
        if (!in->source->ops->all_fill || !in->source->ops->all_fill(in->source, &in->view, &w->box[0], &p->fill)) return false;
        p->data = NULL;
    }
    return true;
}

static void mark_empty(const chk_fused *f, chk_task *t)
{
    for (int o = 0; o < f->n_out && f->encoded; o++) {
        chk_block *b;
        if (f->out[o].reduce) continue;
        kept_area(f, t, o, &b);
        b->box.ndim = -1;
    }
}

chunk_status chk_fused_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    const chk_fused *f = p->ctx;
    worker w;
    CHK_TRY(carve(&w, f, t, p->work_bytes, err));
    size_t n = 0;
    int64_t first, n_units = chk_fused_units(f, t->number, &first);
    for (int64_t u = first; u < first + n_units; u++)
        if (chk_geometry_unit(&f->g, u, &w.box[n], w.chunk[n])) n++;
    mark_empty(f, t);
    if (n == 0) return CHUNK_OK;
    bool fetched = f->fetch_units || (f->beside == 1 && unit_is_fill(&w));
    chunk_status st = f->fetch_units ? fetch(&w, w.box, n, err) : CHUNK_OK;
    if (st != CHUNK_OK) return st;
    if (f->beside > 1)
        st = run_beside(&w, n, err);
    else if (f->units_per_task > 1)
        st = run_batch(&w, n, err);
    else
        st = run_unit(&w, fetched, err);
    release(&w);
    if (st != CHUNK_OK) return st;
    return flush(&w, err);
}

enum { ADVISE_BOXES = 32 }; /* told of at once: enough for neighbouring chunks to become one request */

static void advise_all(const chk_fused *f, const chk_box *box, size_t n)
{
    for (int i = 0; i < f->program.n_inputs && n > 0; i++) {
        const chk_prog_input *in = &f->program.input[i];
        if (in->source->ops->advise) in->source->ops->advise(in->source, &in->view, box, n);
    }
}

void chk_fused_advise(chk_pass *p, uint64_t task)
{
    const chk_fused *f = p->ctx;
    int64_t chunk[CHK_MAX_NDIM], first, n_units = chk_fused_units(f, task, &first);
    chk_box box[ADVISE_BOXES];
    size_t n = 0;
    for (int64_t u = first; u < first + n_units; u++) {
        if (!chk_geometry_unit(&f->g, u, &box[n], chunk) || ++n < ADVISE_BOXES) continue;
        advise_all(f, box, n);
        n = 0;
    }
    advise_all(f, box, n);
}
