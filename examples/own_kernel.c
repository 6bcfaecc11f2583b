/* own_kernel.c: an elementwise kernel of one's own, then used by name in text among the others. Usage: own_kernel [--small] */
#include <chunk.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "own_kernel: %s\n", err->text);
    exit(1);
}

/* softplus(x) = log(1 + exp(x)); called from several threads, on a few thousand elements at a time. */
static int softplus(void *user, const void *const *in, void *out, size_t n)
{
    const double *x = in[0];
    double *y = out;
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] + log1p(exp(-x[i])) : log1p(exp(x[i]));
    (void)user;
    return 0;
}

int main(int argc, char **argv)
{
    const long n = argc > 1 && strcmp(argv[1], "--small") == 0 ? 200000 : 20000000;
    const chunk_dtype takes[] = {CHUNK_FLOAT64};
    chunk_context *ctx;
    chunk_array *result;
    chunk_error err = {0};
    char text[128];
    double got, expected = 0;

    check(chunk_context_new(&ctx, NULL, &err), &err);
    check(chunk_register_map(ctx, "softplus", 1, takes, CHUNK_FLOAT64, softplus, NULL, &err), &err);
    snprintf(text, sizeof text, "mean(softplus(linspace(-5, 5, %ld)) ** 2)", n);
    check(chunk_eval(&result, ctx, text, NULL, 0, &err), &err);
    const chunk_output out = {.size = sizeof out, .array = result, .data = &got};
    check(chunk_compute(ctx, &out, 1, NULL, NULL, &err), &err);

    for (long i = 0; i < n; i++) expected += pow(log1p(exp(-5 + 10.0 * (double)i / (double)(n - 1))), 2) / (double)n;
    printf("%s = %.12g, expected %.12g\n", text, got, expected);
    chunk_array_free(result);
    chunk_context_free(ctx);
    return fabs(got - expected) < 1e-9 ? 0 : 1;
}
