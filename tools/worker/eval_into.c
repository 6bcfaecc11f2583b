/* eval_into.c: --into FILE:/DATASET[REGION]: the result goes into a dataset that exists. REGION is written as NumPy's basic indexing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"

static int bad_region(const job *j)
{
    return fail(&j->v, EXIT_USAGE, 0, "--into '%s': write the region as NumPy does: [1:5, ::2], [3], [..., -1]", j->into);
}

static bool read_int(int64_t *out, const char **p)
{
    char *end;
    errno = 0;
    long long n = strtoll(*p, &end, 10);
    if (end == *p || errno) return false;
    *out = n;
    *p = end;
    return true;
}

static void skip_blanks(const char **p) { *p += strspn(*p, " "); }

/* One item of the region: an integer (step 0) or a slice, whose missing ends are as far away as can be. */
static bool read_item(int64_t *start, int64_t *stop, int64_t *step, const char **p)
{
    int64_t part[3] = {0, 0, 1};
    bool has[3] = {false};
    int n = 0;
    for (;; n++) {
        skip_blanks(p);
        if (n < 3) has[n] = read_int(&part[n], p);
        skip_blanks(p);
        if (**p != ':') break;
        if (n == 2) return false;
        (*p)++;
    }
    if (n == 0 && !has[0]) return false;
    if (n > 0 && has[2] && part[2] == 0) return false;
    *step = n == 0 ? 0 : part[2];
    bool down = part[2] < 0;
    *start = has[0] ? part[0] : down ? INT64_MAX : 0;
    *stop = has[1] ? part[1] : down ? INT64_MIN : INT64_MAX;
    return true;
}

int job_read_into(job *j)
{
    size_t n = strlen(j->into);
    const char *open = n > 0 && j->into[n - 1] == ']' ? strrchr(j->into, '[') : NULL;
    char *text = strndup(j->into, open ? (size_t)(open - j->into) : n);
    j->outputs = need_memory(1, sizeof *j->outputs);
    if (text == NULL || !target_parse(&j->outputs[0], text) || j->outputs[0].object == NULL ||
        strcmp(j->outputs[0].object, "/") == 0)
        return fail(&j->v, EXIT_USAGE, 0, "--into '%s': write it as FILE:/DATASET or FILE:/DATASET[REGION]", j->into);
    free(text);
    if (j->output_texts.n > 0)
        return fail(&j->v, EXIT_USAGE, 0, "--into changes a dataset in place, -o writes a new one: give one of them");
    if (j->filter != NULL || j->chunks.ndim > 0 || j->overwrite)
        return fail(
            &j->v, EXIT_USAGE, 0,
            "--into keeps the dataset as it is but for its values: --filter, --chunks and --overwrite mean nothing with it");
    j->region = need_memory(1, sizeof *j->region);
    into_region *r = j->region;
    r->ellipsis = -1;
    if (!open) return 0;
    const char *p = open + 1;
    for (skip_blanks(&p); *p != ']';) {
        if (strncmp(p, "...", 3) == 0 && r->ellipsis < 0) {
            r->ellipsis = r->n;
            p += 3;
        } else {
            if (r->n == CHUNK_MAX_NDIM || !read_item(&r->start[r->n], &r->stop[r->n], &r->step[r->n], &p)) return bad_region(j);
            r->n++;
        }
        skip_blanks(&p);
        if (*p == ',')
            p++;
        else if (*p != ']')
            return bad_region(j);
        skip_blanks(&p);
    }
    return p == j->into + n - 1 && r->n + (r->ellipsis >= 0) > 0 ? 0 : bad_region(j);
}

/* Axes that the region does not name are whole. */
static int spread_region(const job *j, into_region *r, int ndim)
{
    int gap = ndim - r->n, at = r->ellipsis < 0 ? r->n : r->ellipsis;
    if (gap < 0) return fail(&j->v, EXIT_FILE, 0, "--into '%s': %d indices for %d axes", j->into, r->n, ndim);
    for (int a = ndim - 1; a >= 0; a--) {
        int from = a < at ? a : a - gap;
        bool named = a < at || a >= at + gap;
        r->start[a] = named ? r->start[from] : 0;
        r->stop[a] = named ? r->stop[from] : INT64_MAX;
        r->step[a] = named ? r->step[from] : 1;
    }
    return 0;
}

/* Indices of a slice of n, as Python counts them. */
static int64_t slice_count(int64_t n, int64_t start, int64_t stop, int64_t step)
{
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    if (start < 0) start = start < -n ? low : start + n;
    if (stop < 0) stop = stop < -n ? low : stop + n;
    if (start > high) start = high;
    if (stop > high) stop = high;
    if (step > 0) return stop > start ? (stop - start - 1) / step + 1 : 0;
    return start > stop ? (start - stop - 1) / -(step == INT64_MIN ? -INT64_MAX : step) + 1 : 0;
}

static into_place *region_place(const chunk_array *whole, const into_region *r)
{
    into_place *p = need_memory(1, sizeof *p);
    p->dtype = chunk_array_dtype(whole);
    for (int a = 0; a < chunk_array_ndim(whole); a++)
        if (r->step[a] != 0) p->shape[p->ndim++] = slice_count(chunk_array_shape(whole)[a], r->start[a], r->stop[a], r->step[a]);
    return p;
}

int job_into_output(job *j, chunk_output *output)
{
    chunk_error err = {0};
    chunk_array *whole;
    into_region *r = j->region;
    worker_watch(true);
    chunk_status st = chunk_from_hdf5(&whole, j->ctx, j->outputs[0].file, j->outputs[0].object, &err);
    worker_watch(false);
    if (st != CHUNK_OK) return fail_error(&j->v, -1, &err, NULL);
    int code = spread_region(j, r, chunk_array_ndim(whole));
    if (code == 0) j->place = region_place(whole, r);
    chunk_array_free(whole);
    *output = (chunk_output){.size = sizeof *output,
                             .array = j->results[0],
                             .file = j->outputs[0].file,
                             .dataset = j->outputs[0].object,
                             .in_place = true,
                             .start = r->start,
                             .stop = r->stop,
                             .step = r->step};
    return code;
}
