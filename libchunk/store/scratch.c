/* Scratch files: without a name from the start where the file system can (O_TMPFILE), unlinked at once elsewhere, so that nothing is left of
 * them however the process ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "store/source.h"
#include "store/space.h"

enum { PAGE = 4096 };
static const long tmpfs_magic = 0x01021994, ramfs_magic = (long)0x858458f6;

struct chk_scratch {
    int fd;
    char *dir;
    _Atomic uint64_t end;
};

static int open_unnamed(const char *dir)
{
    errno = EIO;
    if (chk_fault_hit(CHK_FAULT_WRITE)) return -1;
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    char *path = chk_malloc(strlen(dir) + 32);
    if (path == NULL) {
        errno = ENOMEM;
        return -1;
    }
    sprintf(path, "%s/.chunk-scratch-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    chk_free(path);
    return fd;
}

static chunk_status check_room(int fd, const char *dir, bool allow_tmpfs, uint64_t expect_bytes, chunk_error *err)
{
    struct statfs fs;
    struct statvfs room;
    char text[2][32];
    if (fstatfs(fd, &fs) != 0 || fstatvfs(fd, &room) != 0) return chk_fail_errno(err, errno, dir, "cannot look at its file system");
    if (!allow_tmpfs && ((long)fs.f_type == tmpfs_magic || (long)fs.f_type == ramfs_magic))
        return chk_fail(err, CHUNK_EINVAL, "scratch folder %s lies in memory (tmpfs): name one on a disk with --scratch", dir);
    uint64_t available = (uint64_t)room.f_bavail * room.f_frsize;
    if (available < expect_bytes)
        return chk_fail(err, CHUNK_ENOSPC, "scratch folder %s has %s free, this run needs %s: name another with --scratch", dir,
                        chk_bytes_text(text[0], sizeof text[0], available), chk_bytes_text(text[1], sizeof text[1], expect_bytes));
    return CHUNK_OK;
}

chunk_status chk_scratch_new(chk_scratch **out, const char *dir, bool allow_tmpfs, uint64_t expect_bytes, chunk_error *err)
{
    chk_scratch *s = chk_calloc(1, sizeof *s);
    if (s == NULL || (s->dir = chk_strdup(dir)) == NULL) {
        chk_free(s);
        return chk_fail(err, CHUNK_ENOMEM, "no memory for a scratch file");
    }
    s->fd = open_unnamed(dir);
    chunk_status st = s->fd >= 0 ? check_room(s->fd, dir, allow_tmpfs, expect_bytes, err)
                                 : chk_fail_errno(err, errno, dir, "cannot make a scratch file");
    if (st == CHUNK_OK && expect_bytes > 0) chk_space_allocate(s->fd, 0, expect_bytes);
    if (st == CHUNK_OK)
        *out = s;
    else
        chk_scratch_free(s);
    return st;
}

void chk_scratch_free(chk_scratch *s)
{
    if (s == NULL) return;
    if (s->fd >= 0) close(s->fd);
    chk_free(s->dir);
    chk_free(s);
}

uint64_t chk_scratch_reserve(chk_scratch *s, uint64_t n_bytes)
{
    uint64_t pages = (n_bytes + PAGE - 1) / PAGE;
    return atomic_fetch_add(&s->end, pages * PAGE);
}

chunk_status chk_scratch_write(chk_scratch *s, const void *data, size_t n_bytes, uint64_t at, chunk_error *err)
{
    for (const char *from = data; n_bytes > 0;) {
        errno = EIO;
        ssize_t n = chk_fault_hit(CHK_FAULT_WRITE) ? -1 : pwrite(s->fd, from, n_bytes, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return chk_fail_errno(err, n < 0 ? errno : ENOSPC, s->dir, "cannot write to the scratch file");
        from += n;
        n_bytes -= (size_t)n;
        at += (uint64_t)n;
    }
    return CHUNK_OK;
}

chunk_status chk_scratch_read(chk_scratch *s, void *data, size_t n_bytes, uint64_t at, chunk_error *err)
{
    for (char *to = data; n_bytes > 0;) {
        errno = EIO;
        ssize_t n = chk_fault_hit(CHK_FAULT_READ) ? -1 : pread(s->fd, to, n_bytes, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return chk_fail_errno(err, errno, s->dir, "cannot read the scratch file");
        if (n == 0) return chk_fail(err, CHUNK_EFILE, "%s: the scratch file ends at byte %llu", s->dir, (unsigned long long)at);
        to += n;
        n_bytes -= (size_t)n;
        at += (uint64_t)n;
    }
    return CHUNK_OK;
}

int chk_scratch_fd(const chk_scratch *s) { return s->fd; }
