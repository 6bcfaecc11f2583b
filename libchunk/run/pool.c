/* pool.c: threads that wait for runs. They are started when a run first wants them and serve every later run; one run has the pool at a time,
 * others queue in the order in which they came. A thread that cannot be started is tried again by the next run.
 * At exit() nothing waits for these threads: the process ends and they with it. In a child after fork they do not exist, and the lock may be
 * held for ever by one of them: there the pool is only recognised and never locked. */
#include "run/internal.h"

#include <stdio.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"

struct chk_pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* threads out of any run wait here */
    pid_t pid;
    int max_threads, n_threads;
    bool stop;
    chk_exec *current, *queue_first, *queue_last;
    pthread_t thread[];
};

static _Thread_local const chk_pool *pool_of_thread;

void chk_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

void chk_cond_wait_ms(pthread_cond_t *c, pthread_mutex_t *lock, uint64_t ms)
{
    uint64_t at = chk_clock_ns() + ms * 1000000;
    struct timespec t = {(time_t)(at / 1000000000), (long)(at % 1000000000)};
    pthread_cond_timedwait(c, lock, &t);
}

chunk_status chk_pool_new(chk_pool **out, int max_threads, chunk_error *err)
{
    if (max_threads < 1) return chk_fail(err, CHUNK_EINVAL, "threads: %d; at least 1 is needed", max_threads);
    chk_pool *p = chk_calloc(1, sizeof *p + (size_t)max_threads * sizeof p->thread[0]);
    if (!p) return chk_fail(err, CHUNK_ENOMEM, "no memory for a pool of %d threads", max_threads);
    pthread_mutex_init(&p->lock, NULL);
    chk_cond_init(&p->work);
    p->pid = getpid();
    p->max_threads = max_threads;
    *out = p;
    return CHUNK_OK;
}

void chk_pool_free(chk_pool *p)
{
    if (!p) return;
    if (!chk_pool_forked(p)) {
        pthread_mutex_lock(&p->lock);
        p->stop = true;
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
        for (int i = 0; i < p->n_threads; i++) pthread_join(p->thread[i], NULL);
        pthread_cond_destroy(&p->work);
        pthread_mutex_destroy(&p->lock);
    }
    chk_free(p);
}

static bool can_join(const chk_pool *p) { return p->current && p->current->n_joined < p->current->n_asked; }

static void *thread_main(void *arg)
{
    chk_pool *p = arg;
    pool_of_thread = p;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (can_join(p))
            chk_exec_work(p->current);
        else
            pthread_cond_wait(&p->work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

pthread_mutex_t *chk_pool_lock(chk_pool *p) { return &p->lock; }
bool chk_pool_forked(const chk_pool *p) { return p->pid != getpid(); }
bool chk_pool_is_mine(const chk_pool *p) { return pool_of_thread == p; }
bool chk_pool_idle(const chk_pool *p) { return !p->current; }
void chk_pool_call(chk_pool *p) { pthread_cond_signal(&p->work); }

int chk_pool_grow(chk_pool *p, int n_threads)
{
    if (n_threads > p->max_threads) n_threads = p->max_threads;
    while (p->n_threads < n_threads) {
        char name[24];
        snprintf(name, sizeof name, "chunk-%d", p->n_threads);
        if (chk_thread_start(&p->thread[p->n_threads], thread_main, p, name, NULL) != CHUNK_OK) break;
        p->n_threads++;
    }
    return p->n_threads < n_threads ? p->n_threads : n_threads;
}

void chk_pool_next(chk_pool *p)
{
    p->current = p->queue_first;
    if (!p->current) return;
    p->queue_first = p->current->queue_next;
    if (!p->queue_first) p->queue_last = NULL;
    p->current->n_asked = 1;
    chk_pool_call(p);
}

void chk_pool_put(chk_pool *p, chk_exec *e)
{
    e->queue_next = NULL;
    if (p->queue_last)
        p->queue_last->queue_next = e;
    else
        p->queue_first = e;
    p->queue_last = e;
    if (!p->current) chk_pool_next(p);
}

bool chk_pool_take_back(chk_pool *p, chk_exec *e)
{
    chk_exec *before = NULL, *q = p->queue_first;
    while (q && q != e) {
        before = q;
        q = q->queue_next;
    }
    if (!q) return false;
    if (before)
        before->queue_next = e->queue_next;
    else
        p->queue_first = e->queue_next;
    if (p->queue_last == e) p->queue_last = before;
    return true;
}
