/* group.c: the second half of lowering: items of one level over one index space and grid share a pass, and one reading of their inputs. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/lower.h"
#include "plan/retile.h"

/* The index space an item walks. */
static const chk_shape *space_of(const chk_item *it) { return &it->root->shape; }

static const chk_grid *grid_of(const chk_item *it)
{
    if (it->kind == CHK_ITEM_TARGET && it->target->own_grid) return &it->target->grid;
    return &it->root->grid;
}

static bool axis_equal(const chk_axis_grid *a, const chk_axis_grid *b)
{
    if (a->extent != b->extent || a->n_chunks != b->n_chunks) return false;
    if (!a->bounds && !b->bounds && a->chunk == b->chunk && a->off == b->off && a->step == b->step) return true;
    if (a->n_chunks > 100000) return false; /* equal in fact or not: too many to look at; two passes are only slower */
    for (int64_t k = 0; k <= a->n_chunks; k++)
        if (chk_axis_bound(a, k) != chk_axis_bound(b, k)) return false;
    return true;
}

bool chk_lower_grid_equal(const chk_grid *a, const chk_grid *b)
{
    if (a == b) return true;
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim; i++)
        if (!axis_equal(&a->axis[i], &b->axis[i])) return false;
    return true;
}

/* False: there is no such reduction of this dtype. */
static bool find_reducer(chk_reducer *r, const chk_item *it)
{
    const chk_node *n = it->node;
    *r = (chk_reducer){.in = it->root->dtype, .out = n->dtype, .param = n->u.red.param, .user = n->u.red.user};
    r->kern = r->user ? NULL : chk_red_find(n->u.red.red, r->in);
    if (!r->user && !r->kern) return false;
    r->state_bytes = r->user ? (r->user->red.state_bytes + 15) & ~(size_t)15 : r->kern->state_bytes;
    return true;
}

static bool same_walk(const chk_fused *f, const chk_item *first, const chk_item *it)
{
    return it->pass < 0 && it->kind != CHK_ITEM_CUSTOM && first->level == it->level && chk_shape_equal(&f->space, space_of(it)) &&
           chk_lower_grid_equal(&f->grid, grid_of(it));
}

/* Partial results of reductions over other axes than the walk goes by wait long: they share it where they take little of the room. */
enum { ASIDE_SHARE = 8 };

static bool fits_aside(const chk_lower *l, const chk_fused *f, const chk_item *it)
{
    if (l->apart) return false;
    chk_reducer r;
    if (!find_reducer(&r, it)) return false;
    uint64_t most = l->room / ASIDE_SHARE, bytes = chk_fused_aside_bytes(f, it->node->u.red.axes, &r, l->threads);
    return bytes <= most && f->aside_bytes <= most - bytes;
}

/* aside: reductions over other axes than the walk goes by. They come last: which values are stored in which walk must not depend on the room. */
static bool can_join(const chk_lower *l, const chk_fused *f, const chk_item *first, const chk_item *it, bool aside)
{
    if (f->n_out >= 60 || !same_walk(f, first, it)) return false;
    return it->kind != CHK_ITEM_REDUCE || !f->reduces || f->reduced == it->node->u.red.axes || (aside && fits_aside(l, f, it));
}

/* The axes that the walk goes by: where nothing is stored, of the reduction with the most results, as those of the others take little room
 * then. Else of the first one: files are laid out in this order whatever shares the pass. */
static void choose_axes(const chk_lower *l, chk_fused *f, const chk_item *first)
{
    const chk_item *largest = first;
    for (int i = 0; i < l->n_items; i++) {
        const chk_item *it = l->item[i];
        if (!same_walk(f, first, it)) continue;
        if (it->kind != CHK_ITEM_REDUCE) return;
        if (chk_shape_count(&it->node->shape) > chk_shape_count(&largest->node->shape)) largest = it;
    }
    f->reduces = true;
    f->reduced = largest->node->u.red.axes;
    if (f->reduced != first->node->u.red.axes && !fits_aside(l, f, first)) f->reduced = first->node->u.red.axes;
}

/* Only what an earlier pass has computed: a later result may have asked for a value that this pass, planned before, computes for itself. */
chk_source *chk_lower_lookup(void *arg, const chk_node *n)
{
    const chk_lower *l = arg;
    const chk_item *it = chk_lower_find(l, n);
    return it && it->level < l->level ? it->source : NULL;
}

chunk_status chk_lower_add_pass(int *number, chk_lower *l, const chk_pass_ops *ops, void *ctx, chunk_error *err)
{
    chk_plan *p = l->plan;
    chk_pass *grown = chk_realloc(p->pass, (size_t)(p->n_passes + 1) * sizeof *grown);
    if (!grown) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    p->pass = grown;
    p->pass[p->n_passes] = (chk_pass){.ops = ops, .ctx = ctx};
    *number = p->n_passes++;
    return CHUNK_OK;
}

static chunk_status describe_reduction(chk_fused_out *out, chk_fused *f, chk_item *it, chk_lower *l, chunk_error *err)
{
    const chk_node *n = it->node;
    if (!find_reducer(&out->reducer, it))
        return chk_fail(err, CHUNK_ETYPE, "%s is not defined for %s", chk_red_name(n->u.red.red), chk_dtype_name(it->root->dtype));
    out->keepdims = n->u.red.keepdims;
    out->axes = n->u.red.axes;
    if (out->axes != f->reduced) {
        out->own = chk_calloc(1, sizeof *out->own);
        if (!out->own) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
        f->aside_bytes += chk_fused_aside_bytes(f, out->axes, &out->reducer, l->threads);
        l->n_aside++;
    }
    if (it->spill) {
        out->sink = it->sink;
        out->own_sink = true;
        it->sink = NULL;
    } else {
        out->result = it->region;
    }
    return chk_plan_region(&out->pool, l->plan, "partial results", err);
}

static chunk_status add_out(chk_lower *l, chk_fused *f, chk_item *it, chunk_error *err)
{
    chk_fused_out *grown = chk_realloc(f->out, (size_t)(f->n_out + 1) * sizeof *grown);
    if (!grown) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    f->out = grown;
    chk_fused_out *out = &f->out[f->n_out];
    *out = (chk_fused_out){.reduce = it->kind == CHK_ITEM_REDUCE, .dtype = it->root->dtype};
    const char *name = it->target ? it->target->name : it->region->name;
    snprintf(out->name, sizeof out->name, "%s", name ? name : "result");
    chk_view view = chk_view_identity(&f->space);
    CHK_TRY(chk_program_add(&f->program, it->root, &view, it->root_is_self, chk_lower_lookup, l, &out->value, err));
    if (out->reduce) {
        if (!f->reduces) f->reduced = it->node->u.red.axes;
        f->reduces = true;
        CHK_TRY(describe_reduction(out, f, it, l, err));
    } else if (it->target) {
        out->whole_chunks = it->target->whole_chunks;
        out->ordered = it->target->ordered;
        out->serial = it->target->serial;
        out->worker_bytes = it->target->worker_bytes;
        out->kept_bytes = it->target->kept_bytes;
        out->scratch_bytes = it->target->scratch_bytes;
        out->in_place = it->target->in_place;
        it->target->pass = it->pass;
        it->target->out = f->n_out;
    } else {
        out->sink = it->sink;
        out->own_sink = true;
        it->sink = NULL;
    }
    f->n_out++;
    return CHUNK_OK;
}

static chunk_status make_pass(chk_lower *l, chk_item *first, chunk_error *err)
{
    chk_plan *plan = l->plan;
    chk_fused *f = chk_calloc(1, sizeof *f);
    if (!f) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    int number;
    chunk_status st = chk_lower_add_pass(&number, l, &chk_fused_stream_ops, f, err);
    if (st != CHUNK_OK) {
        chk_free(f);
        return st;
    }
    l->level = first->level;
    f->space = *space_of(first);
    f->grid = *grid_of(first);
    chk_program_init(&f->program, &f->space);
    choose_axes(l, f, first);
    size_t at = 0;
    char *name = plan->pass[number].name;
    for (int i = 0; i < 2 * l->n_items; i++) {
        chk_item *it = l->item[i % l->n_items];
        if (it == first ? it->pass >= 0 : !can_join(l, f, first, it, i >= l->n_items)) continue;
        it->pass = number;
        CHK_TRY(add_out(l, f, it, err));
        const char *what = f->out[f->n_out - 1].name;
        if (at < sizeof plan->pass->name)
            at += (size_t)snprintf(name + at, sizeof plan->pass->name - at, "%s%s", at ? ", " : "", what);
    }
    int out[f->n_out];
    for (int o = 0; o < f->n_out; o++) out[o] = f->out[o].value;
    CHK_TRY(chk_program_seal(&f->program, out, f->n_out, err));
    chk_program_sort_inputs(&f->program);
    for (int i = 0; i < f->program.n_inputs; i++) {
        chk_prog_input *in = &f->program.input[i];
        chk_grid seen = {.ndim = f->space.ndim}; /* the input's own chunks, seen through the view */
        bool same = true;
        for (int a = 0; a < f->space.ndim; a++) seen.axis[a] = f->grid.axis[a];
        for (int b = 0; b < in->view.base_ndim && same; b++) {
            int axis = in->view.axis[b];
            if (axis < 0) continue; /* one index: one chunk */
            same = in->source->grid.axis[b].bounds == NULL;
            if (same)
                seen.axis[axis] = chk_axis_slice(&in->source->grid.axis[b], in->view.off[b], in->view.step[b], f->space.dim[axis]);
        }
        in->aligned = same && chk_lower_grid_equal(&seen, &f->grid);
    }
    if (!chk_retile_wanted(f, first->target)) return CHUNK_OK;
    int last;
    CHK_TRY(chk_retile_lower(l, number, f, &last, err));
    first->pass = first->target->pass = last;
    return CHUNK_OK;
}

/* First and last pass that uses each region. */
static void set_lifetimes(chk_lower *l)
{
    for (int p = 0; p < l->plan->n_passes; p++) {
        if (l->plan->pass[p].ops->size != chk_fused_stream_ops.size) continue;
        chk_fused *f = l->plan->pass[p].ctx;
        for (int o = 0; o < f->n_out; o++) {
            if (!f->out[o].reduce) continue;
            f->out[o].pool->first = f->out[o].pool->last = f->out[o].pool->owner = p;
        }
    }
    for (int i = 0; i < l->n_items; i++) {
        chk_item *it = l->item[i];
        int last = it->pass;
        if (!it->source) continue;
        for (int p = it->pass + 1; p < l->plan->n_passes; p++)
            if (chk_pass_reads(&l->plan->pass[p], it->source)) last = p;
        if (it->region) it->region->first = it->pass, it->region->last = last;
        for (int k = 0; k < it->n_own; k++)
            if (it->own[k]->last < last) it->own[k]->last = last;
    }
}

chunk_status chk_lower_passes(chk_lower *l, chunk_error *err)
{
    for (int i = 0; i < l->n_items; i++) l->item[i]->pass = -1;
    for (;;) { /* the first item of the lowest level that is left */
        chk_item *next = NULL;
        for (int i = 0; i < l->n_items; i++)
            if (l->item[i]->pass < 0 && (!next || l->item[i]->level < next->level)) next = l->item[i];
        if (!next) break;
        CHK_TRY(next->kind == CHK_ITEM_CUSTOM ? chk_lower_custom(l, next, err) : make_pass(l, next, err));
    }
    set_lifetimes(l);
    chk_lower_limit(l);
    return CHUNK_OK;
}
