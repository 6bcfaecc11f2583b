/* Attributes as JSON values: numbers, true and false, strings, complex numbers as pairs, lists; what has no such form is null. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kern/kern.h"
#include "store/h5lock.h"
#include "store/h5read.h"

/* Text that grows; once memory ran out it stays as it is. */
typedef struct text {
    char *s;
    size_t n, cap;
    bool failed;
} text;

static bool text_room(text *t, size_t more)
{
    if (t->failed) return false;
    if (t->n + more + 1 <= t->cap) return true;
    size_t cap = 2 * t->cap + more + 64;
    char *s = chk_realloc(t->s, cap);
    t->failed = !s;
    if (!s) return false;
    t->s = s;
    t->cap = cap;
    return true;
}

static void __attribute__((format(printf, 2, 3))) text_add(text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !text_room(t, (size_t)n)) return;
    va_start(args, fmt);
    vsnprintf(t->s + t->n, (size_t)n + 1, fmt, args);
    va_end(args);
    t->n += (size_t)n;
}

/* Length of the valid UTF-8 sequence at s (n bytes left), 0 when there is none. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    size_t len = s[0] < 0x80                   ? 1
                 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
                 : (s[0] & 0xF0) == 0xE0       ? 3
                 : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                               : 0;
    if (len == 0 || len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if (s[0] == 0xE0 && s[1] < 0xA0) return 0;
    if (s[0] == 0xED && s[1] > 0x9F) return 0; /* surrogates */
    if (s[0] == 0xF0 && s[1] < 0x90) return 0;
    if (s[0] == 0xF4 && s[1] > 0x8F) return 0;
    return len;
}

static void add_string(text *t, const char *string, size_t n)
{
    const unsigned char *s = (const unsigned char *)string;
    text_add(t, "\"");
    for (size_t i = 0; i < n;) {
        size_t len = utf8_length(s + i, n - i);
        if (len == 0)
            text_add(t, "\\ufffd"), len = 1;
        else if (s[i] == '"' || s[i] == '\\')
            text_add(t, "\\%c", s[i]);
        else if (s[i] < 0x20)
            text_add(t, "\\u%04x", s[i]);
        else
            text_add(t, "%.*s", (int)len, string + i);
        i += len;
    }
    text_add(t, "\"");
}

/* The shortest decimal that reads back as the same number of that precision. */
static void add_float(text *t, double v, bool is_single)
{
    char buf[40];
    if (isnan(v) || isinf(v)) {
        text_add(t, isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"");
        return;
    }
    for (int digits = is_single ? 6 : 15; digits <= 17; digits++) {
        snprintf(buf, sizeof buf, "%.*g", digits, v);
        if (is_single ? strtof(buf, NULL) == (float)v : strtod(buf, NULL) == v) break;
    }
    text_add(t, "%s", buf);
}

static void add_number(text *t, const chk_scalar *v)
{
    double d[2] = {0};
    int64_t i = 0;
    uint64_t u = 0;
    const void *in[1] = {v->v.bytes};
    bool is_single = v->dtype == CHK_F32 || v->dtype == CHK_F16 || v->dtype == CHK_C64;
    switch (chk_dtype_kind(v->dtype)) {
    case CHK_KIND_BOOL: text_add(t, v->v.b ? "true" : "false"); break;
    case CHK_KIND_INT:
        chk_kern_cast(v->dtype, CHK_I64)(&i, in, 1);
        text_add(t, "%" PRId64, i);
        break;
    case CHK_KIND_UINT:
        chk_kern_cast(v->dtype, CHK_U64)(&u, in, 1);
        text_add(t, "%" PRIu64, u);
        break;
    case CHK_KIND_FLOAT:
        chk_kern_cast(v->dtype, CHK_F64)(d, in, 1);
        add_float(t, d[0], is_single);
        break;
    case CHK_KIND_COMPLEX:
        chk_kern_cast(v->dtype, CHK_C128)(d, in, 1);
        text_add(t, "[");
        add_float(t, d[0], is_single);
        text_add(t, ",");
        add_float(t, d[1], is_single);
        text_add(t, "]");
    }
}

/* ---- an attribute's elements */

typedef struct elements {
    chk_h5info info; /* of its type */
    bool is_string, is_variable;
    size_t item_bytes;
    const char *data;
} elements;

static void add_element(text *t, const elements *e, size_t k)
{
    const char *at = e->data + k * e->item_bytes;
    if (e->is_variable) {
        const char *s;
        memcpy(&s, at, sizeof s);
        add_string(t, s ? s : "", s ? strlen(s) : 0);
    } else if (e->is_string) {
        size_t n = strnlen(at, e->item_bytes);
        add_string(t, at, n);
    } else {
        chk_scalar v = chk_h5type_scalar(&e->info, at);
        add_number(t, &v);
    }
}

static void add_list(text *t, const elements *e, const chk_shape *s, int axis, size_t *k)
{
    if (axis == s->ndim) {
        add_element(t, e, (*k)++);
        return;
    }
    text_add(t, "[");
    for (int64_t i = 0; i < s->dim[axis]; i++) {
        if (i) text_add(t, ",");
        add_list(t, e, s, axis + 1, k);
    }
    text_add(t, "]");
}

/* Lists longer than this say nothing to a reader and are null. */
enum { MOST_ELEMENTS = 65536 };

static void add_value(text *t, hid_t attr, hid_t type, hid_t space)
{
    elements e = {.item_bytes = H5Tget_size(type)};
    hsize_t dim[CHK_MAX_NDIM];
    chk_shape s = {.ndim = H5Sget_simple_extent_ndims(space)};
    chk_h5type_describe(&e.info, type);
    e.is_string = H5Tget_class(type) == H5T_STRING;
    e.is_variable = e.is_string && H5Tis_variable_str(type) > 0;
    bool ok = H5Sget_simple_extent_type(space) != H5S_NULL && s.ndim >= 0 && s.ndim <= CHK_MAX_NDIM &&
              (e.is_string || e.info.dtype_known);
    if (ok) ok = H5Sget_simple_extent_dims(space, dim, NULL) >= 0;
    for (int a = 0; ok && a < s.ndim; a++) s.dim[a] = dim[a] > MOST_ELEMENTS ? MOST_ELEMENTS + 1 : (int64_t)dim[a];
    int64_t n = ok ? chk_shape_count(&s) : 0;
    char *data = ok && n <= MOST_ELEMENTS ? chk_calloc((size_t)n + 1, e.item_bytes) : NULL;
    size_t k = 0;
    if (data && H5Aread(attr, type, data) >= 0) {
        e.data = data;
        add_list(t, &e, &s, 0, &k);
        if (e.is_variable && n > 0) H5Dvlen_reclaim(type, space, H5P_DEFAULT, data);
    } else {
        text_add(t, "null");
    }
    chk_free(data);
}

/* The next attribute from *index on, under the lock: name and JSON. False at the end. */
static bool read_next(chk_h5set *d, hsize_t index, char **name, text *json)
{
    char buf[1024];
    hid_t attr = H5Aopen_by_idx(d->id, ".", H5_INDEX_NAME, H5_ITER_INC, index, H5P_DEFAULT, H5P_DEFAULT);
    if (attr < 0) return false;
    ssize_t n = H5Aget_name(attr, sizeof buf, buf);
    *name = n > 0 ? chk_strdup(buf) : chk_strdup("?");
    hid_t type = H5Aget_type(attr), space = H5Aget_space(attr);
    if (type >= 0 && space >= 0)
        add_value(json, attr, type, space);
    else
        text_add(json, "null");
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    H5Aclose(attr);
    return true;
}

chunk_status chk_h5set_attrs(chk_h5set *d, chunk_status (*fn)(void *arg, const char *name, const char *json), void *arg,
                             chunk_error *err)
{
    chunk_status st = CHUNK_OK;
    bool more = true;
    for (hsize_t i = 0; more && st == CHUNK_OK; i++) {
        char *name = NULL;
        text json = {0};
        CHK_TRY(chk_h5_enter(err));
        more = read_next(d, i, &name, &json);
        chk_h5_leave();
        if (more && (!name || json.failed || !json.s))
            st = chk_fail(err, CHUNK_ENOMEM, "%s:%s: out of memory for attributes", d->info.file, d->info.path);
        else if (more)
            st = fn(arg, name, json.s);
        chk_free(name);
        chk_free(json.s);
    }
    return st;
}
