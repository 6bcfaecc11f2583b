/* alloc.h: small allocations (metadata, nodes, names), through the fault points. Data-sized memory comes from the ledger. */
#ifndef CHK_ALLOC_H
#define CHK_ALLOC_H

#include <stddef.h>

void *chk_malloc(size_t n_bytes); /* NULL on failure, as are the next three */
void *chk_calloc(size_t n, size_t size);
void *chk_realloc(void *p, size_t n_bytes);
char *chk_strdup(const char *s);
char *chk_strndup(const char *s, size_t n);
void chk_free(void *p); /* NULL allowed */

#endif
