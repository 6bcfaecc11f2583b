/* shape.h: shapes, boxes, chunk grids and index transforms: pure values, no allocation but a grid's list of bounds, no I/O.
 *
 * Words: extent = length of an axis; box = half-open region [lo, hi) an axis; grid = where an array is cut into chunks;
 * view = affine index transform from an array's index space to the index space of what lies under it. */
#ifndef CHK_SHAPE_H
#define CHK_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { CHK_MAX_NDIM = 32, CHK_MAX_ITEM = 16 /* bytes of an element */ };

typedef struct chk_shape {
    int ndim;
    int64_t dim[CHK_MAX_NDIM];
} chk_shape;

int64_t chk_shape_count(const chk_shape *s); /* elements; 1 for ndim 0; saturates at INT64_MAX */
/* Whether the bytes of an array of any dtype, and of any part of its axes, can be counted: as NumPy does, axes without elements are passed over. */
bool chk_shape_fits(const chk_shape *s);
bool chk_shape_equal(const chk_shape *a, const chk_shape *b);
/* NumPy's broadcasting of two shapes; false when they do not fit. out may be one of them. */
bool chk_shape_broadcast(chk_shape *out, const chk_shape *a, const chk_shape *b);
char *chk_shape_text(char *buf, size_t size, const chk_shape *s); /* "(3, 4)", "(5,)", "()" ; returns buf */

typedef struct chk_box {
    int ndim;
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM];
} chk_box;

int64_t chk_box_count(const chk_box *b);
static inline int64_t chk_box_extent(const chk_box *b, int axis) { return b->hi[axis] - b->lo[axis]; }

/* How one axis is cut. Chunk k covers [bound(k), bound(k + 1)).
 * Affine form: an axis with chunks of `chunk`, seen through "start at off, step by step": covers slices of regular grids without a list.
 * List form: bounds has n_chunks + 1 entries, borrowed from the grid's owner. */
typedef struct chk_axis_grid {
    int64_t extent;    /* of the axis as seen */
    int64_t n_chunks;  /* 0 when extent is 0 */
    int64_t chunk;     /* of the axis under it, affine form; largest chunk otherwise */
    int64_t off, step; /* index i of the axis lies at off + i * step of the axis under it; step may be negative; regular: 0, 1 */
    const int64_t *bounds; /* NULL in the affine form */
} chk_axis_grid;

typedef struct chk_grid {
    int ndim;
    chk_axis_grid axis[CHK_MAX_NDIM];
} chk_grid;

chk_axis_grid chk_axis_regular(int64_t extent, int64_t chunk);                                /* chunk >= 1 */
chk_axis_grid chk_axis_slice(const chk_axis_grid *g, int64_t start, int64_t step, int64_t n); /* of an affine axis */
int64_t chk_axis_bound(const chk_axis_grid *g, int64_t k);                                    /* 0 <= k <= n_chunks */
int64_t chk_axis_find(const chk_axis_grid *g, int64_t index);                                 /* the chunk that holds index */
int64_t chk_axis_max_chunk(const chk_axis_grid *g); /* an upper bound of the chunks' extents; 0 when empty */
chk_grid chk_grid_regular(const chk_shape *shape, const int64_t *chunk);
int64_t chk_grid_n_chunks(const chk_grid *g); /* saturates */
void chk_grid_chunk_box(chk_box *out, const chk_grid *g, const int64_t *coord);
/* The fixed rule for arrays without chunks of their own: rows of whole trailing axes, about target_bytes a chunk. */
void chk_grid_default_chunks(int64_t *chunk, const chk_shape *shape, size_t item_bytes, size_t target_bytes);

/* Affine index transform. Element i of the array (ndim axes) is element j of the base, with j[b] = off[b] + step[b] * i[axis[b]],
 * or off[b] where axis[b] < 0. An axis of the array that no base axis names is broadcast. */
typedef struct chk_view {
    chk_shape shape; /* of the array as seen */
    int base_ndim;
    int axis[CHK_MAX_NDIM]; /* per base axis: the array's axis, or -1 */
    int64_t off[CHK_MAX_NDIM], step[CHK_MAX_NDIM];
} chk_view;

chk_view chk_view_identity(const chk_shape *shape);
/* NumPy's rule for values that are assigned: where they have more than ndim axes, those before may have length 1, and are left out. */
chk_view chk_view_drop_leading(const chk_shape *shape, int ndim);
/* outer maps array -> middle, inner maps middle -> base: out maps array -> base. */
chk_view chk_view_compose(const chk_view *outer, const chk_view *inner);
/* NumPy broadcasting of an array of shape `from` to shape `to` (which it must broadcast to). */
chk_view chk_view_broadcast(const chk_shape *from, const chk_shape *to);
bool chk_view_is_identity(const chk_view *v, const chk_shape *base);
/* The smallest box of the base that holds what the view shows in `box` (empty box: empty result). */
void chk_view_base_box(chk_box *out, const chk_view *v, const chk_box *box);
/* Extents of the base's boxes under boxes of at most max_extent. */
void chk_view_base_extent(int64_t *out, const chk_view *v, const chk_shape *base, const int64_t *max_extent);

#endif
