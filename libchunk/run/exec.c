/* exec.c: a run as a handle: start, wait, cancel, progress, finish. What it does is in worker.c and advance.c.
 *
 * A run is in its caller's thread, wholly inside chk_exec_start, in four cases: it is small and the pool is idle, no thread can be started, there
 * is no pool, or the caller is itself a worker of that pool (a callback that computes: waiting for the pool would wait for itself). */
#include "run/internal.h"

#include "base/alloc.h"
#include "base/thread.h"

enum {
    INLINE_TASKS = 4, /* per pass: four tasks of a few microseconds cost less than one wake-up and hand-off (5 to 10 us) */
    INLINE_BYTES = 1024 * 1024, /* in all: some 100 us of work */
    QUEUE_POLL_MS = 50,         /* a run that is canceled while it queues ends within this */
};

static bool is_small(const chk_plan *p)
{
    uint64_t bytes = 0;
    for (int i = 0; i < p->n_passes; i++) {
        const chk_pass *s = &p->pass[i];
        bytes += s->bytes_read + s->bytes_written + s->bytes_spilled;
        if (s->n_tasks > INLINE_TASKS || bytes > INLINE_BYTES) return false;
    }
    return true;
}

static void free_exec(chk_exec *e)
{
    chk_order_free(&e->order);
    chk_free(e->planned);
    chk_free(e->entered);
    chk_free(e->cost);
    for (int i = 0; i < e->n_workers; i++) pthread_cond_destroy(&e->worker[i].turn);
    pthread_cond_destroy(&e->idle);
    pthread_cond_destroy(&e->ended_cond);
    pthread_mutex_destroy(&e->own_lock);
    chk_free(e->block);
}

static chunk_status fill(chk_exec *e, chunk_error *err)
{
    const chk_plan *p = e->plan;
    size_t n = (size_t)p->n_passes;
    e->planned = chk_malloc((n + 1) * sizeof *e->planned);
    e->entered = chk_calloc(n + (size_t)p->n_regions + 1, sizeof *e->entered);
    if (e->options.profile) e->cost = chk_calloc(n + 1, sizeof *e->cost);
    if (!e->planned || !e->entered || (e->options.profile && !e->cost))
        return chk_fail(err, CHUNK_ENOMEM, "run: no memory for the account of %d passes", p->n_passes);
    e->live = e->entered + n;
    for (size_t i = 0; i < n; i++) {
        const chk_pass *s = &p->pass[i];
        e->planned[i] = (chk_pass_sizes){s->n_tasks, s->work_bytes, s->window_bytes, s->kept_bytes, s->worker_bytes};
        e->bytes_total += s->bytes_read + s->bytes_written + s->bytes_spilled;
        atomic_fetch_add_explicit(&e->tasks_total, s->n_tasks, memory_order_relaxed);
    }
    CHK_TRY(chk_order_new(&e->order, p, e->n_kept, e->options.scramble, err));
    if (e->options.trace) CHK_TRY(chk_trace_open(&e->trace, e->options.trace, e->n_workers, err));
    return CHUNK_OK;
}

static chunk_status new_exec(chk_exec **out, chk_plan *plan, chk_ledger *ledger, chk_pool *pool, int n_workers,
                             const chk_exec_options *options, chunk_error *err)
{
    static const chk_exec_options no_options;
    size_t size = sizeof(chk_exec) + (size_t)n_workers * sizeof(chk_worker);
    void *block = chk_calloc(1, size + 63);
    if (!block) return chk_fail(err, CHUNK_ENOMEM, "run: no memory for %d workers", n_workers);
    chk_exec *e = (chk_exec *)(((uintptr_t)block + 63) & ~(uintptr_t)63); /* workers lie in cache lines of their own */
    e->block = block;
    e->plan = plan;
    e->ledger = ledger;
    e->pool = pool;
    e->options = options ? *options : no_options;
    e->n_workers = n_workers;
    e->n_kept = plan->n_kept > 0 ? plan->n_kept : 1;
    e->pass_now = -1;
    e->error_task = CHK_NO_TASK;
    e->ns_began = chk_clock_ns();
    pthread_mutex_init(&e->own_lock, NULL);
    e->lock = pool ? chk_pool_lock(pool) : &e->own_lock;
    chk_cond_init(&e->idle);
    chk_cond_init(&e->ended_cond);
    for (int i = 0; i < n_workers; i++) {
        chk_cond_init(&e->worker[i].turn);
        e->worker[i].waits_for = CHK_NO_TASK;
    }
    chunk_status st = fill(e, err);
    if (st != CHUNK_OK) {
        free_exec(e);
        return st;
    }
    *out = e;
    return CHUNK_OK;
}

/* How many threads of the pool this run gets; 0: it runs in the caller's thread. */
static int threads_for(const chk_plan *plan, chk_pool *pool, const chk_exec_options *options)
{
    if (!pool || chk_pool_is_mine(pool)) return 0;
    pthread_mutex_lock(chk_pool_lock(pool));
    int n = 0;
    if (!(options && options->inline_small && chk_pool_idle(pool) && is_small(plan)))
        n = chk_pool_grow(pool, chk_plan_useful_workers(plan, plan->n_workers));
    pthread_mutex_unlock(chk_pool_lock(pool));
    return n;
}

chunk_status chk_exec_start(chk_exec **out, chk_plan *plan, chk_ledger *ledger, chk_pool *pool, const chk_exec_options *options,
                            chunk_error *err)
{
    if (pool && chk_pool_forked(pool))
        return chk_fail(err, CHUNK_ESTATE,
                        "run: this process was forked from the one that made the context; make a new context in it");
    int n = threads_for(plan, pool, options);
    chk_exec *e = NULL;
    CHK_TRY(new_exec(&e, plan, ledger, n ? pool : NULL, n ? n : 1, options, err));
    *out = e; /* now, so that a signal handler can cancel what runs in this call */
    pthread_mutex_lock(e->lock);
    if (n) {
        chk_pool_put(pool, e);
    } else {
        e->n_asked = 1;
        chk_exec_work(e);
    }
    pthread_mutex_unlock(e->lock);
    return CHUNK_OK;
}

void chk_exec_fail(chk_exec *e, uint64_t number, chunk_status st, const chunk_error *err)
{
    int no = CHK_HALT_NO;
    pthread_mutex_lock(e->lock);
    atomic_compare_exchange_strong(&e->halt, &no, CHK_HALT_FAILED);
    /* A caller's cancel outdoes all that follows it; of tasks that fail at once the lowest tells; "canceled" is only an echo of another. */
    bool first = e->status == CHUNK_OK, better = st != CHUNK_ECANCELED && (e->status == CHUNK_ECANCELED || number < e->error_task);
    if (no != CHK_HALT_CANCELED && (first || better)) {
        e->status = st;
        e->error_task = number;
        e->error = *err;
        if (err->code == CHUNK_OK)
            chk_fail(&e->error, st, "pass %s: task %llu failed", e->plan->pass[e->pass_now < 0 ? 0 : e->pass_now].name,
                     (unsigned long long)number);
    }
    for (int i = 0; i < e->n_workers; i++)
        if (e->worker[i].waits_for != CHK_NO_TASK) pthread_cond_signal(&e->worker[i].turn);
    pthread_mutex_unlock(e->lock);
}

void chk_exec_ended(chk_exec *e)
{
    if (!e->completed && e->status == CHUNK_OK) e->status = chk_fail(&e->error, CHUNK_ECANCELED, "canceled");
    atomic_store_explicit(&e->ns_ended, chk_clock_ns(), memory_order_relaxed);
    e->ended = true;
    pthread_cond_broadcast(&e->ended_cond);
}

bool chk_exec_wait(chk_exec *e, double seconds)
{
    if (e->pool && chk_pool_forked(e->pool)) return true;
    uint64_t end = seconds < 0 || seconds > 1e9 ? UINT64_MAX : chk_clock_ns() + (uint64_t)(seconds * 1e9);
    pthread_mutex_lock(e->lock);
    while (!e->ended) {
        if (!e->n_asked && chk_exec_halted(e) && chk_pool_take_back(e->pool, e)) {
            chk_exec_ended(e);
            break;
        }
        uint64_t now = chk_clock_ns(), ms = e->n_asked ? 3600 * 1000 : QUEUE_POLL_MS;
        if (now >= end) break;
        if ((end - now) / 1000000 < ms) ms = (end - now + 999999) / 1000000;
        chk_cond_wait_ms(&e->ended_cond, e->lock, ms);
    }
    bool ended = e->ended;
    pthread_mutex_unlock(e->lock);
    return ended;
}

void chk_exec_cancel(chk_exec *e)
{
    int no = CHK_HALT_NO;
    atomic_compare_exchange_strong(&e->halt, &no, CHK_HALT_CANCELED); /* lock-free: fit for a signal handler */
}

void chk_exec_progress_get(chk_exec *e, chk_exec_progress *out)
{
    uint64_t ended = atomic_load_explicit(&e->ns_ended, memory_order_relaxed);
    chk_exec_progress p = {.n_passes = e->plan->n_passes, .bytes_total = e->bytes_total};
    for (int i = 0; i < e->n_workers; i++) {
        p.tasks_done += atomic_load_explicit(&e->worker[i].n_done, memory_order_relaxed);
        p.bytes_done += atomic_load_explicit(&e->worker[i].bytes_done, memory_order_relaxed);
    }
    p.tasks_total = atomic_load_explicit(&e->tasks_total, memory_order_relaxed);
    if (p.tasks_total < p.tasks_done) p.tasks_total = p.tasks_done;
    if (p.bytes_total < p.bytes_done) p.bytes_total = p.bytes_done; /* loops read more than the plan could know */
    p.pass = atomic_load_explicit(&e->pass_shown, memory_order_relaxed);
    p.seconds = (double)((ended ? ended : chk_clock_ns()) - e->ns_began) * 1e-9;
    *out = p;
}

chunk_status chk_exec_finish(chk_exec *e, chk_exec_totals *totals, chunk_error *err)
{
    if (e->pool && chk_pool_forked(e->pool))
        return chk_fail(err, CHUNK_ESTATE, "run: it belongs to the process that this one was forked from");
    chk_exec_wait(e, -1);
    if (e->trace) {
        chunk_error trace_error = {0};
        chunk_status st = chk_trace_close(e->trace, &trace_error);
        if (st != CHUNK_OK && e->status == CHUNK_OK) {
            e->status = st;
            e->error = trace_error;
        }
    }
    if (totals) {
        *totals = (chk_exec_totals){.seconds = (double)(e->ns_ended - e->ns_began) * 1e-9,
                                    .tasks = e->total.tasks,
                                    .stats = e->total.stats,
                                    .ledger_peak = e->ledger_peak > e->base_booked ? e->ledger_peak - e->base_booked : 0,
                                    .n_workers = e->n_workers};
    }
    chunk_status st = e->status;
    if (st != CHUNK_OK && err) *err = e->error;
    free_exec(e);
    return st;
}
