/* parser.c: the parser's tokens, its growing code, and its table of names. */
#include "expr/parser.h"

#include <string.h>

#include "base/alloc.h"

chunk_status chk_parser_fail(chk_parser *p, const char *what)
{
    const char *s = p->lex.text + p->tok.at;
    if (p->tok.kind == CHK_TOK_END)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "expected %s, but the text ends", what);
    return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "expected %s, got '%.*s'", what,
                       (int)(p->tok.n > 40 ? 40 : p->tok.n), s);
}

chunk_status chk_parser_no_memory(chk_parser *p)
{
    return chk_fail(p->err, CHUNK_ENOMEM, "out of memory while parsing an expression");
}
chunk_status chk_parser_advance(chk_parser *p) { return chk_lex_next(&p->tok, &p->lex, p->err); }

bool chk_parser_at(const chk_parser *p, const char *sign)
{
    return p->tok.kind == CHK_TOK_OP && p->tok.n == strlen(sign) && !memcmp(p->lex.text + p->tok.at, sign, p->tok.n);
}

bool chk_parser_at_word(const chk_parser *p, const char *word)
{
    return p->tok.kind == CHK_TOK_NAME && p->tok.n == strlen(word) && !memcmp(p->lex.text + p->tok.at, word, p->tok.n);
}

chunk_status chk_parser_expect(chk_parser *p, const char *sign)
{
    char quoted[8] = {'\'', sign[0], '\''};
    return chk_parser_at(p, sign) ? chk_parser_advance(p) : chk_parser_fail(p, quoted);
}

/* Room for one more element of a growing array. */
bool chk_parser_room(void **array, int n, size_t item)
{
    if (n & (n - 1) || (n && n < 16)) return true;
    void *q = chk_realloc(*array, (size_t)(n < 16 ? 16 : n * 2) * item);
    if (q) *array = q;
    return q != NULL;
}

chunk_status chk_parser_emit(chk_parser *p, chk_code code, const chk_tok *tok)
{
    if (!chk_parser_room((void **)&p->t->code, p->t->n_code, sizeof code)) return chk_parser_no_memory(p);
    code.column = code.value.column = tok->column;
    p->t->code[p->t->n_code++] = code;
    return CHUNK_OK;
}

const char *chk_parser_string(chk_parser *p, const char *s, size_t n)
{
    struct chk_string *c = chk_malloc(sizeof *c + n + 1);
    if (!c) return NULL;
    memcpy(c->s, s, n);
    c->s[n] = 0;
    c->next = p->t->strings;
    p->t->strings = c;
    return c->s;
}

chk_symbol *chk_parser_symbol(chk_parser *p, const chk_tok *tok)
{
    const char *s = p->lex.text + tok->at;
    unsigned h = 5381;
    for (size_t i = 0; i < tok->n; i++) h = h * 33 + (unsigned char)s[i];
    chk_symbol **at = &p->bucket[h % CHK_PARSER_BUCKETS];
    for (chk_symbol *y = *at; y; y = y->next)
        if (y->n == tok->n && !memcmp(y->s, s, y->n)) return y;
    chk_symbol *y = chk_calloc(1, sizeof *y);
    const char *kept = y ? chk_parser_string(p, s, tok->n) : NULL;
    if (!kept) {
        chk_free(y);
        return NULL;
    }
    *y = (chk_symbol){.next = *at, .n = tok->n, .s = kept};
    return *at = y;
}

bool chk_parser_is_function(const chk_parser *p, const char *s, size_t n)
{
    return chk_builder_find(p->b, s, n) || chk_builder_find_user(p->b, s, n);
}
