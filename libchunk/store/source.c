/* What all sources share: being counted, and being looked into. */
#include "store/source.h"

#include <stdatomic.h>

void chk_source_retain(chk_source *s) { atomic_fetch_add(&s->refs, 1); }

void chk_source_release(chk_source *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1) s->ops->free(s);
}

typedef struct walk {
    void (*visit)(void *arg, chk_source *s);
    void *arg;
} walk;

static void walk_one(void *arg, chk_source *s)
{
    walk *w = arg;
    w->visit(w->arg, s);
    if (s->ops->inner) s->ops->inner(s, walk_one, w);
}

void chk_source_walk(chk_source *s, void (*visit)(void *arg, chk_source *s), void *arg)
{
    walk w = {visit, arg};
    walk_one(&w, s);
}
