/* view.c: affine views, composed on the way so that a view never lies on a view; broadcasting. */
#include <string.h>

#include "expr/internal.h"

/* Every index that the view shows must lie inside the base; sums are kept from wrapping. */
static chunk_status check_view(const chk_view *v, const chk_shape *base, chunk_error *err)
{
    if (v->base_ndim != base->ndim)
        return chk_fail(err, CHUNK_EINDEX, "view: made for %d dimensions, the array has %d", v->base_ndim, base->ndim);
    if (v->shape.ndim < 0 || v->shape.ndim > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_ESHAPE, "view: %d dimensions, at most %d are possible", v->shape.ndim, CHK_MAX_NDIM);
    bool empty = false;
    for (int a = 0; a < v->shape.ndim; a++) {
        if (v->shape.dim[a] < 0)
            return chk_fail(err, CHUNK_ESHAPE, "view: axis %d has the negative length %lld", a, (long long)v->shape.dim[a]);
        empty |= v->shape.dim[a] == 0;
    }
    uint32_t used = 0;
    for (int i = 0; i < base->ndim; i++) {
        int a = v->axis[i];
        if (a < -1 || a >= v->shape.ndim || (a >= 0 && used >> a & 1))
            return chk_fail(err, CHUNK_EINDEX, "view: axis %d cannot show axis %d", a, i);
        if (a >= 0) used |= UINT32_C(1) << a;
        if (empty) continue;
        int64_t first = v->off[i], last = first, moved;
        if (a >= 0 &&
            (__builtin_mul_overflow(v->step[i], v->shape.dim[a] - 1, &moved) || __builtin_add_overflow(first, moved, &last)))
            last = -1;
        if (first < 0 || last < 0 || first >= base->dim[i] || last >= base->dim[i])
            return chk_fail(err, CHUNK_EINDEX, "view: leaves axis %d of %lld elements", i, (long long)base->dim[i]);
    }
    return CHUNK_OK;
}

chunk_status chk_node_view(chk_node **out, chk_builder *b, chk_node *in, const chk_view *view, chunk_error *err)
{
    CHK_TRY(check_view(view, &in->shape, err));
    chk_node n;
    memset(&n, 0, sizeof n);
    n.kind = CHK_NODE_VIEW;
    n.dtype = in->dtype;
    n.shape = view->shape;
    chk_node *base = in;
    if (in->kind == CHK_NODE_VIEW) {
        base = in->in[0];
        n.u.view = chk_view_compose(view, &in->u.view);
    } else {
        n.u.view = *view;
    }
    if (chk_view_is_identity(&n.u.view, &base->shape)) {
        *out = chk_node_retain(base);
        return CHUNK_OK;
    }
    chk_grid_of_view(&n.grid, &n.u.view, base);
    n.in = &base;
    n.n_in = 1;
    return chk_intern(out, b, &n, "view", NULL, err);
}

chunk_status chk_node_broadcast(chk_node **out, chk_builder *b, chk_node *in, const chk_shape *to, chunk_error *err)
{
    chk_shape both;
    if (!chk_shape_broadcast(&both, &in->shape, to) || !chk_shape_equal(&both, to)) {
        char from[160], want[160];
        return chk_fail(err, CHUNK_ESHAPE, "broadcast_to: shape %s does not broadcast to %s",
                        chk_shape_text(from, sizeof from, &in->shape), chk_shape_text(want, sizeof want, to));
    }
    chk_view v = chk_view_broadcast(&in->shape, to);
    return chk_node_view(out, b, in, &v, err);
}
