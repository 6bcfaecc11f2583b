/* blocks_inproc N BLOCK REPEAT: what a call of a caller's function over blocks costs: sum(map_blocks(copy, x)) over N float64 in memory in blocks of BLOCK
 * elements, and the same sum with a registered elementwise function, which needs no blocks. Prints one line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chunk.h"

static int copy_block(void *user, const chunk_block *b)
{
    (void)user;
    memcpy(b->out->data, b->in[0].data, (size_t)b->out->shape[0] * sizeof(double));
    return 0;
}

static int copy_elements(void *user, const void *const *in, void *out, size_t n)
{
    (void)user;
    memcpy(out, in[0], n * sizeof(double));
    return 0;
}

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "blocks_inproc: %s\n", err->text);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Best of `repeat` runs. */
static double best(chunk_context *ctx, const char *text, chunk_array *x, int repeat, double *value)
{
    double least = 1e9;
    chunk_error err;
    for (int i = 0; i < repeat; i++) {
        chunk_array *y;
        check(chunk_eval(&y, ctx, text, &(chunk_binding){"x", x}, 1, &err), &err);
        chunk_output out = {.size = sizeof out, .array = y, .data = value};
        double start = now();
        check(chunk_compute(ctx, &out, 1, NULL, NULL, &err), &err);
        double took = now() - start;
        if (took < least) least = took;
        chunk_array_free(y);
    }
    return least;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: blocks_inproc N BLOCK REPEAT\n");
        return 2;
    }
    int64_t n = atoll(argv[1]), block = atoll(argv[2]);
    int repeat = atoi(argv[3]);
    chunk_context *ctx;
    chunk_array *x;
    chunk_error err;
    char text[80];
    double value = 0, plain = 0, *data = malloc((size_t)n * sizeof *data);
    for (int64_t i = 0; i < n; i++) data[i] = (double)(i & 1023);
    check(chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20}, &err), &err);
    check(chunk_from_memory(&x, ctx, data, CHUNK_FLOAT64, 1, &n, NULL, &err), &err);
    check(chunk_register_blocks(ctx, "copy_block",
                                &(chunk_block_function){.size = sizeof(chunk_block_function), .run = copy_block, .n_in = 1}, &err),
          &err);
    check(chunk_register_map(ctx, "copy_elements", 1, (chunk_dtype[]){CHUNK_FLOAT64}, CHUNK_FLOAT64, copy_elements, NULL, &err),
          &err);
    snprintf(text, sizeof text, "sum(map_blocks(copy_block, x, blocks=%lld))", (long long)block);
    double blocks = best(ctx, text, x, repeat, &value), elements = best(ctx, "sum(copy_elements(x))", x, repeat, &plain);
    if (value != plain) return fprintf(stderr, "blocks_inproc: %.17g is not %.17g\n", value, plain), 1;
    printf("{\"seconds\": %.9f, \"plain_seconds\": %.9f, \"blocks\": %lld, \"check_value\": %.17g}\n", blocks, elements,
           (long long)((n + block - 1) / block), value);
    chunk_array_free(x);
    chunk_context_free(ctx);
    free(data);
    return 0;
}
