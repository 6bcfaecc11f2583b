/* Temporary files beside their target. A live one is flocked by its owner; whoever can take the lock of one finds it abandoned and may remove
 * it. So a kill -9 leaves at most one file, and the next run removes it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "store/h5writer_impl.h"

enum { RANDOM_CHARS = 6, NAME_ROOM = 255, TRIES = 100 };
static const char infix[] = ".chunk-tmp-";

/* ".NAME.chunk-tmp-", with NAME cut where the whole would be longer than a file name may be. */
static void make_prefix(char prefix[NAME_ROOM + 1], const char *name)
{
    int room = NAME_ROOM - RANDOM_CHARS - (int)strlen(infix) - 1;
    snprintf(prefix, NAME_ROOM + 1, ".%.*s%s", room, name, infix);
}

static bool same_file(int fd, int dir, const char *name)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void remove_if_stale(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && same_file(fd, dir, name)) unlinkat(dir, name, 0);
    close(fd);
}

static void remove_stale(int dir, const char *prefix)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        if (fd >= 0) close(fd);
        return;
    }
    size_t n = strlen(prefix);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strncmp(e->d_name, prefix, n) == 0 && strlen(e->d_name) == n + RANDOM_CHARS) remove_if_stale(dir, e->d_name);
    }
    closedir(d);
}

static void make_random(char out[RANDOM_CHARS + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    unsigned char bytes[RANDOM_CHARS] = {0};
    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) != sizeof bytes) {
        static _Atomic unsigned count; /* early boot: names differ within the process, and O_EXCL sorts out the rest */
        unsigned x = (unsigned)getpid() * 2654435761u + ++count;
        for (int i = 0; i < RANDOM_CHARS; i++) bytes[i] = (unsigned char)(x >> 5 * i);
    }
    for (int i = 0; i < RANDOM_CHARS; i++) out[i] = letters[bytes[i] % 32];
    out[RANDOM_CHARS] = '\0';
}

/* One try: a descriptor, or -1 with errno, EEXIST where another name should be tried. File systems without locks count as locked. */
static int create_locked(int dir, const char *name)
{
    if (chk_fault_hit(CHK_FAULT_WRITE)) {
        errno = EIO;
        return -1;
    }
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return -1;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK;
    if (locked && same_file(fd, dir, name)) return fd;
    close(fd); /* another run found it before it was locked, and is removing it */
    errno = EEXIST;
    return -1;
}

chunk_status chk_h5temp_new(chk_h5temp *out, const char *target, chunk_error *err)
{
    const char *slash = strrchr(target, '/');
    const char *name = slash != NULL ? slash + 1 : target;
    char prefix[NAME_ROOM + 1], random[RANDOM_CHARS + 1];
    make_prefix(prefix, name);
    int n_dir = (int)(name - target);
    size_t size = (size_t)n_dir + strlen(prefix) + RANDOM_CHARS + 1;
    char *path = chk_malloc(size + 1);
    if (path == NULL) return chk_fail(err, CHUNK_ENOMEM, "%s: no memory for its temporary name", target);
    snprintf(path, size + 1, "%.*s.", n_dir, target);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        int e = errno;
        chk_free(path);
        return chk_fail_errno(err, e, target, "cannot open its folder");
    }
    remove_stale(dir, prefix);
    int fd = -1, e = EEXIST;
    for (int i = 0; i < TRIES && fd < 0 && e == EEXIST; i++) {
        make_random(random);
        snprintf(path, size + 1, "%.*s%s%s", n_dir, target, prefix, random);
        fd = create_locked(dir, path + n_dir);
        e = errno;
    }
    close(dir);
    if (fd < 0) {
        chk_free(path);
        return chk_fail_errno(err, e, target, "cannot create a file beside it");
    }
    *out = (chk_h5temp){path, fd, getpid()};
    return CHUNK_OK;
}

bool chk_h5temp_ours(const chk_h5temp *t)
{
    if (t->owner != getpid()) return false;
    bool locked = flock(t->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    return locked && same_file(t->fd, AT_FDCWD, t->path);
}

void chk_h5temp_remove(chk_h5temp *t)
{
    if (t->path != NULL && t->fd >= 0 && chk_h5temp_ours(t)) unlink(t->path);
    if (t->fd >= 0) close(t->fd);
    chk_free(t->path);
    *t = (chk_h5temp){.fd = -1};
}
