/* reader.c: see reader.h. */
#include "plan/reader.h"

#include <string.h>

#include "base/thread.h"

/* A band: 256 KiB of float64, so that what is fetched is still in the second-level cache when it is computed with. */
enum { BAND_ELEMENTS = 32 << 10 };

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

chunk_status chk_reader_init(chk_reader *r, const chk_node *node, chk_prog_lookup lookup, void *arg, chunk_error *err)
{
    memset(r, 0, sizeof *r);
    r->dtype = node->dtype;
    chk_program_init(&r->program, &node->shape);
    chk_view view = chk_view_identity(&node->shape);
    chunk_status st = chk_program_add(&r->program, node, &view, false, lookup, arg, &r->value, err);
    if (st == CHUNK_OK) st = chk_program_seal(&r->program, &r->value, 1, err);
    if (st != CHUNK_OK) {
        chk_program_free(&r->program);
        return st;
    }
    r->cuttable = true;
    for (int i = 0; i < r->program.n_inputs; i++) r->cuttable &= r->program.input[i].source->cuttable;
    return CHUNK_OK;
}

void chk_reader_done(chk_reader *r) { chk_program_free(&r->program); }

void chk_reader_need(chk_reader *r, const int64_t *extent, chk_need *out)
{
    int ndim = r->program.space.ndim;
    int64_t inner = chk_extent_count(ndim, extent);
    for (int a = 0; a < ndim; a++) {
        int64_t e = extent[a] > 0 ? extent[a] : 1;
        inner = inner / e;
        r->band[a] = e;
        if (r->cuttable && inner < BAND_ELEMENTS && e > BAND_ELEMENTS / (inner > 0 ? inner : 1)) {
            r->band[a] = BAND_ELEMENTS / (inner > 0 ? inner : 1);
            for (int b = a + 1; b < ndim; b++) r->band[b] = extent[b] > 0 ? extent[b] : 1;
            break;
        }
        if (r->cuttable && inner >= BAND_ELEMENTS) r->band[a] = 1;
    }
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

static void give_back(const chk_reader *r, chk_hold *holds, int n, chk_hold *books)
{
    for (int i = 0; i < n; i++) {
        chk_source *s = r->program.input[i].source;
        books->bytes_read += holds[i].bytes_read;
        books->ns_read += holds[i].ns_read;
        books->ns_decode += holds[i].ns_decode;
        books->ns_compute += holds[i].ns_compute;
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

static chunk_status evaluate(const chk_reader *r, chk_prog_state *s, const chk_piece *pieces, const chk_box *box, char *dest,
                             const int64_t *stride, chunk_error *err)
{
    const chk_piece *at[r->program.n_inputs + 1];
    for (int i = 0; i < r->program.n_inputs; i++) at[i] = &pieces[i];
    int outer = dense_from(box, stride, chk_dtype_size(r->dtype));
    chk_box run = *box;
    for (int a = 0; a < outer; a++) run.hi[a] = run.lo[a] + 1;
    for (;;) {
        int64_t offset = 0;
        for (int a = 0; a < outer; a++) offset += (run.lo[a] - box->lo[a]) * stride[a];
        chk_prog_out out = {.value = r->value, .dest = dest + offset};
        CHK_TRY(chk_program_run(s, at, box, &run, &out, 1, err));
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

static chunk_status read_band(const chk_reader *r, const chk_box *box, char *dest, const int64_t *stride, chk_arena *arena,
                              chk_hold *books, chunk_error *err)
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
    if (st == CHUNK_OK) st = evaluate(r, &state, piece, box, dest, stride, err);
    books->ns_compute += chk_clock_ns() - t0;
    for (int i = 0; i < done && st == CHUNK_OK; i++)
        if (chk_hold_failed(&hold[i]))
            st = chk_fail(err, CHUNK_EFILE, "%s: the file became shorter, or its device failed, while it was being read",
                          r->program.input[i].source->name);
    give_back(r, hold, done, books);
    arena->used = mark;
    return st;
}

chunk_status chk_reader_read(const chk_reader *r, const chk_box *box, void *dest, const int64_t *stride, chk_arena *arena,
                             chk_hold *hold, chunk_error *err)
{
    int ndim = box->ndim;
    int64_t dense[CHK_MAX_NDIM], next = (int64_t)chk_dtype_size(r->dtype);
    for (int a = ndim - 1; a >= 0; a--) {
        if (box->lo[a] >= box->hi[a]) return CHUNK_OK;
        dense[a] = next;
        next *= chk_box_extent(box, a);
    }
    if (!stride) stride = dense;
    chk_box band = *box;
    for (int a = 0; a < ndim; a++)
        if (band.hi[a] > band.lo[a] + r->band[a]) band.hi[a] = band.lo[a] + r->band[a];
    for (;;) {
        int64_t offset = 0;
        for (int a = 0; a < ndim; a++) offset += (band.lo[a] - box->lo[a]) * stride[a];
        CHK_TRY(read_band(r, &band, (char *)dest + offset, stride, arena, hold, err));
        int a = ndim - 1;
        for (; a >= 0; a--) {
            band.lo[a] = band.hi[a];
            if (band.lo[a] < box->hi[a]) break;
            band.lo[a] = box->lo[a];
            band.hi[a] = band.lo[a] + r->band[a] < box->hi[a] ? band.lo[a] + r->band[a] : box->hi[a];
        }
        if (a < 0) return CHUNK_OK;
        band.hi[a] = band.lo[a] + r->band[a] < box->hi[a] ? band.lo[a] + r->band[a] : box->hi[a];
    }
}

void chk_reader_advise(const chk_reader *r, const chk_box *box)
{
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
    for (int i = 0; i < r->program.n_inputs; i++) n += r->program.input[i].source->stored_bytes;
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
