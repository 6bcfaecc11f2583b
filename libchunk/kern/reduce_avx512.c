#define CHK_LEVEL avx512
#include "kern/reduce.inc.h"
