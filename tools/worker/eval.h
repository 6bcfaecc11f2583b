/* eval.h: the parts of `chunk eval`, some of which `chunk rechunk` shares: the command line, and the run. */
#ifndef EVAL_H
#define EVAL_H

#include "worker.h"

typedef struct binding {
    const char *name;
    target from;
    bool used;
} binding;

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
    target *outputs; /* n_results of them, or NULL: print */
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
/* Plans or runs what has been built. */
int job_explain(job *j);
int job_run(job *j);
/* The ceiling is too small to count what masks select: err->needed becomes what is needed for that and, at most, for the run after it. */
void job_need_at_most(job *j, const chunk_binding *bound, int n, chunk_error *err);

#endif
