/* scan.inc.h: the scans of scan.h for all dtypes at one level. */
#include "kern/half.inc.h"
#include "kern/scan_impl.h"

#define SAME(x) (x)
#define NEVER(x) 0
#define IS_NAN(x) ((x) != (x))

static inline float half_get(uint16_t x)
{
    float f;
    widen_half(&f, &x, 1);
    return f;
}
static inline uint16_t half_put(float f)
{
    uint16_t x;
    narrow_half(&x, &f, 1);
    return x;
}
#define HALF_NAN(x) (((x)&0x7FFF) > 0x7C00)

#define S_ID i8
#define S_T int8_t
#define S_W uint32_t
#define S_GET SAME
#define S_PUT(v) ((int8_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID u8
#define S_T uint8_t
#define S_W uint32_t
#define S_GET SAME
#define S_PUT(v) ((uint8_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID i16
#define S_T int16_t
#define S_W uint32_t
#define S_GET SAME
#define S_PUT(v) ((int16_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID u16
#define S_T uint16_t
#define S_W uint32_t
#define S_GET SAME
#define S_PUT(v) ((uint16_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID i32
#define S_T int32_t
#define S_W uint32_t
#define S_GET SAME
#define S_PUT(v) ((int32_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID u32
#define S_T uint32_t
#define S_W uint32_t
#define S_GET SAME
#define S_PUT(v) ((uint32_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID i64
#define S_T int64_t
#define S_W uint64_t
#define S_GET SAME
#define S_PUT(v) ((int64_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID u64
#define S_T uint64_t
#define S_W uint64_t
#define S_GET SAME
#define S_PUT(v) ((uint64_t)(v))
#define S_NAN NEVER
#define S_FLOAT 0
#include "kern/scan_types.inc.h"

#define S_ID f16
#define S_T uint16_t
#define S_W float
#define S_GET half_get
#define S_PUT half_put
#define S_NAN HALF_NAN
#define S_FLOAT 1
#include "kern/scan_types.inc.h"

#define S_ID f32
#define S_T float
#define S_W float
#define S_GET SAME
#define S_PUT SAME
#define S_NAN IS_NAN
#define S_FLOAT 1
#include "kern/scan_types.inc.h"

#define S_ID f64
#define S_T double
#define S_W double
#define S_GET SAME
#define S_PUT SAME
#define S_NAN IS_NAN
#define S_FLOAT 1
#include "kern/scan_types.inc.h"

/* bool: a sum is "or", a product "and", as min and max are. */
#define S_T uint8_t
#define S_NAME or_b
#define S_OP(a, x) ((uint8_t)((a) | (x)))
#include "kern/scan_lines.inc.h"
#define S_NAME and_b
#define S_OP(a, x) ((uint8_t)((a) & (x)))
#include "kern/scan_lines.inc.h"
#undef S_T

/* Complex products as NumPy's loops have them; flip_*: see isa.h. Sums are those of twice as many reals. */
typedef struct c64 {
    float re, im;
} c64;
typedef struct c128 {
    double re, im;
} c128;
static inline c64 times_c64(c64 a, c64 x) { return (c64){a.re * x.re + flip_f32(a.im * x.im), a.re * x.im + a.im * x.re}; }
static inline c128 times_c128(c128 a, c128 x) { return (c128){a.re * x.re + flip_f64(a.im * x.im), a.re * x.im + a.im * x.re}; }
static inline c64 plus_c64(c64 a, c64 x) { return (c64){a.re + x.re, a.im + x.im}; }
static inline c128 plus_c128(c128 a, c128 x) { return (c128){a.re + x.re, a.im + x.im}; }

#define S_T c64
#define S_NAME add_c64
#define S_OP plus_c64
#include "kern/scan_lines.inc.h"
#define S_NAME mul_c64
#define S_OP times_c64
#include "kern/scan_lines.inc.h"
#undef S_T

#define S_T c128
#define S_NAME add_c128
#define S_OP plus_c128
#include "kern/scan_lines.inc.h"
#define S_NAME mul_c128
#define S_OP times_c128
#include "kern/scan_lines.inc.h"
#undef S_T

const chk_scan_kern CHK_AT_LEVEL(chk_scans)[CHK_SCAN_FILL][CHK_NDTYPE] = {
    [CHK_SCAN_ADD] = {[CHK_BOOL] = or_b,
                      [CHK_I8] = add_i8,
                      [CHK_I16] = add_i16,
                      [CHK_I32] = add_i32,
                      [CHK_I64] = add_i64,
                      [CHK_U8] = add_u8,
                      [CHK_U16] = add_u16,
                      [CHK_U32] = add_u32,
                      [CHK_U64] = add_u64,
                      [CHK_F16] = add_f16,
                      [CHK_F32] = add_f32,
                      [CHK_F64] = add_f64,
                      [CHK_C64] = add_c64,
                      [CHK_C128] = add_c128},
    [CHK_SCAN_MUL] = {[CHK_BOOL] = and_b,
                      [CHK_I8] = mul_i8,
                      [CHK_I16] = mul_i16,
                      [CHK_I32] = mul_i32,
                      [CHK_I64] = mul_i64,
                      [CHK_U8] = mul_u8,
                      [CHK_U16] = mul_u16,
                      [CHK_U32] = mul_u32,
                      [CHK_U64] = mul_u64,
                      [CHK_F16] = mul_f16,
                      [CHK_F32] = mul_f32,
                      [CHK_F64] = mul_f64,
                      [CHK_C64] = mul_c64,
                      [CHK_C128] = mul_c128},
    [CHK_SCAN_MIN] = {[CHK_BOOL] = and_b,
                      [CHK_I8] = min_i8,
                      [CHK_I16] = min_i16,
                      [CHK_I32] = min_i32,
                      [CHK_I64] = min_i64,
                      [CHK_U8] = min_u8,
                      [CHK_U16] = min_u16,
                      [CHK_U32] = min_u32,
                      [CHK_U64] = min_u64,
                      [CHK_F16] = min_f16,
                      [CHK_F32] = min_f32,
                      [CHK_F64] = min_f64},
    [CHK_SCAN_MAX] = {[CHK_BOOL] = or_b,
                      [CHK_I8] = max_i8,
                      [CHK_I16] = max_i16,
                      [CHK_I32] = max_i32,
                      [CHK_I64] = max_i64,
                      [CHK_U8] = max_u8,
                      [CHK_U16] = max_u16,
                      [CHK_U32] = max_u32,
                      [CHK_U64] = max_u64,
                      [CHK_F16] = max_f16,
                      [CHK_F32] = max_f32,
                      [CHK_F64] = max_f64},
    [CHK_SCAN_FMIN] = {[CHK_F16] = fmin_f16, [CHK_F32] = fmin_f32, [CHK_F64] = fmin_f64},
    [CHK_SCAN_FMAX] = {[CHK_F16] = fmax_f16, [CHK_F32] = fmax_f32, [CHK_F64] = fmax_f64},
};
