/* eval_need.c: how much masks may select, before anybody has counted. A plan for everything tells what is needed at most, but for two things: an expression that
 * fits one count only, as x[m] + y or reshape(x[m], (20, -1)), cannot be built for it, and plans of fewer elements may take larger blocks. */
#include <ctype.h>
#include <stdlib.h>

#include "eval.h"

typedef struct counts {
    int64_t *at, all;
    int n;
} counts;

static void add(counts *c, int64_t count)
{
    bool known = count < 1 || count > c->all || c->n == MOST_COUNTS;
    for (int i = 0; i < c->n && !known; i++) known = c->at[i] == count;
    if (!known) c->at[c->n++] = count;
}

/* Whole numbers in the text, and the lengths that slices and shapes of these make of n. */
static void add_numbers(counts *c, const char *text, int64_t n)
{
    int64_t before = 1;
    for (const char *s = text; *s;) {
        bool inside_name = s > text && (isalnum((unsigned char)s[-1]) || s[-1] == '_' || s[-1] == '.');
        char *end = (char *)s + 1;
        int64_t v = isdigit((unsigned char)*s) && !inside_name ? strtoll(s, &end, 10) : 0;
        s = end;
        if (v < 1 || v > c->all) continue;
        add(c, v);
        add(c, n - v);
        add(c, n - n % v);
        if (v <= c->all / before) add(c, before * v);
        before = v;
    }
}

int job_counts(int64_t *at, const char *text, const chunk_binding *bound, int n)
{
    counts c = {.at = at, .all = 1};
    for (int i = 0; i < n; i++) {
        int64_t count = chunk_array_count(bound[i].array);
        if (count > c.all) c.all = count;
    }
    add(&c, c.all);
    for (int i = 0; i < n; i++) {
        add(&c, chunk_array_count(bound[i].array));
        for (int a = 0; a < chunk_array_ndim(bound[i].array) && c.n < MOST_COUNTS / 4; a++)
            add(&c, chunk_array_shape(bound[i].array)[a]);
    }
    for (int i = 0, lengths = c.n; i < lengths && c.n < MOST_COUNTS / 2; i++) add_numbers(&c, text, at[i]);
    for (int64_t k = c.all; k > 0; k -= k / 4 + 1) add(&c, k);
    add(&c, 1);
    return c.n;
}
