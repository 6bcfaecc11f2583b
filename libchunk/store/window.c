/* Mapped windows and the SIGBUS handler that guards them. The handler searches a fixed list of live holds, without locks: a window faults in
 * a thread that uses it, so its hold was entered before and is not released meanwhile. */
#include "store/window.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/thread.h"

enum {
    PAGE = 4096,
    AROUND = 16 * PAGE,
    HUGE = 2 << 20,
    MAX_HOLDS = 2048,
    MAX_WINDOWS = sizeof((chk_hold *)0)->addr / sizeof(void *)
};

static _Atomic(chk_hold *) live[MAX_HOLDS];
static struct sigaction host; /* the handler before ours */
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static bool can_handle; /* set under `installed` */

static bool mend(char *at)
{
    for (int k = 0; k < MAX_HOLDS; k++) {
        chk_hold *h = atomic_load(&live[k]);
        for (int i = 0; h && i < h->n; i++) {
            char *lo = h->addr[i];
            if (at < lo || at >= lo + h->n_bytes[i]) continue;
            char *page = (char *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));
            if (mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) return false;
            h->failed = true;
            return true;
        }
    }
    return false;
}

static void on_bus(int sig, siginfo_t *info, void *context)
{
    int saved = errno;
    bool ours = mend(info->si_addr);
    errno = saved;
    if (ours) return;
    if (host.sa_flags & SA_SIGINFO)
        host.sa_sigaction(sig, info, context);
    else if (host.sa_handler != SIG_DFL && host.sa_handler != SIG_IGN)
        host.sa_handler(sig);
    else
        sigaction(sig, &host, NULL); /* the access is repeated and ends as it would have without us */
}

static void install(void)
{
    struct sigaction ours = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    can_handle = sysconf(_SC_PAGESIZE) == PAGE && sigaction(SIGBUS, &ours, &host) == 0;
}

static bool handler_in_place(void)
{
    struct sigaction now;
    pthread_once(&installed, install);
    return can_handle && sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_bus;
}

static bool enter_live(chk_hold *h)
{
    for (int k = 0; k < MAX_HOLDS; k++) {
        chk_hold *none = NULL;
        if (!atomic_load_explicit(&live[k], memory_order_relaxed) && atomic_compare_exchange_strong(&live[k], &none, h)) {
            h->slot = k + 1;
            return true;
        }
    }
    return false;
}

static size_t bound_of(size_t n_bytes) { return n_bytes < CHK_WINDOW_GRANULE ? PAGE : CHK_WINDOW_GRANULE; }

size_t chk_window_bytes(size_t n_bytes)
{
    size_t bound = bound_of(n_bytes);
    return ((n_bytes + bound - 2) / bound + 1) * bound;
}

/* Maps the pages of a window before they are used: prefetching passes over what is not mapped. A touched page brings the sixteen around it, or
 * two megabytes where the kernel keeps such. Asked for with MADV_POPULATE_READ it looks at each page by itself, and threads wait for one
 * another: 6 GiB of which half lie on small pages took two threads 0.69 s, by touching 0.37. */
static void bring_in(const char *lo, const char *hi)
{
    for (const volatile char *p = lo; p < hi; p = (const char *)(((uintptr_t)p + AROUND) & ~(uintptr_t)(AROUND - 1))) (void)*p;
}

const char *chk_window_map(chk_hold *h, int fd, uint64_t offset, size_t n_bytes)
{
    if (h->n == MAX_WINDOWS || !handler_in_place() || (!h->slot && !enter_live(h))) return NULL;
    size_t bound = bound_of(n_bytes), skew = offset % bound, length = (skew + n_bytes + bound - 1) / bound * bound;
    char *at = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)(offset - skew));
    if (at == MAP_FAILED) return NULL;
    if (length >= HUGE)
        madvise(at, length, MADV_HUGEPAGE); /* 2 MiB a read where it is not in memory, whatever the device's read-ahead is set to */
    h->addr[h->n] = at;
    h->n_bytes[h->n] = length;
    atomic_signal_fence(memory_order_release);
    h->n++;
    h->fd = fd;
    if ((int64_t)(offset + n_bytes) > h->end) h->end = (int64_t)(offset + n_bytes);
    atomic_signal_fence(memory_order_seq_cst); /* from here on the handler finds it */
    bring_in(at + skew / PAGE * PAGE, at + skew + n_bytes);
    return at + skew;
}

void chk_window_unmap(chk_hold *h)
{
    if (h->slot) atomic_store(&live[h->slot - 1], NULL);
    h->slot = 0;
    for (int i = 0; i < h->n; i++) munmap(h->addr[i], h->n_bytes[i]);
    h->n = 0;
}

/* The last page of a shortened file reads as zeros past its end without a signal, so the size is looked at as well. */
bool chk_hold_failed(const chk_hold *h)
{
    struct stat sb;
    if (h->failed || (h->n > 0 && (fstat(h->fd, &sb) != 0 || sb.st_size < h->end))) return true;
    for (const chk_hold *k = h->inner; k; k = k->next)
        if (chk_hold_failed(k)) return true;
    return false;
}

/* ---- windows or reads */

/* Small reads against large windows, as in a run. A trial's window is one granule, no more, and nothing else is held meanwhile: it counts in the
 * peak of the process, whatever plan comes. */
enum { BIG_FILE = 64 << 20, TRIAL = CHK_WINDOW_GRANULE, READ = 512 * 1024, TRIALS = 4, PROBES = 12 };

/* File systems whose pages can vanish, or come slowly, for reasons outside this machine. */
static bool remote(int fd)
{
    static const unsigned long types[] = {0x6969 /* NFS */,      0x517B /* SMB */,
                                          0xFF534D42 /* CIFS */, 0xFE534D42 /* SMB2 */,
                                          0x65735546 /* FUSE */, 0x01021997 /* 9p */,
                                          0x00C36400 /* Ceph */, 0x0BD00BD0 /* Lustre */,
                                          0x5346414F /* AFS */,  0x47504653 /* GPFS */,
                                          0x73757245 /* Coda */, 0x7461636F /* OCFS2 */,
                                          0x01161970 /* GFS2 */, 0x19830326 /* BeeGFS */};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0) return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((unsigned long)fs.f_type == types[i]) return true;
    return false;
}

static uint64_t sum_of(const char *data, size_t n_bytes)
{
    uint64_t s = 0, x;
    for (size_t i = 0; i < n_bytes; i += sizeof x) {
        memcpy(&x, data + i, sizeof x);
        s += x;
    }
    return s;
}

/* Nanoseconds to sum a piece of the file by reads, UINT64_MAX when that fails. */
static uint64_t time_reads(int fd, off_t at, char *buf)
{
    volatile uint64_t sum = 0;
    uint64_t t0 = chk_clock_ns();
    for (off_t k = 0; k < TRIAL; k += READ) {
        if (pread(fd, buf, READ, at + k) != READ) return UINT64_MAX;
        sum += sum_of(buf, READ);
    }
    return chk_clock_ns() - t0;
}

static uint64_t time_window(int fd, off_t at)
{
    chk_hold h = {0};
    volatile uint64_t sum = 0;
    uint64_t t0 = chk_clock_ns();
    const char *w = chk_window_map(&h, fd, (uint64_t)at, TRIAL);
    if (!w) return UINT64_MAX;
    sum += sum_of(w, TRIAL);
    chk_window_unmap(&h);
    return chk_clock_ns() - t0;
}

/* All but the longest: a thread that was stopped meanwhile says nothing. */
static double sum_but_longest(const uint64_t *ns)
{
    double sum = 0, most = 0;
    for (int i = 0; i < TRIALS; i++) {
        sum += (double)ns[i];
        if ((double)ns[i] > most) most = (double)ns[i];
    }
    return sum - most;
}

/* The k-th of `n` pieces all over a range, as the kernel may keep some parts of a file in large pages and others in small ones, which are dear to map. Their
 * place differs from run to run: they come out of memory, as most of a large file does, and not out of the processor's caches, where copying looks
 * cheap. */
static off_t piece_at(int64_t lo, int64_t hi, int k, int n, uint64_t random)
{
    int64_t first = (lo + TRIAL - 1) / TRIAL, pieces = hi / TRIAL - first, apart = pieces / n;
    return (off_t)(first + k * apart + (int64_t)(random % (uint64_t)apart)) * TRIAL;
}

static bool in_memory(int fd, off_t piece)
{
    char last;
    return preadv2(fd, &(struct iovec){&last, 1}, 1, piece + TRIAL - 1, RWF_NOWAIT) == 1;
}

static uint64_t some_number(void) { return (chk_clock_ns() * 0x9E3779B97F4A7C15u) >> 20; }

/* Windows so much faster than reads in one thread are still faster in many, which wait for one another where pages are mapped. At best it is 0.65. */
#define WORTH_WHILE 0.85

static bool timed(int fd, int64_t lo, int64_t hi)
{
    uint64_t reads[TRIALS], windows[TRIALS], random = some_number();
    off_t at[2 * TRIALS];
    for (int i = 0; i < 2 * TRIALS; i++)
        if (!in_memory(fd, at[i] = piece_at(lo, hi, i, 2 * TRIALS, random))) return true;
    char *buf = mmap(NULL, READ, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (buf == MAP_FAILED) return true;
    bool ok = true;
    for (int i = 0; i < TRIALS; i++) ok &= (reads[i] = time_reads(fd, at[2 * i], buf)) != UINT64_MAX;
    munmap(buf, READ);
    for (int i = 0; i < TRIALS; i++) ok &= (windows[i] = time_window(fd, at[2 * i + 1])) != UINT64_MAX;
    return ok && sum_but_longest(windows) <= WORTH_WHILE * sum_but_longest(reads);
}

static pthread_mutex_t time_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int pay; /* 0: not timed yet; 1: yes; -1: no */

bool chk_windows_pay(int fd, int64_t lo, int64_t hi)
{
    pthread_mutex_lock(&time_lock);
    if (!pay) pay = getenv("CHUNK_WINDOWS") || timed(fd, lo, hi) ? 1 : -1;
    pthread_mutex_unlock(&time_lock);
    return pay > 0;
}

bool chk_windows_paid(void) { return pay >= 0; }

chk_way chk_way_to_read(int fd, int64_t lo, int64_t hi)
{
    const char *set = getenv("CHUNK_WINDOWS");
    if (set && set[0] >= '0' && set[0] <= '2') return (chk_way)(set[0] - '0');
    if (remote(fd)) return CHK_READS;
    if (hi - lo < BIG_FILE) return CHK_WINDOWS;
    uint64_t random = some_number();
    int there = 0;
    for (int k = 0; k < PROBES; k++) there += in_memory(fd, piece_at(lo, hi, k, PROBES, random));
    return 2 * there < PROBES ? CHK_WINDOWS : CHK_WINDOWS_OR_READS;
}
