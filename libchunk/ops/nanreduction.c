/* nanreduction.c: reductions that leave NaN out. For dtypes without NaN they are the plain ones. */
#include "ops/reduce.h"

#define REDUCTION .family = "nan reduction"

const chk_op chk_op_nansum = {
    .name = "nansum",
    .summary = "Sum over axes, NaN as 0",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS},
    .red = CHK_RED_NANSUM,
    .build = ops_build_sum,
};
const chk_op chk_op_nanprod = {
    .name = "nanprod",
    .summary = "Product over axes, NaN as 1",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS},
    .red = CHK_RED_NANPROD,
    .build = ops_build_sum,
};
const chk_op chk_op_nanmin = {
    .name = "nanmin",
    .summary = "Smallest value over axes without NaN",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_FMIN,
    .build = ops_build_extreme,
    .doc = "NaN where all elements are NaN. Of no elements: an error.",
};
const chk_op chk_op_nanmax = {
    .name = "nanmax",
    .summary = "Largest value over axes without NaN",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_FMAX,
    .build = ops_build_extreme,
    .doc = "NaN where all elements are NaN. Of no elements: an error.",
};
const chk_op chk_op_nanmean = {
    .name = "nanmean",
    .summary = "Mean over axes without NaN",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_KEEPDIMS},
    .red = CHK_RED_NANSUM,
    .build = ops_build_mean,
    .doc = "nansum(x) / count_nonzero(~isnan(x)); NaN where all elements are NaN.",
};
const chk_op chk_op_nanvar = {
    .name = "nanvar",
    .summary = "Variance over axes without NaN",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_CORRECTION, OPS_KEEPDIMS},
    .red = CHK_RED_NANVAR,
    .build = ops_build_var,
    .doc = "NaN where no more than `correction` elements are left; of integers as var.",
};
const chk_op chk_op_nanstd = {
    .name = "nanstd",
    .summary = "Standard deviation over axes without NaN",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_DTYPE, OPS_CORRECTION, OPS_KEEPDIMS},
    .red = CHK_RED_NANVAR,
    .flags = OPS_ROOT,
    .build = ops_build_var,
};
const chk_op chk_op_nanargmin = {
    .name = "nanargmin",
    .summary = "Index of the smallest value that is not NaN",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_NANARGMIN,
    .build = ops_build_place,
    .doc = "-1 where all elements are NaN (NumPy raises an error).",
};
const chk_op chk_op_nanargmax = {
    .name = "nanargmax",
    .summary = "Index of the largest value that is not NaN",
    REDUCTION,
    .params = {OPS_X, OPS_AXIS, OPS_KEEPDIMS},
    .red = CHK_RED_NANARGMAX,
    .build = ops_build_place,
    .doc = "-1 where all elements are NaN (NumPy raises an error).",
};
