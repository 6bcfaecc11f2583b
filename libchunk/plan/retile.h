/* retile.h: passes that store a value whose inputs lie in other chunks: rechunking, transposes, arithmetic over arrays that are cut differently.
 *
 * A fused pass goes chunk by chunk over the output and would read, and decode, an input chunk once for every output chunk that it meets. Here a task
 * takes a tile, a box of the index space; it fetches the pieces of all input chunks that meet the tile once, and then makes the parts of the output
 * chunks in it, strip by strip, from these pieces. How large a tile is along each axis is chosen by counting (retile_cut.c): bytes and requests, how
 * often a chunk is read, within what the ceiling leaves.
 *
 * Where output chunks are written as they are, a tile may be any box: all chunks get their places in the file before the first task, in grid order,
 * and each tile writes its part of them; those that turned out to hold fill alone are left out in the end. Where they are encoded, tiles are whole
 * output chunks, in an order that follows from the grids alone: blocks of as many output chunks as cover an input chunk. So the file is the same
 * under every ceiling. Where even the best tiles would decode input chunks several times, the value goes through scratch: one pass by input
 * chunks writes it, another by output chunks reads it (retile_lower.c). */
#ifndef CHK_RETILE_H
#define CHK_RETILE_H

#include "plan/fused.h"
#include "plan/lower.h"

enum {
    CHK_RETILE_INPUTS = 4,
    CHK_RETILE_CHOICES = 48,
    CHK_RETILE_STRIP =
        64 << 10, /* elements made at once: 512 KiB of float64, so that a strip is in the second-level cache until it is written */
};

/* One way to cut an axis, and what follows from it. */
typedef struct chk_retile_choice {
    chk_axis_grid outer; /* blocks, in each of which tiles begin anew */
    int64_t inner;       /* extent of a tile */
    int64_t n_inner;     /* tiles in the largest block */
    int64_t most;        /* largest extent of a tile */
    double n_tiles;
    struct {
        double meets;       /* pairs of a tile and a chunk, along this axis */
        int64_t most_meets; /* of one tile */
    } in[CHK_RETILE_INPUTS], out;
    double fragments; /* pairs of a tile and a part of it that lies in one chunk of the output and of the first input */
} chk_retile_choice;

typedef struct chk_retile_input {
    chk_axis_grid axis[CHK_MAX_NDIM]; /* its chunks along each axis of the space */
    bool cut;                         /* by these; else its box of a tile is fetched in one piece */
    bool shown[CHK_MAX_NDIM];
    int windows;    /* whether it is read through windows, which one plan is told once: 0 not asked, 1 yes, -1 no */
    int split_axis; /* set by sizing: pieces are cut further along this axis, to `split` elements; -1: they are not */
    int64_t split;
    int64_t most_cells, most_bounds;
    int64_t cell[CHK_MAX_NDIM]; /* largest extents of a piece */
} chk_retile_input;

typedef struct chk_retile {
    chk_program program;
    int value;
    bool copies; /* the value is the first input as it is */
    chk_shape space;
    chk_grid grid; /* of the output */
    chk_dtype dtype;
    char name[48];
    chk_sink *sink;
    bool own_sink, encoded, placed;
    size_t sink_worker_bytes, kept_bytes, scratch_bytes; /* as chk_target's */
    int64_t most_late;                                   /* strips that may wait for a busy file; set by sizing */
    const struct chk_retile *origin; /* of a value that comes from scratch: the pass that wrote it there, else the pass itself */
    chk_region *places;              /* placed: of every output chunk, in the file */
    chk_retile_input in[CHK_RETILE_INPUTS];
    int n_in;
    int64_t block[CHK_MAX_NDIM]; /* encoded: output chunks in a block of the order, along each axis */
    chk_retile_choice *choice[CHK_MAX_NDIM];
    int n_choices[CHK_MAX_NDIM];
    /* set by sizing */
    int at[CHK_MAX_NDIM];  /* the choice of each axis */
    int64_t strip;         /* elements */
    int64_t tile_chunks;   /* encoded: output chunks in a tile, at most */
    size_t fetch_bytes;    /* of pieces, and what fetching them takes for a while */
    size_t encoded_bytes;  /* of one encoded chunk */
    double seconds;        /* estimated, of one core */
    double times, decoded; /* how often input chunks are read, on average; 0: none is decoded */
    double reads, writes;  /* requests */
    struct {
        int n_workers;
        int64_t strip;
        size_t sink_worker_bytes;
        uint64_t enough, room; /* room 0: nothing was chosen yet */
        int at[CHK_MAX_NDIM];
    } last; /* chosen before, and for what: the planner asks again and again */
} chk_retile;

extern const chk_pass_ops chk_retile_ops, chk_retile_encoded_ops;

/* From a fused pass with one stored value, whose program, grid and sink it takes over. */
chunk_status chk_retile_new(chk_retile **out, chk_fused *f, chunk_error *err);
/* The same from its parts; program is taken over. block: the order of encoded chunks, NULL: as the first input's chunks want it. */
chunk_status chk_retile_make(chk_retile **out, chk_program *program, int value, chk_dtype dtype, const chk_grid *grid,
                             const int64_t *block, bool encoded, chunk_error *err);
void chk_retile_free(chk_retile *r);

/* ---- retile_cut.c */
chunk_status chk_retile_list_choices(chk_retile *r, chunk_error *err);
/* Chooses tiles for a pass that may use `room` bytes with so many workers: r->at and what follows from it. */
bool chk_retile_choose(chk_retile *r, uint64_t room, int n_workers); /* false: the smallest that are worth while, which need more */
/* Bytes of a worker and of a task's kept area for r->at as it stands. */
void chk_retile_bytes(chk_retile *r, size_t *work, size_t *window, size_t *kept);
uint64_t chk_retile_n_tasks(const chk_retile *r);
/* The box of a task; false where it is empty. */
bool chk_retile_tile(const chk_retile *r, uint64_t task, chk_box *box);

size_t chk_retile_places_bytes(const chk_retile *r);
/* placed: for each output chunk whether anything but fill was stored in it. */
_Atomic unsigned char *chk_retile_stored(const chk_retile *r);

/* ---- retile_run.c */
chunk_status chk_retile_run(chk_pass *p, chk_task *t, chunk_error *err);
chunk_status chk_retile_claim(chk_pass *p, chk_task *t, chunk_error *err);
chunk_status chk_retile_write(chk_pass *p, chk_task *t, chunk_error *err);
void chk_retile_advise(chk_pass *p, uint64_t task);
/* Bytes of a worker beside pieces, and of a kept area. */
size_t chk_retile_work_bytes(const chk_retile *r);
size_t chk_retile_kept_bytes(const chk_retile *r);

/* ---- retile_lower.c */
/* Whether a fused pass is better done so: by its grids alone, so that files do not depend on the ceiling. */
bool chk_retile_wanted(const chk_fused *f, const chk_target *target);
/* Takes the place of pass `number`, whose ctx is f; *last is the pass that stores. */
chunk_status chk_retile_lower(chk_lower *l, int number, chk_fused *f, int *last, chunk_error *err);

#endif
