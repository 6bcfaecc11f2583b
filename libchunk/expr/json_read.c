/* json_read.c: the canonical form back to nodes, by the ordinary constructors, so that what is read has the hashes of what was written.
 * The text is not trusted: sizes are bounded, every field is checked, unknown keys are refused. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/json.h"

typedef struct reader {
    chk_builder *b;
    chk_resolve_fn resolve;
    void *arg;
    chk_node **node; /* counted */
    int n_nodes;
    chunk_error *err;
} reader;

static chunk_status bad(reader *r, const char *what)
{
    return chk_fail(r->err, CHUNK_EINVAL, "JSON: node %d: %s", r->n_nodes, what);
}

static bool read_int(int64_t *out, const cJSON *j)
{
    if (cJSON_IsNumber(j)) {
        double v = j->valuedouble;
        if (!(fabs(v) <= 9007199254740992.0) || v != floor(v)) return false;
        *out = (int64_t)v;
        return true;
    }
    const char *s = cJSON_GetStringValue(j);
    char *end;
    if (!s || !s[0] || strspn(s, "-0123456789") != strlen(s)) return false;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return *end == 0 && errno == 0;
}

/* At most `most` integers of an array; -1 when there is something else. */
static int read_ints(int64_t *out, int most, const cJSON *j)
{
    int n = 0;
    if (!cJSON_IsArray(j)) return -1;
    for (const cJSON *e = j->child; e; e = e->next)
        if (n == most || !read_int(&out[n++], e)) return -1;
    return n;
}

static const cJSON *get(const cJSON *j, const char *key) { return cJSON_GetObjectItemCaseSensitive(j, key); }
static const char *get_text(const cJSON *j, const char *key) { return cJSON_GetStringValue(get(j, key)); }

static bool get_dtype(chk_dtype *out, const cJSON *j, const char *key)
{
    const char *s = get_text(j, key);
    for (int d = 0; s && d < CHK_NDTYPE; d++) {
        if (strcmp(chk_dtypes[d].name, s)) continue;
        *out = (chk_dtype)d;
        return true;
    }
    return false;
}

/* Keys, in whatever order, must be exactly these. */
static bool has_keys(const cJSON *j, const char *const *keys)
{
    int n = 0;
    for (; keys[n]; n++)
        if (!get(j, keys[n])) return false;
    return cJSON_GetArraySize(j) == n;
}

/* Inputs, which were made before; 0 when they are no good. */
static int get_inputs(chk_node **in, const reader *r, const cJSON *j)
{
    int64_t at[3];
    int n = read_ints(at, 3, get(j, "in"));
    for (int i = 0; i < n; i++) {
        if (at[i] < 0 || at[i] >= r->n_nodes) return 0;
        in[i] = r->node[at[i]];
    }
    return n > 0 ? n : 0;
}

static chunk_status read_source(chk_node **out, reader *r, const cJSON *j)
{
    int64_t dim[CHK_MAX_NDIM];
    chk_dtype d;
    const char *name = get_text(j, "name");
    int ndim = read_ints(dim, CHK_MAX_NDIM, get(j, "shape"));
    if (!name || ndim < 0 || !get_dtype(&d, j, "dtype")) return bad(r, "a source needs dtype, name and shape");
    chk_source *s = NULL;
    CHK_TRY(r->resolve(r->arg, name, &s, r->err));
    chk_shape shape = {.ndim = ndim};
    memcpy(shape.dim, dim, (size_t)ndim * sizeof *dim);
    bool same = s->dtype == d && chk_shape_equal(&s->shape, &shape);
    chunk_status st =
        same ? chk_node_source(out, r->b, s, name, r->err)
             : chk_fail(r->err, CHUNK_EFILE,
                        "JSON: %.200s is not the array that the expression was made for: dtype or shape differs", name);
    chk_source_release(s);
    return st;
}

static chunk_status read_scalar(chk_node **out, reader *r, const cJSON *j)
{
    chk_dtype d;
    chk_scalar v;
    const char *text = get_text(j, "value");
    const cJSON *weak = get(j, "weak");
    if (!get_dtype(&d, j, "dtype") || !text || !cJSON_IsBool(weak) || !chk_scalar_parse(&v, d, text))
        return bad(r, "not a constant");
    if (cJSON_IsTrue(weak) && d != CHK_I64 && d != CHK_U64 && d != CHK_F64 && d != CHK_C128)
        return bad(r, "no weak constant has this dtype");
    return chk_node_scalar(out, r->b, &v, cJSON_IsTrue(weak), r->err);
}

static chunk_status read_iota(chk_node **out, reader *r, const cJSON *j)
{
    int64_t n;
    if (!read_int(&n, get(j, "n")) || n < 0) return bad(r, "not a length");
    return chk_node_iota(out, r->b, n, r->err);
}

static chunk_status read_map(chk_node **out, reader *r, const cJSON *j)
{
    const char *name = get_text(j, "fn");
    chk_dtype d;
    chk_node *in[3];
    int n = get_inputs(in, r, j), fn = CHK_FN_NONE + 1;
    while (name && fn < CHK_NFN && strcmp(chk_fn_name((chk_fn)fn), name)) fn++;
    if (!name || fn == CHK_NFN || !n || !get_dtype(&d, j, "compute")) return bad(r, "not an elementwise operation");
    return chk_node_map(out, r->b, (chk_fn)fn, d, in, n, r->err);
}

static chunk_status read_cast(chk_node **out, reader *r, const cJSON *j)
{
    chk_dtype d;
    chk_node *in[3];
    if (get_inputs(in, r, j) != 1 || !get_dtype(&d, j, "dtype")) return bad(r, "not a cast");
    return chk_node_cast(out, r->b, in[0], d, r->err);
}

static chunk_status read_reduce(chk_node **out, reader *r, const cJSON *j)
{
    const char *name = get_text(j, "red"), *text = get_text(j, "param");
    const cJSON *keepdims = get(j, "keepdims");
    int64_t axis[CHK_MAX_NDIM];
    chk_node *in[3];
    chk_scalar param;
    int n_axes = read_ints(axis, CHK_MAX_NDIM, get(j, "axes")), red = 0;
    uint32_t axes = 0;
    while (name && red < CHK_NRED && strcmp(chk_red_name((chk_red)red), name)) red++;
    if (!name || red == CHK_NRED || n_axes < 1 || get_inputs(in, r, j) != 1 || !cJSON_IsBool(keepdims) || !text ||
        !chk_scalar_parse(&param, CHK_F64, text))
        return bad(r, "not a reduction");
    for (int i = 0; i < n_axes; i++) {
        if (axis[i] < 0 || axis[i] >= in[0]->shape.ndim || axes >> axis[i] & 1) return bad(r, "not an axis of the array");
        axes |= UINT32_C(1) << axis[i];
    }
    return chk_node_reduce(out, r->b, (chk_red)red, NULL, in[0], axes, cJSON_IsTrue(keepdims), param.v.f64, r->err);
}

static chunk_status read_view(chk_node **out, reader *r, const cJSON *j)
{
    chk_node *in[3];
    chk_view v = {.base_ndim = 0};
    int64_t axis[CHK_MAX_NDIM];
    if (get_inputs(in, r, j) != 1) return bad(r, "not a view");
    int n = in[0]->shape.ndim;
    v.base_ndim = n;
    v.shape.ndim = read_ints(v.shape.dim, CHK_MAX_NDIM, get(j, "shape"));
    bool fits = v.shape.ndim >= 0 && read_ints(axis, n, get(j, "axis")) == n && read_ints(v.off, n, get(j, "off")) == n &&
                read_ints(v.step, n, get(j, "step")) == n;
    for (int i = 0; i < n && fits; i++) {
        fits = axis[i] >= -1 && axis[i] < v.shape.ndim && (axis[i] < 0 || v.step[i] != 0);
        v.axis[i] = fits ? (int)axis[i] : -1;
    }
    return fits ? chk_node_view(out, r->b, in[0], &v, r->err) : bad(r, "not a view of its input");
}

static chunk_status read_keep(chk_node **out, reader *r, const cJSON *j)
{
    chk_node *in[3];
    return get_inputs(in, r, j) == 1 ? chk_node_keep(out, r->b, in[0], r->err) : bad(r, "nothing to keep");
}

/* The operation's own make checks the parameters. */
static chunk_status read_custom(chk_node **out, reader *r, const cJSON *j)
{
    const char *name = get_text(j, "op");
    const chk_op *op = name ? chk_builder_find(r->b, name, strlen(name)) : NULL;
    const cJSON *attrs = get(j, "attr"), *inputs = get(j, "in");
    int n_attr = cJSON_IsArray(attrs) ? cJSON_GetArraySize(attrs) : -1,
        n_in = cJSON_IsArray(inputs) ? cJSON_GetArraySize(inputs) : -1;
    if (!op || !op->make || op->flags & CHK_OP_CALLERS_CODE || n_attr < 0 || n_in < 0)
        return bad(r, "not an operation with parameters");
    int64_t *attr = chk_malloc((size_t)(n_attr + n_in + 1) * sizeof *attr), *at = attr + n_attr;
    chk_node **in = chk_malloc((size_t)(n_in + 1) * sizeof *in);
    chunk_status st = attr && in ? CHUNK_OK : chk_fail(r->err, CHUNK_ENOMEM, "out of memory while reading JSON");
    if (st == CHUNK_OK && (read_ints(attr, n_attr, attrs) != n_attr || read_ints(at, n_in, inputs) != n_in))
        st = bad(r, "inputs and parameters are lists of integers");
    for (int i = 0; i < n_in && st == CHUNK_OK; i++) {
        if (at[i] < 0 || at[i] >= r->n_nodes)
            st = bad(r, "an input is not the number of an earlier node");
        else
            in[i] = r->node[at[i]];
    }
    if (st == CHUNK_OK) st = op->make(out, r->b, op, in, n_in, attr, n_attr, r->err);
    chk_free(attr);
    chk_free(in);
    return st;
}

static const struct node_form {
    const char *kind;
    const char *keys[8];
    chunk_status (*read)(chk_node **out, reader *r, const cJSON *j);
} forms[] = {
    {"source", {"dtype", "kind", "name", "shape"}, read_source},
    {"scalar", {"dtype", "kind", "value", "weak"}, read_scalar},
    {"iota", {"kind", "n"}, read_iota},
    {"map", {"compute", "fn", "in", "kind"}, read_map},
    {"cast", {"dtype", "in", "kind"}, read_cast},
    {"reduce", {"axes", "in", "keepdims", "kind", "param", "red"}, read_reduce},
    {"view", {"axis", "in", "kind", "off", "shape", "step"}, read_view},
    {"keep", {"in", "kind"}, read_keep},
    {"custom", {"attr", "in", "kind", "op"}, read_custom},
};

static chunk_status read_node(reader *r, const cJSON *j)
{
    const char *kind = cJSON_IsObject(j) ? get_text(j, "kind") : NULL;
    if (!kind) return bad(r, "it has no kind");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].kind, kind)) continue;
        if (!has_keys(j, forms[i].keys)) return bad(r, "a key is missing, or one too many");
        chk_node *made;
        CHK_TRY(forms[i].read(&made, r, j));
        r->node[r->n_nodes++] = made;
        return CHUNK_OK;
    }
    return bad(r, "its kind is unknown");
}

static chunk_status read_all(reader *r, chk_node **results, int max_results, int *n_results, const cJSON *root)
{
    static const char *const keys[] = {"libchunk", "nodes", "results", NULL};
    int64_t version;
    if (!cJSON_IsObject(root) || !has_keys(root, keys) || !read_int(&version, get(root, "libchunk")))
        return chk_fail(r->err, CHUNK_EINVAL, "JSON: not an expression: an object with libchunk, nodes and results");
    if (version != 1)
        return chk_fail(r->err, CHUNK_EUNSUPPORTED, "JSON: version %lld, this library reads version 1", (long long)version);
    const cJSON *nodes = get(root, "nodes"), *list = get(root, "results");
    int n = cJSON_IsArray(nodes) ? cJSON_GetArraySize(nodes) : 0, n_out = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    if (n < 1 || n > CHK_JSON_NODES)
        return chk_fail(r->err, CHUNK_EINVAL, "JSON: %d nodes, allowed are 1 to %d", n, CHK_JSON_NODES);
    if (n_out < 1 || n_out > max_results)
        return chk_fail(r->err, CHUNK_EINVAL, "JSON: %d results, allowed are 1 to %d", n_out, max_results);
    r->node = chk_calloc((size_t)n, sizeof(chk_node *));
    if (!r->node) return chk_fail(r->err, CHUNK_ENOMEM, "out of memory while reading JSON");
    for (const cJSON *j = nodes->child; j; j = j->next) CHK_TRY(read_node(r, j));
    int k = 0;
    for (const cJSON *j = list->child; j; j = j->next) {
        int64_t at;
        if (!read_int(&at, j) || at < 0 || at >= n) {
            chk_fail(r->err, CHUNK_EINVAL, "JSON: result %d is not the number of a node", k);
            while (k > 0) chk_node_release(results[--k]);
            return CHUNK_EINVAL;
        }
        results[k++] = chk_node_retain(r->node[at]);
    }
    *n_results = k;
    return CHUNK_OK;
}

chunk_status chk_json_read(chk_node **results, int max_results, int *n_results, chk_builder *b, const char *json, size_t n,
                           chk_resolve_fn resolve, void *arg, chunk_error *err)
{
    if (n > CHK_JSON_MAX) return chk_fail(err, CHUNK_EINVAL, "JSON: %zu bytes, at most %d are read", n, CHK_JSON_MAX);
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(json, n, &end, false);
    while (root && end < json + n && *end && strchr(" \t\r\n", *end)) end++;
    bool whole = root && end == json + n;
    reader r = {.b = b, .resolve = resolve, .arg = arg, .err = err};
    chunk_status st = whole ? read_all(&r, results, max_results, n_results, root)
                            : chk_fail(err, CHUNK_EINVAL, "JSON: does not parse at byte %td", end ? end - json : (ptrdiff_t)0);
    for (int i = 0; i < r.n_nodes; i++) chk_node_release(r.node[i]);
    chk_free(r.node);
    cJSON_Delete(root);
    return st;
}
