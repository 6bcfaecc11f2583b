/* Mutated stored chunks of every filter through the decoder: an error in words or RAW bytes, never one byte beyond a buffer. Buffers are blocks of
 * their exact size, and a mark behind them is checked where no sanitizer does. */
#include "fuzz/mutate.h"
#include "store/codec.h"

enum { RAW = 3000, CAP = 8192, MARK = 64 };
static const char *const texts[] = {
    "shuffle",        "gzip=4,shuffle", "gzip=1,fletcher32",     "lz4",       "lz4,shuffle", "zstd=3",
    "zstd=1,shuffle", "bitshuffle",     "bitshuffle,fletcher32", "fletcher32"};
enum { N = sizeof texts / sizeof *texts };

static chk_pipeline pipelines[N];
static int broken;

static void one(size_t seed, const uint8_t *data, size_t n)
{
    const chk_pipeline *p = &pipelines[seed];
    size_t n_scratch = chk_pipeline_decode_scratch(p, RAW, false);
    uint8_t *out = malloc(RAW + MARK), *scratch = malloc(n_scratch + MARK);
    if (!out || !scratch) abort();
    memset(out + RAW, 0xa5, MARK);
    memset(scratch + n_scratch, 0xa5, MARK);
    bool planes = false;
    chunk_error err = {0};
    chunk_status st = chk_pipeline_decode(p, fuzz_below(16) ? 0 : fuzz_random() & 3, out, RAW, data, n, scratch, n_scratch,
                                          fuzz_below(2), &planes, &err);
    for (int i = 0; i < MARK; i++)
        if (out[RAW + i] != 0xa5 || scratch[n_scratch + (size_t)i] != 0xa5) {
            printf("%s: wrote beyond a buffer\n", texts[seed]);
            broken = 1;
        }
    if (st != CHUNK_OK && err.text[0] == 0) {
        printf("%s: status %d without a text\n", texts[seed], st);
        broken = 1;
    }
    free(out);
    free(scratch);
}

int main(void)
{
    uint8_t raw[RAW], *seeds[N];
    size_t sizes[N];
    chunk_error err = {0};
    for (int i = 0; i < RAW; i++) raw[i] = (uint8_t)(i % 8 ? i / 200 : i);
    for (int i = 0; i < N; i++) {
        if (chk_pipeline_parse(&pipelines[i], texts[i], 8, &err) != CHUNK_OK) goto fail;
        size_t bound = chk_pipeline_stored_bound(&pipelines[i], RAW), n_scratch = chk_pipeline_encode_scratch(&pipelines[i], RAW);
        uint32_t mask;
        void *scratch = malloc(n_scratch + 1);
        seeds[i] = malloc(bound);
        if (!scratch || !seeds[i]) return 1;
        if (chk_pipeline_encode(&pipelines[i], &mask, seeds[i], bound, &sizes[i], raw, RAW, scratch, n_scratch, &err) != CHUNK_OK)
            goto fail;
        free(scratch);
    }
    long runs = fuzz_loop((const uint8_t *const *)seeds, sizes, N, CAP, one);
    for (int i = 0; i < N; i++) free(seeds[i]);
    chk_codec_thread_done();
    return broken || runs == 0;
fail:
    printf("%s\n", err.text);
    return 1;
}
