/* Mutated canonical JSON forms through chunk_from_json. Sources are constants and nodes alone: a form must not make the fuzzer open files. */
#include "fuzz/mutate.h"
#include "include/chunk.h"

enum { CAP = 16384, MAX_RESULTS = 8 };
static const char *const texts[] = {"sum(arange(20)*2.5, axis=0)",
                                    "a = linspace(0, 1, 7)[::-1]; b = eye(4)[1:, ::2] > 0.5",
                                    "k := arange(10) + 1; k - mean(k)",
                                    "astype(broadcast_to(arange(3), (2, 3)), 'float16')",
                                    "std(eye(5), axis=(0, 1), keepdims=True, correction=1)",
                                    "where(arange(5) > 2, 1 + 2j, nan)",
                                    "permute_dims(expand_dims(arange(6), 0), (1, 0))",
                                    "argmax(eye(3), axis=1) + 9007199254740993"};
enum { N = sizeof texts / sizeof *texts };

static chunk_context *ctx;
static int broken;

static void one(size_t seed, const uint8_t *data, size_t n)
{
    (void)seed;
    chunk_array *out[MAX_RESULTS];
    int n_out = 0;
    chunk_error err = {0};
    chunk_status st = chunk_from_json(out, MAX_RESULTS, &n_out, ctx, (const char *)data, n, &err);
    if (st == CHUNK_OK) {
        char *again = NULL;
        if (n_out > 0 && chunk_to_json(&again, ctx, out, n_out, &err) != CHUNK_OK) {
            printf("read but not written: %s: %.*s\n", err.text, (int)n, (const char *)data);
            broken = 1;
        }
        chunk_string_free(again);
        for (int i = 0; i < n_out; i++) chunk_array_free(out[i]);
    } else if (err.text[0] == 0 || strchr(err.text, '\n')) {
        printf("status %d with text \"%s\" for: %.*s\n", st, err.text, (int)n, (const char *)data);
        broken = 1;
    }
}

int main(void)
{
    chunk_error err = {0};
    char *json[N] = {0};
    size_t sizes[N];
    if (chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20, .threads = 1}, &err) !=
        CHUNK_OK)
        goto fail;
    for (int i = 0; i < N; i++) {
        chunk_text *t;
        chunk_array *results[MAX_RESULTS];
        if (chunk_text_new(&t, ctx, texts[i], &err) != CHUNK_OK || chunk_text_build(results, t, ctx, NULL, 0, &err) != CHUNK_OK)
            goto fail;
        int n = chunk_text_n_results(t);
        if (chunk_to_json(&json[i], ctx, results, n, &err) != CHUNK_OK) goto fail;
        for (int k = 0; k < n; k++) chunk_array_free(results[k]);
        chunk_text_free(t);
        sizes[i] = strlen(json[i]);
        if (sizes[i] > CAP / 2) {
            printf("a seed of %zu bytes\n", sizes[i]);
            return 1;
        }
    }
    long runs = fuzz_loop((const uint8_t *const *)json, sizes, N, CAP, one);
    for (int i = 0; i < N; i++) chunk_string_free(json[i]);
    chunk_context_free(ctx);
    return broken || runs == 0;
fail:
    printf("%s\n", err.text);
    return 1;
}
