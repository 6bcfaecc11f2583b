"""xarray's backend engine="libchunk", and what xarray does on the real netCDF-4 files of examples/data: with flox installed or not, all of it lazy."""
import pickle
import warnings
from pathlib import Path

import libchunk as lc
import numpy as np
import pytest

xr = pytest.importorskip("xarray", reason="xarray is not installed")
h5netcdf = pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
pytest.importorskip("cftime", reason="cftime is not installed")
DATA = Path(__file__).resolve().parents[2] / "examples" / "data"
PATHS = [DATA / "A1B_north_america.nc", DATA / "E1_north_america.nc"]
LAZY = {"engine": "libchunk", "chunks": {}, "chunked_array_type": "libchunk"}


@pytest.fixture
def lazy():
    with xr.open_dataset(PATHS[0], **LAZY) as ds:
        yield ds.rename(air_temperature="t")


@pytest.fixture(scope="module")
def loaded():
    return xr.open_dataset(PATHS[0], engine="h5netcdf").rename(air_temperature="t").load()


def decades(d):
    return d.t.groupby(d.time.dt.year // 10 * 10)


def gaps(d):
    return d.t.where(d.t > 280)


def weighted(d):
    return d.t.weighted(np.cos(np.deg2rad(d.latitude)))


POINTS = {"latitude": xr.DataArray([20.0, 33.3], dims="z"), "longitude": xr.DataArray([230.0, 240.0], dims="z")}
CASES = {
    "anomaly": lambda d: d.t - d.t.mean("time"),
    "where": gaps,
    "where drop": lambda d: d.t.where(d.t > 290, drop=True),
    "groupby": lambda d: d.t.groupby("time.season").mean(),
    "groupby decades": lambda d: decades(d).mean(),
    "groupby anomaly": lambda d: decades(d) - decades(d).mean(),
    "groupby std": lambda d: decades(d).std(),
    "groupby first": lambda d: decades(d).first(),
    "groupby count": lambda d: gaps(d).groupby(d.time.dt.year // 10 * 10).count(),
    "groupby median": lambda d: decades(d).median(),
    "groupby quantile": lambda d: d.t.groupby("time.season").quantile(0.5),
    "groupby map": lambda d: decades(d).map(lambda g: g - g.mean()),
    "groupby cumsum": lambda d: decades(d).cumsum(),
    "groupby bins": lambda d: d.t.groupby_bins("latitude", [10, 30, 50, 70]).mean(),
    "resample": lambda d: d.t.resample(time="10YS").mean(),
    "resample max": lambda d: d.t.resample(time="10YS").max(),
    "rolling": lambda d: d.t.rolling(time=5).mean(),
    "rolling centred": lambda d: d.t.rolling(time=5, center=True).mean(),
    "rolling sum": lambda d: gaps(d).rolling(time=5, min_periods=2).sum(),
    "rolling std": lambda d: d.t.rolling(time=5).std(),
    "rolling max": lambda d: d.t.rolling(time=5).max(),
    "rolling median": lambda d: d.t.rolling(time=5).median(),
    "rolling on two axes": lambda d: d.t.rolling(latitude=3, longitude=3).mean(),
    "cumulative": lambda d: d.t.cumulative("time").mean(),
    "coarsen": lambda d: d.t.coarsen(time=12).mean(),
    "coarsen construct": lambda d: d.t.coarsen(time=12).construct(time=("a", "b")),
    "shift": lambda d: d.t.shift(time=1),
    "pad": lambda d: d.t.pad(time=1, mode="edge"),
    "weighted": lambda d: weighted(d).mean(("latitude", "longitude")),
    "weighted std": lambda d: weighted(d).std("latitude"),
    "quantile": lambda d: d.t.chunk(time=-1).quantile([0.1, 0.5], "time"),
    "chunk": lambda d: d.t.chunk(time=50),
    "median": lambda d: d.t.median("time"),
    "rank": lambda d: d.t.chunk(time=-1).rank("time"),
    "dot": lambda d: xr.dot(d.t, d.latitude, dim="latitude"),
    "polyfit": lambda d: d.t.polyfit("time", 1, skipna=False).polyfit_coefficients,
    "polyfit with gaps": lambda d: gaps(d).polyfit("time", 1, skipna=True).polyfit_coefficients,
    "polyfit residuals": lambda d: d.t.polyfit("latitude", 2, full=True).polyfit_residuals,
    "polyval": lambda d: xr.polyval(d.t, xr.DataArray([1.0, 2.0], dims="degree", coords={"degree": [0, 1]})),
    "interp": lambda d: d.t.interp(latitude=[20.0, 33.3]),
    "interp nearest": lambda d: d.t.interp(latitude=[20.0, 33.3], method="nearest"),
    "interp cubic": lambda d: d.t.interp(latitude=[20.0, 33.3], method="cubic"),
    "interp at points": lambda d: d.t.interp(POINTS),
    "interpolate_na": lambda d: gaps(d).interpolate_na("latitude"),
    "ffill": lambda d: gaps(d).ffill("time"),
    "bfill": lambda d: gaps(d).bfill("time"),
    "ffill with limit": lambda d: gaps(d).ffill("time", limit=2),
    "fillna": lambda d: gaps(d).fillna(0),
    "dropna": lambda d: gaps(d).dropna("latitude"),
    "isin": lambda d: d.t.round().isin([280.0, 281]),
    "idxmax": lambda d: d.t.idxmax("latitude"),
    "points": lambda d: d.t.sel(POINTS, method="nearest"),
    "mask": lambda d: d.t.isel(time=d.time.dt.year > 1900),
    "cumsum": lambda d: d.t.cumsum("time"),
    "cumulative_integrate": lambda d: d.t.cumulative_integrate("latitude"),
    "sortby": lambda d: d.t.sortby("latitude", ascending=False),
    "cov": lambda d: xr.cov(d.t, d.t.shift(time=1), "time"),
    "cross": lambda d: xr.cross((d.t - 280).isel(time=slice(3)), (d.t - 270).isel(time=slice(3)), dim="time"),
    "unstack": lambda d: d.t.stack(z=("latitude", "longitude")).unstack("z"),
    "align": lambda d: xr.align(d.t, d.t.isel(time=slice(5, None)), join="outer")[1],
    "apply_ufunc": lambda d: xr.apply_ufunc(lambda a: a * 2, d.t, dask="allowed"),
}


@pytest.mark.parametrize("case", CASES)
def test_stays_lazy_and_agrees(lazy, loaded, case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = CASES[case](lazy)
        with xr.set_options(use_flox=False):        # flox orders axes in its own way
            want = CASES[case](loaded)
    assert isinstance(got.variable._data, lc.Array), "computed in memory"
    xr.testing.assert_allclose(got.compute(), want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("case, way_out", [(lambda d: d.t.rank("time"), "chunks"), (lambda d: xr.apply_ufunc(np.sort, d.t), "dask")])
def test_what_would_need_memory_is_an_error(lazy, case, way_out):
    with pytest.raises(ValueError, match=way_out):
        case(lazy)


@pytest.mark.parametrize("key", [lambda d: d.time.dt.year % 12, lambda d: (d.time.dt.year + 5) % 24, lambda d: (d.time.dt.year - 1860) // 20])
@pytest.mark.parametrize("how", ["mean", "max", "count", "std", "sum"])
def test_regular_groups_are_one_pass(lazy, loaded, key, how):
    """Climatologies used to read their file once for each group."""
    got = getattr(gaps(lazy).groupby(key(lazy)), how)()
    with xr.set_options(use_flox=False):
        want = getattr(gaps(loaded).groupby(key(loaded)), how)()
    values = got.compute()
    assert lc.last_report().bytes_read < 1.5 * PATHS[0].stat().st_size
    xr.testing.assert_allclose(values, want, rtol=1e-3, atol=1e-3)


def test_regular_groups_that_do_not_fit_at_once(lazy, loaded, monkeypatch):
    """All groups at once need room for all of their sums: where a plan says that it is not there they are reduced one by one."""
    def refused(self, format="text"):
        raise lc.CeilingError("too small", 1)

    monkeypatch.setattr(lc.Array, "explain", refused)
    with xr.set_options(use_flox=False):
        want = loaded.t.groupby(loaded.time.dt.year % 12).mean()
    xr.testing.assert_allclose(lazy.t.groupby(lazy.time.dt.year % 12).mean().compute(), want, rtol=1e-3)


def test_groups_reduced_over_other_dimensions_too(lazy, loaded):
    for dim in (..., ["time", "longitude"], "longitude"):
        with xr.set_options(use_flox=False):
            want = loaded.t.groupby(loaded.time.dt.year % 12).mean(dim)
        xr.testing.assert_allclose(lazy.t.groupby(lazy.time.dt.year % 12).mean(dim).compute(), want, rtol=1e-3)


def test_map_blocks(lazy, loaded):
    got = lazy.t.map_blocks(lambda a: a - a.mean("longitude"))
    assert isinstance(got.data, lc.Array)
    xr.testing.assert_allclose(got.compute(), loaded.t - loaded.t.mean("longitude"), atol=1e-3)


def test_manager(lazy):
    from xarray.namedarray.parallelcompat import list_chunkmanagers

    manager, x = list_chunkmanagers()["libchunk"], lazy.t.data
    values = x.compute()
    np.testing.assert_allclose(manager.reduction(x, np.sum, axis=0, dtype="f4"), values.sum(0), rtol=1e-5)
    np.testing.assert_array_equal(manager.reduction(x, np.max, axis=(0, 2), dtype="f4", keepdims=True), values.max((0, 2), keepdims=True))
    np.testing.assert_array_equal(manager.scan(np.maximum.accumulate, np.maximum, -np.inf, x, axis=0, dtype="f4"), np.maximum.accumulate(values, 0))
    extents, both = manager.unify_chunks(x, "tyx", x.rechunk((60, 10, 49)), "tyx")
    assert both[0].chunks == both[1].chunks == (extents["t"], extents["y"], extents["x"])
    assert manager.array_api is lc and manager.get_auto_chunk_size() > 0


# ---- the backend

def test_opens_as_other_engines_do(lazy, loaded):
    assert not lazy.t.data.owners and lazy.t.chunks[0] == (24,) * 10
    xr.testing.assert_identical(lazy.compute(), loaded)
    plain = xr.open_dataset(PATHS[0], engine="libchunk").rename(air_temperature="t")
    assert not isinstance(plain.t.variable._data, lc.Array)
    box = {"time": [3, 1, 2], "latitude": slice(2, 9, 3), "longitude": 4}
    xr.testing.assert_identical(plain.isel(box).load(), loaded.isel(box))
    cut = xr.open_dataset(PATHS[0], engine="libchunk").isel(box).chunk(chunked_array_type="libchunk")
    assert isinstance(cut.air_temperature.data, lc.Array)
    xr.testing.assert_identical(cut.compute().rename(air_temperature="t"), loaded.isel(box))


def test_many_files():
    got = xr.open_mfdataset(PATHS, combine="nested", concat_dim="scenario", **LAZY)
    want = xr.open_mfdataset(PATHS, combine="nested", concat_dim="scenario", engine="h5netcdf", chunks=None)
    assert isinstance(got.air_temperature.data, lc.Array) and not got.air_temperature.data.owners
    xr.testing.assert_identical(got.compute(), want.load())


def test_pickled(lazy, loaded):
    again = pickle.loads(pickle.dumps(lazy.t - lazy.t.mean("time")))
    assert isinstance(again.data, lc.Array)
    xr.testing.assert_allclose(again.compute(), loaded.t - loaded.t.mean("time"), atol=1e-3)


@pytest.fixture
def packed(tmp_path, rng):
    """Every kind of packing, in groups."""
    path = tmp_path / "p.nc"
    raw = rng.integers(-100, 100, (30, 8)).astype("i2")
    with h5netcdf.File(path, "w") as f:
        f.dimensions = {"t": 30, "x": 8}
        for group in ("/", "/a", "/a/b"):
            g = f if group == "/" else f.create_group(group)
            for name, dtype, attrs in (("scaled", "i2", {"scale_factor": 0.1, "add_offset": 5.0, "_FillValue": np.int16(7)}),
                                       ("scaled32", "i2", {"scale_factor": np.float32(0.1), "missing_value": np.int16(-3)}),
                                       ("gaps", "f4", {"_FillValue": np.float32(9)}), ("ints", "i2", {"_FillValue": np.int16(9)}),
                                       ("unsigned", "i1", {"_Unsigned": "true"}), ("big", ">f8", {"_FillValue": 4.0}), ("plain", "i4", {}),
                                       ("both", "i2", {"_FillValue": np.int16(7), "missing_value": np.int16(8), "add_offset": 1.5}),
                                       ("flags", "i1", {"dtype": "bool"}), ("length", "f8", {"units": "days"})):
                v = g.create_variable(name, ("t", "x"), dtype, chunks=(7, 8), fillvalue=attrs.pop("_FillValue", None))
                v[...] = (raw > 0 if name == "flags" else raw).astype(dtype)
                v.attrs.update(attrs)
            g.create_variable("when", ("t",), "i4", data=np.arange(30))
            g.variables["when"].attrs["units"] = "days since 2001-01-01"
            g.create_variable("label", ("x",), h5netcdf.core.h5py.string_dtype(), data=np.array(list("abcdefgh"), object))
    return path


@pytest.mark.parametrize("group", [None, "a", "/a/b"])
@pytest.mark.parametrize("engine", ["libchunk", "h5netcdf"])
def test_decoded_by_the_engine_with_xarrays_bits(packed, group, engine):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = xr.open_dataset(packed, engine="h5netcdf", group=group, decode_timedelta=False).load()
        got = xr.open_dataset(packed, engine=engine, group=group, chunks={}, chunked_array_type="libchunk", decode_timedelta=False)
    for name in ("scaled", "scaled32", "gaps", "ints", "unsigned", "big", "plain", "both", "flags", "length"):
        assert isinstance(got[name].data, lc.Array) and not got[name].data.owners, f"{name} goes through Python"
    assert got.when.dtype.kind == "M" and got.label.values.tolist() == list("abcdefgh")
    xr.testing.assert_identical(got.compute(), want)


def test_groups(packed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree, want = xr.open_datatree(packed, engine="libchunk"), xr.open_datatree(packed, engine="h5netcdf")
    assert [node.path for node in tree.subtree] == ["/", "/a", "/a/b"]
    np.testing.assert_array_equal(tree["/a/b/scaled"], want["/a/b/scaled"])
    tree.close()
    with pytest.raises(OSError):
        xr.open_dataset(packed, engine="libchunk", group="nowhere")


def test_plain_hdf5_and_missing_files(tmp_path, rng):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    values = rng.normal(size=(5, 6))
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f["deep/x"] = values
    got = xr.open_dataset(tmp_path / "x.h5", group="deep", **LAZY)
    np.testing.assert_array_equal(got.x, values)
    with pytest.raises(FileNotFoundError):
        xr.open_dataset(tmp_path / "none.h5", **LAZY)


# ---- written

def test_to_netcdf_and_zarr(lazy, loaded, tmp_path):
    anomaly, want = lazy[["t"]] - lazy[["t"]].mean("time"), loaded[["t"]] - loaded[["t"]].mean("time")
    anomaly.to_netcdf(tmp_path / "o.nc", engine="h5netcdf")
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "o.nc", engine="libchunk").t.load(), want.t, atol=1e-3)
    pytest.importorskip("zarr", reason="zarr is not installed")
    plain = anomaly.drop_vars([n for n in anomaly.coords if anomaly[n].dtype == object])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain.to_zarr(tmp_path / "o.zarr")
        back = xr.open_zarr(tmp_path / "o.zarr", chunks={}, chunked_array_type="libchunk")
    assert isinstance(back.t.data, lc.Array)
    np.testing.assert_allclose(back.t, want.t, atol=1e-3)
