/* gufunc.c: generalised functions of the caller's over arrays: apply_gufunc, and apply_along_axis for functions of one lane.
 *
 * Items do not know of each other, so blocks may be of any size. They are the chunks of the first array along the loop dimensions, made smaller where
 * whole core dimensions would make tiles too large: a function of shapes and grids, like all blocks. */
#include <string.h>

#include "ops/blocks.h"
#include "ops/make.h"

enum { MOST_ELEMENTS = 1 << 20 }; /* of a tile, where blocks are not given */

/* Labels of core dimensions, as inputs have them (whole in every block) and as the result has them. */
enum { CORE_LABEL = 1000, RESULT_LABEL = 2000 };

/* Extents of the core dimensions: from the inputs, the signature, and for those of the result alone, sizes. */
static chunk_status core_extents(int64_t *extent, const blocks_call *c, const chk_value *sizes, chunk_error *err)
{
    const chk_signature *s = &c->fn->block.signature;
    const char *who = c->op->name;
    for (int d = 0; d < s->n_dims; d++) extent[d] = s->extent[d] ? s->extent[d] : -1;
    for (int i = 0; i < s->n_in; i++) {
        const chk_shape *shape = &c->in[i]->shape;
        if (shape->ndim < s->ndim[i])
            return chk_fail(err, CHUNK_ESHAPE, "%s: array %d of %s has %d core dimensions, the one given has %d dimensions", who, i,
                            c->fn->name, s->ndim[i], shape->ndim);
        for (int k = 0; k < s->ndim[i]; k++) {
            int d = s->dim[i][k];
            int64_t dim = shape->dim[shape->ndim - s->ndim[i] + k];
            if (extent[d] >= 0 && extent[d] != dim)
                return chk_fail(err, CHUNK_ESHAPE, "%s: core dimension %s of %s is %lld in array %d, and %lld before", who,
                                s->name[d], c->fn->name, (long long)dim, i, (long long)extent[d]);
            extent[d] = dim;
        }
    }
    int given = ops_absent(sizes) ? 0 : sizes->kind == CHK_VAL_TUPLE ? sizes->u.tuple.n : 1, used = 0;
    for (int d = s->n_input_dims; d < s->n_dims; d++) {
        if (extent[d] >= 0) continue;
        if (used == given)
            return chk_fail(err, CHUNK_EINVAL, "%s: no array has core dimension %s of %s: say its extent by output_sizes", who,
                            s->name[d], c->fn->name);
        CHK_TRY(
            chk_value_int(&extent[d], sizes->kind == CHK_VAL_TUPLE ? &sizes->u.tuple.item[used] : sizes, who, "output_sizes", err));
        if (extent[d] < 0) return chk_fail(err, CHUNK_EINVAL, "%s: output_sizes must not be negative", who);
        used++;
    }
    if (used < given)
        return chk_fail(err, CHUNK_EINVAL, "%s: output_sizes has %d entries for the %d dimensions that only the result of %s has",
                        who, given, used, c->fn->name);
    return CHUNK_OK;
}

/* Loop dimensions are matched from the last on; their extents must broadcast. */
static chunk_status label_loops(blocks_call *c, chunk_error *err)
{
    const chk_signature *s = &c->fn->block.signature;
    chk_shape loop = {.ndim = 0};
    for (int i = 0; i < s->n_in; i++) {
        chk_shape own = c->in[i]->shape;
        char had[160], got[160];
        own.ndim -= s->ndim[i];
        chk_shape_text(had, sizeof had, &loop);
        if (!chk_shape_broadcast(&loop, &loop, &own))
            return chk_fail(err, CHUNK_ESHAPE, "%s: loop dimensions %s and %s do not fit together", c->op->name, had,
                            chk_shape_text(got, sizeof got, &own));
    }
    c->ndim = loop.ndim;
    for (int a = 0; a < loop.ndim; a++) c->out[a] = a;
    for (int i = 0; i < s->n_in; i++) {
        int n_loop = c->in[i]->shape.ndim - s->ndim[i];
        for (int a = 0; a < n_loop; a++) c->label[i][a] = loop.ndim - n_loop + a;
        for (int k = 0; k < s->ndim[i]; k++) c->label[i][n_loop + k] = CORE_LABEL + s->dim[i][k];
    }
    return CHUNK_OK;
}

/* The chunk of the first array with more than one element along a loop dimension. */
static int64_t loop_chunk(const blocks_call *c, int label)
{
    for (int i = 0; i < c->n_in; i++)
        for (int a = 0; a < c->in[i]->shape.ndim; a++)
            if (c->label[i][a] == label && c->in[i]->shape.dim[a] > 1) return chk_axis_max_chunk(&c->in[i]->grid.axis[a]);
    return 1;
}

/* As given, or chunks halved along the outermost loop dimensions until the largest item's tile is of bearable size. */
static chunk_status choose_blocks(blocks_call *c, const int64_t *core, const chk_value *blocks, chunk_error *err)
{
    const chk_signature *s = &c->fn->block.signature;
    int n_given = ops_absent(blocks) ? 0 : blocks->kind == CHK_VAL_TUPLE ? blocks->u.tuple.n : 1;
    if (n_given && n_given != c->ndim)
        return chk_fail(err, CHUNK_EINVAL, "%s: blocks has %d entries for %d loop dimensions", c->op->name, n_given, c->ndim);
    for (int a = 0; a < n_given; a++) {
        const chk_value *v = blocks->kind == CHK_VAL_TUPLE ? &blocks->u.tuple.item[a] : blocks;
        CHK_TRY(chk_value_int(&c->cut[a], v, c->op->name, "blocks", err));
        if (c->cut[a] < 1)
            return chk_fail(err, CHUNK_EINVAL, "%s: blocks must be at least 1, got %lld", c->op->name, (long long)c->cut[a]);
    }
    if (n_given) return CHUNK_OK;
    double elements = 1, item = 1;
    for (int i = 0; i <= s->n_in; i++) {
        double n = 1;
        for (int k = 0; k < s->ndim[i]; k++) n *= (double)core[s->dim[i][k]];
        if (n > item) item = n;
    }
    for (int a = 0; a < c->ndim; a++) elements *= (double)loop_chunk(c, a);
    for (int a = 0; a < c->ndim && item * elements > MOST_ELEMENTS; a++) {
        int64_t chunk = loop_chunk(c, a), cut = chunk;
        while (cut > 1 && item * elements / (double)chunk * (double)cut > MOST_ELEMENTS) cut = (cut + 1) / 2;
        elements = elements / (double)chunk * (double)cut;
        if (cut < chunk) c->cut[a] = cut;
    }
    return CHUNK_OK;
}

static chunk_status make_gufunc(chk_node **out, chk_builder *b, blocks_call *c, const chk_value *sizes, const chk_value *blocks,
                                chunk_error *err)
{
    const chk_signature *s = &c->fn->block.signature;
    int64_t core[CHK_SIG_DIMS];
    CHK_TRY(core_extents(core, c, sizes, err));
    CHK_TRY(label_loops(c, err));
    CHK_TRY(choose_blocks(c, core, blocks, err));
    if (c->ndim + s->ndim[s->n_in] > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "%s: %d dimensions, at most %d are possible", c->op->name,
                        c->ndim + s->ndim[s->n_in], CHK_MAX_NDIM);
    for (int k = 0; k < s->ndim[s->n_in]; k++) {
        c->extent[c->ndim] = core[s->dim[s->n_in][k]];
        c->out[c->ndim++] = RESULT_LABEL + k;
    }
    return blocks_make(out, b, c, err);
}

static chunk_status build_apply_gufunc(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    blocks_call c;
    chunk_status st = blocks_start(&c, b, op, &args[0], true, &args[1], &args[2], err);
    if (st == CHUNK_OK) st = make_gufunc(out, b, &c, &args[3], &args[4], err);
    blocks_done(&c);
    return st;
}

const chk_op chk_op_apply_gufunc = {
    .name = "apply_gufunc",
    .family = "blocks",
    .summary = "A registered generalised function of the caller's, repeated over the dimensions that are not its own",
    .doc =
        "function: registered by chunk_register_gufunc with a signature like (i,j),(j)->(i). Its core dimensions are the last of "
        "each array, and whole in every tile; those before are the loop's and broadcast. output_sizes: extents of core dimensions "
        "that only the result has, in order. blocks: the extents in which the loop dimensions are cut, an entry each; by itself "
        "the "
        "chunks of the first array, halved until a tile has at most 2**20 elements. For other axes permute_dims or moveaxis "
        "first; they cost nothing. Memory of a worker: a tile of every array and of the result, and the scratch that the function "
        "was registered with.",
    .params = {{"function", CHK_PAR_FUNCTION, NULL, false},
               {"arrays", CHK_PAR_STAR_ARRAYS, NULL, false},
               {"dtype", CHK_PAR_DTYPE, "None", true},
               {"output_sizes", CHK_PAR_ANY, "None", true},
               {"blocks", CHK_PAR_ANY, "None", true}},
    .flags = CHK_OP_CALLERS_CODE,
    .build = build_apply_gufunc,
    .local = &blocks_local,
};

/* Axis `from` becomes `n` axes, which are the last ones there, moved to its place; or the other way round for n = 1 with back false. */
static chk_view move_axis(const chk_shape *base, int axis, int n, bool back)
{
    chk_view v = {.shape = *base, .base_ndim = base->ndim};
    for (int a = 0; a < base->ndim; a++) {
        int rest = base->ndim - n; /* axes that are not the lane's */
        int to = back ? (a >= rest ? axis + a - rest : a < axis ? a : a + n) : a == axis ? base->ndim - 1 : a - (a > axis);
        v.axis[a] = to;
        v.step[a] = 1;
        v.shape.dim[to] = base->dim[a];
    }
    return v;
}

static chunk_status build_along_axis(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    blocks_call c;
    int64_t want = 0;
    int axis = 0;
    chunk_status st = blocks_start(&c, b, op, &args[0], true, &args[2], &args[3], err);
    chk_node *made = NULL;
    const chk_signature *s = c.fn ? &c.fn->block.signature : NULL;
    if (st == CHUNK_OK && (s->n_in != 1 || s->ndim[0] != 1))
        st = chk_fail(err, CHUNK_EINVAL, "apply_along_axis: %s is not a function of one lane, (n)->...", c.fn->name);
    if (st == CHUNK_OK) st = ops_arg_int(&want, &args[1], 0, op->name, "axis", err);
    if (st == CHUNK_OK) st = chk_axis_normal(&axis, want, c.in[0]->shape.ndim, op->name, err);
    if (st == CHUNK_OK) {
        chk_view v = move_axis(&c.in[0]->shape, axis, 1, false);
        chk_node *moved;
        st = chk_node_view(&moved, b, c.in[0], &v, err);
        if (st == CHUNK_OK) {
            chk_node_release(c.in[0]);
            c.in[0] = moved;
        }
    }
    if (st == CHUNK_OK) st = make_gufunc(&made, b, &c, &args[4], &args[5], err);
    if (st == CHUNK_OK) {
        chk_view v = move_axis(&made->shape, axis, s->ndim[1], true);
        st = chk_node_view(out, b, made, &v, err);
        chk_node_release(made);
    }
    blocks_done(&c);
    return st;
}

const chk_op chk_op_apply_along_axis = {
    .name = "apply_along_axis",
    .family = "blocks",
    .summary = "A registered function of the caller's on every lane of an array along an axis",
    .doc = "As numpy.apply_along_axis. function: registered by chunk_register_gufunc with a signature of one lane, like (n)->(), "
           "(n)->(n) "
           "or (n)->(m); what it gives takes the axis's place. output_sizes says m. blocks: the extents in which the other axes "
           "are cut, in order. "
           "Memory of a worker: whole lanes, at most 2**20 elements of them or one unless blocks says other; see apply_gufunc.",
    .params = {{"function", CHK_PAR_FUNCTION, NULL, false},
               {"axis", CHK_PAR_INT, NULL, false},
               {"x", CHK_PAR_ARRAY, NULL, false},
               {"dtype", CHK_PAR_DTYPE, "None", true},
               {"output_sizes", CHK_PAR_ANY, "None", true},
               {"blocks", CHK_PAR_ANY, "None", true}},
    .flags = CHK_OP_CALLERS_CODE,
    .build = build_along_axis,
    .local = &blocks_local,
};
