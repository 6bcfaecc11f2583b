#define CHK_LEVEL avx2
#include "kern/join.inc.h"
