"""Every operation of the table against NumPy: dtype, shape and values, over dtypes, shapes, special values, broadcasting and storage. Arithmetic,
comparisons and integers are exact, functions within their stated ulp of long double, sums within the bound of blocked summation."""
import os
import warnings
import zlib

import h5py
import hdf5plugin
import lc
import numpy as np
import pytest
from families import register
from oracles import ORACLES

pytestmark = pytest.mark.skipif(lc.LIBRARY is None, reason=lc.WHY or "")
TABLE = sorted(lc.operations()) if lc.LIBRARY else ["none"]
PER_OP = {"quick": 8, "standard": 24, "full": 400}[os.environ.get("CHUNK_TEST_LEVEL", "standard")]
TOTAL = 400 * len(TABLE)
# What an operation refuses though NumPy defines it: an order of complex numbers (NumPy's is lexicographic), and exp2 of them.
REFUSED_COMPLEX = set("less less_equal greater greater_equal maximum minimum fmax fmin max min ptp argmax argmin nanmax nanmin nanargmax nanargmin clip exp2".split())


@pytest.fixture(scope="module")
def context():
    return register(lc.Context(memory=64 << 20, threads=2))


class Stored:
    """Arrays as the case's inputs: in memory with several strides, or in datasets of several layouts, filters and byte orders."""

    def __init__(self, rng, context, path):
        self.rng, self.context, self.path = rng, context, path

    def memory(self, a):
        way = int(self.rng.integers(3)) if a.ndim else 0
        if way == 1:
            return np.asfortranarray(a)
        if way == 2:
            return np.ascontiguousarray(a[::-1])[::-1]
        return np.array(a, order="C").reshape(a.shape)

    def options(self, a):
        if not a.ndim or not a.size or self.rng.random() < 0.2:
            return {}
        grid = int(self.rng.integers(3))
        chunks = tuple(1 if grid == 0 and n < 40 else n if grid == 1 else int(self.rng.integers(1, n + 1)) for n in a.shape)
        while np.prod([-(-n // k) for n, k in zip(a.shape, chunks)]) > 200:
            chunks = tuple(min(n, 4 * k) for n, k in zip(a.shape, chunks))
        filters = [{}, {}, {"compression": "gzip", "shuffle": True}, {"fletcher32": True}, dict(hdf5plugin.LZ4()), dict(hdf5plugin.Bitshuffle()),
                   dict(hdf5plugin.Zstd(), shuffle=True)]
        return {"chunks": chunks, **filters[int(self.rng.integers(len(filters)))]}

    def put(self, arrays):
        if self.rng.random() < 0.5 or not arrays:
            return "memory", {name: self.context.array(self.memory(a)) for name, a in arrays.items()}
        self.path.unlink(missing_ok=True)
        how = []
        with h5py.File(self.path, "w", libver=("v110", "v110") if self.rng.random() < 0.3 else ("earliest", "v110")) as f:
            for name, a in arrays.items():
                options = self.options(a)
                dtype = a.dtype.newbyteorder(">") if self.rng.random() < 0.2 and a.dtype.kind != "b" else a.dtype
                f.create_dataset(name, data=a, dtype=dtype, **options)
                how.append(f"{name}: {dtype.str} {options}")
        return "; ".join(how), {name: self.context.hdf5(self.path, "/" + name) for name in arrays}


def of_numpy(case):
    """NumPy's result, or the exception that it raises; its warnings say what is tested anyway."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return case.expected()
        except (TypeError, ValueError, IndexError, OverflowError) as e:
            return e


def refusal_is_right(name, case, error, expected):
    if isinstance(expected, Exception):
        return True
    return name in REFUSED_COMPLEX and any(a.dtype.kind == "c" for a in case.arrays.values()) and error.code != -12


def run_case(name, case, context, stored, where):
    expected = of_numpy(case)
    how, inputs = stored.put(case.arrays)
    told = f"{case.text} of {[(a.dtype.name, a.shape) for a in case.arrays.values()]} ({how}; {where})"
    try:
        array = context.eval(case.text, **inputs)
        shape, dtype = array.shape, array.dtype
        got = context.compute(array)
    except lc.ChunkError as e:
        assert refusal_is_right(name, case, e, expected), f"{told}: refused: {e}"
        return
    if "All-NaN slice" in str(expected):
        return  # NumPy looks at values before it answers; a lazy array cannot
    assert not isinstance(expected, Exception), f"{told}: NumPy refuses: {expected!r}"
    want = expected
    if isinstance(expected, tuple):
        want, out = expected
        value = want[0] if isinstance(want, tuple) else want
        assert (dtype, shape) == (out, np.shape(value)), f"{told}: {dtype} {shape}, NumPy {out} {np.shape(value)}"
        if not isinstance(want, tuple):
            want = np.asarray(value)
    else:
        want = np.asarray(want)
        assert (dtype, shape) == (want.dtype, want.shape), f"{told}: {dtype} {shape}, NumPy {want.dtype} {want.shape}"
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case.check(got, want)
    except AssertionError as e:
        raise AssertionError(f"{told}: {e}") from None


def test_every_operation_has_an_oracle():
    assert sorted(ORACLES) == TABLE


@pytest.mark.parametrize("name", TABLE)
def test_operation(name, context, tmp_path, seed, sampled):
    if name == TABLE[0]:
        sampled("operations against NumPy", PER_OP * len(TABLE), TOTAL)
    if PER_OP < 400:
        drawn = np.random.default_rng([seed, zlib.crc32(name.encode())]).choice(400, PER_OP, replace=False)
    else:
        drawn = range(400)
    failures = []
    for k in drawn:
        rng = np.random.default_rng([zlib.crc32(name.encode()), int(k)])
        try:
            run_case(name, ORACLES[name](rng), context, Stored(rng, context, tmp_path / "case.h5"), f"case {k}")
        except AssertionError as e:
            failures.append(str(e))
    assert not failures, f"{len(failures)} of {len(drawn)} cases fail\n" + "\n".join(failures[:5])
