/* geometry.c: chunk, block, leaf and slot arithmetic. Nothing here may depend on memory, threads or order of execution but the block size,
 * and no result depends on that, because blocks are whole nodes of the tree of leaves. */
#include "plan/geometry.h"

#include <assert.h>
#include <string.h>

static int bits_for(int64_t n) /* smallest b with 1 << b >= n */
{
    int b = 0;
    while (((int64_t)1 << b) < n) b++;
    return b;
}

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Whole trailing axes while they fit, a power of two of indices on the axis that does not, one index before it. */
static void make_leaf(chk_geometry *g, int64_t leaf_elements)
{
    int n = g->space.ndim;
    int64_t inner = 1;
    int a = n - 1;
    for (; a >= 0 && inner * g->max_chunk[a] <= leaf_elements; a--) {
        g->leaf[a] = g->max_chunk[a];
        inner *= g->max_chunk[a];
    }
    g->d = a < 0 ? 0 : a;
    if (a < 0) return;
    int64_t r = 1;
    while (r * 2 * inner <= leaf_elements) r *= 2;
    g->leaf[a] = r;
    for (int b = 0; b < a; b++) g->leaf[b] = 1;
}

/* Doubles along d, then along the axes before it, as long as the aim allows. */
static void make_block(chk_geometry *g, int64_t aim)
{
    memcpy(g->block, g->leaf, sizeof g->block);
    int64_t count = 1;
    for (int a = 0; a < g->space.ndim; a++) count *= g->block[a];
    for (int a = g->d; a >= 0 && g->space.ndim > 0;) {
        if (g->block[a] >= g->max_chunk[a]) {
            g->block[a] = g->max_chunk[a];
            a--;
            continue;
        }
        int64_t next = g->block[a] * 2;
        if (next > g->max_chunk[a]) next = g->max_chunk[a];
        int64_t grown = count / g->block[a] * next;
        if (grown > aim) break;
        g->block[a] = next;
        count = grown;
    }
}

void chk_geometry_make(chk_geometry *g, const chk_shape *space, const chk_grid *grid, uint32_t reduced, int64_t leaf_elements,
                       int64_t block_elements, bool whole_chunks)
{
    *g = (chk_geometry){.space = *space, .grid = *grid, .reduced = reduced, .whole_chunks = whole_chunks, .n_red_chunks = 1};
    int n = space->ndim;
    for (int a = 0; a < n; a++) {
        g->max_chunk[a] = chk_axis_max_chunk(&grid->axis[a]);
        if (g->max_chunk[a] > space->dim[a]) g->max_chunk[a] = space->dim[a];
        if (g->max_chunk[a] < 1) g->max_chunk[a] = 1;
    }
    make_leaf(g, leaf_elements);
    make_block(g, block_elements);
    for (int a = 0; a < n; a++) {
        g->blocks_in_chunk[a] = ceil_div(g->max_chunk[a], g->block[a]);
        if (!(reduced >> a & 1)) continue;
        g->n_red_chunks *= grid->axis[a].n_chunks;
        g->axis_bits[a] = bits_for(ceil_div(g->max_chunk[a], g->leaf[a]));
        g->chunk_bits += g->axis_bits[a];
    }
    g->levels = g->chunk_bits + bits_for(g->n_red_chunks);
    /* Unit numbers: kept chunk axes, kept block axes, reduced chunk axes, reduced block axes: all of one result block come in a row. */
    g->n_units = 1;
    for (int phase = 0; phase < 4; phase++) {
        bool red = phase >= 2, in_chunk = phase & 1;
        if (in_chunk && whole_chunks) continue;
        for (int a = 0; a < n; a++) {
            if ((bool)(reduced >> a & 1) != red) continue;
            int64_t radix = in_chunk ? g->blocks_in_chunk[a] : grid->axis[a].n_chunks;
            g->order[g->n_order].axis = a;
            g->order[g->n_order].in_chunk = in_chunk;
            g->order[g->n_order++].radix = radix;
            g->n_units *= radix;
        }
    }
}

void chk_geometry_limit(chk_geometry *g, const chk_box *needed)
{
    g->n_units = 1;
    for (int i = 0; i < g->n_order; i++) {
        int a = g->order[i].axis;
        if (!g->order[i].in_chunk && !(g->reduced >> a & 1)) {
            g->first_chunk[a] = chk_axis_find(&g->grid.axis[a], needed->lo[a]);
            g->order[i].radix = chk_axis_find(&g->grid.axis[a], needed->hi[a] - 1) - g->first_chunk[a] + 1;
        }
        g->n_units *= g->order[i].radix;
    }
}

double chk_geometry_share(const chk_geometry *g)
{
    double share = 1;
    for (int i = 0; i < g->n_order; i++)
        if (!g->order[i].in_chunk && g->order[i].radix > 0)
            share *= (double)g->order[i].radix / (double)g->grid.axis[g->order[i].axis].n_chunks;
    return share;
}

bool chk_geometry_unit(const chk_geometry *g, int64_t u, chk_box *box, int64_t *chunk)
{
    int n = g->space.ndim;
    int64_t blk[CHK_MAX_NDIM] = {0};
    for (int i = g->n_order - 1; i >= 0; i--) {
        int64_t digit = u % g->order[i].radix;
        u /= g->order[i].radix;
        if (g->order[i].in_chunk)
            blk[g->order[i].axis] = digit;
        else
            chunk[g->order[i].axis] = g->first_chunk[g->order[i].axis] + digit;
    }
    box->ndim = n;
    for (int a = 0; a < n; a++) {
        int64_t lo = chk_axis_bound(&g->grid.axis[a], chunk[a]), hi = chk_axis_bound(&g->grid.axis[a], chunk[a] + 1);
        if (!g->whole_chunks) {
            lo += blk[a] * g->block[a];
            if (lo + g->block[a] < hi) hi = lo + g->block[a];
        }
        if (lo >= hi) return false;
        box->lo[a] = lo;
        box->hi[a] = hi;
    }
    return true;
}

int64_t chk_geometry_block_elements(const chk_geometry *g)
{
    int64_t n = 1;
    for (int a = 0; a < g->space.ndim; a++) n *= g->block[a];
    return n;
}

int64_t chk_geometry_max_unit(const chk_geometry *g, int64_t *extent)
{
    int64_t n = 1;
    for (int a = 0; a < g->space.ndim; a++) {
        extent[a] = g->whole_chunks ? g->max_chunk[a] : g->block[a];
        n *= extent[a];
    }
    return n;
}

int64_t chk_geometry_n_blocks(const chk_geometry *g, const chk_box *unit)
{
    int64_t n = 1;
    for (int a = 0; a < g->space.ndim; a++) n *= ceil_div(chk_box_extent(unit, a), g->block[a]);
    return n;
}

void chk_geometry_block(const chk_geometry *g, const chk_box *unit, int64_t i, chk_box *out)
{
    out->ndim = unit->ndim;
    for (int pass = 0; pass < 2; pass++) { /* reduced axes are the low digits */
        for (int a = g->space.ndim - 1; a >= 0; a--) {
            if ((bool)(g->reduced >> a & 1) != (pass == 0)) continue;
            int64_t radix = ceil_div(chk_box_extent(unit, a), g->block[a]);
            int64_t lo = unit->lo[a] + i % radix * g->block[a];
            i /= radix;
            out->lo[a] = lo;
            out->hi[a] = lo + g->block[a] < unit->hi[a] ? lo + g->block[a] : unit->hi[a];
        }
    }
}

bool chk_geometry_leaves_turn(const chk_geometry *g, const int64_t *extent)
{
    int n = 0;
    for (int a = 0; a < g->space.ndim; a++) n += extent[a] > g->leaf[a];
    return n > 1;
}

int64_t chk_geometry_slot(const chk_geometry *g, const int64_t *chunk, const int64_t *lo)
{
    int64_t ordinal = 0, in_chunk = 0;
    for (int a = 0; a < g->space.ndim; a++) {
        if (!(g->reduced >> a & 1)) continue;
        ordinal = ordinal * g->grid.axis[a].n_chunks + chunk[a];
        in_chunk = in_chunk << g->axis_bits[a] | (lo[a] - chk_axis_bound(&g->grid.axis[a], chunk[a])) / g->leaf[a];
    }
    return ordinal << g->chunk_bits | in_chunk;
}

bool chk_geometry_node_exists(const chk_geometry *g, int level, int64_t i)
{
    int64_t slot = i << level, ordinal = slot >> g->chunk_bits;
    if (ordinal >= g->n_red_chunks) return false;
    /* The first slot has the smallest digits of all the node covers: it is a leaf, or none is. */
    for (int a = g->space.ndim - 1; a >= 0; a--) {
        if (!(g->reduced >> a & 1)) continue;
        int64_t k = ordinal % g->grid.axis[a].n_chunks, digit = slot & (((int64_t)1 << g->axis_bits[a]) - 1);
        ordinal /= g->grid.axis[a].n_chunks;
        slot >>= g->axis_bits[a];
        int64_t extent = chk_axis_bound(&g->grid.axis[a], k + 1) - chk_axis_bound(&g->grid.axis[a], k);
        if (digit * g->leaf[a] >= extent) return false;
    }
    return true;
}

int64_t chk_geometry_kept_id(const chk_geometry *g, const int64_t *chunk, const chk_box *block)
{
    int64_t id = 0;
    for (int a = 0; a < g->space.ndim; a++) {
        if (g->reduced >> a & 1) continue;
        int64_t in_chunk = (block->lo[a] - chk_axis_bound(&g->grid.axis[a], chunk[a])) / g->block[a];
        id = (id * g->grid.axis[a].n_chunks + chunk[a]) * g->blocks_in_chunk[a] + in_chunk;
    }
    return id;
}
