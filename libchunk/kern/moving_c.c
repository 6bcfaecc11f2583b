#define CHK_LEVEL c
#include "kern/moving.inc.h"
