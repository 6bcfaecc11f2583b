/* ledger.h: the account of bytes under the ceiling, and the memory that is spent against it.
 *
 * A ledger holds a limit and what is taken; it never blocks: take succeeds or does not. Data-sized memory is a chk_buf: pages from mmap,
 * booked in a ledger when made and given back when put. Buffers below the page size are rounded up to it; that is the price of exact books.
 * Threads: all functions may be called from any thread. */
#ifndef CHK_LEDGER_H
#define CHK_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct chk_ledger chk_ledger;

/* parent (may be NULL): every byte is booked there too, and its limit holds as well. It must outlive the ledger. */
chunk_status chk_ledger_new(chk_ledger **out, uint64_t limit_bytes, chk_ledger *parent, chunk_error *err);
void chk_ledger_free(chk_ledger *l);                   /* asserts that everything was given back */
bool chk_ledger_take(chk_ledger *l, uint64_t n_bytes); /* false: would pass the limit, nothing taken */
void chk_ledger_give(chk_ledger *l, uint64_t n_bytes);
uint64_t chk_ledger_used(const chk_ledger *l);
uint64_t chk_ledger_peak(const chk_ledger *l); /* highest use since the ledger was made */
uint64_t chk_ledger_limit(const chk_ledger *l);

/* Pages booked in a ledger. A zeroed buffer is valid and holds nothing. Memory from get is zero-filled (fresh pages). */
typedef struct chk_buf {
    void *data;
    size_t n_bytes; /* as asked for */
    size_t booked;  /* rounded up to pages, as booked */
    chk_ledger *ledger;
} chk_buf;

chunk_status chk_buf_get(chk_buf *out, chk_ledger *l, size_t n_bytes, chunk_error *err);
void chk_buf_put(chk_buf *b); /* unmaps, gives back, zeroes *b */
static inline size_t chk_page_round(size_t n) { return (n + 4095) & ~(size_t)4095; }

/* A bump allocator inside one buffer: what a task's grant is carved with. Never waits; failing means the plan's arithmetic is wrong. */
typedef struct chk_arena {
    char *base;
    size_t size, used, peak;
} chk_arena;

static inline void chk_arena_init(chk_arena *a, void *base, size_t size) { *a = (chk_arena){base, size, 0, 0}; }
/* 64-byte aligned; NULL when it does not fit. */
static inline void *chk_arena_get(chk_arena *a, size_t n_bytes)
{
    size_t at = (a->used + 63) & ~(size_t)63;
    if (n_bytes > a->size || at > a->size - n_bytes) return NULL;
    a->used = at + n_bytes;
    if (a->used > a->peak) a->peak = a->used;
    return a->base + at;
}
static inline size_t chk_arena_cost(size_t n_bytes)
{
    return (n_bytes + 63) & ~(size_t)63;
} /* what one get of n_bytes uses at most */

#endif
