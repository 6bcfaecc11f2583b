/* toy.h: plans made by hand, for tests of the scheduler: passes with any callbacks, regions, and a ledger of exactly the projected size. */
#ifndef TOY_H
#define TOY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/exec.h"

/* An empty plan with room for so many passes and regions; NULL when memory fails. */
static inline chk_plan *toy_plan(int n_passes, int n_regions, int n_workers, int n_kept)
{
    chk_plan *p = chk_calloc(1, sizeof *p);
    if (!p) return NULL;
    p->pass = chk_calloc((size_t)n_passes + 1, sizeof *p->pass);
    p->region = chk_calloc((size_t)n_regions + 1, sizeof *p->region);
    if (p->pass && p->region) p->n_regions = n_regions;
    for (int i = 0; i < p->n_regions; i++) {
        p->region[i] = chk_calloc(1, sizeof **p->region);
        if (!p->region[i]) p->n_workers = -1;
    }
    if (!p->pass || !p->region || p->n_workers < 0) {
        chk_plan_free(p);
        return NULL;
    }
    p->fixed_bytes = 10000;
    p->per_worker_bytes = 5000;
    p->n_workers = n_workers;
    p->n_kept = n_kept;
    return p;
}

static inline chk_pass *toy_pass(chk_plan *p, const char *name, const chk_pass_ops *ops, void *ctx, uint64_t n_tasks)
{
    chk_pass *s = &p->pass[p->n_passes++];
    s->ops = ops;
    s->ctx = ctx;
    s->n_tasks = n_tasks;
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static inline chk_region *toy_region(chk_plan *p, int i, const char *name, uint64_t n_bytes, int first, int last)
{
    chk_region *r = p->region[i];
    r->n_bytes = n_bytes;
    r->first = first;
    r->last = last;
    snprintf(r->name, sizeof r->name, "%s", name);
    return r;
}

#endif
