/* blocks.c: from a call (blocks.h) to a node: who says where each axis is cut, whether all inputs agree, shape and grid of the result. */
#include "ops/blocks.h"

#include <string.h>

#include "base/alloc.h"

/* Where one label is cut: like this axis of this input, or every `chunk` elements of it. */
typedef struct cut {
    int in, axis; /* in -1: no input has it */
    int64_t chunk, extent, n_blocks;
} cut;

typedef struct making {
    blocks_call *c;
    chk_builder *b;
    chunk_error *err;
    cut at[CHK_MAX_NDIM]; /* an axis of the result */
    int64_t *attr;
    int n_attr, cap;
    chk_shape shape;
    chk_grid grid;
    int64_t list[CHK_MAX_NDIM]; /* where in attr the bounds of an axis begin; 0: it has none */
} making;

chunk_status blocks_start(blocks_call *c, chk_builder *b, const chk_op *op, const chk_value *fn, bool loop, const chk_value *arrays,
                          const chk_value *dtype, chunk_error *err)
{
    *c = (blocks_call){.op = op};
    if (fn->kind != CHK_VAL_STRING)
        return chk_fail(err, CHUNK_ETYPE, "%s: function must be the name of a registered one, not %s", op->name,
                        chk_value_kind_name(fn));
    c->fn = chk_builder_find_user(b, fn->u.s, strlen(fn->u.s));
    if (!c->fn || !(loop ? c->fn->block.loop != NULL : c->fn->block.run != NULL))
        return chk_fail(err, CHUNK_ENAME, "%s: there is no %s '%.60s': register it first", op->name,
                        loop ? "generalised function" : "function over blocks", fn->u.s);
    bool tuple = arrays->kind == CHK_VAL_TUPLE;
    const chk_value *item = tuple ? arrays->u.tuple.item : arrays;
    int n = ops_absent(arrays) ? 0 : tuple ? arrays->u.tuple.n : 1, want = c->fn->n_in;
    if (n < 1 || n > CHK_USER_INPUTS || (want && n != want))
        return chk_fail(err, CHUNK_EINVAL, "%s: %s takes %d array%s, %d given", op->name, c->fn->name,
                        want ? want : CHK_USER_INPUTS,
                        want == 1 ? ""
                        : want    ? "s"
                                  : "s at most",
                        n);
    for (; c->n_in < n; c->n_in++) {
        chk_node *x, **to = &c->in[c->n_in];
        CHK_TRY(chk_value_node(&x, b, &item[c->n_in], op->name, err));
        chk_dtype d = c->fn->block.casts ? c->fn->in_dtype[c->n_in] : x->weak ? ops_result_type(&x, 1) : x->dtype;
        chunk_status st = chk_node_cast(to, b, x, d, err);
        chk_node_release(x);
        CHK_TRY(st);
    }
    bool given;
    CHK_TRY(ops_arg_dtype(&c->dtype, &given, dtype, op->name, err));
    if (!given) c->dtype = c->fn->block.typed ? c->fn->out_dtype : c->in[0]->dtype;
    for (int a = 0; a < CHK_MAX_NDIM; a++) c->extent[a] = -1;
    for (int i = 0; i < n; i++)
        for (int a = 0; a < CHK_MAX_NDIM; a++) c->halo[i][a].edge = BLOCKS_EDGE_NONE;
    return CHUNK_OK;
}

void blocks_done(blocks_call *c)
{
    for (int i = 0; i < c->n_in; i++) chk_node_release(c->in[i]);
}

void blocks_label_broadcast(blocks_call *c)
{
    c->ndim = 0;
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->shape.ndim > c->ndim) c->ndim = c->in[i]->shape.ndim;
    for (int m = 0; m < c->ndim; m++) c->out[m] = m;
    for (int i = 0; i < c->n_in; i++)
        for (int a = 0; a < c->in[i]->shape.ndim; a++) c->label[i][a] = c->ndim - c->in[i]->shape.ndim + a;
}

/* The entry for axis m of an argument that has one an axis; NULL where there is none. */
static chunk_status entry(const chk_value **out, const making *m, const chk_value *v, const char *what, int axis)
{
    *out = NULL;
    if (!v || ops_absent(v)) return CHUNK_OK;
    int n = v->kind == CHK_VAL_TUPLE ? v->u.tuple.n : 1;
    if (n != m->c->ndim)
        return chk_fail(m->err, CHUNK_EINVAL, "%s: %s has %d entries for the %d dimensions of the result", m->c->op->name, what, n,
                        m->c->ndim);
    const chk_value *e = v->kind == CHK_VAL_TUPLE ? &v->u.tuple.item[axis] : v;
    if (!ops_absent(e)) *out = e;
    return CHUNK_OK;
}

static chunk_status positive(int64_t *out, const making *m, const chk_value *v, const char *what)
{
    CHK_TRY(chk_value_int(out, v, m->c->op->name, what, m->err));
    return *out > 0 ? CHUNK_OK
                    : chk_fail(m->err, CHUNK_EINVAL, "%s: %s must be at least 1, got %lld", m->c->op->name, what, (long long)*out);
}

/* The first input with more than one element along the label's axis, else the first that has it. */
static chunk_status find_cut(making *m, int axis)
{
    const blocks_call *c = m->c;
    cut *k = &m->at[axis];
    *k = (cut){.in = -1, .extent = c->extent[axis], .n_blocks = c->extent[axis] != 0};
    for (int i = 0; i < c->n_in; i++) {
        for (int a = 0; a < c->in[i]->shape.ndim; a++) {
            if (c->label[i][a] != c->out[axis] || (k->in >= 0 && (k->extent != 1 || c->in[i]->shape.dim[a] == 1))) continue;
            *k = (cut){.in = i, .axis = a, .extent = c->in[i]->shape.dim[a], .n_blocks = c->in[i]->grid.axis[a].n_chunks};
        }
    }
    const chk_value *e;
    CHK_TRY(entry(&e, m, c->blocks, "blocks", axis));
    if (k->in < 0 || (!e && !c->cut[axis])) return CHUNK_OK;
    k->chunk = c->cut[axis];
    if (e) CHK_TRY(positive(&k->chunk, m, e, "an entry of blocks"));
    k->n_blocks = chk_axis_regular(k->extent, k->chunk).n_chunks;
    return CHUNK_OK;
}

static chunk_status put(making *m, const void *ints, size_t n_bytes)
{
    int n = (int)(n_bytes / sizeof *m->attr);
    if (m->n_attr + n > m->cap) {
        int cap = 2 * m->cap + n + 64;
        int64_t *grown = chk_realloc(m->attr, (size_t)cap * sizeof *grown);
        if (!grown) return chk_fail(m->err, CHUNK_ENOMEM, "out of memory while building an expression");
        m->attr = grown;
        m->cap = cap;
    }
    memcpy(m->attr + m->n_attr, ints, n_bytes);
    m->n_attr += n;
    return CHUNK_OK;
}

/* How axis a of input i belongs to the axes of the result. */
static chunk_status relate(blocks_axis *x, const making *m, int i, int a)
{
    const blocks_call *c = m->c;
    const chk_node *in = c->in[i];
    const blocks_halo *h = &c->halo[i][a];
    int64_t dim = in->shape.dim[a], own = in->grid.axis[a].n_chunks;
    *x = (blocks_axis){.out = -1, .like_in = i, .like_axis = a, .before = h->before, .after = h->after, .edge = h->edge};
    int axis = 0;
    while (axis < c->ndim && c->out[axis] != c->label[i][a]) axis++;
    if (axis == c->ndim) return CHUNK_OK;
    const cut *k = &m->at[axis];
    if (dim == k->extent) {
        x->out = axis;
        x->like_in = k->in;
        x->like_axis = k->axis;
        x->chunk = k->chunk;
    } else if (own == k->n_blocks) {
        x->out = axis;
    } else if (dim != 1 && own > 1) {
        return chk_fail(m->err, CHUNK_ESHAPE,
                        "%s: axis %d of array %d has %lld elements in %lld chunks; array %d has %lld in %lld blocks: extents or "
                        "numbers of chunks must agree",
                        c->op->name, a, i, (long long)dim, (long long)own, k->in, (long long)k->extent, (long long)k->n_blocks);
    }
    return CHUNK_OK;
}

static chunk_status put_inputs(making *m)
{
    const blocks_call *c = m->c;
    blocks_head head = {(int64_t)(intptr_t)c->fn};
    CHK_TRY(put(m, &head, sizeof head));
    for (int i = 0; i < c->n_in; i++) {
        blocks_input in = {{0}};
        memcpy(in.fill, c->fill[i].v.bytes, chk_dtype_size(c->in[i]->dtype));
        CHK_TRY(put(m, &in, sizeof in));
        for (int a = 0; a < c->in[i]->shape.ndim; a++) {
            blocks_axis x;
            CHK_TRY(relate(&x, m, i, a));
            CHK_TRY(put(m, &x, sizeof x));
        }
    }
    return CHUNK_OK;
}

/* Bounds from a tuple of extents, one a block. */
static chunk_status put_list(making *m, int axis, const chk_value *list)
{
    int64_t n = m->at[axis].n_blocks, bound = 0, most = 0;
    if (list->u.tuple.n != n)
        return chk_fail(m->err, CHUNK_EINVAL, "%s: chunks gives %d extents along axis %d for %lld blocks", m->c->op->name,
                        list->u.tuple.n, axis, (long long)n);
    m->list[axis] = m->n_attr;
    CHK_TRY(put(m, &bound, sizeof bound));
    for (int i = 0; i < n; i++) {
        int64_t extent;
        CHK_TRY(positive(&extent, m, &list->u.tuple.item[i], "an extent in chunks"));
        if (extent > most) most = extent;
        if (__builtin_add_overflow(bound, extent, &bound))
            return chk_fail(m->err, CHUNK_ESHAPE, "%s: the result is too long along axis %d", m->c->op->name, axis);
        CHK_TRY(put(m, &bound, sizeof bound));
    }
    m->grid.axis[axis] = (chk_axis_grid){.extent = bound, .n_chunks = n, .chunk = most, .step = 1};
    return CHUNK_OK;
}

/* One axis of the result: as its label is cut, or as chunks says. */
static chunk_status size_axis(making *m, int axis)
{
    const cut *k = &m->at[axis];
    const chk_value *e;
    int64_t chunk, extent;
    CHK_TRY(entry(&e, m, m->c->chunks, "chunks", axis));
    if (k->in < 0 && k->extent < 0 && !e)
        return chk_fail(m->err, CHUNK_EINVAL, "%s: axis %d of the result is in no array: say its extent by chunks", m->c->op->name,
                        axis);
    if (e && e->kind == CHK_VAL_TUPLE) {
        CHK_TRY(put_list(m, axis, e));
    } else if (e) {
        CHK_TRY(positive(&chunk, m, e, "an extent in chunks"));
        if (__builtin_mul_overflow(chunk, k->n_blocks, &extent))
            return chk_fail(m->err, CHUNK_ESHAPE, "%s: the result is too long along axis %d", m->c->op->name, axis);
        m->grid.axis[axis] = chk_axis_regular(extent, chunk);
    } else if (k->in < 0 || k->chunk) {
        m->grid.axis[axis] = chk_axis_regular(k->extent, k->chunk ? k->chunk : k->extent ? k->extent : 1);
    } else {
        m->grid.axis[axis] = m->c->in[k->in]->grid.axis[k->axis];
    }
    m->shape.dim[axis] = m->grid.axis[axis].extent;
    return CHUNK_OK;
}

static chunk_status make(chk_node **out, making *m)
{
    blocks_call *c = m->c;
    if (c->ndim > CHK_MAX_NDIM)
        return chk_fail(m->err, CHUNK_EUNSUPPORTED, "%s: %d dimensions, at most %d are possible", c->op->name, c->ndim,
                        CHK_MAX_NDIM);
    m->shape.ndim = m->grid.ndim = c->ndim;
    for (int a = 0; a < c->ndim; a++) CHK_TRY(find_cut(m, a));
    CHK_TRY(put_inputs(m));
    for (int a = 0; a < c->ndim; a++) CHK_TRY(size_axis(m, a));
    for (int a = 0; a < c->ndim; a++) /* the identity has to tell results of different chunks apart */
        if (!m->list[a]) CHK_TRY(put(m, &m->grid.axis[a].chunk, sizeof(int64_t)));
    for (int a = 0; a < c->ndim; a++)
        if (m->list[a]) m->grid.axis[a].bounds = m->attr + m->list[a];
    return chk_node_custom(out, m->b, c->op, m->attr, m->n_attr, c->dtype, &m->shape, &m->grid, c->in, c->n_in, m->err);
}

chunk_status blocks_make(chk_node **out, chk_builder *b, blocks_call *c, chunk_error *err)
{
    making m = {.c = c, .b = b, .err = err};
    chunk_status st = make(out, &m);
    chk_free(m.attr);
    return st;
}
