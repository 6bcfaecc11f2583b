/* stencil.h: the inner loops of stencils and windows, over rows of float64. Taps are pointers: neighbours along any axis, one element or one row away,
 * are the same to them. Sums are in the order of the taps, whatever n, so that an element's bits depend on its neighbours alone. */
#ifndef CHK_KERN_STENCIL_H
#define CHK_KERN_STENCIL_H

#include <stddef.h>

#include "kern/kern.h"

typedef enum chk_fold {
    CHK_FOLD_NONE, /* w[0] * tap[0] + w[1] * tap[1] + ... */
    CHK_FOLD_EVEN, /* with m = n_taps / 2: w[m] * tap[m] + w[0] * (tap[0] + tap[n - 1]) + w[1] * (tap[1] + tap[n - 2]) + ... */
    CHK_FOLD_ODD   /* the same with differences; n_taps is odd for both */
} chk_fold;

/* out[i] = the sum over taps. out overlaps no tap. */
void chk_stencil_sum(double *out, const double *const *tap, const double *w, int n_taps, chk_fold fold, size_t n);
/* out[i] = tap[0][i] + tap[1][i] + ... */
void chk_stencil_add(double *out, const double *const *tap, int n_taps, size_t n);
/* out[i] = the least or greatest; NaN wins. */
void chk_stencil_extreme(double *out, const double *const *tap, int n_taps, bool greatest, size_t n);
/* out[i] = the element of that rank of tap[0][i], tap[1][i], ...: pairs (lower, higher place) are put in order one after the other, NaN last, and what
 * is then in place `rank` is taken. At most 64 taps. */
void chk_stencil_select(double *out, const double *const *tap, int n_taps, const uint8_t (*pair)[2], int n_pairs, int rank,
                        size_t n);
/* out[i] = ((lo[0] + hi[0]) - 2 x) + ((lo[1] + hi[1]) - 2 x) + ...: second differences along n_axes axes. */
void chk_stencil_laplace(double *out, const double *x, const double *const *lo, const double *const *hi, int n_axes, size_t n);

#endif
