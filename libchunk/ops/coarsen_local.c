/* coarsen_local.c: groups of elements to one result each, with the kernels of the reductions.
 *
 * A tile of groups is read, and the elements of each group are folded into its state in C order: in columns, one a group, where groups are narrow, for
 * which they are brought into rows; else as rows of their own. Groups too large for a tile are read in pieces. Pieces, batches and the places where
 * partial states are merged follow from the factors alone, so an element's bits do not depend on tiles. */
#include <string.h>

#include "ops/coarsen.h"
#include "ops/gather.h"

/* PIECE: elements of a group read at once. TILE: elements read at once where chunks can be cut. WIDE: from here on a row of a group is folded by itself.
 * BATCH: rows folded in one call. RUN: elements folded one after the other before a merge, so that errors of sums grow with the runs, not the elements. */
enum { PIECE = 1 << 20, TILE = 64 << 10, WIDE = 64, BATCH = 512, RUN = 4096, STRIP = 4096 };

typedef struct coarse {
    const chk_node *n;
    int ndim;
    const int64_t *factor;
    int64_t piece[CHK_MAX_NDIM], tile[CHK_MAX_NDIM]; /* of a group that is read at once; results in a tile */
    int64_t n_results, n_elements;                   /* of a full tile */
    const chk_red_kern *kern;
    double param;
    size_t item;
    bool cuttable, merges; /* merges: groups are longer than a run */
    /* while it runs */
    char *data, *rows, *total, *part;
    int64_t since; /* elements in `part` */
    const chk_local_call *c;
} coarse;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Sizes for results in boxes of at most `extent`. */
static void describe(coarse *k, const chk_node *n, const int64_t *extent)
{
    const chk_node *in = n->in[0];
    const int64_t *attr = n->u.custom.attr;
    *k = (coarse){.n = n, .ndim = n->shape.ndim, .factor = attr + COARSEN_FACTORS, .n_results = 1};
    k->kern = chk_red_find((chk_red)attr[COARSEN_RED], in->dtype);
    memcpy(&k->param, &attr[COARSEN_PARAM], sizeof k->param);
    k->item = chk_dtype_size(in->dtype);
    int64_t group = 1, room = PIECE;
    for (int a = k->ndim - 1; a >= 0; a--) {
        k->piece[a] = room > 0 ? least(k->factor[a], room) : 1;
        room /= k->factor[a];
        if (__builtin_mul_overflow(group, k->factor[a], &group)) group = INT64_MAX;
    }
    k->merges = group > RUN;
    int64_t held = 1;
    k->cuttable = ops_is_cuttable(in);
    for (int a = 0; a < k->ndim; a++) held *= k->piece[a];
    for (int a = k->ndim - 1; a >= 0; a--) {
        int64_t chunk = chk_axis_max_chunk(&in->grid.axis[a]), most = (chunk + k->factor[a] - 1) / k->factor[a];
        if (k->cuttable) most = least(most, TILE / held);
        if (most < 1 || k->piece[a] < k->factor[a]) most = 1;
        k->tile[a] = least(extent[a] > 0 ? extent[a] : 1, most);
        k->n_results *= k->tile[a];
        held *= k->tile[a];
    }
    k->n_elements = held;
}

static size_t state_bytes(const coarse *k) { return chk_arena_cost((size_t)k->n_results * k->kern->state_bytes); }
static size_t row_bytes(const coarse *k) { return (size_t)(STRIP + 8 * BATCH) * k->item; }

static void coarsen_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    coarse k;
    (void)input;
    describe(&k, n, extent);
    for (int a = 0; a < k.ndim; a++) in_extent[a] = k.tile[a] * k.piece[a];
}

static size_t coarsen_scratch(const chk_node *n, const int64_t *extent)
{
    coarse k;
    describe(&k, n, extent);
    return chk_arena_cost((size_t)k.n_elements * k.item) + chk_arena_cost(row_bytes(&k)) + (k.merges ? 2 : 1) * state_bytes(&k);
}

/* ---- folding a tile */

#define GATHER(T, STEP)                                                                                                            \
    for (int64_t t = 0; t < (STEP); t++)                                                                                           \
        for (int64_t j = 0; j < width; j++) ((T *)to)[t * width + j] = ((const T *)from)[j * (STEP) + t]
#define GATHER_AS(T)                                                                                                               \
    do {                                                                                                                           \
        if (step == 2)                                                                                                             \
            GATHER(T, 2);                                                                                                          \
        else if (step == 4)                                                                                                        \
            GATHER(T, 4);                                                                                                          \
        else                                                                                                                       \
            GATHER(T, step);                                                                                                       \
    } while (0)

typedef struct pair {
    uint64_t a, b;
} pair;

/* Element t of `width` neighbouring groups of `step` elements to row t. */
static void gather(char *to, const char *from, int64_t step, int64_t width, size_t item)
{
    switch (item) {
    case 1: GATHER_AS(uint8_t); break;
    case 2: GATHER_AS(uint16_t); break;
    case 4: GATHER_AS(uint32_t); break;
    case 8: GATHER_AS(uint64_t); break;
    default: GATHER_AS(pair); break;
    }
}

/* After n elements of each group, those of results [j0, j0 + width) are folded into `part`, or total where no merging is needed. */
static void merge_run(coarse *k, int64_t n, int64_t j0, int64_t width, bool end)
{
    size_t cap = (size_t)k->n_results;
    if (!k->merges || ((k->since += n) < RUN && !end)) return;
    if (k->since > 0) k->kern->merge(k->total, cap, (size_t)j0, k->part, cap, (size_t)j0, (size_t)width);
    k->kern->init(k->part, cap, (size_t)j0, (size_t)width);
    k->since = 0;
}

/* The rows of groups that lie side by side along the last axis: rows of `across` groups of `step` elements, the q-th of them at row[q]. */
typedef struct lines {
    int64_t n_rows, step, j0;
    int64_t extent[CHK_MAX_NDIM], stride[CHK_MAX_NDIM]; /* of the group's rows in the tile, bytes */
    int n_axes;
    const char *first;
} lines;

static const char *line(const lines *l, int64_t q)
{
    const char *at = l->first;
    for (int a = l->n_axes - 1; a >= 0; a--) {
        at += q % l->extent[a] * l->stride[a];
        q /= l->extent[a];
    }
    return at;
}

/* Groups [from, from + width) of those lines. */
static void fold_narrow(coarse *k, const lines *l, int64_t from, int64_t width)
{
    char *states = k->merges ? k->part : k->total;
    size_t cap = (size_t)k->n_results, j0 = (size_t)(l->j0 + from);
    int64_t batch = BATCH / l->step;
    k->since = 0;
    for (int64_t q = 0; q < l->n_rows; q += batch) {
        int64_t n = least(batch, l->n_rows - q);
        for (int64_t i = 0; i < n; i++)
            gather(k->rows + (size_t)(i * l->step * width) * k->item, line(l, q + i) + (size_t)(from * l->step) * k->item, l->step,
                   width, k->item);
        k->kern->cols(states, cap, j0, (size_t)width, k->rows, (size_t)(n * l->step), (size_t)width, 0, 0);
        merge_run(k, n * l->step, (int64_t)j0, width, q + n == l->n_rows);
    }
}

static void fold_wide(coarse *k, const lines *l, int64_t width)
{
    char *states = k->merges ? k->part : k->total;
    for (int64_t j = 0; j < width; j++) {
        k->since = 0;
        for (int64_t q = 0; q < l->n_rows; q++) {
            const char *row = line(l, q) + (size_t)(j * l->step) * k->item;
            for (int64_t t = 0; t < l->step; t += RUN) {
                int64_t n = least(RUN, l->step - t);
                k->kern->row(states, (size_t)k->n_results, (size_t)(l->j0 + j), row + (size_t)t * k->item, (size_t)n, 0);
                merge_run(k, n, l->j0 + j, 1, q + 1 == l->n_rows && t + n == l->step);
            }
        }
    }
}

/* A piece of `size` elements of each of `tile` groups, dense in k->data. */
static void fold_piece(coarse *k, const int64_t *tile, const int64_t *size)
{
    int last = k->ndim - 1;
    int64_t stride[CHK_MAX_NDIM], at[CHK_MAX_NDIM] = {0}, next = (int64_t)k->item, width = tile[last];
    lines l = {.n_rows = 1, .step = size[last], .n_axes = last};
    for (int a = last; a >= 0; a--) {
        stride[a] = next;
        next *= tile[a] * size[a];
    }
    for (int a = 0; a < last; a++) {
        l.extent[a] = size[a];
        l.stride[a] = stride[a];
        l.n_rows *= size[a];
    }
    int64_t deep = least(l.n_rows, BATCH / l.step ? BATCH / l.step : 1) * l.step, strip = STRIP / deep > 8 ? STRIP / deep : 8;
    for (;;) {
        l.first = k->data;
        for (int a = 0; a < last; a++) l.first += at[a] * size[a] * stride[a];
        if (l.step >= WIDE)
            fold_wide(k, &l, width);
        else
            for (int64_t from = 0; from < width; from += strip) fold_narrow(k, &l, from, least(strip, width - from));
        l.j0 += width;
        int a = last - 1;
        while (a >= 0 && ++at[a] == tile[a]) at[a--] = 0;
        if (a < 0) return;
    }
}

/* ---- tiles */

/* All results of a tile: piece after piece of their groups. */
static chunk_status fold_tile(coarse *k, const int64_t *lo, const int64_t *tile, chunk_error *err)
{
    int64_t at[CHK_MAX_NDIM] = {0}, size[CHK_MAX_NDIM];
    k->kern->init(k->total, (size_t)k->n_results, 0, (size_t)k->n_results);
    if (k->merges) k->kern->init(k->part, (size_t)k->n_results, 0, (size_t)k->n_results);
    for (;;) {
        chk_box box = {.ndim = k->ndim};
        for (int a = 0; a < k->ndim; a++) {
            size[a] = least(k->piece[a], k->factor[a] - at[a]);
            box.lo[a] = lo[a] * k->factor[a] + at[a];
            box.hi[a] = box.lo[a] + tile[a] * size[a];
        }
        CHK_TRY(chk_local_read(k->c, 0, &box, k->data, NULL, err));
        fold_piece(k, tile, size);
        int a = k->ndim - 1;
        while (a >= 0 && (at[a] += k->piece[a]) >= k->factor[a]) at[a--] = 0;
        if (a < 0) return CHUNK_OK;
    }
}

/* Where the tile that begins at lo ends: not beyond a chunk of the input where those are decoded as a whole. */
static int64_t tile_end(const coarse *k, int a, int64_t lo, int64_t hi)
{
    const chk_axis_grid *g = &k->n->in[0]->grid.axis[a];
    hi = least(hi, lo + k->tile[a]);
    if (k->cuttable) return hi;
    int64_t end = chk_axis_bound(g, chk_axis_find(g, lo * k->factor[a]) + 1), stop = (end + k->factor[a] - 1) / k->factor[a];
    return least(hi, stop > lo ? stop : lo + 1);
}

static chunk_status coarsen_run(const chk_local_call *c, chunk_error *err)
{
    coarse k;
    int64_t extent[CHK_MAX_NDIM], lo[CHK_MAX_NDIM], tile[CHK_MAX_NDIM], at[CHK_MAX_NDIM], dense[CHK_MAX_NDIM], next = 1;
    int ndim = c->box->ndim;
    size_t out_item = chk_dtype_size(c->node->dtype);
    for (int a = ndim - 1; a >= 0; a--) {
        extent[a] = chk_box_extent(c->box, a);
        dense[a] = next;
        next *= extent[a];
    }
    describe(&k, c->node, extent);
    k.c = c;
    k.data = c->scratch;
    k.rows = k.data + chk_arena_cost((size_t)k.n_elements * k.item);
    k.total = k.rows + chk_arena_cost(row_bytes(&k));
    k.part = k.total + state_bytes(&k);
    memcpy(lo, c->box->lo, sizeof lo);
    for (;;) {
        for (int a = 0; a < ndim; a++) tile[a] = tile_end(&k, a, lo[a], c->box->hi[a]) - lo[a];
        CHK_TRY(fold_tile(&k, lo, tile, err));
        memset(at, 0, sizeof at);
        for (int64_t j0 = 0;; j0 += tile[ndim - 1]) { /* rows of results to their places */
            int64_t to = 0;
            for (int a = 0; a < ndim; a++) to += (lo[a] - c->box->lo[a] + at[a]) * dense[a];
            k.kern->finish((char *)c->out + (size_t)to * out_item, k.total, (size_t)k.n_results, (size_t)j0, (size_t)tile[ndim - 1],
                           k.param);
            int a = ndim - 2;
            while (a >= 0 && ++at[a] == tile[a]) at[a--] = 0;
            if (a < 0) break;
        }
        int a = ndim - 1;
        while (a >= 0 && (lo[a] += tile[a]) >= c->box->hi[a]) {
            lo[a] = c->box->lo[a];
            a--;
        }
        if (a < 0) return CHUNK_OK;
    }
}

static bool coarsen_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    if (part > 0) return false;
    *input = 0;
    *in = *box;
    for (int a = 0; a < box->ndim; a++) {
        in->lo[a] *= n->u.custom.attr[COARSEN_FACTORS + a];
        in->hi[a] *= n->u.custom.attr[COARSEN_FACTORS + a];
    }
    return true;
}

/* As many results as 256 Ki elements make. */
static int64_t coarsen_block(const chk_node *n)
{
    int64_t group = 1;
    for (int a = 0; a < n->shape.ndim; a++)
        if (__builtin_mul_overflow(group, n->u.custom.attr[COARSEN_FACTORS + a], &group)) group = INT64_MAX;
    return group < 4 * TILE ? 4 * TILE / group : 1;
}

const chk_local coarsen_local = {.reads = coarsen_reads,
                                 .scratch = coarsen_scratch,
                                 .run = coarsen_run,
                                 .part = coarsen_part,
                                 .block_of = coarsen_block,
                                 .ns = 8};
