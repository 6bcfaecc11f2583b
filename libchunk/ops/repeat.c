/* repeat.c: each index along an axis over and over. The same count for all is a broadcast axis that reshape joins; counts of their own are the parameters of a local
 * operation: where the copies of each index end. */
#include <string.h>

#include "base/alloc.h"
#include "ops/make.h"
#include "ops/reshape.h"
#include "plan/local.h"

enum { MOST_COUNTS = 1 << 16, ASSUMED_MOST = 64 };

/* Parameters: the axis, then the end of each index's copies. */
static int axis_of(const chk_node *n) { return (int)n->u.custom.attr[0]; }
static const int64_t *ends_of(const chk_node *n) { return n->u.custom.attr + 1; }

/* The index of the input that shows at index `at` of the axis. */
static int64_t source_of(const chk_node *n, int64_t at)
{
    const int64_t *end = ends_of(n);
    int64_t lo = 0, hi = n->in[0]->shape.dim[axis_of(n)];
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (end[mid] > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* An index at least once: a box needs no more indices than it is long. */
static void repeat_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)input;
    memcpy(in_extent, extent, (size_t)n->shape.ndim * sizeof *extent);
}

static size_t repeat_scratch(const chk_node *n, const int64_t *extent) { return chk_extent_bytes(n->shape.ndim, extent, n->dtype); }

/* The next indices of the input that follow each other and show in [*at, end): [in->lo, in->hi) along the axis. */
static bool next_indices(const chk_node *n, int64_t *at, int64_t end, chk_box *in)
{
    int a = axis_of(n);
    const int64_t *ends = ends_of(n);
    if (*at >= end) return false;
    int64_t i = source_of(n, *at), length = n->in[0]->shape.dim[a];
    in->lo[a] = i;
    while (i < length && *at < end && ends[i] > *at) *at = ends[i++];
    in->hi[a] = i;
    if (*at > end) *at = end;
    return true;
}

static bool repeat_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    int64_t at = box->lo[axis_of(n)];
    *input = 0;
    *in = *box;
    while (next_indices(n, &at, box->hi[axis_of(n)], in))
        if (part-- == 0) return true;
    return false;
}

static chunk_status repeat_run(const chk_local_call *c, chunk_error *err)
{
    const chk_node *n = c->node;
    int a = axis_of(n);
    int64_t outer = 1, at = c->box->lo[a], first;
    size_t inner = chk_dtype_size(n->dtype);
    for (int i = 0; i < a; i++) outer *= chk_box_extent(c->box, i);
    for (int i = a + 1; i < c->box->ndim; i++) inner *= (size_t)chk_box_extent(c->box, i);
    size_t row = (size_t)chk_box_extent(c->box, a) * inner;
    chk_box in = *c->box;
    for (first = at; next_indices(n, &at, c->box->hi[a], &in); first = at) {
        size_t in_row = (size_t)chk_box_extent(&in, a) * inner;
        CHK_TRY(chk_local_read(c, 0, &in, c->scratch, NULL, err));
        for (int64_t o = 0; o < outer; o++) {
            const char *from = (char *)c->scratch + (size_t)o * in_row;
            int64_t i = in.lo[a];
            for (int64_t to = first; to < at; to++) {
                while (ends_of(n)[i] <= to) i++, from += inner;
                memcpy((char *)c->out + (size_t)o * row + (size_t)(to - c->box->lo[a]) * inner, from, inner);
            }
        }
    }
    return CHUNK_OK;
}

static const chk_local repeat_local = {
    .reads = repeat_reads, .scratch = repeat_scratch, .run = repeat_run, .part = repeat_part, .ns = 1};

static chunk_status make_repeat(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    bool fine = n_in == 1 && n_attr >= 1 && attr[0] >= 0 && attr[0] < in[0]->shape.ndim &&
                in[0]->shape.dim[attr[0]] == n_attr - 1 && n_attr - 1 <= MOST_COUNTS;
    for (int i = 1; i < n_attr && fine; i++) fine = attr[i] >= (i > 1 ? attr[i - 1] : 0);
    if (!fine) return chk_fail(err, CHUNK_EINVAL, "repeat: not the parameters of it");
    chk_shape shape = in[0]->shape;
    int axis = (int)attr[0];
    shape.dim[axis] = n_attr > 1 ? attr[n_attr - 1] : 0;
    if (!chk_shape_fits(&shape)) return chk_fail(err, CHUNK_ESHAPE, "repeat: the result has more than 2**63 bytes");
    chk_grid grid = {.ndim = shape.ndim};
    for (int a = 0; a < shape.ndim; a++)
        grid.axis[a] = a == axis ? chk_node_axis_like(shape.dim[a], in[0], a) : in[0]->grid.axis[a];
    return chk_node_custom(out, b, op, attr, n_attr, in[0]->dtype, &shape, &grid, in, 1, err);
}

/* The same count for all. */
static chk_node *evenly(ops_maker *m, chk_node *x, int axis, int64_t times, const char *who)
{
    chk_shape shape = x->shape;
    chk_view v = chk_view_identity(&x->shape);
    if (times < 0 || __builtin_mul_overflow(times, shape.dim[axis], &shape.dim[axis]) || !chk_shape_fits(&shape) ||
        shape.ndim == CHK_MAX_NDIM) {
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: %lld times: no such array", who, (long long)times);
        return NULL;
    }
    for (int a = axis + 1; a < x->shape.ndim; a++) v.axis[a]++;
    v.shape.ndim++;
    memmove(v.shape.dim + axis + 2, v.shape.dim + axis + 1, (size_t)(x->shape.ndim - axis - 1) * sizeof *v.shape.dim);
    v.shape.dim[axis + 1] = times;
    chk_node *made = NULL, *wide = ops_view(m, x, &v);
    return wide ? ops_own(m, ops_reshape(&made, m->b, wide, &shape, m->err), &made) : NULL;
}

/* Counts written out in full, or as an array that is computed now. Gives the ends behind an empty place for the axis; chk_free. */
static chunk_status ends_from(int64_t **ends, ops_maker *m, const chk_value *v, int64_t length, const char *who, chunk_error *err)
{
    chk_node *counts = v->kind == CHK_VAL_NODE ? v->u.node : NULL;
    int64_t n = counts ? chk_shape_count(&counts->shape) : v->u.tuple.n, end = 0;
    if (n != length && n != 1)
        return chk_fail(err, CHUNK_ESHAPE, "%s: %lld counts for %lld indices along the axis", who, (long long)n, (long long)length);
    if (length > MOST_COUNTS)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "%s: counts for more than %d indices: use take with an array of indices", who,
                        MOST_COUNTS);
    *ends = chk_calloc((size_t)length + 2, sizeof **ends);
    if (!*ends) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %lld counts", (long long)length);
    int64_t *count = *ends + 1;
    if (counts) {
        chk_kind kind = chk_dtype_kind(counts->dtype);
        if (counts->shape.ndim > 1 || (kind != CHK_KIND_INT && kind != CHK_KIND_UINT && kind != CHK_KIND_BOOL))
            return chk_fail(err, CHUNK_ETYPE, "%s: counts must be integers in one dimension", who);
        chk_node *whole = ops_cast(m, counts, CHK_I64);
        CHK_TRY(m->st);
        int64_t each = chk_builder_assumes(m->b) && n > 0 ? chk_builder_most(m->b, counts) / n : 0;
        for (int64_t i = 0; i < n; i++) count[i] = each < ASSUMED_MOST ? each : ASSUMED_MOST;
        if (!chk_builder_assumes(m->b)) CHK_TRY(chk_builder_evaluate(m->b, whole, count, err));
    }
    for (int64_t i = 0; i < n && !counts; i++) CHK_TRY(chk_value_int(&count[i], &v->u.tuple.item[i], who, "counts", err));
    for (int64_t i = n; i < length; i++) count[i] = count[0];
    for (int64_t i = 0; i < length; i++) {
        if (count[i] < 0)
            return chk_fail(err, CHUNK_EINVAL, "%s: count %lld is negative: %lld", who, (long long)i, (long long)count[i]);
        if (__builtin_add_overflow(end, count[i], &end)) return chk_fail(err, CHUNK_ESHAPE, "%s: the result is too long", who);
        count[i] = end;
    }
    return CHUNK_OK;
}

static chunk_status build_repeat(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *y = NULL, *made = NULL;
    const chk_value *counts = &args[1];
    int axis = 0;
    int64_t want, times, *ends = NULL;
    if (x && ops_absent(&args[2])) {
        chk_shape flat = {.ndim = 1, .dim = {chk_shape_count(&x->shape)}};
        x = ops_own(&m, ops_reshape(&made, b, x, &flat, err), &made);
    } else if (x) {
        m.st = chk_value_int(&want, &args[2], op->name, "axis", err);
        if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, want, x->shape.ndim, op->name, err);
    }
    bool each = counts->kind == CHK_VAL_TUPLE || (counts->kind == CHK_VAL_NODE && counts->u.node->kind != CHK_NODE_SCALAR);
    if (m.st == CHUNK_OK && each) {
        m.st = ends_from(&ends, &m, counts, x->shape.dim[axis], op->name, err);
        if (m.st == CHUNK_OK) {
            ends[0] = axis;
            y = ops_own(&m, make_repeat(&made, b, op, &x, 1, ends, (int)x->shape.dim[axis] + 1, err), &made);
        }
    } else if (m.st == CHUNK_OK) {
        m.st = chk_value_int(&times, counts, op->name, "repeats", err);
        y = m.st == CHUNK_OK ? evenly(&m, x, axis, times, op->name) : NULL;
    }
    chk_free(ends);
    return ops_give(out, &m, y);
}

const chk_op chk_op_repeat = {
    .name = "repeat",
    .family = "manipulation",
    .summary = "Each index along an axis over and over; of all elements in a row without one",
    .doc = "repeats: an integer, or as many counts as the axis is long (at most 65,536, a tuple or an array, which is computed "
           "when the expression is built). Nothing is "
           "stored. Memory: a block, and with counts another; else as reshape.",
    .params = {OPS_X, {"repeats", CHK_PAR_ANY, NULL, false}, {"axis", CHK_PAR_INT, "None", false}},
    .build = build_repeat,
    .make = make_repeat,
    .local = &repeat_local,
};
