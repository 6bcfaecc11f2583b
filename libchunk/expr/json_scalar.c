/* json_scalar.c: constants as exact text: decimal integers, hexadecimal floats. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/json.h"

static void float_text(char *buf, size_t size, double v)
{
    if (isnan(v))
        snprintf(buf, size, "nan");
    else if (isinf(v))
        snprintf(buf, size, v < 0 ? "-inf" : "inf");
    else
        snprintf(buf, size, "%a", v);
}

static bool read_double(double *out, const char *text)
{
    char *end;
    if (!text[0] || strspn(text, "0123456789abcdefxpinABCDEFXP+-.") != strlen(text)) return false;
    *out = strtod(text, &end);
    return *end == 0;
}

chunk_status chk_scalar_text(char *buf, size_t size, const chk_scalar *v, chunk_error *err)
{
    chk_scalar wide;
    char im[40];
    switch (chk_dtype_kind(v->dtype)) {
    case CHK_KIND_BOOL: snprintf(buf, size, v->v.b ? "true" : "false"); return CHUNK_OK;
    case CHK_KIND_INT:
        CHK_TRY(chk_fold_cast(&wide, v, CHK_I64, err));
        snprintf(buf, size, "%" PRId64, wide.v.i64);
        return CHUNK_OK;
    case CHK_KIND_UINT:
        CHK_TRY(chk_fold_cast(&wide, v, CHK_U64, err));
        snprintf(buf, size, "%" PRIu64, wide.v.u64);
        return CHUNK_OK;
    case CHK_KIND_FLOAT:
        CHK_TRY(chk_fold_cast(&wide, v, CHK_F64, err));
        float_text(buf, size, wide.v.f64);
        return CHUNK_OK;
    case CHK_KIND_COMPLEX:
        CHK_TRY(chk_fold_cast(&wide, v, CHK_C128, err));
        float_text(buf, size, wide.v.c128[0]);
        float_text(im, sizeof im, wide.v.c128[1]);
        snprintf(buf + strlen(buf), size - strlen(buf), " %s", im);
        return CHUNK_OK;
    }
    return chk_fail(err, CHUNK_ESTATE, "internal: a constant without a kind");
}

static bool parse_wide(chk_scalar *out, chk_kind k, const char *text)
{
    char *end, part[96];
    errno = 0;
    switch (k) {
    case CHK_KIND_BOOL:
        *out = (chk_scalar){.dtype = CHK_BOOL, .v.b = !strcmp(text, "true")};
        return out->v.b || !strcmp(text, "false");
    case CHK_KIND_INT:
        *out = (chk_scalar){.dtype = CHK_I64, .v.i64 = strtoll(text, &end, 10)};
        return strspn(text, "-0123456789") == strlen(text) && text[0] && !*end && !errno;
    case CHK_KIND_UINT:
        *out = (chk_scalar){.dtype = CHK_U64, .v.u64 = strtoull(text, &end, 10)};
        return strspn(text, "0123456789") == strlen(text) && text[0] && !*end && !errno;
    case CHK_KIND_FLOAT: *out = (chk_scalar){.dtype = CHK_F64}; return read_double(&out->v.f64, text);
    case CHK_KIND_COMPLEX: {
        const char *space = strchr(text, ' ');
        if (!space || (size_t)(space - text) >= sizeof part) return false;
        memcpy(part, text, (size_t)(space - text));
        part[space - text] = 0;
        *out = (chk_scalar){.dtype = CHK_C128};
        return read_double(&out->v.c128[0], part) && read_double(&out->v.c128[1], space + 1);
    }
    }
    return false;
}

/* A value that the dtype cannot hold exactly did not come from the writer and is refused. */
bool chk_scalar_parse(chk_scalar *out, chk_dtype d, const char *text)
{
    chk_scalar wide, back;
    if (!parse_wide(&wide, chk_dtype_kind(d), text)) return false;
    if (chk_fold_cast(out, &wide, d, NULL) != CHUNK_OK || chk_fold_cast(&back, out, wide.dtype, NULL) != CHUNK_OK) return false;
    if (wide.dtype == CHK_F64) return isnan(wide.v.f64) ? isnan(back.v.f64) : back.v.f64 == wide.v.f64;
    if (wide.dtype != CHK_C128) return chk_scalar_equal(&wide, &back);
    for (int i = 0; i < 2; i++)
        if (!(isnan(wide.v.c128[i]) ? isnan(back.v.c128[i]) : back.v.c128[i] == wide.v.c128[i])) return false;
    return true;
}
