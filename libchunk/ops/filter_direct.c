/* filter_direct.c: sums of neighbours in n dimensions, times any weights: row by row of the result, each weight a tap. Weights are numbers written out, then
 * parameters of the node, or a second input, which is read anew for each block.
 *
 * Parameters: bits of cval; an edge, a window's extent and how much of it lies before the centre, an axis; flags; bits of the weights. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kern/stencil.h"
#include "ops/filter.h"

enum { MOST_WEIGHTS = 1 << 16 };
enum { TURNED = 1, LINE = 2 }; /* weights are turned round; are added up as filters along one axis do it, however small they are */

typedef struct window {
    double cval;
    chk_edge edge[CHK_MAX_NDIM];
    int64_t n[CHK_MAX_NDIM], lo[CHK_MAX_NDIM], count;
    bool turned, line;
    const int64_t *weight;
} window;

static void read_window(window *w, const int64_t *attr, int ndim)
{
    w->cval = filter_real(attr[0]);
    w->count = 1;
    for (int a = 0; a < ndim; a++) {
        w->edge[a] = (chk_edge)attr[1 + 3 * a];
        w->count *= w->n[a] = attr[2 + 3 * a];
        w->lo[a] = attr[3 + 3 * a];
    }
    w->turned = attr[1 + 3 * ndim] & TURNED;
    w->line = attr[1 + 3 * ndim] & LINE;
    w->weight = attr + 2 + 3 * ndim;
}

static void direct_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    window w;
    read_window(&w, n->u.custom.attr, n->shape.ndim);
    if (input == 0)
        filter_window_extent(in_extent, n->shape.ndim, extent, w.n);
    else
        memcpy(in_extent, w.n, (size_t)n->shape.ndim * sizeof *in_extent);
}

/* What a weight takes: its value as read, and as a tap value, offset and pointer. */
enum { WEIGHT_BYTES = 32 };

static size_t direct_scratch(const chk_node *n, const int64_t *extent)
{
    window w;
    int64_t in_extent[CHK_MAX_NDIM];
    read_window(&w, n->u.custom.attr, n->shape.ndim);
    direct_reads(n, 0, extent, in_extent);
    return chk_arena_cost((size_t)w.count * WEIGHT_BYTES) + chk_arena_cost(chk_extent_bytes(n->shape.ndim, in_extent, CHK_F64));
}

/* What counts, and where it lies from an element's window on. Returns how many. */
static int list_taps(const window *w, const double *given, const chk_box *box, double *value, int64_t *offset, chk_fold *fold)
{
    int64_t at[CHK_MAX_NDIM] = {0};
    int n_taps = 0;
    for (int64_t k = 0; k < w->count; k++) {
        double v = given[w->turned ? w->count - 1 - k : k];
        int64_t from = 0;
        for (int a = 0; a < box->ndim; a++) from = from * chk_box_extent(box, a) + at[a];
        for (int a = box->ndim - 1; a >= 0 && ++at[a] == w->n[a]; a--) at[a] = 0;
        if (!w->line && !(fabs(v) > DBL_EPSILON) && !isnan(v))
            continue; /* as SciPy does: infinite elements under a zero do not count */
        value[n_taps] = v;
        offset[n_taps++] = from;
    }
    bool last_first = false;
    if (w->line) *fold = filter_order(value, n_taps, &last_first);
    if (last_first) {
        int64_t last = offset[n_taps - 1];
        memmove(offset + 1, offset, (size_t)(n_taps - 1) * sizeof *offset);
        offset[0] = last;
    }
    return n_taps;
}

static chunk_status direct_run(const chk_local_call *c, chunk_error *err)
{
    int ndim = c->node->shape.ndim;
    window w;
    chk_box box;
    read_window(&w, c->node->u.custom.attr, ndim);
    filter_window_box(&box, c->box, w.lo, w.n);
    double *given = c->scratch, *value = given + w.count, *out = c->out;
    int64_t *offset = (int64_t *)(void *)(value + w.count), at[CHK_MAX_NDIM] = {0};
    const double **tap = (const double **)(void *)(offset + w.count);
    double *x = (double *)(void *)((char *)c->scratch + chk_arena_cost((size_t)w.count * WEIGHT_BYTES));
    CHK_TRY(chk_halo_read(c, 0, &box, w.edge, &w.cval, x, err));
    chk_box all = {.ndim = ndim};
    memcpy(all.hi, w.n, sizeof all.hi);
    if (c->node->n_in == 2)
        CHK_TRY(chk_local_read(c, 1, &all, given, NULL, err));
    else
        memcpy(given, w.weight, (size_t)w.count * sizeof *given);
    chk_fold fold = CHK_FOLD_NONE;
    int n_taps = list_taps(&w, given, &box, value, offset, &fold);
    int64_t row = chk_box_extent(c->box, ndim - 1), rows = chk_box_count(c->box) / row;
    for (int64_t r = 0; r < rows; r++, out += row) {
        int64_t from = 0;
        for (int a = 0; a < ndim; a++) from = from * chk_box_extent(&box, a) + at[a];
        for (int k = 0; k < n_taps; k++) tap[k] = x + from + offset[k];
        if (n_taps)
            chk_stencil_sum(out, tap, value, n_taps, fold, (size_t)row);
        else
            memset(out, 0, (size_t)row * sizeof *out);
        for (int a = ndim - 2; a >= 0 && ++at[a] == chk_box_extent(c->box, a); a--) at[a] = 0;
    }
    return CHUNK_OK;
}

static bool direct_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    window w;
    read_window(&w, n->u.custom.attr, n->shape.ndim);
    *input = 0;
    return part == 0 && filter_window_part(n, box, w.lo, w.n, in);
}

static const chk_local direct_local = {
    .reads = direct_reads, .scratch = direct_scratch, .run = direct_run, .part = direct_part, .ns = 2.0};

static chunk_status make_direct(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    int ndim = n_in > 0 ? in[0]->shape.ndim : 0;
    bool fine = (n_in == 1 || n_in == 2) && ndim > 0 && in[0]->dtype == CHK_F64 && n_attr >= 2 + 3 * ndim;
    int64_t count = 1;
    for (int a = 0; a < ndim && fine; a++) {
        int64_t edge = attr[1 + 3 * a], n = attr[2 + 3 * a], lo = attr[3 + 3 * a];
        fine = edge >= 0 && edge < CHK_N_EDGES && n > 0 && n <= MOST_WEIGHTS && lo >= 0 && lo < n && (count *= n) <= MOST_WEIGHTS;
    }
    fine = fine && (attr[1 + 3 * ndim] & ~(int64_t)(TURNED | LINE)) == 0 && n_attr == 2 + 3 * ndim + (n_in == 1 ? count : 0);
    if (fine && n_in == 2) {
        fine = in[1]->dtype == CHK_F64 && in[1]->shape.ndim == ndim;
        for (int a = 0; a < ndim && fine; a++) fine = in[1]->shape.dim[a] == attr[2 + 3 * a];
    }
    if (!fine) return chk_fail(err, CHUNK_EINVAL, "%s: these are not the parameters of a filter with weights", op->name);
    chk_grid grid = {.ndim = ndim};
    for (int a = 0; a < ndim; a++) grid.axis[a] = chk_node_axis_like(in[0]->shape.dim[a], in[0], a);
    return chk_node_custom(out, b, op, attr, n_attr, CHK_F64, &in[0]->shape, &grid, in, n_in, err);
}

/* Weights of some axes as ones of all; added: the others. */
static chunk_status spread_weights(chk_shape *shape, uint32_t *added, const chk_op *op, const filter_axes *axes, chunk_error *err)
{
    chk_shape given = *shape;
    char text[160];
    if (given.ndim != axes->n)
        return chk_fail(err, CHUNK_ESHAPE, "%s: weights are %s, x has %d%s dimensions: give as many", op->name,
                        chk_shape_text(text, sizeof text, &given), axes->n, axes->n < axes->ndim ? " filtered" : "");
    *added = (uint32_t)((UINT64_C(1) << axes->ndim) - 1);
    for (int i = 0; i < axes->n; i++) *added &= ~(UINT32_C(1) << axes->at[i]);
    shape->ndim = axes->ndim;
    for (int a = 0, i = 0; a < axes->ndim; a++) shape->dim[a] = *added >> a & 1 ? 1 : given.dim[i++];
    return CHUNK_OK;
}

/* op->flags: weights are turned round. */
static chunk_status window_attr(int64_t **attr, int *n_attr, const chk_op *op, const chk_value *args, const filter_axes *axes,
                                const chk_shape *shape, const double *w, chunk_error *err)
{
    chk_edge edge[CHK_MAX_NDIM];
    int64_t origin[CHK_MAX_NDIM], count = chk_shape_count(shape);
    int ndim = axes->ndim;
    double cval;
    char text[160];
    if (count < 1 || count > MOST_WEIGHTS)
        return chk_fail(err, CHUNK_ESHAPE, "%s: weights are %s: 1 to %d of them can be", op->name,
                        chk_shape_text(text, sizeof text, shape), MOST_WEIGHTS);
    CHK_TRY(filter_arg_edges(edge, &args[3], axes, op->name, err));
    CHK_TRY(ops_arg_real(&cval, &args[4], 0, op->name, "cval", err));
    CHK_TRY(filter_arg_ints(origin, &args[5], 0, axes, op->name, "origin", err));
    *n_attr = 2 + 3 * ndim + (w ? (int)count : 0);
    int64_t *v = *attr = chk_malloc((size_t)*n_attr * sizeof *v);
    if (!v) return chk_fail(err, CHUNK_ENOMEM, "out of memory for the weights of %s", op->name);
    v[0] = filter_bits(cval);
    for (int a = 0; a < ndim; a++) {
        int64_t n = shape->dim[a], shift = op->flags ? filter_turned(origin[a], n) : origin[a];
        v[1 + 3 * a] = edge[a];
        v[2 + 3 * a] = n;
        CHK_TRY(filter_origin(&v[3 + 3 * a], n, shift, a, op->name, err));
    }
    v[1 + 3 * ndim] = op->flags ? TURNED : 0;
    if (w) memcpy(v + 2 + 3 * ndim, w, (size_t)count * sizeof *w);
    return CHUNK_OK;
}

static chunk_status build_direct(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_dtype d;
    chk_shape shape;
    double *w = NULL;
    int64_t *attr = NULL;
    int n_attr = 0;
    filter_axes axes;
    uint32_t added = 0;
    CHK_TRY(filter_by_parts(out, b, op, args, err));
    if (*out) return CHUNK_OK;
    ops_maker m = ops_make(b, err);
    chk_node *x = filter_input(&m, &d, &args[0], &args[2], op->name), *in[2] = {ops_cast(&m, x, CHK_F64), NULL}, *made = NULL;
    if (x) m.st = filter_arg_weights(&w, &shape, b, &args[1], op->name, err);
    if (m.st == CHUNK_OK) m.st = filter_arg_axes(&axes, &args[6], x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = spread_weights(&shape, &added, op, &axes, err);
    if (m.st == CHUNK_OK) m.st = window_attr(&attr, &n_attr, op, args, &axes, &shape, w, err);
    if (m.st == CHUNK_OK && !w) in[1] = ops_with_axes(&m, ops_cast(&m, args[1].u.node, CHK_F64), added, x->shape.ndim);
    if (m.st == CHUNK_OK) {
        made = ops_own(&m, op->make(&made, b, op, in, in[1] ? 2 : 1, attr, n_attr, err), &made);
        if (made) made = filter_output(&m, made, d);
    }
    chk_free(w);
    chk_free(attr);
    return ops_give(out, &m, made);
}

#define DIRECT_PARAMS                                                                                                              \
    {                                                                                                                              \
        FILTER_X, {"weights", CHK_PAR_ANY, NULL, false}, FILTER_OUTPUT, FILTER_MODE, FILTER_CVAL, FILTER_ORIGIN,                   \
        {                                                                                                                          \
            "axes", CHK_PAR_AXIS, "None", true                                                                                     \
        }                                                                                                                          \
    }

extern const chk_op chk_op_correlate;

chk_node *filter_along(ops_maker *m, chk_node *x, chk_node *weights, int axis, int64_t lo, bool turned, chk_edge edge, double cval,
                       chk_dtype dtype)
{
    int ndim = x->shape.ndim;
    int64_t attr[2 + 3 * CHK_MAX_NDIM], n = weights->shape.dim[0];
    uint32_t added = (uint32_t)((UINT64_C(1) << ndim) - 1) & ~(UINT32_C(1) << axis);
    chk_node *in[2] = {ops_cast(m, x, CHK_F64), ops_with_axes(m, ops_cast(m, weights, CHK_F64), added, ndim)}, *made = NULL;
    if (m->st == CHUNK_OK && n > MOST_WEIGHTS)
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%lld weights along axis %d out of an array: at most %d can be", (long long)n, axis,
                         MOST_WEIGHTS);
    attr[0] = filter_bits(cval);
    for (int a = 0; a < ndim; a++) {
        attr[1 + 3 * a] = edge;
        attr[2 + 3 * a] = a == axis ? n : 1;
        attr[3 + 3 * a] = a == axis ? lo : 0;
    }
    attr[1 + 3 * ndim] = LINE | (turned ? TURNED : 0);
    if (m->st != CHUNK_OK) return NULL;
    made = ops_own(m, chk_op_correlate.make(&made, m->b, &chk_op_correlate, in, 2, attr, 2 + 3 * ndim, m->err), &made);
    return made ? filter_output(m, made, dtype) : NULL;
}

const chk_op chk_op_correlate = {
    .name = "correlate",
    .family = "stencil",
    .summary = "sums of neighbours in n dimensions, times weights",
    .doc = "weights: nested tuples or lists of numbers, or any array, of as many dimensions as x (or as axes names) and at most "
           "65,536 "
           "elements; origin, one or one an axis, moves the window. Complex weights count with their conjugates. As "
           "scipy.ndimage.correlate. " FILTER_EDGES,
    .params = DIRECT_PARAMS,
    .build = build_direct,
    .make = make_direct,
    .local = &direct_local,
};
const chk_op chk_op_convolve = {
    .name = "convolve",
    .family = "stencil",
    .summary = "convolution in n dimensions",
    .doc = "correlate with the weights turned round. As scipy.ndimage.convolve. " FILTER_EDGES,
    .params = DIRECT_PARAMS,
    .build = build_direct,
    .make = make_direct,
    .local = &direct_local,
    .flags = 1,
};
