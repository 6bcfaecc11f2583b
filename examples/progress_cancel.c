/* progress_cancel.c: a run watched while it goes, and canceled; then run again to its end. Usage: progress_cancel [--small] */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <chunk.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "progress_cancel: %s\n", err->text);
    exit(1);
}

/* A slow instrument: each block takes a while. */
static int read_slowly(void *user, const int64_t *lo, const int64_t *hi, void *out)
{
    const struct timespec *pause = user;
    double *x = out;
    nanosleep(pause, NULL);
    for (int64_t i = lo[0]; i < hi[0]; i++) x[i - lo[0]] = (double)i;
    return 0;
}

int main(int argc, char **argv)
{
    const int64_t n_blocks = argc > 1 && strcmp(argv[1], "--small") == 0 ? 100 : 2000, block = 1 << 17, n = n_blocks * block;
    struct timespec pause = {0, 2000000};
    char dir[] = "/tmp/chunk-example-XXXXXX", file[64];
    chunk_context *ctx;
    chunk_array *x;
    chunk_run *run;
    chunk_progress p = {0};
    chunk_report report;
    chunk_error err = {0};
    bool done = false;

    if (mkdtemp(dir) == NULL) return 1;
    snprintf(file, sizeof file, "%s/x.h5", dir);
    check(chunk_context_new(&ctx, NULL, &err), &err);
    check(chunk_from_callback(&x, ctx, read_slowly, &pause, CHUNK_FLOAT64, 1, &n, &block, true, &err), &err);
    const chunk_output out = {.size = sizeof out, .array = x, .file = file, .dataset = "/x", .filter = "lz4"};

    /* Canceled once a tenth is done: the output does not appear. */
    check(chunk_run_start(&run, ctx, &out, 1, NULL, &err), &err);
    while (!done && p.tasks_done * 10 < p.tasks_total + (p.tasks_total == 0)) {
        chunk_run_wait(run, 0.005, &done);
        chunk_run_progress(run, &p);
    }
    chunk_run_cancel(run);
    chunk_status st = chunk_run_finish(run, NULL, &err);
    int ok = st == CHUNK_ECANCELED && access(file, F_OK) != 0;
    printf("canceled after %llu of %llu tasks: %s\n", (unsigned long long)p.tasks_done, (unsigned long long)p.tasks_total,
           err.text);

    /* Again, to the end. */
    pause.tv_nsec = 10000;
    check(chunk_run_start(&run, ctx, &out, 1, NULL, &err), &err);
    for (done = false; !done;) {
        chunk_run_wait(run, 0.1, &done);
        chunk_run_progress(run, &p);
        if (p.bytes_total > 0)
            printf("%3.0f %%, %.1f s left\n", 100.0 * (double)p.bytes_done / (double)p.bytes_total, p.seconds_left);
    }
    check(chunk_run_finish(run, &report, &err), &err);
    printf("%llu tasks on %d threads in %.2f s\n", (unsigned long long)report.tasks, report.threads, report.seconds);
    ok = ok && access(file, F_OK) == 0;
    chunk_array_free(x);
    chunk_context_free(ctx);
    unlink(file);
    rmdir(dir);
    return ok ? 0 : 1;
}
