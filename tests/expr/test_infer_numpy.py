"""Dtypes, shapes and refusals of every operation against NumPy: all dtypes, pairs of dtypes, plain numbers, axes, keywords. Constants are
folded through the kernels, so what is exact is compared by its bits."""
import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "battery"))
from families import gather  # noqa: E402
from oracle import DTYPES, Failed, ask, expected, namespace, operations, spec  # noqa: E402

NS = namespace()
SHAPE = (3, 4)
NUMBERS = ["0", "1", "-1", "300", "70000", "2**40", "2**63", "1.5", "2j", "True"]
UNARY = ("abs fabs acos acosh asin asinh atan atanh bitwise_invert cbrt ceil conj cos cosh deg2rad erf exp exp2 expm1 floor imag real isfinite isinf isnan "
         "isneginf isposinf lgamma log log10 log1p log2 logical_not negative positive rad2deg reciprocal rint round sign signbit sin sinh sqrt square "
         "tan tanh trunc nan_to_num angle").split()
BINARY = ("add subtract multiply divide floor_divide remainder fmod pow atan2 hypot copysign nextafter logaddexp maximum minimum fmax fmin bitwise_and "
          "bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift equal not_equal less less_equal greater greater_equal logical_and logical_or "
          "logical_xor isclose").split()
SIGNS = "+ - * / // % ** & | ^ << >> == != < <= > >=".split()
REDUCED = ("sum prod min max ptp mean var std any all count_nonzero argmin argmax nansum nanprod nanmin nanmax nanmean nanvar nanstd nanargmin "
           "nanargmax").split()
CREATED = "zeros ones full zeros_like ones_like full_like arange linspace eye".split()
MOVED = "astype broadcast_to permute_dims matrix_transpose moveaxis swapaxes expand_dims squeeze flip".split()
OTHER = "where clip".split()
# What is known to differ, and why: dtypes and numbers that are left out.
DIFFERENT = {
    "real": {"True"}, "imag": {"True", "2**63"},  # NumPy asks the Python object for its attribute
    "logical_and": {"2**63"}, "logical_or": {"2**63"}, "logical_xor": {"2**63"},  # NumPy cannot hold the number; here it is simply not zero
    "where": {"2**63"},                           # NumPy wraps it to a negative number
}


def array(dtype, shape=SHAPE):
    return np.ones(shape, dtype)


def agree(text, arrays, answer, exact=False):
    """None, or what differs."""
    want = expected(text, arrays, NS)
    if "where(" in text and isinstance(answer, Failed) and "Python integer" in str(answer):
        return None  # a number that the dtype cannot hold: NumPy's where wraps it, here it is refused as everywhere else
    if isinstance(want, Failed) or isinstance(answer, Failed):
        both = isinstance(want, Failed) and isinstance(answer, Failed)
        return None if both else f"{text} of {[spec(*i) for i in arrays.items()]}: NumPy {want if isinstance(want, Failed) else want[:2]}, here {answer}"
    dtype, shape, data = answer[0]
    if (dtype, shape) != want[:2]:
        return f"{text} of {[spec(*i) for i in arrays.items()]}: NumPy {want[:2]}, here {(dtype, shape)}"
    if exact and data is not None and not np.array_equal(np.frombuffer(data, dtype)[0], want[2], equal_nan=want[2].dtype.kind in "fc"):
        return f"{text}: NumPy {want[2]!r}, here {np.frombuffer(data, dtype)[0]!r}"
    return None


def check(cases, exact=False):
    lines = [text + "".join(["\t"] + [" " + spec(n, a) for n, a in arrays.items()]) if arrays else text for text, arrays in cases]
    wrong = [w for (text, arrays), answer in zip(cases, ask(lines)) if (w := agree(text, arrays, answer, exact))]
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:25])


def test_every_operation_is_checked_here():
    """Families have their oracles in tests/battery, which compare dtypes and shapes with the values."""
    here = [n for n in operations() if n not in gather("ORACLES")]
    assert sorted(here) == sorted({*UNARY, *BINARY, *REDUCED, *CREATED, *MOVED, *OTHER} - gather("ORACLES").keys())
    assert [n for n in here if NS[n] is None] == []


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    cases = [(f"{name}(x)", {"x": array(d, s)}) for d in DTYPES if d not in DIFFERENT.get(name, ()) for s in (SHAPE, (), (0, 3))]
    check(cases + [(f"{name}({v})", {}) for v in NUMBERS if v not in DIFFERENT.get(name, ())])


@pytest.mark.parametrize("name", BINARY)
def test_binary_over_pairs(name):
    check([(f"{name}(x, y)", {"x": array(a), "y": array(b, (4,))}) for a in DTYPES for b in DTYPES])


@pytest.mark.parametrize("name", BINARY)
def test_binary_with_numbers(name):
    numbers = [v for v in NUMBERS if v not in DIFFERENT.get(name, ())]
    check([(text, {"x": array(d)}) for d in DTYPES for v in numbers for text in (f"{name}(x, {v})", f"{name}({v}, x)")])


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_with_numbers(sign):
    check([(text, {"x": array(d)}) for d in DTYPES for v in NUMBERS for text in (f"x {sign} ({v})", f"({v}) {sign} x")])


@pytest.mark.parametrize("sign", SIGNS)
def test_numbers_alone_follow_python(sign):
    numbers = ["0", "1", "-1", "7", "-7", "3", "2", "62", "2**40", "2**63", "0.5", "-2.5", "1e300", "2j", "(1-3j)", "True", "False", "inf"]
    huge = {"2**40", "2**63", "1e300"} if sign in ("**", "<<") else set()    # Python would compute integers of 2**40 bits
    cases = [(f"({a}) {sign} ({b})", {}) for a in numbers for b in numbers if b not in huge and not ("inf" in (a, b) and "j" in a + b)]
    check(cases, exact=sign not in ("**",))


def test_powers_of_numbers_are_close():
    cases = [(f"({a}) ** ({b})", {}) for a in ("2", "-3", "0.5", "7", "-8.0", "(1+2j)") for b in ("0", "2", "3", "-2", "0.5", "1.5", "(1+1j)")]
    for (text, _), answer in zip(cases, ask([t for t, _ in cases])):
        want = expected(text, {}, NS)
        assert answer[0][:2] == want[:2], text
        assert np.allclose(np.frombuffer(answer[0][2], answer[0][0])[0], want[2], rtol=1e-15, atol=0), text


@pytest.mark.parametrize("name", REDUCED)
def test_reductions(name):
    axes = ["", ", axis=0", ", axis=-1", ", axis=1, keepdims=True", ", keepdims=True", ", axis=2", ", axis=-3"]
    if not name.startswith(("arg", "nanarg")):
        axes += [", axis=(0, 1)", ", axis=(1, -1)", ", axis=(1,), keepdims=True", ", axis=()"]
    cases = [(f"{name}(x{a})", {"x": array(d)}) for d in DTYPES for a in axes]
    cases += [(f"{name}(x)", {"x": array(d, s)}) for d in ("bool", "int32", "float32", "float64") for s in ((), (1,), (0,), (0, 3))]
    cases += [(f"{name}(x, axis={a})", {"x": array("float64", s)}) for s in ((0, 3), (3, 0), (0, 0)) for a in (0, 1)]
    check([c for c in cases if not (name.startswith("nanarg") and 0 in c[1]["x"].shape)])


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "nansum", "nanprod", "nanmean", "nanvar", "nanstd"])
def test_reductions_with_dtype(name):
    floats = {"float16", "float32", "float64", "complex64", "complex128"}
    cases = [(f"{name}(x, dtype='{t}')", {"x": array(d)}) for d in DTYPES for t in DTYPES
             if t in floats or not (name.startswith("nan") or name in ("mean", "var", "std"))]
    check(cases)


def test_creation():
    dtypes = ["", ", dtype='int8'", ", dtype='uint8'", ", dtype='float32'", ", dtype=complex64", ", dtype='bool'"]
    cases = [(f"{f}({s}{d})", {}) for f in ("zeros", "ones") for s in ("3", "()", "(2, 3)", "(0, 2)", "-1", "(2, -1)") for d in dtypes]
    cases += [(f"full({s}, {v}{d})", {}) for s in ("3", "(2, 3)") for v in ("1", "1.5", "-1", "300", "2j", "True", "2**63") for d in dtypes
              if not ("2j" in v and d and "complex" not in d) and not (v == "2**63" and "bool" in d)]
    cases += [(f"{f}(x{d})", {"x": array(t)}) for f in ("zeros_like", "ones_like") for t in DTYPES for d in dtypes]
    cases += [(f"full_like(x, {v})", {"x": array(t)}) for t in DTYPES for v in ("1", "-1", "1.5", "300")]
    cases += [(f"arange({a}{d})", {}) for a in ("5", "2, 9", "9, 2", "9, 2, -2", "0, 1, 0.1", "5.5", "0", "-3", "0, 10, 3", "1, 2, 0") for d in dtypes[:4]]
    cases += [(f"linspace({a}{d})", {}) for a in ("0, 1", "0, 1, 5", "0, 1, 1", "0, 1, 0", "3, 3, 4", "0, 1, 5, False", "0, 2j, 4", "0, 1, -1") for d in dtypes[:4]
              if not ("2j" in a and d)]
    cases += [(f"eye({a}{d})", {}) for a in ("3", "3, 4", "3, 4, 1", "3, None, -1", "0", "3, k=5", "2, 3, -9", "-1") for d in dtypes]
    check(cases)


def test_manipulation():
    x = {"x": array("float32", (2, 1, 3))}
    texts = ["astype(x, 'int8')", "astype(x, bool)", "astype(x, 'nonsense')", "broadcast_to(x, (2, 5, 3))", "broadcast_to(x, (4, 2, 5, 3))", "broadcast_to(x, (3,))",
             "broadcast_to(x, (2, 5, 4))", "permute_dims(x)", "permute_dims(x, (2, 0, 1))", "permute_dims(x, (0, 0, 1))", "permute_dims(x, (0, 1))",
             "permute_dims(x, (-1, 0, 1))", "matrix_transpose(x)", "moveaxis(x, 0, 2)", "moveaxis(x, (0, 1), (2, 0))", "moveaxis(x, 0, 5)", "moveaxis(x, (0, 1), 2)",
             "swapaxes(x, 0, 2)", "swapaxes(x, 0, -1)", "swapaxes(x, 0, 3)", "expand_dims(x, 0)", "expand_dims(x, -1)", "expand_dims(x, (0, 2))",
             "expand_dims(x, 5)", "expand_dims(x, (1, 1))", "squeeze(x)", "squeeze(x, 1)", "squeeze(x, 0)", "squeeze(x, (1,))", "squeeze(x, 4)", "flip(x)",
             "flip(x, 0)", "flip(x, (0, 2))", "flip(x, 3)"]
    ns_bool = [t.replace("bool", "'bool'") for t in texts]
    check([(t, x) for t in ns_bool])


def test_indexing():
    x = {"x": array("int16", (5, 4, 3))}
    items = ["0", "-1", "4", "5", "-5", "-6", ":", "1:", ":2", "::2", "::-1", "-2:", ":-1", "3:1", "10:", ":-10:-1", "None", "...", "1:3", "4:0:-2"]
    rng = random.Random(7)
    texts = [f"x[{i}]" for i in items] + [f"x[{', '.join(rng.choices(items, k=rng.randint(2, 4)))}]" for _ in range(400)]
    check([(t, x) for t in texts + ["x[::0]", "x[..., ...]", "x[1.5]", "x[(0, 1)]", "x[0, 0, 0]", "x[0, 0, 0, 0]", "x[0][1][2]"]])


@pytest.mark.parametrize("name", OTHER)
def test_three_inputs(name):
    dtypes = ["bool", "int8", "uint8", "int64", "uint64", "float16", "float32", "complex64"]
    if name == "where":
        cases = [(f"where(c, {a}, {b})", {"c": array(c), "x": array(d), "y": array(f, (4,))}) for c in ("bool", "int8", "float64") for d in dtypes for f in dtypes
                 for a, b in (("x", "y"), ("x", "1"), ("1.5", "y"))]
        numbers = [v for v in NUMBERS if v not in DIFFERENT["where"]]
        cases += [(f"where(c, {a}, {b})", {"c": array("bool")}) for a in numbers for b in numbers]
    else:
        cases = [(f"clip(x, {a}, {b})", {"x": array(d), "y": array(f)}) for d in dtypes for f in dtypes
                 for a, b in (("0", "1"), ("y", "1"), ("None", "y"), ("y", "None"), ("-1", "300"), ("0.5", "y"))]
    check(cases)


def test_chains(seed, sampled):
    """Random expressions of several operations: dtypes must agree wherever both sides accept."""
    rng = random.Random(f"chains:{seed}")
    leaves = ["x", "y", "z", "x[0]", "y[::-1]", "1", "2.5", "7", "sum(x, axis=0)", "mean(y)", "z"]

    def grow(depth):
        if depth == 0 or rng.random() < 0.15:
            return rng.choice(leaves)
        kind = rng.random()
        if kind < 0.6:
            return f"({grow(depth - 1)} {rng.choice(['+', '-', '*', '/', '//', '%', '<', '==', '&', '|'])} {grow(depth - 1)})"
        if kind < 0.85:
            return f"{rng.choice(['sqrt', 'abs', 'exp', 'floor', 'square', 'isnan', 'negative'])}({grow(depth - 1)})"
        return f"where({grow(depth - 1)}, {grow(depth - 1)}, {grow(depth - 1)})"

    cases = [(grow(rng.randint(2, 4)), {n: array(rng.choice(DTYPES)) for n in "xyz"}) for _ in range(1500)]
    sampled("random chains", len(cases), len(cases))
    check(cases)
