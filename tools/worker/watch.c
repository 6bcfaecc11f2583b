/* watch.c: bounds the time and the memory that HDF5 takes to look at a file: 1.10.8 runs in circles on some that are damaged, and
 * asks for gigabytes where a length is.
 *
 * Whatever its size, a file is read bit by bit: the cache for its tables holds 128 KiB. So seconds of computing without one system call that reads are no
 * progress. The worker then ends by SIGVTALRM, and the launcher says in one line what that means. Memory beyond the limit is refused to HDF5,
 * which fails in its own ways. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "worker.h"

enum { SECONDS = 3 };                  /* of computing, not of waiting, so that a busy machine or a slow disk is no reason */
#define MOST_BYTES ((rlim_t)256 << 20) /* attributes and tables take some MiB */

static uint64_t reads_before;
static int n_idle; /* seconds since something was read */

/* The number after `key` in a file of /proc, which fits; 0 where it does not say. Safe in a signal handler. */
static uint64_t read_number(const char *path, const char *key)
{
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, key);
    return line == NULL ? 0 : strtoull(line + strlen(key), NULL, 10);
}

/* System calls that read, of this process so far; 0 where the kernel does not count them. Safe in a signal handler; a read itself. */
static uint64_t count_reads(void) { return read_number("/proc/self/io", "syscr: "); }

/* What the process may add to its private memory; sanitizers keep shadows of it, and are not limited. */
static void limit_memory(bool on)
{
#ifndef CHUNK_SANITIZED
    static rlim_t before;
    struct rlimit data;
    if (getrlimit(RLIMIT_DATA, &data) != 0) return;
    if (on) before = data.rlim_cur;
    rlim_t most = (rlim_t)read_number("/proc/self/status", "VmData:") * 1024 + MOST_BYTES;
    data.rlim_cur = on && most < before ? most : before;
    setrlimit(RLIMIT_DATA, &data);
#else
    (void)on;
#endif
}

static void on_tick(int sig)
{
    uint64_t reads = count_reads();
    n_idle = reads > 0 && reads == reads_before + 1 ? n_idle + 1 : 0; /* the one is the look before this */
    reads_before = reads;
    if (n_idle < SECONDS) return;
    signal(sig, SIG_DFL);
    raise(sig);
}

void worker_watch(bool on)
{
    const struct sigaction sa = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    const struct itimerval every = {.it_interval.tv_sec = on, .it_value.tv_sec = on};
    limit_memory(on);
    sigaction(SIGVTALRM, &sa, NULL);
    if (on) reads_before = count_reads();
    n_idle = 0;
    setitimer(ITIMER_VIRTUAL, &every, NULL);
}
