/* internal.h: what public handles are (private to api/). */
#ifndef CHK_API_INTERNAL_H
#define CHK_API_INTERNAL_H

#include <sys/types.h>

#include "expr/text.h"
#include "include/chunk.h"
#include "plan/planner.h"
#include "run/exec.h"

/* What a process and a worker cost before any data, measured and rounded up (docs/memory.md): code and data of this library, HDF5, SLEEF and the
 * codecs as far as a run touches them, by the number of libraries that are loaded (when planning starts 13.5 MiB with Debian's shared HDF5, which brings the
 * number to 43; 7.5 MiB with 13, HDF5 being linked in; 0.5 more when a run ends); a worker's stack and thread-local state. HDF5's caches
 * are counted for each file. Where the process is already larger when a plan is made (sanitizers, other libraries), its size is taken instead. */
#define CHK_PROCESS_BYTES ((uint64_t)13 << 19)
#define CHK_LIBRARY_BYTES ((uint64_t)192 << 10)
#define CHK_GROWTH_BYTES ((uint64_t)1 << 19)
#define CHK_WORKER_BYTES ((uint64_t)160 << 10)

struct chunk_context {
    chk_builder *builder;
    chk_ledger *ledger;
    chk_pool *pool;
    uint64_t memory, reserved;
    uint64_t process_bytes; /* what the process costs before any data */
    int threads;
    uint64_t scramble; /* tests: not 0 seeds the order of tasks */
    bool whole_process;
    char *scratch;
    pid_t pid;
    _Atomic int n_runs;
    bool defer; /* results of masks in text stay uncounted where they can */
    _Atomic uint64_t
        evaluated_bytes; /* read by runs that expressions needed while they were built, since the last run proper: its report counts them */
    _Atomic int n_evaluated; /* those runs */
};

struct chunk_array {
    _Atomic int refs;
    chunk_context *ctx;
    chk_node *node;
    int64_t shape[CHUNK_MAX_NDIM];
};

/* Takes the node (counted). */
chunk_status chk_array_wrap(chunk_array **out, chunk_context *ctx, chk_node *node, chunk_error *err);
/* The caller's struct, whose first member is its size, in the `size` bytes that this library has of it; shorter ones come from programs built when there were fewer: the rest is zero.
 * No more than the size itself is an error, and more than `size`. */
chunk_status chk_take_options(void *out, size_t size, const void *in, const char *name, chunk_error *err);
/* CHUNK_ESTATE in a forked child, CHUNK_EINVAL for NULL. */
chunk_status chk_context_check(const chunk_context *ctx, chunk_error *err);
/* Costs that depend neither on the plan nor on files. */
uint64_t chk_context_fixed_bytes(const chunk_context *ctx);

#endif
