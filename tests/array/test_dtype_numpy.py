"""The dtype table, promotion and casting rules against NumPy's."""
import os
import subprocess

import numpy as np
import pytest

ORACLE = os.path.join(os.environ.get("CHUNK_TESTBIN", "build/dev/tests"), "dtype_oracle")
NAMES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
SCALARS = [True, 1, None, 1.0, 1j]  # by kind: bool, int, (uint, as int), float, complex


def run(*args):
    return subprocess.run([ORACLE, *args], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def lines():
    return [line.split() for line in run()]


def test_table(lines):
    found = [line[1:] for line in lines if line[0] == "dtype"]
    assert [row[0] for row in found] == NAMES
    for name, code, size, swap, kind, as_float, real in found:
        d = np.dtype(name)
        assert d.str[1:] == code and d.itemsize == int(size)
        assert int(swap) == (d.itemsize // 2 if d.kind == "c" else d.itemsize)
        assert int(kind) == "biufc".index(d.kind)
        assert as_float == np.sqrt(np.ones(1, d)).dtype.name
        assert real == np.ones(1, d).real.dtype.name


def test_pairs(lines):
    pairs = [line[1:] for line in lines if line[0] == "pair"]
    assert len(pairs) == len(NAMES) ** 2
    for a, b, promoted, same_kind in pairs:
        assert promoted == np.result_type(np.dtype(a), np.dtype(b)).name, (a, b)
        assert bool(int(same_kind)) == np.can_cast(np.dtype(a), np.dtype(b), "same_kind"), (a, b)


def test_scalars(lines):
    weak = [line[1:] for line in lines if line[0] == "weak"]
    assert len(weak) == 5 * len(NAMES)
    for a, kind, promoted in weak:
        scalar = SCALARS[int(kind)] if SCALARS[int(kind)] is not None else 1
        assert promoted == np.result_type(np.dtype(a), scalar).name, (a, scalar)


def test_names():
    names = NAMES + [np.dtype(n).str[1:] for n in NAMES] + ["<" + np.dtype(n).str[1:] for n in NAMES]
    assert run(*names) == NAMES * 3
    assert run("float", "f", "f3", "<", "", ">f8", "float64 ", "complex256") == ["none"] * 8
