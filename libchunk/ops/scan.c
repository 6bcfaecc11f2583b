/* scan.c: what runs along an axis: sums, products and extremes so far, gaps filled, exponentially weighted means.
 *
 * One node for all (plan/scan.h), with three parameters: the axis, flags, and the limit or alpha. The order is the axis's own, so results are NumPy's
 * to the bit, floats too. */
#include "plan/scan.h"

#include <math.h>
#include <string.h>

#include "ops/make.h"

enum { EXCLUSIVE = 1, BACKWARDS = 2, ADJUST = 4, IGNORE_NA = 8, ALL_FLAGS = 15 };
enum { N_ATTR = 3 };

/* chk_op.flags of the operations here */
static chk_scan scan_of(const chk_op *op) { return (chk_scan)op->flags; }

static double alpha_of(int64_t bits)
{
    double alpha;
    memcpy(&alpha, &bits, sizeof alpha);
    return alpha;
}

static chunk_status check_attr(const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr, int n_attr, chunk_error *err)
{
    chk_scan scan = scan_of(op);
    if (n_in != 1 || n_attr != N_ATTR || attr[1] < 0 || attr[1] > ALL_FLAGS)
        return chk_fail(err, CHUNK_EINVAL, "%s: one array and %d parameters are needed", op->name, N_ATTR);
    if (attr[0] < 0 || attr[0] >= in[0]->shape.ndim)
        return chk_fail(err, CHUNK_EINDEX, "%s: axis %lld is out of range for %d dimensions", op->name, (long long)attr[0],
                        in[0]->shape.ndim);
    bool sums = scan == CHK_SCAN_ADD || scan == CHK_SCAN_MUL;
    int64_t can = sums ? EXCLUSIVE : scan == CHK_SCAN_FILL ? BACKWARDS : scan == CHK_SCAN_EWM ? ADJUST | IGNORE_NA : 0;
    if (attr[1] & ~can) return chk_fail(err, CHUNK_EINVAL, "%s: flags %lld are not its own", op->name, (long long)attr[1]);
    if (scan == CHK_SCAN_FILL && attr[2] < 1)
        return chk_fail(err, CHUNK_EINVAL, "%s: limit must be at least 1, got %lld", op->name, (long long)attr[2]);
    if (scan == CHK_SCAN_EWM && !(alpha_of(attr[2]) > 0 && alpha_of(attr[2]) <= 1))
        return chk_fail(err, CHUNK_EINVAL, "%s: alpha must be above 0 and at most 1, got %g", op->name, alpha_of(attr[2]));
    if (!chk_scan_find(scan, in[0]->dtype))
        return chk_fail(err, CHUNK_ETYPE, "%s is not defined for %s", op->name, chk_dtype_name(in[0]->dtype));
    return CHUNK_OK;
}

static chunk_status make_scan(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                              int n_attr, chunk_error *err)
{
    CHK_TRY(check_attr(op, in, n_in, attr, n_attr, err));
    chk_shape shape = in[0]->shape;
    int axis = (int)attr[0];
    if (!(attr[1] & EXCLUSIVE)) return chk_node_custom(out, b, op, attr, n_attr, in[0]->dtype, &shape, NULL, in, 1, err);
    if (__builtin_add_overflow(shape.dim[axis], 1, &shape.dim[axis]))
        return chk_fail(err, CHUNK_ESHAPE, "%s: the result is too long", op->name);
    chk_grid grid = {.ndim = shape.ndim};
    for (int a = 0; a < shape.ndim; a++) grid.axis[a] = chk_node_axis_like(shape.dim[a], in[0], a);
    return chk_node_custom(out, b, op, attr, n_attr, in[0]->dtype, &shape, &grid, in, 1, err);
}

static chunk_status lower_scan(chk_plan_builder *b, const chk_node *n, chunk_error *err)
{
    const int64_t *attr = n->u.custom.attr;
    chk_scan_spec spec = {.scan = scan_of(n->u.custom.op),
                          .axis = (int)attr[0],
                          .exclusive = attr[1] & EXCLUSIVE,
                          .backwards = attr[1] & BACKWARDS,
                          .adjust = attr[1] & ADJUST,
                          .ignore_na = attr[1] & IGNORE_NA,
                          .limit = attr[2],
                          .alpha = alpha_of(attr[2])};
    int64_t start = spec.scan == CHK_SCAN_MUL;
    const void *in[1] = {&start};
    chk_kern_cast(CHK_I64, n->dtype)(spec.start.v.bytes, in, 1);
    return chk_scan_lower(b, n, &spec, err);
}

/* ---- from arguments */

/* The array, and the axis of an argument: None is the only axis there is; numbers count as arrays of one element. */
static chk_node *array_and_axis(ops_maker *m, const chk_op *op, const chk_value *x, const chk_value *axis, int64_t dflt,
                                int64_t *out)
{
    chk_node *n = ops_value(m, x, op->name);
    if (n && n->weak) n = ops_cast(m, n, ops_result_type(&n, 1));
    if (!n) return NULL;
    if (n->shape.ndim == 0 && ops_absent(axis)) {
        chk_view one = {.shape = {.ndim = 1, .dim = {1}}};
        n = ops_view(m, n, &one);
    }
    if (!n) return NULL;
    int at = 0;
    if (!ops_absent(axis) || dflt != 0)
        m->st = ops_arg_int(&dflt, axis, dflt, op->name, "axis", m->err);
    else if (n->shape.ndim > 1)
        m->st = chk_fail(m->err, CHUNK_EINVAL, "%s: x has %d dimensions: say along which axis", op->name, n->shape.ndim);
    if (m->st == CHUNK_OK) m->st = chk_axis_normal(&at, dflt, n->shape.ndim, op->name, m->err);
    *out = at;
    return n;
}

static chk_node *make(ops_maker *m, const chk_op *op, chk_node *x, const int64_t *attr)
{
    chk_node *made = NULL;
    return m->st != CHUNK_OK ? NULL : ops_own(m, make_scan(&made, m->b, op, &x, 1, attr, N_ATTR, m->err), &made);
}

/* NaN replaced. */
static chk_node *without_nan(ops_maker *m, chk_node *x, double by)
{
    if (!x || ops_is_whole(x->dtype)) return x;
    return ops_apply(m, CHK_FN_WHERE, x->dtype, ops_apply(m, CHK_FN_ISNAN, x->dtype, x, NULL, NULL), ops_number(m, x->dtype, by),
                     x);
}

/* Sums and products: x, axis, dtype, include_initial. The nan forms are those of x with 0 or 1 for NaN. */
static chunk_status build_cumulative(chk_node **out, chk_builder *b, const chk_op *op, const chk_op *plain, bool skips_nan,
                                     const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    int64_t attr[N_ATTR] = {0};
    chk_node *x = array_and_axis(&m, op, &args[0], &args[1], 0, &attr[0]);
    chk_dtype dtype = CHK_F64;
    bool given = false, initial = false;
    if (m.st == CHUNK_OK) m.st = ops_arg_dtype(&dtype, &given, &args[2], op->name, err);
    if (m.st == CHUNK_OK && !skips_nan) m.st = ops_arg_bool(&initial, &args[3], false, op->name, "include_initial", err);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    if (skips_nan) x = without_nan(&m, x, scan_of(plain) == CHK_SCAN_MUL);
    if (x && !given) {
        chk_kind kind = chk_dtype_kind(x->dtype);
        dtype = kind == CHK_KIND_BOOL || kind == CHK_KIND_INT ? CHK_I64 : kind == CHK_KIND_UINT ? CHK_U64 : x->dtype;
    }
    if (initial) attr[1] = EXCLUSIVE;
    return ops_give(out, &m, make(&m, plain, ops_cast(&m, x, dtype), attr));
}

static chunk_status build_plain(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return build_cumulative(out, b, op, op, false, args, err);
}

static chunk_status build_extreme(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    int64_t attr[N_ATTR] = {0};
    chk_node *x = array_and_axis(&m, op, &args[0], &args[1], 0, &attr[0]);
    return ops_give(out, &m, make(&m, op, x, attr));
}

#define AXIS                                                                                                                       \
    {                                                                                                                              \
        "axis", CHK_PAR_INT, "None", false                                                                                         \
    }
#define LAST_AXIS                                                                                                                  \
    {                                                                                                                              \
        "axis", CHK_PAR_INT, "-1", false                                                                                           \
    }
#define INITIAL                                                                                                                    \
    {                                                                                                                              \
        "include_initial", CHK_PAR_BOOL, "False", true                                                                             \
    }
#define SCAN .family = "scan", .make = make_scan, .lower = lower_scan
#define SUM_DOC                                                                                                                    \
    "Strictly one element after the other, so with NumPy's bits, floats too. int8 to int32 and bool count in int64, unsigned "     \
    "ones in uint64, wrapping; "                                                                                                   \
    "dtype says otherwise. axis may be left out where there is only one. include_initial puts the value before the first element " \
    "in front. "                                                                                                                   \
    "Reads once and writes once; memory: a tile a worker and the states of up to 64 lines of tiles, about 1 MiB."

const chk_op chk_op_cumulative_sum = {
    .name = "cumulative_sum",
    .aliases = "cumsum",
    .summary = "The sum of the elements so far along an axis",
    SCAN,
    .params = {OPS_X, AXIS, OPS_DTYPE, INITIAL},
    .flags = CHK_SCAN_ADD,
    .build = build_plain,
    .doc = SUM_DOC,
};
const chk_op chk_op_cumulative_prod = {
    .name = "cumulative_prod",
    .aliases = "cumprod",
    .summary = "The product of the elements so far along an axis",
    SCAN,
    .params = {OPS_X, AXIS, OPS_DTYPE, INITIAL},
    .flags = CHK_SCAN_MUL,
    .build = build_plain,
    .doc = SUM_DOC,
};

static chunk_status build_nansum(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return build_cumulative(out, b, op, &chk_op_cumulative_sum, true, args, err);
}

static chunk_status build_nanprod(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return build_cumulative(out, b, op, &chk_op_cumulative_prod, true, args, err);
}

const chk_op chk_op_nancumsum = {
    .name = "nancumsum",
    .summary = "The sum of the elements so far along an axis, NaN as 0",
    .family = "scan",
    .params = {OPS_X, AXIS, OPS_DTYPE},
    .build = build_nansum,
    .doc = "cumulative_sum of x with 0 for NaN.",
};
const chk_op chk_op_nancumprod = {
    .name = "nancumprod",
    .summary = "The product of the elements so far along an axis, NaN as 1",
    .family = "scan",
    .params = {OPS_X, AXIS, OPS_DTYPE},
    .build = build_nanprod,
    .doc = "cumulative_prod of x with 1 for NaN.",
};
const chk_op chk_op_cummin = {
    .name = "cummin",
    .summary = "The smallest element so far along an axis; NaN wins",
    SCAN,
    .params = {OPS_X, AXIS},
    .flags = CHK_SCAN_MIN,
    .build = build_extreme,
    .doc = "numpy.minimum.accumulate. Not for complex numbers, which have no order here.",
};
const chk_op chk_op_cummax = {
    .name = "cummax",
    .summary = "The largest element so far along an axis; NaN wins",
    SCAN,
    .params = {OPS_X, AXIS},
    .flags = CHK_SCAN_MAX,
    .build = build_extreme,
    .doc = "numpy.maximum.accumulate. Not for complex numbers, which have no order here.",
};

/* Without NaN there is nothing to pass over. */
static chunk_status build_nan_extreme(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    int64_t attr[N_ATTR] = {0};
    chk_node *x = array_and_axis(&m, op, &args[0], &args[1], 0, &attr[0]);
    const chk_op *plain = scan_of(op) == CHK_SCAN_FMIN ? &chk_op_cummin : &chk_op_cummax;
    return ops_give(out, &m, make(&m, x && ops_is_whole(x->dtype) ? plain : op, x, attr));
}

const chk_op chk_op_nancummin = {
    .name = "nancummin",
    .summary = "The smallest element so far along an axis that is not NaN",
    SCAN,
    .params = {OPS_X, AXIS},
    .flags = CHK_SCAN_FMIN,
    .build = build_nan_extreme,
    .doc = "numpy.fmin.accumulate: NaN only where nothing else has come yet.",
};
const chk_op chk_op_nancummax = {
    .name = "nancummax",
    .summary = "The largest element so far along an axis that is not NaN",
    SCAN,
    .params = {OPS_X, AXIS},
    .flags = CHK_SCAN_FMAX,
    .build = build_nan_extreme,
    .doc = "numpy.fmax.accumulate: NaN only where nothing else has come yet.",
};

/* ---- gaps */

static chunk_status build_gaps(chk_node **out, chk_builder *b, const chk_op *op, const chk_op *fill, int64_t flags,
                               const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    int64_t attr[N_ATTR] = {0, flags, INT64_MAX};
    chk_node *x = array_and_axis(&m, op, &args[0], &args[1], -1, &attr[0]);
    if (m.st == CHUNK_OK) m.st = ops_arg_int(&attr[2], &args[2], INT64_MAX, op->name, "limit", err);
    if (m.st == CHUNK_OK && attr[2] < 1)
        m.st = chk_fail(err, CHUNK_EINVAL, "%s: limit must be at least 1, got %lld", op->name, (long long)attr[2]);
    return ops_give(out, &m, x && ops_is_whole(x->dtype) ? x : make(&m, fill, x, attr));
}

static chunk_status build_ffill(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return build_gaps(out, b, op, op, 0, args, err);
}

const chk_op chk_op_ffill = {
    .name = "ffill",
    .summary = "x with the last value along an axis in place of NaN",
    SCAN,
    .params = {OPS_X, LAST_AXIS, {"limit", CHK_PAR_INT, "None", false}},
    .flags = CHK_SCAN_FILL,
    .build = build_ffill,
    .doc = "limit: at most so many NaN in a row are filled. NaN before the first value stay. Integers have none and come back as "
           "they are. "
           "As xarray's ffill and bottleneck's push.",
};

static chunk_status build_bfill(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return build_gaps(out, b, op, &chk_op_ffill, BACKWARDS, args, err);
}

const chk_op chk_op_bfill = {
    .name = "bfill",
    .summary = "x with the next value along an axis in place of NaN",
    .family = "scan",
    .params = {OPS_X, LAST_AXIS, {"limit", CHK_PAR_INT, "None", false}},
    .build = build_bfill,
    .doc = "ffill from the end: NaN behind the last value stay.",
};

/* ---- exponentially weighted means */

/* alpha from the one of com, span, halflife and alpha that is given. */
static chunk_status read_alpha(double *alpha, const chk_value *args, chunk_error *err)
{
    static const char *const names[] = {"com", "span", "halflife", "alpha"};
    int which = -1, n_given = 0;
    double v = 0;
    for (int i = 0; i < 4; i++) {
        if (ops_absent(&args[i])) continue;
        which = i;
        n_given++;
        CHK_TRY(ops_arg_real(&v, &args[i], 0, "ewm_mean", names[i], err));
    }
    if (n_given != 1)
        return chk_fail(err, CHUNK_EINVAL, "ewm_mean: give exactly one of com, span, halflife and alpha (%d are given)", n_given);
    static const struct {
        double least;
        bool allowed;
        const char *text;
    } range[] = {{0, true, "at least 0"}, {1, true, "at least 1"}, {0, false, "above 0"}, {0, false, "above 0 and at most 1"}};
    if (!(v > range[which].least || (v == range[which].least && range[which].allowed)) || (which == 3 && v > 1) || isinf(v))
        return chk_fail(err, CHUNK_EINVAL, "ewm_mean: %s must be %s, got %g", names[which], range[which].text, v);
    double com = which == 0   ? v
                 : which == 1 ? (v - 1) / 2
                 : which == 2 ? 1 / (1 - exp(log(0.5) / v)) - 1
                              : (1 - v) / v; /* pandas' way */
    *alpha = 1 / (1 + com);
    return CHUNK_OK;
}

static chunk_status build_ewm(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    int64_t attr[N_ATTR] = {0};
    bool adjust = true, ignore_na = false;
    double alpha = 1;
    chk_node *x = array_and_axis(&m, op, &args[0], &args[7], -1, &attr[0]);
    if (m.st == CHUNK_OK) m.st = read_alpha(&alpha, &args[1], err);
    if (m.st == CHUNK_OK) m.st = ops_arg_bool(&adjust, &args[5], true, op->name, "adjust", err);
    if (m.st == CHUNK_OK) m.st = ops_arg_bool(&ignore_na, &args[6], false, op->name, "ignore_na", err);
    if (m.st == CHUNK_OK && chk_dtype_kind(x->dtype) == CHK_KIND_COMPLEX) m.st = ops_not_for(op, x->dtype, err);
    attr[1] = (adjust ? ADJUST : 0) | (ignore_na ? IGNORE_NA : 0);
    memcpy(&attr[2], &alpha, sizeof alpha);
    return ops_give(out, &m, make(&m, op, ops_cast(&m, x, CHK_F64), attr));
}

const chk_op chk_op_ewm_mean = {
    .name = "ewm_mean",
    .summary = "Exponentially weighted mean so far along an axis",
    SCAN,
    .params = {OPS_X,
               {"com", CHK_PAR_NUMBER, "None", true},
               {"span", CHK_PAR_NUMBER, "None", true},
               {"halflife", CHK_PAR_NUMBER, "None", true},
               {"alpha", CHK_PAR_NUMBER, "None", true},
               {"adjust", CHK_PAR_BOOL, "True", true},
               {"ignore_na", CHK_PAR_BOOL, "False", true},
               {"axis", CHK_PAR_INT, "-1", true}},
    .flags = CHK_SCAN_EWM,
    .build = build_ewm,
    .doc = "As pandas' ewm(...).mean(): alpha = 1/(1 + com) = 2/(1 + span) = 1 - exp(-ln 2 / halflife). adjust: weights (1 - "
           "alpha)^k, divided by their sum; else "
           "y = (1 - alpha) y + alpha x. NaN leave the mean as it is; weights count them as steps unless ignore_na; infinities are "
           "values, which pandas takes for NaN. float64.",
};
