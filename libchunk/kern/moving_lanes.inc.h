/* moving_lanes.inc.h: windows along LANES lines side by side. What is known of some elements of a line is a state: their number, and a sum; or their sum and
 * sum of squares less one of them; or their extreme and where it lies. */

typedef double AT_WIDTH(lane) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int64_t AT_WIDTH(mask) __attribute__((vector_size(8 * LANES)));

#define lane AT_WIDTH(lane)
#define mask AT_WIDTH(mask)
#define state AT_WIDTH(state)
#define pick(m, yes, no) ((lane)(((mask)(yes) & (m)) | ((mask)(no) & ~(m))))
#define at(p) (*(const lane *)(const void *)(p))
#define put(p, x) (*(lane *)(void *)(p) = (x))

/* SUM, MEAN: n, a sum. VAR: n, a sum and b sum of squares of what x exceeds c by, where c is one of the elements. Extremes: n, a value, b row. */
typedef struct state {
    lane n, a, b, c;
} state;

/* An extreme of nothing is NaN. */
static inline __attribute__((always_inline)) void AT_WIDTH(begin)(state *s, chk_moving kind)
{
    const lane zero = {0};
    *s = (state){zero, zero + (kind >= CHK_MOVING_MIN ? (double)NAN : 0), zero, zero};
}

/* As many of its members as that kind has, to be kept. */
static inline __attribute__((always_inline)) void AT_WIDTH(keep)(double *to, chk_moving kind, const state *s)
{
    put(to, s->n);
    put(to + LANES, s->a);
    if (kind == CHK_MOVING_VAR || kind >= CHK_MOVING_ARGMIN) put(to + 2 * LANES, s->b);
    if (kind == CHK_MOVING_VAR) put(to + 3 * LANES, s->c);
}
static inline __attribute__((always_inline)) void AT_WIDTH(kept)(state *s, chk_moving kind, const double *from)
{
    AT_WIDTH(begin)(s, kind);
    s->n = at(from);
    s->a = at(from + LANES);
    if (kind == CHK_MOVING_VAR || kind >= CHK_MOVING_ARGMIN) s->b = at(from + 2 * LANES);
    if (kind == CHK_MOVING_VAR) s->c = at(from + 3 * LANES);
}

/* Takes up the elements of one row. later: it comes after those that are in s, else before them. */
static inline __attribute__((always_inline)) void AT_WIDTH(extend)(state *s, chk_moving kind, const double *p, int64_t row,
                                                                   bool later)
{
    const lane zero = {0}, one = zero + 1.0;
    lane x = at(p);
    mask there = x == x;
    if (kind == CHK_MOVING_SUM || kind == CHK_MOVING_MEAN) {
        s->a += pick(there, x, zero);
    } else if (kind == CHK_MOVING_VAR) {
        s->c = pick(there & (s->n == zero), x, s->c);
        lane d = pick(there, x - s->c, zero);
        s->a += d;
        s->b += d * d;
    } else {
        bool least = kind == CHK_MOVING_MIN || kind == CHK_MOVING_ARGMIN;
        lane y = pick(there, x, zero + (least ? INFINITY : -INFINITY));
        mask loses = least ? (later ? s->a < y : s->a <= y) : (later ? s->a > y : s->a >= y);
        s->a = pick(loses, s->a, y);
        s->b = pick(loses, s->b, zero + (double)row);
    }
    s->n += pick(there, one, zero);
}

/* The result of a window that is f and, after it, g; row: of its last element. */
static inline __attribute__((always_inline)) void AT_WIDTH(finish)(double *out, chk_moving kind, const chk_moving_run *r,
                                                                   const state *f, const state *g, int64_t row)
{
    const lane zero = {0};
    lane n = f->n + g->n, y;
    if (kind == CHK_MOVING_SUM || kind == CHK_MOVING_MEAN) {
        y = f->a + g->a;
        if (kind == CHK_MOVING_MEAN) y /= n;
    } else if (kind == CHK_MOVING_VAR) {
        /* f's sums are moved to g's c, which is in the window: so the square of the sum takes away no more than n times what remains. */
        lane apart = pick((f->n != zero) & (g->n != zero), f->c - g->c, zero), moved = f->n * apart;
        lane a = g->a + (f->a + moved), b = g->b + (f->b + apart * (f->a + (f->a + moved)));
        lane m2 = b - a * a / n;
        m2 = pick(m2 < zero, zero, m2);
        y = m2 / (n - (double)r->ddof);
    } else {
        bool least = kind == CHK_MOVING_MIN || kind == CHK_MOVING_ARGMIN;
        mask wins = least ? g->a <= f->a : g->a >= f->a;
        y = pick(wins, g->a, f->a);
        if (kind >= CHK_MOVING_ARGMIN) y = (double)row - pick(wins, g->b, f->b);
    }
    put(out, pick(n >= zero + (double)r->min_count, y, zero + (double)NAN));
}

static inline __attribute__((always_inline)) void AT_WIDTH(run)(chk_moving kind, const chk_moving_run *r)
{
    const int64_t w = r->window, size = CHK_MOVING_STATES * LANES;
    state s, f;
    for (int64_t b = -r->phase; b < r->n; b += w) { /* windows that begin in the block whose first row is b */
        int64_t first = b > 0 ? b : 0, end = b + w < r->n ? b + w : r->n;
        AT_WIDTH(begin)(&s, kind);
        for (int64_t j = b + w - 1; j >= first; j--) {
            AT_WIDTH(extend)(&s, kind, r->in + j * r->in_stride, j, false);
            if (j < end) AT_WIDTH(keep)(r->room + (j - b) * size, kind, &s);
        }
        f = s;
        AT_WIDTH(begin)(&s, kind);
        if (b >= 0) AT_WIDTH(finish)(r->out + b * r->out_stride, kind, r, &f, &s, b + w - 1);
        for (int64_t j = b + w; j < end + w - 1; j++) {
            int64_t i = j - w + 1;
            AT_WIDTH(extend)(&s, kind, r->in + j * r->in_stride, j, true);
            if (i < 0) continue;
            AT_WIDTH(kept)(&f, kind, r->room + (i - b) * size);
            AT_WIDTH(finish)(r->out + i * r->out_stride, kind, r, &f, &s, j);
        }
    }
}

static void AT_WIDTH(lines)(chk_moving kind, const chk_moving_run *r)
{
    switch (kind) {
    case CHK_MOVING_SUM: AT_WIDTH(run)(CHK_MOVING_SUM, r); break;
    case CHK_MOVING_MEAN: AT_WIDTH(run)(CHK_MOVING_MEAN, r); break;
    case CHK_MOVING_VAR: AT_WIDTH(run)(CHK_MOVING_VAR, r); break;
    case CHK_MOVING_MIN: AT_WIDTH(run)(CHK_MOVING_MIN, r); break;
    case CHK_MOVING_MAX: AT_WIDTH(run)(CHK_MOVING_MAX, r); break;
    case CHK_MOVING_ARGMIN: AT_WIDTH(run)(CHK_MOVING_ARGMIN, r); break;
    default: AT_WIDTH(run)(CHK_MOVING_ARGMAX, r); break;
    }
}

static inline void AT_WIDTH(rank)(double *out, const double *in, int64_t window, int64_t stride, int64_t min_count)
{
    const lane zero = {0}, one = zero + 1.0;
    lane x = at(in + (window - 1) * stride), below = zero, equal = zero, n = one;
    for (int64_t t = 0; t < window - 1; t++) {
        lane y = at(in + t * stride);
        below += pick(y < x, one, zero);
        equal += pick(y == x, one, zero);
        n += pick(y == y, one, zero);
    }
    lane r = (below + 0.5 * equal) / (n - 1.0);
    r = pick(n == one, zero, 2.0 * (r - 0.5));
    put(out, pick((x == x) & (n >= zero + (double)min_count), r, zero + (double)NAN));
}

#undef lane
#undef mask
#undef state
#undef pick
#undef at
#undef put
