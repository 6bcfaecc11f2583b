/* creation.c: arrays out of nothing: constants are broadcast scalars, ranges are arithmetic on 0, 1, 2, ... Nothing is stored. */
#include <math.h>

#include "ops/make.h"

/* ---- zeros, ones, full */

static chunk_status filled(chk_node **out, chk_builder *b, const char *who, const chk_shape *shape, const chk_value *value,
                           bool given, chk_dtype d, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *v = ops_value(&m, value, who), *made;
    if (v && v->shape.ndim > 0 && given) {
        v = ops_cast(&m, v, d);
    } else if (v) {
        if (!given) d = ops_result_type(&v, 1);
        v = ops_own(&m, ops_fit(&made, b, v, d, err), &made);
        if (v) v = ops_cast(&m, v, d);
    }
    return ops_give(out, &m, v ? ops_spread(&m, v, shape) : NULL);
}

static const chk_value zero = {.kind = CHK_VAL_INT}, one = {.kind = CHK_VAL_INT, .u.i.i = 1};

static chunk_status build_filled(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_shape shape;
    chk_dtype d = CHK_F64;
    bool given;
    CHK_TRY(ops_arg_shape(&shape, &args[0], op->name, err));
    CHK_TRY(ops_arg_dtype(&d, &given, &args[1], op->name, err));
    return filled(out, b, op->name, &shape, op->flags ? &one : &zero, true, d, err);
}

static chunk_status build_full(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_shape shape;
    chk_dtype d = CHK_F64;
    bool given;
    CHK_TRY(ops_arg_shape(&shape, &args[0], op->name, err));
    CHK_TRY(ops_arg_dtype(&d, &given, &args[2], op->name, err));
    return filled(out, b, op->name, &shape, &args[1], given, d, err);
}

/* flags: 0, 1, or 2 for the argument. */
static chunk_status build_like(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    bool given;
    bool takes_value = op->flags == 2;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chk_dtype d = ops_result_type(&x, 1);
    chunk_status st = ops_arg_dtype(&d, &given, &args[takes_value ? 2 : 1], op->name, err);
    if (st == CHUNK_OK) st = filled(out, b, op->name, &x->shape, takes_value ? &args[1] : op->flags ? &one : &zero, true, d, err);
    chk_node_release(x);
    return st;
}

#define CREATION .family = "creation"
#define SHAPE                                                                                                                      \
    {                                                                                                                              \
        "shape", CHK_PAR_SHAPE, NULL, false                                                                                        \
    }
#define PLAIN_DTYPE                                                                                                                \
    {                                                                                                                              \
        "dtype", CHK_PAR_DTYPE, "None", false                                                                                      \
    }

const chk_op chk_op_zeros = {
    .name = "zeros",
    .summary = "An array of zeros",
    CREATION,
    .params = {SHAPE, {"dtype", CHK_PAR_DTYPE, "float64", false}},
    .build = build_filled,
};
const chk_op chk_op_ones = {
    .name = "ones",
    .summary = "An array of ones",
    CREATION,
    .params = {SHAPE, {"dtype", CHK_PAR_DTYPE, "float64", false}},
    .flags = 1,
    .build = build_filled,
};
const chk_op chk_op_full = {
    .name = "full",
    .summary = "An array of one value",
    CREATION,
    .params = {SHAPE, {"fill_value", CHK_PAR_ARRAY, NULL, false}, PLAIN_DTYPE},
    .build = build_full,
};
const chk_op chk_op_zeros_like = {
    .name = "zeros_like",
    .summary = "Zeros of the shape and dtype of x",
    CREATION,
    .params = {OPS_X, PLAIN_DTYPE},
    .build = build_like,
};
const chk_op chk_op_ones_like = {
    .name = "ones_like",
    .summary = "Ones of the shape and dtype of x",
    CREATION,
    .params = {OPS_X, PLAIN_DTYPE},
    .flags = 1,
    .build = build_like,
};
const chk_op chk_op_full_like = {
    .name = "full_like",
    .summary = "One value in the shape and dtype of x",
    CREATION,
    .params = {OPS_X, {"fill_value", CHK_PAR_ARRAY, NULL, false}, PLAIN_DTYPE},
    .flags = 2,
    .build = build_like,
};

/* ---- arange */

typedef struct range {
    bool whole; /* all of start, stop, step are integers */
    int64_t istart, istep;
    double start, step;
    int64_t n;
} range;

static bool is_whole(const chk_value *v)
{
    if (v->kind != CHK_VAL_NODE) return v->kind == CHK_VAL_INT || v->kind == CHK_VAL_BOOL || ops_absent(v);
    chk_kind k = chk_dtype_kind(v->u.node->dtype);
    return k == CHK_KIND_BOOL || k == CHK_KIND_INT || k == CHK_KIND_UINT;
}

static chunk_status whole_range(range *r, const chk_value *start, const chk_value *stop, const chk_value *step, chunk_error *err)
{
    int64_t end;
    CHK_TRY(ops_arg_int(&r->istart, start, 0, "arange", "start", err));
    CHK_TRY(ops_arg_int(&end, stop, 0, "arange", "stop", err));
    CHK_TRY(ops_arg_int(&r->istep, step, 1, "arange", "step", err));
    if (r->istep == 0) return chk_fail(err, CHUNK_EINVAL, "arange: step is 0");
    __int128 way = (__int128)end - r->istart, by = r->istep;
    __int128 n = (way > 0) == (by > 0) && way ? (way + (by > 0 ? by - 1 : by + 1)) / by : 0;
    r->n = n > INT64_MAX ? INT64_MAX : (int64_t)n;
    r->start = (double)r->istart;
    r->step = (double)r->istep;
    return CHUNK_OK;
}

static chunk_status real_range(range *r, const chk_value *start, const chk_value *stop, const chk_value *step, chunk_error *err)
{
    double end;
    CHK_TRY(ops_arg_real(&r->start, start, 0, "arange", "start", err));
    CHK_TRY(ops_arg_real(&end, stop, 0, "arange", "stop", err));
    CHK_TRY(ops_arg_real(&r->step, step, 1, "arange", "step", err));
    double n = ceil((end - r->start) / r->step);
    if (!isfinite(n) || n >= 9e18)
        return chk_fail(err, CHUNK_EINVAL, "arange: from %g to %g by %g is no finite range", r->start, end, r->step);
    r->n = n > 0 ? (int64_t)n : 0;
    return CHUNK_OK;
}

static chk_node *range_item(ops_maker *m, const range *r, bool second, chk_dtype d)
{
    if (!r->whole) return ops_number(m, d, second ? r->start + r->step : r->start);
    return ops_whole(m, d, second ? (int64_t)((uint64_t)r->istart + (uint64_t)r->istep) : r->istart);
}

/* NumPy's values: the first two are start and start + step in dtype d; the difference of these two, times i, is added to the first. */
static chunk_status arange_of(chk_node **out, chk_builder *b, const range *r, chk_dtype d, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_dtype compute = d == CHK_F16 ? CHK_F32 : d;
    chk_node *v0 = ops_cast(&m, range_item(&m, r, false, d), compute),
             *v1 = m.st == CHUNK_OK ? ops_cast(&m, range_item(&m, r, true, d), compute) : NULL;
    chk_node *delta = ops_apply(&m, CHK_FN_SUB, compute, v1, v0, NULL);
    chk_node *i = ops_cast(&m, ops_iota(&m, r->n), compute);
    chk_node *x = ops_apply(&m, CHK_FN_ADD, compute, ops_apply(&m, CHK_FN_MUL, compute, i, delta, NULL), v0, NULL);
    /* Where start + (v1 - start) rounds away from v1, the second value is v1 all the same. */
    chk_node *again = ops_apply(&m, CHK_FN_ADD, compute, delta, v0, NULL);
    if (m.st == CHUNK_OK && r->n > 1 && again != v1)
        x = ops_apply(&m, CHK_FN_WHERE, compute,
                      ops_apply(&m, CHK_FN_EQ, CHK_I64, ops_iota(&m, r->n), ops_whole(&m, CHK_I64, 1), NULL), v1, x);
    return ops_give(out, &m, m.st == CHUNK_OK ? ops_cast(&m, x, d) : NULL);
}

static chunk_status build_arange(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    bool only_stop = ops_absent(&args[1]), given;
    const chk_value *start = only_stop ? &args[1] : &args[0], *stop = only_stop ? &args[0] : &args[1], *step = &args[2];
    range r = {.whole = is_whole(start) && is_whole(stop) && is_whole(step)};
    chk_dtype d = r.whole ? CHK_I64 : CHK_F64;
    CHK_TRY(r.whole ? whole_range(&r, start, stop, step, err) : real_range(&r, start, stop, step, err));
    CHK_TRY(ops_arg_dtype(&d, &given, &args[3], op->name, err));
    if (r.n > INT64_MAX / 16) return chk_fail(err, CHUNK_ESHAPE, "arange: %lld elements are more than 2**63 bytes", (long long)r.n);
    if (d == CHK_BOOL) return chk_fail(err, CHUNK_ETYPE, "arange: not defined for bool");
    return arange_of(out, b, &r, d, err);
}

const chk_op chk_op_arange = {
    .name = "arange",
    .summary = "start, start + step, ... up to but without stop; arange(stop) begins at 0",
    CREATION,
    .params = {{"start", CHK_PAR_NUMBER, NULL, false},
               {"stop", CHK_PAR_NUMBER, "None", false},
               {"step", CHK_PAR_NUMBER, "1", false},
               PLAIN_DTYPE},
    .build = build_arange,
    .doc = "Integers give int64, else float64. Element i is start + i * step, with one rounding each.",
};

/* ---- linspace */

typedef struct line {
    double start[2], stop[2];
    bool is_complex;
} line;

static chunk_status line_end(double out[2], bool *is_complex, const chk_value *v, const char *what, chunk_error *err)
{
    if (v->kind == CHK_VAL_COMPLEX) {
        out[0] = v->u.c[0];
        out[1] = v->u.c[1];
        *is_complex = true;
        return CHUNK_OK;
    }
    out[1] = 0;
    return ops_arg_real(&out[0], v, 0, "linspace", what, err);
}

static chk_node *line_number(ops_maker *m, const double v[2], chk_dtype d)
{
    if (d != CHK_C128) return ops_number(m, d, v[0]);
    chk_scalar s = {.dtype = CHK_C128, .v.c128 = {v[0], v[1]}};
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, chk_node_scalar(&made, m->b, &s, false, m->err), &made);
}

/* NumPy's order of operations: i * (delta / div) + start, or i / div * delta + start where the step underflows to 0; the last one is stop. */
static chunk_status linspace_of(chk_node **out, chk_builder *b, const line *l, int64_t num, bool endpoint, chk_dtype result,
                                chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_dtype d = l->is_complex ? CHK_C128 : CHK_F64;
    int64_t div = endpoint ? num - 1 : num;
    double gap[2] = {l->stop[0] - l->start[0], l->stop[1] - l->start[1]}, step[2] = {gap[0], gap[1]};
    if (div > 0) {
        step[0] /= (double)div;
        step[1] /= (double)div;
    }
    bool flat = div > 0 && step[0] == 0 && step[1] == 0;
    chk_node *i = ops_cast(&m, ops_iota(&m, num), d), *start = line_number(&m, l->start, d);
    if (flat) i = ops_apply(&m, CHK_FN_DIV, d, i, ops_number(&m, d, (double)div), NULL);
    chk_node *x =
        ops_apply(&m, CHK_FN_ADD, d, ops_apply(&m, CHK_FN_MUL, d, i, line_number(&m, flat ? gap : step, d), NULL), start, NULL);
    if (endpoint && num > 1) {
        chk_node *last = ops_apply(&m, CHK_FN_EQ, CHK_I64, ops_iota(&m, num), ops_whole(&m, CHK_I64, num - 1), NULL);
        x = ops_apply(&m, CHK_FN_WHERE, d, last, line_number(&m, l->stop, d), x);
    }
    chk_kind k = chk_dtype_kind(result);
    if (!l->is_complex && (k == CHK_KIND_INT || k == CHK_KIND_UINT)) x = ops_apply(&m, CHK_FN_FLOOR, d, x, NULL, NULL);
    return ops_give(out, &m, m.st == CHUNK_OK ? ops_cast(&m, x, result) : NULL);
}

static chunk_status build_linspace(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    line l = {.is_complex = false};
    int64_t num;
    bool endpoint, given;
    CHK_TRY(line_end(l.start, &l.is_complex, &args[0], "start", err));
    CHK_TRY(line_end(l.stop, &l.is_complex, &args[1], "stop", err));
    CHK_TRY(ops_arg_int(&num, &args[2], 50, op->name, "num", err));
    CHK_TRY(ops_arg_bool(&endpoint, &args[3], true, op->name, "endpoint", err));
    if (num < 0 || num > INT64_MAX / 16)
        return chk_fail(err, CHUNK_ESHAPE, "linspace: num must lie between 0 and 2**59, got %lld", (long long)num);
    chk_dtype d = l.is_complex ? CHK_C128 : CHK_F64;
    CHK_TRY(ops_arg_dtype(&d, &given, &args[4], op->name, err));
    return linspace_of(out, b, &l, num, endpoint, d, err);
}

const chk_op chk_op_linspace = {
    .name = "linspace",
    .summary = "num evenly spaced values from start to stop",
    CREATION,
    .params = {{"start", CHK_PAR_NUMBER, NULL, false},
               {"stop", CHK_PAR_NUMBER, NULL, false},
               {"num", CHK_PAR_INT, "50", false},
               {"endpoint", CHK_PAR_BOOL, "True", false},
               PLAIN_DTYPE},
    .build = build_linspace,
    .doc = "The last value is stop itself, unless endpoint is False.",
};

/* ---- eye */

static chunk_status build_eye(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int64_t rows, cols, k;
    chk_dtype d;
    CHK_TRY(ops_arg_matrix(&rows, &cols, &k, &d, args, op->name, err));
    if (k > cols) k = cols;
    if (k < -rows) k = -rows;
    ops_maker m = ops_make(b, err);
    chk_shape column = {.ndim = 2, .dim = {rows, 1}};
    chk_view down = {.shape = column, .base_ndim = 1, .axis = {0}, .off = {0}, .step = {1}};
    chk_node *i = ops_view(&m, ops_iota(&m, rows), &down), *j = ops_iota(&m, cols);
    chk_node *on =
        ops_apply(&m, CHK_FN_EQ, CHK_I64, ops_apply(&m, CHK_FN_ADD, CHK_I64, i, ops_whole(&m, CHK_I64, k), NULL), j, NULL);
    return ops_give(out, &m, m.st == CHUNK_OK ? ops_cast(&m, on, d) : NULL);
}

const chk_op chk_op_eye = {
    .name = "eye",
    .aliases = "identity",
    .summary = "Ones on a diagonal, zeros elsewhere",
    CREATION,
    .params = {{"n_rows", CHK_PAR_INT, NULL, false},
               {"n_cols", CHK_PAR_INT, "None", false},
               {"k", CHK_PAR_INT, "0", false},
               {"dtype", CHK_PAR_DTYPE, "float64", false}},
    .build = build_eye,
};
