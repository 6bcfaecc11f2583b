/* product.h: what the operations that are made of matrix products share. */
#ifndef CHK_OPS_PRODUCT_H
#define CHK_OPS_PRODUCT_H

#include "ops/make.h"

extern const chk_op chk_op_matmul;

/* matmul of two nodes; m->st says why it is NULL. */
chk_node *ops_matmul(ops_maker *m, chk_node *x, chk_node *y, const char *who);
/* The last two axes swapped. */
chk_node *ops_swapped(ops_maker *m, chk_node *x);

#endif
