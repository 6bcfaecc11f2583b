/* local.h: operations whose result in a box follows from the inputs in some boxes: joins, padding, stencils, windows, gathers, small products.
 *
 * Such an operation (op->local) is computed where it is needed, block by block, by whatever pass reads it: it is a source among others to the
 * fused passes, and its inputs are expressions that it reads through readers. So it costs no storage, fuses with what follows, is bounded by the
 * block size, and takes part in every mechanism that passes have. What overlaps between blocks is computed twice: an operation whose boxes overlap
 * much, or whose result needs all of its input, plans passes of its own instead (builder.h). */
#ifndef CHK_LOCAL_H
#define CHK_LOCAL_H

#include "expr/op.h"
#include "plan/reader.h"

struct chk_local_source;

/* One box of the result to compute. Belongs to the worker that runs it. */
typedef struct chk_local_call {
    const chk_node *node; /* inputs: node->in; parameters: node->u.custom.attr */
    const chk_box *box;   /* of the result; no axis is empty */
    void *out;            /* dense, C order, node->dtype: every element is to be written */
    void *scratch;        /* local->scratch() bytes, 64-byte aligned, undefined */
    size_t scratch_bytes;
    struct chk_local_source *source; /* private */
    chk_arena *arena;
    chk_hold *hold;
} chk_local_call;

/* The values of input `input` in `box` of its own index space go to dest: C order, stride[a] bytes an axis (NULL: dense; the last one is the element's size).
 * An empty box is no work. Boxes must not be larger than local->reads() said. */
chunk_status chk_local_read(const chk_local_call *c, int input, const chk_box *box, void *dest, const int64_t *stride,
                            chunk_error *err);

typedef struct chk_local {
    /* The largest box of input `input` that one chk_local_read asks for when the result's box has at most `extent`. Need not be clipped to the input. */
    void (*reads)(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent);
    /* May be NULL: no scratch. Bytes, for boxes of at most `extent`. */
    size_t (*scratch)(const chk_node *n, const int64_t *extent);
    /* Results must not depend on how the result is cut into boxes. */
    chunk_status (*run)(const chk_local_call *c, chunk_error *err);
    /* May be NULL, and then so are the next two. Whether run is bring, which reads what a box of the result needs of the one input, and then make, for which any
     * boxes of the result inside that one will do. */
    bool (*opens)(const chk_node *n);
    /* `in` becomes the box that `values` holds, dense, which may reach beyond the input; no larger than reads() says for c->box. c->out is not to be used. */
    chunk_status (*bring)(const chk_local_call *c, void *values, chk_box *in, chunk_error *err);
    void (*make)(const chk_local_call *c, const void *values, const chk_box *in);
    /* May be NULL: nothing is read ahead. The part-th box of an input that `box` of the result needs; false after the last. */
    bool (*part)(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in);
    /* May be NULL. True where the elements of `box` are, in C order, those of box `in` of one input, which is no larger than reads() says: then they are
     * not computed, but where they lie is handed on. */
    bool (*forward)(const chk_node *n, const chk_box *box, int *input, chk_box *in);
    bool reshapes; /* what is forwarded has other extents, or another number of axes, in the input */
    /* The result is made chunk by chunk of the node's grid: run is asked for whole chunks only, whatever is read. Where what reads
     * it goes along the same chunks, each is made once; else the value is kept (plan/lower.c). Not with forward. */
    bool whole;
    /* whole only; may be NULL. The chunks of this input are each needed by one chunk of the result and no other. */
    bool (*one_to_one)(const chk_node *n, int input);
    /* May be NULL: any number of workers at once. True: run is for one worker at a time. */
    bool (*serial)(const chk_node *n);
    int64_t block; /* 0: any; else elements of the result that are work enough for a task */
    /* May be NULL. The same where it depends on the node: results that are few, each made of many elements. */
    int64_t (*block_of)(const chk_node *n);
    double ns; /* of one core an element, inputs not counted, roughly: whether to keep or to compute again (plan/keep.c) */
} chk_local;

/* The node (op->local set) as a source for programs of a pass whose earlier values lookup knows. */
chunk_status chk_local_source_new(chk_source **out, const chk_node *n, chk_prog_lookup lookup, void *arg, chunk_error *err);

/* The axes, bit a, along which boxes of the input reach beyond those of the result by some fixed number of elements, so that those of neighbours overlap;
 * *most (may be NULL): the largest such number, both sides together. */
uint32_t chk_local_halo(const chk_node *n, int input, int64_t *most);

#endif
