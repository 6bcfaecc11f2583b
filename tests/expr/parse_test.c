/* The language: precedence by folded numbers, errors with their columns, names, bounds. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "expr_case.h"

static double number(chk_builder *b, const char *text)
{
    chk_node *out[16];
    int n = 0;
    chunk_error err = {0};
    cr_assert_eq(build_text(out, &n, b, text, NULL, 0, &err), CHUNK_OK, "%s: %s", text, err.text);
    cr_assert_eq(n, 1);
    cr_assert_eq(out[0]->kind, CHK_NODE_SCALAR, "%s", text);
    const chk_scalar *s = &out[0]->u.scalar;
    double v = s->dtype == CHK_F64    ? s->v.f64
               : s->dtype == CHK_BOOL ? s->v.b
               : s->dtype == CHK_U64  ? (double)s->v.u64
                                      : (double)s->v.i64;
    chk_node_release(out[0]);
    return v;
}

Test(parse, precedence_is_pythons)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1 + 2 * 3", 7},
        {"(1 + 2) * 3", 9},
        {"-2 ** 2", -4},
        {"2 ** -1", 0.5},
        {"2 ** 3 ** 2", 512},
        {"-7 // 2", -4},
        {"-7 % 3", 2},
        {"7 - 2 - 1", 4},
        {"2 * 3 % 4", 2},
        {"1 << 2 + 1", 8},
        {"6 & 3 << 1", 6},
        {"1 | 2 ^ 3 & 1", 3},
        {"~5 + 1", -5},
        {"- -3", 3},
        {"1 + 1 == 2", 1},
        {"1 | 2 == 3", 1},
        {"3 == 1 | 2", 1},
        {"0x10 + 0b11 + 0o17 + 1_000", 1034},
        {".5 + 5. + 1e1 + 1.5e-1", 15.65},
        {"9223372036854775808", 9223372036854775808.0},
        {"-9223372036854775808", -9223372036854775808.0},
        {"2 > 1", 1},
        {"7 / 2", 3.5},
        {"+4", 4},
        {"pi > 3", 1},
        {"(((1)))", 1},
    };
    chk_builder *b = new_builder();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_float_eq(number(b, cases[i].text), cases[i].value, 1e-12, "%s", cases[i].text);
    chk_builder_free(b);
}

/* Text, status, column, and a part of what is said. */
static const struct failure {
    const char *text;
    chunk_status status;
    int column;
    const char *says;
} failures[] = {
    {"", CHUNK_EPARSE, 1, "text ends"},
    {"1 +", CHUNK_EPARSE, 4, "text ends"},
    {"(1 + 2", CHUNK_EPARSE, 7, "')'"},
    {"x[1", CHUNK_EPARSE, 4, "']'"},
    {"x[]", CHUNK_EPARSE, 3, "an index"},
    {"1 2", CHUNK_EPARSE, 3, "operator"},
    {"x < y < 2", CHUNK_EPARSE, 7, "(a < b) & (b < c)"},
    {"x == y != 2", CHUNK_EPARSE, 8, "cannot be chained"},
    {"x and y", CHUNK_EPARSE, 3, "use &"},
    {"x or y", CHUNK_EPARSE, 3, "use |"},
    {"not x", CHUNK_EPARSE, 1, "use ~"},
    {"x if y else z", CHUNK_EPARSE, 3, "where"},
    {"x && y", CHUNK_EPARSE, 3, "use &"},
    {"!x", CHUNK_EPARSE, 1, "use ~"},
    {"x.sum()", CHUNK_EPARSE, 2, "write sum(x)"},
    {"np.sin(x)", CHUNK_EPARSE, 1, "without a module"},
    {"sqt(x)", CHUNK_ENAME, 1, "did you mean 'sqrt'"},
    {"float32(x)", CHUNK_ENAME, 1, "astype(x, float32)"},
    {"sum", CHUNK_EPARSE, 1, "is a function"},
    {"sum(x, axes=1)", CHUNK_EINVAL, 1, "did you mean 'axis'"},
    {"sum()", CHUNK_EINVAL, 1, "missing argument 'x'"},
    {"sin(x, y)", CHUNK_EINVAL, 1, "at most 1 positional"},
    {"sum(x, x=1)", CHUNK_EINVAL, 1, "several values"},
    {"sum(axis=1, x)", CHUNK_EPARSE, 13, "positional argument after"},
    {"x(3)", CHUNK_ENAME, 1, "unknown function"},
    {"(x)(3)", CHUNK_EPARSE, 4, "only functions are called"},
    {"sin = 3", CHUNK_EPARSE, 1, "is a function"},
    {"True = 3", CHUNK_EPARSE, 1, "cannot be given"},
    {"a = 1; a = 2", CHUNK_EPARSE, 8, "defined twice"},
    {"a + b = 2", CHUNK_EPARSE, 7, "use =="},
    {"a, b", CHUNK_EPARSE, 2, "';'"},
    {"1;; 2", CHUNK_EPARSE, 3, "expected a value"},
    {"0123", CHUNK_EPARSE, 1, "leading zeros"},
    {"1__0", CHUNK_EPARSE, 1, "malformed"},
    {"0x", CHUNK_EPARSE, 1, "malformed"},
    {"1.2.3", CHUNK_EPARSE, 1, "malformed"},
    {"12abc", CHUNK_EPARSE, 1, "malformed"},
    {"18446744073709551616", CHUNK_EPARSE, 1, "64 bits"},
    {"'abc", CHUNK_EPARSE, 1, "not closed"},
    {"'a\\n'", CHUNK_EPARSE, 3, "backslash"},
    {"x $ y", CHUNK_EPARSE, 3, "unexpected character"},
    {"\xc3\xa9 + 1", CHUNK_EPARSE, 1, "unexpected character"},
    {"'\xc3\xa9\xc3\xa9' $", CHUNK_EPARSE, 6, "unexpected character"},
    {"'\xff'", CHUNK_EPARSE, 2, "UTF-8"},
    {"1 + astype(x, 'floaty')", CHUNK_ENAME, 5, "did you mean 'float'"},
    {"sum(x, dtype='flot32')", CHUNK_ENAME, 1, "did you mean 'float32'"},
    {"zeros((2, 3), 'text')", CHUNK_ENAME, 1, "not a dtype; there are bool"},
    {"[1, 2", CHUNK_EPARSE, 6, "']'"},
    {"...", CHUNK_EPARSE, 1, "brackets"},
};

Test(parse, errors_say_what_and_where)
{
    chk_builder *b = new_builder();
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const struct failure *f = &failures[i];
        chk_text *t = NULL;
        chunk_error err = {0};
        chunk_status st = chk_text_parse(&t, b, f->text, &err);
        cr_expect_eq(st, f->status, "%s: status %d, %s", f->text, st, err.text);
        cr_expect_eq(err.column, f->column, "%s: column %d, %s", f->text, err.column, err.text);
        cr_expect(strstr(err.text, f->says), "%s: %s", f->text, err.text);
        cr_expect_null(t);
        chk_text_free(t);
    }
    chk_builder_free(b);
}

static const struct failure build_failures[] = {
    {"1 + y", CHUNK_ENAME, 5, "unknown name 'y'"},
    {"1 + xx", CHUNK_ENAME, 5, "did you mean 'x'"},
    {"x @ 2", CHUNK_ESHAPE, 3, "matmul: x2 has no dimensions"},
    {"x[x > 0]", CHUNK_EUNSUPPORTED, 2, "not looked at here"},
    {"x[9]", CHUNK_EINDEX, 2, "out of bounds for axis 0 with size 3"},
    {"x[0, 0, 0]", CHUNK_EINDEX, 2, "too many indices"},
    {"x[::0]", CHUNK_EINDEX, 3, "step cannot be zero"},
    {"x + 1.5 * sum(x, axis=2)", CHUNK_EINDEX, 11, "axis 2 is out of range for 2 dimensions"},
    {"x + x[:, :2]", CHUNK_ESHAPE, 3, "do not fit"},
    {"1 + 2 / 0", CHUNK_ETYPE, 7, "zero"},
    {"9223372036854775807 * 9", CHUNK_ETYPE, 21, "64 bits"},
    {"u + 300", CHUNK_ETYPE, 3, "Python integer 300 out of bounds for uint8"},
    {"u + -1", CHUNK_ETYPE, 3, "Python integer -1 out of bounds for uint8"},
    {"~x", CHUNK_ETYPE, 1, "not defined for float64"},
    {"(1, 2)", CHUNK_ETYPE, 1, "a tuple"},
    {"x + 'a'", CHUNK_ETYPE, 3, "a string"},
    {"nam + 1", CHUNK_ENAME, 1, "did you mean 'nan'"},
    {"x + NaN", CHUNK_ENAME, 5, "did you mean 'nan'"},
    {"true", CHUNK_ENAME, 1, "did you mean 'True'"},
    {"Pi", CHUNK_ENAME, 1, "did you mean 'pi'"},
    {"astype(u, flot32)", CHUNK_ENAME, 11, "did you mean 'float32'"},
    {"p", CHUNK_ENAME, 1, "unknown name 'p'"},
    {"min(x[:0])", CHUNK_ESHAPE, 1, "no elements"},
    {"u ** -1", CHUNK_ETYPE, 3, "negative integer powers"},
    {"astype(u, int8) ** -1", CHUNK_ETYPE, 17, "negative integer powers"},
    {"1[0]", CHUNK_EINDEX, 2, "only arrays are indexed"},
};

Test(parse, building_errors_say_what_and_where)
{
    chk_builder *b = new_builder();
    chk_binding bound[2] = {{"x", new_array(b, "f.h5:/x", CHK_F64, DIMS(3, 4), NULL)},
                            {"u", new_array(b, "f.h5:/u", CHK_U8, DIMS(3), NULL)}};
    for (size_t i = 0; i < sizeof build_failures / sizeof *build_failures; i++) {
        const struct failure *f = &build_failures[i];
        chk_node *out[16];
        int n = 0;
        chunk_error err = {0};
        chunk_status st = build_text(out, &n, b, f->text, bound, 2, &err);
        cr_expect_eq(st, f->status, "%s: status %d, %s", f->text, st, err.text);
        cr_expect_eq(err.column, f->column, "%s: column %d, %s", f->text, err.column, err.text);
        cr_expect(strstr(err.text, f->says), "%s: %s", f->text, err.text);
    }
    chk_node_release(bound[0].node);
    chk_node_release(bound[1].node);
    chk_builder_free(b);
}

Test(parse, names_are_free_once_and_in_order)
{
    chk_builder *b = new_builder();
    chk_text *t;
    cr_assert_eq(chk_text_parse(&t, b, "t := x + pi; y = t * z; y - x + e; float32 == float32;", NULL), CHUNK_OK);
    int column;
    cr_assert_eq(chk_text_n_names(t), 2);
    cr_assert_str_eq(chk_text_name(t, 0, &column), "x");
    cr_assert_eq(column, 6);
    cr_assert_str_eq(chk_text_name(t, 1, &column), "z");
    cr_assert_eq(column, 22);
    cr_assert_eq(chk_text_n_statements(t), 4);
    chk_statement s = chk_text_statement(t, 0);
    cr_assert(s.keep && !strcmp(s.name, "t"));
    s = chk_text_statement(t, 1);
    cr_assert(!s.keep && !strcmp(s.name, "y") && s.column == 14);
    cr_assert_null(chk_text_statement(t, 2).name);
    chk_text_free(t);
    chk_builder_free(b);
}

Test(parse, names_shadow_constants)
{
    chk_builder *b = new_builder();
    chk_node *e = NULL, *out[16];
    int n = 0;
    cr_assert_eq(chk_node_int(&e, b, 40, NULL), CHUNK_OK);
    cr_assert_eq(build_text(out, &n, b, "e + 2", &(chk_binding){"e", e}, 1, NULL), CHUNK_OK);
    cr_assert_eq(out[0]->u.scalar.v.i64, 42);
    chk_node_release(out[0]);
    cr_assert_eq(build_text(out, &n, b, "pi = 3; pi + 1", NULL, 0, NULL), CHUNK_OK);
    cr_assert_eq(out[1]->u.scalar.v.i64, 4);
    chk_node_release(out[0]);
    chk_node_release(out[1]);
    chk_node_release(e);
    chk_builder_free(b);
}

static char *repeated(const char *head, const char *body, int n, const char *tail, const char *close, int n_close)
{
    size_t len = strlen(head) + strlen(body) * (size_t)n + strlen(tail) + strlen(close) * (size_t)n_close;
    char *s = malloc(len + 1), *p = stpcpy(s, head);
    for (int i = 0; i < n; i++) p = stpcpy(p, body);
    p = stpcpy(p, tail);
    for (int i = 0; i < n_close; i++) p = stpcpy(p, close);
    return s;
}

static chunk_status parse_repeated(chk_builder *b, const char *head, const char *body, int n, const char *tail, const char *close)
{
    char *s = repeated(head, body, n, tail, close, close[0] ? n : 0);
    chk_text *t = NULL;
    chunk_status st = chk_text_parse(&t, b, s, NULL);
    chk_text_free(t);
    free(s);
    return st;
}

Test(parse, depth_and_size_are_bounded)
{
    chk_builder *b = new_builder();
    cr_expect_eq(parse_repeated(b, "", "(", 190, "1", ")"), CHUNK_OK);
    cr_expect_eq(parse_repeated(b, "", "(", 210, "1", ")"), CHUNK_EPARSE);
    cr_expect_eq(parse_repeated(b, "", "(", 100000, "1", ""), CHUNK_EPARSE);
    cr_expect_eq(parse_repeated(b, "", "-", 100000, "1", ""), CHUNK_EPARSE);
    cr_expect_eq(parse_repeated(b, "", "2**", 50000, "1", ""), CHUNK_EPARSE);
    cr_expect_eq(parse_repeated(b, "x", "[0:1]", 10000, "", ""), CHUNK_OK);
    cr_expect_eq(parse_repeated(b, "1", "+1", 40000, "", ""), CHUNK_OK);
    cr_expect_eq(parse_repeated(b, "1", "+1", 60000, "", ""), CHUNK_EPARSE);
    cr_expect_eq(parse_repeated(b, "1", " ", 1 << 20, "", ""), CHUNK_EPARSE);
    chk_builder_free(b);
}

/* A chain of 20,000 operations is built and freed without recursion. */
Test(parse, long_chains_are_built)
{
    chk_builder *b = new_builder();
    chk_node *x = new_array(b, "f.h5:/x", CHK_F64, DIMS(3, 4), NULL), *out[16];
    char *s = repeated("x", "*x", 20000, "", "", 0);
    int n = 0;
    chunk_error err = {0};
    cr_assert_eq(build_text(out, &n, b, s, &(chk_binding){"x", x}, 1, &err), CHUNK_OK, "%s", err.text);
    chk_node_release(out[0]);
    cr_assert_eq((int)x->refs, 1);
    chk_node_release(x);
    chk_builder_free(b);
    free(s);
}
