#define CHK_LEVEL avx2
#include "kern/reduce.inc.h"
