/* eval_run.c: runs the results of `chunk eval`, or explains them, and prints what came out. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval.h"

/* What a run or plan is asked for: stored outputs, or values in memory. */
typedef struct request {
    chunk_output *outputs;
    chunk_array **parts; /* slices made for printing */
    int n;
    values *shown; /* n_results; NULL with -o */
} request;

static int make_request(job *j, request *r)
{
    chunk_error err = {0};
    if (j->outputs != NULL) {
        r->outputs = need_memory((size_t)j->n_results, sizeof *r->outputs);
        r->n = j->n_results;
        return job_stored_outputs(j, r->outputs);
    }
    int n = 0;
    r->shown = need_memory((size_t)j->n_results, sizeof *r->shown);
    for (int i = 0; i < j->n_results; i++) {
        values_of(&r->shown[i], j->results[i]);
        n += values_n_parts(&r->shown[i]);
    }
    r->outputs = need_memory((size_t)n, sizeof *r->outputs);
    r->parts = need_memory((size_t)n, sizeof(chunk_array *));
    for (int i = 0; i < j->n_results; i++)
        if (values_outputs(&r->shown[i], j->ctx, j->results[i], r->outputs, r->parts, &r->n, &err) != CHUNK_OK)
            return fail_error(&j->v, job_exit(j, &err), &err, NULL);
    return 0;
}

static void write_shapes(const job *j)
{
    fputs(", \"shapes\": [", stdout);
    for (int i = 0; i < j->n_results; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        json_shape(stdout, chunk_array_ndim(j->results[i]), chunk_array_shape(j->results[i]));
    }
    fputs("], \"dtypes\": [", stdout);
    for (int i = 0; i < j->n_results; i++)
        printf("%s\"%s\"", i > 0 ? ", " : "", chunk_dtype_name(chunk_array_dtype(j->results[i])));
    fputs("]", stdout);
}

static void write_bytes(const char *key, uint64_t n) { printf(", \"%s\": %llu", key, (unsigned long long)n); }

/* Without -o results stay in memory: nothing is stored. */
static uint64_t stored_bytes(const job *j, const chunk_report *report) { return j->outputs != NULL ? report->bytes_written : 0; }

static void write_traffic(const job *j, const chunk_report *report)
{
    write_bytes("ceiling", report->ceiling);
    write_bytes("bytes_read", report->bytes_read);
    write_bytes("bytes_written", stored_bytes(j, report));
    write_bytes("bytes_spilled", report->bytes_spilled);
}

int job_explain(job *j)
{
    request r = {0};
    chunk_error err = {0};
    chunk_report report = {0};
    char *plan = NULL;
    const chunk_run_options options = {.size = sizeof options, .overwrite = j->overwrite, .durable = j->durable};
    int code = make_request(j, &r);
    if (code != 0) return code;
    if (chunk_explain(&plan, j->ctx, r.outputs, r.n, &options, j->v.json, &report, &err) != CHUNK_OK)
        return fail_error(&j->v, job_exit(j, &err), &err, NULL);
    if (!j->v.json) {
        fputs(plan, stdout);
    } else {
        fputs("{\"plan\": ", stdout);
        json_raw(stdout, plan);
        write_shapes(j);
        write_bytes("projected_peak", report.projected_peak);
        write_traffic(j, &report);
        fputs("}\n", stdout);
    }
    chunk_string_free(plan);
    return finish_output(&j->v);
}

bool job_need(job *j, const chunk_binding *bound, int n, chunk_error *err)
{
    request r = {0};
    char *plan = NULL;
    if (chunk_text_build(j->results, j->parsed, j->ctx, bound, n, err) != CHUNK_OK) return false;
    j->v.silent = true;
    bool fits = make_request(j, &r) == 0;
    j->v.silent = false;
    if (fits) chunk_explain(&plan, j->ctx, r.outputs, r.n, NULL, false, NULL, err);
    chunk_string_free(plan);
    for (int i = 0; i < r.n && r.parts != NULL; i++) chunk_array_free(r.parts[i]);
    for (int i = 0; i < j->n_results; i++) chunk_array_free(j->results[i]);
    free(r.parts);
    free(r.outputs);
    free(r.shown);
    return fits;
}

static void write_values(const job *j, const request *r)
{
    bool several = j->n_results > 1;
    fputs(several ? "{\"values\": [" : "{\"value\": ", stdout);
    for (int i = 0; i < j->n_results; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        if (r->shown == NULL)
            fputs("null", stdout);
        else
            json_values(stdout, &r->shown[i]);
    }
    fputs(several ? "]" : "", stdout);
}

static void write_json(const job *j, const request *r, const chunk_report *report, double seconds, const char *profile)
{
    write_values(j, r);
    write_shapes(j);
    printf(", \"seconds\": %.6f", seconds);
    write_bytes("projected_peak", report->projected_peak);
    fflush(stdout);
    write_bytes("measured_peak", worker_peak());
    write_traffic(j, report);
    if (profile != NULL) {
        fputs(", \"profile\": ", stdout);
        json_raw(stdout, profile);
    }
    fputs("}\n", stdout);
}

/* Where result i went, and what is there now. */
static void write_place(const job *j, int i)
{
    char bytes[32], name[1200];
    const chunk_array *x = j->results[i];
    const into_place *p = j->place;
    int ndim = p != NULL ? p->ndim : chunk_array_ndim(x);
    const int64_t *shape = p != NULL ? p->shape : chunk_array_shape(x);
    chunk_dtype dtype = p != NULL ? p->dtype : chunk_array_dtype(x);
    double size = (double)chunk_dtype_size(dtype);
    snprintf(name, sizeof name, "%s:%s", j->outputs[i].file, j->outputs[i].object);
    one_line(name);
    fprintf(stderr, "%s  ", name);
    for (int k = 0; k < ndim; k++) {
        fprintf(stderr, "%s%lld", k > 0 ? "x" : "", (long long)shape[k]);
        size *= (double)shape[k];
    }
    fprintf(stderr, "%s%s  %s\n", ndim > 0 ? " " : "", chunk_dtype_name(dtype), human_bytes(bytes, size));
}

/* What a person sees: values on standard output; where results went, and the three peaks, on standard error. */
static void write_text(const job *j, const request *r, const chunk_report *report, double seconds, const char *profile)
{
    char a[32], b[32], c[32];
    for (int i = 0; i < j->n_results && r->shown != NULL; i++) print_values(stdout, &r->shown[i]);
    fflush(stdout);
    if (j->v.quiet) return;
    if (profile != NULL) fputs(profile, stderr);
    if (j->outputs == NULL) return;
    for (int i = 0; i < j->n_results; i++) write_place(j, i);
    human_bytes(a, (double)report->bytes_read);
    human_bytes(b, (double)report->bytes_written);
    fprintf(stderr, "%s read, %s written in %.2f s; ", a, b, seconds);
    human_bytes(a, (double)worker_peak());
    human_bytes(b, (double)report->projected_peak);
    human_bytes(c, (double)report->ceiling);
    fprintf(stderr, "measured peak %s <= projected %s <= ceiling %s\n", a, b, c);
}

/* Waits; the bar is drawn ten times a second, and only where someone looks. */
static void wait_for(const job *j, chunk_run *run)
{
    bool done = false, shown = false, draw = !j->v.quiet && isatty(fileno(stderr));
    if (!draw) {
        chunk_run_wait(run, -1, &done);
        return;
    }
    while (chunk_run_wait(run, 0.1, &done) == CHUNK_OK && !done) {
        show_progress(run);
        shown = true;
    }
    if (shown) clear_progress();
}

int job_run(job *j)
{
    request r = {0};
    chunk_error err = {0};
    chunk_report report = {0};
    chunk_run *run;
    const chunk_run_options options = {
        .size = sizeof options, .overwrite = j->overwrite, .durable = j->durable, .profile = j->profile, .trace = j->trace};
    int code = make_request(j, &r);
    if (code != 0) return code;
    worker_run_claims();
    if (chunk_run_start(&run, j->ctx, r.outputs, r.n, &options, &err) != CHUNK_OK)
        return fail_error(&j->v, job_exit(j, &err), &err, NULL);
    worker_run_started(run);
    if (chunk_run_warning(run) != NULL) warn(&j->v, "%s", chunk_run_warning(run));
    worker_crash_point("run");
    wait_for(j, run);
    char *profile = j->profile ? chunk_run_profile(run, j->v.json) : NULL;
    worker_run_ends();
    if (chunk_run_finish(run, &report, &err) != CHUNK_OK) return fail_error(&j->v, job_exit(j, &err), &err, NULL);
    double seconds = worker_seconds();
    if (j->v.json)
        write_json(j, &r, &report, seconds, profile);
    else
        write_text(j, &r, &report, seconds, profile);
    chunk_string_free(profile);
    for (int i = 0; i < r.n && r.parts != NULL; i++) chunk_array_free(r.parts[i]);
    return finish_output(&j->v);
}
