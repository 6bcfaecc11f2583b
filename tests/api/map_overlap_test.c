/* map_overlap: a caller's C kernel with a halo. What lies in the halo for all boundaries and depths is tests/battery/family_blocks.py's business. */
#include "blocks_case.h"

TestSuite(map_overlap, .timeout = 60);

/* The Laplacian of a plane, by the tile's own extents. */
static int lap(void *user, const chunk_block *b)
{
    const chunk_tile *in = &b->in[0], *out = b->out;
    (void)user;
    if (out->ndim != 2) return 2;
    int64_t row = in->shape[1], down = out->lo[0] - in->lo[0], right = out->lo[1] - in->lo[1];
    if (down < 1 || right < 1) return 1;
    for (int64_t i = 0; i < out->shape[0]; i++)
        for (int64_t j = 0; j < out->shape[1]; j++) {
            const double *x = (const double *)in->data + (i + down) * row + j + right;
            ((double *)out->data)[i * out->shape[1] + j] = (x[0] * -2 + x[-row] + x[row]) + (x[0] * -2 + x[-1] + x[1]);
        }
    return 0;
}

static chunk_context *registered(uint64_t memory, int threads)
{
    chunk_context *ctx = context(memory, threads);
    const chunk_block_function f = {.size = sizeof f, .run = lap, .n_in = 1};
    cr_assert_eq(chunk_register_blocks(ctx, "lap", &f, &err), CHUNK_OK, "%s", err.text);
    return ctx;
}

/* Its "reflect" is scipy.ndimage's "reflect", not scipy.ndimage's "mirror", which is numpy.pad's "reflect". */
Test(map_overlap, names_of_boundaries)
{
    static ramp r = {2, {70, 95}};
    static const char *const ours[] = {"'reflect'", "'nearest'", "'periodic'", "5"}, *const scipys[] = {"reflect", "nearest",
                                                                                                        "wrap", "constant"};
    for (int threads = 1; threads <= 8; threads += threads == 1 ? 1 : 6) {
        chunk_context *ctx = registered(threads == 2 ? 6 << 20 : 0, threads);
        chunk_array *x = ramp_array(ctx, &r, (int64_t[]){16, 30});
        for (int k = 0; k < 4; k++) {
            char text[120];
            snprintf(text, sizeof text, "map_overlap(lap, sin(x), depth=1, boundary=%s)", ours[k]);
            double *got = values(ctx, eval(ctx, text, x, NULL));
            snprintf(text, sizeof text, "laplace(sin(x), mode='%s', cval=5)", scipys[k]);
            double *want = values(ctx, eval(ctx, text, x, NULL)),
                   *other = values(ctx, eval(ctx, "laplace(sin(x), mode='mirror')", x, NULL));
            int differ = 0;
            for (int i = 0; i < 70 * 95; i++) {
                cr_assert_float_eq(got[i], want[i], 1e-13);
                differ += got[i] != other[i];
            }
            cr_assert_gt(differ, 100);
            free(got);
            free(want);
            free(other);
        }
        refuse(ctx, "map_overlap(lap, x, depth=1)", x, NULL, CHUNK_EUSER,
               "map_overlap: the function registered as lap failed on block (0, 0)");
        chunk_array_free(x);
        chunk_context_free(ctx);
    }
}

Test(map_overlap, refusals)
{
    static ramp r = {2, {60, 90}};
    chunk_context *ctx = registered(0, 2);
    chunk_array *x = ramp_array(ctx, &r, (int64_t[]){16, 20}), *i = eval(ctx, "arange(6)", NULL, NULL);
    refuse(ctx, "map_overlap(lap, x, depth=(1, 2, 3))", x, NULL, CHUNK_EINVAL, "depth has 3 entries for 2 dimensions");
    refuse(ctx, "map_overlap(lap, x, depth=((1, 2, 3), 1))", x, NULL, CHUNK_EINVAL,
           "depth of axis 0 must be a number, or one before");
    refuse(ctx, "map_overlap(lap, x, depth=-1)", x, NULL, CHUNK_EINVAL, "depth of axis 0 must be 0 to");
    refuse(ctx, "map_overlap(lap, x, depth=1, boundary='mirror')", x, NULL, CHUNK_ENAME, "boundary 'mirror' is none of");
    refuse(ctx, "map_overlap(lap, x, depth=1, boundary=(1, 2))", x, NULL, CHUNK_EUNSUPPORTED, "two different constants");
    refuse(ctx, "map_overlap(lap, y, depth=1, boundary=1000)", x, i, CHUNK_EUSER, "failed on block (0,): it returned 2");
    refuse(ctx, "map_overlap(lap, astype(x, int8), depth=1, boundary=1000)", x, NULL, CHUNK_ETYPE, "1000 out of bounds for int8");
    chunk_array_free(i);
    chunk_array_free(x);
    chunk_context_free(ctx);
}

/* The halo is part of the tile: it is in the projection, and in what a refusal asks for. */
Test(map_overlap, halo_is_counted)
{
    static ramp r = {2, {1000, 1000}};
    uint64_t needed[2];
    for (int wide = 0; wide < 2; wide++) {
        const char *text =
            wide ? "map_overlap(lap, x, depth=400, boundary='reflect')" : "map_overlap(lap, x, depth=1, boundary='reflect')";
        chunk_context *ctx = registered(1 << 20, 2);
        chunk_array *x = ramp_array(ctx, &r, (int64_t[]){200, 200});
        refuse(ctx, text, x, NULL, CHUNK_ECEILING, "needs");
        needed[wide] = err.needed;
        chunk_array_free(x);
        chunk_context_free(ctx);
        ctx = registered(needed[wide], 2);
        x = ramp_array(ctx, &r, (int64_t[]){200, 200});
        double *got = values(ctx, eval(ctx, text, x, NULL));
        for (int i = 1001; i < 998999; i++) cr_assert(i % 1000 == 0 || i % 1000 == 999 || got[i] == 0);
        free(got);
        chunk_array_free(x);
        chunk_context_free(ctx);
    }
    cr_assert_geq(needed[1], needed[0] + 7000000);
}

Test(map_overlap, failures)
{
    static ramp r = {2, {60, 90}};
    fail_everywhere(registered, "map_overlap(lap, x, depth=((2, 1), (1, 3)), boundary=('periodic', 2.5)) + 1", &r,
                    (int64_t[]){16, 20});
}
