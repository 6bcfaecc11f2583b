/* intern.c: one node for equal expressions. A draft is hashed (XXH3, 128 bits, over names rather than numbers, so that hashes outlast
 * changes of enums); a live node with the same hash over the very same inputs and source is shared, else a cell is made. */
#include <stdatomic.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* the state on the stack */
#include <xxhash.h>

#include "base/alloc.h"
#include "expr/internal.h"

static void add_bytes(XXH3_state_t *s, const void *p, size_t n) { XXH3_128bits_update(s, p, n); }
static void add_int(XXH3_state_t *s, int64_t v) { add_bytes(s, &v, sizeof v); }

static void add_text(XXH3_state_t *s, const char *text)
{
    size_t n = strlen(text);
    add_int(s, (int64_t)n);
    add_bytes(s, text, n);
}

static void add_ints(XXH3_state_t *s, const int64_t *v, int n)
{
    add_int(s, n);
    add_bytes(s, v, (size_t)n * sizeof *v);
}

/* Only files have an identity beyond this process: other sources are told apart by their address. */
static void hash_source(XXH3_state_t *s, const chk_node *n, const char *full_name)
{
    const chk_source *src = n->u.source;
    add_text(s, src->ops->kind);
    if (strcmp(src->ops->kind, "hdf5") == 0)
        add_text(s, full_name);
    else
        add_bytes(s, &src, sizeof src);
    for (int a = 0; a < n->shape.ndim; a++) add_int(s, n->grid.axis[a].chunk);
}

static void hash_view(XXH3_state_t *s, const chk_view *v)
{
    add_int(s, v->base_ndim);
    for (int i = 0; i < v->base_ndim; i++) {
        add_int(s, v->axis[i]);
        add_int(s, v->off[i]);
        add_int(s, v->axis[i] < 0 ? 0 : v->step[i]);
    }
}

static void hash_reduce(XXH3_state_t *s, const chk_node *n)
{
    double param = n->u.red.param;
    add_text(s, n->u.red.user ? n->u.red.user->name : chk_red_name(n->u.red.red));
    add_bytes(s, &n->u.red.user, sizeof n->u.red.user);
    add_int(s, n->u.red.axes);
    add_int(s, n->u.red.keepdims);
    add_bytes(s, &param, sizeof param);
}

void chk_node_hash(uint64_t hash[2], const chk_node *n, const char *full_name)
{
    static const char *const kinds[] = {"source", "scalar", "iota", "map", "user", "reduce", "view", "keep", "custom"};
    XXH3_state_t s;
    XXH3_128bits_reset(&s);
    add_text(&s, kinds[n->kind]);
    add_text(&s, chk_dtype_name(n->dtype));
    add_int(&s, n->weak);
    add_ints(&s, n->shape.dim, n->shape.ndim);
    add_int(&s, n->n_in);
    for (int i = 0; i < n->n_in; i++) add_bytes(&s, n->in[i]->hash, sizeof n->in[i]->hash);
    switch (n->kind) {
    case CHK_NODE_SOURCE: hash_source(&s, n, full_name); break;
    case CHK_NODE_SCALAR: add_bytes(&s, n->u.scalar.v.bytes, chk_dtype_size(n->dtype)); break;
    case CHK_NODE_MAP:
        add_text(&s, n->u.map.fn == CHK_FN_NONE ? "cast" : chk_fn_name(n->u.map.fn));
        add_text(&s, chk_dtype_name(n->u.map.compute));
        break;
    case CHK_NODE_USER:
        add_text(&s, n->u.user->name);
        add_bytes(&s, &n->u.user, sizeof n->u.user);
        break;
    case CHK_NODE_REDUCE: hash_reduce(&s, n); break;
    case CHK_NODE_VIEW: hash_view(&s, &n->u.view); break;
    case CHK_NODE_CUSTOM:
        add_text(&s, n->u.custom.op->name);
        add_ints(&s, n->u.custom.attr, n->u.custom.n_attr);
        break;
    case CHK_NODE_IOTA:
    case CHK_NODE_KEEP: break;
    }
    XXH128_hash_t h = XXH3_128bits_digest(&s);
    hash[0] = h.low64;
    hash[1] = h.high64;
}

/* What a hash cannot promise: sources opened twice under one name stay two. */
static bool same_identity(const chk_node *a, const chk_node *b)
{
    if (a->hash[0] != b->hash[0] || a->hash[1] != b->hash[1] || a->kind != b->kind || a->n_in != b->n_in) return false;
    if (a->kind == CHK_NODE_SOURCE && a->u.source != b->u.source) return false;
    for (int i = 0; i < a->n_in; i++)
        if (a->in[i] != b->in[i]) return false;
    return true;
}

static chk_node *find_live(chk_table *t, const chk_node *draft)
{
    for (chk_cell *c = t->bucket[draft->hash[0] & (t->n_buckets - 1)]; c; c = c->next) {
        if (!same_identity(&c->node, draft)) continue;
        c->node.refs++;
        return &c->node;
    }
    return NULL;
}

/* Doubling fails silently when memory is short: chains get longer, nothing else. */
static void grow_table(chk_table *t)
{
    size_t n = t->n_buckets * 2;
    chk_cell **bucket = chk_calloc(n, sizeof *bucket);
    if (!bucket) return;
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (chk_cell *c = t->bucket[i], *next; c; c = next) {
            next = c->next;
            chk_cell **at = &bucket[c->node.hash[0] & (n - 1)];
            c->next = *at;
            *at = c;
        }
    }
    chk_free(t->bucket);
    t->bucket = bucket;
    t->n_buckets = n;
}

static chk_cell *make_cell(const chk_node *draft, const char *name, const char *full_name)
{
    chk_cell *c = chk_calloc(1, sizeof *c + (size_t)draft->n_in * sizeof(chk_node *));
    if (!c) return NULL;
    if (full_name && !(c->full_name = chk_strdup(full_name))) {
        chk_free(c);
        return NULL;
    }
    c->node = *draft;
    if (draft->kind == CHK_NODE_CUSTOM) {
        size_t n_bytes = (size_t)draft->u.custom.n_attr * sizeof *draft->u.custom.attr;
        c->node.u.custom.attr = chk_malloc(n_bytes ? n_bytes : 1);
        if (!c->node.u.custom.attr) {
            chk_free(c->full_name);
            chk_free(c);
            return NULL;
        }
        if (n_bytes) memcpy(c->node.u.custom.attr, draft->u.custom.attr, n_bytes);
        for (int a = 0; a < draft->shape.ndim; a++) { /* lists of bounds among the parameters */
            const int64_t **bounds = &c->node.grid.axis[a].bounds, *from = draft->u.custom.attr;
            if (*bounds && from && *bounds >= from && *bounds < from + draft->u.custom.n_attr)
                *bounds = c->node.u.custom.attr + (*bounds - from);
        }
    }
    c->node.refs = 1;
    c->node.in = (chk_node **)(c + 1);
    strncpy(c->node.name, name ? name : "", sizeof c->node.name - 1);
    c->stored = draft->kind == CHK_NODE_SOURCE;
    c->file = c->stored && strcmp(draft->u.source->ops->kind, "memory") != 0;
    c->decodes = c->stored && !draft->u.source->cuttable;
    bool passes = draft->kind == CHK_NODE_KEEP || draft->kind == CHK_NODE_REDUCE ||
                  (draft->kind == CHK_NODE_CUSTOM && !draft->u.custom.op->local);
    for (int i = 0; i < draft->n_in; i++) {
        c->decodes |= !passes && ((const chk_cell *)draft->in[i])->decodes;
        c->node.in[i] = chk_node_retain(draft->in[i]);
        c->stored |= chk_node_stored(draft->in[i]);
        c->file |= ((const chk_cell *)draft->in[i])->file;
    }
    if (draft->kind == CHK_NODE_SOURCE) chk_source_retain(draft->u.source);
    return c;
}

/* What is allocated for a cell, with what malloc adds. */
static uint64_t cell_bytes(const chk_cell *c)
{
    const chk_node *n = &c->node;
    uint64_t bytes = sizeof *c + (uint64_t)n->n_in * sizeof(chk_node *) + 16;
    if (n->kind == CHK_NODE_CUSTOM) bytes += (uint64_t)n->u.custom.n_attr * sizeof *n->u.custom.attr + 16;
    return c->full_name ? bytes + strlen(c->full_name) + 16 : bytes;
}

static bool is_dataset(const chk_node *n) { return n->kind == CHK_NODE_SOURCE && n->u.source->file; }

void chk_nodes_alive(chk_alive *out, const chk_node *any)
{
    chk_table *t = ((const chk_cell *)any)->table;
    pthread_mutex_lock(&t->lock);
    *out = t->alive;
    pthread_mutex_unlock(&t->lock);
}

chunk_status chk_intern(chk_node **out, chk_builder *b, const chk_node *draft, const char *name, const char *full_name,
                        chunk_error *err)
{
    chk_table *t = b->table;
    chk_node n = *draft;
    if (!chk_shape_fits(&n.shape)) {
        char shape[160];
        return chk_fail(err, CHUNK_ESHAPE, "%s%san array of shape %s has more than 2**63 bytes",
                        n.kind == CHK_NODE_VIEW ? ""
                        : full_name             ? full_name
                                                : name,
                        n.kind == CHK_NODE_VIEW ? "" : ": ", chk_shape_text(shape, sizeof shape, &n.shape));
    }
    chk_node_hash(n.hash, &n, full_name);
    pthread_mutex_lock(&t->lock);
    chk_node *hit = find_live(t, &n);
    chk_cell *c = hit ? NULL : make_cell(&n, name, full_name);
    if (c) {
        if (t->n_cells >= t->n_buckets) grow_table(t);
        chk_cell **at = &t->bucket[n.hash[0] & (t->n_buckets - 1)];
        c->next = *at;
        *at = c;
        c->table = t;
        t->n_cells++;
        t->alive.bytes += cell_bytes(c);
        if (t->alive.bytes > t->alive.most_bytes) t->alive.most_bytes = t->alive.bytes;
        t->alive.n_datasets += is_dataset(&c->node);
        t->refs++;
        hit = &c->node;
    }
    pthread_mutex_unlock(&t->lock);
    if (!hit) return chk_fail(err, CHUNK_ENOMEM, "out of memory while building an expression");
    *out = hit;
    return CHUNK_OK;
}

bool chk_node_decodes(const chk_node *n) { return ((const chk_cell *)n)->decodes; }
bool chk_node_stored(const chk_node *n) { return ((const chk_cell *)n)->stored; }

chk_node *chk_node_retain(chk_node *n)
{
    n->refs++;
    return n;
}

/* Gives back one count; the cell, taken out of the table, when it was the last. */
static chk_cell *drop(chk_node *n)
{
    int refs = n->refs;
    while (refs > 1)
        if (atomic_compare_exchange_weak(&n->refs, &refs, refs - 1)) return NULL;
    chk_cell *c = (chk_cell *)n;
    chk_table *t = c->table;
    pthread_mutex_lock(&t->lock);
    bool last = --n->refs == 0;
    if (last) {
        chk_cell **at = &t->bucket[n->hash[0] & (t->n_buckets - 1)];
        while (*at != c) at = &(*at)->next;
        *at = c->next;
        t->n_cells--;
        t->alive.bytes -= cell_bytes(c);
        t->alive.n_datasets -= is_dataset(n);
    }
    pthread_mutex_unlock(&t->lock);
    return last ? c : NULL;
}

void chk_node_release(chk_node *n)
{
    chk_cell *todo = n ? drop(n) : NULL;
    if (todo) todo->next = NULL;
    while (todo) {
        chk_cell *c = todo;
        todo = c->next;
        for (int i = 0; i < c->node.n_in; i++) {
            chk_cell *in = drop(c->node.in[i]);
            if (!in) continue;
            in->next = todo;
            todo = in;
        }
        chk_cell *exact = c->exact ? drop(c->exact) : NULL;
        if (exact) {
            exact->next = todo;
            todo = exact;
        }
        if (c->node.kind == CHK_NODE_SOURCE) chk_source_release(c->node.u.source);
        if (c->node.kind == CHK_NODE_CUSTOM) chk_free(c->node.u.custom.attr);
        chk_table_release(c->table);
        chk_free(c->full_name);
        chk_free(c);
    }
}
