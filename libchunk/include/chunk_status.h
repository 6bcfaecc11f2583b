/* chunk_status.h: the result of every call that can fail, and the text that says why.
 *
 * Functions return a chunk_status: CHUNK_OK (0) or a negative code. The caller owns a chunk_error and passes its address last; NULL
 * is allowed where only the code matters. The error is filled once, where it is born. Threads: an error belongs to one call. */
#ifndef CHUNK_STATUS_H
#define CHUNK_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum chunk_status {
    CHUNK_OK = 0,
    CHUNK_EINVAL = -1,        /* an argument is unusable */
    CHUNK_EPARSE = -2,        /* expression text does not parse; column is set */
    CHUNK_ENAME = -3,         /* an unknown name in an expression, or a string that is none of an operation's choices */
    CHUNK_ETYPE = -4,         /* dtypes that do not fit the operation */
    CHUNK_ESHAPE = -5,        /* shapes that do not fit */
    CHUNK_EINDEX = -6,        /* axis or index out of range */
    CHUNK_EFILE = -7,         /* a file cannot be opened, read or written, or holds nonsense */
    CHUNK_EEXIST = -8,        /* the output is already there */
    CHUNK_ENOSPC = -9,        /* no room on the disk */
    CHUNK_EUNSUPPORTED = -10, /* valid, but not something this build can do */
    CHUNK_ENOMEM = -11,       /* the system refused memory or a thread */
    CHUNK_ECEILING = -12,     /* the plan needs more than the ceiling; needed is set */
    CHUNK_ECANCELED = -13,    /* canceled by the caller */
    CHUNK_ESTATE = -14,       /* the call does not fit the state (after fork, run already finished) */
    CHUNK_EUSER = -15         /* a caller's own kernel, source or sink reported a failure */
} chunk_status;

enum { CHUNK_ERROR_TEXT = 480 };

/* One failure. A zeroed struct is "no error". */
typedef struct chunk_error {
    chunk_status code;
    int column;      /* 1-based column in the expression text, 0 where there is none (CHUNK_ENAME of a call in C, say) */
    uint64_t needed; /* CHUNK_ECEILING: the smallest ceiling in bytes that would do */
    char text[CHUNK_ERROR_TEXT]; /* one line, no newline, UTF-8 */
} chunk_error;

#ifdef __cplusplus
}
#endif
#endif
