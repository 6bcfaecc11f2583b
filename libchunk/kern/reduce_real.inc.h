/* reduce_real.inc.h: the reductions of one real dtype; included by reduce.inc.h for each. Expects
 *   D  token of the dtype (f64, ...)     T  its unaligned type     V  its value type     A  the accumulator's type     AU  the same, unaligned
 *   FLOAT  1 where NaN exists            LEAST, MOST  identities of max and min
 * Rows run over 32 fixed lanes that are combined in a fixed tree, columns in row order: the bits do not depend on the instruction set. */
#define N_(x) CHK_PASTE(x, D)

static A N_(lanes_sum)(const T *a, size_t n)
{
    A acc[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) acc[k] += (A)a[i + k];
    for (int k = 0; i < n; i++, k++) acc[k] += (A)a[i];
    for (int w = LANES / 2; w; w /= 2)
        for (int k = 0; k < w; k++) acc[k] += acc[k + w];
    return acc[0];
}

static A N_(lanes_prod)(const T *a, size_t n)
{
    A acc[LANES];
    for (int k = 0; k < LANES; k++) acc[k] = 1;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) acc[k] *= (A)a[i + k];
    for (int k = 0; i < n; i++, k++) acc[k] *= (A)a[i];
    for (int w = LANES / 2; w; w /= 2)
        for (int k = 0; k < w; k++) acc[k] *= acc[k + w];
    return acc[0];
}

/* x replaces acc: NaN wins (min, max), NaN loses (fmin, fmax) */
#if FLOAT
#define MIN_(x, acc) (((x) < (acc)) | ((x) != (x)))
#define MAX_(x, acc) (((x) > (acc)) | ((x) != (x)))
#else
#define MIN_(x, acc) ((x) < (acc))
#define MAX_(x, acc) ((x) > (acc))
#endif
#define FMIN_(x, acc) (((x) < (acc)) | ((acc) != (acc)))
#define FMAX_(x, acc) (((x) > (acc)) | ((acc) != (acc)))

#define EXTREME(name, BETTER, first)                                                                                               \
    static V N_(lanes_##name)(const T *a, size_t n)                                                                                \
    {                                                                                                                              \
        V acc[LANES];                                                                                                              \
        for (int k = 0; k < LANES; k++) acc[k] = first;                                                                            \
        size_t i = 0;                                                                                                              \
        for (; i + LANES <= n; i += LANES)                                                                                         \
            for (int k = 0; k < LANES; k++) {                                                                                      \
                V x = a[i + k], y = acc[k];                                                                                        \
                acc[k] = BETTER(x, y) ? x : y;                                                                                     \
            }                                                                                                                      \
        for (int k = 0; i < n; i++, k++)                                                                                           \
            if (BETTER(a[i], acc[k])) acc[k] = a[i];                                                                               \
        for (int k = 1; k < LANES; k++)                                                                                            \
            if (BETTER(acc[k], acc[0])) acc[0] = acc[k];                                                                           \
        return acc[0];                                                                                                             \
    }                                                                                                                              \
    static void N_(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        (void)cap;                                                                                                                 \
        for (size_t j = 0; j < k; j++) ((T *)state)[j0 + j] = first;                                                               \
    }                                                                                                                              \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        (void)cap, (void)index0;                                                                                                   \
        V x = N_(lanes_##name)(data, n), y = ((T *)state)[j];                                                                      \
        ((T *)state)[j] = BETTER(x, y) ? x : y;                                                                                    \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)cap, (void)index0, (void)index_step;                                                                                 \
        T *s = (T *)state + j0;                                                                                                    \
        for (size_t r = 0; r < n_rows; r++) {                                                                                      \
            const T *a = (const T *)data + r * row_stride;                                                                         \
            _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++)                                                                    \
            {                                                                                                                      \
                V x = a[j], y = s[j];                                                                                              \
                s[j] = BETTER(x, y) ? x : y;                                                                                       \
            }                                                                                                                      \
        }                                                                                                                          \
    }                                                                                                                              \
    static void N_(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        (void)into_cap, (void)from_cap;                                                                                            \
        T *s = (T *)into + i0;                                                                                                     \
        const T *a = (const T *)from + j0;                                                                                         \
        _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++)                                                                        \
        {                                                                                                                          \
            V x = a[j], y = s[j];                                                                                                  \
            s[j] = BETTER(x, y) ? x : y;                                                                                           \
        }                                                                                                                          \
    }
EXTREME(min, MIN_, MOST)
EXTREME(max, MAX_, LEAST)
#if FLOAT
EXTREME(fmin, FMIN_, (V)NAN)
EXTREME(fmax, FMAX_, (V)NAN)
#endif

static void N_(copy_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)cap, (void)param;
    memcpy(out, (const T *)state + j0, k * sizeof(T));
}

/* ---- sums and products; VALUE is what an element counts as */
#define FOLDING(name, lanes, identity, OP, VALUE)                                                                                  \
    static void N_(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        (void)cap;                                                                                                                 \
        for (size_t j = 0; j < k; j++) ((AU *)state)[j0 + j] = identity;                                                           \
    }                                                                                                                              \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        (void)cap, (void)index0;                                                                                                   \
        ((AU *)state)[j] OP lanes(data, n);                                                                                        \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)cap, (void)index0, (void)index_step;                                                                                 \
        for (size_t at = 0; at < k; at += COLS) {                                                                                  \
            size_t m = k - at < COLS ? k - at : COLS;                                                                              \
            A t[COLS];                                                                                                             \
            for (size_t j = 0; j < m; j++) t[j] = identity;                                                                        \
            for (size_t r = 0; r < n_rows; r++) {                                                                                  \
                const T *a = (const T *)data + r * row_stride + at;                                                                \
                for (size_t j = 0; j < m; j++) {                                                                                   \
                    V x = a[j];                                                                                                    \
                    t[j] OP (A)(VALUE);                                                                                            \
                }                                                                                                                  \
            }                                                                                                                      \
            AU *s = (AU *)state + j0 + at;                                                                                         \
            for (size_t j = 0; j < m; j++) s[j] OP t[j];                                                                           \
        }                                                                                                                          \
    }                                                                                                                              \
    static void N_(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        (void)into_cap, (void)from_cap;                                                                                            \
        AU *s = (AU *)into + i0;                                                                                                   \
        const AU *a = (const AU *)from + j0;                                                                                       \
        _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++) s[j] OP a[j];                                                          \
    }
FOLDING(sum, N_(lanes_sum), 0, +=, x)
FOLDING(prod, N_(lanes_prod), 1, *=, x)
static void N_(acc_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)cap, (void)param;
    memcpy(out, (const AU *)state + j0, k * sizeof(A));
}
#if FLOAT
static A N_(lanes_nansum)(const T *a, size_t n)
{
    A acc[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            V x = a[i + k];
            acc[k] += x == x ? (A)x : 0;
        }
    for (int k = 0; i < n; i++, k++) acc[k] += a[i] == a[i] ? (A)a[i] : 0;
    for (int w = LANES / 2; w; w /= 2)
        for (int k = 0; k < w; k++) acc[k] += acc[k + w];
    return acc[0];
}
static A N_(lanes_nanprod)(const T *a, size_t n)
{
    A acc[LANES];
    for (int k = 0; k < LANES; k++) acc[k] = 1;
    for (size_t i = 0; i < n; i++) acc[i % LANES] *= a[i] == a[i] ? (A)a[i] : 1;
    for (int w = LANES / 2; w; w /= 2)
        for (int k = 0; k < w; k++) acc[k] *= acc[k + w];
    return acc[0];
}
FOLDING(nansum, N_(lanes_nansum), 0, +=, x == x ? (A)x : 0)
FOLDING(nanprod, N_(lanes_nanprod), 1, *=, x == x ? (A)x : 1)
#endif

/* ---- any, all, count_nonzero */
#define COUNTING(name, S, identity, EXPR)                                                                                          \
    static void N_(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        (void)cap;                                                                                                                 \
        for (size_t j = 0; j < k; j++) ((S *)state)[j0 + j] = identity;                                                            \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)cap, (void)index0, (void)index_step;                                                                                 \
        S *s = (S *)state + j0;                                                                                                    \
        for (size_t r = 0; r < n_rows; r++) {                                                                                      \
            const T *a = (const T *)data + r * row_stride;                                                                         \
            _Pragma("GCC ivdep") for (size_t j = 0; j < k; j++)                                                                    \
            {                                                                                                                      \
                S x = a[j] != 0, y = s[j];                                                                                         \
                s[j] = (S)(EXPR);                                                                                                  \
            }                                                                                                                      \
        }                                                                                                                          \
    }                                                                                                                              \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        (void)cap, (void)index0;                                                                                                   \
        const T *a = data;                                                                                                         \
        S y = ((S *)state)[j];                                                                                                     \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            S x = a[i] != 0;                                                                                                       \
            y = (S)(EXPR);                                                                                                         \
        }                                                                                                                          \
        ((S *)state)[j] = y;                                                                                                       \
    }
COUNTING(any, u8u, 0, x | y)
COUNTING(all, u8u, 1, x &y)
COUNTING(count, i64u, 0, x + y)

/* ---- argmin and argmax: the best value first, then its first place */
#define ARG(name, BETTER, SKIPS_NAN)                                                                                               \
    static void N_(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        T *v = state;                                                                                                              \
        i64u *at = (i64u *)(void *)(v + cap);                                                                                      \
        for (size_t j = 0; j < k; j++) v[j0 + j] = 0, at[j0 + j] = -1;                                                             \
    }                                                                                                                              \
    static inline void N_(name##_take)(T *v, i64u *at, V x, int64_t i)                                                             \
    {                                                                                                                              \
        bool x_nan = FLOAT && x != x, v_nan = FLOAT && *v != *v;                                                                   \
        if (i < 0 || (SKIPS_NAN && x_nan)) return;                                                                                 \
        bool better = *at < 0 || (x_nan && !v_nan) || (!v_nan && BETTER(x, *v));                                                   \
        bool same = (x == *v || (x_nan && v_nan)) && i < *at;                                                                      \
        if (better || same) *v = x, *at = i;                                                                                       \
    }                                                                                                                              \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        const T *a = data;                                                                                                         \
        T *v = state;                                                                                                              \
        i64u *at = (i64u *)(void *)(v + cap);                                                                                      \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            bool over = at[j] >= 0 && !(BETTER(a[i], v[j])) && !(FLOAT && a[i] != a[i]) && index0 >= at[j];                        \
            if (!over) N_(name##_take)(v + j, at + j, a[i], index0 + (int64_t)i);                                                  \
        }                                                                                                                          \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        T *v = (T *)state;                                                                                                         \
        i64u *at = (i64u *)(void *)(v + cap);                                                                                      \
        for (size_t r = 0; r < n_rows; r++)                                                                                        \
            for (size_t j = 0; j < k; j++)                                                                                         \
                N_(name##_take)(v + j0 + j, at + j0 + j, ((const T *)data)[r * row_stride + j], index0 + (int64_t)r * index_step); \
    }                                                                                                                              \
    static void N_(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        T *v = into;                                                                                                               \
        const T *w = from;                                                                                                         \
        i64u *at = (i64u *)(void *)(v + into_cap);                                                                                 \
        const i64u *from_at = (const i64u *)(const void *)(w + from_cap);                                                          \
        for (size_t j = 0; j < k; j++) N_(name##_take)(v + i0 + j, at + i0 + j, w[j0 + j], from_at[j0 + j]);                       \
    }
ARG(argmin, MIN_, 0)
ARG(argmax, MAX_, 0)
#if FLOAT
ARG(nanargmin, MIN_, 1)
ARG(nanargmax, MAX_, 1)
#endif
static void N_(arg_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)param;
    memcpy(out, (const char *)state + cap * sizeof(T) + j0 * 8, k * 8);
}

/* ---- variance: two passes over pieces that stay in L1, pieces combined by Chan, Golub and LeVeque's update */
static void N_(var_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    (void)index0;
    const T *a = data;
    for (size_t i = 0; i < n; i += VAR_PIECE) {
        size_t m = n - i < VAR_PIECE ? n - i : VAR_PIECE;
        double mean = (double)N_(lanes_sum)(a + i, m) / (double)m, q[LANES] = {0};
        size_t p = 0;
        for (; p + LANES <= m; p += LANES)
            for (int k = 0; k < LANES; k++) {
                double d = (double)a[i + p + k] - mean;
                q[k] += d * d;
            }
        for (int k = 0; p < m; p++, k++) q[k] += ((double)a[i + p] - mean) * ((double)a[i + p] - mean);
        for (int w = LANES / 2; w; w /= 2)
            for (int k = 0; k < w; k++) q[k] += q[k + w];
        chan(state, cap, j, (double)m, mean, q[0]);
    }
}

static void N_(var_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride, int64_t index0, int64_t index_step)
{
    (void)index0, (void)index_step;
    double n = (double)n_rows;
    for (size_t at = 0; at < k; at += COLS) {
        size_t m = k - at < COLS ? k - at : COLS;
        double mean[COLS], q[COLS];
        for (size_t j = 0; j < m; j++) mean[j] = q[j] = 0;
        for (size_t r = 0; r < n_rows; r++) {
            const T *a = (const T *)data + r * row_stride + at;
            for (size_t j = 0; j < m; j++) mean[j] += (double)a[j];
        }
        for (size_t j = 0; j < m; j++) mean[j] /= n;
        for (size_t r = 0; r < n_rows; r++) {
            const T *a = (const T *)data + r * row_stride + at;
            for (size_t j = 0; j < m; j++) {
                double d = (double)a[j] - mean[j];
                q[j] += d * d;
            }
        }
        chan_many(state, cap, j0 + at, m, n, mean, q);
    }
}
#if FLOAT
/* NaN not counted: one element at a time into the count, mean and sum of squares of a piece */
static void N_(nanvar_fold)(f64u *state, size_t cap, size_t j, const T *a, size_t n, size_t stride)
{
    double count = 0, sum = 0, q = 0;
    for (size_t i = 0; i < n; i++) {
        double x = a[i * stride];
        count += x == x;
        sum += x == x ? x : 0;
    }
    if (count == 0) return;
    double mean = sum / count;
    for (size_t i = 0; i < n; i++) {
        double d = a[i * stride] - mean;
        q += d == d || (a[i * stride] == a[i * stride]) ? d * d : 0;
    }
    chan(state, cap, j, count, mean, q);
}
static void N_(nanvar_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    (void)index0;
    N_(nanvar_fold)(state, cap, j, data, n, 1);
}
static void N_(nanvar_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride, int64_t index0,
                            int64_t index_step)
{
    (void)index0, (void)index_step;
    for (size_t j = 0; j < k; j++) N_(nanvar_fold)(state, cap, j0 + j, (const T *)data + j, n_rows, row_stride);
}
#endif

#define FULL(name, bytes, index, finish) {bytes, index, N_(name##_init), N_(name##_cols), N_(name##_row), N_(name##_merge), finish}
static const chk_red_kern N_(red)[CHK_NRED] = {
    [CHK_RED_SUM] = FULL(sum, sizeof(A), false, N_(acc_finish)),
    [CHK_RED_PROD] = FULL(prod, sizeof(A), false, N_(acc_finish)),
    [CHK_RED_MIN] = FULL(min, sizeof(T), false, N_(copy_finish)),
    [CHK_RED_MAX] = FULL(max, sizeof(T), false, N_(copy_finish)),
    [CHK_RED_ANY] = {1, false, N_(any_init), N_(any_cols), N_(any_row), any_merge, bool_finish},
    [CHK_RED_ALL] = {1, false, N_(all_init), N_(all_cols), N_(all_row), all_merge, bool_finish},
    [CHK_RED_COUNT] = {8, false, N_(count_init), N_(count_cols), N_(count_row), count_merge, count_finish},
    [CHK_RED_ARGMIN] = FULL(argmin, sizeof(T) + 8, true, N_(arg_finish)),
    [CHK_RED_ARGMAX] = FULL(argmax, sizeof(T) + 8, true, N_(arg_finish)),
    [CHK_RED_VAR] = {24, false, var_init, N_(var_cols), N_(var_row), var_merge, var_finish},
#if FLOAT
    [CHK_RED_FMIN] = FULL(fmin, sizeof(T), false, N_(copy_finish)),
    [CHK_RED_FMAX] = FULL(fmax, sizeof(T), false, N_(copy_finish)),
    [CHK_RED_NANARGMIN] = FULL(nanargmin, sizeof(T) + 8, true, N_(arg_finish)),
    [CHK_RED_NANARGMAX] = FULL(nanargmax, sizeof(T) + 8, true, N_(arg_finish)),
    [CHK_RED_NANVAR] = {24, false, var_init, N_(nanvar_cols), N_(nanvar_row), var_merge, var_finish},
    [CHK_RED_NANSUM] = FULL(nansum, sizeof(A), false, N_(acc_finish)),
    [CHK_RED_NANPROD] = FULL(nanprod, sizeof(A), false, N_(acc_finish)),
#else
    [CHK_RED_FMIN] = FULL(min, sizeof(T), false, N_(copy_finish)),
    [CHK_RED_FMAX] = FULL(max, sizeof(T), false, N_(copy_finish)),
    [CHK_RED_NANARGMIN] = FULL(argmin, sizeof(T) + 8, true, N_(arg_finish)),
    [CHK_RED_NANARGMAX] = FULL(argmax, sizeof(T) + 8, true, N_(arg_finish)),
    [CHK_RED_NANVAR] = {24, false, var_init, N_(var_cols), N_(var_row), var_merge, var_finish},
    [CHK_RED_NANSUM] = FULL(sum, sizeof(A), false, N_(acc_finish)),
    [CHK_RED_NANPROD] = FULL(prod, sizeof(A), false, N_(acc_finish)),
#endif
};
#undef N_
#undef MIN_
#undef MAX_
#undef FMIN_
#undef FMAX_
#undef EXTREME
#undef FOLDING
#undef COUNTING
#undef ARG
#undef FULL
#undef D
#undef T
#undef V
#undef A
#undef AU
#undef FLOAT
#undef LEAST
#undef MOST
