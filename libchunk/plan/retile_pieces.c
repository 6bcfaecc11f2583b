/* retile_pieces.c: see retile_pieces.h. */
#include "plan/retile_pieces.h"

#include <string.h>

#include "store/boxes.h"

/* Where the pieces of an input end along an axis of the tile. */
static int64_t *list_bounds(const chk_retile_input *in, int a, const chk_box *tile, int64_t *at, int64_t *n)
{
    int64_t lo = tile->lo[a], hi = tile->hi[a];
    *n = 0;
    at[0] = lo;
    while (lo < hi) {
        int64_t end = hi;
        if (in->cut && in->shown[a]) end = chk_axis_bound(&in->axis[a], chk_axis_find(&in->axis[a], lo) + 1);
        if (a == in->split_axis && lo + in->split < end) end = lo + in->split;
        lo = end < hi ? end : hi;
        at[++*n] = lo;
    }
    return at + *n + 1;
}

void chk_retile_list_cells(chk_retile_pieces *p, const chk_retile_input *in, const chk_box *tile)
{
    int ndim = tile->ndim;
    int64_t *at = p->bound[0], i[CHK_MAX_NDIM] = {0};
    for (int a = 0; a < ndim; a++) {
        p->bound[a] = at;
        at = list_bounds(in, a, tile, at, &p->n[a]);
    }
    p->n_cells = 0;
    for (int a = 0; a >= 0;) {
        chk_box *box = &p->box[p->n_cells++];
        box->ndim = ndim;
        for (int b = 0; b < ndim; b++) box->lo[b] = p->bound[b][i[b]], box->hi[b] = p->bound[b][i[b] + 1];
        for (a = ndim - 1; a >= 0 && ++i[a] == p->n[a]; a--) i[a] = 0;
    }
}

static const char *within(const chk_piece *p, const chk_box *cell, const chk_box *part)
{
    const char *at = p->data;
    for (int a = 0; a < part->ndim; a++) at += (part->lo[a] - cell->lo[a]) * p->stride[a];
    return at;
}

/* The first piece along an axis that goes beyond index. */
static int64_t find(const chk_retile_pieces *p, int a, int64_t index)
{
    int64_t lo = 0, hi = p->n[a] - 1;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (p->bound[a][mid + 1] > index)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static void copy_part(const chk_retile_pieces *p, size_t cell, const chk_box *part, char *to, const int64_t *stride, size_t item,
                      size_t unit)
{
    const chk_piece *piece = &p->piece[cell];
    int64_t n[CHK_MAX_NDIM];
    for (int a = 0; a < part->ndim; a++) n[a] = chk_box_extent(part, a);
    if (piece->data) {
        chk_copy_planes(to, stride, within(piece, &p->box[cell], part), piece->stride, n, part->ndim, item, piece->plane_bytes);
        return;
    }
    chk_scalar fill = piece->fill;
    if (p->swapped) chk_kern_bswap(fill.v.bytes, fill.v.bytes, unit, item / unit);
    chk_fill_strided(to, stride, fill.v.bytes, n, part->ndim, item);
}

void chk_retile_assemble(const chk_retile_pieces *p, const chk_box *strip, chk_dtype dtype, char *to)
{
    int ndim = strip->ndim;
    int64_t first[CHK_MAX_NDIM], k[CHK_MAX_NDIM], stride[CHK_MAX_NDIM];
    size_t item = chk_dtype_size(dtype), unit = (size_t)chk_dtypes[dtype].swap, n = 1;
    for (int a = ndim - 1; a >= 0; a--) {
        stride[a] = (int64_t)(n * item);
        n *= (size_t)chk_box_extent(strip, a);
        first[a] = k[a] = find(p, a, strip->lo[a]);
    }
    for (int a = 0; a >= 0;) {
        chk_box part = {.ndim = ndim};
        size_t cell = 0;
        char *at = to;
        for (int b = 0; b < ndim; b++) {
            int64_t lo = p->bound[b][k[b]], hi = p->bound[b][k[b] + 1];
            part.lo[b] = lo > strip->lo[b] ? lo : strip->lo[b];
            part.hi[b] = hi < strip->hi[b] ? hi : strip->hi[b];
            at += (part.lo[b] - strip->lo[b]) * stride[b];
            cell = cell * (size_t)p->n[b] + (size_t)k[b];
        }
        copy_part(p, cell, &part, at, stride, item, unit);
        for (a = ndim - 1; a >= 0; a--) {
            if (p->bound[a][k[a] + 1] < strip->hi[a]) {
                k[a]++;
                break;
            }
            k[a] = first[a];
        }
    }
    if (p->swapped) chk_kern_bswap(to, to, unit, n * item / unit);
}

bool chk_retile_in_place(const chk_retile_pieces *p, const chk_box *strip, size_t item, chk_piece *out)
{
    size_t cell = 0;
    for (int a = 0; a < strip->ndim; a++) {
        int64_t k = find(p, a, strip->lo[a]);
        if (p->bound[a][k + 1] < strip->hi[a]) return false;
        cell = cell * (size_t)p->n[a] + (size_t)k;
    }
    *out = p->piece[cell];
    if (!out->data) return true;
    int last = strip->ndim - 1;
    if (last >= 0 && chk_box_extent(strip, last) > 1 && out->stride[last] != (out->plane_bytes ? 1 : (int64_t)item)) return false;
    out->data = within(&p->piece[cell], &p->box[cell], strip);
    return true;
}
