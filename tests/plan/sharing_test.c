/* Expressions that share much: 60 times y = y + y is a chain of 60 nodes, and a tree of 2^60. Planning once walked some of them as trees. */
#include <criterion/criterion.h>
#include <math.h>
#include <time.h>

#include "chunk_ops.h"

enum { LEVELS = 60, N = 1 << 20 };

static chunk_context *ctx;
static chunk_error err;
static double data[N];

static void setup(void)
{
    for (int i = 0; i < N; i++) data[i] = i % 1000;
    cr_assert_eq(chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .threads = 2}, &err), CHUNK_OK);
}

static void teardown(void) { chunk_context_free(ctx); }

TestSuite(sharing, .init = setup, .fini = teardown, .timeout = 20);

static chunk_array *ok(chunk_status st, chunk_array **a)
{
    cr_assert_eq(st, CHUNK_OK, "%s", err.text);
    return *a;
}

static chunk_array *vector(int64_t n)
{
    chunk_array *a;
    return ok(chunk_from_memory(&a, ctx, data, CHUNK_FLOAT64, 1, &n, NULL, &err), &a);
}

/* Doubles y LEVELS times and persists it after every `keep` doublings (0: never). Takes y. */
static chunk_array *doubled(chunk_array *y, int keep)
{
    for (int i = 1; i <= LEVELS; i++) {
        chunk_array *next, *kept;
        ok(chunk_op_add(&next, ctx, y, y, &err), &next);
        chunk_array_free(y);
        y = next;
        if (!keep || i % keep) continue;
        ok(chunk_persist(&kept, ctx, y, &err), &kept);
        chunk_array_free(y);
        y = kept;
    }
    return y;
}

/* (y - mean(y)) / std(y) uses y in passes of three levels. */
static chunk_array *standardised(chunk_array *y)
{
    chunk_array *mean, *std, *less, *z;
    ok(chunk_op_mean(&mean, ctx, y, NULL, &err), &mean);
    ok(chunk_op_std(&std, ctx, y, NULL, &err), &std);
    ok(chunk_op_subtract(&less, ctx, y, mean, &err), &less);
    ok(chunk_op_divide(&z, ctx, less, std, &err), &z);
    chunk_array *all[] = {y, mean, std, less};
    for (int i = 0; i < 4; i++) chunk_array_free(all[i]);
    return z;
}

/* Computes a into out, in a second of this process's time at most. */
static void compute(chunk_array *a, double *out)
{
    clock_t start = clock();
    const chunk_output o = {.size = sizeof o, .array = a, .data = out};
    cr_assert_eq(chunk_compute(ctx, &o, 1, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    cr_assert_lt(seconds, 10, "%g s", seconds);
    chunk_array_free(a);
}

Test(sharing, one_pass)
{
    static double out[N];
    compute(doubled(vector(N), 0), out);
    cr_assert_eq(out[N - 1], ldexp(data[N - 1], LEVELS));
}

Test(sharing, kept_on_the_way)
{
    static double out[N];
    compute(doubled(vector(N), 7), out);
    cr_assert_eq(out[N - 1], ldexp(data[N - 1], LEVELS));
    compute(doubled(vector(N), 1), out);
    cr_assert_eq(out[999], ldexp(999, LEVELS));
}

Test(sharing, in_passes_of_several_levels)
{
    static double plain[N], high[N];
    compute(standardised(vector(N)), plain);
    compute(standardised(doubled(vector(N), 0)), high);
    for (int i = 0; i < N; i += 1009) cr_assert_eq(plain[i], high[i]);
    compute(standardised(doubled(vector(N), 9)), high);
    for (int i = 0; i < N; i += 1009) cr_assert_eq(plain[i], high[i]);
}

/* A small value that a large space would compute again and again, made of no data. */
Test(sharing, hoisted)
{
    static double out[N];
    chunk_array *ramp, *row, *tall, *sum;
    const int64_t shape[] = {N / 1024, 1024};
    ok(chunk_op_arange(&ramp, ctx, 1024, NULL, &err), &ramp);
    row = doubled(ramp, 0);
    ok(chunk_from_memory(&tall, ctx, data, CHUNK_FLOAT64, 2, shape, NULL, &err), &tall);
    ok(chunk_op_add(&sum, ctx, tall, row, &err), &sum);
    compute(sum, out);
    cr_assert_eq(out[1025], ldexp(1, LEVELS) + data[1025]);
    chunk_array_free(tall);
    chunk_array_free(row);
}

/* Views of shared parts: the same, half of it at each level. */
Test(sharing, views)
{
    double out[1];
    int64_t n = N;
    chunk_array *y = vector(n);
    for (int i = 0; i < 20; i++) {
        chunk_array *low, *high, *next;
        const int64_t zero = 0, half = n / 2;
        ok(chunk_slice(&low, ctx, y, &zero, &half, NULL, &err), &low);
        ok(chunk_slice(&high, ctx, y, &half, NULL, NULL, &err), &high);
        ok(chunk_op_add(&next, ctx, low, high, &err), &next);
        chunk_array *all[] = {y, low, high};
        for (int k = 0; k < 3; k++) chunk_array_free(all[k]);
        y = next;
        n = half;
        if (i % 5 == 4) {
            ok(chunk_persist(&next, ctx, y, &err), &next);
            chunk_array_free(y);
            y = next;
        }
    }
    compute(y, out);
    double sum = 0;
    for (int i = 0; i < N; i++) sum += data[i];
    cr_assert_eq(out[0], sum);
}
