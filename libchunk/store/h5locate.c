/* Where chunks lie: HDF5 looks them up, our driver records where it would have read. And the slow way, through H5Dread. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/h5lock.h"
#include "store/h5read.h"
#include "store/vfd.h"

static _Atomic uint64_t slow_bytes;

const char *chk_h5set_where(char *buf, size_t size, const chk_h5set *d, const int64_t *coord)
{
    chk_shape s = {.ndim = d->info.shape.ndim};
    char at[200];
    memcpy(s.dim, coord, (size_t)s.ndim * sizeof *coord);
    snprintf(buf, size, "%s:%s: chunk %s", d->info.file, d->info.path, chk_shape_text(at, sizeof at, &s));
    return buf;
}

static bool partial(const chk_h5info *i, const int64_t *coord)
{
    for (int a = 0; a < i->shape.ndim; a++)
        if ((coord[a] + 1) * i->chunk.dim[a] > i->shape.dim[a]) return true;
    return false;
}

/* What the file says must fit what the dataset is, and lie inside the file. */
static chunk_status check(const chk_h5set *d, const int64_t *coord, const chk_extent *e, int64_t file_bytes, chunk_error *err)
{
    char text[700];
    bool exact = d->info.pipeline.n == 0 || e->raw;
    if (exact ? e->n_bytes != d->chunk_bytes : e->n_bytes == 0 || e->n_bytes > d->stored_bound)
        return chk_fail(err, CHUNK_EFILE, "%s is corrupt: %" PRIu64 " bytes stored where %s%" PRIu64 " are expected",
                        chk_h5set_where(text, sizeof text, d, coord), e->n_bytes, exact ? "" : "at most ",
                        exact ? d->chunk_bytes : d->stored_bound);
    if (e->addr > (uint64_t)file_bytes || e->n_bytes > (uint64_t)file_bytes - e->addr)
        return chk_fail(err, CHUNK_EFILE, "%s: truncated: %s ends at byte %" PRIu64 " of a file of %" PRId64, d->info.file,
                        chk_h5set_where(text, sizeof text, d, coord) + strlen(d->info.file) + 1, e->addr + e->n_bytes, file_bytes);
    return CHUNK_OK;
}

/* Why a look-up fails says whether the chunk is merely absent: HDF5 has no cheaper question. Words this file does not know are answered by
 * H5Dget_chunk_info_by_coord, which walks the whole index. */
static bool absent(const chk_h5set *d, const hsize_t *at, const char *why)
{
    if (strcmp(why, "chunk address isn't defined") == 0 || strcmp(why, "storage is not initialized") == 0) return true;
    haddr_t addr = 0;
    hsize_t n_bytes;
    unsigned mask;
    return H5Dget_chunk_info_by_coord(d->id, at, &mask, &addr, &n_bytes) >= 0 && addr == HADDR_UNDEF;
}

/* One chunk, under the lock. */
static chunk_status look_up(chk_h5set *d, const int64_t *coord, chk_extent *out, chunk_error *err)
{
    hsize_t at[CHK_MAX_NDIM];
    chk_vfd_record r;
    char text[700], why[200];
    for (int a = 0; a < d->info.shape.ndim; a++) at[a] = (hsize_t)(coord[a] * d->info.chunk.dim[a]);
    *out = (chk_extent){0};
    chk_vfd_clear_errno();
    chk_vfd_capture_begin();
    herr_t rc = CHK_H5_READ_CHUNK(d->id, at, &out->mask, why); /* `why` is not touched: reads are captured */
    int n = chk_vfd_capture_end(&r);
    if (rc >= 0 && n == 1) {
        out->addr = r.addr;
        out->n_bytes = r.n_bytes;
        out->raw = d->info.edge_unfiltered && d->info.pipeline.n > 0 && partial(&d->info, coord);
        return CHUNK_OK;
    }
    if (rc >= 0)
        return chk_fail(err, CHUNK_EFILE, "%s: HDF5 read it in %d parts instead of one",
                        chk_h5set_where(text, sizeof text, d, coord), n);
    chk_h5_reason(why, sizeof why);
    if (!chk_vfd_errno() && absent(d, at, why)) {
        out->absent = true;
        return CHUNK_OK;
    }
    return chk_fail(err, CHUNK_EFILE, "%s cannot be located: %s%s", chk_h5set_where(text, sizeof text, d, coord),
                    chk_vfd_errno() ? "read error; " : "", why);
}

static void locate_whole(const chk_h5set *d, chk_extent *out)
{
    bool compact = d->info.layout == CHK_LAYOUT_COMPACT;
    bool there = compact ? d->compact != NULL : d->addr != UINT64_MAX;
    *out = (chk_extent){.absent = !there, .addr = compact ? 0 : d->addr, .n_bytes = there ? d->chunk_bytes : 0};
}

chunk_status chk_h5set_locate(chk_h5set *d, const int64_t *coord, size_t n, chk_extent *out, chunk_error *err)
{
    int64_t file_bytes;
    int ndim = d->info.shape.ndim;
    if (!d->info.native) /* nothing would be captured: HDF5 would really read */
        return chk_fail(err, CHUNK_EUNSUPPORTED, "%s:%s: its chunks cannot be located: %s", d->info.file, d->info.path,
                        d->info.why_not_native);
    size_t first = 0;
    if (d->info.layout == CHK_LAYOUT_CHUNKED)
        for (; first < n && chk_h5few_absent(d, coord + first * (size_t)ndim); first++) out[first] = (chk_extent){.absent = true};
    if (first == n) return CHUNK_OK;
    CHK_TRY(chk_h5file_size(&file_bytes, d->file, err));
    if (d->info.layout != CHK_LAYOUT_CHUNKED) {
        for (size_t k = 0; k < n; k++) {
            locate_whole(d, &out[k]);
            if (!out[k].absent && d->info.layout == CHK_LAYOUT_CONTIGUOUS) CHK_TRY(check(d, coord, &out[k], file_bytes, err));
        }
        return CHUNK_OK;
    }
    CHK_TRY(chk_h5_enter(err));
    chunk_status st = CHUNK_OK;
    for (size_t k = first; k < n && st == CHUNK_OK; k++) {
        const int64_t *c = coord + k * (size_t)ndim;
        st = look_up(d, c, &out[k], err);
        if (st == CHUNK_OK && !out[k].absent) st = check(d, c, &out[k], file_bytes, err);
    }
    chk_h5_leave();
    return st;
}

chunk_status chk_h5set_stored(chk_h5set *d, int64_t *n_chunks, uint64_t *n_bytes, chunk_error *err)
{
    *n_chunks = 0;
    *n_bytes = 0;
    if (d->info.layout != CHK_LAYOUT_CHUNKED && d->info.native) {
        bool there = d->info.layout == CHK_LAYOUT_COMPACT || d->addr != UINT64_MAX;
        *n_chunks = there;
        *n_bytes = there ? d->chunk_bytes : 0;
        return CHUNK_OK;
    }
    char why[200];
    hsize_t n = 1;
    CHK_TRY(chk_h5_enter(err));
    hid_t space = H5Dget_space(d->id); /* HDF5 1.10 takes no H5S_ALL here */
    herr_t rc = d->info.layout == CHK_LAYOUT_CHUNKED ? H5Dget_num_chunks(d->id, space, &n) : 0;
    if (space >= 0) H5Sclose(space);
    if (rc >= 0) *n_bytes = H5Dget_storage_size(d->id);
    chk_h5_reason(why, sizeof why);
    chk_h5_leave();
    if (rc < 0) return chk_fail(err, CHUNK_EFILE, "%s:%s: chunks cannot be counted: %s", d->info.file, d->info.path, why);
    *n_chunks = (int64_t)n;
    return CHUNK_OK;
}

bool chk_h5set_is_null(chk_h5set *d)
{
    if (d->info.dtype_known || d->info.shape.ndim > 0 || chk_h5_enter(NULL) != CHUNK_OK) return false;
    hid_t space = H5Dget_space(d->id);
    bool null = H5Sget_simple_extent_type(space) == H5S_NULL;
    if (space >= 0) H5Sclose(space);
    chk_h5_leave();
    return null;
}

/* The first filter that HDF5 cannot undo here, NULL when that is not the trouble. Under the lock. */
static const chk_filter *missing_filter(const chk_h5set *d)
{
    for (int k = 0; k < d->info.pipeline.n; k++)
        if (H5Zfilter_avail(d->info.pipeline.filter[k].id) <= 0) return &d->info.pipeline.filter[k];
    return NULL;
}

/* HDF5 takes some KiB for each chunk that one H5Dread touches. */
enum { SLOW_CHUNKS = 8 };

/* How many of the elements start + i * step, i >= first, of an axis lie in the next n chunks of it, at most count - first. */
static hsize_t slow_run(hsize_t start, hsize_t step, hsize_t first, hsize_t count, hsize_t chunk, hsize_t n)
{
    hsize_t end = ((start + first * step) / chunk + n) * chunk, last = (end - 1 - start) / step;
    return last + 1 < count ? last + 1 - first : count - first;
}

/* Elements lo + i * by, i < n, of the dataset to `out`, which is dense, by pieces of a few chunks. Under the lock. */
static bool slow_pieces(const chk_h5set *d, hid_t from, hid_t to, const hsize_t *lo, const hsize_t *by, const hsize_t *n, void *out)
{
    int ndim = d->info.shape.ndim;
    if (ndim == 0) return H5Dread(d->id, d->type, to, from, H5P_DEFAULT, out) >= 0;
    hsize_t at[CHK_MAX_NDIM] = {0}, start[CHK_MAX_NDIM], some[CHK_MAX_NDIM];
    int a;
    do {
        hsize_t left = SLOW_CHUNKS; /* chunks a piece: along the last axes first */
        for (a = ndim - 1; a >= 0; a--) {
            hsize_t chunk = (hsize_t)d->info.chunk.dim[a];
            start[a] = lo[a] + at[a] * by[a];
            some[a] = slow_run(lo[a], by[a], at[a], n[a], chunk, left);
            left /= (start[a] + (some[a] - 1) * by[a]) / chunk - start[a] / chunk + 1;
            if (left == 0 || some[a] < n[a]) left = 1;
        }
        if (H5Sselect_hyperslab(from, H5S_SELECT_SET, start, by, some, NULL) < 0 ||
            H5Sselect_hyperslab(to, H5S_SELECT_SET, at, NULL, some, NULL) < 0 ||
            H5Dread(d->id, d->type, to, from, H5P_DEFAULT, out) < 0)
            return false;
        for (a = ndim - 1; a >= 0 && (at[a] += some[a]) == n[a]; a--) at[a] = 0;
    } while (a >= 0);
    return true;
}

chunk_status chk_h5set_read_strided(chk_h5set *d, const int64_t *start, const int64_t *step, const int64_t *count, void *out,
                                    chunk_error *err)
{
    int ndim = d->info.shape.ndim;
    hsize_t lo[CHK_MAX_NDIM + 1] = {0}, by[CHK_MAX_NDIM + 1] = {1}, n[CHK_MAX_NDIM + 1] = {1};
    size_t elements = 1;
    for (int a = 0; a < ndim; a++) {
        lo[a] = (hsize_t)start[a];
        by[a] = (hsize_t)step[a];
        n[a] = (hsize_t)count[a];
        elements *= (size_t)count[a];
    }
    if (elements == 0) return CHUNK_OK;
    if (d->zero_first) memset(out, 0, elements * d->info.item_bytes);
    char why[200];
    CHK_TRY(chk_h5_enter(err));
    chk_vfd_clear_errno();
    hid_t from = H5Dget_space(d->id), to = ndim ? H5Screate_simple(ndim, n, NULL) : H5Screate(H5S_SCALAR);
    bool ok = from >= 0 && to >= 0 && slow_pieces(d, from, to, lo, by, n, out);
    chk_h5_reason(why, sizeof why);
    if (from >= 0) H5Sclose(from);
    if (to >= 0) H5Sclose(to);
    const chk_filter *missing = ok ? NULL : missing_filter(d);
    chk_h5_leave();
    slow_bytes += elements * d->info.item_bytes;
    if (ok) return CHUNK_OK;
    if (missing)
        return chk_fail(err, CHUNK_EUNSUPPORTED,
                        "%s:%s: cannot be read: HDF5 has no filter %d (%s); its plugin goes in a folder named by HDF5_PLUGIN_PATH",
                        d->info.file, d->info.path, missing->id, missing->name);
    return chk_fail(err, CHUNK_EFILE, "%s:%s: cannot be read: %s", d->info.file, d->info.path, why);
}

chunk_status chk_h5set_read_box(chk_h5set *d, const chk_box *box, void *out, chunk_error *err)
{
    int64_t one[CHK_MAX_NDIM], count[CHK_MAX_NDIM];
    for (int a = 0; a < box->ndim; a++) {
        one[a] = 1;
        count[a] = chk_box_extent(box, a);
    }
    CHK_TRY(chk_h5set_read_strided(d, box->lo, one, count, out, err));
    chk_h5type_to_native(&d->info, out, (size_t)chk_box_count(box));
    return CHUNK_OK;
}

uint64_t chk_h5_slow_bytes(void) { return slow_bytes; }
