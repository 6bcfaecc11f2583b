#define CHK_LEVEL avx512
#include "kern/arith.inc.h"
