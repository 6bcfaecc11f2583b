/* text.c: expressions as text and as JSON, at the public boundary. */
#include <stdlib.h>
#include <string.h>

#include "api/internal.h"
#include "base/alloc.h"

struct chunk_text {
    chk_text *t;
    int result[]; /* statement numbers of the results, ended by -1 */
};

chunk_status chunk_text_new(chunk_text **out, chunk_context *ctx, const char *text, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !text) return chk_fail(err, CHUNK_EINVAL, "chunk_text_new: out or text is NULL");
    chk_text *t;
    CHK_TRY(chk_text_parse(&t, ctx->builder, text, err));
    int n = chk_text_n_statements(t);
    chunk_text *made = chk_malloc(sizeof *made + (size_t)(n + 1) * sizeof made->result[0]);
    if (!made) {
        chk_text_free(t);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory for an expression");
    }
    made->t = t;
    int k = 0;
    for (int i = 0; i < n; i++)
        if (!chk_text_statement(t, i).keep) made->result[k++] = i;
    made->result[k] = -1;
    *out = made;
    return CHUNK_OK;
}

void chunk_text_free(chunk_text *t)
{
    if (!t) return;
    chk_text_free(t->t);
    chk_free(t);
}

int chunk_text_n_results(const chunk_text *t)
{
    int n = 0;
    while (t->result[n] >= 0) n++;
    return n;
}

const char *chunk_text_result_name(const chunk_text *t, int i) { return chk_text_statement(t->t, t->result[i]).name; }
int chunk_text_n_names(const chunk_text *t) { return chk_text_n_names(t->t); }
const char *chunk_text_name(const chunk_text *t, int i, int *column) { return chk_text_name(t->t, i, column); }

static void release_nodes(chk_node **node, int n)
{
    for (int i = 0; i < n; i++) chk_node_release(node[i]);
}

/* Wraps n counted nodes; on failure gives all of them back. */
static chunk_status wrap_all(chunk_array **results, chunk_context *ctx, chk_node **node, int n, chunk_error *err)
{
    for (int i = 0; i < n; i++) {
        chunk_status st = chk_array_wrap(&results[i], ctx, node[i], err);
        if (st == CHUNK_OK) continue;
        for (int k = 0; k < i; k++) chunk_array_free(results[k]);
        release_nodes(node + i + 1, n - i - 1);
        return st;
    }
    return CHUNK_OK;
}

chunk_status chunk_text_build(chunk_array **results, const chunk_text *t, chunk_context *ctx, const chunk_binding *bindings,
                              int n_bindings, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    int n = chk_text_n_statements(t->t), n_results = 0;
    chk_binding *b = chk_calloc((size_t)n_bindings + 1, sizeof *b);
    chk_node **node = chk_calloc((size_t)n + 1, sizeof *node);
    chunk_status st = b && node ? CHUNK_OK : chk_fail(err, CHUNK_ENOMEM, "out of memory for an expression");
    for (int i = 0; i < n_bindings && st == CHUNK_OK; i++) {
        if (!bindings[i].name || !bindings[i].array)
            st = chk_fail(err, CHUNK_EINVAL, "binding %d has no name or no array", i);
        else
            b[i] = (chk_binding){bindings[i].name, bindings[i].array->node};
    }
    chk_builder_defer(ctx->builder, true);
    chk_builder_recall(ctx->builder, true);
    if (st == CHUNK_OK) st = chk_text_build(node, &n_results, t->t, ctx->builder, b, n_bindings, err);
    for (int i = 0; i < n_results && st == CHUNK_OK && !ctx->defer; i++) {
        chk_node *exact = chk_node_exact(ctx->builder, node[i], err);
        if (exact == node[i]) continue;
        if (exact) chk_node_retain(exact);
        chk_node_release(node[i]);
        node[i] = exact;
        if (exact) continue;
        st = err ? err->code : CHUNK_ENOMEM;
        for (int k = 0; k < n_results; k++) chk_node_release(node[k]);
    }
    chk_builder_defer(ctx->builder, false);
    chk_builder_recall(ctx->builder, false);
    if (st == CHUNK_OK) st = wrap_all(results, ctx, node, n_results, err);
    chk_free(b);
    chk_free(node);
    return st;
}

chunk_status chunk_eval(chunk_array **out, chunk_context *ctx, const char *text, const chunk_binding *bindings, int n_bindings,
                        chunk_error *err)
{
    chunk_text *t;
    CHK_TRY(chunk_text_new(&t, ctx, text, err));
    chunk_status st = CHUNK_OK;
    if (chunk_text_n_results(t) != 1)
        st = chk_fail(err, CHUNK_EPARSE, "chunk_eval: the text has %d results: give one expression", chunk_text_n_results(t));
    chunk_array *result = NULL;
    if (st == CHUNK_OK) st = chunk_text_build(&result, t, ctx, bindings, n_bindings, err);
    chunk_text_free(t);
    if (st == CHUNK_OK) *out = result;
    return st;
}

typedef chunk_status (*write_fn)(char **out, chk_node *const *results, int n_results, chunk_error *err);

static chunk_status write_nodes(const char *what, write_fn write, char **out, chunk_context *ctx, chunk_array *const *arrays, int n,
                                chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || n < 1 || n > 1024 || !arrays) return chk_fail(err, CHUNK_EINVAL, "%s: give 1 to 1024 arrays", what);
    chk_node *node[n];
    for (int i = 0; i < n; i++) node[i] = arrays[i]->node;
    return write(out, node, n, err);
}

chunk_status chunk_to_json(char **out, chunk_context *ctx, chunk_array *const *arrays, int n, chunk_error *err)
{
    return write_nodes("chunk_to_json", chk_json_write, out, ctx, arrays, n, err);
}

chunk_status chunk_graph(char **out, chunk_context *ctx, chunk_array *const *arrays, int n, chunk_error *err)
{
    return write_nodes("chunk_graph", chk_json_graph, out, ctx, arrays, n, err);
}

chunk_status chunk_to_json_memory(char **out, chunk_array **memory, int max, int *n_memory, chunk_context *ctx,
                                  chunk_array *const *arrays, int n, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !memory || !n_memory || max < 0 || n < 1 || n > 1024 || !arrays)
        return chk_fail(err, CHUNK_EINVAL, "chunk_to_json_memory: give 1 to 1024 arrays, and room for those in memory");
    const chk_node **found = chk_calloc((size_t)max + 1, sizeof *found);
    if (!found) return chk_fail(err, CHUNK_ENOMEM, "out of memory while writing JSON");
    chk_node *node[n];
    for (int i = 0; i < n; i++) node[i] = arrays[i]->node;
    char *text = NULL;
    int n_found = 0, k = 0;
    chunk_status st = chk_json_write_memory(&text, node, n, found, max, &n_found, err);
    for (; k < n_found && st == CHUNK_OK; k++) st = chk_array_wrap(&memory[k], ctx, chk_node_retain((chk_node *)found[k]), err);
    chk_free(found);
    if (st != CHUNK_OK) {
        for (int i = 0; i + 1 < k; i++) chunk_array_free(memory[i]);
        chk_free(text);
        return st;
    }
    *out = text;
    *n_memory = n_found;
    return CHUNK_OK;
}

typedef struct at_hand {
    chunk_array *const *memory;
    int n;
} at_hand;

/* memory:K */
static chunk_status resolve_memory(const at_hand *h, const char *number, chk_source **out, chunk_error *err)
{
    char *end;
    long k = strtol(number, &end, 10);
    if (number[0] < '0' || number[0] > '9' || *end || k >= h->n)
        return chk_fail(err, CHUNK_EFILE, "source 'memory:%.40s' in the JSON is none of the %d arrays given with it", number, h->n);
    const chk_node *n = h->memory[k]->node;
    if (n->kind != CHK_NODE_SOURCE)
        return chk_fail(err, CHUNK_EINVAL, "array %ld given with the JSON is an expression: give one of chunk_from_memory", k);
    chk_source_retain(n->u.source);
    *out = n->u.source;
    return CHUNK_OK;
}

/* FILE:/DATASET, split at the first ":/" whose left side opens; or an array that was given. */
static chunk_status resolve(void *arg, const char *name, chk_source **out, chunk_error *err)
{
    const char *colon = strstr(name, ":/");
    if (!colon && !strncmp(name, "memory:", 7)) return resolve_memory(arg, name + 7, out, err);
    if (!colon) return chk_fail(err, CHUNK_EFILE, "source '%.200s' in the JSON is not of the form FILE:/DATASET", name);
    char *path = chk_strndup(name, (size_t)(colon - name));
    if (!path) return chk_fail(err, CHUNK_ENOMEM, "out of memory while reading JSON");
    chk_h5file *f = NULL;
    chk_h5set *set = NULL;
    chunk_status st = chk_h5file_open(&f, path, err);
    if (st == CHUNK_OK) st = chk_h5set_open(&set, f, colon + 1, err);
    if (st == CHUNK_OK) st = chk_source_h5(out, set, err);
    chk_h5set_release(set);
    chk_h5file_release(f);
    chk_free(path);
    return st;
}

chunk_status chunk_from_json(chunk_array **out, int max, int *n, chunk_context *ctx, const char *json, size_t n_bytes,
                             chunk_error *err)
{
    return chunk_from_json_memory(out, max, n, ctx, json, n_bytes, NULL, 0, err);
}

chunk_status chunk_from_json_memory(chunk_array **out, int max, int *n, chunk_context *ctx, const char *json, size_t n_bytes,
                                    chunk_array *const *memory, int n_memory, chunk_error *err)
{
    CHK_TRY(chk_context_check(ctx, err));
    if (!out || !n || !json || max < 1 || max > 1024 || n_memory < 0 || (n_memory && !memory))
        return chk_fail(err, CHUNK_EINVAL, "chunk_from_json: give room for 1 to 1024 arrays");
    chk_node *node[max];
    int found = 0;
    CHK_TRY(chk_json_read(node, max, &found, ctx->builder, json, n_bytes, resolve, &(at_hand){memory, n_memory}, err));
    CHK_TRY(wrap_all(out, ctx, node, found, err));
    *n = found;
    return CHUNK_OK;
}
