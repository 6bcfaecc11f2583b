/* cpu.h: which instruction set level the kernels use. */
#ifndef CHK_CPU_H
#define CHK_CPU_H

typedef enum chk_isa { CHK_ISA_C, CHK_ISA_AVX2, CHK_ISA_AVX512, CHK_ISA_N } chk_isa;

chk_isa chk_isa_best(
    void);                 /* the best that CPU and operating system support: AVX2 wants FMA and F16C, AVX512 wants F, DQ, BW, VL */
chk_isa chk_isa_now(void); /* the level in use: the best, or what was set */
void chk_isa_set(chk_isa level);         /* lowered by tests and by CHUNK_ISA=c|avx2|avx512; a level above the best is cut to it */
const char *chk_isa_name(chk_isa level); /* "c", "avx2", "avx512" */

#endif
