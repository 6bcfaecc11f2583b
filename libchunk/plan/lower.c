/* lower.c: what must be computed before what. A reduction, a kept value, and a small value that a large space would compute again and again
 * (hoisting) each become an item with a level: one more than the highest level it reads. Recomputing everything else is the rule: fused
 * expressions cost less than writing and reading them would, unless the cost model below says otherwise. */
#include "plan/lower.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/op.h"
#include "plan/local.h"
#include "plan/region.h"
#include "plan/spill.h"

/* NOTHING: the level of what reads neither data nor items. Hoisted values made of that come on levels below 0, so that what uses them can still share
 * the first reading of the data, which is on level 0. */
enum { MAX_DEPTH = 1000, MAX_ITEMS = 4096, NOTHING = -(1 << 20), HOIST_RATIO = 4, HOIST_BYTES = 1 << 20 };

/* Operations by blocks that read one another in one pass: each takes some 8 KiB of a worker's stack. Below a value that several read there may be as many
 * again. */
enum { MOST_NESTED = 12 };

struct chk_seen {
    const chk_node *node;
    int64_t space;
    bool aligned; /* its reader goes along its chunks */
    int level;
};

static bool is_aligned(const chk_lower *l, const chk_node *n) { return l->along && chk_lower_grid_equal(l->along, &n->grid); }

static size_t seen_slot(const chk_lower *l, const chk_node *n, int64_t space, bool aligned)
{
    uint64_t h = ((uint64_t)(uintptr_t)n >> 4) * 0x9E3779B97F4A7C15u ^ (2 * (uint64_t)space + aligned) * 0xC2B2AE3D27D4EB4Fu;
    size_t i = (size_t)(h ^ h >> 31) & (l->cap_seen - 1);
    while (l->seen[i].node && !(l->seen[i].node == n && l->seen[i].space == space && l->seen[i].aligned == aligned))
        i = (i + 1) & (l->cap_seen - 1);
    return i;
}

static chunk_status remember(chk_lower *l, const chk_node *n, int64_t space, bool aligned, int level, chunk_error *err)
{
    if (2 * (l->n_seen + 1) > l->cap_seen) {
        struct chk_seen *old = l->seen;
        size_t old_cap = l->cap_seen;
        size_t cap = old_cap ? old_cap * 2 : 64;
        struct chk_seen *fresh = chk_calloc(cap, sizeof *fresh);
        if (!fresh) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
        l->seen = fresh;
        l->cap_seen = cap;
        for (size_t i = 0; i < old_cap; i++)
            if (old[i].node) l->seen[seen_slot(l, old[i].node, old[i].space, old[i].aligned)] = old[i];
        chk_free(old);
    }
    l->seen[seen_slot(l, n, space, aligned)] = (struct chk_seen){n, space, aligned, level};
    l->n_seen++;
    return CHUNK_OK;
}

const chk_item *chk_lower_find(const chk_lower *l, const chk_node *n)
{
    for (int i = 0; i < l->n_items; i++)
        if (l->item[i]->kind != CHK_ITEM_TARGET && l->item[i]->node == n) return l->item[i];
    return NULL;
}

bool chk_lower_is_there(const chk_lower *l, const chk_node *n)
{
    return n->kind == CHK_NODE_SOURCE || chk_nodeset_has(&l->kept, n) || chk_lower_find(l, n);
}

chunk_status chk_plan_region(chk_region **out, chk_plan *p, const char *name, chunk_error *err)
{
    chk_region **grown = chk_realloc(p->region, (size_t)(p->n_regions + 1) * sizeof *grown);
    if (grown) p->region = grown;
    chk_region *r = grown ? chk_calloc(1, sizeof *r) : NULL;
    if (!r) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    r->first = r->last = r->owner = -1;
    snprintf(r->name, sizeof r->name, "%s", name);
    p->region[p->n_regions++] = r;
    *out = r;
    return CHUNK_OK;
}

static chunk_status add_item(chk_lower *l, const chk_item *from, chk_item **out, chunk_error *err)
{
    if (l->n_items >= MAX_ITEMS)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "expression needs more than %d intermediate results", MAX_ITEMS);
    chk_item **grown = chk_realloc(l->item, (size_t)(l->n_items + 1) * sizeof *grown);
    if (grown) l->item = grown;
    chk_item *item = grown ? chk_malloc(sizeof *item) : NULL;
    if (!item) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    *item = *from;
    l->item[l->n_items++] = item;
    *out = item;
    return CHUNK_OK;
}

/* Does evaluating n once more cost anything worth a pass of its own? Constants and casts of stored values do not. */
static bool is_work(const chk_node *n, int depth)
{
    bool same = n->kind == CHK_NODE_CUSTOM && n->u.custom.op->flags & CHK_OP_SAME_VALUES;
    if (n->kind == CHK_NODE_USER || (n->kind == CHK_NODE_CUSTOM && !same)) return true;
    if (n->kind == CHK_NODE_VIEW || same) return is_work(n->in[0], depth);
    if (n->kind != CHK_NODE_MAP) return false;
    if (n->u.map.fn != CHK_FN_NONE) return true;
    return depth > 0 && is_work(n->in[0], depth - 1);
}

static bool should_hoist(const chk_node *n, int64_t space)
{
    int64_t count = chk_shape_count(&n->shape);
    if (count > HOIST_BYTES / (int64_t)chk_dtype_size(n->dtype)) return false;
    return space / HOIST_RATIO >= (count > 0 ? count : 1) && is_work(n, 8);
}

static chunk_status need_level(chk_lower *l, const chk_node *n, int64_t space, bool as_root, int depth, int *level,
                               chunk_error *err);

/* The same, as read along these chunks (NULL: along none). */
static chunk_status need_along(chk_lower *l, const chk_node *n, const chk_grid *along, int64_t space, bool as_root, int depth,
                               int *level, chunk_error *err)
{
    const chk_grid *before = l->along;
    l->along = along;
    chunk_status st = need_level(l, n, space, as_root, depth, level, err);
    l->along = before;
    return st;
}

chunk_status chk_lower_add_spill(chk_spill **out, chk_lower *l, chk_region *region, chk_dtype dtype, const chk_shape *shape,
                                 const chk_grid *grid, chunk_error *err)
{
    chk_plan *p = l->plan;
    chk_spill **grown = chk_realloc(p->spill, (size_t)(p->n_spills + 1) * sizeof *grown);
    if (grown) p->spill = grown;
    chk_spill *s = grown ? chk_malloc(sizeof *s) : NULL;
    if (!s) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    p->spill[p->n_spills++] = s;
    chk_spill_init(s, region, dtype, shape, grid);
    *out = s;
    return CHUNK_OK;
}

/* Where the value of an item lies until its last reader is done. */
chunk_status chk_lower_make_place(chk_lower *l, chk_item *it, chunk_error *err)
{
    const chk_node *n = it->node;
    const char *name = n->name[0] ? n->name : it->kind == CHK_ITEM_REDUCE ? chk_red_name(n->u.red.red) : "intermediate";
    uint64_t bytes = (uint64_t)chk_shape_count(&n->shape) * chk_dtype_size(n->dtype);
    CHK_TRY(chk_plan_region(&it->region, l->plan, name, err));
    if (bytes <= (chk_nodeset_has(&l->kept, n) ? CHK_DENSE_KEPT_BYTES : CHK_DENSE_BYTES)) {
        it->region->n_bytes = bytes;
        CHK_TRY(chk_region_source(&it->source, it->region, n->dtype, &n->shape, &n->grid, name, err));
        return it->kind != CHK_ITEM_REDUCE ? chk_region_sink(&it->sink, it->region, n->dtype, &n->shape, &n->grid, err) : CHUNK_OK;
    }
    CHK_TRY(chk_lower_add_spill(&it->spill, l, it->region, n->dtype, &n->shape, &n->grid, err));
    CHK_TRY(chk_spill_source(&it->source, it->spill, name, err));
    return chk_spill_sink(&it->sink, it->spill, err);
}

/* The highest level that the inputs of a CUSTOM node read: each is read over its own index space. */
static chunk_status input_levels(chk_lower *l, const chk_node *n, int depth, int *level, chunk_error *err)
{
    *level = NOTHING;
    for (int i = 0; i < n->n_in; i++) {
        int below;
        const chk_local *local = n->u.custom.op->local;
        bool one_to_one = local && local->whole && local->one_to_one && local->one_to_one(n, i);
        CHK_TRY(need_along(l, n->in[i], one_to_one ? &n->in[i]->grid : NULL, chk_shape_count(&n->in[i]->shape), false, depth + 1,
                           &below, err));
        if (below > *level) *level = below;
    }
    return CHUNK_OK;
}

/* The item that computes n before others read it. */
static chunk_status materialise(chk_lower *l, const chk_node *n, chk_item_kind kind, int depth, int *level, chunk_error *err)
{
    const chk_item *had = chk_lower_find(l, n);
    if (had) {
        *level = had->level + 1;
        return CHUNK_OK;
    }
    chk_item fresh = {.kind = kind, .node = n, .root = n, .root_is_self = true};
    if (kind == CHK_ITEM_REDUCE || n->kind == CHK_NODE_KEEP) {
        fresh.root = n->in[0];
        fresh.root_is_self = false;
    }
    int nested = l->n_nested;
    l->n_nested = 0;
    chunk_status st = kind == CHK_ITEM_CUSTOM ? input_levels(l, n, depth, &fresh.level, err)
                                              : need_along(l, fresh.root, &fresh.root->grid, chk_shape_count(&fresh.root->shape),
                                                           fresh.root_is_self, depth + 1, &fresh.level, err);
    l->n_nested = nested;
    CHK_TRY(st);
    if (fresh.level < 0 && !(kind == CHK_ITEM_STORE && fresh.root_is_self)) fresh.level = 0;
    chunk_status made = kind == CHK_ITEM_CUSTOM ? CHUNK_OK : chk_lower_make_place(l, &fresh, err);
    if (made != CHUNK_OK) {
        chk_source_release(fresh.source);
        return made;
    }
    chk_item *item = NULL;
    st = add_item(l, &fresh, &item, err);
    if (st != CHUNK_OK) {
        chk_source_release(fresh.source);
        chk_sink_free(fresh.sink);
        return st;
    }
    *level = item->level + 1;
    return CHUNK_OK;
}

/* Made in its own chunks, if need be by a pass of its own: what can only be made so, and what takes more work than a leaf of another grid should be, the least
 * that a pass gives to a worker. */
static bool is_by_chunk(const chk_node *n)
{
    const chk_local *local = chk_op_local(n);
    return local->whole || (local->block_of && local->block_of(n) < CHK_LEAF_ELEMENTS);
}

/* Seen through a view, the chunks of the base are those of the view, unless some axis is repeated. */
static const chk_grid *under_view(const chk_lower *l, const chk_node *n)
{
    const chk_view *v = &n->u.view;
    uint32_t named = 0;
    for (int i = 0; i < v->base_ndim; i++) {
        const chk_axis_grid *g = &n->in[0]->grid.axis[i];
        if (v->axis[i] < 0) continue;
        if (g->bounds && !(v->off[i] == 0 && v->step[i] == 1 && v->shape.dim[v->axis[i]] == g->extent))
            return NULL; /* cut evenly */
        named |= UINT32_C(1) << v->axis[i];
    }
    for (int a = 0; a < v->shape.ndim; a++)
        if (!(named >> a & 1) && v->shape.dim[a] > 1) return NULL;
    return is_aligned(l, n) ? &n->in[0]->grid : NULL;
}

static chunk_status level_of(chk_lower *l, const chk_node *n, int64_t space, bool as_root, int depth, int *level, chunk_error *err)
{
    switch (n->kind) {
    case CHK_NODE_SOURCE: *level = 0; return CHUNK_OK;
    case CHK_NODE_SCALAR:
    case CHK_NODE_IOTA: *level = NOTHING; return CHUNK_OK;
    case CHK_NODE_REDUCE: return materialise(l, n, CHK_ITEM_REDUCE, depth, level, err);
    case CHK_NODE_KEEP: return materialise(l, n, CHK_ITEM_STORE, depth, level, err);
    case CHK_NODE_VIEW: return need_along(l, n->in[0], under_view(l, n), space, false, depth + 1, level, err);
    case CHK_NODE_CUSTOM:
        if (chk_op_lowers(n->u.custom.op, n)) return materialise(l, n, CHK_ITEM_CUSTOM, depth, level, err);
        break;
    default: break;
    }
    if (!as_root && chk_nodeset_has(&l->kept, n)) return materialise(l, n, CHK_ITEM_STORE, depth, level, err);
    bool by_chunk = chk_op_local(n) && is_by_chunk(n);
    if (!as_root && ((by_chunk && !is_aligned(l, n)) || should_hoist(n, space)))
        return materialise(l, n, CHK_ITEM_STORE, depth, level, err);
    if (n->kind == CHK_NODE_CUSTOM) {
        if (!as_root && l->n_nested >= MOST_NESTED) return materialise(l, n, CHK_ITEM_STORE, depth, level, err);
        l->n_nested++;
        chunk_status st = input_levels(l, n, depth, level, err);
        l->n_nested--;
        return st;
    }
    *level = NOTHING;
    for (int i = 0; i < n->n_in; i++) {
        int below;
        const chk_grid *along = chk_shape_equal(&n->in[i]->shape, &n->shape) ? l->along : NULL;
        CHK_TRY(need_along(l, n->in[i], along, space, false, depth + 1, &below, err));
        if (below > *level) *level = below;
    }
    return CHUNK_OK;
}

static chunk_status need_level(chk_lower *l, const chk_node *n, int64_t space, bool as_root, int depth, int *level,
                               chunk_error *err)
{
    if (depth > MAX_DEPTH)
        return chk_fail(err, CHUNK_EUNSUPPORTED,
                        "expression is nested more than %d operations deep: keep a part of it (NAME := PART; in text)", MAX_DEPTH);
    bool aligned = is_aligned(l, n);
    if (l->cap_seen && !as_root) {
        size_t i = seen_slot(l, n, space, aligned);
        if (l->seen[i].node) {
            *level = l->seen[i].level;
            return CHUNK_OK;
        }
    }
    CHK_TRY(level_of(l, n, space, as_root, depth, level, err));
    return as_root ? CHUNK_OK : remember(l, n, space, aligned, *level, err);
}

static chunk_status find_items(chk_lower *l, chk_target *targets, int n_targets, chunk_error *err)
{
    for (int i = 0; i < n_targets; i++) {
        chk_item fresh = {.kind = CHK_ITEM_TARGET, .node = targets[i].node, .root = targets[i].node, .target = &targets[i]};
        const chk_grid *along = targets[i].own_grid ? &targets[i].grid : &fresh.root->grid;
        CHK_TRY(need_along(l, fresh.root, along, chk_shape_count(&fresh.root->shape), false, 0, &fresh.level, err));
        if (fresh.level < 0) fresh.level = 0;
        chk_item *item;
        CHK_TRY(add_item(l, &fresh, &item, err));
    }
    return CHUNK_OK;
}

static void drop_items(chk_lower *l)
{
    for (int i = 0; i < l->n_items; i++) {
        chk_source_release(l->item[i]->source);
        chk_sink_free(l->item[i]->sink);
        chk_free(l->item[i]->own);
        chk_free(l->item[i]);
    }
    chk_free(l->item);
    chk_free(l->seen);
    l->item = NULL;
    l->seen = NULL;
    l->n_items = 0;
    l->n_seen = l->cap_seen = 0;
}

chunk_status chk_lower_items(chk_lower *l, chk_target *targets, int n_targets, chunk_error *err)
{
    CHK_TRY(find_items(l, targets, n_targets, err));
    CHK_TRY(chk_lower_choose_kept(l, err));
    CHK_TRY(chk_lower_limit_sources(l, err));
    for (size_t had = 0; l->kept.n > had;) { /* where more is kept, something else may not be an item any more */
        had = l->kept.n;
        drop_items(l);
        chk_plan_drop_regions(l->plan);
        CHK_TRY(find_items(l, targets, n_targets, err));
        CHK_TRY(chk_lower_limit_sources(l, err));
    }
    return chk_lower_find_finishes(l, err);
}

void chk_lower_done(chk_lower *l)
{
    drop_items(l);
    chk_nodeset_done(&l->kept);
}
