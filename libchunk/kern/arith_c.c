#define CHK_LEVEL c
#include "kern/arith.inc.h"
