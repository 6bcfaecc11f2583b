/* gemm_type.inc.h: the product of one element type G_T, named G_ID. Strips of B, G_K rows of two vectors, are packed on the stack; four rows of C
 * at a time are summed in registers over a strip and then added to C. */

typedef G_T CHK_PASTE(gvec, G_ID) __attribute__((vector_size(G_VECTOR), aligned(1), may_alias));
#define G_V CHK_PASTE(gvec, G_ID)

enum {
    CHK_PASTE(G_K, G_ID) = 256,
    CHK_PASTE(G_LANES, G_ID) = G_VECTOR / sizeof(G_T),
    CHK_PASTE(G_N, G_ID) = 2 * CHK_PASTE(G_LANES, G_ID)
};
#define G_K CHK_PASTE(G_K, G_ID)
#define G_LANES CHK_PASTE(G_LANES, G_ID)
#define G_N CHK_PASTE(G_N, G_ID)

static void CHK_PASTE(pack, G_ID)(G_T *strip, const G_T *b, int64_t row, int64_t col, int64_t k, int64_t n)
{
    for (int64_t p = 0; p < k; p++) {
        for (int64_t j = 0; j < n; j++) strip[p * G_N + j] = b[p * row + j * col];
        for (int64_t j = n; j < G_N; j++) strip[p * G_N + j] = 0;
    }
}

/* Rows of sums for up to four rows of A; those beyond n_rows repeat the last one and are not stored. */
static void CHK_PASTE(rows, G_ID)(G_T *c, int64_t c_pitch, const G_T *a, int64_t row, int64_t col, const G_T *strip, int64_t k,
                                  int64_t n_rows, int64_t n)
{
    const G_T *a0 = a, *a1 = n_rows > 1 ? a + row : a, *a2 = n_rows > 2 ? a1 + row : a, *a3 = n_rows > 3 ? a2 + row : a;
    G_V s00 = {0}, s01 = {0}, s10 = {0}, s11 = {0}, s20 = {0}, s21 = {0}, s30 = {0}, s31 = {0};
    for (int64_t p = 0; p < k; p++) {
        G_V b0 = *(const G_V *)(strip + p * G_N), b1 = *(const G_V *)(strip + p * G_N + G_LANES);
        G_T x0 = a0[p * col], x1 = a1[p * col], x2 = a2[p * col], x3 = a3[p * col];
        s00 += x0 * b0, s01 += x0 * b1;
        s10 += x1 * b0, s11 += x1 * b1;
        s20 += x2 * b0, s21 += x2 * b1;
        s30 += x3 * b0, s31 += x3 * b1;
    }
    G_V sum[4][2] = {{s00, s01}, {s10, s11}, {s20, s21}, {s30, s31}};
    for (int64_t i = 0; i < n_rows; i++) {
        const G_T *s = (const G_T *)sum[i];
        for (int64_t j = 0; j < n; j++) c[i * c_pitch + j] = (G_T)(c[i * c_pitch + j] + s[j]);
    }
}

static void CHK_PASTE(gemm, G_ID)(const chk_gemm *g)
{
    G_T strip[G_K * G_N], *c = g->c;
    const G_T *a = g->a, *b = g->b;
    int64_t a_row = g->trans_a ? 1 : g->a_pitch, a_col = g->trans_a ? g->a_pitch : 1;
    int64_t b_row = g->trans_b ? 1 : g->b_pitch, b_col = g->trans_b ? g->b_pitch : 1;
    for (int64_t i = 0; i < g->m && !g->add; i++) memset(c + i * g->c_pitch, 0, (size_t)g->n * sizeof *c);
    for (int64_t p = 0; p < g->k; p += G_K) {
        int64_t k = g->k - p < G_K ? g->k - p : G_K;
        for (int64_t j = 0; j < g->n; j += G_N) {
            int64_t n = g->n - j < G_N ? g->n - j : G_N;
            CHK_PASTE(pack, G_ID)(strip, b + p * b_row + j * b_col, b_row, b_col, k, n);
            for (int64_t i = 0; i < g->m; i += 4) CHK_PASTE(rows, G_ID)
            (c + i * g->c_pitch + j, g->c_pitch, a + i * a_row + p * a_col, a_row, a_col, strip, k, g->m - i < 4 ? g->m - i : 4, n);
        }
    }
}

#undef G_T
#undef G_ID
#undef G_V
#undef G_K
#undef G_LANES
#undef G_N
