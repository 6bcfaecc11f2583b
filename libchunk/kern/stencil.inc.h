/* stencil.inc.h: stencil loops, one instruction set level. A block of BLOCK elements is kept in registers over all taps. */
#include "kern/isa.h"
#include "kern/level.h"

typedef double wide __attribute__((vector_size(64), aligned(8), may_alias));
enum { LANES = 8, WIDES = 4, BLOCK = LANES * WIDES };

typedef int64_t wide_mask __attribute__((vector_size(64)));
typedef double wide_value __attribute__((vector_size(64)));

/* Macros, as functions with such arguments have another ABI at each level. */
#define at(p, i) (*(const wide *)(const void *)((p) + (i)))
#define put(p, i, x) (*(wide *)(void *)((p) + (i)) = (x))
#define choose(mask, yes, no) ((wide_value)(((wide_mask)(yes) & (mask)) | ((wide_mask)(no) & ~(mask))))
#define EACH_BLOCK(i, n) for (; i + BLOCK <= n; i += BLOCK)
#define EACH_PART(k) _Pragma("GCC unroll 4") for (int k = 0; k < WIDES; k++)

static void sum_plain(double *out, const double *const *tap, const double *w, int n_taps, size_t n)
{
    size_t i = 0;
    EACH_BLOCK(i, n)
    {
        wide acc[WIDES];
        EACH_PART(k) acc[k] = at(tap[0], i + (size_t)k * LANES) * w[0];
        for (int t = 1; t < n_taps; t++) EACH_PART(k) acc[k] += at(tap[t], i + (size_t)k * LANES) * w[t];
        EACH_PART(k) put(out, i + (size_t)k * LANES, acc[k]);
    }
    for (; i < n; i++) {
        double acc = tap[0][i] * w[0];
        for (int t = 1; t < n_taps; t++) acc += tap[t][i] * w[t];
        out[i] = acc;
    }
}

static void sum_even(double *out, const double *const *tap, const double *w, int n_taps, size_t n)
{
    int m = n_taps / 2;
    size_t i = 0;
    EACH_BLOCK(i, n)
    {
        wide acc[WIDES];
        EACH_PART(k) acc[k] = at(tap[m], i + (size_t)k * LANES) * w[m];
        for (int t = 0; t < m; t++)
            EACH_PART(k) acc[k] += (at(tap[t], i + (size_t)k * LANES) + at(tap[n_taps - 1 - t], i + (size_t)k * LANES)) * w[t];
        EACH_PART(k) put(out, i + (size_t)k * LANES, acc[k]);
    }
    for (; i < n; i++) {
        double acc = tap[m][i] * w[m];
        for (int t = 0; t < m; t++) acc += (tap[t][i] + tap[n_taps - 1 - t][i]) * w[t];
        out[i] = acc;
    }
}

static void sum_odd(double *out, const double *const *tap, const double *w, int n_taps, size_t n)
{
    int m = n_taps / 2;
    size_t i = 0;
    EACH_BLOCK(i, n)
    {
        wide acc[WIDES];
        EACH_PART(k) acc[k] = at(tap[m], i + (size_t)k * LANES) * w[m];
        for (int t = 0; t < m; t++)
            EACH_PART(k) acc[k] += (at(tap[t], i + (size_t)k * LANES) - at(tap[n_taps - 1 - t], i + (size_t)k * LANES)) * w[t];
        EACH_PART(k) put(out, i + (size_t)k * LANES, acc[k]);
    }
    for (; i < n; i++) {
        double acc = tap[m][i] * w[m];
        for (int t = 0; t < m; t++) acc += (tap[t][i] - tap[n_taps - 1 - t][i]) * w[t];
        out[i] = acc;
    }
}

static void sum(double *out, const double *const *tap, const double *w, int n_taps, chk_fold fold, size_t n)
{
    if (fold == CHK_FOLD_EVEN)
        sum_even(out, tap, w, n_taps, n);
    else if (fold == CHK_FOLD_ODD)
        sum_odd(out, tap, w, n_taps, n);
    else
        sum_plain(out, tap, w, n_taps, n);
}

static void add(double *out, const double *const *tap, int n_taps, size_t n)
{
    size_t i = 0;
    EACH_BLOCK(i, n)
    {
        wide acc[WIDES];
        EACH_PART(k) acc[k] = at(tap[0], i + (size_t)k * LANES);
        for (int t = 1; t < n_taps; t++) EACH_PART(k) acc[k] += at(tap[t], i + (size_t)k * LANES);
        EACH_PART(k) put(out, i + (size_t)k * LANES, acc[k]);
    }
    for (; i < n; i++) {
        double acc = tap[0][i];
        for (int t = 1; t < n_taps; t++) acc += tap[t][i];
        out[i] = acc;
    }
}

/* The comparisons keep acc where it is NaN, and take a NaN that comes. */
static void least(double *out, const double *const *tap, int n_taps, size_t n)
{
    size_t i = 0;
    EACH_BLOCK(i, n)
    {
        wide acc[WIDES];
        EACH_PART(k) acc[k] = at(tap[0], i + (size_t)k * LANES);
        for (int t = 1; t < n_taps; t++) EACH_PART(k)
            {
                wide x = at(tap[t], i + (size_t)k * LANES);
                acc[k] = choose((x < acc[k]) | (x != x), x, acc[k]);
            }
        EACH_PART(k) put(out, i + (size_t)k * LANES, acc[k]);
    }
    for (; i < n; i++) {
        double acc = tap[0][i];
        for (int t = 1; t < n_taps; t++) acc = tap[t][i] < acc || tap[t][i] != tap[t][i] ? tap[t][i] : acc;
        out[i] = acc;
    }
}

static void greatest(double *out, const double *const *tap, int n_taps, size_t n)
{
    size_t i = 0;
    EACH_BLOCK(i, n)
    {
        wide acc[WIDES];
        EACH_PART(k) acc[k] = at(tap[0], i + (size_t)k * LANES);
        for (int t = 1; t < n_taps; t++) EACH_PART(k)
            {
                wide x = at(tap[t], i + (size_t)k * LANES);
                acc[k] = choose((x > acc[k]) | (x != x), x, acc[k]);
            }
        EACH_PART(k) put(out, i + (size_t)k * LANES, acc[k]);
    }
    for (; i < n; i++) {
        double acc = tap[0][i];
        for (int t = 1; t < n_taps; t++) acc = tap[t][i] > acc || tap[t][i] != tap[t][i] ? tap[t][i] : acc;
        out[i] = acc;
    }
}

static void laplace(double *out, const double *x, const double *const *lo, const double *const *hi, int n_axes, size_t n)
{
    size_t i = 0;
    EACH_BLOCK(i, n)
    {
        wide acc[WIDES];
        EACH_PART(k)
        {
            size_t j = i + (size_t)k * LANES;
            wide centre = at(x, j) * -2.0;
            acc[k] = centre + (at(lo[0], j) + at(hi[0], j));
            for (int a = 1; a < n_axes; a++) acc[k] += centre + (at(lo[a], j) + at(hi[a], j));
        }
        EACH_PART(k) put(out, i + (size_t)k * LANES, acc[k]);
    }
    for (; i < n; i++) {
        double centre = x[i] * -2.0, acc = centre + (lo[0][i] + hi[0][i]);
        for (int a = 1; a < n_axes; a++) acc += centre + (lo[a][i] + hi[a][i]);
        out[i] = acc;
    }
}

/* Eight neighbours at a time; the last vector is filled up with copies of one of them. */
static void select(double *out, const double *const *tap, int n_taps, const uint8_t (*pair)[2], int n_pairs, int rank, size_t n)
{
    wide_value v[64];
    for (size_t i = 0; i < n; i += LANES) {
        size_t have = n - i < LANES ? n - i : LANES;
        for (int t = 0; t < n_taps; t++) {
            if (have == LANES) {
                v[t] = at(tap[t], i);
                continue;
            }
            for (size_t k = 0; k < LANES; k++) v[t][k] = tap[t][k < have ? i + k : i];
        }
        for (int p = 0; p < n_pairs; p++) {
            wide_value a = v[pair[p][0]], b = v[pair[p][1]];
            wide_mask turn = (b < a) | (a != a);
            v[pair[p][0]] = choose(turn, b, a);
            v[pair[p][1]] = choose(turn, a, b);
        }
        memcpy(out + i, &v[rank], have * sizeof *out);
    }
}

const chk_stencil CHK_AT_LEVEL(chk_stencils) = {
    .sum = sum, .add = add, .least = least, .greatest = greatest, .select = select, .laplace = laplace};
