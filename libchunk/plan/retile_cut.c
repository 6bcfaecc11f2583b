/* retile_cut.c: where tiles begin and end. Every axis has a few ways to be cut, for each of which it is counted once how many chunks of inputs and
 * output tiles meet; a tile shape is a choice for each axis, its cost a product of these counts. */
#include <string.h>

#include "base/alloc.h"
#include "plan/retile.h"
#include "store/boxes.h"

/* Nanoseconds of one core, rounded: they have to be right within a factor. */
#define NS_READ_BYTE 0.15
#define NS_DECODE_BYTE 0.8
#define NS_REQUEST 1000.0 /* a pread beside its bytes */
#define NS_WRITE                                                                                                                   \
    10000.0 /* a pwrite: one at a time a file, and what comes in small pieces lies on small pages (2 GiB by 64 KiB 0.80 s, by 512 KiB 0.44) */
#define NS_PIECE 300.0      /* looking up a chunk */
#define NS_FRAGMENT 150.0   /* a copy beside its bytes */
#define NS_MEMORY_BYTE 0.06 /* a byte of a tile that is no longer in the cache when it is copied on */

enum {
    SAMPLE = 256,
    WINDOW_PIECE = 1 << 20,
    SPARE = 256 << 10,
    CACHED = 8 << 20 /* of a tile's pieces, in the last-level cache that cores share */
};

/* ---- counting */

static void block_tiles(const chk_retile_choice *c, int64_t block, int64_t *lo, int64_t *n)
{
    int64_t end = chk_axis_bound(&c->outer, block + 1);
    *lo = chk_axis_bound(&c->outer, block);
    *n = (end - *lo + c->inner - 1) / c->inner;
}

static int64_t chunks_met(const chk_axis_grid *g, int64_t lo, int64_t hi)
{
    return chk_axis_find(g, hi - 1) - chk_axis_find(g, lo) + 1;
}

/* A bound for the chunks that `extent` elements in a row can meet. */
static int64_t chunks_met_at_most(const chk_axis_grid *g, int64_t extent)
{
    int64_t step = g->step < 0 ? -g->step : g->step, least = g->bounds || g->chunk < step ? 1 : g->chunk / (step > 0 ? step : 1);
    int64_t most = (extent - 1) / least + 2;
    return most < g->n_chunks ? most : g->n_chunks;
}

static void count_tile(chk_retile_choice *c, const chk_retile *r, int a, int64_t lo, int64_t hi)
{
    int64_t n_out = chunks_met(&r->grid.axis[a], lo, hi), first = 1;
    c->n_tiles++;
    if (hi - lo > c->most) c->most = hi - lo;
    c->out.meets += (double)n_out;
    if (n_out > c->out.most_meets) c->out.most_meets = n_out;
    for (int i = 0; i < r->n_in; i++) {
        int64_t n = r->in[i].cut ? chunks_met(&r->in[i].axis[a], lo, hi) : 1;
        c->in[i].meets += (double)n;
        if (n > c->in[i].most_meets) c->in[i].most_meets = n;
        if (i == 0) first = n;
    }
    c->fragments += (double)(n_out + first - 1);
}

/* Counts over all tiles of the axis, or over the first ones where there are many. */
static void count(chk_retile_choice *c, const chk_retile *r, int a)
{
    double counted = 0;
    for (int64_t b = 0; b < c->outer.n_chunks && counted < SAMPLE; b++) {
        int64_t lo, n, end = chk_axis_bound(&c->outer, b + 1);
        block_tiles(c, b, &lo, &n);
        if (n > c->n_inner) c->n_inner = n;
        for (int64_t k = 0; k < n && counted < SAMPLE; k++, lo += c->inner, counted++)
            count_tile(c, r, a, lo, lo + c->inner < end ? lo + c->inner : end);
    }
    int64_t largest = chk_axis_max_chunk(&c->outer), in_block = (largest + c->inner - 1) / c->inner;
    double all = (double)c->outer.n_chunks * (double)in_block;
    if (counted < SAMPLE || all <= counted) return;
    double more = all / counted;
    c->most = c->inner < largest ? c->inner : largest;
    c->n_inner = in_block;
    c->n_tiles *= more;
    c->out.meets *= more;
    c->out.most_meets = chunks_met_at_most(&r->grid.axis[a], c->most);
    c->fragments *= more;
    for (int i = 0; i < r->n_in; i++) {
        c->in[i].meets *= more;
        c->in[i].most_meets = r->in[i].cut ? chunks_met_at_most(&r->in[i].axis[a], c->most) : 1;
    }
}

/* ---- the list of choices */

static void add_choice(chk_retile *r, int a, chk_axis_grid outer, int64_t inner)
{
    if (r->n_choices[a] == CHK_RETILE_CHOICES || inner < 1) return;
    int64_t extent = r->space.dim[a];
    chk_retile_choice c = {.outer = outer, .inner = inner < extent ? inner : extent};
    for (int i = 0; i < r->n_choices[a]; i++) {
        const chk_retile_choice *d = &r->choice[a][i];
        bool same = d->outer.chunk == outer.chunk && d->outer.off == outer.off && d->outer.step == outer.step;
        if (same && d->inner == c.inner) return;
    }
    count(&c, r, a);
    r->choice[a][r->n_choices[a]++] = c;
}

static void add_plain(chk_retile *r, int a, int64_t extent)
{
    add_choice(r, a, chk_axis_regular(r->space.dim[a], extent < r->space.dim[a] ? extent : r->space.dim[a]), extent);
}

/* Tiles of m chunks of an input, beginning where its chunks do. */
static void add_like_input(chk_retile *r, int a, const chk_axis_grid *g, int64_t m)
{
    int64_t chunk = g->chunk;
    if (g->bounds || __builtin_mul_overflow(chunk, m, &chunk)) return;
    chk_axis_grid under = {.extent = INT64_MAX, .n_chunks = 1, .chunk = chunk, .step = 1};
    add_choice(r, a, chk_axis_slice(&under, g->off, g->step, g->extent), r->space.dim[a]);
}

static int64_t out_chunk(const chk_retile *r, int a)
{
    int64_t n = chk_axis_max_chunk(&r->grid.axis[a]);
    return n > 0 ? n : 1;
}

/* Encoded: parts of a block, a block, and along the last axis several; in ascending order. */
static void list_whole_chunks(chk_retile *r, int a)
{
    int64_t chunk = out_chunk(r, a), block = r->block[a] * chunk;
    chk_axis_grid outer = chk_axis_regular(r->space.dim[a], block < r->space.dim[a] ? block : r->space.dim[a]);
    for (int64_t m = 1; m < r->block[a]; m += m < 4 ? 1 : (m & (m - 1)) ? m / 3 : m / 2) add_choice(r, a, outer, m * chunk);
    add_choice(r, a, outer, block);
    if (a + 1 < r->space.ndim) return;
    for (int64_t m = 2; m * block < 2 * r->space.dim[a] && m < 1 << 20; m *= 2) add_plain(r, a, m * block);
}

/* Any: doubling from one element, chunks of the output and of the inputs, the whole axis. */
static void list_boxes(chk_retile *r, int a)
{
    int64_t extent = r->space.dim[a], chunk = out_chunk(r, a);
    add_plain(r, a, extent);
    for (int64_t m = 1; m <= 64; m *= 2) add_plain(r, a, m * chunk);
    for (int i = 0; i < r->n_in; i++)
        for (int64_t m = 1; m <= (i == 0 ? 64 : 1) && r->in[i].cut && r->in[i].shown[a]; m *= 2)
            add_like_input(r, a, &r->in[i].axis[a], m);
    for (int64_t m = 1; m < extent && m <= 1 << 14; m *= 2) add_plain(r, a, m);
}

chunk_status chk_retile_list_choices(chk_retile *r, chunk_error *err)
{
    for (int a = 0; a < r->space.ndim; a++) {
        r->choice[a] = chk_calloc(CHK_RETILE_CHOICES, sizeof *r->choice[a]);
        if (!r->choice[a]) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
        if (r->encoded)
            list_whole_chunks(r, a);
        else
            list_boxes(r, a);
    }
    return CHUNK_OK;
}

/* ---- what a shape costs */

static const chk_retile_choice *chosen(const chk_retile *r, int a) { return &r->choice[a][r->at[a]]; }

/* Pieces of an input that is mapped are cut to 1 MiB: what a window may touch beyond them stays small. */
static void cut_cells(chk_retile *r, int i)
{
    chk_retile_input *in = &r->in[i];
    const chk_prog_input *pi = &r->program.input[i];
    double bytes = (double)chk_dtype_size(pi->source->dtype);
    in->split_axis = -1;
    in->most_cells = 1;
    in->most_bounds = 0;
    for (int a = 0; a < r->space.ndim; a++) {
        int64_t e = chosen(r, a)->most, chunk = chk_axis_max_chunk(&in->axis[a]);
        in->cell[a] = in->cut && in->shown[a] && chunk < e ? chunk : e;
        bytes *= in->shown[a] ? (double)in->cell[a] : 1;
    }
    int64_t more = 1;
    if (bytes > WINDOW_PIECE && !in->windows) {
        uint64_t all = (uint64_t)chk_shape_count(&r->space) * chk_dtype_size(pi->source->dtype);
        in->windows = chk_source_windows(pi->source, !r->program.slow, all) ? 1 : -1;
    }
    for (int b = 0; b < pi->view.base_ndim && bytes > WINDOW_PIECE && in->windows > 0; b++) {
        int a = pi->view.axis[b];
        if (a < 0 || in->cell[a] < 2) continue;
        int64_t n = (int64_t)(bytes / WINDOW_PIECE) + 1, part = (in->cell[a] + n - 1) / n;
        more = (in->cell[a] + part - 1) / part;
        in->split_axis = a;
        in->split = in->cell[a] = part;
        break;
    }
    for (int a = 0; a < r->space.ndim; a++) {
        int64_t n = in->shown[a] ? chosen(r, a)->in[i].most_meets * (a == in->split_axis ? more : 1) : 1;
        in->most_cells = n > INT32_MAX / in->most_cells ? INT32_MAX : in->most_cells * n;
        in->most_bounds += n + 1;
    }
}

static void count_chunks(chk_retile *r)
{
    r->tile_chunks = 1;
    for (int a = 0; a < r->space.ndim; a++) {
        int64_t n = chosen(r, a)->out.most_meets;
        r->tile_chunks = n > INT32_MAX / r->tile_chunks ? INT32_MAX : r->tile_chunks * n;
    }
}

void chk_retile_bytes(chk_retile *r, size_t *work, size_t *window, size_t *kept)
{
    size_t held = 0, transient = 0;
    *window = 0;
    for (int i = 0; i < r->n_in; i++) {
        chk_retile_input *in = &r->in[i];
        const chk_prog_input *pi = &r->program.input[i];
        chk_need need = {0};
        cut_cells(r, i);
        pi->source->ops->need(pi->source, &pi->view, in->cell, in->most_cells, in->cut, &need);
        held += chk_arena_cost(need.arena);
        if (need.transient > transient) transient = need.transient;
        *window += need.window;
    }
    r->fetch_bytes = held + transient;
    count_chunks(r);
    *work = chk_page_round(chk_retile_work_bytes(r) + r->fetch_bytes);
    *kept = r->encoded ? chk_page_round(chk_retile_kept_bytes(r)) : 0;
}

static double input_cost(chk_retile *r, int i)
{
    const chk_prog_input *pi = &r->program.input[i];
    const chk_retile_input *in = &r->in[i];
    double touched = 1, all = 1, chunk_bytes = (double)chk_dtype_size(pi->source->dtype);
    for (int a = 0; a < r->space.ndim; a++) {
        if (!in->shown[a]) continue;
        touched *= chosen(r, a)->in[i].meets;
        all *= in->cut ? (double)in->axis[a].n_chunks : 1;
    }
    if (!pi->source->cuttable) {
        for (int b = 0; b < pi->source->shape.ndim; b++) chunk_bytes *= (double)chk_axis_max_chunk(&pi->source->grid.axis[b]);
        r->reads += touched;
        if (i == 0) r->times = r->decoded = touched / all;
        return touched * (NS_REQUEST + NS_PIECE + chunk_bytes * NS_DECODE_BYTE);
    }
    int64_t extent[CHK_MAX_NDIM];
    chk_shape block = {.ndim = pi->source->shape.ndim};
    chk_pick p;
    for (int a = 0; a < r->space.ndim; a++) {
        int64_t chunk = chk_axis_max_chunk(&in->axis[a]), e = chosen(r, a)->most;
        extent[a] = in->cut && in->shown[a] && chunk < e ? chunk : e;
    }
    for (int b = 0; b < block.ndim; b++)
        block.dim[b] = in->cut ? chk_axis_max_chunk(&pi->source->grid.axis[b]) : pi->source->shape.dim[b];
    chk_pick_most(&p, &pi->view, extent, &block, chk_dtype_size(pi->source->dtype));
    double requests = touched * (double)p.n_runs;
    r->reads += requests;
    if (i == 0) r->times = requests * (double)p.run_bytes / ((double)chk_shape_count(&pi->source->shape) * chunk_bytes);
    return touched * NS_PIECE + requests * (NS_REQUEST + (double)p.run_bytes * NS_READ_BYTE);
}

/* Writes of a part of an output chunk: runs of its C order. */
static double output_cost(chk_retile *r)
{
    double pairs = 1, runs = 1, fragments = 1;
    bool whole = true;
    for (int a = r->space.ndim - 1; a >= 0; a--) {
        const chk_retile_choice *c = chosen(r, a);
        int64_t chunk = out_chunk(r, a);
        pairs *= c->out.meets;
        fragments *= c->fragments;
        if (!whole) runs *= (double)(c->most < chunk ? c->most : chunk);
        whole &= c->most >= chunk;
    }
    r->writes = r->encoded ? pairs : pairs * runs;
    return r->writes * NS_WRITE + fragments * (r->encoded ? 1 : runs) * NS_FRAGMENT;
}

/* Pieces that are larger than the cache are brought from memory a second time, for copying (a transpose of 2 GiB through 64 MiB: by tiles of 16 MiB 0.35 s,
 * of 8 MiB 0.28). */
static double memory_cost(chk_retile *r, double tiles)
{
    double bytes = 0;
    for (int i = 0; i < r->n_in; i++) {
        double n = (double)chk_dtype_size(r->program.input[i].source->dtype);
        for (int a = 0; a < r->space.ndim; a++)
            if (r->in[i].shown[a]) n *= (double)chosen(r, a)->most;
        bytes += n;
    }
    return bytes > CACHED ? tiles * (bytes - CACHED) * NS_MEMORY_BYTE : 0;
}

static void estimate(chk_retile *r, int n_workers)
{
    double ns = 0, tiles = 1;
    r->reads = r->writes = r->decoded = 0;
    r->times = 1;
    for (int a = 0; a < r->space.ndim; a++) tiles *= chosen(r, a)->n_tiles;
    for (int i = 0; i < r->n_in; i++) ns += input_cost(r, i);
    ns += output_cost(r) + memory_cost(r, tiles) + tiles * 2 * NS_REQUEST;
    /* Tiles that are few do not come out even. */
    double rounds = (double)(int64_t)((tiles + n_workers - 1) / n_workers);
    if (tiles < 1e9) ns *= rounds * n_workers / tiles;
    r->seconds = ns * 1e-9;
}

/* ---- the search */

typedef struct search {
    chk_retile *r;
    uint64_t room; /* 0: only `least` is asked for */
    int n_workers;
    double best; /* seconds; below 0: nothing fits yet, and `least` counts */
    uint64_t least;
    int at[CHK_MAX_NDIM];
} search;

static uint64_t needed(chk_retile *r, int n_workers)
{
    size_t work, window, kept;
    chk_retile_bytes(r, &work, &window, &kept);
    uint64_t n = (uint64_t)n_workers, areas = n > 1 ? n + 1 : 1;
    return n * (work + window + r->sink_worker_bytes) + areas * kept;
}

/* Tries r->at as it stands; true when it is better than all before. */
static bool try(search *s)
{
    chk_retile *r = s->r;
    if (s->room > 0) estimate(r, s->n_workers);
    if (s->best >= 0 && r->seconds >= s->best) return false;
    uint64_t bytes = needed(r, s->n_workers);
    bool fits = bytes <= s->room;
    if (!fits && (s->best >= 0 || bytes >= s->least)) return false;
    s->least = bytes;
    if (fits) s->best = r->seconds;
    memcpy(s->at, r->at, sizeof s->at);
    return true;
}

/* Encoded tiles are runs of the order of chunks: one chunk along the axes before some axis p, whole blocks along those after it. */
static void search_runs(search *s)
{
    chk_retile *r = s->r;
    int ndim = r->space.ndim;
    for (int p = ndim - 1; p >= 0; p--) {
        int whole[CHK_MAX_NDIM];
        for (int a = 0; a < ndim; a++) {
            int64_t block = r->block[a] * out_chunk(r, a);
            for (whole[a] = 0; r->choice[a][whole[a]].inner < block && whole[a] + 1 < r->n_choices[a];) whole[a]++;
            r->at[a] = a > p ? whole[a] : 0;
        }
        for (r->at[p] = 0; r->at[p] <= whole[p]; r->at[p]++) try(s);
    }
    int last = ndim - 1;
    for (int a = 0; a < ndim; a++) { /* more blocks than one, where a block is a run along the last axis */
        if (a < last && r->block[a] > 1) return;
        r->at[a] = 0;
    }
    for (r->at[last] = 0; r->at[last] < r->n_choices[last]; r->at[last]++) try(s);
}

static bool improve_pair(search *s, int a, int b)
{
    chk_retile *r = s->r;
    bool better = false;
    for (int i = 0; i < r->n_choices[a]; i++) {
        for (int k = 0; k < (a == b ? 1 : r->n_choices[b]); k++) {
            memcpy(r->at, s->at, sizeof s->at);
            r->at[a] = i;
            if (a != b) r->at[b] = k;
            better |= try(s);
        }
    }
    return better;
}

/* From boxes of one element, pairs of axes together until nothing gets better; with many axes, one at a time. */
static void search_boxes(search *s)
{
    chk_retile *r = s->r;
    int ndim = r->space.ndim;
    for (int a = 0; a < ndim; a++) {
        r->at[a] = 0;
        for (int i = 0; i < r->n_choices[a]; i++)
            if (r->choice[a][i].most < chosen(r, a)->most) r->at[a] = i;
    }
    try(s);
    for (int round = 0; round < 6; round++) {
        bool better = false;
        for (int a = 0; a < ndim; a++) {
            better |= improve_pair(s, a, a);
            for (int b = a + 1; b < ndim && ndim <= 4; b++) better |= improve_pair(s, a, b);
        }
        if (!better) return;
    }
}

static void run_search(search *s)
{
    s->best = -1;
    s->least = UINT64_MAX;
    if (s->r->encoded)
        search_runs(s);
    else
        search_boxes(s);
    memcpy(s->r->at, s->at, sizeof s->at);
}

/* The smallest tiles of all save little beside what decoding a chunk takes, and decode each chunk once an element: what is asked for at least is so
 * much more that the fastest of these tiles is one to work with. */
static uint64_t workable(uint64_t least, int n_workers) { return least + least / 2 + (uint64_t)n_workers * SPARE; }

bool chk_retile_choose(chk_retile *r, uint64_t room, int n_workers)
{
    search s = {.r = r, .room = 0, .n_workers = n_workers};
    bool again = r->last.room > 0 && r->last.n_workers == n_workers && r->last.strip == r->strip &&
                 r->last.sink_worker_bytes == r->sink_worker_bytes;
    if (!again) run_search(&s);
    uint64_t enough = again ? r->last.enough : workable(s.least, n_workers);
    s.room = room > enough ? room : enough;
    if (again && s.room == r->last.room) {
        memcpy(r->at, r->last.at, sizeof r->at);
    } else {
        run_search(&s);
        r->last.n_workers = n_workers;
        r->last.strip = r->strip;
        r->last.sink_worker_bytes = r->sink_worker_bytes;
        r->last.enough = enough;
        r->last.room = s.room;
        memcpy(r->last.at, r->at, sizeof r->at);
    }
    estimate(r, n_workers);
    return needed(r, n_workers) <= room;
}

/* ---- tiles by number */

uint64_t chk_retile_n_tasks(const chk_retile *r)
{
    uint64_t n = 1;
    for (int a = 0; a < r->space.ndim; a++)
        if (__builtin_mul_overflow(n, (uint64_t)(chosen(r, a)->outer.n_chunks * chosen(r, a)->n_inner), &n)) return UINT64_MAX;
    return n;
}

bool chk_retile_tile(const chk_retile *r, uint64_t task, chk_box *box)
{
    int64_t part[CHK_MAX_NDIM];
    box->ndim = r->space.ndim;
    for (int a = r->space.ndim - 1; a >= 0; a--) {
        part[a] = (int64_t)(task % (uint64_t)chosen(r, a)->n_inner);
        task /= (uint64_t)chosen(r, a)->n_inner;
    }
    for (int a = r->space.ndim - 1; a >= 0; a--) {
        const chk_retile_choice *c = chosen(r, a);
        int64_t block = (int64_t)(task % (uint64_t)c->outer.n_chunks), end = chk_axis_bound(&c->outer, block + 1);
        task /= (uint64_t)c->outer.n_chunks;
        box->lo[a] = chk_axis_bound(&c->outer, block) + part[a] * c->inner;
        box->hi[a] = box->lo[a] + c->inner < end ? box->lo[a] + c->inner : end;
        if (box->lo[a] >= box->hi[a]) return false;
    }
    return true;
}
