/* inplace.h: outputs that are regions of datasets which exist (private to api/). */
#ifndef CHK_API_INPLACE_H
#define CHK_API_INPLACE_H

#include "api/internal.h"

typedef struct chk_inplace {
    chk_h5set *set; /* counted */
    chk_h5region region;
    chk_node *node; /* counted: the values as they are written, of the region's shape and the dataset's dtype */
} chk_inplace;

/* What o, whose array is `node`, means: checked, nothing touched. n_outputs: of the run. */
chunk_status chk_inplace_describe(chk_inplace *out, const chunk_output *o, chk_node *node, int n_outputs, chunk_error *err);
/* After the run, whose status st is: *err says, where it failed, that something was written. */
chunk_status chk_inplace_end(chk_inplace *p, chk_sink *sink, bool durable, chunk_status st, chunk_error *err);
void chk_inplace_done(chk_inplace *p);

#endif
