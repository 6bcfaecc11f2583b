/* program_run.c: running vector programs over leaves. Inputs that are contiguous in a leaf are read where they lie, all others are gathered a
 * piece at a time; results that leave the program are written where they go. */
#include <string.h>

#include "plan/program.h"

enum { CACHE_LINE = 64 };

/* One input in one leaf: its axes merged where memory allows. */
typedef struct walk {
    const chk_piece *piece;
    const char *base; /* of the leaf's first element; NULL: fill */
    int n;
    int64_t extent[CHK_MAX_NDIM], stride[CHK_MAX_NDIM];
    bool direct; /* one run of native, unshuffled elements */
} walk;

static void walk_make(walk *w, const chk_piece *piece, const chk_box *unit, const chk_box *leaf, size_t item)
{
    w->piece = piece;
    w->base = piece->data;
    w->n = 0;
    if (!piece->data) {
        w->direct = false;
        return;
    }
    for (int a = 0; a < leaf->ndim; a++) {
        int64_t extent = chk_box_extent(leaf, a), stride = piece->stride[a];
        w->base += (leaf->lo[a] - unit->lo[a]) * stride;
        if (extent == 1) continue;
        if (w->n && w->stride[w->n - 1] == stride * extent) {
            w->extent[w->n - 1] *= extent;
            w->stride[w->n - 1] = stride;
        } else {
            w->extent[w->n] = extent;
            w->stride[w->n++] = stride;
        }
    }
    bool one_run = w->n == 0 || (w->n == 1 && w->stride[0] == (int64_t)item);
    w->direct = one_run && !piece->plane_bytes && !piece->swapped;
}

/* n elements from `in`, stride bytes apart, through planes where the data is shuffled. */
static void load_run(char *out, const walk *w, const char *in, int64_t stride, size_t item, int64_t n)
{
    size_t planes = w->piece->plane_bytes;
    if (!planes) {
        if (stride == (int64_t)item)
            memcpy(out, in, (size_t)n * item);
        else
            chk_kern_gather(out, in, stride, item, (size_t)n);
    } else if (stride == 1) {
        chk_kern_unplane(out, in, planes, item, (size_t)n);
    } else {
        for (int64_t i = 0; i < n; i++)
            for (size_t b = 0; b < item; b++) out[(size_t)i * item + b] = in[i * stride + (int64_t)(b * planes)];
    }
}

/* Elements [first, first + n) of the leaf, in its C order. */
static void load(char *out, const walk *w, size_t item, size_t unit, int64_t first, int64_t n)
{
    if (!w->base) {
        chk_kern_splat(out, w->piece->fill.v.bytes, item, (size_t)n);
        return;
    }
    int inner = w->n - 1;
    int64_t row = inner < 0 ? 1 : w->extent[inner], stride = inner < 0 ? (int64_t)item : w->stride[inner];
    if (inner < 0 && w->piece->plane_bytes) stride = 1;
    for (int64_t done = 0; done < n;) {
        int64_t at = first + done, in_row = at % row, rest = at / row;
        const char *in = w->base + in_row * stride;
        for (int a = inner - 1; a >= 0; a--) {
            in += rest % w->extent[a] * w->stride[a];
            rest /= w->extent[a];
        }
        int64_t run = row - in_row < n - done ? row - in_row : n - done;
        load_run(out + (size_t)done * item, w, in, stride, item, run);
        done += run;
    }
    if (w->piece->swapped) chk_kern_bswap(out, out, unit, (size_t)n * item / unit);
}

static void load_iota(int64_t *out, const chk_instr *c, const chk_box *leaf, int64_t first, int64_t n)
{
    int64_t inner = 1, extent = 1, lo = 0;
    if (c->u.iota.axis >= 0) {
        for (int a = c->u.iota.axis + 1; a < leaf->ndim; a++) inner *= chk_box_extent(leaf, a);
        extent = chk_box_extent(leaf, c->u.iota.axis);
        lo = leaf->lo[c->u.iota.axis];
    }
    for (int64_t i = 0; i < n;) {
        int64_t at = first + i, index = at / inner % extent, run = inner - at % inner;
        if (run > n - i) run = n - i;
        int64_t value = (int64_t)((uint64_t)c->u.iota.off + (uint64_t)c->u.iota.step * (uint64_t)(lo + index));
        if (inner == 1 && extent > 1) { /* the innermost axis: count up to the end of the row */
            run = extent - index < n - i ? extent - index : n - i;
            for (int64_t k = 0; k < run; k++) out[i + k] = (int64_t)((uint64_t)value + (uint64_t)c->u.iota.step * (uint64_t)k);
        } else {
            for (int64_t k = 0; k < run; k++) out[i + k] = value;
        }
        i += run;
    }
}

/* Gives every output its place: computed values go straight to dest, inputs are read in place where they can be. Returns how many values still
 * have to be copied to their dest after each piece. */
static int place_outputs(const chk_program *p, const walk *w, chk_prog_out *out, int n_out, char **home, bool *copy)
{
    int n_copy = 0;
    for (int o = 0; o < n_out; o++) {
        const chk_instr *c = &p->instr[out[o].value];
        bool computed = c->kind != CHK_INSTR_CONST && !(c->kind == CHK_INSTR_LOAD && w[c->u.input].direct);
        copy[o] = false;
        if (c->kind == CHK_INSTR_LOAD && w[c->u.input].direct && out[o].in_place_ok) {
            out[o].data = w[c->u.input].base;
            continue;
        }
        int same = 0;
        while (out[same].value != out[o].value) same++;
        if (same < o && out[o].in_place_ok) {
            out[o].data = out[same].data;
            continue;
        }
        out[o].data = out[o].dest;
        if (computed && same == o) {
            home[o] = out[o].dest;
        } else {
            copy[o] = true;
            n_copy++;
        }
    }
    return n_copy;
}

/* Asking memory for the pieces to come of an input that is read where it lies: while slow functions compute, memory would have nothing to do.
 * Behind a leaf there mostly lies the next one; an address that is not mapped is passed over by the processor. */
typedef struct ahead {
    const char *at; /* what is asked for next: in the piece after the next one */
    int share;      /* cache lines asked for before each call */
} ahead;

static int ahead_make(ahead *h, const chk_program *p, const walk *w)
{
    int n = 0, n_calls = 0;
    for (int i = 0; i < p->n_instr; i++) n_calls += p->instr[i].kind == CHK_INSTR_CALL;
    for (int i = 0; i < p->n_inputs && p->slow; i++) {
        size_t bytes = CHK_PIECE_SLOW * chk_dtype_size(p->input[i].source->dtype);
        int lines = (int)(bytes / CACHE_LINE);
        if (w[i].direct) h[n++] = (ahead){w[i].base + 2 * bytes, (lines + n_calls - 1) / n_calls};
    }
    return n;
}

static void ask_ahead(ahead *h, int n)
{
    for (int k = 0; k < n; k++, h++) {
        for (int i = 0; i < h->share; i++) __builtin_prefetch(h->at + i * CACHE_LINE);
        h->at += h->share * CACHE_LINE;
    }
}

enum { MAX_OUT = 64 };

/* What is to be done for each piece of a leaf, in order: how many steps. home: where values are made that leave the program. */
static int make_steps(chk_prog_state *s, const walk *w, const chk_prog_out *out, int n_out, char *const *home)
{
    const chk_program *p = s->p;
    int n = 0;
    for (int i = 0; i < p->n_instr; i++) {
        const chk_instr *c = &p->instr[i];
        size_t item = chk_dtype_size(c->dtype);
        if (c->kind == CHK_INSTR_CONST || c->kind == CHK_INSTR_JOINED) continue;
        if (c->kind == CHK_INSTR_LOAD && w[c->u.input].direct) {
            s->place[i] = (chk_prog_place){(char *)(uintptr_t)w[c->u.input].base, item};
            continue;
        }
        s->place[i] = (chk_prog_place){s->slots + (size_t)c->slot * p->slot_bytes, 0};
        for (int o = 0; o < n_out; o++)
            if (out[o].value == i && home[o]) s->place[i] = (chk_prog_place){home[o], item};
        chk_prog_step *t = &s->step[n++];
        *t = (chk_prog_step){.instr = c, .to = s->place[i]};
        for (int k = 0; k < c->n_in; k++) t->in[k] = s->place[c->in[k]];
    }
    return n;
}

static inline char *piece_at(const chk_prog_place *p, int64_t first) { return p->at + (size_t)first * p->step; }

chunk_status chk_program_run(chk_prog_state *s, const chk_piece *const *pieces, const chk_box *unit, const chk_box *leaf,
                             chk_prog_out *out, int n_out, chunk_error *err)
{
    const chk_program *p = s->p;
    int64_t count = chk_box_count(leaf);
    walk w[p->n_inputs ? p->n_inputs : 1];
    char *home[MAX_OUT] = {0};
    bool copy[MAX_OUT];
    for (int i = 0; i < p->n_inputs; i++) walk_make(&w[i], pieces[i], unit, leaf, chk_dtype_size(p->input[i].source->dtype));
    int n_copy = place_outputs(p, w, out, n_out, home, copy);
    bool only_in_place = n_copy == 0; /* nothing to compute when all outputs are inputs in place */
    for (int o = 0; o < n_out && only_in_place; o++) only_in_place = !home[o];
    if (only_in_place) return CHUNK_OK;
    ahead soon[p->n_inputs ? p->n_inputs : 1];
    int n_soon = ahead_make(soon, p, w);
    const chk_prog_step *end = s->step + make_steps(s, w, out, n_out, home);
    int64_t piece = p->slow ? CHK_PIECE_SLOW : CHK_PIECE;
    for (int64_t first = 0; first < count; first += piece) {
        int64_t n = count - first < piece ? count - first : piece;
        for (const chk_prog_step *t = s->step; t < end; t++) {
            const chk_instr *c = t->instr;
            char *to = piece_at(&t->to, first);
            const void *in[4];
            for (int k = 0; k < c->n_in; k++) in[k] = piece_at(&t->in[k], first);
            if (c->kind == CHK_INSTR_CALL) {
                ask_ahead(soon, n_soon);
                c->u.call.kern(to, in, (size_t)n);
            } else if (c->kind == CHK_INSTR_LOAD) {
                load(to, &w[c->u.input], chk_dtype_size(c->dtype), (size_t)chk_dtypes[c->dtype].swap, first, n);
            } else if (c->kind == CHK_INSTR_IOTA) {
                load_iota((int64_t *)(void *)to, c, leaf, first, n);
            } else if (c->u.user->map(c->u.user->user, in, to, (size_t)n) != 0) {
                return chk_fail(err, CHUNK_EUSER, "the function registered as %s reported a failure", c->u.user->name);
            }
        }
        for (int o = 0; o < n_out; o++) {
            size_t item = chk_dtype_size(p->instr[out[o].value].dtype);
            if (copy[o]) memcpy(out[o].dest + (size_t)first * item, piece_at(&s->place[out[o].value], first), (size_t)n * item);
        }
    }
    return CHUNK_OK;
}
