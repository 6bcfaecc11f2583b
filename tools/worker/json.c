/* json.c: JSON as --json writes it: integers exact, floats as Python's repr, the strings nan, inf, -inf, complex as [re, im]. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "worker.h"

/* Length of the well-formed UTF-8 sequence at s, 0 where there is none. */
static int utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    int n = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90);
    return n > 1 && (overlong || beyond) ? 0 : n;
}

/* One character at s, escaped where it must be; returns what follows it. */
static const char *write_character(FILE *out, const char *s)
{
    const unsigned char c = (unsigned char)*s;
    int n = utf8_length((const unsigned char *)s);
    if (n == 0)
        fprintf(out, "\\udc%02x", c);
    else if (c < 0x20 || c == 0x7f)
        fprintf(out, "\\u%04x", c);
    else
        fwrite(s, 1, (size_t)n, out);
    return s + (n > 0 ? n : 1);
}

void json_text(FILE *out, const char *s)
{
    fputc('"', out);
    while (*s != 0) {
        if (*s == '"' || *s == '\\') fputc('\\', out);
        s = write_character(out, s);
    }
    fputc('"', out);
}

static void write_real(FILE *out, double x)
{
    char buf[64];
    python_repr(buf, x);
    fprintf(out, isfinite(x) ? "%s" : "\"%s\"", buf);
}

static void write_element(FILE *out, const values *v, int64_t i)
{
    if (v->dtype == CHUNK_BOOL) {
        fputs(values_uint(v, i) ? "true" : "false", out);
    } else if (dtype_is_complex(v->dtype)) {
        fputc('[', out);
        write_real(out, values_real(v, i));
        fputs(", ", out);
        write_real(out, values_imag(v, i));
        fputc(']', out);
    } else if (dtype_is_float(v->dtype)) {
        write_real(out, values_real(v, i));
    } else if (dtype_is_signed(v->dtype)) {
        fprintf(out, "%" PRId64, values_int(v, i));
    } else {
        fprintf(out, "%" PRIu64, values_uint(v, i));
    }
}

static void write_nested(FILE *out, const values *v, int axis, int64_t *at)
{
    if (axis == v->ndim) {
        write_element(out, v, (*at)++);
        return;
    }
    fputc('[', out);
    for (int64_t i = 0; i < v->shape[axis]; i++) {
        if (i > 0) fputs(", ", out);
        write_nested(out, v, axis + 1, at);
    }
    fputc(']', out);
}

/* Arrays of no elements are listed, but shapes like (10^9, 0) would be 10^9 empty lists, which no reader wants; they are null as large ones are. */
static bool too_many_empty(const values *v)
{
    enum { MOST_LISTS = 1000000 };
    int64_t lists = 1;
    for (int i = 0; i < v->ndim && v->shape[i] > 0; i++) {
        if (v->shape[i] > MOST_LISTS || (lists *= v->shape[i]) > MOST_LISTS) return true;
    }
    return false;
}

void json_values(FILE *out, const values *v)
{
    int64_t at = 0;
    if (!v->whole || too_many_empty(v))
        fputs("null", out);
    else
        write_nested(out, v, 0, &at);
}

void json_shape(FILE *out, int ndim, const int64_t *extent)
{
    fputc('[', out);
    for (int i = 0; i < ndim; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (extent[i] < 0)
            fputs("null", out);
        else
            fprintf(out, "%" PRId64, extent[i]);
    }
    fputc(']', out);
}

/* Newlines and tabs stand between tokens only; other bytes that need it stand in strings. */
void json_raw(FILE *out, const char *s)
{
    while (*s != 0) {
        if (*s == '\n' || *s == '\r' || *s == '\t')
            fputc(' ', out), s++;
        else
            s = write_character(out, s);
    }
}
