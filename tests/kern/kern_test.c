/* kern_test.c: what every kernel promises whatever it computes: nothing is touched outside its elements (guard pages), any address will do,
 * results depend neither on n nor on neighbours, inputs may be overwritten in place, and arithmetic has the same bits at every level. */
#include <criterion/criterion.h>
#include <math.h>
#include <sleef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/kern.h"

enum { MAX_N = 130, PAGES = 4, MAX_ITEM = 16 };

/* Memory with an inaccessible page on either side */
typedef struct area {
    char *first, *end;
} area;

static area new_area(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, page * (PAGES + 2), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(p != MAP_FAILED);
    mprotect(p, page, PROT_NONE);
    mprotect(p + page * (PAGES + 1), page, PROT_NONE);
    return (area){p + page, p + page * (PAGES + 1)};
}

/* Where n bytes lie: against the end for even cases, else a little after the start */
static char *place(area a, size_t bytes, size_t i_case)
{
    return i_case % 2 ? a.first + i_case / 2 % 64 : a.end - bytes - (i_case / 2 % 4 ? 0 : i_case / 8 % 64);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

/* Elements of every kind: small and large, both signs, NaN, infinity, zeros */
static void make(char *p, chk_dtype d, size_t n, uint64_t seed)
{
    static const double special[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1, -1, 1e300, -1e-300, 3e38, 0.5, 2.5};
    size_t parts = chk_dtype_kind(d) == CHK_KIND_COMPLEX ? 2 : 1;
    chk_dtype real = chk_dtype_real_of(d);
    for (size_t i = 0; i < n * parts; i++) {
        uint64_t r = next_random(&seed);
        double x = (double)(r % 2000) / 37 - 20;
        if (r / 2000 % 5 == 0) x = special[r / 10000 % 12];
        if (r / 2000 % 5 == 1) x *= 1e9;
        if (chk_dtype_kind(d) < CHK_KIND_FLOAT && r / 2000 % 5 == 2) x = (double)(r >> 24);
        const void *in[1] = {&x};
        chk_kern_cast(CHK_F64, real)(p + i * chk_dtype_size(real), in, 1);
    }
}

/* Bit for bit, but that any NaN equals any other */
static bool same(const char *a, const char *b, chk_dtype d, size_t n)
{
    if (!memcmp(a, b, n * chk_dtype_size(d))) return true;
    if (chk_dtype_kind(d) < CHK_KIND_FLOAT) return false;
    bool single = chk_dtype_real_of(d) == CHK_F32, half = d == CHK_F16;
    size_t part = half ? 2 : single ? 4 : 8;
    for (size_t i = 0; i < n * chk_dtype_size(d); i += part) {
        float x, y;
        double v, w;
        uint16_t h, k;
        memcpy(&h, a + i, 2), memcpy(&k, b + i, 2);
        if (memcmp(a + i, b + i, part) == 0) continue;
        if (half && (h & 0x7FFF) > 0x7C00 && (k & 0x7FFF) > 0x7C00) continue;
        if (half) return false;
        if (single)
            memcpy(&x, a + i, 4), memcpy(&y, b + i, 4), v = (double)x, w = (double)y;
        else
            memcpy(&v, a + i, 8), memcpy(&w, b + i, 8);
        if (!isnan(v) || !isnan(w)) return false;
    }
    return true;
}

typedef struct call {
    chk_kern kern;
    int n_in;
    chk_dtype in[3], out;
    char name[80];
} call;

/* One kernel at the level in use: `want` receives what it makes of MAX_N elements; every n up to that, at many addresses and in place, must
 * make the same of the first n. */
static void check(const call *c, area in[3], area out, char *want, char *data[3])
{
    const void *from[3] = {data[0], data[1], data[2]};
    size_t item = chk_dtype_size(c->out);
    char copy[MAX_N * MAX_ITEM];
    c->kern(want, from, MAX_N);
    for (size_t n = 0; n <= MAX_N; n++) {
        for (int i = 0; i < c->n_in; i++) {
            size_t bytes = n * chk_dtype_size(c->in[i]);
            char *p = place(in[i], bytes, n * 7 + (size_t)i * 3);
            memcpy(p, data[i], bytes);
            from[i] = p;
        }
        char *to = place(out, n * item, n * 5 + 1);
        memset(to > out.first ? to - 1 : to, 0x5A, 1);
        if (to + n * item < out.end) to[n * item] = 0x5A;
        c->kern(to, from, n);
        cr_assert(same(to, want, c->out, n), "%s at %s: n = %zu changes the result", c->name, chk_isa_name(chk_isa_now()), n);
        cr_assert(to == out.first || to[-1] == 0x5A, "%s: n = %zu writes before its output", c->name, n);
        cr_assert(to + n * item == out.end || to[n * item] == 0x5A, "%s: n = %zu writes past its output", c->name, n);
        for (int i = 0; i < c->n_in; i++) {
            if (chk_dtype_size(c->in[i]) < item) continue;
            memcpy(copy, from[i], n * chk_dtype_size(c->in[i]));
            c->kern((void *)from[i], from, n);
            cr_assert(same(from[i], want, c->out, n), "%s at %s: n = %zu over its input %d", c->name, chk_isa_name(chk_isa_now()),
                      n, i);
            memcpy((void *)from[i], copy, n * chk_dtype_size(c->in[i]));
        }
    }
    /* the same elements in another order: neighbours must not matter */
    char shuffled[3][MAX_N * MAX_ITEM], result[MAX_N * MAX_ITEM];
    for (int i = 0; i < c->n_in; i++)
        for (size_t j = 0; j < MAX_N; j++) {
            size_t bytes = chk_dtype_size(c->in[i]);
            memcpy(shuffled[i] + j * bytes, data[i] + j * 49 % MAX_N * bytes, bytes);
            from[i] = shuffled[i];
        }
    c->kern(result, from, MAX_N);
    for (size_t j = 0; j < MAX_N; j++)
        cr_assert(same(result + j * item, want + j * 49 % MAX_N * item, c->out, 1),
                  "%s at %s: element %zu depends on its neighbours", c->name, chk_isa_name(chk_isa_now()), j * 49 % MAX_N);
}

static bool by_sleef(chk_fn fn, chk_dtype d)
{
    if (chk_dtype_kind(d) == CHK_KIND_COMPLEX) return fn == CHK_FN_ABS || fn == CHK_FN_ANGLE;
    if (chk_dtype_kind(d) != CHK_KIND_FLOAT) return false;
    return (fn >= CHK_FN_CBRT && fn <= CHK_FN_ATANH && fn != CHK_FN_DEG2RAD && fn != CHK_FN_RAD2DEG) || fn == CHK_FN_POW ||
           fn == CHK_FN_ATAN2 || fn == CHK_FN_HYPOT || fn == CHK_FN_LOGADDEXP;
}

static void check_levels(call *c, chk_kern (*find)(int a, int b), int a, int b, bool exact, area in[3], area out)
{
    char store[3][MAX_N * MAX_ITEM], plain[MAX_N * MAX_ITEM], want[MAX_N * MAX_ITEM];
    char *data[3] = {store[0], store[1], store[2]};
    chk_isa_set(CHK_ISA_C);
    for (int i = 0; i < c->n_in; i++) make(data[i], c->in[i], MAX_N, (uint64_t)(a * 31 + b) * 3 + (uint64_t)i);
    for (chk_isa level = CHK_ISA_C; level <= chk_isa_best(); level++) {
        chk_isa_set(level);
        c->kern = find(a, b);
        cr_assert(c->kern, "%s is missing at %s", c->name, chk_isa_name(level));
        check(c, in, out, level == CHK_ISA_C ? plain : want, data);
        if (exact && level != CHK_ISA_C)
            cr_assert(same(want, plain, c->out, MAX_N), "%s differs between c and %s", c->name, chk_isa_name(level));
    }
}

static chk_kern find_map(int fn, int d) { return chk_kern_find((chk_fn)fn, (chk_dtype)d); }
static chk_kern find_cast(int from, int to) { return chk_kern_cast((chk_dtype)from, (chk_dtype)to); }

Test(kern, functions)
{
    area in[3] = {new_area(), new_area(), new_area()}, out = new_area();
    int n_checked = 0;
    for (int fn = 1; fn < CHK_NFN; fn++)
        for (int d = 0; d < CHK_NDTYPE; d++) {
            chk_isa_set(CHK_ISA_C);
            if (!find_map(fn, d)) continue;
            bool mixed = fn >= CHK_FN_EQ_IU && fn <= CHK_FN_GE_IU;
            call c = {.n_in = chk_fn_n_in((chk_fn)fn), .out = chk_fn_out_dtype((chk_fn)fn, (chk_dtype)d)};
            for (int i = 0; i < 3; i++)
                c.in[i] = fn == CHK_FN_WHERE && i == 0 ? CHK_BOOL : mixed && i == 1 ? CHK_U64 : (chk_dtype)d;
            snprintf(c.name, sizeof c.name, "%s of %s", chk_fn_name((chk_fn)fn), chk_dtype_name((chk_dtype)d));
            check_levels(&c, find_map, fn, d, !by_sleef((chk_fn)fn, (chk_dtype)d), in, out);
            n_checked++;
        }
    cr_assert(n_checked > 400, "%d kernels", n_checked);
}

#if defined __x86_64__
/* sleef.h declares them where the compiler fuses by itself. */
double Sleef_finz_expd1_u10purecfma(double);
float Sleef_finz_expf1_u10purecfma(float);

/* Arguments of all bits, and as many where exp is neither 0 nor infinite */
static double any_or_near(uint64_t *seed, bool near, double most)
{
    uint64_t bits = next_random(seed) << 40 ^ next_random(seed);
    double x;
    memcpy(&x, &bits, sizeof x);
    return near ? ((double)(bits >> 11) * 0x1p-53 * 2 - 1) * most : x;
}

Test(kern, exp_has_the_bits_of_sleef)
{
    enum { N = 2048, ROUNDS = 200 };
    uint64_t seed = 7;
    for (chk_isa level = CHK_ISA_AVX2; level <= chk_isa_best(); level++) {
        chk_isa_set(level);
        chk_kern exp_f64 = chk_kern_find(CHK_FN_EXP, CHK_F64), exp_f32 = chk_kern_find(CHK_FN_EXP, CHK_F32);
        chk_kern neg_f64 = chk_kern_find(CHK_FN_EXP_NEG, CHK_F64), neg_f32 = chk_kern_find(CHK_FN_EXP_NEG, CHK_F32);
        for (int round = 0; round < ROUNDS; round++) {
            double x[N], minus[N], want[N], got[N];
            float xs[N], minus_s[N], want_s[N], got_s[N];
            for (int i = 0; i < N; i++) {
                x[i] = any_or_near(&seed, round % 2, 760);
                minus[i] = -x[i];
                want[i] = Sleef_finz_expd1_u10purecfma(x[i]);
                uint32_t bits = (uint32_t)next_random(&seed);
                memcpy(&xs[i], &bits, sizeof bits);
                if (round % 2) xs[i] = (float)any_or_near(&seed, true, 110);
                minus_s[i] = -xs[i];
                want_s[i] = Sleef_finz_expf1_u10purecfma(xs[i]);
            }
            exp_f64(got, (const void *[]){x}, N);
            cr_assert(same((char *)got, (char *)want, CHK_F64, N), "exp of float64 at %s", chk_isa_name(level));
            neg_f64(got, (const void *[]){minus}, N);
            cr_assert(same((char *)got, (char *)want, CHK_F64, N), "exp(-x) of float64 at %s", chk_isa_name(level));
            exp_f32(got_s, (const void *[]){xs}, N);
            cr_assert(same((char *)got_s, (char *)want_s, CHK_F32, N), "exp of float32 at %s", chk_isa_name(level));
            neg_f32(got_s, (const void *[]){minus_s}, N);
            cr_assert(same((char *)got_s, (char *)want_s, CHK_F32, N), "exp(-x) of float32 at %s", chk_isa_name(level));
        }
    }
}
#endif

Test(kern, casts)
{
    area in[3] = {new_area(), new_area(), new_area()}, out = new_area();
    for (int from = 0; from < CHK_NDTYPE; from++)
        for (int to = 0; to < CHK_NDTYPE; to++) {
            call c = {.n_in = 1, .in = {(chk_dtype)from}, .out = (chk_dtype)to};
            snprintf(c.name, sizeof c.name, "cast of %s to %s", chk_dtype_name((chk_dtype)from), chk_dtype_name((chk_dtype)to));
            check_levels(&c, find_cast, from, to, true, in, out);
        }
}

/* Folds the data in a few ways; the states' own places in a block vary too */
static void fold(char *result, const chk_red_kern *r, chk_dtype d, chk_dtype out, const char *data, size_t rows, size_t cols,
                 char *state, area guarded)
{
    size_t cap = cols + 3;
    char *p = place(guarded, rows * cols * chk_dtype_size(d), rows * 3 + cols);
    memcpy(p, data, rows * cols * chk_dtype_size(d));
    r->init(state, cap, 1, cols);
    r->cols(state, cap, 1, cols, p, rows, cols, 5, 2);
    r->finish(result, state, cap, 1, cols, 1);
    r->init(state, cap, 1, cols);
    r->row(state, cap, cols, p, rows * cols, 7);
    r->row(state, cap, cols, p, rows, 0);
    r->finish(result + cols * chk_dtype_size(out), state, cap, cols, 1, 0);
}

Test(kern, reductions)
{
    area guarded = new_area();
    enum { ROWS = 19, MAX_COLS = 45 };
    char data[ROWS * MAX_COLS * MAX_ITEM], plain[(MAX_COLS + 1) * 16], result[(MAX_COLS + 1) * 16], state[40 * (MAX_COLS + 3)];
    for (int red = 0; red < CHK_NRED; red++)
        for (int d = 0; d < CHK_NDTYPE; d++)
            for (size_t cols = 1; cols <= MAX_COLS; cols += 1 + cols / 3)
                for (size_t rows = 0; rows <= ROWS && rows * cols * 16 <= 4096 * PAGES; rows++) {
                    chk_dtype out = chk_red_out_dtype((chk_red)red, (chk_dtype)d);
                    for (chk_isa level = CHK_ISA_C; level <= chk_isa_best(); level++) {
                        chk_isa_set(level);
                        const chk_red_kern *r = chk_red_find((chk_red)red, (chk_dtype)d);
                        cr_assert(!r == (d == CHK_F16));
                        if (!r) continue;
                        if (level == CHK_ISA_C) make(data, (chk_dtype)d, rows * cols, (uint64_t)(red * 100 + d));
                        fold(level == CHK_ISA_C ? plain : result, r, (chk_dtype)d, out, data, rows, cols, state, guarded);
                        cr_assert(level == CHK_ISA_C || same(plain, result, out, cols + 1),
                                  "%s of %s, %zu x %zu, differs between c and %s", chk_red_name((chk_red)red),
                                  chk_dtype_name((chk_dtype)d), rows, cols, chk_isa_name(level));
                    }
                }
}

/* Several reductions of a row in one walk leave the states that each leaves by itself, whatever is among the elements. */
Test(kern, rows_together)
{
    static const chk_red reds[] = {CHK_RED_SUM, CHK_RED_VAR, CHK_RED_MIN, CHK_RED_MAX, CHK_RED_COUNT};
    static const double odd[] = {0.0, -0.0, INFINITY, -INFINITY, NAN};
    enum { N = 300, N_REDS = sizeof reds / sizeof *reds };
    double a[N];
    for (chk_isa level = chk_isa_best();; level--) {
        chk_isa_set(level);
        for (int n = 0; n < N; n += 1 + n / 7) {
            for (int odds = 0; odds < 8; odds++) {
                for (int i = 0; i < n; i++) a[i] = odds < 2 && i % 3 == odds ? odd[odds] : sin(i * 1.7 + odds);
                for (int i = 2; i < odds && n > 0; i++) a[(i * 37) % n] = odd[i % 5];
                for (int used = 2; used <= N_REDS; used++) {
                    double state[2][N_REDS][3];
                    chk_red_row row[N_REDS];
                    for (int r = 0; r < used; r++) {
                        const chk_red_kern *k = chk_red_find(reds[r], CHK_F64);
                        for (int way = 0; way < 2; way++) {
                            memset(state[way][r], 0, sizeof state[way][r]);
                            k->init(state[way][r], 1, 0, 1);
                        }
                        for (int twice = 0; twice < 2; twice++) k->row(state[0][r], 1, 0, a, (size_t)n, 0);
                        row[r] = (chk_red_row){k, state[1][r], 1};
                    }
                    for (int twice = 0; twice < 2; twice++) chk_red_rows(row, used, CHK_F64, a, (size_t)n);
                    cr_assert(memcmp(state[0], state[1], (size_t)used * sizeof state[0][0]) == 0,
                              "level %d, %d elements, odds %d, %d reductions", (int)level, n, odds, used);
                }
            }
        }
        if (level == CHK_ISA_C) break;
    }
    chk_isa_set(chk_isa_best());
}

/* Rows folded in several calls give the columns' bits of one call, where the order is the data's */
Test(kern, columns_in_pieces)
{
    enum { ROWS = 23, COLS = 37 };
    double data[ROWS * COLS], whole[COLS], pieces[COLS], out[2][COLS];
    make((char *)data, CHK_F64, ROWS * COLS, 77);
    const chk_red_kern *r = chk_red_find(CHK_RED_SUM, CHK_F64);
    r->init(whole, COLS, 0, COLS);
    r->init(pieces, COLS, 0, COLS);
    r->cols(whole, COLS, 0, COLS, data, ROWS, COLS, 0, 1);
    for (size_t i = 0; i < ROWS; i += 5) r->cols(pieces, COLS, 0, COLS, data + i * COLS, ROWS - i < 5 ? ROWS - i : 5, COLS, 0, 1);
    r->finish(out[0], whole, COLS, 0, COLS, 0);
    r->finish(out[1], pieces, COLS, 0, COLS, 0);
    cr_assert(same((char *)out[0], (char *)out[1], CHK_F64, COLS));
}

Test(kern, moves)
{
    area from = new_area(), to = new_area();
    static const size_t items[] = {1, 2, 3, 4, 7, 8, 12, 16, 24};
    for (size_t t = 0; t < sizeof items / sizeof *items; t++)
        for (size_t n = 0; n <= 600; n += n < 140 ? 1 : 67) {
            size_t item = items[t], bytes = n * item + n % 3 * (item > 1);
            char *in = place(from, bytes, n), *out = place(to, bytes, n + 1), want[16000], back[16000];
            uint64_t seed = n;
            for (size_t i = 0; i < bytes; i++) in[i] = (char)next_random(&seed);
            for (chk_isa level = CHK_ISA_C; level <= chk_isa_best(); level++) {
                chk_isa_set(level);
                chk_kern_shuffle(out, in, item, bytes);
                chk_kern_unshuffle(back, out, item, bytes);
                cr_assert(!memcmp(in, back, bytes), "shuffle of %zu items of %zu at %s", n, item, chk_isa_name(level));
                for (size_t i = 0; i < (n - (n ? n / 3 : 0)) * (n > 0); i++) cr_assert(out[i] == in[i * item]);
                char *part = back + 1;
                size_t skip = n / 3;
                chk_kern_unplane(part, out + skip, bytes / item, item, n - skip);
                cr_assert(!memcmp(part, in + skip * item, (n - skip) * item), "unplane of %zu items of %zu", n, item);
                if (n % 8 == 0) {
                    chk_kern_bitshuffle(out, in, item, n);
                    if (level == CHK_ISA_C) memcpy(want, out, n * item);
                    cr_assert(!memcmp(out, want, n * item), "bitshuffle of %zu items of %zu at %s", n, item, chk_isa_name(level));
                    chk_kern_bitunshuffle(back, out, item, n);
                    cr_assert(!memcmp(in, back, n * item), "bitunshuffle of %zu items of %zu at %s", n, item, chk_isa_name(level));
                }
                if (item == 2 || item == 4 || item == 8) {
                    chk_kern_bswap(out, in, item, n);
                    for (size_t i = 0; i < n * item; i++) cr_assert(out[i] == in[i / item * item + item - 1 - i % item]);
                    chk_kern_bswap(out, out, item, n);
                    cr_assert(!memcmp(out, in, n * item));
                }
            }
        }
}

/* Long enough for the vectors of 512 items that some processors take, with what is left over. */
Test(kern, bits_of_long_blocks)
{
    area from = new_area(), to = new_area();
    static const size_t items[] = {2, 4, 8}, ns[] = {504, 512, 520, 1024, 1032, 1536, 1992};
    for (size_t t = 0; t < 3 * 7 * 8; t++) {
        size_t item = items[t % 3], n = ns[t / 3 % 7];
        char *in = place(from, n * item, t / 21), *out = place(to, n * item, t / 21 + 1), want[16000], back[16000];
        uint64_t seed = t;
        for (size_t i = 0; i < n * item; i++) in[i] = (char)next_random(&seed);
        for (chk_isa level = CHK_ISA_C; level <= chk_isa_best(); level++) {
            chk_isa_set(level);
            memset(out, 0, n * item);
            chk_kern_bitshuffle(out, in, item, n);
            if (level == CHK_ISA_C) memcpy(want, out, n * item);
            cr_assert(!memcmp(out, want, n * item), "bitshuffle of %zu items of %zu at %s", n, item, chk_isa_name(level));
            chk_kern_bitunshuffle(back, out, item, n);
            cr_assert(!memcmp(in, back, n * item), "bitunshuffle of %zu items of %zu at %s", n, item, chk_isa_name(level));
        }
    }
}

Test(kern, patterns)
{
    char out[9000], item[24], in[9000];
    for (size_t i = 0; i < sizeof item; i++) item[i] = (char)(i * 11 + 1);
    for (size_t size = 1; size <= sizeof item; size++)
        for (size_t n = 0; n * size < 8900; n = n * 2 + 1) {
            memset(out, 0, sizeof out);
            chk_kern_splat(out, item, size, n);
            for (size_t i = 0; i < n * size; i++) cr_assert(out[i] == item[i % size], "splat of %zu items of %zu", n, size);
            cr_assert(out[n * size] == 0);
            cr_assert(chk_kern_all_equal(out, item, size, n));
            if (!n) continue;
            out[n * size - 1] ^= 1;
            cr_assert(!chk_kern_all_equal(out, item, size, n));
            out[n * size - 1] ^= 1;
            out[0] ^= 1;
            cr_assert(!chk_kern_all_equal(out, item, size, n));
        }
    for (size_t i = 0; i < sizeof in; i++) in[i] = (char)(i * 7);
    for (size_t size = 1; size <= sizeof item; size++)
        for (int stride = -50; stride <= 50; stride++) {
            const char *first = in + 4500;
            chk_kern_gather(out, first, stride, size, 60);
            for (size_t i = 0; i < 60; i++)
                cr_assert(!memcmp(out + i * size, first + (int64_t)i * stride, size), "gather of %zu bytes %d apart", size, stride);
        }
}

/* Against a loop: masks of all densities, any room, apart and in place; nothing behind the room is touched. */
Test(kern, compress)
{
    enum { MOST = 333, ROOM = MOST * 16 };
    static const size_t sizes[] = {1, 2, 4, 8, 16}, counts[] = {0, 1, 7, 63, 64, 65, 128, 200, MOST};
    uint8_t mask[MOST], in[ROOM], want[ROOM], out[ROOM], place[ROOM];
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 37 >> 2);
    for (chk_isa level = CHK_ISA_C; level <= chk_isa_best(); level++) {
        chk_isa_set(level);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int density = 0; density <= 10; density++)
                for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                    size_t n = counts[c], size = sizes[s], k = 0;
                    for (size_t i = 0; i < n; i++) mask[i] = (i * 7919 + i / 3) % 10 < (size_t)density;
                    for (size_t i = 0; i < n; i++)
                        if (mask[i]) memcpy(want + k++ * size, in + i * size, size);
                    for (size_t room = 0; room <= k + 1 && room <= n; room += room < 3 || room + 20 > k ? 1 : 13) {
                        size_t get = room < k ? room : k;
                        memset(out, 0x5A, sizeof out);
                        memcpy(place, in, sizeof in);
                        cr_assert_eq(chk_kern_compress(out, in, mask, size, n, room), get);
                        cr_assert(!memcmp(out, want, get * size), "level %d, %zu of %zu, %zu bytes", (int)level, k, n, size);
                        for (size_t i = room * size; i < sizeof out; i++)
                            cr_assert_eq(out[i], 0x5A, "room %zu of %zu, byte %zu", room, k, i);
                        cr_assert_eq(chk_kern_compress(place, place, mask, size, n, room), get);
                        cr_assert(!memcmp(place, want, get * size), "in place: level %d, %zu of %zu, %zu bytes", (int)level, k, n,
                                  size);
                    }
                }
    }
}

Test(kern, levels)
{
    chk_isa_set(CHK_ISA_AVX512);
    cr_assert(chk_isa_now() == chk_isa_best(), "a level above the best is cut to it");
    chk_isa_set(CHK_ISA_C);
    cr_assert(chk_isa_now() == CHK_ISA_C);
    cr_assert_str_eq(chk_isa_name(CHK_ISA_AVX2), "avx2");
    for (int fn = 1; fn < CHK_NFN; fn++) cr_assert(chk_fn_name((chk_fn)fn) && chk_fn_n_in((chk_fn)fn) >= 1, "function %d", fn);
    for (int red = 0; red < CHK_NRED; red++) cr_assert(chk_red_name((chk_red)red), "reduction %d", red);
    cr_assert_null(chk_kern_find(CHK_FN_ADD, CHK_F16));
    cr_assert_null(chk_kern_find(CHK_FN_SHL, CHK_F64));
}

/* Every joined kernel gives the bits of its operations one after another, at every level and with out in the place of any input. NaN payloads are
 * the processor's choice of two operands and not compared. */
static size_t join_bytes(const void *a, const void *b, size_t n, chk_dtype d)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (d == CHK_F64) {
            double x = ((const double *)a)[i], y = ((const double *)b)[i];
            bad += !(x != x && y != y) && memcmp(&x, &y, sizeof x) != 0;
        } else {
            float x = ((const float *)a)[i], y = ((const float *)b)[i];
            bad += !(x != x && y != y) && memcmp(&x, &y, sizeof x) != 0;
        }
    }
    return bad;
}

static const void *joined_operand(chk_fn fn, chk_dtype d, const void *const *in, void *room, size_t n)
{
    if (fn == CHK_FN_NONE) return in[0];
    chk_kern_find(fn, d)(room, in, n);
    return room;
}

Test(kern, joined_kernels)
{
    enum { N = 333 };
    static const chk_fn fns[] = {CHK_FN_ADD, CHK_FN_SUB, CHK_FN_MUL}, sides[] = {CHK_FN_NONE, CHK_FN_ADD, CHK_FN_SUB, CHK_FN_MUL};
    static const double odd[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1e300, -1e300, 1e-310, 3.0};
    static double wide[4][N], left[N], right[N], one[N], all[N];
    static float narrow[4][N];
    uint64_t state = 12345;
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < N; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            wide[k][i] = i < 81 ? odd[(k % 2 ? i : i / 9) % 9] : (double)(int64_t)(state >> 11) * 0x1p-50 - 4;
            narrow[k][i] = (float)wide[k][i];
        }
    for (int level = 0; level <= (int)chk_isa_best(); level++) {
        chk_isa_set((chk_isa)level);
        for (int t = 0; t < 2 * 2 * 3 * 4 * 4; t++) {
            chk_dtype d = t & 1 ? CHK_F32 : CHK_F64;
            bool root = t >> 1 & 1;
            chk_fn fn = fns[(t >> 2) % 3], l = sides[(t >> 2) / 3 % 4], r = sides[(t >> 2) / 12];
            const void *in[4];
            for (int k = 0; k < 4; k++) in[k] = d == CHK_F32 ? (const void *)narrow[k] : (const void *)wide[k];
            int n_left = l == CHK_FN_NONE ? 1 : 2;
            const void *operand[2] = {joined_operand(l, d, in, left, N), joined_operand(r, d, in + n_left, right, N)};
            chk_kern_find(fn, d)(one, operand, N);
            if (root) chk_kern_find(CHK_FN_SQRT, d)(one, (const void *[]){one}, N);
            chk_kern k = chk_kern_join(root, fn, l, r, d);
            cr_assert(k, "level %d, case %d", level, t);
            memset(all, 7, sizeof all);
            k(all, in, N);
            cr_expect_eq(join_bytes(one, all, N, d), 0, "level %d, case %d", level, t);
            for (int place = 0; place < n_left + (r == CHK_FN_NONE ? 1 : 2); place++) {
                memcpy(all, in[place], N * chk_dtype_size(d));
                const void *over[4] = {in[0], in[1], in[2], in[3]};
                over[place] = all;
                k(all, over, N);
                cr_expect_eq(join_bytes(one, all, N, d), 0, "level %d, case %d over input %d", level, t, place);
            }
        }
    }
    chk_isa_set(chk_isa_best());
    cr_expect_null(chk_kern_join(false, CHK_FN_DIV, CHK_FN_NONE, CHK_FN_NONE, CHK_F64));
    cr_expect_null(chk_kern_join(false, CHK_FN_ADD, CHK_FN_DIV, CHK_FN_NONE, CHK_F64));
    cr_expect_null(chk_kern_join(false, CHK_FN_ADD, CHK_FN_NONE, CHK_FN_NONE, CHK_I64));
}
