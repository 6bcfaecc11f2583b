#define CHK_LEVEL avx512
#include "kern/gemm.inc.h"
