/* context.c: contexts: the ceiling, the workers, the registry of operations. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/internal.h"
#include "base/alloc.h"
#include "base/fault.h"
#include "base/thread.h"

_Static_assert((int)CHUNK_COMPLEX128 == (int)CHK_C128 && (int)CHUNK_BOOL == (int)CHK_BOOL && (int)CHUNK_FLOAT16 == (int)CHK_F16,
               "public and internal dtypes have the same numbers");
_Static_assert((int)CHUNK_PARAM_STAR_ANY == (int)CHK_PAR_STAR_ANY - (int)CHK_PAR_ARRAY,
               "public and internal kinds of parameters are in the same order");

const char *chunk_version(void) { return CHUNK_VERSION; }

const char *chunk_dtype_name(chunk_dtype d) { return (int)d >= 0 && (int)d < CHK_NDTYPE ? chk_dtype_name((chk_dtype)d) : NULL; }

size_t chunk_dtype_size(chunk_dtype d) { return (int)d >= 0 && (int)d < CHK_NDTYPE ? chk_dtype_size((chk_dtype)d) : 0; }

chunk_status chk_context_check(const chunk_context *ctx, chunk_error *err)
{
    if (!ctx) return chk_fail(err, CHUNK_EINVAL, "the context is NULL");
    if (ctx->pid != getpid())
        return chk_fail(err, CHUNK_ESTATE, "this context belongs to the parent process: make a new one after fork");
    return CHUNK_OK;
}

/* In test builds only: failure on demand, and tasks in an order drawn from a seed. */
static uint64_t read_test_settings(void)
{
    uint64_t scramble = 0;
#ifdef CHUNK_FAULTS
    const char *fault = getenv("CHUNK_FAULT"), *seed = getenv("CHUNK_SCRAMBLE");
    if (fault) chk_fault_arm_text(fault);
    if (seed) scramble = strtoull(seed, NULL, 10);
#endif
    return scramble;
}

/* A value that an expression needs while it is built: a run of its own, under the same ceiling. */
static chunk_status evaluate(void *arg, chk_node *n, void *out, chunk_error *err)
{
    chunk_context *ctx = arg;
    chunk_array *a;
    CHK_TRY(chk_array_wrap(&a, ctx, chk_node_retain(n), err));
    chunk_output o = {.size = sizeof o, .array = a, .data = out};
    chunk_report report = {0};
    uint64_t before = atomic_exchange(&ctx->evaluated_bytes, 0); /* this run's report is not to tell of others */
    int n_before = atomic_exchange(&ctx->n_evaluated, 0);
    chunk_status st = chunk_compute(ctx, &o, 1, NULL, &report, err);
    ctx->evaluated_bytes += before + report.bytes_read;
    ctx->n_evaluated += n_before + 1;
    chunk_array_free(a);
    return st;
}

/* In whole MiB where they are measured, so that they are the same from run to run. Once a context: what a run leaves behind (files open, stacks of workers)
 * the plan of the next counts by itself. */
static uint64_t process_bytes(const chunk_context *ctx)
{
    uint64_t mib = (uint64_t)1 << 20, now = chk_self_resident_bytes() + CHK_GROWTH_BYTES;
    uint64_t process = (CHK_PROCESS_BYTES + (uint64_t)chk_loaded_libraries() * CHK_LIBRARY_BYTES) / (mib / 2) * (mib / 2);
    if (now > process) process = (now + mib) / mib * mib;
    return process + (ctx->reserved + mib - 1) / mib * mib;
}

chunk_status chk_take_options(void *out, size_t size, const void *in, const char *name, chunk_error *err)
{
    size_t given;
    memcpy(&given, in, sizeof given);
    if (given <= sizeof given || given > size)
        return chk_fail(err, CHUNK_EINVAL, "%s.size is %zu, not %zu: set it to sizeof(%s)", name, given, size, name);
    memset(out, 0, size);
    memcpy(out, in, given);
    return CHUNK_OK;
}

chunk_status chunk_context_new(chunk_context **out, const chunk_options *options, chunk_error *err)
{
    chunk_options o = {0};
    if (!out) return chk_fail(err, CHUNK_EINVAL, "chunk_context_new: out is NULL");
    if (options) CHK_TRY(chk_take_options(&o, sizeof o, options, "chunk_options", err));
    if (o.threads < 0 || o.threads > 1024)
        return chk_fail(err, CHUNK_EINVAL, "threads is %d: give 1 to 1024, or 0 for the default", o.threads);
    uint64_t scramble = read_test_settings();
    chunk_context *ctx = chk_calloc(1, sizeof *ctx);
    if (!ctx) return chk_fail(err, CHUNK_ENOMEM, "out of memory for a context");
    ctx->scramble = scramble;
    ctx->pid = getpid();
    ctx->memory = o.memory ? o.memory : chk_memory_allowed() / 2;
    ctx->threads = o.threads ? o.threads : chk_cpu_count();
    ctx->whole_process = o.whole_process;
    ctx->reserved = o.reserved;
    ctx->process_bytes = process_bytes(ctx);
    chunk_status st = CHUNK_OK;
    if (o.scratch && !(ctx->scratch = chk_strdup(o.scratch))) st = chk_fail(err, CHUNK_ENOMEM, "out of memory for a context");
    if (st == CHUNK_OK) st = chk_ledger_new(&ctx->ledger, ctx->memory, NULL, err);
    if (st == CHUNK_OK) st = chk_builder_new(&ctx->builder, chk_op_table, chk_op_table_n, err);
    if (st == CHUNK_OK) chk_builder_set_evaluate(ctx->builder, evaluate, ctx);
    if (st == CHUNK_OK) st = chk_pool_new(&ctx->pool, ctx->threads, err);
    if (st != CHUNK_OK) {
        chunk_context_free(ctx);
        return st;
    }
    *out = ctx;
    return CHUNK_OK;
}

void chunk_context_defer(chunk_context *ctx, bool defer)
{
    if (ctx) ctx->defer = defer;
}

void chunk_context_assume(chunk_context *ctx, bool assume)
{
    if (ctx) chk_builder_assume(ctx->builder, assume);
}

void chunk_context_assume_most(chunk_context *ctx, const int64_t *most, int n)
{
    if (ctx) chk_builder_assume_most(ctx->builder, most, most ? n : 0);
}

int chunk_context_n_assumed(const chunk_context *ctx) { return ctx ? chk_builder_n_met(ctx->builder) : 0; }

void chunk_context_free(chunk_context *ctx)
{
    if (!ctx) return;
    if (ctx->pid == getpid()) chk_pool_free(ctx->pool);
    chk_builder_free(ctx->builder);
    chk_ledger_free(ctx->ledger);
    chk_free(ctx->scratch);
    chk_free(ctx);
}

uint64_t chk_context_fixed_bytes(const chunk_context *ctx)
{
    if (!ctx->whole_process) return chk_h5_fixed_bytes(0);
    return ctx->process_bytes;
}

chunk_status chunk_context_set(chunk_context *ctx, const chunk_options *options, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    chunk_options o;
    if (!options) return chk_fail(err, CHUNK_EINVAL, "chunk_context_set: options are NULL");
    CHK_TRY(chk_take_options(&o, sizeof o, options, "chunk_options", err));
    if (o.threads < 0 || o.threads > 1024)
        return chk_fail(err, CHUNK_EINVAL, "threads is %d: give 1 to 1024, or 0 for the default", o.threads);
    if (chk_ledger_used(ctx->ledger)) return chk_fail(err, CHUNK_ESTATE, "chunk_context_set: a run of this context goes on");
    uint64_t memory = o.memory ? o.memory : chk_memory_allowed() / 2;
    int threads = o.threads ? o.threads : chk_cpu_count();
    chk_ledger *ledger = NULL;
    chk_pool *pool = NULL;
    char *scratch = NULL;
    chunk_status st = chk_ledger_new(&ledger, memory, NULL, err);
    if (st == CHUNK_OK && threads != ctx->threads) st = chk_pool_new(&pool, threads, err);
    if (st == CHUNK_OK && o.scratch && !(scratch = chk_strdup(o.scratch)))
        st = chk_fail(err, CHUNK_ENOMEM, "out of memory for a context");
    if (st != CHUNK_OK) {
        chk_pool_free(pool);
        chk_ledger_free(ledger);
        return st;
    }
    chk_ledger_free(ctx->ledger);
    ctx->ledger = ledger;
    if (pool) {
        chk_pool_free(ctx->pool);
        ctx->pool = pool;
    }
    chk_free(ctx->scratch);
    ctx->scratch = scratch;
    ctx->memory = memory;
    ctx->threads = threads;
    return CHUNK_OK;
}

int chunk_op_count(void) { return (int)chk_op_table_n; }

chunk_status chunk_op_get(int i, chunk_op_info *out)
{
    if (!out || i < 0 || i >= (int)chk_op_table_n) return CHUNK_EINVAL;
    const chk_op *op = chk_op_table[i];
    *out = (chunk_op_info){.name = op->name, .aliases = op->aliases, .family = op->family, .summary = op->summary, .doc = op->doc};
    chk_op_signature(out->signature, sizeof out->signature, op);
    return CHUNK_OK;
}

chunk_status chunk_op_param(int i, int k, chunk_param_info *out)
{
    if (!out || i < 0 || i >= (int)chk_op_table_n || k < 0 || k >= CHK_MAX_PARAMS) return CHUNK_EINVAL;
    const chk_param *p = &chk_op_table[i]->params[k];
    if (p->kind == CHK_PAR_END) return CHUNK_EINVAL;
    *out = (chunk_param_info){
        .name = p->name, .kind = (chunk_param_kind)(p->kind - CHK_PAR_ARRAY), .dflt = p->dflt, .keyword_only = p->keyword_only};
    return CHUNK_OK;
}

void chunk_string_free(char *s) { chk_free(s); }
