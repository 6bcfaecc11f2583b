/* h5read.h: what the reading files of this room share about open files and datasets. Not for other rooms. */
#ifndef CHK_H5READ_H
#define CHK_H5READ_H

#include <stdatomic.h>
#include <sys/types.h>

#include "store/h5.h"
#include "store/h5compat.h"

/* An open file. All but path and fd are used under the HDF5 lock. */
struct chk_h5file {
    int refs;
    char *path;
    hid_t id;
    int fd;       /* ours: HDF5 closes its own while chunks are added (h5place.c) */
    bool foreign; /* opened with HDF5's own driver (SWMR): nothing can be captured */
    dev_t dev;
    ino_t ino;
    int64_t size; /* when it was opened */
    struct timespec mtime;
    struct chk_h5set *sets;  /* open datasets of it */
    struct chk_h5file *next; /* list of the process's open files */
};

/* An open dataset, constant but for refs and few; id and type are used under the HDF5 lock. */
struct chk_h5set {
    atomic_int refs;
    chk_h5file *file;
    chk_h5info info;
    hid_t id, type;         /* type: as stored */
    uint64_t chunk_bytes;   /* of a whole chunk, decoded */
    uint64_t stored_bound;  /* most bytes that a stored chunk may have */
    uint64_t addr;          /* contiguous: where it lies, UINT64_MAX when not stored */
    void *compact;          /* compact: its bytes as stored */
    uint64_t virtual_bytes; /* of a virtual dataset: what HDF5 takes for the datasets and files that it shows */
    uint64_t virtual_chunk; /* and the largest filtered chunk in them, decoded */
    bool zero_first;        /* absent parts are not written by H5Dread (fill time "never") */
    atomic_int few;         /* h5few.c: are its chunks listed, and the numbers of those that are there */
    uint64_t *few_number;
    size_t few_n;
    uint64_t object;        /* what it is in the file, whatever it is called */
    struct chk_h5set *next; /* in its file's list, under the HDF5 lock */
};

/* The same, while it is opened. Under the lock. */
chunk_status chk_h5set_virtual_bytes(uint64_t *out, uint64_t *largest, const chk_h5set *d, hid_t dcpl, chunk_error *err);

/* What an element is: fills the dtype fields of info from an HDF5 type. Under the lock. */
void chk_h5type_describe(chk_h5info *info, hid_t type);
/* The element at `in` (stored form) as a scalar in native order; zero when in is NULL. */
chk_scalar chk_h5type_scalar(const chk_h5info *info, const void *in);
/* Reverses the bytes of n elements in place where they are stored in the other byte order. */
void chk_h5type_to_native(const chk_h5info *info, void *data, size_t n);

/* The file's present size; an error when it cannot be had. Any thread. */
chunk_status chk_h5file_size(int64_t *out, const chk_h5file *f, chunk_error *err);
/* What was written here by ourselves is no change. Any thread. */
void chk_h5file_refresh(chk_h5file *f);
/* Under the lock: HDF5 closes the file and its datasets, and opens them again. Nobody may use them in between. */
void chk_h5file_let_go(chk_h5file *f);
chunk_status chk_h5file_take_up(chk_h5file *f, chunk_error *err);
/* Under the lock, of a dataset whose file has been opened again. */
void chk_h5set_let_go(chk_h5set *d);
bool chk_h5set_take_up(chk_h5set *d);
/* Adds to *text the names of datasets in f nearest to `wanted`: "; it has /a, /b". Under the lock. */
void chk_h5file_suggest(char *text, size_t size, chk_h5file *f, const char *wanted);

/* True where a chunk is known to be absent without asking HDF5. Any thread, not under the lock. */
bool chk_h5few_absent(chk_h5set *d, const int64_t *coord);
/* "FILE:/PATH: chunk (1, 2)" in buf; returns buf. */
const char *chk_h5set_where(char *buf, size_t size, const chk_h5set *d, const int64_t *coord);

/* Elements start[b] + i * step[b], i < count[b], step >= 1, dense in C order as stored, through H5Dread. */
chunk_status chk_h5set_read_strided(chk_h5set *d, const int64_t *start, const int64_t *step, const int64_t *count, void *out,
                                    chunk_error *err);

#endif
