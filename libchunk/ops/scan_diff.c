/* scan_diff.c: differences along an axis, gradients and integrals by trapezoids.
 *
 * diff is a local operation: a box needs a box that is n longer. gradient and trapezoid are made of views and arithmetic; an integral is a weighted sum,
 * so that y is read once. */
#include <string.h>

#include "ops/make.h"
#include "plan/local.h"

enum { MOST_DIFFERENCES = 1000 };

/* ---- diff: parameters axis, n */

static void diff_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)input;
    memcpy(in_extent, extent, (size_t)n->shape.ndim * sizeof *extent);
    in_extent[n->u.custom.attr[0]] += n->u.custom.attr[1];
}

/* Two boxes, for every other difference each, where there is more than one difference to take. */
static size_t diff_buffer(const chk_node *n, const int64_t *extent)
{
    int64_t in_extent[CHK_MAX_NDIM];
    diff_reads(n, 0, extent, in_extent);
    return chk_arena_cost(chk_extent_bytes(n->shape.ndim, in_extent, n->dtype));
}

static size_t diff_scratch(const chk_node *n, const int64_t *extent)
{
    return (n->u.custom.attr[1] > 1 ? 2 : 1) * diff_buffer(n, extent);
}

/* out = b - a of n elements, of float16 as its arithmetic has it: in float32, rounded. */
static void subtract(void *out, const void *b, const void *a, size_t n, chk_dtype d)
{
    size_t item = chk_dtype_size(d);
    bool half = d == CHK_F16;
    chk_kern sub = chk_kern_find(d == CHK_BOOL ? CHK_FN_NE : CHK_FN_SUB, half ? CHK_F32 : d);
    chk_kern widen = chk_kern_cast(CHK_F16, CHK_F32), narrow = chk_kern_cast(CHK_F32, CHK_F16);
    for (size_t i = 0; i < n; i += CHK_PIECE) {
        size_t m = n - i < CHK_PIECE ? n - i : CHK_PIECE;
        const void *in[2] = {(const char *)b + i * item, (const char *)a + i * item};
        void *to = (char *)out + i * item;
        float wide[2][CHK_PIECE];
        if (!half) {
            sub(to, in, m);
            continue;
        }
        for (int k = 0; k < 2; k++) widen(wide[k], &in[k], m);
        sub(wide[0], (const void *[]){wide[0], wide[1]}, m);
        narrow(to, (const void *[]){wide[0]}, m);
    }
}

static void needed(const chk_node *n, const chk_box *box, chk_box *in)
{
    *in = *box;
    in->hi[n->u.custom.attr[0]] += n->u.custom.attr[1];
}

static bool diff_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    if (part > 0) return false;
    *input = 0;
    needed(n, box, in);
    return true;
}

static chunk_status diff_run(const chk_local_call *c, chunk_error *err)
{
    const chk_node *n = c->node;
    int axis = (int)n->u.custom.attr[0];
    int64_t extent[CHK_MAX_NDIM], outer = 1, inner = 1, times = n->u.custom.attr[1];
    chk_box in;
    needed(n, c->box, &in);
    for (int a = 0; a < in.ndim; a++) {
        extent[a] = chk_box_extent(c->box, a);
        if (a != axis) *(a < axis ? &outer : &inner) *= extent[a];
    }
    size_t row = (size_t)inner * chk_dtype_size(n->dtype);
    char *from = c->scratch, *to = NULL;
    CHK_TRY(chk_local_read(c, 0, &in, from, NULL, err));
    for (int64_t left = times; left > 0; left--) {
        int64_t len = extent[axis] + left - 1; /* rows that come out */
        to = left == 1 ? c->out : from == c->scratch ? (char *)c->scratch + diff_buffer(n, extent) : c->scratch;
        for (int64_t o = 0; o < outer; o++) {
            const char *at = from + (size_t)(o * (len + 1)) * row;
            subtract(to + (size_t)(o * len) * row, at + row, at, (size_t)(len * inner), n->dtype);
        }
        from = to;
    }
    return CHUNK_OK;
}

static const chk_local diff_local = {.reads = diff_reads, .scratch = diff_scratch, .run = diff_run, .part = diff_part, .ns = 0.5};

static chunk_status make_diff(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                              int n_attr, chunk_error *err)
{
    if (n_in != 1 || n_attr != 2 || attr[1] < 1 || attr[1] > MOST_DIFFERENCES)
        return chk_fail(err, CHUNK_EINVAL, "diff: one array, and 1 to %d differences", MOST_DIFFERENCES);
    chk_shape shape = in[0]->shape;
    if (attr[0] < 0 || attr[0] >= shape.ndim)
        return chk_fail(err, CHUNK_EINDEX, "diff: axis %lld is out of range for %d dimensions", (long long)attr[0], shape.ndim);
    int64_t *extent = &shape.dim[attr[0]];
    *extent = *extent > attr[1] ? *extent - attr[1] : 0;
    chk_grid grid = {.ndim = shape.ndim};
    for (int a = 0; a < shape.ndim; a++) grid.axis[a] = chk_node_axis_like(shape.dim[a], in[0], a);
    return chk_node_custom(out, b, op, attr, n_attr, in[0]->dtype, &shape, &grid, in, 1, err);
}

/* An array argument; plain numbers get the dtype that they have on their own. */
static chk_node *array_of(ops_maker *m, const chk_op *op, const chk_value *v)
{
    chk_node *x = ops_value(m, v, op->name);
    return x && x->weak ? ops_cast(m, x, ops_result_type(&x, 1)) : x;
}

extern const chk_op chk_op_concat;

static chk_node *join(ops_maker *m, chk_node *const *part, int n, int64_t axis)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, chk_op_concat.make(&made, m->b, &chk_op_concat, part, n, &axis, 1, m->err), &made);
}

/* What is put before or behind x, as an array that fits: numbers and arrays of no dimensions are one row. */
static chk_node *edge(ops_maker *m, const chk_op *op, const chk_value *v, const chk_node *x, int axis)
{
    chk_node *e = array_of(m, op, v);
    if (!e || e->shape.ndim > 0) return e;
    chk_shape row = x->shape;
    row.dim[axis] = 1;
    return ops_spread(m, e, &row);
}

static chk_node *with_edges(ops_maker *m, const chk_op *op, chk_node *x, const chk_value *before, const chk_value *behind, int axis)
{
    chk_node *part[3];
    int n = 0;
    if (!ops_absent(before)) part[n++] = edge(m, op, before, x, axis);
    part[n++] = x;
    if (!ops_absent(behind)) part[n++] = edge(m, op, behind, x, axis);
    if (n == 1 || m->st != CHUNK_OK) return x;
    chk_dtype d = ops_result_type(part, n);
    for (int i = 0; i < n; i++) part[i] = ops_cast(m, part[i], d);
    return join(m, part, n, axis);
}

static chunk_status build_diff(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = array_of(&m, op, &args[0]), *made = NULL;
    int64_t n = 1, want = -1;
    int axis = 0;
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&n, &args[1], 1, op->name, "n", err);
    if (m.st == CHUNK_OK && n < 0) m.st = chk_fail(err, CHUNK_EINVAL, "diff: n must not be negative, got %lld", (long long)n);
    if (m.st == CHUNK_OK && n == 0) return ops_give(out, &m, x);
    if (m.st == CHUNK_OK && x->shape.ndim == 0) m.st = chk_fail(err, CHUNK_ESHAPE, "diff: x needs at least one dimension");
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&want, &args[2], -1, op->name, "axis", err);
    if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, want, x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) x = with_edges(&m, op, x, &args[3], &args[4], axis);
    if (m.st == CHUNK_OK) x = ops_own(&m, make_diff(&made, b, op, &x, 1, (int64_t[]){axis, n}, 2, err), &made);
    return ops_give(out, &m, x);
}

const chk_op chk_op_diff = {
    .name = "diff",
    .family = "scan",
    .summary = "Differences of neighbours along an axis, n times over",
    .params = {OPS_X,
               {"n", CHK_PAR_INT, "1", false},
               {"axis", CHK_PAR_INT, "-1", false},
               {"prepend", CHK_PAR_ARRAY, "None", false},
               {"append", CHK_PAR_ARRAY, "None", false}},
    .build = build_diff,
    .make = make_diff,
    .local = &diff_local,
    .doc = "n shorter along the axis; of bool: are neighbours different. prepend, append: a number, or an array that is put before "
           "or behind x first. "
           "Nothing is stored: computed block by block (memory: a block of x, n longer; two for n > 1).",
};

/* ---- gradient */

static chk_node *slice(ops_maker *m, chk_node *x, int axis, int64_t start, int64_t n)
{
    if (!x) return NULL;
    chk_view v = chk_view_identity(&x->shape);
    v.shape.dim[axis] = n;
    v.off[axis] = start;
    return ops_view(m, x, &v);
}

static chk_node *plus(ops_maker *m, chk_node *a, chk_node *b)
{
    return m->st == CHUNK_OK ? ops_apply(m, CHK_FN_ADD, a->dtype, a, b, NULL) : NULL;
}
static chk_node *minus(ops_maker *m, chk_node *a, chk_node *b)
{
    return m->st == CHUNK_OK ? ops_apply(m, CHK_FN_SUB, a->dtype, a, b, NULL) : NULL;
}
static chk_node *times(ops_maker *m, chk_node *a, chk_node *b)
{
    return m->st == CHUNK_OK ? ops_apply(m, CHK_FN_MUL, a->dtype, a, b, NULL) : NULL;
}
static chk_node *over(ops_maker *m, chk_node *a, chk_node *b)
{
    return m->st == CHUNK_OK ? ops_apply(m, CHK_FN_DIV, a->dtype, a, b, NULL) : NULL;
}

/* One axis as the axis `axis` of `ndim`, so that it meets others by broadcasting. */
static chk_node *lying_along(ops_maker *m, chk_node *x, int axis, int ndim)
{
    if (m->st != CHUNK_OK) return NULL;
    chk_view v = {.shape = {.ndim = ndim}, .base_ndim = 1, .axis = {axis}, .step = {1}};
    for (int a = 0; a < ndim; a++) v.shape.dim[a] = a == axis ? x->shape.dim[0] : 1;
    return ops_view(m, x, &v);
}

/* Where and with which distances a gradient is taken. */
typedef struct grad {
    ops_maker *m;
    chk_node *f; /* floats or complex */
    chk_node *d; /* distances along the axis, which broadcast with f; NULL: all are h */
    double h;
    int axis, order; /* of the edges */
    int64_t n;
} grad;

static chk_node *number(const grad *g, double v)
{
    chk_node *f = g->f;
    return ops_number(g->m, f->dtype, v);
}

/* a f[i] + b f[i + 1] + c f[i + 2] over `len` places from i on. */
static chk_node *three(const grad *g, int64_t i, int64_t len, chk_node *a, chk_node *b, chk_node *c)
{
    ops_maker *m = g->m;
    chk_node *x = times(m, a, slice(m, g->f, g->axis, i, len)), *y = times(m, b, slice(m, g->f, g->axis, i + 1, len));
    return plus(m, plus(m, x, y), times(m, c, slice(m, g->f, g->axis, i + 2, len)));
}

/* The weights of three neighbours for the slope at the first (0), in the middle (1) or at the last of them (2), `len` times from distance i on. The
 * derivative of the parabola through them. */
static chk_node *slope(const grad *g, int at, int64_t i, int64_t len)
{
    ops_maker *m = g->m;
    chk_node *p = slice(m, g->d, g->axis, i, len), *q = slice(m, g->d, g->axis, i + 1, len);
    chk_node *sum = plus(m, p, q), *a, *b, *c;
    chk_node *two = m->st == CHUNK_OK ? ops_number(m, p->dtype, 2) : NULL;
    if (m->st != CHUNK_OK) return NULL;
    chk_node *pp = times(m, p, sum), *qq = times(m, q, sum), *pq = times(m, p, q), *none = ops_number(m, p->dtype, 0);
    if (at == 0) {
        a = over(m, minus(m, none, plus(m, times(m, two, p), q)), pp);
        b = over(m, sum, pq);
        c = over(m, minus(m, none, p), qq);
    } else if (at == 1) {
        a = over(m, minus(m, none, q), pp);
        b = over(m, minus(m, q, p), pq);
        c = over(m, p, qq);
    } else {
        a = over(m, q, pp);
        b = over(m, minus(m, none, sum), pq);
        c = over(m, plus(m, times(m, two, q), p), qq);
    }
    return m->st == CHUNK_OK ? three(g, i, len, a, b, c) : NULL;
}

static chk_node *first_order(const grad *g, int64_t i)
{
    ops_maker *m = g->m;
    chk_node *step = minus(m, slice(m, g->f, g->axis, i + 1, 1), slice(m, g->f, g->axis, i, 1));
    return over(m, step, g->d ? slice(m, g->d, g->axis, i, 1) : number(g, g->h));
}

static chk_node *at_edge(const grad *g, bool last)
{
    int64_t i = last ? g->n - 1 - g->order : 0;
    double h = last ? -g->h : g->h;
    if (g->order == 1) return first_order(g, i);
    if (g->d) return slope(g, last ? 2 : 0, i, 1);
    chk_node *far = number(g, -0.5 / h), *mid = number(g, 2 / h), *near = number(g, -1.5 / h);
    return g->m->st != CHUNK_OK ? NULL : last ? three(g, i, 1, far, mid, near) : three(g, i, 1, near, mid, far);
}

static chk_node *inside(const grad *g)
{
    if (g->d) return slope(g, 1, 0, g->n - 2);
    ops_maker *m = g->m;
    return over(m, minus(m, slice(m, g->f, g->axis, 2, g->n - 2), slice(m, g->f, g->axis, 0, g->n - 2)), number(g, 2 * g->h));
}

/* The distances of an array of coordinates. */
static void take_coordinates(grad *g, chk_node *x)
{
    ops_maker *m = g->m;
    chk_node *made = NULL;
    if (x->shape.ndim != 1 || x->shape.dim[0] != g->n) {
        char text[160];
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "gradient: coordinates of shape %s do not fit axis %d of length %lld",
                         chk_shape_text(text, sizeof text, &x->shape), g->axis, (long long)g->n);
        return;
    }
    if (ops_is_whole(x->dtype)) x = ops_cast(m, x, CHK_F64);
    if (x) x = ops_own(m, make_diff(&made, m->b, &chk_op_diff, &x, 1, (int64_t[]){0, 1}, 2, m->err), &made);
    g->d = lying_along(m, x, g->axis, g->f->shape.ndim);
}

/* Both in the dtype that they are computed in. */
static void meet(grad *g)
{
    chk_node *both[2] = {g->f, g->d};
    chk_dtype d = ops_result_type(both, 2);
    g->f = ops_cast(g->m, g->f, d);
    g->d = ops_cast(g->m, g->d, d);
}

static chunk_status read_grad(grad *g, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int64_t want = 0, order = 1;
    int ndim = g->f->shape.ndim;
    if (ops_absent(&args[2]) && ndim != 1)
        return chk_fail(err, CHUNK_EINVAL, "gradient: x has %d dimensions: say along which axis, one at a time", ndim);
    CHK_TRY(ops_arg_int(&want, &args[2], 0, op->name, "axis", err));
    CHK_TRY(chk_axis_normal(&g->axis, want, ndim, op->name, err));
    CHK_TRY(ops_arg_int(&order, &args[3], 1, op->name, "edge_order", err));
    if (order != 1 && order != 2)
        return chk_fail(err, CHUNK_EINVAL, "gradient: edge_order must be 1 or 2, got %lld", (long long)order);
    g->order = (int)order;
    g->n = g->f->shape.dim[g->axis];
    if (g->n < order + 1)
        return chk_fail(err, CHUNK_ESHAPE, "gradient: axis %d has %lld elements, edge_order %d needs %d", g->axis, (long long)g->n,
                        g->order, g->order + 1);
    return CHUNK_OK;
}

static chunk_status build_gradient(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    grad g = {.m = &m, .h = 1};
    g.f = array_of(&m, op, &args[0]);
    if (g.f && ops_is_whole(g.f->dtype)) g.f = ops_cast(&m, g.f, CHK_F64);
    if (m.st == CHUNK_OK) m.st = read_grad(&g, op, args, err);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    chk_dtype result = g.f->dtype;
    const chk_value *spacing = &args[1];
    bool coordinates = spacing->kind == CHK_VAL_NODE && spacing->u.node->shape.ndim > 0;
    if (coordinates)
        take_coordinates(&g, spacing->u.node);
    else
        m.st = ops_arg_real(&g.h, spacing, 1, op->name, "spacing", err);
    if (m.st == CHUNK_OK && g.d) meet(&g);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    chk_node *part[3] = {at_edge(&g, false), inside(&g), at_edge(&g, true)};
    return ops_give(out, &m, ops_cast(&m, join(&m, part, 3, g.axis), result));
}

const chk_op chk_op_gradient = {
    .name = "gradient",
    .family = "scan",
    .summary = "Slopes along an axis: central differences, one-sided at the edges",
    .params = {OPS_X,
               {"spacing", CHK_PAR_ARRAY, "1.0", false},
               {"axis", CHK_PAR_INT, "None", false},
               {"edge_order", CHK_PAR_INT, "1", false}},
    .build = build_gradient,
    .doc = "spacing: the distance of neighbours, or an array of coordinates along the axis (second-order formulas for uneven "
           "steps, and by these for even ones too). One axis a call. Integers are "
           "computed in float64.",
};

/* ---- trapezoid */

/* The weights of n values by the distances between them: half of those on both sides. */
static chk_node *weights(ops_maker *m, chk_node *d)
{
    if (m->st != CHUNK_OK) return NULL;
    chk_shape one = {.ndim = 1, .dim = {1}};
    chk_node *none = ops_number(m, d->dtype, 0), *edge = none ? ops_spread(m, none, &one) : NULL;
    chk_node *right = join(m, (chk_node *[]){d, edge}, 2, 0), *left = join(m, (chk_node *[]){edge, d}, 2, 0);
    chk_node *two = ops_number(m, d->dtype, 2);
    return over(m, plus(m, left, right), two);
}

/* Even distances: dx, half of it at both ends. */
static chk_node *even_weights(ops_maker *m, int64_t n, double dx, chk_dtype d)
{
    chk_node *i = ops_iota(m, n), *first = ops_whole(m, CHK_I64, 0), *last = ops_whole(m, CHK_I64, n - 1);
    if (m->st != CHUNK_OK) return NULL;
    chk_node *end = ops_apply(m, CHK_FN_LOR, CHK_BOOL, ops_apply(m, CHK_FN_EQ, CHK_I64, i, first, NULL),
                              ops_apply(m, CHK_FN_EQ, CHK_I64, i, last, NULL), NULL);
    return ops_apply(m, CHK_FN_WHERE, d, end, ops_number(m, d, dx / 2), ops_number(m, d, dx));
}

static chk_node *sum_along(ops_maker *m, chk_node *x, int axis)
{
    chk_node *made = NULL;
    if (m->st != CHUNK_OK) return NULL;
    chk_dtype d = x->dtype;
    chk_node *sum = ops_own(m, chk_node_reduce(&made, m->b, CHK_RED_SUM, NULL, x, (uint32_t)1 << axis, false, 0, m->err), &made);
    return m->st == CHUNK_OK ? ops_cast(m, sum, d) : NULL;
}

/* y, x and dx to what is summed. */
static chk_node *areas(ops_maker *m, const chk_op *op, chk_node *y, const chk_value *x_arg, double dx, int axis)
{
    int64_t n = y->shape.dim[axis];
    bool given = !ops_absent(x_arg);
    chk_node *x = given ? array_of(m, op, x_arg) : NULL, *made = NULL;
    if (m->st != CHUNK_OK) return NULL;
    if (x && ops_is_whole(x->dtype)) x = ops_cast(m, x, CHK_F64);
    if (m->st != CHUNK_OK) return NULL;
    bool like_y = x && x->shape.ndim > 1;
    if (x && (like_y ? !chk_shape_equal(&x->shape, &y->shape) : x->shape.ndim != 1 || x->shape.dim[0] != n)) {
        char a[160], c[160];
        m->st = chk_fail(m->err, CHUNK_ESHAPE,
                         "trapezoid: x of shape %s does not fit y of shape %s along axis %d: give one axis of %lld, or y's shape",
                         chk_shape_text(a, sizeof a, &x->shape), chk_shape_text(c, sizeof c, &y->shape), axis, (long long)n);
        return NULL;
    }
    chk_dtype d = x ? ops_result_type((chk_node *[]){x, y}, 2) : y->dtype;
    y = ops_cast(m, y, d);
    if (n < 2) return slice(m, y, axis, 0, 0);
    if (x) x = ops_own(m, make_diff(&made, m->b, &chk_op_diff, &x, 1, (int64_t[]){like_y ? axis : 0, 1}, 2, m->err), &made);
    if (x && m->st == CHUNK_OK) x = ops_cast(m, x, d);
    if (m->st != CHUNK_OK) return NULL;
    if (!like_y) return times(m, y, lying_along(m, x ? weights(m, x) : even_weights(m, n, dx, d), axis, y->shape.ndim));
    chk_node *pairs = plus(m, slice(m, y, axis, 1, n - 1), slice(m, y, axis, 0, n - 1));
    return over(m, times(m, x, pairs), ops_number(m, d, 2));
}

static chunk_status build_trapezoid(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *y = array_of(&m, op, &args[0]);
    double dx = 1;
    int64_t want = -1;
    int axis = 0;
    if (y && ops_is_whole(y->dtype)) y = ops_cast(&m, y, CHK_F64);
    if (m.st == CHUNK_OK && y->shape.ndim == 0) m.st = chk_fail(err, CHUNK_ESHAPE, "trapezoid: y needs at least one dimension");
    if (m.st == CHUNK_OK) m.st = ops_arg_real(&dx, &args[2], 1, op->name, "dx", err);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&want, &args[3], -1, op->name, "axis", err);
    if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, want, y->shape.ndim, op->name, err);
    return ops_give(out, &m, m.st == CHUNK_OK ? sum_along(&m, areas(&m, op, y, &args[1], dx, axis), axis) : NULL);
}

const chk_op chk_op_trapezoid = {
    .name = "trapezoid",
    .aliases = "trapz",
    .family = "scan",
    .summary = "Integral along an axis by trapezoids",
    .params = {{"y", CHK_PAR_ARRAY, NULL, false},
               {"x", CHK_PAR_ARRAY, "None", false},
               {"dx", CHK_PAR_NUMBER, "1.0", false},
               {"axis", CHK_PAR_INT, "-1", false}},
    .build = build_trapezoid,
    .doc = "x: where the values lie, one axis long or of y's shape; without it they are dx apart. A weighted sum, so y is read "
           "once; of x as large as y, both are. Integers are "
           "computed in float64.",
};
