/* geometry.h: how a pass's index space is cut. Chunk > block > leaf; pure arithmetic.
 *
 * leaf   the smallest unit of a reduction: a run of at most CHK_LEAF_ELEMENTS elements in the C order of one chunk that is a box: one index on
 *        the axes before `d`, up to leaf[d] indices on axis d, all of the axes after it. It follows from the grid alone.
 * block  an aligned group of leaves of a chunk that is again such a box: what is computed at once. Its size is free: results do not depend on it.
 * Leaves of one result element are numbered by slots: (ordinal of the chunk along the reduced axes, position in the chunk along them), each
 * axis inside the chunk padded to a power of two. The fixed tree over slots pairs (level, i) nodes that cover slots [i, i + 1) << level; aligned
 * groups of leaves, and so blocks and whole chunks, are nodes of it. */
#ifndef CHK_GEOMETRY_H
#define CHK_GEOMETRY_H

#include "array/shape.h"

/* 64 KiB of float64. Larger leaves halve the merges, smaller ones leave L1: axis-0 variance is within 3 % from 4,096 to 16,384. */
enum { CHK_LEAF_ELEMENTS = 8192 };

typedef struct chk_geometry {
    chk_shape space;
    chk_grid grid;
    uint32_t reduced;                /* bit a: axis a is reduced; 0 in passes without reductions */
    int64_t max_chunk[CHK_MAX_NDIM]; /* largest chunk extent an axis */
    int64_t leaf[CHK_MAX_NDIM];
    int64_t block[CHK_MAX_NDIM];
    int d;                                 /* the axis that leaves cut; 0 for ndim 0 */
    int64_t blocks_in_chunk[CHK_MAX_NDIM]; /* of the largest chunk, an axis */
    int64_t n_units;                       /* chunks (whole_chunks) or blocks, edge ones that are empty included */
    bool whole_chunks;                     /* units are chunks, cut into blocks inside; else units are blocks */
    int chunk_bits;                        /* bits of a slot inside a chunk */
    int axis_bits[CHK_MAX_NDIM];
    int64_t n_red_chunks;              /* chunks along the reduced axes, product */
    int levels;                        /* height of the tree: slots < 1 << levels */
    int64_t first_chunk[CHK_MAX_NDIM]; /* of the units, an axis: above 0 after chk_geometry_limit only */
    int n_order;                       /* digits of a unit's number, most significant first */
    struct {
        int axis;
        bool in_chunk;
        int64_t radix;
    } order[2 * CHK_MAX_NDIM];
} chk_geometry;

/* block_elements: the aim for a block (at least one leaf, at most a chunk). leaf_elements: CHK_LEAF_ELEMENTS but in tests. */
void chk_geometry_make(chk_geometry *g, const chk_shape *space, const chk_grid *grid, uint32_t reduced, int64_t leaf_elements,
                       int64_t block_elements, bool whole_chunks);
/* Leaves out the units of chunks that do not meet `needed` (not empty) on the kept axes. */
void chk_geometry_limit(chk_geometry *g, const chk_box *needed);
/* The share of the chunks that units are made of; 1 before chk_geometry_limit. */
double chk_geometry_share(const chk_geometry *g);
/* The box of unit u and its chunk's coordinates; false when it is empty. */
bool chk_geometry_unit(const chk_geometry *g, int64_t u, chk_box *box, int64_t *chunk);
int64_t chk_geometry_block_elements(const chk_geometry *g);
int64_t chk_geometry_max_unit(const chk_geometry *g, int64_t *extent); /* largest extents of a unit; returns the product */
/* Number of blocks in a unit's box, and the i-th of them, reduced axes varying fastest. */
int64_t chk_geometry_n_blocks(const chk_geometry *g, const chk_box *unit);
void chk_geometry_block(const chk_geometry *g, const chk_box *unit, int64_t i, chk_box *out);
/* Whether a box of these extents has leaves along several axes, so that their order, reduced axes last, depends on which these are. */
bool chk_geometry_leaves_turn(const chk_geometry *g, const int64_t *extent);
/* Slot of the leaf that starts at `lo` (absolute indices) in the chunk. */
int64_t chk_geometry_slot(const chk_geometry *g, const int64_t *chunk, const int64_t *lo);
/* True when tree node (level, i) covers any leaf, seen from results whose reduced chunks are all there; chunk extents of the reduced axes vary
 * with the chunk, so edge chunks have fewer leaves. */
bool chk_geometry_node_exists(const chk_geometry *g, int level, int64_t i);
/* Number of the kept block, unique among all blocks of the pass. */
int64_t chk_geometry_kept_id(const chk_geometry *g, const int64_t *chunk, const chk_box *block);

#endif
