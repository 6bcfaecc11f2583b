/* spill.c: reading and writing spilled arrays. Reads copy the wanted box together, run by run; chunks in memory are read in place when a box lies in
 * one of them. */
#include "plan/spill.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

typedef struct spill_source {
    chk_source s;
    const chk_spill *spill;
} spill_source;

typedef struct spill_sink {
    chk_sink s;
    const chk_spill *spill;
} spill_sink;

void chk_spill_init(chk_spill *s, chk_region *region, chk_dtype dtype, const chk_shape *shape, const chk_grid *grid)
{
    *s = (chk_spill){.dtype = dtype, .shape = *shape, .grid = *grid, .region = region, .chunk_bytes = chk_dtype_size(dtype)};
    for (int a = 0; a < shape->ndim; a++) s->chunk_bytes *= (size_t)chk_axis_max_chunk(&grid->axis[a]);
    s->n_chunks = chk_grid_n_chunks(grid);
    chk_spill_set_resident(s, s->n_chunks);
}

/* Elements in the first `number` chunks, which lie one behind the other: those whose coordinates are lower from some axis on. */
static uint64_t bytes_before(const chk_spill *s, int64_t number)
{
    int64_t coord[CHK_MAX_NDIM], elements = 0, before = 1;
    int n = s->shape.ndim;
    if (number == s->n_chunks) return (uint64_t)chk_shape_count(&s->shape) * chk_dtype_size(s->dtype);
    for (int a = n - 1; a >= 0; a--) {
        coord[a] = number % s->grid.axis[a].n_chunks;
        number /= s->grid.axis[a].n_chunks;
    }
    for (int a = 0; a < n; a++) {
        int64_t lo = chk_axis_bound(&s->grid.axis[a], coord[a]), after = 1;
        for (int b = a + 1; b < n; b++) after *= s->shape.dim[b];
        elements += before * lo * after;
        before *= chk_axis_bound(&s->grid.axis[a], coord[a] + 1) - lo;
    }
    return (uint64_t)elements * chk_dtype_size(s->dtype);
}

void chk_spill_set_resident(chk_spill *s, int64_t n_chunks)
{
    s->n_resident = n_chunks < s->n_chunks ? n_chunks : s->n_chunks;
    s->region->n_bytes = bytes_before(s, s->n_resident);
}

uint64_t chk_spill_bytes(const chk_spill *s) { return bytes_before(s, s->n_chunks) - bytes_before(s, s->n_resident); }

/* Chunk that holds an index, its number, and its box. */
static int64_t chunk_of(const chk_spill *s, const int64_t *index, chk_box *box)
{
    int64_t number = 0, coord[CHK_MAX_NDIM];
    for (int a = 0; a < s->shape.ndim; a++) {
        coord[a] = chk_axis_find(&s->grid.axis[a], index[a]);
        number = number * s->grid.axis[a].n_chunks + coord[a];
    }
    chk_grid_chunk_box(box, &s->grid, coord);
    return number;
}

static int64_t offset_in(const chk_box *box, const int64_t *index)
{
    int64_t n = 0;
    for (int a = 0; a < box->ndim; a++) n = n * chk_box_extent(box, a) + index[a] - box->lo[a];
    return n;
}

static char *resident(const chk_spill *s, int64_t number)
{
    return number < s->n_resident ? (char *)s->region->buf.data + bytes_before(s, number) : NULL;
}

static uint64_t file_offset(const chk_spill *s, int64_t number)
{
    return s->at + bytes_before(s, number) - bytes_before(s, s->n_resident);
}

/* ---- source */

static void source_need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned,
                        chk_need *out)
{
    (void)aligned;
    int64_t extent[CHK_MAX_NDIM], n = 1;
    chk_view_base_extent(extent, v, &s->shape, max_extent);
    for (int b = 0; b < v->base_ndim; b++) n *= extent[b];
    *out = (chk_need){.arena = (size_t)n_boxes * chk_arena_cost((size_t)n * chk_dtype_size(s->dtype))};
}

/* Part of a chunk into the dense base box: runs of the trailing axes that are whole in both. */
static chunk_status copy_part(const chk_spill *s, int64_t number, const chk_box *chunk, const chk_box *part, const chk_box *want,
                              char *out, chunk_error *err)
{
    size_t item = chk_dtype_size(s->dtype), run = item;
    int inner = part->ndim;
    while (inner > 0) {
        inner--;
        int64_t e = chk_box_extent(part, inner);
        run *= (size_t)e;
        if (e != chk_box_extent(chunk, inner) || e != chk_box_extent(want, inner)) break;
    }
    int64_t at[CHK_MAX_NDIM];
    memcpy(at, part->lo, sizeof at);
    const char *memory = resident(s, number);
    for (;;) {
        size_t from = (size_t)offset_in(chunk, at) * item;
        char *to = out + (size_t)offset_in(want, at) * item;
        if (memory)
            memcpy(to, memory + from, run);
        else
            CHK_TRY(chk_scratch_read(s->scratch, to, run, file_offset(s, number) + from, err));
        int a = inner - 1;
        for (; a >= 0 && ++at[a] == part->hi[a]; a--) at[a] = part->lo[a];
        if (a < 0) return CHUNK_OK;
    }
}

static chunk_status gather(const chk_spill *s, const chk_box *want, char *out, chunk_error *err)
{
    int64_t at[CHK_MAX_NDIM];
    memcpy(at, want->lo, sizeof at);
    for (;;) {
        chk_box chunk, part;
        int64_t number = chunk_of(s, at, &chunk);
        part = chunk;
        for (int a = 0; a < part.ndim; a++) {
            if (part.lo[a] < want->lo[a]) part.lo[a] = want->lo[a];
            if (part.hi[a] > want->hi[a]) part.hi[a] = want->hi[a];
        }
        CHK_TRY(copy_part(s, number, &chunk, &part, want, out, err));
        int a = want->ndim - 1;
        for (; a >= 0; a--) { /* on to the next chunk of the box */
            at[a] = part.hi[a];
            if (at[a] < want->hi[a]) break;
            at[a] = want->lo[a];
        }
        if (a < 0) return CHUNK_OK;
    }
}

static chunk_status source_fetch(chk_source *src, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena,
                                 chk_hold *hold, chk_piece *out, chunk_error *err)
{
    const chk_spill *s = ((spill_source *)src)->spill;
    size_t item = chk_dtype_size(s->dtype);
    uint64_t t0 = chk_clock_ns();
    for (size_t i = 0; i < n; i++) {
        chk_box want, chunk;
        chk_view_base_box(&want, v, &boxes[i]);
        int64_t number = chunk_of(s, want.lo, &chunk);
        bool inside = true;
        for (int a = 0; a < want.ndim; a++) inside &= want.hi[a] <= chunk.hi[a];
        if (inside && resident(s, number)) {
            chk_piece_point(&out[i], resident(s, number), &chunk, v, &boxes[i], item);
            continue;
        }
        char *to = chk_arena_get(arena, (size_t)chk_box_count(&want) * item);
        if (!to) return chk_fail(err, CHUNK_ESTATE, "internal: a spilled block is larger than planned");
        CHK_TRY(gather(s, &want, to, err));
        chk_piece_point(&out[i], to, &want, v, &boxes[i], item);
    }
    hold->ns_read += chk_clock_ns() - t0;
    return CHUNK_OK;
}

static void source_release(chk_source *s, chk_hold *hold) { (void)s, (void)hold; }
static void source_free(chk_source *s) { chk_free(s); }

static const chk_source_ops source_ops = {
    .kind = "spill", .need = source_need, .fetch = source_fetch, .release = source_release, .free = source_free};

chunk_status chk_spill_source(chk_source **out, const chk_spill *s, const char *name, chunk_error *err)
{
    spill_source *r = chk_calloc(1, sizeof *r);
    if (!r) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    r->s = (chk_source){.ops = &source_ops,
                        .refs = 1,
                        .dtype = s->dtype,
                        .shape = s->shape,
                        .grid = s->grid,
                        .cuttable = true,
                        .thread_safe = true};
    strncpy(r->s.name, name, sizeof r->s.name - 1);
    r->spill = s;
    *out = &r->s;
    return CHUNK_OK;
}

/* ---- sink */

static void sink_need(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch)
{
    (void)s, (void)n_elements;
    *kept = *scratch = 0;
}

static chunk_status sink_write(chk_sink *sink, chk_block *b, chunk_error *err)
{
    const chk_spill *s = ((spill_sink *)sink)->spill;
    size_t item = chk_dtype_size(s->dtype);
    chk_box chunk;
    int64_t number = chunk_of(s, b->box.lo, &chunk);
    size_t from = (size_t)offset_in(&chunk, b->box.lo) * item;
    char *memory = resident(s, number);
    b->addr = !memory; /* for the books: this block was spilled */
    if (!memory) return chk_scratch_write(s->scratch, b->data, b->n_bytes, file_offset(s, number) + from, err);
    memcpy(memory + from, b->data, b->n_bytes);
    return CHUNK_OK;
}

static void sink_free(chk_sink *s) { chk_free(s); }

static const chk_sink_ops sink_ops = {.kind = "spill", .need = sink_need, .write = sink_write, .free = sink_free};

chunk_status chk_spill_sink(chk_sink **out, const chk_spill *s, chunk_error *err)
{
    spill_sink *r = chk_calloc(1, sizeof *r);
    if (!r) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    r->s = (chk_sink){.ops = &sink_ops, .dtype = s->dtype, .shape = s->shape, .grid = s->grid, .thread_safe = true};
    strcpy(r->s.name, "intermediate");
    r->spill = s;
    *out = &r->s;
    return CHUNK_OK;
}
