/* reduce.inc.h: the reductions at one level, dtype by dtype. */
#include <math.h>

#include "kern/isa.h"

/* 32 lanes: four AVX-512 accumulators of float64 hide an addition's latency. 64 columns at a time stay in registers and L1. 2,048 elements of
 * float64 are half of the smallest L1. */
enum { LANES = 32, COLS = 64, VAR_PIECE = 2048 };

/* States {n, mean, m2}. */
static inline void chan(void *state, size_t cap, size_t j, double n, double mean, double m2)
{
    f64u *s = state;
    double n0 = s[j], d = mean - s[cap + j], total = n0 + n;
    if (n0 == 0) {
        s[j] = n, s[cap + j] = mean, s[2 * cap + j] = m2;
        return;
    }
    if (n == 0) return;
    s[j] = total;
    s[cap + j] += d * (n / total);
    s[2 * cap + j] += m2 + d * d * (n0 * n / total);
}

/* The same for k results side by side that all gain n elements: without branches. An empty state has mean 0 and n0 = 0, so d * d * 0 adds nothing
 * unless the mean is infinite, hence the select. */
static inline void chan_many(void *state, size_t cap, size_t j0, size_t k, double n, const double *mean, const double *m2)
{
    f64u *sn = (f64u *)state + j0, *sm = sn + cap, *sq = sm + cap;
    _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++)
    {
        double n0 = sn[j], m0 = sm[j], d = mean[j] - m0, total = n0 + n, q = sq[j] + (m2[j] + d * d * (n0 * n / total)), m = m0 + d * (n / total);
        sn[j] = total;
        sm[j] = n0 == 0 ? mean[j] : m;
        sq[j] = n0 == 0 ? m2[j] : q;
    }
}

static void var_init(void *state, size_t cap, size_t j0, size_t k)
{
    f64u *s = state;
    for (size_t j = j0; j < j0 + k; j++) s[j] = s[cap + j] = s[2 * cap + j] = 0;
}

static void var_merge(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)
{
    f64u *sn = (f64u *)into + i0, *sm = sn + into_cap, *sq = sm + into_cap;
    const f64u *fn = (const f64u *)from + j0, *fm = fn + from_cap, *fq = fm + from_cap;
    _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++)
    {
        double n0 = sn[j], n = fn[j], m0 = sm[j], m1 = fm[j], q0 = sq[j], q1 = fq[j], d = m1 - m0, total = n0 + n;
        double m = m0 + d * (n / total), q = q0 + (q1 + d * d * (n0 * n / total));
        sn[j] = total;
        sm[j] = n0 == 0 ? m1 : n == 0 ? m0 : m;
        sq[j] = n0 == 0 ? q1 : n == 0 ? q0 : q;
    }
}

static void var_finish(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    const f64u *sn = (const f64u *)state + j0, *sq = sn + 2 * cap;
    f64u *o = out;
    for (size_t j = 0; j < k; j++) o[j] = sn[j] - param > 0 ? sq[j] / (sn[j] - param) : (double)NAN;
}

#define MERGE(name, S, OP)                                                                                                         \
    static void name(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)               \
    {                                                                                                                              \
        (void)into_cap, (void)from_cap;                                                                                            \
        S *s = (S *)into + i0;                                                                                                     \
        const S *a = (const S *)from + j0;                                                                                         \
        _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++) s[j] = (S)(s[j] OP a[j]);                                              \
    }
MERGE(any_merge, u8u, |)
MERGE(all_merge, u8u, &)
MERGE(count_merge, i64u, +)
static void bool_finish(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)cap, (void)param;
    memcpy(out, (const char *)state + j0, k);
}
static void count_finish(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)cap, (void)param;
    memcpy(out, (const i64u *)state + j0, k * 8);
}

/* Signed sums and products wrap: they are computed in uint64, whose bits are the same. */
#define D f64
#define T f64u
#define V double
#define A double
#define AU f64u
#define FLOAT 1
#define LEAST (-INFINITY)
#define MOST INFINITY
#include "kern/reduce_real.inc.h"
#define D f32
#define T f32u
#define V float
#define A double
#define AU f64u
#define FLOAT 1
#define LEAST (-INFINITY)
#define MOST INFINITY
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D i8
#define T i8u
#define V int8_t
#define LEAST INT8_MIN
#define MOST INT8_MAX
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D i16
#define T i16u
#define V int16_t
#define LEAST INT16_MIN
#define MOST INT16_MAX
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D i32
#define T i32u
#define V int32_t
#define LEAST INT32_MIN
#define MOST INT32_MAX
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D i64
#define T i64u
#define V int64_t
#define LEAST INT64_MIN
#define MOST INT64_MAX
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D u8
#define T u8u
#define V uint8_t
#define LEAST 0
#define MOST UINT8_MAX
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D u16
#define T u16u
#define V uint16_t
#define LEAST 0
#define MOST UINT16_MAX
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D u32
#define T u32u
#define V uint32_t
#define LEAST 0
#define MOST UINT32_MAX
#include "kern/reduce_real.inc.h"
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D u64
#define T u64u
#define V uint64_t
#define LEAST 0
#define MOST UINT64_MAX
#include "kern/reduce_real.inc.h"

/* bool is uint8 with values 0 and 1, and least and most to match */
#define FLOAT 0
#define A uint64_t
#define AU u64u
#define D b1
#define T u8u
#define V uint8_t
#define LEAST 0
#define MOST 1
#include "kern/reduce_real.inc.h"

const chk_red_kern *const CHK_AT_LEVEL(chk_red_tables)[CHK_NDTYPE] = {
    [CHK_BOOL] = red_b1, [CHK_I8] = red_i8,   [CHK_I16] = red_i16, [CHK_I32] = red_i32, [CHK_I64] = red_i64, [CHK_U8] = red_u8,
    [CHK_U16] = red_u16, [CHK_U32] = red_u32, [CHK_U64] = red_u64, [CHK_F32] = red_f32, [CHK_F64] = red_f64,
};
