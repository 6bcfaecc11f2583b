/* toy_callbacks_test.c: a caller's functions inside a run: on threads that were attached, as an interpreter with a lock of its own needs; blocking
 * on another thread that meanwhile asks the run how far it is, so no lock is held; one at a time where they are not thread-safe. */
#include "toy_case.h"

#include <pthread.h>
#include <sched.h>

enum { N_TASKS = 40 };

/* ---- the interpreter: a thread that holds its lock, and answers what callbacks ask of it one after the other ---- */

static pthread_mutex_t gil = PTHREAD_MUTEX_INITIALIZER, desk = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
static chk_exec *asking; /* the run of the open question; NULL without one */
static uint64_t question, answer;
static bool has_answer, closing;

static void *interpret(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&desk);
    for (;;) {
        while (!closing && (!asking || has_answer)) pthread_cond_wait(&asked, &desk);
        if (closing) break;
        chk_exec_progress progress;
        chk_exec_progress_get(asking, &progress); /* would wait for ever if the worker that waits for us held the run's lock */
        pthread_mutex_lock(&gil);
        answer = toy_hash(question + 1);
        pthread_mutex_unlock(&gil);
        has_answer = true;
        pthread_cond_broadcast(&answered);
    }
    pthread_mutex_unlock(&desk);
    return NULL;
}

static uint64_t ask(chk_exec *exec, uint64_t what)
{
    pthread_mutex_lock(&desk);
    while (asking) pthread_cond_wait(&answered, &desk);
    asking = exec;
    question = what;
    pthread_cond_broadcast(&asked);
    while (!has_answer) pthread_cond_wait(&answered, &desk);
    uint64_t got = answer;
    asking = NULL;
    has_answer = false;
    pthread_cond_broadcast(&answered);
    pthread_mutex_unlock(&desk);
    return got;
}

/* ---- the plan: each task asks; a second pass, one task at a time, adds the answers up without any lock of its own ---- */

static _Thread_local int attached;
static _Atomic int n_attached;

static void attach(bool start)
{
    pthread_mutex_lock(&gil);
    attached += start ? 1 : -1;
    n_attached += start ? 1 : -1;
    pthread_mutex_unlock(&gil);
}

static chk_region *answers;
static uint64_t total, n_added, inside;

static chunk_status ask_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p;
    if (attached != 1) return chk_fail(err, CHUNK_EUSER, "a callback on a thread that is attached %d times", attached);
    ((uint64_t *)answers->buf.data)[t->number] = ask(t->exec, t->number);
    return CHUNK_OK;
}

static chunk_status add_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p;
    if (attached != 1) return chk_fail(err, CHUNK_EUSER, "a callback on a thread that is attached %d times", attached);
    if (inside++) return chk_fail(err, CHUNK_EUSER, "two callbacks of a serial pass at a time");
    sched_yield();
    total += ((uint64_t *)answers->buf.data)[t->number];
    n_added++;
    inside--;
    return CHUNK_OK;
}

static chk_plan *make(int n_workers, int n_kept)
{
    static const chk_pass_ops asks = {.kind = "asks", .run = ask_run}, adds = {.kind = "adds", .run = add_run};
    total = n_added = inside = 0;
    chk_plan *p = toy_plan(2, 1, n_workers, n_kept);
    if (!p) return NULL;
    toy_pass(p, "ask", &asks, NULL, N_TASKS);
    toy_pass(p, "add", &adds, NULL, N_TASKS)->serial = true;
    answers = toy_region(p, 0, "answers", N_TASKS * sizeof(uint64_t), 0, 1);
    return p;
}

static bool right(void)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < N_TASKS; i++) sum += toy_hash(i + 1);
    return total == sum && n_added == N_TASKS && n_attached == 0;
}

Test(toy_callbacks, they_block_on_attached_threads_and_no_lock_is_held, .timeout = 120)
{
    static const toy_case callbacks = {"callbacks", make, right, attach};
    pthread_t interpreter;
    cr_assert_eq(pthread_create(&interpreter, NULL, interpret, NULL), 0);
    toy_prove(&callbacks);
    pthread_mutex_lock(&desk);
    closing = true;
    pthread_cond_broadcast(&asked);
    pthread_mutex_unlock(&desk);
    pthread_join(interpreter, NULL);
    cr_assert_eq(n_attached, 0, "%d threads are still attached", n_attached);
}
