/* nodeset.c: see nodeset.h. */
#include "plan/nodeset.h"

#include "base/alloc.h"

static size_t place(const chk_nodeset *s, const chk_node *n)
{
    uint64_t h = ((uint64_t)(uintptr_t)n >> 4) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h >> 20) & (s->cap - 1);
    while (s->slot[i] && s->slot[i] != n) i = (i + 1) & (s->cap - 1);
    return i;
}

chunk_status chk_nodeset_add(chk_nodeset *s, const chk_node *n, bool *fresh, chunk_error *err)
{
    if (2 * (s->n + 1) > s->cap) {
        chk_nodeset old = *s;
        s->cap = old.cap ? 2 * old.cap : 64;
        s->slot = chk_calloc(s->cap, sizeof *s->slot);
        if (!s->slot) {
            *s = old;
            return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
        }
        for (size_t i = 0; i < old.cap; i++)
            if (old.slot[i]) s->slot[place(s, old.slot[i])] = old.slot[i];
        chk_free(old.slot);
    }
    size_t i = place(s, n);
    *fresh = !s->slot[i];
    s->n += *fresh;
    s->slot[i] = n;
    return CHUNK_OK;
}

bool chk_nodeset_has(const chk_nodeset *s, const chk_node *n) { return s->cap && s->slot[place(s, n)]; }

void chk_nodeset_done(chk_nodeset *s)
{
    chk_free(s->slot);
    *s = (chk_nodeset){0};
}

/* Depth of both walks is bounded by the depth of expressions that planning accepts. */
chunk_status chk_nodeset_add_all(chk_nodeset *s, const chk_node *n, chunk_error *err)
{
    bool fresh;
    CHK_TRY(chk_nodeset_add(s, n, &fresh, err));
    for (int i = 0; i < n->n_in && fresh; i++) CHK_TRY(chk_nodeset_add_all(s, n->in[i], err));
    return CHUNK_OK;
}

chunk_status chk_node_contains(bool *found, const chk_node *n, const chk_node *part, chk_nodeset *seen, chunk_error *err)
{
    bool fresh;
    *found = n == part;
    if (*found) return CHUNK_OK;
    CHK_TRY(chk_nodeset_add(seen, n, &fresh, err));
    for (int i = 0; i < n->n_in && fresh && !*found; i++) CHK_TRY(chk_node_contains(found, n->in[i], part, seen, err));
    return CHUNK_OK;
}
