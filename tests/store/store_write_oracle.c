/* Writes files through the store's sinks, and runs single chunks through the codecs, for Python tests to check with h5py and h5dump.
 *
 *   codec-encode FILTERS ITEM                       raw bytes in; mask (4 bytes) and encoded bytes out
 *   codec-decode ID:CD,CD;ID... ITEM RAW MASK KEEP  encoded bytes in; raw bytes out (unshuffled here where planes were kept)
 *   write FILE OPTION... { set PATH DTYPE SHAPE CHUNK FILTERS FILL BLOCK }...
 *     dense arrays in, one after the other; options: overwrite durable abort half (stop half-way: say so and sleep) seed=N. SHAPE and CHUNK are
 *     like 3x4, SHAPE - a scalar, CHUNK - contiguous; BLOCK: at most so many elements a block where there are no filters.
 * Failures: status and text on standard error, exit 1. CHUNK_FAULT is understood. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/source.h"

static void check(chunk_status st, const chunk_error *err)
{
    if (st == CHUNK_OK) return;
    fprintf(stderr, "%d %s\n", st, err->text);
    exit(1);
}

static void *must(void *p)
{
    if (p == NULL) exit(9);
    return p;
}

static char *read_all(size_t *n)
{
    size_t cap = 1 << 16;
    char *p = must(malloc(cap));
    *n = 0;
    for (size_t got; (got = fread(p + *n, 1, cap - *n, stdin)) > 0;) {
        *n += got;
        if (*n == cap) p = must(realloc(p, cap *= 2));
    }
    return p;
}

static int codec_encode(char **arg)
{
    chunk_error err = {0};
    chk_pipeline p;
    size_t n, n_out;
    char *raw = read_all(&n);
    check(chk_pipeline_parse(&p, arg[0], strtoull(arg[1], NULL, 10), &err), &err);
    size_t cap = chk_pipeline_stored_bound(&p, n), n_scratch = chk_pipeline_encode_scratch(&p, n);
    char *out = must(malloc(cap)), *scratch = must(malloc(n_scratch + 1));
    uint32_t mask;
    check(chk_pipeline_encode(&p, &mask, out, cap, &n_out, raw, n, scratch, n_scratch, &err), &err);
    fwrite(&mask, 4, 1, stdout);
    fwrite(out, 1, n_out, stdout);
    free(raw), free(out), free(scratch);
    return 0;
}

static chk_pipeline parse_ids(char *text, size_t item)
{
    chk_pipeline p = {.item_bytes = item};
    for (char *one; (one = strsep(&text, ";")) != NULL; p.n++) {
        chk_filter *f = &p.filter[p.n];
        f->id = atoi(strsep(&one, ":"));
        for (char *cd; one != NULL && *one != '\0' && (cd = strsep(&one, ",")) != NULL;)
            f->cd[f->n_cd++] = (unsigned)strtoul(cd, NULL, 10);
    }
    chk_pipeline_settle(&p);
    if (!p.native) exit(8);
    return p;
}

static int codec_decode(char **arg)
{
    chunk_error err = {0};
    size_t item = strtoull(arg[1], NULL, 10), n_raw = strtoull(arg[2], NULL, 10), n;
    chk_pipeline p = parse_ids(arg[0], item);
    bool keep = atoi(arg[4]), planes;
    char *in = read_all(&n), *out = must(malloc(n_raw));
    size_t n_scratch = chk_pipeline_decode_scratch(&p, n_raw, keep);
    if (n > chk_pipeline_stored_bound(&p, n_raw)) exit(7);
    char *scratch = must(malloc(n_scratch + 1));
    check(chk_pipeline_decode(&p, (uint32_t)strtoul(arg[3], NULL, 10), out, n_raw, in, n, scratch, n_scratch, keep, &planes, &err),
          &err);
    for (size_t i = 0; i < n_raw; i++) putchar(planes ? out[i % item * (n_raw / item) + i / item] : out[i]);
    free(in), free(out), free(scratch);
    return 0;
}

/* ---- write */

typedef struct one_block {
    chk_block b;
    void *data, *kept;
    chk_sink *sink;
} one_block;

static one_block *blocks;
static size_t n_blocks, cap_blocks;

static int parse_dims(int64_t *dim, const char *text)
{
    int n = 0;
    if (strcmp(text, "-") == 0) return 0;
    for (char *end; *text != '\0'; text = *end == 'x' ? end + 1 : end) dim[n++] = strtoll(text, &end, 10);
    return n;
}

static void add_block(chk_sink *s, const char *array, const chk_box *box)
{
    size_t item = chk_dtype_size(s->dtype), n = (size_t)chk_box_count(box) * item;
    if (n_blocks == cap_blocks) blocks = must(realloc(blocks, (cap_blocks = 2 * cap_blocks + 16) * sizeof *blocks));
    one_block *o = &blocks[n_blocks++];
    *o = (one_block){.b = {.box = *box, .n_bytes = n}, .data = must(malloc(n)), .sink = s};
    o->b.data = o->data;
    char *to = o->data;
    int64_t i[CHK_MAX_NDIM];
    memcpy(i, box->lo, sizeof i);
    for (;;) {
        int64_t at = 0;
        for (int a = 0; a < box->ndim; a++) at = at * s->shape.dim[a] + i[a];
        memcpy(to, array + (size_t)at * item, item);
        to += item;
        int a = box->ndim - 1;
        for (; a >= 0 && ++i[a] == box->hi[a]; a--) i[a] = box->lo[a];
        if (a < 0) return;
    }
}

/* Cuts a box into runs of at most `most` elements in C order: along the first axis where that is possible, else row by row. */
static void cut(chk_sink *s, const char *array, chk_box box, int axis, int64_t most)
{
    if (chk_box_count(&box) <= most) {
        add_block(s, array, &box);
        return;
    }
    int64_t inner = chk_box_count(&box) / chk_box_extent(&box, axis), step = inner < most ? most / inner : 1;
    for (int64_t lo = box.lo[axis], hi = box.hi[axis]; lo < hi; lo += step) {
        chk_box part = box;
        part.lo[axis] = lo;
        part.hi[axis] = lo + step < hi ? lo + step : hi;
        cut(s, array, part, axis + 1, most);
    }
}

static void add_chunks(chk_sink *s, const char *array, int64_t most)
{
    int64_t n = chk_grid_n_chunks(&s->grid);
    for (int64_t k = 0; k < n; k++) {
        int64_t coord[CHK_MAX_NDIM], rest = k;
        for (int a = s->shape.ndim - 1; a >= 0; a--) {
            coord[a] = rest % s->grid.axis[a].n_chunks;
            rest /= s->grid.axis[a].n_chunks;
        }
        chk_box box;
        chk_grid_chunk_box(&box, &s->grid, coord);
        if (s->whole_chunks || most == 0)
            add_block(s, array, &box);
        else
            cut(s, array, box, 0, most);
    }
}

static void encode_all(void)
{
    chunk_error err = {0};
    for (size_t i = 0; i < n_blocks; i++) {
        one_block *o = &blocks[i];
        if (o->sink->ops->encode == NULL) continue;
        size_t kept, n_scratch;
        o->sink->ops->need(o->sink, chk_box_count(&o->b.box), &kept, &n_scratch);
        void *scratch = must(malloc(n_scratch + 1));
        o->kept = must(malloc(kept));
        check(o->sink->ops->encode(o->sink, &o->b, o->kept, kept, scratch, n_scratch, &err), &err);
        free(scratch);
    }
}

/* Writes come in an order drawn from seed: addresses do not depend on it. */
static bool write_all(uint64_t seed, bool stop_half_way)
{
    chunk_error err = {0};
    size_t *order = must(malloc((n_blocks + 1) * sizeof *order));
    for (size_t i = 0; i < n_blocks; i++) order[i] = i;
    for (size_t i = n_blocks; seed > 0 && i > 1; i--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t k = (seed >> 33) % i, t = order[k];
        order[k] = order[i - 1];
        order[i - 1] = t;
    }
    bool ok = true;
    for (size_t i = 0; i < n_blocks && ok; i++) {
        one_block *o = &blocks[order[i]];
        if (stop_half_way && i == n_blocks / 2) {
            puts("half");
            fflush(stdout);
            sleep(60);
        }
        if (!o->b.skip && o->sink->ops->write(o->sink, &o->b, &err) != CHUNK_OK) ok = false;
    }
    if (!ok) fprintf(stderr, "%d %s\n", err.code, err.text);
    free(order);
    return ok;
}

static int write_file(int argc, char **arg)
{
    bool overwrite = false, durable = false, half = false, give_up = false;
    uint64_t seed = 0;
    const char *file = arg[0], *names[16];
    int at = 1, n_sets = 0;
    for (; at < argc && strcmp(arg[at], "set") != 0; at++) {
        overwrite |= strcmp(arg[at], "overwrite") == 0;
        durable |= strcmp(arg[at], "durable") == 0;
        half |= strcmp(arg[at], "half") == 0;
        give_up |= strcmp(arg[at], "abort") == 0;
        if (strncmp(arg[at], "seed=", 5) == 0) seed = strtoull(arg[at] + 5, NULL, 10);
    }
    for (int i = at; i + 7 < argc; i += 8) names[n_sets++] = arg[i + 1];
    chunk_error err = {0};
    chk_h5writer *w;
    check(chk_h5writer_new(&w, file, names, n_sets, overwrite, &err), &err);
    size_t n_in;
    char *in = read_all(&n_in), *array = in;
    chk_sink *sinks[16] = {0};
    bool ok = true;
    for (int k = 0; k < n_sets && ok; k++, at += 8) {
        char **a = arg + at + 1;
        chk_dtype dtype;
        chk_shape shape = {0};
        int64_t chunk[CHK_MAX_NDIM];
        chk_pipeline p;
        chk_scalar fill = {0};
        if (!chk_dtype_parse(&dtype, a[1], strlen(a[1]))) exit(9);
        shape.ndim = parse_dims(shape.dim, a[2]);
        bool small = parse_dims(chunk, a[3]) == 0;
        size_t item = chk_dtype_size(dtype);
        fill.dtype = dtype;
        for (size_t i = 0; i < item && strlen(a[5]) >= 2 * item; i++) sscanf(a[5] + 2 * i, "%2hhx", &fill.v.bytes[i]);
        chk_h5out *d;
        ok = chk_pipeline_parse(&p, a[4], item, &err) == CHUNK_OK &&
             chk_h5out_new(&d, w, a[0], dtype, &shape, small ? NULL : chunk, &p, &fill, &err) == CHUNK_OK &&
             (small ? chk_h5out_write_small(d, array, &err) : chk_sink_h5(&sinks[k], d, &err)) == CHUNK_OK;
        if (ok && !small) add_chunks(sinks[k], array, strtoll(a[6], NULL, 10));
        array += (size_t)chk_shape_count(&shape) * item;
    }
    if (ok) encode_all();
    for (size_t i = 0; i < n_blocks && ok; i++) ok = blocks[i].sink->ops->claim(blocks[i].sink, &blocks[i].b, &err) == CHUNK_OK;
    if (!ok) fprintf(stderr, "%d %s\n", err.code, err.text);
    ok = ok && write_all(seed, half);
    for (int k = 0; k < n_sets; k++) chk_sink_free(sinks[k]);
    for (size_t i = 0; i < n_blocks; i++) free(blocks[i].data), free(blocks[i].kept);
    free(blocks);
    free(in);
    if (give_up || !ok) {
        chk_h5writer_abort(w);
        return give_up ? 3 : 1;
    }
    printf("%llu\n", (unsigned long long)chk_h5writer_written(w));
    check(chk_h5writer_commit(w, durable, &err), &err);
    chk_codec_thread_done();
    return 0;
}

int main(int argc, char **argv)
{
    const char *fault = getenv("CHUNK_FAULT");
    if (fault != NULL && !chk_fault_arm_text(fault)) return 9;
    if (argc >= 4 && strcmp(argv[1], "codec-encode") == 0) return codec_encode(argv + 2);
    if (argc >= 7 && strcmp(argv[1], "codec-decode") == 0) return codec_decode(argv + 2);
    if (argc >= 3 && strcmp(argv[1], "write") == 0) return write_file(argc - 2, argv + 2);
    fprintf(stderr, "see the head of this program's source\n");
    return 2;
}
