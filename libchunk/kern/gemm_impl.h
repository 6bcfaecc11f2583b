/* gemm_impl.h: one dtype's product at one level. (Private to kern/.) */
#ifndef CHK_GEMM_IMPL_H
#define CHK_GEMM_IMPL_H

#include "kern/gemm.h"
#include "kern/isa.h"

typedef void (*chk_gemm_fn)(const chk_gemm *g);

/* By the bytes of an element, for integers of either sign (products that wrap are the same), and floats. */
typedef struct chk_gemm_table {
    chk_gemm_fn u8, u16, u32, u64, f32, f64;
} chk_gemm_table;

#endif
