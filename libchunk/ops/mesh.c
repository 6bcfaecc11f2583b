/* mesh.c: coordinate arrays out of coordinate vectors: broadcast views, one result a vector. */
#include <string.h>

#include "ops/make.h"

static chunk_status count_vectors(int *n, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    (void)b;
    *n = args[0].kind == CHK_VAL_TUPLE ? args[0].u.tuple.n : 1;
    if (*n < 1 || *n > CHK_MAX_NDIM) return chk_fail(err, CHUNK_ESHAPE, "%s: %d vectors: give 1 to %d", op->name, *n, CHK_MAX_NDIM);
    return CHUNK_OK;
}

static chunk_status build_meshgrid(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int n;
    int64_t part = 0;
    bool sparse = false, xy = args[2].kind == CHK_VAL_MISSING || (args[2].kind == CHK_VAL_STRING && !strcmp(args[2].u.s, "xy"));
    CHK_TRY(count_vectors(&n, b, op, args, err));
    CHK_TRY(ops_arg_bool(&sparse, &args[1], false, op->name, "sparse", err));
    if (!xy && (args[2].kind != CHK_VAL_STRING || strcmp(args[2].u.s, "ij") != 0))
        return chk_fail(err, CHUNK_ENAME, "%s: indexing must be 'xy' or 'ij'", op->name);
    if (ops_absent(&args[3])) return chk_fail(err, CHUNK_EINVAL, "%s: has several results: say which with part=", op->name);
    CHK_TRY(chk_value_int(&part, &args[3], op->name, "part", err));
    if (part < 0) part += n;
    if (part < 0 || part >= n) return chk_fail(err, CHUNK_EINDEX, "%s: no such part of %d", op->name, n);
    ops_maker m = ops_make(b, err);
    chk_shape shape = {.ndim = n};
    chk_node *mine = NULL;
    int mine_axis = 0;
    for (int i = 0; i < n && m.st == CHUNK_OK; i++) {
        chk_node *x = ops_value(&m, args[0].kind == CHK_VAL_TUPLE ? &args[0].u.tuple.item[i] : &args[0], op->name);
        if (!x) break;
        int axis = xy && n > 1 && i < 2 ? 1 - i : i;
        if (x->shape.ndim > 1)
            m.st = chk_fail(err, CHUNK_ESHAPE, "%s: array %d has %d dimensions: give vectors, or ravel it", op->name, i,
                            x->shape.ndim);
        shape.dim[axis] = x->shape.ndim ? x->shape.dim[0] : 1;
        if (i == part) mine = x, mine_axis = axis;
    }
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    chk_view v = {.shape = shape, .base_ndim = mine->shape.ndim, .axis = {mine_axis}, .step = {1}};
    for (int a = 0; a < n && sparse; a++)
        if (a != mine_axis) v.shape.dim[a] = 1;
    if (!chk_shape_fits(&v.shape)) m.st = chk_fail(err, CHUNK_ESHAPE, "%s: the result has more than 2**63 bytes", op->name);
    return ops_give(out, &m, m.st == CHUNK_OK ? ops_view(&m, mine, &v) : NULL);
}

const chk_op chk_op_meshgrid = {
    .name = "meshgrid",
    .family = "creation",
    .summary = "Coordinate arrays out of coordinate vectors",
    .doc = "Views. In text the value is a tuple with an array for each vector: meshgrid(x, y)[0]; in calls part says which.",
    .params = {{"arrays", CHK_PAR_STAR_ARRAYS, NULL, false},
               {"sparse", CHK_PAR_BOOL, "False", true},
               {"indexing", CHK_PAR_STRING, "'xy'", true},
               {"part", CHK_PAR_INT, "None", true}},
    .build = build_meshgrid,
    .several = count_vectors,
};
