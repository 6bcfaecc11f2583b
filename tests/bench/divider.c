/* divider: millions of square roots and quotients a second on one core, operands and results in L1: the bound of the kernels for sqrt and /.
 * Written with the widest vectors the CPU has, so that no compiler's choice lowers it. Prints one line of JSON. */
#include <math.h>
#include <stdio.h>
#include <time.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { N_DIV = 256, N_ROUNDS = 1000 }; /* 1 or 2 KiB an operand: in L1 */
static double da[N_DIV] __attribute__((aligned(64))), db[N_DIV] __attribute__((aligned(64))),
    dout[N_DIV] __attribute__((aligned(64)));
static float fa[N_DIV] __attribute__((aligned(64))), fb[N_DIV] __attribute__((aligned(64))),
    fout[N_DIV] __attribute__((aligned(64)));

typedef struct divider {
    void (*sqrt_f64)(void), (*div_f64)(void), (*sqrt_f32)(void), (*div_f32)(void);
} divider;

/* Plain C, for whatever the compiler makes of it. */
static void sqrt_f64(void)
{
    for (int i = 0; i < N_DIV; i++) dout[i] = sqrt(da[i]);
}
static void div_f64(void)
{
    for (int i = 0; i < N_DIV; i++) dout[i] = da[i] / db[i];
}
static void sqrt_f32(void)
{
    for (int i = 0; i < N_DIV; i++) fout[i] = sqrtf(fa[i]);
}
static void div_f32(void)
{
    for (int i = 0; i < N_DIV; i++) fout[i] = fa[i] / fb[i];
}
static const divider plain = {sqrt_f64, div_f64, sqrt_f32, div_f32};

#if defined __x86_64__
__attribute__((target("avx2"))) static void sqrt_f64_avx2(void)
{
    for (int i = 0; i < N_DIV; i += 4) _mm256_store_pd(dout + i, _mm256_sqrt_pd(_mm256_load_pd(da + i)));
}
__attribute__((target("avx2"))) static void div_f64_avx2(void)
{
    for (int i = 0; i < N_DIV; i += 4) _mm256_store_pd(dout + i, _mm256_div_pd(_mm256_load_pd(da + i), _mm256_load_pd(db + i)));
}
__attribute__((target("avx2"))) static void sqrt_f32_avx2(void)
{
    for (int i = 0; i < N_DIV; i += 8) _mm256_store_ps(fout + i, _mm256_sqrt_ps(_mm256_load_ps(fa + i)));
}
__attribute__((target("avx2"))) static void div_f32_avx2(void)
{
    for (int i = 0; i < N_DIV; i += 8) _mm256_store_ps(fout + i, _mm256_div_ps(_mm256_load_ps(fa + i), _mm256_load_ps(fb + i)));
}
static const divider avx2 = {sqrt_f64_avx2, div_f64_avx2, sqrt_f32_avx2, div_f32_avx2};

__attribute__((target("avx512f"))) static void sqrt_f64_avx512(void)
{
    for (int i = 0; i < N_DIV; i += 8) _mm512_store_pd(dout + i, _mm512_sqrt_pd(_mm512_load_pd(da + i)));
}
__attribute__((target("avx512f"))) static void div_f64_avx512(void)
{
    for (int i = 0; i < N_DIV; i += 8) _mm512_store_pd(dout + i, _mm512_div_pd(_mm512_load_pd(da + i), _mm512_load_pd(db + i)));
}
__attribute__((target("avx512f"))) static void sqrt_f32_avx512(void)
{
    for (int i = 0; i < N_DIV; i += 16) _mm512_store_ps(fout + i, _mm512_sqrt_ps(_mm512_load_ps(fa + i)));
}
__attribute__((target("avx512f"))) static void div_f32_avx512(void)
{
    for (int i = 0; i < N_DIV; i += 16) _mm512_store_ps(fout + i, _mm512_div_ps(_mm512_load_ps(fa + i), _mm512_load_ps(fb + i)));
}
static const divider avx512 = {sqrt_f64_avx512, div_f64_avx512, sqrt_f32_avx512, div_f32_avx512};

static const divider *widest(void)
{
    return __builtin_cpu_supports("avx512f") ? &avx512 : __builtin_cpu_supports("avx2") ? &avx2 : &plain;
}
#else
static const divider *widest(void) { return &plain; }
#endif

/* The best of five, in millions of elements a second: an upper bound must not be lowered by a neighbour. */
static double rate_of(void (*fn)(void))
{
    double best = 1e30;
    for (int r = 0; r < 100; r++) {
        double start = now();
        for (int i = 0; i < N_ROUNDS; i++) {
            fn();
            __asm__ volatile("" ::: "memory"); /* each round is done */
        }
        double seconds = now() - start;
        if (seconds < best) best = seconds;
    }
    return 1e-6 * N_DIV * N_ROUNDS / best;
}

int main(void)
{
    for (int i = 0; i < N_DIV; i++) {
        da[i] = 0.37 + 1.618 * i, db[i] = 1.1 + 0.577 * i;
        fa[i] = (float)da[i], fb[i] = (float)db[i];
    }
    const divider *d = widest();
    printf("{\"sqrt_float64\": %.1f, \"div_float64\": %.1f, \"sqrt_float32\": %.1f, \"div_float32\": %.1f}\n", rate_of(d->sqrt_f64),
           rate_of(d->div_f64), rate_of(d->sqrt_f32), rate_of(d->div_f32));
    return 0;
}
