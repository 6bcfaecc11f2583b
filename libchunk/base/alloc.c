/* Small allocations, each one a fault point. Asking for nothing gives a pointer that can be freed, so that NULL always means failure. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

void *chk_malloc(size_t n_bytes)
{
    if (chk_fault_hit(CHK_FAULT_ALLOC)) return NULL;
    return malloc(n_bytes > 0 ? n_bytes : 1);
}

void *chk_calloc(size_t n, size_t size)
{
    if (chk_fault_hit(CHK_FAULT_ALLOC)) return NULL;
    return n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1);
}

void *chk_realloc(void *p, size_t n_bytes)
{
    if (chk_fault_hit(CHK_FAULT_ALLOC)) return NULL;
    return realloc(p, n_bytes > 0 ? n_bytes : 1);
}

char *chk_strdup(const char *s) { return chk_strndup(s, strlen(s)); }

char *chk_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = chk_malloc(len + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void chk_free(void *p) { free(p); }
