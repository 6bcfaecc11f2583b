#define CHK_LEVEL avx2
#include "kern/scan.inc.h"
