/* expand.c: how many sources a pass's expressions become, and what is kept so that they stay few. Every reference to a local operation, through whatever
 * view, is compiled to a source of its own with readers of its own (plan/local.h): one that reads its input in six places, nested seven times, would be
 * 56,000 of them, and would compute the innermost value as often. What is kept is one source wherever it is read. So plans are linear in the nodes of an
 * expression, but for a factor. The choice follows from the expression alone. */
#include <string.h>

#include "base/alloc.h"
#include "plan/local.h"
#include "plan/lower.h"

/* Sources that one operation may become with all that it reads: as many as a reflecting pad along four axes, each cut into three parts. What lies
 * in one place is handed on by such, so that storing it would cost more. A source takes about 10 KiB. */
enum { MOST_SOURCES = 40 };

/* Values of one program: those of which the compiler refuses an expression (program.c). */
enum { MOST_VALUES = 20000 };

typedef struct ref {
    int to;    /* of the expanded operations */
    int times; /* views through which it is read */
} ref;

/* An operation, or an item that is an expression: node NULL. */
typedef struct expanded {
    const chk_node *node;
    ref *ref; /* to what its programs load: others of lower numbers */
    int n_refs;
    bool kept;
    double sources; /* that it becomes; an operation is one itself */
} expanded;

typedef struct expansion {
    chk_lower *l;
    expanded *op; /* inputs first */
    int n;
    chk_nodeset barren, fertile; /* expressions without and with a local operation in them that is compiled where they are read */
} expansion;

/* The values that one program makes, by hashes of node and view. */
typedef struct values {
    uint64_t *key;
    size_t n, cap;
} values;

static uint64_t mix(uint64_t h, int64_t v)
{
    h = (h ^ (uint64_t)v) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static uint64_t key_of(const chk_node *n, const chk_view *v)
{
    uint64_t h = mix(v->base_ndim, (int64_t)((uintptr_t)n >> 4));
    for (int a = 0; a < v->shape.ndim; a++) h = mix(h, v->shape.dim[a]);
    for (int b = 0; b < v->base_ndim; b++) h = mix(mix(mix(h, v->axis[b]), v->off[b]), v->axis[b] >= 0 ? v->step[b] : 0);
    return h ? h : 1;
}

static void put(values *s, uint64_t key, bool *fresh)
{
    size_t i = (size_t)key & (s->cap - 1);
    while (s->key[i] && s->key[i] != key) i = (i + 1) & (s->cap - 1);
    *fresh = !s->key[i];
    s->n += *fresh;
    s->key[i] = key;
}

static chunk_status add_value(values *s, uint64_t key, bool *fresh, chunk_error *err)
{
    if (2 * (s->n + 1) > s->cap) {
        values larger = {.cap = s->cap ? 2 * s->cap : 64};
        larger.key = chk_calloc(larger.cap, sizeof *larger.key);
        if (!larger.key) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
        for (size_t i = 0; i < s->cap; i++)
            if (s->key[i]) put(&larger, s->key[i], fresh);
        chk_free(s->key);
        *s = larger;
    }
    put(s, key, fresh);
    return CHUNK_OK;
}

static bool is_same_values(const chk_node *n) { return n->kind == CHK_NODE_CUSTOM && n->u.custom.op->flags & CHK_OP_SAME_VALUES; }

/* Fused into the program of what reads it. */
static bool is_fused(const chk_node *n)
{
    return n->kind == CHK_NODE_MAP || n->kind == CHK_NODE_USER || n->kind == CHK_NODE_VIEW || is_same_values(n);
}

/* Whether a program with n in it loads a local operation. Depth is bounded by that of expressions that planning accepts. */
static chunk_status has_local(bool *has, expansion *e, const chk_node *n, chunk_error *err)
{
    bool fresh;
    *has = chk_nodeset_has(&e->fertile, n);
    if (*has || chk_nodeset_has(&e->barren, n)) return CHUNK_OK;
    if (!chk_lower_is_there(e->l, n)) {
        *has = chk_op_local(n) && !is_same_values(n);
        for (int i = 0; i < n->n_in && is_fused(n) && !*has; i++) CHK_TRY(has_local(has, e, n->in[i], err));
    }
    return chk_nodeset_add(*has ? &e->fertile : &e->barren, n, &fresh, err);
}

static chunk_status expand(int *number, expansion *e, const chk_node *n, chunk_error *err);

static chunk_status add_ref(expanded *from, int to, chunk_error *err)
{
    for (int i = from->n_refs - 1; i >= 0; i--) {
        if (from->ref[i].to != to) continue;
        from->ref[i].times++;
        return CHUNK_OK;
    }
    ref *grown = chk_realloc(from->ref, (size_t)(from->n_refs + 1) * sizeof *grown);
    if (!grown) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    from->ref = grown;
    from->ref[from->n_refs++] = (ref){to, 1};
    return CHUNK_OK;
}

/* Finds what a program loads as the compiler does: views sink, and equal pairs of node and view are one value. */
static chunk_status find_loads(expanded *from, expansion *e, const chk_node *n, const chk_view *view, bool as_root, values *seen,
                               chunk_error *err)
{
    bool has, fresh;
    int number;
    CHK_TRY(has_local(&has, e, n, err));
    if ((!has && !as_root) || (!as_root && chk_lower_is_there(e->l, n)) || seen->n >= MOST_VALUES) return CHUNK_OK;
    if (n->kind == CHK_NODE_VIEW) {
        chk_view v = chk_view_compose(view, &n->u.view);
        return find_loads(from, e, n->in[0], &v, false, seen, err);
    }
    CHK_TRY(add_value(seen, key_of(n, view), &fresh, err));
    if (!fresh) return CHUNK_OK;
    if (is_same_values(n)) return find_loads(from, e, n->in[0], view, false, seen, err);
    if (chk_op_local(n)) {
        CHK_TRY(expand(&number, e, n, err));
        return e->op[number].kept ? CHUNK_OK : add_ref(from, number, err);
    }
    for (int i = 0; i < n->n_in && is_fused(n); i++) {
        chk_view broadcast = chk_view_broadcast(&n->in[i]->shape, &n->shape), v = chk_view_compose(view, &broadcast);
        CHK_TRY(find_loads(from, e, n->in[i], &v, false, seen, err));
    }
    return CHUNK_OK;
}

static chunk_status find_in_program(expanded *from, expansion *e, const chk_node *root, bool as_root, chunk_error *err)
{
    values seen = {0};
    chk_view view = chk_view_identity(&root->shape);
    chunk_status st = find_loads(from, e, root, &view, as_root, &seen, err);
    chk_free(seen.key);
    return st;
}

static void count(expansion *e, int i)
{
    e->op[i].sources = e->op[i].node != NULL;
    for (int k = 0; k < e->op[i].n_refs; k++) {
        const ref *r = &e->op[i].ref[k];
        if (!e->op[r->to].kept) e->op[i].sources += r->times * e->op[r->to].sources;
    }
}

/* The operation below number `top` whose repetitions there are most of the sources; -1 where nothing is repeated. */
static int most_repeated(const expansion *e, int top, double *times)
{
    double most = 0;
    int best = -1;
    memset(times, 0, (size_t)(top + 1) * sizeof *times);
    times[top] = 1;
    for (int i = top; i >= 0; i--) {
        double saved = (times[i] - 1) * e->op[i].sources;
        if (saved > most) most = saved, best = i;
        for (int k = 0; k < e->op[i].n_refs && times[i] > 0; k++) {
            const ref *r = &e->op[i].ref[k];
            if (!e->op[r->to].kept) times[r->to] += times[i] * r->times;
        }
    }
    return best;
}

/* Keeps what number `top` repeats until it is few sources, or each of them once. */
static chunk_status limit(expansion *e, int top, chunk_error *err)
{
    bool fresh;
    count(e, top);
    if (e->op[top].sources <= MOST_SOURCES) return CHUNK_OK;
    double *times = chk_malloc((size_t)(top + 1) * sizeof *times);
    if (!times) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    chunk_status st = CHUNK_OK;
    while (st == CHUNK_OK && e->op[top].sources > MOST_SOURCES) {
        int i = most_repeated(e, top, times);
        if (i < 0) break;
        e->op[i].kept = true;
        st = chk_nodeset_add(&e->l->kept, e->op[i].node, &fresh, err);
        for (int k = i + 1; k <= top; k++) count(e, k);
    }
    chk_free(times);
    return st;
}

/* Numbers an operation whose references were found, and limits it. Takes op->ref. */
static chunk_status enter(int *number, expansion *e, const expanded *op, chunk_error *err)
{
    expanded *grown = chk_realloc(e->op, (size_t)(e->n + 1) * sizeof *grown);
    if (!grown) {
        chk_free(op->ref);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    }
    e->op = grown;
    e->op[e->n] = *op;
    *number = e->n++;
    return limit(e, *number, err);
}

/* An operation, each of whose inputs is a program. */
static chunk_status expand_inputs(int *number, expansion *e, const chk_node *n, chunk_error *err)
{
    expanded op = {.node = n};
    for (int i = 0; i < n->n_in; i++) {
        chunk_status st = find_in_program(&op, e, n->in[i], false, err);
        if (st == CHUNK_OK) continue;
        chk_free(op.ref);
        return st;
    }
    return enter(number, e, &op, err);
}

static chunk_status expand(int *number, expansion *e, const chk_node *n, chunk_error *err)
{
    for (int i = e->n - 1; i >= 0; i--) {
        if (e->op[i].node != n) continue;
        *number = i;
        return CHUNK_OK;
    }
    return expand_inputs(number, e, n, err);
}

static chunk_status expand_item(expansion *e, const chk_item *it, chunk_error *err)
{
    expanded op = {0};
    int number;
    if (it->kind == CHK_ITEM_CUSTOM) return expand_inputs(&number, e, it->node, err);
    chunk_status st = find_in_program(&op, e, it->root, it->root_is_self, err);
    if (st == CHUNK_OK) return enter(&number, e, &op, err);
    chk_free(op.ref);
    return st;
}

chunk_status chk_lower_limit_sources(chk_lower *l, chunk_error *err)
{
    expansion e = {.l = l};
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < l->n_items && st == CHUNK_OK; i++) st = expand_item(&e, l->item[i], err);
    for (int i = 0; i < e.n; i++) chk_free(e.op[i].ref);
    chk_free(e.op);
    chk_nodeset_done(&e.barren);
    chk_nodeset_done(&e.fertile);
    return st;
}
