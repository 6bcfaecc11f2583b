/* points_source.c: the result of points.h as a source: a block of it sorts its bands again and finds its values in that order. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "ops/points.h"

typedef struct points_source {
    chk_source s;
    ops_points *f;
    ops_points_idx idx;
} points_source;

static int64_t slots(const ops_points *f) { return f->band_max * f->piece_max; }

static void points_need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned,
                        chk_need *out)
{
    (void)aligned;
    points_source *p = (points_source *)s;
    int64_t extent[CHK_MAX_NDIM];
    chk_view_base_extent(extent, v, &s->shape, max_extent);
    ops_points_idx_need(&p->idx, p->f, out);
    out->transient += out->arena + chk_arena_cost((size_t)p->f->band_max * sizeof(uint32_t)) +
                      chk_arena_cost((size_t)slots(p->f) * p->f->item) + 64;
    out->arena = (size_t)n_boxes * chk_arena_cost(chk_extent_bytes(s->shape.ndim, extent, s->dtype));
}

typedef struct work {
    const points_source *p;
    const chk_box *want; /* of the result */
    char *out;
    int64_t out_stride[CHK_MAX_NDIM]; /* bytes */
    chk_box here;                     /* of the index dimensions: what is wanted of this band */
    chk_box band;                     /* and all of it */
    const uint32_t *rank;
    const char *values; /* of a band and piece, in sorted order */
} work;

/* The part of a piece that the wanted box has; false where there is none. */
static bool piece_part(ops_part *part, const work *w, int64_t piece, size_t *from, size_t *to)
{
    const ops_points *f = w->p->f;
    chk_box box;
    ops_points_piece(f, piece, &box);
    int64_t stride[CHK_MAX_NDIM], next = (int64_t)f->item;
    for (int a = box.ndim - 1; a >= 0; a--) {
        if (f->g.out_axis[a] < 0) continue;
        stride[a] = next;
        next *= chk_box_extent(&box, a);
    }
    *part = (ops_part){.item = f->item};
    *from = *to = 0;
    for (int a = 0; a < box.ndim; a++) {
        int o = f->g.out_axis[a];
        if (o < 0) continue;
        int64_t lo = box.lo[a] > w->want->lo[o] ? box.lo[a] : w->want->lo[o],
                hi = box.hi[a] < w->want->hi[o] ? box.hi[a] : w->want->hi[o];
        if (lo >= hi) return false;
        *from += (size_t)((lo - box.lo[a]) * stride[a]);
        *to += (size_t)((lo - w->want->lo[o]) * w->out_stride[o]);
        ops_part_axis(part, hi - lo, stride[a], w->out_stride[o]);
    }
    return true;
}

/* The sub-arrays of all wanted tuples of a band. */
static void place_all(const work *w, const ops_part *part, size_t from, size_t to)
{
    const ops_points *f = w->p->f;
    int nb = f->g.nb, last = nb - 1;
    int64_t at[CHK_MAX_NDIM];
    memcpy(at, w->here.lo, sizeof at);
    size_t slot = (size_t)f->piece_max * f->item;
    for (;;) {
        int64_t in_band = 0;
        char *out = w->out + to;
        for (int d = 0; d < nb; d++) {
            in_band = in_band * chk_box_extent(&w->band, d) + at[d] - w->band.lo[d];
            out += (at[d] - w->want->lo[f->g.place + d]) * w->out_stride[f->g.place + d];
        }
        int64_t step = w->out_stride[f->g.place + last];
        for (; at[last] < w->here.hi[last]; at[last]++, out += step, in_band++)
            ops_part_copy(part, out, w->values + (size_t)w->rank[in_band] * slot + from);
        int d = last;
        for (; d > 0; d--) {
            at[d] = w->here.lo[d];
            if (++at[d - 1] < w->here.hi[d - 1]) break;
        }
        if (d <= 0) return;
    }
}

static chunk_status values_of(work *w, int64_t piece, int64_t band, int64_t n, chk_arena *arena, chk_hold *hold, chunk_error *err)
{
    static const chk_view all = {.base_ndim = 4, .axis = {0, 1, 2, 3}, .step = {1, 1, 1, 1}};
    chk_source *s = w->p->f->values;
    chk_box box;
    chk_piece got;
    ops_points_slot(&box, w->p->f, piece, band, 0, n);
    CHK_TRY(s->ops->fetch(s, &all, &box, 1, arena, hold, &got, err));
    w->values = got.data;
    return CHUNK_OK;
}

static chunk_status from_band(work *w, int64_t band, chk_arena *arena, chk_hold *hold, chunk_error *err)
{
    const ops_points *f = w->p->f;
    size_t mark = arena->used;
    ops_place *place;
    int64_t n;
    uint32_t *rank = chk_arena_get(arena, (size_t)f->band_max * sizeof *rank);
    if (!rank) return chk_fail(err, CHUNK_ESTATE, "internal: a band of indices is larger than planned");
    CHK_TRY(ops_points_sort(&place, &n, f, &w->p->idx, band, arena, hold, err));
    for (int64_t i = 0; i < n; i++) rank[place[i].index] = (uint32_t)i;
    w->rank = rank;
    for (int64_t piece = 0; piece < f->n_pieces; piece++) {
        ops_part part;
        size_t from, to, before = arena->used;
        if (!piece_part(&part, w, piece, &from, &to)) continue;
        CHK_TRY(values_of(w, piece, band, n, arena, hold, err));
        place_all(w, &part, from, to);
        arena->used = before;
    }
    arena->used = mark;
    return CHUNK_OK;
}

/* The number of the band that holds a place of the index arrays. */
static int64_t band_of(const ops_points *f, const chk_shape *shape, const int64_t *at)
{
    int64_t n = 0;
    for (int a = 0; a < f->bands.d; a++) n = n * shape->dim[a] + at[a];
    return n * f->bands.n_d + at[f->bands.d] / f->bands.s;
}

static chunk_status compute(const points_source *p, const chk_box *want, char *out, chk_arena *arena, chk_hold *hold,
                            chunk_error *err)
{
    const ops_points *f = p->f;
    const chk_shape *shape = &f->node->in[1]->shape;
    work w = {.p = p, .want = want, .out = out};
    int64_t next = (int64_t)f->item, first[CHK_MAX_NDIM], last[CHK_MAX_NDIM];
    for (int a = want->ndim - 1; a >= 0; a--) {
        w.out_stride[a] = next;
        next *= chk_box_extent(want, a);
    }
    for (int d = 0; d < f->g.nb; d++) first[d] = want->lo[f->g.place + d], last[d] = want->hi[f->g.place + d] - 1;
    for (int64_t b = band_of(f, shape, first), end = band_of(f, shape, last); b <= end; b++) {
        ops_band_box(&w.band, &f->bands, shape, b);
        w.here = w.band;
        bool any = true;
        for (int d = 0; d < f->g.nb; d++) {
            if (w.here.lo[d] < first[d]) w.here.lo[d] = first[d];
            if (w.here.hi[d] > last[d] + 1) w.here.hi[d] = last[d] + 1;
            any &= w.here.lo[d] < w.here.hi[d];
        }
        if (any) CHK_TRY(from_band(&w, b, arena, hold, err));
    }
    return CHUNK_OK;
}

static chunk_status points_fetch(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                                 chk_piece *out, chunk_error *err)
{
    for (size_t i = 0; i < n; i++) {
        chk_box want;
        chk_view_base_box(&want, v, &boxes[i]);
        char *to = chk_arena_get(arena, (size_t)chk_box_count(&want) * chk_dtype_size(s->dtype));
        if (!to) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", s->name);
        uint64_t t0 = chk_clock_ns(), inner0 = hold->ns_read + hold->ns_decode;
        CHK_TRY(compute((points_source *)s, &want, to, arena, hold, err));
        uint64_t inner = hold->ns_read + hold->ns_decode - inner0, all = chk_clock_ns() - t0;
        hold->ns_compute += all > inner ? all - inner : 0;
        chk_piece_point(&out[i], to, &want, v, &boxes[i], chk_dtype_size(s->dtype));
    }
    return CHUNK_OK;
}

static void points_release(chk_source *s, chk_hold *hold) { (void)s, (void)hold; }

static void points_inner(const chk_source *s, void (*visit)(void *arg, chk_source *s), void *arg)
{
    const points_source *p = (const points_source *)s;
    for (int k = 0; k < p->idx.n; k++) chk_reader_sources(&p->idx.reader[k], visit, arg);
    visit(arg, p->f->values);
}

static void points_free(chk_source *s)
{
    points_source *p = (points_source *)s;
    ops_points_idx_done(&p->idx);
    ops_points_release(p->f);
    chk_free(p);
}

static const chk_source_ops points_ops = {.kind = "points",
                                          .need = points_need,
                                          .fetch = points_fetch,
                                          .release = points_release,
                                          .inner = points_inner,
                                          .free = points_free};

chunk_status ops_points_source(ops_points *f, chk_plan_builder *b, chunk_error *err)
{
    points_source *p = chk_calloc(1, sizeof *p);
    if (!p) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    chunk_status st = ops_points_idx_new(&p->idx, f, b, err);
    if (st != CHUNK_OK) {
        chk_free(p);
        return st;
    }
    const chk_node *n = f->node;
    p->s = (chk_source){.ops = &points_ops,
                        .refs = 1,
                        .dtype = n->dtype,
                        .shape = n->shape,
                        .grid = n->grid,
                        .cuttable = true,
                        .thread_safe = true};
    strncpy(p->s.name, n->u.custom.op->name, sizeof p->s.name - 1);
    for (int k = 0; k < p->idx.n; k++) {
        p->s.thread_safe &= chk_reader_thread_safe(&p->idx.reader[k]);
        p->s.worker_bytes += chk_reader_worker_bytes(&p->idx.reader[k]);
        p->s.stored_bytes += chk_reader_stored_bytes(&p->idx.reader[k]);
    }
    p->f = f;
    f->refs++;
    chk_plan_result_source(b, &p->s);
    return CHUNK_OK;
}
