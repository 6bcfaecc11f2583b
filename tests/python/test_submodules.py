"""fft, random, ma, overlap, stats and the functions that Dask has besides NumPy's: against NumPy and SciPy over several chunks."""
import libchunk as lc
import numpy as np
import pytest


@pytest.fixture
def x(rng):
    return rng.normal(0, 3, (8, 9, 6))


def lazy(values, chunks=(3, 4, 5)):
    return lc.from_array(values, chunks=chunks[:values.ndim])


def agree(got, want, **kwargs):
    if isinstance(want, tuple):
        assert len(got) == len(want)
        for g, w in zip(got, want):
            agree(g, w, **kwargs)
        return
    assert isinstance(got, lc.Array) and got.shape == np.shape(want) and got.dtype == np.asarray(want).dtype
    np.testing.assert_allclose(np.asarray(got), want, **({"rtol": 1e-10, "atol": 1e-12} | kwargs))


# ---- fft

@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_fft_along(x, name, norm):
    for axis, n in ((0, None), (1, 5), (-1, 12)):
        agree(getattr(lc.fft, name)(lazy(x), n=n, axis=axis, norm=norm), getattr(np.fft, name)(x, n=n, axis=axis, norm=norm))
    agree(getattr(np.fft, name)(lazy(x)), getattr(np.fft, name)(x))
    assert getattr(lc.fft, name)(lazy(x.astype("f4"))).dtype == (np.float32 if name in ("irfft", "hfft") else np.complex64)


@pytest.mark.parametrize("name", ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"])
def test_fft_over(x, name):
    agree(getattr(lc.fft, name)(lazy(x)), getattr(np.fft, name)(x))
    agree(getattr(lc.fft, name)(lazy(x), axes=(0, 2)), getattr(np.fft, name)(x, axes=(0, 2)))
    agree(getattr(lc.fft, name)(lazy(x), s=(4, 10), axes=(1, 0)), getattr(np.fft, name)(x, s=(4, 10), axes=(1, 0)))


def test_fft_helpers(x):
    for n in (1, 8, 9):
        agree(lc.fft.fftfreq(n, d=0.5), np.fft.fftfreq(n, 0.5))
        agree(lc.fft.rfftfreq(n, d=0.5), np.fft.rfftfreq(n, 0.5))
    for name in ("fftshift", "ifftshift"):
        for axes in (None, 1, (0, 2)):
            agree(getattr(lc.fft, name)(lazy(x), axes=axes), getattr(np.fft, name)(x, axes=axes))
    with pytest.raises(np.exceptions.AxisError):
        lc.fft.fft(lazy(x), axis=3)
    with pytest.raises(ValueError):
        lc.fft.fft(lazy(x), n=0)
    with pytest.raises(TypeError):
        lc.fft.rfft(lazy(x) * 1j)


# ---- random

CALLS = {"beta": (2, 3), "binomial": (10, 0.3), "chisquare": (3,), "exponential": (2,), "f": (3, 9), "gamma": (2, 3), "geometric": (0.3,), "gumbel": (1, 2),
         "hypergeometric": (10, 20, 8), "laplace": (1, 2), "logistic": (1, 2), "lognormal": (0, 0.5), "logseries": (0.5,), "negative_binomial": (5, 0.4),
         "noncentral_chisquare": (4, 2), "noncentral_f": (4, 12, 1), "normal": (1, 2), "pareto": (5,), "poisson": (4,), "power": (3,), "rayleigh": (2,),
         "standard_exponential": (), "standard_gamma": (3,), "standard_normal": (), "standard_t": (9,), "triangular": (0, 1, 4), "uniform": (2, 5),
         "vonmises": (0.5, 4), "wald": (2, 5), "weibull": (2,), "zipf": (6,)}


@pytest.mark.parametrize("name", CALLS)
def test_distributions(name, seed):
    """Mean and deviation are NumPy's, blocks differ, and the same seed gives the same numbers again."""
    got = getattr(lc.random.default_rng(seed), name)(*CALLS[name], size=(120, 100), chunks=(50, 100))
    want = getattr(np.random.default_rng(seed), name)(*CALLS[name], size=200_000)
    values = got.compute()
    assert got.dtype == want.dtype and got.numblocks[0] > 1
    error = want.std() / np.sqrt(values.size)
    assert abs(values.mean() - want.mean()) < 6 * error
    assert not np.array_equal(values[:50], values[50:100])
    np.testing.assert_array_equal(got, values)
    np.testing.assert_array_equal(getattr(lc.random.default_rng(seed), name)(*CALLS[name], size=(120, 100), chunks=(50, 100)), values)


def test_random_does_not_depend_on_threads_and_ceiling(seed):
    made = [lc.random.default_rng(seed).normal(size=(400, 300), chunks=(64, 300))]
    made.append(made[0] * 2)
    values = made[0].compute()
    for threads, memory in ((1, "64MiB"), (4, "512MiB")):
        with lc.options(threads=threads, memory=memory):
            np.testing.assert_array_equal(made[0], values)
            np.testing.assert_array_equal(made[1], values * 2)


def test_random_calls(seed):
    rng = lc.random.default_rng(seed)
    assert not np.array_equal(rng.random(9), rng.random(9))
    assert rng.normal().shape == () and rng.random((3, 0)).shape == (3, 0)
    loc = np.arange(4.0) * 100
    np.testing.assert_allclose(rng.normal(loc, 1e-9, (3, 4)), np.broadcast_to(loc, (3, 4)), atol=1e-6)
    np.testing.assert_allclose(rng.normal(loc=5, scale=1e-9, size=3), 5)
    whole = rng.integers(3, 6, (40, 5)).compute()
    assert set(np.unique(whole)) == {3, 4, 5} and set(np.asarray(rng.integers(2, size=99, endpoint=True))) == {0, 1, 2}
    assert set(np.asarray(rng.choice([10, 20, 30], 200, p=[0.5, 0.5, 0]))) == {10, 20}
    np.testing.assert_array_equal(np.sort(rng.choice(9, 9, replace=False).compute()), np.arange(9))
    np.testing.assert_array_equal(np.sort(rng.permutation(9).compute()), np.arange(9))
    rows = np.arange(12).reshape(6, 2)
    np.testing.assert_array_equal(np.sort(rng.permutation(lazy(rows)).compute(), 0), rows)
    lc.random.seed(seed)
    first = lc.random.random_sample((5, 5)).compute()
    lc.random.seed(seed)
    np.testing.assert_array_equal(lc.random.random_sample((5, 5)), first)
    assert lc.random.RandomState(seed).random_integers(1, 2, 50).max() == 2
    for bad in (lambda: rng.normal(1, 2, 3, 4, 5, 6), lambda: rng.beta(1), lambda: rng.normal(colour=3)):
        with pytest.raises(TypeError):
            bad()


# ---- stats

def test_stats(x):
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    y = x * 1.5 + 1
    for name, args, kwargs in (("skew", (x,), {}), ("skew", (x,), {"bias": False, "axis": 1}), ("kurtosis", (x,), {}), ("kurtosis", (x,), {"bias": False, "fisher": False}),
                               ("moment", (x, 3), {}), ("moment", (x, 1), {}), ("skewtest", (x,), {}), ("kurtosistest", (x,), {"axis": 1}), ("normaltest", (x,), {}),
                               ("ttest_1samp", (x, 0.5), {}), ("ttest_ind", (x, y), {}), ("ttest_ind", (x, y[:5]), {"equal_var": False}), ("ttest_rel", (x, y), {"axis": 1}),
                               ("chisquare", (abs(x) + 1,), {}), ("power_divergence", (abs(x) + 1,), {"lambda_": 0}), ("power_divergence", (abs(x) + 1,), {"lambda_": -1}),
                               ("power_divergence", (abs(x) + 1,), {"lambda_": "cressie-read", "ddof": 1}), ("f_oneway", (x.ravel(), y.ravel(), x.ravel()[:50]), {})):
        want = getattr(stats, name)(*args, **kwargs)
        got = getattr(lc.stats, name)(*(lazy(a) if isinstance(a, np.ndarray) else a for a in args), **kwargs)
        if isinstance(got, tuple):
            for g, w in zip(got, (want.statistic, want.pvalue)):
                assert isinstance(g, lc.Array)
                np.testing.assert_allclose(np.asarray(g), w, rtol=1e-7, atol=1e-12, err_msg=name)
        else:
            agree(got, want, rtol=1e-9, atol=1e-10)
    with pytest.raises(NotImplementedError):
        lc.stats.skew(lazy(x), nan_policy="omit")


# ---- ma, overlap

def test_ma_and_overlap(x):
    x[0, 0, 0] = np.inf
    assert lc.ma.getdata(lazy(x)).shape == x.shape and not lc.ma.getmaskarray(lazy(x)).any()
    agree(lc.ma.fix_invalid(lazy(x), 5.0), np.where(np.isfinite(x), x, 5.0))
    agree(lc.ma.count(lazy(x), 0), np.ma.count(x, 0))
    for name, mode in (("periodic", "wrap"), ("reflect", "symmetric"), ("nearest", "edge")):
        agree(getattr(lc.overlap, name)(lazy(x), 1, 2), np.pad(x, ((0, 0), (2, 2), (0, 0)), mode))
    agree(lc.overlap.constant(lazy(x), 0, 1, 7), np.pad(x, ((1, 1), (0, 0), (0, 0)), constant_values=7))
    agree(lc.overlap.sliding_window_view(lazy(x), 3, axis=0), np.lib.stride_tricks.sliding_window_view(x, 3, axis=0))
    x[1:4] = np.nan
    want = x.copy()
    want[1:3] = want[0]
    agree(lc.overlap.push(lazy(x), 2, 0), want)


# ---- functions that Dask has

def test_numbers(x, rng):
    n = rng.integers(-9, 9, x.shape)
    n[n == 0] = 3
    for name in ("modf", "frexp", "i0", "sinc", "spacing", "isreal", "iscomplex", "cov", "corrcoef", "ediff1d", "flatnonzero"):
        data = x[0] if name in ("cov", "corrcoef") else x
        agree(getattr(lc, name)(lazy(data)), getattr(np, name)(data))
    for name, a, b in (("divmod", x, n), ("ldexp", x, n), ("logaddexp2", x, x * 2), ("float_power", abs(n), n)):
        agree(getattr(lc, name)(lazy(a), lazy(b)), getattr(np, name)(a, b))
    agree(lc.cov(lazy(x[0]), lazy(x[1]), rowvar=False, ddof=0), np.cov(x[0], x[1], rowvar=False, ddof=0))
    agree(lc.cov(lazy(x[0] * 1j + x[1])), np.cov(x[0] * 1j + x[1]))
    agree(lc.cov(lazy(x[0, 0])), np.cov(x[0, 0]))
    often, much = np.arange(x.shape[2]) % 3, np.linspace(0.1, 2, x.shape[2])
    for weights in ({"fweights": often}, {"aweights": much}, {"fweights": often, "aweights": much}, {"aweights": much, "ddof": 0}, {"fweights": often, "bias": True}):
        agree(lc.cov(lazy(x[0]), **weights), np.cov(x[0], **weights))
        agree(np.cov(lazy(x[0, 0] * 1j + x[0, 1]), **weights), np.cov(x[0, 0] * 1j + x[0, 1], **weights))
    for bad, kind in ((-much, ValueError), (much[1:], RuntimeError)):
        with pytest.raises(kind):
            lc.cov(lazy(x[0]), aweights=bad)
    with pytest.raises(TypeError):
        lc.cov(lazy(x[0]), fweights=much)
    agree(lc.ediff1d(lazy(x[0]), to_begin=[1.0], to_end=[2.0, 3]), np.ediff1d(x[0], to_begin=[1.0], to_end=[2.0, 3]))
    agree(lc.percentile(lazy(x), [10, 50], axis=0), np.percentile(x, [10, 50], axis=0))
    agree(lc.nanpercentile(lazy(x), 30, axis=(0, 1)), np.nanpercentile(x, 30, axis=(0, 1)))
    agree(lc.isnull(lazy(np.where(x > 0, x, np.nan))), ~(x > 0))
    agree(lc.notnull(lazy(n)), np.ones(n.shape, bool))
    agree(lc.moment(lazy(x), 3, axis=(0, 1), ddof=1), ((x - x.mean((0, 1)))**3).sum((0, 1)) / 71)
    agree(lc.piecewise(lazy(x), [lazy(x) < 0, lazy(x) > 2], [lambda v: -v, 7, 0]),
          np.piecewise(x, [x < 0, x > 2], [lambda v: -v, 7, 0]))


def test_places(x):
    for k in (1, 3, -2, 20):
        for axis in (0, -1):
            want = np.sort(x, axis)
            want = np.flip(want, axis).take(range(min(k, x.shape[axis])), axis) if k > 0 else want.take(range(-k), axis)
            agree(lazy(x).topk(k, axis), want)
            agree(lc.take_along_axis(lazy(x), lc.argtopk(lazy(x), k, axis), axis), want)
    at = np.array([[3, 40], [200, 5]])
    for order in "CF":
        agree(lc.unravel_index(lazy(at), x.shape, order), np.unravel_index(at, x.shape, order))
        agree(lc.ravel_multi_index(lc.unravel_index(lazy(at), x.shape, order), x.shape, order=order), at)
    agree(lc.tril_indices(4, 1), np.tril_indices(4, 1))
    agree(lc.triu_indices_from(lazy(x[0]), -1), np.triu_indices_from(x[0], -1))
    agree(lc.indices((3, 4)), np.indices((3, 4)))
    agree(lc.fromfunction(lambda i, j: i * 10 + j, chunks=(2, 3), shape=(5, 7)), np.fromfunction(lambda i, j: i * 10 + j, (5, 7)))
    agree(lazy(x).vindex[[1, 2], :, [0, 3]], x[[1, 2], :, [0, 3]])
    agree(lazy(x).partitions[1], x[3:6])
    row_sum = lc.as_gufunc("(i)->()", output_dtypes=float)(lambda block: block.sum(-1))
    agree(row_sum(lazy(x)), x.sum(-1))


def test_stored(x, tmp_path):
    lc.to_hdf5(tmp_path / "o.h5", {"/a": lazy(x), "/b": lazy(x) * 2})
    np.testing.assert_array_equal(lc.from_hdf5(tmp_path / "o.h5", "b"), x * 2)
    out = np.empty_like(x)
    lazy(x).store(out)
    np.testing.assert_array_equal(out, x)
    pytest.importorskip("zarr", reason="zarr is not installed")
    lazy(x).to_zarr(str(tmp_path / "o.zarr"))
    back = lc.from_zarr(str(tmp_path / "o.zarr"))
    assert back.chunksize == (3, 4, 5)
    np.testing.assert_array_equal(back, x)
