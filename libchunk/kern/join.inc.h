/* join.inc.h: kernels of several operations at once: a sum, difference or product of two operands, each of them an input or itself a sum, difference
 * or product of two inputs; and the square root of that. Every operation rounds by itself, so the bits are those of one kernel after another. */
#include <math.h>

#include "kern/isa.h"
#include "kern/level.h"

#define OP_one(x, y) (x)
#define OP_add(x, y) ((x) + (y))
#define OP_sub(x, y) ((x) - (y))
#define OP_mul(x, y) ((x) * (y))
#define TOP_plain(s, x) (x)
#define TOP_sqrt(s, x) __builtin_sqrt##s(x)

#define KERNEL(d, T, s, top, outer, l, n_l, r, n_r)                                                                                \
    static void top##_##outer##_##l##_##r##_##d(void *out, const void *const *in, size_t n)                                        \
    {                                                                                                                              \
        T *o = out;                                                                                                                \
        const T *a = in[0], *b = in[n_l - 1], *c = in[n_l], *e = in[n_l + n_r - 1];                                                \
        (void)b;                                                                                                                   \
        (void)e;                                                                                                                   \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++) o[i] =                                                                 \
            TOP_##top(s, OP_##outer(OP_##l(a[i], b[i]), OP_##r(c[i], e[i])));                                                      \
    }

#define FOR_RIGHT(X, d, T, s, top, outer, l, n_l)                                                                                  \
    X(d, T, s, top, outer, l, n_l, one, 1)                                                                                         \
    X(d, T, s, top, outer, l, n_l, add, 2)                                                                                         \
    X(d, T, s, top, outer, l, n_l, sub, 2)                                                                                         \
    X(d, T, s, top, outer, l, n_l, mul, 2)
#define FOR_BOTH(X, d, T, s, top, outer)                                                                                           \
    FOR_RIGHT(X, d, T, s, top, outer, one, 1)                                                                                      \
    FOR_RIGHT(X, d, T, s, top, outer, add, 2)                                                                                      \
    FOR_RIGHT(X, d, T, s, top, outer, sub, 2)                                                                                      \
    FOR_RIGHT(X, d, T, s, top, outer, mul, 2)
#define FOR_OUTER(X, d, T, s, top)                                                                                                 \
    FOR_BOTH(X, d, T, s, top, add)                                                                                                 \
    FOR_BOTH(X, d, T, s, top, sub)                                                                                                 \
    FOR_BOTH(X, d, T, s, top, mul)
#define FOR_ALL(X)                                                                                                                 \
    FOR_OUTER(X, f64, f64u, , plain)                                                                                               \
    FOR_OUTER(X, f64, f64u, , sqrt)                                                                                                \
    FOR_OUTER(X, f32, f32u, f, plain)                                                                                              \
    FOR_OUTER(X, f32, f32u, f, sqrt)

FOR_ALL(KERNEL)

enum { IS_plain, IS_sqrt };
enum { TYPE_f64, TYPE_f32 };
#define ENTRY(d, T, s, top, outer, l, n_l, r, n_r)                                                                                 \
    [TYPE_##d][IS_##top][CHK_JOIN_##outer][CHK_JOIN_##l][CHK_JOIN_##r] = top##_##outer##_##l##_##r##_##d,
const chk_joins CHK_AT_LEVEL(chk_joins) = {FOR_ALL(ENTRY)};
