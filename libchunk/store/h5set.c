/* Open datasets: everything about one that does not change, found out once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "store/h5lock.h"
#include "store/h5read.h"
#include "store/vfd.h"

/* A dataset's properties while it is being opened. */
typedef struct opening {
    chk_h5set *d;
    hid_t dcpl;
    chunk_error *err;
} opening;

static chunk_status broken(const opening *o, const char *what)
{
    char why[200];
    const chk_h5info *i = &o->d->info;
    return chk_fail(o->err, CHUNK_EFILE, "%s:%s: cannot read its %s: %s", i->file, i->path, what, chk_h5_reason(why, sizeof why));
}

static chunk_status read_shape(const opening *o)
{
    chk_h5info *i = &o->d->info;
    hsize_t dim[CHK_MAX_NDIM], max[CHK_MAX_NDIM];
    hid_t space = H5Dget_space(o->d->id);
    H5S_class_t kind = H5Sget_simple_extent_type(space);
    int ndim = H5Sget_simple_extent_ndims(space);
    bool ok = ndim >= 0 && ndim <= CHK_MAX_NDIM && H5Sget_simple_extent_dims(space, dim, max) >= 0;
    if (space >= 0) H5Sclose(space);
    if (!ok) return broken(o, "shape");
    i->shape.ndim = i->maxshape.ndim = ndim;
    for (int a = 0; a < ndim; a++) {
        if (dim[a] > INT64_MAX / 2)
            return chk_fail(o->err, CHUNK_EFILE, "%s:%s: axis %d is too long: %" PRIu64, i->file, i->path, a, (uint64_t)dim[a]);
        if (max[a] != H5S_UNLIMITED && dim[a] > max[a])
            return chk_fail(o->err, CHUNK_EFILE,
                            "%s:%s is corrupt: axis %d has extent %" PRIu64 ", more than its maximum of %" PRIu64, i->file, i->path,
                            a, (uint64_t)dim[a], (uint64_t)max[a]);
        i->shape.dim[a] = (int64_t)dim[a];
        i->maxshape.dim[a] = max[a] == H5S_UNLIMITED ? -1 : (int64_t)max[a];
    }
    if (kind == H5S_NULL) {
        i->dtype_known = false;
        snprintf(i->type_text, sizeof i->type_text, "empty (null dataspace)");
    }
    if (chk_shape_count(&i->shape) > INT64_MAX / 2 / (int64_t)(i->item_bytes ? i->item_bytes : 1))
        return chk_fail(o->err, CHUNK_EFILE, "%s:%s: too large: more than 2^62 bytes", i->file, i->path);
    return CHUNK_OK;
}

static chunk_status read_filters(const opening *o)
{
    chk_pipeline *p = &o->d->info.pipeline;
    int n = H5Pget_nfilters(o->dcpl);
    if (n < 0) return broken(o, "filters");
    bool fits = n <= CHK_MAX_FILTERS;
    *p = (chk_pipeline){.n = fits ? n : CHK_MAX_FILTERS, .item_bytes = o->d->info.item_bytes};
    for (int k = 0; k < p->n; k++) {
        chk_filter *f = &p->filter[k];
        unsigned flags, config;
        size_t n_cd = CHK_MAX_CD;
        H5Z_filter_t id = H5Pget_filter2(o->dcpl, (unsigned)k, &flags, &n_cd, f->cd, sizeof f->name, f->name, &config);
        if (id < 0) return broken(o, "filters");
        f->id = id;
        f->optional = flags & H5Z_FLAG_OPTIONAL;
        f->n_cd = (unsigned)(n_cd < CHK_MAX_CD ? n_cd : CHK_MAX_CD);
        f->name[sizeof f->name - 1] = 0;
        if (!f->name[0]) snprintf(f->name, sizeof f->name, "filter %d", f->id);
    }
    chk_pipeline_settle(p);
    p->native &= fits;
    p->writable &= fits;
    return CHUNK_OK;
}

static const char *index_name(hid_t set)
{
    H5D_chunk_index_t kind;
    if (H5Dget_chunk_index_type(set, &kind) < 0) return "none";
    switch (kind) {
    case H5D_CHUNK_IDX_BTREE: return "btree1";
    case H5D_CHUNK_IDX_SINGLE: return "single";
    case H5D_CHUNK_IDX_NONE: return "implicit";
    case H5D_CHUNK_IDX_FARRAY: return "fixed array";
    case H5D_CHUNK_IDX_EARRAY: return "extensible array";
    case H5D_CHUNK_IDX_BT2: return "btree2";
    default: return "none";
    }
}

static chunk_status read_chunks(const opening *o)
{
    chk_h5info *i = &o->d->info;
    hsize_t chunk[CHK_MAX_NDIM];
    unsigned options = 0;
    if (H5Pget_chunk(o->dcpl, CHK_MAX_NDIM, chunk) != i->shape.ndim) return broken(o, "chunk shape");
    for (int a = 0; a < i->shape.ndim; a++) {
        if (chunk[a] == 0) return chk_fail(o->err, CHUNK_EFILE, "%s:%s: axis %d has chunks of length 0", i->file, i->path, a);
        i->chunk.dim[a] = (int64_t)chunk[a];
        o->d->chunk_bytes *= chunk[a];
    }
    if (o->d->chunk_bytes > UINT32_MAX) return chk_fail(o->err, CHUNK_EFILE, "%s:%s: chunks of 4 GiB and more", i->file, i->path);
    if (H5Pget_chunk_opts(o->dcpl, &options) >= 0) i->edge_unfiltered = options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
    i->index = index_name(o->d->id);
    return read_filters(o);
}

static chunk_status hold_compact(const opening *o)
{
    chk_h5set *d = o->d;
    size_t n_bytes = (size_t)chk_shape_count(&d->info.shape) * d->info.item_bytes;
    if (!d->info.dtype_known || n_bytes == 0) return CHUNK_OK;
    d->compact = chk_malloc(n_bytes);
    if (!d->compact)
        return chk_fail(o->err, CHUNK_ENOMEM, "%s:%s: out of memory for %zu bytes", d->info.file, d->info.path, n_bytes);
    return H5Dread(d->id, d->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, d->compact) < 0 ? broken(o, "data") : CHUNK_OK;
}

static chunk_status read_layout(const opening *o)
{
    chk_h5set *d = o->d;
    chk_h5info *i = &d->info;
    i->index = "none";
    i->chunk.ndim = i->shape.ndim;
    i->pipeline = (chk_pipeline){.native = true, .writable = true, .item_bytes = i->item_bytes};
    d->chunk_bytes = i->item_bytes;
    d->addr = UINT64_MAX;
    switch (H5Pget_layout(o->dcpl)) {
    case H5D_COMPACT: i->layout = CHK_LAYOUT_COMPACT; break;
    case H5D_CONTIGUOUS: i->layout = CHK_LAYOUT_CONTIGUOUS; break;
    case H5D_CHUNKED: i->layout = CHK_LAYOUT_CHUNKED; return read_chunks(o);
    case H5D_VIRTUAL:
        i->layout = CHK_LAYOUT_VIRTUAL;
        CHK_TRY(chk_h5set_virtual_bytes(&d->virtual_bytes, &d->virtual_chunk, d, o->dcpl, o->err));
        break;
    default: return broken(o, "layout");
    }
    for (int a = 0; a < i->shape.ndim; a++) i->chunk.dim[a] = i->shape.dim[a] ? i->shape.dim[a] : 1;
    d->chunk_bytes *= (uint64_t)chk_shape_count(&i->shape);
    if (i->layout == CHK_LAYOUT_COMPACT) return hold_compact(o);
    if (i->layout == CHK_LAYOUT_CONTIGUOUS && H5Pget_external_count(o->dcpl) == 0) {
        H5D_space_status_t status =
            H5D_SPACE_STATUS_NOT_ALLOCATED; /* asked first: HDF5 adds the user block to "undefined" as well */
        if (H5Dget_space_status(d->id, &status) < 0) return broken(o, "address");
        if (status != H5D_SPACE_STATUS_NOT_ALLOCATED) d->addr = H5Dget_offset(d->id);
    }
    return CHUNK_OK;
}

static chunk_status read_fill(const opening *o)
{
    chk_h5set *d = o->d;
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    H5D_fill_time_t when = H5D_FILL_TIME_IFSET;
    unsigned char item[16] = {0};
    H5Pget_fill_time(o->dcpl, &when);
    d->zero_first = when == H5D_FILL_TIME_NEVER;
    d->info.fill = chk_h5type_scalar(&d->info, NULL);
    if (H5Pfill_value_defined(o->dcpl, &defined) < 0) return broken(o, "fill value");
    d->info.fill_defined = defined == H5D_FILL_VALUE_USER_DEFINED;
    if (!d->info.dtype_known || !d->info.fill_defined || d->zero_first) return CHUNK_OK;
    if (H5Pget_fill_value(o->dcpl, d->type, item) < 0) return broken(o, "fill value");
    d->info.fill = chk_h5type_scalar(&d->info, item);
    return CHUNK_OK;
}

static const char *why_not_native(const opening *o, bool capture_works)
{
    const chk_h5set *d = o->d;
    if (d->info.layout == CHK_LAYOUT_VIRTUAL) return "virtual dataset";
    if (H5Pget_external_count(o->dcpl) > 0) return "stored in external files";
    if (d->info.layout != CHK_LAYOUT_CHUNKED) return NULL;
    if (d->file->foreign) return "file being written (SWMR)";
    if (!capture_works) return "this HDF5 does not let its chunks be located";
    return d->info.pipeline.native ? NULL : "filter that is not built in";
}

static chunk_status read_info(chk_h5set *d, bool capture_works, chunk_error *err)
{
    opening o = {d, H5Dget_create_plist(d->id), err};
    d->type = H5Dget_type(d->id);
    chunk_status st = o.dcpl < 0 || d->type < 0 ? broken(&o, "header") : CHUNK_OK;
    if (st == CHUNK_OK) {
        chk_h5type_describe(&d->info, d->type);
        st = d->info.item_bytes ? read_shape(&o) : broken(&o, "type");
    }
    if (st == CHUNK_OK) st = read_layout(&o);
    if (st == CHUNK_OK) st = read_fill(&o);
    if (st == CHUNK_OK) {
        d->info.why_not_native = why_not_native(&o, capture_works);
        d->info.native = !d->info.why_not_native;
        d->stored_bound = d->info.native ? chk_pipeline_stored_bound(&d->info.pipeline, d->chunk_bytes) : d->chunk_bytes;
    }
    chk_h5_object_info info;
    if (st == CHUNK_OK && CHK_H5_ADDRESS(d->id, &info, &d->object) < 0) st = broken(&o, "address");
    if (o.dcpl >= 0) H5Pclose(o.dcpl);
    return st;
}

/* Why a name does not open as a dataset. */
static chunk_status explain_failure(chk_h5file *f, const char *name, chunk_error *err)
{
    char why[200], has[300] = "";
    int errnum = chk_vfd_read_errno();
    chk_h5_reason(why, sizeof why);
    hid_t id = H5Oopen(f->id, name, H5P_DEFAULT);
    H5I_type_t kind = id < 0 ? H5I_BADID : H5Iget_type(id);
    if (id >= 0) H5Oclose(id);
    if (kind == H5I_GROUP || kind == H5I_BADID) chk_h5file_suggest(has, sizeof has, f, name);
    if (kind == H5I_GROUP) return chk_fail(err, CHUNK_EFILE, "%s:%s: a group, not a dataset%s", f->path, name, has);
    if (kind == H5I_DATATYPE) return chk_fail(err, CHUNK_EFILE, "%s:%s: a named type, not a dataset", f->path, name);
    if (strstr(why, "bad version"))
        return chk_fail(err, CHUNK_EFILE,
                        "%s:%s: stored in a form of a newer HDF5 that this %d.%d.%d cannot read (%s); write it again with libver "
                        "up to v110 (h5py: libver=('earliest', 'v110'))",
                        f->path, name, H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE, why);
    if (kind == H5I_DATASET) return chk_fail(err, CHUNK_EFILE, "%s:%s: damaged dataset: %s", f->path, name, why);
    H5L_info_t link;
    if (kind == H5I_BADID && H5Lget_info(f->id, name, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_EXTERNAL)
        return chk_fail(err, CHUNK_EFILE, "%s:%s: an external link to what cannot be opened: %s", f->path, name, why);
    if (errnum) return chk_fail_errno(err, errnum, f->path, "cannot read");
    return chk_fail(err, CHUNK_EFILE, "%s: no dataset %s%s", f->path, name, has);
}

static char *full_path(const char *name)
{
    char *s = chk_malloc(strlen(name) + 2);
    if (s) sprintf(s, "%s%s", name[0] == '/' ? "" : "/", name);
    return s;
}

static void set_free(chk_h5set *d)
{
    for (chk_h5set **at = &d->file->sets; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    if (d->type > 0) H5Tclose(d->type);
    if (d->id > 0) H5Dclose(d->id);
    chk_free(d->compact);
    chk_free(d->few_number);
    chk_free(d->info.file);
    chk_free(d->info.path);
    chk_free(d);
}

/* Where an external link leads. */
typedef struct elsewhere {
    char *file, *path; /* to be freed; NULL where the object lies in the file that was asked */
    uint64_t object;
} elsewhere;

static chunk_status find_elsewhere(elsewhere *to, const chk_h5file *f, hid_t id, chunk_error *err)
{
    chk_h5_object_info here, there;
    uint64_t root;
    if (CHK_H5_ADDRESS(f->id, &here, &root) < 0 || CHK_H5_ADDRESS(id, &there, &to->object) < 0)
        return chk_fail(err, CHUNK_EFILE, "%s: HDF5 does not say which file an object lies in", f->path);
    if (here.fileno == there.fileno) return CHUNK_OK;
    ssize_t file_length = H5Fget_name(id, NULL, 0), path_length = H5Iget_name(id, NULL, 0);
    if (file_length <= 0 || path_length <= 0)
        return chk_fail(err, CHUNK_EFILE, "%s: HDF5 does not say where an external link leads", f->path);
    to->file = chk_malloc((size_t)file_length + 1);
    to->path = chk_malloc((size_t)path_length + 1);
    if (!to->file || !to->path) return chk_fail(err, CHUNK_ENOMEM, "%s: out of memory", f->path);
    H5Fget_name(id, to->file, (size_t)file_length + 1);
    H5Iget_name(id, to->path, (size_t)path_length + 1);
    return CHUNK_OK;
}

/* The object in another file that an external link leads to, opened there: its bytes lie in that file. Behind a soft link HDF5 tells the link's name, which is
 * not the object's there. */
static chunk_status open_elsewhere(chk_h5set **out, const elsewhere *there, const chk_h5file *from, const char *name,
                                   chunk_error *err)
{
    chk_h5file *f;
    chk_h5set *d = NULL;
    CHK_TRY(chk_h5file_open(&f, there->file, err));
    chunk_status st = chk_h5set_open(&d, f, there->path, err);
    chk_h5file_release(f);
    CHK_TRY(st);
    if (d->object == there->object) {
        *out = d;
        return CHUNK_OK;
    }
    chk_h5set_release(d);
    return chk_fail(err, CHUNK_EFILE, "%s:%s: lies in %s, where it is not found by that name: name it there", from->path, name,
                    there->file);
}

chunk_status chk_h5set_open(chk_h5set **out, chk_h5file *f, const char *dataset, chunk_error *err)
{
    elsewhere to = {0};
    bool works = chk_h5_capture_works();
    CHK_TRY(chk_h5_enter(err));
    chk_vfd_clear_errno();
    chk_h5set *d = chk_calloc(1, sizeof *d);
    chunk_status st = CHUNK_OK;
    if (d) {
        d->file = f;
        d->info.file = chk_strdup(f->path);
        d->info.path = full_path(dataset);
    }
    if (!d || !d->info.file || !d->info.path)
        st = chk_fail(err, CHUNK_ENOMEM, "%s: out of memory", f->path);
    else if ((d->id = H5Dopen2(f->id, d->info.path, H5P_DEFAULT)) < 0)
        st = explain_failure(f, d->info.path, err);
    else if ((st = find_elsewhere(&to, f, d->id, err)) == CHUNK_OK && !to.file)
        st = read_info(d, works, err);
    if (st == CHUNK_OK && !to.file) {
        atomic_init(&d->refs, 1);
        f->refs++;
        d->next = f->sets;
        f->sets = d;
        *out = d;
    } else if (d) {
        set_free(d);
    }
    chk_h5_leave();
    if (st == CHUNK_OK && to.file) st = open_elsewhere(out, &to, f, dataset, err);
    chk_free(to.file);
    chk_free(to.path);
    return st;
}

void chk_h5set_let_go(chk_h5set *d)
{
    H5Tclose(d->type);
    H5Dclose(d->id);
    d->type = d->id = H5I_INVALID_HID;
    chk_free(d->few_number);
    d->few_number = NULL;
    atomic_store(&d->few, 0);
}

bool chk_h5set_take_up(chk_h5set *d)
{
    d->id = H5Dopen2(d->file->id, d->info.path, H5P_DEFAULT);
    d->type = d->id < 0 ? H5I_INVALID_HID : H5Dget_type(d->id);
    H5D_space_status_t status = H5D_SPACE_STATUS_NOT_ALLOCATED;
    bool lies = d->id >= 0 && d->info.layout == CHK_LAYOUT_CONTIGUOUS && d->info.native && H5Dget_space_status(d->id, &status) >= 0;
    if (lies && status != H5D_SPACE_STATUS_NOT_ALLOCATED) d->addr = H5Dget_offset(d->id);
    return d->type >= 0;
}

bool chk_h5set_same(const chk_h5set *a, const chk_h5set *b) { return a->file == b->file && a->object == b->object; }

void chk_h5set_retain(chk_h5set *d) { atomic_fetch_add(&d->refs, 1); }

void chk_h5set_release(chk_h5set *d)
{
    if (!d || atomic_fetch_sub(&d->refs, 1) > 1 || chk_h5_enter(NULL) != CHUNK_OK) return;
    chk_h5file *f = d->file;
    set_free(d);
    chk_h5_leave();
    chk_h5file_release(f);
}

const chk_h5info *chk_h5set_info(const chk_h5set *d) { return &d->info; }

chunk_status chk_h5set_check_type(const chk_h5set *d, chunk_error *err)
{
    const chk_h5info *i = &d->info;
    if (i->dtype_known) return CHUNK_OK;
    return chk_fail(
        err, CHUNK_ETYPE,
        "%s:%s: elements of type %s cannot be computed with: store them as bool, integers of 8 to 64 bits, float16 to float64 or "
        "complex numbers of these",
        i->file, i->path, i->type_text);
}

int chk_h5set_fd(const chk_h5set *d) { return d->file->fd; }
