/* put.h: a block on its way from a task to a sink, for passes that stream their output (task.h's turns). */
#ifndef CHK_PUT_H
#define CHK_PUT_H

#include "plan/task.h"
#include "store/source.h"

/* Claims and writes. In turn only as long as the sink's order matters: until the first block of a chunk that is not all fill has its place, or the last;
 * *turn_passed is the task's, false at first. direct: what is written counts as output, else as spilled. */
chunk_status chk_put_block(chk_sink *sink, bool direct, chk_task *t, chk_block *b, bool last, bool *turn_passed, chunk_error *err);
/* Writes what has been claimed. */
chunk_status chk_put_claimed(chk_sink *sink, bool direct, chk_task *t, chk_block *b, chunk_error *err);

#endif
