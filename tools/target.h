/* target.h: where FILE:/DATASET splits. Shared by the launcher (which cleans up after a crashed worker) and the worker.
 *
 * The split is at the first ":/" whose left side is a file, or can become one: its folder exists and it is not a folder itself. File
 * names that themselves hold ":/" (a folder called "odd:") are kept whole where that folder exists. */
#ifndef TOOLS_TARGET_H
#define TOOLS_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static inline bool target_copy(char path[PATH_MAX], const char *text, size_t n)
{
    if (n == 0 || n >= PATH_MAX) return false;
    memcpy(path, text, n);
    path[n] = 0;
    return true;
}

static inline bool target_is_file(const char *text, size_t n)
{
    char path[PATH_MAX];
    struct stat st;
    return target_copy(path, text, n) && stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static inline bool target_is_folder(const char *text, size_t n)
{
    char path[PATH_MAX];
    struct stat st;
    return target_copy(path, text, n) && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static inline bool target_can_be_file(const char *text, size_t n)
{
    if (n == 0 || text[n - 1] == '/' || target_is_folder(text, n)) return false;
    size_t folder = n;
    while (folder > 0 && text[folder - 1] != '/') folder--;
    return folder == 0 || target_is_folder(text, folder);
}

/* Length of FILE; 0 where nothing splits. what follows is ":/DATASET", or "/DATASET" where h5ls's form was used. */
static inline size_t target_split(const char *text)
{
    size_t first = 0, literal = 0;
    for (const char *p = strstr(text, ":/"); p != NULL; p = strstr(p + 1, ":/")) {
        size_t n = (size_t)(p - text);
        if (first == 0) first = n;
        if (target_is_file(text, n)) return n;
        if (!target_can_be_file(text, n)) continue;
        if (!target_is_folder(text, n + 1)) return n;
        if (literal == 0) literal = n;
    }
    for (const char *p = strchr(text, '/'); p != NULL; p = strchr(p + 1, '/'))
        if (target_is_file(text, (size_t)(p - text))) return (size_t)(p - text);
    return literal != 0 ? literal : first;
}

#endif
