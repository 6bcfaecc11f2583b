/* retile_lower.c: when a stored value is made by tiles, and in one pass or, through scratch, in two.
 *
 * Two passes are rechunker's way (https://rechunker.readthedocs.io/en/latest/algorithm.html): the first reads whole input chunks and writes parts of
 * intermediate ones, the second reads these and writes whole output chunks. They cost writing and reading the value once more, and are worth it
 * where one pass would decode input chunks several times, or read them in very short runs. */
#include <string.h>

#include "base/alloc.h"
#include "plan/retile.h"
#include "plan/spill.h"

#define NS_SCRATCH_BYTE 0.5 /* written once, read once */

enum { LEAST_ELEMENTS = 8192, MOST_PLACES = 1 << 20, PART_BYTES = 1 << 20 };

/* ---- whether at all */

/* All of the space is seen in it, and its innermost axis is not the space's. */
static bool is_transposed(const chk_prog_input *in, const chk_shape *space)
{
    int last = space->ndim - 1, inner = in->view.base_ndim - 1;
    while (last > 0 && space->dim[last] == 1) last--;
    while (inner > 0 && (in->view.axis[inner] < 0 || space->dim[in->view.axis[inner]] == 1)) inner--;
    return inner >= 0 && in->view.axis[inner] != last;
}

static bool fits_badly(const chk_prog_input *in, const chk_shape *space)
{
    bool shown[CHK_MAX_NDIM] = {false};
    for (int b = 0; b < in->view.base_ndim; b++)
        if (in->view.axis[b] >= 0) shown[in->view.axis[b]] = true;
    for (int a = 0; a < space->ndim; a++)
        if (!shown[a] && space->dim[a] > 1) return false;
    return in->source->file && (!in->aligned || is_transposed(in, space));
}

bool chk_retile_wanted(const chk_fused *f, const chk_target *target)
{
    bool badly = false;
    if (!target || f->n_out != 1 || f->out[0].reduce || !target->own_grid || !target->ordered || target->serial) return false;
    if (f->space.ndim < 1 || f->program.n_inputs < 1 || f->program.n_inputs > CHK_RETILE_INPUTS) return false;
    if (chk_shape_count(&f->space) < LEAST_ELEMENTS) return false;
    if (target->whole_chunks ? !target->kept_bytes : chk_grid_n_chunks(&f->grid) > MOST_PLACES) return false;
    for (int i = 0; i < f->program.n_inputs; i++) {
        const chk_prog_input *in = &f->program.input[i];
        if (in->source->ops->inner || !in->source->thread_safe) return false;
        badly |= fits_badly(in, &f->space);
    }
    return badly;
}

/* ---- one pass or two */

static int64_t power_below(int64_t n)
{
    int64_t p = 1;
    while (2 * p <= n) p *= 2;
    return p;
}

static double box_bytes(const chk_retile *r, const int64_t *extent)
{
    double n = (double)chk_dtype_size(r->dtype);
    for (int a = 0; a < r->space.ndim; a++) n *= (double)extent[a];
    return n;
}

/* The intermediate grid: what a tile of whole input chunks and one of whole output chunks share, when each is as large as a worker's memory
 * allows; half of that along axes where a tile has several chunks, so that slightly smaller tiles still consist of whole intermediate chunks. */
static void choose_between(const chk_retile *r, double worker_bytes, chk_grid *out)
{
    int ndim = r->space.ndim;
    int64_t in[CHK_MAX_NDIM], from[CHK_MAX_NDIM], to[CHK_MAX_NDIM], unit[CHK_MAX_NDIM], times_in[CHK_MAX_NDIM],
        times_out[CHK_MAX_NDIM];
    for (int a = 0; a < ndim; a++) {
        in[a] = from[a] = r->in[0].shown[a] ? chk_axis_max_chunk(&r->in[0].axis[a]) : r->space.dim[a];
        unit[a] = to[a] = chk_axis_max_chunk(&r->grid.axis[a]);
        times_in[a] = times_out[a] = 1;
    }
    for (int a = ndim - 1; a >= 0;
         a--) { /* output tiles grow along the last axes first, as search_runs has them, until they cover an input chunk */
        while (to[a] < in[a] && 2.5 * 2 * box_bytes(r, to) <= worker_bytes) {
            times_out[a] *= 2;
            to[a] *= 2;
        }
        if (to[a] < in[a]) break;
    }
    for (;;) { /* input tiles grow where that helps most */
        int best = -1;
        for (int a = 0; a < ndim; a++)
            if (from[a] < to[a] && (best < 0 || (double)to[a] / (double)from[a] > (double)to[best] / (double)from[best])) best = a;
        if (best < 0 || 1.5 * 2 * box_bytes(r, from) > worker_bytes) break;
        times_in[best] *= 2;
        from[best] *= 2;
    }
    int64_t chunk[CHK_MAX_NDIM];
    for (int a = 0; a < ndim; a++) {
        int64_t i = times_in[a] > 1 ? in[a] * (times_in[a] / 2) : in[a],
                o = unit[a] * power_below(times_out[a] > 1 ? times_out[a] / 2 : 1);
        chunk[a] = i < o ? i : o;
        if (chunk[a] > r->space.dim[a]) chunk[a] = r->space.dim[a];
        if (chunk[a] < 1) chunk[a] = 1;
    }
    while (box_bytes(r, chunk) > PART_BYTES) { /* along the last axis that is long, so that parts of whole rows stay such */
        int longest = 0;
        for (int a = 0; a < ndim; a++)
            if (chunk[a] >= chunk[longest]) longest = a;
        if (chunk[longest] < 2) break;
        chunk[longest] = (chunk[longest] + 1) / 2;
    }
    *out = chk_grid_regular(&r->space, chunk);
}

/* The second half of a value that goes through scratch. */
typedef struct halves {
    chk_retile *write, *read; /* into scratch; from scratch into the output, as r does */
    chk_spill *spill;
    chk_source *source;
} halves;

static chunk_status make_halves(halves *h, chk_lower *l, const chk_retile *r, double worker_bytes, chunk_error *err)
{
    chk_region *region;
    chk_grid between;
    choose_between(r, worker_bytes, &between);
    CHK_TRY(chk_plan_region(&region, l->plan, "between two passes", err));
    CHK_TRY(chk_lower_add_spill(&h->spill, l, region, r->dtype, &r->space, &between, err));
    chk_spill_set_resident(h->spill, 0);
    CHK_TRY(chk_spill_source(&h->source, h->spill, "scratch", err));
    chk_program program;
    int value;
    chk_program_init(&program, &r->space);
    chunk_status st = chk_program_add_source(&program, h->source, &value, err);
    if (st == CHUNK_OK) st = chk_program_seal(&program, &value, 1, err);
    if (st != CHUNK_OK) {
        chk_program_free(&program);
        return st;
    }
    CHK_TRY(chk_retile_make(&h->read, &program, value, r->dtype, &r->grid, r->block, r->encoded, err));
    CHK_TRY(chk_program_clone(&program, &r->program, err));
    CHK_TRY(chk_retile_make(&h->write, &program, r->value, r->dtype, &between, NULL, false, err));
    memcpy(h->read->name, r->name, sizeof r->name);
    h->read->sink_worker_bytes = r->sink_worker_bytes;
    h->read->kept_bytes = r->kept_bytes;
    h->read->scratch_bytes = r->scratch_bytes;
    return CHUNK_OK;
}

static bool two_is_better(const chk_lower *l, chk_retile *one, const halves *h)
{
    if (l->retile != CHK_RETILE_AUTO) return l->retile != CHK_RETILE_ONE;
    one->strip = h->read->strip = h->write->strip = CHK_RETILE_STRIP;
    bool fits = chk_retile_choose(one, l->room, l->threads);
    bool both = chk_retile_choose(h->read, l->room, l->threads) && chk_retile_choose(h->write, l->room, l->threads);
    double bytes = (double)chk_shape_count(&one->space) * (double)chk_dtype_size(one->dtype);
    return both && (!fits || one->seconds > 1.1 * (h->read->seconds + h->write->seconds + bytes * NS_SCRATCH_BYTE * 1e-9));
}

static void set_pass(chk_lower *l, int number, chk_retile *r)
{
    chk_pass *p = &l->plan->pass[number];
    p->ctx = r;
    p->ops = r->encoded ? &chk_retile_encoded_ops : &chk_retile_ops;
}

static chunk_status add_places(chk_lower *l, int number, chk_retile *r, chunk_error *err)
{
    r->placed = true;
    CHK_TRY(chk_plan_region(&r->places, l->plan, "places of chunks", err));
    r->places->n_bytes = chk_retile_places_bytes(r);
    r->places->first = r->places->last = number;
    return CHUNK_OK;
}

/* Goes through scratch where that is better: the pass becomes one that writes there, and another follows. */
static chunk_status split(chk_lower *l, int number, chk_retile **stores, int *last, chunk_error *err)
{
    halves h = {0};
    chk_retile *r = *stores;
    int n_spills = l->plan->n_spills, n_regions = l->plan->n_regions;
    l->n_retiled++;
    chunk_status st = make_halves(&h, l, r, l->retile == CHK_RETILE_LEAST ? 0 : (double)l->room / l->threads, err);
    bool two = st == CHUNK_OK && two_is_better(l, r, &h);
    if (st == CHUNK_OK && two) st = chk_spill_sink(&h.write->sink, h.spill, err);
    chk_source_release(h.source); /* the second half's program holds it */
    if (st != CHUNK_OK || !two) {
        chk_retile_free(h.write);
        chk_retile_free(h.read);
        chk_plan_forget(l->plan, n_regions, n_spills);
        return st;
    }
    h.write->own_sink = true;
    strcpy(h.write->name, "scratch");
    set_pass(l, number, h.write);
    chk_retile_free(r);
    st = chk_lower_add_pass(last, l, &chk_retile_ops, h.read, err);
    if (st != CHUNK_OK) {
        chk_retile_free(h.read);
        return st;
    }
    set_pass(l, *last, h.read);
    memcpy(l->plan->pass[*last].name, h.read->name, sizeof h.read->name);
    h.spill->region->first = number;
    h.spill->region->last = *last;
    h.read->origin = h.write;
    *stores = h.read;
    return CHUNK_OK;
}

chunk_status chk_retile_lower(chk_lower *l, int number, chk_fused *f, int *last, chunk_error *err)
{
    chk_retile *r;
    *last = number;
    CHK_TRY(chk_retile_new(&r, f, err));
    set_pass(l, number, r);
    chk_free(f->out);
    chk_free(f);
    CHK_TRY(split(l, number, &r, last, err));
    return r->encoded ? CHUNK_OK : add_places(l, *last, r, err);
}
