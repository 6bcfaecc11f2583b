/* reshape.c: the same elements in C order under another shape: which groups of axes there are, the grid, and the operation; reshape_local.c reads.
 *
 * The grid: axes handed through keep their chunks. Groups are cut into runs of about as many elements as a chunk of the input has there: trailing
 * axes whole as far as they go, a piece of the next, one index of those before. */
#include <string.h>

#include "ops/make.h"
#include "ops/reshape.h"

enum {
    LEAST_CHUNK = 16 << 10, /* elements; smaller chunks are put together */
    MOST_CHUNK = 4 << 20    /* elements; runs grow no larger for the sake of large chunks */
};

ops_groups ops_groups_of(const chk_shape *in, const chk_shape *out)
{
    ops_groups gs = {0};
    int i = 0, j = 0;
    while (i < in->ndim || j < out->ndim) {
        ops_group *g = &gs.g[gs.n++];
        *g = (ops_group){.in0 = i, .out0 = j};
        int64_t a = i < in->ndim ? in->dim[i++] : 1, b = j < out->ndim ? out->dim[j++] : 1;
        while (a != b) {
            if (a < b)
                a *= in->dim[i++];
            else
                b *= out->dim[j++];
        }
        g->in1 = i;
        g->out1 = j;
        g->count = a;
    }
    return gs;
}

/* Chunks of a group's axes: a run of about `elements`. Gives its elements. */
static int64_t cut_group(chk_grid *grid, const chk_shape *shape, const ops_group *g, int64_t elements)
{
    int64_t run = 1;
    for (int a = g->out1 - 1; a >= g->out0; a--) {
        int64_t room = elements / run, n = shape->dim[a], chunk = n < room ? n : room < 1 ? 1 : room;
        grid->axis[a] = chk_axis_regular(n, chunk);
        run *= chunk;
        if (chunk < n) elements = 0;
    }
    return run;
}

/* The grid of the result. Gives how often a chunk of the input is read at most, about, when the result is read chunk by chunk. */
static int64_t make_grid(chk_grid *grid, const chk_shape *shape, const chk_node *in)
{
    grid->ndim = shape->ndim;
    if (chk_shape_count(shape) == 0) {
        for (int a = 0; a < shape->ndim; a++) grid->axis[a] = chk_axis_regular(shape->dim[a], shape->dim[a] ? shape->dim[a] : 1);
        return 1;
    }
    ops_groups gs = ops_groups_of(&in->shape, shape);
    int64_t total = 1, often = 1, most;
    for (int a = 0; a < in->shape.ndim; a++)
        total = __builtin_mul_overflow(total, chk_axis_max_chunk(&in->grid.axis[a]), &most) ? INT64_MAX : most;
    for (int i = 0; i < gs.n; i++) {
        const ops_group *g = &gs.g[i];
        if (ops_handed_through(g)) {
            grid->axis[g->out0] = in->grid.axis[g->in0];
            continue;
        }
        int64_t elements = 1, tail = g->count, span = 1;
        for (int a = g->in0; a < g->in1; a++) {
            int64_t chunk = chk_axis_max_chunk(&in->grid.axis[a]);
            tail /= in->shape.dim[a];
            elements *= chunk;
            span += (chunk - 1) * tail;
        }
        int64_t others = total / elements, want = elements;
        if (want < LEAST_CHUNK / others) want = LEAST_CHUNK / others;
        if (want > MOST_CHUNK / others) want = others < MOST_CHUNK ? MOST_CHUNK / others : 1;
        int64_t run = cut_group(grid, shape, g, want);
        often *= span / run + 1;
        total = others * run;
    }
    return often;
}

/* The view, where the shapes differ in axes of length 1 alone. */
static bool only_ones(chk_view *v, const chk_shape *in, const chk_shape *out)
{
    *v = (chk_view){.shape = *out, .base_ndim = in->ndim};
    int j = 0;
    for (int b = 0; b < in->ndim; b++) {
        v->axis[b] = -1;
        if (in->dim[b] == 1) continue;
        while (j < out->ndim && out->dim[j] == 1) j++;
        if (j == out->ndim || out->dim[j] != in->dim[b]) return false;
        v->axis[b] = j++;
        v->step[b] = 1;
    }
    while (j < out->ndim && out->dim[j] == 1) j++;
    return j == out->ndim;
}

static chunk_status make_reshape(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                 const int64_t *attr, int n_attr, chunk_error *err)
{
    char had[400], want[400];
    if (n_in != 1 || n_attr > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_ESHAPE, "%s: %d dimensions, at most %d are possible", op->name, n_attr, CHK_MAX_NDIM);
    chk_shape shape = {.ndim = n_attr};
    bool negative = false;
    for (int a = 0; a < n_attr; a++) negative |= (shape.dim[a] = attr[a]) < 0;
    chk_node *x = in[0];
    if (negative || chk_shape_count(&shape) != chk_shape_count(&x->shape))
        return chk_fail(err, CHUNK_ESHAPE, "%s: %s has %lld elements, which do not make %s", op->name,
                        chk_shape_text(had, sizeof had, &x->shape), (long long)chk_shape_count(&x->shape),
                        chk_shape_text(want, sizeof want, &shape));
    while (x->kind == CHK_NODE_CUSTOM && x->u.custom.op == op) x = x->in[0];
    chk_view v;
    if (only_ones(&v, &x->shape, &shape)) return chk_node_view(out, b, x, &v, err);
    chk_grid grid;
    chk_node *kept;
    if (make_grid(&grid, &shape, x) <= 2) return chk_node_custom(out, b, op, attr, n_attr, x->dtype, &shape, &grid, &x, 1, err);
    CHK_TRY(chk_node_keep_decoded(&kept, b, x, err));
    chunk_status st = chk_node_custom(out, b, op, attr, n_attr, x->dtype, &shape, &grid, &kept, 1, err);
    chk_node_release(kept);
    return st;
}

/* The shape that is asked for, -1 worked out. */
static chunk_status shape_for(chk_shape *shape, const chk_value *v, const chk_node *x, const char *who, chunk_error *err)
{
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    int n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1, open = -1;
    char had[400];
    if (n > CHK_MAX_NDIM) return chk_fail(err, CHUNK_ESHAPE, "%s: %d dimensions, at most %d are possible", who, n, CHK_MAX_NDIM);
    int64_t count = chk_shape_count(&x->shape), known = 1;
    shape->ndim = n;
    for (int a = 0; a < n; a++) {
        CHK_TRY(chk_value_int(&shape->dim[a], &item[a], who, "shape", err));
        if (shape->dim[a] >= 0) {
            if (__builtin_mul_overflow(known, shape->dim[a], &known)) known = INT64_MAX;
            continue;
        }
        if (shape->dim[a] != -1 || open >= 0)
            return chk_fail(err, CHUNK_ESHAPE, "%s: %s", who,
                            open >= 0 ? "only one length can be left open as -1" : "negative lengths: only -1 has a meaning");
        open = a;
    }
    if (open < 0) return CHUNK_OK;
    if (known == 0 || count % known)
        return chk_fail(err, CHUNK_ESHAPE, "%s: %s has %lld elements, which no length in place of -1 makes a multiple of %lld", who,
                        chk_shape_text(had, sizeof had, &x->shape), (long long)count, (long long)known);
    shape->dim[open] = count / known;
    return CHUNK_OK;
}

static chunk_status order_of(bool *fortran, const chk_value *v, const char *who, chunk_error *err)
{
    *fortran = v->kind == CHK_VAL_STRING && !strcmp(v->u.s, "F");
    if (v->kind == CHK_VAL_MISSING || *fortran || (v->kind == CHK_VAL_STRING && !strcmp(v->u.s, "C"))) return CHUNK_OK;
    return chk_fail(err, CHUNK_ENAME, "%s: order must be 'C' or 'F'", who);
}

static chk_node *reversed(ops_maker *m, chk_node *x)
{
    if (!x || m->st != CHUNK_OK) return NULL;
    chk_view v = chk_view_identity(&x->shape);
    int n = x->shape.ndim;
    for (int a = 0; a < n; a++) {
        v.shape.dim[a] = x->shape.dim[n - 1 - a];
        v.axis[a] = n - 1 - a;
    }
    return ops_view(m, x, &v);
}

extern const chk_op chk_op_reshape;

chunk_status ops_reshape(chk_node **out, chk_builder *b, chk_node *x, const chk_shape *shape, chunk_error *err)
{
    return make_reshape(out, b, &chk_op_reshape, &x, 1, shape->dim, shape->ndim, err);
}

/* Fortran's order is C's of the reversed axes. */
static chunk_status give_reshaped(chk_node **out, ops_maker *m, chk_node *x, const chk_shape *shape, bool fortran)
{
    chk_shape to = *shape;
    chk_node *made = NULL;
    if (fortran) {
        for (int a = 0; a < to.ndim; a++) to.dim[a] = shape->dim[to.ndim - 1 - a];
        x = reversed(m, x);
    }
    if (m->st == CHUNK_OK) x = ops_own(m, ops_reshape(&made, m->b, x, &to, m->err), &made);
    return ops_give(out, m, fortran ? reversed(m, x) : x);
}

static chunk_status build_reshape(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    bool fortran = false;
    chk_shape shape = {.ndim = 0};
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    if (x) m.st = shape_for(&shape, &args[1], x, op->name, err);
    if (m.st == CHUNK_OK) m.st = order_of(&fortran, &args[2], op->name, err);
    return give_reshaped(out, &m, x, &shape, fortran);
}

const chk_op chk_op_reshape = {
    .name = "reshape",
    .family = "manipulation",
    .summary = "The same elements in C order under another shape",
    .doc = "shape: an integer or a tuple; one length may be -1 and follows. order: 'C', or 'F' for Fortran's order. Nothing is "
           "stored, and boxes that "
           "lie in one piece are read where they are. Chunks: axes that go through unchanged keep theirs; where axes are joined or "
           "split, chunks are runs of about as many elements as x's have (16 Ki to 4 Mi): trailing axes whole, then a piece of "
           "one. Compressed chunks "
           "that more than two of those would need are decoded once and kept for the run (memory or scratch: the size of x).",
    .params = {OPS_X, {"shape", CHK_PAR_SHAPE, NULL, false}, {"order", CHK_PAR_STRING, "'C'", false}},
    .build = build_reshape,
    .make = make_reshape,
    .local = &ops_reshape_local,
};

static chunk_status build_ravel(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    bool fortran = false;
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_shape shape = {.ndim = 1, .dim = {x ? chk_shape_count(&x->shape) : 0}};
    if (x) m.st = order_of(&fortran, &args[1], op->name, err);
    return give_reshaped(out, &m, x, &shape, fortran);
}

const chk_op chk_op_ravel = {
    .name = "ravel",
    .aliases = "flatten",
    .family = "manipulation",
    .summary = "All elements in a row; reshape(x, -1)",
    .params = {OPS_X, {"order", CHK_PAR_STRING, "'C'", false}},
    .build = build_ravel,
};
