/* planner.h: from expressions to a plan that fits: which nodes are computed first and kept, which share a pass, how large the blocks are.
 *
 * Nothing is created or touched here: sinks are described, bound to real ones once the plan is accepted. */
#ifndef CHK_PLANNER_H
#define CHK_PLANNER_H

#include "expr/node.h"
#include "plan/task.h"

/* One result and what the plan must know of where it goes. */
typedef struct chk_target {
    chk_node *node;                     /* borrowed */
    const char *name;                   /* for explain */
    chk_grid grid;                      /* of the sink */
    bool own_grid;                      /* blocks must lie in this grid (datasets); else the node's is used */
    bool whole_chunks, ordered, serial; /* as chk_sink's; serial: not thread-safe */
    bool extendible;                    /* the first dimension is a bound: the sink can be resized at the end */
    size_t worker_bytes;                /* codec state of a worker */
    size_t kept_bytes, scratch_bytes;   /* as the sink's need() will say for a whole chunk */
    bool in_place;                      /* encoded where the values are */
    const char *what;                   /* "/x in out.h5", "memory": for explain */
    /* set by the planner: where to bind the sink */
    int pass, out;
} chk_target;

typedef struct chk_plan_options {
    uint64_t ceiling;                       /* bytes */
    uint64_t fixed_bytes, per_worker_bytes; /* the planner adds small.c's */
    int threads;
    bool whole_process;          /* the ceiling is the process's: nodes that are gone have left their room behind in its heap */
    bool any_order;              /* tests: combiners have room for what waits when tasks start in any order */
    uint64_t max_block_elements; /* 0: the default; tests choose small ones */
} chk_plan_options;

/* CHUNK_ECEILING with err->needed when no choice fits. */
chunk_status chk_plan_make(chk_plan **out, chk_target *targets, int n_targets, const chk_plan_options *options, chunk_error *err);
/* Gives a planned store its sink; borrowed until the plan is freed. */
void chk_plan_bind(chk_plan *p, const chk_target *t, struct chk_sink *sink);

/* What the plan takes beside tiles: HDF5's caches for the files that it reads, and nodes, datasets and sources beyond those that are part of
 * the constants (small.c, called by chk_plan_make). */
chunk_status chk_plan_small_bytes(uint64_t *out, const chk_plan *p, const chk_node *any, bool whole_process, chunk_error *err);
/* Lends the room that is left to sources that decode chunks more than once (tiles.c, called by chk_plan_make). */
chunk_status chk_plan_lend(chk_plan *p, chunk_error *err);
/* Sets what each pass spills and reads again; sizes are chosen by now (books.c, called by chk_plan_make). */
chunk_status chk_plan_close_books(chk_plan *p, chunk_error *err);
/* Bytes of the scratch file that the plan needs, 0 for none: the caller then makes one and gives it to the plan. */
uint64_t chk_plan_scratch_bytes(const chk_plan *p);
void chk_plan_set_scratch(chk_plan *p, struct chk_scratch *scratch); /* the plan owns it then */

/* The plan as stable text or JSON; chk_free. */
char *chk_plan_explain(const chk_plan *p, bool json);

#endif
