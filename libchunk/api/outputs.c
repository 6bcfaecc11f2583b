/* outputs.c: see outputs.h. */
#include "api/outputs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

chunk_status chunk_check_filter(const char *filter, chunk_error *err)
{
    chk_pipeline p;
    if (!filter) return chk_fail(err, CHUNK_EINVAL, "chunk_check_filter: the filter is NULL");
    return chk_pipeline_parse(&p, filter, 1, err);
}

/* Of two paths in a file that begin alike: where the shorter ends, the other goes on (1) or ends too (0); -1 where they part before. */
static int meet(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, "/");
        b += strspn(b, "/");
        if (!*a || !*b) return *a != *b;
        size_t n = strcspn(a, "/");
        if (strcspn(b, "/") != n || memcmp(a, b, n)) return -1;
        a += n;
        b += n;
    }
}

static chunk_status check_output(const chunk_output *o, int i, chunk_error *err)
{
    if (!o->array) return chk_fail(err, CHUNK_EINVAL, "output %d has no array", i);
    int n = (o->file != NULL) + (o->data != NULL) + (o->write != NULL);
    bool empty_memory = n == 0 && chk_shape_count(&o->array->node->shape) == 0;
    if (n != 1 && !empty_memory) return chk_fail(err, CHUNK_EINVAL, "output %d: set exactly one of file, data and write", i);
    if (o->in_place && !o->file)
        return chk_fail(err, CHUNK_EINVAL, "output %d: what is written in place needs file and dataset", i);
    if (o->fill && (!o->file || o->in_place))
        return chk_fail(err, CHUNK_EINVAL, "output %d: a fill value is for a new dataset: set file and dataset, and not in_place",
                        i);
    if (o->file && (!o->dataset || !o->dataset[0] || !strcmp(o->dataset, "/")))
        return chk_fail(err, CHUNK_EINVAL, "output %d: file %s has no dataset name", i, o->file);
    return CHUNK_OK;
}

/* The rule of chunk.h: the array's own grid where it is regular and its chunks are neither tiny nor huge (unless it was asked for), else about 1 MiB. */
static bool grid_as_chunks(int64_t *chunk, const chk_node *n)
{
    int64_t count = 1;
    for (int a = 0; a < n->grid.ndim; a++) {
        const chk_axis_grid *g = &n->grid.axis[a];
        if (g->bounds || g->step != 1 || g->off != 0 || g->chunk < 1) return false;
        chunk[a] = g->chunk < g->extent ? g->chunk : g->extent;
        count *= chunk[a];
    }
    if (n->kind == CHK_NODE_CUSTOM && n->u.custom.op->flags & CHK_OP_SAME_VALUES) return true;
    int64_t bytes = count * (int64_t)chk_dtype_size(n->dtype), all = chk_shape_count(&n->shape) * (int64_t)chk_dtype_size(n->dtype);
    return bytes <= (64 << 20) && (bytes >= (16 << 10) || bytes == all);
}

static chunk_status describe_dataset(chk_out *out, int i, chunk_error *err)
{
    const chk_node *n = out->node;
    size_t item = chk_dtype_size(n->dtype);
    out->small = n->shape.ndim == 0 || chk_shape_count(&n->shape) == 0;
    CHK_TRY(chk_pipeline_parse(&out->pipeline, out->o.filter ? out->o.filter : "none", item, err));
    if (out->small) {
        out->target.serial = false;
        return CHUNK_OK;
    }
    int64_t raw = (int64_t)item;
    for (int a = 0; a < n->shape.ndim; a++) {
        if (out->o.chunk) {
            if (out->o.chunk[a] < 1)
                return chk_fail(err, CHUNK_ESHAPE, "output %d: chunk extent %lld on axis %d: it must be 1 or more", i,
                                (long long)out->o.chunk[a], a);
            out->chunk[a] = out->o.chunk[a] < n->shape.dim[a] ? out->o.chunk[a] : n->shape.dim[a];
        }
    }
    if (!out->o.chunk && !grid_as_chunks(out->chunk, n)) chk_h5_choose_chunk(out->chunk, &n->shape, item);
    for (int a = 0; a < n->shape.ndim; a++)
        if (__builtin_mul_overflow(raw, out->chunk[a], &raw) || raw >= (int64_t)1 << 32)
            return chk_fail(err, CHUNK_ESHAPE,
                            "output %d: a chunk of 4 GiB or more is more than HDF5 can store: give smaller chunks", i);
    chk_target *t = &out->target;
    t->grid = chk_grid_regular(&n->shape, out->chunk);
    t->own_grid = t->ordered = true;
    t->extendible = out->bound;
    t->whole_chunks = out->pipeline.n > 0;
    if (t->whole_chunks) t->worker_bytes = chk_pipeline_worker_bytes(&out->pipeline, (size_t)raw, true);
    if (t->whole_chunks) chk_sink_h5_need(&out->pipeline, (size_t)raw, &t->kept_bytes, &t->scratch_bytes);
    t->in_place = t->whole_chunks && chk_pipeline_encodes_in_place(&out->pipeline);
    return CHUNK_OK;
}

/* A result whose shape is a bound may stay so where it alone goes to a dataset without filters; else it is counted first. A count that is refused names its
 * own needs, not those of the run after it: the outputs are described as if the mask selected everything, for a plan that tells them. */
static chunk_status settle(chk_outputs *os, chk_out *out, const chunk_output *o, chunk_error *err)
{
    chk_node *node = o->array->node;
    chk_builder *b = o->array->ctx->builder;
    bool plain = !o->filter || !strcmp(o->filter, "none");
    chunk_error e = {0};
    out->bound = chk_node_is_bound(node) && os->n == 1 && o->file && plain && !o->in_place && !o->fill;
    out->node = out->bound ? node : chk_node_exact(b, node, &e);
    if (out->node) return CHUNK_OK;
    chunk_status st = e.code;
    if (st == CHUNK_ECEILING && !chk_builder_assumes(b)) {
        os->refused = e;
        chk_builder_assume(b, true);
        st = node->u.custom.op->count(&out->at_most, b, node, &e);
        chk_builder_assume(b, false);
        out->node = out->at_most;
    }
    if (err) *err = e;
    return st;
}

/* A file's name without links and dots; of one that is not there yet, its folder's and its own. NULL: no memory. Where even the folder is not there: as given. */
static char *true_name(const char *file)
{
    char *there = realpath(file, NULL), *slash = strrchr(file, '/');
    if (there) return there;
    char folder[PATH_MAX];
    int n = slash ? snprintf(folder, sizeof folder, "%.*s", (int)(slash - file) + 1, file) : snprintf(folder, sizeof folder, ".");
    char *in = n < (int)sizeof folder ? realpath(folder, NULL) : NULL;
    if (!in) return strdup(file);
    const char *name = slash ? slash + 1 : file;
    size_t size = strlen(in) + strlen(name) + 2;
    char *full = malloc(size);
    if (full) snprintf(full, size, "%s/%s", in, name);
    free(in);
    return full;
}

static bool same_file(const chk_out *a, const chk_out *b)
{
    return a->true_name && b->true_name && !strcmp(a->true_name, b->true_name);
}

static chunk_status check_pair(const chk_out *a, const chk_out *b, chunk_error *err)
{
    int how = same_file(a, b) ? meet(a->o.dataset, b->o.dataset) : -1;
    if (how == 0) return chk_fail(err, CHUNK_EINVAL, "%s:%s is the output of two results", a->o.file, a->o.dataset);
    if (how < 0) return CHUNK_OK;
    return chk_fail(err, CHUNK_EINVAL,
                    "%s: of the outputs %s and %s one's path runs through the other: a dataset holds no datasets", a->o.file,
                    b->o.dataset, a->o.dataset);
}

static chunk_status describe(chk_outputs *os, int i, const chunk_output *o, chunk_error *err)
{
    chk_out *out = &os->out[i];
    CHK_TRY(check_output(o, i, err));
    out->o = *o;
    out->o.file = out->o.dataset = out->o.filter = NULL; /* not the caller's: copies are freed */
    CHK_TRY(settle(os, out, o, err));
    out->fill.dtype = out->node->dtype;
    if (o->fill) memcpy(out->fill.v.bytes, o->fill, chk_dtype_size(out->node->dtype));
    out->target = (chk_target){.node = out->node, .name = out->node->name[0] ? out->node->name : "result"};
    if (o->file && (!(out->o.file = chk_strdup(o->file)) || !(out->o.dataset = chk_strdup(o->dataset))))
        return chk_fail(err, CHUNK_ENOMEM, "out of memory for an output");
    if (o->file && !(out->true_name = true_name(o->file))) return chk_fail(err, CHUNK_ENOMEM, "out of memory for an output");
    if (o->filter && !(out->o.filter = chk_strdup(o->filter))) return chk_fail(err, CHUNK_ENOMEM, "out of memory for an output");
    if (o->in_place) {
        CHK_TRY(chk_inplace_describe(&out->place, o, out->node, os->n, err));
        out->node = out->target.node = out->place.node;
        return CHUNK_OK;
    }
    if (o->file) return describe_dataset(out, i, err);
    if (o->write) {
        if (o->chunk) {
            out->target.grid = chk_grid_regular(&out->node->shape, o->chunk);
            out->target.own_grid = out->target.whole_chunks = true;
        }
        out->target.ordered = true;
    }
    return CHUNK_OK;
}

chunk_status chk_outputs_describe(chk_outputs *os, const chunk_output *outputs, int n, chunk_error *err)
{
    if (n < 1 || n > 1024 || !outputs) return chk_fail(err, CHUNK_EINVAL, "%d outputs: give 1 to 1024", n);
    os->out = chk_calloc((size_t)n, sizeof *os->out);
    os->targets = chk_calloc((size_t)n, sizeof *os->targets);
    os->writer = chk_calloc((size_t)n, sizeof *os->writer);
    if (!os->out || !os->targets || !os->writer) return chk_fail(err, CHUNK_ENOMEM, "out of memory for %d outputs", n);
    os->n = n;
    for (int i = 0; i < n; i++) {
        chunk_output o;
        CHK_TRY(chk_take_options(&o, sizeof o, (const char *)outputs + (size_t)i * outputs->size, "chunk_output", err));
        if (o.size != outputs->size)
            return chk_fail(err, CHUNK_EINVAL,
                            "chunk_output.size of output %d is %zu, of output 0 %zu: set each to sizeof(chunk_output)", i, o.size,
                            outputs->size);
        CHK_TRY(describe(os, i, &o, err));
        os->targets[i] = os->out[i].target;
        for (int k = 0; k < i; k++) CHK_TRY(check_pair(&os->out[i], &os->out[k], err));
    }
    return CHUNK_OK;
}

/* The first output that goes to the same file; i itself where it is the first. */
static int first_of_file(const chk_outputs *os, int i)
{
    int k = 0;
    while (k < i && !same_file(&os->out[k], &os->out[i])) k++;
    return k;
}

uint64_t chk_outputs_file_bytes(const chk_outputs *os)
{
    uint64_t bytes = 0;
    for (int i = 0; i < os->n; i++) {
        if (!os->out[i].o.file || first_of_file(os, i) < i) continue;
        int64_t n_chunks = 0;
        for (int k = i; k < os->n; k++) {
            const chk_out *out = &os->out[k];
            if (!out->o.file || first_of_file(os, k) != i || out->small) continue;
            int64_t more = chk_grid_n_chunks(&out->target.grid);
            n_chunks = more > INT64_MAX - n_chunks ? INT64_MAX : n_chunks + more;
        }
        bytes += chk_h5_file_bytes(n_chunks);
    }
    return bytes;
}

/* One writer a file, told of all of the file's datasets. */
static chunk_status writer_for(chk_outputs *os, int i, bool overwrite, chunk_error *err)
{
    chk_out *out = &os->out[i];
    int first = first_of_file(os, i);
    if (first < i) {
        out->writer = os->out[first].writer;
        return CHUNK_OK;
    }
    const char *names[os->n];
    int n = 0;
    for (int k = i; k < os->n; k++)
        if (same_file(&os->out[k], out)) names[n++] = os->out[k].o.dataset;
    CHK_TRY(chk_h5writer_new(&out->writer, out->o.file, names, n, overwrite, err));
    os->writer[os->n_writers++] = out->writer;
    return CHUNK_OK;
}

static chunk_status create(chk_outputs *os, int i, bool overwrite, chunk_error *err)
{
    chk_out *out = &os->out[i];
    const chk_node *n = out->node;
    if (out->o.write)
        return chk_sink_callback(&out->sink, out->o.write, out->o.user, n->dtype, &n->shape, out->o.chunk, false, err);
    if (!out->o.file) return chk_sink_memory(&out->sink, out->o.data, n->dtype, &n->shape, out->o.strides, err);
    if (out->o.in_place) return chk_sink_h5place(&out->sink, out->place.set, &out->place.region, err);
    CHK_TRY(writer_for(os, i, overwrite, err));
    if (out->bound) {
        CHK_TRY(chk_h5out_new_bound(&out->set, out->writer, out->o.dataset, n->dtype, &n->shape, out->chunk, err));
        return chk_sink_h5(&out->sink, out->set, err);
    }
    CHK_TRY(chk_h5out_new(&out->set, out->writer, out->o.dataset, n->dtype, &n->shape, out->small ? NULL : out->chunk,
                          &out->pipeline, out->o.fill ? &out->fill : NULL, err));
    if (out->small) return chk_sink_memory(&out->sink, out->small_data, n->dtype, &n->shape, NULL, err);
    return chk_sink_h5(&out->sink, out->set, err);
}

chunk_status chk_outputs_create(chk_outputs *os, chk_plan *plan, bool overwrite, chunk_error *err)
{
    for (int i = 0; i < os->n; i++) {
        CHK_TRY(create(os, i, overwrite, err));
        chk_plan_bind(plan, &os->targets[i], os->out[i].sink);
    }
    return CHUNK_OK;
}

chunk_status chk_outputs_commit(chk_outputs *os, bool durable, chunk_error *err)
{
    for (int i = 0; i < os->n; i++)
        if (os->out[i].bound) os->out[i].o.array->shape[0] = os->out[i].sink->shape.dim[0];
    for (int i = 0; i < os->n; i++)
        if (os->out[i].small && os->out[i].set) CHK_TRY(chk_h5out_write_small(os->out[i].set, os->out[i].small_data, err));
    for (int w = 0; w < os->n_writers; w++) {
        chk_h5writer *writer = os->writer[w];
        os->writer[w] = NULL;
        CHK_TRY(chk_h5writer_commit(writer, durable, err));
    }
    return CHUNK_OK;
}

chunk_status chk_outputs_end(chk_outputs *os, bool durable, chunk_status st, chunk_error *err)
{
    for (int i = 0; i < os->n; i++)
        if (os->out[i].o.in_place) st = chk_inplace_end(&os->out[i].place, os->out[i].sink, durable, st, err);
    return st;
}

void chk_outputs_done(chk_outputs *os)
{
    for (int i = 0; i < os->n; i++) {
        chk_sink_free(os->out[i].sink);
        chk_inplace_done(&os->out[i].place);
        chk_node_release(os->out[i].at_most);
        free(os->out[i].true_name);
        chk_free((char *)os->out[i].o.file);
        chk_free((char *)os->out[i].o.dataset);
        chk_free((char *)os->out[i].o.filter);
    }
    for (int w = 0; w < os->n_writers; w++) chk_h5writer_abort(os->writer[w]);
    chk_free(os->out);
    chk_free(os->targets);
    chk_free(os->writer);
    memset(os, 0, sizeof *os);
}
