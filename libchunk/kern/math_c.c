#define CHK_LEVEL c
#include "kern/math.inc.h"
