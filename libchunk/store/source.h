/* source.h: where arrays come from and go to, as two small tables of functions. HDF5, memory and callbacks are three of each.
 *
 * A source is asked for boxes of a view of it and answers with pieces: pointers and strides into mapped windows, decoded chunks or dense
 * copies, carved from the arena that the task was granted. A sink takes finished blocks in three steps: encode (in the worker), claim (in
 * task order, short), write (in the worker). Memory cost: need() is an upper bound, exact where the layout allows it. */
#ifndef CHK_SOURCE_H
#define CHK_SOURCE_H

#include "array/dtype.h"
#include "array/shape.h"
#include "base/ledger.h"
#include "store/h5.h"

typedef struct chk_source chk_source;
typedef struct chk_sink chk_sink;

/* The elements of one box, in place. Element (i0, i1, ...) of the box lies at data + sum of i[a] * stride[a]. */
typedef struct chk_piece {
    const char *data;             /* NULL: the whole box has the value `fill` */
    int64_t stride[CHK_MAX_NDIM]; /* bytes, per axis of the view; 0 for broadcast axes */
    size_t plane_bytes; /* not 0: shuffled; byte b of an element lies b * plane_bytes further, strides count 1 byte an element */
    bool swapped;       /* other byte order */
    chk_scalar fill;
} chk_piece;

/* What a task may need for one source, bytes. */
typedef struct chk_need {
    size_t arena;     /* carved from the grant, until release */
    size_t transient; /* carved beyond that during fetch only (stored bytes before decoding): inputs are fetched one after the
                                     other and fetch takes these back (arena->used), so a task counts the largest of its inputs */
    size_t window;    /* mapped file pages, resident while mapped */
} chk_need;

/* What a task holds of one source between fetch and release: windows. Zeroed is empty. bytes and times count those of holds in it as well. */
enum { CHK_HOLD_PINS = 64 };

typedef struct chk_hold {
    void *addr[64];
    size_t n_bytes[64];
    int n;
    uint64_t bytes_read;         /* stored bytes brought in by this hold, windows included */
    uint64_t ns_read, ns_decode; /* time in system calls and in codecs */
    uint64_t ns_compute;         /* of sources that compute what they give */
    bool waits_for_memory;       /* asked: what is fetched is computed with in less time than memory takes to bring it */
    int slot, fd;                /* windows only: place in the list that the SIGBUS handler searches, from 1; the file mapped */
    int64_t end;                 /* windows only: the file must reach to here */
    _Atomic bool failed;         /* a window's page could not be had; zeros were put in its place */
    struct chk_hold *inner;      /* of a source that hands on pieces of others: their holds, a list in the arena */
    struct chk_hold *next;       /* in such a list */
    struct chk_tiles *tiles;     /* decoded chunks that pieces point into */
    int pin[CHK_HOLD_PINS], n_pins;
    struct chk_source *owner; /* of a hold in such a list: whom to release it to */
} chk_hold;

/* True when a window of this hold lost its file (truncated, device failed) since it was mapped: what was read from it is not to be used. */
bool chk_hold_failed(const chk_hold *h);
/* Adds what `from` counted, bytes and times, to `to`. */
void chk_hold_count(chk_hold *to, const chk_hold *from);

typedef struct chk_source_ops {
    const char *kind; /* "hdf5", "memory", "callback" */
    /* For n_boxes boxes of at most max_extent each, fetched together: boxes are tiles of a pass and each lies in one chunk of the
     * pass's grid; aligned says that the pass's grid is this view's own chunk grid. */
    void (*need)(const chk_source *s, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned, chk_need *out);
    /* Fills n pieces. Valid until release. On failure nothing is held. */
    chunk_status (*fetch)(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena, chk_hold *hold,
                          chk_piece *out, chunk_error *err);
    void (*release)(chk_source *s, chk_hold *hold);
    /* May be NULL. Puts the elements of a box (not empty) where they are wanted, stride[a] bytes an axis, with the memory that need() says for it, all of it
     * transient; nothing is held. False in *done: nothing was read, fetch has to. */
    chunk_status (*read)(chk_source *s, const chk_view *v, const chk_box *box, void *dest, const int64_t *stride, chk_arena *arena,
                         chk_hold *books, bool *done, chunk_error *err);
    /* May be NULL. Tells the kernel that these boxes come soon; returns at once. */
    void (*advise)(chk_source *s, const chk_view *v, const chk_box *boxes, size_t n);
    /* May be NULL: no. Whether it reads through windows, which cost less a byte the larger they are, into holds that are so, where about n_bytes are to be
     * read. Not during a run. */
    bool (*windows)(const chk_source *s, bool waits_for_memory, uint64_t n_bytes);
    /* May be NULL: no, and then so are the next two. Whether boxes of this view can be made in two steps: open brings in what a box needs, make puts the elements
     * of boxes inside it where they are wanted, dense in C order. *out (may be NULL) becomes as need() says, for one box at a time. */
    bool (*opens)(const chk_source *s, const chk_view *v, const int64_t *max_extent, chk_need *out);
    /* *opened is valid until release. On failure nothing is held. */
    chunk_status (*open)(chk_source *s, const chk_box *box, chk_arena *arena, chk_hold *hold, const void **opened,
                         chunk_error *err);
    void (*make)(const chk_source *s, const void *opened, const chk_box *box, void *dest);
    /* May be NULL: true when all of these boxes certainly hold only the fill value (*value); must be cheap (an index look-up a chunk). */
    bool (*all_fill)(chk_source *s, const chk_view *v, const chk_box *box, chk_scalar *value);
    /* May be NULL: a source that reads no others. Calls visit for each source that this one reads in its turn. */
    void (*inner)(const chk_source *s, void (*visit)(void *arg, chk_source *s), void *arg);
    /* May be NULL, as tile_bytes is 0 then. Memory for n decoded chunks until unlend, which waits for their last users. False: another run lends already. */
    bool (*lend)(chk_source *s, void *memory, int n);
    void (*unlend)(chk_source *s);
    void (*free)(chk_source *s);
} chk_source_ops;

struct chk_source {
    const chk_source_ops *ops;
    _Atomic int refs;
    chk_dtype dtype;
    chk_shape shape;
    chk_grid grid;    /* its chunks; for memory, the fixed rule of the shape */
    bool cuttable;    /* a chunk can be read in parts at no extra cost (uncompressed); else a whole chunk is decoded each time */
    bool thread_safe; /* false: one fetch at a time (the scheduler's job) */
    /* Axes, bit a, along which neighbouring boxes need some of the same work (a halo): cut into pieces, all of it costs more. */
    uint32_t overlaps;
    bool stacked;       /* such a source over another */
    int64_t halo;       /* elements that it reads beyond a box along an axis, both sides together, at most */
    int64_t most_block; /* elements that are work enough for a task; 0: no wish */
    size_t
        tile_bytes; /* of one chunk, where it is decoded as a whole and keeping it for a while spares decoding it again; else 0 */
    size_t worker_bytes; /* codec state that a worker keeps once it has fetched from this source */
    const chk_h5file
        *file; /* the open file it reads: costs HDF5's caches once, and must not change while a run reads it; NULL: none */
    uint64_t open_bytes;   /* what HDF5 takes for it beside its file: virtual datasets */
    uint64_t stored_bytes; /* what reading all of it brings in at most (HDF5 cannot say what is stored without walking its index) */
    char name[64];         /* for explain: "FILE:/DATASET" cut short, "memory" */
};

/* The piece of a view's box in dense data of item-sized elements, which holds the base's box `have`. */
void chk_piece_point(chk_piece *p, const char *data, const chk_box *have, const chk_view *v, const chk_box *box, size_t item);
/* The same of data with other strides, an axis of the base. */
void chk_piece_place(chk_piece *p, const char *data, const chk_box *have, const int64_t *stride, const chk_view *v,
                     const chk_box *box);
/* What reading all that a view shows brings in, of stored_bytes: its elements where chunks can be cut, else the chunks that they lie in. */
uint64_t chk_source_view_bytes(const chk_source *s, const chk_view *v);
/* visit for s itself and all that it reads, however deep. */
void chk_source_walk(chk_source *s, void (*visit)(void *arg, chk_source *s), void *arg);
void chk_source_retain(chk_source *s);
void chk_source_release(chk_source *s); /* NULL allowed */
chunk_status chk_source_h5(chk_source **out, chk_h5set *set,
                           chunk_error *err); /* retains set; refuses dtypes the engine cannot compute with */
/* data is borrowed and must stay valid and unchanged until the last run that uses it ended. strides in bytes, NULL for C order. */
chunk_status chk_source_memory(chk_source **out, const void *data, chk_dtype dtype, const chk_shape *shape, const int64_t *strides,
                               chunk_error *err);
/* Reads a box (dense, C order, native) by calling back; grid by `chunk`, NULL for the fixed rule. */
typedef int (*chk_read_fn)(void *user, const int64_t *lo, const int64_t *hi, void *out);
chunk_status chk_source_callback(chk_source **out, chk_read_fn read, void *user, void (*free_user)(void *), chk_dtype dtype,
                                 const chk_shape *shape, const int64_t *chunk, bool thread_safe, chunk_error *err);

/* One finished block of an output on its way. */
typedef struct chk_block {
    chk_box box;
    const void *data; /* dense, C order, native byte order; after encode: what is to be written */
    size_t n_bytes;
    uint32_t mask;
    bool
        skip; /* holds only the fill value: nothing to write; may be set before encode or claim by a caller who knows (data NULL) */
    uint64_t addr; /* set by claim */
    uint64_t ns_encode, ns_write;
} chk_block;

typedef struct chk_sink_ops {
    const char *kind;
    /* Bytes of encoded data (kept from encode to write) and of scratch (only during encode) for a block of n elements; both 0 when blocks are
     * written from where they were computed. */
    void (*need)(const chk_sink *s, int64_t n_elements, size_t *kept, size_t *scratch);
    /* May be NULL. Turns b->data (raw) into what is stored, in `kept`; sets skip for fill-only blocks. The raw data may lie at the beginning of `kept` where
     * the pipeline encodes in place, else of `scratch`. */
    chunk_status (*encode)(chk_sink *s, chk_block *b, void *kept, size_t kept_bytes, void *scratch, size_t scratch_bytes,
                           chunk_error *err);
    /* May be NULL. How many elements of fill a raw block begins with. Sinks into one file are claimed for a block in the order of these numbers, so
     * that the places of their chunks do not depend on how chunks are cut into blocks. */
    int64_t (*leading_fill)(const chk_sink *s, const chk_block *b);
    /* May be NULL. Called once for each block, in the order of the pass, one at a time. */
    chunk_status (*claim)(chk_sink *s, chk_block *b, chunk_error *err);
    chunk_status (*write)(chk_sink *s, chk_block *b, chunk_error *err);
    /* May be NULL: no. True while another thread writes into the same file: a write now would wait for it. */
    bool (*busy)(const chk_sink *s);
    /* May be NULL: blocks can be written without. For passes that go about chunks in another order: instead of claims, every chunk gets its place at once,
     * in grid order, but those that `absent` says hold fill alone; addr has one entry a chunk, 0 for these. Blocks then carry their chunk's, and are
     * runs of its C order; they come from any thread in any order. */
    chunk_status (*place)(chk_sink *s, bool (*absent)(void *arg, const chk_box *chunk), void *arg, uint64_t *addr,
                          chunk_error *err);
    /* Where place is. After the last block, before finish: chunks for which stored is 0 turned out to hold fill alone, and are left out. Blocks of fill need not be
     * written. */
    chunk_status (*enter)(chk_sink *s, const uint64_t *addr, const unsigned char *stored, chunk_error *err);
    /* May be NULL. After the last block, before finish: the array turned out to be smaller. */
    chunk_status (*resize)(chk_sink *s, const chk_shape *shape, chunk_error *err);
    /* After the last block, once; not called for failed runs. */
    chunk_status (*finish)(chk_sink *s, chunk_error *err);
    void (*free)(chk_sink *s);
} chk_sink_ops;

struct chk_sink {
    const chk_sink_ops *ops;
    chk_dtype dtype;
    chk_shape shape;
    chk_grid grid; /* its chunks */
    bool
        whole_chunks; /* blocks must be whole chunks (filters); else any run of elements inside one chunk, in C order of the chunk */
    bool has_fill;    /* blocks that hold only `fill` are skipped */
    chk_scalar fill;
    bool ordered; /* claims must come in the order of the pass, up to and including the first block of a chunk that is not skipped;
                                     later claims of that chunk come in any order and from any thread */
    bool thread_safe; /* false: one write at a time */
    char name[64];
};

/* The dataset that an HDF5 source reads, borrowed; NULL for other sources. */
chk_h5set *chk_source_h5_set(const chk_source *s);
/* Blocks of a region of a dataset that exists, of the region's axes that are not single. The file is opened for writing and locked, and chunks of the region that are
 * not stored are entered; nobody else may use the file meanwhile. What has been written stays, whatever becomes of the rest. */
chunk_status chk_sink_h5place(chk_sink **out, chk_h5set *set, const chk_h5region *r, chunk_error *err);
/* After the run, well or not: brings what was written to the disk when asked to. *any says whether something was. */
chunk_status chk_sink_h5place_end(chk_sink *s, bool durable, bool *any, chunk_error *err);
void chk_sink_free(chk_sink *s);                                          /* NULL allowed */
chunk_status chk_sink_h5(chk_sink **out, chk_h5out *d, chunk_error *err); /* borrows d, which belongs to its writer */
/* What that sink's need() will say for whole chunks of raw_bytes through this pipeline (edge chunks are padded in scratch). */
void chk_sink_h5_need(const chk_pipeline *pipeline, size_t raw_bytes, size_t *kept, size_t *scratch);
/* Any strides (bytes, NULL for C order); writes need not be aligned with anything. */
chunk_status chk_sink_memory(chk_sink **out, void *data, chk_dtype dtype, const chk_shape *shape, const int64_t *strides,
                             chunk_error *err);
/* Called with dense blocks in the order of the pass, one at a time, unless thread_safe. */
typedef int (*chk_write_fn)(void *user, const int64_t *lo, const int64_t *hi, const void *data);
chunk_status chk_sink_callback(chk_sink **out, chk_write_fn write, void *user, chk_dtype dtype, const chk_shape *shape,
                               const int64_t *chunk, bool thread_safe, chunk_error *err);

/* ---- scratch: arrays that live for one run only, in an unnamed file (O_TMPFILE, or unlinked at once), laid out block after block */
typedef struct chk_scratch chk_scratch;
/* Opens the file in dir (refused on tmpfs unless allow_tmpfs; refused when fewer than expect_bytes are free: CHUNK_ENOSPC with the numbers). */
chunk_status chk_scratch_new(chk_scratch **out, const char *dir, bool allow_tmpfs, uint64_t expect_bytes, chunk_error *err);
void chk_scratch_free(chk_scratch *s);
/* A region of n_bytes at a page boundary; no data moves. */
uint64_t chk_scratch_reserve(chk_scratch *s, uint64_t n_bytes);
chunk_status chk_scratch_write(chk_scratch *s, const void *data, size_t n_bytes, uint64_t at, chunk_error *err);
chunk_status chk_scratch_read(chk_scratch *s, void *data, size_t n_bytes, uint64_t at, chunk_error *err);
int chk_scratch_fd(const chk_scratch *s);

static inline bool chk_source_windows(const chk_source *s, bool waits_for_memory, uint64_t n_bytes)
{
    return s->ops->windows && s->ops->windows(s, waits_for_memory, n_bytes);
}

#endif
