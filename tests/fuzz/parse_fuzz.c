/* Mutated expressions: parsed, built over small arrays and, where that works, planned. Whatever the text, a status and one line, never a crash. */
#include "fuzz/mutate.h"
#include "include/chunk.h"

enum { CAP = 4096 };
static const char *const texts[] = {"x + 1",
                                    "a = sum(x*y, axis=0); b = x[::-1, ..., None]",
                                    "k := exp(x); k - mean(k)",
                                    "where(x > 0.5, -y, ~z)",
                                    "x[1:-1:2, 5] ** 2.5e-3",
                                    "clip(x, min=0, max=None)",
                                    "astype(z, 'float16') // 3 % 0x1f",
                                    "std(x, axis=(0, 1), keepdims=True, correction=1)",
                                    "1 + 2j*inf - nan",
                                    "permute_dims(x, axes=(1, 0)) @ y",
                                    "((((x))))",
                                    "x < y",
                                    "not x and y",
                                    "broadcast_to(z[0], (7, 5))",
                                    "arange(10) << 3 & 5 | z[0, 0] ^ 1",
                                    "linspace(0, 1, 50, endpoint=False)",
                                    "eye(5, k=-1, dtype=int8)",
                                    "zeros((2, 3, 1000000, 1000000))",
                                    "-x ** -2",
                                    "\"a\" + 'b'"};
enum { N = sizeof texts / sizeof *texts };

static chunk_context *ctx;
static chunk_array *bound[3];
static int broken;

static void one(size_t seed, const uint8_t *data, size_t n)
{
    (void)seed;
    char *text = malloc(n + 1);
    if (!text) return;
    memcpy(text, data, n);
    text[n] = 0;
    chunk_text *t = NULL;
    chunk_error err = {0};
    chunk_status st = chunk_text_new(&t, ctx, text, &err);
    if (st == CHUNK_OK) {
        int n_results = chunk_text_n_results(t);
        chunk_array **results = calloc((size_t)n_results + 1, sizeof *results);
        const chunk_binding bindings[] = {{"x", bound[0]}, {"y", bound[1]}, {"z", bound[2]}};
        st = chunk_text_build(results, t, ctx, bindings, 3, &err);
        for (int i = 0; st == CHUNK_OK && i < n_results; i++) {
            char *json = NULL;
            if (chunk_to_json(&json, ctx, &results[i], 1, NULL) == CHUNK_OK) chunk_string_free(json);
            chunk_array_free(results[i]);
        }
        free(results);
        chunk_text_free(t);
    }
    if (st != CHUNK_OK && (err.text[0] == 0 || strchr(err.text, '\n') || err.column < 0)) {
        printf("status %d, column %d, text \"%s\" for: %s\n", st, err.column, err.text, text);
        broken = 1;
    }
    free(text);
}

int main(void)
{
    static double x[35];
    static short z[35];
    const int64_t shape[] = {7, 5};
    chunk_error err = {0};
    if (chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20, .threads = 1}, &err) !=
            CHUNK_OK ||
        chunk_from_memory(&bound[0], ctx, x, CHUNK_FLOAT64, 2, shape, NULL, &err) != CHUNK_OK ||
        chunk_from_memory(&bound[1], ctx, x, CHUNK_FLOAT64, 2, shape, NULL, &err) != CHUNK_OK ||
        chunk_from_memory(&bound[2], ctx, z, CHUNK_INT16, 2, shape, NULL, &err) != CHUNK_OK) {
        printf("%s\n", err.text);
        return 1;
    }
    size_t sizes[N];
    for (size_t i = 0; i < N; i++) sizes[i] = strlen(texts[i]);
    long runs = fuzz_loop((const uint8_t *const *)texts, sizes, N, CAP, one);
    for (int i = 0; i < 3; i++) chunk_array_free(bound[i]);
    chunk_context_free(ctx);
    return broken || runs == 0;
}
