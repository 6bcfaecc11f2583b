/* The chunk shape that outputs get where nobody says one: the whole array up to 1 MiB, else every axis cut into the same number of parts, the
 * fewest with which a chunk has at most 1 MiB. */
#include "store/h5.h"

enum { TARGET_BYTES = 1 << 20 };

static int64_t part_of(int64_t dim, int64_t parts) { return dim < 1 ? 1 : (dim - 1) / parts + 1; }

static bool fits(const chk_shape *shape, int64_t parts, int64_t most)
{
    int64_t n = 1;
    for (int a = 0; a < shape->ndim; a++) {
        int64_t part = part_of(shape->dim[a], parts);
        if (part > most / n) return false;
        n *= part;
    }
    return true;
}

void chk_h5_choose_chunk(int64_t *chunk, const chk_shape *shape, size_t item_bytes)
{
    int64_t most = item_bytes < TARGET_BYTES ? (int64_t)(TARGET_BYTES / item_bytes) : 1;
    int64_t enough = 1, too_few = 0; /* parts */
    while (!fits(shape, enough, most)) {
        too_few = enough;
        enough = enough > INT64_MAX / 2 ? INT64_MAX : 2 * enough;
    }
    while (enough - too_few > 1) {
        int64_t middle = too_few + (enough - too_few) / 2;
        *(fits(shape, middle, most) ? &enough : &too_few) = middle;
    }
    for (int a = 0; a < shape->ndim; a++) chunk[a] = part_of(shape->dim[a], enough);
}
