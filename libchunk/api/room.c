/* room.c: what outputs and scratch take on their file systems, against what is free there.
 *
 * An output without filters takes its size, but for chunks that hold fill alone, which are not written. Nobody knows these beforehand; only where inputs have chunks
 * that are not stored, or there are no inputs, they must be expected. Else the size counts as certain, and a run whose certain bytes do not fit is refused. What filters leave, and
 * what a mask selects, is known by its bound: where that does not fit the run is begun, with a warning, and survives a disk that fills up. */
#include "api/room.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"

enum { ENTRY_BYTES = 45 }; /* of a chunk in the index of a new file, at most */

typedef struct disk {
    bool known;
    dev_t dev;
    uint64_t free;
} disk;

/* The file system that a folder, or a file's folder, lies on. One of no blocks (/proc) tells nothing about its room. */
static disk disk_of(const char *path, bool is_file)
{
    disk d = {.known = false};
    struct stat sb;
    struct statvfs fs;
    const char *slash = strrchr(path, '/');
    char *folder = !is_file ? chk_strdup(path)
                   : slash  ? chk_strndup(path, slash == path ? 1 : (size_t)(slash - path))
                            : chk_strdup(".");
    if (folder && stat(folder, &sb) == 0 && statvfs(folder, &fs) == 0 && fs.f_blocks > 0)
        d = (disk){.known = true, .dev = sb.st_dev, .free = (uint64_t)fs.f_bavail * fs.f_frsize};
    chk_free(folder);
    return d;
}

static uint64_t times(uint64_t a, uint64_t b) { return b && a > UINT64_MAX / 2 / b ? UINT64_MAX / 2 : a * b; }

static uint64_t plus(uint64_t a, uint64_t b) { return a > UINT64_MAX / 2 - b ? UINT64_MAX / 2 : a + b; }

/* What an output takes: for certain, and at most. */
static void take(uint64_t *certain, uint64_t *most, const chk_out *out)
{
    *certain = *most = 0;
    if (!out->o.file || out->small || out->o.in_place) return;
    uint64_t raw = chk_dtype_size(out->node->dtype), n_chunks = (uint64_t)chk_grid_n_chunks(&out->target.grid);
    bool plain = out->pipeline.n == 0;
    if (plain && !out->bound) *certain = times((uint64_t)chk_shape_count(&out->node->shape), raw);
    for (int a = 0; a < out->node->shape.ndim; a++) raw = times(raw, (uint64_t)out->chunk[a]);
    *most = times(n_chunks, (plain ? raw : chk_pipeline_stored_bound(&out->pipeline, raw)) + ENTRY_BYTES);
}

typedef struct inputs {
    int n;
    bool absent; /* a dataset has chunks that are not stored */
} inputs;

static void look(void *arg, chk_source *s)
{
    inputs *in = arg;
    chk_h5set *d = chk_source_h5_set(s);
    int64_t stored = 0, all = 1;
    uint64_t bytes;
    in->n++;
    if (!d) return;
    const chk_h5info *i = chk_h5set_info(d);
    for (int a = 0; a < i->shape.ndim && i->layout == CHK_LAYOUT_CHUNKED; a++)
        all *= (i->shape.dim[a] + i->chunk.dim[a] - 1) / i->chunk.dim[a];
    in->absent |= i->native && (chk_h5set_stored(d, &stored, &bytes, NULL) != CHUNK_OK || stored < all);
}

static void look_inside(void *arg, chk_source *s) { chk_source_walk(s, look, arg); }

static bool expects_fill(const chk_plan *p)
{
    inputs in = {0};
    for (int i = 0; i < p->n_passes; i++)
        if (p->pass[i].ops->sources) p->pass[i].ops->sources(&p->pass[i], look_inside, &in);
    return in.absent || in.n == 0;
}

chunk_status chk_room_check(char *warning, size_t size, const chk_plan *p, const chk_outputs *os, const char *scratch,
                            chunk_error *err)
{
    char a[32], b[32];
    disk spilled = scratch ? disk_of(scratch, false) : (disk){.known = false};
    warning[0] = 0;
    for (int i = 0; i < os->n; i++) {
        if (!os->out[i].o.file) continue;
        disk d = disk_of(os->out[i].o.file, true);
        bool shared = spilled.known && spilled.dev == d.dev;
        uint64_t certain = shared ? chk_plan_scratch_bytes(p) : 0, most = certain;
        if (!d.known) continue; /* creating the file says why */
        for (int k = 0; k < os->n; k++) {
            uint64_t c, m;
            take(&c, &m, &os->out[k]);
            if (!m || (k != i && disk_of(os->out[k].o.file, true).dev != d.dev)) continue;
            certain = plus(certain, c);
            most = plus(most, m);
        }
        const char *with = shared ? ", scratch included (--scratch names another folder)" : "";
        if (certain > d.free && !expects_fill(p))
            return chk_fail(err, CHUNK_ENOSPC, "%s: no room: %s free on its disk, this run writes %s there%s", os->out[i].o.file,
                            chk_bytes_text(a, sizeof a, d.free), chk_bytes_text(b, sizeof b, certain), with);
        if (most > d.free && !warning[0])
            snprintf(warning, size, "%.200s: %s free on its disk, this run may write up to %s there%s", os->out[i].o.file,
                     chk_bytes_text(a, sizeof a, d.free), chk_bytes_text(b, sizeof b, most), with);
    }
    return CHUNK_OK;
}
