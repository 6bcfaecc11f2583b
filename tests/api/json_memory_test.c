/* json_memory_test.c: expressions over arrays in memory as JSON: their values go beside the text. */
#include "blocks_case.h"

TestSuite(json_memory, .timeout = 60);

static chunk_array *memory(chunk_context *ctx, const double *values, int64_t n)
{
    chunk_array *a;
    cr_assert_eq(chunk_from_memory(&a, ctx, values, CHUNK_FLOAT64, 1, &n, NULL, &err), CHUNK_OK, "%s", err.text);
    return a;
}

static const double first[3] = {1, 2, 3}, second[3] = {10, 20, 30};

static chunk_array *expression(chunk_context *ctx)
{
    chunk_array *x = memory(ctx, first, 3), *y = memory(ctx, second, 3), *z;
    const chunk_binding bound[] = {{"x", x}, {"y", y}};
    cr_assert_eq(chunk_eval(&z, ctx, "x * 2 + y[::-1] - x", bound, 2, &err), CHUNK_OK, "%s", err.text);
    chunk_array_free(x);
    chunk_array_free(y);
    return z;
}

static chunk_status values_of(chunk_context *ctx, chunk_array *a, double *to)
{
    chunk_output out = {.size = sizeof out, .array = a, .data = to};
    return chunk_compute(ctx, &out, 1, NULL, NULL, &err);
}

Test(json_memory, memory_goes_beside_the_text)
{
    chunk_context *ctx = context(64 << 20, 1), *other = context(64 << 20, 1);
    chunk_array *z = expression(ctx), *found[2], *given[2], *back;
    double v[2][3], got[3];
    char *json;
    int n, n_back;
    cr_assert_eq(chunk_to_json(&json, ctx, &z, 1, &err), CHUNK_EUNSUPPORTED);
    cr_assert_eq(chunk_to_json_memory(&json, found, 1, &n, ctx, &z, 1, &err), CHUNK_EUNSUPPORTED, "there are two");
    cr_assert_eq(chunk_to_json_memory(&json, found, 2, &n, ctx, &z, 1, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(n, 2);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(values_of(ctx, found[i], v[i]), CHUNK_OK, "%s", err.text);
        chunk_array_free(found[i]);
        given[i] = memory(other, v[i], 3);
    }
    size_t length = strlen(json);
    cr_assert_eq(chunk_from_json_memory(&back, 1, &n_back, other, json, length, given, 2, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(values_of(other, back, got), CHUNK_OK, "%s", err.text);
    for (int i = 0; i < 3; i++) cr_assert_eq(got[i], first[i] + second[2 - i]);
    chunk_array_free(back);

    cr_assert_eq(chunk_from_json(&back, 1, &n_back, other, json, length, &err), CHUNK_EFILE);
    cr_assert_eq(chunk_from_json_memory(&back, 1, &n_back, other, json, length, given, 1, &err), CHUNK_EFILE);
    cr_assert(strstr(err.text, "none of the 1 arrays"), "%s", err.text);
    chunk_array *odd[2] = {given[0], memory(other, v[1], 2)};
    cr_assert_eq(chunk_from_json_memory(&back, 1, &n_back, other, json, length, odd, 2, &err), CHUNK_EFILE, "of another shape");
    chunk_array_free(odd[1]);
    cr_assert_eq(chunk_from_int(&odd[1], other, 3, &err), CHUNK_OK);
    cr_assert_eq(chunk_from_json_memory(&back, 1, &n_back, other, json, length, odd, 2, &err), CHUNK_EINVAL, "no source");
    chunk_array_free(odd[1]);
    for (int i = 0; i < 2; i++) chunk_array_free(given[i]);
    chunk_array_free(z);
    chunk_string_free(json);
    chunk_context_free(other);
    chunk_context_free(ctx);
}
