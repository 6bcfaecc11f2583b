/* moving.c: windows of the last elements along an axis, as bottleneck has them: sums, means, variances, extremes and where they are, medians, ranks.
 *
 * Local operations with a halo of window - 1 before the block. What bottleneck carries from element to element is computed anew from blocks that begin at
 * fixed places (kern/moving.h): errors do not pile up along the axis, and an infinity leaves with its element.
 *
 * Parameters: axis, window, min_count, ddof. */
#include "ops/moving.h"

#include <math.h>
#include <string.h>

enum { N_ATTR = 4, MOST_DDOF = 1 << 30 };

static int64_t window_of(const chk_node *n) { return n->u.custom.attr[1]; }

static void moving_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)input;
    memcpy(in_extent, extent, (size_t)n->shape.ndim * sizeof *extent);
    in_extent[n->u.custom.attr[0]] += window_of(n) - 1;
}

static bool moving_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    int axis = (int)n->u.custom.attr[0];
    *input = 0;
    *in = *box;
    in->lo[axis] = box->lo[axis] > window_of(n) - 1 ? box->lo[axis] - (window_of(n) - 1) : 0;
    return part == 0;
}

static void measure(moving_box *m, const chk_node *n, const int64_t *extent)
{
    const int64_t *attr = n->u.custom.attr;
    *m = (moving_box){.window = attr[1], .min_count = attr[2], .ddof = attr[3], .outer = 1, .inner = 1};
    m->n = extent[attr[0]];
    m->had = m->n + m->window - 1;
    for (int a = 0; a < n->shape.ndim; a++) {
        if (a < attr[0]) m->outer *= extent[a];
        if (a > attr[0]) m->inner *= extent[a];
    }
}

static bool fills_lanes(const moving_box *m) { return m->outer * m->inner >= CHK_MOVING_LANES; }

/* What is kept of a block; and where lines do not lie side by side, eight of them with their results. */
static size_t lines_room(const moving_box *m)
{
    size_t lanes = fills_lanes(m) ? CHK_MOVING_LANES : 1, item = sizeof(double) * lanes;
    size_t kept = chk_arena_cost((size_t)m->window * CHK_MOVING_STATES * item);
    bool packed = lanes > 1 && m->inner < CHK_MOVING_LANES;
    return kept + (packed ? chk_arena_cost((size_t)m->had * item) + chk_arena_cost((size_t)m->n * item) : 0);
}

static size_t moving_scratch(const chk_node *n, const int64_t *extent)
{
    moving_box m;
    int64_t in_extent[CHK_MAX_NDIM];
    int kind = n->u.custom.op->flags;
    measure(&m, n, extent);
    moving_reads(n, 0, extent, in_extent);
    size_t room = kind == MOVING_RANK ? 0 : kind == MOVING_MEDIAN ? moving_median_room(m.window, m.had) : lines_room(&m);
    return chk_arena_cost(chk_extent_bytes(n->shape.ndim, in_extent, CHK_F64)) + chk_arena_cost(room);
}

/* Where line number i begins among lines of `len` elements. */
static int64_t line_at(const moving_box *m, int64_t i, int64_t len) { return i / m->inner * len * m->inner + i % m->inner; }

static void by_lines(const moving_box *m, chk_moving kind, chk_arena *room)
{
    int64_t lines = m->outer * m->inner, lanes = fills_lanes(m) ? CHK_MOVING_LANES : 1;
    chk_moving_run r = {.window = m->window, .min_count = m->min_count, .ddof = m->ddof, .n = m->n};
    r.phase = (m->first % m->window + m->window) % m->window;
    r.room = chk_arena_get(room, (size_t)(m->window * CHK_MOVING_STATES * lanes) * sizeof(double));
    if (lanes == 1 || m->inner >= lanes) { /* side by side, or one by one */
        r.in_stride = r.out_stride = m->inner;
        for (int64_t o = 0; o < m->outer; o++)
            for (int64_t c = 0; c < m->inner; c += lanes) {
                int64_t at = c + lanes <= m->inner ? c : m->inner - lanes; /* the last ones reach back */
                r.in = m->x + o * m->had * m->inner + at;
                r.out = m->out + o * m->n * m->inner + at;
                chk_moving_lines(kind, &r, (int)lanes);
            }
        return;
    }
    double *in = chk_arena_get(room, (size_t)(m->had * lanes) * sizeof *in);
    double *out = chk_arena_get(room, (size_t)(m->n * lanes) * sizeof *out);
    r.in = in;
    r.out = out;
    r.in_stride = r.out_stride = lanes;
    for (int64_t i = 0; i < lines; i += lanes) {
        int64_t first = i + lanes <= lines ? i : lines - lanes, at[CHK_MOVING_LANES], to[CHK_MOVING_LANES];
        for (int k = 0; k < CHK_MOVING_LANES; k++) at[k] = line_at(m, first + k, m->had), to[k] = line_at(m, first + k, m->n);
        for (int64_t j = 0; j < m->had; j++)
            for (int k = 0; k < CHK_MOVING_LANES; k++) in[j * CHK_MOVING_LANES + k] = m->x[at[k] + j * m->inner];
        chk_moving_lines(kind, &r, CHK_MOVING_LANES);
        for (int64_t j = 0; j < m->n; j++)
            for (int k = 0; k < CHK_MOVING_LANES; k++) m->out[to[k] + j * m->inner] = out[j * CHK_MOVING_LANES + k];
    }
}

static chunk_status moving_run(const chk_local_call *c, chunk_error *err)
{
    const chk_node *n = c->node;
    int axis = (int)n->u.custom.attr[0], kind = n->u.custom.op->flags;
    int64_t extent[CHK_MAX_NDIM];
    chk_edge edge[CHK_MAX_NDIM] = {0};
    chk_box box = *c->box;
    moving_box m;
    for (int a = 0; a < box.ndim; a++) extent[a] = chk_box_extent(&box, a), edge[a] = CHK_EDGE_CONSTANT;
    measure(&m, n, extent);
    m.first = box.lo[axis] -= m.window - 1;
    chk_arena room;
    chk_arena_init(&room, c->scratch, c->scratch_bytes);
    double *x = chk_arena_get(&room, (size_t)chk_box_count(&box) * sizeof *x), missing = NAN;
    m.x = x;
    m.out = c->out;
    CHK_TRY(chk_halo_read(c, 0, &box, edge, &missing, x, err));
    if (kind == MOVING_MEDIAN)
        moving_median(&m, chk_arena_get(&room, moving_median_room(m.window, m.had)));
    else if (kind == MOVING_RANK)
        for (int64_t o = 0; o < m.outer; o++)
            chk_moving_rank(m.out + o * m.n * m.inner, x + o * m.had * m.inner, m.window, m.inner, m.min_count, m.n * m.inner);
    else
        by_lines(&m, (chk_moving)kind, &room);
    return CHUNK_OK;
}

static const chk_local moving_local = {
    .reads = moving_reads, .scratch = moving_scratch, .run = moving_run, .part = moving_part, .ns = 3.0};

static chunk_status make_moving(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    bool fine = n_in == 1 && n_attr == N_ATTR && in[0]->dtype == CHK_F64 && attr[0] >= 0 && attr[0] < in[0]->shape.ndim;
    fine = fine && attr[1] >= 1 && attr[1] <= in[0]->shape.dim[attr[0]] && attr[2] >= 1 && attr[2] <= attr[1];
    if (!fine || attr[3] < -MOST_DDOF || attr[3] > MOST_DDOF)
        return chk_fail(err, CHUNK_EINVAL, "%s: these are not the parameters of a moving window", op->name);
    return chk_node_custom(out, b, op, attr, n_attr, CHK_F64, &in[0]->shape, NULL, in, 1, err);
}

static chunk_status arguments(int64_t *attr, const chk_op *op, const chk_value *args, const chk_shape *shape, chunk_error *err)
{
    int axis;
    CHK_TRY(ops_arg_int(&attr[0], &args[3], -1, op->name, "axis", err));
    CHK_TRY(chk_axis_normal(&axis, attr[0], shape->ndim, op->name, err));
    attr[0] = axis;
    CHK_TRY(ops_arg_int(&attr[1], &args[1], 1, op->name, "window", err));
    if (attr[1] < 1 || attr[1] > shape->dim[axis])
        return chk_fail(err, CHUNK_EINVAL, "%s: a window of %lld along axis %d of length %lld: it must be from 1 to that length",
                        op->name, (long long)attr[1], axis, (long long)shape->dim[axis]);
    CHK_TRY(ops_arg_int(&attr[2], &args[2], attr[1], op->name, "min_count", err));
    if (attr[2] < 1 || attr[2] > attr[1])
        return chk_fail(err, CHUNK_EINVAL, "%s: min_count must be from 1 to the window's %lld, got %lld", op->name,
                        (long long)attr[1], (long long)attr[2]);
    CHK_TRY(ops_arg_int(&attr[3], &args[4], 0, op->name, "ddof", err));
    if (attr[3] < -MOST_DDOF || attr[3] > MOST_DDOF)
        return chk_fail(err, CHUNK_EINVAL, "%s: ddof %lld is out of range", op->name, (long long)attr[3]);
    return CHUNK_OK;
}

/* The windows of `op` over x, in float64; *d: the dtype that results have. */
static chk_node *moving(ops_maker *m, const chk_op *op, const chk_op *who, const chk_value *args, chk_dtype *d)
{
    int64_t attr[N_ATTR];
    chk_node *x = filter_input(m, d, &args[0], NULL, who->name), *made = NULL;
    if (x) m->st = arguments(attr, who, args, &x->shape, m->err);
    x = ops_cast(m, x, CHK_F64);
    if (m->st != CHUNK_OK) return NULL;
    if (ops_is_whole(*d)) *d = CHK_F64;
    return ops_own(m, make_moving(&made, m->b, op, &x, 1, attr, N_ATTR, m->err), &made);
}

static chunk_status build_moving(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_dtype d;
    ops_maker m = ops_make(b, err);
    chk_node *made = moving(&m, op, op, args, &d);
    return ops_give(out, &m, made ? ops_cast(&m, made, d) : NULL);
}

#define MOVING_PARAMS                                                                                                              \
    FILTER_X, {"window", CHK_PAR_INT, NULL, false}, {"min_count", CHK_PAR_INT, "None", false}, { "axis", CHK_PAR_INT, "-1", false }
#define MOVING_DOC                                                                                                                 \
    "Of the element and the window - 1 before it along the axis, fewer at its beginning; NaN elements count as missing, and "      \
    "where fewer than min_count (by default the window) are there the result is NaN. Floats keep their dtype, integers and bool "  \
    "give float64; computed in float64. As in bottleneck, but that an infinity leaves nothing behind when it leaves the window. "
#define LINES_MEMORY                                                                                                               \
    "Time does not depend on the window. Memory: the block and the window before it, in float64, and up to 256 bytes an element "  \
    "of the window."
#define MOVING(kind)                                                                                                               \
    .family = "window", .params = {MOVING_PARAMS}, .build = build_moving, .make = make_moving, .local = &moving_local, .flags = kind

const chk_op chk_op_move_sum = {
    .name = "move_sum",
    .summary = "sums of moving windows",
    .doc = MOVING_DOC LINES_MEMORY,
    MOVING(CHK_MOVING_SUM),
};
const chk_op chk_op_move_mean = {
    .name = "move_mean",
    .summary = "means of moving windows",
    .doc = MOVING_DOC LINES_MEMORY,
    MOVING(CHK_MOVING_MEAN),
};
const chk_op chk_op_move_min = {
    .name = "move_min",
    .summary = "least elements of moving windows",
    .doc = MOVING_DOC LINES_MEMORY,
    MOVING(CHK_MOVING_MIN),
};
const chk_op chk_op_move_max = {
    .name = "move_max",
    .summary = "greatest elements of moving windows",
    .doc = MOVING_DOC LINES_MEMORY,
    MOVING(CHK_MOVING_MAX),
};
const chk_op chk_op_move_argmin = {
    .name = "move_argmin",
    .summary = "how many elements back the least of moving windows lies",
    .doc = "Of equal ones the last counts. " MOVING_DOC LINES_MEMORY,
    MOVING(CHK_MOVING_ARGMIN),
};
const chk_op chk_op_move_argmax = {
    .name = "move_argmax",
    .summary = "how many elements back the greatest of moving windows lies",
    .doc = "Of equal ones the last counts. " MOVING_DOC LINES_MEMORY,
    MOVING(CHK_MOVING_ARGMAX),
};
const chk_op chk_op_move_median = {
    .name = "move_median",
    .summary = "medians of moving windows",
    .doc = "Of an even number the mean of the middle two. " MOVING_DOC
           "Memory: the block and the window before it, in float64; for windows above 64 elements also 40 bytes an element of a "
           "line through it.",
    MOVING(MOVING_MEDIAN),
};
const chk_op chk_op_move_rank = {
    .name = "move_rank",
    .summary = "where the last element of moving windows stands in them, from -1 to 1",
    .doc = "-1 is the least and 1 the greatest; equal ones share the middle of their places. " MOVING_DOC
           "Time grows with the window. Memory: the block and the window before it, in float64.",
    MOVING(MOVING_RANK),
};

#define DDOF                                                                                                                       \
    {                                                                                                                              \
        "ddof", CHK_PAR_INT, "0", false                                                                                            \
    }

const chk_op chk_op_move_var = {
    .name = "move_var",
    .family = "window",
    .summary = "variances of moving windows",
    .doc = "Divided by the number of elements less ddof. " MOVING_DOC LINES_MEMORY,
    .params = {MOVING_PARAMS, DDOF},
    .build = build_moving,
    .make = make_moving,
    .local = &moving_local,
    .flags = CHK_MOVING_VAR,
};

static chunk_status build_std(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_dtype d;
    ops_maker m = ops_make(b, err);
    chk_node *made = moving(&m, &chk_op_move_var, op, args, &d);
    made = made ? ops_apply(&m, CHK_FN_SQRT, CHK_F64, made, NULL, NULL) : NULL;
    return ops_give(out, &m, made ? ops_cast(&m, made, d) : NULL);
}

const chk_op chk_op_move_std = {
    .name = "move_std",
    .family = "window",
    .summary = "standard deviations of moving windows",
    .doc = "The square root of move_var. " MOVING_DOC LINES_MEMORY,
    .params = {MOVING_PARAMS, DDOF},
    .build = build_std,
};
