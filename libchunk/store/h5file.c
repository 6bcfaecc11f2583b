/* Open files, shared by device and inode, and what to say when one does not open. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/h5lock.h"
#include "store/h5read.h"
#include "store/vfd.h"

static chk_h5file *open_files; /* under the HDF5 lock */

static chk_h5file *find_open(const struct stat *sb)
{
    for (chk_h5file *f = open_files; f; f = f->next)
        if (f->dev == sb->st_dev && f->ino == sb->st_ino) return f;
    return NULL;
}

static bool changed(const chk_h5file *f, const struct stat *sb)
{
    return f->size != sb->st_size || f->mtime.tv_sec != sb->st_mtim.tv_sec || f->mtime.tv_nsec != sb->st_mtim.tv_nsec;
}

/* HDF5's signature lies at 0, 512, 1024, 2048, ... */
static bool has_signature(const char *path)
{
    static const unsigned char magic[8] = "\211HDF\r\n\032\n";
    unsigned char head[8];
    bool found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return true; /* then it is not the signature that is missing */
    for (off_t at = 0; !found && pread(fd, head, 8, at) == 8; at = at ? 2 * at : 512) found = memcmp(head, magic, 8) == 0;
    close(fd);
    return found;
}

static chunk_status explain_failure(const char *path, chunk_error *err)
{
    char why[200];
    chk_h5_reason(why, sizeof why);
    int e = chk_vfd_errno();
    if (e == EWOULDBLOCK) return chk_fail(err, CHUNK_EFILE, "%s: in use: another program has it open for writing", path);
    if (e) return chk_fail_errno(err, e, path, "cannot open");
    if (!has_signature(path)) return chk_fail(err, CHUNK_EFILE, "%s: not an HDF5 file", path);
    const char *had = strstr(why, "eof = "), *wanted = strstr(why, "stored_eof = ");
    if (strstr(why, "truncated") && had && wanted)
        return chk_fail(err, CHUNK_EFILE, "%s: truncated: %llu of %llu bytes are left", path, strtoull(had + 6, NULL, 10),
                        strtoull(wanted + 13, NULL, 10));
    if (strstr(why, "truncated")) return chk_fail(err, CHUNK_EFILE, "%s: truncated: %s", path, why);
    if (strstr(why, "bad version") || strstr(why, "bad superblock version"))
        return chk_fail(err, CHUNK_EFILE, "%s: made by a newer HDF5 than this %d.%d.%d can read (%s)", path, H5_VERS_MAJOR,
                        H5_VERS_MINOR, H5_VERS_RELEASE, why);
    if (strstr(why, "already open"))
        return chk_fail(err, CHUNK_EFILE, "%s: open for writing elsewhere, or not closed properly (then h5clear -s mends it)",
                        path);
    return chk_fail(err, CHUNK_EFILE, "%s: damaged HDF5 file: %s", path, why);
}

/* Files being written in SWMR mode open only with HDF5's own driver. */
static bool being_written(void)
{
    char why[200];
    return strstr(chk_h5_reason(why, sizeof why), "already open") != NULL;
}

/* HDF5 opens the files that a virtual dataset shows with a weak close degree, and not at all where the file is open with another one: the dataset then
 * reads as fill values if it shows its own file by name. All that is open in a file is closed before it. */
static hid_t reading_fapl(void)
{
    hid_t fapl = chk_vfd_fapl();
    if (fapl >= 0) H5Pset_fclose_degree(fapl, H5F_CLOSE_WEAK);
    return fapl;
}

static void close_file(chk_h5file *f)
{
    assert(f->foreign || H5Fget_obj_count(f->id, H5F_OBJ_ALL | H5F_OBJ_LOCAL) == 1);
    H5Fclose(f->id);
}

static chunk_status open_new(chk_h5file *f, const char *path, chunk_error *err)
{
    hid_t fapl = reading_fapl();
    if (fapl < 0) return chk_fail(err, CHUNK_ENOMEM, "%s: HDF5 takes no file driver", path);
    chk_vfd_clear_errno();
    f->id = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    chunk_error why = {0};
    chunk_status st = f->id < 0 ? explain_failure(path, &why) : CHUNK_OK; /* before another call clears what HDF5 says */
    bool busy = st != CHUNK_OK && being_written();
    H5Pclose(fapl);
    if (st == CHUNK_OK) {
        f->fd = fcntl(chk_vfd_fd(f->id), F_DUPFD_CLOEXEC, 3);
        if (f->fd >= 0) return CHUNK_OK;
        st = chk_fail_errno(err, errno, path, "cannot open");
        H5Fclose(f->id);
        return st;
    }
    if (busy && (f->id = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT)) >= 0) {
        f->foreign = true;
        if ((f->fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) return CHUNK_OK;
        H5Fclose(f->id);
    }
    if (err) *err = why;
    return st;
}

static chunk_status open_locked(chk_h5file **out, const char *path, const struct stat *sb, chunk_error *err)
{
    chk_h5file *f = find_open(sb);
    if (f) {
        if (changed(f, sb)) return chk_fail(err, CHUNK_EFILE, "%s: changed since it was opened; release what uses it first", path);
        f->refs++;
        *out = f;
        return CHUNK_OK;
    }
    f = chk_calloc(1, sizeof *f);
    if (f) f->path = chk_strdup(path);
    if (!f || !f->path) {
        chk_free(f);
        return chk_fail(err, CHUNK_ENOMEM, "%s: out of memory", path);
    }
    chunk_status st = open_new(f, path, err);
    if (st != CHUNK_OK) {
        chk_free(f->path);
        chk_free(f);
        return st;
    }
    f->refs = 1;
    f->dev = sb->st_dev;
    f->ino = sb->st_ino;
    f->size = sb->st_size;
    f->mtime = sb->st_mtim;
    f->next = open_files;
    open_files = f;
    *out = f;
    return CHUNK_OK;
}

chunk_status chk_h5file_open(chk_h5file **out, const char *path, chunk_error *err)
{
    struct stat sb;
    if (stat(path, &sb) != 0) return chk_fail_errno(err, errno, path, "cannot open");
    if (S_ISDIR(sb.st_mode)) return chk_fail(err, CHUNK_EFILE, "%s: a folder, not an HDF5 file", path);
    if (!S_ISREG(sb.st_mode)) return chk_fail(err, CHUNK_EFILE, "%s: not a regular file", path);
    CHK_TRY(chk_h5_enter(err));
    chunk_status st = open_locked(out, path, &sb, err);
    chk_h5_leave();
    return st;
}

void chk_h5file_release(chk_h5file *f)
{
    if (!f || chk_h5_enter(NULL) != CHUNK_OK) return; /* after fork the file is the parent's */
    if (--f->refs == 0) {
        chk_h5file **at = &open_files;
        while (*at != f) at = &(*at)->next;
        *at = f->next;
        close_file(f);
        close(f->fd);
        chk_free(f->path);
        chk_free(f);
    }
    chk_h5_leave();
}

/* Not the time of the last change of status: that of a file which is renamed or replaced changes too, and its data does not. */
chunk_status chk_h5file_check(const chk_h5file *f, chunk_error *err)
{
    struct stat sb;
    if (f->foreign) return CHUNK_OK;
    if (fstat(f->fd, &sb) != 0) return chk_fail_errno(err, errno, f->path, "cannot look at");
    if (!changed(f, &sb)) return CHUNK_OK;
    return chk_fail(err, CHUNK_EFILE, "%s: changed while it was open for reading; nothing was written", f->path);
}

void chk_h5file_refresh(chk_h5file *f)
{
    struct stat sb;
    if (fstat(f->fd, &sb) != 0) return;
    f->size = sb.st_size;
    f->mtime = sb.st_mtim;
}

void chk_h5file_let_go(chk_h5file *f)
{
    for (chk_h5set *d = f->sets; d; d = d->next) chk_h5set_let_go(d);
    close_file(f);
    flock(f->fd, LOCK_UN); /* HDF5's descriptor was one with ours to the lock */
    f->id = H5I_INVALID_HID;
}

chunk_status chk_h5file_take_up(chk_h5file *f, chunk_error *err)
{
    hid_t fapl = reading_fapl();
    chk_vfd_clear_errno();
    f->id = fapl < 0 ? H5I_INVALID_HID : H5Fopen(f->path, H5F_ACC_RDONLY, fapl);
    chunk_status st = f->id < 0 ? explain_failure(f->path, err) : CHUNK_OK;
    if (fapl >= 0) H5Pclose(fapl);
    if (st == CHUNK_OK && dup3(chk_vfd_fd(f->id), f->fd, O_CLOEXEC) < 0) st = chk_fail_errno(err, errno, f->path, "cannot open");
    for (chk_h5set *d = f->sets; d && st == CHUNK_OK; d = d->next)
        if (!chk_h5set_take_up(d)) st = chk_fail(err, CHUNK_EFILE, "%s:%s: cannot be opened again", f->path, d->info.path);
    return st;
}

chunk_status chk_h5file_size(int64_t *out, const chk_h5file *f, chunk_error *err)
{
    struct stat sb;
    if (fstat(f->fd, &sb) != 0) return chk_fail_errno(err, errno, f->path, "cannot look at");
    *out = sb.st_size;
    return CHUNK_OK;
}

/* Measured with HDF5 1.10.8 (tests/store/h5_test.c repeats it): starting the library with its self-test; an open file's fixed tables; and its
 * metadata cache, full of B-tree nodes. An entry of an index takes 37 to 45 bytes of file, ten times that in memory. */
enum { LIBRARY_BYTES = 5 << 20, FILE_BYTES = 600 * 1024, CACHE_GROWTH = 10, ENTRY_BYTES = 45, LEAST_CACHE = 64 * 1024 };

uint64_t chk_h5_file_bytes(int64_t n_chunks)
{
    uint64_t full = (uint64_t)CACHE_GROWTH * CHK_VFD_MDC_BYTES, most = (full - LEAST_CACHE) / (CACHE_GROWTH * ENTRY_BYTES);
    return FILE_BYTES + ((uint64_t)n_chunks < most ? LEAST_CACHE + (uint64_t)n_chunks * CACHE_GROWTH * ENTRY_BYTES : full);
}

uint64_t chk_h5_fixed_bytes(int n_files) { return LIBRARY_BYTES + (uint64_t)n_files * chk_h5_file_bytes(INT64_MAX); }
