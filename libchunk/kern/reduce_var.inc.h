/* reduce_var.inc.h: variance of one real dtype, two passes over each call's elements, the second about the first's mean. Part of
 * reduce_real.inc.h. */

/* Folds elements of this dtype into float64 lanes; integers by way of the stack */
#if R_FLOAT
static void OF(into_lanes)(double *lanes, const R_T *a, size_t n, lanes_fn fold, double p) { fold(lanes, a, n, p); }
#define VAR_FOLD(name) OF(fold_##name)
#else
static void OF(into_lanes)(double *lanes, const R_T *a, size_t n, lanes_fn fold, double p)
{
    double buf[16 * LANES];
    while (n) {
        size_t m = n < 16 * LANES ? n : 16 * LANES;
        for (size_t i = 0; i < m; i++) buf[i] = (double)a[i];
        fold(lanes, buf, m, p);
        a += m, n -= m;
    }
}
#define VAR_FOLD(name) CHK_PASTE(fold_##name, f64)
#endif

static inline void OF(var_add)(void *state, size_t cap, size_t j, moments more)
{
    f64u *n = (f64u *)state + j, *mean = n + cap, *m2 = mean + cap;
    moments all = combine((moments){*n, *mean, *m2}, more);
    *n = all.n, *mean = all.mean, *m2 = all.m2;
}

static void OF(var_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    double lanes[LANES] = {0}, squares[LANES] = {0};
    (void)index0;
    if (!n) return;
    OF(into_lanes)(lanes, data, n, VAR_FOLD(sum), 0);
    double mean = lanes_sum(lanes) / (double)n;
    OF(into_lanes)(squares, data, n, VAR_FOLD(m2), mean);
    OF(var_add)(state, cap, j, (moments){(double)n, mean, lanes_sum(squares)});
}

/* Means and squared deviations of m columns of few rows: each column's elements are loaded once, and stay in registers for the second pass. */
static inline __attribute__((always_inline)) void OF(var_few)(f64u *mean, f64u *m2, const R_T *a, size_t m, size_t stride,
                                                              const int n_rows)
{
    _Pragma("GCC ivdep") for (size_t j = 0; j < m; j++)
    {
        double x[16], sum = 0, squares = 0;
        _Pragma("GCC unroll 16") for (int r = 0; r < n_rows; r++) x[r] = (double)a[j + (size_t)r * stride];
        _Pragma("GCC unroll 16") for (int r = 0; r < n_rows; r++) sum += x[r];
        sum /= (double)n_rows;
        _Pragma("GCC unroll 16") for (int r = 0; r < n_rows; r++) squares += (x[r] - sum) * (x[r] - sum);
        mean[j] = sum;
        m2[j] = squares;
    }
}

static void OF(var_many)(f64u *mean, f64u *m2, const R_T *a, size_t m, size_t n_rows, size_t stride)
{
    size_t r = 0;
    const R_T *top = a;
    memset(mean, 0, m * sizeof *mean);
    memset(m2, 0, m * sizeof *m2);
    for (; r + 4 <= n_rows; r += 4, a += 4 * stride)
        for (size_t j = 0; j < m; j++)
            mean[j] = mean[j] + (double)a[j] + (double)a[j + stride] + (double)a[j + 2 * stride] + (double)a[j + 3 * stride];
    for (; r < n_rows; r++, a += stride)
        for (size_t j = 0; j < m; j++) mean[j] += (double)a[j];
    for (size_t j = 0; j < m; j++) mean[j] /= (double)n_rows;
    a = top;
    for (r = 0; r + 4 <= n_rows; r += 4, a += 4 * stride)
        for (size_t j = 0; j < m; j++) {
            double d0 = (double)a[j] - mean[j], d1 = (double)a[j + stride] - mean[j];
            double d2 = (double)a[j + 2 * stride] - mean[j], d3 = (double)a[j + 3 * stride] - mean[j];
            m2[j] = m2[j] + d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3;
        }
    for (; r < n_rows; r++, a += stride)
        for (size_t j = 0; j < m; j++) m2[j] += ((double)a[j] - mean[j]) * ((double)a[j] - mean[j]);
}

static void OF(var_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,
                         int64_t index0, int64_t index_step)
{
    f64u mean_beside[VAR_BLOCK], m2_beside[VAR_BLOCK];
    (void)index0, (void)index_step;
    if (!n_rows) return;
    for (size_t c = 0; c < k; c += VAR_BLOCK) {
        size_t m = k - c < VAR_BLOCK ? k - c : VAR_BLOCK;
        const R_T *a = (const R_T *)data + c;
        f64u *n = (f64u *)state + j0 + c;
        bool fresh = n[0] == 0 && all_same(n, m); /* then these rows are all there is, and go where they stay */
        f64u *mean = fresh ? n + cap : mean_beside, *m2 = fresh ? n + 2 * cap : m2_beside;
        switch (R_FLOAT ? n_rows : 0) { /* what leaves of common chunks have; the order of additions is that of var_many */
        case 4: OF(var_few)(mean, m2, a, m, stride, 4); break;
        case 8: OF(var_few)(mean, m2, a, m, stride, 8); break;
        case 16: OF(var_few)(mean, m2, a, m, stride, 16); break;
        default: OF(var_many)(mean, m2, a, m, n_rows, stride);
        }
        if (fresh) {
            for (size_t j = 0; j < m; j++) n[j] = (double)n_rows;
            continue;
        }
        if (combine_many(n, n + cap, n + 2 * cap, m, (double)n_rows, mean, m2)) continue;
        for (size_t j = 0; j < m; j++) OF(var_add)(state, cap, j0 + c + j, (moments){(double)n_rows, mean[j], m2[j]});
    }
}

/* Only the counts: nobody looks at mean and squares of none. */
static void OF(var_init)(void *state, size_t cap, size_t j0, size_t k)
{
    (void)cap;
    memset((f64u *)state + j0, 0, k * sizeof(double));
}

static void OF(var_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)
{
    const f64u *n = (const f64u *)from + j0, *mean = n + from_cap, *m2 = mean + from_cap;
    f64u *to = (f64u *)into + i0;
    if (k > 0 && all_same(n, k) && combine_many(to, to + into_cap, to + 2 * into_cap, k, n[0], mean, m2)) return;
    for (size_t j = 0; j < k; j++) OF(var_add)(into, into_cap, i0 + j, (moments){n[j], mean[j], m2[j]});
}

static void OF(var_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    f64u *o = out;
    const f64u *n = (const f64u *)state + j0, *m2 = n + 2 * cap;
    for (size_t j = 0; j < k; j++) o[j] = variance(n[j], n[j] > 0 ? m2[j] : 0, param);
}

#if R_FLOAT
static void OF(nanvar_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    f64u *o = out;
    const f64u *n = (const f64u *)state + j0;
    OF(var_finish)(out, state, cap, j0, k, param);
    for (size_t j = 0; j < k; j++) o[j] = n[j] - param > 0 ? o[j] : NAN;
}

static void OF(nanvar_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    double lanes[LANES] = {0}, squares[LANES] = {0};
    const R_T *a = data;
    size_t n_numbers = 0;
    (void)index0;
    for (size_t i = 0; i < n; i++) n_numbers += a[i] == a[i];
    if (!n_numbers) return;
    OF(into_lanes)(lanes, data, n, VAR_FOLD(nansum), 0);
    double mean = lanes_sum(lanes) / (double)n_numbers;
    OF(into_lanes)(squares, data, n, VAR_FOLD(nanm2), mean);
    OF(var_add)(state, cap, j, (moments){(double)n_numbers, mean, lanes_sum(squares)});
}

static void OF(nanvar_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,
                            int64_t index0, int64_t index_step)
{
    double n[VAR_BLOCK], mean[VAR_BLOCK], m2[VAR_BLOCK];
    (void)index0, (void)index_step;
    for (size_t c = 0; c < k; c += VAR_BLOCK) {
        size_t m = k - c < VAR_BLOCK ? k - c : VAR_BLOCK;
        memset(n, 0, sizeof n);
        memset(mean, 0, sizeof mean);
        memset(m2, 0, sizeof m2);
        const R_T *a = (const R_T *)data + c;
        for (size_t r = 0; r < n_rows; r++, a += stride)
            for (size_t j = 0; j < m; j++) {
                double x = a[j];
                n[j] += x == x ? 1 : 0;
                mean[j] += x == x ? x : 0;
            }
        for (size_t j = 0; j < m; j++) mean[j] = n[j] > 0 ? mean[j] / n[j] : 0;
        a = (const R_T *)data + c;
        for (size_t r = 0; r < n_rows; r++, a += stride)
            for (size_t j = 0; j < m; j++) {
                double x = a[j], d = x - mean[j];
                m2[j] += x == x ? d * d : 0;
            }
        for (size_t j = 0; j < m; j++) OF(var_add)(state, cap, j0 + c + j, (moments){n[j], mean[j], m2[j]});
    }
}
#endif
#undef VAR_FOLD
