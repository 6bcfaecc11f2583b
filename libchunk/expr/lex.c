/* lex.c: text to tokens: Python's spelling of names, numbers, strings and operators. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/text_internal.h"

int chk_text_column(const char *text, size_t at)
{
    int column = 1;
    for (size_t i = 0; i < at && text[i]; i++) column += (text[i] & 0xc0) != 0x80;
    return column;
}

chunk_status chk_fail_at(chunk_error *err, chunk_status code, const char *text, size_t at, const char *fmt, ...)
{
    char line[CHUNK_ERROR_TEXT];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    chk_fail(err, code, "%s", line);
    if (err) err->column = chk_text_column(text, at);
    return code;
}

/* Bytes of the UTF-8 character at s, 0 where it is none. Overlong forms and surrogates are none. */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
               (s[0] == 0xf4 && s[1] > 0x8f);
    return bad ? 0 : n;
}

chunk_status chk_lex_start(chk_lexer *l, const char *text, chunk_error *err)
{
    size_t n = strnlen(text, CHK_TEXT_MAX + 1);
    if (n > CHK_TEXT_MAX) return chk_fail(err, CHUNK_EPARSE, "expression is longer than %d bytes", CHK_TEXT_MAX);
    for (size_t i = 0; i < n;) {
        size_t k = utf8_length((const unsigned char *)text + i);
        if (!k) return chk_fail_at(err, CHUNK_EPARSE, text, i, "text is not UTF-8 here");
        i += k;
    }
    *l = (chk_lexer){.text = text, .n = n, .column = 1};
    return CHUNK_OK;
}

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    int lower = c | 32;
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

/* Digits of a base with single underscores between them; returns where they end. *bad where an underscore is out of place. */
static size_t skip_digits(const char *s, size_t at, int base, bool *bad)
{
    size_t start = at;
    for (; digit_of(s[at]) < base || s[at] == '_'; at++)
        if (s[at] == '_' && (digit_of(s[at + 1]) >= base || (at == start && base == 10))) *bad = true;
    return at;
}

static chunk_status bad_number(const chk_lexer *l, size_t at, size_t n, chunk_error *err)
{
    return chk_fail_at(err, CHUNK_EPARSE, l->text, at, "malformed number '%.*s'", (int)(n > 40 ? 40 : n), l->text + at);
}

static chunk_status read_int(chk_tok *t, chk_lexer *l, size_t digits, int base, chunk_error *err)
{
    unsigned __int128 v = 0;
    for (size_t i = digits; i < l->at; i++) {
        if (l->text[i] == '_') continue;
        v = v * (unsigned)base + (unsigned)digit_of(l->text[i]);
        if (v > UINT64_MAX) return chk_fail_at(err, CHUNK_EPARSE, l->text, t->at, "integer does not fit 64 bits");
    }
    t->kind = CHK_TOK_INT;
    t->u.u = (uint64_t)v;
    return CHUNK_OK;
}

/* strtod on a copy without underscores. */
static chunk_status read_float(chk_tok *t, const chk_lexer *l, chunk_error *err)
{
    char digits[400];
    size_t n = 0;
    for (size_t i = t->at; i < l->at; i++) {
        if (l->text[i] == '_') continue;
        if (n == sizeof digits - 1)
            return chk_fail_at(err, CHUNK_EPARSE, l->text, t->at, "number is longer than %zu digits", sizeof digits - 1);
        digits[n++] = l->text[i];
    }
    digits[n] = 0;
    t->kind = CHK_TOK_FLOAT;
    t->u.f = strtod(digits, NULL);
    return CHUNK_OK;
}

static chunk_status lex_number(chk_tok *t, chk_lexer *l, chunk_error *err)
{
    const char *s = l->text;
    size_t at = l->at;
    bool bad = false, real = false;
    int base = s[at] != '0' ? 10 : (s[at + 1] | 32) == 'x' ? 16 : (s[at + 1] | 32) == 'o' ? 8 : (s[at + 1] | 32) == 'b' ? 2 : 10;
    if (base != 10) {
        l->at = skip_digits(s, at + 2, base, &bad);
        if (bad || l->at == at + 2 || is_name(s[l->at]) || s[l->at] == '.') return bad_number(l, at, l->at - at + 1, err);
        return read_int(t, l, at + 2, base, err);
    }
    size_t end = skip_digits(s, at, 10, &bad), whole = end;
    if (s[end] == '.' && s[end + 1] == '.')
        end += s[end + 2] != '.'; /* "1..." is 1 and an ellipsis, "1.." a malformed number */
    else if (s[end] == '.')
        end = skip_digits(s, end + 1, 10, &bad);
    real = end > whole;
    size_t sign = end + 1 + (s[end] && (s[end + 1] == '+' || s[end + 1] == '-'));
    if ((s[end] | 32) == 'e' && isdigit((unsigned char)s[sign])) {
        end = skip_digits(s, sign, 10, &bad);
        real = true;
    }
    l->at = end;
    bool imaginary = (s[end] | 32) == 'j';
    size_t after = end + imaginary;
    if (bad || is_name(s[after]) || (real && s[after] == '.')) return bad_number(l, at, after - at + 1, err);
    if (!real && !imaginary) {
        bool zeros = strspn(s + at, "0_") >= whole - at;
        if (s[at] == '0' && !zeros)
            return chk_fail_at(err, CHUNK_EPARSE, s, at, "integers have no leading zeros; octal numbers begin with 0o");
        return read_int(t, l, at, 10, err);
    }
    CHK_TRY(read_float(t, l, err));
    if (imaginary) {
        t->kind = CHK_TOK_IMAG;
        l->at++;
    }
    return CHUNK_OK;
}

static chunk_status lex_string(chk_tok *t, chk_lexer *l, chunk_error *err)
{
    char quote = l->text[l->at++];
    while (l->at < l->n && l->text[l->at] != quote && l->text[l->at] != '\\' && l->text[l->at] != '\n') l->at++;
    if (l->at >= l->n || l->text[l->at] == '\n') return chk_fail_at(err, CHUNK_EPARSE, l->text, t->at, "string is not closed");
    if (l->text[l->at] == '\\') return chk_fail_at(err, CHUNK_EPARSE, l->text, l->at, "strings have no backslash escapes here");
    l->at++;
    t->kind = CHK_TOK_STRING;
    return CHUNK_OK;
}

static chunk_status lex_op(chk_tok *t, chk_lexer *l, chunk_error *err)
{
    static const char *const ops[] = {"...", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", ":=", "+", "-", "*", "/", "%", "@",
                                      "&",   "|",  "^",  "~",  "<",  ">",  "(",  ")",  "[",  "]",  ",", ":", ";", "=", "."};
    static const char *const foreign[][2] = {{"&&", "use & with parentheses: (a > 0) & (b > 0)"},
                                             {"||", "use | with parentheses: (a > 0) | (b > 0)"},
                                             {"<>", "use !="},
                                             {"!", "use ~ for not, != for unequal"},
                                             {"{", "braces have no meaning here"},
                                             {"?", "use where(condition, a, b)"},
                                             {"#", "comments have no place here"}};
    const char *s = l->text + l->at;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (!strncmp(s, foreign[i][0], strlen(foreign[i][0])) && strncmp(s, "!=", 2))
            return chk_fail_at(err, CHUNK_EPARSE, l->text, l->at, "'%s' is not an operator: %s", foreign[i][0], foreign[i][1]);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strncmp(s, ops[i], strlen(ops[i]))) continue;
        t->kind = CHK_TOK_OP;
        l->at += strlen(ops[i]);
        return CHUNK_OK;
    }
    if ((unsigned char)*s < 0x20 || *s == 0x7f)
        return chk_fail_at(err, CHUNK_EPARSE, l->text, l->at, "unexpected character 0x%02x", (unsigned char)*s);
    return chk_fail_at(err, CHUNK_EPARSE, l->text, l->at, "unexpected character '%.*s'", (int)utf8_length((const unsigned char *)s),
                       s);
}

chunk_status chk_lex_next(chk_tok *t, chk_lexer *l, chunk_error *err)
{
    while (l->at < l->n && strchr(" \t\r\n\f", l->text[l->at])) l->at++;
    for (; l->counted < l->at; l->counted++) l->column += (l->text[l->counted] & 0xc0) != 0x80;
    *t = (chk_tok){.kind = CHK_TOK_END, .at = l->at, .column = l->column};
    if (l->at >= l->n) return CHUNK_OK;
    if (++l->n_tokens > CHK_TEXT_TOKENS)
        return chk_fail_at(err, CHUNK_EPARSE, l->text, l->at, "expression has more than %d tokens", CHK_TEXT_TOKENS);
    char c = l->text[l->at];
    chunk_status st;
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)l->text[l->at + 1]))) {
        st = lex_number(t, l, err);
    } else if (c == '\'' || c == '"') {
        st = lex_string(t, l, err);
    } else if (isalpha((unsigned char)c) || c == '_') {
        while (is_name(l->text[l->at])) l->at++;
        t->kind = CHK_TOK_NAME;
        st = CHUNK_OK;
    } else {
        st = lex_op(t, l, err);
    }
    t->n = l->at - t->at;
    return st;
}
