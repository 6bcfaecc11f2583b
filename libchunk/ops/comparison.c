/* compare.c: comparisons as NumPy 2 makes them. A plain integer that the array's dtype cannot hold is still compared by value; int64 and
 * uint64 are compared exactly, not through float64. */
#include "ops/common.h"

static chk_fn swapped(chk_fn fn)
{
    switch (fn) {
    case CHK_FN_LT: return CHK_FN_GT;
    case CHK_FN_LE: return CHK_FN_GE;
    case CHK_FN_GT: return CHK_FN_LT;
    case CHK_FN_GE: return CHK_FN_LE;
    default: return fn;
    }
}

/* x against a plain integer outside the range of x's integer dtype: the same answer for every element. *far is -1, 0, 1. */
static int beyond(const chk_node *x, const chk_node *n)
{
    if (!n->weak || x->weak || (n->dtype != CHK_I64 && n->dtype != CHK_U64)) return 0;
    __int128 lo, hi, v = n->dtype == CHK_U64 ? (__int128)n->u.scalar.v.u64 : (__int128)n->u.scalar.v.i64;
    if (!ops_int_range(x->dtype, &lo, &hi)) return 0;
    return v < lo ? -1 : v > hi ? 1 : 0;
}

static bool always(chk_fn fn, int side)
{
    switch (fn) {
    case CHK_FN_NE: return true;
    case CHK_FN_LT:
    case CHK_FN_LE: return side > 0;
    case CHK_FN_GT:
    case CHK_FN_GE: return side < 0;
    default: return false;
    }
}

static chk_fn mixed(chk_fn fn) { return (chk_fn)(CHK_FN_EQ_IU + (fn - CHK_FN_EQ)); }

chunk_status ops_compare(chk_node **out, chk_builder *b, chk_fn fn, chk_node *x, chk_node *y, chunk_error *err)
{
    int side = beyond(x, y);
    if (side) return ops_filled(out, b, &x->shape, always(fn, side), err);
    if ((side = beyond(y, x))) return ops_filled(out, b, &y->shape, always(swapped(fn), side), err);
    chk_node *in[2] = {x, y}, *back[2] = {y, x};
    bool xi = chk_dtype_kind(x->dtype) == CHK_KIND_INT && !x->weak, yi = chk_dtype_kind(y->dtype) == CHK_KIND_INT && !y->weak;
    bool xu = x->dtype == CHK_U64 && !x->weak, yu = y->dtype == CHK_U64 && !y->weak;
    if (xi && yu) return chk_node_map(out, b, mixed(fn), CHK_I64, in, 2, err);
    if (xu && yi) return chk_node_map(out, b, mixed(swapped(fn)), CHK_I64, back, 2, err);
    return ops_map(out, b, fn, ops_result_type(in, 2), in, 2, err);
}

static chunk_status build(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x, *y;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = chk_value_node(&y, b, &args[1], op->name, err);
    if (st == CHUNK_OK) {
        st = ops_compare(out, b, op->fn, x, y, err);
        chk_node_release(y);
    }
    chk_node_release(x);
    return st;
}

#define COMPARISON .family = "comparison", .params = {OPS_X1_X2}, .build = build

const chk_op chk_op_equal = {
    .name = "equal",
    .summary = "x1 == x2",
    .fn = CHK_FN_EQ,
    COMPARISON,
    .doc = "Integers compare by value, whatever their dtypes; NaN equals nothing.",
};
const chk_op chk_op_not_equal = {
    .name = "not_equal",
    .summary = "x1 != x2",
    .fn = CHK_FN_NE,
    COMPARISON,
};
const chk_op chk_op_less = {
    .name = "less",
    .summary = "x1 < x2",
    .fn = CHK_FN_LT,
    COMPARISON,
    .doc = "Complex numbers are ordered by real part, then imaginary part.",
};
const chk_op chk_op_less_equal = {
    .name = "less_equal",
    .summary = "x1 <= x2",
    .fn = CHK_FN_LE,
    COMPARISON,
};
const chk_op chk_op_greater = {
    .name = "greater",
    .summary = "x1 > x2",
    .fn = CHK_FN_GT,
    COMPARISON,
};
const chk_op chk_op_greater_equal = {
    .name = "greater_equal",
    .summary = "x1 >= x2",
    .fn = CHK_FN_GE,
    COMPARISON,
};
