/* memory.c: the bytes of a run, booked pass by pass. A region lives exactly in the passes from first to last, whichever way a loop goes, so that
 * what is booked in a pass is a function of the pass and equals the projection. Nothing is taken while a task runs. */
#include "run/internal.h"

#include <string.h>

#include "base/alloc.h"
#include "store/source.h"

static chunk_status too_small(chk_exec *e, const char *what, uint64_t n_bytes, int pass, chunk_error *err)
{
    const chk_plan *p = e->plan;
    uint64_t needed = chk_plan_projected(p, e->n_workers, e->n_kept, NULL);
    char need[32], want[32], used[32], limit[32];
    chunk_status st =
        chk_fail(err, CHUNK_ECEILING, "%s%.95s: %s of %s do not fit: %s of %s are in use, and the run was projected to need %s",
                 pass >= 0 ? "pass " : "run", pass >= 0 ? p->pass[pass].name : "", chk_bytes_text(want, sizeof want, n_bytes), what,
                 chk_bytes_text(used, sizeof used, chk_ledger_used(e->ledger)),
                 chk_bytes_text(limit, sizeof limit, chk_ledger_limit(e->ledger)), chk_bytes_text(need, sizeof need, needed));
    if (err) err->needed = needed;
    return st;
}

enum { HEAP_MOST = 64 * 1024 }; /* mapping and unmapping costs 2 to 5 us, more than a small run's arithmetic */

/* Small areas of runs inside their caller come from the heap; booked alike. A buffer without a ledger is one of these; before its data
 * lies the block to free. */
static chunk_status get_heap(chk_exec *e, chk_buf *out, size_t n_bytes, chunk_error *err)
{
    size_t booked = chk_page_round(n_bytes);
    if (!chk_ledger_take(e->ledger, booked)) return CHUNK_ECEILING;
    char *block = chk_calloc(1, n_bytes + 64 + sizeof block);
    if (!block) {
        chk_ledger_give(e->ledger, booked);
        return chk_fail(err, CHUNK_ENOMEM, "run: no memory for %zu bytes", n_bytes);
    }
    char *data = (char *)(((uintptr_t)block + sizeof block + 63) & ~(uintptr_t)63);
    memcpy(data - sizeof block, &block, sizeof block);
    *out = (chk_buf){data, n_bytes, booked, NULL};
    return CHUNK_OK;
}

static chunk_status get(chk_exec *e, chk_buf *out, uint64_t n_bytes, const char *what, int pass, chunk_error *err)
{
    if (n_bytes > SIZE_MAX - 4096) return too_small(e, what, n_bytes, pass, err);
    bool heap = !e->pool && n_bytes <= HEAP_MOST;
    chunk_status st = heap ? get_heap(e, out, (size_t)n_bytes, err) : chk_buf_get(out, e->ledger, (size_t)n_bytes, err);
    return st == CHUNK_ECEILING ? too_small(e, what, n_bytes, pass, err) : st;
}

static void put(chk_exec *e, chk_buf *b)
{
    if (!b->data || b->ledger) {
        chk_buf_put(b);
        return;
    }
    char *block;
    memcpy(&block, (char *)b->data - sizeof block, sizeof block);
    chk_free(block);
    chk_ledger_give(e->ledger, b->booked);
    *b = (chk_buf){0};
}

static chunk_status book(chk_exec *e, uint64_t n_bytes, uint64_t *booked, const char *what, int pass, chunk_error *err)
{
    if (!chk_ledger_take(e->ledger, n_bytes)) return too_small(e, what, n_bytes, pass, err);
    *booked += n_bytes;
    return CHUNK_OK;
}

static uint64_t for_workers(const chk_exec *e, uint64_t each)
{
    uint64_t n = (uint64_t)e->n_workers;
    return each > UINT64_MAX / n ? UINT64_MAX : each * n;
}

static uint64_t work_size(const chk_exec *e, const chk_pass *p) { return (uint64_t)e->n_workers * chk_page_round(p->work_bytes); }
static uint64_t kept_size(const chk_exec *e, const chk_pass *p) { return (uint64_t)e->n_kept * chk_kept_stride(p->kept_bytes); }

static void note_peak(chk_exec *e)
{
    uint64_t used = chk_ledger_used(e->ledger), peak = chk_ledger_peak(e->ledger);
    if (used > e->ledger_peak) e->ledger_peak = used;
    if (peak > e->ledger_peak_before && peak > e->ledger_peak) e->ledger_peak = peak;
    if (e->cost && e->pass_now >= 0 && used > e->cost[e->pass_now].ledger_peak) e->cost[e->pass_now].ledger_peak = used;
}

chunk_status chk_memory_begin(chk_exec *e, chunk_error *err)
{
    const chk_plan *p = e->plan;
    e->ledger_peak_before = chk_ledger_peak(e->ledger);
    e->base_booked = 0;
    CHK_TRY(book(e, p->fixed_bytes, &e->base_booked, "fixed costs", -1, err));
    CHK_TRY(book(e, chk_plan_thread_bytes(p, e->n_workers), &e->base_booked, "workers' stacks and state", -1, err));
    note_peak(e);
    return CHUNK_OK;
}

/* Loans begin and end with their regions. */
static void lend(chk_plan *plan, const chk_region *g, bool on)
{
    for (int i = 0; i < plan->n_loans; i++) {
        chk_loan *l = &plan->loan[i];
        if (l->region != g || l->lent == on) continue;
        if (!on) l->source->ops->unlend(l->source);
        l->lent = on && l->source->ops->lend(l->source, g->buf.data, l->n);
    }
}

chunk_status chk_memory_regions(chk_exec *e, int pass, chunk_error *err)
{
    chk_plan *plan = e->plan;
    const chk_pass *p = &plan->pass[pass];
    /* Areas of the same size are handed on: their contents are undefined anyway. */
    if (e->work.n_bytes != work_size(e, p)) put(e, &e->work);
    if (e->kept.n_bytes != kept_size(e, p)) put(e, &e->kept);
    if (e->window_booked) chk_ledger_give(e->ledger, e->window_booked);
    e->window_booked = 0;
    for (int r = 0; r < plan->n_regions; r++) {
        chk_region *g = plan->region[r];
        if (e->live[r] && !(g->first <= pass && pass <= g->last)) {
            lend(e->plan, g, false);
            put(e, &g->buf);
            e->live[r] = false;
        }
    }
    for (int r = 0; r < plan->n_regions; r++) {
        chk_region *g = plan->region[r];
        if (e->live[r] || !(g->first <= pass && pass <= g->last)) continue;
        if (g->first != pass)
            return chk_fail(err, CHUNK_ESTATE,
                            "pass %s: region %s begins with pass %d and is gone; a loop must go back to %d or before", p->name,
                            g->name, g->first, g->first);
        if (g->n_bytes) CHK_TRY(get(e, &g->buf, g->n_bytes, g->name[0] ? g->name : "a region", pass, err));
        e->live[r] = true;
        lend(e->plan, g, true);
    }
    return CHUNK_OK;
}

chunk_status chk_memory_areas(chk_exec *e, int pass, chunk_error *err)
{
    const chk_pass *p = &e->plan->pass[pass];
    uint64_t work = work_size(e, p), kept = kept_size(e, p);
    if (e->work.n_bytes != work) {
        put(e, &e->work);
        if (work) CHK_TRY(get(e, &e->work, work, "work areas", pass, err));
    }
    if (e->kept.n_bytes != kept) {
        put(e, &e->kept);
        if (kept) CHK_TRY(get(e, &e->kept, kept, "kept areas", pass, err));
    }
    CHK_TRY(book(e, for_workers(e, p->window_bytes), &e->window_booked, "file windows", pass, err));
    if (!e->entered[pass])
        CHK_TRY(book(e, for_workers(e, p->worker_bytes), &e->worker_booked, "workers' codecs and buffers", pass, err));
    e->entered[pass] = true;
    note_peak(e);
    return CHUNK_OK;
}

void chk_memory_end(chk_exec *e)
{
    for (int r = 0; r < e->plan->n_regions; r++) {
        if (!e->live[r]) continue;
        lend(e->plan, e->plan->region[r], false);
        put(e, &e->plan->region[r]->buf);
        e->live[r] = false;
    }
    put(e, &e->work);
    put(e, &e->kept);
    chk_ledger_give(e->ledger, e->window_booked + e->worker_booked + e->base_booked);
    e->window_booked = e->worker_booked = 0; /* base_booked stays known for the totals */
}
