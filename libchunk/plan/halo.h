/* halo.h: a box of an input together with what lies around it, for stencils and windows: beyond the ends of the array, values by the rule of an edge.
 *
 * What lies inside the array is read by one chk_local_read; positions outside are filled from it, slab by slab, one axis after the other, so that
 * corners need no case of their own. Only what a periodic array has at its other end, or a one-sided halo does not hold, is read apart. */
#ifndef CHK_HALO_H
#define CHK_HALO_H

#include "plan/local.h"

/* One array, many names: NumPy's pad says "reflect" for what SciPy calls "mirror", and "symmetric" for SciPy's "reflect". */
typedef enum chk_edge {
    CHK_EDGE_CONSTANT, /* k k k | a b c d | k k k */
    CHK_EDGE_NEAREST,  /* a a a | a b c d | d d d */
    CHK_EDGE_WRAP,     /* b c d | a b c d | a b c */
    CHK_EDGE_REFLECT,  /* c b a | a b c d | d c b */
    CHK_EDGE_MIRROR,   /* d c b | a b c d | c b a */
    CHK_N_EDGES
} chk_edge;

/* Where index i of an axis of n lies; -1 for a constant. n 0: everything is constant. */
int64_t chk_edge_index(chk_edge edge, int64_t i, int64_t n);

/* Input `input` in `box` of its index space, which may reach beyond the array at any side, goes to dest: dense, C order. edge: one an axis; fill: one
 * element for constant edges. */
chunk_status chk_halo_read(const chk_local_call *c, int input, const chk_box *box, const chk_edge *edge, const void *fill,
                           void *dest, chunk_error *err);

/* ---- the same in two parts, for operations that go axis by axis: nothing that is only a copy is held for all axes at once */

/* Positions along one axis of a box that are read, rather than copies of others: all that lie inside, and what a periodic array has at its other end. */
int64_t chk_halo_held(int64_t lo, int64_t hi, int64_t n, chk_edge edge);
/* Of those, how many come before index i, which is one of them and lies inside. */
int64_t chk_halo_place(int64_t lo, int64_t hi, int64_t n, chk_edge edge, int64_t i);
/* Reads the held positions of all axes: dense, chk_halo_held elements an axis. */
chunk_status chk_halo_read_held(const chk_local_call *c, int input, const chk_box *box, const chk_edge *edge, void *dest,
                                chunk_error *err);
/* From held positions to all of [lo, hi) along the middle axis of (outer, held, inner) elements of `item` bytes. */
void chk_halo_expand(void *dest, const void *held, int64_t lo, int64_t hi, int64_t n, chk_edge edge, const void *fill,
                     int64_t outer, int64_t inner, size_t item);

#endif
