/* product_pass.h: a pass of product.h (private to plan/product*.c). */
#ifndef CHK_PRODUCT_PASS_H
#define CHK_PRODUCT_PASS_H

#include "plan/product.h"

enum { CHK_PRODUCT_LEVELS = 64 };

/* Dense memory of a box: bytes from one element to the next along each axis, rows padded. */
typedef struct chk_product_area {
    int64_t stride[CHK_MAX_NDIM];
    size_t n_bytes;
} chk_product_area;

typedef struct chk_product {
    chk_product_spec spec;
    chk_dtype dtype, compute;
    size_t item;     /* bytes of a computed element */
    chk_shape shape; /* of the result */
    int n_batch;     /* axes before the last two */
    int64_t m, n, k;
    bool repeated[2][CHK_MAX_NDIM]; /* the factor has one element along that axis, the result more */
    chk_grid grid;                  /* of where the result goes */
    chk_reader reader[2];           /* half: the second is for both */
    int first_reader;
    chk_sink *sink;
    /* Set where the pass computes an expression over the product (product_finish.c): what it reads as the product's value; and the expression. */
    chk_source *value;
    chk_reader finish;
    int64_t rows_at_once; /* of it */
    chk_dtype stored;     /* what is stored: the product, or that expression */
    size_t blas_bytes;    /* of OpenBLAS's buffers, what no earlier pass of the plan has named */
    bool entered;         /* chk_blas_enter, and not left yet */
    bool own_sink, direct, encoded, ordered, serial;
    size_t sink_worker_bytes, kept_bytes, scratch_bytes; /* as chk_target's */
    char name[48];
    int64_t block_m, block_n, block_k;
    /* Cuts between tiles lie at multiples of units. Units are halved level by level along the longer side: a tree, walked depth first. A tile is a node of
     * it, so the order of the result's chunks does not depend on how large tiles are. */
    int64_t unit_m, unit_n, units_m, units_n;
    int n_levels;
    bool level_is_n[CHK_PRODUCT_LEVELS];
    int64_t chunks_in_unit, n_batches; /* chunks of the batch axes */
    /* set by sizing */
    int depth;
    int64_t tile_m, tile_n, panel_k, n_panels, cell_m, cell_n, cells_m, cells_n, n_stores;
    int n_buffers;
    int64_t run[CHK_MAX_NDIM]; /* what is written at once */
    size_t read_bytes;
    chk_product_area area_c, area[2];
    chk_region *region_c, *region[2];
} chk_product;

typedef enum chk_product_step {
    CHK_PRODUCT_READ_A,
    CHK_PRODUCT_READ_B,
    CHK_PRODUCT_COMPUTE,
    CHK_PRODUCT_STORE,
    CHK_PRODUCT_NOTHING
} chk_product_step;

/* What task number does. */
typedef struct chk_product_task {
    chk_product_step step;
    int64_t tile, panel; /* panel: of its tile */
    int64_t i, j;        /* cell row, cell column */
    int64_t store;
} chk_product_task;

/* product_size.c: whether the result can go straight to chunks of this grid; what ops->size is. */
bool chk_product_cut_units(chk_product *s, const chk_grid *grid);
void chk_product_size(chk_pass *p, const chk_sizing *z);

void chk_product_decode(const chk_product *s, uint64_t number, chk_product_task *out);
uint64_t chk_product_n_tasks(const chk_product *s);
bool chk_product_deps(const chk_pass *p, uint64_t task, int i, uint64_t *on);
/* The box of a tile in the result, and of one of the chunks that are stored from it; false where it is empty. */
bool chk_product_tile(const chk_product *s, int64_t tile, chk_box *out);
bool chk_product_stored(const chk_product *s, const chk_box *tile, int64_t tile_number, int64_t store, chk_box *out);
/* Half: whether all of the tile lies below the diagonal; whether the diagonal passes through it. */
bool chk_product_below(const chk_product *s, const chk_box *tile);
bool chk_product_joined(const chk_product *s, const chk_box *tile);
/* The part of factor f that cell row or column `cell` of a tile needs of a panel; false where it is empty. */
bool chk_product_panel(const chk_product *s, int f, const chk_box *tile, int64_t panel, int64_t cell, chk_box *out);
static inline char *chk_product_at(const chk_product *s, const chk_box *tile, const int64_t *index)
{
    char *at = s->region_c->buf.data;
    for (int a = 0; a < s->n_batch + 2; a++) at += (index[a] - tile->lo[a]) * s->area_c.stride[a];
    return at;
}

/* The tile that has this box, which lies in one chunk of the result, or its mirror image. */
int64_t chk_product_tile_of(const chk_product *s, const chk_box *box);
/* product_store.c: the product's values in a box of a tile, dense; the arena holds gather_bytes more, where that is not 0. */
size_t chk_product_gather_bytes(const chk_product *s, const int64_t *extent);
chunk_status chk_product_gather(const chk_product *s, const chk_box *tile, const chk_box *box, char *out, chk_arena *arena,
                                chunk_error *err);
/* product_finish.c: tries to have the pass finish the target's expression, whose chunks s->grid is. */
chunk_status chk_product_finish(chk_product *s, chk_plan_builder *b, const chk_node *n, chunk_error *err);
/* product_store.c: writes a chunk of a tile that is computed. */
chunk_status chk_product_store(const chk_product *s, chk_task *t, const chk_box *tile, const chk_box *chunk, chk_arena *arena,
                               chunk_error *err);
chunk_status chk_product_run(chk_pass *p, chk_task *t, chunk_error *err);

#endif
