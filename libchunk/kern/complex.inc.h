/* complex.inc.h: complex kernels of one precision: V real type, C complex type, S suffix of libm's functions, D token. Included twice by complex.c. */
#define N_(x) CHK_PASTE(x, D)
typedef struct N_(cval) { V re, im; } N_(cval);
#define Z N_(cval)

static Z N_(mul)(Z x, Z y) { return (Z){x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re}; }

/* Smith's method, as NumPy divides. */
static Z N_(div)(Z x, Z y)
{
    V r = FN(fabs)(y.re), i = FN(fabs)(y.im);
    if (r >= i) {
        if (r == 0 && i == 0) return (Z){x.re / r, x.im / r};
        V rat = y.im / y.re, scale = 1 / (y.re + y.im * rat);
        return (Z){(x.re + x.im * rat) * scale, (x.im - x.re * rat) * scale};
    }
    V rat = y.re / y.im, scale = 1 / (y.im + y.re * rat);
    return (Z){(x.re * rat + x.im) * scale, (x.im * rat - x.re) * scale};
}

static inline C N_(pack)(Z x)
{
    C z;
    memcpy(&z, &x, sizeof z);
    return z;
}
static inline Z N_(unpack)(C z)
{
    Z x;
    memcpy(&x, &z, sizeof x);
    return x;
}

/* Integer powers by multiplication, others by cpow; 0 ** 0 is 1, as in NumPy. */
static Z N_(power)(Z x, Z y)
{
    if (y.re == 0 && y.im == 0) return (Z){1, 0};
    if (x.re == 0 && x.im == 0) return y.re > 0 && y.im == 0 ? (Z){0, 0} : (Z){NAN, NAN};
    if (y.im == 0 && y.re == FN(trunc)(y.re) && FN(fabs)(y.re) < 100) {
        int n = (int)FN(fabs)(y.re);
        Z r = {1, 0}, p = x;
        for (; n; n >>= 1, p = N_(mul)(p, p))
            if (n & 1) r = N_(mul)(r, p);
        return y.re < 0 ? N_(div)((Z){1, 0}, r) : r;
    }
    return N_(unpack)(FN(cpow)(N_(pack)(x), N_(pack)(y)));
}

static bool N_(isnan)(Z x) { return x.re != x.re || x.im != x.im; }
static bool N_(less)(Z x, Z y) { return (x.re < y.re && x.im == x.im && y.im == y.im) || (x.re == y.re && x.im < y.im); }
static bool N_(less_equal)(Z x, Z y) { return (x.re < y.re && x.im == x.im && y.im == y.im) || (x.re == y.re && x.im <= y.im); }
static V N_(modulus)(Z x) { return FN(hypot)(x.re, x.im); }
static Z N_(signum)(Z x)
{
    V m = N_(modulus)(x);
    if (x.re == 0 && x.im == 0) return (Z){0, 0};
    return (Z){x.re / m, x.im / m};
}
static Z N_(scaled_log)(Z x, V by)
{
    Z l = N_(unpack)(FN(clog)(N_(pack)(x)));
    return (Z){l.re * by, l.im * by};
}
static Z N_(expm1_)(Z x)
{
    V a = FN(sin)(x.im / 2);
    return (Z){FN(expm1)(x.re) * FN(cos)(x.im) - 2 * a * a, FN(exp)(x.re) * FN(sin)(x.im)};
}
static Z N_(log1p_)(Z x) { return (Z){FN(log)(FN(hypot)(x.re + 1, x.im)), FN(atan2)(x.im, x.re + 1)}; }

#define AT(p, i) N_(read)((const char *)(p) + (i) * sizeof(Z))
static inline Z N_(read)(const char *p)
{
    Z x;
    memcpy(&x, p, sizeof x);
    return x;
}
#define UN(name, R, expr)                                                                                                          \
    static void N_(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            Z x = AT(in[0], i);                                                                                                    \
            R r = (expr);                                                                                                          \
            memcpy((char *)out + i * sizeof r, &r, sizeof r);                                                                      \
        }                                                                                                                          \
    }
#define BI(name, R, expr)                                                                                                          \
    static void N_(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            Z x = AT(in[0], i), y = AT(in[1], i);                                                                                  \
            R r = (expr);                                                                                                          \
            memcpy((char *)out + i * sizeof r, &r, sizeof r);                                                                      \
        }                                                                                                                          \
    }
#define LIBM(name, f) UN(name, Z, N_(unpack)(FN(f)(N_(pack)(x))))
BI(k_add, Z, ((Z){x.re + y.re, x.im + y.im}))
BI(k_sub, Z, ((Z){x.re - y.re, x.im - y.im}))
BI(k_mul, Z, N_(mul)(x, y))
BI(k_div, Z, N_(div)(x, y))
BI(k_pow, Z, N_(power)(x, y))
BI(k_min, Z, N_(less_equal)(x, y) || N_(isnan)(x) ? x : y)
BI(k_max, Z, N_(less_equal)(y, x) || N_(isnan)(x) ? x : y)
BI(k_fmin, Z, N_(less_equal)(x, y) || N_(isnan)(y) ? x : y)
BI(k_fmax, Z, N_(less_equal)(y, x) || N_(isnan)(y) ? x : y)
BI(k_eq, bool, x.re == y.re && x.im == y.im)
BI(k_ne, bool, x.re != y.re || x.im != y.im)
BI(k_lt, bool, N_(less)(x, y))
BI(k_le, bool, N_(less_equal)(x, y))
BI(k_gt, bool, N_(less)(y, x))
BI(k_ge, bool, N_(less_equal)(y, x))
#define TRUE_(x) ((x).re != 0 || (x).im != 0)
BI(k_land, bool, TRUE_(x) && TRUE_(y))
BI(k_lor, bool, TRUE_(x) || TRUE_(y))
BI(k_lxor, bool, TRUE_(x) != TRUE_(y))
UN(k_not, bool, !TRUE_(x))
UN(k_neg, Z, ((Z){-x.re, -x.im}))
UN(k_pos, Z, x)
UN(k_conj, Z, ((Z){x.re, -x.im}))
UN(k_square, Z, ((Z){x.re * x.re - x.im * x.im, x.re * x.im + x.im * x.re}))
UN(k_recip, Z, N_(div)((Z){1, 0}, x))
UN(k_abs, V, N_(modulus)(x))
UN(k_angle, V, FN(atan2)(x.im, x.re))
UN(k_real, V, x.re)
UN(k_imag, V, x.im)
UN(k_sign, Z, N_(signum)(x))
UN(k_round, Z, ((Z){FN(rint)(x.re), FN(rint)(x.im)}))
UN(k_isnan, bool, N_(isnan)(x))
UN(k_isinf, bool, isinf(x.re) || isinf(x.im))
UN(k_isfinite, bool, isfinite(x.re) && isfinite(x.im))
UN(k_log2, Z, N_(scaled_log)(x, (V)1.4426950408889634074))
UN(k_log10, Z, N_(scaled_log)(x, (V)0.43429448190325182765))
UN(k_expm1, Z, N_(expm1_)(x))
UN(k_log1p, Z, N_(log1p_)(x))
LIBM(k_sqrt, csqrt) LIBM(k_exp, cexp) LIBM(k_log, clog) LIBM(k_sin, csin) LIBM(k_cos, ccos) LIBM(k_tan, ctan) LIBM(k_asin, casin) LIBM(k_acos, cacos)
LIBM(k_atan, catan) LIBM(k_sinh, csinh) LIBM(k_cosh, ccosh) LIBM(k_tanh, ctanh) LIBM(k_asinh, casinh) LIBM(k_acosh, cacosh) LIBM(k_atanh, catanh)

/* ---- reductions; sums, products and moments in float64 */
typedef struct N_(cval2) { double re, im; } N_(cval2);
#define W N_(cval2)
static W *N_(acc)(void *state) { return state; }
#define FOLD(name, r0, STEP)                                                                                                       \
    static void N_(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        (void)cap;                                                                                                                 \
        for (size_t j = 0; j < k; j++) N_(acc)(state)[j0 + j] = (W){r0, 0};                                                        \
    }                                                                                                                              \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        (void)cap, (void)index0;                                                                                                   \
        W lane[8], *s = N_(acc)(state) + j;                                                                                        \
        for (int l = 0; l < 8; l++) lane[l] = (W){r0, 0};                                                                          \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            Z z = AT(data, i);                                                                                                     \
            W x = {z.re, z.im}, *t = &lane[i % 8];                                                                                 \
            STEP;                                                                                                                  \
        }                                                                                                                          \
        for (int l = 0; l < 8; l++) {                                                                                              \
            W x = lane[l], *t = s;                                                                                                 \
            STEP;                                                                                                                  \
        }                                                                                                                          \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)cap, (void)index0, (void)index_step;                                                                                 \
        for (size_t r = 0; r < n_rows; r++)                                                                                        \
            for (size_t j = 0; j < k; j++) {                                                                                       \
                Z z = AT(data, r * row_stride + j);                                                                                \
                W x = {z.re, z.im}, *t = N_(acc)(state) + j0 + j;                                                                  \
                STEP;                                                                                                              \
            }                                                                                                                      \
    }                                                                                                                              \
    static void N_(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        (void)into_cap, (void)from_cap;                                                                                            \
        for (size_t j = 0; j < k; j++) {                                                                                           \
            W x = ((const W *)from)[j0 + j], *t = N_(acc)(into) + i0 + j;                                                          \
            STEP;                                                                                                                  \
        }                                                                                                                          \
    }
#define ADD_STEP t->re += x.re, t->im += x.im
#define MUL_STEP *t = (W){t->re * x.re - t->im * x.im, t->re * x.im + t->im * x.re}
#define NOT_NAN (x.re == x.re && x.im == x.im)
FOLD(c_sum, 0, ADD_STEP)
FOLD(c_prod, 1, MUL_STEP)
FOLD(c_nansum, 0, if (NOT_NAN) ADD_STEP)
FOLD(c_nanprod, 1, if (NOT_NAN) MUL_STEP)
static void N_(c_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)cap, (void)param;
    memcpy(out, (const W *)state + j0, k * sizeof(W));
}

/* Values with a place: {Z, int64}; min and max are argmin and argmax without their places. */
#define BEST(name, BETTER, SKIPS_NAN)                                                                                              \
    static void N_(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        i64u *at = (i64u *)(void *)((char *)state + cap * sizeof(Z));                                                              \
        memset((char *)state + j0 * sizeof(Z), 0, k * sizeof(Z));                                                                  \
        for (size_t j = 0; j < k; j++) at[j0 + j] = -1;                                                                            \
    }                                                                                                                              \
    static void N_(name##_take)(char *v, i64u *at, Z x, int64_t i)                                                                 \
    {                                                                                                                              \
        Z y = N_(read)(v);                                                                                                         \
        bool xn = N_(isnan)(x), yn = N_(isnan)(y);                                                                                 \
        if (i < 0 || (SKIPS_NAN && xn)) return;                                                                                    \
        bool same = ((xn && yn) || (x.re == y.re && x.im == y.im)) && i < *at;                                                     \
        if (*at < 0 || (xn && !yn) || (!yn && BETTER) || same) memcpy(v, &x, sizeof x), *at = i;                                   \
    }                                                                                                                              \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        i64u *at = (i64u *)(void *)((char *)state + cap * sizeof(Z));                                                              \
        for (size_t i = 0; i < n; i++) N_(name##_take)((char *)state + j * sizeof(Z), at + j, AT(data, i), index0 + (int64_t)i);   \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        i64u *at = (i64u *)(void *)((char *)state + cap * sizeof(Z));                                                              \
        for (size_t r = 0; r < n_rows; r++)                                                                                        \
            for (size_t j = 0; j < k; j++)                                                                                         \
                N_(name##_take)((char *)state + (j0 + j) * sizeof(Z), at + j0 + j, AT(data, r * row_stride + j),                   \
                                index0 + (int64_t)r * index_step);                                                                 \
    }                                                                                                                              \
    static void N_(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        i64u *at = (i64u *)(void *)((char *)into + into_cap * sizeof(Z));                                                          \
        const i64u *w = (const i64u *)(const void *)((const char *)from + from_cap * sizeof(Z));                                   \
        for (size_t j = 0; j < k; j++) N_(name##_take)((char *)into + (i0 + j) * sizeof(Z), at + i0 + j, AT(from, j0 + j), w[j0 + j]); \
    }
BEST(best_min, N_(less)(x, y), 0)
BEST(best_max, N_(less)(y, x), 0)
BEST(best_fmin, N_(less)(x, y), 1)
BEST(best_fmax, N_(less)(y, x), 1)
static void N_(arg_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)param;
    memcpy(out, (const char *)state + cap * sizeof(Z) + j0 * 8, k * 8);
}
static void N_(best_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)param;
    const i64u *at = (const i64u *)(const void *)((const char *)state + cap * sizeof(Z));
    for (size_t j = 0; j < k; j++) {
        Z x = at[j0 + j] < 0 ? (Z){NAN, NAN} : AT(state, j0 + j);
        memcpy((char *)out + j * sizeof x, &x, sizeof x);
    }
}

#define TRUTH(name, S, first, EXPR)                                                                                                \
    static void N_(name##_init)(void *state, size_t cap, size_t j0, size_t k)                                                      \
    {                                                                                                                              \
        (void)cap;                                                                                                                 \
        for (size_t j = 0; j < k; j++) ((S *)state)[j0 + j] = first;                                                               \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)cap, (void)index0, (void)index_step;                                                                                 \
        for (size_t r = 0; r < n_rows; r++)                                                                                        \
            for (size_t j = 0; j < k; j++) {                                                                                       \
                Z z = AT(data, r * row_stride + j);                                                                                \
                S x = TRUE_(z), y = ((S *)state)[j0 + j];                                                                          \
                ((S *)state)[j0 + j] = (S)(EXPR);                                                                                  \
            }                                                                                                                      \
    }                                                                                                                              \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        for (size_t i = 0; i < n; i++) N_(name##_cols)(state, cap, j, 1, (const char *)data + i * sizeof(Z), 1, 1, index0, 0);     \
    }                                                                                                                              \
    static void N_(name##_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)   \
    {                                                                                                                              \
        (void)into_cap, (void)from_cap;                                                                                            \
        for (size_t j = 0; j < k; j++) {                                                                                           \
            S x = ((const S *)from)[j0 + j], y = ((S *)into)[i0 + j];                                                              \
            ((S *)into)[i0 + j] = (S)(EXPR);                                                                                       \
        }                                                                                                                          \
    }                                                                                                                              \
    static void N_(name##_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)                     \
    {                                                                                                                              \
        (void)cap, (void)param;                                                                                                    \
        memcpy(out, (const S *)state + j0, k * sizeof(S));                                                                         \
    }
TRUTH(c_any, u8u, 0, x | y)
TRUTH(c_all, u8u, 1, x &y)
TRUTH(c_count, i64u, 0, x + y)

/* {n, mean re, mean im, m2}: Welford's update, then Chan's for merges */
static void N_(c_var_init)(void *state, size_t cap, size_t j0, size_t k)
{
    f64u *s = state;
    for (size_t c = 0; c < 4; c++)
        for (size_t j = 0; j < k; j++) s[c * cap + j0 + j] = 0;
}
static void N_(c_var_add)(f64u *s, size_t cap, Z z, bool skip_nan)
{
    if (skip_nan && N_(isnan)(z)) return;
    double n = s[0] += 1, dr = z.re - s[cap], di = z.im - s[2 * cap];
    s[cap] += dr / n;
    s[2 * cap] += di / n;
    s[3 * cap] += dr * (z.re - s[cap]) + di * (z.im - s[2 * cap]);
}
#define VAR(name, skip)                                                                                                            \
    static void N_(name##_row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0)                      \
    {                                                                                                                              \
        (void)index0;                                                                                                              \
        for (size_t i = 0; i < n; i++) N_(c_var_add)((f64u *)state + j, cap, AT(data, i), skip);                                   \
    }                                                                                                                              \
    static void N_(name##_cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride,  \
                                int64_t index0, int64_t index_step)                                                                \
    {                                                                                                                              \
        (void)index0, (void)index_step;                                                                                            \
        for (size_t r = 0; r < n_rows; r++)                                                                                        \
            for (size_t j = 0; j < k; j++) N_(c_var_add)((f64u *)state + j0 + j, cap, AT(data, r * row_stride + j), skip);         \
    }
VAR(c_var, false)
VAR(c_nanvar, true)
static void N_(c_var_merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)
{
    for (size_t j = 0; j < k; j++) {
        f64u *s = (f64u *)into + i0 + j;
        const f64u *f = (const f64u *)from + j0 + j;
        double n0 = s[0], n = f[0];
        if (n == 0) continue;
        double dr = f[from_cap] - s[into_cap], di = f[2 * from_cap] - s[2 * into_cap], total = n0 + n;
        s[0] = total;
        s[into_cap] = n0 == 0 ? f[from_cap] : s[into_cap] + dr * (n / total);
        s[2 * into_cap] = n0 == 0 ? f[2 * from_cap] : s[2 * into_cap] + di * (n / total);
        s[3 * into_cap] = n0 == 0 ? f[3 * from_cap] : s[3 * into_cap] + f[3 * from_cap] + (dr * dr + di * di) * (n0 * n / total);
    }
}
static void N_(c_var_finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    const f64u *s = (const f64u *)state + j0;
    for (size_t j = 0; j < k; j++) ((f64u *)out)[j] = s[j] - param > 0 ? s[3 * cap + j] / (s[j] - param) : (double)NAN;
}

#define RED(bytes, index, n, finish) {bytes, index, N_(n##_init), N_(n##_cols), N_(n##_row), N_(n##_merge), N_(finish)}
static const chk_red_kern N_(red)[CHK_NRED] = {
    [CHK_RED_SUM] = RED(16, false, c_sum, c_finish),
    [CHK_RED_PROD] = RED(16, false, c_prod, c_finish),
    [CHK_RED_NANSUM] = RED(16, false, c_nansum, c_finish),
    [CHK_RED_NANPROD] = RED(16, false, c_nanprod, c_finish),
    [CHK_RED_MIN] = RED(sizeof(Z) + 8, true, best_min, best_finish),
    [CHK_RED_MAX] = RED(sizeof(Z) + 8, true, best_max, best_finish),
    [CHK_RED_FMIN] = RED(sizeof(Z) + 8, true, best_fmin, best_finish),
    [CHK_RED_FMAX] = RED(sizeof(Z) + 8, true, best_fmax, best_finish),
    [CHK_RED_ARGMIN] = RED(sizeof(Z) + 8, true, best_min, arg_finish),
    [CHK_RED_ARGMAX] = RED(sizeof(Z) + 8, true, best_max, arg_finish),
    [CHK_RED_NANARGMIN] = RED(sizeof(Z) + 8, true, best_fmin, arg_finish),
    [CHK_RED_NANARGMAX] = RED(sizeof(Z) + 8, true, best_fmax, arg_finish),
    [CHK_RED_ANY] = RED(1, false, c_any, c_any_finish),
    [CHK_RED_ALL] = RED(1, false, c_all, c_all_finish),
    [CHK_RED_COUNT] = RED(8, false, c_count, c_count_finish),
    [CHK_RED_VAR] = RED(32, false, c_var, c_var_finish),
    [CHK_RED_NANVAR] = {32, false, N_(c_var_init), N_(c_nanvar_cols), N_(c_nanvar_row), N_(c_var_merge), N_(c_var_finish)},
};

static const chk_kern_row N_(rows)[] = {
    {CHK_FN_ADD, DT, N_(k_add)}, {CHK_FN_SUB, DT, N_(k_sub)}, {CHK_FN_MUL, DT, N_(k_mul)}, {CHK_FN_DIV, DT, N_(k_div)}, {CHK_FN_POW, DT, N_(k_pow)},
    {CHK_FN_MIN, DT, N_(k_min)}, {CHK_FN_MAX, DT, N_(k_max)}, {CHK_FN_FMIN, DT, N_(k_fmin)}, {CHK_FN_FMAX, DT, N_(k_fmax)}, {CHK_FN_EQ, DT, N_(k_eq)},
    {CHK_FN_NE, DT, N_(k_ne)}, {CHK_FN_LT, DT, N_(k_lt)}, {CHK_FN_LE, DT, N_(k_le)}, {CHK_FN_GT, DT, N_(k_gt)}, {CHK_FN_GE, DT, N_(k_ge)},
    {CHK_FN_LAND, DT, N_(k_land)}, {CHK_FN_LOR, DT, N_(k_lor)}, {CHK_FN_LXOR, DT, N_(k_lxor)}, {CHK_FN_NOT, DT, N_(k_not)}, {CHK_FN_NEG, DT, N_(k_neg)},
    {CHK_FN_POS, DT, N_(k_pos)}, {CHK_FN_CONJ, DT, N_(k_conj)}, {CHK_FN_SQUARE, DT, N_(k_square)}, {CHK_FN_RECIPROCAL, DT, N_(k_recip)},
    {CHK_FN_ABS, DT, N_(k_abs)}, {CHK_FN_ANGLE, DT, N_(k_angle)}, {CHK_FN_REAL, DT, N_(k_real)}, {CHK_FN_IMAG, DT, N_(k_imag)}, {CHK_FN_SIGN, DT, N_(k_sign)},
    {CHK_FN_ROUND, DT, N_(k_round)}, {CHK_FN_ISNAN, DT, N_(k_isnan)}, {CHK_FN_ISINF, DT, N_(k_isinf)}, {CHK_FN_ISFINITE, DT, N_(k_isfinite)},
    {CHK_FN_SQRT, DT, N_(k_sqrt)}, {CHK_FN_EXP, DT, N_(k_exp)}, {CHK_FN_EXPM1, DT, N_(k_expm1)}, {CHK_FN_LOG, DT, N_(k_log)}, {CHK_FN_LOG1P, DT, N_(k_log1p)},
    {CHK_FN_LOG2, DT, N_(k_log2)}, {CHK_FN_LOG10, DT, N_(k_log10)}, {CHK_FN_SIN, DT, N_(k_sin)}, {CHK_FN_COS, DT, N_(k_cos)}, {CHK_FN_TAN, DT, N_(k_tan)},
    {CHK_FN_ASIN, DT, N_(k_asin)}, {CHK_FN_ACOS, DT, N_(k_acos)}, {CHK_FN_ATAN, DT, N_(k_atan)}, {CHK_FN_SINH, DT, N_(k_sinh)}, {CHK_FN_COSH, DT, N_(k_cosh)},
    {CHK_FN_TANH, DT, N_(k_tanh)}, {CHK_FN_ASINH, DT, N_(k_asinh)}, {CHK_FN_ACOSH, DT, N_(k_acosh)}, {CHK_FN_ATANH, DT, N_(k_atanh)},
    {CHK_FN_NONE, CHK_BOOL, NULL},
};
#undef N_
#undef Z
#undef AT
#undef UN
#undef BI
#undef LIBM
#undef TRUE_
#undef W
#undef FOLD
#undef ADD_STEP
#undef MUL_STEP
#undef NOT_NAN
#undef BEST
#undef TRUTH
#undef VAR
#undef RED
#undef D
#undef V
#undef C
#undef DT
#undef FN
