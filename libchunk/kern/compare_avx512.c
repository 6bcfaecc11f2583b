#define CHK_LEVEL avx512
#include "kern/compare.inc.h"
