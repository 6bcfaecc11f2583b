/* put.h: a block on its way from a task to a sink, for passes that stream their output (task.h's turns). */
#ifndef CHK_PUT_H
#define CHK_PUT_H

#include "plan/task.h"
#include "store/source.h"

/* Blocks of one output that a task has claimed, but not written. The kernel lets one thread at a time write into a file, and others spin meanwhile: so a block
 * whose file is being written into is kept, and written when it is not, at the latest when no more can be kept (exp(-x)*y + 1 of 2 GiB, two threads: a
 * seventh of both cores spun). */
enum { CHK_LATE_BLOCKS = 1 };
typedef struct chk_late {
    chk_sink *sink;
    chk_task *t;
    bool direct;
    chk_block *block; /* in the order of their claims */
    char **spare;     /* as large as a block each */
    int n, n_spare;
} chk_late;

/* What one of `most` blocks takes of an arena; 0 blocks: all are written at once. */
size_t chk_late_bytes(int64_t most, size_t block_bytes);
bool chk_late_init(chk_late *l, int64_t most, size_t block_bytes, chk_sink *sink, bool direct, chk_task *t, chk_arena *arena);
/* Writes the claimed block, or keeps it. *made, where its values are, becomes where the next may be made. */
chunk_status chk_late_put(chk_late *l, chk_block *b, char **made, chunk_error *err);
/* Writes what is kept as long as nobody else writes; all: to the last. */
chunk_status chk_late_write(chk_late *l, bool all, chunk_error *err);

/* Claims and writes. In turn only as long as the sink's order matters: until the first block of a chunk that is not all fill has its place, or the last;
 * *turn_passed is the task's, false at first. direct: what is written counts as output, else as spilled. */
chunk_status chk_put_block(chk_sink *sink, bool direct, chk_task *t, chk_block *b, bool last, bool *turn_passed, chunk_error *err);
/* The same, but what is claimed may be written later. */
chunk_status chk_put_block_late(chk_late *l, chk_block *b, char **made, bool last, bool *turn_passed, chunk_error *err);
/* Writes what has been claimed. */
chunk_status chk_put_claimed(chk_sink *sink, bool direct, chk_task *t, chk_block *b, chunk_error *err);

#endif
