#define CHK_LEVEL avx512
#include "kern/moving.inc.h"
