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

int64_t chk_product_tile_of(const chk_product *s, const chk_box *box)
{
    int m = s->n_batch;
    int64_t at[2] = {box->lo[m] / s->unit_m, box->lo[m + 1] / s->unit_n}, lo[2] = {0, 0}, hi[2] = {s->units_m, s->units_n},
            tile = 0;
    if (s->spec.half && at[0] > at[1]) {
        int64_t row = at[0];
        at[0] = at[1], at[1] = row;
    }
    for (int a = 0; a < m; a++) tile = tile * s->grid.axis[a].n_chunks + chk_axis_find(&s->grid.axis[a], box->lo[a]);
    for (int level = 0; level < s->depth; level++) {
        int a = s->level_is_n[level];
        bool second = at[a] >= lo[a] + (hi[a] - lo[a] + 1) / 2;
        walk(s, lo, hi, level, level + 1, second);
        tile = tile << 1 | second;
    }
    return tile;
}

/* The unit that a chunk is stored from and the chunk's number in it; whether it is the unit's mirror image. False where there is none. */
static bool unit_of_store(const chk_product *s, int64_t tile, int64_t store, int64_t lo[2], int64_t hi[2], int64_t *at,
                          bool *mirrored)
{
    int64_t place = store / s->chunks_in_unit;
    *at = store % s->chunks_in_unit;
    *mirrored = s->spec.half && place & 1;
    tile_units(s, tile, lo, hi);
    walk(s, lo, hi, s->depth, s->n_levels, place >> s->spec.half);
    return lo[0] < hi[0] && lo[1] < hi[1] && (!s->spec.half || lo[0] + *mirrored <= lo[1]);
}

bool chk_product_stored(const chk_product *s, const chk_box *tile, int64_t tile_number, int64_t store, chk_box *out)
{
    int64_t lo[2], hi[2], at;
    bool mirrored;
    *out = *tile;
    if (!unit_of_store(s, tile_number, store, lo, hi, &at, &mirrored)) return false;
    if (mirrored) {
        int64_t row = lo[0], end = hi[0];
        lo[0] = lo[1], hi[0] = hi[1], lo[1] = row, hi[1] = end;
    }
    if (!clip(s, lo, hi, out)) return false;
    int m = s->n_batch, n = m + 1;
    int64_t chunk_m = s->grid.axis[m].chunk, chunk_n = s->grid.axis[n].chunk, across = (s->unit_n + chunk_n - 1) / chunk_n;
    out->lo[m] += at / across * chunk_m;
    out->lo[n] += at % across * chunk_n;
    if (out->lo[m] + chunk_m < out->hi[m]) out->hi[m] = out->lo[m] + chunk_m;
    if (out->lo[n] + chunk_n < out->hi[n]) out->hi[n] = out->lo[n] + chunk_n;
    return out->lo[m] < out->hi[m] && out->lo[n] < out->hi[n];
}

bool chk_product_below(const chk_product *s, const chk_box *tile)
{
    return s->spec.half && tile->lo[s->n_batch] >= tile->hi[s->n_batch + 1];
}

bool chk_product_joined(const chk_product *s, const chk_box *tile)
{
    int m = s->n_batch, n = m + 1;
    return s->spec.half && tile->lo[m] < tile->hi[n] && tile->lo[n] < tile->hi[m];
}

bool chk_product_panel(const chk_product *s, int f, const chk_box *tile, int64_t panel, int64_t cell, chk_box *out)
{
    int long_axis = s->n_batch + (f == 0 ? s->spec.trans[0] : !s->spec.trans[1]), k_axis = 2 * s->n_batch + 1 - long_axis;
    int64_t extent = f == 0 ? s->cell_m : s->cell_n, first = tile->lo[s->n_batch + f] + cell * extent,
            end = tile->hi[s->n_batch + f];
    if (chk_product_below(s, tile)) return false;
    if (chk_product_joined(s, tile) && (f == 0 || first + extent <= tile->lo[s->n_batch])) return false; /* left of the diagonal */
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

/* ---- after which others */

/* The i-th of the cells of a tile that a box lies in; false after the last. */
static bool cell_under(const chk_product *s, const chk_box *tile, const chk_box *stored, int at, int64_t *i, int64_t *j)
{
    int m = s->n_batch, n = m + 1;
    int64_t i0 = (stored->lo[m] - tile->lo[m]) / s->cell_m, j0 = (stored->lo[n] - tile->lo[n]) / s->cell_n;
    int64_t i1 = (stored->hi[m] - tile->lo[m] - 1) / s->cell_m, across = (stored->hi[n] - tile->lo[n] - 1) / s->cell_n - j0 + 1;
    *i = i0 + at / across;
    *j = j0 + at % across;
    return *i <= i1;
}

/* What a part of a panel overwrites was used. One buffer may have been either factor's where only half is computed: then all cells count. */
static int64_t used_before(const chk_product *s, const chk_product_task *t, int i)
{
    int64_t before = t->tile * s->n_panels + t->panel - s->n_buffers, cell = t->step == CHK_PRODUCT_READ_A ? t->i : t->j;
    if (before < 0) return -1;
    if (s->spec.half) return i < n_computes(s) ? compute_number(s, before, i / s->cells_n, i % s->cells_n) : -1;
    if (t->step == CHK_PRODUCT_READ_A) return i < s->cells_n ? compute_number(s, before, cell, i) : -1;
    return i < s->cells_m ? compute_number(s, before, i, cell) : -1;
}

/* The two, or four, parts of a panel that a cell needs: rows of a joined tile lie across two parts of its columns at most. */
static int64_t read_before(const chk_product *s, const chk_product_task *t, const chk_box *tile, int i)
{
    int64_t panel = t->tile * s->n_panels + t->panel, column = t->j;
    if (i == 0) return load_number(s, panel, t->i);
    if (i > 1 && chk_product_joined(s, tile)) {
        column = (tile->lo[s->n_batch] - tile->lo[s->n_batch + 1] + t->i * s->cell_m) / s->cell_n + i - 2;
        if (column >= s->cells_n) column = s->cells_n - 1;
    }
    return load_number(s, panel, s->cells_m + column);
}

/* The part of a tile that a stored chunk is made of, or all of the unit around that. */
static bool stored_from(const chk_product *s, const chk_box *tile, int64_t tile_number, int64_t store, chk_box *out)
{
    int64_t lo[2], hi[2], at;
    bool mirrored;
    if (!chk_product_stored(s, tile, tile_number, store, out)) return false;
    return !s->spec.half || (unit_of_store(s, tile_number, store, lo, hi, &at, &mirrored) && clip(s, lo, hi, out));
}

bool chk_product_deps(const chk_pass *p, uint64_t task, int i, uint64_t *on)
{
    const chk_product *s = p->ctx;
    chk_product_task t;
    chk_product_decode(s, task, &t);
    int64_t number = -1, n_read = s->spec.half ? 4 : 2;
    chk_box tile, from;
    switch (t.step) {
    case CHK_PRODUCT_READ_A:
    case CHK_PRODUCT_READ_B: number = used_before(s, &t, i); break;
    case CHK_PRODUCT_COMPUTE:
        if (i < n_read)
            number = chk_product_tile(s, t.tile, &tile) ? read_before(s, &t, &tile, i)
                                                        : load_number(s, t.tile * s->n_panels + t.panel, 0);
        else if (t.panel > 0)
            number = i == n_read ? compute_number(s, t.tile * s->n_panels + t.panel - 1, t.i, t.j) : -1;
        else if (t.tile > 0 && i - n_read < s->n_stores) /* what lay here was stored */
            number = store_number(s, t.tile - 1, i - n_read);
        break;
    case CHK_PRODUCT_STORE:
        if (chk_product_tile(s, t.tile, &tile) && stored_from(s, &tile, t.tile, t.store, &from)) {
            if (cell_under(s, &tile, &from, i, &t.i, &t.j)) number = compute_number(s, (t.tile + 1) * s->n_panels - 1, t.i, t.j);
        } else if (t.tile > 0 && i == 0) { /* what waits for this tile's stores waits for those of the tile before */
            number = store_number(s, t.tile - 1, t.store);
        }
        break;
    default: break;
    }
    *on = (uint64_t)number;
    return number >= 0;
}
