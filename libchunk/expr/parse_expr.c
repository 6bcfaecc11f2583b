/* parse_expr.c: expressions to postfix code, by precedence climbing with Python's levels. Chained comparisons are refused. */
#include "expr/parser.h"

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

static const char levels[CHK_BIN_N] = {6, 6, 7, 7, 7, 7, CHK_LEVEL_SIGN, 7, 4, 2, 3, 5, 5, 1, 1, 1, 1, 1, 1};

static chunk_status parse_literal(chk_parser *p)
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
        if (!(code.value.u.s = chk_parser_string(p, p->lex.text + tok.at + 1, tok.n - 2))) return chk_parser_no_memory(p);
        break;
    }
    CHK_TRY(chk_parser_advance(p));
    return chk_parser_emit(p, code, &tok);
}

/* ( expr ), (a, b), (a,), () */
static chunk_status parse_group(chk_parser *p)
{
    chk_tok open = p->tok;
    int n = 0;
    bool comma = false;
    CHK_TRY(chk_parser_advance(p));
    while (!chk_parser_at(p, ")")) {
        CHK_TRY(chk_parse_expr(p, CHK_LEVEL_COMPARE));
        n++;
        if (!chk_parser_at(p, ",")) break;
        comma = true;
        CHK_TRY(chk_parser_advance(p));
    }
    if (!chk_parser_at(p, ")")) return chk_parser_fail(p, "')'");
    CHK_TRY(chk_parser_advance(p));
    return n == 1 && !comma ? CHUNK_OK : chk_parser_emit(p, (chk_code){.kind = CHK_CODE_TUPLE, .n = n}, &open);
}

/* [a, b, [c]]: a list; lists inside are tuples. */
static chunk_status parse_list(chk_parser *p, bool inside)
{
    chk_tok open = p->tok;
    int n = 0;
    CHK_TRY(chk_parser_advance(p));
    if (++p->depth > CHK_TEXT_DEPTH)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, open.at, "expression is nested more than %d levels deep",
                           CHK_TEXT_DEPTH);
    while (!chk_parser_at(p, "]")) {
        CHK_TRY(chk_parser_at(p, "[") ? parse_list(p, true) : chk_parse_expr(p, CHK_LEVEL_COMPARE));
        n++;
        if (!chk_parser_at(p, ",")) break;
        CHK_TRY(chk_parser_advance(p));
    }
    p->depth--;
    if (!chk_parser_at(p, "]")) return chk_parser_fail(p, "']'");
    CHK_TRY(chk_parser_advance(p));
    CHK_TRY(chk_parser_emit(p, (chk_code){.kind = CHK_CODE_TUPLE, .n = n}, &open));
    return inside ? CHUNK_OK : chk_parser_emit(p, (chk_code){.kind = CHK_CODE_LIST}, &open);
}

static chunk_status parse_atom(chk_parser *p)
{
    if (p->tok.kind == CHK_TOK_NAME) return chk_parse_name(p);
    if (chk_parser_at(p, "(")) return parse_group(p);
    if (chk_parser_at(p, "...")) return chk_parser_fail(p, "a value (an ellipsis stands in brackets only)");
    if (chk_parser_at(p, "[")) return parse_list(p, false);
    if (p->tok.kind == CHK_TOK_END || p->tok.kind == CHK_TOK_OP) return chk_parser_fail(p, "a value");
    return parse_literal(p);
}

/* One part of a slice, None where it is absent. */
static chunk_status parse_bound(chk_parser *p, const chk_tok *at)
{
    if (chk_parser_at(p, ":") || chk_parser_at(p, ",") || chk_parser_at(p, "]"))
        return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_VALUE, .value = {.kind = CHK_VAL_NONE}}, at);
    return chk_parse_expr(p, CHK_LEVEL_COMPARE);
}

static chunk_status parse_item(chk_parser *p)
{
    chk_tok tok = p->tok;
    if (chk_parser_at(p, "...")) {
        CHK_TRY(chk_parser_advance(p));
        return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_ELLIPSIS}, &tok);
    }
    if (chk_parser_at(p, "]") || chk_parser_at(p, ",")) return chk_parser_fail(p, "an index");
    CHK_TRY(parse_bound(p, &tok));
    if (!chk_parser_at(p, ":")) return CHUNK_OK;
    CHK_TRY(chk_parser_advance(p));
    CHK_TRY(parse_bound(p, &tok));
    if (chk_parser_at(p, ":")) CHK_TRY(chk_parser_advance(p));
    CHK_TRY(parse_bound(p, &tok));
    return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_SLICE}, &tok);
}

static chunk_status parse_index(chk_parser *p)
{
    chk_tok open = p->tok;
    int n = 0;
    CHK_TRY(chk_parser_advance(p));
    do {
        CHK_TRY(parse_item(p));
        n++;
        if (!chk_parser_at(p, ",")) break;
        CHK_TRY(chk_parser_advance(p));
    } while (!chk_parser_at(p, "]"));
    if (!chk_parser_at(p, "]")) return chk_parser_fail(p, "']'");
    CHK_TRY(chk_parser_advance(p));
    return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_INDEX, .n = n}, &open);
}

static chunk_status parse_postfix(chk_parser *p)
{
    CHK_TRY(parse_atom(p));
    for (;;) {
        if (chk_parser_at(p, "["))
            CHK_TRY(parse_index(p));
        else if (chk_parser_at(p, "."))
            CHK_TRY(chk_parse_attribute(p));
        else if (chk_parser_at(p, "("))
            return chk_parser_fail(p, "an operator (only functions are called)");
        else
            return CHUNK_OK;
    }
}

static chunk_status parse_operand(chk_parser *p)
{
    chk_tok tok = p->tok;
    bool minus = chk_parser_at(p, "-"), plus = chk_parser_at(p, "+"), invert = chk_parser_at(p, "~");
    if (minus || plus || invert) {
        CHK_TRY(chk_parser_advance(p));
        CHK_TRY(chk_parse_expr(p, CHK_LEVEL_SIGN));
        return chk_parser_emit(p,
                               (chk_code){.kind = CHK_CODE_UNARY,
                                          .n = minus  ? CHK_UN_NEG
                                               : plus ? CHK_UN_POS
                                                      : CHK_UN_INVERT},
                               &tok);
    }
    CHK_TRY(parse_postfix(p));
    if (!chk_parser_at(p, "**")) return CHUNK_OK;
    tok = p->tok; /* binds tighter than a sign on its left, looser than one on its right */
    CHK_TRY(chk_parser_advance(p));
    CHK_TRY(chk_parse_expr(p, CHK_LEVEL_SIGN));
    return chk_parser_emit(p, (chk_code){.kind = CHK_CODE_BINARY, .n = CHK_BIN_POW}, &tok);
}

/* The binary operator here, CHK_BIN_N where there is none. */
static chk_binary binary_here(const chk_parser *p)
{
    int i = 0;
    while (i < CHK_BIN_N && !chk_parser_at(p, chk_binaries[i].sign)) i++;
    return (chk_binary)i;
}

/* Operators of `level` and tighter. */
chunk_status chk_parse_expr(chk_parser *p, int level)
{
    /* Brackets and signs nest; the right sides of operators, at most one a level, do not count. */
    bool nests = level == CHK_LEVEL_COMPARE || level == CHK_LEVEL_SIGN;
    if (nests && ++p->depth > CHK_TEXT_DEPTH)
        return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, p->tok.at, "expression is nested more than %d levels deep",
                           CHK_TEXT_DEPTH);
    CHK_TRY(parse_operand(p));
    bool compared = false;
    for (;;) {
        CHK_TRY(chk_parse_word(p));
        chk_tok tok = p->tok;
        chk_binary op = binary_here(p);
        if (op == CHK_BIN_N || op == CHK_BIN_POW || levels[op] < level) break;
        if (levels[op] == CHK_LEVEL_COMPARE && compared)
            return chk_fail_at(p->err, CHUNK_EPARSE, p->lex.text, tok.at, "comparisons cannot be chained: write (a < b) & (b < c)");
        compared |= levels[op] == CHK_LEVEL_COMPARE;
        CHK_TRY(chk_parser_advance(p));
        CHK_TRY(chk_parse_expr(p, levels[op] + 1));
        CHK_TRY(chk_parser_emit(p, (chk_code){.kind = CHK_CODE_BINARY, .n = op}, &tok));
    }
    p->depth -= nests;
    return CHUNK_OK;
}
