/* blocks_case.h: contexts, arrays of any grid whose values are known, and results, for the tests of functions over blocks. */
#ifndef BLOCKS_CASE_H
#define BLOCKS_CASE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "chunk_ops.h"

static chunk_error err;

static inline chunk_context *context(uint64_t memory, int threads)
{
    chunk_context *ctx;
    cr_assert_eq(
        chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = memory, .threads = threads}, &err),
        CHUNK_OK, "%s", err.text);
    return ctx;
}

/* Element (i, j, ...) is its number in C order, of the shape that user points to, plus 1. */
typedef struct ramp {
    int ndim;
    int64_t shape[4];
} ramp;

static inline int read_ramp(void *user, const int64_t *lo, const int64_t *hi, void *out)
{
    const ramp *r = user;
    double *to = out;
    int64_t at[4] = {0};
    for (int a = 0; a < r->ndim; a++) at[a] = lo[a];
    for (;;) {
        int64_t n = 0;
        for (int a = 0; a < r->ndim; a++) n = n * r->shape[a] + at[a];
        *to++ = (double)(n + 1);
        int a = r->ndim - 1;
        while (a >= 0 && ++at[a] == hi[a]) at[a] = lo[a], a--;
        if (a < 0) return 0;
    }
}

static inline chunk_array *ramp_array(chunk_context *ctx, ramp *r, const int64_t *chunk)
{
    chunk_array *x;
    cr_assert_eq(chunk_from_callback(&x, ctx, read_ramp, r, CHUNK_FLOAT64, r->ndim, r->shape, chunk, true, &err), CHUNK_OK, "%s",
                 err.text);
    return x;
}

static inline chunk_array *eval(chunk_context *ctx, const char *text, chunk_array *x, chunk_array *y)
{
    chunk_array *out = NULL;
    const chunk_binding b[] = {{"x", x}, {"y", y}};
    cr_assert_eq(chunk_eval(&out, ctx, text, b, y ? 2 : x ? 1 : 0, &err), CHUNK_OK, "%s: %s", text, err.text);
    return out;
}

/* Building or computing it must fail so, with this in the message. */
static inline void refuse(chunk_context *ctx, const char *text, chunk_array *x, chunk_array *y, chunk_status want,
                          const char *words)
{
    chunk_array *out = NULL;
    const chunk_binding b[] = {{"x", x}, {"y", y}};
    err = (chunk_error){0};
    chunk_status st = chunk_eval(&out, ctx, text, b, y ? 2 : x ? 1 : 0, &err);
    if (st == CHUNK_OK) {
        void *data = calloc((size_t)chunk_array_count(out) + 1, 16);
        const chunk_output o = {.size = sizeof o, .array = out, .data = data};
        st = chunk_compute(ctx, &o, 1, NULL, NULL, &err);
        free(data);
        chunk_array_free(out);
    }
    cr_assert_eq(st, want, "%s: status %d, %s", text, st, err.text);
    cr_assert(strstr(err.text, words), "%s: %s", text, err.text);
    cr_assert(!strchr(err.text, '\n'));
}

/* The values, to be freed; the measured peak must keep to the projected one. Takes a. */
static inline void *values(chunk_context *ctx, chunk_array *a)
{
    void *data = calloc((size_t)chunk_array_count(a) + 1, chunk_dtype_size(chunk_array_dtype(a)));
    const chunk_output o = {.size = sizeof o, .array = a, .data = data};
    chunk_report report = {0};
    cr_assert_eq(chunk_compute(ctx, &o, 1, NULL, &report, &err), CHUNK_OK, "%s", err.text);
    cr_assert_leq(report.measured_peak, report.projected_peak);
    cr_assert_leq(report.projected_peak, report.ceiling);
    chunk_array_free(a);
    return data;
}

static inline void expect_shape(const chunk_array *a, int ndim, const int64_t *shape)
{
    cr_assert_eq(chunk_array_ndim(a), ndim);
    for (int i = 0; i < ndim; i++)
        cr_assert_eq(chunk_array_shape(a)[i], shape[i], "axis %d: %lld", i, (long long)chunk_array_shape(a)[i]);
}

/* Every allocation failing, once and from then on: CHUNK_ENOMEM in one line, and nothing is lost; every thread start failing: the same values. */
static inline void fail_everywhere(chunk_context *(*make)(uint64_t memory, int threads), const char *text, ramp *r,
                                   const int64_t *chunk)
{
    chunk_context *ctx = make(0, 2);
    chunk_array *x = ramp_array(ctx, r, chunk), *a = eval(ctx, text, x, NULL);
    size_t n_bytes = (size_t)chunk_array_count(a) * chunk_dtype_size(chunk_array_dtype(a));
    char *want = values(ctx, a), *got = malloc(n_bytes);
    for (int kind = 0; kind < 4; kind++) {
        chk_fault_kind site = kind < 2 ? CHK_FAULT_ALLOC : CHK_FAULT_THREAD;
        for (uint64_t n = 1;; n++) {
            const chunk_binding b = {"x", x};
            cr_assert_lt(n, 5000);
            err = (chunk_error){0};
            a = NULL;
            chk_fault_arm(site, n, kind & 1);
            chunk_status st = chunk_eval(&a, ctx, text, &b, 1, &err);
            const chunk_output o = {.size = sizeof o, .array = a, .data = got};
            if (st == CHUNK_OK) st = chunk_compute(ctx, &o, 1, NULL, NULL, &err);
            uint64_t passed = chk_fault_count(site);
            chk_fault_arm(site, 0, false);
            chunk_array_free(a);
            if (st == CHUNK_OK)
                cr_assert(!memcmp(got, want, n_bytes), "%s: failure %d gives other values", text, (int)n);
            else
                cr_assert(st == CHUNK_ENOMEM && err.text[0] && !strchr(err.text, '\n'), "%s: failure %d: %d, %s", text, (int)n, st,
                          err.text);
            if (passed < n) break;
        }
    }
    free(want);
    free(got);
    chunk_array_free(x);
    chunk_context_free(ctx);
}

#endif
