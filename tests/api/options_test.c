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
