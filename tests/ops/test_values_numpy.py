"""Values of every operation against NumPy, through the command line and HDF5: special values of all dtypes, ends of integer ranges, axes.
Arithmetic, comparisons, selections and creation must agree in every bit (the sign of zero included); functions and sums within a few ulp."""
import json
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/expr"), str(ROOT / "tests/battery")]
from families import gather  # noqa: E402
from oracle import namespace, operations  # noqa: E402

NS = dict(namespace(), erf=np.vectorize(math.erf, otypes=[float]), lgamma=np.vectorize(lambda x: math.lgamma(x) if x > 0 else np.nan, otypes=[float]))


def chunk_path():
    if "CHUNK_BIN" in os.environ:
        return Path(os.environ["CHUNK_BIN"]) / "chunk"
    return next(p for p in (ROOT / "build" / preset / "bin/chunk" for preset in ("dev", "release")) if p.exists())


def make_arrays():
    f = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 7.25, -7.25, 0.1, 100.0, -100.0, 1e-8, 65504.0, np.nan, np.inf, -np.inf, 12.0, 0.999, 6.25, -3.75]
    ints = {d: np.resize(np.array([np.iinfo(d).min, np.iinfo(d).max, 0, 1, 2, 3, 5, 7, 100, np.iinfo(d).max // 2, 9, 4], d), 24) for d in
            ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")}
    for d in ("int8", "int32", "int64"):
        ints[d][3::5] = -ints[d][3::5]
    f = np.array(f)
    finite = np.where(np.isfinite(f), f, 4.0)
    arrays = {"b": np.resize([True, False, False], 24), "i": ints["int8"], "j": ints["int64"], "k": ints["int32"], "s": ints["int16"], "u": ints["uint8"],
              "w": ints["uint32"], "v": ints["uint64"], "h": f.astype("f2"), "g": f.astype("f4"), "x": f, "y": np.roll(f, 7), "z": np.roll(finite, 3),
              "c": (finite + 1j * np.roll(finite, 5)).astype("c8"), "d": finite + 1j * np.roll(finite, 11)}
    return {n: a.reshape(4, 6) for n, a in arrays.items()}


ARRAYS = make_arrays()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    store(folder / "a.h5", ARRAYS)

    def many(texts, file="a.h5", arrays=ARRAYS):
        out = []
        for at in range(0, len(texts), 40):
            part = texts[at:at + 40]
            names = sorted({n for t in part for n in arrays if n in tokens(t)})
            bound = [f"{n}={folder / file}:/{n}" for n in names]
            done = subprocess.run([str(chunk_path()), "eval", "; ".join(part), *bound, "--json", "-q", "--memory", "64MiB"], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{'; '.join(part)}\n{done.stdout[-500:]}{done.stderr[-500:]}"
            said = json.loads(done.stdout)
            values = said["values"] if len(part) > 1 else [said["value"]]
            out += [to_array(v, d, s) for v, d, s in zip(values, said["dtypes"], said["shapes"])]
        return out

    def on(arrays, texts):
        store(folder / "b.h5", arrays)
        return many(texts, "b.h5", arrays)

    many.on = on
    return many


def store(path, arrays):
    with h5py.File(path, "w") as f:
        for n, a in arrays.items():
            f.create_dataset(n, data=a, chunks=tuple(map(min, (3, 4), a.shape)) if a.ndim == 2 and a.size else None)


def tokens(text):
    return set("".join(ch if ch.isalnum() or ch == "_" else " " for ch in text).split())


def to_array(value, dtype, shape):
    def number(v):
        if isinstance(v, list) and np.dtype(dtype).kind == "c" and len(v) == 2 and not any(isinstance(p, list) for p in v):
            return complex(float(v[0]), float(v[1]))
        return float(v) if isinstance(v, str) else v

    def flat(v, depth):
        return [number(v)] if depth == 0 else [n for item in v for n in flat(item, depth - 1)]

    with np.errstate(all="ignore"):
        return np.array(flat(value, len(shape)), object).astype(dtype).reshape(shape)


def numpys(text):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.asarray(eval(text, {"__builtins__": {}, **NS, **ARRAYS}))


def same_bits(a, b):
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) & same_bits(a.imag, b.imag)
    if a.dtype.kind == "f":
        return (np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b)))
    return a == b


def close(a, b, ulps):
    eps = np.finfo(a.dtype).eps
    with np.errstate(all="ignore"):
        bound = ulps * eps * np.abs(b) + np.finfo(a.dtype).tiny
        return same_bits(a, b) | (a == b) | (np.abs(a - b) <= bound) | (np.isnan(a) & np.isnan(b))


def check(run, texts, ulps=0):
    wrong = []
    for text, got in zip(texts, run(texts)):
        want = numpys(text)
        if text.startswith(("erf", "lgamma")):
            want = want.astype(got.dtype)
        if (got.dtype, got.shape) != (want.dtype, want.shape):
            wrong.append(f"{text}: NumPy {want.dtype}{want.shape}, here {got.dtype}{got.shape}")
            continue
        good = close(got, want, ulps) if ulps and got.dtype.kind in "fc" else same_bits(got, want)
        if not np.all(good):
            at = tuple(np.argwhere(~good)[0])
            wrong.append(f"{text}: {int((~good).sum())} of {good.size} differ, first at {at}: NumPy {want[at]!r}, here {got[at]!r}")
    assert not wrong, f"{len(wrong)} of {len(texts)}:\n" + "\n".join(wrong[:30])


ALL, REAL, WHOLE, FLOATS, COMPLEX = "bijksuwvhgxcd", "bijksuwvhgx", "ijksuwv", "hgx", "cd"


@pytest.mark.parametrize("name, arrays", [
    ("abs", REAL), ("negative", WHOLE + FLOATS + COMPLEX), ("positive", WHOLE + FLOATS + COMPLEX), ("square", ALL.replace("b", "") + "b"), ("sign", WHOLE + FLOATS),
    ("floor", REAL), ("ceil", REAL), ("trunc", REAL), ("rint", FLOATS + "ij"), ("round", "ijhgx"), ("real", ALL), ("imag", ALL), ("conj", ALL), ("isnan", ALL),
    ("isinf", ALL), ("isfinite", ALL), ("signbit", REAL), ("isposinf", FLOATS + "i"), ("isneginf", FLOATS + "i"), ("logical_not", ALL), ("sqrt", FLOATS),
    ("bitwise_invert", "b" + WHOLE), ("nan_to_num", FLOATS + "ic"), ("fabs", FLOATS + "j"), ("reciprocal", FLOATS)])
def test_exact_unary(run, name, arrays):
    check(run, [f"{name}({a})" for a in arrays])


@pytest.mark.parametrize("name", "exp exp2 expm1 log log1p log2 log10 cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg2rad rad2deg erf".split())
def test_functions(run, name):
    check(run, [f"{name}({a})" for a in "hgxik"], ulps=8)


def test_lgamma(run):
    check(run, [f"lgamma(abs({a}) + 0.25)" for a in "gx"], ulps=64)


@pytest.mark.parametrize("name", "abs sqrt exp exp2 log sin cos tan sinh cosh tanh asin acos atan angle square reciprocal sign".split())
def test_complex_functions(run, name):
    check(run, [f"{name}({a} * 0.03125)" for a in "cd"], ulps=64)


@pytest.mark.parametrize("name", "add subtract multiply divide maximum minimum fmax fmin copysign nextafter equal not_equal less less_equal greater greater_equal "
                                 "logical_and logical_or logical_xor floor_divide remainder fmod".split())
def test_exact_binary(run, name):
    numeric = ["jk", "kj", "iu", "ui", "wv", "uh", "hg", "gx", "xy", "yx", "kx", "ii", "jj", "uu"]
    pairs = numeric + (["jv", "vj", "dc", "cd"] if name in ("equal", "not_equal", "less", "greater_equal") else [])
    if name not in ("copysign", "nextafter", "floor_divide", "remainder", "fmod", "divide"):
        pairs += ["dd", "cx"]
    check(run, [f"{name}({p}, {q})" for p, q in pairs])


def test_neighbours_of_every_float16(run):
    """nextafter of float16 is put together from float32's operations: all 65,536 values, both ways."""
    halves = np.arange(65536, dtype="u2").view("f2")
    up, down = (np.nextafter(halves, np.float16(v)) for v in (np.inf, -np.inf))
    for toward, want in (("inf", up), ("-inf", down)):
        texts = [f"sum((nextafter(t, {toward}) != w) & ~isnan(t))", f"sum(isnan(nextafter(t, {toward})) ^ isnan(t))"]
        got = run.on({"t": halves, "w": want}, texts)
        assert [int(g) for g in got] == [0, 0]


@pytest.mark.parametrize("name", "bitwise_and bitwise_or bitwise_xor".split())
def test_bits(run, name):
    check(run, [f"{name}({p}, {q})" for p, q in ("bb", "ij", "uw", "jj", "vv", "bi")])


@pytest.mark.parametrize("sign", ["<<", ">>"])
def test_shifts(run, sign):
    check(run, [f"{a} {sign} (abs({c}) % 70)" for a in "ijkuwv" for c in "u"] + [f"{a} {sign} 3" for a in "ijkuwv"])


def test_powers(run):
    check(run, [f"{a} ** {n}" for a in WHOLE for n in (0, 1, 2, 3, 7)] + [f"{a} ** {n}" for a in FLOATS for n in ("2", "0.5", "-1", "1")])
    check(run, [f"pow({a}, {n})" for a in "gx" for n in ("3", "-2", "2.5", "y", "0", "inf")] + ["pow(d, 2)", "pow(abs(x), 0.3)"], ulps=16)
    check(run, ["atan2(x, y)", "hypot(x, y)", "logaddexp(z, x)", "atan2(g, g)", "hypot(h, g)"], ulps=8)


def test_selection(run):
    check(run, ["where(x > 0, x, y)", "where(b, i, 300.5)", "where(u, g, x)", "where(b, c, d)", "clip(x, -1, 2)", "clip(i, None, 5)", "clip(u, -1, 300)", "clip(x, y, z)",
                "clip(z, 3, -3)", "isclose(x, y)", "isclose(x, x)", "isclose(x, x, equal_nan=True)", "isclose(i, 7)", "isclose(g, x, rtol=1e-3)", "isclose(d, d)",
                "nan_to_num(x, nan=3.5, posinf=9, neginf=-9)", "nan_to_num(d / 0)", "round(x, 1)", "round(g, 2)", "round(x, -1)", "round(k, -2)", "round(j, 1)"])


def test_parts_of_complex_numbers(run):
    """What acts on the parts of complex numbers keeps infinities, NaN and the signs of zeros in each."""
    parts = np.array([0.0, -0.0, 1, -1.5, 0.55, 25, -155, np.inf, -np.inf, np.nan, 1e38, -1e308])
    with np.errstate(all="ignore"):
        pairs = {t: np.array([complex(re, im) for re in parts for im in parts], t) for t in ("c8", "c16")}
    for z in pairs.values():
        got = run.on({"t": z}, ["round(t)", "round(t, 1)", "round(t, -1)", "nan_to_num(t)", "nan_to_num(t, nan=-0.0, posinf=2)"])
        with np.errstate(all="ignore"):
            want = [np.round(z), np.round(z, 1), np.round(z, -1), np.nan_to_num(z), np.nan_to_num(z, nan=-0.0, posinf=2)]
        for g, w in zip(got, want):
            assert g.dtype == w.dtype and same_bits(g, w).all(), (z[~same_bits(g, w)], g[~same_bits(g, w)], w[~same_bits(g, w)])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_clip_of_signed_zeros(run, dtype):
    z, lo = np.array([-0.0, 0.0, np.nan, 1, -1] * 7, dtype), np.array([0.0, -0.0, 0, 0, 0] * 7, dtype)
    texts = ["clip(t, 0, 1)", "clip(t, -1, 0)", "clip(t, -0.0, 0.0)", "clip(t, 0.0, -0.0)", "clip(t, 0, None)", "clip(t, None, -0.0)", "clip(t, l, 1)", "clip(t, -1, l)",
             "clip(t, l, l)", "clip(t, nan, 1)", "clip(t, 0, nan)"]
    for text, got in zip(texts, run.on({"t": z, "l": lo}, texts)):
        want = eval(text, {"clip": np.clip, "nan": np.nan, "t": z, "l": lo})
        assert got.dtype == want.dtype and same_bits(got, want).all(), (text, got[:5], want[:5])


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_nothing_but_nan(run, dtype):
    """nanmin and nanmax of complex NaN alone give the first one, part by part."""
    nan = np.nan
    c = np.array([[complex(nan, 2), complex(1, nan), 3, complex(nan, nan)], [complex(nan, 1), complex(nan, 7), 2, complex(nan, 0)],
                  [complex(-9, nan), complex(nan, 7), complex(9, nan), complex(nan, 0)]] * 3, dtype)
    texts = [f"nan{name}(c{cut}{axis})" for name in ("min", "max") for axis in ("", ", axis=0", ", axis=-1") for cut in ("", "[:, :2]", "[:, :1]", "[:, 3]", "[1:, 0]")
             if (axis, cut) not in ((", axis=-1", "[:, 3]"), (", axis=-1", "[1:, 0]"))]
    for text, got in zip(texts, run.on({"c": c}, texts)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = np.asarray(eval(text, {"nanmin": np.nanmin, "nanmax": np.nanmax, "c": c}))
        assert got.dtype == want.dtype and same_bits(got, want).all(), (text, got, want)


def test_variance_of_too_few(run):
    """Not more elements than ddof: inf by NumPy's division, NaN for the nan forms of floats, and of equal elements."""
    v = np.array([[1.0, np.nan, 5, 2], [3, np.nan, 5, np.inf], [4, 2, 5, 1]])
    arrays = {"v": v, "e": np.zeros((0, 3)), "f": v.astype("f4"), "h": v.astype("f2"), "k": np.arange(12).reshape(3, 4), "c": v[:, [0, 2]] * (1 + 2j), "b": v > 2}
    texts = [f"{name}({a}{axis}, ddof={ddof})" for name in ("var", "std", "nanvar", "nanstd") for a in arrays for axis in ("", ", axis=0", ", axis=1")
             for ddof in (-1, 0, 2, 3, 4, 12, 13)] + ["var(k, correction=12.5)", "var(k, axis=1, correction=3.5)"]
    names = {n: getattr(np, n) for n in ("var", "std", "nanvar", "nanstd")}
    for text, got in zip(texts, run.on(arrays, texts)):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            want = np.asarray(eval(text, {**names, **arrays}))
        assert got.dtype == want.dtype and got.shape == want.shape and close(got, want, 64).all(), (text, got, want)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_variance_of_complex_infinities(run, dtype):
    """The nan forms leave out what is NaN, not what an infinity makes NaN on the way."""
    inf, nan = np.inf, np.nan
    c = np.array([[1, complex(inf, 1), 2, complex(nan, 0)], [2j, 3, complex(0, -inf), 4], [complex(nan, inf), 1, 2, 3j]] * 7, dtype)
    texts = [f"{name}(c{cut}{axis})" for name in ("var", "std", "nanvar", "nanstd") for cut in ("", "[:, :1]", "[1:2, 1:]") for axis in ("", ", axis=0", ", axis=1", ", axis=()")]
    for text, got in zip(texts, run.on({"c": c}, texts)):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            want = np.asarray(eval(text, {n: getattr(np, n) for n in ("var", "std", "nanvar", "nanstd")} | {"c": c}))
        assert got.dtype == want.dtype and got.shape == want.shape and close(got, want, 64).all(), (text, got, want)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8"])
def test_negative_powers_of_integers(run, dtype):
    """NumPy refuses them; in data they give the integer part."""
    base, power = (a.astype(dtype).reshape(12, 15) for a in np.meshgrid(np.array([-128, -3, -2, -1, 0, 1, 2, 3, 127]), np.tile([-128, -7, -2, -1], 5)))
    want = np.where(base == 1, 1, np.where(base == -1, 1 - 2 * (power % 2), 0))
    assert (run.on({"m": base, "n": power}, ["m ** n"])[0] == want).all()


def test_axis_of_a_number(run):
    arrays = {"s": np.array(3.5)}
    names = {n: getattr(np, n) for n in ("sum", "prod", "max", "min", "nansum", "nanmax", "any", "all", "count_nonzero", "argmax")}
    texts = [f"{name}(s, axis={axis}{keep})" for name in names for axis in (0, -1) for keep in ("", ", keepdims=True")]
    for text, got in zip(texts, run.on(arrays, texts)):
        want = np.asarray(eval(text, names | arrays))
        assert got.shape == want.shape and got == want, text


def test_powers_of_bool(run):
    check(run, ["b ** 2", "b ** 3", "b ** 0", "b ** b", "2 ** b", "b ** 2.0", "b ** 0.5", "b ** u", "b ** abs(k % 5)", "pow(b, 2)", "pow(b, b)"])


def test_lists(run):
    """Lists stand for tuples where NumPy takes them; elsewhere the refusal names the tuple."""
    check(run, ["zeros([2, 3])", "ones([4])", "full([2, 2], 7)", "reshape(x, [3, 8])", "broadcast_to(x[0], [3, 6])", "permute_dims(x, [1, 0])", "flip(x, [0, 1])",
                "expand_dims(x, [0, 2])", "moveaxis(x, [0], [1])", "roll(x, [1, 2], [0, 1])", "rot90(x, 1, [0, 1])", "tile(x, [2, 1])", "pad(x, [[1, 2], [0, 1]])",
                "tensordot(z, z, axes=([0, 1], [0, 1]))", "tensordot(z, z, axes=[[0], [0]])", "tensordot(z, z, axes=[1, 1])", "repeat(x, [1, 2, 3, 0], 0)",
                "take(x, [2, 0], 0)", "concat([x, y])", "stack([x, y], axis=1)", "x[[1, 2]]", "x + [1, 2, 3, 4, 5, 6]"], ulps=64)
    for text, name in (("sum(ones((2, 3)), axis=[0, 1])", "sum"), ("nanmax(ones((2, 3)), axis=[0])", "nanmax"), ("squeeze(ones((1, 1)), [0, 1])", "squeeze")):
        done = subprocess.run([str(chunk_path()), "eval", text, "-q"], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and f"{name}: axis must be an integer or a tuple of them, as in (0, 1), got a list" in done.stderr, done
    for text, says in (("[ones(2), ones(3)]", "join arrays with stack or concat"), ("eye([2])", "n_rows must be an integer, got a list"),
                       ("[ones(2), 1] + 1", "expected an array or a number, got a list")):
        done = subprocess.run([str(chunk_path()), "eval", text, "-q"], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and says in done.stderr, done


def test_creation(run):
    check(run, ["arange(10)", "arange(2, 20, 3)", "arange(20, 2, -3)", "arange(0, 1, 0.1)", "arange(0.5, 9, 0.7, dtype=float32)", "arange(5, dtype='uint8')",
                "arange(1e16, 1e16 + 20, 3)", "arange(0.1, 1e16, 1e15)", "linspace(0, 1)", "linspace(0.1, 0.7, 7)", "linspace(3, -3, 10, endpoint=False)", "linspace(0, 10, 7, dtype=int32)",
                "linspace(-10, 10, 7, dtype=int32)", "linspace(0, 1, 9, dtype=float32)", "linspace(2, 2, 3)", "linspace(0, 5e-324, 7)", "linspace(1, 1 + 2j, 5)", "eye(4)",
                "eye(3, 5, 1)", "eye(5, 3, -2, dtype=int8)", "zeros((2, 3))", "ones(4, dtype='complex64')", "full((2, 2), 7)", "full(3, -1.5, dtype=float16)",
                "full_like(x, 2)", "zeros_like(c)", "ones_like(u)", "arange(1000)[990:] * 0.5"] + [f"astype({a}, '{t}')" for a in "bijuvz" for t in
                ("bool", "int8", "uint16", "int64", "float16", "float32", "complex64")])


def test_manipulation(run):
    check(run, ["permute_dims(x)", "x[::-1, 1::2]", "x[-1]", "x[1:3, None, ::-2]", "x[..., 0]", "flip(x)", "flip(i, 1)", "moveaxis(x[None], 0, 2)", "expand_dims(x, (0, 2))",
                "squeeze(x[:1, None])", "broadcast_to(x[0], (3, 6))", "swapaxes(c, 0, 1)", "matrix_transpose(u)", "x[0] + y[:, :1]", "permute_dims(x)[::-1] - z[0, 0]"])


AXES = ["", ", axis=0", ", axis=1", ", axis=(0, 1), keepdims=True"]


@pytest.mark.parametrize("name", ["min", "max", "any", "all", "count_nonzero", "argmin", "argmax", "nanmin", "nanmax", "ptp"])
def test_exact_reductions(run, name):
    arrays = ALL.replace("b", "") if name == "ptp" else ALL
    if name.startswith("nan") or name == "ptp":
        arrays = arrays.replace("c", "").replace("d", "")
    check(run, [f"{name}({a}{ax})" for a in arrays for ax in AXES if not (name.startswith("arg") and "(" in ax)])


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "nansum", "nanprod", "nanmean", "nanvar", "nanstd"])
def test_sums(run, name):
    whole = "biku" if "mean" in name else "bijkuv"              # means of the largest integers cancel in float64, in the order of their sum
    check(run, [f"{name}({a}{ax})" for a in whole for ax in AXES], ulps=64)
    check(run, [f"{name}({a} * 0.25{ax})" for a in "zd" for ax in AXES] + [f"{name}(x{ax})" for ax in AXES if name.startswith("nan")], ulps=2000)
    if name in ("var", "std"):
        check(run, [f"{name}(z, axis=0, ddof=1)", f"{name}(z, axis=1, correction=2.5)", f"{name}(g[:2, :3], ddof=1)"], ulps=2000)


@pytest.mark.parametrize("name", ["nanargmin", "nanargmax"])
def test_nan_places(run, name):
    check(run, [f"{name}({a}{ax})" for a in "xgiu" for ax in ("", ", axis=0", ", axis=1")])


def test_every_operation_has_a_value_test():
    text = Path(__file__).read_text()
    missing = [n for n in operations() if n not in tokens(text) and n not in gather("ORACLES")]
    short = {"bitwise_left_shift", "bitwise_right_shift"}       # by their signs
    assert set(missing) <= short, missing
