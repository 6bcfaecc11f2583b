/* What all sources share: being counted. */
#include "store/source.h"

#include <stdatomic.h>

void chk_source_retain(chk_source *s) { atomic_fetch_add(&s->refs, 1); }

void chk_source_release(chk_source *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1) s->ops->free(s);
}
