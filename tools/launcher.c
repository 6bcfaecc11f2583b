/* launcher.c: `chunk`, and `chunk-info` by that name: starts the worker, waits, and says in one line when it crashed.
 *
 * HDF5 crashes on files made to break it, so that all work is done in a process of its own. This one stays tiny, because its resident
 * memory counts under the ceiling of every run: linked statically, no stdio, no malloc. The worker dies with it (PR_SET_PDEATHSIG). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chunk.h"
#include "target.h"

enum { LINE_MAX_BYTES = 4096 };

static const char help_text[] =
    "usage: chunk eval 'EXPR' NAME=FILE:/DATASET ... [-o FILE:/DATASET]... [options]\n"
    "       chunk rechunk FILE:/DATASET FILE:/DATASET --chunks SHAPE [options]\n"
    "       chunk info FILE[:/OBJECT]... [-v] [--json]\n"
    "       chunk ops [NAME]\n"
    "\n"
    "Array expressions over HDF5 datasets far larger than memory, computed on all cores under a memory ceiling.\n"
    "\n"
    "  eval    compute expressions; print the results or write them to HDF5\n"
    "  rechunk one dataset into another with other chunks\n"
    "  info    datasets of a file: shape, type, chunks, filters, sizes (also: chunk-info)\n"
    "  ops     the operations that expressions can use\n"
    "\n"
    "`chunk VERB --help` says more. Exit: 0 done, 1 a file or disk, 2 the command line, 3 the ceiling, 130 Ctrl-C.\n";

static volatile sig_atomic_t worker_pid;

static void forward_signal(int sig)
{
    int saved = errno;
    if (worker_pid > 0) kill((pid_t)worker_pid, sig);
    errno = saved;
}

/* ---- text without stdio */

typedef struct text {
    size_t n;
    char s[LINE_MAX_BYTES];
} text;

static void text_add(text *t, const char *s)
{
    while (*s != 0 && t->n < sizeof t->s - 2) t->s[t->n++] = *s++;
}

static void text_add_json(text *t, const char *s)
{
    for (; *s != 0; s++) {
        char one[2] = {*s, 0};
        if (*s == '"' || *s == '\\') text_add(t, "\\");
        text_add(t, (unsigned char)*s < 0x20 ? "?" : one);
    }
}

static void text_write(const text *t, int fd)
{
    for (size_t done = 0; done < t->n;) {
        ssize_t n = write(fd, t->s + done, t->n - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        done += (size_t)n;
    }
}

static bool has_json(char **args)
{
    for (; *args != NULL; args++)
        if (strcmp(*args, "--json") == 0) return true;
    return false;
}

/* One line on standard error, with --json also {"error", "exit"} on standard output. */
static int fail(char **args, const char *message, int code)
{
    static text line;
    line.n = 0;
    text_add(&line, "chunk: ");
    text_add(&line, message);
    line.s[line.n++] = '\n';
    text_write(&line, 2);
    if (has_json(args)) {
        line.n = 0;
        text_add(&line, "{\"error\": \"");
        text_add_json(&line, message);
        text_add(&line, code == 1 ? "\", \"exit\": 1}" : "\", \"exit\": 2}");
        line.s[line.n++] = '\n';
        text_write(&line, 1);
    }
    return code;
}

/* ---- after a crash */

/* The FILE of NAME=FILE:/DATASET for eval, of FILE[:/OBJECT] for the others; NULL where args[i] names none. */
static const char *input_of(const char *verb, const char *arg, size_t *n)
{
    if (arg[0] == '-') return NULL;
    if (strcmp(verb, "eval") == 0) {
        const char *eq = strchr(arg, '=');
        if (eq == NULL) return NULL;
        arg = eq + 1;
    }
    *n = target_split(arg);
    if (*n == 0) *n = strlen(arg);
    return arg;
}

/* Whether an argument before args[i] names the same file. */
static bool was_named(const char *verb, char **args, size_t i, const char *file, size_t n)
{
    for (size_t k = strcmp(verb, "eval") == 0, m; k < i; k++) {
        const char *other = input_of(verb, args[k], &m);
        if (other != NULL && m == n && strncmp(other, file, n) == 0) return true;
    }
    return false;
}

static void add_inputs(text *t, const char *verb, char **args)
{
    bool any = false;
    for (size_t i = strcmp(verb, "eval") == 0; args[0] != NULL && args[i] != NULL; i++) {
        if (strcmp(args[i], "-o") == 0 && args[i + 1] != NULL) {
            i++;
            continue;
        }
        size_t n;
        char path[PATH_MAX];
        const char *file = input_of(verb, args[i], &n);
        if (file == NULL || !target_is_file(file, n) || !target_copy(path, file, n)) continue;
        if (was_named(verb, args, i, file, n)) continue;
        if (any) text_add(t, ", ");
        text_add(t, path);
        any = true;
    }
    if (any) text_add(t, ": ");
}

/* Removes .NAME.chunk-tmp* beside FILE where no living process holds its lock. */
static void remove_temporaries(const char *file, size_t n)
{
    char path[PATH_MAX], prefix[NAME_MAX + 16];
    size_t folder = n;
    while (folder > 0 && file[folder - 1] != '/') folder--;
    size_t n_name = n - folder;
    if (n_name == 0 || n_name > NAME_MAX) return;
    if (!target_copy(path, folder > 0 ? file : ".", folder > 0 ? folder : 1)) return;
    prefix[0] = '.';
    memcpy(prefix + 1, file + folder, n_name);
    memcpy(prefix + 1 + n_name, ".chunk-tmp", sizeof ".chunk-tmp");
    size_t n_prefix = strlen(prefix);
    DIR *dir = opendir(path);
    if (dir == NULL) return;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strncmp(e->d_name, prefix, n_prefix) != 0) continue;
        int fd = openat(dirfd(dir), e->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlinkat(dirfd(dir), e->d_name, 0);
        close(fd);
    }
    closedir(dir);
}

static void clean_outputs(char **args)
{
    for (; *args != NULL; args++) {
        const char *out = NULL;
        if (strcmp(*args, "-o") == 0)
            out = args[1] != NULL ? *++args : NULL;
        else if (strncmp(*args, "-o", 2) == 0)
            out = *args + 2;
        if (out == NULL) continue;
        size_t n = target_split(out);
        if (n > 0) remove_temporaries(out, n);
    }
}

static const char *signal_name(int sig)
{
    switch (sig) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGABRT: return "SIGABRT";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    case SIGKILL: return "SIGKILL";
    default: return "a signal";
    }
}

static int report_death(const char *verb, char **args, int sig)
{
    static text message;
    clean_outputs(args);
    if (sig == SIGPIPE || sig == SIGINT || sig == SIGTERM || sig == SIGHUP) return 128 + sig;
    add_inputs(&message, verb, args);
    if (sig == SIGVTALRM) { /* watch.c */
        text_add(&message, "damaged: the HDF5 library runs in circles reading its tables; nothing was written");
    } else {
        text_add(&message, sig == SIGKILL ? "the worker was killed (" : "the HDF5 library crashed (");
        text_add(&message, signal_name(sig));
        text_add(&message,
                 sig == SIGKILL ? "), perhaps for want of memory; nothing was written" : ") while reading; nothing was written");
    }
    message.s[message.n] = 0;
    return fail(args, message.s, 1);
}

/* ---- starting */

/* "@PID:NS" tells the worker whose child it is and when this process started (monotonic clock), for `seconds` in --json. */
static void write_origin(char *out, pid_t pid, const struct timespec *start)
{
    char digits[24];
    unsigned long long parts[2] = {(unsigned long long)pid,
                                   (unsigned long long)start->tv_sec * 1000000000ULL + (unsigned long long)start->tv_nsec};
    for (int i = 0; i < 2; i++) {
        int n = 0;
        *out++ = i == 0 ? '@' : ':';
        do digits[n++] = (char)('0' + parts[i] % 10);
        while ((parts[i] /= 10) > 0);
        while (n > 0) *out++ = digits[--n];
    }
    *out = 0;
}

/* Beside this program (a build), else ../libexec/libchunk (installed). */
static bool worker_path(char path[PATH_MAX], int which)
{
    static const char *const places[] = {"chunk-worker", "../libexec/libchunk/chunk-worker"};
#ifdef CHUNK_FAULTS
    const char *chosen = getenv("CHUNK_WORKER");
    if (chosen != NULL && which == 0) return target_copy(path, chosen, strlen(chosen));
#endif
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 64);
    if (n <= 0) return false;
    while (n > 0 && path[n - 1] != '/') n--;
    strcpy(path + n, places[which]);
    return true;
}

/* Statuses that no worker exits with: execv failed; the dynamic linker, which has then said why itself. */
enum { NOT_FOUND = 126, NOT_LOADED = 127 };

static int run_worker(char **argv, char **args, const char *verb)
{
    static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP};
    static char path[2][PATH_MAX];
    const pid_t self = getpid();
    sigset_t block;
    sigemptyset(&block);
    for (int i = 0; i < 3; i++) sigaddset(&block, forwarded[i]);
    sigprocmask(SIG_BLOCK, &block, NULL); /* the worker unblocks them once its handlers stand */
    for (int i = 0; i < 2; i++)
        if (!worker_path(path[i], i)) path[i][0] = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self) _exit(1);
        for (int i = 0; i < 2; i++) execv(path[i], argv);
        _exit(NOT_FOUND);
    }
    if (pid < 0) return fail(args, "cannot start a process", 1);
    worker_pid = pid;
    for (int i = 0; i < 3; i++) {
        struct sigaction old, sa = {.sa_handler = forward_signal, .sa_flags = SA_RESTART};
        sigaction(forwarded[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) sigaction(forwarded[i], &sa, NULL);
    }
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return fail(args, "lost sight of the worker", 1);
    if (WIFSIGNALED(status)) return report_death(verb, args, WTERMSIG(status));
    switch (WEXITSTATUS(status)) {
    case NOT_FOUND: return fail(args, "cannot start chunk-worker: not found beside chunk, nor in ../libexec/libchunk", 1);
    case NOT_LOADED: return fail(args, "cannot start chunk-worker: a shared library that it needs was not found", 1);
    default: return WEXITSTATUS(status);
    }
}

static int print(const char *s, int fd, int code)
{
    size_t n = strlen(s);
    if (write(fd, s, n) == (ssize_t)n) return code;
    static char *nothing[] = {NULL};
    return fail(nothing, "cannot write to standard output", 1);
}

static bool is_one_of(const char *s, const char *a, const char *b, const char *c)
{
    return strcmp(s, a) == 0 || strcmp(s, b) == 0 || strcmp(s, c) == 0;
}

int main(int argc, char **argv)
{
    static char origin[64];
    static char *worker_argv_small[64];
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (argc < 1) return 2;
    const char *base = strrchr(argv[0], '/');
    bool as_info = strcmp(base == NULL ? argv[0] : base + 1, "chunk-info") == 0;
    char **args = argv + 1;
    const char *verb = as_info ? "info" : argc > 1 ? *args++ : NULL;
    if (verb == NULL) return print(help_text, 2, 2);
    if (!as_info && is_one_of(verb, "--version", "-V", "version")) return print("chunk " CHUNK_VERSION "\n", 1, 0);
    if (as_info && args[0] != NULL && args[1] == NULL && strcmp(args[0], "--version") == 0)
        return print("chunk-info " CHUNK_VERSION "\n", 1, 0);
    static char *help_args[] = {(char *)"--help", NULL};
    if (!as_info && is_one_of(verb, "--help", "-h", "help")) {
        if (strcmp(verb, "help") != 0 || args[0] == NULL) return print(help_text, 1, 0);
        verb = args[0];
        args = help_args;
    }
    if (!is_one_of(verb, "eval", "info", "ops") && strcmp(verb, "rechunk") != 0) {
        static text message;
        text_add(&message, "unknown command '");
        text_add(&message, verb);
        text_add(&message, "'; the commands are eval, rechunk, info and ops");
        message.s[message.n] = 0;
        return fail(args, message.s, 2);
    }
    int n = 0;
    while (args[n] != NULL) n++;
    char **worker_argv = n + 4 <= 64 ? worker_argv_small : calloc((size_t)n + 4, sizeof *worker_argv);
    if (worker_argv == NULL) return fail(args, "out of memory", 1);
    write_origin(origin, getpid(), &start);
    worker_argv[0] = (char *)"chunk-worker";
    worker_argv[1] = origin;
    worker_argv[2] = (char *)verb;
    memcpy(worker_argv + 3, args, (size_t)n * sizeof *args);
    return run_worker(worker_argv, args, verb);
}
