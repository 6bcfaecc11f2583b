/* json.h: words that the writer and the reader of the canonical form share. Node forms, keys sorted:
 *   {"dtype":"float64","kind":"source","name":"FILE:/DATASET","shape":[3,4]}
 *   {"dtype":"float64","kind":"scalar","value":"0x1.8p+1","weak":false}     integers as decimals, complex numbers as "RE IM"
 *   {"kind":"iota","n":10}
 *   {"compute":"float64","fn":"add","in":[0,1],"kind":"map"}
 *   {"dtype":"int32","in":[0],"kind":"cast"}
 *   {"axes":[0],"in":[0],"keepdims":false,"kind":"reduce","param":"0x0p+0","red":"sum"}
 *   {"axis":[0,-1],"in":[0],"kind":"view","off":[0,5],"shape":[3],"step":[1,0]}
 *   {"in":[0],"kind":"keep"}
 * Integers beyond 2**53 are written as strings: JSON's numbers end there. */
#ifndef CHK_EXPR_JSON_H
#define CHK_EXPR_JSON_H

#include "expr/internal.h"

enum { CHK_JSON_MAX = 64 << 20, CHK_JSON_NODES = 50000 };

/* Constants as text and back. buf of at least 96 bytes. */
chunk_status chk_scalar_text(char *buf, size_t size, const chk_scalar *v, chunk_error *err);
bool chk_scalar_parse(chk_scalar *out, chk_dtype d, const char *text);

#endif
