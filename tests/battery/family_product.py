"""Products of matrices: integers and bool exactly, floats and complex numbers within k eps |A||B| of the product in long double."""
import dataclasses

import numpy as np
from cases import DTYPES, Case, data, exact, pick, second

SIZES = [1, 1, 2, 3, 7, 16, 31, 64, 100]
BATCHES = [(), (), (), (1,), (5,), (2, 3), (3, 1, 2), (0,)]
LARGE = [(1100, 40, 30), (20, 1300, 50), (30, 20, 1200), (1030, 520, 1040), (2, 5000, 3)]


def numbers(rng, dtype, shape, special=0.2):
    """Sums must not overflow, or what is inf would depend on the order."""
    d = np.dtype(dtype)
    if d.kind in "biu":
        return data(rng, d, shape, special=0.3)
    x = np.asarray(rng.standard_normal(shape)).astype(d) if d.kind == "f" else data(rng, d, shape)
    if d.kind == "f" and rng.random() < special:
        x = np.where(rng.random(shape) < 0.02, np.array(pick(rng, [np.inf, -np.inf, np.nan]), d), x)
    return np.asarray(x).astype(d)


def within(k, bound):
    """bound: |A||B| in long double."""

    def check(got, want):
        if got.dtype.kind in "biu":
            return exact(got, want)
        computed = np.dtype("f4") if got.dtype == np.float16 else got.dtype
        allowed = (4 * k + 8) * float(np.finfo(computed).eps) * bound() + 8 * float(np.finfo(computed).tiny)
        if got.dtype == np.float16:
            allowed = allowed + np.spacing(np.abs(want).astype(np.float16)).astype(np.longdouble)
        with np.errstate(invalid="ignore"):
            fine = np.atleast_1d(np.abs(got.astype(want.dtype) - want) <= allowed)
        got, want = np.atleast_1d(got), np.atleast_1d(want)
        wild = ~np.isfinite(want)
        if got.dtype.kind == "f":
            rounded = want.astype(got.dtype)
            fine |= wild & ((got == rounded) | (np.isnan(got) & np.isnan(want))) | (np.isinf(got) & np.isinf(rounded) & (got == rounded))
        assert fine.all(), f"{(~fine).sum()} of {fine.size} are off: {got[~fine][:3]}, not {want[~fine][:3]}"

    return check


def wide(x, d):
    return x.astype({"f": np.longdouble, "c": np.clongdouble}.get(d.kind, d))


def product(function):
    """The Case's expectation and check of a function of two arrays that multiplies and sums over k elements."""

    def make(text, arrays, k, x, y):
        d = np.result_type(x, y)
        with np.errstate(all="ignore"):
            if d.kind in "biu":
                return Case(text, arrays, lambda: np.asarray(function(x.astype(d), y.astype(d))), exact)

            def expected():
                with np.errstate(all="ignore"):
                    return np.asarray(function(wide(x, d), wide(y, d))), d

            def bound():
                with np.errstate(all="ignore"):
                    b = np.asarray(function(np.abs(wide(x, d)), np.abs(wide(y, d)))).real
                return np.where(np.isfinite(b), b, 0)

            return Case(text, arrays, expected, within(k, bound))

    return make


def mirrored(rng):
    """An array times itself transposed, or times its adjoint, in all the ways to write that: exactly symmetric, or Hermitian."""
    d = pick(rng, DTYPES)
    m, k = (pick(rng, SIZES) for _ in range(2)) if rng.random() < 0.9 else pick(rng, [(300, 20), (20, 600), (520, 3)])
    batch = pick(rng, BATCHES) if m * m * k < 100000 else ()
    first = rng.random() < 0.5
    x = numbers(rng, d, (*batch, m, k) if first else (*batch, k, m), 0 if np.dtype(d).kind == "c" else 0.2)
    axes = (*range(len(batch)), len(batch) + 1, len(batch))
    adjoint = rng.random() < 0.5
    plain, turned = "x", f"permute_dims(x, {axes})"
    if adjoint and rng.random() < 0.5:
        plain = "conj(x)"
    elif adjoint:
        turned = pick(rng, [f"conj({turned})", f"permute_dims(conj(x), {axes})"])
    text = f"{plain} @ {turned}" if first else f"{turned} @ {plain}"
    a, b = np.conj(x) if plain != "x" else x, np.conj(x) if "conj" in turned else x
    case = product(np.matmul)(text, {"x": x}, k, *((a, np.swapaxes(b, -1, -2)) if first else (np.swapaxes(b, -1, -2), a)))

    def check(got, want):
        case.check(got, want)
        other = np.swapaxes(got, -1, -2)
        assert np.array_equal(got, np.conj(other) if adjoint else other, equal_nan=got.dtype.kind in "fc"), "not its own mirror image"

    return dataclasses.replace(case, check=check)


def matmul(rng):
    if rng.random() < 0.2:
        return mirrored(rng)
    m, k, n = (pick(rng, SIZES) for _ in range(3)) if rng.random() < 0.9 else pick(rng, LARGE)
    if rng.random() < 0.05:
        m, k, n = (0 if rng.random() < 0.4 else v for v in (m, k, n))
    batch = pick(rng, BATCHES) if m * n * k < 100000 else ()
    d = pick(rng, DTYPES)
    left = () if rng.random() < 0.4 else tuple(1 if rng.random() < 0.3 else v for v in batch[int(rng.integers(0, len(batch) + 1)):])
    shapes = [[*batch, m, k], [*left, k, n]]
    if rng.random() < 0.5:
        shapes = [[*left, m, k], [*batch, k, n]]
    if rng.random() < 0.1:
        shapes[0] = [k]
    if rng.random() < 0.1:
        shapes[1] = [k]
    arrays, names, dtypes = {}, [], (d, second(rng, d))
    special = 0 if np.result_type(*dtypes).kind == "c" else 0.2
    for name, shape, dtype in zip("xy", shapes, dtypes):
        turned = len(shape) > 1 and rng.random() < 0.3
        if turned:
            shape = shape[:-2] + shape[:-3:-1]
        arrays[name] = numbers(rng, dtype, tuple(shape), special)
        names.append(f"permute_dims({name}, {(*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)})" if turned else name)
    x, y = (np.swapaxes(a, -1, -2) if n != name else a for (name, a), n in zip(arrays.items(), names))
    text = f"{names[0]} @ {names[1]}" if rng.random() < 0.5 else f"matmul({names[0]}, {names[1]})"
    return product(np.matmul)(text, arrays, k, x, y)


ORACLES = {"matmul": matmul}
MEMORY = {"matmul": "permute_dims(x) @ y"}
WORKLOADS = ["permute_dims(xz) @ (xz + 1)", "permute_dims(xz) @ xz - xz[:2816]", "maximum(permute_dims(x) @ y - 3*x[:2900], 0)", "sum((x @ permute_dims(y))*2, axis=0)", "xz[:700] @ permute_dims(xz)[:, :800]"]
FAULTS = {"product": ("x @ permute_dims(x[::-1])", "zip", []), "product by half": ("permute_dims(x) @ x", "zip", ["--filter", "gzip=1"]),
          "product finished": ("2*(x[:, :300] @ x[:, 100:]) + 3*x[:, :300]", "zip", []),
          "product of results": ("sum(permute_dims(x) @ (x + 1))", "plain", [])}
ROUNDED = {"finished products": lambda n: "a = 2*(x @ (permute_dims(x) + 1)) - 1; b = abs(permute_dims(x) @ x) + 3*x[0]" if n == 2 else "a = (x @ permute_dims(x + 1, (0, 2, 1)))*2 - 1",
           "products": lambda n: "a = x @ permute_dims(x); b = sum(permute_dims(x) @ (x + 1))" if n == 2 else "a = x @ permute_dims(x, (0, 2, 1)); b = a*2"}


# ---- contractions over axes

def two(rng, sx, sy, wild=0.2):
    dtypes = pick(rng, DTYPES), None
    dtypes = dtypes[0], second(rng, dtypes[0])
    special = 0 if np.result_type(*dtypes).kind == "c" else wild
    return numbers(rng, dtypes[0], sx, special), numbers(rng, dtypes[1], sy, special)


def short(rng, n):
    return tuple(int(v) for v in rng.choice([1, 2, 3, 5, 8, 0], n, p=[.15, .25, .2, .2, .18, .02]))


def summed(x, y, shape):
    """How many products make one element, at most."""
    return max(1, int(x.size * y.size / max(1, np.prod(shape))) if x.size * y.size < 1e6 else 10000)


def contraction(text, x, y, function, k=None):
    try:
        with np.errstate(all="ignore"):
            shape = np.shape(function(np.empty(x.shape, "f4"), np.empty(y.shape, "f4")))
    except (ValueError, IndexError):
        shape = ()
    return product(function)(text, {"x": x, "y": y}, k or summed(x, y, shape), x, y)


def tensordot(rng):
    sx, sy = short(rng, int(rng.integers(0, 4))), short(rng, int(rng.integers(0, 4)))
    n = int(rng.integers(0, min(len(sx), len(sy)) + 1))
    if rng.random() < 0.4:
        x, y = two(rng, sx, sx[len(sx) - n:] + sy[n:])
        return contraction(f"tensordot(x, y, {n})" if n != 2 or rng.random() < 0.5 else "tensordot(x, y)", x, y, lambda a, b: np.tensordot(a, b, n))
    ax, ay = [int(v) for v in rng.permutation(len(sx))[:n]], [int(v) for v in rng.permutation(len(sy))[:n]]
    sy = list(sy)
    for p, q in zip(ax, ay):
        sy[q] = sx[p]
    x, y = two(rng, sx, tuple(sy))
    ax = [a - len(sx) if rng.random() < 0.3 else a for a in ax]
    return contraction(f"tensordot(x, y, axes=({tuple(ax)}, {tuple(ay)}))", x, y, lambda a, b: np.tensordot(a, b, (ax, ay)))


def last_axes(name, function):
    def make(rng):
        sx, sy = short(rng, int(rng.integers(0, 4))), list(short(rng, int(rng.integers(0, 4))))
        if sx and sy:
            sy[-2 if name == "dot" and len(sy) > 1 else -1] = sx[-1]
        x, y = two(rng, sx, tuple(sy))
        return contraction(f"{name}(x, y)", x, y, function)

    return make


def vecdot(rng):
    sx = short(rng, int(rng.integers(1, 4)))
    sy = tuple(1 if rng.random() < 0.3 else v for v in sx[:-1]) + sx[-1:]
    sy = sy[int(rng.integers(0, len(sy))):]
    x, y = two(rng, sx, sy)
    if len(sx) > 1 and len(sx) == len(sy) and rng.random() < 0.4:
        x, y = np.ascontiguousarray(np.moveaxis(x, -1, 0)), np.ascontiguousarray(np.moveaxis(y, -1, 0))
        return contraction("vecdot(x, y, axis=0)", x, y, lambda a, b: summed_products(a, b, 0))
    return contraction("vecdot(x, y)", x, y, lambda a, b: summed_products(a, b, -1))


def summed_products(a, b, axis):
    p = np.conj(a) * b if a.dtype.kind != "b" else a & b
    return np.any(p, axis=axis) if p.dtype.kind == "b" else np.sum(p, axis=axis, dtype=p.dtype)


def vdot(rng):
    sx = short(rng, int(rng.integers(0, 4)))
    x, y = two(rng, sx, sx if rng.random() < 0.5 else (int(np.prod(sx)),))
    return contraction("vdot(x, y)", x, y, lambda a, b: summed_products(a.ravel(), b.ravel(), 0))


def pairs(name, function):
    def make(rng):
        x, y = two(rng, short(rng, int(rng.integers(0, 4))), short(rng, int(rng.integers(0, 4))))
        return contraction(f"{name}(x, y)", x, y, function, 1)

    return make


EINSUM = ["ij,jk->ik", "ij,jk", "ij,kj", "ji,jk->ki", "bij,bjk->bik", "bij,bkj", "...ij,...jk->...ik", "...ij,jk", "ij,ij", "ij,ij->i", "ij,ij->", "i,i", "i,j", "i,j->ji",
          "ijk,jil->kl", "abc,cde->abde", "abc,bcd->ad", "abcd,cbe->ade", "ii,ij->j", "iji,jk->ik", "ij,k->", "ij,kl->jl", "...,...", "i...,i...", "ij...,jk...->ik...",
          "ab,bc->bca", "hbi, hbj -> hij", "abc,abd->cd", "Ab,bA->Ab"]


def einsum(rng):
    kind = rng.random()
    extent = {c: int(rng.integers(1, 9)) for c in "abcdehijklA"}
    more = short(rng, 2)

    def shape(term):
        t = term.strip()
        named = [tuple(extent[c] for c in part) for part in t.split("...")]
        dims = named[0] if len(named) == 1 else named[0] + more[int(rng.integers(0, 3)):] + named[1]
        return tuple(1 if rng.random() < 0.05 else v for v in dims)

    if kind < 0.2:
        text = pick(rng, ["ij->ji", "ij", "ji", "ii->i", "ii", "ijk->j", "ij->", "...i->...", "iij->ij", "ijk->kij", "...ij->...ji"])
        x, = (numbers(rng, pick(rng, DTYPES), shape(text.split("->")[0]), 0),)
        return product(lambda a, b: np.einsum(text, a))(f"einsum('{text}', x)", {"x": x}, x.size + 1, x, x)
    if kind < 0.4:
        text = pick(rng, ["ij,jk,kl->il", "i,ij,j->", "ij,kj,kl", "a,b,c->abc", "abc,cd,be->ade", "ij,jk,i->k"])
        terms = text.split("->")[0].split(",")
        d = pick(rng, "int16 int64 float64 float32 complex128".split())
        arrays = {n: numbers(rng, d, tuple(extent[c] for c in t), 0) for n, t in zip("xyz", terms)}

        def all_of(convert):
            return np.einsum(text, *(convert(a) for a in arrays.values()))

        return Case(f"einsum('{text}', x, y, z)", arrays, lambda: (np.asarray(all_of(lambda a: wide(a, a.dtype))), np.dtype(d)),
                    within(2000, lambda: np.asarray(all_of(lambda a: np.abs(wide(a, a.dtype)))).real))
    text = pick(rng, EINSUM)
    x, y = two(rng, *(shape(t) for t in text.split("->")[0].split(",")), 0)  # what is inf depends on which sums come first
    return contraction(f"einsum('{text}', x, y)", x, y, lambda a, b: np.einsum(text, a, b), x.size + y.size + 1)


ORACLES.update({"tensordot": tensordot, "inner": last_axes("inner", np.inner), "dot": last_axes("dot", np.dot), "vecdot": vecdot, "vdot": vdot,
                "outer": pairs("outer", np.outer), "kron": pairs("kron", np.kron), "einsum": einsum})
MEMORY.update({"tensordot": "tensordot(x, y, ((0,), (0,)))", "inner": "inner(x[:900], y[:800])", "dot": "dot(x[0], permute_dims(y))", "outer": "outer(x[:, 0], y[0])",
               "kron": "kron(x[:300, :200], y[:3, :4])", "einsum": "einsum('ki,kj->ij', x, y)"})
WORKLOADS += ["einsum('ij,kj,kl->il', x[:100], y[:200], x[:200])"]
