/* scan_fill.inc.h: filling NaN for one dtype. Parameters: F_NAME the function, F_T the elements' type, F_NAN(x). Part of scan_state.c. */
static void F_NAME(const chk_scan_call *c)
{
    for (size_t o = 0; o < c->outer; o++) {
        F_T *last = (F_T *)c->value + o * c->inner;
        int64_t *filled = (int64_t *)c->note + o * c->inner;
        for (size_t k = 0; k < c->n; k++) {
            F_T *now = (F_T *)c->data + (o * c->n + (c->backwards ? c->n - 1 - k : k)) * c->inner;
            bool begins = c->first && k == 0;
            for (size_t i = 0; i < c->inner; i++) {
                if (begins || !F_NAN(now[i])) {
                    last[i] = now[i];
                    filled[i] = 0;
                } else if (filled[i] < c->limit) {
                    now[i] = last[i];
                    filled[i]++;
                }
            }
        }
    }
}
#undef F_NAME
#undef F_T
#undef F_NAN
