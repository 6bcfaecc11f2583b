/* reduce_extremes.inc.h: least and greatest of float rows, NaN winning (min, max) or losing (fmin, fmax), for elements EXTREMES_OF. */
#define LANE_NAME CHK_PASTE(fold_min, EXTREMES_OF)
#define LANE_VEC CHOOSE(LANE_I, LANE_V, (x < s) | (x != x), x, s)
#define LANE_ONE (x < s || x != x ? x : s)
#include "kern/lanes.inc.h"

#define LANE_NAME CHK_PASTE(fold_max, EXTREMES_OF)
#define LANE_VEC CHOOSE(LANE_I, LANE_V, (x > s) | (x != x), x, s)
#define LANE_ONE (x > s || x != x ? x : s)
#include "kern/lanes.inc.h"

#define LANE_NAME CHK_PASTE(fold_fmin, EXTREMES_OF)
#define LANE_VEC CHOOSE(LANE_I, LANE_V, (x < s) | (s != s), x, s)
#define LANE_ONE (x < s || s != s ? x : s)
#include "kern/lanes.inc.h"

#define LANE_NAME CHK_PASTE(fold_fmax, EXTREMES_OF)
#define LANE_VEC CHOOSE(LANE_I, LANE_V, (x > s) | (s != s), x, s)
#define LANE_ONE (x > s || s != s ? x : s)
#include "kern/lanes.inc.h"
