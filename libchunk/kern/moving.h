/* moving.h: sums, variances and extremes of the last `window` elements, along lines that run side by side. NaN counts as missing.
 *
 * Blocks of `window` elements begin where their place along the axis is a multiple of `window`. A window is the end of one block and the beginning of the next:
 * what each element contributes is taken up twice, whatever the window's length (van Herk 1992, Gil and Werman 1993), and the order of additions
 * follows from places alone, wherever a run of elements begins. */
#ifndef CHK_KERN_MOVING_H
#define CHK_KERN_MOVING_H

#include <stddef.h>
#include <stdint.h>

typedef enum chk_moving {
    CHK_MOVING_SUM,
    CHK_MOVING_MEAN,
    CHK_MOVING_VAR,
    CHK_MOVING_MIN,
    CHK_MOVING_MAX,
    CHK_MOVING_ARGMIN, /* how many elements back; of equal ones the last */
    CHK_MOVING_ARGMAX,
    CHK_N_MOVING
} chk_moving;

enum { CHK_MOVING_LANES = 8, CHK_MOVING_STATES = 4 }; /* lines side by side: 8, or 1 */

typedef struct chk_moving_run {
    int64_t window, min_count; /* fewer elements that are not NaN: NaN */
    int64_t ddof;              /* of VAR */
    int64_t phase;             /* the place of in's first row along the axis, modulo window */
    const double *in;          /* n + window - 1 rows of `lanes` elements, in_stride elements apart */
    double *out;               /* n rows: row i is of in's rows i to i + window - 1 */
    int64_t in_stride, out_stride, n;
    double *room; /* window * lanes * CHK_MOVING_STATES elements */
} chk_moving_run;

void chk_moving_lines(chk_moving kind, const chk_moving_run *r, int lanes);

/* Where the last of a window stands among all of it: -1 the least, 1 the greatest. out[i] is of in[i], in[i + stride], ...,
 * in[i + (window - 1) * stride]. */
void chk_moving_rank(double *out, const double *in, int64_t window, int64_t stride, int64_t min_count, int64_t n);

#endif
