/* small_latency: what ten elements cost through the C API, in microseconds, each the median of 2,000: running a graph that stands,
 * wrapping the memory, calling two operations, running and freeing, and the same from text. Prints one line of JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chunk.h"

enum { N = 10, N_WARM = 200, N_TIMES = 2000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static double data[N], result[N];
static const int64_t shape[1] = {N};

static chunk_status build_by_calls(chunk_array **out, chunk_context *ctx, chunk_error *err)
{
    chunk_array *x, *s;
    chunk_status st = chunk_from_memory(&x, ctx, data, CHUNK_FLOAT64, 1, shape, NULL, err);
    if (st) return st;
    st = chunk_call(&s, ctx, "sqrt", &(chunk_arg){.kind = CHUNK_ARG_ARRAY, .array = x}, 1, err);
    chunk_array_free(x);
    if (st) return st;
    chunk_arg args[2] = {{.kind = CHUNK_ARG_ARRAY, .array = s}, {.kind = CHUNK_ARG_FLOAT, .f = {1.0}}};
    st = chunk_call(out, ctx, "add", args, 2, err);
    chunk_array_free(s);
    return st;
}

static chunk_status build_from_text(chunk_array **out, chunk_context *ctx, chunk_error *err)
{
    chunk_array *x;
    chunk_status st = chunk_from_memory(&x, ctx, data, CHUNK_FLOAT64, 1, shape, NULL, err);
    if (st) return st;
    st = chunk_eval(out, ctx, "sqrt(x) + 1.0", &(chunk_binding){"x", x}, 1, err);
    chunk_array_free(x);
    return st;
}

static chunk_status run(chunk_context *ctx, chunk_array *y, chunk_error *err)
{
    chunk_output out = {.size = sizeof out, .array = y, .data = result};
    return chunk_compute(ctx, &out, 1, NULL, NULL, err);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median time of build (where given), run and free; negative when something failed or the values are wrong. */
static double median(chunk_context *ctx, chunk_status (*build)(chunk_array **, chunk_context *, chunk_error *),
                     chunk_array *standing)
{
    static double times[N_TIMES];
    chunk_error err;
    for (int i = -N_WARM; i < N_TIMES; i++) {
        for (int k = 0; k < N; k++) result[k] = -1;
        double start = now_us();
        chunk_array *y = standing;
        chunk_status st = build ? build(&y, ctx, &err) : CHUNK_OK;
        if (!st) st = run(ctx, y, &err);
        if (st) {
            fprintf(stderr, "small_latency: %s\n", err.text);
            return -1;
        }
        if (build) chunk_array_free(y);
        if (i >= 0) times[i] = now_us() - start;
        for (int k = 0; k < N; k++) {
            if (result[k] != sqrt(data[k]) + 1.0) {
                fprintf(stderr, "small_latency: element %d is %.17g, not %.17g\n", k, result[k], sqrt(data[k]) + 1.0);
                return -1;
            }
        }
    }
    qsort(times, N_TIMES, sizeof *times, by_value);
    return times[N_TIMES / 2];
}

int main(void)
{
    chunk_context *ctx;
    chunk_array *standing;
    chunk_error err;
    for (int k = 0; k < N; k++) data[k] = 0.5 + k;
    if (chunk_context_new(&ctx, NULL, &err) || build_by_calls(&standing, ctx, &err)) {
        fprintf(stderr, "small_latency: %s\n", err.text);
        return 1;
    }
    double run_us = median(ctx, NULL, standing), calls_us = median(ctx, build_by_calls, NULL),
           text_us = median(ctx, build_from_text, NULL);
    chunk_array_free(standing);
    chunk_context_free(ctx);
    if (run_us < 0 || calls_us < 0 || text_us < 0) return 1;
    printf("{\"run_us\": %.2f, \"calls_us\": %.2f, \"text_us\": %.2f}\n", run_us, calls_us, text_us);
    return 0;
}
