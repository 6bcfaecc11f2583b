/* reduce.c: reduction nodes. A reduction over no axis (of a zero-dimensional array, or axis=()) becomes one over a new axis of extent 1, so
 * that every reduction that a plan sees has an axis. */
#include <string.h>

#include "expr/internal.h"

static chunk_status with_new_axis(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err)
{
    if (in->shape.ndim == CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "no axis to reduce, and no room for one: %d dimensions", in->shape.ndim);
    chk_view v = chk_view_identity(&in->shape);
    v.shape.dim[v.shape.ndim++] = 1;
    return chk_node_view(out, b, in, &v, err);
}

static chk_dtype red_dtype(chk_red red, const chk_user_op *user, chk_dtype in)
{
    return user ? user->out_dtype : chk_red_out_dtype(red, in);
}

/* in has the dtype to be reduced, and at least one axis is. */
static chunk_status build(chk_node **out, chk_builder *b, chk_red red, const chk_user_op *user, chk_node *in, uint32_t axes,
                          bool keepdims, double param, chunk_error *err)
{
    const char *name = user ? user->name : chk_red_name(red);
    if (!user && !chk_red_find(red, in->dtype))
        return chk_fail(err, CHUNK_ETYPE, "%s: not defined for %s", name, chk_dtype_name(in->dtype));
    chk_node n;
    memset(&n, 0, sizeof n);
    n.kind = CHK_NODE_REDUCE;
    n.dtype = red_dtype(red, user, in->dtype);
    for (int a = 0; a < in->shape.ndim; a++) {
        bool reduced = axes >> a & 1;
        if (!reduced || keepdims) n.shape.dim[n.shape.ndim++] = reduced ? 1 : in->shape.dim[a];
    }
    chk_grid_of_reduce(&n.grid, in, axes, keepdims);
    n.u.red.red = user ? CHK_NRED : red;
    n.u.red.user = user;
    n.u.red.axes = axes;
    n.u.red.keepdims = keepdims;
    n.u.red.param = param;
    n.in = &in;
    n.n_in = 1;
    return chk_intern(out, b, &n, name, NULL, err);
}

chunk_status chk_node_reduce(chk_node **out, chk_builder *b, chk_red red, const chk_user_op *user, chk_node *in, uint32_t axes,
                             bool keepdims, double param, chunk_error *err)
{
    int ndim = in->shape.ndim;
    if (ndim < 32 && axes >> ndim)
        return chk_fail(err, CHUNK_EINDEX, "%s: an axis is out of range for %d dimensions", user ? user->name : chk_red_name(red),
                        ndim);
    chk_dtype want = user ? user->in_dtype[0] : in->dtype == CHK_F16 ? CHK_F32 : in->dtype;
    chk_node *cast, *wide;
    CHK_TRY(chk_node_cast(&cast, b, in, want, err));
    chunk_status st = axes ? (wide = chk_node_retain(cast), CHUNK_OK) : with_new_axis(&wide, b, cast, err);
    chk_node_release(cast);
    if (st != CHUNK_OK) return st;
    /* The new axis is reduced away: keepdims speaks of the array's own axes, which all stay. */
    st = build(out, b, red, user, wide, axes ? axes : UINT32_C(1) << ndim, axes && keepdims, param, err);
    chk_node_release(wide);
    return st;
}
