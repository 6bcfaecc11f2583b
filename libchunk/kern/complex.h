/* complex.h: the tables of complex.c (private to kern/). */
#ifndef CHK_KERN_COMPLEX_H
#define CHK_KERN_COMPLEX_H

#include "kern/isa.h"

extern const chk_kern_row *const chk_complex_rows[2];  /* complex64, complex128 */
extern const chk_red_kern *const chk_complex_reds[2];

#endif
