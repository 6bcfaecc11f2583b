/* local.c: local operations as sources. */
#include "plan/local.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

typedef struct chk_local_source {
    chk_source s;
    chk_node *node;     /* counted */
    chk_reader *reader; /* an input */
} chk_local_source;

chunk_status chk_local_read(const chk_local_call *c, int input, const chk_box *box, void *dest, const int64_t *stride,
                            chunk_error *err)
{
    return chk_reader_read(&c->source->reader[input], box, dest, stride, c->arena, c->hold, err);
}

/* Extents of the base boxes under boxes of max_extent of a view. */
static void base_extent(int64_t *out, const chk_source *s, const chk_view *v, const int64_t *max_extent)
{
    for (int b = 0; b < v->base_ndim; b++) {
        int64_t step = v->step[b] < 0 ? -v->step[b] : v->step[b], e = 1;
        if (v->axis[b] >= 0 && (__builtin_mul_overflow(max_extent[v->axis[b]] - 1, step, &e) || e > s->shape.dim[b] - 1))
            e = s->shape.dim[b] - 1;
        else if (v->axis[b] < 0)
            e = 0;
        out[b] = e + 1;
    }
}

static void local_need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned,
                       chk_need *out)
{
    (void)aligned;
    const chk_local_source *l = (const chk_local_source *)s;
    const chk_local *local = l->node->u.custom.op->local;
    int64_t extent[CHK_MAX_NDIM], in_extent[CHK_MAX_NDIM];
    base_extent(extent, s, v, max_extent);
    *out = (chk_need){.arena = (size_t)n_boxes * chk_arena_cost(chk_extent_bytes(s->shape.ndim, extent, s->dtype))};
    for (int i = 0; i < l->node->n_in; i++) {
        const chk_shape *shape = &l->node->in[i]->shape;
        local->reads(l->node, i, extent, in_extent);
        for (int a = 0; a < shape->ndim; a++)
            if (in_extent[a] > shape->dim[a]) in_extent[a] = shape->dim[a];
        chk_need need;
        chk_reader_need(&l->reader[i], in_extent, &need);
        if (need.transient > out->transient) out->transient = need.transient;
        if (need.window > out->window) out->window = need.window;
    }
    if (local->scratch) out->transient += chk_arena_cost(local->scratch(l->node, extent));
    out->transient += 64;
}

/* Strides of the view's box in the dense base box. */
static void point(chk_piece *p, const char *data, const chk_box *have, const chk_view *v, const chk_box *box, size_t item)
{
    int64_t stride[CHK_MAX_NDIM], n = (int64_t)item;
    for (int b = have->ndim - 1; b >= 0; b--) {
        stride[b] = n;
        n *= chk_box_extent(have, b);
    }
    *p = (chk_piece){.data = data};
    for (int b = 0; b < v->base_ndim; b++) {
        int64_t first = v->off[b] + (v->axis[b] >= 0 ? v->step[b] * box->lo[v->axis[b]] : 0);
        p->data += (first - have->lo[b]) * stride[b];
        if (v->axis[b] >= 0) p->stride[v->axis[b]] += v->step[b] * stride[b];
    }
}

static chunk_status compute(chk_local_source *l, const chk_box *box, void *out, chk_arena *arena, chk_hold *hold, chunk_error *err)
{
    const chk_local *local = l->node->u.custom.op->local;
    int64_t extent[CHK_MAX_NDIM];
    for (int a = 0; a < box->ndim; a++) extent[a] = chk_box_extent(box, a);
    size_t mark = arena->used;
    chk_local_call c = {.node = l->node, .box = box, .out = out, .source = l, .arena = arena, .hold = hold};
    if (local->scratch) {
        c.scratch_bytes = local->scratch(l->node, extent);
        c.scratch = chk_arena_get(arena, c.scratch_bytes);
        if (!c.scratch) return chk_fail(err, CHUNK_ESTATE, "internal: the scratch of %s is larger than planned", l->node->name);
    }
    uint64_t t0 = chk_clock_ns(), inner0 = hold->ns_read + hold->ns_decode + hold->ns_compute;
    chunk_status st = local->run(&c, err);
    uint64_t inner = hold->ns_read + hold->ns_decode + hold->ns_compute - inner0, all = chk_clock_ns() - t0;
    hold->ns_compute += all > inner ? all - inner : 0;
    arena->used = mark;
    return st;
}

static chunk_status local_fetch(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                                chk_piece *out, chunk_error *err)
{
    size_t item = chk_dtype_size(s->dtype);
    for (size_t i = 0; i < n; i++) {
        chk_box want;
        chk_view_base_box(&want, v, &boxes[i]);
        char *to = chk_arena_get(arena, (size_t)chk_box_count(&want) * item);
        if (!to) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", s->name);
        CHK_TRY(compute((chk_local_source *)s, &want, to, arena, hold, err));
        point(&out[i], to, &want, v, &boxes[i], item);
    }
    return CHUNK_OK;
}

static void local_release(chk_source *s, chk_hold *hold) { (void)s, (void)hold; }

static void local_advise(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n)
{
    const chk_local_source *l = (const chk_local_source *)s;
    const chk_local *local = l->node->u.custom.op->local;
    for (size_t i = 0; i < n && local->part; i++) {
        chk_box want, in;
        int input;
        chk_view_base_box(&want, v, &boxes[i]);
        for (int part = 0; local->part(l->node, &want, part, &input, &in); part++) chk_reader_advise(&l->reader[input], &in);
    }
}

static void local_inner(const chk_source *s, void (*visit)(void *arg, chk_source *s), void *arg)
{
    const chk_local_source *l = (const chk_local_source *)s;
    for (int i = 0; i < l->node->n_in; i++) chk_reader_sources(&l->reader[i], visit, arg);
}

static void local_free(chk_source *s)
{
    chk_local_source *l = (chk_local_source *)s;
    for (int i = 0; i < l->node->n_in; i++) chk_reader_done(&l->reader[i]);
    chk_free(l->reader);
    chk_node_release(l->node);
    chk_free(l);
}

static const chk_source_ops local_ops = {.kind = "local",
                                         .need = local_need,
                                         .fetch = local_fetch,
                                         .release = local_release,
                                         .advise = local_advise,
                                         .inner = local_inner,
                                         .free = local_free};

chunk_status chk_local_source_new(chk_source **out, const chk_node *n, chk_prog_lookup lookup, void *arg, chunk_error *err)
{
    chk_local_source *l = chk_calloc(1, sizeof *l);
    chk_reader *readers = chk_calloc((size_t)n->n_in + 1, sizeof *readers);
    if (!l || !readers) {
        chk_free(l);
        chk_free(readers);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning %s", n->name);
    }
    l->s = (chk_source){
        .ops = &local_ops, .refs = 1, .dtype = n->dtype, .shape = n->shape, .grid = n->grid, .cuttable = true, .thread_safe = true};
    strncpy(l->s.name, n->name, sizeof l->s.name - 1);
    l->s.most_block = n->u.custom.op->local->block;
    l->node = chk_node_retain((chk_node *)n);
    l->reader = readers;
    for (int i = 0; i < n->n_in; i++) {
        chunk_status st = chk_reader_init(&readers[i], n->in[i], lookup, arg, err);
        if (st != CHUNK_OK) {
            local_free(&l->s); /* zeroed readers are valid */
            return st;
        }
        l->s.cuttable &= readers[i].cuttable;
        l->s.thread_safe &= chk_reader_thread_safe(&readers[i]);
        l->s.worker_bytes += chk_reader_worker_bytes(&readers[i]);
        l->s.stored_bytes += chk_reader_stored_bytes(&readers[i]);
    }
    *out = &l->s;
    return CHUNK_OK;
}
