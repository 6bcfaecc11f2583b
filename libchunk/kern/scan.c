/* scan.c: from a scan and a dtype to the kernel of the level in use. */
#include "kern/scan_impl.h"

extern const chk_scan_kern chk_scans_c[CHK_SCAN_FILL][CHK_NDTYPE];
#if defined __x86_64__
extern const chk_scan_kern chk_scans_avx2[CHK_SCAN_FILL][CHK_NDTYPE], chk_scans_avx512[CHK_SCAN_FILL][CHK_NDTYPE];
#endif

static const chk_scan_kern (*const levels[CHK_ISA_N])[CHK_NDTYPE] = {
    [CHK_ISA_C] = chk_scans_c,
#if defined __x86_64__
    [CHK_ISA_AVX2] = chk_scans_avx2,
    [CHK_ISA_AVX512] = chk_scans_avx512,
#endif
};

chk_scan_kern chk_scan_find(chk_scan scan, chk_dtype d)
{
    if (d >= CHK_NDTYPE) return NULL;
    if (scan == CHK_SCAN_EWM) return d == CHK_F64 ? chk_scan_ewm : NULL;
    return scan == CHK_SCAN_FILL ? chk_scan_fills[d] : levels[chk_isa_now()][scan][d];
}

size_t chk_scan_note_bytes(chk_scan scan) { return scan == CHK_SCAN_FILL || scan == CHK_SCAN_EWM ? 8 : 0; }
