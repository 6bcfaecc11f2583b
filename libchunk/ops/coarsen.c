/* coarsen.c: a reduction of each group of neighbouring elements, as dask.array.coarsen has it. */
#include "ops/coarsen.h"

#include <string.h>

#include "ops/make.h"

/* Chunks of fewer results, made of fewer elements, are joined. */
enum { LEAST_RESULTS = 8192, LEAST_ELEMENTS = 256 << 10 };

static chunk_status check(chk_node *const *in, int n_in, const int64_t *attr, int n_attr, chunk_error *err)
{
    if (n_in != 1 || n_attr != COARSEN_FACTORS + in[0]->shape.ndim || n_attr == COARSEN_FACTORS)
        return chk_fail(err, CHUNK_EINVAL, "coarsen: an array with dimensions is needed, a reduction, and a factor for each");
    int64_t red = attr[COARSEN_RED];
    if (red < 0 || red >= CHK_NRED || (red >= CHK_RED_ARGMIN && red <= CHK_RED_NANARGMAX))
        return chk_fail(err, CHUNK_EINVAL, "coarsen: there is no reduction %lld here", (long long)red);
    if (!chk_red_find((chk_red)red, in[0]->dtype))
        return chk_fail(err, CHUNK_ETYPE, "coarsen: %s is not defined for %s", chk_red_name((chk_red)red),
                        chk_dtype_name(in[0]->dtype));
    for (int a = 0; a < in[0]->shape.ndim; a++) {
        int64_t f = attr[COARSEN_FACTORS + a], n = in[0]->shape.dim[a];
        if (f < 1) return chk_fail(err, CHUNK_EINVAL, "coarsen: the factor of axis %d is %lld: give at least 1", a, (long long)f);
        if (n % f)
            return chk_fail(
                err, CHUNK_ESHAPE,
                "coarsen: axis %d has %lld elements, which is no multiple of %lld: trim_excess=True leaves out the last %lld", a,
                (long long)n, (long long)f, (long long)(n % f));
    }
    return CHUNK_OK;
}

/* Chunks of whole groups, and not too small ones. */
static void choose_grid(chk_grid *grid, const chk_node *in, const int64_t *factor, const chk_shape *shape)
{
    int64_t chunk[CHK_MAX_NDIM], count = 1, group = 1;
    for (int a = 0; a < shape->ndim; a++) {
        int64_t most = chk_axis_max_chunk(&in->grid.axis[a]);
        chunk[a] = most > 0 ? (most + factor[a] - 1) / factor[a] : 1;
        count *= chunk[a];
        if (__builtin_mul_overflow(group, factor[a], &group)) group = INT64_MAX;
    }
    int64_t least = LEAST_ELEMENTS / group;
    if (least > LEAST_RESULTS) least = LEAST_RESULTS;
    grid->ndim = shape->ndim;
    for (int a = shape->ndim - 1; a >= 0; a--) {
        int64_t times = (least + count - 1) / count, fits = (shape->dim[a] + chunk[a] - 1) / chunk[a];
        if (times > fits) times = fits;
        bool grow = times > 1 && count < least;
        if (grow) {
            chunk[a] *= times;
            count *= times;
        }
        grid->axis[a] = factor[a] == 1 && !grow ? in->grid.axis[a] : chk_axis_regular(shape->dim[a], chunk[a]);
    }
}

static chunk_status make_coarsen(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                 const int64_t *attr, int n_attr, chunk_error *err)
{
    CHK_TRY(check(in, n_in, attr, n_attr, err));
    chk_shape shape = in[0]->shape;
    chk_grid grid;
    for (int a = 0; a < shape.ndim; a++) shape.dim[a] /= attr[COARSEN_FACTORS + a];
    choose_grid(&grid, in[0], attr + COARSEN_FACTORS, &shape);
    return chk_node_custom(out, b, op, attr, n_attr, chk_red_out_dtype((chk_red)attr[COARSEN_RED], in[0]->dtype), &shape, &grid, in,
                           1, err);
}

/* ---- from arguments */

typedef enum kind { SUM, EXTREME, TRUTH, MEAN, VAR, STD } kind;
static const struct {
    const char *name;
    chk_red red, plain; /* plain: for dtypes without NaN */
    kind kind;
} reductions[] = {
    {"sum", CHK_RED_SUM, CHK_RED_SUM, SUM},
    {"nansum", CHK_RED_NANSUM, CHK_RED_SUM, SUM},
    {"prod", CHK_RED_PROD, CHK_RED_PROD, SUM},
    {"nanprod", CHK_RED_NANPROD, CHK_RED_PROD, SUM},
    {"min", CHK_RED_MIN, CHK_RED_MIN, EXTREME},
    {"nanmin", CHK_RED_FMIN, CHK_RED_MIN, EXTREME},
    {"max", CHK_RED_MAX, CHK_RED_MAX, EXTREME},
    {"nanmax", CHK_RED_FMAX, CHK_RED_MAX, EXTREME},
    {"any", CHK_RED_ANY, CHK_RED_ANY, TRUTH},
    {"all", CHK_RED_ALL, CHK_RED_ALL, TRUTH},
    {"count_nonzero", CHK_RED_COUNT, CHK_RED_COUNT, TRUTH},
    {"mean", CHK_RED_SUM, CHK_RED_SUM, MEAN},
    {"nanmean", CHK_RED_NANSUM, CHK_RED_SUM, MEAN},
    {"var", CHK_RED_VAR, CHK_RED_VAR, VAR},
    {"nanvar", CHK_RED_NANVAR, CHK_RED_VAR, VAR},
    {"std", CHK_RED_VAR, CHK_RED_VAR, STD},
    {"nanstd", CHK_RED_NANVAR, CHK_RED_VAR, STD},
};
enum { N_REDUCTIONS = sizeof reductions / sizeof *reductions };

typedef struct request {
    ops_maker m;
    const chk_op *op;
    int64_t attr[COARSEN_FACTORS + CHK_MAX_NDIM];
    double group; /* elements of one */
} request;

static chk_node *coarse(request *r, chk_red red, chk_node *x)
{
    chk_node *made = NULL, *in = x && x->dtype == CHK_F16 ? ops_cast(&r->m, x, CHK_F32) : x;
    if (r->m.st != CHUNK_OK) return NULL;
    r->attr[COARSEN_RED] = red;
    return ops_own(&r->m, make_coarsen(&made, r->m.b, r->op, &in, 1, r->attr, COARSEN_FACTORS + x->shape.ndim, r->m.err), &made);
}

static chk_node *mean(request *r, chk_red red, chk_node *x)
{
    chk_dtype result = ops_is_whole(x->dtype) ? CHK_F64 : x->dtype;
    chk_dtype d = chk_dtype_kind(result) == CHK_KIND_COMPLEX ? CHK_C128 : CHK_F64;
    chk_node *sum = coarse(r, red, ops_cast(&r->m, x, result)), *count;
    if (red == CHK_RED_NANSUM) {
        chk_node *is_nan = ops_apply(&r->m, CHK_FN_ISNAN, x->dtype, x, NULL, NULL);
        count = ops_cast(&r->m, coarse(r, CHK_RED_COUNT, ops_apply(&r->m, CHK_FN_NOT, CHK_BOOL, is_nan, NULL, NULL)), CHK_F64);
    } else {
        count = ops_number(&r->m, CHK_F64, r->group);
    }
    return ops_cast(&r->m, ops_apply(&r->m, CHK_FN_DIV, d, sum, count, NULL), result);
}

static chk_node *reduced(request *r, int which, chk_node *x)
{
    bool whole = ops_is_whole(x->dtype);
    chk_red red = whole ? reductions[which].plain : reductions[which].red;
    chk_kind in = chk_dtype_kind(x->dtype);
    chk_dtype result = in == CHK_KIND_BOOL || in == CHK_KIND_INT ? CHK_I64 : in == CHK_KIND_UINT ? CHK_U64 : x->dtype;
    switch (reductions[which].kind) {
    case SUM: return ops_cast(&r->m, coarse(r, red, x), result);
    case EXTREME: return ops_cast(&r->m, coarse(r, red, x), x->dtype);
    case TRUTH: return coarse(r, red, x);
    case MEAN: return mean(r, red, x);
    default: break;
    }
    chk_node *v = coarse(r, red, whole ? ops_cast(&r->m, x, CHK_F64) : x);
    if (reductions[which].kind == STD) v = ops_apply(&r->m, CHK_FN_SQRT, CHK_F64, v, NULL, NULL);
    return ops_cast(&r->m, v, whole ? CHK_F64 : chk_dtype_real_of(x->dtype));
}

static chunk_status find_reduction(int *which, const chk_value *v, chunk_error *err)
{
    if (v->kind != CHK_VAL_STRING)
        return chk_fail(err, CHUNK_ETYPE, "coarsen: reduction must be a name, not %s", chk_value_kind_name(v));
    for (*which = 0; *which < N_REDUCTIONS; ++*which)
        if (!strcmp(v->u.s, reductions[*which].name)) return CHUNK_OK;
    return chk_fail(err, CHUNK_ENAME,
                    "coarsen: '%.40s' is none of sum, prod, mean, var, std, min, max, their nan forms, any, all, count_nonzero",
                    v->u.s);
}

/* Factors into attr; what they do not divide is left out of *x where that is wanted. */
static chunk_status read_factors(request *r, chk_node **x, const chk_value *v, bool trim, chunk_error *err)
{
    const chk_shape *shape = &(*x)->shape;
    int n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    if (n != shape->ndim || n == 0)
        return chk_fail(err, CHUNK_EINVAL,
                        "coarsen: axes has %d factors for %d dimensions: give one for each, 1 where nothing is reduced", n,
                        shape->ndim);
    chk_view view = chk_view_identity(shape);
    r->group = 1;
    for (int a = 0; a < n; a++) {
        int64_t *f = &r->attr[COARSEN_FACTORS + a];
        CHK_TRY(chk_value_int(f, v->kind == CHK_VAL_TUPLE ? &v->u.tuple.item[a] : v, "coarsen", "a factor", err));
        if (*f < 1) return chk_fail(err, CHUNK_EINVAL, "coarsen: the factor of axis %d is %lld: give at least 1", a, (long long)*f);
        view.shape.dim[a] -= trim ? view.shape.dim[a] % *f : 0;
        r->group *= (double)*f;
    }
    if (!chk_shape_equal(&view.shape, shape)) *x = ops_view(&r->m, *x, &view);
    return r->m.st;
}

static chunk_status build_coarsen(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    request r = {.m = ops_make(b, err), .op = op};
    int which = 0;
    bool trim = false;
    double correction = 0;
    r.m.st = find_reduction(&which, &args[0], err);
    chk_node *x = r.m.st == CHUNK_OK ? ops_value(&r.m, &args[1], op->name) : NULL;
    if (x && x->weak) x = ops_cast(&r.m, x, ops_result_type(&x, 1));
    if (r.m.st == CHUNK_OK) r.m.st = ops_arg_bool(&trim, &args[3], false, op->name, "trim_excess", err);
    if (r.m.st == CHUNK_OK) r.m.st = ops_arg_real(&correction, &args[4], 0, op->name, "correction", err);
    if (r.m.st == CHUNK_OK) r.m.st = read_factors(&r, &x, &args[2], trim, err);
    memcpy(&r.attr[COARSEN_PARAM], &correction, sizeof correction);
    return ops_give(out, &r.m, r.m.st == CHUNK_OK ? reduced(&r, which, x) : NULL);
}

const chk_op chk_op_coarsen = {
    .name = "coarsen",
    .family = "blocks",
    .summary = "A reduction of each group of neighbouring elements",
    .doc = "As dask.array.coarsen: coarsen(\"mean\", x, (2, 4)) is the mean of every 2 x 4 elements. reduction: sum, prod, mean, "
           "var, std, min, "
           "max, their nan forms, any, all, count_nonzero, with the dtypes that they have over axes. axes: a factor for each "
           "dimension, 1 "
           "where nothing is reduced. Extents must be multiples of the factors; trim_excess leaves out what is over. correction: "
           "of var and std. Nothing "
           "is stored. Memory of a worker: 64 Ki elements (up to a chunk where chunks cannot be cut, and up to 1 Mi of one group) "
           "and the "
           "results' states.",
    .params = {{"reduction", CHK_PAR_STRING, NULL, false},
               OPS_X,
               {"axes", CHK_PAR_SHAPE, NULL, false},
               {"trim_excess", CHK_PAR_BOOL, "False", false},
               {"correction", CHK_PAR_NUMBER, "0", true}},
    .build = build_coarsen,
    .make = make_coarsen,
    .local = &coarsen_local,
};
