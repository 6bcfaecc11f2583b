/* dtype_oracle.c: the dtype table and its rules, printed for test_dtype_numpy.py: a line for each dtype, pair of dtypes, and dtype with a kind
 * of scalar; with arguments, the dtypes that they name. */
#include <stdio.h>
#include <string.h>

#include "array/dtype.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        chk_dtype d;
        printf("%s\n", chk_dtype_parse(&d, argv[i], strlen(argv[i])) ? chk_dtype_name(d) : "none");
    }
    if (argc > 1) return 0;
    for (chk_dtype a = 0; a < CHK_NDTYPE; a++) {
        printf("dtype %s %s %d %d %d %s %s\n", chk_dtype_name(a), chk_dtypes[a].code, chk_dtypes[a].size, chk_dtypes[a].swap,
               chk_dtype_kind(a), chk_dtype_name(chk_dtype_float_of(a)), chk_dtype_name(chk_dtype_real_of(a)));
        for (chk_dtype b = 0; b < CHK_NDTYPE; b++)
            printf("pair %s %s %s %d\n", chk_dtype_name(a), chk_dtype_name(b), chk_dtype_name(chk_promote(a, b)),
                   chk_can_cast_same_kind(a, b));
        for (int k = CHK_KIND_BOOL; k <= CHK_KIND_COMPLEX; k++)
            printf("weak %s %d %s\n", chk_dtype_name(a), k, chk_dtype_name(chk_promote_weak(a, (chk_kind)k)));
    }
    return 0;
}
