#define CHK_LEVEL c
#include "kern/scan.inc.h"
