/* join.c: arrays one after the other along an axis. A box of the result is put together from the parts of the inputs that lie in it. */
#include <string.h>

#include "base/alloc.h"
#include "ops/join.h"
#include "ops/reshape.h"
#include "plan/local.h"

enum { MAX_ARRAYS = 1 << 16 };

/* Parameters: the axis, then the first index of each input along it. */
static int axis_of(const chk_node *n) { return (int)n->u.custom.attr[0]; }
static int64_t start_of(const chk_node *n, int input) { return n->u.custom.attr[1 + input]; }
static int64_t end_of(const chk_node *n, int input) { return start_of(n, input) + n->in[input]->shape.dim[axis_of(n)]; }

/* The first input that reaches behind index `at` of the axis. */
static int input_at(const chk_node *n, int64_t at)
{
    int lo = 0, hi = n->n_in;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (end_of(n, mid) > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static void concat_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)input;
    memcpy(in_extent, extent, (size_t)n->shape.ndim * sizeof *extent);
}

/* The part of `box` that lies in input `input`; false where there is none. */
static bool part_of(const chk_node *n, const chk_box *box, int input, chk_box *in)
{
    int a = axis_of(n);
    int64_t start = start_of(n, input), end = end_of(n, input);
    int64_t lo = box->lo[a] > start ? box->lo[a] : start, hi = box->hi[a] < end ? box->hi[a] : end;
    *in = *box;
    in->lo[a] = lo - start;
    in->hi[a] = hi - start;
    return lo < hi;
}

/* Empty inputs between the first and the last one of a box are no parts, and harmless. */
static bool concat_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    *input = input_at(n, box->lo[axis_of(n)]) + part;
    if (*input >= n->n_in || start_of(n, *input) >= box->hi[axis_of(n)]) return false;
    part_of(n, box, *input, in);
    return true;
}

static bool concat_forward(const chk_node *n, const chk_box *box, int *input, chk_box *in)
{
    int a = axis_of(n);
    *input = input_at(n, box->lo[a]);
    return *input < n->n_in && box->hi[a] <= end_of(n, *input) && part_of(n, box, *input, in);
}

static chunk_status concat_run(const chk_local_call *c, chunk_error *err)
{
    const chk_node *n = c->node;
    int a = axis_of(n);
    int64_t stride[CHK_MAX_NDIM], next = (int64_t)chk_dtype_size(n->dtype);
    for (int i = n->shape.ndim - 1; i >= 0; i--) {
        stride[i] = next;
        next *= chk_box_extent(c->box, i);
    }
    for (int i = input_at(n, c->box->lo[a]); i < n->n_in && start_of(n, i) < c->box->hi[a]; i++) {
        chk_box in;
        if (!part_of(n, c->box, i, &in)) continue;
        CHK_TRY(chk_local_read(c, i, &in, (char *)c->out + (start_of(n, i) + in.lo[a] - c->box->lo[a]) * stride[a], stride, err));
    }
    return CHUNK_OK;
}

static const chk_local concat_local = {
    .reads = concat_reads, .run = concat_run, .part = concat_part, .forward = concat_forward, .ns = 0.5};

/* The chunks of the input that is longest along the axis, continued both ways: its blocks are handed on as they are. */
static chk_axis_grid continued(const chk_node *longest, int axis, int64_t start, int64_t extent)
{
    const chk_axis_grid *g = &longest->grid.axis[axis];
    if (g->bounds || g->chunk < 1 || (g->step != 1 && g->step != -1)) return chk_node_axis_like(extent, longest, axis);
    int64_t first = (g->off - g->step * start) % g->chunk; /* of index 0, in the chunks under it */
    if (first < 0) first += g->chunk;
    if (g->step > 0 && first == 0) return chk_axis_regular(extent, g->chunk);
    chk_axis_grid under = chk_axis_regular(extent + g->chunk, g->chunk);
    if (g->step < 0) first += (extent - 1 - first + g->chunk - 1) / g->chunk * g->chunk;
    return chk_axis_slice(&under, first, g->step, extent);
}

/* Whose chunks are continued: the longest one that is read, or the longest constant. */
static bool leads(const chk_node *n, const chk_node *other, int axis)
{
    bool read = chk_node_stored(n), other_read = chk_node_stored(other);
    return read != other_read ? read && n->shape.dim[axis] > 0 : n->shape.dim[axis] > other->shape.dim[axis];
}

static chunk_status make_concat(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    if (n_in < 1 || n_in > MAX_ARRAYS || (n_attr != 1 && n_attr != 1 + n_in))
        return chk_fail(err, CHUNK_EINVAL, "concat: %d arrays: give 1 to %d", n_in, MAX_ARRAYS);
    chk_shape shape = in[0]->shape;
    int64_t axis = attr[0];
    if (axis < 0 || axis >= shape.ndim)
        return chk_fail(err, CHUNK_EINDEX, "concat: axis %lld is out of range for %d dimensions", (long long)axis, shape.ndim);
    int64_t *all = chk_calloc(1 + (size_t)n_in, sizeof *all), longest = 0;
    if (!all) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %d arrays", n_in);
    all[0] = axis;
    chunk_status st = CHUNK_OK;
    for (int i = 1; i < n_in && st == CHUNK_OK; i++) {
        const chk_shape *s = &in[i]->shape;
        char had[160], got[160];
        bool same = s->ndim == shape.ndim && in[i]->dtype == in[0]->dtype;
        for (int a = 0; a < shape.ndim && same; a++) same = a == axis || s->dim[a] == shape.dim[a];
        all[1 + i] = shape.dim[axis];
        if (!same)
            st = chk_fail(err, CHUNK_ESHAPE, "concat: array %d is %s, which does not fit behind %s along axis %lld", i,
                          chk_shape_text(got, sizeof got, s), chk_shape_text(had, sizeof had, &in[0]->shape), (long long)axis);
        else if (__builtin_add_overflow(shape.dim[axis], s->dim[axis], &shape.dim[axis]))
            st = chk_fail(err, CHUNK_ESHAPE, "concat: the result is too long");
        else if (leads(in[i], in[longest], (int)axis))
            longest = i;
    }
    if (st == CHUNK_OK) {
        chk_grid grid = {.ndim = shape.ndim};
        for (int a = 0; a < shape.ndim; a++) grid.axis[a] = in[longest]->grid.axis[a];
        grid.axis[axis] = continued(in[longest], (int)axis, all[1 + longest], shape.dim[axis]);
        st = chk_node_custom(out, b, op, all, 1 + n_in, in[0]->dtype, &shape, &grid, in, n_in, err);
    }
    chk_free(all);
    return st;
}

extern const chk_op chk_op_array;

void ops_list_done(ops_list *l)
{
    for (int i = 0; i < l->n; i++) chk_node_release(l->node[i]);
    chk_free(l->node);
    *l = (ops_list){0};
}

chunk_status ops_list_of(ops_list *l, chk_builder *b, const chk_value *arrays, int n, const char *who, chunk_error *err)
{
    *l = (ops_list){0};
    if (n < 1) return chk_fail(err, CHUNK_EINVAL, "%s: give at least one array", who);
    if (n > MAX_ARRAYS) return chk_fail(err, CHUNK_EINVAL, "%s: %d arrays, at most %d can be joined", who, n, MAX_ARRAYS);
    l->node = chk_calloc((size_t)n, sizeof(chk_node *));
    if (!l->node) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %d arrays", n);
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < n && st == CHUNK_OK; i++) {
        const chk_value given[2] = {arrays[i], {.kind = CHK_VAL_MISSING}};
        bool nested = given[0].kind == CHK_VAL_TUPLE; /* (1, 2) is an array as [1, 2] is */
        st = nested ? chk_op_array.build(&l->node[i], b, &chk_op_array, given, err)
                    : chk_value_node(&l->node[i], b, given, who, err);
        l->n += st == CHUNK_OK;
    }
    chk_dtype d = st == CHUNK_OK ? ops_result_type(l->node, n) : CHK_F64;
    for (int i = 0; i < n && st == CHUNK_OK; i++) {
        chk_node *fit, *cast = NULL;
        st = ops_fit(&fit, b, l->node[i], d, err);
        if (st != CHUNK_OK) break;
        st = chk_node_cast(&cast, b, fit, d, err);
        chk_node_release(fit);
        if (st == CHUNK_OK) ops_list_put(l, i, cast);
    }
    if (st != CHUNK_OK) ops_list_done(l);
    return st;
}

void ops_list_put(ops_list *l, int i, chk_node *node)
{
    chk_node_release(l->node[i]);
    l->node[i] = node;
}

chunk_status ops_join(chk_node **out, chk_builder *b, chk_node *const *in, int n, int axis, chunk_error *err)
{
    int64_t attr = axis;
    int full = 0, one = 0;
    bool fit = true;
    for (int i = 0; i < n; i++)
        if (in[i]->shape.dim[axis] > 0) full++, one = i;
    for (int i = 0; i < n; i++) {
        chk_shape like = in[i]->shape;
        like.dim[axis] = in[one]->shape.dim[axis];
        fit &= chk_shape_equal(&like, &in[one]->shape);
    }
    if (full > 1 || !fit) return make_concat(out, b, &chk_op_concat, in, n, &attr, 1, err);
    *out = chk_node_retain(in[one]);
    return CHUNK_OK;
}

/* NumPy's axis=None: everything in a row. */
static chunk_status flatten(ops_list *l, chk_builder *b, chunk_error *err)
{
    for (int i = 0; i < l->n; i++) {
        chk_shape flat = {.ndim = 1, .dim = {chk_shape_count(&l->node[i]->shape)}};
        chk_node *made;
        CHK_TRY(ops_reshape(&made, b, l->node[i], &flat, err));
        ops_list_put(l, i, made);
    }
    return CHUNK_OK;
}

static chunk_status build_concat(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    const chk_value arrays = chk_value_items(&args[0]);
    bool many = arrays.kind == CHK_VAL_TUPLE;
    ops_list l;
    int64_t want;
    int axis;
    CHK_TRY(ops_arg_int(&want, &args[1], 0, op->name, "axis", err));
    CHK_TRY(ops_list_of(&l, b, many ? arrays.u.tuple.item : &arrays, many ? arrays.u.tuple.n : 1, op->name, err));
    chunk_status st = args[1].kind == CHK_VAL_NONE ? flatten(&l, b, err) : CHUNK_OK;
    if (st == CHUNK_OK) st = chk_axis_normal(&axis, want, l.node[0]->shape.ndim, op->name, err);
    if (st == CHUNK_OK) st = ops_join(out, b, l.node, l.n, axis, err);
    ops_list_done(&l);
    return st;
}

const chk_op chk_op_concat = {
    .name = "concat",
    .aliases = "concatenate",
    .family = "joining",
    .summary = "arrays one after the other along an axis",
    .doc = "arrays: a tuple of arrays of the same shape but for the axis; with axis=None they may have any, and are raveled first. "
           "dtype as their sum has it. The chunks are those of the "
           "array that is longest along the axis. Nothing is stored: blocks that lie in one array are read where they are, others "
           "are put together where they are needed (memory: one block of the result).",
    .params = {{"arrays", CHK_PAR_ARRAYS, NULL, false}, {"axis", CHK_PAR_INT, "0", false}},
    .build = build_concat,
    .make = make_concat,
    .local = &concat_local,
};
