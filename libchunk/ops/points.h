/* points.h: x at many index tuples in no order, by passes of its own (private to ops/). Where blocks of the result each read what they need (gather.c), a
 * chunk is read as often as there are blocks with a place in it; here it is read once:
 *
 * 1. sort:   the index tuples are read band by band; each band is sorted by the cells of x that its tuples lie in, and so kept.
 * 2. fetch:  cell by cell, x is read, and the values that the bands want of it are put in their sorted places.
 * 3. result: a source; a block reads the index tuples of its bands again, sorts them again, and so knows where its values lie.
 *
 * Keys and values are spilled arrays: in memory as far as there is room, else in the scratch file. */
#ifndef CHK_OPS_POINTS_H
#define CHK_OPS_POINTS_H

#include "ops/gather.h"
#include "ops/mask.h"
#include "plan/builder.h"

typedef struct ops_points {
    int refs;
    chk_node *node; /* counted */
    ops_gather g;
    size_t item;
    ops_bands bands; /* of the index arrays' shape */
    int64_t band_extent[CHK_MAX_NDIM], band_max;
    /* Axes of x that are not indexed are cut into pieces: whole where x can be read in part, by x's chunks where not. */
    int64_t n_piece[CHK_MAX_NDIM], n_pieces, piece_max;
    /* The others into cells: parts of chunks, or whole chunks. */
    int64_t cell[CHK_MAX_NDIM], n_sub[CHK_MAX_NDIM], cell_volume, n_cells;
    int64_t cells_a_group, n_groups;
    chk_region *table; /* uint32_t: where each group begins in each band, n_groups + 1 a band */
    chk_source *keys, *values;
    chk_sink *keys_in, *values_in;
} ops_points;

void ops_points_release(ops_points *f);

/* The index arrays, and what sorting a band of them needs of an arena. */
typedef struct ops_points_idx {
    chk_reader reader[CHK_MAX_NDIM];
    int n;
} ops_points_idx;
chunk_status ops_points_idx_new(ops_points_idx *x, const ops_points *f, chk_plan_builder *b, chunk_error *err);
void ops_points_idx_done(ops_points_idx *x);
void ops_points_idx_need(ops_points_idx *x, const ops_points *f, chk_need *out);
/* Sorted places of a band, key: ops_points' order of cells; index: place in the band. They lie in the arena, whose mark the caller keeps. */
chunk_status ops_points_sort(ops_place **out, int64_t *n, const ops_points *f, const ops_points_idx *x, int64_t band,
                             chk_arena *arena, chk_hold *hold, chunk_error *err);

/* The box of x of a piece (axes that are not indexed), and of a cell (those that are). */
void ops_points_piece(const ops_points *f, int64_t piece, chk_box *box);
void ops_points_cell(const ops_points *f, int64_t cell, chk_box *box);
/* n elements of a spilled array from `at` on, in row `row` of its leading axes: the box of it. */
void ops_points_slot(chk_box *box, const ops_points *f, int64_t piece, int64_t band, int64_t at, int64_t n);

chunk_status ops_points_fetch_pass(ops_points *f, chk_plan_builder *b, chunk_error *err);
chunk_status ops_points_source(ops_points *f, chk_plan_builder *b, chunk_error *err);

#endif
