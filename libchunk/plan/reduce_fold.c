/* reduce_fold.c: one leaf into states. The leaf's axes are merged into alternating kept and reduced runs; the two innermost choose the kernel:
 * rows of contiguous elements for one result, or rows of results side by side. */
#include <string.h>

#include "plan/reduce.h"

typedef struct run {
    bool reduced;
    int64_t n, data_step, kept_step, index_step; /* steps in elements, results, indices */
} run;

typedef struct runs {
    int n;
    run run[CHK_MAX_NDIM];
    int64_t index0, j0;
} runs;

static void make_runs(runs *out, const chk_reducer *r, const chk_geometry *g, const chk_box *block, const chk_box *leaf)
{
    int ndim = g->space.ndim;
    bool wants_index = r->kern && r->kern->wants_index;
    int64_t data = 1, kept = 1, index = 1;
    run reversed[CHK_MAX_NDIM];
    int n = 0;
    out->index0 = out->j0 = 0;
    for (int a = ndim - 1; a >= 0; a--) {
        bool red = g->reduced >> a & 1;
        int64_t extent = chk_box_extent(leaf, a);
        if (red)
            out->index0 += leaf->lo[a] * index;
        else
            out->j0 += (leaf->lo[a] - block->lo[a]) * kept;
        if (extent > 1) {
            run *last = n ? &reversed[n - 1] : NULL;
            /* Kept axes inside a leaf are whole in the block but for the outermost, so they merge; so do reduced ones when nobody asks for indices. */
            if (last && last->reduced == red && !(red && wants_index))
                last->n *= extent;
            else
                reversed[n++] = (run){red, extent, data, red ? 0 : kept, red ? index : 0};
        }
        data *= extent;
        if (red)
            index *= g->space.dim[a];
        else
            kept *= chk_box_extent(block, a);
    }
    out->n = n;
    for (int i = 0; i < n; i++) out->run[i] = reversed[n - 1 - i];
}

static bool user_row(const chk_user_op *u, void *state, size_t j, const char *data, int64_t n, int64_t step, size_t item)
{
    char *s = (char *)state + j * u->red.state_bytes;
    if (step == 1) return u->red.fold(u->user, s, data, (size_t)n) == 0;
    char piece[4096];
    int64_t most = (int64_t)(sizeof piece / item);
    for (int64_t i = 0; i < n; i += most) {
        int64_t m = n - i < most ? n - i : most;
        chk_kern_gather(piece, data + i * step * (int64_t)item, step * (int64_t)item, item, (size_t)m);
        if (u->red.fold(u->user, s, piece, (size_t)m) != 0) return false;
    }
    return true;
}

/* A row of n contiguous elements into element j; built-in reductions. */
static void fold_row(const chk_reducer *r, void *state, size_t cap, size_t j, const char *data, size_t n, int64_t index)
{
    size_t item = chk_dtype_size(r->in);
    for (size_t i = 0; i < n; i += CHK_ROW_PIECE)
        r->kern->row(state, cap, j, data + i * item, n - i < CHK_ROW_PIECE ? n - i : CHK_ROW_PIECE, index + (int64_t)i);
}

/* The innermost one or two runs, at one place of the outer ones. */
static bool fold_inner(const chk_reducer *r, void *state, size_t cap, int64_t j, const char *data, int64_t index, const run *rows,
                       const run *inner)
{
    size_t item = chk_dtype_size(r->in);
    if (r->user) {
        if (!inner) return user_row(r->user, state, (size_t)j, data, 1, 1, item);
        if (inner->reduced) return user_row(r->user, state, (size_t)j, data, inner->n, 1, item);
        for (int64_t i = 0; i < inner->n; i++)
            if (!user_row(r->user, state, (size_t)(j + i), data + i * (int64_t)item, rows ? rows->n : 1, rows ? rows->data_step : 1,
                          item))
                return false;
        return true;
    }
    if (!inner)
        r->kern->row(state, cap, (size_t)j, data, 1, index);
    else if (inner->reduced && r->kern->wants_index &&
             inner->index_step != 1) /* an inner axis has extent 1 in this leaf, not in the array */
        r->kern->cols(state, cap, (size_t)j, 1, data, (size_t)inner->n, (size_t)inner->data_step, index, inner->index_step);
    else if (inner->reduced)
        fold_row(r, state, cap, (size_t)j, data, (size_t)inner->n, index);
    else if (rows)
        r->kern->cols(state, cap, (size_t)j, (size_t)inner->n, data, (size_t)rows->n, (size_t)rows->data_step, index,
                      rows->index_step);
    else
        r->kern->cols(state, cap, (size_t)j, (size_t)inner->n, data, 1, (size_t)inner->n, index, 0);
    return true;
}

bool chk_reducer_fold(const chk_reducer *r, void *state, size_t cap, const void *data, const chk_geometry *g, const chk_box *block,
                      const chk_box *leaf)
{
    runs all;
    make_runs(&all, r, g, block, leaf);
    size_t item = chk_dtype_size(r->in);
    int n = all.n;
    const run *inner = n ? &all.run[--n] : NULL, *rows = NULL;
    if (inner && !inner->reduced && n && all.run[n - 1].reduced) rows = &all.run[--n];
    int64_t at[CHK_MAX_NDIM] = {0};
    for (;;) {
        int64_t j = all.j0, index = all.index0, offset = 0;
        for (int i = 0; i < n; i++) {
            j += at[i] * all.run[i].kept_step;
            index += at[i] * all.run[i].index_step;
            offset += at[i] * all.run[i].data_step;
        }
        if (!fold_inner(r, state, cap, j, (const char *)data + offset * (int64_t)item, index, rows, inner)) return false;
        int i = n - 1;
        for (; i >= 0 && ++at[i] == all.run[i].n; i--) at[i] = 0;
        if (i < 0) return true;
    }
}

void chk_reducer_init(const chk_reducer *r, void *state, size_t cap, size_t k)
{
    if (r->kern) {
        r->kern->init(state, cap, 0, k);
        return;
    }
    for (size_t j = 0; j < k; j++) r->user->red.init(r->user->user, (char *)state + j * r->state_bytes);
}

bool chk_reducer_merge(const chk_reducer *r, void *into, const void *from, size_t cap, size_t k)
{
    if (r->kern) {
        r->kern->merge(into, cap, 0, from, cap, 0, k);
        return true;
    }
    for (size_t j = 0; j < k; j++)
        if (r->user->red.merge(r->user->user, (char *)into + j * r->state_bytes, (const char *)from + j * r->state_bytes) != 0)
            return false;
    return true;
}

bool chk_reducer_finish(const chk_reducer *r, void *out, const void *state, size_t cap, size_t j0, size_t k)
{
    if (r->kern) {
        r->kern->finish(out, state, cap, j0, k, r->param);
        return true;
    }
    for (size_t j = 0; j < k; j++)
        if (r->user->red.finish(r->user->user, (const char *)state + (j0 + j) * r->state_bytes,
                                (char *)out + j * chk_dtype_size(r->out)) != 0)
            return false;
    return true;
}
