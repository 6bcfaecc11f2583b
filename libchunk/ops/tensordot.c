/* tensordot.c: the products of NumPy that are contractions over given axes. */
#include <string.h>

#include "ops/product.h"

#define FAMILY .family = "product"

typedef struct pair {
    ops_maker m;
    chk_node *x, *y;
    chk_dtype d;
} pair;

static pair read_pair(chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    pair p = {.m = ops_make(b, err)};
    p.x = ops_value(&p.m, &args[0], op->name);
    p.y = ops_value(&p.m, &args[1], op->name);
    if (p.m.st != CHUNK_OK) return p;
    chk_node *in[2] = {p.x, p.y};
    p.d = ops_result_type(in, 2);
    p.x = ops_cast(&p.m, p.x, p.d);
    p.y = ops_cast(&p.m, p.y, p.d);
    return p;
}

static chk_node *conjugate(pair *p, chk_node *x)
{
    return chk_dtype_kind(p->d) == CHK_KIND_COMPLEX ? ops_apply(&p->m, CHK_FN_CONJ, p->d, x, NULL, NULL) : x;
}

/* Contracts axes ax[i] of x with ay[i] of y; those that are left come in their order, x's first. */
static chk_node *over_axes(pair *p, const int *ax, const int *ay, int n, const char *who)
{
    char xs[160], ys[160];
    ops_labelled x = {.node = p->x}, y = {.node = p->y};
    bool kept[OPS_LABELS];
    int list[2 * CHK_MAX_NDIM], n_left = 0, next = 0;
    if (!p->x || !p->y) return NULL;
    memset(kept, 1, sizeof kept);
    memset(x.label, 0xff, sizeof x.label);
    memset(y.label, 0xff, sizeof y.label);
    for (int i = 0; i < n; i++) {
        if (p->x->shape.dim[ax[i]] != p->y->shape.dim[ay[i]]) {
            p->m.st = chk_fail(p->m.err, CHUNK_ESHAPE, "%s: axis %d of %s and axis %d of %s differ in length", who, ax[i],
                               chk_shape_text(xs, sizeof xs, &p->x->shape), ay[i], chk_shape_text(ys, sizeof ys, &p->y->shape));
            return NULL;
        }
        kept[next] = false;
        x.label[ax[i]] = y.label[ay[i]] = next++;
    }
    for (int f = 0; f < 2; f++) {
        ops_labelled *one = f == 0 ? &x : &y;
        for (int a = 0; a < one->node->shape.ndim; a++)
            if (one->label[a] < 0) list[n_left++] = one->label[a] = next++;
    }
    if (n_left > CHK_MAX_NDIM) {
        p->m.st = chk_fail(p->m.err, CHUNK_EUNSUPPORTED, "%s: the result has %d dimensions, at most %d are possible", who, n_left,
                           CHK_MAX_NDIM);
        return NULL;
    }
    ops_labelled r = ops_contract(&p->m, &x, &y, kept, n > 0 && p->d == CHK_F16 ? CHK_F32 : p->d, who);
    r.node = r.node ? ops_cast(&p->m, r.node, p->d) : NULL;
    return ops_arranged(&p->m, &r, list, n_left);
}

/* ---- tensordot */

static chunk_status read_axes(int *out, int *n, const chk_value *given, const chk_node *x, chunk_error *err)
{
    const chk_value items = chk_value_items(given), *v = &items;
    uint32_t seen = 0;
    *n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    if (*n > x->shape.ndim)
        return chk_fail(err, CHUNK_EINVAL, "tensordot: %d axes of an array of %d dimensions", *n, x->shape.ndim);
    for (int i = 0; i < *n; i++) {
        int64_t axis;
        CHK_TRY(chk_value_int(&axis, v->kind == CHK_VAL_TUPLE ? &v->u.tuple.item[i] : v, "tensordot", "axes", err));
        CHK_TRY(chk_axis_normal(&out[i], axis, x->shape.ndim, "tensordot", err));
        if (seen >> out[i] & 1) return chk_fail(err, CHUNK_EINVAL, "tensordot: axis %d is named twice", out[i]);
        seen |= UINT32_C(1) << out[i];
    }
    return CHUNK_OK;
}

static chunk_status read_both_axes(int *ax, int *ay, int *n, const chk_value *v, const pair *p, chunk_error *err)
{
    if (v->kind == CHK_VAL_TUPLE) {
        int n_y;
        if (v->u.tuple.n != 2)
            return chk_fail(err, CHUNK_EINVAL, "tensordot: axes must be a number or a pair, got %d", v->u.tuple.n);
        CHK_TRY(read_axes(ax, n, &v->u.tuple.item[0], p->x, err));
        CHK_TRY(read_axes(ay, &n_y, &v->u.tuple.item[1], p->y, err));
        return *n == n_y ? CHUNK_OK : chk_fail(err, CHUNK_EINVAL, "tensordot: %d axes of x1 and %d of x2", *n, n_y);
    }
    int64_t count;
    CHK_TRY(ops_arg_int(&count, v, 2, "tensordot", "axes", err));
    if (count < 0 || count > p->x->shape.ndim || count > p->y->shape.ndim)
        return chk_fail(err, CHUNK_EINVAL, "tensordot: axes is %lld, the arrays have %d and %d dimensions", (long long)count,
                        p->x->shape.ndim, p->y->shape.ndim);
    *n = (int)count;
    for (int i = 0; i < *n; i++) {
        ax[i] = p->x->shape.ndim - *n + i;
        ay[i] = i;
    }
    return CHUNK_OK;
}

static chunk_status build_tensordot(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int ax[CHK_MAX_NDIM], ay[CHK_MAX_NDIM], n = 0;
    pair p = read_pair(b, op, args, err);
    if (p.m.st == CHUNK_OK) p.m.st = read_both_axes(ax, ay, &n, &args[2], &p, err);
    return ops_give(out, &p.m, p.m.st == CHUNK_OK ? over_axes(&p, ax, ay, n, op->name) : NULL);
}

const chk_op chk_op_tensordot = {
    .name = "tensordot",
    FAMILY,
    .summary = "Sums of products over given axes of two arrays",
    .params = {OPS_X1_X2, {"axes", CHK_PAR_ANY, "2", false}},
    .build = build_tensordot,
    .doc = "axes: a number of axes, the last of x1 and the first of x2, or a pair of axes or of tuples of them. As einsum.",
};

/* ---- inner, dot */

static chunk_status build_inner(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    pair p = read_pair(b, op, args, err);
    if (p.m.st != CHUNK_OK) return ops_give(out, &p.m, NULL);
    bool number = p.x->shape.ndim == 0 || p.y->shape.ndim == 0;
    int ax = p.x->shape.ndim - 1, ay = p.y->shape.ndim - 1;
    if (op->flags && ay > 0) ay--; /* dot: the last but one of matrices */
    return ops_give(out, &p.m, over_axes(&p, &ax, &ay, number ? 0 : 1, op->name));
}

const chk_op chk_op_inner = {
    .name = "inner",
    FAMILY,
    .summary = "Sums of products over the last axes of two arrays",
    .params = {OPS_X1_X2},
    .build = build_inner,
    .doc = "Of numbers, the product. As einsum.",
};
const chk_op chk_op_dot = {
    .name = "dot",
    FAMILY,
    .summary = "Sums of products over the last axis of x1 and the last but one of x2",
    .params = {OPS_X1_X2},
    .flags = 1,
    .build = build_inner,
    .doc = "The only axis of x2 where it has one; of numbers, the product. For more than two dimensions each of x1 with each of "
           "x2, unlike matmul. As einsum.",
};

/* ---- vectors */

static chunk_status build_vecdot(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    char xs[160], ys[160];
    pair p = read_pair(b, op, args, err);
    int64_t axis = -1;
    if (p.m.st == CHUNK_OK) p.m.st = ops_arg_int(&axis, &args[2], -1, op->name, "axis", err);
    if (p.m.st != CHUNK_OK) return ops_give(out, &p.m, NULL);
    chk_node *in[2] = {p.x, p.y};
    int at[2];
    for (int f = 0; f < 2 && p.m.st == CHUNK_OK; f++) p.m.st = chk_axis_normal(&at[f], axis, in[f]->shape.ndim, op->name, err);
    if (p.m.st != CHUNK_OK) return ops_give(out, &p.m, NULL);
    /* With the axis last, the others broadcast. */
    for (int f = 0; f < 2; f++) {
        ops_labelled x = {.node = in[f]};
        int list[CHK_MAX_NDIM], n = 0;
        for (int a = 0; a < in[f]->shape.ndim; a++) {
            x.label[a] = a;
            if (a != at[f]) list[n++] = a;
        }
        list[n++] = at[f];
        in[f] = ops_arranged(&p.m, &x, list, n);
        if (!in[f]) return ops_give(out, &p.m, NULL);
    }
    int64_t k = in[0]->shape.dim[in[0]->shape.ndim - 1], l = in[1]->shape.dim[in[1]->shape.ndim - 1];
    chk_shape shape;
    if (k != l || !chk_shape_broadcast(&shape, &in[0]->shape, &in[1]->shape))
        return ops_give(out, &p.m,
                        (p.m.st = chk_fail(err, CHUNK_ESHAPE, "vecdot: shapes %s and %s do not fit",
                                           chk_shape_text(xs, sizeof xs, &p.x->shape), chk_shape_text(ys, sizeof ys, &p.y->shape)),
                         NULL));
    chk_dtype wide = p.d == CHK_F16 ? CHK_F32 : p.d;
    chk_node *x = ops_cast(&p.m, conjugate(&p, in[0]), wide), *y = ops_cast(&p.m, in[1], wide);
    chk_node *all = x && y ? ops_apply(&p.m, CHK_FN_MUL, wide, x, y, NULL) : NULL;
    return ops_give(out, &p.m, all ? ops_cast(&p.m, ops_total(&p.m, all, UINT32_C(1) << (shape.ndim - 1)), p.d) : NULL);
}

const chk_op chk_op_vecdot = {
    .name = "vecdot",
    FAMILY,
    .summary = "Sums of conj(x1)*x2 along an axis",
    .params = {OPS_X1_X2, {"axis", CHK_PAR_INT, "-1", true}},
    .build = build_vecdot,
    .doc = "The other axes broadcast. One fused sum.",
};

static chk_node *flat(ops_maker *m, chk_node *x)
{
    if (!x) return NULL;
    chk_shape shape = {.ndim = 1, .dim = {chk_shape_count(&x->shape)}};
    return ops_reshaped(m, x, &shape);
}

static chunk_status build_vdot(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    char xs[160], ys[160];
    pair p = read_pair(b, op, args, err);
    if (p.m.st == CHUNK_OK && chk_shape_count(&p.x->shape) != chk_shape_count(&p.y->shape))
        p.m.st = chk_fail(err, CHUNK_ESHAPE, "vdot: %s and %s have not the same number of elements",
                          chk_shape_text(xs, sizeof xs, &p.x->shape), chk_shape_text(ys, sizeof ys, &p.y->shape));
    if (p.m.st != CHUNK_OK) return ops_give(out, &p.m, NULL);
    chk_dtype wide = p.d == CHK_F16 ? CHK_F32 : p.d;
    bool same = chk_shape_equal(&p.x->shape, &p.y->shape);
    chk_node *x = ops_cast(&p.m, conjugate(&p, p.x), wide), *y = ops_cast(&p.m, p.y, wide);
    if (!same) x = flat(&p.m, x), y = flat(&p.m, y);
    chk_node *all = x && y ? ops_apply(&p.m, CHK_FN_MUL, wide, x, y, NULL) : NULL;
    uint32_t axes = all ? (uint32_t)((UINT64_C(1) << all->shape.ndim) - 1) : 0;
    return ops_give(out, &p.m, all ? ops_cast(&p.m, ops_total(&p.m, all, axes), p.d) : NULL);
}

const chk_op chk_op_vdot = {
    .name = "vdot",
    FAMILY,
    .summary = "The sum of conj(x1)*x2 over all elements",
    .params = {OPS_X1_X2},
    .build = build_vdot,
    .doc = "Arrays of any shapes with as many elements, in C order. One fused sum.",
};

static chunk_status build_outer(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    pair p = read_pair(b, op, args, err);
    if (p.m.st == CHUNK_OK) p.x = flat(&p.m, p.x);
    if (p.m.st == CHUNK_OK) p.y = flat(&p.m, p.y);
    return ops_give(out, &p.m, p.m.st == CHUNK_OK ? over_axes(&p, NULL, NULL, 0, op->name) : NULL);
}

const chk_op chk_op_outer = {
    .name = "outer",
    FAMILY,
    .summary = "All products of an element of x1 and one of x2",
    .params = {OPS_X1_X2},
    .build = build_outer,
    .doc = "Of arrays in C order, as a matrix. An elementwise product of views.",
};

/* x's axes at even places, y's at odd ones; then each pair as one. */
static chunk_status build_kron(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    pair p = read_pair(b, op, args, err);
    if (p.m.st != CHUNK_OK) return ops_give(out, &p.m, NULL);
    int nx = p.x->shape.ndim, ny = p.y->shape.ndim, n = nx > ny ? nx : ny, list[2 * CHK_MAX_NDIM];
    if (2 * n > CHK_MAX_NDIM)
        p.m.st = chk_fail(err, CHUNK_EUNSUPPORTED, "kron: %d dimensions, at most %d are possible", n, CHK_MAX_NDIM / 2);
    if (p.m.st != CHUNK_OK) return ops_give(out, &p.m, NULL);
    ops_labelled x = {.node = p.x}, y = {.node = p.y};
    chk_shape shape = {.ndim = n};
    for (int a = 0; a < n; a++) shape.dim[a] = 1;
    for (int a = 0; a < nx; a++) x.label[a] = 2 * (n - nx + a), shape.dim[n - nx + a] *= p.x->shape.dim[a];
    for (int a = 0; a < ny; a++) {
        y.label[a] = 2 * (n - ny + a) + 1;
        if (__builtin_mul_overflow(shape.dim[n - ny + a], p.y->shape.dim[a], &shape.dim[n - ny + a]))
            shape.dim[n - ny + a] = INT64_MAX;
    }
    if (!chk_shape_fits(&shape)) {
        p.m.st = chk_fail(err, CHUNK_ESHAPE, "kron: the result has more than 2**63 bytes");
        return ops_give(out, &p.m, NULL);
    }
    for (int a = 0; a < 2 * n; a++) list[a] = a;
    chk_node *u = ops_arranged(&p.m, &x, list, 2 * n), *v = ops_arranged(&p.m, &y, list, 2 * n);
    chk_node *all = u && v ? ops_apply(&p.m, CHK_FN_MUL, p.d, u, v, NULL) : NULL;
    return ops_give(out, &p.m, all ? ops_reshaped(&p.m, all, &shape) : NULL);
}

const chk_op chk_op_kron = {
    .name = "kron",
    FAMILY,
    .summary = "Kronecker's product: x2 times each element of x1, side by side",
    .params = {OPS_X1_X2},
    .build = build_kron,
    .doc = "The array with fewer axes gets axes of one element in front. A fused product, reshaped.",
};
