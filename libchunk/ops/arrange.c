/* arrange.c: elements in another order, and repeated ones: views, put together by concat or joined by reshape. Nothing is stored. */
#include <string.h>

#include "ops/join.h"
#include "ops/make.h"
#include "ops/reshape.h"

static chk_node *flipped(ops_maker *m, chk_node *x, int axis)
{
    int64_t n = x ? x->shape.dim[axis] : 0;
    return x ? ops_slice(m, x, axis, n - 1, -1, n) : NULL;
}

static chunk_status too_few(const char *who, const chk_node *x, int need, chunk_error *err)
{
    return chk_fail(err, CHUNK_ESHAPE, "%s: needs at least %d dimension%s, got %d", who, need, need == 1 ? "" : "s", x->shape.ndim);
}

/* flags: the axis. */
static chunk_status build_flip_axis(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    if (x && x->shape.ndim <= op->flags) m.st = too_few(op->name, x, op->flags + 1, err);
    return ops_give(out, &m, m.st == CHUNK_OK ? flipped(&m, x, op->flags) : NULL);
}

const chk_op chk_op_flipud = {.name = "flipud",
                              .family = "manipulation",
                              .summary = "x backwards along the first axis",
                              .params = {OPS_X},
                              .build = build_flip_axis,
                              .flags = 0};
const chk_op chk_op_fliplr = {.name = "fliplr",
                              .family = "manipulation",
                              .summary = "x backwards along the second axis",
                              .params = {OPS_X},
                              .build = build_flip_axis,
                              .flags = 1};

static chk_node *swapped(ops_maker *m, chk_node *x, int a, int b)
{
    if (!x || m->st != CHUNK_OK) return NULL;
    chk_view v = chk_view_identity(&x->shape);
    v.shape.dim[a] = x->shape.dim[b];
    v.shape.dim[b] = x->shape.dim[a];
    v.axis[a] = b;
    v.axis[b] = a;
    return ops_view(m, x, &v);
}

static chunk_status build_rot90(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    const chk_value *axes = &args[2];
    int64_t k = 1, want[2] = {0, 1};
    int axis[2] = {0, 1};
    if (x && x->shape.ndim < 2) m.st = too_few(op->name, x, 2, err);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&k, &args[1], 1, op->name, "k", err);
    if (m.st == CHUNK_OK && !ops_absent(axes) && (axes->kind != CHK_VAL_TUPLE || axes->u.tuple.n != 2))
        m.st = chk_fail(err, CHUNK_EINVAL, "%s: axes must be a tuple of two", op->name);
    for (int i = 0; i < 2 && m.st == CHUNK_OK; i++) {
        if (!ops_absent(axes)) m.st = chk_value_int(&want[i], &axes->u.tuple.item[i], op->name, "axis", err);
        if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis[i], want[i], x->shape.ndim, op->name, err);
    }
    if (m.st == CHUNK_OK && axis[0] == axis[1]) m.st = chk_fail(err, CHUNK_EINVAL, "%s: the axes must differ", op->name);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    int turns = (int)((k % 4 + 4) % 4);
    chk_node *y = x;
    if (turns == 2) y = flipped(&m, flipped(&m, x, axis[0]), axis[1]);
    if (turns == 1) y = swapped(&m, flipped(&m, x, axis[1]), axis[0], axis[1]);
    if (turns == 3) y = flipped(&m, swapped(&m, x, axis[0], axis[1]), axis[1]);
    return ops_give(out, &m, y);
}

const chk_op chk_op_rot90 = {
    .name = "rot90",
    .family = "manipulation",
    .summary = "x turned k times by 90 degrees in the plane of two axes",
    .doc = "From the first axis towards the second. A view.",
    .params = {OPS_X, {"k", CHK_PAR_INT, "1", false}, {"axes", CHK_PAR_AXIS, "(0, 1)", false}},
    .build = build_rot90,
};

static chunk_status build_rollaxis(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int64_t want = 0, start = 0;
    int axis = 0;
    if (x) m.st = chk_value_int(&want, &args[1], op->name, "axis", err);
    if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, want, x->shape.ndim, op->name, err);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&start, &args[2], 0, op->name, "start", err);
    int n = x ? x->shape.ndim : 0;
    if (m.st == CHUNK_OK && (start < -n || start > n))
        m.st = chk_fail(err, CHUNK_EINDEX, "%s: start %lld is out of range for %d dimensions", op->name, (long long)start, n);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    int to = (int)(start < 0 ? start + n : start);
    if (axis < to) to--;
    chk_view v = chk_view_identity(&x->shape);
    for (int a = 0; a < n; a++) {
        v.axis[a] = a == axis ? to : a < axis ? a + (a >= to) : a - (a <= to);
        v.shape.dim[v.axis[a]] = x->shape.dim[a];
    }
    return ops_give(out, &m, ops_view(&m, x, &v));
}

const chk_op chk_op_rollaxis = {
    .name = "rollaxis",
    .family = "manipulation",
    .summary = "x with an axis moved before another; moveaxis says it more clearly",
    .params = {OPS_X, {"axis", CHK_PAR_INT, NULL, false}, {"start", CHK_PAR_INT, "0", false}},
    .build = build_rollaxis,
};

/* ---- roll */

static chk_node *rolled(ops_maker *m, chk_node *x, int axis, int64_t shift)
{
    int64_t n = x ? x->shape.dim[axis] : 0, k = n ? (shift % n + n) % n : 0;
    if (!x || k == 0) return x;
    chk_node *made = NULL, *in[2] = {ops_slice(m, x, axis, n - k, 1, k), ops_slice(m, x, axis, 0, 1, n - k)};
    return m->st == CHUNK_OK ? ops_own(m, ops_join(&made, m->b, in, 2, axis, m->err), &made) : NULL;
}

static chk_node *under(ops_maker *m, chk_node *x, const chk_shape *shape)
{
    chk_node *made = NULL;
    return x && m->st == CHUNK_OK ? ops_own(m, ops_reshape(&made, m->b, x, shape, m->err), &made) : NULL;
}

/* An integer or a tuple of them; of one element is number i that element. */
static chunk_status number(int64_t *out, const chk_value *v, int i, const char *who, const char *what, chunk_error *err)
{
    if (v->kind == CHK_VAL_TUPLE) v = &v->u.tuple.item[v->u.tuple.n == 1 ? 0 : i];
    return chk_value_int(out, v, who, what, err);
}

static int length_of(const chk_value *v) { return v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1; }

static chunk_status build_roll(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    if (x && ops_absent(&args[2])) {
        chk_shape shape = x->shape, flat = {.ndim = 1, .dim = {chk_shape_count(&x->shape)}};
        int64_t shift = 0, one;
        for (int i = 0; i < length_of(&args[1]) && m.st == CHUNK_OK; i++) {
            m.st = number(&one, &args[1], i, op->name, "shift", err);
            if (m.st == CHUNK_OK && flat.dim[0]) shift = (shift + one % flat.dim[0]) % flat.dim[0];
        }
        return ops_give(out, &m, under(&m, rolled(&m, under(&m, x, &flat), 0, shift), &shape));
    }
    int n_shifts = length_of(&args[1]), n_axes = length_of(&args[2]), n = n_shifts == 1 ? n_axes : n_shifts;
    if (x && n_shifts != n_axes && n_shifts != 1 && n_axes != 1)
        m.st = chk_fail(err, CHUNK_EINVAL, "%s: %d shifts for %d axes", op->name, n_shifts, n_axes);
    int64_t total[CHK_MAX_NDIM] = {0};
    for (int i = 0; i < n && m.st == CHUNK_OK; i++) {
        int64_t shift = 0, want = 0;
        int axis = 0;
        m.st = number(&shift, &args[1], i, op->name, "shift", err);
        if (m.st == CHUNK_OK) m.st = number(&want, &args[2], i, op->name, "axis", err);
        if (m.st == CHUNK_OK) m.st = chk_axis_normal(&axis, want, x->shape.ndim, op->name, err);
        int64_t dim = m.st == CHUNK_OK ? x->shape.dim[axis] : 0;
        if (dim) total[axis] = (total[axis] + shift % dim) % dim;
    }
    for (int a = 0; m.st == CHUNK_OK && x && a < x->shape.ndim; a++) x = rolled(&m, x, a, total[a]);
    return ops_give(out, &m, x);
}

const chk_op chk_op_roll = {
    .name = "roll",
    .family = "manipulation",
    .summary = "x with its elements moved along axes, those that leave coming in at the other end",
    .doc = "shift, axis: integers, or tuples of them; without axis over all elements in C order. Blocks that lie on one side of "
           "the seam are read where they "
           "are; costs what concat costs.",
    .params = {OPS_X, {"shift", CHK_PAR_AXIS, NULL, false}, {"axis", CHK_PAR_AXIS, "None", false}},
    .build = build_roll,
};

/* ---- tile */

static chunk_status build_tile(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    int n_reps = length_of(&args[1]), ndim = x && x->shape.ndim > n_reps ? x->shape.ndim : n_reps;
    if (x && ndim > CHK_MAX_NDIM)
        m.st = chk_fail(err, CHUNK_ESHAPE, "%s: %d dimensions, at most %d are possible", op->name, ndim, CHK_MAX_NDIM);
    if (!x || m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    x = ops_with_axes(&m, x, (uint32_t)((UINT64_C(1) << (ndim - x->shape.ndim)) - 1), ndim);
    chk_shape shape = {.ndim = ndim};
    chk_view v = {.base_ndim = ndim};
    for (int a = 0; a < ndim && m.st == CHUNK_OK; a++) {
        int64_t rep = 1, dim = x->shape.dim[a];
        int i = a - (ndim - n_reps);
        const chk_value *item = args[1].kind == CHK_VAL_TUPLE ? args[1].u.tuple.item + (i > 0 ? i : 0) : &args[1];
        if (i >= 0) m.st = chk_value_int(&rep, item, op->name, "reps", err);
        if (m.st == CHUNK_OK && rep < 0) m.st = chk_fail(err, CHUNK_EINVAL, "%s: %lld repetitions", op->name, (long long)rep);
        if (m.st == CHUNK_OK && v.shape.ndim + 2 > CHK_MAX_NDIM)
            m.st = chk_fail(err, CHUNK_EUNSUPPORTED, "%s: too many dimensions; at most %d, those that are repeated counted twice",
                            op->name, CHK_MAX_NDIM);
        if (m.st != CHUNK_OK) break;
        if (rep != 1) v.shape.dim[v.shape.ndim++] = rep;
        v.axis[a] = v.shape.ndim;
        v.step[a] = 1;
        v.shape.dim[v.shape.ndim++] = dim;
        if (__builtin_mul_overflow(rep, dim, &shape.dim[a]) || !chk_shape_fits(&v.shape))
            m.st = chk_fail(err, CHUNK_ESHAPE, "%s: the result has more than 2**63 bytes", op->name);
    }
    return ops_give(out, &m, m.st == CHUNK_OK ? under(&m, ops_view(&m, x, &v), &shape) : NULL);
}

const chk_op chk_op_tile = {
    .name = "tile",
    .family = "manipulation",
    .summary = "x over and over along its axes",
    .doc = "reps: how often, an integer (of the last axis) or a tuple of them. Nothing is stored: x is read again for each "
           "repetition. Costs what reshape costs.",
    .params = {OPS_X, {"reps", CHK_PAR_SHAPE, NULL, false}},
    .build = build_tile,
};
