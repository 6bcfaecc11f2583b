/* dtype.c: the table of element types and NumPy 2's promotion, by kind and size. */
#include "array/dtype.h"

#include <string.h>

const chk_dtype_info chk_dtypes[CHK_NDTYPE] = {
    [CHK_BOOL] = {"bool", "b1", CHK_KIND_BOOL, 1, 1},        [CHK_I8] = {"int8", "i1", CHK_KIND_INT, 1, 1},
    [CHK_I16] = {"int16", "i2", CHK_KIND_INT, 2, 2},         [CHK_I32] = {"int32", "i4", CHK_KIND_INT, 4, 4},
    [CHK_I64] = {"int64", "i8", CHK_KIND_INT, 8, 8},         [CHK_U8] = {"uint8", "u1", CHK_KIND_UINT, 1, 1},
    [CHK_U16] = {"uint16", "u2", CHK_KIND_UINT, 2, 2},       [CHK_U32] = {"uint32", "u4", CHK_KIND_UINT, 4, 4},
    [CHK_U64] = {"uint64", "u8", CHK_KIND_UINT, 8, 8},       [CHK_F16] = {"float16", "f2", CHK_KIND_FLOAT, 2, 2},
    [CHK_F32] = {"float32", "f4", CHK_KIND_FLOAT, 4, 4},     [CHK_F64] = {"float64", "f8", CHK_KIND_FLOAT, 8, 8},
    [CHK_C64] = {"complex64", "c8", CHK_KIND_COMPLEX, 8, 4}, [CHK_C128] = {"complex128", "c16", CHK_KIND_COMPLEX, 16, 8},
};

bool chk_dtype_parse(chk_dtype *out, const char *text, size_t n)
{
    if (n > 1 && (*text == '<' || *text == '=' || *text == '|')) text++, n--;
    for (int d = 0; d < CHK_NDTYPE; d++) {
        const char *name = chk_dtypes[d].name, *code = chk_dtypes[d].code;
        if ((strlen(name) == n && !memcmp(name, text, n)) || (strlen(code) == n && !memcmp(code, text, n))) {
            *out = (chk_dtype)d;
            return true;
        }
    }
    return false;
}

static chk_dtype of(chk_kind kind, int size)
{
    for (int d = 0; d < CHK_NDTYPE; d++)
        if (chk_dtypes[d].kind == kind && chk_dtypes[d].size >= size) return (chk_dtype)d;
    return kind == CHK_KIND_COMPLEX ? CHK_C128 : CHK_F64;
}

/* Bytes of the float that holds every value of an integer or boolean dtype, as NumPy counts. */
static int float_bytes(chk_dtype d)
{
    const chk_dtype_info *i = &chk_dtypes[d];
    switch (i->kind) {
    case CHK_KIND_FLOAT: return i->size;
    case CHK_KIND_COMPLEX: return i->size / 2;
    default: return i->size == 1 ? 2 : i->size == 2 ? 4 : 8;
    }
}

chk_dtype chk_promote(chk_dtype a, chk_dtype b)
{
    if (a == b) return a;
    if (chk_dtypes[a].kind > chk_dtypes[b].kind) {
        chk_dtype t = a;
        a = b;
        b = t;
    }
    const chk_dtype_info *x = &chk_dtypes[a], *y = &chk_dtypes[b]; /* x's kind is not above y's */
    if (x->kind == CHK_KIND_BOOL) return b;
    if (x->kind == y->kind) return x->size >= y->size ? a : b;
    if (y->kind == CHK_KIND_UINT) { /* a signed and an unsigned integer: the signed one that holds both, else float64 */
        if (x->size > y->size) return a;
        return y->size == 8 ? CHK_F64 : of(CHK_KIND_INT, 2 * y->size);
    }
    int f = float_bytes(a) > float_bytes(b) ? float_bytes(a) : float_bytes(b);
    return y->kind == CHK_KIND_FLOAT ? of(CHK_KIND_FLOAT, f) : of(CHK_KIND_COMPLEX, 2 * f);
}

chk_dtype chk_promote_weak(chk_dtype a, chk_kind weak)
{
    chk_kind kind = chk_dtypes[a].kind;
    switch (weak) {
    case CHK_KIND_BOOL: return a;
    case CHK_KIND_INT:
    case CHK_KIND_UINT: return kind == CHK_KIND_BOOL ? CHK_I64 : a;
    case CHK_KIND_FLOAT: return kind < CHK_KIND_FLOAT ? CHK_F64 : a;
    default:
        if (kind == CHK_KIND_COMPLEX) return a;
        return kind == CHK_KIND_FLOAT && chk_dtypes[a].size <= 4 ? CHK_C64 : CHK_C128;
    }
}

bool chk_can_cast_same_kind(chk_dtype from, chk_dtype to)
{
    chk_kind f = chk_dtypes[from].kind, t = chk_dtypes[to].kind;
    if (f == t) return true;
    if (f == CHK_KIND_UINT && t == CHK_KIND_INT) return true;
    if (f == CHK_KIND_INT && t == CHK_KIND_UINT) return false;
    return f < t;
}

chk_dtype chk_dtype_float_of(chk_dtype d)
{
    chk_kind k = chk_dtypes[d].kind;
    return k >= CHK_KIND_FLOAT ? d : of(CHK_KIND_FLOAT, float_bytes(d));
}

chk_dtype chk_dtype_real_of(chk_dtype d) { return d == CHK_C64 ? CHK_F32 : d == CHK_C128 ? CHK_F64 : d; }
