/* matmul.c: products of matrices. Those with a single row, column or summand are sums of products of elements, which the engine reads and adds at the
 * memory's rate; the others are planned by plan/product.h. */
#include <string.h>

#include "ops/product.h"
#include "plan/product.h"

/* Parameters: bits for factors that are stored transposed, and for the conjugate of the one that is where both are one array; the result's dtype. */
enum { TRANS_A = 1, TRANS_B = 2, CONJ = 4, N_ATTR = 2 };
/* Chunks of the batch axes grow to this, or to the left factor's chunks as far as CHUNK_MOST goes. */
enum { CHUNK_BYTES = 1 << 20, CHUNK_MOST = 16 << 20 };

static chunk_status lower_matmul(chk_plan_builder *b, const chk_node *n, chunk_error *err)
{
    int64_t bits = n->u.custom.attr[0];
    chk_product_spec spec = {.trans = {bits & TRANS_A, bits & TRANS_B}, .conj = bits & CONJ};
    spec.half = n->in[0] == n->in[1] && spec.trans[0] != spec.trans[1];
    return chk_product_lower(b, n, &spec, err);
}

/* Blocks of the product are the chunks of its two last axes. */
static void result_grid(chk_grid *grid, const chk_shape *shape, chk_node *const *in, const int64_t *attr)
{
    int nb = shape->ndim - 2;
    grid->ndim = shape->ndim;
    int64_t m = chk_product_block(shape->dim[nb], &in[0]->grid.axis[nb + !!(attr[0] & TRANS_A)], CHK_PRODUCT_BLOCK);
    int64_t n = chk_product_block(shape->dim[nb + 1], &in[1]->grid.axis[nb + !(attr[0] & TRANS_B)], CHK_PRODUCT_BLOCK);
    int64_t bytes = m * n * (int64_t)chk_dtype_size(in[0]->dtype);
    grid->axis[nb] = chk_axis_regular(shape->dim[nb], m);
    grid->axis[nb + 1] = chk_axis_regular(shape->dim[nb + 1], n);
    for (int a = nb - 1; a >= 0; a--) {
        int64_t own = CHUNK_BYTES / bytes, like = chk_axis_max_chunk(&in[in[0]->shape.dim[a] > 1 ? 0 : 1]->grid.axis[a]);
        if (like > own && like <= CHUNK_MOST / bytes) own = like;
        if (own > shape->dim[a]) own = shape->dim[a];
        if (own < 1) own = 1;
        grid->axis[a] = chk_axis_regular(shape->dim[a], own);
        bytes *= own;
    }
}

static chunk_status make_matmul(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    char x[160], y[160];
    if (n_in != 2 || n_attr != N_ATTR || attr[0] < 0 || attr[0] > (TRANS_A | TRANS_B | CONJ))
        return chk_fail(err, CHUNK_EINVAL, "matmul: two arrays and %d parameters are needed", N_ATTR);
    int nd = in[0]->shape.ndim, ta = !!(attr[0] & TRANS_A), tb = !!(attr[0] & TRANS_B);
    chk_dtype d = in[0]->dtype, result = (chk_dtype)attr[1];
    if (attr[0] & CONJ && (in[0] != in[1] || ta == tb || chk_dtype_kind(d) != CHK_KIND_COMPLEX))
        return chk_fail(err, CHUNK_EINVAL, "matmul: only a complex array times itself, one of them transposed, can be conjugated");
    bool plain = attr[1] == (int64_t)d && d != CHK_F16 && d != CHK_BOOL;
    if (in[1]->dtype != d || !(plain || (d == CHK_F32 && attr[1] == CHK_F16) || (d == CHK_U32 && attr[1] == CHK_BOOL)))
        return chk_fail(err, CHUNK_ETYPE, "matmul: dtypes %s and %s with a result of type %lld", chk_dtype_name(d),
                        chk_dtype_name(in[1]->dtype), (long long)attr[1]);
    if (nd < 2 || in[1]->shape.ndim != nd)
        return chk_fail(err, CHUNK_ESHAPE, "matmul: arrays of %d and %d dimensions, equally many and at least 2 are needed", nd,
                        in[1]->shape.ndim);
    chk_shape shape = in[0]->shape;
    bool fits = in[0]->shape.dim[nd - 1 - ta] == in[1]->shape.dim[nd - 2 + tb], empty = in[0]->shape.dim[nd - 1 - ta] == 0;
    for (int a = 0; a < nd - 2; a++) {
        int64_t p = in[0]->shape.dim[a], q = in[1]->shape.dim[a];
        fits &= p == q || p == 1 || q == 1;
        shape.dim[a] = p == 1 ? q : p;
    }
    shape.dim[nd - 2] = in[0]->shape.dim[nd - 2 + ta];
    shape.dim[nd - 1] = in[1]->shape.dim[nd - 1 - tb];
    if (!fits || empty || chk_shape_count(&shape) == 0)
        return chk_fail(err, CHUNK_ESHAPE, "matmul: no product of %s and %s", chk_shape_text(x, sizeof x, &in[0]->shape),
                        chk_shape_text(y, sizeof y, &in[1]->shape));
    chk_grid grid;
    result_grid(&grid, &shape, in, attr);
    return chk_node_custom(out, b, op, attr, n_attr, result, &shape, &grid, in, 2, err);
}

/* ---- from arguments */

/* x with axes of one element in front, up to ndim. */
static chk_node *with_axes(ops_maker *m, chk_node *x, int ndim)
{
    if (!x || x->shape.ndim == ndim) return x;
    chk_view v = {.shape = {.ndim = ndim}, .base_ndim = x->shape.ndim};
    int more = ndim - x->shape.ndim;
    for (int a = 0; a < more; a++) v.shape.dim[a] = 1;
    for (int a = 0; a < x->shape.ndim; a++) {
        v.shape.dim[more + a] = x->shape.dim[a];
        v.axis[a] = more + a;
        v.step[a] = 1;
    }
    return ops_view(m, x, &v);
}

chk_node *ops_swapped(ops_maker *m, chk_node *x)
{
    if (!x) return NULL;
    int last = x->shape.ndim - 1;
    chk_view v = chk_view_identity(&x->shape);
    v.shape.dim[last] = x->shape.dim[last - 1];
    v.shape.dim[last - 1] = x->shape.dim[last];
    v.axis[last] = last - 1;
    v.axis[last - 1] = last;
    return ops_view(m, x, &v);
}

/* A view whose last axis lies before its last but one in what is under it: it is read the other way round. */
static bool is_swapped(const chk_node *x)
{
    if (x->kind != CHK_NODE_VIEW) return false;
    int last = -1, before = -1;
    for (int i = 0; i < x->u.view.base_ndim; i++) {
        if (x->u.view.axis[i] == x->shape.ndim - 1) last = i;
        if (x->u.view.axis[i] == x->shape.ndim - 2) before = i;
    }
    return last >= 0 && before >= 0 && last < before;
}

/* What x is the conjugate of, NULL where it is not the conjugate of anything. */
static chk_node *conjugated(ops_maker *m, chk_node *x)
{
    chk_node *base = x && x->kind == CHK_NODE_VIEW ? x->in[0] : x;
    if (!base || base->kind != CHK_NODE_MAP || base->u.map.fn != CHK_FN_CONJ || base->in[0]->dtype != x->dtype) return NULL;
    return base == x ? x->in[0] : ops_view(m, base->in[0], &x->u.view);
}

static bool is_adjoint(ops_maker *m, chk_node *x, chk_node *y)
{
    chk_node *of = conjugated(m, x);
    return of && ops_swapped(m, of) == y;
}

/* Whether x is y transposed or, with *conj, its adjoint: the bits for reading one of them, which *both becomes. */
static int64_t one_array(ops_maker *m, chk_node *x, chk_node *y, chk_node **both)
{
    if (x->shape.dim[x->shape.ndim - 2] != y->shape.dim[y->shape.ndim - 1]) return 0;
    bool same = ops_swapped(m, x) == y, conj = !same && (is_adjoint(m, x, y) || is_adjoint(m, y, x));
    if (!same && !conj) return 0;
    *both = is_swapped(y) ? x : y;
    return (*both == y ? TRANS_A : TRANS_B) | (conj ? CONJ : 0);
}

/* Sum of x * y along an axis, which stays with one element. In dtype d, whose sums are exact or as the engine adds. */
static chk_node *sum_of_products(ops_maker *m, chk_node *x, chk_node *y, chk_dtype d, int axis)
{
    bool logical = d == CHK_BOOL;
    chk_node *made = NULL, *all = ops_apply(m, CHK_FN_MUL, d, x, y, NULL);
    if (!all) return NULL;
    chk_red red = logical ? CHK_RED_ANY : CHK_RED_SUM;
    return ops_cast(m, ops_own(m, chk_node_reduce(&made, m->b, red, NULL, all, UINT32_C(1) << axis, true, 0, m->err), &made), d);
}

/* Matrices: at least two axes each. */
static chk_node *product(ops_maker *m, chk_node *x, chk_node *y, chk_dtype d)
{
    int nd = x->shape.ndim > y->shape.ndim ? x->shape.ndim : y->shape.ndim;
    x = with_axes(m, x, nd);
    y = with_axes(m, y, nd);
    if (!x || !y) return NULL;
    chk_dtype compute = d == CHK_F16 ? CHK_F32 : d;
    if (x->shape.dim[nd - 1] == 1) return ops_apply(m, CHK_FN_MUL, d, x, y, NULL);
    if (y->shape.dim[nd - 1] == 1)
        return ops_cast(m, sum_of_products(m, ops_cast(m, x, compute), ops_cast(m, ops_swapped(m, y), compute), compute, nd - 1),
                        d);
    if (x->shape.dim[nd - 2] == 1)
        return ops_cast(m, sum_of_products(m, ops_cast(m, ops_swapped(m, x), compute), ops_cast(m, y, compute), compute, nd - 2),
                        d);
    chk_node *both = NULL;
    int64_t attr[N_ATTR] = {one_array(m, x, y, &both), d};
    if (d == CHK_BOOL) compute = CHK_U32;
    if (both) {
        x = y = both;
    } else {
        attr[0] = (is_swapped(x) ? TRANS_A : 0) | (is_swapped(y) ? TRANS_B : 0);
        if (attr[0] & TRANS_A) x = ops_swapped(m, x);
        if (attr[0] & TRANS_B) y = ops_swapped(m, y);
    }
    chk_node *made = NULL, *in[2] = {ops_cast(m, x, compute), ops_cast(m, y, compute)};
    return m->st != CHUNK_OK ? NULL : ops_own(m, make_matmul(&made, m->b, &chk_op_matmul, in, 2, attr, N_ATTR, m->err), &made);
}

/* Removes an axis of one element. */
static chk_node *without_axis(ops_maker *m, chk_node *x, int axis)
{
    if (!x) return NULL;
    chk_view v = {.shape = {.ndim = x->shape.ndim - 1}, .base_ndim = x->shape.ndim};
    for (int a = 0; a < x->shape.ndim; a++) {
        int to = a < axis ? a : a - 1;
        v.step[a] = 1;
        v.axis[a] = a == axis ? -1 : to;
        if (a != axis) v.shape.dim[to] = x->shape.dim[a];
    }
    return ops_view(m, x, &v);
}

static chk_node *as_matrix(ops_maker *m, chk_node *x, bool is_column)
{
    if (!x || x->shape.ndim != 1) return x;
    chk_node *row = with_axes(m, x, 2);
    return is_column ? ops_swapped(m, row) : row;
}

chk_node *ops_matmul(ops_maker *m, chk_node *x, chk_node *y, const char *who)
{
    char xs[160], ys[160];
    if (!x || !y) return NULL;
    if (x->shape.ndim == 0 || y->shape.ndim == 0) {
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: x%d has no dimensions: write x1*x2 to multiply by a number", who,
                         x->shape.ndim == 0 ? 1 : 2);
        return NULL;
    }
    bool row = x->shape.ndim == 1, column = y->shape.ndim == 1;
    int64_t k = x->shape.dim[x->shape.ndim - 1], rows = y->shape.dim[column ? 0 : y->shape.ndim - 2];
    chk_node *types[2] = {x, y};
    chk_dtype d = ops_result_type(types, 2);
    chk_shape bx = x->shape, by = y->shape, shape;
    bx.ndim = row ? 0 : bx.ndim - 2;
    by.ndim = column ? 0 : by.ndim - 2;
    if (k != rows || !chk_shape_broadcast(&shape, &bx, &by)) {
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: %s: x1 is %s, x2 is %s", who,
                         k != rows ? "inner sizes differ" : "the axes before the last two do not fit",
                         chk_shape_text(xs, sizeof xs, &x->shape), chk_shape_text(ys, sizeof ys, &y->shape));
        return NULL;
    }
    if (!row) shape.dim[shape.ndim++] = x->shape.dim[x->shape.ndim - 2];
    if (!column) shape.dim[shape.ndim++] = y->shape.dim[y->shape.ndim - 1];
    if (k == 0 || chk_shape_count(&shape) == 0) return ops_spread(m, ops_whole(m, d, 0), &shape);
    x = as_matrix(m, ops_cast(m, x, d), false);
    y = as_matrix(m, ops_cast(m, y, d), true);
    if (!x || !y) return NULL;
    chk_node *p = product(m, x, y, d);
    if (p && column) p = without_axis(m, p, p->shape.ndim - 1);
    if (p && row) p = without_axis(m, p, p->shape.ndim - (column ? 1 : 2));
    return p;
}

static chunk_status build_matmul(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *y = ops_value(&m, &args[1], op->name);
    return ops_give(out, &m, ops_matmul(&m, x, y, op->name));
}

const chk_op chk_op_matmul = {
    .name = "matmul",
    .family = "product",
    .summary = "The product of matrices, x1 @ x2",
    .params = {OPS_X1_X2},
    .flags = CHK_OP_FINISHES,
    .build = build_matmul,
    .make = make_matmul,
    .lower = lower_matmul,
    .doc = "The last two axes are matrices, those before them broadcast; an array of one axis counts as a row on the left, as a "
           "column on the right, and "
           "has no axis in the result. Integers wrap and bool asks whether any pair is true, both exact; floats and complex "
           "numbers by OpenBLAS in "
           "blocks of at most 1024 x 1024 x 512 whose borders do not depend on threads and ceiling, so neither do the bits; error "
           "at most k eps |x1| |x2|. "
           "float16 is computed in float32 and rounded once. An array times itself transposed (x.T @ x, and what einsum and "
           "tensordot make of it) takes half the work and is exactly symmetric; times its adjoint exactly Hermitian, the diagonal "
           "real. An elementwise expression over a product that nothing else reads, 2*(a @ b) + 3*c, is computed in the same pass. "
           "Memory: a tile of the result and panels of both factors, as large as "
           "the ceiling allows: "
           "with tiles of T x T the factors are read n / T and m / T times; at least one block of each.",
};
