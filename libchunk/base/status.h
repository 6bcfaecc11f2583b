/* status.h: making errors. Every failure is made by chk_fail at the place where it is found. */
#ifndef CHK_STATUS_H
#define CHK_STATUS_H

#include <stdarg.h>
#include <stddef.h>

#include "include/chunk_status.h"

/* Leaves the calling function with the status of a failing call; the only macro that hides a return. */
#define CHK_TRY(call)                                                                                                              \
    do {                                                                                                                           \
        chunk_status chk_try_st = (call);                                                                                          \
        if (chk_try_st != CHUNK_OK) return chk_try_st;                                                                             \
    } while (0)

/* Fills *err (may be NULL) with code and the printf-style text, and returns code. */
chunk_status chk_fail(chunk_error *err, chunk_status code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call on a file: "PATH: what: strerror(errno)"; ENOSPC and EDQUOT become CHUNK_ENOSPC. */
chunk_status chk_fail_errno(chunk_error *err, int errnum, const char *path, const char *what);

/* "12.5 MiB", "640 KiB", "17 bytes"; buf of at least 32 bytes; returns buf. */
char *chk_bytes_text(char *buf, size_t size, uint64_t n_bytes);

#endif
