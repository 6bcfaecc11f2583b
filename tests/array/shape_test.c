/* Shapes, grids and views against brute force: every claim of shape.h is checked element by element on small arrays. */
#include <criterion/criterion.h>
#include <string.h>

#include "array/shape.h"

static chk_shape shape_of(int ndim, const int64_t *dim)
{
    chk_shape s = {.ndim = ndim};
    memcpy(s.dim, dim, (size_t)ndim * sizeof *dim);
    return s;
}
#define SHAPE(...) shape_of(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

Test(shape, counts_and_saturates)
{
    chk_shape s = {0};
    cr_assert_eq(chk_shape_count(&s), 1);
    s = SHAPE(3, 4, 5);
    cr_assert_eq(chk_shape_count(&s), 60);
    s = SHAPE((int64_t)1 << 40, (int64_t)1 << 40);
    cr_assert_eq(chk_shape_count(&s), INT64_MAX);
    s = SHAPE((int64_t)1 << 40, (int64_t)1 << 40, 0);
    cr_assert_eq(chk_shape_count(&s), 0);
}

Test(shape, text)
{
    char buf[64], tiny[4];
    chk_shape s = {0};
    cr_assert_str_eq(chk_shape_text(buf, sizeof buf, &s), "()");
    s = SHAPE(5);
    cr_assert_str_eq(chk_shape_text(buf, sizeof buf, &s), "(5,)");
    s = SHAPE(3, 40);
    cr_assert_str_eq(chk_shape_text(buf, sizeof buf, &s), "(3, 40)");
    cr_assert_str_eq(chk_shape_text(tiny, sizeof tiny, &s), "(3,");
}

Test(shape, broadcast)
{
    struct {
        chk_shape a, b, want;
        bool fits;
    } cases[] = {
        {SHAPE(3, 1), SHAPE(4), SHAPE(3, 4), true},
        {SHAPE(2, 3), SHAPE(3, 2), {0}, false},
        {SHAPE(0, 1), SHAPE(1, 5), SHAPE(0, 5), true},
        {SHAPE(1), SHAPE(0), SHAPE(0), true},
        {SHAPE(2), SHAPE(0), {0}, false},
        {{0}, SHAPE(2, 2), SHAPE(2, 2), true},
        {SHAPE(5, 1, 7), SHAPE(6, 1), SHAPE(5, 6, 7), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        chk_shape out;
        bool fits = chk_shape_broadcast(&out, &cases[i].a, &cases[i].b);
        cr_assert_eq(fits, cases[i].fits, "case %zu", i);
        if (fits) cr_assert(chk_shape_equal(&out, &cases[i].want), "case %zu", i);
        chk_shape alias = cases[i].a;
        if (fits)
            cr_assert(chk_shape_broadcast(&alias, &alias, &cases[i].b) && chk_shape_equal(&alias, &out), "case %zu in place", i);
    }
}

/* The chunks seen are the runs of elements that lie in one chunk under the axis; nothing else. */
static void check_axis(const chk_axis_grid *g, int64_t chunk, int64_t off, int64_t step)
{
    int64_t k = 0, longest = 0, start = 0;
    for (int64_t i = 0; i < g->extent; i++) {
        if (i > 0 && (off + i * step) / chunk != (off + (i - 1) * step) / chunk) {
            k++;
            start = i;
        }
        if (i - start + 1 > longest) longest = i - start + 1;
        cr_assert_eq(chk_axis_find(g, i), k, "element %ld of chunk %ld off %ld step %ld", (long)i, (long)chunk, (long)off,
                     (long)step);
        cr_assert_eq(chk_axis_bound(g, k), start);
    }
    cr_assert_eq(g->n_chunks, g->extent ? k + 1 : 0);
    cr_assert_eq(chk_axis_bound(g, g->n_chunks), g->extent);
    cr_assert_geq(chk_axis_max_chunk(g), longest);
    cr_assert_leq(chk_axis_max_chunk(g), chunk);
}

Test(grid, slices_of_regular_axes)
{
    for (int64_t extent = 0; extent < 14; extent++)
        for (int64_t chunk = 1; chunk < 7; chunk++) {
            chk_axis_grid g = chk_axis_regular(extent, chunk);
            check_axis(&g, chunk, 0, 1);
            for (int64_t start = 0; start < extent; start++)
                for (int64_t step = -8; step <= 8; step++)
                    for (int64_t n = 0;
                         step != 0 && start + (n - 1) * step < extent && start + (n - 1) * step >= (n ? 0 : -extent) && n <= extent;
                         n++) {
                        chk_axis_grid s = chk_axis_slice(&g, start, step, n);
                        check_axis(&s, chunk, start, step);
                        if (n < 2) continue;
                        chk_axis_grid r = chk_axis_slice(&s, n - 1, -1, n); /* reversed again */
                        check_axis(&r, chunk, start + (n - 1) * step, -step);
                    }
        }
}

Test(grid, list_of_bounds)
{
    int64_t bounds[] = {0, 3, 4, 10};
    chk_axis_grid g = {.extent = 10, .n_chunks = 3, .chunk = 6, .bounds = bounds};
    int64_t want[] = {0, 0, 0, 1, 2, 2, 2, 2, 2, 2};
    for (int64_t i = 0; i < 10; i++) cr_assert_eq(chk_axis_find(&g, i), want[i]);
    cr_assert_eq(chk_axis_max_chunk(&g), 6);
    cr_assert_eq(chk_axis_bound(&g, 3), 10);
}

Test(grid, boxes_cover_the_shape_once)
{
    chk_shape s = SHAPE(7, 5);
    chk_grid g = chk_grid_regular(&s, (int64_t[]){3, 2});
    int seen[7][5] = {0};
    cr_assert_eq(chk_grid_n_chunks(&g), 9);
    for (int64_t i = 0; i < 3; i++)
        for (int64_t j = 0; j < 3; j++) {
            chk_box b;
            chk_grid_chunk_box(&b, &g, (int64_t[]){i, j});
            for (int64_t x = b.lo[0]; x < b.hi[0]; x++)
                for (int64_t y = b.lo[1]; y < b.hi[1]; y++) seen[x][y]++;
        }
    for (int i = 0; i < 35; i++) cr_assert_eq(seen[i / 5][i % 5], 1);
    s = SHAPE((int64_t)1 << 40, (int64_t)1 << 40);
    g = chk_grid_regular(&s, (int64_t[]){1, 1});
    cr_assert_eq(chk_grid_n_chunks(&g), INT64_MAX);
    s = SHAPE(4, 0);
    g = chk_grid_regular(&s, (int64_t[]){1, 1});
    cr_assert_eq(chk_grid_n_chunks(&g), 0);
}

Test(grid, default_chunks)
{
    int64_t c[3];
    chk_shape s = SHAPE(100, 10, 10);
    chk_grid_default_chunks(c, &s, 8, 8000); /* 1000 elements: ten rows of 100 */
    cr_assert(c[0] == 10 && c[1] == 10 && c[2] == 10);
    chk_grid_default_chunks(c, &s, 8, 400); /* 50: five of the middle axis */
    cr_assert(c[0] == 1 && c[1] == 5 && c[2] == 10);
    chk_grid_default_chunks(c, &s, 8, 4); /* less than an element: one element */
    cr_assert(c[0] == 1 && c[1] == 1 && c[2] == 1);
    s = SHAPE(0, 3, 2);
    chk_grid_default_chunks(c, &s, 8, 8000);
    cr_assert(c[0] == 1 && c[1] == 3 && c[2] == 2);
}

static void map(int64_t *j, const chk_view *v, const int64_t *i)
{
    for (int b = 0; b < v->base_ndim; b++) j[b] = v->off[b] + (v->axis[b] < 0 ? 0 : v->step[b] * i[v->axis[b]]);
}

/* x[1:8:3, 4, ::-1] and its like of a (9, 6, 5) array, broadcast to (2, 3, 5) and cut again. */
Test(view, composed_maps_are_maps_composed)
{
    chk_view inner = {.shape = SHAPE(3, 5), .base_ndim = 3, .axis = {0, -1, 1}, .off = {1, 4, 4}, .step = {3, 0, -1}};
    chk_shape big = SHAPE(2, 3, 5);
    chk_view wide = chk_view_broadcast(&inner.shape, &big);
    chk_view cut = {.shape = SHAPE(2, 2), .base_ndim = 3, .axis = {1, 0, -1}, .off = {1, 2, 3}, .step = {-1, -1, 0}};
    chk_view a = chk_view_compose(&wide, &inner), b = chk_view_compose(&cut, &wide), all = chk_view_compose(&cut, &a),
             other = chk_view_compose(&b, &inner);
    for (int64_t x = 0; x < 2; x++)
        for (int64_t y = 0; y < 2; y++) {
            int64_t i[2] = {x, y}, w[3], m[2], want[3], got[3], got2[3];
            map(w, &cut, i);
            map(m, &wide, w);
            map(want, &inner, m);
            map(got, &all, i);
            map(got2, &other, i);
            cr_assert(memcmp(want, got, sizeof want) == 0 && memcmp(want, got2, sizeof want) == 0, "element %ld, %ld", (long)x,
                      (long)y);
            cr_assert(got[1] == 4);
        }
    cr_assert(chk_shape_equal(&all.shape, &cut.shape));
}

Test(view, identity)
{
    chk_shape s = SHAPE(3, 4), col = SHAPE(1, 4), to = SHAPE(3, 4);
    chk_view v = chk_view_identity(&s);
    cr_assert(chk_view_is_identity(&v, &s));
    chk_view b = chk_view_broadcast(&col, &to);
    cr_assert_not(chk_view_is_identity(&b, &col));
    cr_assert_eq(b.axis[0], -1);
    b = chk_view_broadcast(&s, &to);
    cr_assert(chk_view_is_identity(&b, &s));
    v.step[1] = -1;
    cr_assert_not(chk_view_is_identity(&v, &s));
}

Test(view, base_box_is_the_smallest)
{
    chk_view v = {.shape = SHAPE(3, 5), .base_ndim = 3, .axis = {0, -1, 1}, .off = {1, 4, 4}, .step = {3, 0, -1}};
    for (int64_t a = 0; a <= 3; a++)
        for (int64_t b = a; b <= 3; b++)
            for (int64_t c = 0; c <= 5; c++)
                for (int64_t d = c; d <= 5; d++) {
                    chk_box box = {.ndim = 2, .lo = {a, c}, .hi = {b, d}}, out;
                    chk_view_base_box(&out, &v, &box);
                    cr_assert_eq(out.ndim, 3);
                    if (a == b || c == d) {
                        cr_assert_eq(chk_box_count(&out), 0);
                        continue;
                    }
                    int64_t lo[3] = {99, 99, 99}, hi[3] = {-1, -1, -1};
                    for (int64_t x = a; x < b; x++)
                        for (int64_t y = c; y < d; y++) {
                            int64_t j[3];
                            map(j, &v, (int64_t[]){x, y});
                            for (int k = 0; k < 3; k++) {
                                if (j[k] < lo[k]) lo[k] = j[k];
                                if (j[k] + 1 > hi[k]) hi[k] = j[k] + 1;
                            }
                        }
                    for (int k = 0; k < 3; k++) cr_assert(out.lo[k] == lo[k] && out.hi[k] == hi[k]);
                }
}
