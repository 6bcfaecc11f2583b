/* Datasets of a new file. Chunks are placed by HDF5 and written by us: while our driver captures, H5Dwrite_chunk allocates the chunk and enters
 * it in the index, and its bytes go nowhere; they follow by pwrite, from any thread. */
#include "store/h5.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "store/h5lock.h"
#include "store/h5writer_impl.h"
#include "store/space.h"
#include "store/vfd.h"

/* From this many chunks on, the dataset gets the newer index of fixed size (HDF5 1.10 and later read it): 8 bytes a chunk instead of 37, 11 instead
 * of 33 with filters, and entering a chunk takes 0.8 instead of 1.2 us. Below it, the oldest form, which everything reads. */
enum { NEW_INDEX_FROM = 1000000 };

/* ---- making a dataset */

/* Creates the groups on the way to path; they carry no times. */
static bool make_groups(hid_t file, const char *path)
{
    hid_t gcpl = H5Pcreate(H5P_GROUP_CREATE);
    char *part = chk_strdup(path);
    bool ok = gcpl >= 0 && part != NULL && H5Pset_obj_track_times(gcpl, false) >= 0;
    for (char *slash = ok ? strchr(part + 1, '/') : NULL; ok && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        htri_t there = H5Lexists(file, part, H5P_DEFAULT);
        hid_t group = there == 0 ? H5Gcreate2(file, part, H5P_DEFAULT, gcpl, H5P_DEFAULT) : H5I_INVALID_HID;
        ok = there > 0 || (group >= 0 && H5Gclose(group) >= 0);
        *slash = '/';
    }
    chk_free(part);
    if (gcpl >= 0) H5Pclose(gcpl);
    return ok;
}

static bool is_zero(const chk_scalar *fill, size_t item)
{
    static const uint8_t zeros[16];
    return memcmp(fill->v.bytes, zeros, item) == 0;
}

/* Rule (b) of capturing: space is allocated chunk by chunk, and fill values are never written. */
static bool set_layout(hid_t dcpl, const chk_h5out *d, hid_t type)
{
    if (H5Pset_obj_track_times(dcpl, false) < 0 || H5Pset_fill_time(dcpl, H5D_FILL_TIME_IFSET) < 0) return false;
    if (!is_zero(&d->fill, chk_dtype_size(d->dtype)) && H5Pset_fill_value(dcpl, type, d->fill.v.bytes) < 0) return false;
    if (!d->chunked) return H5Pset_layout(dcpl, H5D_CONTIGUOUS) >= 0;
    hsize_t chunk[CHK_MAX_NDIM];
    for (int a = 0; a < d->shape.ndim; a++) chunk[a] = (hsize_t)d->chunk[a];
    if (H5Pset_chunk(dcpl, d->shape.ndim, chunk) < 0 || H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_INCR) < 0) return false;
    for (int i = 0; i < d->pipeline.n; i++) {
        const chk_filter *f = &d->pipeline.filter[i];
        unsigned flags = f->optional ? H5Z_FLAG_OPTIONAL : H5Z_FLAG_MANDATORY;
        if (H5Pset_filter(dcpl, f->id, flags, f->n_cd, f->cd) < 0) return false;
    }
    return true;
}

static hid_t make_space(const chk_shape *s, bool resizable)
{
    if (s->ndim == 0) return H5Screate(H5S_SCALAR);
    hsize_t dim[CHK_MAX_NDIM], most[CHK_MAX_NDIM];
    for (int a = 0; a < s->ndim; a++) dim[a] = (hsize_t)s->dim[a], most[a] = a == 0 ? H5S_UNLIMITED : dim[a];
    return H5Screate_simple(s->ndim, dim, resizable ? most : NULL);
}

static uint64_t n_chunks(const chk_h5out *d)
{
    chk_grid g = chk_grid_regular(&d->shape, d->chunk);
    return (uint64_t)chk_grid_n_chunks(&g);
}

static hid_t make_dataset(const chk_h5out *d)
{
    hid_t file = d->writer->file, set = H5I_INVALID_HID;
    hid_t type = chk_h5type_make(d->dtype), space = make_space(&d->shape, d->resizable), dcpl = H5Pcreate(H5P_DATASET_CREATE);
    bool newer = d->chunked && n_chunks(d) > NEW_INDEX_FROM;
    bool ok = type >= 0 && space >= 0 && dcpl >= 0 && set_layout(dcpl, d, type) && make_groups(file, d->path);
    if (ok && newer) ok = H5Fset_libver_bounds(file, H5F_LIBVER_V110, H5F_LIBVER_LATEST) >= 0;
    if (ok) set = H5Dcreate2(file, d->path, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    if (newer) H5Fset_libver_bounds(file, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    if (dcpl >= 0) H5Pclose(dcpl);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return set;
}

/* HDF5 refuses chunks of 4 GiB and more, in words that name no numbers. */
static chunk_status check_chunk(const chk_h5out *d, chunk_error *err)
{
    uint64_t n = chk_dtype_size(d->dtype);
    for (int a = 0; a < d->shape.ndim && d->chunked; a++) {
        if (d->chunk[a] < 1)
            return chk_fail(err, CHUNK_EINVAL, "%s: chunk extent %lld on axis %d", d->path, (long long)d->chunk[a], a);
        if (d->chunk[a] > UINT32_MAX || n * (uint64_t)d->chunk[a] > UINT32_MAX)
            return chk_fail(err, CHUNK_EINVAL, "%s: chunks of 4 GiB or more cannot be stored; choose smaller ones", d->path);
        n *= (uint64_t)d->chunk[a];
    }
    return CHUNK_OK;
}

static chunk_status create(chk_h5out *d, chunk_error *err)
{
    CHK_TRY(check_chunk(d, err));
    CHK_TRY(chk_h5_enter(err));
    char what[300];
    snprintf(what, sizeof what, "cannot create the dataset %.200s", d->path);
    chk_vfd_clear_errno();
    for (const chk_h5out *other = d->writer->sets; other != NULL && d->path != NULL; other = other->next) {
        if (strcmp(other->path, d->path) != 0) continue;
        chk_h5_leave();
        return chk_fail(err, CHUNK_EINVAL, "%s: the dataset %s is written twice", d->writer->name, d->path);
    }
    d->id = make_dataset(d);
    chunk_status st = CHUNK_OK;
    if (d->id < 0)
        st = chk_h5writer_fail(d->writer, what, err);
    else
        d->next = d->writer->sets, d->writer->sets = d;
    chk_h5_leave();
    return st;
}

static chunk_status new_dataset(chk_h5out **out, chk_h5writer *w, const char *dataset, chk_dtype dtype, const chk_shape *shape,
                                const int64_t *chunk, const chk_pipeline *pipeline, const chk_scalar *fill, bool resizable,
                                chunk_error *err)
{
    assert((chunk == NULL || (shape->ndim > 0 && chk_shape_count(shape) > 0)) && "only arrays with elements and axes are chunked");
    chk_h5out *d = chk_calloc(1, sizeof *d);
    if (d == NULL) return chk_fail(err, CHUNK_ENOMEM, "%s: no memory for a dataset", w->name);
    *d = (chk_h5out){
        .writer = w, .dtype = dtype, .shape = *shape, .chunked = chunk != NULL, .fill.dtype = dtype, .id = H5I_INVALID_HID};
    d->resizable = resizable;
    for (int a = 0; a < shape->ndim && chunk != NULL; a++) d->chunk[a] = chunk[a] < shape->dim[a] ? chunk[a] : shape->dim[a];
    if (pipeline != NULL && chunk != NULL) d->pipeline = *pipeline;
    if (fill != NULL) d->fill = *fill;
    if (d->chunked) d->left = n_chunks(d);
    chunk_status st = chk_h5path_normal(&d->path, dataset, err);
    if (st == CHUNK_OK) st = create(d, err);
    if (st == CHUNK_OK) {
        *out = d;
        return CHUNK_OK;
    }
    chk_free(d->path);
    chk_free(d);
    return st;
}

chunk_status chk_h5out_new(chk_h5out **out, chk_h5writer *w, const char *dataset, chk_dtype dtype, const chk_shape *shape,
                           const int64_t *chunk, const chk_pipeline *pipeline, const chk_scalar *fill, chunk_error *err)
{
    return new_dataset(out, w, dataset, dtype, shape, chunk, pipeline, fill, false, err);
}

chunk_status chk_h5out_new_bound(chk_h5out **out, chk_h5writer *w, const char *dataset, chk_dtype dtype, const chk_shape *shape,
                                 const int64_t *chunk, chunk_error *err)
{
    return new_dataset(out, w, dataset, dtype, shape, chunk, NULL, NULL, true, err);
}

/* HDF5 fills what an edge chunk has outside the new extent: it reads and writes that chunk itself. */
chunk_status chk_h5out_resize(chk_h5out *d, const chk_shape *shape, chunk_error *err)
{
    hsize_t dim[CHK_MAX_NDIM];
    for (int a = 0; a < shape->ndim; a++) dim[a] = (hsize_t)shape->dim[a];
    CHK_TRY(chk_h5_enter(err));
    chk_vfd_clear_errno();
    bool ok = H5Dset_extent(d->id, dim) >= 0 && chk_vfd_errno() == 0;
    chunk_status st = ok ? CHUNK_OK : chk_h5writer_fail(d->writer, "cannot give a dataset its size", err);
    chk_h5_leave();
    if (!ok) d->writer->failed = true;
    return st;
}

void chk_h5out_free(chk_h5out *d)
{
    H5Dclose(d->id);
    chk_free(d->path);
    chk_free(d);
}

/* ---- chunks */

static chunk_status poison(chk_h5out *d, chunk_status st)
{
    d->writer->failed = true;
    return st;
}

/* Places a chunk by capture. Nothing reads the buffer. */
static bool place_captured(uint64_t *addr, const chk_h5out *d, const hsize_t *at, uint32_t mask, uint64_t n_bytes)
{
    static const char nothing;
    chk_vfd_record r;
    chk_vfd_capture_begin();
    herr_t rc = H5Dwrite_chunk(d->id, H5P_DEFAULT, mask, at, n_bytes, &nothing);
    int n = chk_vfd_capture_end(&r);
    *addr = r.addr;
    return rc >= 0 && n == 1 && r.n_bytes == n_bytes;
}

/* Without capture: HDF5 writes the chunk itself, and says where it went. Slow, and right with any HDF5. */
static bool write_whole(uint64_t *addr, const chk_h5out *d, const hsize_t *at, uint32_t mask, uint64_t n_bytes, const void *data)
{
    haddr_t where = HADDR_UNDEF;
    hsize_t size = 0;
    unsigned found_mask;
    bool ok = H5Dwrite_chunk(d->id, H5P_DEFAULT, mask, at, n_bytes, data) >= 0 &&
              H5Dget_chunk_info_by_coord(d->id, at, &found_mask, &where, &size) >= 0 && size == n_bytes;
    *addr = where;
    return ok && where != HADDR_UNDEF;
}

/* Zeros, from pages that cost no memory. */
static bool place_by_index(uint64_t *addr, const chk_h5out *d, const hsize_t *at, uint32_t mask, uint64_t n_bytes)
{
    void *zeros = mmap(NULL, n_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (zeros == MAP_FAILED) return false;
    bool ok = write_whole(addr, d, at, mask, n_bytes, zeros);
    munmap(zeros, n_bytes);
    return ok;
}

/* What lies at addr already, onto itself. */
static bool enter_by_index(uint64_t *addr, const chk_h5out *d, const hsize_t *at, uint64_t n_bytes)
{
    struct stat sb;
    int fd = d->writer->temp.fd;
    size_t skew = *addr % 4096, length = skew + n_bytes;
    if (fstat(fd, &sb) != 0 || ((uint64_t)sb.st_size < *addr + n_bytes && ftruncate(fd, (off_t)(*addr + n_bytes)) != 0))
        return false;
    char *there = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)(*addr - skew));
    if (there == MAP_FAILED) return false;
    bool ok = write_whole(addr, d, at, 0, n_bytes, there + skew);
    munmap(there, length);
    return ok;
}

/* Has disk space allocated ahead of the writes: as much as the chunks to come may take, and never more than as much again as there is. What was too much is cut
 * off when HDF5 closes the file. */
static void have_space(chk_h5out *d, uint64_t n_bytes, uint64_t end)
{
    enum { LEAST = 4 << 20, MOST = 256 << 20 };
    chk_h5writer *w = d->writer;
    uint64_t ahead = end < MOST ? end : MOST, to_come;
    if (d->left > 0) d->left--;
    if (end <= w->had || end < LEAST || (d->pipeline.n > 0 && 2 * w->written < end)) return;
    if (!__builtin_mul_overflow(d->left, n_bytes, &to_come) && to_come < ahead) ahead = to_come;
    w->had = chk_space_allocate(w->temp.fd, w->had, end + ahead) ? end + ahead : UINT64_MAX;
}

chunk_status chk_h5out_claim(chk_h5out *d, const int64_t *coord, uint32_t mask, uint64_t n_bytes, uint64_t *addr, chunk_error *err)
{
    hsize_t at[CHK_MAX_NDIM];
    for (int a = 0; a < d->shape.ndim; a++) at[a] = (hsize_t)(coord[a] * d->chunk[a]);
    CHK_TRY(chk_h5_enter(err));
    chk_vfd_clear_errno();
    uint64_t place;
    bool ok = (d->writer->by_index ? place_by_index : place_captured)(&place, d, at, mask, n_bytes) && chk_vfd_errno() == 0;
    chunk_status st = ok ? CHUNK_OK : chk_h5writer_fail(d->writer, "HDF5 cannot place a chunk", err);
    if (ok && place + n_bytes > d->writer->end) d->writer->end = place + n_bytes;
    if (ok) have_space(d, n_bytes, d->writer->end);
    chk_h5_leave();
    if (!ok) return poison(d, st);
    *addr = place;
    return CHUNK_OK;
}

chunk_status chk_h5out_reserve(chk_h5out *d, uint64_t n_bytes, uint64_t *addr, chunk_error *err)
{
    CHK_TRY(chk_h5_enter(err));
    if (!d->writer->vfd) d->writer->vfd = chk_vfd_of(d->writer->file);
    *addr = d->writer->vfd ? chk_vfd_reserve(d->writer->vfd, n_bytes) : 0;
    if (*addr != 0) have_space(d, n_bytes, *addr + n_bytes);
    chk_h5_leave();
    return *addr != 0 ? CHUNK_OK : poison(d, chk_fail(err, CHUNK_EFILE, "%s: cannot hold so many chunks", d->writer->name));
}

chunk_status chk_h5out_enter(chk_h5out *d, const int64_t *coord, uint64_t n_bytes, uint64_t addr, chunk_error *err)
{
    hsize_t at[CHK_MAX_NDIM];
    for (int a = 0; a < d->shape.ndim; a++) at[a] = (hsize_t)(coord[a] * d->chunk[a]);
    CHK_TRY(chk_h5_enter(err));
    chk_vfd_clear_errno();
    uint64_t place = addr;
    chk_vfd_place_next(addr);
    bool ok = d->writer->by_index ? enter_by_index(&place, d, at, n_bytes) : place_captured(&place, d, at, 0, n_bytes);
    ok = ok && chk_vfd_errno() == 0 && place == addr;
    chk_vfd_place_next(0);
    if (ok && addr + n_bytes > d->writer->end) d->writer->end = addr + n_bytes;
    chunk_status st = ok ? CHUNK_OK : chk_h5writer_fail(d->writer, "HDF5 cannot enter a chunk", err);
    chk_h5_leave();
    return ok ? CHUNK_OK : poison(d, st);
}

/* Its blocks on the disk, too; that some file systems cannot do so is no failure. */
void chk_h5out_give_back(chk_h5out *d, uint64_t from, uint64_t to)
{
    if (from == to || chk_h5_enter(NULL) != CHUNK_OK) return;
    chk_vfd_give_back(d->writer->vfd, from, to);
    chk_h5_leave();
    (void)!fallocate(d->writer->temp.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
}

static chunk_status failed_write(chk_h5out *d, int errnum, chunk_error *err)
{
    return poison(d, chk_fail_errno(err, errnum, d->writer->name, "cannot write"));
}

/* Bytes up to the next multiple of WRITE_MOST: longer writes take the page cache's largest pages, which a virtual machine may have to ask its host for, and hold
 * the inode's lock meanwhile. */
static size_t write_length(uint64_t offset, size_t n_bytes)
{
    enum { WRITE_MOST = 512 << 10 };
    size_t most = WRITE_MOST - (size_t)(offset % WRITE_MOST);
    return n_bytes < most ? n_bytes : most;
}

chunk_status chk_h5out_pwritev(chk_h5out *d, struct iovec *piece, int n, uint64_t offset, chunk_error *err)
{
    while (n > 0) {
        if (piece->iov_len == 0) {
            piece++, n--;
            continue;
        }
        errno = EIO;
        int fd = d->writer->temp.fd;
        d->writer->writing++;
        ssize_t put = chk_fault_hit(CHK_FAULT_WRITE) ? -1
                      : n == 1 ? pwrite(fd, piece->iov_base, write_length(offset, piece->iov_len), (off_t)offset)
                               : pwritev(fd, piece, n, (off_t)offset);
        d->writer->writing--;
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return failed_write(d, put < 0 ? errno : ENOSPC, err);
        d->writer->written += (uint64_t)put;
        offset += (uint64_t)put;
        for (size_t left = (size_t)put; left > 0;) {
            size_t part = left < piece->iov_len ? left : piece->iov_len;
            piece->iov_base = (char *)piece->iov_base + part;
            piece->iov_len -= part;
            left -= part;
            if (piece->iov_len == 0) piece++, n--;
        }
    }
    return CHUNK_OK;
}

chunk_status chk_h5out_pwrite(chk_h5out *d, const void *data, size_t n_bytes, uint64_t offset, chunk_error *err)
{
    struct iovec piece = {(void *)data, n_bytes};
    return chk_h5out_pwritev(d, &piece, 1, offset, err);
}

bool chk_h5out_busy(const chk_h5out *d) { return d->writer->writing > 0; }

chunk_status chk_h5out_write_small(chk_h5out *d, const void *data, chunk_error *err)
{
    assert(!d->chunked && "only contiguous datasets are written whole");
    if (chk_shape_count(&d->shape) == 0) return CHUNK_OK;
    CHK_TRY(chk_h5_enter(err));
    chk_vfd_clear_errno();
    hid_t type = chk_h5type_make(d->dtype);
    bool ok = type >= 0 && H5Dwrite(d->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0 && chk_vfd_errno() == 0;
    chunk_status st = ok ? CHUNK_OK : chk_h5writer_fail(d->writer, "cannot write a dataset", err);
    if (type >= 0) H5Tclose(type);
    chk_h5_leave();
    if (!ok) return poison(d, st);
    d->writer->written += (uint64_t)chk_shape_count(&d->shape) * chk_dtype_size(d->dtype);
    return CHUNK_OK;
}
