/* signature.h: signatures of generalised functions, as NumPy writes them: "(i,j),(j)->(i)". Names are core dimensions; whole numbers are extents. */
#ifndef CHK_SIGNATURE_H
#define CHK_SIGNATURE_H

#include <stdint.h>

#include "base/status.h"

enum {
    CHK_SIG_ARRAYS = 9,
    CHK_SIG_DIMS = 16,
    CHK_SIG_NDIM = 8
}; /* inputs and the result; different dimensions; dimensions of one array */

typedef struct chk_signature {
    int n_in; /* array n_in is the result */
    int ndim[CHK_SIG_ARRAYS];
    int dim[CHK_SIG_ARRAYS][CHK_SIG_NDIM]; /* numbers of dimensions, in the order in which they first appear */
    int n_dims, n_input_dims;              /* those from n_input_dims on are in the result alone */
    int64_t extent[CHK_SIG_DIMS];          /* where it is written as a number; else 0 */
    char name[CHK_SIG_DIMS][16];
} chk_signature;

chunk_status chk_signature_parse(chk_signature *out, const char *text, const char *who, chunk_error *err);

#endif
