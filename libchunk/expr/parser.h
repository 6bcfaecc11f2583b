/* parser.h: what the files of the text parser share: the text being read, one token ahead, and the code made so far. (Private to parse*.c.) */
#ifndef CHK_PARSER_H
#define CHK_PARSER_H

#include "expr/text_internal.h"

enum { CHK_LEVEL_COMPARE = 1, CHK_LEVEL_SIGN = 9, CHK_PARSER_BUCKETS = 256 };

/* A name of the text, once. */
typedef struct chk_symbol {
    struct chk_symbol *next;
    bool listed, defined; /* among the free names; by an earlier statement */
    size_t n;
    const char *s;
} chk_symbol;

typedef struct chk_parser {
    chk_lexer lex;
    chk_tok tok;
    const chk_builder *b;
    chk_text *t;
    int depth;
    chk_symbol *bucket[CHK_PARSER_BUCKETS];
    chunk_error *err;
} chk_parser;

/* Errors at the current token ("expected ..., got ..."), and the one of memory. */
chunk_status chk_parser_fail(chk_parser *p, const char *what);
chunk_status chk_parser_no_memory(chk_parser *p);
/* The next token; whether the current one is this sign, this word; past this sign. */
chunk_status chk_parser_advance(chk_parser *p);
bool chk_parser_at(const chk_parser *p, const char *sign);
bool chk_parser_at_word(const chk_parser *p, const char *word);
chunk_status chk_parser_expect(chk_parser *p, const char *sign);
/* Room for one more element of a growing array of n. */
bool chk_parser_room(void **array, int n, size_t item);
/* Adds code that came from tok. */
chunk_status chk_parser_emit(chk_parser *p, chk_code code, const chk_tok *tok);
/* A copy that lives as long as the text; the entry of a name. NULL without memory. */
const char *chk_parser_string(chk_parser *p, const char *s, size_t n);
chk_symbol *chk_parser_symbol(chk_parser *p, const chk_tok *tok);
bool chk_parser_is_function(const chk_parser *p, const char *s, size_t n);

/* Operators of `level` and tighter (parse_expr.c). */
chunk_status chk_parse_expr(chk_parser *p, int level);
/* A name, or a call; words of Python that have no meaning here are refused, as are attributes (parse_name.c). */
chunk_status chk_parse_name(chk_parser *p);
chunk_status chk_parse_word(chk_parser *p);
chunk_status chk_parse_attribute(chk_parser *p);

#endif
