/* apply_gufunc and apply_along_axis: signatures, loops that broadcast, core dimensions whole in a tile. */
#include <math.h>

#include "blocks_case.h"

TestSuite(gufunc, .timeout = 60);

/* (i,j),(j)->(i) */
static int matvec(void *user, const chunk_loop *l)
{
    int64_t rows = l->core[0], cols = l->core[1];
    (void)user;
    for (int64_t k = 0; k < l->n; k++) {
        const double *a = (const double *)((const char *)l->in[0] + k * l->in_step[0]),
                     *x = (const double *)((const char *)l->in[1] + k * l->in_step[1]);
        double *y = (double *)((char *)l->out + k * l->out_step);
        for (int64_t i = 0; i < rows; i++) {
            y[i] = 0;
            for (int64_t j = 0; j < cols; j++) y[i] += a[i * cols + j] * x[j];
        }
    }
    return 0;
}

/* (),()->() in int64; counts calls. */
static int plus(void *user, const chunk_loop *l)
{
    ++*(_Atomic int *)user;
    for (int64_t k = 0; k < l->n; k++)
        *(int64_t *)((char *)l->out + k * l->out_step) = *(const int64_t *)((const char *)l->in[0] + k * l->in_step[0]) +
                                                         *(const int64_t *)((const char *)l->in[1] + k * l->in_step[1]);
    return 0;
}

/* (3),(3)->(3) */
static int cross(void *user, const chunk_loop *l)
{
    (void)user;
    for (int64_t k = 0; k < l->n; k++) {
        const double *a = (const double *)((const char *)l->in[0] + k * l->in_step[0]),
                     *b = (const double *)((const char *)l->in[1] + k * l->in_step[1]);
        double *c = (double *)((char *)l->out + k * l->out_step);
        for (int i = 0; i < 3; i++) c[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
    }
    return 0;
}

/* (n)->(m): m sums of every m-th element, by way of scratch. */
static int strided_sums(void *user, const chunk_loop *l)
{
    int64_t n = l->core[0], m = l->core[1];
    (void)user;
    if (l->scratch_bytes < (size_t)(n > m ? n : m) * 8) return 9;
    for (int64_t k = 0; k < l->n; k++) {
        memcpy(l->scratch, (const char *)l->in[0] + k * l->in_step[0], (size_t)n * 8);
        double *y = (double *)((char *)l->out + k * l->out_step);
        for (int64_t i = 0; i < m; i++) y[i] = 0;
        for (int64_t i = 0; i < n; i++) y[i % m] += ((double *)l->scratch)[i];
    }
    return 0;
}

/* (n)->() */
static int last(void *user, const chunk_loop *l)
{
    (void)user;
    for (int64_t k = 0; k < l->n; k++)
        *(double *)((char *)l->out + k * l->out_step) =
            *(const double *)((const char *)l->in[0] + k * l->in_step[0] + (l->core[0] - 1) * 8);
    return 0;
}

static int fails(void *user, const chunk_loop *l)
{
    (void)user, (void)l;
    return -5;
}

static _Atomic int calls;

static void add(chunk_context *ctx, const char *name, const char *signature, chunk_loop_callback run, size_t scratch)
{
    static const chunk_dtype f64[8] = {CHUNK_FLOAT64, CHUNK_FLOAT64}, i64[8] = {CHUNK_INT64, CHUNK_INT64};
    const chunk_gufunc g = {.size = sizeof g,
                            .signature = signature,
                            .run = run,
                            .user = &calls,
                            .in = run == plus ? i64 : f64,
                            .scratch_per_element = scratch};
    cr_assert_eq(chunk_register_gufunc(ctx, name, &g, &err), CHUNK_OK, "%s", err.text);
}

static chunk_context *registered(uint64_t memory, int threads)
{
    chunk_context *ctx = context(memory, threads);
    add(ctx, "matvec", "(i,j),(j)->(i)", matvec, 0);
    add(ctx, "plus", " ( ) , () -> ()", plus, 0);
    add(ctx, "cross3", "(3),(3)->(3)", cross, 0);
    add(ctx, "strided_sums", "(n)->(m)", strided_sums, 8);
    add(ctx, "last_of", "(n)->()", last, 0);
    add(ctx, "fails", "(n)->(n)", fails, 0);
    return ctx;
}

/* 7 x 9 matrices of 5 x 6 on vectors that broadcast, over grids that cut loop and core dimensions. */
Test(gufunc, loops_broadcast)
{
    static ramp r = {4, {7, 9, 5, 6}}, s = {2, {9, 6}};
    static const int64_t chunks[][4] = {{7, 9, 5, 6}, {2, 4, 5, 6}, {3, 2, 2, 4}, {1, 1, 1, 1}};
    static const char *const texts[] = {"apply_gufunc(matvec, x, y)", "apply_gufunc(matvec, x, y, blocks=(2, 5))",
                                        "apply_gufunc('matvec', x, y, blocks=(7, 1))"};
    double want[7 * 9 * 5];
    for (int a = 0; a < 7 * 9 * 5; a++) {
        want[a] = 0;
        for (int j = 0; j < 6; j++) want[a] += (double)(a * 6 + j + 1) * ((a / 5 % 9) * 6 + j + 1);
    }
    for (int threads = 1; threads <= 8; threads += threads == 1 ? 1 : 6)
        for (int k = 0; k < 4; k++) {
            chunk_context *ctx = registered(0, threads);
            chunk_array *x = ramp_array(ctx, &r, chunks[k]), *y = ramp_array(ctx, &s, (int64_t[]){4, 5});
            for (int t = 0; t < 3; t++) {
                chunk_array *a = eval(ctx, texts[t], x, y);
                expect_shape(a, 3, (int64_t[]){7, 9, 5});
                double *got = values(ctx, a);
                cr_assert(!memcmp(got, want, sizeof want));
                free(got);
            }
            double *got = values(ctx, eval(ctx, "apply_gufunc(matvec, x, y[3:4, ::-1])[:, 2]", x, y));
            cr_assert_eq(got[0], (2 * 30 + 1) * 24. + 62 * 23. + 63 * 22. + 64 * 21. + 65 * 20. + 66 * 19.);
            free(got);
            chunk_array_free(x);
            chunk_array_free(y);
            chunk_context_free(ctx);
        }
}

Test(gufunc, scalars_and_fixed_extents)
{
    static ramp r = {3, {40, 30, 3}};
    chunk_context *ctx = registered(0, 2);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){7, 30, 2}), *a;
    calls = 0;
    int64_t *i = values(ctx, eval(ctx, "apply_gufunc(plus, astype(x, int64), expand_dims(arange(30), axis=1))", x, NULL));
    for (int k = 0; k < 3600; k++) cr_assert_eq(i[k], k + 1 + k / 3 % 30);
    cr_assert_eq(calls, 40 * 30 + 40, "%d calls", calls); /* items of a row of two; rows of one join along the axis before */
    free(i);
    calls = 0;
    i = values(ctx, eval(ctx, "apply_gufunc(plus, arange(1000), 5)", x, NULL));
    for (int k = 0; k < 1000; k++) cr_assert_eq(i[k], k + 5);
    cr_assert_eq(calls, 1);
    free(i);
    i = values(ctx, eval(ctx, "apply_gufunc(plus, 2, 3)", x, NULL));
    cr_assert_eq(*i, 5);
    free(i);
    double *d = values(ctx, eval(ctx, "apply_gufunc(cross3, x, arange(3))", x, NULL));
    for (int k = 0; k < 1200; k++) {
        double *c = d + 3 * k, p = 3 * k + 1, q = p + 1, s = p + 2;
        cr_assert(c[0] == q * 2 - s && c[1] == -p * 2 && c[2] == p);
    }
    free(d);
    a = eval(ctx, "apply_gufunc(cross3, x[:0], arange(3))", x, NULL);
    expect_shape(a, 3, (int64_t[]){0, 30, 3});
    free(values(ctx, a));
    a = eval(ctx, "apply_gufunc(strided_sums, x, output_sizes=0)", x, NULL);
    expect_shape(a, 3, (int64_t[]){40, 30, 0});
    free(values(ctx, a));
    a = eval(ctx, "apply_gufunc(strided_sums, x[:, :, :0], output_sizes=(2,))", x, NULL);
    expect_shape(a, 3, (int64_t[]){40, 30, 2});
    d = values(ctx, a);
    for (int k = 0; k < 2400; k++) cr_assert_eq(d[k], 0);
    free(d);
    chunk_array_free(x);
    chunk_context_free(ctx);
}

Test(gufunc, along_axis)
{
    static ramp r = {3, {11, 13, 17}};
    static const int64_t chunks[][3] = {{11, 13, 17}, {4, 5, 6}, {1, 13, 2}};
    for (int k = 0; k < 3; k++) {
        chunk_context *ctx = registered(0, 2);
        chunk_array *x = ramp_array(ctx, &r, chunks[k]), *a;
        double *got = values(ctx, a = eval(ctx, "apply_along_axis(last_of, 1, x)", x, NULL));
        for (int i = 0; i < 11; i++)
            for (int j = 0; j < 17; j++) cr_assert_eq(got[i * 17 + j], i * 221 + 12 * 17 + j + 1);
        free(got);
        for (int blocks = 0; blocks < 2; blocks++) {
            a = eval(ctx,
                     blocks ? "apply_along_axis(strided_sums, -3, x, output_sizes=2, blocks=(3, 17))"
                            : "apply_along_axis(strided_sums, -3, x, output_sizes=(2,))",
                     x, NULL);
            expect_shape(a, 3, (int64_t[]){2, 13, 17});
            got = values(ctx, a);
            for (int j = 0; j < 221; j++) {
                double sum[2] = {0, 0};
                for (int i = 0; i < 11; i++) sum[i % 2] += i * 221 + j + 1;
                cr_assert(got[j] == sum[0] && got[221 + j] == sum[1]);
            }
            free(got);
        }
        chunk_array_free(x);
        chunk_context_free(ctx);
    }
}

/* Lanes of a million elements are whole in a tile, and only so many of them at once. */
Test(gufunc, long_lanes)
{
    static ramp r = {2, {40, 300000}};
    chunk_context *ctx = registered(64 << 20, 2);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){40, 1000});
    double *got = values(ctx, eval(ctx, "apply_along_axis(strided_sums, 1, x, output_sizes=1)", x, NULL));
    for (int i = 0; i < 40; i++) cr_assert_eq(got[i], 300000. * 300000 * i + 300000. * 300001 / 2);
    free(got);
    refuse(ctx, "apply_along_axis(strided_sums, 1, x, output_sizes=1, blocks=40)", x, NULL, CHUNK_ECEILING, "needs at least");
    chunk_array_free(x);
    chunk_context_free(ctx);
}

Test(gufunc, refusals)
{
    static ramp r = {3, {4, 5, 6}}, s = {2, {5, 7}};
    static const char *const bad[][2] = {{"(i,j", "expected ',' or ')'"},
                                         {"i->()", "expected '('"},
                                         {"(i)(j)->()", "expected ',' or '->'"},
                                         {"(i)->(),()", "one result only"},
                                         {"(i)->() x", "nothing comes"},
                                         {"(2i)->()", "cannot begin with a digit"},
                                         {"(0)->()", "an extent of 0"},
                                         {"(i,)->()", "name or the extent"},
                                         {"(),(),(),(),(),(),(),(),()->()", "more than 8 arrays"}};
    chunk_context *ctx = registered(0, 2);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const chunk_gufunc g = {.size = sizeof g, .signature = bad[k][0], .run = last};
        cr_assert_eq(chunk_register_gufunc(ctx, "bad", &g, &err), CHUNK_EINVAL);
        cr_assert(strstr(err.text, bad[k][1]), "%s: %s", bad[k][0], err.text);
    }
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){4, 5, 6}), *y = ramp_array(ctx, &s, (int64_t[]){5, 7});
    refuse(ctx, "apply_gufunc(matvec, x, y)", x, y, CHUNK_ESHAPE, "core dimension j of matvec is 7 in array 1, and 6 before");
    refuse(ctx, "apply_gufunc(matvec, x, zeros((3, 6)))", x, y, CHUNK_ESHAPE, "loop dimensions (4,) and (3,) do not fit together");
    refuse(ctx, "apply_gufunc(matvec, x[0, 0], x)", x, y, CHUNK_ESHAPE,
           "array 0 of matvec has 2 core dimensions, the one given has 1");
    refuse(ctx, "apply_gufunc(cross3, x, x)", x, y, CHUNK_ESHAPE, "core dimension 3 of cross3 is 6 in array 0, and 3 before");
    refuse(ctx, "apply_gufunc(strided_sums, x)", x, y, CHUNK_EINVAL, "no array has core dimension m of strided_sums");
    refuse(ctx, "apply_gufunc(last_of, x, output_sizes=3)", x, y, CHUNK_EINVAL, "output_sizes has 1 entries for the 0 dimensions");
    refuse(ctx, "apply_gufunc(last_of, x, blocks=3)", x, y, CHUNK_EINVAL, "blocks has 1 entries for 2 loop dimensions");
    refuse(ctx, "apply_gufunc(fails, x)", x, y, CHUNK_EUSER,
           "apply_gufunc: the function registered as fails failed on block (0, 0, 0): it returned -5");
    refuse(ctx, "map_blocks(fails, x)", x, y, CHUNK_ENAME, "there is no function over blocks 'fails'");
    refuse(ctx, "fails(x)", x, y, CHUNK_EINVAL, "write apply_gufunc(fails, ...)");
    refuse(ctx, "apply_along_axis(matvec, 0, x)", x, y, CHUNK_EINVAL, "matvec takes 2 arrays, 1 given");
    refuse(ctx, "apply_along_axis(fails, 3, x)", x, y, CHUNK_EINDEX, "axis 3 is out of");
    chunk_array_free(x);
    chunk_array_free(y);
    chunk_context_free(ctx);
}

Test(gufunc, failures)
{
    static ramp r = {3, {11, 13, 17}};
    fail_everywhere(registered, "apply_along_axis(strided_sums, 0, x, output_sizes=2) + 1", &r, (int64_t[]){4, 5, 6});
}
