/* complex.c: parts of complex numbers; real numbers count as complex ones without an imaginary part. */
#include "ops/make.h"

static chunk_status build_part(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_dtype d = x ? ops_result_type(&x, 1) : CHK_F64;
    if (chk_dtype_kind(d) == CHK_KIND_COMPLEX) return ops_give(out, &m, ops_apply(&m, op->fn, d, x, NULL, NULL));
    if (op->fn == CHK_FN_IMAG) return ops_give(out, &m, ops_spread(&m, ops_whole(&m, d, 0), x ? &x->shape : NULL));
    return ops_give(out, &m, ops_cast(&m, x, op->fn == CHK_FN_CONJ && d == CHK_BOOL ? CHK_I8 : d));
}

const chk_op chk_op_real = {
    .name = "real",
    .summary = "Real part",
    .family = "complex",
    .params = {OPS_X},
    .fn = CHK_FN_REAL,
    .build = build_part,
};
const chk_op chk_op_imag = {
    .name = "imag",
    .summary = "Imaginary part",
    .family = "complex",
    .params = {OPS_X},
    .fn = CHK_FN_IMAG,
    .build = build_part,
};
const chk_op chk_op_conj = {
    .name = "conj",
    .aliases = "conjugate",
    .summary = "Complex conjugate",
    .family = "complex",
    .params = {OPS_X},
    .fn = CHK_FN_CONJ,
    .build = build_part,
};

/* Of real numbers: 0 or pi, NaN for NaN. */
static chunk_status build_angle(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name);
    chk_dtype d = x ? ops_result_type(&x, 1) : CHK_F64;
    if (chk_dtype_kind(d) == CHK_KIND_COMPLEX) return ops_give(out, &m, ops_apply(&m, CHK_FN_ANGLE, d, x, NULL, NULL));
    /* NumPy gives bool a plain integer zero as imaginary part, and these two meet in float64. */
    d = d == CHK_BOOL ? CHK_F64 : chk_dtype_float_of(d);
    return ops_give(out, &m, ops_apply(&m, CHK_FN_ATAN2, d, ops_number(&m, d, 0), x, NULL));
}

const chk_op chk_op_angle = {
    .name = "angle",
    .summary = "Angle of a complex number in radians, -pi to pi",
    .family = "complex",
    .params = {OPS_X},
    .build = build_angle,
};
