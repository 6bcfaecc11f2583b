/* tiles.c: lending the room that a plan leaves to sources whose chunks it reads more than once: halos, joins, reads across chunk borders. What is lent
 * counts in the projection; nothing depends on it but how often a chunk is decoded. */
#include <string.h>

#include "base/alloc.h"
#include "plan/lower.h"
#include "store/source.h"
#include "store/tiles.h"

/* More than this is hardly ever worth while: rows of chunks side by side, those that boxes in C order go along and their neighbours. */
enum { ROWS = 3, MOST_TILES = 1 << 16, MAX_LOANS = 64 };

typedef struct search {
    chk_plan *p;
    chk_source **source; /* found, MAX_LOANS at most */
    int *first, *last;
    int64_t *again; /* chunks of a task, that it reads again after all of them */
    int pass, n;
} search;

static void found(void *arg, chk_source *s)
{
    search *w = arg;
    int i = 0;
    if (!s->tile_bytes) return;
    while (i < w->n && w->source[i] != s) i++;
    if (i == MAX_LOANS) return;
    if (i == w->n) {
        w->source[w->n] = s;
        w->again[w->n] = 0;
        w->first[w->n++] = w->pass;
    }
    const chk_pass *pass = &w->p->pass[w->pass];
    int64_t again = pass->ops->again ? pass->ops->again(pass, s) : 0;
    if (again > w->again[i]) w->again[i] = again;
    w->last[i] = w->pass;
}

static void found_below(void *arg, chk_source *s) { chk_source_walk(s, found, arg); }

static void look(void *arg, chk_source *s)
{
    search *w = arg;
    const chk_pass *pass = &w->p->pass[w->pass];
    if (!(pass->ops->once && pass->ops->once(pass, s))) found(arg, s);
    if (s->ops->inner) s->ops->inner(s, found_below, arg);
}

/* Chunks that pay: those that boxes go along before they come to the next index of the first axis, and one a worker; those that every worker's task comes
 * back to. */
static int64_t wanted(const chk_source *s, int64_t again, int n_workers)
{
    int64_t n = ROWS;
    for (int a = 1; a < s->grid.ndim; a++)
        if (__builtin_mul_overflow(n, s->grid.axis[a].n_chunks, &n)) n = MOST_TILES;
    n += 2 * n_workers;
    again = again < MOST_TILES ? again * n_workers : MOST_TILES;
    n = n > again ? n : again;
    int64_t all = chk_grid_n_chunks(&s->grid);
    n = n < all ? n : all;
    return n < MOST_TILES ? n : MOST_TILES;
}

static chunk_status lend(chk_plan *p, const search *w, int i, uint64_t room, chunk_error *err)
{
    chk_source *s = w->source[i];
    int64_t n = wanted(s, w->again[i], p->n_workers);
    while (n >= 2 && chk_tiles_bytes(s->tile_bytes, (int)n) + 4096 > room) {
        int64_t fit = (int64_t)(room / (s->tile_bytes + 128));
        n = fit < n ? fit : n - 1;
    }
    if (n < 2) return CHUNK_OK;
    chk_region *r;
    CHK_TRY(chk_plan_region(&r, p, "decoded chunks", err));
    r->n_bytes = chk_tiles_bytes(s->tile_bytes, (int)n);
    r->first = w->first[i];
    r->last = w->last[i];
    p->loan[p->n_loans++] = (chk_loan){.source = s, .region = r, .n = (int)n};
    p->projected_peak = chk_plan_projected(p, p->n_workers, p->n_kept, NULL);
    return CHUNK_OK;
}

chunk_status chk_plan_lend(chk_plan *p, chunk_error *err)
{
    chk_source *source[MAX_LOANS];
    int first[MAX_LOANS], last[MAX_LOANS];
    int64_t again[MAX_LOANS];
    search w = {.p = p, .source = source, .first = first, .last = last, .again = again};
    for (w.pass = 0; w.pass < p->n_passes; w.pass++)
        if (p->pass[w.pass].ops->sources) p->pass[w.pass].ops->sources(&p->pass[w.pass], look, &w);
    if (w.n == 0) return CHUNK_OK;
    p->loan = chk_calloc((size_t)w.n, sizeof *p->loan);
    if (!p->loan) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    for (int i = 0; i < w.n; i++) {
        uint64_t room = p->ceiling - p->projected_peak;
        CHK_TRY(lend(p, &w, i, room / (uint64_t)(w.n - i), err));
    }
    return CHUNK_OK;
}
