/* Threads of the engine: small stacks, all signals but the synchronous ones blocked, so that the host's handlers run in the host's threads. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"

static int create_quietly(pthread_t *out, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    int e = pthread_attr_init(&attr);
    if (e != 0) return e;
    sigset_t blocked, before;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    e = pthread_attr_setstacksize(&attr, CHK_STACK_BYTES);
    if (e == 0) {
        pthread_sigmask(SIG_BLOCK, &blocked, &before);
        e = pthread_create(out, &attr, fn, arg);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attr);
    return e;
}

chunk_status chk_thread_start(pthread_t *out, void *(*fn)(void *), void *arg, const char *name, chunk_error *err)
{
    pthread_t thread;
    int e = chk_fault_hit(CHK_FAULT_THREAD) ? EAGAIN : create_quietly(&thread, fn, arg);
    if (e != 0) {
        char buf[128];
        return chk_fail(err, CHUNK_ENOMEM, "cannot start the thread %s: %s", name, strerror_r(e, buf, sizeof buf));
    }
    char short_name[16]; /* the kernel's limit */
    strncpy(short_name, name, sizeof short_name - 1);
    short_name[sizeof short_name - 1] = '\0';
    pthread_setname_np(thread, short_name);
    *out = thread;
    return CHUNK_OK;
}

uint64_t chk_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
