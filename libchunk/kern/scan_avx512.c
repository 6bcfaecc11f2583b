#define CHK_LEVEL avx512
#include "kern/scan.inc.h"
