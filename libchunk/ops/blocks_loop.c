/* blocks_loop.c: a generalised function over tiles: as many items a call as lie at even steps in all arrays. */
#include <string.h>

#include "include/chunk.h"
#include "ops/blocks.h"

/* The loop dimensions of tiles: extents, and steps of each array in bytes, the result's last. */
typedef struct loops {
    int ndim, n_arrays;
    int64_t extent[CHK_MAX_NDIM], step[CHK_SIG_ARRAYS][CHK_MAX_NDIM];
} loops;

static void enter(loops *l, int array, const chunk_tile *t, int n_core)
{
    int64_t next = (int64_t)chk_dtype_size((chk_dtype)t->dtype);
    int n_loop = t->ndim - n_core;
    for (int a = t->ndim - 1; a >= n_loop; a--) next *= t->shape[a];
    for (int a = n_loop - 1; a >= 0; a--) {
        l->step[array][l->ndim - n_loop + a] = t->shape[a] == 1 ? 0 : next;
        next *= t->shape[a];
    }
}

/* Dimensions of one element go; the others are joined with the next inner one where all arrays go on at even steps. */
static void join(loops *l)
{
    int n = 0;
    for (int a = 0; a < l->ndim; a++) {
        if (l->extent[a] == 1) continue;
        bool even = n > 0;
        for (int i = 0; i < l->n_arrays && even; i++) even = l->step[i][n - 1] == l->step[i][a] * l->extent[a];
        int to = even ? n - 1 : n++;
        l->extent[to] = even ? l->extent[to] * l->extent[a] : l->extent[a];
        for (int i = 0; i < l->n_arrays; i++) l->step[i][to] = l->step[i][a];
    }
    l->ndim = n;
}

int blocks_call_loop(const chk_user_op *fn, const chunk_block *b)
{
    const chk_signature *s = &fn->block.signature;
    loops l = {.ndim = b->out->ndim - s->ndim[s->n_in], .n_arrays = s->n_in + 1};
    int64_t core[CHK_SIG_DIMS] = {0}, at[CHK_MAX_NDIM] = {0}, step[CHK_SIG_ARRAYS];
    const void *in[CHK_SIG_ARRAYS];
    for (int i = 0; i <= s->n_in; i++) {
        const chunk_tile *t = i < s->n_in ? &b->in[i] : b->out;
        for (int k = 0; k < s->ndim[i]; k++) core[s->dim[i][k]] = t->shape[t->ndim - s->ndim[i] + k];
        enter(&l, i, t, s->ndim[i]);
    }
    memcpy(l.extent, b->out->shape, (size_t)l.ndim * sizeof *l.extent);
    join(&l);
    int last = l.ndim - 1;
    for (int i = 0; i <= s->n_in; i++) step[i] = last < 0 ? 0 : l.step[i][last];
    chunk_loop call = {sizeof call,     last < 0 ? 1 : l.extent[last], s->n_in, in, step, NULL, step[s->n_in], core, b->scratch,
                       b->scratch_bytes};
    for (;;) {
        for (int i = 0; i <= s->n_in; i++) {
            char *data = i < s->n_in ? b->in[i].data : b->out->data;
            for (int a = 0; a < last; a++) data += at[a] * l.step[i][a];
            in[i] = data;
        }
        call.out = (void *)in[s->n_in];
        int code = fn->block.loop(fn->user, &call);
        if (code != 0) return code;
        int a = last - 1;
        while (a >= 0 && ++at[a] == l.extent[a]) at[a--] = 0;
        if (a < 0) return 0;
    }
}
