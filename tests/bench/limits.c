/* limits [-t THREADS] WHAT ...: what this machine gives, measured in the same run as the rows of the benchmark. Knows nothing of libchunk.
 *
 *     window FILE                  page cache through mapped windows of 4 MiB, summed
 *     work FILE BYTES              page cache through mapped windows, with arithmetic that takes about as long as a sine of every other element
 *     pread FILE                   page cache by preads of 128 KiB into a buffer that stays in L2
 *     write FILE BYTES             page-cache pwrites of 512 KiB of new pages, from a hot buffer, one file (removed)
 *     copy FILE N TO BYTES         N reads of BYTES each, and BYTES of new pages written, one file (removed): pieces of 512 KiB on every core, by preads and from
 *                                  mapped windows, the faster
 *     device FILE FIRST BYTES      best sequential read rate of the device, over three ways, each on its own third of the range
 *     decode CODEC FILE LIST RAW   gzip, zstd or lz4 (Bitshuffle's container): the codec alone over stored chunks
 *     encode CODEC FILE LIST RAW   gzip (shuffled, level 4) or lz4: the codec alone over uncompressed chunks of float64
 *     pages FILE LIST              preads of the pieces listed
 *
 * LIST holds lines "offset bytes". Prints one line of JSON. Every figure is seconds and bytes for the whole of the work. */
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <lz4.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum { MAX_THREADS = 256, MIB = 1 << 20 };

typedef struct job {
    const char *codec;
    int fd, to, n_in;
    int64_t first, bytes, piece; /* a range of the file in pieces, or */
    const int64_t (*list)[2];    /* n pieces: offset and bytes */
    int64_t n, raw;
    int (*step)(struct job *j, int64_t i, char *buffer, double *spent);
    size_t buffer_bytes;
    atomic_llong next, done, failed;
    double spent[MAX_THREADS]; /* seconds inside the codec, one entry a thread */
} job;

typedef struct seat {
    job *j;
    int i;
} seat;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void *work(void *arg)
{
    seat *s = arg;
    job *j = s->j;
    char *buffer = mmap(NULL, j->buffer_bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (buffer == MAP_FAILED) die("mmap");
    for (int64_t i; (i = atomic_fetch_add(&j->next, 1)) < j->n;) {
        if (j->step(j, i, buffer, &j->spent[s->i])) atomic_fetch_add(&j->failed, 1);
    }
    munmap(buffer, j->buffer_bytes + 4096);
    return NULL;
}

/* Runs all steps on n threads; the wall seconds. */
static double run(job *j, int n_threads)
{
    pthread_t ids[MAX_THREADS];
    seat seats[MAX_THREADS];
    atomic_store(&j->next, 0);
    double start = now();
    for (int i = 0; i < n_threads; i++) {
        seats[i] = (seat){j, i};
        if (pthread_create(&ids[i], NULL, work, &seats[i])) die("pthread_create");
    }
    for (int i = 0; i < n_threads; i++) pthread_join(ids[i], NULL);
    double seconds = now() - start;
    if (atomic_load(&j->failed)) {
        fprintf(stderr, "limits: %lld of %lld pieces failed\n", (long long)atomic_load(&j->failed), (long long)j->n);
        exit(1);
    }
    return seconds;
}

static int pread_all(int fd, char *to, int64_t n, int64_t at)
{
    while (n > 0) {
        ssize_t got = pread(fd, to, (size_t)n, at);
        if (got <= 0) return -1;
        to += got, n -= got, at += got;
    }
    return 0;
}

/* ---- reading */

static volatile double sink; /* keeps the sums from being dropped */

/* A touched page brings those around it: cheaper than MAP_POPULATE, which goes page by page. */
static const double *map(job *j, int64_t i, int64_t *n)
{
    int64_t at = i * j->piece;
    *n = j->bytes - at < j->piece ? j->bytes - at : j->piece;
    const char *p = mmap(NULL, (size_t)*n, PROT_READ, MAP_SHARED, j->fd, at);
    if (p == MAP_FAILED) return NULL;
    for (int64_t k = 0; k < *n; k += 16 * 4096) (void)*(const volatile char *)(p + k);
    return (const double *)(const void *)p;
}

static int step_window(job *j, int64_t i, char *buffer, double *spent)
{
    (void)buffer, (void)spent;
    int64_t n;
    const double *p = map(j, i, &n);
    if (!p) return -1;
    double s[16] = {0};
    for (int64_t k = 0; k + 16 <= n / 8; k += 16)
        for (int l = 0; l < 16; l++) s[l] += p[k + l];
    for (int l = 1; l < 16; l++) s[0] += s[l];
    sink = s[0];
    return munmap((void *)p, (size_t)n);
}

/* The same with a polynomial of each element, of so many terms that it takes about as long as a sine of every other one: what a second thread brings here
 * is what this machine lets it bring (memory, caches, and what other machines leave of the cores). */
static int step_work(job *j, int64_t i, char *buffer, double *spent)
{
    typedef double lanes __attribute__((vector_size(64)));
    enum { LANES = 8, TERMS = 3, ABREAST = 4 };
    (void)buffer, (void)spent;
    int64_t n;
    const double *p = map(j, i, &n);
    if (!p) return -1;
    lanes s = {0};
    for (int64_t k = 0; k + ABREAST * LANES <= n / 8; k += ABREAST * LANES) {
        lanes x[ABREAST], y[ABREAST] = {0};
        memcpy(x, p + k, sizeof x);
        for (int t = 0; t < TERMS; t++)
            for (int l = 0; l < ABREAST; l++) y[l] = y[l] * x[l] + 0.5;
        for (int l = 0; l < ABREAST; l++) s += y[l];
    }
    sink = s[0];
    return munmap((void *)p, (size_t)n);
}

static int step_pread(job *j, int64_t i, char *buffer, double *spent)
{
    (void)spent;
    int64_t at = j->first + i * j->piece, end = j->first + j->bytes, n = end - at < j->piece ? end - at : j->piece;
    return pread_all(j->fd, buffer, n, at);
}

static int step_listed(job *j, int64_t i, char *buffer, double *spent)
{
    (void)spent;
    return pread_all(j->fd, buffer, j->list[i][1], j->list[i][0]);
}

/* ---- codecs: reading the piece is outside `spent` */

static int step_decode(job *j, int64_t i, char *buffer, double *spent)
{
    int64_t n = j->list[i][1];
    char *in = buffer, *out = buffer + 2 * j->raw;
    if (n > 2 * j->raw || pread_all(j->fd, in, n, j->list[i][0])) return -1;
    double start = now();
    int bad = 0;
    if (!strcmp(j->codec, "gzip")) {
        static _Thread_local struct libdeflate_decompressor *d;
        if (!d) d = libdeflate_alloc_decompressor();
        bad = !d || libdeflate_zlib_decompress(d, in, (size_t)n, out, (size_t)j->raw, NULL) != LIBDEFLATE_SUCCESS;
    } else if (!strcmp(j->codec, "zstd")) {
        static _Thread_local ZSTD_DCtx *d;
        if (!d) d = ZSTD_createDCtx();
        bad = !d || ZSTD_decompressDCtx(d, out, (size_t)j->raw, in, (size_t)n) != (size_t)j->raw;
    } else { /* 8 bytes of size, 4 of block size, then blocks of 4 bytes of length and LZ4; big endian */
        const unsigned char *p = (unsigned char *)in + 12, *end = (unsigned char *)in + n;
        int64_t block = (int64_t)((unsigned char)in[8] << 24 | (unsigned char)in[9] << 16 | (unsigned char)in[10] << 8 |
                                  (unsigned char)in[11]),
                got = 0;
        while (got < j->raw && !bad && p + 4 <= end) {
            int size = p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3], want = (int)(j->raw - got < block ? j->raw - got : block);
            bad = size > end - p - 4 || LZ4_decompress_safe((char *)p + 4, out + got, size, want) != want;
            p += 4 + size;
            got += want;
        }
        bad = bad || got < j->raw;
    }
    *spent += now() - start;
    atomic_fetch_add(&j->done, j->raw);
    return bad ? -1 : 0;
}

static int step_encode(job *j, int64_t i, char *buffer, double *spent)
{
    char *in = buffer, *planes = buffer + j->raw, *out = buffer + 2 * j->raw;
    int64_t n = j->raw / 8, size;
    if (pread_all(j->fd, in, j->raw, j->list[i][0])) return -1;
    double start;
    if (!strcmp(j->codec, "gzip")) {
        static _Thread_local struct libdeflate_compressor *c;
        if (!c) c = libdeflate_alloc_compressor(4);
        for (int64_t k = 0; k < n; k++)
            for (int b = 0; b < 8; b++) planes[b * n + k] = in[8 * k + b];
        start = now();
        size = c ? (int64_t)libdeflate_zlib_compress(c, planes, (size_t)j->raw, out, (size_t)(2 * j->raw)) : 0;
    } else {
        start = now();
        size = LZ4_compress_default(in, out, (int)j->raw, (int)(2 * j->raw));
    }
    *spent += now() - start;
    atomic_fetch_add(&j->done, size);
    return size > 0 ? 0 : -1;
}

static int64_t (*read_list(const char *path, int64_t *n))[2]
{
    FILE *f = fopen(path, "r");
    if (!f) die(path);
    int64_t room = 1024, (*list)[2] = malloc((size_t)room * sizeof *list);
    long long at, bytes;
    for (*n = 0; fscanf(f, "%lld %lld", &at, &bytes) == 2; ++*n) {
        if (*n == room) list = realloc(list, (size_t)(room *= 2) * sizeof *list);
        if (!list) die("realloc");
        list[*n][0] = at;
        list[*n][1] = bytes;
    }
    fclose(f);
    return list;
}

/* ---- the device: pages of the range must not be in the cache, or only O_DIRECT tells the truth. Halves of the range past the cache; all of it through the cache,
 * as pages for so much must be found in the run that is compared, too: a virtual machine may have to ask its host for them (6 GiB: 1.4 GB/s, a third of it: 2.0). */

static void device(const char *path, int64_t first, int64_t bytes)
{
    static const struct {
        const char *name;
        int flags, n_threads;
        int64_t piece;
    } ways[] = {
        {"direct, 4 x 1 MiB", O_DIRECT, 4, MIB}, {"direct, 8 x 4 MiB", O_DIRECT, 8, 4 * MIB}, {"buffered, 2 x 1 MiB", 0, 2, MIB}};
    const char *best = "";
    double rate = 0;
    int64_t half = bytes / 2 / (4 * MIB) * (4 * MIB);
    for (int w = 0; w < 3 && half > 0; w++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | ways[w].flags);
        if (fd < 0) continue; /* a file system without O_DIRECT */
        bool direct = ways[w].flags & O_DIRECT;
        int64_t n_bytes = direct ? half : 2 * half;
        job j = {.fd = fd,
                 .first = first / 4096 * 4096 + (w == 1 ? half : 0),
                 .bytes = n_bytes,
                 .piece = ways[w].piece,
                 .step = step_pread,
                 .buffer_bytes = 4 * MIB};
        j.n = n_bytes / j.piece;
        posix_fadvise(fd, j.first, n_bytes, POSIX_FADV_DONTNEED);
        double seconds = run(&j, ways[w].n_threads);
        if ((double)n_bytes / seconds > rate) rate = (double)n_bytes / seconds, best = ways[w].name;
        posix_fadvise(fd, j.first, n_bytes, POSIX_FADV_DONTNEED);
        close(fd);
    }
    printf("{\"bytes_per_s\": %.0f, \"way\": \"%s\"}\n", rate, best);
}

/* ---- what is printed */

static void print_range(double seconds, int64_t bytes)
{
    printf("{\"seconds\": %.6f, \"bytes\": %lld}\n", seconds, (long long)bytes);
}

/* The faster of two runs. Disk space is allocated first, and pieces begin where large pages do: 2 GiB in 0.20 s where memory is at hand, 0.25 s from 4 KiB on. (Memory that
 * the host has to bring back first costs more than either: 0.4 to 3.3 s.) */
static void write_new(const char *path, int64_t bytes)
{
    enum { PIECE = MIB / 2, FIRST = 2 * MIB };
    char *buffer = malloc(PIECE);
    if (!buffer) die(path);
    memset(buffer, 0x5a, PIECE);
    double seconds = 1e300;
    for (int i = 0; i < 2; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0) die(path);
        double start = now();
        if (fallocate(fd, 0, 0, FIRST + bytes) != 0 && errno != EOPNOTSUPP) die("fallocate");
        for (int64_t at = 0; at < bytes; at += PIECE)
            if (pwrite(fd, buffer, PIECE, FIRST + at) != PIECE) die("pwrite");
        double took = now() - start;
        if (took < seconds) seconds = took;
        close(fd);
        unlink(path);
    }
    free(buffer);
    print_range(seconds, bytes);
}

/* ---- reading and writing together */

enum { COPY_PIECE = MIB / 2, COPY_FIRST = 2 * MIB };

static int step_copy_pread(job *j, int64_t i, char *buffer, double *spent)
{
    (void)spent;
    for (int k = 0; k < j->n_in; k++)
        if (pread_all(j->fd, buffer, COPY_PIECE, k * j->bytes + i * COPY_PIECE)) return -1;
    return pwrite(j->to, buffer, COPY_PIECE, COPY_FIRST + i * COPY_PIECE) == COPY_PIECE ? 0 : -1;
}

/* A piece is a window's worth of pieces: windows are 4 MiB, writes 512 KiB. */
static int step_copy_window(job *j, int64_t i, char *buffer, double *spent)
{
    (void)buffer, (void)spent;
    int64_t n = j->bytes - i * j->piece < j->piece ? j->bytes - i * j->piece : j->piece;
    const char *p[8];
    for (int k = 0; k < j->n_in; k++) {
        p[k] = mmap(NULL, (size_t)n, PROT_READ, MAP_SHARED, j->fd, k * j->bytes + i * j->piece);
        if (p[k] == MAP_FAILED) return -1;
        for (int64_t at = 0; at < n; at += 16 * 4096) (void)*(const volatile char *)(p[k] + at);
    }
    for (int64_t at = 0; at < n; at += COPY_PIECE) {
        for (int k = 1; k < j->n_in; k++) {
            const double *x = (const double *)(const void *)(p[k] + at);
            double s[16] = {0};
            for (int64_t e = 0; e < COPY_PIECE / 8; e += 16)
                for (int l = 0; l < 16; l++) s[l] += x[e + l];
            for (int l = 1; l < 16; l++) s[0] += s[l];
            sink = s[0];
        }
        if (pwrite(j->to, p[0] + at, COPY_PIECE, COPY_FIRST + i * j->piece + at) != COPY_PIECE) return -1;
    }
    for (int k = 0; k < j->n_in; k++)
        if (munmap((void *)p[k], (size_t)n)) return -1;
    return 0;
}

/* Each way twice; the fastest. */
static void copy(job *j, const char *to, int n_threads)
{
    double seconds = 1e300;
    for (int i = 0; i < 4; i++) {
        j->to = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (j->to < 0) die(to);
        j->step = i % 2 ? step_copy_window : step_copy_pread;
        j->piece = i % 2 ? 4 * MIB : COPY_PIECE;
        j->n = (j->bytes + j->piece - 1) / j->piece;
        j->buffer_bytes = COPY_PIECE;
        double start = now();
        if (fallocate(j->to, 0, 0, COPY_FIRST + j->bytes) != 0 && errno != EOPNOTSUPP) die("fallocate");
        double took = now() - start + run(j, n_threads);
        if (took < seconds) seconds = took;
        close(j->to);
        unlink(to);
    }
    print_range(seconds, j->bytes);
}

/* The smallest of three runs, as for every bound here. */
static double best_of_three(job *j, int n_threads)
{
    double best = run(j, n_threads);
    for (int i = 0; i < 2; i++) {
        double seconds = run(j, n_threads);
        if (seconds < best) best = seconds;
    }
    return best;
}

static void whole_file(job *j, int n_threads)
{
    struct stat st;
    if (fstat(j->fd, &st)) die("fstat");
    j->bytes = st.st_size;
    j->n = (j->bytes + j->piece - 1) / j->piece;
    print_range(best_of_three(j, n_threads), j->bytes);
}

/* The codec's own seconds on all threads, as if nothing else were done: their sum over the threads. */
static void codec(job *j, int n_threads)
{
    j->buffer_bytes = (size_t)(4 * j->raw);
    run(j, n_threads);
    double spent = 0;
    for (int i = 0; i < n_threads; i++) spent += j->spent[i];
    printf("{\"seconds\": %.6f, \"bytes\": %lld, \"coded_bytes\": %lld}\n", spent / n_threads, (long long)(j->n * j->raw),
           (long long)j->done);
}

int main(int argc, char **argv)
{
    int n_threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (argc > 2 && !strcmp(argv[1], "-t")) n_threads = atoi(argv[2]), argv += 2, argc -= 2;
    if (n_threads < 1 || n_threads > MAX_THREADS) n_threads = 1;
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "write") && argc == 4) {
        write_new(argv[2], atoll(argv[3]));
        return 0;
    }
    if (!strcmp(what, "device") && argc == 5) {
        device(argv[2], atoll(argv[3]), atoll(argv[4]));
        return 0;
    }
    bool coding = (!strcmp(what, "decode") || !strcmp(what, "encode")) && argc == 6;
    const char *path = coding ? argv[3] : argc > 2 ? argv[2] : "";
    job j = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (j.fd < 0) die(path[0] ? path : "limits: see the head of limits.c for its arguments");
    if (!strcmp(what, "window") && argc == 3) {
        j.piece = 4 * MIB, j.step = step_window;
        whole_file(&j, n_threads);
    } else if (!strcmp(what, "work") && argc == 4) {
        j.piece = 4 * MIB, j.step = step_work, j.bytes = atoll(argv[3]);
        j.n = (j.bytes + j.piece - 1) / j.piece;
        print_range(run(&j, n_threads), j.bytes);
    } else if (!strcmp(what, "copy") && argc == 6) {
        j.n_in = atoi(argv[3]), j.bytes = atoll(argv[5]) / COPY_PIECE * COPY_PIECE;
        if (j.n_in < 1 || j.n_in > 8) die("limits: 1 to 8 inputs");
        copy(&j, argv[4], n_threads);
    } else if (!strcmp(what, "pread") && argc == 3) {
        j.piece = MIB / 8, j.step = step_pread, j.buffer_bytes = MIB / 8;
        whole_file(&j, n_threads);
    } else if (!strcmp(what, "pages") && argc == 4) {
        j.list = (const int64_t(*)[2])read_list(argv[3], &j.n);
        j.step = step_listed;
        for (int64_t i = 0; i < j.n; i++) {
            j.bytes += j.list[i][1];
            if ((size_t)j.list[i][1] > j.buffer_bytes) j.buffer_bytes = (size_t)j.list[i][1];
        }
        print_range(best_of_three(&j, n_threads), j.bytes);
    } else if (coding) {
        j.codec = argv[2], j.raw = atoll(argv[5]);
        j.list = (const int64_t(*)[2])read_list(argv[4], &j.n);
        j.step = what[0] == 'd' ? step_decode : step_encode;
        codec(&j, n_threads);
    } else {
        fprintf(stderr, "limits: see the head of limits.c for its arguments\n");
        return 2;
    }
    return 0;
}
