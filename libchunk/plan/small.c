/* small.c: what a plan takes beside tiles, as a part of its fixed bytes: HDF5's caches for the files that it reads, and the nodes, datasets and sources
 * of large expressions. Counted, not looked at, so that one expression takes the same in every process. */
#include <stdlib.h>

#include "base/alloc.h"
#include "plan/planner.h"
#include "store/h5.h"

/* Measured (heap profiles of concat over 200 datasets and over 1,000 slices, HDF5 1.10.8): what HDF5 and store/ keep of an open dataset, and what a plan
 * keeps of a view through which a local operation reads. The constants of a process hold FREE_BYTES of both and of nodes. */
enum { DATASET_BYTES = 28 << 10, VIEW_BYTES = 4 << 10, FREE_BYTES = 1 << 20 };

typedef struct found {
    chk_source **source;
    size_t n, room;
    bool failed;
} found;

static void note(void *arg, chk_source *s)
{
    found *f = arg;
    if (f->n == f->room) {
        size_t room = f->room ? 2 * f->room : 64;
        chk_source **more = chk_realloc(f->source, room * sizeof *more);
        if (!more) {
            f->failed = true;
            return;
        }
        f->source = more;
        f->room = room;
    }
    f->source[f->n++] = s;
}

static void look_into(void *arg, chk_source *s) { chk_source_walk(s, note, arg); }

static int by_file(const void *a, const void *b)
{
    const chk_source *x = *(chk_source *const *)a, *y = *(chk_source *const *)b;
    if (x->file != y->file) return (uintptr_t)x->file < (uintptr_t)y->file ? -1 : 1;
    return x == y ? 0 : (uintptr_t)x < (uintptr_t)y ? -1 : 1;
}

/* Each source once; each file once, by the entries of the indexes that are used. */
static uint64_t add_files(found *f)
{
    uint64_t bytes = 0;
    int64_t n_chunks = 0;
    if (f->n > 1) qsort(f->source, f->n, sizeof *f->source, by_file);
    for (size_t i = 0; i < f->n; i++) {
        const chk_source *s = f->source[i], *next = i + 1 < f->n ? f->source[i + 1] : NULL;
        if (s == next || !s->file) continue;
        bytes += s->open_bytes;
        int64_t more = chk_grid_n_chunks(&s->grid);
        n_chunks = more > INT64_MAX - n_chunks ? INT64_MAX : n_chunks + more;
        if (next && next->file == s->file) continue;
        bytes += chk_h5_file_bytes(n_chunks);
        n_chunks = 0;
    }
    return bytes;
}

chunk_status chk_plan_small_bytes(uint64_t *out, const chk_plan *p, const chk_node *any, bool whole_process, chunk_error *err)
{
    found f = {0};
    for (int i = 0; i < p->n_passes; i++)
        if (p->pass[i].ops->sources) p->pass[i].ops->sources(&p->pass[i], look_into, &f);
    uint64_t files = add_files(&f);
    chk_free(f.source);
    if (f.failed) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    chk_alive alive = {0};
    if (any) chk_nodes_alive(&alive, any);
    uint64_t taken = (whole_process ? alive.most_bytes : alive.bytes) + alive.n_datasets * DATASET_BYTES + f.n * VIEW_BYTES;
    *out = files + (taken > FREE_BYTES ? taken - FREE_BYTES : 0);
    return CHUNK_OK;
}
