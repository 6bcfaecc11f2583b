/* filter_parts.c: filters of complex numbers. They are linear, so real and imaginary parts are filtered apart, as SciPy does: every part is rounded
 * as a real input of its precision is. With complex weights w, f(x, w) = f(re x, re w) - f(im x, im w) + i (f(re x, im w) + f(im x, re w)); correlation takes
 * their conjugates. */
#include <string.h>

#include "base/alloc.h"
#include "ops/filter.h"

extern const chk_op chk_op_array;

typedef struct parts {
    const chk_op *op;
    chk_value args[2][CHK_MAX_PARAMS]; /* for the real and the imaginary part of x; without one [0] serves both */
    int output, cval, weights;         /* places of arguments; weights -1: there are none */
    chk_node *w[2];                    /* parts of complex weights, else NULL */
    bool complex;                      /* x is */
    chk_dtype part;                    /* what the output is made of */
} parts;

static bool is_complex(const chk_node *x) { return chk_dtype_kind(x->dtype) == CHK_KIND_COMPLEX; }

static int place(const chk_op *op, const char *name)
{
    for (int i = 0; i < CHK_MAX_PARAMS && op->params[i].name; i++)
        if (!strcmp(op->params[i].name, name)) return i;
    return -1;
}

/* Parts of weights that are written out are written out too, as their values decide how they are added up. */
static chk_node *listed_part(ops_maker *m, const chk_node *w, int part, bool turned)
{
    int head = 2 + w->shape.ndim;
    int64_t count = chk_shape_count(&w->shape), *attr = chk_malloc((size_t)(head + count) * sizeof *attr);
    const chk_dtype d = w->dtype;
    chk_node *made = NULL;
    if (!attr) {
        m->st = chk_fail(m->err, CHUNK_ENOMEM, "out of memory for %lld weights", (long long)count);
        return NULL;
    }
    memcpy(attr, w->u.custom.attr, (size_t)head * sizeof *attr);
    attr[0] = CHK_F64;
    for (int64_t i = 0; i < count; i++) {
        chk_scalar s = {.dtype = d};
        memcpy(s.v.bytes, (const char *)(w->u.custom.attr + head) + (size_t)i * chk_dtype_size(d), chk_dtype_size(d));
        double v = d == CHK_C128 ? s.v.c128[part] : (double)s.v.c64[part];
        attr[head + i] = filter_bits(turned ? -v : v);
    }
    made = ops_own(m, chk_op_array.make(&made, m->b, &chk_op_array, NULL, 0, attr, head + (int)count, m->err), &made);
    chk_free(attr);
    return made;
}

/* flags of the operations that take weights: convolution. */
static void weight_parts(parts *p, ops_maker *m, const chk_value *v)
{
    chk_node *w = NULL;
    if (v->kind == CHK_VAL_NODE)
        w = v->u.node;
    else if (v->kind == CHK_VAL_TUPLE)
        w = ops_own(m, chk_op_array.build(&w, m->b, &chk_op_array, (chk_value[2]){*v, {.kind = CHK_VAL_MISSING}}, m->err), &w);
    if (m->st != CHUNK_OK || !w || !is_complex(w)) return;
    bool listed = w->kind == CHK_NODE_CUSTOM && w->u.custom.op == &chk_op_array, turned = !p->op->flags;
    for (int i = 0; i < 2; i++) {
        p->w[i] =
            listed ? listed_part(m, w, i, i == 1 && turned) : ops_apply(m, i ? CHK_FN_IMAG : CHK_FN_REAL, w->dtype, w, NULL, NULL);
        if (!listed && i == 1 && turned && m->st == CHUNK_OK)
            p->w[1] = ops_apply(m, CHK_FN_NEG, p->w[1]->dtype, p->w[1], NULL, NULL);
    }
}

static void split_number(chk_value *re, chk_value *im, const chk_value *v)
{
    double c[2] = {0, 0};
    *im = (chk_value){.kind = CHK_VAL_FLOAT};
    if (v->kind == CHK_VAL_COMPLEX) {
        memcpy(c, v->u.c, sizeof c);
    } else if (v->kind == CHK_VAL_NODE && v->u.node->kind == CHK_NODE_SCALAR && is_complex(v->u.node)) {
        const chk_scalar *s = &v->u.node->u.scalar;
        for (int i = 0; i < 2; i++) c[i] = s->dtype == CHK_C128 ? s->v.c128[i] : (double)s->v.c64[i];
    } else {
        return;
    }
    *re = (chk_value){.kind = CHK_VAL_FLOAT, .u.f = c[0]};
    im->u.f = c[1];
}

/* The operation of part i of x and part k of the weights, in dtype d. */
static chk_node *filtered(const parts *p, ops_maker *m, int i, int k, chk_dtype d)
{
    chk_node *made = NULL;
    chk_value args[CHK_MAX_PARAMS];
    if (m->st != CHUNK_OK) return NULL;
    memcpy(args, p->args[p->complex ? i : 0], sizeof args);
    args[p->output] = (chk_value){.kind = CHK_VAL_DTYPE, .u.dtype = d};
    if (p->w[0]) args[p->weights] = (chk_value){.kind = CHK_VAL_NODE, .u.node = p->w[k]};
    return ops_own(m, p->op->build(&made, m->b, p->op, args, m->err), &made);
}

/* Of products of parts the second is in the dtype of x, and what it is added to is rounded once. */
static chk_node *joined(const parts *p, ops_maker *m, chk_fn fn, chk_node *first, chk_node *second)
{
    if (m->st != CHUNK_OK) return NULL;
    chk_dtype d = chk_promote(first->dtype, second->dtype);
    return ops_cast(m, ops_apply(m, fn, d, first, second, NULL), p->part);
}

static chk_node *together(const parts *p, ops_maker *m, chk_dtype d, chk_dtype of_x)
{
    chk_node *re, *im;
    if (!p->w[0]) {
        re = filtered(p, m, 0, 0, p->part);
        im = filtered(p, m, 1, 0, p->part);
    } else if (!p->complex) {
        re = filtered(p, m, 0, 0, p->part);
        im = filtered(p, m, 0, 1, p->part);
    } else {
        re = joined(p, m, CHK_FN_SUB, filtered(p, m, 0, 0, p->part), filtered(p, m, 1, 1, of_x));
        im = joined(p, m, CHK_FN_ADD, filtered(p, m, 0, 1, p->part), filtered(p, m, 1, 0, of_x));
    }
    return m->st == CHUNK_OK ? ops_from_parts(m, d, re, im) : NULL;
}

chunk_status filter_by_parts(chk_node **out, chk_builder *b, const chk_op *op, const chk_value *args, chunk_error *err)
{
    parts p = {.op = op, .output = place(op, "output"), .cval = place(op, "cval"), .weights = place(op, "weights")};
    bool given = false;
    chk_dtype d = CHK_F64;
    ops_maker m = ops_make(b, err);
    chk_node *x = ops_value(&m, &args[0], op->name), *made = NULL;
    for (int i = 0; i < 2; i++) memcpy(p.args[i], args, sizeof p.args[i]);
    if (x && p.weights >= 0) weight_parts(&p, &m, &args[p.weights]);
    p.complex = x && is_complex(x);
    if (m.st != CHUNK_OK || (!p.complex && !p.w[0])) {
        chk_node *none;
        CHK_TRY(ops_give(&none, &m, x));
        chk_node_release(none);
        *out = NULL;
        return CHUNK_OK;
    }
    d = chk_promote(x->dtype, CHK_C64);
    m.st = ops_arg_dtype(&d, &given, &args[p.output], op->name, err);
    if (m.st == CHUNK_OK && chk_dtype_kind(d) != CHK_KIND_COMPLEX)
        m.st = chk_fail(err, CHUNK_ETYPE, "%s: output %s cannot hold the complex result: complex64 and complex128 can", op->name,
                        chk_dtype_name(d));
    p.part = chk_dtype_real_of(d);
    if (p.complex) {
        for (int i = 0; i < 2 && m.st == CHUNK_OK; i++)
            p.args[i][0] =
                (chk_value){.kind = CHK_VAL_NODE, .u.node = ops_apply(&m, i ? CHK_FN_IMAG : CHK_FN_REAL, x->dtype, x, NULL, NULL)};
        split_number(&p.args[0][p.cval], &p.args[1][p.cval], &args[p.cval]);
    }
    if (m.st == CHUNK_OK) made = together(&p, &m, d, chk_dtype_real_of(x->dtype));
    return ops_give(out, &m, made);
}
