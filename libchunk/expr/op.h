/* op.h: what an operation is. One const struct an operation, at column 0 of a file in ops/ as `const chk_op chk_op_NAME = {`; the build
 * gathers them into one table, from which C calls, the expression language, the command line, Python and the reference are made. */
#ifndef CHK_OP_H
#define CHK_OP_H

#include "expr/node.h"

struct chk_plan_builder; /* plan/: what lower fills */

typedef enum chk_value_kind {
    CHK_VAL_MISSING,
    CHK_VAL_NONE,
    CHK_VAL_NODE,
    CHK_VAL_INT,
    CHK_VAL_FLOAT,
    CHK_VAL_COMPLEX,
    CHK_VAL_BOOL,
    CHK_VAL_STRING,
    CHK_VAL_DTYPE,
    CHK_VAL_TUPLE
} chk_value_kind;

/* A parsed or passed argument. Borrowed by whoever is called with it. */
typedef struct chk_value {
    chk_value_kind kind;
    int column;                   /* of the text it came from, 0 where there is none */
    const struct chk_value *list; /* not NULL: it was written as a list, [...], and these are its items as a tuple */
    union {
        chk_node *node;
        struct {
            int64_t i;
            bool big;
            uint64_t u;
        } i; /* big: does not fit int64, u holds it */
        double f;
        double c[2];
        bool b;
        const char *s;
        chk_dtype dtype;
        struct {
            const struct chk_value *item;
            int n;
        } tuple;
    } u;
} chk_value;

typedef enum chk_param_kind {
    CHK_PAR_END,
    CHK_PAR_ARRAY, /* an array or a number */
    CHK_PAR_AXIS,  /* int, tuple of ints, None */
    CHK_PAR_INT,
    CHK_PAR_NUMBER,
    CHK_PAR_BOOL,
    CHK_PAR_DTYPE,
    CHK_PAR_SHAPE, /* int or tuple of ints */
    CHK_PAR_STRING,
    CHK_PAR_ARRAYS,      /* a tuple of arrays */
    CHK_PAR_ANY,         /* of several kinds: one value, or a tuple with one an axis */
    CHK_PAR_FUNCTION,    /* a registered function over blocks, by its name */
    CHK_PAR_STAR_ARRAYS, /* all positional arguments from here on, as a tuple: arrays; what follows is keyword_only */
    CHK_PAR_STAR_ANY     /* the same of several kinds */
} chk_param_kind;

enum { CHK_MAX_PARAMS = 12, CHK_MAX_ARGS = 32 };

typedef struct chk_param {
    const char *name; /* NumPy's keyword */
    chk_param_kind kind;
    const char *dflt; /* NULL: required; else as shown in the signature: "None", "False", "0" */
    bool keyword_only;
} chk_param;

enum {
    CHK_OP_CALLERS_CODE = 1 << 16, /* flags: nodes hold functions of the calling program, and have no JSON form */
    CHK_OP_SAME_VALUES = 1 << 17,  /* CUSTOM nodes have the values of their input in another grid: readers look through them */
    CHK_OP_FINISHES = 1 << 18      /* lower: its passes can finish an elementwise expression over the value (chk_plan_finish) */
};

typedef struct chk_op chk_op;
struct chk_op {
    const char *name;    /* NumPy's name where array API and NumPy differ in nothing but the name, the array API's */
    const char *aliases; /* "arctan2" ; several separated by spaces; NULL */
    const char *family;  /* "arithmetic", "trigonometric", "reduction", "creation", ... : section of the reference */
    const char *summary; /* one line, no full stop */
    const char *doc;     /* dtypes, special values, accuracy (ulp), memory; may be NULL where the family says it all */
    chk_param params[CHK_MAX_PARAMS];
    /* args[i] belongs to params[i]; missing ones have kind MISSING. Builds nodes. */
    chunk_status (*build)(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
    chk_fn fn; /* for the shared build functions of ops/common.h */
    chk_red red;
    int flags;
    /* Only operations that make CUSTOM nodes. make checks inputs and parameters, infers dtype, shape and grid, and calls chk_node_custom; build ends in it and
     * so does reading JSON, whose parameters are anybody's. local (plan/local.h: blocks computed where they are needed) or lower (plan/builder.h: passes
     * of its own) says how the value comes about. */
    chunk_status (*make)(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                         int n_attr, chunk_error *err);
    /* May be NULL. Nodes of this operation have a first dimension that is a bound, exact only after a run; gives the node with the exact shape (masks: by counting). */
    chunk_status (*count)(chk_node **out, chk_builder *b, chk_node *n, chunk_error *err);
    /* May be NULL. Refuses a node whose inputs hold what a run would refuse (indices out of bounds), by computing of them what tells: for outputs that are
     * written in place, whose elements must not change before. */
    chunk_status (*look)(chk_builder *b, const chk_node *n, chunk_error *err);
    /* May be NULL. The operation has several results: how many they are for these arguments. Its last parameter, part, picks one; text without it means
     * the tuple of all. */
    chunk_status (*several)(int *n, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
    const struct chk_local *local;
    chunk_status (*lower)(struct chk_plan_builder *p, const chk_node *n, chunk_error *err);
    bool (*lowers)(const chk_node *n); /* with both: which of them; NULL: lower where it is set */
};

/* Is this CUSTOM node's value computed by passes of its own? */
static inline bool chk_op_lowers(const chk_op *op, const chk_node *n) { return op->lower && (!op->lowers || op->lowers(n)); }
/* How blocks of any node are computed where they are needed, by its operation; NULL: otherwise. */
static inline const struct chk_local *chk_op_local(const chk_node *n)
{
    return n->kind == CHK_NODE_CUSTOM && !chk_op_lowers(n->u.custom.op, n) ? n->u.custom.op->local : NULL;
}

/* Binds positional and keyword arguments to op's parameters (like Python does) and builds. names[i] is NULL for positional ones. */
chunk_status chk_op_call(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, const char *const *names,
                         int n_args, chunk_error *err);
/* Result `part` of an operation with several, and how many there are. */
chunk_status chk_op_call_part(chk_node **out, int *n, int part, chk_builder *b, const chk_op *op, const chk_value *args,
                              const char *const *names, int n_args, chunk_error *err);
/* The same for a registered operation: positional arrays, for reductions then axis and keepdims. */
chunk_status chk_user_call(chk_node **out, chk_builder *b, const chk_user_op *op, const chk_value *args, const char *const *names,
                           int n_args, chunk_error *err);
char *chk_op_signature(char *buf, size_t size, const chk_op *op); /* "sum(x, axis=None, *, dtype=None, keepdims=False)" */

/* The table that the build gathers from ops/, sorted by name. */
extern const chk_op *const chk_op_table[];
extern const size_t chk_op_table_n;

/* Arguments as nodes, numbers as weak scalars. *out is counted. */
chunk_status chk_value_node(chk_node **out, chk_builder *b, const chk_value *v, const char *what, chunk_error *err);

#endif
