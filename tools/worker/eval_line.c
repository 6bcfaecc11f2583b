/* eval_line.c: the command line of `chunk eval`, and what it alone decides: names, bindings, outputs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval.h"

enum { MOST_RESULTS = 1024 }; /* of a run */

static bool is_identifier(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
        if (!letter && !(i > 0 && s[i] >= '0' && s[i] <= '9')) return false;
    }
    return n > 0;
}

static bool is_function(const char *name)
{
    chunk_op_info op;
    size_t n = strlen(name);
    for (int i = 0; i < chunk_op_count(); i++) {
        if (chunk_op_get(i, &op) != CHUNK_OK) continue;
        if (strcmp(op.name, name) == 0) return true;
        for (const char *p = op.aliases; p != NULL && *p != 0; p += strspn(p, " ")) {
            size_t word = strcspn(p, " ");
            if (word == n && strncmp(p, name, n) == 0) return true;
            p += word;
        }
    }
    return false;
}

static int read_binding(job *j, const char *text)
{
    const char *eq = strchr(text, '=');
    if (eq == NULL) return fail(&j->v, EXIT_USAGE, 0, "'%s': write inputs as NAME=FILE:/DATASET", text);
    size_t n = (size_t)(eq - text);
    if (!is_identifier(text, n)) return fail(&j->v, EXIT_USAGE, 0, "'%s': '%.*s' is not a name", text, (int)n, text);
    binding *b = &j->bindings[j->n_bindings];
    char *name = strndup(text, n);
    if (name == NULL) return fail(&j->v, EXIT_FILE, 0, "out of memory");
    b->name = name;
    if (is_function(name)) return fail(&j->v, EXIT_USAGE, 0, "'%s' is a function; choose another name for the input", name);
    for (int i = 0; i < j->n_bindings; i++)
        if (strcmp(j->bindings[i].name, name) == 0) return fail(&j->v, EXIT_USAGE, 0, "'%s' is bound twice", name);
    if (!target_parse(&b->from, eq + 1)) return fail(&j->v, EXIT_USAGE, 0, "'%s': write inputs as NAME=FILE:/DATASET", text);
    if (b->from.object == NULL && strchr(b->from.file, '/') != NULL && access(b->from.file, F_OK) != 0)
        return fail(&j->v, EXIT_FILE, 0, "'%s': there is no such file; write %s=FILE:/DATASET", text, name);
    if (b->from.object == NULL || strcmp(b->from.object, "/") == 0)
        return fail(&j->v, EXIT_USAGE, 0, "'%s' names no dataset; write %s=FILE:/DATASET", text, name);
    j->n_bindings++;
    return 0;
}

void job_read_memory(job *j)
{
    if (j->memory == 0) j->memory = 1; /* 0 is the library's word for its default; here it is a ceiling that nothing fits under */
    if (j->memory == UINT64_MAX) j->memory = 0;
}

int job_read(job *j, char **args)
{
    j->v = (verdict){.verb = "eval", .json = has_json(args)};
    if (args[0] == NULL) return fail(&j->v, EXIT_USAGE, 0, "an expression is needed: chunk eval 'EXPR' NAME=FILE:/DATASET ...");
    if (args[1] == NULL && (strcmp(args[0], "--help") == 0 || strcmp(args[0], "--version") == 0)) {
        j->help = strcmp(args[0], "--help") == 0;
        j->version = !j->help;
        return 0;
    }
    j->text = args[0];
    j->v.json = has_json(args + 1);
    bool json = false;
    j->memory = UINT64_MAX; /* not given */
    const option options[] = {
        {"-o", "-o", OPTION_LIST, &j->output_texts},
        {"--into", NULL, OPTION_ONCE, &j->into},
        {"--memory", NULL, OPTION_SIZE, &j->memory},
        {"--threads", NULL, OPTION_INT, &j->threads},
        {"--chunks", NULL, OPTION_SHAPE, &j->chunks},
        {"--filter", NULL, OPTION_FILTER, &j->filter},
        {"--scratch", NULL, OPTION_TEXT, &j->scratch},
        {"--durable", NULL, OPTION_FLAG, &j->durable},
        {"--overwrite", NULL, OPTION_FLAG, &j->overwrite},
        {"--explain", NULL, OPTION_FLAG, &j->explain},
        {"--profile", NULL, OPTION_FLAG, &j->profile},
        {"--trace", NULL, OPTION_TEXT, &j->trace},
        {"--json", NULL, OPTION_FLAG, &json},
        {"-q", "-q", OPTION_FLAG, &j->v.quiet},
        {"--help", "-h", OPTION_HELP, NULL},
        {"--version", NULL, OPTION_FLAG, &j->version},
        {NULL, NULL, OPTION_FLAG, NULL},
    };
    int code = read_options(&j->v, args + 1, options, &j->operands, &j->help);
    if (code != 0 || j->help || j->version) return code;
    job_read_memory(j);
    j->bindings = need_memory((size_t)j->operands.n, sizeof *j->bindings);
    for (int i = 0; i < j->operands.n; i++)
        if ((code = read_binding(j, j->operands.item[i])) != 0) return code;
    return 0;
}

/* Names that mean something unbound: n of them, dtypes included. A binding may shadow each. */
static const char **constant_names(int *n)
{
    static const char *const constants[] = {"pi", "e", "inf", "nan", "True", "False", "None", "newaxis", "int", "float", "complex"};
    enum { N = sizeof constants / sizeof *constants };
    const char **names = need_memory(N + CHUNK_COMPLEX128 + 1, sizeof *names);
    memcpy(names, constants, sizeof constants);
    for (*n = N; *n - N <= CHUNK_COMPLEX128; ++*n) names[*n] = chunk_dtype_name((chunk_dtype)(*n - N));
    return names;
}

/* A constant in other letters' case, else a binding, else a constant by a slip in three letters. */
static const char *nearest_meaning(const job *j, const char *name)
{
    int n;
    const char **constants = constant_names(&n), **bound = need_memory((size_t)j->n_bindings, sizeof *bound);
    for (int i = 0; i < j->n_bindings; i++) bound[i] = j->bindings[i].name;
    const char *near = nearest_name(name, 0, constants, n);
    if (near == NULL) near = nearest_name(name, -1, bound, j->n_bindings);
    if (near == NULL) near = nearest_name(name, (int)strlen(name) / 3, constants, n);
    free(constants);
    free(bound);
    return near;
}

static int unbound(job *j, const char *name, int column)
{
    chunk_error err = {.code = CHUNK_ENAME, .column = column};
    const char *near = nearest_meaning(j, name);
    if (near != NULL)
        snprintf(err.text, sizeof err.text, "'%.100s' is not bound; did you mean '%.100s'?", name, near);
    else
        snprintf(err.text, sizeof err.text, "'%.100s' is not bound; say which array it is: %.100s=FILE:/DATASET", name, name);
    return fail_error(&j->v, EXIT_USAGE, &err, j->text);
}

/* Past a quoted string, or a number with its exponent, neither of which holds words. */
static const char *past_no_word(const char *p)
{
    const char *close = *p == '\'' || *p == '"' ? strchr(p + 1, *p) : NULL;
    if (close != NULL) return close + 1;
    bool digit = *p >= '0' && *p <= '9';
    p++;
    while (digit && ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || *p == '.')) p++;
    return p;
}

static bool holds_word(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = text; *p != 0;) {
        size_t word = 0;
        while (is_identifier(p, word + 1)) word++;
        if (word == n && strncmp(p, name, n) == 0) return true;
        p = word > 0 ? p + word : past_no_word(p);
    }
    return false;
}

/* Constants are no names that must be bound, so the parsed text does not list them: does it hold this one? */
static bool shadows_constant(const char *text, const char *name)
{
    int n, i = 0;
    const char **constants = constant_names(&n);
    while (i < n && strcmp(constants[i], name) != 0) i++;
    free(constants);
    return i < n && holds_word(text, name);
}

int job_check_names(job *j)
{
    for (int i = 0; i < chunk_text_n_names(j->parsed); i++) {
        int column = 0, k = 0;
        const char *name = chunk_text_name(j->parsed, i, &column);
        while (k < j->n_bindings && strcmp(j->bindings[k].name, name) != 0) k++;
        if (k == j->n_bindings) return unbound(j, name, column);
        j->bindings[k].used = true;
    }
    for (int k = 0; k < j->n_bindings; k++)
        if (!j->bindings[k].used && !(j->bindings[k].used = shadows_constant(j->text, j->bindings[k].name)))
            warn(&j->v, "'%s' is not used by the expression", j->bindings[k].name);
    return 0;
}

static int read_output(job *j, target *out, const char *text)
{
    if (!target_parse(out, text) || out->object == NULL)
        return fail(&j->v, EXIT_USAGE, 0, "-o '%s': write outputs as FILE:/DATASET", text);
    for (const char *p = out->object; *p != 0; p += strcspn(p, "/")) {
        p += strspn(p, "/");
        if (strncmp(p, ".", strcspn(p, "/") + 1) == 0 || strncmp(p, "./", 2) == 0)
            return fail(&j->v, EXIT_USAGE, 0, "-o '%s': '.' is not a name in HDF5", text);
    }
    return 0;
}

/* One -o that ends in "/": the results' names below that group. */
static int name_outputs(job *j, const char *text)
{
    target group;
    int code = read_output(j, &group, text);
    for (int i = 0; i < j->n_results && code == 0; i++) {
        const char *name = chunk_text_result_name(j->parsed, i);
        if (name == NULL)
            return fail(&j->v, EXIT_USAGE, 0, "result %d has no name for the group '%s'; write NAME = EXPR", i + 1, text);
        j->outputs[i].file = group.file;
        if (asprintf(&j->outputs[i].object, "%s%s", group.object, name) < 0) return fail(&j->v, EXIT_FILE, 0, "out of memory");
    }
    return code;
}

/* Two results in one dataset, or one below the other. Outputs of one file have its name written alike. */
static int check_meetings(job *j)
{
    for (int i = 0; i < j->n_results; i++)
        for (int k = 0; k < i; k++) {
            target *a = &j->outputs[k], *b = &j->outputs[i];
            if (!target_same_file(a, b)) continue;
            b->file = a->file;
            switch (target_meet(a, b)) {
            case TARGETS_SAME: return fail(&j->v, EXIT_USAGE, 0, "two results go to %s:%s", b->file, b->object);
            case TARGETS_THROUGH:
                return fail(&j->v, EXIT_USAGE, 0,
                            "%s: of the outputs %s and %s one's path runs through the other: a dataset holds no datasets", b->file,
                            a->object, b->object);
            case TARGETS_APART: break;
            }
        }
    return 0;
}

int job_match_outputs(job *j)
{
    const option_list *texts = &j->output_texts;
    j->n_results = chunk_text_n_results(j->parsed);
    if (j->n_results == 0)
        return fail(&j->v, EXIT_USAGE, 0, "the expression has no result: NAME := EXPR only keeps an intermediate");
    if (j->n_results > MOST_RESULTS)
        return fail(&j->v, EXIT_USAGE, 0, "%d results: at most %d can be asked for together", j->n_results, MOST_RESULTS);
    if (j->into != NULL && j->n_results != 1)
        return fail(&j->v, EXIT_USAGE, 0, "--into takes one result, the expression has %d", j->n_results);
    if (j->into != NULL) return job_read_into(j);
    if (texts->n == 0) {
        if (j->filter != NULL || j->chunks.ndim > 0 || j->durable || j->overwrite)
            warn(&j->v, "--filter, --chunks, --durable and --overwrite mean nothing without -o");
        return 0;
    }
    int code = 0;
    size_t n = strlen(texts->item[0]);
    j->outputs = need_memory((size_t)j->n_results, sizeof *j->outputs);
    if (texts->n == 1 && n > 0 && texts->item[0][n - 1] == '/') {
        code = name_outputs(j, texts->item[0]);
    } else {
        if (texts->n != j->n_results)
            return fail(&j->v, EXIT_USAGE, 0, "%d result%s but %d -o: give one a result, or one that ends in / for all",
                        j->n_results, j->n_results == 1 ? "" : "s", texts->n);
        for (int i = 0; i < texts->n && code == 0; i++) {
            n = strlen(texts->item[i]);
            code = read_output(j, &j->outputs[i], texts->item[i]);
            if (code == 0 && texts->item[i][n - 1] == '/')
                code = fail(&j->v, EXIT_USAGE, 0, "-o '%s': a group stands alone, for all results", texts->item[i]);
        }
    }
    return code != 0 ? code : check_meetings(j);
}
