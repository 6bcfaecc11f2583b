/* task.h: the task contract. The only thing that operations (plan/, ops/) and the scheduler (run/) know of each other.
 *
 * A plan is a list of passes, run one after the other. A pass is n tasks, described by rule: functions of the task's number, never a stored
 * list, so that 10^8 tasks cost what one costs. Task numbers are a valid sequential order: a task depends only on lower numbers of its pass
 * (deps) and on all earlier passes. Tasks start in ascending number as far as their dependencies allow, inside a window of
 * CHK_TASK_WINDOW numbers above the lowest unfinished one. So the lowest unfinished task can always run: its dependencies are done and, as
 * every slot's memory was granted when the pass opened, it waits for nobody's memory. That is why no run can deadlock.
 *
 * A task's life:   run (any worker, in parallel)  ->  claim (one at a time, in task order)  ->  write (any worker, in parallel)
 * claim and write are optional. After run the task keeps only its `kept` area and may be parked until its turn comes; the worker goes on with
 * another task. Operations that stream their output take their turn inside run instead (chk_task_wait_turn, chk_task_pass_turn).
 *
 * What cannot be retrofitted has its place here: several outputs and several passes (a plan), data-dependent later passes (open may lower
 * n_tasks and fix sizes that the projection bounded), tiles updated in place (deps on lower tasks that touch the same region), pinned tiles
 * and reduction state (regions), all-to-all through scratch (a pass that writes, a pass that reads), dimensions known at run time (open),
 * loops (close names the pass to go on with), ordered side effects (claim), callbacks that may block (run is called with no lock held). */
#ifndef CHK_TASK_H
#define CHK_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ledger.h"
#include "base/status.h"
#include "store/source.h"

enum { CHK_TASK_WINDOW = 4096 };
/* Tasks that a worker takes at once, at most: while it waits for a core, so many next to each other are not done. */
enum { CHK_TASK_BATCH = 16 };

typedef struct chk_pass chk_pass;
typedef struct chk_plan chk_plan;
typedef struct chk_exec chk_exec; /* run/: one execution of a plan */

/* Where a task's time and bytes went; the scheduler adds them up per pass and worker. */
typedef struct chk_task_stats {
    uint64_t ns_read, ns_decode, ns_compute, ns_encode, ns_write, ns_wait;
    uint64_t bytes_read, bytes_written, bytes_spilled;
} chk_task_stats;

/* A task while it runs. Belongs to the worker that runs it. */
typedef struct chk_task {
    uint64_t number;
    int worker; /* 0 <= worker < n_workers */
    void *work; /* pass->work_bytes: one area a worker for all its tasks of the pass; undefined at first, then
                                                     as the worker's last task left it */
    void *kept; /* pass->kept_bytes: this task's until write has ended */
    chk_task_stats stats;
    chk_exec *exec;
} chk_task;

/* Adds what was read to the task's books. */
static inline void chk_task_count(chk_task *t, const chk_hold *books)
{
    t->stats.bytes_read += books->bytes_read;
    t->stats.ns_read += books->ns_read;
    t->stats.ns_decode += books->ns_decode;
    t->stats.ns_compute += books->ns_compute;
}

/* True when the run was canceled or has failed: long tasks look now and then and return CHUNK_ECANCELED. */
bool chk_task_canceled(const chk_task *t);
/* Streaming output in order: returns when all lower tasks have passed their turn; then this task may claim. Holding the turn stops higher
 * tasks at their own wait, so pass it as soon as order no longer matters. A task that returns from run has passed. On a failed or canceled
 * run wait_turn returns CHUNK_ECANCELED. Only in passes with ordered set and no claim. */
chunk_status chk_task_wait_turn(chk_task *t, chunk_error *err);
void chk_task_pass_turn(chk_task *t);

/* A choice that the planner tries. Passes whose tiles may be of any size take what serves them best of room. */
typedef struct chk_sizing {
    int64_t block_elements; /* what a task should hold at once, about; passes may hold less */
    int n_workers;
    bool any_order; /* tests: tasks may start in any order inside the window */
    uint64_t room;  /* bytes that this pass may use in all (its own regions with it) without passing the ceiling */
} chk_sizing;
struct chk_source;
struct chk_sink;
typedef void (*chk_source_visit)(void *arg, struct chk_source *s);

typedef struct chk_pass_ops {
    const char *kind;
    /* May be NULL (fixed sizes). Sets work_bytes, window_bytes, kept_bytes, worker_bytes, n_tasks, the expected bytes and the sizes of the regions that are
     * the pass's own, for one choice of the planner's. Called many times; must be a pure function of s. */
    void (*size)(chk_pass *p, const chk_sizing *s);
    /* May be NULL (reads none). Calls visit for each source that the pass reads; sources made of others are looked into by the caller. */
    void (*sources)(const chk_pass *p, chk_source_visit visit, void *arg);
    /* May be NULL (never). Does the pass read each chunk of this source of its own once? Else keeping decoded chunks for a while pays. */
    bool (*once)(const chk_pass *p, const struct chk_source *s);
    /* May be NULL (none). Chunks of this source of its own that a task reads one after the other, before it reads the same ones again. */
    int64_t (*again)(const chk_pass *p, const struct chk_source *s);
    /* May be NULL (no results go to sinks from outside). Result number `out` of the pass goes to sink, which is borrowed until the plan is freed. */
    void (*bind)(chk_pass *p, int out, struct chk_sink *sink);
    /* May be NULL. Serial, before the first task; regions that begin with this pass are allocated and zero. May lower n_tasks. n_workers: how many
     * workers will run it. */
    chunk_status (*open)(chk_pass *p, int n_workers, chunk_error *err);
    /* May be NULL: no dependencies inside the pass. The i-th task of this pass (lower than task) that must have ended before; false after the last. */
    bool (*deps)(const chk_pass *p, uint64_t task, int i, uint64_t *on);
    chunk_status (*run)(chk_pass *p, chk_task *t, chunk_error *err);
    chunk_status (*claim)(chk_pass *p, chk_task *t, chunk_error *err);
    chunk_status (*write)(chk_pass *p, chk_task *t, chunk_error *err);
    /* May be NULL. This task will run soon: start reading ahead; returns at once. */
    void (*advise)(chk_pass *p, uint64_t task);
    /* May be NULL. Serial, after the last task of a pass that did not fail. *next_pass is preset to the following pass; lower values loop. */
    chunk_status (*close)(chk_pass *p, int *next_pass, chunk_error *err);
    void (*free)(chk_pass *p); /* always, once, when the plan is freed; frees what ctx holds */
    /* For explain: "fused: mean(x)", and so on, in words; may be NULL. */
    void (*describe)(const chk_pass *p, char *buf, size_t size);
} chk_pass_ops;

struct chk_pass {
    const chk_pass_ops *ops;
    void *ctx;
    char name[96];       /* for explain, profile, trace */
    uint64_t n_tasks;    /* exact, or an upper bound until open */
    bool ordered;        /* turns matter; tasks then start strictly in order */
    bool serial;         /* one task at a time (sources or callbacks that are not thread-safe) */
    size_t work_bytes;   /* arena of each running task, from the ledger */
    size_t window_bytes; /* file windows of each running task */
    size_t kept_bytes;   /* of each task from start to end of write */
    size_t worker_bytes; /* codec state, BLAS buffers: of each worker once it has run a task of this pass */
    uint64_t bytes_read, bytes_written, bytes_spilled; /* expected in all, for progress and explain */
    uint64_t
        bytes_recomputed; /* of bytes_read, those of inputs that an earlier pass has read too: what was made of them was not kept */
};

/* Memory that lives across passes: results, reduction state, pinned tiles, tables. Allocated (zeroed) when pass `first` opens, put back when
 * pass `last` has closed (loops: when the run leaves last for a higher pass). */
typedef struct chk_region {
    uint64_t n_bytes;
    int first, last;
    int owner;   /* the pass whose size() sets n_bytes; -1: fixed, or the planner's */
    chk_buf buf; /* filled by the scheduler */
    char name[48];
} chk_region;

/* Memory lent to a source for decoded chunks while a pass runs that reads them more than once (plan/tiles.c). */
typedef struct chk_loan {
    struct chk_source *source;
    chk_region *region; /* from its first such pass to its last */
    int n;              /* chunks; 0: none */
    bool lent;          /* the scheduler's */
} chk_loan;

struct chk_plan {
    chk_pass *pass;
    int n_passes;
    chk_region **region; /* each allocated with the plan, so pointers stay valid */
    int n_regions;
    uint64_t fixed_bytes;      /* code, libraries, HDF5's caches, the launcher: charged before anything else */
    uint64_t per_worker_bytes; /* stack and thread-local state of each worker */
    size_t blas_bytes;         /* of a worker, in some pass's worker_bytes; 0: none calls OpenBLAS */
    uint64_t evaluated_bytes; /* for explain: read by n_evaluated runs that shapes and values needed before this could be planned */
    int n_evaluated;
    int n_workers;  /* chosen so that the projection fits */
    int n_threads;  /* whose stacks count: wider runs before this one have left them, whether it has work for them or not */
    bool any_order; /* tests: as chk_sizing's */
    int n_kept;     /* kept areas: workers, plus parked tasks where there is room */
    uint64_t ceiling, projected_peak;
    struct chk_spill **spill; /* plan/spill.h: intermediates that may lie in a scratch file */
    int n_spills;
    chk_loan *loan;
    int n_loans;
    struct chk_scratch *scratch; /* their file; NULL: nothing is spilled */
};

/* The bound on resident bytes for so many workers and kept areas: fixed + threads * per_worker + the largest pass
 * (live regions + workers * (work + window + worker_bytes so far) + n_kept * kept). peak_pass (may be NULL): the pass that sets it. */
uint64_t chk_plan_projected(const chk_plan *p, int n_workers, int n_kept, int *peak_pass);
/* Bytes that pass number `pass` may still use under the ceiling: what is left beside fixed costs, workers, codec state and regions alive then. */
uint64_t chk_plan_room(const chk_plan *p, int pass, int n_workers);
/* Bytes of the threads that there are with so many workers. */
uint64_t chk_plan_thread_bytes(const chk_plan *p, int n_workers);
/* Of at most so many workers: no more than the widest pass has tasks, nor than kept areas where every running task holds one. */
int chk_plan_useful_workers(const chk_plan *p, int most);
void chk_plan_drop_regions(chk_plan *p);                        /* regions and spills, when planning starts over */
void chk_plan_forget(chk_plan *p, int n_regions, int n_spills); /* those added since there were so many */
void chk_plan_free(chk_plan *p);

#endif
