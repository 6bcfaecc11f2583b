/* tiles.h: decoded chunks of one dataset, kept while a run reads them more than once: halos, joins, reads across chunk borders.
 *
 * Memory is the run's, lent from open to close: slots of one chunk each, the least recently used one goes first. A chunk is decoded by whoever asks
 * first; others who ask meanwhile wait for it. A slot that is in use is pinned. All functions may be called from any thread; a caller that waits holds
 * no pin of these tiles, and one that decodes waits for nobody, so nobody waits for ever. */
#ifndef CHK_TILES_H
#define CHK_TILES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chk_tile {
    uint64_t addr; /* of the stored chunk; UINT64_MAX: none */
    int pins;
    bool ready, planes;
    int next;         /* of the same bucket, -1: none */
    int older, newer; /* of those that nobody uses, -1: none */
} chk_tile;

/* Zeroed and initialised by chk_tiles_init it is closed and valid. */
typedef struct chk_tiles {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    _Atomic int n; /* slots; 0: closed */
    char *data;
    size_t slot_bytes;
    chk_tile *tile;
    int *bucket;
    uint32_t n_buckets; /* a power of two */
    int oldest, newest;
    int n_pins;
} chk_tiles;

void chk_tiles_init(chk_tiles *t);
void chk_tiles_done(chk_tiles *t);
/* What n slots of so many bytes and their tables take. */
uint64_t chk_tiles_bytes(size_t slot_bytes, int n);
/* Lends memory of that size, at a page boundary. False: another run has these tiles open; this one goes on without. */
bool chk_tiles_open(chk_tiles *t, void *memory, size_t slot_bytes, int n);
void chk_tiles_close(chk_tiles *t); /* waits until nothing is pinned */

/* The slot of the chunk at addr, pinned, or -1 where there is none to be had. *load: the caller decodes into chk_tiles_data and says
 * chk_tiles_loaded, which must follow soon and whatever happens; else it is decoded already. */
int chk_tiles_get(chk_tiles *t, uint64_t addr, bool *load);
void chk_tiles_loaded(chk_tiles *t, int slot, bool ok, bool planes); /* !ok: also takes the pin back */
void chk_tiles_put(chk_tiles *t, int slot);
static inline char *chk_tiles_data(const chk_tiles *t, int slot) { return t->data + (size_t)slot * t->slot_bytes; }
static inline bool chk_tiles_planes(const chk_tiles *t, int slot) { return t->tile[slot].planes; }

#endif
