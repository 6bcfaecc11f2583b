/* moving.c: windows along lines by the level in use. */
#include "kern/moving.h"

#include "kern/level.h"

void chk_moving_lines(chk_moving kind, const chk_moving_run *r, int lanes) { chk_level_now()->windows->lines(kind, r, lanes); }

void chk_moving_rank(double *out, const double *in, int64_t window, int64_t stride, int64_t min_count, int64_t n)
{
    chk_level_now()->windows->rank(out, in, window, stride, min_count, n);
}
