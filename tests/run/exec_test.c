/* exec_test.c: runs as handles: waiting, canceling, failing, progress, profile, trace, queueing, callbacks that block and computing inside
 * callbacks, fork and exit. */
#include <criterion/criterion.h>

#include <cjson/cJSON.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/thread.h"
#include "toy.h"

typedef struct {
    chk_plan *plan;
    chk_ledger *ledger;
    chk_pool *pool;
    chk_exec *exec;
    chunk_error err;
} fixture;

static fixture *make(const chk_pass_ops *ops, void *ctx, uint64_t n_tasks, int n_workers)
{
    fixture *f = calloc(1, sizeof *f);
    f->plan = toy_plan(2, 1, n_workers, n_workers);
    toy_pass(f->plan, "first \"pass\"", ops, ctx, n_tasks)->work_bytes = 5000;
    toy_region(f->plan, 0, "r", 100, 0, 0);
    cr_assert_eq(chk_ledger_new(&f->ledger, chk_plan_projected(f->plan, n_workers, n_workers, NULL), NULL, NULL), CHUNK_OK);
    cr_assert_eq(chk_pool_new(&f->pool, n_workers, NULL), CHUNK_OK);
    return f;
}

static void start(fixture *f, const chk_exec_options *o)
{
    cr_assert_eq(chk_exec_start(&f->exec, f->plan, f->ledger, f->pool, o, &f->err), CHUNK_OK, "%s", f->err.text);
}

static void done(fixture *f)
{
    cr_assert_eq(chk_ledger_used(f->ledger), 0u);
    chk_pool_free(f->pool);
    chk_ledger_free(f->ledger);
    chk_plan_free(f->plan);
    free(f);
}

static chunk_status until_canceled(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p;
    while (!chk_task_canceled(t)) usleep(200);
    return chk_fail(err, CHUNK_ECANCELED, "canceled");
}

static chunk_status reads(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    t->stats.ns_read += 1000;
    t->stats.bytes_read += 10;
    return CHUNK_OK;
}

static const chk_pass_ops endless = {.kind = "endless", .run = until_canceled}, reading = {.kind = "reading", .run = reads};

Test(exec, wait_ends_at_its_timeout_and_cancel_ends_the_run)
{
    fixture *f = make(&endless, NULL, 100, 2);
    start(f, NULL);
    uint64_t t0 = chk_clock_ns();
    cr_assert_not(chk_exec_wait(f->exec, 0.05));
    cr_assert_geq(chk_clock_ns() - t0, 49000000u);
    cr_assert_not(chk_exec_wait(f->exec, 0));
    chk_exec_cancel(f->exec);
    cr_assert(chk_exec_wait(f->exec, 5));
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_ECANCELED);
    cr_assert_str_eq(f->err.text, "canceled");
    done(f);
}

static fixture *interrupted;
static void on_signal(int n)
{
    (void)n;
    chk_exec_cancel(interrupted->exec);
}

Test(exec, cancel_from_a_signal_handler_reaches_those_who_wait_for_their_turn)
{
    fixture *f = interrupted = make(&endless, NULL, 100, 2);
    f->plan->pass[0].ordered = true;
    start(f, NULL);
    signal(SIGUSR1, on_signal);
    usleep(2000);
    raise(SIGUSR1);
    cr_assert(chk_exec_wait(f->exec, 5));
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_ECANCELED);
    done(f);
}

Test(exec, progress_and_totals)
{
    fixture *f = make(&reading, NULL, 1000, 2);
    f->plan->pass[0].bytes_read = 10000;
    start(f, NULL);
    cr_assert(chk_exec_wait(f->exec, -1));
    chk_exec_progress p;
    chk_exec_progress_get(f->exec, &p);
    cr_assert_eq(p.tasks_done, 1000u);
    cr_assert_eq(p.tasks_total, 1000u);
    cr_assert_eq(p.bytes_done, 10000u);
    cr_assert_eq(p.bytes_total, 10000u);
    cr_assert_eq(p.n_passes, 1);
    chk_exec_totals t;
    cr_assert_eq(chk_exec_finish(f->exec, &t, &f->err), CHUNK_OK);
    cr_assert_eq(t.tasks, 1000u);
    cr_assert_eq(t.stats.bytes_read, 10000u);
    cr_assert_eq(t.stats.ns_read, 1000000u);
    cr_assert_eq(t.n_workers, 2);
    cr_assert_eq(t.ledger_peak, 2u * 8192 + 4096);
    done(f);
}

Test(exec, profile_as_table_and_json)
{
    fixture *f = make(&reading, NULL, 100, 2);
    start(f, &(chk_exec_options){.profile = true});
    chk_exec_wait(f->exec, -1);
    char *table = chk_exec_profile(f->exec, false), *text = chk_exec_profile(f->exec, true);
    cr_assert(strstr(table, "first \"pass\"") && strstr(table, "total"));
    cJSON *j = cJSON_Parse(text), *pass = cJSON_GetArrayItem(cJSON_GetObjectItem(j, "passes"), 0);
    cr_assert_str_eq(cJSON_GetObjectItem(pass, "name")->valuestring, "first \"pass\"");
    cr_assert_eq(cJSON_GetObjectItem(pass, "tasks")->valueint, 100);
    cr_assert_eq(cJSON_GetObjectItem(pass, "bytes_read")->valueint, 1000);
    cr_assert_float_eq(cJSON_GetObjectItem(pass, "read")->valuedouble, 1e-4, 1e-9);
    cr_assert_eq(cJSON_GetObjectItem(pass, "peak_bytes")->valueint, (int)chk_ledger_limit(f->ledger));
    cr_assert(cJSON_GetObjectItem(cJSON_GetObjectItem(j, "total"), "wait"));
    cJSON_Delete(j);
    chk_free(table);
    chk_free(text);
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_OK);
    done(f);
}

static cJSON *read_trace(const char *path)
{
    FILE *in = fopen(path, "r");
    cr_assert(in);
    static char text[4 << 20];
    size_t n = fread(text, 1, sizeof text - 1, in);
    text[n] = 0;
    fclose(in);
    return cJSON_Parse(text);
}

static chunk_status counts(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)err;
    if (t->number == *(uint64_t *)p->ctx) chk_exec_cancel(t->exec);
    return CHUNK_OK;
}

Test(exec, trace_is_whole_json_also_when_canceled)
{
    static const chk_pass_ops ops = {.kind = "counts", .run = counts, .claim = counts, .write = reads};
    char path[] = "/tmp/chunk-trace-XXXXXX";
    close(mkstemp(path));
    for (int canceled = 0; canceled < 2; canceled++) {
        uint64_t at = canceled ? 500 : UINT64_MAX;
        fixture *f = make(&ops, &at, 1000, 2);
        start(f, &(chk_exec_options){.trace = path});
        cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), canceled ? CHUNK_ECANCELED : CHUNK_OK);
        cJSON *j = read_trace(path);
        cr_assert(cJSON_IsArray(j));
        if (canceled)
            cr_assert_gt(cJSON_GetArraySize(j), 500);
        else
            cr_assert_eq(cJSON_GetArraySize(j), 3002); /* run, claim, write, the pass that opens, and the head */
        cJSON *e = cJSON_GetArrayItem(j, 1);
        cr_assert_str_eq(cJSON_GetObjectItem(e, "ph")->valuestring, "X");
        cr_assert_str_eq(cJSON_GetObjectItem(e, "name")->valuestring, "first \"pass\"");
        cJSON_Delete(j);
        done(f);
    }
    unlink(path);
}

typedef struct told {
    pthread_mutex_t lock;
    uint64_t tasks[5], events[5], bytes, last_end, most_held;
} told;

static void tell(void *user, const chunk_event *e)
{
    told *t = user;
    pthread_mutex_lock(&t->lock);
    cr_assert(e->size == sizeof *e && e->pass == 0 && e->worker >= 0 && e->worker < 2 && e->begin <= e->end);
    cr_assert_str_eq(e->name, "first \"pass\"");
    t->events[e->kind]++;
    t->tasks[e->kind] += e->n;
    t->bytes += e->bytes;
    if (e->end > t->last_end) t->last_end = e->end;
    if (e->held > t->most_held) t->most_held = e->held;
    pthread_mutex_unlock(&t->lock);
}

Test(exec, events_tell_every_task_and_byte)
{
    static const chk_pass_ops claiming = {.kind = "claims", .run = reads, .claim = counts, .write = counts};
    for (int claims = 0; claims < 2; claims++) {
        told t = {.lock = PTHREAD_MUTEX_INITIALIZER};
        uint64_t at = UINT64_MAX;
        fixture *f = make(claims ? &claiming : &reading, &at, 1000, 2);
        chk_exec_totals totals;
        start(f, &(chk_exec_options){.event = tell, .event_user = &t});
        cr_assert_eq(chk_exec_finish(f->exec, &totals, &f->err), CHUNK_OK);
        cr_assert_eq(t.tasks[CHUNK_EVENT_RUN], 1000);
        cr_assert_eq(t.tasks[CHUNK_EVENT_CLAIM], claims ? 1000 : 0);
        cr_assert_eq(t.tasks[CHUNK_EVENT_WRITE], claims ? 1000 : 0);
        cr_assert_eq(t.bytes, totals.stats.bytes_read);
        cr_assert_leq((double)t.last_end * 1e-9, totals.seconds);
        cr_assert_eq(t.most_held, chk_ledger_peak(f->ledger));
        done(f);
    }
}

Test(exec, a_trace_that_cannot_be_written_is_an_error)
{
    fixture *f = make(&reading, NULL, 10, 1);
    cr_assert_eq(chk_exec_start(&f->exec, f->plan, f->ledger, f->pool, &(chk_exec_options){.trace = "/nowhere/t.json"}, &f->err),
                 CHUNK_EFILE);
    char path[] = "/tmp/chunk-trace-XXXXXX";
    close(mkstemp(path));
    start(f, &(chk_exec_options){.trace = path});
    chk_exec_wait(f->exec, -1);
    chk_fault_arm(CHK_FAULT_WRITE, 1, true);
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_ENOSPC);
    chk_fault_arm(CHK_FAULT_WRITE, 0, false);
    unlink(path);
    done(f);
}

static chunk_status fails_from_7(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p;
    if (t->number < 7) return CHUNK_OK;
    if (t->number == 7) return chk_fail(err, CHUNK_EFILE, "task 7 has no file");
    return until_canceled(p, t, err);
}

Test(exec, the_failure_is_reported_not_its_echoes)
{
    static const chk_pass_ops ops = {.kind = "fails", .run = fails_from_7};
    for (int i = 0; i < 20; i++) {
        fixture *f = make(&ops, NULL, 100, 4);
        start(f, NULL);
        cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_EFILE);
        cr_assert_str_eq(f->err.text, "task 7 has no file");
        done(f);
    }
}

static bool on_a_higher_one(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    (void)p;
    *on = task + 1;
    return i == 0 && task == 5;
}

Test(exec, a_rule_that_cannot_be_met_is_an_error_and_no_hang)
{
    static const chk_pass_ops ops = {.kind = "knot", .run = reads, .deps = on_a_higher_one, .claim = reads};
    fixture *f = make(&ops, NULL, 100, 2);
    start(f, NULL);
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_ESTATE);
    cr_assert(strstr(f->err.text, "no task can start"), "%s", f->err.text);
    done(f);
}

/* Task 0 blocks until task 1 has run: with no lock held around run, it can. */
static _Atomic int met;
static _Thread_local bool attached;
static pthread_mutex_t gil = PTHREAD_MUTEX_INITIALIZER;
static void attach(bool begin) { attached = begin; }

static chunk_status meets(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p;
    if (!attached) return chk_fail(err, CHUNK_EUSER, "the hook was not called");
    if (t->number == 1) met = 1;
    while (t->number == 0 && !met) {
        chk_exec_progress progress;
        chk_exec_progress_get(t->exec, &progress);
        usleep(100);
    }
    pthread_mutex_lock(&gil);
    usleep(100);
    pthread_mutex_unlock(&gil);
    return CHUNK_OK;
}

Test(exec, callbacks_may_block_and_have_attached_threads)
{
    static const chk_pass_ops ops[2] = {{.kind = "meets", .run = meets}, {.kind = "meets", .run = meets, .claim = reads}};
    for (int i = 0; i < 2; i++) {
        met = 0;
        fixture *f = make(&ops[i], NULL, 30, 2);
        pthread_mutex_lock(&gil); /* as a caller that holds it while it starts a run */
        start(f, &(chk_exec_options){.on_thread = attach});
        usleep(3000);
        pthread_mutex_unlock(&gil);
        cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_OK, "%s", f->err.text);
        done(f);
    }
}

Test(exec, runs_queue_and_a_queued_one_can_be_canceled)
{
    fixture *f = make(&endless, NULL, 2, 2), *g = make(&reading, NULL, 10, 2), *h = make(&reading, NULL, 10, 2);
    chk_pool *own_g = g->pool, *own_h = h->pool;
    g->pool = h->pool = f->pool;
    start(f, NULL);
    start(g, NULL);
    start(h, &(chk_exec_options){.inline_small = true}); /* the pool is busy: it queues too */
    cr_assert_not(chk_exec_wait(g->exec, 0.02));
    chk_exec_cancel(g->exec);
    cr_assert(chk_exec_wait(g->exec, 5));
    cr_assert_eq(chk_exec_finish(g->exec, NULL, &g->err), CHUNK_ECANCELED);
    cr_assert_not(chk_exec_wait(h->exec, 0.01));
    chk_exec_cancel(f->exec);
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_ECANCELED);
    cr_assert_eq(chk_exec_finish(h->exec, NULL, &h->err), CHUNK_OK);
    g->pool = own_g;
    h->pool = own_h;
    done(g);
    done(h);
    done(f);
}

static chunk_status computes_inside(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)t;
    fixture *inner = p->ctx;
    chk_exec *e;
    CHK_TRY(chk_exec_start(&e, inner->plan, inner->ledger, inner->pool, NULL, err));
    return chk_exec_finish(e, NULL, err);
}

Test(exec, a_callback_may_compute_on_its_own_pool)
{
    static const chk_pass_ops ops = {.kind = "nested", .run = computes_inside};
    fixture *inner = make(&reading, NULL, 100, 1), *outer = make(&ops, inner, 1, 2);
    chk_pool *own = inner->pool;
    inner->pool = outer->pool;
    start(outer, NULL);
    cr_assert(chk_exec_wait(outer->exec, 5), "it waits for itself");
    cr_assert_eq(chk_exec_finish(outer->exec, NULL, &outer->err), CHUNK_OK);
    inner->pool = own;
    done(outer);
    done(inner);
}

Test(exec, after_fork_the_child_gets_an_error)
{
    fixture *f = make(&endless, NULL, 2, 2);
    start(f, NULL);
    pid_t child = fork();
    if (child == 0) {
        chk_exec *e = NULL;
        chunk_error err = {0};
        bool good = chk_exec_start(&e, f->plan, f->ledger, f->pool, NULL, &err) == CHUNK_ESTATE && strstr(err.text, "forked");
        good &= chk_exec_wait(f->exec, -1) && chk_exec_finish(f->exec, NULL, &err) == CHUNK_ESTATE;
        chk_pool_free(f->pool);
        _exit(good ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    chk_exec_cancel(f->exec);
    chk_exec_finish(f->exec, NULL, NULL);
    done(f);
}

Test(exec, exit_does_not_hang_while_a_run_goes_on)
{
    pid_t child = fork();
    if (child == 0) {
        fixture *f = interrupted = make(&endless, NULL, 2, 2); /* interrupted: so that it is no leak at exit */
        start(f, NULL);
        usleep(2000);
        alarm(10);
        fclose(stdout); /* exit would print the test runner's buffers again */
        exit(7);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

Test(exec, the_ledger_is_asked_when_the_run_begins_and_the_text_names_the_pass)
{
    fixture *f = make(&reading, NULL, 10, 1);
    cr_assert(chk_ledger_take(f->ledger, 1));
    start(f, NULL);
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_ECEILING);
    cr_assert(strstr(f->err.text, "pass first"), "%s", f->err.text);
    cr_assert_eq(f->err.needed, chk_ledger_limit(f->ledger));
    chk_ledger_give(f->ledger, 1);
    done(f);
}

static chunk_status back_to_second(chk_pass *p, int *next, chunk_error *err)
{
    (void)p, (void)err;
    *next = 1;
    return CHUNK_OK;
}

Test(exec, a_loop_into_the_middle_of_a_region_is_an_error)
{
    static const chk_pass_ops last = {.kind = "last", .run = reads, .close = back_to_second};
    fixture *f = make(&reading, NULL, 1, 1);
    f->plan->pass = chk_realloc(f->plan->pass, 4 * sizeof *f->plan->pass);
    toy_pass(f->plan, "second", &reading, NULL, 1);
    memset(&f->plan->pass[2], 0, sizeof f->plan->pass[2]);
    toy_pass(f->plan, "third", &last, NULL, 1);
    f->plan->region[0]->last = 1;
    start(f, NULL);
    cr_assert_eq(chk_exec_finish(f->exec, NULL, &f->err), CHUNK_ESTATE);
    cr_assert(strstr(f->err.text, "region r"), "%s", f->err.text);
    done(f);
}
