/* signature.c: see signature.h. The grammar is NumPy's without '?' and '|1', and with one result. */
#include "expr/signature.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

typedef struct reading {
    chk_signature *s;
    const char *text, *at;
    const char *who;
    chunk_error *err;
} reading;

static chunk_status bad(const reading *r, const char *what)
{
    return chk_fail(r->err, CHUNK_EINVAL, "%s: signature '%.80s', character %d: %s", r->who, r->text, (int)(r->at - r->text) + 1,
                    what);
}

static void skip_spaces(reading *r)
{
    while (*r->at == ' ') r->at++;
}

static bool take(reading *r, char c)
{
    skip_spaces(r);
    if (*r->at != c) return false;
    r->at++;
    return true;
}

/* A name or a number. */
static chunk_status read_dim(reading *r, int *dim)
{
    chk_signature *s = r->s;
    skip_spaces(r);
    size_t n = 0;
    while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_') n++;
    if (n == 0) return bad(r, "expected the name or the extent of a dimension");
    if (n >= sizeof s->name[0]) return bad(r, "names of dimensions have at most 15 letters");
    bool number = isdigit((unsigned char)r->at[0]);
    for (size_t i = 1; i < n && number; i++)
        if (!isdigit((unsigned char)r->at[i])) return bad(r, "a name cannot begin with a digit");
    for (*dim = 0; *dim < s->n_dims; ++*dim)
        if (strlen(s->name[*dim]) == n && !memcmp(s->name[*dim], r->at, n)) break;
    if (*dim == CHK_SIG_DIMS) return bad(r, "more than 16 different dimensions");
    if (*dim == s->n_dims) {
        memcpy(s->name[*dim], r->at, n);
        for (size_t i = 0; i < n && number; i++) s->extent[*dim] = 10 * s->extent[*dim] + r->at[i] - '0';
        if (number && s->extent[*dim] == 0) return bad(r, "an extent of 0");
        s->n_dims++;
    }
    r->at += n;
    return CHUNK_OK;
}

static chunk_status read_array(reading *r, int array)
{
    if (!take(r, '(')) return bad(r, "expected '('");
    if (take(r, ')')) return CHUNK_OK;
    for (;;) {
        int *n = &r->s->ndim[array];
        if (*n == CHK_SIG_NDIM) return bad(r, "an array with more than 8 core dimensions");
        CHK_TRY(read_dim(r, &r->s->dim[array][*n]));
        ++*n;
        if (take(r, ')')) return CHUNK_OK;
        if (!take(r, ',')) return bad(r, "expected ',' or ')'");
    }
}

chunk_status chk_signature_parse(chk_signature *out, const char *text, const char *who, chunk_error *err)
{
    reading r = {out, text, text, who, err};
    memset(out, 0, sizeof *out);
    do {
        if (out->n_in == CHK_SIG_ARRAYS - 1) return bad(&r, "more than 8 arrays");
        CHK_TRY(read_array(&r, out->n_in++));
    } while (take(&r, ','));
    out->n_input_dims = out->n_dims;
    skip_spaces(&r);
    if (strncmp(r.at, "->", 2)) return bad(&r, "expected ',' or '->'");
    r.at += 2;
    CHK_TRY(read_array(&r, out->n_in));
    if (take(&r, ',')) return bad(&r, "one result only");
    skip_spaces(&r);
    return *r.at ? bad(&r, "nothing comes after the result") : CHUNK_OK;
}
