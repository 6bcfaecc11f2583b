/* number.c: Python's arithmetic on plain numbers, before any array is involved: 7 // 2 is 3, 1 / 2 is 0.5, 2 ** -1 is 0.5. Integers are exact
 * or an error: Python's grow without bound, ours end at 64 bits. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "expr/text_internal.h"

static double complex cvalue(double re, double im)
{
    union {
        double part[2];
        double complex c;
    } u = {.part = {re, im}};
    return u.c;
}

typedef __int128 wide;
#define BEYOND ((wide)UINT64_MAX + 1) /* stands for all that does not fit */

bool chk_number_is(const chk_value *v)
{
    return v->kind == CHK_VAL_INT || v->kind == CHK_VAL_FLOAT || v->kind == CHK_VAL_COMPLEX || v->kind == CHK_VAL_BOOL;
}

static wide wide_of(const chk_value *v)
{
    if (v->kind == CHK_VAL_BOOL) return v->u.b;
    return v->u.i.big ? (wide)v->u.i.u : (wide)v->u.i.i;
}

static bool is_whole(const chk_value *v) { return v->kind == CHK_VAL_INT || v->kind == CHK_VAL_BOOL; }
static double real_of(const chk_value *v) { return v->kind == CHK_VAL_FLOAT ? v->u.f : (double)wide_of(v); }

static double complex complex_of(const chk_value *v)
{
    return v->kind == CHK_VAL_COMPLEX ? cvalue(v->u.c[0], v->u.c[1]) : cvalue(real_of(v), 0);
}

static chunk_status give_int(chk_value *out, wide v, chunk_error *err)
{
    if (v < (wide)INT64_MIN || v > (wide)UINT64_MAX)
        return chk_fail(err, CHUNK_ETYPE, "integer result does not fit 64 bits; write one operand as a float");
    *out = (chk_value){.kind = CHK_VAL_INT,
                       .column = out->column,
                       .u.i = {.big = v > INT64_MAX, .u = (uint64_t)v, .i = v > INT64_MAX ? 0 : (int64_t)v}};
    return CHUNK_OK;
}

static chunk_status give_float(chk_value *out, double v)
{
    *out = (chk_value){.kind = CHK_VAL_FLOAT, .column = out->column, .u.f = v};
    return CHUNK_OK;
}

static chunk_status give_complex(chk_value *out, double complex v)
{
    *out = (chk_value){.kind = CHK_VAL_COMPLEX, .column = out->column, .u.c = {creal(v), cimag(v)}};
    return CHUNK_OK;
}

static chunk_status give_bool(chk_value *out, bool v)
{
    *out = (chk_value){.kind = CHK_VAL_BOOL, .column = out->column, .u.b = v};
    return CHUNK_OK;
}

static chunk_status by_zero(chunk_error *err)
{
    return chk_fail(err, CHUNK_ETYPE, "division of a number by zero; arrays divide by zero, numbers do not");
}

static chunk_status not_for(chk_binary op, const char *kind, chunk_error *err)
{
    return chk_fail(err, CHUNK_ETYPE, "%s is not defined for %s numbers", chk_binaries[op].sign, kind);
}

static wide floor_div(wide a, wide b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }

/* At most 64 products, until the result is final or too large. */
static chunk_status int_pow(chk_value *out, wide a, wide n, chunk_error *err)
{
    if (n < 0) {
        if (a == 0) return by_zero(err);
        return give_float(out, pow((double)a, (double)n));
    }
    wide v = 1;
    if (a == 0 || a == 1) return give_int(out, n ? a : 1, err);
    if (a == -1) return give_int(out, n & 1 ? -1 : 1, err);
    for (; n > 0 && v <= (wide)UINT64_MAX && v >= (wide)INT64_MIN; n--)
        if (__builtin_mul_overflow(v, a, &v)) v = BEYOND;
    return give_int(out, v, err);
}

static chunk_status int_shift(chk_value *out, chk_binary op, wide a, wide n, chunk_error *err)
{
    if (n < 0) return chk_fail(err, CHUNK_ETYPE, "negative shift count");
    if (op == CHK_BIN_SHR) return give_int(out, n > 100 ? (a < 0 ? -1 : 0) : a >> (int)n, err);
    wide v;
    bool lost = a != 0 && (n > 64 || __builtin_mul_overflow(a, (wide)1 << (int)n, &v));
    return give_int(out, lost ? BEYOND : a == 0 ? 0 : v, err);
}

static chunk_status int_binary(chk_value *out, chk_binary op, const chk_value *x, const chk_value *y, chunk_error *err)
{
    wide a = wide_of(x), b = wide_of(y);
    bool both_bool = x->kind == CHK_VAL_BOOL && y->kind == CHK_VAL_BOOL;
    bool divides = op == CHK_BIN_DIV || op == CHK_BIN_FLOORDIV || op == CHK_BIN_MOD;
    if (divides && b == 0) return by_zero(err);
    switch (op) {
    case CHK_BIN_ADD: return give_int(out, a + b, err);
    case CHK_BIN_SUB: return give_int(out, a - b, err);
    case CHK_BIN_MUL: {
        wide v;
        if (__builtin_mul_overflow(a, b, &v)) v = BEYOND;
        return give_int(out, v, err);
    }
    case CHK_BIN_DIV: return give_float(out, (double)((long double)a / (long double)b));
    case CHK_BIN_FLOORDIV: return give_int(out, floor_div(a, b), err);
    case CHK_BIN_MOD: return give_int(out, a - floor_div(a, b) * b, err);
    case CHK_BIN_POW: return int_pow(out, a, b, err);
    case CHK_BIN_SHL:
    case CHK_BIN_SHR: return int_shift(out, op, a, b, err);
    case CHK_BIN_AND: return both_bool ? give_bool(out, a && b) : give_int(out, a & b, err);
    case CHK_BIN_OR: return both_bool ? give_bool(out, a || b) : give_int(out, a | b, err);
    case CHK_BIN_XOR: return both_bool ? give_bool(out, a != b) : give_int(out, a ^ b, err);
    default: return not_for(op, "integer", err);
    }
}

/* CPython's float_divmod: the remainder has the divisor's sign, the quotient is its exact floor. */
static double float_divmod(double a, double b, double *mod)
{
    double m = fmod(a, b), div = (a - m) / b;
    if (m != 0) {
        if ((b < 0) != (m < 0)) {
            m += b;
            div -= 1;
        }
    } else {
        m = copysign(0, b);
    }
    double floored = div != 0 ? floor(div) : copysign(0, a / b);
    if (div - floored > 0.5) floored += 1;
    *mod = m;
    return floored;
}

static chunk_status give_complex_pow(chk_value *out, double complex a, double complex b, chunk_error *err)
{
    if (creal(a) == 0 && cimag(a) == 0 && (creal(b) < 0 || cimag(b) != 0)) return by_zero(err);
    return give_complex(out, creal(b) == 0 && cimag(b) == 0 ? 1 : cpow(a, b));
}

static chunk_status float_pow(chk_value *out, double a, double b, chunk_error *err)
{
    if (a == 0 && b < 0) return by_zero(err);
    if (isfinite(a) && isfinite(b) && a < 0 && b != floor(b)) return give_complex_pow(out, a, b, err);
    double v = pow(a, b);
    if (isinf(v) && isfinite(a) && isfinite(b)) return chk_fail(err, CHUNK_ETYPE, "result of ** is too large for a float");
    return give_float(out, v);
}

static chunk_status float_binary(chk_value *out, chk_binary op, double a, double b, chunk_error *err)
{
    double mod;
    if ((op == CHK_BIN_DIV || op == CHK_BIN_FLOORDIV || op == CHK_BIN_MOD) && b == 0) return by_zero(err);
    switch (op) {
    case CHK_BIN_ADD: return give_float(out, a + b);
    case CHK_BIN_SUB: return give_float(out, a - b);
    case CHK_BIN_MUL: return give_float(out, a * b);
    case CHK_BIN_DIV: return give_float(out, a / b);
    case CHK_BIN_FLOORDIV: return give_float(out, float_divmod(a, b, &mod));
    case CHK_BIN_MOD: float_divmod(a, b, &mod); return give_float(out, mod);
    case CHK_BIN_POW: return float_pow(out, a, b, err);
    default: return not_for(op, "float", err);
    }
}

static chunk_status complex_binary(chk_value *out, chk_binary op, double complex a, double complex b, chunk_error *err)
{
    switch (op) {
    case CHK_BIN_ADD: return give_complex(out, a + b);
    case CHK_BIN_SUB: return give_complex(out, a - b);
    case CHK_BIN_MUL: return give_complex(out, a * b);
    case CHK_BIN_DIV: return creal(b) == 0 && cimag(b) == 0 ? by_zero(err) : give_complex(out, a / b);
    case CHK_BIN_POW: return give_complex_pow(out, a, b, err);
    default: return not_for(op, "complex", err);
    }
}

/* A long double holds every 64-bit integer, so integers and floats compare exactly. */
static chunk_status compare(chk_value *out, chk_binary op, const chk_value *x, const chk_value *y, chunk_error *err)
{
    if (x->kind == CHK_VAL_COMPLEX || y->kind == CHK_VAL_COMPLEX) {
        double complex a = complex_of(x), b = complex_of(y);
        if (op != CHK_BIN_EQ && op != CHK_BIN_NE) return not_for(op, "complex", err);
        bool same = creal(a) == creal(b) && cimag(a) == cimag(b);
        return give_bool(out, same == (op == CHK_BIN_EQ));
    }
    long double a = is_whole(x) ? (long double)wide_of(x) : x->u.f, b = is_whole(y) ? (long double)wide_of(y) : y->u.f;
    bool v = op == CHK_BIN_EQ   ? a == b
             : op == CHK_BIN_NE ? a != b
             : op == CHK_BIN_LT ? a < b
             : op == CHK_BIN_LE ? a <= b
             : op == CHK_BIN_GT ? a > b
                                : a >= b;
    return give_bool(out, v);
}

chunk_status chk_number_binary(chk_value *out, chk_binary op, const chk_value *a, const chk_value *b, chunk_error *err)
{
    if (op >= CHK_BIN_EQ) return compare(out, op, a, b, err);
    if (is_whole(a) && is_whole(b)) return int_binary(out, op, a, b, err);
    if (a->kind == CHK_VAL_COMPLEX || b->kind == CHK_VAL_COMPLEX) return complex_binary(out, op, complex_of(a), complex_of(b), err);
    return float_binary(out, op, real_of(a), real_of(b), err);
}

chunk_status chk_number_unary(chk_value *out, chk_unary op, const chk_value *a, chunk_error *err)
{
    chk_value v = *a;
    if (a->kind == CHK_VAL_BOOL && op == CHK_UN_INVERT)
        return give_bool(out, !a->u.b); /* as for an array of truth values, not Python's -2 */
    if (is_whole(a)) return give_int(out, op == CHK_UN_NEG ? -wide_of(&v) : op == CHK_UN_POS ? wide_of(&v) : ~wide_of(&v), err);
    if (op == CHK_UN_INVERT)
        return chk_fail(err, CHUNK_ETYPE, "~ is not defined for %s numbers", a->kind == CHK_VAL_FLOAT ? "float" : "complex");
    if (a->kind == CHK_VAL_FLOAT) return give_float(out, op == CHK_UN_NEG ? -v.u.f : v.u.f);
    return give_complex(out, cvalue(op == CHK_UN_NEG ? -v.u.c[0] : v.u.c[0], op == CHK_UN_NEG ? -v.u.c[1] : v.u.c[1]));
}

static const struct {
    const char *name;
    chk_value value;
} constants[] = {
    {"pi", {.kind = CHK_VAL_FLOAT, .u.f = M_PI}},
    {"e", {.kind = CHK_VAL_FLOAT, .u.f = M_E}},
    {"inf", {.kind = CHK_VAL_FLOAT, .u.f = INFINITY}},
    {"nan", {.kind = CHK_VAL_FLOAT, .u.f = NAN}},
    {"True", {.kind = CHK_VAL_BOOL, .u.b = true}},
    {"False", {.kind = CHK_VAL_BOOL, .u.b = false}},
    {"None", {.kind = CHK_VAL_NONE}},
    {"newaxis", {.kind = CHK_VAL_NONE}},
    {"int", {.kind = CHK_VAL_DTYPE, .u.dtype = CHK_I64}},
    {"float", {.kind = CHK_VAL_DTYPE, .u.dtype = CHK_F64}},
    {"complex", {.kind = CHK_VAL_DTYPE, .u.dtype = CHK_C128}},
};
enum { N_CONSTANTS = sizeof constants / sizeof *constants };

bool chk_constant(chk_value *out, const char *name)
{
    for (size_t i = 0; i < N_CONSTANTS; i++) {
        if (strcmp(constants[i].name, name)) continue;
        *out = constants[i].value;
        return true;
    }
    for (int d = 0; d < CHK_NDTYPE; d++) {
        if (strcmp(chk_dtypes[d].name, name)) continue;
        *out = (chk_value){.kind = CHK_VAL_DTYPE, .u.dtype = (chk_dtype)d};
        return true;
    }
    return false;
}

void chk_near_try_constants(chk_near *near, bool dtypes)
{
    if (near->n < 3 && near->best > 1) near->best = 1; /* Pi is pi, but who writes p has not bound it */
    for (size_t i = 0; i < N_CONSTANTS; i++)
        if (!dtypes || constants[i].value.kind == CHK_VAL_DTYPE) chk_near_try(near, constants[i].name, strlen(constants[i].name));
    for (int d = 0; d < CHK_NDTYPE; d++) chk_near_try(near, chk_dtypes[d].name, strlen(chk_dtypes[d].name));
}
