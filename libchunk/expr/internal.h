/* internal.h: what the files of expr/ share about nodes: the table in which equal nodes are found, and the rule for grids. */
#ifndef CHK_EXPR_INTERNAL_H
#define CHK_EXPR_INTERNAL_H

#include <pthread.h>

#include "expr/node.h"
#include "expr/op.h"

/* Every node is the first member of a cell. */
typedef struct chk_cell {
    chk_node node;
    struct chk_table *table; /* counted: nodes outlive their builder */
    struct chk_cell *next;   /* in its bucket; in the list of cells to free once it has left the table */
    char *full_name;         /* SOURCE: the name uncut, as the JSON form writes it */
    bool stored;             /* depends on data that is read: its chunks come before those of constants */
    bool file;               /* depends on data that is not in memory */
    bool decodes;            /* parts of it cannot be had without decoding whole chunks */
    chk_node *exact;         /* counted; the same with its exact shape, once that was asked for */
} chk_cell;

/* Nodes that are alive, by hash, and the caller's kernels. Belongs to the builder and to each node; the lock guards all members. */
typedef struct chk_table {
    pthread_mutex_t lock;
    int64_t refs;
    chk_cell **bucket;
    size_t n_buckets, n_cells;
    chk_alive alive;
    chk_user_op **user;
    int n_user;
} chk_table;

struct chk_builder {
    chk_table *table;
    struct chk_name {
        const char *s;
        size_t n;
        const chk_op *op;
    } * name; /* names and aliases, sorted */
    size_t n_names;
    chk_evaluate_fn evaluate;
    void *evaluate_arg;
    bool assume, defer, recall;
    int64_t most[CHK_ASSUMED_MASKS];  /* elements that masks are taken to select */
    chk_node *met[CHK_ASSUMED_MASKS]; /* counted; the masks */
    int n_most, n_met;
    chk_node *known; /* counted; the last node that was evaluated while recall is set, and its value */
    void *value;
};

static inline const char *chk_node_full_name(const chk_node *n) { return ((const chk_cell *)n)->full_name; }

/* The live node equal to draft, or a new one made of it. draft's inputs are borrowed; its hash is computed here. full_name may be NULL. */
chunk_status chk_intern(chk_node **out, chk_builder *b, const chk_node *draft, const char *name, const char *full_name,
                        chunk_error *err);
void chk_table_release(chk_table *t);
/* Structure of a draft as 128 bits; equal structures over equal sources have equal hashes, in every process. */
void chk_node_hash(uint64_t hash[2], const chk_node *n, const char *full_name);
/* True when NaNs, the sign of zero and all other bits agree. */
bool chk_scalar_equal(const chk_scalar *a, const chk_scalar *b);

/* Grids (grid.c). */
void chk_grid_fixed(chk_grid *out, const chk_shape *shape, chk_dtype d); /* for arrays without chunks of their own */
void chk_grid_of_inputs(chk_grid *out, const chk_shape *shape, chk_dtype d, chk_node *const *in, int n_in);
void chk_grid_of_view(chk_grid *out, const chk_view *v, const chk_node *base);
void chk_grid_of_reduce(chk_grid *out, const chk_node *in, uint32_t axes, bool keepdims);

/* Folding (fold.c): kernels over constants. */
chunk_status chk_fold_map(chk_scalar *out, chk_fn fn, chk_dtype compute, chk_dtype result, const chk_scalar *in, int n_in,
                          chunk_error *err);
chunk_status chk_fold_cast(chk_scalar *out, const chk_scalar *in, chk_dtype to, chunk_error *err);

/* Would these arguments bind (names[i] NULL: positional)? What can be said before any value is known but quoted strings (literals may be NULL, as may each):
 * those given for dtypes name one. */
chunk_status chk_op_check(const chk_op *op, const char *const *names, const char *const *literals, int n_args, chunk_error *err);
chunk_status chk_user_check(const chk_user_op *op, const char *const *names, int n_args, chunk_error *err);

/* The candidate nearest to name, or NULL when all are far: for "did you mean". */
typedef struct chk_near {
    const char *name;
    size_t n;
    int best;
    const char *hit;
    size_t hit_n;
} chk_near;
chk_near chk_near_start(const char *name, size_t n);
void chk_near_try(chk_near *near, const char *candidate, size_t n);

#endif
