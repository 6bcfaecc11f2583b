#define CHK_LEVEL c
#include "kern/complex.inc.h"
