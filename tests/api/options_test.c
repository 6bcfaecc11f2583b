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
