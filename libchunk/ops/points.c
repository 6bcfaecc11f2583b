/* points.c: when index tuples get passes of their own, how x and they are cut, and the first pass: sorting. See points.h. */
#include "ops/points.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

/* A band: 64 Ki tuples, fewer where a piece is large (its values then take 1 MiB). A cell: 128 Ki elements. The table of beginnings: 1 MiB. */
enum { BAND_TUPLES = 64 << 10, BAND_BYTES = 1 << 20, CELL_ELEMENTS = 128 << 10, TABLE_ENTRIES = 256 << 10 };
/* When: so many tuples at least, of an x that large; and where x can be read in part, sub-arrays that are short, since long ones are no worse than any read. */
enum { LEAST_TUPLES = 16 << 10, LEAST_BYTES = 4 << 20, SHORT_BYTES = 2 << 10 };

/* Are these indices ascending as every reader of the expression can see? Then blocks of the result read different parts of x by themselves. */
static bool is_ascending(const chk_node *n, int depth)
{
    if (depth > 8) return false;
    if (n->kind == CHK_NODE_VIEW) {
        int moving = 0;
        bool up = true;
        for (int b = 0; b < n->u.view.base_ndim; b++) {
            if (n->u.view.axis[b] < 0) continue;
            moving++;
            up &= n->u.view.step[b] > 0;
        }
        return moving <= 1 && up && is_ascending(n->in[0], depth + 1);
    }
    if (n->kind == CHK_NODE_MAP && (n->u.map.fn == CHK_FN_ADD || n->u.map.fn == CHK_FN_MUL || n->u.map.fn == CHK_FN_SUB)) {
        bool number = n->n_in == 2 && n->in[1]->kind == CHK_NODE_SCALAR;
        return number && is_ascending(n->in[0], depth + 1); /* times a negative number: descending, which is as good */
    }
    if (n->kind == CHK_NODE_MAP && n->n_in == 1 && n->u.map.fn == CHK_FN_NONE) return is_ascending(n->in[0], depth + 1);
    return n->kind == CHK_NODE_IOTA || n->kind == CHK_NODE_SCALAR ||
           (n->kind == CHK_NODE_CUSTOM && !strcmp(n->u.custom.op->name, "argwhere"));
}

bool ops_gather_lowers(const chk_node *n)
{
    const chk_node *x = n->in[0];
    ops_gather g;
    ops_gather_describe(&g, n);
    int64_t tuples = chk_shape_count(&n->in[1]->shape), elements = chk_shape_count(&x->shape), places = 1;
    int64_t size = (int64_t)chk_dtype_size(n->dtype);
    if (g.nb == 0 || tuples < 1 || elements < LEAST_BYTES / size || !chk_node_reads_files(x) || is_ascending(n->in[1], 0))
        return false;
    for (int a = 0; a < x->shape.ndim; a++) {
        const chk_axis_grid *axis = &x->grid.axis[a];
        if (g.out_axis[a] < 0 && __builtin_mul_overflow(places, 2 * axis->n_chunks * chk_axis_max_chunk(axis), &places))
            return false;
    }
    int64_t part = chk_shape_count(&n->shape) / tuples * size;
    return tuples >= LEAST_TUPLES ? !g.cuttable || part <= SHORT_BYTES
                                  : !g.cuttable && tuples >= LEAST_BYTES / (part > 0 ? part : 1);
}

static void cut(ops_points *f)
{
    const chk_node *x = f->node->in[0], *idx = f->node->in[1];
    f->n_pieces = f->piece_max = f->cell_volume = f->n_cells = 1;
    for (int a = 0; a < x->shape.ndim; a++) {
        if (f->g.out_axis[a] < 0) continue;
        f->n_piece[a] = f->g.cuttable ? 1 : x->grid.axis[a].n_chunks;
        f->n_pieces *= f->n_piece[a];
        f->piece_max *= f->g.cuttable ? x->shape.dim[a] : chk_axis_max_chunk(&x->grid.axis[a]);
    }
    int64_t room = CELL_ELEMENTS / f->piece_max;
    for (int k = f->g.n_idx - 1; k >= 0; k--) {
        const chk_axis_grid *axis = &x->grid.axis[f->g.axis[k]];
        int64_t chunk = chk_axis_max_chunk(axis);
        f->cell[k] = !f->g.cuttable || chunk < room ? chunk : room > 1 ? room : 1;
        f->n_sub[k] = (chunk + f->cell[k] - 1) / f->cell[k];
        f->cell_volume *= f->cell[k];
        f->n_cells *= axis->n_chunks * f->n_sub[k];
        room /= f->cell[k];
    }
    int64_t tuples = BAND_BYTES / (int64_t)f->item / f->piece_max;
    f->bands = ops_cut_by(&idx->shape, tuples < 1 ? 1 : tuples < BAND_TUPLES ? tuples : BAND_TUPLES);
    ops_bands_extent(&f->bands, &idx->shape, f->band_extent);
    f->band_max = chk_extent_count(idx->shape.ndim, f->band_extent);
    int64_t groups = TABLE_ENTRIES / f->bands.n;
    if (groups < 1) groups = 1;
    f->cells_a_group = (f->n_cells + groups - 1) / groups;
    f->n_groups = (f->n_cells + f->cells_a_group - 1) / f->cells_a_group;
}

void ops_points_piece(const ops_points *f, int64_t piece, chk_box *box)
{
    const chk_node *x = f->node->in[0];
    box->ndim = x->shape.ndim;
    for (int a = x->shape.ndim - 1; a >= 0; a--) {
        if (f->g.out_axis[a] < 0) continue;
        int64_t c = piece % f->n_piece[a];
        piece /= f->n_piece[a];
        box->lo[a] = f->g.cuttable ? 0 : chk_axis_bound(&x->grid.axis[a], c);
        box->hi[a] = f->g.cuttable ? x->shape.dim[a] : chk_axis_bound(&x->grid.axis[a], c + 1);
    }
}

void ops_points_cell(const ops_points *f, int64_t cell, chk_box *box)
{
    const chk_node *x = f->node->in[0];
    for (int k = f->g.n_idx - 1; k >= 0; k--) {
        int a = f->g.axis[k];
        const chk_axis_grid *axis = &x->grid.axis[a];
        int64_t c = cell % (axis->n_chunks * f->n_sub[k]), end = chk_axis_bound(axis, c / f->n_sub[k] + 1);
        cell /= axis->n_chunks * f->n_sub[k];
        box->lo[a] = chk_axis_bound(axis, c / f->n_sub[k]) + c % f->n_sub[k] * f->cell[k];
        box->hi[a] = box->lo[a] + f->cell[k] < end ? box->lo[a] + f->cell[k] : end;
    }
}

void ops_points_slot(chk_box *box, const ops_points *f, int64_t piece, int64_t band, int64_t at, int64_t n)
{
    *box = (chk_box){.ndim = 4, .lo = {piece, band, at, 0}, .hi = {piece + 1, band + 1, at + n, f->piece_max}};
}

/* ---- reading and sorting a band */

chunk_status ops_points_idx_new(ops_points_idx *x, const ops_points *f, chk_plan_builder *b, chunk_error *err)
{
    x->n = 0;
    for (int k = 0; k < f->g.n_idx; k++) {
        chunk_status st = chk_plan_reader(&x->reader[k], b, f->node->in[1 + k], err);
        if (st != CHUNK_OK) {
            ops_points_idx_done(x);
            return st;
        }
        x->n++;
    }
    return CHUNK_OK;
}

void ops_points_idx_done(ops_points_idx *x)
{
    for (int k = 0; k < x->n; k++) chk_reader_done(&x->reader[k]);
    x->n = 0;
}

void ops_points_idx_need(ops_points_idx *x, const ops_points *f, chk_need *out)
{
    size_t n = (size_t)f->band_max;
    *out = (chk_need){.arena = chk_arena_cost(n * sizeof(int64_t) * (size_t)x->n) + 2 * chk_arena_cost(n * sizeof(ops_place))};
    for (int k = 0; k < x->n; k++) {
        chk_need need;
        chk_reader_need(&x->reader[k], f->band_extent, &need);
        if (need.transient > out->transient) out->transient = need.transient;
        if (need.window > out->window) out->window = need.window;
    }
}

static uint64_t key_of(const ops_points *f, const int64_t *idx, int64_t pitch, int64_t i)
{
    const chk_grid *grid = &f->node->in[0]->grid;
    uint64_t cell = 0, inside = 0;
    for (int k = 0; k < f->g.n_idx; k++) {
        const chk_axis_grid *axis = &grid->axis[f->g.axis[k]];
        int64_t t = idx[k * pitch + i], c, at;
        if (axis->bounds || axis->step != 1 || axis->off != 0) {
            c = chk_axis_find(axis, t);
            at = t - chk_axis_bound(axis, c);
        } else { /* regular, as most are: in line */
            c = t / axis->chunk;
            at = t - c * axis->chunk;
        }
        int64_t sub = f->n_sub[k] > 1 ? at / f->cell[k] : 0;
        cell = cell * (uint64_t)(axis->n_chunks * f->n_sub[k]) + (uint64_t)(c * f->n_sub[k] + sub);
        inside = inside * (uint64_t)f->cell[k] + (uint64_t)(at - sub * f->cell[k]);
    }
    return cell * (uint64_t)f->cell_volume + inside;
}

chunk_status ops_points_sort(ops_place **out, int64_t *n, const ops_points *f, const ops_points_idx *x, int64_t band,
                             chk_arena *arena, chk_hold *hold, chunk_error *err)
{
    const chk_shape *shape = &f->node->in[1]->shape, *xs = &f->node->in[0]->shape;
    chk_box box;
    ops_band_box(&box, &f->bands, shape, band);
    int64_t m = chk_box_count(&box);
    int64_t *idx = chk_arena_get(arena, (size_t)m * (size_t)x->n * sizeof *idx);
    ops_place *p = chk_arena_get(arena, (size_t)m * sizeof *p), *spare = chk_arena_get(arena, (size_t)m * sizeof *p);
    if (!idx || !p || !spare) return chk_fail(err, CHUNK_ESTATE, "internal: a band of indices is larger than planned");
    for (int k = 0; k < x->n; k++) {
        CHK_TRY(chk_reader_read(&x->reader[k], &box, idx + k * m, NULL, arena, hold, err));
        CHK_TRY(ops_gather_normal(idx + k * m, m, f->g.axis[k], xs->dim[f->g.axis[k]], err));
    }
    for (int64_t i = 0; i < m; i++) p[i] = (ops_place){key_of(f, idx, m, i), (uint32_t)i};
    *out = ops_sort_places(p, spare, (size_t)m);
    *n = m;
    return CHUNK_OK;
}

/* ---- the first pass: a task a band */

typedef struct sorting {
    ops_points *f;
    ops_points_idx idx;
} sorting;

static void sort_size(chk_pass *p, const chk_sizing *z)
{
    (void)z;
    sorting *s = p->ctx;
    chk_need need;
    ops_points_idx_need(&s->idx, s->f, &need);
    p->work_bytes = chk_page_round(need.arena + need.transient + chk_arena_cost((size_t)s->f->band_max * sizeof(int64_t)) + 256);
    p->window_bytes = need.window;
    p->worker_bytes = p->bytes_read = 0;
    p->serial = false;
    for (int k = 0; k < s->idx.n; k++) {
        p->worker_bytes += chk_reader_worker_bytes(&s->idx.reader[k]);
        p->serial |= !chk_reader_thread_safe(&s->idx.reader[k]);
        p->bytes_read += chk_reader_stored_bytes(&s->idx.reader[k]);
    }
    p->n_tasks = (uint64_t)s->f->bands.n;
}

static void sort_sources(const chk_pass *p, chk_source_visit visit, void *arg)
{
    const sorting *s = p->ctx;
    for (int k = 0; k < s->idx.n; k++) chk_reader_sources(&s->idx.reader[k], visit, arg);
}

static chunk_status sort_run(chk_pass *p, chk_task *t, chunk_error *err)
{
    const sorting *s = p->ctx;
    const ops_points *f = s->f;
    chk_arena arena;
    chk_arena_init(&arena, t->work, p->work_bytes);
    ops_place *place;
    chk_hold books = {0};
    int64_t n, *keys = chk_arena_get(&arena, (size_t)f->band_max * sizeof *keys), band = (int64_t)t->number;
    uint64_t group_volume = (uint64_t)(f->cells_a_group * f->cell_volume), t0 = chk_clock_ns();
    CHK_TRY(ops_points_sort(&place, &n, f, &s->idx, band, &arena, &books, err));
    uint32_t *first = (uint32_t *)f->table->buf.data + (size_t)band * (size_t)(f->n_groups + 1);
    int64_t g = 0;
    for (int64_t i = 0; i < n; i++) {
        keys[i] = (int64_t)place[i].key;
        for (int64_t at = (int64_t)(place[i].key / group_volume); g <= at; g++) first[g] = (uint32_t)i;
    }
    for (; g <= f->n_groups; g++) first[g] = (uint32_t)n;
    t->stats.ns_compute += chk_clock_ns() - t0 - books.ns_read - books.ns_decode;
    t->stats.ns_read += books.ns_read;
    t->stats.ns_decode += books.ns_decode;
    t->stats.bytes_read += books.bytes_read;
    chk_block block = {.data = keys, .n_bytes = (size_t)n * sizeof *keys, .box = {.ndim = 2, .lo = {band, 0}, .hi = {band + 1, n}}};
    return f->keys_in->ops->write(f->keys_in, &block, err);
}

static void sort_free(chk_pass *p)
{
    sorting *s = p->ctx;
    if (!s) return;
    ops_points_idx_done(&s->idx);
    ops_points_release(s->f);
    chk_free(s);
    p->ctx = NULL;
}

static void sort_describe(const chk_pass *p, char *buf, size_t size)
{
    const ops_points *f = ((const sorting *)p->ctx)->f;
    snprintf(buf, size, "sort %lld index tuples by the %lld cells that they lie in",
             (long long)chk_shape_count(&f->node->in[1]->shape), (long long)f->n_cells);
}

static const chk_pass_ops sort_ops = {
    .kind = "sort", .size = sort_size, .sources = sort_sources, .run = sort_run, .free = sort_free, .describe = sort_describe};

static chunk_status sort_pass(int *number, ops_points *f, chk_plan_builder *b, chunk_error *err)
{
    sorting *s = chk_calloc(1, sizeof *s);
    if (!s) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    chunk_status st = ops_points_idx_new(&s->idx, f, b, err);
    if (st != CHUNK_OK) {
        chk_free(s);
        return st;
    }
    s->f = f;
    f->refs++;
    return chk_plan_add_pass(number, b, &sort_ops, s, f->node->u.custom.op->name, err);
}

/* ---- all of it */

void ops_points_release(ops_points *f)
{
    if (--f->refs > 0) return;
    chk_source_release(f->keys);
    chk_source_release(f->values);
    chk_sink_free(f->keys_in);
    chk_sink_free(f->values_in);
    chk_node_release(f->node);
    chk_free(f);
}

static chunk_status add_spills(ops_points *f, chk_plan_builder *b, int first, chunk_error *err)
{
    int64_t n = f->bands.n, one[4] = {1, 1, f->band_max, f->piece_max};
    chk_shape keys = {.ndim = 2, .dim = {n, f->band_max}}, values = {.ndim = 4, .dim = {f->n_pieces, n, f->band_max, f->piece_max}};
    chk_grid keys_grid = chk_grid_regular(&keys, one + 1), values_grid = chk_grid_regular(&values, one);
    CHK_TRY(chk_plan_add_region(&f->table, b, "beginnings of groups", (uint64_t)n * (uint64_t)(f->n_groups + 1) * sizeof(uint32_t),
                                -1, first, first + 1, err));
    CHK_TRY(chk_plan_add_spill(&f->keys, &f->keys_in, b, "sorted indices", CHK_I64, &keys, &keys_grid, first, first + 1, err));
    return chk_plan_add_spill(&f->values, &f->values_in, b, "values in that order", f->node->dtype, &values, &values_grid,
                              first + 1, -1, err);
}

chunk_status ops_gather_lower(chk_plan_builder *b, const chk_node *n, chunk_error *err)
{
    ops_points *f = chk_calloc(1, sizeof *f);
    if (!f) return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    *f = (ops_points){.refs = 1, .node = chk_node_retain((chk_node *)n), .item = chk_dtype_size(n->dtype)};
    ops_gather_describe(&f->g, n);
    cut(f);
    int first;
    chunk_status st = sort_pass(&first, f, b, err);
    if (st == CHUNK_OK) st = ops_points_fetch_pass(f, b, err);
    if (st == CHUNK_OK) st = add_spills(f, b, first, err);
    if (st == CHUNK_OK) st = ops_points_source(f, b, err);
    ops_points_release(f);
    return st;
}
