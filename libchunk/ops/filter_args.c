/* filter_args.c: arguments of filters: one value for all axes, or one an axis. */
#include <string.h>

#include "base/alloc.h"
#include "ops/filter.h"

chunk_status filter_arg_axes(filter_axes *axes, const chk_value *v, int ndim, const char *who, chunk_error *err)
{
    uint32_t set;
    *axes = (filter_axes){.ndim = ndim};
    CHK_TRY(chk_value_axes(&set, v, ndim, who, err));
    if (ops_absent(v)) {
        for (; axes->n < ndim; axes->n++) axes->at[axes->n] = axes->n;
        return CHUNK_OK;
    }
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    axes->n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    for (int i = 0; i < axes->n; i++) {
        int64_t axis;
        CHK_TRY(chk_value_int(&axis, &item[i], who, "axis", err));
        CHK_TRY(chk_axis_normal(&axes->at[i], axis, ndim, who, err));
    }
    return CHUNK_OK;
}

/* The value for the i-th filtered axis; NULL where the tuple has another length. */
static const chk_value *value_of(const chk_value *v, int i, const filter_axes *axes)
{
    if (v->kind != CHK_VAL_TUPLE) return v;
    return v->u.tuple.n == axes->n ? &v->u.tuple.item[i] : NULL;
}

static chunk_status wrong_length(const chk_value *v, const filter_axes *axes, const char *who, const char *what, chunk_error *err)
{
    return chk_fail(err, CHUNK_EINVAL, "%s: %s has %d values for %d%s ax%s: give one, or one an axis", who, what, v->u.tuple.n,
                    axes->n, axes->n < axes->ndim ? " filtered" : "", axes->n == 1 ? "is" : "es");
}

static const struct {
    const char *name;
    chk_edge edge;
} edges[] = {{"reflect", CHK_EDGE_REFLECT}, {"grid-mirror", CHK_EDGE_REFLECT},   {"constant", CHK_EDGE_CONSTANT},
             {"nearest", CHK_EDGE_NEAREST}, {"mirror", CHK_EDGE_MIRROR},         {"wrap", CHK_EDGE_WRAP},
             {"grid-wrap", CHK_EDGE_WRAP},  {"grid-constant", CHK_EDGE_CONSTANT}};

chunk_status filter_arg_edges(chk_edge *out, const chk_value *v, const filter_axes *axes, const char *who, chunk_error *err)
{
    for (int a = 0; a < axes->ndim; a++) out[a] = CHK_EDGE_REFLECT;
    for (int k = 0; k < axes->n; k++) {
        const chk_value *one = value_of(v, k, axes);
        if (!one) return wrong_length(v, axes, who, "mode", err);
        if (ops_absent(one)) continue;
        size_t i = 0, n = sizeof edges / sizeof *edges;
        if (one->kind != CHK_VAL_STRING)
            return chk_fail(err, CHUNK_ETYPE, "%s: mode must be a string, got %s", who, chk_value_kind_name(one));
        while (i < n && strcmp(edges[i].name, one->u.s)) i++;
        if (i == n)
            return chk_fail(err, CHUNK_ENAME, "%s: mode '%.40s' is none of reflect, mirror, nearest, wrap, constant", who,
                            one->u.s);
        out[axes->at[k]] = edges[i].edge;
    }
    return CHUNK_OK;
}

chunk_status filter_arg_ints(int64_t *out, const chk_value *v, int64_t dflt, const filter_axes *axes, const char *who,
                             const char *what, chunk_error *err)
{
    for (int a = 0; a < axes->ndim; a++) out[a] = dflt;
    for (int k = 0; k < axes->n; k++) {
        const chk_value *one = value_of(v, k, axes);
        if (!one) return wrong_length(v, axes, who, what, err);
        CHK_TRY(ops_arg_int(&out[axes->at[k]], one, dflt, who, what, err));
    }
    return CHUNK_OK;
}

chunk_status filter_arg_reals(double *out, const chk_value *v, double dflt, const filter_axes *axes, const char *who,
                              const char *what, chunk_error *err)
{
    for (int a = 0; a < axes->ndim; a++) out[a] = dflt;
    for (int k = 0; k < axes->n; k++) {
        const chk_value *one = value_of(v, k, axes);
        if (!one) return wrong_length(v, axes, who, what, err);
        CHK_TRY(ops_arg_real(&out[axes->at[k]], one, dflt, who, what, err));
    }
    return CHUNK_OK;
}

extern const chk_op chk_op_array;

chunk_status filter_arg_weights(double **w, chk_shape *shape, chk_builder *b, const chk_value *v, const char *who, chunk_error *err)
{
    *w = NULL;
    chk_node *list = v->kind == CHK_VAL_NODE ? chk_node_retain(v->u.node) : NULL;
    if (v->kind != CHK_VAL_NODE && v->kind != CHK_VAL_TUPLE)
        return chk_fail(err, CHUNK_ETYPE, "%s: weights must be numbers in a tuple or list, or an array, got %s", who,
                        chk_value_kind_name(v));
    if (!list) CHK_TRY(chk_op_array.build(&list, b, &chk_op_array, (chk_value[2]){*v, {.kind = CHK_VAL_MISSING}}, err));
    chunk_status st = CHUNK_OK;
    *shape = list->shape;
    if (list->kind == CHK_NODE_CUSTOM && list->u.custom.op == &chk_op_array) {
        size_t n = (size_t)chk_shape_count(shape);
        const void *in = list->u.custom.attr + 2 + shape->ndim;
        *w = chk_malloc((n + 1) * sizeof **w);
        if (!*w)
            st = chk_fail(err, CHUNK_ENOMEM, "out of memory for %zu weights of %s", n, who);
        else if (list->dtype == CHK_F64)
            memcpy(*w, in, n * sizeof **w);
        else
            chk_kern_cast(list->dtype, CHK_F64)(*w, &in, n);
    }
    chk_node_release(list);
    return st;
}

chk_node *filter_input(ops_maker *m, chk_dtype *out, const chk_value *x, const chk_value *output, const char *who)
{
    chk_node *in = ops_value(m, x, who);
    if (!in) return NULL;
    bool given = false;
    *out = in->dtype;
    if (output) m->st = ops_arg_dtype(out, &given, output, who, m->err);
    if (m->st == CHUNK_OK && in->shape.ndim < 1) m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: x has no axis to filter along", who);
    if (m->st == CHUNK_OK && chk_dtype_kind(in->dtype) == CHK_KIND_COMPLEX)
        m->st = chk_fail(m->err, CHUNK_ETYPE, "%s: complex numbers (x is %s): give real(x), imag(x) or abs(x)", who,
                         chk_dtype_name(in->dtype));
    if (m->st == CHUNK_OK && chk_dtype_kind(*out) == CHK_KIND_COMPLEX)
        m->st = chk_fail(m->err, CHUNK_ETYPE, "%s: output %s of real numbers: filter them, then astype", who, chk_dtype_name(*out));
    return m->st == CHUNK_OK ? in : NULL;
}

chk_node *filter_output(ops_maker *m, chk_node *x, chk_dtype d)
{
    if (d == CHK_BOOL) return ops_cast(m, ops_cast(m, x, CHK_U8), d);
    if (d != CHK_U64) return ops_cast(m, x, d);
    chk_node *below = ops_apply(m, CHK_FN_LT, CHK_F64, x, ops_number(m, CHK_F64, 0), NULL); /* wraps, as narrower ones do */
    return ops_apply(m, CHK_FN_WHERE, d, below, ops_cast(m, ops_cast(m, x, CHK_I64), d), ops_cast(m, x, d));
}

int64_t filter_turned(int64_t origin, int64_t n) { return n % 2 == 0 ? ~origin : origin == INT64_MIN ? INT64_MAX : -origin; }

chunk_status filter_origin(int64_t *lo, int64_t n, int64_t origin, int axis, const char *who, chunk_error *err)
{
    if (n < 1 || n > FILTER_MOST_TAPS)
        return chk_fail(err, CHUNK_EINVAL, "%s: a window of %lld along axis %d: 1 to %d is possible", who, (long long)n, axis,
                        FILTER_MOST_TAPS);
    if (origin < -(n / 2) || origin > (n - 1) / 2)
        return chk_fail(err, CHUNK_EINVAL, "%s: origin %lld on axis %d: from %lld to %lld for a window of %lld", who,
                        (long long)origin, axis, (long long)-(n / 2), (long long)((n - 1) / 2), (long long)n);
    *lo = n / 2 + origin;
    return CHUNK_OK;
}

void filter_window_extent(int64_t *out, int ndim, const int64_t *extent, const int64_t *n)
{
    for (int a = 0; a < ndim; a++) out[a] = extent[a] + n[a] - 1;
}

void filter_window_box(chk_box *out, const chk_box *box, const int64_t *lo, const int64_t *n)
{
    *out = *box;
    for (int a = 0; a < box->ndim; a++) {
        out->lo[a] -= lo[a];
        out->hi[a] += n[a] - 1 - lo[a];
    }
}

bool filter_window_part(const chk_node *node, const chk_box *box, const int64_t *lo, const int64_t *n, chk_box *in)
{
    filter_window_box(in, box, lo, n);
    for (int a = 0; a < box->ndim; a++) {
        if (in->lo[a] < 0) in->lo[a] = 0;
        if (in->hi[a] > node->shape.dim[a]) in->hi[a] = node->shape.dim[a];
    }
    return true;
}

/* ---- parameters of separable filters */

static void put(filter_attr *a, int64_t v)
{
    if (a->n == a->cap && !a->failed) {
        int cap = a->cap ? 2 * a->cap : 64;
        int64_t *grown = chk_realloc(a->v, (size_t)cap * sizeof *grown);
        a->failed = !grown;
        if (grown) a->v = grown, a->cap = cap;
    }
    if (!a->failed) a->v[a->n++] = v;
}

void filter_begin(filter_attr *a, chk_dtype dtype, double cval, const chk_edge *edge, int ndim, int n_terms)
{
    *a = (filter_attr){0};
    put(a, dtype == CHK_BOOL ? CHK_U8 : dtype);
    put(a, filter_bits(cval));
    for (int i = 0; i < ndim; i++) put(a, edge[i]);
    put(a, n_terms);
}

void filter_term(filter_attr *a, int n_steps) { put(a, n_steps); }

void filter_step(filter_attr *a, filter_kind kind, int axis, int64_t lo, int64_t n, const double *w)
{
    put(a, kind);
    put(a, axis);
    put(a, lo);
    put(a, n);
    for (int64_t i = 0; i < n && kind == FILTER_WEIGHTS; i++) put(a, filter_bits(w[i]));
}

chk_node *filter_finish(ops_maker *m, const chk_op *op, filter_attr *a, chk_node *x, chk_dtype dtype)
{
    chk_node *made = NULL, *wide = ops_cast(m, x, CHK_F64);
    if (m->st == CHUNK_OK && a->failed) m->st = chk_fail(m->err, CHUNK_ENOMEM, "out of memory for the weights of %s", op->name);
    if (m->st == CHUNK_OK) wide = ops_own(m, op->make(&made, m->b, op, &wide, 1, a->v, a->n, m->err), &made);
    chk_free(a->v);
    return m->st == CHUNK_OK ? filter_output(m, wide, dtype) : NULL;
}
