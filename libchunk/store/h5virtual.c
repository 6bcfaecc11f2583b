/* h5virtual.c: what HDF5 takes for a virtual dataset. It opens the datasets shown one by one as they are read, each with its file, and closes none of them
 * before the virtual one. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "store/h5read.h"

/* Measured with 1.10.8: 24 KiB of heap for each mapping that was read. A dataset of chunks keeps up to 1 MiB of them decoded, none that is larger. */
enum { MAPPING_BYTES = 28 << 10, NAME_BYTES = 4096, CHUNK_CACHE = 1 << 20, MOST_DEEP = 8 };

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

/* ---- the datasets that are shown */

typedef struct shown {
    uint64_t largest; /* filtered chunk among them */
    uint64_t caches;  /* bytes of their chunk caches */
} shown;

/* Of one dataset; of those that it shows in its turn. */
static void look_at(shown *out, hid_t set, int deep);

/* Looked for where HDF5 looks; what is not there reads as fill values. */
static hid_t open_beside(const char *path, const char *name)
{
    const char *prefix = getenv("HDF5_VDS_PREFIX"), *slash = strrchr(path, '/');
    char at[3][2 * PATH_MAX + NAME_BYTES];
    snprintf(at[0], sizeof at[0], "%.*s/%s", PATH_MAX, prefix ? prefix : ".", name);
    snprintf(at[1], sizeof at[1], "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, name);
    snprintf(at[2], sizeof at[2], "%s", name);
    for (int i = name[0] == '/' ? 2 : prefix ? 0 : 1; i < 3; i++) {
        struct stat sb;
        hid_t file = stat(at[i], &sb) == 0 && S_ISREG(sb.st_mode) ? H5Fopen(at[i], H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
        if (file >= 0) return file;
    }
    return -1;
}

/* The first of those that a printf-style name stands for. */
static void first_of(char *name)
{
    for (char *p = strchr(name, '%'); p; p = strchr(p + 1, '%')) {
        if (p[1] == 'b') p[0] = '0';
        if (p[1] == 'b' || p[1] == '%') memmove(p + 1, p + 2, strlen(p + 2) + 1);
    }
}

static void look_behind(shown *out, hid_t set, hid_t dcpl, int deep)
{
    char path[PATH_MAX], name[2][NAME_BYTES], before[2][NAME_BYTES] = {"", ""};
    size_t n = 0;
    hid_t own = H5Iget_file_id(set), file = -1;
    if (own < 0 || H5Fget_name(own, path, sizeof path) < 0 || H5Pget_virtual_count(dcpl, &n) < 0) n = 0;
    for (size_t i = 0; i < n; i++) {
        if (H5Pget_virtual_filename(dcpl, i, name[0], NAME_BYTES) < 0 || H5Pget_virtual_dsetname(dcpl, i, name[1], NAME_BYTES) < 0)
            break;
        if (strcmp(name[0], before[0]) == 0 && strcmp(name[1], before[1]) == 0) continue;
        bool other = strcmp(name[0], before[0]) != 0;
        memcpy(before, name, sizeof before);
        if (other && file >= 0) H5Fclose(file);
        first_of(name[0]), first_of(name[1]);
        if (other) file = strcmp(name[0], ".") == 0 ? H5Iget_file_id(set) : open_beside(path, name[0]);
        hid_t one = file >= 0 ? H5Dopen2(file, name[1], H5P_DEFAULT) : -1;
        if (one < 0) continue;
        look_at(out, one, deep);
        H5Dclose(one);
    }
    if (file >= 0) H5Fclose(file);
    if (own >= 0) H5Fclose(own);
}

static void look_at(shown *out, hid_t set, int deep)
{
    hid_t dcpl = H5Dget_create_plist(set), type = H5Dget_type(set);
    hsize_t chunk[CHK_MAX_NDIM];
    H5D_layout_t layout = dcpl >= 0 ? H5Pget_layout(dcpl) : H5D_LAYOUT_ERROR;
    if (layout == H5D_VIRTUAL && deep < MOST_DEEP) look_behind(out, set, dcpl, deep + 1);
    int ndim = layout == H5D_CHUNKED ? H5Pget_chunk(dcpl, CHK_MAX_NDIM, chunk) : 0;
    uint64_t bytes = type >= 0 ? H5Tget_size(type) : 0;
    for (int a = 0; a < ndim; a++) bytes *= chunk[a];
    if (ndim > 0 && H5Pget_nfilters(dcpl) > 0 && bytes > out->largest) out->largest = bytes;
    hid_t space = ndim > 0 && bytes <= CHUNK_CACHE ? H5Dget_space(set) : -1;
    if (space >= 0) { /* as many chunks as there may be, or as fit */
        double all = (double)H5Sget_simple_extent_npoints(space) * (double)H5Tget_size(type) * (1 << ndim);
        out->caches += all < CHUNK_CACHE ? (uint64_t)all + bytes : CHUNK_CACHE;
        H5Sclose(space);
    }
    if (type >= 0) H5Tclose(type);
    if (dcpl >= 0) H5Pclose(dcpl);
}

chunk_status chk_h5set_virtual_bytes(uint64_t *out, uint64_t *largest, const chk_h5set *d, hid_t dcpl, chunk_error *err)
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
    shown s = {0};
    if (st == CHUNK_OK) look_behind(&s, d->id, dcpl, 0);
    *largest = s.largest;
    *out = mappings * MAPPING_BYTES + files * chk_h5_file_bytes(INT64_MAX) + s.caches;
    return st;
}
