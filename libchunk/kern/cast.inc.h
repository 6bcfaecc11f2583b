/* cast.inc.h: conversions between all dtypes, as NumPy's astype. float16 goes by float32, from float64 by a float32 rounded to odd, which
 * leaves the final rounding exact. */
#include "kern/isa.h"
#include "kern/simd.h"

/* ---- one element from float to integer: truncation, out of range as kern.h says */
#define TO_INT(F, D)                                                                                                               \
    static inline int32_t D##_to_i32(F x) { return x > (F)-2147483904.0 && x < (F)2147483648.0 ? (int32_t)x : INT32_MIN; }
static inline int32_t f64_to_i32(double x) { return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN; }
static inline int32_t f32_to_i32(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN; }
