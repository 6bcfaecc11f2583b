/* The datasets of a file: all of them, or those nearest to a name that is not there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/h5lock.h"
#include "store/h5read.h"

/* Paths of datasets, gathered under the lock and handed out without it. */
typedef struct names {
    const char *base; /* of the object walked, without a slash at its end */
    char **path;
    size_t n, cap, most;
    bool no_memory;
} names;

static void names_free(names *l)
{
    for (size_t i = 0; i < l->n; i++) chk_free(l->path[i]);
    chk_free(l->path);
}

static bool names_add(names *l, const char *name)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 32;
        char **more = chk_realloc(l->path, cap * sizeof *more);
        if (!more) return false;
        l->path = more;
        l->cap = cap;
    }
    bool itself = strcmp(name, ".") == 0;
    char *s = chk_malloc(strlen(l->base) + strlen(name) + 2);
    if (!s) return false;
    sprintf(s, "%s%s%s", l->base, itself ? "" : "/", itself ? "" : name);
    l->path[l->n++] = s;
    return true;
}

static herr_t visit(hid_t id, const char *name, const chk_h5_object_info *info, void *arg)
{
    (void)id;
    names *l = arg;
    if (info->type != H5O_TYPE_DATASET) return 0;
    if (!names_add(l, name)) {
        l->no_memory = true;
        return -1;
    }
    return l->n >= l->most;
}

/* Under the lock. */
static herr_t gather(names *l, hid_t file, const char *object) { return CHK_H5_VISIT(file, object, visit, l); }

static char *trimmed(const char *object)
{
    size_t n = strlen(object);
    char *s = chk_malloc(n + 2);
    if (!s) return NULL;
    sprintf(s, "%s%s", object[0] == '/' ? "" : "/", object);
    for (n = strlen(s); n > 0 && s[n - 1] == '/'; n--) s[n - 1] = 0;
    return s;
}

chunk_status chk_h5file_walk(chk_h5file *f, const char *object, chunk_status (*fn)(void *arg, const char *path, chunk_error *err),
                             void *arg, chunk_error *err)
{
    char why[200];
    char *base = trimmed(object ? object : "/");
    if (!base) return chk_fail(err, CHUNK_ENOMEM, "%s: out of memory", f->path);
    names l = {.base = base, .most = SIZE_MAX};
    chunk_status st = chk_h5_enter(err);
    if (st == CHUNK_OK) {
        herr_t rc = gather(&l, f->id, base[0] ? base : "/");
        chk_h5_reason(why, sizeof why);
        char has[300] = "";
        if (rc < 0 && l.n == 0 && base[0]) chk_h5file_suggest(has, sizeof has, f, base);
        chk_h5_leave();
        if (l.no_memory)
            st = chk_fail(err, CHUNK_ENOMEM, "%s: out of memory for names", f->path);
        else if (rc < 0 && has[0])
            st = chk_fail(err, CHUNK_EFILE, "%s: no object %s%s", f->path, base, has);
        else if (rc < 0)
            st = chk_fail(err, CHUNK_EFILE, "%s:%s: damaged, its names cannot be listed: %s", f->path, base[0] ? base : "/", why);
    }
    for (size_t i = 0; i < l.n && st == CHUNK_OK; i++) st = fn(arg, l.path[i], err);
    names_free(&l);
    chk_free(base);
    return st;
}

/* ---- suggestions */

enum { MOST_LOOKED_AT = 2000, MOST_NAMED = 4, MOST_LETTERS = 64 };

/* Edits that turn a into b, on the first letters of each. */
static int distance(const char *a, const char *b)
{
    int row[MOST_LETTERS + 1], na = (int)strnlen(a, MOST_LETTERS), nb = (int)strnlen(b, MOST_LETTERS);
    for (int j = 0; j <= nb; j++) row[j] = j;
    for (int i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            int swap = diagonal + (a[i - 1] != b[j - 1]), drop = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = swap < drop ? swap : drop;
        }
    }
    return row[nb];
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* How far a dataset is from what was asked for: whole paths, or names alone when folders are wrong; what lies below a group is near it. */
static int farness(const char *path, const char *wanted)
{
    size_t n = strlen(wanted);
    if (strncmp(path, wanted, n) == 0 && (path[n] == '/' || n == 0)) return 0;
    int whole = distance(path, wanted), name = distance(last_part(path), last_part(wanted)) + 1;
    return whole < name ? whole : name;
}

void chk_h5file_suggest(char *text, size_t size, chk_h5file *f, const char *wanted)
{
    names l = {.base = "", .most = MOST_LOOKED_AT};
    int used[MOST_NAMED];
    snprintf(text, size, "; it has no datasets");
    gather(&l, f->id, "/");
    size_t at = 0, k = 0;
    for (; k < MOST_NAMED && k < l.n; k++) {
        int best = -1, best_far = 0;
        for (size_t i = 0; i < l.n; i++) {
            bool taken = false;
            for (size_t u = 0; u < k; u++) taken |= used[u] == (int)i;
            int far = taken ? 0 : farness(l.path[i], wanted);
            if (!taken && (best < 0 || far < best_far)) {
                best = (int)i;
                best_far = far;
            }
        }
        used[k] = best;
        if (at + strlen(l.path[best]) + 16 > size) break;
        at += (size_t)snprintf(text + at, size - at, "%s%s", k ? ", " : "; it has ", l.path[best]);
    }
    if (k < l.n && at > 0) snprintf(text + at, size - at, ", ...");
    names_free(&l);
}
