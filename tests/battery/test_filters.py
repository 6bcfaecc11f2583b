"""Filters beside the drawn cases: what went wrong once, and what is refused."""
import h5py
import lc
import numpy as np
import pytest
from scipy import ndimage


pytestmark = pytest.mark.skipif(lc.LIBRARY is None, reason=lc.WHY or "")


@pytest.fixture(scope="module")
def context():
    return lc.Context(memory=64 << 20, threads=2)


def values(shape, dtype="f8", seed=3):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape)).astype(dtype) if np.dtype(dtype).kind == "c" else (4 * x).astype(dtype)


def stored(context, tmp_path, **arrays):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        for name, a in arrays.items():
            f.create_dataset(name, data=a, chunks=(1,) * a.ndim)
    return {name: context.hdf5(tmp_path / "x.h5", "/" + name) for name in arrays}


def test_periodic_window_longer_than_the_axis(context, tmp_path):
    """A halo of more than a period was held in room for one."""
    x = np.abs(values((2, 3, 4, 5), "i8")).astype("u2")
    inputs = stored(context, tmp_path, x=x)
    got = context.compute(context.eval("uniform_filter(x, (4, 6, 1, 6), mode='wrap', origin=(-1, 1, 0, -1))", **inputs))
    assert (got == ndimage.uniform_filter(x, (4, 6, 1, 6), mode="wrap", origin=(-1, 1, 0, -1))).all()


@pytest.mark.parametrize("w", [[1.0, 2.0, 1.0], [1.0, 0.0, -1.0], [0.3, 1e-17, 0.7, -2.0]], ids=["even", "odd", "none"])
def test_weights_of_a_dataset_are_those_written_out(context, tmp_path, w):
    x = values((7, 9))
    x[3, 4] = np.inf
    inputs = stored(context, tmp_path, x=x, w=np.array(w))
    for name in ("correlate1d", "convolve1d"):
        a, b = context.compute(context.eval(f"{name}(x, w, axis=0, mode='wrap')", **inputs), context.eval(f"{name}(x, {w}, axis=0, mode='wrap')", **inputs))
        assert a.tobytes() == b.tobytes()
        with np.errstate(all="ignore"):
            assert np.array_equal(a, getattr(ndimage, name)(x, w, axis=0, mode="wrap"), equal_nan=True)


def test_axes_in_their_order(context):
    """Integers are cut off after each axis, so the order is seen."""
    x = values((6, 7, 8), "i4")
    for axes in [(2, 0), (0, 2), (-1, -2), (1,)]:
        got = context.compute(context.eval(f"gaussian_filter(x, {(1.0, 2.0)[: len(axes)]}, axes={axes}, mode={('wrap', 'nearest')[: len(axes)]})", x=context.array(x)))
        want = ndimage.gaussian_filter(x, (1.0, 2.0)[: len(axes)], axes=axes, mode=("wrap", "nearest")[: len(axes)])
        assert (got == want).all(), axes


@pytest.mark.parametrize("text, words", [
    ("median_filter(x, 3)", "complex numbers (x is complex128): give real(x), imag(x) or abs(x)"),
    ("minimum_filter(x, 3)", "complex numbers (x is complex128): give real(x), imag(x) or abs(x)"),
    ("gaussian_filter(x, 1, output='float64')", "output float64 cannot hold the complex result: complex64 and complex128 can"),
    ("laplace(real(x), output='complex64')", "output complex64 of real numbers: filter them, then astype"),
    ("gaussian_filter(x, (1, 2), axes=0)", "sigma has 2 values for 1 filtered axis"),
    ("correlate(x, [1, 2], axes=(0, 1))", "weights are (2,), x has 2 dimensions"),
    ("correlate(x, [1, 2])", "weights are (2,), x has 2 dimensions"),
    ("correlate1d(x, [[1, 2]])", "weights are (1, 2): they must be one or more along one axis"),
])
def test_refusals(context, text, words):
    with pytest.raises(lc.ChunkError) as e:
        context.eval(text, x=context.array(values((6, 7), "c16")))
    assert words in str(e.value)
