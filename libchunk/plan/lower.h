/* lower.h: the first half of planning (private to plan/): items, levels, passes. */
#ifndef CHK_LOWER_H
#define CHK_LOWER_H

#include "plan/fused.h"
#include "plan/nodeset.h"
#include "plan/planner.h"

/* Intermediates up to this size are dense in one region, larger ones lie chunk by chunk and may be spilled. The second is for those that nobody asked for:
 * a ceiling under which they would be computed again and again must do for keeping them. */
enum { CHK_DENSE_BYTES = 4 << 20, CHK_DENSE_KEPT_BYTES = 256 << 10 };

typedef enum chk_item_kind { CHK_ITEM_TARGET, CHK_ITEM_REDUCE, CHK_ITEM_STORE, CHK_ITEM_CUSTOM } chk_item_kind;

/* Something that a pass computes: a result of the user's, a reduction, or a value that is kept for later passes. */
typedef struct chk_item {
    chk_item_kind kind;
    const chk_node *node; /* the node whose value it is */
    const chk_node *root; /* what the pass's program computes for it */
    bool root_is_self;    /* root is the node itself: do not look it up */
    chk_target *target;
    int level, pass;
    chk_region *region;      /* of the value; NULL for targets */
    struct chk_spill *spill; /* set for values above CHK_DENSE_BYTES: the region holds their first chunks */
    chk_source *source;      /* readers of the value */
    chk_sink *sink;          /* STORE, and REDUCE with spill: into the value's place */
    chk_region **own;        /* CUSTOM: further regions that live as long as the value is read */
    int n_own;
    struct chk_item *finish; /* CUSTOM: a target that its passes can finish (finish.c) */
} chk_item;

typedef struct chk_lower {
    chk_plan *plan;
    chk_item **item;
    int n_items;
    int level;             /* of the pass that is being made */
    struct chk_seen *seen; /* hash table of (node, space) -> level */
    size_t n_seen, cap_seen;
    const chk_grid *
        along; /* while levels are sought: the chunks that the reader goes along, as this node would see them; NULL: none of these */
    chk_nodeset kept; /* values that are cheaper to keep than to compute again, or would be computed again too often */
    int n_nested;     /* while levels are sought: operations by blocks, each read by the one before, of one pass */
    /* What retile_lower.c decides by, and the planner tries anew where it does not fit. */
    uint64_t room; /* bytes beside fixed costs, about */
    int threads;
    enum { CHK_RETILE_AUTO, CHK_RETILE_ONE, CHK_RETILE_TWO, CHK_RETILE_LEAST } retile; /* LEAST: two, whatever room there is */
    int n_retiled;                                                                     /* values that could have gone either way */
    bool apart;  /* reductions over different axes have passes of their own */
    int n_aside; /* those that share the pass of others */
} chk_lower;

/* Items and levels, the values that keep.c chooses to keep included. */
chunk_status chk_lower_items(chk_lower *l, chk_target *targets, int n_targets, chunk_error *err);
chunk_status chk_lower_passes(chk_lower *l, chunk_error *err);
/* Fills kept, given the items as they are without. */
chunk_status chk_lower_choose_kept(chk_lower *l, chunk_error *err);
/* Adds to kept what would become too many sources, given the items as they are (expand.c). */
chunk_status chk_lower_limit_sources(chk_lower *l, chunk_error *err);
/* Had from elsewhere, not computed where it is read. */
bool chk_lower_is_there(const chk_lower *l, const chk_node *n);
/* Memory, or memory and scratch, for the value of an item: sets region, source, sink, spill. */
chunk_status chk_lower_make_place(chk_lower *l, chk_item *it, chunk_error *err);
/* An array whose first chunks lie in region, the others in scratch; belongs to the plan. */
chunk_status chk_lower_add_spill(struct chk_spill **out, chk_lower *l, chk_region *region, chk_dtype dtype, const chk_shape *shape,
                                 const chk_grid *grid, chunk_error *err);
/* Finds the targets that are elementwise expressions over a value whose operation can finish them; sets finish and levels. */
chunk_status chk_lower_find_finishes(chk_lower *l, chunk_error *err);
/* The passes of an item whose operation has some of its own (builder.c). */
chunk_status chk_lower_custom(chk_lower *l, chk_item *it, chunk_error *err);
/* A value of an earlier pass than those that are being made (a chk_prog_lookup). */
chk_source *chk_lower_lookup(void *l, const chk_node *n);
chunk_status chk_lower_add_pass(int *number, chk_lower *l, const chk_pass_ops *ops, void *ctx, chunk_error *err);
/* Passes that only reduce leave out the chunks whose results nobody reads (needed.c). */
void chk_lower_limit(chk_lower *l);
bool chk_lower_grid_equal(const chk_grid *a, const chk_grid *b); /* false too where that would take long to find out */
bool chk_pass_reads(const chk_pass *p, const chk_source *source);
void chk_lower_done(chk_lower *l);
const chk_item *chk_lower_find(const chk_lower *l, const chk_node *n);
chunk_status chk_plan_region(chk_region **out, chk_plan *p, const char *name, chunk_error *err);

#endif
