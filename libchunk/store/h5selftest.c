/* The once-a-process proof that capturing works with the HDF5 that is loaded: for every chunk index it has, a small dataset is written and
 * read back both ways, in one file in memory (each file that HDF5 opens costs it 1 MiB of tables). If anything differs, all data goes through H5Dread and
 * H5Dwrite. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/h5.h"
#include "store/h5lock.h"
#include "store/vfd.h"

enum { ROWS = 6, COLS = 4, CHUNK_ROWS = 2, CHUNK_COLS = 2 };

typedef struct form {
    bool latest;           /* file format: indexes other than the version 1 B-tree */
    bool one_chunk, early; /* single chunk index; implicit index */
    int n_unlimited;       /* 0 fixed array, 1 extensible array, 2 version 2 B-tree */
} form;

static const form forms[] = {{false, false, false, 0}, {true, true, false, 0},  {true, false, true, 0},
                             {true, false, false, 0},  {true, false, false, 1}, {true, false, false, 2}};

static void chunk_shape(hsize_t chunk[2], const form *f)
{
    chunk[0] = f->one_chunk ? ROWS : CHUNK_ROWS;
    chunk[1] = f->one_chunk ? COLS : CHUNK_COLS;
}

/* The numbers 1, 2, ... in the order of the array; one chunk of them, dense. Returns its bytes. */
static size_t make_chunk(int *out, const hsize_t at[2], const hsize_t chunk[2])
{
    size_t n = 0;
    for (hsize_t i = at[0]; i < at[0] + chunk[0]; i++)
        for (hsize_t j = at[1]; j < at[1] + chunk[1]; j++) out[n++] = (int)(i * COLS + j + 1);
    return n * sizeof *out;
}

static hid_t create_set(hid_t file, const char *name, const form *f)
{
    hsize_t dim[2] = {ROWS, COLS}, max[2] = {ROWS, COLS}, chunk[2];
    chunk_shape(chunk, f);
    for (int a = 0; a < f->n_unlimited; a++) max[a] = H5S_UNLIMITED;
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dim, max);
    H5Pset_chunk(dcpl, 2, chunk);
    H5Pset_alloc_time(dcpl, f->early ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_INCR);
    H5Pset_fill_time(dcpl, H5D_FILL_TIME_IFSET);
    hid_t set = H5Dcreate2(file, name, H5T_NATIVE_INT, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Sclose(space);
    H5Pclose(dcpl);
    return set;
}

/* Enters every chunk by capture and writes its bytes beside HDF5. Early allocation already has its chunks: overwritten in place. */
static bool write_chunks(hid_t set, int fd, const form *f)
{
    int data[ROWS * COLS];
    hsize_t chunk[2], at[2];
    chunk_shape(chunk, f);
    for (at[0] = 0; at[0] < ROWS; at[0] += chunk[0])
        for (at[1] = 0; at[1] < COLS; at[1] += chunk[1]) {
            chk_vfd_record r;
            size_t n_bytes = make_chunk(data, at, chunk);
            chk_vfd_capture_begin();
            herr_t rc = H5Dwrite_chunk(set, H5P_DEFAULT, 0, at, n_bytes, data);
            if (chk_vfd_capture_end(&r) != 1 || rc < 0 || r.n_bytes != n_bytes) return false;
            if (pwrite(fd, data, n_bytes, (off_t)r.addr) != (ssize_t)n_bytes) return false;
        }
    return true;
}

static bool read_chunks(hid_t set, int fd, const form *f)
{
    int want[ROWS * COLS], got[ROWS * COLS];
    hsize_t chunk[2], at[2];
    chunk_shape(chunk, f);
    for (at[0] = 0; at[0] < ROWS; at[0] += chunk[0])
        for (at[1] = 0; at[1] < COLS; at[1] += chunk[1]) {
            chk_vfd_record r;
            uint32_t mask = 1;
            size_t n_bytes = make_chunk(want, at, chunk);
            memset(got, 0, sizeof got);
            chk_vfd_capture_begin();
            herr_t rc = CHK_H5_READ_CHUNK(set, at, &mask, got);
            if (chk_vfd_capture_end(&r) != 1 || rc < 0 || r.n_bytes != n_bytes || mask != 0 || got[0] != 0) return false;
            if (pread(fd, got, n_bytes, (off_t)r.addr) != (ssize_t)n_bytes || memcmp(got, want, n_bytes) != 0) return false;
        }
    int whole[ROWS * COLS] = {0};
    if (H5Dread(set, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, whole) < 0) return false;
    for (int i = 0; i < ROWS * COLS; i++)
        if (whole[i] != i + 1) return false;
    return true;
}

enum { N_FORMS = sizeof forms / sizeof *forms };

static void set_name(char name[8], int i) { snprintf(name, 8, "%d", i); }

static bool write_form(hid_t file, int i)
{
    char name[8];
    set_name(name, i);
    if (H5Fset_libver_bounds(file, forms[i].latest ? H5F_LIBVER_LATEST : H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0) return false;
    hid_t set = create_set(file, name, &forms[i]);
    if (set < 0) return false;
    bool ok = write_chunks(set, chk_vfd_fd(file), &forms[i]);
    return H5Dclose(set) >= 0 && ok;
}

static bool read_form(hid_t file, int fd, int i)
{
    char name[8];
    set_name(name, i);
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    if (set < 0) return false;
    bool ok = read_chunks(set, fd, &forms[i]);
    return H5Dclose(set) >= 0 && ok;
}

static bool test_forms(hid_t fapl, const char *name, int fd)
{
    hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    if (file < 0) return false;
    bool ok = true;
    for (int i = 0; i < N_FORMS && ok; i++) ok = write_form(file, i);
    ok &= H5Fclose(file) >= 0;
    if (!ok || (file = H5Fopen(name, H5F_ACC_RDONLY, fapl)) < 0) return false;
    for (int i = 0; i < N_FORMS && ok; i++) ok = read_form(file, fd, i);
    return H5Fclose(file) >= 0 && ok;
}

static bool works;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void test_all(void)
{
    char name[32];
    if (chk_h5_enter(NULL) != CHUNK_OK) return;
    int fd = memfd_create("chunk-selftest", MFD_CLOEXEC);
    hid_t fapl = chk_vfd_fapl();
    bool ok = fd >= 0 && fapl >= 0;
    snprintf(name, sizeof name, "fd:%d", fd);
    ok = ok && test_forms(fapl, name, fd);
    if (fapl >= 0) H5Pclose(fapl);
    if (fd >= 0) close(fd);
    H5garbage_collect();
    chk_h5_leave();
    works = ok;
}

bool chk_h5_capture_works(void)
{
    pthread_once(&once, test_all);
    return works;
}
