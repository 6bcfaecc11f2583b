/* toy_tiles_test.c: tiles updated in place by many tasks (C += A B, with A and B pinned), and a Cholesky-like factorisation whose rule is a function
 * of the task's number: checked tile by tile where it is small, planned and begun where it has 10^11 tasks. */
#include "toy_case.h"

#include <math.h>

#include "base/thread.h"

/* ---- C += A B: nb^3 tasks, the k-th update of a tile waits for the one before it ---- */

enum { NB = 5, TB = 8, SIDE = NB * TB };

static int32_t product[SIDE][SIDE];
static chk_region *reg_a, *reg_b, *reg_c;

static int32_t element(int which, int i, int j)
{
    return (int32_t)(toy_hash((uint64_t)(which * 10000 + i * SIDE + j + 1)) % 200) - 100;
}

static chunk_status load_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    int i = (int)t->number;
    for (int j = 0; j < SIDE; j++) {
        ((int32_t *)reg_a->buf.data)[i * SIDE + j] = element(1, i, j);
        ((int32_t *)reg_b->buf.data)[i * SIDE + j] = element(2, i, j);
    }
    return CHUNK_OK;
}

static bool mul_deps(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    (void)p;
    if (i > 0 || task < NB * NB) return false;
    *on = task - NB * NB;
    return true;
}

static chunk_status mul_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    int k = (int)(t->number / (NB * NB)), bi = (int)(t->number / NB % NB), bj = (int)(t->number % NB);
    const int32_t *a = reg_a->buf.data, *b = reg_b->buf.data;
    int32_t *c = reg_c->buf.data;
    for (int i = bi * TB; i < (bi + 1) * TB; i++)
        for (int j = bj * TB; j < (bj + 1) * TB; j++)
            for (int l = k * TB; l < (k + 1) * TB; l++) c[i * SIDE + j] += a[i * SIDE + l] * b[l * SIDE + j];
    return CHUNK_OK;
}

static chunk_status store_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    memcpy(product[t->number], (int32_t *)reg_c->buf.data + t->number * SIDE, sizeof product[0]);
    return CHUNK_OK;
}

static chk_plan *mul_make(int n_workers, int n_kept)
{
    static const chk_pass_ops load = {.kind = "load", .run = load_run},
                              mul = {.kind = "multiply", .run = mul_run, .deps = mul_deps};
    static const chk_pass_ops store = {.kind = "store", .run = store_run};
    memset(product, 0, sizeof product);
    chk_plan *p = toy_plan(3, 3, n_workers, n_kept);
    if (!p) return NULL;
    toy_pass(p, "load", &load, NULL, SIDE);
    toy_pass(p, "multiply", &mul, NULL, NB * NB * NB);
    toy_pass(p, "store", &store, NULL, SIDE);
    reg_a = toy_region(p, 0, "a", sizeof product, 0, 1);
    reg_b = toy_region(p, 1, "b", sizeof product, 0, 1);
    reg_c = toy_region(p, 2, "c", sizeof product, 1, 2);
    return p;
}

static bool mul_right(void)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t c = 0;
            for (int l = 0; l < SIDE; l++) c += element(1, i, l) * element(2, l, j);
            if (c != product[i][j]) return false;
        }
    }
    return true;
}

Test(toy, tiles_updated_in_place_from_pinned_ones) { toy_prove(&(toy_case){"multiply", mul_make, mul_right, NULL}); }

/* ---- Cholesky of nt x nt tiles. Step k has m = nt - k: 1 factor, m - 1 solves, m (m - 1) / 2 updates, numbered in this order: m (m + 1) / 2 in all ---- */

static uint64_t tetra(uint64_t m) { return m * (m + 1) / 2 * (m + 2) / 3; }
static uint64_t step_start(uint64_t nt, uint64_t k) { return tetra(nt) - tetra(nt - k); }

typedef struct {
    uint64_t k, i, j; /* i == j == k: factor; j == k: solve; else update of tile (i, j) */
} fact_task;

/* Row of the triangular number: the largest r with r (r + 1) / 2 <= n. */
static uint64_t triangle_row(uint64_t n)
{
    uint64_t r = (uint64_t)((sqrt(8.0 * (double)n + 1) - 1) / 2);
    while (r * (r + 1) / 2 > n) r--;
    while ((r + 1) * (r + 2) / 2 <= n) r++;
    return r;
}

static fact_task fact_decode(uint64_t nt, uint64_t number)
{
    uint64_t left = tetra(nt) - number, m = (uint64_t)cbrt(6.0 * (double)left); /* the smallest m with tetra(m) >= left */
    while (m && tetra(m - 1) >= left) m--;
    while (tetra(m) < left) m++;
    uint64_t k = nt - m, at = number - step_start(nt, k);
    if (at < m) return (fact_task){k, k + at, k};
    uint64_t r = triangle_row(at - m);
    return (fact_task){k, k + 1 + r, k + 1 + (at - m - r * (r + 1) / 2)};
}

static uint64_t fact_encode(uint64_t nt, uint64_t k, uint64_t i, uint64_t j)
{
    uint64_t start = step_start(nt, k), m = nt - k;
    if (j == k) return start + (i - k);
    uint64_t r = i - k - 1;
    return start + m + r * (r + 1) / 2 + (j - k - 1);
}

static bool fact_deps(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    uint64_t nt = *(const uint64_t *)p->ctx, list[3];
    fact_task f = fact_decode(nt, task);
    int n = 0;
    if (f.k > 0) list[n++] = fact_encode(nt, f.k - 1, f.i, f.j); /* the tile's update before this one */
    if (f.j != f.k) {
        list[n++] = fact_encode(nt, f.k, f.i, f.k);
        if (f.i != f.j) list[n++] = fact_encode(nt, f.k, f.j, f.k);
    } else if (f.i != f.k) {
        list[n++] = fact_encode(nt, f.k, f.k, f.k);
    }
    if (i >= n) return false;
    *on = list[i];
    return true;
}

enum { NT = 14, FINAL = 1000 };
static int
    version[NT][NT]; /* updates of a tile so far; FINAL once it is factored or solved. Plain memory: the rule is its only guard */
static int n_wrong;

static chunk_status fact_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)err;
    fact_task f = fact_decode(*(uint64_t *)p->ctx, t->number);
    int *v = &version[f.i][f.j], wrong = *v != (int)f.k;
    if (f.j != f.k) {
        wrong |= version[f.i][f.k] != FINAL || version[f.j][f.k] != FINAL;
        ++*v;
    } else {
        if (f.i != f.k) wrong |= version[f.k][f.k] != FINAL;
        *v = FINAL;
    }
    if (wrong) __atomic_fetch_add(&n_wrong, 1, __ATOMIC_RELAXED);
    return CHUNK_OK;
}

static uint64_t nt_small = NT, nt_large = 10000;

static chk_plan *fact_make(int n_workers, int n_kept)
{
    static const chk_pass_ops ops = {.kind = "cholesky", .run = fact_run, .deps = fact_deps};
    memset(version, 0, sizeof version);
    n_wrong = 0;
    chk_plan *p = toy_plan(1, 0, n_workers, n_kept);
    if (p) toy_pass(p, "cholesky", &ops, &nt_small, tetra(NT))->work_bytes = 1000;
    return p;
}

static bool fact_right(void)
{
    for (int i = 0; i < NT; i++)
        for (int j = 0; j <= i; j++)
            if (version[i][j] != FINAL) return false;
    return n_wrong == 0;
}

Test(toy, factorisation_by_rule) { toy_prove(&(toy_case){"cholesky", fact_make, fact_right, NULL}); }

static uint64_t n_large;

static chunk_status large_task(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)err;
    fact_task f = fact_decode(*(uint64_t *)p->ctx, t->number);
    if (fact_encode(nt_large, f.k, f.i, f.j) != t->number) n_wrong++;
    if (__atomic_add_fetch(&n_large, 1, __ATOMIC_RELAXED) == 50000) chk_exec_cancel(t->exec);
    return CHUNK_OK;
}

Test(toy, factorisation_of_a_hundred_million_tiles_is_planned_in_milliseconds)
{
    static const chk_pass_ops ops = {.kind = "cholesky", .run = large_task, .deps = fact_deps};
    uint64_t t0 = chk_clock_ns();
    chk_plan *p = toy_plan(1, 0, 2, 2);
    toy_pass(p, "cholesky", &ops, &nt_large, tetra(nt_large))->work_bytes = 1 << 20;
    chk_ledger *ledger;
    chk_pool *pool;
    chk_exec *e;
    chunk_error err;
    uint64_t projected = chk_plan_projected(p, 2, 2, NULL);
    cr_assert_gt(p->pass[0].n_tasks, 100000000000u);
    cr_assert_eq(chk_ledger_new(&ledger, projected, NULL, &err), CHUNK_OK);
    uint64_t t1 = chk_clock_ns();
    cr_assert_lt(t1 - t0, 50000000u, "planning took %llu ns", (unsigned long long)(t1 - t0));
    cr_assert_eq(chk_pool_new(&pool, 2, &err), CHUNK_OK);
    cr_assert_eq(chk_exec_start(&e, p, ledger, pool, NULL, &err), CHUNK_OK);
    chk_exec_totals totals;
    cr_assert_eq(chk_exec_finish(e, &totals, &err), CHUNK_ECANCELED);
    cr_assert_geq(totals.tasks, 49990u);
    cr_assert_lt(totals.tasks, 60000u);
    cr_assert_eq(n_wrong, 0);
    cr_assert_lt(chk_clock_ns() - t1, 2000000000u);
    cr_assert_eq(chk_ledger_used(ledger), 0u);
    chk_pool_free(pool);
    chk_ledger_free(ledger);
    chk_plan_free(p);
}
