/* HDF5 datasets as sources. A box that lies in one chunk is used in place: from a mapped window or one read where it is unfiltered, from the
 * decoded chunk (still shuffled) where it is not. Boxes beside each other in the file come in with one system call; where few elements are
 * wanted only their runs are read. Other boxes are assembled (h5dense.c); what HDF5 alone can read goes through H5Dread. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "store/h5fetch.h"
#include "store/window.h"

typedef struct h5_source {
    chk_source s;
    chk_h5set *set;
    chk_way way;
    int64_t file_lo, file_hi; /* about where its data lie */
    chk_tiles tiles;
    _Atomic int advise_left; /* advice is given while this is positive: set by reads that were slow */
} h5_source;

enum {
    READ_MOST = 1 << 20,   /* longest single read of several boxes */
    WINDOW_MOST = 8 << 20, /* longest window over several boxes; longer gains nothing */
    WINDOW_SLACK = 4096,   /* a window's pages begin where a page does */
    GROUP_BOXES = 256,     /* boxes looked up at once; with their coordinates, on the stack */
    GROUP_COORDS = 1024
};

/* During a run, as windows_planned() said. */
static bool windows(const h5_source *s, const chk_hold *h)
{
    return s->way == CHK_WINDOWS || (s->way == CHK_WINDOWS_OR_READS && !h->waits_for_memory && chk_windows_paid());
}

/* Finding out what pays takes a few milliseconds: worth it from here on. */
#define WORTH_TIMING ((uint64_t)1 << 30)

static bool windows_planned(const chk_source *source, bool waits_for_memory, uint64_t n_bytes)
{
    const h5_source *s = (const h5_source *)source;
    if (s->way != CHK_WINDOWS_OR_READS || waits_for_memory) return s->way == CHK_WINDOWS;
    return n_bytes < WORTH_TIMING ? chk_windows_paid() : chk_windows_pay(s->set->file->fd, s->file_lo, s->file_hi);
}

static bool filtered(const chk_h5set *d) { return d->info.pipeline.n > 0; }

/* ---- what it costs. Decisions depend on the source and the view alone, or grow with the boxes, so that a fetch never needs more than need()
 * said for larger boxes. */

/* Filtered chunks of which the view shows less than half are decoded aside and only what is shown is kept. */
static bool keeps_little(const chk_h5set *d, const chk_view *v)
{
    uint64_t shown = d->info.item_bytes;
    chk_pick p;
    chk_pick_most(&p, v, v->shape.dim, &d->info.chunk, d->info.item_bytes);
    for (int b = 0; b < p.ndim; b++) shown *= (uint64_t)p.count[b];
    return filtered(d) && 2 * shown < d->chunk_bytes;
}

static size_t runs_cost(const chk_pick *p)
{
    if (p->n_runs > 1) return chk_arena_cost((size_t)p->n_runs * p->run_bytes);
    return p->run_bytes < CHK_WINDOW_MIN ? chk_arena_cost(p->run_bytes) : chk_window_bytes(p->run_bytes) + WINDOW_SLACK;
}

static uint64_t picked_bytes(const chk_h5set *d, const chk_view *v, const int64_t *extent)
{
    int64_t count[CHK_MAX_NDIM];
    uint64_t n_bytes = d->info.item_bytes;
    chk_pick_counts(count, v, extent);
    for (int b = 0; b < v->base_ndim; b++) n_bytes *= (uint64_t)count[b];
    return n_bytes;
}

/* Heap that HDF5 takes during a read it does itself: filtered chunks before and after each filter. */
static size_t hdf5_heap(const chk_h5set *d)
{
    uint64_t chunk = d->info.layout == CHK_LAYOUT_CHUNKED && filtered(d) ? d->chunk_bytes : d->virtual_chunk;
    return chunk ? 3 * chunk : CHK_DEFAULT_CHUNK_BYTES;
}

static void need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned, chk_need *out)
{
    const chk_h5set *d = ((const h5_source *)s)->set;
    *out = (chk_need){0};
    for (int a = 0; a < v->shape.ndim; a++)
        if (max_extent[a] == 0) return;
    if (d->info.layout == CHK_LAYOUT_COMPACT) return;
    int64_t stride[CHK_MAX_NDIM];
    size_t one = 0, dense = chk_dense_strides(stride, v, max_extent, d->info.item_bytes);
    bool copies = keeps_little(d, v) || (!aligned && d->info.layout == CHK_LAYOUT_CHUNKED);
    if (!d->info.native) {
        one = picked_bytes(d, v, max_extent);
        out->transient = hdf5_heap(d);
    } else if (!filtered(d)) {
        chk_pick p;
        chk_pick_most(&p, v, max_extent, &d->info.chunk, d->info.item_bytes);
        one = runs_cost(&p);
    } else {
        one = keeps_little(d, v) ? dense : d->chunk_bytes;
    }
    if (copies && d->info.native && dense > one) one = dense;
    out->arena = (size_t)n_boxes * chk_arena_cost(one);
    if (d->info.native) out->transient = chk_h5fetch_transient(d, n_boxes, copies, keeps_little(d, v));
}

/* ---- fetching */

typedef enum place { EMPTY, IN_CHUNK, ASSEMBLED } place;

/* Some boxes of a fetch at work. */
typedef struct group {
    h5_source *src;
    chk_h5fetch *f;
    const chk_view *view;
    chk_arena *arena;
    const chk_box *boxes;
    chk_piece *piece;
    size_t n;
    place place[GROUP_BOXES];
    int chunk_of[GROUP_BOXES]; /* index of the box's chunk in coord and chunk */
    int n_chunks;
    int64_t coord[GROUP_COORDS];
    chk_extent chunk[GROUP_BOXES];
    /* boxes [run_first, run_last] wait to be brought in together from [run_at, run_at + run_bytes) */
    size_t run_first, run_last;
    uint64_t run_at, run_bytes;
    int run_size; /* what each of them may be: size_of */
} group;

static chunk_status no_room(const group *g, size_t n_bytes, chunk_error *err)
{
    return chk_fail(err, CHUNK_ESTATE, "internal: %s: no room for %zu bytes in a task of %zu", g->src->s.name, n_bytes,
                    g->arena->size);
}

static bool one_chunk(int64_t *coord, const chk_h5info *i, const chk_box *base)
{
    for (int b = 0; b < base->ndim; b++) {
        coord[b] = base->lo[b] / i->chunk.dim[b];
        if ((base->hi[b] - 1) / i->chunk.dim[b] != coord[b]) return false;
    }
    return true;
}

static bool is_assembled(const chk_h5set *d, const chk_view *v, const chk_box *box, bool little, int64_t *coord)
{
    chk_box base;
    chk_view_base_box(&base, v, box);
    return !one_chunk(coord, &d->info, &base) || little;
}

/* Finds out where each box lies and looks the chunks up; neighbours in one chunk share it. */
static chunk_status place_boxes(group *g, bool little, chunk_error *err)
{
    const chk_h5set *d = g->src->set;
    int ndim = d->info.shape.ndim;
    g->n_chunks = 0;
    for (size_t k = 0; k < g->n; k++) {
        int64_t *coord = g->coord + g->n_chunks * ndim;
        g->piece[k] = (chk_piece){.fill = d->info.fill};
        g->place[k] = chk_box_count(&g->boxes[k]) == 0                        ? EMPTY
                      : is_assembled(d, g->view, &g->boxes[k], little, coord) ? ASSEMBLED
                                                                              : IN_CHUNK;
        if (g->place[k] != IN_CHUNK) continue;
        bool same = g->n_chunks > 0 && memcmp(coord, coord - ndim, (size_t)ndim * sizeof *coord) == 0;
        g->chunk_of[k] = same ? g->n_chunks - 1 : g->n_chunks++;
    }
    return g->n_chunks ? chk_h5set_locate(g->src->set, g->coord, (size_t)g->n_chunks, g->chunk, err) : CHUNK_OK;
}

static void pick_of(chk_pick *p, const group *g, size_t k)
{
    const chk_h5info *i = &g->src->set->info;
    int64_t origin[CHK_MAX_NDIM];
    const int64_t *coord = g->coord + g->chunk_of[k] * i->shape.ndim;
    for (int b = 0; b < i->shape.ndim; b++) origin[b] = coord[b] * i->chunk.dim[b];
    chk_pick_box(p, g->view, &g->boxes[k], origin, &i->chunk, i->item_bytes);
}

/* A window over room carved for it: the room's pages are given back meanwhile, so that the books are right whichever way is taken. */
static const char *window_over(group *g, char *room, uint64_t at, size_t n_bytes)
{
    char *page = (char *)(((uintptr_t)room + 4095) & ~(uintptr_t)4095);
    madvise(page, chk_window_bytes(n_bytes), MADV_DONTNEED);
    uint64_t t0 = chk_clock_ns();
    const char *w = chk_window_map(g->f->hold, g->src->set->file->fd, at, n_bytes);
    if (!w) return NULL;
    g->f->hold->ns_read += chk_clock_ns() - t0;
    g->f->hold->bytes_read += n_bytes;
    return w;
}

/* Boxes of one size go together, so that room for each of them is room for all. */
enum { READ, WINDOW, LARGE_WINDOW };
static int size_of(size_t n_bytes)
{
    return n_bytes < CHK_WINDOW_MIN ? READ : n_bytes < CHK_WINDOW_GRANULE ? WINDOW : LARGE_WINDOW;
}

/* Brings the waiting boxes in. Until now their pieces hold file offsets for addresses. */
static chunk_status flush_run(group *g, chunk_error *err)
{
    if (g->run_bytes == 0) return CHUNK_OK;
    size_t n_bytes = g->run_bytes, room_bytes = g->run_size > READ ? chk_window_bytes(n_bytes) + WINDOW_SLACK : n_bytes;
    char *room = chk_arena_get(g->arena, room_bytes);
    if (!room) return no_room(g, room_bytes, err);
    const char *data = g->run_size > READ && windows(g->src, g->f->hold) ? window_over(g, room, g->run_at, n_bytes) : NULL;
    if (!data) {
        CHK_TRY(chk_h5fetch_read(g->f, room, n_bytes, g->run_at, err));
        data = room;
    }
    for (size_t k = g->run_first; k <= g->run_last; k++)
        if (g->place[k] == IN_CHUNK && !g->chunk[g->chunk_of[k]].absent)
            g->piece[k].data = data + ((uintptr_t)g->piece[k].data - g->run_at);
    g->run_bytes = 0;
    return CHUNK_OK;
}

/* One box, unfiltered, whose bytes are [at, at + n_bytes): joins those that wait when it lies behind them. */
static chunk_status wait_in_run(group *g, size_t k, uint64_t at, size_t n_bytes, chunk_error *err)
{
    int size = size_of(n_bytes);
    size_t most = size == READ                   ? READ_MOST
                  : !windows(g->src, g->f->hold) ? 0
                  : size == WINDOW               ? CHK_WINDOW_GRANULE - 1
                                                 : WINDOW_MOST;
    if (g->run_bytes > 0 && (at != g->run_at + g->run_bytes || size != g->run_size || g->run_bytes + n_bytes > most))
        CHK_TRY(flush_run(g, err));
    if (g->run_bytes == 0) {
        g->run_first = k;
        g->run_at = at;
        g->run_size = size;
    }
    g->run_last = k;
    g->run_bytes += n_bytes;
    return CHUNK_OK;
}

/* Few of the bytes between the first and the last are wanted: each run is read by itself, one behind the other. */
static chunk_status read_runs(group *g, const chk_pick *p, uint64_t chunk_addr, chk_piece *out, chunk_error *err)
{
    int64_t step[CHK_MAX_NDIM], i[CHK_MAX_NDIM] = {0}, run = (int64_t)p->run_bytes;
    char *room = chk_arena_get(g->arena, (size_t)(p->n_runs * run));
    if (!room) return no_room(g, (size_t)(p->n_runs * run), err);
    memcpy(step, p->step, sizeof step);
    int64_t pitch = run;
    for (int b = p->n_outer - 1; b >= 0; b--) {
        step[b] = pitch;
        pitch *= p->count[b];
    }
    uint64_t t0 = chk_clock_ns();
    for (int64_t r = 0; r < p->n_runs; r++) {
        uint64_t at = chunk_addr + p->first;
        for (int b = 0; b < p->n_outer; b++) at += (uint64_t)(i[b] * p->step[b]);
        CHK_TRY(chk_h5fetch_read_untimed(g->f, room + r * run, p->run_bytes, at, err));
        for (int b = p->n_outer - 1; b >= 0 && ++i[b] == p->count[b]; b--) i[b] = 0;
    }
    g->f->hold->ns_read += chk_clock_ns() - t0;
    out->data = room + chk_pick_strides(out->stride, g->view, step, p->count);
    return CHUNK_OK;
}

static chunk_status fetch_unfiltered(group *g, size_t k, chunk_error *err)
{
    const chk_h5set *d = g->src->set;
    const chk_extent *chunk = &g->chunk[g->chunk_of[k]];
    chk_piece *out = &g->piece[k];
    chk_pick p;
    if (chunk->absent) return CHUNK_OK;
    pick_of(&p, g, k);
    out->swapped = d->info.swapped;
    if (d->compact) {
        out->data = (const char *)d->compact + p.first + chk_pick_strides(out->stride, g->view, p.step, p.count);
        return CHUNK_OK;
    }
    if (p.n_runs > 1) {
        CHK_TRY(flush_run(g, err));
        return read_runs(g, &p, chunk->addr, out, err);
    }
    uint64_t at = chunk->addr + p.first;
    CHK_TRY(wait_in_run(g, k, at, p.run_bytes, err));
    out->data = (const char *)(uintptr_t)(at + (uint64_t)chk_pick_strides(out->stride, g->view, p.step, p.count));
    return CHUNK_OK;
}

/* Points a piece into a decoded chunk; planes: its bytes are still shuffled. */
static void point_into(const group *g, size_t k, const char *data, bool planes)
{
    const chk_h5set *d = g->src->set;
    int64_t item = (int64_t)d->info.item_bytes, unit = planes ? 1 : item;
    chk_piece *out = &g->piece[k];
    chk_pick p;
    pick_of(&p, g, k);
    for (int b = 0; b < p.ndim; b++) p.step[b] = p.step[b] / item * unit;
    out->data = data + p.first / (uint64_t)item * (uint64_t)unit + chk_pick_strides(out->stride, g->view, p.step, p.count);
    out->plane_bytes = planes ? d->chunk_bytes / (uint64_t)item : 0;
    out->swapped = d->info.swapped;
}

static chunk_status fetch_filtered(group *g, chunk_error *err)
{
    const chk_h5set *d = g->src->set;
    const char *data = NULL;
    bool planes = false;
    int held = -1;
    for (size_t k = 0; k < g->n; k++) {
        int c = g->chunk_of[k];
        if (g->place[k] != IN_CHUNK || g->chunk[c].absent) continue;
        if (c != held) {
            const int64_t *coord = g->coord + c * d->info.shape.ndim;
            const chk_extent *more = &g->chunk[c + 1];
            size_t n_more = (size_t)(g->n_chunks - c - 1);
            chk_hold *hold = g->f->hold;
            int slot = -1;
            held = c;
            if (hold->n_pins < CHK_HOLD_PINS) CHK_TRY(chk_h5fetch_tile(g->f, &slot, &g->chunk[c], coord, more, n_more, err));
            if (slot >= 0) {
                hold->tiles = g->f->tiles;
                hold->pin[hold->n_pins++] = slot;
                data = chk_tiles_data(hold->tiles, slot);
                planes = chk_tiles_planes(hold->tiles, slot);
                point_into(g, k, data, planes);
                continue;
            }
            char *room = chk_arena_get(g->arena, d->chunk_bytes);
            if (!room) return no_room(g, d->chunk_bytes, err);
            CHK_TRY(chk_h5fetch_decode(g->f, room, &g->chunk[c], coord, more, n_more, &planes, err));
            data = room;
        }
        point_into(g, k, data, planes);
    }
    return CHUNK_OK;
}

static chunk_status fetch_assembled(group *g, size_t k, chunk_error *err)
{
    int64_t extent[CHK_MAX_NDIM];
    chk_piece *out = &g->piece[k];
    for (int a = 0; a < g->view->shape.ndim; a++) extent[a] = chk_box_extent(&g->boxes[k], a);
    size_t n_bytes = chk_dense_strides(out->stride, g->view, extent, g->src->set->info.item_bytes);
    char *room = chk_arena_get(g->arena, n_bytes);
    if (!room) return no_room(g, n_bytes, err);
    CHK_TRY(chk_h5fetch_dense(g->f, room, out->stride, &g->boxes[k], err));
    out->data = room;
    out->swapped = g->src->set->info.swapped;
    return CHUNK_OK;
}

static chunk_status fetch_group(group *g, bool little, chunk_error *err)
{
    CHK_TRY(place_boxes(g, little, err));
    g->run_bytes = 0;
    if (filtered(g->src->set))
        CHK_TRY(fetch_filtered(g, err));
    else
        for (size_t k = 0; k < g->n; k++)
            if (g->place[k] == IN_CHUNK) CHK_TRY(fetch_unfiltered(g, k, err));
    CHK_TRY(flush_run(g, err));
    for (size_t k = 0; k < g->n; k++)
        if (g->place[k] == ASSEMBLED) CHK_TRY(fetch_assembled(g, k, err));
    return CHUNK_OK;
}

static size_t group_boxes(const chk_h5set *d)
{
    int ndim = d->info.shape.ndim ? d->info.shape.ndim : 1;
    return GROUP_COORDS / ndim < GROUP_BOXES ? (size_t)(GROUP_COORDS / ndim) : GROUP_BOXES;
}

/* Transient buffers lie at the arena's end, out of the way of what stays; the caller gives the arena its size back. */
static bool begin(chk_h5fetch *f, h5_source *src, const chk_view *v, size_t n, bool copies, bool little, chk_arena *arena,
                  chk_hold *hold)
{
    size_t transient = chk_h5fetch_transient(src->set, (int64_t)n, copies, little), whole = arena->size;
    size_t start = whole < transient ? 0 : (whole - transient) & ~(size_t)63;
    if (whole < transient || start < arena->used) return false;
    chk_h5fetch_init(f, src->set, v, hold, n, copies, little, arena->base + start);
    if (src->s.tile_bytes) f->tiles = &src->tiles;
    arena->size = start;
    if (arena->used + (whole - start) > arena->peak) arena->peak = arena->used + (whole - start);
    return true;
}

/* Slices without steps of unfiltered chunks, elements as they are. */
static chunk_status read_direct(chk_source *s, const chk_view *v, const chk_box *box, void *dest, const int64_t *stride,
                                chk_arena *arena, chk_hold *books, bool *done, chunk_error *err)
{
    h5_source *src = (h5_source *)s;
    const chk_h5info *i = &src->set->info;
    *done = i->native && i->layout == CHK_LAYOUT_CHUNKED && !filtered(src->set) && !i->swapped && i->dtype != CHK_BOOL &&
            v->base_ndim == v->shape.ndim;
    for (int b = 0; b < v->base_ndim; b++) *done &= v->axis[b] == b && v->step[b] == 1;
    if (!*done) return CHUNK_OK;
    size_t whole = arena->size;
    chk_h5fetch f;
    if (!begin(&f, src, v, 1, true, false, arena, books))
        return chk_fail(err, CHUNK_ESTATE, "internal: %s: no room to read in a task of %zu", s->name, whole);
    chunk_status st = chk_h5fetch_direct(&f, dest, stride, box, err);
    arena->size = whole;
    return st;
}

static chunk_status fetch_native(h5_source *src, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena,
                                 chk_hold *hold, chk_piece *out, chunk_error *err)
{
    chk_h5set *d = src->set;
    bool little = keeps_little(d, v), copies = little;
    for (size_t k = 0; k < n && !copies; k++) {
        int64_t coord[CHK_MAX_NDIM];
        copies = chk_box_count(&boxes[k]) > 0 && is_assembled(d, v, &boxes[k], false, coord);
    }
    group g = {.src = src, .view = v, .arena = arena};
    size_t whole = arena->size;
    chk_h5fetch f;
    if (!begin(&f, src, v, n, copies, little, arena, hold))
        return no_room(&g, chk_h5fetch_transient(d, (int64_t)n, copies, little), err);
    g.f = &f;
    chunk_status st = CHUNK_OK;
    for (size_t k = 0; k < n && st == CHUNK_OK; k += g.n) {
        g.boxes = boxes + k;
        g.piece = out + k;
        g.n = n - k < group_boxes(d) ? n - k : group_boxes(d);
        st = fetch_group(&g, little, err);
    }
    chk_h5fetch_done(&f);
    arena->size = whole;
    return st;
}

/* Through H5Dread: exactly the elements wanted, dense in the order of the dataset. */
static chunk_status fetch_slow(h5_source *src, const chk_view *v, const chk_box *box, chk_arena *arena, chk_hold *hold,
                               chk_piece *out, chunk_error *err)
{
    chk_h5set *d = src->set;
    int64_t extent[CHK_MAX_NDIM], start[CHK_MAX_NDIM], step[CHK_MAX_NDIM], count[CHK_MAX_NDIM], dense[CHK_MAX_NDIM];
    chk_box base;
    *out = (chk_piece){.fill = d->info.fill, .swapped = d->info.swapped};
    if (chk_box_count(box) == 0) return CHUNK_OK;
    for (int a = 0; a < v->shape.ndim; a++) extent[a] = chk_box_extent(box, a);
    chk_view_base_box(&base, v, box);
    chk_pick_counts(count, v, extent);
    int64_t row = (int64_t)d->info.item_bytes;
    for (int b = v->base_ndim - 1; b >= 0; b--) {
        start[b] = base.lo[b];
        step[b] = v->axis[b] < 0 ? 1 : v->step[b] < 0 ? -v->step[b] : v->step[b];
        dense[b] = row;
        row *= count[b];
    }
    char *room = chk_arena_get(arena, (size_t)row);
    if (!room)
        return chk_fail(err, CHUNK_ESTATE, "internal: %s: no room for %lld bytes in a task of %zu", src->s.name, (long long)row,
                        arena->size);
    uint64_t t0 = chk_clock_ns();
    CHK_TRY(chk_h5set_read_strided(d, start, step, count, room, err));
    hold->ns_read += chk_clock_ns() - t0;
    hold->bytes_read += (uint64_t)row;
    out->data = room + chk_pick_strides(out->stride, v, dense, count);
    return CHUNK_OK;
}

static void release(chk_source *s, chk_hold *hold)
{
    (void)s;
    for (; hold->n_pins > 0; hold->n_pins--) chk_tiles_put(hold->tiles, hold->pin[hold->n_pins - 1]);
    chk_window_unmap(hold);
}

/* Slower than this, bytes came from the device and not from the page cache: reading ahead is worth its system calls for a while. */
enum { CACHE_BYTES_PER_US = 2000, ADVISE_FOR = 64 };

static chunk_status fetch(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                          chk_piece *out, chunk_error *err)
{
    h5_source *src = (h5_source *)s;
    uint64_t bytes = hold->bytes_read, ns = hold->ns_read;
    chunk_status st = CHUNK_OK;
    if (src->set->info.native)
        st = fetch_native(src, v, boxes, n, arena, hold, out, err);
    else
        for (size_t k = 0; k < n && st == CHUNK_OK; k++) st = fetch_slow(src, v, &boxes[k], arena, hold, &out[k], err);
    if (st != CHUNK_OK) release(s, hold);
    bytes = hold->bytes_read - bytes;
    ns = hold->ns_read - ns;
    if (bytes >= CHK_WINDOW_MIN && bytes < ns * CACHE_BYTES_PER_US / 1000)
        src->advise_left = ADVISE_FOR;
    else if (src->advise_left > 0)
        src->advise_left--;
    return st;
}

/* ---- looking ahead */

/* Asks for the range unless its end is there already: walking over pages that are in the cache costs a hundredth of reading them. */
static void will_need(int fd, uint64_t at, uint64_t n_bytes)
{
    char last;
    if (n_bytes == 0 || preadv2(fd, &(struct iovec){&last, 1}, 1, (off_t)(at + n_bytes - 1), RWF_NOWAIT) == 1) return;
    posix_fadvise(fd, (off_t)at, (off_t)n_bytes, POSIX_FADV_WILLNEED);
}

/* Encoded chunks only. Linux brings what was asked for in as single pages, and mapping those takes four times as long as the large ones that its
 * own read-ahead makes: windows leave it to that. */
static void advise(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n)
{
    h5_source *src = (h5_source *)s;
    chk_h5set *d = src->set;
    if (!d->info.native || !filtered(d) || src->advise_left <= 0) return;
    uint64_t at = 0, n_bytes = 0;
    for (size_t k = 0; k < n; k++) {
        int64_t coord[CHK_MAX_NDIM];
        chk_extent chunk;
        if (chk_box_count(&boxes[k]) == 0 || is_assembled(d, v, &boxes[k], false, coord)) continue;
        if (chk_h5set_locate(d, coord, 1, &chunk, NULL) != CHUNK_OK || chunk.absent) continue;
        if (chunk.addr != at + n_bytes) {
            will_need(d->file->fd, at, n_bytes);
            at = chunk.addr;
            n_bytes = 0;
        }
        n_bytes += chunk.n_bytes;
    }
    will_need(d->file->fd, at, n_bytes);
}

/* Boxes over more chunks than this are not looked up one by one. */
enum { ALL_FILL_CHUNKS = 64 };

static bool all_fill(chk_source *s, const chk_view *v, const chk_box *box, chk_scalar *value)
{
    chk_h5set *d = ((h5_source *)s)->set;
    int64_t first[CHK_MAX_NDIM], coord[CHK_MAX_NDIM], last[CHK_MAX_NDIM], n = 1;
    chk_extent chunk;
    chk_box base;
    if (!d->info.native || chk_box_count(box) == 0) return false;
    chk_view_base_box(&base, v, box);
    for (int b = 0; b < base.ndim; b++) {
        first[b] = coord[b] = base.lo[b] / d->info.chunk.dim[b];
        last[b] = (base.hi[b] - 1) / d->info.chunk.dim[b];
        n = n > ALL_FILL_CHUNKS ? n : n * (last[b] - first[b] + 1);
    }
    if (n > ALL_FILL_CHUNKS) return false;
    for (; n > 0; n--) {
        if (chk_h5set_locate(d, coord, 1, &chunk, NULL) != CHUNK_OK || !chunk.absent) return false;
        for (int b = base.ndim - 1; b >= 0 && ++coord[b] > last[b]; b--) coord[b] = first[b];
    }
    *value = d->info.fill;
    return true;
}

static bool lend(chk_source *s, void *memory, int n) { return chk_tiles_open(&((h5_source *)s)->tiles, memory, s->tile_bytes, n); }
static void unlend(chk_source *s) { chk_tiles_close(&((h5_source *)s)->tiles); }

static void free_h5(chk_source *s)
{
    chk_tiles_done(&((h5_source *)s)->tiles);
    chk_h5set_release(((h5_source *)s)->set);
    chk_free(s);
}

static const chk_source_ops ops = {.kind = "hdf5",
                                   .need = need,
                                   .fetch = fetch,
                                   .release = release,
                                   .read = read_direct,
                                   .advise = advise,
                                   .windows = windows_planned,
                                   .all_fill = all_fill,
                                   .lend = lend,
                                   .unlend = unlend,
                                   .free = free_h5};

/* "FILE:/DATASET"; of long ones the end, after "...". */
static void name_source(char *name, size_t size, const chk_h5info *i)
{
    char whole[1024];
    size_t n = (size_t)snprintf(whole, sizeof whole, "%.500s:%.500s", i->file, i->path), most = size - 1;
    const char *from = n > most ? whole + (n - most) : whole;
    memcpy(name, from, strlen(from) + 1);
    if (n > most) memcpy(name, "...", 3);
}

/* From its first chunk to its last, where both are stored and in that order; else the whole file. */
static void find_ends(h5_source *src)
{
    const chk_h5info *i = &src->set->info;
    int64_t coord[2 * CHK_MAX_NDIM] = {0};
    chk_extent end[2];
    bool any = i->layout != CHK_LAYOUT_COMPACT && chk_shape_count(&i->shape) > 0;
    for (int b = 0; b < i->shape.ndim; b++) coord[i->shape.ndim + b] = (i->shape.dim[b] - 1) / i->chunk.dim[b];
    src->file_hi = src->set->file->size;
    if (!any || chk_h5set_locate(src->set, coord, 2, end, NULL) != CHUNK_OK || end[0].absent || end[1].absent) return;
    if (end[1].addr < end[0].addr || end[1].addr + end[1].n_bytes > (uint64_t)src->file_hi) return;
    src->file_lo = (int64_t)end[0].addr;
    src->file_hi = (int64_t)(end[1].addr + end[1].n_bytes);
}

chunk_status chk_source_h5(chk_source **out, chk_h5set *set, chunk_error *err)
{
    const chk_h5info *i = &set->info;
    CHK_TRY(chk_h5set_check_type(set, err));
    h5_source *src = chk_calloc(1, sizeof *src);
    if (!src) return chk_fail(err, CHUNK_ENOMEM, "%s:%s: out of memory", i->file, i->path);
    int64_t chunk[CHK_MAX_NDIM];
    memcpy(chunk, i->chunk.dim, sizeof chunk);
    if (i->layout != CHK_LAYOUT_CHUNKED) chk_grid_default_chunks(chunk, &i->shape, i->item_bytes, CHK_DEFAULT_CHUNK_BYTES);
    chk_h5set_retain(set);
    src->set = set;
    chk_tiles_init(&src->tiles);
    if (i->native && !filtered(set)) {
        find_ends(src);
        src->way = chk_way_to_read(set->file->fd, src->file_lo, src->file_hi);
    }
    src->s = (chk_source){.ops = &ops,
                          .dtype = i->dtype,
                          .shape = i->shape,
                          .grid = chk_grid_regular(&i->shape, chunk),
                          .cuttable = i->pipeline.n == 0,
                          .thread_safe = true,
                          .tile_bytes = i->native && filtered(set) ? set->chunk_bytes : 0,
                          .worker_bytes = filtered(set) ? chk_pipeline_worker_bytes(&i->pipeline, set->chunk_bytes, false) : 0,
                          .file = set->file,
                          .open_bytes = set->virtual_bytes,
                          .stored_bytes = (uint64_t)chk_shape_count(&i->shape) * i->item_bytes};
    atomic_init(&src->s.refs, 1);
    atomic_init(&src->advise_left, ADVISE_FOR);
    name_source(src->s.name, sizeof src->s.name, i);
    *out = &src->s;
    return CHUNK_OK;
}

chk_h5set *chk_source_h5_set(const chk_source *s) { return s->ops == &ops ? ((const h5_source *)s)->set : NULL; }
