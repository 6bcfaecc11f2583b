/* projected_test.c: the projection against sums made by hand: pages, live regions, workers' bytes that add up, the pass that sets the peak, and sizes
 * that would overflow. (That runs book exactly this is proved by the toys.) */
#include <criterion/criterion.h>

#include "../run/toy.h"

static const chk_pass_ops ops = {.kind = "none"};

Test(projected, pages_regions_workers_and_kept_areas)
{
    chk_plan *p = toy_plan(3, 2, 1, 1);
    toy_pass(p, "a", &ops, NULL, 1)->work_bytes = 4097;
    chk_pass *b = toy_pass(p, "b", &ops, NULL, 1);
    b->kept_bytes = 65;
    b->window_bytes = 10;
    b->worker_bytes = 100;
    toy_pass(p, "c", &ops, NULL, 1)->worker_bytes = 1000;
    toy_region(p, 0, "r", 1, 0, 1);
    toy_region(p, 1, "s", 20000, 1, 1);
    int peak = -1;
    /* pass a: 8192 + 4096; b: 10 + 100 + 4096 (kept) + 4096 + 20480; c: 1100 */
    cr_assert_eq(chk_plan_projected(p, 1, 1, &peak), 10000 + 5000 + 28782u);
    cr_assert_eq(peak, 1);
    cr_assert_eq(chk_plan_projected(p, 4, 100, NULL), 10000 + 4 * 5000 + (4 * 110 + 16384 + 24576u));
    p->pass[2].work_bytes = 65536;
    cr_assert_eq(chk_plan_projected(p, 2, 2, &peak), 10000 + 2 * (5000 + 65536 + 1100u));
    cr_assert_eq(peak, 2);
    chk_plan_free(p);
}

Test(projected, threads_that_there_are_and_workers_of_use)
{
    chk_plan *p = toy_plan(2, 1, 4, 4);
    toy_pass(p, "a", &ops, NULL, 3)->work_bytes = 4096;
    toy_pass(p, "b", &ops, NULL, 2);
    cr_assert_eq(chk_plan_useful_workers(p, 8), 3);
    cr_assert_eq(chk_plan_useful_workers(p, 2), 2);
    cr_assert_eq(chk_plan_useful_workers(p, 0), 1);
    p->n_threads = 5; /* of a run before: their stacks are there whatever this one does */
    cr_assert_eq(chk_plan_projected(p, 3, 1, NULL), 10000 + 5 * 5000 + 3 * 4096u);
    cr_assert_eq(chk_plan_projected(p, 6, 1, NULL), 10000 + 6 * 5000 + 6 * 4096u);
    p->pass[0].serial = p->pass[1].serial = true;
    cr_assert_eq(chk_plan_useful_workers(p, 8), 1);
    chk_plan_free(p);
}

Test(projected, saturates_where_sizes_overflow)
{
    chk_plan *p = toy_plan(1, 2, 1, 1);
    toy_pass(p, "a", &ops, NULL, UINT64_MAX)->work_bytes = SIZE_MAX / 2;
    toy_region(p, 0, "r", UINT64_MAX - 5, 0, 0);
    cr_assert_eq(chk_plan_projected(p, 8, 8, NULL), UINT64_MAX);
    chk_plan_free(p);
    chk_plan_free(NULL);
}
