#define CHK_LEVEL avx512
#include "kern/join.inc.h"
