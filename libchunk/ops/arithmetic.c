/* arithmetic.c: sums, products, quotients, remainders, powers, signs. Integers wrap and divide as NumPy's do; x // 0 and x % 0 are 0. */
#include <math.h>

#include "ops/make.h"

#define ARITHMETIC .family = "arithmetic", .params = {OPS_X1_X2}, .build = ops_build_binary
#define ARITHMETIC_OF_ONE .family = "arithmetic", .params = {OPS_X}, .build = ops_build_unary

const chk_op chk_op_add = {
    .name = "add",
    .summary = "Sum, x1 + x2",
    .fn = CHK_FN_ADD,
    ARITHMETIC,
    .doc = "Of truth values: or.",
};
const chk_op chk_op_subtract = {
    .name = "subtract",
    .summary = "Difference, x1 - x2",
    .fn = CHK_FN_SUB,
    .flags = OPS_NO_BOOL,
    ARITHMETIC,
};
const chk_op chk_op_multiply = {
    .name = "multiply",
    .summary = "Product, x1 * x2",
    .fn = CHK_FN_MUL,
    ARITHMETIC,
    .doc = "Of truth values: and.",
};
const chk_op chk_op_divide = {
    .name = "divide",
    .aliases = "true_divide",
    .summary = "Quotient, x1 / x2; of integers in float64",
    .fn = CHK_FN_DIV,
    .flags = OPS_FLOAT64,
    ARITHMETIC,
};
const chk_op chk_op_floor_divide = {
    .name = "floor_divide",
    .summary = "Floor of the quotient, x1 // x2",
    .fn = CHK_FN_FLOORDIV,
    .flags = OPS_BOOL_AS_INT8 | OPS_NO_COMPLEX,
    ARITHMETIC,
    .doc = "Integers divided by zero give 0; the smallest integer divided by -1 wraps to itself.",
};
const chk_op chk_op_remainder = {
    .name = "remainder",
    .aliases = "mod",
    .summary = "Remainder with the sign of the divisor, x1 % x2",
    .fn = CHK_FN_MOD,
    .flags = OPS_BOOL_AS_INT8 | OPS_NO_COMPLEX,
    ARITHMETIC,
    .doc = "Integers modulo zero give 0.",
};
const chk_op chk_op_fmod = {
    .name = "fmod",
    .summary = "Remainder with the sign of the dividend, as in C",
    .fn = CHK_FN_FMOD,
    .flags = OPS_BOOL_AS_INT8 | OPS_NO_COMPLEX,
    ARITHMETIC,
};
const chk_op chk_op_maximum = {
    .name = "maximum",
    .summary = "The larger of two; NaN wins",
    .fn = CHK_FN_MAX,
    ARITHMETIC,
};
const chk_op chk_op_minimum = {
    .name = "minimum",
    .summary = "The smaller of two; NaN wins",
    .fn = CHK_FN_MIN,
    ARITHMETIC,
};
const chk_op chk_op_fmax = {
    .name = "fmax",
    .summary = "The larger of two; NaN loses",
    .fn = CHK_FN_FMAX,
    ARITHMETIC,
};
const chk_op chk_op_fmin = {
    .name = "fmin",
    .summary = "The smaller of two; NaN loses",
    .fn = CHK_FN_FMIN,
    ARITHMETIC,
};
const chk_op chk_op_negative = {
    .name = "negative",
    .summary = "-x",
    .fn = CHK_FN_NEG,
    .flags = OPS_NO_BOOL,
    ARITHMETIC_OF_ONE,
};
const chk_op chk_op_positive = {
    .name = "positive",
    .summary = "+x",
    .fn = CHK_FN_POS,
    .flags = OPS_NO_BOOL,
    ARITHMETIC_OF_ONE,
};
const chk_op chk_op_square = {
    .name = "square",
    .summary = "x * x",
    .fn = CHK_FN_SQUARE,
    .flags = OPS_BOOL_AS_INT8,
    ARITHMETIC_OF_ONE,
};
const chk_op chk_op_abs = {
    .name = "abs",
    .aliases = "absolute",
    .summary = "Absolute value; of complex numbers the modulus",
    .fn = CHK_FN_ABS,
    ARITHMETIC_OF_ONE,
};
const chk_op chk_op_fabs = {
    .name = "fabs",
    .summary = "Absolute value in floats",
    .fn = CHK_FN_ABS,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    ARITHMETIC_OF_ONE,
};
const chk_op chk_op_sign = {
    .name = "sign",
    .summary = "-1, 0 or 1; of complex numbers x / abs(x)",
    .fn = CHK_FN_SIGN,
    .flags = OPS_NO_BOOL,
    ARITHMETIC_OF_ONE,
};
const chk_op chk_op_copysign = {
    .name = "copysign",
    .summary = "Magnitude of x1 with the sign of x2",
    .fn = CHK_FN_COPYSIGN,
    .flags = OPS_FLOAT | OPS_NO_COMPLEX,
    ARITHMETIC,
};
/* float16 has no kernels, and float32's neighbours are too near. A step of a little more than half the spacing, rounded to float16, arrives:
 * the spacing at x is between |x| * 2^-11 and |x| * 2^-10, and 2^-24 at least. */
static chk_node *next_half(ops_maker *m, chk_node *x, chk_node *y)
{
    const chk_dtype d = CHK_F32;
    x = ops_cast(m, ops_cast(m, x, CHK_F16), d);
    y = ops_cast(m, ops_cast(m, y, CHK_F16), d);
    chk_node *size = ops_apply(m, CHK_FN_ABS, d, x, NULL, NULL);
    chk_node *step = ops_apply(m, CHK_FN_MUL, d, size, ops_number(m, d, 0x1.001p-11), NULL);
    step = ops_apply(m, CHK_FN_MAX, d, step, ops_number(m, d, 0x1.8p-25), NULL);
    chk_node *away = ops_apply(m, CHK_FN_COPYSIGN, d, step, ops_apply(m, CHK_FN_SUB, d, y, x, NULL), NULL);
    chk_node *next = ops_apply(m, CHK_FN_ADD, d, x, away, NULL);
    chk_node *largest = ops_apply(m, CHK_FN_COPYSIGN, d, ops_number(m, d, 65504), x, NULL);
    next = ops_apply(m, CHK_FN_WHERE, d, ops_apply(m, CHK_FN_ISINF, d, x, NULL, NULL), largest, next);
    next = ops_apply(m, CHK_FN_WHERE, d, ops_apply(m, CHK_FN_EQ, d, x, y, NULL), y, next);
    chk_node *is_nan = ops_apply(m, CHK_FN_ISNAN, d, ops_apply(m, CHK_FN_MAX, d, x, y, NULL), NULL, NULL);
    return ops_cast(m, ops_apply(m, CHK_FN_WHERE, d, is_nan, ops_number(m, d, NAN), next), CHK_F16);
}

static chunk_status build_nextafter(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *in[2] = {ops_value(&m, &args[0], op->name), ops_value(&m, &args[1], op->name)};
    chk_dtype d = m.st == CHUNK_OK ? ops_float_type(in, 2) : CHK_F64;
    if (chk_dtype_kind(d) == CHK_KIND_COMPLEX) m.st = ops_not_for(op, d, err);
    return ops_give(out, &m, d == CHK_F16 ? next_half(&m, in[0], in[1]) : ops_apply(&m, CHK_FN_NEXTAFTER, d, in[0], in[1], NULL));
}

const chk_op chk_op_nextafter = {
    .name = "nextafter",
    .summary = "Next float after x1 towards x2",
    .family = "arithmetic",
    .params = {OPS_X1_X2},
    .build = build_nextafter,
};

/* In integers 0 gives what x86 makes of infinity, as in NumPy: the smallest number of 32 and 64 bits with a sign, else 0. */
static chunk_status build_reciprocal(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_dtype d = x ? ops_result_type(&x, 1) : CHK_F64;
    return ops_give(out, &m, ops_apply(&m, CHK_FN_RECIPROCAL, d == CHK_BOOL ? CHK_I8 : d, x, NULL, NULL));
}

const chk_op chk_op_reciprocal = {
    .name = "reciprocal",
    .summary = "1 / x, in the dtype of x",
    .family = "arithmetic",
    .params = {OPS_X},
    .build = build_reciprocal,
};

/* A constant that is a negative integer, in any lane of the array. */
static bool negative_constant(const chk_node *n)
{
    if (n->kind == CHK_NODE_VIEW) n = n->in[0];
    if (n->kind != CHK_NODE_SCALAR) return false;
    const chk_scalar *s = &n->u.scalar;
    switch (s->dtype) {
    case CHK_I8: return s->v.i8 < 0;
    case CHK_I16: return s->v.i16 < 0;
    case CHK_I32: return s->v.i32 < 0;
    case CHK_I64: return s->v.i64 < 0;
    default: return false;
    }
}

static chunk_status build_pow(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *in[2] = {ops_value(&m, &args[0], op->name), ops_value(&m, &args[1], op->name)};
    chk_dtype d = m.st == CHUNK_OK ? ops_result_type(in, 2) : CHK_F64;
    if (d == CHK_BOOL) d = CHK_I8;
    if (m.st == CHUNK_OK && ops_is_whole(d) && negative_constant(in[1]))
        m.st = chk_fail(err, CHUNK_ETYPE, "pow: integers to negative integer powers are not allowed; make one of them a float");
    return ops_give(out, &m, ops_apply(&m, CHK_FN_POW, d, in[0], in[1], NULL));
}

const chk_op chk_op_pow = {
    .name = "pow",
    .aliases = "power",
    .summary = "x1 to the power x2, x1 ** x2",
    .family = "arithmetic",
    .params = {OPS_X1_X2},
    .build = build_pow,
    .doc = "Floats within 2 ulp, whole powers of whole numbers exact below 2^50 (float32: 2^21); integers exact, wrapping. A "
           "constant negative exponent of an integer base is an error; where the data hold one the result is the integer part: 0, "
           "but 1 and -1 "
           "for a base of 1 and -1.",
};
