/* Sources of memory and callbacks: pieces are exactly what a view of the array shows. HDF5's are in test_store_read.py. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "store/source.h"

enum { ROWS = 9, COLS = 7 };

static const chk_shape shape = {.ndim = 2, .dim = {ROWS, COLS}};

/* x[8:0:-3, 5] and the like: (rows picked, 1 repeated, cols picked). */
static const chk_view view = {
    .shape = {.ndim = 3, .dim = {3, 4, 3}}, .base_ndim = 2, .axis = {0, 2}, .off = {8, 1}, .step = {-3, 2}};

static int32_t value(int64_t i, int64_t j) { return (int32_t)(100 * i + j); }

static void check_piece(const chk_piece *p, const chk_box *box)
{
    for (int64_t i = box->lo[0]; i < box->hi[0]; i++)
        for (int64_t r = box->lo[1]; r < box->hi[1]; r++)
            for (int64_t j = box->lo[2]; j < box->hi[2]; j++) {
                int32_t got;
                memcpy(&got,
                       p->data + (i - box->lo[0]) * p->stride[0] + (r - box->lo[1]) * p->stride[1] +
                           (j - box->lo[2]) * p->stride[2],
                       sizeof got);
                cr_assert_eq(got, value(8 - 3 * i, 1 + 2 * j));
            }
}

/* Every box of the view, alone, in an arena of exactly what need() says. */
static void check_source(chk_source *s)
{
    chk_box b = {.ndim = 3};
    for (b.lo[0] = 0; b.lo[0] < 3; b.lo[0]++)
        for (b.hi[0] = b.lo[0]; b.hi[0] <= 3; b.hi[0]++)
            for (b.lo[2] = 0; b.lo[2] < 3; b.lo[2]++)
                for (b.hi[2] = b.lo[2] + 1; b.hi[2] <= 3; b.hi[2]++) {
                    b.lo[1] = 1;
                    b.hi[1] = 4;
                    int64_t extent[3] = {b.hi[0] - b.lo[0], 3, b.hi[2] - b.lo[2]};
                    chk_need need;
                    chk_hold hold = {0};
                    chk_arena arena;
                    chk_piece p;
                    chunk_error err = {0};
                    s->ops->need(s, &view, extent, 1, false, &need);
                    void *room = aligned_alloc(64, need.arena + 64);
                    chk_arena_init(&arena, room, need.arena);
                    cr_assert_eq(s->ops->fetch(s, &view, &b, 1, &arena, &hold, &p, &err), CHUNK_OK, "%s", err.text);
                    cr_assert_not(chk_hold_failed(&hold));
                    if (extent[0] == 0)
                        cr_assert_null(p.data);
                    else
                        check_piece(&p, &b);
                    s->ops->release(s, &hold);
                    free(room);
                }
}

Test(source, memory_with_any_strides)
{
    int32_t dense[ROWS][COLS], columns[COLS][ROWS], wide[2 * ROWS][3 * COLS];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++) dense[i][j] = columns[j][i] = wide[2 * ROWS - 1 - 2 * i][3 * j] = value(i, j);
    chk_source *s;
    cr_assert_eq(chk_source_memory(&s, dense, CHK_I32, &shape, NULL, NULL), CHUNK_OK);
    cr_assert(s->cuttable && s->thread_safe && s->dtype == CHK_I32 && chk_grid_n_chunks(&s->grid) == 1);
    check_source(s);
    chk_source_retain(s);
    chk_source_release(s);
    check_source(s);
    chk_source_release(s);
    cr_assert_eq(chk_source_memory(&s, columns, CHK_I32, &shape, (int64_t[]){4, 4 * ROWS}, NULL), CHUNK_OK);
    check_source(s);
    chk_source_release(s);
    cr_assert_eq(chk_source_memory(&s, wide[2 * ROWS - 1], CHK_I32, &shape, (int64_t[]){-2 * 4 * 3 * COLS, 12}, NULL), CHUNK_OK);
    check_source(s);
    chk_source_release(s);
    cr_assert_eq(chk_source_memory(&s, NULL, CHK_I32, &shape, NULL, NULL), CHUNK_EINVAL);
}

Test(source, memory_of_no_elements_or_no_axes)
{
    chk_shape none = {.ndim = 1, .dim = {0}}, scalar = {.ndim = 0};
    chk_source *s;
    double x = 2.5;
    chk_piece p;
    chk_hold hold = {0};
    chk_box box = {.ndim = 0};
    chk_view v = chk_view_identity(&scalar);
    cr_assert_eq(chk_source_memory(&s, NULL, CHK_F64, &none, NULL, NULL), CHUNK_OK);
    cr_assert_eq(chk_grid_n_chunks(&s->grid), 0);
    chk_source_release(s);
    cr_assert_eq(chk_source_memory(&s, &x, CHK_F64, &scalar, NULL, NULL), CHUNK_OK);
    cr_assert_eq(s->ops->fetch(s, &v, &box, 1, NULL, &hold, &p, NULL), CHUNK_OK);
    cr_assert_eq((const void *)p.data, &x);
    chk_source_release(s);
}

static int calls, freed, fail_at;

static int deliver(void *user, const int64_t *lo, const int64_t *hi, void *out)
{
    cr_assert_eq(user, &calls);
    if (++calls == fail_at) return 7;
    int32_t *x = out;
    for (int64_t i = lo[0]; i < hi[0]; i++)
        for (int64_t j = lo[1]; j < hi[1]; j++) *x++ = value(i, j);
    return 0;
}

static void note_free(void *user) { freed += user == &calls; }

Test(source, callback)
{
    chk_source *s;
    chunk_error err = {0};
    cr_assert_eq(chk_source_callback(&s, deliver, &calls, note_free, CHK_I32, &shape, (int64_t[]){4, 7}, false, &err), CHUNK_OK,
                 "%s", err.text);
    cr_assert(!s->thread_safe && chk_grid_n_chunks(&s->grid) == 3);
    check_source(s);
    fail_at = calls + 1;
    chk_box box = {.ndim = 3, .hi = {1, 1, 1}};
    char room[256];
    chk_arena arena;
    chk_hold hold = {0};
    chk_piece p;
    chk_arena_init(&arena, room, sizeof room);
    cr_assert_eq(s->ops->fetch(s, &view, &box, 1, &arena, &hold, &p, &err), CHUNK_EUSER);
    cr_assert(strstr(err.text, "returned 7"), "%s", err.text);
    chk_source_release(s);
    cr_assert_eq(freed, 1);
    cr_assert_eq(chk_source_callback(&s, deliver, NULL, NULL, CHK_I32, &shape, (int64_t[]){0, 7}, true, &err), CHUNK_EINVAL);
    cr_assert_eq(chk_source_callback(&s, NULL, NULL, NULL, CHK_I32, &shape, NULL, true, &err), CHUNK_EINVAL);
}
