"""Functions that call NumPy's on whole lines, and that look values up: against NumPy over several chunks."""
import libchunk as lc
import numpy as np
import pytest


@pytest.fixture
def x(rng):
    values = rng.normal(0, 3, (7, 9, 4))
    values[rng.random(values.shape) < 0.2] = np.nan
    return values


@pytest.mark.parametrize("name", ["median", "nanmedian"])
@pytest.mark.parametrize("axis", [0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_median(x, name, axis, keepdims):
    lazy = lc.from_array(x, chunks=(3, 2, 4))
    got = getattr(lc, name)(lazy, axis=axis, keepdims=keepdims)
    want = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    assert isinstance(got, lc.Array) and got.shape == want.shape
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(getattr(np, name)(lazy, axis=axis, keepdims=keepdims), want)
    with pytest.raises(NotImplementedError, match="axis"):
        getattr(lc, name)(lazy)


@pytest.mark.parametrize("q", [0.3, [0.1, 0.9]])
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_quantile(x, name, q):
    got = getattr(lc, name)(lc.from_array(x, chunks=(3, 2, 4)), q, axis=1)
    np.testing.assert_array_equal(got, getattr(np, name)(x, q, axis=1))


def test_float32_stays(x):
    assert lc.median(lc.from_array(x.astype("f4"), chunks=2), axis=0).dtype == np.float32
    assert lc.median(lc.arange(12).reshape(3, 4), axis=0).dtype == np.float64


def test_apply_along_axis(x):
    lazy = lc.from_array(x, chunks=(3, 2, 4))
    for f in (np.nansum, lambda line: line[:2] * 2, np.argsort):
        for axis in (0, 1, -1):
            np.testing.assert_array_equal(lc.apply_along_axis(f, axis, lazy), np.apply_along_axis(f, axis, x))
    np.testing.assert_allclose(lc.apply_over_axes(lc.nansum, lazy, (0, 2)), np.apply_over_axes(np.nansum, x, (0, 2)))
    with pytest.raises(NotImplementedError):
        lc.apply_along_axis(np.diag, 0, lazy)


def test_lookups(rng):
    x = rng.integers(0, 9, (20, 6))
    lazy, edges = lc.from_array(x, chunks=(7, 4)), np.array([2, 4, 7])
    np.testing.assert_array_equal(lc.isin(lazy, [1, 5]), np.isin(x, [1, 5]))
    np.testing.assert_array_equal(lc.isin(lazy, [1, 5], invert=True), np.isin(x, [1, 5], invert=True))
    for right in (False, True):
        np.testing.assert_array_equal(lc.digitize(lazy, edges, right), np.digitize(x, edges, right))
    for side in ("left", "right"):
        np.testing.assert_array_equal(lc.searchsorted(edges, lazy, side=side), np.searchsorted(edges, x, side))
    np.testing.assert_array_equal(lc.choose(lazy % 3, [lazy, 10, -lazy]), np.choose(x % 3, [x, 10, -x]))
    np.testing.assert_array_equal(lc.select([lazy > 6, lazy > 3], [lazy, lazy * 0.5], -1), np.select([x > 6, x > 3], [x, x * 0.5], -1))
    with pytest.raises(ValueError):
        lc.digitize(lazy, [3, 1, 2])
    with pytest.raises(NotImplementedError, match="in memory"):
        lc.isin(lazy, lazy)


def test_counts(rng):
    x, w = rng.normal(size=(40, 5)), rng.random((40, 5))
    lazy = lc.from_array(x, chunks=(7, 5))
    for kwargs in ({"bins": 8, "range": (-2, 2)}, {"bins": [-1, 0, 0.5, 3]}):
        for density in (False, True):
            got, edges = lc.histogram(lazy, density=density, **kwargs)
            want, want_edges = np.histogram(x, density=density, **kwargs)
            np.testing.assert_allclose(got, want)
            np.testing.assert_array_equal(edges, want_edges)
    np.testing.assert_allclose(lc.histogram(lazy, 4, (-2, 2), weights=lc.from_array(w, chunks=(7, 5)))[0], np.histogram(x, 4, (-2, 2), weights=w)[0])
    n = rng.integers(0, 6, 50)
    np.testing.assert_array_equal(lc.bincount(lc.from_array(n, chunks=8), minlength=6), np.bincount(n, minlength=6))
    with pytest.raises(ValueError, match="minlength"):
        lc.bincount(lc.from_array(n, chunks=8), minlength=n.max()).compute()
    np.testing.assert_array_equal(lc.bincount(lc.from_array(n, chunks=8)), np.bincount(n), strict=True)
    np.testing.assert_allclose(lc.bincount(lc.from_array(n, chunks=8), weights=n / 3), np.bincount(n, n / 3))
    np.testing.assert_array_equal(lc.bincount(lc.from_array(n[:0])), np.bincount(n[:0]), strict=True)
    for values in (x, (x * 100).astype(int), x[:0], np.full(4, 3.0), x > 0):
        for bins in (5, np.int64(3)) if values.dtype != bool else (2,):
            want = np.histogram(values.astype("u1") if values.dtype == bool else values, bins)
            for got, wanted in zip(lc.histogram(lc.from_array(values), bins), want):
                np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(lc.histogram(lazy)[0], np.histogram(x)[0])
    with pytest.raises(ValueError, match="finite"):
        lc.histogram(lc.from_array(np.array([1, np.nan])), 3)
    with pytest.raises(ValueError, match="negative"):
        lc.bincount(lc.from_array(n - 7))
    with pytest.raises(NotImplementedError):
        lc.histogram(lazy, "auto", (0, 1))


def test_lstsq(rng):
    a, b = rng.normal(size=(30, 3)), rng.normal(size=(30, 8))
    for rhs in (b, b[:, 0]):
        x, residuals, rank, s = lc.linalg.lstsq(a, lc.from_array(rhs, chunks=4))
        want = np.linalg.lstsq(a, rhs)
        np.testing.assert_allclose(x, want[0])
        np.testing.assert_allclose(np.ravel(residuals), np.ravel(want[1]))
        assert rank == want[2]
        np.testing.assert_allclose(s, want[3])
    deficient = a @ np.diag([1, 1, 0])
    x, residuals, rank, _ = np.linalg.lstsq(deficient, lc.from_array(b, chunks=4))
    np.testing.assert_allclose(x, np.linalg.lstsq(deficient, b)[0], atol=1e-12)
    assert rank == 2 and np.isnan(residuals).all()
    with pytest.raises(np.linalg.LinAlgError):
        lc.linalg.lstsq(a, b[:4])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("density", [False, True])
def test_histograms_of_several_axes(rng, weighted, density):
    points, weights = rng.random((100, 3)), rng.random(100) if weighted else None
    options = {"weights": weights, "density": density}
    for bins, bounds in ((4, [(0, 1), (0, 0.5), (-1, 1)]), ([2, [0, 0.3, 1], 5], [(0, 1), None, (0, 1)])):
        want, edges = np.histogramdd(points, bins, [b or (0, 1) for b in bounds], **options)
        for sample in (lc.from_array(points, chunks=(30, 2)), [lc.from_array(c, chunks=30) for c in points.T]):
            got, ours = lc.histogramdd(sample, bins, bounds, **options)
            assert isinstance(got, lc.Array)
            np.testing.assert_allclose(got, want)
            assert all(np.array_equal(a, b) for a, b in zip(ours, edges))
    for got, wanted in zip(lc.histogramdd(lc.from_array(points, chunks=(30, 2)), 3, **options), np.histogramdd(points, 3, **options)):
        np.testing.assert_allclose(got, wanted)
    x, y = points[:, 0], points[:, 1]
    for bins in (5, [3, 4], [0, 0.5, 1], [2, [0, 0.1, 1]]):
        want = np.histogram2d(x, y, bins, [(0, 1), (0, 1)], **options)
        got = lc.histogram2d(lc.from_array(x, chunks=30), lc.from_array(y, chunks=25), bins, [(0, 1), (0, 1)], **options)
        for a, b in zip(got, want):
            np.testing.assert_allclose(a, b)
    with pytest.raises(ValueError):
        lc.histogramdd([lc.ones(5), lc.ones(4)], 3, [(0, 1)] * 2)


def test_lines_of_large_chunks_fit_under_small_ceilings(tmp_path):
    """Only lines must fit, not all lines that lie in a row of chunks."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    n = np.random.default_rng(1).random((4000, 1500), dtype="f4")
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=n, chunks=(250, 1500))
    x = lc.from_hdf5(tmp_path / "a.h5", "x")
    with lc.options(memory="32MiB"):
        np.testing.assert_array_equal(lc.median(x, axis=0).compute(), np.median(n, axis=0))
        np.testing.assert_array_equal(lc.topk(x, 2, axis=0).compute(), -np.sort(-n, axis=0)[:2])
    x = x.rechunk((2000, 1500))
    for made, want in ((lc.apply_along_axis(np.cumsum, 1, x), np.cumsum(n, 1)), (lc.apply_gufunc(lambda a, b: a * b[:, None], "(i),()->(i)", x, x[:, 0], output_dtypes="f4"), n * n[:, :1]),
                       (lc.apply_gufunc(lambda a, b: (a @ b[..., None])[..., 0], "(i,j),(j)->(i)", x.reshape(80, 50, 1500), lc.ones(1500, dtype="f4"),
                                        output_dtypes="f4"), (n.reshape(80, 50, 1500) @ np.ones((1500, 1), "f4"))[..., 0])):
        with lc.options(memory="24MiB"):
            made.to_hdf5(tmp_path / "b.h5", "y", overwrite=True)
        np.testing.assert_array_equal(lc.from_hdf5(tmp_path / "b.h5", "y").compute(), want)
    y = lc.zeros((1000, 10), chunks=(500, 5))
    assert lc.apply_gufunc(np.sum, "(i)->()", y, axis=1, output_dtypes=float).chunksize == (500,)     # blocks that are small stay
    wide = lc.apply_gufunc(lambda a, b: a.sum(-1) + b.sum(-1), "(i),(j)->()", y, lc.ones(1 << 20), output_dtypes=float)
    assert wide.chunksize == (500,) and wide[-1].compute() == 1 << 20                                  # what has no loops is there anyway
