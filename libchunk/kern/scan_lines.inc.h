/* scan_lines.inc.h: one scan of one dtype. Parameters: S_NAME the function, S_T the elements' type, S_OP(a, x) the next result from the last one
 * and an element. Part of scan.inc.h. */

/* Rows of neighbours: the row before is the state. */
static void CHK_PASTE(S_NAME, rows)(const chk_scan_call *c)
{
    size_t row = c->inner * sizeof(S_T);
    for (size_t o = 0; o < c->outer; o++) {
        S_T *at = (S_T *)c->data + (o * c->n + (c->backwards ? c->n - 1 : 0)) * c->inner, *state = (S_T *)c->value + o * c->inner;
        ptrdiff_t step = c->backwards ? -(ptrdiff_t)c->inner : (ptrdiff_t)c->inner;
        const S_T *before = c->first ? at : state;
        for (size_t k = c->first; k < c->n; k++) {
            S_T *now = at + (ptrdiff_t)k * step;
            _Pragma("GCC ivdep") for (size_t i = 0; i < c->inner; i++) now[i] = S_OP(before[i], now[i]);
            before = now;
        }
        memcpy(state, before, row);
    }
}

/* Results one element late. */
static void CHK_PASTE(S_NAME, late)(const chk_scan_call *c)
{
    for (size_t o = 0; o < c->outer; o++) {
        S_T *now = (S_T *)c->data + o * c->n * c->inner, *state = (S_T *)c->value + o * c->inner;
        if (c->first) {
            memcpy(state, now, c->inner * sizeof(S_T));
            for (size_t i = 0; i < c->inner; i++) memcpy(&now[i], c->start, sizeof(S_T));
            now += c->inner;
        }
        for (size_t k = c->first; k < c->n; k++, now += c->inner) {
            _Pragma("GCC ivdep") for (size_t i = 0; i < c->inner; i++)
            {
                S_T x = now[i], s = state[i];
                now[i] = s;
                state[i] = S_OP(s, x);
            }
        }
    }
}

/* SIDE lines at once: as many results are on their way as an addition takes cycles. */
#define LINES(name, SIDE)                                                                                                          \
    static void CHK_PASTE(S_NAME, name)(const chk_scan_call *c, size_t line)                                                       \
    {                                                                                                                              \
        S_T *at[SIDE], s[SIDE], *state = (S_T *)c->value + line;                                                                   \
        ptrdiff_t step = c->backwards ? -(ptrdiff_t)c->inner : (ptrdiff_t)c->inner;                                                \
        for (size_t j = 0; j < SIDE; j++) {                                                                                        \
            size_t o = (line + j) / c->inner, i = (line + j) % c->inner;                                                           \
            at[j] = (S_T *)c->data + (o * c->n + (c->backwards ? c->n - 1 : 0)) * c->inner + i;                                    \
            s[j] = c->first ? *at[j] : state[j];                                                                                   \
        }                                                                                                                          \
        ptrdiff_t end = (ptrdiff_t)c->n * step;                                                                                    \
        for (ptrdiff_t k = c->first ? step : 0; k != end; k += step)                                                               \
            for (size_t j = 0; j < SIDE; j++) at[j][k] = s[j] = S_OP(s[j], at[j][k]);                                              \
        for (size_t j = 0; j < SIDE; j++) state[j] = s[j];                                                                         \
    }
LINES(lines8, 8)
LINES(lines1, 1)
#undef LINES

static void S_NAME(const chk_scan_call *c)
{
    if (c->exclusive) {
        CHK_PASTE(S_NAME, late)(c);
    } else if (c->inner >= 16) {
        CHK_PASTE(S_NAME, rows)(c);
    } else {
        size_t n = c->outer * c->inner, line = 0;
        for (; line + 8 <= n; line += 8) CHK_PASTE(S_NAME, lines8)(c, line);
        for (; line < n; line++) CHK_PASTE(S_NAME, lines1)(c, line);
    }
}
#undef S_NAME
#undef S_OP
