#define CHK_LEVEL avx512
#include "kern/move.inc.h"
