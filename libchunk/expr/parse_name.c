/* parse_name.c: names and calls. What Python allows and arrays cannot do (and, or, not, attributes) is refused with the form to use. */
#include <string.h>

#include "expr/parser.h"

static chunk_status unknown_function(chk_parser *p, const chk_tok *name)
{
    const char *s = p->lex.text + name->at;
    int n = (int)(name->n > 40 ? 40 : name->n);
    chk_dtype d;
    if (chk_dtype_parse(&d, s, name->n))
        return chk_fail_at(p->err, CHUNK_ENAME, p->lex.text, name->at, "%.*s is a dtype, not a function: write astype(x, %s)", n, s,
                           chk_dtype_name(d));
    const char *near = chk_builder_nearest(p->b, s, name->n);
    return chk_fail_at(p->err, CHUNK_ENAME, p->lex.text, name->at, "unknown function '%.*s'%s%s%s", n, s,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* One argument: pushes its value. *keyword is NULL for a positional one, *literal for all but a quoted string. */
static chunk_status parse_argument(chk_parser *p, const char **keyword, const char **literal, bool after_keyword)
{
    chk_lexer before = p->lex;
    chk_tok tok = p->tok;
    *keyword = NULL;
    if (tok.kind == CHK_TOK_NAME) {
        CHK_TRY(chk_parser_advance(p));
        if (chk_parser_at(p, "=")) {
            CHK_TRY(chk_parser_advance(p));
            if (!(*keyword = chk_parser_string(p, p->lex.text + tok.at, tok.n))) return chk_parser_no_memory(p);
        } else {
            p->lex = before;
            p->tok = tok;
        }
    }
    if (!*keyword && after_keyword)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, tok.at, "positional argument after a keyword argument");
    int start = p->t->n_code;
    CHK_TRY(chk_parse_expr(p, CHK_LEVEL_COMPARE));
    const chk_code *code = &p->t->code[start];
    bool quoted = p->t->n_code == start + 1 && code->kind == CHK_CODE_VALUE && code->value.kind == CHK_VAL_STRING;
    *literal = quoted ? code->value.u.s : NULL;
    return *keyword ? chk_parser_emit(p, (chk_code){.kind = CHK_CODE_KEYWORD, .name = *keyword}, &tok) : CHUNK_OK;
}

/* NAME ( arguments ), the name being read. More arguments than any operation has are counted but not kept. */
static chunk_status parse_call(chk_parser *p, const chk_tok *name)
{
    const char *s = p->lex.text + name->at;
    const chk_op *op = chk_builder_find(p->b, s, name->n);
    const chk_user_op *user = op ? NULL : chk_builder_find_user(p->b, s, name->n);
    if (!op && !user) return unknown_function(p, name);
    const char *keyword[CHK_MAX_ARGS + 1] = {NULL}, *literal[CHK_MAX_ARGS + 1] = {NULL}, *extra = NULL, *unused;
    int n = 0;
    CHK_TRY(chk_parser_advance(p));
    while (!chk_parser_at(p, ")")) {
        const char **slot = n <= CHK_MAX_ARGS ? &keyword[n] : &extra;
        bool after_keyword = n > 0 && (n <= CHK_MAX_ARGS ? keyword[n - 1] : extra) != NULL;
        CHK_TRY(parse_argument(p, slot, n <= CHK_MAX_ARGS ? &literal[n] : &unused, after_keyword));
        n++;
        if (!chk_parser_at(p, ",")) break;
        CHK_TRY(chk_parser_advance(p));
    }
    CHK_TRY(chk_parser_expect(p, ")"));
    chunk_status st = n > CHK_MAX_ARGS + 1 ? chk_fail(p->err, CHUNK_EINVAL, "%.*s: too many arguments: %d", (int)name->n, s, n)
                      : op                 ? chk_op_check(op, keyword, literal, n, p->err)
                                           : chk_user_check(user, keyword, n, p->err);
    if (st != CHUNK_OK) {
        if (p->err) p->err->column = name->column;
        return st;
    }
    const char *kept = chk_parser_string(p, s, name->n);
    return kept ? chk_parser_emit(p, (chk_code){.kind = CHK_CODE_CALL, .n = n, .name = kept}, name) : chk_parser_no_memory(p);
}

const char *chk_refused_word(const char *name, size_t n)
{
    static const char *const words[][2] = {
        {"and", "use & with parentheses: (a > 0) & (b > 0)"},
        {"or", "use | with parentheses: (a > 0) | (b > 0)"},
        {"not", "use ~"},
        {"if", "use where(condition, a, b)"},
        {"else", "use where(condition, a, b)"},
        {"is", "use =="},
        {"in", "it has no meaning for arrays"},
        {"lambda", "this is not a programming language"},
        {"for", "operations work on whole arrays"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == n && !memcmp(words[i][0], name, n)) return words[i][1];
    return NULL;
}

chunk_status chk_parse_word(chk_parser *p)
{
    const char *hint = p->tok.kind == CHK_TOK_NAME ? chk_refused_word(p->lex.text + p->tok.at, p->tok.n) : NULL;
    return hint ? chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "'%.*s' is not available: %s", (int)p->tok.n,
                              p->lex.text + p->tok.at, hint)
                : CHUNK_OK;
}

static chunk_status list_name(chk_parser *p, chk_symbol *y, int column)
{
    chk_value ignored;
    if (y->listed || y->defined || chk_constant(&ignored, y->s)) return CHUNK_OK;
    if (!chk_parser_room((void **)&p->t->name, p->t->n_names, sizeof *p->t->name)) return chk_parser_no_memory(p);
    p->t->name[p->t->n_names++] = (struct chk_text_name){y->s, column};
    y->listed = true;
    return CHUNK_OK;
}

chunk_status chk_parse_name(chk_parser *p)
{
    CHK_TRY(chk_parse_word(p));
    chk_tok name = p->tok;
    CHK_TRY(chk_parser_advance(p));
    if (chk_parser_at(p, "(")) return parse_call(p, &name);
    const char *s = p->lex.text + name.at;
    bool module = (name.n == 2 && !memcmp(s, "np", 2)) || (name.n == 5 && !memcmp(s, "numpy", 5));
    if (module && chk_parser_at(p, "."))
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name.at,
                           "functions are written without a module: sin(x), not %.*s.sin(x)", (int)name.n, s);
    const chk_user_op *user = chk_builder_find_user(p->b, s, name.n);
    if (user && chk_user_is_block(&user->block)) { /* as an argument of map_blocks and its like */
        chk_value v = {.kind = CHK_VAL_STRING, .u.s = chk_parser_string(p, s, name.n)};
        if (!v.u.s) return chk_parser_no_memory(p);
        return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_VALUE, .value = v}, &name);
    }
    if (chk_parser_is_function(p, s, name.n))
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name.at, "%.*s is a function: write %.*s(...)", (int)name.n, s,
                           (int)name.n, s);
    chk_symbol *y = chk_parser_symbol(p, &name);
    if (!y) return chk_parser_no_memory(p);
    CHK_TRY(list_name(p, y, name.column));
    return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_NAME, .name = y->s}, &name);
}

chunk_status chk_parse_attribute(chk_parser *p)
{
    size_t dot = p->tok.at;
    CHK_TRY(chk_parser_advance(p));
    if (p->tok.kind != CHK_TOK_NAME) return chk_parser_fail(p, "a name after '.'");
    const char *s = p->lex.text + p->tok.at;
    int n = (int)(p->tok.n > 40 ? 40 : p->tok.n);
    const char *call = n == 1 && *s == 'T' ? "permute_dims" : n == 2 && !memcmp(s, "mT", 2) ? "matrix_transpose" : NULL;
    if (call) {
        chk_tok name = p->tok;
        CHK_TRY(chk_parser_advance(p));
        return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_CALL, .n = 1, .name = call}, &name);
    }
    bool known = chk_parser_is_function(p, s, p->tok.n);
    return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, dot, "there are no attributes here%s%.*s%s", known ? ": write " : " (", n,
                       s, known ? "(x)" : ")");
}
