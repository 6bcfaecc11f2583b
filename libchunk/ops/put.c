/* put.c: x with other values at index arrays, which are looked through for each block; the last of equal places wins. put's own flat indices become one index
 * array an axis. */
#include <string.h>

#include "ops/gather.h"
#include "ops/make.h"

/* Parameters as for gather, and one more where the index arrays are parts of flat indices; inputs x, the index arrays, and the values in the shape of x at
 * those indices. */

enum { PLACES = 16 << 10 }; /* index tuples that are looked at together */

typedef struct places {
    int n_idx, place, nb;
    bool flat;
    int axis[CHK_MAX_NDIM], out_axis[CHK_MAX_NDIM];
} places;

static void describe(places *g, const chk_node *n)
{
    const int64_t *attr = n->u.custom.attr;
    *g = (places){.n_idx = n->n_in - 2, .place = (int)attr[0], .nb = n->in[1]->shape.ndim};
    g->flat = n->u.custom.n_attr > 1 + g->n_idx;
    for (int i = 0; i < g->n_idx; i++) g->axis[i] = (int)attr[1 + i];
    for (int a = 0, k = 0, at = 0; a < n->shape.ndim; a++) {
        bool indexed = k < g->n_idx && g->axis[k] == a;
        if (!indexed && at == g->place) at += g->nb;
        g->out_axis[a] = indexed ? -1 : at++;
        k += indexed;
    }
}

/* The index arrays are walked in boxes of the last axes that hold at most PLACES. */
static int64_t walk_extent(const chk_shape *s, int64_t *extent)
{
    int64_t n = 1;
    for (int a = s->ndim - 1; a >= 0; a--) {
        extent[a] = s->dim[a] <= PLACES / n ? s->dim[a] : PLACES / n;
        if (extent[a] < 1) extent[a] = 1;
        n *= extent[a];
    }
    return n;
}

static void places_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    places g;
    describe(&g, n);
    if (input == 0) {
        memcpy(in_extent, extent, (size_t)n->shape.ndim * sizeof *extent);
    } else if (input <= g.n_idx) {
        walk_extent(&n->in[1]->shape, in_extent);
    } else {
        for (int b = 0; b < g.nb; b++) in_extent[g.place + b] = 1;
        for (int a = 0; a < n->shape.ndim; a++)
            if (g.out_axis[a] >= 0) in_extent[g.out_axis[a]] = extent[a];
    }
}

static size_t places_scratch(const chk_node *n, const int64_t *extent)
{
    int64_t walk[CHK_MAX_NDIM];
    (void)extent;
    return (size_t)(n->n_in - 2) * (size_t)walk_extent(&n->in[1]->shape, walk) * sizeof(int64_t) + 64;
}

/* Names the flat index that fell apart into this tuple. */
static chunk_status no_such_flat(const chk_shape *shape, const int64_t *idx, int64_t stride, int64_t i, chunk_error *err)
{
    int64_t size = chk_shape_count(shape), v = 0;
    for (int a = 0; a < shape->ndim; a++) v = v * (shape->dim[a] ? shape->dim[a] : 1) + idx[a * stride + i];
    return chk_fail(err, CHUNK_EINDEX, "index %lld is out of bounds for axis 0 with size %lld", (long long)(v < 0 ? v - size : v),
                    (long long)size);
}

/* Where one tuple's values go in the block; false where it lies outside. */
static bool inside(const places *g, const chk_local_call *c, const int64_t *idx, int64_t stride, int64_t i, int64_t *tuple,
                   chunk_status *st, chunk_error *err)
{
    bool in = true;
    for (int k = 0; k < g->n_idx; k++) {
        int64_t n = c->node->shape.dim[g->axis[k]], v = idx[k * stride + i];
        if (g->flat && (v < 0 || v >= n))
            *st = no_such_flat(&c->node->shape, idx, stride, i, err);
        else if (v < -n || v >= n)
            *st = chk_fail(err, CHUNK_EINDEX, "index %lld is out of bounds for axis %d with size %lld", (long long)v, g->axis[k],
                           (long long)n);
        tuple[k] = v < 0 ? v + n : v;
        in &= tuple[k] >= c->box->lo[g->axis[k]] && tuple[k] < c->box->hi[g->axis[k]];
    }
    return in && *st == CHUNK_OK;
}

static chunk_status put_one(const places *g, const chk_local_call *c, const chk_box *walk, int64_t i, const int64_t *tuple,
                            chunk_error *err)
{
    int ndim = c->box->ndim, vdim = c->node->in[g->n_idx + 1]->shape.ndim;
    int64_t stride[CHK_MAX_NDIM] = {0}, next = (int64_t)chk_dtype_size(c->node->dtype);
    chk_box from = {.ndim = vdim};
    char *to = c->out;
    for (int b = g->nb - 1; b >= 0; b--) {
        int64_t e = chk_box_extent(walk, b);
        from.lo[g->place + b] = walk->lo[b] + i % e;
        from.hi[g->place + b] = from.lo[g->place + b] + 1;
        stride[g->place + b] = next; /* of extent 1: never used */
        i /= e;
    }
    for (int a = ndim - 1, k = g->n_idx - 1; a >= 0; a--) {
        if (g->out_axis[a] < 0) {
            to += (tuple[k--] - c->box->lo[a]) * next;
        } else {
            from.lo[g->out_axis[a]] = c->box->lo[a];
            from.hi[g->out_axis[a]] = c->box->hi[a];
            stride[g->out_axis[a]] = next;
        }
        next *= chk_box_extent(c->box, a);
    }
    return chk_local_read(c, g->n_idx + 1, &from, to, stride, err);
}

static chunk_status places_run(const chk_local_call *c, chunk_error *err)
{
    places g;
    describe(&g, c->node);
    const chk_shape *s = &c->node->in[1]->shape;
    int64_t extent[CHK_MAX_NDIM], tuple[CHK_MAX_NDIM], *idx = c->scratch, most = walk_extent(s, extent);
    CHK_TRY(chk_local_read(c, 0, c->box, c->out, NULL, err));
    if (chk_shape_count(s) == 0) return CHUNK_OK;
    chk_box walk = {.ndim = s->ndim};
    for (int a = 0; a < s->ndim; a++) walk.hi[a] = extent[a] < s->dim[a] ? extent[a] : s->dim[a];
    for (;;) {
        int64_t n = chk_box_count(&walk);
        for (int k = 0; k < g.n_idx; k++) CHK_TRY(chk_local_read(c, 1 + k, &walk, idx + k * most, NULL, err));
        chunk_status st = CHUNK_OK;
        for (int64_t i = 0; i < n && st == CHUNK_OK; i++)
            if (inside(&g, c, idx, most, i, tuple, &st, err)) st = put_one(&g, c, &walk, i, tuple, err);
        if (st != CHUNK_OK) return st;
        int a = s->ndim - 1;
        for (; a >= 0; a--) {
            walk.lo[a] = walk.hi[a];
            if (walk.lo[a] >= s->dim[a]) walk.lo[a] = 0;
            walk.hi[a] = walk.lo[a] + extent[a] < s->dim[a] ? walk.lo[a] + extent[a] : s->dim[a];
            if (walk.lo[a]) break;
        }
        if (a < 0) return CHUNK_OK;
    }
}

/* Flat indices are looked at whole, as they were before they fell apart; the rest is as for gather. */
static chunk_status look_at_places(chk_builder *b, const chk_node *n, chunk_error *err)
{
    places g;
    describe(&g, n);
    if (!g.flat) return ops_look_at_indices(b, n, err);
    if (!chk_node_reads_files(n->in[1]) || chk_shape_count(&n->in[1]->shape) == 0 || chk_builder_assumes(b)) return CHUNK_OK;
    ops_maker m = ops_make(b, err);
    chk_node *i = n->in[1];
    int64_t size = chk_shape_count(&n->shape), ends[2];
    for (int a = 1; a < n->shape.ndim; a++) {
        chk_node *stride = ops_whole(&m, CHK_I64, n->shape.dim[a] ? n->shape.dim[a] : 1);
        i = ops_apply(&m, CHK_FN_ADD, CHK_I64, ops_apply(&m, CHK_FN_MUL, CHK_I64, i, stride, NULL), n->in[1 + a], NULL);
    }
    if (m.st == CHUNK_OK) m.st = ops_least_and_greatest(ends, b, i, err);
    for (int e = 0; e < 2 && m.st == CHUNK_OK; e++)
        if (ends[e] < 0 || ends[e] >= size)
            m.st = chk_fail(err, CHUNK_EINDEX, "index %lld is out of bounds for axis 0 with size %lld",
                            (long long)(ends[e] < 0 ? ends[e] - size : ends[e]), (long long)size);
    chk_node *none;
    chunk_status st = m.st;
    if (ops_give(&none, &m, i) == CHUNK_OK) chk_node_release(none);
    return st;
}

static const chk_local places_local = {.reads = places_reads, .scratch = places_scratch, .run = places_run, .ns = 5};

static chunk_status make_places(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    /* The shape of the values is that of x at the indices: let gather check and say it. */
    chk_node *at;
    bool flat = n_in > 2 && n_attr == n_in && n_in == in[0]->shape.ndim + 2;
    if (n_in < 3) return chk_fail(err, CHUNK_EINVAL, "%s: not the parameters of an assignment", op->name);
    CHK_TRY(ops_make_gather(&at, b, chk_builder_find(b, "index", 5), in, n_in - 1, attr, flat ? n_attr - 1 : n_attr, err));
    bool fits = chk_shape_equal(&at->shape, &in[n_in - 1]->shape) && in[n_in - 1]->dtype == in[0]->dtype;
    chk_node_release(at);
    if (!fits) return chk_fail(err, CHUNK_EINVAL, "%s: the values do not have the shape of the places", op->name);
    return chk_node_custom(out, b, op, attr, n_attr, in[0]->dtype, &in[0]->shape, &in[0]->grid, in, n_in, err);
}

static chunk_status build_put(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *i = ops_array(&m, &args[1], op->name), *v = ops_array(&m, &args[2], op->name),
             *made = NULL;
    chk_node *in[CHK_MAX_NDIM + 2];
    int64_t attr[CHK_MAX_NDIM + 2] = {0}, stride = 1;
    if (!x || !i || !v) return ops_give(out, &m, NULL);
    if (chk_dtype_kind(i->dtype) != CHK_KIND_INT && chk_dtype_kind(i->dtype) != CHK_KIND_UINT)
        m.st = chk_fail(err, CHUNK_EINDEX, "put: indices must be integers, not %s", chk_dtype_name(i->dtype));
    bool single = x->shape.ndim == 0;
    if (single && m.st == CHUNK_OK && !(x = ops_flat(&m, x))) return ops_give(out, &m, NULL);
    i = ops_cast(&m, i, CHK_I64);
    int64_t size = chk_shape_count(&x->shape);
    if (i) m.st = ops_check_indices(b, i, size, 0, err);
    if (m.st == CHUNK_OK && x->shape.ndim > 1) { /* of one axis negative indices are gather's business */
        chk_node *low = ops_apply(&m, CHK_FN_LT, CHK_I64, i, ops_whole(&m, CHK_I64, 0), NULL);
        i = ops_apply(&m, CHK_FN_WHERE, CHK_I64, low, ops_apply(&m, CHK_FN_ADD, CHK_I64, i, ops_whole(&m, CHK_I64, size), NULL), i);
    }
    for (int a = x->shape.ndim - 1; a >= 0 && m.st == CHUNK_OK; a--) {
        int64_t n = x->shape.dim[a] ? x->shape.dim[a] : 1;
        in[1 + a] = stride == 1 ? i : ops_apply(&m, CHK_FN_FLOORDIV, CHK_I64, i, ops_whole(&m, CHK_I64, stride), NULL);
        if (a > 0) in[1 + a] = ops_apply(&m, CHK_FN_MOD, CHK_I64, in[1 + a], ops_whole(&m, CHK_I64, n), NULL);
        attr[1 + a] = a;
        stride *= n;
    }
    in[0] = x;
    if (m.st == CHUNK_OK && chk_dtype_kind(v->dtype) == CHK_KIND_COMPLEX && chk_dtype_kind(x->dtype) != CHK_KIND_COMPLEX)
        m.st = chk_fail(err, CHUNK_ETYPE, "put: complex values do not go into an array of %s", chk_dtype_name(x->dtype));
    in[x->shape.ndim + 1] = m.st == CHUNK_OK ? ops_spread(&m, ops_cast(&m, v, x->dtype), &i->shape) : NULL;
    if (m.st == CHUNK_OK) m.st = op->make(&made, b, op, in, x->shape.ndim + 2, attr, x->shape.ndim + 1 + (x->shape.ndim > 1), err);
    const chk_view first = {.base_ndim = 1, .axis = {-1}};
    made = ops_own(&m, m.st, &made);
    return ops_give(out, &m, single && made ? ops_view(&m, made, &first) : made);
}

const chk_op chk_op_put = {
    .name = "put",
    .family = "indexing",
    .summary = "x with other values at flat indices: a new version, x stays what it was",
    .doc = "indices: integers of any shape, or a tuple of them, of the elements in C order, negative ones from the end. values: "
           "broadcast to the shape "
           "of the indices, cast to x's dtype. Of equal "
           "indices the last one wins. The indices are looked through once for each block of the result. Memory: a block of the "
           "result and 16 Ki indices.",
    .params = {OPS_X, {"indices", CHK_PAR_ARRAY, NULL, false}, {"values", CHK_PAR_ARRAY, NULL, false}},
    .build = build_put,
    .make = make_places,
    .look = look_at_places,
    .local = &places_local,
};
