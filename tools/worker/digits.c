/* digits.c: the shortest decimal digits that read back as the same number, for float16, float32 and float64.
 *
 * A decimal of 15 (6, 3) digits survives the way through float64 (32, 16), so that where as many digits read back, they without trailing
 * zeros are the shortest; else one or two more are needed. Subnormal numbers have fewer, and are tried from one digit on. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

static double round_to_half(double x)
{
    int e;
    if (x == 0) return 0;
    frexp(x, &e);
    double ulp = ldexp(1, e - 11 < -24 ? -24 : e - 11);
    double r = nearbyint(x / ulp) * ulp;
    return r > 65504 ? INFINITY : r;
}

static bool reads_back(const char *text, double x, float_width width)
{
    if (width == WIDTH_64) return strtod(text, NULL) == x;
    if (width == WIDTH_32) return (double)strtof(text, NULL) == x;
    return round_to_half(strtod(text, NULL)) == x;
}

/* The next larger decimal of as many digits; false where it would carry into a new one. */
static bool bump(char *text)
{
    char *p = strchr(text, 'e') - 1;
    for (; p >= text && (*p == '9' || *p == '.'); p--)
        if (*p == '9') *p = '0';
    if (p < text) return false;
    ++*p;
    return true;
}

/* Above a power of two numbers lie twice as far apart as below it: there the decimal above may read back where the nearest does not. */
static bool reads_back_above(char *text, double x, float_width width)
{
    int e;
    return frexp(x, &e) == 0.5 && bump(text) && reads_back(text, x, width);
}

void shortest_digits(digits *out, double x, float_width width)
{
    static const int safe[] = {3, 6, 15}, most[] = {5, 9, 17};
    static const double least_normal[] = {6.103515625e-05, FLT_MIN, DBL_MIN};
    char buf[64];
    int n = x < least_normal[width] ? 1 : safe[width];
    for (;; n++) {
        snprintf(buf, sizeof buf, "%.*e", n - 1, x);
        if (n == most[width] || reads_back(buf, x, width) || reads_back_above(buf, x, width)) break;
    }
    char *e = strchr(buf, 'e');
    out->exponent = atoi(e + 1) + 1;
    out->n = 0;
    for (const char *p = buf; p < e; p++)
        if (*p != '.') out->d[out->n++] = *p;
    while (out->n > 1 && out->d[out->n - 1] == '0') out->n--;
    out->d[out->n] = 0;
    if (x == 0) out->exponent = 1;
}

float_width dtype_width(chunk_dtype d)
{
    return d == CHUNK_FLOAT16 ? WIDTH_16 : d == CHUNK_FLOAT32 || d == CHUNK_COMPLEX64 ? WIDTH_32 : WIDTH_64;
}

char *python_repr(char buf[64], double x)
{
    if (isnan(x)) return strcpy(buf, "nan");
    if (isinf(x)) return strcpy(buf, x < 0 ? "-inf" : "inf");
    digits g;
    shortest_digits(&g, fabs(x), WIDTH_64);
    const char *sign = signbit(x) ? "-" : "";
    if (g.exponent < -3 || g.exponent > 16)
        snprintf(buf, 64, "%s%c%s%se%+03d", sign, g.d[0], g.n > 1 ? "." : "", g.d + 1, g.exponent - 1);
    else if (g.exponent <= 0)
        snprintf(buf, 64, "%s0.%.*s%s", sign, -g.exponent, "0000", g.d);
    else if (g.n <= g.exponent)
        snprintf(buf, 64, "%s%s%.*s.0", sign, g.d, g.exponent - g.n, "0000000000000000");
    else
        snprintf(buf, 64, "%s%.*s.%s", sign, g.exponent, g.d, g.d + g.exponent);
    return buf;
}
