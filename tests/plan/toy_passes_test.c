/* toy_passes_test.c: several outputs of one pass; several passes whose later ones depend on data (counts, splitters, sizes) though their bound does
 * not; all-to-all through a scratch file; a dimension that only the run knows; ordered claims of places in an output. */
#include "toy_case.h"

#include <unistd.h>

enum { N = 10000, TILE = 250, N_TILES = N / TILE };

static int64_t input(uint64_t i) { return (int64_t)(toy_hash(i + 1) % 100000); }

/* ---- several outputs: y = 2 x + 1, the sum and the place of the maximum, in one pass ---- */

typedef struct {
    int64_t sum, max;
    uint64_t at;
} part;

static int64_t out_y[N], out_sum;
static uint64_t out_at;
static chk_region *parts;

static chunk_status outputs_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    part *q = (part *)parts->buf.data + t->number;
    *q = (part){.max = -1};
    int64_t *x = t->work;
    for (uint64_t i = 0; i < TILE; i++) x[i] = input(t->number * TILE + i);
    for (uint64_t i = 0; i < TILE; i++) {
        out_y[t->number * TILE + i] = 2 * x[i] + 1;
        q->sum += x[i];
        if (x[i] > q->max) {
            q->max = x[i];
            q->at = t->number * TILE + i;
        }
    }
    return CHUNK_OK;
}

static chunk_status outputs_close(chk_pass *p, int *next, chunk_error *err)
{
    (void)p, (void)next, (void)err;
    const part *q = parts->buf.data;
    int best = 0;
    for (int i = 0; i < N_TILES; i++) {
        out_sum += q[i].sum;
        if (q[i].max > q[best].max) best = i;
    }
    out_at = q[best].at;
    return CHUNK_OK;
}

static chk_plan *outputs_make(int n_workers, int n_kept)
{
    static const chk_pass_ops ops = {.kind = "outputs", .run = outputs_run, .close = outputs_close};
    memset(out_y, 0, sizeof out_y);
    out_sum = 0;
    out_at = N;
    chk_plan *p = toy_plan(1, 1, n_workers, n_kept);
    if (!p) return NULL;
    toy_pass(p, "outputs", &ops, NULL, N_TILES)->work_bytes = TILE * sizeof(int64_t);
    parts = toy_region(p, 0, "parts", N_TILES * sizeof(part), 0, 0);
    return p;
}

static bool outputs_right(void)
{
    int64_t sum = 0;
    uint64_t at = 0;
    for (uint64_t i = 0; i < N; i++) {
        sum += input(i);
        if (input(i) > input(at)) at = i;
        if (out_y[i] != 2 * input(i) + 1) return false;
    }
    return out_sum == sum && out_at == at;
}

Test(toy, several_outputs) { toy_prove(&(toy_case){"several outputs", outputs_make, outputs_right, NULL}); }

/* ---- sorting: count by buckets, scatter to scratch (all-to-all), sort the buckets that hold anything ---- */

enum { N_BUCKETS = 32, BUCKET_SPAN = 100000 / 20 }; /* twelve stay empty: the third pass has fewer tasks than planned */

typedef struct {
    chk_region *counts, *offsets, *full;
    FILE *scratch;
    int64_t sorted[N];
    uint64_t n_tasks_run;
    size_t work_planned, work_used;
} sorting;
static sorting srt;

static chunk_status count_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    uint64_t *c = (uint64_t *)srt.counts->buf.data + t->number * N_BUCKETS;
    for (uint64_t i = 0; i < TILE; i++) c[input(t->number * TILE + i) / BUCKET_SPAN]++;
    return CHUNK_OK;
}

static chunk_status count_close(chk_pass *p, int *next, chunk_error *err)
{
    (void)p, (void)next;
    uint64_t at = 0, *c = srt.counts->buf.data, *o = srt.offsets->buf.data;
    for (int b = 0; b < N_BUCKETS; b++) {
        for (int i = 0; i < N_TILES; i++) {
            uint64_t n = c[i * N_BUCKETS + b];
            o[i * N_BUCKETS + b] = at; /* where tile i puts its values of bucket b */
            at += n;
        }
    }
    srt.scratch = tmpfile();
    return srt.scratch ? CHUNK_OK : chk_fail(err, CHUNK_EFILE, "no scratch file");
}

static chunk_status scatter_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p;
    uint64_t *at = (uint64_t *)srt.offsets->buf.data + t->number * N_BUCKETS, n[N_BUCKETS] = {0};
    for (uint64_t i = 0; i < TILE; i++) {
        int64_t x = input(t->number * TILE + i);
        uint64_t b = (uint64_t)(x / BUCKET_SPAN);
        if (pwrite(fileno(srt.scratch), &x, sizeof x, (off_t)((at[b] + n[b]++) * sizeof x)) != sizeof x)
            return chk_fail(err, CHUNK_EFILE, "scratch write");
    }
    t->stats.bytes_spilled += TILE * sizeof(int64_t);
    return CHUNK_OK;
}

static uint64_t bucket_start(int b)
{
    return b == N_BUCKETS ? N : ((uint64_t *)srt.offsets->buf.data)[b];
} /* tile 0's place is the bucket's */

static chunk_status sort_open(chk_pass *p, int n_workers, chunk_error *err)
{
    (void)n_workers, (void)err;
    int *full = srt.full->buf.data, n = 0;
    size_t most = 0;
    for (int b = 0; b < N_BUCKETS; b++) {
        size_t size = (size_t)(bucket_start(b + 1) - bucket_start(b)) * sizeof(int64_t);
        if (size) full[n++] = b;
        if (size > most) most = size;
    }
    p->n_tasks = (uint64_t)n;
    srt.work_planned = p->work_bytes;
    p->work_bytes = srt.work_used = most;
    return CHUNK_OK;
}

static int compare(const void *a, const void *b)
{
    return (*(const int64_t *)a > *(const int64_t *)b) - (*(const int64_t *)a < *(const int64_t *)b);
}

static chunk_status sort_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p;
    int b = ((int *)srt.full->buf.data)[t->number];
    uint64_t from = bucket_start(b), n = bucket_start(b + 1) - from;
    ssize_t size = (ssize_t)(n * sizeof(int64_t));
    if (pread(fileno(srt.scratch), t->work, (size_t)size, (off_t)(from * sizeof(int64_t))) != size)
        return chk_fail(err, CHUNK_EFILE, "scratch read");
    qsort(t->work, n, sizeof(int64_t), compare);
    memcpy(srt.sorted + from, t->work, (size_t)size);
    __atomic_fetch_add(&srt.n_tasks_run, 1, __ATOMIC_RELAXED);
    return CHUNK_OK;
}

static void sort_free(chk_pass *p)
{
    (void)p;
    if (srt.scratch) fclose(srt.scratch);
    srt.scratch = NULL;
}

static chk_plan *sort_make(int n_workers, int n_kept)
{
    static const chk_pass_ops count = {.kind = "count", .run = count_run, .close = count_close};
    static const chk_pass_ops scatter = {.kind = "scatter", .run = scatter_run};
    static const chk_pass_ops sort = {.kind = "sort", .open = sort_open, .run = sort_run, .free = sort_free};
    memset(&srt, 0, sizeof srt);
    chk_plan *p = toy_plan(3, 3, n_workers, n_kept);
    if (!p) return NULL;
    /* Regions so large that counting sets the peak: what sort's open lowers must not be what M is made of. */
    srt.counts = toy_region(p, 0, "counts", 4 * N * N_BUCKETS, 0, 0);
    srt.offsets = toy_region(p, 1, "offsets", N_TILES * N_BUCKETS * sizeof(uint64_t), 0, 2);
    srt.full = toy_region(p, 2, "full buckets", N_BUCKETS * sizeof(int), 2, 2);
    toy_pass(p, "count", &count, NULL, N_TILES);
    toy_pass(p, "scatter", &scatter, NULL, N_TILES);
    toy_pass(p, "sort", &sort, NULL, N_BUCKETS)->work_bytes = N * sizeof(int64_t);
    return p;
}

static bool sort_right(void)
{
    static int64_t expected[N];
    for (uint64_t i = 0; i < N; i++) expected[i] = input(i);
    qsort(expected, N, sizeof expected[0], compare);
    return memcmp(expected, srt.sorted, sizeof expected) == 0 && srt.n_tasks_run == 20 && srt.work_used < srt.work_planned;
}

Test(toy, passes_that_depend_on_data_and_all_to_all) { toy_prove(&(toy_case){"sort", sort_make, sort_right, NULL}); }

/* ---- x[x > limit]: each task claims its place in order, writes in parallel; the next pass runs over as many as there are ---- */

enum { LIMIT = 90000 };

typedef struct {
    uint64_t n;
    int64_t x[TILE];
} selected;

static int64_t picked[N], picked_sum;
static uint64_t n_picked, sum_tasks, place[N_TILES];
static chk_region *sums;

static chunk_status pick_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    selected *s = t->kept;
    s->n = 0;
    for (uint64_t i = 0; i < TILE; i++)
        if (input(t->number * TILE + i) > LIMIT) s->x[s->n++] = input(t->number * TILE + i);
    return CHUNK_OK;
}

static chunk_status pick_claim(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    place[t->number] = n_picked;
    n_picked += ((selected *)t->kept)->n;
    return CHUNK_OK;
}

static chunk_status pick_write(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    const selected *s = t->kept;
    memcpy(picked + place[t->number], s->x, s->n * sizeof s->x[0]);
    t->stats.bytes_written += s->n * sizeof s->x[0];
    return CHUNK_OK;
}

static chunk_status sum_open(chk_pass *p, int n_workers, chunk_error *err)
{
    (void)n_workers, (void)err;
    p->n_tasks = (n_picked + TILE - 1) / TILE;
    return CHUNK_OK;
}

static chunk_status sum_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    int64_t *s = (int64_t *)sums->buf.data + t->number;
    for (uint64_t i = t->number * TILE; i < n_picked && i < (t->number + 1) * TILE; i++) *s += picked[i];
    __atomic_fetch_add(&sum_tasks, 1, __ATOMIC_RELAXED);
    return CHUNK_OK;
}

static chunk_status sum_close(chk_pass *p, int *next, chunk_error *err)
{
    (void)p, (void)next, (void)err;
    for (int i = 0; i < N_TILES; i++) picked_sum += ((int64_t *)sums->buf.data)[i];
    return CHUNK_OK;
}

static chk_plan *pick_make(int n_workers, int n_kept)
{
    static const chk_pass_ops pick = {.kind = "pick", .run = pick_run, .claim = pick_claim, .write = pick_write};
    static const chk_pass_ops sum = {.kind = "sum", .open = sum_open, .run = sum_run, .close = sum_close};
    memset(picked, 0, sizeof picked);
    picked_sum = 0;
    n_picked = sum_tasks = 0;
    chk_plan *p = toy_plan(2, 1, n_workers, n_kept);
    if (!p) return NULL;
    chk_pass *s = toy_pass(p, "pick", &pick, NULL, N_TILES);
    s->kept_bytes = sizeof(selected);
    s->worker_bytes = 3000;
    toy_pass(p, "sum", &sum, NULL, N_TILES)->window_bytes = 777;
    sums = toy_region(p, 0, "sums", N_TILES * sizeof(int64_t), 1, 1);
    return p;
}

static bool pick_right(void)
{
    uint64_t n = 0;
    int64_t sum = 0;
    for (uint64_t i = 0; i < N; i++) {
        if (input(i) <= LIMIT) continue;
        if (picked[n++] != input(i)) return false;
        sum += input(i);
    }
    return n == n_picked && sum == picked_sum && sum_tasks == (n + TILE - 1) / TILE && sum_tasks < N_TILES;
}

Test(toy, a_dimension_only_the_run_knows_by_ordered_claims) { toy_prove(&(toy_case){"pick", pick_make, pick_right, NULL}); }

static chk_plan *pick_ordered_make(int n_workers, int n_kept)
{
    chk_plan *p = pick_make(n_workers, n_kept);
    if (p) p->pass[0].ordered = true;
    return p;
}

Test(toy, ordered_claims_started_in_order) { toy_prove(&(toy_case){"pick in order", pick_ordered_make, pick_right, NULL}); }
