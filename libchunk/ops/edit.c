/* edit.c: things put behind, put into and taken out of an array: views that concat puts together. */
#include <stdlib.h>

#include "base/alloc.h"
#include "ops/join.h"
#include "ops/make.h"

static chk_node *join_of(ops_maker *m, chk_node *const *in, int n, int axis)
{
    chk_node *made = NULL;
    for (int i = 0; i < n; i++)
        if (!in[i]) return NULL;
    return ops_own(m, ops_join(&made, m->b, in, n, axis, m->err), &made);
}

static chunk_status build_append(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_list l;
    CHK_TRY(ops_list_of(&l, b, args, 2, op->name, err));
    ops_maker m = ops_make(b, err);
    int axis[2];
    chk_node *in[2];
    for (int i = 0; i < 2; i++) in[i] = m.st == CHUNK_OK ? ops_along(&m, &axis[i], l.node[i], &args[2], op->name) : NULL;
    chunk_status st = ops_give(out, &m, join_of(&m, in, 2, axis[0]));
    ops_list_done(&l);
    return st;
}

const chk_op chk_op_append = {
    .name = "append",
    .family = "joining",
    .summary = "values behind x along an axis; both raveled without one",
    .doc = "A new array, as all are: x stays as it is. Costs what concat costs.",
    .params = {OPS_X, {"values", CHK_PAR_ARRAY, NULL, false}, {"axis", CHK_PAR_INT, "None", false}},
    .build = build_append,
};

/* A place, and which of those named it is. */
typedef struct place {
    int64_t at;
    int of;
} place;

static int compare(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->of > y->of) - (x->of < y->of);
}

/* The places named by an integer or several of them, in [0, end], in order. */
static chunk_status places(place **at, int *n, const chk_value *v, int64_t length, int64_t end, const char *who, chunk_error *err)
{
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    *n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    *at = chk_calloc((size_t)*n + 1, sizeof **at);
    if (!*at) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %d indices", *n);
    for (int i = 0; i < *n; i++) {
        int64_t place = 0;
        CHK_TRY(chk_value_int(&place, &item[i], who, "index", err));
        if (place < -length || place > end)
            return chk_fail(err, CHUNK_EINDEX, "%s: index %lld is out of bounds for length %lld", who, (long long)place,
                            (long long)length);
        (*at)[i].at = place < 0 ? place + length : place;
        (*at)[i].of = i;
    }
    qsort(*at, (size_t)*n, sizeof **at, compare);
    return CHUNK_OK;
}

static bool names_mask(const chk_value *v)
{
    int n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1, i = 0;
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    while (i < n && item[i].kind == CHK_VAL_BOOL) i++;
    return n > 0 && i == n;
}

/* The places where a mask of all of the axis is true. */
static chunk_status places_of_mask(place **at, int *n, const chk_value *v, int64_t length, const char *who, chunk_error *err)
{
    *n = 0;
    if (v->kind != CHK_VAL_TUPLE || v->u.tuple.n != length)
        return chk_fail(err, CHUNK_EINDEX, "%s: a mask of %d for an axis of length %lld", who,
                        v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1, (long long)length);
    *at = chk_calloc((size_t)length + 1, sizeof **at);
    if (!*at) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %lld indices", (long long)length);
    for (int i = 0; i < length; i++)
        if (v->u.tuple.item[i].u.b) (*at)[(*n)++].at = i;
    return CHUNK_OK;
}

static chunk_status build_delete(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    int axis, n = 0, kept = 0;
    place *at = NULL;
    int64_t from = 0;
    chk_node *x = ops_along(&m, &axis, ops_value(&m, &args[0], op->name), &args[2], op->name), **part = NULL;
    int64_t length = x ? x->shape.dim[axis] : 0;
    if (m.st == CHUNK_OK)
        m.st = names_mask(&args[1]) ? places_of_mask(&at, &n, &args[1], length, op->name, err)
                                    : places(&at, &n, &args[1], length, length - 1, op->name, err);
    if (m.st == CHUNK_OK && !(part = chk_calloc((size_t)n + 1, sizeof(chk_node *))))
        m.st = chk_fail(err, CHUNK_ENOMEM, "out of memory for %d indices", n);
    for (int i = 0; i <= n && m.st == CHUNK_OK; i++) {
        int64_t to = i < n ? at[i].at : length;
        if (to > from || (i == n && kept == 0)) {
            chk_view v = chk_view_identity(&x->shape);
            v.shape.dim[axis] = to > from ? to - from : 0;
            v.off[axis] = to > from ? from : 0;
            m.st = chk_node_view(&part[kept], b, x, &v, err);
            kept += m.st == CHUNK_OK;
        }
        from = to + 1;
    }
    chunk_status st = ops_give(out, &m, m.st == CHUNK_OK ? join_of(&m, part, kept, axis) : NULL);
    for (int i = 0; i < kept; i++) chk_node_release(part[i]);
    chk_free(part);
    chk_free(at);
    return st;
}

const chk_op chk_op_delete = {
    .name = "delete",
    .family = "joining",
    .summary = "x without some indices along an axis; raveled without one",
    .doc = "obj: an integer, several of them, or a mask that says True or False of each index of the axis. What stays is read "
           "where it is; costs what concat costs.",
    .params = {OPS_X, {"obj", CHK_PAR_AXIS, NULL, false}, {"axis", CHK_PAR_INT, "None", false}},
    .build = build_delete,
};

/* values for n places: of x's dtype and shape, with n, or any number for one place, along the axis. */
static chk_node *to_insert(ops_maker *m, const chk_value *value, const chk_node *x, int axis, int n, bool scalar, const char *who)
{
    chk_node *made = NULL, *v = ops_array(m, value, who);
    if (v) v = ops_own(m, ops_fit(&made, m->b, v, x->dtype, m->err), &made);
    v = v ? ops_cast(m, v, x->dtype) : NULL;
    if (!v) return NULL;
    if (v->shape.ndim < x->shape.ndim) v = ops_with_axes(m, v, (UINT32_C(1) << (x->shape.ndim - v->shape.ndim)) - 1, x->shape.ndim);
    if (v && scalar && axis > 0) { /* NumPy's: values' first axis goes along the axis */
        chk_view move = {.shape = {.ndim = x->shape.ndim}, .base_ndim = x->shape.ndim};
        for (int a = 0; a < x->shape.ndim; a++) {
            move.axis[a] = a == 0 ? axis : a <= axis ? a - 1 : a;
            move.step[a] = 1;
            move.shape.dim[move.axis[a]] = v->shape.dim[a];
        }
        v = ops_view(m, v, &move);
    }
    if (!v) return NULL;
    chk_shape shape = x->shape;
    shape.dim[axis] = n == 1 ? v->shape.dim[axis] : n;
    char had[400], got[400];
    chk_shape fit;
    if (v->shape.ndim != shape.ndim || !chk_shape_broadcast(&fit, &v->shape, &shape) || !chk_shape_equal(&fit, &shape)) {
        m->st = chk_fail(m->err, CHUNK_ESHAPE, "%s: values of shape %s do not fit in places of %s", who,
                         chk_shape_text(got, sizeof got, &v->shape), chk_shape_text(had, sizeof had, &shape));
        return NULL;
    }
    return ops_spread(m, v, &shape);
}

static chunk_status build_insert(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    int axis, n = 0, kept = 0;
    place *at = NULL;
    int64_t from = 0;
    bool scalar = args[1].kind != CHK_VAL_TUPLE;
    chk_node *x = ops_along(&m, &axis, ops_value(&m, &args[0], op->name), &args[3], op->name), **part = NULL;
    if (m.st == CHUNK_OK) m.st = places(&at, &n, &args[1], x->shape.dim[axis], x->shape.dim[axis], op->name, err);
    chk_node *v = m.st == CHUNK_OK && n > 0 ? to_insert(&m, &args[2], x, axis, n, scalar, op->name) : NULL;
    if (m.st == CHUNK_OK && !(part = chk_calloc(2 * (size_t)n + 1, sizeof(chk_node *))))
        m.st = chk_fail(err, CHUNK_ENOMEM, "out of memory for %d indices", n);
    for (int i = 0; i <= n && m.st == CHUNK_OK; i++) {
        chk_view piece = chk_view_identity(&x->shape);
        int64_t to = i < n ? at[i].at : x->shape.dim[axis];
        piece.shape.dim[axis] = to - from;
        piece.off[axis] = to > from ? from : 0;
        from = to;
        m.st = chk_node_view(&part[kept], b, x, &piece, err);
        kept += m.st == CHUNK_OK;
        if (i == n || m.st != CHUNK_OK) break;
        chk_view value = chk_view_identity(&v->shape);
        if (n > 1) value.shape.dim[axis] = 1, value.off[axis] = at[i].of;
        m.st = chk_node_view(&part[kept], b, v, &value, err);
        kept += m.st == CHUNK_OK;
    }
    chunk_status st = ops_give(out, &m, m.st == CHUNK_OK ? join_of(&m, part, kept, axis) : NULL);
    for (int i = 0; i < kept; i++) chk_node_release(part[i]);
    chk_free(part);
    chk_free(at);
    return st;
}

const chk_op chk_op_insert = {
    .name = "insert",
    .family = "joining",
    .summary = "x with values before some indices along an axis; raveled without one",
    .doc = "obj: an integer, before which all of values go, or several, which get one index of values each (or "
           "the same one). values become "
           "x's dtype. Costs what concat costs.",
    .params = {OPS_X,
               {"obj", CHK_PAR_AXIS, NULL, false},
               {"values", CHK_PAR_ARRAY, NULL, false},
               {"axis", CHK_PAR_INT, "None", false}},
    .build = build_insert,
};
