/* overhead_stress.c: what scheduling costs: an empty task of each kind of pass, and a small run inside its caller. The bounds are wide (shared
 * machines), under sanitizers ten times as wide; the numbers are printed for whoever changes the scheduler. */
#include "toy.h"

#include "base/thread.h"

#ifdef CHUNK_SANITIZED
enum { SLOWER = 10 };
#else
enum { SLOWER = 1 };
#endif

static chunk_status nothing(chk_pass *p, chk_task *t, chunk_error *err)
{
    (void)p, (void)t, (void)err;
    return CHUNK_OK;
}

static bool before(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    (void)p;
    if (i > 0 || task < 64) return false;
    *on = task - 64;
    return true;
}

static double ns_per_task(const chk_pass_ops *ops, bool ordered, uint64_t n_tasks, int n_workers, const chk_exec_options *options,
                          int n_runs)
{
    chk_plan *plan = toy_plan(1, 1, n_workers, 8);
    toy_pass(plan, "empty", ops, NULL, n_tasks)->ordered = ordered;
    toy_region(plan, 0, "result", 8, 0, 0);
    chk_ledger *ledger = NULL;
    chk_pool *pool = NULL;
    if (chk_ledger_new(&ledger, 1 << 30, NULL, NULL) || chk_pool_new(&pool, n_workers, NULL)) exit(1);
    double best = 1e9;
    for (int i = 0; i < n_runs; i++) {
        uint64_t t0 = chk_clock_ns();
        chk_exec *e;
        chunk_error err;
        if (chk_exec_start(&e, plan, ledger, pool, options, &err) || chk_exec_finish(e, NULL, &err)) exit(1);
        double ns = (double)(chk_clock_ns() - t0) / (double)n_tasks;
        if (ns < best) best = ns;
    }
    chk_pool_free(pool);
    chk_ledger_free(ledger);
    chk_plan_free(plan);
    return best;
}

int main(void)
{
    const chk_pass_ops plain = {.kind = "plain", .run = nothing}, deps = {.kind = "deps", .run = nothing, .deps = before};
    const chk_pass_ops claim = {.kind = "claim", .run = nothing, .claim = nothing, .write = nothing};
    const chk_exec_options none = {0}, small = {.inline_small = true};
    const struct {
        const char *what;
        double ns, most;
    } row[] = {
        {"plain, 1 worker", ns_per_task(&plain, false, 1000000, 1, &none, 5), 3000},
        {"plain, 2 workers", ns_per_task(&plain, false, 1000000, 2, &none, 5), 3000},
        {"dependencies, 1 worker", ns_per_task(&deps, false, 200000, 1, &none, 3), 20000},
        {"dependencies, 2 workers", ns_per_task(&deps, false, 200000, 2, &none, 3), 20000},
        {"turns, 2 workers", ns_per_task(&plain, true, 200000, 2, &none, 3), 20000},
        {"run, claim and write, 1 worker", ns_per_task(&claim, true, 200000, 1, &none, 3), 50000},
        {"run, claim and write, 2 workers", ns_per_task(&claim, true, 200000, 2, &none, 3), 50000},
        {"a small run in its caller", ns_per_task(&plain, false, 1, 2, &small, 2000), 200000},
        {"the same handed to the pool", ns_per_task(&plain, false, 1, 2, &none, 2000), 2000000},
    };
    int n_bad = 0;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        printf("%-32s %8.0f ns\n", row[i].what, row[i].ns);
        n_bad += row[i].ns > SLOWER * row[i].most;
    }
    return n_bad ? 1 : 0;
}
