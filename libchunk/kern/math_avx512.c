#define CHK_LEVEL avx512
#include "kern/math.inc.h"
