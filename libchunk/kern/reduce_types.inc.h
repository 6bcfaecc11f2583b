/* reduce_types.inc.h: reduce_real.inc.h for each dtype, then complex, then the level's table. Part of reduce.inc.h. */

/* Elements whose sum of up to 16 bits each fits 32 bits */
enum { SMALL_RUN = 32768 };

#define R_ID b
#define R_T u8u
#define R_V uint8_t
#define R_S i64u
#define R_SV uint64_t
#define R_PART int32_t
#define R_HIGH 1
#define R_LOW 0
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID i8
#define R_T i8u
#define R_V int8_t
#define R_S i64u
#define R_SV uint64_t
#define R_PART int32_t
#define R_HIGH INT8_MAX
#define R_LOW INT8_MIN
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID i16
#define R_T i16u
#define R_V int16_t
#define R_S i64u
#define R_SV uint64_t
#define R_PART int32_t
#define R_HIGH INT16_MAX
#define R_LOW INT16_MIN
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID i32
#define R_T i32u
#define R_V int32_t
#define R_S i64u
#define R_SV uint64_t
#define R_PART int64_t
#define R_HIGH INT32_MAX
#define R_LOW INT32_MIN
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID i64
#define R_T i64u
#define R_V int64_t
#define R_S i64u
#define R_SV uint64_t
#define R_PART uint64_t
#define R_HIGH INT64_MAX
#define R_LOW INT64_MIN
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID u8
#define R_T u8u
#define R_V uint8_t
#define R_S u64u
#define R_SV uint64_t
#define R_PART uint32_t
#define R_HIGH UINT8_MAX
#define R_LOW 0
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID u16
#define R_T u16u
#define R_V uint16_t
#define R_S u64u
#define R_SV uint64_t
#define R_PART uint32_t
#define R_HIGH UINT16_MAX
#define R_LOW 0
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID u32
#define R_T u32u
#define R_V uint32_t
#define R_S u64u
#define R_SV uint64_t
#define R_PART uint64_t
#define R_HIGH UINT32_MAX
#define R_LOW 0
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID u64
#define R_T u64u
#define R_V uint64_t
#define R_S u64u
#define R_SV uint64_t
#define R_PART uint64_t
#define R_HIGH UINT64_MAX
#define R_LOW 0
#define R_NAN(x) 0
#define R_FLOAT 0
#include "kern/reduce_real.inc.h"

#define R_ID f32
#define R_T f32u
#define R_V float
#define R_S f64u
#define R_SV double
#define R_HIGH ((R_V)INFINITY)
#define R_LOW (-(R_V)INFINITY)
#define R_NAN(x) ((x) != (x))
#define R_FLOAT 1
#include "kern/reduce_real.inc.h"

#define R_ID f64
#define R_T f64u
#define R_V double
#define R_S f64u
#define R_SV double
#define R_HIGH ((R_V)INFINITY)
#define R_LOW (-(R_V)INFINITY)
#define R_NAN(x) ((x) != (x))
#define R_FLOAT 1
#include "kern/reduce_real.inc.h"

#include "kern/reduce_rows.inc.h"

/* ---- complex: states of sums and products are pairs of float64 */
typedef uint64_t bits_f64;
typedef uint32_t bits_f32;
#define NOTHING_f64 0x7ff8a5c35ac3a5c3
#define NOTHING_f32 0x7fcaa5c3
typedef struct pair_sum {
    double re, im;
} pair_sum;
static inline pair_sum pair_lanes(double *lanes)
{
    for (int w = LANES / 2; w > 1; w /= 2)
        for (int i = 0; i < w; i++) lanes[i] += lanes[i + w];
    return (pair_sum){lanes[0], lanes[1]};
}
static void pair_sum_init(void *state, size_t cap, size_t j0, size_t k)
{
    (void)cap;
    memset((f64u *)state + 2 * j0, 0, 2 * k * sizeof(double));
}
static void pair_sum_merge(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)
{
    sum_merge_f64(into, 2 * into_cap, 2 * i0, from, 2 * from_cap, 2 * j0, 2 * k);
}
static void pair_finish(void *out, const void *state, size_t cap, size_t j0, size_t k, double param)
{
    (void)cap, (void)param;
    memcpy(out, (const f64u *)state + 2 * j0, 2 * k * sizeof(double));
}
static void pair_product_init(void *state, size_t cap, size_t j0, size_t k)
{
    f64u *s = (f64u *)state + 2 * j0;
    (void)cap;
    for (size_t j = 0; j < k; j++) s[2 * j] = 1, s[2 * j + 1] = 0;
}

#define R_ID c128
#define R_REAL f64
#define R_T f64u
#define R_V double
#include "kern/reduce_complex.inc.h"
#undef R_ID
#undef R_REAL
#undef R_T
#undef R_V

#define R_ID c64
#define R_REAL f32
#define R_T f32u
#define R_V float
#include "kern/reduce_complex.inc.h"
#undef R_ID
#undef R_REAL
#undef R_T
#undef R_V

static void pair_product_merge(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k)
{
    (void)into_cap, (void)from_cap;
    for (size_t j = 0; j < k; j++) multiply_c128((f64u *)into + 2 * (i0 + j), (const f64u *)from + 2 * (j0 + j), false);
}

/* ---- the table. A reduction by name: its own rows and columns on the states that `of` names. */
#define KERN(bytes, index, d, name, of)                                                                                            \
    {                                                                                                                              \
        bytes, index, of##_init_##d, name##_cols_##d, name##_row_##d, of##_merge_##d, of##_finish_##d                              \
    }
#define NANVAR(bytes, d)                                                                                                           \
    {                                                                                                                              \
        bytes, false, var_init_##d, nanvar_cols_##d, nanvar_row_##d, var_merge_##d, nanvar_finish_##d                              \
    }
#define WHERE(bytes, d, name)                                                                                                      \
    {                                                                                                                              \
        (bytes) + 8, true, where_init_##d, name##_cols_##d, name##_row_##d, name##_merge_##d, where_finish_##d                     \
    }
#define EVERY(D, d, bytes)                                                                                                         \
    [CHK_RED_SUM][D] = KERN(8, false, d, sum, sum), [CHK_RED_PROD][D] = KERN(8, false, d, prod, prod),                             \
    [CHK_RED_MIN][D] = KERN(bytes, false, d, min, min), [CHK_RED_MAX][D] = KERN(bytes, false, d, max, max),                        \
    [CHK_RED_ANY][D] = KERN(1, false, d, any, any), [CHK_RED_ALL][D] = KERN(1, false, d, all, all),                                \
    [CHK_RED_COUNT][D] = KERN(8, false, d, count, count), [CHK_RED_ARGMIN][D] = WHERE(bytes, d, argmin),                           \
    [CHK_RED_ARGMAX][D] = WHERE(bytes, d, argmax), [CHK_RED_VAR][D] = KERN(24, false, d, var, var)
/* without NaN, the functions that leave it out are the others */
#define INTEGER(D, d, bytes)                                                                                                       \
    EVERY(D, d, bytes), [CHK_RED_NANSUM][D] = KERN(8, false, d, sum, sum), [CHK_RED_NANPROD][D] = KERN(8, false, d, prod, prod),   \
                        [CHK_RED_FMIN][D] = KERN(bytes, false, d, min, min), [CHK_RED_FMAX][D] = KERN(bytes, false, d, max, max),  \
                        [CHK_RED_NANARGMIN][D] = WHERE(bytes, d, argmin), [CHK_RED_NANARGMAX][D] = WHERE(bytes, d, argmax),        \
                        [CHK_RED_NANVAR][D] = KERN(24, false, d, var, var)
#define FLOATING(D, d, bytes)                                                                                                      \
    EVERY(D, d, bytes),                                                                                                            \
        [CHK_RED_NANSUM][D] = KERN(8, false, d, nansum, sum), [CHK_RED_NANPROD][D] = KERN(8, false, d, nanprod, prod),             \
        [CHK_RED_FMIN][D] = KERN(bytes, false, d, fmin, fmin), [CHK_RED_FMAX][D] = KERN(bytes, false, d, fmax, fmax),              \
        [CHK_RED_NANARGMIN][D] = WHERE(bytes, d, nanargmin), [CHK_RED_NANARGMAX][D] = WHERE(bytes, d, nanargmax),                  \
        [CHK_RED_NANVAR][D] = NANVAR(24, d)
#define PAIR(d, name, state)                                                                                                       \
    {                                                                                                                              \
        16, false, state##_init, name##_cols_##d, name##_row_##d, state##_merge, pair_finish                                       \
    }
#define LEAST(bytes, d, name)                                                                                                      \
    {                                                                                                                              \
        bytes, false, name##_init_##d, name##_cols_##d, name##_row_##d, name##_merge_##d, extreme_finish_##d                       \
    }
#define FLAG(bytes, d, name)                                                                                                       \
    {                                                                                                                              \
        bytes, false, name##_init_u8, name##_cols_##d, name##_row_##d, name##_merge_u8, name##_finish_u8                           \
    }
#define COMPLEX(D, d, bytes)                                                                                                       \
    [CHK_RED_SUM][D] = PAIR(d, sum, pair_sum), [CHK_RED_NANSUM][D] = PAIR(d, nansum, pair_sum),                                    \
    [CHK_RED_PROD][D] = PAIR(d, prod, pair_product), [CHK_RED_NANPROD][D] = PAIR(d, nanprod, pair_product),                        \
    [CHK_RED_MIN][D] = LEAST(bytes, d, min), [CHK_RED_MAX][D] = LEAST(bytes, d, max), [CHK_RED_FMIN][D] = LEAST(bytes, d, fmin),   \
    [CHK_RED_FMAX][D] = LEAST(bytes, d, fmax), [CHK_RED_ANY][D] = FLAG(1, d, any), [CHK_RED_ALL][D] = FLAG(1, d, all),             \
    [CHK_RED_COUNT][D] = FLAG(8, d, count), [CHK_RED_ARGMIN][D] = WHERE(bytes, d, argmin),                                         \
    [CHK_RED_ARGMAX][D] = WHERE(bytes, d, argmax), [CHK_RED_NANARGMIN][D] = WHERE(bytes, d, nanargmin),                            \
    [CHK_RED_NANARGMAX][D] = WHERE(bytes, d, nanargmax), [CHK_RED_VAR][D] = KERN(32, false, d, var, var),                          \
    [CHK_RED_NANVAR][D] = NANVAR(32, d)

const chk_red_kern CHK_AT_LEVEL(chk_reds)[CHK_NRED][CHK_NDTYPE] = {
    INTEGER(CHK_BOOL, b, 1),     INTEGER(CHK_I8, i8, 1),    INTEGER(CHK_I16, i16, 2),  INTEGER(CHK_I32, i32, 4),
    INTEGER(CHK_I64, i64, 8),    INTEGER(CHK_U8, u8, 1),    INTEGER(CHK_U16, u16, 2),  INTEGER(CHK_U32, u32, 4),
    INTEGER(CHK_U64, u64, 8),    FLOATING(CHK_F32, f32, 4), FLOATING(CHK_F64, f64, 8), COMPLEX(CHK_C64, c64, 8),
    COMPLEX(CHK_C128, c128, 16),
};
