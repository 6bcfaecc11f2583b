/* info.c: what is in a file, for chunk-info. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "base/alloc.h"

typedef struct walk {
    chk_h5file *file;
    bool verbose;
    chunk_info_callback fn;
    void *user;
    chunk_error failed; /* of the first dataset that could not be read */
} walk;

typedef struct attrs {
    char *s;
    size_t n;
} attrs;

static chunk_status add_attr(void *arg, const char *name, const char *json)
{
    attrs *a = arg;
    size_t more = strlen(name) * 6 + strlen(json) + 8;
    char *s = chk_realloc(a->s, a->n + more);
    if (!s) return CHUNK_ENOMEM;
    a->s = s;
    a->n += (size_t)sprintf(s + a->n, "%s\"", a->n > 1 ? "," : "");
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        a->n += (size_t)sprintf(s + a->n, c == '"' || c == '\\' ? "\\%c" : c < 0x20 ? "\\u%04x" : "%c", c);
    }
    a->n += (size_t)sprintf(s + a->n, "\":%s", json);
    return CHUNK_OK;
}

static chunk_status all_attrs(char **out, chk_h5set *d, chunk_error *err)
{
    attrs a = {.s = chk_strdup("{"), .n = 1};
    if (!a.s) return chk_fail(err, CHUNK_ENOMEM, "out of memory for attributes");
    chunk_status st = chk_h5set_attrs(d, add_attr, &a, err);
    char *s = st == CHUNK_OK ? chk_realloc(a.s, a.n + 2) : NULL;
    if (!s) {
        chk_free(a.s);
        return st != CHUNK_OK ? st : chk_fail(err, CHUNK_ENOMEM, "out of memory for attributes");
    }
    strcpy(s + a.n, "}");
    *out = s;
    return CHUNK_OK;
}

static int float_text(char *buf, size_t size, double v, int digits)
{
    if (isnan(v)) return snprintf(buf, size, "\"nan\"");
    if (isinf(v)) return snprintf(buf, size, v > 0 ? "\"inf\"" : "\"-inf\"");
    return snprintf(buf, size, "%.*g", digits, v);
}

/* A scalar as JSON; non-finite numbers as strings, complex numbers as pairs. */
static void scalar_json(char *buf, size_t size, const chk_scalar *v)
{
    double parts[2] = {0};
    const void *in[1] = {v->v.bytes};
    int n = 0;
    switch (chk_dtype_kind(v->dtype)) {
    case CHK_KIND_BOOL: snprintf(buf, size, v->v.b ? "true" : "false"); break;
    case CHK_KIND_INT: {
        int64_t i;
        chk_kern_cast(v->dtype, CHK_I64)(&i, in, 1);
        snprintf(buf, size, "%" PRId64, i);
        break;
    }
    case CHK_KIND_UINT: {
        uint64_t u;
        chk_kern_cast(v->dtype, CHK_U64)(&u, in, 1);
        snprintf(buf, size, "%" PRIu64, u);
        break;
    }
    case CHK_KIND_FLOAT:
        chk_kern_cast(v->dtype, CHK_F64)(parts, in, 1);
        float_text(buf, size, parts[0], v->dtype == CHK_F64 ? 17 : 9);
        break;
    case CHK_KIND_COMPLEX:
        chk_kern_cast(v->dtype, CHK_C128)(parts, in, 1);
        n = snprintf(buf, size, "[");
        n += float_text(buf + n, size - (size_t)n, parts[0], 17);
        n += snprintf(buf + n, size - (size_t)n, ",");
        n += float_text(buf + n, size - (size_t)n, parts[1], 17);
        snprintf(buf + n, size - (size_t)n, "]");
    }
}

static const char *layout_name(chk_layout l)
{
    static const char *const names[] = {"compact", "contiguous", "chunked", "virtual"};
    return names[l];
}

static chunk_status fill_info(chunk_dataset_info *i, chk_h5set *d, const char *path, bool verbose, chunk_error *err)
{
    const chk_h5info *h = chk_h5set_info(d);
    i->path = (char *)path;
    i->ndim = h->shape.ndim;
    i->chunked = h->layout == CHK_LAYOUT_CHUNKED;
    i->chunks_total = 1;
    i->null_space = chk_h5set_is_null(d);
    i->logical_bytes = i->null_space ? 0 : h->item_bytes;
    for (int a = 0; a < i->ndim; a++) {
        i->shape[a] = h->shape.dim[a];
        i->maxshape[a] = h->maxshape.dim[a];
        i->chunk[a] = h->chunk.dim[a];
        i->logical_bytes *= (uint64_t)h->shape.dim[a];
        if (i->chunked) i->chunks_total *= (h->shape.dim[a] + h->chunk.dim[a] - 1) / h->chunk.dim[a];
    }
    snprintf(i->dtype, sizeof i->dtype, "%s", h->dtype_known ? chk_dtype_name(h->dtype) : h->type_text);
    i->computable = h->dtype_known;
    i->layout = layout_name(h->layout);
    chk_pipeline_text(i->filters, sizeof i->filters, &h->pipeline);
    i->index = h->index;
    CHK_TRY(chk_h5set_stored(d, &i->chunks_written, &i->stored_bytes, err));
    snprintf(i->fill_value, sizeof i->fill_value, "null");
    if (h->dtype_known) scalar_json(i->fill_value, sizeof i->fill_value, &h->fill);
    return verbose ? all_attrs(&i->attributes, d, err) : CHUNK_OK;
}

/* What cannot be read keeps nothing else from being listed. */
static chunk_status one(void *arg, const char *path, chunk_error *err)
{
    walk *w = arg;
    chk_h5set *d;
    chunk_error why = {0};
    chunk_dataset_info i = {0};
    chunk_status told = CHUNK_OK, st = chk_h5set_open(&d, w->file, path, &why);
    if (st == CHUNK_OK) {
        st = fill_info(&i, d, path, w->verbose, &why);
        if (st == CHUNK_OK) told = w->fn(w->user, &i, err);
        chk_free(i.attributes);
        chk_h5set_release(d);
    }
    if (st != CHUNK_OK && w->failed.code == CHUNK_OK) w->failed = why;
    return told;
}

chunk_status chunk_info(const char *file, const char *object, bool verbose, chunk_info_callback fn, void *user, chunk_error *err)
{
    if (!file || !fn) return chk_fail(err, CHUNK_EINVAL, "chunk_info: file or fn is NULL");
    walk w = {.verbose = verbose, .fn = fn, .user = user};
    CHK_TRY(chk_h5file_open(&w.file, file, err));
    chunk_status st = chk_h5file_walk(w.file, object ? object : "/", one, &w, err);
    chk_h5file_release(w.file);
    if (st == CHUNK_OK && (st = w.failed.code) != CHUNK_OK && err) *err = w.failed;
    return st;
}
