/* gather.c: x[i, j, ...] with index arrays. A box of the result reads its part of the index arrays, sorts the places by the source's chunks, and reads
 * groups of places that lie close together as one box; so each chunk is decoded once a box, however the indices are scattered. */
#include "ops/gather.h"

#include <string.h>

#include "base/alloc.h"

/* Elements of a source box that are read for places in it: 256 KiB of float64. And how many elements may be read for each that is wanted: reading a
 * float64 among others costs under 1 ns, a read of its own about 1 us. */
enum { GROUP_ELEMENTS = 32 << 10, GROUP_WASTE = 512 };

/* Would cutting the chunks of what n reads cost decoding them again? Looks at a few nodes only: a wrong guess costs time. */
static bool is_cuttable(const chk_node *n, int depth)
{
    if (n->kind == CHK_NODE_SOURCE) return n->u.source->cuttable;
    bool fine = true;
    for (int i = 0; i < n->n_in && i < 4 && depth > 0; i++) fine &= is_cuttable(n->in[i], depth - 1);
    return fine;
}

bool ops_is_cuttable(const chk_node *n) { return is_cuttable(n, 6); }

void ops_gather_describe(ops_gather *g, const chk_node *n)
{
    const int64_t *attr = n->u.custom.attr;
    *g = (ops_gather){.n_idx = n->n_in - 1, .place = (int)attr[0], .cuttable = ops_is_cuttable(n->in[0])};
    g->nb = g->n_idx ? n->in[1]->shape.ndim : 0;
    for (int i = 0; i < g->n_idx; i++) g->axis[i] = (int)attr[1 + i];
    int at = 0;
    for (int a = 0, k = 0; a < n->in[0]->shape.ndim; a++) {
        g->out_axis[a] = -1;
        if (k < g->n_idx && g->axis[k] == a) {
            k++;
            continue;
        }
        if (at == g->place) at += g->nb;
        g->out_axis[a] = at++;
    }
}

/* Extents of the boxes of x that are read: along indexed axes as far as GROUP_ELEMENTS go, from the innermost one on; whole chunks where cutting costs. */
static void group_extent(const ops_gather *g, const chk_node *n, const int64_t *extent, int64_t *out)
{
    const chk_node *x = n->in[0];
    int64_t count = 1;
    for (int a = 0; a < x->shape.ndim; a++) {
        out[a] = g->out_axis[a] < 0 ? 1 : extent[g->out_axis[a]];
        if (__builtin_mul_overflow(count, out[a], &count)) count = INT64_MAX;
    }
    for (int k = g->n_idx - 1; k >= 0; k--) {
        int a = g->axis[k];
        int64_t chunk = chk_axis_max_chunk(&x->grid.axis[a]), room = count ? GROUP_ELEMENTS / count : 1;
        out[a] = !g->cuttable || chunk < room ? chunk : room;
        if (out[a] < 1) out[a] = 1;
        if (__builtin_mul_overflow(count, out[a], &count)) count = INT64_MAX;
    }
}

static int64_t places(const ops_gather *g, const int64_t *extent) { return g->nb ? chk_extent_count(g->nb, extent + g->place) : 1; }

static void gather_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    ops_gather g;
    ops_gather_describe(&g, n);
    if (input == 0)
        group_extent(&g, n, extent, in_extent);
    else
        memcpy(in_extent, extent + g.place, (size_t)g.nb * sizeof *extent);
}

static size_t gather_scratch(const chk_node *n, const int64_t *extent)
{
    ops_gather g;
    int64_t group[CHK_MAX_NDIM];
    ops_gather_describe(&g, n);
    group_extent(&g, n, extent, group);
    size_t m = chk_extent_bytes(g.nb, extent + g.place, CHK_I64) / sizeof(int64_t), at_least = m ? m : 1;
    return chk_arena_cost(at_least * sizeof(int64_t) * (size_t)g.n_idx) + 2 * chk_arena_cost(at_least * sizeof(ops_place)) +
           chk_arena_cost(chk_extent_bytes(n->in[0]->shape.ndim, group, n->dtype));
}

ops_place *ops_sort_places(ops_place *p, ops_place *spare, size_t n)
{
    uint64_t differ = 0;
    for (size_t i = 1; i < n; i++) differ |= p[i].key ^ p[0].key;
    for (int shift = 0; shift < 64 && differ >> shift; shift += 8) {
        if (!(differ >> shift & 255)) continue;
        size_t count[257] = {0};
        for (size_t i = 0; i < n; i++) count[(p[i].key >> shift & 255) + 1]++;
        for (int d = 0; d < 256; d++) count[d + 1] += count[d];
        for (size_t i = 0; i < n; i++) spare[count[p[i].key >> shift & 255]++] = p[i];
        ops_place *t = p;
        p = spare;
        spare = t;
    }
    return p;
}

/* The place of an index tuple in the order of chunks, then in that inside the chunk. */
static uint64_t place_key(const ops_gather *g, const chk_node *x, const int64_t *tuple)
{
    uint64_t chunk = 0, inside = 0;
    for (int k = 0; k < g->n_idx; k++) {
        const chk_axis_grid *axis = &x->grid.axis[g->axis[k]];
        int64_t c = chk_axis_find(axis, tuple[k]);
        chunk = chunk * (uint64_t)axis->n_chunks + (uint64_t)c;
        inside = inside * (uint64_t)chk_axis_max_chunk(axis) + (uint64_t)(tuple[k] - chk_axis_bound(axis, c));
    }
    uint64_t size = 1;
    for (int k = 0; k < g->n_idx; k++) size *= (uint64_t)chk_axis_max_chunk(&x->grid.axis[g->axis[k]]);
    return chunk * size + inside;
}

typedef struct work {
    const chk_local_call *c;
    ops_gather g;
    int64_t m;    /* places */
    int64_t *idx; /* n_idx x m */
    char *group;
    int64_t waste;                    /* places that may be read for each that is wanted */
    int64_t limit[CHK_MAX_NDIM];      /* extents of a group's box */
    int64_t out_stride[CHK_MAX_NDIM]; /* bytes, of the result's box */
    int64_t box_shape[CHK_MAX_NDIM];  /* of the index dimensions */
} work;

static int64_t tuple_at(const work *w, int k, uint32_t i) { return w->idx[(size_t)k * (size_t)w->m + i]; }

/* Where the sub-array of place i begins in the result's box. */
static int64_t out_offset(const work *w, uint32_t i)
{
    int64_t offset = 0, rest = i;
    for (int b = w->g.nb - 1; b >= 0; b--) {
        offset += rest % w->box_shape[b] * w->out_stride[w->g.place + b];
        rest /= w->box_shape[b];
    }
    return offset;
}

void ops_part_axis(ops_part *p, int64_t extent, int64_t from, int64_t to)
{
    if (extent == 1) return;
    int last = p->n - 1;
    if (last >= 0 && p->from[last] == from * extent && p->to[last] == to * extent)
        p->extent[last] *= extent;
    else
        p->extent[last = p->n++] = extent;
    p->from[last] = from;
    p->to[last] = to;
}

void ops_part_copy(const ops_part *p, char *to, const char *from)
{
    int inner = p->n;
    size_t bytes = p->item;
    if (inner && p->from[inner - 1] == (int64_t)bytes && p->to[inner - 1] == (int64_t)bytes) bytes *= (size_t)p->extent[--inner];
    if (inner == 0) {
        if (bytes == sizeof(uint64_t))
            memcpy(to, from, sizeof(uint64_t));
        else
            memcpy(to, from, bytes);
        return;
    }
    int64_t at[CHK_MAX_NDIM] = {0};
    for (;;) {
        memcpy(to, from, bytes);
        int a = inner - 1;
        for (; a >= 0; a--) {
            from += p->from[a];
            to += p->to[a];
            if (++at[a] < p->extent[a]) break;
            from -= p->from[a] * p->extent[a];
            to -= p->to[a] * p->extent[a];
            at[a] = 0;
        }
        if (a < 0) return;
    }
}

/* The sub-arrays of x at n places, from the group's box to the result. */
static void copy_group(const work *w, const chk_box *have, const ops_place *p, int64_t n, size_t item)
{
    const chk_shape *xs = &w->c->node->in[0]->shape;
    int64_t stride[CHK_MAX_NDIM], next = (int64_t)item;
    for (int a = xs->ndim - 1; a >= 0; a--) {
        stride[a] = next;
        next *= chk_box_extent(have, a);
    }
    ops_part part = {.item = item};
    for (int a = 0; a < xs->ndim; a++)
        if (w->g.out_axis[a] >= 0) ops_part_axis(&part, chk_box_extent(have, a), stride[a], w->out_stride[w->g.out_axis[a]]);
    for (int64_t i = 0; i < n; i++) {
        const char *from = w->group;
        for (int k = 0; k < w->g.n_idx; k++) from += (tuple_at(w, k, p[i].index) - have->lo[w->g.axis[k]]) * stride[w->g.axis[k]];
        ops_part_copy(&part, (char *)w->c->out + out_offset(w, p[i].index), from);
    }
}

chunk_status ops_gather_normal(int64_t *idx, int64_t n, int axis, int64_t size, chunk_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        if (idx[i] < -size || idx[i] >= size)
            return chk_fail(err, CHUNK_EINDEX, "index %lld is out of bounds for axis %d with size %lld", (long long)idx[i], axis,
                            (long long)size);
        idx[i] += idx[i] < 0 ? size : 0;
    }
    return CHUNK_OK;
}

static chunk_status check_and_key(work *w, ops_place *p, chunk_error *err)
{
    const chk_node *x = w->c->node->in[0];
    for (int k = 0; k < w->g.n_idx; k++)
        CHK_TRY(ops_gather_normal(w->idx + (size_t)k * (size_t)w->m, w->m, w->g.axis[k], x->shape.dim[w->g.axis[k]], err));
    for (int64_t i = 0; i < w->m; i++) {
        int64_t tuple[CHK_MAX_NDIM];
        for (int k = 0; k < w->g.n_idx; k++) tuple[k] = tuple_at(w, k, (uint32_t)i);
        p[i] = (ops_place){place_key(&w->g, x, tuple), (uint32_t)i};
    }
    return CHUNK_OK;
}

/* The longest run of places from `first` on whose box is within the limits and not too sparse; *box becomes the box of x that holds them. */
static int64_t next_group(const work *w, const ops_place *p, int64_t first, chk_box *box)
{
    const ops_gather *g = &w->g;
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM], n = 1;
    for (int k = 0; k < g->n_idx; k++) lo[k] = tuple_at(w, k, p[first].index), hi[k] = lo[k] + 1;
    for (int64_t i = first + 1; i < w->m; i++) {
        int64_t l[CHK_MAX_NDIM], h[CHK_MAX_NDIM], volume = 1;
        bool fits = true;
        for (int k = 0; k < g->n_idx && fits; k++) {
            int64_t t = tuple_at(w, k, p[i].index);
            l[k] = t < lo[k] ? t : lo[k];
            h[k] = t >= hi[k] ? t + 1 : hi[k];
            fits = h[k] - l[k] <= w->limit[g->axis[k]] &&
                   (g->cuttable || chk_axis_find(&w->c->node->in[0]->grid.axis[g->axis[k]], t) ==
                                       chk_axis_find(&w->c->node->in[0]->grid.axis[g->axis[k]], lo[k]));
            volume *= h[k] - l[k];
        }
        if (!fits || (g->cuttable && volume > (n + 1) * w->waste)) break;
        memcpy(lo, l, sizeof lo);
        memcpy(hi, h, sizeof hi);
        n++;
    }
    for (int k = 0; k < g->n_idx; k++) box->lo[g->axis[k]] = lo[k], box->hi[g->axis[k]] = hi[k];
    return n;
}

static chunk_status gather_run(const chk_local_call *c, chunk_error *err)
{
    work w = {.c = c};
    ops_gather_describe(&w.g, c->node);
    const ops_gather *g = &w.g;
    int ndim = c->box->ndim, xdim = c->node->in[0]->shape.ndim;
    size_t item = chk_dtype_size(c->node->dtype);
    int64_t extent[CHK_MAX_NDIM], next = (int64_t)item;
    for (int a = ndim - 1; a >= 0; a--) {
        extent[a] = chk_box_extent(c->box, a);
        w.out_stride[a] = next;
        next *= extent[a];
    }
    w.m = places(g, extent);
    memcpy(w.box_shape, extent + g->place, (size_t)g->nb * sizeof *extent);
    group_extent(g, c->node, extent, w.limit);
    int64_t inner = chk_extent_count(ndim, extent) / (w.m ? w.m : 1);
    w.waste = inner < GROUP_WASTE / 2 ? GROUP_WASTE / (inner ? inner : 1) : 2;
    chk_arena a;
    chk_arena_init(&a, c->scratch, c->scratch_bytes);
    w.idx = chk_arena_get(&a, (size_t)w.m * (size_t)g->n_idx * sizeof *w.idx);
    ops_place *p = chk_arena_get(&a, (size_t)w.m * sizeof *p), *spare = chk_arena_get(&a, (size_t)w.m * sizeof *p);
    w.group = chk_arena_get(&a, chk_extent_bytes(xdim, w.limit, c->node->dtype));
    if (!w.idx || !p || !spare || !w.group)
        return chk_fail(err, CHUNK_ESTATE, "internal: the scratch of %s is larger than planned", c->node->name);
    chk_box ibox = {.ndim = g->nb}, box = {.ndim = xdim};
    for (int b = 0; b < g->nb; b++) ibox.lo[b] = c->box->lo[g->place + b], ibox.hi[b] = c->box->hi[g->place + b];
    for (int k = 0; k < g->n_idx; k++) CHK_TRY(chk_local_read(c, 1 + k, &ibox, w.idx + (size_t)k * (size_t)w.m, NULL, err));
    CHK_TRY(check_and_key(&w, p, err));
    p = ops_sort_places(p, spare, (size_t)w.m);
    for (int i = 0; i < xdim; i++)
        if (g->out_axis[i] >= 0) box.lo[i] = c->box->lo[g->out_axis[i]], box.hi[i] = c->box->hi[g->out_axis[i]];
    for (int64_t first = 0; first < w.m;) {
        int64_t n = next_group(&w, p, first, &box);
        CHK_TRY(chk_local_read(c, 0, &box, w.group, NULL, err));
        copy_group(&w, &box, p + first, n, item);
        first += n;
    }
    return CHUNK_OK;
}

const chk_local ops_gather_local = {.reads = gather_reads, .scratch = gather_scratch, .run = gather_run, .ns = 5};

chunk_status ops_make_gather(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in, const int64_t *attr,
                             int n_attr, chunk_error *err)
{
    bool fine = n_in >= 2 && n_attr == n_in && in[0]->shape.ndim >= n_in - 1;
    for (int i = 1; i < n_in && fine; i++) {
        fine = in[i]->dtype == CHK_I64 && chk_shape_equal(&in[i]->shape, &in[1]->shape) && attr[i] >= 0 &&
               attr[i] < in[0]->shape.ndim && (i == 1 || attr[i] > attr[i - 1]);
    }
    int rest = fine ? in[0]->shape.ndim - (n_in - 1) : 0;
    if (!fine || attr[0] < 0 || attr[0] > rest) return chk_fail(err, CHUNK_EINVAL, "%s: not the parameters of an index", op->name);
    const chk_shape *is = &in[1]->shape;
    chk_shape shape = {.ndim = rest + is->ndim};
    chk_grid grid = {.ndim = shape.ndim};
    if (shape.ndim > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EINDEX, "%s: the result has %d dimensions, at most %d are possible", op->name, shape.ndim,
                        CHK_MAX_NDIM);
    int at = 0, place = (int)attr[0];
    int64_t elements = 1;
    for (int a = 0, k = 1; a < in[0]->shape.ndim; a++) {
        if (k < n_in && attr[k] == a) {
            k++;
            continue;
        }
        if (at == place) at += is->ndim;
        shape.dim[at] = in[0]->shape.dim[a];
        grid.axis[at] = in[0]->grid.axis[a];
        elements *= chk_axis_max_chunk(&grid.axis[at]) > 0 ? chk_axis_max_chunk(&grid.axis[at]) : 1;
        at++;
    }
    /* Index dimensions: chunks of about a million elements with the others. */
    int64_t room = elements < (1 << 20) ? (1 << 20) / elements : 1;
    for (int d = is->ndim - 1; d >= 0; d--) {
        int64_t n = is->dim[d], chunk = n < room ? n : room;
        shape.dim[place + d] = n;
        grid.axis[place + d] = chk_axis_regular(n, chunk > 0 ? chunk : 1);
        room /= chunk > 0 ? chunk : 1;
        if (room < 1) room = 1;
    }
    for (int k = 1; k < n_in; k++) CHK_TRY(ops_check_indices(b, in[k], in[0]->shape.dim[attr[k]], (int)attr[k], err));
    return chk_node_custom(out, b, op, attr, n_attr, in[0]->dtype, &shape, &grid, in, n_in, err);
}

chunk_status ops_least_and_greatest(int64_t *ends, chk_builder *b, chk_node *indices, chunk_error *err)
{
    static const chk_red reds[2] = {CHK_RED_MIN, CHK_RED_MAX};
    for (int i = 0; i < 2; i++) {
        chk_node *found;
        uint32_t axes = indices->shape.ndim ? UINT32_MAX >> (32 - indices->shape.ndim) : 0;
        CHK_TRY(chk_node_reduce(&found, b, reds[i], NULL, indices, axes, false, 0, err));
        chunk_status st = CHUNK_OK;
        if (found->kind == CHK_NODE_SCALAR)
            ends[i] = found->u.scalar.v.i64;
        else
            st = chk_builder_evaluate(b, found, &ends[i], err);
        chk_node_release(found);
        if (st != CHUNK_OK) return st;
    }
    return CHUNK_OK;
}

static chunk_status look_at(chk_builder *b, chk_node *indices, int64_t n, int axis, chunk_error *err)
{
    int64_t v[2];
    if (chk_shape_count(&indices->shape) == 0 || chk_builder_assumes(b)) return CHUNK_OK;
    CHK_TRY(ops_least_and_greatest(v, b, indices, err));
    for (int i = 0; i < 2; i++)
        if (v[i] < -n || v[i] >= n)
            return chk_fail(err, CHUNK_EINDEX, "index %lld is out of bounds for axis %d with size %lld", (long long)v[i], axis,
                            (long long)n);
    return CHUNK_OK;
}

chunk_status ops_check_indices(chk_builder *b, chk_node *indices, int64_t n, int axis, chunk_error *err)
{
    return chk_node_reads_files(indices) ? CHUNK_OK : look_at(b, indices, n, axis, err);
}

chunk_status ops_look_at_indices(chk_builder *b, const chk_node *n, chunk_error *err)
{
    const chk_node *x = n->in[0];
    for (int k = 1; k < n->n_in && k < n->u.custom.n_attr; k++) {
        int axis = (int)n->u.custom.attr[k];
        if (chk_node_reads_files(n->in[k])) CHK_TRY(look_at(b, n->in[k], x->shape.dim[axis], axis, err));
    }
    return CHUNK_OK;
}
