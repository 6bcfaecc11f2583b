/* blocks.h: results that a caller's function makes block by block. map_blocks, blockwise, map_overlap, apply_gufunc and apply_along_axis are calls that
 * differ in how axes of inputs belong to axes of the result; one node does them all.
 *
 * A block is a chunk of the node's grid. Of each input it needs one tile: along axes that belong to an axis of the result, the part with the block's
 * number; along others, all. So the result follows from grids that are part of the expression, and from nothing else. */
#ifndef CHK_OPS_BLOCKS_H
#define CHK_OPS_BLOCKS_H

#include "ops/common.h"
#include "plan/halo.h"

enum { BLOCKS_EDGE_NONE = CHK_N_EDGES }; /* beside chk_edge: a halo ends where the array ends */

/* The halo of one axis of one input. */
typedef struct blocks_halo {
    int64_t before, after;
    int edge;
} blocks_halo;

/* A call of a function. Axes are named by labels (any numbers): one label is one axis of blocks. */
typedef struct blocks_call {
    const chk_op *op;
    const chk_user_op *fn;
    chk_node *in[CHK_USER_INPUTS]; /* counted: blocks_done */
    int n_in;
    int label[CHK_USER_INPUTS][CHK_MAX_NDIM]; /* of the axes of the inputs */
    int ndim, out[CHK_MAX_NDIM];              /* labels of the result's axes */
    int64_t extent[CHK_MAX_NDIM];             /* of axes of the result that no input has: one block; -1: chunks must say */
    int64_t cut[CHK_MAX_NDIM];                /* where not 0: inputs are cut so unless blocks says it */
    const chk_value *chunks; /* None, or an entry an axis of the result: None, the extent of every block, or a tuple of extents */
    const chk_value *blocks; /* None, or an entry an axis of the result: None, or the extent in which inputs are cut */
    blocks_halo halo[CHK_USER_INPUTS][CHK_MAX_NDIM];
    chk_scalar fill[CHK_USER_INPUTS]; /* of constant edges */
    chk_dtype dtype;
} blocks_call;

/* fn (a generalised function where loop says so, else one over blocks) from the first argument, inputs from a tuple of arrays (cast as fn wants them), dtype from the argument, fn, or the first input. */
chunk_status blocks_start(blocks_call *c, chk_builder *b, const chk_op *op, const chk_value *fn, bool loop, const chk_value *arrays,
                          const chk_value *dtype, chunk_error *err);
void blocks_done(blocks_call *c);
/* Labels as NumPy broadcasts: the last axes of the inputs belong together. Sets ndim and out too. */
void blocks_label_broadcast(blocks_call *c);
/* Checks that it all fits together, and makes the node. */
chunk_status blocks_make(chk_node **out, chk_builder *b, blocks_call *c, chunk_error *err);

extern const chk_local blocks_local;
/* Calls a generalised function for all items of the tiles; what it returned where that is not 0. */
int blocks_call_loop(const chk_user_op *fn, const struct chunk_block *b);
/* The parameters of a node (blocks_node.c), as blocks.c writes them. */
typedef enum blocks_cut { BLOCKS_LIKE, BLOCKS_REGULAR, BLOCKS_LIST } blocks_cut;
typedef struct blocks_head {
    int64_t fn; /* the address */
} blocks_head;
/* Along an axis of an input: the axis of the result whose block says which part (-1: all of it), how the axis is cut (like axis like_axis of input like_in,
 * or every `chunk` elements where that is not 0), and the halo. */
typedef struct blocks_axis {
    int64_t out, like_in, like_axis, chunk, before, after, edge;
} blocks_axis;
typedef struct blocks_input {
    int64_t fill[2]; /* the bytes of one element */
    blocks_axis axis[];
} blocks_input;

#endif
