"""The same elements in other shapes and orders."""
import numpy as np
from cases import DTYPES, Case, data, exact, pick, shape_of


def factors(rng, count):
    """A shape with so many elements: prime factors put together at random, ones among them."""
    if count == 0:
        return (0, *(int(n) for n in rng.integers(0, 4, int(rng.integers(0, 3)))))
    dims, p = [], 2
    while count > 1:
        while count % p:
            p += 1
        count //= p
        if dims and rng.random() < 0.5:
            dims[-1] *= p
        else:
            dims.append(p)
    dims = [dims[i] for i in rng.permutation(len(dims))]
    for _ in range(int(rng.integers(0, 3))):
        dims.insert(int(rng.integers(0, len(dims) + 1)), 1)
    return tuple(dims)


def composite(rng):
    return pick(rng, [(24, 60), (7, 11, 13), (60, 35), (12, 10, 8, 3), (100, 101), (3000,), (64, 64), (2, 2, 2, 2, 2, 2, 2, 2, 2), (1, 1000), (5, 1, 7, 1, 4), shape_of(rng)])


def reshape(rng):
    x = data(rng, pick(rng, DTYPES), composite(rng))
    shape = list(factors(rng, x.size))
    if 0 not in shape and shape and rng.random() < 0.3:
        shape[int(rng.integers(0, len(shape)))] = -1
    order = pick(rng, ["", ", order='F'", ", order='C'"])
    then, how = pick(rng, [("", None), ("[::-1]", np.s_[::-1]), ("[..., 0]", np.s_[..., 0]), ("[..., ::3]", np.s_[..., ::3]), ("[1:, ...]", np.s_[1:, ...])])
    if not shape or 0 in shape:
        then, how = "", None

    def expected():
        y = np.reshape(x, shape, order="F" if "F" in order else "C")
        return y if how is None else y[how]

    return Case(f"reshape(x, {tuple(shape)}{order}){then}", {"x": x}, expected, exact)


def ravel(rng):
    x = data(rng, pick(rng, DTYPES), composite(rng))
    order = pick(rng, ["", "F"])
    return Case(f"ravel(x, '{order}')" if order else "ravel(x)", {"x": x}, lambda: np.ravel(x, order or "C"), exact)


def any_array(rng, least=0):
    while True:
        shape = composite(rng)
        if least <= len(shape) < 20:
            return data(rng, pick(rng, DTYPES), shape)


def of_x(name, least):
    def case(rng):
        x = any_array(rng, least if rng.random() < 0.95 else 0)
        return Case(f"{name}(x)", {"x": x}, lambda: getattr(np, name)(x), exact)

    return case


def rot90(rng):
    x = any_array(rng, 2)
    k, axes = int(rng.integers(-5, 6)), tuple(int(a) for a in rng.integers(-x.ndim, x.ndim, 2))
    return Case(f"rot90(x, {k}, {axes})", {"x": x}, lambda: np.rot90(x, k, axes), exact)


def rollaxis(rng):
    x = any_array(rng, 1)
    axis, start = int(rng.integers(-x.ndim, x.ndim)), int(rng.integers(-x.ndim, x.ndim + 1))
    return Case(f"rollaxis(x, {axis}, {start})", {"x": x}, lambda: np.rollaxis(x, axis, start), exact)


def roll(rng):
    x = any_array(rng)
    far = 3 * max(x.shape, default=1) + 3
    if rng.random() < 0.3 or x.ndim == 0:
        shift = int(rng.integers(-far, far))
        return Case(f"roll(x, {shift})", {"x": x}, lambda: np.roll(x, shift), exact)
    axes = tuple(int(a) for a in rng.integers(-x.ndim, x.ndim, int(rng.integers(1, 4))))
    shift = tuple(int(s) for s in rng.integers(-far, far, len(axes)))
    if rng.random() < 0.4:
        shift = shift[0]
    elif rng.random() < 0.4:
        axes = axes[0]
    return Case(f"roll(x, {shift}, axis={axes})", {"x": x}, lambda: np.roll(x, shift, axis=axes), exact)


def tile(rng):
    x = any_array(rng)
    reps = tuple(int(r) for r in rng.integers(0 if rng.random() < 0.2 else 1, 4, int(rng.integers(1, 4))))
    if len(reps) == 1:
        reps = pick(rng, [reps, reps[0]])
    return Case(f"tile(x, {reps})", {"x": x}, lambda: np.tile(x, reps), exact)


def repeat(rng):
    x = any_array(rng)
    axis = None if rng.random() < 0.3 or x.ndim == 0 else int(rng.integers(-x.ndim, x.ndim))
    n = x.size if axis is None else x.shape[axis]
    if rng.random() < 0.5 or n > 200:
        times = int(rng.integers(0, 5))
        return Case(f"repeat(x, {times}, axis={axis})", {"x": x}, lambda: np.repeat(x, times, axis=axis), exact)
    counts = rng.integers(0, 5, n)
    if rng.random() < 0.5:
        return Case(f"repeat(x, c, axis={axis})", {"x": x, "c": counts}, lambda: np.repeat(x, counts, axis=axis), exact)
    text = "(" + "".join(f"{c}, " for c in counts) + ")"
    return Case(f"repeat(x, {text}, axis={axis})", {"x": x}, lambda: np.repeat(x, counts, axis=axis), exact)


def triangle(name):
    def case(rng):
        x = any_array(rng, 1)
        k = int(rng.integers(-12, 13))
        return Case(f"{name}(x, {k})", {"x": x}, lambda: getattr(np, name)(x, k), exact)

    return case


def tri(rng):
    n, m, k = (int(i) for i in rng.integers(0, 40, 3))
    d = pick(rng, DTYPES)
    return Case(f"tri({n}, {m}, {k - 20}, dtype={d})", {}, lambda: np.tri(n, m, k - 20, dtype=d), exact)


def of_diagonal(name):
    def case(rng):
        x = any_array(rng, 2)
        axes = rng.integers(-x.ndim, x.ndim, 2)
        k = int(rng.integers(-8, 9))
        check = exact if name == "diagonal" or x.dtype.kind in "biu" else near_sum
        return Case(f"{name}(x, {k}, {axes[0]}, {axes[1]})", {"x": x}, lambda: getattr(np, name)(x, k, axes[0], axes[1]), check)

    return case


def near_sum(got, want):
    """Sums in another order."""
    a, b = np.asarray(got, np.complex128), np.asarray(want, np.complex128)
    fine = np.isfinite(a) & np.isfinite(b)
    assert (np.abs(a - b)[fine] <= 1e-2 * (1 + np.abs(b[fine])) if got.dtype.itemsize < 4 else np.isclose(a[fine], b[fine], rtol=1e-4, atol=1e-3)).all()


def diag(rng):
    x = data(rng, pick(rng, DTYPES), pick(rng, [(7,), (0,), (40,), (5, 7), (30, 20), (0, 3), (2, 3, 4)]))
    k = int(rng.integers(-9, 10))
    return Case(f"diag(x, {k})", {"x": x}, lambda: np.diag(x, k), exact)


ORACLES = {"reshape": reshape, "ravel": ravel, "rot90": rot90, "rollaxis": rollaxis, "roll": roll, "tile": tile, "repeat": repeat, "tri": tri, "diag": diag}
ORACLES.update({"fliplr": of_x("fliplr", 2), "flipud": of_x("flipud", 1), "tril": triangle("tril"), "triu": triangle("triu")})
ORACLES.update({"diagonal": of_diagonal("diagonal"), "trace": of_diagonal("trace")})
BITS = {"reshaped": lambda n: "a = ravel(x); b = sum(reshape(x, (-1, 20)) * 2, axis=0); c = mean(reshape(x*x, (4, -1, 5))[:, ::3], axis=1)",
        "rolled": lambda n: "a = roll(x, 17) - x; b = sum(roll(x, (5, -9), axis=(0, 1)) * x, axis=1); c = sum(tril(x) * 2); d = trace(x)",
        "repeated": lambda n: "a = sum(tile(x, (2, 3)), axis=0); b = repeat(x, 2, axis=1); c = diagonal(x, 3) + 1; d = sum(repeat(x, 3, axis=0) * x[0])"}
MEMORY = {"reshape": "reshape(x, (1500, 5800))", "ravel": "ravel(x)", "rot90": "rot90(x)", "rollaxis": "rollaxis(x, 1)", "roll": "roll(x, (700, 701), axis=(0, 1))",
          "tile": "tile(x, (1, 2))", "repeat": "repeat(x, 2, axis=1)", "tri": "tri(3000, 2900)", "diag": "diag(x[0])"}
WORKLOADS = ["reshape(x[:2999], (2900, 2999))", "sum(reshape(xz, (1536, -1)), axis=1)", "reshape(x, (2, 1500, 50, 58)) + 1", "reshape(y, (4350000, 2))[:, 0]", "ravel(xz)",
             "roll(xz, 1000)", "tile(xz, 2) + 1", "sum(repeat(xz, 2, axis=0))", "repeat(x[:, :3], (1000000, 500, 0), axis=1)[:1]", "trace(x) + trace(xz)"]
FAULTS = {"reshape": ("reshape(x, (400, 300)) + 1", "plain", []), "reshape of compressed": ("reshape(x, -1)", "zip", []), "roll": ("roll(x, (7, 99), axis=(0, 1))", "zip", []),
          "repeat": ("repeat(x[:, :5], (100, 0, 3, 7, 1), axis=1)", "plain", [])}
