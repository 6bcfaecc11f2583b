/* contract.c: sums of products of arrays whose axes have names: one matrix product, or, where one side has no axis of its own, a sum that the engine
 * fuses with the multiplication. */
#include "ops/product.h"

#include <string.h>

extern const chk_op chk_op_reshape;

chk_node *ops_reshaped(ops_maker *m, chk_node *x, const chk_shape *shape)
{
    chk_node *made = NULL;
    if (!x || m->st != CHUNK_OK || chk_shape_equal(&x->shape, shape)) return m->st == CHUNK_OK ? x : NULL;
    return ops_own(m, chk_op_reshape.make(&made, m->b, &chk_op_reshape, &x, 1, shape->dim, shape->ndim, m->err), &made);
}

chk_node *ops_total(ops_maker *m, chk_node *x, uint32_t axes)
{
    chk_node *made = NULL;
    if (!x || m->st != CHUNK_OK || axes == 0) return m->st == CHUNK_OK ? x : NULL;
    chk_red red = x->dtype == CHK_BOOL ? CHK_RED_ANY : CHK_RED_SUM;
    return ops_cast(m, ops_own(m, chk_node_reduce(&made, m->b, red, NULL, x, axes, false, 0, m->err), &made), x->dtype);
}

static int place_of(const ops_labelled *x, int label)
{
    for (int a = 0; a < x->node->shape.ndim; a++)
        if (x->label[a] == label) return a;
    return -1;
}

chk_node *ops_arranged(ops_maker *m, const ops_labelled *x, const int *label, int n)
{
    if (!x->node) return NULL;
    chk_view v = {.shape = {.ndim = n}, .base_ndim = x->node->shape.ndim};
    for (int a = 0; a < n; a++) {
        int from = place_of(x, label[a]);
        v.shape.dim[a] = from < 0 ? 1 : x->node->shape.dim[from];
        if (from < 0) continue;
        v.axis[from] = a;
        v.step[from] = 1;
    }
    return ops_view(m, x->node, &v);
}

ops_labelled ops_summed(ops_maker *m, const ops_labelled *x, const bool *kept)
{
    ops_labelled out = {.node = x->node};
    uint32_t axes = 0;
    for (int a = 0, n = 0; x->node && a < x->node->shape.ndim; a++) {
        if (kept[x->label[a]])
            out.label[n++] = x->label[a];
        else
            axes |= UINT32_C(1) << a;
    }
    out.node = x->node ? ops_total(m, x->node, axes) : NULL;
    return out;
}

/* Labels of x, those that y has as well or not, kept or not; appended to list. */
static int labels_of(int *list, int n, const ops_labelled *x, const ops_labelled *y, bool shared, bool is_kept, const bool *kept)
{
    for (int a = 0; a < x->node->shape.ndim; a++)
        if ((place_of(y, x->label[a]) >= 0) == shared && kept[x->label[a]] == is_kept) list[n++] = x->label[a];
    return n;
}

/* As a matrix: first the batch, then `rows` labels as one axis, then `columns` as one. Read in the order that x has. */
static chk_node *as_matrix(ops_maker *m, const ops_labelled *x, const int *batch, int n_batch, const int *rows, int n_rows,
                           const int *columns, int n_columns)
{
    int list[CHK_MAX_NDIM], first_row = place_of(x, rows[0]), first_column = place_of(x, columns[0]);
    bool turned = first_column < first_row;
    const int *outer = turned ? columns : rows, *inner = turned ? rows : columns;
    int n_outer = turned ? n_columns : n_rows, n_inner = turned ? n_rows : n_columns;
    memcpy(list, batch, (size_t)n_batch * sizeof *list);
    memcpy(list + n_batch, outer, (size_t)n_outer * sizeof *list);
    memcpy(list + n_batch + n_outer, inner, (size_t)n_inner * sizeof *list);
    chk_node *all = ops_arranged(m, x, list, n_batch + n_outer + n_inner);
    if (!all) return NULL;
    chk_shape shape = {.ndim = n_batch + 2};
    memcpy(shape.dim, all->shape.dim, (size_t)n_batch * sizeof *shape.dim);
    shape.dim[n_batch] = shape.dim[n_batch + 1] = 1;
    for (int a = n_batch; a < all->shape.ndim; a++) shape.dim[n_batch + (a >= n_batch + n_outer)] *= all->shape.dim[a];
    chk_node *matrix = ops_reshaped(m, all, &shape);
    return turned ? ops_swapped(m, matrix) : matrix;
}

static chk_node *by_matmul(ops_maker *m, const ops_labelled *x, const ops_labelled *y, const int *list, int n_batch, int n_x,
                           int n_y, const int *summed, int n_summed, const char *who)
{
    chk_node *a = as_matrix(m, x, list, n_batch, list + n_batch, n_x, summed, n_summed);
    chk_node *b = as_matrix(m, y, list, n_batch, summed, n_summed, list + n_batch + n_x, n_y);
    chk_node *p = ops_matmul(m, a, b, who);
    if (!p) return NULL;
    chk_shape shape = {.ndim = n_batch + n_x + n_y};
    for (int i = 0; i < shape.ndim; i++) {
        const ops_labelled *from = place_of(x, list[i]) >= 0 ? x : y;
        shape.dim[i] = from->node->shape.dim[place_of(from, list[i])];
    }
    return ops_reshaped(m, p, &shape);
}

ops_labelled ops_contract(ops_maker *m, const ops_labelled *x, const ops_labelled *y, const bool *kept, chk_dtype d,
                          const char *who)
{
    bool needed[OPS_LABELS];
    ops_labelled in[2] = {*x, *y}, out = {NULL};
    for (int f = 0; f < 2; f++) { /* what only one side has and nobody wants is summed first */
        const ops_labelled *other = f == 0 ? y : x;
        if (!in[f].node || !other->node) return out;
        memcpy(needed, kept, sizeof needed);
        for (int a = 0; a < other->node->shape.ndim; a++) needed[other->label[a]] = true;
        in[f].node = ops_cast(m, in[f].node, d);
        in[f] = ops_summed(m, &in[f], needed);
    }
    if (!in[0].node || !in[1].node) return out;
    x = &in[0];
    y = &in[1];
    int summed[CHK_MAX_NDIM], n_summed = labels_of(summed, 0, x, y, true, false, kept), list[2 * CHK_MAX_NDIM];
    int n_batch = labels_of(list, 0, x, y, true, true, kept), n_x = labels_of(list, n_batch, x, y, false, true, kept) - n_batch;
    int n_y = labels_of(list, n_batch + n_x, y, x, false, true, kept) - n_batch - n_x, n = n_batch + n_x + n_y;
    if (n + n_summed > CHK_MAX_NDIM) {
        m->st = chk_fail(m->err, CHUNK_EUNSUPPORTED, "%s: %d axes, at most %d are possible", who, n + n_summed, CHK_MAX_NDIM);
        return out;
    }
    memcpy(out.label, list, (size_t)(n < CHK_MAX_NDIM ? n : CHK_MAX_NDIM) * sizeof *list);
    if (n_summed && n_x && n_y) {
        out.node = by_matmul(m, x, y, list, n_batch, n_x, n_y, summed, n_summed, who);
        return out;
    }
    /* One side's axes are among the other's: theirs is the order. */
    ops_labelled all = {NULL};
    if (n_summed) {
        const ops_labelled *larger = n_x ? x : y;
        n = larger->node->shape.ndim;
        memcpy(list, larger->label, (size_t)n * sizeof *list);
    }
    memcpy(all.label, list, (size_t)n * sizeof *list);
    chk_node *a = ops_arranged(m, x, list, n), *b = ops_arranged(m, y, list, n);
    all.node = a && b ? ops_apply(m, CHK_FN_MUL, d, a, b, NULL) : NULL;
    return ops_summed(m, &all, kept);
}
