/* The books: one atomic counter a ledger, taken by compare-and-swap so that the limit is never passed, not even for a moment. A taking that
 * the parent refuses is given back; another thread may then have been refused meanwhile, which is why refusal is not an error by itself. */
#include "base/ledger.h"

#include <assert.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/fault.h"

struct chk_ledger {
    _Atomic uint64_t used, peak;
    uint64_t limit;
    chk_ledger *parent;
};

chunk_status chk_ledger_new(chk_ledger **out, uint64_t limit_bytes, chk_ledger *parent, chunk_error *err)
{
    chk_ledger *l = chk_calloc(1, sizeof *l);
    if (l == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for a ledger");
    l->limit = limit_bytes;
    l->parent = parent;
    *out = l;
    return CHUNK_OK;
}

void chk_ledger_free(chk_ledger *l)
{
    if (l == NULL) return;
    assert(l->used == 0 && "everything taken from a ledger is given back before it is freed");
    chk_free(l);
}

static void raise_peak(chk_ledger *l, uint64_t used)
{
    uint64_t peak = l->peak;
    while (used > peak && !__atomic_compare_exchange_n((uint64_t *)&l->peak, &peak, used, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

bool chk_ledger_take(chk_ledger *l, uint64_t n_bytes)
{
    uint64_t used = l->used;
    do {
        if (n_bytes > l->limit || used > l->limit - n_bytes) return false;
    } while (!__atomic_compare_exchange_n((uint64_t *)&l->used, &used, used + n_bytes, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if (l->parent != NULL && !chk_ledger_take(l->parent, n_bytes)) {
        l->used -= n_bytes;
        return false;
    }
    raise_peak(l, used + n_bytes);
    return true;
}

void chk_ledger_give(chk_ledger *l, uint64_t n_bytes)
{
    for (; l != NULL; l = l->parent) {
        uint64_t before = __atomic_fetch_sub((uint64_t *)&l->used, n_bytes, __ATOMIC_ACQ_REL);
        assert(before >= n_bytes && "no more is given back than was taken");
        (void)before;
    }
}

uint64_t chk_ledger_used(const chk_ledger *l) { return l->used; }

uint64_t chk_ledger_peak(const chk_ledger *l) { return l->peak; }

uint64_t chk_ledger_limit(const chk_ledger *l) { return l->limit; }

chunk_status chk_buf_get(chk_buf *out, chk_ledger *l, size_t n_bytes, chunk_error *err)
{
    if (n_bytes == 0) {
        *out = (chk_buf){.ledger = l};
        return CHUNK_OK;
    }
    char text[2][32];
    if (n_bytes > SIZE_MAX / 2) return chk_fail(err, CHUNK_ENOMEM, "no memory for %zu bytes", n_bytes);
    size_t booked = chk_page_round(n_bytes);
    if (!chk_ledger_take(l, booked)) {
        chk_fail(err, CHUNK_ECEILING, "%s more would pass the limit of %s", chk_bytes_text(text[0], sizeof text[0], booked),
                 chk_bytes_text(text[1], sizeof text[1], l->limit));
        if (err != NULL) err->needed = chk_ledger_used(l) + booked;
        return CHUNK_ECEILING;
    }
    void *p = MAP_FAILED;
    if (!chk_fault_hit(CHK_FAULT_ALLOC)) p = mmap(NULL, booked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        chk_ledger_give(l, booked);
        return chk_fail(err, CHUNK_ENOMEM, "the system refused %s of memory", chk_bytes_text(text[0], sizeof text[0], booked));
    }
    *out = (chk_buf){p, n_bytes, booked, l};
    return CHUNK_OK;
}

void chk_buf_put(chk_buf *b)
{
    if (b->data != NULL) {
        munmap(b->data, b->booked);
        chk_ledger_give(b->ledger, b->booked);
    }
    *b = (chk_buf){0};
}
