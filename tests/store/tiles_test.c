/* Decoded chunks kept in tiles: under contention every chunk is what was decoded, once while it stays; failures and closing. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/tiles.h"

enum { SLOT = 200, N = 7, CHUNKS = 40, ROUNDS = 20000, THREADS = 4 };

typedef struct user {
    chk_tiles *t;
    unsigned seed;
    _Atomic int *loads, *bad;
    int pins;
} user;

static void *use(void *arg)
{
    user *u = arg;
    int held[N], n = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t addr = (uint64_t)(rand_r(&u->seed) % CHUNKS) * 1000 + 17;
        bool load;
        int s = chk_tiles_get(u->t, addr, &load);
        if (s < 0) continue;
        char *data = chk_tiles_data(u->t, s), want = (char)(addr / 1000 + 1);
        if (load) {
            bool fails = rand_r(&u->seed) % 50 == 0;
            atomic_fetch_add(u->loads, 1);
            memset(data, want, SLOT);
            chk_tiles_loaded(u->t, s, !fails, addr % 2000 == 17);
            if (fails) continue;
        }
        if (data[0] != want || data[SLOT - 1] != want || chk_tiles_planes(u->t, s) != (addr % 2000 == 17))
            atomic_fetch_add(u->bad, 1);
        held[n++] = s;
        while (n >= u->pins) chk_tiles_put(u->t, held[--n]);
    }
    while (n > 0) chk_tiles_put(u->t, held[--n]);
    return NULL;
}

static int run_users(chk_tiles *t, int pins, int *loads)
{
    pthread_t thread[THREADS];
    user u[THREADS];
    _Atomic int n_loads = 0, bad = 0;
    for (int i = 0; i < THREADS; i++) {
        u[i] = (user){t, (unsigned)i + 1, &n_loads, &bad, pins};
        cr_assert_eq(pthread_create(&thread[i], NULL, use, &u[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    *loads = n_loads;
    return bad;
}

Test(tiles, hold_what_was_decoded)
{
    chk_tiles t;
    int loads;
    chk_tiles_init(&t);
    for (int n = 1; n <= N; n += 3) {
        void *memory = malloc(chk_tiles_bytes(SLOT, n));
        cr_assert(chk_tiles_open(&t, memory, SLOT, n));
        cr_assert_not(chk_tiles_open(&t, memory, SLOT, n), "another run has them");
        cr_assert_eq(run_users(&t, 1, &loads), 0);
        chk_tiles_close(&t);
        free(memory);
    }
    chk_tiles_done(&t);
}

Test(tiles, are_decoded_once_where_there_is_room)
{
    chk_tiles t;
    bool load;
    chk_tiles_init(&t);
    void *memory = malloc(chk_tiles_bytes(SLOT, CHUNKS));
    cr_assert(chk_tiles_open(&t, memory, SLOT, CHUNKS));
    for (int round = 0; round < 3; round++)
        for (uint64_t a = 0; a < CHUNKS; a++) {
            int s = chk_tiles_get(&t, a << 40, &load);
            cr_assert_geq(s, 0);
            cr_assert_eq(load, round == 0);
            if (load) chk_tiles_loaded(&t, s, true, false);
            chk_tiles_put(&t, s);
        }
    chk_tiles_close(&t);
    cr_assert_eq(chk_tiles_get(&t, 1, &load), -1, "closed");
    chk_tiles_done(&t);
    free(memory);
}

Test(tiles, the_least_recently_used_one_goes_and_pinned_ones_stay)
{
    chk_tiles t;
    bool load;
    chk_tiles_init(&t);
    void *memory = malloc(chk_tiles_bytes(SLOT, 2));
    cr_assert(chk_tiles_open(&t, memory, SLOT, 2));
    int a = chk_tiles_get(&t, 1, &load);
    chk_tiles_loaded(&t, a, true, false);
    int b = chk_tiles_get(&t, 2, &load);
    chk_tiles_loaded(&t, b, true, false);
    cr_assert_eq(chk_tiles_get(&t, 3, &load), -1, "both are in use");
    chk_tiles_put(&t, b);
    cr_assert_eq(chk_tiles_get(&t, 3, &load), b);
    cr_assert(load);
    chk_tiles_loaded(&t, b, false, false);
    cr_assert_eq(chk_tiles_get(&t, 1, &load), a);
    cr_assert_not(load);
    chk_tiles_put(&t, a);
    chk_tiles_put(&t, a);
    int c = chk_tiles_get(&t, 4, &load);
    cr_assert_eq(c, b, "the one whose decoding failed is empty and goes first");
    chk_tiles_loaded(&t, c, true, false);
    chk_tiles_put(&t, c);
    chk_tiles_close(&t);
    chk_tiles_done(&t);
    free(memory);
}
