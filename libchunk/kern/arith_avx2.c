#define CHK_LEVEL avx2
#include "kern/arith.inc.h"
