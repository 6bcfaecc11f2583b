/* inplace.c: a result that overwrites a region of a dataset. Where the values depend on the dataset itself they are right as if all of them had been computed before
 * the first is written: an element may be read just where it is written, by the task that writes it; whatever else reads the dataset is computed before, and kept. */
#include "api/inplace.h"

#include <stdio.h>
#include <string.h>

#include "expr/op.h"
#include "plan/nodeset.h"

/* Python's slice.indices for one axis. */
static chunk_status read_axis(chk_h5region *r, int a, int64_t n, const chunk_output *o, chunk_error *err)
{
    int64_t by = o->step ? o->step[a] : 1;
    r->single[a] = by == 0;
    if (by == 0) { /* one index */
        int64_t i = o->start ? o->start[a] : 0;
        if (i < -n || i >= n)
            return chk_fail(err, CHUNK_EINDEX, "%s:%s: index %lld is out of bounds for axis %d with size %lld", o->file, o->dataset,
                            (long long)i, a, (long long)n);
        r->start[a] = i < 0 ? i + n : i;
        r->step[a] = r->count[a] = 1;
        return CHUNK_OK;
    }
    int64_t low = by > 0 ? 0 : -1, high = by > 0 ? n : n - 1;
    int64_t from = o->start ? o->start[a] : by > 0 ? 0 : n - 1, to = o->stop ? o->stop[a] : by > 0 ? n : -1 - n;
    if (from < 0) from += n;
    if (to < 0) to += n;
    from = from < low ? low : from > high ? high : from;
    to = to < low ? low : to > high ? high : to;
    r->start[a] = from;
    r->step[a] = by;
    r->count[a] = by > 0 ? (to > from ? (to - from - 1) / by + 1 : 0) : (from > to ? (from - to - 1) / -by + 1 : 0);
    if (r->count[a] == 0) r->start[a] = 0;
    return CHUNK_OK;
}

/* ---- does the expression read what it overwrites? */

typedef struct reading {
    const chk_h5set *set;
    chk_view here; /* from the region's axes to the dataset's */
    int visits;
    bool touches; /* of one walk: the dataset is read somewhere */
} reading;

/* More visits than that: an expression that shares a lot, whose paths cannot be gone through one by one. */
enum { MOST_VISITS = 20000 };

static void look(void *arg, chk_source *s)
{
    reading *r = arg;
    const chk_h5set *d = chk_source_h5_set(s);
    if (d && (chk_h5set_same(d, r->set) || chk_h5set_info(d)->layout == CHK_LAYOUT_VIRTUAL)) r->touches = true;
}

static bool same_place(const chk_view *a, const chk_view *b)
{
    if (a->base_ndim != b->base_ndim || !chk_shape_equal(&a->shape, &b->shape)) return false;
    for (int i = 0; i < a->base_ndim; i++) {
        bool moves_a = a->axis[i] >= 0 && a->shape.dim[a->axis[i]] > 1, moves_b = b->axis[i] >= 0 && b->shape.dim[b->axis[i]] > 1;
        if (a->off[i] != b->off[i] || moves_a != moves_b) return false;
        if (moves_a && (a->axis[i] != b->axis[i] || a->step[i] != b->step[i])) return false;
    }
    return true;
}

/* True where n, seen through v, reads the dataset nowhere but at the element that is written, or before the pass that writes. */
static bool reads_here(reading *r, const chk_node *n, const chk_view *v)
{
    if (++r->visits > MOST_VISITS) return false;
    switch (n->kind) {
    case CHK_NODE_SCALAR:
    case CHK_NODE_IOTA:
    case CHK_NODE_REDUCE: /* computed in a pass of its own, as kept values are */
    case CHK_NODE_KEEP: return true;
    case CHK_NODE_SOURCE: {
        const chk_h5set *d = chk_source_h5_set(n->u.source);
        r->touches = false;
        chk_source_walk(n->u.source, look, r);
        return !r->touches || (d && chk_h5set_same(d, r->set) && same_place(v, &r->here));
    }
    case CHK_NODE_VIEW: {
        chk_view through = chk_view_compose(v, &n->u.view);
        return reads_here(r, n->in[0], &through);
    }
    case CHK_NODE_MAP:
    case CHK_NODE_USER:
        for (int i = 0; i < n->n_in; i++) {
            chk_view spread = chk_view_broadcast(&n->in[i]->shape, &n->shape), through = chk_view_compose(v, &spread);
            if (!reads_here(r, n->in[i], &through)) return false;
        }
        return true;
    default: break;
    }
    chk_view any = chk_view_identity(&n->shape); /* operations with a reach of their own: only where they read it nowhere */
    for (int i = 0; i < n->n_in; i++) {
        any = chk_view_identity(&n->in[i]->shape);
        reading never = {.set = r->set, .visits = r->visits, .here = {.base_ndim = -1}};
        bool fine = reads_here(&never, n->in[i], &any);
        r->visits = never.visits;
        if (!fine) return false;
    }
    return true;
}

/* ---- what a run would refuse is refused before it changes anything */

static chunk_status look_at_inputs(chk_nodeset *seen, chk_builder *b, const chk_node *n, chunk_error *err)
{
    bool fresh;
    CHK_TRY(chk_nodeset_add(seen, n, &fresh, err));
    if (!fresh) return CHUNK_OK;
    for (int i = 0; i < n->n_in; i++) CHK_TRY(look_at_inputs(seen, b, n->in[i], err));
    return n->kind == CHK_NODE_CUSTOM && n->u.custom.op->look ? n->u.custom.op->look(b, n, err) : CHUNK_OK;
}

/* ---- */

static chk_view region_view(const chk_h5region *r, int ndim)
{
    chk_view v = {.base_ndim = ndim};
    for (int a = 0; a < ndim; a++) {
        v.axis[a] = r->single[a] ? -1 : v.shape.ndim;
        v.off[a] = r->start[a];
        v.step[a] = r->single[a] ? 0 : r->step[a];
        if (!r->single[a]) v.shape.dim[v.shape.ndim++] = r->count[a];
    }
    return v;
}

/* How values of this shape are spread over the region: NumPy's broadcasting, where axes of length 1 may stand before. */
static bool spread_values(chk_view *out, const chk_shape *values, const chk_shape *region)
{
    chk_shape both;
    chk_view rest = chk_view_drop_leading(values, region->ndim);
    if (!chk_shape_broadcast(&both, &rest.shape, region) || !chk_shape_equal(&both, region)) return false;
    chk_view spread = chk_view_broadcast(&rest.shape, region);
    *out = chk_view_compose(&spread, &rest);
    return true;
}

static chunk_status make_values(chk_inplace *p, const chunk_output *o, chk_node *node, chunk_error *err)
{
    const chk_h5info *info = chk_h5set_info(p->set);
    chk_builder *b = o->array->ctx->builder;
    reading r = {.set = p->set, .here = region_view(&p->region, info->shape.ndim)};
    chk_view v;
    char text[2][160];
    if (!spread_values(&v, &node->shape, &r.here.shape))
        return chk_fail(err, CHUNK_ESHAPE, "values of shape %s do not fit into the region's %s of %s:%s",
                        chk_shape_text(text[0], sizeof text[0], &node->shape),
                        chk_shape_text(text[1], sizeof text[1], &r.here.shape), o->file, o->dataset);
    if (chk_dtype_kind(node->dtype) == CHK_KIND_COMPLEX && chk_dtype_kind(info->dtype) != CHK_KIND_COMPLEX)
        return chk_fail(err, CHUNK_ETYPE, "complex values do not go into %s:%s of %s", o->file, o->dataset,
                        chk_dtype_name(info->dtype));
    chk_node *cast, *spread = NULL, *kept = NULL;
    CHK_TRY(chk_node_cast(&cast, b, node, info->dtype, err));
    chunk_status st = chk_node_view(&spread, b, cast, &v, err);
    chk_node_release(cast);
    CHK_TRY(st);
    chk_view all = chk_view_identity(&spread->shape);
    chk_nodeset seen = {0};
    st = look_at_inputs(&seen, b, spread, err);
    chk_nodeset_done(&seen);
    if (st != CHUNK_OK) {
        chk_node_release(spread);
        return st;
    }
    if (reads_here(&r, spread, &all)) {
        p->node = spread;
        return CHUNK_OK;
    }
    st = chk_node_keep_copy(&kept, b, spread, err);
    chk_node_release(spread);
    p->node = kept;
    return st;
}

chunk_status chk_inplace_describe(chk_inplace *out, const chunk_output *o, chk_node *node, int n_outputs, chunk_error *err)
{
    chk_h5file *f;
    if (n_outputs != 1)
        return chk_fail(err, CHUNK_EINVAL, "%s:%s: what is written in place must be the only output", o->file, o->dataset);
    if (o->chunk || o->filter)
        return chk_fail(err, CHUNK_EINVAL, "%s:%s: what is written in place keeps its chunks and has no filter", o->file,
                        o->dataset);
    CHK_TRY(chk_h5file_open(&f, o->file, err));
    chunk_status st = chk_h5set_open(&out->set, f, o->dataset, err);
    chk_h5file_release(f);
    CHK_TRY(st);
    const chk_h5info *info = chk_h5set_info(out->set);
    CHK_TRY(chk_h5set_check_type(out->set, err));
    CHK_TRY(chk_h5place_check(out->set, err));
    for (int a = 0; a < info->shape.ndim; a++) CHK_TRY(read_axis(&out->region, a, info->shape.dim[a], o, err));
    return make_values(out, o, node, err);
}

chunk_status chk_inplace_end(chk_inplace *p, chk_sink *sink, bool durable, chunk_status st, chunk_error *err)
{
    bool any = false;
    if (!sink) return st;
    chunk_status end = chk_sink_h5place_end(sink, durable && st == CHUNK_OK, &any, st == CHUNK_OK ? err : NULL);
    if (st == CHUNK_OK) return end;
    if (!any || !err) return st;
    char why[sizeof err->text];
    memcpy(why, err->text, sizeof why);
    return chk_fail(err, st, "%.400s; some elements of %.80s have new values already", why, chk_h5set_info(p->set)->path);
}

void chk_inplace_done(chk_inplace *p)
{
    chk_node_release(p->node);
    chk_h5set_release(p->set);
    *p = (chk_inplace){0};
}
