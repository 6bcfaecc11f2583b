/* worker.h: what the parts of chunk-worker share. The worker does all work of `chunk`; it sees libchunk only through chunk.h. */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "chunk.h"

enum { EXIT_DONE = 0, EXIT_FILE = 1, EXIT_USAGE = 2, EXIT_CEILING = 3, EXIT_CANCELED = 130 };

/* ---- main.c: the process */

extern int worker_launcher_pid;      /* 0 when started by hand */
double worker_seconds(void);         /* since the launcher started */
uint64_t worker_launcher_peak(void); /* most bytes that the launcher can have resident */
uint64_t worker_peak(void);          /* high-water of this process and the launcher together, so far */
/* Ctrl-C: ends the process at once before the first of these, cancels the run between the second and third, is too late after it. */
void worker_run_claims(void);
void worker_run_started(chunk_run *run);
void worker_run_ends(void);
int worker_canceled(void); /* the exit code after that: 128 and the signal */
/* In builds with faults: crashes when CHUNK_CRASH names this place. */
void worker_crash_point(const char *place);

/* ---- report.c: how it ended */

typedef struct verdict {
    const char *verb;
    bool json, quiet;
    bool silent; /* while something is tried: its failure is not told */
} verdict;
/* One line on standard error; with json {"error", "exit"[, "needed"]} on standard output. Returns the exit code. */
int fail(const verdict *v, int code, uint64_t needed, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* For an error of the library; code < 0: by the status. text: the expression, to point into it, or NULL. */
int fail_error(const verdict *v, int code, const chunk_error *err, const char *text);
void warn(const verdict *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
int exit_of(chunk_status st);
/* Control characters become "?": text of files and command lines stays on its line, and does nothing to a terminal. */
void one_line(char *s);
/* Flushes standard output; a full disk or closed pipe there is exit 1. */
int finish_output(const verdict *v);

/* ---- options.c: the command line */

typedef enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_ONCE, /* a text that is given once */
    OPTION_LIST,
    OPTION_SIZE,
    OPTION_INT,
    OPTION_SHAPE,
    OPTION_FILTER,
    OPTION_HELP
} option_kind;
typedef struct option_list {
    const char **item;
    int n;
} option_list;
typedef struct option_shape {
    int ndim;
    int64_t extent[CHUNK_MAX_NDIM];
} option_shape;
typedef struct option {
    const char *name, *other; /* "--memory"; "-q" or NULL */
    option_kind kind;
    void *into; /* bool, const char *, option_list, uint64_t, int, option_shape, by kind */
} option;
/* Splits args into options and operands; 0, or an exit code after the error has been told. *help: --help was among them. */
int read_options(const verdict *v, char **args, const option *options, option_list *operands, bool *help);
bool parse_size(uint64_t *out, const char *text);
bool has_json(char **args);
/* The nearest one, letters' case ignored, by at most `most` edits (negative: as many as may be a slip); NULL where there is none. */
const char *nearest_name(const char *name, int most, const char *const *names, int n);
void *need_memory(size_t n, size_t size); /* zeroed; the process ends without it */

/* ---- target.c: FILE:/DATASET */

typedef struct target {
    char *file;
    char *object; /* "/DATASET"; NULL where only a file was named */
} target;
bool target_parse(target *out, const char *text);
/* However they are written: files that exist or can be made, and what the paths of two datasets of one file have to do with each other. */
bool target_same_file(const target *a, const target *b);
typedef enum target_meeting { TARGETS_APART, TARGETS_SAME, TARGETS_THROUGH } target_meeting; /* one path begins with the other */
target_meeting target_meet(const target *a, const target *b);

/* ---- values.c: results as they lie in memory */

typedef struct values {
    chunk_dtype dtype;
    int ndim;
    int64_t shape[CHUNK_MAX_NDIM]; /* of the result */
    int64_t kept[CHUNK_MAX_NDIM];  /* of data: the shape, or where whole is false at most 6 an axis */
    bool whole;                    /* data holds every element */
    bool too_many_axes;            /* abbreviated it would still be too much; data is NULL */
    char *data;                    /* C order */
} values;
enum { VALUES_WHOLE = 1000, VALUES_EDGE = 3 };
void values_of(values *out, const chunk_array *a);
int values_n_parts(const values *v); /* outputs that it takes to compute them */
/* Adds those outputs; slices are counted in parts for the caller to free. */
chunk_status values_outputs(values *v, chunk_context *ctx, chunk_array *a, chunk_output *outputs, chunk_array **parts, int *n,
                            chunk_error *err);
int64_t values_count(const values *v); /* elements in data */
double values_real(const values *v, int64_t i);
double values_imag(const values *v, int64_t i);
bool dtype_is_float(chunk_dtype d);
bool dtype_is_complex(chunk_dtype d);
bool dtype_is_signed(chunk_dtype d);
int64_t values_int(const values *v, int64_t i);
uint64_t values_uint(const values *v, int64_t i);

/* ---- digits.c: shortest decimal text of floating-point numbers */

typedef enum float_width { WIDTH_16, WIDTH_32, WIDTH_64 } float_width;
typedef struct digits {
    int n;        /* significant digits, no trailing zeros; at least 1 */
    int exponent; /* value = 0.d1d2d3... * 10^exponent */
    char d[32];
} digits;
/* The fewest digits that read back as x in that width; x finite and not negative. */
void shortest_digits(digits *out, double x, float_width width);
float_width dtype_width(chunk_dtype d);
/* Python's repr of a float64. Non-finite values are nan, inf, -inf. */
char *python_repr(char buf[64], double x);

/* ---- print.c, json.c */

void print_values(FILE *out, const values *v); /* as str() of NumPy 2 */
void json_text(FILE *out, const char *s);      /* quoted; bytes that are no UTF-8 as Python's surrogateescape has them */
void json_values(FILE *out, const values *v);  /* number, bool, nested list, or null where v does not hold all */
void json_shape(FILE *out, int ndim, const int64_t *extent);
void json_raw(FILE *out, const char *s); /* JSON text from the library, put on one line */

/* ---- watch.c */

/* From on to off HDF5 reads what tells of files, not data: when it makes no progress the worker ends, and memory is limited. Calls do not nest. */
void worker_watch(bool on);

/* ---- progress.c */

void show_progress(chunk_run *run);
void clear_progress(void);
char *human_bytes(char buf[32], double bytes);

/* ---- verbs */

int eval_main(char **args);
int rechunk_main(char **args);
int info_main(char **args);
int ops_main(char **args);
void print_help(const char *verb);

#endif
