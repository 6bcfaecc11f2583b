/* array.c: array handles: made from files, memory, callbacks and calls of operations. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "base/alloc.h"

chunk_status chk_array_wrap(chunk_array **out, chunk_context *ctx, chk_node *node, chunk_error *err)
{
    chunk_array *a = chk_calloc(1, sizeof *a);
    if (!a) {
        chk_node_release(node);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory for an array handle");
    }
    a->refs = 1;
    a->ctx = ctx;
    a->node = node;
    memcpy(a->shape, node->shape.dim, sizeof a->shape);
    *out = a;
    return CHUNK_OK;
}

static chunk_status wrap_source(chunk_array **out, chunk_context *ctx, chk_source *s, const char *name, chunk_error *err)
{
    chk_node *node;
    chunk_status st = chk_node_source(&node, ctx->builder, s, name, err);
    chk_source_release(s);
    return st == CHUNK_OK ? chk_array_wrap(out, ctx, node, err) : st;
}

chunk_status chunk_from_hdf5(chunk_array **out, chunk_context *ctx, const char *file, const char *dataset, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !file || !dataset) return chk_fail(err, CHUNK_EINVAL, "chunk_from_hdf5: out, file or dataset is NULL");
    chk_h5file *f;
    chk_h5set *set = NULL;
    chk_source *s = NULL;
    CHK_TRY(chk_h5file_open(&f, file, err));
    chunk_status st = chk_h5set_open(&set, f, dataset, err);
    if (st == CHUNK_OK) st = chk_source_h5(&s, set, err);
    char name[4096];
    if (st == CHUNK_OK) snprintf(name, sizeof name, "%s:%s%s", file, dataset[0] == '/' ? "" : "/", dataset);
    chk_h5set_release(set);
    chk_h5file_release(f);
    return st == CHUNK_OK ? wrap_source(out, ctx, s, name, err) : st;
}

static chunk_status check_shape(chk_shape *out, chunk_dtype dtype, int ndim, const int64_t *shape, chunk_error *err)
{
    if ((int)dtype < 0 || (int)dtype >= CHK_NDTYPE)
        return chk_fail(err, CHUNK_ETYPE, "dtype number %d is none of chunk_dtype's", (int)dtype);
    if (ndim < 0 || ndim > CHUNK_MAX_NDIM)
        return chk_fail(err, CHUNK_ESHAPE, "%d dimensions: 0 to %d can be handled", ndim, CHUNK_MAX_NDIM);
    if (ndim && !shape) return chk_fail(err, CHUNK_EINVAL, "shape is NULL for %d dimensions", ndim);
    out->ndim = ndim;
    int64_t bytes = (int64_t)chk_dtype_size((chk_dtype)dtype);
    for (int a = 0; a < ndim; a++) {
        if (shape[a] < 0) return chk_fail(err, CHUNK_ESHAPE, "axis %d has a negative extent of %lld", a, (long long)shape[a]);
        out->dim[a] = shape[a];
        if (__builtin_mul_overflow(bytes, shape[a] ? shape[a] : 1, &bytes))
            return chk_fail(err, CHUNK_ESHAPE, "the shape has more than 2^63 bytes");
    }
    return CHUNK_OK;
}

chunk_status chunk_from_memory(chunk_array **out, chunk_context *ctx, const void *data, chunk_dtype dtype, int ndim,
                               const int64_t *shape, const int64_t *strides, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    chk_shape s;
    CHK_TRY(check_shape(&s, dtype, ndim, shape, err));
    if (!out || (!data && chk_shape_count(&s) > 0)) return chk_fail(err, CHUNK_EINVAL, "chunk_from_memory: out or data is NULL");
    chk_source *source;
    CHK_TRY(chk_source_memory(&source, data, (chk_dtype)dtype, &s, strides, err));
    return wrap_source(out, ctx, source, "memory", err);
}

chunk_status chunk_from_callback(chunk_array **out, chunk_context *ctx, chunk_read_callback read, void *user, chunk_dtype dtype,
                                 int ndim, const int64_t *shape, const int64_t *chunk, bool thread_safe, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    chk_shape s;
    CHK_TRY(check_shape(&s, dtype, ndim, shape, err));
    if (!out || !read) return chk_fail(err, CHUNK_EINVAL, "chunk_from_callback: out or read is NULL");
    for (int a = 0; chunk && a < ndim; a++)
        if (chunk[a] < 1)
            return chk_fail(err, CHUNK_ESHAPE, "chunk extent %lld on axis %d: it must be 1 or more", (long long)chunk[a], a);
    chk_source *source;
    CHK_TRY(chk_source_callback(&source, read, user, NULL, (chk_dtype)dtype, &s, chunk, thread_safe, err));
    return wrap_source(out, ctx, source, "callback", err);
}

chunk_status chunk_from_scalar(chunk_array **out, chunk_context *ctx, chunk_dtype dtype, const void *value, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !value) return chk_fail(err, CHUNK_EINVAL, "chunk_from_scalar: out or value is NULL");
    chk_shape s;
    CHK_TRY(check_shape(&s, dtype, 0, NULL, err));
    chk_scalar v = {.dtype = (chk_dtype)dtype};
    memcpy(v.v.bytes, value, chk_dtype_size(v.dtype));
    chk_node *node;
    CHK_TRY(chk_node_scalar(&node, ctx->builder, &v, false, err));
    return chk_array_wrap(out, ctx, node, err);
}

chunk_status chunk_from_int(chunk_array **out, chunk_context *ctx, int64_t value, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out) return chk_fail(err, CHUNK_EINVAL, "chunk_from_int: out is NULL");
    chk_node *node;
    CHK_TRY(chk_node_int(&node, ctx->builder, value, err));
    return chk_array_wrap(out, ctx, node, err);
}

chunk_status chunk_from_float(chunk_array **out, chunk_context *ctx, double value, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out) return chk_fail(err, CHUNK_EINVAL, "chunk_from_float: out is NULL");
    chk_node *node;
    CHK_TRY(chk_node_float(&node, ctx->builder, value, err));
    return chk_array_wrap(out, ctx, node, err);
}

chunk_array *chunk_array_retain(chunk_array *a)
{
    if (a) a->refs++;
    return a;
}

void chunk_array_free(chunk_array *a)
{
    if (!a || --a->refs > 0) return;
    chk_node_release(a->node);
    chk_free(a);
}

int chunk_array_ndim(const chunk_array *a) { return a->node->shape.ndim; }
const int64_t *chunk_array_shape(const chunk_array *a) { return a->shape; }
chunk_dtype chunk_array_dtype(const chunk_array *a) { return (chunk_dtype)a->node->dtype; }
/* Of the shape as it is told: a run that found how many elements a mask selects has put that in. */
int64_t chunk_array_count(const chunk_array *a)
{
    chk_shape s = {.ndim = a->node->shape.ndim};
    memcpy(s.dim, a->shape, (size_t)s.ndim * sizeof *s.dim);
    return chk_shape_count(&s);
}

int64_t chunk_array_bounds(const chunk_array *a, int axis, int64_t *bounds, int64_t n)
{
    if (axis < 0 || axis >= a->node->shape.ndim) return -1;
    const chk_axis_grid *g = &a->node->grid.axis[axis];
    for (int64_t k = 0; k <= g->n_chunks && k < n; k++) bounds[k] = chk_axis_bound(g, k);
    return g->n_chunks;
}

/* ---- calls */

enum { MAX_ARGS = 32, FEW_VALUES = 64, MAX_VALUES = 1 << 20, MAX_DEPTH = 4 };

/* Items of all tuples in an argument; more than MAX_VALUES where it is none that can be read. */
static int64_t n_items_of(const chunk_arg *arg, int depth)
{
    if (arg->kind != CHUNK_ARG_TUPLE) return 0;
    if (arg->n_items < 0 || (arg->n_items && !arg->items) || depth > MAX_DEPTH) return MAX_VALUES + 1;
    int64_t n = arg->n_items;
    for (int i = 0; i < arg->n_items && n <= MAX_VALUES; i++) n += n_items_of(&arg->items[i], depth + 1);
    return n;
}

static chunk_status to_value(chk_value *v, const chunk_arg *arg, chk_value **pool, chunk_error *err)
{
    *v = (chk_value){0};
    switch (arg->kind) {
    case CHUNK_ARG_NONE: v->kind = CHK_VAL_NONE; return CHUNK_OK;
    case CHUNK_ARG_ARRAY:
        if (!arg->array) return chk_fail(err, CHUNK_EINVAL, "an array argument is NULL");
        v->kind = CHK_VAL_NODE;
        v->u.node = arg->array->node;
        return CHUNK_OK;
    case CHUNK_ARG_INT: v->kind = CHK_VAL_INT, v->u.i.i = arg->i; return CHUNK_OK;
    case CHUNK_ARG_UINT:
        v->kind = CHK_VAL_INT, v->u.i.i = arg->i, v->u.i.big = arg->i < 0, v->u.i.u = (uint64_t)arg->i;
        return CHUNK_OK;
    case CHUNK_ARG_FLOAT: v->kind = CHK_VAL_FLOAT, v->u.f = arg->f[0]; return CHUNK_OK;
    case CHUNK_ARG_COMPLEX: v->kind = CHK_VAL_COMPLEX, v->u.c[0] = arg->f[0], v->u.c[1] = arg->f[1]; return CHUNK_OK;
    case CHUNK_ARG_BOOL: v->kind = CHK_VAL_BOOL, v->u.b = arg->i != 0; return CHUNK_OK;
    case CHUNK_ARG_STRING:
        if (!arg->s) return chk_fail(err, CHUNK_EINVAL, "a string argument is NULL");
        v->kind = CHK_VAL_STRING, v->u.s = arg->s;
        return CHUNK_OK;
    case CHUNK_ARG_DTYPE:
        if (arg->i < 0 || arg->i >= CHK_NDTYPE)
            return chk_fail(err, CHUNK_ETYPE, "dtype number %lld is none of chunk_dtype's", (long long)arg->i);
        v->kind = CHK_VAL_DTYPE, v->u.dtype = (chk_dtype)arg->i;
        return CHUNK_OK;
    case CHUNK_ARG_TUPLE: break;
    default: return chk_fail(err, CHUNK_EINVAL, "argument kind %d is none of chunk_arg_kind's", (int)arg->kind);
    }
    chk_value *items = *pool;
    *pool += arg->n_items;
    for (int i = 0; i < arg->n_items; i++) CHK_TRY(to_value(&items[i], &arg->items[i], pool, err));
    v->kind = CHK_VAL_TUPLE;
    v->u.tuple.item = items;
    v->u.tuple.n = arg->n_items;
    return CHUNK_OK;
}

/* Arguments as the table's operations take them. */
typedef struct call {
    chk_value value[MAX_ARGS], few[FEW_VALUES], *many; /* items of tuples: in few where there is room */
    const char *name[MAX_ARGS];
} call;

/* call_done is for the caller in any case. */
static chunk_status read_call(call *c, chunk_context *ctx, const void *out, const char *op, const chunk_arg *args, int n_args,
                              chunk_error *err)
{
    c->many = NULL;
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !op || (n_args && !args)) return chk_fail(err, CHUNK_EINVAL, "chunk_call: out, op or args is NULL");
    if (n_args < 0 || n_args > MAX_ARGS) return chk_fail(err, CHUNK_EINVAL, "%s: %d arguments: at most %d", op, n_args, MAX_ARGS);
    int64_t n = 0;
    for (int i = 0; i < n_args; i++) n += n_items_of(&args[i], 0);
    if (n > MAX_VALUES)
        return chk_fail(err, CHUNK_EINVAL, "%s: a tuple argument has more than %d items, no items, or is nested too deep", op,
                        MAX_VALUES);
    chk_value *pool = c->few;
    if (n > FEW_VALUES && !(pool = c->many = chk_malloc((size_t)n * sizeof *c->many)))
        return chk_fail(err, CHUNK_ENOMEM, "%s: out of memory for %lld arguments", op, (long long)n);
    for (int i = 0; i < n_args; i++) {
        c->name[i] = args[i].name;
        CHK_TRY(to_value(&c->value[i], &args[i], &pool, err));
    }
    return CHUNK_OK;
}

static void call_done(call *c) { chk_free(c->many); }

static chunk_status no_operation(chunk_context *ctx, const char *op, chunk_error *err)
{
    const char *near = chk_builder_nearest(ctx->builder, op, strlen(op));
    return chk_fail(err, CHUNK_ENAME, near ? "there is no operation '%s': did you mean '%s'?" : "there is no operation '%s'", op,
                    near);
}

static chunk_status call_one(chk_node **node, chunk_context *ctx, const char *op, const call *c, int n_args, chunk_error *err)
{
    const chk_op *found = chk_builder_find(ctx->builder, op, strlen(op));
    if (found) return chk_op_call(node, ctx->builder, found, c->value, c->name, n_args, err);
    const chk_user_op *user = chk_builder_find_user(ctx->builder, op, strlen(op));
    if (user) return chk_user_call(node, ctx->builder, user, c->value, c->name, n_args, err);
    return no_operation(ctx, op, err);
}

chunk_status chunk_call(chunk_array **out, chunk_context *ctx, const char *op, const chunk_arg *args, int n_args, chunk_error *err)
{
    call c;
    chk_node *node = NULL;
    chunk_status st = read_call(&c, ctx, out, op, args, n_args, err);
    if (st == CHUNK_OK) st = call_one(&node, ctx, op, &c, n_args, err);
    call_done(&c);
    return st == CHUNK_OK ? chk_array_wrap(out, ctx, node, err) : st;
}

static chunk_status call_all(chunk_array **out, int max, int *n, chunk_context *ctx, const char *op, const call *c, int n_args,
                             chunk_error *err)
{
    const chk_op *found = chk_builder_find(ctx->builder, op, strlen(op));
    if (!found) return no_operation(ctx, op, err);
    if (!found->several) return chk_fail(err, CHUNK_EINVAL, "%s: has one result: use chunk_call", op);
    int all = 0, made = 0;
    chk_node *node = NULL;
    CHK_TRY(chk_op_call_part(&node, &all, INT_MAX, ctx->builder, found, c->value, c->name, n_args,
                             err)); /* there is no such part: counts */
    if (out && all > max) return chk_fail(err, CHUNK_EINVAL, "%s: %d results, room for %d", op, all, max);
    chunk_status st = CHUNK_OK;
    chk_builder_recall(ctx->builder, true);
    for (; out && made < all && st == CHUNK_OK; made += st == CHUNK_OK) {
        st = chk_op_call_part(&node, &all, made, ctx->builder, found, c->value, c->name, n_args, err);
        if (st == CHUNK_OK) st = chk_array_wrap(&out[made], ctx, node, err);
    }
    chk_builder_recall(ctx->builder, false);
    if (st == CHUNK_OK) *n = all;
    while (st != CHUNK_OK && made > 0) chunk_array_free(out[--made]);
    return st;
}

chunk_status chunk_call_all(chunk_array **out, int max, int *n, chunk_context *ctx, const char *op, const chunk_arg *args,
                            int n_args, chunk_error *err)
{
    call c;
    chunk_status st = read_call(&c, ctx, n, op, args, n_args, err);
    if (st == CHUNK_OK) st = call_all(out, max, n, ctx, op, &c, n_args, err);
    call_done(&c);
    return st;
}

chunk_status chunk_slice(chunk_array **out, chunk_context *ctx, chunk_array *a, const int64_t *start, const int64_t *stop,
                         const int64_t *step, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !a) return chk_fail(err, CHUNK_EINVAL, "chunk_slice: out or a is NULL");
    const chk_shape *s = &a->node->shape;
    chk_view v = chk_view_identity(s);
    for (int i = 0; i < s->ndim; i++) {
        int64_t n = s->dim[i], by = step ? step[i] : 1;
        if (by == 0) return chk_fail(err, CHUNK_EINDEX, "slice step on axis %d is 0", i);
        int64_t low = by > 0 ? 0 : -1, high = by > 0 ? n : n - 1; /* Python's slice.indices */
        int64_t from = start ? start[i] : by > 0 ? 0 : n - 1, to = stop ? stop[i] : by > 0 ? n : -1 - n;
        if (from < 0) from += n;
        if (to < 0) to += n;
        from = from < low ? low : from > high ? high : from;
        to = to < low ? low : to > high ? high : to;
        v.off[i] = from;
        v.step[i] = by;
        v.shape.dim[i] = by > 0 ? (to > from ? (to - from - 1) / by + 1 : 0) : (from > to ? (from - to - 1) / -by + 1 : 0);
    }
    chk_node *node;
    CHK_TRY(chk_node_view(&node, ctx->builder, a->node, &v, err));
    return chk_array_wrap(out, ctx, node, err);
}

chunk_status chunk_persist(chunk_array **out, chunk_context *ctx, chunk_array *a, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !a) return chk_fail(err, CHUNK_EINVAL, "chunk_persist: out or a is NULL");
    chk_node *node;
    CHK_TRY(chk_node_keep(&node, ctx->builder, a->node, err));
    return chk_array_wrap(out, ctx, node, err);
}

/* ---- the caller's own operations */

static chunk_status check_name(const char *name, chunk_error *err)
{
    size_t n = name ? strlen(name) : 0;
    bool ok = n > 0 && n < 64 && !(name[0] >= '0' && name[0] <= '9');
    for (size_t i = 0; i < n && ok; i++) {
        char c = name[i];
        ok = c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }
    return ok ? CHUNK_OK
              : chk_fail(err, CHUNK_EINVAL, "an operation's name must be a Python-like identifier of at most 63 letters");
}

chunk_status chunk_register_map(chunk_context *ctx, const char *name, int n_in, const chunk_dtype *in, chunk_dtype out,
                                chunk_map_callback fn, void *user, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    CHK_TRY(check_name(name, err));
    if (!fn || !in || n_in < 1 || n_in > 4) return chk_fail(err, CHUNK_EINVAL, "%s: give a function and 1 to 4 input dtypes", name);
    chk_user_op op = {.n_in = n_in, .out_dtype = (chk_dtype)out, .map = fn, .user = user};
    snprintf(op.name, sizeof op.name, "%s", name);
    snprintf(op.summary, sizeof op.summary, "a registered elementwise function");
    for (int i = 0; i < n_in; i++) op.in_dtype[i] = (chk_dtype)in[i];
    return chk_builder_register(ctx->builder, &op, err);
}

chunk_status chunk_register_reduction(chunk_context *ctx, const char *name, chunk_dtype in, chunk_dtype out,
                                      const chunk_reduction *given, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    CHK_TRY(check_name(name, err));
    chunk_reduction whole;
    if (!given) return chk_fail(err, CHUNK_EINVAL, "%s: the chunk_reduction is NULL", name);
    CHK_TRY(chk_take_options(&whole, sizeof whole, given, "chunk_reduction", err));
    const chunk_reduction *r = &whole;
    if (!r->init || !r->fold || !r->merge || !r->finish)
        return chk_fail(err, CHUNK_EINVAL, "%s: init, fold, merge or finish is NULL", name);
    if (r->state_bytes < 1 || r->state_bytes > 4096)
        return chk_fail(err, CHUNK_EINVAL, "%s: state_bytes is %zu: give 1 to 4096", name, r->state_bytes);
    chk_user_op op = {
        .n_in = 1, .out_dtype = (chk_dtype)out, .user = r->user, .red = {r->state_bytes, r->init, r->fold, r->merge, r->finish}};
    snprintf(op.name, sizeof op.name, "%s", name);
    snprintf(op.summary, sizeof op.summary, "a registered reduction");
    op.in_dtype[0] = (chk_dtype)in;
    return chk_builder_register(ctx->builder, &op, err);
}

chunk_status chunk_register_blocks(chunk_context *ctx, const char *name, const chunk_block_function *given, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    CHK_TRY(check_name(name, err));
    chunk_block_function whole;
    if (!given) return chk_fail(err, CHUNK_EINVAL, "%s: the chunk_block_function is NULL", name);
    CHK_TRY(chk_take_options(&whole, sizeof whole, given, "chunk_block_function", err));
    const chunk_block_function *f = &whole;
    if (!f->run || f->n_in < 0 || f->n_in > CHK_USER_INPUTS || (f->in && f->n_in == 0))
        return chk_fail(err, CHUNK_EINVAL,
                        "%s: give a function and how many arrays it takes: 1 to %d, or 0 for any number (then without dtypes)",
                        name, CHK_USER_INPUTS);
    chk_user_op op = {.n_in = f->n_in, .user = f->user};
    op.block = (chk_user_block){.run = f->run,
                                .casts = f->in != NULL,
                                .typed = f->out != NULL,
                                .scratch_bytes = f->scratch_bytes,
                                .scratch_per_element = f->scratch_per_element,
                                .serial = f->serial};
    snprintf(op.name, sizeof op.name, "%s", name);
    snprintf(op.summary, sizeof op.summary, "a registered function over blocks");
    for (int i = 0; i < f->n_in && f->in; i++) op.in_dtype[i] = (chk_dtype)f->in[i];
    if (f->out) op.out_dtype = (chk_dtype)*f->out;
    return chk_builder_register(ctx->builder, &op, err);
}

chunk_status chunk_register_gufunc(chunk_context *ctx, const char *name, const chunk_gufunc *given, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    CHK_TRY(check_name(name, err));
    chunk_gufunc whole;
    if (!given) return chk_fail(err, CHUNK_EINVAL, "%s: the chunk_gufunc is NULL", name);
    CHK_TRY(chk_take_options(&whole, sizeof whole, given, "chunk_gufunc", err));
    const chunk_gufunc *g = &whole;
    if (!g->run || !g->signature) return chk_fail(err, CHUNK_EINVAL, "%s: give a signature and a function", name);
    chk_user_op op = {.user = g->user};
    op.block = (chk_user_block){.loop = g->run,
                                .casts = g->in != NULL,
                                .typed = g->out != NULL,
                                .scratch_bytes = g->scratch_bytes,
                                .scratch_per_element = g->scratch_per_element,
                                .serial = g->serial};
    CHK_TRY(chk_signature_parse(&op.block.signature, g->signature, name, err));
    op.n_in = op.block.signature.n_in;
    snprintf(op.name, sizeof op.name, "%s", name);
    snprintf(op.summary, sizeof op.summary, "a registered generalised function");
    for (int i = 0; i < op.n_in && g->in; i++) op.in_dtype[i] = (chk_dtype)g->in[i];
    if (g->out) op.out_dtype = (chk_dtype)*g->out;
    return chk_builder_register(ctx->builder, &op, err);
}
