/* h5virtual.c: what HDF5 takes for a virtual dataset. It opens the datasets shown one by one as they are read, each with its file, and closes none of them
 * before the virtual one. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/h5read.h"

/* Measured with 1.10.8: 24 KiB of heap for each mapping that was read. */
enum { MAPPING_BYTES = 28 << 10, NAME_BYTES = 4096 };

/* How many datasets a mapping stands for: of a printf-style one ("%b") one for each block along its unlimited axis. */
static uint64_t n_shown(const chk_h5set *d, hid_t dcpl, size_t i)
{
    hsize_t start[CHK_MAX_NDIM], stride[CHK_MAX_NDIM], count[CHK_MAX_NDIM], block[CHK_MAX_NDIM];
    uint64_t n = 1;
    hid_t space = H5Pget_virtual_vspace(dcpl, i);
    if (space >= 0 && H5Sget_select_type(space) == H5S_SEL_HYPERSLABS && H5Sis_regular_hyperslab(space) > 0 &&
        H5Sget_regular_hyperslab(space, start, stride, count, block) >= 0) {
        for (int a = 0; a < d->info.shape.ndim; a++) {
            hsize_t length = (hsize_t)d->info.shape.dim[a];
            if (count[a] == H5S_UNLIMITED && length > start[a]) n = (length - start[a] - 1) / (stride[a] ? stride[a] : 1) + 1;
        }
    }
    if (space >= 0) H5Sclose(space);
    return n;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

chunk_status chk_h5set_virtual_bytes(uint64_t *out, const chk_h5set *d, hid_t dcpl, chunk_error *err)
{
    size_t n = 0, n_names = 0;
    uint64_t mappings = 0, files = 0;
    chunk_status st = H5Pget_virtual_count(dcpl, &n) < 0
                          ? chk_fail(err, CHUNK_EFILE, "%s:%s: its mappings cannot be read", d->info.file, d->info.path)
                          : CHUNK_OK;
    char **names = chk_calloc(n ? n : 1, sizeof *names);
    for (size_t i = 0; i < n && names && st == CHUNK_OK; i++) {
        char name[NAME_BYTES] = "";
        if (H5Pget_virtual_filename(dcpl, i, name, sizeof name) < 0)
            st = chk_fail(err, CHUNK_EFILE, "%s:%s: its mappings cannot be read", d->info.file, d->info.path);
        uint64_t shown = n_shown(d, dcpl, i);
        mappings += shown;
        if (shown > 1 && strcmp(name, ".") != 0)
            files += shown; /* whether all in one file is not looked at */
        else if (strcmp(name, ".") != 0 && (names[n_names++] = chk_strdup(name)) == NULL)
            break;
    }
    if (st == CHUNK_OK && (!names || (n_names && !names[n_names - 1])))
        st = chk_fail(err, CHUNK_ENOMEM, "%s: out of memory", d->info.file);
    if (st == CHUNK_OK && n_names > 1) qsort(names, n_names, sizeof *names, by_name);
    for (size_t i = 0; i < n_names && st == CHUNK_OK; i++) files += i == 0 || strcmp(names[i], names[i - 1]) != 0;
    for (size_t i = 0; i < n_names; i++) chk_free(names[i]);
    chk_free(names);
    *out = mappings * MAPPING_BYTES + files * chk_h5_file_bytes(INT64_MAX);
    return st;
}
