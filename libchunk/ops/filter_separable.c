/* filter_separable.c: filters that are one-dimensional steps, one axis after the other: the block with its halo is brought in once, and each step leaves
 * less of the halo. Steps go over it in columns narrow enough that the window's rows stay in L1.
 *
 * Parameters: dtype that every step is rounded to, bits of cval, an edge an axis, number of terms; for each its number of steps; for each of these kind,
 * axis, lo, n, and n weights' bits. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kern/stencil.h"
#include "ops/filter.h"

/* DIRECT: windows up to this are summed tap by tap (0.25 ns a tap of 8 elements in L1); longer ones from the sums to the ends of blocks. */
enum { MOST_STEPS = CHK_MAX_NDIM, HEAD = 2, DIRECT = 32, L1_ELEMENTS = 3072 };

typedef struct step {
    filter_kind kind;
    int axis;
    int64_t lo, n;
    const int64_t *w;
} step;

static const chk_edge *edges_of(const chk_node *n, chk_edge *room)
{
    for (int a = 0; a < n->shape.ndim; a++) room[a] = (chk_edge)n->u.custom.attr[HEAD + a];
    return room;
}

/* The steps of the term at *at, which moves on to the next term. */
static int read_term(step *s, const int64_t **at)
{
    int n = (int)*(*at)++;
    for (int i = 0; i < n; i++) {
        const int64_t *p = *at;
        s[i] = (step){(filter_kind)p[0], (int)p[1], p[2], p[3], p + 4};
        *at += 4 + (s[i].kind == FILTER_WEIGHTS ? s[i].n : 0);
    }
    return n;
}

/* How far the terms reach before and after an element. Returns the number of terms. */
static int reach(const chk_node *n, int64_t *lo, int64_t *hi, int64_t *taps)
{
    const int64_t *at = n->u.custom.attr + HEAD + n->shape.ndim;
    int terms = (int)*at++;
    memset(lo, 0, sizeof(int64_t[CHK_MAX_NDIM]));
    memset(hi, 0, sizeof(int64_t[CHK_MAX_NDIM]));
    *taps = 1;
    for (int t = 0; t < terms; t++) {
        step s[MOST_STEPS];
        int steps = read_term(s, &at);
        for (int i = 0; i < steps; i++) {
            int a = s[i].axis;
            if (s[i].lo > lo[a]) lo[a] = s[i].lo;
            if (s[i].n - 1 - s[i].lo > hi[a]) hi[a] = s[i].n - 1 - s[i].lo;
            if (s[i].n > *taps) *taps = s[i].n;
        }
    }
    return terms;
}

static void separable_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM], taps;
    (void)input;
    reach(n, lo, hi, &taps);
    for (int a = 0; a < n->shape.ndim; a++) in_extent[a] = extent[a] + lo[a] + hi[a];
}

/* What lies inside the array of a box with its halo. */
static bool separable_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM], taps;
    if (part > 0) return false;
    *input = 0;
    *in = *box;
    reach(n, lo, hi, &taps);
    for (int a = 0; a < box->ndim; a++) {
        in->lo[a] = box->lo[a] > lo[a] ? box->lo[a] - lo[a] : 0;
        in->hi[a] = n->shape.dim[a] - box->hi[a] > hi[a] ? box->hi[a] + hi[a] : n->shape.dim[a];
    }
    return true;
}

/* A row that steps by blocks need, whose windows are longer than DIRECT. */
static size_t row_bytes(size_t box_bytes, int64_t taps) { return taps > DIRECT ? box_bytes / DIRECT : 0; }

/* Bytes of the largest array between steps: along one axis the halo whole, along the others no more than the array has. */
static size_t between(const chk_node *n, const int64_t *extent, const int64_t *lo, const int64_t *hi)
{
    int64_t held[CHK_MAX_NDIM];
    size_t most = 0;
    for (int a = 0; a < n->shape.ndim; a++) {
        int64_t edge = n->u.custom.attr[HEAD + a];
        bool mirrors = edge == CHK_EDGE_REFLECT || edge == CHK_EDGE_MIRROR,
             far = lo[a] > n->shape.dim[a] || hi[a] > n->shape.dim[a];
        /* What a one-sided halo does not hold (halo.h), or has more than once. */
        bool repeats = mirrors ? lo[a] != hi[a] : edge == CHK_EDGE_WRAP && far;
        held[a] = extent[a] + lo[a] + hi[a];
        if (held[a] > n->shape.dim[a] && !repeats) held[a] = n->shape.dim[a];
    }
    for (int a = 0; a < n->shape.ndim; a++) {
        int64_t had = held[a];
        held[a] = extent[a] + lo[a] + hi[a];
        size_t bytes = chk_extent_bytes(n->shape.ndim, held, CHK_F64);
        if (bytes > most) most = bytes;
        held[a] = had;
    }
    return most;
}

static size_t separable_scratch(const chk_node *n, const int64_t *extent)
{
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM], taps;
    int terms = reach(n, lo, hi, &taps);
    size_t box = between(n, extent, lo, hi);
    return (size_t)(terms > 1 ? 3 : 2) * chk_arena_cost(box) + chk_arena_cost((size_t)taps * (sizeof(double) + sizeof(double *))) +
           chk_arena_cost(CHK_PIECE * 16) + chk_arena_cost(row_bytes(box, taps));
}

/* A call at work. */
typedef struct filtering {
    const chk_local_call *c;
    double *w, *row;
    const double **tap;
    char *narrow; /* a piece of values in the dtype that steps are rounded to */
    chk_dtype dtype;
    int ndim;
} filtering;

static void round_all(const filtering *f, double *x, int64_t n)
{
    if (f->dtype == CHK_F64) return;
    if (f->dtype == CHK_U64) { /* below 0 they would wrap to what float64 cannot hold */
        for (int64_t i = 0; i < n; i++) x[i] = trunc(x[i]);
        return;
    }
    chk_kern down = chk_kern_cast(CHK_F64, f->dtype), up = chk_kern_cast(f->dtype, CHK_F64);
    for (int64_t i = 0; i < n; i += CHK_PIECE) {
        size_t k = (size_t)(n - i < CHK_PIECE ? n - i : CHK_PIECE);
        const void *in = x + i;
        down(f->narrow, &in, k);
        in = f->narrow;
        up(x + i, &in, k);
    }
}

/* SciPy's order, which folds symmetric ones and else begins with the last. */
chk_fold filter_order(double *w, int64_t n, bool *last_first)
{
    bool even = n % 2 == 1, odd = even;
    for (int64_t i = 0; i <= n / 2 && (even || odd); i++) {
        double a = w[i], b = w[n - 1 - i];
        even &= fabs(a - b) <= DBL_EPSILON;
        odd &= i == n / 2 || fabs(a + b) <= DBL_EPSILON;
    }
    *last_first = !even && !odd;
    if (even || odd) return even ? CHK_FOLD_EVEN : CHK_FOLD_ODD;
    double last = w[n - 1];
    memmove(w + 1, w, (size_t)(n - 1) * sizeof *w);
    w[0] = last;
    return CHK_FOLD_NONE;
}

/* Windows along an axis whose elements lie `inner` apart: out has n_out * inner elements. */
static void direct(const filtering *f, const step *s, const double *in, double *out, int64_t n_out, int64_t inner)
{
    bool last_first = false;
    for (int64_t i = 0; i < s->n && s->kind == FILTER_WEIGHTS; i++) f->w[i] = filter_real(s->w[i]);
    chk_fold fold = s->kind == FILTER_WEIGHTS ? filter_order(f->w, s->n, &last_first) : CHK_FOLD_NONE;
    int64_t wide = L1_ELEMENTS / s->n / 32 * 32;
    if (wide < 64) wide = 64;
    bool rows = inner > wide; /* row by row in narrow columns; else all rows in one go */
    for (int64_t col = 0; col < (rows ? inner : 1); col += wide) {
        for (int64_t row = 0; row < (rows ? n_out : 1); row++) {
            int64_t at = row * inner + col, n = !rows ? n_out * inner : inner - col < wide ? inner - col : wide;
            for (int64_t t = 0; t < s->n; t++) f->tap[t] = in + at + (last_first ? (t + s->n - 1) % s->n : t) * inner;
            if (s->kind == FILTER_WEIGHTS)
                chk_stencil_sum(out + at, f->tap, f->w, (int)s->n, fold, (size_t)n);
            else if (s->kind == FILTER_MEAN)
                chk_stencil_add(out + at, f->tap, (int)s->n, (size_t)n);
            else
                chk_stencil_extreme(out + at, f->tap, (int)s->n, s->kind == FILTER_GREATEST, (size_t)n);
        }
    }
}

static double join(filter_kind kind, double a, double b)
{
    if (kind == FILTER_MEAN) return a + b;
    if (isnan(a) || isnan(b)) return isnan(a) ? a : b;
    return (kind == FILTER_LEAST ? b < a : b > a) ? b : a;
}

/* Long windows: blocks of n elements from multiples of n on in the whole array's indices, wherever the box begins. A window is the end of one block and the
 * beginning of the next: out = (from its first element to the end of that block) with (from the start of the next to its last element). Here along the
 * innermost axis; first: the index of in[0]. */
static void by_blocks_line(const step *s, const double *in, double *out, int64_t first, int64_t n_out)
{
    int64_t n = s->n, phase = ((first % n) + n) % n;
    for (int64_t b = -phase; b < n_out; b += n) { /* backwards through the block that begins at element b */
        double acc = in[b + n - 1];
        for (int64_t j = b + n - 1; j >= (b > 0 ? b : 0); j--) {
            if (j < b + n - 1) acc = join(s->kind, in[j], acc);
            if (j < n_out) out[j] = acc;
        }
    }
    for (int64_t b = n - phase; b < n_out + n - 1;
         b += n) { /* forwards through the blocks that windows end in, but for whole ones */
        double acc = in[b];
        for (int64_t j = b; j < b + n - 1 && j < n_out + n - 1; j++) {
            if (j > b) acc = join(s->kind, acc, in[j]);
            if (j >= n - 1) out[j - n + 1] = join(s->kind, out[j - n + 1], acc);
        }
    }
}

/* The same for rows of `inner` elements; acc: room for one. */
static void by_blocks_rows(const step *s, const double *in, double *out, int64_t first, int64_t n_out, int64_t inner, double *acc)
{
    chk_kern op = chk_kern_find(s->kind == FILTER_MEAN ? CHK_FN_ADD : s->kind == FILTER_LEAST ? CHK_FN_MIN : CHK_FN_MAX, CHK_F64);
    int64_t n = s->n, phase = ((first % n) + n) % n;
    size_t row = (size_t)inner;
    for (int64_t b = -phase; b < n_out; b += n) {
        for (int64_t j = b + n - 1; j >= (b > 0 ? b : 0); j--) {
            const void *both[2] = {in + j * inner, j + 1 < n_out ? out + (j + 1) * inner : acc};
            double *to = j < n_out ? out + j * inner : acc;
            if (j == b + n - 1)
                memcpy(to, both[0], row * sizeof *to);
            else
                op(to, both, row);
        }
    }
    for (int64_t b = n - phase; b < n_out + n - 1; b += n) {
        for (int64_t j = b; j < b + n - 1 && j < n_out + n - 1; j++) {
            const void *both[2] = {acc, in + j * inner};
            if (j == b)
                memcpy(acc, both[1], row * sizeof *acc);
            else
                op(acc, both, row);
            if (j < n - 1) continue;
            double *to = out + (j - n + 1) * inner;
            const void *ends[2] = {to, acc};
            op(to, ends, row);
        }
    }
}

static int64_t product(const int64_t *extent, int from, int to)
{
    int64_t n = 1;
    for (int a = from; a < to; a++) n *= extent[a];
    return n;
}

/* extent: of in; on return of out. first: index of in's first element along the step's axis. */
static void run_step(const filtering *f, const step *s, const double *in, int64_t first, double *out, int64_t *extent)
{
    int64_t outer = product(extent, 0, s->axis), inner = product(extent, s->axis + 1, f->ndim), had = extent[s->axis];
    int64_t n_out = extent[s->axis] = had - s->n + 1;
    for (int64_t o = 0; o < outer; o++) {
        const double *from = in + o * had * inner;
        double *to = out + o * n_out * inner;
        if (s->kind == FILTER_WEIGHTS || s->n <= DIRECT)
            direct(f, s, from, to, n_out, inner);
        else if (inner == 1)
            by_blocks_line(s, from, to, first, n_out);
        else
            by_blocks_rows(s, from, to, first, n_out, inner, f->row);
    }
    int64_t n = outer * n_out * inner;
    for (int64_t i = 0; i < n && s->kind == FILTER_MEAN; i++) out[i] /= (double)s->n;
    round_all(f, out, n);
}

/* Copies, or adds, the box's part of a term: it begins `skip` elements in along each axis. */
static void put_term(const filtering *f, const double *in, const int64_t *extent, const int64_t *skip, bool add)
{
    double *out = f->c->out;
    int64_t at[CHK_MAX_NDIM] = {0}, row = chk_box_extent(f->c->box, f->ndim - 1), rows = chk_box_count(f->c->box) / row;
    for (int64_t r = 0; r < rows; r++, out += row) {
        int64_t from = 0;
        for (int a = 0; a < f->ndim; a++) from = from * extent[a] + at[a] + skip[a];
        if (add)
            for (int64_t i = 0; i < row; i++) out[i] += in[from + i];
        else
            memcpy(out, in + from, (size_t)row * sizeof *out);
        for (int a = f->ndim - 2; a >= 0 && ++at[a] == chk_box_extent(f->c->box, a); a--) at[a] = 0;
    }
}

/* Terms that are second differences along one axis each, unrounded: one loop. How many, and their axes; 0: not so. */
static int laplace_terms(const chk_node *n, int *axis)
{
    const int64_t *at = n->u.custom.attr + HEAD + n->shape.ndim;
    int terms = (int)*at++;
    for (int t = 0; t < terms; t++) {
        step s[MOST_STEPS];
        if (read_term(s, &at) != 1 || s->kind != FILTER_WEIGHTS || s->n != 3 || s->lo != 1) return 0;
        if (filter_real(s->w[0]) != 1 || filter_real(s->w[1]) != -2 || filter_real(s->w[2]) != 1) return 0;
        axis[t] = s->axis;
    }
    return n->u.custom.attr[0] == CHK_F64 ? terms : 0;
}

static bool laplace_opens(const chk_node *n)
{
    int axis[FILTER_MOST_TERMS];
    return laplace_terms(n, axis) > 0;
}

static chunk_status laplace_bring(const chk_local_call *c, void *values, chk_box *in, chunk_error *err)
{
    const chk_node *n = c->node;
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM], taps;
    chk_edge edge[CHK_MAX_NDIM];
    double cval = filter_real(n->u.custom.attr[1]);
    reach(n, lo, hi, &taps);
    *in = *c->box;
    for (int a = 0; a < in->ndim; a++) {
        in->lo[a] -= lo[a];
        in->hi[a] += hi[a];
    }
    return chk_halo_read(c, 0, in, edges_of(n, edge), &cval, values, err);
}

static void laplace_make(const chk_local_call *c, const void *values, const chk_box *in)
{
    const double *x = values, *lo[FILTER_MOST_TERMS], *hi[FILTER_MOST_TERMS];
    double *out = c->out;
    int axis[FILTER_MOST_TERMS], terms = laplace_terms(c->node, axis), ndim = in->ndim;
    int64_t at[CHK_MAX_NDIM], stride[CHK_MAX_NDIM], next = 1;
    int64_t row = chk_box_extent(c->box, ndim - 1), rows = chk_box_count(c->box) / row;
    for (int a = ndim - 1; a >= 0; a--) {
        at[a] = c->box->lo[a];
        stride[a] = next;
        next *= chk_box_extent(in, a);
    }
    for (int64_t r = 0; r < rows; r++, out += row) {
        int64_t from = 0;
        for (int a = 0; a < ndim; a++) from += (at[a] - in->lo[a]) * stride[a];
        for (int t = 0; t < terms; t++) lo[t] = x + from - stride[axis[t]], hi[t] = x + from + stride[axis[t]];
        chk_stencil_laplace(out, x + from, lo, hi, terms, (size_t)row);
        for (int a = ndim - 2; a >= 0 && ++at[a] == c->box->hi[a]; a--) at[a] = c->box->lo[a];
    }
}

/* One term: its steps one after the other, from x to out where that is given, else to *result: extent says its extents, and skip where the block begins.
 * Edges are laid around the values as a step leaves them, which is what SciPy does. Buffers a and b take turns; a may be x. */
static void run_term(const filtering *f, const step *s, int steps, const chk_box *box, const int64_t *lo, double *x, double *a,
                     double *b, double *out, double **result, int64_t *extent, int64_t *skip)
{
    const chk_node *n = f->c->node;
    double *from = x, cval = filter_real(n->u.custom.attr[1]);
    for (int i = 0; i < f->ndim; i++) {
        chk_edge edge = (chk_edge)n->u.custom.attr[HEAD + i];
        extent[i] = chk_halo_held(box->lo[i], box->hi[i], n->shape.dim[i], edge);
        skip[i] = chk_halo_place(box->lo[i], box->hi[i], n->shape.dim[i], edge, f->c->box->lo[i]);
    }
    for (int i = 0; i < steps; i++) {
        int axis = s[i].axis;
        int64_t outer = product(extent, 0, axis), inner = product(extent, axis + 1, f->ndim), whole = chk_box_extent(box, axis);
        if (extent[axis] != whole) {
            double *to = from == b ? a : b;
            chk_halo_expand(to, from, box->lo[axis], box->hi[axis], n->shape.dim[axis], (chk_edge)n->u.custom.attr[HEAD + axis],
                            &cval, outer, inner, sizeof *to);
            from = to;
            extent[axis] = whole;
        }
        double *to = out && i + 1 == steps ? out : from == b ? a : b;
        run_step(f, &s[i], from, box->lo[axis], to, extent);
        skip[axis] = lo[axis] - s[i].lo;
        from = to;
    }
    *result = from;
}

static chunk_status separable_run(const chk_local_call *c, chunk_error *err)
{
    const chk_node *n = c->node;
    filtering f = {.c = c, .dtype = (chk_dtype)n->u.custom.attr[0], .ndim = n->shape.ndim};
    int64_t lo[CHK_MAX_NDIM], hi[CHK_MAX_NDIM], whole[CHK_MAX_NDIM], extent[CHK_MAX_NDIM], skip[CHK_MAX_NDIM], taps;
    int terms = reach(n, lo, hi, &taps);
    chk_edge room_for_edges[CHK_MAX_NDIM];
    const chk_edge *edge = edges_of(n, room_for_edges);
    chk_box box = *c->box;
    for (int a = 0; a < f.ndim; a++) {
        extent[a] = chk_box_extent(&box, a);
        box.lo[a] -= lo[a];
        box.hi[a] += hi[a];
        whole[a] = chk_box_extent(&box, a);
    }
    const int64_t *at = n->u.custom.attr + HEAD + f.ndim + 1;
    if (chk_extent_bytes(f.ndim, whole, CHK_F64) <= c->scratch_bytes && laplace_opens(n)) {
        CHK_TRY(laplace_bring(c, c->scratch, &box, err));
        laplace_make(c, c->scratch, &box);
        return CHUNK_OK;
    }
    chk_arena room;
    chk_arena_init(&room, c->scratch, c->scratch_bytes);
    size_t bytes = between(n, extent, lo, hi);
    double *x = chk_arena_get(&room, bytes), *y = chk_arena_get(&room, bytes), *z = terms > 1 ? chk_arena_get(&room, bytes) : x,
           *result;
    f.w = chk_arena_get(&room, (size_t)taps * (sizeof(double) + sizeof(double *)));
    f.tap = (const double **)(void *)(f.w + taps);
    f.narrow = chk_arena_get(&room, CHK_PIECE * 16);
    f.row = chk_arena_get(&room, row_bytes(bytes, taps));
    CHK_TRY(chk_halo_read_held(c, 0, &box, edge, x, err));
    for (int t = 0; t < terms; t++) {
        step s[MOST_STEPS];
        int steps = read_term(s, &at);
        bool straight = terms == 1 && steps > 0;
        run_term(&f, s, steps, &box, lo, x, z, y, straight ? c->out : NULL, &result, extent, skip);
        if (straight) break;
        put_term(&f, result, extent, skip, t > 0);
        if (t > 0) round_all(&f, c->out, chk_box_count(c->box));
    }
    return CHUNK_OK;
}

#define SEPARABLE .reads = separable_reads, .scratch = separable_scratch, .run = separable_run, .part = separable_part
const chk_local filter_separable_local = {SEPARABLE, .ns = 4.0}; /* a Gaussian with sigma 3 */
const chk_local filter_laplace_local = {SEPARABLE, .opens = laplace_opens, .bring = laplace_bring, .make = laplace_make, .ns = 0.5};

static chunk_status bad(const chk_op *op, chunk_error *err)
{
    return chk_fail(err, CHUNK_EINVAL, "%s: these are not the parameters of a separable filter", op->name);
}

static bool is_step(const int64_t *p, int64_t left, int ndim, uint32_t *axes)
{
    if (left < 4 || p[0] < 0 || p[0] >= FILTER_N_KINDS || p[1] < 0 || p[1] >= ndim || *axes >> p[1] & 1) return false;
    if (p[3] < 1 || p[3] > FILTER_MOST_TAPS || p[2] < 0 || p[2] >= p[3]) return false;
    *axes |= (uint32_t)1 << p[1];
    return p[0] != FILTER_WEIGHTS || left >= 4 + p[3];
}

chunk_status filter_make_separable(chk_node **out, chk_builder *b, const chk_op *op, chk_node *const *in, int n_in,
                                   const int64_t *attr, int n_attr, chunk_error *err)
{
    if (n_in != 1 || in[0]->dtype != CHK_F64 || in[0]->shape.ndim < 1) return bad(op, err);
    int ndim = in[0]->shape.ndim;
    if (n_attr < HEAD + ndim + 1 || attr[0] < 0 || attr[0] >= CHK_NDTYPE || chk_dtype_kind((chk_dtype)attr[0]) == CHK_KIND_COMPLEX)
        return bad(op, err);
    for (int a = 0; a < ndim; a++)
        if (attr[HEAD + a] < 0 || attr[HEAD + a] >= CHK_N_EDGES) return bad(op, err);
    int64_t at = HEAD + ndim, terms = attr[at++];
    if (terms < 1 || terms > FILTER_MOST_TERMS) return bad(op, err);
    for (int64_t t = 0; t < terms; t++) {
        if (at >= n_attr || attr[at] < 0 || attr[at] > MOST_STEPS) return bad(op, err);
        uint32_t axes = 0;
        for (int64_t steps = attr[at++]; steps > 0; steps--) {
            if (!is_step(attr + at, n_attr - at, ndim, &axes)) return bad(op, err);
            at += 4 + (attr[at] == FILTER_WEIGHTS ? attr[at + 3] : 0);
        }
    }
    if (at != n_attr) return bad(op, err);
    return chk_node_custom(out, b, op, attr, n_attr, CHK_F64, &in[0]->shape, NULL, in, 1, err);
}
