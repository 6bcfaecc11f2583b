#define CHK_LEVEL avx512
#include "kern/complex.inc.h"
