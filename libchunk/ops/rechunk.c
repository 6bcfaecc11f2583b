/* rechunk.c: the same values cut along other lines. Nothing is computed: programs read through the node, and what its grid says becomes the chunks
 * of a stored result, of blocks and of leaves. How stored chunks become others is plan/retile.h's work. */
#include <string.h>

#include "ops/common.h"

enum { AUTO_BYTES = 1 << 20, AS_IT_IS = 0, AUTO = -2 };

/* Parameters: the extent of a chunk an axis, AS_IT_IS for the input's own grid. */
static chunk_status make_rechunk(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                 const int64_t *attr, int n_attr, chunk_error *err)
{
    if (n_in != 1) return chk_fail(err, CHUNK_EINVAL, "rechunk: %d arrays, it takes one", n_in);
    const chk_node *x = in[0];
    char shape[160];
    if (n_attr != x->shape.ndim)
        return chk_fail(err, CHUNK_ESHAPE,
                        "rechunk: %d chunk extents for the %d axes of %s: give one an axis, or one number for all", n_attr,
                        x->shape.ndim, chk_shape_text(shape, sizeof shape, &x->shape));
    chk_grid grid = {.ndim = n_attr};
    for (int a = 0; a < n_attr; a++) {
        int64_t n = x->shape.dim[a];
        if (attr[a] < AS_IT_IS)
            return chk_fail(err, CHUNK_ESHAPE, "rechunk: chunk extent %lld on axis %d: it must be 1 or more, -1 or None",
                            (long long)attr[a], a);
        grid.axis[a] = attr[a] == AS_IT_IS ? x->grid.axis[a] : chk_axis_regular(n, attr[a] < n ? attr[a] : n > 0 ? n : 1);
    }
    return chk_node_custom(out, b, op, attr, n_attr, x->dtype, &x->shape, &grid, in, 1, err);
}

static chunk_status read_extent(int64_t *out, const chk_value *v, int64_t whole, chunk_error *err)
{
    *out = AS_IT_IS;
    if (ops_absent(v)) return CHUNK_OK;
    if (v->kind == CHK_VAL_STRING) {
        if (strcmp(v->u.s, "auto"))
            return chk_fail(err, CHUNK_EINVAL, "rechunk: '%.40s': chunk extents are numbers, -1, None or 'auto'", v->u.s);
        *out = AUTO;
        return CHUNK_OK;
    }
    CHK_TRY(chk_value_int(out, v, "rechunk", "chunks", err));
    if (*out == -1) *out = whole > 0 ? whole : 1;
    if (*out < 1)
        return chk_fail(err, CHUNK_ESHAPE, "rechunk: chunk extent %lld: it must be 1 or more, -1 for a whole axis, or None",
                        (long long)*out);
    return CHUNK_OK;
}

static bool too_large(const int64_t *extent, const chk_node *x)
{
    int64_t n = (int64_t)chk_dtype_size(x->dtype);
    for (int a = 0; a < x->shape.ndim; a++) {
        int64_t e = extent[a] == AS_IT_IS ? chk_axis_max_chunk(&x->grid.axis[a]) : extent[a];
        if (__builtin_mul_overflow(n, e > 0 ? e : 1, &n)) return true;
    }
    return n > AUTO_BYTES;
}

/* Axes given as 'auto' are halved, the longest first, until a chunk is at most 1 MiB. */
static void choose_auto(int64_t *extent, const bool *chosen, const chk_node *x)
{
    while (too_large(extent, x)) {
        int longest = -1;
        for (int a = 0; a < x->shape.ndim; a++)
            if (chosen[a] && extent[a] > 1 && (longest < 0 || extent[a] > extent[longest])) longest = a;
        if (longest < 0) return;
        extent[longest] = (extent[longest] + 1) / 2;
    }
}

static chunk_status build_rechunk(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    chk_node *x;
    int64_t extent[CHK_MAX_NDIM];
    bool chosen[CHK_MAX_NDIM] = {false}, list = args[1].kind == CHK_VAL_TUPLE;
    CHK_TRY(chk_value_node(&x, b, &args[0], "rechunk", err));
    int ndim = x->shape.ndim, n = list ? args[1].u.tuple.n : ndim;
    chunk_status st = CHUNK_OK;
    for (int a = 0; a < n && n == ndim && st == CHUNK_OK; a++) {
        st = read_extent(&extent[a], list ? &args[1].u.tuple.item[a] : &args[1], x->shape.dim[a], err);
        chosen[a] = extent[a] == AUTO;
        if (chosen[a]) extent[a] = x->shape.dim[a] > 0 ? x->shape.dim[a] : 1;
    }
    if (st == CHUNK_OK && n == ndim) choose_auto(extent, chosen, x);
    if (st == CHUNK_OK) st = op->make(out, b, op, &x, 1, extent, n, err);
    chk_node_release(x);
    return st;
}

const chk_op chk_op_rechunk = {
    .name = "rechunk",
    .family = "manipulation",
    .summary = "x in other chunks",
    .doc = "chunks: the extent of a chunk, a tuple with one an axis or one number for all: -1 is the whole axis, None as it is, "
           "'auto' whatever makes "
           "chunks of about 1 MiB. The values are x's. Stored, the result has these chunks; inside an expression they are what is "
           "computed "
           "at once and what reductions are cut by.",
    .params = {OPS_X, {"chunks", CHK_PAR_ANY, NULL, false}},
    .flags = CHK_OP_SAME_VALUES,
    .build = build_rechunk,
    .make = make_rechunk,
};
