/* coarsen.h: reductions of neighbouring elements, groups of factor[a] along each axis (private to ops/). coarsen.c makes nodes, coarsen_local.c computes.
 *
 * A node's parameters: the reduction (chk_red), the bits of its parameter (double), and a factor for every axis of the input. */
#ifndef CHK_OPS_COARSEN_H
#define CHK_OPS_COARSEN_H

#include "plan/local.h"

enum { COARSEN_RED, COARSEN_PARAM, COARSEN_FACTORS };

extern const chk_local coarsen_local;

#endif
