/* common.c: result types, constants, maps, and the build functions of elementwise families. */
#include "ops/common.h"

bool ops_is_whole(chk_dtype d)
{
    chk_kind k = chk_dtype_kind(d);
    return k == CHK_KIND_BOOL || k == CHK_KIND_INT || k == CHK_KIND_UINT;
}

/* The weakest kinds among plain numbers decide last: they only lift the arrays' dtype where its kind is lower. */
static chk_dtype join(chk_node *const *in, int n, bool as_float)
{
    bool strong = false, weak = false;
    chk_dtype d = CHK_BOOL;
    chk_kind top = CHK_KIND_BOOL, kind = CHK_KIND_BOOL;
    for (int i = 0; i < n; i++) {
        if (in[i]->weak) {
            chk_kind k = chk_dtype_kind(in[i]->dtype);
            k = k == CHK_KIND_UINT ? CHK_KIND_INT : k;
            if (!weak || k > kind) kind = k;
            weak = true;
            continue;
        }
        chk_kind k = chk_dtype_kind(in[i]->dtype);
        if (!strong || k > top) top = k;
        strong = true;
    }
    /* The highest kind first, as NumPy does: int8 and uint16 beside complex64 give complex64, not by way of int32 complex128. */
    bool first = true;
    for (int k = CHK_KIND_COMPLEX; k >= CHK_KIND_BOOL; k--) {
        for (int i = 0; i < n; i++) {
            if (in[i]->weak || (int)chk_dtype_kind(in[i]->dtype) != k) continue;
            chk_dtype one = as_float ? chk_dtype_float_of(in[i]->dtype) : in[i]->dtype;
            d = first ? one : chk_promote(d, one);
            first = false;
        }
    }
    if (!weak) return d;
    if (!strong) {
        bool big = false;
        for (int i = 0; i < n; i++) big |= in[i]->dtype == CHK_U64;
        d = kind == CHK_KIND_COMPLEX ? CHK_C128 : kind == CHK_KIND_FLOAT ? CHK_F64 : big ? CHK_U64 : CHK_I64;
        return as_float ? chk_dtype_float_of(d) : d;
    }
    if (!as_float) return chk_promote_weak(d, kind);
    /* Integers of any size keep the arrays' float; a float makes float64 of integer arrays, as promoting before the lift does. */
    if (kind == CHK_KIND_INT && top != CHK_KIND_BOOL) return d;
    bool exact = top == CHK_KIND_FLOAT || top == CHK_KIND_COMPLEX;
    return exact ? chk_promote_weak(d, kind) : kind == CHK_KIND_COMPLEX ? CHK_C128 : CHK_F64;
}

chk_dtype ops_result_type(chk_node *const *in, int n) { return join(in, n, false); }
chk_dtype ops_float_type(chk_node *const *in, int n) { return join(in, n, true); }

bool ops_int_range(chk_dtype d, __int128 *lo, __int128 *hi)
{
    int bits = 8 * (int)chk_dtype_size(d);
    chk_kind k = chk_dtype_kind(d);
    if (k != CHK_KIND_INT && k != CHK_KIND_UINT) return false;
    *lo = k == CHK_KIND_INT ? -((__int128)1 << (bits - 1)) : 0;
    *hi = ((__int128)1 << (k == CHK_KIND_INT ? bits - 1 : bits)) - 1;
    return true;
}

static bool weak_int(const chk_node *n, __int128 *v)
{
    if (!n->weak || n->kind != CHK_NODE_SCALAR || (n->dtype != CHK_I64 && n->dtype != CHK_U64)) return false;
    *v = n->dtype == CHK_U64 ? (__int128)n->u.scalar.v.u64 : (__int128)n->u.scalar.v.i64;
    return true;
}

chunk_status ops_fit(chk_node **out, chk_builder *b, chk_node *in, chk_dtype d, chunk_error *err)
{
    __int128 lo, hi, v;
    if (!in->weak) {
        *out = chk_node_retain(in);
        return CHUNK_OK;
    }
    if (weak_int(in, &v) && ops_int_range(d, &lo, &hi) && (v < lo || v > hi)) {
        if (in->dtype == CHK_U64)
            return chk_fail(err, CHUNK_ETYPE, "Python integer %llu out of bounds for %s", (unsigned long long)in->u.scalar.v.u64,
                            chk_dtype_name(d));
        return chk_fail(err, CHUNK_ETYPE, "Python integer %lld out of bounds for %s", (long long)in->u.scalar.v.i64,
                        chk_dtype_name(d));
    }
    return chk_node_cast(out, b, in, d, err);
}

chunk_status ops_map(chk_node **out, chk_builder *b, chk_fn fn, chk_dtype d, chk_node *const *in, int n, chunk_error *err)
{
    chk_node *fitted[3] = {NULL};
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < n && st == CHUNK_OK; i++)
        st = ops_fit(&fitted[i], b, in[i], fn == CHK_FN_WHERE && i == 0 ? CHK_BOOL : d, err);
    if (st == CHUNK_OK) st = chk_node_map(out, b, fn, d, fitted, n, err);
    for (int i = 0; i < n; i++) chk_node_release(fitted[i]);
    return st;
}

chunk_status ops_real(chk_node **out, chk_builder *b, chk_dtype d, double v, chunk_error *err)
{
    chk_node *plain;
    CHK_TRY(chk_node_float(&plain, b, v, err));
    chunk_status st = chk_node_cast(out, b, plain, d, err);
    chk_node_release(plain);
    return st;
}

chunk_status ops_int(chk_node **out, chk_builder *b, chk_dtype d, int64_t v, chunk_error *err)
{
    chk_node *plain;
    CHK_TRY(chk_node_int(&plain, b, v, err));
    chunk_status st = chk_node_cast(out, b, plain, d, err);
    chk_node_release(plain);
    return st;
}

chunk_status ops_filled(chk_node **out, chk_builder *b, const chk_shape *shape, bool value, chunk_error *err)
{
    chk_node *one;
    CHK_TRY(chk_node_scalar(&one, b, &(chk_scalar){.dtype = CHK_BOOL, .v.b = value}, false, err));
    chunk_status st = chk_node_broadcast(out, b, one, shape, err);
    chk_node_release(one);
    return st;
}

chunk_status ops_not_for(const chk_op *op, chk_dtype d, chunk_error *err)
{
    return chk_fail(err, CHUNK_ETYPE, "%s: not defined for %s", op->name, chk_dtype_name(d));
}

/* The dtype to compute in, by the flags; refusals by name. */
static chunk_status compute_type(chk_dtype *d, const chk_op *op, chk_node *const *in, int n, chunk_error *err)
{
    *d = op->flags & OPS_FLOAT ? ops_float_type(in, n) : ops_result_type(in, n);
    chk_kind k = chk_dtype_kind(*d);
    if ((op->flags & OPS_NO_BOOL && k == CHK_KIND_BOOL) || (op->flags & (OPS_NO_COMPLEX | OPS_NO_FLOAT) && k == CHK_KIND_COMPLEX) ||
        (op->flags & OPS_NO_FLOAT && k == CHK_KIND_FLOAT))
        return ops_not_for(op, *d, err);
    if (op->flags & OPS_BOOL_AS_INT8 && k == CHK_KIND_BOOL) *d = CHK_I8;
    if (op->flags & OPS_FLOAT64 && ops_is_whole(*d)) *d = CHK_F64;
    return CHUNK_OK;
}

static chunk_status apply(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n, chunk_error *err)
{
    chk_dtype d;
    CHK_TRY(compute_type(&d, op, in, n, err));
    if (op->flags & OPS_SAME_INT && ops_is_whole(d)) return ops_fit(out, b, in[0], d, err);
    return ops_map(out, b, op->fn, d, in, n, err);
}

static chunk_status build(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, int n, chunk_error *err)
{
    chk_node *in[2] = {NULL};
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < n && st == CHUNK_OK; i++) st = chk_value_node(&in[i], b, &args[i], op->name, err);
    if (st == CHUNK_OK) st = apply(out, b, op, in, n, err);
    for (int i = 0; i < n; i++) chk_node_release(in[i]);
    return st;
}

chunk_status ops_build_unary(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return build(out, b, op, args, 1, err);
}
chunk_status ops_build_binary(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    return build(out, b, op, args, 2, err);
}
