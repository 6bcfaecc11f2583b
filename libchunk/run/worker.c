/* worker.c: what a worker does between joining a run and leaving it: find a step, do it without the lock, find the next. A worker that finds
 * nothing sleeps; the last one awake takes the run to its next pass. Whoever takes a step and sees another one wakes one sleeper for it, so that
 * wake-ups spread as a chain and nobody is woken for nothing. Sleepers need no timeout for cancellation: as long as the run is not over some
 * worker is awake, and that one looks at `halt` after each step; only those who wait for a turn look by themselves. */
#include "run/internal.h"

#include "base/thread.h"

enum {
    BATCH_GROW_NS = 20 * 1000, /* batches grow while shorter than this, and shrink when five times longer */
    ADVISE_MOST = 8,
    TURN_POLL_MS = 50, /* a canceled run is noticed within this by those who wait for their turn */
};

/* ---- counting ---- */

/* Returns the bytes that were moved. */
static uint64_t count(chk_worker *w, chk_task_stats *s, uint64_t ns)
{
    uint64_t told = s->ns_read + s->ns_decode + s->ns_compute + s->ns_encode + s->ns_write + s->ns_wait;
    if (!s->ns_compute && ns > told) s->ns_compute = ns - told; /* what a task does not name is computing */
    w->ns_busy += ns > s->ns_wait ? ns - s->ns_wait : 0;
    uint64_t bytes = s->bytes_read + s->bytes_written + s->bytes_spilled;
    if (bytes)
        atomic_store_explicit(&w->bytes_done, atomic_load_explicit(&w->bytes_done, memory_order_relaxed) + bytes,
                              memory_order_relaxed);
    chk_stats_add(&w->stats, s);
    *s = (chk_task_stats){0};
    return bytes;
}

static void count_done(chk_worker *w, uint64_t n)
{
    w->n_tasks += n;
    atomic_store_explicit(&w->n_done, atomic_load_explicit(&w->n_done, memory_order_relaxed) + n, memory_order_relaxed);
}

/* ---- reading ahead ---- */

static void advise(chk_exec *e, chk_pass *p, uint64_t after, uint64_t n_tasks)
{
    uint64_t depth = 2 * (uint64_t)e->n_workers < ADVISE_MOST ? 2 * (uint64_t)e->n_workers : ADVISE_MOST;
    uint64_t end = n_tasks - after > depth ? after + depth : n_tasks;
    uint64_t from = atomic_load_explicit(&e->order.advised, memory_order_relaxed);
    do {
        if (from >= end) return;
    } while (!atomic_compare_exchange_weak_explicit(&e->order.advised, &from, end, memory_order_relaxed, memory_order_relaxed));
    for (uint64_t t = from > after ? from : after; t < end; t++) p->ops->advise(p, t);
}

/* ---- doing ---- */

static void give_areas(chk_exec *e, chk_worker *w, chk_pass *p, chk_task *t)
{
    t->worker = (int)(w - e->worker);
    t->work = p->work_bytes ? (char *)e->work.data + (size_t)t->worker * chk_page_round(p->work_bytes) : NULL;
}

static chunk_status do_phase(chk_exec *e, chk_worker *w, chk_task *t, chunk_status (*fn)(chk_pass *, chk_task *, chunk_error *),
                             chunk_event_kind kind)
{
    chk_pass *p = e->order.pass;
    uint64_t t0 = chk_clock_ns();
    chunk_status st = fn(p, t, &w->err);
    uint64_t t1 = chk_clock_ns();
    uint64_t bytes = count(w, &t->stats, t1 - t0);
    if (chk_exec_tells(e)) chk_exec_tell(e, t->worker, kind, t0, t1, t->number, 1, bytes);
    if (st != CHUNK_OK) chk_exec_fail(e, t->number, st, &w->err);
    return st;
}

static chk_task *own_task(chk_exec *e, chk_worker *w, chk_pass *p)
{
    chk_task *t = &w->task;
    give_areas(e, w, p, t);
    t->kept = p->kept_bytes ? (char *)e->kept.data + (size_t)t->worker * chk_kept_stride(p->kept_bytes) : NULL;
    t->exec = e;
    return t;
}

/* A pass without any rule: numbers by the batch from one counter. Batches follow the tasks' length, and are small where few are left, so
 * that the workers end together. */
static void do_plain(chk_exec *e, chk_worker *w)
{
    chk_order *o = &e->order;
    chk_pass *p = o->pass;
    chk_task *t = own_task(e, w, p);
    uint64_t n = o->n_tasks, share = 4 * (uint64_t)e->n_workers;
    while (!chk_exec_halted(e)) {
        uint64_t taken = atomic_load_explicit(&o->taken, memory_order_relaxed);
        if (taken >= n) return;
        uint64_t size = (n - taken) / share;
        if (size > w->batch) size = w->batch;
        if (size < 1) size = 1;
        uint64_t first = atomic_fetch_add_explicit(&o->taken, size, memory_order_relaxed);
        if (first >= n) return;
        if (size > n - first) size = n - first;
        if (p->ops->advise) advise(e, p, first + size, n);

        uint64_t t0 = chk_clock_ns(), i = 0;
        chunk_status st = CHUNK_OK;
        chk_task_stats sum = {0};
        for (; i < size && !chk_exec_halted(e); i++) {
            t->number = first + i;
            st = p->ops->run(p, t, &w->err);
            if (st == CHUNK_OK && p->ops->write) st = p->ops->write(p, t, &w->err);
            chk_stats_add(&sum, &t->stats);
            t->stats = (chk_task_stats){0};
            if (st != CHUNK_OK) break;
        }
        uint64_t t1 = chk_clock_ns();
        uint64_t bytes = count(w, &sum, t1 - t0);
        count_done(w, i);
        if (chk_exec_tells(e)) chk_exec_tell(e, t->worker, CHUNK_EVENT_RUN, t0, t1, first, size, bytes);
        if (st != CHUNK_OK) {
            chk_exec_fail(e, t->number, st, &w->err);
            return;
        }
        if (t1 - t0 < BATCH_GROW_NS && w->batch < CHK_TASK_BATCH) w->batch *= 2;
        if (t1 - t0 > 5 * BATCH_GROW_NS && w->batch > 1) w->batch /= 2;
    }
}

static void wake_turn(chk_exec *e)
{
    for (int i = 0; i < e->n_workers; i++)
        if (e->worker[i].waits_for <= e->order.turn) pthread_cond_signal(&e->worker[i].turn);
}

/* A step of a pass with rules. Entered and left with the lock held. */
static void do_step(chk_exec *e, chk_worker *w, chk_step *s)
{
    chk_order *o = &e->order;
    chk_pass *p = o->pass;
    bool claims = p->ops->claim != NULL;
    pthread_mutex_unlock(e->lock);
    chk_task *t = claims ? &o->slot[s->slot].task : own_task(e, w, p);
    chunk_status st;
    if (s->kind == CHK_STEP_RUN) {
        if (claims) {
            *t = (chk_task){.exec = e};
            if (p->kept_bytes) t->kept = (char *)e->kept.data + (size_t)s->slot * chk_kept_stride(p->kept_bytes);
        }
        t->number = s->number;
        if (p->ops->advise) advise(e, p, s->number + 1, o->n_tasks);
    }
    give_areas(e, w, p, t);
    if (s->kind == CHK_STEP_CLAIM) {
        st = do_phase(e, w, t, p->ops->claim, CHUNK_EVENT_CLAIM);
    } else if (s->kind == CHK_STEP_WRITE) {
        st = do_phase(e, w, t, p->ops->write, CHUNK_EVENT_WRITE);
    } else {
        st = do_phase(e, w, t, p->ops->run, CHUNK_EVENT_RUN);
        if (st == CHUNK_OK && !claims && p->ops->write) st = do_phase(e, w, t, p->ops->write, CHUNK_EVENT_WRITE);
    }
    bool ended = s->kind == CHK_STEP_WRITE || (s->kind == CHK_STEP_CLAIM && !p->ops->write) || (s->kind == CHK_STEP_RUN && !claims);
    if (st == CHUNK_OK && ended) count_done(w, 1);
    pthread_mutex_lock(e->lock);
    if (st != CHUNK_OK) return; /* the run has failed: the order stays as it is */
    if (s->kind == CHK_STEP_CLAIM) {
        chk_order_claimed(o, s);
    } else if (s->kind == CHK_STEP_RUN && claims) {
        chk_order_park(o, s);
    } else {
        chk_order_end(o, s);
        if (p->ordered && !claims) wake_turn(e);
    }
}

/* ---- waking and sleeping ---- */

static bool can_wake(const chk_exec *e) { return e->n_sleeping > e->n_tokens || e->n_asked < e->n_workers; }

static void wake_one(chk_exec *e)
{
    if (e->n_sleeping > e->n_tokens) {
        e->n_tokens++;
        pthread_cond_signal(&e->idle);
    } else if (e->n_asked < e->n_workers) {
        e->n_asked++;
        chk_pool_call(e->pool);
    }
}

static void sleep_idle(chk_exec *e)
{
    e->n_sleeping++;
    while (!e->n_tokens && !e->over) pthread_cond_wait(&e->idle, e->lock);
    if (e->n_tokens) e->n_tokens--;
    e->n_sleeping--;
}

/* One step; false where there is none for this worker. */
static bool work_once(chk_exec *e, chk_worker *w)
{
    chk_order *o = &e->order;
    if (e->stepping || e->pass_now < 0 || chk_exec_halted(e)) return false;
    if (o->plain) {
        uint64_t taken = atomic_load_explicit(&o->taken, memory_order_relaxed);
        if (taken >= o->n_tasks) return false;
        if (o->n_tasks - taken > 1 && can_wake(e)) wake_one(e);
        pthread_mutex_unlock(e->lock);
        do_plain(e, w);
        pthread_mutex_lock(e->lock);
        return true;
    }
    chk_step s = chk_order_find(o);
    if (s.kind == CHK_STEP_NONE) return false;
    chk_order_take(o, &s);
    if (can_wake(e) && chk_order_find(o).kind != CHK_STEP_NONE) wake_one(e);
    do_step(e, w, &s);
    return true;
}

static void step_pass(chk_exec *e)
{
    e->stepping = true;
    pthread_mutex_unlock(e->lock);
    bool more = chk_exec_advance(e);
    pthread_mutex_lock(e->lock);
    e->stepping = false;
    if (more) return;
    e->over = true;
    pthread_cond_broadcast(&e->idle);
    if (e->pool) chk_pool_next(e->pool);
}

void chk_exec_work(chk_exec *e)
{
    chk_worker *w = &e->worker[e->n_joined++];
    pthread_mutex_unlock(e->lock);
    if (e->options.on_thread) e->options.on_thread(true);
    pthread_mutex_lock(e->lock);
    e->n_active++;
    while (!e->over) {
        if (work_once(e, w)) continue;
        if (e->n_active == 1) { /* and stays so: whoever joins meanwhile finds `stepping` */
            step_pass(e);
        } else {
            e->n_active--;
            sleep_idle(e);
            e->n_active++;
        }
    }
    e->n_active--;
    pthread_mutex_unlock(e->lock);
    if (e->options.on_thread) e->options.on_thread(false);
    pthread_mutex_lock(e->lock);
    if (++e->n_left == e->n_joined) chk_exec_ended(e);
}

/* ---- what a task may ask of the scheduler ---- */

bool chk_task_canceled(const chk_task *t) { return chk_exec_halted(t->exec); }

chunk_status chk_task_wait_turn(chk_task *t, chunk_error *err)
{
    chk_exec *e = t->exec;
    chk_worker *w = &e->worker[t->worker];
    const chk_pass *p = e->order.pass;
    if (!p->ordered || p->ops->claim) return chk_fail(err, CHUNK_ESTATE, "pass %s: it is not made for waiting for a turn", p->name);
    uint64_t t0 = 0;
    pthread_mutex_lock(e->lock);
    while (e->order.turn < t->number && !chk_exec_halted(e)) {
        if (!t0) t0 = chk_clock_ns();
        w->waits_for = t->number;
        chk_cond_wait_ms(&w->turn, e->lock, TURN_POLL_MS);
    }
    w->waits_for = CHK_NO_TASK;
    pthread_mutex_unlock(e->lock);
    if (t0) t->stats.ns_wait += chk_clock_ns() - t0;
    return chk_exec_halted(e) ? chk_fail(err, CHUNK_ECANCELED, "canceled") : CHUNK_OK;
}

void chk_task_pass_turn(chk_task *t)
{
    chk_exec *e = t->exec;
    if (!e->order.pass->ordered || e->order.pass->ops->claim) return;
    pthread_mutex_lock(e->lock);
    chk_order_pass(&e->order, t->number);
    wake_turn(e);
    pthread_mutex_unlock(e->lock);
}
