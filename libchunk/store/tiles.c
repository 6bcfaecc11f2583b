/* tiles.c: see tiles.h. */
#include "store/tiles.h"

void chk_tiles_init(chk_tiles *t)
{
    *t = (chk_tiles){.oldest = -1, .newest = -1};
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->moved, NULL);
}

void chk_tiles_done(chk_tiles *t)
{
    pthread_cond_destroy(&t->moved);
    pthread_mutex_destroy(&t->lock);
}

static uint32_t buckets_for(int n)
{
    uint32_t b = 16;
    while (b < (uint32_t)n) b *= 2;
    return b;
}

static size_t slot_room(size_t slot_bytes) { return (slot_bytes + 63) & ~(size_t)63; }

uint64_t chk_tiles_bytes(size_t slot_bytes, int n)
{
    return (uint64_t)n * (slot_room(slot_bytes) + sizeof(chk_tile)) + buckets_for(n) * sizeof(int);
}

/* ---- lists; under the lock */

static int *bucket_of(chk_tiles *t, uint64_t addr)
{
    return &t->bucket[(addr * UINT64_C(0x9E3779B97F4A7C15)) >> 32 & (t->n_buckets - 1)];
}

static int find(chk_tiles *t, uint64_t addr)
{
    int i = *bucket_of(t, addr);
    while (i >= 0 && t->tile[i].addr != addr) i = t->tile[i].next;
    return i;
}

static void forget(chk_tiles *t, int slot)
{
    if (t->tile[slot].addr == UINT64_MAX) return;
    int *at = bucket_of(t, t->tile[slot].addr);
    while (*at != slot) at = &t->tile[*at].next;
    *at = t->tile[slot].next;
    t->tile[slot].addr = UINT64_MAX;
}

static void enter(chk_tiles *t, int slot, uint64_t addr)
{
    int *at = bucket_of(t, addr);
    t->tile[slot].addr = addr;
    t->tile[slot].next = *at;
    *at = slot;
}

static void take_idle(chk_tiles *t, int slot)
{
    chk_tile *s = &t->tile[slot];
    *(s->older >= 0 ? &t->tile[s->older].newer : &t->oldest) = s->newer;
    *(s->newer >= 0 ? &t->tile[s->newer].older : &t->newest) = s->older;
}

/* oldest: nothing is in it, so that it is the next to be used. */
static void add_idle(chk_tiles *t, int slot, bool oldest)
{
    chk_tile *s = &t->tile[slot];
    s->older = oldest ? -1 : t->newest;
    s->newer = oldest ? t->oldest : -1;
    *(s->older >= 0 ? &t->tile[s->older].newer : &t->oldest) = slot;
    *(s->newer >= 0 ? &t->tile[s->newer].older : &t->newest) = slot;
}

static void unpin(chk_tiles *t, int slot, bool empty)
{
    t->n_pins--;
    if (--t->tile[slot].pins > 0) return;
    if (empty) forget(t, slot);
    add_idle(t, slot, empty);
}

/* ---- */

bool chk_tiles_open(chk_tiles *t, void *memory, size_t slot_bytes, int n)
{
    pthread_mutex_lock(&t->lock);
    bool opens = !t->tile && n > 0;
    if (opens) {
        t->data = memory;
        t->slot_bytes = slot_room(slot_bytes);
        t->n_buckets = buckets_for(n);
        t->tile = (chk_tile *)(t->data + (size_t)n * t->slot_bytes);
        t->bucket = (int *)(t->tile + n);
        t->oldest = t->newest = -1;
        for (uint32_t b = 0; b < t->n_buckets; b++) t->bucket[b] = -1;
        for (int i = 0; i < n; i++) {
            t->tile[i] = (chk_tile){.addr = UINT64_MAX};
            add_idle(t, i, false);
        }
        atomic_store(&t->n, n);
    }
    pthread_mutex_unlock(&t->lock);
    return opens;
}

void chk_tiles_close(chk_tiles *t)
{
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->n, 0);
    while (t->n_pins > 0) pthread_cond_wait(&t->moved, &t->lock);
    t->tile = NULL;
    pthread_mutex_unlock(&t->lock);
}

int chk_tiles_get(chk_tiles *t, uint64_t addr, bool *load)
{
    if (atomic_load_explicit(&t->n, memory_order_relaxed) == 0) return -1;
    int slot = -1;
    *load = false;
    pthread_mutex_lock(&t->lock);
    if (t->n > 0 && (slot = find(t, addr)) >= 0) {
        if (t->tile[slot].pins++ == 0) take_idle(t, slot);
        t->n_pins++;
        while (t->tile[slot].addr == addr && !t->tile[slot].ready) pthread_cond_wait(&t->moved, &t->lock);
        if (t->tile[slot].addr != addr) { /* who decoded it failed */
            unpin(t, slot, true);
            slot = -1;
        }
    } else if (t->n > 0 && (slot = t->oldest) >= 0) {
        take_idle(t, slot);
        forget(t, slot);
        enter(t, slot, addr);
        t->tile[slot].pins = 1;
        t->tile[slot].ready = false;
        t->n_pins++;
        *load = true;
    }
    pthread_mutex_unlock(&t->lock);
    return slot;
}

void chk_tiles_loaded(chk_tiles *t, int slot, bool ok, bool planes)
{
    pthread_mutex_lock(&t->lock);
    t->tile[slot].ready = ok;
    t->tile[slot].planes = planes;
    if (!ok) {
        forget(t, slot);
        unpin(t, slot, true);
    }
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

void chk_tiles_put(chk_tiles *t, int slot)
{
    pthread_mutex_lock(&t->lock);
    unpin(t, slot, t->tile[slot].addr == UINT64_MAX);
    if (t->n == 0) pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}
