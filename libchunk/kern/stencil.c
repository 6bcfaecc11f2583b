/* stencil.c: stencil loops of the level in use. */
#include "kern/stencil.h"

#include "kern/level.h"

void chk_stencil_sum(double *out, const double *const *tap, const double *w, int n_taps, chk_fold fold, size_t n)
{
    chk_level_now()->stencil->sum(out, tap, w, n_taps, fold, n);
}

void chk_stencil_add(double *out, const double *const *tap, int n_taps, size_t n)
{
    chk_level_now()->stencil->add(out, tap, n_taps, n);
}

void chk_stencil_extreme(double *out, const double *const *tap, int n_taps, bool greatest, size_t n)
{
    const chk_stencil *s = chk_level_now()->stencil;
    (greatest ? s->greatest : s->least)(out, tap, n_taps, n);
}

void chk_stencil_laplace(double *out, const double *x, const double *const *lo, const double *const *hi, int n_axes, size_t n)
{
    chk_level_now()->stencil->laplace(out, x, lo, hi, n_axes, n);
}

void chk_stencil_select(double *out, const double *const *tap, int n_taps, const uint8_t (*pair)[2], int n_pairs, int rank,
                        size_t n)
{
    chk_level_now()->stencil->select(out, tap, n_taps, pair, n_pairs, rank, n);
}
