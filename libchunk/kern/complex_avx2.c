#define CHK_LEVEL avx2
#include "kern/complex.inc.h"
