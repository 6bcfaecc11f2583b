"""xarray on libchunk's arrays: files are read by the engine, also decoded ones; what xarray does stays lazy and gives what it gives with NumPy."""
import warnings

import libchunk as lc
import numpy as np
import pytest

xr = pytest.importorskip("xarray", reason="xarray is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")
pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")


@pytest.fixture(scope="module")
def path(tmp_path_factory, seed):
    """Two years of days on a small grid; p is packed into int16, with gaps."""
    rng = np.random.default_rng(seed)
    lat = np.linspace(-80, 80, 20)
    ds = xr.Dataset({"t": (("time", "lat", "lon"), rng.normal(280, 10, (730, 20, 30))), "w": (("lat",), np.cos(np.deg2rad(lat)))},
                    coords={"time": pd.date_range("2000-01-01", periods=730), "lat": lat, "lon": np.arange(30) * 12.0})
    ds["p"] = (ds.t * 0.1).where(ds.t > 262)
    ds["bounds"] = (("time", "n"), ds.time.values[:, None] + np.timedelta64(0, "D") * np.arange(2))
    file = tmp_path_factory.mktemp("nc") / "c.nc"
    packed = {"dtype": "i2", "scale_factor": 0.01, "_FillValue": -32768, "chunksizes": (100, 20, 30)}
    ds.to_netcdf(file, engine="h5netcdf", encoding={"t": {"chunksizes": (100, 10, 30), "zlib": True}, "p": packed})
    return file


@pytest.fixture
def lazy(path):
    with xr.set_options(use_flox=False), xr.open_dataset(path, chunks={}, chunked_array_type="libchunk", engine="h5netcdf") as ds:
        yield ds


@pytest.fixture(scope="module")
def loaded(path):
    return xr.open_dataset(path, engine="h5netcdf").load()


def test_variables_are_read_by_the_engine(lazy, loaded):
    assert isinstance(lazy.t.data, lc.Array) and not lazy.t.data.owners
    assert lazy.t.chunks == ((100,) * 7 + (30,), (10, 10), (30,)) and lazy.t.chunksizes["time"][-1] == 30
    assert isinstance(lazy.p.data, lc.Array)
    xr.testing.assert_identical(lazy.compute(), loaded)
    assert not isinstance(lazy.bounds.variable._data, lc.Array)     # times: the engine has no such dtype, xarray keeps them
    xr.testing.assert_identical(xr.open_dataset(loaded.encoding["source"], chunks={"time": 50}, chunked_array_type="libchunk", engine="h5netcdf").t.compute(), loaded.t)


CASES = {
    "mean": lambda d: d.t.mean("time"),
    "of the dataset": lambda d: d[["t", "p"]].mean("time").t,
    "gaps": lambda d: d.p.mean(),
    "anomaly": lambda d: d.t - d.t.mean("time"),
    "where": lambda d: d.t.where(d.t > 280),
    "three-way where": lambda d: xr.where(d.t > 280, 1, 0),
    "std": lambda d: d.t.std(("lat", "lon")),
    "var with gaps": lambda d: d.p.var("time"),
    "sum with min_count": lambda d: d.p.sum("time", min_count=1),
    "count": lambda d: d.p.count("time"),
    "isnull": lambda d: d.p.isnull().sum(),
    "fillna": lambda d: d.p.fillna(0),
    "clip": lambda d: d.t.clip(270, 290),
    "argmax": lambda d: d.t.argmax("time"),
    "groupby": lambda d: d.t.groupby("time.month").mean(),
    "groupby anomaly": lambda d: d.t.groupby("time.season") - d.t.groupby("time.season").mean(),
    "resample": lambda d: d.t.resample(time="MS").mean(),
    "coarsen": lambda d: d.t.coarsen(time=5).mean(),
    "rolling construct": lambda d: d.t.rolling(time=3).construct("w").mean("w"),
    "shift": lambda d: d.t.shift(time=2),
    "pad": lambda d: d.t.pad(time=2),
    "roll": lambda d: d.t.roll(lon=3),
    "weighted": lambda d: d.t.weighted(d.w).mean(("lat", "lon")),
    "dot": lambda d: xr.dot(d.t, d.w, dim="lat"),
    "interp": lambda d: d.t.interp(lat=[3.0, 5.0]),
    "interp times": lambda d: d.t.interp(time=d.time.values[:3] + np.timedelta64(6, "h")),
    "upsampled": lambda d: d.t.isel(time=slice(5)).resample(time="12h").interpolate("linear"),
    "isel": lambda d: d.t.isel(time=[1, 5, 3], lat=slice(2, 9, 2)),
    "sel": lambda d: d.t.sel(lat=0, method="nearest"),
    "reindex": lambda d: d.t.reindex(lat=d.lat[::-1]),
    "diff": lambda d: d.t.diff("time"),
    "cumsum": lambda d: d.t.cumsum("time"),
    "differentiate": lambda d: d.t.differentiate("lat"),
    "integrate": lambda d: d.t.integrate("lat"),
    "corr": lambda d: xr.corr(d.t, d.p, "time"),
    "transpose": lambda d: d.t.transpose("lon", "time", "lat"),
    "stack": lambda d: d.t.stack(z=("lat", "lon")),
    "concat": lambda d: xr.concat([d.t, d.t], "time"),
    "broadcast": lambda d: d.t * d.w,
    "ufunc": lambda d: np.sin(d.t),
    "apply_ufunc": lambda d: xr.apply_ufunc(lambda a: np.sort(a, axis=-1)[..., :3].sum(-1), d.t.chunk(time=-1), input_core_dims=[["time"]], dask="parallelized",
                                           output_dtypes=["f8"]),
    "quantile": lambda d: d.t.chunk(time=-1).quantile([0.1, 0.5], "time"),
    "chunk": lambda d: d.t.chunk(time=50),
    "astype": lambda d: d.t.astype("f4").round(1),
}


@pytest.mark.parametrize("case", CASES)
def test_stays_lazy_and_agrees(lazy, loaded, case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, want = CASES[case](lazy), CASES[case](loaded)
    assert isinstance(got.variable._data, lc.Array), "computed in memory"
    xr.testing.assert_allclose(got.compute(), want, rtol=1e-6, atol=1e-8)


BY = {"month": lambda d: d.groupby("time.month"), "season": lambda d: d.groupby("time.season"), "day": lambda d: d.groupby("time.dayofyear"),
      "weekday": lambda d: d.groupby("time.weekday"), "resampled": lambda d: d.resample(time="MS"), "year": lambda d: d.groupby("time.year")}


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("how", ["mean", "max", "std", "count", "sum"])
def test_groups_of_a_calendar_are_one_pass(lazy, loaded, by, how):
    """Months of 28 to 31 days, seasons that begin in the middle, leap days: each chunk is decoded a few times at most, not once a group."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, want = (getattr(BY[by](d[["t", "p", "w"]].isel(time=slice(3, 720))), how)() for d in (lazy, loaded))
        alone = getattr(BY[by](lazy.p), how)()
        values = got.compute()
    assert isinstance(got.t.variable._data, lc.Array)
    plan = lc.explain(got.t.data, format="json")
    assert len(plan["passes"]) <= 4, [p["name"] for p in plan["passes"]]
    xr.testing.assert_allclose(values, want.transpose(*values.dims), rtol=1e-6)
    np.testing.assert_allclose(alone, getattr(BY[by](loaded.p), how)().transpose(*alone.dims), rtol=1e-5)


def test_positions_of_extremes_along_times(lazy, loaded):
    """The engine has no dtype for them, and xarray puts NaT into an array of them by a lazy condition."""
    for how in ("idxmax", "idxmin"):
        for options in ({}, {"skipna": False}, {"fill_value": loaded.time.values[3]}):
            got, want = (getattr(d.p.where(d.lat > d.lat[2]), how)("time", **options) for d in (lazy, loaded))
            xr.testing.assert_identical(got.compute(), want)
            assert got.dtype == want.dtype
        xr.testing.assert_identical(getattr(lazy[["t", "p"]], how)("time").compute(), getattr(loaded[["t", "p"]], how)("time"))
    named = [d.t.isel(lon=slice(5)).assign_coords(lon=list("abcde")).idxmax("lon").compute() for d in (lazy, loaded)]
    xr.testing.assert_identical(*named)


def test_groups_that_are_not_one_pass(lazy, loaded):
    """Labels in no order, reductions that gaps would change: still right, and lazy."""
    label = xr.DataArray(np.random.default_rng(1).integers(0, 5, 730), dims="time", name="label")
    for by in (lambda d: d.t.groupby(label).mean(), lambda d: d.t.groupby("time.month").mean(skipna=False), lambda d: d.p.groupby("time.month").mean(skipna=False),
               lambda d: (d.t > 280).groupby("time.month").sum(), lambda d: d.t.groupby("time.month").first(), lambda d: d[["t", "w"]].groupby(label).max().t,
               lambda d: d.t.groupby_bins("time", pd.date_range("2000-02-01", periods=4, freq="QS")).mean()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got, want = by(lazy), by(loaded)
        assert isinstance(got.variable._data, lc.Array)
        np.testing.assert_allclose(got.compute(), want.transpose(*got.dims), rtol=1e-6)


def test_anomaly_of_a_dataset(lazy, loaded):
    got, want = (d.groupby("time.month") - d.groupby("time.month").mean() for d in (lazy[["t", "p"]].unify_chunks(), loaded[["t", "p"]]))
    assert isinstance(got.p.variable._data, lc.Array)
    xr.testing.assert_allclose(got.compute(), want, rtol=1e-5, atol=1e-6)


def test_written(lazy, loaded, tmp_path):
    anomaly = (lazy[["t"]] - lazy[["t"]].mean("time"))
    anomaly.to_netcdf(tmp_path / "o.nc", engine="h5netcdf")
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "o.nc"), loaded[["t"]] - loaded[["t"]].mean("time"), atol=1e-8)


def test_several_results_in_one_run(lazy, loaded):
    a, b = (lazy.t.mean("time"), lazy.t.max("time"))
    both = xr.Dataset({"a": a, "b": b}).compute()
    assert lc.last_report().bytes_read < 1.5 * lazy.t.nbytes
    xr.testing.assert_allclose(both.a, loaded.t.mean("time"))


@pytest.mark.parametrize("args, want", [((5, (12,)), ((5, 5, 2),)), (({0: 4}, (8, 3)), ((4, 4), (3,))), (((-1, None), (8, 3)), ((8,), (3,))), ((((3, 5), 2), (8, 3)), ((3, 5), (2, 1))),
                                        (("auto", (10, 10)), ((10,), (10,))), (("1KiB", (100, 64)), None), ((0 or 7, (0,)), ((0,),))])
def test_normalize_chunks(args, want):
    got = lc.normalize_chunks(*args, dtype="f8")
    assert tuple(map(sum, got)) == args[1]
    assert got == want if want else max(map(max, got)) * 8 <= 1024
    with pytest.raises(ValueError):
        lc.normalize_chunks((3, 3), (5,))
