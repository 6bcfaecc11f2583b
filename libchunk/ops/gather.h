/* gather.h: elements and sub-arrays at given places, and sorting by place (private to ops/). */
#ifndef CHK_OPS_GATHER_H
#define CHK_OPS_GATHER_H

#include "plan/local.h"

/* One place that is asked for: its position in the order of the source's chunks, and which of the asked for it is. */
typedef struct ops_place {
    uint64_t key;
    uint32_t index;
} ops_place;

/* Sorts by key, equal keys keep their order (LSD radix sort, 8 bits a pass, only over the bits that differ). spare has room for n; returns the one that
 * holds the result. */
ops_place *ops_sort_places(ops_place *p, ops_place *spare, size_t n);

extern const chk_local ops_gather_local;
/* x at index arrays (int64, of one shape): inputs x, i_0, ...; parameters: first axis of the index dimensions in the result, then the axes of x that are
 * indexed, ascending. */
chunk_status ops_make_gather(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                             int n_attr, chunk_error *err);
/* Refuses indices that are out of bounds of an axis of n elements, where they can be looked at without reading files. */
chunk_status ops_check_indices(chk_builder *b, chk_node *indices, int64_t n, int axis, chunk_error *err);

#endif
