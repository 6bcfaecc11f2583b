#define CHK_LEVEL c
#include "kern/compare.inc.h"
