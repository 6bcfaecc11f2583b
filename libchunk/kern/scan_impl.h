/* scan_impl.h: what the files of scans share. (Private to kern/.) */
#ifndef CHK_SCAN_IMPL_H
#define CHK_SCAN_IMPL_H

#include "kern/isa.h"
#include "kern/scan.h"

/* With states of more than a value (scan_state.c). */
extern const chk_scan_kern chk_scan_fills[CHK_NDTYPE];
void chk_scan_ewm(const chk_scan_call *c);

#endif
