/* finish.c: results that are elementwise expressions over the value of an operation with passes of its own, such as 2*(a @ b) + 3*c: where nothing else reads
 * that value, its passes may compute the expression as well and write the result, so that the value is never stored. */
#include "expr/op.h"
#include "plan/lower.h"
#include "plan/nodeset.h"

enum { MAX_DEPTH = 200 };

typedef struct walk {
    const chk_lower *l;
    const chk_node *value;
    chk_nodeset seen, without;
    bool fits;
} walk;

/* Whether n is made of stored arrays, values of other items and elementwise steps; no view shows the value. */
static chunk_status look(walk *w, const chk_node *n, int depth, chunk_error *err)
{
    bool fresh;
    CHK_TRY(chk_nodeset_add(&w->seen, n, &fresh, err));
    if (!fresh || n == w->value || n->kind == CHK_NODE_SOURCE || chk_lower_find(w->l, n)) return CHUNK_OK;
    bool map = n->kind == CHK_NODE_MAP || n->kind == CHK_NODE_USER, found = false;
    w->fits &= depth < MAX_DEPTH && (map || n->kind == CHK_NODE_VIEW || n->kind == CHK_NODE_SCALAR || n->kind == CHK_NODE_IOTA);
    if (n->kind == CHK_NODE_VIEW) CHK_TRY(chk_node_contains(&found, n->in[0], w->value, &w->without, err));
    w->fits &= !found;
    for (int i = 0; i < n->n_in && w->fits; i++) CHK_TRY(look(w, n->in[i], depth + 1, err));
    return CHUNK_OK;
}

static chunk_status is_elementwise(bool *yes, const chk_lower *l, const chk_node *n, const chk_node *value, chunk_error *err)
{
    walk w = {.l = l, .value = value, .fits = true};
    chunk_status st = look(&w, n, 0, err);
    chk_nodeset_done(&w.seen);
    chk_nodeset_done(&w.without);
    *yes = w.fits;
    return st;
}

/* The one item that has the value inside, where that is a target. */
static chunk_status only_inside(chk_item **out, const chk_lower *l, const chk_item *custom, chunk_error *err)
{
    chk_nodeset seen = {0};
    chunk_status st = CHUNK_OK;
    int n = 0;
    *out = NULL;
    for (int i = 0; i < l->n_items && st == CHUNK_OK; i++) {
        bool found = false;
        if (l->item[i] == custom) continue;
        st = chk_node_contains(&found, l->item[i]->root, custom->node, &seen, err);
        if (!found) continue;
        n++;
        *out = l->item[i];
        chk_nodeset_done(&seen); /* it holds nodes that lead to the value */
        seen = (chk_nodeset){0};
    }
    chk_nodeset_done(&seen);
    if (n != 1 || (*out)->kind != CHK_ITEM_TARGET || (*out)->root == custom->node) *out = NULL;
    return st;
}

static bool is_taken(const chk_lower *l, const chk_item *target)
{
    for (int i = 0; i < l->n_items; i++)
        if (l->item[i]->finish == target) return true;
    return false;
}

/* The operation's passes come after those of all that the target reads; the target, where they leave it, after them. */
chunk_status chk_lower_find_finishes(chk_lower *l, chunk_error *err)
{
    for (int i = 0; i < l->n_items; i++) {
        chk_item *it = l->item[i], *target;
        if (it->kind != CHK_ITEM_CUSTOM || !(it->node->u.custom.op->flags & CHK_OP_FINISHES)) continue;
        CHK_TRY(only_inside(&target, l, it, err));
        if (!target || is_taken(l, target) || !chk_shape_equal(&target->root->shape, &it->node->shape)) continue;
        bool yes;
        CHK_TRY(is_elementwise(&yes, l, target->root, it->node, err));
        if (!yes) continue;
        it->finish = target;
        it->level = target->level;
        target->level++;
    }
    return CHUNK_OK;
}
