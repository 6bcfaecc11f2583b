/* call.h: calls of the caller's operations, and indexing. */
#ifndef CHK_CALL_H
#define CHK_CALL_H

#include "expr/op.h"

/* A registered kernel or reduction by its arguments: arrays in order; reductions take axis=None and keepdims=False as well. */
chunk_status chk_user_call(chk_node **out, chk_builder *b, const chk_user_op *op, const chk_value *args, const char *const *names,
                           int n_args, chunk_error *err);

/* One item of basic indexing, x[item, item, ...]. */
typedef enum chk_index_kind { CHK_INDEX_INT, CHK_INDEX_SLICE, CHK_INDEX_ELLIPSIS, CHK_INDEX_NEW } chk_index_kind;
typedef struct chk_index {
    chk_index_kind kind;
    int64_t i; /* INT; negative counts from the end */
    bool has_start, has_stop;
    int64_t start, stop, step; /* SLICE: Python's meaning; step is not 0 */
} chk_index;
/* A view. Errors are Python's IndexError in CHUNK_EINDEX. */
chunk_status chk_node_index(chk_node **out, chk_builder *b, chk_node *in, const chk_index *item, int n, chunk_error *err);

/* The axes named by an argument of kind MISSING or NONE (all), INT or TUPLE of them, as a bit set; who speaks in errors. */
chunk_status chk_value_axes(uint32_t *axes, const chk_value *v, int ndim, const char *who, chunk_error *err);
/* One axis, normalised. */
chunk_status chk_axis_normal(int *out, int64_t axis, int ndim, const char *who, chunk_error *err);
/* The value itself, or of a list the tuple of its items. */
chk_value chk_value_items(const chk_value *v);
/* A whole number: INT, BOOL, or a constant integer array of no dimensions. */
chunk_status chk_value_int(int64_t *out, const chk_value *v, const char *who, const char *what, chunk_error *err);
chunk_status chk_value_bool(bool *out, const chk_value *v, const char *who, const char *what, chunk_error *err);
const char *chk_value_kind_name(const chk_value *v); /* "a string"; for errors */

#endif
