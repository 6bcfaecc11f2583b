#define CHK_LEVEL avx512
#include "kern/cast.inc.h"
