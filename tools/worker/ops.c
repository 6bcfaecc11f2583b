/* ops.c: `chunk ops [NAME]`, printed from the library's table. */
#include <stdlib.h>
#include <string.h>

#include "worker.h"

static bool has_name(const chunk_op_info *op, const char *name)
{
    if (strcmp(op->name, name) == 0) return true;
    size_t n = strlen(name);
    for (const char *p = op->aliases; p != NULL && *p != 0;) {
        size_t word = strcspn(p, " ");
        if (word == n && strncmp(p, name, n) == 0) return true;
        p += word;
        p += strspn(p, " ");
    }
    return false;
}

static void print_family(const char *family)
{
    chunk_op_info op;
    printf("%s\n", family);
    for (int i = 0; i < chunk_op_count(); i++) {
        if (chunk_op_get(i, &op) != CHUNK_OK || strcmp(op.family, family) != 0) continue;
        printf("  %-58s %s\n", op.signature, op.summary);
    }
}

static void print_table(void)
{
    chunk_op_info op, earlier;
    for (int i = 0, shown = 0; i < chunk_op_count(); i++) {
        bool first = chunk_op_get(i, &op) == CHUNK_OK;
        for (int j = 0; j < i && first; j++)
            first = chunk_op_get(j, &earlier) != CHUNK_OK || strcmp(op.family, earlier.family) != 0;
        if (!first) continue;
        if (shown++ > 0) putchar('\n');
        print_family(op.family);
    }
}

static int print_one(const verdict *v, const char *name)
{
    int n = chunk_op_count();
    const char **names = need_memory((size_t)n, sizeof *names);
    for (int i = 0; i < n; i++) {
        chunk_op_info op;
        names[i] = "";
        if (chunk_op_get(i, &op) != CHUNK_OK) continue;
        names[i] = op.name;
        if (!has_name(&op, name)) continue;
        printf("%s\n\n%s.\n", op.signature, op.summary);
        if (op.aliases != NULL && *op.aliases != 0) printf("Also: %s\n", op.aliases);
        printf("Family: %s\n", op.family);
        if (op.doc != NULL && *op.doc != 0) printf("\n%s\n", op.doc);
        return finish_output(v);
    }
    const char *near = nearest_name(name, -1, names, n);
    if (near != NULL) return fail(v, EXIT_USAGE, 0, "no operation '%s'; did you mean %s?", name, near);
    return fail(v, EXIT_USAGE, 0, "no operation '%s'; chunk ops lists them", name);
}

int ops_main(char **args)
{
    verdict v = {.verb = "ops"};
    option_list operands = {0};
    bool help, version = false;
    const option options[] = {
        {"--help", "-h", OPTION_HELP, NULL}, {"--version", NULL, OPTION_FLAG, &version}, {NULL, NULL, OPTION_FLAG, NULL}};
    int code = read_options(&v, args, options, &operands, &help);
    if (code != 0) return code;
    if (help)
        print_help("ops");
    else if (version)
        puts("chunk " CHUNK_VERSION);
    else if (operands.n > 1)
        return fail(&v, EXIT_USAGE, 0, "one operation at a time: '%s'", operands.item[1]);
    else if (operands.n == 1)
        return print_one(&v, operands.item[0]);
    else
        print_table();
    return finish_output(&v);
}
