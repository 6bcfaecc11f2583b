#define CHK_LEVEL c
#include "kern/cast.inc.h"
