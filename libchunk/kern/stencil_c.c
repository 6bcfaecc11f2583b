#define CHK_LEVEL c
#include "kern/stencil.inc.h"
