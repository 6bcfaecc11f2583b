/* What may be replaced: nothing, without --overwrite; with it, a file that holds the named datasets, the groups on the way to them, and nothing
 * else. The check reads; the temporary that is renamed in the end is made after it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/h5lock.h"
#include "store/h5read.h"
#include "store/h5writer_impl.h"

chunk_status chk_h5path_normal(char **out, const char *path, chunk_error *err)
{
    char *normal = chk_malloc(strlen(path) + 2);
    if (normal == NULL) return chk_fail(err, CHUNK_ENOMEM, "no memory for the name of a dataset");
    size_t n = 0;
    for (const char *at = path; *at != '\0';) {
        size_t len = strcspn(at, "/");
        if (len == 1 && at[0] == '.') {
            chk_free(normal);
            return chk_fail(err, CHUNK_EINVAL, "dataset name '%s': '.' is not a name in HDF5", path);
        }
        if (len > 0) {
            normal[n++] = '/';
            memcpy(normal + n, at, len);
            n += len;
        }
        at += len + (at[len] == '/');
    }
    normal[n] = '\0';
    if (n == 0) {
        chk_free(normal);
        return chk_fail(err, CHUNK_EINVAL, "dataset name '%s': it is empty", path);
    }
    *out = normal;
    return CHUNK_OK;
}

/* ---- what an existing file holds */

typedef struct contents {
    char *const *wanted; /* normal paths */
    int n_wanted;
    bool has_wanted; /* one of them is there: named in text */
    bool has_other;  /* something else is there: named in text */
    char text[200];
} contents;

static bool is_wanted(const contents *c, const char *path)
{
    for (int i = 0; i < c->n_wanted; i++) {
        if (strcmp(c->wanted[i], path) == 0) return true;
    }
    return false;
}

static bool leads_to_wanted(const contents *c, const char *group)
{
    size_t n = strlen(group);
    for (int i = 0; i < c->n_wanted; i++) {
        if (strncmp(c->wanted[i], group, n) == 0 && c->wanted[i][n] == '/') return true;
    }
    return false;
}

static herr_t note_other(contents *c, const char *what, const char *path)
{
    c->has_other = true;
    snprintf(c->text, sizeof c->text, "%s%.150s", what, path);
    return 1;
}

static bool has_attributes(hid_t file, const char *group)
{
    chk_h5_object_info info;
    return CHK_H5_COUNT_ATTRIBUTES(file, group, &info) < 0 || info.num_attrs > 0;
}

static herr_t visit_link(hid_t root, const char *name, const H5L_info_t *info, void *arg)
{
    contents *c = arg;
    char path[1024];
    snprintf(path, sizeof path, "/%s", name);
    if (info->type != H5L_TYPE_HARD) return note_other(c, "the link ", path);
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0) return note_other(c, "", path);
    H5I_type_t type = H5Iget_type(object);
    H5Oclose(object);
    if (type == H5I_DATASET && is_wanted(c, path)) {
        c->has_wanted = true;
        snprintf(c->text, sizeof c->text, "%.150s", path);
        return 0;
    }
    if (type == H5I_GROUP && leads_to_wanted(c, path))
        return has_attributes(root, name) ? note_other(c, "attributes of ", path) : 0;
    return note_other(c, "", path);
}

/* Bytes before HDF5's own. */
static hsize_t user_block(hid_t file)
{
    hsize_t n_bytes = 0;
    hid_t fcpl = H5Fget_create_plist(file);
    if (fcpl >= 0 && H5Pget_userblock(fcpl, &n_bytes) < 0) n_bytes = 0;
    if (fcpl >= 0) H5Pclose(fcpl);
    return n_bytes;
}

static chunk_status look_inside(contents *c, const char *path, chunk_error *err)
{
    chk_h5file *f;
    CHK_TRY(chk_h5file_open(&f, path, err));
    chunk_status st = chk_h5_enter(err);
    if (st == CHUNK_OK) {
        if (has_attributes(f->id, "/")) note_other(c, "attributes of ", "/");
        if (user_block(f->id) > 0) note_other(c, "a user block", "");
        if (!c->has_other && H5Lvisit(f->id, H5_INDEX_NAME, H5_ITER_INC, visit_link, c) < 0)
            st = chk_fail(err, CHUNK_EFILE, "%s: cannot list what it holds", path);
        chk_h5_leave();
    }
    chk_h5file_release(f);
    return st;
}

static chunk_status check_contents(const char *path, char *const *wanted, int n_wanted, bool overwrite, chunk_error *err)
{
    contents c = {.wanted = wanted, .n_wanted = n_wanted};
    chunk_error why = {0};
    if (look_inside(&c, path, &why) != CHUNK_OK)
        return chk_fail(err, CHUNK_EEXIST, "%s: exists and is not replaced, as what it holds cannot be read (%s)", path, why.text);
    if (c.has_other)
        return chk_fail(err, CHUNK_EEXIST,
                        "%s: exists and holds %s; a file that holds more than the outputs is not replaced: choose another file",
                        path, c.text);
    if (!overwrite && c.has_wanted)
        return chk_fail(err, CHUNK_EEXIST, "%s: %s exists already; --overwrite replaces it", path, c.text);
    if (!overwrite) return chk_fail(err, CHUNK_EEXIST, "%s: exists already; --overwrite replaces it", path);
    return CHUNK_OK;
}

/* ---- the target */

/* path itself, or what a symbolic link leads to; absolute, as the host may change its folder before the end. */
static chunk_status resolve(char **out, const char *path, chunk_error *err)
{
    struct stat sb;
    char *found = NULL;
    if (lstat(path, &sb) == 0 && S_ISLNK(sb.st_mode)) {
        found = realpath(path, NULL);
        if (found == NULL) return chk_fail_errno(err, errno, path, "a symbolic link that leads nowhere");
        path = found;
    }
    char *folder = path[0] == '/' || path[0] == '\0' ? NULL : getcwd(NULL, 0);
    size_t size = strlen(path) + (folder != NULL ? strlen(folder) : 0) + 2;
    char *full = chk_malloc(size);
    if (full != NULL) snprintf(full, size, "%s%s%s", folder != NULL ? folder : "", folder != NULL ? "/" : "", path);
    free(folder);
    chunk_status st = full != NULL ? CHUNK_OK : chk_fail(err, CHUNK_ENOMEM, "%s: no memory for its name", path);
    free(found);
    if (st == CHUNK_OK) *out = full;
    return st;
}

static chunk_status check_resolved(chk_h5target *t, const char *name, char *const *wanted, int n_wanted, bool overwrite,
                                   chunk_error *err)
{
    size_t n = strlen(t->path);
    if (n == 0) return chk_fail(err, CHUNK_EINVAL, "an output file has an empty name");
    t->exists = stat(t->path, &t->sb) == 0;
    if (!t->exists && errno != ENOENT) return chk_fail_errno(err, errno, name, "cannot look at it");
    if (t->path[n - 1] == '/' || (t->exists && S_ISDIR(t->sb.st_mode)))
        return chk_fail(err, CHUNK_EFILE, "%s: is a folder, not a file", name);
    if (!t->exists) return CHUNK_OK;
    if (!S_ISREG(t->sb.st_mode)) return chk_fail(err, CHUNK_EFILE, "%s: is not a regular file", name);
    if (t->sb.st_size == 0 && overwrite) return CHUNK_OK; /* holds nothing */
    return check_contents(t->path, wanted, n_wanted, overwrite, err);
}

chunk_status chk_h5target_check(chk_h5target *out, const char *path, const char *const *datasets, int n_datasets, bool overwrite,
                                chunk_error *err)
{
    chk_h5target t = {0};
    char **wanted = chk_calloc((size_t)n_datasets, sizeof *wanted);
    chunk_status st = wanted != NULL ? resolve(&t.path, path, err)
                                     : chk_fail(err, CHUNK_ENOMEM, "no memory for the names of %d datasets", n_datasets);
    for (int i = 0; i < n_datasets && st == CHUNK_OK; i++) st = chk_h5path_normal(&wanted[i], datasets[i], err);
    if (st == CHUNK_OK) st = check_resolved(&t, path, wanted, n_datasets, overwrite, err);
    for (int i = 0; i < n_datasets && wanted != NULL; i++) chk_free(wanted[i]);
    chk_free(wanted);
    if (st == CHUNK_OK)
        *out = t;
    else
        chk_free(t.path);
    return st;
}
