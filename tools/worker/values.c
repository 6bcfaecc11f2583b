/* values.c: results of up to 1000 elements whole, of larger ones only their corners (3 elements from each end of each long axis), which is
 * all that printing shows: 2^k slices computed together, each straight into its place of one small array. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum { MOST_LONG_AXES = 6, MOST_KEPT = 1 << 20 };

bool dtype_is_complex(chunk_dtype d) { return d == CHUNK_COMPLEX64 || d == CHUNK_COMPLEX128; }
bool dtype_is_float(chunk_dtype d) { return d == CHUNK_FLOAT16 || d == CHUNK_FLOAT32 || d == CHUNK_FLOAT64; }
bool dtype_is_signed(chunk_dtype d) { return d >= CHUNK_INT8 && d <= CHUNK_INT64; }

static int count_long_axes(const values *v)
{
    int n = 0;
    for (int i = 0; i < v->ndim; i++) n += v->shape[i] > 2 * VALUES_EDGE;
    return n;
}

int64_t values_count(const values *v)
{
    int64_t n = 1;
    for (int i = 0; i < v->ndim; i++) n *= v->kept[i];
    return n;
}

void values_of(values *out, const chunk_array *a)
{
    *out = (values){.dtype = chunk_array_dtype(a), .ndim = chunk_array_ndim(a)};
    out->whole = chunk_array_count(a) <= VALUES_WHOLE;
    int64_t kept = 1;
    for (int i = 0; i < out->ndim; i++) {
        out->shape[i] = chunk_array_shape(a)[i];
        out->kept[i] = out->whole || out->shape[i] <= 2 * VALUES_EDGE ? out->shape[i] : 2 * VALUES_EDGE;
        if (!out->whole && kept <= MOST_KEPT) kept *= out->kept[i];
    }
    out->too_many_axes = !out->whole && (kept > MOST_KEPT || count_long_axes(out) > MOST_LONG_AXES);
    for (int i = 0; out->too_many_axes && i < out->ndim; i++) out->kept[i] = 1;
    out->data = need_memory((size_t)values_count(out), chunk_dtype_size(out->dtype));
}

int values_n_parts(const values *v) { return v->whole || v->too_many_axes ? 1 : 1 << count_long_axes(v); }

/* The part that takes the far end of the long axes whose bits are set in `far`, and where it lies in data. */
static size_t part_box(const values *v, const int64_t *strides, int far, int64_t *start, int64_t *stop)
{
    int64_t offset = 0;
    for (int i = 0, bit = 0; i < v->ndim; i++) {
        start[i] = 0;
        stop[i] = v->kept[i];
        if (v->too_many_axes || v->shape[i] <= 2 * VALUES_EDGE) continue;
        bool end = far >> bit++ & 1;
        start[i] = end ? v->shape[i] - VALUES_EDGE : 0;
        stop[i] = start[i] + VALUES_EDGE;
        offset += end ? VALUES_EDGE * strides[i] : 0;
    }
    return (size_t)offset;
}

chunk_status values_outputs(values *v, chunk_context *ctx, chunk_array *a, chunk_output *outputs, chunk_array **parts, int *n,
                            chunk_error *err)
{
    if (v->whole) {
        outputs[*n] = (chunk_output){.size = sizeof(chunk_output), .array = a, .data = v->data};
        parts[(*n)++] = chunk_array_retain(a);
        return CHUNK_OK;
    }
    int64_t *strides = need_memory((size_t)v->ndim, sizeof *strides); /* lives as long as the outputs: to the end of the process */
    int64_t stride = (int64_t)chunk_dtype_size(v->dtype);
    for (int i = v->ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= v->kept[i];
    }
    for (int far = 0; far < values_n_parts(v); far++) {
        int64_t start[CHUNK_MAX_NDIM], stop[CHUNK_MAX_NDIM];
        size_t offset = part_box(v, strides, far, start, stop);
        chunk_array *part;
        chunk_status st = chunk_slice(&part, ctx, a, start, stop, NULL, err);
        if (st != CHUNK_OK) return st;
        outputs[*n] = (chunk_output){.size = sizeof(chunk_output), .array = part, .data = v->data + offset, .strides = strides};
        parts[(*n)++] = part;
    }
    return CHUNK_OK;
}

static double half_to_double(uint16_t h)
{
    int e = h >> 10 & 31, m = h & 1023;
    double x = e == 0 ? ldexp(m, -24) : e < 31 ? ldexp(1024 + m, e - 25) : m == 0 ? (double)INFINITY : (double)NAN;
    return h >> 15 ? -x : x;
}

static double load_real(const values *v, int64_t i, int part)
{
    uint16_t h;
    float f;
    double d;
    switch (v->dtype) {
    case CHUNK_FLOAT16: memcpy(&h, v->data + 2 * i, 2); return half_to_double(h);
    case CHUNK_FLOAT32: memcpy(&f, v->data + 4 * i, 4); return (double)f;
    case CHUNK_COMPLEX64: memcpy(&f, v->data + 8 * i + 4 * part, 4); return (double)f;
    case CHUNK_COMPLEX128: memcpy(&d, v->data + 16 * i + 8 * part, 8); return d;
    default: memcpy(&d, v->data + 8 * i, 8); return d;
    }
}

double values_real(const values *v, int64_t i) { return load_real(v, i, 0); }
double values_imag(const values *v, int64_t i) { return load_real(v, i, 1); }

int64_t values_int(const values *v, int64_t i)
{
    int16_t s;
    int32_t l;
    int64_t q;
    switch (v->dtype) {
    case CHUNK_INT8: return ((const signed char *)v->data)[i];
    case CHUNK_INT16: memcpy(&s, v->data + 2 * i, 2); return s;
    case CHUNK_INT32: memcpy(&l, v->data + 4 * i, 4); return l;
    default: memcpy(&q, v->data + 8 * i, 8); return q;
    }
}

uint64_t values_uint(const values *v, int64_t i)
{
    uint16_t s;
    uint32_t l;
    uint64_t q;
    switch (v->dtype) {
    case CHUNK_BOOL:
    case CHUNK_UINT8: return ((const unsigned char *)v->data)[i];
    case CHUNK_UINT16: memcpy(&s, v->data + 2 * i, 2); return s;
    case CHUNK_UINT32: memcpy(&l, v->data + 4 * i, 4); return l;
    default: memcpy(&q, v->data + 8 * i, 8); return q;
    }
}
