/* retile_run.c: one task of retile.h: fetch the pieces of a tile, then make output chunks of them. */
#include <stdatomic.h>
#include <string.h>

#include "base/thread.h"
#include "plan/put.h"
#include "plan/retile_pieces.h"

typedef struct worker {
    const chk_retile *r;
    chk_task *t;
    chk_arena arena;
    chk_prog_state prog;
    chk_box tile;
    chk_retile_pieces *in;
    chk_hold *hold;
    char *out; /* a strip, or a chunk to encode */
    chk_late late;
    void *scratch;
} worker;

/* ---- memory */

static size_t strip_elements(const chk_retile *r)
{
    int64_t n = 1;
    for (int a = 0; a < r->space.ndim && n < r->strip; a++) n *= r->choice[a][r->at[a]].most;
    return (size_t)(n < r->strip ? n : r->strip);
}

static size_t out_bytes(const chk_retile *r)
{
    size_t n = chk_dtype_size(r->dtype);
    if (!r->encoded) return n * strip_elements(r);
    for (int a = 0; a < r->space.ndim; a++) n *= (size_t)chk_axis_max_chunk(&r->grid.axis[a]);
    return n;
}

size_t chk_retile_work_bytes(const chk_retile *r)
{
    size_t n = chk_program_work_bytes(&r->program) + chk_arena_cost((size_t)r->n_in * sizeof(chk_retile_pieces)) +
               chk_arena_cost((size_t)r->n_in * sizeof(chk_hold)) + chk_arena_cost(out_bytes(r)) +
               chk_arena_cost(r->scratch_bytes) + chk_late_bytes(r->most_late, out_bytes(r)) + 1024;
    for (int i = 0; i < r->n_in; i++) {
        size_t cells = (size_t)r->in[i].most_cells, item = chk_dtype_size(r->program.input[i].source->dtype);
        n += chk_arena_cost(cells * sizeof(chk_box)) + chk_arena_cost(cells * sizeof(chk_piece)) +
             chk_arena_cost((size_t)r->in[i].most_bounds * sizeof(int64_t)) +
             (r->copies ? 0 : chk_arena_cost(strip_elements(r) * item));
    }
    return n;
}

size_t chk_retile_kept_bytes(const chk_retile *r)
{
    return 64 + (size_t)r->tile_chunks * (chk_arena_cost(sizeof(chk_block)) + chk_arena_cost(r->kept_bytes));
}

static bool carve(worker *w, const chk_retile *r, chk_task *t, size_t work_bytes)
{
    *w = (worker){.r = r, .t = t};
    chk_arena *a = &w->arena;
    chk_arena_init(a, t->work, work_bytes);
    bool ok = chk_prog_state_init(&w->prog, &r->program, a, true) && (w->in = chk_arena_get(a, (size_t)r->n_in * sizeof *w->in)) &&
              (w->hold = chk_arena_get(a, (size_t)r->n_in * sizeof *w->hold)) && (w->out = chk_arena_get(a, out_bytes(r))) &&
              (w->scratch = chk_arena_get(a, r->scratch_bytes)) &&
              chk_late_init(&w->late, r->most_late, out_bytes(r), r->sink, !r->own_sink, t, a);
    if (!ok) return false;
    memset(w->hold, 0, (size_t)r->n_in * sizeof *w->hold);
    for (int i = 0; i < r->n_in && ok; i++) {
        chk_retile_pieces *p = &w->in[i];
        size_t cells = (size_t)r->in[i].most_cells, item = chk_dtype_size(r->program.input[i].source->dtype);
        p->swapped = false;
        ok = (p->box = chk_arena_get(a, cells * sizeof *p->box)) && (p->piece = chk_arena_get(a, cells * sizeof *p->piece)) &&
             (p->bound[0] = chk_arena_get(a, (size_t)r->in[i].most_bounds * sizeof(int64_t))) &&
             (r->copies || (p->strip = chk_arena_get(a, strip_elements(r) * item)));
    }
    return ok;
}

/* ---- fetching */

static chunk_status fetch(worker *w, chunk_error *err)
{
    const chk_retile *r = w->r;
    for (int i = 0; i < r->n_in; i++) {
        const chk_prog_input *in = &r->program.input[i];
        chk_retile_pieces *p = &w->in[i];
        chk_retile_list_cells(p, &r->in[i], &w->tile);
        w->hold[i].waits_for_memory = !r->program.slow;
        CHK_TRY(in->source->ops->fetch(in->source, &in->view, p->box, p->n_cells, &w->arena, &w->hold[i], p->piece, err));
        for (size_t k = 0; k < p->n_cells; k++) p->swapped |= p->piece[k].data && p->piece[k].swapped;
    }
    return CHUNK_OK;
}

static chunk_status check_holds(worker *w, chunk_error *err)
{
    for (int i = 0; i < w->r->n_in; i++)
        if (chk_hold_failed(&w->hold[i]))
            return chk_fail(err, CHUNK_EFILE, "%s: the file became shorter, or its device failed, while it was being read",
                            w->r->program.input[i].source->name);
    return CHUNK_OK;
}

static void release(worker *w)
{
    for (int i = 0; i < w->r->n_in; i++) {
        chk_source *s = w->r->program.input[i].source;
        chk_hold *h = &w->hold[i];
        chk_task_count(w->t, h);
        s->ops->release(s, h);
    }
}

/* ---- a strip */

static chunk_status make_strip(worker *w, const chk_box *strip, char *to, chunk_error *err)
{
    const chk_retile *r = w->r;
    if (r->copies) {
        chk_retile_assemble(&w->in[0], strip, r->dtype, to);
        return CHUNK_OK;
    }
    chk_piece piece[CHK_RETILE_INPUTS];
    const chk_piece *at[CHK_RETILE_INPUTS];
    for (int i = 0; i < r->n_in; i++) {
        chk_dtype d = r->program.input[i].source->dtype;
        int64_t next = (int64_t)chk_dtype_size(d);
        at[i] = &piece[i];
        if (chk_retile_in_place(&w->in[i], strip, chk_dtype_size(d), &piece[i])) continue;
        chk_retile_assemble(&w->in[i], strip, d, w->in[i].strip);
        piece[i] = (chk_piece){.data = w->in[i].strip};
        for (int a = strip->ndim - 1; a >= 0; a--) {
            piece[i].stride[a] = next;
            next *= chk_box_extent(strip, a);
        }
    }
    chk_prog_out out = {.value = r->value, .dest = to};
    return chk_program_run(&w->prog, at, strip, strip, &out, 1, err);
}

/* ---- an output chunk */

/* Strips of the part of a chunk that lies in the tile: runs of the chunk's C order. One index on the axes before p, up to k on p, the chunk's whole
 * extent behind it. */
static int64_t cut_part(const chk_retile *r, const chk_box *chunk, const chk_box *part, int *p)
{
    int64_t inner = 1, n;
    int a = part->ndim - 1;
    for (; a > 0 && chk_box_extent(part, a) == chk_box_extent(chunk, a) && (n = inner * chk_box_extent(part, a)) <= r->strip; a--)
        inner = n;
    *p = a;
    n = r->strip / inner;
    return n > 0 ? n : 1;
}

/* Whether the strip has to be written: of chunks that have places what is fill alone has not. */
static bool is_stored(const worker *w, const chk_block *b, int64_t number)
{
    const chk_retile *r = w->r;
    if (!r->placed) return true;
    bool fill = r->sink->has_fill && r->sink->ops->leading_fill(r->sink, b) == chk_box_count(&b->box);
    if (!fill) atomic_store_explicit(&chk_retile_stored(r)[number], 1, memory_order_relaxed);
    return !fill;
}

/* Strip by strip: made, and written where chunks are not encoded. at: the chunk's place, for sinks that have some. */
static chunk_status make_part(worker *w, const chk_box *chunk, const chk_box *part, int64_t number, uint64_t at, chunk_error *err)
{
    const chk_retile *r = w->r;
    size_t item = chk_dtype_size(r->dtype), done = 0;
    int p;
    int64_t k = cut_part(r, chunk, part, &p);
    chk_box strip = *part;
    for (int a = 0; a <= p; a++) strip.hi[a] = strip.lo[a] + 1;
    for (int a = 0; a >= 0;) {
        strip.hi[p] = strip.lo[p] + k < part->hi[p] ? strip.lo[p] + k : part->hi[p];
        chk_block b = {.box = strip, .data = w->out, .n_bytes = (size_t)chk_box_count(&strip) * item, .addr = at};
        uint64_t t0 = chk_clock_ns();
        CHK_TRY(make_strip(w, &strip, w->out + done, err));
        w->t->stats.ns_compute += chk_clock_ns() - t0;
        if (r->encoded) {
            done += b.n_bytes;
        } else {
            CHK_TRY(check_holds(w, err));
            if (is_stored(w, &b, number)) CHK_TRY(chk_late_put(&w->late, &b, &w->out, err));
        }
        for (a = p; a >= 0; a--) {
            strip.lo[a] = a == p ? strip.hi[a] : strip.lo[a] + 1;
            if (strip.lo[a] < part->hi[a]) break;
            strip.lo[a] = part->lo[a];
        }
        for (int b2 = 0; b2 < p; b2++) strip.hi[b2] = strip.lo[b2] + 1;
    }
    return CHUNK_OK;
}

/* A task's kept area: how many blocks there are, the blocks, what is stored of them end to end. */
static chk_block *kept_block(const chk_task *t, size_t i)
{
    return (chk_block *)(void *)((char *)t->kept + 64 + i * chk_arena_cost(sizeof(chk_block)));
}

static chunk_status encode(worker *w, const chk_box *chunk, size_t *used, chunk_error *err)
{
    const chk_retile *r = w->r;
    size_t *n = w->t->kept;
    chk_block *b = kept_block(w->t, *n);
    char *to = (char *)kept_block(w->t, (size_t)r->tile_chunks) + *used;
    *b = (chk_block){.box = *chunk, .data = w->out, .n_bytes = (size_t)chk_box_count(chunk) * chk_dtype_size(r->dtype)};
    CHK_TRY(check_holds(w, err));
    uint64_t t0 = chk_clock_ns();
    CHK_TRY(r->sink->ops->encode(r->sink, b, to, r->kept_bytes, w->scratch, r->scratch_bytes, err));
    w->t->stats.ns_encode += chk_clock_ns() - t0;
    if (!b->skip) *used += chk_arena_cost(b->n_bytes);
    ++*n;
    return CHUNK_OK;
}

static int64_t number_of(const chk_retile *r, const int64_t *coord)
{
    int64_t number = 0;
    for (int a = 0; a < r->space.ndim; a++) number = number * r->grid.axis[a].n_chunks + coord[a];
    return number;
}

static chunk_status make_chunks(worker *w, chunk_error *err)
{
    const chk_retile *r = w->r;
    const chk_box *tile = &w->tile;
    int ndim = tile->ndim;
    int64_t first[CHK_MAX_NDIM], coord[CHK_MAX_NDIM];
    size_t used = 0;
    for (int a = 0; a < ndim; a++) first[a] = coord[a] = chk_axis_find(&r->grid.axis[a], tile->lo[a]);
    for (int a = 0; a >= 0;) {
        chk_box chunk, part = {.ndim = ndim};
        chk_grid_chunk_box(&chunk, &r->grid, coord);
        for (int b = 0; b < ndim; b++) {
            part.lo[b] = chunk.lo[b] > tile->lo[b] ? chunk.lo[b] : tile->lo[b];
            part.hi[b] = chunk.hi[b] < tile->hi[b] ? chunk.hi[b] : tile->hi[b];
        }
        int64_t number = r->placed ? number_of(r, coord) : 0;
        uint64_t at = r->placed ? ((const uint64_t *)r->places->buf.data)[number] : 0;
        if (chk_task_canceled(w->t)) return chk_fail(err, CHUNK_ECANCELED, "canceled");
        if (at || !r->placed) CHK_TRY(make_part(w, &chunk, &part, number, at, err));
        if (r->encoded) CHK_TRY(encode(w, &chunk, &used, err));
        for (a = ndim - 1; a >= 0; a--) {
            if (chunk.hi[a] < tile->hi[a]) {
                coord[a]++;
                break;
            }
            coord[a] = first[a];
        }
    }
    return CHUNK_OK;
}

/* ---- the task */

chunk_status chk_retile_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    const chk_retile *r = p->ctx;
    worker w;
    if (r->encoded) *(size_t *)t->kept = 0;
    chk_box tile;
    if (!chk_retile_tile(r, t->number, &tile)) return CHUNK_OK;
    if (!carve(&w, r, t, p->work_bytes))
        return chk_fail(err, CHUNK_ESTATE, "internal: a tile of %s is larger than planned", r->name);
    w.tile = tile;
    chunk_status st = fetch(&w, err);
    if (st == CHUNK_OK) st = make_chunks(&w, err);
    if (st == CHUNK_OK) st = chk_late_write(&w.late, true, err);
    release(&w);
    return st;
}

chunk_status chk_retile_claim(chk_pass *p, chk_task *t, chunk_error *err)
{
    chk_sink *sink = ((chk_retile *)p->ctx)->sink;
    for (size_t i = 0; i < *(const size_t *)t->kept; i++) CHK_TRY(sink->ops->claim(sink, kept_block(t, i), err));
    return CHUNK_OK;
}

chunk_status chk_retile_write(chk_pass *p, chk_task *t, chunk_error *err)
{
    chk_sink *sink = ((chk_retile *)p->ctx)->sink;
    uint64_t t0 = chk_clock_ns();
    for (size_t i = 0; i < *(const size_t *)t->kept; i++) {
        chk_block *b = kept_block(t, i);
        if (b->skip) continue;
        CHK_TRY(sink->ops->write(sink, b, err));
        t->stats.bytes_written += b->n_bytes;
    }
    t->stats.ns_write += chk_clock_ns() - t0;
    return CHUNK_OK;
}

enum { ADVISE_BOXES = 32 };

void chk_retile_advise(chk_pass *p, uint64_t task)
{
    const chk_retile *r = p->ctx;
    chk_box tile, box[ADVISE_BOXES];
    if (!chk_retile_tile(r, task, &tile)) return;
    for (int i = 0; i < r->n_in; i++) {
        const chk_prog_input *pi = &r->program.input[i];
        const chk_retile_input *in = &r->in[i];
        if (!pi->source->ops->advise || !in->cut) continue;
        int64_t lo[CHK_MAX_NDIM];
        size_t n = 0;
        memcpy(lo, tile.lo, sizeof lo);
        for (int a = 0; a >= 0 && n < ADVISE_BOXES;) {
            chk_box *b = &box[n++];
            b->ndim = tile.ndim;
            for (int k = 0; k < tile.ndim; k++) {
                int64_t end = chk_axis_bound(&in->axis[k], chk_axis_find(&in->axis[k], lo[k]) + 1);
                b->lo[k] = lo[k];
                b->hi[k] = end < tile.hi[k] ? end : tile.hi[k];
            }
            for (a = tile.ndim - 1; a >= 0 && (lo[a] = b->hi[a]) >= tile.hi[a]; a--) lo[a] = tile.lo[a];
        }
        pi->source->ops->advise(pi->source, &pi->view, box, n);
    }
}
