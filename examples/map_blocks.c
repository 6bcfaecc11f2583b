/* map_blocks.c: a function of one's own on whole blocks, here tiles of an image, each stretched to its own range. Usage: map_blocks [--small] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chunk.h>

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "map_blocks: %s\n", err->text);
    exit(1);
}

/* (x - min) / (max - min) of the block, as float32. */
static int stretch(void *user, const chunk_block *b)
{
    const double *x = b->in[0].data;
    float *y = b->out->data;
    int64_t n = b->out->shape[0] * b->out->shape[1];
    double low = x[0], high = x[0];
    (void)user;
    for (int64_t i = 1; i < n; i++) {
        if (x[i] < low) low = x[i];
        if (x[i] > high) high = x[i];
    }
    for (int64_t i = 0; i < n; i++) y[i] = high > low ? (float)((x[i] - low) / (high - low)) : 0;
    return 0;
}

int main(int argc, char **argv)
{
    const int n = argc > 1 && strcmp(argv[1], "--small") == 0 ? 600 : 12000, tile = 256;
    const chunk_dtype in[] = {CHUNK_FLOAT64}, out = CHUNK_FLOAT32;
    const chunk_block_function f = {.size = sizeof f, .run = stretch, .n_in = 1, .in = in, .out = &out};
    chunk_context *ctx;
    chunk_array *result;
    chunk_error err = {0};
    chunk_report report;
    char text[160];
    double got;

    check(chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20}, &err), &err);
    check(chunk_register_blocks(ctx, "stretch", &f, &err), &err);
    /* n x n elements 0, 1, 2, ... in tiles: each is stretched from 0 to 1, whatever lies in it, so the mean is a half */
    snprintf(text, sizeof text,
             "mean(map_blocks(stretch, expand_dims(arange(%d.0), 1)*%d + arange(%d), blocks=(%d, %d)), dtype=float64)", n, n, n,
             tile, tile);
    check(chunk_eval(&result, ctx, text, NULL, 0, &err), &err);
    const chunk_output o = {.size = sizeof o, .array = result, .data = &got};
    check(chunk_compute(ctx, &o, 1, NULL, &report, &err), &err);
    printf("%s = %.9g, peak %.1f MiB of %.0f\n", text, got, (double)report.measured_peak / 1048576,
           (double)report.ceiling / 1048576);
    chunk_array_free(result);
    chunk_context_free(ctx);
    return fabs(got - 0.5) < 1e-6 ? 0 : 1;
}
