/* reduce.c: the tree of leaves, grown from below. A node with no sibling on its right (an edge chunk's last leaves) stands for its parent. */
#include "plan/reduce.h"

#include <string.h>

struct chk_entry {
    int64_t kept_id, i;
    int32_t level, next;
};

/* ---- the worker's stack */

size_t chk_red_stack_bytes(size_t state_bytes, size_t cap, int depth)
{
    return chk_arena_cost(sizeof(chk_red_node) * (size_t)depth) + chk_arena_cost(state_bytes * cap) * (size_t)depth + 64;
}

bool chk_red_stack_init(chk_red_stack *s, const chk_reducer *r, const chk_geometry *g, size_t cap, int depth, chk_arena *arena)
{
    *s = (chk_red_stack){.r = r, .g = g, .cap = cap, .depth = depth};
    s->node = chk_arena_get(arena, sizeof(chk_red_node) * (size_t)depth);
    if (!s->node) return false;
    for (int i = 0; i < depth; i++) {
        s->node[i].state = chk_arena_get(arena, r->state_bytes * cap);
        if (!s->node[i].state) return false;
    }
    return true;
}

void *chk_red_stack_push(chk_red_stack *s, int level, int64_t i)
{
    if (s->n == s->depth) return NULL;
    chk_red_node *top = &s->node[s->n++];
    top->level = level;
    top->i = i;
    return top->state;
}

void *chk_red_stack_at(chk_red_stack *s, int64_t slot)
{
    if (s->n && s->node[s->n - 1].level == 0 && s->node[s->n - 1].i == slot) return s->node[s->n - 1].state;
    void *state = chk_red_stack_push(s, 0, slot);
    if (state) chk_reducer_init(s->r, state, s->cap, s->k);
    return state;
}

bool chk_red_stack_settle(chk_red_stack *s)
{
    while (s->n) {
        chk_red_node *top = &s->node[s->n - 1];
        if (top->level == s->g->levels) return true;
        if (!(top->i & 1)) {
            if (chk_geometry_node_exists(s->g, top->level, top->i ^ 1)) return true;
        } else {
            if (s->n < 2 || top[-1].level != top->level || top[-1].i != top->i - 1) return true;
            if (!chk_reducer_merge(s->r, top[-1].state, top->state, s->cap, s->k)) return false;
            s->n--;
            top--;
        }
        top->level++;
        top->i >>= 1;
    }
    return true;
}

void *chk_red_stack_find(const chk_red_stack *s, int64_t slot)
{
    for (int k = 0; k < s->n; k++)
        if (s->node[k].level == 0 && s->node[k].i == slot) return s->node[k].state;
    return NULL;
}

bool chk_red_stack_settle_all(chk_red_stack *s)
{
    int n = s->n;
    s->n = 0;
    for (int k = 0; k < n; k++) {
        chk_red_node next = s->node[k]; /* states change places, as each node keeps one */
        s->node[k] = s->node[s->n];
        s->node[s->n++] = next;
        if (!chk_red_stack_settle(s)) return false;
    }
    return true;
}

/* ---- the combiner */

int64_t chk_combiner_entries(const chk_geometry *g, int block_level, int n_workers, int64_t run_ahead, int64_t kept_blocks_in_unit)
{
    int64_t first_run = g->levels - block_level + 1, others = run_ahead ? run_ahead : (int64_t)n_workers * 2 * (g->levels + 1);
    return (first_run + others) * kept_blocks_in_unit + n_workers;
}

/* Units are parts of chunks. */
static bool cuts_chunks(const chk_geometry *g)
{
    bool cut = false;
    for (int a = 0; a < g->space.ndim; a++) cut |= g->blocks_in_chunk[a] > 1 && !g->whole_chunks;
    return cut;
}

/* Whether the walk, whose order is that of its kept axes and then its reduced ones, passes the slots of one result in their order. */
static bool goes_straight(const chk_geometry *g, uint32_t walk)
{
    bool kept = false, reduced = false;
    int last = -1;
    for (int phase = 0; phase < 2; phase++)
        for (int a = 0; a < g->space.ndim; a++) {
            bool by_walk = walk >> a & 1;
            if (by_walk != (phase == 1) || !(g->reduced >> a & 1) || g->grid.axis[a].n_chunks * g->blocks_in_chunk[a] <= 1)
                continue;
            if (a < last) return false;
            last = a;
            *(by_walk ? &reduced : &kept) = true;
        }
    return !kept || !reduced || !cuts_chunks(g);
}

int64_t chk_combiner_entries_aside(const chk_geometry *g, uint32_t walk, int block_level, int n_workers, bool any_order,
                                   int64_t n_blocks, int64_t blocks_taken)
{
    /* What is done is a prefix of the walk. Seen from one result it is a prefix of the reduced axes in the walk's order: in that of the slots, one run of them
     * from the first on; else one for each place on all axes but the last, and in chunks that are cut all blocks may wait. */
    bool straight = goes_straight(g, walk);
    if (any_order || (!straight && cuts_chunks(g))) return n_blocks + n_workers;
    double kept = 1, runs = 1, last = 1, nodes = g->levels - block_level + 1;
    for (int a = 0; a < g->space.ndim; a++) {
        double places = (double)g->grid.axis[a].n_chunks * (double)g->blocks_in_chunk[a];
        if (g->reduced >> a & 1)
            runs *= last, last = places;
        else
            kept *= places;
    }
    double covered = kept * nodes * (straight ? 1 : 2 * runs) + 2 * nodes * (double)n_workers * (double)blocks_taken;
    return (covered > (double)n_blocks ? n_blocks : (int64_t)covered) + n_workers;
}

static int64_t buckets_for(int64_t n_entries)
{
    int64_t n = 16;
    while (n < 2 * n_entries) n *= 2;
    return n;
}

uint64_t chk_combiner_bytes(int64_t n_entries, const chk_reducer *r, size_t cap)
{
    return chk_arena_cost((size_t)n_entries * sizeof(struct chk_entry)) +
           chk_arena_cost((size_t)buckets_for(n_entries) * sizeof(int32_t)) +
           (uint64_t)n_entries * chk_arena_cost(r->state_bytes * cap) + chk_arena_cost(chk_dtype_size(r->out) * cap);
}

void chk_combiner_init(chk_combiner *c, const chk_reducer *r, const chk_geometry *g, size_t cap, int64_t n_entries, void *memory,
                       void *result, chk_sink *sink, bool keepdims)
{
    *c = (chk_combiner){.r = r,
                        .g = g,
                        .cap = cap,
                        .n_entries = n_entries,
                        .n_buckets = buckets_for(n_entries),
                        .result = result,
                        .sink = sink,
                        .keepdims = keepdims,
                        .ready = true};
    pthread_mutexattr_t spin; /* held for a merge or two: waiters spin before they sleep */
    pthread_mutexattr_init(&spin);
    pthread_mutexattr_settype(&spin, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&c->lock, &spin);
    pthread_mutexattr_destroy(&spin);
    char *at = memory;
    c->entry = (struct chk_entry *)(void *)at;
    at += chk_arena_cost((size_t)n_entries * sizeof(struct chk_entry));
    c->bucket = (int32_t *)(void *)at;
    at += chk_arena_cost((size_t)c->n_buckets * sizeof(int32_t));
    c->states = at;
    c->finished = at + (size_t)n_entries * chk_arena_cost(r->state_bytes * cap);
    for (int64_t b = 0; b < c->n_buckets; b++) c->bucket[b] = -1;
    for (int64_t e = 0; e < n_entries; e++) c->entry[e].next = e + 1 < n_entries ? (int32_t)(e + 1) : -1;
    c->free_list = 0;
}

void chk_combiner_done(chk_combiner *c)
{
    if (c->ready) pthread_mutex_destroy(&c->lock);
    c->ready = false;
}

static char *state_of(const chk_combiner *c, int32_t e)
{
    return c->states + (size_t)e * chk_arena_cost(c->r->state_bytes * c->cap);
}

static int64_t bucket_of(const chk_combiner *c, int64_t kept_id, int level, int64_t i)
{
    uint64_t h =
        (uint64_t)kept_id * 0x9E3779B97F4A7C15u ^ (uint64_t)i * 0xC2B2AE3D27D4EB4Fu ^ (uint64_t)level * 0x165667B19E3779F9u;
    return (int64_t)((h ^ h >> 29) & (uint64_t)(c->n_buckets - 1));
}

/* Takes the entry out of its bucket; -1 when there is none. */
static int32_t take(chk_combiner *c, int64_t kept_id, int level, int64_t i)
{
    int32_t *link = &c->bucket[bucket_of(c, kept_id, level, i)];
    for (; *link >= 0; link = &c->entry[*link].next) {
        struct chk_entry *e = &c->entry[*link];
        if (e->kept_id != kept_id || e->i != i || e->level != level) continue;
        int32_t found = *link;
        *link = e->next;
        return found;
    }
    return -1;
}

static void put_free(chk_combiner *c, int32_t e)
{
    c->entry[e].next = c->free_list;
    c->free_list = e;
}

/* Results of a block into the dense result, run by run of the innermost kept axes. */
static bool finish_block(chk_combiner *c, const chk_box *block, const void *state)
{
    const chk_geometry *g = c->g;
    int axis[CHK_MAX_NDIM], n = 0;
    for (int a = 0; a < g->space.ndim; a++)
        if (!(g->reduced >> a & 1)) axis[n++] = a;
    size_t item = chk_dtype_size(c->r->out);
    int inner = n; /* axes [inner, n) are whole, but for the first: one run */
    int64_t run = 1;
    while (inner > 0) {
        inner--;
        run *= chk_box_extent(block, axis[inner]);
        if (chk_box_extent(block, axis[inner]) != g->space.dim[axis[inner]]) break;
    }
    int64_t at[CHK_MAX_NDIM] = {0};
    for (size_t j = 0;; j += (size_t)run) {
        int64_t offset = 0;
        for (int i = 0; i < n; i++) offset = offset * g->space.dim[axis[i]] + block->lo[axis[i]] + (i < inner ? at[i] : 0);
        if (!chk_reducer_finish(c->r, c->result + (size_t)offset * item, state, c->cap, j, (size_t)run)) return false;
        int i = inner - 1;
        for (; i >= 0 && ++at[i] == chk_box_extent(block, axis[i]); i--) at[i] = 0;
        if (i < 0) return true;
    }
}

static chunk_status user_failed(const chk_combiner *c, chunk_error *err);

/* A finished block of a large result, to its sink. */
static chunk_status hand_on_block(chk_combiner *c, const chk_box *block, size_t k, const void *state, chunk_error *err)
{
    if (!chk_reducer_finish(c->r, c->finished, state, c->cap, 0, k)) return user_failed(c, err);
    chk_block b = {.data = c->finished, .n_bytes = k * chk_dtype_size(c->r->out)};
    for (int a = 0; a < block->ndim; a++) {
        bool red = c->g->reduced >> a & 1;
        if (red && !c->keepdims) continue;
        b.box.lo[b.box.ndim] = red ? 0 : block->lo[a];
        b.box.hi[b.box.ndim++] = red ? 1 : block->hi[a];
    }
    return c->sink->ops->write(c->sink, &b, err);
}

static chunk_status user_failed(const chk_combiner *c, chunk_error *err)
{
    return chk_fail(err, CHUNK_EUSER, "the reduction registered as %s reported a failure", c->r->user ? c->r->user->name : "?");
}

static chunk_status post_locked(chk_combiner *c, int64_t kept_id, const chk_box *block, size_t k, int level, int64_t i,
                                const void *state, chunk_error *err)
{
    int32_t e = i & 1 ? take(c, kept_id, level, i - 1) : -1;
    if (e >= 0) { /* its left sibling waits: merged from where it is, without a copy */
        if (!chk_reducer_merge(c->r, state_of(c, e), state, c->cap, k)) {
            put_free(c, e);
            return user_failed(c, err);
        }
        level++;
        i >>= 1;
    } else {
        e = c->free_list;
        if (e < 0)
            return chk_fail(err, CHUNK_ESTATE, "internal: more than %lld unmatched partial results", (long long)c->n_entries);
        c->free_list = c->entry[e].next;
        memcpy(state_of(c, e), state, c->r->state_bytes * c->cap);
    }
    for (;; level++, i >>= 1) {
        if (level == c->g->levels) {
            chunk_status st = c->sink                                  ? hand_on_block(c, block, k, state_of(c, e), err)
                              : finish_block(c, block, state_of(c, e)) ? CHUNK_OK
                                                                       : user_failed(c, err);
            put_free(c, e);
            return st;
        }
        if (!(i & 1) && !chk_geometry_node_exists(c->g, level, i ^ 1)) continue;
        int32_t sibling = take(c, kept_id, level, i ^ 1);
        if (sibling < 0) break;
        int32_t left = i & 1 ? sibling : e, right = i & 1 ? e : sibling;
        bool ok = chk_reducer_merge(c->r, state_of(c, left), state_of(c, right), c->cap, k);
        put_free(c, right);
        e = left;
        if (!ok) {
            put_free(c, left);
            return user_failed(c, err);
        }
    }
    int64_t b = bucket_of(c, kept_id, level, i);
    c->entry[e] = (struct chk_entry){kept_id, i, level, c->bucket[b]};
    c->bucket[b] = e;
    return CHUNK_OK;
}

chunk_status chk_combiner_post(chk_combiner *c, int64_t kept_id, const chk_box *block, size_t k, int level, int64_t i,
                               const void *state, chunk_error *err)
{
    pthread_mutex_lock(&c->lock);
    chunk_status st = post_locked(c, kept_id, block, k, level, i, state, err);
    pthread_mutex_unlock(&c->lock);
    return st;
}

chunk_status chk_combiner_finish_empty(chk_combiner *c, chunk_error *err)
{
    int64_t n = 1;
    for (int a = 0; a < c->g->space.ndim; a++)
        if (!(c->g->reduced >> a & 1)) n *= c->g->space.dim[a];
    size_t item = chk_dtype_size(c->r->out);
    if (!c->result) return CHUNK_OK;
    chk_reducer_init(c->r, c->states, c->cap, 1);
    for (int64_t j = 0; j < n; j++)
        if (!chk_reducer_finish(c->r, c->result + (size_t)j * item, c->states, c->cap, 0, 1)) return user_failed(c, err);
    return CHUNK_OK;
}
