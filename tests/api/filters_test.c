/* filters_test.c: outputs of one pass through several pipelines of filters, which share their memory: those that encode in place, and those that do not, in
 * every order, over chunks on the edge, from filtered inputs and of a value that is an input as it is. */
#include <stdlib.h>
#include <unistd.h>

#include "api/blocks_case.h"

TestSuite(filters, .timeout = 120);

enum { ROWS = 137, COLUMNS = 90, N_OUT = 6, N_ALL = ROWS * COLUMNS };

static const char *const filters[N_OUT] = {"gzip=1,shuffle", "lz4", "zstd=1", "bitshuffle", NULL, "lz4,fletcher32"};

static const int64_t chunk_shape[] = {32, 48};

static double at(int64_t i) { return (double)(i % 1000) * 0.37 + (double)(i / 1000); }

static chunk_context *begin(char *path, size_t size, const char *filter, chunk_array **x)
{
    snprintf(path, size, "/tmp/filters_%ld.h5", (long)getpid());
    unlink(path);
    chunk_context *ctx = context(64 << 20, 2);
    double *data = malloc(N_ALL * sizeof *data);
    for (int64_t i = 0; i < N_ALL; i++) data[i] = at(i);
    chunk_array *a;
    cr_assert_eq(chunk_from_memory(&a, ctx, data, CHUNK_FLOAT64, 2, (const int64_t[]){ROWS, COLUMNS}, NULL, &err), CHUNK_OK, "%s",
                 err.text);
    const chunk_output o = {.size = sizeof o, .array = a, .file = path, .dataset = "x", .filter = filter, .chunk = chunk_shape};
    cr_assert_eq(chunk_compute(ctx, &o, 1, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
    chunk_array_free(a);
    free(data);
    cr_assert_eq(chunk_from_hdf5(x, ctx, path, "x", &err), CHUNK_OK, "%s", err.text);
    return ctx;
}

Test(filters, outputs_of_one_pass)
{
    char path[64], made[64], text[64], name[8];
    for (int first = 0; first < N_OUT; first++) {
        chunk_array *x, *a[N_OUT + 1];
        double sum;
        chunk_context *ctx = begin(path, sizeof path, filters[first], &x);
        chunk_output o[N_OUT + 1];
        char names[N_OUT][8];
        snprintf(made, sizeof made, "/tmp/filters_made_%ld.h5", (long)getpid());
        unlink(made);
        for (int k = 0; k <= N_OUT; k++) {
            snprintf(text, sizeof text, k == N_OUT ? "sum(x)" : k == 2 ? "x" : "x*%d + 1", k + 1);
            cr_assert_eq(chunk_eval(&a[k], ctx, text, &(chunk_binding){"x", x}, 1, &err), CHUNK_OK, "%s", err.text);
            o[k] = (chunk_output){.size = sizeof *o, .array = a[k], .data = k == N_OUT ? &sum : NULL};
            if (k == N_OUT) break;
            snprintf(names[k], sizeof names[k], "y%d", k);
            o[k].file = made;
            o[k].dataset = names[k];
            o[k].filter = filters[(first + k) % N_OUT];
            o[k].chunk = chunk_shape;
        }
        chunk_report report = {0};
        cr_assert_eq(chunk_compute(ctx, o, N_OUT + 1, NULL, &report, &err), CHUNK_OK, "%s", err.text);
        cr_assert_leq(report.measured_peak, report.projected_peak);
        double expected = 0;
        for (int64_t i = 0; i < N_ALL; i++) expected += at(i);
        cr_assert_float_eq(sum, expected, 1e-6);
        for (int k = 0; k < N_OUT; k++) {
            snprintf(name, sizeof name, "y%d", k);
            chunk_array *y;
            cr_assert_eq(chunk_from_hdf5(&y, ctx, made, name, &err), CHUNK_OK, "%s", err.text);
            double *got = values(ctx, y);
            for (int64_t i = 0; i < N_ALL; i++)
                cr_assert_eq(got[i], k == 2 ? at(i) : at(i) * (k + 1) + 1, "first %s, output %d, element %lld",
                             filters[first] ? filters[first] : "none", k, (long long)i);
            free(got);
            chunk_array_free(a[k]);
        }
        chunk_array_free(a[N_OUT]);
        chunk_array_free(x);
        chunk_context_free(ctx);
        unlink(made);
        unlink(path);
    }
}
