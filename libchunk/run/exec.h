/* exec.h: running a plan: workers, order, turns, progress, cancellation, profile and trace. The only room that starts threads. */
#ifndef CHK_EXEC_H
#define CHK_EXEC_H

#include "include/chunk.h"
#include "plan/task.h"

/* Threads that wait for work; made once a context, started on first need. */
typedef struct chk_pool chk_pool;
chunk_status chk_pool_new(chk_pool **out, int max_threads, chunk_error *err);
void chk_pool_free(chk_pool *p); /* joins */

typedef struct chk_exec_options {
    bool profile;
    const char *trace;          /* path or NULL */
    chunk_event_callback event; /* NULL: none */
    void *event_user;
    bool inline_small;             /* few and tiny tasks run in the calling thread, without hand-off */
    uint64_t scramble;             /* tests: not 0 seeds a random (still valid) task order */
    void (*on_thread)(bool start); /* hooks for each worker: codec state, GIL; may be NULL */
} chk_exec_options;

typedef struct chk_exec_progress {
    uint64_t tasks_done, tasks_total, bytes_done, bytes_total;
    double seconds;
    int pass, n_passes;
} chk_exec_progress;

typedef struct chk_exec_totals {
    double seconds;
    uint64_t tasks;
    chk_task_stats stats;
    uint64_t ledger_peak; /* most that was booked at once, beyond the plan's fixed and per-worker bytes */
    int n_workers;        /* that could be started */
} chk_exec_totals;

/* Borrows plan, ledger and pool until chk_exec_finish. Books fixed and per-worker bytes when the run begins, regions, work,
 * window and kept areas pass by pass: the ledger's limit is the whole ceiling. A small run, one without threads, and one started by a worker of
 * the same pool have ended when this returns; *out is set before they begin. */
chunk_status chk_exec_start(chk_exec **out, chk_plan *plan, chk_ledger *ledger, chk_pool *pool, const chk_exec_options *options,
                            chunk_error *err);
bool chk_exec_wait(chk_exec *e, double seconds); /* true: has ended; negative: for ever */
void chk_exec_cancel(chk_exec *e);               /* async-signal-safe */
void chk_exec_progress_get(chk_exec *e, chk_exec_progress *out);
char *chk_exec_profile(chk_exec *e, bool json); /* after the end; NULL without profile */
/* Waits; frees e. The first error wins. */
chunk_status chk_exec_finish(chk_exec *e, chk_exec_totals *totals, chunk_error *err);

#endif
