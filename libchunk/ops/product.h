/* product.h: what the operations that are made of matrix products share. */
#ifndef CHK_OPS_PRODUCT_H
#define CHK_OPS_PRODUCT_H

#include "ops/make.h"

extern const chk_op chk_op_matmul;

/* matmul of two nodes; m->st says why it is NULL. */
chk_node *ops_matmul(ops_maker *m, chk_node *x, chk_node *y, const char *who);
/* The last two axes swapped. */
chk_node *ops_swapped(ops_maker *m, chk_node *x);
/* x in another shape with as many elements. */
chk_node *ops_reshaped(ops_maker *m, chk_node *x, const chk_shape *shape);
/* Sum over some axes, any for bool; of x's dtype. */
chk_node *ops_total(ops_maker *m, chk_node *x, uint32_t axes);

/* An array whose axes have names, each once. Axes of one element that others repeat have been taken out. */
enum { OPS_LABELS = 84 };
typedef struct ops_labelled {
    chk_node *node;
    int label[CHK_MAX_NDIM];
} ops_labelled;

/* The axes in the order of the labels; those that x does not have are 1 long. */
chk_node *ops_arranged(ops_maker *m, const ops_labelled *x, const int *label, int n);
/* x without the axes whose label is not kept: sums over them. */
ops_labelled ops_summed(ops_maker *m, const ops_labelled *x, const bool *kept);
/* Sums of products over the labels that are not kept, in dtype d, which is not float16 where there are any. Labels have one extent each. */
ops_labelled ops_contract(ops_maker *m, const ops_labelled *x, const ops_labelled *y, const bool *kept, chk_dtype d,
                          const char *who);

#endif
