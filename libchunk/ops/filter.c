/* filter.c: the separable filters of scipy.ndimage: weights along one axis, Gaussians and their derivatives, means and extremes of boxes, and the
 * differences made of them. Weights are computed as SciPy computes them. */
#include <math.h>

#include "base/alloc.h"
#include "ops/filter.h"

/* ---- weights along one axis */

static chunk_status build_weights(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    bool convolves = op->flags;
    chk_edge edge[CHK_MAX_NDIM];
    chk_dtype d;
    double *w = NULL, cval;
    chk_shape listed = {0};
    filter_axes axes;
    int axis;
    int64_t wanted, origin, lo, n = 0;
    CHK_TRY(filter_by_parts(out, b, op, args, err));
    if (*out) return CHUNK_OK;
    ops_maker m = ops_make(b, err);
    chk_node *x = filter_input(&m, &d, &args[0], &args[3], op->name);
    if (x) m.st = filter_arg_weights(&w, &listed, b, &args[1], op->name, err);
    if (m.st == CHUNK_OK && x && (listed.ndim != 1 || listed.dim[0] < 1)) {
        char text[160];
        m.st = chk_fail(err, CHUNK_ESHAPE, "%s: weights are %s: they must be one or more along one axis", op->name,
                        chk_shape_text(text, sizeof text, &listed));
    }
    if (m.st == CHUNK_OK && x) n = listed.dim[0];
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&wanted, &args[2], -1, op->name, "axis", err);
    if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, wanted, x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK && args[4].kind == CHK_VAL_TUPLE)
        m.st = chk_fail(err, CHUNK_ETYPE, "%s: mode is one string, not a tuple", op->name);
    if (m.st == CHUNK_OK) m.st = filter_arg_axes(&axes, &(chk_value){.kind = CHK_VAL_NONE}, x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = filter_arg_edges(edge, &args[4], &axes, op->name, err);
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&cval, &args[5], 0, op->name, "cval", err);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&origin, &args[6], 0, op->name, "origin", err);
    if (m.st == CHUNK_OK && convolves) { /* with the weights turned round, whose centre is then on the other side */
        for (int64_t i = 0; w && i < n / 2; i++) {
            double t = w[i];
            w[i] = w[n - 1 - i];
            w[n - 1 - i] = t;
        }
        origin = filter_turned(origin, n);
    }
    if (m.st == CHUNK_OK) m.st = filter_origin(&lo, n, origin, axis, op->name, err);
    chk_node *made = NULL;
    if (m.st == CHUNK_OK && !w) {
        made = filter_along(&m, x, args[1].u.node, axis, lo, convolves, edge[axis], cval, d);
    } else if (m.st == CHUNK_OK) {
        filter_attr a;
        filter_begin(&a, d, cval, edge, x->shape.ndim, 1);
        filter_term(&a, 1);
        filter_step(&a, FILTER_WEIGHTS, axis, lo, n, w);
        made = filter_finish(&m, op, &a, x, d);
    }
    chk_free(w);
    return ops_give(out, &m, made);
}

#define WEIGHTS_PARAMS                                                                                                             \
    {                                                                                                                              \
        FILTER_X, {"weights", CHK_PAR_ANY, NULL, false}, {"axis", CHK_PAR_INT, "-1", false}, FILTER_OUTPUT, FILTER_MODE,           \
            FILTER_CVAL, FILTER_ORIGIN                                                                                             \
    }

const chk_op chk_op_correlate1d = {
    .name = "correlate1d",
    .family = "stencil",
    .summary = "sums of neighbours along one axis, times weights",
    .doc = "weights: a tuple or list of numbers, or an array of one dimension; origin moves the window. Complex weights count with "
           "their conjugates. As scipy.ndimage.correlate1d. " FILTER_EDGES,
    .params = WEIGHTS_PARAMS,
    .build = build_weights,
    .make = filter_make_separable,
    .local = &filter_separable_local,
};
const chk_op chk_op_convolve1d = {
    .name = "convolve1d",
    .family = "stencil",
    .summary = "convolution along one axis",
    .doc = "correlate1d with the weights turned round. As scipy.ndimage.convolve1d. " FILTER_EDGES,
    .params = WEIGHTS_PARAMS,
    .build = build_weights,
    .make = filter_make_separable,
    .local = &filter_separable_local,
    .flags = 1,
};

/* ---- differences */

static const double second_difference[3] = {1, -2, 1};

static chunk_status build_laplace(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_edge edge[CHK_MAX_NDIM];
    chk_dtype d;
    double cval;
    filter_axes axes;
    CHK_TRY(filter_by_parts(out, b, op, args, err));
    if (*out) return CHUNK_OK;
    ops_maker m = ops_make(b, err);
    chk_node *x = filter_input(&m, &d, &args[0], &args[1], op->name), *made = NULL;
    if (x) m.st = filter_arg_axes(&axes, &args[4], x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = filter_arg_edges(edge, &args[2], &axes, op->name, err);
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&cval, &args[3], 0, op->name, "cval", err);
    if (m.st == CHUNK_OK && !axes.n) m.st = chk_fail(err, CHUNK_EINVAL, "%s: axes is empty: give at least one", op->name);
    if (m.st == CHUNK_OK) {
        filter_attr a;
        filter_begin(&a, d, cval, edge, x->shape.ndim, axes.n);
        for (int i = 0; i < axes.n; i++) {
            filter_term(&a, 1);
            filter_step(&a, FILTER_WEIGHTS, axes.at[i], 1, 3, second_difference);
        }
        made = filter_finish(&m, op, &a, x, d);
    }
    return ops_give(out, &m, made);
}

const chk_op chk_op_laplace = {
    .name = "laplace",
    .family = "stencil",
    .summary = "sum of the second differences along the axes",
    .doc = "As scipy.ndimage.laplace. Nested calls are computed block by block with one halo for all: nothing is stored between "
           "them. " FILTER_EDGES,
    .params = {FILTER_X, FILTER_OUTPUT, FILTER_MODE, FILTER_CVAL, {"axes", CHK_PAR_AXIS, "None", true}},
    .build = build_laplace,
    .make = filter_make_separable,
    .local = &filter_laplace_local,
};

/* op->flags: the weight in the middle of what is across the axis. */
static chunk_status build_edge_filter(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    static const double difference[3] = {-1, 0, 1};
    const double across[3] = {1, op->flags, 1};
    chk_edge edge[CHK_MAX_NDIM];
    chk_dtype d;
    double cval;
    int64_t wanted;
    int axis;
    filter_axes axes;
    CHK_TRY(filter_by_parts(out, b, op, args, err));
    if (*out) return CHUNK_OK;
    ops_maker m = ops_make(b, err);
    chk_node *x = filter_input(&m, &d, &args[0], &args[2], op->name), *made = NULL;
    if (x) m.st = ops_arg_int(&wanted, &args[1], -1, op->name, "axis", err);
    if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, wanted, x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = filter_arg_axes(&axes, &(chk_value){.kind = CHK_VAL_NONE}, x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = filter_arg_edges(edge, &args[3], &axes, op->name, err);
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&cval, &args[4], 0, op->name, "cval", err);
    if (m.st == CHUNK_OK) {
        filter_attr a;
        filter_begin(&a, d, cval, edge, x->shape.ndim, 1);
        filter_term(&a, x->shape.ndim);
        filter_step(&a, FILTER_WEIGHTS, axis, 1, 3, difference);
        for (int i = 0; i < x->shape.ndim; i++)
            if (i != axis) filter_step(&a, FILTER_WEIGHTS, i, 1, 3, across);
        made = filter_finish(&m, op, &a, x, d);
    }
    return ops_give(out, &m, made);
}

#define EDGE_PARAMS                                                                                                                \
    {                                                                                                                              \
        FILTER_X, {"axis", CHK_PAR_INT, "-1", false}, FILTER_OUTPUT, FILTER_MODE, FILTER_CVAL                                      \
    }

const chk_op chk_op_sobel = {
    .name = "sobel",
    .family = "stencil",
    .summary = "differences along an axis, smoothed by 1 2 1 along the others",
    .doc = "As scipy.ndimage.sobel. " FILTER_EDGES,
    .params = EDGE_PARAMS,
    .build = build_edge_filter,
    .make = filter_make_separable,
    .local = &filter_separable_local,
    .flags = 2,
};
const chk_op chk_op_prewitt = {
    .name = "prewitt",
    .family = "stencil",
    .summary = "differences along an axis, smoothed by 1 1 1 along the others",
    .doc = "As scipy.ndimage.prewitt. " FILTER_EDGES,
    .params = EDGE_PARAMS,
    .build = build_edge_filter,
    .make = filter_make_separable,
    .local = &filter_separable_local,
    .flags = 1,
};

/* ---- Gaussians */

enum { MOST_ORDER = 16 };

/* The order-th derivative of exp(-x^2 / (2 sigma^2)) is a polynomial times it: its coefficients by differentiating `order` times. Weights are turned
 * round for correlation. */
static void gaussian_weights(double *w, double sigma, int order, int64_t radius)
{
    double sum = 0, s2 = sigma * sigma, q[MOST_ORDER + 1] = {1};
    for (int64_t i = -radius; i <= radius; i++) sum += exp(-0.5 / s2 * (double)(i * i));
    for (int k = 0; k < order; k++) {
        double next[MOST_ORDER + 1] = {0};
        for (int p = 0; p <= order; p++) {
            if (p > 0) next[p] = q[p - 1] / -s2;
            if (p < order) next[p] += q[p + 1] * (p + 1);
        }
        for (int p = 0; p <= order; p++) q[p] = next[p];
    }
    for (int64_t i = -radius; i <= radius; i++) {
        double phi = exp(-0.5 / s2 * (double)(i * i)) / sum, poly = 0, power = 1;
        for (int p = 0; p <= order; p++, power *= (double)i) poly += power * q[p];
        w[radius - i] = order ? poly * phi : phi;
    }
}

typedef struct gaussian {
    double sigma[CHK_MAX_NDIM], cval, truncate;
    int64_t order[CHK_MAX_NDIM], radius[CHK_MAX_NDIM];
    bool has_radius;
    filter_axes axes;
    chk_edge edge[CHK_MAX_NDIM];
} gaussian;

static chunk_status gaussian_step(filter_attr *a, const gaussian *g, int axis, const char *who, chunk_error *err)
{
    double sigma = g->sigma[axis], reach = g->truncate * sigma + 0.5;
    if (!(sigma >= 0) || isinf(sigma))
        return chk_fail(err, CHUNK_EINVAL, "%s: sigma %g on axis %d: it must be 0 or more", who, sigma, axis);
    if (g->order[axis] < 0 || g->order[axis] > MOST_ORDER)
        return chk_fail(err, CHUNK_EINVAL, "%s: order %lld on axis %d: 0 to %d", who, (long long)g->order[axis], axis, MOST_ORDER);
    int64_t most = FILTER_MOST_TAPS / 2 - 1;
    if (g->has_radius ? g->radius[axis] < 0 || g->radius[axis] > most : !(reach >= 0 && reach <= (double)most))
        return chk_fail(err, CHUNK_EINVAL, "%s: a radius of %g on axis %d: 0 to %lld is possible", who,
                        g->has_radius ? (double)g->radius[axis] : reach, axis, (long long)most);
    int64_t radius = g->has_radius ? g->radius[axis] : (int64_t)reach;
    double *w = chk_malloc((size_t)(2 * radius + 1) * sizeof *w);
    if (!w) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %lld weights of %s", (long long)(2 * radius + 1), who);
    gaussian_weights(w, sigma, (int)g->order[axis], radius);
    filter_step(a, FILTER_WEIGHTS, axis, radius, 2 * radius + 1, w);
    chk_free(w);
    return CHUNK_OK;
}

static bool is_smoothed(const gaussian *g, int axis) { return g->sigma[axis] > 1e-15; }

static chunk_status gaussian_term(filter_attr *a, const gaussian *g, const char *who, chunk_error *err)
{
    int n = 0;
    for (int i = 0; i < g->axes.n; i++) n += is_smoothed(g, g->axes.at[i]);
    filter_term(a, n);
    for (int i = 0; i < g->axes.n; i++)
        if (is_smoothed(g, g->axes.at[i])) CHK_TRY(gaussian_step(a, g, g->axes.at[i], who, err));
    return CHUNK_OK;
}

static chunk_status gaussian_args(gaussian *g, const chk_value *args, int ndim, const char *who, chunk_error *err)
{
    CHK_TRY(filter_arg_axes(&g->axes, &args[8], ndim, who, err));
    CHK_TRY(filter_arg_reals(g->sigma, &args[1], 0, &g->axes, who, "sigma", err));
    CHK_TRY(filter_arg_ints(g->order, &args[2], 0, &g->axes, who, "order", err));
    CHK_TRY(filter_arg_edges(g->edge, &args[4], &g->axes, who, err));
    CHK_TRY(ops_arg_real(&g->cval, &args[5], 0, who, "cval", err));
    CHK_TRY(ops_arg_real(&g->truncate, &args[6], 4, who, "truncate", err));
    g->has_radius = !ops_absent(&args[7]);
    CHK_TRY(filter_arg_ints(g->radius, &args[7], 0, &g->axes, who, "radius", err));
    for (int a = 0; a < ndim; a++)
        if (!(g->sigma[a] >= 0))
            return chk_fail(err, CHUNK_EINVAL, "%s: sigma %g on axis %d: it must be 0 or more", who, g->sigma[a], a);
    return CHUNK_OK;
}

static chunk_status build_gaussian(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    gaussian g = {.cval = 0};
    chk_dtype d;
    CHK_TRY(filter_by_parts(out, b, op, args, err));
    if (*out) return CHUNK_OK;
    ops_maker m = ops_make(b, err);
    chk_node *x = filter_input(&m, &d, &args[0], &args[3], op->name), *made = NULL;
    if (x) m.st = gaussian_args(&g, args, x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) {
        filter_attr a;
        filter_begin(&a, d, g.cval, g.edge, x->shape.ndim, 1);
        m.st = gaussian_term(&a, &g, op->name, err);
        if (m.st == CHUNK_OK)
            made = filter_finish(&m, op, &a, x, d);
        else
            chk_free(a.v);
    }
    return ops_give(out, &m, made);
}

const chk_op chk_op_gaussian_filter = {
    .name = "gaussian_filter",
    .family = "stencil",
    .summary = "smoothing by a Gaussian, or its derivatives",
    .doc = "sigma, order (0: smoothing; 1, 2, ...: derivatives), radius (default: truncate * sigma) one for all axes or one an "
           "axis; axes: only these. As "
           "scipy.ndimage.gaussian_filter, weights within an ulp. " FILTER_EDGES,
    .params = {FILTER_X,
               {"sigma", CHK_PAR_NUMBER, NULL, false},
               {"order", CHK_PAR_INT, "0", false},
               FILTER_OUTPUT,
               FILTER_MODE,
               FILTER_CVAL,
               {"truncate", CHK_PAR_NUMBER, "4.0", false},
               {"radius", CHK_PAR_ANY, "None", true},
               {"axes", CHK_PAR_AXIS, "None", true}},
    .build = build_gaussian,
    .make = filter_make_separable,
    .local = &filter_separable_local,
};

/* ---- boxes: op->flags is the kind of step */

static chunk_status build_box(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_edge edge[CHK_MAX_NDIM];
    chk_dtype d;
    double cval;
    int64_t size[CHK_MAX_NDIM], origin[CHK_MAX_NDIM], lo[CHK_MAX_NDIM];
    filter_axes axes;
    if (op->flags == FILTER_MEAN) {
        CHK_TRY(filter_by_parts(out, b, op, args, err));
        if (*out) return CHUNK_OK;
    }
    ops_maker m = ops_make(b, err);
    chk_node *x = filter_input(&m, &d, &args[0], &args[2], op->name), *made = NULL;
    int ndim = x ? x->shape.ndim : 0, steps = 0;
    if (x) m.st = filter_arg_axes(&axes, &args[6], ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = filter_arg_ints(size, &args[1], 3, &axes, op->name, "size", err);
    if (m.st == CHUNK_OK) m.st = filter_arg_edges(edge, &args[3], &axes, op->name, err);
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&cval, &args[4], 0, op->name, "cval", err);
    if (m.st == CHUNK_OK) m.st = filter_arg_ints(origin, &args[5], 0, &axes, op->name, "origin", err);
    for (int i = 0; m.st == CHUNK_OK && i < axes.n; i++) {
        int a = axes.at[i];
        m.st = filter_origin(&lo[a], size[a], origin[a], a, op->name, err);
        steps += size[a] > 1;
    }
    if (m.st == CHUNK_OK) {
        filter_attr a;
        filter_begin(&a, d, cval, edge, ndim, 1);
        filter_term(&a, steps);
        for (int i = 0; i < axes.n; i++) {
            int axis = axes.at[i];
            if (size[axis] > 1) filter_step(&a, (filter_kind)op->flags, axis, lo[axis], size[axis], NULL);
        }
        made = filter_finish(&m, op, &a, x, d);
    }
    return ops_give(out, &m, made);
}

#define BOX_PARAMS                                                                                                                 \
    {                                                                                                                              \
        FILTER_X, {"size", CHK_PAR_ANY, "3", false}, FILTER_OUTPUT, FILTER_MODE, FILTER_CVAL, FILTER_ORIGIN,                       \
        {                                                                                                                          \
            "axes", CHK_PAR_AXIS, "None", true                                                                                     \
        }                                                                                                                          \
    }
#define BOX_DOC                                                                                                                    \
    " of the box of `size` (one, or one an axis) around each element; axes: only along these. Any size costs the same from 32 "    \
    "on. "

const chk_op chk_op_uniform_filter = {
    .name = "uniform_filter",
    .family = "stencil",
    .summary = "mean of a box around each element",
    .doc = "Mean" BOX_DOC "As scipy.ndimage.uniform_filter. " FILTER_EDGES,
    .params = BOX_PARAMS,
    .build = build_box,
    .make = filter_make_separable,
    .local = &filter_separable_local,
    .flags = FILTER_MEAN,
};
const chk_op chk_op_minimum_filter = {
    .name = "minimum_filter",
    .family = "stencil",
    .summary = "least element of a box around each element",
    .doc = "Least element" BOX_DOC "NaN wins. As scipy.ndimage.minimum_filter. " FILTER_EDGES,
    .params = BOX_PARAMS,
    .build = build_box,
    .make = filter_make_separable,
    .local = &filter_separable_local,
    .flags = FILTER_LEAST,
};
const chk_op chk_op_maximum_filter = {
    .name = "maximum_filter",
    .family = "stencil",
    .summary = "greatest element of a box around each element",
    .doc = "Greatest element" BOX_DOC "NaN wins. As scipy.ndimage.maximum_filter. " FILTER_EDGES,
    .params = BOX_PARAMS,
    .build = build_box,
    .make = filter_make_separable,
    .local = &filter_separable_local,
    .flags = FILTER_GREATEST,
};
