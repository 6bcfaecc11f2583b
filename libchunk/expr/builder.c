/* builder.c: the names of operations, the caller's kernels, and the table in which equal nodes find each other.
 *
 * The table holds nodes without counting them; a node leaves it when its count falls to zero, under the table's lock, so that a look-up
 * never revives a node that is being freed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/text_internal.h"

static int compare_names(const void *a, const void *b)
{
    const struct chk_name *x = a, *y = b;
    int c = memcmp(x->s, y->s, x->n < y->n ? x->n : y->n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* Calls add for each name in "atan2 arctan2"; returns how many there are. */
static size_t split_names(struct chk_name *out, const char *text, const chk_op *op)
{
    size_t n = 0;
    for (const char *p = text; p && *p;) {
        size_t len = strcspn(p, " ");
        if (len && out) out[n] = (struct chk_name){p, len, op};
        n += len > 0;
        p += len + strspn(p + len, " ");
    }
    return n;
}

static chk_table *new_table(void)
{
    chk_table *t = chk_calloc(1, sizeof *t);
    if (!t) return NULL;
    t->n_buckets = 64;
    t->bucket = chk_calloc(t->n_buckets, sizeof *t->bucket);
    if (!t->bucket) {
        chk_free(t);
        return NULL;
    }
    t->refs = 1;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void chk_table_release(chk_table *t)
{
    pthread_mutex_lock(&t->lock);
    bool last = --t->refs == 0;
    pthread_mutex_unlock(&t->lock);
    if (!last) return;
    for (int i = 0; i < t->n_user; i++) chk_free(t->user[i]);
    chk_free(t->user);
    chk_free(t->bucket);
    pthread_mutex_destroy(&t->lock);
    chk_free(t);
}

chunk_status chk_builder_new(chk_builder **out, const chk_op *const *ops, size_t n_ops, chunk_error *err)
{
    size_t n_names = 0;
    for (size_t i = 0; i < n_ops; i++) n_names += 1 + split_names(NULL, ops[i]->aliases, ops[i]);
    chk_builder *b = chk_calloc(1, sizeof *b);
    if (b) {
        b->name = chk_calloc(n_names + 1, sizeof *b->name);
        b->table = new_table();
    }
    if (!b || !b->name || !b->table) {
        chk_builder_free(b);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory for the table of operations");
    }
    for (size_t i = 0; i < n_ops; i++) {
        b->name[b->n_names++] = (struct chk_name){ops[i]->name, strlen(ops[i]->name), ops[i]};
        b->n_names += split_names(b->name + b->n_names, ops[i]->aliases, ops[i]);
    }
    qsort(b->name, b->n_names, sizeof *b->name, compare_names);
    *out = b;
    return CHUNK_OK;
}

static void forget_masks(chk_builder *b)
{
    while (b->n_met > 0) chk_node_release(b->met[--b->n_met]);
}

void chk_builder_free(chk_builder *b)
{
    if (!b) return;
    forget_masks(b);
    if (b->table) chk_table_release(b->table);
    chk_free(b->name);
    chk_free(b);
}

const chk_op *chk_builder_find(const chk_builder *b, const char *name, size_t n)
{
    struct chk_name key = {name, n, NULL};
    const struct chk_name *hit = b->n_names ? bsearch(&key, b->name, b->n_names, sizeof key, compare_names) : NULL;
    return hit ? hit->op : NULL;
}

const chk_user_op *chk_builder_find_user(const chk_builder *b, const char *name, size_t n)
{
    for (int i = 0; i < b->table->n_user; i++) {
        const chk_user_op *u = b->table->user[i];
        if (strlen(u->name) == n && !memcmp(u->name, name, n)) return u;
    }
    return NULL;
}

const char *chk_builder_nearest(const chk_builder *b, const char *name, size_t n)
{
    chk_near near = chk_near_start(name, n);
    const char *hit = NULL;
    for (int i = 0; i < b->table->n_user; i++) {
        int before = near.best;
        chk_near_try(&near, b->table->user[i]->name, strlen(b->table->user[i]->name));
        if (near.best < before) hit = b->table->user[i]->name;
    }
    for (size_t i = 0; i < b->n_names; i++) {
        int before = near.best;
        chk_near_try(&near, b->name[i].s, b->name[i].n);
        /* An alias is not a string of its own: its operation's name stands for it. */
        if (near.best < before) hit = b->name[i].op->name;
    }
    return hit;
}

static bool is_identifier(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    return n && s[n] == 0 && !(s[0] >= '0' && s[0] <= '9');
}

static chunk_status check_user(const chk_builder *b, const chk_user_op *op, chunk_error *err)
{
    size_t n = strnlen(op->name, sizeof op->name);
    if (n == sizeof op->name || !is_identifier(op->name))
        return chk_fail(err, CHUNK_EINVAL, "register: '%.40s' is not a name (letters, digits and _, up to 63)", op->name);
    if (chk_builder_find(b, op->name, n) || chk_builder_find_user(b, op->name, n))
        return chk_fail(err, CHUNK_EEXIST, "register: there is already an operation named '%s'", op->name);
    chk_value v;
    if (chk_constant(&v, op->name) || chk_refused_word(op->name, n))
        return chk_fail(err, CHUNK_EEXIST, "register: '%s' means something else in texts: %s", op->name,
                        !chk_refused_word(op->name, n) ? v.kind == CHK_VAL_DTYPE ? "a dtype" : "a constant" : "a word of Python");
    bool reduces = op->red.fold != NULL, blocks = chk_user_is_block(&op->block);
    if (reduces + (op->map != NULL) + blocks != 1)
        return chk_fail(err, CHUNK_EINVAL,
                        "register: '%s' needs either an elementwise function, a reduction or a function over blocks", op->name);
    int least = blocks ? 0 : 1, most = reduces ? 1 : blocks ? CHK_USER_INPUTS : 4;
    if (op->n_in < least || op->n_in > most)
        return chk_fail(err, CHUNK_EINVAL, "register: '%s' has %d inputs, allowed are %d to %d", op->name, op->n_in, least, most);
    for (int i = 0; i < op->n_in; i++)
        if ((unsigned)op->in_dtype[i] >= CHK_NDTYPE)
            return chk_fail(err, CHUNK_EINVAL, "register: '%s' has no valid dtype for input %d", op->name, i);
    if ((unsigned)op->out_dtype >= CHK_NDTYPE)
        return chk_fail(err, CHUNK_EINVAL, "register: '%s' has no valid result dtype", op->name);
    if (reduces && (!op->red.init || !op->red.merge || !op->red.finish || op->red.state_bytes < 1 || op->red.state_bytes > 4096))
        return chk_fail(err, CHUNK_EINVAL,
                        "register: '%s' needs init, fold, merge and finish, and a state of 1 to 4096 bytes, not %zu", op->name,
                        op->red.state_bytes);
    return CHUNK_OK;
}

chunk_status chk_builder_register(chk_builder *b, const chk_user_op *op, chunk_error *err)
{
    CHK_TRY(check_user(b, op, err));
    chk_table *t = b->table;
    chk_user_op *copy = chk_malloc(sizeof *copy);
    chk_user_op **list = copy ? chk_realloc(t->user, (size_t)(t->n_user + 1) * sizeof *list) : NULL;
    if (list) t->user = list;
    if (!list) {
        chk_free(copy);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory while registering '%s'", op->name);
    }
    *copy = *op;
    t->user[t->n_user++] = copy;
    return CHUNK_OK;
}

void chk_builder_set_evaluate(chk_builder *b, chk_evaluate_fn fn, void *arg)
{
    b->evaluate = fn;
    b->evaluate_arg = arg;
}

static void forget(chk_builder *b)
{
    chk_node_release(b->known);
    chk_free(b->value);
    b->known = NULL;
    b->value = NULL;
}

chunk_status chk_builder_evaluate(chk_builder *b, chk_node *n, void *out, chunk_error *err)
{
    if (!b->evaluate)
        return chk_fail(err, CHUNK_EUNSUPPORTED, "%s depends on values of data, which are not looked at here", n->name);
    size_t bytes = (size_t)chk_shape_count(&n->shape) * chk_dtype_size(n->dtype);
    if (b->known == n) {
        memcpy(out, b->value, bytes);
        return CHUNK_OK;
    }
    CHK_TRY(b->evaluate(b->evaluate_arg, n, out, err));
    void *value = b->recall ? chk_malloc(bytes) : NULL;
    if (!value) return CHUNK_OK;
    forget(b);
    memcpy(value, out, bytes);
    b->known = chk_node_retain(n);
    b->value = value;
    return CHUNK_OK;
}

void chk_builder_recall(chk_builder *b, bool recall)
{
    b->recall = recall;
    if (!recall) forget(b);
}

bool chk_node_reads_files(const chk_node *n) { return ((const chk_cell *)n)->file; }

void chk_builder_assume(chk_builder *b, bool assume)
{
    b->assume = assume;
    forget_masks(b);
}

bool chk_builder_assumes(const chk_builder *b) { return b->assume; }

void chk_builder_assume_most(chk_builder *b, const int64_t *most, int n)
{
    forget_masks(b);
    b->n_most = n < CHK_ASSUMED_MASKS ? n : CHK_ASSUMED_MASKS;
    for (int k = 0; k < b->n_most; k++) b->most[k] = most[k];
}

int64_t chk_builder_most(chk_builder *b, chk_node *mask)
{
    int k = 0;
    while (k < b->n_met && b->met[k] != mask) k++;
    if (k == b->n_met && k < CHK_ASSUMED_MASKS) b->met[b->n_met++] = chk_node_retain(mask);
    return b->n_most == 0 ? INT64_MAX : b->most[k < b->n_most ? k : b->n_most - 1];
}

int chk_builder_n_met(const chk_builder *b) { return b->n_met; }

void chk_builder_defer(chk_builder *b, bool defer) { b->defer = defer; }
bool chk_builder_defers(const chk_builder *b) { return b->defer; }

bool chk_node_is_bound(const chk_node *n) { return n->kind == CHK_NODE_CUSTOM && n->u.custom.op->count; }

chk_node *chk_node_exact(chk_builder *b, chk_node *n, chunk_error *err)
{
    chk_cell *c = (chk_cell *)n;
    if (!chk_node_is_bound(n)) return n;
    if (!c->exact && n->u.custom.op->count(&c->exact, b, n, err) != CHUNK_OK) return NULL;
    return c->exact;
}
