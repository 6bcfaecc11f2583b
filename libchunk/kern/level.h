/* level.h: everything one instruction set level offers, gathered in find.c. (Private to kern/.) */
#ifndef CHK_KERN_LEVEL_H
#define CHK_KERN_LEVEL_H

#include "kern/isa.h"
#include "kern/moving.h"
#include "kern/stencil.h"

/* Moving and transposing bytes; see kern.h, whose functions of like names call these. */
typedef struct chk_move {
    void (*bswap)(void *out, const void *in, size_t unit_bytes, size_t n);
    void (*shuffle)(void *out, const void *in, size_t plane_bytes, size_t item_bytes, size_t n);
    void (*unshuffle)(void *out, const void *in, size_t plane_bytes, size_t item_bytes, size_t n);
    void (*bitshuffle)(void *out, const void *in, size_t item_bytes, size_t n);
    void (*bitunshuffle)(void *out, const void *in, size_t item_bytes, size_t n);
    void (*transpose)(void *out, int64_t to, const void *in, int64_t from, size_t item_bytes, int64_t n_rows, int64_t n_cols);
    size_t (*compress)(void *out, const void *in, const uint8_t *mask, size_t item_bytes, size_t n, size_t room);
} chk_move;

/* Stencils and windows; see stencil.h, whose functions of like names call these. */
typedef struct chk_stencil {
    void (*sum)(double *out, const double *const *tap, const double *w, int n_taps, chk_fold fold, size_t n);
    void (*add)(double *out, const double *const *tap, int n_taps, size_t n);
    void (*least)(double *out, const double *const *tap, int n_taps, size_t n);
    void (*greatest)(double *out, const double *const *tap, int n_taps, size_t n);
    void (*select)(double *out, const double *const *tap, int n_taps, const uint8_t (*pair)[2], int n_pairs, int rank, size_t n);
    void (*laplace)(double *out, const double *x, const double *const *lo, const double *const *hi, int n_axes, size_t n);
} chk_stencil;
/* Several reductions of one row; false, and nothing done, where they must be done one by one. */
typedef bool (*chk_rows_fn)(const chk_red_row *rows, int n_rows, const void *data, size_t n);

/* Moving windows; see moving.h, whose functions of like names call these. */
typedef struct chk_windows {
    void (*lines)(chk_moving kind, const chk_moving_run *r, int lanes);
    void (*rank)(double *out, const double *in, int64_t window, int64_t stride, int64_t min_count, int64_t n);
} chk_windows;

/* Kernels of several operations: [float64, float32][square root of it][operation][left operand][right operand]. */
enum { CHK_JOIN_one, CHK_JOIN_add, CHK_JOIN_sub, CHK_JOIN_mul, CHK_NJOIN };
typedef chk_kern chk_joins[2][2][CHK_NJOIN][CHK_NJOIN][CHK_NJOIN];

typedef struct chk_level {
    const chk_kern_row *rows[4];            /* arithmetic, comparison, functions, complex */
    const chk_kern (*casts)[CHK_NDTYPE];    /* [from][to] */
    const chk_red_kern (*reds)[CHK_NDTYPE]; /* [reduction][dtype]; none where init is NULL */
    const chk_move *move;
    const chk_stencil *stencil;
    const chk_rows_fn *rows_f64; /* chk_red_rows for float64; *rows_f64 may be NULL */
    const chk_windows *windows;
    const chk_joins *joins;
} chk_level;

const chk_level *chk_level_now(void);

#endif
