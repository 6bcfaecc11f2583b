/* needed.c: which results of reductions later passes read. sum(x, axis=0)[5:10] reduces the chunks that hold columns 5 to 9 and no others.
 *
 * The slice cannot be pushed further, to x[:, 5:10]: leaves follow from the chunk grid, which the slice would change, and with it the order in
 * which a result's elements are added up. Leaving out whole chunks of the kept axes changes nothing for the results of the others. */
#include "plan/lower.h"

typedef struct use {
    const chk_source *source;
    bool found;
} use;

static void compare(void *arg, chk_source *s)
{
    use *u = arg;
    u->found |= s == u->source;
}

static void look_into(void *arg, chk_source *s) { chk_source_walk(s, compare, arg); }

bool chk_pass_reads(const chk_pass *p, const chk_source *source)
{
    use u = {.source = source};
    if (p->ops->sources) p->ops->sources(p, look_into, &u);
    return u.found;
}

static chk_fused *fused_of(const chk_pass *p) { return p->ops->size == chk_fused_stream_ops.size ? p->ctx : NULL; }

static bool is_empty(const chk_box *b) { return b->ndim > 0 && chk_box_count(b) == 0; }

/* Grows the box to what the input shows of its source. */
static void grow(chk_box *box, const chk_prog_input *in)
{
    chk_box all = {.ndim = in->view.shape.ndim}, base;
    for (int a = 0; a < all.ndim; a++) all.hi[a] = in->view.shape.dim[a];
    if (is_empty(&all)) return;
    chk_view_base_box(&base, &in->view, &all);
    for (int b = 0; b < base.ndim; b++) {
        if (base.lo[b] < box->lo[b]) box->lo[b] = base.lo[b];
        if (base.hi[b] > box->hi[b]) box->hi[b] = base.hi[b];
    }
}

/* The part of the item's value that passes after its own read; false where that cannot be told. */
static bool part_read(chk_box *part, const chk_plan *p, const chk_item *it)
{
    *part = (chk_box){.ndim = it->node->shape.ndim};
    for (int a = 0; a < part->ndim; a++) part->lo[a] = it->node->shape.dim[a];
    for (int q = it->pass + 1; q < p->n_passes; q++) {
        if (!chk_pass_reads(&p->pass[q], it->source)) continue;
        const chk_fused *f = fused_of(&p->pass[q]);
        if (!f) return false;
        for (int i = 0; i < f->program.n_inputs; i++) {
            use inside = {.source = it->source};
            if (f->program.input[i].source == it->source)
                grow(part, &f->program.input[i]);
            else
                chk_source_walk(f->program.input[i].source, compare, &inside);
            if (inside.found) return false;
        }
    }
    for (int a = 0; a < part->ndim; a++)
        if (part->lo[a] >= part->hi[a]) return false;
    return true;
}

/* The reduction's index space over which one of its outputs is needed, joined to *needed. */
static void join_part(chk_box *needed, const chk_fused *f, const chk_item *it, const chk_box *part, bool first)
{
    for (int a = 0, r = 0; a < f->space.ndim; a++) {
        bool red = it->node->u.red.axes >> a & 1;
        int64_t lo = red ? 0 : part->lo[r], hi = red ? f->space.dim[a] : part->hi[r];
        r += !red || it->node->u.red.keepdims;
        needed->lo[a] = first || lo < needed->lo[a] ? lo : needed->lo[a];
        needed->hi[a] = first || hi > needed->hi[a] ? hi : needed->hi[a];
    }
}

void chk_lower_limit(chk_lower *l)
{
    for (int p = 0; p < l->plan->n_passes; p++) {
        chk_fused *f = fused_of(&l->plan->pass[p]);
        if (!f || !f->reduces) continue;
        f->needed = (chk_box){.ndim = f->space.ndim};
        bool limited = true, first = true;
        for (int i = 0; i < l->n_items && limited; i++) {
            const chk_item *it = l->item[i];
            chk_box part;
            if (it->pass != p) continue;
            limited = it->kind == CHK_ITEM_REDUCE && part_read(&part, l->plan, it);
            if (limited) join_part(&f->needed, f, it, &part, first);
            first = false;
        }
        f->limited = limited && !first;
    }
}
