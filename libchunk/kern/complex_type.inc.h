/* complex_type.inc.h: the kernels of complex.inc.h for one dtype. Parameters: C_ID its short name, C_REAL that of its parts, C_V and C_T their
 * value and unaligned types, LIBM(name) the C library's function for them. */
#define OF(name) CHK_PASTE(name, C_ID)
#define FLIP(x) CHK_PASTE(flip, C_REAL)(x)

typedef struct OF(value) {
    C_V re, im;
} OF(value);

/* Loops: x and y are the inputs' elements; the result is a complex value, a part, or a truth */
#define READ(v, p) OF(value) v = {(p)[2 * i], (p)[2 * i + 1]}
#define UNARY(name, expr)                                                                                                          \
    static void OF(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        C_T *o = out;                                                                                                              \
        const C_T *a = in[0];                                                                                                      \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                                        \
        {                                                                                                                          \
            READ(x, a);                                                                                                            \
            OF(value) r = expr;                                                                                                    \
            o[2 * i] = r.re, o[2 * i + 1] = r.im;                                                                                  \
        }                                                                                                                          \
    }
#define BINARY(name, expr)                                                                                                         \
    static void OF(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        C_T *o = out;                                                                                                              \
        const C_T *a = in[0], *b = in[1];                                                                                          \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                                        \
        {                                                                                                                          \
            READ(x, a);                                                                                                            \
            READ(y, b);                                                                                                            \
            OF(value) r = expr;                                                                                                    \
            o[2 * i] = r.re, o[2 * i + 1] = r.im;                                                                                  \
        }                                                                                                                          \
    }
#define UNARY_TO(name, T, expr)                                                                                                    \
    static void OF(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const C_T *a = in[0];                                                                                                      \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            READ(x, a);                                                                                                            \
            o[i] = (T)(expr);                                                                                                      \
        }                                                                                                                          \
    }
#define TRUTH(name, expr)                                                                                                          \
    static void OF(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        u8u *o = out;                                                                                                              \
        const C_T *a = in[0], *b = in[1];                                                                                          \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            READ(x, a);                                                                                                            \
            READ(y, b);                                                                                                            \
            o[i] = expr;                                                                                                           \
        }                                                                                                                          \
    }
#define MAKE(re, im) ((OF(value)){re, im})

/* ---- order: by real parts, then by imaginary ones; NaN anywhere makes it false but for an equal real part, as in NumPy */
static inline bool OF(number)(OF(value) x) { return (x.re == x.re) & (x.im == x.im); }
static inline bool OF(less)(OF(value) x, OF(value) y)
{
    return ((x.re < y.re) & (x.im == x.im) & (y.im == y.im)) | ((x.re == y.re) & (x.im < y.im));
}
static inline bool OF(at_most)(OF(value) x, OF(value) y)
{
    return ((x.re < y.re) & (x.im == x.im) & (y.im == y.im)) | ((x.re == y.re) & (x.im <= y.im));
}
static inline bool OF(nonzero)(OF(value) x) { return (x.re != 0) | (x.im != 0); }
TRUTH(eq, (x.re == y.re) & (x.im == y.im))
TRUTH(ne, (x.re != y.re) | (x.im != y.im))
TRUTH(lt, OF(less)(x, y))
TRUTH(le, OF(at_most)(x, y))
TRUTH(gt, OF(less)(y, x))
TRUTH(ge, OF(at_most)(y, x))
TRUTH(land, OF(nonzero)(x) & OF(nonzero)(y))
TRUTH(lor, OF(nonzero)(x) | OF(nonzero)(y))
TRUTH(lxor, OF(nonzero)(x) ^ OF(nonzero)(y))
UNARY_TO(not, u8u, !OF(nonzero)(x))
UNARY_TO(isnan, u8u, !OF(number)(x))
UNARY_TO(isinf, u8u, isinf(x.re) || isinf(x.im))
UNARY_TO(isfinite, u8u, isfinite(x.re) && isfinite(x.im))
BINARY(min, !OF(number)(x) || OF(at_most)(x, y) ? x : y)
BINARY(max, !OF(number)(x) || OF(at_most)(y, x) ? x : y)
BINARY(fmin, !OF(number)(y) || OF(at_most)(x, y) ? x : y)
BINARY(fmax, !OF(number)(y) || OF(at_most)(y, x) ? x : y)

/* ---- arithmetic */
static inline OF(value) OF(product)(OF(value) x, OF(value) y)
{
    return MAKE(x.re * y.re + x.im * FLIP(y.im), x.re * y.im + x.im * y.re);
}
/* Smith's: everything by the larger part a of the divisor; b is the other. Without branches, so that it can be vectorised. */
static inline OF(value) OF(quotient)(OF(value) x, OF(value) y)
{
    bool by_re = LIBM(fabs)(y.re) >= LIBM(fabs)(y.im);
    C_V a = by_re ? y.re : y.im, b = by_re ? y.im : y.re, p = by_re ? x.re : x.im, q = by_re ? x.im : x.re;
    C_V ratio = b / a, scale = 1 / (a + b * ratio);
    C_V left = by_re ? x.im : x.im * ratio, right = by_re ? x.re * ratio : x.re;
    OF(value) r = MAKE((p + q * ratio) * scale, (left + FLIP(right)) * scale);
    return (y.re == 0) & (y.im == 0) ? MAKE(x.re * (C_V)INFINITY, x.im * (C_V)INFINITY) : r;
}
static inline OF(value) OF(inverse)(OF(value) x)
{
    bool by_re = LIBM(fabs)(x.im) <= LIBM(fabs)(x.re);
    C_V a = by_re ? x.re : x.im, b = by_re ? x.im : x.re, ratio = b / a, d = a + b * ratio;
    return MAKE((by_re ? 1 : ratio) / d, (by_re ? FLIP(ratio) : -1) / d);
}
static inline OF(value) OF(direction)(OF(value) x)
{
    C_V size = LIBM(hypot)(x.re, x.im);
    if (size != size) return MAKE((C_V)NAN, (C_V)NAN);
    if (!isinf(size)) return size == 0 ? MAKE(0, 0) : MAKE(x.re / size, x.im / size);
    if (isinf(x.re)) return isinf(x.im) ? MAKE((C_V)NAN, (C_V)NAN) : MAKE(x.re > 0 ? 1 : -1, 0);
    return MAKE(0, x.im > 0 ? 1 : -1);
}
BINARY(add, MAKE(x.re + y.re, x.im + y.im))
BINARY(sub, MAKE(x.re - y.re, x.im - y.im))
BINARY(mul, OF(product)(x, y))
BINARY(div, OF(quotient)(x, y))
UNARY(neg, MAKE(-x.re, -x.im))
UNARY(pos, x)
UNARY(conj, MAKE(x.re, -x.im))
UNARY(square, OF(product)(x, x))
UNARY(reciprocal, OF(inverse)(x))
UNARY(round, MAKE(LIBM(rint)(x.re), LIBM(rint)(x.im)))
UNARY(sign, OF(direction)(x))
BINARY(parts, MAKE(x.re, y.re))
UNARY_TO(real, C_T, x.re)
UNARY_TO(imag, C_T, x.im)

/* ---- abs and angle: SLEEF's, on parts pulled apart, padded with ones */
enum { OF(PULL) = 64 };
#define PULLED(name, fn)                                                                                                           \
    static void OF(name)(void *out, const void *const *in, size_t n)                                                               \
    {                                                                                                                              \
        C_V re[OF(PULL)], im[OF(PULL)];                                                                                            \
        C_T *o = out;                                                                                                              \
        const C_T *a = in[0];                                                                                                      \
        for (size_t i = 0; i < n; i += OF(PULL)) {                                                                                 \
            size_t m = n - i < OF(PULL) ? n - i : OF(PULL);                                                                        \
            for (size_t j = 0; j < m; j++) re[j] = a[2 * (i + j)], im[j] = a[2 * (i + j) + 1];                                     \
            for (size_t j = m; j < OF(PULL); j++) re[j] = im[j] = 1;                                                               \
            for (size_t j = 0; j < m; j += CHK_PASTE(WIDTH, C_REAL)) {                                                             \
                CHK_PASTE(vec, C_REAL) x = CHK_PASTE(load, C_REAL)(re + j), y = CHK_PASTE(load, C_REAL)(im + j);                   \
                CHK_PASTE(store, C_REAL)(re + j, fn);                                                                              \
            }                                                                                                                      \
            memcpy(o + i, re, m * sizeof(C_V));                                                                                    \
        }                                                                                                                          \
    }
PULLED(abs, CHK_PASTE(SLEEF, C_REAL)(hypot, u05)(x, y))
PULLED(angle, CHK_PASTE(SLEEF, C_REAL)(atan2, u10)(y, x))

/* ---- the C library's; what it lacks by NumPy's formulas */
typedef C_V _Complex OF(libm);
static inline OF(libm) OF(to_libm)(OF(value) x)
{
    OF(libm) z;
    memcpy(&z, &x, sizeof z);
    return z;
}
static inline OF(value) OF(from_libm)(OF(libm) z)
{
    OF(value) x;
    memcpy(&x, &z, sizeof x);
    return x;
}
#define BY_LIBM(name, fn) UNARY(name, OF(from_libm)(LIBM(fn)(OF(to_libm)(x))))
static inline OF(value) OF(scaled)(OF(value) x, C_V f) { return MAKE(x.re * f, x.im * f); }
static inline OF(value) OF(expm1_of)(OF(value) x)
{
    C_V a = LIBM(sin)(x.im / 2);
    return MAKE(LIBM(expm1)(x.re) * LIBM(cos)(x.im) - 2 * a * a, LIBM(exp)(x.re) * LIBM(sin)(x.im));
}
static inline OF(value) OF(power)(OF(value) x, OF(value) y) /* small whole exponents by squaring, as NumPy */
{
    if (y.re == 0 && y.im == 0) return MAKE(1, 0);
    if (x.re == 0 && x.im == 0) return y.re > 0 ? MAKE(0, 0) : MAKE((C_V)NAN, (C_V)NAN);
    if (y.im == 0 && y.re > -100 && y.re < 100 && y.re == LIBM(trunc)(y.re)) {
        int n = (int)y.re, left = n < 0 ? -n : n;
        if (n == 1) return x;
        if (n == 2) return OF(product)(x, x);
        if (n == 3) return OF(product)(x, OF(product)(x, x));
        OF(value) r = MAKE(1, 0), p = x;
        for (;; p = OF(product)(p, p)) {
            if (left & 1) r = OF(product)(r, p);
            if (!(left >>= 1)) break;
        }
        return n < 0 ? OF(quotient)(MAKE(1, 0), r) : r;
    }
    return OF(from_libm)(LIBM(cpow)(OF(to_libm)(x), OF(to_libm)(y)));
}
BINARY(pow, OF(power)(x, y))
BY_LIBM(sqrt, csqrt)
BY_LIBM(exp, cexp)
BY_LIBM(log, clog)
BY_LIBM(sin, csin)
BY_LIBM(cos, ccos)
BY_LIBM(tan, ctan)
BY_LIBM(asin, casin)
BY_LIBM(acos, cacos)
BY_LIBM(atan, catan)
BY_LIBM(sinh, csinh)
BY_LIBM(cosh, ccosh)
BY_LIBM(tanh, ctanh)
BY_LIBM(asinh, casinh)
BY_LIBM(acosh, cacosh)
BY_LIBM(atanh, catanh)
UNARY(exp2, OF(from_libm)(LIBM(cexp)(OF(to_libm)(OF(scaled)(x, (C_V)0.693147180559945309417232121458176568)))))
UNARY(expm1, OF(expm1_of)(x))
UNARY(log1p, MAKE(LIBM(log)(LIBM(hypot)(x.re + 1, x.im)), LIBM(atan2)(x.im, x.re + 1)))
UNARY(log2, OF(scaled)(OF(from_libm)(LIBM(clog)(OF(to_libm)(x))), (C_V)1.442695040888963407359924681001892137))
UNARY(log10, OF(scaled)(OF(from_libm)(LIBM(clog)(OF(to_libm)(x))), (C_V)0.434294481903251827651128918916605082))

#undef OF
#undef FLIP
#undef READ
#undef UNARY
#undef BINARY
#undef UNARY_TO
#undef TRUTH
#undef MAKE
#undef PULLED
#undef BY_LIBM
