/* assign.c: x with other values at some places: a new version, the old one stays what it was. Regions are boxes with steps; masks become where;
 * index arrays are put's business. */
#include <string.h>

#include "ops/gather.h"
#include "ops/make.h"
#include "ops/mask.h"
#include "ops/reshape.h"

extern const chk_op chk_op_put;

/* ---- regions: parameters are first index, step (positive) and count of each axis of x; inputs x and the values, which have one extent an axis */

typedef struct part {
    int64_t first, count; /* indices of the region that lie in the box */
} part;

/* False where the region does not touch the box. */
static bool region_part(part *out, const int64_t *attr, const chk_box *box)
{
    for (int a = 0; a < box->ndim; a++) {
        int64_t start = attr[3 * a], step = attr[3 * a + 1], count = attr[3 * a + 2];
        int64_t first = box->lo[a] <= start ? 0 : (box->lo[a] - start + step - 1) / step;
        int64_t end = box->hi[a] <= start ? 0 : (box->hi[a] - 1 - start) / step + 1;
        if (end > count) end = count;
        if (first >= end) return false;
        out[a] = (part){first, end - first};
    }
    return true;
}

static void region_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)input;
    memcpy(in_extent, extent, (size_t)n->shape.ndim * sizeof *extent);
}

static size_t region_scratch(const chk_node *n, const int64_t *extent) { return chk_extent_bytes(n->shape.ndim, extent, n->dtype); }

static chunk_status region_run(const chk_local_call *c, chunk_error *err)
{
    const int64_t *attr = c->node->u.custom.attr;
    int ndim = c->box->ndim;
    size_t item = chk_dtype_size(c->node->dtype);
    part p[CHK_MAX_NDIM];
    bool touched = region_part(p, attr, c->box), whole = touched;
    for (int a = 0; a < ndim && whole; a++) whole = p[a].count == chk_box_extent(c->box, a);
    if (!whole) CHK_TRY(chk_local_read(c, 0, c->box, c->out, NULL, err));
    if (!touched) return CHUNK_OK;
    chk_box from = {.ndim = ndim};
    int64_t stride[CHK_MAX_NDIM], next = (int64_t)item, at[CHK_MAX_NDIM] = {0};
    char *to = c->out;
    for (int a = ndim - 1; a >= 0; a--) {
        from.lo[a] = p[a].first;
        from.hi[a] = p[a].first + p[a].count;
        to += (attr[3 * a] + p[a].first * attr[3 * a + 1] - c->box->lo[a]) * next;
        stride[a] = attr[3 * a + 1] * next;
        next *= chk_box_extent(c->box, a);
    }
    bool dense = ndim == 0 || stride[ndim - 1] == (int64_t)item;
    if (dense) return chk_local_read(c, 1, &from, to, stride, err);
    CHK_TRY(chk_local_read(c, 1, &from, c->scratch, NULL, err));
    for (const char *in = c->scratch;; in += item) {
        memcpy(to, in, item);
        int a = ndim - 1;
        for (; a >= 0; a--) {
            to += stride[a];
            if (++at[a] < p[a].count) break;
            to -= stride[a] * p[a].count;
            at[a] = 0;
        }
        if (a < 0) return CHUNK_OK;
    }
}

static const chk_local region_local = {.reads = region_reads, .scratch = region_scratch, .run = region_run, .ns = 1};

static chunk_status make_region(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    bool fine =
        n_in == 2 && n_attr == 3 * in[0]->shape.ndim && in[1]->shape.ndim == in[0]->shape.ndim && in[0]->dtype == in[1]->dtype;
    for (int a = 0; fine && a < in[0]->shape.ndim; a++) {
        int64_t start = attr[3 * a], step = attr[3 * a + 1], count = attr[3 * a + 2], last;
        fine = start >= 0 && step >= 1 && count >= 0 && in[1]->shape.dim[a] == count &&
               !__builtin_mul_overflow(count - 1, step, &last) && !__builtin_add_overflow(last, start, &last) &&
               (count == 0 || last < in[0]->shape.dim[a]);
    }
    if (!fine) return chk_fail(err, CHUNK_EINVAL, "%s: not the parameters of a region", op->name);
    return chk_node_custom(out, b, op, attr, n_attr, in[0]->dtype, &in[0]->shape, &in[0]->grid, in, 2, err);
}

/* ---- what stands in brackets */

typedef struct target {
    ops_maker m;
    chk_node *x, *mask, *given; /* given: masks of no dimensions: true, or nothing is assigned */
    int64_t region[3 * CHK_MAX_NDIM];
    bool flipped[CHK_MAX_NDIM], single[CHK_MAX_NDIM], whole; /* negative steps; integers, whose axis the values do not have */
    chk_node *idx[CHK_MAX_NDIM];
    int axis[CHK_MAX_NDIM], n_idx;
} target;

static chunk_status read_slice(target *t, int axis, const chk_value *v)
{
    int64_t n = t->x->shape.dim[axis], part[3] = {0, 0, 1};
    const chk_value *item = v->u.tuple.item;
    bool has[3] = {false};
    for (int i = 0; i < v->u.tuple.n && i < 3; i++) {
        has[i] = item[i].kind != CHK_VAL_NONE;
        if (has[i]) CHK_TRY(chk_value_int(&part[i], &item[i], "assign", "a slice", t->m.err));
    }
    if (v->u.tuple.n > 3 || part[2] == 0)
        return chk_fail(t->m.err, CHUNK_EINDEX, "assign: a slice is (start, stop, step) with a step that is not 0");
    int64_t step = part[2], lo = step > 0 ? 0 : -1, hi = step > 0 ? n : n - 1;
    for (int i = 0; i < 2; i++) { /* Python's slice.indices */
        if (!has[i])
            part[i] = (step > 0) == (i == 0) ? lo : hi;
        else if (part[i] < 0)
            part[i] += n;
        part[i] = part[i] < lo ? lo : part[i] > hi ? hi : part[i];
    }
    int64_t by = step > 0 ? step : -step, way = step > 0 ? part[1] - part[0] : part[0] - part[1],
            count = way > 0 ? (way - 1) / by + 1 : 0;
    t->flipped[axis] = step < 0;
    t->region[3 * axis] = count == 0 ? 0 : step > 0 ? part[0] : part[0] - (count - 1) * by;
    t->region[3 * axis + 1] = count > 1 ? by : 1;
    t->region[3 * axis + 2] = count;
    t->whole &= count == n && by == 1 && step > 0;
    return CHUNK_OK;
}

static chunk_status read_place(target *t, const chk_value *v, int *axis)
{
    chk_node *one = v->kind == CHK_VAL_TUPLE || v->kind == CHK_VAL_NONE ? NULL : ops_value(&t->m, v, "assign");
    int ndim = t->x->shape.ndim, dims = one && one->dtype == CHK_BOOL ? one->shape.ndim : 1;
    CHK_TRY(t->m.st);
    if (*axis + dims > ndim)
        return chk_fail(t->m.err, CHUNK_EINDEX, "too many indices: the array has %d dimension%s", ndim, ndim == 1 ? "" : "s");
    int a = *axis;
    *axis += dims;
    if (v->kind == CHK_VAL_NONE) return CHUNK_OK;
    if (v->kind == CHK_VAL_TUPLE) return read_slice(t, a, v);
    if (one->dtype == CHK_BOOL && dims == 0) {
        t->given = t->given ? ops_apply(&t->m, CHK_FN_AND, CHK_BOOL, t->given, one, NULL) : one;
        return t->m.st;
    }
    if (one->dtype == CHK_BOOL) {
        for (int d = 0; d < dims; d++)
            if (one->shape.dim[d] != t->x->shape.dim[a + d])
                return chk_fail(t->m.err, CHUNK_EINDEX, "boolean index did not match indexed array along axis %d", a + d);
        if (dims == ndim) {
            t->mask = one;
            return CHUNK_OK;
        }
        for (int d = 0; d < dims; d++) {
            chk_node *made = NULL;
            t->m.st = ops_nonzero_axis(&made, t->m.b, one, d, t->m.err);
            t->axis[t->n_idx] = a + d;
            t->idx[t->n_idx++] = ops_own(&t->m, t->m.st, &made);
        }
        return t->m.st;
    }
    chk_kind kind = chk_dtype_kind(one->dtype);
    if (kind != CHK_KIND_INT && kind != CHK_KIND_UINT && chk_shape_count(&one->shape) > 0)
        return chk_fail(t->m.err, CHUNK_EINDEX, "assign: an index of type %s: integers, masks and slices index",
                        chk_dtype_name(one->dtype));
    t->axis[t->n_idx] = a;
    t->idx[t->n_idx++] = ops_cast(&t->m, one, CHK_I64);
    if (one->shape.ndim == 0 && v->kind == CHK_VAL_INT) {
        int64_t i = v->u.i.i, n = t->x->shape.dim[a];
        if (i < -n || i >= n)
            return chk_fail(t->m.err, CHUNK_EINDEX, "index %lld is out of bounds for axis %d with size %lld", (long long)i, a,
                            (long long)n);
        t->region[3 * a] = i < 0 ? i + n : i;
        t->region[3 * a + 1] = t->region[3 * a + 2] = 1;
        t->single[a] = true;
    }
    return t->m.st;
}

static chk_node *without_leading(target *t, chk_node *v, int ndim)
{
    if (!v || v->shape.ndim <= ndim) return v;
    chk_view view = chk_view_drop_leading(&v->shape, ndim);
    return ops_view(&t->m, v, &view);
}

/* The values in the extents of the region: broadcast to the axes that are slices, turned round where steps are negative. */
static chk_node *region_values(target *t, chk_node *v)
{
    int ndim = t->x->shape.ndim, at = 0;
    chk_shape seen = {0};
    for (int a = 0; a < ndim; a++)
        if (!t->single[a]) seen.dim[seen.ndim++] = t->region[3 * a + 2];
    v = ops_spread(&t->m, without_leading(t, v, seen.ndim), &seen);
    chk_view view = {.shape = {.ndim = ndim}, .base_ndim = seen.ndim};
    for (int a = 0; a < ndim; a++) {
        view.shape.dim[a] = t->region[3 * a + 2];
        if (t->single[a]) continue;
        view.axis[at] = a;
        view.step[at] = t->flipped[a] ? -1 : 1;
        view.off[at] = t->flipped[a] && seen.dim[at] ? seen.dim[at] - 1 : 0;
        at++;
    }
    return ops_view(&t->m, v, &view);
}

static chk_node *assign_places(target *t, chk_node *v)
{
    chk_node *in[CHK_MAX_NDIM + 2] = {t->x}, *at, *made = NULL;
    int64_t attr[CHK_MAX_NDIM + 1] = {t->axis[0]};
    chk_shape shape = t->idx[0]->shape;
    for (int k = 0; k < t->n_idx; k++) {
        if (!chk_shape_broadcast(&shape, &shape, &t->idx[k]->shape)) {
            t->m.st = chk_fail(t->m.err, CHUNK_EINDEX, "assign: the index arrays do not broadcast together");
            return NULL;
        }
        if (t->axis[k] != t->axis[0] + k) attr[0] = 0;
        attr[1 + k] = t->axis[k];
    }
    for (int k = 0; k < t->n_idx; k++) in[1 + k] = ops_spread(&t->m, t->idx[k], &shape);
    if (t->m.st != CHUNK_OK) return NULL;
    t->m.st = ops_make_gather(&at, t->m.b, chk_builder_find(t->m.b, "index", 5), in, t->n_idx + 1, attr, t->n_idx + 1, t->m.err);
    at = ops_own(&t->m, t->m.st, &at);
    if (!at || !(in[t->n_idx + 1] = ops_spread(&t->m, without_leading(t, v, at->shape.ndim), &at->shape))) return NULL;
    t->m.st = chk_op_put.make(&made, t->m.b, &chk_op_put, in, t->n_idx + 2, attr, t->n_idx + 1, t->m.err);
    return ops_own(&t->m, t->m.st, &made);
}

static chk_node *assign_region(target *t, const chk_op *op, chk_node *v)
{
    chk_node *in[2] = {t->x, region_values(t, v)}, *made = NULL;
    if (!in[1]) return NULL;
    t->m.st = op->make(&made, t->m.b, op, in, 2, t->region, 3 * t->x->shape.ndim, t->m.err);
    return ops_own(&t->m, t->m.st, &made);
}

/* Slices beside index arrays: places in the region, which goes back into x. */
static chk_node *assign_both(target *t, const chk_op *op, chk_node *v)
{
    chk_node *x = t->x, *made;
    chk_view view = chk_view_identity(&x->shape);
    for (int k = 0; k < t->n_idx; k++) {
        int a = t->axis[k];
        t->region[3 * a] = 0;
        t->region[3 * a + 1] = 1;
        t->region[3 * a + 2] = x->shape.dim[a];
        t->single[a] = false;
    }
    for (int a = 0; a < x->shape.ndim; a++) {
        int64_t start = t->region[3 * a], step = t->region[3 * a + 1], count = t->region[3 * a + 2];
        view.shape.dim[a] = count;
        view.off[a] = t->flipped[a] && count ? start + (count - 1) * step : start;
        view.step[a] = t->flipped[a] ? -step : step;
    }
    t->x = ops_view(&t->m, x, &view);
    made = t->x ? assign_places(t, v) : NULL;
    t->x = x;
    return made ? assign_region(t, op, made) : NULL;
}

/* Values behind a mask, one for each element that it selects: each element of x has the one whose number is how many are selected before it. */
static chk_node *assign_selected(target *t, chk_node *v)
{
    ops_maker *m = &t->m;
    chk_node *places = NULL, *made = NULL;
    m->st = ops_nonzero_axis(&places, m->b, t->mask, 0, m->err);
    places = ops_own(m, m->st, &places);
    if (!places) return NULL;
    if (v->shape.ndim != 1 || (v->shape.dim[0] != 1 && v->shape.dim[0] != places->shape.dim[0])) {
        char text[160];
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "assign: values of shape %s behind a mask that selects %lld",
                         chk_shape_text(text, sizeof text, &v->shape), (long long)places->shape.dim[0]);
        return NULL;
    }
    if (v->shape.dim[0] == 0) return t->x;
    if (v->shape.dim[0] > 1) {
        chk_value arg = {.kind = CHK_VAL_NODE, .u.node = ops_flat(m, t->mask)};
        const char *const no_names[1] = {NULL};
        if (m->st == CHUNK_OK)
            m->st = chk_op_call(&made, m->b, chk_builder_find(m->b, "cumulative_sum", 14), &arg, no_names, 1, m->err);
        chk_node *number = ops_own(m, m->st, &made), *one = ops_whole(m, CHK_I64, 1);
        number = ops_apply(m, CHK_FN_SUB, CHK_I64, ops_apply(m, CHK_FN_MAX, CHK_I64, number, one, NULL), one, NULL);
        if (m->st == CHUNK_OK) m->st = ops_reshape(&made, m->b, number, &t->x->shape, m->err);
        chk_node *in[2] = {v, ops_own(m, m->st, &made)};
        const int64_t attr[2] = {0, 0};
        const chk_op *index = chk_builder_find(m->b, "index", 5);
        if (m->st == CHUNK_OK) m->st = index->make(&made, m->b, index, in, 2, attr, 2, m->err);
        v = ops_own(m, m->st, &made);
    } else {
        v = ops_spread(m, v, &t->x->shape);
    }
    return ops_apply(m, CHK_FN_WHERE, t->x->dtype, t->mask, v, t->x);
}

static chunk_status build_assign(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    target t = {.m = ops_make(b, err), .whole = true};
    bool list = args[1].kind == CHK_VAL_TUPLE, arrays = false;
    const chk_value *item = list ? args[1].u.tuple.item : &args[1];
    int n = list ? args[1].u.tuple.n : 1, axis = 0;
    t.x = ops_value(&t.m, &args[0], op->name);
    chk_node *v = ops_value(&t.m, &args[2], op->name), *made = NULL;
    if (!t.x || !v) return ops_give(out, &t.m, NULL);
    for (int a = 0; a < t.x->shape.ndim; a++) t.region[3 * a + 1] = 1, t.region[3 * a + 2] = t.x->shape.dim[a];
    for (int i = 0; i < n && t.m.st == CHUNK_OK; i++) t.m.st = read_place(&t, &item[i], &axis);
    if (t.m.st != CHUNK_OK) return ops_give(out, &t.m, NULL);
    for (int k = 0; k < t.n_idx; k++) arrays |= !t.single[t.axis[k]];
    if (chk_dtype_kind(v->dtype) == CHK_KIND_COMPLEX && chk_dtype_kind(t.x->dtype) != CHK_KIND_COMPLEX) {
        t.m.st = chk_fail(err, CHUNK_ETYPE, "assign: complex values do not go into an array of %s", chk_dtype_name(t.x->dtype));
        return ops_give(out, &t.m, NULL);
    }
    v = ops_cast(&t.m, v, t.x->dtype);
    if (v && v->shape.ndim != 0 && t.given && (t.mask || arrays))
        t.m.st = chk_fail(err, CHUNK_EUNSUPPORTED,
                          "assign: beside a mask of no dimensions and other arrays stands one value, not an array");
    if (t.m.st != CHUNK_OK) return ops_give(out, &t.m, NULL);
    if (t.mask)
        made = v->shape.ndim ? assign_selected(&t, v) : ops_apply(&t.m, CHK_FN_WHERE, t.x->dtype, t.mask, v, t.x);
    else if (arrays)
        made = t.whole ? assign_places(&t, v) : assign_both(&t, op, v);
    else
        made = assign_region(&t, op, v);
    if (t.given && made) made = ops_apply(&t.m, CHK_FN_WHERE, t.x->dtype, t.given, made, t.x);
    return ops_give(out, &t.m, made);
}

const chk_op chk_op_assign = {
    .name = "assign",
    .family = "indexing",
    .summary =
        "x with other values in a region, at a mask or at index arrays: a new version, x stays what it was; x[2:5] = v in text",
    .doc = "indices: a tuple with an integer, a slice as (start, stop, step), None (the whole axis), an integer array or a mask "
           "for each axis. values: broadcast to the region, cast "
           "to x's dtype; behind a mask of all axes one value, or one for each element that it selects, in C order: these are "
           "found by a "
           "cumulative sum of the mask. Of equal places the last one wins. Memory: two blocks of the result; for index "
           "arrays also 16 Ki of them.",
    .params = {OPS_X, {"indices", CHK_PAR_ARRAYS, NULL, false}, {"values", CHK_PAR_ARRAY, NULL, false}},
    .build = build_assign,
    .make = make_region,
    .local = &region_local,
};
