#define CHK_LEVEL c
#include "kern/reduce.inc.h"
