/* eval_text.c: an expression as text over a dataset that may be far larger than memory. Usage: eval_text [--small] */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chunk.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "eval_text: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    const long n = argc > 1 && strcmp(argv[1], "--small") == 0 ? 100000 : 50000000;
    char dir[] = "/tmp/chunk-example-XXXXXX", file[64], text[64];
    chunk_context *ctx;
    chunk_array *x, *result;
    chunk_report report;
    chunk_error err = {0};
    double mean, expected = 0;

    if (mkdtemp(dir) == NULL) return 1;
    snprintf(file, sizeof file, "%s/x.h5", dir);
    check(chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20}, &err), &err);

    /* The input: x = sin(0), sin(1), ... written chunk by chunk. */
    snprintf(text, sizeof text, "sin(arange(%ld, dtype=float64))", n);
    check(chunk_eval(&x, ctx, text, NULL, 0, &err), &err);
    const int64_t chunk[] = {65536};
    const chunk_output store = {
        .size = sizeof store, .array = x, .file = file, .dataset = "/x", .chunk = chunk, .filter = "gzip=1,shuffle"};
    check(chunk_compute(ctx, &store, 1, NULL, NULL, &err), &err);
    chunk_array_free(x);

    /* The expression: nothing is read before chunk_compute. */
    check(chunk_from_hdf5(&x, ctx, file, "/x", &err), &err);
    check(chunk_eval(&result, ctx, "mean(sqrt(x*x + 1))", &(chunk_binding){"x", x}, 1, &err), &err);
    const chunk_output out = {.size = sizeof out, .array = result, .data = &mean};
    check(chunk_compute(ctx, &out, 1, NULL, &report, &err), &err);

    for (long i = 0; i < n; i++) expected += sqrt(sin((double)i) * sin((double)i) + 1);
    expected /= (double)n;
    printf("mean(sqrt(x*x + 1)) = %.15g over %ld values, expected %.15g\n", mean, n, expected);
    printf("measured peak %.1f MiB <= projected %.1f MiB <= ceiling %.1f MiB\n", (double)report.measured_peak / 1048576,
           (double)report.projected_peak / 1048576, (double)report.ceiling / 1048576);
    chunk_array_free(result);
    chunk_array_free(x);
    chunk_context_free(ctx);
    unlink(file);
    rmdir(dir);
    return fabs(mean - expected) < 1e-12 && report.measured_peak <= report.projected_peak && report.projected_peak <= report.ceiling
               ? 0
               : 1;
}
