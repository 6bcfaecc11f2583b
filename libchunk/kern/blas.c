/* blas.c: see blas.h. */
#include "kern/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cpu.h"

static const char library[] = "libopenblas.so.0";

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112, ADJOINT = 113, UPPER = 121 }; /* cblas.h */

typedef void sgemm_fn(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void dgemm_fn(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);
typedef void cgemm_fn(int, int, int, int, int, int, const void *, const void *, int, const void *, int, const void *, void *, int);
typedef void ssyrk_fn(int, int, int, int, int, float, const float *, int, float, float *, int);
typedef void dsyrk_fn(int, int, int, int, int, double, const double *, int, double, double *, int);
typedef void csyrk_fn(int, int, int, int, int, const void *, const void *, int, const void *, void *, int);

static struct {
    chk_blas is;
    sgemm_fn *sgemm;
    dgemm_fn *dgemm;
    cgemm_fn *cgemm, *zgemm;
    ssyrk_fn *ssyrk, *cherk;
    dsyrk_fn *dsyrk, *zherk;
    csyrk_fn *csyrk, *zsyrk;
    int (*get_threads)(void);
    void (*set_threads)(int);
    int n_users, threads_before;
} blas;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Sets a variable that the environment does not have; true where it is to be taken out again. */
static bool lend(const char *name, const char *value) { return value && !getenv(name) && setenv(name, value, 1) == 0; }

static void *load(void)
{
    const char *core = NULL;
#if defined __x86_64__
    static const char *const cores[CHK_ISA_N] = {
        [CHK_ISA_C] = "PRESCOTT", [CHK_ISA_AVX2] = "HASWELL", [CHK_ISA_AVX512] = "SKYLAKEX"};
    core = cores[chk_isa_now()];
#endif
    bool set_core = lend("OPENBLAS_CORETYPE", core), set_threads = lend("OPENBLAS_NUM_THREADS", "1");
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (set_core) unsetenv("OPENBLAS_CORETYPE");
    if (set_threads) unsetenv("OPENBLAS_NUM_THREADS");
    return handle;
}

static void find_blas(void)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    blas.is.hosts = handle != NULL;
    if (!handle) handle = load();
    if (!handle) return;
    blas.sgemm = (sgemm_fn *)dlsym(handle, "cblas_sgemm");
    blas.dgemm = (dgemm_fn *)dlsym(handle, "cblas_dgemm");
    blas.cgemm = (cgemm_fn *)dlsym(handle, "cblas_cgemm");
    blas.zgemm = (cgemm_fn *)dlsym(handle, "cblas_zgemm");
    blas.ssyrk = (ssyrk_fn *)dlsym(handle, "cblas_ssyrk");
    blas.dsyrk = (dsyrk_fn *)dlsym(handle, "cblas_dsyrk");
    blas.csyrk = (csyrk_fn *)dlsym(handle, "cblas_csyrk");
    blas.zsyrk = (csyrk_fn *)dlsym(handle, "cblas_zsyrk");
    blas.cherk = (ssyrk_fn *)dlsym(handle, "cblas_cherk");
    blas.zherk = (dsyrk_fn *)dlsym(handle, "cblas_zherk");
    blas.get_threads = (int (*)(void))dlsym(handle, "openblas_get_num_threads");
    blas.set_threads = (void (*)(int))dlsym(handle, "openblas_set_num_threads");
    char *(*core)(void) = (char *(*)(void))dlsym(handle, "openblas_get_corename");
    bool gemm = blas.sgemm && blas.dgemm && blas.cgemm && blas.zgemm, syrk = blas.ssyrk && blas.dsyrk && blas.csyrk && blas.zsyrk;
    blas.is.found = gemm && syrk && blas.cherk && blas.zherk && blas.get_threads && blas.set_threads && core;
    if (!blas.is.found) {
        dlclose(handle);
        return;
    }
    snprintf(blas.is.core, sizeof blas.is.core, "%s", core());
}

const chk_blas *chk_blas_get(void)
{
    pthread_once(&once, find_blas);
    return &blas.is;
}

void chk_blas_enter(void)
{
    if (!chk_blas_get()->found) return;
    pthread_mutex_lock(&lock);
    if (blas.n_users++ == 0) {
        blas.threads_before = blas.get_threads();
        if (blas.threads_before != 1) blas.set_threads(1);
    }
    pthread_mutex_unlock(&lock);
}

void chk_blas_leave(void)
{
    if (!chk_blas_get()->found) return;
    pthread_mutex_lock(&lock);
    if (--blas.n_users == 0 && blas.threads_before != 1) blas.set_threads(blas.threads_before);
    pthread_mutex_unlock(&lock);
}

/* It packs both factors, padded to its kernels' widths, which are below 64, and touches little beside. */
size_t chk_blas_worker_bytes(int64_t m, int64_t n, int64_t k, size_t item)
{
    size_t packed = (size_t)(m + n + 128) * (size_t)k * item + (256 << 10);
    return packed < CHK_BLAS_WORKER_BYTES ? packed : CHK_BLAS_WORKER_BYTES;
}

bool chk_gemm_blas(const chk_gemm *g)
{
    int turned = g->conj ? ADJOINT : TRANSPOSED, ta = g->trans_a ? turned : PLAIN, tb = g->trans_b ? turned : PLAIN, m = (int)g->m,
        n = (int)g->n, k = (int)g->k;
    int lda = (int)g->a_pitch, ldb = (int)g->b_pitch, ldc = (int)g->c_pitch;
    float s_one[2] = {1}, s_beta[2] = {g->add};
    double d_one[2] = {1}, d_beta[2] = {g->add};
    if (!chk_blas_get()->found) return false;
    switch (g->dtype) {
    case CHK_F32: blas.sgemm(ROW_MAJOR, ta, tb, m, n, k, 1, g->a, lda, g->b, ldb, s_beta[0], g->c, ldc); return true;
    case CHK_F64: blas.dgemm(ROW_MAJOR, ta, tb, m, n, k, 1, g->a, lda, g->b, ldb, d_beta[0], g->c, ldc); return true;
    case CHK_C64: blas.cgemm(ROW_MAJOR, ta, tb, m, n, k, s_one, g->a, lda, g->b, ldb, s_beta, g->c, ldc); return true;
    case CHK_C128: blas.zgemm(ROW_MAJOR, ta, tb, m, n, k, d_one, g->a, lda, g->b, ldb, d_beta, g->c, ldc); return true;
    default: return false;
    }
}

/* herk's factors alpha and beta are real; what it is to do with x as stored is what gemm does with the left factor. */
bool chk_syrk_blas(const chk_gemm *g)
{
    int t = !g->trans_a ? PLAIN : g->conj ? ADJOINT : TRANSPOSED, n = (int)g->m, k = (int)g->k, lda = (int)g->a_pitch;
    int ldc = (int)g->c_pitch;
    float s_one[2] = {1}, s_beta[2] = {g->add};
    double d_one[2] = {1}, d_beta[2] = {g->add};
    if (!chk_blas_get()->found) return false;
    switch (g->dtype) {
    case CHK_F32: blas.ssyrk(ROW_MAJOR, UPPER, t, n, k, 1, g->a, lda, s_beta[0], g->c, ldc); return true;
    case CHK_F64: blas.dsyrk(ROW_MAJOR, UPPER, t, n, k, 1, g->a, lda, d_beta[0], g->c, ldc); return true;
    case CHK_C64:
        if (g->conj)
            blas.cherk(ROW_MAJOR, UPPER, t, n, k, 1, g->a, lda, s_beta[0], g->c, ldc);
        else
            blas.csyrk(ROW_MAJOR, UPPER, t, n, k, s_one, g->a, lda, s_beta, g->c, ldc);
        return true;
    case CHK_C128:
        if (g->conj)
            blas.zherk(ROW_MAJOR, UPPER, t, n, k, 1, g->a, lda, d_beta[0], g->c, ldc);
        else
            blas.zsyrk(ROW_MAJOR, UPPER, t, n, k, d_one, g->a, lda, d_beta, g->c, ldc);
        return true;
    default: return false;
    }
}
