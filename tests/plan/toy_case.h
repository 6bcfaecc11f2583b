/* toy_case.h: one toy plan put through everything that the task contract promises: its exact M, a page less, 1, 2 and 8 workers, scrambled order,
 * every allocation failing once and for good, every thread start failing. A toy computes with integers or in a fixed tree, so that there is
 * one right answer. */
#ifndef TOY_CASE_H
#define TOY_CASE_H

#include <criterion/criterion.h>

#include "../run/toy.h"
#include "base/fault.h"

typedef struct toy_case {
    const char *name;
    chk_plan *(*make)(int n_workers, int n_kept); /* also forgets earlier results; NULL when memory fails */
    bool (*right)(void);                          /* the results are there and right */
    void (*on_thread)(bool start);
} toy_case;

/* Runs it once with a ledger of the projection less `short_of`. */
static inline chunk_status toy_once(const toy_case *c, int n_workers, int n_kept, uint64_t scramble, uint64_t short_of,
                                    chunk_error *err)
{
    chk_ledger *ledger = NULL;
    chk_pool *pool = NULL;
    chk_exec *e = NULL;
    *err = (chunk_error){0};
    chk_plan *plan = c->make(n_workers, n_kept);
    chunk_status st = plan ? CHUNK_OK : chk_fail(err, CHUNK_ENOMEM, "no memory for the toy");
    uint64_t projected = plan ? chk_plan_projected(plan, n_workers, n_kept, NULL) : 0;
    if (st == CHUNK_OK) st = chk_ledger_new(&ledger, projected - short_of, NULL, err);
    if (st == CHUNK_OK) st = chk_pool_new(&pool, n_workers, err);
    chk_exec_options options = {.scramble = scramble, .on_thread = c->on_thread, .profile = scramble & 1};
    chk_exec_totals totals = {0};
    if (st == CHUNK_OK) st = chk_exec_start(&e, plan, ledger, pool, &options, err);
    if (st == CHUNK_OK) st = chk_exec_finish(e, &totals, err);
    chk_pool_free(pool);
    if (ledger) {
        cr_assert_eq(chk_ledger_used(ledger), 0, "%s: %llu bytes were not given back", c->name,
                     (unsigned long long)chk_ledger_used(ledger));
        if (st == CHUNK_OK && totals.n_workers == n_workers)
            cr_assert_eq(chk_ledger_peak(ledger), projected, "%s: booked %llu of projected %llu", c->name,
                         (unsigned long long)chk_ledger_peak(ledger), (unsigned long long)projected);
    }
    chk_ledger_free(ledger);
    chk_plan_free(plan);
    return st;
}

static inline void toy_prove(const toy_case *c)
{
    static const int workers[] = {1, 2, 8};
    chunk_error err;
    for (int w = 0; w < 3; w++) {
        for (uint64_t seed = 0; seed < 6; seed++) {
            int n_kept = w == 0 ? 1 : workers[w] + (int)seed % 3;
            chunk_status st = toy_once(c, workers[w], n_kept, seed, 0, &err);
            cr_assert_eq(st, CHUNK_OK, "%s, %d workers, seed %d: %s", c->name, workers[w], (int)seed, err.text);
            cr_assert(c->right(), "%s, %d workers, seed %d: wrong result", c->name, workers[w], (int)seed);
        }
    }
    cr_assert_eq(toy_once(c, 1, 1, 0, 4096, &err), CHUNK_ECEILING, "%s: a page less than M must be refused", c->name);
    cr_assert(err.text[0] && err.needed > 0);

    for (int persistent = 0; persistent < 2; persistent++) {
        for (uint64_t n = 1;; n++) {
            cr_assert_lt(n, 1000);
            chk_fault_arm(CHK_FAULT_ALLOC, n, persistent);
            chunk_status st = toy_once(c, 2, 2, 0, 0, &err);
            uint64_t passed = chk_fault_count(CHK_FAULT_ALLOC);
            chk_fault_arm(CHK_FAULT_ALLOC, 0, false);
            if (passed < n) {
                cr_assert_eq(st, CHUNK_OK);
                cr_assert(c->right());
                break;
            }
            cr_assert_eq(st, CHUNK_ENOMEM, "%s, allocation %d: status %d, %s", c->name, (int)n, st, err.text);
            cr_assert(err.text[0]);
        }
        for (uint64_t n = 1; n <= 3; n++) { /* fewer workers, or none: slower, never wrong */
            chk_fault_arm(CHK_FAULT_THREAD, n, persistent);
            chunk_status st = toy_once(c, 2, 2, 0, 0, &err);
            chk_fault_arm(CHK_FAULT_THREAD, 0, false);
            cr_assert_eq(st, CHUNK_OK, "%s, thread %d: %s", c->name, (int)n, err.text);
            cr_assert(c->right());
        }
    }
}

static inline uint64_t toy_hash(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

#endif
