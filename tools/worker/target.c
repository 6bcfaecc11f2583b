/* target.c: FILE:/DATASET and FILE/DATASET into their parts. */
#include "../target.h"

#include <stdlib.h>

#include "worker.h"

bool target_parse(target *out, const char *text)
{
    size_t n = target_split(text);
    if (n == 0) {
        *out = (target){.file = strdup(text)};
        return *text != 0 && out->file != NULL;
    }
    const char *object = text + n + (text[n] == ':');
    *out = (target){.file = strndup(text, n), .object = strdup(object)};
    return out->file != NULL && out->object != NULL;
}
