/* advance.c: from pass to pass. Run by the one worker that finds all others idle, so opening and closing are serial and see all tasks' effects. */
#include "run/internal.h"

#include "base/thread.h"

static void sizes_put_back(chk_pass *p, const chk_pass_sizes *s)
{
    p->n_tasks = s->n_tasks;
    p->work_bytes = s->work_bytes;
    p->window_bytes = s->window_bytes;
    p->kept_bytes = s->kept_bytes;
    p->worker_bytes = s->worker_bytes;
}

/* The workers' counts of this pass go to the pass and to the total. Idle time: what the workers did not spend in tasks. */
static void collect(chk_exec *e)
{
    chk_pass_cost c = {.rounds = 1, .ns_wall = chk_clock_ns() - e->ns_pass_began};
    uint64_t busy = 0;
    for (int i = 0; i < e->n_workers; i++) {
        chk_worker *w = &e->worker[i];
        chk_stats_add(&c.stats, &w->stats);
        c.tasks += w->n_tasks;
        busy += w->ns_busy;
        w->stats = (chk_task_stats){0};
        w->n_tasks = w->ns_busy = 0;
    }
    uint64_t all = c.ns_wall * (uint64_t)e->n_workers;
    c.ns_idle = all > busy ? all - busy : 0;
    for (int i = 0; i < 2; i++) {
        chk_pass_cost *to = i ? &e->total : e->cost ? &e->cost[e->pass_now] : NULL;
        if (!to) continue;
        to->tasks += c.tasks;
        to->rounds++;
        to->ns_wall += c.ns_wall;
        to->ns_idle += c.ns_idle;
        chk_stats_add(&to->stats, &c.stats);
    }
}

static void show_total(chk_exec *e)
{
    uint64_t n = e->total.tasks;
    for (int i = e->pass_now; i < e->plan->n_passes; i++) n += i < 0 ? 0 : e->plan->pass[i].n_tasks;
    atomic_store_explicit(&e->tasks_total, n, memory_order_relaxed);
    atomic_store_explicit(&e->pass_shown, e->pass_now, memory_order_relaxed);
}

static chunk_status open_pass(chk_exec *e, int pass, chunk_error *err)
{
    chk_pass *p = &e->plan->pass[pass];
    e->pass_now = pass;
    e->ns_pass_began = chk_clock_ns();
    sizes_put_back(p, &e->planned[pass]);
    CHK_TRY(chk_memory_regions(e, pass, err));
    if (p->ops->open) CHK_TRY(p->ops->open(p, e->n_workers, err));
    CHK_TRY(chk_memory_areas(e, pass, err));
    chk_order_open(&e->order, p);
    for (int i = 0; i < e->n_workers; i++) e->worker[i].batch = 1;
    show_total(e);
    if (chk_exec_tells(e)) chk_exec_tell(e, 0, CHUNK_EVENT_OPEN, e->ns_pass_began, chk_clock_ns(), 0, 0, 0);
    return CHUNK_OK;
}

static chunk_status close_pass(chk_exec *e, int *next, chunk_error *err)
{
    chk_pass *p = &e->plan->pass[e->pass_now];
    *next = e->pass_now + 1;
    if (!p->ops->close) return CHUNK_OK;
    uint64_t t0 = chk_exec_tells(e) ? chk_clock_ns() : 0;
    CHK_TRY(p->ops->close(p, next, err));
    if (chk_exec_tells(e)) chk_exec_tell(e, 0, CHUNK_EVENT_CLOSE, t0, chk_clock_ns(), 0, 0, 0);
    if (*next < 0) return chk_fail(err, CHUNK_ESTATE, "pass %s: its close names pass %d as the next", p->name, *next);
    return CHUNK_OK;
}

static chunk_status advance(chk_exec *e, bool *more, chunk_error *err)
{
    int next = 0;
    *more = false;
    if (e->pass_now < 0) CHK_TRY(chk_memory_begin(e, err));
    for (;;) {
        if (e->pass_now >= 0) {
            if (!chk_order_complete(&e->order))
                return chk_fail(
                    err, CHUNK_ESTATE, "pass %s: no task can start, %llu of %llu have ended: a task depends on a higher one",
                    e->plan->pass[e->pass_now].name, (unsigned long long)e->order.low, (unsigned long long)e->order.n_tasks);
            chunk_status st = close_pass(e, &next, err);
            collect(e);
            CHK_TRY(st);
        }
        if (next >= e->plan->n_passes) {
            e->completed = true;
            return CHUNK_OK;
        }
        if (chk_exec_halted(e)) return CHUNK_OK;
        CHK_TRY(open_pass(e, next, err));
        if (e->order.n_tasks) {
            *more = true;
            return CHUNK_OK;
        }
    }
}

bool chk_exec_advance(chk_exec *e)
{
    bool more = false;
    chunk_error err = {0};
    if (!chk_exec_halted(e)) {
        chunk_status st = advance(e, &more, &err);
        if (st != CHUNK_OK) chk_exec_fail(e, CHK_NO_TASK, st, &err);
        if (st == CHUNK_OK && more) return true;
    } else if (e->pass_now >= 0) {
        collect(e);
    }
    chk_memory_end(e);
    for (int i = 0; i < e->plan->n_passes; i++) sizes_put_back(&e->plan->pass[i], &e->planned[i]);
    return false;
}
