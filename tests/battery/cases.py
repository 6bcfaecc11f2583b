"""Cases of the battery over the table of operations: for each operation how it is called and what NumPy says, over dtypes, shapes, special
values, broadcasting and the ways data is stored. ORACLES has an entry for each operation of the table; a missing one fails a test."""
import math
from dataclasses import dataclass

import numpy as np

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
SHAPES = [(), (1,), (0,), (7,), (1000,), (13, 5), (3, 0, 2), (1, 1, 1), (4, 9, 7), (2, 3, 4, 5), (2, 1, 3, 2, 5), (31, 33), (2, 1) * 3 + (1,) * 25 + (3,)]


@dataclass
class Case:
    text: str
    arrays: dict        # name -> array
    expected: object    # function without arguments: NumPy's result
    check: object       # function of (got, expected)


# ---- how results are compared

def parts(a):
    return np.ascontiguousarray(a).view(np.finfo(a.dtype).dtype) if a.dtype.kind == "c" else a


def exact(got, want, zeros=True):
    """Equal, NaN with NaN, the signs of zeros too unless told."""
    a, b = parts(np.atleast_1d(got)), parts(np.atleast_1d(want))
    same = a == b
    if a.dtype.kind == "f":
        if zeros:
            same &= (a != 0) | (np.signbit(a) == np.signbit(b))
        same |= np.isnan(a) & np.isnan(b)
    assert same.all(), f"{(~same).sum()} of {same.size} differ: {a[~same][:3]}, not {b[~same][:3]}"


def any_zero(got, want):
    exact(got, want, zeros=False)


def near(ulp, absolute=0.0):
    """Within ulp of a reference in long double, half a unit more for the reference's rounding."""

    def check(got, want):
        fine_print = np.finfo(got.dtype)
        wide = np.asarray(want, np.longdouble)
        rounded = wide.astype(got.dtype)
        unit = np.spacing(np.abs(rounded)).astype(np.longdouble)
        error = np.abs(got.astype(np.longdouble) - wide)
        fine = (error <= ulp * unit + absolute * float(fine_print.eps)) | (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        fine |= np.isinf(rounded) & (np.abs(got) >= fine_print.max) & (np.sign(got) == np.sign(rounded))
        fine = np.atleast_1d(fine)
        assert fine.all(), f"beyond {ulp} ulp: {np.atleast_1d(got)[~fine][:3]}, not {np.atleast_1d(rounded)[~fine][:3]}"

    return check


def near_complex(got, want, units=32):
    finite = np.atleast_1d(np.isfinite(want))
    a, b = np.atleast_1d(got)[finite], np.atleast_1d(want)[finite]
    assert (np.abs(a - b) <= units * np.finfo(got.dtype).eps * np.maximum(np.abs(b), np.finfo(got.dtype).tiny)).all(), f"{a[:3]}, not {b[:3]}"
    assert not np.isfinite(np.atleast_1d(got)[~finite]).any()


# ---- data

def specials(d):
    if d.kind == "b":
        return np.array([False, True])
    if d.kind in "iu":
        i = np.iinfo(d)
        return np.array([0, 1, 2, 3, 7, 8, 31, i.max, i.max - 1, i.max // 2, i.min, i.min + 1] + ([-1, -2, -7] if d.kind == "i" else []), d)
    f = np.finfo(d)
    some = [0, 0.5, 1, 1.5, 2, 2.5, 0.1, 7, 128, 1e3, 1e-7, np.pi, f.max, f.tiny, f.smallest_subnormal, f.eps, np.inf, np.nan]
    return np.array([s * float(v) for v in some for s in (1, -1)]).astype(d)


def data(rng, dtype, shape, special=0.3, scale=10.0):
    d = np.dtype(dtype)
    if d.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if d.kind in "iu":
        x = np.asarray(rng.integers(0 if d.kind == "u" else -9, 10, shape)).astype(d)
    elif d.kind == "c":
        return np.asarray(rng.standard_normal(shape) * 3 + 3j * rng.standard_normal(shape)).astype(d)
    else:
        x = np.asarray(rng.standard_normal(shape) * scale).astype(d)
    if special and rng.random() < 0.7:
        x = np.where(rng.random(shape) < special, rng.choice(specials(d), shape), x)
    return np.asarray(x).astype(d)


def near_power(got, want):
    """Complex powers are exp(y log x): errors grow with y log x."""
    near_complex(got, want, units=4096)


def pick(rng, some):
    return some[int(rng.integers(len(some)))]


def shape_of(rng):
    return pick(rng, SHAPES)


def broadcast(rng, shape):
    """A shape that broadcasts with it."""
    if not shape or rng.random() < 0.5:
        return shape
    cut = int(rng.integers(0, len(shape))) if rng.random() < 0.5 else 0
    return tuple(1 if rng.random() < 0.3 else n for n in shape[cut:])


def second(rng, d):
    """Another dtype, the same one half of the time."""
    return d if rng.random() < 0.5 else pick(rng, DTYPES)


# ---- what NumPy says

def unary(name, fn, check=exact, kinds="biufc", special=0.3):
    def make(rng):
        d = pick(rng, [k for k in DTYPES if np.dtype(k).kind in kinds])
        x = data(rng, d, shape_of(rng), special)
        return Case(f"{name}(x)", {"x": x}, lambda: fn(x), check)

    return make


def binary(name, fn, check=exact, kinds="biufc", tame=None):
    def make(rng):
        d = pick(rng, [k for k in DTYPES if np.dtype(k).kind in kinds])
        shape = shape_of(rng)
        x, y = data(rng, d, shape), data(rng, second(rng, d), broadcast(rng, shape))
        if tame:
            x, y = tame(x, y)
        is_complex = "c" in (x.dtype.kind, y.dtype.kind)
        return Case(f"{name}(x, y)", {"x": x, "y": y}, lambda: fn(x, y), near_complex if is_complex and name in ROUNDED_COMPLEX else check)

    return make


ROUNDED_COMPLEX = {"multiply", "divide", "pow", "logaddexp", "isclose"}


def function(name, fn, wide=None, ulp=2.0, absolute=0.0, n_in=1, kinds="biufc"):
    """A transcendental function: dtype and shape from NumPy's, values from its form in long double."""
    wide = wide or fn

    def make(rng):
        d = pick(rng, [k for k in DTYPES if np.dtype(k).kind in kinds])
        shape = shape_of(rng)
        arrays = {"x": data(rng, d, shape)}
        if n_in == 2:
            arrays["y"] = data(rng, second(rng, d), broadcast(rng, shape))

        def expected():
            out = fn(*arrays.values())
            if out.dtype.kind != "f":
                return out
            value = wide(*[a.astype(np.clongdouble) if a.dtype.kind == "c" else a.astype(out.dtype).astype(np.longdouble) for a in arrays.values()])
            return np.asarray(value, np.longdouble), out.dtype

        def check(got, want):
            (near_power if got.dtype.kind == "c" and name == "pow" else near_complex if got.dtype.kind == "c" else exact if got.dtype.kind in "biu" else near(ulp, absolute))(got, want)

        return Case(f"{name}({', '.join(arrays)})", arrays, expected, check)

    return make


def axes_of(rng, ndim, several=True):
    """(text, value) of an axis argument."""
    if ndim == 0 or rng.random() < 0.25:
        return "", None
    n = int(rng.integers(1, ndim + 1)) if several and rng.random() < 0.5 else 1
    axes = tuple(int(v) - (ndim if rng.random() < 0.3 else 0) for v in rng.choice(ndim, n, replace=False))
    return (f", axis={axes[0]}", axes[0]) if n == 1 else (f", axis={axes}", axes)


def reduction(name, fn=None, several=True, check=exact, special=0.1, **keywords):
    """Keywords: name -> list of values to choose from (None: left out)."""
    fn = fn or getattr(np, name)

    def make(rng):
        x = data(rng, pick(rng, DTYPES), shape_of(rng), special)
        text, axis = axes_of(rng, x.ndim, several)
        args = {}
        if rng.random() < 0.3:
            args["keepdims"] = True
        for word, values in keywords.items():
            value = pick(rng, values)
            if value is not None:
                args[word] = value
        words = "".join(f", {k}={v}" for k, v in args.items())
        args = {"ddof" if k == "correction" else k: v for k, v in args.items()}
        return Case(f"{name}(x{text}{words})", {"x": x}, lambda: fn(x, axis=axis, **args), check)

    return make


def within(bound, got, value, source, axis, rest):
    """Near what a reduction of source (long double) gives, by the bound of blocked summation."""
    n = max(1, math.prod(source.shape[a] for a in ((axis,) if isinstance(axis, int) else axis or range(source.ndim))))
    steps = min(n, 160 + math.log2(n)) + 8
    # float16 is summed in float32
    eps = float(np.finfo(got.dtype).eps) if got.dtype != np.float16 else 2.0**-23
    keep = bool(rest.get("keepdims"))
    with np.errstate(all="ignore"):
        allowed = np.asarray(bound(source, axis, keep, steps * eps, rest)) + 2 * np.abs(value) * float(np.finfo(got.dtype).eps)
        allowed = allowed + float(np.finfo(got.dtype).smallest_subnormal)
        rounded = value.astype(got.dtype)
        fine = (np.abs(got.astype(value.dtype) - value) <= allowed) | (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    if got.dtype.kind == "c":
        fine |= ~np.isfinite(rounded) & ~np.isfinite(got)
    fine = np.atleast_1d(fine)
    assert fine.all(), f"beyond the error bound: {np.atleast_1d(got)[~fine][:3]}, not {np.atleast_1d(value)[~fine][:3]}"


def summation(name, fn, bound):
    """Sums and what is made of them: the exact value in long double, and the error bound of any order of blocked summation."""

    def make(rng):
        x = data(rng, pick(rng, DTYPES), shape_of(rng), 0)
        if x.dtype.kind == "f" and rng.random() < 0.3 and x.size:
            x = np.where(rng.random(x.shape) < 0.05, rng.choice([np.nan, np.inf, -np.inf], x.shape), x).astype(x.dtype)
        text, axis = axes_of(rng, x.ndim)
        args = {"keepdims": True} if rng.random() < 0.3 else {}
        if "var" in name or "std" in name:
            ddof = pick(rng, [None, 0, 1, 0.5])
            if ddof is not None:
                args["ddof"] = ddof
        elif rng.random() < 0.2 and x.dtype.kind != "c":
            args["dtype"] = pick(rng, ["float64", "float32"])
        words = "".join(f", {'correction' if k == 'ddof' else k}={v}" for k, v in args.items())

        def expected():
            out = fn(x, axis=axis, **args)
            if out.dtype.kind in "biu":
                return out
            wide = np.clongdouble if x.dtype.kind == "c" else np.longdouble
            source = x.astype(args.get("dtype", x.dtype)).astype(wide)
            rest = {k: v for k, v in args.items() if k != "dtype"}
            return (fn(source, axis=axis, **rest), source, axis, rest), out.dtype

        def check(got, want):
            return exact(got, want) if got.dtype.kind in "biu" else within(bound, got, *want)

        return Case(f"{name}(x{text}{words})", {"x": x}, expected, check)

    return make


def sum_bound(x, axis, keep, e, rest):
    return e * np.nansum(np.abs(x), axis=axis, keepdims=keep)


def mean_bound(x, axis, keep, e, rest):
    return e * np.nanmean(np.abs(x), axis=axis, keepdims=keep)


def prod_bound(x, axis, keep, e, rest):
    return e * np.abs(np.nanprod(x, axis=axis, keepdims=keep))


def var_bound(x, axis, keep, e, rest):
    scale = np.nanmean(np.abs(x), axis=axis, keepdims=keep)
    return 2 * e * np.nanvar(x, axis=axis, **rest) + (e * scale) ** 2 * 4


def std_bound(x, axis, keep, e, rest):
    scale = np.nanmean(np.abs(x), axis=axis, keepdims=keep)
    return 2 * e * np.nanstd(x, axis=axis, **rest) + e * scale * 2


def shift(x, y):
    """Counts of shifts are not negative: NumPy says nothing of those."""
    y = np.where(y < 0, ~y, y).astype(y.dtype) if y.dtype.kind == "i" else y
    return x, y


def positive_powers(x, y):
    return shift(x, y) if x.dtype.kind in "biu" and y.dtype.kind in "biu" else (x, y)


def like(value, values):
    """Values of a function that NumPy has not, with the dtype that cbrt gives."""
    return np.vectorize(values, otypes=[float])(value)


def erf(x):
    return np.asarray(like(x, math.erf)) if x.dtype == np.longdouble else np.cbrt(x)


def lgamma(x):
    def one(v):
        v = float(v)
        if math.isinf(v) or (v <= 0 and v == math.floor(v)):
            return math.inf
        return math.lgamma(v) if not math.isnan(v) else v

    def guarded(v):
        try:
            return one(v)
        except OverflowError:
            return math.inf

    return np.asarray(like(x, guarded)) if x.dtype == np.longdouble else np.cbrt(x)

