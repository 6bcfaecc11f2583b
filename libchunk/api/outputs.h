/* outputs.h: the results of a run and where they go (private to api/). Described for the plan first, created once the plan is accepted, made
 * visible at the end, all datasets of one file by one rename. */
#ifndef CHK_API_OUTPUTS_H
#define CHK_API_OUTPUTS_H

#include "api/inplace.h"
#include "api/internal.h"

typedef struct chk_out {
    chunk_output o;  /* as given; strings are owned copies */
    char *true_name; /* o.file: the one name of the file it will be, however it was written; from malloc */
    chk_node *node;
    bool bound;        /* its first dimension is a bound: the dataset is resized at the end */
    chk_node *at_most; /* the node, where counting what its mask selects was refused: as if it selected everything */
    chk_target target;
    chk_pipeline pipeline;
    chk_scalar fill; /* where o.fill is given */
    int64_t chunk[CHUNK_MAX_NDIM];
    bool small; /* contiguous dataset, collected in memory and written at the end */
    char small_data[16];
    chk_sink *sink;
    chk_h5writer *writer; /* shared by outputs of one file */
    chk_h5out *set;
    chk_inplace place; /* o.in_place */
} chk_out;

typedef struct chk_outputs {
    chk_out *out;
    int n;
    chk_target *targets; /* n, in order */
    chk_h5writer **writer;
    int n_writers;
    chunk_error refused; /* CHUNK_ECEILING where a count was: the outputs can be planned, to tell what a run needs, and not run */
} chk_outputs;

chunk_status chk_outputs_describe(chk_outputs *os, const chunk_output *outputs, int n, chunk_error *err);
uint64_t chk_outputs_file_bytes(const chk_outputs *os); /* HDF5's caches for the output files */
/* Creates files and sinks and binds them. */
chunk_status chk_outputs_create(chk_outputs *os, chk_plan *plan, bool overwrite, chunk_error *err);
/* Makes everything visible; on failure nothing more of it than was renamed before. */
chunk_status chk_outputs_commit(chk_outputs *os, bool durable, chunk_error *err);
/* Before that, after a run whose status is st: what was written in place is so. */
chunk_status chk_outputs_end(chk_outputs *os, bool durable, chunk_status st, chunk_error *err);
void chk_outputs_done(chk_outputs *os); /* aborts what was not committed */

#endif
