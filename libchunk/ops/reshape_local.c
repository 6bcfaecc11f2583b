/* reshape_local.c: reading what a box of a reshaped array holds. Runs become boxes of the input; short ones are read with what lies between them. */
#include <string.h>

#include "ops/reshape.h"
#include "store/boxes.h"

enum {
    SHORT_RUN = 64,  /* runs that are shorter are read with what lies between them, */
    WIDE_RUN = 1024, /* up to this, */
    WIDER = 16,      /* and an axis no more than this much longer, */
    SLAB = 8 << 10,  /* so many elements at a time */
    MOST_PARTS = 16  /* boxes read ahead */
};

/* The axis from which on box e of extents in the group's axes is a run: those behind it are whole. *run: its elements. */
static int run_axis(int64_t *run, const ops_group *g, const chk_shape *shape, const int64_t *extent)
{
    int k = g->out1 - 1;
    *run = k >= g->out0 ? extent[k] : 1;
    for (; k > g->out0 && extent[k] == shape->dim[k]; k--) *run *= extent[k - 1];
    return k;
}

/* ---- the boxes of the input for a box of the result */

typedef struct walk {
    const chk_shape *in, *out;
    ops_groups gs;
    const chk_box *box;
    int64_t inner[CHK_MAX_NDIM]; /* per group: elements of the box in the groups behind it */
    chk_box at;                  /* in the input */
    int64_t offset;              /* of its first element in the box */
    chunk_status (*visit)(struct walk *w, chunk_error *err);
    void *arg;
} walk;

static void walk_init(walk *w, const chk_node *n, const chk_box *box)
{
    *w = (walk){.in = &n->in[0]->shape, .out = &n->shape, .gs = ops_groups_of(&n->in[0]->shape, &n->shape), .box = box};
    w->at.ndim = w->in->ndim;
    int64_t elements = 1;
    for (int i = w->gs.n - 1; i >= 0; i--) {
        w->inner[i] = elements;
        for (int a = w->gs.g[i].out0; a < w->gs.g[i].out1; a++) elements *= chk_box_extent(box, a);
    }
}

/* The largest box of the group's input axes that begins at element `at` of the group and has at most `left` elements. Gives its elements. */
static int64_t first_box(walk *w, const ops_group *g, int64_t at, int64_t left)
{
    int64_t tail = g->count, rest = at;
    bool found = false;
    int64_t taken = 1;
    for (int a = g->in0; a < g->in1; a++) {
        tail /= w->in->dim[a];
        int64_t i = rest / tail;
        rest -= i * tail;
        w->at.lo[a] = i;
        w->at.hi[a] = i + 1;
        if (found) { /* whole: rest is 0 from here on */
            w->at.hi[a] = w->in->dim[a];
        } else if (rest == 0 && left >= tail) {
            int64_t n = left / tail, most = w->in->dim[a] - i;
            found = true;
            taken = (n < most ? n : most) * tail;
            w->at.hi[a] = i + taken / tail;
        }
    }
    return taken;
}

static chunk_status walk_group(walk *w, int i, chunk_error *err)
{
    if (i == w->gs.n) return w->visit(w, err);
    const ops_group *g = &w->gs.g[i];
    int64_t extent[CHK_MAX_NDIM], index[CHK_MAX_NDIM], run, offset = w->offset, done = 0;
    for (int a = g->out0; a < g->out1; a++) {
        extent[a] = chk_box_extent(w->box, a);
        index[a] = w->box->lo[a];
    }
    int k = run_axis(&run, g, w->out, extent);
    for (;;) {
        int64_t at = 0;
        for (int a = g->out0; a < g->out1; a++) at = at * w->out->dim[a] + index[a];
        for (int64_t left = run, n; left > 0; left -= n, at += n, done += n) {
            n = first_box(w, g, at, left);
            w->offset = offset + done * w->inner[i];
            CHK_TRY(walk_group(w, i + 1, err));
        }
        int a = k - 1;
        for (; a >= g->out0 && ++index[a] == w->box->hi[a]; a--) index[a] = w->box->lo[a];
        if (a < g->out0) break;
    }
    w->offset = offset;
    return CHUNK_OK;
}

/* ---- the operation */

/* Where reading a part decodes whole chunks: elements of a chunk in the group's axes. They are worth a long way round. Else 0. */
static int64_t chunk_of(const chk_node *n, const ops_group *g)
{
    if (!chk_node_decodes(n->in[0])) return 0;
    int64_t elements = 1;
    for (int a = g->in0; a < g->in1; a++) elements *= chk_axis_max_chunk(&n->in[0]->grid.axis[a]);
    return elements;
}

static void reshape_reads(const chk_node *n, int input, const int64_t *extent, int64_t *in_extent)
{
    (void)input;
    if (chk_shape_count(&n->shape) == 0) {
        memset(in_extent, 0, (size_t)n->in[0]->shape.ndim * sizeof *in_extent);
        return;
    }
    ops_groups gs = ops_groups_of(&n->in[0]->shape, &n->shape);
    for (int i = 0; i < gs.n; i++) {
        const ops_group *g = &gs.g[i];
        int64_t run = 1, tail = 1, chunk = chunk_of(n, g);
        for (int a = g->out0; a < g->out1; a++) run *= extent[a] < n->shape.dim[a] ? extent[a] : n->shape.dim[a];
        if (chunk > run && !ops_handed_through(g)) run = chunk;
        for (int a = g->in1 - 1; a >= g->in0; a--) {
            int64_t most = run / tail, dim = n->in[0]->shape.dim[a];
            in_extent[a] = most > dim ? dim : most < 1 ? 1 : most;
            tail *= dim;
        }
    }
}

typedef struct reading {
    const chk_local_call *c;
    char *dest;
    int64_t stride[CHK_MAX_NDIM];
    size_t item;
} reading;

static chunk_status read_box(walk *w, chunk_error *err)
{
    const reading *r = w->arg;
    return chk_local_read(r->c, 0, &w->at, r->dest + w->offset * (int64_t)r->item, r->stride, err);
}

/* The elements of the box, dense, to dest. */
static chunk_status read_dense(const chk_local_call *c, const chk_box *box, char *dest, chunk_error *err)
{
    reading r = {.c = c, .dest = dest, .item = chk_dtype_size(c->node->dtype)};
    walk w;
    walk_init(&w, c->node, box);
    w.visit = read_box;
    w.arg = &r;
    for (int i = 0; i < w.gs.n; i++) {
        int64_t stride = w.inner[i] * (int64_t)r.item;
        for (int a = w.gs.g[i].in1 - 1; a >= w.gs.g[i].in0; a--) {
            r.stride[a] = stride;
            stride *= w.in->dim[a];
        }
    }
    return walk_group(&w, 0, err);
}

/* How a box is read that is widened: whole axes in place of parts, slab by slab. */
typedef struct widening {
    chk_box wide;
    uint32_t whole;             /* bit a: axis a is read whole */
    int64_t room[CHK_MAX_NDIM]; /* per group: elements that a slab may have in it, whole axes left out */
    int64_t slab;               /* elements of a slab, the same */
} widening;

/* Short runs are widened to what lies between them, so that a slab has no more elements in any group than the box, or a chunk that is decoded. False where runs
 * are long or few, or what lies between them is too much. */
static bool widened(widening *w, const ops_groups *gs, const chk_node *n, const chk_box *box)
{
    const chk_shape *shape = &n->shape;
    int64_t total = 1;
    w->wide = *box;
    w->whole = 0;
    w->slab = SLAB;
    for (int i = gs->n - 1; i >= 0; i--) {
        const ops_group *g = &gs->g[i];
        w->room[i] = INT64_MAX;
        if (ops_handed_through(g)) continue;
        int64_t count = 1, most = chunk_of(n, g), wide = 1;
        bool decodes = most > 0;
        for (int a = g->out0; a < g->out1; a++) count *= chk_box_extent(box, a);
        if (most < count) most = count;
        for (;;) {
            int64_t extent[CHK_MAX_NDIM], run, runs = 1, tail = 1;
            for (int a = g->out0; a < g->out1; a++) extent[a] = chk_box_extent(&w->wide, a);
            int k = run_axis(&run, g, shape, extent);
            for (int a = g->out0; a < k; a++) runs *= extent[a];
            for (int a = k; a < g->out1; a++) tail *= shape->dim[a];
            if (runs == 1 || tail > most) break;
            if (!decodes && (run >= SHORT_RUN || shape->dim[k] > WIDER * extent[k] || total * tail > WIDE_RUN)) break;
            for (int a = k; a < g->out1; a++) w->whole |= UINT32_C(1) << a;
            w->wide.lo[k] = 0;
            w->wide.hi[k] = shape->dim[k];
            wide = tail;
        }
        if (!decodes && most > WIDE_RUN) most = WIDE_RUN;
        if (decodes) w->slab = INT64_MAX;
        total *= wide;
        w->room[i] = most / wide;
    }
    if (w->slab == SLAB) w->slab = SLAB / total;
    return w->whole != 0;
}

/* Slab after slab of the widened box is read, and what is wanted of it is taken. */
static chunk_status read_slabs(const chk_local_call *c, widening *w, const ops_groups *gs, chunk_error *err)
{
    const chk_shape *shape = &c->node->shape;
    const chk_box *wide = &w->wide;
    uint32_t whole = w->whole;
    int64_t step[CHK_MAX_NDIM], stride[CHK_MAX_NDIM], from[CHK_MAX_NDIM], extent[CHK_MAX_NDIM];
    size_t item = chk_dtype_size(c->node->dtype);
    int64_t next = (int64_t)item;
    for (int i = gs->n - 1; i >= 0; i--) {
        for (int a = gs->g[i].out1 - 1; a >= gs->g[i].out0; a--) {
            int64_t most = w->slab < w->room[i] ? w->slab : w->room[i];
            step[a] = chk_box_extent(wide, a);
            if (whole >> a & 1) continue;
            if (step[a] > most) step[a] = most;
            w->slab = w->slab > step[a] ? w->slab / step[a] : 1;
            w->room[i] = w->room[i] > step[a] ? w->room[i] / step[a] : 1;
        }
    }
    for (int a = shape->ndim - 1; a >= 0; a--) {
        stride[a] = next;
        next *= chk_box_extent(c->box, a);
    }
    chk_box slab = *wide;
    for (int a = 0; a < shape->ndim; a++) slab.hi[a] = slab.lo[a] + step[a];
    for (;;) {
        int64_t skip = 0, to = 0, dense = (int64_t)item;
        CHK_TRY(read_dense(c, &slab, c->scratch, err));
        for (int a = shape->ndim - 1; a >= 0; a--) {
            bool cut = whole >> a & 1;
            from[a] = dense;
            dense *= chk_box_extent(&slab, a);
            extent[a] = cut ? chk_box_extent(c->box, a) : chk_box_extent(&slab, a);
            if (cut)
                skip += c->box->lo[a] * from[a];
            else
                to += (slab.lo[a] - c->box->lo[a]) * stride[a];
        }
        chk_copy_strided((char *)c->out + to, stride, (char *)c->scratch + skip, from, extent, shape->ndim, item);
        int a = shape->ndim - 1;
        for (; a >= 0; a--) {
            slab.lo[a] = slab.hi[a];
            if (slab.lo[a] < wide->hi[a]) break;
            slab.lo[a] = wide->lo[a];
            slab.hi[a] = slab.lo[a] + step[a];
        }
        if (a < 0) return CHUNK_OK;
        slab.hi[a] = slab.lo[a] + step[a] < wide->hi[a] ? slab.lo[a] + step[a] : wide->hi[a];
    }
}

/* A group whose runs may be short makes slabs possible. */
static size_t reshape_scratch(const chk_node *n, const int64_t *extent)
{
    int64_t count = 1;
    if (chk_shape_count(&n->shape) == 0) return 0;
    ops_groups gs = ops_groups_of(&n->in[0]->shape, &n->shape);
    bool may = false;
    for (int i = 0; i < gs.n; i++) {
        const ops_group *g = &gs.g[i];
        int64_t run = 1, chunk = chunk_of(n, g);
        for (int a = g->out0; a < g->out1; a++) run *= extent[a];
        count *= chunk > run && !ops_handed_through(g) ? chunk : run;
        may |= !ops_handed_through(g) && g->out1 - g->out0 > 1;
    }
    if (!chk_node_decodes(n->in[0]) && count > SLAB) count = SLAB;
    return may ? (size_t)count * chk_dtype_size(n->dtype) : 0;
}

static chunk_status reshape_run(const chk_local_call *c, chunk_error *err)
{
    widening w;
    ops_groups gs = ops_groups_of(&c->node->in[0]->shape, &c->node->shape);
    if (widened(&w, &gs, c->node, c->box)) return read_slabs(c, &w, &gs, err);
    return read_dense(c, c->box, c->out, err);
}

typedef struct picking {
    int part;
    chk_box *in;
} picking;

static chunk_status pick_box(walk *w, chunk_error *err)
{
    (void)err;
    picking *p = w->arg;
    *p->in = w->at;
    return p->part-- == 0 ? CHUNK_ECANCELED : CHUNK_OK; /* found: the walk ends */
}

static bool reshape_part(const chk_node *n, const chk_box *box, int part, int *input, chk_box *in)
{
    picking p = {.part = part, .in = in};
    walk w;
    walk_init(&w, n, box);
    w.visit = pick_box;
    w.arg = &p;
    *input = 0;
    return part < MOST_PARTS && walk_group(&w, 0, NULL) == CHUNK_ECANCELED;
}

/* One run in each group that is one box of the input's axes. */
static bool reshape_forward(const chk_node *n, const chk_box *box, int *input, chk_box *in)
{
    walk w;
    walk_init(&w, n, box);
    *input = 0;
    for (int i = 0; i < w.gs.n; i++) {
        const ops_group *g = &w.gs.g[i];
        int64_t extent[CHK_MAX_NDIM], run, at = 0;
        for (int a = g->out0; a < g->out1; a++) extent[a] = chk_box_extent(box, a);
        int k = run_axis(&run, g, w.out, extent);
        for (int a = g->out0; a < k; a++)
            if (extent[a] != 1) return false;
        for (int a = g->out0; a < g->out1; a++) at = at * w.out->dim[a] + box->lo[a];
        if (first_box(&w, g, at, run) != run) return false;
    }
    *in = w.at;
    return true;
}

const chk_local ops_reshape_local = {.reads = reshape_reads,
                                     .scratch = reshape_scratch,
                                     .run = reshape_run,
                                     .part = reshape_part,
                                     .forward = reshape_forward,
                                     .reshapes = true,
                                     .ns = 0.5};
