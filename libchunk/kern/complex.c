/* complex.c: complex kernels and reductions, one element at a time at every level: products and quotients as NumPy forms them, functions by libm. */
#include <complex.h>
#include <math.h>

#include "kern/complex.h"

#define D c64
#define V float
#define C float complex
#define DT CHK_C64
#define FN(x) x##f
#include "kern/complex.inc.h"
#define D c128
#define V double
#define C double complex
#define DT CHK_C128
#define FN(x) x
#include "kern/complex.inc.h"

const chk_kern_row *const chk_complex_rows[2] = {rows_c64, rows_c128};
const chk_red_kern *const chk_complex_reds[2] = {red_c64, red_c128};
