/* text_build.c: postfix code to nodes, on a stack of values. Every node made on the way is kept until the end, so that values are borrowed
 * everywhere; arithmetic on plain numbers is Python's, everything else a call of the table. */
#include <string.h>

#include "base/alloc.h"
#include "expr/call.h"
#include "expr/text_internal.h"

typedef enum item_kind { ITEM_VALUE, ITEM_SLICE, ITEM_ELLIPSIS } item_kind;

typedef struct item {
    item_kind kind;
    const char *keyword;
    chk_value value;
    chk_index slice;
} item;

typedef struct machine {
    const chk_text *t;
    chk_builder *b;
    const chk_binding *binding;
    int n_bindings;
    item *stack;
    int n;
    struct owned {
        struct owned *next;
        chk_node *node;
    } * owned; /* one count each */
    struct block {
        struct block *next;
        chk_value value[];
    } * blocks; /* items of tuples */
    struct local {
        struct local *next;
        const char *name;
        chk_value value;
    } * locals;
    chunk_error *err;
} machine;

static chunk_status no_memory(machine *m) { return chk_fail(m->err, CHUNK_ENOMEM, "out of memory while building an expression"); }

/* Takes the node over. */
static chunk_status push_node(machine *m, chk_node *node, int column)
{
    struct owned *o = chk_malloc(sizeof *o);
    if (!o) {
        chk_node_release(node);
        return no_memory(m);
    }
    *o = (struct owned){m->owned, node};
    m->owned = o;
    m->stack[m->n++] = (item){.value = {.kind = CHK_VAL_NODE, .column = column, .u.node = node}};
    return CHUNK_OK;
}

static void push_value(machine *m, chk_value v, int column)
{
    v.column = column;
    m->stack[m->n++] = (item){.value = v};
}

static chunk_status unknown_name(machine *m, const chk_code *c)
{
    chk_near near = chk_near_start(c->name, strlen(c->name));
    for (int i = 0; i < m->n_bindings; i++) chk_near_try(&near, m->binding[i].name, strlen(m->binding[i].name));
    for (struct local *l = m->locals; l; l = l->next) chk_near_try(&near, l->name, strlen(l->name));
    chk_near_try_constants(&near, false);
    chk_fail(m->err, CHUNK_ENAME, "unknown name '%.60s'%s%s%s", c->name, near.hit ? "; did you mean '" : "",
             near.hit ? near.hit : "", near.hit ? "'?" : "");
    return CHUNK_ENAME;
}

/* Earlier statements come first, then what is bound, then constants. */
static chunk_status push_name(machine *m, const chk_code *c)
{
    for (struct local *l = m->locals; l; l = l->next) {
        if (strcmp(l->name, c->name)) continue;
        push_value(m, l->value, c->column);
        return CHUNK_OK;
    }
    for (int i = 0; i < m->n_bindings; i++)
        if (!strcmp(m->binding[i].name, c->name)) return push_node(m, chk_node_retain(m->binding[i].node), c->column);
    chk_value v;
    if (!chk_constant(&v, c->name)) return unknown_name(m, c);
    push_value(m, v, c->column);
    return CHUNK_OK;
}

/* What something is made of has an exact shape. Nodes are replaced in place: items of tuples belong to this machine. */
static chunk_status settle(machine *m, chk_value *v)
{
    for (int i = 0; v->kind == CHK_VAL_TUPLE && i < v->u.tuple.n; i++) CHK_TRY(settle(m, (chk_value *)&v->u.tuple.item[i]));
    if (v->kind != CHK_VAL_NODE || !chk_node_is_bound(v->u.node)) return CHUNK_OK;
    v->u.node = chk_node_exact(m->b, v->u.node, m->err);
    return v->u.node ? CHUNK_OK : m->err->code;
}

static bool names_part(const char *const *keywords, int n)
{
    for (int i = 0; i < n && keywords; i++)
        if (keywords[i] && !strcmp(keywords[i], "part")) return true;
    return false;
}

/* All results of an operation that has several, as a tuple. */
static chunk_status call_several(machine *m, const chk_op *op, const chk_value *args, const char *const *keywords, int n,
                                 int column)
{
    struct block *block = NULL;
    for (int part = 0, all = 1; part < all; part++) {
        chk_node *node = NULL;
        CHK_TRY(chk_op_call_part(&node, &all, part, m->b, op, args, keywords, n, m->err));
        if (!block) {
            block = chk_malloc(sizeof *block + (size_t)all * sizeof(chk_value));
            if (!block) {
                chk_node_release(node);
                return no_memory(m);
            }
            block->next = m->blocks;
            m->blocks = block;
        }
        if (node) {
            CHK_TRY(push_node(m, node, column));
            block->value[part] = m->stack[--m->n].value;
        }
        if (part + 1 >= all) push_value(m, (chk_value){.kind = CHK_VAL_TUPLE, .u.tuple = {block->value, all}}, column);
    }
    return CHUNK_OK;
}

static chunk_status call_op(machine *m, const char *name, const chk_value *given, const char *const *keywords, int n, int column)
{
    chk_value args[CHK_MAX_ARGS + 1];
    for (int i = 0; i < n; i++) {
        args[i] = given[i];
        CHK_TRY(settle(m, &args[i]));
    }
    const chk_op *op = chk_builder_find(m->b, name, strlen(name));
    const chk_user_op *user = op ? NULL : chk_builder_find_user(m->b, name, strlen(name));
    chk_node *node;
    if (op && op->several && !names_part(keywords, n)) return call_several(m, op, args, keywords, n, column);
    if (!op && !user) return chk_fail(m->err, CHUNK_ENAME, "there is no operation '%.60s' here", name);
    CHK_TRY(op ? chk_op_call(&node, m->b, op, args, keywords, n, m->err)
               : chk_user_call(&node, m->b, user, args, keywords, n, m->err));
    return push_node(m, node, column);
}

static chunk_status check_operand(machine *m, const item *it, const char *sign)
{
    bool fine = it->kind == ITEM_VALUE && (it->value.kind == CHK_VAL_NODE || chk_number_is(&it->value));
    return fine ? CHUNK_OK
                : chk_fail(m->err, CHUNK_ETYPE, "%s: expected an array or a number, got %s", sign, chk_value_kind_name(&it->value));
}

/* NumPy's ** has short cuts for some plain exponents, and they are its results: x ** 0.5 is sqrt(x), also for -inf. */
static const char *power_short_cut(const item *a, const item *b)
{
    if (a->value.kind != CHK_VAL_NODE || (b->value.kind != CHK_VAL_INT && b->value.kind != CHK_VAL_FLOAT)) return NULL;
    chk_kind kind = chk_dtype_kind(a->value.u.node->dtype);
    double v = b->value.kind == CHK_VAL_FLOAT ? b->value.u.f : b->value.u.i.big ? 0.25 : (double)b->value.u.i.i;
    bool whole = kind == CHK_KIND_BOOL || kind == CHK_KIND_INT || kind == CHK_KIND_UINT;
    if (whole && b->value.kind == CHK_VAL_FLOAT) return NULL;
    if (v == 2) return "square";
    if (kind != CHK_KIND_FLOAT && kind != CHK_KIND_COMPLEX) return NULL;
    return v == 1 ? "positive" : v == 0.5 ? "sqrt" : v == -1 ? "reciprocal" : NULL;
}

static chunk_status run_binary(machine *m, const chk_code *c)
{
    const item *a = &m->stack[m->n - 2], *b = &m->stack[m->n - 1];
    chk_binary op = (chk_binary)c->n;
    CHK_TRY(check_operand(m, a, chk_binaries[op].sign));
    CHK_TRY(check_operand(m, b, chk_binaries[op].sign));
    m->n -= 2;
    if (op != CHK_BIN_MATMUL && chk_number_is(&a->value) && chk_number_is(&b->value)) {
        chk_value v = {.column = c->column};
        CHK_TRY(chk_number_binary(&v, op, &a->value, &b->value, m->err));
        push_value(m, v, c->column);
        return CHUNK_OK;
    }
    const char *quick = op == CHK_BIN_POW ? power_short_cut(a, b) : NULL;
    chk_value args[2] = {a->value, b->value};
    return call_op(m, quick ? quick : chk_binaries[op].op, args, NULL, quick ? 1 : 2, c->column);
}

static chunk_status run_unary(machine *m, const chk_code *c)
{
    static const struct {
        const char *sign, *op;
    } info[] = {{"-", "negative"}, {"+", "positive"}, {"~", "bitwise_invert"}};
    const item *a = &m->stack[m->n - 1];
    CHK_TRY(check_operand(m, a, info[c->n].sign));
    m->n--;
    if (chk_number_is(&a->value)) {
        chk_value v = {.column = c->column};
        CHK_TRY(chk_number_unary(&v, (chk_unary)c->n, &a->value, m->err));
        push_value(m, v, c->column);
        return CHUNK_OK;
    }
    chk_value arg = a->value;
    return call_op(m, info[c->n].op, &arg, NULL, 1, c->column);
}

static chunk_status run_tuple(machine *m, const chk_code *c)
{
    struct block *block = chk_malloc(sizeof *block + (size_t)c->n * sizeof(chk_value));
    if (!block) return no_memory(m);
    block->next = m->blocks;
    m->blocks = block;
    m->n -= c->n;
    for (int i = 0; i < c->n; i++) block->value[i] = m->stack[m->n + i].value;
    push_value(m, (chk_value){.kind = CHK_VAL_TUPLE, .u.tuple = {block->value, c->n}}, c->column);
    return CHUNK_OK;
}

/* Numbers, or equally long lists of them. */
static bool holds_numbers(const chk_value *v)
{
    for (int i = 0; v->kind == CHK_VAL_TUPLE && i < v->u.tuple.n; i++) {
        const chk_value *item = &v->u.tuple.item[i], *first = v->u.tuple.item;
        if (item->kind == CHK_VAL_TUPLE && first->kind == CHK_VAL_TUPLE && item->u.tuple.n != first->u.tuple.n) return false;
        if (!holds_numbers(item)) return false;
    }
    return v->kind == CHK_VAL_TUPLE || chk_number_is(v) || (v->kind == CHK_VAL_NODE && v->u.node->kind == CHK_NODE_SCALAR);
}

/* A list of numbers is an array, and for shapes and axes the tuple of its items; one of anything else is that tuple alone. */
static chunk_status run_list(machine *m, const chk_code *c)
{
    struct block *block = chk_malloc(sizeof *block + sizeof(chk_value));
    if (!block) return no_memory(m);
    *block = (struct block){m->blocks};
    m->blocks = block;
    block->value[0] = m->stack[--m->n].value;
    if (holds_numbers(block->value))
        CHK_TRY(call_op(m, "array", block->value, NULL, 1, c->column));
    else
        push_value(m, block->value[0], c->column);
    m->stack[m->n - 1].value.list = block->value;
    return CHUNK_OK;
}

static chunk_status run_slice(machine *m, const chk_code *c)
{
    m->n -= 3;
    chk_index s = {.kind = CHK_INDEX_SLICE, .step = 1};
    const chk_value *v[3] = {&m->stack[m->n].value, &m->stack[m->n + 1].value, &m->stack[m->n + 2].value};
    s.has_start = v[0]->kind != CHK_VAL_NONE;
    s.has_stop = v[1]->kind != CHK_VAL_NONE;
    if (s.has_start) CHK_TRY(chk_value_int(&s.start, v[0], "slice", "start", m->err));
    if (s.has_stop) CHK_TRY(chk_value_int(&s.stop, v[1], "slice", "stop", m->err));
    if (v[2]->kind != CHK_VAL_NONE) CHK_TRY(chk_value_int(&s.step, v[2], "slice", "step", m->err));
    if (s.step == 0) return chk_fail(m->err, CHUNK_EINDEX, "slice step cannot be zero");
    m->stack[m->n++] = (item){.kind = ITEM_SLICE, .slice = s, .value = {.kind = CHK_VAL_NONE, .column = c->column}};
    return CHUNK_OK;
}

static chunk_status index_of(machine *m, chk_index *out, const item *it)
{
    const chk_value *v = &it->value;
    if (it->kind == ITEM_SLICE) {
        *out = it->slice;
        return CHUNK_OK;
    }
    *out = (chk_index){.kind = it->kind == ITEM_ELLIPSIS ? CHK_INDEX_ELLIPSIS : CHK_INDEX_NEW};
    if (it->kind == ITEM_ELLIPSIS || v->kind == CHK_VAL_NONE) return CHUNK_OK;
    out->kind = CHK_INDEX_INT;
    if (v->kind == CHK_VAL_INT) return chk_value_int(&out->i, v, "index", "it", m->err);
    bool constant = v->kind == CHK_VAL_NODE && v->u.node->kind == CHK_NODE_SCALAR && v->u.node->dtype != CHK_BOOL;
    if (constant) return chk_value_int(&out->i, v, "index", "it", m->err);
    return chk_fail(m->err, CHUNK_EINDEX, "an index is an integer, a slice, ... or None, not %s", chk_value_kind_name(v));
}

/* True and False are masks of no dimensions. */
static bool is_array(const item *it)
{
    const chk_value *v = &it->value;
    bool node = v->kind == CHK_VAL_NODE && !(v->u.node->kind == CHK_NODE_SCALAR && v->u.node->dtype != CHK_BOOL);
    return it->kind == ITEM_VALUE && (node || v->kind == CHK_VAL_BOOL);
}

/* Axes of the array that an item stands for. */
static int axes_of_item(const item *it)
{
    if (it->value.kind == CHK_VAL_BOOL) return 0;
    if (is_array(it) && it->value.u.node->dtype == CHK_BOOL) return it->value.u.node->shape.ndim;
    if (it->kind == ITEM_VALUE) return it->value.kind != CHK_VAL_NONE;
    return it->kind == ITEM_SLICE;
}

/* Index arrays: slices and new axes first, as a view; what is left is a call of index. Integers beside arrays are index arrays too. */
static chunk_status run_arrays(machine *m, const chk_code *c, chk_node *base, const item *items, int n_items)
{
    chk_index list[3 * CHK_MAX_NDIM + 2];
    chk_value pick[3 * CHK_MAX_NDIM + 2];
    int n = 0, n_pick = 0, used = 0, n_new = 0;
    for (int i = 0; i < n_items; i++) {
        used += axes_of_item(&items[i]);
        n_new += items[i].kind == ITEM_VALUE && items[i].value.kind == CHK_VAL_NONE;
    }
    if (used > base->shape.ndim || base->shape.ndim + n_new > CHK_MAX_NDIM)
        return chk_fail(m->err, CHUNK_EINDEX, "too many indices: the array has %d dimension%s, %d were indexed", base->shape.ndim,
                        base->shape.ndim == 1 ? "" : "s", used);
    for (int i = 0; i < n_items; i++) {
        const item *it = &items[i];
        bool array = is_array(it),
             integer = it->kind == ITEM_VALUE && (it->value.kind == CHK_VAL_INT || (it->value.kind == CHK_VAL_NODE && !array));
        if (array || integer) {
            for (int k = 0; k < axes_of_item(it); k++) list[n++] = (chk_index){.kind = CHK_INDEX_SLICE, .step = 1};
            pick[n_pick++] = it->value;
            continue;
        }
        CHK_TRY(index_of(m, &list[n], it));
        int axes = list[n++].kind == CHK_INDEX_ELLIPSIS ? base->shape.ndim - used : 1;
        for (int k = 0; k < axes; k++) pick[n_pick++] = (chk_value){.kind = CHK_VAL_NONE};
    }
    chk_node *view;
    CHK_TRY(chk_node_index(&view, m->b, base, list, n, m->err));
    CHK_TRY(push_node(m, view, c->column));
    chk_value args[2] = {m->stack[--m->n].value, {.kind = CHK_VAL_TUPLE, .u.tuple = {pick, n_pick}}};
    m->n -= c->n + 1;
    return call_op(m, "index", args, NULL, 2, c->column);
}

/* An item of a tuple: split(x, 3)[1]. */
static chunk_status pick_item(machine *m, const chk_code *c, const item *tuple, const item *index)
{
    int64_t i, n = tuple->value.u.tuple.n;
    if (c->n != 1 || index->kind != ITEM_VALUE) return chk_fail(m->err, CHUNK_EINDEX, "a tuple is indexed with one integer");
    CHK_TRY(chk_value_int(&i, &index->value, "index", "it", m->err));
    if (i < -n || i >= n)
        return chk_fail(m->err, CHUNK_EINDEX, "index %lld is out of range for a tuple of %lld", (long long)i, (long long)n);
    chk_value v = tuple->value.u.tuple.item[i < 0 ? i + n : i];
    m->n -= c->n + 1;
    push_value(m, v, c->column);
    return CHUNK_OK;
}

static chunk_status run_index(machine *m, const chk_code *c)
{
    item *base = &m->stack[m->n - c->n - 1];
    const item *first = base + 1;
    for (int i = 0; i <= c->n; i++) CHK_TRY(settle(m, &base[i].value));
    chk_index list[2 * CHK_MAX_NDIM + 1];
    int n = 0;
    if (base->kind == ITEM_VALUE && base->value.kind == CHK_VAL_TUPLE) return pick_item(m, c, base, first);
    if (base->kind != ITEM_VALUE || base->value.kind != CHK_VAL_NODE)
        return chk_fail(m->err, CHUNK_EINDEX, "only arrays are indexed, not %s", chk_value_kind_name(&base->value));
    bool tuple = c->n == 1 && first->kind == ITEM_VALUE && first->value.kind == CHK_VAL_TUPLE;
    int n_items = tuple ? first->value.u.tuple.n : c->n;
    if (n_items > 2 * CHK_MAX_NDIM) return chk_fail(m->err, CHUNK_EINDEX, "too many indices: %d", n_items);
    item items[2 * CHK_MAX_NDIM + 1];
    bool arrays = false;
    for (int i = 0; i < n_items; i++) {
        items[i] = tuple ? (item){.kind = ITEM_VALUE, .value = first->value.u.tuple.item[i]} : first[i];
        arrays |= is_array(&items[i]);
    }
    if (arrays) return run_arrays(m, c, base->value.u.node, items, n_items);
    for (int i = 0; i < n_items; i++) CHK_TRY(index_of(m, &list[n++], &items[i]));
    chk_node *out;
    CHK_TRY(chk_node_index(&out, m->b, base->value.u.node, list, n, m->err));
    m->n -= c->n + 1;
    return push_node(m, out, c->column);
}

static chunk_status run_call(machine *m, const chk_code *c)
{
    /* The parser has bound the call once: there are no more arguments than CHK_MAX_ARGS. */
    chk_value args[CHK_MAX_ARGS + 1];
    const char *keywords[CHK_MAX_ARGS + 1];
    m->n -= c->n;
    for (int i = 0; i < c->n; i++) {
        args[i] = m->stack[m->n + i].value;
        keywords[i] = m->stack[m->n + i].keyword;
    }
    return call_op(m, c->name, args, keywords, c->n, c->column);
}

/* NAME[items] = value: slices as tuples, an ellipsis as whole axes, for the operation assign. */
static chunk_status run_assign(machine *m, const chk_code *c)
{
    item *base = &m->stack[m->n - c->n - 2];
    const item *first = base + 1;
    for (int i = 0; i <= c->n + 1; i++) CHK_TRY(settle(m, &base[i].value));
    chk_value pick[3 * CHK_MAX_NDIM + 2], part[3 * CHK_MAX_NDIM + 2][3];
    int n = 0, used = 0;
    if (base->kind != ITEM_VALUE || base->value.kind != CHK_VAL_NODE)
        return chk_fail(m->err, CHUNK_EINDEX, "only arrays are assigned to, not %s", chk_value_kind_name(&base->value));
    int ndim = base->value.u.node->shape.ndim;
    for (int i = 0; i < c->n; i++) used += axes_of_item(&first[i]);
    if (used > ndim || c->n > 2 * CHK_MAX_NDIM)
        return chk_fail(m->err, CHUNK_EINDEX, "too many indices: the array has %d dimension%s, %d were indexed", ndim,
                        ndim == 1 ? "" : "s", used);
    for (int i = 0; i < c->n; i++) {
        const item *it = &first[i];
        const chk_index *s = &it->slice;
        for (int k = used; it->kind == ITEM_ELLIPSIS && k < ndim; k++) pick[n++] = (chk_value){.kind = CHK_VAL_NONE};
        if (it->kind == ITEM_VALUE && it->value.kind == CHK_VAL_NONE)
            return chk_fail(m->err, CHUNK_EINDEX, "a new axis cannot be assigned to");
        if (it->kind == ITEM_VALUE) pick[n++] = it->value;
        if (it->kind != ITEM_SLICE) continue;
        part[n][0] = (chk_value){.kind = s->has_start ? CHK_VAL_INT : CHK_VAL_NONE, .u.i.i = s->start};
        part[n][1] = (chk_value){.kind = s->has_stop ? CHK_VAL_INT : CHK_VAL_NONE, .u.i.i = s->stop};
        part[n][2] = (chk_value){.kind = CHK_VAL_INT, .u.i.i = s->step};
        pick[n] = (chk_value){.kind = CHK_VAL_TUPLE, .u.tuple = {part[n], 3}};
        n++;
    }
    chk_value args[3] = {base->value, {.kind = CHK_VAL_TUPLE, .u.tuple = {pick, n}}, m->stack[m->n - 1].value};
    m->n -= c->n + 2;
    CHK_TRY(call_op(m, "assign", args, NULL, 3, c->column));
    chk_value made = m->stack[--m->n].value;
    struct local *l = chk_malloc(sizeof *l);
    if (!l) return no_memory(m);
    *l = (struct local){m->locals, c->name, made};
    m->locals = l;
    return CHUNK_OK;
}

/* What := means, of each part of a tuple. The items of tuples belong to this machine. */
static chunk_status keep_value(machine *m, chk_value *v)
{
    CHK_TRY(settle(m, v));
    for (int i = 0; v->kind == CHK_VAL_TUPLE && i < v->u.tuple.n; i++) CHK_TRY(keep_value(m, (chk_value *)&v->u.tuple.item[i]));
    if (v->kind != CHK_VAL_NODE) return CHUNK_OK;
    chk_node *kept;
    CHK_TRY(chk_node_keep(&kept, m->b, v->u.node, m->err));
    CHK_TRY(push_node(m, kept, v->column));
    *v = m->stack[--m->n].value;
    return CHUNK_OK;
}

static chunk_status run_unpack(machine *m, const chk_code *c)
{
    chk_value v = m->stack[--m->n].value;
    if (v.kind != CHK_VAL_TUPLE)
        return chk_fail(m->err, CHUNK_ETYPE, "%d names stand for a tuple of as many, not for %s", c->n, chk_value_kind_name(&v));
    if (v.u.tuple.n != c->n) return chk_fail(m->err, CHUNK_ETYPE, "%d names for a tuple of %d", c->n, v.u.tuple.n);
    for (int i = c->n - 1; i >= 0; i--) m->stack[m->n++] = (item){.value = v.u.tuple.item[i]};
    return CHUNK_OK;
}

/* The statement's value: kept if asked for, named if it has a name, a result unless it is kept. */
static chunk_status run_end(machine *m, const chk_statement *s, chk_node **results, int *n_results)
{
    chk_value v = m->stack[--m->n].value;
    if (v.kind == CHK_VAL_TUPLE && v.list)
        return chk_fail(
            m->err, CHUNK_ETYPE,
            "a list of anything but numbers, or of lists of several lengths, is no array: join arrays with stack or concat");
    if (v.kind == CHK_VAL_TUPLE && !s->keep)
        return chk_fail(
            m->err, CHUNK_ETYPE,
            "a result is an array or a number, not a tuple: name its %d parts, as in a, b = ..., or take one, as in (...)[0]",
            v.u.tuple.n);
    if (!chk_number_is(&v) && v.kind != CHK_VAL_NODE && v.kind != CHK_VAL_TUPLE)
        return chk_fail(m->err, CHUNK_ETYPE, "a result is an array or a number, not %s", chk_value_kind_name(&v));
    if (s->keep) CHK_TRY(keep_value(m, &v));
    if (s->name) {
        struct local *l = chk_malloc(sizeof *l);
        if (!l) return no_memory(m);
        *l = (struct local){m->locals, s->name, v};
        m->locals = l;
    }
    if (s->keep) return CHUNK_OK;
    chk_node *node, *strong;
    CHK_TRY(chk_value_node(&node, m->b, &v, "result", m->err));
    chunk_status st = chk_node_cast(&strong, m->b, node, node->dtype, m->err); /* a number alone has NumPy's dtype for it */
    chk_node_release(node);
    if (st == CHUNK_OK) results[(*n_results)++] = strong;
    return st;
}

static chunk_status run_code(machine *m, const chk_code *c, int *i_statement, chk_node **results, int *n_results)
{
    switch (c->kind) {
    case CHK_CODE_VALUE: push_value(m, c->value, c->column); return CHUNK_OK;
    case CHK_CODE_NAME: return push_name(m, c);
    case CHK_CODE_UNARY: return run_unary(m, c);
    case CHK_CODE_BINARY: return run_binary(m, c);
    case CHK_CODE_TUPLE: return run_tuple(m, c);
    case CHK_CODE_LIST: return run_list(m, c);
    case CHK_CODE_SLICE: return run_slice(m, c);
    case CHK_CODE_ELLIPSIS: m->stack[m->n++] = (item){.kind = ITEM_ELLIPSIS, .value = {.kind = CHK_VAL_NONE}}; return CHUNK_OK;
    case CHK_CODE_INDEX: return run_index(m, c);
    case CHK_CODE_KEYWORD: m->stack[m->n - 1].keyword = c->name; return CHUNK_OK;
    case CHK_CODE_CALL: return run_call(m, c);
    case CHK_CODE_ASSIGN: return run_assign(m, c);
    case CHK_CODE_UNPACK: return run_unpack(m, c);
    case CHK_CODE_END: return run_end(m, &m->t->statement[(*i_statement)++], results, n_results);
    }
    return chk_fail(m->err, CHUNK_ESTATE, "internal: unknown code %d", c->kind);
}

static void free_machine(machine *m)
{
    for (struct owned *o = m->owned, *next; o; o = next) {
        next = o->next;
        chk_node_release(o->node);
        chk_free(o);
    }
    for (struct block *k = m->blocks, *next; k; k = next) {
        next = k->next;
        chk_free(k);
    }
    for (struct local *l = m->locals, *next; l; l = next) {
        next = l->next;
        chk_free(l);
    }
    chk_free(m->stack);
}

/* How many values lie on the stack at most. */
static int stack_need(const chk_text *t)
{
    int n = 0, most = 0;
    for (int i = 0; i < t->n_code; i++) {
        const chk_code *c = &t->code[i];
        switch (c->kind) {
        case CHK_CODE_VALUE:
        case CHK_CODE_NAME:
        case CHK_CODE_ELLIPSIS: n++; break;
        case CHK_CODE_BINARY:
        case CHK_CODE_END: n--; break;
        case CHK_CODE_SLICE: n -= 2; break;
        case CHK_CODE_TUPLE:
        case CHK_CODE_CALL: n -= c->n - 1; break;
        case CHK_CODE_INDEX: n -= c->n; break;
        case CHK_CODE_ASSIGN: n -= c->n + 2; break;
        case CHK_CODE_UNPACK: n += c->n - 1; break;
        case CHK_CODE_UNARY:
        case CHK_CODE_LIST:
        case CHK_CODE_KEYWORD: break;
        }
        if (n > most) most = n;
    }
    return most + 1;
}

chunk_status chk_text_build(chk_node **results, int *n_results, const chk_text *t, chk_builder *b, const chk_binding *bindings,
                            int n_bindings, chunk_error *err)
{
    chunk_error own = {0};
    machine m = {.t = t, .b = b, .binding = bindings, .n_bindings = n_bindings, .err = err ? err : &own};
    int n = 0, i_statement = 0;
    m.stack = chk_calloc((size_t)stack_need(t), sizeof *m.stack);
    chunk_status st = m.stack ? CHUNK_OK : no_memory(&m);
    for (int i = 0; i < t->n_code && st == CHUNK_OK; i++) {
        st = run_code(&m, &t->code[i], &i_statement, results, &n);
        bool of_text = st != CHUNK_OK && st != CHUNK_ENOMEM && st != CHUNK_EFILE &&
                       st != CHUNK_ENOSPC; /* masks are counted while it is built */
        if (of_text && m.err->column == 0) m.err->column = t->code[i].column;
    }
    free_machine(&m);
    if (st != CHUNK_OK) {
        while (n > 0) chk_node_release(results[--n]);
        return st;
    }
    *n_results = n;
    return CHUNK_OK;
}
