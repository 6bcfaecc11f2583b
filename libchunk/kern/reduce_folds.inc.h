/* reduce_folds.inc.h: the folds of float rows into float64 lanes, for elements FOLDS_OF (see lanes.inc.h for the rest of the parameters). */
#define LANE_NAME CHK_PASTE(fold_sum, FOLDS_OF)
#define LANE_VEC (s + x)
#define LANE_ONE (s + x)
#include "kern/lanes.inc.h"

#define LANE_NAME CHK_PASTE(fold_nansum, FOLDS_OF)
#define LANE_VEC (s + IF_NUMBER(x))
#define LANE_ONE (s + (x == x ? x : 0))
#include "kern/lanes.inc.h"

#define LANE_NAME CHK_PASTE(fold_prod, FOLDS_OF)
#define LANE_VEC (s * x)
#define LANE_ONE (s * x)
#include "kern/lanes.inc.h"

#define LANE_NAME CHK_PASTE(fold_nanprod, FOLDS_OF)
#define LANE_VEC (s * CHOOSE_ONE(x))
#define LANE_ONE (s * (x == x ? x : 1))
#define CHOOSE_ONE(x) ((vdouble)(((x == x) & (vlong)(x)) | (~(x == x) & (vlong)((vdouble){0} + 1.0))))
#include "kern/lanes.inc.h"
#undef CHOOSE_ONE

#define LANE_NAME CHK_PASTE(fold_m2, FOLDS_OF)
#define LANE_VEC (s + (x - p) * (x - p))
#define LANE_ONE (s + (x - p) * (x - p))
#include "kern/lanes.inc.h"

#define LANE_NAME CHK_PASTE(fold_nanm2, FOLDS_OF)
#define LANE_VEC (s + (vdouble)((x == x) & (vlong)((x - p) * (x - p))))
#define LANE_ONE (s + (x == x ? (x - p) * (x - p) : 0))
#include "kern/lanes.inc.h"
