/* map.c: elementwise nodes and casts. Constants fold: a map over scalars is a scalar, and a map over one-valued arrays (views of scalars) a
 * view of a scalar. */
#include <string.h>

#include "expr/internal.h"

/* The one value that all elements of n have, or NULL. */
static const chk_scalar *constant_of(const chk_node *n)
{
    if (n->kind == CHK_NODE_VIEW) n = n->in[0];
    return n->kind == CHK_NODE_SCALAR ? &n->u.scalar : NULL;
}

static chunk_status constant_node(chk_node **out, chk_builder *b, const chk_scalar *v, const chk_shape *shape, chunk_error *err)
{
    chk_node *scalar;
    CHK_TRY(chk_node_scalar(&scalar, b, v, false, err));
    chunk_status st = chk_node_broadcast(out, b, scalar, shape, err);
    chk_node_release(scalar);
    return st;
}

static chunk_status join_shapes(chk_shape *out, chk_fn fn, chk_node *const *in, int n_in, chunk_error *err)
{
    *out = in[0]->shape;
    for (int i = 1; i < n_in; i++) {
        chk_shape both;
        if (chk_shape_broadcast(&both, out, &in[i]->shape)) {
            *out = both;
            continue;
        }
        char a[160], c[160];
        return chk_fail(err, CHUNK_ESHAPE, "%s: shapes %s and %s do not fit together", chk_fn_name(fn),
                        chk_shape_text(a, sizeof a, out), chk_shape_text(c, sizeof c, &in[i]->shape));
    }
    return CHUNK_OK;
}

chunk_status chk_node_map(chk_node **out, chk_builder *b, chk_fn fn, chk_dtype compute, chk_node *const *in, int n_in,
                          chunk_error *err)
{
    chk_dtype wide = compute == CHK_F16 ? CHK_F32 : compute;
    if (n_in != chk_fn_n_in(fn))
        return chk_fail(err, CHUNK_EINVAL, "%s: takes %d arrays, %d given", chk_fn_name(fn), chk_fn_n_in(fn), n_in);
    if (!chk_kern_find(fn, wide))
        return chk_fail(err, CHUNK_ETYPE, "%s: not defined for %s", chk_fn_name(fn), chk_dtype_name(compute));
    chk_dtype result = chk_fn_out_dtype(fn, wide);
    if (compute == CHK_F16 && result == CHK_F32) result = CHK_F16;
    chk_node n;
    memset(&n, 0, sizeof n);
    CHK_TRY(join_shapes(&n.shape, fn, in, n_in, err));

    chk_scalar value[3];
    int n_const = 0;
    for (const chk_scalar *v; n_const < n_in && (v = constant_of(in[n_const])); n_const++) value[n_const] = *v;
    if (n_const == n_in) {
        chk_scalar folded;
        CHK_TRY(chk_fold_map(&folded, fn, compute, result, value, n_in, err));
        return constant_node(out, b, &folded, &n.shape, err);
    }
    n.kind = CHK_NODE_MAP;
    n.dtype = result;
    n.u.map.fn = fn;
    n.u.map.compute = compute;
    chk_grid_of_inputs(&n.grid, &n.shape, result, in, n_in);
    n.in = (chk_node **)in;
    n.n_in = n_in;
    return chk_intern(out, b, &n, chk_fn_name(fn), NULL, err);
}

chunk_status chk_node_cast(chk_node **out, chk_builder *b, chk_node *in, chk_dtype to, chunk_error *err)
{
    if (in->dtype == to && !in->weak) {
        *out = chk_node_retain(in);
        return CHUNK_OK;
    }
    if (!chk_kern_cast(in->dtype, to) && in->dtype != to)
        return chk_fail(err, CHUNK_ETYPE, "no cast from %s to %s", chk_dtype_name(in->dtype), chk_dtype_name(to));
    const chk_scalar *v = constant_of(in);
    if (v) {
        chk_scalar folded;
        CHK_TRY(chk_fold_cast(&folded, v, to, err));
        return constant_node(out, b, &folded, &in->shape, err);
    }
    chk_node n;
    memset(&n, 0, sizeof n);
    n.kind = CHK_NODE_MAP;
    n.dtype = to;
    n.shape = in->shape;
    n.grid = in->grid;
    n.u.map.compute = to;
    n.in = &in;
    n.n_in = 1;
    return chk_intern(out, b, &n, "astype", NULL, err);
}
