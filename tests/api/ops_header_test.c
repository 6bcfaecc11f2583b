/* chunk_ops.h: every form of argument arrives at the operation as it was given. */
#include <criterion/criterion.h>
#include <math.h>

#include "chunk_ops.h"

static chunk_context *ctx;
static chunk_array *x; /* 0 to 11 as 3 x 4 */
static chunk_error err;

static void setup(void)
{
    static double data[12];
    const int64_t shape[] = {3, 4};
    for (int i = 0; i < 12; i++) data[i] = i;
    cr_assert_eq(chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .threads = 1}, &err), CHUNK_OK);
    cr_assert_eq(chunk_from_memory(&x, ctx, data, CHUNK_FLOAT64, 2, shape, NULL, &err), CHUNK_OK);
}

static void teardown(void)
{
    chunk_array_free(x);
    chunk_context_free(ctx);
}

TestSuite(ops_header, .init = setup, .fini = teardown);

/* Computes *a, which a call has just made and which must have this dtype, and frees it. */
static void expect(chunk_status st, chunk_array **a, chunk_dtype dtype, void *values)
{
    cr_assert_eq(st, CHUNK_OK, "%s", err.text);
    cr_assert_eq(chunk_array_dtype(*a), dtype);
    const chunk_output out = {.size = sizeof out, .array = *a, .data = values};
    cr_assert_eq(chunk_compute(ctx, &out, 1, NULL, NULL, &err), CHUNK_OK, "%s", err.text);
    chunk_array_free(*a);
}

Test(ops_header, axes_flags_and_dtypes)
{
    chunk_array *a;
    double all, row[3], variance;
    float column[4];
    int64_t place[4];
    expect(chunk_op_sum(&a, ctx, x, NULL, &err), &a, CHUNK_FLOAT64, &all);
    cr_assert_eq(all, 66);
    expect(chunk_op_sum(&a, ctx, x, &(chunk_op_sum_options){.axis = {1, {-1}}}, &err), &a, CHUNK_FLOAT64, row);
    cr_assert(row[0] == 6 && row[2] == 38);
    expect(chunk_op_mean(&a, ctx, x, &(chunk_op_mean_options){.axis = {1, {0}}, .dtype = "float32"}, &err), &a, CHUNK_FLOAT32,
           column);
    cr_assert(column[0] == 4 && column[3] == 7);
    expect(chunk_op_var(&a, ctx, x, &(chunk_op_var_options){.axis = {2, {0, 1}}, .correction = 1}, &err), &a, CHUNK_FLOAT64,
           &variance);
    cr_assert_float_eq(variance, 13, 1e-12);
    expect(chunk_op_argmax(&a, ctx, x, &(chunk_op_argmax_options){.axis = {1, {0}}}, &err), &a, CHUNK_INT64, place);
    cr_assert(place[0] == 2 && place[3] == 2);
    cr_assert_eq(chunk_op_max(&a, ctx, x, &(chunk_op_max_options){.axis = {1, {1}}, .keepdims = true}, &err), CHUNK_OK);
    cr_assert(chunk_array_ndim(a) == 2 && chunk_array_shape(a)[1] == 1);
    chunk_array_free(a);
}

Test(ops_header, shapes_and_required_arguments)
{
    chunk_array *a;
    int32_t i32[12];
    double z[6];
    expect(chunk_op_astype(&a, ctx, x, CHUNK_INT32, &err), &a, CHUNK_INT32, i32);
    cr_assert_eq(i32[11], 11);
    expect(chunk_op_ones(&a, ctx, (chunk_ints){2, {2, 3}}, NULL, &err), &a, CHUNK_FLOAT64, z);
    cr_assert(z[0] == 1 && z[5] == 1);
    expect(chunk_op_zeros(&a, ctx, (chunk_ints){1, {6}}, &(chunk_op_zeros_options){.dtype = "float64"}, &err), &a, CHUNK_FLOAT64,
           z);
    cr_assert(z[0] == 0 && z[5] == 0);
    expect(chunk_op_zeros(&a, ctx, (chunk_ints){0}, NULL, &err), &a, CHUNK_FLOAT64, z);
    cr_assert_eq(chunk_op_moveaxis(&a, ctx, x, (chunk_ints){1, {0}}, (chunk_ints){1, {1}}, &err), CHUNK_OK, "%s", err.text);
    cr_assert(chunk_array_shape(a)[0] == 4 && chunk_array_shape(a)[1] == 3);
    chunk_array_free(a);
    cr_assert_eq(chunk_op_permute_dims(&a, ctx, x, NULL, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chunk_array_shape(a)[0], 4);
    chunk_array_free(a);
}

Test(ops_header, numbers_with_other_defaults)
{
    chunk_array *a, *low;
    double line[3], clipped[12];
    int64_t range[3];
    bool close[12];
    expect(chunk_op_linspace(&a, ctx, 0, 3, &(chunk_op_linspace_options){.num = &(int64_t){3}, .endpoint = &(bool){false}}, &err),
           &a, CHUNK_FLOAT64, line);
    cr_assert(line[0] == 0 && line[2] == 2);
    expect(chunk_op_arange(&a, ctx, 4, &(chunk_op_arange_options){.stop = &(double){10}, .step = &(double){2}, .dtype = "int64"},
                           &err),
           &a, CHUNK_INT64, range);
    cr_assert(range[0] == 4 && range[2] == 8);
    expect(chunk_op_isclose(&a, ctx, x, x, &(chunk_op_isclose_options){.rtol = &(double){0}}, &err), &a, CHUNK_BOOL, close);
    cr_assert(close[0] && close[11]);
    cr_assert_eq(chunk_from_float(&low, ctx, 2.5, &err), CHUNK_OK);
    expect(chunk_op_clip(&a, ctx, x, &(chunk_op_clip_options){.min = low}, &err), &a, CHUNK_FLOAT64, clipped);
    cr_assert(clipped[0] == 2.5 && clipped[11] == 11);
    chunk_array_free(low);
}

/* Plain numbers do not change the dtype of what they meet; integers stay what they are. */
Test(ops_header, plain_numbers)
{
    chunk_array *a, *f32, *i8, *half, *one;
    cr_assert_eq(chunk_from_float(&half, ctx, 0.5, &err), CHUNK_OK);
    cr_assert_eq(chunk_from_int(&one, ctx, 1, &err), CHUNK_OK);
    cr_assert_eq(chunk_op_astype(&f32, ctx, x, CHUNK_FLOAT32, &err), CHUNK_OK);
    cr_assert_eq(chunk_op_astype(&i8, ctx, x, CHUNK_INT8, &err), CHUNK_OK);
    float f[12];
    int8_t i[12];
    expect(chunk_op_add(&a, ctx, f32, half, &err), &a, CHUNK_FLOAT32, f);
    cr_assert_eq(f[1], 1.5f);
    expect(chunk_op_add(&a, ctx, one, i8, &err), &a, CHUNK_INT8, i);
    cr_assert_eq(i[11], 12);
    chunk_array *all[] = {f32, i8, half, one};
    for (int k = 0; k < 4; k++) chunk_array_free(all[k]);
}

Test(ops_header, several_arrays)
{
    chunk_array *a, *const both[] = {x, x};
    double joined[24];
    expect(chunk_op_concat(&a, ctx, both, 2, &(chunk_op_concat_options){.axis = 1}, &err), &a, CHUNK_FLOAT64, joined);
    cr_assert(joined[3] == 3 && joined[4] == 0 && joined[23] == 11);
    chunk_array *many[1000];
    double all[1000 * 12];
    for (int i = 0; i < 1000; i++) many[i] = x;
    expect(chunk_op_concat(&a, ctx, many, 1000, NULL, &err), &a, CHUNK_FLOAT64, all);
    cr_assert(all[11] == 11 && all[12] == 0 && all[999 * 12 + 7] == 7);
    cr_assert_neq(chunk_op_concat(&a, ctx, both, -1, NULL, &err), CHUNK_OK);
}

/* One call for all results, one where part picks it; operations with one result are told from these. */
Test(ops_header, several_results)
{
    chunk_array *part[3], *one;
    chunk_arg args[] = {
        {.kind = CHUNK_ARG_ARRAY, .array = x}, {.kind = CHUNK_ARG_INT, .i = 2}, {.name = "axis", .kind = CHUNK_ARG_INT, .i = 1}};
    int n = 0;
    double half[6];
    int64_t where[2][11];
    cr_assert_eq(chunk_call_all(NULL, 0, &n, ctx, "split", args, 3, &err), CHUNK_OK);
    cr_assert_eq(n, 2);
    n = 0;
    cr_assert_eq(chunk_call_all(part, 1, &n, ctx, "split", args, 3, &err), CHUNK_EINVAL);
    cr_assert_str_eq(err.text, "split: 2 results, room for 1");
    cr_assert_eq(n, 0);
    cr_assert_eq(chunk_call_all(part, 3, &n, ctx, "split", args, 3, &err), CHUNK_OK);
    expect(CHUNK_OK, &part[0], CHUNK_FLOAT64, half);
    cr_assert(half[0] == 0 && half[5] == 9);
    expect(CHUNK_OK, &part[1], CHUNK_FLOAT64, half);
    cr_assert(half[0] == 2 && half[5] == 11);
    cr_assert_eq(chunk_call_all(part, 3, &n, ctx, "nonzero", args, 1, &err), CHUNK_OK);
    cr_assert_eq(n, 2);
    for (int i = 0; i < n; i++) expect(CHUNK_OK, &part[i], CHUNK_INT64, where[i]);
    for (int i = 0; i < 11; i++) cr_assert(where[0][i] == (i + 1) / 4 && where[1][i] == (i + 1) % 4);
    cr_assert_eq(chunk_op_nonzero(&one, ctx, x, NULL, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_call_all(part, 3, &n, ctx, "sqrt", args, 1, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_call_all(part, 3, &n, ctx, "splat", args, 1, &err), CHUNK_ENAME);
}

Test(ops_header, errors_are_those_of_the_operation)
{
    chunk_array *a = NULL;
    cr_assert_eq(chunk_op_sum(&a, ctx, x, &(chunk_op_sum_options){.axis = {1, {7}}}, &err), CHUNK_EINDEX);
    cr_assert_eq(chunk_op_sum(&a, ctx, x, &(chunk_op_sum_options){.dtype = "float31"}, &err), CHUNK_ETYPE);
    cr_assert_eq(chunk_op_add(&a, ctx, x, NULL, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_op_zeros(&a, ctx, (chunk_ints){CHUNK_MAX_NDIM + 1, {1}}, NULL, &err), CHUNK_EINVAL);
    cr_assert_null(a);
}
