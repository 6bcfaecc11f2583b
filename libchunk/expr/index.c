/* index.c: basic indexing: integers, slices, one ellipsis and new axes become one view. */
#include "expr/call.h"

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

/* Python's slice.indices: first index and number of elements of start:stop:step over n. */
static void slice_of(const chk_index *s, int64_t n, int64_t *first, int64_t *count)
{
    int64_t lo = s->step > 0 ? 0 : -1, hi = s->step > 0 ? n : n - 1;
    int64_t start = !s->has_start ? (s->step > 0 ? lo : hi) : clamp(s->start < 0 ? s->start + n : s->start, lo, hi);
    int64_t stop = !s->has_stop ? (s->step > 0 ? hi : lo) : clamp(s->stop < 0 ? s->stop + n : s->stop, lo, hi);
    uint64_t step = s->step > 0 ? (uint64_t)s->step : 0 - (uint64_t)s->step;
    int64_t way = s->step > 0 ? stop - start : start - stop;
    *count = way > 0 ? (int64_t)(((uint64_t)way - 1) / step) + 1 : 0;
    *first = *count ? start : 0;
}

static chunk_status count_axes(int *n_axes, int *n_new, bool *ellipsis, const chk_index *item, int n, const chk_node *in,
                               chunk_error *err)
{
    *n_axes = *n_new = 0;
    *ellipsis = false;
    for (int i = 0; i < n; i++) {
        *n_axes += item[i].kind == CHK_INDEX_INT || item[i].kind == CHK_INDEX_SLICE;
        *n_new += item[i].kind == CHK_INDEX_NEW;
        if (item[i].kind == CHK_INDEX_ELLIPSIS && *ellipsis)
            return chk_fail(err, CHUNK_EINDEX, "an index can only have a single ellipsis ('...')");
        *ellipsis |= item[i].kind == CHK_INDEX_ELLIPSIS;
    }
    if (*n_axes > in->shape.ndim)
        return chk_fail(err, CHUNK_EINDEX, "too many indices: the array has %d dimension%s, %d were indexed", in->shape.ndim,
                        in->shape.ndim == 1 ? "" : "s", *n_axes);
    return CHUNK_OK;
}

static void take_whole(chk_view *v, const chk_node *in, int axis)
{
    v->axis[axis] = v->shape.ndim;
    v->off[axis] = 0;
    v->step[axis] = 1;
    v->shape.dim[v->shape.ndim++] = in->shape.dim[axis];
}

static chunk_status take(chk_view *v, const chk_node *in, int axis, const chk_index *s, chunk_error *err)
{
    int64_t n = in->shape.dim[axis];
    if (s->kind == CHK_INDEX_INT) {
        if (s->i < -n || s->i >= n)
            return chk_fail(err, CHUNK_EINDEX, "index %lld is out of bounds for axis %d with size %lld", (long long)s->i, axis,
                            (long long)n);
        v->axis[axis] = -1;
        v->off[axis] = s->i < 0 ? s->i + n : s->i;
        v->step[axis] = 0;
        return CHUNK_OK;
    }
    if (s->step == 0) return chk_fail(err, CHUNK_EINDEX, "slice step cannot be zero");
    int64_t first, count;
    slice_of(s, n, &first, &count);
    v->axis[axis] = v->shape.ndim;
    v->off[axis] = first;
    v->step[axis] = count > 1 ? s->step : 1;
    v->shape.dim[v->shape.ndim++] = count;
    return CHUNK_OK;
}

chunk_status chk_node_index(chk_node **out, chk_builder *b, chk_node *in, const chk_index *item, int n, chunk_error *err)
{
    int n_axes, n_new, axis = 0;
    bool ellipsis;
    CHK_TRY(count_axes(&n_axes, &n_new, &ellipsis, item, n, in, err));
    int rest = in->shape.ndim - n_axes; /* axes that the ellipsis, or the end, stands for */
    if (in->shape.ndim + n_new > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EINDEX, "%d new axes make %d dimensions, at most %d are possible", n_new, in->shape.ndim + n_new,
                        CHK_MAX_NDIM);
    chk_view v = {.base_ndim = in->shape.ndim};
    for (int i = 0; i < n; i++) {
        switch (item[i].kind) {
        case CHK_INDEX_NEW: v.shape.dim[v.shape.ndim++] = 1; break;
        case CHK_INDEX_ELLIPSIS:
            for (int k = 0; k < rest; k++) take_whole(&v, in, axis++);
            break;
        case CHK_INDEX_INT:
        case CHK_INDEX_SLICE:
            CHK_TRY(take(&v, in, axis, &item[i], err));
            axis++;
            break;
        }
    }
    while (axis < in->shape.ndim) take_whole(&v, in, axis++);
    return chk_node_view(out, b, in, &v, err);
}
