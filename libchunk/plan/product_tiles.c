/* product_tiles.c: which task of a product does what, where, and after which others.
 *
 * Order of tasks: the panels of tile 0 that come first are read; then for each panel its cells are computed, half of them, then the next panel is read,
 * then the other half is computed; after a tile's last panel it is stored. The panel after a tile's last one is the next tile's first. */
#include "plan/product_pass.h"

int64_t chk_product_block(int64_t extent, const chk_axis_grid *like, int64_t most)
{
    if (extent <= most) return extent > 0 ? extent : 1;
    int64_t c = like->bounds || like->off != 0 || like->step != 1 ? 0 : like->chunk;
    if (c < 1) return most / 2;
    if (c <= most) return most / c * c;
    for (int64_t d = most; d >= most / 2; d--)
        if (c % d == 0) return d;
    return most / 2;
}

static int64_t n_loads(const chk_product *s) { return s->cells_m + s->cells_n; }
static int64_t n_computes(const chk_product *s) { return s->cells_m * s->cells_n; }
/* Cells of a panel before the next panel is read: with one buffer, all. */
static int64_t n_first(const chk_product *s) { return s->n_buffers == 1 ? n_computes(s) : n_computes(s) - n_computes(s) / 2; }
static int64_t per_panel(const chk_product *s) { return n_loads(s) + n_computes(s); }
static int64_t per_tile(const chk_product *s) { return s->n_panels * per_panel(s) + s->n_stores; }
static int64_t n_tiles(const chk_product *s) { return s->n_batches << s->depth; }

uint64_t chk_product_n_tasks(const chk_product *s) { return (uint64_t)(n_loads(s) + n_tiles(s) * per_tile(s)); }

/* Panels are counted through all tiles. */
static int64_t load_number(const chk_product *s, int64_t panel, int64_t load)
{
    if (panel == 0) return load;
    int64_t before = panel - 1;
    return n_loads(s) + before / s->n_panels * per_tile(s) + before % s->n_panels * per_panel(s) + n_first(s) + load;
}

static int64_t compute_number(const chk_product *s, int64_t panel, int64_t i, int64_t j)
{
    int64_t cell = i * s->cells_n + j;
    return n_loads(s) + panel / s->n_panels * per_tile(s) + panel % s->n_panels * per_panel(s) + cell +
           (cell < n_first(s) ? 0 : n_loads(s));
}

static int64_t store_number(const chk_product *s, int64_t tile, int64_t store)
{
    return n_loads(s) + tile * per_tile(s) + s->n_panels * per_panel(s) + store;
}

static void decode_load(const chk_product *s, int64_t panel, int64_t load, chk_product_task *out)
{
    out->tile = panel / s->n_panels;
    out->panel = panel % s->n_panels;
    out->step = out->tile >= n_tiles(s) ? CHK_PRODUCT_NOTHING : load < s->cells_m ? CHK_PRODUCT_READ_A : CHK_PRODUCT_READ_B;
    out->i = out->j = load < s->cells_m ? load : load - s->cells_m;
}

void chk_product_decode(const chk_product *s, uint64_t number, chk_product_task *out)
{
    int64_t at = (int64_t)number - n_loads(s);
    if (at < 0) {
        decode_load(s, 0, (int64_t)number, out);
        return;
    }
    *out = (chk_product_task){.tile = at / per_tile(s)};
    at %= per_tile(s);
    if (at >= s->n_panels * per_panel(s)) {
        out->step = CHK_PRODUCT_STORE;
        out->store = at - s->n_panels * per_panel(s);
        return;
    }
    out->panel = at / per_panel(s);
    int64_t cell = at % per_panel(s), first = n_first(s);
    if (cell >= first && cell < first + n_loads(s)) {
        decode_load(s, out->tile * s->n_panels + out->panel + 1, cell - first, out);
        return;
    }
    if (cell >= first) cell -= n_loads(s);
    out->step = CHK_PRODUCT_COMPUTE;
    out->i = cell / s->cells_n;
    out->j = cell % s->cells_n;
}

/* The i-th of the cells of a tile that a stored box lies in; false after the last. */
static bool cell_under(const chk_product *s, const chk_box *tile, const chk_box *stored, int at, int64_t *i, int64_t *j)
{
    int m = s->n_batch, n = m + 1;
    int64_t i0 = (stored->lo[m] - tile->lo[m]) / s->cell_m, j0 = (stored->lo[n] - tile->lo[n]) / s->cell_n;
    int64_t i1 = (stored->hi[m] - tile->lo[m] - 1) / s->cell_m, across = (stored->hi[n] - tile->lo[n] - 1) / s->cell_n - j0 + 1;
    *i = i0 + at / across;
    *j = j0 + at % across;
    return *i <= i1;
}

bool chk_product_deps(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    const chk_product *s = p->ctx;
    chk_product_task t;
    chk_product_decode(s, task, &t);
    int64_t panel = t.tile * s->n_panels + t.panel, number = -1;
    chk_box tile, stored;
    switch (t.step) {
    case CHK_PRODUCT_READ_A: /* what the buffer held was used */
        if (panel >= s->n_buffers && i < s->cells_n) number = compute_number(s, panel - s->n_buffers, t.i, i);
        break;
    case CHK_PRODUCT_READ_B:
        if (panel >= s->n_buffers && i < s->cells_m) number = compute_number(s, panel - s->n_buffers, i, t.j);
        break;
    case CHK_PRODUCT_COMPUTE:
        if (i == 0)
            number = load_number(s, panel, t.i);
        else if (i == 1)
            number = load_number(s, panel, s->cells_m + t.j);
        else if (t.panel > 0)
            number = i == 2 ? compute_number(s, panel - 1, t.i, t.j) : -1;
        else if (t.tile > 0 && i - 2 < s->n_stores) /* what lay here was stored */
            number = store_number(s, t.tile - 1, i - 2);
        break;
    case CHK_PRODUCT_STORE:
        if (!chk_product_tile(s, t.tile, &tile) || !chk_product_stored(s, &tile, t.tile, t.store, &stored)) break;
        if (cell_under(s, &tile, &stored, i, &t.i, &t.j)) number = compute_number(s, (t.tile + 1) * s->n_panels - 1, t.i, t.j);
        break;
    default: break;
    }
    *on = (uint64_t)number;
    return number >= 0;
}

/* ---- boxes */

/* From one level of the tree to another: bits of path, the highest first, say which half. Units. */
static void walk(const chk_product *s, int64_t lo[2], int64_t hi[2], int from, int to, int64_t path)
{
    for (int level = from; level < to; level++) {
        int a = s->level_is_n[level];
        int64_t middle = lo[a] + (hi[a] - lo[a] + 1) / 2;
        if (path >> (to - 1 - level) & 1)
            lo[a] = middle;
        else
            hi[a] = middle;
    }
}

static bool clip(const chk_product *s, const int64_t lo[2], const int64_t hi[2], chk_box *out)
{
    const int64_t unit[2] = {s->unit_m, s->unit_n};
    bool any = true;
    out->ndim = s->n_batch + 2;
    for (int a = 0; a < 2; a++) {
        int at = s->n_batch + a;
        out->lo[at] = lo[a] * unit[a];
        out->hi[at] = hi[a] * unit[a] < s->shape.dim[at] ? hi[a] * unit[a] : s->shape.dim[at];
        any &= out->lo[at] < out->hi[at];
    }
    return any;
}

static void tile_units(const chk_product *s, int64_t tile, int64_t lo[2], int64_t hi[2])
{
    lo[0] = lo[1] = 0;
    hi[0] = s->units_m;
    hi[1] = s->units_n;
    walk(s, lo, hi, 0, s->depth, tile & ((INT64_C(1) << s->depth) - 1));
}

bool chk_product_tile(const chk_product *s, int64_t tile, chk_box *out)
{
    int64_t lo[2], hi[2], batch = tile >> s->depth;
    tile_units(s, tile, lo, hi);
    for (int a = s->n_batch - 1; a >= 0; a--) {
        const chk_axis_grid *g = &s->grid.axis[a];
        out->lo[a] = chk_axis_bound(g, batch % g->n_chunks);
        out->hi[a] = chk_axis_bound(g, batch % g->n_chunks + 1);
        batch /= g->n_chunks;
    }
    return clip(s, lo, hi, out);
}

bool chk_product_stored(const chk_product *s, const chk_box *tile, int64_t tile_number, int64_t store, chk_box *out)
{
    int64_t lo[2], hi[2], unit = store / s->chunks_in_unit, at = store % s->chunks_in_unit;
    tile_units(s, tile_number, lo, hi);
    walk(s, lo, hi, s->depth, s->n_levels, unit);
    *out = *tile;
    if (lo[0] >= hi[0] || lo[1] >= hi[1] || !clip(s, lo, hi, out)) return false;
    int m = s->n_batch, n = m + 1;
    int64_t chunk_m = s->grid.axis[m].chunk, chunk_n = s->grid.axis[n].chunk, across = (s->unit_n + chunk_n - 1) / chunk_n;
    out->lo[m] += at / across * chunk_m;
    out->lo[n] += at % across * chunk_n;
    if (out->lo[m] + chunk_m < out->hi[m]) out->hi[m] = out->lo[m] + chunk_m;
    if (out->lo[n] + chunk_n < out->hi[n]) out->hi[n] = out->lo[n] + chunk_n;
    return out->lo[m] < out->hi[m] && out->lo[n] < out->hi[n];
}

bool chk_product_panel(const chk_product *s, int f, const chk_box *tile, int64_t panel, int64_t cell, chk_box *out)
{
    int long_axis = s->n_batch + (f == 0 ? s->spec.trans[0] : !s->spec.trans[1]), k_axis = 2 * s->n_batch + 1 - long_axis;
    int64_t extent = f == 0 ? s->cell_m : s->cell_n, first = tile->lo[s->n_batch + f] + cell * extent,
            end = tile->hi[s->n_batch + f];
    out->ndim = s->n_batch + 2;
    for (int a = 0; a < s->n_batch; a++) {
        out->lo[a] = s->repeated[f][a] ? 0 : tile->lo[a];
        out->hi[a] = s->repeated[f][a] ? 1 : tile->hi[a];
    }
    out->lo[long_axis] = first;
    out->hi[long_axis] = first + extent < end ? first + extent : end;
    out->lo[k_axis] = panel * s->panel_k;
    out->hi[k_axis] = out->lo[k_axis] + s->panel_k < s->k ? out->lo[k_axis] + s->panel_k : s->k;
    return out->lo[long_axis] < out->hi[long_axis] && out->lo[k_axis] < out->hi[k_axis];
}
