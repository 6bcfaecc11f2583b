/* triangle.c: triangles and diagonals. Triangles are a choice by indices, element by element; diagonals are read at pairs of indices. */
#include "ops/join.h"
#include "ops/make.h"

extern const chk_op chk_op_index, chk_op_sum;

/* Limits k so that sums with indices do not overflow: beyond the corners nothing changes. */
static int64_t limited(int64_t k, int64_t rows, int64_t cols) { return k > cols ? cols : k < -rows ? -rows : k; }

/* Whether column j lies at or above diagonal k of row i, over (rows, cols): j >= i + k. */
static chk_node *above(ops_maker *m, int64_t rows, int64_t cols, int64_t k)
{
    chk_view down = {.shape = {.ndim = 2, .dim = {rows, 1}}, .base_ndim = 1, .step = {1}};
    chk_node *i = ops_view(m, ops_iota(m, rows), &down), *j = ops_iota(m, cols);
    i = ops_apply(m, CHK_FN_ADD, CHK_I64, i, ops_whole(m, CHK_I64, limited(k, rows, cols)), NULL);
    return ops_apply(m, CHK_FN_GE, CHK_I64, j, i, NULL);
}

/* flags: 1 for the upper triangle. */
static chunk_status build_triangle(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int64_t k = 0;
    if (x && x->shape.ndim < 1) m.st = chk_fail(err, CHUNK_ESHAPE, "%s: needs at least 1 dimension", op->name);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&k, &args[1], 0, op->name, "k", err);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    int n = x->shape.ndim;
    int64_t cols = x->shape.dim[n - 1], rows = n > 1 ? x->shape.dim[n - 2] : cols;
    if (!op->flags && k < INT64_MAX) k++; /* below: not at or above the next one */
    chk_node *mask = above(&m, rows, cols, k), *zero = ops_whole(&m, CHK_I64, 0);
    zero = zero ? ops_cast(&m, zero, x->dtype) : NULL;
    return ops_give(out, &m, ops_apply(&m, CHK_FN_WHERE, x->dtype, mask, op->flags ? x : zero, op->flags ? zero : x));
}

const chk_op chk_op_tril = {
    .name = "tril",
    .family = "manipulation",
    .summary = "The lower triangle of the last two axes, zeros above diagonal k",
    .params = {OPS_X, {"k", CHK_PAR_INT, "0", false}},
    .build = build_triangle,
};
const chk_op chk_op_triu = {
    .name = "triu",
    .family = "manipulation",
    .summary = "The upper triangle of the last two axes, zeros below diagonal k",
    .params = {OPS_X, {"k", CHK_PAR_INT, "0", false}},
    .build = build_triangle,
    .flags = 1,
};

static chunk_status build_tri(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int64_t rows, cols, k;
    chk_dtype d;
    CHK_TRY(ops_arg_matrix(&rows, &cols, &k, &d, args, op->name, err));
    ops_maker m = ops_make(b, err);
    chk_node *mask = above(&m, rows, cols, k < INT64_MAX ? k + 1 : k);
    mask = ops_apply(&m, CHK_FN_INVERT, CHK_BOOL, mask, NULL, NULL);
    return ops_give(out, &m, mask ? ops_cast(&m, mask, d) : NULL);
}

const chk_op chk_op_tri = {
    .name = "tri",
    .family = "creation",
    .summary = "Ones at and below diagonal k, zeros above",
    .params = {{"n_rows", CHK_PAR_INT, NULL, false},
               {"n_cols", CHK_PAR_INT, "None", false},
               {"k", CHK_PAR_INT, "0", false},
               {"dtype", CHK_PAR_DTYPE, "float64", false}},
    .build = build_tri,
};

/* ---- diagonals */

/* Elements (i, i + k) of two axes, as the last axis of the result. */
static chk_node *diagonal(ops_maker *m, chk_node *x, int64_t k, const int axis[2])
{
    int n = x->shape.ndim;
    int64_t rows = x->shape.dim[axis[0]], cols = x->shape.dim[axis[1]];
    k = limited(k, rows, cols);
    int64_t row = k < 0 ? -k : 0, col = k > 0 ? k : 0, length = rows - row < cols - col ? rows - row : cols - col;
    chk_view front = chk_view_identity(&x->shape), back; /* both axes to the front; the first axis to the end */
    int at = 2;
    for (int a = 0; a < n; a++) {
        front.axis[a] = a == axis[0] ? 0 : a == axis[1] ? 1 : at++;
        front.shape.dim[front.axis[a]] = x->shape.dim[a];
    }
    chk_node *f = ops_view(m, x, &front), *i = ops_iota(m, length), *made = NULL;
    chk_node *r = ops_apply(m, CHK_FN_ADD, CHK_I64, i, ops_whole(m, CHK_I64, row), NULL);
    chk_node *c = ops_apply(m, CHK_FN_ADD, CHK_I64, i, ops_whole(m, CHK_I64, col), NULL);
    if (m->st != CHUNK_OK) return NULL;
    chk_value pair[2] = {{.kind = CHK_VAL_NODE, .u.node = r}, {.kind = CHK_VAL_NODE, .u.node = c}};
    chk_value args[2] = {{.kind = CHK_VAL_NODE, .u.node = f}, {.kind = CHK_VAL_TUPLE, .u.tuple = {pair, 2}}};
    chk_node *d = ops_own(m, chk_op_call(&made, m->b, &chk_op_index, args, NULL, 2, m->err), &made);
    if (!d) return NULL;
    back = chk_view_identity(&d->shape);
    for (int a = 0; a < n - 1; a++) {
        back.axis[a] = a == 0 ? n - 2 : a - 1;
        back.shape.dim[back.axis[a]] = d->shape.dim[a];
    }
    return ops_view(m, d, &back);
}

/* args: x, offset, axis1, axis2. */
static chk_node *diagonal_of(ops_maker *m, const chk_value *args, const char *who)
{
    chk_node *x = ops_value(m, &args[0], who);
    int64_t k = 0, want;
    int axis[2] = {0, 1};
    if (x && x->shape.ndim < 2)
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: needs at least 2 dimensions, got %d", who, x->shape.ndim);
    if (m->st == CHUNK_OK) m->st = ops_arg_int(&k, &args[1], 0, who, "offset", m->err);
    for (int i = 0; i < 2 && m->st == CHUNK_OK; i++) {
        m->st = ops_arg_int(&want, &args[2 + i], i, who, i ? "axis2" : "axis1", m->err);
        if (m->st == CHUNK_OK) m->st = chk_axis_normal(&axis[i], want, x->shape.ndim, who, m->err);
    }
    if (m->st == CHUNK_OK && axis[0] == axis[1]) m->st = chk_fail(m->err, CHUNK_EINVAL, "%s: axis1 and axis2 are the same", who);
    return m->st == CHUNK_OK ? diagonal(m, x, k, axis) : NULL;
}

static chunk_status build_diagonal(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    return ops_give(out, &m, diagonal_of(&m, args, op->name));
}

#define DIAGONAL                                                                                                                   \
    OPS_X, {"offset", CHK_PAR_INT, "0", false}, {"axis1", CHK_PAR_INT, "0", false}, { "axis2", CHK_PAR_INT, "1", false }

const chk_op chk_op_diagonal = {
    .name = "diagonal",
    .family = "manipulation",
    .summary = "Elements (i, i + offset) of two axes, which become the last axis",
    .doc = "Costs what index costs.",
    .params = {DIAGONAL},
    .build = build_diagonal,
};

static chunk_status build_trace(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *d = diagonal_of(&m, args, op->name), *made = NULL;
    if (!d) return ops_give(out, &m, NULL);
    chk_value sum[3] = {{.kind = CHK_VAL_NODE, .u.node = d}, {.kind = CHK_VAL_INT, .u.i.i = -1}, args[4]};
    const char *names[3] = {NULL, "axis", "dtype"};
    return ops_give(out, &m, ops_own(&m, chk_op_call(&made, b, &chk_op_sum, sum, names, ops_absent(&args[4]) ? 2 : 3, err), &made));
}

const chk_op chk_op_trace = {
    .name = "trace",
    .family = "reduction",
    .summary = "Sum of elements (i, i + offset) of two axes",
    .doc = "dtype as sum has it. Costs what index costs.",
    .params = {DIAGONAL, {"dtype", CHK_PAR_DTYPE, "None", false}},
    .build = build_trace,
};

/* A vector on diagonal k of a square of zeros. */
static chk_node *spread_out(ops_maker *m, chk_node *v, int64_t k, const char *who)
{
    int64_t n = v->shape.dim[0], far = k == INT64_MIN ? INT64_MAX : k < 0 ? -k : k, side;
    if (__builtin_add_overflow(n, far, &side) || (side && side > INT64_MAX / 16 / side)) {
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: the result is too large", who);
        return NULL;
    }
    chk_shape square = {.ndim = 2, .dim = {side, side}}, gap = {.ndim = 1, .dim = {far}};
    chk_view down = {.shape = {.ndim = 2, .dim = {side, 1}}, .base_ndim = 1, .step = {1}};
    chk_node *i = ops_view(m, ops_iota(m, side), &down), *j = ops_iota(m, side), *made = NULL;
    i = ops_apply(m, CHK_FN_ADD, CHK_I64, i, ops_whole(m, CHK_I64, k), NULL);
    chk_node *on = ops_apply(m, CHK_FN_EQ, CHK_I64, i, j, NULL), *zero = ops_whole(m, CHK_I64, 0);
    zero = zero ? ops_cast(m, zero, v->dtype) : NULL;
    if (!zero) return NULL;
    chk_node *parts[2] = {v, ops_spread(m, zero, &gap)}; /* by rows above the middle, by columns below */
    if (!parts[1]) return NULL;
    if (far) v = ops_own(m, ops_join(&made, m->b, parts, 2, 0, m->err), &made);
    if (v && k >= 0) v = ops_view(m, v, &down);
    return v ? ops_apply(m, CHK_FN_WHERE, v->dtype, on, ops_spread(m, v, &square), zero) : NULL;
}

static chunk_status build_diag(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int64_t k = 0;
    const int axis[2] = {0, 1};
    if (x && x->shape.ndim != 1 && x->shape.ndim != 2)
        m.st = chk_fail(err, CHUNK_ESHAPE, "%s: x must have 1 or 2 dimensions, it has %d", op->name, x->shape.ndim);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&k, &args[1], 0, op->name, "k", err);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    return ops_give(out, &m, x->shape.ndim == 1 ? spread_out(&m, x, k, op->name) : diagonal(&m, x, k, axis));
}

const chk_op chk_op_diag = {
    .name = "diag",
    .family = "manipulation",
    .summary = "Diagonal k of a matrix, or a matrix of zeros with a vector there",
    .doc = "Costs what index costs; of a vector, what concat costs.",
    .params = {OPS_X, {"k", CHK_PAR_INT, "0", false}},
    .build = build_diag,
};
