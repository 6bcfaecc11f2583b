/* chunk_ops.h: every operation as a C function over chunk_call. Made by the build from the table of operations.
 *
 *     chunk_array *y, *m;
 *     chunk_op_multiply(&y, ctx, x, x, &err);
 *     chunk_op_mean(&m, ctx, y, &(chunk_op_mean_options){.axis = {1, {0}}, .keepdims = true}, &err);
 *
 * Arguments that an operation cannot do without are parameters; all others are members of its options struct, in which a zeroed member means
 * the default, as does NULL for the struct: numbers whose default is 0 and flags whose default is False are plain members, those with another
 * default are pointers. dtypes in options are NumPy's names ("float32"). For what this cannot say (an empty tuple of axes, complex numbers as
 * arguments) there is chunk_call.
 *
 * Arrays are borrowed, *out is a new one to be freed with chunk_array_free, and nothing is computed yet. Plain numbers that adapt to the dtype of
 * what they meet, as in the text x + 1, are made by chunk_from_int and chunk_from_float.
 *
 * Shapes and dtypes are NumPy 2's. Elementwise operations broadcast their arrays and promote their dtypes; reductions lose the axes given (all by
 * default), or keep them as 1 with keepdims. Errors: CHUNK_ESHAPE for shapes that do not broadcast or have no elements to reduce, CHUNK_ETYPE
 * for dtypes that the operation is not defined for, CHUNK_EINDEX for an axis out of range, CHUNK_EINVAL for NULL, CHUNK_ENOMEM. */
#ifndef CHUNK_OPS_H
#define CHUNK_OPS_H

#include <stdlib.h>
#include <string.h>

#include "chunk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Axes or a shape: how many, and which. As an axis option, n 0 means the default. */
typedef struct chunk_ints {
    int n;
    int64_t v[CHUNK_MAX_NDIM];
} chunk_ints;

/* ---- how the functions below collect their arguments; not for direct use */

enum { CHUNK_PUT_ARGS = 8, CHUNK_PUT_ITEMS = 64 };

typedef struct chunk_put {
    chunk_arg arg[CHUNK_PUT_ARGS];
    int n;
    chunk_arg item[CHUNK_PUT_ITEMS]; /* of tuples */
    int n_items;
    chunk_arg *more[CHUNK_PUT_ARGS]; /* of tuples for which there is no room in item; allocated */
    int n_more;
} chunk_put;

static inline void chunk_put_start(chunk_put *a) { a->n = a->n_items = a->n_more = 0; }

static inline void chunk_put_set(chunk_arg *p, const char *name, chunk_arg_kind kind)
{
    memset(p, 0, sizeof *p);
    p->name = name;
    p->kind = kind;
}

static inline chunk_arg *chunk_put_next(chunk_put *a, const char *name, chunk_arg_kind kind)
{
    chunk_put_set(&a->arg[a->n], name, kind);
    return &a->arg[a->n++];
}

/* A tuple of n items of one kind; NULL where it is empty or cannot be had, which chunk_call then says. */
static inline chunk_arg *chunk_put_tuple(chunk_put *a, const char *name, chunk_arg_kind kind, int n)
{
    chunk_arg *p = chunk_put_next(a, name, CHUNK_ARG_TUPLE), *items = &a->item[a->n_items];
    if (n > CHUNK_PUT_ITEMS - a->n_items) {
        items = (chunk_arg *)malloc((size_t)n * sizeof *items);
        if (items)
            a->more[a->n_more++] = items;
        else
            n = -1;
    } else if (n > 0) {
        a->n_items += n;
    }
    p->items = items;
    p->n_items = n;
    for (int i = 0; i < n; i++) chunk_put_set(&items[i], NULL, kind);
    return n > 0 ? items : NULL;
}

static inline chunk_status chunk_put_call(chunk_array **out, chunk_context *ctx, const char *op, chunk_put *a, chunk_error *err)
{
    chunk_status st = chunk_call(out, ctx, op, a->arg, a->n, err);
    for (int i = 0; i < a->n_more; i++) free(a->more[i]);
    return st;
}

static inline void chunk_put_array(chunk_put *a, const char *name, chunk_array *x)
{
    chunk_put_next(a, name, CHUNK_ARG_ARRAY)->array = x;
}

static inline void chunk_put_array_at(chunk_put *a, const char *name, chunk_array *x)
{
    if (x) chunk_put_array(a, name, x);
}

static inline void chunk_put_arrays(chunk_put *a, const char *name, chunk_array *const *x, int n)
{
    chunk_arg *item = chunk_put_tuple(a, name, CHUNK_ARG_ARRAY, x ? n : -1);
    for (int i = 0; item && i < n; i++) item[i].array = x[i];
}

static inline void chunk_put_int(chunk_put *a, const char *name, int64_t v) { chunk_put_next(a, name, CHUNK_ARG_INT)->i = v; }

static inline void chunk_put_int_at(chunk_put *a, const char *name, const int64_t *v)
{
    if (v) chunk_put_int(a, name, *v);
}

static inline void chunk_put_float(chunk_put *a, const char *name, double v) { chunk_put_next(a, name, CHUNK_ARG_FLOAT)->f[0] = v; }

static inline void chunk_put_float_at(chunk_put *a, const char *name, const double *v)
{
    if (v) chunk_put_float(a, name, *v);
}

static inline void chunk_put_bool(chunk_put *a, const char *name, bool v) { chunk_put_next(a, name, CHUNK_ARG_BOOL)->i = v; }

static inline void chunk_put_bool_at(chunk_put *a, const char *name, const bool *v)
{
    if (v) chunk_put_bool(a, name, *v);
}

static inline void chunk_put_dtype(chunk_put *a, const char *name, chunk_dtype v)
{
    chunk_put_next(a, name, CHUNK_ARG_DTYPE)->i = v;
}

static inline void chunk_put_string(chunk_put *a, const char *name, const char *v)
{
    if (v) chunk_put_next(a, name, CHUNK_ARG_STRING)->s = v;
}

static inline void chunk_put_ints(chunk_put *a, const char *name, chunk_ints v)
{
    if (v.n == 1) {
        chunk_put_int(a, name, v.v[0]);
        return;
    }
    chunk_arg *item = chunk_put_tuple(a, name, CHUNK_ARG_INT, v.n <= CHUNK_MAX_NDIM ? v.n : -1);
    for (int i = 0; item && i < v.n; i++) item[i].i = v.v[i];
}

static inline void chunk_put_ints_at(chunk_put *a, const char *name, chunk_ints v)
{
    if (v.n != 0) chunk_put_ints(a, name, v);
}

static inline void chunk_put_arg_at(chunk_put *a, const char *name, const chunk_arg *v)
{
    if (!v) return;
    a->arg[a->n] = *v;
    a->arg[a->n++].name = name;
}
