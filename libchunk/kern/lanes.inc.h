/* lanes.inc.h: one fold of contiguous elements into 256 bytes of independent lanes, element i into lane i modulo their number, whatever the
 * level: so the bits of a sum agree everywhere, and additions need not wait for one another. Included with
 *   LANE_NAME    the function                         LANE_L, LANE_V, LANE_VU   lane type, its vector, the same unaligned
 *   LANE_T       the elements' type                   LANE_LOAD(p)              a vector of lanes from elements at p
 *   LANE_VEC     next lanes from vectors s and x      LANE_ONE                  the same for one lane
 * p is a parameter of the fold (a mean). */
static void LANE_NAME(LANE_L *lanes, const void *data, size_t n, LANE_L p)
{
    enum { W = sizeof(LANE_V) / sizeof(LANE_L), N = 256 / sizeof(LANE_L) };
    const LANE_T *a = data;
    LANE_VU *l = (LANE_VU *)lanes;
    (void)p;
#define GET(k) LANE_V s##k = l[k];
#define PUT(k) l[k] = s##k;
#define FOLD(k)                                                                                                                    \
    {                                                                                                                              \
        LANE_V s = s##k, x = LANE_LOAD(a + k * W);                                                                                 \
        s##k = LANE_VEC;                                                                                                           \
    }
    FOR_LANES(GET)
    for (; n >= N; n -= N, a += N) {
        FOR_LANES(FOLD)
    }
    FOR_LANES(PUT)
#undef GET
#undef PUT
#undef FOLD
    for (size_t i = 0; i < n; i++) {
        LANE_L s = lanes[i], x = a[i];
        lanes[i] = LANE_ONE;
    }
}
#undef LANE_NAME
#undef LANE_VEC
#undef LANE_ONE
