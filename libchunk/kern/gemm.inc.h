/* gemm.inc.h: the products of gemm.h at one level. */
#include "kern/gemm_impl.h"

#if defined __AVX512F__
#define G_VECTOR 64
#elif defined __AVX2__
#define G_VECTOR 32
#else
#define G_VECTOR 16
#endif

#define G_T uint8_t
#define G_ID u8
#include "kern/gemm_type.inc.h"

#define G_T uint16_t
#define G_ID u16
#include "kern/gemm_type.inc.h"

#define G_T uint32_t
#define G_ID u32
#include "kern/gemm_type.inc.h"

#define G_T uint64_t
#define G_ID u64
#include "kern/gemm_type.inc.h"

#define G_T float
#define G_ID f32
#include "kern/gemm_type.inc.h"

#define G_T double
#define G_ID f64
#include "kern/gemm_type.inc.h"

const chk_gemm_table CHK_AT_LEVEL(chk_gemms) = {gemm_u8, gemm_u16, gemm_u32, gemm_u64, gemm_f32, gemm_f64};
