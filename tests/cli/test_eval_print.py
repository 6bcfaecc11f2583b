"""Results as they are printed and as JSON, against str() of NumPy and json.dumps."""
import json
import os
import random

import h5py
import numpy as np
import pytest
from chunkcli import chunk_eval, eval_fails, eval_json, eval_ok, is_sanitized

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
COUNT = {"quick": 40, "standard": 300, "full": 1500}[os.environ.get("CHUNK_TEST_LEVEL", "standard")]


def floats(rng, shape):
    x = rng.standard_normal(shape)
    mode = rng.integers(7)
    if mode == 1:
        x = np.round(x * 10.0 ** rng.integers(0, 9), int(rng.integers(0, 4)))
    if mode == 2:
        x = x * 10.0 ** rng.integers(-12, 12, shape)
    if mode == 3:
        x = rng.choice([0, 0.1, 0.5, 1 / 3, 1e5, 123456.75, -1, -0.0, 99999.5, 1e-4, 1e15, 1e16, 2.0**-24, 2.0**-44], shape)
    if mode == 4:
        x = np.round(x * 100) / 8
    if mode == 5:
        x = rng.integers(-100, 100, shape) * 1.0
    if mode == 6:
        x = x * 10.0 ** rng.integers(-320, 300, shape)
    if rng.random() < 0.3:
        x = np.where(rng.random(shape) < 0.2, rng.choice([np.nan, np.inf, -np.inf], shape), x)
    return np.asarray(x, dtype=np.float64)


def array(rng, dtype, shape):
    dtype = np.dtype(dtype)
    with np.errstate(all="ignore"):
        if dtype.kind == "b":
            return np.asarray(rng.random(shape) < 0.5)
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            high = info.max if rng.random() < 0.3 else min(info.max, 10 ** int(rng.integers(1, 6)))
            return np.asarray(rng.integers(max(info.min, -high - 1), high, shape, dtype=dtype, endpoint=True))
        if dtype.kind == "f":
            return floats(rng, shape).astype(dtype)
        z = np.empty(shape, np.complex128)
        z.real, z.imag = floats(rng, shape), floats(rng, shape)
        return z.astype(dtype)


def plain(x):
    """As --json has it: strings for what is not finite, pairs for complex numbers."""
    if isinstance(x, list):
        return [plain(item) for item in x]
    if isinstance(x, complex):
        return [plain(x.real), plain(x.imag)]
    if isinstance(x, float) and not np.isfinite(x):
        return repr(x)
    return x


def test_least_number_without_exponents(tmp_path):
    """0.0001 of float32 is below 0.0001 of float64, and is not written with an exponent."""
    arrays = {f"{kind}{i}": np.array(v, kind) for kind in ("f2", "f4", "f8") for i, v in enumerate(([1e-4, 0.02], [9.9e-5, 0.02], [1e-4, 0.02, 0.2]))}
    arrays["c8"] = np.array([1e-4 + 1e-4j, 0.02 + 0.05j], "c8")
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for name, a in arrays.items():
            f[name] = a
    for name, a in arrays.items():
        assert eval_ok("x", f"x={tmp_path}/a.h5:/{name}") == f"{a}\n"


def test_random_arrays(tmp_path, seed, sampled):
    """All in one file; several results a process, so that they are told apart by being printed one after the other."""
    rng = np.random.default_rng(seed)
    arrays = []
    for _ in range(COUNT):
        sizes = [0, 1, 2, 3, 5, 6, 7, 8, 20, 40] if rng.random() < 0.3 else [1, 2, 3, 6, 7, 9, 13, 30, 100]
        shape = (1001,) if rng.random() < 0.1 else tuple(int(rng.choice(sizes)) for _ in range(rng.integers(0, 5)))
        arrays.append(array(rng, DTYPES[rng.integers(len(DTYPES))], shape))
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for i, a in enumerate(arrays):
            f[f"a{i}"] = a
    batch = 10
    for start in range(0, COUNT, batch):
        some = arrays[start : start + batch]
        names = [f"a{start + i}" for i in range(len(some))]
        args = [";".join(names), *(f"{name}={tmp_path}/a.h5:/{name}" for name in names)]
        assert eval_ok(*args) == "".join(str(a if a.ndim else a[()]) + "\n" for a in some)
        got = eval_json(*args)
        values = [plain(a.tolist()) if a.size <= 1000 else None for a in some]
        for a, value, expected in zip(some, got["values"], values):
            assert value == expected or a.size == 0, (a.dtype, a.shape)
        assert got["shapes"] == [list(a.shape) for a in some] and got["dtypes"] == [a.dtype.name for a in some]
    sampled("printed arrays", COUNT, COUNT)


def test_json_numbers_as_python_writes_them():
    done = eval_ok("linspace(0, 1, 7)", "--json")
    assert json.dumps(np.linspace(0, 1, 7).tolist()) in done
    assert '"value": 18446744073709551615,' in eval_ok("full((), 18446744073709551615, dtype=uint64)", "--json")
    assert '"value": -9223372036854775808,' in eval_ok("-9223372036854775807 - 1", "--json")
    assert '"value": true,' in eval_ok("any(arange(3) > 1)", "--json")
    assert '"value": "-inf",' in eval_ok("log(zeros(()))", "--json")


def test_json_keys():
    one = eval_json("arange(3)")
    assert list(one) == "value shapes dtypes seconds projected_peak measured_peak ceiling bytes_read bytes_written bytes_spilled".split()
    assert one["value"] == [0, 1, 2] and one["shapes"] == [[3]] and one["dtypes"] == ["int64"] and 0 < one["seconds"] < 60
    several = eval_json("a = 1; k := a + 1; k * 2.5;")
    assert several["values"] == [1, 5.0] and "value" not in several and several["shapes"] == [[], []]
    plan = eval_json("sum(arange(3))", "--explain")
    assert {"plan", "shapes", "dtypes", "projected_peak", "ceiling"} <= set(plan) and not {"value", "seconds", "measured_peak"} & set(plan)
    assert isinstance(plan["plan"], dict)
    assert isinstance(eval_json("sum(arange(30000))", "--profile")["profile"], (dict, list))


def test_json_of_no_elements():
    assert eval_json("ones((1001, 0))")["value"] == [[]] * 1001
    assert eval_json("ones((2, 3, 0, 5))")["value"] == [[[]] * 3] * 2
    assert eval_json("ones((0, 1000000000))")["value"] == []
    assert eval_json("ones((1000000000, 0))")["value"] is None, "so many empty lists are for nobody"


def test_json_without_outputs_stores_nothing():
    for text in ("sqrt(2)", "sum(arange(30000.0))", "arange(100000)"):
        assert eval_json(text)["bytes_written"] == eval_json(text, "--explain")["bytes_written"] == 0


def test_only_corners_of_large_results_are_computed(tmp_path):
    """10^12 elements are printed at once, and of a stored array next to nothing is read."""
    assert eval_ok("arange(1000000000000)*2") == "[            0             2             4 ... 1999999999994 1999999999996\n 1999999999998]\n"
    rows = np.random.default_rng(0).random((4000, 500))
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=rows, chunks=(100, 500))
    got = eval_json("x + 1", f"x={tmp_path}/x.h5:/x")
    assert got["value"] is None and got["bytes_read"] < rows.nbytes / 4
    assert eval_ok("x + 1", f"x={tmp_path}/x.h5:/x") == str(rows + 1) + "\n"


def test_many_long_axes():
    done = eval_ok("ones((7, 7, 7, 7, 7, 7, 7, 7, 7))")
    assert "(7, 7, 7, 7, 7, 7, 7, 7, 7)" in done and "float64" in done
    assert eval_json("ones((7, 7, 7, 7, 7, 7, 7, 7, 7))")["value"] is None


def test_profile_and_explain_as_text():
    done = chunk_eval("sum(arange(300000))", "--profile")
    assert done.returncode == 0 and done.stdout == "44999850000\n" and "compute" in done.stderr
    plan = eval_ok("sum(arange(300000))", "--explain")
    assert "peak" in plan
    if not is_sanitized():  # there the process itself has another size each time
        assert plan == eval_ok("sum(arange(300000))", "--explain"), "stable text"


def test_trace_is_json(tmp_path):
    eval_ok("sum(sin(arange(3000000)))", "--trace", tmp_path / "t.json")
    trace = json.loads((tmp_path / "t.json").read_text())
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    assert events


@pytest.mark.parametrize("dtype", DTYPES)
def test_scalars(tmp_path, dtype):
    rng = random.Random(dtype)
    values = array(np.random.default_rng(rng.randrange(1000)), dtype, (30,))
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["a"] = values
    out = eval_ok(";".join(f"a[{i}]" for i in range(30)), f"a={tmp_path}/a.h5:/a")
    assert out == "".join(str(v) + "\n" for v in values)


def test_parts_of_tuples_are_results():
    """a, b = EXPR: a result each, with its name; := keeps them, or the whole tuple under one name."""
    assert eval_ok("a, b = split(arange(4), 2); a + b") == "[0 1]\n[2 3]\n[2 4]\n"
    assert eval_ok("i, j := nonzero(array([[1, 0], [0, 3]])); i + j") == "[0 2]\n"
    assert eval_ok("p := nonzero(array([[1, 0], [0, 3]])); p[0] + p[-1]") == "[0 2]\n"
    assert eval_json("i, j, k = (1, arange(2), 2.5)")["values"] == [1, [0, 1], 2.5]
    assert "2 names for a tuple of 3" in eval_fails(2, "a, b = split(arange(6), 3)")
    assert "2 names stand for a tuple of as many, not for an integer" in eval_fails(2, "a, b = 3")
    assert "a is defined twice" in eval_fails(2, "a, a = split(arange(6), 2)")
    assert "name its 2 parts, as in a, b = ..., or take one, as in (...)[0]" in eval_fails(2, "split(arange(6), 2)")
    assert "a comma here" in eval_fails(2, "a, b == 3")
