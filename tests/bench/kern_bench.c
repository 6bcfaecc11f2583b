/* kern_bench [-w] [NAME...]: element rates of the kernels against a memcpy that moves as many bytes, in the L1 and L2 caches, at every
 * instruction set level of this machine (-w: at the widest only). Prints a line of JSON each; with NAMEs only kernels called so. */
#if defined __x86_64__
#include <immintrin.h>
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kern/kern.h"

enum { MAX_BYTES = 256 << 10, N_TIMES = 25 };

static char *in_bytes[3], *out_bytes;
static char **only; /* names, up to NULL; none: all */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is measured: any one of the kinds of kernel, on n elements */
typedef struct work {
    chk_kern kern;
    const chk_red_kern *red;
    void (*move)(void *out, const void *in, size_t item_bytes, size_t n);
    bool cols;
    size_t item, n;
    size_t moved;          /* bytes an element, read and written; 0: twice the item */
    size_t stored, loaded; /* bytes, of loads and stores alone; loaded from one array */
    bool two;              /* as much as is stored is loaded from another one */
    bool flags;            /* and a byte for each element of `item` bytes from a third: items of 4 or 8 */
    size_t out_item;       /* bytes that a kernel writes an element; 0: the item */
} work;

static void loads_and_stores(char *out, size_t n_out, const char *in, size_t n_in, const char *more);
static void loads_with_flags(char *out, size_t n_out, char *const in[3], size_t item);

static void once(const work *w)
{
    const void *in[3] = {in_bytes[0], in_bytes[1], in_bytes[2]};
    if (w->stored && w->flags) {
        loads_with_flags(out_bytes, w->stored, in_bytes, w->item);
    } else if (w->stored) {
        loads_and_stores(out_bytes, w->stored, in_bytes[0], w->loaded, w->two ? in_bytes[1] : NULL);
    } else if (w->kern) {
        w->kern(out_bytes, in, w->n);
    } else if (w->move) {
        w->move(out_bytes, in_bytes[0], w->item, w->n);
    } else if (w->red) {
        size_t k = w->cols ? 256 : 1;
        w->red->init(out_bytes, k, 0, k);
        if (w->cols)
            w->red->cols(out_bytes, k, 0, k, in_bytes[0], w->n / k, k, 0, 1);
        else
            w->red->row(out_bytes, k, 0, in_bytes[0], w->n, 0);
    } else {
        memcpy(out_bytes, in_bytes[0], w->n * w->item);
    }
}

/* Seconds a call: of `n_calls`, which is doubled until they take about 200 us. */
static double seconds(const work *w, size_t *n_calls)
{
    for (;; *n_calls *= 2) {
        double t = now();
        for (size_t c = 0; c < *n_calls; c++) once(w);
        t = now() - t;
        if (t >= 2e-4) return t / (double)*n_calls;
    }
}

/* What vector loads and stores can do: for every vector stored so many bytes are loaded as a kernel does, and nothing is computed but a bit operation. A memcpy is
 * faster in the L2 cache where the processor's string instruction moves whole lines without reading what it overwrites. */
#if defined __x86_64__
__attribute__((target("avx512f"))) static void loads_and_stores(char *out, size_t n_out, const char *in, size_t n_in,
                                                                const char *more)
{
    size_t per = 64 * n_in / n_out; /* loaded from `in` for 64 stored: 32 at least */
    for (size_t o = 0, i = 0; o < n_out; o += 64, i += per) {
        __m512i x = per < 64 ? _mm512_castsi256_si512(_mm256_loadu_si256((const void *)(in + i))) : _mm512_loadu_si512(in + i);
        for (size_t k = 64; k + 64 <= per; k += 64) x = _mm512_xor_si512(x, _mm512_loadu_si512(in + i + k));
        if (more) x = _mm512_xor_si512(x, _mm512_loadu_si512(more + o));
        _mm512_storeu_si512(out + o, x);
    }
}
#define WITH_FLAGS(load, step)                                                                                                     \
    for (size_t o = 0; o < n_out; o += 64) {                                                                                       \
        __m512i x = _mm512_xor_si512(_mm512_loadu_si512(in[0] + o), _mm512_loadu_si512(in[1] + o));                                \
        x = _mm512_xor_si512(x, _mm512_zextsi128_si512(load((const void *)(in[2] + o / step))));                                   \
        _mm512_storeu_si512(out + o, x);                                                                                           \
    }
__attribute__((target("avx512f"))) static void loads_with_flags(char *out, size_t n_out, char *const in[3], size_t item)
{
    if (item == 8)
        WITH_FLAGS(_mm_loadl_epi64, 8)
    else
        WITH_FLAGS(_mm_loadu_si128, 4)
}
static bool has_loads_and_stores(void) { return __builtin_cpu_supports("avx512f"); }
#else
static void loads_with_flags(char *out, size_t n_out, char *const in[3], size_t item)
{
    (void)out, (void)n_out, (void)in, (void)item;
}
static void loads_and_stores(char *out, size_t n_out, const char *in, size_t n_in, const char *more)
{
    (void)out, (void)n_out, (void)in, (void)n_in, (void)more;
}
static bool has_loads_and_stores(void) { return false; }
#endif

/* Millions of elements a second of the kernel, the copy and the loads and stores, the best of timings in turn: the machine's pace changes while one waits. */
static void rates(const work *w, const work *copy, const work *stream, double *rate, double *copy_rate, double *stream_rate)
{
    size_t n_calls = 1, n_copies = 1, n_streams = 1;
    double best = 1e9, best_copy = 1e9, best_stream = 1e9;
    for (int i = 0; i < N_TIMES; i++) {
        best = fmin(best, seconds(w, &n_calls));
        best_copy = fmin(best_copy, seconds(copy, &n_copies));
        if (stream->stored) best_stream = fmin(best_stream, seconds(stream, &n_streams));
    }
    *rate = (double)w->n / best / 1e6;
    *copy_rate = (double)copy->n / best_copy / 1e6;
    *stream_rate = stream->stored ? (double)w->n / best_stream / 1e6 : 0;
}

static bool chosen(const char *name)
{
    for (char **o = only; *o; o++)
        if (!strcmp(*o, name)) return true;
    return !*only;
}

static void report(const char *kernel, const char *suffix, chk_dtype d, const char *cache, work w)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", kernel, suffix);
    if (!chosen(name)) return;
    size_t moved = w.moved ? w.moved : 2 * w.item;
    work copy = {.item = 1, .n = w.n * moved / 2}; /* reads so many and writes so many */
    size_t out_item = w.out_item ? w.out_item : w.item, stored = w.n * out_item, loaded = w.n * (moved - out_item);
    bool two = loaded >= 2 * stored && !w.out_item;
    bool flags = two && loaded == 2 * stored + w.n && (w.item == 4 || w.item == 8);
    if (two) loaded = stored;
    bool streams = w.kern && has_loads_and_stores() && stored % 64 == 0 && 2 * loaded >= stored && loaded <= MAX_BYTES;
    work stream = {.item = w.item, .n = w.n, .stored = streams ? stored : 0, .loaded = loaded, .two = two, .flags = flags};
    double r, c, l;
    rates(&w, &copy, &stream, &r, &c, &l);
    c *= 2 / (double)moved;
    printf("{\"kernel\":\"%s\",\"dtype\":\"%s\",\"isa\":\"%s\",\"cache\":\"%s\",\"Melem_s\":%.0f,\"copy_Melem_s\":%.0f,\"stream_"
           "Melem_s\":%.0f}\n",
           name, chk_dtype_name(d), chk_isa_name(chk_isa_now()), cache, r, c, l);
    fflush(stdout);
}

static void fill(chk_dtype d, size_t n)
{
    for (int i = 0; i < 3; i++)
        for (size_t j = 0; j < n; j++) {
            double x = 0.5 + (double)(j * 37 % 101) / 50 + i;
            const void *in[1] = {&x};
            chk_kern_cast(CHK_F64, d)(in_bytes[i] + j * chk_dtype_size(d), in, 1);
        }
}

static void batch(chk_dtype d, const char *cache, size_t bytes)
{
    size_t item = chk_dtype_size(d), n = bytes / item;
    fill(d, n);
    for (int f = 1; f < CHK_NFN; f++) {
        if (f == CHK_FN_WHERE)
            for (size_t j = 0; j < n; j++) in_bytes[0][j] = j * 7 % 3 == 0;
        chk_kern k = f >= CHK_FN_EQ_IU && f <= CHK_FN_GE_IU ? NULL : chk_kern_find((chk_fn)f, d);
        work w = {.kern = k,
                  .item = item,
                  .n = n,
                  .moved = f == CHK_FN_WHERE ? 1 + 3 * item : (size_t)(chk_fn_n_in((chk_fn)f) + 1) * item};
        if (k) report(chk_fn_name((chk_fn)f), "", d, cache, w);
    }
    fill(d, n);
    for (int to = 0; to < CHK_NDTYPE; to++) {
        char name[64];
        snprintf(name, sizeof name, "to_%s", chk_dtype_name((chk_dtype)to));
        size_t m = chk_dtype_size((chk_dtype)to) > item ? n * item / chk_dtype_size((chk_dtype)to) : n;
        size_t moved = item + chk_dtype_size((chk_dtype)to);
        report(name, "", d, cache,
               (work){.kern = chk_kern_cast(d, (chk_dtype)to), .item = item, .n = m, .moved = moved, .out_item = moved - item});
    }
    for (int r = 0; r < CHK_NRED; r++) {
        const chk_red_kern *k = chk_red_find((chk_red)r, d);
        if (!k) continue;
        report(chk_red_name((chk_red)r), "_row", d, cache, (work){.red = k, .item = item, .n = n});
        report(chk_red_name((chk_red)r), "_cols", d, cache, (work){.red = k, .cols = true, .item = item, .n = n});
    }
}

static void shuffle(void *out, const void *in, size_t item, size_t n) { chk_kern_shuffle(out, in, item, item * n); }
static void unshuffle(void *out, const void *in, size_t item, size_t n) { chk_kern_unshuffle(out, in, item, item * n); }
static void swap(void *out, const void *in, size_t item, size_t n) { chk_kern_bswap(out, in, item, n); }

static void moves(chk_dtype d, const char *cache, size_t bytes)
{
    size_t item = chk_dtype_size(d), n = bytes / item;
    work w = {.item = item, .n = n, .move = shuffle};
    report("shuffle", "", d, cache, w);
    w.move = unshuffle;
    report("unshuffle", "", d, cache, w);
    w.move = chk_kern_bitshuffle;
    report("bitshuffle", "", d, cache, w);
    w.move = chk_kern_bitunshuffle;
    report("bitunshuffle", "", d, cache, w);
    w.move = swap;
    if (item > 1 && item < 16) report("bswap", "", d, cache, w);
}

int main(int argc, char **argv)
{
    static const chk_dtype dtypes[] = {CHK_F64, CHK_F32, CHK_I64, CHK_I32, CHK_I16, CHK_U8, CHK_BOOL, CHK_C128, CHK_C64, CHK_F16};
    bool widest = argc > 1 && !strcmp(argv[1], "-w");
    only = argv + 1 + widest;
    for (int i = 0; i < 4; i++) {
        char *p = aligned_alloc(64, MAX_BYTES + 64);
        if (!p) return 1;
        memset(p, 1, MAX_BYTES + 64);
        *(i < 3 ? &in_bytes[i] : &out_bytes) = p;
    }
    for (chk_isa level = chk_isa_best();; level--) {
        chk_isa_set(level);
        for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
            batch(dtypes[i], "L1", 8 << 10);
            batch(dtypes[i], "L2", 64 << 10);
            moves(dtypes[i], "L2", 64 << 10);
        }
        if (widest || level == CHK_ISA_C) break;
    }
    for (int i = 0; i < 3; i++) free(in_bytes[i]);
    free(out_bytes);
    return 0;
}
