/* text.h: the expression language: NumPy-like text to a syntax tree (no names looked up, nothing opened), then the tree to nodes.
 *
 * Bounded: text up to 1 MiB, nesting up to 200, tokens up to 100,000. Errors carry the column. Nothing is ever evaluated as code. */
#ifndef CHK_TEXT_H
#define CHK_TEXT_H

#include "expr/op.h"

typedef struct chk_text chk_text; /* a parsed text: a list of statements */

typedef struct chk_statement {
    const char *name; /* NULL for a bare EXPR */
    bool keep;        /* NAME := EXPR : an intermediate, not a result */
    int column;
} chk_statement;

/* Syntax only: operators, calls, brackets, statements; function names and keyword names are checked against b. */
chunk_status chk_text_parse(chk_text **out, const chk_builder *b, const char *text, chunk_error *err);
void chk_text_free(chk_text *t);
int chk_text_n_statements(const chk_text *t);
chk_statement chk_text_statement(const chk_text *t, int i);
/* Free names (neither functions, nor constants that are not shadowed, nor names defined by an earlier statement), each once, in order. */
int chk_text_n_names(const chk_text *t);
const char *chk_text_name(const chk_text *t, int i, int *column);

typedef struct chk_binding {
    const char *name;
    chk_node *node;
} chk_binding;
/* Builds the results (statements that are not keep), counted, in order; results has room for chk_text_n_statements. */
chunk_status chk_text_build(chk_node **results, int *n_results, const chk_text *t, chk_builder *b, const chk_binding *bindings,
                            int n_bindings, chunk_error *err);

#endif
