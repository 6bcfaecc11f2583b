/* expr_case.h: arrays without data for tests of expressions, and texts built in one call. */
#ifndef EXPR_CASE_H
#define EXPR_CASE_H

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "expr/text.h"

static inline void free_fake(chk_source *s) { free(s); }

/* Says that it is a file, so that JSON takes it; owned by malloc, so that armed faults do not reach it. chunk 0: as long as the axis. */
static inline chk_source *fake_source(const char *kind, chk_dtype d, int ndim, const int64_t *dim, const int64_t *chunk)
{
    static const chk_source_ops file = {.kind = "hdf5", .free = free_fake}, memory = {.kind = "memory", .free = free_fake};
    chk_source *s = calloc(1, sizeof *s);
    s->ops = strcmp(kind, "hdf5") ? &memory : &file;
    s->refs = 1;
    s->dtype = d;
    s->shape.ndim = ndim;
    int64_t c[CHK_MAX_NDIM];
    for (int i = 0; i < ndim; i++) {
        s->shape.dim[i] = dim[i];
        c[i] = chunk && chunk[i] ? chunk[i] : dim[i] ? dim[i] : 1;
    }
    s->grid = chk_grid_regular(&s->shape, c);
    return s;
}

static inline chk_builder *new_builder(void)
{
    chk_builder *b = NULL;
    if (chk_builder_new(&b, chk_op_table, chk_op_table_n, NULL) != CHUNK_OK) abort();
    return b;
}

/* A float64 array of a file, as a node. */
static inline chk_node *new_array(chk_builder *b, const char *name, chk_dtype d, int ndim, const int64_t *dim, const int64_t *chunk)
{
    chk_source *s = fake_source("hdf5", d, ndim, dim, chunk);
    chk_node *n = NULL;
    if (chk_node_source(&n, b, s, name, NULL) != CHUNK_OK) abort();
    chk_source_release(s);
    return n;
}
#define DIMS(...)                                                                                                                  \
    sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]) { __VA_ARGS__ }

/* Parses and builds; results has room for 16. */
static inline chunk_status build_text(chk_node **results, int *n, chk_builder *b, const char *text, const chk_binding *bindings,
                                      int n_bindings, chunk_error *err)
{
    chk_text *t;
    CHK_TRY(chk_text_parse(&t, b, text, err));
    chunk_status st = chk_text_n_statements(t) > 16 ? CHUNK_EINVAL : chk_text_build(results, n, t, b, bindings, n_bindings, err);
    chk_text_free(t);
    return st;
}

#endif
