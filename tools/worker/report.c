/* report.c: errors and warnings as one line, exit codes, and the JSON object of a failure. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

int exit_of(chunk_status st)
{
    switch (st) {
    case CHUNK_OK: return EXIT_DONE;
    case CHUNK_EPARSE:
    case CHUNK_ENAME: return EXIT_USAGE;
    case CHUNK_ECEILING: return EXIT_CEILING;
    case CHUNK_ECANCELED: return worker_canceled();
    default: return EXIT_FILE;
    }
}

static int say(const verdict *v, int code, uint64_t needed, const char *message)
{
    if (v->silent) return code;
    fprintf(stderr, "chunk: %s\n", message);
    if (v->json) {
        fputs("{\"error\": ", stdout);
        json_text(stdout, message);
        fprintf(stdout, ", \"exit\": %d", code);
        if (needed != 0) fprintf(stdout, ", \"needed\": %llu", (unsigned long long)needed);
        fputs("}\n", stdout);
        fflush(stdout);
    }
    return code;
}

void one_line(char *s)
{
    char *out = s;
    for (; *s != 0; s++) {
        const unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];
        bool two = c == 0xc2 && next >= 0x80 && next < 0xa0; /* U+0080 to U+009F, which terminals obey too */
        *out++ = c < 0x20 || c == 0x7f || two ? '?' : *s;
        s += two;
    }
    *out = 0;
}

int fail(const verdict *v, int code, uint64_t needed, const char *format, ...)
{
    char message[1200];
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    one_line(message);
    return say(v, code, needed, message);
}

/* The line of text that holds the column, cut to a window around it, and a caret below. */
static void point_at(const char *text, int column)
{
    enum { WINDOW = 60 };
    size_t length = strlen(text), at = (size_t)column - 1;
    if (at > length) return;
    size_t from = at, to = at;
    while (from > 0 && text[from - 1] != '\n' && at - from < WINDOW) from--;
    while (to < length && text[to] != '\n' && to - at < WINDOW) to++;
    while (from < at && ((unsigned char)text[from] & 0xc0) == 0x80) from++;
    fputs("  ", stderr);
    for (size_t i = from; i < to; i++) fputc((unsigned char)text[i] < 0x20 ? ' ' : text[i], stderr);
    fputs("\n  ", stderr);
    for (size_t i = from; i < at; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80) fputc(' ', stderr);
    fputs("^\n", stderr);
}

static unsigned long long mebibytes(uint64_t bytes) { return (bytes >> 20) + ((bytes & 0xfffff) != 0); }

int fail_error(const verdict *v, int code, const chunk_error *err, const char *text)
{
    if (code < 0) code = exit_of(err->code);
    if (err->code == CHUNK_ECEILING && err->needed != 0)
        return fail(v, EXIT_CEILING, err->needed, "the ceiling is too small: this needs at least %llu MiB", mebibytes(err->needed));
    if (err->column > 0 && text != NULL && !v->json && !v->quiet) point_at(text, err->column);
    if (err->column > 0 && strncmp(err->text, "column ", 7) != 0) return fail(v, code, 0, "column %d: %s", err->column, err->text);
    return fail(v, code, 0, "%s", err->text);
}

void warn(const verdict *v, const char *format, ...)
{
    if (v->quiet) return;
    char message[1200];
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    one_line(message);
    fprintf(stderr, "chunk: warning: %s\n", message);
}

int finish_output(const verdict *v)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return EXIT_DONE;
    fprintf(stderr, "chunk: cannot write to standard output: %s\n", strerror(errno));
    (void)v;
    return EXIT_FILE;
}

void *need_memory(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size);
    if (p == NULL) {
        fputs("chunk: out of memory\n", stderr);
        exit(EXIT_FILE);
    }
    return p;
}
