/* The capturing driver and open files: rules (a) to (l) for capturing as far as a dataset of h5py's cannot show them (test_store_read.py). */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/thread.h"
#include "store/h5.h"
#include "store/h5lock.h"
#include "store/vfd.h"

static char path[64];

static void make_path(void) { snprintf(path, sizeof path, "/tmp/chunk-h5-test-%d.h5", (int)getpid()); }

static void drop_path(void) { unlink(path); }

TestSuite(h5, .init = make_path, .fini = drop_path);

static hid_t create_file(bool latest)
{
    hid_t fapl = chk_vfd_fapl();
    cr_assert_geq(fapl, 0);
    H5Pset_libver_bounds(fapl, latest ? H5F_LIBVER_LATEST : H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    cr_assert_geq(f, 0);
    H5Pclose(fapl);
    return f;
}

/* n chunks of 4 doubles; filled on demand. */
static hid_t create_set(hid_t f, const char *name, hsize_t n, H5D_alloc_time_t when, bool deflate)
{
    hsize_t dim = 4 * n, chunk = 4;
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &dim, NULL);
    H5Pset_chunk(dcpl, 1, &chunk);
    H5Pset_alloc_time(dcpl, when);
    H5Pset_fill_time(dcpl, H5D_FILL_TIME_IFSET);
    if (deflate) H5Pset_deflate(dcpl, 4);
    hid_t d = H5Dcreate2(f, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    cr_assert_geq(d, 0);
    H5Sclose(space);
    H5Pclose(dcpl);
    return d;
}

static int claim(hid_t d, hsize_t k, size_t n_bytes, uint32_t mask, chk_vfd_record *r)
{
    double none[4] = {0};
    hsize_t at = 4 * k;
    chk_vfd_capture_begin();
    herr_t rc = H5Dwrite_chunk(d, H5P_DEFAULT, mask, &at, n_bytes, none);
    int n = chk_vfd_capture_end(r);
    return rc < 0 ? -1 : n;
}

/* Makes a file of one dataset whose chunk k holds 4k, 4k + 1, ... ; every chunk claimed by capture and written beside HDF5. */
static void make_file(hsize_t n)
{
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    hid_t f = create_file(false), d = create_set(f, "x", n, H5D_ALLOC_TIME_INCR, false);
    for (hsize_t k = 0; k < n; k++) {
        chk_vfd_record r;
        double x[4] = {4. * k, 4. * k + 1, 4. * k + 2, 4. * k + 3};
        cr_assert_eq(claim(d, k, sizeof x, 0, &r), 1);
        cr_assert_eq(r.n_bytes, sizeof x);
        cr_assert_eq(pwrite(chk_vfd_fd(f), x, sizeof x, (off_t)r.addr), sizeof x);
    }
    H5Dclose(d);
    cr_assert_geq(H5Fclose(f), 0);
    chk_h5_leave();
}

Test(h5, self_test_passes) { cr_assert(chk_h5_capture_works()); }

Test(h5, captured_writes_only_claim)
{
    make_file(10);
    chunk_error err = {0};
    chk_h5file *f;
    chk_h5set *d;
    double x[40];
    chk_box all = {.ndim = 1, .lo = {0}, .hi = {40}};
    cr_assert_eq(chk_h5file_open(&f, path, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chk_h5set_open(&d, f, "x", &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chk_h5set_read_box(d, &all, x, &err), CHUNK_OK, "%s", err.text);
    for (int i = 0; i < 40; i++) cr_assert_eq(x[i], i);
    cr_assert_eq(chk_h5_slow_bytes(), sizeof x);
    chk_h5set_release(d);
    chk_h5file_release(f);
}

/* Without a captured claim's bytes being written, the file must still be as long as HDF5 thinks, and read as zeros there. */
Test(h5, file_is_as_long_as_what_was_claimed)
{
    struct stat sb;
    chk_vfd_record r;
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    hid_t f = create_file(false), d = create_set(f, "x", 3, H5D_ALLOC_TIME_INCR, false);
    for (hsize_t k = 0; k < 3; k++) cr_assert_eq(claim(d, k, 32, 0, &r), 1);
    H5Dclose(d);
    cr_assert_geq(H5Fclose(f), 0);
    cr_assert_eq(stat(path, &sb), 0);
    cr_assert_geq((uint64_t)sb.st_size, r.addr + r.n_bytes);
    hid_t plain = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT); /* HDF5's own driver checks the length */
    cr_assert_geq(plain, 0);
    H5Fclose(plain);
    chk_h5_leave();
}

/* Rule a: each call one record of the expected size, for filtered chunks of any size too; rule e: nothing is captured outside. */
Test(h5, one_record_a_call)
{
    chk_vfd_record r;
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    hid_t f = create_file(true), d = create_set(f, "x", 64, H5D_ALLOC_TIME_INCR, true);
    for (hsize_t k = 0; k < 64; k++) {
        cr_assert_eq(claim(d, k, 7 + k, k % 2, &r), 1);
        cr_assert_eq(r.n_bytes, 7 + k);
    }
    for (hsize_t k = 0; k < 64; k++) {
        uint32_t mask = 9;
        hsize_t at = 4 * k;
        chk_vfd_capture_begin();
        cr_assert_geq(CHK_H5_READ_CHUNK(d, &at, &mask, &r), 0);
        cr_assert_eq(chk_vfd_capture_end(&r), 1);
        cr_assert_eq(r.n_bytes, 7 + k);
        cr_assert_eq(mask, k % 2);
    }
    cr_assert_geq(H5Fflush(f, H5F_SCOPE_GLOBAL), 0);
    cr_assert_eq(chk_vfd_capture_end(&r), 1, "the flush, which was not captured, changed nothing");
    H5Dclose(d);
    H5Fclose(f);
    chk_h5_leave();
}

/* Rule b: why datasets are made with incremental allocation: with late allocation one claim allocates and fills every chunk. */
Test(h5, late_allocation_is_seen_as_many_records)
{
    chk_vfd_record r;
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    hid_t f = create_file(false), d = create_set(f, "x", 20, H5D_ALLOC_TIME_LATE, false);
    cr_assert_gt(claim(d, 3, 32, 0, &r), 1);
    H5Dclose(d);
    H5Fclose(f);
    chk_h5_leave();
}

/* Rule h: a write that fails is remembered by the file. */
Test(h5, failed_writes_are_remembered)
{
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    hid_t f = create_file(false);
    cr_assert_not(chk_vfd_failed(f));
    chk_fault_arm(CHK_FAULT_WRITE, 1, false);
    H5Fflush(f, H5F_SCOPE_GLOBAL);
    chk_fault_arm(CHK_FAULT_WRITE, 0, false);
    cr_assert(chk_vfd_failed(f));
    cr_assert_neq(chk_vfd_errno(), 0);
    chk_vfd_clear_errno();
    H5Fclose(f);
    f = create_file(false);
    cr_assert_not(chk_vfd_failed(f));
    chk_vfd_set_failed(f);
    cr_assert(chk_vfd_failed(f));
    H5Fclose(f);
    chk_h5_leave();
}

/* Rule j: one file under two names is one file, open once; locks are those of HDF5's own driver. */
Test(h5, files_are_shared_by_inode)
{
    char other[80];
    chk_h5file *a, *b;
    chunk_error err = {0};
    make_file(2);
    snprintf(other, sizeof other, "%s.link", path);
    unlink(other);
    cr_assert_eq(link(path, other), 0);
    cr_assert_eq(chk_h5file_open(&a, path, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chk_h5file_open(&b, other, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(a, b);
    int fd = open(path, O_RDONLY);
    cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), -1, "readers hold a shared lock");
    chk_h5file_release(a);
    chk_h5file_release(b);
    cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0, "and give it back");
    cr_assert_eq(chk_h5file_open(&a, path, &err), CHUNK_EFILE);
    cr_assert(strstr(err.text, "in use"), "%s", err.text);
    close(fd);
    unlink(other);
}

Test(h5, two_names_are_one_file_for_hdf5)
{
    make_file(2);
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    hid_t fapl = chk_vfd_fapl(), a = H5Fopen(path, H5F_ACC_RDONLY, fapl), b = H5Fopen(path, H5F_ACC_RDONLY, fapl);
    cr_assert(a >= 0 && b >= 0);
    cr_assert_eq(chk_vfd_fd(a), chk_vfd_fd(b));
    hid_t plain = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (plain >= 0) cr_assert_eq(chk_vfd_fd(plain), -1, "files of other drivers have no descriptor of ours");
    H5Fclose(plain);
    H5Fclose(a);
    H5Fclose(b);
    H5Pclose(fapl);
    chk_h5_leave();
}

Test(h5, a_file_that_changed_is_not_shared)
{
    chk_h5file *a, *b;
    chunk_error err = {0};
    make_file(2);
    cr_assert_eq(chk_h5file_open(&a, path, &err), CHUNK_OK);
    cr_assert_eq(truncate(path, 100000), 0);
    cr_assert_eq(chk_h5file_open(&b, path, &err), CHUNK_EFILE);
    cr_assert(strstr(err.text, "changed"), "%s", err.text);
    chk_h5file_release(a);
    cr_assert_eq(chk_h5file_open(&b, path, &err), CHUNK_OK, "%s", err.text);
    chk_h5file_release(b);
}

/* Rule l: the host's error printing is off inside and as it was outside. */
static herr_t host_printer(hid_t stack, void *data)
{
    (void)stack;
    ++*(int *)data;
    return 0;
}

Test(h5, error_printing_is_restored)
{
    int printed = 0;
    H5E_auto2_t fn;
    void *data;
    H5Eset_auto2(H5E_DEFAULT, host_printer, &printed);
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    cr_assert_lt(H5Fopen("/nonexistent/file", H5F_ACC_RDONLY, H5P_DEFAULT), 0);
    char why[200];
    cr_assert_neq(chk_h5_reason(why, sizeof why)[0], 0);
    chk_h5_leave();
    cr_assert_eq(printed, 0);
    H5Eget_auto2(H5E_DEFAULT, &fn, &data);
    cr_assert(fn == host_printer && data == &printed);
    cr_assert_lt(H5Fopen("/nonexistent/file", H5F_ACC_RDONLY, H5P_DEFAULT), 0);
    cr_assert_eq(printed, 1);
}

Test(h5, a_forked_child_gets_an_error)
{
    chunk_error err = {0};
    int status;
    chk_h5file *f;
    make_file(2);
    cr_assert_eq(chk_h5file_open(&f, path, &err), CHUNK_OK);
    pid_t child = fork();
    if (child == 0) {
        chk_h5file *g;
        chk_h5file_release(f); /* does nothing, and does not crash */
        _exit(chk_h5file_open(&g, path, &err) == CHUNK_ESTATE && strstr(err.text, "fork") ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    chk_h5file_release(f);
}

/* What chk_h5_fixed_bytes promises, with B-trees large enough to fill the caches. */
Test(h5, fixed_bytes_hold)
{
    enum { FILES = 3, CHUNKS = 60000, BATCH = 500 };
    chk_h5file *f[FILES];
    chk_h5set *d[FILES];
    chunk_error err = {0};
    static int64_t coord[BATCH];
    static chk_extent at[BATCH];
    char names[FILES][sizeof path + 12];
    for (int i = 0; i < FILES; i++) {
        make_file(CHUNKS);
        snprintf(names[i], sizeof names[i], "%s.%d", path, i);
        cr_assert_eq(rename(path, names[i]), 0);
    }
    uint64_t before = chk_self_resident_bytes();
    for (int i = 0; i < FILES; i++) {
        cr_assert_eq(chk_h5file_open(&f[i], names[i], &err), CHUNK_OK, "%s", err.text);
        cr_assert_eq(chk_h5set_open(&d[i], f[i], "x", &err), CHUNK_OK, "%s", err.text);
        for (int64_t k = 0; k < CHUNKS; k += BATCH) {
            for (int j = 0; j < BATCH; j++) coord[j] = (k + j) * 7919 % CHUNKS;
            cr_assert_eq(chk_h5set_locate(d[i], coord, BATCH, at, &err), CHUNK_OK, "%s", err.text);
        }
    }
    uint64_t grown = chk_self_resident_bytes() - before, promised = chk_h5_fixed_bytes(FILES) - chk_h5_fixed_bytes(0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    cr_assert_leq(grown, promised + (1 << 20), "%lu KiB grown, %lu promised", grown >> 10, promised >> 10);
#endif
    for (int i = 0; i < FILES; i++) {
        chk_h5set_release(d[i]);
        chk_h5file_release(f[i]);
        unlink(names[i]);
    }
    (void)grown, (void)promised;
}

/* Of 90 x 90 chunks every 97th is stored: what is known without asking HDF5 is what was written, in both kinds of B-tree. */
static void check_few(bool latest)
{
    enum { SIDE = 90, STEP = 97 };
    hsize_t dim[2] = {2 * SIDE - 1, 2 * SIDE}, chunk[2] = {2, 2}, most[2] = {H5S_UNLIMITED, H5S_UNLIMITED};
    chunk_error err = {0};
    chk_h5file *f;
    chk_h5set *d;
    cr_assert_eq(chk_h5_enter(NULL), CHUNK_OK);
    hid_t file = create_file(latest), space = H5Screate_simple(2, dim, latest ? most : NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(dcpl, 2, chunk);
    hid_t set = H5Dcreate2(file, "x", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    for (hsize_t k = 0; k < SIDE * SIDE; k += STEP) {
        double x[4] = {k, k, k, k};
        cr_assert_geq(H5Dwrite_chunk(set, H5P_DEFAULT, 0, (hsize_t[2]){k / SIDE * 2, k % SIDE * 2}, sizeof x, x), 0);
    }
    H5Pclose(dcpl), H5Sclose(space), H5Dclose(set), H5Fclose(file);
    chk_h5_leave();
    cr_assert_eq(chk_h5file_open(&f, path, &err), CHUNK_OK, "%s", err.text);
    cr_assert_eq(chk_h5set_open(&d, f, "x", &err), CHUNK_OK, "%s", err.text);
    cr_assert_str_eq(chk_h5set_info(d)->index, latest ? "btree2" : "btree1");
    for (int64_t k = 0; k < SIDE * SIDE - 2; k++) {
        chk_extent at[3];
        int64_t coord[3][2];
        for (int j = 0; j < 3; j++) coord[j][0] = (k + j) / SIDE, coord[j][1] = (k + j) % SIDE;
        cr_assert_eq(chk_h5set_locate(d, coord[0], 3, at, &err), CHUNK_OK, "%s", err.text);
        for (int j = 0; j < 3; j++) {
            double x[4];
            cr_assert_eq(at[j].absent, (k + j) % STEP != 0);
            if (at[j].absent) continue;
            cr_assert_eq(at[j].n_bytes, sizeof x);
            cr_assert_eq(pread(chk_h5set_fd(d), x, sizeof x, (off_t)at[j].addr), (ssize_t)sizeof x);
            cr_assert_eq(x[0], k + j);
        }
    }
    chk_h5set_release(d);
    chk_h5file_release(f);
}

Test(h5, few_chunks_of_many) { check_few(false); }
Test(h5, few_chunks_of_many_in_a_newer_file) { check_few(true); }
