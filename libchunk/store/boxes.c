/* Index arithmetic between a view's boxes and the bytes of a chunk, and copies along strides. */
#include "store/boxes.h"

#include <string.h>

#include "kern/kern.h"

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* From counts, steps and first to runs: from the last axis outwards, an axis joins the run while the gaps that it brings are small or no
 * larger than what is wanted. Both grow with the counts of the inner axes, so a bound for the largest box holds for all smaller ones. */
static void find_runs(chk_pick *p, size_t item_bytes)
{
    p->run_bytes = item_bytes;
    p->n_outer = 0;
    for (int b = p->ndim - 1; b >= 0; b--) {
        if (p->count[b] <= 1) continue;
        int64_t gap = p->step[b] - (int64_t)p->run_bytes;
        if (gap >= CHK_MAX_GAP && gap > (int64_t)p->run_bytes) {
            p->n_outer = b + 1;
            break;
        }
        p->run_bytes += (size_t)((p->count[b] - 1) * p->step[b]);
    }
    p->n_runs = 1;
    for (int b = 0; b < p->n_outer; b++) p->n_runs *= p->count[b];
}

void chk_pick_counts(int64_t *count, const chk_view *v, const int64_t *extent)
{
    for (int b = 0; b < v->base_ndim; b++) count[b] = v->axis[b] < 0 ? 1 : extent[v->axis[b]];
}

void chk_pick_box(chk_pick *out, const chk_view *v, const chk_box *box, const int64_t *origin, const chk_shape *block,
                  size_t item_bytes)
{
    int64_t row = (int64_t)item_bytes;
    out->ndim = v->base_ndim;
    out->first = 0;
    for (int b = v->base_ndim - 1; b >= 0; b--) {
        int a = v->axis[b];
        int64_t lowest = v->off[b];
        if (a >= 0) lowest += v->step[b] * (v->step[b] < 0 ? box->hi[a] - 1 : box->lo[a]);
        out->count[b] = a < 0 ? 1 : chk_box_extent(box, a);
        out->step[b] = a < 0 ? row : magnitude(v->step[b]) * row;
        out->first += (uint64_t)((lowest - origin[b]) * row);
        row *= block->dim[b];
    }
    find_runs(out, item_bytes);
}

void chk_pick_most(chk_pick *out, const chk_view *v, const int64_t *max_extent, const chk_shape *block, size_t item_bytes)
{
    int64_t row = (int64_t)item_bytes;
    out->ndim = v->base_ndim;
    out->first = 0;
    for (int b = v->base_ndim - 1; b >= 0; b--) {
        int a = v->axis[b];
        int64_t step = a < 0 ? 1 : magnitude(v->step[b]), most = (block->dim[b] - 1) / step + 1;
        out->count[b] = a < 0 ? 1 : max_extent[a] < most ? max_extent[a] : most;
        out->step[b] = step * row;
        row *= block->dim[b];
    }
    find_runs(out, item_bytes);
}

int64_t chk_pick_strides(int64_t *stride, const chk_view *v, const int64_t *base_stride, const int64_t *count)
{
    int64_t at = 0;
    memset(stride, 0, (size_t)v->shape.ndim * sizeof *stride);
    for (int b = 0; b < v->base_ndim; b++) {
        int a = v->axis[b];
        if (a < 0) continue;
        bool back = v->step[b] < 0;
        stride[a] += back ? -base_stride[b] : base_stride[b];
        if (back) at += (count[b] - 1) * base_stride[b];
    }
    return at;
}

uint64_t chk_dense_strides(int64_t *stride, const chk_view *v, const int64_t *extent, size_t item_bytes)
{
    bool moves[CHK_MAX_NDIM] = {false};
    uint64_t row = item_bytes;
    for (int b = 0; b < v->base_ndim; b++)
        if (v->axis[b] >= 0) moves[v->axis[b]] = true;
    for (int a = v->shape.ndim - 1; a >= 0; a--) {
        stride[a] = moves[a] ? (int64_t)row : 0;
        if (moves[a]) row *= (uint64_t)extent[a];
    }
    return row;
}

/* ---- strided copies: axes of length 1 dropped, neighbours joined where both sides allow, then rows by memcpy or gather */

typedef struct walk {
    int ndim;
    int64_t n[CHK_MAX_NDIM], dst[CHK_MAX_NDIM], src[CHK_MAX_NDIM];
    size_t item_bytes, plane_bytes;
    bool transposed;
} walk;

static void add_axis(walk *w, int64_t n, int64_t dst, int64_t src)
{
    int last = w->ndim - 1;
    if (w->ndim > 0 && w->dst[last] == n * dst && w->src[last] == n * src) {
        w->n[last] *= n;
        w->dst[last] = dst;
        w->src[last] = src;
        return;
    }
    w->n[w->ndim] = n;
    w->dst[w->ndim] = dst;
    w->src[w->ndim++] = src;
}

/* Shuffled elements: byte b of one lies plane_bytes behind its byte b - 1. */
static void copy_row_of_planes(char *dst, int64_t dst_stride, const char *src, int64_t src_stride, int64_t n, size_t item,
                               size_t plane_bytes)
{
    if (dst_stride == (int64_t)item && src_stride == 1) {
        chk_kern_unplane(dst, src, plane_bytes, item, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++, dst += dst_stride, src += src_stride)
        for (size_t b = 0; b < item; b++) dst[b] = src[b * plane_bytes];
}

enum {
    SPAN = 64,
    LINES = 16
}; /* shuffled elements are put together so many at a time before they are transposed: at most 16 KiB */

/* The last two axes, the elements of the outer one being neighbours in src, those of the inner one in dst. */
static void copy_transposed(const walk *w, char *dst, const char *src)
{
    char tmp[LINES * SPAN * 16];
    int i = w->ndim - 2, k = w->ndim - 1;
    size_t item = w->item_bytes;
    if (w->plane_bytes == 0) {
        chk_kern_transpose(dst, w->dst[i], src, w->src[k], item, w->n[k], w->n[i]);
        return;
    }
    for (int64_t line = 0; line < w->n[k]; line += LINES) {
        int64_t n_lines = w->n[k] - line < LINES ? w->n[k] - line : LINES;
        for (int64_t at = 0; at < w->n[i]; at += SPAN) {
            int64_t n = w->n[i] - at < SPAN ? w->n[i] - at : SPAN;
            for (int64_t l = 0; l < n_lines; l++)
                chk_kern_unplane(tmp + (size_t)(l * SPAN) * item, src + (line + l) * w->src[k] + at, w->plane_bytes, item,
                                 (size_t)n);
            chk_kern_transpose(dst + at * w->dst[i] + line * (int64_t)item, w->dst[i], tmp, SPAN * (int64_t)item, item, n_lines, n);
        }
    }
}

/* Where src runs along another axis than dst, that one becomes the last but one. */
static bool is_transposed(walk *w)
{
    int last = w->ndim - 1, along = last;
    int64_t unit = w->plane_bytes ? 1 : (int64_t)w->item_bytes;
    if (last < 1 || w->item_bytes > 16 || w->dst[last] != (int64_t)w->item_bytes || w->src[last] == unit) return false;
    while (along >= 0 && w->src[along] != unit) along--;
    if (along < 0) return false;
    int64_t n = w->n[along], dst = w->dst[along], src = w->src[along];
    for (int a = along; a < last - 1; a++) w->n[a] = w->n[a + 1], w->dst[a] = w->dst[a + 1], w->src[a] = w->src[a + 1];
    w->n[last - 1] = n;
    w->dst[last - 1] = dst;
    w->src[last - 1] = src;
    return true;
}

static void copy_rows(const walk *w, int axis, char *dst, const char *src)
{
    size_t item = w->item_bytes;
    if (w->transposed && axis + 2 == w->ndim) {
        copy_transposed(w, dst, src);
    } else if (axis + 1 < w->ndim) {
        for (int64_t i = 0; i < w->n[axis]; i++) copy_rows(w, axis + 1, dst + i * w->dst[axis], src + i * w->src[axis]);
    } else if (w->plane_bytes > 0) {
        int64_t n = w->ndim ? w->n[axis] : 1, to = w->ndim ? w->dst[axis] : (int64_t)item, from = w->ndim ? w->src[axis] : 1;
        copy_row_of_planes(dst, to, src, from, n, item, w->plane_bytes);
    } else if (w->ndim == 0) {
        memcpy(dst, src, item);
    } else if (w->dst[axis] != (int64_t)item) {
        for (int64_t i = 0; i < w->n[axis]; i++) memcpy(dst + i * w->dst[axis], src + i * w->src[axis], item);
    } else if (w->src[axis] == (int64_t)item) {
        memcpy(dst, src, (size_t)w->n[axis] * item);
    } else {
        chk_kern_gather(dst, src, w->src[axis], item, (size_t)w->n[axis]);
    }
}

void chk_copy_strided(char *dst, const int64_t *dst_stride, const char *src, const int64_t *src_stride, const int64_t *extent,
                      int ndim, size_t item_bytes)
{
    chk_copy_planes(dst, dst_stride, src, src_stride, extent, ndim, item_bytes, 0);
}

void chk_copy_planes(char *dst, const int64_t *dst_stride, const char *src, const int64_t *src_stride, const int64_t *extent,
                     int ndim, size_t item_bytes, size_t plane_bytes)
{
    walk w = {.item_bytes = item_bytes, .plane_bytes = plane_bytes};
    for (int a = 0; a < ndim; a++)
        if (dst_stride[a] != 0 && extent[a] != 1) add_axis(&w, extent[a], dst_stride[a], src_stride[a]);
    w.transposed = is_transposed(&w);
    copy_rows(&w, 0, dst, src);
}

void chk_fill_strided(char *dst, const int64_t *dst_stride, const void *item, const int64_t *extent, int ndim, size_t item_bytes)
{
    int64_t still[CHK_MAX_NDIM] = {0};
    chk_copy_strided(dst, dst_stride, item, still, extent, ndim, item_bytes);
}
