/* moving_median.c: medians of moving windows. Windows of up to 64 elements go through a sorting network, many at a time; where one of them has a NaN, what
 * is left of it is selected from alone. For longer ones the elements of a line are sorted once (by their bits, a byte at a time); a window is then a set
 * of bits over their places in that order, and its median is never far from the last one's. */
#include <math.h>
#include <string.h>

#include "kern/stencil.h"
#include "ops/moving.h"

typedef struct item {
    uint64_t key; /* orders as the value does, -0 before 0 */
    int64_t at;
} item;

size_t moving_median_room(int64_t window, int64_t had)
{
    if (window <= FILTER_NETWORK) return (size_t)window * sizeof(double) + 3 * CHK_PIECE * sizeof(double);
    return (size_t)had * (2 * sizeof(item) + sizeof(int64_t)) + ((size_t)had / 64 + 1) * sizeof(uint64_t);
}

/* ---- short windows */

/* The median of v's n elements; v is reordered. */
static double middle(double *v, int64_t n)
{
    double upper = filter_select(v, n, n / 2);
    return n % 2 ? upper : 0.5 * (filter_select(v, n, n / 2 - 1) + upper);
}

static double of_those_there(const double *x, int64_t stride, const moving_box *m, double *v)
{
    int64_t n = 0;
    for (int64_t t = 0; t < m->window; t++)
        if (!isnan(x[t * stride])) v[n++] = x[t * stride];
    return n < m->min_count ? NAN : middle(v, n);
}

static void by_network(const moving_box *m, void *room)
{
    uint8_t upper[FILTER_MOST_PAIRS][2], lower[FILTER_MOST_PAIRS][2];
    int w = (int)m->window, n_upper = filter_network(upper, w, w / 2), n_lower = w % 2 ? 0 : filter_network(lower, w, w / 2 - 1);
    double *v = room, *sum = v + w, *half = sum + CHK_PIECE;
    const double *tap[FILTER_NETWORK];
    for (int64_t o = 0; o < m->outer; o++) {
        const double *x = m->x + o * m->had * m->inner;
        double *out = m->out + o * m->n * m->inner;
        for (int64_t i = 0; i < m->n * m->inner; i += CHK_PIECE) {
            int64_t n = m->n * m->inner - i < CHK_PIECE ? m->n * m->inner - i : CHK_PIECE;
            for (int t = 0; t < w; t++) tap[t] = x + i + t * m->inner;
            chk_stencil_add(sum, tap, w, (size_t)n); /* NaN where one is among them, or two infinities */
            chk_stencil_select(out + i, tap, w, upper, n_upper, w / 2, (size_t)n);
            if (w % 2 == 0) chk_stencil_select(half, tap, w, lower, n_lower, w / 2 - 1, (size_t)n);
            for (int64_t k = 0; k < n; k++) {
                if (isnan(sum[k]))
                    out[i + k] = of_those_there(tap[0] + k, m->inner, m, v);
                else if (w % 2 == 0)
                    out[i + k] = 0.5 * (half[k] + out[i + k]);
            }
        }
    }
}

/* ---- long windows */

static uint64_t key_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double value_of(uint64_t key)
{
    double x;
    key = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    memcpy(&x, &key, sizeof x);
    return x;
}

/* Sorts v; other: room for as many. Returns which of them holds the result. */
static item *sort(item *v, item *other, int64_t n)
{
    for (int byte = 0; byte < 8; byte++) {
        int64_t count[256] = {0}, at = 0;
        for (int64_t i = 0; i < n; i++) count[v[i].key >> 8 * byte & 255]++;
        if (count[v[0].key >> 8 * byte & 255] == n) continue;
        for (int b = 0; b < 256; b++) {
            int64_t k = count[b];
            count[b] = at;
            at += k;
        }
        for (int64_t i = 0; i < n; i++) other[count[v[i].key >> 8 * byte & 255]++] = v[i];
        item *t = v;
        v = other;
        other = t;
    }
    return v;
}

/* The window as a set of places in sorted order: n of them, `below` of them before place `at`. */
typedef struct set {
    uint64_t *bits;
    int64_t n, at, below;
} set;

static bool has(const set *s, int64_t place) { return s->bits[place / 64] >> place % 64 & 1; }

static void toggle(set *s, int64_t place, int by)
{
    s->bits[place / 64] ^= (uint64_t)1 << place % 64;
    s->n += by;
    if (place < s->at) s->below += by;
}

/* The nearest place of the set after, or before, one; there is one. */
static int64_t after(const set *s, int64_t place)
{
    int64_t word = ++place / 64;
    uint64_t rest = s->bits[word] >> place % 64;
    if (rest) return place + __builtin_ctzll(rest);
    while (!s->bits[++word]) continue;
    return word * 64 + __builtin_ctzll(s->bits[word]);
}
static int64_t before(const set *s, int64_t place)
{
    int64_t word = --place / 64;
    uint64_t rest = s->bits[word] << (63 - place % 64);
    if (rest) return place - __builtin_clzll(rest);
    while (!s->bits[--word]) continue;
    return word * 64 + 63 - __builtin_clzll(s->bits[word]);
}

/* Moves s->at to the k-th place of the set. */
static void seek(set *s, int64_t k)
{
    for (; s->below > k; s->below--) s->at = before(s, s->at);
    if (!has(s, s->at)) s->at = after(s, s->at);
    for (; s->below < k; s->below++) s->at = after(s, s->at);
}

static void by_order(const moving_box *m, const double *x, double *out, void *room)
{
    item *v = room, *sorted = v + m->had;
    int64_t *place = (int64_t *)(void *)(sorted + m->had), n = 0;
    set s = {.bits = (uint64_t *)(void *)(place + m->had)};
    memset(s.bits, 0, ((size_t)m->had / 64 + 1) * sizeof *s.bits);
    for (int64_t j = 0; j < m->had; j++) {
        double at = x[j * m->inner];
        place[j] = -1;
        if (!isnan(at)) v[n++] = (item){key_of(at), j};
    }
    sorted = n ? sort(v, sorted, n) : v;
    for (int64_t k = 0; k < n; k++) place[sorted[k].at] = k;
    for (int64_t j = 0; j < m->had; j++) {
        if (place[j] >= 0) toggle(&s, place[j], 1);
        int64_t i = j - m->window + 1;
        if (i < 0) continue;
        double median = NAN;
        if (s.n >= m->min_count) {
            seek(&s, (s.n - 1) / 2);
            median = value_of(sorted[s.at].key);
            if (s.n % 2 == 0) median = 0.5 * (median + value_of(sorted[after(&s, s.at)].key));
        }
        out[i * m->inner] = median;
        if (place[i] >= 0) toggle(&s, place[i], -1);
    }
}

void moving_median(const moving_box *m, void *room)
{
    if (m->window <= FILTER_NETWORK) {
        by_network(m, room);
        return;
    }
    for (int64_t o = 0; o < m->outer; o++)
        for (int64_t c = 0; c < m->inner; c++)
            by_order(m, m->x + o * m->had * m->inner + c, m->out + o * m->n * m->inner + c, room);
}
