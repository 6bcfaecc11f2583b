/* column_major.c: a column-major matrix in memory, with BLAS's leading dimension, as input and as output. Usage: column_major [--small] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chunk.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "column_major: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    const int64_t m = argc > 1 && strcmp(argv[1], "--small") == 0 ? 200 : 4000, n = m / 2 + 3, ld = m + 5;
    double *a = malloc((size_t)(ld * n) * sizeof *a), *b = malloc((size_t)(ld * n) * sizeof *b), worst = 0;
    chunk_context *ctx;
    chunk_array *x, *centred;
    chunk_error err = {0};

    if (a == NULL || b == NULL) return 1;
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < ld; i++)
            a[j * ld + i] = i < m ? sin((double)i + 0.1 * (double)j) : NAN; /* the padding is never read */
    for (int64_t i = 0; i < ld * n; i++) b[i] = -1;

    /* Element (i, j) lies at i + j * ld: strides in bytes say so, nothing is copied. */
    const int64_t strides[] = {(int64_t)sizeof *a, ld * (int64_t)sizeof *a};
    check(chunk_context_new(&ctx, NULL, &err), &err);
    check(chunk_from_memory(&x, ctx, a, CHUNK_FLOAT64, 2, (int64_t[]){m, n}, strides, &err), &err);
    check(chunk_eval(&centred, ctx, "a - mean(a, axis=0)", &(chunk_binding){"a", x}, 1, &err), &err);
    const chunk_output out = {.size = sizeof out, .array = centred, .data = b, .strides = strides};
    check(chunk_compute(ctx, &out, 1, NULL, NULL, &err), &err);

    for (int64_t j = 0; j < n; j++) {
        double mean = 0;
        for (int64_t i = 0; i < m; i++) mean += a[j * ld + i];
        mean /= (double)m;
        for (int64_t i = 0; i < m; i++) worst = fmax(worst, fabs(b[j * ld + i] - (a[j * ld + i] - mean)));
        for (int64_t i = m; i < ld; i++) worst = fmax(worst, fabs(b[j * ld + i] + 1)); /* nor written */
    }
    printf("a - mean(a, axis=0), %lld x %lld with leading dimension %lld: largest difference %.2g\n", (long long)m, (long long)n,
           (long long)ld, worst);
    chunk_array_free(centred);
    chunk_array_free(x);
    chunk_context_free(ctx);
    free(a);
    free(b);
    return worst < 1e-12 ? 0 : 1;
}
