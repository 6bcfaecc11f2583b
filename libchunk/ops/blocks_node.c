/* blocks_node.c: blocks.h as a local operation: which tiles a block needs, how large they are, and the call of the caller's function. */
#include <stdio.h>
#include <string.h>

#include "include/chunk.h"
#include "ops/blocks.h"

static const chk_user_op *fn_of(const chk_node *n)
{
    return (const chk_user_op *)(intptr_t)((const blocks_head *)n->u.custom.attr)->fn;
}

static const blocks_input *input_of(const chk_node *n, int input)
{
    const int64_t *at = n->u.custom.attr + sizeof(blocks_head) / sizeof *at;
    for (int i = 0; i < input; i++) at += (sizeof(blocks_input) + (size_t)n->in[i]->shape.ndim * sizeof(blocks_axis)) / sizeof *at;
    return (const blocks_input *)at;
}

static chk_axis_grid cut_of(const chk_node *n, const blocks_axis *x)
{
    const chk_axis_grid *g = &n->in[x->like_in]->grid.axis[x->like_axis];
    return x->chunk ? chk_axis_regular(g->extent, x->chunk) : *g;
}

/* The largest tile of an input. */
static void max_tile(const chk_node *n, int input, int64_t *extent)
{
    const blocks_input *in = input_of(n, input);
    for (int a = 0; a < n->in[input]->shape.ndim; a++) {
        const blocks_axis *x = &in->axis[a];
        int64_t dim = n->in[input]->shape.dim[a];
        chk_axis_grid g = cut_of(n, x);
        extent[a] = x->out < 0 ? dim : chk_axis_max_chunk(&g);
        if (__builtin_add_overflow(extent[a], x->before + x->after, &extent[a])) extent[a] = INT64_MAX;
        if (x->edge == BLOCKS_EDGE_NONE && extent[a] > dim) extent[a] = dim;
    }
}

static void blocks_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)extent;
    max_tile(n, input, in_extent);
}

/* Elements of the largest tile, or of the largest item of a generalised function. */
static int64_t most_elements(const chk_node *n)
{
    const chk_user_block *f = &fn_of(n)->block;
    int64_t extent[CHK_MAX_NDIM], most = 1;
    for (int i = 0; i <= n->n_in && f->loop; i++) {
        const chk_shape *s = i < n->n_in ? &n->in[i]->shape : &n->shape;
        int n_core = f->signature.ndim[i];
        int64_t count = chk_extent_count(n_core, s->dim + s->ndim - n_core);
        if (count > most) most = count;
    }
    if (f->loop) return most;
    for (int a = 0; a < n->shape.ndim; a++) extent[a] = chk_axis_max_chunk(&n->grid.axis[a]);
    most = chk_extent_count(n->shape.ndim, extent);
    for (int i = 0; i < n->n_in; i++) {
        max_tile(n, i, extent);
        int64_t count = chk_extent_count(n->in[i]->shape.ndim, extent);
        if (count > most) most = count;
    }
    return most;
}

static size_t fn_scratch(const chk_node *n)
{
    const chk_user_block *f = &fn_of(n)->block;
    if (!f->scratch_per_element) return f->scratch_bytes;
    size_t bytes, limit = (size_t)INT64_MAX >> 4;
    if (__builtin_mul_overflow((size_t)most_elements(n), f->scratch_per_element, &bytes) || bytes > limit) bytes = limit;
    return bytes + f->scratch_bytes;
}

static size_t blocks_scratch(const chk_node *n, const int64_t *extent)
{
    (void)extent;
    size_t bytes = chk_arena_cost(fn_scratch(n));
    for (int i = 0; i < n->n_in; i++) {
        int64_t tile[CHK_MAX_NDIM];
        max_tile(n, i, tile);
        bytes += chk_arena_cost(chk_extent_bytes(n->in[i]->shape.ndim, tile, n->in[i]->dtype));
    }
    return bytes;
}

/* The tile of an input that block `at` of the result needs, halo included. */
static void tile_box(const chk_node *n, int input, const int64_t *at, chk_box *out)
{
    const blocks_input *in = input_of(n, input);
    out->ndim = n->in[input]->shape.ndim;
    for (int a = 0; a < out->ndim; a++) {
        const blocks_axis *x = &in->axis[a];
        int64_t dim = n->in[input]->shape.dim[a];
        chk_axis_grid g = cut_of(n, x);
        out->lo[a] = (x->out < 0 ? 0 : chk_axis_bound(&g, at[x->out])) - x->before;
        out->hi[a] = (x->out < 0 ? dim : chk_axis_bound(&g, at[x->out] + 1)) + x->after;
        if (x->edge != BLOCKS_EDGE_NONE) continue;
        if (out->lo[a] < 0) out->lo[a] = 0;
        if (out->hi[a] > dim) out->hi[a] = dim;
    }
}

static void block_of(const chk_node *n, const chk_box *box, int64_t *at)
{
    for (int a = 0; a < n->shape.ndim; a++) at[a] = chk_axis_find(&n->grid.axis[a], box->lo[a]);
}

static chunk_status read_tile(const chk_local_call *c, int input, const chk_box *box, void *dest, chunk_error *err)
{
    const blocks_input *in = input_of(c->node, input);
    chk_edge edge[CHK_MAX_NDIM];
    for (int a = 0; a < box->ndim; a++)
        edge[a] = in->axis[a].edge == BLOCKS_EDGE_NONE ? CHK_EDGE_NEAREST : (chk_edge)in->axis[a].edge;
    return chk_halo_read(c, input, box, edge, in->fill, dest, err);
}

static chunk_status failed(const chk_node *n, const int64_t *at, int code, chunk_error *err)
{
    char text[200];
    chk_shape block = {.ndim = n->shape.ndim};
    memcpy(block.dim, at, (size_t)n->shape.ndim * sizeof *at);
    return chk_fail(err, CHUNK_EUSER, "%s: the function registered as %s failed on block %s: it returned %d", n->name,
                    fn_of(n)->name, chk_shape_text(text, sizeof text, &block), code);
}

static chunk_status blocks_run(const chk_local_call *c, chunk_error *err)
{
    const chk_node *n = c->node;
    const chk_user_op *fn = fn_of(n);
    int64_t at[CHK_MAX_NDIM], n_blocks[CHK_MAX_NDIM], shape[CHK_MAX_NDIM], in_shape[CHK_USER_INPUTS][CHK_MAX_NDIM];
    chunk_tile in[CHK_USER_INPUTS], out = {c->out, (chunk_dtype)n->dtype, n->shape.ndim, shape, c->box->lo};
    chk_box box[CHK_USER_INPUTS];
    chunk_block b = {sizeof b, n->n_in, in, &out, at, n_blocks, NULL, fn_scratch(n)};
    char *memory = c->scratch;
    block_of(n, c->box, at);
    for (int a = 0; a < n->shape.ndim; a++) {
        n_blocks[a] = n->grid.axis[a].n_chunks;
        shape[a] = chk_box_extent(c->box, a);
    }
    for (int i = 0; i < n->n_in; i++) {
        chk_dtype d = n->in[i]->dtype;
        tile_box(n, i, at, &box[i]);
        for (int a = 0; a < box[i].ndim; a++) in_shape[i][a] = chk_box_extent(&box[i], a);
        CHK_TRY(read_tile(c, i, &box[i], memory, err));
        in[i] = (chunk_tile){memory, (chunk_dtype)d, box[i].ndim, in_shape[i], box[i].lo};
        memory += chk_arena_cost(chk_extent_bytes(box[i].ndim, in_shape[i], d));
    }
    if (b.scratch_bytes) b.scratch = memory;
    int code = fn->block.loop ? blocks_call_loop(fn, &b) : fn->block.run(fn->user, &b);
    return code == 0 ? CHUNK_OK : failed(n, at, code, err);
}

static bool blocks_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    int64_t at[CHK_MAX_NDIM];
    if (part >= n->n_in) return false;
    block_of(n, box, at);
    tile_box(n, part, at, in);
    for (int a = 0; a < in->ndim; a++) {
        if (in->lo[a] < 0) in->lo[a] = 0;
        if (in->hi[a] > n->in[part]->shape.dim[a]) in->hi[a] = n->in[part]->shape.dim[a];
    }
    *input = part;
    return true;
}

static bool is_one_to_one(const chk_node *n, int input)
{
    const blocks_input *in = input_of(n, input);
    uint32_t used = 0;
    for (int a = 0; a < n->in[input]->shape.ndim; a++) {
        const blocks_axis *x = &in->axis[a];
        if (x->out < 0 || x->before || x->after || x->like_in != input || x->like_axis != a || x->chunk) return false;
        used |= UINT32_C(1) << x->out;
    }
    for (int a = 0; a < n->shape.ndim; a++)
        if (n->grid.axis[a].n_chunks > 1 && !(used >> a & 1)) return false;
    return true;
}

/* As many results as tiles of 64 Ki elements make: blocks may give few elements for many. */
static int64_t work_of(const chk_node *n)
{
    int64_t extent[CHK_MAX_NDIM], results, most;
    for (int a = 0; a < n->shape.ndim; a++) extent[a] = chk_axis_max_chunk(&n->grid.axis[a]);
    results = most = chk_extent_count(n->shape.ndim, extent);
    for (int i = 0; i < n->n_in; i++) {
        max_tile(n, i, extent);
        int64_t count = chk_extent_count(n->in[i]->shape.ndim, extent);
        if (count > most) most = count;
    }
    double work = most > 0 ? (double)results * (64 << 10) / (double)most : 1;
    return work > 1 ? (int64_t)work : 1;
}

static bool is_serial(const chk_node *n) { return fn_of(n)->block.serial; }

/* ns: nobody knows what the function takes; enough that its result is kept rather than made twice. */
const chk_local blocks_local = {.reads = blocks_reads,
                                .scratch = blocks_scratch,
                                .run = blocks_run,
                                .part = blocks_part,
                                .whole = true,
                                .one_to_one = is_one_to_one,
                                .serial = is_serial,
                                .block_of = work_of,
                                .ns = 20};
