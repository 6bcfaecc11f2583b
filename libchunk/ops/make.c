/* make.c: the maker of nodes. */
#include "ops/make.h"
#include "ops/reshape.h"

chk_node *ops_own(ops_maker *m, chunk_status st, chk_node *const *made)
{
    if (st != CHUNK_OK) {
        m->st = st;
        return NULL;
    }
    if (m->n == (int)(sizeof m->node / sizeof *m->node)) {
        chk_node_release(*made);
        m->st = chk_fail(m->err, CHUNK_ESTATE, "internal: an operation is made of more than %d nodes", m->n);
        return NULL;
    }
    return m->node[m->n++] = *made;
}

chk_node *ops_value(ops_maker *m, const chk_value *v, const char *who)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, chk_value_node(&made, m->b, v, who, m->err), &made);
}

chk_node *ops_array(ops_maker *m, const chk_value *v, const char *who)
{
    static const char *const no_names[1];
    chk_node *made = NULL;
    if (m->st != CHUNK_OK || v->kind != CHK_VAL_TUPLE) return ops_value(m, v, who);
    return ops_own(m, chk_op_call(&made, m->b, chk_builder_find(m->b, "array", 5), v, no_names, 1, m->err), &made);
}

chk_node *ops_apply(ops_maker *m, chk_fn fn, chk_dtype d, chk_node *x, chk_node *y, chk_node *z)
{
    chk_node *made = NULL, *in[3] = {x, y, z};
    return m->st != CHUNK_OK ? NULL : ops_own(m, ops_map(&made, m->b, fn, d, in, z ? 3 : y ? 2 : 1, m->err), &made);
}

chk_node *ops_cast(ops_maker *m, chk_node *x, chk_dtype d)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, chk_node_cast(&made, m->b, x, d, m->err), &made);
}

chk_node *ops_from_parts(ops_maker *m, chk_dtype d, chk_node *re, chk_node *im)
{
    return ops_apply(m, CHK_FN_PARTS, d, re, im, NULL);
}

chk_node *ops_number(ops_maker *m, chk_dtype d, double v)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, ops_real(&made, m->b, d, v, m->err), &made);
}

chk_node *ops_whole(ops_maker *m, chk_dtype d, int64_t v)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, ops_int(&made, m->b, d, v, m->err), &made);
}

chk_node *ops_iota(ops_maker *m, int64_t n)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, chk_node_iota(&made, m->b, n, m->err), &made);
}

chk_node *ops_view(ops_maker *m, chk_node *x, const chk_view *v)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, chk_node_view(&made, m->b, x, v, m->err), &made);
}

chk_node *ops_slice(ops_maker *m, chk_node *x, int axis, int64_t start, int64_t step, int64_t n)
{
    if (m->st != CHUNK_OK) return NULL;
    chk_view v = chk_view_identity(&x->shape);
    v.shape.dim[axis] = n;
    v.off[axis] = n ? start : 0;
    v.step[axis] = n ? step : 1;
    return ops_view(m, x, &v);
}

chk_node *ops_with_axes(ops_maker *m, chk_node *x, uint32_t added, int ndim)
{
    if (m->st != CHUNK_OK) return NULL;
    if (ndim > CHK_MAX_NDIM) {
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%d dimensions, at most %d are possible", ndim, CHK_MAX_NDIM);
        return NULL;
    }
    chk_view v = chk_view_identity(&x->shape);
    v.shape.ndim = ndim;
    for (int a = 0, base = 0; a < ndim; a++) {
        bool is_new = added >> a & 1;
        v.shape.dim[a] = is_new ? 1 : x->shape.dim[base];
        if (!is_new) v.axis[base++] = a;
    }
    return ops_view(m, x, &v);
}

chk_node *ops_spread(ops_maker *m, chk_node *x, const chk_shape *shape)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, chk_node_broadcast(&made, m->b, x, shape, m->err), &made);
}

chk_node *ops_flat(ops_maker *m, chk_node *x)
{
    chk_node *made = NULL;
    if (m->st != CHUNK_OK) return NULL;
    chk_shape flat = {.ndim = 1, .dim = {chk_shape_count(&x->shape)}};
    return ops_own(m, ops_reshape(&made, m->b, x, &flat, m->err), &made);
}

chk_node *ops_along(ops_maker *m, int *axis, chk_node *x, const chk_value *v, const char *who)
{
    int64_t want = 0;
    *axis = 0;
    if (m->st != CHUNK_OK || ops_absent(v)) return ops_flat(m, x);
    m->st = chk_value_int(&want, v, who, "axis", m->err);
    if (m->st == CHUNK_OK) m->st = chk_axis_normal(axis, want, x->shape.ndim, who, m->err);
    return m->st == CHUNK_OK ? x : NULL;
}

chunk_status ops_give(chk_node **out, ops_maker *m, chk_node *x)
{
    if (m->st == CHUNK_OK) *out = chk_node_retain(x);
    while (m->n > 0) chk_node_release(m->node[--m->n]);
    return m->st;
}
