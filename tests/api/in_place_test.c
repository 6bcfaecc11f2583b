/* in_place_test.c: outputs that overwrite a region of a dataset which exists, as a C program asks for them. What values and layouts do is tests/cli/test_eval_into.py's. */
#include <stdlib.h>
#include <unistd.h>

#include "api/blocks_case.h"

TestSuite(in_place, .timeout = 60);

enum { N = 6, M = 4 };

/* A dataset x of N by M with the ramp in it, in a file of its own. */
static chunk_context *begin(char *path, size_t size, chunk_array **x)
{
    static ramp r = {2, {N, M}};
    snprintf(path, size, "/tmp/in_place_%ld.h5", (long)getpid());
    unlink(path);
    chunk_context *ctx = context(64 << 20, 2);
    chunk_array *a = ramp_array(ctx, &r, (const int64_t[]){2, 3});
    const chunk_output o = {.size = sizeof o, .array = a, .file = path, .dataset = "x", .chunk = (const int64_t[]){4, 2}};
    cr_assert_eq(chunk_compute(ctx, &o, 1, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
    chunk_array_free(a);
    cr_assert_eq(chunk_from_hdf5(x, ctx, path, "x", &err), CHUNK_OK, "%s", err.text);
    return ctx;
}

static void end(chunk_context *ctx, const char *path, chunk_array *x)
{
    chunk_array_free(x);
    chunk_context_free(ctx);
    unlink(path);
}

/* What the dataset holds, read anew. */
static double *stored(chunk_context *ctx, const char *path)
{
    chunk_array *x;
    cr_assert_eq(chunk_from_hdf5(&x, ctx, path, "x", &err), CHUNK_OK, "%s", err.text);
    return values(ctx, x);
}

static double ramp_at(int i, int j) { return i * M + j + 1; }

typedef struct seen {
    int64_t written, total;
    char fill[64];
} seen;

static chunk_status look(void *user, const chunk_dataset_info *info, chunk_error *e)
{
    seen *s = user;
    (void)e;
    s->written = info->chunks_written;
    s->total = info->chunks_total;
    snprintf(s->fill, sizeof s->fill, "%s", info->fill_value);
    return CHUNK_OK;
}

/* Not in place: a new dataset with a fill value of its own leaves out the chunks that hold nothing else, in its own grid and across another. */
Test(in_place, none_but_a_new_dataset_with_a_fill_value)
{
    char path[64];
    const double fill = -2.5;
    const char *const text[] = {"where(x > 10, x, -2.5)", "where(x > 10, x, -2.5).T",
                                "concat((where(x > 10, x, -2.5)[where(x > 10, x, -2.5) > 0], [-2.5] * ones(300000)))",
                                "where(x > 10, x, -2.5)"};
    for (int way = 0; way < 4; way++) {
        chunk_array *x;
        chunk_context *ctx = begin(path, sizeof path, &x);
        chunk_array *a = eval(ctx, text[way], x, NULL);
        unlink(path);
        double *expected = values(ctx, eval(ctx, text[way], x, NULL));
        snprintf(path, sizeof path, "/tmp/fill_%ld.h5", (long)getpid());
        unlink(path);
        const chunk_output o = {.size = sizeof o,
                                .array = a,
                                .file = path,
                                .dataset = "x",
                                .filter = way == 3 ? "gzip=1,shuffle" : NULL,
                                .chunk = way == 2 ? (const int64_t[]){100000} : (const int64_t[]){2, 2},
                                .fill = &fill};
        cr_assert_eq(chunk_compute(ctx, &o, 1, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
        double *got = stored(ctx, path);
        size_t n = (size_t)chunk_array_count(a);
        for (size_t i = 0; i < n; i++) cr_assert_eq(got[i], expected[i], "way %d, element %zu", way, i);
        seen s;
        cr_assert_eq(chunk_info(path, "x", true, look, &s, &err), CHUNK_OK, "%s", err.text);
        cr_assert_str_eq(s.fill, "-2.5");
        cr_assert_eq(s.written, way == 2 ? 1 : 4, "way %d: %lld of %lld", way, (long long)s.written, (long long)s.total);
        free(got);
        free(expected);
        chunk_array_free(a);
        end(ctx, path, x);
    }
}

Test(in_place, refuses_a_fill_value)
{
    char path[64];
    chunk_array *x;
    double fill = 1, out[N * M];
    chunk_context *ctx = begin(path, sizeof path, &x);
    const chunk_output o[2] = {{.size = sizeof *o, .array = x, .data = out, .fill = &fill},
                               {.size = sizeof *o, .array = x, .file = path, .dataset = "x", .in_place = true, .fill = &fill}};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(chunk_compute(ctx, &o[i], 1, NULL, NULL, &err), CHUNK_EINVAL);
        cr_assert(strstr(err.text, "fill value"), "%s", err.text);
    }
    end(ctx, path, x);
}

Test(in_place, a_region_with_steps)
{
    char path[64];
    chunk_array *x;
    chunk_context *ctx = begin(path, sizeof path, &x);
    /* x[4:0:-2, 1] = x[1, 1:3] * 10: rows 4 and 2, one column, which the array has no axis for */
    chunk_array *a = eval(ctx, "x[1, 1:3] * 10", x, NULL);
    const chunk_output o = {.size = sizeof o,
                            .array = a,
                            .file = path,
                            .dataset = "x",
                            .in_place = true,
                            .start = (const int64_t[]){4, 1},
                            .stop = (const int64_t[]){0, 0},
                            .step = (const int64_t[]){-2, 0}};
    chunk_report report;
    cr_assert_eq(chunk_compute(ctx, &o, 1, NULL, &report, &err), CHUNK_OK, "%s", err.text);
    cr_assert_leq(report.measured_peak, report.projected_peak);
    double *got = stored(ctx, path);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < M; j++) {
            double want = i == 4 && j == 1 ? 10 * ramp_at(1, 1) : i == 2 && j == 1 ? 10 * ramp_at(1, 2) : ramp_at(i, j);
            cr_assert_eq(got[i * M + j], want, "(%d, %d): %g, not %g", i, j, got[i * M + j], want);
        }
    free(got);
    chunk_array_free(a);
    end(ctx, path, x);
}

/* Without start, stop and step it is all of the dataset; the values are as if all had been computed before the first is written. */
Test(in_place, the_whole_from_itself)
{
    char path[64];
    chunk_array *x;
    chunk_context *ctx = begin(path, sizeof path, &x);
    chunk_array *a = eval(ctx, "flip(x) + max(x)", x, NULL);
    const chunk_output o = {.size = sizeof o, .array = a, .file = path, .dataset = "x", .in_place = true};
    cr_assert_eq(chunk_compute(ctx, &o, 1, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
    double *got = stored(ctx, path);
    for (int i = 0; i < N * M; i++) cr_assert_eq(got[i], N * M - i + N * M, "%d: %g", i, got[i]);
    free(got);
    chunk_array_free(a);
    end(ctx, path, x);
}

/* What cannot be done is refused before anything is written. */
Test(in_place, refused)
{
    char path[64];
    chunk_array *x;
    chunk_context *ctx = begin(path, sizeof path, &x);
    chunk_array *a = eval(ctx, "x + 1", x, NULL);
    double room[N * M];
    const chunk_output good = {.size = sizeof good, .array = a, .file = path, .dataset = "x", .in_place = true};
    struct {
        chunk_output o;
        int n;
        const char *words;
    } bad[] = {{good, 2, "only output"}, {good, 1, "do not fit"}, {good, 1, "out of bounds"}, {good, 1, "none"}};
    bad[1].o.stop = (const int64_t[]){3, M};
    bad[2].o.start = (const int64_t[]){N, 0};
    bad[2].o.step = (const int64_t[]){0, 1};
    bad[3].o.dataset = "none";
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const chunk_output both[2] = {bad[k].o, {.size = sizeof good, .array = a, .data = room}};
        err = (chunk_error){0};
        cr_assert_neq(chunk_compute(ctx, both, bad[k].n, NULL, NULL, &err), CHUNK_OK, "case %d", (int)k);
        cr_assert(strstr(err.text, bad[k].words) && !strchr(err.text, '\n'), "case %d: %s", (int)k, err.text);
    }
    double *got = stored(ctx, path);
    for (int i = 0; i < N * M; i++) cr_assert_eq(got[i], i + 1);
    free(got);
    chunk_array_free(a);
    end(ctx, path, x);
}
