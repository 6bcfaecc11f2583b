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

/* What a node of these operations asks for. */
typedef struct ops_gather {
    int n_idx, place, nb;       /* index arrays; first index dimension in the result; how many of them */
    int axis[CHK_MAX_NDIM];     /* of x, an index array */
    int out_axis[CHK_MAX_NDIM]; /* result axis of each axis of x; -1 for indexed ones */
    bool cuttable;              /* chunks of x can be read in part at no extra cost */
} ops_gather;
/* Whether chunks of what it reads can be read in part at no extra cost. */
bool ops_is_cuttable(const chk_node *n);
void ops_gather_describe(ops_gather *g, const chk_node *n);
/* A sub-array that is copied again and again: axes from the outermost one on, merged where both sides are dense. Starts as {.item = bytes}. */
typedef struct ops_part {
    size_t item;
    int n;
    int64_t extent[CHK_MAX_NDIM], from[CHK_MAX_NDIM], to[CHK_MAX_NDIM]; /* strides in bytes */
} ops_part;
void ops_part_axis(ops_part *p, int64_t extent, int64_t from, int64_t to);
void ops_part_copy(const ops_part *p, char *to, const char *from);
/* Refuses the first of n indices that is out of bounds of an axis; negative ones become the places they mean. */
chunk_status ops_gather_normal(int64_t *idx, int64_t n, int axis, int64_t size, chunk_error *err);

extern const chk_local ops_gather_local;
/* x at index arrays (int64, of one shape): inputs x, i_0, ...; parameters: first axis of the index dimensions in the result, then the axes of x that are
 * indexed, ascending. */
chunk_status ops_make_gather(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                             int n_attr, chunk_error *err);
/* Passes of their own for many places in no order, so that each chunk is read once (points.h); when that is worth while. */
bool ops_gather_lowers(const chk_node *n);
chunk_status ops_gather_lower(struct chk_plan_builder *p, const chk_node *n, chunk_error *err);
/* The least and the greatest of indices, of which there are some: computed now. */
chunk_status ops_least_and_greatest(int64_t *ends, chk_builder *b, chk_node *indices, chunk_error *err);
/* Refuses indices that are out of bounds of an axis of n elements, where they can be looked at without reading files. */
chunk_status ops_check_indices(chk_builder *b, chk_node *indices, int64_t n, int axis, chunk_error *err);
/* chk_op.look of nodes whose inputs are x, i_0, ... and whose parameters, from the second on, are the axes of x that these index. */
chunk_status ops_look_at_indices(chk_builder *b, const chk_node *n, chunk_error *err);

#endif
