/* retile_pieces.h: what a tile holds of its inputs, and parts of the tile put together from it. (Private to plan/retile*.c.) */
#ifndef CHK_RETILE_PIECES_H
#define CHK_RETILE_PIECES_H

#include "plan/retile.h"

/* The pieces of one input in a tile: a grid of boxes, bound[a][k] to bound[a][k + 1] along axis a. */
typedef struct chk_retile_pieces {
    int64_t *bound[CHK_MAX_NDIM];
    int64_t n[CHK_MAX_NDIM];
    size_t n_cells;
    chk_box *box;
    chk_piece *piece;
    bool swapped; /* some are */
    char *strip;  /* its elements of a strip, put together */
} chk_retile_pieces;

/* The boxes of the pieces, into p->box; p->bound[0] and p->box are there, as large as sizing said. */
void chk_retile_list_cells(chk_retile_pieces *p, const chk_retile_input *in, const chk_box *tile);
/* The elements of an input in a strip, dense and native, to `to`. */
void chk_retile_assemble(const chk_retile_pieces *p, const chk_box *strip, chk_dtype dtype, char *to);
/* A strip that lies in one piece, in the order that it has there, as a piece of its own; false where it must be put together. */
bool chk_retile_in_place(const chk_retile_pieces *p, const chk_box *strip, size_t item, chk_piece *out);

#endif
