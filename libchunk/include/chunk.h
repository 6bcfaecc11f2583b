/* chunk.h: libchunk, out-of-core chunked arrays under a memory ceiling.
 *
 * Arrays are lazy: an array is an expression over stored data. Nothing is read until a run is started, and a run is refused before anything
 * is touched when its proven peak does not fit under the ceiling.
 *
 *     chunk_context *ctx; chunk_array *x, *m; chunk_error err; double mean;
 *     chunk_context_new(&ctx, &(chunk_options){.size = sizeof(chunk_options), .memory = 64 << 20}, &err);
 *     chunk_from_hdf5(&x, ctx, "x.h5", "/x", &err);
 *     chunk_call(&m, ctx, "mean", &(chunk_arg){.kind = CHUNK_ARG_ARRAY, .array = x}, 1, &err);
 *     chunk_output out = {.size = sizeof out, .array = m, .data = &mean};
 *     chunk_compute(ctx, &out, 1, NULL, NULL, &err);
 *
 * Ownership: functions whose first parameter is `out` give a new handle, freed by the _free of its kind, which accepts NULL. All else is
 * borrowed for the call. On failure *out is untouched and the error says why.
 * Threads: different contexts are independent. Handles of one context may be used from one thread at a time, but for the functions of
 * chunk_run, which may be called from any thread. Callbacks are called from worker threads with no lock held.
 * After fork, the child must not use contexts of its parent: every call returns CHUNK_ESTATE.
 * HDF5: the engine keeps its own handles, and each of its HDF5 calls is made under one lock of its own. Any function here may call HDF5, and the
 * workers of a run do. So where the host's HDF5 library is not thread-safe (H5is_library_threadsafe), no thread of the host may be inside HDF5,
 * directly or through another library, while a function of this one is called or a run goes on. With a thread-safe one hosts may do as they
 * like, except H5close while a context exists, and closing what they did not open. Another copy of HDF5 in the process does not matter.
 * Memory: the ceiling covers what the engine adds to the process; docs/memory.md has the formulas. */
#ifndef CHUNK_H
#define CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk_status.h"

#if defined _WIN32
#error "libchunk needs a POSIX system"
#endif
#define CHUNK_API __attribute__((visibility("default")))

#define CHUNK_VERSION_MAJOR 0
#define CHUNK_VERSION_MINOR 1
#define CHUNK_VERSION_PATCH 0
#define CHUNK_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chunk_context chunk_context;
typedef struct chunk_array chunk_array;
typedef struct chunk_run chunk_run;
typedef struct chunk_file chunk_file;

enum { CHUNK_MAX_NDIM = 32 };

typedef enum chunk_dtype {
    CHUNK_BOOL,
    CHUNK_INT8,
    CHUNK_INT16,
    CHUNK_INT32,
    CHUNK_INT64,
    CHUNK_UINT8,
    CHUNK_UINT16,
    CHUNK_UINT32,
    CHUNK_UINT64,
    CHUNK_FLOAT16,
    CHUNK_FLOAT32,
    CHUNK_FLOAT64,
    CHUNK_COMPLEX64,
    CHUNK_COMPLEX128
} chunk_dtype;

CHUNK_API const char *chunk_version(void);
CHUNK_API const char *chunk_dtype_name(chunk_dtype d); /* NumPy's: "float64"; NULL for none */
CHUNK_API size_t chunk_dtype_size(chunk_dtype d);

/* ---- contexts */

/* Zeroed members mean the default. size: sizeof(chunk_options), so that the struct can grow: a program built with fewer
 * members goes on working. */
typedef struct chunk_options {
    size_t size;
    uint64_t memory; /* ceiling in bytes on what the engine adds to the process; default: half of what cgroup and machine allow */
    int threads;     /* workers; default: the cores this process may use. Fewer are started where the ceiling holds fewer */
    const char *scratch; /* folder for spilled data; default: the output's, else TMPDIR where it is no tmpfs */
    bool whole_process;  /* the ceiling covers the whole process, as the command line's does: code, stacks and libraries included */
    uint64_t reserved;   /* whole_process: bytes of other processes (a launcher) that share the ceiling */
} chunk_options;

CHUNK_API chunk_status chunk_context_new(chunk_context **out, const chunk_options *options,
                                         chunk_error *err); /* options may be NULL */
CHUNK_API void chunk_context_free(chunk_context *ctx);      /* waits for runs to end; arrays of it stay valid until freed */
/* Other memory, threads and scratch for a context and its arrays from now on (zeroed members mean the default, as for a new one; whole_process and
 * reserved stay as they are). CHUNK_ESTATE while a run goes on. */
CHUNK_API chunk_status chunk_context_set(chunk_context *ctx, const chunk_options *options, chunk_error *err);

/* ---- arrays */

/* FILE:/DATASET opened for reading. The file must not change while runs use it. Cost: a file handle and a few KiB. */
CHUNK_API chunk_status chunk_from_hdf5(chunk_array **out, chunk_context *ctx, const char *file, const char *dataset,
                                       chunk_error *err);
/* Borrowed memory of any strides (bytes; NULL: C order), not copied; must stay valid and unchanged until runs that use it ended. */
CHUNK_API chunk_status chunk_from_memory(chunk_array **out, chunk_context *ctx, const void *data, chunk_dtype dtype, int ndim,
                                         const int64_t *shape, const int64_t *strides, chunk_error *err);
/* Boxes [lo, hi) read by the caller's function into dense C-order memory; returns 0, or anything else to fail the run. chunk: the shape in
 * which it likes to be asked, NULL for a rule of the shape. Called from workers; one at a time unless thread_safe. */
typedef int (*chunk_read_callback)(void *user, const int64_t *lo, const int64_t *hi, void *out);
CHUNK_API chunk_status chunk_from_callback(chunk_array **out, chunk_context *ctx, chunk_read_callback read, void *user,
                                           chunk_dtype dtype, int ndim, const int64_t *shape, const int64_t *chunk,
                                           bool thread_safe, chunk_error *err);
CHUNK_API chunk_status chunk_from_scalar(chunk_array **out, chunk_context *ctx, chunk_dtype dtype, const void *value,
                                         chunk_error *err);
/* Plain numbers, as written in text: they take the dtype of the array that they meet (float32 + 1.5 is float32); by themselves int64, float64. */
CHUNK_API chunk_status chunk_from_int(chunk_array **out, chunk_context *ctx, int64_t value, chunk_error *err);
CHUNK_API chunk_status chunk_from_float(chunk_array **out, chunk_context *ctx, double value, chunk_error *err);

CHUNK_API chunk_array *chunk_array_retain(chunk_array *a);
CHUNK_API void chunk_array_free(chunk_array *a); /* gives back one reference */
CHUNK_API int chunk_array_ndim(const chunk_array *a);
CHUNK_API const int64_t *chunk_array_shape(const chunk_array *a);
CHUNK_API chunk_dtype chunk_array_dtype(const chunk_array *a);
CHUNK_API int64_t chunk_array_count(const chunk_array *a); /* elements */
/* The chunk extents along one axis: up to n of them into bounds (n_chunks + 1 entries); returns n_chunks. */
CHUNK_API int64_t chunk_array_bounds(const chunk_array *a, int axis, int64_t *bounds, int64_t n);

/* An argument of an operation: tagged, named when name is not NULL. */
typedef enum chunk_arg_kind {
    CHUNK_ARG_NONE,
    CHUNK_ARG_ARRAY,
    CHUNK_ARG_INT,
    CHUNK_ARG_FLOAT,
    CHUNK_ARG_COMPLEX,
    CHUNK_ARG_BOOL,
    CHUNK_ARG_STRING,
    CHUNK_ARG_DTYPE,
    CHUNK_ARG_TUPLE,
    CHUNK_ARG_UINT /* an integer from 2^63 on: the bits of i */
} chunk_arg_kind;
typedef struct chunk_arg {
    const char *name; /* keyword, or NULL for the next positional parameter */
    chunk_arg_kind kind;
    chunk_array *array;
    int64_t i;   /* also BOOL (0, 1) and DTYPE (a chunk_dtype) */
    double f[2]; /* FLOAT: f[0]; COMPLEX: both */
    const char *s;
    const struct chunk_arg *items; /* TUPLE: n_items of them */
    int n_items;
} chunk_arg;
/* Calls an operation of the table (or a registered one) by name: chunk_call(&y, ctx, "sqrt", ...). chunk_op_get lists them, and chunk_ops.h has
 * a typed function for each of the table: chunk_op_sqrt(&y, ctx, x, &err). */
CHUNK_API chunk_status chunk_call(chunk_array **out, chunk_context *ctx, const char *op, const chunk_arg *args, int n_args,
                                  chunk_error *err);
/* All results of an operation that has several (split, unstack, meshgrid, nonzero; where a parameter `part` picks one in chunk_call): *n of them into out, which
 * has room for max; out NULL: only counts them. CHUNK_EINVAL where they are more than max, or the operation has one result. */
CHUNK_API chunk_status chunk_call_all(chunk_array **out, int max, int *n, chunk_context *ctx, const char *op, const chunk_arg *args,
                                      int n_args, chunk_error *err);
/* Basic slicing: per axis start, stop and step with NumPy's meaning (negative counts from the end; NULL: 0, extent, 1). */
CHUNK_API chunk_status chunk_slice(chunk_array **out, chunk_context *ctx, chunk_array *a, const int64_t *start, const int64_t *stop,
                                   const int64_t *step, chunk_error *err);
/* Computes a once per run and keeps it for all its uses (in memory while it fits, else in scratch); the same values either way. */
CHUNK_API chunk_status chunk_persist(chunk_array **out, chunk_context *ctx, chunk_array *a, chunk_error *err);

/* ---- expressions as text */

typedef struct chunk_binding {
    const char *name;
    chunk_array *array;
} chunk_binding;
typedef struct chunk_text chunk_text;
/* Parses without looking at any data: syntax, functions and keywords are checked. */
CHUNK_API chunk_status chunk_text_new(chunk_text **out, chunk_context *ctx, const char *text, chunk_error *err);
CHUNK_API void chunk_text_free(chunk_text *t);
CHUNK_API int chunk_text_n_results(const chunk_text *t);
CHUNK_API const char *chunk_text_result_name(const chunk_text *t, int i); /* NULL where the result has no name */
CHUNK_API int chunk_text_n_names(const chunk_text *t);                    /* names that must be bound */
CHUNK_API const char *chunk_text_name(const chunk_text *t, int i, int *column);
/* Builds the results, in order; results has room for chunk_text_n_results. Unbound names are CHUNK_ENAME. */
CHUNK_API chunk_status chunk_text_build(chunk_array **results, const chunk_text *t, chunk_context *ctx,
                                        const chunk_binding *bindings, int n_bindings, chunk_error *err);
/* Results of masks have shapes that depend on data: it is looked at while the expression is built, under the context's ceiling (CHUNK_ECEILING where even that
 * does not fit). While a context assumes, nothing is looked at and masks are taken to select everything: chunk_explain then says what a plan needs for that. Or mask k,
 * in the order in which they are met from then on, selects at most most[k] elements, masks after the n-th as many as that (n 0, as at first: everything).
 * chunk_context_n_assumed tells how many different masks were met since, up to 8. */
CHUNK_API void chunk_context_assume(chunk_context *ctx, bool assume);
CHUNK_API void chunk_context_assume_most(chunk_context *ctx, const int64_t *most, int n);
CHUNK_API int chunk_context_n_assumed(const chunk_context *ctx);
/* While a context defers, results of texts that are what a mask selects are not counted: their arrays tell a bound of the shape, and one that is the only output
 * of a run and goes to a dataset without filters is computed in one pass; afterwards the array tells its shape. Off at first: then shapes are always exact. */
CHUNK_API void chunk_context_defer(chunk_context *ctx, bool defer);
/* One expression in one call. */
CHUNK_API chunk_status chunk_eval(chunk_array **out, chunk_context *ctx, const char *text, const chunk_binding *bindings,
                                  int n_bindings, chunk_error *err);
/* The canonical JSON form of results (to be freed with chunk_string_free), and back; sources are written as FILE:/DATASET. */
CHUNK_API chunk_status chunk_to_json(char **out, chunk_context *ctx, chunk_array *const *arrays, int n, chunk_error *err);
/* The expressions as a graph to be drawn, as JSON (to be freed with chunk_string_free): "nodes", inputs first, each with kind ("source", "scalar", "iota", "map",
 * "reduce", "view", "keep", "custom"), name, dtype, shape, chunk (the first chunk's extents) and in (numbers of nodes), scalars with their value; and "results". */
CHUNK_API chunk_status chunk_graph(char **out, chunk_context *ctx, chunk_array *const *arrays, int n, chunk_error *err);
CHUNK_API chunk_status chunk_from_json(chunk_array **out, int max, int *n, chunk_context *ctx, const char *json, size_t n_bytes,
                                       chunk_error *err);
/* The same with arrays that lie in memory: the text names them memory:0, memory:1, ..., and memory[] gets a handle of each, in this order (at most max, each
 * to be freed); who sends the text sends their values beside it, and gives arrays of the same dtypes and shapes, made by chunk_from_memory, to read it. */
CHUNK_API chunk_status chunk_to_json_memory(char **out, chunk_array **memory, int max, int *n_memory, chunk_context *ctx,
                                            chunk_array *const *arrays, int n, chunk_error *err);
CHUNK_API chunk_status chunk_from_json_memory(chunk_array **out, int max, int *n, chunk_context *ctx, const char *json,
                                              size_t n_bytes, chunk_array *const *memory, int n_memory, chunk_error *err);
CHUNK_API void chunk_string_free(char *s);

/* ---- operations */

typedef struct chunk_op_info {
    const char *name, *aliases, *family, *summary, *doc;
    char signature[160];
} chunk_op_info;
CHUNK_API int chunk_op_count(void);
CHUNK_API chunk_status chunk_op_get(int i, chunk_op_info *out);
/* What a parameter takes. ANY: one value of several kinds, or a tuple with one an axis; STAR: all positional arguments from here on. */
typedef enum chunk_param_kind {
    CHUNK_PARAM_ARRAY,
    CHUNK_PARAM_AXIS,
    CHUNK_PARAM_INT,
    CHUNK_PARAM_NUMBER,
    CHUNK_PARAM_BOOL,
    CHUNK_PARAM_DTYPE,
    CHUNK_PARAM_SHAPE,
    CHUNK_PARAM_STRING,
    CHUNK_PARAM_ARRAYS,
    CHUNK_PARAM_ANY,
    CHUNK_PARAM_FUNCTION,
    CHUNK_PARAM_STAR_ARRAYS,
    CHUNK_PARAM_STAR_ANY
} chunk_param_kind;
typedef struct chunk_param_info {
    const char *name;
    chunk_param_kind kind;
    const char *dflt; /* as in the signature; NULL: required */
    bool keyword_only;
} chunk_param_info;
/* Parameter k of operation i; CHUNK_EINVAL beyond the last. */
CHUNK_API chunk_status chunk_op_param(int i, int k, chunk_param_info *out);
/* A caller's elementwise kernel, then usable by name. CHUNK_EEXIST for names that mean something already: operations, constants, dtypes, and words of Python that texts
 * refuse; so for all that is registered. Dense inputs and output of n elements; any n up to a few thousand; from any worker. */
typedef int (*chunk_map_callback)(void *user, const void *const *in, void *out, size_t n);
CHUNK_API chunk_status chunk_register_map(chunk_context *ctx, const char *name, int n_in, const chunk_dtype *in, chunk_dtype out,
                                          chunk_map_callback fn, void *user, chunk_error *err);
/* A caller's reduction: states are plain bytes, folded leaf by leaf and merged in a fixed order. Input is cast to `in`. */
typedef struct chunk_reduction {
    size_t size;        /* sizeof(chunk_reduction), so that the struct can grow */
    size_t state_bytes; /* at most 4096 */
    void (*init)(void *user, void *state);
    int (*fold)(void *user, void *state, const void *data, size_t n);
    int (*merge)(void *user, void *into, const void *from);
    int (*finish)(void *user, const void *state, void *out);
    void *user;
} chunk_reduction;
CHUNK_API chunk_status chunk_register_reduction(chunk_context *ctx, const char *name, chunk_dtype in, chunk_dtype out,
                                                const chunk_reduction *r, chunk_error *err);

/* ---- the caller's functions over blocks (docs/own-functions.md)
 *
 * Registered by name, then used by the operations map_blocks, blockwise and map_overlap, in C (chunk_ops.h) and in text: map_blocks(name, x, y, dtype="float32").
 * A block is one chunk of the result's grid, never a part of one, whatever the ceiling and the number of threads are. So results depend on the grid alone. */

/* A tile of an array: dense, C order. */
typedef struct chunk_tile {
    void *data; /* of inputs: only to be read */
    chunk_dtype dtype;
    int ndim;
    const int64_t *shape; /* of the tile; no axis is empty */
    const int64_t *lo;    /* the index of its first element in its array; with a halo it may lie before 0 */
} chunk_tile;
typedef struct chunk_block {
    size_t size; /* sizeof(chunk_block) as the library has it */
    int n_in;
    const chunk_tile *in;
    const chunk_tile *out;   /* every element of it is to be written */
    const int64_t *block;    /* which block of the result: one index an axis of out */
    const int64_t *n_blocks; /* and how many there are along each */
    void *scratch;           /* scratch_bytes of memory under the ceiling, 64-byte aligned, undefined; NULL for none */
    size_t scratch_bytes;
} chunk_block;
/* Computes one block. Returns 0, or anything else to stop the run (CHUNK_EUSER, with the function's name and the block in the message). Called from workers
 * with no lock held, for several blocks at once. A block is computed once where what reads it goes along the result's chunks or it is kept; the engine may
 * also compute one again, or none that nobody needs: results must follow from the block's inputs and coordinates alone. */
typedef int (*chunk_block_callback)(void *user, const chunk_block *block);
typedef struct chunk_block_function {
    size_t size; /* sizeof(chunk_block_function), so that the struct can grow */
    chunk_block_callback run;
    void *user;
    int n_in;                   /* arrays that it takes, at most 8; 0: any number of them */
    const chunk_dtype *in;      /* n_in dtypes to which arrays are cast; NULL: as they come */
    const chunk_dtype *out;     /* dtype of the result where a call does not say one; NULL: that of the first array */
    size_t scratch_bytes;       /* memory that run needs besides its tiles, for each block: so much, */
    size_t scratch_per_element; /* and so much for each element of the block's largest tile */
    bool serial;                /* for one block at a time only */
} chunk_block_function;
CHUNK_API chunk_status chunk_register_blocks(chunk_context *ctx, const char *name, const chunk_block_function *f, chunk_error *err);

/* ---- the caller's generalised functions
 *
 * A function of small arrays, repeated over all other dimensions: apply_gufunc(name, x, y) and apply_along_axis(name, axis, x). The signature is NumPy's:
 * "(i,j),(j)->(i)" takes matrices and vectors and gives vectors; dimensions before these are the loop's, and broadcast. */
typedef struct chunk_loop {
    size_t size; /* sizeof(chunk_loop) as the library has it */
    int64_t n;   /* items: how often to compute */
    int n_in;
    const void *const *in; /* item k of array i begins at in[i] + k * in_step[i] bytes; its core dimensions are dense, in C order */
    const int64_t *in_step; /* 0: the same one for all items */
    void *out;              /* item k of the result, dense, at out + k * out_step; every element is to be written */
    int64_t out_step;
    const int64_t *core; /* extents of the core dimensions, in the order in which the signature first names them */
    void *scratch;       /* scratch_bytes of memory under the ceiling for this call, 64-byte aligned, undefined; NULL for none */
    size_t scratch_bytes;
} chunk_loop;
/* Returns 0, or anything else to stop the run. Called from workers with no lock held, by several at once; items in any groups and any order. */
typedef int (*chunk_loop_callback)(void *user, const chunk_loop *loop);
typedef struct chunk_gufunc {
    size_t size;           /* sizeof(chunk_gufunc), so that the struct can grow */
    const char *signature; /* at most 8 arrays and one result. Whole numbers are fixed extents: "(3),(3)->(3)". */
    chunk_loop_callback run;
    void *user;
    const chunk_dtype *in;      /* a dtype for every array, to which it is cast; NULL: as they come */
    const chunk_dtype *out;     /* of the result where a call does not say one; NULL: that of the first array */
    size_t scratch_bytes;       /* memory that run needs for a call: so much, */
    size_t scratch_per_element; /* and so much for each element of its largest item, result included */
    bool serial;                /* one call at a time only */
} chunk_gufunc;
CHUNK_API chunk_status chunk_register_gufunc(chunk_context *ctx, const char *name, const chunk_gufunc *g, chunk_error *err);

/* ---- runs */

typedef int (*chunk_write_callback)(void *user, const int64_t *lo, const int64_t *hi, const void *data);
/* Where a result goes: a dataset (file and dataset set), memory (data set), or a callback (write set). */
typedef struct chunk_output {
    size_t size; /* sizeof(chunk_output), the same for all of a run, so that the struct can grow */
    chunk_array *array;
    const char *file, *dataset;
    const int64_t *
        chunk; /* chunk shape of the dataset or of callback blocks; NULL: the array's own chunks where they are regular and of 16 KiB to
                                 * 64 MiB, else about 1 MiB, all axes divided alike */
    const char *filter;         /* "gzip=4,shuffle", "lz4", "zstd=3", "none" (default) */
    void *data;                 /* the caller's memory, of the array's dtype; not counted under the ceiling */
    const int64_t *strides;     /* bytes; NULL: C order */
    chunk_write_callback write; /* dense blocks [lo, hi), in a fixed order, one at a time */
    void *user;
    /* With file and dataset: a dataset that exists gets new values in a region, where they lie. The array is broadcast to the region and cast to the dataset's dtype;
     * it may be computed from the dataset, and is as if all of it had been before the first element is written. Not for datasets with filters; the run's only
     * output. Chunks of the region that are not stored are added first: killed in that moment, a few microseconds a chunk, the file may be damaged. Other
     * programs must not have the file open, and no other run may read it. There is no way back: a run that fails, is canceled or killed later leaves
     * some elements new and others old, in a sound file (docs/memory.md). */
    bool in_place;
    const int64_t *start, *stop,
        *step; /* the region, NumPy's slices as in chunk_slice; step 0: the one index start, an axis that the array does not have */
    const void *
        fill; /* of a new dataset: its fill value, one element of the array's dtype; chunks that hold nothing else are not written. NULL: 0 */
} chunk_output;

/* Whether a list of filters can be asked for as `filter` of an output: CHUNK_EINVAL, and what is wrong with it, where it cannot. */
CHUNK_API chunk_status chunk_check_filter(const char *filter, chunk_error *err);

/* What a worker did, told when it has done it. Opening and closing a pass are told for worker 0 while all others are idle. */
typedef enum chunk_event_kind {
    CHUNK_EVENT_RUN,
    CHUNK_EVENT_CLAIM,
    CHUNK_EVENT_WRITE,
    CHUNK_EVENT_OPEN,
    CHUNK_EVENT_CLOSE
} chunk_event_kind;
typedef struct chunk_event {
    size_t size; /* sizeof(chunk_event) as the library has it */
    chunk_event_kind kind;
    const char *name; /* of the pass, as in the profile; valid during the call */
    int pass, worker;
    uint64_t first, n;   /* the tasks: n of them from number first on; n is 0 for a pass that opens or closes */
    uint64_t begin, end; /* nanoseconds since the run began */
    uint64_t bytes;      /* stored bytes read, written and spilled meanwhile */
    uint64_t held;       /* bytes booked under the ceiling at the end, by all runs of the context */
} chunk_event;
/* Called from workers with no lock held, several at once, until the run has ended; for few and tiny tasks from the thread that starts the run.
 * It is in the way of the work: a few hundred nanoseconds are lost in the noise, a millisecond is not. */
typedef void (*chunk_event_callback)(void *user, const chunk_event *event);

typedef struct chunk_run_options {
    size_t size;       /* sizeof(chunk_run_options), so that the struct can grow */
    bool overwrite;    /* replace output datasets that exist */
    bool durable;      /* wait for the disk before the outputs become visible */
    bool profile;      /* measure time per operation */
    const char *trace; /* a new file, or an earlier trace, for one in Chrome's format; NULL: none */
    uint64_t reserved; /* bytes of the caller's that count under the ceiling during this run: results that it will hand on, say */
    chunk_event_callback event; /* NULL: none */
    void *event_user;
} chunk_run_options;

typedef struct chunk_progress {
    uint64_t tasks_done, tasks_total;
    uint64_t bytes_done, bytes_total; /* stored bytes read and written so far and in all (an estimate where chunks may be absent) */
    double seconds;                   /* since the start */
    double seconds_left;              /* estimate; negative when unknown */
    int pass, n_passes;
} chunk_progress;

typedef struct chunk_report {
    double seconds;
    uint64_t ceiling;        /* bytes */
    uint64_t projected_peak; /* the plan's bound for this ceiling; <= ceiling */
    uint64_t measured_peak;  /* whole_process: VmHWM (plus reserved); else the ledger's high-water mark */
    uint64_t bytes_read;     /* also by what was counted (masks) since the run before, while the expression was built */
    uint64_t bytes_written, bytes_spilled;
    uint64_t tasks;
    int threads; /* workers that ran */
} chunk_report;

/* Plans, checks, claims outputs, starts. Tiny runs are computed before it returns. */
CHUNK_API chunk_status chunk_run_start(chunk_run **out, chunk_context *ctx, const chunk_output *outputs, int n_outputs,
                                       const chunk_run_options *options, chunk_error *err);
/* Waits up to `seconds` (negative: for ever). *done says whether the run has ended (well or not). */
CHUNK_API chunk_status chunk_run_wait(chunk_run *run, double seconds, bool *done);
CHUNK_API void chunk_run_progress(chunk_run *run, chunk_progress *out);
/* One line where the disk has room for what the outputs take as a rule, but not for the most they may take (filters, masks); NULL otherwise. Valid until finish. Runs
 * whose outputs certainly do not fit are not started: CHUNK_ENOSPC. */
CHUNK_API const char *chunk_run_warning(const chunk_run *run);
CHUNK_API void chunk_run_cancel(chunk_run *run); /* async-signal-safe; the run ends with CHUNK_ECANCELED */
/* Waits, makes outputs visible, fills the report (may be NULL), frees the run, and returns how it went. */
CHUNK_API chunk_status chunk_run_finish(chunk_run *run, chunk_report *report, chunk_error *err);
/* After the run has ended and before finish: the profile as a table (json false) or JSON; free with chunk_string_free. NULL when not asked for. */
CHUNK_API char *chunk_run_profile(chunk_run *run, bool json);
/* start, wait, finish. */
CHUNK_API chunk_status chunk_compute(chunk_context *ctx, const chunk_output *outputs, int n_outputs,
                                     const chunk_run_options *options, chunk_report *report, chunk_error *err);
/* Plans only. *text: the plan as stable text or JSON, to be freed with chunk_string_free. report: ceiling, projected_peak, threads, and what
 * would be read, written and spilled at most. */
CHUNK_API chunk_status chunk_explain(char **text, chunk_context *ctx, const chunk_output *outputs, int n_outputs,
                                     const chunk_run_options *options, bool json, chunk_report *report, chunk_error *err);

/* ---- looking at files (chunk-info) */

typedef struct chunk_dataset_info {
    char *path;
    int ndim;
    int64_t shape[CHUNK_MAX_NDIM], maxshape[CHUNK_MAX_NDIM]; /* maxshape: -1 unlimited */
    char dtype[96]; /* NumPy's name, or words for types that the engine cannot compute with */
    bool computable;
    const char *layout; /* "compact", "contiguous", "chunked", "virtual" */
    bool chunked;
    int64_t chunk[CHUNK_MAX_NDIM];
    char filters[160]; /* "shuffle,gzip=4", "none" */
    uint64_t logical_bytes, stored_bytes;
    int64_t chunks_written, chunks_total; /* -1: unknown */
    char fill_value[64];                  /* as JSON */
    const char *index;                    /* "btree1", ...; "none" */
    char *attributes;                     /* JSON object text; NULL unless asked for */
    bool null_space;                      /* neither shape nor elements (h5py's Empty); ndim is 0 */
} chunk_dataset_info;
/* Calls fn for every dataset at or below object ("/" or NULL: the whole file), in name order; of several names of one dataset for the first. Datasets that
 * cannot be read are left out, and what kept the first of them from being read is returned when all others have been listed. */
typedef chunk_status (*chunk_info_callback)(void *user, const chunk_dataset_info *info, chunk_error *err);
CHUNK_API chunk_status chunk_info(const char *file, const char *object, bool verbose, chunk_info_callback fn, void *user,
                                  chunk_error *err);

#ifdef __cplusplus
}
#endif
#endif
