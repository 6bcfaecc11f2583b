/* h5writer_impl.h: what the writing files of this room share: a new file under its temporary name, and its datasets. Not for other rooms. */
#ifndef CHK_H5WRITER_IMPL_H
#define CHK_H5WRITER_IMPL_H

#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "store/h5.h"
#include "store/h5compat.h"

/* The temporary file beside the target, flocked as long as fd is open. Fields are constant once it is made. */
typedef struct chk_h5temp {
    char *path;  /* DIR/.NAME.chunk-tmp-XXXXXX */
    int fd;      /* HDF5 uses a duplicate of it; workers write through it */
    pid_t owner; /* children made by fork share the lock, but not the file */
} chk_h5temp;

/* Removes the stale temporaries of the target, makes a new one and locks it. target: DIR/NAME, without links in its last part. */
chunk_status chk_h5temp_new(chk_h5temp *out, const char *target, chunk_error *err);
/* True while the path still leads to our file and the lock is ours. */
bool chk_h5temp_ours(const chk_h5temp *t);
/* Closes and removes it; a zeroed one with fd -1 is allowed. */
void chk_h5temp_remove(chk_h5temp *t);

/* What was at the target when writing began. */
typedef struct chk_h5target {
    char *path; /* symbolic links followed */
    bool exists;
    struct stat sb;
} chk_h5target;

/* The overwrite rules of h5.h, before anything is touched. */
chunk_status chk_h5target_check(chk_h5target *out, const char *path, const char *const *datasets, int n_datasets, bool overwrite,
                                chunk_error *err);

/* A file being written. hid and sets are used under the HDF5 lock, or by the one thread that makes and ends the writer. */
struct chk_h5writer {
    char *name; /* as given, for messages */
    chk_h5target target;
    chk_h5temp temp;
    hid_t file;
    struct chk_vfd *vfd; /* of file, once asked for */
    bool by_index;       /* capturing does not work with this HDF5: chunks are written empty by HDF5 and found in its index */
    chk_h5out *sets;
    atomic_bool failed; /* a write did not succeed: no commit */
    _Atomic uint64_t written;
    _Atomic int writing;  /* threads in pwrite: the kernel lets in one at a time */
    _Atomic uint64_t end; /* of the furthest chunk claimed */
    uint64_t had;         /* disk space is allocated up to here; UINT64_MAX: not ahead of writes. Under the HDF5 lock */
};

/* A dataset of a writer. Constant but for what HDF5 does behind id, under its lock. */
struct chk_h5out {
    chk_h5writer *writer;
    chk_h5out *next;
    char *path; /* "/group/name" */
    chk_dtype dtype;
    chk_shape shape;
    bool chunked, resizable;
    uint64_t left; /* chunks that may still be claimed; under the HDF5 lock */
    int64_t chunk[CHK_MAX_NDIM];
    chk_pipeline pipeline;
    chk_scalar fill;
    hid_t id;
};

/* Failure of an HDF5 call on w's file: "FILE: what: reason", with the system's own reason where there is one. Under the HDF5 lock. */
chunk_status chk_h5writer_fail(const chk_h5writer *w, const char *what, chunk_error *err);
void chk_h5out_free(chk_h5out *d); /* under the HDF5 lock */
/* pwrite of several pieces that lie one after the other from offset on. */
chunk_status chk_h5out_pwritev(chk_h5out *d, struct iovec *piece, int n, uint64_t offset, chunk_error *err);
bool chk_h5out_busy(const chk_h5out *d); /* a thread is writing into its file */

/* New HDF5 type for a dtype, as h5py makes it; negative on failure. Under the HDF5 lock. */
hid_t chk_h5type_make(chk_dtype d);
/* The path of a dataset as we write it: one leading slash, none doubled, none at the end. CHUNK_EINVAL where HDF5 would read it otherwise. */
chunk_status chk_h5path_normal(char **out, const char *path, chunk_error *err);

#endif
