/* Shapes, boxes, grids and views: integer arithmetic only. Brute-force tests in tests/array/shape_test.c are the specification. */
#include "array/shape.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static int64_t mul_saturated(int64_t a, int64_t b)
{
    int64_t r;
    return __builtin_mul_overflow(a, b, &r) ? INT64_MAX : r;
}

int64_t chk_shape_count(const chk_shape *s)
{
    int64_t n = 1;
    for (int a = 0; a < s->ndim; a++)
        if (s->dim[a] == 0) return 0;
    for (int a = 0; a < s->ndim; a++) n = mul_saturated(n, s->dim[a]);
    return n;
}

bool chk_shape_fits(const chk_shape *s)
{
    int64_t n = 1;
    for (int a = 0; a < s->ndim; a++)
        if (s->dim[a] != 0) n = mul_saturated(n, s->dim[a]);
    return n <= INT64_MAX / CHK_MAX_ITEM;
}

bool chk_shape_equal(const chk_shape *a, const chk_shape *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof *a->dim) == 0;
}

bool chk_shape_broadcast(chk_shape *out, const chk_shape *a, const chk_shape *b)
{
    chk_shape r = {.ndim = a->ndim > b->ndim ? a->ndim : b->ndim};
    for (int i = 1; i <= r.ndim; i++) { /* from the last axis */
        int64_t x = i <= a->ndim ? a->dim[a->ndim - i] : 1, y = i <= b->ndim ? b->dim[b->ndim - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        r.dim[r.ndim - i] = x == 1 ? y : x;
    }
    *out = r;
    return true;
}

char *chk_shape_text(char *buf, size_t size, const chk_shape *s)
{
    size_t at = (size_t)snprintf(buf, size, "(");
    for (int a = 0; a < s->ndim && at < size; a++)
        at += (size_t)snprintf(buf + at, size - at, a == 0 ? "%lld" : ", %lld", (long long)s->dim[a]);
    if (at < size) snprintf(buf + at, size - at, s->ndim == 1 ? ",)" : ")");
    return buf;
}

int64_t chk_box_count(const chk_box *b)
{
    int64_t n = 1;
    for (int a = 0; a < b->ndim; a++)
        if (chk_box_extent(b, a) <= 0) return 0;
    for (int a = 0; a < b->ndim; a++) n = mul_saturated(n, chk_box_extent(b, a));
    return n;
}

/* ---- axes. Seen with a step of at least a chunk, every element has a chunk of its own; with a smaller one no chunk between the first and
 * the last is passed over. So the k-th chunk seen is element k, or the k-th chunk from the first one in the direction of the step. */

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

static bool one_each(const chk_axis_grid *g) { return magnitude(g->step) >= g->chunk; }

/* Chunk of the axis under it that holds element i. */
static int64_t chunk_under(const chk_axis_grid *g, int64_t i) { return (g->off + i * g->step) / g->chunk; }

chk_axis_grid chk_axis_regular(int64_t extent, int64_t chunk)
{
    assert(chunk >= 1 && "a chunk has at least one element");
    int64_t n_chunks = extent > 0 ? (extent - 1) / chunk + 1 : 0;
    return (chk_axis_grid){.extent = extent, .n_chunks = n_chunks, .chunk = chunk, .off = 0, .step = 1};
}

chk_axis_grid chk_axis_slice(const chk_axis_grid *g, int64_t start, int64_t step, int64_t n)
{
    assert(!g->bounds && "only affine axes are sliced without a list");
    assert(step != 0 && "a slice moves");
    chk_axis_grid r = {.extent = n, .chunk = g->chunk, .off = g->off + start * g->step, .step = g->step * step};
    if (n == 0)
        r.off = 0, r.step = 1;
    else
        r.n_chunks = one_each(&r) ? n : magnitude(chunk_under(&r, n - 1) - chunk_under(&r, 0)) + 1;
    return r;
}

int64_t chk_axis_bound(const chk_axis_grid *g, int64_t k)
{
    assert(0 <= k && k <= g->n_chunks && "bound of a chunk that is there");
    if (g->bounds) return g->bounds[k];
    if (k == 0) return 0;
    if (k == g->n_chunks) return g->extent;
    if (one_each(g)) return k;
    int64_t first = chunk_under(g, 0);
    if (g->step > 0) return ((first + k) * g->chunk - g->off + g->step - 1) / g->step;
    return (g->off - (first - k + 1) * g->chunk) / -g->step + 1;
}

static int64_t find_in_list(const chk_axis_grid *g, int64_t index)
{
    int64_t lo = 0, hi = g->n_chunks; /* bounds[lo] <= index < bounds[hi] */
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (g->bounds[mid] <= index)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

int64_t chk_axis_find(const chk_axis_grid *g, int64_t index)
{
    assert(0 <= index && index < g->extent && "index inside the axis");
    if (g->bounds) return find_in_list(g, index);
    return one_each(g) ? index : magnitude(chunk_under(g, index) - chunk_under(g, 0));
}

int64_t chk_axis_max_chunk(const chk_axis_grid *g)
{
    if (g->extent == 0) return 0;
    if (g->bounds) return g->chunk;
    int64_t most = one_each(g) ? 1 : (g->chunk - 1) / magnitude(g->step) + 1;
    return most < g->extent ? most : g->extent;
}

chk_grid chk_grid_regular(const chk_shape *shape, const int64_t *chunk)
{
    chk_grid g = {.ndim = shape->ndim};
    for (int a = 0; a < g.ndim; a++) g.axis[a] = chk_axis_regular(shape->dim[a], chunk[a]);
    return g;
}

int64_t chk_grid_n_chunks(const chk_grid *g)
{
    int64_t n = 1;
    for (int a = 0; a < g->ndim; a++)
        if (g->axis[a].n_chunks == 0) return 0;
    for (int a = 0; a < g->ndim; a++) n = mul_saturated(n, g->axis[a].n_chunks);
    return n;
}

void chk_grid_chunk_box(chk_box *out, const chk_grid *g, const int64_t *coord)
{
    out->ndim = g->ndim;
    for (int a = 0; a < g->ndim; a++) {
        out->lo[a] = chk_axis_bound(&g->axis[a], coord[a]);
        out->hi[a] = chk_axis_bound(&g->axis[a], coord[a] + 1);
    }
}

void chk_grid_default_chunks(int64_t *chunk, const chk_shape *shape, size_t item_bytes, size_t target_bytes)
{
    int64_t room = (int64_t)(target_bytes / item_bytes);
    for (int a = shape->ndim - 1; a >= 0; a--) {
        int64_t most = room < 1 ? 1 : room;
        chunk[a] = shape->dim[a] < 1 ? 1 : shape->dim[a] < most ? shape->dim[a] : most;
        room = chunk[a] < shape->dim[a] ? 0 : room / chunk[a]; /* an axis that is cut ends the rows */
    }
}

/* ---- views */

chk_view chk_view_identity(const chk_shape *shape)
{
    chk_view v = {.shape = *shape, .base_ndim = shape->ndim};
    for (int b = 0; b < v.base_ndim; b++) {
        v.axis[b] = b;
        v.step[b] = 1;
    }
    return v;
}

chk_view chk_view_drop_leading(const chk_shape *shape, int ndim)
{
    chk_view v = {.base_ndim = shape->ndim};
    int lead = 0;
    while (shape->ndim - lead > ndim && shape->dim[lead] == 1) lead++;
    for (int a = 0; a < shape->ndim; a++) {
        v.axis[a] = a < lead ? -1 : v.shape.ndim;
        v.step[a] = a >= lead;
        if (a >= lead) v.shape.dim[v.shape.ndim++] = shape->dim[a];
    }
    return v;
}

chk_view chk_view_compose(const chk_view *outer, const chk_view *inner)
{
    assert(outer->base_ndim == inner->shape.ndim && "views meet in the same array");
    chk_view v = {.shape = outer->shape, .base_ndim = inner->base_ndim};
    for (int b = 0; b < v.base_ndim; b++) {
        int m = inner->axis[b];
        v.axis[b] = m < 0 ? -1 : outer->axis[m];
        v.off[b] = m < 0 ? inner->off[b] : inner->off[b] + inner->step[b] * outer->off[m];
        v.step[b] = v.axis[b] < 0 ? 0 : inner->step[b] * outer->step[m];
    }
    return v;
}

chk_view chk_view_broadcast(const chk_shape *from, const chk_shape *to)
{
    chk_view v = {.shape = *to, .base_ndim = from->ndim};
    int lead = to->ndim - from->ndim;
    assert(lead >= 0 && "broadcasting adds axes in front");
    for (int b = 0; b < v.base_ndim; b++) {
        bool repeated = from->dim[b] != to->dim[b + lead];
        assert((!repeated || from->dim[b] == 1) && "broadcasting repeats axes of length 1");
        v.axis[b] = repeated ? -1 : b + lead;
        v.step[b] = repeated ? 0 : 1;
    }
    return v;
}

bool chk_view_is_identity(const chk_view *v, const chk_shape *base)
{
    if (v->base_ndim != base->ndim || !chk_shape_equal(&v->shape, base)) return false;
    for (int b = 0; b < v->base_ndim; b++)
        if (v->axis[b] != b || v->off[b] != 0 || v->step[b] != 1) return false;
    return true;
}

void chk_view_base_box(chk_box *out, const chk_view *v, const chk_box *box)
{
    bool empty = chk_box_count(box) == 0;
    out->ndim = v->base_ndim;
    for (int b = 0; b < v->base_ndim; b++) {
        int a = v->axis[b];
        int64_t first = v->off[b], last = v->off[b];
        if (a >= 0 && !empty) {
            first += v->step[b] * box->lo[a];
            last += v->step[b] * (box->hi[a] - 1);
        }
        out->lo[b] = first < last ? first : last;
        out->hi[b] = empty ? out->lo[b] : (first < last ? last : first) + 1;
    }
}

void chk_view_base_extent(int64_t *out, const chk_view *v, const chk_shape *base, const int64_t *max_extent)
{
    for (int b = 0; b < v->base_ndim; b++) {
        int64_t step = v->step[b] < 0 ? -v->step[b] : v->step[b], e = 0, most = base->dim[b] - 1;
        if (v->axis[b] >= 0 && (__builtin_mul_overflow(max_extent[v->axis[b]] - 1, step, &e) || e > most)) e = most;
        out[b] = e + 1;
    }
}
