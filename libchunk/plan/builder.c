/* builder.c: see builder.h. */
#include "plan/builder.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/lower.h"
#include "plan/nodeset.h"
#include "plan/spill.h"

struct chk_plan_builder {
    chk_lower *l;
    chk_item *item;
    chk_item *direct; /* the target that alone reads the value, or, finish, is an expression over it */
    bool finish;
    bool done; /* the operation said where its value lies */
};

/* The target whose value is the node's, when nothing else has it inside. */
static chunk_status only_reader(chk_item **out, chk_lower *l, const chk_node *n, chunk_error *err)
{
    chk_nodeset seen = {0};
    chk_item *target = NULL;
    chunk_status st = CHUNK_OK;
    int n_readers = 0;
    for (int i = 0; i < l->n_items && st == CHUNK_OK; i++) {
        chk_item *it = l->item[i];
        if (it->node == n && it->kind == CHK_ITEM_CUSTOM) continue;
        if (it->kind == CHK_ITEM_TARGET && it->root == n) {
            target = it;
            n_readers++;
            continue;
        }
        bool found;
        st = chk_node_contains(&found, it->root, n, &seen, err);
        if (found) n_readers += 2;
    }
    chk_nodeset_done(&seen);
    *out = n_readers == 1 ? target : NULL;
    return st;
}

chunk_status chk_lower_custom(chk_lower *l, chk_item *it, chunk_error *err)
{
    chk_plan_builder b = {.l = l, .item = it};
    CHK_TRY(only_reader(&b.direct, l, it->node, err));
    if (!b.direct && it->finish) b.direct = it->finish, b.finish = true;
    l->level = it->level;
    it->pass = l->plan->n_passes;
    CHK_TRY(it->node->u.custom.op->lower(&b, it->node, err));
    if (!b.done) return chk_fail(err, CHUNK_ESTATE, "internal: %s does not say where its result lies", it->node->name);
    return CHUNK_OK;
}

chunk_status chk_plan_reader(chk_reader *out, chk_plan_builder *b, const chk_node *in, chunk_error *err)
{
    return chk_reader_init(out, in, chk_lower_lookup, b->l, err);
}

chunk_status chk_plan_reader_all(chk_reader *out, chk_plan_builder *b, chk_node *const *in, int n, chunk_error *err)
{
    return chk_reader_init_all(out, in, n, chk_lower_lookup, b->l, err);
}

chunk_status chk_plan_add_pass(int *number, chk_plan_builder *b, const chk_pass_ops *ops, void *ctx, const char *name,
                               chunk_error *err)
{
    chunk_status st = chk_lower_add_pass(number, b->l, ops, ctx, err);
    if (st != CHUNK_OK) {
        chk_pass lost = {.ops = ops, .ctx = ctx};
        ops->free(&lost);
        return st;
    }
    chk_pass *p = &b->l->plan->pass[*number];
    snprintf(p->name, sizeof p->name, "%s", name);
    return CHUNK_OK;
}

static chunk_status keep_with_value(chk_item *it, chk_region *r, chunk_error *err)
{
    chk_region **grown = chk_realloc(it->own, (size_t)(it->n_own + 1) * sizeof *grown);
    if (!grown) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    it->own = grown;
    it->own[it->n_own++] = r;
    return CHUNK_OK;
}

chunk_status chk_plan_add_region(chk_region **out, chk_plan_builder *b, const char *name, uint64_t n_bytes, int owner, int first,
                                 int last, chunk_error *err)
{
    chk_region *r;
    CHK_TRY(chk_plan_region(&r, b->l->plan, name, err));
    r->n_bytes = n_bytes;
    r->owner = owner;
    r->first = first;
    r->last = last < 0 ? first : last;
    if (last < 0) CHK_TRY(keep_with_value(b->item, r, err));
    *out = r;
    return CHUNK_OK;
}

chunk_status chk_plan_add_spill(chk_source **source, chk_sink **sink, chk_plan_builder *b, const char *name, chk_dtype dtype,
                                const chk_shape *shape, const chk_grid *grid, int first, int last, chunk_error *err)
{
    chk_region *region;
    chk_spill *spill;
    CHK_TRY(chk_plan_add_region(&region, b, name, 0, -1, first, last, err));
    CHK_TRY(chk_lower_add_spill(&spill, b->l, region, dtype, shape, grid, err));
    CHK_TRY(chk_spill_source(source, spill, name, err));
    chunk_status st = chk_spill_sink(sink, spill, err);
    if (st != CHUNK_OK) {
        chk_source_release(*source);
        *source = NULL; /* the caller frees what it has */
    }
    return st;
}

size_t chk_plan_calls_blas(chk_plan_builder *b, uint64_t fixed, size_t worker)
{
    chk_plan *p = b->l->plan;
    size_t named = p->blas_bytes;
    if (named == 0) p->fixed_bytes += fixed;
    if (worker <= named) return 0;
    p->blas_bytes = worker;
    return worker - named;
}

void chk_plan_result_source(chk_plan_builder *b, chk_source *s)
{
    b->item->source = s;
    b->done = true;
}

chunk_status chk_plan_result_place(chk_sink **sink, chk_plan_builder *b, chunk_error *err)
{
    CHK_TRY(chk_lower_make_place(b->l, b->item, err));
    *sink = b->item->sink;
    b->item->sink = NULL;
    b->done = true;
    return CHUNK_OK;
}

const chk_target *chk_plan_direct(const chk_plan_builder *b) { return b->direct && !b->finish ? b->direct->target : NULL; }
const chk_target *chk_plan_finish(const chk_plan_builder *b) { return b->finish ? b->direct->target : NULL; }

typedef struct finish_lookup {
    const chk_plan_builder *b;
    chk_source *value;
} finish_lookup;

static chk_source *look_up(void *arg, const chk_node *n)
{
    const finish_lookup *f = arg;
    return n == f->b->item->node ? f->value : chk_lower_lookup(f->b->l, n);
}

chunk_status chk_plan_finish_reader(chk_reader *out, chk_plan_builder *b, chk_source *value, chunk_error *err)
{
    return chk_reader_init(out, b->direct->root, look_up, &(finish_lookup){b, value}, err);
}

void chk_plan_take_direct(chk_plan_builder *b, int pass, int out)
{
    b->direct->pass = pass;
    b->direct->target->pass = pass;
    b->direct->target->out = out;
    b->done = true;
}
