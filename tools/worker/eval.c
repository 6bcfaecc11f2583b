/* eval.c: `chunk eval` from first to last: the command line, the text, the files, the run. */
#include <stdlib.h>
#include <string.h>

#include "eval.h"

/* The whole process counts, the launcher's share included. */
static int make_context(job *j)
{
    chunk_error err = {0};
    const chunk_options options = {.size = sizeof options,
                                   .memory = j->memory,
                                   .threads = j->threads,
                                   .scratch = j->scratch,
                                   .whole_process = true,
                                   .reserved = worker_launcher_peak()};
    if (chunk_context_new(&j->ctx, &options, &err) == CHUNK_OK) return 0;
    return fail_error(&j->v, err.code == CHUNK_EINVAL ? EXIT_USAGE : -1, &err, NULL);
}

static int parse(job *j)
{
    chunk_error err = {0};
    if (chunk_text_new(&j->parsed, j->ctx, j->text, &err) == CHUNK_OK) return 0;
    return fail_error(&j->v, err.code == CHUNK_ENOMEM ? EXIT_FILE : EXIT_USAGE, &err, j->text);
}

/* Opens what is used and builds the results. Without files whatever is wrong was decided by the command line alone. */
static int build(job *j)
{
    chunk_error err = {0};
    chunk_binding *bound = need_memory((size_t)j->n_bindings, sizeof *bound);
    int n = 0;
    for (int i = 0; i < j->n_bindings; i++) {
        const binding *b = &j->bindings[i];
        if (!b->used) continue;
        bound[n].name = b->name;
        worker_watch(true);
        worker_crash_point("open");
        chunk_status st = chunk_from_hdf5(&bound[n].array, j->ctx, b->from.file, b->from.object, &err);
        worker_watch(false);
        if (st != CHUNK_OK) return fail_error(&j->v, err.code == CHUNK_ECEILING ? -1 : EXIT_FILE, &err, NULL);
        n++;
    }
    j->results = need_memory((size_t)j->n_results, sizeof *j->results);
    chunk_context_defer(j->ctx, j->outputs != NULL);
    if (chunk_text_build(j->results, j->parsed, j->ctx, bound, n, &err) != CHUNK_OK) {
        if (err.code == CHUNK_ECEILING) job_need_at_most(j, bound, n, &err);
        int code = exit_of(err.code);
        if (n == 0 && code == EXIT_FILE && err.code != CHUNK_ENOMEM) code = EXIT_USAGE;
        return fail_error(&j->v, code, &err, j->text);
    }
    for (int i = 0; i < n; i++) chunk_array_free(bound[i].array);
    free(bound);
    return 0;
}

int job_stored_outputs(job *j, chunk_output *outputs)
{
    if (j->region != NULL) return job_into_output(j, outputs);
    bool fits = j->chunks.ndim == 0;
    for (int i = 0; i < j->n_results; i++) {
        outputs[i] = (chunk_output){
            .size = sizeof(chunk_output), .array = j->results[i], .file = j->outputs[i].file, .dataset = j->outputs[i].object};
        outputs[i].filter = j->filter;
        if (j->chunks.ndim == 0 || chunk_array_ndim(j->results[i]) != j->chunks.ndim) continue;
        outputs[i].chunk = j->chunks.extent;
        fits = true;
    }
    if (fits) return 0;
    bool files = false;
    for (int i = 0; i < j->n_bindings; i++) files |= j->bindings[i].used;
    return fail(&j->v, files ? EXIT_FILE : EXIT_USAGE, 0, "--chunks has %d axes, the result has %d", j->chunks.ndim,
                chunk_array_ndim(j->results[0]));
}

int job_main(job *j)
{
    int code;
    if (j->help || j->version) {
        if (j->help)
            print_help(j->v.verb);
        else
            puts("chunk " CHUNK_VERSION);
        return finish_output(&j->v);
    }
    if ((code = make_context(j)) != 0) return code;
    if ((code = parse(j)) != 0) return code;
    if ((code = job_check_names(j)) != 0) return code;
    if (j->outputs == NULL && (code = job_match_outputs(j)) != 0) return code;
    if ((code = build(j)) != 0) return code;
    return j->explain ? job_explain(j) : job_run(j);
}

int eval_main(char **args)
{
    job j = {0};
    int code = job_read(&j, args);
    return code != 0 ? code : job_main(&j);
}
