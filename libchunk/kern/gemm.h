/* gemm.h: products of dense matrices on plain pointers: C = A B or C += A B, row-major, by loops of our own for every dtype (gemm.inc.h) or by
 * OpenBLAS (blas.h) for floats and complex.
 *
 * What an element of C is depends on its row of A, its column of B and k alone with our loops (k ascending in runs of 256, whose sums are added up);
 * with BLAS also on m, n and k: so whoever wants the same bits always calls for the same blocks. Strides and addresses never matter. */
#ifndef CHK_GEMM_H
#define CHK_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "array/dtype.h"

/* Pitches are elements from one row as stored to the next. Integers wrap. float16 and bool are not computed in: convert them first. */
typedef struct chk_gemm {
    chk_dtype dtype;
    bool trans_a, trans_b; /* a is stored k x m, b n x k */
    bool conj;             /* complex: a factor that is stored transposed is conjugated */
    bool add;              /* C += A B; else what C held is not looked at */
    int64_t m, n, k;
    const void *a, *b;
    void *c;
    int64_t a_pitch, b_pitch, c_pitch;
} chk_gemm;

bool chk_gemm_has(chk_dtype d);
void chk_gemm_plain(const chk_gemm *g);

#endif
