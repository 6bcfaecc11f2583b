/* explain.c: a plan in words, for people (stable text) and for programs (JSON). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/fused.h"
#include "plan/planner.h"

typedef struct text {
    char *s;
    size_t n, cap;
    bool failed;
} text;

static void add(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(text *t, const char *fmt, ...)
{
    for (int tries = 0; tries < 2 && !t->failed; tries++) {
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(t->s ? t->s + t->n : NULL, t->cap - t->n, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < t->cap - t->n) {
            t->n += (size_t)n;
            return;
        }
        size_t cap = (t->cap ? t->cap * 2 : 1024) + (size_t)(n > 0 ? n : 0);
        char *s = chk_realloc(t->s, cap);
        if (!s)
            t->failed = true;
        else
            t->s = s, t->cap = cap;
    }
}

/* A name as a JSON string. */
static void add_string(text *t, const char *s)
{
    add(t, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            add(t, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            add(t, "\\u%04x", *s);
        else
            add(t, "%c", *s);
    }
    add(t, "\"");
}

static uint64_t live_regions(const chk_plan *p, int pass)
{
    uint64_t n = 0;
    for (int r = 0; r < p->n_regions; r++)
        if (p->region[r]->first <= pass && pass <= p->region[r]->last) n += chk_page_round(p->region[r]->n_bytes);
    return n;
}

static void shape_of_block(char *buf, size_t size, const chk_fused *f)
{
    chk_shape s = {.ndim = f->space.ndim};
    memcpy(s.dim, f->g.block, sizeof s.dim);
    chk_shape_text(buf, size, &s);
}

static void operations(text *t, const chk_fused *f, bool json)
{
    bool first = true;
    for (int i = 0; i < f->program.n_instr; i++) {
        const chk_instr *c = &f->program.instr[i];
        const char *name = c->kind == CHK_INSTR_CALL || c->kind == CHK_INSTR_JOINED ? c->u.call.name
                           : c->kind == CHK_INSTR_USER                              ? c->u.user->name
                           : c->kind == CHK_INSTR_IOTA                              ? "iota"
                                                                                    : NULL;
        if (!name) continue;
        add(t, "%s", first ? "" : json ? "," : " ");
        first = false;
        if (json)
            add_string(t, name);
        else
            add(t, "%s", name);
    }
    if (first && !json) add(t, "none");
}

/* What is read from files and memory, each once, through whatever computes with it. */
typedef struct leaves {
    text *t;
    bool json;
    const chk_source *seen[64];
    int n;
} leaves;

static void add_leaf(void *arg, chk_source *s)
{
    leaves *l = arg;
    char a[128];
    if (s->ops->inner) return;
    for (int i = 0; i < l->n; i++)
        if (l->seen[i] == s) return;
    if (l->n == 64) return;
    l->seen[l->n++] = s;
    if (l->json) {
        add(l->t, "%s", l->n > 1 ? "," : "");
        add_string(l->t, s->name);
    } else {
        add(l->t, "  reads: %s %s %s\n", s->name, chk_shape_text(a, sizeof a, &s->shape), chk_dtype_name(s->dtype));
    }
}

static void look_into(void *arg, chk_source *s) { chk_source_walk(s, add_leaf, arg); }

static void add_leaves(text *t, const chk_pass *p, bool json)
{
    leaves l = {.t = t, .json = json};
    if (p->ops->sources) p->ops->sources(p, look_into, &l);
}

static const chk_fused *fused_of(const chk_pass *p) { return p->ops->size == chk_fused_stream_ops.size ? p->ctx : NULL; }

static void explain_text(text *t, const chk_plan *p, int peak)
{
    char a[256], b[64], c[64], d[64];
    add(t, "plan: %d pass%s, %d worker%s, peak %s of %s, set by pass %d\n", p->n_passes, p->n_passes == 1 ? "" : "es", p->n_workers,
        p->n_workers == 1 ? "" : "s", chk_bytes_text(a, sizeof a, p->projected_peak), chk_bytes_text(b, sizeof b, p->ceiling),
        peak + 1);
    add(t, "fixed: %s for the process, %s a worker\n", chk_bytes_text(a, sizeof a, p->fixed_bytes),
        chk_bytes_text(b, sizeof b, p->per_worker_bytes));
    if (p->n_evaluated)
        add(t, "first, for shapes and values: %d run%s, %s read\n", p->n_evaluated, p->n_evaluated == 1 ? "" : "s",
            chk_bytes_text(a, sizeof a, p->evaluated_bytes));
    for (int i = 0; i < p->n_passes; i++) {
        const chk_pass *pass = &p->pass[i];
        const chk_fused *f = fused_of(pass);
        add(t, "pass %d: %s\n", i + 1, pass->name);
        if (pass->ops->describe) {
            pass->ops->describe(pass, a, sizeof a);
            add(t, "  does: %s\n", a);
        }
        if (f) {
            add(t, "  operations: ");
            operations(t, f, false);
            add(t, "\n");
        }
        for (int k = 0; f && k < f->program.n_inputs; k++) {
            const chk_prog_input *in = &f->program.input[k];
            add(t, "  %s: %s %s %s%s\n", in->source->ops->inner ? "computes" : "reads", in->source->name,
                chk_shape_text(a, sizeof a, &in->source->shape), chk_dtype_name(in->source->dtype),
                in->aligned || in->source->ops->inner ? "" : ", across its chunks");
            if (in->source->ops->inner) in->source->ops->inner(in->source, look_into, &(leaves){.t = t});
        }
        if (!f) add_leaves(t, pass, false);
        if (f) {
            shape_of_block(b, sizeof b, f);
            add(t, "  space: %s, blocks %s, tasks %" PRIu64 "\n", chk_shape_text(a, sizeof a, &f->space), b, pass->n_tasks);
        } else {
            add(t, "  tasks: %" PRIu64 "\n", pass->n_tasks);
        }
        add(t, "  bytes: read %s, written %s, spilled %s, recomputed %s\n", chk_bytes_text(a, sizeof a, pass->bytes_read),
            chk_bytes_text(b, sizeof b, pass->bytes_written), chk_bytes_text(c, sizeof c, pass->bytes_spilled),
            chk_bytes_text(d, sizeof d, pass->bytes_recomputed));
        add(t, "  live: work %s and windows %s a worker", chk_bytes_text(a, sizeof a, pass->work_bytes),
            chk_bytes_text(b, sizeof b, pass->window_bytes));
        add(t, ", %s kept a task, regions %s\n", chk_bytes_text(a, sizeof a, pass->kept_bytes),
            chk_bytes_text(b, sizeof b, live_regions(p, i)));
    }
    for (int i = 0; i < p->n_loans; i++) {
        const chk_loan *l = &p->loan[i];
        add(t, "passes %d to %d keep up to %d decoded chunks of %s, %s\n", l->region->first + 1, l->region->last + 1, l->n,
            l->source->name, chk_bytes_text(a, sizeof a, l->region->n_bytes));
    }
}

static void explain_json(text *t, const chk_plan *p, int peak)
{
    char a[256];
    add(t,
        "{\"workers\":%d,\"ceiling\":%" PRIu64 ",\"projected_peak\":%" PRIu64 ",\"peak_pass\":%d,\"fixed_bytes\":%" PRIu64
        ",\"per_worker_bytes\":%" PRIu64 ",\"evaluated\":{\"runs\":%d,\"bytes_read\":%" PRIu64 "},\"passes\":[",
        p->n_workers, p->ceiling, p->projected_peak, peak, p->fixed_bytes, p->per_worker_bytes, p->n_evaluated, p->evaluated_bytes);
    for (int i = 0; i < p->n_passes; i++) {
        const chk_pass *pass = &p->pass[i];
        const chk_fused *f = fused_of(pass);
        add(t, "%s{\"name\":", i ? "," : "");
        add_string(t, pass->name);
        snprintf(a, sizeof a, "%s", pass->name);
        if (pass->ops->describe) pass->ops->describe(pass, a, sizeof a);
        add(t, ",\"does\":");
        add_string(t, a);
        add(t, ",\"operations\":[");
        if (f) operations(t, f, true);
        add(t, "],\"inputs\":[");
        add_leaves(t, pass, true);
        add(t, "],\"space\":[");
        for (int k = 0; f && k < f->space.ndim; k++) add(t, "%s%" PRId64, k ? "," : "", f->space.dim[k]);
        add(t, "],\"block\":[");
        for (int k = 0; f && k < f->space.ndim; k++) add(t, "%s%" PRId64, k ? "," : "", f->g.block[k]);
        add(t,
            "],\"tasks\":%" PRIu64 ",\"bytes_read\":%" PRIu64 ",\"bytes_written\":%" PRIu64 ",\"bytes_spilled\":%" PRIu64
            ",\"bytes_recomputed\":%" PRIu64,
            pass->n_tasks, pass->bytes_read, pass->bytes_written, pass->bytes_spilled, pass->bytes_recomputed);
        add(t, ",\"work_bytes\":%zu,\"window_bytes\":%zu,\"kept_bytes\":%zu,\"region_bytes\":%" PRIu64 "}", pass->work_bytes,
            pass->window_bytes, pass->kept_bytes, live_regions(p, i));
    }
    add(t, "],\"tiles\":[");
    for (int i = 0; i < p->n_loans; i++) {
        add(t, "%s{\"source\":", i ? "," : "");
        add_string(t, p->loan[i].source->name);
        add(t, ",\"first_pass\":%d,\"last_pass\":%d,\"chunks\":%d,\"bytes\":%" PRIu64 "}", p->loan[i].region->first,
            p->loan[i].region->last, p->loan[i].n, p->loan[i].region->n_bytes);
    }
    add(t, "]}");
}

char *chk_plan_explain(const chk_plan *p, bool json)
{
    text t = {0};
    int peak = 0;
    chk_plan_projected(p, p->n_workers, p->n_kept, &peak);
    if (json)
        explain_json(&t, p, peak);
    else
        explain_text(&t, p, peak);
    if (!t.failed) return t.s;
    chk_free(t.s);
    return NULL;
}
