/* Many threads fetch boxes of the same datasets at once, through windows and through reads, while others look chunks up, open and release:
 * every value must be its own index. For the thread sanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/h5compat.h"
#include "store/source.h"

enum { ROWS = 512, COLS = 512, THREADS = 4, ROUNDS = 15, BOXES = 4 };

static char path[64];
static const char *const names[] = {"plain", "gzip", "contiguous"};
static _Atomic int broken;

static void make(hid_t f, const char *name, const int *x, int filtered, int chunked)
{
    hsize_t dim[2] = {ROWS, COLS}, chunk[2] = {300, 256};
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dim, NULL);
    if (chunked) H5Pset_chunk(dcpl, 2, chunk);
    if (filtered) H5Pset_shuffle(dcpl), H5Pset_deflate(dcpl, 1);
    hid_t d = H5Dcreate2(f, name, H5T_NATIVE_INT, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    if (H5Dwrite(d, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) < 0) broken = 1;
    H5Dclose(d);
    H5Sclose(space);
    H5Pclose(dcpl);
}

static void make_file(void)
{
    int *x = malloc(sizeof(int) * ROWS * COLS);
    for (int i = 0; i < ROWS * COLS; i++) x[i] = i;
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    make(f, "plain", x, 0, 1);
    make(f, "gzip", x, 1, 1);
    make(f, "contiguous", x, 0, 0);
    H5Fclose(f);
    free(x);
}

static int element(const chk_piece *p, int64_t i, int64_t j)
{
    unsigned char b[4];
    const char *at = p->data + i * p->stride[0] + j * p->stride[1];
    for (int k = 0; k < 4; k++) b[k] = (unsigned char)at[p->plane_bytes ? (size_t)k * p->plane_bytes : (size_t)k];
    int v;
    memcpy(&v, b, sizeof v);
    return v;
}

static void random_box(chk_box *b, unsigned *seed)
{
    b->ndim = 2;
    for (int a = 0; a < 2; a++) {
        int64_t x = rand_r(seed) % (ROWS + 1), y = rand_r(seed) % (ROWS + 1);
        b->lo[a] = x < y ? x : y;
        b->hi[a] = x < y ? y : x;
    }
}

static chunk_status one_round(chk_source *s, char *room, size_t room_bytes, unsigned *seed, chunk_error *err)
{
    chk_view v = chk_view_identity(&s->shape);
    chk_box box[BOXES];
    chk_piece piece[BOXES];
    chk_hold hold = {0};
    chk_arena arena;
    for (int k = 0; k < BOXES; k++) random_box(&box[k], seed);
    chk_arena_init(&arena, room, room_bytes);
    s->ops->advise(s, &v, box, BOXES);
    CHK_TRY(s->ops->fetch(s, &v, box, BOXES, &arena, &hold, piece, err));
    for (int k = 0; k < BOXES; k++)
        for (int64_t i = box[k].lo[0]; i < box[k].hi[0]; i++)
            for (int64_t j = box[k].lo[1]; j < box[k].hi[1]; j++)
                if (element(&piece[k], i - box[k].lo[0], j - box[k].lo[1]) != i * COLS + j) broken = 1;
    if (chk_hold_failed(&hold)) broken = 1;
    s->ops->release(s, &hold);
    return CHUNK_OK;
}

static chk_source *open_source(const char *name, chunk_error *err)
{
    chk_h5file *f;
    chk_h5set *d;
    chk_source *s;
    if (chk_h5file_open(&f, path, err) != CHUNK_OK) return NULL;
    chunk_status st = chk_h5set_open(&d, f, name, err);
    chk_h5file_release(f);
    if (st != CHUNK_OK) return NULL;
    st = chk_source_h5(&s, d, err);
    chk_h5set_release(d);
    return st == CHUNK_OK ? s : NULL;
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg + 1;
    chunk_error err = {0};
    size_t room_bytes = 16 << 20;
    char *room = malloc(room_bytes);
    for (int r = 0; r < ROUNDS && !broken; r++) {
        chk_source *s = open_source(names[rand_r(&seed) % 3], &err);
        for (int k = 0; s && k < 4; k++)
            if (one_round(s, room, room_bytes, &seed, &err) != CHUNK_OK) broken = 1;
        if (!s) broken = 1;
        chk_source_release(s);
    }
    if (err.text[0]) fprintf(stderr, "%s\n", err.text);
    free(room);
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS];
    snprintf(path, sizeof path, "/tmp/chunk-read-stress-%d.h5", (int)getpid());
    make_file();
    for (size_t k = 0; k < THREADS; k++) pthread_create(&t[k], NULL, work, (void *)k);
    for (size_t k = 0; k < THREADS; k++) pthread_join(t[k], NULL);
    unlink(path);
    puts(broken ? "read_stress: wrong values or errors" : "read_stress: ok");
    return broken;
}
