#define CHK_LEVEL avx512
#include "kern/stencil.inc.h"
