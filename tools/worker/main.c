/* main.c: chunk-worker, started by the launcher as `chunk-worker @PID:NS VERB ARG...`. Allocator settings, signals, peak memory. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

/* A static launcher was measured at 704 KiB (x86-64, glibc 2.36); as one constant, the smallest ceiling is the same in every run. */
enum { LAUNCHER_BYTES = 1024 * 1024 };

int worker_launcher_pid;
static uint64_t start_ns;
static bool json_wanted;
static chunk_run *volatile current_run;
enum { PHASE_FREE, PHASE_CLAIMED, PHASE_RUN, PHASE_LATE };
static volatile sig_atomic_t phase, pressed;

static uint64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double worker_seconds(void) { return (double)(monotonic_ns() - start_ns) * 1e-9; }

/* Bytes of VmHWM in /proc/PID/status; 0 where it cannot be read. Read without stdio, which would add to it. */
static uint64_t read_peak(const char *path)
{
    char buf[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, buf, sizeof buf - 1);
    close(fd);
    if (n <= 0) return 0;
    buf[n] = 0;
    const char *line = strstr(buf, "VmHWM:");
    return line == NULL ? 0 : strtoull(line + 6, NULL, 10) * 1024;
}

static uint64_t launcher_now(void)
{
    if (worker_launcher_pid == 0) return 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", worker_launcher_pid);
    return read_peak(path);
}

uint64_t worker_launcher_peak(void)
{
    uint64_t now = launcher_now(), bound = LAUNCHER_BYTES;
    if (worker_launcher_pid == 0) return 0;
    while (bound < now + 128 * 1024) bound += LAUNCHER_BYTES; /* a launcher that could not be linked statically */
    return bound;
}

uint64_t worker_peak(void) { return read_peak("/proc/self/status") + launcher_now(); }

/* Before outputs are claimed the process may simply end; while a run goes it is canceled; once results are being made visible it is too
 * late, and the run counts as done. */
static void on_signal(int sig)
{
    if (phase == PHASE_FREE) {
        char text[] = "{\"error\": \"canceled\", \"exit\": 1..}\n";
        char *digits = strchr(text, '.');
        digits[0] = (char)('0' + (128 + sig) / 10 % 10);
        digits[1] = (char)('0' + (128 + sig) % 10);
        if (json_wanted && write(1, text, sizeof text - 1) < 0) _exit(EXIT_FILE);
        _exit(128 + sig);
    }
    if (phase == PHASE_LATE) return;
    pressed = sig;
    if (phase == PHASE_RUN) chunk_run_cancel(current_run);
}

void worker_run_claims(void) { phase = PHASE_CLAIMED; }

void worker_run_started(chunk_run *run)
{
    current_run = run;
    phase = PHASE_RUN;
    if (pressed) chunk_run_cancel(run);
}

void worker_run_ends(void) { phase = PHASE_LATE; }

int worker_canceled(void) { return pressed ? 128 + (int)pressed : EXIT_CANCELED; }

void worker_crash_point(const char *place)
{
#ifdef CHUNK_FAULTS
    const char *wanted = getenv("CHUNK_CRASH");
    size_t n = strlen(place);
    if (wanted == NULL || strncmp(wanted, place, n) != 0) return;
    if (strcmp(wanted + n, ":heap") == 0) {
        void *volatile twice = malloc(sizeof twice);
        free(twice);
        free(twice);
    }
    while (strcmp(wanted + n, ":loop") == 0) continue;
    if (wanted[n] != 0) return;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
#else
    (void)place;
#endif
}

static void set_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < 3; i++) {
        struct sigaction old, sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigaction(caught[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) sigaction(caught[i], &sa, NULL);
        sigaddset(&set, caught[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGXFSZ, SIG_IGN); /* beyond a limit on file sizes the write says so */
}

/* A crash must leave a clean folder, so no core file; the heap gives back what it frees, and has one arena. */
static void set_limits(void)
{
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &core);
    }
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
}

/* A closed standard descriptor is taken by the next file that is opened, and what is printed would go there. Nothing can be written to the one that stands for
 * standard output, so that a lost result is told. */
static void hold_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd) _exit(EXIT_FILE);
}

/* The C library tells of a damaged heap on descriptor 2, before it aborts; the launcher's line is to be the only one. So what this program says goes
 * through a copy of that descriptor, which itself leads nowhere. Sanitizers write their reports there: with them it stays. */
static void keep_errors_apart(void)
{
#ifndef CHUNK_SANITIZED
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FILE *f = fd < 0 || nowhere < 0 ? NULL : fdopen(fd, "w");
    if (f != NULL && dup2(nowhere, STDERR_FILENO) >= 0) {
        setvbuf(f, NULL, _IONBF, 0);
        stderr = f;
    }
    if (nowhere > STDERR_FILENO) close(nowhere);
#endif
}

static bool read_origin(const char *text)
{
    char *end;
    if (text[0] != '@') return false;
    long pid = strtol(text + 1, &end, 10);
    if (*end != ':') return false;
    start_ns = strtoull(end + 1, NULL, 10);
    worker_launcher_pid = (int)pid;
    return true;
}

int main(int argc, char **argv)
{
    start_ns = monotonic_ns();
    hold_descriptors();
    char **args = argv + 1;
    if (argc > 1 && read_origin(argv[1])) {
        args++;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != worker_launcher_pid) return EXIT_FILE;
    }
    if (*args == NULL) {
        fputs("chunk-worker is started by chunk\n", stderr);
        return EXIT_USAGE;
    }
    const char *verb = *args++;
    json_wanted = has_json(args);
    set_limits();
    set_signals();
    keep_errors_apart();
    int code = EXIT_USAGE;
    if (strcmp(verb, "eval") == 0)
        code = eval_main(args);
    else if (strcmp(verb, "rechunk") == 0)
        code = rechunk_main(args);
    else if (strcmp(verb, "info") == 0)
        code = info_main(args);
    else if (strcmp(verb, "ops") == 0)
        code = ops_main(args);
    fflush(NULL);
    _exit(code); /* what is still held goes with the process, at once */
}
