/* dtype.h: element types, their names and how they promote (NumPy 2's rules). Pure values. */
#ifndef CHK_DTYPE_H
#define CHK_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum chk_dtype {
    CHK_BOOL,
    CHK_I8,
    CHK_I16,
    CHK_I32,
    CHK_I64,
    CHK_U8,
    CHK_U16,
    CHK_U32,
    CHK_U64,
    CHK_F16,
    CHK_F32,
    CHK_F64,
    CHK_C64,
    CHK_C128,
    CHK_NDTYPE,
    CHK_OPAQUE = CHK_NDTYPE /* fixed-size elements that are moved but not computed with; the size travels beside */
} chk_dtype;

typedef enum chk_kind { CHK_KIND_BOOL, CHK_KIND_INT, CHK_KIND_UINT, CHK_KIND_FLOAT, CHK_KIND_COMPLEX } chk_kind;

typedef struct chk_dtype_info {
    const char *name; /* NumPy's: "bool", "int8", ..., "complex128" */
    const char *code; /* NumPy's array protocol: "b1", "i1", ..., "c16" */
    chk_kind kind;
    int size; /* bytes an element */
    int swap; /* bytes a swappable unit: size, or half of it for complex */
} chk_dtype_info;

extern const chk_dtype_info chk_dtypes[CHK_NDTYPE];

static inline size_t chk_dtype_size(chk_dtype d) { return (size_t)chk_dtypes[d].size; }
static inline chk_kind chk_dtype_kind(chk_dtype d) { return chk_dtypes[d].kind; }
static inline const char *chk_dtype_name(chk_dtype d) { return chk_dtypes[d].name; }

bool chk_dtype_parse(chk_dtype *out, const char *text, size_t n); /* NumPy names and codes: "float64", "f8", "<f8", "bool" */
chk_dtype chk_promote(chk_dtype a, chk_dtype b);                  /* numpy.result_type of two array dtypes */
/* A Python-like scalar against an array dtype (NEP 50): bool keeps, int keeps numeric dtypes (bool -> int64), float lifts integers to
 * float64, complex lifts floats to the complex of the same precision. */
chk_dtype chk_promote_weak(chk_dtype a, chk_kind weak);
bool chk_can_cast_same_kind(chk_dtype from, chk_dtype to); /* numpy.can_cast(..., "same_kind") */
chk_dtype chk_dtype_float_of(
    chk_dtype
        d); /* what sqrt, sin, mean-like functions compute in: as NumPy (int8, bool -> float16, int16 -> float32, else float64) */
chk_dtype chk_dtype_real_of(chk_dtype d); /* complex64 -> float32, complex128 -> float64, else itself */

/* One element of any dtype, as bytes in native order. */
typedef struct chk_scalar {
    chk_dtype dtype;
    union {
        uint8_t bytes[16];
        bool b;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        float f32;
        double f64;
        float c64[2];
        double c128[2]; /* float16 is its bits in u16 */
    } v;
} chk_scalar;

#endif
