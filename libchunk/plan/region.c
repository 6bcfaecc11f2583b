/* region.c: reading a region in place through any view, and writing blocks into it. */
#include "plan/region.h"

#include <string.h>

#include "base/alloc.h"

typedef struct region_source {
    chk_source s;
    const chk_region *region;
} region_source;

typedef struct region_sink {
    chk_sink s;
    const chk_region *region;
} region_sink;

static void c_strides(int64_t *stride, const chk_shape *shape, size_t item)
{
    int64_t n = (int64_t)item;
    for (int a = shape->ndim - 1; a >= 0; a--) {
        stride[a] = n;
        n *= shape->dim[a];
    }
}

static void source_need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned,
                        chk_need *out)
{
    (void)s, (void)v, (void)max_extent, (void)n_boxes, (void)aligned;
    *out = (chk_need){0};
}

static chunk_status source_fetch(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                                 chk_piece *out, chunk_error *err)
{
    (void)arena, (void)hold, (void)err;
    int64_t base[CHK_MAX_NDIM], stride[CHK_MAX_NDIM] = {0}, offset = 0;
    c_strides(base, &s->shape, chk_dtype_size(s->dtype));
    for (int b = 0; b < v->base_ndim; b++) {
        offset += v->off[b] * base[b];
        if (v->axis[b] >= 0) stride[v->axis[b]] += v->step[b] * base[b];
    }
    for (size_t i = 0; i < n; i++) {
        int64_t at = offset;
        for (int a = 0; a < boxes[i].ndim; a++) at += boxes[i].lo[a] * stride[a];
        out[i].data = (const char *)((region_source *)s)->region->buf.data + at;
        memcpy(out[i].stride, stride, sizeof stride);
        out[i].plane_bytes = 0;
        out[i].swapped = false;
    }
    return CHUNK_OK;
}

static void source_release(chk_source *s, chk_hold *hold) { (void)s, (void)hold; }
static void source_free(chk_source *s) { chk_free(s); }

static const chk_source_ops source_ops = {
    .kind = "region", .need = source_need, .fetch = source_fetch, .release = source_release, .free = source_free};

chunk_status chk_region_source(chk_source **out, const chk_region *region, chk_dtype dtype, const chk_shape *shape,
                               const chk_grid *grid, const char *name, chunk_error *err)
{
    region_source *r = chk_calloc(1, sizeof *r);
    if (!r) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    r->s = (chk_source){
        .ops = &source_ops, .refs = 1, .dtype = dtype, .shape = *shape, .grid = *grid, .cuttable = true, .thread_safe = true};
    strncpy(r->s.name, name, sizeof r->s.name - 1);
    r->region = region;
    *out = &r->s;
    return CHUNK_OK;
}

static void sink_need(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch)
{
    (void)s, (void)n_elements;
    *kept = *scratch = 0;
}

static chunk_status sink_write(chk_sink *s, chk_block *b, chunk_error *err)
{
    (void)err;
    size_t item = chk_dtype_size(s->dtype);
    int64_t stride[CHK_MAX_NDIM], at[CHK_MAX_NDIM] = {0};
    c_strides(stride, &s->shape, item);
    char *base = ((region_sink *)s)->region->buf.data;
    const char *from = b->data;
    int ndim = s->shape.ndim, inner = ndim - 1;
    size_t row = inner < 0 ? item : (size_t)chk_box_extent(&b->box, inner) * item;
    for (;;) {
        int64_t to = 0;
        for (int a = 0; a < ndim; a++) to += (b->box.lo[a] + at[a]) * stride[a];
        memcpy(base + to, from, row);
        from += row;
        int a = inner - 1;
        for (; a >= 0 && ++at[a] == chk_box_extent(&b->box, a); a--) at[a] = 0;
        if (a < 0) return CHUNK_OK;
    }
}

static void sink_free(chk_sink *s) { chk_free(s); }

static const chk_sink_ops sink_ops = {.kind = "region", .need = sink_need, .write = sink_write, .free = sink_free};

chunk_status chk_region_sink(chk_sink **out, const chk_region *region, chk_dtype dtype, const chk_shape *shape,
                             const chk_grid *grid, chunk_error *err)
{
    region_sink *r = chk_calloc(1, sizeof *r);
    if (!r) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    r->s = (chk_sink){.ops = &sink_ops, .dtype = dtype, .shape = *shape, .grid = *grid, .thread_safe = true};
    strcpy(r->s.name, "memory");
    r->region = region;
    *out = &r->s;
    return CHUNK_OK;
}
