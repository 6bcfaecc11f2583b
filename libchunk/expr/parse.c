/* parse.c: a text: its statements, and what a parsed one gives back. */
#include <string.h>

#include "base/alloc.h"
#include "expr/parser.h"

static chunk_status check_target(chk_parser *p, const chk_tok *name, const chk_symbol *y)
{
    static const char *const reserved[] = {"True", "False", "None", "newaxis"};
    const char *s = p->lex.text + name->at;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (!strcmp(y->s, reserved[i]))
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name->at, "%s cannot be given a value", y->s);
    if (chk_parser_is_function(p, s, name->n))
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name->at, "%s is a function; choose another name", y->s);
    if (y->defined) return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name->at, "%s is defined twice", y->s);
    return CHUNK_OK;
}

/* NAME[items] = EXPR, read up to the sign: the code of the index becomes one of an assignment. No result of its own. */
static chunk_status parse_assignment(chk_parser *p, const chk_tok *first, int start)
{
    chk_code *last = &p->t->code[p->t->n_code - 1];
    if (last->kind != CHK_CODE_INDEX || p->t->code[start].kind != CHK_CODE_NAME || last->n >= p->t->n_code - start)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at,
                           "'=' stands after one name, or after name[...], at the start of a statement; to compare, use ==");
    int n_items = last->n, column = last->column;
    p->t->n_code--;
    CHK_TRY(chk_parser_advance(p));
    CHK_TRY(chk_parse_expr(p, CHK_LEVEL_COMPARE));
    chk_tok at = *first;
    at.column = column;
    return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_ASSIGN, .n = n_items, .name = p->t->code[start].name}, &at);
}

enum { MOST_TARGETS = 64 };

/* What stands before the sign of a statement: names, with commas between them. */
typedef struct targets {
    int n;
    chk_tok tok[MOST_TARGETS];
    chk_symbol *symbol[MOST_TARGETS];
    bool keep;
} targets;

/* NAME =, NAME, NAME = and the same with :=. Nothing is read (n is 0) where none of these stands here. */
static chunk_status parse_targets(chk_parser *p, targets *t)
{
    chk_lexer before = p->lex;
    chk_tok first = p->tok;
    while (p->tok.kind == CHK_TOK_NAME && t->n < MOST_TARGETS) {
        t->tok[t->n++] = p->tok;
        CHK_TRY(chk_parser_advance(p));
        if (!chk_parser_at(p, ",")) break;
        CHK_TRY(chk_parser_advance(p));
    }
    t->keep = chk_parser_at(p, ":=");
    if (t->n == 0 || (!t->keep && !chk_parser_at(p, "="))) {
        p->lex = before;
        p->tok = first;
        t->n = 0;
        return CHUNK_OK;
    }
    for (int i = 0; i < t->n; i++) {
        if (!(t->symbol[i] = chk_parser_symbol(p, &t->tok[i]))) return chk_parser_no_memory(p);
        CHK_TRY(check_target(p, &t->tok[i], t->symbol[i]));
        for (int k = 0; k < i; k++)
            if (t->symbol[k] == t->symbol[i])
                return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, t->tok[i].at, "%s is defined twice", t->symbol[i]->s);
    }
    return chk_parser_advance(p);
}

static chunk_status end_statement(chk_parser *p, const chk_statement *stmt, const chk_tok *at)
{
    if (!chk_parser_room((void **)&p->t->statement, p->t->n_statements, sizeof *stmt)) return chk_parser_no_memory(p);
    p->t->statement[p->t->n_statements++] = *stmt;
    return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_END, .name = stmt->name}, at);
}

/* EXPR, NAME = EXPR, NAME := EXPR, NAME, NAME = EXPR or NAME[items] = EXPR */
static chunk_status parse_statement(chk_parser *p)
{
    targets t = {.n = 0};
    chk_tok first = p->tok;
    CHK_TRY(parse_targets(p, &t));
    int start = p->t->n_code;
    CHK_TRY(chk_parse_expr(p, CHK_LEVEL_COMPARE));
    if (!t.n && chk_parser_at(p, "=")) return parse_assignment(p, &first, start);
    if (!t.n) return end_statement(p, &(chk_statement){.column = first.column}, &first);
    if (t.n > 1) CHK_TRY(chk_parser_emit(p, (chk_code){.kind = CHK_CODE_UNPACK, .n = t.n}, &first));
    for (int i = 0; i < t.n; i++) {
        t.symbol[i]->defined = true;
        CHK_TRY(end_statement(p, &(chk_statement){.name = t.symbol[i]->s, .keep = t.keep, .column = t.tok[i].column}, &t.tok[i]));
    }
    return CHUNK_OK;
}

static chunk_status parse_text(chk_parser *p)
{
    CHK_TRY(chk_parser_advance(p));
    do {
        CHK_TRY(parse_statement(p));
        if (p->tok.kind == CHK_TOK_END) return CHUNK_OK;
        if (chk_parser_at(p, ","))
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "a comma here: separate results with ';'");
        if (chk_parser_at(p, "=") || chk_parser_at(p, ":="))
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at,
                               "'%.*s' stands after one name, at the start of a statement; to compare, use ==", (int)p->tok.n,
                               p->lex.text + p->tok.at);
        if (!chk_parser_at(p, ";")) return chk_parser_fail(p, "an operator or the end");
        CHK_TRY(chk_parser_advance(p));
    } while (p->tok.kind != CHK_TOK_END);
    return CHUNK_OK;
}

chunk_status chk_text_parse(chk_text **out, const chk_builder *b, const char *text, chunk_error *err)
{
    chk_parser p = {.b = b, .err = err};
    CHK_TRY(chk_lex_start(&p.lex, text, err));
    p.t = chk_calloc(1, sizeof *p.t);
    if (!p.t) return chk_parser_no_memory(&p);
    chunk_status st = parse_text(&p);
    for (int i = 0; i < CHK_PARSER_BUCKETS; i++) {
        for (chk_symbol *y = p.bucket[i], *next; y; y = next) {
            next = y->next;
            chk_free(y);
        }
    }
    if (st == CHUNK_OK)
        *out = p.t;
    else
        chk_text_free(p.t);
    return st;
}

void chk_text_free(chk_text *t)
{
    if (!t) return;
    for (struct chk_string *s = t->strings, *next; s; s = next) {
        next = s->next;
        chk_free(s);
    }
    chk_free(t->code);
    chk_free(t->statement);
    chk_free(t->name);
    chk_free(t);
}

int chk_text_n_statements(const chk_text *t) { return t->n_statements; }
chk_statement chk_text_statement(const chk_text *t, int i) { return t->statement[i]; }
int chk_text_n_names(const chk_text *t) { return t->n_names; }

const char *chk_text_name(const chk_text *t, int i, int *column)
{
    if (column) *column = t->name[i].column;
    return t->name[i].name;
}
