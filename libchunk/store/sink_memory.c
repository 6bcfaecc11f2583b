/* A sink into the caller's memory: blocks are scattered by strides, whole rows at a time where both sides are dense. */
#include <string.h>

#include "base/alloc.h"
#include "store/source.h"

enum { TARGET_BYTES = 1 << 20 }; /* blocks need no alignment here; about this much is a convenient one */

typedef struct memory_sink {
    chk_sink s;
    char *data;
    int64_t stride[CHK_MAX_NDIM];
} memory_sink;

static void memory_need(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch)
{
    (void)s, (void)n_elements;
    *kept = *scratch = 0;
}

/* n items with `step` bytes from one to the next; the sizes that occur get a loop of their own, which the compiler turns into plain moves. */
static void scatter(char *out, int64_t step, const char *in, size_t item, int64_t n)
{
    switch (item) {
    case 1:
        for (int64_t i = 0; i < n; i++) memcpy(out + i * step, in + i, 1);
        return;
    case 2:
        for (int64_t i = 0; i < n; i++) memcpy(out + i * step, in + i * 2, 2);
        return;
    case 4:
        for (int64_t i = 0; i < n; i++) memcpy(out + i * step, in + i * 4, 4);
        return;
    case 8:
        for (int64_t i = 0; i < n; i++) memcpy(out + i * step, in + i * 8, 8);
        return;
    default:
        for (int64_t i = 0; i < n; i++) memcpy(out + i * step, in + i * (int64_t)item, item);
    }
}

static chunk_status memory_write(chk_sink *sink, chk_block *b, chunk_error *err)
{
    (void)err;
    const memory_sink *m = (const memory_sink *)sink;
    size_t item = chk_dtype_size(sink->dtype);
    int inner = b->box.ndim; /* axes [inner, ndim) are dense on both sides: one copy */
    int64_t run = 1;
    while (inner > 0 && m->stride[inner - 1] == run * (int64_t)item) run *= chk_box_extent(&b->box, --inner);
    int64_t step = inner > 0 && run == 1 ? m->stride[inner - 1] : 0, n_row = 1;
    if (step != 0) n_row = chk_box_extent(&b->box, --inner);
    if (chk_box_count(&b->box) == 0) return CHUNK_OK;

    const char *in = b->data;
    char *out = m->data;
    int64_t at[CHK_MAX_NDIM] = {0};
    for (int a = 0; a < b->box.ndim; a++) out += b->box.lo[a] * m->stride[a];
    for (;;) {
        if (step != 0)
            scatter(out, step, in, item, n_row);
        else
            memcpy(out, in, (size_t)run * item);
        in += n_row * run * (int64_t)item;
        int a = inner - 1;
        for (; a >= 0; a--) {
            out += m->stride[a];
            if (++at[a] < chk_box_extent(&b->box, a)) break;
            out -= at[a] * m->stride[a];
            at[a] = 0;
        }
        if (a < 0) return CHUNK_OK;
    }
}

static void memory_free(chk_sink *s) { chk_free(s); }

static const chk_sink_ops memory_ops = {.kind = "memory", .need = memory_need, .write = memory_write, .free = memory_free};

chunk_status chk_sink_memory(chk_sink **out, void *data, chk_dtype dtype, const chk_shape *shape, const int64_t *strides,
                             chunk_error *err)
{
    memory_sink *m = chk_calloc(1, sizeof *m);
    if (m == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for an output in memory");
    int64_t chunk[CHK_MAX_NDIM], dense = (int64_t)chk_dtype_size(dtype);
    chk_grid_default_chunks(chunk, shape, chk_dtype_size(dtype), TARGET_BYTES);
    m->s = (chk_sink){.ops = &memory_ops,
                      .dtype = dtype,
                      .shape = *shape,
                      .grid = chk_grid_regular(shape, chunk),
                      .thread_safe = true,
                      .name = "memory"};
    m->data = data;
    for (int a = shape->ndim - 1; a >= 0; a--) {
        m->stride[a] = strides != NULL ? strides[a] : dense;
        dense *= shape->dim[a];
    }
    *out = &m->s;
    return CHUNK_OK;
}
