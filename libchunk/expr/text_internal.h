/* text_internal.h: tokens, and the form that a parsed text has: instructions in postfix order, so that neither long chains nor deep trees
 * need recursion once the parser (bounded to 200 levels) is through. */
#ifndef CHK_TEXT_INTERNAL_H
#define CHK_TEXT_INTERNAL_H

#include "expr/internal.h"
#include "expr/text.h"

enum { CHK_TEXT_MAX = 1 << 20, CHK_TEXT_DEPTH = 200, CHK_TEXT_TOKENS = 100000 };

typedef enum chk_tok_kind {
    CHK_TOK_END,
    CHK_TOK_NAME,
    CHK_TOK_INT,
    CHK_TOK_FLOAT,
    CHK_TOK_IMAG,
    CHK_TOK_STRING,
    CHK_TOK_OP /* one to three characters: + ** // <= << == != := ... ( ) [ ] , : ; = . @ */
} chk_tok_kind;

typedef struct chk_tok {
    chk_tok_kind kind;
    size_t at, n; /* bytes of the text */
    int column;   /* 1-based, in characters */
    union {
        uint64_t u;
        double f;
    } u;
} chk_tok;

typedef struct chk_lexer {
    const char *text;
    size_t n, at, counted; /* bytes; up to `counted` characters are in `column` */
    int column, n_tokens;
} chk_lexer;

chunk_status chk_lex_start(chk_lexer *l, const char *text, chunk_error *err); /* checks length and UTF-8 */
chunk_status chk_lex_next(chk_tok *out, chk_lexer *l, chunk_error *err);
int chk_text_column(const char *text, size_t at); /* 1-based, in characters */
chunk_status chk_fail_at(chunk_error *err, chunk_status code, const char *text, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

typedef enum chk_code_kind {
    CHK_CODE_VALUE, /* push a number, string, None */
    CHK_CODE_NAME,  /* push what name is bound to */
    CHK_CODE_UNARY,
    CHK_CODE_BINARY,
    CHK_CODE_TUPLE, /* n items */
    CHK_CODE_LIST,  /* the tuple on top is a list */
    CHK_CODE_SLICE, /* start, stop, step (None where absent) */
    CHK_CODE_ELLIPSIS,
    CHK_CODE_INDEX,   /* array and n items */
    CHK_CODE_KEYWORD, /* the value on top is the argument called name */
    CHK_CODE_CALL,    /* function name on n arguments */
    CHK_CODE_ASSIGN,  /* name on n items and a value: name means the new version from here on */
    CHK_CODE_UNPACK,  /* a tuple of n items as n values, the first on top */
    CHK_CODE_END      /* of a statement: its value is on the stack */
} chk_code_kind;

typedef enum chk_binary {
    CHK_BIN_ADD,
    CHK_BIN_SUB,
    CHK_BIN_MUL,
    CHK_BIN_DIV,
    CHK_BIN_FLOORDIV,
    CHK_BIN_MOD,
    CHK_BIN_POW,
    CHK_BIN_MATMUL,
    CHK_BIN_AND,
    CHK_BIN_OR,
    CHK_BIN_XOR,
    CHK_BIN_SHL,
    CHK_BIN_SHR,
    CHK_BIN_EQ,
    CHK_BIN_NE,
    CHK_BIN_LT,
    CHK_BIN_LE,
    CHK_BIN_GT,
    CHK_BIN_GE,
    CHK_BIN_N
} chk_binary;
typedef enum chk_unary { CHK_UN_NEG, CHK_UN_POS, CHK_UN_INVERT } chk_unary;
extern const struct chk_binary_info {
    const char *sign, *op;
} chk_binaries[CHK_BIN_N]; /* "+", "add" */

typedef struct chk_code {
    chk_code_kind kind;
    int column;
    int n; /* items, arguments; which operator */
    const char *name;
    chk_value value;
} chk_code;

struct chk_text {
    chk_code *code;
    int n_code;
    chk_statement *statement;
    int n_statements;
    struct chk_text_name {
        const char *name;
        int column;
    } * name;
    int n_names;
    struct chk_string {
        struct chk_string *next;
        char s[];
    } * strings; /* names and literals */
};

/* Python's arithmetic on numbers (INT, FLOAT, COMPLEX, BOOL). False where an operand is no number. */
bool chk_number_is(const chk_value *v);
chunk_status chk_number_binary(chk_value *out, chk_binary op, const chk_value *a, const chk_value *b, chunk_error *err);
chunk_status chk_number_unary(chk_value *out, chk_unary op, const chk_value *a, chunk_error *err);

/* pi, e, inf, nan, True, None: constants that a name may shadow; and dtype names. */
bool chk_constant(chk_value *out, const char *name);
/* Tries them all, or dtypes alone, after whatever else may be meant. */
void chk_near_try_constants(chk_near *near, bool dtypes);
/* A word of Python that has no meaning in texts ("and"): what to write instead; NULL for all others. */
const char *chk_refused_word(const char *name, size_t n);

#endif
