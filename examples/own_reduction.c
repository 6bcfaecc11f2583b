/* own_reduction.c: a reduction of one's own, then used by name in text. Usage: own_reduction [--small] */
#include <chunk.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "own_reduction: %s\n", err->text);
    exit(1);
}

/* rms(x): the state is the count and the sum of squares. */
typedef struct {
    double n, squares;
} rms_state;

static void rms_init(void *user, void *state)
{
    (void)user;
    *(rms_state *)state = (rms_state){0, 0};
}

static int rms_fold(void *user, void *state, const void *data, size_t n)
{
    rms_state *s = state;
    const double *x = data;
    for (size_t i = 0; i < n; i++) s->squares += x[i] * x[i];
    s->n += (double)n;
    (void)user;
    return 0;
}

static int rms_merge(void *user, void *into, const void *from)
{
    rms_state *a = into;
    const rms_state *b = from;
    a->n += b->n;
    a->squares += b->squares;
    (void)user;
    return 0;
}

static int rms_finish(void *user, const void *state, void *out)
{
    const rms_state *s = state;
    *(double *)out = sqrt(s->squares / s->n);
    (void)user;
    return 0;
}

int main(int argc, char **argv)
{
    const long n = argc > 1 && strcmp(argv[1], "--small") == 0 ? 200000 : 20000000;
    const chunk_reduction rms = {sizeof rms, sizeof(rms_state), rms_init, rms_fold, rms_merge, rms_finish, NULL};
    chunk_context *ctx;
    chunk_array *result;
    chunk_error err = {0};
    char text[128];
    double got;

    check(chunk_context_new(&ctx, NULL, &err), &err);
    check(chunk_register_reduction(ctx, "rms", CHUNK_FLOAT64, CHUNK_FLOAT64, &rms, &err), &err);
    snprintf(text, sizeof text, "rms(arange(%ld, dtype='float64') - 1)", n);
    check(chunk_eval(&result, ctx, text, NULL, 0, &err), &err);
    const chunk_output out = {.size = sizeof out, .array = result, .data = &got};
    check(chunk_compute(ctx, &out, 1, NULL, NULL, &err), &err);

    /* -1, 0, ..., n - 2 */
    double m = (double)(n - 2), expected = sqrt((m * (m + 1) * (2 * m + 1) / 6 + 1) / (double)n);
    printf("%s = %.12g, expected %.12g\n", text, got, expected);
    chunk_array_free(result);
    chunk_context_free(ctx);
    return fabs(got - expected) < 1e-9 * expected ? 0 : 1;
}
