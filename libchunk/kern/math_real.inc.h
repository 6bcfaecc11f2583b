/* math_real.inc.h: the loops of math.inc.h for one dtype (REAL is f64 or f32, REAL_T its C type). The tail goes through the same vector
 * code, padded with ones on the stack. */
#define OF(name) CHK_PASTE(name, REAL)
#define VEC OF(vec)
#define MASK OF(mask)
#define S(fn, acc) OF(SLEEF)(fn, acc)

#define UNARY(name, expr)                                                                                                          \
    static void OF(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        enum { W = OF(WIDTH) };                                                                                                    \
        const char *a = in[0];                                                                                                     \
        char *o = out;                                                                                                             \
        for (; n >= W; n -= W, a += W * sizeof(REAL_T), o += W * sizeof(REAL_T)) {                                                 \
            VEC x = OF(load)(a);                                                                                                   \
            OF(store)(o, expr);                                                                                                    \
        }                                                                                                                          \
        if (!n) return;                                                                                                            \
        REAL_T pad[W];                                                                                                             \
        OF(store)(pad, OF(all)(1));                                                                                                \
        memcpy(pad, a, n * sizeof(REAL_T));                                                                                        \
        VEC x = OF(load)(pad);                                                                                                     \
        OF(store)(pad, expr);                                                                                                      \
        memcpy(o, pad, n * sizeof(REAL_T));                                                                                        \
    }
#define BINARY(name, expr)                                                                                                         \
    static void OF(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        enum { W = OF(WIDTH) };                                                                                                    \
        const char *a = in[0], *b = in[1];                                                                                         \
        char *o = out;                                                                                                             \
        for (; n >= W; n -= W, a += W * sizeof(REAL_T), b += W * sizeof(REAL_T), o += W * sizeof(REAL_T)) {                        \
            VEC x = OF(load)(a), y = OF(load)(b);                                                                                  \
            OF(store)(o, expr);                                                                                                    \
        }                                                                                                                          \
        if (!n) return;                                                                                                            \
        REAL_T pad[2][W];                                                                                                          \
        OF(store)(pad[0], OF(all)(1));                                                                                             \
        OF(store)(pad[1], OF(all)(1));                                                                                             \
        memcpy(pad[0], a, n * sizeof(REAL_T));                                                                                     \
        memcpy(pad[1], b, n * sizeof(REAL_T));                                                                                     \
        VEC x = OF(load)(pad[0]), y = OF(load)(pad[1]);                                                                            \
        OF(store)(pad[0], expr);                                                                                                   \
        memcpy(o, pad[0], n * sizeof(REAL_T));                                                                                     \
    }

/* NumPy's: log(exp(x) + exp(y)) without overflow; equal infinities stay. */
static inline VEC OF(logaddexp_of)(VEC x, VEC y)
{
    VEC d = x - y, high = OF(choose)(OF(less)(y, x), x, y);
    VEC r = high + S(log1p, u10)(OF(exp_of)(-OF(abs)(d)));
    return OF(choose)(OF(equal)(x, y), x + OF(all)((REAL_T)0.693147180559945309417), OF(choose)(OF(equal)(d, d), r, d));
}

/* SLEEF gives infinity too early for these: from the root of the greatest number on (asinh, acosh), where exp overflows though half of it
 * does not (sinh, cosh), and near the greatest number (log1p). Lanes past those points are done again. */
static inline VEC OF(log1p_of)(VEC x)
{
    MASK large = OF(less)(OF(all)((REAL_T)1e30), x);
    VEC r = S(log1p, u10)(x);
    return OF(any)(large) ? OF(choose)(large, S(log, u10)(x), r) : r;
}
static inline VEC OF(asinh_of)(VEC x)
{
    VEC size = OF(abs)(x), r = S(asinh, u10)(x);
    MASK large = OF(less)(OF(all)((REAL_T)1e17), size);
    return OF(any)(large) ? OF(choose)(large, OF(sign)(S(log, u10)(size) + OF(all)((REAL_T)0.693147180559945309417), x), r) : r;
}
static inline VEC OF(acosh_of)(VEC x)
{
    VEC r = S(acosh, u10)(x);
    MASK large = OF(less)(OF(all)((REAL_T)1e17), x);
    return OF(any)(large) ? OF(choose)(large, S(log, u10)(x) + OF(all)((REAL_T)0.693147180559945309417), r) : r;
}
static inline VEC OF(half_exp)(VEC size) { return OF(exp_of)(size - OF(all)(HALF_EXP_SHIFT)) * OF(all)(HALF_EXP_FACTOR); }
static inline VEC OF(sinh_of)(VEC x)
{
    VEC size = OF(abs)(x), r = S(sinh, u10)(x);
    MASK large = OF(less)(OF(all)(HALF_EXP_FROM), size);
    return OF(any)(large) ? OF(choose)(large, OF(sign)(OF(half_exp)(size), x), r) : r;
}
static inline VEC OF(cosh_of)(VEC x)
{
    VEC size = OF(abs)(x), r = S(cosh, u10)(x);
    MASK large = OF(less)(OF(all)(HALF_EXP_FROM), size);
    return OF(any)(large) ? OF(choose)(large, OF(half_exp)(size), r) : r;
}

#if defined CHK_SVML
/* SVML's, within 2 ulp; a whole power of a whole number is whole, and the nearest whole number is it where 2 ulp are less than a half. */
static inline VEC OF(pow_of)(VEC x, VEC y)
{
    VEC r = OF(chk_svml_pow)(x, y), zero = OF(all)(0);
    MASK whole = OF(equal)(OF(nearest)(x), x) & OF(equal)(OF(nearest)(y), y) & OF(less)(zero, y);
    return OF(choose)(whole & OF(less)(OF(abs)(r), OF(all)(EXACT_BELOW / 8)), OF(nearest)(r), r);
}
#else
/* SLEEF's overflows a little below the greatest number, and takes exponents beyond 2^53 or so for small ones: infinite and zero lanes are asked of
 * libm. */
static inline VEC OF(pow_of)(VEC x, VEC y)
{
    VEC r = S(pow, u10)(x, y);
    if (!OF(any)(OF(equal)(OF(abs)(r), OF(all)((REAL_T)INFINITY))) && !OF(any)(OF(equal)(r, OF(all)(0)))) return r;
    REAL_T lanes[3][OF(WIDTH)];
    OF(store)(lanes[0], x);
    OF(store)(lanes[1], y);
    OF(store)(lanes[2], r);
    for (int i = 0; i < OF(WIDTH); i++)
        if (isinf(lanes[2][i]) || lanes[2][i] == 0)
            lanes[2][i] =
                sizeof(REAL_T) == 4 ? (REAL_T)powf((float)lanes[0][i], (float)lanes[1][i]) : (REAL_T)pow(lanes[0][i], lanes[1][i]);
    return OF(load)(lanes[2]);
}
#endif

/* C's fmod. Below EXACT_BELOW the truncated quotient is right or one too large, and one fused step gives the remainder exactly. */
#if defined __AVX2__
static inline VEC OF(fmod_of)(VEC x, VEC y)
{
    VEC a = OF(abs)(x), b = OF(abs)(y), q = OF(trunc)(a / b);
    if (OF(every)(OF(less)(q, OF(all)(EXACT_BELOW)))) {
        VEC r = OF(fnma)(q, b, a);
        r = OF(choose)(OF(less)(r, OF(all)(0)), r + b, r);
        return OF(sign)(OF(choose)(OF(equal)(q, OF(all)(0)), a, r), x); /* where b is infinite, say */
    }
    REAL_T lanes[2][OF(WIDTH)];
    OF(store)(lanes[0], x);
    OF(store)(lanes[1], y);
    for (int i = 0; i < OF(WIDTH); i++) lanes[0][i] = FMOD(lanes[0][i], lanes[1][i]);
    return OF(load)(lanes[0]);
}
#else
static inline VEC OF(fmod_of)(VEC x, VEC y) { return FMOD(x, y); }
#endif
/* y where it and the remainder m lie on opposite sides of 0, else 0 */
static inline VEC OF(opposite)(VEC m, VEC y)
{
    VEC zero = OF(all)(0);
    VEC above = OF(choose)(OF(less)(m, zero), y, zero), below = OF(choose)(OF(less)(zero, m), y, zero);
    return OF(choose)(OF(less)(zero, y), above, below);
}
static inline VEC OF(mod_of)(VEC x, VEC y) /* Python's: the sign of y */
{
    VEC m = OF(fmod_of)(x, y);
    return OF(choose)(OF(equal)(m, OF(all)(0)), OF(sign)(OF(all)(0), y), m + OF(opposite)(m, y));
}
static inline VEC OF(floordiv_of)(VEC x, VEC y) /* as NumPy's divmod, which goes by the remainder */
{
    VEC zero = OF(all)(0), one = OF(all)(1), m = OF(fmod_of)(x, y), d = (x - m) / y;
    d = d - OF(choose)(OF(equal)(OF(opposite)(m, y), zero), zero, one);
    VEC f = OF(floor)(d);
    f = OF(choose)(OF(less)(OF(all)((REAL_T)0.5), d - f), f + one, f);
    f = OF(choose)(OF(equal)(d, zero), OF(sign)(zero, x / y), f);
    return OF(choose)(OF(equal)(y, zero), x / y, f);
}

UNARY(exp, OF(exp_of)(x))
UNARY(exp_neg, OF(exp_of)(-x))
UNARY(exp2, S(exp2, u10)(x))
UNARY(expm1, S(expm1, u10)(x))
UNARY(log, OF(LOG)(x))
UNARY(log2, S(log2, u10)(x))
UNARY(log10, S(log10, u10)(x))
UNARY(log1p, OF(log1p_of)(x))
UNARY(cbrt, S(cbrt, u10)(x))
UNARY(sin, S(sin, u10)(x))
UNARY(cos, S(cos, u10)(x))
UNARY(tan, S(tan, u10)(x))
UNARY(asin, S(asin, u10)(x))
UNARY(acos, S(acos, u10)(x))
UNARY(atan, S(atan, u10)(x))
UNARY(sinh, OF(sinh_of)(x))
UNARY(cosh, OF(cosh_of)(x))
UNARY(tanh, S(tanh, u10)(x))
UNARY(asinh, OF(asinh_of)(x))
UNARY(acosh, OF(acosh_of)(x))
UNARY(atanh, S(atanh, u10)(x))
UNARY(erf, S(erf, u10)(x))
UNARY(lgamma, S(lgamma, u10)(x))
BINARY(pow, OF(pow_of)(x, y))
BINARY(atan2, S(atan2, u10)(x, y))
BINARY(hypot, S(hypot, u05)(x, y))
BINARY(logaddexp, OF(logaddexp_of)(x, y))
BINARY(fmod, OF(fmod_of)(x, y))
BINARY(mod, OF(mod_of)(x, y))
BINARY(floordiv, OF(floordiv_of)(x, y))

#undef OF
#undef VEC
#undef MASK
#undef S
#undef UNARY
#undef BINARY
