/* level.h: everything one instruction set level offers, gathered in find.c. (Private to kern/.) */
#ifndef CHK_KERN_LEVEL_H
#define CHK_KERN_LEVEL_H

#include "kern/isa.h"

/* Moving and transposing bytes; see kern.h, whose functions of like names call these. */
typedef struct chk_move {
    void (*bswap)(void *out, const void *in, size_t unit_bytes, size_t n);
    void (*shuffle)(void *out, const void *in, size_t plane_bytes, size_t item_bytes, size_t n);
    void (*unshuffle)(void *out, const void *in, size_t plane_bytes, size_t item_bytes, size_t n);
    void (*bitshuffle)(void *out, const void *in, size_t item_bytes, size_t n);
    void (*bitunshuffle)(void *out, const void *in, size_t item_bytes, size_t n);
} chk_move;

typedef struct chk_level {
    const chk_kern_row *rows[4];            /* arithmetic, comparison, functions, complex */
    const chk_kern (*casts)[CHK_NDTYPE];    /* [from][to] */
    const chk_red_kern (*reds)[CHK_NDTYPE]; /* [reduction][dtype]; none where init is NULL */
    const chk_move *move;
} chk_level;

const chk_level *chk_level_now(void);

#endif
