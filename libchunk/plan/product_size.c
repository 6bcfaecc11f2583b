/* product_size.c: cutting a product for shapes, chunks and ceiling: units, tiles, panels, cells. */
#include <string.h>

#include "base/alloc.h"
#include "plan/product_pass.h"

/* Cells: what one task computes with a panel: some milliseconds. Chunks of the target and blocks must meet within UNIT_MOST. Blocks to be written: 256 KiB
 * of float64. */
enum { CELL = 1024, UNIT_MOST = 4096, PANEL_MOST = 1024, CELLS_LEAST = 8, RUN_ELEMENTS = 32 << 10 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t up(int64_t n, int64_t by) { return (n + by - 1) / by; }

/* ---- memory */

/* Rows are padded, so that columns do not fall on one set of the cache. */
static void set_area(chk_product_area *area, int ndim, const int64_t *extent, size_t item)
{
    size_t next = (((size_t)extent[ndim - 1] * item + 63) & ~(size_t)63) + 64;
    area->stride[ndim - 1] = (int64_t)item;
    for (int a = ndim - 2; a >= 0; a--) {
        area->stride[a] = (int64_t)next;
        if (__builtin_mul_overflow(next, (size_t)extent[a], &next)) next = SIZE_MAX >> 8;
    }
    area->n_bytes = ndim > 1 ? next : (size_t)extent[0] * item;
}

/* Largest extents of a chunk of the batch axes, 1 where a factor is repeated. */
static void batch_extents(const chk_product *s, int f, int64_t *extent)
{
    for (int a = 0; a < s->n_batch; a++)
        extent[a] = f >= 0 && s->repeated[f][a] ? 1 : least(chk_axis_max_chunk(&s->grid.axis[a]), s->shape.dim[a]);
}

static void factor_extents(const chk_product *s, int f, int64_t along, int64_t panel_k, int64_t *extent)
{
    int long_axis = s->n_batch + (f == 0 ? s->spec.trans[0] : !s->spec.trans[1]);
    batch_extents(s, f, extent);
    extent[long_axis] = along;
    extent[2 * s->n_batch + 1 - long_axis] = panel_k;
}

/* ---- choosing tiles */

static void tile_at(chk_product *s, int depth)
{
    int64_t n[2] = {s->units_m, s->units_n};
    for (int level = 0; level < depth; level++) n[s->level_is_n[level]] = up(n[s->level_is_n[level]], 2);
    s->depth = depth;
    s->tile_m = least(n[0] * s->unit_m, up(s->m, s->unit_m) * s->unit_m);
    s->tile_n = least(n[1] * s->unit_n, up(s->n, s->unit_n) * s->unit_n);
}

static uint64_t set_areas(chk_product *s)
{
    int64_t extent[CHK_MAX_NDIM];
    int ndim = s->n_batch + 2;
    batch_extents(s, -1, extent);
    extent[ndim - 2] = least(s->tile_m, s->m);
    extent[ndim - 1] = least(s->tile_n, s->n);
    set_area(&s->area_c, ndim, extent, s->item);
    for (int f = 0; f < 2; f++) {
        factor_extents(s, f, f == 0 ? least(s->tile_m, s->m) : least(s->tile_n, s->n), least(s->panel_k, s->k), extent);
        set_area(&s->area[f], ndim, extent, s->item);
    }
    if (s->spec.half && s->depth <= 1) s->area[0].n_bytes = 0; /* all tiles are joined */
    return (uint64_t)s->area_c.n_bytes + (uint64_t)s->n_buffers * (s->area[0].n_bytes + s->area[1].n_bytes);
}

static int64_t chunk_along_k(const chk_product *s, int f)
{
    int k_axis = s->n_batch + (f == 0 ? !s->spec.trans[0] : s->spec.trans[1]);
    return least(chk_axis_max_chunk(&s->reader[f].grid.axis[k_axis]), s->k);
}

/* The thickest panel that is tried. */
static int64_t panel_limit(const chk_product *s)
{
    int64_t limit = PANEL_MOST;
    for (int f = s->first_reader; f < 2; f++)
        if (!s->reader[f].cuttable) limit = most(limit, chunk_along_k(s, f));
    return limit;
}

/* Chunks of a factor that are decoded more than once because panels are thinner than they are. */
static double again(const chk_product *s, int f) { return s->reader[f].cuttable ? 1 : (double)up(chunk_along_k(s, f), s->panel_k); }

/* How often the one factor is read whole: columns for each tile on or above the diagonal, rows for each above it. Tiles are squares or upright halves. */
static double times_half(const chk_product *s)
{
    double across = (double)up(s->n, s->tile_n), in_column = (double)up(s->tile_n, s->tile_m);
    double columns = in_column * across * (across + 1) / 2 - (in_column > 1 ? across / 2 : 0);
    return (columns + across * (across - 1) / 2) * (double)least(s->tile_n, s->n) / (double)s->n;
}

static double bytes_moved(const chk_product *s)
{
    if (s->spec.half) return (double)chk_reader_stored_bytes(&s->reader[1]) * again(s, 1) * times_half(s);
    double a = (double)chk_reader_stored_bytes(&s->reader[0]) * again(s, 0) * (double)up(s->n, s->tile_n);
    return a + (double)chk_reader_stored_bytes(&s->reader[1]) * again(s, 1) * (double)up(s->m, s->tile_m);
}

/* Is there only one panel in all? */
static bool one_panel(const chk_product *s) { return s->depth == 0 && s->n_batches == 1 && s->panel_k >= s->k; }

/* What moves the fewest bytes within `room`; of equals what reads ahead, with the thicker panels. The smallest where nothing fits. */
static void choose(chk_product *s, uint64_t room)
{
    int64_t limit = panel_limit(s);
    struct {
        int depth, n_buffers;
        int64_t panel_k;
        double cost;
    } best = {s->n_levels, 1, s->block_k, -1};
    for (int depth = 0; depth <= s->n_levels; depth++) {
        tile_at(s, depth);
        for (s->n_buffers = 2; s->n_buffers >= 1; s->n_buffers--)
            for (s->panel_k = s->block_k;; s->panel_k *= 2) {
                if (set_areas(s) > room || (s->n_buffers == 2 && one_panel(s))) break;
                double cost = bytes_moved(s) * (s->n_buffers == 1 ? 1.02 : 1);
                if (best.cost < 0 || cost < best.cost ||
                    (cost == best.cost && depth == best.depth && s->n_buffers == best.n_buffers)) {
                    best.depth = depth;
                    best.n_buffers = s->n_buffers;
                    best.panel_k = s->panel_k;
                    best.cost = cost;
                }
                if (2 * s->panel_k > limit || s->panel_k >= s->k) break;
            }
    }
    tile_at(s, best.depth);
    s->n_buffers = best.n_buffers;
    s->panel_k = best.panel_k;
    set_areas(s);
}

/* Cuts extents to a run of at most `most` elements of their C order. */
static void cut_run(int64_t *out, const int64_t *extent, int ndim, int64_t n)
{
    for (int a = ndim - 1; a >= 0; a--) {
        out[a] = least(extent[a], n);
        n = out[a] < extent[a] ? 1 : most(1, n / out[a]);
    }
}

/* Small tiles have cells of one block, so that there are several; but not where chunks of a factor would be decoded for each. */
static void cut_cells(chk_product *s)
{
    if (up(s->tile_m, s->cell_m) * up(s->tile_n, s->cell_n) < CELLS_LEAST) {
        if (s->reader[s->first_reader].cuttable) s->cell_m = s->block_m;
        if (s->reader[1].cuttable) s->cell_n = s->block_n;
    }
    s->cells_m = up(s->tile_m, s->cell_m);
    s->cells_n = up(s->tile_n, s->cell_n);
}

void chk_product_size(chk_pass *p, const chk_sizing *z)
{
    chk_product *s = p->ctx;
    int ndim = s->n_batch + 2;
    int64_t extent[CHK_MAX_NDIM];
    size_t window = 0;
    s->read_bytes = 0;
    s->cell_m = s->block_m * most(1, CELL / s->block_m);
    s->cell_n = s->block_n * most(1, CELL / s->block_n);
    for (int f = s->first_reader; f < 2; f++) {
        chk_need need;
        factor_extents(s, f, f == 0 ? least(s->cell_m, s->m) : least(s->cell_n, s->n), least(s->k, panel_limit(s)), extent);
        chk_reader_need(&s->reader[f], extent, &need);
        if (need.arena + need.transient > s->read_bytes) s->read_bytes = need.arena + need.transient;
        if (need.window > window) window = need.window;
    }
    batch_extents(s, -1, extent);
    for (int a = s->n_batch; a < ndim; a++) extent[a] = least(chk_axis_max_chunk(&s->grid.axis[a]), s->shape.dim[a]);
    cut_run(s->run, extent, ndim, least(z->block_elements, RUN_ELEMENTS));
    if (s->value && s->rows_at_once > 1) cut_run(s->run, extent, ndim, most(s->rows_at_once * extent[ndim - 1], 1));
    if (s->encoded || (s->value && s->n_batch && s->rows_at_once > 1)) memcpy(s->run, extent, sizeof s->run);
    chk_need finish = {.arena = chk_product_gather_bytes(s, s->run)};
    if (s->value) chk_reader_need(&s->finish, s->run, &finish);
    if (finish.window > window) window = finish.window;
    size_t store = chk_arena_cost(chk_extent_bytes(ndim, s->run, s->stored)) + chk_arena_cost(finish.arena + finish.transient) +
                   chk_arena_cost(s->kept_bytes) + chk_arena_cost(s->scratch_bytes);
    p->work_bytes = chk_page_round((size_t)most((int64_t)chk_arena_cost(s->read_bytes), (int64_t)store) + 64);
    p->window_bytes = window;
    p->worker_bytes = s->sink_worker_bytes + s->blas_bytes;
    p->serial = s->serial;
    for (int f = s->first_reader; f < 2; f++) {
        p->worker_bytes += chk_reader_worker_bytes(&s->reader[f]);
        p->serial |= !chk_reader_thread_safe(&s->reader[f]);
    }
    if (s->value) {
        p->worker_bytes += chk_reader_worker_bytes(&s->finish);
        p->serial |= !chk_reader_thread_safe(&s->finish);
    }
    uint64_t workers = (uint64_t)z->n_workers * (p->work_bytes + p->window_bytes + p->worker_bytes) + 3 * 4096;
    choose(s, z->room > workers ? z->room - workers : 0);
    s->region_c->n_bytes = s->area_c.n_bytes;
    for (int f = 0; f < 2; f++) s->region[f]->n_bytes = (uint64_t)s->n_buffers * s->area[f].n_bytes;
    s->n_panels = up(s->k, s->panel_k);
    cut_cells(s);
    s->n_stores = (s->chunks_in_unit << s->spec.half) << (s->n_levels - s->depth);
    p->ordered = true;
    p->bytes_read = (uint64_t)bytes_moved(s) + (s->value ? chk_reader_stored_bytes(&s->finish) : 0);
    p->bytes_written = s->direct ? (uint64_t)chk_shape_count(&s->shape) * chk_dtype_size(s->stored) : 0;
    p->n_tasks = chk_product_n_tasks(s);
}

/* ---- units */

/* Multiples of both the block and the chunk, so that neither is cut; 0 where they meet too late. */
static int64_t unit_of(int64_t extent, int64_t block, const chk_axis_grid *g)
{
    if (g->bounds || g->off != 0 || g->step != 1 || g->chunk < 1) return 0;
    if (g->chunk >= extent || block >= extent) return up(extent, block) * block;
    int64_t unit = block;
    while (unit % g->chunk && unit <= UNIT_MOST) unit += block;
    return unit <= UNIT_MOST ? unit : up(extent, block) * block <= UNIT_MOST ? up(extent, block) * block : 0;
}

bool chk_product_cut_units(chk_product *s, const chk_grid *grid)
{
    int a = s->n_batch;
    s->grid = *grid;
    s->unit_m = unit_of(s->m, s->block_m, &grid->axis[a]);
    s->unit_n = unit_of(s->n, s->block_n, &grid->axis[a + 1]);
    if (s->unit_m && s->spec.half) s->unit_m = s->unit_n = unit_of(s->n, s->unit_m, &grid->axis[a + 1]);
    if (!s->unit_m || !s->unit_n) return false;
    s->units_m = up(s->m, s->unit_m);
    s->units_n = up(s->n, s->unit_n);
    s->chunks_in_unit = up(s->unit_m, grid->axis[a].chunk) * up(s->unit_n, grid->axis[a + 1].chunk);
    s->n_levels = 0;
    for (int64_t n[2] = {s->units_m, s->units_n}; n[0] > 1 || n[1] > 1; s->n_levels++) {
        bool is_n = n[0] == 1 || (n[1] > 1 && n[1] * s->unit_n > n[0] * s->unit_m);
        s->level_is_n[s->n_levels] = is_n;
        n[is_n] = up(n[is_n], 2);
    }
    s->n_batches = 1;
    for (int i = 0; i < a; i++) s->n_batches *= grid->axis[i].n_chunks;
    return true;
}
