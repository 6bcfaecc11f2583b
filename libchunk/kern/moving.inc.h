/* moving.inc.h: windows along lines, one instruction set level: eight lines side by side, and one alone. */
#include <math.h>

#include "kern/isa.h"
#include "kern/level.h"

#define LANES 8
#define AT_WIDTH(name) name##_8
#include "kern/moving_lanes.inc.h"
#undef LANES
#undef AT_WIDTH
#define LANES 1
#define AT_WIDTH(name) name##_1
#include "kern/moving_lanes.inc.h"

static void lines(chk_moving kind, const chk_moving_run *r, int lanes)
{
    if (lanes == CHK_MOVING_LANES)
        lines_8(kind, r);
    else
        lines_1(kind, r);
}

static void rank(double *out, const double *in, int64_t window, int64_t stride, int64_t min_count, int64_t n)
{
    int64_t i = 0;
    for (; i + CHK_MOVING_LANES <= n; i += CHK_MOVING_LANES) rank_8(out + i, in + i, window, stride, min_count);
    for (; i < n; i++) rank_1(out + i, in + i, window, stride, min_count);
}

const chk_windows CHK_AT_LEVEL(chk_windows) = {.lines = lines, .rank = rank};
