/* parse.c: tokens to postfix code, by precedence climbing with Python's levels. What Python allows and arrays cannot do (chained
 * comparisons, and, or, not, attributes) is refused with the form to use. */
#include <string.h>

#include "base/alloc.h"
#include "expr/text_internal.h"

const struct chk_binary_info chk_binaries[CHK_BIN_N] = {
    {"+", "add"},
    {"-", "subtract"},
    {"*", "multiply"},
    {"/", "divide"},
    {"//", "floor_divide"},
    {"%", "remainder"},
    {"**", "pow"},
    {"@", "matmul"},
    {"&", "bitwise_and"},
    {"|", "bitwise_or"},
    {"^", "bitwise_xor"},
    {"<<", "bitwise_left_shift"},
    {">>", "bitwise_right_shift"},
    {"==", "equal"},
    {"!=", "not_equal"},
    {"<", "less"},
    {"<=", "less_equal"},
    {">", "greater"},
    {">=", "greater_equal"},
};

enum { LEVEL_COMPARE = 1, LEVEL_SIGN = 9, N_BUCKETS = 256 };
static const char levels[CHK_BIN_N] = {6, 6, 7, 7, 7, 7, LEVEL_SIGN, 7, 4, 2, 3, 5, 5, 1, 1, 1, 1, 1, 1};

/* A name of the text, once. */
struct symbol {
    struct symbol *next;
    bool listed, defined; /* among the free names; by an earlier statement */
    size_t n;
    const char *s;
};

typedef struct parser {
    chk_lexer lex;
    chk_tok tok;
    const chk_builder *b;
    chk_text *t;
    int depth;
    struct symbol *bucket[N_BUCKETS];
    chunk_error *err;
} parser;

static chunk_status parse_expr(parser *p, int level);

static chunk_status fail_here(parser *p, const char *what)
{
    const char *s = p->lex.text + p->tok.at;
    if (p->tok.kind == CHK_TOK_END)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "expected %s, but the text ends", what);
    return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "expected %s, got '%.*s'", what,
                       (int)(p->tok.n > 40 ? 40 : p->tok.n), s);
}

static chunk_status no_memory(parser *p) { return chk_fail(p->err, CHUNK_ENOMEM, "out of memory while parsing an expression"); }
static chunk_status advance(parser *p) { return chk_lex_next(&p->tok, &p->lex, p->err); }

static bool is_op(const parser *p, const char *sign)
{
    return p->tok.kind == CHK_TOK_OP && p->tok.n == strlen(sign) && !memcmp(p->lex.text + p->tok.at, sign, p->tok.n);
}

static bool is_word(const parser *p, const char *word)
{
    return p->tok.kind == CHK_TOK_NAME && p->tok.n == strlen(word) && !memcmp(p->lex.text + p->tok.at, word, p->tok.n);
}

static chunk_status expect(parser *p, const char *sign)
{
    char quoted[8] = {'\'', sign[0], '\''};
    return is_op(p, sign) ? advance(p) : fail_here(p, quoted);
}

/* Room for one more element of a growing array. */
static bool room(void **array, int n, size_t item)
{
    if (n & (n - 1) || (n && n < 16)) return true;
    void *q = chk_realloc(*array, (size_t)(n < 16 ? 16 : n * 2) * item);
    if (q) *array = q;
    return q != NULL;
}

static chunk_status emit(parser *p, chk_code code, const chk_tok *tok)
{
    if (!room((void **)&p->t->code, p->t->n_code, sizeof code)) return no_memory(p);
    code.column = code.value.column = tok->column;
    p->t->code[p->t->n_code++] = code;
    return CHUNK_OK;
}

static const char *keep_string(parser *p, const char *s, size_t n)
{
    struct chk_string *c = chk_malloc(sizeof *c + n + 1);
    if (!c) return NULL;
    memcpy(c->s, s, n);
    c->s[n] = 0;
    c->next = p->t->strings;
    p->t->strings = c;
    return c->s;
}

static struct symbol *find_symbol(parser *p, const chk_tok *tok)
{
    const char *s = p->lex.text + tok->at;
    unsigned h = 5381;
    for (size_t i = 0; i < tok->n; i++) h = h * 33 + (unsigned char)s[i];
    struct symbol **at = &p->bucket[h % N_BUCKETS];
    for (struct symbol *y = *at; y; y = y->next)
        if (y->n == tok->n && !memcmp(y->s, s, y->n)) return y;
    struct symbol *y = chk_calloc(1, sizeof *y);
    const char *kept = y ? keep_string(p, s, tok->n) : NULL;
    if (!kept) {
        chk_free(y);
        return NULL;
    }
    *y = (struct symbol){.next = *at, .n = tok->n, .s = kept};
    return *at = y;
}

static bool is_function(const parser *p, const char *s, size_t n)
{
    return chk_builder_find(p->b, s, n) || chk_builder_find_user(p->b, s, n);
}

static chunk_status unknown_function(parser *p, const chk_tok *name)
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

/* One argument: pushes its value. *keyword is NULL for a positional one. */
static chunk_status parse_argument(parser *p, const char **keyword, bool after_keyword)
{
    chk_lexer before = p->lex;
    chk_tok tok = p->tok;
    *keyword = NULL;
    if (tok.kind == CHK_TOK_NAME) {
        CHK_TRY(advance(p));
        if (is_op(p, "=")) {
            CHK_TRY(advance(p));
            if (!(*keyword = keep_string(p, p->lex.text + tok.at, tok.n))) return no_memory(p);
        } else {
            p->lex = before;
            p->tok = tok;
        }
    }
    if (!*keyword && after_keyword)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, tok.at, "positional argument after a keyword argument");
    CHK_TRY(parse_expr(p, LEVEL_COMPARE));
    return *keyword ? emit(p, (chk_code){.kind = CHK_CODE_KEYWORD, .name = *keyword}, &tok) : CHUNK_OK;
}

/* NAME ( arguments ), the name being read. More arguments than any operation has are counted but not kept. */
static chunk_status parse_call(parser *p, const chk_tok *name)
{
    const char *s = p->lex.text + name->at;
    const chk_op *op = chk_builder_find(p->b, s, name->n);
    const chk_user_op *user = op ? NULL : chk_builder_find_user(p->b, s, name->n);
    if (!op && !user) return unknown_function(p, name);
    const char *keyword[CHK_MAX_PARAMS + 1] = {NULL}, *extra = NULL;
    int n = 0;
    CHK_TRY(advance(p));
    while (!is_op(p, ")")) {
        const char **slot = n <= CHK_MAX_PARAMS ? &keyword[n] : &extra;
        bool after_keyword = n > 0 && (n <= CHK_MAX_PARAMS ? keyword[n - 1] : extra) != NULL;
        CHK_TRY(parse_argument(p, slot, after_keyword));
        n++;
        if (!is_op(p, ",")) break;
        CHK_TRY(advance(p));
    }
    CHK_TRY(expect(p, ")"));
    chunk_status st = n > CHK_MAX_PARAMS + 1 ? chk_fail(p->err, CHUNK_EINVAL, "%.*s: too many arguments: %d", (int)name->n, s, n)
                      : op                   ? chk_op_check(op, keyword, n, p->err)
                                             : chk_user_check(user, keyword, n, p->err);
    if (st != CHUNK_OK) {
        if (p->err) p->err->column = name->column;
        return st;
    }
    const char *kept = keep_string(p, s, name->n);
    return kept ? emit(p, (chk_code){.kind = CHK_CODE_CALL, .n = n, .name = kept}, name) : no_memory(p);
}

static const char *refused_word(const parser *p)
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
        if (is_word(p, words[i][0])) return words[i][1];
    return NULL;
}

static chunk_status check_word(parser *p)
{
    const char *hint = p->tok.kind == CHK_TOK_NAME ? refused_word(p) : NULL;
    return hint ? chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "'%.*s' is not available: %s", (int)p->tok.n,
                              p->lex.text + p->tok.at, hint)
                : CHUNK_OK;
}

static chunk_status list_name(parser *p, struct symbol *y, int column)
{
    chk_value ignored;
    if (y->listed || y->defined || chk_constant(&ignored, y->s)) return CHUNK_OK;
    if (!room((void **)&p->t->name, p->t->n_names, sizeof *p->t->name)) return no_memory(p);
    p->t->name[p->t->n_names++] = (struct chk_text_name){y->s, column};
    y->listed = true;
    return CHUNK_OK;
}

static chunk_status parse_name(parser *p)
{
    CHK_TRY(check_word(p));
    chk_tok name = p->tok;
    CHK_TRY(advance(p));
    if (is_op(p, "(")) return parse_call(p, &name);
    const char *s = p->lex.text + name.at;
    bool module = (name.n == 2 && !memcmp(s, "np", 2)) || (name.n == 5 && !memcmp(s, "numpy", 5));
    if (module && is_op(p, "."))
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name.at,
                           "functions are written without a module: sin(x), not %.*s.sin(x)", (int)name.n, s);
    if (is_function(p, s, name.n))
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name.at, "%.*s is a function: write %.*s(...)", (int)name.n, s,
                           (int)name.n, s);
    struct symbol *y = find_symbol(p, &name);
    if (!y) return no_memory(p);
    CHK_TRY(list_name(p, y, name.column));
    return emit(p, (chk_code){.kind = CHK_CODE_NAME, .name = y->s}, &name);
}

static chunk_status parse_literal(parser *p)
{
    chk_code code = {.kind = CHK_CODE_VALUE};
    chk_tok tok = p->tok;
    switch (tok.kind) {
    case CHK_TOK_INT:
        code.value.kind = CHK_VAL_INT;
        code.value.u.i.big = tok.u.u > INT64_MAX;
        code.value.u.i.i = code.value.u.i.big ? 0 : (int64_t)tok.u.u;
        code.value.u.i.u = tok.u.u;
        break;
    case CHK_TOK_FLOAT:
        code.value.kind = CHK_VAL_FLOAT;
        code.value.u.f = tok.u.f;
        break;
    case CHK_TOK_IMAG:
        code.value.kind = CHK_VAL_COMPLEX;
        code.value.u.c[1] = tok.u.f;
        break;
    default:
        code.value.kind = CHK_VAL_STRING;
        if (!(code.value.u.s = keep_string(p, p->lex.text + tok.at + 1, tok.n - 2))) return no_memory(p);
        break;
    }
    CHK_TRY(advance(p));
    return emit(p, code, &tok);
}

/* ( expr ), (a, b), (a,), () */
static chunk_status parse_group(parser *p)
{
    chk_tok open = p->tok;
    int n = 0;
    bool comma = false;
    CHK_TRY(advance(p));
    while (!is_op(p, ")")) {
        CHK_TRY(parse_expr(p, LEVEL_COMPARE));
        n++;
        if (!is_op(p, ",")) break;
        comma = true;
        CHK_TRY(advance(p));
    }
    if (!is_op(p, ")")) return fail_here(p, "')'");
    CHK_TRY(advance(p));
    return n == 1 && !comma ? CHUNK_OK : emit(p, (chk_code){.kind = CHK_CODE_TUPLE, .n = n}, &open);
}

static chunk_status parse_atom(parser *p)
{
    if (p->tok.kind == CHK_TOK_NAME) return parse_name(p);
    if (is_op(p, "(")) return parse_group(p);
    if (is_op(p, "...")) return fail_here(p, "a value (an ellipsis stands in brackets only)");
    if (is_op(p, "[")) return fail_here(p, "a value (tuples are written with parentheses)");
    if (p->tok.kind == CHK_TOK_END || p->tok.kind == CHK_TOK_OP) return fail_here(p, "a value");
    return parse_literal(p);
}

/* One part of a slice, None where it is absent. */
static chunk_status parse_bound(parser *p, const chk_tok *at)
{
    if (is_op(p, ":") || is_op(p, ",") || is_op(p, "]"))
        return emit(p, (chk_code){.kind = CHK_CODE_VALUE, .value = {.kind = CHK_VAL_NONE}}, at);
    return parse_expr(p, LEVEL_COMPARE);
}

static chunk_status parse_item(parser *p)
{
    chk_tok tok = p->tok;
    if (is_op(p, "...")) {
        CHK_TRY(advance(p));
        return emit(p, (chk_code){.kind = CHK_CODE_ELLIPSIS}, &tok);
    }
    if (is_op(p, "]") || is_op(p, ",")) return fail_here(p, "an index");
    CHK_TRY(parse_bound(p, &tok));
    if (!is_op(p, ":")) return CHUNK_OK;
    CHK_TRY(advance(p));
    CHK_TRY(parse_bound(p, &tok));
    if (is_op(p, ":")) CHK_TRY(advance(p));
    CHK_TRY(parse_bound(p, &tok));
    return emit(p, (chk_code){.kind = CHK_CODE_SLICE}, &tok);
}

static chunk_status parse_index(parser *p)
{
    chk_tok open = p->tok;
    int n = 0;
    CHK_TRY(advance(p));
    do {
        CHK_TRY(parse_item(p));
        n++;
        if (!is_op(p, ",")) break;
        CHK_TRY(advance(p));
    } while (!is_op(p, "]"));
    if (!is_op(p, "]")) return fail_here(p, "']'");
    CHK_TRY(advance(p));
    return emit(p, (chk_code){.kind = CHK_CODE_INDEX, .n = n}, &open);
}

static chunk_status refuse_attribute(parser *p)
{
    size_t dot = p->tok.at;
    CHK_TRY(advance(p));
    if (p->tok.kind != CHK_TOK_NAME) return fail_here(p, "a name after '.'");
    const char *s = p->lex.text + p->tok.at;
    int n = (int)(p->tok.n > 40 ? 40 : p->tok.n);
    if (n == 1 && *s == 'T')
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, dot, "there are no attributes here: write permute_dims(x) for x.T");
    bool known = is_function(p, s, p->tok.n);
    return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, dot, "there are no attributes here%s%.*s%s", known ? ": write " : " (", n,
                       s, known ? "(x)" : ")");
}

static chunk_status parse_postfix(parser *p)
{
    CHK_TRY(parse_atom(p));
    for (;;) {
        if (is_op(p, "["))
            CHK_TRY(parse_index(p));
        else if (is_op(p, "."))
            return refuse_attribute(p);
        else if (is_op(p, "("))
            return fail_here(p, "an operator (only functions are called)");
        else
            return CHUNK_OK;
    }
}

static chunk_status parse_operand(parser *p)
{
    chk_tok tok = p->tok;
    bool minus = is_op(p, "-"), plus = is_op(p, "+"), invert = is_op(p, "~");
    if (minus || plus || invert) {
        CHK_TRY(advance(p));
        CHK_TRY(parse_expr(p, LEVEL_SIGN));
        return emit(p, (chk_code){.kind = CHK_CODE_UNARY, .n = minus ? CHK_UN_NEG : plus ? CHK_UN_POS : CHK_UN_INVERT}, &tok);
    }
    CHK_TRY(parse_postfix(p));
    if (!is_op(p, "**")) return CHUNK_OK;
    tok = p->tok; /* binds tighter than a sign on its left, looser than one on its right */
    CHK_TRY(advance(p));
    CHK_TRY(parse_expr(p, LEVEL_SIGN));
    return emit(p, (chk_code){.kind = CHK_CODE_BINARY, .n = CHK_BIN_POW}, &tok);
}

/* The binary operator here, CHK_BIN_N where there is none. */
static chk_binary binary_here(const parser *p)
{
    int i = 0;
    while (i < CHK_BIN_N && !is_op(p, chk_binaries[i].sign)) i++;
    return (chk_binary)i;
}

/* Operators of `level` and tighter. */
static chunk_status parse_expr(parser *p, int level)
{
    /* Brackets and signs nest; the right sides of operators, at most one a level, do not count. */
    bool nests = level == LEVEL_COMPARE || level == LEVEL_SIGN;
    if (nests && ++p->depth > CHK_TEXT_DEPTH)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "expression is nested more than %d levels deep",
                           CHK_TEXT_DEPTH);
    CHK_TRY(parse_operand(p));
    bool compared = false;
    for (;;) {
        CHK_TRY(check_word(p));
        chk_tok tok = p->tok;
        chk_binary op = binary_here(p);
        if (op == CHK_BIN_N || op == CHK_BIN_POW || levels[op] < level) break;
        if (levels[op] == LEVEL_COMPARE && compared)
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, tok.at, "comparisons cannot be chained: write (a < b) & (b < c)");
        compared |= levels[op] == LEVEL_COMPARE;
        CHK_TRY(advance(p));
        CHK_TRY(parse_expr(p, levels[op] + 1));
        CHK_TRY(emit(p, (chk_code){.kind = CHK_CODE_BINARY, .n = op}, &tok));
    }
    p->depth -= nests;
    return CHUNK_OK;
}

static chunk_status check_target(parser *p, const chk_tok *name, const struct symbol *y)
{
    static const char *const reserved[] = {"True", "False", "None", "newaxis"};
    const char *s = p->lex.text + name->at;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (!strcmp(y->s, reserved[i]))
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name->at, "%s cannot be given a value", y->s);
    if (is_function(p, s, name->n))
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name->at, "%s is a function; choose another name", y->s);
    if (y->defined) return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, name->at, "%s is defined twice", y->s);
    return CHUNK_OK;
}

/* EXPR, NAME = EXPR or NAME := EXPR */
static chunk_status parse_statement(parser *p)
{
    chk_statement stmt = {.column = p->tok.column};
    struct symbol *target = NULL;
    chk_lexer before = p->lex;
    chk_tok first = p->tok;
    if (first.kind == CHK_TOK_NAME) {
        CHK_TRY(advance(p));
        stmt.keep = is_op(p, ":=");
        if (stmt.keep || is_op(p, "=")) {
            if (!(target = find_symbol(p, &first))) return no_memory(p);
            CHK_TRY(check_target(p, &first, target));
            stmt.name = target->s;
            CHK_TRY(advance(p));
        } else {
            p->lex = before;
            p->tok = first;
        }
    }
    CHK_TRY(parse_expr(p, LEVEL_COMPARE));
    if (target) target->defined = true;
    if (!room((void **)&p->t->statement, p->t->n_statements, sizeof stmt)) return no_memory(p);
    p->t->statement[p->t->n_statements++] = stmt;
    return emit(p, (chk_code){.kind = CHK_CODE_END, .name = stmt.name}, &first);
}

static chunk_status parse_text(parser *p)
{
    CHK_TRY(advance(p));
    do {
        CHK_TRY(parse_statement(p));
        if (p->tok.kind == CHK_TOK_END) return CHUNK_OK;
        if (is_op(p, ","))
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "a comma here: separate results with ';'");
        if (is_op(p, "=") || is_op(p, ":="))
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at,
                               "'%.*s' stands after one name, at the start of a statement; to compare, use ==", (int)p->tok.n,
                               p->lex.text + p->tok.at);
        if (!is_op(p, ";")) return fail_here(p, "an operator or the end");
        CHK_TRY(advance(p));
    } while (p->tok.kind != CHK_TOK_END);
    return CHUNK_OK;
}

chunk_status chk_text_parse(chk_text **out, const chk_builder *b, const char *text, chunk_error *err)
{
    parser p = {.b = b, .err = err};
    CHK_TRY(chk_lex_start(&p.lex, text, err));
    p.t = chk_calloc(1, sizeof *p.t);
    if (!p.t) return no_memory(&p);
    chunk_status st = parse_text(&p);
    for (int i = 0; i < N_BUCKETS; i++) {
        for (struct symbol *y = p.bucket[i], *next; y; y = next) {
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
