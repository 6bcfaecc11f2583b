/* Arrays that the caller's function delivers box by box, dense and in native order. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "store/boxes.h"
#include "store/source.h"

typedef struct callback_source {
    chk_source s;
    chk_read_fn read;
    void *user;
    void (*free_user)(void *);
} callback_source;

/* Elements of the base from the lowest to the highest that `extent` picked elements need; a callback has no steps. */
static uint64_t base_bytes(const chk_source *s, const chk_view *v, const int64_t *extent)
{
    uint64_t n_bytes = chk_dtype_size(s->dtype);
    for (int b = 0; b < v->base_ndim; b++) {
        int64_t n = v->axis[b] < 0 ? 1 : extent[v->axis[b]], step = v->step[b] < 0 ? -v->step[b] : v->step[b];
        n_bytes *= (uint64_t)(n > 0 ? (n - 1) * step + 1 : 0);
    }
    return n_bytes;
}

static void need(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned, chk_need *out)
{
    (void)aligned;
    *out = (chk_need){.arena = (size_t)n_boxes * chk_arena_cost(base_bytes(s, v, max_extent))};
}

static chunk_status fetch_one(callback_source *c, const chk_view *v, const chk_box *box, chk_arena *arena, chk_hold *hold,
                              chk_piece *out, chunk_error *err)
{
    chk_piece p = {.fill.dtype = c->s.dtype};
    chk_box base;
    int64_t row = (int64_t)chk_dtype_size(c->s.dtype);
    *out = p;
    if (chk_box_count(box) == 0) return CHUNK_OK;
    chk_view_base_box(&base, v, box);
    size_t n_bytes = (size_t)(chk_box_count(&base) * row);
    char *data = chk_arena_get(arena, n_bytes);
    if (!data) return chk_fail(err, CHUNK_ESTATE, "internal: %s: no room for a box of %zu bytes", c->s.name, n_bytes);
    uint64_t t0 = chk_clock_ns();
    int rc = c->read(c->user, base.lo, base.hi, data);
    hold->ns_read += chk_clock_ns() - t0;
    if (rc != 0) return chk_fail(err, CHUNK_EUSER, "%s: reading a box failed: the callback returned %d", c->s.name, rc);
    hold->bytes_read += n_bytes;
    p.data = data;
    for (int b = v->base_ndim - 1; b >= 0; b--) {
        int a = v->axis[b];
        if (a >= 0) {
            p.stride[a] += v->step[b] * row;
            p.data += (v->off[b] + v->step[b] * box->lo[a] - base.lo[b]) * row;
        }
        row *= chk_box_extent(&base, b);
    }
    *out = p;
    return CHUNK_OK;
}

static chunk_status fetch(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                          chk_piece *out, chunk_error *err)
{
    for (size_t k = 0; k < n; k++) CHK_TRY(fetch_one((callback_source *)s, v, &boxes[k], arena, hold, &out[k], err));
    return CHUNK_OK;
}

static void release(chk_source *s, chk_hold *hold) { (void)s, (void)hold; }

static void free_callback(chk_source *s)
{
    callback_source *c = (callback_source *)s;
    if (c->free_user) c->free_user(c->user);
    chk_free(c);
}

static const chk_source_ops ops = {.kind = "callback", .need = need, .fetch = fetch, .release = release, .free = free_callback};

chunk_status chk_source_callback(chk_source **out, chk_read_fn read, void *user, void (*free_user)(void *), chk_dtype dtype,
                                 const chk_shape *shape, const int64_t *chunk, bool thread_safe, chunk_error *err)
{
    int64_t cut[CHK_MAX_NDIM];
    if (!read) return chk_fail(err, CHUNK_EINVAL, "callback: no function to read with");
    chk_grid_default_chunks(cut, shape, chk_dtype_size(dtype), CHK_DEFAULT_CHUNK_BYTES);
    for (int a = 0; chunk && a < shape->ndim; a++) {
        if (chunk[a] < 1)
            return chk_fail(err, CHUNK_EINVAL, "callback: axis %d has chunks of length %lld; at least 1 is needed", a,
                            (long long)chunk[a]);
        cut[a] = chunk[a];
    }
    callback_source *c = chk_calloc(1, sizeof *c);
    if (!c) return chk_fail(err, CHUNK_ENOMEM, "callback: out of memory");
    c->read = read;
    c->user = user;
    c->free_user = free_user;
    c->s = (chk_source){.ops = &ops,
                        .dtype = dtype,
                        .shape = *shape,
                        .grid = chk_grid_regular(shape, cut),
                        .cuttable = true,
                        .thread_safe = thread_safe,
                        .stored_bytes = (uint64_t)chk_shape_count(shape) * chk_dtype_size(dtype)};
    atomic_init(&c->s.refs, 1);
    snprintf(c->s.name, sizeof c->s.name, "callback");
    *out = &c->s;
    return CHUNK_OK;
}
