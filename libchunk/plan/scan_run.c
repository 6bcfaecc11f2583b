/* scan_run.c: one task of a scan: read a tile, wait for what the tile before it carries, scan, hand on.
 *
 * Waiting inside run cannot deadlock: tasks start in ascending order, so the one waited for has started, and by induction waits only for lower ones. */
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"
#include "plan/put.h"
#include "plan/scan_pass.h"

enum { SPIN = 64, POLL_MS = 20 }; /* looks at the counter before sleeping: some 20 us; how soon a canceled run is noticed */

/* ---- the carry */

static chunk_status wait_for(chk_scan_pass *s, chk_task *t, int abreast, uint64_t count, chunk_error *err)
{
    for (int i = 0; i < SPIN; i++) {
        if (atomic_load_explicit(&s->done[abreast], memory_order_acquire) >= count) return CHUNK_OK;
        sched_yield();
    }
    uint64_t t0 = chk_clock_ns();
    bool canceled = false;
    pthread_mutex_lock(&s->lock);
    s->n_waiting++;
    while (s->done[abreast] < count && !(canceled = chk_task_canceled(t))) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&s->moved, &s->lock, &until);
    }
    s->n_waiting--;
    pthread_mutex_unlock(&s->lock);
    t->stats.ns_wait += chk_clock_ns() - t0;
    return canceled ? chk_fail(err, CHUNK_ECANCELED, "canceled") : CHUNK_OK;
}

static void publish(chk_scan_pass *s, int abreast, uint64_t count)
{
    atomic_store(&s->done[abreast], count);
    if (atomic_load(&s->n_waiting) == 0) return;
    pthread_mutex_lock(&s->lock);
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
}

/* ---- a block */

static void dense_strides(int64_t *stride, const chk_box *box, size_t item)
{
    int64_t next = (int64_t)item;
    for (int a = box->ndim - 1; a >= 0; a--) {
        stride[a] = next;
        next *= chk_box_extent(box, a);
    }
}

static chunk_status read_block(chk_scan_pass *s, chk_task *t, const chk_box *box, char *data, chk_arena *arena, chunk_error *err)
{
    chk_box in;
    int64_t stride[CHK_MAX_NDIM];
    chk_hold books = {0};
    dense_strides(stride, box, chk_dtype_size(s->dtype));
    chk_scan_input_box(s, box, &in);
    if (in.hi[s->spec.axis] < box->hi[s->spec.axis]) memset(data, 0, (size_t)chk_box_count(box) * chk_dtype_size(s->dtype));
    chunk_status st = chk_reader_read(&s->reader, &in, data, stride, arena, &books, err);
    chk_task_count(t, &books);
    return st;
}

static void scan_block(const chk_scan_pass *s, chk_task *t, int abreast, const chk_box *tile, const chk_box *box, char *data)
{
    int axis = s->spec.axis;
    chk_scan_call c = {.data = data,
                       .outer = 1,
                       .n = (size_t)chk_box_extent(box, axis),
                       .inner = 1,
                       .first = s->spec.backwards ? box->hi[axis] == s->shape.dim[axis] : box->lo[axis] == 0,
                       .backwards = s->spec.backwards,
                       .exclusive = s->spec.exclusive,
                       .start = s->spec.start.v.bytes,
                       .limit = s->spec.limit,
                       .alpha = s->spec.alpha,
                       .adjust = s->spec.adjust,
                       .ignore_na = s->spec.ignore_na};
    size_t cell = 0, item = chk_dtype_size(s->dtype); /* a block is a run of the tile: its lines are neighbours */
    for (int a = 0; a < box->ndim; a++) {
        if (a == axis) continue;
        *(a < axis ? &c.outer : &c.inner) *= (size_t)chk_box_extent(box, a);
        cell = cell * (size_t)chk_box_extent(tile, a) + (size_t)(box->lo[a] - tile->lo[a]);
    }
    char *values = (char *)s->states->buf.data + (size_t)abreast * chk_scan_state_bytes(s);
    c.value = values + cell * item;
    c.note = values + chk_arena_cost(s->line_cells * item) + cell * chk_scan_note_bytes(s->spec.scan);
    uint64_t t0 = chk_clock_ns();
    s->kern(&c);
    t->stats.ns_compute += chk_clock_ns() - t0;
}

/* Block i of a tile in C order; how many there are. */
static int64_t n_blocks(const chk_scan_pass *s, const chk_box *tile)
{
    int64_t n = 1;
    for (int a = 0; a < tile->ndim; a++) n *= (chk_box_extent(tile, a) + s->block[a] - 1) / s->block[a];
    return n;
}

static void block_at(const chk_scan_pass *s, const chk_box *tile, int64_t i, chk_box *box)
{
    box->ndim = tile->ndim;
    for (int a = tile->ndim - 1; a >= 0; a--) {
        int64_t n = (chk_box_extent(tile, a) + s->block[a] - 1) / s->block[a];
        box->lo[a] = tile->lo[a] + i % n * s->block[a];
        box->hi[a] = box->lo[a] + s->block[a] < tile->hi[a] ? box->lo[a] + s->block[a] : tile->hi[a];
        i /= n;
    }
}

/* ---- output */

static void *kept_data(chk_task *t) { return (char *)t->kept + chk_arena_cost(sizeof(chk_block)); }

static chunk_status encode(chk_scan_pass *s, chk_task *t, const chk_box *box, const char *data, void *scratch, chunk_error *err)
{
    chk_block *b = t->kept;
    *b = (chk_block){.box = *box, .data = data, .n_bytes = (size_t)chk_box_count(box) * chk_dtype_size(s->dtype)};
    if (!s->sink->ops->encode || !s->kept_bytes) return CHUNK_OK;
    uint64_t t0 = chk_clock_ns();
    CHK_TRY(s->sink->ops->encode(s->sink, b, kept_data(t), s->kept_bytes, scratch, s->scratch_bytes, err));
    t->stats.ns_encode += chk_clock_ns() - t0;
    return CHUNK_OK;
}

chunk_status chk_scan_claim(chk_pass *p, chk_task *t, chunk_error *err)
{
    chk_scan_pass *s = p->ctx;
    chk_block *b = t->kept;
    if (b->box.ndim < 0) return CHUNK_OK;
    if (s->sink->ops->claim) CHK_TRY(s->sink->ops->claim(s->sink, b, err));
    if (s->sink->ordered && !s->sink->thread_safe) return chk_put_claimed(s->sink, s->direct, t, b, err);
    return CHUNK_OK;
}

chunk_status chk_scan_write(chk_pass *p, chk_task *t, chunk_error *err)
{
    chk_scan_pass *s = p->ctx;
    chk_block *b = t->kept;
    if (b->box.ndim < 0 || (s->sink->ordered && !s->sink->thread_safe)) return CHUNK_OK;
    return chk_put_claimed(s->sink, s->direct, t, b, err);
}

/* ---- the task */

static chunk_status run_tile(chk_scan_pass *s, chk_task *t, const chk_box *tile, size_t work_bytes, chunk_error *err)
{
    int abreast = (int)(t->number % (uint64_t)s->side);
    uint64_t before = t->number / (uint64_t)s->side;
    chk_arena arena;
    chk_arena_init(&arena, t->work, work_bytes);
    bool in_kept = s->encoded && !s->kept_bytes, turn_passed = false;
    char *data = in_kept ? kept_data(t) : chk_arena_get(&arena, s->block_bytes);
    void *scratch = chk_arena_get(&arena, s->scratch_bytes);
    chk_late late;
    if (!data || !scratch || !chk_late_init(&late, s->most_late, s->block_bytes, s->sink, s->direct, t, &arena))
        return chk_fail(err, CHUNK_ESTATE, "internal: a tile of %s is larger than planned", s->name);
    int64_t n = n_blocks(s, tile);
    for (int64_t i = 0; i < n; i++) {
        chk_box box;
        block_at(s, tile, s->spec.backwards ? n - 1 - i : i, &box);
        if (chk_task_canceled(t)) return chk_fail(err, CHUNK_ECANCELED, "canceled");
        CHK_TRY(read_block(s, t, &box, data, &arena, err));
        if (i == 0) CHK_TRY(wait_for(s, t, abreast, before, err));
        scan_block(s, t, abreast, tile, &box, data);
        if (i == n - 1) publish(s, abreast, before + 1);
        chk_block b = {.box = box, .data = data, .n_bytes = (size_t)chk_box_count(&box) * chk_dtype_size(s->dtype)};
        CHK_TRY(s->encoded ? encode(s, t, &box, data, scratch, err)
                           : chk_put_block_late(&late, &b, &data, i == n - 1, &turn_passed, err));
    }
    return chk_late_write(&late, true, err);
}

chunk_status chk_scan_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    chk_scan_pass *s = p->ctx;
    chk_box tile;
    if (s->encoded) ((chk_block *)t->kept)->box.ndim = -1;
    if (chk_scan_tile(s, t->number, &tile)) return run_tile(s, t, &tile, p->work_bytes, err);
    int abreast = (int)(t->number % (uint64_t)s->side); /* nothing here: what was carried stays */
    CHK_TRY(wait_for(s, t, abreast, t->number / (uint64_t)s->side, err));
    publish(s, abreast, t->number / (uint64_t)s->side + 1);
    return CHUNK_OK;
}
