/* fold.c: kernels over constants, at the time the expression is built: the same kernels, so the same bits, as in a run. */
#include <string.h>

#include "expr/internal.h"

bool chk_scalar_equal(const chk_scalar *a, const chk_scalar *b)
{
    return a->dtype == b->dtype && !memcmp(a->v.bytes, b->v.bytes, chk_dtype_size(a->dtype));
}

chunk_status chk_fold_cast(chk_scalar *out, const chk_scalar *in, chk_dtype to, chunk_error *err)
{
    chk_scalar from = *in, v = {.dtype = to};
    if (from.dtype == to) {
        *out = from;
        return CHUNK_OK;
    }
    chk_kern k = chk_kern_cast(from.dtype, to);
    if (!k) return chk_fail(err, CHUNK_ETYPE, "no cast from %s to %s", chk_dtype_name(from.dtype), chk_dtype_name(to));
    const void *src[1] = {from.v.bytes};
    k(v.v.bytes, src, 1);
    *out = v;
    return CHUNK_OK;
}

chunk_status chk_fold_map(chk_scalar *out, chk_fn fn, chk_dtype compute, chk_dtype result, const chk_scalar *in, int n_in,
                          chunk_error *err)
{
    chk_dtype wide = compute == CHK_F16 ? CHK_F32 : compute;
    chk_kern k = chk_kern_find(fn, wide);
    if (!k) return chk_fail(err, CHUNK_ETYPE, "%s is not defined for %s", chk_fn_name(fn), chk_dtype_name(compute));
    chk_scalar arg[3];
    const void *src[3];
    for (int i = 0; i < n_in; i++) {
        bool mask = fn == CHK_FN_WHERE && i == 0, iu = fn >= CHK_FN_EQ_IU && fn <= CHK_FN_GE_IU;
        CHK_TRY(chk_fold_cast(&arg[i], &in[i], mask ? CHK_BOOL : iu ? (i ? CHK_U64 : CHK_I64) : wide, err));
        src[i] = arg[i].v.bytes;
    }
    chk_scalar v = {.dtype = chk_fn_out_dtype(fn, wide)};
    k(v.v.bytes, src, 1);
    return chk_fold_cast(out, &v, result, err);
}
