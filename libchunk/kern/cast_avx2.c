#define CHK_LEVEL avx2
#include "kern/cast.inc.h"
