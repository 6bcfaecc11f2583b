/* build_by_calls.c: an expression built call by call: sum(sin(x) * x + 1, axis=0), then a slice of it; each operation is a function of
 * chunk_ops.h. Usage: build_by_calls [--small] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chunk_ops.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "build_by_calls: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    const int64_t rows = argc > 1 && strcmp(argv[1], "--small") == 0 ? 300 : 30000, columns = 500;
    double *data = malloc((size_t)(rows * columns) * sizeof *data), got[100], worst = 0;
    chunk_context *ctx;
    chunk_array *x, *s, *product, *one, *more, *sum, *part;
    chunk_error err = {0};

    if (data == NULL) return 1;
    for (int64_t i = 0; i < rows * columns; i++) data[i] = (double)(i % 1000) / 250;
    check(chunk_context_new(&ctx, NULL, &err), &err);
    check(chunk_from_memory(&x, ctx, data, CHUNK_FLOAT64, 2, (int64_t[]){rows, columns}, NULL, &err), &err);
    check(chunk_op_sin(&s, ctx, x, &err), &err);
    check(chunk_op_multiply(&product, ctx, s, x, &err), &err);
    check(chunk_from_int(&one, ctx, 1, &err), &err); /* a plain number: takes the dtype of what it is added to */
    check(chunk_op_add(&more, ctx, product, one, &err), &err);
    check(chunk_op_sum(&sum, ctx, more, &(chunk_op_sum_options){.axis = {1, {0}}}, &err), &err);
    /* Every fifth column of the result. Chunks of columns that no slice shows would not even be read. */
    check(chunk_slice(&part, ctx, sum, (int64_t[]){0}, (int64_t[]){columns}, (int64_t[]){5}, &err), &err);

    const chunk_output out = {.size = sizeof out, .array = part, .data = got};
    check(chunk_compute(ctx, &out, 1, NULL, NULL, &err), &err);
    for (int k = 0; k < 100; k++) {
        double expected = 0;
        for (int64_t i = 0; i < rows; i++) expected += sin(data[i * columns + 5 * k]) * data[i * columns + 5 * k] + 1;
        worst = fmax(worst, fabs(got[k] - expected) / fmax(1, fabs(expected)));
    }
    printf("sum(sin(x) * x + 1, axis=0)[::5] of %lld x %lld: largest relative difference %.2g\n", (long long)rows,
           (long long)columns, worst);

    chunk_array *all[] = {x, s, product, one, more, sum, part};
    for (int i = 0; i < 7; i++) chunk_array_free(all[i]);
    chunk_context_free(ctx);
    free(data);
    return worst < 1e-12 ? 0 : 1;
}
