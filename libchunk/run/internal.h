/* internal.h: what the files of run/ share: the pool, one execution, its workers and the order of tasks inside a pass.
 *
 * Lock order. One lock guards all that threads share: chk_exec.lock, which is the pool's for runs on a pool and the run's own for runs in the
 * caller's thread. The trace has a lock of its own, taken only where the other is not held. No callback (open, run, claim, write, advise,
 * close, on_thread) is called with a lock held; deps is, because it is a rule: a pure and quick function of numbers.
 * Fields marked (L) are read and written under chk_exec.lock, fields marked (W) belong to one worker until it is idle. */
#ifndef CHK_RUN_INTERNAL_H
#define CHK_RUN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "run/exec.h"

#define CHK_NO_TASK UINT64_MAX

/* ---- order.c: which task may start, claim or write next ---- */

typedef enum chk_step_kind { CHK_STEP_NONE, CHK_STEP_RUN, CHK_STEP_CLAIM, CHK_STEP_WRITE } chk_step_kind;

typedef struct chk_step {
    chk_step_kind kind;
    uint64_t number;
    int slot; /* of passes with claim, else -1 */
} chk_step;

/* A started task of a pass with claim: it lives from start to end of write. */
typedef struct chk_slot {
    chk_task task;
    int next; /* in the list of free slots or of waiting writes; -1 ends it */
} chk_slot;

enum { CHK_RING_WORDS = CHK_TASK_WINDOW / 64 };

/* Zeroed but for rng and the arrays, which are made once and serve every pass. All (L) but the atomics. */
typedef struct chk_order {
    chk_pass *pass;
    uint64_t n_tasks;
    bool plain;               /* no rule but the number: taken without the lock, through `taken` */
    _Atomic uint64_t taken;   /* plain: numbers below it are given out */
    _Atomic uint64_t advised; /* numbers below it were told to advise, or are too late for it */
    uint64_t low;             /* lowest unfinished */
    uint64_t next;            /* lowest not started */
    uint64_t turn;            /* lowest that has not passed its turn */
    uint64_t n_running;       /* started, not ended */
    uint64_t started[CHK_RING_WORDS], done[CHK_RING_WORDS], passed[CHK_RING_WORDS]; /* bits of numbers, modulo the window */
    uint64_t *blocked_on; /* ring: the dependency last seen unfinished, or CHK_NO_TASK; NULL where no pass has deps */
    uint32_t *n_seen;     /* ring: how many dependencies were asked for */
    chk_slot *slot;       /* n_slots; NULL where no pass has claim */
    uint16_t *parked;     /* ring: slot + 1 of a task that has run and waits for its claim */
    int n_slots, n_free, free_first, write_first, write_last;
    uint64_t rng; /* not 0: scramble */
} chk_order;

chunk_status chk_order_new(chk_order *o, const chk_plan *plan, int n_slots, uint64_t scramble, chunk_error *err);
void chk_order_free(chk_order *o);
void chk_order_open(chk_order *o, chk_pass *pass);
bool chk_order_complete(const chk_order *o);
chk_step chk_order_find(chk_order *o);                   /* changes nothing that counts */
void chk_order_take(chk_order *o, chk_step *s);          /* s as found; fills s->slot of a task that starts */
void chk_order_park(chk_order *o, const chk_step *s);    /* run has ended; the task waits for its claim */
void chk_order_claimed(chk_order *o, const chk_step *s); /* claim has ended; the task goes on to write, or has ended */
void chk_order_end(chk_order *o, const chk_step *s);     /* the task has ended */
void chk_order_pass(chk_order *o, uint64_t number);      /* the task has passed its turn */

/* ---- trace.c ---- */

typedef struct chk_trace chk_trace;
chunk_status chk_trace_open(chk_trace **out, const char *path, int n_workers, chunk_error *err);
/* One event, as the caller's callback gets it, but for its times, which are chk_clock_ns. Called by that worker, or while it is idle. */
void chk_trace_span(chk_trace *t, const chunk_event *event);
chunk_status chk_trace_close(chk_trace *t, chunk_error *err); /* frees; the error is the first failed write's */

/* Tells the trace and the caller of an event of the pass that runs: [t0, t1) in chk_clock_ns, n tasks from first on. Lock not held. */
void chk_exec_tell(chk_exec *e, int worker, chunk_event_kind kind, uint64_t t0, uint64_t t1, uint64_t first, uint64_t n,
                   uint64_t bytes);

/* ---- exec.c, pool.c, worker.c, advance.c, memory.c ---- */

/* What one pass cost, all its rounds added up. */
typedef struct chk_pass_cost {
    uint64_t tasks, rounds, ns_wall, ns_idle, ledger_peak;
    chk_task_stats stats;
} chk_pass_cost;

typedef struct chk_worker {
    _Alignas(64) _Atomic uint64_t n_done; /* progress: written by this worker only */
    _Atomic uint64_t bytes_done;
    chk_task_stats stats; /* (W) of the pass that runs */
    uint64_t ns_busy;     /* (W) */
    uint64_t n_tasks;     /* (W) */
    uint32_t batch;       /* (W) plain passes: how many numbers to take at once */
    chk_task task;        /* (W) the running task of passes without claim */
    chunk_error err;      /* (W) */
    pthread_cond_t turn;  /* this worker waits here for its task's turn */
    uint64_t waits_for;   /* (L) that task, or CHK_NO_TASK */
} chk_worker;

enum { CHK_HALT_NO, CHK_HALT_CANCELED, CHK_HALT_FAILED };

/* Sizes that a pass's open may lower, as they were planned: put back before it opens again and when the run ends. */
typedef struct chk_pass_sizes {
    uint64_t n_tasks;
    size_t work_bytes, window_bytes, kept_bytes, worker_bytes;
} chk_pass_sizes;

struct chk_exec {
    void *block; /* the allocation that this lies in */
    chk_plan *plan;
    chk_ledger *ledger;
    chk_pool *pool; /* NULL: runs in the caller's thread */
    chk_exec_options options;
    pthread_mutex_t *lock, own_lock;
    pthread_cond_t idle, ended_cond;
    int n_workers, n_kept;
    _Atomic int halt; /* CHK_HALT_*: set once, never cleared */
    /* (L) */
    int n_asked, n_joined, n_left; /* threads called to this run, in it, out of it */
    int n_active;                  /* of those in it: not idle */
    int n_sleeping, n_tokens;      /* idle ones; wake-ups on their way to them */
    bool stepping, over, ended;
    bool completed; /* the last pass has closed */
    chk_exec *queue_next;
    chunk_status status;
    chunk_error error;
    uint64_t error_task;
    chk_order order;
    /* the worker that steps from pass to pass, and all others after it */
    int pass_now; /* -1 before the first */
    uint64_t ns_pass_began;
    chk_pass_sizes *planned; /* n_passes */
    bool *entered;           /* n_passes: its worker_bytes are booked */
    bool *live;              /* n_regions */
    chk_buf work, kept;
    uint64_t window_booked, base_booked, worker_booked;
    uint64_t ledger_peak_before, ledger_peak;
    chk_pass_cost *cost; /* n_passes, or NULL without profile */
    chk_pass_cost total;
    chk_trace *trace;
    /* progress */
    _Atomic uint64_t tasks_total;
    _Atomic int pass_shown;
    uint64_t bytes_total, ns_began;
    _Atomic uint64_t ns_ended;
    chk_worker worker[]; /* n_workers */
};

static inline bool chk_exec_tells(const chk_exec *e) { return e->trace || e->options.event; }
static inline bool chk_exec_halted(chk_exec *e) { return atomic_load_explicit(&e->halt, memory_order_relaxed) != CHK_HALT_NO; }

void chk_cond_init(pthread_cond_t *c);                                        /* on the monotonic clock */
void chk_cond_wait_ms(pthread_cond_t *c, pthread_mutex_t *lock, uint64_t ms); /* returns early on any signal */

/* Records a failure; number: the task, or CHK_NO_TASK. Lock not held. */
void chk_exec_fail(chk_exec *e, uint64_t number, chunk_status st, const chunk_error *err);
/* One worker's part of a run, from joining to leaving. Entered and left with the lock held. */
void chk_exec_work(chk_exec *e);
void chk_exec_ended(chk_exec *e); /* all workers have left; lock held */

pthread_mutex_t *chk_pool_lock(chk_pool *p);
bool chk_pool_forked(const chk_pool *p);           /* this is a child of the process that made it */
bool chk_pool_is_mine(const chk_pool *p);          /* the calling thread is one of its threads */
int chk_pool_grow(chk_pool *p, int n_threads);     /* starts what is missing; returns how many there are; lock held */
bool chk_pool_idle(const chk_pool *p);             /* no run on it; lock held */
void chk_pool_put(chk_pool *p, chk_exec *e);       /* a run starts, or queues; lock held */
bool chk_pool_take_back(chk_pool *p, chk_exec *e); /* true: it was queued and is no longer; lock held */
void chk_pool_call(chk_pool *p);                   /* one more thread may join; lock held */
void chk_pool_next(chk_pool *p);                   /* the current run is over: the next one's turn; lock held */

/* Ends the pass that runs and opens the next one that has tasks; false when the run is over. Only while all workers are idle; lock not held. */
bool chk_exec_advance(chk_exec *e);

chunk_status chk_memory_begin(chk_exec *e, chunk_error *err);             /* fixed and per-worker bytes */
chunk_status chk_memory_regions(chk_exec *e, int pass, chunk_error *err); /* leaves what `pass` does not need, makes its regions */
chunk_status chk_memory_areas(chk_exec *e, int pass, chunk_error *err);   /* work and kept areas, windows, worker bytes */
void chk_memory_end(chk_exec *e);                                         /* everything back */
static inline size_t chk_kept_stride(size_t kept_bytes) { return (kept_bytes + 63) & ~(size_t)63; }

static inline void chk_stats_add(chk_task_stats *a, const chk_task_stats *b)
{
    a->ns_read += b->ns_read;
    a->ns_decode += b->ns_decode;
    a->ns_compute += b->ns_compute;
    a->ns_encode += b->ns_encode;
    a->ns_write += b->ns_write;
    a->ns_wait += b->ns_wait;
    a->bytes_read += b->bytes_read;
    a->bytes_written += b->bytes_written;
    a->bytes_spilled += b->bytes_spilled;
}

#endif
