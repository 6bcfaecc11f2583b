/* keep.c: recompute or keep? A value that passes of different levels use is computed again in each, and what a stencil reads is computed again in the
 * halo of each block, unless writing it once and reading it back is estimated to be cheaper by a fifth. Results do not depend on the choice, only time
 * does. */
#include <string.h>

#include "base/alloc.h"
#include "plan/local.h"
#include "plan/lower.h"

/* Nanoseconds of one core, measured on the class of machine that docs/benchmark.md names, rounded: they only have to be right within a factor. */
#define NS_CHEAP 0.15 /* an addition on an element in L1 */
#define NS_DIVIDE 0.6
#define NS_FUNCTION 1.5 /* exp, sin, log, ... */
#define NS_POW 4.0
#define NS_COMPLEX 20.0 /* any complex function: scalar code */
#define NS_USER 3.0
#define NS_READ_BYTE 0.1   /* page cache to register */
#define NS_DECODE_BYTE 0.8 /* deflate */
#define NS_WRITE_BYTE 0.25 /* new pages of a file */

typedef struct use {
    const chk_node *node;
    uint64_t levels; /* bit l: a pass of level l uses it */
    double ns;       /* to compute one element, inputs included */
} use;

typedef struct uses {
    use *use;
    int n;
    const chk_lower *l;
} uses;

enum { MAX_USES = 512, MAX_DEPTH = 200, MAX_KEPT = 16 };

static double cost_of(const chk_node *n)
{
    if (n->kind == CHK_NODE_USER) return NS_USER;
    if (n->kind == CHK_NODE_CUSTOM) return chk_op_local(n) ? chk_op_local(n)->ns : 0;
    if (n->kind != CHK_NODE_MAP) return 0;
    if (chk_dtype_kind(n->u.map.compute) == CHK_KIND_COMPLEX && n->u.map.fn >= CHK_FN_SQRT) return NS_COMPLEX;
    switch (n->u.map.fn) {
    case CHK_FN_POW: return NS_POW;
    case CHK_FN_DIV:
    case CHK_FN_FLOORDIV:
    case CHK_FN_MOD:
    case CHK_FN_FMOD:
    case CHK_FN_SQRT:
    case CHK_FN_RECIPROCAL: return NS_DIVIDE;
    default: break;
    }
    bool function = (n->u.map.fn >= CHK_FN_CBRT && n->u.map.fn <= CHK_FN_ATANH) || n->u.map.fn == CHK_FN_ATAN2 ||
                    n->u.map.fn == CHK_FN_HYPOT || n->u.map.fn == CHK_FN_LOGADDEXP;
    return function ? NS_FUNCTION : NS_CHEAP;
}

/* Nanoseconds an element of n's value: each part once, as a pass computes it. */
static chunk_status estimate(double *ns, const chk_lower *l, const chk_node *n, chk_nodeset *seen, int depth, chunk_error *err)
{
    bool fresh;
    double size = (double)chk_dtype_size(n->dtype);
    CHK_TRY(chk_nodeset_add(seen, n, &fresh, err));
    if (!fresh || depth > MAX_DEPTH) return CHUNK_OK;
    if (n->kind == CHK_NODE_SOURCE || chk_lower_find(l, n)) {
        *ns += size * (n->kind != CHK_NODE_SOURCE || n->u.source->cuttable ? NS_READ_BYTE : NS_DECODE_BYTE);
        return CHUNK_OK;
    }
    *ns += cost_of(n);
    for (int i = 0; i < n->n_in; i++)
        if (2 * chk_shape_count(&n->in[i]->shape) > chk_shape_count(&n->shape))
            CHK_TRY(estimate(ns, l, n->in[i], seen, depth + 1, err));
    return CHUNK_OK;
}

static bool may_be_kept(const chk_node *n) { return n->kind == CHK_NODE_MAP || n->kind == CHK_NODE_USER || chk_op_local(n); }

/* Enters the values that one pass computes at full size: a value counts from its topmost node on. */
static chunk_status collect(uses *u, const chk_node *n, int64_t space, int level, chk_nodeset *seen, int depth, chunk_error *err)
{
    bool fresh;
    if (depth > MAX_DEPTH || n->kind == CHK_NODE_SOURCE || (depth > 0 && chk_lower_find(u->l, n))) return CHUNK_OK;
    CHK_TRY(chk_nodeset_add(seen, n, &fresh, err));
    if (!fresh) return CHUNK_OK;
    if (may_be_kept(n) && chk_shape_count(&n->shape) == space) {
        int i = 0;
        while (i < u->n && u->use[i].node != n) i++;
        if (i == u->n && u->n < MAX_USES) u->use[u->n++] = (use){.node = n};
        if (i < u->n) {
            if (u->use[i].levels >> level & 1) return CHUNK_OK; /* seen in this pass, with all below */
            u->use[i].levels |= (uint64_t)1 << level;
        }
    }
    for (int i = 0; i < n->n_in; i++) CHK_TRY(collect(u, n->in[i], space, level, seen, depth + 1, err));
    return CHUNK_OK;
}

static bool worth_keeping(const use *u)
{
    int n = __builtin_popcountll(u->levels);
    double size = (double)chk_dtype_size(u->node->dtype), keep = size * (NS_WRITE_BYTE + n * NS_READ_BYTE);
    return n > 1 && (n - 1) * u->ns > 1.2 * keep;
}

static chunk_status collect_all(uses *u, chunk_error *err)
{
    for (int i = 0; i < u->l->n_items; i++) {
        const chk_item *it = u->l->item[i];
        if (it->level < 0 || it->level >= 64) continue;
        if (it->kind == CHK_ITEM_TARGET && chk_lower_find(u->l, it->root)) continue; /* reads what another item has computed */
        chk_nodeset seen = {0};
        int depth = it->kind == CHK_ITEM_TARGET || it->root_is_self ? 0 : 1;
        chunk_status st = collect(u, it->root, chk_shape_count(&it->root->shape), it->level, &seen, depth, err);
        chk_nodeset_done(&seen);
        if (st != CHUNK_OK) return st;
    }
    return CHUNK_OK;
}

/* The first values found, from the top of each expression, that are worth it; nothing inside them. */
static chunk_status choose(chk_lower *l, uses *u, chk_nodeset *inside, chunk_error *err)
{
    for (int i = 0; i < u->n && l->kept.n < MAX_KEPT; i++) {
        use *v = &u->use[i];
        bool fresh;
        if (__builtin_popcountll(v->levels) < 2 || chk_shape_count(&v->node->shape) * 8 < CHK_DENSE_BYTES ||
            chk_nodeset_has(inside, v->node))
            continue;
        chk_nodeset seen = {0};
        chunk_status st = estimate(&v->ns, l, v->node, &seen, 0, err);
        chk_nodeset_done(&seen);
        CHK_TRY(st);
        if (!worth_keeping(v)) continue;
        CHK_TRY(chk_nodeset_add(&l->kept, v->node, &fresh, err));
        CHK_TRY(chk_nodeset_add_all(inside, v->node, err));
    }
    return CHUNK_OK;
}

/* ---- stencils over stencils */

/* Where a walk down nested stencils has come to, from the result of a pass on. */
typedef struct nest {
    chk_lower *l;
    chk_nodeset *seen;
    double blocks; /* of the result */
    double extra;  /* nanoseconds an element that halos have cost so far */
} nest;

enum { NOMINAL_BLOCK = 64 << 10, LAYER_DEPTH = 8 }; /* elements that blocks have under a ceiling with room (fused.c) */

static void nominal_block(int64_t *extent, const chk_node *n)
{
    int64_t count = 1;
    for (int a = n->shape.ndim - 1; a >= 0; a--) {
        int64_t chunk = chk_axis_max_chunk(&n->grid.axis[a]), most = NOMINAL_BLOCK / count;
        extent[a] = chunk < most ? chunk : most;
        if (extent[a] < 1) extent[a] = 1;
        count *= extent[a];
    }
}

static chunk_status walk(nest at, const chk_node *n, const int64_t *extent, int depth, chunk_error *err);

/* A new pass begins at n. */
static chunk_status walk_pass(chk_lower *l, chk_nodeset *seen, const chk_node *n, int depth, chunk_error *err)
{
    int64_t extent[CHK_MAX_NDIM];
    if (chk_shape_count(&n->shape) == 0) return CHUNK_OK;
    nominal_block(extent, n);
    nest at = {l, seen, (double)chk_shape_count(&n->shape) / (double)chk_extent_count(n->shape.ndim, extent), 0};
    return walk(at, n, extent, depth, err);
}

/* Nanoseconds an element of n down to the next stencils, themselves included; what stands in it twice counts twice. */
static double layer(const chk_lower *l, const chk_node *n, int depth)
{
    double ns = chk_lower_is_there(l, n) ? 0 : cost_of(n);
    for (int i = 0; i < n->n_in && n->kind == CHK_NODE_MAP && ns > 0 && depth > 0; i++) ns += layer(l, n->in[i], depth - 1);
    return ns;
}

/* An input of a stencil, of which each block needs a box of `extent`. Along a chain of equal stencils halos grow by the same amount at each, and time is
 * least where they have cost as much as a store when one comes. */
static chunk_status walk_input(nest at, const chk_node *in, const int64_t *extent, int depth, chunk_error *err)
{
    double count = (double)chk_shape_count(&in->shape), size = (double)chk_dtype_size(in->dtype), ns = 0;
    double times = at.blocks * (double)chk_extent_count(in->shape.ndim, extent) / count; /* that each element is computed */
    double keep = 1.2 * size * (NS_WRITE_BYTE + times * NS_READ_BYTE);
    if (times > 1) at.extra += (times - 1) * layer(at.l, in, LAYER_DEPTH);
    if (may_be_kept(in) && at.extra > keep && count * size >= CHK_DENSE_BYTES && at.l->kept.n < MAX_KEPT) {
        chk_nodeset below = {0};
        chunk_status st = estimate(&ns, at.l, in, &below, 0, err);
        chk_nodeset_done(&below);
        CHK_TRY(st);
        if ((times - 1) * ns > keep) {
            bool fresh;
            CHK_TRY(chk_nodeset_add(&at.l->kept, in, &fresh, err));
            return walk_pass(at.l, at.seen, in, depth, err);
        }
    }
    return walk(at, in, extent, depth, err);
}

static chunk_status walk(nest at, const chk_node *n, const int64_t *extent, int depth, chunk_error *err)
{
    const chk_local *local = chk_op_local(n);
    bool fresh;
    CHK_TRY(chk_nodeset_add(at.seen, n, &fresh, err));
    if (!fresh || depth > MAX_DEPTH || (n->kind != CHK_NODE_MAP && !local)) return CHUNK_OK;
    for (int i = 0; i < n->n_in; i++) {
        const chk_node *in = n->in[i];
        if (chk_lower_is_there(at.l, in) || in->shape.ndim != n->shape.ndim || chk_shape_count(&in->shape) == 0) continue;
        if (!local) {
            CHK_TRY(walk(at, in, extent, depth + 1, err));
        } else if (chk_local_halo(n, i, NULL)) {
            int64_t in_extent[CHK_MAX_NDIM];
            local->reads(n, i, extent, in_extent);
            for (int a = 0; a < in->shape.ndim; a++)
                if (in_extent[a] > in->shape.dim[a]) in_extent[a] = in->shape.dim[a];
            CHK_TRY(walk_input(at, in, in_extent, depth + 1, err));
        }
    }
    return CHUNK_OK;
}

static chunk_status choose_in_nests(chk_lower *l, chunk_error *err)
{
    int n_items = l->n_items;
    chunk_status st = CHUNK_OK;
    chk_nodeset seen = {0};
    for (int i = 0; i < n_items && st == CHUNK_OK; i++)
        if (l->item[i]->kind != CHK_ITEM_CUSTOM) st = walk_pass(l, &seen, l->item[i]->root, 0, err);
    chk_nodeset_done(&seen);
    return st;
}

chunk_status chk_lower_choose_kept(chk_lower *l, chunk_error *err)
{
    uses u = {.use = chk_calloc(MAX_USES, sizeof *u.use), .l = l};
    if (!u.use) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    chk_nodeset inside = {0};
    chunk_status st = collect_all(&u, err);
    if (st == CHUNK_OK) st = choose(l, &u, &inside, err);
    if (st == CHUNK_OK) st = choose_in_nests(l, err);
    chk_nodeset_done(&inside);
    chk_free(u.use);
    return st;
}
