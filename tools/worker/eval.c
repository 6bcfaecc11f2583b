/* eval.c: `chunk eval` from first to last: the command line, the text, the files, the run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static bool is_about_arguments(chunk_status st)
{
    return st == CHUNK_EINVAL || st == CHUNK_ETYPE || st == CHUNK_ESHAPE || st == CHUNK_EINDEX || st == CHUNK_EUNSUPPORTED;
}

/* Whether the text fails in the same words whatever the inputs are: with some of other ranks and types in their place. */
static bool fails_whatever_is_bound(const job *j, chunk_binding *bound, int n, const chunk_error *why)
{
    static const char *const inputs[] = {"zeros((7,), dtype='bool')", "zeros((3, 4, 5), dtype='float64')",
                                         "zeros((2, 1, 6, 3), dtype='int16')"};
    bool same = is_about_arguments(why->code);
    chunk_array *kept[n + 1], **results = need_memory((size_t)j->n_results, sizeof *results);
    for (int i = 0; i < n; i++) kept[i] = bound[i].array;
    for (size_t k = 0; k < sizeof inputs / sizeof *inputs && same; k++) {
        chunk_error err = {0};
        chunk_array *other;
        if (chunk_eval(&other, j->ctx, inputs[k], NULL, 0, &err) != CHUNK_OK) {
            same = false;
            break;
        }
        for (int i = 0; i < n; i++) bound[i].array = other;
        same = chunk_text_build(results, j->parsed, j->ctx, bound, n, &err) != CHUNK_OK;
        for (int i = 0; i < j->n_results && !same; i++) chunk_array_free(results[i]);
        same = same && err.code == why->code && strcmp(err.text, why->text) == 0;
        chunk_array_free(other);
    }
    for (int i = 0; i < n; i++) bound[i].array = kept[i];
    free(results);
    return same;
}

int job_exit(const job *j, const chunk_error *err)
{
    bool files = false;
    for (int i = 0; i < j->n_bindings; i++) files |= j->bindings[i].used;
    int code = exit_of(err->code);
    files |= j->into != NULL;
    return code == EXIT_FILE && !files && is_about_arguments(err->code) ? EXIT_USAGE : code;
}

/* Opens what is used and builds the results. */
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
        int code = job_exit(j, &err);
        if (code == EXIT_FILE && fails_whatever_is_bound(j, bound, n, &err)) code = EXIT_USAGE;
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

/* Files named by options: a trace goes where nothing else is, scratch into a folder. */
static int check_files(const job *j)
{
    struct stat sb;
    const target trace = {.file = (char *)j->trace};
    for (int i = 0; j->trace != NULL && i < j->n_bindings; i++)
        if (target_same_file(&trace, &j->bindings[i].from))
            return fail(&j->v, EXIT_USAGE, 0, "--trace %s is the input %s: choose another file", j->trace, j->bindings[i].name);
    for (int i = 0; j->trace != NULL && j->outputs != NULL && i < j->n_results; i++)
        if (target_same_file(&trace, &j->outputs[i]))
            return fail(&j->v, EXIT_USAGE, 0, "--trace %s is an output: choose another file", j->trace);
    if (j->scratch == NULL) return 0;
    if (stat(j->scratch, &sb) != 0) return fail(&j->v, EXIT_FILE, 0, "--scratch %s: %s", j->scratch, strerror(errno));
    return S_ISDIR(sb.st_mode) ? 0 : fail(&j->v, EXIT_FILE, 0, "--scratch %s: not a folder", j->scratch);
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
    if ((code = check_files(j)) != 0) return code;
    if ((code = build(j)) != 0) return code;
    return j->explain ? job_explain(j) : job_run(j);
}

int eval_main(char **args)
{
    job j = {0};
    int code = job_read(&j, args);
    return code != 0 ? code : job_main(&j);
}
