/* isa.h: what the kernel templates share. A template is included once per instruction set level by files of a few lines named *_c.c, *_avx2.c,
 * *_avx512.c, which the build compiles with that level's flags; CHK_LEVEL names the level there. (Private to kern/.) */
#ifndef CHK_KERN_ISA_H
#define CHK_KERN_ISA_H

#include <string.h>

#include "kern/kern.h"

#define CHK_PASTE2(a, b) a##_##b
#define CHK_PASTE(a, b) CHK_PASTE2(a, b)
#define CHK_AT_LEVEL(name) CHK_PASTE(name, CHK_LEVEL)

/* Elements at any address: file data is aligned to nothing. */
#define CHK_UNALIGNED __attribute__((aligned(1), may_alias))
typedef bool b1u CHK_UNALIGNED;
typedef int8_t i8u CHK_UNALIGNED;
typedef int16_t i16u CHK_UNALIGNED;
typedef int32_t i32u CHK_UNALIGNED;
typedef int64_t i64u CHK_UNALIGNED;
typedef uint8_t u8u CHK_UNALIGNED;
typedef uint16_t u16u CHK_UNALIGNED;
typedef uint32_t u32u CHK_UNALIGNED;
typedef uint64_t u64u CHK_UNALIGNED;
typedef float f32u CHK_UNALIGNED;
typedef double f64u CHK_UNALIGNED;

/* -x, by its sign bit. Where a loop forms both a - b and a + b of products, GCC 12 fuses them whatever -ffp-contract says (its addsub pattern);
 * written as a + flip(b) they stay as they are. */
static inline double flip_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits ^= 0x8000000000000000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline float flip_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits ^= 0x80000000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* One kernel of a table; the table ends with a NULL kernel. */
typedef struct chk_kern_row {
    chk_fn fn;
    chk_dtype dtype;
    chk_kern kern;
} chk_kern_row;

/* Loops over n elements: x, y, z are the inputs' elements. out may be an input, element for element, so no iteration depends on another. */
#define CHK_UNARY(name, R, T, expr)                                                                                                \
    static void name(void *out, const void *const *in, size_t n)                                                                   \
    {                                                                                                                              \
        R *o = out;                                                                                                                \
        const T *a = in[0];                                                                                                        \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                                        \
        {                                                                                                                          \
            T x = a[i];                                                                                                            \
            o[i] = (R)(expr);                                                                                                      \
        }                                                                                                                          \
    }
#define CHK_BINARY(name, R, T, U, expr)                                                                                            \
    static void name(void *out, const void *const *in, size_t n)                                                                   \
    {                                                                                                                              \
        R *o = out;                                                                                                                \
        const T *a = in[0];                                                                                                        \
        const U *b = in[1];                                                                                                        \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)                                                                        \
        {                                                                                                                          \
            T x = a[i];                                                                                                            \
            U y = b[i];                                                                                                            \
            o[i] = (R)(expr);                                                                                                      \
        }                                                                                                                          \
    }

#endif
