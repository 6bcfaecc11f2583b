"""Every kernel against NumPy: all functions, dtypes, casts and reductions at every instruction set level, on special values crossed with each
other and on random ones. Exact, but for transcendental functions: those within 2 ulp of a wider type's result."""
import ctypes
import os
import subprocess

import numpy as np
import pytest

ORACLE = os.path.join(os.environ.get("CHUNK_TESTBIN", "build/dev/tests"), "kern_oracle")
NAMES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
DTYPES = [np.dtype(n) for n in NAMES]
COMPUTED = [d for d in DTYPES if d.name != "float16"]
LEVELS = ["c", "avx2", "avx512"]


class Oracle:
    def __init__(self):
        self.process = subprocess.Popen([ORACLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(b"list\n")
        self.process.stdin.flush()
        self.fns, self.reds = self.names(), self.names()

    def names(self):
        found = {}
        while line := self.process.stdout.readline().split():
            found.setdefault(line[1].decode(), []).append((int(line[0]), int(line[2])))
        return found

    def ask(self, line, *arrays):
        self.process.stdin.write(line.encode() + b"\n" + b"".join(a.tobytes() for a in arrays))
        self.process.stdin.flush()
        n = int(self.process.stdout.readline())
        return self.process.stdout.read(n)

    def map(self, fn, *arrays, out=None, nth=0):
        """out: the dtype that is written. None where there is no such kernel."""
        d = arrays[1 if fn == "where" else 0].dtype
        got = self.ask(f"map {self.fns[fn][nth][0]} {NAMES.index(d.name)} {arrays[0].size}", *arrays)
        return np.frombuffer(got, out) if got or not arrays[0].size else None

    def red(self, way, red, a, split, out, param=0.0):
        got = self.ask(f"{way} {self.reds[red][0][0]} {NAMES.index(a.dtype.name)} {a.shape[0]} {a.shape[1]} {split} {param}", a)
        return np.frombuffer(got, out) if got else None


@pytest.fixture(scope="module", params=LEVELS)
def oracle(request):
    o = Oracle()
    if o.ask(f"isa {LEVELS.index(request.param)}").decode() != request.param:
        pytest.skip(f"this machine has no {request.param}")
    yield o
    o.process.stdin.close()
    assert o.process.wait() == 0


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def specials(d):
    if d.kind == "b":
        return np.array([False, True])
    if d.kind in "iu":
        i = np.iinfo(d)
        near = [0, 1, 2, 3, 5, 7, 8, 10, 31, 63, 64, 100, i.max, i.max - 1, i.max // 2, i.max // 3, i.min, i.min + 1]
        return np.array(near + ([-1, -2, -3, -7, -8, -100] if d.kind == "i" else [i.max - 7]), dtype=d)
    f = np.finfo(d)
    if d.kind == "c":
        parts = np.array([0.0, -0.0, 1, -1, 2.5, -3, 1e-30, np.inf, -np.inf, np.nan, f.max], dtype=f.dtype)
        return (np.stack([np.repeat(parts, parts.size), np.tile(parts, parts.size)], axis=1)).reshape(-1).view(d)
    values = [0.0, 0.5, 1, 1.5, 2, 2.5, 3, 0.1, 7, 127, 128, 255, 1e3, 2.0**31, 2.0**32, 2.0**53, 2.0**63, 1e10, 3e38, 1e-7, np.pi, 0.75, 100.5,
              f.max, f.tiny, f.smallest_subnormal, f.eps, np.inf, np.nan]
    return np.array([s * v for v in values for s in (1, -1)]).astype(d)


def sample(d, n, seed):
    """Random elements of many sizes."""
    rng = np.random.default_rng([n, seed])
    if d.kind in "biu":
        a = np.frombuffer(rng.bytes(n * d.itemsize), d) if d.kind != "b" else rng.random(n) < 0.5
        return np.where(rng.random(n) < 0.5, a, (rng.integers(0, 12, n) - (4 if d.kind == "i" else 0)).astype(d)).astype(d)
    if d.kind == "c":
        return (sample(np.finfo(d).dtype, n, seed) + 1j * sample(np.finfo(d).dtype, n, seed + 1)).astype(d)
    scale = 10.0 ** rng.uniform(-4, 4 if d.itemsize < 4 else 8, n)
    return np.where(rng.random(n) < 0.5, rng.normal(size=n), rng.normal(size=n) * scale).astype(d)


def one(d, n=1003):
    return np.concatenate([specials(d), sample(d, n, 1)])


def two(d, n=1003):
    s = specials(d)
    s = s if d.kind != "c" else s[:: 3 if s.size > 50 else 1]
    return np.concatenate([np.repeat(s, s.size), sample(d, n, 2)]), np.concatenate([np.tile(s, s.size), sample(d, n, 4)])


def show(got, want, *inputs, bad):
    i = int(np.flatnonzero(bad)[0])
    return f"{int(bad.sum())} of {bad.size} differ, first at {i}: {[a[i] for a in inputs]} gave {got[i]!r}, not {want[i]!r}"


def check_exact(got, want, *inputs, zeros=True):
    """Equal, NaN with NaN, signs of zeros too unless told."""
    assert got.dtype == want.dtype
    a, b = (x.view(np.finfo(x.dtype).dtype) if x.dtype.kind == "c" else x for x in (got, want))
    same = a == b
    if a.dtype.kind == "f":
        same = (same & (~(a == 0) | (np.signbit(a) == np.signbit(b)) | (not zeros))) | (np.isnan(a) & np.isnan(b))
    if got.dtype.kind == "c":
        same = same.reshape(-1, 2).all(axis=1)
    assert same.all(), show(got, want, *inputs, bad=~same)


def check_near(got, want, *inputs, ulp=2.0, absolute=0.0):
    """Within so many units in the last place of a reference in a wider type."""
    d = got.dtype
    rounded = want.astype(d)
    unit = np.spacing(np.abs(rounded)).astype(want.dtype)
    error = np.abs(got.astype(want.dtype) - want)
    fine = (error <= ulp * unit + absolute) | (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    fine |= np.isinf(rounded) & (np.abs(got) >= np.finfo(d).max) & (np.sign(got) == np.sign(rounded))
    assert fine.all(), show(got, rounded, *inputs, bad=~fine)


# ---- exact functions
BINARY = ["add", "subtract", "multiply", "divide", "floor_divide", "remainder", "fmod", "minimum", "maximum", "fmin", "fmax", "bitwise_and",
          "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "copysign", "nextafter", "equal", "not_equal", "less",
          "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor"]
UNARY = ["negative", "positive", "square", "conj", "bitwise_invert", "abs", "sign", "floor", "ceil", "trunc", "round", "reciprocal", "sqrt", "deg2rad",
         "rad2deg", "real", "imag", "logical_not", "isnan", "isinf", "isfinite", "signbit"]
NUMPY = {"bitwise_left_shift": np.left_shift, "bitwise_right_shift": np.right_shift, "bitwise_invert": np.invert, "round": np.rint,
         "real": lambda x: np.ascontiguousarray(x.real), "imag": lambda x: np.ascontiguousarray(x.imag)}
# Kernels that must be there, by the kinds of their dtypes
BINARY_KINDS = {"divide": "fc", "floor_divide": "iuf", "remainder": "iuf", "fmod": "iuf", "subtract": "iufc", "bitwise_and": "biu", "bitwise_or": "biu",
                "bitwise_xor": "biu", "bitwise_left_shift": "iu", "bitwise_right_shift": "iu", "copysign": "f", "nextafter": "f"}
UNARY_KINDS = {"negative": "iufc", "positive": "iufc", "square": "iufc", "conj": "iufc", "bitwise_invert": "biu", "sign": "iufc", "floor": "f",
               "ceil": "f", "trunc": "f", "round": "fc", "reciprocal": "iufc", "sqrt": "f", "deg2rad": "f", "rad2deg": "f", "real": "c", "imag": "c",
               "isnan": "fc", "isinf": "fc", "isfinite": "fc", "signbit": "f"}


@pytest.mark.parametrize("fn", BINARY)
def test_binary(oracle, fn):
    numpy = NUMPY.get(fn) or getattr(np, fn)
    for d in COMPUTED:
        if d.kind not in BINARY_KINDS.get(fn, "biufc"):
            continue
        x, y = two(d)
        if fn in ("bitwise_left_shift", "bitwise_right_shift") and d.kind == "i":
            y = np.where(y < 0, ~y, y)
        want = numpy(x, y)
        if d.kind == "c" and fn == "multiply":  # NumPy's loop may contract; these are the products as they are written
            want = np.empty_like(x)
            want.real, want.imag = x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real
        if fn == "floor_divide" and d.kind == "f":  # NumPy's zeros take signs from its quotient's rounding, which it does differently by type
            check_exact(oracle.map(fn, x, y, out=want.dtype), want, x, y, zeros=False)
            continue
        check_exact(oracle.map(fn, x, y, out=want.dtype), want, x, y, zeros="m" not in fn[:2] and fn != "fmax")


@pytest.mark.parametrize("fn", UNARY)
def test_unary(oracle, fn):
    numpy = NUMPY.get(fn) or getattr(np, fn)
    for d in COMPUTED:
        if d.kind in UNARY_KINDS.get(fn, "biufc"):
            x = one(d)
            want = numpy(x)
            if d.kind == "c" and fn == "square":
                want = x.copy()
                want.real, want.imag = x.real * x.real - x.imag * x.imag, x.real * x.imag + x.imag * x.real
            got = oracle.map(fn, x, out=want.dtype)
            if d.kind == "c" and fn == "abs":
                check_near(got, np.hypot(x.real.astype(np.longdouble), x.imag), x, ulp=1)
            elif d.kind == "c" and fn == "sign":
                check_near(got.view(np.finfo(d).dtype), want.view(np.finfo(d).dtype).astype(np.longdouble), np.repeat(x, got.itemsize * 2 // d.itemsize), ulp=1)
            else:
                check_exact(got, want, x)


def test_integer_power(oracle):
    for d in COMPUTED:
        if d.kind in "iu":
            x, y = two(d)
            y = np.where(y < 0, ~y, y) if d.kind == "i" else y
            check_exact(oracle.map("pow", x, y, out=d), np.power(x, y), x, y)


@pytest.mark.parametrize("d", [np.float64, np.float32])
def test_whole_power(oracle, d):
    """Whole powers of whole numbers are exact while 2 ulp of them are less than a half."""
    x, y = (v.ravel().astype(float) for v in np.meshgrid(np.r_[-400:2000], np.r_[0:13]))
    small = np.abs(x) ** y < (2.0**50 if d == np.float64 else 2.0**21)
    x, y = x[small], y[small]
    got = oracle.map("pow", x.astype(d), y.astype(d), out=np.dtype(d))
    want = np.array([int(a) ** int(b) for a, b in zip(x, y)], d)
    assert np.array_equal(got, want)


def test_mixed_sign_comparison(oracle):
    s, u = specials(np.dtype("int64")), specials(np.dtype("uint64"))
    x, y = np.repeat(s, u.size), np.tile(u, s.size)
    for fn in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]:
        want = np.array([getattr(np, fn)(int(a), int(b)) for a, b in zip(x.astype(object), y.astype(object))])
        check_exact(oracle.map(fn, x, y, out=bool, nth=1), want, x, y)


def test_where(oracle):
    for d in COMPUTED:
        x, y = two(d)
        c = np.random.default_rng(5).random(x.size) < 0.5
        assert oracle.map("where", c, x, y, out=d).tobytes() == np.where(c, x, y).tobytes(), d


# ---- transcendental functions of real numbers
DOMAIN = {  # where besides the special values: low, high, as powers of ten with both signs, or plainly
    "exp": (-745, 710), "exp2": (-1075, 1025), "expm1": (-40, 710), "sinh": (-711, 711), "cosh": (-711, 711), "tanh": (-25, 25), "erf": (-7, 7),
    "asin": (-1, 1), "acos": (-1, 1), "atanh": (-1, 1), "lgamma": (0.01, 100),
}
LIBM = ctypes.CDLL("libm.so.6")
for name in ("erf", "lgamma"):
    getattr(LIBM, name).restype, getattr(LIBM, name).argtypes = ctypes.c_double, [ctypes.c_double]
REFERENCE = {name: np.vectorize(getattr(LIBM, name), otypes=[float]) for name in ("erf", "lgamma")}


@pytest.mark.parametrize("fn", ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
                                "tanh", "asinh", "acosh", "atanh", "erf", "lgamma"])
def test_function(oracle, fn):
    rng = np.random.default_rng(7)
    for d in (np.dtype("float32"), np.dtype("float64")):
        x = one(d)
        top = 37 if d.itemsize == 4 else 300
        if fn in DOMAIN:
            x = np.concatenate([x, rng.uniform(*DOMAIN[fn], 3000).astype(d), (rng.uniform(-1, 1, 1000) * 10.0 ** rng.uniform(-top, 0, 1000)).astype(d)])
        else:
            x = np.concatenate([x, (rng.choice([-1, 1], 4000) * 10.0 ** rng.uniform(-top, top, 4000)).astype(d), rng.uniform(-10, 10, 3000).astype(d)])
        if fn == "lgamma":
            x = x[~(x < 0)]  # left of 0 nothing is promised near the zeros
        wide = np.longdouble if d.itemsize == 8 and fn not in REFERENCE else np.float64
        want = (REFERENCE.get(fn) or getattr(np, fn))(x.astype(wide))
        got = oracle.map(fn, x, out=d)
        check_near(got, want, x, ulp=4 if fn in REFERENCE and d.itemsize == 8 else 2)
        assert (np.signbit(got) == np.signbit(want))[(want == 0) & (x == 0)].all(), "the sign of zero"


@pytest.mark.parametrize("fn", ["pow", "atan2", "hypot", "logaddexp"])
def test_function_of_two(oracle, fn):
    rng = np.random.default_rng(8)
    for d in (np.dtype("float32"), np.dtype("float64")):
        x, y = two(d)
        x = np.concatenate([x, np.abs(sample(d, 4000, 6)), rng.uniform(0.5, 2, 3000).astype(d)])
        y = np.concatenate([y, rng.uniform(-20, 20, 4000).astype(d), rng.uniform(-100, 100, 3000).astype(d)])
        wide = np.longdouble if d.itemsize == 8 else np.float64
        want = (np.power if fn == "pow" else getattr(np, fn))(x.astype(wide), y.astype(wide))
        if fn == "pow":  # the C library's long double is wrong here
            want[np.isinf(x) & (y == -(2.0**63))] = 0
        check_near(oracle.map(fn, x, y, out=d), want, x, y, absolute=np.finfo(d).eps if fn == "logaddexp" else 0)


# ---- complex functions: the C library's, as NumPy's
@pytest.mark.parametrize("fn", ["exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
                                "asinh", "acosh", "atanh", "reciprocal", "angle", "pow"])
def test_complex_function(oracle, fn):
    for d in (np.dtype("complex64"), np.dtype("complex128")):
        rng = np.random.default_rng(9)
        x = np.concatenate([specials(d), (rng.normal(size=1000) + 1j * rng.normal(size=1000)).astype(d)])
        if fn == "pow":
            x, y = np.concatenate([np.repeat(x[-12:], 30), x[-1000:]]), np.concatenate([np.tile(np.arange(-15, 15), 12), x[-1000:]]).astype(d)
            got, want = oracle.map(fn, x, y, out=d), np.power(x, y)
        else:
            want = getattr(np, fn)(x)
            got = oracle.map(fn, x, out=want.dtype)
        a, b = (v.view(np.finfo(v.dtype).dtype) for v in (got, want))
        size = np.repeat(np.abs(want), a.size // want.size)
        near = np.abs(a - b) <= (2e-5 if d.itemsize == 8 else 1e-13) * size if fn == "pow" else np.abs(a - b) <= 4 * np.spacing(size)
        fine = near | (a == b) | (np.isnan(a) & np.isnan(b))
        assert fine.all(), show(a, b, np.repeat(x, a.size // x.size), bad=~fine)


def test_complex_from_parts(oracle):
    for d in (np.dtype("complex64"), np.dtype("complex128")):
        x, y = two(d)
        check_exact(oracle.map("from_parts", x, y, out=d), np.stack([x.real, y.real], axis=1).reshape(-1).view(d), x, y)


# ---- casts
@pytest.mark.parametrize("source", NAMES)
def test_cast(oracle, source):
    d = np.dtype(source)
    x = one(d)
    if d.name == "float16":
        x = np.arange(65536, dtype=np.uint16).view(d)
    if d.name == "float64":  # halfway between float16 values, and just beside
        h = np.arange(0, 31744, 7, dtype=np.uint16).view(np.float16).astype(float)
        middle = h + np.spacing(h.astype(np.float16)).astype(float) / 2
        x = np.concatenate([x, middle, np.nextafter(middle, 0), np.nextafter(middle, np.inf), -middle])
    for to in DTYPES:
        value = x
        got = np.frombuffer(oracle.ask(f"cast {NAMES.index(source)} {NAMES.index(to.name)} {x.size}", x), to)
        want = x.real.astype(to) if d.kind == "c" and to.kind in "iuf" else x.astype(to)
        if d.kind in "fc" and to.kind in "iu":  # NumPy's result is the machine's where the value does not fit: compared where kern.h says which
            real = x.real.astype(np.float64)
            bits = 64 if to.itemsize == 8 or to.name == "uint32" else 32
            fits = (real > -(2.0 ** (bits - 1)) - 1) & (real < 2.0 ** (64 if to.name == "uint64" else bits - 1))
            beyond = {"int32": -(2**31), "int64": -(2**63), "uint64": 2**63}.get(to.name, 0)
            wide = np.array([int(v) % 2**64 if f else beyond % 2**64 for v, f in zip(real, fits)], dtype=np.uint64)
            want = wide.astype(to)
        check_exact(got, want, value)


# ---- reductions
def reduce_numpy(red, a, axis, d):
    wide = {"b": np.int64, "i": np.int64, "u": np.uint64, "f": np.float64, "c": np.complex128}[d.kind]
    if red in ("sum", "prod", "nansum", "nanprod"):
        return getattr(np, red)(a.astype(wide), axis=axis)
    if red in ("var", "nanvar"):
        return getattr(np, red)(a.astype(wide if d.kind in "fc" else np.float64), axis=axis, ddof=1)
    if red in ("nanargmin", "nanargmax"):  # NumPy's own takes NaN for infinity
        def where(line):
            numbers = np.flatnonzero(~np.isnan(line))
            return numbers[getattr(np, red[3:])(line[numbers])] if numbers.size else -1
        return np.apply_along_axis(where, axis, a)
    if red in ("nanmin", "nanmax"):
        return (np.fmin if red == "nanmin" else np.fmax).reduce(a, axis=axis)
    return getattr(np, red)(a, axis=axis)


REDS = ["sum", "prod", "min", "max", "nanmin", "nanmax", "any", "all", "count_nonzero", "argmin", "argmax", "nanargmin", "nanargmax", "var", "nanvar", "nansum",
        "nanprod"]


@pytest.mark.parametrize("red", REDS)
@pytest.mark.parametrize("shape,split", [((37, 67), 30), ((3, 1500), 2), ((300, 5), 299), ((1, 1), 1)])
def test_reduction(oracle, red, shape, split):
    import warnings

    warnings.simplefilter("ignore")
    for d in COMPUTED:
        rng = np.random.default_rng([shape[0], len(red)])
        for kind in ("plain", "special", "few"):
            if kind == "plain":
                a = rng.integers(0, 2, shape).astype(d) if d.kind == "b" else (rng.normal(size=shape) * 40 + 50).astype(d)
            elif kind == "few":
                a = rng.integers(0, 3, shape).astype(d)
            else:
                a = rng.choice(specials(d), shape)
            if d.kind in "fc" and kind != "special":
                a[rng.random(shape) < (0.02 if kind == "plain" else 0.3)] = np.nan
            if "prod" in red and d.kind in "fc":
                a = (np.sign(a.real) * (0.9 + np.abs(a.real) % 0.2)).astype(d) if kind != "special" else a
            for way, axis in (("red", 0), ("row", 1)):
                want = np.asarray(reduce_numpy(red, a, axis, d))
                out = np.float64 if "var" in red else np.int64 if "arg" in red or "count" in red else want.dtype
                got = oracle.red(way, red, np.ascontiguousarray(a), split if way == "red" else shape[1] * split // shape[0], out, 1.0)
                what = np.array([f"{d} {kind} {way} {j}" for j in range(want.size)])
                if d.kind in "fc" and red in ("sum", "prod", "var", "nanvar", "nansum", "nanprod"):
                    if kind == "special" and (d.kind == "c" or "sum" not in red):
                        continue  # overflow depends on the order
                    big = np.abs(np.where(np.isnan(a), 0, a).astype(np.complex128)).sum(axis=axis) if "sum" in red else np.abs(want)
                    fine = (np.abs(got - want) <= 1e-12 * big) | (got == want) | (np.isnan(got) & np.isnan(want)) | ~np.isfinite(big) | (big > 1e300)
                    assert fine.all(), show(got, want, what, bad=~fine)
                elif "var" in red:
                    fine = (np.abs(got - want) <= 1e-9 * np.abs(want) + 1e-300) | (np.isnan(got) & np.isnan(want))
                    assert fine.all(), show(got, want, what, bad=~fine)
                else:
                    want = want.astype(out)
                    if d.kind == "c" and got.dtype.kind == "c" and red in ("min", "max"):  # which NaN is not promised
                        got, want = (np.where(np.isnan(v), complex(np.nan, np.nan), v).astype(out) for v in (got, want))
                    check_exact(got, want, what, zeros=False)


# ---- bytes
@pytest.mark.parametrize("item", [1, 2, 3, 4, 5, 8, 12, 16, 24])
def test_shuffles(oracle, item):
    for n in (8, 16, 64, 136, 1000, 5000):
        a = np.random.default_rng([item, n]).integers(0, 256, item * n).astype(np.uint8)
        planes = np.ascontiguousarray(a.reshape(n, item).T)
        bits = np.packbits(np.unpackbits(planes.reshape(item, n, 1), axis=2, bitorder="little").transpose(0, 2, 1), axis=2, bitorder="little")
        assert oracle.ask(f"move shuffle {item} {n}", a) == planes.tobytes()
        assert oracle.ask(f"move unshuffle {item} {n}", planes) == a.tobytes()
        assert oracle.ask(f"move bitshuffle {item} {n}", a) == bits.tobytes()
        assert oracle.ask(f"move bitunshuffle {item} {n}", np.ascontiguousarray(bits)) == a.tobytes()
    if item in (2, 4, 8):
        a = np.random.default_rng(item).integers(0, 256, item * 77).astype(np.uint8)
        assert oracle.ask(f"move bswap {item} 77", a) == a.reshape(77, item)[:, ::-1].tobytes()
