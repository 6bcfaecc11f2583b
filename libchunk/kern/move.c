/* move.c: bytes moved without looking at them. What is worth a level's own instructions is in move.inc.h. */
#include "kern/level.h"

enum { SPLAT_BLOCK = 4096 }; /* the pattern grows by doubling to about this, then is repeated while it stays in the L1 cache */

void chk_kern_splat(void *out, const void *item, size_t item_bytes, size_t n)
{
    char *o = out;
    size_t total = item_bytes * n, done = item_bytes;
    if (!total) return;
    if (item_bytes == 1) {
        memset(out, *(const unsigned char *)item, n);
        return;
    }
    memcpy(o, item, item_bytes);
    while (done < total && done < SPLAT_BLOCK) {
        size_t m = total - done < done ? total - done : done;
        memcpy(o + done, o, m);
        done += m;
    }
    for (size_t block = done; done < total;) { /* done is a multiple of item_bytes here */
        size_t m = total - done < block ? total - done : block;
        memcpy(o + done, o, m);
        done += m;
    }
}

#define GATHER(name, T)                                                                                                            \
    static void name(T *o, const char *a, int64_t stride, size_t n)                                                                \
    {                                                                                                                              \
        for (size_t i = 0; i < n; i++, a += stride) memcpy(o + i, a, sizeof(T));                                                   \
    }
typedef struct pair {
    u64u half[2];
} pair;
GATHER(gather1, u8u)
GATHER(gather2, u16u)
GATHER(gather4, u32u)
GATHER(gather8, u64u)
GATHER(gather16, pair)

void chk_kern_gather(void *out, const void *in, int64_t stride, size_t item_bytes, size_t n)
{
    if (stride == (int64_t)item_bytes) {
        memcpy(out, in, item_bytes * n);
        return;
    }
    switch (item_bytes) {
    case 1: gather1(out, in, stride, n); break;
    case 2: gather2(out, in, stride, n); break;
    case 4: gather4(out, in, stride, n); break;
    case 8: gather8(out, in, stride, n); break;
    case 16: gather16(out, in, stride, n); break;
    default:
        for (size_t i = 0; i < n; i++) memcpy((char *)out + i * item_bytes, (const char *)in + (int64_t)i * stride, item_bytes);
    }
}

/* Equal neighbours all along, and the first is the item: memcmp stops at the first difference. */
bool chk_kern_all_equal(const void *in, const void *item, size_t item_bytes, size_t n)
{
    const char *a = in;
    return !n || (!memcmp(a, item, item_bytes) && !memcmp(a, a + item_bytes, item_bytes * (n - 1)));
}

size_t chk_kern_compress(void *out, const void *in, const uint8_t *mask, size_t item_bytes, size_t n, size_t room)
{
    return chk_level_now()->move->compress(out, in, mask, item_bytes, n, room);
}

void chk_kern_bswap(void *out, const void *in, size_t unit_bytes, size_t n)
{
    chk_level_now()->move->bswap(out, in, unit_bytes, n);
}

void chk_kern_shuffle(void *out, const void *in, size_t item_bytes, size_t n_bytes)
{
    size_t n = item_bytes ? n_bytes / item_bytes : 0, whole = n * item_bytes;
    chk_level_now()->move->shuffle(out, in, n, item_bytes, n);
    memcpy((char *)out + whole, (const char *)in + whole, n_bytes - whole);
}

void chk_kern_unshuffle(void *out, const void *in, size_t item_bytes, size_t n_bytes)
{
    size_t n = item_bytes ? n_bytes / item_bytes : 0, whole = n * item_bytes;
    chk_level_now()->move->unshuffle(out, in, n, item_bytes, n);
    memcpy((char *)out + whole, (const char *)in + whole, n_bytes - whole);
}

void chk_kern_unplane(void *out, const void *in, size_t plane_bytes, size_t item_bytes, size_t n)
{
    chk_level_now()->move->unshuffle(out, in, plane_bytes, item_bytes, n);
}

void chk_kern_transpose(void *out, int64_t to, const void *in, int64_t from, size_t item_bytes, int64_t n_rows, int64_t n_cols)
{
    chk_level_now()->move->transpose(out, to, in, from, item_bytes, n_rows, n_cols);
}

void chk_kern_bitshuffle(void *out, const void *in, size_t item_bytes, size_t n)
{
    chk_level_now()->move->bitshuffle(out, in, item_bytes, n);
}

void chk_kern_bitunshuffle(void *out, const void *in, size_t item_bytes, size_t n)
{
    chk_level_now()->move->bitunshuffle(out, in, item_bytes, n);
}
