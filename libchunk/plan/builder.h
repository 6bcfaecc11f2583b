/* builder.h: how an operation plans passes of its own (op->lower), for what no box-by-box rule can do: scans, masks, sorts, factorisations, rechunking.
 *
 * lower is called once its inputs' passes are planned. It compiles readers for its inputs, adds passes, regions and spilled arrays, and ends with exactly
 * one of: chk_plan_result_source (a source of the operation's own that later passes read), chk_plan_result_place (the passes write the value into memory
 * or scratch, block by block) or chk_plan_take_direct (a pass writes the final output itself; only where chk_plan_direct says that there is one). */
#ifndef CHK_PLAN_BUILDER_H
#define CHK_PLAN_BUILDER_H

#include "expr/op.h"
#include "plan/planner.h"
#include "plan/reader.h"

typedef struct chk_plan_builder chk_plan_builder;

/* The value of `in` (an input of the node, or one of its inputs) over boxes. */
chunk_status chk_plan_reader(chk_reader *out, chk_plan_builder *b, const chk_node *in, chunk_error *err);
/* Several of one shape, read together. */
chunk_status chk_plan_reader_all(chk_reader *out, chk_plan_builder *b, chk_node *const *in, int n, chunk_error *err);
/* Appends a pass; *number is its place in the plan. ctx belongs to the pass from here on (ops->free), on failure too. */
chunk_status chk_plan_add_pass(int *number, chk_plan_builder *b, const chk_pass_ops *ops, void *ctx, const char *name,
                               chunk_error *err);
/* Memory from pass `first` to pass `last`, sized by ops->size of pass `owner` or here (n_bytes) with owner -1. last -1: as long as the value is read. */
chunk_status chk_plan_add_region(chk_region **out, chk_plan_builder *b, const char *name, uint64_t n_bytes, int owner, int first,
                                 int last, chunk_error *err);
/* An array in memory as far as there is room, else in the scratch file. Its source and sink belong to the caller. Lives as regions do. */
chunk_status chk_plan_add_spill(chk_source **source, chk_sink **sink, chk_plan_builder *b, const char *name, chk_dtype dtype,
                                const chk_shape *shape, const chk_grid *grid, int first, int last, chunk_error *err);

/* For passes that call OpenBLAS, whose buffers workers keep: charges `fixed` bytes to the plan the first time, and gives those of `worker` bytes that no
 * earlier pass has named, for this one's worker_bytes. */
size_t chk_plan_calls_blas(chk_plan_builder *b, uint64_t fixed, size_t worker);

/* The value is read from s, which belongs to the plan from here on. */
void chk_plan_result_source(chk_plan_builder *b, chk_source *s);
/* Room for the whole value (node's dtype, shape and grid), as intermediates have it; the pass writes to *sink, which belongs to the caller, every
 * block inside one chunk of the node's grid as a run of its C order. */
chunk_status chk_plan_result_place(chk_sink **sink, chk_plan_builder *b, chunk_error *err);
/* The target that the node's value goes to, where nothing else reads it; NULL otherwise. */
const chk_target *chk_plan_direct(const chk_plan_builder *b);
/* Where no target is the node's value, but one is an elementwise expression over it and nothing else reads either: that target, for operations that
 * have flag CHK_OP_FINISHES. They take it (chk_plan_take_direct) or leave it. */
const chk_target *chk_plan_finish(const chk_plan_builder *b);
/* A reader of all of that expression, which finds the node's value in `value`. */
chunk_status chk_plan_finish_reader(chk_reader *out, chk_plan_builder *b, chk_source *value, chunk_error *err);
/* That target's sink will be bound to result `out` of pass `pass` (ops->bind). */
void chk_plan_take_direct(chk_plan_builder *b, int pass, int out);

#endif
