/* blas.h: OpenBLAS, loaded when a product first needs it, so that a process without products does not pay for it.
 *
 * One of our own is loaded with the kernels of the instruction set level in use (it fails to recognise new processors) and without threads; its
 * environment variables are set for the time of loading only. Where the process has that library already, it is used as it is, with one thread
 * between chk_blas_enter and chk_blas_leave. Products are always computed in the calling thread, by as many threads at a time as there are workers. */
#ifndef CHK_BLAS_H
#define CHK_BLAS_H

#include "kern/gemm.h"

/* What it takes in memory: its pages and tables, once; and at most the buffers that a thread's calls touch, for blocks of at most CHK_BLAS_MOST by
 * CHK_BLAS_MOST (measured; tests/memory holds it). */
enum { CHK_BLAS_MOST = 1024, CHK_BLAS_BYTES = 3 << 20, CHK_BLAS_WORKER_BYTES = 9 << 19 };

typedef struct chk_blas {
    bool found;
    bool hosts;    /* the process had it loaded */
    char core[32]; /* the kernels that it uses: "SkylakeX" */
} chk_blas;

/* Loads it on the first call, under a lock. */
const chk_blas *chk_blas_get(void);
/* Of these buffers what products of m x k by k x n elements touch. */
size_t chk_blas_worker_bytes(int64_t m, int64_t n, int64_t k, size_t item);
/* Around the use of a library that is the host's: one thread, then what it had before. They nest and may overlap. */
void chk_blas_enter(void);
void chk_blas_leave(void);
/* The product by OpenBLAS; false where there is none for the dtype. */
bool chk_gemm_blas(const chk_gemm *g);
/* The same where the right factor is the left one transposed, and with conj its adjoint: on and above the diagonal only. False where there is none. */
bool chk_syrk_blas(const chk_gemm *g);

#endif
