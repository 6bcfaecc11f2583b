/* The capturing file driver: HDF5's POSIX driver in small, plus a per-thread switch that turns raw-data transfers into records. */
#include "store/vfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"

#define MAX_ADDR (((haddr_t)1 << 62) - 1)

/* An open file. Used by HDF5 under its lock; fd is also read by workers, who may do so without a lock as it never changes. */
typedef struct chk_vfd {
    H5FD_t pub; /* must come first */
    int fd;
    haddr_t eoa;          /* end of what HDF5 has allocated */
    haddr_t gap, gap_end; /* below eoa, never allocated */
    haddr_t eof;          /* end of the file, or of what was captured for writing beyond it */
    dev_t dev;
    ino_t ino;
    bool made;    /* by this opening of it */
    bool unnamed; /* opened as "fd:N": HDF5 must not look for a path */
    _Atomic bool failed;
    bool quiet; /* failures are noted and not reported */
} vfd;

static _Thread_local struct {
    bool on;
    int n;
    chk_vfd_record last;
} capture;
static _Thread_local haddr_t place_next; /* where the next raw data are to lie; 0: anywhere */
static _Thread_local int last_errno, read_errno;

void chk_vfd_capture_begin(void)
{
    capture.on = true;
    capture.n = 0;
    capture.last = (chk_vfd_record){0};
}

void chk_vfd_place_next(uint64_t addr) { place_next = addr; }

int chk_vfd_capture_end(chk_vfd_record *out)
{
    capture.on = false;
    *out = capture.last;
    return capture.n;
}

int chk_vfd_errno(void) { return last_errno; }
int chk_vfd_read_errno(void) { return read_errno; }

void chk_vfd_clear_errno(void) { last_errno = read_errno = 0; }

static bool captured(H5FD_mem_t type, haddr_t addr, size_t size)
{
    if (!capture.on || type != H5FD_MEM_DRAW) return false;
    capture.n++;
    capture.last = (chk_vfd_record){addr, size};
    return true;
}

static int open_fd(const char *name, unsigned flags)
{
    if (strncmp(name, "fd:", 3) == 0) return fcntl(atoi(name + 3), F_DUPFD_CLOEXEC, 3);
    int how = flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY;
    if (flags & H5F_ACC_CREAT) how |= O_CREAT;
    if (flags & H5F_ACC_EXCL) how |= O_EXCL;
    return open(name, how | O_CLOEXEC, 0666);
}

static H5FD_t *vfd_open(const char *name, unsigned flags, hid_t fapl, haddr_t maxaddr)
{
    (void)fapl;
    (void)maxaddr;
    struct stat sb;
    int fd = open_fd(name, flags);
    if (fd < 0) {
        last_errno = errno;
        return NULL;
    }
    vfd *f = chk_calloc(1, sizeof *f);
    /* A file that is empty already is left alone: ext4 takes a truncation to nothing as a sign that the file is being replaced, and makes
     * close wait for the allocation of all that was written since (0.6 s for 2 GiB). */
    bool ok = f && fstat(fd, &sb) == 0;
    if (ok && (flags & H5F_ACC_TRUNC) && sb.st_size > 0) ok = ftruncate(fd, 0) == 0 && fstat(fd, &sb) == 0;
    if (!ok) {
        last_errno = f ? errno : ENOMEM;
        chk_free(f);
        close(fd);
        return NULL;
    }
    f->fd = fd;
    f->made = (flags & (H5F_ACC_TRUNC | H5F_ACC_CREAT)) != 0;
    f->quiet = strncmp(name, "fd:", 3) == 0;
    f->eof = (haddr_t)sb.st_size;
    f->dev = sb.st_dev;
    f->ino = sb.st_ino;
    f->unnamed = strncmp(name, "fd:", 3) == 0;
    return &f->pub;
}

static herr_t vfd_close(H5FD_t *file)
{
    vfd *f = (vfd *)file;
    bool ok = close(f->fd) == 0;
    if (!ok) last_errno = errno;
    ok |= f->quiet;
    chk_free(f);
    return ok ? 0 : -1;
}

static int vfd_cmp(const H5FD_t *a, const H5FD_t *b)
{
    const vfd *x = (const vfd *)a, *y = (const vfd *)b;
    if (x->dev != y->dev) return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino) return x->ino < y->ino ? -1 : 1;
    return 0;
}

/* The standard driver's, less SWMR (which needs atomic metadata reads), the data sieve, whose buffer would hide raw transfers, and the blocks that small raw data
 * share, which vfd_alloc would not see. */
static herr_t vfd_query(const H5FD_t *file, unsigned long *flags)
{
    const vfd *f = (const vfd *)file; /* NULL when HDF5 asks about the driver itself */
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | CHK_H5FD_COMPATIBLE;
    if (!f || !f->unnamed) *flags |= H5FD_FEAT_POSIX_COMPAT_HANDLE;
    return 0;
}

static haddr_t vfd_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const vfd *)file)->eoa;
}

static herr_t vfd_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t addr)
{
    (void)type;
    vfd *f = (vfd *)file;
    if (addr < f->gap_end) f->gap = f->gap_end = 0;
    f->eoa = addr;
    return 0;
}

/* Where raw data of whole pages begins: in files that are made here at a multiple of the largest power of two that divides its length, up to a quarter of that and
 * 2 MiB, so that what is written in pieces fills whole pages, and large ones, of the page cache (2 GiB in pieces of 512 KiB: 0.20 s from 1 MiB on, 0.25 s from 4 KiB
 * on, 0.35 s from elsewhere). In files that were there, where HDF5 may count on what it finds at the end, at a page. The gap before it takes what is to come and fits;
 * what is left of it is forgotten: HDF5 would keep 230 bytes for each if it were told (H5Pset_alignment). */
static haddr_t raw_bound(const vfd *f, hsize_t size)
{
    enum { PAGE = 4096, FROM = 16 * PAGE, MOST = 2 << 20 };
    if (size < FROM || size % PAGE != 0) return 1;
    haddr_t bound = PAGE;
    while (f->made && bound < MOST && bound <= size / 8 && size % (2 * bound) == 0) bound *= 2;
    return bound;
}

static haddr_t round_up(haddr_t at, haddr_t bound) { return (at + bound - 1) / bound * bound; }

static haddr_t vfd_alloc(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, hsize_t size)
{
    (void)dxpl;
    vfd *f = (vfd *)file;
    if (place_next != 0 && type == H5FD_MEM_DRAW) {
        haddr_t at = place_next;
        place_next = 0;
        return at;
    }
    haddr_t bound = type == H5FD_MEM_DRAW ? raw_bound(f, size) : 1, in_gap = round_up(f->gap, bound);
    if (in_gap < f->gap_end && size <= f->gap_end - in_gap) {
        f->gap = in_gap + size;
        return in_gap;
    }
    if (f->eoa > MAX_ADDR / 2 || size > MAX_ADDR / 2) return HADDR_UNDEF;
    haddr_t at = round_up(f->eoa, bound);
    if (f->made && at - f->eoa > f->gap_end - f->gap) {
        f->gap = f->eoa;
        f->gap_end = at;
    }
    f->eoa = at + size;
    return at;
}

static haddr_t vfd_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const vfd *)file)->eof;
}

static herr_t vfd_get_handle(H5FD_t *file, hid_t fapl, void **handle)
{
    (void)fapl;
    *handle = &((vfd *)file)->fd;
    return 0;
}

static herr_t vfd_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t size, void *buffer)
{
    (void)dxpl;
    const vfd *f = (const vfd *)file;
    if (captured(type, addr, size)) return 0;
    char *at = buffer;
    while (size > 0) {
        errno = EIO;
        ssize_t got = chk_fault_hit(CHK_FAULT_READ) ? -1 : pread(f->fd, at, size, (off_t)addr);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            last_errno = read_errno = errno;
            return -1;
        }
        if (got == 0) { /* allocated, not yet written: HDF5 expects zeros */
            memset(at, 0, size);
            return 0;
        }
        at += got;
        addr += (haddr_t)got;
        size -= (size_t)got;
    }
    return 0;
}

static herr_t vfd_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t size, const void *buffer)
{
    (void)dxpl;
    vfd *f = (vfd *)file;
    if (addr + size > f->eof) f->eof = addr + size;
    if (captured(type, addr, size)) return 0;
    if (f->quiet && f->failed) return 0;
    const char *at = buffer;
    while (size > 0) {
        errno = EIO;
        ssize_t put = chk_fault_hit(CHK_FAULT_WRITE) ? -1 : pwrite(f->fd, at, size, (off_t)addr);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
            last_errno = put < 0 ? errno : ENOSPC;
            f->failed = true;
            return f->quiet ? 0 : -1;
        }
        at += put;
        addr += (haddr_t)put;
        size -= (size_t)put;
    }
    return 0;
}

/* HDF5 asks for this at flush and close. What was captured may lie beyond the file's physical end: the file is made long enough here, and
 * what workers still write lies below eoa. */
static herr_t vfd_truncate(H5FD_t *file, hid_t dxpl, hbool_t closing)
{
    (void)dxpl;
    (void)closing;
    vfd *f = (vfd *)file;
    struct stat sb;
    if (f->quiet && f->failed) return 0;
    errno = EIO;
    if (fstat(f->fd, &sb) != 0 ||
        ((haddr_t)sb.st_size != f->eoa && (chk_fault_hit(CHK_FAULT_WRITE) || ftruncate(f->fd, (off_t)f->eoa) != 0))) {
        last_errno = errno;
        f->failed = true;
        return f->quiet ? 0 : -1;
    }
    f->eof = f->eoa;
    return 0;
}

/* Advisory locks as the standard driver takes them; file systems that have none count as locked. */
static herr_t vfd_lock(H5FD_t *file, hbool_t rw)
{
    if (flock(((vfd *)file)->fd, (rw ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 || errno == ENOSYS || errno == EOPNOTSUPP) return 0;
    last_errno = errno;
    return -1;
}

static herr_t vfd_unlock(H5FD_t *file)
{
    if (flock(((vfd *)file)->fd, LOCK_UN) == 0 || errno == ENOSYS || errno == EOPNOTSUPP) return 0;
    last_errno = errno;
    return -1;
}

static const H5FD_class_t vfd_class = {
    CHK_H5FD_CLASS_HEAD.name = "chunk",
    .maxaddr = MAX_ADDR,
    .fc_degree = H5F_CLOSE_WEAK,
    .open = vfd_open,
    .close = vfd_close,
    .cmp = vfd_cmp,
    .query = vfd_query,
    .alloc = vfd_alloc,
    .get_eoa = vfd_get_eoa,
    .set_eoa = vfd_set_eoa,
    .get_eof = vfd_get_eof,
    .get_handle = vfd_get_handle,
    .read = vfd_read,
    .write = vfd_write,
    .truncate = vfd_truncate,
    .lock = vfd_lock,
    .unlock = vfd_unlock,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* Registered again when a host closed the library (H5close) in between. */
static hid_t driver(void)
{
    static hid_t id = H5I_INVALID_HID;
    if (id < 0 || H5Iis_valid(id) <= 0) id = H5FDregister(&vfd_class);
    return id;
}

static herr_t fix_metadata_cache(hid_t fapl)
{
    H5AC_cache_config_t c = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(fapl, &c) < 0) return -1;
    c.set_initial_size = 1;
    c.initial_size = c.min_size = c.max_size = CHK_VFD_MDC_BYTES;
    c.incr_mode = H5C_incr__off;
    c.flash_incr_mode = H5C_flash_incr__off;
    c.decr_mode = H5C_decr__off;
    return H5Pset_mdc_config(fapl, &c);
}

hid_t chk_vfd_fapl(void)
{
    hid_t drv = driver();
    hid_t fapl = drv < 0 ? H5I_INVALID_HID : H5Pcreate(H5P_FILE_ACCESS);
    if (fapl < 0) return H5I_INVALID_HID;
    if (H5Pset_driver(fapl, drv, NULL) < 0 || H5Pset_cache(fapl, 0, 0, 0, 0) < 0 || fix_metadata_cache(fapl) < 0 ||
        H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG) < 0) {
        H5Pclose(fapl);
        return H5I_INVALID_HID;
    }
    return fapl;
}

/* HDF5 hands out the address of our fd member for files of our driver, of something else for others. */
chk_vfd *chk_vfd_of(hid_t file)
{
    void *handle = NULL;
    vfd *f = NULL;
    hid_t fapl = H5Fget_access_plist(file);
    if (fapl >= 0 && H5Pget_driver(fapl) == driver() && H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0 && handle)
        f = (vfd *)((char *)handle - offsetof(vfd, fd));
    if (fapl >= 0) H5Pclose(fapl);
    return f;
}

int chk_vfd_fd(hid_t file)
{
    vfd *f = chk_vfd_of(file);
    return f ? f->fd : -1;
}

uint64_t chk_vfd_reserve(chk_vfd *f, uint64_t n_bytes)
{
    haddr_t at = vfd_alloc(&f->pub, H5FD_MEM_DRAW, H5P_DEFAULT, n_bytes);
    return at == HADDR_UNDEF ? 0 : at;
}

void chk_vfd_give_back(chk_vfd *f, uint64_t from, uint64_t to)
{
    if (f->eoa == to) f->eoa = from;
}

bool chk_vfd_failed(hid_t file)
{
    vfd *f = chk_vfd_of(file);
    return !f || f->failed;
}

void chk_vfd_set_failed(hid_t file)
{
    vfd *f = chk_vfd_of(file);
    if (f) f->failed = true;
}
