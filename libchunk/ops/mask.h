/* mask.h: what a mask selects (private to ops/). The number of selected elements is counted when the node is built. */
#ifndef CHK_OPS_MASK_H
#define CHK_OPS_MASK_H

#include "plan/local.h"

/* The elements of x where mask (bool, of x's shape) is true, in C order: one dimension. */
chunk_status ops_select(chk_node **out, chk_builder *b, chk_node *mask, chk_node *x, chunk_error *err);
/* Their indices along an axis of the mask: int64, one dimension; all axes, (n, ndim), for axis -1. */
chunk_status ops_nonzero_axis(chk_node **out, chk_builder *b, chk_node *mask, int axis, chunk_error *err);

#endif
