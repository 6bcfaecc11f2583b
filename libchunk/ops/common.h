/* common.h: what the operations share: arguments as nodes, NumPy's result types, and build functions for whole families.
 *
 * Weak scalars (plain numbers) never reach a MAP node: they are cast to the dtype that is computed in, after the check that an integer fits.
 * All nodes that build functions get are borrowed; what they give is counted. */
#ifndef CHK_OPS_COMMON_H
#define CHK_OPS_COMMON_H

#include "expr/call.h"
#include "expr/op.h"

#define OPS_X                                                                                                                      \
    {                                                                                                                              \
        "x", CHK_PAR_ARRAY, NULL, false                                                                                            \
    }
#define OPS_X1_X2                                                                                                                  \
    {"x1", CHK_PAR_ARRAY, NULL, false}, { "x2", CHK_PAR_ARRAY, NULL, false }
#define OPS_KEEPDIMS                                                                                                               \
    {                                                                                                                              \
        "keepdims", CHK_PAR_BOOL, "False", true                                                                                    \
    }
#define OPS_DTYPE                                                                                                                  \
    {                                                                                                                              \
        "dtype", CHK_PAR_DTYPE, "None", true                                                                                       \
    }

/* chk_op.flags: what inputs become before the kernel. */
enum {
    OPS_BOOL_AS_INT8 = 1, /* bool has no meaning here and counts as int8, as in square(True) */
    OPS_NO_BOOL = 2,      /* bool is refused */
    OPS_NO_COMPLEX = 4,
    OPS_NO_FLOAT = 8, /* nor complex */
    OPS_FLOAT = 16,   /* integers are computed in floats: chk_dtype_float_of */
    OPS_FLOAT64 = 32, /* integers and bool are computed in float64 */
    OPS_SAME_INT = 64 /* integers and bool are given back unchanged */
};

/* bool and integers: dtypes without NaN. */
bool ops_is_whole(chk_dtype d);
/* NumPy's result_type of arrays and plain numbers. */
chk_dtype ops_result_type(chk_node *const *in, int n);
/* The same for functions that have no integer form: sqrt, arctan2. */
chk_dtype ops_float_type(chk_node *const *in, int n);
/* The range of an integer dtype; false for others. */
bool ops_int_range(chk_dtype d, __int128 *lo, __int128 *hi);
/* A plain number as a constant of dtype d, checked; anything else as it is. */
chunk_status ops_fit(chk_node **out, chk_builder *b, chk_node *in, chk_dtype d, chunk_error *err);
/* fn over inputs fitted to d. */
chunk_status ops_map(chk_node **out, chk_builder *b, chk_fn fn, chk_dtype d, chk_node *const *in, int n, chunk_error *err);
/* Constants. */
chunk_status ops_real(chk_node **out, chk_builder *b, chk_dtype d, double v, chunk_error *err);
chunk_status ops_int(chk_node **out, chk_builder *b, chk_dtype d, int64_t v, chunk_error *err);
chunk_status ops_filled(chk_node **out, chk_builder *b, const chk_shape *shape, bool value, chunk_error *err); /* bool everywhere */

/* Comparison fn with NumPy's care for plain integers out of range and for int64 against uint64. */
chunk_status ops_compare(chk_node **out, chk_builder *b, chk_fn fn, chk_node *x, chk_node *y, chunk_error *err);
chunk_status ops_not_for(const chk_op *op, chk_dtype d, chunk_error *err);

/* Arguments. */
chunk_status ops_arg_dtype(chk_dtype *out, bool *given, const chk_value *v, const char *who,
                           chunk_error *err); /* None, missing: *given false */
chunk_status ops_arg_shape(chk_shape *out, const chk_value *v, const char *who, chunk_error *err);
chunk_status ops_arg_bool(bool *out, const chk_value *v, bool dflt, const char *who, const char *what, chunk_error *err);
chunk_status ops_arg_int(int64_t *out, const chk_value *v, int64_t dflt, const char *who, const char *what, chunk_error *err);
/* Arguments n_rows, n_cols, k, dtype of a matrix that is made (eye, tri); float64 where no dtype is given. */
chunk_status ops_arg_matrix(int64_t *rows, int64_t *cols, int64_t *k, chk_dtype *d, const chk_value *args, const char *who,
                            chunk_error *err);
/* A real number: plain, or a constant array of no dimensions. */
chunk_status ops_arg_real(double *out, const chk_value *v, double dflt, const char *who, const char *what, chunk_error *err);
static inline bool ops_absent(const chk_value *v) { return v->kind == CHK_VAL_MISSING || v->kind == CHK_VAL_NONE; }

/* Build functions by chk_op.fn and chk_op.flags. */
chunk_status ops_build_unary(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
chunk_status ops_build_binary(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);

#endif
