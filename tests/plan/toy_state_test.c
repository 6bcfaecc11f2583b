/* toy_state_test.c: reduction state (init, accumulate, merge, finish) with the same bits for any workers and order, also when halves are computed
 * apart, serialised to bytes and merged; loops until a predicate, with state that lives across rounds and state that does not. */
#include "toy_case.h"

/* ---- mean and variance of doubles in a fixed tree: any other order of merging gives other bits ---- */

enum { N_LEAVES = 64, LEAF = 100 };

typedef struct {
    double n, mean, m2;
} state;

static state init(void) { return (state){0}; }

static void accumulate(state *s, double x)
{
    s->n += 1;
    double d = x - s->mean;
    s->mean += d / s->n;
    s->m2 += d * (x - s->mean);
}

static void merge(state *a, const state *b)
{
    double n = a->n + b->n, d = b->mean - a->mean;
    a->mean += d * b->n / n;
    a->m2 += b->m2 + d * d * a->n * b->n / n;
    a->n = n;
}

static double finish(const state *s) { return s->m2 / s->n; }

static void serialise(unsigned char *bytes, const state *s)
{
    const double f[3] = {s->n, s->mean, s->m2};
    for (int i = 0; i < 3; i++) {
        uint64_t u;
        memcpy(&u, &f[i], 8);
        for (int b = 0; b < 8; b++) bytes[i * 8 + b] = (unsigned char)(u >> (8 * b));
    }
}

static state restore(const unsigned char *bytes)
{
    double f[3];
    for (int i = 0; i < 3; i++) {
        uint64_t u = 0;
        for (int b = 0; b < 8; b++) u |= (uint64_t)bytes[i * 8 + b] << (8 * b);
        memcpy(&f[i], &u, 8);
    }
    return (state){f[0], f[1], f[2]};
}

static double value(uint64_t i) { return (double)(toy_hash(i + 1) >> 11) * 0x1p-53 * 1e3 - 17; }

typedef struct {
    uint64_t first_leaf; /* the plan is restricted to a box: n_tasks leaves from here */
    chk_region *states;
    unsigned char result[24]; /* the partial state, serialised */
} reduction;
static reduction red;

static chunk_status leaf_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    state *s = (state *)red.states->buf.data + t->number;
    *s = init();
    for (uint64_t i = 0; i < LEAF; i++) accumulate(s, value((red.first_leaf + t->number) * LEAF + i));
    return CHUNK_OK;
}

/* Round r merges leaf pairs 2^r apart: a loop over one pass whose open lowers n_tasks. */
static chunk_status tree_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)err;
    uint64_t apart = *(uint64_t *)p->ctx;
    state *s = red.states->buf.data;
    merge(&s[2 * apart * t->number], &s[2 * apart * t->number + apart]);
    return CHUNK_OK;
}

static uint64_t n_leaves, apart_now;

static chunk_status tree_open(chk_pass *p, int n_workers, chunk_error *err)
{
    (void)n_workers, (void)err;
    apart_now = apart_now ? 2 * apart_now : 1;
    p->n_tasks = n_leaves / (2 * apart_now);
    return CHUNK_OK;
}

static chunk_status tree_close(chk_pass *p, int *next, chunk_error *err)
{
    (void)p, (void)err;
    if (2 * apart_now < n_leaves) {
        --*next;
        return CHUNK_OK;
    }
    serialise(red.result, red.states->buf.data);
    return CHUNK_OK;
}

static chk_plan *reduce_box(uint64_t first, uint64_t n, int n_workers, int n_kept)
{
    static const chk_pass_ops leaves = {.kind = "leaves", .run = leaf_run},
                              tree = {.kind = "tree", .open = tree_open, .run = tree_run, .close = tree_close};
    memset(&red, 0, sizeof red);
    red.first_leaf = first;
    n_leaves = n;
    apart_now = 0;
    chk_plan *p = toy_plan(2, 1, n_workers, n_kept);
    if (!p) return NULL;
    toy_pass(p, "leaves", &leaves, NULL, n);
    toy_pass(p, "tree", &tree, &apart_now, n / 2);
    red.states = toy_region(p, 0, "states", n * sizeof(state), 0, 1);
    return p;
}

static state reduce_here(uint64_t first, uint64_t n) /* the same tree, without a plan */
{
    if (n == 1) {
        state s = init();
        for (uint64_t i = 0; i < LEAF; i++) accumulate(&s, value(first * LEAF + i));
        return s;
    }
    state a = reduce_here(first, n / 2), b = reduce_here(first + n / 2, n / 2);
    merge(&a, &b);
    return a;
}

static chk_plan *reduce_make(int n_workers, int n_kept) { return reduce_box(0, N_LEAVES, n_workers, n_kept); }

static bool reduce_right(void)
{
    state expected = reduce_here(0, N_LEAVES), got = restore(red.result);
    double a = finish(&expected), b = finish(&got);
    return memcmp(&expected, &got, sizeof got) == 0 && memcmp(&a, &b, sizeof a) == 0 && a > 0;
}

Test(toy, reduction_state_and_loops) { toy_prove(&(toy_case){"reduce", reduce_make, reduce_right, NULL}); }

static chk_plan *low_make(int n_workers, int n_kept) { return reduce_box(0, N_LEAVES / 2, n_workers, n_kept); }
static chk_plan *high_make(int n_workers, int n_kept) { return reduce_box(N_LEAVES / 2, N_LEAVES / 2, n_workers, n_kept); }

Test(toy, reduction_in_two_runs_merged_from_bytes_has_the_same_bits)
{
    toy_case low = {"low half", low_make, NULL, NULL}, high = {"high half", high_make, NULL, NULL};
    unsigned char bytes[2][24];
    chunk_error err;
    cr_assert_eq(toy_once(&low, 2, 2, 5, 0, &err), CHUNK_OK);
    memcpy(bytes[0], red.result, sizeof red.result);
    cr_assert_eq(toy_once(&high, 1, 1, 0, 0, &err), CHUNK_OK);
    memcpy(bytes[1], red.result, sizeof red.result);
    state a = restore(bytes[0]), b = restore(bytes[1]), whole = reduce_here(0, N_LEAVES);
    merge(&a, &b);
    cr_assert_eq(memcmp(&a, &whole, sizeof a), 0);
}

/* ---- a loop of two passes until nothing changes: the smallest label spreads along a chain, one element a round ---- */

enum {
    CHAIN = 48,
    PER_TASK = 4,
    SMALLEST_AT = 11,
    ROUNDS = CHAIN - SMALLEST_AT /* to the farthest element, and one that sees no change */
};

typedef struct {
    chk_region *label, *next, *changed; /* label and next live across the rounds, changed is new and zero in each */
    int n_rounds, n_dirty;
    int32_t result[CHAIN];
} spreading;
static spreading spr;

static chunk_status begin_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    for (uint64_t i = t->number * PER_TASK; i < (t->number + 1) * PER_TASK; i++)
        ((int32_t *)spr.label->buf.data)[i] = i == SMALLEST_AT ? 1 : 1000 + (int32_t)i;
    return CHUNK_OK;
}

static chunk_status spread_open(chk_pass *p, int n_workers, chunk_error *err)
{
    (void)p, (void)n_workers, (void)err;
    const int32_t *next = spr.next->buf.data;
    for (int i = 0; i < CHAIN; i++) spr.n_dirty += next[i] != 0;
    return CHUNK_OK;
}

static chunk_status spread_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    const int32_t *label = spr.label->buf.data;
    int32_t *next = spr.next->buf.data;
    for (int i = (int)t->number * PER_TASK; i < ((int)t->number + 1) * PER_TASK; i++) {
        next[i] = label[i];
        if (i > 0 && label[i - 1] < next[i]) next[i] = label[i - 1];
        if (i + 1 < CHAIN && label[i + 1] < next[i]) next[i] = label[i + 1];
    }
    return CHUNK_OK;
}

static chunk_status keep_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)err;
    int32_t *label = spr.label->buf.data, *changed = spr.changed->buf.data;
    const int32_t *next = spr.next->buf.data;
    for (uint64_t i = t->number * PER_TASK; i < (t->number + 1) * PER_TASK; i++) {
        changed[t->number] += label[i] != next[i];
        label[i] = next[i];
    }
    return CHUNK_OK;
}

static chunk_status keep_close(chk_pass *p, int *next, chunk_error *err)
{
    (void)p, (void)err;
    int n = 0;
    for (int i = 0; i < CHAIN / PER_TASK; i++) n += ((int32_t *)spr.changed->buf.data)[i];
    spr.n_rounds++;
    if (n > 0) *next = 1;
    return CHUNK_OK;
}

static chunk_status done_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)t, (void)err;
    memcpy(spr.result, spr.label->buf.data, sizeof spr.result);
    return CHUNK_OK;
}

static chk_plan *spread_make(int n_workers, int n_kept)
{
    static const chk_pass_ops begin = {.kind = "begin", .run = begin_run},
                              spread = {.kind = "spread", .open = spread_open, .run = spread_run};
    static const chk_pass_ops keep = {.kind = "keep", .run = keep_run, .close = keep_close},
                              done = {.kind = "done", .run = done_run};
    memset(&spr, 0, sizeof spr);
    chk_plan *p = toy_plan(4, 3, n_workers, n_kept);
    if (!p) return NULL;
    toy_pass(p, "begin", &begin, NULL, CHAIN / PER_TASK);
    toy_pass(p, "spread", &spread, NULL, CHAIN / PER_TASK)->worker_bytes = 4096;
    toy_pass(p, "keep", &keep, NULL, CHAIN / PER_TASK);
    toy_pass(p, "done", &done, NULL, 1);
    spr.label = toy_region(p, 0, "label", CHAIN * sizeof(int32_t), 0, 3);
    spr.next = toy_region(p, 1, "next", 20000, 1, 2);
    spr.changed = toy_region(p, 2, "changed", CHAIN * sizeof(int32_t), 2, 2);
    return p;
}

static bool spread_right(void)
{
    for (int i = 0; i < CHAIN; i++)
        if (spr.result[i] != 1) return false;
    return spr.n_rounds == ROUNDS && spr.n_dirty == CHAIN * (ROUNDS - 1);
}

/* Going back from pass 2 to pass 1: both hold `next`, which stays; `changed` belongs to pass 2 alone and is made anew. */
Test(toy, loop_until_nothing_changes) { toy_prove(&(toy_case){"spread", spread_make, spread_right, NULL}); }
