"""Moving windows against bottleneck."""
import bottleneck as bn
import numpy as np
from cases import Case, any_zero, data, exact, pick

KINDS = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 float64 float64".split()
SHAPES = [(1,), (7,), (1000,), (13, 5), (3, 4, 2), (1, 1, 1), (4, 9, 7), (2, 3, 4, 5), (31, 33), (200, 70), (64, 300), (300, 9)]


def values(rng, shape):
    """Few different numbers, or many; NaN in some."""
    d = np.dtype(pick(rng, KINDS))
    if d.kind == "b":
        return rng.random(shape) < 0.5
    if d.kind in "iu":
        low, high = (0 if d.kind == "u" else -100), pick(rng, [4, 101])
        return rng.integers(low, high, shape).astype(d)
    x = data(rng, d, shape, special=0) if rng.random() < 0.7 else rng.integers(-2, 3, shape).astype(d)
    if rng.random() < 0.6:
        x[rng.random(shape) < pick(rng, [0.02, 0.3, 0.9])] = np.nan
    return x


def within(scale, power=1):
    """Floats within `scale` ulp of what errors are measured by, or their squares; NaN and infinities where bottleneck has them."""

    def check(got, want):
        want, unit = want
        fine = np.isfinite(want)
        exact(got[~fine], want[~fine])
        error, allowed = np.abs(got.astype(float) ** power - want.astype(float) ** power)[fine], scale * np.finfo(got.dtype).eps * unit
        assert error.size == 0 or error.max() <= allowed, f"off by {error.max()}, allowed {allowed}"

    return check


def of_order(power):
    """What errors of bottleneck's running sums of powers are measured by."""
    return lambda x, n: n * float(np.nanmax(np.abs(x.astype(float)), initial=1)) ** power


def moving(name, check, unit=None, ddof=False):
    """unit: None where results are bottleneck's to the bit."""

    def make(rng):
        x = values(rng, pick(rng, SHAPES))
        axis = int(rng.integers(-x.ndim, x.ndim))
        n = x.shape[axis]
        window = int(rng.integers(1, n + 1)) if rng.random() < 0.4 else min(n, int(rng.integers(1, 9)))
        words = {} if axis == -1 and rng.random() < 0.5 else {"axis": axis}
        if rng.random() < 0.6:
            words["min_count"] = int(rng.integers(1, window + 1))
        if ddof and rng.random() < 0.5:
            words["ddof"] = int(rng.integers(0, words.get("min_count", window)))

        def expected():
            want = getattr(bn, "move_" + name)(x if x.dtype.kind == "f" else x.astype(float), window, **words)
            return ((want, unit(x, n)), want.dtype) if unit else want

        return Case(f"move_{name}(x, {window}" + "".join(f", {k}={v}" for k, v in words.items()) + ")", {"x": x}, expected, check)

    return make


ORACLES = {
    "move_sum": moving("sum", within(4), of_order(1)), "move_mean": moving("mean", within(4), of_order(1)),
    "move_var": moving("var", within(16), of_order(2), ddof=True), "move_std": moving("std", within(16, power=2), of_order(2), ddof=True),
    "move_min": moving("min", exact), "move_max": moving("max", exact), "move_argmin": moving("argmin", exact), "move_argmax": moving("argmax", exact),
    "move_median": moving("median", any_zero), "move_rank": moving("rank", within(4), lambda x, n: 1.0),
}
BITS = {
    "windows": lambda n: "a = move_sum(x, 30, 2, 0); b = move_mean(x, 7, 3); c = move_var(x, 35, 5, 0) + move_std(x, 9); d = sum(move_min(x, 40), axis=0)",
    "places in windows": lambda n: "a = move_argmax(x, 30, 2, 0); b = move_median(x, 8, 3, 0)[::-1] - move_median(x, 33); c = move_rank(x, 9, axis=0)",
}
MEMORY = {f"move_{name}": f"move_{name}(x, {window}, axis={axis})"
          for name, window, axis in [("sum", 9, 0), ("mean", 1000, 1), ("var", 500, 0), ("std", 100, 1), ("min", 70, 0), ("max", 20, 1), ("argmin", 10, 0),
                                     ("argmax", 300, 1), ("median", 10, 0), ("rank", 10, 1)]}
WORKLOADS = ["move_median(xz[:900, :1100], 100, axis=0)", "mean(move_sum(x, 600, axis=0) - move_sum(y, 600))", "move_std(xz, 40, 3)"]
FAULTS = {"window": ("move_var(x, 20) + move_median(x, 70)", "zip", [])}
