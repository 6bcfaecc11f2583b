/* put.c: see put.h. */
#include "plan/put.h"

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

chunk_status chk_put_block(chk_sink *sink, bool direct, chk_task *t, chk_block *b, bool last, bool *turn_passed, chunk_error *err)
{
    bool in_turn = sink->ordered && !*turn_passed;
    if (in_turn) CHK_TRY(chk_task_wait_turn(t, err));
    if (sink->ops->claim) CHK_TRY(sink->ops->claim(sink, b, err));
    if (in_turn && sink->thread_safe && (last || !b->skip)) {
        chk_task_pass_turn(t);
        *turn_passed = true;
    }
    return chk_put_claimed(sink, direct, t, b, err);
}
