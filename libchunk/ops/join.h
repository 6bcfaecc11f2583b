/* join.h: arrays put together, for operations that are made of it. */
#ifndef CHK_OPS_JOIN_H
#define CHK_OPS_JOIN_H

#include "ops/common.h"

extern const chk_op chk_op_concat;

/* Arrays of one dtype, counted. */
typedef struct ops_list {
    chk_node **node;
    int n;
} ops_list;

/* Arrays and numbers, cast to the dtype that their sum has. At least one. */
chunk_status ops_list_of(ops_list *l, chk_builder *b, const chk_value *arrays, int n, const char *who, chunk_error *err);
void ops_list_put(ops_list *l, int i, chk_node *node); /* takes node over in place of number i */
void ops_list_done(ops_list *l);

/* Nodes of one dtype, one after the other along the axis, which is normal. Empty ones beside a single other one are left out. */
chunk_status ops_join(chk_node **out, chk_builder *b, chk_node *const *in, int n, int axis, chunk_error *err);

#endif
