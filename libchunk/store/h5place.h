/* h5place.h: a dataset that is open for overwriting parts of it, for the sink that does it. Not for other rooms. */
#ifndef CHK_H5PLACE_H
#define CHK_H5PLACE_H

#include "store/h5.h"

/* A part of a region that lies in one chunk: indices [lo, hi) of the region, one pair an axis of the dataset. */
typedef struct chk_h5part {
    int64_t coord[CHK_MAX_NDIM], lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM];
} chk_h5part;

/* Calls visit for the parts of indices [lo, hi) of the region, in C order of the chunks as the region's indices come by them. */
chunk_status chk_h5region_walk(const chk_h5set *set, const chk_h5region *r, const int64_t *lo, const int64_t *hi,
                               chunk_status (*visit)(void *arg, const chk_h5part *p, chunk_error *err), void *arg,
                               chunk_error *err);
/* Opens the file for writing, locks it against other programs, and enters the region's chunks that are not stored yet. *fd is the caller's. */
chunk_status chk_h5place_open(int *fd, chk_h5set *set, const chk_h5region *r, chunk_error *err);
/* Closes fd; the file is as it was for reading. */
void chk_h5place_close(int fd, chk_h5set *set);

#endif
