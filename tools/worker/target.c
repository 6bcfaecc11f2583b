/* target.c: FILE:/DATASET and FILE/DATASET into their parts. */
#include "../target.h"

#include <stdlib.h>

#include "worker.h"

static size_t folder_length(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == NULL ? 0 : (size_t)(slash - file) + 1;
}

bool target_same_file(const target *a, const target *b)
{
    struct stat sa, sb;
    char folder[2][PATH_MAX];
    if (strcmp(a->file, b->file) == 0) return true;
    bool there[2] = {stat(a->file, &sa) == 0, stat(b->file, &sb) == 0};
    if (there[0] != there[1]) return false;
    if (!there[0]) { /* both would be new: by folder and name */
        size_t n = folder_length(a->file), m = folder_length(b->file);
        if (strcmp(a->file + n, b->file + m) != 0) return false;
        if (!target_copy(folder[0], n > 0 ? a->file : ".", n > 0 ? n : 1)) return false;
        if (!target_copy(folder[1], m > 0 ? b->file : ".", m > 0 ? m : 1)) return false;
        if (stat(folder[0], &sa) != 0 || stat(folder[1], &sb) != 0) return false;
    }
    return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

target_meeting target_meet(const target *x, const target *y)
{
    const char *a = x->object, *b = y->object;
    for (;;) {
        a += strspn(a, "/");
        b += strspn(b, "/");
        if (*a == 0 || *b == 0) return *a == *b ? TARGETS_SAME : TARGETS_THROUGH;
        size_t n = strcspn(a, "/");
        if (strcspn(b, "/") != n || strncmp(a, b, n) != 0) return TARGETS_APART;
        a += n;
        b += n;
    }
}

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
