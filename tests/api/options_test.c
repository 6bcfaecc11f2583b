/* options_test.c: option structs of programs that were built with fewer members, or more. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "chunk.h"

TestSuite(options, .timeout = 60);

Test(options, older_and_newer_programs)
{
    chunk_context *ctx = NULL;
    chunk_error err;
    struct {
        chunk_options o;
        char newer[16];
    } longer = {.o = {.size = sizeof longer, .memory = 64 << 20}};
    cr_assert_eq(chunk_context_new(&ctx, &longer.o, &err), CHUNK_EINVAL);
    cr_assert(strstr(err.text, "chunk_options.size is"), "%s", err.text);
    cr_assert_eq(chunk_context_new(&ctx, &(chunk_options){.memory = 64 << 20}, &err), CHUNK_EINVAL, "a size of 0");
    chunk_options older = {.size = offsetof(chunk_options, memory) + sizeof older.memory, .memory = 64 << 20, .threads = 0};
    cr_assert_eq(chunk_context_new(&ctx, &older, &err), CHUNK_OK, "%s", err.text);

    chunk_array *a = NULL;
    double value = 0;
    cr_assert_eq(chunk_eval(&a, ctx, "sum(arange(10.0))", NULL, 0, &err), CHUNK_OK, "%s", err.text);
    chunk_output out = {.size = sizeof out, .array = a, .data = &value};
    chunk_run_options run = {.size = offsetof(chunk_run_options, profile), .profile = true, .trace = "/nowhere/trace.json"};
    cr_assert_eq(chunk_compute(ctx, &out, 1, &run, NULL, &err), CHUNK_OK, "what lies behind the older struct is not looked at: %s",
                 err.text);
    cr_assert_eq(value, 45);
    run.size = sizeof run + 8;
    cr_assert_eq(chunk_compute(ctx, &out, 1, &run, NULL, &err), CHUNK_EINVAL);
    cr_assert(strstr(err.text, "chunk_run_options.size is"), "%s", err.text);
    chunk_array_free(a);
    chunk_context_free(ctx);
}

/* Outputs lie behind each other as their program has them. */
Test(options, outputs_of_older_programs)
{
    chunk_context *ctx = NULL;
    chunk_error err;
    chunk_array *a = NULL;
    double value[3] = {0};
    enum { OLDER = offsetof(chunk_output, in_place) };
    _Alignas(chunk_output) char list[2 * OLDER];
    cr_assert_eq(chunk_context_new(&ctx, NULL, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chunk_eval(&a, ctx, "sum(arange(10.0))", NULL, 0, &err), CHUNK_OK, "%s", err.text);
    for (int i = 0; i < 2; i++) {
        chunk_output o = {.size = OLDER, .array = a, .data = &value[i], .in_place = true};
        memcpy(list + i * OLDER, &o, OLDER);
    }
    cr_assert_eq(chunk_compute(ctx, (const chunk_output *)(const void *)list, 2, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
    cr_assert(value[0] == 45 && value[1] == 45);
    chunk_output bad[2] = {{.size = sizeof *bad, .array = a, .data = &value[0]}, {.size = OLDER, .array = a, .data = &value[1]}};
    cr_assert_eq(chunk_compute(ctx, bad, 2, NULL, NULL, &err), CHUNK_EINVAL);
    cr_assert(strstr(err.text, "chunk_output.size of output 1 is"), "%s", err.text);
    bad[0].size = sizeof *bad + 8;
    cr_assert_eq(chunk_compute(ctx, bad, 1, NULL, NULL, &err), CHUNK_EINVAL);
    cr_assert(strstr(err.text, "chunk_output.size is"), "%s", err.text);
    bad[0].size = 0;
    cr_assert_eq(chunk_compute(ctx, bad, 1, NULL, NULL, &err), CHUNK_EINVAL);
    chunk_array_free(a);
    chunk_context_free(ctx);
}

static int add_all(void *user, const chunk_block *b)
{
    (void)user;
    const double *x = b->in[0].data;
    double *y = b->out->data;
    for (int64_t i = 0; i < b->out->shape[0]; i++) y[i] = x[i] + 1;
    return 0;
}

Test(options, functions_of_older_and_newer_programs)
{
    chunk_context *ctx = NULL;
    chunk_error err;
    chunk_array *a = NULL;
    double value = 0;
    cr_assert_eq(chunk_context_new(&ctx, NULL, &err), CHUNK_OK, "%s", err.text);
    chunk_block_function f = {
        .size = offsetof(chunk_block_function, scratch_bytes), .run = add_all, .n_in = 1, .scratch_bytes = SIZE_MAX};
    cr_assert_eq(chunk_register_blocks(ctx, "older", &f, &err), CHUNK_OK, "%s", err.text);
    f.size = sizeof f + 8;
    cr_assert_eq(chunk_register_blocks(ctx, "newer", &f, &err), CHUNK_EINVAL);
    cr_assert(strstr(err.text, "chunk_block_function.size is"), "%s", err.text);
    cr_assert_eq(chunk_register_blocks(ctx, "none", NULL, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_register_reduction(ctx, "none", CHUNK_FLOAT64, CHUNK_FLOAT64, NULL, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_register_gufunc(ctx, "none", NULL, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_eval(&a, ctx, "sum(map_blocks(older, arange(10.0)))", NULL, 0, &err), CHUNK_OK, "%s", err.text);
    chunk_output out = {.size = sizeof out, .array = a, .data = &value};
    cr_assert_eq(chunk_compute(ctx, &out, 1, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(value, 55);
    chunk_array_free(a);
    chunk_context_free(ctx);
}

Test(options, filters_that_can_be_asked_for)
{
    static const char *const good[] = {"none", "gzip=4,shuffle", "shuffle,zstd", "bitshuffle,fletcher32", "lz4"};
    static const struct {
        const char *filter, *says;
    } bad[] = {{"shuffle,shuffle", "twice"},  {"bitshuffle,shuffle", "shuffles already"}, {"none,gzip", "stands alone"},
               {"gzip,lz4", "both compress"}, {"gzip=11", "level from 0 to 9"},           {"", "none of"}};
    chunk_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect_eq(chunk_check_filter(good[i], &err), CHUNK_OK, "%s: %s", good[i], err.text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(chunk_check_filter(bad[i].filter, &err), CHUNK_EINVAL, "%s", bad[i].filter);
        cr_expect(strstr(err.text, bad[i].says), "%s: %s", bad[i].filter, err.text);
    }
    cr_expect_eq(chunk_check_filter(NULL, &err), CHUNK_EINVAL);
}

Test(options, outputs_of_one_file_lie_apart)
{
    static const struct {
        const char *first, *second, *says;
    } cases[] = {{"/a", "/a", "two results"},
                 {"/a", "//a/", "two results"},
                 {"/a", "/a/b", "runs through"},
                 {"/g/a/b", "g//a", "runs through"}};
    chunk_context *ctx = NULL;
    chunk_array *a = NULL;
    chunk_error err = {0};
    cr_assert_eq(chunk_context_new(&ctx, NULL, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chunk_eval(&a, ctx, "arange(10.0)", NULL, 0, &err), CHUNK_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        chunk_output out[2] = {{.size = sizeof *out, .array = a, .file = "/nowhere/o.h5", .dataset = cases[i].first},
                               {.size = sizeof *out, .array = a, .file = "/nowhere/o.h5", .dataset = cases[i].second}};
        cr_expect_eq(chunk_compute(ctx, out, 2, NULL, NULL, &err), CHUNK_EINVAL, "%s %s", cases[i].first, cases[i].second);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
    }
    chunk_array_free(a);
    chunk_context_free(ctx);
}
