#define CHK_LEVEL c
#include "kern/gemm.inc.h"
