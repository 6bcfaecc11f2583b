/* eval.h: the parts of `chunk eval`, some of which `chunk rechunk` shares: the command line, and the run. */
#ifndef EVAL_H
#define EVAL_H

#include "worker.h"

typedef struct binding {
    const char *name;
    target from;
    bool used;
} binding;

/* A region as chunk_output has it, of the n axes that were named; the other ones stand where the ellipsis does (-1: at the end). */
typedef struct into_region {
    int n, ellipsis;
    int64_t start[CHUNK_MAX_NDIM], stop[CHUNK_MAX_NDIM], step[CHUNK_MAX_NDIM];
} into_region;

/* What a region is in its dataset. */
typedef struct into_place {
    chunk_dtype dtype;
    int ndim;
    int64_t shape[CHUNK_MAX_NDIM];
} into_place;

typedef struct job {
    verdict v;
    const char *text; /* EXPR */
    option_list operands, output_texts;
    uint64_t memory; /* 0: the library's default */
    bool durable, overwrite, explain, profile, help, version;
    int threads;
    const char *scratch, *filter, *trace;
    option_shape chunks;
    binding *bindings;
    int n_bindings;
    target *outputs;     /* n_results of them, or NULL: print */
    const char *into;    /* --into FILE:/DATASET[REGION]: outputs is that one dataset, changed in place */
    into_region *region; /* with --into */
    into_place *place;   /* with --into, once that dataset has been looked at */
    chunk_context *ctx;
    chunk_text *parsed;
    chunk_array **results;
    int n_results;
} job;

/* The command line into j; 0, or the exit code after the error has been told. */
int job_read(job *j, char **args);
/* --memory as the library takes it, once it has been read into a j->memory of UINT64_MAX. */
void job_read_memory(job *j);
/* All that follows the command line. */
int job_main(job *j);
/* Names bound and used, results and -o matched: all that needs no file. */
int job_check_names(job *j);
int job_match_outputs(job *j);
/* What -o, --chunks and --filter say, as outputs: n_results of them. */
int job_stored_outputs(job *j, chunk_output *outputs);
/* --into: what the text alone decides, and the output once results are built. */
int job_read_into(job *j);
int job_into_output(job *j, chunk_output *output);
/* Plans or runs what has been built. */
int job_explain(job *j);
int job_run(job *j);
/* The exit code for what went wrong with a plan: without files whatever is wrong with its arguments was decided by the command line alone. */
int job_exit(const job *j, const chunk_error *err);
/* What a run needs where masks select what the context assumes, as err; false where the expression cannot be built so. */
bool job_need(job *j, const chunk_binding *bound, int n, chunk_error *err);
/* The ceiling is too small to count what masks select: err->needed becomes what is needed for that and, at most, for the run after it. */
void job_need_at_most(job *j, const chunk_binding *bound, int n, chunk_error *err);

#endif
