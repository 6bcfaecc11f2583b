/* grid.c: where arrays are cut. The rule: an array takes the chunks of the first operand with the most elements along each axis where that
 * operand has the result's extent; along other axes those of the first operand that has. Operands that are read come before constants,
 * whose chunks nobody stored. Grids depend on shapes and stored chunks alone, so that results do too. */
#include <string.h>

#include "expr/internal.h"

enum { FIXED_BYTES = 1 << 20, MANY_ELEMENTS = 65536 };

void chk_grid_fixed(chk_grid *out, const chk_shape *shape, chk_dtype d)
{
    int64_t chunk[CHK_MAX_NDIM];
    chk_grid_default_chunks(chunk, shape, chk_dtype_size(d), FIXED_BYTES);
    *out = chk_grid_regular(shape, chunk);
}

/* The grid of axis `axis` of a result as input n has it, or NULL where it is broadcast. */
static const chk_axis_grid *axis_of(const chk_node *n, const chk_shape *shape, int axis)
{
    int a = axis - (shape->ndim - n->shape.ndim);
    return a >= 0 && n->shape.dim[a] == shape->dim[axis] ? &n->grid.axis[a] : NULL;
}

void chk_grid_of_inputs(chk_grid *out, const chk_shape *shape, chk_dtype d, chk_node *const *in, int n_in)
{
    int best = -1;
    int64_t most = 0;
    for (int stored = 1; stored >= 0 && best < 0; stored--) {
        for (int i = 0; i < n_in; i++) {
            int64_t count = chk_shape_count(&in[i]->shape);
            if (in[i]->shape.ndim == 0 || chk_node_stored(in[i]) != (bool)stored || (best >= 0 && count <= most)) continue;
            best = i;
            most = count;
        }
    }
    if (best < 0) {
        chk_grid_fixed(out, shape, d);
        return;
    }
    out->ndim = shape->ndim;
    for (int a = 0; a < shape->ndim; a++) {
        const chk_axis_grid *g = axis_of(in[best], shape, a);
        for (int stored = 1; stored >= 0 && !g; stored--)
            for (int i = 0; i < n_in && !g; i++)
                if (chk_node_stored(in[i]) == (bool)stored) g = axis_of(in[i], shape, a);
        out->axis[a] = g ? *g : chk_axis_regular(shape->dim[a], shape->dim[a] ? shape->dim[a] : 1);
    }
}

void chk_grid_of_view(chk_grid *out, const chk_view *v, const chk_node *base)
{
    if (base->shape.ndim == 0 && !chk_node_stored(base)) {
        chk_grid_fixed(out, &v->shape, base->dtype);
        return;
    }
    bool seen[CHK_MAX_NDIM] = {false};
    int64_t elements = 1;
    out->ndim = v->shape.ndim;
    for (int i = 0; i < v->base_ndim; i++) {
        int a = v->axis[i];
        if (a < 0 || seen[a]) continue;
        const chk_axis_grid *g = &base->grid.axis[i];
        int64_t n = v->shape.dim[a];
        bool whole = v->off[i] == 0 && v->step[i] == 1 && n == g->extent;
        if (whole)
            out->axis[a] = *g;
        else if (n == 0)
            out->axis[a] = chk_axis_regular(0, 1);
        else if (!g->bounds)
            out->axis[a] = chk_axis_slice(g, v->off[i], v->step[i], n);
        else
            out->axis[a] = chk_axis_regular(n, chk_axis_max_chunk(g)); /* parts of a list of bounds are cut evenly */
        seen[a] = true;
        int64_t most = chk_axis_max_chunk(&out->axis[a]);
        if (most > 0 && elements < INT64_MAX / most) elements *= most;
    }
    /* Broadcast axes: a chunk must not grow far beyond the chunks under it. */
    int64_t room = elements >= MANY_ELEMENTS ? 1 : FIXED_BYTES / (int64_t)chk_dtype_size(base->dtype) / elements;
    for (int a = v->shape.ndim - 1; a >= 0; a--) {
        if (seen[a]) continue;
        int64_t n = v->shape.dim[a], chunk = n < room ? n : room;
        out->axis[a] = chk_axis_regular(n, chunk > 0 ? chunk : 1);
        if (chunk > 0) room /= chunk;
    }
}

void chk_grid_of_reduce(chk_grid *out, const chk_node *in, uint32_t axes, bool keepdims)
{
    out->ndim = 0;
    for (int a = 0; a < in->shape.ndim; a++) {
        if (!(axes >> a & 1))
            out->axis[out->ndim++] = in->grid.axis[a];
        else if (keepdims)
            out->axis[out->ndim++] = chk_axis_regular(1, 1);
    }
}
