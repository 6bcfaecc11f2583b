/* launch RESULT SECONDS PROGRAM ARG...: runs a program and writes to RESULT, as one line of JSON, what it cost from exec to exit.
 *
 * It exists because of how Linux keeps the high-water mark: ru_maxrss of a child begins at its parent's, so a child of a Python process
 * seems to need what Python needs. This parent is small. wait4 gives the largest process of the tree below; a launcher that waits for a
 * worker is a second process beside it, so the direct child's own mark, polled while it lives, is added where it is another process. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds_of(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

/* VmHWM of a process in KiB; 0 when it is gone. */
static long own_peak(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = 0;
    const char *at = strstr(text, "VmHWM:");
    return at ? strtol(at + 6, NULL, 10) : 0;
}

/* Has the process a child now? Then it is a launcher, and what wait4 says is another process's peak. */
static int has_child(pid_t pid)
{
    char path[96], c;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, &c, 1);
    close(fd);
    return n == 1;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: launch RESULT SECONDS PROGRAM ARG...\n");
        return 2;
    }
    double limit = atof(argv[2]), start = now();
    pid_t pid = vfork();
    if (pid < 0) {
        perror("launch: vfork");
        return 1;
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    /* The first look after 2 ms, then ever more rarely: 20 us every 25 ms is 0.1 % of a core. */
    int fd = (int)syscall(SYS_pidfd_open, pid, 0), wait_ms = 2, launcher = 0;
    long direct = 0;
    while (fd >= 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, wait_ms) > 0) break;
        long kib = own_peak(pid);
        if (kib > direct) direct = kib;
        launcher = launcher || has_child(pid);
        if (wait_ms < 25) wait_ms++;
        if (now() - start > limit) {
            fprintf(stderr, "launch: %s: killed after %.0f s\n", argv[3], limit);
            kill(pid, SIGKILL);
        }
    }
    int status = 0;
    struct rusage use;
    memset(&use, 0, sizeof use);
    while (wait4(pid, &status, 0, &use) < 0 && errno == EINTR) {}
    double seconds = now() - start;

    FILE *out = fopen(argv[1], "w");
    if (!out) {
        fprintf(stderr, "launch: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    fprintf(out, "{\"seconds\": %.6f, \"cpu_s\": %.3f, \"peak_kib\": %ld, \"processes\": %d, \"exit\": %d}\n", seconds,
            seconds_of(use.ru_utime) + seconds_of(use.ru_stime), use.ru_maxrss + (launcher ? direct : 0), launcher ? 2 : 1, code);
    return fclose(out) ? 1 : 0;
}
