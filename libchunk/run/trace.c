/* trace.c: what the workers did, told to the caller, and as spans in Chrome's trace event format: one JSON array, one thread a worker. For that
 * each worker fills a buffer of fixed size and writes it to the file when it is full, under a lock that guards nothing else. Memory is bounded;
 * the file is whole JSON once the run is finished. */
#include "run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"

enum { BUFFER_BYTES = 16 * 1024, EVENT_MOST = 1024 /* a name of 95 bytes, all escaped to six, and the numbers */ };

typedef struct {
    size_t used;
    char text[BUFFER_BYTES];
} trace_buffer;

struct chk_trace {
    pthread_mutex_t lock; /* file and errnum */
    int file, errnum;
    char *path;
    int n_workers;
    trace_buffer buffer[];
};

static void write_out(chk_trace *t, const char *text, size_t n)
{
    pthread_mutex_lock(&t->lock);
    while (n && !t->errnum) {
        ssize_t done = -1;
        if (chk_fault_hit(CHK_FAULT_WRITE))
            errno = ENOSPC;
        else
            done = write(t->file, text, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            t->errnum = errno;
        } else {
            text += done;
            n -= (size_t)done;
        }
    }
    pthread_mutex_unlock(&t->lock);
}

static const char head[] = "[\n{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{\"name\":\"chunk\"}}";

/* A new file, or an earlier trace in its place; anything else that is there stays. -1: errno, 0 where it holds something else. */
static int create(const char *path)
{
    char first[sizeof head - 1];
    struct stat sb;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
    if (stat(path, &sb) != 0)
        return errno == ENOENT ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1; /* a link to nothing yet */
    if (S_ISREG(sb.st_mode) && sb.st_size > 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return -1;
        bool ours = read(fd, first, sizeof first) == (ssize_t)sizeof first && memcmp(first, head, sizeof first) == 0;
        close(fd);
        errno = 0;
        if (!ours) return -1;
    }
    return open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
}

chunk_status chk_trace_open(chk_trace **out, const char *path, int n_workers, chunk_error *err)
{
    chk_trace *t = chk_malloc(sizeof *t + (size_t)n_workers * sizeof t->buffer[0]);
    char *copy = chk_strdup(path);
    int file = t && copy ? create(path) : -1;
    if (file < 0) {
        chunk_status st = t && copy && errno == 0
                              ? chk_fail(err, CHUNK_EEXIST, "%s: exists and is not a trace: choose another file for it", path)
                          : t && copy ? chk_fail_errno(err, errno, path, "cannot create the trace")
                                      : chk_fail(err, CHUNK_ENOMEM, "trace: no memory for the buffers of %d workers", n_workers);
        chk_free(copy);
        chk_free(t);
        return st;
    }
    pthread_mutex_init(&t->lock, NULL);
    t->file = file;
    t->errnum = 0;
    t->path = copy;
    t->n_workers = n_workers;
    for (int i = 0; i < n_workers; i++) t->buffer[i].used = 0;
    write_out(t, head, sizeof head - 1);
    *out = t;
    return CHUNK_OK;
}

void chk_trace_span(chk_trace *t, const chunk_event *event)
{
    static const char *const kinds[] = {
        [CHUNK_EVENT_RUN] = "run",   [CHUNK_EVENT_CLAIM] = "claim", [CHUNK_EVENT_WRITE] = "write",
        [CHUNK_EVENT_OPEN] = "open", [CHUNK_EVENT_CLOSE] = "close",
    };
    const char *name = event->name;
    trace_buffer *b = &t->buffer[event->worker];
    if (BUFFER_BYTES - b->used < EVENT_MOST) {
        write_out(t, b->text, b->used);
        b->used = 0;
    }
    char *p = b->text + b->used;
    p += sprintf(p, ",\n{\"name\":\"");
    for (int i = 0; name[i]; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20)
            p += sprintf(p, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            p += sprintf(p, "\\%c", c);
        else
            *p++ = (char)c;
    }
    p += sprintf(p, "\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f", kinds[event->kind],
                 event->worker, (double)event->begin * 1e-3, (double)(event->end - event->begin) * 1e-3);
    if (event->n)
        p += sprintf(p, ",\"args\":{\"task\":%llu,\"tasks\":%llu}", (unsigned long long)event->first, (unsigned long long)event->n);
    *p++ = '}';
    b->used = (size_t)(p - b->text);
}

chunk_status chk_trace_close(chk_trace *t, chunk_error *err)
{
    for (int i = 0; i < t->n_workers; i++) write_out(t, t->buffer[i].text, t->buffer[i].used);
    write_out(t, "\n]\n", 3);
    if (close(t->file) != 0 && !t->errnum) t->errnum = errno;
    chunk_status st = t->errnum ? chk_fail_errno(err, t->errnum, t->path, "cannot write the trace") : CHUNK_OK;
    pthread_mutex_destroy(&t->lock);
    chk_free(t->path);
    chk_free(t);
    return st;
}

void chk_exec_tell(chk_exec *e, int worker, chunk_event_kind kind, uint64_t t0, uint64_t t1, uint64_t first, uint64_t n,
                   uint64_t bytes)
{
    chunk_event event = {.size = sizeof event,
                         .kind = kind,
                         .name = e->plan->pass[e->pass_now].name,
                         .pass = e->pass_now,
                         .worker = worker,
                         .first = first,
                         .n = n,
                         .begin = t0,
                         .end = t1,
                         .bytes = bytes};
    if (e->trace) chk_trace_span(e->trace, &event);
    if (!e->options.event) return;
    event.begin -= e->ns_began;
    event.end -= e->ns_began;
    event.held = chk_ledger_used(e->ledger);
    e->options.event(e->options.event_user, &event);
}
