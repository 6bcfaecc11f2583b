/* watch.c: ends the worker when HDF5 runs in circles while it looks at a file, as 1.10.8 does on some that are damaged.
 *
 * Whatever its size, a file is read bit by bit: the cache for its tables holds 128 KiB. So seconds of computing without one system call that reads are no
 * progress. The worker then ends by SIGVTALRM, and the launcher says in one line what that means. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "worker.h"

enum { SECONDS = 3 }; /* of computing, not of waiting, so that a busy machine or a slow disk is no reason */

static uint64_t reads_before;
static int n_idle; /* seconds since something was read */

/* System calls that read, of this process so far; 0 where the kernel does not count them. Safe in a signal handler; a read itself. */
static uint64_t count_reads(void)
{
    char text[512];
    int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, "syscr: ");
    return line == NULL ? 0 : strtoull(line + strlen("syscr: "), NULL, 10);
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
    sigaction(SIGVTALRM, &sa, NULL);
    if (on) reads_before = count_reads();
    n_idle = 0;
    setitimer(ITIMER_VIRTUAL, &every, NULL);
}
