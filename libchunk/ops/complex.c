/* complex.c: parts of complex numbers; real numbers count as complex ones without an imaginary part. */
#include "ops/common.h"

static chunk_status real_part(chk_node **out, chk_builder *b, const chk_op *op, chk_node *x, chunk_error *err)
{
    chk_dtype d = ops_result_type(&x, 1);
    bool is_complex = chk_dtype_kind(d) == CHK_KIND_COMPLEX;
    if (is_complex) return ops_map1(out, b, op->fn, d, x, err);
    switch (op->fn) {
    case CHK_FN_IMAG: {
        chk_node *zero;
        CHK_TRY(ops_int(&zero, b, d, 0, err));
        chunk_status st = chk_node_broadcast(out, b, zero, &x->shape, err);
        chk_node_release(zero);
        return st;
    }
    case CHK_FN_CONJ: return d == CHK_BOOL ? chk_node_cast(out, b, x, CHK_I8, err) : ops_fit(out, b, x, d, err);
    default: return ops_fit(out, b, x, d, err);
    }
}

static chunk_status build_part(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = real_part(out, b, op, x, err);
    chk_node_release(x);
    return st;
}

const chk_op chk_op_real = {
    .name = "real", .summary = "Real part", .family = "complex", .params = {OPS_X}, .fn = CHK_FN_REAL, .build = build_part,
};
const chk_op chk_op_imag = {
    .name = "imag", .summary = "Imaginary part", .family = "complex", .params = {OPS_X}, .fn = CHK_FN_IMAG, .build = build_part,
};
const chk_op chk_op_conj = {
    .name = "conj", .aliases = "conjugate", .summary = "Complex conjugate", .family = "complex", .params = {OPS_X}, .fn = CHK_FN_CONJ, .build = build_part,
};

/* Of real numbers: 0 or pi, NaN for NaN. */
static chunk_status angle_of(chk_node **out, chk_builder *b, chk_node *x, chunk_error *err)
{
    chk_dtype d = ops_result_type(&x, 1);
    if (chk_dtype_kind(d) == CHK_KIND_COMPLEX) return ops_map1(out, b, CHK_FN_ANGLE, d, x, err);
    /* NumPy adds an imaginary part that is an integer zero: bool and int64 meet in float64. */
    d = d == CHK_BOOL ? CHK_F64 : ops_float_type(&x, 1);
    chk_node *zero;
    CHK_TRY(ops_real(&zero, b, d, 0, err));
    chunk_status st = ops_map2(out, b, CHK_FN_ATAN2, d, zero, x, err);
    chk_node_release(zero);
    return st;
}

static chunk_status build_angle(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    CHK_TRY(chk_value_node(&x, b, &args[0], op->name, err));
    chunk_status st = angle_of(out, b, x, err);
    chk_node_release(x);
    return st;
}

const chk_op chk_op_angle = {
    .name = "angle", .summary = "Angle of a complex number in radians, -pi to pi", .family = "complex", .params = {OPS_X}, .build = build_angle,
};
