/* nodeset.h: sets of nodes, so that walks over expressions that share parts visit each part once. */
#ifndef CHK_NODESET_H
#define CHK_NODESET_H

#include "expr/node.h"

typedef struct chk_nodeset {
    const chk_node **slot; /* hash table, open addressing */
    size_t n, cap;
} chk_nodeset;

/* *fresh: n was not in the set before. */
chunk_status chk_nodeset_add(chk_nodeset *s, const chk_node *n, bool *fresh, chunk_error *err);
bool chk_nodeset_has(const chk_nodeset *s, const chk_node *n);
void chk_nodeset_done(chk_nodeset *s);
/* Adds n and all that it is made of. */
chunk_status chk_nodeset_add_all(chk_nodeset *s, const chk_node *n, chunk_error *err);
/* Does the expression n have `part` inside (or is it that itself)? seen: nodes that were looked through before without finding it;
 * once it is found, also those on the way to it, and of no more use. */
chunk_status chk_node_contains(bool *found, const chk_node *n, const chk_node *part, chk_nodeset *seen, chunk_error *err);

#endif
