/* eval_need.c: how much masks may select, before anybody has counted. A plan for everything tells what is needed at most, but for two things: an expression that
 * fits some counts only, as x[m] + y or reshape(x[m], (20, -1)), cannot be built for it, and plans of fewer elements may take larger blocks. So counts are tried
 * that the lengths of the inputs and the numbers in the text suggest: the same for all masks, then others for each of them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "eval.h"

enum {
    MOST_COUNTS = 256,
    MOST_MASKS = 8,    /* as many as a context tells apart */
    SMALL_FACTOR = 64, /* of results, for each element that a mask selects: argwhere gives one an axis, repeat as many as it says */
    MARGIN = 16,       /* of what several masks need one part in so many more is told, as not all combinations are tried */
    NEED_SECONDS = 2   /* of work; most plans take a millisecond, those of many tiles a second */
};

typedef struct counts {
    int64_t at[MOST_COUNTS], all; /* all: of the largest input, or that many times over as tile, pad and the like may make of it */
    int n, most;                  /* no more than most are added */
} counts;

static void add(counts *c, int64_t count)
{
    bool known = count < 0 || (count > c->all && count < INT64_MAX) || c->n >= c->most;
    for (int i = 0; i < c->n && !known; i++) known = c->at[i] == count;
    if (!known) c->at[c->n++] = count;
}

/* The next whole number of the text from *s on that is no part of a name; *joined: nothing but a comma was before it. */
static int64_t next_number(const char *text, const char **s, bool *joined)
{
    *joined = true;
    for (; **s; (*s)++) {
        bool inside_name = *s > text && (isalnum((unsigned char)(*s)[-1]) || (*s)[-1] == '_' || (*s)[-1] == '.');
        if (!isdigit((unsigned char)**s) || inside_name) {
            *joined &= strchr(", ", **s) != NULL;
            continue;
        }
        char *end;
        int64_t v = strtoll(*s, &end, 10);
        *s = end;
        return v;
    }
    return 0;
}

/* What gives `made` elements: that, or so many times fewer as the text or the axes of an array say, with an input of n elements beside it or without. */
static void add_parts(counts *c, const char *text, int64_t made, const int64_t *lengths, int n_lengths)
{
    bool joined;
    int64_t v;
    add(c, made);
    for (int64_t d = 2; d <= 4; d++)
        if (made % d == 0) add(c, made / d);
    for (const char *s = text; (v = next_number(text, &s, &joined)) != 0 || *s;)
        if (v > 4 && v <= SMALL_FACTOR && made % v == 0) add(c, made / v);
    for (int i = 0; i < n_lengths; i++) {
        add(c, made - lengths[i]);
        add(c, lengths[i] - made);
    }
}

/* Products of numbers that stand together, as shapes do. */
static void add_shapes(counts *c, const char *text, const int64_t *lengths, int n_lengths)
{
    int64_t made = 1, v;
    bool joined;
    for (const char *s = text;;) {
        v = next_number(text, &s, &joined);
        bool more = joined && v > 0 && v <= INT64_MAX / made;
        if (!more && made > 1) add_parts(c, text, made, lengths, n_lengths);
        if (v == 0 && *s == 0) return;
        made = more ? made * v : v > 0 ? v : 1;
    }
}

/* Whole numbers in the text, and the lengths that slices and shapes of these make of n. */
static void add_numbers(counts *c, const char *text, int64_t n)
{
    bool joined;
    int64_t v;
    for (const char *s = text; (v = next_number(text, &s, &joined)) != 0 || *s;) {
        if (v < 1 || v > c->all) continue;
        add(c, v);
        add(c, n - v);
        add(c, n - n % v);
    }
}

/* What two numbers of the text make together: y[:u] beside y[v:], and the lengths of which every u-th is one of v. */
static void add_pairs(counts *c, const char *text)
{
    enum { MOST_NUMBERS = 16 };
    bool joined;
    int64_t number[MOST_NUMBERS], v, made;
    int n = 0;
    for (const char *s = text; n < MOST_NUMBERS && ((v = next_number(text, &s, &joined)) != 0 || *s);)
        if (v > 0) number[n++] = v;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            if (!__builtin_add_overflow(number[i], number[k], &made)) add(c, made);
            if (!__builtin_mul_overflow(number[i], number[k], &made)) add(c, made), add(c, made - 1);
        }
}

static void find_counts(counts *c, const char *text, const chunk_binding *bound, int n)
{
    *c = (counts){.all = 1, .most = MOST_COUNTS / 4};
    for (int i = 0; i < n; i++) {
        int64_t count = chunk_array_count(bound[i].array);
        if (count > c->all) c->all = count;
    }
    int64_t largest = c->all;
    c->all = largest <= INT64_MAX / SMALL_FACTOR ? largest * SMALL_FACTOR : INT64_MAX;
    add(c, INT64_MAX); /* all, of however large a mask */
    for (int i = 0; i < n; i++) {
        add(c, chunk_array_count(bound[i].array));
        for (int a = 0; a < chunk_array_ndim(bound[i].array); a++) add(c, chunk_array_shape(bound[i].array)[a]);
    }
    const int64_t *length = c->at + 1;
    int lengths = c->n - 1;
    c->most = MOST_COUNTS / 2;
    add(c, 0);
    for (int64_t k = c->all; k >= largest; k /= 2) add(c, k);
    add_shapes(c, text, length, lengths);
    add_pairs(c, text);
    c->most = MOST_COUNTS * 3 / 4;
    for (int i = 0; i < lengths; i++) add_numbers(c, text, length[i]);
    c->most = MOST_COUNTS;
    for (int64_t k = largest; k > 0; k -= k / 4 + 1) add(c, k);
    add(c, 1);
}

typedef struct search {
    job *j;
    const chunk_binding *bound;
    int n;
    counts c;
    clock_t began;
    chunk_error *err; /* of all that was tried, that which needs most */
    bool built;
    uint64_t needed;          /* most, of what could be built */
    int64_t most[MOST_MASKS]; /* the counts that need that */
    int n_met, n_masks;       /* masks that were met at last, and when something was built */
} search;

static bool in_time(const search *s) { return (clock() - s->began) / CLOCKS_PER_SEC < NEED_SECONDS; }

static void try_counts(search *s, const int64_t *most, int n)
{
    chunk_error e = {0};
    chunk_context_assume_most(s->j->ctx, most, n);
    bool built = job_need(s->j, s->bound, s->n, &e);
    s->n_met = chunk_context_n_assumed(s->j->ctx);
    if (!built || (s->built && e.needed <= s->needed)) return;
    if (e.needed > s->err->needed) *s->err = e;
    s->built = true;
    s->needed = e.needed;
    s->n_masks = s->n_met;
    for (int k = 0; k < MOST_MASKS; k++) s->most[k] = most[k < n ? k : n - 1];
}

/* Any counts for which the expression can be built: one mask after the other, as the last one that was met is what did not fit, or one before it. */
static void find_some(search *s)
{
    int at[MOST_MASKS] = {0};
    while (!s->built && in_time(s)) {
        int64_t most[MOST_MASKS];
        for (int k = 0; k < MOST_MASKS; k++) most[k] = s->c.at[at[k]];
        try_counts(s, most, MOST_MASKS);
        int k = s->n_met - 1;
        for (int later = s->n_met; later < MOST_MASKS; later++) at[later] = 0;
        while (k >= 0 && ++at[k] == s->c.n) at[k--] = 0;
        if (k < 0) return;
    }
}

/* Each mask by itself, the others as they need most. */
static void vary_each(search *s)
{
    for (int k = 0; k < s->n_masks; k++)
        for (int i = 0; i < s->c.n && in_time(s); i++) {
            int64_t most[MOST_MASKS];
            memcpy(most, s->most, sizeof most);
            most[k] = s->c.at[i];
            try_counts(s, most, MOST_MASKS);
        }
}

void job_need_at_most(job *j, const chunk_binding *bound, int n, chunk_error *err)
{
    search s = {.j = j, .bound = bound, .n = n, .err = err};
    find_counts(&s.c, j->text, bound, n);
    s.began = clock();
    chunk_context_assume(j->ctx, true);
    for (int i = 0; i < s.c.n && in_time(&s); i++) try_counts(&s, &s.c.at[i], 1);
    find_some(&s);
    if (!s.built || s.n_masks < 2) return;
    for (int round = 0; round < 2; round++) vary_each(&s);
    err->needed += (err->needed / MARGIN + 4095) / 4096 * 4096;
}
