/* region.h: arrays that are computed by one pass and read by later ones, held in a region of the plan: dense, C order. */
#ifndef CHK_REGION_H
#define CHK_REGION_H

#include "plan/task.h"
#include "store/source.h"

/* Both borrow the region, which the scheduler fills before the first pass that uses it opens. grid: the node's. */
chunk_status chk_region_source(chk_source **out, const chk_region *region, chk_dtype dtype, const chk_shape *shape,
                               const chk_grid *grid, const char *name, chunk_error *err);
chunk_status chk_region_sink(chk_sink **out, const chk_region *region, chk_dtype dtype, const chk_shape *shape,
                             const chk_grid *grid, chunk_error *err);

#endif
