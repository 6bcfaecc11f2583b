/* array.c: arrays written out in full, [1, 2, 3] in text. Their elements are parameters of the node, so they need no memory of the caller's, are
 * equal where they are equal, and go through JSON. */
#include <string.h>

#include "base/alloc.h"
#include "ops/common.h"
#include "plan/local.h"

/* Larger ones belong into a file or into memory. */
enum { MOST_ELEMENTS = 1 << 16 };

/* Parameters: dtype, ndim, shape, the bytes of the elements. */
static const char *elements(const chk_node *n) { return (const char *)(n->u.custom.attr + 2 + n->shape.ndim); }

static void array_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)n, (void)input, (void)extent, (void)in_extent;
}

static chunk_status array_run(const chk_local_call *c, chunk_error *err)
{
    (void)err;
    size_t item = chk_dtype_size(c->node->dtype);
    int inner = c->box->ndim - 1;
    int64_t at[CHK_MAX_NDIM], run = inner < 0 ? 1 : chk_box_extent(c->box, inner);
    memcpy(at, c->box->lo, sizeof at);
    for (char *to = c->out;; to += (size_t)run * item) {
        int64_t from = 0;
        for (int a = 0; a < c->box->ndim; a++) from = from * c->node->shape.dim[a] + at[a];
        memcpy(to, elements(c->node) + (size_t)from * item, (size_t)run * item);
        int a = inner - 1;
        for (; a >= 0 && ++at[a] == c->box->hi[a]; a--) at[a] = c->box->lo[a];
        if (a < 0) return CHUNK_OK;
    }
}

static const chk_local array_local = {.reads = array_reads, .run = array_run, .ns = 0.1};

static chunk_status make_array(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                               int n_attr, chunk_error *err)
{
    (void)in;
    bool fine = n_in == 0 && n_attr >= 2 && attr[0] >= 0 && attr[0] < CHK_NDTYPE && attr[1] >= 0 && attr[1] <= CHK_MAX_NDIM &&
                n_attr >= 2 + attr[1];
    chk_shape shape = {.ndim = fine ? (int)attr[1] : 0};
    for (int a = 0; a < shape.ndim; a++) {
        shape.dim[a] = attr[2 + a];
        fine &= shape.dim[a] >= 0;
    }
    int64_t count = fine ? chk_shape_count(&shape) : 0;
    if (fine && count > MOST_ELEMENTS)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "array: %lld elements written out, at most %d can be: read them from a file",
                        (long long)count, MOST_ELEMENTS);
    if (!fine || (size_t)n_attr != 2 + (size_t)shape.ndim + ((size_t)count * chk_dtype_size((chk_dtype)attr[0]) + 7) / 8)
        return chk_fail(err, CHUNK_EINVAL, "array: not the parameters of an array");
    chk_grid grid;
    chk_node_grid_fixed(&grid, &shape, (chk_dtype)attr[0]);
    return chk_node_custom(out, b, op, attr, n_attr, (chk_dtype)attr[0], &shape, &grid, NULL, 0, err);
}

/* The shape of nested tuples; every tuple of a level must have the same length. */
static chunk_status nested_shape(chk_shape *out, const chk_value *v, chunk_error *err)
{
    *out = (chk_shape){0};
    while (v->kind == CHK_VAL_TUPLE) {
        if (out->ndim == CHK_MAX_NDIM) return chk_fail(err, CHUNK_ESHAPE, "array: nested more than %d deep", CHK_MAX_NDIM);
        out->dim[out->ndim++] = v->u.tuple.n;
        if (v->u.tuple.n == 0) return CHUNK_OK;
        v = &v->u.tuple.item[0];
    }
    return CHUNK_OK;
}

/* Collects the numbers in C order. */
static chunk_status flatten(const chk_value **out, int64_t *n, const chk_value *v, const chk_shape *shape, int axis,
                            chunk_error *err)
{
    bool inside = axis < shape->ndim;
    if (inside != (v->kind == CHK_VAL_TUPLE) || (inside && v->u.tuple.n != shape->dim[axis]))
        return chk_fail(err, CHUNK_ESHAPE, "array: the nested lists are not all of the same length");
    for (int i = 0; inside && i < v->u.tuple.n; i++) CHK_TRY(flatten(out, n, &v->u.tuple.item[i], shape, axis + 1, err));
    if (inside) return CHUNK_OK;
    bool number = v->kind == CHK_VAL_INT || v->kind == CHK_VAL_FLOAT || v->kind == CHK_VAL_COMPLEX || v->kind == CHK_VAL_BOOL ||
                  (v->kind == CHK_VAL_NODE && v->u.node->kind == CHK_NODE_SCALAR);
    if (!number)
        return chk_fail(err, CHUNK_ETYPE, "array: an element is %s: lists hold numbers; join arrays with stack or concat",
                        chk_value_kind_name(v));
    out[(*n)++] = v;
    return CHUNK_OK;
}

static chunk_status fill(char *data, chk_dtype *d, bool given, chk_builder *b, const chk_value *const *value, int64_t n,
                         chunk_error *err)
{
    chk_dtype wide = CHK_BOOL;
    for (int pass = given ? 1 : 0; pass < 2; pass++) {
        for (int64_t i = 0; i < n; i++) {
            chk_node *node, *cast;
            CHK_TRY(chk_value_node(&node, b, value[i], "array", err));
            if (pass == 0) {
                wide = i == 0 ? node->dtype : chk_promote(wide, node->dtype);
                chk_node_release(node);
                continue;
            }
            chunk_status st = ops_fit(&cast, b, node, *d, err);
            chk_node_release(node);
            if (st != CHUNK_OK) return st;
            st = chk_node_cast(&node, b, cast, *d, err);
            chk_node_release(cast);
            if (st != CHUNK_OK) return st;
            memcpy(data + (size_t)i * chk_dtype_size(*d), node->u.scalar.v.bytes, chk_dtype_size(*d));
            chk_node_release(node);
        }
        if (pass == 0) *d = n ? wide : CHK_F64;
    }
    return CHUNK_OK;
}

static chunk_status build_array(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_shape shape;
    chk_dtype d = CHK_F64;
    bool given;
    CHK_TRY(ops_arg_dtype(&d, &given, &args[1], op->name, err));
    if (args[0].kind == CHK_VAL_NODE) return chk_node_cast(out, b, args[0].u.node, given ? d : args[0].u.node->dtype, err);
    CHK_TRY(nested_shape(&shape, &args[0], err));
    int64_t count = chk_shape_count(&shape), n = 0;
    if (count > MOST_ELEMENTS)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "array: %lld elements written out, at most %d can be", (long long)count,
                        MOST_ELEMENTS);
    const chk_value **value = chk_calloc((size_t)count + 1, sizeof *value);
    int64_t *attr = chk_calloc(2 + (size_t)shape.ndim + 2 * (size_t)count + 1, sizeof *attr);
    chunk_status st =
        value && attr ? flatten(value, &n, &args[0], &shape, 0, err) : chk_fail(err, CHUNK_ENOMEM, "out of memory for an array");
    if (st == CHUNK_OK) st = fill((char *)(attr + 2 + shape.ndim), &d, given, b, value, count, err);
    if (st == CHUNK_OK) {
        attr[0] = d;
        attr[1] = shape.ndim;
        memcpy(attr + 2, shape.dim, (size_t)shape.ndim * sizeof *attr);
        st = op->make(out, b, op, NULL, 0, attr, 2 + shape.ndim + (int)(((size_t)count * chk_dtype_size(d) + 7) / 8), err);
    }
    chk_free(value);
    chk_free(attr);
    return st;
}

const chk_op chk_op_array = {
    .name = "array",
    .aliases = "asarray",
    .family = "creation",
    .summary = "An array of the numbers in nested tuples or lists",
    .doc = "object: numbers, nested to any depth; [1, 2, 3] in text is array((1, 2, 3)), and the tuple where a shape or axes are "
           "wanted. dtype: as NumPy finds it for Python "
           "numbers unless given. At most 65,536 "
           "elements.",
    .params = {{"object", CHK_PAR_ARRAYS, NULL, false}, {"dtype", CHK_PAR_DTYPE, "None", false}},
    .build = build_array,
    .make = make_array,
    .local = &array_local,
};
