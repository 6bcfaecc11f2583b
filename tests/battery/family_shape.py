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


ORACLES = {"reshape": reshape, "ravel": ravel}
BITS = {"reshaped": lambda n: "a = ravel(x); b = sum(reshape(x, (-1, 20)) * 2, axis=0); c = mean(reshape(x*x, (4, -1, 5))[:, ::3], axis=1)"}
MEMORY = {"reshape": "reshape(x, (1500, 5800))", "ravel": "ravel(x)"}
WORKLOADS = ["reshape(x[:2999], (2900, 2999))", "sum(reshape(xz, (1536, -1)), axis=1)", "reshape(x, (2, 1500, 50, 58)) + 1", "reshape(y, (4350000, 2))[:, 0]", "ravel(xz)"]
FAULTS = {"reshape": ("reshape(x, (400, 300)) + 1", "plain", []), "reshape of compressed": ("reshape(x, -1)", "zip", [])}
