#define CHK_LEVEL c
#include "kern/move.inc.h"
