/* Reads HDF5 datasets as the engine does, for Python tests to judge: values on standard output, what it took as JSON on standard error.
 *
 *   read FILE DATASET BASE VIEW TILE BOXES   BASE: an entry an axis of the dataset, "axis:off:step" or "off" (an index); VIEW: the view's
 *                                            shape; TILE: the boxes' shape, "grid" for the view's own chunks; lists joined by commas,
 *                                            "-" for none; BOXES: how many are fetched together
 *   box FILE DATASET LO HI                   through H5Dread
 *   info FILE DATASET | walk FILE OBJECT | attrs FILE DATASET | stored FILE DATASET
 *   shrink FILE DATASET BYTES                fetches all in one box, cuts the file to BYTES, then uses what was fetched
 *   faults FILE DATASET                      every read fails once, then from each on
 *   edges FILE DATASET                       writes (21, 13) float64 0, 1, 2, ... with edge chunks unfiltered, which h5py cannot ask for
 * Failures: the error's text on standard error, exit 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/h5compat.h"
#include "store/source.h"

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void demand(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "broken: %s\n", what);
    exit(3);
}

static int parse_list(int64_t *out, const char *text)
{
    int n = 0;
    if (strcmp(text, "-") == 0) return 0;
    for (char *s = (char *)text;; s++) {
        out[n++] = strtoll(s, &s, 10);
        if (*s != ',') return n;
    }
}

static void parse_view(chk_view *v, const char *base, const char *shape)
{
    memset(v, 0, sizeof *v);
    v->shape.ndim = parse_list(v->shape.dim, shape);
    if (strcmp(base, "-") == 0) return;
    for (char *s = (char *)base;; s++) {
        int b = v->base_ndim++;
        int64_t first = strtoll(s, &s, 10);
        v->axis[b] = -1;
        v->off[b] = first;
        if (*s == ':') {
            v->axis[b] = (int)first;
            v->off[b] = strtoll(s + 1, &s, 10);
            v->step[b] = strtoll(s + 1, &s, 10);
        }
        if (*s != ',') return;
    }
}

/* The view's own chunks: an axis follows the base axis that moves along it. */
static chk_grid view_grid(const chk_source *s, const chk_view *v)
{
    chk_grid g = {.ndim = v->shape.ndim};
    for (int a = 0; a < g.ndim; a++) g.axis[a] = chk_axis_regular(v->shape.dim[a], v->shape.dim[a] ? v->shape.dim[a] : 1);
    for (int b = 0; b < v->base_ndim; b++)
        if (v->axis[b] >= 0) g.axis[v->axis[b]] = chk_axis_slice(&s->grid.axis[b], v->off[b], v->step[b], v->shape.dim[v->axis[b]]);
    return g;
}

static void swap_item(unsigned char *item, chk_dtype d)
{
    int unit = chk_dtypes[d].swap;
    for (int at = 0; at < chk_dtypes[d].size; at += unit)
        for (int i = 0; i < unit / 2; i++) {
            unsigned char c = item[at + i];
            item[at + i] = item[at + unit - 1 - i];
            item[at + unit - 1 - i] = c;
        }
}

static void take_item(unsigned char *out, const chk_piece *p, chk_dtype d, const int64_t *i, int ndim)
{
    size_t size = chk_dtype_size(d);
    if (!p->data) {
        memcpy(out, p->fill.v.bytes, size);
        return;
    }
    const char *at = p->data;
    for (int a = 0; a < ndim; a++) at += i[a] * p->stride[a];
    for (size_t b = 0; b < size; b++) out[b] = (unsigned char)(p->plane_bytes ? at[b * p->plane_bytes] : at[b]);
    if (p->swapped) swap_item(out, d);
}

/* Writes a piece to its place in the whole view, dense. */
static void place_piece(unsigned char *out, const chk_view *v, const chk_box *box, const chk_piece *p, chk_dtype d)
{
    int ndim = v->shape.ndim;
    int64_t i[CHK_MAX_NDIM] = {0};
    for (int64_t left = chk_box_count(box); left > 0; left--) {
        int64_t at = 0;
        for (int a = 0; a < ndim; a++) at = at * v->shape.dim[a] + box->lo[a] + i[a];
        take_item(out + (size_t)at * chk_dtype_size(d), p, d, i, ndim);
        for (int a = ndim - 1; a >= 0 && ++i[a] == chk_box_extent(box, a); a--) i[a] = 0;
    }
}

/* An arena of exactly so many bytes: guard pages lie before and behind it. */
static char *guarded(size_t n_bytes)
{
    size_t room = chk_page_round(n_bytes);
    char *p = mmap(NULL, room + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    demand(p != MAP_FAILED && mprotect(p + 4096, room ? room : 1, PROT_READ | PROT_WRITE) == 0, "guard pages");
    return p + 4096 + ((room - n_bytes) & ~(size_t)63);
}

static chk_h5file *file;
static chk_h5set *set;

static chk_source *open_source(const char *path, const char *dataset)
{
    chunk_error err;
    chk_source *s;
    check(chk_h5file_open(&file, path, &err), &err);
    check(chk_h5set_open(&set, file, dataset, &err), &err);
    check(chk_source_h5(&s, set, &err), &err);
    return s;
}

static void close_source(chk_source *s)
{
    chk_source_release(s);
    chk_h5set_release(set);
    chk_h5file_release(file);
}

enum { MOST_BOXES = 4096 };
static chk_box boxes[MOST_BOXES];
static chk_piece pieces[MOST_BOXES];

/* Fetches boxes of a view one batch after the other; checks that what was needed is what need() said. */
static void read_view(int argc, char **argv)
{
    chk_view v;
    chk_source *s = open_source(argv[2], argv[3]);
    (void)argc;
    parse_view(&v, argv[4], argv[5]);
    int64_t tile[CHK_MAX_NDIM], extent[CHK_MAX_NDIM], coord[CHK_MAX_NDIM] = {0}, n_boxes = atoll(argv[7]);
    bool aligned = strcmp(argv[6], "grid") == 0;
    if (!aligned) parse_list(tile, argv[6]);
    chk_grid g = aligned ? view_grid(s, &v) : chk_grid_regular(&v.shape, tile);
    for (int a = 0; a < g.ndim; a++) extent[a] = chk_axis_max_chunk(&g.axis[a]);
    chk_need need = {0};
    s->ops->need(s, &v, extent, n_boxes, aligned, &need);
    size_t n_bytes = (size_t)chk_shape_count(&v.shape) * chk_dtype_size(s->dtype), used = 0, whole = need.arena + need.transient;
    unsigned char *out = malloc(n_bytes + 1);
    char *room = guarded(whole);
    uint64_t bytes_read = 0;
    int64_t left = chk_grid_n_chunks(&g);
    chk_fault_arm(CHK_FAULT_READ, UINT64_MAX, false); /* counts the reads */
    while (left > 0) {
        size_t n = 0;
        for (; n < (size_t)n_boxes && left > 0; n++, left--) {
            chk_grid_chunk_box(&boxes[n], &g, coord);
            for (int a = g.ndim - 1; a >= 0 && ++coord[a] == g.axis[a].n_chunks; a--) coord[a] = 0;
        }
        chunk_error err;
        chk_hold hold = {0};
        chk_arena arena;
        chk_arena_init(&arena, room, whole);
        if (s->ops->advise) s->ops->advise(s, &v, boxes, n);
        check(s->ops->fetch(s, &v, boxes, n, &arena, &hold, pieces, &err), &err);
        demand(arena.used <= need.arena, "more of the arena was kept than need() said");
        demand(arena.size == whole, "the arena's size was changed");
        if (arena.used > used) used = arena.used;
        for (size_t k = 0; k < n; k++) {
            chk_scalar fill;
            if (s->ops->all_fill && s->ops->all_fill(s, &v, &boxes[k], &fill))
                demand(!pieces[k].data || chk_box_count(&boxes[k]) > 0, "all_fill");
            place_piece(out, &v, &boxes[k], &pieces[k], s->dtype);
        }
        demand(!chk_hold_failed(&hold), "a hold failed");
        bytes_read += hold.bytes_read;
        s->ops->release(s, &hold);
    }
    fwrite(out, 1, n_bytes, stdout);
    fprintf(stderr,
            "{\"slow_bytes\": %" PRIu64 ", \"bytes_read\": %" PRIu64 ", \"reads\": %" PRIu64
            ", \"arena\": %zu, \"transient\": %zu, \"used\": %zu}\n",
            chk_h5_slow_bytes(), bytes_read, chk_fault_count(CHK_FAULT_READ), need.arena, need.transient, used);
    free(out);
    close_source(s);
}

static void read_box(char **argv)
{
    chunk_error err;
    chk_box box;
    check(chk_h5file_open(&file, argv[2], &err), &err);
    check(chk_h5set_open(&set, file, argv[3], &err), &err);
    box.ndim = parse_list(box.lo, argv[4]);
    parse_list(box.hi, argv[5]);
    size_t n_bytes = (size_t)chk_box_count(&box) * chk_h5set_info(set)->item_bytes;
    char *out = malloc(n_bytes + 1);
    check(chk_h5set_read_box(set, &box, out, &err), &err);
    fwrite(out, 1, n_bytes, stdout);
    free(out);
    close_source(NULL);
}

static void print_shape(const char *name, const chk_shape *s)
{
    printf("\"%s\": [", name);
    for (int a = 0; a < s->ndim; a++) printf("%s%" PRId64, a ? ", " : "", s->dim[a]);
    printf("], ");
}

static void print_info(char **argv)
{
    chunk_error err;
    char filters[200];
    check(chk_h5file_open(&file, argv[2], &err), &err);
    check(chk_h5set_open(&set, file, argv[3], &err), &err);
    const chk_h5info *i = chk_h5set_info(set);
    static const char *const layouts[] = {"compact", "contiguous", "chunked", "virtual"};
    printf("{\"path\": \"%s\", \"type\": \"%s\", \"known\": %s, \"swapped\": %s, \"layout\": \"%s\", \"index\": \"%s\", "
           "\"native\": %s, ",
           i->path, i->type_text, i->dtype_known ? "true" : "false", i->swapped ? "true" : "false", layouts[i->layout], i->index,
           i->native ? "true" : "false");
    print_shape("shape", &i->shape);
    print_shape("maxshape", &i->maxshape);
    print_shape("chunk", &i->chunk);
    printf("\"filters\": \"%s\", \"why\": \"%s\", \"edge_unfiltered\": %s, \"fill_defined\": %s, \"fill\": \"",
           chk_pipeline_text(filters, sizeof filters, &i->pipeline), i->why_not_native ? i->why_not_native : "",
           i->edge_unfiltered ? "true" : "false", i->fill_defined ? "true" : "false");
    for (size_t b = 0; i->dtype_known && b < i->item_bytes; b++) printf("%02x", i->fill.v.bytes[b]);
    printf("\"}\n");
    close_source(NULL);
}

static chunk_status print_path(void *arg, const char *path, chunk_error *err)
{
    (void)arg, (void)err;
    printf("%s\n", path);
    return CHUNK_OK;
}

static chunk_status print_attr(void *arg, const char *name, const char *json)
{
    printf("%s\"%s\": %s", (*(int *)arg)++ ? ", " : "", name, json);
    return CHUNK_OK;
}

static void print_more(const char *verb, char **argv)
{
    chunk_error err;
    check(chk_h5file_open(&file, argv[2], &err), &err);
    if (strcmp(verb, "walk") == 0) {
        check(chk_h5file_walk(file, argv[3], print_path, NULL, &err), &err);
        close_source(NULL);
        return;
    }
    check(chk_h5set_open(&set, file, argv[3], &err), &err);
    if (strcmp(verb, "attrs") == 0) {
        int n = 0;
        printf("{");
        check(chk_h5set_attrs(set, print_attr, &n, &err), &err);
        printf("}\n");
    } else {
        int64_t n_chunks;
        uint64_t n_bytes;
        check(chk_h5set_stored(set, &n_chunks, &n_bytes, &err), &err);
        printf("{\"chunks\": %" PRId64 ", \"bytes\": %" PRIu64 "}\n", n_chunks, n_bytes);
    }
    close_source(NULL);
}

/* All of the dataset as one box, or as its chunks where it is filtered or has several. */
static size_t whole_boxes(chk_source *s, chk_view *v, int64_t *extent)
{
    int64_t coord[CHK_MAX_NDIM] = {0};
    size_t n = (size_t)chk_grid_n_chunks(&s->grid);
    *v = chk_view_identity(&s->shape);
    demand(n <= MOST_BOXES, "not too many chunks");
    for (int a = 0; a < s->shape.ndim; a++) extent[a] = chk_axis_max_chunk(&s->grid.axis[a]);
    for (size_t k = 0; k < n; k++) {
        chk_grid_chunk_box(&boxes[k], &s->grid, coord);
        for (int a = s->shape.ndim - 1; a >= 0 && ++coord[a] == s->grid.axis[a].n_chunks; a--) coord[a] = 0;
    }
    return n;
}

static void shrink(char **argv)
{
    chk_view v;
    int64_t extent[CHK_MAX_NDIM];
    chk_source *s = open_source(argv[2], argv[3]);
    size_t n = whole_boxes(s, &v, extent);
    chk_need need;
    s->ops->need(s, &v, extent, (int64_t)n, true, &need);
    chk_arena arena;
    chk_arena_init(&arena, guarded(need.arena + need.transient), need.arena + need.transient);
    chk_hold hold = {0};
    chunk_error err;
    check(s->ops->fetch(s, &v, boxes, n, &arena, &hold, pieces, &err), &err);
    demand(truncate(argv[2], atoll(argv[4])) == 0, "the file is cut");
    unsigned char *out = malloc((size_t)chk_shape_count(&s->shape) * chk_dtype_size(s->dtype));
    for (size_t k = 0; k < n; k++) place_piece(out, &v, &boxes[k], &pieces[k], s->dtype);
    printf("{\"windows\": %d, \"failed\": %s}\n", hold.n, chk_hold_failed(&hold) ? "true" : "false");
    s->ops->release(s, &hold);
    chunk_status st = s->ops->fetch(s, &v, boxes, n, &arena, &hold, pieces, &err);
    printf("%s\n", st == CHUNK_OK ? "" : err.text);
    free(out);
    close_source(s);
}

/* Opens and fetches everything with the n-th read failing, for n = 1, 2, ... until nothing fails; prints how many failed. */
static bool one_fault(char **argv, uint64_t nth, bool persistent, chunk_error *err)
{
    chk_h5file *f = NULL;
    chk_h5set *d = NULL;
    chk_source *s = NULL;
    chk_view v;
    int64_t extent[CHK_MAX_NDIM];
    chk_need need;
    chk_hold hold = {0};
    chk_fault_arm(CHK_FAULT_READ, nth, persistent);
    chunk_status st = chk_h5file_open(&f, argv[2], err);
    if (st == CHUNK_OK) st = chk_h5set_open(&d, f, argv[3], err);
    if (st == CHUNK_OK) st = chk_source_h5(&s, d, err);
    if (st == CHUNK_OK) {
        size_t n = whole_boxes(s, &v, extent);
        s->ops->need(s, &v, extent, (int64_t)n, true, &need);
        chk_arena arena;
        chk_arena_init(&arena, malloc(need.arena + need.transient + 64), need.arena + need.transient);
        st = s->ops->fetch(s, &v, boxes, n, &arena, &hold, pieces, err);
        if (st == CHUNK_OK) s->ops->release(s, &hold);
        demand(hold.n == 0, "windows are left after a failure");
        free(arena.base);
    }
    chk_fault_arm(CHK_FAULT_READ, 0, false);
    chk_source_release(s);
    chk_h5set_release(d);
    chk_h5file_release(f);
    return st != CHUNK_OK;
}

static void faults(char **argv)
{
    chk_h5_capture_works(); /* its own reads are not the point here */
    for (int persistent = 0; persistent < 2; persistent++) {
        uint64_t n = 1;
        for (;; n++) {
            chunk_error err = {0};
            if (!one_fault(argv, n, persistent, &err)) break;
            demand(err.code != CHUNK_OK && err.text[0] && !strchr(err.text, '\n'), "a failure has one line of text");
            demand(n < 10000, "faults end");
        }
        printf("%" PRIu64 "\n", n - 1);
    }
}

static void make_edges(char **argv)
{
    hsize_t dim[2] = {21, 13}, chunk[2] = {4, 5};
    double x[21 * 13];
    for (int i = 0; i < 21 * 13; i++) x[i] = i;
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), dcpl = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dim, NULL);
    H5Pset_libver_bounds(fapl, H5F_LIBVER_V110, H5F_LIBVER_V110);
    H5Pset_chunk(dcpl, 2, chunk);
    H5Pset_chunk_opts(dcpl, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
    H5Pset_shuffle(dcpl);
    H5Pset_deflate(dcpl, 4);
    hid_t f = H5Fcreate(argv[2], H5F_ACC_TRUNC, H5P_DEFAULT, fapl),
          d = H5Dcreate2(f, argv[3], H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    demand(H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0 && H5Dclose(d) >= 0 && H5Fclose(f) >= 0,
           "the file is written");
    H5Pclose(fapl);
    H5Pclose(dcpl);
    H5Sclose(space);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 3 ? argv[1] : "";
    if (strcmp(verb, "read") == 0 && argc == 8)
        read_view(argc, argv);
    else if (strcmp(verb, "box") == 0 && argc == 6)
        read_box(argv);
    else if (strcmp(verb, "info") == 0)
        print_info(argv);
    else if (strcmp(verb, "walk") == 0 || strcmp(verb, "attrs") == 0 || strcmp(verb, "stored") == 0)
        print_more(verb, argv);
    else if (strcmp(verb, "shrink") == 0 && argc == 5)
        shrink(argv);
    else if (strcmp(verb, "faults") == 0)
        faults(argv);
    else if (strcmp(verb, "edges") == 0)
        make_edges(argv);
    else
        return fprintf(stderr, "usage: see the head of store_read_oracle.c\n"), 2;
    return 0;
}
