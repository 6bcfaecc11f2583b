/* Many threads write one file as a pass does: the first block of each chunk that is not fill is claimed in turn, all else in any order and at once.
 * Files of 1, 2 and 8 threads are the same byte for byte, and chunks of fill are absent. Run under the thread sanitizer. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "store/source.h"

enum { ROWS = 97, COLS = 61, CHUNK_ROWS = 10, CHUNK_COLS = 8, CHUNKS_ACROSS = 8, N_CHUNKS = 10 * CHUNKS_ACROSS, MAX_THREADS = 8 };

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void check(chunk_status st, const chunk_error *err)
{
    if (st != CHUNK_OK) fail(err->text);
}

/* One run of the pass. */
typedef struct pass {
    chk_sink *sink;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int next, turn; /* under lock: the next chunk to take, the chunk whose claims are in order now */
} pass;

/* Every third chunk is fill; every fifth begins with two rows of it. */
static int32_t value(int chunk, int64_t row, int64_t col)
{
    if (chunk % 3 == 0 || (chunk % 5 == 0 && row % CHUNK_ROWS < 2)) return 0;
    return (int32_t)(row * COLS + col + 1);
}

static void wait_turn(pass *p, int chunk)
{
    pthread_mutex_lock(&p->lock);
    while (p->turn != chunk) pthread_cond_wait(&p->moved, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void pass_turn(pass *p)
{
    pthread_mutex_lock(&p->lock);
    p->turn++;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static void do_chunk(pass *p, int chunk)
{
    chunk_error err = {0};
    chk_sink *s = p->sink;
    chk_box box;
    chk_grid_chunk_box(&box, &s->grid, (int64_t[]){chunk / CHUNKS_ACROSS, chunk % CHUNKS_ACROSS});
    int64_t step = s->whole_chunks ? CHUNK_ROWS : 1;
    bool my_turn = true;
    for (int64_t row = box.lo[0]; row < box.hi[0]; row += step) {
        int32_t data[CHUNK_ROWS * CHUNK_COLS];
        char kept[4096], scratch[4096];
        chk_block b = {.box = box, .data = data};
        b.box.lo[0] = row;
        b.box.hi[0] = row + step < box.hi[0] ? row + step : box.hi[0];
        int n = 0;
        for (int64_t i = row; i < b.box.hi[0]; i++)
            for (int64_t j = box.lo[1]; j < box.hi[1]; j++) data[n++] = value(chunk, i, j);
        b.n_bytes = (size_t)n * sizeof *data;
        if (s->ops->encode != NULL) check(s->ops->encode(s, &b, kept, sizeof kept, scratch, sizeof scratch, &err), &err);
        if (my_turn) wait_turn(p, chunk);
        check(s->ops->claim(s, &b, &err), &err);
        if (my_turn && (!b.skip || b.box.hi[0] == box.hi[0])) {
            pass_turn(p);
            my_turn = false;
        }
        if (!b.skip) check(s->ops->write(s, &b, &err), &err);
    }
}

static void *work(void *arg)
{
    pass *p = arg;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        int chunk = p->next++;
        pthread_mutex_unlock(&p->lock);
        if (chunk >= N_CHUNKS) break;
        do_chunk(p, chunk);
    }
    chk_codec_thread_done();
    return NULL;
}

static void write_file(const char *path, const char *filters, int n_threads)
{
    chunk_error err = {0};
    static const char *const names[] = {"/x"};
    chk_h5writer *w;
    chk_h5out *d;
    chk_pipeline pipeline;
    chk_shape shape = {2, {ROWS, COLS}};
    int64_t chunk[2] = {CHUNK_ROWS, CHUNK_COLS};
    pass p = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    check(chk_pipeline_parse(&pipeline, filters, 4, &err), &err);
    check(chk_h5writer_new(&w, path, names, 1, false, &err), &err);
    check(chk_h5out_new(&d, w, "/x", CHK_I32, &shape, chunk, &pipeline, NULL, &err), &err);
    check(chk_sink_h5(&p.sink, d, &err), &err);
    pthread_t thread[MAX_THREADS];
    for (int i = 0; i < n_threads; i++) check(chk_thread_start(&thread[i], work, &p, "stress", &err), &err);
    for (int i = 0; i < n_threads; i++) pthread_join(thread[i], NULL);
    chk_sink_free(p.sink);
    check(chk_h5writer_commit(w, false, &err), &err);
}

static char *read_file(const char *path, size_t *n)
{
    struct stat sb;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &sb) != 0) fail("cannot open what was written");
    char *p = malloc((size_t)sb.st_size);
    *n = (size_t)sb.st_size;
    if (p == NULL || read(fd, p, *n) != sb.st_size) fail("cannot read what was written");
    close(fd);
    return p;
}

int main(void)
{
    char folder[] = "/tmp/chunk-stress-XXXXXX", path[64];
    if (mkdtemp(folder) == NULL) fail("cannot make a folder");
    snprintf(path, sizeof path, "%s/a.h5", folder);
    static const char *const filters[] = {"none", "gzip=1,shuffle", "bitshuffle"};
    static const int threads[] = {1, 2, 8};
    for (int f = 0; f < 3; f++) {
        char *first = NULL;
        size_t n_first = 0, n;
        for (int round = 0; round < 12; round++) {
            write_file(path, filters[f], threads[round % 3]);
            char *now = read_file(path, &n);
            unlink(path);
            if (first == NULL) {
                first = now;
                n_first = n;
                continue;
            }
            if (n != n_first || memcmp(first, now, n) != 0) fail("files differ");
            free(now);
        }
        free(first);
    }
    rmdir(folder);
    puts("36 files, the same for 1, 2 and 8 threads");
    return 0;
}
