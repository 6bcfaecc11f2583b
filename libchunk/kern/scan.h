/* scan.h: running sums and their kin along one axis of a dense block. The order is strictly that of the axis, one element after the other, as
 * NumPy's accumulate has it: so results do not depend on how an array is cut. Speed comes from other lines: rows of neighbours are vectors, and
 * where the axis is the innermost, several lines go side by side so that additions need not wait for one another. */
#ifndef CHK_SCAN_H
#define CHK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "array/dtype.h"

typedef enum chk_scan {
    CHK_SCAN_ADD, /* integers wrap; bool: or */
    CHK_SCAN_MUL, /* bool: and */
    CHK_SCAN_MIN, /* NaN stays, once it has come; not complex */
    CHK_SCAN_MAX,
    CHK_SCAN_FMIN, /* NaN is passed over */
    CHK_SCAN_FMAX,
    CHK_SCAN_FILL, /* NaN becomes the last value that is none, at most `limit` of them in a row; floats and complex */
    CHK_SCAN_EWM,  /* float64: exponentially weighted mean, see scan_state.c */
    CHK_NSCAN
} chk_scan;

/* A block of outer x n x inner elements, C order; the axis is the middle one. Line l = o * inner + i carries its state from block to block:
 * value[l], the last result, and for FILL and EWM note[l]: an int64, a double. */
typedef struct chk_scan_call {
    void *data; /* results take the elements' places */
    size_t outer, n, inner;
    void *value, *note;
    bool first;        /* the lines begin here: the states are undefined */
    bool backwards;    /* from the last index of the axis to the first */
    bool exclusive;    /* ADD, MUL: each result is that of the elements before it; lines begin with `start` */
    const void *start; /* one element */
    int64_t limit;     /* FILL */
    double alpha;      /* EWM */
    bool adjust, ignore_na;
} chk_scan_call;

typedef void (*chk_scan_kern)(const chk_scan_call *c);

/* NULL where the scan has no meaning for the dtype. */
chk_scan_kern chk_scan_find(chk_scan scan, chk_dtype d);
size_t chk_scan_note_bytes(chk_scan scan); /* of a line; 0: no notes */

#endif
