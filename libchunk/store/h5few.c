/* h5few.c: datasets of which few chunks are stored out of many. HDF5 answers for an absent chunk with an error, which takes it 3 us under its lock, so
 * where the file is too short to hold more than a few chunks their numbers are listed once, and all others are absent without a question. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/h5lock.h"
#include "store/h5read.h"

/* H5Dget_chunk_info walks to the entry it is asked for, so listing n takes n * n / 2 steps of about 12 ns: 6 ms at most. */
enum { FEW_MOST = 1024, GRID_LEAST = 4096 };

/* FEW_LIST: `number` holds the n chunks there are, in order. */
enum { FEW_UNKNOWN, FEW_NOT, FEW_LIST };

static uint64_t number_of(const chk_h5info *i, const int64_t *coord)
{
    uint64_t k = 0;
    for (int a = 0; a < i->shape.ndim; a++)
        k = k * (uint64_t)((i->shape.dim[a] + i->chunk.dim[a] - 1) / i->chunk.dim[a]) + (uint64_t)coord[a];
    return k;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Is it worth it? By the file's length alone, so that nothing is read for the answer. The indexes that are arrays hold absent entries too. */
static bool promising(const chk_h5set *d)
{
    const chk_h5info *i = &d->info;
    if (!i->native || i->layout != CHK_LAYOUT_CHUNKED || i->pipeline.n > 0 || strncmp(i->index, "btree", 5) != 0) return false;
    double grid = 1;
    for (int a = 0; a < i->shape.ndim; a++) grid *= (double)((i->shape.dim[a] + i->chunk.dim[a] - 1) / i->chunk.dim[a]);
    return grid >= GRID_LEAST && grid < 0x1p62 && (uint64_t)d->file->size / d->chunk_bytes <= FEW_MOST;
}

/* Under the lock. Whatever goes wrong, each chunk is looked up by itself, and that says what is wrong. */
static bool list(chk_h5set *d)
{
    hsize_t n = 0, at[CHK_MAX_NDIM], size;
    haddr_t addr;
    unsigned mask;
    hid_t space = H5Dget_space(d->id);
    bool ok = space >= 0 && H5Dget_num_chunks(d->id, space, &n) >= 0 && n <= FEW_MOST;
    d->few_number = ok ? chk_malloc((n ? n : 1) * sizeof *d->few_number) : NULL;
    ok = d->few_number;
    for (hsize_t k = 0; k < n && ok; k++) {
        int64_t coord[CHK_MAX_NDIM];
        ok = H5Dget_chunk_info(d->id, space, k, at, &mask, &addr, &size) >= 0;
        for (int a = 0; a < d->info.shape.ndim && ok; a++) coord[a] = (int64_t)(at[a] / (hsize_t)d->info.chunk.dim[a]);
        if (ok) d->few_number[k] = number_of(&d->info, coord);
    }
    if (space >= 0) H5Sclose(space);
    if (ok) qsort(d->few_number, n, sizeof *d->few_number, by_number);
    d->few_n = n;
    return ok;
}

bool chk_h5few_absent(chk_h5set *d, const int64_t *coord)
{
    int state = atomic_load_explicit(&d->few, memory_order_acquire);
    if (state == FEW_UNKNOWN) {
        if (!promising(d)) {
            atomic_store(&d->few, FEW_NOT);
            return false;
        }
        if (chk_h5_enter(NULL) != CHUNK_OK) return false;
        state = atomic_load(&d->few);
        if (state == FEW_UNKNOWN) atomic_store_explicit(&d->few, state = list(d) ? FEW_LIST : FEW_NOT, memory_order_release);
        chk_h5_leave();
    }
    if (state != FEW_LIST) return false;
    uint64_t k = number_of(&d->info, coord);
    return !bsearch(&k, d->few_number, d->few_n, sizeof k, by_number);
}
