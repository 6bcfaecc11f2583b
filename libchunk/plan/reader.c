/* reader.c: see reader.h. */
#include "plan/reader.h"

#include <string.h>

#include "base/thread.h"

/* A band: 256 KiB of float64, so that what is fetched is still in the second-level cache when it is computed with. Of stencils over stencils each cut
 * costs a halo at every level: a block of 64 Ki elements is read whole, with the halo of ten of them and more. */
enum { BAND_ELEMENTS = 32 << 10, BAND_OF_STENCILS = 128 << 10, LARGE_CHUNK = 4 << 10 };

int64_t chk_extent_count(int ndim, const int64_t *extent)
{
    int64_t n = 1;
    for (int a = 0; a < ndim; a++)
        if (__builtin_mul_overflow(n, extent[a] > 0 ? extent[a] : 0, &n)) return INT64_MAX;
    return n;
}

size_t chk_extent_bytes(int ndim, const int64_t *extent, chk_dtype d)
{
    int64_t n = chk_extent_count(ndim, extent), most = INT64_MAX >> 8;
    return (size_t)(n > most ? most : n) * chk_dtype_size(d);
}

chunk_status chk_reader_init_all(chk_reader *r, chk_node *const *nodes, int n, chk_prog_lookup lookup, void *arg, chunk_error *err)
{
    memset(r, 0, sizeof *r);
    r->n_values = n;
    r->node = chk_node_retain(nodes[0]);
    r->grid = nodes[0]->grid;
    chk_program_init(&r->program, &nodes[0]->shape);
    chk_view view = chk_view_identity(&nodes[0]->shape);
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < n && st == CHUNK_OK; i++) {
        r->dtype[i] = nodes[i]->dtype;
        st = chk_program_add(&r->program, nodes[i], &view, false, lookup, arg, &r->value[i], err);
    }
    if (st == CHUNK_OK) st = chk_program_seal(&r->program, r->value, n, err);
    if (st != CHUNK_OK) {
        chk_reader_done(r);
        return st;
    }
    r->cuttable = true;
    for (int i = 0; i < r->program.n_inputs; i++) {
        const chk_source *s = r->program.input[i].source;
        r->cuttable &= s->cuttable;
        r->overlaps |= s->overlaps != 0;
        if (s->halo > r->halo) r->halo = s->halo;
    }
    return CHUNK_OK;
}

chunk_status chk_reader_init(chk_reader *r, const chk_node *node, chk_prog_lookup lookup, void *arg, chunk_error *err)
{
    chk_node *one = (chk_node *)node;
    return chk_reader_init_all(r, &one, 1, lookup, arg, err);
}

void chk_reader_done(chk_reader *r)
{
    chk_program_free(&r->program);
    chk_node_release(r->node);
    r->node = NULL;
}

/* Bands: from the innermost axis on, as far as a chunk goes where what chunks and box have in common is large, and up to BAND_ELEMENTS where chunks can
 * be cut. Of stencils without regard to chunks, and alike. */
static void choose_band(chk_reader *r, const int64_t *extent)
{
    int64_t count = 1, common = 1;
    for (int a = 0; a < r->program.space.ndim && common < LARGE_CHUNK; a++) {
        int64_t chunk = chk_axis_max_chunk(&r->grid.axis[a]), both = chunk < extent[a] ? chunk : extent[a];
        if (both > 1) common *= both;
    }
    for (int a = r->program.space.ndim - 1; a >= 0; a--) {
        int64_t e = extent[a] > 0 ? extent[a] : 1, chunk = chk_axis_max_chunk(&r->grid.axis[a]);
        int64_t most = (r->overlaps ? BAND_OF_STENCILS : BAND_ELEMENTS) / count;
        if (most < 1) most = 1;
        r->by_chunk[a] = !r->overlaps && chunk > 0 && chunk < e && common >= LARGE_CHUNK;
        if (r->by_chunk[a]) e = chunk;
        if (r->cuttable && e > most) e = r->overlaps ? (e + (e - 1) / most) / ((e - 1) / most + 1) : most;
        r->band[a] = e;
        count = e > INT64_MAX / count ? INT64_MAX : count * e;
    }
}

/* The end of the band that begins at lo, at most hi. */
static int64_t band_end(const chk_reader *r, int a, int64_t lo, int64_t hi)
{
    if (hi - lo > r->band[a]) hi = lo + r->band[a];
    if (!r->by_chunk[a]) return hi;
    int64_t end = chk_axis_bound(&r->grid.axis[a], chk_axis_find(&r->grid.axis[a], lo) + 1);
    return end < hi ? end : hi;
}

void chk_reader_need(chk_reader *r, const int64_t *extent, chk_need *out)
{
    choose_band(r, extent);
    size_t inputs = (size_t)r->program.n_inputs, most = 0, held = 0;
    *out = (chk_need){0};
    for (size_t i = 0; i < inputs; i++) {
        const chk_prog_input *in = &r->program.input[i];
        chk_need need = {0};
        in->source->ops->need(in->source, &in->view, r->band, 1, false, &need);
        held += chk_arena_cost(need.arena);
        if (need.transient > most) most = need.transient;
        out->window += need.window;
    }
    out->transient = held + most + chk_arena_cost(inputs * sizeof(chk_piece)) + chk_arena_cost(inputs * sizeof(chk_hold)) +
                     chk_program_work_bytes(&r->program) + 256;
}

chk_source *chk_reader_plain(const chk_reader *r, const chk_view **view, const chk_scalar **constant)
{
    const chk_instr *c = &r->program.instr[r->value[0]];
    if (chk_program_is_truth(&r->program, r->value[0])) c = &r->program.instr[c->in[0]]; /* whoever loads it compares it, too */
    *constant = c->kind == CHK_INSTR_CONST ? &c->u.scalar : NULL;
    if (c->kind != CHK_INSTR_LOAD) return NULL;
    *view = &r->program.input[c->u.input].view;
    return r->program.input[c->u.input].source;
}

static void give_back(const chk_reader *r, chk_hold *holds, int n, chk_hold *books)
{
    for (int i = 0; i < n; i++) {
        chk_source *s = r->program.input[i].source;
        chk_hold_count(books, &holds[i]);
        s->ops->release(s, &holds[i]);
    }
}

/* Runs of dest that are dense: the axes from the returned one on. */
static int dense_from(const chk_box *box, const int64_t *stride, size_t item)
{
    int64_t next = (int64_t)item;
    int a = box->ndim;
    while (a > 0 && (stride[a - 1] == next || chk_box_extent(box, a - 1) == 1)) next *= chk_box_extent(box, --a);
    return a;
}

/* Where one value goes: dest is that of the box being read, stride in bytes. */
typedef struct place {
    char *dest;
    int64_t stride[CHK_MAX_NDIM];
} place;

static chunk_status evaluate(const chk_reader *r, chk_prog_state *s, const chk_piece *pieces, const chk_box *box, const place *to,
                             chunk_error *err)
{
    const chk_piece *at[r->program.n_inputs + 1];
    for (int i = 0; i < r->program.n_inputs; i++) at[i] = &pieces[i];
    int outer = 0;
    for (int v = 0; v < r->n_values; v++) {
        int from = dense_from(box, to[v].stride, chk_dtype_size(r->dtype[v]));
        if (from > outer) outer = from;
    }
    chk_box run = *box;
    for (int a = 0; a < outer; a++) run.hi[a] = run.lo[a] + 1;
    for (;;) {
        chk_prog_out out[CHK_READER_VALUES];
        for (int v = 0; v < r->n_values; v++) {
            int64_t offset = 0;
            for (int a = 0; a < outer; a++) offset += (run.lo[a] - box->lo[a]) * to[v].stride[a];
            out[v] = (chk_prog_out){.value = r->value[v], .dest = to[v].dest + offset};
        }
        CHK_TRY(chk_program_run(s, at, box, &run, out, r->n_values, err));
        int a = outer - 1;
        for (; a >= 0; a--) {
            run.hi[a]++;
            if (++run.lo[a] < box->hi[a]) break;
            run.lo[a] = box->lo[a];
            run.hi[a] = run.lo[a] + 1;
        }
        if (a < 0) return CHUNK_OK;
    }
}

static chunk_status read_band(const chk_reader *r, const chk_box *box, const place *to, chk_arena *arena, chk_hold *books,
                              chunk_error *err)
{
    size_t n = (size_t)r->program.n_inputs, mark = arena->used;
    chk_prog_state state;
    chk_piece *piece = chk_arena_get(arena, n * sizeof *piece);
    chk_hold *hold = chk_arena_get(arena, n * sizeof *hold);
    if (!piece || !hold || !chk_prog_state_init(&state, &r->program, arena, true))
        return chk_fail(err, CHUNK_ESTATE, "internal: reading a box needs more memory than planned");
    memset(hold, 0, n * sizeof *hold);
    chunk_status st = CHUNK_OK;
    int done = 0;
    for (; done < (int)n && st == CHUNK_OK; done++) {
        const chk_prog_input *in = &r->program.input[done];
        st = in->source->ops->fetch(in->source, &in->view, box, 1, arena, &hold[done], &piece[done], err);
        if (st != CHUNK_OK) break;
    }
    uint64_t t0 = chk_clock_ns();
    if (st == CHUNK_OK) st = evaluate(r, &state, piece, box, to, err);
    books->ns_compute += chk_clock_ns() - t0;
    for (int i = 0; i < done && st == CHUNK_OK; i++)
        if (chk_hold_failed(&hold[i]))
            st = chk_fail(err, CHUNK_EFILE, "%s: the file became shorter, or its device failed, while it was being read",
                          r->program.input[i].source->name);
    give_back(r, hold, done, books);
    arena->used = mark;
    return st;
}

static chunk_status read_box(const chk_reader *r, const chk_box *box, const place *whole, chk_arena *arena, chk_hold *hold,
                             chunk_error *err)
{
    int ndim = box->ndim;
    chk_box band = *box;
    const chk_view *view;
    const chk_scalar *constant;
    chk_source *plain = chk_box_count(box) > 0 && r->n_values == 1 ? chk_reader_plain(r, &view, &constant) : NULL;
    if (plain && plain->ops->read) {
        bool done;
        chunk_status st = plain->ops->read(plain, view, box, whole->dest, whole->stride, arena, hold, &done, err);
        if (st != CHUNK_OK || done) return st;
    }
    for (int a = 0; a < ndim; a++) {
        if (box->lo[a] >= box->hi[a]) return CHUNK_OK;
        band.hi[a] = band_end(r, a, band.lo[a], box->hi[a]);
    }
    for (;;) {
        place to[CHK_READER_VALUES];
        for (int v = 0; v < r->n_values; v++) {
            to[v] = whole[v];
            for (int a = 0; a < ndim; a++) to[v].dest += (band.lo[a] - box->lo[a]) * whole[v].stride[a];
        }
        CHK_TRY(read_band(r, &band, to, arena, hold, err));
        int a = ndim - 1;
        for (; a >= 0; a--) {
            band.lo[a] = band.hi[a];
            if (band.lo[a] < box->hi[a]) break;
            band.lo[a] = box->lo[a];
            band.hi[a] = band_end(r, a, band.lo[a], box->hi[a]);
        }
        if (a < 0) return CHUNK_OK;
        band.hi[a] = band_end(r, a, band.lo[a], box->hi[a]);
    }
}

static void dense_strides(int64_t *stride, const chk_box *box, chk_dtype d)
{
    int64_t next = (int64_t)chk_dtype_size(d);
    for (int a = box->ndim - 1; a >= 0; a--) {
        stride[a] = next;
        next *= chk_box_extent(box, a);
    }
}

chunk_status chk_reader_read(const chk_reader *r, const chk_box *box, void *dest, const int64_t *stride, chk_arena *arena,
                             chk_hold *hold, chunk_error *err)
{
    place to = {.dest = dest};
    if (stride)
        memcpy(to.stride, stride, (size_t)box->ndim * sizeof *stride);
    else
        dense_strides(to.stride, box, r->dtype[0]);
    return read_box(r, box, &to, arena, hold, err);
}

chunk_status chk_reader_read_all(const chk_reader *r, const chk_box *box, void *const *dest, chk_arena *arena, chk_hold *hold,
                                 chunk_error *err)
{
    place to[CHK_READER_VALUES];
    for (int v = 0; v < r->n_values; v++) {
        to[v].dest = dest[v];
        dense_strides(to[v].stride, box, r->dtype[v]);
    }
    return read_box(r, box, to, arena, hold, err);
}

void chk_reader_advise(const chk_reader *r, const chk_box *box)
{
    for (int a = 0; a < box->ndim; a++)
        if (box->lo[a] >= box->hi[a]) return; /* of a halo that lies outside the array altogether */
    for (int i = 0; i < r->program.n_inputs; i++) {
        const chk_prog_input *in = &r->program.input[i];
        if (in->source->ops->advise) in->source->ops->advise(in->source, &in->view, box, 1);
    }
}

void chk_reader_sources(const chk_reader *r, void (*visit)(void *arg, chk_source *s), void *arg)
{
    for (int i = 0; i < r->program.n_inputs; i++) visit(arg, r->program.input[i].source);
}

uint64_t chk_reader_stored_bytes(const chk_reader *r)
{
    uint64_t n = 0;
    for (int i = 0; i < r->program.n_inputs; i++) n += chk_source_view_bytes(r->program.input[i].source, &r->program.input[i].view);
    return n;
}

size_t chk_reader_worker_bytes(const chk_reader *r)
{
    size_t n = 0;
    for (int i = 0; i < r->program.n_inputs; i++) n += r->program.input[i].source->worker_bytes;
    return n;
}

bool chk_reader_thread_safe(const chk_reader *r)
{
    bool safe = true;
    for (int i = 0; i < r->program.n_inputs; i++) safe &= r->program.input[i].source->thread_safe;
    return safe;
}
