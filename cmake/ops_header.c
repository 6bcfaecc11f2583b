/* ops_header.c: prints chunk_ops.h, a typed C function for every operation of the table. Run by the build.
 *
 * Required parameters become parameters, the others members of an options struct whose zeroed members mean the default: plain numbers where
 * the default is 0, pointers where it is anything else. */
#include <stdio.h>
#include <string.h>

#include "expr/op.h"

/* How a parameter looks in C. A put function of the header takes it into the argument list. */
typedef struct spelling {
    const char *type; /* with its space or star */
    const char *put;
} spelling;

static bool zero(const char *dflt) { return !strcmp(dflt, "0") || !strcmp(dflt, "0.0") || !strcmp(dflt, "False"); }

static spelling spell(const chk_param *p)
{
    bool needed = !p->dflt, plain = needed || zero(p->dflt);
    switch (p->kind) {
    case CHK_PAR_ARRAY: return (spelling){"chunk_array *", needed ? "array" : "array_at"};
    case CHK_PAR_STAR_ARRAYS:
    case CHK_PAR_ARRAYS: return (spelling){"chunk_array *const *", "arrays"};
    case CHK_PAR_AXIS:
    case CHK_PAR_SHAPE: return (spelling){"chunk_ints ", needed ? "ints" : "ints_at"};
    case CHK_PAR_INT: return plain ? (spelling){"int64_t ", "int"} : (spelling){"const int64_t *", "int_at"};
    case CHK_PAR_NUMBER: return plain ? (spelling){"double ", "float"} : (spelling){"const double *", "float_at"};
    case CHK_PAR_BOOL: return plain ? (spelling){"bool ", "bool"} : (spelling){"const bool *", "bool_at"};
    case CHK_PAR_DTYPE: return needed ? (spelling){"chunk_dtype ", "dtype"} : (spelling){"const char *", "string"};
    case CHK_PAR_FUNCTION:
    case CHK_PAR_STRING: return (spelling){"const char *", "string"};
    default: return (spelling){"const chunk_arg *", "arg_at"}; /* of several kinds: whatever chunk_call takes */
    }
}

static bool is_arrays(const chk_param *p) { return p->kind == CHK_PAR_ARRAYS || p->kind == CHK_PAR_STAR_ARRAYS; }

static int count_params(const chk_op *op)
{
    int n = 0;
    while (n < CHK_MAX_PARAMS && op->params[n].kind != CHK_PAR_END) n++;
    return n;
}

static bool has_options(const chk_op *op)
{
    for (int i = 0; i < count_params(op); i++)
        if (op->params[i].dflt) return true;
    return false;
}

static void print_comment(const chk_op *op)
{
    char signature[256];
    printf("/* %s\n * %s.", chk_op_signature(signature, sizeof signature, op), op->summary);
    if (op->doc) printf("\n * %s", op->doc);
    printf(" */\n");
}

static void print_options(const chk_op *op)
{
    printf("typedef struct chunk_op_%s_options {\n", op->name);
    for (int i = 0; i < count_params(op); i++) {
        const chk_param *p = &op->params[i];
        if (!p->dflt) continue;
        printf("    %s%s; /* default: %s */\n", spell(p).type, p->name, p->dflt);
        if (is_arrays(p)) printf("    int n_%s;\n", p->name);
    }
    printf("} chunk_op_%s_options;\n", op->name);
}

static void print_put(const chk_param *p, const char *owner)
{
    printf("chunk_put_%s(&a, \"%s\", %s%s", spell(p).put, p->name, owner, p->name);
    if (is_arrays(p)) printf(", %sn_%s", owner, p->name);
    printf(");\n");
}

static void print_function(const chk_op *op)
{
    int n = count_params(op);
    printf("static inline chunk_status chunk_op_%s(chunk_array **out, chunk_context *ctx", op->name);
    for (int i = 0; i < n; i++) {
        const chk_param *p = &op->params[i];
        if (p->dflt) continue;
        printf(", %s%s", spell(p).type, p->name);
        if (is_arrays(p)) printf(", int n_%s", p->name);
    }
    if (has_options(op)) printf(",\n    const chunk_op_%s_options *options", op->name);
    printf(", chunk_error *err)\n{\n    chunk_put a;\n    chunk_put_start(&a);\n");
    for (int i = 0; i < n; i++)
        if (!op->params[i].dflt) printf("    "), print_put(&op->params[i], "");
    if (has_options(op)) {
        printf("    if (options) {\n");
        for (int i = 0; i < n; i++)
            if (op->params[i].dflt) printf("        "), print_put(&op->params[i], "options->");
        printf("    }\n");
    }
    printf("    return chunk_put_call(out, ctx, \"%s\", &a, err);\n}\n\n", op->name);
}

/* The fixed beginning, ops_header_top.h. */
static bool print_top(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) return false;
    for (int c; (c = getc(f)) != EOF;) putchar(c);
    return fclose(f) == 0;
}

static void print_family(const char *family)
{
    printf("/* ---- %s */\n\n", family);
    for (size_t i = 0; i < chk_op_table_n; i++) {
        const chk_op *op = chk_op_table[i];
        if (strcmp(op->family, family)) continue;
        print_comment(op);
        if (has_options(op)) print_options(op);
        print_function(op);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 || !freopen(argv[2], "w", stdout) || !print_top(argv[1])) {
        perror("usage: ops_header TOP OUT");
        return 1;
    }
    for (size_t i = 0; i < chk_op_table_n; i++) {
        bool first = true; /* of its family */
        for (size_t j = 0; j < i && first; j++) first = strcmp(chk_op_table[j]->family, chk_op_table[i]->family) != 0;
        if (first) print_family(chk_op_table[i]->family);
    }
    printf("#ifdef __cplusplus\n}\n#endif\n#endif\n");
    return fflush(stdout) || ferror(stdout);
}
