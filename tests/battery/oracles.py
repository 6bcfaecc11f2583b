"""ORACLES: operation of the table -> function of a random generator that makes a Case."""
import numpy as np
from cases import (DTYPES, Case, any_zero, axes_of, binary, data, erf, exact, function, lgamma, mean_bound, near, near_complex, pick, positive_powers,
                   prod_bound, reduction, second, shape_of, shift, std_bound, sum_bound, summation, unary, var_bound, broadcast)

from families import gather

ORACLES = {}


def near_if_complex(got, want):
    """Moduli are hypotenuses, within an ulp, as NumPy's are; all else is exact."""
    exact(got, want) if got.dtype.kind != "f" else near(2)(got, want)


ORACLES["abs"] = unary("abs", np.abs, near_if_complex)
for name in "ceil conj floor imag isfinite isinf isnan logical_not negative positive real rint sign signbit trunc fabs isneginf isposinf".split():
    ORACLES[name] = unary(name, getattr(np, name))
ORACLES["bitwise_invert"] = unary("bitwise_invert", np.invert)


def square(x):
    """NumPy's loop over complex numbers contracts: these are the products as they are written."""
    if x.dtype.kind != "c":
        return np.square(x)
    out = np.empty_like(x)
    out.real, out.imag = x.real * x.real - x.imag * x.imag, x.real * x.imag + x.imag * x.real
    return out


ORACLES["square"] = unary("square", square, any_zero)
ORACLES["reciprocal"] = unary("reciprocal", np.reciprocal, exact)
ORACLES["sqrt"] = unary("sqrt", np.sqrt, near(0.5))
for name in ("deg2rad", "rad2deg"):
    ORACLES[name] = unary(name, getattr(np, name), near(1))

for name in "add subtract divide copysign nextafter fmod less less_equal equal not_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor".split():
    ORACLES[name] = binary(name, getattr(np, name))
for name in "remainder floor_divide maximum minimum fmax fmin multiply".split():  # NumPy's zeros have signs by its vector width
    ORACLES[name] = binary(name, getattr(np, name), any_zero)
ORACLES["bitwise_left_shift"] = binary("bitwise_left_shift", np.left_shift, tame=shift)
ORACLES["bitwise_right_shift"] = binary("bitwise_right_shift", np.right_shift, tame=shift)

for name in "sin cos tan sinh cosh tanh exp exp2 expm1 log log10 log1p log2 cbrt".split():
    ORACLES[name] = function(name, getattr(np, name))
for name in "sin cos tan sinh cosh tanh".split():
    ORACLES["a" + name] = function("a" + name, getattr(np, "arc" + name))
ORACLES["hypot"] = function("hypot", np.hypot, n_in=2)
ORACLES["atan2"] = function("atan2", np.arctan2, n_in=2)
ORACLES["logaddexp"] = function("logaddexp", np.logaddexp, n_in=2, absolute=1)
ORACLES["erf"] = function("erf", erf, ulp=4)
ORACLES["lgamma"] = function("lgamma", lgamma, ulp=4, absolute=128)
ORACLES["angle"] = function("angle", np.angle, ulp=2)


def power(rng):
    whole = rng.random() < 0.5
    if whole:
        return binary("pow", np.power, exact, kinds="biu", tame=positive_powers)(rng)
    return function("pow", np.power, n_in=2, kinds="f")(rng)


def pow_case(rng):
    """Integers to powers of integers are exact; others are functions."""
    case = power(rng)
    x, y = case.arrays["x"], case.arrays["y"]
    out = np.result_type(x, y)
    if out.kind == "f" and case.check is exact:
        return pow_case(rng)
    if y.dtype == np.int64 and np.isinf(x).any():     # glibc's powl(-inf, -2**63), the reference, is inf; NumPy's float64 has the right 0
        case.arrays["y"] = np.where(y == np.iinfo(y.dtype).min, y.dtype.type(-8), y)
    return case


ORACLES["pow"] = pow_case

for name in ("max", "min", "ptp"):
    ORACLES[name] = reduction(name, check=any_zero)
for name in ("any", "all"):
    ORACLES[name] = reduction(name)
for name in ("argmax", "argmin"):
    ORACLES[name] = reduction(name, several=False)
ORACLES["count_nonzero"] = reduction("count_nonzero", lambda x, **k: np.asarray(np.count_nonzero(x, **k)))
for name in ("nanmax", "nanmin"):
    ORACLES[name] = reduction(name, check=any_zero)
for name in ("nanargmax", "nanargmin"):
    ORACLES[name] = reduction(name, several=False, special=0.02)
for name, bound in dict(sum=sum_bound, mean=mean_bound, prod=prod_bound, var=var_bound, std=std_bound).items():
    ORACLES[name] = summation(name, getattr(np, name), bound)
    ORACLES["nan" + name] = summation("nan" + name, getattr(np, "nan" + name), bound)


def rounded(rng):
    x = data(rng, pick(rng, DTYPES), shape_of(rng), scale=1e3)
    d = pick(rng, [None, 0, 0, 1, 2, -1])
    if d == -1 and x.dtype.kind in "iu":  # beyond the range C says nothing
        x = data(rng, x.dtype, x.shape, special=0)
    return Case("round(x)" if d is None else f"round(x, {d})", {"x": x}, lambda: np.round(x, d or 0), exact if x.dtype.kind != "c" else near_complex)


ORACLES["round"] = rounded


def where(rng):
    shape = shape_of(rng)
    d = pick(rng, DTYPES)
    arrays = {"c": data(rng, pick(rng, ["bool", "bool", "int8", "float64"]), broadcast(rng, shape)), "x": data(rng, d, shape),
              "y": data(rng, second(rng, d), broadcast(rng, shape))}
    return Case("where(c, x, y)", arrays, lambda: np.where(*arrays.values()), exact)


def clip(rng):
    shape, d = shape_of(rng), pick(rng, DTYPES)
    x = data(rng, d, shape)
    lo, hi = pick(rng, [("None", None), ("0", 0), ("2", 2)]), pick(rng, [("None", None), ("5", 5), ("100", 100)])
    if d == "bool" or rng.random() < 0.3:
        arrays = {"x": x, "a": data(rng, second(rng, d), broadcast(rng, shape)), "b": data(rng, second(rng, d), broadcast(rng, shape))}
        return Case("clip(x, a, b)", arrays, lambda: np.clip(x, arrays["a"], arrays["b"]), any_zero)
    return Case(f"clip(x, {lo[0]}, {hi[0]})", {"x": x}, lambda: np.clip(x, lo[1], hi[1]), any_zero)


def isclose(rng):
    shape, d = shape_of(rng), pick(rng, [k for k in DTYPES if k[:3] not in ("boo", "com")])
    x = data(rng, d, shape)
    y = np.where(rng.random(shape) < 0.5, x, data(rng, d, shape)).astype(d)
    equal_nan = bool(rng.random() < 0.5)
    return Case(f"isclose(x, y, equal_nan={equal_nan})", {"x": x, "y": y}, lambda: np.isclose(x, y, equal_nan=equal_nan), exact)


def nan_to_num(rng):
    x = data(rng, pick(rng, DTYPES), shape_of(rng))
    text, args = pick(rng, [("", {}), (", nan=1.5", {"nan": 1.5}), (", nan=2.0, posinf=3.0, neginf=-4.0", {"nan": 2.0, "posinf": 3.0, "neginf": -4.0})])
    return Case(f"nan_to_num(x{text})", {"x": x}, lambda: np.asarray(np.nan_to_num(x, **args)), exact)


ORACLES.update(where=where, clip=clip, isclose=isclose, nan_to_num=nan_to_num)


# ---- creation: no input but for the _like forms

def arange(rng):
    start, stop, step = (int(v) for v in (rng.integers(-20, 20), rng.integers(-20, 60), pick(rng, [1, 2, 3, -1, -4])))
    args = pick(rng, [(abs(stop),), (start, stop), (start, stop, step), (start / 2, stop / 4, step / 8)])
    d = pick(rng, [None, "float32", "int64", "int16"]) if all(isinstance(a, int) for a in args) else None
    words = f", dtype={d}" if d else ""
    return Case(f"arange({', '.join(map(str, args))}{words})", {}, lambda: np.arange(*args, dtype=d), near_or_exact)


def linspace(rng):
    a, b, n, end = float(rng.integers(-9, 9)), float(rng.integers(-9, 9)) / 3, int(rng.integers(0, 70)), bool(rng.random() < 0.7)
    return Case(f"linspace({a}, {b!r}, {n}, endpoint={end})", {}, lambda: np.linspace(a, b, n, endpoint=end), near_or_exact)


def near_or_exact(got, want):
    near(2, 16)(got, want) if got.dtype.kind == "f" else exact(got, want)


def eye(rng):
    n, m, k = int(rng.integers(0, 30)), pick(rng, [None, 0, 1, 17]), int(rng.integers(-20, 20))
    d = pick(rng, DTYPES)
    return Case(f"eye({n}, {m}, {k}, dtype={d!r})", {}, lambda: np.eye(n, m, k, d), exact)


def made(name, fn):
    def make(rng):
        shape, d = shape_of(rng), pick(rng, DTYPES)
        like = name.endswith("_like")
        value = (pick(rng, [1, 0, 7]),) if "full" in name else ()
        x = data(rng, pick(rng, DTYPES), shape)
        first = "x" if like else repr(tuple(int(n) for n in shape))
        word, args = (f", dtype={d!r}", {"dtype": d}) if rng.random() < 0.6 else ("", {})
        text = f"{name}({first}{''.join(f', {v}' for v in value)}{word})"
        return Case(text, {"x": x} if like else {}, lambda: fn(x if like else shape, *value, **args), exact)

    return make


ORACLES.update(arange=arange, linspace=linspace, eye=eye)
for name in "zeros ones full zeros_like ones_like full_like".split():
    ORACLES[name] = made(name, getattr(np, name))


# ---- manipulation

def moved(name, arguments, fn=None):
    """arguments(rng, x): (text, positional arguments)."""

    def make(rng):
        x = data(rng, pick(rng, DTYPES), shape_of(rng))
        text, args = arguments(rng, x)
        return Case(f"{name}(x{text})", {"x": x}, lambda: np.ascontiguousarray((fn or getattr(np, name))(x, *args)).reshape((fn or getattr(np, name))(x, *args).shape),
                    exact)

    return make


def some_axes(n):
    def arguments(rng, x):
        axes = [int(rng.integers(-x.ndim, x.ndim)) if x.ndim else 0 for _ in range(n)]
        return "".join(f", {a}" for a in axes), axes

    return arguments


def permutation(rng, x):
    if rng.random() < 0.3:
        return "", ()
    axes = tuple(int(v) for v in rng.permutation(x.ndim))
    return f", axes={axes}", (axes,)


def flipped(rng, x):
    text, axis = axes_of(rng, x.ndim)
    return text, (axis,)


def squeezed(rng, x):
    ones = [i for i, n in enumerate(x.shape) if n == 1]
    return (f", axis={ones[0]}", (ones[0],)) if ones and rng.random() < 0.5 else ("", ())


def astype(rng):
    x = data(rng, pick(rng, DTYPES), shape_of(rng), special=0)
    if x.dtype.kind in "iub":
        x = data(rng, x.dtype, x.shape)
    d = pick(rng, [k for k in DTYPES if x.dtype.kind != "c" or k[0] in "cb"])
    if x.dtype.kind == "f" and np.dtype(d).kind == "u":
        x = np.abs(x)
    if x.dtype.kind == "f" and np.dtype(d).kind in "iu":
        x = np.clip(x, -100, 100).astype(x.dtype)  # beyond the range C says nothing
    return Case(f"astype(x, {d!r})", {"x": x}, lambda: x.astype(d), exact)


def broadcast_to(rng):
    shape = shape_of(rng)
    x = data(rng, pick(rng, DTYPES), broadcast(rng, shape))
    return Case(f"broadcast_to(x, {tuple(shape)})", {"x": x}, lambda: np.array(np.broadcast_to(x, shape)), exact)


def expand_dims(rng):
    x = data(rng, pick(rng, DTYPES), shape_of(rng))
    if x.ndim == 32:
        x = x[0]
    axis = int(rng.integers(-x.ndim - 1, x.ndim + 1))
    return Case(f"expand_dims(x, {axis})", {"x": x}, lambda: np.expand_dims(x, axis), exact)


ORACLES.update(
    astype=astype, broadcast_to=broadcast_to, expand_dims=expand_dims, flip=moved("flip", flipped), squeeze=moved("squeeze", squeezed),
    moveaxis=moved("moveaxis", some_axes(2)), swapaxes=moved("swapaxes", some_axes(2)), permute_dims=moved("permute_dims", permutation, np.transpose),
    matrix_transpose=moved("matrix_transpose", lambda rng, x: ("", ()), lambda x: np.matrix_transpose(x)))

ORACLES.update(gather("ORACLES"))
