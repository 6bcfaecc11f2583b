/* infer_oracle.c: reads lines "EXPR TAB name:dtype:shape ..." (shape as 3x4, empty for none) and prints for each what the results are:
 * "ok DTYPE SHAPE [KIND=BYTES]; ..." with the bytes of constants in hexadecimal, or "error STATUS COLUMN TEXT". Nothing is read: arrays
 * have dtypes and shapes but no data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/text.h"

enum { MAX_ARRAYS = 16, MAX_RESULTS = 64 };

static int no_data(void *user, const int64_t *lo, const int64_t *hi, void *out)
{
    (void)user, (void)lo, (void)hi, (void)out;
    return 1;
}

/* name:dtype:shape */
static chunk_status bind_array(chk_binding *out, chk_builder *b, char *spec, chunk_error *err)
{
    char *save, *name = strtok_r(spec, ":", &save), *dtype = strtok_r(NULL, ":", &save), *shape = strtok_r(NULL, ":", &save);
    chk_shape s = {.ndim = 0};
    chk_dtype d;
    if (!dtype || !chk_dtype_parse(&d, dtype, strlen(dtype))) return chk_fail(err, CHUNK_EINVAL, "bad array '%s'", name);
    for (char *p = shape; p && *p; p += *p == 'x') s.dim[s.ndim++] = strtoll(p, &p, 10);
    chk_source *src;
    CHK_TRY(chk_source_callback(&src, no_data, NULL, NULL, d, &s, NULL, true, err));
    out->name = name;
    chunk_status st = chk_node_source(&out->node, b, src, name, err);
    chk_source_release(src);
    return st;
}

static void print_node(const chk_node *n)
{
    char shape[256];
    printf(" %s %s", chk_dtype_name(n->dtype), chk_shape_text(shape, sizeof shape, &n->shape));
    if (n->kind != CHK_NODE_SCALAR) return;
    printf(" =");
    for (size_t i = 0; i < chk_dtype_size(n->dtype); i++) printf("%02x", n->u.scalar.v.bytes[i]);
}

static chunk_status answer(chk_builder *b, char *line, chk_binding *binding, int *n, chunk_error *err)
{
    char *bar = strchr(line, '\t'), *save;
    if (bar) *bar = 0;
    for (char *spec = bar ? strtok_r(bar + 1, " ", &save) : NULL; spec; spec = strtok_r(NULL, " ", &save)) {
        if (*n == MAX_ARRAYS) return chk_fail(err, CHUNK_EINVAL, "too many arrays");
        CHK_TRY(bind_array(&binding[*n], b, spec, err));
        (*n)++;
    }
    chk_text *t;
    chk_node *result[MAX_RESULTS];
    int n_results = 0;
    CHK_TRY(chk_text_parse(&t, b, line, err));
    chunk_status st = chk_text_n_statements(t) > MAX_RESULTS ? chk_fail(err, CHUNK_EINVAL, "too many statements")
                                                             : chk_text_build(result, &n_results, t, b, binding, *n, err);
    chk_text_free(t);
    if (st != CHUNK_OK) return st;
    printf("ok");
    for (int i = 0; i < n_results; i++) {
        if (i) printf(" ;");
        print_node(result[i]);
        chk_node_release(result[i]);
    }
    printf("\n");
    return CHUNK_OK;
}

int main(void)
{
    chk_builder *b;
    chunk_error err = {0};
    char *line = NULL;
    size_t room = 0;
    if (chk_builder_new(&b, chk_op_table, chk_op_table_n, &err) != CHUNK_OK) return 1;
    while (getline(&line, &room, stdin) > 0) {
        chk_binding binding[MAX_ARRAYS];
        int n = 0;
        line[strcspn(line, "\n")] = 0;
        memset(&err, 0, sizeof err);
        chunk_status st = answer(b, line, binding, &n, &err);
        if (st != CHUNK_OK) printf("error %d %d %s\n", st, err.column, err.text);
        for (int i = 0; i < n; i++) chk_node_release(binding[i].node);
        fflush(stdout);
    }
    free(line);
    chk_builder_free(b);
    return 0;
}
