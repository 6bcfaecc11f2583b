/* w16_inproc FILE DATASET EXPR REPEAT: a sparse read inside one process, as the peers of W16 are clocked: the file is opened once, then
 * building the expression over x, running it into memory and freeing it is timed REPEAT times. Prints one line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chunk.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(const chunk_error *err)
{
    fprintf(stderr, "w16_inproc: %s\n", err->text);
    return 1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: w16_inproc FILE DATASET EXPR REPEAT\n");
        return 2;
    }
    int n_times = atoi(argv[4]);
    chunk_context *ctx;
    chunk_array *x, *y;
    chunk_error err;
    if (chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20}, &err)) return fail(&err);
    if (chunk_from_hdf5(&x, ctx, argv[1], argv[2], &err)) return fail(&err);

    /* The result's size, so that its memory is there before the clock starts, as the peers' arrays are not: they may reuse theirs. */
    if (chunk_eval(&y, ctx, argv[3], &(chunk_binding){"x", x}, 1, &err)) return fail(&err);
    size_t count = (size_t)chunk_array_count(y);
    if (chunk_array_dtype(y) != CHUNK_FLOAT64) return fprintf(stderr, "w16_inproc: the result is not float64\n"), 1;
    chunk_array_free(y);
    double *times = malloc((size_t)n_times * sizeof *times), sum = 0;
    chunk_report report = {0};
    for (int i = 0; i < n_times; i++) {
        double start = now(), *data = malloc((count + 1) * sizeof *data);
        if (chunk_eval(&y, ctx, argv[3], &(chunk_binding){"x", x}, 1, &err)) return fail(&err);
        chunk_output out = {.size = sizeof out, .array = y, .data = data};
        if (chunk_compute(ctx, &out, 1, NULL, &report, &err)) return fail(&err);
        chunk_array_free(y);
        times[i] = now() - start;
        sum = 0;
        for (size_t k = 0; k < count; k++) sum += data[k];
        free(data);
    }
    qsort(times, (size_t)n_times, sizeof *times, by_value);
    printf("{\"seconds\": %.9f, \"best\": %.9f, \"check_value\": %.17g, \"peak_kib\": %llu, \"bytes_read\": %llu}\n",
           times[n_times / 2], times[0], sum, (unsigned long long)report.measured_peak / 1024,
           (unsigned long long)report.bytes_read);
    free(times);
    chunk_array_free(x);
    chunk_context_free(ctx);
    return 0;
}
