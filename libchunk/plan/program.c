/* program.c: compiling nodes into vector programs. Views sink to the inputs on the way; equal (node, view) pairs share one value. */
#include "plan/program.h"

#include <string.h>

#include "base/alloc.h"
#include "plan/local.h"

enum { MAX_DEPTH = 1000, MAX_INSTR = 20000 };

struct chk_prog_memo {
    const chk_node *node;
    chk_view view;
    int value;
};

void chk_program_init(chk_program *p, const chk_shape *space)
{
    memset(p, 0, sizeof *p);
    p->space = *space;
    p->constant_when_absent = true;
}

void chk_program_free(chk_program *p)
{
    for (int i = 0; i < p->n_inputs; i++) chk_source_release(p->input[i].source);
    chk_free(p->input);
    chk_free(p->instr);
    chk_free(p->memo);
    memset(p, 0, sizeof *p);
}

static bool view_equal(const chk_view *a, const chk_view *b)
{
    if (!chk_shape_equal(&a->shape, &b->shape) || a->base_ndim != b->base_ndim) return false;
    for (int i = 0; i < a->base_ndim; i++)
        if (a->axis[i] != b->axis[i] || a->off[i] != b->off[i] || (a->axis[i] >= 0 && a->step[i] != b->step[i])) return false;
    return true;
}

/* Room for one more of a growing array (doubling from 1: readers of local operations are many, and load little each). */
static chunk_status grow(void **array, int n, size_t item, chunk_error *err)
{
    if (n & (n - 1)) return CHUNK_OK;
    size_t cap = n ? (size_t)n * 2 : 1;
    void *p = chk_realloc(*array, cap * item);
    if (!p) return chk_fail(err, CHUNK_ENOMEM, "out of memory while compiling an expression");
    *array = p;
    return CHUNK_OK;
}

static chunk_status add_instr(chk_program *p, const chk_instr *in, int *value, chunk_error *err)
{
    if (p->n_instr >= MAX_INSTR)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "expression is too large: more than %d fused operations", MAX_INSTR);
    CHK_TRY(grow((void **)&p->instr, p->n_instr, sizeof *p->instr, err));
    p->instr[p->n_instr] = *in;
    *value = p->n_instr++;
    return CHUNK_OK;
}

static chunk_status add_call(chk_program *p, chk_kern kern, const char *name, chk_fn fn, chk_dtype out, const int *in, int n_in,
                             int *value, chunk_error *err)
{
    chk_instr c = {.kind = CHK_INSTR_CALL, .dtype = out, .n_in = n_in, .u.call = {kern, name, fn}};
    for (int i = 0; i < n_in; i++) c.in[i] = in[i];
    return add_instr(p, &c, value, err);
}

static chunk_status add_load(chk_program *p, chk_source *s, const chk_view *view, int *value, chunk_error *err)
{
    CHK_TRY(grow((void **)&p->input, p->n_inputs, sizeof *p->input, err));
    chk_source_retain(s);
    p->input[p->n_inputs] = (chk_prog_input){.source = s, .view = *view};
    chk_instr in = {.kind = CHK_INSTR_LOAD, .dtype = s->dtype, .u.input = p->n_inputs++};
    CHK_TRY(add_instr(p, &in, value, err));
    if (s->dtype != CHK_BOOL || !(chk_source_h5_set(s) || s->ops->inner)) return CHUNK_OK;
    return add_call(p, chk_kern_cast(CHK_U8, CHK_BOOL), "bool", CHK_FN_NONE, CHK_BOOL, value, 1, value,
                    err); /* files may hold any byte */
}

bool chk_program_is_truth(const chk_program *p, int value)
{
    const chk_instr *c = &p->instr[value];
    return c->kind == CHK_INSTR_CALL && c->n_in == 1 && c->dtype == CHK_BOOL && c->u.call.kern == chk_kern_cast(CHK_U8, CHK_BOOL) &&
           p->instr[c->in[0]].kind == CHK_INSTR_LOAD && p->instr[c->in[0]].dtype == CHK_BOOL;
}

static chunk_status add_const(chk_program *p, const chk_scalar *v, int *value, chunk_error *err)
{
    for (int i = 0; i < p->n_instr; i++) {
        const chk_instr *c = &p->instr[i];
        if (c->kind == CHK_INSTR_CONST && c->dtype == v->dtype &&
            !memcmp(c->u.scalar.v.bytes, v->v.bytes, chk_dtype_size(v->dtype))) {
            *value = i;
            return CHUNK_OK;
        }
    }
    chk_instr in = {.kind = CHK_INSTR_CONST, .dtype = v->dtype, .u.scalar = *v};
    return add_instr(p, &in, value, err);
}

static chunk_status add_cast(chk_program *p, int *value, chk_dtype to, chunk_error *err)
{
    const chk_instr *from = &p->instr[*value];
    if (from->dtype == to) return CHUNK_OK;
    chk_kern k = chk_kern_cast(from->dtype, to);
    if (!k) return chk_fail(err, CHUNK_ETYPE, "no cast from %s to %s", chk_dtype_name(from->dtype), chk_dtype_name(to));
    if (from->kind == CHK_INSTR_CONST) {
        chk_scalar v = {.dtype = to};
        const void *in[1] = {from->u.scalar.v.bytes};
        k(v.v.bytes, in, 1);
        return add_const(p, &v, value, err);
    }
    return add_call(p, k, "cast", CHK_FN_NONE, to, value, 1, value, err);
}

static chunk_status compile(chk_program *p, const chk_node *n, const chk_view *view, bool as_root, chk_prog_lookup lookup,
                            void *arg, int depth, int *value, chunk_error *err);

static chunk_status compile_inputs(chk_program *p, const chk_node *n, const chk_view *view, chk_prog_lookup lookup, void *arg,
                                   int depth, int *in, chunk_error *err)
{
    for (int i = 0; i < n->n_in; i++) {
        chk_view broadcast = chk_view_broadcast(&n->in[i]->shape, &n->shape);
        chk_view v = chk_view_compose(view, &broadcast);
        CHK_TRY(compile(p, n->in[i], &v, false, lookup, arg, depth + 1, &in[i], err));
    }
    return CHUNK_OK;
}

/* The dtype that input i of a kernel must have. */
static chk_dtype want_dtype(chk_fn fn, chk_dtype compute, int i)
{
    if (fn == CHK_FN_WHERE && i == 0) return CHK_BOOL;
    if (fn >= CHK_FN_EQ_IU && fn <= CHK_FN_GE_IU) return i == 0 ? CHK_I64 : CHK_U64;
    return compute;
}

static chunk_status compile_map(chk_program *p, const chk_node *n, const chk_view *view, chk_prog_lookup lookup, void *arg,
                                int depth, int *value, chunk_error *err)
{
    int in[4];
    CHK_TRY(compile_inputs(p, n, view, lookup, arg, depth, in, err));
    chk_fn fn = n->u.map.fn;
    if (fn == CHK_FN_NONE) {
        *value = in[0];
        return add_cast(p, value, n->dtype, err);
    }
    /* float16 is computed in float32 and rounded after every operation. */
    chk_dtype compute = n->u.map.compute == CHK_F16 ? CHK_F32 : n->u.map.compute;
    for (int i = 0; i < n->n_in; i++) CHK_TRY(add_cast(p, &in[i], want_dtype(fn, compute, i), err));
    chk_kern k = chk_kern_find(fn, compute);
    if (!k) return chk_fail(err, CHUNK_ETYPE, "%s is not defined for %s", chk_fn_name(fn), chk_dtype_name(n->u.map.compute));
    p->slow |= chk_fn_is_slow(fn);
    CHK_TRY(add_call(p, k, chk_fn_name(fn), fn, chk_fn_out_dtype(fn, compute), in, n->n_in, value, err));
    return add_cast(p, value, n->dtype, err);
}

static chunk_status compile_user(chk_program *p, const chk_node *n, const chk_view *view, chk_prog_lookup lookup, void *arg,
                                 int depth, int *value, chunk_error *err)
{
    chk_instr c = {.kind = CHK_INSTR_USER, .dtype = n->dtype, .n_in = n->n_in, .u.user = n->u.user};
    CHK_TRY(compile_inputs(p, n, view, lookup, arg, depth, c.in, err));
    for (int i = 0; i < n->n_in; i++) CHK_TRY(add_cast(p, &c.in[i], n->u.user->in_dtype[i], err));
    return add_instr(p, &c, value, err);
}

static chunk_status compile_fresh(chk_program *p, const chk_node *n, const chk_view *view, bool as_root, chk_prog_lookup lookup,
                                  void *arg, int depth, int *value, chunk_error *err)
{
    chk_source *s = n->kind == CHK_NODE_SOURCE ? n->u.source : as_root ? NULL : lookup(arg, n);
    if (s) return add_load(p, s, view, value, err);
    switch (n->kind) {
    case CHK_NODE_SCALAR: return add_const(p, &n->u.scalar, value, err);
    case CHK_NODE_IOTA: {
        bool moves = view->axis[0] >= 0;
        chk_instr in = {.kind = CHK_INSTR_IOTA,
                        .dtype = CHK_I64,
                        .u.iota = {moves ? view->axis[0] : -1, view->off[0], moves ? view->step[0] : 0}};
        p->constant_when_absent = false;
        return add_instr(p, &in, value, err);
    }
    case CHK_NODE_MAP: return compile_map(p, n, view, lookup, arg, depth, value, err);
    case CHK_NODE_USER: return compile_user(p, n, view, lookup, arg, depth, value, err);
    case CHK_NODE_KEEP: return compile(p, n->in[0], view, false, lookup, arg, depth + 1, value, err);
    case CHK_NODE_CUSTOM: {
        if (n->u.custom.op->flags & CHK_OP_SAME_VALUES)
            return compile(p, n->in[0], view, false, lookup, arg, depth + 1, value, err);
        if (!n->u.custom.op->local) break;
        chk_source *local;
        CHK_TRY(chk_local_source_new(&local, n, lookup, arg, err));
        chunk_status st = add_load(p, local, view, value, err);
        chk_source_release(local);
        return st;
    }
    default: break;
    }
    return chk_fail(err, CHUNK_ESTATE, "internal: node %s was not computed before its use", n->name);
}

static chunk_status compile(chk_program *p, const chk_node *n, const chk_view *view, bool as_root, chk_prog_lookup lookup,
                            void *arg, int depth, int *value, chunk_error *err)
{
    if (depth > MAX_DEPTH)
        return chk_fail(err, CHUNK_EUNSUPPORTED,
                        "expression is nested more than %d operations deep: keep a part of it (NAME := PART; in text)", MAX_DEPTH);
    if (n->kind == CHK_NODE_VIEW) {
        chk_view v = chk_view_compose(view, &n->u.view);
        return compile(p, n->in[0], &v, false, lookup, arg, depth + 1, value, err);
    }
    for (int i = p->n_memo - 1; i >= 0; i--) {
        if (p->memo[i].node == n && view_equal(&p->memo[i].view, view)) {
            *value = p->memo[i].value;
            return CHUNK_OK;
        }
    }
    CHK_TRY(compile_fresh(p, n, view, as_root, lookup, arg, depth, value, err));
    CHK_TRY(grow((void **)&p->memo, p->n_memo, sizeof *p->memo, err));
    p->memo[p->n_memo++] = (struct chk_prog_memo){n, *view, *value};
    return CHUNK_OK;
}

chunk_status chk_program_add(chk_program *p, const chk_node *node, const chk_view *view, bool as_root, chk_prog_lookup lookup,
                             void *arg, int *value, chunk_error *err)
{
    return compile(p, node, view, as_root, lookup, arg, 0, value, err);
}

chunk_status chk_program_add_source(chk_program *p, chk_source *s, int *value, chunk_error *err)
{
    chk_view view = chk_view_identity(&s->shape);
    return add_load(p, s, &view, value, err);
}

chunk_status chk_program_clone(chk_program *out, const chk_program *p, chunk_error *err)
{
    *out = *p;
    out->memo = NULL;
    out->n_memo = 0;
    out->input = chk_malloc((size_t)(p->n_inputs + 1) * sizeof *out->input);
    out->instr = chk_malloc((size_t)(p->n_instr + 1) * sizeof *out->instr);
    if (!out->input || !out->instr) {
        chk_free(out->input);
        chk_free(out->instr);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory while compiling an expression");
    }
    memcpy(out->input, p->input, (size_t)p->n_inputs * sizeof *out->input);
    memcpy(out->instr, p->instr, (size_t)p->n_instr * sizeof *out->instr);
    for (int i = 0; i < p->n_inputs; i++) chk_source_retain(out->input[i].source);
    return CHUNK_OK;
}

/* Whether value v is a sum, difference or product that nothing but one instruction uses, itself without joined operands. */
static bool joinable(const chk_program *p, const int *uses, int v, chk_dtype d)
{
    const chk_instr *c = &p->instr[v];
    return c->kind == CHK_INSTR_CALL && c->dtype == d && c->n_in == 2 && uses[v] == 1 &&
           chk_kern_join(false, c->u.call.fn, CHK_FN_NONE, CHK_FN_NONE, d);
}

/* Hands the inputs of the i-th instruction's operand k on, or the operand itself; returns the function that goes with them. */
static chk_fn take_operand(chk_program *p, const int *uses, int i, int k, int *in, int *n_in)
{
    int v = p->instr[i].in[k];
    chk_instr *from = &p->instr[v];
    if (!joinable(p, uses, v, p->instr[i].dtype)) {
        in[(*n_in)++] = v;
        return CHK_FN_NONE;
    }
    in[(*n_in)++] = from->in[0];
    in[(*n_in)++] = from->in[1];
    from->kind = CHK_INSTR_JOINED;
    return from->u.call.fn;
}

static void join_negation(chk_program *p, const int *uses, chk_instr *c)
{
    chk_kern kern = c->u.call.fn == CHK_FN_EXP ? chk_kern_find(CHK_FN_EXP_NEG, c->dtype) : NULL;
    chk_instr *under = kern ? &p->instr[c->in[0]] : NULL;
    if (!under || under->kind != CHK_INSTR_CALL || under->u.call.fn != CHK_FN_NEG || uses[c->in[0]] != 1) return;
    c->u.call.fn = CHK_FN_EXP_NEG;
    c->u.call.kern = kern;
    c->in[0] = under->in[0];
    under->kind = CHK_INSTR_JOINED;
}

/* Joins sums, differences and products with their operands, exponentials with a negation, and square roots with what they are of: fewer walks over a piece, and a root's
 * divider works while the rest is computed. */
static void join_calls(chk_program *p, int *uses)
{
    for (int i = 0; i < p->n_instr; i++) {
        chk_instr *c = &p->instr[i];
        if (c->kind != CHK_INSTR_CALL) continue;
        join_negation(p, uses, c);
        int in[4], n_in = 0;
        chk_instr *under = c->u.call.fn == CHK_FN_SQRT ? &p->instr[c->in[0]] : NULL;
        if (under && under->kind == CHK_INSTR_CALL && under->dtype == c->dtype && uses[c->in[0]] == 1) {
            chk_fn fn = under->u.call.fn;
            chk_kern kern = chk_kern_join(true, fn, under->u.call.left, under->u.call.right, c->dtype);
            if (!kern) continue;
            c->n_in = under->n_in;
            memcpy(c->in, under->in, sizeof c->in);
            c->u.call.kern = kern;
            under->kind = CHK_INSTR_JOINED;
        } else if (c->n_in == 2 && chk_kern_join(false, c->u.call.fn, CHK_FN_NONE, CHK_FN_NONE, c->dtype)) {
            c->u.call.left = take_operand(p, uses, i, 0, in, &n_in);
            c->u.call.right = take_operand(p, uses, i, 1, in, &n_in);
            c->u.call.kern = chk_kern_join(false, c->u.call.fn, c->u.call.left, c->u.call.right, c->dtype);
            c->n_in = n_in;
            memcpy(c->in, in, (size_t)n_in * sizeof *in);
        }
    }
}

/* Linear scan: a register is free again after the last instruction that reads it. A result may take the register of an input that dies there
 * and whose elements are not smaller, as kern.h allows. */
chunk_status chk_program_seal(chk_program *p, const int *out, int n_out, chunk_error *err)
{
    chk_free(p->memo);
    p->memo = NULL;
    int n = p->n_instr;
    int *last = chk_malloc((size_t)(n + 1) * sizeof *last);
    char *busy = chk_calloc((size_t)n + 1, 1);
    if (!last || !busy) {
        chk_free(last);
        chk_free(busy);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory while compiling an expression");
    }
    memset(last, 0, (size_t)n * sizeof *last); /* first, how often each value is used */
    for (int i = 0; i < n; i++)
        for (int k = 0; k < p->instr[i].n_in; k++) last[p->instr[i].in[k]]++;
    for (int k = 0; k < n_out; k++) last[out[k]] += 2;
    join_calls(p, last);
    for (int i = 0; i < n; i++) last[i] = i;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < p->instr[i].n_in && p->instr[i].kind != CHK_INSTR_JOINED; k++) last[p->instr[i].in[k]] = i;
    for (int k = 0; k < n_out; k++) last[out[k]] = n;
    p->n_slots = p->n_consts = 0;
    size_t item = 1;
    for (int i = 0; i < n; i++) {
        chk_instr *c = &p->instr[i];
        if (chk_dtype_size(c->dtype) > item) item = chk_dtype_size(c->dtype);
        if (c->kind == CHK_INSTR_JOINED) continue;
        if (c->kind == CHK_INSTR_CONST) {
            c->slot = p->n_consts++;
            continue;
        }
        bool user = c->kind == CHK_INSTR_USER;
        for (int pass = 0; pass < 2;
             pass++) { /* first the inputs that may be overwritten, then, after taking a register, the rest */
            for (int k = 0; k < c->n_in; k++) {
                const chk_instr *from = &p->instr[c->in[k]];
                bool over = !user && chk_dtype_size(from->dtype) >= chk_dtype_size(c->dtype);
                if (last[c->in[k]] == i && from->kind != CHK_INSTR_CONST && over == (pass == 0)) busy[from->slot] = 0;
            }
            if (pass == 0) {
                int s = 0;
                while (busy[s]) s++;
                busy[s] = 1;
                c->slot = s;
                if (s >= p->n_slots) p->n_slots = s + 1;
            }
        }
        if (last[i] == i) busy[c->slot] = 0;
    }
    p->slot_bytes = item * CHK_PIECE;
    chk_free(last);
    chk_free(busy);
    return CHUNK_OK;
}

static int first_axis(const chk_view *v) /* the outermost axis that moves in the base; ndim where none does */
{
    int first = v->shape.ndim;
    for (int b = 0; b < v->base_ndim; b++)
        if (v->axis[b] >= 0 && v->step[b] != 0 && v->axis[b] < first) first = v->axis[b];
    return first;
}

void chk_program_sort_inputs(chk_program *p)
{
    for (int i = 1; i < p->n_inputs; i++) {
        for (int k = i; k > 0 && first_axis(&p->input[k].view) > first_axis(&p->input[k - 1].view); k--) {
            chk_prog_input t = p->input[k];
            p->input[k] = p->input[k - 1];
            p->input[k - 1] = t;
            for (int n = 0; n < p->n_instr; n++) {
                if (p->instr[n].kind != CHK_INSTR_LOAD) continue;
                if (p->instr[n].u.input == k)
                    p->instr[n].u.input = k - 1;
                else if (p->instr[n].u.input == k - 1)
                    p->instr[n].u.input = k;
            }
        }
    }
}

size_t chk_program_work_bytes(const chk_program *p)
{
    return chk_arena_cost(p->slot_bytes * (size_t)p->n_slots) + chk_arena_cost(p->slot_bytes * (size_t)p->n_consts) +
           chk_arena_cost(sizeof(chk_prog_place) * (size_t)p->n_instr) +
           chk_arena_cost(sizeof(chk_prog_step) * (size_t)p->n_instr) + 256;
}

bool chk_prog_state_init(chk_prog_state *s, const chk_program *p, chk_arena *arena, bool fresh)
{
    s->p = p;
    s->slots = chk_arena_get(arena, p->slot_bytes * (size_t)p->n_slots);
    s->consts = chk_arena_get(arena, p->slot_bytes * (size_t)p->n_consts);
    s->place = chk_arena_get(arena, sizeof *s->place * (size_t)p->n_instr);
    s->step = chk_arena_get(arena, sizeof *s->step * (size_t)p->n_instr);
    if (!s->slots || !s->consts || !s->place || !s->step) return false;
    for (int i = 0; i < p->n_instr; i++) {
        const chk_instr *c = &p->instr[i];
        if (c->kind != CHK_INSTR_CONST) continue;
        s->place[i] = (chk_prog_place){s->consts + (size_t)c->slot * p->slot_bytes, 0};
        if (fresh) chk_kern_splat(s->place[i].at, c->u.scalar.v.bytes, chk_dtype_size(c->dtype), CHK_PIECE);
    }
    return true;
}
