/* filter_rank.c: the k-th of the elements of a box around each element: medians, percentiles, ranks. Boxes of up to 64 elements go through a sorting
 * network, eight neighbours of the result at a time, of which only what leads to rank k is kept (Batcher's odd-even merge sort); larger ones are
 * selected from one by one (Hoare). NaN counts as larger than all.
 *
 * Parameters: bits of cval, rank; an edge, a window's extent and how much of it lies before the centre, an axis. */
#include <math.h>
#include <string.h>

#include "kern/stencil.h"
#include "ops/filter.h"

enum { MOST_WINDOW = 1 << 20 };

typedef struct window {
    double cval;
    int64_t rank, n[CHK_MAX_NDIM], lo[CHK_MAX_NDIM], count;
    chk_edge edge[CHK_MAX_NDIM];
} window;

static void read_window(window *w, const int64_t *attr, int ndim)
{
    w->cval = filter_real(attr[0]);
    w->rank = attr[1];
    w->count = 1;
    for (int a = 0; a < ndim; a++) {
        w->edge[a] = (chk_edge)attr[2 + 3 * a];
        w->count *= w->n[a] = attr[3 + 3 * a];
        w->lo[a] = attr[4 + 3 * a];
    }
}

static void rank_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    window w;
    (void)input;
    read_window(&w, n->u.custom.attr, n->shape.ndim);
    filter_window_extent(in_extent, n->shape.ndim, extent, w.n);
}

static size_t rank_scratch(const chk_node *n, const int64_t *extent)
{
    window w;
    int64_t in_extent[CHK_MAX_NDIM];
    read_window(&w, n->u.custom.attr, n->shape.ndim);
    rank_reads(n, 0, extent, in_extent);
    return chk_arena_cost((size_t)w.count * 3 * sizeof(double)) +
           chk_arena_cost(chk_extent_bytes(n->shape.ndim, in_extent, CHK_F64));
}

/* Elements beyond n would be larger than all and never move. */
int filter_network(uint8_t (*pair)[2], int n, int k)
{
    int count = 0, size = 1;
    while (size < n) size *= 2;
    for (int p = 1; p < size; p *= 2)
        for (int d = p; d >= 1; d /= 2)
            for (int j = d % p; j + d < size; j += 2 * d)
                for (int i = 0; i < d && i + j + d < size; i++) {
                    if ((i + j) / (2 * p) != (i + j + d) / (2 * p) || i + j + d >= n) continue;
                    pair[count][0] = (uint8_t)(i + j);
                    pair[count++][1] = (uint8_t)(i + j + d);
                }
    uint64_t wanted = (uint64_t)1 << k;
    int kept = count;
    for (int c = count - 1; c >= 0; c--) {
        uint64_t both = (uint64_t)1 << pair[c][0] | (uint64_t)1 << pair[c][1];
        if (!(wanted & both)) continue;
        wanted |= both;
        memmove(pair[--kept], pair[c], sizeof *pair);
    }
    memmove(pair[0], pair[kept], (size_t)(count - kept) * sizeof *pair);
    return count - kept;
}

static bool less(double a, double b) { return a < b || (isnan(b) && !isnan(a)); }

double filter_select(double *v, int64_t n, int64_t k)
{
    for (int64_t lo = 0, hi = n - 1; lo < hi;) {
        double pivot = v[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (less(v[i], pivot)) i++;
            while (less(pivot, v[j])) j--;
            if (i > j) break;
            double t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        if (k <= j)
            hi = j;
        else if (k >= i)
            lo = i;
        else
            break;
    }
    return v[k];
}

static chunk_status rank_run(const chk_local_call *c, chunk_error *err)
{
    int ndim = c->node->shape.ndim;
    window w;
    chk_box box;
    read_window(&w, c->node->u.custom.attr, ndim);
    filter_window_box(&box, c->box, w.lo, w.n);
    int64_t *offset = c->scratch, at[CHK_MAX_NDIM] = {0};
    const double **tap = (const double **)(void *)(offset + w.count);
    double *all = (double *)(void *)(tap + w.count), *out = c->out;
    double *x = (double *)(void *)((char *)c->scratch + chk_arena_cost((size_t)w.count * 3 * sizeof(double)));
    CHK_TRY(chk_halo_read(c, 0, &box, w.edge, &w.cval, x, err));
    for (int64_t k = 0; k < w.count; k++) {
        offset[k] = 0;
        for (int a = 0; a < ndim; a++) offset[k] = offset[k] * chk_box_extent(&box, a) + at[a];
        for (int a = ndim - 1; a >= 0 && ++at[a] == w.n[a]; a--) at[a] = 0;
    }
    uint8_t pair[FILTER_MOST_PAIRS][2];
    int n_pairs = w.count <= FILTER_NETWORK ? filter_network(pair, (int)w.count, (int)w.rank) : 0;
    int64_t row = chk_box_extent(c->box, ndim - 1), rows = chk_box_count(c->box) / row;
    for (int64_t r = 0; r < rows; r++, out += row) {
        int64_t from = 0;
        for (int a = 0; a < ndim; a++) from = from * chk_box_extent(&box, a) + at[a];
        if (w.count <= FILTER_NETWORK) {
            for (int64_t k = 0; k < w.count; k++) tap[k] = x + from + offset[k];
            chk_stencil_select(out, tap, (int)w.count, pair, n_pairs, (int)w.rank, (size_t)row);
        } else {
            for (int64_t i = 0; i < row; i++) {
                for (int64_t k = 0; k < w.count; k++) all[k] = x[from + i + offset[k]];
                out[i] = filter_select(all, w.count, w.rank);
            }
        }
        for (int a = ndim - 2; a >= 0 && ++at[a] == chk_box_extent(c->box, a); a--) at[a] = 0;
    }
    return CHUNK_OK;
}

static bool rank_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    window w;
    read_window(&w, n->u.custom.attr, n->shape.ndim);
    *input = 0;
    return part == 0 && filter_window_part(n, box, w.lo, w.n, in);
}

static const chk_local rank_local = {.reads = rank_reads, .scratch = rank_scratch, .run = rank_run, .part = rank_part, .ns = 20.0};

static chunk_status make_rank(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                              int n_attr, chunk_error *err)
{
    int ndim = n_in == 1 ? in[0]->shape.ndim : 0;
    bool fine = ndim > 0 && in[0]->dtype == CHK_F64 && n_attr == 2 + 3 * ndim;
    int64_t count = 1;
    for (int a = 0; a < ndim && fine; a++) {
        int64_t edge = attr[2 + 3 * a], n = attr[3 + 3 * a], lo = attr[4 + 3 * a];
        fine = edge >= 0 && edge < CHK_N_EDGES && n > 0 && n <= MOST_WINDOW && lo >= 0 && lo < n && (count *= n) <= MOST_WINDOW;
    }
    if (!fine || attr[1] < 0 || attr[1] >= count)
        return chk_fail(err, CHUNK_EINVAL, "%s: these are not the parameters of a filter by rank", op->name);
    return chk_node_custom(out, b, op, attr, n_attr, CHK_F64, &in[0]->shape, NULL, in, 1, err);
}

typedef enum rank_kind { MEDIAN, RANK, PERCENTILE } rank_kind; /* op->flags */

static chunk_status rank_of(int64_t *rank, const chk_op *op, const chk_value *v, int64_t count, chunk_error *err)
{
    *rank = count / 2;
    if (op->flags == RANK) {
        CHK_TRY(ops_arg_int(rank, v, 0, op->name, "rank", err));
        int64_t given = *rank;
        if (given < 0) *rank += count;
        if (*rank < 0 || *rank >= count)
            return chk_fail(err, CHUNK_EINVAL, "%s: rank %lld of a window of %lld elements: from %lld to %lld", op->name,
                            (long long)given, (long long)count, (long long)-count, (long long)count - 1);
    } else if (op->flags == PERCENTILE) {
        double p;
        CHK_TRY(ops_arg_real(&p, v, 0, op->name, "percentile", err));
        if (p < 0) p += 100;
        if (!(p >= 0 && p <= 100))
            return chk_fail(err, CHUNK_EINVAL, "%s: a percentile is from 0 to 100, or counts from 100 down when negative",
                            op->name);
        *rank = p == 100 ? count - 1 : (int64_t)((double)count * p / 100);
    }
    return CHUNK_OK;
}

static chunk_status rank_attr(int64_t *attr, const chk_op *op, const chk_value *args, int ndim, chunk_error *err)
{
    const chk_value *rest = op->flags == MEDIAN ? args : args + 1; /* behind x: what to select */
    chk_edge edge[CHK_MAX_NDIM];
    int64_t size[CHK_MAX_NDIM], origin[CHK_MAX_NDIM], count = 1;
    filter_axes axes;
    double cval;
    CHK_TRY(filter_arg_axes(&axes, &rest[6], ndim, op->name, err));
    CHK_TRY(filter_arg_ints(size, &rest[1], 3, &axes, op->name, "size", err));
    CHK_TRY(filter_arg_edges(edge, &rest[3], &axes, op->name, err));
    CHK_TRY(ops_arg_real(&cval, &rest[4], 0, op->name, "cval", err));
    CHK_TRY(filter_arg_ints(origin, &rest[5], 0, &axes, op->name, "origin", err));
    uint32_t filtered = 0;
    for (int i = 0; i < axes.n; i++) filtered |= UINT32_C(1) << axes.at[i];
    for (int a = 0; a < ndim; a++) {
        if (!(filtered >> a & 1)) size[a] = 1;
        attr[2 + 3 * a] = edge[a];
        attr[3 + 3 * a] = size[a];
        CHK_TRY(filter_origin(&attr[4 + 3 * a], size[a], origin[a], a, op->name, err));
        if ((count *= size[a]) > MOST_WINDOW)
            return chk_fail(err, CHUNK_EINVAL, "%s: a window of more than %d elements", op->name, MOST_WINDOW);
    }
    attr[0] = filter_bits(cval);
    return rank_of(&attr[1], op, &args[1], count, err);
}

static chunk_status build_rank(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int64_t attr[2 + 3 * CHK_MAX_NDIM];
    chk_dtype d;
    ops_maker m = ops_make(b, err);
    chk_node *x = filter_input(&m, &d, &args[0], &args[op->flags == MEDIAN ? 2 : 3], op->name), *in = ops_cast(&m, x, CHK_F64),
             *made = NULL;
    if (in) m.st = rank_attr(attr, op, args, x->shape.ndim, err);
    if (m.st == CHUNK_OK) made = ops_own(&m, op->make(&made, b, op, &in, 1, attr, 2 + 3 * x->shape.ndim, err), &made);
    if (m.st == CHUNK_OK) made = filter_output(&m, made, d);
    return ops_give(out, &m, made);
}

#define RANK_WINDOW                                                                                                                \
    {"size", CHK_PAR_ANY, "3", false}, FILTER_OUTPUT, FILTER_MODE, FILTER_CVAL, FILTER_ORIGIN,                                     \
    {                                                                                                                              \
        "axes", CHK_PAR_AXIS, "None", true                                                                                         \
    }
#define RANK_DOC "size: of the box, one or one an axis; NaN counts as larger than all. "

const chk_op chk_op_median_filter = {
    .name = "median_filter",
    .family = "stencil",
    .summary = "median of a box around each element",
    .doc = RANK_DOC "Of an even number of elements the upper middle one. As scipy.ndimage.median_filter. " FILTER_EDGES,
    .params = {FILTER_X, RANK_WINDOW},
    .build = build_rank,
    .make = make_rank,
    .local = &rank_local,
    .flags = MEDIAN,
};
const chk_op chk_op_rank_filter = {
    .name = "rank_filter",
    .family = "stencil",
    .summary = "the element of a rank in a box around each element",
    .doc = "rank: 0 is the least, -1 the greatest. " RANK_DOC "As scipy.ndimage.rank_filter. " FILTER_EDGES,
    .params = {FILTER_X, {"rank", CHK_PAR_INT, NULL, false}, RANK_WINDOW},
    .build = build_rank,
    .make = make_rank,
    .local = &rank_local,
    .flags = RANK,
};
const chk_op chk_op_percentile_filter = {
    .name = "percentile_filter",
    .family = "stencil",
    .summary = "a percentile of a box around each element, without interpolation",
    .doc = RANK_DOC "As scipy.ndimage.percentile_filter. " FILTER_EDGES,
    .params = {FILTER_X, {"percentile", CHK_PAR_NUMBER, NULL, false}, RANK_WINDOW},
    .build = build_rank,
    .make = make_rank,
    .local = &rank_local,
    .flags = PERCENTILE,
};
