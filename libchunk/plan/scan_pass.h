/* scan_pass.h: a pass of scan.h (private to plan/scan*.c). */
#ifndef CHK_SCAN_PASS_H
#define CHK_SCAN_PASS_H

#include <pthread.h>

#include "plan/scan.h"

enum { CHK_SCAN_SIDE = 64 }; /* lines of tiles abreast at most */

typedef struct chk_scan_pass {
    chk_scan_spec spec;
    chk_scan_kern kern;
    chk_dtype dtype;
    chk_shape shape;
    chk_grid grid;     /* of where the result goes */
    int64_t in_extent; /* of the input along the axis */
    chk_reader reader;
    chk_sink *sink;
    bool own_sink, direct, encoded, ordered, serial;
    size_t sink_worker_bytes, kept_bytes, scratch_bytes; /* as chk_target's */
    char name[48];
    /* tiles: in each chunk, part[a] along axis a of at most tile[a]; numbered along the axis (n_steps), and across it (n_lines) */
    int64_t tile[CHK_MAX_NDIM], part[CHK_MAX_NDIM];
    int64_t n_steps, n_lines, line_parts, side;
    size_t line_cells; /* of a tile across the axis, at most */
    chk_region *states;
    /* set by sizing */
    int64_t block[CHK_MAX_NDIM];
    size_t block_bytes, reader_bytes;
    int64_t most_late; /* blocks that may wait for a busy file */
    /* how many tiles each line abreast has done since the pass opened */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    _Atomic uint64_t done[CHK_SCAN_SIDE];
    _Atomic int n_waiting;
} chk_scan_pass;

/* Values, notes: bytes of a line of tiles. */
static inline size_t chk_scan_state_bytes(const chk_scan_pass *s)
{
    return chk_arena_cost(s->line_cells * chk_dtype_size(s->dtype)) +
           chk_arena_cost(s->line_cells * chk_scan_note_bytes(s->spec.scan));
}

/* The box of a task's tile; false where the tile is empty. */
bool chk_scan_tile(const chk_scan_pass *s, uint64_t task, chk_box *box);
/* The part of a box that the input has. */
void chk_scan_input_box(const chk_scan_pass *s, const chk_box *box, chk_box *in);
size_t chk_scan_kept_bytes(const chk_scan_pass *s);
chunk_status chk_scan_run(chk_pass *p, chk_task *t, chunk_error *err);
chunk_status chk_scan_claim(chk_pass *p, chk_task *t, chunk_error *err);
chunk_status chk_scan_write(chk_pass *p, chk_task *t, chunk_error *err);

#endif
