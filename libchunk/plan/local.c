/* local.c: local operations as sources. */
#include "plan/local.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "store/boxes.h"

typedef struct chk_local_source {
    chk_source s;
    chk_node *node;     /* counted */
    chk_reader *reader; /* an input */
    bool reshapes;      /* boxes that are handed on have other extents in the input */
} chk_local_source;

chunk_status chk_local_read(const chk_local_call *c, int input, const chk_box *box, void *dest, const int64_t *stride,
                            chunk_error *err)
{
    return chk_reader_read(&c->source->reader[input], box, dest, stride, c->arena, c->hold, err);
}

/* The view of a source through which box `in` of an input shows what v shows of the same box `want` of the result. */
static chk_view shifted(const chk_view *v, const chk_view *input, const chk_box *want, const chk_box *in)
{
    chk_view moved = *v;
    for (int b = 0; b < moved.base_ndim && want; b++) moved.off[b] += in->lo[b] - want->lo[b];
    return chk_view_compose(&moved, input);
}

/* What handing on boxes of input i may need; in_extent: of its boxes. */
static void forward_need(const chk_local_source *l, int i, const chk_view *v, const int64_t *max_extent, const int64_t *extent,
                         const int64_t *in_extent, int64_t n_boxes, chk_need *out)
{
    const chk_view *view;
    const chk_scalar *constant;
    chk_source *s = chk_reader_plain(&l->reader[i], &view, &constant);
    *out = (chk_need){0};
    if (!s) return;
    if (l->reshapes) {
        s->ops->need(s, view, in_extent, n_boxes, false, out);
        out->arena += (size_t)n_boxes * chk_arena_cost(chk_extent_bytes(l->s.shape.ndim, extent, l->s.dtype));
    } else {
        chk_view through = shifted(v, view, NULL, NULL);
        int64_t most[CHK_MAX_NDIM];
        memcpy(most, max_extent, (size_t)v->shape.ndim * sizeof *most);
        for (int b = 0; b < v->base_ndim; b++)
            if (v->axis[b] >= 0 && most[v->axis[b]] > in_extent[b]) most[v->axis[b]] = in_extent[b];
        s->ops->need(s, &through, most, n_boxes, false, out);
    }
    out->arena += (size_t)n_boxes * chk_arena_cost(sizeof(chk_hold));
}

static void local_need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned,
                       chk_need *out)
{
    const chk_local_source *l = (const chk_local_source *)s;
    const chk_local *local = l->node->u.custom.op->local;
    int64_t extent[CHK_MAX_NDIM], in_extent[CHK_MAX_NDIM];
    chk_view_base_extent(extent, v, &s->shape, max_extent);
    size_t dense = chk_arena_cost(chk_extent_bytes(s->shape.ndim, extent, s->dtype)), handed_on = 0, window = 0;
    size_t chunk = 0;
    if (local->whole) {
        for (int a = 0; a < s->shape.ndim; a++) extent[a] = chk_axis_max_chunk(&s->grid.axis[a]);
        if (!aligned || !chk_view_is_identity(v, &s->shape))
            chunk = chk_arena_cost(chk_extent_bytes(s->shape.ndim, extent, s->dtype));
    }
    *out = (chk_need){0};
    for (int i = 0; i < l->node->n_in; i++) {
        const chk_shape *shape = &l->node->in[i]->shape;
        local->reads(l->node, i, extent, in_extent);
        for (int a = 0; a < shape->ndim; a++)
            if (in_extent[a] > shape->dim[a]) in_extent[a] = shape->dim[a];
        chk_need need;
        chk_reader_need(&l->reader[i], in_extent, &need);
        if (need.transient > out->transient) out->transient = need.transient;
        if (need.window > out->window) out->window = need.window;
        if (!local->forward) continue;
        forward_need(l, i, v, max_extent, extent, in_extent, n_boxes, &need);
        if (need.transient > out->transient) out->transient = need.transient;
        if (need.window > window) window = need.window;
        if (need.arena > handed_on) handed_on = need.arena;
    }
    /* A box is handed on or computed, but for the first it is not known which is larger. */
    out->arena = handed_on > (size_t)n_boxes * dense ? handed_on : (size_t)n_boxes * dense;
    out->window += window;
    if (local->scratch) out->transient += chk_arena_cost(local->scratch(l->node, extent));
    out->transient += 64 + chunk;
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

/* `want` of the result, put together from the whole chunks that it touches. */
static chunk_status compute_whole(chk_local_source *l, const chk_box *want, void *out, chk_arena *arena, chk_hold *hold,
                                  chunk_error *err)
{
    const chk_grid *g = &l->s.grid;
    size_t item = chk_dtype_size(l->s.dtype), mark = arena->used;
    int64_t first[CHK_MAX_NDIM], last[CHK_MAX_NDIM], at[CHK_MAX_NDIM], extent[CHK_MAX_NDIM];
    int64_t to[CHK_MAX_NDIM], from[CHK_MAX_NDIM], next_to = (int64_t)item;
    int ndim = want->ndim;
    for (int a = ndim - 1; a >= 0; a--) {
        if (want->lo[a] >= want->hi[a]) return CHUNK_OK;
        at[a] = first[a] = chk_axis_find(&g->axis[a], want->lo[a]);
        last[a] = chk_axis_find(&g->axis[a], want->hi[a] - 1);
        to[a] = next_to;
        next_to *= chk_box_extent(want, a);
    }
    for (;;) {
        chk_box chunk;
        chk_grid_chunk_box(&chunk, g, at);
        if (!memcmp(chunk.lo, want->lo, (size_t)ndim * sizeof *chunk.lo) &&
            !memcmp(chunk.hi, want->hi, (size_t)ndim * sizeof *chunk.hi))
            return compute(l, want, out, arena, hold, err);
        char *made = chk_arena_get(arena, (size_t)chk_box_count(&chunk) * item);
        if (!made) return chk_fail(err, CHUNK_ESTATE, "internal: a chunk of %s is larger than planned", l->s.name);
        CHK_TRY(compute(l, &chunk, made, arena, hold, err));
        char *dest = out;
        int64_t next_from = (int64_t)item;
        for (int a = ndim - 1; a >= 0; a--) {
            int64_t lo = chunk.lo[a] > want->lo[a] ? chunk.lo[a] : want->lo[a];
            extent[a] = (chunk.hi[a] < want->hi[a] ? chunk.hi[a] : want->hi[a]) - lo;
            dest += (lo - want->lo[a]) * to[a];
            made += (lo - chunk.lo[a]) * next_from;
            from[a] = next_from;
            next_from *= chk_box_extent(&chunk, a);
        }
        chk_copy_strided(dest, to, made, from, extent, ndim, item);
        arena->used = mark;
        int a = ndim - 1;
        while (a >= 0 && at[a]++ == last[a]) at[a] = first[a], a--;
        if (a < 0) return CHUNK_OK;
    }
}

/* ---- handing on what lies in one input */

typedef struct forwarded {
    chk_source *source; /* NULL: constant */
    const chk_view *view;
    const chk_scalar *constant;
    chk_box want, in;
} forwarded;

/* Whether the box can be handed on. */
static bool can_forward(forwarded *f, const chk_local_source *l, const chk_view *v, const chk_box *box)
{
    const chk_local *local = l->node->u.custom.op->local;
    int input;
    chk_view_base_box(&f->want, v, box);
    if (!local->forward || !local->forward(l->node, &f->want, &input, &f->in)) return false;
    f->source = chk_reader_plain(&l->reader[input], &f->view, &f->constant);
    return f->source || f->constant;
}

/* A hold for pieces of `owner`, in the list of hold; released with it. */
static chk_hold *enter(chk_hold *hold, chk_source *owner, chk_arena *arena)
{
    chk_hold *h = chk_arena_get(arena, sizeof *h);
    if (!h) return NULL;
    memset(h, 0, sizeof *h);
    h->next = hold->inner;
    h->owner = owner;
    h->waits_for_memory = hold->waits_for_memory;
    hold->inner = h;
    return h;
}

/* Strides for the same elements, in C order, in the extents of box `to`; false where they would have to be copied. NumPy's rule: axes are joined and
 * split inside groups with as many elements on either side, and those that are joined must lie behind each other. */
static bool restride(int64_t *stride, const chk_box *to, const chk_box *from, const int64_t *from_stride)
{
    int i = 0, j = 0;
    while (i < from->ndim || j < to->ndim) {
        int first = j;
        int64_t old = i < from->ndim ? chk_box_extent(from, i) : 1, new = j < to->ndim ? chk_box_extent(to, j) : 1;
        int64_t last = i < from->ndim ? from_stride[i] : 0;
        bool any = old != 1;
        i += i < from->ndim;
        j += j < to->ndim;
        while (old != new) {
            if (old > new) {
                new *= chk_box_extent(to, j++);
                continue;
            }
            int64_t e = chk_box_extent(from, i);
            if (e != 1 && any && last != e * from_stride[i]) return false;
            if (e != 1) last = from_stride[i], any = true;
            old *= e;
            i++;
        }
        for (int a = j - 1; a >= first; a--) {
            stride[a] = last;
            last *= chk_box_extent(to, a);
        }
    }
    return true;
}

/* The same elements in other extents: where they lie, or copied together. */
static chunk_status fetch_reshaped(const forwarded *f, const chk_view *v, const chk_box *box, chk_arena *arena, chk_hold *h,
                                   chk_piece *out, size_t item, chunk_error *err)
{
    chk_piece p;
    int64_t stride[CHK_MAX_NDIM], dense[CHK_MAX_NDIM], extent[CHK_MAX_NDIM];
    CHK_TRY(f->source->ops->fetch(f->source, f->view, &f->in, 1, arena, h, &p, err));
    if (!p.data) {
        *out = p;
        return CHUNK_OK;
    }
    if (restride(stride, &f->want, &f->in, p.stride)) {
        chk_piece_place(out, p.data, &f->want, stride, v, box);
        out->plane_bytes = p.plane_bytes;
    } else {
        char *to = chk_arena_get(arena, (size_t)chk_box_count(&f->in) * item);
        if (!to) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", f->source->name);
        int64_t next = (int64_t)item;
        for (int a = f->in.ndim - 1; a >= 0; a--) {
            extent[a] = chk_box_extent(&f->in, a);
            dense[a] = next;
            next *= extent[a];
        }
        chk_copy_planes(to, dense, p.data, p.stride, extent, f->in.ndim, item, p.plane_bytes);
        chk_piece_point(out, to, &f->want, v, box, item);
    }
    out->swapped = p.swapped;
    return CHUNK_OK;
}

/* Hands boxes[0] on, and those after it that lie at the same place of the same input. *n becomes how many. */
static chunk_status forward(chk_local_source *l, const forwarded *f, const chk_view *v, const chk_box *boxes, size_t *n,
                            chk_arena *arena, chk_hold *hold, chk_piece *out, chunk_error *err)
{
    size_t most = *n, item = chk_dtype_size(l->s.dtype);
    *n = 1;
    if (!f->source) {
        out[0] = (chk_piece){.fill = *f->constant};
        return CHUNK_OK;
    }
    chk_hold *h = enter(hold, f->source, arena);
    if (!h) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", l->s.name);
    chunk_status st;
    if (l->reshapes) {
        st = fetch_reshaped(f, v, boxes, arena, h, out, item, err);
    } else {
        chk_view through = shifted(v, f->view, &f->want, &f->in);
        for (; *n < most; ++*n) {
            forwarded next;
            if (!can_forward(&next, l, v, &boxes[*n]) || next.source != f->source) break;
            chk_view other = shifted(v, next.view, &next.want, &next.in);
            if (memcmp(other.off, through.off, (size_t)through.base_ndim * sizeof *other.off) || next.view != f->view) break;
        }
        st = f->source->ops->fetch(f->source, &through, boxes, *n, arena, h, out, err);
    }
    chk_hold_count(hold, h);
    return st;
}

static void local_release(chk_source *s, chk_hold *hold)
{
    (void)s;
    for (chk_hold *h = hold->inner, *next; h; h = next) {
        next = h->next;
        h->owner->ops->release(h->owner, h);
    }
    hold->inner = NULL;
}

static chunk_status fetch_all(chk_local_source *l, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena,
                              chk_hold *hold, chk_piece *out, chunk_error *err)
{
    size_t item = chk_dtype_size(l->s.dtype);
    for (size_t i = 0, done = 1; i < n; i += done, done = 1) {
        forwarded f;
        if (can_forward(&f, l, v, &boxes[i])) {
            done = n - i;
            CHK_TRY(forward(l, &f, v, &boxes[i], &done, arena, hold, &out[i], err));
            continue;
        }
        char *to = chk_arena_get(arena, (size_t)chk_box_count(&f.want) * item);
        if (!to) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", l->s.name);
        CHK_TRY((l->node->u.custom.op->local->whole ? compute_whole : compute)(l, &f.want, to, arena, hold, err));
        chk_piece_point(&out[i], to, &f.want, v, &boxes[i], item);
    }
    return CHUNK_OK;
}

static chunk_status local_fetch(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                                chk_piece *out, chunk_error *err)
{
    chunk_status st = fetch_all((chk_local_source *)s, v, boxes, n, arena, hold, out, err);
    if (st != CHUNK_OK) local_release(s, hold);
    return st;
}

/* ---- in two steps */

typedef struct opened {
    chk_box in;
    void *values;
} opened;

static bool local_opens(const chk_source *s, const chk_view *v, const int64_t *max_extent, chk_need *out)
{
    const chk_local_source *l = (const chk_local_source *)s;
    const chk_local *local = l->node->u.custom.op->local;
    int64_t extent[CHK_MAX_NDIM];
    if (!local->opens || !local->opens(l->node) || !chk_view_is_identity(v, &s->shape)) return false;
    if (!out) return true;
    local->reads(l->node, 0, max_extent, extent);
    chk_reader_need(&l->reader[0], extent, out);
    out->arena += chk_arena_cost(sizeof(opened)) + chk_arena_cost(chk_extent_bytes(s->shape.ndim, extent, l->node->in[0]->dtype));
    return true;
}

static chunk_status local_open(chk_source *s, const chk_box *box, chk_arena *arena, chk_hold *hold, const void **result,
                               chunk_error *err)
{
    chk_local_source *l = (chk_local_source *)s;
    const chk_local *local = l->node->u.custom.op->local;
    int64_t extent[CHK_MAX_NDIM], in_extent[CHK_MAX_NDIM];
    for (int a = 0; a < box->ndim; a++) extent[a] = chk_box_extent(box, a);
    local->reads(l->node, 0, extent, in_extent);
    opened *o = chk_arena_get(arena, sizeof *o);
    if (o) o->values = chk_arena_get(arena, chk_extent_bytes(box->ndim, in_extent, l->node->in[0]->dtype));
    if (!o || !o->values) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", l->s.name);
    chk_local_call c = {.node = l->node, .box = box, .source = l, .arena = arena, .hold = hold};
    *result = o;
    chunk_status st = local->bring(&c, o->values, &o->in, err);
    if (st != CHUNK_OK) local_release(s, hold);
    return st;
}

static void local_make(const chk_source *s, const void *result, const chk_box *box, void *dest)
{
    const chk_local_source *l = (const chk_local_source *)s;
    const opened *o = result;
    chk_local_call c = {.node = l->node, .box = box, .out = dest};
    l->node->u.custom.op->local->make(&c, o->values, &o->in);
}

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

/* Whether all that is handed on lies in windows. */
static bool only_windows(const chk_source *source, bool waits_for_memory, uint64_t n_bytes)
{
    const chk_local_source *l = (const chk_local_source *)source;
    if (!l->node->u.custom.op->local->forward) return false;
    bool any = false;
    for (int i = 0; i < l->node->n_in; i++) {
        const chk_view *view;
        const chk_scalar *constant;
        chk_source *s = chk_reader_plain(&l->reader[i], &view, &constant);
        if (!constant && (!s || !chk_source_windows(s, waits_for_memory, n_bytes))) return false;
        any |= s != NULL;
    }
    return any;
}

static const chk_source_ops local_ops = {.kind = "local",
                                         .need = local_need,
                                         .fetch = local_fetch,
                                         .release = local_release,
                                         .advise = local_advise,
                                         .windows = only_windows,
                                         .opens = local_opens,
                                         .open = local_open,
                                         .make = local_make,
                                         .inner = local_inner,
                                         .free = local_free};

uint32_t chk_local_halo(const chk_node *n, int input, int64_t *most)
{
    const chk_local *local = n->u.custom.op->local;
    int64_t extent[CHK_MAX_NDIM], small[CHK_MAX_NDIM], large[CHK_MAX_NDIM];
    uint32_t halo = 0;
    int64_t widest = 0;
    if (most) *most = 0;
    if (local->whole || local->reshapes || n->in[input]->shape.ndim != n->shape.ndim) return 0;
    for (int a = 0; a < n->shape.ndim; a++) extent[a] = 1;
    local->reads(n, input, extent, small);
    for (int a = 0; a < n->shape.ndim; a++) extent[a] = 2;
    local->reads(n, input, extent, large);
    for (int a = 0; a < n->shape.ndim; a++) {
        if (small[a] < 1 || large[a] != small[a] + 1) return 0;
        if (small[a] > 1) halo |= UINT32_C(1) << a;
        if (small[a] - 1 > widest) widest = small[a] - 1;
    }
    if (most) *most = widest;
    return halo;
}

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
    const chk_local *local = n->u.custom.op->local;
    l->s.most_block = local->block_of ? local->block_of(n) : local->block;
    l->s.cuttable &= !local->whole;
    l->s.thread_safe &= !(local->serial && local->serial(n));
    l->reshapes = local->reshapes;
    for (int i = 0; i < n->n_in; i++) {
        int64_t own, below = readers[i].halo;
        l->s.overlaps |= chk_local_halo(n, i, &own);
        l->s.stacked |= own > 0 && below > 0;
        if (own + below > l->s.halo) l->s.halo = own + below;
    }
    *out = &l->s;
    return CHUNK_OK;
}
