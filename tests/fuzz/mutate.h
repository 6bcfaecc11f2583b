/* mutate.h: a small mutator for the fuzz programs: seeded, so that SEED repeats a run; FUZZ_SECONDS bounds it (default 2). Each input lives in a
 * block of its exact size, so that the address sanitizer sees a byte too far. */
#ifndef TEST_MUTATE_H
#define TEST_MUTATE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t fuzz_state;

static uint32_t fuzz_random(void)
{
    fuzz_state = fuzz_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(fuzz_state >> 33);
}

static size_t fuzz_below(size_t n) { return n ? fuzz_random() % n : 0; }

static double fuzz_number(const char *name, double otherwise)
{
    const char *text = getenv(name);
    return text ? atof(text) : otherwise;
}

static double fuzz_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const uint8_t fuzz_bytes[] = {0, 1, 0x7f, 0x80, 0xff, '(', ')', '"', '{', '[', ',', ':', ';', '-', '9', 'e', '*', '\\'};

/* One change in place of a buffer of cap bytes that holds n; returns the new n. */
static size_t fuzz_change(uint8_t *p, size_t n, size_t cap)
{
    size_t at = fuzz_below(n), len = 1 + fuzz_below(8);
    if (at + len > n) len = n - at;
    switch (fuzz_below(6)) {
    case 0:
        if (n) p[at] ^= (uint8_t)(1u << fuzz_below(8));
        return n;
    case 1:
        if (n) p[at] = fuzz_bytes[fuzz_below(sizeof fuzz_bytes)];
        return n;
    case 2: /* cut out */ memmove(p + at, p + at + len, n - at - len); return n - len;
    case 3: /* double a piece */
        if (n + len > cap) return n;
        memmove(p + at + len, p + at, n - at);
        return n + len;
    case 4: /* cut short */ return fuzz_below(8) ? n : fuzz_below(n + 1);
    default: /* copy a piece elsewhere */
        if (n) memmove(p + fuzz_below(n - len + 1), p + at, len);
        return n;
    }
}

/* Calls one(data, n) with mutants of seeds until the time is over. Returns how often. */
static long fuzz_loop(const uint8_t *const *seeds, const size_t *n_seed, size_t n_seeds, size_t cap,
                      void (*one)(size_t seed, const uint8_t *data, size_t n))
{
    uint64_t seed = (uint64_t)fuzz_number("SEED", 1);
    double end = fuzz_now() + fuzz_number("FUZZ_SECONDS", 2);
    uint8_t *work = malloc(cap);
    long runs = 0;
    for (; work && fuzz_now() < end; runs++) {
        fuzz_state = seed * 1000003u + (uint64_t)runs;
        fuzz_random();
        size_t which = fuzz_below(n_seeds), n = n_seed[which];
        memcpy(work, seeds[which], n);
        if (fuzz_below(4) == 0) { /* spliced with another */
            size_t other = fuzz_below(n_seeds), cut = fuzz_below(n + 1), from = fuzz_below(n_seed[other] + 1),
                   len = n_seed[other] - from;
            if (cut + len > cap) len = cap - cut;
            memcpy(work + cut, seeds[other] + from, len);
            n = cut + len;
        }
        for (size_t k = 1 + fuzz_below(6); k > 0; k--) n = fuzz_change(work, n, cap);
        uint8_t *exact = malloc(n ? n : 1);
        if (!exact) break;
        memcpy(exact, work, n);
        one(which, exact, n);
        free(exact);
    }
    free(work);
    printf("%ld inputs, SEED=%llu\n", runs, (unsigned long long)seed);
    return runs;
}

#endif
