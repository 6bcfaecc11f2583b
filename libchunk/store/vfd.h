/* vfd.h: our HDF5 file driver. It reads and writes a file as HDF5's own does, and while a thread captures, raw data that HDF5 would read or
 * write in that thread is not moved: only its place is recorded. So HDF5 looks up and allocates chunks, and we move the bytes.
 *
 * Rules for capturing: begin and end around one H5Dread_chunk or H5Dwrite_chunk, end always called; the result counts only when end says
 * exactly one record of the expected size; never on datasets whose space is allocated early or late and not yet there; no H5Dwrite on the
 * same handle. Buffers given to a captured call are not touched. */
#ifndef CHK_VFD_H
#define CHK_VFD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/h5compat.h"

/* A new file access list with this driver and our fixed cache sizes, closed by the caller with H5Pclose; negative on failure. Inside the lock.
 * File names given to H5Fopen and H5Fcreate are paths, or "fd:N" for a duplicate of descriptor N. The latter are for writing, and their failing
 * writes are noted (chk_vfd_failed, chk_vfd_errno) and not reported to HDF5, the first one being the last that is tried: HDF5 1.10 keeps freed
 * files in its tables when it cannot write while it opens or closes them, and crashes at exit. Who writes asks chk_vfd_failed. */
hid_t chk_vfd_fapl(void);

/* The metadata cache of each open file, as HDF5 counts it: bytes as they lie in the file. In memory a node of a version 1 B-tree takes ten
 * times that, so this is small; look-ups in order need no more than a path of nodes, and random ones in 100,000 chunks lose a factor of two. */
enum { CHK_VFD_MDC_BYTES = 128 * 1024 };

typedef struct chk_vfd_record {
    uint64_t addr; /* absolute offset in the file, user block included */
    uint64_t n_bytes;
} chk_vfd_record;

void chk_vfd_capture_begin(void);
/* Ends capturing in this thread and returns how many transfers were captured; *out is the last of them. */
int chk_vfd_capture_end(chk_vfd_record *out);

/* Inside the lock, for files opened with our driver. */
int chk_vfd_fd(hid_t file); /* descriptor, owned by the file; -1 for other drivers */
/* The driver's own of an open file, NULL for other drivers: asking costs ten microseconds. Valid while the file is open. */
typedef struct chk_vfd chk_vfd;
chk_vfd *chk_vfd_of(hid_t file);
/* Space for raw data that HDF5 does not know of; 0: there is none. What lies at the end of all that is allocated can be given back. */
uint64_t chk_vfd_reserve(chk_vfd *f, uint64_t n_bytes);
void chk_vfd_give_back(chk_vfd *f, uint64_t from, uint64_t to);
/* The next raw data that HDF5 allocates in this thread get such space; 0: not any more. */
void chk_vfd_place_next(uint64_t addr);
/* True when a write through the driver failed, or chk_vfd_set_failed was called: what was captured is not all in the file. */
bool chk_vfd_failed(hid_t file);
void chk_vfd_set_failed(hid_t file);
/* errno of the last system call that failed in the driver in this thread, 0 after begin_errno; tells HDF5's failures apart. */
int chk_vfd_errno(void);
int chk_vfd_read_errno(void); /* of reads alone */
void chk_vfd_clear_errno(void);

#endif
