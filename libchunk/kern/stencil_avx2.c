#define CHK_LEVEL avx2
#include "kern/stencil.inc.h"
