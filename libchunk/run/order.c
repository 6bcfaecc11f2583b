/* order.c: which task of a pass may start, claim or write next. A state of a few kilobytes whatever the number of tasks.
 *
 * Why some task can always go on. Let t be the lowest unfinished task. (1) If t has not started: its dependencies are lower numbers, so they
 * have ended; t is the lowest not started, hence the first candidate, in ordered passes the only one; a pass without claim needs nothing
 * more than a worker, whose areas exist since the pass opened. In a pass with claim it needs a slot: as long as the task whose turn is to
 * come has not started, the last free slot is kept for it, and that task is t, or t is beyond its claim and so has started. If no slot is
 * free then all are held by started tasks; those that have claimed are lower than t's turn and end without needing anything. (2) If t runs,
 * it waits at most for its turn, and no lower task is left that could hold it. (3) If t has run, its turn has come, since lower tasks have
 * ended; claim, then write, are found before any new start. So with no worker busy there is always something to find, which is checked: a run
 * that finds nothing with tasks left and nobody busy fails with an error (a rule with a dependency on a higher number), it does not hang. */
#include "run/internal.h"

#include <string.h>

#include "base/alloc.h"

enum { LOOK_AHEAD = 64 }; /* candidates looked at when the lowest is blocked: bounds the time under the lock to some 200 ns */

static bool bit_get(const uint64_t *ring, uint64_t n) { return ring[n / 64 % CHK_RING_WORDS] >> (n % 64) & 1; }
static void bit_set(uint64_t *ring, uint64_t n) { ring[n / 64 % CHK_RING_WORDS] |= (uint64_t)1 << (n % 64); }
static void bit_clear(uint64_t *ring, uint64_t n) { ring[n / 64 % CHK_RING_WORDS] &= ~((uint64_t)1 << (n % 64)); }

static uint64_t random_next(chk_order *o)
{
    o->rng ^= o->rng << 13;
    o->rng ^= o->rng >> 7;
    o->rng ^= o->rng << 17;
    return o->rng;
}

chunk_status chk_order_new(chk_order *o, const chk_plan *plan, int n_slots, uint64_t scramble, chunk_error *err)
{
    bool deps = false, claim = false;
    for (int i = 0; i < plan->n_passes; i++) {
        deps |= plan->pass[i].ops->deps != NULL;
        claim |= plan->pass[i].ops->claim != NULL;
    }
    o->rng = scramble ? scramble * 0x9E3779B97F4A7C15u | 1 : 0;
    if (deps) {
        o->blocked_on = chk_malloc(CHK_TASK_WINDOW * sizeof *o->blocked_on);
        o->n_seen = chk_malloc(CHK_TASK_WINDOW * sizeof *o->n_seen);
        if (!o->blocked_on || !o->n_seen) return chk_fail(err, CHUNK_ENOMEM, "run: no memory for the window of dependencies");
    }
    if (claim) {
        o->n_slots = n_slots < CHK_TASK_WINDOW ? n_slots : CHK_TASK_WINDOW;
        o->slot = chk_calloc((size_t)o->n_slots, sizeof *o->slot);
        o->parked = chk_malloc(CHK_TASK_WINDOW * sizeof *o->parked);
        if (!o->slot || !o->parked) return chk_fail(err, CHUNK_ENOMEM, "run: no memory for %d parked tasks", o->n_slots);
    }
    return CHUNK_OK;
}

void chk_order_free(chk_order *o)
{
    chk_free(o->blocked_on);
    chk_free(o->n_seen);
    chk_free(o->slot);
    chk_free(o->parked);
}

void chk_order_open(chk_order *o, chk_pass *p)
{
    o->pass = p;
    o->n_tasks = p->n_tasks;
    o->plain = !p->ops->deps && !p->ops->claim && !p->ordered && !p->serial && !o->rng;
    atomic_store_explicit(&o->taken, 0, memory_order_relaxed);
    atomic_store_explicit(&o->advised, 0, memory_order_relaxed);
    o->low = o->next = o->turn = o->n_running = 0;
    memset(o->started, 0, sizeof o->started);
    memset(o->done, 0, sizeof o->done);
    memset(o->passed, 0, sizeof o->passed);
    o->write_first = o->write_last = -1;
    if (p->ops->deps) {
        memset(o->blocked_on, 0xff, CHK_TASK_WINDOW * sizeof *o->blocked_on);
        memset(o->n_seen, 0, CHK_TASK_WINDOW * sizeof *o->n_seen);
    }
    if (p->ops->claim) {
        memset(o->parked, 0, CHK_TASK_WINDOW * sizeof *o->parked);
        o->n_free = o->n_slots;
        o->free_first = 0;
        for (int i = 0; i < o->n_slots; i++) o->slot[i].next = i + 1 < o->n_slots ? i + 1 : -1;
    }
}

bool chk_order_complete(const chk_order *o)
{
    return o->plain ? atomic_load_explicit(&o->taken, memory_order_relaxed) >= o->n_tasks : o->low == o->n_tasks;
}

/* Asks for each dependency of a task once: what has ended stays ended, and one that has not is remembered. */
static bool deps_ended(chk_order *o, uint64_t number)
{
    if (!o->pass->ops->deps) return true;
    uint64_t *blocked = &o->blocked_on[number % CHK_TASK_WINDOW], on;
    uint32_t *seen = &o->n_seen[number % CHK_TASK_WINDOW];
    for (;;) {
        if (*blocked != CHK_NO_TASK) {
            bool ended = *blocked < o->low || (*blocked - o->low < CHK_TASK_WINDOW && bit_get(o->done, *blocked));
            if (!ended) return false;
            *blocked = CHK_NO_TASK;
        }
        if (!o->pass->ops->deps(o->pass, number, (int)*seen, &on)) return true;
        ++*seen;
        *blocked = on;
    }
}

static uint64_t window_end(const chk_order *o)
{
    return o->n_tasks - o->low > CHK_TASK_WINDOW ? o->low + CHK_TASK_WINDOW : o->n_tasks;
}

static bool find_from(chk_order *o, uint64_t from, uint64_t end, uint64_t *number)
{
    int n_looked = 0;
    for (uint64_t t = from; t < end && n_looked < LOOK_AHEAD; t++) {
        uint64_t free_bits = ~o->started[t / 64 % CHK_RING_WORDS] >> (t % 64);
        if (!free_bits) { /* the rest of this word has started */
            t |= 63;
            continue;
        }
        t += (uint64_t)__builtin_ctzll(free_bits);
        if (t >= end) return false;
        n_looked++;
        if (deps_ended(o, t)) {
            *number = t;
            return true;
        }
    }
    return false;
}

static bool find_start(chk_order *o, uint64_t *number)
{
    uint64_t end = window_end(o);
    if (o->next >= end || (o->pass->serial && o->n_running)) return false;
    bool only_next = o->pass->ordered;
    if (o->pass->ops->claim) {
        if (!o->n_free) return false;
        /* The lowest not started is the turn's own task whenever that one has not started. */
        if (o->n_free == 1 && o->next == o->turn) only_next = true;
    }
    if (only_next) {
        *number = o->next;
        return deps_ended(o, o->next);
    }
    if (o->rng && find_from(o, o->next + random_next(o) % (end - o->next), end, number)) return true;
    return find_from(o, o->next, end, number);
}

chk_step chk_order_find(chk_order *o)
{
    chk_step s = {CHK_STEP_NONE, 0, -1};
    if (o->pass->ops->claim && o->turn < o->n_tasks && o->parked[o->turn % CHK_TASK_WINDOW]) {
        s = (chk_step){CHK_STEP_CLAIM, o->turn, o->parked[o->turn % CHK_TASK_WINDOW] - 1};
        return s;
    }
    bool writes = o->write_first >= 0, start_first = writes && o->rng && (random_next(o) >> 40 & 1);
    if (start_first && find_start(o, &s.number)) {
        s.kind = CHK_STEP_RUN;
    } else if (writes) {
        s = (chk_step){CHK_STEP_WRITE, o->slot[o->write_first].task.number, o->write_first};
    } else if (find_start(o, &s.number)) {
        s.kind = CHK_STEP_RUN;
    }
    return s;
}

void chk_order_take(chk_order *o, chk_step *s)
{
    if (s->kind == CHK_STEP_CLAIM) { /* the turn stays until claim has ended, so no second one is found meanwhile */
        o->parked[s->number % CHK_TASK_WINDOW] = 0;
    } else if (s->kind == CHK_STEP_WRITE) {
        o->write_first = o->slot[s->slot].next;
        if (o->write_first < 0) o->write_last = -1;
    } else {
        bit_set(o->started, s->number);
        o->n_running++;
        uint64_t end = window_end(o);
        while (o->next < end && bit_get(o->started, o->next)) o->next++;
        if (o->pass->ops->claim) {
            s->slot = o->free_first;
            o->free_first = o->slot[s->slot].next;
            o->n_free--;
        }
    }
}

void chk_order_park(chk_order *o, const chk_step *s) { o->parked[s->number % CHK_TASK_WINDOW] = (uint16_t)(s->slot + 1); }

void chk_order_claimed(chk_order *o, const chk_step *s)
{
    o->turn++;
    if (!o->pass->ops->write) {
        chk_order_end(o, s);
        return;
    }
    o->slot[s->slot].next = -1;
    if (o->write_last >= 0)
        o->slot[o->write_last].next = s->slot;
    else
        o->write_first = s->slot;
    o->write_last = s->slot;
}

void chk_order_pass(chk_order *o, uint64_t number)
{
    if (number < o->turn) return;
    bit_set(o->passed, number);
    while (o->turn < o->n_tasks && bit_get(o->passed, o->turn)) bit_clear(o->passed, o->turn++);
}

void chk_order_end(chk_order *o, const chk_step *s)
{
    o->n_running--;
    if (o->pass->ops->claim) {
        o->slot[s->slot].next = o->free_first;
        o->free_first = s->slot;
        o->n_free++;
    } else if (o->pass->ordered) {
        chk_order_pass(o, s->number);
    }
    bit_set(o->done, s->number);
    while (o->low < o->n_tasks && bit_get(o->done, o->low)) {
        bit_clear(o->done, o->low);
        bit_clear(o->started, o->low);
        if (o->pass->ops->deps) {
            o->blocked_on[o->low % CHK_TASK_WINDOW] = CHK_NO_TASK;
            o->n_seen[o->low % CHK_TASK_WINDOW] = 0;
        }
        o->low++;
    }
}
