/* json_write.c: the canonical form. Nodes are numbered in the order in which a walk from the results, inputs first, leaves them; the walk
 * keeps its own stack, so deep chains do no harm. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/json.h"

typedef struct writer {
    char *text;
    size_t n, room;
    const chk_node **node; /* in order; the index is the number */
    int n_nodes, room_nodes;
    int32_t *slot; /* hash table: number + 1 of a node, by address */
    size_t n_slots;
    bool shown;              /* for people: any node, by its name, with what it is */
    const chk_node **memory; /* takes the sources in memory, at most room_memory; NULL: they are refused */
    int n_memory, room_memory;
    bool failed; /* out of memory */
} writer;

static void put_bytes(writer *w, const char *s, size_t n)
{
    if (w->failed) return;
    if (w->n + n + 1 > w->room) {
        size_t room = (w->n + n + 1) * 2 + 256;
        char *p = chk_realloc(w->text, room);
        if (!p) {
            w->failed = true;
            return;
        }
        w->text = p;
        w->room = room;
    }
    memcpy(w->text + w->n, s, n);
    w->n += n;
    w->text[w->n] = 0;
}

static void put(writer *w, const char *s) { put_bytes(w, s, strlen(s)); }

static void put_string(writer *w, const char *s)
{
    put(w, "\"");
    for (; *s; s++) {
        char esc[8];
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            put_bytes(w, (char[2]){'\\', *s}, 2);
        else if (c < 0x20 || c == 0x7f)
            put_bytes(w, esc, (size_t)snprintf(esc, sizeof esc, "\\u%04x", c));
        else
            put_bytes(w, s, 1);
    }
    put(w, "\"");
}

static void put_int(writer *w, int64_t v)
{
    bool plain = v >= -(INT64_C(1) << 53) && v <= INT64_C(1) << 53;
    char buf[32];
    snprintf(buf, sizeof buf, plain ? "%" PRId64 : "\"%" PRId64 "\"", v);
    put(w, buf);
}

static void put_ints(writer *w, const char *key, const int64_t *v, int n)
{
    put_string(w, key);
    put(w, ":[");
    for (int i = 0; i < n; i++) {
        if (i) put(w, ",");
        put_int(w, v[i]);
    }
    put(w, "]");
}

static void put_field(writer *w, const char *key, const char *value)
{
    put_string(w, key);
    put(w, ":");
    put_string(w, value);
}

static size_t slot_of(const writer *w, const chk_node *n)
{
    size_t at = (size_t)(n->hash[0] ^ (uintptr_t)n >> 4) & (w->n_slots - 1);
    while (w->slot[at] && w->node[w->slot[at] - 1] != n) at = (at + 1) & (w->n_slots - 1);
    return at;
}

static int number_of(const writer *w, const chk_node *n) { return w->slot[slot_of(w, n)] - 1; }

static bool grow_slots(writer *w)
{
    size_t n = w->n_slots ? w->n_slots * 2 : 256;
    int32_t *slot = chk_calloc(n, sizeof *slot);
    if (!slot) return false;
    chk_free(w->slot);
    w->slot = slot;
    w->n_slots = n;
    for (int i = 0; i < w->n_nodes; i++) w->slot[slot_of(w, w->node[i])] = i + 1;
    return true;
}

static bool add_node(writer *w, const chk_node *n)
{
    if (w->n_nodes == w->room_nodes) {
        int room = w->room_nodes * 2 + 64;
        const chk_node **p = chk_realloc(w->node, (size_t)room * sizeof *p);
        if (!p) return false;
        w->node = p;
        w->room_nodes = room;
    }
    if ((size_t)w->n_nodes * 2 >= w->n_slots && !grow_slots(w)) return false;
    w->slot[slot_of(w, n)] = w->n_nodes + 1;
    w->node[w->n_nodes++] = n;
    return true;
}

struct frame {
    const chk_node *node;
    int next;
};

/* All nodes under root that have no number yet, inputs first. */
static bool walk(writer *w, const chk_node *root)
{
    struct frame *stack = NULL;
    int n = 0, room = 0;
    bool ok = true;
    if (w->n_slots && number_of(w, root) >= 0) return true;
    for (const chk_node *enter = root; ok && (enter || n > 0);) {
        if (enter) {
            if (n == room) {
                struct frame *p = chk_realloc(stack, (size_t)(room = room * 2 + 64) * sizeof *p);
                if (!(ok = p != NULL)) break;
                stack = p;
            }
            stack[n++] = (struct frame){enter, 0};
            enter = NULL;
        }
        struct frame *top = &stack[n - 1];
        if (top->next < top->node->n_in) {
            const chk_node *in = top->node->in[top->next++];
            if (!w->n_slots || number_of(w, in) < 0) enter = in;
        } else {
            ok = add_node(w, top->node);
            n--;
        }
    }
    chk_free(stack);
    return ok;
}

static void put_inputs(writer *w, const chk_node *n)
{
    put(w, "\"in\":[");
    for (int i = 0; i < n->n_in; i++) {
        if (i) put(w, ",");
        put_int(w, number_of(w, n->in[i]));
    }
    put(w, "]");
}

static void put_reduce(writer *w, const chk_node *n)
{
    int64_t axis[CHK_MAX_NDIM];
    int k = 0;
    char param[40];
    for (int a = 0; a < CHK_MAX_NDIM; a++)
        if (n->u.red.axes >> a & 1) axis[k++] = a;
    snprintf(param, sizeof param, "%a", n->u.red.param);
    put_ints(w, "axes", axis, k);
    put(w, ",");
    put_inputs(w, n);
    put(w, n->u.red.keepdims ? ",\"keepdims\":true," : ",\"keepdims\":false,");
    put(w, "\"kind\":\"reduce\",");
    put_field(w, "param", param);
    put(w, ",");
    put_field(w, "red", chk_red_name(n->u.red.red));
}

static void put_view(writer *w, const chk_node *n)
{
    const chk_view *v = &n->u.view;
    int64_t axis[CHK_MAX_NDIM], step[CHK_MAX_NDIM];
    for (int i = 0; i < v->base_ndim; i++) {
        axis[i] = v->axis[i];
        step[i] = v->axis[i] < 0 ? 0 : v->step[i];
    }
    put_ints(w, "axis", axis, v->base_ndim);
    put(w, ",");
    put_inputs(w, n);
    put(w, ",\"kind\":\"view\",");
    put_ints(w, "off", v->off, v->base_ndim);
    put(w, ",");
    put_ints(w, "shape", v->shape.dim, v->shape.ndim);
    put(w, ",");
    put_ints(w, "step", step, v->base_ndim);
}

static chunk_status put_scalar(writer *w, const chk_node *n, chunk_error *err)
{
    char value[128];
    CHK_TRY(chk_scalar_text(value, sizeof value, &n->u.scalar, err));
    put_field(w, "dtype", chk_dtype_name(n->dtype));
    put(w, ",\"kind\":\"scalar\",");
    put_field(w, "value", value);
    put(w, n->weak ? ",\"weak\":true" : ",\"weak\":false");
    return CHUNK_OK;
}

/* Sources in memory are named by their place among those of the text: what they are called here may be the same for all. */
static chunk_status put_source(writer *w, const chk_node *n, chunk_error *err)
{
    const char *kind = n->u.source->ops->kind;
    char name[32];
    bool in_memory = w->memory && !strcmp(kind, "memory");
    if (!in_memory && strcmp(kind, "hdf5"))
        return chk_fail(err, CHUNK_EUNSUPPORTED, "JSON: '%s' lies in %s, which has no meaning outside this process", n->name, kind);
    if (in_memory) {
        if (w->n_memory == w->room_memory)
            return chk_fail(err, CHUNK_EUNSUPPORTED, "JSON: more than %d arrays in memory", w->room_memory);
        snprintf(name, sizeof name, "memory:%d", w->n_memory);
        w->memory[w->n_memory++] = n;
    }
    put_field(w, "dtype", chk_dtype_name(n->dtype));
    put(w, ",\"kind\":\"source\",");
    put_field(w, "name", in_memory ? name : chk_node_full_name(n));
    put(w, ",");
    put_ints(w, "shape", n->shape.dim, n->shape.ndim);
    return CHUNK_OK;
}

static void put_map(writer *w, const chk_node *n)
{
    bool cast = n->u.map.fn == CHK_FN_NONE;
    if (cast) {
        put_field(w, "dtype", chk_dtype_name(n->dtype));
    } else {
        put_field(w, "compute", chk_dtype_name(n->u.map.compute));
        put(w, ",");
        put_field(w, "fn", chk_fn_name(n->u.map.fn));
    }
    put(w, ",");
    put_inputs(w, n);
    put(w, cast ? ",\"kind\":\"cast\"" : ",\"kind\":\"map\"");
}

static chunk_status put_node(writer *w, const chk_node *n, chunk_error *err)
{
    switch (n->kind) {
    case CHK_NODE_SOURCE: return put_source(w, n, err);
    case CHK_NODE_SCALAR: return put_scalar(w, n, err);
    case CHK_NODE_IOTA:
        put(w, "\"kind\":\"iota\",\"n\":");
        put_int(w, n->shape.dim[0]);
        return CHUNK_OK;
    case CHK_NODE_MAP: put_map(w, n); return CHUNK_OK;
    case CHK_NODE_VIEW: put_view(w, n); return CHUNK_OK;
    case CHK_NODE_KEEP:
        put_inputs(w, n);
        put(w, ",\"kind\":\"keep\"");
        return CHUNK_OK;
    case CHK_NODE_REDUCE:
        if (n->u.red.user) break;
        put_reduce(w, n);
        return CHUNK_OK;
    case CHK_NODE_CUSTOM:
        if (n->u.custom.op->flags & CHK_OP_CALLERS_CODE) break;
        put_ints(w, "attr", n->u.custom.attr, n->u.custom.n_attr);
        put(w, ",");
        put_inputs(w, n);
        put(w, ",\"kind\":\"custom\",");
        put_field(w, "op", n->u.custom.op->name);
        return CHUNK_OK;
    case CHK_NODE_USER: break;
    }
    return chk_fail(err, CHUNK_EUNSUPPORTED, "JSON: '%s' is code of the calling program and cannot be written", n->name);
}

/* {"chunk":[10,20],"dtype":"float64","in":[0,1],"kind":"map","name":"add","shape":[100,200]}; scalars also have their value. */
static chunk_status put_shown(writer *w, const chk_node *n, chunk_error *err)
{
    static const char *const kind[] = {
        [CHK_NODE_SOURCE] = "source", [CHK_NODE_SCALAR] = "scalar", [CHK_NODE_IOTA] = "iota",
        [CHK_NODE_MAP] = "map",       [CHK_NODE_USER] = "map",      [CHK_NODE_REDUCE] = "reduce",
        [CHK_NODE_VIEW] = "view",     [CHK_NODE_KEEP] = "keep",     [CHK_NODE_CUSTOM] = "custom",
    };
    int64_t chunk[CHK_MAX_NDIM];
    for (int a = 0; a < n->shape.ndim; a++) {
        const chk_axis_grid *g = &n->grid.axis[a];
        chunk[a] = 0;
        if (g->n_chunks > 0) chunk[a] = chk_axis_bound(g, 1) - chk_axis_bound(g, 0); /* the first one's */
    }
    put_ints(w, "chunk", chunk, n->shape.ndim);
    put(w, ",");
    put_field(w, "dtype", chk_dtype_name(n->dtype));
    put(w, ",");
    put_inputs(w, n);
    put(w, ",");
    put_field(w, "kind", kind[n->kind]);
    put(w, ",");
    put_field(w, "name", n->kind == CHK_NODE_SOURCE ? chk_node_full_name(n) : n->name);
    put(w, ",");
    put_ints(w, "shape", n->shape.dim, n->shape.ndim);
    if (n->kind != CHK_NODE_SCALAR) return CHUNK_OK;
    char value[128];
    CHK_TRY(chk_scalar_text(value, sizeof value, &n->u.scalar, err));
    put(w, ",");
    put_field(w, "value", value);
    return CHUNK_OK;
}

static chunk_status write_all(writer *w, chk_node *const *results, int n_results, chunk_error *err)
{
    bool ok = true;
    for (int i = 0; i < n_results && ok; i++) ok = walk(w, results[i]);
    if (!ok) return chk_fail(err, CHUNK_ENOMEM, "out of memory while writing JSON");
    if (w->n_nodes > CHK_JSON_NODES && !w->shown)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "JSON: %d nodes, at most %d can be read back", w->n_nodes, CHK_JSON_NODES);
    put(w, "{\"libchunk\":1,\"nodes\":[");
    for (int i = 0; i < w->n_nodes; i++) {
        put(w, i ? ",{" : "{");
        CHK_TRY(w->shown ? put_shown(w, w->node[i], err) : put_node(w, w->node[i], err));
        put(w, "}");
    }
    put(w, "],\"results\":[");
    for (int i = 0; i < n_results; i++) {
        if (i) put(w, ",");
        put_int(w, number_of(w, results[i]));
    }
    put(w, "]}");
    return w->failed ? chk_fail(err, CHUNK_ENOMEM, "out of memory while writing JSON") : CHUNK_OK;
}

static chunk_status write_as(writer *w, char **out, chk_node *const *results, int n_results, chunk_error *err)
{
    chunk_status st = write_all(w, results, n_results, err);
    chk_free(w->node);
    chk_free(w->slot);
    if (st == CHUNK_OK)
        *out = w->text;
    else
        chk_free(w->text);
    return st;
}

chunk_status chk_json_write(char **out, chk_node *const *results, int n_results, chunk_error *err)
{
    return write_as(&(writer){.n = 0}, out, results, n_results, err);
}

chunk_status chk_json_write_memory(char **out, chk_node *const *results, int n_results, const chk_node **memory, int max,
                                   int *n_memory, chunk_error *err)
{
    writer w = {.memory = memory, .room_memory = max};
    CHK_TRY(write_as(&w, out, results, n_results, err));
    *n_memory = w.n_memory;
    return CHUNK_OK;
}

chunk_status chk_json_graph(char **out, chk_node *const *results, int n_results, chunk_error *err)
{
    return write_as(&(writer){.shown = true}, out, results, n_results, err);
}
