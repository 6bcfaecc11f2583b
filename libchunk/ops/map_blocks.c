/* map_blocks.c: a caller's function on blocks of arrays, as dask.array's map_blocks and blockwise have it. */
#include <string.h>

#include "ops/blocks.h"

/* None, a whole number, or a tuple of them: as a bit set of axes of ndim. */
static chunk_status axis_set(uint32_t *out, const chk_value *v, int ndim, const char *what, chunk_error *err)
{
    *out = 0;
    if (ops_absent(v)) return CHUNK_OK;
    return chk_value_axes(out, v, ndim, what, err);
}

/* The labels of the result: those of the blocks without drop_axis, with new ones (of one block) put in at new_axis. */
static chunk_status place_axes(blocks_call *c, const chk_value *drop, const chk_value *add, chunk_error *err)
{
    uint32_t dropped, added;
    int n_new = ops_absent(add) ? 0 : add->kind == CHK_VAL_TUPLE ? add->u.tuple.n : 1, kept[CHK_MAX_NDIM], n = 0;
    CHK_TRY(axis_set(&dropped, drop, c->ndim, "map_blocks: drop_axis", err));
    for (int m = 0; m < c->ndim; m++)
        if (!(dropped >> m & 1)) kept[n++] = m;
    if (n + n_new > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "map_blocks: %d dimensions, at most %d are possible", n + n_new, CHK_MAX_NDIM);
    CHK_TRY(axis_set(&added, add, n + n_new, "map_blocks: new_axis", err));
    c->ndim = n + n_new;
    for (int a = 0, k = 0; a < c->ndim; a++) {
        bool fresh = added >> a & 1;
        c->out[a] = fresh ? -1 - a : kept[k++];
        c->extent[a] = fresh ? 1 : -1;
    }
    return CHUNK_OK;
}

static chunk_status build_map_blocks(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    blocks_call c;
    chunk_status st = blocks_start(&c, b, op, &args[0], false, &args[1], &args[2], err);
    c.chunks = &args[3];
    c.blocks = &args[6];
    if (st == CHUNK_OK) {
        blocks_label_broadcast(&c);
        st = place_axes(&c, &args[4], &args[5], err);
    }
    if (st == CHUNK_OK) st = blocks_make(out, b, &c, err);
    blocks_done(&c);
    return st;
}

#define DTYPE                                                                                                                      \
    {                                                                                                                              \
        "dtype", CHK_PAR_DTYPE, "None", true                                                                                       \
    }
#define CHUNKS                                                                                                                     \
    {                                                                                                                              \
        "chunks", CHK_PAR_ANY, "None", true                                                                                        \
    }
#define BLOCKS                                                                                                                     \
    {                                                                                                                              \
        "blocks", CHK_PAR_ANY, "None", true                                                                                        \
    }
#define MEMORY_DOC                                                                                                                 \
    "Memory of a worker: a block of the result, its tile of every array, and the scratch that the function was registered with. "  \
    "The function is called once a block where what reads the result goes along its chunks; else the result is kept first."

const chk_op chk_op_map_blocks = {
    .name = "map_blocks",
    .family = "blocks",
    .summary = "A registered function of the caller's on each block of arrays",
    .doc = "As dask.array.map_blocks. function: registered by chunk_register_blocks. The blocks are the chunks of the first array "
           "that has more than one element along an axis, or blocks=(n, m) cuts it anew; arrays of the same extent are cut alike, "
           "others need as many chunks as there are blocks, or one chunk or element, which every block gets. Axes are matched from "
           "the last one on. chunks: the extents of the result's blocks where they are not the input's: an entry an axis, None, a "
           "number, or a tuple with one a block. drop_axis: axes of the blocks that the result lacks (a block gets all of them); "
           "new_axis: axes of the result that are new, of extent 1 or as chunks says. dtype: else as registered, else the first "
           "array's. " MEMORY_DOC,
    .params = {{"function", CHK_PAR_FUNCTION, NULL, false},
               {"arrays", CHK_PAR_STAR_ARRAYS, NULL, false},
               DTYPE,
               CHUNKS,
               {"drop_axis", CHK_PAR_AXIS, "None", true},
               {"new_axis", CHK_PAR_AXIS, "None", true},
               BLOCKS},
    .flags = CHK_OP_CALLERS_CODE,
    .build = build_map_blocks,
    .local = &blocks_local,
};

/* Letters of an index text as labels. */
static chunk_status read_index(int *label, const chk_value *v, int want, const char *whose, chunk_error *err)
{
    const char *s = v->kind == CHK_VAL_STRING ? v->u.s : NULL;
    size_t n = s ? strlen(s) : 0, letters = s ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;
    if (!s || letters != n || n > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EINVAL, "blockwise: the index of %s must be a text of letters, one an axis, like 'ij'", whose);
    if (want >= 0 && (int)n != want)
        return chk_fail(err, CHUNK_EINVAL, "blockwise: index '%s' has %zu letters for the %d dimensions of %s", s, n, want, whose);
    for (size_t i = 0; i < n; i++) {
        label[i] = s[i];
        if (memchr(s, s[i], i)) return chk_fail(err, CHUNK_EINVAL, "blockwise: '%c' is twice in index '%s'", s[i], s);
    }
    return CHUNK_OK;
}

/* Axes that are only in inputs: whole in every block, so of one extent. */
static chunk_status check_whole(const blocks_call *c, chunk_error *err)
{
    int64_t extent[128] = {0};
    for (int i = 0; i < c->n_in; i++) {
        for (int a = 0; a < c->in[i]->shape.ndim; a++) {
            int letter = c->label[i][a];
            int64_t dim = c->in[i]->shape.dim[a], *had = &extent[letter];
            bool in_result = false;
            for (int k = 0; k < c->ndim; k++) in_result |= c->out[k] == letter;
            if (in_result) continue;
            if (*had > 1 && dim > 1 && *had != dim)
                return chk_fail(err, CHUNK_ESHAPE, "blockwise: axis '%c' has %lld elements in one array and %lld in another",
                                letter, (long long)*had, (long long)dim);
            if (dim > *had) *had = dim;
        }
    }
    return CHUNK_OK;
}

static chunk_status build_blockwise(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    blocks_call c = {.n_in = 0};
    chk_value array[CHK_USER_INPUTS];
    const chk_value *list = args[2].kind == CHK_VAL_TUPLE ? args[2].u.tuple.item : NULL;
    int n = list ? args[2].u.tuple.n : 0;
    if (n < 2 || n % 2 || n / 2 > CHK_USER_INPUTS)
        return chk_fail(err, CHUNK_EINVAL, "blockwise: give 1 to %d arrays, each with its index behind it", CHK_USER_INPUTS);
    for (int i = 0; i < n / 2; i++) array[i] = list[2 * i];
    chk_value arrays = {.kind = CHK_VAL_TUPLE, .u.tuple = {array, n / 2}};
    chunk_status st = blocks_start(&c, b, op, &args[0], false, &arrays, &args[3], err);
    c.chunks = &args[4];
    c.blocks = &args[5];
    if (st == CHUNK_OK) st = read_index(c.out, &args[1], -1, "the result", err);
    if (st == CHUNK_OK) c.ndim = (int)strlen(args[1].u.s);
    for (int i = 0; i < c.n_in && st == CHUNK_OK; i++) {
        char whose[24] = "array 0";
        whose[6] = (char)('0' + i);
        st = read_index(c.label[i], &list[2 * i + 1], c.in[i]->shape.ndim, whose, err);
    }
    if (st == CHUNK_OK) st = check_whole(&c, err);
    if (st == CHUNK_OK) st = blocks_make(out, b, &c, err);
    blocks_done(&c);
    return st;
}

const chk_op chk_op_blockwise = {
    .name = "blockwise",
    .family = "blocks",
    .summary = "A registered function of the caller's on blocks of arrays whose axes are named by letters",
    .doc =
        "As dask.array.blockwise with concatenate=True: blockwise(f, \"ik\", x, \"ij\", y, \"jk\"). A letter that only arrays "
        "have is an axis that a block gets all of; one that only the result has is a new axis, whose extent chunks says. Blocks, "
        "chunks and dtype as for map_blocks, an entry a letter of the result. " MEMORY_DOC,
    .params = {{"function", CHK_PAR_FUNCTION, NULL, false},
               {"out_index", CHK_PAR_STRING, NULL, false},
               {"arguments", CHK_PAR_STAR_ANY, NULL, false},
               DTYPE,
               CHUNKS,
               BLOCKS},
    .flags = CHK_OP_CALLERS_CODE,
    .build = build_blockwise,
    .local = &blocks_local,
};
