/* info.c: `chunk info FILE[:/OBJECT]... [-v] [--json]`: one line a dataset, or one JSON array. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "worker.h"

typedef struct listing {
    FILE *out;
    const char *file;
    bool verbose, json;
    int n;        /* datasets listed so far */
    char **cells; /* human: COLUMNS texts a dataset of the current file */
    int n_rows, room;
} listing;

enum { COLUMNS = 9 };
static const char *const titles[COLUMNS] = {"dataset", "shape",   "type",   "layout", "chunks",
                                            "filters", "logical", "stored", "written"};

/* ---- JSON */

static void write_key(FILE *out, const char *key) { fprintf(out, ", \"%s\": ", key); }

static void write_count(FILE *out, int64_t n)
{
    if (n < 0)
        fputs("null", out);
    else
        fprintf(out, "%" PRId64, n);
}

static void write_shape(FILE *out, const chunk_dataset_info *d, const int64_t *extent)
{
    if (d->null_space)
        fputs("null", out);
    else
        json_shape(out, d->ndim, extent);
}

static void write_json(listing *l, const chunk_dataset_info *d)
{
    FILE *out = l->out;
    fputs(l->n > 0 ? ", {\"file\": " : "{\"file\": ", out);
    json_text(out, l->file);
    write_key(out, "path");
    json_text(out, d->path);
    write_key(out, "shape");
    write_shape(out, d, d->shape);
    write_key(out, "maxshape");
    write_shape(out, d, d->maxshape);
    write_key(out, "dtype");
    json_text(out, d->dtype);
    write_key(out, "layout");
    json_text(out, d->layout);
    write_key(out, "chunks");
    if (d->chunked)
        json_shape(out, d->ndim, d->chunk);
    else
        fputs("null", out);
    write_key(out, "filters");
    json_text(out, d->filters);
    write_key(out, "logical_bytes");
    fprintf(out, "%" PRIu64, d->logical_bytes);
    write_key(out, "stored_bytes");
    fprintf(out, "%" PRIu64, d->stored_bytes);
    write_key(out, "chunks_written");
    if (d->chunked)
        write_count(out, d->chunks_written);
    else
        fputs("null", out);
    write_key(out, "chunks_total");
    if (d->chunked)
        write_count(out, d->chunks_total);
    else
        fputs("null", out);
    if (l->verbose) {
        write_key(out, "fill_value");
        json_raw(out, d->fill_value[0] != 0 ? d->fill_value : "null");
        write_key(out, "attributes");
        json_raw(out, d->attributes != NULL ? d->attributes : "{}");
        write_key(out, "index");
        json_text(out, d->index != NULL ? d->index : "none");
    }
    fputc('}', out);
}

/* ---- tables */

static char *shape_text(int ndim, const int64_t *extent)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    if (f == NULL) exit(EXIT_FILE);
    if (ndim == 0) fputs("()", f);
    for (int i = 0; i < ndim; i++) {
        fputs(i > 0 ? "x" : "", f);
        if (extent[i] < 0)
            fputs("*", f);
        else
            fprintf(f, "%" PRId64, extent[i]);
    }
    fclose(f);
    return text;
}

static char *format(const char *f, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *f, ...)
{
    char *s;
    va_list ap;
    va_start(ap, f);
    if (vasprintf(&s, f, ap) < 0) exit(EXIT_FILE);
    va_end(ap);
    one_line(s); /* names come from the file */
    return s;
}

static void add_row(listing *l, const chunk_dataset_info *d)
{
    if (l->n_rows == l->room) {
        l->room = l->room * 2 + 16;
        l->cells = realloc(l->cells, (size_t)l->room * COLUMNS * sizeof *l->cells);
        if (l->cells == NULL) exit(EXIT_FILE);
    }
    char **row = l->cells + (size_t)l->n_rows++ * COLUMNS, bytes[32];
    char *shape = shape_text(d->ndim, d->shape), *most = shape_text(d->ndim, d->maxshape);
    bool grows = strcmp(shape, most) != 0;
    row[0] = format("%s", d->path);
    if (d->null_space)
        row[1] = format("-");
    else
        row[1] = format(grows ? "%s (%s)" : "%s", shape, most);
    row[2] = format("%s", d->dtype);
    row[3] = format("%s", d->layout);
    row[4] = d->chunked ? shape_text(d->ndim, d->chunk) : format("-");
    row[5] = format("%s", strcmp(d->filters, "none") == 0 ? "-" : d->filters);
    row[6] = format("%s", human_bytes(bytes, (double)d->logical_bytes));
    human_bytes(bytes, (double)d->stored_bytes);
    if (d->stored_bytes > 0)
        row[7] = format("%s (%.3g:1)", bytes, (double)d->logical_bytes / (double)d->stored_bytes);
    else
        row[7] = format("%s", bytes);
    if (!d->chunked)
        row[8] = format("-");
    else if (d->chunks_written < 0)
        row[8] = format("? of %" PRId64, d->chunks_total);
    else
        row[8] = format("%" PRId64 " of %" PRId64, d->chunks_written, d->chunks_total);
    free(shape);
    free(most);
}

static void print_rows(listing *l)
{
    int width[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        width[c] = (int)strlen(titles[c]);
        for (int r = 0; r < l->n_rows; r++) {
            int n = (int)strlen(l->cells[r * COLUMNS + c]);
            if (n > width[c]) width[c] = n;
        }
    }
    for (int r = -1; r < l->n_rows; r++)
        for (int c = 0; c < COLUMNS; c++) {
            const char *cell = r < 0 ? titles[c] : l->cells[r * COLUMNS + c];
            if (c == COLUMNS - 1)
                fprintf(l->out, "%s\n", cell);
            else
                fprintf(l->out, "%-*s  ", width[c], cell);
        }
    for (int i = 0; i < l->n_rows * COLUMNS; i++) free(l->cells[i]);
    l->n_rows = 0;
}

/* -v: one block a dataset. */
static void print_block(listing *l, const chunk_dataset_info *d)
{
    add_row(l, d);
    if (l->n > 0) fputc('\n', l->out);
    for (int c = 0; c < COLUMNS; c++) {
        fprintf(l->out, "%-11s %s\n", titles[c], l->cells[c]);
        free(l->cells[c]);
    }
    l->n_rows = 0;
    fprintf(l->out, "%-11s %s\n", "fill value", d->fill_value[0] != 0 ? d->fill_value : "-");
    fprintf(l->out, "%-11s %s\n", "index", d->index != NULL ? d->index : "-");
    fprintf(l->out, "%-11s ", "attributes");
    json_raw(l->out, d->attributes != NULL ? d->attributes : "{}");
    fputc('\n', l->out);
}

static chunk_status list_dataset(void *user, const chunk_dataset_info *d, chunk_error *err)
{
    listing *l = user;
    (void)err;
    if (l->json)
        write_json(l, d);
    else if (l->verbose)
        print_block(l, d);
    else
        add_row(l, d);
    l->n++;
    return CHUNK_OK;
}

static int list_file(listing *l, const verdict *v, const char *text, bool titled)
{
    target t;
    chunk_error err = {0};
    struct stat st;
    if (stat(text, &st) == 0)
        t = (target){.file = (char *)text};
    else if (!target_parse(&t, text))
        return fail(v, EXIT_USAGE, 0, "'%s' names no file", text);
    l->file = t.file;
    if (titled) {
        char *title = format("%s", t.file);
        fprintf(l->out, "%s%s\n", l->n > 0 ? "\n" : "", title);
        free(title);
    }
    worker_watch(true);
    worker_crash_point("open");
    chunk_status status = chunk_info(t.file, t.object, l->verbose, list_dataset, l, &err);
    worker_watch(false);
    if (l->n_rows > 0) print_rows(l);
    return status == CHUNK_OK ? 0 : fail_error(v, EXIT_FILE, &err, NULL);
}

static int list_as_json(listing *l, const verdict *v, const option_list *files)
{
    char *text = NULL;
    size_t n;
    l->out = open_memstream(&text, &n);
    if (l->out == NULL) return fail(v, EXIT_FILE, 0, "out of memory");
    for (int i = 0; i < files->n; i++) {
        int code = list_file(l, v, files->item[i], false);
        if (code != 0) return code;
    }
    fclose(l->out);
    printf("[%s]\n", text);
    return 0;
}

static int list_as_text(listing *l, const verdict *v, const option_list *files)
{
    int code = 0;
    l->out = stdout;
    for (int i = 0; i < files->n; i++) {
        int one = list_file(l, v, files->item[i], files->n > 1);
        fflush(stdout);
        if (one != 0) code = one;
    }
    return code;
}

int info_main(char **args)
{
    verdict v = {.verb = "info", .json = has_json(args)};
    listing l = {0};
    option_list files = {0};
    bool help, version = false;
    const option options[] = {{"-v", "-v", OPTION_FLAG, &l.verbose},
                              {"--json", NULL, OPTION_FLAG, &l.json},
                              {"--help", "-h", OPTION_HELP, NULL},
                              {"--version", NULL, OPTION_FLAG, &version},
                              {NULL, NULL, OPTION_FLAG, NULL}};
    int code = read_options(&v, args, options, &files, &help);
    if (code != 0) return code;
    if (help || version) {
        if (help)
            print_help("info");
        else
            puts("chunk-info " CHUNK_VERSION);
        return finish_output(&v);
    }
    if (files.n == 0) return fail(&v, EXIT_USAGE, 0, "name a file: chunk info FILE[:/OBJECT]...");
    code = l.json ? list_as_json(&l, &v, &files) : list_as_text(&l, &v, &files);
    return code != 0 ? code : finish_output(&v);
}
