/* spill.h: intermediate arrays that may be larger than memory: chunk after chunk, the first ones in a region, the others in a scratch file.
 *
 * A pass writes the chunks in grid order and later passes read them in grid order: when memory is full, the chunk whose next use is furthest away is
 * the one just made. So keeping the first and spilling the others is the best choice that knows the future (Belady's), and is fixed in the plan. */
#ifndef CHK_SPILL_H
#define CHK_SPILL_H

#include "plan/task.h"
#include "store/source.h"

typedef struct chk_spill {
    chk_dtype dtype;
    chk_shape shape;
    chk_grid grid;
    size_t chunk_bytes; /* of the largest chunk */
    int64_t n_chunks;
    int64_t n_resident; /* chunks [0, n_resident) lie in the region */
    chk_region *region;
    chk_scratch *scratch; /* NULL while all are resident; made before the run, belongs to the plan's owner */
    uint64_t at;          /* of chunk n_resident in the file */
} chk_spill;

void chk_spill_init(chk_spill *s, chk_region *region, chk_dtype dtype, const chk_shape *shape, const chk_grid *grid);
void chk_spill_set_resident(chk_spill *s, int64_t n_chunks); /* sets the region's size */
/* What is written to the file, which is its size. */
uint64_t chk_spill_bytes(const chk_spill *s);
/* Both borrow s. Blocks written must lie in one chunk of the grid, as a run of its C order. */
chunk_status chk_spill_source(chk_source **out, const chk_spill *s, const char *name, chunk_error *err);
chunk_status chk_spill_sink(chk_sink **out, const chk_spill *s, chunk_error *err);

#endif
