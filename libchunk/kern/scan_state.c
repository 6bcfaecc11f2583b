/* scan_state.c: scans whose lines remember more than their last result. */
#include "kern/scan_impl.h"

typedef struct c64 {
    float re, im;
} c64;
typedef struct c128 {
    double re, im;
} c128;

#define PAIR_NAN(x) ((x).re != (x).re || (x).im != (x).im)
#define IS_NAN(x) ((x) != (x))
#define HALF_NAN(x) (((x)&0x7FFF) > 0x7C00)

#define F_NAME fill_f16
#define F_T uint16_t
#define F_NAN HALF_NAN
#include "kern/scan_fill.inc.h"
#define F_NAME fill_f32
#define F_T float
#define F_NAN IS_NAN
#include "kern/scan_fill.inc.h"
#define F_NAME fill_f64
#define F_T double
#define F_NAN IS_NAN
#include "kern/scan_fill.inc.h"
#define F_NAME fill_c64
#define F_T c64
#define F_NAN PAIR_NAN
#include "kern/scan_fill.inc.h"
#define F_NAME fill_c128
#define F_T c128
#define F_NAN PAIR_NAN
#include "kern/scan_fill.inc.h"

const chk_scan_kern chk_scan_fills[CHK_NDTYPE] = {
    [CHK_F16] = fill_f16, [CHK_F32] = fill_f32, [CHK_F64] = fill_f64, [CHK_C64] = fill_c64, [CHK_C128] = fill_c128};

/* One step of pandas' recurrence: the mean so far has the weight `old`, which decays by 1 - alpha a step (with ignore_na: a step that is not NaN); the next
 * value has weight 1 (adjust) or alpha, and then all weight is 1 again. A value equal to the mean leaves it as it is. */
static inline double ewm_next(double mean, double *old, double x, const chk_scan_call *c)
{
    bool seen = x == x;
    if (mean != mean) return x;
    if (!seen && c->ignore_na) return mean;
    *old *= 1 - c->alpha;
    if (!seen) return mean;
    double fresh = c->adjust ? 1 : c->alpha;
    if (mean != x) mean = (*old * mean + fresh * x) / (*old + fresh);
    *old = c->adjust ? *old + fresh : 1;
    return mean;
}

void chk_scan_ewm(const chk_scan_call *c)
{
    for (size_t o = 0; o < c->outer; o++) {
        double *mean = (double *)c->value + o * c->inner, *old = (double *)c->note + o * c->inner;
        for (size_t k = 0; k < c->n; k++) {
            double *now = (double *)c->data + (o * c->n + k) * c->inner;
            if (c->first && k == 0) {
                for (size_t i = 0; i < c->inner; i++) mean[i] = now[i], old[i] = 1;
                continue;
            }
            for (size_t i = 0; i < c->inner; i++) now[i] = mean[i] = ewm_next(mean[i], &old[i], now[i], c);
        }
    }
}
