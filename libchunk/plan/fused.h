/* fused.h: the pass that most plans consist of: one walk over an index space that evaluates a vector program, stores some of its values and
 * reduces others. */
#ifndef CHK_FUSED_H
#define CHK_FUSED_H

#include "plan/program.h"
#include "plan/reduce.h"
#include "plan/task.h"

/* Where a stored value goes, as far as the plan must know before anything is created. */
typedef struct chk_fused_out {
    int value; /* of the program */
    chk_dtype dtype;
    bool reduce;
    char name[48];
    /* stored */
    chk_sink *sink; /* bound before the run starts; owned if own_sink */
    bool own_sink;
    bool whole_chunks, ordered, serial; /* as the sink will be */
    size_t worker_bytes;                /* codec state of a worker */
    size_t kept_bytes, scratch_bytes;   /* as its need() will say for a whole chunk; 0 where blocks are written as they are */
    bool in_place;                      /* encoded where the values are */
    /* reduced */
    uint32_t axes; /* bit a: axis a is reduced */
    chk_geometry
        *own;   /* where these are not the axes that the pass goes by: the same leaves and blocks, in slots of their own; owned */
    size_t cap; /* set by sizing: results of the largest block */
    int stack_depth, block_level; /* set by sizing */
    chk_reducer reducer;
    chk_combiner combiner;
    chk_region *result, *pool; /* regions of the plan; result NULL: finished blocks go to sink */
    bool keepdims;
    int64_t n_entries;
} chk_fused_out;

typedef struct chk_fused {
    chk_program program;
    chk_shape space;
    chk_grid grid;
    uint32_t reduced;     /* the axes that the walk goes by: those of one of the reductions */
    bool reduces;         /* some output is reduced */
    uint64_t aside_bytes; /* what reductions over others may take, about */
    bool limited;         /* chunks that do not meet `needed` on the kept axes are left out: nobody reads their results */
    chk_box needed;
    chk_fused_out *out;
    int n_out;
    chk_geometry g;
    /* set by sizing */
    bool encoded;     /* some sink takes whole chunks: one chunk a task, claimed and written after run */
    bool fetch_units; /* inputs are fetched for whole units; else block by block */
    int64_t units_per_task;
    int64_t
        beside; /* chunks of a task, neighbours along the last axis, that are made together: a stencil reads a box of all of them */
    int64_t strip; /* of such a box: indices of strip_axis that are fetched at once; before that axis a block has one index */
    int strip_axis;
    bool
        opens; /* beside each other: the stored value is the one input as it is, opened for a row of blocks and made block by block */
    int64_t together;      /* fetched block by block: up to so many blocks of a unit at once, those in a row along `row_axis` */
    int row_axis;          /* -1: blocks are fetched one by one */
    bool any_order;        /* tests: tasks start in any order */
    bool keeps_late;       /* a block that would wait for another's write is kept while the next is computed */
    bool waits_for_memory; /* only sums and the like of what is read, or of little arithmetic with it */
    int64_t run_ahead;     /* tasks may start this far above the lowest unfinished one; 0: no limit */
    bool cacheable;        /* blocks of fill alone have the same states wherever they lie, but for indices */
    size_t fetch_arena, fetch_transient;
    uint64_t epoch; /* of this opening: marks what lies in work areas as ours */
} chk_fused;

extern const chk_pass_ops chk_fused_ops;         /* encoded: chunks are claimed and written after run */
extern const chk_pass_ops chk_fused_stream_ops;  /* blocks are written inside run */
extern const chk_pass_ops chk_fused_bounded_ops; /* the same, with run_ahead */

/* Leaves, blocks and slots as output o has them. */
static inline const chk_geometry *chk_fused_geometry(const chk_fused *f, int o) { return f->out[o].own ? f->out[o].own : &f->g; }

/* Bytes for the partial results of a reduction over other axes than the walk goes by, about: whether it is worth another walk. UINT64_MAX: it certainly
 * is. */
uint64_t chk_fused_aside_bytes(const chk_fused *f, uint32_t axes, const chk_reducer *r, int n_workers);

/* The units of a task: *first and those after it, and how many at most. */
int64_t chk_fused_most_units(const chk_fused *f);
int64_t chk_fused_units(const chk_fused *f, uint64_t task, int64_t *first);

/* Sizes the pass for blocks of about block_elements: geometry, work_bytes, window_bytes, kept_bytes, n_tasks. Reductions' pools are sized for
 * n_workers. */
void chk_fused_size(chk_fused *f, chk_pass *pass, int64_t block_elements, int n_workers);

#endif
