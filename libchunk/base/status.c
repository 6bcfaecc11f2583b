/* Errors are text made once, where the failure is found. Texts too long for the error end in "...", cut at a character boundary. */
#include "base/status.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the UTF-8 character at s, 0 where there is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] >= 0x90))
        return 0;
    return n;
}

/* One line, valid UTF-8: line breaks, control bytes and what is no UTF-8 (from names in files) become '?', a character cut in half is dropped. */
static void tidy_text(char *text, size_t cap, bool cut)
{
    size_t n = strlen(text);
    for (size_t i = 0, step; i < n; i += step) {
        step = utf8_length((const unsigned char *)text + i);
        if (step == 0 || (unsigned char)text[i] < 0x20 || text[i] == 0x7f) text[i] = '?', step = 1;
    }
    if (!cut) return;
    n = cap - 4;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    memcpy(text + n, "...", 4);
}

chunk_status chk_fail(chunk_error *err, chunk_status code, const char *fmt, ...)
{
    if (err == NULL) return code;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    err->code = code;
    err->column = 0;
    err->needed = 0;
    if (n < 0) err->text[0] = '\0';
    tidy_text(err->text, sizeof err->text, n >= (int)sizeof err->text);
    return code;
}

chunk_status chk_fail_errno(chunk_error *err, int errnum, const char *path, const char *what)
{
    chunk_status code = CHUNK_EFILE;
    if (errnum == ENOSPC || errnum == EDQUOT) code = CHUNK_ENOSPC;
    if (errnum == ENOMEM) code = CHUNK_ENOMEM;
    char buf[128];
    const char *why = strerror_r(errnum, buf, sizeof buf); /* GNU's, which is safe in threads and may not use buf */
    return chk_fail(err, code, "%s: %s: %s", path, what, why);
}

char *chk_bytes_text(char *buf, size_t size, uint64_t n_bytes)
{
    static const char *const unit[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (n_bytes < 1024) {
        snprintf(buf, size, "%d byte%s", (int)n_bytes, n_bytes == 1 ? "" : "s");
        return buf;
    }
    int u = 0;
    double x = (double)n_bytes / 1024;
    /* 1023.95 would print as 1024.0 */
    while (u < 5 && x >= 1023.95) x /= 1024, u++;
    char digits[32];
    snprintf(digits, sizeof digits, "%.1f", x);
    size_t len = strlen(digits);
    if (strcmp(digits + len - 2, ".0") == 0) digits[len - 2] = '\0';
    snprintf(buf, size, "%s %s", digits, unit[u]);
    return buf;
}
