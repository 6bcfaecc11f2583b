/* gemm.c: from a dtype to the loops of the level in use. Complex products are four sums of real ones, in plain loops: they are for small matrices
 * and for where there is no BLAS. */
#include "kern/gemm_impl.h"

#include "base/cpu.h"

extern const chk_gemm_table chk_gemms_c;
#if defined __x86_64__
extern const chk_gemm_table chk_gemms_avx2, chk_gemms_avx512;
#endif

static const chk_gemm_table *const levels[CHK_ISA_N] = {
    [CHK_ISA_C] = &chk_gemms_c,
#if defined __x86_64__
    [CHK_ISA_AVX2] = &chk_gemms_avx2,
    [CHK_ISA_AVX512] = &chk_gemms_avx512,
#endif
};

enum { COMPLEX_K = 256 };

#define COMPLEX_GEMM(name, T)                                                                                                      \
    static void name(const chk_gemm *g)                                                                                            \
    {                                                                                                                              \
        const T *a = g->a, *b = g->b;                                                                                              \
        T *c = g->c;                                                                                                               \
        T a_sign = g->conj && g->trans_a ? -1 : 1, b_sign = g->conj && g->trans_b ? -1 : 1;                                        \
        int64_t a_row = g->trans_a ? 2 : 2 * g->a_pitch, a_col = g->trans_a ? 2 * g->a_pitch : 2;                                  \
        int64_t b_row = g->trans_b ? 2 : 2 * g->b_pitch, b_col = g->trans_b ? 2 * g->b_pitch : 2;                                  \
        for (int64_t i = 0; i < g->m && !g->add; i++) memset(c + 2 * i * g->c_pitch, 0, 2 * (size_t)g->n * sizeof *c);             \
        for (int64_t p = 0; p < g->k; p += COMPLEX_K)                                                                              \
            for (int64_t i = 0; i < g->m; i++)                                                                                     \
                for (int64_t j = 0; j < g->n; j++) {                                                                               \
                    T re = 0, im = 0;                                                                                              \
                    for (int64_t q = p; q < g->k && q < p + COMPLEX_K; q++) {                                                      \
                        const T *x = a + i * a_row + q * a_col, *y = b + q * b_row + j * b_col;                                    \
                        re += x[0] * y[0];                                                                                         \
                        re += flip_##T(a_sign * x[1]) * (b_sign * y[1]);                                                           \
                        im += x[0] * (b_sign * y[1]);                                                                              \
                        im += a_sign * x[1] * y[0];                                                                                \
                    }                                                                                                              \
                    c[2 * (i * g->c_pitch + j)] += re;                                                                             \
                    c[2 * (i * g->c_pitch + j) + 1] += im;                                                                         \
                }                                                                                                                  \
    }
#define flip_float flip_f32
#define flip_double flip_f64
COMPLEX_GEMM(gemm_c64, float)
COMPLEX_GEMM(gemm_c128, double)

static chk_gemm_fn find(chk_dtype d)
{
    const chk_gemm_table *t = levels[chk_isa_now()];
    switch (d) {
    case CHK_I8:
    case CHK_U8: return t->u8;
    case CHK_I16:
    case CHK_U16: return t->u16;
    case CHK_I32:
    case CHK_U32: return t->u32;
    case CHK_I64:
    case CHK_U64: return t->u64;
    case CHK_F32: return t->f32;
    case CHK_F64: return t->f64;
    case CHK_C64: return gemm_c64;
    case CHK_C128: return gemm_c128;
    default: return NULL;
    }
}

bool chk_gemm_has(chk_dtype d) { return find(d) != NULL; }

void chk_gemm_plain(const chk_gemm *g) { find(g->dtype)(g); }
