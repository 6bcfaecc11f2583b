/* value.c: arguments as nodes, whole numbers, truth values and axes. */
#include "expr/call.h"

static bool several_lengths(const chk_value *v)
{
    if (v->kind != CHK_VAL_TUPLE || v->u.tuple.n == 0) return false;
    const chk_value *item = v->u.tuple.item;
    for (int i = 0; i < v->u.tuple.n; i++) {
        bool same = item[i].kind != CHK_VAL_TUPLE || item->kind != CHK_VAL_TUPLE || item[i].u.tuple.n == item->u.tuple.n;
        if (!same || several_lengths(&item[i])) return true;
    }
    return false;
}

const char *chk_value_kind_name(const chk_value *v)
{
    if (v->list) return several_lengths(v) ? "a list of lists of several lengths" : "a list";
    switch (v->kind) {
    case CHK_VAL_MISSING: return "nothing";
    case CHK_VAL_NONE: return "None";
    case CHK_VAL_NODE: return "an array";
    case CHK_VAL_INT: return "an integer";
    case CHK_VAL_FLOAT: return "a float";
    case CHK_VAL_COMPLEX: return "a complex number";
    case CHK_VAL_BOOL: return "a truth value";
    case CHK_VAL_STRING: return "a string";
    case CHK_VAL_DTYPE: return "a dtype";
    case CHK_VAL_TUPLE: return "a tuple";
    }
    return "something else";
}

chunk_status chk_value_node(chk_node **out, chk_builder *b, const chk_value *v, const char *what, chunk_error *err)
{
    chk_scalar s = {.dtype = CHK_BOOL};
    switch (v->kind) {
    case CHK_VAL_NODE: *out = chk_node_retain(v->u.node); return CHUNK_OK;
    case CHK_VAL_INT:
        if (!v->u.i.big) return chk_node_int(out, b, v->u.i.i, err);
        s = (chk_scalar){.dtype = CHK_U64, .v.u64 = v->u.i.u};
        return chk_node_scalar(out, b, &s, true, err);
    case CHK_VAL_FLOAT: return chk_node_float(out, b, v->u.f, err);
    case CHK_VAL_COMPLEX:
        s = (chk_scalar){.dtype = CHK_C128, .v.c128 = {v->u.c[0], v->u.c[1]}};
        return chk_node_scalar(out, b, &s, true, err);
    case CHK_VAL_BOOL: s.v.b = v->u.b; return chk_node_scalar(out, b, &s, false, err);
    default: return chk_fail(err, CHUNK_ETYPE, "%s: expected an array or a number, got %s", what, chk_value_kind_name(v));
    }
}

/* An integer constant as int64; false where it is none or does not fit. */
static bool constant_int(const chk_node *n, int64_t *out)
{
    if (n->kind != CHK_NODE_SCALAR) return false;
    const chk_scalar *s = &n->u.scalar;
    switch (s->dtype) {
    case CHK_I8: *out = s->v.i8; return true;
    case CHK_I16: *out = s->v.i16; return true;
    case CHK_I32: *out = s->v.i32; return true;
    case CHK_I64: *out = s->v.i64; return true;
    case CHK_U8: *out = s->v.u8; return true;
    case CHK_U16: *out = s->v.u16; return true;
    case CHK_U32: *out = s->v.u32; return true;
    case CHK_U64: *out = (int64_t)s->v.u64; return s->v.u64 <= INT64_MAX;
    default: return false;
    }
}

chunk_status chk_value_int(int64_t *out, const chk_value *v, const char *who, const char *what, chunk_error *err)
{
    if (v->kind == CHK_VAL_INT && !v->u.i.big)
        *out = v->u.i.i;
    else if (v->kind == CHK_VAL_BOOL)
        *out = v->u.b;
    else if (v->kind != CHK_VAL_NODE || !constant_int(v->u.node, out))
        return chk_fail(err, CHUNK_ETYPE, "%s: %s must be an integer%s, got %s", who, what,
                        v->kind == CHK_VAL_INT ? " below 2**63" : "", chk_value_kind_name(v));
    return CHUNK_OK;
}

chk_value chk_value_items(const chk_value *v)
{
    chk_value items = v->list ? *v->list : *v;
    items.column = v->column;
    items.list = v->list;
    return items;
}

chunk_status chk_value_bool(bool *out, const chk_value *v, const char *who, const char *what, chunk_error *err)
{
    if (v->kind == CHK_VAL_BOOL)
        *out = v->u.b;
    else if (v->kind == CHK_VAL_INT)
        *out = v->u.i.big || v->u.i.i != 0;
    else
        return chk_fail(err, CHUNK_ETYPE, "%s: %s must be True or False, got %s", who, what, chk_value_kind_name(v));
    return CHUNK_OK;
}

chunk_status chk_axis_normal(int *out, int64_t axis, int ndim, const char *who, chunk_error *err)
{
    if (axis < -ndim || axis >= ndim)
        return chk_fail(err, CHUNK_EINDEX, "%s: axis %lld is out of range for %d dimension%s", who, (long long)axis, ndim,
                        ndim == 1 ? "" : "s");
    *out = (int)(axis < 0 ? axis + ndim : axis);
    return CHUNK_OK;
}

chunk_status chk_value_axes(uint32_t *axes, const chk_value *v, int ndim, const char *who, chunk_error *err)
{
    *axes = ndim == 32 ? UINT32_MAX : (UINT32_C(1) << ndim) - 1;
    if (v->kind == CHK_VAL_MISSING || v->kind == CHK_VAL_NONE) return CHUNK_OK;
    if (v->list) return chk_fail(err, CHUNK_ETYPE, "%s: axis must be an integer or a tuple of them, as in (0, 1), got a list", who);
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    int n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    *axes = 0;
    for (int i = 0; i < n; i++) {
        int64_t axis = 0;
        int a = 0;
        CHK_TRY(chk_value_int(&axis, &item[i], who, "axis", err));
        if (ndim == 0 && v == item && (axis == 0 || axis == -1)) return CHUNK_OK; /* as NumPy's */
        CHK_TRY(chk_axis_normal(&a, axis, ndim, who, err));
        if (*axes >> a & 1) return chk_fail(err, CHUNK_EINVAL, "%s: axis %lld is named twice", who, (long long)axis);
        *axes |= UINT32_C(1) << a;
    }
    return CHUNK_OK;
}
