/* node.c: constructors of leaves and of the plain nodes: sources, constants, iota, kept results, the caller's kernels, own passes. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/internal.h"

/* Built fresh in place: a draft is large, so constructors keep one each and no copies. */
static void start(chk_node *n, chk_node_kind kind, chk_dtype dtype)
{
    memset(n, 0, sizeof *n);
    n->kind = kind;
    n->dtype = dtype;
}

chunk_status chk_node_source(chk_node **out, chk_builder *b, chk_source *s, const char *name, chunk_error *err)
{
    chk_node n;
    start(&n, CHK_NODE_SOURCE, s->dtype);
    n.shape = s->shape;
    n.grid = s->grid;
    n.u.source = s;
    const char *full = name && name[0] ? name : s->name;
    return chk_intern(out, b, &n, full, full, err);
}

/* NaNs have one form, so that constants that print the same are the same. */
static void settle_nan(chk_scalar *v)
{
    switch (v->dtype) {
    case CHK_F16:
        if ((v->v.u16 & 0x7fff) > 0x7c00) v->v.u16 = 0x7e00;
        break;
    case CHK_F32:
    case CHK_C64:
        for (int i = 0; i < (v->dtype == CHK_C64 ? 2 : 1); i++)
            if (isnan(v->v.c64[i])) v->v.c64[i] = NAN;
        break;
    case CHK_F64:
    case CHK_C128:
        for (int i = 0; i < (v->dtype == CHK_C128 ? 2 : 1); i++)
            if (isnan(v->v.c128[i])) v->v.c128[i] = NAN;
        break;
    default: break;
    }
}

chunk_status chk_node_scalar(chk_node **out, chk_builder *b, const chk_scalar *v, bool weak, chunk_error *err)
{
    chk_node n;
    start(&n, CHK_NODE_SCALAR, v->dtype);
    memcpy(n.u.scalar.v.bytes, v->v.bytes, chk_dtype_size(v->dtype));
    n.u.scalar.dtype = v->dtype;
    n.weak = weak;
    settle_nan(&n.u.scalar);
    return chk_intern(out, b, &n, "constant", NULL, err);
}

chunk_status chk_node_int(chk_node **out, chk_builder *b, int64_t v, chunk_error *err)
{
    return chk_node_scalar(out, b, &(chk_scalar){.dtype = CHK_I64, .v.i64 = v}, true, err);
}

chunk_status chk_node_float(chk_node **out, chk_builder *b, double v, chunk_error *err)
{
    return chk_node_scalar(out, b, &(chk_scalar){.dtype = CHK_F64, .v.f64 = v}, true, err);
}

chunk_status chk_node_iota(chk_node **out, chk_builder *b, int64_t count, chunk_error *err)
{
    if (count < 0) return chk_fail(err, CHUNK_ESHAPE, "negative length %lld", (long long)count);
    chk_node n;
    start(&n, CHK_NODE_IOTA, CHK_I64);
    n.shape = (chk_shape){.ndim = 1, .dim = {count}};
    chk_grid_fixed(&n.grid, &n.shape, n.dtype);
    return chk_intern(out, b, &n, "iota", NULL, err);
}

static chunk_status keep(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err)
{
    chk_node n;
    start(&n, CHK_NODE_KEEP, in->dtype);
    n.shape = in->shape;
    n.grid = in->grid;
    n.in = &in;
    n.n_in = 1;
    return chk_intern(out, b, &n, in->name, NULL, err);
}

/* Passes of their own leave it where others read it. */
static bool is_made_apart(const chk_node *n)
{
    return n->kind == CHK_NODE_REDUCE || (n->kind == CHK_NODE_CUSTOM && chk_op_lowers(n->u.custom.op, n));
}

chunk_status chk_node_keep(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err)
{
    bool there = in->kind == CHK_NODE_KEEP || in->kind == CHK_NODE_SOURCE || in->kind == CHK_NODE_SCALAR;
    if (!there && !is_made_apart(in)) return keep(out, b, in, err);
    *out = chk_node_retain(in);
    return CHUNK_OK;
}

/* A result that is stored itself goes right to its place. */
chunk_status chk_node_keep_copy(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err)
{
    if (in->kind == CHK_NODE_SOURCE || is_made_apart(in)) return keep(out, b, in, err);
    return chk_node_keep(out, b, in, err);
}

chunk_status chk_node_keep_decoded(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err)
{
    if (chk_node_decodes(in)) return keep(out, b, in, err);
    *out = chk_node_retain(in);
    return CHUNK_OK;
}

chunk_status chk_node_user(chk_node **out, chk_builder *b, const chk_user_op *op, chk_node *const *in, int n_in, chunk_error *err)
{
    if (n_in != op->n_in) return chk_fail(err, CHUNK_EINVAL, "%s: takes %d arrays, %d given", op->name, op->n_in, n_in);
    chk_node n;
    start(&n, CHK_NODE_USER, op->out_dtype);
    for (int i = 0; i < n_in; i++) {
        char had[160], got[160];
        chk_shape_text(had, sizeof had, &n.shape);
        if (!chk_shape_broadcast(&n.shape, &n.shape, &in[i]->shape))
            return chk_fail(err, CHUNK_ESHAPE, "%s: shapes %s and %s do not fit together", op->name, had,
                            chk_shape_text(got, sizeof got, &in[i]->shape));
    }
    chk_grid_of_inputs(&n.grid, &n.shape, n.dtype, in, n_in);
    n.in = (chk_node **)in;
    n.n_in = n_in;
    n.u.user = op;
    return chk_intern(out, b, &n, op->name, NULL, err);
}

chunk_status chk_node_custom(chk_node **out, chk_builder *b, const chk_op *op, const int64_t *attr, int n_attr, chk_dtype dtype,
                             const chk_shape *shape, const chk_grid *grid, chk_node *const *in, int n_in, chunk_error *err)
{
    chk_node n;
    start(&n, CHK_NODE_CUSTOM, dtype);
    if (shape->ndim > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "%s: %d dimensions, at most %d are possible", op->name, shape->ndim, CHK_MAX_NDIM);
    n.shape = *shape;
    if (grid)
        n.grid = *grid;
    else
        chk_grid_of_inputs(&n.grid, &n.shape, dtype, in, n_in);
    n.in = (chk_node **)in;
    n.n_in = n_in;
    n.u.custom.op = op;
    n.u.custom.attr = (int64_t *)attr;
    n.u.custom.n_attr = n_attr;
    return chk_intern(out, b, &n, op->name, NULL, err);
}

chk_axis_grid chk_node_axis_like(int64_t extent, const chk_node *like, int like_axis)
{
    const chk_axis_grid *g = &like->grid.axis[like_axis];
    if (g->extent == extent) return *g;
    int64_t chunk = chk_axis_max_chunk(g);
    return chk_axis_regular(extent, chunk > 0 ? chunk : extent > 0 ? extent : 1);
}

void chk_node_grid_fixed(chk_grid *out, const chk_shape *shape, chk_dtype d) { chk_grid_fixed(out, shape, d); }
