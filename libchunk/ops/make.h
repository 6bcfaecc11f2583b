/* make.h: building several nodes in a row without a check after each: a maker remembers the first failure, passes NULL on from there, and
 * owns every node that it made until ops_give. */
#ifndef CHK_OPS_MAKE_H
#define CHK_OPS_MAKE_H

#include "ops/common.h"

typedef struct ops_maker {
    chk_builder *b;
    chunk_error *err;
    chunk_status st;
    chk_node *node[128];
    int n;
} ops_maker;

static inline ops_maker ops_make(chk_builder *b, chunk_error *err) { return (ops_maker){.b = b, .err = err}; }
chk_node *ops_value(ops_maker *m, const chk_value *v, const char *who);
chk_node *ops_array(ops_maker *m, const chk_value *v, const char *who); /* a tuple of numbers as an array; else as ops_value */
chk_node *ops_apply(ops_maker *m, chk_fn fn, chk_dtype d, chk_node *x, chk_node *y, chk_node *z); /* y, z NULL for fewer inputs */
chk_node *ops_cast(ops_maker *m, chk_node *x, chk_dtype d);
/* Complex numbers of dtype d, exactly of these parts. */
chk_node *ops_from_parts(ops_maker *m, chk_dtype d, chk_node *re, chk_node *im);
chk_node *ops_number(ops_maker *m, chk_dtype d, double v);
chk_node *ops_whole(ops_maker *m, chk_dtype d, int64_t v);
chk_node *ops_iota(ops_maker *m, int64_t n);
chk_node *ops_view(ops_maker *m, chk_node *x, const chk_view *v);
/* Along one axis: n elements from start on, step apart. */
chk_node *ops_slice(ops_maker *m, chk_node *x, int axis, int64_t start, int64_t step, int64_t n);
/* With axes of length 1 where bits of added say so, which leaves ndim axes. */
chk_node *ops_with_axes(ops_maker *m, chk_node *x, uint32_t added, int ndim);
chk_node *ops_spread(ops_maker *m, chk_node *x, const chk_shape *shape);
chk_node *ops_flat(ops_maker *m, chk_node *x); /* raveled */
/* x and the axis that v names of it, or x raveled and 0 where it names none. */
chk_node *ops_along(ops_maker *m, int *axis, chk_node *x, const chk_value *v, const char *who);
/* The node that another constructor has put into *made, which is not looked at where st is a failure. */
chk_node *ops_own(ops_maker *m, chunk_status st, chk_node *const *made);
/* Gives x, or the first failure; releases everything else. */
chunk_status ops_give(chk_node **out, ops_maker *m, chk_node *x);

#endif
