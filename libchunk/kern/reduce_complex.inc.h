/* reduce_complex.inc.h: the reductions of one complex dtype. Parameters: R_ID its short name, R_REAL that of its parts, R_T their unaligned
 * type, R_V their value type. Order is lexicographic; NaN in either part is NaN. */
#define OF(name) CHK_PASTE(name, R_ID)
#define PARTS(name) CHK_PASTE(name, R_REAL)

typedef struct OF(value) {
    R_V re, im;
} OF(value);
typedef struct OF(item) {
    R_T re, im;
} OF(item);
static inline bool OF(is_nan)(OF(value) x) { return (x.re != x.re) | (x.im != x.im); }
static inline bool OF(before)(OF(value) x, OF(value) y) { return x.re < y.re || (x.re == y.re && x.im < y.im); }
static inline OF(value) OF(get)(const OF(item) * a) { return (OF(value)){a->re, a->im}; }

/* ---- sum: the parts are twice as many real numbers, real parts in even lanes and columns */
static inline pair_sum OF(sum_of)(const R_T *a, size_t n, bool skip_nan)
{
    double lanes[LANES] = {0};
    double buf[8 * LANES];
    if (!skip_nan) {
        PARTS(fold_sum)(lanes, a, 2 * n, 0);
    } else {
        while (n) {
            size_t m = n < 4 * LANES ? n : 4 * LANES;
            for (size_t i = 0; i < m; i++) {
                double re = a[2 * i], im = a[2 * i + 1];
                bool is_number = (re == re) & (im == im);
                buf[2 * i] = is_number ? re : 0;
                buf[2 * i + 1] = is_number ? im : 0;
            }
            fold_sum_f64(lanes, buf, 2 * m, 0);
            a += 2 * m, n -= m;
        }
    }
    return pair_lanes(lanes);
}
static void OF(sum_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    f64u *s = (f64u *)state + 2 * j;
    pair_sum p = OF(sum_of)(data, n, false);
    (void)cap, (void)index0;
    s[0] += p.re, s[1] += p.im;
}
static void OF(nansum_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    f64u *s = (f64u *)state + 2 * j;
    pair_sum p = OF(sum_of)(data, n, true);
    (void)cap, (void)index0;
    s[0] += p.re, s[1] += p.im;
}
static void OF(sum_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,
                         int64_t index0, int64_t index_step)
{
    PARTS(sum_cols)(state, 2 * cap, 2 * j0, 2 * k, data, n_rows, 2 * stride, index0, index_step);
}
static void OF(nansum_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,
                            int64_t index0, int64_t index_step)
{
    (void)cap, (void)index0, (void)index_step;
    f64u *s = (f64u *)state + 2 * j0;
    for (size_t r = 0; r < n_rows; r++) {
        const R_T *a = (const R_T *)data + 2 * r * stride;
        for (size_t j = 0; j < k; j++) {
            double re = a[2 * j], im = a[2 * j + 1];
            bool is_number = (re == re) & (im == im);
            s[2 * j] += is_number ? re : 0;
            s[2 * j + 1] += is_number ? im : 0;
        }
    }
}

/* ---- product: PRODUCT_LANES running products, element i into product i modulo their number */
static inline void OF(multiply)(f64u *p, const R_T *x, bool skip_nan)
{
    double re = x[0], im = x[1], a = p[0], b = p[1];
    if (skip_nan && (re != re || im != im)) return;
    p[0] = a * re + b * flip_f64(im);
    p[1] = a * im + b * re;
}
static inline void OF(product_row)(void *state, size_t j, const R_T *a, size_t n, bool skip_nan)
{
    enum { PRODUCT_LANES = 8 };
    double lanes[2 * PRODUCT_LANES];
    for (int i = 0; i < PRODUCT_LANES; i++) lanes[2 * i] = 1, lanes[2 * i + 1] = 0;
    for (size_t i = 0; i < n; i++) OF(multiply)(lanes + 2 * (i % PRODUCT_LANES), a + 2 * i, skip_nan);
    for (int i = 1; i < PRODUCT_LANES; i++) multiply_c128(lanes, lanes + 2 * i, false);
    multiply_c128((f64u *)state + 2 * j, lanes, false);
}
static void OF(prod_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    (void)cap, (void)index0;
    OF(product_row)(state, j, data, n, false);
}
static void OF(nanprod_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)
{
    (void)cap, (void)index0;
    OF(product_row)(state, j, data, n, true);
}
static inline void OF(product_cols)(void *state, size_t j0, size_t k, const R_T *a, size_t n_rows, size_t stride, bool skip_nan)
{
    for (size_t r = 0; r < n_rows; r++)
        for (size_t j = 0; j < k; j++) OF(multiply)((f64u *)state + 2 * (j0 + j), a + 2 * (r * stride + j), skip_nan);
}
static void OF(prod_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,
                          int64_t index0, int64_t index_step)
{
    (void)cap, (void)index0, (void)index_step;
    OF(product_cols)(state, j0, k, data, n_rows, stride, false);
}
static void OF(nanprod_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,
                             int64_t index0, int64_t index_step)
{
    (void)cap, (void)index0, (void)index_step;
    OF(product_cols)(state, j0, k, data, n_rows, stride, true);
}

/* ---- reductions that take one element after another: OF(name_take)(state, cap, j, x, index) and a merge by the same rule */
#define ONE_BY_ONE(name)                                                                                                           \
    static void OF(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        for (size_t i = 0; i < n; i++) OF(name##_take)(state, cap, j, OF(get)((const OF(item) *)data + i), index0 + (int64_t)i);   \
    }                                                                                                                              \
    static void OF(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,      \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        for (size_t r = 0; r < n_rows; r++)                                                                                        \
            for (size_t j = 0; j < k; j++) OF(name##_take)                                                                         \
        (state, cap, j0 + j, OF(get)((const OF(item) *)data + r * stride + j), index0 + (int64_t)r * index_step);                  \
    }
/* What nanmin and nanmax start from: a NaN that no computation gives. The first element takes its place even where it is NaN: NumPy's result of
 * nothing but NaN is the first of them, part by part. */
static inline OF(item) OF(nothing)(void)
{
    const PARTS(bits) bits = PARTS(NOTHING);
    OF(item) x;
    memcpy(&x.re, &bits, sizeof bits);
    memcpy(&x.im, &bits, sizeof bits);
    return x;
}
static inline bool OF(is_nothing)(const OF(item) * s)
{
    OF(item) x = OF(nothing)();
    return memcmp(s, &x, sizeof x) == 0;
}
#define EXTREME(name, start, better)                                                                                               \
    static void OF(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        (void)cap;                                                                                                                 \
        for (size_t j = 0; j < k; j++) ((OF(item) *)state)[j0 + j] = start;                                                        \
    }                                                                                                                              \
    static inline void OF(name##_take)(void *state, size_t cap, size_t j, OF(value) x, int64_t index)                              \
    {                                                                                                                              \
        OF(item) *s = (OF(item) *)state + j;                                                                                       \
        OF(value) v = OF(get)(s);                                                                                                  \
        (void)cap, (void)index;                                                                                                    \
        if (better) *s = (OF(item)){x.re, x.im};                                                                                   \
    }                                                                                                                              \
    static void OF(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        (void)from_cap;                                                                                                            \
        for (size_t j = 0; j < k; j++) OF(name##_take)(into, into_cap, i0 + j, OF(get)((const OF(item) *)from + j0 + j), 0);       \
    }                                                                                                                              \
    ONE_BY_ONE(name)
EXTREME(min, ((OF(item)){(R_V)INFINITY, (R_V)INFINITY}), !OF(is_nan)(v) && (OF(is_nan)(x) || OF(before)(x, v)))
EXTREME(max, ((OF(item)){-(R_V)INFINITY, -(R_V)INFINITY}), !OF(is_nan)(v) && (OF(is_nan)(x) || OF(before)(v, x)))
EXTREME(fmin, OF(nothing)(), OF(is_nan)(v) ? !OF(is_nan)(x) || OF(is_nothing)(s) : !OF(is_nan)(x) && OF(before)(x, v))
EXTREME(fmax, OF(nothing)(), OF(is_nan)(v) ? !OF(is_nan)(x) || OF(is_nothing)(s) : !OF(is_nan)(x) && OF(before)(v, x))
static void OF(extreme_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)cap, (void)param;
    memcpy(out, (const OF(item) *)state + j0, k * sizeof(OF(item)));
}

#define WHERE_IS(name, wins, skips)                                                                                                \
    static inline void OF(name##_take)(void *state, size_t cap, size_t j, OF(value) x, int64_t at)                                 \
    {                                                                                                                              \
        OF(item) *s = (OF(item) *)state + j;                                                                                       \
        i64u *index = (i64u *)((OF(item) *)state + cap) + j;                                                                       \
        OF(value) v = OF(get)(s);                                                                                                  \
        bool x_nan = OF(is_nan)(x), v_nan = OF(is_nan)(v), ties = (x.re == v.re && x.im == v.im) || (x_nan && v_nan);              \
        if (skips) return;                                                                                                         \
        if (*index < 0 || (wins && !v_nan) || (x_nan && !v_nan) || (ties && at < *index))                                          \
            *s = (OF(item)){x.re, x.im}, *index = at;                                                                              \
    }                                                                                                                              \
    static void OF(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        const OF(item) *other = (const OF(item) *)from + j0;                                                                       \
        const i64u *at = (const i64u *)((const OF(item) *)from + from_cap) + j0;                                                   \
        for (size_t j = 0; j < k; j++)                                                                                             \
            if (at[j] >= 0) OF(name##_take)(into, into_cap, i0 + j, OF(get)(other + j), at[j]);                                    \
    }                                                                                                                              \
    ONE_BY_ONE(name)
WHERE_IS(argmin, OF(before)(x, v), false)
WHERE_IS(argmax, OF(before)(v, x), false)
WHERE_IS(nanargmin, OF(before)(x, v), x_nan)
WHERE_IS(nanargmax, OF(before)(v, x), x_nan)
static void OF(where_init)(void *state, size_t cap, size_t j0, size_t k)
{
    memset((OF(item) *)state + j0, 0, k * sizeof(OF(item)));
    for (size_t j = 0; j < k; j++) ((i64u *)((OF(item) *)state + cap))[j0 + j] = -1;
}
static void OF(where_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)param;
    memcpy(out, (const i64u *)((const OF(item) *)state + cap) + j0, k * sizeof(int64_t));
}

static inline void OF(any_take)(void *state, size_t cap, size_t j, OF(value) x, int64_t index)
{
    (void)cap, (void)index;
    ((u8u *)state)[j] |= x.re != 0 || x.im != 0;
}
static inline void OF(all_take)(void *state, size_t cap, size_t j, OF(value) x, int64_t index)
{
    (void)cap, (void)index;
    ((u8u *)state)[j] &= x.re != 0 || x.im != 0;
}
static inline void OF(count_take)(void *state, size_t cap, size_t j, OF(value) x, int64_t index)
{
    (void)cap, (void)index;
    ((i64u *)state)[j] += x.re != 0 || x.im != 0;
}
ONE_BY_ONE(any)
ONE_BY_ONE(all)
ONE_BY_ONE(count)

/* ---- variance: {n, mean re, mean im, m2}; two passes in a call, combined as for real numbers, one part after the other */
static void OF(var_add)(void *state, size_t cap, size_t j, double n, double re, double im, double m2)
{
    f64u *sn = (f64u *)state + j, *sre = sn + cap, *sim = sre + cap, *sm2 = sim + cap;
    moments r = combine((moments){*sn, *sre, *sm2}, (moments){n, re, m2}),
            i = combine((moments){*sn, *sim, 0}, (moments){n, im, 0});
    *sn = r.n, *sre = r.mean, *sim = i.mean, *sm2 = r.m2 + i.m2;
}
static inline void OF(var_of_row)(void *state, size_t cap, size_t j, const R_T *a, size_t n, bool skip_nan)
{
    double squares[LANES] = {0}, buf[8 * LANES];
    size_t count = n;
    if (skip_nan) {
        count = 0;
        for (size_t i = 0; i < n; i++) count += (a[2 * i] == a[2 * i]) & (a[2 * i + 1] == a[2 * i + 1]);
    }
    if (!count) return;
    pair_sum sum = OF(sum_of)(a, n, skip_nan);
    double re = sum.re / (double)count, im = sum.im / (double)count;
    while (n) {
        size_t m = n < 4 * LANES ? n : 4 * LANES;
        for (size_t i = 0; i < m; i++) {
            double x = a[2 * i], y = a[2 * i + 1];
            bool counts = (x == x && y == y) || !skip_nan; /* differences of infinities are NaN, too */
            buf[2 * i] = counts ? x - re : 0;
            buf[2 * i + 1] = counts ? y - im : 0;
        }
        fold_m2_f64(squares, buf, 2 * m, 0);
        a += 2 * m, n -= m;
    }
    OF(var_add)(state, cap, j, (double)count, re, im, lanes_sum(squares));
}
static inline void OF(var_of_cols)(void *state, size_t cap, size_t j0, size_t k, const R_T *a, size_t n_rows, size_t stride,
                                   bool skip_nan)
{
    double n[VAR_BLOCK] = {0}, re[VAR_BLOCK] = {0}, im[VAR_BLOCK] = {0}, m2[VAR_BLOCK] = {0};
    for (size_t r = 0; r < n_rows; r++)
        for (size_t j = 0; j < k; j++) {
            double x = a[2 * (r * stride + j)], y = a[2 * (r * stride + j) + 1];
            bool counts = (x == x && y == y) || !skip_nan;
            n[j] += counts ? 1 : 0;
            re[j] += counts ? x : 0;
            im[j] += counts ? y : 0;
        }
    for (size_t j = 0; j < k; j++) re[j] /= n[j], im[j] /= n[j];
    for (size_t r = 0; r < n_rows; r++)
        for (size_t j = 0; j < k; j++) {
            double x = a[2 * (r * stride + j)], y = a[2 * (r * stride + j) + 1];
            bool counts = (x == x && y == y) || !skip_nan;
            double u = x - re[j], v = y - im[j];
            m2[j] += counts ? u * u + v * v : 0;
        }
    for (size_t j = 0; j < k; j++)
        if (n[j] != 0) OF(var_add)(state, cap, j0 + j, n[j], re[j], im[j], m2[j]);
}
#define VAR(name, skip_nan)                                                                                                        \
    static void OF(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        (void)index0;                                                                                                              \
        OF(var_of_row)(state, cap, j, data, n, skip_nan);                                                                          \
    }                                                                                                                              \
    static void OF(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t stride,      \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)index0, (void)index_step;                                                                                            \
        for (size_t c = 0; c < k; c += VAR_BLOCK) OF(var_of_cols)                                                                  \
        (state, cap, j0 + c, k - c < VAR_BLOCK ? k - c : VAR_BLOCK, (const R_T *)data + 2 * c, n_rows, stride, skip_nan);          \
    }
VAR(var, false)
VAR(nanvar, true)
static void OF(var_init)(void *state, size_t cap, size_t j0, size_t k)
{
    for (size_t c = 0; c < 4; c++) memset((f64u *)state + c * cap + j0, 0, k * sizeof(double));
}
static void OF(var_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)
{
    const f64u *n = (const f64u *)from + j0, *re = n + from_cap, *im = re + from_cap, *m2 = im + from_cap;
    for (size_t j = 0; j < k; j++)
        if (n[j] != 0) OF(var_add)(into, into_cap, i0 + j, n[j], re[j], im[j], m2[j]);
}
static void OF(var_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    f64u *o = out;
    const f64u *n = (const f64u *)state + j0, *m2 = n + 3 * cap;
    for (size_t j = 0; j < k; j++) o[j] = variance(n[j], m2[j], param);
}
static void OF(nanvar_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    f64u *o = out;
    const f64u *n = (const f64u *)state + j0;
    OF(var_finish)(out, state, cap, j0, k, param);
    for (size_t j = 0; j < k; j++) o[j] = n[j] - param > 0 ? o[j] : NAN;
}

#undef OF
#undef PARTS
#undef ONE_BY_ONE
#undef EXTREME
#undef WHERE_IS
#undef VAR
