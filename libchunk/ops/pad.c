/* pad.c: arrays made longer at the ends of their axes, axis after axis as np.pad does: what is added are views of the array, numbers, or statistics of it, and concat puts
 * it on either side. */
#include <string.h>

#include "ops/join.h"
#include "ops/make.h"
#include "ops/reshape.h"

extern const chk_op chk_op_max, chk_op_min, chk_op_mean, chk_op_any, chk_op_move_median;

typedef enum pad_mode {
    PAD_CONSTANT,
    PAD_EDGE,
    PAD_LINEAR_RAMP,
    PAD_MAXIMUM,
    PAD_MEAN,
    PAD_MEDIAN,
    PAD_MINIMUM,
    PAD_REFLECT,
    PAD_SYMMETRIC,
    PAD_WRAP,
    PAD_EMPTY,
    PAD_MODES
} pad_mode;

static const char *const mode_name[PAD_MODES] = {"constant", "edge",    "linear_ramp", "maximum", "mean", "median",
                                                 "minimum",  "reflect", "symmetric",   "wrap",    "empty"};

/* One axis to extend. */
typedef struct side {
    int axis;
    int64_t width[2];
    const chk_value *value[2]; /* constant_values, end_values or stat_length; NULL: not given */
    pad_mode mode;
    bool odd;
    bool each; /* values for each axis: Python's numbers to np.pad, which compute in x's dtype; else they are int64 or float64 */
} side;

/* ---- arguments: a value for all, (before, after) for all, or a pair for each axis */

static const chk_value *of_list(const chk_value *v) { return v->list ? v->list : v; }

static chunk_status one_pair(const chk_value **pair, const chk_value *v, const char *what, chunk_error *err)
{
    v = of_list(v);
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    int n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    if (n != 1 && n != 2) return chk_fail(err, CHUNK_EINVAL, "pad: %s: %d values where one or two (before, after) go", what, n);
    pair[0] = item;
    pair[1] = item + n - 1;
    for (int i = 0; i < n; i++)
        if (of_list(&item[i])->kind == CHK_VAL_TUPLE) return chk_fail(err, CHUNK_EINVAL, "pad: %s is nested too deeply", what);
    return CHUNK_OK;
}

static chunk_status pair_of(const chk_value **pair, const chk_value *v, int axis, int ndim, const char *what, chunk_error *err)
{
    bool each = v->kind == CHK_VAL_TUPLE && v->u.tuple.n > 0 && of_list(v->u.tuple.item)->kind == CHK_VAL_TUPLE;
    if (!each) return one_pair(pair, v, what, err);
    int n = v->u.tuple.n;
    if (n != 1 && n != ndim) return chk_fail(err, CHUNK_EINVAL, "pad: %s has pairs for %d axes, x has %d", what, n, ndim);
    return one_pair(pair, &v->u.tuple.item[n == 1 ? 0 : axis], what, err);
}

/* ---- pieces */

static chk_node *put(ops_maker *m, chk_node *left, chk_node *x, chk_node *right, int axis)
{
    chk_node *in[3], *made = NULL;
    int n = 0;
    if (m->st != CHUNK_OK) return NULL;
    if (left) in[n++] = left;
    in[n++] = x;
    if (right) in[n++] = right;
    return ops_own(m, ops_join(&made, m->b, in, n, axis, m->err), &made);
}

/* x, one long along the axis, so often. */
static chk_node *wide(ops_maker *m, chk_node *x, int axis, int64_t width)
{
    if (!x || m->st != CHUNK_OK) return NULL;
    chk_shape shape = x->shape;
    shape.dim[axis] = width;
    return ops_spread(m, x, &shape);
}

/* A number as x's dtype has it. */
static chk_node *number(ops_maker *m, const chk_value *v, chk_dtype d)
{
    static const chk_value zero = {.kind = CHK_VAL_INT};
    chk_node *made = NULL, *n = ops_value(m, v ? v : &zero, "pad");
    if (n && n->shape.ndim > 0) {
        m->st = chk_fail(m->err, CHUNK_ETYPE, "pad: values must be numbers, not arrays");
        return NULL;
    }
    if (n && v && v->kind == CHK_VAL_INT) n = ops_own(m, ops_fit(&made, m->b, n, d, m->err), &made);
    return n ? ops_cast(m, n, d) : NULL;
}

static chk_node *constant(ops_maker *m, chk_node *x, const side *s, int end)
{
    chk_node *n = number(m, s->mode == PAD_EMPTY ? NULL : s->value[end], x->dtype);
    if (!n) return NULL;
    chk_shape shape = x->shape;
    shape.dim[s->axis] = s->width[end];
    return ops_spread(m, n, &shape);
}

static chk_node *edge(ops_maker *m, chk_node *x, int axis, int end)
{
    return ops_slice(m, x, axis, end ? x->shape.dim[axis] - 1 : 0, 1, 1);
}

static chk_node *call(ops_maker *m, const chk_op *op, const chk_value *args, const char *const *names, int n)
{
    chk_node *made = NULL;
    return m->st == CHUNK_OK ? ops_own(m, chk_op_call(&made, m->b, op, args, names, n, m->err), &made) : NULL;
}

/* The median along the axis is the last one of a window as long as the axis. */
static chk_node *median(ops_maker *m, chk_node *x, int axis)
{
    if (chk_dtype_kind(x->dtype) == CHK_KIND_COMPLEX) {
        m->st = chk_fail(
            m->err, CHUNK_EUNSUPPORTED,
            "pad: no median of complex numbers: np.pad orders them by real, then by imaginary part, which nothing here does");
        return NULL;
    }
    int64_t n = x->shape.dim[axis];
    const char *names[3] = {NULL, "window", "axis"};
    chk_value args[3] = {
        {.kind = CHK_VAL_NODE, .u.node = x}, {.kind = CHK_VAL_INT, .u.i.i = n}, {.kind = CHK_VAL_INT, .u.i.i = axis}};
    chk_node *all = call(m, &chk_op_move_median, args, names, 3);
    return all ? edge(m, all, axis, 1) : NULL;
}

static chk_node *statistic(ops_maker *m, chk_node *x, const side *s, int end)
{
    int64_t n = x->shape.dim[s->axis], length = n;
    if (s->value[end] && !ops_absent(s->value[end])) m->st = chk_value_int(&length, s->value[end], "pad", "stat_length", m->err);
    if (m->st == CHUNK_OK && length < 1)
        m->st = chk_fail(m->err, CHUNK_EINVAL, "pad: a stat_length of %lld gives no value", (long long)length);
    if (length > n) length = n;
    chk_node *part = m->st == CHUNK_OK ? ops_slice(m, x, s->axis, end ? n - length : 0, 1, length) : NULL;
    if (!part) return NULL;
    const char *names[3] = {NULL, "axis", "keepdims"};
    chk_value args[3] = {
        {.kind = CHK_VAL_NODE, .u.node = part}, {.kind = CHK_VAL_INT, .u.i.i = s->axis}, {.kind = CHK_VAL_BOOL, .u.b = true}};
    const chk_op *op = s->mode == PAD_MAXIMUM ? &chk_op_max : s->mode == PAD_MINIMUM ? &chk_op_min : &chk_op_mean;
    chk_node *y = s->mode == PAD_MEDIAN ? median(m, part, s->axis) : call(m, op, args, names, 3);
    if (!y) return NULL;
    if (ops_is_whole(x->dtype) && x->dtype != CHK_BOOL && !ops_is_whole(y->dtype))
        y = ops_apply(m, CHK_FN_ROUND, y->dtype, y, NULL, NULL);
    return y ? wide(m, ops_cast(m, y, x->dtype), s->axis, s->width[end]) : NULL;
}

/* From the end value to the edge, as np.linspace computes it: by the step, or by fractions where some step is 0. */
static chk_node *ramp(ops_maker *m, chk_node *x, const side *s, int end)
{
    int64_t n = s->width[end];
    bool complex = chk_dtype_kind(x->dtype) == CHK_KIND_COMPLEX, narrow = s->each && !ops_is_whole(x->dtype);
    chk_dtype d = narrow ? x->dtype : complex ? CHK_C128 : CHK_F64;
    chk_node *start = number(m, s->value[end], d), *stop = m->st == CHUNK_OK ? ops_cast(m, edge(m, x, s->axis, end), d) : NULL;
    chk_node *delta = ops_apply(m, CHK_FN_SUB, d, stop, start, NULL), *count = ops_whole(m, d, n), *zero = ops_whole(m, d, 0),
             *iota = ops_iota(m, n);
    chk_node *step = ops_apply(m, CHK_FN_DIV, d, delta, count, NULL);
    if (m->st != CHUNK_OK) return NULL;
    chk_view along = {.shape = {.ndim = x->shape.ndim}, .base_ndim = 1, .axis = {s->axis}, .step = {1}};
    for (int a = 0; a < x->shape.ndim; a++) along.shape.dim[a] = a == s->axis ? n : 1;
    chk_node *i = ops_view(m, iota, &along), *flat = ops_apply(m, CHK_FN_EQ, d, step, zero, NULL);
    chk_value arg = {.kind = CHK_VAL_NODE, .u.node = flat};
    chk_node *any = call(m, &chk_op_any, &arg, NULL, 1);
    i = i ? ops_cast(m, i, d) : NULL;
    chk_node *by_step = ops_apply(m, CHK_FN_MUL, d, i, step, NULL);
    chk_node *by_part = ops_apply(m, CHK_FN_MUL, d, ops_apply(m, CHK_FN_DIV, d, i, count, NULL), delta, NULL);
    chk_node *y = ops_apply(m, CHK_FN_ADD, d, ops_apply(m, CHK_FN_WHERE, d, any, by_part, by_step), start, NULL);
    if (ops_is_whole(x->dtype) && x->dtype != CHK_BOOL) y = ops_apply(m, CHK_FN_FLOOR, d, y, NULL, NULL);
    y = m->st == CHUNK_OK ? ops_cast(m, y, x->dtype) : NULL;
    return y && end ? ops_slice(m, y, s->axis, n - 1, -1, n) : y;
}

/* ---- modes that show x itself again and again */

/* The next `width` elements of x beyond an end, backwards; without the edge itself for reflect. */
static chk_node *mirrored(ops_maker *m, chk_node *x, const side *s, int end, int64_t width)
{
    int64_t n = x->shape.dim[s->axis], skip = s->mode == PAD_REFLECT;
    chk_node *y = end ? ops_slice(m, x, s->axis, n - 1 - skip, -1, width) : ops_slice(m, x, s->axis, skip + width - 1, -1, width);
    if (!y || !s->odd) return y;
    chk_dtype d = x->dtype == CHK_BOOL ? CHK_I64 : x->dtype; /* twice the edge less what is mirrored */
    chk_node *twice = ops_apply(m, CHK_FN_MUL, d, edge(m, x, s->axis, end), ops_whole(m, d, 2), NULL);
    y = ops_apply(m, CHK_FN_SUB, d, twice, y, NULL);
    return y ? ops_cast(m, y, x->dtype) : NULL;
}

/* Odd reflections grow: in each round as far as what there is reaches in whole periods. */
static chunk_status odd_rounds(chk_node **x, chk_builder *b, const side *s, chunk_error *err)
{
    int64_t skip = s->mode == PAD_REFLECT, period = (*x)->shape.dim[s->axis] - skip, left[2] = {s->width[0], s->width[1]};
    while (left[0] || left[1]) {
        int64_t reach = ((*x)->shape.dim[s->axis] - skip) / period * period;
        chk_node *add[2] = {NULL, NULL}, *y;
        ops_maker m = ops_make(b, err);
        for (int end = 0; end < 2; end++) {
            int64_t width = left[end] < reach ? left[end] : reach;
            if (width) add[end] = mirrored(&m, *x, s, end, width);
            left[end] -= width;
        }
        CHK_TRY(ops_give(&y, &m, put(&m, add[0], *x, add[1], s->axis)));
        chk_node_release(*x);
        *x = y;
    }
    return CHUNK_OK;
}

/* x has one period; a part of it, so often, is the result. */
static chk_node *periodic(ops_maker *m, chk_node *x, const side *s)
{
    int a = s->axis;
    int64_t n = x->shape.dim[a], total = n + s->width[0] + s->width[1];
    chk_node *one = x, *made = NULL;
    if (s->mode == PAD_REFLECT && n > 2) one = put(m, NULL, x, ops_slice(m, x, a, n - 2, -1, n - 2), a);
    if (s->mode == PAD_SYMMETRIC) one = put(m, NULL, x, ops_slice(m, x, a, n - 1, -1, n), a);
    if (!one) return NULL;
    int64_t period = one->shape.dim[a], first = (period - s->width[0] % period) % period,
            times = (first + total + period - 1) / period;
    chk_shape all = x->shape;
    chk_view v = chk_view_identity(&one->shape);
    if (x->shape.ndim == CHK_MAX_NDIM) {
        m->st = chk_fail(m->err, CHUNK_EUNSUPPORTED, "pad: of %d dimensions no more than their length can be added", CHK_MAX_NDIM);
        return NULL;
    }
    for (int i = a; i < one->shape.ndim; i++) v.axis[i]++;
    memmove(v.shape.dim + a + 1, v.shape.dim + a, (size_t)(one->shape.ndim - a) * sizeof *v.shape.dim);
    v.shape.ndim++;
    v.shape.dim[a] = times;
    all.dim[a] = times * period;
    chk_node *over = ops_view(m, one, &v);
    over = over ? ops_own(m, ops_reshape(&made, m->b, over, &all, m->err), &made) : NULL;
    return over ? ops_slice(m, over, a, first, 1, total) : NULL;
}

static chk_node *shown_again(ops_maker *m, chk_node *x, const side *s)
{
    int64_t n = x->shape.dim[s->axis], reach = n - (s->mode == PAD_REFLECT);
    chk_node *add[2] = {NULL, NULL};
    if (s->width[0] > reach || s->width[1] > reach) return periodic(m, x, s);
    for (int end = 0; end < 2; end++) {
        int64_t w = s->width[end];
        if (w) add[end] = s->mode == PAD_WRAP ? ops_slice(m, x, s->axis, end ? 0 : n - w, 1, w) : mirrored(m, x, s, end, w);
    }
    return put(m, add[0], x, add[1], s->axis);
}

/* ---- an axis */

static chunk_status extend(chk_node **x, chk_builder *b, const side *s, chunk_error *err)
{
    int64_t n = (*x)->shape.dim[s->axis];
    bool mirror = s->mode == PAD_REFLECT || s->mode == PAD_SYMMETRIC;
    if (s->width[0] == 0 && s->width[1] == 0) return CHUNK_OK;
    if (n == 0 && s->mode != PAD_CONSTANT && s->mode != PAD_EMPTY)
        return chk_fail(err, CHUNK_EINVAL, "pad: axis %d is empty; only modes constant and empty extend it", s->axis);
    if (mirror && s->odd && n > 1) return odd_rounds(x, b, s, err);
    ops_maker m = ops_make(b, err);
    chk_node *add[2] = {NULL, NULL}, *y = NULL;
    if ((mirror && n > 1) || s->mode == PAD_WRAP) {
        y = shown_again(&m, *x, s);
    } else {
        for (int end = 0; end < 2 && m.st == CHUNK_OK; end++) {
            if (s->width[end] == 0) continue;
            switch (s->mode) {
            case PAD_CONSTANT:
            case PAD_EMPTY: add[end] = constant(&m, *x, s, end); break;
            case PAD_LINEAR_RAMP: add[end] = ramp(&m, *x, s, end); break;
            case PAD_MAXIMUM:
            case PAD_MEAN:
            case PAD_MEDIAN:
            case PAD_MINIMUM: add[end] = statistic(&m, *x, s, end); break;
            default: add[end] = wide(&m, edge(&m, *x, s->axis, end), s->axis, s->width[end]);
            }
        }
        y = m.st == CHUNK_OK ? put(&m, add[0], *x, add[1], s->axis) : NULL;
    }
    chk_node *longer;
    CHK_TRY(ops_give(&longer, &m, y));
    chk_node_release(*x);
    *x = longer;
    return CHUNK_OK;
}

static chunk_status mode_of(pad_mode *mode, const chk_value *v, chunk_error *err)
{
    *mode = PAD_CONSTANT;
    if (v->kind == CHK_VAL_MISSING) return CHUNK_OK;
    for (*mode = 0; v->kind == CHK_VAL_STRING && *mode < PAD_MODES; ++*mode)
        if (!strcmp(v->u.s, mode_name[*mode])) return CHUNK_OK;
    return chk_fail(err, CHUNK_ENAME,
                    "pad: mode must be 'constant', 'edge', 'linear_ramp', 'maximum', 'mean', 'median', 'minimum', 'reflect', "
                    "'symmetric', 'wrap' or 'empty'");
}

enum { ARG_X, ARG_WIDTH, ARG_MODE, ARG_STAT, ARG_CONSTANT, ARG_END, ARG_REFLECT };

static chunk_status build_pad(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    side s = {.axis = 0};
    CHK_TRY(mode_of(&s.mode, &args[ARG_MODE], err));
    bool mirror = s.mode == PAD_REFLECT || s.mode == PAD_SYMMETRIC, stat = s.mode >= PAD_MAXIMUM && s.mode <= PAD_MINIMUM;
    const bool has[] = {
        [ARG_STAT] = stat, [ARG_CONSTANT] = s.mode == PAD_CONSTANT, [ARG_END] = s.mode == PAD_LINEAR_RAMP, [ARG_REFLECT] = mirror};
    const chk_value *extra = NULL;
    for (int i = ARG_STAT; i <= ARG_REFLECT; i++) {
        if (args[i].kind == CHK_VAL_MISSING) continue;
        if (!has[i])
            return chk_fail(err, CHUNK_EINVAL, "pad: %s has no meaning in mode '%s'", op->params[i].name, mode_name[s.mode]);
        extra = &args[i];
    }
    if (mirror && extra) {
        s.odd = extra->kind == CHK_VAL_STRING && !strcmp(extra->u.s, "odd");
        if (!s.odd && (extra->kind != CHK_VAL_STRING || strcmp(extra->u.s, "even") != 0))
            return chk_fail(err, CHUNK_ENAME, "pad: reflect_type must be 'even' or 'odd'");
        extra = NULL;
    }
    chk_node *x;
    CHK_TRY(chk_value_node(&x, b, &args[ARG_X], op->name, err));
    chk_shape shape = x->shape;
    chunk_status st = CHUNK_OK;
    for (; s.axis < shape.ndim && st == CHUNK_OK; s.axis++) {
        const chk_value *width[2];
        st = pair_of(width, &args[ARG_WIDTH], s.axis, shape.ndim, "pad_width", err);
        s.each = extra && shape.ndim > 1 && extra->kind == CHK_VAL_TUPLE && extra->u.tuple.n == shape.ndim &&
                 of_list(extra->u.tuple.item)->kind == CHK_VAL_TUPLE;
        if (st == CHUNK_OK && extra) st = pair_of(s.value, extra, s.axis, shape.ndim, op->params[extra - args].name, err);
        for (int end = 0; end < 2 && st == CHUNK_OK; end++) {
            st = chk_value_int(&s.width[end], width[end], op->name, "pad_width", err);
            if (st == CHUNK_OK && s.width[end] < 0)
                st = chk_fail(err, CHUNK_EINVAL, "pad: widths must not be negative: %lld", (long long)s.width[end]);
            if (st == CHUNK_OK && __builtin_add_overflow(shape.dim[s.axis], s.width[end], &shape.dim[s.axis]))
                shape.dim[s.axis] = INT64_MAX;
        }
        if (st == CHUNK_OK && !chk_shape_fits(&shape))
            st = chk_fail(err, CHUNK_ESHAPE, "pad: the result has more than 2**63 bytes");
        if (st == CHUNK_OK) st = extend(&x, b, &s, err);
    }
    if (st == CHUNK_OK)
        *out = x;
    else
        chk_node_release(x);
    return st;
}

const chk_op chk_op_pad = {
    .name = "pad",
    .family = "manipulation",
    .summary = "x made longer at the ends of its axes",
    .doc = "pad_width: one width for all ends, (before, after) for all axes, or a pair for each axis. mode and what goes with it "
           "as in np.pad: constant "
           "(constant_values), edge, linear_ramp (end_values), maximum, mean, median and minimum (stat_length), reflect and "
           "symmetric (reflect_type 'even' or "
           "'odd'), wrap, empty (zeros). Axes are extended one after the other. Nothing is stored; costs what concat costs, a "
           "level an extended axis; statistics are "
           "reductions of their own, and a median holds whole lines along its axis.",
    .params = {OPS_X,
               {"pad_width", CHK_PAR_ANY, NULL, false},
               {"mode", CHK_PAR_STRING, "'constant'", false},
               {"stat_length", CHK_PAR_ANY, "None", true},
               {"constant_values", CHK_PAR_ANY, "0", true},
               {"end_values", CHK_PAR_ANY, "0", true},
               {"reflect_type", CHK_PAR_STRING, "'even'", true}},
    .build = build_pad,
};
