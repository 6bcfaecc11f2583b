/* product.c: planning a product; opening and closing its pass. product_size.c cuts it for the ceiling, product_tiles.c is the arithmetic of tiles,
 * product_run.c and product_store.c are what tasks do. */
#include "plan/product.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "kern/blas.h"
#include "plan/product_pass.h"

/* There are this many blocks, or else they are this small. */
enum { BLOCKS_LEAST = 8, HALF_LEAST = 6, BLOCK_LEAST = 256 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t up(int64_t n, int64_t by) { return (n + by - 1) / by; }

/* ---- the pass */

static void product_sources(const chk_pass *p, chk_source_visit visit, void *arg)
{
    const chk_product *s = p->ctx;
    for (int f = s->first_reader; f < 2; f++) chk_reader_sources(&s->reader[f], visit, arg);
    if (s->value) chk_reader_sources(&s->finish, visit, arg);
}

static void product_bind(chk_pass *p, int out, chk_sink *sink)
{
    (void)out;
    ((chk_product *)p->ctx)->sink = sink;
}

static chunk_status product_open(chk_pass *p, int n_workers, chunk_error *err)
{
    (void)n_workers, (void)err;
    chk_product *s = p->ctx;
    if (!s->entered) chk_blas_enter();
    s->entered = true;
    return CHUNK_OK;
}

/* Once, after the last task; where the run failed, when the plan is freed. */
static void leave(chk_product *s)
{
    if (s->entered) chk_blas_leave();
    s->entered = false;
}

static chunk_status product_close(chk_pass *p, int *next_pass, chunk_error *err)
{
    (void)next_pass;
    leave(p->ctx);
    chk_sink *sink = ((chk_product *)p->ctx)->sink;
    return sink->ops->finish ? sink->ops->finish(sink, err) : CHUNK_OK;
}

static void product_free(chk_pass *p)
{
    chk_product *s = p->ctx;
    if (!s) return;
    leave(s);
    for (int f = s->first_reader; f < 2; f++) chk_reader_done(&s->reader[f]);
    if (s->value) {
        chk_reader_done(&s->finish);
        chk_source_release(s->value);
    }
    if (s->own_sink) chk_sink_free(s->sink);
    chk_free(s);
    p->ctx = NULL;
}

static void product_advise(chk_pass *p, uint64_t number)
{
    const chk_product *s = p->ctx;
    chk_product_task t;
    chk_box tile, box;
    chk_product_decode(s, number, &t);
    if (t.step == CHK_PRODUCT_STORE && s->value && chk_product_tile(s, t.tile, &tile) &&
        chk_product_stored(s, &tile, t.tile, t.store, &box))
        chk_reader_advise(&s->finish, &box);
    if (t.step != CHK_PRODUCT_READ_A && t.step != CHK_PRODUCT_READ_B) return;
    int f = t.step == CHK_PRODUCT_READ_B;
    if (chk_product_tile(s, t.tile, &tile) && chk_product_panel(s, f, &tile, t.panel, f == 0 ? t.i : t.j, &box))
        chk_reader_advise(&s->reader[s->first_reader | f], &box);
}

static void product_describe(const chk_pass *p, char *buf, size_t size)
{
    const chk_product *s = p->ctx;
    const chk_blas *blas = chk_blas_get();
    chk_kind kind = chk_dtype_kind(s->compute);
    bool real = kind == CHK_KIND_FLOAT || kind == CHK_KIND_COMPLEX;
    snprintf(buf, size, "tiles of %lld x %lld, panels of %lld, %s%s%s; by %s%s%s", (long long)least(s->tile_m, s->m),
             (long long)least(s->tile_n, s->n), (long long)least(s->panel_k, s->k),
             s->n_buffers == 1 ? "one at a time" : "the next read meanwhile",
             !s->spec.half  ? ""
             : s->spec.conj ? "; Hermitian: half the blocks"
                            : "; symmetric: half the blocks",
             s->value ? "; the expression over it from the tile" : "", real && blas->found ? "OpenBLAS, " : "own loops",
             real && blas->found ? blas->core : "", real && blas->hosts ? " as this process has it" : "");
}

static const chk_pass_ops product_ops = {.kind = "product",
                                         .size = chk_product_size,
                                         .sources = product_sources,
                                         .bind = product_bind,
                                         .open = product_open,
                                         .deps = chk_product_deps,
                                         .run = chk_product_run,
                                         .advise = product_advise,
                                         .close = product_close,
                                         .free = product_free,
                                         .describe = product_describe};

/* ---- planning */

static void go_direct(chk_product *s, const chk_target *t)
{
    s->direct = true;
    s->encoded = t->whole_chunks;
    s->ordered = t->ordered;
    s->serial = t->serial;
    s->sink_worker_bytes = t->worker_bytes;
    s->kept_bytes = t->kept_bytes;
    s->scratch_bytes = t->scratch_bytes;
}

/* That are computed: those below the diagonal are not. */
static int64_t n_blocks(const chk_product *s)
{
    int64_t across = up(s->n, s->block_n);
    return s->spec.half ? across * (across + 1) / 2 : up(s->m, s->block_m) * across;
}

static void set_shape(chk_product *s, const chk_node *n)
{
    int nb = s->n_batch = n->shape.ndim - 2;
    const chk_node *a = n->in[0], *b = n->in[1];
    s->dtype = s->stored = n->dtype;
    s->compute = a->dtype;
    s->item = chk_dtype_size(s->compute);
    s->shape = n->shape;
    s->m = n->shape.dim[nb];
    s->n = n->shape.dim[nb + 1];
    s->k = a->shape.dim[nb + !s->spec.trans[0]];
    for (int f = 0; f < 2; f++)
        for (int i = 0; i < nb; i++) s->repeated[f][i] = n->in[f]->shape.dim[i] == 1 && n->shape.dim[i] > 1;
    int ak = nb + !s->spec.trans[0], bk = nb + s->spec.trans[1];
    bool like_b = chk_axis_max_chunk(&b->grid.axis[bk]) > chk_axis_max_chunk(&a->grid.axis[ak]);
    s->block_m = chk_product_block(s->m, &a->grid.axis[nb + s->spec.trans[0]], CHK_PRODUCT_BLOCK);
    s->block_n = chk_product_block(s->n, &b->grid.axis[nb + !s->spec.trans[1]], CHK_PRODUCT_BLOCK);
    int64_t whole_m = s->block_m, whole_n = s->block_n;
    while (n_blocks(s) < (s->spec.half ? HALF_LEAST : BLOCKS_LEAST) && (s->block_m > BLOCK_LEAST || s->block_n > BLOCK_LEAST)) {
        bool is_n = s->block_m < s->block_n;
        if (is_n || s->spec.half) s->block_n = up(s->block_n, 2);
        if (!is_n || s->spec.half) s->block_m = up(s->block_m, 2);
    }
    if (!chk_product_cut_units(s, &n->grid)) { /* halves of 999 and the chunks, which are wholes, meet too late */
        s->block_m = whole_m;
        s->block_n = whole_n;
    }
    s->block_k = chk_product_block(s->k, like_b ? &b->grid.axis[bk] : &a->grid.axis[ak], CHK_PRODUCT_BLOCK_K);
}

/* The target's chunks, finished or not; else chunks of its own. */
static chunk_status choose_place(chk_product *s, chk_plan_builder *b, const chk_node *n, chunk_error *err)
{
    const chk_target *direct = chk_plan_direct(b), *finish = chk_plan_finish(b), *target = direct ? direct : finish;
    if (target && chk_product_cut_units(s, target->own_grid ? &target->grid : &n->grid)) {
        if (finish) CHK_TRY(chk_product_finish(s, b, n, err));
        if (s->value) s->stored = finish->node->dtype;
        if (direct || s->value) go_direct(s, target);
    }
    if (s->direct || chk_product_cut_units(s, &n->grid)) return CHUNK_OK;
    return chk_fail(err, CHUNK_ESTATE, "internal: %s: chunks of its own do not fit", s->name);
}

chunk_status chk_product_lower(chk_plan_builder *b, const chk_node *n, const chk_product_spec *spec, chunk_error *err)
{
    static const char *const names[2] = {"panels of the left factor", "panels of the right factor"};
    chk_product *s = chk_calloc(1, sizeof *s);
    if (!s) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning %s", n->name);
    s->spec = *spec;
    s->first_reader = spec->half;
    set_shape(s, n);
    snprintf(s->name, sizeof s->name, "%s", n->name);
    chunk_status st = choose_place(s, b, n, err);
    for (int f = s->first_reader; f < 2 && st == CHUNK_OK; f++) st = chk_plan_reader(&s->reader[f], b, n->in[f], err);
    if (st != CHUNK_OK) {
        product_free(&(chk_pass){.ctx = s});
        return st;
    }
    int pass;
    CHK_TRY(chk_plan_add_pass(&pass, b, &product_ops, s, s->name, err));
    CHK_TRY(chk_plan_add_region(&s->region_c, b, "a tile of the product", 0, pass, pass, pass, err));
    for (int f = 0; f < 2; f++) CHK_TRY(chk_plan_add_region(&s->region[f], b, names[f], 0, pass, pass, pass, err));
    if (chk_blas_get()->found)
        s->blas_bytes = chk_plan_calls_blas(
            b, CHK_BLAS_BYTES,
            chk_blas_worker_bytes(least(s->m, s->block_m), least(s->n, s->block_n), least(s->k, s->block_k), s->item));
    if (s->direct) {
        chk_plan_take_direct(b, pass, 0);
        return CHUNK_OK;
    }
    s->own_sink = true;
    return chk_plan_result_place(&s->sink, b, err);
}
