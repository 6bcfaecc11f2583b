/* product.h: products of matrices that do not fit: tiles of the result stay in memory while panels of both factors pass by.
 *
 * Bits. The product is a sequence of calls for blocks of block_m x block_n x block_k elements, whose borders follow from shapes and chunk grids alone,
 * with k ascending for each block of the result. Tiles, panels and cells are unions of blocks, so ceiling and threads choose only the order of calls that
 * do not depend on each other.
 *
 * The workers fill one tile of the result together; panels are read once for all, the next ones while these are computed with. The tile is as large as
 * the ceiling allows, so that each factor is read as seldom as possible: with tiles of T x T, k (m n / T) elements of either.
 *
 * Half. Of an array times itself transposed (X'X), or times its adjoint, only blocks on and above the diagonal are computed, the others are their
 * mirror image. Tiles below the diagonal are left out; where a tile's rows are among its columns, one panel serves as both factors'.
 */
#ifndef CHK_PLAN_PRODUCT_H
#define CHK_PLAN_PRODUCT_H

#include "plan/builder.h"

/* The blocks of a product of these factors: at most BLOCK_MOST rows and columns, and half of that of k; along chunks where that can be. */
enum { CHK_PRODUCT_BLOCK = 1024, CHK_PRODUCT_BLOCK_K = 512 };
int64_t chk_product_block(int64_t extent, const chk_axis_grid *like, int64_t most);

typedef struct chk_product_spec {
    bool trans[2]; /* the factors are stored as (..., k, m) and (..., n, k) */
    bool half;     /* both factors are one node, and one of trans is set */
    bool conj;     /* then, complex: what trans says is conjugated too */
} chk_product_spec;

/* Plans n = in[0] @ in[1], whose dtypes are what is computed in; n->dtype is what that is cast to. Both factors have as many axes as n; those before the
 * last two are n's, or 1 and repeated. No axis is empty. */
chunk_status chk_product_lower(chk_plan_builder *b, const chk_node *n, const chk_product_spec *spec, chunk_error *err);

#endif
