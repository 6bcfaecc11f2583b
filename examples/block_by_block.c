/* block_by_block.c: a stored array walked block by block, each block computed into one small buffer. Usage: block_by_block [--small] */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chunk.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "block_by_block: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    const int64_t rows = argc > 1 && strcmp(argv[1], "--small") == 0 ? 1000 : 100000, columns = 300;
    char dir[] = "/tmp/chunk-example-XXXXXX", file[64], text[128];
    chunk_context *ctx;
    chunk_array *x, *doubled;
    chunk_error err = {0};

    if (mkdtemp(dir) == NULL) return 1;
    snprintf(file, sizeof file, "%s/x.h5", dir);
    check(chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20}, &err), &err);
    snprintf(text, sizeof text, "arange(%lld)[:, None] * 1000 + arange(%lld)", (long long)rows, (long long)columns);
    check(chunk_eval(&x, ctx, text, NULL, 0, &err), &err);
    const chunk_output store = {
        .size = sizeof store, .array = x, .file = file, .dataset = "/x", .chunk = (int64_t[]){128, columns}};
    check(chunk_compute(ctx, &store, 1, NULL, NULL, &err), &err);
    chunk_array_free(x);
    check(chunk_from_hdf5(&x, ctx, file, "/x", &err), &err);
    check(chunk_eval(&doubled, ctx, "2*x", &(chunk_binding){"x", x}, 1, &err), &err);

    /* The array's own chunks along axis 0 are the blocks in which it is cheapest to walk. */
    int64_t n = chunk_array_bounds(doubled, 0, NULL, 0), wrong = 0, largest = 0;
    int64_t *bounds = calloc((size_t)n + 1, sizeof *bounds);
    if (bounds == NULL) return 1;
    chunk_array_bounds(doubled, 0, bounds, n + 1);
    for (int64_t k = 0; k < n; k++)
        if (bounds[k + 1] - bounds[k] > largest) largest = bounds[k + 1] - bounds[k];
    int64_t *block = malloc((size_t)(largest * columns) * sizeof *block);
    if (block == NULL) return 1;
    for (int64_t k = 0; k < n; k++) {
        chunk_array *part;
        check(chunk_slice(&part, ctx, doubled, (int64_t[]){bounds[k], 0}, (int64_t[]){bounds[k + 1], columns}, NULL, &err), &err);
        const chunk_output out = {.size = sizeof out, .array = part, .data = block};
        check(chunk_compute(ctx, &out, 1, NULL, NULL, &err), &err);
        for (int64_t i = bounds[k]; i < bounds[k + 1]; i++)
            for (int64_t j = 0; j < columns; j++) wrong += block[(i - bounds[k]) * columns + j] != 2 * (i * 1000 + j);
        chunk_array_free(part);
    }
    printf("%lld rows in %lld blocks of at most %lld: %lld wrong values\n", (long long)bounds[n], (long long)n, (long long)largest,
           (long long)wrong);
    int ok = wrong == 0 && bounds[n] == rows && n > 1;
    free(block);
    free(bounds);
    chunk_array_free(doubled);
    chunk_array_free(x);
    chunk_context_free(ctx);
    unlink(file);
    rmdir(dir);
    return ok ? 0 : 1;
}
