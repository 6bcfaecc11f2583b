/* planner.c: making a plan fit. Blocks as large as pays, all workers, room for parked tasks; then less of each until the projection is under the
 * ceiling; the smallest choice of all says what would be needed. */
#include "plan/planner.h"

#include <string.h>

#include "base/alloc.h"
#include "plan/lower.h"
#include "plan/spill.h"

/* Elements of a block. BLOCK_MOST: 512 KiB of float64, half of a second-level cache, so that data is still there when it is computed with (W1, by
 * pread: 1.04 s of processor time, with blocks of 4 MiB 1.12 s, of 64 KiB 1.26 s), and many workers fit under a small ceiling. BLOCK_WINDOW: where
 * everything is read through windows and nothing is stored; 4 MiB a window, as their cost is a call's. Below BLOCK_LEAST bookkeeping shows. */
enum { BLOCK_WINDOW = 512 << 10, BLOCK_MOST = 64 << 10, BLOCK_LEAST = 8 << 10 };

static bool wants_windows(const chk_fused *f)
{
    bool any = false, all = true;
    for (int i = 0; i < f->program.n_inputs; i++) {
        const chk_source *s = f->program.input[i].source;
        any |= s->large_blocks;
        all &= s->large_blocks || !s->file;
    }
    for (int o = 0; o < f->n_out; o++) all &= f->out[o].reduce;
    return any && all;
}

static void size_passes(chk_plan *p, int64_t block, int n_workers)
{
    for (int i = 0; i < p->n_passes; i++) {
        chk_fused *f = p->pass[i].ctx;
        chk_fused_size(f, &p->pass[i], block > BLOCK_MOST && !wants_windows(f) ? BLOCK_MOST : block, n_workers);
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
    size_passes(p, block, n_workers);
    set_resident(p, all_resident);
    p->n_workers = n_workers;
    p->n_kept = n_kept;
    p->projected_peak = chk_plan_projected(p, n_workers, n_kept, NULL);
    if (p->projected_peak < *smallest) *smallest = p->projected_peak;
    if (p->projected_peak > ceiling) return false;
    for (int i = 0; i < p->n_spills && !all_resident; i++) {
        chk_spill *s = p->spill[i];
        uint64_t room = ceiling - p->projected_peak;
        if (room < 4096) break;
        chk_spill_set_resident(s, (int64_t)((room - 4096) / s->chunk_bytes));
        p->projected_peak = chk_plan_projected(p, n_workers, n_kept, NULL);
    }
    return true;
}

static int64_t most_block(const chk_plan *p)
{
    for (int i = 0; i < p->n_passes; i++)
        if (wants_windows(p->pass[i].ctx)) return BLOCK_WINDOW;
    return BLOCK_MOST;
}

static chunk_status choose(chk_plan *p, const chk_plan_options *o, chunk_error *err)
{
    int64_t most = o->max_block_elements ? (int64_t)o->max_block_elements : most_block(p);
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
    chunk_status st = chk_fail(err, CHUNK_ECEILING, "the ceiling of %s is too small: this plan needs at least %llu MiB", chk_bytes_text(have, sizeof have, o->ceiling),
                               (unsigned long long)((needed + (1 << 20) - 1) >> 20));
    if (err) err->needed = needed;
    return st;
}

enum { MAX_SOURCES = 256 };                       /* told apart one by one; those beyond are charged as if each had a file of its own */

/* HDF5's caches for the files that the passes read: each file once, by the entries of the indexes that are used. */
static uint64_t file_bytes(const chk_plan *p)
{
    const chk_source *seen[MAX_SOURCES];
    uint64_t bytes = 0;
    int n = 0;
    for (int i = 0; i < p->n_passes; i++) {
        const chk_fused *f = p->pass[i].ctx;
        for (int k = 0; k < f->program.n_inputs; k++) {
            const chk_source *s = f->program.input[k].source;
            int at = 0;
            while (at < n && seen[at] != s) at++;
            if (!s->file || at < n) continue;
            if (n < MAX_SOURCES)
                seen[n++] = s;
            else
                bytes += chk_h5_file_bytes(chk_grid_n_chunks(&s->grid));
        }
    }
    for (int i = 0; i < n; i++) {
        int64_t n_chunks = 0;
        bool first = true;
        for (int k = 0; k < n; k++) {
            if (seen[k]->file != seen[i]->file) continue;
            first &= k >= i;
            int64_t more = chk_grid_n_chunks(&seen[k]->grid);
            n_chunks = more > INT64_MAX - n_chunks ? INT64_MAX : n_chunks + more;
        }
        if (first) bytes += chk_h5_file_bytes(n_chunks);
    }
    return bytes;
}

chunk_status chk_plan_make(chk_plan **out, chk_target *targets, int n_targets, const chk_plan_options *options, chunk_error *err)
{
    chk_plan *p = chk_calloc(1, sizeof *p);
    if (!p) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    p->fixed_bytes = options->fixed_bytes;
    p->per_worker_bytes = options->per_worker_bytes;
    chk_lower l = {.plan = p};
    chunk_status st = chk_lower_items(&l, targets, n_targets, err);
    if (st == CHUNK_OK) st = chk_lower_passes(&l, err);
    chk_lower_done(&l);
    p->fixed_bytes += file_bytes(p);
    if (st == CHUNK_OK) st = choose(p, options, err);
    if (st != CHUNK_OK) {
        chk_plan_free(p);
        return st;
    }
    *out = p;
    return CHUNK_OK;
}

void chk_plan_bind(chk_plan *p, const chk_target *t, chk_sink *sink)
{
    chk_fused *f = p->pass[t->pass].ctx;
    f->out[t->out].sink = sink;
}

uint64_t chk_plan_spill_bytes(const chk_plan *p)
{
    uint64_t n = 0;
    for (int i = 0; i < p->n_spills; i++) n += chk_spill_file_bytes(p->spill[i]);
    return n;
}

void chk_plan_set_scratch(chk_plan *p, chk_scratch *scratch)
{
    p->scratch = scratch;
    for (int i = 0; i < p->n_spills; i++) {
        p->spill[i]->scratch = scratch;
        p->spill[i]->at = chk_scratch_reserve(scratch, chk_spill_file_bytes(p->spill[i]));
    }
}
