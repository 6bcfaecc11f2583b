/* What all sinks share: their end. */
#include "store/source.h"

void chk_sink_free(chk_sink *s)
{
    if (s != NULL) s->ops->free(s);
}
