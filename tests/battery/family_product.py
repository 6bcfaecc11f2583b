"""Products of matrices: integers and bool exactly, floats and complex numbers within k eps |A||B| of the product in long double."""
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


def matmul(rng):
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
WORKLOADS = ["permute_dims(xz) @ (xz + 1)", "sum((x @ permute_dims(y))*2, axis=0)", "xz[:700] @ permute_dims(xz)[:, :800]"]
FAULTS = {"product": ("permute_dims(x) @ x", "zip", []), "product of results": ("sum(permute_dims(x) @ (x + 1))", "plain", [])}
ROUNDED = {"products": lambda n: "a = x @ permute_dims(x); b = sum(permute_dims(x) @ (x + 1))" if n == 2 else "a = x @ permute_dims(x, (0, 2, 1)); b = a*2"}
