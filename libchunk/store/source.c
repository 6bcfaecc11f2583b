/* What all sources share: being counted, and being looked into. */
#include "store/source.h"

#include <stdatomic.h>

#include "store/boxes.h"

void chk_source_retain(chk_source *s) { atomic_fetch_add(&s->refs, 1); }

void chk_source_release(chk_source *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1) s->ops->free(s);
}

void chk_hold_count(chk_hold *to, const chk_hold *from)
{
    to->bytes_read += from->bytes_read;
    to->ns_read += from->ns_read;
    to->ns_decode += from->ns_decode;
    to->ns_compute += from->ns_compute;
}

typedef struct walk {
    void (*visit)(void *arg, chk_source *s);
    void *arg;
} walk;

static void walk_one(void *arg, chk_source *s)
{
    walk *w = arg;
    w->visit(w->arg, s);
    if (s->ops->inner) s->ops->inner(s, walk_one, w);
}

void chk_source_walk(chk_source *s, void (*visit)(void *arg, chk_source *s), void *arg)
{
    walk w = {visit, arg};
    walk_one(&w, s);
}

void chk_piece_point(chk_piece *p, const char *data, const chk_box *have, const chk_view *v, const chk_box *box, size_t item)
{
    int64_t stride[CHK_MAX_NDIM], n = (int64_t)item;
    for (int b = have->ndim - 1; b >= 0; b--) {
        stride[b] = n;
        n *= chk_box_extent(have, b);
    }
    chk_piece_place(p, data, have, stride, v, box);
}

void chk_piece_place(chk_piece *p, const char *data, const chk_box *have, const int64_t *stride, const chk_view *v,
                     const chk_box *box)
{
    *p = (chk_piece){.data = data};
    for (int b = 0; b < v->base_ndim; b++) {
        int64_t first = v->off[b] + (v->axis[b] >= 0 ? v->step[b] * box->lo[v->axis[b]] : 0);
        p->data += (first - have->lo[b]) * stride[b];
        if (v->axis[b] >= 0) p->stride[v->axis[b]] += v->step[b] * stride[b];
    }
}

/* The share of axis b that a view shows: of its elements, or of its chunks. Short steps along the last axis are not worth a read each. */
static double shown(const chk_source *s, const chk_view *v, int b, int64_t count)
{
    const chk_axis_grid *g = &s->grid.axis[b];
    int64_t step = v->axis[b] < 0   ? 1
                   : v->step[b] < 0 ? -v->step[b]
                                    : v->step[b],
            span = (count - 1) * step + 1, n = s->shape.dim[b];
    int64_t lo = v->axis[b] >= 0 && v->step[b] < 0 ? v->off[b] - (span - 1) : v->off[b];
    if (count < 1 || n < 1) return 0;
    if (s->cuttable || lo < 0 || lo + span > n || g->n_chunks < 1) {
        int64_t bytes = b + 1 == s->shape.ndim && step * (int64_t)chk_dtype_size(s->dtype) <= CHK_MAX_GAP ? span : count;
        return bytes < n ? (double)bytes / (double)n : 1;
    }
    int64_t met = chk_axis_find(g, lo + span - 1) - chk_axis_find(g, lo) + 1;
    return (double)(met < count ? met : count) / (double)g->n_chunks;
}

uint64_t chk_source_view_bytes(const chk_source *s, const chk_view *v)
{
    double share = 1;
    for (int b = 0; b < v->base_ndim; b++) {
        bool again = false; /* a diagonal: both axes go together */
        for (int k = 0; k < b; k++) again |= v->axis[b] >= 0 && v->axis[k] == v->axis[b];
        share *= shown(s, v, b, v->axis[b] < 0 || again ? 1 : v->shape.dim[v->axis[b]]);
    }
    return (uint64_t)((double)s->stored_bytes * share + 0.5);
}
