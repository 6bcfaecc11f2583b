/* several_results.c: several results asked for together share one pass over their input. Usage: several_results [--small] */
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
    fprintf(stderr, "several_results: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    const int64_t n = argc > 1 && strcmp(argv[1], "--small") == 0 ? 300000 : 30000000;
    char dir[] = "/tmp/chunk-example-XXXXXX", file[64], text[64];
    chunk_context *ctx;
    chunk_array *x, *result[4];
    chunk_text *parsed;
    chunk_report report;
    chunk_error err = {0};
    double got[4];

    if (mkdtemp(dir) == NULL) return 1;
    snprintf(file, sizeof file, "%s/x.h5", dir);
    check(chunk_context_new(&ctx, NULL, &err), &err);
    snprintf(text, sizeof text, "arange(%lld, dtype=float64)", (long long)n);
    check(chunk_eval(&x, ctx, text, NULL, 0, &err), &err);
    const chunk_output store = {.size = sizeof store, .array = x, .file = file, .dataset = "/x"};
    check(chunk_compute(ctx, &store, 1, NULL, NULL, &err), &err);
    chunk_array_free(x);

    check(chunk_from_hdf5(&x, ctx, file, "/x", &err), &err);
    check(chunk_text_new(&parsed, ctx, "m = mean(x); lo = min(x); hi = max(x); squares = sum(x*x)", &err), &err);
    check(chunk_text_build(result, parsed, ctx, &(chunk_binding){"x", x}, 1, &err), &err);
    chunk_output out[4];
    for (int i = 0; i < 4; i++) out[i] = (chunk_output){.size = sizeof out[i], .array = result[i], .data = &got[i]};
    check(chunk_compute(ctx, out, 4, NULL, &report, &err), &err);

    const double last = (double)(n - 1), expected[4] = {last / 2, 0, last, last * (last + 1) * (2 * last + 1) / 6};
    int wrong = 0;
    for (int i = 0; i < 4; i++) {
        printf("%s = %.15g\n", chunk_text_result_name(parsed, i), got[i]);
        wrong += fabs(got[i] - expected[i]) > 1e-12 * fabs(expected[i]);
    }
    printf("%llu bytes read for four results over %lld bytes of data\n", (unsigned long long)report.bytes_read, (long long)n * 8);
    wrong += report.bytes_read > (uint64_t)n * 8 * 3 / 2; /* one pass, with room for the pages at its ends */
    for (int i = 0; i < 4; i++) chunk_array_free(result[i]);
    chunk_text_free(parsed);
    chunk_array_free(x);
    chunk_context_free(ctx);
    unlink(file);
    rmdir(dir);
    return wrong == 0 ? 0 : 1;
}
