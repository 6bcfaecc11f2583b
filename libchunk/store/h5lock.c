/* One lock around HDF5, with its error printing switched off inside and put back as the host had it. */
#include "store/h5lock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "store/h5compat.h"

/* HDF5 keeps freed blocks on lists without bound by default; these limits keep them small (bytes: all lists of a kind, one list). */
enum { FREE_ALL = 512 * 1024, FREE_ONE = 64 * 1024 };

/* Held for a microsecond or so: waiters spin before they sleep (look-ups of absent chunks from two threads: half the time). */
static pthread_mutex_t lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
static bool ready;             /* under lock */
static _Atomic bool forked;    /* set in a child once HDF5 was used in the parent */
static H5E_auto2_t host_print; /* under lock: the host's error printing while we are inside */
static void *host_print_data;
static bool host_print_saved;

static void note_fork(void) { forked = true; }

static chunk_status prepare(chunk_error *err)
{
    if (H5open() < 0) return chk_fail(err, CHUNK_ENOMEM, "HDF5 does not start");
    if (H5set_free_list_limits(FREE_ALL, FREE_ONE, FREE_ALL, FREE_ONE, FREE_ALL, FREE_ONE) < 0)
        return chk_fail(err, CHUNK_ENOMEM, "HDF5 does not take limits for its free lists");
    if (pthread_atfork(NULL, NULL, note_fork) != 0)
        return chk_fail(err, CHUNK_ENOMEM, "out of memory: cannot register a fork handler");
    ready = true;
    return CHUNK_OK;
}

chunk_status chk_h5_enter(chunk_error *err)
{
    if (forked)
        return chk_fail(
            err, CHUNK_ESTATE,
            "HDF5 was used before this process was forked and cannot be used in the child: start a new process instead");
    pthread_mutex_lock(&lock);
    chunk_status st = ready ? CHUNK_OK : prepare(err);
    if (st != CHUNK_OK) {
        pthread_mutex_unlock(&lock);
        return st;
    }
    unsigned is_v2 = 0; /* a host with the old kind of handler keeps it: there is no way to save it that all versions have */
    host_print_saved =
        H5Eauto_is_v2(H5E_DEFAULT, &is_v2) >= 0 && is_v2 && H5Eget_auto2(H5E_DEFAULT, &host_print, &host_print_data) >= 0;
    if (host_print_saved && host_print) H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return CHUNK_OK;
}

void chk_h5_leave(void)
{
    if (host_print_saved && host_print) H5Eset_auto2(H5E_DEFAULT, host_print, host_print_data);
    pthread_mutex_unlock(&lock);
}

struct reason {
    char *buf;
    size_t size;
};

static herr_t take_first(unsigned n, const H5E_error2_t *e, void *arg)
{
    struct reason *r = arg;
    if (n == 0) snprintf(r->buf, r->size, "%s", e->desc ? e->desc : "no reason given");
    return 0;
}

char *chk_h5_reason(char *buf, size_t size)
{
    struct reason r = {buf, size};
    snprintf(buf, size, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &r);
    for (char *p = buf; *p; p++)
        if (*p == '\n') *p = ' ';
    return buf;
}
