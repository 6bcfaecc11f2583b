/* h5.h: HDF5 files and datasets, as the engine sees them: what they are, where their chunks lie, and new files written whole.
 *
 * Every HDF5 call in the process goes under one lock of ours, held for microseconds (look-ups) and never around data. Data moves by
 * pread, pwrite and mapped windows on file descriptors, outside it. HDF5's error printing is off around our calls and restored.
 * This room starts no thread and keeps no data-sized memory of its own; handles may be used from any thread. */
#ifndef CHK_H5_H
#define CHK_H5_H

#include <stdbool.h>
#include <stdint.h>

#include "array/dtype.h"
#include "array/shape.h"
#include "base/ledger.h"
#include "store/codec.h"

/* ---- reading */

typedef enum chk_layout { CHK_LAYOUT_COMPACT, CHK_LAYOUT_CONTIGUOUS, CHK_LAYOUT_CHUNKED, CHK_LAYOUT_VIRTUAL } chk_layout;

typedef struct chk_h5file chk_h5file; /* counted; open files are shared by (device, inode) inside a context */
typedef struct chk_h5set chk_h5set;   /* an open dataset; counted */

/* What a dataset is. Filled when it is opened, constant after. */
typedef struct chk_h5info {
    char *file, *path;         /* as given; absolute path inside the file */
    chk_shape shape, maxshape; /* maxshape: -1 for unlimited */
    bool dtype_known;          /* false: a type the engine cannot compute with; type_text says which */
    chk_dtype dtype;
    bool swapped;       /* stored in the other byte order */
    char type_text[96]; /* NumPy-like: "float64", "float32 big-endian", "string", "compound{...}" */
    size_t item_bytes;
    chk_layout layout;
    chk_shape chunk; /* chunk shape; the dataset's own shape where it is not chunked */
    chk_pipeline pipeline;
    const char *index;    /* "btree1", "single", "implicit", "fixed array", "extensible array", "btree2", "none" */
    bool edge_unfiltered; /* H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS */
    bool fill_defined;
    chk_scalar fill;            /* native order; zero when undefined or never set */
    bool native;                /* chunks can be located and decoded by the engine; else reads go through H5Dread */
    const char *why_not_native; /* words, NULL when native */
} chk_h5info;

chunk_status chk_h5file_open(chk_h5file **out, const char *path, chunk_error *err);
void chk_h5file_release(chk_h5file *f);
/* CHUNK_EFILE when the file was written to, cut or extended since it was opened, as its size and time of last change tell; files that are read while a
 * writer appends (SWMR) may. Any thread. */
chunk_status chk_h5file_check(const chk_h5file *f, chunk_error *err);
chunk_status chk_h5set_open(chk_h5set **out, chk_h5file *f, const char *dataset, chunk_error *err);
void chk_h5set_retain(chk_h5set *d);
void chk_h5set_release(chk_h5set *d);
bool chk_h5set_same(const chk_h5set *a, const chk_h5set *b); /* one dataset of one file, under whatever names */
const chk_h5info *chk_h5set_info(const chk_h5set *d);
/* Refuses elements that are not computed with, by the name of their type. */
chunk_status chk_h5set_check_type(const chk_h5set *d, chunk_error *err);

/* Where a chunk lies. */
typedef struct chk_extent {
    bool absent;   /* not stored: reads as the fill value */
    bool raw;      /* stored without filters (edge_unfiltered) */
    uint32_t mask; /* filter mask */
    uint64_t addr; /* absolute offset in the file */
    uint64_t n_bytes;
} chk_extent;

/* Looks up n chunks in one go under the lock. coord: n times ndim chunk indices. Contiguous and compact datasets have one chunk, (0, ...). */
chunk_status chk_h5set_locate(chk_h5set *d, const int64_t *coord, size_t n, chk_extent *out, chunk_error *err);
int chk_h5set_fd(const chk_h5set *d); /* for pread and mmap; owned by the file */
/* Number of stored chunks and their bytes, for reports; walks the index once. */
chunk_status chk_h5set_stored(chk_h5set *d, int64_t *n_chunks, uint64_t *n_bytes, chunk_error *err);
bool chk_h5set_is_null(chk_h5set *d); /* of a null dataspace: it has neither a shape nor elements */
/* The slow and always right way: box of the dataset, dense C order, native byte order, through H5Dread under the lock. */
chunk_status chk_h5set_read_box(chk_h5set *d, const chk_box *box, void *out, chunk_error *err);
/* Bytes that went through H5Dread since the process started: tests assert it stays 0 for what is native. */
uint64_t chk_h5_slow_bytes(void);
/* Heap and cache that HDF5 itself may use while n_files files are open with the settings this room gives it. */
uint64_t chk_h5_fixed_bytes(int n_files);
/* The part of it that one open file has, when the chunk indexes in use have n_chunks entries in all: small ones never fill the cache. */
uint64_t chk_h5_file_bytes(int64_t n_chunks);

/* Calls fn for each dataset in the file (or below object, or for object itself), in name order, under no lock. fn returning non-OK stops the walk. */
chunk_status chk_h5file_walk(chk_h5file *f, const char *object, chunk_status (*fn)(void *arg, const char *path, chunk_error *err),
                             void *arg, chunk_error *err);
/* Attributes of a dataset as JSON values in text (strings, numbers, lists), one call of fn each; unreadable ones as null. */
chunk_status chk_h5set_attrs(chk_h5set *d, chunk_status (*fn)(void *arg, const char *name, const char *json), void *arg,
                             chunk_error *err);

/* ---- writing: a new file that appears whole, or not at all */

typedef struct chk_h5writer chk_h5writer;
typedef struct chk_h5out chk_h5out; /* one dataset of a writer */

/* Starts ".NAME.chunk-tmp<random>" in path's folder; removes stale ones of that name whose owner is gone (they are flocked while alive).
 * Refused: path exists and holds anything but the named datasets (CHUNK_EEXIST); those exist and overwrite is false (CHUNK_EEXIST).
 * With overwrite, a file that holds other things is refused too (for now), naming one of them. Nothing visible is touched before commit. */
chunk_status chk_h5writer_new(chk_h5writer **out, const char *path, const char *const *datasets, int n_datasets, bool overwrite,
                              chunk_error *err);
/* chunk: NULL for contiguous (only zero-size and zero-dimensional arrays, and those below 64 KiB, are written so). Creates missing groups. */
chunk_status chk_h5out_new(chk_h5out **out, chk_h5writer *w, const char *dataset, chk_dtype dtype, const chk_shape *shape,
                           const int64_t *chunk, const chk_pipeline *pipeline, const chk_scalar *fill, chunk_error *err);
/* The same, but resizable: shape is a bound of the final one, which chk_h5out_resize sets before the commit (not larger; chunks outside must never have been
 * claimed). Chunked, without filters. */
chunk_status chk_h5out_new_bound(chk_h5out **out, chk_h5writer *w, const char *dataset, chk_dtype dtype, const chk_shape *shape,
                                 const int64_t *chunk, chunk_error *err);
chunk_status chk_h5out_resize(chk_h5out *d, const chk_shape *shape, chunk_error *err);
/* Enters a chunk of n_bytes in the index and returns its address; call in grid order for files that are always the same. No data moves. */
chunk_status chk_h5out_claim(chk_h5out *d, const int64_t *coord, uint32_t mask, uint64_t n_bytes, uint64_t *addr, chunk_error *err);
/* The same in two steps, for chunks without filters of which it is not known yet whether they hold anything but fill: space in the file, and the entry. Space
 * that is not to be entered is given back first. */
chunk_status chk_h5out_reserve(chk_h5out *d, uint64_t n_bytes, uint64_t *addr, chunk_error *err);
chunk_status chk_h5out_enter(chk_h5out *d, const int64_t *coord, uint64_t n_bytes, uint64_t addr, chunk_error *err);
void chk_h5out_give_back(chk_h5out *d, uint64_t from, uint64_t to);
/* pwrite through the fault points; full disks become CHUNK_ENOSPC. offset is absolute, from claim. */
chunk_status chk_h5out_pwrite(chk_h5out *d, const void *data, size_t n_bytes, uint64_t offset, chunk_error *err);
/* The whole of a small contiguous dataset. */
chunk_status chk_h5out_write_small(chk_h5out *d, const void *data, chunk_error *err);
/* Closes the file, waits for the disk when durable, renames. On failure nothing is visible and the temporary is gone. Frees w either way. */
chunk_status chk_h5writer_commit(chk_h5writer *w, bool durable, chunk_error *err);
void chk_h5writer_abort(chk_h5writer *w);             /* removes the temporary; NULL allowed */
uint64_t chk_h5writer_written(const chk_h5writer *w); /* raw data bytes so far */
/* Chunk shape by the stated rule, where the user gave none: the first input grid that fits, else about 1 MiB, all axes divided alike. */
void chk_h5_choose_chunk(int64_t *chunk, const chk_shape *shape, size_t item_bytes);

/* ---- writing in place: elements of a dataset that exists are overwritten where they lie (h5place.c) */

/* Elements start + i * step, i < count, along each axis of the dataset. single: an axis that the values do not have; count is 1. */
typedef struct chk_h5region {
    int64_t start[CHK_MAX_NDIM], step[CHK_MAX_NDIM], count[CHK_MAX_NDIM];
    bool single[CHK_MAX_NDIM];
} chk_h5region;
/* Whether that can be done at all; one line says what is in the way. Nothing is touched. */
chunk_status chk_h5place_check(const chk_h5set *set, chunk_error *err);

/* The self-test of the capturing driver (once a process): false means H5Dread and H5Dwrite are used for everything. */
bool chk_h5_capture_works(void);

#endif
