/* product_store.c: chunks of a product on their way from its tile to where they are stored; below the diagonal of one that is computed by half, mirrored. */
#include <string.h>

#include "base/thread.h"
#include "plan/product_pass.h"
#include "plan/put.h"

enum { PATCH = 64 }; /* rows and columns that are mirrored at once */

/* The values of a box as they are stored, dense. */
static void gather_rows(const chk_product *s, const chk_box *tile, const chk_box *box, char *out, chk_kern cast)
{
    int last = box->ndim - 1;
    int64_t index[CHK_MAX_NDIM], n = chk_box_extent(box, last);
    memcpy(index, box->lo, sizeof index);
    for (int a = 0; a >= 0;) {
        const void *row[1] = {chk_product_at(s, tile, index)};
        if (cast)
            cast(out, row, (size_t)n);
        else
            memcpy(out, row[0], (size_t)n * s->item);
        out += (size_t)n * chk_dtype_size(s->dtype);
        for (a = last - 1; a >= 0; a--) {
            if (++index[a] < box->hi[a]) break;
            index[a] = box->lo[a];
        }
    }
}

static void set_imaginary(char *number, size_t size, bool zero)
{
    if (size == sizeof(double))
        ((double *)number)[1] = zero ? 0 : -((double *)number)[1];
    else
        ((float *)number)[1] = zero ? 0 : -((float *)number)[1];
}

/* Some rows and columns of a matrix whose element (0, 0) would be at c: what lies below the diagonal is mirrored. */
static void gather_patch(const chk_product *s, const char *c, const int64_t lo[2], const int64_t hi[2], char *out, int64_t to)
{
    int64_t pitch = s->area_c.stride[s->n_batch], item = (int64_t)s->item;
    if (lo[1] >= hi[0]) {
        for (int64_t i = lo[0]; i < hi[0]; i++)
            memcpy(out + (i - lo[0]) * to, c + i * pitch + lo[1] * item, (size_t)((hi[1] - lo[1]) * item));
        return;
    }
    bool below = hi[1] <= lo[0];
    if (below) chk_kern_transpose(out, to, c + lo[1] * pitch + lo[0] * item, pitch, s->item, hi[1] - lo[1], hi[0] - lo[0]);
    for (int64_t i = lo[0]; i < hi[0] && (!below || s->spec.conj); i++)
        for (int64_t j = lo[1]; j < hi[1]; j++) {
            char *at = out + (i - lo[0]) * to + (j - lo[1]) * item;
            if (!below) memcpy(at, i > j ? c + j * pitch + i * item : c + i * pitch + j * item, s->item);
            if (s->spec.conj && i >= j) set_imaginary(at, s->item / 2, i == j);
        }
}

/* The same of a product by half, as they are computed. */
static void gather_half(const chk_product *s, const chk_box *tile, const chk_box *box, char *out)
{
    int m = s->n_batch, n = m + 1;
    int64_t index[CHK_MAX_NDIM], to = chk_box_extent(box, n) * (int64_t)s->item, lo[2], hi[2];
    memcpy(index, box->lo, sizeof index);
    for (int a = 0; a >= 0;) {
        index[m] = tile->lo[m];
        index[n] = tile->lo[n];
        const char *c = chk_product_at(s, tile, index) - tile->lo[m] * s->area_c.stride[m] - tile->lo[n] * (int64_t)s->item;
        for (lo[0] = box->lo[m]; lo[0] < box->hi[m]; lo[0] = hi[0]) {
            hi[0] = lo[0] - lo[0] % PATCH + PATCH < box->hi[m] ? lo[0] - lo[0] % PATCH + PATCH : box->hi[m];
            for (lo[1] = box->lo[n]; lo[1] < box->hi[n]; lo[1] = hi[1]) {
                hi[1] = lo[1] - lo[1] % PATCH + PATCH < box->hi[n] ? lo[1] - lo[1] % PATCH + PATCH : box->hi[n];
                gather_patch(s, c, lo, hi, out + (lo[0] - box->lo[m]) * to + (lo[1] - box->lo[n]) * (int64_t)s->item, to);
            }
        }
        out += chk_box_extent(box, m) * to;
        for (a = m - 1; a >= 0; a--) {
            if (++index[a] < box->hi[a]) break;
            index[a] = box->lo[a];
        }
    }
}

size_t chk_product_gather_bytes(const chk_product *s, const int64_t *extent)
{
    if (!s->spec.half || s->dtype == s->compute) return 0;
    return chk_arena_cost(chk_extent_bytes(s->n_batch + 2, extent, s->compute));
}

chunk_status chk_product_gather(const chk_product *s, const chk_box *tile, const chk_box *box, char *out, chk_arena *arena,
                                chunk_error *err)
{
    chk_kern cast = s->dtype == s->compute ? NULL : chk_kern_cast(s->compute, s->dtype);
    if (!s->spec.half) {
        gather_rows(s, tile, box, out, cast);
        return CHUNK_OK;
    }
    size_t count = (size_t)chk_box_count(box);
    char *computed = cast ? chk_arena_get(arena, count * s->item) : out;
    if (!computed) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", s->name);
    gather_half(s, tile, box, computed);
    const void *in[1] = {computed};
    if (cast) cast(out, in, count);
    return CHUNK_OK;
}

/* What the pass stores. */
static chunk_status compute(const chk_product *s, chk_task *t, const chk_box *tile, const chk_box *box, char *out, chk_arena *arena,
                            chunk_error *err)
{
    uint64_t t0 = chk_clock_ns();
    if (!s->value) {
        chunk_status st = chk_product_gather(s, tile, box, out, arena, err);
        t->stats.ns_compute += chk_clock_ns() - t0;
        return st;
    }
    chk_hold books = {0};
    chunk_status st = chk_reader_read(&s->finish, box, out, NULL, arena, &books, err);
    chk_task_count(t, &books);
    return st;
}

static chunk_status store_block(const chk_product *s, chk_task *t, const chk_box *tile, const chk_box *box, bool last,
                                bool *turn_passed, chk_arena *arena, chunk_error *err)
{
    size_t mark = arena->used, n_bytes = (size_t)chk_box_count(box) * chk_dtype_size(s->stored);
    char *data = chk_arena_get(arena, n_bytes), *kept = chk_arena_get(arena, s->kept_bytes),
         *scratch = chk_arena_get(arena, s->scratch_bytes);
    if (!data || !kept || !scratch) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", s->name);
    CHK_TRY(compute(s, t, tile, box, data, arena, err));
    chk_block b = {.box = *box, .data = data, .n_bytes = n_bytes};
    if (s->encoded && s->sink->ops->encode && s->kept_bytes) {
        uint64_t t0 = chk_clock_ns();
        CHK_TRY(s->sink->ops->encode(s->sink, &b, kept, s->kept_bytes, scratch, s->scratch_bytes, err));
        t->stats.ns_encode += chk_clock_ns() - t0;
    }
    CHK_TRY(chk_put_block(s->sink, s->direct, t, &b, last, turn_passed, err));
    arena->used = mark;
    return CHUNK_OK;
}

chunk_status chk_product_store(const chk_product *s, chk_task *t, const chk_box *tile, const chk_box *chunk, chk_arena *arena,
                               chunk_error *err)
{
    bool turn_passed = false;
    chk_box box = *chunk;
    int ndim = box.ndim;
    for (int a = 0; a < ndim; a++) box.hi[a] = box.lo[a] + s->run[a] < chunk->hi[a] ? box.lo[a] + s->run[a] : chunk->hi[a];
    for (;;) {
        chk_box next = box;
        int a = ndim - 1;
        for (; a >= 0; a--) {
            next.lo[a] = box.hi[a];
            if (next.lo[a] < chunk->hi[a]) break;
            next.lo[a] = chunk->lo[a];
        }
        for (int i = 0; i < ndim; i++) next.hi[i] = next.lo[i] + s->run[i] < chunk->hi[i] ? next.lo[i] + s->run[i] : chunk->hi[i];
        CHK_TRY(store_block(s, t, tile, &box, a < 0, &turn_passed, arena, err));
        if (a < 0) return CHUNK_OK;
        box = next;
    }
}
