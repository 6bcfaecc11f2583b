/* New files, sinks and scratch files: every failing allocation and write in turn leaves no file and no temporary; the rule for chunk shapes;
 * memory sinks against plain loops. What files contain is test_store_write.py's part. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/thread.h"
#include "store/source.h"

/* The address sanitizer keeps freed memory for a while. */
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_IS_OURS = 0 };
#else
enum { MEMORY_IS_OURS = 1 };
#endif

static char folder[64], file[96];

/* The self-test of capturing passes fault points too, and where it fails everything goes another way: so it comes first. */
static void make_folder(void)
{
    cr_assert(chk_h5_capture_works());
    strcpy(folder, "/tmp/chunk-write-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/a.h5", folder);
}

static void remove_folder(void)
{
    unlink(file);
    cr_assert_eq(rmdir(folder), 0, "something was left in %s", folder);
}

static int n_files(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    closedir(d);
    return n;
}

/* Two datasets, with and without filters, and a scalar: everything that a run does with a file. */
static chunk_status write_once(bool overwrite, bool durable, chunk_error *err)
{
    static const char *const names[] = {"/g/a", "/b", "/c"};
    static const char *const filters[] = {"none", "gzip=4,shuffle", "none"};
    chk_shape shape = {2, {6, 5}}, scalar = {0};
    int64_t chunk[2] = {4, 5};
    double data[30], one = 1;
    for (int i = 0; i < 30; i++) data[i] = i + 1;
    chk_h5writer *w;
    CHK_TRY(chk_h5writer_new(&w, file, names, 3, overwrite, err));
    chunk_status st = CHUNK_OK;
    for (int k = 0; k < 3 && st == CHUNK_OK; k++) {
        chk_pipeline p;
        chk_h5out *d;
        chk_sink *s = NULL;
        st = chk_pipeline_parse(&p, filters[k], 8, err);
        if (st == CHUNK_OK)
            st = chk_h5out_new(&d, w, names[k], CHK_F64, k == 2 ? &scalar : &shape, k == 2 ? NULL : chunk, &p, NULL, err);
        if (st == CHUNK_OK) st = k == 2 ? chk_h5out_write_small(d, &one, err) : chk_sink_h5(&s, d, err);
        for (int64_t lo = 0; lo < 6 && st == CHUNK_OK && k < 2; lo += 4) {
            char kept[4096], scratch[4096];
            int64_t hi = lo + 4 < 6 ? lo + 4 : 6;
            chk_block b = {.box = {2, {lo, 0}, {hi, 5}}, .data = data + lo * 5, .n_bytes = (size_t)(hi - lo) * 40};
            if (s->ops->encode != NULL) st = s->ops->encode(s, &b, kept, sizeof kept, scratch, sizeof scratch, err);
            if (st == CHUNK_OK) st = s->ops->claim(s, &b, err);
            if (st == CHUNK_OK) st = s->ops->write(s, &b, err);
        }
        chk_sink_free(s);
    }
    if (st == CHUNK_OK) return chk_h5writer_commit(w, durable, err);
    chk_h5writer_abort(w);
    return st;
}

/* Fails the n-th site, n = 1, 2, ..., until a run passes untouched. */
static void fail_each(chk_fault_kind kind, bool persistent, bool durable)
{
    for (uint64_t n = 1;; n++) {
        cr_assert(n < 1000);
        chunk_error err = {0};
        chk_codec_thread_done();
        chk_fault_arm(kind, n, persistent);
        chunk_status st = write_once(false, durable, &err);
        bool hit = chk_fault_count(kind) >= n;
        chk_fault_arm(kind, 0, false);
        if (!hit) {
            cr_assert_eq(st, CHUNK_OK);
            cr_assert_eq(n_files(), 1);
            unlink(file);
            cr_assert(n > 10, "%d sites are too few to be all", (int)n);
            return;
        }
        /* HDF5 opens a file in two tries, so that one failing allocation may be survived */
        if (st == CHUNK_OK && kind == CHK_FAULT_ALLOC && !persistent) {
            cr_assert_eq(n_files(), 1);
            unlink(file);
            continue;
        }
        /* waiting for the folder comes after the rename, and its message says that the file is there */
        bool in_place = strstr(err.text, "written, but its name") != NULL;
        cr_assert(st != CHUNK_OK && err.text[0] != '\0' && err.code == st, "site %d: %d %s", (int)n, st, err.text);
        cr_assert_eq(n_files(), in_place ? 1 : 0, "site %d: %s", (int)n, err.text);
        if (in_place) unlink(file);
    }
}

Test(h5writer, each_write_fails_once, .init = make_folder, .fini = remove_folder)
{
    fail_each(CHK_FAULT_WRITE, false, false);
    fail_each(CHK_FAULT_WRITE, true, false);
    fail_each(CHK_FAULT_WRITE, false, true);
}

Test(h5writer, each_allocation_fails_once, .init = make_folder, .fini = remove_folder)
{
    fail_each(CHK_FAULT_ALLOC, false, false);
    fail_each(CHK_FAULT_ALLOC, true, false);
}

/* What was there stays, bit for bit, whatever fails on the way to replacing it. */
Test(h5writer, failing_overwrites_keep_the_old_file, .init = make_folder, .fini = remove_folder)
{
    chunk_error err = {0};
    cr_assert_eq(write_once(false, false, &err), CHUNK_OK, "%s", err.text);
    struct stat before, now;
    cr_assert_eq(stat(file, &before), 0);
    static const chk_fault_kind kinds[] = {CHK_FAULT_READ, CHK_FAULT_WRITE, CHK_FAULT_ALLOC};
    for (int k = 0; k < 3; k++) {
        for (uint64_t n = 1;; n++) {
            chk_codec_thread_done();
            chk_fault_arm(kinds[k], n, false);
            chunk_status st = write_once(true, false, &err);
            bool hit = chk_fault_count(kinds[k]) >= n;
            chk_fault_arm(kinds[k], 0, false);
            cr_assert_eq(stat(file, &now), 0);
            cr_assert_eq(n_files(), 1);
            if (st == CHUNK_OK) {
                before = now;
                if (!hit) break;
            }
            cr_assert_eq(now.st_ino, before.st_ino);
            cr_assert_eq(now.st_size, before.st_size);
        }
    }
}

Test(h5writer, appearing_files_are_not_replaced, .init = make_folder, .fini = remove_folder)
{
    static const char *const names[] = {"/x"};
    chk_h5writer *w;
    chunk_error err = {0};
    cr_assert_eq(chk_h5writer_new(&w, file, names, 1, true, &err), CHUNK_OK);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    cr_assert_eq(chk_h5writer_commit(w, false, &err), CHUNK_EEXIST);
    cr_assert_not_null(strstr(err.text, "appeared"));
    struct stat sb;
    cr_assert_eq(stat(file, &sb), 0);
    cr_assert_eq(sb.st_size, 0);
    cr_assert_eq(n_files(), 1);
}

static void make_folder_without_capture(void)
{
    chk_fault_arm(CHK_FAULT_WRITE, 1, true);
    cr_assert(!chk_h5_capture_works());
    chk_fault_arm(CHK_FAULT_WRITE, 0, false);
    strcpy(folder, "/tmp/chunk-write-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/a.h5", folder);
}

/* With an HDF5 that capturing does not work with, chunks are found in the index instead. */
Test(h5writer, without_capture, .init = make_folder_without_capture, .fini = remove_folder)
{
    chunk_error err = {0};
    chk_h5file *f;
    cr_assert_eq(write_once(false, false, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chk_h5file_open(&f, file, &err), CHUNK_OK, "%s", err.text);
    static const char *const names[] = {"/g/a", "/b"};
    for (int k = 0; k < 2; k++) {
        chk_h5set *d;
        double data[30];
        chk_box all = {2, {0, 0}, {6, 5}};
        cr_assert_eq(chk_h5set_open(&d, f, names[k], &err), CHUNK_OK, "%s", err.text);
        cr_assert_eq(chk_h5set_read_box(d, &all, data, &err), CHUNK_OK, "%s", err.text);
        for (int i = 0; i < 30; i++) cr_assert_eq(data[i], i + 1);
        chk_h5set_release(d);
    }
    chk_h5file_release(f);
    unlink(file);
    fail_each(CHK_FAULT_WRITE, false, false);
}

/* A child made by fork must not take the parent's file away. */
Test(h5writer, children_leave_the_file_alone, .init = make_folder, .fini = remove_folder)
{
    static const char *const names[] = {"/x"};
    chk_h5writer *w;
    chunk_error err = {0};
    cr_assert_eq(chk_h5writer_new(&w, file, names, 1, false, &err), CHUNK_OK);
    pid_t child = fork();
    if (child == 0) {
        chk_h5writer_abort(w);
        _exit(0);
    }

    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(n_files(), 1);
    cr_assert_eq(chk_h5writer_commit(w, false, &err), CHUNK_OK, "%s", err.text);
}

static uint64_t resident_after(chk_h5out *d, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        uint64_t addr;
        cr_assert_eq(chk_h5out_claim(d, &i, 0, (uint64_t)(300000 + i % 7), &addr, NULL), CHUNK_OK);
    }
    return chk_self_resident_bytes();
}

/* Page-aligned chunks once cost 230 bytes of HDF5's memory each, for the gaps between them: 22 MiB for 100,000 chunks, under no ceiling. */
Test(h5writer, placing_chunks_costs_no_memory)
{
    if (!MEMORY_IS_OURS) cr_skip_test("resident memory says nothing under the address sanitizer");
    make_folder();
    static const char *const names[] = {"/x"};
    chk_h5writer *w;
    chk_h5out *d;
    chk_pipeline p;
    chk_shape shape = {1, {(int64_t)100000 * 40000}};
    int64_t chunk[1] = {40000};
    cr_assert_eq(chk_pipeline_parse(&p, "lz4", 8, NULL), CHUNK_OK);
    cr_assert_eq(chk_h5writer_new(&w, file, names, 1, false, NULL), CHUNK_OK);
    cr_assert_eq(chk_h5out_new(&d, w, "/x", CHK_F64, &shape, chunk, &p, NULL, NULL), CHUNK_OK);
    uint64_t early = resident_after(d, 0, 30000), late = resident_after(d, 30000, 100000);
    cr_assert(late < early + (2 << 20), "%llu KiB more", (unsigned long long)(late - early) >> 10);
    chk_h5writer_abort(w);
    remove_folder();
}

Test(h5writer, chunk_rule)
{
    static const struct {
        chk_shape shape;
        int item;
        int64_t chunk[4];
    } cases[] = {
        {{1, {100}}, 8, {100}},
        {{2, {16384, 16384}}, 8, {357, 357}},
        {{2, {0, 5}}, 8, {1, 5}},
        {{3, {1, 1 << 20, 1}}, 1, {1, 1 << 20, 1}},
        {{1, {(1 << 20) + 1}}, 1, {(1 << 19) + 1}},
        {{2, {INT64_MAX / 4, 2}}, 4, {262144, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t chunk[CHK_MAX_NDIM], n = 1;
        chk_h5_choose_chunk(chunk, &cases[i].shape, (size_t)cases[i].item);
        for (int a = 0; a < cases[i].shape.ndim; a++) {
            n *= chunk[a];
            if (i != 5) cr_assert_eq(chunk[a], cases[i].chunk[a], "case %zu axis %d: %lld", i, a, (long long)chunk[a]);
        }
        cr_assert(n * cases[i].item <= 1 << 20 && n >= 1);
    }
}

/* Any strides, negative and zero extents included, against one element at a time. */
Test(sink, memory_strides)
{
    enum { A = 4, B = 5, C = 3, N = A * B * C };
    static const int64_t strides[][3] = {{15, 3, 1}, {1, 4, 20}, {5, 1, 20}, {-15, 3, 1}, {15, -3, -1}, {30, 6, 2}, {3, 12, 1}};
    static const chk_dtype dtypes[] = {CHK_U8, CHK_F16, CHK_I32, CHK_F64, CHK_C128};
    for (size_t t = 0; t < 5; t++) {
        size_t item = chk_dtype_size(dtypes[t]);
        for (size_t k = 0; k < sizeof strides / sizeof *strides; k++) {
            char *mem = calloc(8 * N, item), *want = calloc(8 * N, item), in[N * 16];
            int64_t bytes[3];
            for (int a = 0; a < 3; a++) bytes[a] = strides[k][a] * (int64_t)item;
            chk_sink *s;
            chk_shape shape = {3, {A, B, C}};
            char *base = mem + 4 * N * item;
            cr_assert_eq(chk_sink_memory(&s, base, dtypes[t], &shape, bytes, NULL), CHUNK_OK);
            for (unsigned i = 0; i < sizeof in; i++) in[i] = (char)(i * 7 + 1);
            static const chk_box boxes[] = {
                {3, {0, 0, 0}, {A, B, C}}, {3, {1, 2, 0}, {3, 5, 3}}, {3, {0, 1, 1}, {4, 2, 2}}, {3, {2, 0, 0}, {2, 5, 3}}};
            for (int x = 3; x >= 0; x--) {
                chk_block b = {.box = boxes[x], .data = in};
                cr_assert_eq(s->ops->write(s, &b, NULL), CHUNK_OK);
                size_t at = 0;
                for (int64_t i = boxes[x].lo[0]; i < boxes[x].hi[0]; i++)
                    for (int64_t j = boxes[x].lo[1]; j < boxes[x].hi[1]; j++)
                        for (int64_t l = boxes[x].lo[2]; l < boxes[x].hi[2]; l++)
                            memcpy(want + 4 * N * item + (i * bytes[0] + j * bytes[1] + l * bytes[2]), in + item * at++, item);
                cr_assert_arr_eq(mem, want, 8 * N * item);
            }
            chk_sink_free(s);
            free(mem);
            free(want);
        }
    }
}

static int n_called;
static int take(void *user, const int64_t *lo, const int64_t *hi, const void *data)
{
    n_called++;
    return (int)(hi[0] - lo[0]) + *(const uint8_t *)data == 7 ? 0 : *(int *)user;
}

Test(sink, callback)
{
    chk_shape shape = {1, {10}};
    int64_t chunk[1] = {4}, none[1] = {0};
    int user = 42;
    chk_sink *s;
    chunk_error err = {0};
    cr_assert_eq(chk_sink_callback(&s, take, &user, CHK_U8, &shape, none, true, &err), CHUNK_EINVAL);
    cr_assert_eq(chk_sink_callback(&s, take, &user, CHK_U8, &shape, chunk, false, &err), CHUNK_OK);
    cr_assert(s->whole_chunks && s->ordered && !s->thread_safe);
    uint8_t data[4] = {3};
    chk_block b = {.box = {1, {4}, {8}}, .data = data};
    cr_assert_eq(s->ops->write(s, &b, &err), CHUNK_OK);
    data[0] = 4;
    cr_assert_eq(s->ops->write(s, &b, &err), CHUNK_EUSER);
    cr_assert_not_null(strstr(err.text, "42"));
    cr_assert_eq(n_called, 2);
    chk_sink_free(s);
}

Test(scratch, regions, .init = make_folder, .fini = remove_folder)
{
    chk_scratch *s;
    chunk_error err = {0};
    cr_assert_eq(chk_scratch_new(&s, folder, true, 0, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(n_files(), 0);
    uint64_t a = chk_scratch_reserve(s, 10), b = chk_scratch_reserve(s, 4097), c = chk_scratch_reserve(s, 1);
    cr_assert(a == 0 && b == 4096 && c == 3 * 4096);
    char in[4097], out[4097];
    memset(in, 'x', sizeof in);
    cr_assert_eq(chk_scratch_write(s, in, sizeof in, b, &err), CHUNK_OK);
    cr_assert_eq(chk_scratch_read(s, out, sizeof out, b, &err), CHUNK_OK);
    cr_assert_arr_eq(in, out, sizeof in);
    cr_assert_eq(chk_scratch_read(s, out, 1, c, &err), CHUNK_EFILE);
    chk_fault_arm(CHK_FAULT_WRITE, 1, false);
    cr_assert_eq(chk_scratch_write(s, in, 1, c, &err), CHUNK_EFILE);
    chk_fault_arm(CHK_FAULT_READ, 1, false);
    cr_assert_eq(chk_scratch_read(s, out, 1, a, &err), CHUNK_EFILE);
    chk_fault_arm(CHK_FAULT_READ, 0, false);
    chk_fault_arm(CHK_FAULT_WRITE, 0, false);
    cr_assert_eq(fcntl(chk_scratch_fd(s), F_GETFD), FD_CLOEXEC);
    chk_scratch_free(s);
}

Test(scratch, places, .init = make_folder, .fini = remove_folder)
{
    chk_scratch *s;
    chunk_error err = {0};
    cr_assert_eq(chk_scratch_new(&s, folder, true, UINT64_MAX, &err), CHUNK_ENOSPC);
    cr_assert_not_null(strstr(err.text, "16 EiB"), "%s", err.text);
    cr_assert_eq(chk_scratch_new(&s, "/no/such/folder", true, 0, &err), CHUNK_EFILE);
    if (access("/dev/shm", W_OK) == 0) {
        cr_assert_eq(chk_scratch_new(&s, "/dev/shm", false, 0, &err), CHUNK_EINVAL);
        cr_assert_not_null(strstr(err.text, "tmpfs"), "%s", err.text);
        cr_assert_eq(chk_scratch_new(&s, "/dev/shm", true, 0, &err), CHUNK_OK);
        chk_scratch_free(s);
    }
    for (uint64_t n = 1; n < 4; n++) {
        chk_fault_arm(CHK_FAULT_ALLOC, n, false);
        chunk_status st = chk_scratch_new(&s, folder, true, 0, &err);
        chk_fault_arm(CHK_FAULT_ALLOC, 0, false);
        cr_assert_eq(st, n <= 2 ? CHUNK_ENOMEM : CHUNK_OK);
        if (st == CHUNK_OK) chk_scratch_free(s);
    }
}
