/* put.c: see put.h. */
#include "plan/put.h"

#include <string.h>

#include "base/thread.h"

chunk_status chk_put_claimed(chk_sink *sink, bool direct, chk_task *t, chk_block *b, chunk_error *err)
{
    if (b->skip) return CHUNK_OK;
    uint64_t t0 = chk_clock_ns();
    CHK_TRY(sink->ops->write(sink, b, err));
    t->stats.ns_write += chk_clock_ns() - t0;
    if (direct)
        t->stats.bytes_written += b->n_bytes;
    else if (b->addr)
        t->stats.bytes_spilled += b->n_bytes;
    return CHUNK_OK;
}

static chunk_status claim(chk_sink *sink, chk_task *t, chk_block *b, bool last, bool *turn_passed, chunk_error *err)
{
    bool in_turn = sink->ordered && !*turn_passed;
    if (in_turn) CHK_TRY(chk_task_wait_turn(t, err));
    if (sink->ops->claim) CHK_TRY(sink->ops->claim(sink, b, err));
    if (in_turn && sink->thread_safe && (last || !b->skip)) {
        chk_task_pass_turn(t);
        *turn_passed = true;
    }
    return CHUNK_OK;
}

chunk_status chk_put_block(chk_sink *sink, bool direct, chk_task *t, chk_block *b, bool last, bool *turn_passed, chunk_error *err)
{
    CHK_TRY(claim(sink, t, b, last, turn_passed, err));
    return chk_put_claimed(sink, direct, t, b, err);
}

chunk_status chk_put_block_late(chk_late *l, chk_block *b, char **made, bool last, bool *turn_passed, chunk_error *err)
{
    CHK_TRY(claim(l->sink, l->t, b, last, turn_passed, err));
    return chk_late_put(l, b, made, err);
}

/* ---- blocks that wait */

size_t chk_late_bytes(int64_t most, size_t block_bytes)
{
    size_t n = (size_t)most;
    return chk_arena_cost(n * sizeof(chk_block)) + chk_arena_cost(n * sizeof(char *)) + n * chk_arena_cost(block_bytes);
}

bool chk_late_init(chk_late *l, int64_t most, size_t block_bytes, chk_sink *sink, bool direct, chk_task *t, chk_arena *arena)
{
    *l = (chk_late){.sink = sink, .t = t, .direct = direct};
    l->block = chk_arena_get(arena, (size_t)most * sizeof *l->block);
    l->spare = chk_arena_get(arena, (size_t)most * sizeof *l->spare);
    bool ok = l->block && l->spare;
    for (; l->n_spare < most && ok; l->n_spare++) ok = (l->spare[l->n_spare] = chk_arena_get(arena, block_bytes));
    return ok;
}

static bool is_busy(const chk_sink *sink) { return sink->ops->busy && sink->ops->busy(sink); }

static chunk_status write_first(chk_late *l, chunk_error *err)
{
    chk_block b = l->block[0];
    memmove(l->block, l->block + 1, (size_t)--l->n * sizeof *l->block);
    l->spare[l->n_spare++] = (char *)b.data;
    return chk_put_claimed(l->sink, l->direct, l->t, &b, err);
}

chunk_status chk_late_write(chk_late *l, bool all, chunk_error *err)
{
    while (l->n > 0 && (all || !is_busy(l->sink))) CHK_TRY(write_first(l, err));
    return CHUNK_OK;
}

chunk_status chk_late_put(chk_late *l, chk_block *b, char **made, chunk_error *err)
{
    if (b->skip) return CHUNK_OK;
    CHK_TRY(chk_late_write(l, false, err));
    if (l->n + l->n_spare == 0 || !is_busy(l->sink)) return chk_put_claimed(l->sink, l->direct, l->t, b, err);
    if (l->n_spare == 0) CHK_TRY(write_first(l, err));
    l->block[l->n++] = *b;
    *made = l->spare[--l->n_spare];
    return CHUNK_OK;
}
