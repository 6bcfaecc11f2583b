/* map_overlap.c: a caller's function on blocks together with what lies around them, as dask.array's map_overlap has it.
 *
 * Its boundaries have dask.array.overlap's names. "reflect" there repeats the edge (c b a | a b c), which numpy.pad calls "symmetric" and scipy.ndimage
 * "reflect"; numpy.pad's "reflect" and scipy.ndimage's "mirror" are none of them. */
#include <string.h>

#include "ops/blocks.h"

/* The entry for axis `axis` of an argument that is one value or has one an axis. */
static chunk_status entry(const chk_value **out, const chk_value *v, int axis, int ndim, const char *what, chunk_error *err)
{
    *out = v;
    if (v->kind != CHK_VAL_TUPLE) return CHUNK_OK;
    if (v->u.tuple.n != ndim)
        return chk_fail(err, CHUNK_EINVAL, "map_overlap: %s has %d entries for %d dimensions", what, v->u.tuple.n, ndim);
    *out = &v->u.tuple.item[axis];
    return CHUNK_OK;
}

static chunk_status read_depth(blocks_halo *h, const chk_value *v, int axis, int ndim, chunk_error *err)
{
    const chk_value *e;
    if (ops_absent(v)) return CHUNK_OK;
    CHK_TRY(entry(&e, v, axis, ndim, "depth", err));
    bool sides = e->kind == CHK_VAL_TUPLE;
    if (sides && e->u.tuple.n != 2)
        return chk_fail(err, CHUNK_EINVAL, "map_overlap: depth of axis %d must be a number, or one before and one behind", axis);
    CHK_TRY(chk_value_int(&h->before, sides ? &e->u.tuple.item[0] : e, "map_overlap", "depth", err));
    CHK_TRY(chk_value_int(&h->after, sides ? &e->u.tuple.item[1] : e, "map_overlap", "depth", err));
    if (h->before < 0 || h->after < 0 || h->before > INT32_MAX || h->after > INT32_MAX)
        return chk_fail(err, CHUNK_EINVAL, "map_overlap: depth of axis %d must be 0 to %d, got (%lld, %lld)", axis, INT32_MAX,
                        (long long)h->before, (long long)h->after);
    return CHUNK_OK;
}

/* *fill is set where the edge is constant. */
static chunk_status read_boundary(blocks_halo *h, const chk_value **fill, const chk_value *v, int axis, int ndim, chunk_error *err)
{
    static const struct {
        const char *name;
        int edge;
    } names[] = {
        {"none", BLOCKS_EDGE_NONE}, {"nearest", CHK_EDGE_NEAREST}, {"periodic", CHK_EDGE_WRAP}, {"reflect", CHK_EDGE_REFLECT}};
    const chk_value *e;
    CHK_TRY(entry(&e, v, axis, ndim, "boundary", err));
    h->edge = BLOCKS_EDGE_NONE;
    if (ops_absent(e)) return CHUNK_OK;
    if (e->kind != CHK_VAL_STRING) {
        h->edge = CHK_EDGE_CONSTANT;
        *fill = e;
        return CHUNK_OK;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(e->u.s, names[i].name)) continue;
        h->edge = names[i].edge;
        return CHUNK_OK;
    }
    return chk_fail(
        err, CHUNK_ENAME,
        "map_overlap: boundary '%.40s' is none of 'none', 'nearest', 'periodic', 'reflect', and a number for a constant", e->u.s);
}

static chunk_status read_fill(chk_scalar *out, chk_builder *b, const chk_value *v, chk_dtype d, chunk_error *err)
{
    chk_node *n, *cast;
    CHK_TRY(chk_value_node(&n, b, v, "map_overlap", err));
    chunk_status st = ops_fit(&cast, b, n, d, err);
    chk_node_release(n);
    CHK_TRY(st);
    bool constant = cast->kind == CHK_NODE_SCALAR && cast->dtype == d;
    if (constant) *out = cast->u.scalar;
    chk_node_release(cast);
    return constant ? CHUNK_OK : chk_fail(err, CHUNK_ETYPE, "map_overlap: boundary must be a name or a plain number");
}

/* Halos along the axes of the blocks; those of an input along its axes that are cut as the blocks are. */
static chunk_status read_halos(blocks_call *c, chk_builder *b, const chk_value *depth, const chk_value *boundary, chunk_error *err)
{
    blocks_halo halo[CHK_MAX_NDIM] = {{0, 0, 0}};
    const chk_value *fill = NULL;
    for (int a = 0; a < c->ndim; a++) {
        const chk_value *before = fill;
        CHK_TRY(read_depth(&halo[a], depth, a, c->ndim, err));
        CHK_TRY(read_boundary(&halo[a], &fill, boundary, a, c->ndim, err));
        chk_scalar one, two;
        if (!before || before == fill) continue;
        CHK_TRY(read_fill(&one, b, before, c->in[0]->dtype, err));
        CHK_TRY(read_fill(&two, b, fill, c->in[0]->dtype, err));
        if (memcmp(one.v.bytes, two.v.bytes, chk_dtype_size(c->in[0]->dtype)))
            return chk_fail(err, CHUNK_EUNSUPPORTED,
                            "map_overlap: boundary has two different constants: they must be the same on all axes");
    }
    for (int i = 0; i < c->n_in; i++) {
        if (fill) CHK_TRY(read_fill(&c->fill[i], b, fill, c->in[i]->dtype, err));
        for (int a = 0; a < c->in[i]->shape.ndim; a++)
            if (c->in[i]->shape.dim[a] != 1 || c->n_in == 1) c->halo[i][a] = halo[c->label[i][a]];
    }
    return CHUNK_OK;
}

static chunk_status build_map_overlap(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    blocks_call c;
    chunk_status st = blocks_start(&c, b, op, &args[0], false, &args[1], &args[4], err);
    c.chunks = &args[5];
    c.blocks = &args[6];
    if (st == CHUNK_OK) {
        blocks_label_broadcast(&c);
        st = read_halos(&c, b, &args[2], &args[3], err);
    }
    if (st == CHUNK_OK) st = blocks_make(out, b, &c, err);
    blocks_done(&c);
    return st;
}

const chk_op chk_op_map_overlap = {
    .name = "map_overlap",
    .family = "blocks",
    .summary = "A registered function of the caller's on each block of arrays and what lies around it",
    .doc =
        "As map_blocks, but tiles of arrays reach beyond the block: depth elements at each side, a number, or an entry an axis, "
        "each a "
        "number or (before, behind). boundary: what lies beyond the ends of an array, one for all or an entry an axis, by "
        "dask.array.overlap's names: 'none' (the tile ends there), 'nearest', 'periodic', 'reflect' (c b a | a b c: numpy.pad "
        "calls it symmetric), or a number. The function writes the block itself, which nothing is trimmed from: its first element "
        "is element out->lo - in->lo of the tile. Axes of one element have no halo where there are several arrays. The halo may be "
        "larger than chunks and arrays are. Memory of a worker: as map_blocks, tiles with their halo.",
    .params = {{"function", CHK_PAR_FUNCTION, NULL, false},
               {"arrays", CHK_PAR_STAR_ARRAYS, NULL, false},
               {"depth", CHK_PAR_ANY, "0", true},
               {"boundary", CHK_PAR_ANY, "'none'", true},
               {"dtype", CHK_PAR_DTYPE, "None", true},
               {"chunks", CHK_PAR_ANY, "None", true},
               {"blocks", CHK_PAR_ANY, "None", true}},
    .flags = CHK_OP_CALLERS_CODE,
    .build = build_map_overlap,
    .local = &blocks_local,
};
