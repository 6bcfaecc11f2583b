"""Every operation of the engine's table is a function with its signature and documentation; those that NumPy has give NumPy's values."""
import inspect
import json

import libchunk as lc
import numpy as np
import pytest
from libchunk import _core

TABLE = {entry[0]: entry for entry in _core.operations()}
ONE = "abs square sqrt exp log sin arctan floor ceil rint sign negative isnan isfinite signbit reciprocal expm1 log1p tanh cbrt conj real imag logical_not".split()
TWO = "add subtract multiply divide floor_divide remainder power maximum minimum hypot arctan2 copysign less equal greater_equal logical_and logaddexp".split()
OVER = "sum prod mean std var max min any all argmax argmin count_nonzero ptp nansum nanmean nanmax".split()


@pytest.mark.parametrize("name", sorted(TABLE))
def test_table(name):
    """From the table alone: there, callable, with its parameters and a text on each."""
    function = getattr(lc, name)
    parameters = inspect.signature(function).parameters
    assert function.__name__ == name and name in dir(lc)
    if function.__code__.co_filename != lc._operations.__file__:
        return      # a function with NumPy's, the array API's or Dask's signature over the table's
    assert list(parameters) == [p[0] for p in TABLE[name][5]]
    assert all(f"\n{p} : " in function.__doc__ for p in parameters) and "Returns\n-------" in function.__doc__
    for alias in TABLE[name][1]:
        if getattr(lc, alias).__code__.co_filename != lc._operations.__file__:
            continue
        assert getattr(lc, alias).__doc__ == function.__doc__


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64", "complex128"])
@pytest.mark.parametrize("name", ONE + TWO + OVER)
def test_as_numpy_lazily(name, dtype, rng):
    """The function here and NumPy's own on lazy arrays give what NumPy gives on its own."""
    n = (rng.random((7, 5)) * 10 + 1).astype(dtype)
    arrays = (n, n[::-1]) if name in TWO else (n,)
    lazy = [lc.from_array(x) for x in arrays]
    options = [{}, {"axis": 1}, {"axis": -2}] + ([] if "arg" in name else [{"axis": (0, 1), "keepdims": True}]) if name in OVER else [{}]
    for kwargs in options:
        try:
            want = getattr(np, name)(*arrays, **kwargs)
        except TypeError:
            with pytest.raises(TypeError):
                getattr(np, name)(*lazy, **kwargs)
            continue
        for got in (getattr(lc, name)(*lazy, **kwargs), getattr(np, name)(*lazy, **kwargs)):
            assert isinstance(got, lc.Array) and got.dtype == want.dtype and got.shape == want.shape
            np.testing.assert_allclose(got.compute(), want, rtol=1e-4 if dtype == "float32" else 1e-12)


def test_keywords_of_numpy_and_dask(rng):
    n = rng.random((4, 5))
    x = lc.from_array(n)
    np.testing.assert_allclose(np.std(x, axis=0, ddof=1).compute(), n.std(axis=0, ddof=1))
    np.testing.assert_allclose(x.var(ddof=1).compute(), n.var(ddof=1))
    np.testing.assert_array_equal(np.clip(x, a_min=0.2, a_max=0.5).compute(), n.clip(0.2, 0.5))
    np.testing.assert_array_equal(np.concatenate([x, x], axis=1).compute(), np.concatenate([n, n], axis=1))
    np.testing.assert_array_equal(lc.sum(a=x, axis=[0, 1]).compute(), lc.sum(x, axis=(0, 1)).compute())
    np.testing.assert_array_equal(np.where(x > 0.5, x, 0).compute(), np.where(n > 0.5, n, 0))


def test_plan_is_told(rng):
    x = lc.from_array(rng.random((100, 50)))
    assert "peak" in x.mean(axis=0).explain()
    assert json.dumps(x.mean(axis=0).explain(format="json"))
    x.mean(axis=0).compute()
    report = lc.last_report()
    assert report.tasks >= 1 and report.measured_peak <= report.projected_peak <= report.ceiling
