/* program.h: vector programs: fused elementwise expressions as a list of kernel calls over cache-sized pieces.
 *
 * A program is compiled from nodes for one index space. It runs leaf by leaf: a box of the space, walked in C order in pieces of at most
 * CHK_PIECE elements (CHK_PIECE_SLOW where slow functions leave time to bring in the next pieces); every value lives in a register of one piece, or is read where it lies when an input is contiguous there. Each
 * element is computed by the same kernels whatever the pieces, so cutting never changes bits. */
#ifndef CHK_PROGRAM_H
#define CHK_PROGRAM_H

#include "expr/node.h"
#include "store/source.h"

/* So short that what the instructions before and after a call ask of memory (an input is 1 KiB a piece) fits into a core's 24 or so open requests;
 * W1 through windows: 0.436 s, with pieces of 256 0.455 s, of 64 0.47 s, of 512 0.49 s. */
enum { CHK_PIECE_SLOW = 128 };

typedef struct chk_prog_input {
    chk_source *source; /* retained */
    chk_view view;      /* space -> source */
    bool aligned;       /* the space's grid is this view's own */
} chk_prog_input;

typedef enum chk_instr_kind {
    CHK_INSTR_LOAD,
    CHK_INSTR_IOTA,
    CHK_INSTR_CONST,
    CHK_INSTR_CALL,
    CHK_INSTR_USER,
    CHK_INSTR_JOINED
} chk_instr_kind;

/* One instruction makes one value; values are numbered like instructions. */
typedef struct chk_instr {
    chk_instr_kind kind;
    chk_dtype dtype; /* of the value */
    int in[4], n_in;
    int slot; /* register, or constant number */
    union {
        int input; /* LOAD */
        struct {
            int axis;
            int64_t off, step;
        } iota;            /* axis -1: off everywhere */
        chk_scalar scalar; /* CONST */
        struct {
            chk_kern kern;
            const char *name;
            chk_fn fn, left, right; /* left, right: of the operands that a joined kernel computes as well */
        } call;                     /* and JOINED: part of a later call, whose kernel does it, too */
        const chk_user_op *user;
    } u;
} chk_instr;

typedef struct chk_program {
    chk_shape space;
    chk_prog_input *input;
    int n_inputs;
    chk_instr *instr;
    int n_instr;
    int n_slots, n_consts;
    size_t slot_bytes;
    bool slow;                  /* calls functions that take longer than memory does */
    bool constant_when_absent;  /* no iota: where all inputs are fill, so is every value */
    struct chk_prog_memo *memo; /* while compiling */
    int n_memo;
} chk_program;

/* How the compiler learns of values that are computed before: fills *source (retained) for a materialised node, else leaves it NULL. */
typedef chk_source *(*chk_prog_lookup)(void *arg, const chk_node *n);

void chk_program_init(chk_program *p, const chk_shape *space);
/* Compiles `node` seen through view (space -> node); *value is the number of its value. as_root: do not look the node itself up. */
chunk_status chk_program_add(chk_program *p, const chk_node *node, const chk_view *view, bool as_root, chk_prog_lookup lookup,
                             void *arg, int *value, chunk_error *err);
/* Whether the value is a bool that was loaded and compared with 0, as files may hold any byte for true. */
bool chk_program_is_truth(const chk_program *p, int value);
/* The same for all of a source, element for element. */
chunk_status chk_program_add_source(chk_program *p, chk_source *s, int *value, chunk_error *err);
/* A copy of a sealed program. */
chunk_status chk_program_clone(chk_program *out, const chk_program *p, chunk_error *err);
/* Assigns registers; outputs (n_out values) are kept to the end of the piece. */
chunk_status chk_program_seal(chk_program *p, const int *out, int n_out, chunk_error *err);
/* Inputs that change least often from task to task come first: those that ignore most of the leading axes. After add, before running. */
void chk_program_sort_inputs(chk_program *p);
void chk_program_free(chk_program *p);

/* Bytes of registers and constants a worker needs. */
size_t chk_program_work_bytes(const chk_program *p);

/* Where a value of a leaf lies: of element k from at + k * step on. step 0: a register, of the current piece alone. */
typedef struct chk_prog_place {
    char *at;
    size_t step;
} chk_prog_place;

/* An instruction with its places in a leaf. */
typedef struct chk_prog_step {
    const chk_instr *instr;
    chk_prog_place to, in[4];
} chk_prog_step;

/* A program bound to a worker's memory. */
typedef struct chk_prog_state {
    const chk_program *p;
    char *slots;
    char *consts;
    chk_prog_place *place; /* of each value */
    chk_prog_step *step;   /* of the leaf that is run */
} chk_prog_state;
/* fresh: the memory is not as the last call for this program left it, so constants are written. false: it does not fit. */
bool chk_prog_state_init(chk_prog_state *s, const chk_program *p, chk_arena *arena, bool fresh);

/* One output of a program over a leaf: dense, C order of the leaf. */
typedef struct chk_prog_out {
    int value;
    bool in_place_ok; /* an input that lies as wanted need not be copied to dest */
    char *dest;       /* room for the leaf's elements */
    const char *data; /* set: where the leaf's values lie (dest, or an input in place) */
} chk_prog_out;
/* pieces: one an input, for the box `unit`; leaf lies inside unit. */
chunk_status chk_program_run(chk_prog_state *s, const chk_piece *const *pieces, const chk_box *unit, const chk_box *leaf,
                             chk_prog_out *out, int n_out, chunk_error *err);

#endif
