"""Padding, in all of np.pad's modes."""
import numpy as np
from cases import DTYPES, Case, data, exact, pick

MODES = ["constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap"]
REAL = [d for d in DTYPES if not d.startswith("complex")]


def pairs(rng, ndim, draw):
    """One value, a pair, or a pair for each axis."""
    way = int(rng.integers(3)) if ndim != 2 else int(rng.integers(2)) * 2
    if way == 0:
        return draw()
    return (draw(), draw()) if way == 1 else tuple((draw(), draw()) for _ in range(ndim))


def close(got, want):
    """Means are sums in another order; an integer may round the other way beside a half, and a float16 mean is of few digits."""
    if got.dtype.kind in "biu":
        return exact(got, want)
    fine = np.isclose(got, want, rtol=4 * np.finfo(got.dtype).eps, atol=200 * np.finfo(got.dtype).eps, equal_nan=True)
    assert fine.all(), f"{got[~fine][:3]}, not {want[~fine][:3]}"


def pad(rng):
    mode = pick(rng, MODES)
    shape = pick(rng, [(7,), (1,), (2,), (40, 30), (5, 1), (13, 5), (3, 4, 5), (2, 1, 3, 2), (1000,), (0, 3)])
    dtype = pick(rng, REAL if mode in ("maximum", "minimum", "median", "mean", "linear_ramp") else DTYPES)
    rounded = mode in ("mean", "median")
    x = data(rng, dtype, shape, special=0 if rounded or mode == "linear_ramp" else 0.3)
    most = 4 if rng.random() < 0.6 else 25
    width = pairs(rng, len(shape), lambda: int(rng.integers(0, most)))
    unsigned = x.dtype.kind in "ub"
    draw = {"constant": lambda: int(rng.integers(0 if unsigned else -9, 2 if dtype == "bool" else 10)), "linear_ramp": lambda: int(rng.integers(0 if unsigned else -9, 10))}.get(mode)
    extra = {}
    if draw and rng.random() < 0.8:
        extra["constant_values" if mode == "constant" else "end_values"] = pairs(rng, len(shape), draw)
    if mode in ("maximum", "minimum", "mean", "median") and rng.random() < 0.6:
        extra["stat_length"] = pairs(rng, len(shape), lambda: int(rng.integers(1, 9)))
    if mode in ("reflect", "symmetric") and rng.random() < 0.6:
        extra["reflect_type"] = pick(rng, ["even", "odd"])
    if rng.random() < 0.03:
        extra["stat_length" if mode == "constant" else "constant_values"] = 3
    text = "".join(f", {k}={v!r}" for k, v in extra.items())
    return Case(f"pad(x, {width}, '{mode}'{text})", {"x": x}, lambda: np.pad(x, width, mode, **extra), close if rounded else exact)


ORACLES = {"pad": pad}
BITS = {"padded": lambda n: "a = pad(x, 5, 'reflect') * 2; b = sum(pad(x, (700, 3), 'wrap'), axis=0); c = pad(x[:50], (9, 0), 'linear_ramp', end_values=7); d = pad(x, 3, 'edge')[::-1]"}
MEMORY = {"pad": "pad(x, 3, 'reflect')"}
WORKLOADS = ["pad(x, (100, 50)) + 1", "sum(pad(xz, 500, 'symmetric'))", "pad(x, ((200, 5), (0, 0)), 'mean', stat_length=4)", "pad(y, ((7, 9), (0, 0)), 'reflect', reflect_type='odd')"]
FAULTS = {"pad": ("pad(x, 9, 'edge')", "zip", []), "pad mean": ("pad(x, 9, 'mean')", "plain", [])}
