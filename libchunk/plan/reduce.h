/* reduce.h: reductions over leaves: folding a leaf into states, and combining the states of leaves in the fixed tree of geometry.h.
 *
 * A worker keeps the nodes it has in a stack, where siblings merge at once; what is left at the end of a task is posted to the combiner of the
 * result, which keeps unmatched nodes until their sibling comes. Merges pair the same nodes in the same order whatever thread makes them. */
#ifndef CHK_REDUCE_H
#define CHK_REDUCE_H

#include <pthread.h>

#include "expr/node.h"
#include "plan/geometry.h"

/* A built-in or a caller's reduction behind one face. */
typedef struct chk_reducer {
    const chk_red_kern *kern; /* NULL: user */
    const chk_user_op *user;
    chk_dtype in, out;
    size_t state_bytes; /* of one result element */
    double param;
} chk_reducer;

/* Folds a leaf (dense, C order of `leaf`) of `block` into the states of block's results; false: the caller's function failed. */
bool chk_reducer_fold(const chk_reducer *r, void *state, size_t cap, const void *data, const chk_geometry *g, const chk_box *block,
                      const chk_box *leaf);
/* Rows are folded in pieces of this many elements, counted from the row's start: what goes over one twice, or several reductions in turn, then finds
 * it in the first-level cache. */
enum { CHK_ROW_PIECE = 2048 };
void chk_reducer_init(const chk_reducer *r, void *state, size_t cap, size_t k);
bool chk_reducer_merge(const chk_reducer *r, void *into, const void *from, size_t cap, size_t k);
bool chk_reducer_finish(const chk_reducer *r, void *out, const void *state, size_t cap, size_t j0, size_t k);

typedef struct chk_red_node {
    int level;
    int64_t i;
    char *state;
} chk_red_node;

/* A worker's stack: states for `cap` results each, in memory that it is handed. */
typedef struct chk_red_stack {
    const chk_reducer *r;
    const chk_geometry *g;
    size_t cap; /* results of the largest block */
    size_t k;   /* results of the current block */
    int n, depth;
    chk_red_node *node;
} chk_red_stack;

size_t chk_red_stack_bytes(size_t state_bytes, size_t cap, int depth);
bool chk_red_stack_init(chk_red_stack *s, const chk_reducer *r, const chk_geometry *g, size_t cap, int depth, chk_arena *arena);
/* The states for the leaf at `slot`: the top's, or fresh ones. NULL: the stack is too small (an internal error). */
void *chk_red_stack_at(chk_red_stack *s, int64_t slot);
bool chk_red_stack_settle(chk_red_stack *s); /* merges what can be merged; call when a slot's leaves are folded */
/* Where the leaves of a block come in another order than its slots: all slots are pushed first, in their order, found again, and merged at the end. */
void *chk_red_stack_find(const chk_red_stack *s, int64_t slot);
bool chk_red_stack_settle_all(chk_red_stack *s);
/* Pushes a ready node (a block that was computed before). */
void *chk_red_stack_push(chk_red_stack *s, int level, int64_t i);

/* Collects nodes of one result. */
typedef struct chk_combiner {
    pthread_mutex_t lock;
    const chk_reducer *r;
    const chk_geometry *g;
    size_t cap;
    int64_t n_entries;
    struct chk_entry *entry; /* in the region */
    int32_t *bucket;         /* in the region; n_buckets is a power of two */
    int64_t n_buckets;
    int32_t free_list;
    char *states;
    char *result;   /* dense, C order of the kept axes; or NULL: */
    chk_sink *sink; /* takes finished blocks, in the result's own index space (large results) */
    char *finished; /* room for one such block */
    bool keepdims;  /* the sink's index space has the reduced axes, with extent 1 */
    bool ready;
} chk_combiner;

/* Unmatched nodes there can be, times the result blocks that one unit of work touches. Units come in slot order, so what is complete is a run from
 * the first slot on, at most one node a level above the blocks', and behind the lowest unfinished unit other runs. Those are at most run_ahead
 * nodes where a pass lets no task start further ahead than that; else (0) at most n_workers runs of two nodes a level. */
int64_t chk_combiner_entries(const chk_geometry *g, int block_level, int n_workers, int64_t run_ahead, int64_t kept_blocks_in_unit);
/* The same for a walk that goes by the axes `walk`, in another order than the slots': its blocks, n_blocks in all, are posted one by one. At most all of them
 * wait; where tasks start in order, no more than what covers the runs of slots that are done, of which each of the blocks_taken that a worker may not
 * have done yet cuts one. */
int64_t chk_combiner_entries_aside(const chk_geometry *g, uint32_t walk, int block_level, int n_workers, bool any_order,
                                   int64_t n_blocks, int64_t blocks_taken);
uint64_t chk_combiner_bytes(int64_t n_entries, const chk_reducer *r, size_t cap);
void chk_combiner_init(chk_combiner *c, const chk_reducer *r, const chk_geometry *g, size_t cap, int64_t n_entries, void *memory,
                       void *result, chk_sink *sink, bool keepdims);
void chk_combiner_done(chk_combiner *c);
/* Adds a node of the results of `block` (kept_id names them). Takes a copy. */
chunk_status chk_combiner_post(chk_combiner *c, int64_t kept_id, const chk_box *block, size_t k, int level, int64_t i,
                               const void *state, chunk_error *err);
/* Results of reductions over no elements; not for sinks (such results are small or empty). */
chunk_status chk_combiner_finish_empty(chk_combiner *c, chunk_error *err);

#endif
