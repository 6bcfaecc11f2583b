/* reduce.inc.h: every reduction at one level: the lanes that float rows run over, then reduce_real.inc.h and reduce_complex.inc.h for each
 * dtype, then the table. Rows of integers need no lanes: their order does not matter, so the compiler may choose it. */
#include <math.h>

#include "kern/level.h"

#if defined __AVX512F__
#define VECTOR_BYTES 64
#define FOR_LANES(X) X(0) X(1) X(2) X(3)
#elif defined __AVX2__
#define VECTOR_BYTES 32
#define FOR_LANES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#else
#define VECTOR_BYTES 16
#define FOR_LANES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#endif
typedef double vdouble __attribute__((vector_size(VECTOR_BYTES)));
typedef double vdouble_u __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));
typedef int64_t vlong __attribute__((vector_size(VECTOR_BYTES)));
typedef float vfloat __attribute__((vector_size(VECTOR_BYTES)));
typedef float vfloat_u __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));
typedef int32_t vint __attribute__((vector_size(VECTOR_BYTES)));
typedef float vfloat_half __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef float vfloat_half_u __attribute__((vector_size(VECTOR_BYTES / 2), aligned(1), may_alias));

enum {
    LANES = 32,       /* of float64 */
    COL_BLOCK = 1024, /* columns at a time, so that their states stay in the L1 cache */
    VAR_BLOCK = 256,  /* the same where means and counts are kept beside */
    FLAG_BLOCK = 256  /* elements looked at before asking whether the answer is known */
};

typedef void (*lanes_fn)(double *lanes, const void *data, size_t n, double p);

static inline double lanes_sum(double *lanes)
{
    for (int w = LANES / 2; w; w /= 2)
        for (int i = 0; i < w; i++) lanes[i] += lanes[i + w];
    return lanes[0];
}
static inline double lanes_product(double *lanes)
{
    for (int w = LANES / 2; w; w /= 2)
        for (int i = 0; i < w; i++) lanes[i] *= lanes[i + w];
    return lanes[0];
}

/* One variance state combined with another (Chan, Golub, LeVeque) */
typedef struct moments {
    double n, mean, m2;
} moments;
static inline moments combine(moments a, moments b)
{
    double n = a.n + b.n, share = b.n / n, d = b.mean - a.mean;
    moments both = {n, a.mean + d * share, a.m2 + b.m2 + d * d * (a.n * share)};
    return b.n == 0 ? a : a.n == 0 ? b : both;
}
/* NumPy's: by true division, so that too few elements give inf, or NaN where m2 is zero */
static inline double variance(double n, double m2, double correction)
{
    double left = n - correction;
    return m2 / (left < 0 ? 0 : left);
}

static inline bool all_same(const f64u *n, size_t k)
{
    int differ = 0;
    for (size_t j = 0; j < k; j++) differ |= n[j] != n[0];
    return !differ;
}

/* combine for k states side by side that have one count, with k that have another: the same arithmetic, its division done once, which leaves a
 * loop that vectorises. False, and nothing done, where the counts of the states differ. */
static inline bool combine_many(f64u *n, f64u *mean, f64u *m2, size_t k, double more_n, const f64u *more_mean, const f64u *more_m2)
{
    if (!all_same(n, k)) return false;
    double n0 = n[0], total = n0 + more_n, share = more_n / total, weight = n0 * share;
    if (more_n == 0) return true;
    if (n0 == 0) {
        memcpy(mean, more_mean, k * sizeof *mean);
        memcpy(m2, more_m2, k * sizeof *m2);
    } else {
        _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++)
        {
            double d = more_mean[j] - mean[j];
            mean[j] = mean[j] + d * share;
            m2[j] = m2[j] + more_m2[j] + d * d * weight;
        }
    }
    for (size_t j = 0; j < k; j++) n[j] = total;
    return true;
}

/* Elements of D: how float64 lanes load them, and the folds */
#define IF_NUMBER(x) ((vdouble)((x == x) & (vlong)(x)))
#define LANE_L double
#define LANE_V vdouble
#define LANE_VU vdouble_u
#define LANE_T f64u
#define LANE_LOAD(p) (*(const vdouble_u *)(p))
#define FOLDS_OF f64
#include "kern/reduce_folds.inc.h"
#undef LANE_T
#undef LANE_LOAD
#undef FOLDS_OF
#define LANE_T f32u
#define LANE_LOAD(p) __builtin_convertvector(*(const vfloat_half_u *)(p), vdouble)
#define FOLDS_OF f32
#include "kern/reduce_folds.inc.h"
#undef LANE_T
#undef LANE_LOAD
#undef FOLDS_OF

/* The least and greatest, in lanes of the elements' own type */
#define CHOOSE(I, V, m, x, s) ((V)(((I)(m) & (I)(x)) | (~(I)(m) & (I)(s))))
#define LANE_T f64u
#define LANE_LOAD(p) (*(const vdouble_u *)(p))
#define LANE_I vlong
#define EXTREMES_OF f64
#include "kern/reduce_extremes.inc.h"
#undef LANE_L
#undef LANE_V
#undef LANE_VU
#undef LANE_T
#undef LANE_LOAD
#undef LANE_I
#undef EXTREMES_OF
#define LANE_L float
#define LANE_V vfloat
#define LANE_VU vfloat_u
#define LANE_T f32u
#define LANE_LOAD(p) (*(const vfloat_u *)(p))
#define LANE_I vint
#define EXTREMES_OF f32
#include "kern/reduce_extremes.inc.h"

#include "kern/reduce_types.inc.h"
