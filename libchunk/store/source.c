/* What all sources share: being counted, and being looked into. */
#include "store/source.h"

#include <stdatomic.h>

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
