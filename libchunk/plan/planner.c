/* planner.c: making a plan fit. Blocks as large as pays, all workers, room for parked tasks; then less of each until the projection is under the
 * ceiling; the smallest choice of all says what would be needed. */
#include "plan/planner.h"

#include <string.h>

#include "base/alloc.h"
#include "plan/lower.h"
#include "plan/spill.h"

/* Blocks to try, in elements: passes take less where more would not pay. Below BLOCK_LEAST bookkeeping shows. */
enum { BLOCK_MOST = 512 << 10, BLOCK_LEAST = 8 << 10 };

static void size_passes(chk_plan *p, int64_t block, int n_workers)
{
    for (int i = 0; i < p->n_passes; i++) {
        chk_pass *pass = &p->pass[i];
        if (pass->ops->size)
            pass->ops->size(pass, &(chk_sizing){.block_elements = block,
                                                .n_workers = n_workers,
                                                .room = chk_plan_room(p, i, n_workers),
                                                .any_order = p->any_order});
    }
}

static void set_resident(chk_plan *p, bool all)
{
    for (int i = 0; i < p->n_spills; i++) chk_spill_set_resident(p->spill[i], all ? p->spill[i]->n_chunks : 0);
}

/* Tries one choice; true when it fits. Intermediates: all in memory; else in the file, but for the chunks that the room left over holds.
 * *smallest: the least that any choice needed, which need not be the last: smaller blocks have more states. */
static bool fits(chk_plan *p, int64_t block, int n_workers, int n_kept, uint64_t ceiling, bool all_resident, uint64_t *smallest)
{
    p->n_threads = n_workers;
    set_resident(p, all_resident);
    size_passes(p, block, n_workers);
    p->n_kept = n_kept;
    p->n_workers = chk_plan_useful_workers(p, n_workers);
    p->projected_peak = chk_plan_projected(p, p->n_workers, n_kept, NULL);
    if (p->projected_peak < *smallest) *smallest = p->projected_peak;
    if (p->projected_peak > ceiling) return false;
    for (int i = 0; i < p->n_spills && !all_resident; i++) {
        chk_spill *s = p->spill[i];
        uint64_t room = ceiling - p->projected_peak;
        if (room < 4096) break;
        chk_spill_set_resident(s, (int64_t)((room - 4096) / s->chunk_bytes));
        p->projected_peak = chk_plan_projected(p, p->n_workers, n_kept, NULL);
    }
    return true;
}

static chunk_status choose(chk_plan *p, const chk_plan_options *o, chunk_error *err)
{
    int64_t most = o->max_block_elements ? (int64_t)o->max_block_elements : BLOCK_MOST;
    int64_t least = most < BLOCK_LEAST ? most : BLOCK_LEAST;
    int threads = o->threads < 1 ? 1 : o->threads;
    uint64_t smallest = UINT64_MAX;
    p->ceiling = o->ceiling;
    for (int64_t block = most; p->n_spills && block >= least && block >= most / 8; block /= 2)
        for (int kept = threads > 1 ? threads + 2 : 1; kept >= threads; kept--)
            if (fits(p, block, threads, kept, o->ceiling, true, &smallest)) return CHUNK_OK;
    for (int w = threads; w >= 1; w--)
        for (int64_t block = most; block >= least; block /= 2)
            for (int kept = w > 1 ? w + 2 : 1; kept >= w; kept--)
                if (fits(p, block, w, kept, o->ceiling, p->n_spills == 0, &smallest)) return CHUNK_OK;
    uint64_t needed = (smallest + 4095) & ~(uint64_t)4095;
    char have[32];
    chunk_status st = chk_fail(err, CHUNK_ECEILING, "the ceiling of %s is too small: this plan needs at least %llu MiB",
                               chk_bytes_text(have, sizeof have, o->ceiling), (unsigned long long)((needed + (1 << 20) - 1) >> 20));
    if (err) err->needed = needed;
    return st;
}

/* What passes can have in all, before the files they read are known. */
static uint64_t room_under(const chk_plan_options *o)
{
    uint64_t taken =
        o->fixed_bytes + (uint64_t)(o->threads < 1 ? 1 : o->threads) * o->per_worker_bytes + chk_h5_file_bytes(1 << 12);
    return o->ceiling > taken ? o->ceiling - taken : 0;
}

/* What attempts differ in, and how much each choice concerns: values that might be stored in another number of passes, and reductions that share the pass of
 * others. */
typedef struct choices {
    int retile;
    bool apart;
    int n_retiled, n_aside;
} choices;

/* One attempt. */
static chunk_status make_plan(chk_plan **out, chk_target *targets, int n_targets, const chk_plan_options *options, choices *c,
                              chunk_error *err)
{
    chk_plan *p = chk_calloc(1, sizeof *p);
    if (!p) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    p->fixed_bytes = options->fixed_bytes;
    p->per_worker_bytes = options->per_worker_bytes;
    p->any_order = options->any_order;
    chk_lower l = {.plan = p,
                   .room = room_under(options),
                   .threads = options->threads < 1 ? 1 : options->threads,
                   .retile = c->retile,
                   .apart = c->apart};
    chunk_status st = chk_lower_items(&l, targets, n_targets, err);
    if (st == CHUNK_OK) st = chk_lower_passes(&l, err);
    c->n_retiled = l.n_retiled;
    c->n_aside = l.n_aside;
    chk_lower_done(&l);
    uint64_t small = 0;
    if (st == CHUNK_OK) st = chk_plan_small_bytes(&small, p, n_targets > 0 ? targets[0].node : NULL, options->whole_process, err);
    p->fixed_bytes += small;
    if (st == CHUNK_OK) st = choose(p, options, err);
    if (st == CHUNK_OK) st = chk_plan_lend(p, err);
    if (st == CHUNK_OK) st = chk_plan_close_books(p, err);
    if (st != CHUNK_OK) {
        chk_plan_free(p);
        return st;
    }
    *out = p;
    return CHUNK_OK;
}

/* What is said to be needed comes from attempts that do not look at the ceiling, so that a run under just that ceiling finds one that fits. */
chunk_status chk_plan_make(chk_plan **out, chk_target *targets, int n_targets, const chk_plan_options *options, chunk_error *err)
{
    choices c = {.retile = CHK_RETILE_AUTO};
    chunk_error least = {0};
    chunk_status st = make_plan(out, targets, n_targets, options, &c, &least);
    if (st == CHUNK_ECEILING && c.n_aside > 0) {
        c.apart = true;
        st = make_plan(out, targets, n_targets, options, &c, &least);
    }
    c.apart = true;
    for (c.retile = CHK_RETILE_ONE; c.retile <= CHK_RETILE_LEAST && st == CHUNK_ECEILING && c.n_retiled > 0; c.retile++) {
        chunk_error other = {0};
        st = make_plan(out, targets, n_targets, options, &c, &other);
        bool fixed = c.retile == CHK_RETILE_ONE || (c.retile == CHK_RETILE_LEAST && other.needed < least.needed);
        if (st != CHUNK_ECEILING || fixed) least = other;
    }
    if (st != CHUNK_OK && err) *err = least;
    return st;
}

void chk_plan_bind(chk_plan *p, const chk_target *t, chk_sink *sink)
{
    p->pass[t->pass].ops->bind(&p->pass[t->pass], t->out, sink);
}

uint64_t chk_plan_scratch_bytes(const chk_plan *p)
{
    uint64_t n = 0;
    for (int i = 0; i < p->n_spills; i++) n += chk_spill_bytes(p->spill[i]);
    return n;
}

void chk_plan_set_scratch(chk_plan *p, chk_scratch *scratch)
{
    p->scratch = scratch;
    for (int i = 0; i < p->n_spills; i++) {
        p->spill[i]->scratch = scratch;
        p->spill[i]->at = chk_scratch_reserve(scratch, chk_spill_bytes(p->spill[i]));
    }
}
