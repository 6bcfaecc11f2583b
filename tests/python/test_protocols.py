"""NumPy's protocols, the array API's namespace, DLPack."""
import inspect

import libchunk as lc
import numpy as np
import pytest


def same(got, want):
    assert isinstance(got, lc.Array)
    got = got.compute()
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


def test_ufunc_methods(rng):
    n = rng.integers(1, 5, (3, 4))
    x = lc.from_array(n)
    same(np.add.reduce(x), np.add.reduce(n))
    same(np.multiply.reduce(x, axis=1, keepdims=True), np.multiply.reduce(n, axis=1, keepdims=True))
    same(np.maximum.reduce(x, axis=None), np.maximum.reduce(n, axis=None))
    same(np.add.accumulate(x, axis=1), np.add.accumulate(n, axis=1))
    same(np.subtract.outer(x[0], n[1]), np.subtract.outer(n[0], n[1]))
    same(np.add(x, 1, dtype="f4"), np.add(n, 1, dtype="f4"))
    for got, want in zip(np.divmod(x, 2), np.divmod(n, 2)):
        same(got, want)
    same(np.arange(4) - x, np.arange(4) - n)
    same(np.float32(3) * x, np.float32(3) * n)
    for bad in (lambda: np.add.at(x, 0, 1), lambda: np.subtract.reduceat(x, [0, 1]), lambda: np.add(x, 1.5, casting="no")):
        with pytest.raises(TypeError):
            bad()


def test_ufunc_out():
    n = np.arange(4.0)
    x = lc.from_array(n)
    out = np.empty(4)
    assert np.multiply(x, 2, out=out) is out and (out == n * 2).all()
    out += x
    assert (out == n * 3).all()
    y = lc.zeros(4)
    np.add(x, 1, out=y)
    same(y, n + 1)


def test_functions_stay_lazy(rng):
    n = rng.random((4, 6))
    x = lc.from_array(n)
    same(np.transpose(x), n.T)
    same(np.concatenate([x, n]), np.concatenate([n, n]))
    same(np.stack([x, n]), np.stack([n, n]))
    same(np.flip(x, 0), np.flip(n, 0))
    same(np.expand_dims(x, 1), np.expand_dims(n, 1))
    same(np.squeeze(x[:1]), np.squeeze(n[:1]))
    same(np.broadcast_to(x[0], (2, 6)), np.broadcast_to(n[0], (2, 6)))
    same(np.full_like(x, 3), np.full_like(n, 3))
    same(np.nan_to_num(x), n)
    assert np.shape(x) == (4, 6) and np.ndim(x) == 2 and np.size(x) == 24 and np.size(x, 1) == 6 and not np.iscomplexobj(x)
    assert np.result_type(x, np.float32) == np.float64 and bool(np.allclose(x, n)) and bool(np.array_equal(x, n))
    with pytest.raises(TypeError):
        np.partition(x, 2)  # not there: an error, not a computation in memory


def test_other_libraries_arrays_have_their_say():
    class Other:
        __array_ufunc__ = None

        def __add__(self, x):
            return "mine"

        __radd__ = __add__

    assert lc.arange(3) + Other() == "mine" and Other() + lc.arange(3) == "mine"


def test_namespace():
    x = lc.arange(3)
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is lc
    with pytest.raises(ValueError):
        x.__array_namespace__(api_version="1999.1")
    info = lc.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"] is True and info.default_device() == x.device == "cpu" and info.devices() == ["cpu"]
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"} and info.default_dtypes()["integral"] == lc.int64
    assert x.to_device("cpu") is x and lc.pi == np.pi and lc.isdtype(x.dtype, "integral") and lc.finfo(lc.float32).bits == 32
    with pytest.raises(ValueError):
        x.to_device("gpu")


def test_dlpack():
    x = lc.arange(5, dtype="float32")
    np.testing.assert_array_equal(np.from_dlpack(x), np.arange(5, dtype="f4"))
    n = np.arange(6.0)
    same(lc.from_dlpack(n), n)
    assert x.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(x, copy=False), np.arange(5))      # computed into new memory, which is not copied
    with pytest.raises(BufferError):
        x.__dlpack__(dl_device=(2, 0))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_sign_of_nan_stays(dtype):
    for value in (-np.nan, np.nan):
        x = lc.asarray(np.array(value, dtype))
        assert lc.signbit(x).compute() == np.signbit(np.array(value, dtype)) and x.ndim == 0 and x.dtype == dtype


def test_public_names_are_documented():
    """Each has a text that begins with a sentence; functions with parameters list them in NumPy's format."""
    for name in lc.__all__:
        value = getattr(lc, name)
        if not callable(value) or value.__module__.startswith("numpy"):
            continue
        assert value.__doc__ and value.__doc__.strip(), name
    for name, member in vars(lc.Array).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            assert member.__doc__, name
