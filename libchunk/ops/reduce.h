/* reduce.h: building reductions, shared by the plain and the nan forms. */
#ifndef CHK_OPS_REDUCE_H
#define CHK_OPS_REDUCE_H

#include "ops/common.h"

/* The arguments that all reductions have. */
typedef struct ops_red_args {
    chk_node *x;              /* counted; of the dtype asked for, if one was */
    uint32_t axes;
    int64_t n;                /* elements that go into one result */
    bool keepdims;
    bool has_dtype;
    chk_dtype dtype;
    double correction;
} ops_red_args;

/* By names of op->params. Releases nothing on failure but what it took. */
chunk_status ops_red_args_get(ops_red_args *r, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_red_node(chk_node **out, chk_builder *b, chk_red red, chk_node *in, const ops_red_args *r, chunk_error *err);
bool ops_is_real_or_complex(chk_dtype d);  /* floats and complex: what can be NaN */

/* The families; op->red is the reduction of the plain form or of the nan form, which falls back to `plain` for dtypes without NaN. */
chunk_status ops_build_sum(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_extreme(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_place(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_mean(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_var(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_truth(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);

enum { OPS_ROOT = 1 };        /* flags of var: the square root, std */
#define OPS_AXIS {"axis", CHK_PAR_AXIS, "None", false}
#define OPS_CORRECTION {"correction", CHK_PAR_NUMBER, "0", true}

#endif
