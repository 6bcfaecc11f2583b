/* print.c: arrays as str() of NumPy 2 prints them: precision 8, lines of 75, three elements from each end of long axes.
 *
 * Follows numpy/_core/arrayprint.py (2.4): FloatingFormat decides on exponents and widths from the elements shown, format_row and
 * format_axes are its _formatArray. Single values (no axes) are written with the shortest digits instead, as NumPy's scalars are. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum { PRECISION = 8, LINE_WIDTH = 75, WORD = 512 };

/* How one column of floating-point numbers is written. */
typedef struct float_format {
    float_width width;
    bool exponents, plus;
    int precision; /* digits after the point, exponents only */
    int exp_digits, pad_left, pad_right;
} float_format;

static void put_sign(char *buf, double x, bool plus) { strcpy(buf, signbit(x) && !isnan(x) ? "-" : plus ? "+" : ""); }

/* "12.5", "3.": shortest digits, at most PRECISION after the point, no trailing zeros. */
static void positional(char *buf, double x, float_width width, bool plus)
{
    digits g;
    put_sign(buf, x, plus);
    buf += strlen(buf);
    shortest_digits(&g, fabs(x), width);
    int n_fraction = g.n > g.exponent ? g.n - g.exponent : 0;
    snprintf(buf, WORD - 2, "%.*f", n_fraction < PRECISION ? n_fraction : PRECISION, fabs(x));
    if (strchr(buf, '.') == NULL) {
        strcat(buf, ".");
        return;
    }
    char *end = buf + strlen(buf);
    while (end[-1] == '0') *--end = 0;
}

/* "1.5e+07": digits after the point as needed up to PRECISION, or exactly `precision` where that is not negative. */
static void scientific(char *buf, double x, float_width width, bool plus, int precision, int exp_digits)
{
    digits g;
    char text[64];
    put_sign(buf, x, plus);
    buf += strlen(buf);
    shortest_digits(&g, fabs(x), width);
    int shortest = g.n - 1 < PRECISION ? g.n - 1 : PRECISION;
    snprintf(text, sizeof text, "%.*e", precision < 0 ? shortest : precision, fabs(x));
    char *e = strchr(text, 'e');
    *e = 0;
    char *end = e;
    while (precision < 0 && end > text + 1 && end[-1] == '0') *--end = 0;
    int exponent = atoi(e + 1);
    sprintf(buf, "%s%se%c%0*d", text, strchr(text, '.') == NULL ? "." : "", exponent < 0 ? '-' : '+', exp_digits, abs(exponent));
}

static void float_format_add(float_format *f, double x)
{
    char buf[WORD];
    if (f->exponents) {
        scientific(buf, x, f->width, f->plus, -1, 2);
        char *e = strchr(buf, 'e'), *point = strchr(buf, '.');
        int fraction = (int)(e - point) - 1, digits_of_exp = (int)strlen(e + 2), left = (int)(point - buf);
        if (fraction > f->precision) f->precision = fraction;
        if (digits_of_exp > f->exp_digits) f->exp_digits = digits_of_exp;
        if (left > f->pad_left) f->pad_left = left;
    } else {
        positional(buf, x, f->width, f->plus);
        char *point = strchr(buf, '.');
        int left = (int)(point - buf), right = (int)strlen(point + 1);
        if (left > f->pad_left) f->pad_left = left;
        if (right > f->pad_right) f->pad_right = right;
    }
}

typedef double (*load_function)(const values *v, int64_t i);

/* Exponents where the finite values are large, small, or differ by more than 1000. */
static bool needs_exponents(const values *v, load_function load)
{
    static const double largest[] = {1e3, 1e6, 1e8};
    double low = INFINITY, high = 0;
    for (int64_t i = 0; i < values_count(v); i++) {
        double x = fabs(load(v, i));
        if (!isfinite(x) || x == 0) continue;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    float_width width = dtype_width(v->dtype);
    double ratio = width == WIDTH_64 ? high / low : (double)((float)high / (float)low);
    /* NumPy compares in the array's dtype; float16's 0.0001 lies above both. */
    double small = width == WIDTH_64 ? 0.0001 : (double)0.0001f;
    return high > 0 && (high >= largest[width] || low < small || ratio > 1000);
}

static void float_format_make(float_format *f, const values *v, load_function load, bool plus)
{
    *f = (float_format){.width = dtype_width(v->dtype), .plus = plus, .exponents = needs_exponents(v, load)};
    bool nonfinite = false, negative_inf = plus, any = false;
    for (int64_t i = 0; i < values_count(v); i++) {
        double x = load(v, i);
        if (isfinite(x))
            float_format_add(f, x);
        else
            nonfinite = true;
        any |= isfinite(x);
        negative_inf |= isinf(x) && x < 0;
    }
    if (!any) f->exponents = false;
    if (f->exponents) f->pad_right = f->exp_digits + 2 + f->precision;
    if (!nonfinite) return;
    int needed = 3 + negative_inf - (f->pad_right + 1);
    if (needed > f->pad_left) f->pad_left = needed;
}

static void float_word(char *out, const float_format *f, double x)
{
    char buf[WORD];
    if (!isfinite(x)) {
        snprintf(buf, sizeof buf, "%s%s", isinf(x) && x < 0 ? "-" : f->plus ? "+" : "", isnan(x) ? "nan" : "inf");
        sprintf(out, "%*s", f->pad_left + f->pad_right + 1, buf);
        return;
    }
    if (f->exponents)
        scientific(buf, x, f->width, f->plus, f->precision, f->exp_digits);
    else
        positional(buf, x, f->width, f->plus);
    char *point = strchr(buf, '.');
    int left = (int)(point - buf), right = f->exponents ? 0 : f->pad_right - (int)strlen(point + 1);
    sprintf(out, "%*s%s%*s", f->pad_left > left ? f->pad_left - left : 0, "", buf, right > 0 ? right : 0, "");
}

/* ---- arrays */

typedef struct printer {
    FILE *out;
    const values *v;
    float_format real, imag;
    int int_width;
    int64_t at; /* the next element */
} printer;

static void int_text(char *buf, const values *v, int64_t i)
{
    if (dtype_is_signed(v->dtype))
        sprintf(buf, "%" PRId64, values_int(v, i));
    else
        sprintf(buf, "%" PRIu64, values_uint(v, i));
}

static void next_word(char *out, printer *p)
{
    const values *v = p->v;
    int64_t i = p->at++;
    if (v->dtype == CHUNK_BOOL) {
        strcpy(out, values_uint(v, i) ? " True" : "False");
    } else if (dtype_is_complex(v->dtype)) {
        float_word(out, &p->real, values_real(v, i));
        char *imag = out + strlen(out);
        float_word(imag, &p->imag, values_imag(v, i));
        size_t n = strlen(imag), tail = n; /* the j goes before the padding */
        while (tail > 0 && imag[tail - 1] == ' ') tail--;
        memmove(imag + tail + 1, imag + tail, n - tail + 1);
        imag[tail] = 'j';
    } else if (dtype_is_float(v->dtype)) {
        float_word(out, &p->real, values_real(v, i));
    } else {
        char buf[32];
        int_text(buf, v, i);
        sprintf(out, "%*s", p->int_width, buf);
    }
}

/* One row, wrapped. The indent of its first line has been written already, as the brackets before it. */
typedef struct row {
    FILE *out;
    int indent, width;
    size_t skip, n; /* line[skip .. n) is not written yet */
    char line[LINE_WIDTH + 3 * WORD];
} row;

static void row_flush(row *r)
{
    fwrite(r->line + r->skip, 1, r->n - r->skip, r->out);
    r->skip = 0;
}

static void row_add(row *r, const char *word, bool last)
{
    size_t n = strlen(word);
    if (r->n + n > (size_t)r->width && r->n > (size_t)r->indent) {
        while (r->n > r->skip && r->line[r->n - 1] == ' ') r->n--;
        row_flush(r);
        fputc('\n', r->out);
        r->n = (size_t)r->indent;
        memset(r->line, ' ', r->n);
    }
    memcpy(r->line + r->n, word, n);
    r->n += n;
    if (!last) r->line[r->n++] = ' ';
}

static void print_row(printer *p)
{
    const values *v = p->v;
    int axis = v->ndim - 1;
    char word[3 * WORD];
    row r = {.out = p->out, .indent = v->ndim, .width = LINE_WIDTH - v->ndim};
    r.n = r.skip = (size_t)r.indent;
    memset(r.line, ' ', r.n);
    bool cut = !v->whole && v->shape[axis] > 2 * VALUES_EDGE;
    fputc('[', p->out);
    for (int64_t i = 0; i < v->kept[axis]; i++) {
        if (cut && i == VALUES_EDGE) row_add(&r, "...", false);
        next_word(word, p);
        row_add(&r, word, i == v->kept[axis] - 1);
    }
    row_flush(&r);
    fputc(']', p->out);
}

static void print_axes(printer *p, int depth)
{
    const values *v = p->v;
    int left = v->ndim - depth;
    if (left == 1) {
        print_row(p);
        return;
    }
    bool cut = !v->whole && v->shape[depth] > 2 * VALUES_EDGE;
    fputc('[', p->out);
    for (int64_t i = 0; i < v->kept[depth]; i++) {
        for (int k = 0; i > 0 && k < left - 1; k++) fputc('\n', p->out);
        if (i > 0) fprintf(p->out, "%*s", depth + 1, "");
        if (cut && i == VALUES_EDGE) {
            fputs("...", p->out);
            for (int k = 0; k < left - 1; k++) fputc('\n', p->out);
            fprintf(p->out, "%*s", depth + 1, "");
        }
        print_axes(p, depth + 1);
    }
    fputc(']', p->out);
}

/* ---- single values */

/* trim: without the ".0" that whole numbers have, as the parts of complex numbers are written. */
static void scalar_text(char *buf, double x, float_width width, bool trim, bool plus)
{
    static const double largest[] = {1e3, 1e6, 1e16};
    digits g;
    put_sign(buf, x, plus);
    buf += strlen(buf);
    if (!isfinite(x)) {
        strcat(buf, isnan(x) ? "nan" : "inf");
        return;
    }
    x = fabs(x);
    shortest_digits(&g, x, width);
    if (x != 0 && (x < 1e-4 || x >= largest[width])) {
        sprintf(buf, "%c%s%se%+03d", g.d[0], g.n > 1 ? "." : "", g.d + 1, g.exponent - 1);
    } else if (g.exponent <= 0) {
        sprintf(buf, "0.%.*s%s", -g.exponent, "0000", g.d);
    } else if (g.n <= g.exponent) {
        sprintf(buf, "%s%.*s%s", g.d, g.exponent - g.n, "0000000000000000", trim ? "" : ".0");
    } else {
        sprintf(buf, "%.*s.%s", g.exponent, g.d, g.d + g.exponent);
    }
}

static void print_scalar(FILE *out, const values *v)
{
    char re[WORD], im[WORD];
    float_width width = dtype_width(v->dtype);
    if (v->dtype == CHUNK_BOOL) {
        fputs(values_uint(v, 0) ? "True" : "False", out);
    } else if (dtype_is_complex(v->dtype)) {
        double x = values_real(v, 0), y = values_imag(v, 0);
        bool only_imag = x == 0 && !signbit(x);
        scalar_text(re, x, width, true, false);
        scalar_text(im, y, width, true, !only_imag);
        if (only_imag)
            fprintf(out, "%sj", im);
        else
            fprintf(out, "(%s%sj)", re, im);
    } else if (dtype_is_float(v->dtype)) {
        scalar_text(re, values_real(v, 0), width, false, false);
        fputs(re, out);
    } else {
        int_text(re, v, 0);
        fputs(re, out);
    }
}

static void print_unshown(FILE *out, const values *v)
{
    fputs("<array of shape (", out);
    for (int i = 0; i < v->ndim; i++) fprintf(out, "%s%" PRId64, i > 0 ? ", " : "", v->shape[i]);
    fprintf(out, ") and dtype %s: too many long axes to print; store it with -o>\n", chunk_dtype_name(v->dtype));
}

void print_values(FILE *out, const values *v)
{
    if (v->too_many_axes) {
        print_unshown(out, v);
        return;
    }
    if (v->ndim == 0) {
        print_scalar(out, v);
    } else if (values_count(v) == 0) {
        fputs("[]", out);
    } else {
        printer p = {.out = out, .v = v};
        if (dtype_is_float(v->dtype) || dtype_is_complex(v->dtype)) float_format_make(&p.real, v, values_real, false);
        if (dtype_is_complex(v->dtype)) float_format_make(&p.imag, v, values_imag, true);
        for (int64_t i = 0; i < values_count(v) && !dtype_is_float(v->dtype) && !dtype_is_complex(v->dtype); i++) {
            char buf[32];
            int_text(buf, v, i);
            if ((int)strlen(buf) > p.int_width) p.int_width = (int)strlen(buf);
        }
        print_axes(&p, 0);
    }
    fputc('\n', out);
}
