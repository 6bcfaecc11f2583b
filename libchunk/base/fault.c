/* Failure on demand: a counter a kind. Arming resets the counter; the counters are atomic, so that sites in many threads are counted exactly. */
#include "base/fault.h"

#include <stdlib.h>
#include <string.h>

typedef struct fault_state {
    _Atomic uint64_t count;
    _Atomic uint64_t n; /* the site that fails; UINT64_MAX: none */
    _Atomic bool persistent;
} fault_state;

static fault_state state[CHK_FAULT_NKIND];
_Atomic int chk_fault_on;

bool chk_fault_hit_slow(chk_fault_kind kind)
{
    fault_state *s = &state[kind];
    uint64_t now = ++s->count;
    return s->persistent ? now >= s->n : now == s->n;
}

void chk_fault_arm(chk_fault_kind kind, uint64_t n, bool persistent)
{
    chk_fault_on &= ~(1 << kind);
    if (n == 0) return;
    state[kind].count = 0;
    state[kind].n = n;
    state[kind].persistent = persistent && n != UINT64_MAX;
    chk_fault_on |= 1 << kind;
}

uint64_t chk_fault_count(chk_fault_kind kind) { return state[kind].count; }

bool chk_fault_arm_text(const char *text)
{
    static const char *const names[CHK_FAULT_NKIND] = {"alloc", "read", "write", "thread"};
    for (int k = 0; k < CHK_FAULT_NKIND; k++) {
        size_t len = strlen(names[k]);
        if (strncmp(text, names[k], len) != 0 || text[len] != ':') continue;
        const char *digits = text + len + 1;
        if (*digits < '0' || *digits > '9') return false;
        char *end;
        uint64_t n = strtoull(digits, &end, 10);
        bool all = strcmp(end, ":all") == 0;
        if (n == 0 || (*end != '\0' && !all)) return false;
        chk_fault_arm((chk_fault_kind)k, n, all);
        return true;
    }
    return false;
}
