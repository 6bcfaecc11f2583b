/* product_run.c: one task of a product: read a part of a panel, compute a cell with a panel, store a chunk. */
#include <string.h>

#include "base/thread.h"
#include "kern/blas.h"
#include "plan/product_pass.h"

/* ---- places */

/* Of a factor: the panel's buffer holds what its whole tile needs. */
static char *at_factor(const chk_product *s, int f, const chk_box *tile, const chk_product_task *t, const int64_t *index)
{
    int64_t panel = t->tile * s->n_panels + t->panel;
    int long_axis = s->n_batch + (f == 0 ? s->spec.trans[0] : !s->spec.trans[1]), k_axis = 2 * s->n_batch + 1 - long_axis;
    const int64_t *stride = s->area[f].stride;
    char *at = (char *)s->region[f]->buf.data + panel % s->n_buffers * (int64_t)s->area[f].n_bytes;
    for (int a = 0; a < s->n_batch; a++)
        if (!s->repeated[f][a]) at += (index[a] - tile->lo[a]) * stride[a];
    at += (index[long_axis] - tile->lo[s->n_batch + f]) * stride[long_axis];
    return at + (index[k_axis] - t->panel * s->panel_k) * stride[k_axis];
}

/* ---- reading */

static chunk_status read_part(const chk_product *s, chk_task *t, const chk_product_task *what, const chk_box *tile,
                              chk_arena *arena, chunk_error *err)
{
    int f = what->step == CHK_PRODUCT_READ_B;
    chk_box box;
    if (!chk_product_panel(s, f, tile, what->panel, f == 0 ? what->i : what->j, &box)) return CHUNK_OK;
    chk_hold books = {0};
    chunk_status st = chk_reader_read(&s->reader[s->first_reader | f], &box, at_factor(s, f, tile, what, box.lo), s->area[f].stride,
                                      arena, &books, err);
    chk_task_count(t, &books);
    return st;
}

/* ---- computing */

/* All blocks of one matrix of the batch; of a product by half, those that are not below the diagonal. */
static void multiply(const chk_product *s, const chk_box *tile, const chk_product_task *t, int64_t *index, const int64_t lo[3],
                     const int64_t hi[3])
{
    int nb = s->n_batch, left = chk_product_joined(s, tile);
    chk_gemm g = {.dtype = s->compute,
                  .trans_a = s->spec.trans[0],
                  .trans_b = s->spec.trans[1],
                  .conj = s->spec.conj,
                  .a_pitch = s->area[left].stride[nb] / (int64_t)s->item,
                  .b_pitch = s->area[1].stride[nb] / (int64_t)s->item,
                  .c_pitch = s->area_c.stride[nb] / (int64_t)s->item};
    for (int64_t i = lo[0]; i < hi[0]; i += s->block_m)
        for (int64_t j = s->spec.half && i > lo[1] ? i : lo[1]; j < hi[1]; j += s->block_n)
            for (int64_t k = lo[2]; k < hi[2]; k += s->block_k) {
                g.m = hi[0] - i < s->block_m ? hi[0] - i : s->block_m;
                g.n = hi[1] - j < s->block_n ? hi[1] - j : s->block_n;
                g.k = hi[2] - k < s->block_k ? hi[2] - k : s->block_k;
                g.add = k > 0;
                index[nb] = s->spec.trans[0] ? k : i;
                index[nb + 1] = s->spec.trans[0] ? i : k;
                g.a = at_factor(s, left, tile, t, index);
                index[nb] = s->spec.trans[1] ? j : k;
                index[nb + 1] = s->spec.trans[1] ? k : j;
                g.b = at_factor(s, 1, tile, t, index);
                index[nb] = i;
                index[nb + 1] = j;
                g.c = chk_product_at(s, tile, index);
                if (s->spec.half && i == j ? chk_syrk_blas(&g) : chk_gemm_blas(&g)) continue;
                chk_gemm_plain(&g);
            }
}

static chunk_status compute_cell(const chk_product *s, chk_task *t, const chk_product_task *what, const chk_box *tile,
                                 chunk_error *err)
{
    int nb = s->n_batch;
    int64_t index[CHK_MAX_NDIM],
        lo[3] = {tile->lo[nb] + what->i * s->cell_m, tile->lo[nb + 1] + what->j * s->cell_n, what->panel * s->panel_k};
    int64_t hi[3] = {lo[0] + s->cell_m, lo[1] + s->cell_n, lo[2] + s->panel_k}, end[3] = {tile->hi[nb], tile->hi[nb + 1], s->k};
    for (int i = 0; i < 3; i++)
        if (hi[i] > end[i]) hi[i] = end[i];
    if (lo[0] >= hi[0] || lo[1] >= hi[1] || lo[2] >= hi[2]) return CHUNK_OK;
    uint64_t t0 = chk_clock_ns();
    memcpy(index, tile->lo, sizeof index);
    for (int a = 0; a >= 0;) {
        if (chk_task_canceled(t)) return chk_fail(err, CHUNK_ECANCELED, "canceled");
        multiply(s, tile, what, index, lo, hi);
        for (a = nb - 1; a >= 0; a--) {
            if (++index[a] < tile->hi[a]) break;
            index[a] = tile->lo[a];
        }
    }
    t->stats.ns_compute += chk_clock_ns() - t0;
    return CHUNK_OK;
}

chunk_status chk_product_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    const chk_product *s = p->ctx;
    chk_product_task what;
    chk_box tile, chunk;
    chk_arena arena;
    chk_arena_init(&arena, t->work, p->work_bytes);
    chk_product_decode(s, t->number, &what);
    if (what.step != CHK_PRODUCT_STORE) chk_task_pass_turn(t);
    if (what.step == CHK_PRODUCT_NOTHING || !chk_product_tile(s, what.tile, &tile)) return CHUNK_OK;
    if (what.step == CHK_PRODUCT_COMPUTE) return compute_cell(s, t, &what, &tile, err);
    if (what.step != CHK_PRODUCT_STORE) return read_part(s, t, &what, &tile, &arena, err);
    return chk_product_stored(s, &tile, what.tile, what.store, &chunk) ? chk_product_store(s, t, &tile, &chunk, &arena, err)
                                                                       : CHUNK_OK;
}
