/* reduce_real.inc.h: the reductions of one integer, boolean or float dtype. Parameters: R_ID its short name, R_T its unaligned type, R_V its
 * value type, R_S and R_SV the sum's state and value types, R_PART the type in which SMALL_RUN elements sum without overflow, R_HIGH and R_LOW
 * the neutral values of min and max, R_NAN(x), R_FLOAT. Forgets them at its end. */
#define OF(name) CHK_PASTE(name, R_ID)

/* ---- state: a run of numbers of one type */
#define STATE(name, S, A, start, join)                                                                                             \
    static void OF(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        (void)cap;                                                                                                                 \
        for (size_t j = 0; j < k; j++) ((S *)state)[j0 + j] = start;                                                               \
    }                                                                                                                              \
    static void OF(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        S *s = (S *)into + i0;                                                                                                     \
        const S *f = (const S *)from + j0;                                                                                         \
        (void)into_cap, (void)from_cap;                                                                                            \
        _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++)                                                                        \
        {                                                                                                                          \
            A v = s[j], x = f[j];                                                                                                  \
            s[j] = join;                                                                                                           \
        }                                                                                                                          \
    }                                                                                                                              \
    static void OF(name##_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)                     \
    {                                                                                                                              \
        (void)cap, (void)param;                                                                                                    \
        memcpy(out, (const S *)state + j0, k * sizeof(S));                                                                         \
    }
/* Columns, four rows at a pass over the states; v the state, x the element */
#define COLS(name, S, A, next)                                                                                                     \
    static void OF(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,      \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)cap, (void)index0, (void)index_step;                                                                                 \
        for (size_t c = 0; c < k; c += COL_BLOCK) {                                                                                \
            size_t m = k - c < COL_BLOCK ? k - c : COL_BLOCK, r = 0;                                                               \
            S *s = (S *)state + j0 + c;                                                                                            \
            const R_T *a = (const R_T *)data + c;                                                                                  \
            for (; r + 4 <= n_rows; r += 4, a += 4 * stride) _Pragma("GCC ivdep") for (size_t j = 0; j < m; j++)                   \
                {                                                                                                                  \
                    A v = s[j];                                                                                                    \
                    R_V x = a[j];                                                                                                  \
                    v = next;                                                                                                      \
                    x = a[j + stride];                                                                                             \
                    v = next;                                                                                                      \
                    x = a[j + 2 * stride];                                                                                         \
                    v = next;                                                                                                      \
                    x = a[j + 3 * stride];                                                                                         \
                    s[j] = next;                                                                                                   \
                }                                                                                                                  \
            for (; r < n_rows; r++, a += stride) _Pragma("GCC ivdep") for (size_t j = 0; j < m; j++)                               \
                {                                                                                                                  \
                    A v = s[j];                                                                                                    \
                    R_V x = a[j];                                                                                                  \
                    s[j] = next;                                                                                                   \
                }                                                                                                                  \
        }                                                                                                                          \
    }
/* A row: total (an expression over a, n and i0) joined to the state */
#define ROW(name, S, A, total, join)                                                                                               \
    static void OF(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        (void)cap, (void)index0;                                                                                                   \
        S *s = (S *)state + j;                                                                                                     \
        A v = *s, x = total;                                                                                                       \
        *s = join;                                                                                                                 \
    }

/* ---- sum and product */
#if R_FLOAT
static double OF(sum_of)(const void *data, size_t n, lanes_fn fold)
{
    double lanes[LANES] = {0};
    fold(lanes, data, n, 0);
    return lanes_sum(lanes);
}
static double OF(product_of)(const void *data, size_t n, lanes_fn fold)
{
    double lanes[LANES];
    for (int i = 0; i < LANES; i++) lanes[i] = 1;
    fold(lanes, data, n, 0);
    return lanes_product(lanes);
}
ROW(sum, R_S, R_SV, OF(sum_of)(data, n, OF(fold_sum)), v + x)
ROW(nansum, R_S, R_SV, OF(sum_of)(data, n, OF(fold_nansum)), v + x)
ROW(prod, R_S, R_SV, OF(product_of)(data, n, OF(fold_prod)), v *x)
ROW(nanprod, R_S, R_SV, OF(product_of)(data, n, OF(fold_nanprod)), v *x)
COLS(nansum, R_S, R_SV, v + (x == x ? x : 0))
COLS(nanprod, R_S, R_SV, v *(x == x ? x : 1))
#else
static R_SV OF(sum_of)(const R_T *a, size_t n)
{
    R_SV sum = 0;
    while (n) {
        size_t m = n < SMALL_RUN ? n : SMALL_RUN;
        R_PART part = 0;
        for (size_t i = 0; i < m; i++) part += (R_PART)a[i];
        sum += (R_SV)part;
        a += m, n -= m;
    }
    return sum;
}
static R_SV OF(product_of)(const R_T *a, size_t n)
{
    R_SV product = 1;
    for (size_t i = 0; i < n; i++) product *= (R_SV)a[i];
    return product;
}
ROW(sum, R_S, R_SV, OF(sum_of)(data, n), v + x)
ROW(prod, R_S, R_SV, OF(product_of)(data, n), v *x)
#endif
STATE(sum, R_S, R_SV, 0, v + x)
COLS(sum, R_S, R_SV, v + (R_SV)x)
STATE(prod, R_S, R_SV, 1, v *x)
COLS(prod, R_S, R_SV, v *(R_SV)x)

/* ---- least and greatest */
#if R_FLOAT
#define EXTREME(name, start, better)                                                                                               \
    static R_V OF(name##_of)(const void *data, size_t n)                                                                           \
    {                                                                                                                              \
        enum { N = 256 / sizeof(R_V) };                                                                                            \
        R_V lanes[N];                                                                                                              \
        for (int i = 0; i < N; i++) lanes[i] = start;                                                                              \
        OF(fold_##name)(lanes, data, n, 0);                                                                                        \
        for (int w = N / 2; w; w /= 2)                                                                                             \
            for (int i = 0; i < w; i++) {                                                                                          \
                R_V v = lanes[i], x = lanes[i + w];                                                                                \
                lanes[i] = better ? x : v;                                                                                         \
            }                                                                                                                      \
        return lanes[0];                                                                                                           \
    }
#else
#define EXTREME(name, start, better)                                                                                               \
    static R_V OF(name##_of)(const R_T *a, size_t n)                                                                               \
    {                                                                                                                              \
        R_V v = start;                                                                                                             \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            R_V x = a[i];                                                                                                          \
            v = better ? x : v;                                                                                                    \
        }                                                                                                                          \
        return v;                                                                                                                  \
    }
#endif
#if R_FLOAT
static inline R_V OF(less_of)(R_V v, R_V x)
{
    v = R_NAN(v) ? x : v;
    return x < v ? x : v;
}
static inline R_V OF(greater_of)(R_V v, R_V x)
{
    v = R_NAN(v) ? x : v;
    return x > v ? x : v;
}
#endif
#define MINMAX(name, start, better, next)                                                                                          \
    EXTREME(name, start, better)                                                                                                   \
    STATE(name, R_T, R_V, start, better ? x : v)                                                                                   \
    ROW(name, R_T, R_V, OF(name##_of)(data, n), better ? x : v)                                                                    \
    COLS(name, R_T, R_V, next)
MINMAX(min, R_HIGH, ((x < v) | R_NAN(x)), ((x < v) | R_NAN(x)) ? x : v)
MINMAX(max, R_LOW, ((x > v) | R_NAN(x)), ((x > v) | R_NAN(x)) ? x : v)
#if R_FLOAT
MINMAX(fmin, (R_V)NAN, ((x < v) | R_NAN(v)), OF(less_of)(v, x))
MINMAX(fmax, (R_V)NAN, ((x > v) | R_NAN(v)), OF(greater_of)(v, x))
#endif

/* ---- where the least and greatest are: {value, index}, index -1 while there is none; of equals the lowest index */
static int64_t OF(find)(const R_T *a, size_t n, R_V value)
{
    for (size_t i = 0; i < n; i += FLAG_BLOCK) {
        size_t end = n - i < FLAG_BLOCK ? n : i + FLAG_BLOCK;
        unsigned found = 0;
        for (size_t j = i; j < end; j++) found |= (a[j] == value) | (R_NAN(a[j]) & R_NAN(value));
        for (size_t j = i; found && j < end; j++)
            if (a[j] == value || (R_NAN(a[j]) && R_NAN(value))) return (int64_t)j;
    }
    return -1;
}
#define WHERE_IS(name, best_of, before, skips)                                                                                     \
    static inline bool OF(name##_better)(R_V x, int64_t at, R_V v, int64_t i)                                                      \
    {                                                                                                                              \
        bool wins = (i < 0) | (before) | (R_NAN(x) & !R_NAN(v)), ties = ((x == v) | (R_NAN(x) & R_NAN(v))) & (at < i);             \
        return (wins | ties) & !(skips);                                                                                           \
    }                                                                                                                              \
    static void OF(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,      \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        for (size_t c = 0; c < k; c += COL_BLOCK) {                                                                                \
            size_t m = k - c < COL_BLOCK ? k - c : COL_BLOCK;                                                                      \
            R_T *value = (R_T *)state + j0 + c;                                                                                    \
            i64u *index = (i64u *)((R_T *)state + cap) + j0 + c;                                                                   \
            const R_T *a = (const R_T *)data + c;                                                                                  \
            for (size_t r = 0; r < n_rows; r++, a += stride) {                                                                     \
                int64_t at = index0 + (int64_t)r * index_step;                                                                     \
                _Pragma("GCC ivdep") for (size_t j = 0; j < m; j++)                                                                \
                {                                                                                                                  \
                    R_V x = a[j], v = value[j];                                                                                    \
                    int64_t i = index[j];                                                                                          \
                    bool better = OF(name##_better)(x, at, v, i);                                                                  \
                    value[j] = better ? x : v;                                                                                     \
                    index[j] = better ? at : i;                                                                                    \
                }                                                                                                                  \
            }                                                                                                                      \
        }                                                                                                                          \
    }                                                                                                                              \
    static void OF(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        R_T *value = (R_T *)state + j;                                                                                             \
        i64u *index = (i64u *)((R_T *)state + cap) + j;                                                                            \
        R_V best = OF(best_of)(data, n);                                                                                           \
        if (!n || !OF(name##_better)(best, index0, best, -1)) return;                                                              \
        int64_t at = index0 + OF(find)(data, n, best);                                                                             \
        if (OF(name##_better)(best, at, *value, *index)) *value = best, *index = at;                                               \
    }                                                                                                                              \
    static void OF(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        R_T *value = (R_T *)into + i0;                                                                                             \
        i64u *index = (i64u *)((R_T *)into + into_cap) + i0;                                                                       \
        const R_T *other = (const R_T *)from + j0;                                                                                 \
        const i64u *at = (const i64u *)((const R_T *)from + from_cap) + j0;                                                        \
        for (size_t j = 0; j < k; j++)                                                                                             \
            if (at[j] >= 0 && OF(name##_better)(other[j], at[j], value[j], index[j])) value[j] = other[j], index[j] = at[j];       \
    }
static void OF(where_init)(void *state, size_t cap, size_t j0, size_t k)
{
    memset((R_T *)state + j0, 0, k * sizeof(R_T));
    for (size_t j = 0; j < k; j++) ((i64u *)((R_T *)state + cap))[j0 + j] = -1;
}
static void OF(where_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)param;
    memcpy(out, (const i64u *)((const R_T *)state + cap) + j0, k * sizeof(int64_t));
}
WHERE_IS(argmin, min_of, x < v, 0)
WHERE_IS(argmax, max_of, x > v, 0)
#if R_FLOAT
WHERE_IS(nanargmin, fmin_of, x < v, R_NAN(x))
WHERE_IS(nanargmax, fmax_of, x > v, R_NAN(x))
#endif

/* ---- any, all, count */
static bool OF(any_of)(const R_T *a, size_t n)
{
    unsigned found = 0;
    for (size_t i = 0; i < n && !found; i += FLAG_BLOCK) {
        size_t end = n - i < FLAG_BLOCK ? n : i + FLAG_BLOCK;
        for (size_t j = i; j < end; j++) found |= a[j] != 0;
    }
    return found;
}
static bool OF(all_of)(const R_T *a, size_t n)
{
    unsigned missing = 0;
    for (size_t i = 0; i < n && !missing; i += FLAG_BLOCK) {
        size_t end = n - i < FLAG_BLOCK ? n : i + FLAG_BLOCK;
        for (size_t j = i; j < end; j++) missing |= a[j] == 0;
    }
    return !missing;
}
static int64_t OF(count_of)(const R_T *a, size_t n)
{
    int64_t count = 0;
    while (n) {
        size_t m = n < SMALL_RUN ? n : SMALL_RUN;
        uint32_t part = 0;
        for (size_t i = 0; i < m; i++) part += a[i] != 0;
        count += part;
        a += m, n -= m;
    }
    return count;
}
STATE(any, u8u, uint8_t, 0, v | x)
STATE(all, u8u, uint8_t, 1, v &x)
STATE(count, i64u, int64_t, 0, v + x)
ROW(any, u8u, uint8_t, OF(any_of)(data, n), v | x)
ROW(all, u8u, uint8_t, OF(all_of)(data, n), v &x)
ROW(count, i64u, int64_t, OF(count_of)(data, n), v + x)
COLS(any, u8u, uint8_t, (uint8_t)(v | (x != 0)))
COLS(all, u8u, uint8_t, (uint8_t)(v &(x != 0)))
COLS(count, i64u, int64_t, v + (x != 0))

#include "kern/reduce_var.inc.h"

#undef OF
#undef STATE
#undef COLS
#undef ROW
#undef EXTREME
#undef MINMAX
#undef WHERE_IS
#undef R_ID
#undef R_T
#undef R_V
#undef R_S
#undef R_SV
#undef R_PART
#undef R_HIGH
#undef R_LOW
#undef R_NAN
#undef R_FLOAT
