/* reduce.h: building reductions, shared by the plain and the nan forms. */
#ifndef CHK_OPS_REDUCE_H
#define CHK_OPS_REDUCE_H

#include "ops/make.h"

/* The families; op->red is the reduction of the plain form or of the nan form, which falls back to `plain` for dtypes without NaN. */
chunk_status ops_build_sum(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_extreme(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_place(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_mean(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_var(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_truth(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);

enum { OPS_ROOT = 1 }; /* flags of var: the square root, std */
#define OPS_AXIS                                                                                                                   \
    {                                                                                                                              \
        "axis", CHK_PAR_AXIS, "None", false                                                                                        \
    }
#define OPS_CORRECTION                                                                                                             \
    {                                                                                                                              \
        "correction", CHK_PAR_NUMBER, "0", true                                                                                    \
    }

#endif
