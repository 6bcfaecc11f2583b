/* cpu.c: what the processor can do, asked once. */
#include "base/cpu.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[CHK_ISA_N] = {"c", "avx2", "avx512"};

chk_isa chk_isa_best(void)
{
#if defined __x86_64__
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
                __builtin_cpu_supports("bmi2");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    return avx512 ? CHK_ISA_AVX512 : avx2 ? CHK_ISA_AVX2 : CHK_ISA_C;
#else
    return CHK_ISA_C;
#endif
}

static _Atomic int level = -1;

chk_isa chk_isa_now(void)
{
    if (level >= 0) return (chk_isa)level;
    chk_isa best = chk_isa_best();
    const char *asked = getenv("CHUNK_ISA");
    for (int i = 0; asked && i < (int)best; i++)
        if (!strcmp(asked, names[i])) best = (chk_isa)i;
    level = (int)best;
    return best;
}

void chk_isa_set(chk_isa l)
{
    chk_isa best = chk_isa_best();
    level = (int)(l < best ? l : best);
}

const char *chk_isa_name(chk_isa l) { return l < CHK_ISA_N ? names[l] : "?"; }
