/* h5lock.h: the door to HDF5. Every HDF5 call of this library is made between enter and leave.
 *
 * One mutex for the process, held for look-ups and metadata, never around data. HDF5's error printing is off inside and restored by leave.
 * Not recursive. In a child made by fork after the first enter, enter fails: HDF5's state there belongs to the parent. */
#ifndef CHK_H5LOCK_H
#define CHK_H5LOCK_H

#include "base/status.h"

/* First use also prepares HDF5: bounded free lists. On failure (CHUNK_ESTATE after fork, CHUNK_ENOMEM) nothing is locked. */
chunk_status chk_h5_enter(chunk_error *err);
void chk_h5_leave(void);
/* Inside: what HDF5's last failing call said about its innermost cause, one line; returns buf. */
char *chk_h5_reason(char *buf, size_t size);

#endif
