/* halo.c: see halo.h. */
#include "plan/halo.h"

#include <string.h>

#include "store/boxes.h"

int64_t chk_edge_index(chk_edge edge, int64_t i, int64_t n)
{
    if (i >= 0 && i < n) return i;
    if (n == 0 || edge == CHK_EDGE_CONSTANT) return -1;
    if (edge == CHK_EDGE_NEAREST || n == 1) return i < 0 ? 0 : n - 1;
    int64_t period = edge == CHK_EDGE_WRAP ? n : edge == CHK_EDGE_REFLECT ? 2 * n : 2 * n - 2;
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : edge == CHK_EDGE_REFLECT ? period - 1 - i : period - i;
}

/* One axis of a read. */
typedef struct span {
    int64_t lo, hi, n; /* [lo, hi) is wanted of an array of n */
    chk_edge edge;
} span;

static bool is_inside(const span *s, int64_t i) { return i >= 0 && i < s->n; }

/* Read apart: index i lies outside, and what it shows is not in the part inside. */
static bool is_apart(const span *s, int64_t i, int64_t *from)
{
    *from = chk_edge_index(s->edge, i, s->n);
    return *from >= 0 && (*from < s->lo || *from >= s->hi);
}

/* The first run at or after index i that is read: `len` indices that show [from, from + len). False where there is none. */
static bool next_run(const span *s, int64_t i, int64_t *at, int64_t *from, int64_t *len)
{
    int64_t next;
    for (; i < s->hi; i++) {
        if (is_inside(s, i)) {
            *at = *from = i;
            *len = (s->hi < s->n ? s->hi : s->n) - i;
            return true;
        }
        if (!is_apart(s, i, from)) continue;
        *at = i;
        for (*len = 1; i + *len < s->hi && !is_inside(s, i + *len) && is_apart(s, i + *len, &next) && next == *from + *len;) ++*len;
        return true;
    }
    return false;
}

typedef struct reading {
    const chk_local_call *c;
    int input, ndim;
    const span *span;
    const int64_t *stride;
    bool held; /* runs lie one behind the other */
} reading;

/* All combinations of runs on axes [a, ndim). */
static chunk_status read_runs(const reading *r, int a, chk_box *from, char *dest, chunk_error *err)
{
    if (a == r->ndim) return chk_local_read(r->c, r->input, from, dest, r->stride, err);
    const span *s = &r->span[a];
    int64_t at = s->lo, len = 0, held = 0;
    while (next_run(s, at + len, &at, &from->lo[a], &len)) {
        from->hi[a] = from->lo[a] + len;
        CHK_TRY(read_runs(r, a + 1, from, dest + (r->held ? held : at - s->lo) * r->stride[a], err));
        held += len;
    }
    return CHUNK_OK;
}

/* Positions outside along axis a that are not read: copies of positions inside, or constant. */
static void fill_axis(const reading *r, int a, const int64_t *extent, char *dest, const void *fill, size_t item)
{
    const span *s = &r->span[a];
    int64_t slab[CHK_MAX_NDIM], from;
    memcpy(slab, extent, (size_t)r->ndim * sizeof *slab);
    slab[a] = 1;
    for (int64_t i = s->lo; i < s->hi; i++) {
        if (is_inside(s, i)) {
            i = (s->hi < s->n ? s->hi : s->n) - 1;
            continue;
        }
        if (is_apart(s, i, &from)) continue;
        char *to = dest + (i - s->lo) * r->stride[a];
        if (from < 0)
            chk_fill_strided(to, r->stride, fill, slab, r->ndim, item);
        else
            chk_copy_strided(to, r->stride, dest + (from - s->lo) * r->stride[a], r->stride, slab, r->ndim, item);
    }
}

chunk_status chk_halo_read(const chk_local_call *c, int input, const chk_box *box, const chk_edge *edge, const void *fill,
                           void *dest, chunk_error *err)
{
    const chk_node *in = c->node->in[input];
    size_t item = chk_dtype_size(in->dtype);
    int64_t extent[CHK_MAX_NDIM], stride[CHK_MAX_NDIM], next = (int64_t)item;
    span spans[CHK_MAX_NDIM];
    bool outside = false;
    for (int a = box->ndim - 1; a >= 0; a--) {
        spans[a] = (span){box->lo[a], box->hi[a], in->shape.dim[a], edge[a]};
        outside |= box->lo[a] < 0 || box->hi[a] > in->shape.dim[a];
        extent[a] = chk_box_extent(box, a);
        stride[a] = next;
        next *= extent[a];
    }
    if (!outside) return chk_local_read(c, input, box, dest, NULL, err);
    reading r = {c, input, box->ndim, spans, stride, false};
    chk_box from = {.ndim = box->ndim};
    CHK_TRY(read_runs(&r, 0, &from, dest, err));
    for (int a = 0; a < box->ndim; a++) fill_axis(&r, a, extent, dest, fill, item);
    return CHUNK_OK;
}

int64_t chk_halo_held(int64_t lo, int64_t hi, int64_t n, chk_edge edge)
{
    span s = {lo, hi, n, edge};
    int64_t at = lo, len = 0, from, held = 0;
    while (next_run(&s, at + len, &at, &from, &len)) held += len;
    return held;
}

int64_t chk_halo_place(int64_t lo, int64_t hi, int64_t n, chk_edge edge, int64_t i)
{
    span s = {lo, hi, n, edge};
    int64_t at = lo, len = 0, from, held = 0;
    while (next_run(&s, at + len, &at, &from, &len)) {
        if (i >= at && i < at + len) return held + i - at;
        held += len;
    }
    return -1;
}

chunk_status chk_halo_read_held(const chk_local_call *c, int input, const chk_box *box, const chk_edge *edge, void *dest,
                                chunk_error *err)
{
    const chk_node *in = c->node->in[input];
    int64_t stride[CHK_MAX_NDIM], next = (int64_t)chk_dtype_size(in->dtype);
    span spans[CHK_MAX_NDIM];
    for (int a = box->ndim - 1; a >= 0; a--) {
        spans[a] = (span){box->lo[a], box->hi[a], in->shape.dim[a], edge[a]};
        stride[a] = next;
        next *= chk_halo_held(box->lo[a], box->hi[a], in->shape.dim[a], edge[a]);
    }
    reading r = {c, input, box->ndim, spans, stride, true};
    chk_box from = {.ndim = box->ndim};
    return read_runs(&r, 0, &from, dest, err);
}

void chk_halo_expand(void *dest, const void *held, int64_t lo, int64_t hi, int64_t n, chk_edge edge, const void *fill,
                     int64_t outer, int64_t inner, size_t item)
{
    span s = {lo, hi, n, edge};
    size_t row = (size_t)inner * item;
    int64_t n_held = chk_halo_held(lo, hi, n, edge), at = lo, len = 0, from, before = 0;
    for (bool more = next_run(&s, lo, &at, &from, &len); more; before += len, more = next_run(&s, at + len, &at, &from, &len))
        for (int64_t o = 0; o < outer; o++)
            memcpy((char *)dest + (size_t)(o * (hi - lo) + at - lo) * row, (const char *)held + (size_t)(o * n_held + before) * row,
                   (size_t)len * row);
    reading r = {.ndim = 3,
                 .span = (span[3]){{0, outer, outer, edge}, s, {0, inner, inner, edge}},
                 .stride = (int64_t[3]){(hi - lo) * (int64_t)row, (int64_t)row, (int64_t)item}};
    fill_axis(&r, 1, (int64_t[3]){outer, hi - lo, inner}, dest, fill, item);
}
