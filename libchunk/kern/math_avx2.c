#define CHK_LEVEL avx2
#include "kern/math.inc.h"
