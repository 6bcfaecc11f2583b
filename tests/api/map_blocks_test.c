/* map_blocks and blockwise: which tiles the caller's function gets, what becomes of its results, and what it costs. */
#include <math.h>
#include <stdatomic.h>

#include "blocks_case.h"

TestSuite(map_blocks, .timeout = 60);

static int64_t count(const chunk_tile *t)
{
    int64_t n = 1;
    for (int a = 0; a < t->ndim; a++) n *= t->shape[a];
    return n;
}

static _Atomic int calls;

/* Adds to every element 1000 times the number of its block, and the sum of the block: results depend on the grid, on nothing else. */
static int mark(void *user, const chunk_block *b)
{
    const double *x = b->in[0].data;
    double *y = b->out->data, sum = 0, number = 0;
    (void)user;
    calls++;
    for (int a = 0; a < b->out->ndim; a++) {
        if (b->block[a] >= b->n_blocks[a] || b->out->lo[a] < 0) return 7;
        number = number * (double)b->n_blocks[a] + (double)b->block[a];
    }
    int64_t n = count(b->out);
    if (n != count(&b->in[0])) return 8;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    for (int64_t i = 0; i < n; i++) y[i] = x[i] + 1000 * number + sum;
    return 0;
}

/* Each block to its sum, as float32; all dimensions are kept. */
static int total(void *user, const chunk_block *b)
{
    const double *x = b->in[0].data;
    double sum = 0;
    (void)user;
    if (count(b->out) != 1 || b->out->dtype != CHUNK_FLOAT32) return 1;
    for (int64_t i = 0, n = count(&b->in[0]); i < n; i++) sum += x[i];
    *(float *)b->out->data = (float)sum;
    return 0;
}

/* 2 a + b, where b has the same tile or fewer axes or elements. Uses scratch. */
static int mix(void *user, const chunk_block *b)
{
    const double *x = b->in[0].data, *y = b->in[1].data;
    double *z = b->out->data, *twice = b->scratch;
    int64_t n = count(b->out), m = count(&b->in[1]);
    (void)user;
    if (b->scratch_bytes < (size_t)n * sizeof *twice || (uintptr_t)twice % 64) return 1;
    for (int64_t i = 0; i < n; i++) twice[i] = 2 * x[i];
    for (int64_t i = 0; i < n; i++) z[i] = twice[i] + y[i % m];
    return 0;
}

static int product(void *user, const chunk_block *b)
{
    const double *x = b->in[0].data, *y = b->in[1].data;
    double *z = b->out->data;
    int64_t n = b->in[0].shape[0], k = b->in[0].shape[1], m = b->in[1].shape[1];
    (void)user;
    if (b->in[1].shape[0] != k || b->out->shape[0] != n || b->out->shape[1] != m) return 1;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) {
            z[i * m + j] = 0;
            for (int64_t l = 0; l < k; l++) z[i * m + j] += x[i * k + l] * y[l * m + j];
        }
    return 0;
}

static int fails_late(void *user, const chunk_block *b)
{
    memset(b->out->data, 0, (size_t)count(b->out) * 8);
    return b->block[0] == 1 && b->block[1] == 2 ? *(int *)user : 0;
}

static void add(chunk_context *ctx, const char *name, chunk_block_callback run, void *user)
{
    static const chunk_dtype f64[] = {CHUNK_FLOAT64, CHUNK_FLOAT64};
    chunk_block_function f = {.size = sizeof f, .run = run, .user = user, .n_in = run == mix || run == product ? 2 : 1, .in = f64};
    if (run == mix) f.scratch_per_element = sizeof(double);
    cr_assert_eq(chunk_register_blocks(ctx, name, &f, &err), CHUNK_OK, "%s", err.text);
}

static chunk_context *registered(uint64_t memory, int threads)
{
    static int three = 3;
    chunk_context *ctx = context(memory, threads);
    add(ctx, "mark", mark, NULL);
    add(ctx, "total", total, NULL);
    add(ctx, "mix", mix, NULL);
    add(ctx, "product", product, NULL);
    add(ctx, "fails_late", fails_late, &three);
    return ctx;
}

/* What mark makes of a ramp. */
static double *marked(const ramp *r, const int64_t *chunk)
{
    int64_t rows = r->shape[0], cols = r->shape[1], across = (cols + chunk[1] - 1) / chunk[1];
    double *out = malloc((size_t)(rows * cols) * sizeof *out);
    for (int64_t i = 0; i < rows; i += chunk[0])
        for (int64_t j = 0; j < cols; j += chunk[1]) {
            int64_t ihi = i + chunk[0] < rows ? i + chunk[0] : rows, jhi = j + chunk[1] < cols ? j + chunk[1] : cols;
            double sum = 0, number = (double)(i / chunk[0] * across + j / chunk[1]);
            for (int64_t k = i; k < ihi; k++)
                for (int64_t l = j; l < jhi; l++) sum += (double)(k * cols + l + 1);
            for (int64_t k = i; k < ihi; k++)
                for (int64_t l = j; l < jhi; l++) out[k * cols + l] = (double)(k * cols + l + 1) + 1000 * number + sum;
        }
    return out;
}

Test(map_blocks, follows_the_grid_under_every_ceiling)
{
    static ramp r = {2, {123, 457}};
    static const int64_t chunks[][2] = {{123, 457}, {50, 60}, {7, 457}, {123, 1}, {1, 100}, {64, 64}};
    for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
        double *want = marked(&r, chunks[k]);
        static const uint64_t ceilings[] = {0, 8 << 20};
        for (int m = 0; m < 2; m++)
            for (int threads = 1; threads <= 8; threads += threads == 1 ? 1 : 6) {
                chunk_context *ctx = registered(ceilings[m], threads);
                chunk_array *x = ramp_array(ctx, &r, chunks[k]);
                calls = 0;
                double *got = values(ctx, eval(ctx, "map_blocks(mark, x)", x, NULL));
                cr_assert(!memcmp(got, want, 123 * 457 * sizeof *want));
                int64_t n = ((122 + chunks[k][0]) / chunks[k][0]) * ((456 + chunks[k][1]) / chunks[k][1]);
                cr_assert_eq(calls, n, "%d calls for %lld blocks", calls, (long long)n);
                free(got);
                chunk_array_free(x);
                chunk_context_free(ctx);
            }
        free(want);
    }
}

/* Readers that go along other boxes than the blocks, in the middle of an expression too. */
Test(map_blocks, whatever_reads_it)
{
    static ramp r = {2, {60, 90}};
    static const int64_t chunk[] = {16, 20}, other[] = {7, 90};
    double *want = marked(&r, chunk);
    chunk_context *ctx = registered(0, 2);
    chunk_array *x = ramp_array(ctx, &r, chunk), *y = ramp_array(ctx, &r, other);

    double *got = values(ctx, eval(ctx, "map_blocks(mark, x)[5:50:3, ::-1]", x, NULL));
    for (int i = 0; i < 15; i++)
        for (int j = 0; j < 90; j++) cr_assert_eq(got[i * 90 + j], want[(5 + 3 * i) * 90 + 89 - j]);
    free(got);
    got = values(ctx, eval(ctx, "permute_dims(map_blocks('mark', x)) + 1", x, NULL));
    for (int i = 0; i < 90; i++)
        for (int j = 0; j < 60; j++) cr_assert_eq(got[i * 60 + j], want[j * 90 + i] + 1);
    free(got);
    calls = 0;
    got = values(ctx, eval(ctx, "y - map_blocks(mark, x)", x, y));
    for (int i = 0; i < 5400; i++) cr_assert_eq(got[i], i + 1 - want[i]);
    cr_assert_eq(calls, 20, "%d calls for 20 blocks", calls);
    free(got);
    got = values(ctx, eval(ctx, "concat((y, map_blocks(mark, x)))", x, y));
    for (int i = 0; i < 5400; i++) cr_assert(got[i] == i + 1 && got[5400 + i] == want[i]);
    free(got);
    calls = 0;
    got = values(ctx, eval(ctx, "a := map_blocks(mark, x); (a - min(a)) / (max(a) - min(a))", x, NULL));
    cr_assert_eq(calls, 20, "%d calls for 20 blocks", calls);
    free(got);
    got = values(ctx, eval(ctx, "broadcast_to(expand_dims(map_blocks(mark, x), axis=1), (60, 3, 90))", x, NULL));
    for (int i = 0; i < 60; i++)
        for (int j = 0; j < 270; j++) cr_assert_eq(got[i * 270 + j], want[i * 90 + j % 90]);
    free(got);
    free(want);
    chunk_array_free(x);
    chunk_array_free(y);
    chunk_context_free(ctx);
}

Test(map_blocks, changes_dtype_shape_and_chunks)
{
    static ramp r = {2, {5, 6}};
    chunk_context *ctx = registered(0, 2);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){2, 4}), *a;
    /* blocks of 2 x 4 over 1 ... 30 */
    static const float sums[] = {1 + 2 + 3 + 4 + 7 + 8 + 9 + 10,
                                 5 + 6 + 11 + 12,
                                 13 + 14 + 15 + 16 + 19 + 20 + 21 + 22,
                                 17 + 18 + 23 + 24,
                                 25 + 26 + 27 + 28,
                                 29 + 30};
    a = eval(ctx, "map_blocks(total, x, dtype='float32', chunks=(1, 1))", x, NULL);
    expect_shape(a, 2, (int64_t[]){3, 2});
    cr_assert_eq(chunk_array_dtype(a), CHUNK_FLOAT32);
    float *got = values(ctx, a);
    cr_assert(!memcmp(got, sums, sizeof sums));
    free(got);
    got = values(ctx, eval(ctx, "map_blocks(total, x, dtype='float32', chunks=((1, 1, 1), 1), blocks=(2, 4))", x, NULL));
    cr_assert(!memcmp(got, sums, sizeof sums));
    free(got);

    a = eval(ctx, "map_blocks(total, x, dtype=float32, drop_axis=1, chunks=(1,))", x, NULL); /* all of axis 1 in a block */
    expect_shape(a, 1, (int64_t[]){3});
    got = values(ctx, a);
    cr_assert(got[0] == 78 && got[1] == 222 && got[2] == 165);
    free(got);
    a = eval(ctx, "map_blocks(total, x, dtype=float32, drop_axis=(0, 1), new_axis=0)", x, NULL);
    expect_shape(a, 1, (int64_t[]){1});
    got = values(ctx, a);
    cr_assert_eq(got[0], 465);
    free(got);

    double *z = values(ctx, eval(ctx, "map_blocks(mix, x, y)", x, a = ramp_array(ctx, &(ramp){1, {6}}, (int64_t[]){6})));
    for (int i = 0; i < 30; i++) cr_assert_eq(z[i], 2 * (i + 1) + i % 6 + 1);
    free(z);
    chunk_array_free(a);
    z = values(ctx, eval(ctx, "map_blocks(mix, x, 100)", x, NULL));
    for (int i = 0; i < 30; i++) cr_assert_eq(z[i], 2 * (i + 1) + 100);
    free(z);
    a = eval(ctx, "map_blocks(mark, zeros((0, 4)))", NULL, NULL);
    expect_shape(a, 2, (int64_t[]){0, 4});
    free(values(ctx, a));
    chunk_array_free(x);
    chunk_context_free(ctx);
}

/* A tuple of extents: the grid of the result is irregular, and lives as long as the array. */
static int repeat(void *user, const chunk_block *b)
{
    double *z = b->out->data;
    (void)user;
    for (int64_t i = 0; i < b->out->shape[0]; i++) z[i] = (double)(b->out->lo[0] + i) + 100 * (double)b->block[0];
    return 0;
}

Test(map_blocks, blocks_of_different_extents)
{
    static ramp r = {1, {30}};
    chunk_context *ctx = registered(0, 2);
    add(ctx, "repeat_block", repeat, NULL);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){10}),
                *a = eval(ctx, "map_blocks(repeat_block, x, chunks=((4, 1, 7),))", x, NULL);
    int64_t bounds[4];
    cr_assert_eq(chunk_array_bounds(a, 0, bounds, 4), 3);
    cr_assert(bounds[1] == 4 && bounds[2] == 5 && bounds[3] == 12);
    double *got = values(ctx, a);
    for (int i = 0; i < 12; i++) cr_assert_eq(got[i], i + (i < 4 ? 0 : i < 5 ? 100 : 200));
    free(got);
    got = values(ctx, eval(ctx, "map_blocks(mark, map_blocks(repeat_block, x, chunks=((4, 1, 7),)) + 0)[3:]", x, NULL));
    cr_assert(got[0] == 3 + 6 && got[1] == 104 + 1000 + 104 && got[2] == 205 + 2000 + 1456);
    free(got);
    chunk_array_free(x);
    chunk_context_free(ctx);
}

Test(map_blocks, blockwise_contracts)
{
    static ramp r = {2, {20, 30}}, s = {2, {30, 11}};
    chunk_context *ctx = registered(0, 2);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){8, 7}), *y = ramp_array(ctx, &s, (int64_t[]){13, 4});
    double *got = values(ctx, eval(ctx, "blockwise(product, 'ik', x, 'ij', y, 'jk')", x, y));
    for (int i = 0; i < 20; i++)
        for (int k = 0; k < 11; k++) {
            double want = 0;
            for (int j = 0; j < 30; j++) want += (30 * i + j + 1) * (11 * j + k + 1);
            cr_assert_eq(got[i * 11 + k], want);
        }
    free(got);
    double *blocks = values(ctx, eval(ctx, "blockwise(product, 'ik', x, 'ij', y, 'jk', blocks=(3, 2))", x, y));
    got = values(ctx, eval(ctx, "blockwise(product, 'ik', x, 'ij', y, 'jk', blocks=(20, 11))", x, y));
    cr_assert(!memcmp(got, blocks, 220 * sizeof *got));
    free(got);
    free(blocks);
    refuse(ctx, "blockwise(product, 'ik', x, 'ij', y, 'kj')", x, y, CHUNK_ESHAPE, "axis 'j' has 30 elements in one array and 11");
    refuse(ctx, "blockwise(product, 'ik', x, 'ijk', y, 'jk')", x, y, CHUNK_EINVAL,
           "'ijk' has 3 letters for the 2 dimensions of array 0");
    refuse(ctx, "blockwise(product, 'ikz', x, 'ij', y, 'jk')", x, y, CHUNK_EINVAL, "axis 2 of the result is in no array");
    refuse(ctx, "blockwise(product, 'ii', x, 'ij', y, 'jk')", x, y, CHUNK_EINVAL, "'i' is twice in index 'ii'");
    refuse(ctx, "blockwise(product, 'ik', x, 'ij', y)", x, y, CHUNK_EINVAL, "each with its index behind it");
    chunk_array_free(x);
    chunk_array_free(y);
    chunk_context_free(ctx);
}

Test(map_blocks, refusals)
{
    static ramp r = {2, {60, 90}}, s = {2, {61, 90}};
    chunk_context *ctx = registered(0, 2);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){16, 20}), *y = ramp_array(ctx, &s, (int64_t[]){13, 20});
    refuse(ctx, "map_blocks(fails_late, x)", x, NULL, CHUNK_EUSER,
           "map_blocks: the function registered as fails_late failed on block (1, 2): it returned 3");
    refuse(ctx, "map_blocks(mix, x, y)", x, y, CHUNK_ESHAPE,
           "axis 0 of array 1 has 61 elements in 5 chunks; array 0 has 60 in 4 blocks");
    refuse(ctx, "map_blocks(mix, x)", x, NULL, CHUNK_EINVAL, "mix takes 2 arrays, 1 given");
    refuse(ctx, "map_blocks(mark, x, chunks=(1,))", x, NULL, CHUNK_EINVAL, "chunks has 1 entries for the 2 dimensions");
    refuse(ctx, "map_blocks(mark, x, chunks=((1, 2), None))", x, NULL, CHUNK_EINVAL, "2 extents along axis 0 for 4 blocks");
    refuse(ctx, "map_blocks(mark, x, blocks=(0, 1))", x, NULL, CHUNK_EINVAL, "must be at least 1, got 0");
    refuse(ctx, "map_blocks(sin, x)", x, NULL, CHUNK_EPARSE, "sin is a function");
    refuse(ctx, "map_blocks('sin', x)", x, NULL, CHUNK_ENAME, "there is no function over blocks 'sin'");
    refuse(ctx, "map_blocks(x, x)", x, NULL, CHUNK_ETYPE, "the name of a registered one");
    refuse(ctx, "mark(x)", x, NULL, CHUNK_EINVAL, "write map_blocks(mark, ...)");
    refuse(ctx, "map_blocks(mark, x, drop_axis=2)", x, NULL, CHUNK_EINDEX, "drop_axis");
    char *json;
    chunk_array *a = eval(ctx, "map_blocks(mark, x)", x, NULL);
    cr_assert_eq(chunk_to_json(&json, ctx, &a, 1, &err), CHUNK_EUNSUPPORTED);
    chunk_array_free(a);
    const chunk_block_function none = {.size = sizeof none}, old = {.size = 8, .run = mark};
    cr_assert_eq(chunk_register_blocks(ctx, "none", &none, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_register_blocks(ctx, "old", &old, &err), CHUNK_EINVAL);
    cr_assert_eq(chunk_register_blocks(ctx, "sum", &(chunk_block_function){.size = sizeof none, .run = mark}, &err), CHUNK_EEXIST);
    chunk_array_free(x);
    chunk_array_free(y);
    chunk_context_free(ctx);
}

/* Blocks are never cut: a ceiling below one block, its tile and its scratch is refused, and the one that the refusal names is enough. */
Test(map_blocks, refusal_says_what_is_needed)
{
    static ramp r = {2, {2000, 1000}};
    chunk_context *ctx = registered(20 << 20, 2);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){1000, 1000});
    refuse(ctx, "map_blocks(mix, x, 1)", x, NULL, CHUNK_ECEILING, "needs");
    uint64_t needed = err.needed;
    cr_assert_gt(needed, 3 * 8000000);
    chunk_array_free(x);
    chunk_context_free(ctx);
    ctx = registered(needed, 2);
    x = ramp_array(ctx, &r, (int64_t[]){1000, 1000});
    double *got = values(ctx, eval(ctx, "map_blocks(mix, x, 1)", x, NULL));
    for (int i = 0; i < 2000000; i++) cr_assert_eq(got[i], 2.0 * (i + 1) + 1);
    free(got);
    refuse(ctx, "map_blocks(mix, x, 1, blocks=(1100, 1000))", x, NULL, CHUNK_ECEILING, "needs");
    chunk_array_free(x);
    chunk_context_free(ctx);
}

Test(map_blocks, failures)
{
    static ramp r = {2, {60, 90}};
    fail_everywhere(registered, "map_blocks(mix, map_blocks(mark, x), 3)[2:, ::2]", &r, (int64_t[]){16, 20});
    fail_everywhere(registered, "permute_dims(map_blocks(total, x, dtype=float32, chunks=((1, 1, 1, 1), 1)))", &r,
                    (int64_t[]){16, 20});
}
