/* reduce_rows.inc.h: sums, variances, least and greatest of one float64 row in one walk, where there are registers for the lanes of all three. Each
 * result has the bits of its own row function: the lanes are the same, and a variance's first pass is the sum. */
#if defined __AVX512F__
#include <immintrin.h>

typedef struct summary {
    double sum, least, greatest;
} summary;

/* False, without a least and a greatest, where the sum is not a number: NaN may be among the elements, which these comparisons would lose. */
static bool summarise(summary *s, const f64u *a, size_t n)
{
    enum { W = 8, N = LANES / W };
    double sums[LANES] = {0}, least[LANES], greatest[LANES];
    __m512d sum[N], low[N], high[N];
    for (int k = 0; k < N; k++) {
        sum[k] = _mm512_setzero_pd();
        low[k] = _mm512_set1_pd(INFINITY);
        high[k] = _mm512_set1_pd(-INFINITY);
    }
    for (; n >= LANES; n -= LANES, a += LANES) {
        _Pragma("GCC unroll 4") for (int k = 0; k < N; k++)
        {
            __m512d x = _mm512_loadu_pd(a + k * W);
            sum[k] = _mm512_add_pd(sum[k], x);
            low[k] = _mm512_min_pd(x, low[k]); /* of equals, the one before: the second */
            high[k] = _mm512_max_pd(x, high[k]);
        }
    }
    for (int k = 0; k < N; k++) {
        _mm512_storeu_pd(sums + k * W, sum[k]);
        _mm512_storeu_pd(least + k * W, low[k]);
        _mm512_storeu_pd(greatest + k * W, high[k]);
    }
    for (size_t i = 0; i < n; i++) {
        sums[i] += a[i];
        least[i] = a[i] < least[i] ? a[i] : least[i];
        greatest[i] = a[i] > greatest[i] ? a[i] : greatest[i];
    }
    for (int w = LANES / 2; w; w /= 2) {
        for (int i = 0; i < w; i++) {
            least[i] = least[i + w] < least[i] ? least[i + w] : least[i];
            greatest[i] = greatest[i + w] > greatest[i] ? greatest[i + w] : greatest[i];
        }
    }
    *s = (summary){lanes_sum(sums), least[0], greatest[0]};
    return s->sum == s->sum;
}

static bool rows_f64(const chk_red_row *rows, int n_rows, const void *data, size_t n)
{
    int n_known = 0;
    summary s;
    for (int i = 0; i < n_rows; i++) {
        const chk_red_kern *k = rows[i].kern;
        n_known += k->row == sum_row_f64 || k->row == var_row_f64 || k->row == min_row_f64 || k->row == max_row_f64;
    }
    if (n_known < n_rows || n == 0 || !summarise(&s, data, n)) return false;
    for (int i = 0; i < n_rows; i++) {
        const chk_red_kern *k = rows[i].kern;
        f64u *state = rows[i].state;
        if (k->row == sum_row_f64) {
            *state += s.sum;
        } else if (k->row == min_row_f64) {
            *state = s.least < *state ? s.least : *state;
        } else if (k->row == max_row_f64) {
            *state = s.greatest > *state ? s.greatest : *state;
        } else {
            double squares[LANES] = {0}, mean = s.sum / (double)n;
            fold_m2_f64(squares, data, n, mean);
            var_add_f64(state, rows[i].cap, 0, (moments){(double)n, mean, lanes_sum(squares)});
        }
    }
    return true;
}
#define ROWS_F64 rows_f64
#else
#define ROWS_F64 NULL
#endif

const chk_rows_fn CHK_AT_LEVEL(chk_rows) = ROWS_F64;
