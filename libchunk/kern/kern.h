/* kern.h: the inner loops, on plain pointers. Every kernel exists for plain C, AVX2 and AVX-512 (base/cpu.h chooses at look-up), reads and
 * writes unaligned memory, touches nothing outside [0, n), allocates nothing, and is called from any thread.
 *
 * Arithmetic has the same bits at every ISA level (no contraction, fixed lanes in reductions). Transcendental functions come from SLEEF's
 * 1.0-ulp family (with AVX-512 pow, and log of float64, from SVML: 2 ulp) and may differ between levels within that bound; inside one level a result does not depend on n, offset or neighbours:
 * tails run the same vector code, padded. */
#ifndef CHK_KERN_H
#define CHK_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "array/dtype.h"
#include "base/cpu.h"

/* Elements in one vector-program register at most; kernels are called with n up to this. */
enum { CHK_PIECE = 2048 };

/* What a kernel computes. Binary unless said; NumPy's meaning, NumPy's results for special values, integers wrap. */
typedef enum chk_fn {
    CHK_FN_NONE,
    /* same dtype in and out: integers (bool for logical/bitwise as said), float32, float64, complex where meaningful */
    CHK_FN_ADD,
    CHK_FN_SUB,
    CHK_FN_MUL, /* also complex; ADD, MUL on bool are or, and */
    CHK_FN_DIV, /* float32, float64, complex */
    CHK_FN_FLOORDIV,
    CHK_FN_MOD,
    CHK_FN_FMOD, /* integers (x // 0 = 0, x % 0 = 0, MIN // -1 = MIN) and floats (Python's sign rule; fmod: C's) */
    CHK_FN_POW,  /* integers (by squaring, wrapping; negative exponents are refused above), floats, complex */
    CHK_FN_MIN,
    CHK_FN_MAX, /* NumPy's minimum, maximum: NaN wins; also bool; complex: lexicographic */
    CHK_FN_FMIN,
    CHK_FN_FMAX, /* NaN loses */
    CHK_FN_AND,
    CHK_FN_OR,
    CHK_FN_XOR, /* bitwise; bool and integers */
    CHK_FN_SHL,
    CHK_FN_SHR, /* integers; count >= bits gives 0, or -1 for negative >> */
    CHK_FN_ATAN2,
    CHK_FN_HYPOT,
    CHK_FN_COPYSIGN,
    CHK_FN_NEXTAFTER,
    CHK_FN_LOGADDEXP, /* floats */
    CHK_FN_PARTS,     /* complex: the real part of in0 and, as the imaginary one, the real part of in1 */
    /* two inputs of one dtype, bool out; complex: EQ and NE, and lexicographic order */
    CHK_FN_EQ,
    CHK_FN_NE,
    CHK_FN_LT,
    CHK_FN_LE,
    CHK_FN_GT,
    CHK_FN_GE,
    CHK_FN_LAND,
    CHK_FN_LOR,
    CHK_FN_LXOR, /* logical: any dtype in, bool out */
    /* in0 is int64, in1 uint64, compared exactly; bool out; looked up with dtype CHK_I64 */
    CHK_FN_EQ_IU,
    CHK_FN_NE_IU,
    CHK_FN_LT_IU,
    CHK_FN_LE_IU,
    CHK_FN_GT_IU,
    CHK_FN_GE_IU,
    /* unary, same dtype */
    CHK_FN_NEG,
    CHK_FN_POS,
    CHK_FN_SQUARE,
    CHK_FN_CONJ,   /* numeric */
    CHK_FN_INVERT, /* bool: not; integers: ~ */
    CHK_FN_ABS,    /* complex in: real out (hypot) */
    CHK_FN_SIGN,   /* complex: x / |x|; bool not */
    CHK_FN_FLOOR,
    CHK_FN_CEIL,
    CHK_FN_TRUNC,
    CHK_FN_ROUND, /* floats; round half to even; complex round by parts */
    CHK_FN_RECIPROCAL,
    CHK_FN_SQRT,
    CHK_FN_CBRT, /* floats; sqrt, reciprocal also complex */
    CHK_FN_EXP,
    CHK_FN_EXP_NEG, /* exp(-x), which programs join: floats */
    CHK_FN_EXPM1,
    CHK_FN_LOG,
    CHK_FN_LOG1P,
    CHK_FN_LOG2,
    CHK_FN_LOG10,
    CHK_FN_EXP2, /* floats and complex */
    CHK_FN_DEG2RAD,
    CHK_FN_RAD2DEG,
    CHK_FN_ERF,
    CHK_FN_LGAMMA, /* floats */
    CHK_FN_SIN,
    CHK_FN_COS,
    CHK_FN_TAN,
    CHK_FN_ASIN,
    CHK_FN_ACOS,
    CHK_FN_ATAN, /* floats and complex */
    CHK_FN_SINH,
    CHK_FN_COSH,
    CHK_FN_TANH,
    CHK_FN_ASINH,
    CHK_FN_ACOSH,
    CHK_FN_ATANH,
    CHK_FN_REAL,
    CHK_FN_IMAG,  /* complex in, real out */
    CHK_FN_ANGLE, /* complex in, real out */
    /* unary, bool out */
    CHK_FN_NOT, /* logical not, any dtype */
    CHK_FN_ISNAN,
    CHK_FN_ISINF,
    CHK_FN_ISFINITE,
    CHK_FN_SIGNBIT, /* floats; complex but for signbit */
    /* three inputs */
    CHK_FN_WHERE, /* in0 bool; in1, in2, out of the dtype looked up */
    CHK_NFN
} chk_fn;

/* out[i] = f(in[0][i], ...), i < n. out may be the very same pointer as an input whose elements are at least as large as out's. */
typedef void (*chk_kern)(void *out, const void *const *in, size_t n);

/* The kernel for inputs of dtype d, or NULL where there is none. float16 has none: programs widen to float32 and round after each op. */
chk_kern chk_kern_find(chk_fn fn, chk_dtype d);
chk_dtype chk_fn_out_dtype(chk_fn fn, chk_dtype d); /* what that kernel writes */
int chk_fn_n_in(chk_fn fn);
const char *chk_fn_name(chk_fn fn); /* "add"; for explain */
bool chk_fn_is_slow(chk_fn fn);     /* an element takes longer than bringing it from memory: roots, transcendental functions */

/* One kernel for fn(left(a, b), right(c, d)), and for its square root (root): inputs in this order, a alone where left is CHK_FN_NONE, c alone where
 * right is. Each operation rounds by itself: the bits of one kernel after another. NULL where there is none: sums, differences and products of
 * float32 and float64 have them. */
chk_kern chk_kern_join(bool root, chk_fn fn, chk_fn left, chk_fn right, chk_dtype d);

/* Casts between all dtypes, NumPy's astype. Float to integer: truncation; NaN and out of range give the smallest value of int32 and
 * int64 (and of that, truncated, for narrower ones; 2^63 for uint64), never undefined behaviour. Complex to real drops the imaginary part. */
chk_kern chk_kern_cast(chk_dtype from, chk_dtype to);

/* ---- moving bytes */
void chk_kern_splat(void *out, const void *item, size_t item_bytes, size_t n);
/* out[i] = the item_bytes at in + i * stride (bytes, may be negative or 0). */
void chk_kern_gather(void *out, const void *in, int64_t stride, size_t item_bytes, size_t n);
/* Reverses the bytes of n units of 2, 4 or 8 bytes; in place allowed. */
void chk_kern_bswap(void *out, const void *in, size_t unit_bytes, size_t n);
/* True when all n items equal *item bit for bit; stops at the first that does not. */
bool chk_kern_all_equal(const void *in, const void *item, size_t item_bytes, size_t n);

/* HDF5's byte shuffle over n_bytes (elements of item_bytes; a remainder is copied), and its inverse. out must not overlap in. */
void chk_kern_shuffle(void *out, const void *in, size_t item_bytes, size_t n_bytes);
void chk_kern_unshuffle(void *out, const void *in, size_t item_bytes, size_t n_bytes);
/* Gathers n elements out of shuffled bytes: byte b of element i is in[b * plane_bytes + i]. What unshuffle does, for a piece of it. */
void chk_kern_unplane(void *out, const void *in, size_t plane_bytes, size_t item_bytes, size_t n);
/* Element (i, k) of n_rows by n_cols at in + i * from + k * item_bytes goes to out + k * to + i * item_bytes. */
void chk_kern_transpose(void *out, int64_t to, const void *in, int64_t from, size_t item_bytes, int64_t n_rows, int64_t n_cols);
/* The first `room` of the elements (1, 2, 4, 8 or 16 bytes) at which mask is 1 and not 0, one behind the other; returns how many. At in place (out is in) or
 * without overlap; of out, room elements may be overwritten. */
size_t chk_kern_compress(void *out, const void *in, const uint8_t *mask, size_t item_bytes, size_t n, size_t room);
/* Bit transpose of n elements (a multiple of 8) as the bitshuffle project defines it, one block, and its inverse. out must not overlap in. */
void chk_kern_bitshuffle(void *out, const void *in, size_t item_bytes, size_t n);
void chk_kern_bitunshuffle(void *out, const void *in, size_t item_bytes, size_t n);

/* ---- reductions
 * A state block holds the running states of `cap` result elements as arrays, component after component: component c of element j lies at
 * state + cap * (bytes of components before c) + j * (bytes of component c). Functions work on elements [j0, j0 + k) of a block.
 * The bits of a folded leaf depend on the leaf's data and shape alone: sums run over fixed lanes, variance is two-pass inside a call. */
typedef enum chk_red {
    CHK_RED_SUM,  /* integers and bool: in int64/uint64; float16/32/64: float64; complex: complex128 */
    CHK_RED_PROD, /* as sum */
    CHK_RED_MIN,
    CHK_RED_MAX, /* input dtype; NaN wins; complex lexicographic */
    CHK_RED_FMIN,
    CHK_RED_FMAX, /* NaN loses (nanmin, nanmax); all NaN: NaN */
    CHK_RED_ANY,
    CHK_RED_ALL,   /* bool state */
    CHK_RED_COUNT, /* count_nonzero, int64 */
    CHK_RED_ARGMIN,
    CHK_RED_ARGMAX, /* {value, int64 index}; first NaN wins, then the lowest index */
    CHK_RED_NANARGMIN,
    CHK_RED_NANARGMAX, /* NaN loses; all NaN: index -1 */
    CHK_RED_VAR,       /* {n, mean, m2} float64; complex {n, mean re, mean im, m2} */
    CHK_RED_NANVAR,    /* the same, NaN not counted */
    CHK_RED_NANSUM,
    CHK_RED_NANPROD, /* NaN as 0, 1 */
    CHK_NRED
} chk_red;

typedef struct chk_red_kern {
    size_t state_bytes; /* of one result element, all components */
    bool wants_index;   /* argmin and kin: index arguments matter */
    void (*init)(void *state, size_t cap, size_t j0, size_t k);
    /* Folds a block of n_rows rows of k elements, row_stride elements apart: column j goes to element j0 + j. Row r has the index
     * index0 + r * index_step in its result's run of elements. */
    void (*cols)(void *state, size_t cap, size_t j0, size_t k, const void *data, size_t n_rows, size_t row_stride, int64_t index0,
                 int64_t index_step);
    /* Folds n contiguous elements, with indices index0, index0 + 1, ..., into element j. */
    void (*row)(void *state, size_t cap, size_t j, const void *data, size_t n, int64_t index0);
    /* into[i0 + i] = into[i0 + i] combined with from[j0 + i]; `into` comes before `from` in the fixed order. */
    void (*merge)(void *into, size_t into_cap, size_t i0, const void *from, size_t from_cap, size_t j0, size_t k);
    /* Writes k results densely, in the state's own dtype: SUM.. : int64, uint64, float64, complex128; MIN..: input dtype; ANY, ALL: bool;
     * COUNT, ARG*: int64; VAR: float64 m2 / (n - param), NaN where n - param <= 0. */
    void (*finish)(void *out, const void *state, size_t cap, size_t j0, size_t k, double param);
} chk_red_kern;

/* A row's reductions into element 0 of several states: what each kern->row would do, in one walk over the elements where that can be had. */
typedef struct chk_red_row {
    const chk_red_kern *kern;
    void *state;
    size_t cap;
} chk_red_row;
void chk_red_rows(const chk_red_row *rows, int n_rows, chk_dtype d, const void *data, size_t n);

/* NULL where the reduction has no meaning for the dtype. float16 has none (widened before). */
const chk_red_kern *chk_red_find(chk_red red, chk_dtype d);
chk_dtype chk_red_out_dtype(chk_red red, chk_dtype d); /* what finish writes */
const char *chk_red_name(chk_red red);

#endif
