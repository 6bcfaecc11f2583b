/* Arrays in the caller's memory: pieces point straight into it. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "store/boxes.h"
#include "store/source.h"

typedef struct memory_source {
    chk_source s;
    const char *data;
    int64_t stride[CHK_MAX_NDIM];
} memory_source;

static void need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned, chk_need *out)
{
    (void)s, (void)v, (void)max_extent, (void)n_boxes, (void)aligned;
    *out = (chk_need){0};
}

static chunk_status fetch(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                          chk_piece *out, chunk_error *err)
{
    (void)arena, (void)hold, (void)err;
    const memory_source *m = (const memory_source *)s;
    for (size_t k = 0; k < n; k++) {
        chk_piece p = {.data = m->data, .fill.dtype = s->dtype};
        for (int b = 0; b < v->base_ndim; b++) {
            int a = v->axis[b];
            p.data += (v->off[b] + (a < 0 ? 0 : v->step[b] * boxes[k].lo[a])) * m->stride[b];
            if (a >= 0) p.stride[a] += v->step[b] * m->stride[b];
        }
        if (chk_box_count(&boxes[k]) == 0) p.data = NULL;
        out[k] = p;
    }
    return CHUNK_OK;
}

static void release(chk_source *s, chk_hold *hold) { (void)s, (void)hold; }

static const chk_source_ops ops = {
    .kind = "memory", .need = need, .fetch = fetch, .release = release, .free = (void (*)(chk_source *))chk_free};

chunk_status chk_source_memory(chk_source **out, const void *data, chk_dtype dtype, const chk_shape *shape, const int64_t *strides,
                               chunk_error *err)
{
    if (!data && chk_shape_count(shape) > 0)
        return chk_fail(err, CHUNK_EINVAL, "memory: no address for an array that has elements");
    memory_source *m = chk_calloc(1, sizeof *m);
    if (!m) return chk_fail(err, CHUNK_ENOMEM, "memory: out of memory");
    int64_t chunk[CHK_MAX_NDIM], dense = (int64_t)chk_dtype_size(dtype);
    for (int a = shape->ndim - 1; a >= 0; a--) {
        m->stride[a] = strides ? strides[a] : dense;
        if (shape->dim[a] > 0) dense *= shape->dim[a];
    }
    chk_grid_default_chunks(chunk, shape, chk_dtype_size(dtype), CHK_DEFAULT_CHUNK_BYTES);
    m->data = data;
    m->s = (chk_source){.ops = &ops,
                        .dtype = dtype,
                        .shape = *shape,
                        .grid = chk_grid_regular(shape, chunk),
                        .cuttable = true,
                        .thread_safe = true};
    atomic_init(&m->s.refs, 1);
    snprintf(m->s.name, sizeof m->s.name, "memory");
    *out = &m->s;
    return CHUNK_OK;
}
