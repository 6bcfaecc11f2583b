/* A sink that hands dense blocks to the caller's function. */
#include "base/alloc.h"
#include "store/source.h"

enum { TARGET_BYTES = 1 << 20 };

typedef struct callback_sink {
    chk_sink s;
    chk_write_fn write;
    void *user;
} callback_sink;

static void callback_need(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch)
{
    (void)s, (void)n_elements;
    *kept = *scratch = 0;
}

static chunk_status callback_write(chk_sink *sink, chk_block *b, chunk_error *err)
{
    const callback_sink *c = (const callback_sink *)sink;
    int code = c->write(c->user, b->box.lo, b->box.hi, b->data);
    return code == 0 ? CHUNK_OK : chk_fail(err, CHUNK_EUSER, "the output's write function returned %d", code);
}

static void callback_free(chk_sink *s) { chk_free(s); }

static const chk_sink_ops callback_ops = {
    .kind = "callback", .need = callback_need, .write = callback_write, .free = callback_free};

chunk_status chk_sink_callback(chk_sink **out, chk_write_fn write, void *user, chk_dtype dtype, const chk_shape *shape,
                               const int64_t *chunk, bool thread_safe, chunk_error *err)
{
    int64_t rule[CHK_MAX_NDIM];
    for (int a = 0; a < shape->ndim && chunk != NULL; a++) {
        if (chunk[a] < 1)
            return chk_fail(err, CHUNK_EINVAL, "chunk extent %lld on axis %d of an output; it must be at least 1",
                            (long long)chunk[a], a);
    }
    callback_sink *c = chk_calloc(1, sizeof *c);
    if (c == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for an output");
    if (chunk == NULL) chk_grid_default_chunks(rule, shape, chk_dtype_size(dtype), TARGET_BYTES);
    c->s = (chk_sink){.ops = &callback_ops,
                      .dtype = dtype,
                      .shape = *shape,
                      .grid = chk_grid_regular(shape, chunk != NULL ? chunk : rule),
                      .whole_chunks = chunk != NULL,
                      .ordered = !thread_safe,
                      .thread_safe = thread_safe,
                      .name = "callback"};
    c->write = write;
    c->user = user;
    *out = &c->s;
    return CHUNK_OK;
}
