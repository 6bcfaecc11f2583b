/* scan_types.inc.h: the scans of one real dtype. Parameters: S_ID its short name, S_T the elements' type, S_W the type that sums wrap in, S_GET(x) an
 * element as a number, S_PUT(v) back, S_NAN(x) whether an element is NaN. Part of scan.inc.h. */
#define S_NAME CHK_PASTE(add, S_ID)
#define S_OP(a, x) S_PUT((S_W)((S_W)S_GET(a) + (S_W)S_GET(x)))
#include "kern/scan_lines.inc.h"
#define S_NAME CHK_PASTE(mul, S_ID)
#define S_OP(a, x) S_PUT((S_W)((S_W)S_GET(a) * (S_W)S_GET(x)))
#include "kern/scan_lines.inc.h"
#define S_NAME CHK_PASTE(min, S_ID)
#define S_OP(a, x) (S_GET(a) <= S_GET(x) || S_NAN(a) ? (a) : (x))
#include "kern/scan_lines.inc.h"
#define S_NAME CHK_PASTE(max, S_ID)
#define S_OP(a, x) (S_GET(a) >= S_GET(x) || S_NAN(a) ? (a) : (x))
#include "kern/scan_lines.inc.h"
#if S_FLOAT
#define S_NAME CHK_PASTE(fmin, S_ID)
#define S_OP(a, x) (S_GET(a) <= S_GET(x) || S_NAN(x) ? (a) : (x))
#include "kern/scan_lines.inc.h"
#define S_NAME CHK_PASTE(fmax, S_ID)
#define S_OP(a, x) (S_GET(a) >= S_GET(x) || S_NAN(x) ? (a) : (x))
#include "kern/scan_lines.inc.h"
#endif
#undef S_ID
#undef S_T
#undef S_W
#undef S_GET
#undef S_PUT
#undef S_NAN
#undef S_FLOAT
