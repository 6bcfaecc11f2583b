/* call.c: binding arguments to parameters as Python does, with Python's complaints. */
#include "expr/call.h"

#include <stdio.h>
#include <string.h>

#include "expr/text_internal.h"

static int count_params(const chk_op *op)
{
    int n = 0;
    while (n < CHK_MAX_PARAMS && op->params[n].kind != CHK_PAR_END) n++;
    return n;
}

/* The names that NumPy and the array API have for one parameter. */
static const char *const keyword_aliases[][2] = {
    {"ddof", "correction"}, {"a_min", "min"}, {"a_max", "max"}, {"a", "x"},  {"array", "x"}, {"arr", "x"}, {"m", "x"},
    {"N", "n_rows"},        {"M", "n_cols"},  {"x", "x1"},      {"y", "x2"}, {"a", "x1"},    {"b", "x2"},
};

static int find_param(const chk_op *op, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(op->params[i].name, name)) return i;
    return -1;
}

static int find_keyword(const chk_op *op, int n, const char *name)
{
    int at = find_param(op, n, name);
    size_t n_aliases = sizeof keyword_aliases / sizeof *keyword_aliases;
    for (size_t i = 0; at < 0 && i < n_aliases; i++)
        if (!strcmp(keyword_aliases[i][0], name)) at = find_param(op, n, keyword_aliases[i][1]);
    return at;
}

static chunk_status unexpected_keyword(const chk_op *op, int n, const char *name, chunk_error *err)
{
    chk_near near = chk_near_start(name, strlen(name));
    for (int i = 0; i < n; i++) chk_near_try(&near, op->params[i].name, strlen(op->params[i].name));
    if (near.hit)
        return chk_fail(err, CHUNK_EINVAL, "%s: unexpected keyword '%.40s'; did you mean '%s'?", op->name, name, near.hit);
    char text[200];
    return chk_fail(err, CHUNK_EINVAL, "%s: unexpected keyword '%.40s'; it is %s", op->name, name,
                    chk_op_signature(text, sizeof text, op));
}

static bool is_star(const chk_param *p) { return p->kind == CHK_PAR_STAR_ARRAYS || p->kind == CHK_PAR_STAR_ANY; }

static chunk_status bind(chk_value *bound, const chk_op *op, const chk_value *args, const char *const *names, int n_args,
                         chunk_error *err)
{
    int n = count_params(op), at = 0, n_positional = 0;
    while (n_positional < n && !op->params[n_positional].keyword_only) n_positional++;
    for (int i = 0; i < n_args; i++) {
        int p;
        if (names && names[i]) {
            p = find_keyword(op, n, names[i]);
            if (p < 0) return unexpected_keyword(op, n, names[i], err);
        } else if (at < n_positional && is_star(&op->params[at])) { /* all that follow, as one tuple */
            int from = i;
            while (i + 1 < n_args && !(names && names[i + 1])) i++;
            p = at;
            at = n_positional = p + 1;
            if (bound[p].kind == CHK_VAL_MISSING) {
                bound[p] = (chk_value){.kind = CHK_VAL_TUPLE, .u.tuple = {args + from, i + 1 - from}};
                continue;
            }
        } else {
            if (at >= n_positional) {
                int given = 0;
                for (int k = 0; k < n_args; k++) given += !(names && names[k]);
                return chk_fail(err, CHUNK_EINVAL, "%s: takes %s%d positional argument%s, %d given", op->name,
                                n_positional ? "at most " : "", n_positional, n_positional == 1 ? "" : "s", given);
            }
            p = at++;
        }
        if (bound[p].kind != CHK_VAL_MISSING)
            return chk_fail(err, CHUNK_EINVAL, "%s: several values for argument '%s'", op->name, op->params[p].name);
        bound[p] = args[i];
    }
    for (int p = 0; p < n; p++)
        if (bound[p].kind == CHK_VAL_MISSING && !op->params[p].dflt)
            return chk_fail(err, CHUNK_EINVAL, "%s: missing argument '%s'", op->name, op->params[p].name);
    for (int p = 0; p < n; p++) { /* a list of numbers is an array only where arrays are taken */
        chk_param_kind kind = op->params[p].kind;
        if (kind == CHK_PAR_SHAPE || kind == CHK_PAR_AXIS || kind == CHK_PAR_ANY) bound[p] = chk_value_items(&bound[p]);
    }
    return CHUNK_OK;
}

chunk_status chk_op_call(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, const char *const *names,
                         int n_args, chunk_error *err)
{
    chk_value bound[CHK_MAX_PARAMS] = {{.kind = CHK_VAL_MISSING}};
    CHK_TRY(bind(bound, op, args, names, n_args, err));
    return op->build(out, b, op, bound, err);
}

chunk_status chk_op_call_part(chk_node **out, int *n, int part, chk_builder *b, const chk_op *op, const chk_value *args,
                              const char *const *names, int n_args, chunk_error *err)
{
    chk_value bound[CHK_MAX_PARAMS] = {{.kind = CHK_VAL_MISSING}};
    CHK_TRY(bind(bound, op, args, names, n_args, err));
    CHK_TRY(op->several(n, b, op, bound, err));
    if (part >= *n) return CHUNK_OK;
    bound[count_params(op) - 1] = (chk_value){.kind = CHK_VAL_INT, .u.i.i = part};
    return op->build(out, b, op, bound, err);
}

char *chk_op_signature(char *buf, size_t size, const chk_op *op)
{
    size_t used = (size_t)snprintf(buf, size, "%s(", op->name);
    bool starred = false;
    for (int i = 0; i < count_params(op); i++) {
        const chk_param *p = &op->params[i];
        const char *star = is_star(p) ? "*" : p->keyword_only && !starred ? "*, " : "";
        starred |= p->keyword_only || is_star(p);
        if (used < size)
            used += (size_t)snprintf(buf + used, size - used, "%s%s%s%s%s", i ? ", " : "", star, p->name, p->dflt ? "=" : "",
                                     p->dflt ? p->dflt : "");
    }
    if (used < size) snprintf(buf + used, size - used, ")");
    return buf;
}

static chunk_status check_dtype_name(const chk_op *op, const char *text, chunk_error *err)
{
    chk_dtype dtype;
    chk_value v;
    if (chk_dtype_parse(&dtype, text, strlen(text)) || (chk_constant(&v, text) && v.kind == CHK_VAL_DTYPE)) return CHUNK_OK;
    chk_near near = chk_near_start(text, strlen(text));
    chk_near_try_constants(&near, true);
    if (near.hit) return chk_fail(err, CHUNK_ENAME, "%s: '%.40s' is not a dtype; did you mean '%s'?", op->name, text, near.hit);
    return chk_fail(
        err, CHUNK_ENAME,
        "%s: '%.40s' is not a dtype; there are bool, int8 to int64, uint8 to uint64, float16 to float64, complex64, complex128",
        op->name, text);
}

chunk_status chk_op_check(const chk_op *op, const char *const *names, const char *const *literals, int n_args, chunk_error *err)
{
    chk_value bound[CHK_MAX_PARAMS] = {{.kind = CHK_VAL_MISSING}}, args[CHK_MAX_ARGS + 1];
    for (int i = 0; i < n_args && i <= CHK_MAX_ARGS; i++) {
        args[i] = (chk_value){.kind = CHK_VAL_NONE};
        if (literals && literals[i]) args[i] = (chk_value){.kind = CHK_VAL_STRING, .u.s = literals[i]};
    }
    CHK_TRY(bind(bound, op, args, names, n_args, err));
    for (int p = 0; p < count_params(op); p++)
        if (op->params[p].kind == CHK_PAR_DTYPE && bound[p].kind == CHK_VAL_STRING)
            CHK_TRY(check_dtype_name(op, bound[p].u.s, err));
    return CHUNK_OK;
}

/* The caller's operations are bound by a description like the table's. */
static chk_op describe(const chk_user_op *user)
{
    return (chk_op){.name = user->name,
                    .params = {{"x", CHK_PAR_ARRAY, NULL, false},
                               {"axis", CHK_PAR_AXIS, "None", false},
                               {"keepdims", CHK_PAR_BOOL, "False", true}}};
}

chunk_status chk_user_check(const chk_user_op *user, const char *const *names, int n_args, chunk_error *err)
{
    if (user->block.loop)
        return chk_fail(err, CHUNK_EINVAL, "%s is a generalised function: write apply_gufunc(%s, ...)", user->name, user->name);
    if (user->block.run)
        return chk_fail(err, CHUNK_EINVAL, "%s works on blocks: write map_blocks(%s, ...)", user->name, user->name);
    if (!user->map) {
        chk_op op = describe(user);
        return chk_op_check(&op, names, NULL, n_args, err);
    }
    if (n_args != user->n_in)
        return chk_fail(err, CHUNK_EINVAL, "%s: takes %d array%s, %d given", user->name, user->n_in, user->n_in == 1 ? "" : "s",
                        n_args);
    for (int i = 0; i < n_args; i++)
        if (names && names[i])
            return chk_fail(err, CHUNK_EINVAL, "%s: unexpected keyword '%.40s'; it takes arrays in order", user->name, names[i]);
    return CHUNK_OK;
}

static chunk_status call_map(chk_node **out, chk_builder *b, const chk_user_op *op, const chk_value *args, int n_args,
                             chunk_error *err)
{
    chk_node *in[4] = {NULL};
    chunk_status st = CHUNK_OK;
    for (int i = 0; i < n_args && st == CHUNK_OK; i++) st = chk_value_node(&in[i], b, &args[i], op->name, err);
    if (st == CHUNK_OK) st = chk_node_user(out, b, op, in, n_args, err);
    for (int i = 0; i < n_args; i++) chk_node_release(in[i]);
    return st;
}

static chunk_status build_user_reduction(chk_node **out, chk_builder *b, const chk_user_op *user, const chk_value *args,
                                         chunk_error *err)
{
    chk_node *in;
    uint32_t axes;
    bool keepdims = false;
    CHK_TRY(chk_value_node(&in, b, &args[0], user->name, err));
    chunk_status st = chk_value_axes(&axes, &args[1], in->shape.ndim, user->name, err);
    if (st == CHUNK_OK && args[2].kind != CHK_VAL_MISSING) st = chk_value_bool(&keepdims, &args[2], user->name, "keepdims", err);
    if (st == CHUNK_OK) st = chk_node_reduce(out, b, CHK_NRED, user, in, axes, keepdims, 0, err);
    chk_node_release(in);
    return st;
}

chunk_status chk_user_call(chk_node **out, chk_builder *b, const chk_user_op *user, const chk_value *args, const char *const *names,
                           int n_args, chunk_error *err)
{
    CHK_TRY(chk_user_check(user, names, n_args, err));
    if (user->map) return call_map(out, b, user, args, n_args, err);
    chk_op op = describe(user);
    chk_value bound[CHK_MAX_PARAMS] = {{.kind = CHK_VAL_MISSING}};
    CHK_TRY(bind(bound, &op, args, names, n_args, err));
    return build_user_reduction(out, b, user, bound, err);
}
