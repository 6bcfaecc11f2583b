/* moving.h: what the windows named after bottleneck share (moving.c, moving_median.c). */
#ifndef CHK_OPS_MOVING_H
#define CHK_OPS_MOVING_H

#include "kern/moving.h"
#include "ops/filter.h"

/* Beside the kinds of kern/moving.h. */
enum { MOVING_MEDIAN = CHK_N_MOVING, MOVING_RANK, N_MOVING_KINDS };

/* A box at work: (outer, had, inner) elements of x, of which `had` lie along the axis, become (outer, n, inner). */
typedef struct moving_box {
    int64_t window, min_count, ddof;
    int64_t outer, had, n, inner;
    int64_t first; /* the place along the axis of x's first element; what comes before the array is NaN */
    const double *x;
    double *out;
} moving_box;

/* Medians. room: moving_median_room bytes. */
size_t moving_median_room(int64_t window, int64_t had);
void moving_median(const moving_box *m, void *room);

#endif
