/* reshape.h: what a reshape is made of. Both shapes fall apart into groups of axes that hold as many elements on either side: (1000, 24, 60) and
 * (1000, 1440) into 1000 | 1000 and 24, 60 | 1440. A group of one axis on either side is handed through. In the others a box of the result is some runs of
 * the group's C order, and a run is at most 2 n - 1 boxes of the n axes of the input. */
#ifndef CHK_OPS_RESHAPE_H
#define CHK_OPS_RESHAPE_H

#include "ops/common.h"
#include "plan/local.h"

typedef struct ops_group {
    int in0, in1, out0, out1; /* axes [in0, in1) of the input, [out0, out1) of the result */
    int64_t count;
} ops_group;

typedef struct ops_groups {
    int n;
    ops_group g[CHK_MAX_NDIM];
} ops_groups;

/* Of shapes with as many elements, not none. */
ops_groups ops_groups_of(const chk_shape *in, const chk_shape *out);
static inline bool ops_handed_through(const ops_group *g) { return g->in1 - g->in0 == 1 && g->out1 - g->out0 == 1; }

extern const chk_local ops_reshape_local;

/* x under another shape with as many elements. */
chunk_status ops_reshape(chk_node **out, chk_builder *b, chk_node *x, const chk_shape *shape, chunk_error *err);

#endif
