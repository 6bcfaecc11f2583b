#define CHK_LEVEL avx2
#include "kern/gemm.inc.h"
