/* order_stress.c: thousands of runs with random rules (dependencies, claims, turns, serial, loops, scrambled order), canceled or failing at random
 * points, each checked against the contract: dependencies have ended, claims come in order, one of each phase a task, kept bytes are kept,
 * every byte goes back to the ledger. Under the thread sanitizer it also proves that the contract's orders are real ones. */
#include "toy.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"

typedef struct {
    uint64_t n, seed;
    int n_deps, n_kept;
    bool claim, write, turns, serial, wide;
    uint64_t fail_at;             /* task, or UINT64_MAX */
    int fail_phase;               /* 0 run, 1 claim, 2 write, 3 open, 4 close */
    int rounds;                   /* loops */
    uint64_t *value;              /* plain memory: written by run, read by those that depend on it */
    _Atomic unsigned char *state; /* 1 runs, 2 ran, 3 claimed, 4 ended */
    uint64_t last_claim;          /* plain memory: guarded by the turn */
    _Atomic uint64_t n_ended;
    _Atomic int n_now;
} toy;

static _Atomic int n_bad;
static void note(int line, const char *what)
{
    n_bad++;
    fprintf(stderr, "order_stress.c:%d: not so: %s\n", line, what);
}
#define CHECK(cond) ((cond) ? (void)0 : note(__LINE__, #cond))

static uint64_t hash(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static bool deps(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    const toy *y = p->ctx;
    if (i >= y->n_deps || task == 0) return false;
    *on = hash(task * 7 + (uint64_t)i + y->seed) % task;
    uint64_t reach = y->wide ? 3000 : 5;
    if (task - *on > reach) *on = task - 1 - *on % reach;
    return true;
}

static void spin(uint64_t seed)
{
    uint64_t h = hash(seed) % 64;
    if (h == 0) sched_yield();
    for (volatile uint64_t i = 0; i < h * 8; i++) {}
}

static chunk_status maybe_fail(const toy *y, int phase, uint64_t task, chunk_error *err)
{
    if (y->fail_phase != phase || (phase < 3 && y->fail_at != task)) return CHUNK_OK;
    return chk_fail(err, CHUNK_EUSER, "toy: task %llu fails as it was told to", (unsigned long long)task);
}

static chunk_status run(chk_pass *p, chk_task *t, chunk_error *err)
{
    toy *y = p->ctx;
    int now = atomic_fetch_add(&y->n_now, 1);
    CHECK(!y->serial || now == 0);
    CHECK(t->number < y->n);
    CHECK(atomic_exchange(&y->state[t->number], 1) == 0);
    uint64_t sum = t->number, on;
    for (int i = 0; p->ops->deps && deps(p, t->number, i, &on); i++) {
        CHECK(y->state[on] == 4);
        sum += y->value[on];
    }
    y->value[t->number] = sum;
    if (p->kept_bytes) ((uint64_t *)t->kept)[0] = t->number + 1;
    if (p->work_bytes) memset(t->work, (int)t->number, 64);
    spin(t->number + y->seed);
    if (y->turns && hash(t->number) % 3) {
        chunk_status st = chk_task_wait_turn(t, err);
        if (st != CHUNK_OK) {
            CHECK(chk_task_canceled(t));
            atomic_fetch_sub(&y->n_now, 1);
            return st;
        }
        CHECK(t->number == 0 || y->last_claim < t->number);
        y->last_claim = t->number;
        if (hash(t->number) % 2) chk_task_pass_turn(t);
        spin(t->number);
    }
    atomic_fetch_sub(&y->n_now, 1);
    CHECK(!p->work_bytes || ((unsigned char *)t->work)[63] == (unsigned char)t->number);
    y->state[t->number] = p->ops->claim ? 2 : y->write ? 3 : 4;
    if (y->state[t->number] == 4) y->n_ended++;
    return maybe_fail(y, 0, t->number, err);
}

static chunk_status claim(chk_pass *p, chk_task *t, chunk_error *err)
{
    toy *y = p->ctx;
    CHECK(y->last_claim == t->number);
    y->last_claim = t->number + 1;
    CHECK(!p->kept_bytes || ((uint64_t *)t->kept)[0] == t->number + 1);
    CHECK(y->state[t->number] == 2);
    spin(t->number * 3);
    y->state[t->number] = p->ops->write ? 3 : 4;
    if (!p->ops->write) y->n_ended++;
    return maybe_fail(y, 1, t->number, err);
}

static chunk_status write_task(chk_pass *p, chk_task *t, chunk_error *err)
{
    toy *y = p->ctx;
    CHECK(!p->kept_bytes || ((uint64_t *)t->kept)[0] == t->number + 1);
    CHECK(y->state[t->number] == 3);
    spin(t->number * 5);
    y->state[t->number] = 4;
    y->n_ended++;
    return maybe_fail(y, 2, t->number, err);
}

static chunk_status open_pass(chk_pass *p, int n_workers, chunk_error *err)
{
    toy *y = p->ctx;
    (void)n_workers;
    memset((void *)y->state, 0, y->n);
    y->last_claim = 0;
    y->n_ended = 0;
    y->n_now = 0;
    p->n_tasks = y->n;
    return maybe_fail(y, 3, 0, err);
}

static chunk_status close_pass(chk_pass *p, int *next, chunk_error *err)
{
    toy *y = p->ctx;
    CHECK(y->n_ended == y->n);
    if (--y->rounds > 0) --*next;
    return maybe_fail(y, 4, 0, err);
}

static int n_attached, n_detached;
static pthread_mutex_t attach_lock = PTHREAD_MUTEX_INITIALIZER;
static void on_thread(bool start)
{
    pthread_mutex_lock(&attach_lock);
    if (start)
        n_attached++;
    else
        n_detached++;
    pthread_mutex_unlock(&attach_lock);
}

static void advise(chk_pass *p, uint64_t task) { CHECK(task < p->n_tasks); }

static void one(chk_pool *pool, uint64_t seed, int n_workers)
{
    uint64_t h = hash(seed);
    toy toys[3] = {0};
    chk_pass_ops ops[3];
    int n_passes = 1 + (int)(h % 3), n_kept = 1 + (int)(hash(h) % 9);
    chk_plan *plan = toy_plan(n_passes, 1, n_workers, n_kept);
    bool fails = false;
    for (int i = 0; i < n_passes; i++) {
        toy *y = &toys[i];
        uint64_t r = hash(seed * 31 + (uint64_t)i);
        *y = (toy){.n = r % 7 == 0 ? r % 3 : r % 4000,
                   .seed = r,
                   .fail_at = UINT64_MAX,
                   .fail_phase = -1,
                   .rounds = 1 + (int)(r >> 20 & 1)};
        int shape = (int)(r >> 8 & 7);
        y->n_deps = r >> 12 & 1 ? (int)(r >> 13 & 3) : 0;
        y->claim = shape < 3;
        y->write = r >> 16 & 1;
        y->turns = !y->claim && shape == 3;
        y->serial = shape == 4;
        y->wide = r >> 24 & 1;
        if ((r >> 32 & 7) == 0) {
            y->fail_phase = (int)(r >> 40) % 5;
            y->fail_at = y->n ? hash(r) % y->n : 0;
            fails |= y->fail_phase > 2 ||
                     (y->n && (y->fail_phase == 0 || (y->fail_phase == 1 && y->claim) || (y->fail_phase == 2 && y->write)));
        }
        y->value = malloc((y->n + 1) * sizeof *y->value);
        y->state = malloc(y->n + 1);
        ops[i] = (chk_pass_ops){.kind = "toy", .open = open_pass, .run = run, .close = close_pass, .advise = advise};
        if (y->n_deps) ops[i].deps = deps;
        if (y->claim) ops[i].claim = claim;
        if (y->write) ops[i].write = write_task;
        chk_pass *p = toy_pass(plan, "toy", &ops[i], y, y->n + 5);
        p->ordered = y->turns || (y->claim && r >> 52 & 1);
        p->serial = y->serial;
        p->kept_bytes = y->claim || y->write ? 8 : 0;
        p->work_bytes = r >> 56 & 1 ? 5000 : 0;
    }
    toy_region(plan, 0, "r", 10000, 0, n_passes - 1);
    chk_ledger *ledger;
    chk_ledger_new(&ledger, chk_plan_projected(plan, n_workers, n_kept, NULL), NULL, NULL);
    chk_exec_options options = {
        .scramble = h >> 40 & 1 ? seed : 0, .inline_small = h >> 41 & 1, .on_thread = on_thread, .profile = h >> 42 & 1};
    chk_exec *e;
    chunk_error err = {0};
    chunk_status st = chk_exec_start(&e, plan, ledger, pool, &options, &err);
    CHECK(st == CHUNK_OK);
    bool cancel = (h >> 44 & 7) == 0;
    if (cancel) {
        if (h >> 48 & 1) usleep((unsigned)(h >> 50) % 500);
        chk_exec_cancel(e);
    }
    chk_exec_progress progress;
    while (!chk_exec_wait(e, 0.0005)) chk_exec_progress_get(e, &progress);
    chk_exec_totals totals;
    st = chk_exec_finish(e, &totals, &err);
    if (st != (fails ? CHUNK_EUSER : CHUNK_OK) && !(cancel && st == CHUNK_ECANCELED)) {
        CHECK(!"status");
        fprintf(stderr, "seed %llu: status %d: %s\n", (unsigned long long)seed, st, err.text);
    }
    CHECK(totals.ledger_peak <= chk_ledger_limit(ledger));
    CHECK(chk_ledger_used(ledger) == 0);
    chk_ledger_free(ledger);
    for (int i = 0; i < n_passes; i++) {
        free(toys[i].value);
        free((void *)toys[i].state);
    }
    chk_plan_free(plan);
}

typedef struct {
    chk_pool *pool;
    uint64_t seed;
    int n_workers;
} side;

static void *beside(void *arg)
{
    side *s = arg;
    for (uint64_t i = 0; i < 15; i++) one(s->pool, s->seed + i, s->n_workers);
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t n_runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;
    const int workers[] = {1, 2, 8};
    uint64_t t0 = chk_clock_ns();
    for (int k = 0; k < 3; k++) {
        chk_pool *pool;
        if (chk_pool_new(&pool, workers[k], NULL) != CHUNK_OK) return 1;
        for (uint64_t i = 0; i < n_runs; i++) one(pool, 1000 * (uint64_t)(k + 1) + i, workers[k]);
        side sides[3];
        pthread_t thread[3];
        for (uint64_t i = 0; i < 3; i++) {
            sides[i] = (side){pool, 77000 + 100 * i, workers[k]};
            pthread_create(&thread[i], NULL, beside, &sides[i]);
        }
        for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
        chk_pool_free(pool);
    }
    CHECK(n_attached == n_detached);
    printf("%.2f s, %d bad\n", (double)(chk_clock_ns() - t0) * 1e-9, (int)n_bad);
    return n_bad ? 1 : 0;
}
