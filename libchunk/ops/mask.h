/* mask.h: what a mask selects (private to ops/). The number of selected elements is counted when the node is built. */
#ifndef CHK_OPS_MASK_H
#define CHK_OPS_MASK_H

#include "plan/local.h"

enum { OPS_SELECTED_CHUNK = 128 << 10 }; /* elements a chunk of a selection: 1 MiB of float64 */

/* Runs of an array's C order: one index on the axes before d, up to s on axis d, all of the axes after it. */
typedef struct ops_bands {
    int d;
    int64_t s, n_d, n; /* bands along axis d; in all */
} ops_bands;
ops_bands ops_cut(const chk_shape *shape);
ops_bands ops_cut_by(const chk_shape *shape, int64_t most); /* bands of at most so many elements */
void ops_bands_extent(const ops_bands *b, const chk_shape *shape, int64_t *out);
void ops_band_box(chk_box *out, const ops_bands *b, const chk_shape *shape, int64_t i);
void ops_band_extent(const chk_shape *shape, int64_t *out); /* of ops_cut's bands */

/* The elements of x where mask (bool, of x's shape) is true, in C order: one dimension. */
chunk_status ops_select(chk_node **out, chk_builder *b, chk_node *mask, chk_node *x, chunk_error *err);
/* The same for a builder that defers: in is {mask, x}; the shape is a bound until the run is over (select_once.c). */
chunk_status ops_select_uncounted(chk_node **out, chk_builder *b, chk_node *const *in, chunk_error *err);
/* Their indices along an axis of the mask: int64, one dimension; all axes, (n, ndim), for axis -1. */
chunk_status ops_nonzero_axis(chk_node **out, chk_builder *b, chk_node *mask, int axis, chunk_error *err);

#endif
