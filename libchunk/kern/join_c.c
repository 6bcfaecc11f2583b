#define CHK_LEVEL c
#include "kern/join.inc.h"
