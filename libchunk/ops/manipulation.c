/* manipulation.c: casts, and shapes changed by looking at the same data in another way: all but astype are views and move nothing. */
#include "ops/make.h"

static chunk_status build_astype(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_dtype d;
    bool given;
    CHK_TRY(ops_arg_dtype(&d, &given, &args[1], op->name, err));
    if (!given) return chk_fail(err, CHUNK_ETYPE, "astype: dtype must be a dtype's name, got None");
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    return ops_give(out, &m, ops_cast(&m, x, d));
}

const chk_op chk_op_astype = {
    .name = "astype",
    .summary = "x with another dtype",
    .family = "manipulation",
    .params = {OPS_X, {"dtype", CHK_PAR_DTYPE, NULL, false}},
    .build = build_astype,
    .doc = "Floats lose their fraction on the way to integers; NaN and what does not fit give the smallest integer, as NumPy does "
           "on x86-64.",
};

static chunk_status build_broadcast_to(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_shape shape;
    CHK_TRY(ops_arg_shape(&shape, &args[1], op->name, err));
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    return ops_give(out, &m, ops_spread(&m, x, &shape));
}

const chk_op chk_op_broadcast_to = {
    .name = "broadcast_to",
    .summary = "x repeated to a shape without being copied",
    .family = "manipulation",
    .params = {OPS_X, {"shape", CHK_PAR_SHAPE, NULL, false}},
    .build = build_broadcast_to,
};

/* Axis i of the result is axis from[i] of x. */
static chk_node *permuted(ops_maker *m, chk_node *x, const int *from)
{
    chk_view v = chk_view_identity(&x->shape);
    for (int i = 0; i < x->shape.ndim; i++) {
        v.shape.dim[i] = x->shape.dim[from[i]];
        v.axis[from[i]] = i;
    }
    return ops_view(m, x, &v);
}

static chunk_status axes_list(int *from, int *n, const chk_value *v, int ndim, const char *who, chunk_error *err)
{
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    *n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    uint32_t seen = 0;
    if (*n > ndim) return chk_fail(err, CHUNK_EINDEX, "%s: %d axes for %d dimension%s", who, *n, ndim, ndim == 1 ? "" : "s");
    for (int i = 0; i < *n; i++) {
        int64_t axis;
        CHK_TRY(chk_value_int(&axis, &item[i], who, "axis", err));
        CHK_TRY(chk_axis_normal(&from[i], axis, ndim, who, err));
        if (seen >> from[i] & 1) return chk_fail(err, CHUNK_EINVAL, "%s: axis %lld is named twice", who, (long long)axis);
        seen |= UINT32_C(1) << from[i];
    }
    return CHUNK_OK;
}

static chunk_status build_permute(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int from[CHK_MAX_NDIM], n = x ? x->shape.ndim : 0;
    if (x && ops_absent(&args[1])) {
        for (int i = 0; i < n; i++) from[i] = n - 1 - i;
    } else if (x) {
        m.st = axes_list(from, &n, &args[1], x->shape.ndim, op->name, err);
        if (m.st == CHUNK_OK && n != x->shape.ndim)
            m.st = chk_fail(err, CHUNK_EINDEX, "%s: %d axes for %d dimensions", op->name, n, x->shape.ndim);
    }
    return ops_give(out, &m, m.st == CHUNK_OK ? permuted(&m, x, from) : NULL);
}

const chk_op chk_op_permute_dims = {
    .name = "permute_dims",
    .aliases = "transpose",
    .summary = "x with its axes in another order; None reverses them",
    .family = "manipulation",
    .params = {OPS_X, {"axes", CHK_PAR_AXIS, "None", false}},
    .build = build_permute,
};

static chunk_status build_matrix_transpose(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args,
                                           chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int from[CHK_MAX_NDIM], n = x ? x->shape.ndim : 2;
    if (n < 2) m.st = chk_fail(err, CHUNK_ESHAPE, "matrix_transpose: needs at least 2 dimensions, got %d", n);
    for (int i = 0; i < n; i++) from[i] = i;
    if (n >= 2) from[n - 1] = n - 2, from[n - 2] = n - 1;
    return ops_give(out, &m, m.st == CHUNK_OK ? permuted(&m, x, from) : NULL);
}

const chk_op chk_op_matrix_transpose = {
    .name = "matrix_transpose",
    .summary = "x with its last two axes exchanged",
    .family = "manipulation",
    .params = {OPS_X},
    .build = build_matrix_transpose,
};

/* The axes named by source move to the places named by destination; the others keep their order. */
static chunk_status moved(int *from, const chk_value *source, const chk_value *destination, int ndim, const char *who,
                          chunk_error *err)
{
    int src[CHK_MAX_NDIM], dst[CHK_MAX_NDIM], n_src, n_dst;
    CHK_TRY(axes_list(src, &n_src, source, ndim, who, err));
    CHK_TRY(axes_list(dst, &n_dst, destination, ndim, who, err));
    if (n_src != n_dst) return chk_fail(err, CHUNK_EINVAL, "%s: %d axes cannot move to %d places", who, n_src, n_dst);
    uint32_t moving = 0, taken = 0;
    for (int i = 0; i < n_src; i++) {
        moving |= UINT32_C(1) << src[i];
        taken |= UINT32_C(1) << dst[i];
        from[dst[i]] = src[i];
    }
    for (int place = 0, axis = 0; place < ndim; place++) {
        if (taken >> place & 1) continue;
        while (moving >> axis & 1) axis++;
        from[place] = axis++;
    }
    return CHUNK_OK;
}

static chunk_status build_moveaxis(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int from[CHK_MAX_NDIM];
    if (x) m.st = moved(from, &args[1], &args[2], x->shape.ndim, op->name, err);
    return ops_give(out, &m, m.st == CHUNK_OK ? permuted(&m, x, from) : NULL);
}

const chk_op chk_op_moveaxis = {
    .name = "moveaxis",
    .summary = "x with some axes moved to other places",
    .family = "manipulation",
    .params = {OPS_X, {"source", CHK_PAR_AXIS, NULL, false}, {"destination", CHK_PAR_AXIS, NULL, false}},
    .build = build_moveaxis,
};

static chunk_status build_swapaxes(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int from[CHK_MAX_NDIM], axis[2] = {0, 0};
    for (int i = 0; x && i < 2 && m.st == CHUNK_OK; i++) {
        int64_t a;
        m.st = chk_value_int(&a, &args[1 + i], op->name, i ? "axis2" : "axis1", err);
        if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis[i], a, x->shape.ndim, op->name, err);
    }
    if (m.st == CHUNK_OK) {
        for (int i = 0; i < x->shape.ndim; i++) from[i] = i == axis[0] ? axis[1] : i == axis[1] ? axis[0] : i;
    }
    return ops_give(out, &m, m.st == CHUNK_OK ? permuted(&m, x, from) : NULL);
}

const chk_op chk_op_swapaxes = {
    .name = "swapaxes",
    .summary = "x with two axes exchanged",
    .family = "manipulation",
    .params = {OPS_X, {"axis1", CHK_PAR_INT, NULL, false}, {"axis2", CHK_PAR_INT, NULL, false}},
    .build = build_swapaxes,
};

static chunk_status build_expand_dims(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_value axis = args[1];
    axis.list = NULL; /* NumPy's expand_dims takes lists too, as flip does */
    uint32_t added = 0;
    int n_new = args[1].kind == CHK_VAL_TUPLE ? args[1].u.tuple.n : 1, ndim = x ? x->shape.ndim + n_new : 0;
    if (ops_absent(&args[1]))
        m.st = chk_fail(err, CHUNK_ETYPE, "expand_dims: axis must be an integer or a tuple of them, got None");
    else if (ndim > CHK_MAX_NDIM)
        m.st = chk_fail(err, CHUNK_ESHAPE, "expand_dims: %d dimensions, at most %d are possible", ndim, CHK_MAX_NDIM);
    else if (x)
        m.st = chk_value_axes(&added, &axis, ndim, op->name, err);
    return ops_give(out, &m, ops_with_axes(&m, x, added, ndim));
}

const chk_op chk_op_expand_dims = {
    .name = "expand_dims",
    .summary = "x with new axes of length 1",
    .family = "manipulation",
    .params = {OPS_X, {"axis", CHK_PAR_AXIS, NULL, false}},
    .build = build_expand_dims,
};

/* The view without the axes of `gone`, which have length 1. */
static chunk_status squeezed(chk_view *v, const chk_node *x, uint32_t gone, bool all, chunk_error *err)
{
    *v = (chk_view){.base_ndim = x->shape.ndim};
    for (int a = 0; a < x->shape.ndim; a++) {
        bool drops = gone >> a & 1, single = x->shape.dim[a] == 1;
        if (drops && !single && !all)
            return chk_fail(err, CHUNK_ESHAPE, "squeeze: axis %d has length %lld, not 1", a, (long long)x->shape.dim[a]);
        v->step[a] = 1;
        v->axis[a] = drops && single ? -1 : v->shape.ndim;
        if (v->axis[a] >= 0) v->shape.dim[v->shape.ndim++] = x->shape.dim[a];
    }
    return CHUNK_OK;
}

static chunk_status build_squeeze(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_view v;
    uint32_t gone;
    if (x) m.st = chk_value_axes(&gone, &args[1], x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = squeezed(&v, x, gone, ops_absent(&args[1]), err);
    return ops_give(out, &m, m.st == CHUNK_OK ? ops_view(&m, x, &v) : NULL);
}

const chk_op chk_op_squeeze = {
    .name = "squeeze",
    .summary = "x without axes of length 1; None drops all of them",
    .family = "manipulation",
    .params = {OPS_X, {"axis", CHK_PAR_AXIS, "None", false}},
    .build = build_squeeze,
};

static chunk_status build_flip(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_view v = {.base_ndim = 0};
    uint32_t axes = 0;
    if (x) {
        v = chk_view_identity(&x->shape);
        chk_value axis = args[1];
        axis.list = NULL;
        m.st = chk_value_axes(&axes, &axis, x->shape.ndim, op->name, err);
    }
    for (int a = 0; a < v.base_ndim; a++) {
        if (!(axes >> a & 1) || v.shape.dim[a] < 2) continue;
        v.off[a] = v.shape.dim[a] - 1;
        v.step[a] = -1;
    }
    return ops_give(out, &m, m.st == CHUNK_OK ? ops_view(&m, x, &v) : NULL);
}

const chk_op chk_op_flip = {
    .name = "flip",
    .summary = "x backwards along axes; None is all of them",
    .family = "manipulation",
    .params = {OPS_X, {"axis", CHK_PAR_AXIS, "None", false}},
    .build = build_flip,
};
