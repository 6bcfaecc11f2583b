/* run.c: runs: plan, check, create outputs, execute, make visible. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/outputs.h"
#include "api/room.h"
#include "base/alloc.h"
#include "base/thread.h"

struct chunk_run {
    chunk_context *ctx;
    chk_plan *plan;
    chk_exec *exec;
    chk_outputs outputs;
    bool durable;
    char warning[400];
    uint64_t t0;
};

/* Runs over spaces below this are computed in the calling thread: a hand-off would cost more than the work. */
enum { INLINE_ELEMENTS = 16384 };

static chunk_status check_options(chunk_run_options *out, const chunk_run_options *options, chunk_error *err)
{
    *out = (chunk_run_options){0};
    if (!options) return CHUNK_OK;
    return chk_take_options(out, sizeof *out, options, "chunk_run_options", err);
}

static chunk_status make_plan(chk_plan **plan, chk_outputs *os, const chunk_context *ctx, const chunk_output *outputs, int n,
                              uint64_t reserved, chunk_error *err)
{
    CHK_TRY(chk_outputs_describe(os, outputs, n, err));
    for (int i = 0; i < n; i++)
        if (os->out[i].o.array->ctx != ctx) return chk_fail(err, CHUNK_EINVAL, "output %d is an array of another context", i);
    chk_plan_options o = {.ceiling = ctx->memory,
                          .fixed_bytes = chk_context_fixed_bytes(ctx) + chk_outputs_file_bytes(os) + reserved,
                          .per_worker_bytes = CHK_WORKER_BYTES,
                          .threads = ctx->threads,
                          .whole_process = ctx->whole_process,
                          .any_order = ctx->scramble != 0};
    chunk_status st = chk_plan_make(plan, os->targets, n, &o, err);
    if (os->refused.code == CHUNK_OK || (st != CHUNK_OK && st != CHUNK_ECEILING)) return st;
    if (err && (st == CHUNK_OK || err->needed < os->refused.needed)) *err = os->refused;
    return CHUNK_ECEILING;
}

static void on_thread(bool start)
{
    if (!start) chk_codec_thread_done();
}

static bool is_small(const chk_outputs *os, const chk_plan *p)
{
    for (int i = 0; i < os->n; i++)
        if (os->out[i].o.file || os->out[i].o.write || chk_shape_count(&os->out[i].node->shape) > INLINE_ELEMENTS) return false;
    for (int i = 0; i < p->n_passes; i++)
        if (p->pass[i].n_tasks > 1 || p->pass[i].work_bytes > (4 << 20)) return false;
    return true;
}

/* Scratch, where the plan spills, once there is room for it and for the outputs. The folder for spilled data: asked for, the output's, TMPDIR, in that order. */
static chunk_status make_scratch(chunk_run *run, chunk_error *err)
{
    uint64_t bytes = chk_plan_scratch_bytes(run->plan);
    const char *dir = run->ctx->scratch, *file = NULL;
    for (int i = 0; i < run->outputs.n && !file; i++) file = run->outputs.out[i].o.file;
    const char *slash = file ? strrchr(file, '/') : NULL;
    char *parent = slash ? chk_strndup(file, slash == file ? 1 : (size_t)(slash - file)) : NULL;
    if (!dir) dir = parent ? parent : file ? "." : getenv("TMPDIR");
    if (!dir) dir = "/tmp";
    chk_scratch *scratch = NULL;
    chunk_status st = chk_room_check(run->warning, sizeof run->warning, run->plan, &run->outputs, bytes ? dir : NULL, err);
    if (st == CHUNK_OK && bytes) st = chk_scratch_new(&scratch, dir, run->ctx->scratch != NULL, bytes, err);
    if (scratch) chk_plan_set_scratch(run->plan, scratch);
    chk_free(parent);
    return st;
}

typedef struct changed_files {
    chunk_status st;
    chunk_error *err;
} changed_files;

static void check_file(void *arg, chk_source *s)
{
    changed_files *c = arg;
    if (c->st == CHUNK_OK && s->file) c->st = chk_h5file_check(s->file, c->err);
}

static void check_source(void *arg, chk_source *s) { chk_source_walk(s, check_file, arg); }

/* What a run reads has to be, from first to last, what was there when its files were opened. */
static chunk_status check_inputs(const chk_plan *p, chunk_error *err)
{
    changed_files c = {CHUNK_OK, err};
    for (int i = 0; i < p->n_passes; i++)
        if (p->pass[i].ops->sources) p->pass[i].ops->sources(&p->pass[i], check_source, &c);
    return c.st;
}

static void run_free(chunk_run *run)
{
    chk_outputs_done(&run->outputs);
    chk_plan_free(run->plan);
    chk_free(run);
}

chunk_status chunk_run_start(chunk_run **out, chunk_context *ctx, const chunk_output *outputs, int n_outputs,
                             const chunk_run_options *options, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    chunk_run_options o;
    CHK_TRY(check_options(&o, options, err));
    chunk_run *run = chk_calloc(1, sizeof *run);
    if (!run) return chk_fail(err, CHUNK_ENOMEM, "out of memory for a run");
    run->ctx = ctx;
    run->durable = o.durable;
    run->t0 = chk_clock_ns();
    chunk_status st = make_plan(&run->plan, &run->outputs, ctx, outputs, n_outputs, o.reserved, err);
    if (st == CHUNK_OK) st = check_inputs(run->plan, err);
    if (st == CHUNK_OK) st = make_scratch(run, err);
    if (st == CHUNK_OK) st = chk_outputs_create(&run->outputs, run->plan, o.overwrite, err);
    if (st == CHUNK_OK) {
        chk_exec_options e = {.profile = o.profile,
                              .trace = o.trace,
                              .event = o.event,
                              .event_user = o.event_user,
                              .scramble = run->ctx->scramble,
                              .inline_small = is_small(&run->outputs, run->plan),
                              .on_thread = on_thread};
        st = chk_exec_start(&run->exec, run->plan, ctx->ledger, ctx->pool, &e, err);
    }
    if (st != CHUNK_OK) {
        run_free(run);
        return st;
    }
    *out = run;
    return CHUNK_OK;
}

chunk_status chunk_run_wait(chunk_run *run, double seconds, bool *done)
{
    if (!run) return CHUNK_EINVAL;
    bool ended = chk_exec_wait(run->exec, seconds);
    if (done) *done = ended;
    return CHUNK_OK;
}

void chunk_run_progress(chunk_run *run, chunk_progress *out)
{
    chk_exec_progress p;
    chk_exec_progress_get(run->exec, &p);
    *out = (chunk_progress){.tasks_done = p.tasks_done,
                            .tasks_total = p.tasks_total,
                            .bytes_done = p.bytes_done,
                            .bytes_total = p.bytes_total,
                            .seconds = p.seconds,
                            .seconds_left = -1,
                            .pass = p.pass,
                            .n_passes = p.n_passes};
    double share = p.tasks_total ? (double)p.tasks_done / (double)p.tasks_total
                                 : 0; /* bytes are not known beforehand where chunks are absent or compressed */
    if (share > 0.001 && p.seconds > 0.05) out->seconds_left = share >= 1 ? 0 : p.seconds * (1 - share) / share;
}

void chunk_run_cancel(chunk_run *run) { chk_exec_cancel(run->exec); }

const char *chunk_run_warning(const chunk_run *run) { return run->warning[0] ? run->warning : NULL; }

char *chunk_run_profile(chunk_run *run, bool json) { return chk_exec_profile(run->exec, json); }

static uint64_t measured_peak(const chunk_run *run, const chk_exec_totals *t)
{
    if (run->ctx->whole_process) return chk_self_peak_bytes() + run->ctx->reserved;
    return run->plan->fixed_bytes + chk_plan_thread_bytes(run->plan, t->n_workers) + t->ledger_peak;
}

chunk_status chunk_run_finish(chunk_run *run, chunk_report *report, chunk_error *err)
{
    if (!run) return chk_fail(err, CHUNK_EINVAL, "the run is NULL");
    chk_exec_totals t = {0};
    chunk_status st = chk_exec_finish(run->exec, &t, err);
    st = chk_outputs_end(&run->outputs, run->durable, st, err);
    if (st == CHUNK_OK) st = check_inputs(run->plan, err);
    if (st == CHUNK_OK) st = chk_outputs_commit(&run->outputs, run->durable, err);
    uint64_t evaluated = atomic_exchange(&run->ctx->evaluated_bytes, 0);
    atomic_store(&run->ctx->n_evaluated, 0);
    if (report)
        *report = (chunk_report){.seconds = (double)(chk_clock_ns() - run->t0) * 1e-9,
                                 .ceiling = run->plan->ceiling,
                                 .projected_peak = run->plan->projected_peak,
                                 .measured_peak = measured_peak(run, &t),
                                 .bytes_read = t.stats.bytes_read + evaluated,
                                 .bytes_written = t.stats.bytes_written,
                                 .bytes_spilled = t.stats.bytes_spilled,
                                 .tasks = t.tasks,
                                 .threads = t.n_workers};
    run_free(run);
    return st;
}

chunk_status chunk_compute(chunk_context *ctx, const chunk_output *outputs, int n_outputs, const chunk_run_options *options,
                           chunk_report *report, chunk_error *err)
{
    chunk_run *run;
    CHK_TRY(chunk_run_start(&run, ctx, outputs, n_outputs, options, err));
    return chunk_run_finish(run, report, err);
}

chunk_status chunk_explain(char **text, chunk_context *ctx, const chunk_output *outputs, int n_outputs,
                           const chunk_run_options *options, bool json, chunk_report *report, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    chunk_run_options o;
    CHK_TRY(check_options(&o, options, err));
    chk_outputs os = {0};
    chk_plan *plan = NULL;
    chunk_status st = make_plan(&plan, &os, ctx, outputs, n_outputs, o.reserved, err);
    if (st == CHUNK_OK) {
        plan->n_evaluated = ctx->n_evaluated;
        plan->evaluated_bytes = ctx->evaluated_bytes;
        char *s = chk_plan_explain(plan, json);
        if (!s)
            st = chk_fail(err, CHUNK_ENOMEM, "out of memory for the plan's text");
        else
            *text = s;
    }
    if (st == CHUNK_OK && report) {
        *report = (chunk_report){.ceiling = plan->ceiling,
                                 .projected_peak = plan->projected_peak,
                                 .bytes_read = ctx->evaluated_bytes,
                                 .threads = plan->n_workers};
        for (int i = 0; i < plan->n_passes; i++) {
            report->bytes_read += plan->pass[i].bytes_read;
            report->bytes_written += plan->pass[i].bytes_written;
            report->bytes_spilled += plan->pass[i].bytes_spilled;
            report->tasks += plan->pass[i].n_tasks;
        }
    }
    chk_plan_free(plan);
    chk_outputs_done(&os);
    return st;
}
