#define CHK_LEVEL avx2
#include "kern/moving.inc.h"
