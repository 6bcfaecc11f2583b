/* product_finish.c: expressions over a product, 2*(a @ b) + 3*c or maximum(a @ b + bias, 0), computed as its chunks are stored: a reader of the whole
 * expression finds the product as a source, which points into the tile. */
#include <string.h>

#include "base/alloc.h"
#include "plan/product_pass.h"

typedef struct value_source {
    chk_source s;
    const chk_product *product;
} value_source;

/* Where the tile holds other than what is to be read, it is copied. */
static bool is_copied(const chk_product *s) { return s->spec.half || s->dtype != s->compute; }

static void value_need(const chk_source *src, const chk_view *v, const int64_t *max_extent, int64_t n_boxes, bool aligned,
                       chk_need *out)
{
    (void)aligned;
    const chk_product *s = ((const value_source *)src)->product;
    size_t bytes = chk_extent_bytes(v->shape.ndim, max_extent, s->dtype);
    *out = (chk_need){0};
    if (is_copied(s)) out->arena = (size_t)n_boxes * (chk_arena_cost(bytes) + chk_product_gather_bytes(s, max_extent));
}

static chunk_status value_fetch(chk_source *src, const chk_view *v, const chk_box *boxes, size_t n, chk_arena *arena,
                                chk_hold *hold, chk_piece *out, chunk_error *err)
{
    (void)hold;
    const chk_product *s = ((value_source *)src)->product;
    for (size_t i = 0; i < n; i++) {
        chk_box tile;
        if (!chk_product_tile(s, chk_product_tile_of(s, &boxes[i]), &tile))
            return chk_fail(err, CHUNK_ESTATE, "internal: %s: a box that is in no tile", s->name);
        out[i] = (chk_piece){0};
        if (!is_copied(s)) {
            chk_piece_place(&out[i], s->region_c->buf.data, &tile, s->area_c.stride, v, &boxes[i]);
            continue;
        }
        char *data = chk_arena_get(arena, (size_t)chk_box_count(&boxes[i]) * chk_dtype_size(s->dtype));
        if (!data) return chk_fail(err, CHUNK_ESTATE, "internal: a block of %s is larger than planned", s->name);
        CHK_TRY(chk_product_gather(s, &tile, &boxes[i], data, arena, err));
        chk_piece_point(&out[i], data, &boxes[i], v, &boxes[i], chk_dtype_size(s->dtype));
    }
    return CHUNK_OK;
}

static void value_release(chk_source *src, chk_hold *hold) { (void)src, (void)hold; }
static void value_free(chk_source *src) { chk_free(src); }

static const chk_source_ops value_ops = {
    .kind = "product", .need = value_need, .fetch = value_fetch, .release = value_release, .free = value_free};

/* Chunks that are decoded whole must each lie in one chunk of the result. */
static bool fits_chunks(const chk_product *s, const chk_prog_input *in)
{
    if (in->source->cuttable) return true;
    for (int b = 0; b < in->view.base_ndim; b++) {
        const chk_axis_grid *from = &in->source->grid.axis[b];
        if (from->n_chunks <= 1) continue;
        int a = in->view.axis[b];
        if (a < 0 || in->view.off[b] != 0 || in->view.step[b] != 1 || from->bounds || from->off != 0 || from->step != 1)
            return false;
        if (s->grid.axis[a].bounds || s->grid.axis[a].chunk % from->chunk != 0) return false;
    }
    return true;
}

/* Rows of the result that hold whole chunks of what is decoded whole, 1 where nothing is. */
static int64_t rows_at_once(const chk_product *s)
{
    int64_t rows = 1, all = s->grid.axis[s->n_batch].chunk;
    for (int i = 0; i < s->finish.program.n_inputs; i++) {
        const chk_prog_input *in = &s->finish.program.input[i];
        for (int b = 0; b < in->view.base_ndim && !in->source->cuttable; b++) {
            int64_t chunk = in->source->grid.axis[b].chunk;
            if (in->view.axis[b] != s->n_batch || rows % chunk == 0) continue;
            rows = chunk % rows == 0 && chunk < all ? chunk : all;
        }
    }
    return rows;
}

chunk_status chk_product_finish(chk_product *s, chk_plan_builder *b, const chk_node *n, chunk_error *err)
{
    value_source *v = chk_calloc(1, sizeof *v);
    if (!v) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning %s", s->name);
    v->s = (chk_source){
        .ops = &value_ops, .refs = 1, .dtype = n->dtype, .shape = n->shape, .grid = s->grid, .cuttable = true, .thread_safe = true};
    strcpy(v->s.name, "a tile of the product");
    v->product = s;
    chunk_status st = chk_plan_finish_reader(&s->finish, b, &v->s, err);
    bool fits = st == CHUNK_OK;
    for (int i = 0; fits && i < s->finish.program.n_inputs; i++) fits = fits_chunks(s, &s->finish.program.input[i]);
    if (fits) {
        s->value = &v->s;
        s->rows_at_once = rows_at_once(s);
        return CHUNK_OK;
    }
    if (st == CHUNK_OK) chk_reader_done(&s->finish);
    chk_source_release(&v->s);
    return st;
}
