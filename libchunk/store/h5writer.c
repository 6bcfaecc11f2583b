/* A new HDF5 file, complete or not there: HDF5 writes its metadata, workers write the chunks that it has placed, into a temporary that takes the
 * target's name at the end. All raw writes end before H5Fclose, and a failed one forbids the commit. */
#include "store/h5.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "store/h5lock.h"
#include "store/h5writer_impl.h"
#include "store/vfd.h"

chunk_status chk_h5writer_fail(const chk_h5writer *w, const char *what, chunk_error *err)
{
    char why[200];
    int e = chk_vfd_errno();
    if (e != 0) return chk_fail_errno(err, e, w->name, what);
    return chk_fail(err, CHUNK_EFILE, "%s: %s: %s", w->name, what, chk_h5_reason(why, sizeof why));
}

/* Creation lists without times, so that two runs write the same bytes; no locking by HDF5, as the file is locked already. */
static hid_t create_file(int fd)
{
    char name[32];
    snprintf(name, sizeof name, "fd:%d", fd);
    hid_t file = H5I_INVALID_HID, fapl = chk_vfd_fapl(), fcpl = H5Pcreate(H5P_FILE_CREATE);
    if (fapl >= 0 && fcpl >= 0 && H5Pset_obj_track_times(fcpl, false) >= 0 && H5Pset_file_locking(fapl, false, true) >= 0 &&
        H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) >= 0)
        file = H5Fcreate(name, H5F_ACC_TRUNC, fcpl, fapl);
    if (fapl >= 0) H5Pclose(fapl);
    if (fcpl >= 0) H5Pclose(fcpl);
    return file;
}

static chunk_status open_file(chk_h5writer *w, chunk_error *err)
{
    w->by_index = !chk_h5_capture_works();
    CHK_TRY(chk_h5_enter(err));
    chk_vfd_clear_errno();
    w->file = create_file(w->temp.fd);
    bool ok = w->file >= 0 && !chk_vfd_failed(w->file);
    chunk_status st = ok ? CHUNK_OK : chk_h5writer_fail(w, "cannot create an HDF5 file", err);
    chk_h5_leave();
    return st;
}

chunk_status chk_h5writer_new(chk_h5writer **out, const char *path, const char *const *datasets, int n_datasets, bool overwrite,
                              chunk_error *err)
{
    chk_h5writer *w = chk_calloc(1, sizeof *w);
    if (w == NULL) return chk_fail(err, CHUNK_ENOMEM, "%s: no memory for a writer", path);
    w->file = H5I_INVALID_HID;
    w->temp.fd = -1;
    w->name = chk_strdup(path);
    chunk_status st = w->name != NULL ? CHUNK_OK : chk_fail(err, CHUNK_ENOMEM, "%s: no memory for a writer", path);
    if (st == CHUNK_OK) st = chk_h5target_check(&w->target, path, datasets, n_datasets, overwrite, err);
    if (st == CHUNK_OK) st = chk_h5temp_new(&w->temp, w->target.path, err);
    if (st == CHUNK_OK) st = open_file(w, err);
    if (st == CHUNK_OK)
        *out = w;
    else
        chk_h5writer_abort(w);
    return st;
}

/* Closes datasets and file; discard: nothing more is written. HDF5 never hears of failing writes (vfd.h), so we ask. */
static chunk_status close_file(chk_h5writer *w, bool discard, chunk_error *err)
{
    if (w->file < 0) return CHUNK_OK;
    CHK_TRY(chk_h5_enter(err));
    bool failed_before = chk_vfd_failed(w->file) || w->failed;
    chk_vfd_clear_errno();
    if (discard || failed_before) chk_vfd_set_failed(w->file);
    while (w->sets != NULL) {
        chk_h5out *d = w->sets;
        w->sets = d->next;
        chk_h5out_free(d);
    }
    bool ok = H5Fclose(w->file) >= 0 && chk_vfd_errno() == 0;
    w->file = H5I_INVALID_HID;
    chunk_status st = CHUNK_OK;
    if (!discard && failed_before)
        st = chk_fail(err, CHUNK_EFILE, "%s: not finished, as an earlier write failed", w->name);
    else if (!discard && !ok)
        st = chk_h5writer_fail(w, "cannot finish the file", err);
    chk_h5_leave();
    return st;
}

static void free_writer(chk_h5writer *w)
{
    chk_h5temp_remove(&w->temp);
    chk_free(w->target.path);
    chk_free(w->name);
    chk_free(w);
}

void chk_h5writer_abort(chk_h5writer *w)
{
    if (w == NULL) return;
    if (w->temp.path != NULL && chk_h5temp_ours(&w->temp)) unlink(w->temp.path);
    close_file(w, true, NULL);
    free_writer(w);
}

static chunk_status failed_call(const chk_h5writer *w, const char *what, chunk_error *err)
{
    return chk_fail_errno(err, errno, w->name, what);
}

static chunk_status wait_for_disk(const chk_h5writer *w, int fd, const char *what, chunk_error *err)
{
    errno = EIO;
    return !chk_fault_hit(CHK_FAULT_WRITE) && fsync(fd) == 0 ? CHUNK_OK : failed_call(w, what, err);
}

/* The file has every byte that was claimed, and the place it goes to is as it was. */
static chunk_status check_before_rename(const chk_h5writer *w, chunk_error *err)
{
    struct stat sb;
    if (fstat(w->temp.fd, &sb) != 0) return failed_call(w, "cannot look at the new file", err);
    if ((uint64_t)sb.st_size < w->end)
        return chk_fail(err, CHUNK_EFILE, "%s: the new file has %lld bytes instead of at least %llu", w->name,
                        (long long)sb.st_size, (unsigned long long)w->end);
    if (!chk_h5temp_ours(&w->temp))
        return chk_fail(err, CHUNK_EFILE, "%s: its temporary file was taken away while it was written", w->name);
    bool exists = stat(w->target.path, &sb) == 0;
    const struct stat *was = &w->target.sb;
    if (exists && !w->target.exists)
        return chk_fail(err, CHUNK_EEXIST, "%s: appeared while it was computed, and is not replaced", w->name);
    if (exists && (sb.st_dev != was->st_dev || sb.st_ino != was->st_ino || sb.st_size != was->st_size ||
                   sb.st_mtim.tv_sec != was->st_mtim.tv_sec || sb.st_mtim.tv_nsec != was->st_mtim.tv_nsec))
        return chk_fail(err, CHUNK_EEXIST, "%s: was changed while it was computed, and is not replaced", w->name);
    if (exists && fchmod(w->temp.fd, was->st_mode & 07777) != 0)
        return failed_call(w, "cannot give the new file the old one's permissions", err);
    return CHUNK_OK;
}

/* Never replaces what was not there before; file systems without that kind of rename take the small risk of the moment since the check. */
static int rename_into_place(const chk_h5writer *w)
{
    if (chk_fault_hit(CHK_FAULT_WRITE)) {
        errno = EIO;
        return -1;
    }
    if (!w->target.exists) {
        if (renameat2(AT_FDCWD, w->temp.path, AT_FDCWD, w->target.path, RENAME_NOREPLACE) == 0) return 0;
        if (errno != EINVAL && errno != ENOSYS) return -1;
    }
    return rename(w->temp.path, w->target.path);
}

static chunk_status sync_folder(const chk_h5writer *w, chunk_error *err)
{
    char *path = chk_strdup(w->target.path);
    if (path == NULL) return chk_fail(err, CHUNK_ENOMEM, "%s: no memory for its folder's name", w->name);
    char *slash = strrchr(path, '/');
    strcpy(slash != NULL ? slash + 1 : path, "");
    int dir = open(*path != '\0' ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    chk_free(path);
    if (dir < 0) return failed_call(w, "cannot open its folder", err);
    chunk_status st = wait_for_disk(w, dir, "written, but its name may not survive a power cut", err);
    close(dir);
    return st;
}

chunk_status chk_h5writer_commit(chk_h5writer *w, bool durable, chunk_error *err)
{
    chunk_status st = close_file(w, false, err);
    if (st == CHUNK_OK) st = check_before_rename(w, err);
    if (st == CHUNK_OK && durable) st = wait_for_disk(w, w->temp.fd, "cannot bring it to the disk", err);
    if (st == CHUNK_OK && rename_into_place(w) != 0) st = failed_call(w, "cannot give the new file its name", err);
    if (st != CHUNK_OK) {
        chk_h5writer_abort(w);
        return st;
    }
    if (durable) st = sync_folder(w, err); /* the file is in place whatever comes of this; the error says what is not certain */
    free_writer(w);
    return st;
}

uint64_t chk_h5writer_written(const chk_h5writer *w) { return w->written; }
