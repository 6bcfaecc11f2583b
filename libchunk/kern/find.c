/* find.c: from a function or reduction and a dtype to the kernel of the level in use. The one place that knows which levels were built; the
 * templates' rows are sorted into direct tables once. */
#include <pthread.h>

#include "kern/level.h"

#if defined __x86_64__
#define FOR_LEVELS(X) X(c, CHK_ISA_C) X(avx2, CHK_ISA_AVX2) X(avx512, CHK_ISA_AVX512)
#else
#define FOR_LEVELS(X) X(c, CHK_ISA_C)
#endif

#define DECLARE(l, level)                                                                                                          \
    extern const chk_kern_row chk_arith_rows_##l[], chk_compare_rows_##l[], chk_math_rows_##l[], chk_complex_rows_##l[];           \
    extern const chk_kern chk_casts_##l[CHK_NDTYPE][CHK_NDTYPE];                                                                   \
    extern const chk_red_kern chk_reds_##l[CHK_NRED][CHK_NDTYPE];                                                                  \
    extern const chk_move chk_moves_##l;                                                                                           \
    extern const chk_stencil chk_stencils_##l;                                                                                     \
    extern const chk_rows_fn chk_rows_##l;                                                                                         \
    extern const chk_windows chk_windows_##l;                                                                                      \
    extern const chk_joins chk_joins_##l;
FOR_LEVELS(DECLARE)

#define LEVEL(l, level)                                                                                                            \
    [level] = {{chk_arith_rows_##l, chk_compare_rows_##l, chk_math_rows_##l, chk_complex_rows_##l},                                \
               chk_casts_##l,                                                                                                      \
               chk_reds_##l,                                                                                                       \
               &chk_moves_##l,                                                                                                     \
               &chk_stencils_##l,                                                                                                  \
               &chk_rows_##l,                                                                                                      \
               &chk_windows_##l,                                                                                                   \
               &chk_joins_##l},
static const chk_level levels[CHK_ISA_N] = {FOR_LEVELS(LEVEL)};

const chk_level *chk_level_now(void) { return &levels[chk_isa_now()]; }

static chk_kern table[CHK_ISA_N][CHK_NFN][CHK_NDTYPE];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void)
{
    for (int l = 0; l < CHK_ISA_N; l++)
        for (size_t t = 0; t < sizeof levels[l].rows / sizeof levels[l].rows[0]; t++)
            for (const chk_kern_row *r = levels[l].rows[t]; r && r->kern; r++) table[l][r->fn][r->dtype] = r->kern;
}

static const struct {
    const char *name;
    int n_in;
    enum { SAME, TRUTH, REAL } out;
} fns[CHK_NFN] = {
    [CHK_FN_NONE] = {"cast", 1, SAME},
#define F(id, text, n, out) [CHK_FN_##id] = {text, n, out}
    F(ADD, "add", 2, SAME),
    F(SUB, "subtract", 2, SAME),
    F(MUL, "multiply", 2, SAME),
    F(DIV, "divide", 2, SAME),
    F(FLOORDIV, "floor_divide", 2, SAME),
    F(MOD, "remainder", 2, SAME),
    F(FMOD, "fmod", 2, SAME),
    F(POW, "pow", 2, SAME),
    F(MIN, "minimum", 2, SAME),
    F(MAX, "maximum", 2, SAME),
    F(FMIN, "fmin", 2, SAME),
    F(FMAX, "fmax", 2, SAME),
    F(AND, "bitwise_and", 2, SAME),
    F(OR, "bitwise_or", 2, SAME),
    F(XOR, "bitwise_xor", 2, SAME),
    F(SHL, "bitwise_left_shift", 2, SAME),
    F(SHR, "bitwise_right_shift", 2, SAME),
    F(ATAN2, "atan2", 2, SAME),
    F(HYPOT, "hypot", 2, SAME),
    F(COPYSIGN, "copysign", 2, SAME),
    F(NEXTAFTER, "nextafter", 2, SAME),
    F(LOGADDEXP, "logaddexp", 2, SAME),
    F(PARTS, "from_parts", 2, SAME),
    F(EQ, "equal", 2, TRUTH),
    F(NE, "not_equal", 2, TRUTH),
    F(LT, "less", 2, TRUTH),
    F(LE, "less_equal", 2, TRUTH),
    F(GT, "greater", 2, TRUTH),
    F(GE, "greater_equal", 2, TRUTH),
    F(LAND, "logical_and", 2, TRUTH),
    F(LOR, "logical_or", 2, TRUTH),
    F(LXOR, "logical_xor", 2, TRUTH),
    F(EQ_IU, "equal", 2, TRUTH),
    F(NE_IU, "not_equal", 2, TRUTH),
    F(LT_IU, "less", 2, TRUTH),
    F(LE_IU, "less_equal", 2, TRUTH),
    F(GT_IU, "greater", 2, TRUTH),
    F(GE_IU, "greater_equal", 2, TRUTH),
    F(NEG, "negative", 1, SAME),
    F(POS, "positive", 1, SAME),
    F(SQUARE, "square", 1, SAME),
    F(CONJ, "conj", 1, SAME),
    F(INVERT, "bitwise_invert", 1, SAME),
    F(ABS, "abs", 1, REAL),
    F(SIGN, "sign", 1, SAME),
    F(FLOOR, "floor", 1, SAME),
    F(CEIL, "ceil", 1, SAME),
    F(TRUNC, "trunc", 1, SAME),
    F(ROUND, "round", 1, SAME),
    F(RECIPROCAL, "reciprocal", 1, SAME),
    F(SQRT, "sqrt", 1, SAME),
    F(CBRT, "cbrt", 1, SAME),
    F(EXP, "exp", 1, SAME),
    F(EXP_NEG, "exp_neg", 1, SAME),
    F(EXPM1, "expm1", 1, SAME),
    F(LOG, "log", 1, SAME),
    F(LOG1P, "log1p", 1, SAME),
    F(LOG2, "log2", 1, SAME),
    F(LOG10, "log10", 1, SAME),
    F(EXP2, "exp2", 1, SAME),
    F(DEG2RAD, "deg2rad", 1, SAME),
    F(RAD2DEG, "rad2deg", 1, SAME),
    F(ERF, "erf", 1, SAME),
    F(LGAMMA, "lgamma", 1, SAME),
    F(SIN, "sin", 1, SAME),
    F(COS, "cos", 1, SAME),
    F(TAN, "tan", 1, SAME),
    F(ASIN, "asin", 1, SAME),
    F(ACOS, "acos", 1, SAME),
    F(ATAN, "atan", 1, SAME),
    F(SINH, "sinh", 1, SAME),
    F(COSH, "cosh", 1, SAME),
    F(TANH, "tanh", 1, SAME),
    F(ASINH, "asinh", 1, SAME),
    F(ACOSH, "acosh", 1, SAME),
    F(ATANH, "atanh", 1, SAME),
    F(REAL, "real", 1, REAL),
    F(IMAG, "imag", 1, REAL),
    F(ANGLE, "angle", 1, REAL),
    F(NOT, "logical_not", 1, TRUTH),
    F(ISNAN, "isnan", 1, TRUTH),
    F(ISINF, "isinf", 1, TRUTH),
    F(ISFINITE, "isfinite", 1, TRUTH),
    F(SIGNBIT, "signbit", 1, TRUTH),
    F(WHERE, "where", 3, SAME),
};

static const char *const red_names[CHK_NRED] = {
    [CHK_RED_SUM] = "sum",
    [CHK_RED_PROD] = "prod",
    [CHK_RED_MIN] = "min",
    [CHK_RED_MAX] = "max",
    [CHK_RED_FMIN] = "nanmin",
    [CHK_RED_FMAX] = "nanmax",
    [CHK_RED_ANY] = "any",
    [CHK_RED_ALL] = "all",
    [CHK_RED_COUNT] = "count_nonzero",
    [CHK_RED_ARGMIN] = "argmin",
    [CHK_RED_ARGMAX] = "argmax",
    [CHK_RED_NANARGMIN] = "nanargmin",
    [CHK_RED_NANARGMAX] = "nanargmax",
    [CHK_RED_VAR] = "var",
    [CHK_RED_NANVAR] = "nanvar",
    [CHK_RED_NANSUM] = "nansum",
    [CHK_RED_NANPROD] = "nanprod",
};

chk_kern chk_kern_find(chk_fn fn, chk_dtype d)
{
    if (fn <= CHK_FN_NONE || fn >= CHK_NFN || d >= CHK_NDTYPE) return NULL;
    pthread_once(&once, fill);
    return table[chk_isa_now()][fn][d];
}

chk_kern chk_kern_cast(chk_dtype from, chk_dtype to)
{
    if (from >= CHK_NDTYPE || to >= CHK_NDTYPE) return NULL;
    return chk_level_now()->casts[from][to];
}

chk_dtype chk_fn_out_dtype(chk_fn fn, chk_dtype d)
{
    return fns[fn].out == TRUTH ? CHK_BOOL : fns[fn].out == REAL ? chk_dtype_real_of(d) : d;
}

int chk_fn_n_in(chk_fn fn) { return fns[fn].n_in; }
const char *chk_fn_name(chk_fn fn) { return fns[fn].name; }

bool chk_fn_is_slow(chk_fn fn)
{
    bool unary = fn >= CHK_FN_SQRT && fn <= CHK_FN_ATANH && fn != CHK_FN_DEG2RAD && fn != CHK_FN_RAD2DEG;
    return unary || fn == CHK_FN_POW || fn == CHK_FN_ATAN2 || fn == CHK_FN_HYPOT || fn == CHK_FN_LOGADDEXP;
}

static int join_of(chk_fn fn)
{
    return fn == CHK_FN_ADD ? CHK_JOIN_add : fn == CHK_FN_SUB ? CHK_JOIN_sub : fn == CHK_FN_MUL ? CHK_JOIN_mul : CHK_JOIN_one;
}

chk_kern chk_kern_join(bool root, chk_fn fn, chk_fn left, chk_fn right, chk_dtype d)
{
    bool known = (d == CHK_F64 || d == CHK_F32) && join_of(fn) != CHK_JOIN_one;
    known &= left == CHK_FN_NONE || join_of(left) != CHK_JOIN_one;
    known &= right == CHK_FN_NONE || join_of(right) != CHK_JOIN_one;
    return known ? (*chk_level_now()->joins)[d == CHK_F32][root][join_of(fn)][join_of(left)][join_of(right)] : NULL;
}

const chk_red_kern *chk_red_find(chk_red red, chk_dtype d)
{
    if (red >= CHK_NRED || d >= CHK_NDTYPE) return NULL;
    const chk_red_kern *k = &chk_level_now()->reds[red][d];
    return k->init ? k : NULL;
}

void chk_red_rows(const chk_red_row *rows, int n_rows, chk_dtype d, const void *data, size_t n)
{
    chk_rows_fn together = *chk_level_now()->rows_f64;
    if (d == CHK_F64 && n_rows > 1 && together && together(rows, n_rows, data, n)) return;
    for (int i = 0; i < n_rows; i++) rows[i].kern->row(rows[i].state, rows[i].cap, 0, data, n, 0);
}

chk_dtype chk_red_out_dtype(chk_red red, chk_dtype d)
{
    switch (red) {
    case CHK_RED_SUM:
    case CHK_RED_PROD:
    case CHK_RED_NANSUM:
    case CHK_RED_NANPROD:
        switch (chk_dtype_kind(d)) {
        case CHK_KIND_BOOL:
        case CHK_KIND_INT: return CHK_I64;
        case CHK_KIND_UINT: return CHK_U64;
        case CHK_KIND_FLOAT: return CHK_F64;
        default: return CHK_C128;
        }
    case CHK_RED_ANY:
    case CHK_RED_ALL: return CHK_BOOL;
    case CHK_RED_COUNT:
    case CHK_RED_ARGMIN:
    case CHK_RED_ARGMAX:
    case CHK_RED_NANARGMIN:
    case CHK_RED_NANARGMAX: return CHK_I64;
    case CHK_RED_VAR:
    case CHK_RED_NANVAR: return CHK_F64;
    default: return d;
    }
}

const char *chk_red_name(chk_red red) { return red < CHK_NRED ? red_names[red] : "?"; }
