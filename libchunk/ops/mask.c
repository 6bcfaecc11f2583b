/* mask.c: selecting by masks. The array is walked in bands, runs of its C order; how many elements each band selects is counted once, when the node is
 * built, and kept with it: so the shape is exact before anything else is planned, and any box of the result knows which bands it needs. */
#include "ops/mask.h"

#include <string.h>

#include "base/alloc.h"
#include "kern/kern.h"
#include "ops/make.h"

/* A band is what is held at once: 256 Ki elements. More of them than MOST_BANDS (2 MiB of counts) would be too much to keep: then bands are larger. */
enum { BAND_ELEMENTS = 256 << 10, MOST_BANDS = 256 << 10, COUNTS_A_TASK = 16, RESULT_CHUNK = OPS_SELECTED_CHUNK };

ops_bands ops_cut(const chk_shape *shape)
{
    int64_t most = chk_shape_count(shape) / MOST_BANDS + 1;
    return ops_cut_by(shape, most < BAND_ELEMENTS ? BAND_ELEMENTS : most);
}

ops_bands ops_cut_by(const chk_shape *shape, int64_t most)
{
    int64_t count = chk_shape_count(shape), inner = 1;
    int d = shape->ndim - 1;
    if (count == 0) return (ops_bands){.d = d, .s = 1};
    while (d > 0 && shape->dim[d] <= most / inner) inner *= shape->dim[d--];
    ops_bands b = {.d = d, .s = most / inner > 0 ? most / inner : 1};
    if (b.s > shape->dim[d]) b.s = shape->dim[d] > 0 ? shape->dim[d] : 1;
    b.n = b.n_d = (shape->dim[d] + b.s - 1) / b.s;
    for (int a = 0; a < d; a++) b.n *= shape->dim[a];
    return b;
}

void ops_band_box(chk_box *out, const ops_bands *b, const chk_shape *shape, int64_t i)
{
    out->ndim = shape->ndim;
    for (int a = b->d + 1; a < shape->ndim; a++) out->lo[a] = 0, out->hi[a] = shape->dim[a];
    out->lo[b->d] = i % b->n_d * b->s;
    out->hi[b->d] = out->lo[b->d] + b->s < shape->dim[b->d] ? out->lo[b->d] + b->s : shape->dim[b->d];
    i /= b->n_d;
    for (int a = b->d - 1; a >= 0; a--) {
        out->lo[a] = i % shape->dim[a];
        out->hi[a] = out->lo[a] + 1;
        i /= shape->dim[a];
    }
}

void ops_bands_extent(const ops_bands *b, const chk_shape *shape, int64_t *out)
{
    for (int a = 0; a < shape->ndim; a++) out[a] = a < b->d ? 1 : a == b->d ? b->s : shape->dim[a];
}

void ops_band_extent(const chk_shape *shape, int64_t *out)
{
    ops_bands b = ops_cut(shape);
    ops_bands_extent(&b, shape, out);
}

static size_t band_bytes(const chk_shape *shape, chk_dtype d)
{
    int64_t extent[CHK_MAX_NDIM];
    ops_band_extent(shape, extent);
    return chk_extent_bytes(shape->ndim, extent, d);
}

static void mask_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)extent;
    ops_band_extent(&n->in[input]->shape, in_extent);
}

/* Of n bytes, 0 or 1, those that are 1. */
static int64_t count_set(const unsigned char *mask, int64_t n)
{
    enum { WORDS = 255 }; /* eight counters of a byte, added up before they can overflow */
    int64_t k = 0, found = 0;
    for (; k + 8 * WORDS <= n; k += 8 * WORDS) {
        uint64_t sum = 0, word;
        for (int w = 0; w < WORDS; w++) memcpy(&word, mask + k + 8 * w, 8), sum += word;
        for (int byte = 0; byte < 8; byte++) found += (int64_t)(sum >> 8 * byte & 255);
    }
    for (; k < n; k++) found += mask[k];
    return found;
}

/* ---- counting: an operation of its own that no table lists */

static size_t count_scratch(const chk_node *n, const int64_t *extent)
{
    (void)extent;
    return band_bytes(&n->in[0]->shape, CHK_BOOL);
}

static chunk_status count_run(const chk_local_call *c, chunk_error *err)
{
    const chk_shape *shape = &c->node->in[0]->shape;
    ops_bands b = ops_cut(shape);
    int64_t *out = c->out;
    for (int64_t i = c->box->lo[0]; i < c->box->hi[0]; i++) {
        chk_box box;
        ops_band_box(&box, &b, shape, i);
        CHK_TRY(chk_local_read(c, 0, &box, c->scratch, NULL, err));
        *out++ = count_set(c->scratch, chk_box_count(&box));
    }
    return CHUNK_OK;
}

static const chk_local count_local = {
    .reads = mask_reads, .scratch = count_scratch, .run = count_run, .block = COUNTS_A_TASK, .ns = 100};
static const chk_op count_op = {.name = "count of selected elements", .local = &count_local};

/* The parameters head[0 .. n_head) and the first place of each band in the result, with the total at the end. */
static chunk_status count_bands(int64_t **attr, int *n_attr, const int64_t *head, int n_head, chk_builder *b, chk_node *mask,
                                chunk_error *err)
{
    ops_bands k = ops_cut(&mask->shape);
    int64_t *a = chk_calloc((size_t)n_head + (size_t)k.n + 1, sizeof *a);
    if (!a) return chk_fail(err, CHUNK_ENOMEM, "out of memory for the counts of %lld bands", (long long)k.n);
    if (n_head) memcpy(a, head, (size_t)n_head * sizeof *a);
    chk_shape shape = {.ndim = 1, .dim = {k.n}};
    chk_grid grid = {.ndim = 1, .axis = {chk_axis_regular(k.n, COUNTS_A_TASK)}};
    chk_node *counts;
    chunk_status st = k.n ? chk_node_custom(&counts, b, &count_op, NULL, 0, CHK_I64, &shape, &grid, &mask, 1, err) : CHUNK_OK;
    int64_t left = chk_builder_assumes(b) ? chk_builder_most(b, mask) : 0;
    for (int64_t i = 0; i < k.n && st == CHUNK_OK && chk_builder_assumes(b); i++) {
        chk_box box;
        ops_band_box(&box, &k, &mask->shape, i);
        int64_t all = chk_box_count(&box);
        a[n_head + i + 1] = all < left ? all : left;
        left -= a[n_head + i + 1];
    }
    if (st == CHUNK_OK && k.n) {
        if (!chk_builder_assumes(b)) st = chk_builder_evaluate(b, counts, a + n_head + 1, err);
        chk_node_release(counts);
    }
    if (st != CHUNK_OK) {
        chk_free(a);
        return st;
    }
    for (int64_t i = 0; i < k.n; i++) a[n_head + i + 1] += a[n_head + i];
    *attr = a;
    *n_attr = n_head + (int)k.n + 1;
    return CHUNK_OK;
}

/* Parameters that somebody else wrote must fit the mask, and never let a box run over. */
static bool counts_fit(const int64_t *first, int n, const chk_shape *mask)
{
    ops_bands b = ops_cut(mask);
    int64_t extent[CHK_MAX_NDIM];
    ops_band_extent(mask, extent);
    bool fine = n == b.n + 1 && first[0] == 0;
    for (int i = 1; i < n && fine; i++)
        fine = first[i] >= first[i - 1] && first[i] - first[i - 1] <= chk_extent_count(mask->ndim, extent);
    return fine;
}

static int64_t find_band(const int64_t *first, int64_t n_bands, int64_t ordinal)
{
    int64_t lo = 0, hi = n_bands;
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (first[mid] <= ordinal)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* Calls visit for each place of the mask (n bytes) whose ordinal among the selected lies in [from, to). */
#define EACH_SELECTED(mask, n, from, to, visit)                                                                                    \
    do {                                                                                                                           \
        int64_t ordinal_ = 0;                                                                                                      \
        for (int64_t k_ = 0; k_ < (n) && ordinal_ < (to); k_ += 8) {                                                               \
            uint64_t word_ = 0;                                                                                                    \
            memcpy(&word_, (mask) + k_, (n)-k_ < 8 ? (size_t)((n)-k_) : 8);                                                        \
            int count_ = (int)(word_ * UINT64_C(0x0101010101010101) >> 56); /* bytes are 0 or 1 */                                 \
            if (ordinal_ + count_ <= (from)) {                                                                                     \
                ordinal_ += count_;                                                                                                \
                continue;                                                                                                          \
            }                                                                                                                      \
            for (; word_; word_ &= word_ - 1, ordinal_++) {                                                                        \
                int64_t i = k_ + (__builtin_ctzll(word_) >> 3);                                                                    \
                if (ordinal_ >= (from) && ordinal_ < (to)) {                                                                       \
                    visit;                                                                                                         \
                }                                                                                                                  \
            }                                                                                                                      \
        }                                                                                                                          \
    } while (0)

/* ---- x[mask] */

static size_t select_scratch(const chk_node *n, const int64_t *extent)
{
    (void)extent;
    return chk_arena_cost(band_bytes(&n->in[0]->shape, CHK_BOOL)) + chk_arena_cost(band_bytes(&n->in[1]->shape, n->dtype));
}

/* The place after the n-th of the bytes that are 1. */
static int64_t place_after(const unsigned char *mask, int64_t n_bytes, int64_t n)
{
    enum { BLOCK = 512 };
    int64_t i = 0, seen = 0;
    while (seen < n) { /* whole blocks before it, then one by one */
        int64_t m = n_bytes - i < BLOCK ? n_bytes - i : BLOCK, found = count_set(mask + i, m);
        if (seen + found < n)
            i += m, seen += found;
        else
            while (seen < n) seen += mask[i++];
    }
    return i;
}

/* Of a band, only the part that holds the wanted ones: cut along the axis that bands cut, by `inner` elements an index. */
static void narrow(chk_box *box, int d, int64_t inner, int64_t lo, int64_t hi)
{
    box->hi[d] = box->lo[d] + (hi + inner - 1) / inner;
    box->lo[d] += lo / inner;
}

static chunk_status select_run(const chk_local_call *c, chunk_error *err)
{
    const chk_shape *shape = &c->node->in[0]->shape;
    const int64_t *first = c->node->u.custom.attr;
    ops_bands b = ops_cut(shape);
    size_t item = chk_dtype_size(c->node->dtype);
    unsigned char *mask = c->scratch;
    char *x = (char *)c->scratch + chk_arena_cost(band_bytes(shape, CHK_BOOL)), *out = c->out;
    for (int64_t i = find_band(first, b.n, c->box->lo[0]); i < b.n && first[i] < c->box->hi[0]; i++) {
        int64_t from = c->box->lo[0] - first[i], to = c->box->hi[0] - first[i];
        if (first[i + 1] == first[i]) continue;
        if (from < 0) from = 0;
        if (to > first[i + 1] - first[i]) to = first[i + 1] - first[i];
        chk_box box;
        ops_band_box(&box, &b, shape, i);
        CHK_TRY(chk_local_read(c, 0, &box, mask, NULL, err));
        int64_t n = chk_box_count(&box), inner = n / chk_box_extent(&box, b.d), lo = place_after(mask, n, from),
                hi = lo + place_after(mask + lo, n - lo, to - from);
        narrow(&box, b.d, inner, lo, hi);
        CHK_TRY(chk_local_read(c, 1, &box, x, NULL, err));
        chk_kern_compress(out, x + lo % inner * (int64_t)item, mask + lo, item, (size_t)(hi - lo), (size_t)(to - from));
        out += (to - from) * (int64_t)item;
    }
    return CHUNK_OK;
}

static const chk_local select_local = {.reads = mask_reads, .scratch = select_scratch, .run = select_run, .ns = 10};

static chunk_status make_select(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                const int64_t *attr, int n_attr, chunk_error *err)
{
    bool fine = n_in == 2 && in[0]->dtype == CHK_BOOL && in[0]->shape.ndim > 0 && chk_shape_equal(&in[0]->shape, &in[1]->shape) &&
                n_attr > 0 && counts_fit(attr, n_attr, &in[0]->shape);
    if (!fine) return chk_fail(err, CHUNK_EINVAL, "%s: not the parameters of a selection", op->name);
    chk_shape shape = {.ndim = 1, .dim = {attr[n_attr - 1]}};
    chk_grid grid = {.ndim = 1, .axis = {chk_axis_regular(shape.dim[0], RESULT_CHUNK)}};
    return chk_node_custom(out, b, op, attr, n_attr, in[1]->dtype, &shape, &grid, in, 2, err);
}

/* The sub-arrays of x along the axis at the places where the mask, of one dimension, holds: those must be within x, the mask may be shorter or longer. */
static chk_node *take_where(ops_maker *m, chk_builder *b, chk_node *mask, chk_node *x, int axis, chunk_error *err)
{
    chk_node *made = NULL;
    if (m->st == CHUNK_OK) m->st = ops_nonzero_axis(&made, b, mask, 0, err);
    chk_node *places = ops_own(m, m->st, &made);
    if (!places) return NULL;
    chk_value take[3] = {
        {.kind = CHK_VAL_NODE, .u.node = x}, {.kind = CHK_VAL_NODE, .u.node = places}, {.kind = CHK_VAL_INT, .u.i.i = axis}};
    const char *names[3] = {NULL, NULL, NULL};
    m->st = chk_op_call(&made, b, chk_builder_find(b, "take", 4), take, names, 3, err);
    return ops_own(m, m->st, &made);
}

static chunk_status build_extract(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *mask = ops_cast(&m, ops_value(&m, &args[0], op->name), CHK_BOOL), *x = ops_value(&m, &args[1], op->name),
             *made = NULL;
    if (!mask || !x) return ops_give(out, &m, NULL);
    if (!chk_shape_equal(&mask->shape, &x->shape) || x->shape.ndim == 0) mask = ops_flat(&m, mask), x = ops_flat(&m, x);
    if (!mask || !x) return ops_give(out, &m, NULL);
    if (chk_shape_equal(&mask->shape, &x->shape)) {
        m.st = ops_select(&made, b, mask, x, err);
        return ops_give(out, &m, ops_own(&m, m.st, &made));
    }
    return ops_give(out, &m, take_where(&m, b, mask, x, 0, err));
}

const chk_op chk_op_extract = {
    .name = "extract",
    .family = "indexing",
    .summary = "The elements of x where a condition holds, x[condition] in text",
    .doc = "condition, x: arrays of one shape; of different ones, both raveled, as NumPy does. One dimension, C order. The "
           "elements are counted when the expression is built (one "
           "run over the condition, under the same "
           "ceiling), so that the shape is known; the counts are kept. Memory: a block of the result, and 256 Ki elements of "
           "condition and x.",
    .params = {{"condition", CHK_PAR_ARRAY, NULL, false}, OPS_X},
    .build = build_extract,
    .make = make_select,
    .local = &select_local,
};

chunk_status ops_select(chk_node **out, chk_builder *b, chk_node *mask, chk_node *x, chunk_error *err)
{
    int64_t *attr;
    int n_attr;
    chk_node *in[2] = {mask, x};
    if (chk_builder_defers(b) && chk_shape_count(&x->shape) > 0) return ops_select_uncounted(out, b, in, err);
    CHK_TRY(count_bands(&attr, &n_attr, NULL, 0, b, mask, err));
    chunk_status st = make_select(out, b, &chk_op_extract, in, 2, attr, n_attr, err);
    chk_free(attr);
    return st;
}

/* ---- where a mask is true */

static size_t nonzero_scratch(const chk_node *n, const int64_t *extent)
{
    (void)extent;
    return band_bytes(&n->in[0]->shape, CHK_BOOL);
}

/* The index along an axis of element i of a band's box. */
static int64_t index_along(const chk_box *box, int axis, int64_t i)
{
    for (int a = box->ndim - 1; a > axis; a--) i /= chk_box_extent(box, a);
    return box->lo[axis] + i % chk_box_extent(box, axis);
}

static chunk_status nonzero_run(const chk_local_call *c, chunk_error *err)
{
    const chk_shape *shape = &c->node->in[0]->shape;
    const int64_t *first = c->node->u.custom.attr + 1;
    int axis = (int)c->node->u.custom.attr[0], lo = axis < 0 ? (int)c->box->lo[1] : axis,
        hi = axis < 0 ? (int)c->box->hi[1] : axis + 1;
    ops_bands b = ops_cut(shape);
    int64_t *out = c->out;
    for (int64_t k = find_band(first, b.n, c->box->lo[0]); k < b.n && first[k] < c->box->hi[0]; k++) {
        int64_t from = c->box->lo[0] - first[k], to = c->box->hi[0] - first[k];
        if (first[k + 1] == first[k]) continue;
        chk_box box;
        ops_band_box(&box, &b, shape, k);
        CHK_TRY(chk_local_read(c, 0, &box, c->scratch, NULL, err));
        const unsigned char *mask = c->scratch;
        int64_t n = chk_box_count(&box);
        EACH_SELECTED(mask, n, from, to, for (int a = lo; a < hi; a++) *out++ = index_along(&box, a, i));
    }
    return CHUNK_OK;
}

static const chk_local nonzero_local = {.reads = mask_reads, .scratch = nonzero_scratch, .run = nonzero_run, .ns = 10};

static chunk_status make_argwhere(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                  const int64_t *attr, int n_attr, chunk_error *err)
{
    bool fine = n_in == 1 && in[0]->dtype == CHK_BOOL && in[0]->shape.ndim > 0 && n_attr > 1 && attr[0] >= -1 &&
                attr[0] < in[0]->shape.ndim && counts_fit(attr + 1, n_attr - 1, &in[0]->shape);
    if (!fine) return chk_fail(err, CHUNK_EINVAL, "%s: not the parameters of the places of a mask", op->name);
    chk_shape shape = {.ndim = attr[0] < 0 ? 2 : 1, .dim = {attr[n_attr - 1], in[0]->shape.ndim}};
    chk_grid grid = {.ndim = shape.ndim, .axis = {chk_axis_regular(shape.dim[0], RESULT_CHUNK)}};
    if (attr[0] < 0) grid.axis[1] = chk_axis_regular(shape.dim[1], shape.dim[1]);
    return chk_node_custom(out, b, op, attr, n_attr, CHK_I64, &shape, &grid, in, 1, err);
}

static chunk_status build_argwhere(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_cast(&m, ops_value(&m, &args[0], op->name), CHK_BOOL), *made = NULL;
    int64_t axis = -1;
    int normal = 0;
    if (!x) return ops_give(out, &m, NULL);
    bool row = x->shape.ndim == 0 && ops_absent(&args[1]); /* of no dimensions: a row of no indices, or none */
    if (row) x = ops_with_axes(&m, x, 1, 1);
    if (m.st == CHUNK_OK && !ops_absent(&args[1])) {
        m.st = chk_value_int(&axis, &args[1], op->name, "axis", err);
        if (m.st == CHUNK_OK) m.st = chk_axis_normal(&normal, axis, x->shape.ndim, op->name, err);
        axis = normal;
    }
    if (m.st == CHUNK_OK) m.st = ops_nonzero_axis(&made, b, x, (int)axis, err);
    chk_node *places = ops_own(&m, m.st, &made);
    return ops_give(out, &m, row ? ops_slice(&m, places, 1, 0, 1, 0) : places);
}

const chk_op chk_op_argwhere = {
    .name = "argwhere",
    .family = "indexing",
    .summary = "The indices of the elements that are not zero, one row an element",
    .doc = "int64, shape (n, ndim), C order; with axis only the indices along it, shape (n,). Counted when the expression is "
           "built, as for extract. Memory: a block of the "
           "result, and 256 Ki elements of x as bool.",
    .params = {OPS_X, {"axis", CHK_PAR_INT, "None", true}},
    .build = build_argwhere,
    .make = make_argwhere,
    .local = &nonzero_local,
};

chunk_status ops_nonzero_axis(chk_node **out, chk_builder *b, chk_node *mask, int axis, chunk_error *err)
{
    int64_t *attr, head = axis;
    int n_attr;
    CHK_TRY(count_bands(&attr, &n_attr, &head, 1, b, mask, err));
    chunk_status st = make_argwhere(out, b, &chk_op_argwhere, &mask, 1, attr, n_attr, err);
    chk_free(attr);
    return st;
}

/* ---- compress */

static chunk_status build_compress(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *mask = ops_cast(&m, ops_array(&m, &args[0], op->name), CHK_BOOL), *x = ops_value(&m, &args[1], op->name);
    int axis = 0;
    if (!mask || !x) return ops_give(out, &m, NULL);
    if (mask->shape.ndim != 1)
        m.st = chk_fail(err, CHUNK_ESHAPE, "compress: the condition has %d dimensions: it must have 1", mask->shape.ndim);
    x = ops_along(&m, &axis, x, &args[2], op->name);
    return ops_give(out, &m, take_where(&m, b, mask, x, axis, err));
}

const chk_op chk_op_compress = {
    .name = "compress",
    .family = "indexing",
    .summary = "The sub-arrays of x along an axis where a condition holds; x raveled without one",
    .doc = "condition: one dimension (or a tuple), at most as long as the axis. Counted when the expression is built, as for "
           "extract. Memory as "
           "for index.",
    .params = {{"condition", CHK_PAR_ARRAY, NULL, false}, OPS_X, {"axis", CHK_PAR_INT, "None", false}},
    .build = build_compress,
};
