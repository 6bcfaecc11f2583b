/* Boxes that touch several chunks, or little of a filtered one, are assembled densely: the box is cut where chunks end, and each part is
 * copied from its chunk. Every chunk is read and decoded once. */
#include <string.h>

#include "store/h5fetch.h"

/* Where a part of a box goes: the whole box begins at dst. */
typedef struct target {
    char *dst;
    const int64_t *stride;
    const chk_box *whole;
} target;

static char *place(const target *t, const chk_box *part)
{
    char *at = t->dst;
    for (int a = 0; a < part->ndim; a++) at += (part->lo[a] - t->whole->lo[a]) * t->stride[a];
    return at;
}

static void extents(int64_t *n, const chk_box *part)
{
    for (int a = 0; a < part->ndim; a++) n[a] = chk_box_extent(part, a);
}

/* Copies the part out of a chunk (or a piece of one) in memory, whose byte 0 is byte `skip` of the chunk. */
static void copy_part(const chk_h5fetch *f, const target *t, const chk_box *part, const chk_pick *p, const char *src, uint64_t skip)
{
    int64_t stride[CHK_MAX_NDIM], n[CHK_MAX_NDIM];
    src += p->first - skip + (uint64_t)chk_pick_strides(stride, f->view, p->step, p->count);
    extents(n, part);
    chk_copy_strided(place(t, part), t->stride, src, stride, n, part->ndim, f->set->info.item_bytes);
}

/* The same out of the decoded chunk while it is still shuffled. */
static void copy_planes(const chk_h5fetch *f, const target *t, const chk_box *part, chk_pick *p)
{
    int64_t stride[CHK_MAX_NDIM], n[CHK_MAX_NDIM], item = (int64_t)f->set->info.item_bytes;
    for (int b = 0; b < p->ndim; b++) p->step[b] /= item;
    const char *src = f->decoded_at + p->first / (uint64_t)item + chk_pick_strides(stride, f->view, p->step, p->count);
    extents(n, part);
    chk_copy_planes(place(t, part), t->stride, src, stride, n, part->ndim, (size_t)item, f->set->chunk_bytes / (uint64_t)item);
}

/* True when the part's bytes lie in the file as they shall lie in memory, without gaps. */
static bool same_layout(const chk_h5fetch *f, const target *t, const chk_box *part, const chk_pick *p)
{
    int64_t stride[CHK_MAX_NDIM];
    uint64_t n_bytes = f->set->info.item_bytes;
    for (int b = 0; b < p->ndim; b++) n_bytes *= (uint64_t)p->count[b];
    if (p->n_runs != 1 || p->run_bytes != n_bytes || chk_pick_strides(stride, f->view, p->step, p->count) != 0) return false;
    for (int a = 0; a < part->ndim; a++)
        if (chk_box_extent(part, a) > 1 && stride[a] != t->stride[a]) return false;
    return true;
}

static chunk_status read_part(chk_h5fetch *f, const target *t, const chk_box *part, const chk_extent *chunk, const int64_t *origin,
                              chunk_error *err);

/* Reads the part in pieces of n elements along the axis of the view that moves base axis b. */
static chunk_status read_cut(chk_h5fetch *f, const target *t, const chk_box *part, const chk_extent *chunk, const int64_t *origin,
                             int b, int64_t n, chunk_error *err)
{
    int a = f->view->axis[b];
    chk_box piece = *part;
    for (int64_t i = part->lo[a]; i < part->hi[a]; i += n) {
        piece.lo[a] = i;
        piece.hi[a] = i + n < part->hi[a] ? i + n : part->hi[a];
        CHK_TRY(read_part(f, t, &piece, chunk, origin, err));
    }
    return CHUNK_OK;
}

/* Unfiltered: read what is wanted by runs, through the buffer where it must be rearranged. */
static chunk_status read_part(chk_h5fetch *f, const target *t, const chk_box *part, const chk_extent *chunk, const int64_t *origin,
                              chunk_error *err)
{
    chk_pick p;
    chk_pick_box(&p, f->view, part, origin, &f->set->info.chunk, f->set->info.item_bytes);
    uint64_t at = chunk->addr + p.first;
    if (same_layout(f, t, part, &p)) return chk_h5fetch_read(f, place(t, part), p.run_bytes, at, err);
    if (p.n_runs == 1 && p.run_bytes <= f->stored_cap) {
        CHK_TRY(chk_h5fetch_read(f, f->stored, p.run_bytes, at, err));
        copy_part(f, t, part, &p, f->stored, p.first);
        return CHUNK_OK;
    }
    int b = 0;
    while (p.count[b] <= 1) b++; /* the outermost axis that moves; there is one, as a single element fits the buffer */
    return read_cut(f, t, part, chunk, origin, b, b < p.n_outer ? 1 : (p.count[b] + 1) / 2, err);
}

/* Decodes a chunk that parts are copied from next: a tile, or the buffer. */
static chunk_status decode(chk_h5fetch *f, const chk_extent *chunk, const int64_t *coord, chunk_error *err)
{
    int slot;
    chk_h5fetch_done(f);
    CHK_TRY(chk_h5fetch_tile(f, &slot, chunk, coord, NULL, 0, err));
    if (slot >= 0) {
        f->tile = slot;
        f->decoded_at = chk_tiles_data(f->tiles, slot);
        f->decoded_planes = chk_tiles_planes(f->tiles, slot);
    } else {
        f->decoded_planes = false;
        CHK_TRY(chk_h5fetch_decode(f, f->decoded, chunk, coord, NULL, 0, f->little ? &f->decoded_planes : NULL, err));
        f->decoded_at = f->decoded;
    }
    f->decoded_addr = chunk->addr;
    return CHUNK_OK;
}

/* A part that lies in one chunk. */
static chunk_status fill_part(chk_h5fetch *f, const target *t, const chk_box *part, const int64_t *coord, chunk_error *err)
{
    chk_h5set *d = f->set;
    chk_extent chunk;
    chk_pick p;
    int64_t origin[CHK_MAX_NDIM], n[CHK_MAX_NDIM];
    CHK_TRY(chk_h5set_locate(d, coord, 1, &chunk, err));
    for (int b = 0; b < d->info.shape.ndim; b++) origin[b] = coord[b] * d->info.chunk.dim[b];
    if (chunk.absent) {
        extents(n, part);
        chk_fill_strided(place(t, part), t->stride, f->fill, n, part->ndim, d->info.item_bytes);
        return CHUNK_OK;
    }
    if (d->info.pipeline.n == 0) return read_part(f, t, part, &chunk, origin, err);
    if (chunk.addr != f->decoded_addr) CHK_TRY(decode(f, &chunk, coord, err));
    chk_pick_box(&p, f->view, part, origin, &d->info.chunk, d->info.item_bytes);
    if (f->decoded_planes)
        copy_planes(f, t, part, &p);
    else
        copy_part(f, t, part, &p, f->decoded_at, 0);
    return CHUNK_OK;
}

/* Cuts the box at the chunk bounds of base axis b, then of the axes after it. */
static chunk_status cut_box(chk_h5fetch *f, const target *t, const chk_box *box, int b, int64_t *coord, chunk_error *err)
{
    const chk_h5info *info = &f->set->info;
    if (b == info->shape.ndim) return fill_part(f, t, box, coord, err);
    int a = f->view->axis[b];
    if (a < 0) {
        coord[b] = f->view->off[b] / info->chunk.dim[b];
        return cut_box(f, t, box, b + 1, coord, err);
    }
    chk_axis_grid under = chk_axis_regular(info->shape.dim[b], info->chunk.dim[b]);
    chk_axis_grid g = chk_axis_slice(&under, f->view->off[b], f->view->step[b], f->view->shape.dim[a]);
    chk_box part = *box;
    int64_t last = chk_axis_find(&g, box->hi[a] - 1);
    for (int64_t k = chk_axis_find(&g, box->lo[a]); k <= last; k++) {
        int64_t lo = chk_axis_bound(&g, k), hi = chk_axis_bound(&g, k + 1);
        part.lo[a] = lo > box->lo[a] ? lo : box->lo[a];
        part.hi[a] = hi < box->hi[a] ? hi : box->hi[a];
        coord[b] = (f->view->off[b] + f->view->step[b] * part.lo[a]) / info->chunk.dim[b];
        CHK_TRY(cut_box(f, t, &part, b + 1, coord, err));
    }
    return CHUNK_OK;
}

chunk_status chk_h5fetch_dense(chk_h5fetch *f, char *dst, const int64_t *stride, const chk_box *box, chunk_error *err)
{
    int64_t coord[CHK_MAX_NDIM];
    target t = {dst, stride, box};
    return cut_box(f, &t, box, 0, coord, err);
}
