"""Stencils against scipy.ndimage."""
import numpy as np
from cases import Case, any_zero, data, exact, parts, pick
from scipy import ndimage

KINDS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 float64 float64".split()
SHAPES = [(1,), (0,), (7,), (1000,), (13, 5), (3, 0, 2), (1, 1, 1), (4, 9, 7), (2, 3, 4, 5), (2, 1, 3, 2, 5), (31, 33), (200, 70), (64, 300)]
COMPLEX = KINDS + ["complex64", "complex128"] * 2
MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-wrap", "grid-constant"]


def values(rng, shape=None, kinds=KINDS):
    """Values that sums of weighted neighbours keep in range: SciPy casts what is not as the machine likes."""
    d = np.dtype(pick(rng, kinds))
    shape = pick(rng, SHAPES) if shape is None else shape
    if d.kind in "fc":
        return data(rng, d, shape, special=0)
    return rng.integers(0 if d.kind == "u" else -3, 4, shape).astype(d)


def near(scale, whole=0):
    """Floats within `scale` ulp of the largest value; integers within `whole`."""

    def check(got, want):
        got, want = parts(np.atleast_1d(got)), parts(np.atleast_1d(want))
        if got.dtype.kind in "biu":
            assert (np.abs(got.astype(object) - want.astype(object)) <= whole).all(), f"{got[got != want][:3]}, not {want[got != want][:3]}"
            return
        fine = np.isfinite(want)
        some = np.abs(want[fine])
        allowed = scale * np.finfo(got.dtype).eps * (some.max() if some.size else 0) + np.finfo(got.dtype).tiny
        assert (np.abs(got - want)[fine] <= allowed).all(), f"off by {np.abs(got - want)[fine].max()}, allowed {allowed}"
        exact(got[~fine], want[~fine])

    return check


def written(words):
    return "".join(f", {k}={v!r}" for k, v in words.items())


def some_axes(rng, ndim):
    """Keyword axes, now and then, and how many are filtered."""
    if ndim < 2 or rng.random() < 0.6:
        return {}, ndim
    axes = [int(a) for a in rng.permutation(ndim)[: int(rng.integers(1, ndim + 1))]]
    return {"axes": tuple(a - ndim if rng.random() < 0.3 else a for a in axes)}, len(axes)


def edges(rng, ndim, single=False):
    words = {}
    if rng.random() < 0.8:
        words["mode"] = pick(rng, MODES) if single or rng.random() < 0.7 else tuple(pick(rng, MODES) for _ in range(ndim))
        if isinstance(words["mode"], tuple) and len(words["mode"]) == 1:
            words["mode"] = words["mode"][0]
    if rng.random() < 0.4:
        words["cval"] = pick(rng, [0.0, 1.0, 2.0, -1.0])
    return words


def output(rng, x):
    kinds = ["complex128", "complex64"] if x.dtype.kind == "c" else ["float64", "float32", "int32"]
    return {"output": pick(rng, kinds)} if rng.random() < 0.15 else {}


def per_axis(rng, ndim, one):
    return one() if rng.random() < 0.5 or ndim == 1 else tuple(one() for _ in range(ndim))


def call(name, x, words, check, *positional):
    first = "".join(f", {v!r}" for v in positional)
    if "cval" in words and words["cval"] < 0 and x.dtype.kind == "u":
        words["cval"] = 1.0
    if "cval" in words and x.dtype.kind == "c":
        words["cval"] = complex(words["cval"], 2)

    def expected():
        if "constant" not in str(words.get("mode")) and x.size == 0:
            complex_weights = any(np.iscomplexobj(p) for p in positional)
            return np.zeros(x.shape, words.get("output", np.promote_types(x.dtype, np.complex64) if complex_weights else x.dtype))
        plain = {k: list(v) if isinstance(v, tuple) and k == "mode" else v for k, v in words.items()}
        return getattr(ndimage, name)(x, *positional, **plain)

    return Case(f"{name}(x{first}{written(words)})", {"x": x}, expected, check)


def weighted(rng, name, x, words, w):
    """Weights written out, or an array; complex ones too."""
    check = any_zero
    if x.dtype.kind in "fc" and rng.random() < 0.2:
        w = w + 1j * rng.integers(-2, 3, w.shape)
        words.pop("output", None)
        check = near(64)
    case = call(name, x, words, check, w)
    rest = written(words)
    if rng.random() < 0.5:
        return Case(f"{name}(x, {w.tolist()!r}{rest})", {"x": x}, case.expected, check)
    return Case(f"{name}(x, w{rest})", {"x": x, "w": w}, case.expected, check)


def one_axis(name):
    def make(rng):
        x = values(rng, kinds=COMPLEX)
        n = int(rng.integers(1, 9))
        kind = int(rng.integers(3))
        w = [float(v) for v in rng.integers(-2, 3, n)] if rng.random() < 0.5 else [round(float(v), 3) for v in rng.standard_normal(n)]
        if kind == 1:
            w = w + w[-2::-1]
        elif kind == 2:
            w = w + [0.0] + [-v for v in w[::-1]]
        words = {"axis": int(rng.integers(-x.ndim, x.ndim)), **edges(rng, x.ndim, True), **output(rng, x)}
        if rng.random() < 0.5:
            low, high = -(len(w) // 2), (len(w) - 1) // 2
            if name == "convolve1d" and len(w) % 2 == 0:
                low, high = -high - 1, -low - 1
            words["origin"] = int(rng.integers(low, high + 1))
        return weighted(rng, name, x, words, np.array(w))

    return make


NO_UINT64 = [k for k in KINDS if k != "uint64"]  # between steps SciPy wraps what is below 0, beyond the precision of float64


def differences(name):
    def make(rng):
        x = values(rng, kinds=COMPLEX if name == "laplace" else NO_UINT64 + ["complex64", "complex128"])
        axes, ndim = some_axes(rng, x.ndim) if name == "laplace" else ({}, x.ndim)
        words = {**edges(rng, ndim), **output(rng, x), **axes}
        if name != "laplace" and rng.random() < 0.7:
            words["axis"] = int(rng.integers(-x.ndim, x.ndim))
        return call(name, x, words, any_zero)

    return make


def gaussian(rng):
    x = values(rng, kinds=NO_UINT64 + ["complex64", "complex128"])
    axes, ndim = some_axes(rng, x.ndim)
    words = {**edges(rng, ndim), **output(rng, x), **axes}
    sigma = per_axis(rng, ndim, lambda: pick(rng, [0.0, 0.5, 1.0, 1.7, 3.0]))
    if rng.random() < 0.4:
        words["order"] = per_axis(rng, ndim, lambda: int(rng.integers(0, 4)))
    if rng.random() < 0.3:
        words["radius"] = per_axis(rng, ndim, lambda: int(rng.integers(0, 9)))
    elif rng.random() < 0.3:
        words["truncate"] = pick(rng, [1.0, 2.5, 6.0])
    return call("gaussian_filter", x, words, near(64, whole=x.ndim), sigma)


def box(name, check):
    def make(rng):
        x = values(rng, kinds=COMPLEX if name == "uniform_filter" else KINDS)
        axes, ndim = some_axes(rng, x.ndim)
        words = {**edges(rng, ndim), **output(rng, x), **axes}
        big = pick(rng, [8, 8, 60]) if x.ndim < 3 else 8
        size = per_axis(rng, ndim, lambda: int(rng.integers(1, big)))
        if rng.random() < 0.4:
            words["origin"] = tuple(int(rng.integers(-(n // 2), (n - 1) // 2 + 1)) for n in (size if isinstance(size, tuple) else (size,) * ndim))
            if ndim == 1:
                words["origin"] = words["origin"][0]
        return call(name, x, words, check, size)

    return make


def direct(name):
    def make(rng):
        x = values(rng, kinds=COMPLEX)
        axes, ndim = some_axes(rng, x.ndim)
        words = {**edges(rng, ndim, True), **output(rng, x), **axes}
        shape = tuple(int(rng.integers(1, 5 if x.ndim > 2 else 9)) for _ in range(ndim))
        w = rng.integers(-2, 3, shape).astype(float) if rng.random() < 0.5 else rng.standard_normal(shape).round(3)
        if rng.random() < 0.4:
            words["origin"] = tuple(int(rng.integers(-((n - 1) // 2), (n - 1) // 2 + 1)) for n in shape)
            if sorted(a % x.ndim for a in axes.get("axes", ())) != [a % x.ndim for a in axes.get("axes", ())] or ndim == 1:
                words["origin"] = words["origin"][0]  # of axes not in order, SciPy turns origins round for others than it moves
                if not all(-((n - 1) // 2) <= words["origin"] <= (n - 1) // 2 for n in shape):
                    words["origin"] = 0
        return weighted(rng, name, x, words, w)

    return make


def ranked(name):
    def make(rng):
        x = values(rng)
        words = {**edges(rng, x.ndim, True), **output(rng, x)}
        big = 12 if x.ndim < 3 else 4
        size = per_axis(rng, x.ndim, lambda: int(rng.integers(1, big)))
        sizes = size if isinstance(size, tuple) else (size,) * x.ndim
        words["size"] = size
        if rng.random() < 0.4:
            words["origin"] = tuple(int(rng.integers(-(n // 2), (n - 1) // 2 + 1)) for n in sizes)
            if x.ndim == 1:
                words["origin"] = words["origin"][0]
        what = []
        if name == "rank_filter":
            what = [int(rng.integers(-int(np.prod(sizes)), int(np.prod(sizes))))]
        elif name == "percentile_filter":
            what = [pick(rng, [0, 10, 25.5, 50, 99, 100, -20])]
        case = call(name, x, words, exact, *what)
        if x.ndim > 1:
            return case
        flat = {**words, "size": (1, size), "origin": (0, words.get("origin", 0))}  # SciPy 1.17's own code for one axis writes beyond its buffers
        rows = call(name, x[None], flat, exact, *what)
        return Case(case.text, {"x": x}, lambda: rows.expected()[0], exact)

    return make


ORACLES = {
    "correlate": direct("correlate"), "convolve": direct("convolve"), **{name: ranked(name) for name in ("median_filter", "rank_filter", "percentile_filter")},
    "correlate1d": one_axis("correlate1d"), "convolve1d": one_axis("convolve1d"),
    **{name: differences(name) for name in ("laplace", "sobel", "prewitt")},
    "gaussian_filter": gaussian,
    "uniform_filter": box("uniform_filter", near(256)), "minimum_filter": box("minimum_filter", exact), "maximum_filter": box("maximum_filter", exact),
}
BITS = {
    "stencils": lambda n: "a = laplace(laplace(x, mode='mirror')) + x; b = sum(gaussian_filter(x, 1.5, mode='wrap'), axis=0); c = uniform_filter(x, 5, mode='nearest')[::-1]",
    "weighted": lambda n: "a = correlate(x, " + "[" * n + "1, 2, -0.5" + "]" * n + ", mode='wrap'); b = sum(median_filter(x, 3), axis=0); c = rank_filter(x, 7, 9)[::2]",
    "long boxes": lambda n: "a = uniform_filter(x, 45, mode='wrap'); b = maximum_filter(x, 41) + sobel(x, 0, mode='constant')",
}
MEMORY = {"correlate": "correlate(x, [[1, 2, 1], [0, 3, 0]])", "convolve": "convolve(x, y[:4, :5])", "median_filter": "median_filter(x[:900], 3)",
          "rank_filter": "rank_filter(x[:300], 2, 9)", "percentile_filter": "percentile_filter(x[:900], 20, (3, 5))", "correlate1d": "correlate1d(x, (1.0, 2.0, 3.0))", "convolve1d": "convolve1d(x, (1.0, 2.0, 3.0), 0)", "gaussian_filter": "gaussian_filter(x, 3)",
          "uniform_filter": "uniform_filter(x, 9)", "minimum_filter": "minimum_filter(x, 5)", "maximum_filter": "maximum_filter(x, 40)"}
WORKLOADS = ["laplace(laplace(laplace(x)))", "gaussian_filter(xz, 2)", "mean(sobel(x, 0) + sobel(y, 1))"]
FAULTS = {"stencil": ("gaussian_filter(x, 2) + laplace(x, mode='wrap')", "zip", [])}
