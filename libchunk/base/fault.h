/* fault.h: failure on demand. Each kind of failing thing counts its sites as they are passed; arming makes the n-th one fail.
 * Costs one relaxed load where nothing is armed. Process-wide; tests arm it, and the command line does from CHUNK_FAULT=KIND:N[:all]
 * in builds with CHUNK_FAULTS. */
#ifndef CHK_FAULT_H
#define CHK_FAULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum chk_fault_kind { CHK_FAULT_ALLOC, CHK_FAULT_READ, CHK_FAULT_WRITE, CHK_FAULT_THREAD, CHK_FAULT_NKIND } chk_fault_kind;

extern _Atomic int chk_fault_on; /* bit set of armed kinds */
bool chk_fault_hit_slow(chk_fault_kind kind);

/* True when this site must fail now. */
static inline bool chk_fault_hit(chk_fault_kind kind)
{
    return __builtin_expect(chk_fault_on & (1 << kind), 0) && chk_fault_hit_slow(kind);
}

/* The n-th site of this kind from now on (n >= 1) fails; persistent: that one and all after it. n = 0 disarms; n = UINT64_MAX only counts. */
void chk_fault_arm(chk_fault_kind kind, uint64_t n, bool persistent);
uint64_t chk_fault_count(chk_fault_kind kind); /* sites of this kind passed since it was armed */
bool chk_fault_arm_text(const char *text);     /* "write:17", "read:3:all"; false when not understood */

#endif
