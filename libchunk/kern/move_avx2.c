#define CHK_LEVEL avx2
#include "kern/move.inc.h"
