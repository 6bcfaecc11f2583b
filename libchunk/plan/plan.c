/* plan.c: a plan's projected peak, and its end. The projection books exactly what run/memory.c takes from the ledger, page for page. */
#include "plan/task.h"

#include "base/alloc.h"
#include "store/source.h"

static uint64_t add(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }
static uint64_t mul(uint64_t a, uint64_t b) { return b && a > UINT64_MAX / b ? UINT64_MAX : a * b; }
static uint64_t pages(uint64_t n) { return n > UINT64_MAX - 4095 ? UINT64_MAX : (n + 4095) & ~(uint64_t)4095; }

uint64_t chk_plan_thread_bytes(const chk_plan *p, int n_workers)
{
    return mul((uint64_t)(n_workers > p->n_threads ? n_workers : p->n_threads), p->per_worker_bytes);
}

/* worker_bytes add up over the passes (a worker keeps what a pass made it allocate): what several passes share is named by the first of
 * them, and what a loop needs by its first pass. */
uint64_t chk_plan_projected(const chk_plan *p, int n_workers, int n_kept, int *peak_pass)
{
    uint64_t workers = (uint64_t)n_workers, kept = n_kept > 0 ? (uint64_t)n_kept : 1, largest = 0, worker_bytes = 0;
    int at = p->n_passes ? 0 : -1;
    for (int i = 0; i < p->n_passes; i++) {
        const chk_pass *s = &p->pass[i];
        worker_bytes = add(worker_bytes, s->worker_bytes);
        uint64_t here = mul(workers, add(add(pages(s->work_bytes), s->window_bytes), worker_bytes));
        here = add(here, pages(mul(kept, add(s->kept_bytes, 63) & ~(uint64_t)63)));
        for (int r = 0; r < p->n_regions; r++) {
            const chk_region *g = p->region[r];
            if (g->first <= i && i <= g->last) here = add(here, pages(g->n_bytes));
        }
        if (here > largest) {
            largest = here;
            at = i;
        }
    }
    if (peak_pass) *peak_pass = at;
    return add(add(p->fixed_bytes, chk_plan_thread_bytes(p, n_workers)), largest);
}

int chk_plan_useful_workers(const chk_plan *p, int most)
{
    uint64_t widest = 1;
    bool kept = false;
    for (int i = 0; i < p->n_passes; i++) {
        const chk_pass *s = &p->pass[i];
        uint64_t n = s->serial ? 1 : s->n_tasks;
        if (n > widest) widest = n;
        kept |= s->kept_bytes && !s->ops->claim;
    }
    uint64_t n = most > 0 ? (uint64_t)most : 1;
    if (n > widest) n = widest;
    if (kept && n > (uint64_t)p->n_kept) n = p->n_kept > 0 ? (uint64_t)p->n_kept : 1;
    return (int)n;
}

uint64_t chk_plan_room(const chk_plan *p, int pass, int n_workers)
{
    uint64_t workers = (uint64_t)n_workers, taken = add(p->fixed_bytes, chk_plan_thread_bytes(p, n_workers));
    for (int i = 0; i < pass; i++) taken = add(taken, mul(workers, p->pass[i].worker_bytes));
    for (int r = 0; r < p->n_regions; r++) {
        const chk_region *g = p->region[r];
        if (g->first <= pass && pass <= g->last && g->owner != pass) taken = add(taken, pages(g->n_bytes));
    }
    return p->ceiling > taken ? p->ceiling - taken : 0;
}

void chk_plan_drop_regions(chk_plan *p)
{
    for (int r = 0; r < p->n_regions; r++) {
        if (p->region[r]) chk_buf_put(&p->region[r]->buf);
        chk_free(p->region[r]);
    }
    chk_free(p->region);
    for (int i = 0; i < p->n_spills; i++) chk_free(p->spill[i]);
    chk_free(p->spill);
    chk_free(p->loan);
    p->region = NULL;
    p->spill = NULL;
    p->loan = NULL;
    p->n_regions = p->n_spills = p->n_loans = 0;
}

void chk_plan_forget(chk_plan *p, int n_regions, int n_spills)
{
    while (p->n_regions > n_regions) chk_free(p->region[--p->n_regions]);
    while (p->n_spills > n_spills) chk_free(p->spill[--p->n_spills]);
}

void chk_plan_free(chk_plan *p)
{
    if (!p) return;
    for (int i = 0; i < p->n_passes; i++)
        if (p->pass[i].ops && p->pass[i].ops->free) p->pass[i].ops->free(&p->pass[i]);
    chk_plan_drop_regions(p);
    chk_free(p->pass);
    chk_scratch_free(p->scratch);
    chk_free(p);
}
