/* kern_oracle.c: kernels driven from Python (test_kern_numpy.py). Reads commands, a line each and then the inputs' bytes; writes the result's.
 *   list                                    names: "index name n_in" a line, functions, an empty line, reductions, an empty line
 *   isa LEVEL                               chooses the level; answers the level in use
 *   map FN DTYPE N                          answers the bytes of the result, or an empty answer where there is no kernel
 *   cast FROM TO N
 *   red RED DTYPE ROWS COLS SPLIT PARAM     folds each column of ROWS by COLS elements, the rows before SPLIT and after it merged
 *   row RED DTYPE ROWS COLS SPLIT PARAM     folds each row, its elements before SPLIT and after it merged
 *   move WHAT ITEM N                        shuffle, unshuffle, bitshuffle, bitunshuffle, bswap
 * FN, RED and dtypes are numbers. An answer is its length in decimal on a line, then the bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/kern.h"

static void *get(size_t n)
{
    void *p = malloc(n + 1);
    if (!p) exit(3);
    return p;
}

static void *read_bytes(size_t n)
{
    void *p = get(n);
    if (fread(p, 1, n, stdin) != n) exit(4);
    return p;
}

static void answer(const void *p, size_t n)
{
    printf("%zu\n", n);
    fwrite(p, 1, n, stdout);
    fflush(stdout);
}

static void list(void)
{
    for (int f = 1; f < CHK_NFN; f++) printf("%d %s %d\n", f, chk_fn_name((chk_fn)f), chk_fn_n_in((chk_fn)f));
    printf("\n");
    for (int r = 0; r < CHK_NRED; r++) printf("%d %s 1\n", r, chk_red_name((chk_red)r));
    printf("\n");
    fflush(stdout);
}

static void map(chk_fn fn, chk_dtype d, size_t n)
{
    const void *in[3] = {0};
    bool mixed = fn >= CHK_FN_EQ_IU && fn <= CHK_FN_GE_IU;
    for (int i = 0; i < chk_fn_n_in(fn); i++) {
        chk_dtype each = fn == CHK_FN_WHERE && i == 0 ? CHK_BOOL : mixed && i == 1 ? CHK_U64 : d;
        in[i] = read_bytes(n * chk_dtype_size(each));
    }
    size_t bytes = n * chk_dtype_size(chk_fn_out_dtype(fn, d));
    void *out = get(bytes);
    chk_kern k = chk_kern_find(fn, d);
    if (k) k(out, in, n);
    answer(out, k ? bytes : 0);
    for (int i = 0; i < 3; i++) free((void *)in[i]);
    free(out);
}

static void cast(chk_dtype from, chk_dtype to, size_t n)
{
    const void *in[1] = {read_bytes(n * chk_dtype_size(from))};
    void *out = get(n * chk_dtype_size(to));
    chk_kern_cast(from, to)(out, in, n);
    answer(out, n * chk_dtype_size(to));
    free((void *)in[0]);
    free(out);
}

static void reduce(bool by_row, chk_red red, chk_dtype d, size_t rows, size_t cols, size_t split, double param)
{
    size_t item = chk_dtype_size(d), k = by_row ? rows : cols, cap = k + 3; /* states in the middle of a block */
    char *data = read_bytes(rows * cols * item), *second = data + split * (by_row ? 1 : cols) * item;
    const chk_red_kern *r = chk_red_find(red, d);
    if (!r) {
        answer(data, 0);
        free(data);
        return;
    }
    void *a = get(r->state_bytes * cap), *b = get(r->state_bytes * cap);
    size_t bytes = k * chk_dtype_size(chk_red_out_dtype(red, d));
    void *out = get(bytes);
    r->init(a, cap, 1, k);
    r->init(b, cap, 2, k);
    if (by_row) {
        for (size_t i = 0; i < rows; i++) {
            r->row(a, cap, 1 + i, data + i * cols * item, split, 0);
            r->row(b, cap, 2 + i, second + i * cols * item, cols - split, (int64_t)split);
        }
    } else {
        r->cols(a, cap, 1, k, data, split, cols, 0, 1);
        r->cols(b, cap, 2, k, second, rows - split, cols, (int64_t)split, 1);
    }
    r->merge(a, cap, 1, b, cap, 2, k);
    r->finish(out, a, cap, 1, k, param);
    answer(out, bytes);
    free(data), free(a), free(b), free(out);
}

static void move(const char *what, size_t item, size_t n)
{
    void *in = read_bytes(item * n), *out = get(item * n);
    if (!strcmp(what, "shuffle")) chk_kern_shuffle(out, in, item, item * n);
    if (!strcmp(what, "unshuffle")) chk_kern_unshuffle(out, in, item, item * n);
    if (!strcmp(what, "bitshuffle")) chk_kern_bitshuffle(out, in, item, n);
    if (!strcmp(what, "bitunshuffle")) chk_kern_bitunshuffle(out, in, item, n);
    if (!strcmp(what, "bswap")) chk_kern_bswap(out, in, item, n);
    answer(out, item * n);
    free(in), free(out);
}

int main(void)
{
    char line[256], what[32];
    while (fgets(line, sizeof line, stdin)) {
        unsigned f, d, to;
        size_t n, rows, cols, split;
        double param;
        if (!strcmp(line, "list\n")) {
            list();
        } else if (sscanf(line, "isa %u", &f) == 1) {
            chk_isa_set((chk_isa)f);
            answer(chk_isa_name(chk_isa_now()), strlen(chk_isa_name(chk_isa_now())));
        } else if (sscanf(line, "map %u %u %zu", &f, &d, &n) == 3) {
            map((chk_fn)f, (chk_dtype)d, n);
        } else if (sscanf(line, "cast %u %u %zu", &d, &to, &n) == 3) {
            cast((chk_dtype)d, (chk_dtype)to, n);
        } else if (sscanf(line, "red %u %u %zu %zu %zu %lf", &f, &d, &rows, &cols, &split, &param) == 6) {
            reduce(false, (chk_red)f, (chk_dtype)d, rows, cols, split, param);
        } else if (sscanf(line, "row %u %u %zu %zu %zu %lf", &f, &d, &rows, &cols, &split, &param) == 6) {
            reduce(true, (chk_red)f, (chk_dtype)d, rows, cols, split, param);
        } else if (sscanf(line, "move %31s %zu %zu", what, &rows, &n) == 3) {
            move(what, rows, n);
        } else {
            fprintf(stderr, "kern_oracle: what is %s", line);
            return 2;
        }
    }
    return 0;
}
