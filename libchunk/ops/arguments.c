/* arguments.c: dtypes, shapes and numbers out of values. */
#include "ops/common.h"

#include <string.h>

chunk_status ops_arg_dtype(chk_dtype *out, bool *given, const chk_value *v, const char *who, chunk_error *err)
{
    *given = !ops_absent(v);
    if (!*given) return CHUNK_OK;
    if (v->kind == CHK_VAL_DTYPE) {
        *out = v->u.dtype;
        return CHUNK_OK;
    }
    if (v->kind != CHK_VAL_STRING)
        return chk_fail(err, CHUNK_ETYPE, "%s: dtype must be a dtype's name, got %s", who, chk_value_kind_name(v));
    static const struct {
        const char *name;
        chk_dtype dtype;
    } plain[] = {{"int", CHK_I64}, {"float", CHK_F64}, {"complex", CHK_C128}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(v->u.s, plain[i].name)) continue;
        *out = plain[i].dtype;
        return CHUNK_OK;
    }
    if (!chk_dtype_parse(out, v->u.s, strlen(v->u.s)))
        return chk_fail(
            err, CHUNK_ETYPE,
            "%s: '%.40s' is not a dtype; there are bool, int8 to int64, uint8 to uint64, float16 to float64, complex64, complex128",
            who, v->u.s);
    return CHUNK_OK;
}

chunk_status ops_arg_shape(chk_shape *out, const chk_value *v, const char *who, chunk_error *err)
{
    const chk_value *item = v->kind == CHK_VAL_TUPLE ? v->u.tuple.item : v;
    int n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    if (n > CHK_MAX_NDIM) return chk_fail(err, CHUNK_ESHAPE, "%s: %d dimensions, at most %d are possible", who, n, CHK_MAX_NDIM);
    chk_shape s = {.ndim = n};
    for (int i = 0; i < n; i++) {
        CHK_TRY(chk_value_int(&s.dim[i], &item[i], who, "shape", err));
        if (s.dim[i] < 0) return chk_fail(err, CHUNK_ESHAPE, "%s: negative length %lld", who, (long long)s.dim[i]);
    }
    if (!chk_shape_fits(&s)) return chk_fail(err, CHUNK_ESHAPE, "%s: an array of that shape has more than 2**63 bytes", who);
    *out = s;
    return CHUNK_OK;
}

chunk_status ops_arg_bool(bool *out, const chk_value *v, bool dflt, const char *who, const char *what, chunk_error *err)
{
    *out = dflt;
    return v->kind == CHK_VAL_MISSING ? CHUNK_OK : chk_value_bool(out, v, who, what, err);
}

chunk_status ops_arg_int(int64_t *out, const chk_value *v, int64_t dflt, const char *who, const char *what, chunk_error *err)
{
    *out = dflt;
    return ops_absent(v) ? CHUNK_OK : chk_value_int(out, v, who, what, err);
}

chunk_status ops_arg_matrix(int64_t *rows, int64_t *cols, int64_t *k, chk_dtype *d, const chk_value *args, const char *who,
                            chunk_error *err)
{
    bool given;
    *d = CHK_F64;
    CHK_TRY(chk_value_int(rows, &args[0], who, "n_rows", err));
    CHK_TRY(ops_arg_int(cols, &args[1], *rows, who, "n_cols", err));
    CHK_TRY(ops_arg_int(k, &args[2], 0, who, "k", err));
    CHK_TRY(ops_arg_dtype(d, &given, &args[3], who, err));
    if (*rows < 0 || *cols < 0 || (*cols && *rows > INT64_MAX / 16 / *cols))
        return chk_fail(err, CHUNK_ESHAPE, "%s: no array has %lld rows and %lld columns", who, (long long)*rows, (long long)*cols);
    return CHUNK_OK;
}

chunk_status ops_arg_real(double *out, const chk_value *v, double dflt, const char *who, const char *what, chunk_error *err)
{
    *out = dflt;
    if (ops_absent(v)) return CHUNK_OK;
    if (v->kind == CHK_VAL_FLOAT)
        *out = v->u.f;
    else if (v->kind == CHK_VAL_INT)
        *out = v->u.i.big ? (double)v->u.i.u : (double)v->u.i.i;
    else if (v->kind == CHK_VAL_BOOL)
        *out = v->u.b;
    else if (v->kind == CHK_VAL_NODE && v->u.node->kind == CHK_NODE_SCALAR &&
             chk_dtype_kind(v->u.node->dtype) != CHK_KIND_COMPLEX) {
        chk_scalar f = {.dtype = CHK_F64};
        const void *in[1] = {v->u.node->u.scalar.v.bytes};
        if (v->u.node->dtype == CHK_F64)
            f = v->u.node->u.scalar;
        else
            chk_kern_cast(v->u.node->dtype, CHK_F64)(f.v.bytes, in, 1);
        *out = f.v.f64;
    } else {
        return chk_fail(err, CHUNK_ETYPE, "%s: %s must be a number, got %s", who, what, chk_value_kind_name(v));
    }
    return CHUNK_OK;
}
