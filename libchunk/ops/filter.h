/* filter.h: what the filters named after scipy.ndimage share: arguments an axis, edges, and the separable engine (filter_separable.c).
 *
 * As SciPy does, filters compute in float64 whatever the input, and cast to the output's dtype at the end. */
#ifndef CHK_OPS_FILTER_H
#define CHK_OPS_FILTER_H

#include "kern/stencil.h"
#include "ops/make.h"
#include "plan/halo.h"

/* The axes that are filtered, in their order. None: all. */
typedef struct filter_axes {
    int n, at[CHK_MAX_NDIM], ndim;
} filter_axes;
chunk_status filter_arg_axes(filter_axes *axes, const chk_value *v, int ndim, const char *who, chunk_error *err);

/* One value an axis of x, out of one value or a tuple with one a filtered axis; the default for axes that are not filtered. */
chunk_status filter_arg_edges(chk_edge *out, const chk_value *v, const filter_axes *axes, const char *who, chunk_error *err);
chunk_status filter_arg_ints(int64_t *out, const chk_value *v, int64_t dflt, const filter_axes *axes, const char *who,
                             const char *what, chunk_error *err);
chunk_status filter_arg_reals(double *out, const chk_value *v, double dflt, const filter_axes *axes, const char *who,
                              const char *what, chunk_error *err);
/* Weights that are written out, in nested tuples or lists; *w is to be freed. *w NULL: v is an array to be computed. */
chunk_status filter_arg_weights(double **w, chk_shape *shape, chk_builder *b, const chk_value *v, const char *who,
                                chunk_error *err);

/* Of complex x or weights: *out is made of op over their real and imaginary parts (filter_parts.c); else it is NULL. */
chunk_status filter_by_parts(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err);
/* The input: at least one dimension, not complex. *out dtype: `output` or the input's. */
chk_node *filter_input(ops_maker *m, chk_dtype *out, const chk_value *x, const chk_value *output, const char *who);
/* float64 values as dtype d, as C casts them: bool by way of an integer. */
chk_node *filter_output(ops_maker *m, chk_node *x, chk_dtype d);
/* The origin of a window of n whose weights are turned round, as a convolution does. */
int64_t filter_turned(int64_t origin, int64_t n);
/* The origin of a window of n along an axis; *lo: how many elements before the centre it begins. */
chunk_status filter_origin(int64_t *lo, int64_t n, int64_t origin, int axis, const char *who, chunk_error *err);

/* Extents of the halo's box, and that box: lo before and n - 1 - lo after each element. */
void filter_window_extent(int64_t *out, int ndim, const int64_t *extent, const int64_t *n);
void filter_window_box(chk_box *out, const chk_box *box, const int64_t *lo, const int64_t *n);
/* The part of it inside the array, to be read ahead. */
bool filter_window_part(const chk_node *node, const chk_box *box, const int64_t *lo, const int64_t *n, chk_box *in);

/* ---- separable filters: a sum of terms, each some steps along different axes, one after the other */

typedef enum filter_kind { FILTER_WEIGHTS, FILTER_MEAN, FILTER_LEAST, FILTER_GREATEST, FILTER_N_KINDS } filter_kind;
enum { FILTER_MOST_TAPS = 1 << 20, FILTER_MOST_TERMS = 32 };

/* A list of parameters that grows. */
typedef struct filter_attr {
    int64_t *v;
    int n, cap;
    bool failed;
} filter_attr;
/* dtype: what every step's result is rounded to. */
void filter_begin(filter_attr *a, chk_dtype dtype, double cval, const chk_edge *edge, int ndim, int n_terms);
void filter_term(filter_attr *a, int n_steps);
/* out[i] = f(x[i - lo], ..., x[i - lo + n - 1]) along the axis; w: n weights of FILTER_WEIGHTS. */
void filter_step(filter_attr *a, filter_kind kind, int axis, int64_t lo, int64_t n, const double *w);
/* The node of op over x, cast to dtype; frees what a holds. */
chk_node *filter_finish(ops_maker *m, const chk_op *op, filter_attr *a, chk_node *x, chk_dtype dtype);

chunk_status filter_make_separable(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                   const int64_t *attr, int n_attr, chunk_error *err);
/* Weights of a step in the order in which they are added up; *last_first: the last one has come first. */
chk_fold filter_order(double *w, int64_t n, bool *last_first);
/* The node of correlate1d or convolve1d (turned) with weights that are an array of one dimension. */
chk_node *filter_along(ops_maker *m, chk_node *x, chk_node *weights, int axis, int64_t lo, bool turned, chk_edge edge, double cval,
                       chk_dtype dtype);
extern const chk_local filter_separable_local, filter_laplace_local;

/* ---- the k-th of several elements (filter_rank.c) */

enum { FILTER_NETWORK = 64, FILTER_MOST_PAIRS = 544 }; /* pairs of the network of 64: 543 */
/* For chk_stencil_select: Batcher's network for n elements, at most FILTER_NETWORK, without what rank k does not depend on. Returns how many pairs. */
int filter_network(uint8_t (*pair)[2], int n, int k);
/* Reorders v. */
double filter_select(double *v, int64_t n, int64_t k);

/* Bits of a double among parameters. */
static inline int64_t filter_bits(double x)
{
    union {
        double f;
        int64_t i;
    } u = {.f = x};
    return u.i;
}
static inline double filter_real(int64_t bits)
{
    union {
        int64_t i;
        double f;
    } u = {.i = bits};
    return u.f;
}

#define FILTER_X                                                                                                                   \
    {                                                                                                                              \
        "x", CHK_PAR_ARRAY, NULL, false                                                                                            \
    }
#define FILTER_OUTPUT                                                                                                              \
    {                                                                                                                              \
        "output", CHK_PAR_DTYPE, "None", false                                                                                     \
    }
#define FILTER_MODE                                                                                                                \
    {                                                                                                                              \
        "mode", CHK_PAR_ANY, "'reflect'", false                                                                                    \
    }
#define FILTER_CVAL                                                                                                                \
    {                                                                                                                              \
        "cval", CHK_PAR_NUMBER, "0.0", false                                                                                       \
    }
#define FILTER_ORIGIN                                                                                                              \
    {                                                                                                                              \
        "origin", CHK_PAR_ANY, "0", false                                                                                          \
    }
#define FILTER_EDGES                                                                                                               \
    "mode, one or a tuple of one a filtered axis: reflect (d c b a | a b c d | d c b a), mirror (d c b | a b c d | c b a), "       \
    "nearest, wrap, constant (cval). Computed in float64 and cast to output, by default the dtype of x, as SciPy does: integers "  \
    "beyond 2**53 are rounded. "                                                                                                   \
    "Memory: the block with its halo, in float64, twice."

#endif
