/* einsum.c: Einstein's summation. Labels are numbers: A to Z and a to z in ASCII's order, then the axes that "..." stands for, counted from the last. Several
 * operands are contracted two at a time, always the two with the smallest result. */
#include <string.h>

#include "ops/product.h"

enum { N_LETTERS = 52, MAX_OPERANDS = 32 };

typedef struct term {
    int label[CHK_MAX_NDIM], n;
    int dots; /* where "..." stands, -1: nowhere */
} term;

static int letter(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1; }
static char letter_of(int label) { return (char)(label < 26 ? 'A' + label : 'a' + label - 26); }

/* One term, up to a comma, an arrow or the end. */
static chunk_status read_term(term *t, const char **text, chunk_error *err)
{
    *t = (term){.dots = -1};
    for (; **text && **text != ',' && **text != '-'; (*text)++) {
        if (**text == ' ') continue;
        int label = letter(**text);
        if (!strncmp(*text, "...", 3)) {
            if (t->dots >= 0) return chk_fail(err, CHUNK_EINVAL, "einsum: '...' stands twice in a term");
            t->dots = t->n;
            *text += 2;
        } else if (label < 0) {
            return chk_fail(err, CHUNK_EINVAL, "einsum: '%c' in the subscripts: they are letters, '...', ',' and '->'", **text);
        } else if (t->n == CHK_MAX_NDIM) {
            return chk_fail(err, CHUNK_EINVAL, "einsum: a term has more than %d labels", CHK_MAX_NDIM);
        } else {
            t->label[t->n++] = label;
        }
    }
    return CHUNK_OK;
}

/* Puts labels in place of the dots: `more` axes, the last one always the same label. */
static chunk_status fill_dots(term *t, int more, chunk_error *err)
{
    if (more < 0 || t->n + more > CHK_MAX_NDIM)
        return chk_fail(err, CHUNK_EINVAL, "einsum: a term has %d labels too many", more < 0 ? -more : t->n + more - CHK_MAX_NDIM);
    memmove(t->label + t->dots + more, t->label + t->dots, (size_t)(t->n - t->dots) * sizeof *t->label);
    for (int i = 0; i < more; i++) t->label[t->dots + i] = OPS_LABELS - more + i;
    t->n += more;
    return CHUNK_OK;
}

/* 0, 1, ..., n - 1 along one axis. */
static chk_node *counting(ops_maker *m, int ndim, int axis, int64_t n)
{
    chk_view v = {.shape = {.ndim = ndim}, .base_ndim = 1, .axis = {axis}, .step = {1}};
    for (int a = 0; a < ndim; a++) v.shape.dim[a] = a == axis ? n : 1;
    chk_node *iota = ops_iota(m, n);
    return iota ? ops_view(m, iota, &v) : NULL;
}

/* The diagonal of two axes, in place of the first: what is off it counts as 0, and the second axis is summed over. */
static chk_node *diagonal(ops_maker *m, chk_node *x, int p, int q)
{
    if (!x) return NULL;
    chk_node *i = counting(m, x->shape.ndim, p, x->shape.dim[p]), *j = counting(m, x->shape.ndim, q, x->shape.dim[q]);
    chk_node *on = i && j ? ops_apply(m, CHK_FN_EQ, CHK_I64, i, j, NULL) : NULL;
    chk_node *only = on ? ops_apply(m, CHK_FN_WHERE, x->dtype, on, x, ops_whole(m, x->dtype, 0)) : NULL;
    return ops_total(m, only, UINT32_C(1) << q);
}

/* The axes of x that a term names; a label that comes twice is the diagonal. */
static ops_labelled labelled(ops_maker *m, chk_node *x, const term *t, const int64_t *extent)
{
    ops_labelled out = {NULL};
    chk_view v = {.shape = {0}, .base_ndim = x->shape.ndim};
    int n = 0;
    for (int a = 0; a < t->n; a++) {
        v.axis[a] = -1;
        if (x->shape.dim[a] == 1 && extent[t->label[a]] != 1) continue; /* repeated for the others */
        v.axis[a] = n;
        v.step[a] = 1;
        v.shape.dim[n] = x->shape.dim[a];
        out.label[n++] = t->label[a];
    }
    v.shape.ndim = n;
    out.node = ops_view(m, x, &v);
    for (int p = 0; p < n; p++)
        for (int q = n - 1; q > p; q--) {
            if (out.label[p] != out.label[q]) continue;
            out.node = diagonal(m, out.node, p, q);
            memmove(out.label + q, out.label + q + 1, (size_t)(n - q - 1) * sizeof *out.label);
            n--;
        }
    return out;
}

typedef struct summation {
    term in[MAX_OPERANDS], out;
    int n;
    int64_t extent[OPS_LABELS];
} summation;

static chunk_status read_subscripts(summation *s, const char *text, chk_node *const *x, int n, chunk_error *err)
{
    int dots = 0;
    s->n = 0;
    do {
        if (s->n == n) return chk_fail(err, CHUNK_EINVAL, "einsum: more than %d terms for %d array%s", n, n, n == 1 ? "" : "s");
        term *t = &s->in[s->n];
        CHK_TRY(read_term(t, &text, err));
        int more = x[s->n]->shape.ndim - t->n;
        if (t->dots < 0 && more != 0)
            return chk_fail(err, CHUNK_EINVAL, "einsum: term %d has %d labels, its array %d dimensions", s->n, t->n,
                            x[s->n]->shape.ndim);
        if (t->dots >= 0) CHK_TRY(fill_dots(t, more, err));
        if (t->dots >= 0 && more > dots) dots = more;
        s->n++;
    } while (*text == ',' && text++);
    if (s->n < n) return chk_fail(err, CHUNK_EINVAL, "einsum: %d term%s for %d arrays", s->n, s->n == 1 ? "" : "s", n);
    if (*text) {
        if (text[1] != '>') return chk_fail(err, CHUNK_EINVAL, "einsum: '-' without '>' in the subscripts");
        text += 2;
        CHK_TRY(read_term(&s->out, &text, err));
        if (*text) return chk_fail(err, CHUNK_EINVAL, "einsum: '%c' behind the result's labels", *text);
        if (s->out.dots < 0 && dots) return chk_fail(err, CHUNK_EINVAL, "einsum: the result lacks the '...' that the terms have");
    } else { /* what comes once, in the order of letters */
        int count[N_LETTERS] = {0};
        s->out = (term){.dots = 0};
        for (int i = 0; i < n; i++)
            for (int a = 0; a < s->in[i].n; a++)
                if (s->in[i].label[a] < N_LETTERS) count[s->in[i].label[a]]++;
        for (int l = 0; l < N_LETTERS; l++)
            if (count[l] == 1 && s->out.n < CHK_MAX_NDIM) s->out.label[s->out.n++] = l;
    }
    return s->out.dots >= 0 ? fill_dots(&s->out, dots, err) : CHUNK_OK;
}

/* The extent of each label, -1 for none. Axes of one element are repeated. */
static chunk_status read_extents(summation *s, chk_node *const *x, chunk_error *err)
{
    for (int l = 0; l < OPS_LABELS; l++) s->extent[l] = -1;
    for (int i = 0; i < s->n; i++)
        for (int a = 0; a < s->in[i].n; a++) {
            int64_t d = x[i]->shape.dim[a], *e = &s->extent[s->in[i].label[a]];
            if (*e < 0 || *e == 1) *e = d;
            if (d == *e || d == 1) continue;
            char name[4] = {letter_of(s->in[i].label[a])};
            return chk_fail(err, CHUNK_ESHAPE, "einsum: label '%s' is %lld long in one array and %lld in another",
                            s->in[i].label[a] < N_LETTERS ? name : "...", (long long)*e, (long long)d);
        }
    for (int i = 0; i < s->n; i++)
        for (int a = 0; a < s->in[i].n; a++)
            for (int q = a + 1; q < s->in[i].n; q++)
                if (s->in[i].label[a] == s->in[i].label[q] && x[i]->shape.dim[a] != x[i]->shape.dim[q])
                    return chk_fail(err, CHUNK_ESHAPE,
                                    "einsum: axes %d and %d of array %d have the same label, and are %lld and %lld long", a, q, i,
                                    (long long)x[i]->shape.dim[a], (long long)x[i]->shape.dim[q]);
    for (int a = 0; a < s->out.n; a++) {
        int l = s->out.label[a];
        char name[4] = {letter_of(l)};
        if (s->extent[l] < 0)
            return chk_fail(err, CHUNK_EINVAL, "einsum: the result has label '%s', which no term has",
                            l < N_LETTERS ? name : "...");
        for (int i = 0; i < a; i++)
            if (s->out.label[i] == l) return chk_fail(err, CHUNK_EINVAL, "einsum: the result has label '%s' twice", name);
    }
    return CHUNK_OK;
}

/* Labels that the result or an operand other than p and q has. */
static void labels_kept(bool *kept, const summation *s, const ops_labelled *x, int n, int p, int q)
{
    memset(kept, 0, OPS_LABELS * sizeof *kept);
    for (int a = 0; a < s->out.n; a++) kept[s->out.label[a]] = true;
    for (int i = 0; i < n; i++)
        for (int a = 0; a < x[i].node->shape.ndim && i != p && i != q; a++) kept[x[i].label[a]] = true;
}

static double result_size(const summation *s, const ops_labelled *x, int n, int p, int q)
{
    bool kept[OPS_LABELS], counted[OPS_LABELS] = {false};
    double size = 1;
    labels_kept(kept, s, x, n, p, q);
    for (int f = 0; f < 2; f++)
        for (int a = 0; a < x[f ? q : p].node->shape.ndim; a++) {
            int l = x[f ? q : p].label[a];
            if (kept[l] && !counted[l]) size *= (double)s->extent[l];
            counted[l] = true;
        }
    return size;
}

static chk_node *sum_up(ops_maker *m, const summation *s, chk_node *const *in, chk_dtype d)
{
    ops_labelled x[MAX_OPERANDS];
    bool kept[OPS_LABELS];
    int n = s->n;
    for (int i = 0; i < n; i++) {
        chk_node *cast = ops_cast(m, in[i], d);
        x[i] = cast ? labelled(m, cast, &s->in[i], s->extent) : (ops_labelled){NULL};
        if (!x[i].node) return NULL;
    }
    while (n > 1) {
        int p = 0, q = 1;
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++)
                if (result_size(s, x, n, i, j) < result_size(s, x, n, p, q)) p = i, q = j;
        labels_kept(kept, s, x, n, p, q);
        x[p] = ops_contract(m, &x[p], &x[q], kept, d, "einsum");
        if (!x[p].node) return NULL;
        memmove(x + q, x + q + 1, (size_t)(n - q - 1) * sizeof *x);
        n--;
    }
    labels_kept(kept, s, x, 0, -1, -1);
    x[0] = ops_summed(m, &x[0], kept);
    return ops_arranged(m, &x[0], s->out.label, s->out.n);
}

static chunk_status build_einsum(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    ops_maker m = ops_make(b, err);
    chk_node *x[MAX_OPERANDS];
    int n = args[1].kind == CHK_VAL_TUPLE ? args[1].u.tuple.n : 0;
    if (args[0].kind != CHK_VAL_STRING)
        return chk_fail(err, CHUNK_ETYPE, "einsum: subscripts must be a string such as 'ij,jk->ik'");
    if (n < 1 || n > MAX_OPERANDS) return chk_fail(err, CHUNK_EINVAL, "einsum: %d arrays, 1 to %d are possible", n, MAX_OPERANDS);
    for (int i = 0; i < n; i++)
        if (!(x[i] = ops_value(&m, &args[1].u.tuple.item[i], op->name))) return ops_give(out, &m, NULL);
    summation s;
    m.st = read_subscripts(&s, args[0].u.s, x, n, err);
    if (m.st == CHUNK_OK) m.st = read_extents(&s, x, err);
    if (m.st != CHUNK_OK) return ops_give(out, &m, NULL);
    chk_dtype d = ops_result_type(x, n);
    chk_node *sum = sum_up(&m, &s, x, d == CHK_F16 ? CHK_F32 : d);
    return ops_give(out, &m, sum ? ops_cast(&m, sum, d) : NULL);
}

const chk_op chk_op_einsum = {
    .name = "einsum",
    .family = "product",
    .summary = "Sums of products, by the labels of the axes: einsum('ij,jk->ik', x, y)",
    .params = {{"subscripts", CHK_PAR_STRING, NULL, false}, {"operands", CHK_PAR_STAR_ARRAYS, NULL, false}},
    .build = build_einsum,
    .doc = "numpy.einsum's subscripts, with '...', diagonals (a label twice in a term; all of the array is read), and the result's "
           "labels in the order of "
           "letters where '->' is left "
           "out. Several arrays are contracted two at a time, those with the smallest result first, by matmul where both have axes "
           "of their own and by fused "
           "sums where not; what lies between is kept in memory or scratch. Dtypes, accuracy and memory as of matmul.",
};
