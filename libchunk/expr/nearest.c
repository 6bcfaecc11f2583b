/* nearest.c: names for "did you mean": the smallest number of single-letter edits (swapped neighbours are one), letters' case ignored. */
#include <ctype.h>
#include <string.h>

#include "expr/internal.h"

enum { MAX_NAME = 40 };

static int edit_distance(const char *a, int n, const char *b, int m)
{
    int d[3][MAX_NAME + 1];
    for (int j = 0; j <= m; j++) d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = d[i % 3], *last = d[(i + 2) % 3], *before = d[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            int best = last[j - 1] + (ca != cb);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]);
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return d[n % 3][m];
}

chk_near chk_near_start(const char *name, size_t n)
{
    /* A third of the letters may differ, one at least: more makes suggestions that nobody meant. */
    int allowed = n < 3 ? 1 : (int)(n / 3);
    return (chk_near){.name = name, .n = n, .best = allowed + 1};
}

void chk_near_try(chk_near *near, const char *candidate, size_t n)
{
    if (near->n > MAX_NAME || n > MAX_NAME || n == 0) return;
    int d = edit_distance(near->name, (int)near->n, candidate, (int)n);
    if (d < near->best && d < (int)(near->n > n ? near->n : n)) {
        near->best = d;
        near->hit = candidate;
        near->hit_n = n;
    }
}
