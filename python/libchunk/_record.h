/* _record.h: what happens during a run, noted in a few hundred KiB whatever its length: the events of its workers, the resident memory of the
 * process every few milliseconds, and what Python functions cost in time and in memory of NumPy's arrays. */
#ifndef LIBCHUNK_RECORD_H
#define LIBCHUNK_RECORD_H

#include <Python.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chunk.h"

enum {
    RECORD_MOST = 8192,
    RECORD_WORKERS = 1024,
    RECORD_PASSES = 64,
    RECORD_KINDS = CHUNK_EVENT_CLOSE + 1,
    SAMPLE_NS = 2 * 1000 * 1000
};

/* One event, or neighbouring ones of a worker; as Python's struct "=QQQQQQQIHBB" reads it. */
struct record_entry {
    uint64_t begin, end, busy, tasks, bytes, held,
        resident; /* busy: end - begin less the gaps; resident: 0 where it was not looked at */
    uint32_t n;   /* events in it */
    uint16_t worker;
    uint8_t pass, kind;
};

struct record {
    pthread_mutex_t lock; /* all but last_sample */
    _Atomic uint64_t last_sample;
    int statm;
    uint64_t resident_before;
    int n_passes;
    size_t used;
    char name[RECORD_PASSES][96];
    struct record_entry entry[RECORD_MOST];
};

static struct record *record_new(void)
{
    struct record *r = (struct record *)malloc(sizeof *r);
    if (!r) return NULL;
    pthread_mutex_init(&r->lock, NULL);
    r->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    return r;
}

static uint64_t record_resident(const struct record *r)
{
    char text[64];
    unsigned long long all, resident = 0;
    ssize_t n = r->statm < 0 ? -1 : pread(r->statm, text, sizeof text - 1, 0);
    if (n <= 0) return 0;
    text[n] = 0;
    if (sscanf(text, "%llu %llu", &all, &resident) != 2) return 0;
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void record_begin(struct record *r)
{
    r->used = 0;
    r->n_passes = 0;
    atomic_store(&r->last_sample, 0);
    r->resident_before = 0;
}

/* Every second entry of a worker goes into the one before it of its pass and kind. */
static void record_halve(struct record *r)
{
    static size_t last[RECORD_WORKERS][RECORD_KINDS]; /* 1 + where the worker's last entry of a kind lies, if it may take another */
    size_t kept = 0;
    memset(last, 0, sizeof last);
    for (size_t i = 0; i < r->used; i++) {
        struct record_entry *e = &r->entry[i], *to = NULL;
        size_t *at = &last[e->worker][e->kind];
        if (*at) to = &r->entry[*at - 1];
        if (to && to->pass == e->pass) {
            to->end = e->end;
            to->busy += e->busy;
            to->tasks += e->tasks;
            to->bytes += e->bytes;
            to->n += e->n;
            if (e->held > to->held) to->held = e->held;
            if (e->resident > to->resident) to->resident = e->resident;
            *at = 0;
        } else {
            r->entry[kept++] = *e;
            *at = kept;
        }
    }
    /* Where nothing can be joined, every second one is dropped. */
    if (kept > RECORD_MOST / 4 * 3) {
        size_t n = 0;
        for (size_t i = 0; i < kept; i += 2) r->entry[n++] = r->entry[i];
        kept = n;
    }
    r->used = kept;
}

static void record_event(void *user, const chunk_event *event)
{
    struct record *r = (struct record *)user;
    uint64_t last = atomic_load_explicit(&r->last_sample, memory_order_relaxed), resident = 0;
    if (event->end - last >= SAMPLE_NS && event->end > last && atomic_compare_exchange_strong(&r->last_sample, &last, event->end))
        resident = record_resident(r);
    pthread_mutex_lock(&r->lock);
    if (r->used == RECORD_MOST) record_halve(r);
    int pass = event->pass < RECORD_PASSES ? event->pass : RECORD_PASSES - 1;
    while (r->n_passes <= pass) r->name[r->n_passes++][0] = 0;
    if (!r->name[pass][0]) snprintf(r->name[pass], sizeof r->name[pass], "%s", event->name);
    r->entry[r->used++] = (struct record_entry){.begin = event->begin,
                                                .end = event->end,
                                                .busy = event->end - event->begin,
                                                .tasks = event->n,
                                                .bytes = event->bytes,
                                                .held = event->held,
                                                .resident = resident,
                                                .n = 1,
                                                .worker = (uint16_t)(event->worker % RECORD_WORKERS),
                                                .pass = (uint8_t)pass,
                                                .kind = (uint8_t)event->kind};
    pthread_mutex_unlock(&r->lock);
}

/* ---- memory of NumPy's arrays
 *
 * NumPy takes the memory of arrays from a handler that belongs to the context of the calling thread (NEP 49). Ours counts. So a worker's Python
 * functions are measured and no other thread is; small arrays that NumPy keeps in its own cache count for nothing. */

struct cost {
    _Atomic uint64_t calls, ns, peak, granted;
};

static _Thread_local struct {
    int64_t now, peak;
} counted;

static void count_more(int64_t n)
{
    counted.now += n;
    if (counted.now > counted.peak) counted.peak = counted.now;
}

static void *counting_malloc(void *ctx, size_t n)
{
    (void)ctx;
    void *p = malloc(n);
    if (p) count_more((int64_t)n);
    return p;
}

static void *counting_calloc(void *ctx, size_t n, size_t size)
{
    (void)ctx;
    void *p = calloc(n, size);
    if (p) count_more((int64_t)(n * size));
    return p;
}

static void *counting_realloc(void *ctx, void *old, size_t n)
{
    (void)ctx;
    size_t had = old ? malloc_usable_size(old) : 0; /* the size that was asked for is not told */
    void *p = realloc(old, n);
    if (p) count_more((int64_t)n - (int64_t)had);
    return p;
}

static void counting_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    if (p) counted.now -= (int64_t)n;
    free(p);
}

/* NumPy's PyDataMem_Handler, version 1. */
static struct {
    char name[127];
    uint8_t version;
    struct {
        void *ctx;
        void *(*malloc)(void *, size_t);
        void *(*calloc)(void *, size_t, size_t);
        void *(*realloc)(void *, void *, size_t);
        void (*free)(void *, void *, size_t);
    } allocator;
} counting_handler = {"libchunk_counting", 1, {NULL, counting_malloc, counting_calloc, counting_realloc, counting_free}};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct call_begun {
    uint64_t ns;
    int64_t now, peak;
};

/* Called from Python, with the C functions of NumPy: the 305th of its table is PyDataMem_SetHandler. */
static PyObject *(*set_handler)(PyObject *);
static PyObject *our_handler;
static int count_with(void *numpy_functions)
{
    if (!our_handler) our_handler = PyCapsule_New(&counting_handler, "mem_handler", NULL);
    if (!our_handler) return -1;
    set_handler = (PyObject * (*)(PyObject *))((void **)numpy_functions)[304];
    return 0;
}

static _Thread_local int attached, counts;
/* A worker keeps its thread state from its first call back on: making one for each block would cost more than most functions. */
static void thread_attach(void)
{
    if (PyGILState_GetThisThreadState()) return;
    PyGILState_Ensure();
    PyEval_SaveThread();
    attached = 1;
}

/* NumPy's arrays of this thread are counted: in workers for good, in other threads until handler_leave of what this gave. */
static void *handler_enter(void)
{
    if (!set_handler || counts) return NULL;
    PyObject *old = set_handler(our_handler);
    if (!old) {
        PyErr_Clear();
    } else if (attached) {
        counts = 1;
        Py_DECREF(old);
        old = NULL;
    }
    return old;
}

static void handler_leave(void *old)
{
    if (!old) return;
    PyObject *ours = set_handler((PyObject *)old);
    if (!ours) PyErr_Clear();
    Py_XDECREF(ours);
    Py_DECREF((PyObject *)old);
}

static struct call_begun cost_begin(void)
{
    struct call_begun b = {now_ns(), counted.now, counted.peak};
    counted.peak = counted.now;
    return b;
}

static void cost_end(struct cost *c, const struct call_begun *b, uint64_t granted)
{
    uint64_t used = counted.peak > b->now ? (uint64_t)(counted.peak - b->now) : 0, seen = atomic_load(&c->peak);
    counted.peak = counted.peak > b->peak ? counted.peak : b->peak;
    while (used > seen && !atomic_compare_exchange_weak(&c->peak, &seen, used)) {}
    atomic_fetch_add(&c->calls, 1);
    atomic_fetch_add(&c->ns, now_ns() - b->ns);
    seen = atomic_load(&c->granted);
    while (granted > seen && !atomic_compare_exchange_weak(&c->granted, &seen, granted)) {}
}

/* What a function took elsewhere, in a worker process. */
static void cost_more(struct cost *c, uint64_t used)
{
    uint64_t seen = atomic_load(&c->peak);
    while (used > seen && !atomic_compare_exchange_weak(&c->peak, &seen, used)) {}
}

static void cost_clear(struct cost *c)
{
    atomic_store(&c->calls, 0);
    atomic_store(&c->ns, 0);
    atomic_store(&c->peak, 0);
    atomic_store(&c->granted, 0);
}

static void cost_get(struct cost *c, uint64_t *out)
{
    out[0] = atomic_load(&c->calls);
    out[1] = atomic_load(&c->ns);
    out[2] = atomic_load(&c->granted);
    out[3] = atomic_load(&c->peak);
}

#endif
