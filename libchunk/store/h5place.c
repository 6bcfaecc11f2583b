/* h5place.c: making a dataset that exists ready for having elements overwritten where they lie.
 *
 * What is stored stays where it is: chunks without filters have a fixed size, so HDF5 need not hear of new values in them. Chunks of the region that are not
 * stored are entered first, all of them, full of fill value, before any element changes: HDF5 closes the file, we have it opened for writing for this alone, and then
 * it is opened for reading again. So a process that is killed while it writes elements leaves a sound file; only the moment in which HDF5 writes the index is
 * not safe. Room on the disk for these chunks is had beforehand. */
#include "store/h5place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "store/h5lock.h"
#include "store/h5read.h"
#include "store/vfd.h"

chunk_status chk_h5place_check(const chk_h5set *set, chunk_error *err)
{
    const chk_h5info *i = &set->info;
    const char *why = NULL;
    char text[400];
    if (set->file->foreign)
        why = "another program is writing the file (SWMR)";
    else if (i->layout == CHK_LAYOUT_COMPACT)
        why = "it is stored inside its header (compact)";
    else if (i->layout == CHK_LAYOUT_VIRTUAL)
        why = "it is virtual: change the datasets that it shows";
    else if (i->pipeline.n > 0)
        why = "it is stored with filters";
    else if (!i->native)
        why = i->why_not_native;
    else if (i->swapped)
        why = "it is stored in the other byte order";
    if (!why) return CHUNK_OK;
    snprintf(text, sizeof text, "%.150s:%.100s", i->file, i->path);
    return chk_fail(err, CHUNK_EUNSUPPORTED,
                    "%s cannot be changed in place: %s; store the new version of it with -o in another file", text, why);
}

/* ---- parts */

/* The end of the run of indices from i on, below hi, that lie in i's chunk on this axis. */
static int64_t end_in_chunk(const chk_h5set *set, const chk_h5region *r, int a, int64_t i, int64_t hi, int64_t *coord)
{
    int64_t chunk = set->info.chunk.dim[a], at = r->start[a] + i * r->step[a];
    *coord = at / chunk;
    int64_t end =
        r->step[a] > 0 ? i + (chunk * (*coord + 1) - 1 - at) / r->step[a] + 1 : i + (at - chunk * *coord) / -r->step[a] + 1;
    return end < hi ? end : hi;
}

chunk_status chk_h5region_walk(const chk_h5set *set, const chk_h5region *r, const int64_t *lo, const int64_t *hi,
                               chunk_status (*visit)(void *arg, const chk_h5part *p, chunk_error *err), void *arg, chunk_error *err)
{
    int ndim = set->info.shape.ndim;
    chk_h5part p = {.coord = {0}};
    for (int a = 0; a < ndim; a++) {
        if (hi[a] <= lo[a]) return CHUNK_OK;
        p.lo[a] = lo[a];
        p.hi[a] = end_in_chunk(set, r, a, lo[a], hi[a], &p.coord[a]);
    }
    for (;;) {
        CHK_TRY(visit(arg, &p, err));
        int a = ndim - 1;
        for (; a >= 0; a--) {
            p.lo[a] = p.hi[a] < hi[a] ? p.hi[a] : lo[a];
            bool more = p.lo[a] != lo[a];
            p.hi[a] = end_in_chunk(set, r, a, p.lo[a], hi[a], &p.coord[a]);
            if (more) break;
        }
        if (a < 0) return CHUNK_OK;
    }
}

/* ---- chunks that are not stored */

typedef struct adding {
    chk_h5set *set;
    int fd;
    int64_t n;    /* chunks */
    uint64_t old; /* the file's size before */
    hid_t id;     /* of the dataset, open for writing */
    uint8_t pad[4096];
    bool zero;
} adding;

static chunk_status count_absent(void *arg, const chk_h5part *p, chunk_error *err)
{
    adding *g = arg;
    chk_extent e;
    CHK_TRY(chk_h5set_locate(g->set, p->coord, 1, &e, err));
    g->n += e.absent;
    return CHUNK_OK;
}

static chunk_status failed(const adding *g, const char *what, chunk_error *err)
{
    char why[200];
    int e = chk_vfd_errno();
    if (e) return chk_fail_errno(err, e, g->set->info.file, what);
    return chk_fail(err, CHUNK_EFILE, "%s: %s: %s", g->set->info.file, what, chk_h5_reason(why, sizeof why));
}

static chunk_status put(int fd, const char *file, const void *data, size_t n, uint64_t at, chunk_error *err)
{
    for (const char *from = data; n > 0;) {
        errno = EIO;
        ssize_t k = chk_fault_hit(CHK_FAULT_WRITE) ? -1 : pwrite(fd, from, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return chk_fail_errno(err, k < 0 ? errno : ENOSPC, file, "cannot write");
        from += k, at += (uint64_t)k, n -= (size_t)k;
    }
    return CHUNK_OK;
}

/* Beyond the old end of the file there are zeros already. */
static chunk_status fill(const adding *g, uint64_t addr, chunk_error *err)
{
    uint64_t n = g->set->chunk_bytes, end = addr + n;
    if (g->zero && addr >= g->old) return CHUNK_OK;
    for (uint64_t at = addr; at < end; at += sizeof g->pad) {
        uint64_t left = end - at;
        CHK_TRY(put(g->fd, g->set->info.file, g->pad, left < sizeof g->pad ? left : sizeof g->pad, at, err));
    }
    return CHUNK_OK;
}

static chunk_status add_absent(void *arg, const chk_h5part *p, chunk_error *err)
{
    static char nothing;
    adding *g = arg;
    hsize_t at[CHK_MAX_NDIM];
    chk_vfd_record r;
    uint32_t mask;
    for (int a = 0; a < g->set->info.shape.ndim; a++) at[a] = (hsize_t)(p->coord[a] * g->set->info.chunk.dim[a]);
    chk_vfd_clear_errno();
    chk_vfd_capture_begin();
    herr_t there = CHK_H5_READ_CHUNK(g->id, at, &mask, &nothing);
    int n = chk_vfd_capture_end(&r);
    if (there >= 0 && n == 1) return CHUNK_OK;
    if (chk_vfd_errno()) return failed(g, "cannot read the index", err);
    chk_vfd_capture_begin();
    herr_t rc = H5Dwrite_chunk(g->id, H5P_DEFAULT, 0, at, g->set->chunk_bytes, &nothing);
    n = chk_vfd_capture_end(&r);
    if (rc < 0 || n != 1 || r.n_bytes != g->set->chunk_bytes || chk_vfd_errno()) return failed(g, "HDF5 cannot place a chunk", err);
    return fill(g, r.addr, err);
}

/* Space for all of a contiguous dataset is had by writing one element, which is fill. */
static chunk_status add_contiguous(adding *g, const chk_h5region *r, chunk_error *err)
{
    hsize_t at[CHK_MAX_NDIM + 1] = {0}, one[CHK_MAX_NDIM + 1];
    int ndim = g->set->info.shape.ndim;
    for (int a = 0; a < ndim; a++) at[a] = (hsize_t)r->start[a], one[a] = 1;
    hid_t to = H5Dget_space(g->id), from = H5Screate(H5S_SCALAR), type = H5Dget_type(g->id);
    bool ok = to >= 0 && from >= 0 && type >= 0 &&
              (ndim == 0 || H5Sselect_hyperslab(to, H5S_SELECT_SET, at, NULL, one, NULL) >= 0) &&
              H5Dwrite(g->id, type, from, to, H5P_DEFAULT, g->pad) >= 0;
    chunk_status st = ok ? CHUNK_OK : failed(g, "HDF5 cannot place the dataset", err);
    if (type >= 0) H5Tclose(type);
    if (from >= 0) H5Sclose(from);
    if (to >= 0) H5Sclose(to);
    return st;
}

static bool places_one_by_one(hid_t set)
{
    hid_t dcpl = H5Dget_create_plist(set);
    H5D_alloc_time_t when = H5D_ALLOC_TIME_ERROR;
    bool ok = dcpl >= 0 && H5Pget_alloc_time(dcpl, &when) >= 0 && when == H5D_ALLOC_TIME_INCR;
    if (dcpl >= 0) H5Pclose(dcpl);
    return ok;
}

/* The file is open for writing as `file`. */
static chunk_status add_in(adding *g, hid_t file, const chk_h5region *r, chunk_error *err)
{
    const chk_h5info *i = &g->set->info;
    g->id = H5Dopen2(file, i->path, H5P_DEFAULT);
    chunk_status st = g->id < 0 ? failed(g, "cannot open its dataset for writing", err) : CHUNK_OK;
    if (st == CHUNK_OK && i->layout == CHK_LAYOUT_CONTIGUOUS)
        st = add_contiguous(g, r, err);
    else if (st == CHUNK_OK && !places_one_by_one(g->id))
        st = chk_fail(err, CHUNK_EUNSUPPORTED,
                      "%s:%s cannot be changed in place: nothing of it is stored, and it asks for all of its chunks at once; write "
                      "something to it first",
                      i->file, i->path);
    else if (st == CHUNK_OK) {
        int64_t zero[CHK_MAX_NDIM] = {0};
        st = chk_h5region_walk(g->set, r, zero, r->count, add_absent, g, err);
    }
    if (st != CHUNK_OK) chk_vfd_set_failed(file); /* nothing more is written */
    if (g->id >= 0) H5Dclose(g->id);
    chk_vfd_clear_errno();
    bool ok = H5Fclose(file) >= 0 && chk_vfd_errno() == 0;
    flock(g->fd, LOCK_UN); /* HDF5's, whose descriptor was one with ours to the lock */
    return st == CHUNK_OK && !ok ? failed(g, "cannot enter new chunks", err) : st;
}

static chunk_status add_locked(adding *g, const chk_h5region *r, chunk_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "fd:%d", g->fd);
    chk_h5file *f = g->set->file;
    chk_h5file_let_go(f);
    hid_t fapl = chk_vfd_fapl();
    chk_vfd_clear_errno();
    hid_t file = fapl < 0 ? H5I_INVALID_HID : H5Fopen(name, H5F_ACC_RDWR, fapl);
    if (fapl >= 0) H5Pclose(fapl);
    chunk_status st = file < 0 ? failed(g, "cannot open for writing", err) : add_in(g, file, r, err);
    chunk_error other = {0};
    chunk_status again = chk_h5file_take_up(f, st == CHUNK_OK ? err : &other);
    return st == CHUNK_OK ? again : st;
}

/* Bytes of index that a new chunk may take: entries of B-trees that are half full, and of arrays with their pages; and gaps behind them. */
enum { INDEX_BYTES = 320, INDEX_LEAST = 64 << 10 };

static chunk_status add_chunks(adding *g, const chk_h5region *r, chunk_error *err)
{
    struct stat sb;
    char text[32];
    const chk_h5info *i = &g->set->info;
    if (fstat(g->fd, &sb) != 0) return chk_fail_errno(err, errno, i->file, "cannot look at");
    g->old = (uint64_t)sb.st_size;
    uint64_t bytes = (uint64_t)g->n * (g->set->chunk_bytes + INDEX_BYTES) + INDEX_LEAST;
    errno = ENOSPC;
    bool full =
        chk_fault_hit(CHK_FAULT_WRITE) || (fallocate(g->fd, FALLOC_FL_KEEP_SIZE, sb.st_size, (off_t)bytes) != 0 && errno == ENOSPC);
    if (full)
        return chk_fail(err, CHUNK_ENOSPC, "%s: no room for %lld new chunks of %s, which need %s", i->file, (long long)g->n,
                        i->path, chk_bytes_text(text, sizeof text, bytes));
    CHK_TRY(chk_h5_enter(err));
    chunk_status st = add_locked(g, r, err);
    chk_h5_leave();
    chk_h5file_refresh(g->set->file);
    if (fstat(g->fd, &sb) == 0 && ftruncate(g->fd, sb.st_size) != 0)
        return CHUNK_OK; /* gives back what was had too much; it does no harm */
    chk_h5file_refresh(g->set->file);
    return st;
}

/* ---- open and close */

static bool locks_wanted(void)
{
    const char *s = getenv("HDF5_USE_FILE_LOCKING");
    return !s || (strcmp(s, "FALSE") != 0 && strcmp(s, "0") != 0);
}

/* Readers have the file locked as shared, ourselves included. */
static chunk_status lock(const chk_h5set *set, chunk_error *err)
{
    if (!locks_wanted() || flock(set->file->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return CHUNK_OK;
    flock(set->file->fd, LOCK_SH | LOCK_NB);
    return chk_fail(err, CHUNK_EFILE, "%s: in use: another program has it open", set->info.file);
}

static chunk_status open_same(int *fd, const chk_h5set *set, chunk_error *err)
{
    struct stat sb;
    *fd = open(set->info.file, O_RDWR | O_CLOEXEC);
    if (*fd < 0) return chk_fail_errno(err, errno, set->info.file, "cannot open for writing");
    if (fstat(*fd, &sb) == 0 && sb.st_dev == set->file->dev && sb.st_ino == set->file->ino) return CHUNK_OK;
    close(*fd);
    return chk_fail(err, CHUNK_EFILE, "%s: is another file by now than the one that was opened", set->info.file);
}

chunk_status chk_h5place_open(int *fd, chk_h5set *set, const chk_h5region *r, chunk_error *err)
{
    CHK_TRY(chk_h5place_check(set, err));
    adding *g = chk_calloc(1, sizeof *g);
    if (!g) return chk_fail(err, CHUNK_ENOMEM, "%s: out of memory", set->info.file);
    *g = (adding){.set = set, .fd = -1, .zero = true};
    size_t item = set->info.item_bytes;
    for (size_t k = 0; k < sizeof g->pad; k++) g->pad[k] = set->info.fill.v.bytes[k % item], g->zero &= g->pad[k] == 0;
    int64_t zero[CHK_MAX_NDIM] = {0};
    chunk_status st = open_same(&g->fd, set, err);
    if (st == CHUNK_OK) st = chk_h5region_walk(set, r, zero, r->count, count_absent, g, err);
    if (st == CHUNK_OK) st = lock(set, err);
    if (st == CHUNK_OK && g->n > 0) st = add_chunks(g, r, err);
    if (st == CHUNK_OK && g->n > 0) st = lock(set, err); /* that of the file as it was opened again */
    if (st == CHUNK_OK)
        *fd = g->fd;
    else if (g->fd >= 0)
        chk_h5place_close(g->fd, set);
    chk_free(g);
    return st;
}

void chk_h5place_close(int fd, chk_h5set *set)
{
    close(fd);
    if (locks_wanted()) flock(set->file->fd, LOCK_SH | LOCK_NB);
    chk_h5file_refresh(set->file);
}
