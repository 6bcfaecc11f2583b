/* boxes.h: where the elements of a view's box lie in what is under it, and strided copies. Arithmetic only. */
#ifndef CHK_BOXES_H
#define CHK_BOXES_H

#include "store/source.h"

/* Arrays without chunks of their own (memory, contiguous datasets, callbacks without a chunk shape) are cut by the fixed rule to this. */
enum { CHK_DEFAULT_CHUNK_BYTES = 1 << 20 };

/* Elements picked from a C-ordered block of bytes: count[b] of them along axis b, step[b] bytes apart, the lowest at `first`.
 * Runs: axes from n_outer on are taken in one piece of run_bytes, gaps included, as the gaps are small; the axes before it are gone through
 * one by one, n_runs times. */
typedef struct chk_pick {
    int ndim;
    int64_t count[CHK_MAX_NDIM], step[CHK_MAX_NDIM];
    uint64_t first;
    int n_outer;
    int64_t n_runs;
    size_t run_bytes;
} chk_pick;

/* Gaps shorter than this are read over. */
enum { CHK_MAX_GAP = 4096 };

/* The box of the base that the view shows in `box`, within the block (a chunk) of shape block->dim at `origin`. */
void chk_pick_box(chk_pick *out, const chk_view *v, const chk_box *box, const int64_t *origin, const chk_shape *block,
                  size_t item_bytes);
/* An upper bound for all boxes of at most max_extent that lie in one block. */
void chk_pick_most(chk_pick *out, const chk_view *v, const int64_t *max_extent, const chk_shape *block, size_t item_bytes);
/* Strides of a piece over the view's axes, from byte strides of the base axes (all positive), and what the box's first element lies beyond the
 * lowest one. Returns that offset. */
int64_t chk_pick_strides(int64_t *stride, const chk_view *v, const int64_t *base_stride, const int64_t *count);
/* Picked elements along each base axis for a box: as many as its extent on the axis that shows it, else 1. */
void chk_pick_counts(int64_t *count, const chk_view *v, const int64_t *extent);

/* Dense C-order strides over the view's axes that some base axis moves along; 0 for the others. Returns the bytes of a box of that extent. */
uint64_t chk_dense_strides(int64_t *stride, const chk_view *v, const int64_t *extent, size_t item_bytes);
/* Copies extent elements from src to dst, any strides; axes where dst_stride is 0 are taken once. */
void chk_copy_strided(char *dst, const int64_t *dst_stride, const char *src, const int64_t *src_stride, const int64_t *extent,
                      int ndim, size_t item_bytes);
/* The same out of shuffled elements: src_stride counts elements, and byte b of an element lies b * plane_bytes behind its first; 0: not shuffled. */
void chk_copy_planes(char *dst, const int64_t *dst_stride, const char *src, const int64_t *src_stride, const int64_t *extent,
                     int ndim, size_t item_bytes, size_t plane_bytes);
/* The same with one value. */
void chk_fill_strided(char *dst, const int64_t *dst_stride, const void *item, const int64_t *extent, int ndim, size_t item_bytes);

#endif
