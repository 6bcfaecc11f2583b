#define CHK_LEVEL avx2
#include "kern/compare.inc.h"
