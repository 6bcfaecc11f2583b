/* books.c: what a plan will spill and read again, pass by pass, once its sizes are chosen. For explain and for progress. */
#include "base/alloc.h"
#include "plan/planner.h"
#include "plan/spill.h"

/* Stored sources in the order in which passes first read them. */
typedef struct readers {
    struct {
        const chk_source *source;
        int pass;
    } * first;
    int n, cap;
    chk_pass *pass;
    int number;
    bool failed;
} readers;

static void note(void *arg, chk_source *s)
{
    readers *r = arg;
    int at = 0;
    if (s->stored_bytes == 0 || s->ops->inner || r->failed) return;
    while (at < r->n && r->first[at].source != s) at++;
    if (at < r->n) {
        if (r->first[at].pass < r->number) r->pass->bytes_recomputed += s->stored_bytes;
        return;
    }
    if (r->n == r->cap) {
        int cap = r->cap ? 2 * r->cap : 16;
        void *grown = chk_realloc(r->first, (size_t)cap * sizeof *r->first);
        r->failed = !grown;
        if (!grown) return;
        r->first = grown;
        r->cap = cap;
    }
    r->first[r->n].source = s;
    r->first[r->n++].pass = r->number;
}

static void look_into(void *arg, chk_source *s) { chk_source_walk(s, note, arg); }

chunk_status chk_plan_close_books(chk_plan *p, chunk_error *err)
{
    readers r = {.n = 0};
    for (r.number = 0; r.number < p->n_passes && !r.failed; r.number++) {
        r.pass = &p->pass[r.number];
        r.pass->bytes_spilled = r.pass->bytes_recomputed = 0;
        if (r.pass->ops->sources) r.pass->ops->sources(r.pass, look_into, &r);
    }
    chk_free(r.first);
    for (int i = 0; i < p->n_spills; i++)
        if (p->spill[i]->region->first >= 0) p->pass[p->spill[i]->region->first].bytes_spilled += chk_spill_bytes(p->spill[i]);
    return r.failed ? chk_fail(err, CHUNK_ENOMEM, "out of memory while planning") : CHUNK_OK;
}
