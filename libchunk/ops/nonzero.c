/* nonzero.c: where an array is not zero, an array of indices for each axis: columns of what argwhere gives, each by itself. The mask is counted once for all of
 * them where the results are asked for together. */
#include "ops/make.h"
#include "ops/mask.h"

static chunk_status count_axes(int *n, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    *n = x->shape.ndim;
    chk_node_release(x);
    return *n ? CHUNK_OK : chk_fail(err, CHUNK_ESHAPE, "nonzero: needs at least one dimension, got 0: use atleast_1d(x)");
}

static chunk_status build_nonzero(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    int n, axis = 0;
    int64_t part = 0;
    CHK_TRY(count_axes(&n, b, op, args, err));
    if (ops_absent(&args[1])) return chk_fail(err, CHUNK_EINVAL, "nonzero: has a result for each axis: say which with part=");
    CHK_TRY(chk_value_int(&part, &args[1], op->name, "part", err));
    CHK_TRY(chk_axis_normal(&axis, part, n, op->name, err));
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_cast(&m, ops_value(&m, &args[0], op->name), CHK_BOOL), *made = NULL;
    if (x) m.st = ops_nonzero_axis(&made, b, x, axis, err);
    return ops_give(out, &m, ops_own(&m, m.st, &made));
}

const chk_op chk_op_nonzero = {
    .name = "nonzero",
    .family = "indexing",
    .summary = "The indices of the elements that are not zero, one array an axis",
    .doc = "int64, one dimension each, C order. In text the value is a tuple with an array for each axis: nonzero(x > 1)[0]; in "
           "calls part says which. "
           "Counted when the expression is built, once for all of them. Memory as for argwhere.",
    .params = {OPS_X, {"part", CHK_PAR_INT, "None", true}},
    .build = build_nonzero,
    .several = count_axes,
};
