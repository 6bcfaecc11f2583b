/* node.h: expressions as a graph of immutable, counted nodes.
 *
 * Everything a user writes is expanded into nine kinds of node; an operation of the table (op.h) builds them. Nodes are made by the
 * constructors below, which infer dtype, shape and chunk grid, fold constants, and return an existing node where an equal one is alive in
 * the same builder (common subexpressions are shared by construction). Constructors borrow inputs and give *out counted once.
 * Threads: a builder and its nodes belong to one thread at a time; counts are atomic. */
#ifndef CHK_NODE_H
#define CHK_NODE_H

#include "array/dtype.h"
#include "array/shape.h"
#include "base/status.h"
#include "expr/signature.h"
#include "kern/kern.h"
#include "store/source.h"

typedef struct chk_node chk_node;
typedef struct chk_builder chk_builder;
struct chk_op;

typedef enum chk_node_kind {
    CHK_NODE_SOURCE, /* a stored, borrowed or called-back array */
    CHK_NODE_SCALAR, /* a constant, zero-dimensional */
    CHK_NODE_IOTA,   /* int64 0, 1, ..., n - 1, one axis */
    CHK_NODE_MAP,    /* one kernel over broadcast inputs; fn NONE is a cast of in[0] to dtype */
    CHK_NODE_USER,   /* a caller's elementwise kernel */
    CHK_NODE_REDUCE, /* one reduction over some axes of in[0] */
    CHK_NODE_VIEW,   /* in[0] through an affine index transform */
    CHK_NODE_KEEP,   /* in[0], computed once and kept for the run (persist, NAME := EXPR) */
    CHK_NODE_CUSTOM  /* an operation that plans its own passes (op->lower) */
} chk_node_kind;

/* A caller's elementwise kernel: n elements, dense inputs of the declared dtypes, dense output; called from worker threads, no lock held.
 * Returns 0, or anything else to stop the run. */
typedef int (*chk_user_map_fn)(void *user, const void *const *in, void *out, size_t n);
/* A caller's reduction: states of state_bytes each, plain bytes. */
typedef struct chk_user_red {
    size_t state_bytes;
    void (*init)(void *user, void *state);
    int (*fold)(void *user, void *state, const void *data, size_t n); /* n contiguous elements */
    int (*merge)(void *user, void *into, const void *from);           /* into comes first */
    int (*finish)(void *user, const void *state, void *out);
} chk_user_red;

/* A caller's function over tiles (ops/blocks.h); the arguments are described in include/chunk.h. */
struct chunk_block;
struct chunk_loop;
typedef struct chk_user_block {
    int (*run)(void *user, const struct chunk_block *block); /* one of run and loop is set */
    int (*loop)(void *user, const struct chunk_loop *loop);
    chk_signature signature; /* of loop */
    bool casts, typed;       /* in_dtype, out_dtype are given */
    size_t scratch_bytes, scratch_per_element;
    bool serial;
} chk_user_block;

static inline bool chk_user_is_block(const chk_user_block *b) { return b->run || b->loop; }

enum { CHK_USER_INPUTS = 8 };

typedef struct chk_user_op { /* registered; lives as long as its builder's registry */
    char name[64];
    char summary[128];
    int n_in; /* 0, for functions over tiles only: any number */
    chk_dtype in_dtype[CHK_USER_INPUTS], out_dtype;
    chk_user_map_fn map; /* one of map, red and block is set */
    chk_user_red red;
    chk_user_block block;
    void *user;
} chk_user_op;

struct chk_node {
    _Atomic int refs;
    chk_node_kind kind;
    chk_dtype dtype;
    bool weak; /* a Python-like scalar: adapts to the other operand's dtype */
    chk_shape shape;
    chk_grid grid;    /* by the rule of node.c: of the first input with the most elements; constants and iota: the fixed rule */
    uint64_t hash[2]; /* XXH3-128 of the structure: equal expressions over equal sources have equal hashes */
    int n_in;
    chk_node **in;
    char name[48]; /* the user's or the operation's name, for explain; not part of the identity */
    union {
        chk_source *source; /* SOURCE */
        chk_scalar scalar;  /* SCALAR */
        struct {
            chk_fn fn;
            chk_dtype compute;
        } map;                   /* MAP: inputs are cast to compute before; fn NONE: cast */
        const chk_user_op *user; /* USER; also REDUCE with red.user */
        struct {
            chk_red red;
            const chk_user_op *user; /* not NULL: the caller's reduction */
            uint32_t axes;           /* bit a: axis a of in[0] is reduced */
            bool keepdims;
            double param; /* var: correction */
        } red;            /* REDUCE; dtype is chk_red_out_dtype; casts follow as MAP nodes */
        chk_view view;    /* VIEW: base is in[0] */
        struct {
            const struct chk_op *op;
            int64_t *attr;
            int n_attr;
        } custom; /* CUSTOM: parameters as the operation's own list of integers */
    } u;
};

/* ---- builders: a table of live nodes for sharing, and the registry of operations */
chunk_status chk_builder_new(chk_builder **out, const struct chk_op *const *ops, size_t n_ops, chunk_error *err);
void chk_builder_free(chk_builder *b); /* nodes that are still held live on */
/* How a value is had while expressions are built, for results whose shape depends on data (masks) and for checks of indices: the owner of the builder
 * (api/) runs a plan of its own under the ceiling. Writes all of n's value, dense, to out. */
typedef chunk_status (*chk_evaluate_fn)(void *arg, chk_node *n, void *out, chunk_error *err);
void chk_builder_set_evaluate(chk_builder *b, chk_evaluate_fn fn, void *arg);
chunk_status chk_builder_evaluate(chk_builder *b, chk_node *n, void *out,
                                  chunk_error *err); /* CHUNK_EUNSUPPORTED where nobody evaluates */
/* While it recalls, the last node's value is remembered: what several results of an expression need is looked at once. Data must not change meanwhile. */
void chk_builder_recall(chk_builder *b, bool recall);
/* While it assumes, nothing is looked at: masks are taken to select everything, indices to be good. For asking what a plan needs at most. */
void chk_builder_assume(chk_builder *b, bool assume);
bool chk_builder_assumes(const chk_builder *b);
/* Mask k, in the order in which they are met from here on, selects its first most[k] elements, masks after the last as many as that; n 0: all, as at first. */
enum { CHK_ASSUMED_MASKS = 8 };
void chk_builder_assume_most(chk_builder *b, const int64_t *most, int n);
int64_t chk_builder_most(chk_builder *b, chk_node *mask);
int chk_builder_n_met(const chk_builder *b); /* different masks, up to CHK_ASSUMED_MASKS */
/* While it defers, masks are not counted when they are applied, but when something asks for the result's shape; a result that goes straight to a file
 * never is. Whoever defers calls chk_node_exact on what is used as an input of anything. */
void chk_builder_defer(chk_builder *b, bool defer);
bool chk_builder_defers(const chk_builder *b);
bool chk_node_is_bound(const chk_node *n); /* its first dimension is a bound */
chk_node *chk_node_exact(chk_builder *b, chk_node *n,
                         chunk_error *err);   /* n itself where its shape is exact; borrowed, lives as long as n; NULL: failed */
bool chk_node_reads_files(const chk_node *n); /* some source under it is no constant and no memory */
chunk_status chk_builder_register(chk_builder *b, const chk_user_op *op, chunk_error *err); /* copies; refuses taken names */
/* Operation or user op by name or alias; NULL when unknown. */
const struct chk_op *chk_builder_find(const chk_builder *b, const char *name, size_t n);
const chk_user_op *chk_builder_find_user(const chk_builder *b, const char *name, size_t n);
const char *chk_builder_nearest(const chk_builder *b, const char *name,
                                size_t n); /* for "did you mean"; NULL when nothing is near */

chk_node *chk_node_retain(chk_node *n);
typedef struct chk_alive {
    uint64_t bytes, most_bytes, n_datasets;
} chk_alive;
/* Bytes of all nodes alive in this one's builder, the most that there were at a time, and how many of them are datasets of files. */
void chk_nodes_alive(chk_alive *out, const chk_node *any);
bool chk_node_stored(const chk_node *n);  /* there is a SOURCE in it */
bool chk_node_decodes(const chk_node *n); /* reading a part of it decodes whole chunks of some source */
void chk_node_release(chk_node *n);       /* NULL allowed; deep chains do not recurse */

/* ---- constructors */
chunk_status chk_node_source(chk_node **out, chk_builder *b, chk_source *s, const char *name, chunk_error *err); /* retains s */
chunk_status chk_node_scalar(chk_node **out, chk_builder *b, const chk_scalar *v, bool weak, chunk_error *err);
chunk_status chk_node_int(chk_node **out, chk_builder *b, int64_t v, chunk_error *err);  /* weak */
chunk_status chk_node_float(chk_node **out, chk_builder *b, double v, chunk_error *err); /* weak */
chunk_status chk_node_iota(chk_node **out, chk_builder *b, int64_t n, chunk_error *err);
/* fn over inputs broadcast together, cast to `compute` (for WHERE: in[1], in[2]; in[0] to bool). Folds when all inputs are scalars. */
chunk_status chk_node_map(chk_node **out, chk_builder *b, chk_fn fn, chk_dtype compute, chk_node *const *in, int n_in,
                          chunk_error *err);
chunk_status chk_node_cast(chk_node **out, chk_builder *b, chk_node *in, chk_dtype to,
                           chunk_error *err); /* the input itself where nothing changes */
chunk_status chk_node_user(chk_node **out, chk_builder *b, const chk_user_op *op, chk_node *const *in, int n_in, chunk_error *err);
chunk_status chk_node_reduce(chk_node **out, chk_builder *b, chk_red red, const chk_user_op *user, chk_node *in, uint32_t axes,
                             bool keepdims, double param, chunk_error *err);
/* Composes with a view below; pushes nothing (rewriting is the plan's work). Grid: the base grid seen through the view. */
chunk_status chk_node_view(chk_node **out, chk_builder *b, chk_node *in, const chk_view *view, chunk_error *err);
chunk_status chk_node_broadcast(chk_node **out, chk_builder *b, chk_node *in, const chk_shape *to, chunk_error *err);
chunk_status chk_node_keep(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err);
/* The same; compressed sources too are decoded once and kept. */
chunk_status chk_node_keep_decoded(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err);
/* The same for those who overwrite what it is read from: a source is copied too. */
chunk_status chk_node_keep_copy(chk_node **out, chk_builder *b, chk_node *in, chunk_error *err);
/* A node of an operation with a contract of its own (op->local or op->lower). attr: its parameters, copied; they are part of the identity and of the JSON form
 * (a double as its bits). grid NULL: by the rule, as if the operation were elementwise; bounds in it may lie in attr. Called by op->make, which has checked everything. */
chunk_status chk_node_custom(chk_node **out, chk_builder *b, const struct chk_op *op, const int64_t *attr, int n_attr,
                             chk_dtype dtype, const chk_shape *shape, const chk_grid *grid, chk_node *const *in, int n_in,
                             chunk_error *err);
/* Grids of results: axis a of a result of `extent` elements cut like axis `like_axis` of `like` (regular chunks of the same size); and the fixed rule. */
chk_axis_grid chk_node_axis_like(int64_t extent, const chk_node *like, int like_axis);
void chk_node_grid_fixed(chk_grid *out, const chk_shape *shape, chk_dtype d);

/* ---- the canonical JSON form: one object {"libchunk":1,"nodes":[...],"results":[...]}, keys sorted, no spaces, nodes in the order of first use,
 * constants as exact text. Sources are named; reading asks `resolve` for them. Refuses caller's kernels and memory (CHUNK_EUNSUPPORTED). */
chunk_status chk_json_write(char **out, chk_node *const *results, int n_results, chunk_error *err); /* *out: chk_free */
/* Sources in memory too, named memory:0, memory:1, ... in the order of `memory`, which has room for max (borrowed nodes); reading resolves these names. */
chunk_status chk_json_write_memory(char **out, chk_node *const *results, int n_results, const chk_node **memory, int max,
                                   int *n_memory, chunk_error *err);
/* The same graph for people: any node, with its name, dtype, shape and chunks; it cannot be read back. */
chunk_status chk_json_graph(char **out, chk_node *const *results, int n_results, chunk_error *err);
typedef chunk_status (*chk_resolve_fn)(void *arg, const char *name, chk_source **out, chunk_error *err);
chunk_status chk_json_read(chk_node **results, int max_results, int *n_results, chk_builder *b, const char *json, size_t n,
                           chk_resolve_fn resolve, void *arg, chunk_error *err);

#endif
