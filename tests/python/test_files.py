"""Files and other objects as sources and targets: HDF5 natively and through h5py, objects with __getitem__, several results at once, pickles."""
import pickle
import subprocess
import sys

import h5py
import libchunk as lc
import numpy as np
import pytest


@pytest.fixture
def data(tmp_path, rng):
    """A file with two datasets; their values."""
    a, b = rng.random((100, 60)), rng.integers(0, 100, (60,)).astype("i4")
    with h5py.File(tmp_path / "d.h5", "w") as f:
        f.create_dataset("g/a", data=a, chunks=(30, 20), compression="gzip", shuffle=True)
        f["b"] = b
    return tmp_path / "d.h5", a, b


def test_reading(data):
    path, a, b = data
    x, y = lc.from_hdf5(path, "/g/a"), lc.from_hdf5(str(path), "b")
    assert x.shape == a.shape and x.dtype == a.dtype and x.chunksize == (30, 20) and x.chunks == ((30, 30, 30, 10), (20, 20, 20))
    assert x.numblocks == (4, 3) and x.npartitions == 12
    np.testing.assert_array_equal(x.compute(), a)
    np.testing.assert_allclose((x * y).sum(axis=1).compute(), (a * b).sum(axis=1))
    np.testing.assert_array_equal(x.blocks[-1, 1:].compute(), a[90:, 20:])
    with pytest.raises(IndexError):
        x.blocks[4]


def test_files_that_are_not_there(data, tmp_path):
    with pytest.raises(FileNotFoundError):
        lc.from_hdf5(tmp_path / "none.h5", "x")
    with pytest.raises(OSError):
        lc.from_hdf5(data[0], "none")
    (tmp_path / "text.h5").write_text("no HDF5 at all")
    with pytest.raises(OSError):
        lc.from_hdf5(tmp_path / "text.h5", "x")


def test_file_cut_short_between_opening_and_computing(data):
    path, a, _ = data
    x = lc.from_hdf5(path, "/g/a")
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(OSError):
        x.compute()


def test_writing(data, tmp_path):
    path, a, _ = data
    out = tmp_path / "out.h5"
    x = lc.from_hdf5(path, "/g/a")
    (x + 1).to_hdf5(out, "/deep/er/y", chunks=(50, 60), filter="gzip=4,shuffle")
    with h5py.File(out) as f:
        y = f["deep/er/y"]
        assert y.chunks == (50, 60) and y.compression == "gzip" and y.shuffle
        np.testing.assert_array_equal(y[...], a + 1)
    with pytest.raises(FileExistsError):
        x.to_hdf5(out, "/deep/er/y")
    x.to_hdf5(out, "/deep/er/y", overwrite=True)
    np.testing.assert_array_equal(lc.from_hdf5(out, "/deep/er/y").compute(), a)
    for options, kind in (({"chunks": (5,)}, ValueError), ({"chunks": 5}, TypeError), ({"filter": "none such"}, (ValueError, NotImplementedError))):
        with pytest.raises(kind):
            x.to_hdf5(tmp_path / "bad.h5", "y", **options)
    with pytest.raises(OSError):
        x.to_hdf5(tmp_path / "no folder" / "y.h5", "y")
    assert not (tmp_path / "bad.h5").exists()


def test_store(data, tmp_path):
    path, a, _ = data
    x = lc.from_hdf5(path, "/g/a")
    n = np.empty_like(a)
    with h5py.File(tmp_path / "t.h5", "w") as f:
        f.create_dataset("y", a.shape, a.dtype, chunks=(25, 30))
        lc.store([x + 1, x * 2, x.mean(axis=0), x.max()], [f["y"], n, (tmp_path / "s.h5", "m"), (tmp_path / "s.h5", "max")])
        np.testing.assert_array_equal(f["y"][...], a + 1)
    np.testing.assert_array_equal(n, a * 2)
    np.testing.assert_allclose(lc.from_hdf5(tmp_path / "s.h5", "m").compute(), a.mean(axis=0))
    assert lc.from_hdf5(tmp_path / "s.h5", "max").compute() == a.max()
    lc.store(x, n)
    np.testing.assert_array_equal(n, a)
    for sources, targets, kind in (([x], [], ValueError), (x, np.empty(3), ValueError), (x, 5, TypeError)):
        with pytest.raises(kind):
            lc.store(sources, targets)


def test_h5py_datasets(data):
    path, a, _ = data
    with h5py.File(path, "r") as f:
        x = lc.from_array(f["g/a"])
        assert not x.owners             # read by the engine
        np.testing.assert_array_equal((x + 1).compute(), a + 1)
    np.testing.assert_array_equal(x.compute(), a)
    del x               # the engine holds the file open, and HDF5 locks it
    with h5py.File(path, "r+") as f:
        with pytest.warns(RuntimeWarning, match="open for writing"):
            y = lc.from_array(f["g/a"])
        f["g/a"][0, 0] = 5.0
        assert y.chunksize == (30, 20)
        assert y[0, 0].compute() == 5.0
    with h5py.File("core", "w", driver="core", backing_store=False) as f:
        f["z"] = a
        np.testing.assert_array_equal(lc.from_array(f["z"]).compute(), a)


class Slow:
    """An object that gives boxes, as zarr's and Dask's do."""

    def __init__(self, values, chunks=None, fail=None):
        self.values, self.shape, self.dtype, self.fail, self.asked = values, values.shape, values.dtype, fail, []
        if chunks:
            self.chunks = chunks

    def __getitem__(self, box):
        self.asked.append(box)
        if self.fail:
            raise self.fail
        return self.values[box]


def test_objects_with_getitem(rng):
    n = rng.random((50, 40))
    source = Slow(n, chunks=(20, 40))
    x = lc.from_array(source)
    assert x.chunksize == (20, 40)
    np.testing.assert_array_equal((x + 1).compute(), n + 1)
    assert lc.from_array(Slow(n), chunks=(10, -1)).chunksize == (10, 40)
    np.testing.assert_array_equal(lc.from_array(Slow(n[0, 0])).compute(), n[0, 0])


class Mine(Exception):
    pass


@pytest.mark.parametrize("shape", [(3,), (2000, 1000)])
def test_exceptions_of_sources(shape):
    """From the caller's thread and from workers: the exception itself, and the next run works."""
    bad = Slow(np.zeros(shape), fail=Mine("told"))
    x = lc.from_array(bad) + 1
    with pytest.raises(Mine, match="told"):
        x.compute()
    with pytest.raises(Mine):
        lc.compute(x, x.sum())
    bad.fail = None
    assert (x.compute() == 1).all()


def test_wrong_boxes_of_sources():
    class Wrong(Slow):
        def __getitem__(self, box):
            return np.zeros((1, 2, 3))

    with pytest.raises(ValueError):
        lc.from_array(Wrong(np.zeros((5, 5)))).compute()


def test_callbacks_cannot_use_the_engine():
    """It would wait for the run that waits for it: an error, no hang. The package's functions are NumPy's there."""
    x = lc.ones(3)

    class Nested(Slow):
        def __getitem__(self, box):
            return (x + 1).compute()

    with pytest.raises(RuntimeError, match="cannot use libchunk"):
        lc.from_array(Nested(np.zeros(3))).compute()
    assert (lc.map_blocks(lambda b: lc.moveaxis(lc.sqrt(b), 0, -1), x).compute() == 1).all()


def test_pickle(data):
    path, a, b = data
    x = lc.from_hdf5(path, "/g/a")
    y = (x * 2).mean(axis=1)
    again = pickle.loads(pickle.dumps(y))
    np.testing.assert_array_equal(again.compute(), y.compute())
    code = "import sys, pickle; print(pickle.load(sys.stdin.buffer).sum().compute())"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(y), capture_output=True, check=True)
    assert float(done.stdout) == y.sum().compute()


@pytest.mark.parametrize("protocol", [2, 5])
def test_pickle_of_memory(data, protocol):
    """Even a small index made pickles refuse."""
    path, a, b = data
    x = lc.from_hdf5(path, "/g/a")
    for y in (x[[1, 0]], x[x > 0], lc.from_array(a)[::-1, ::2] - a[::-1, ::2] * 3, lc.from_array(np.arange(5, dtype="u1")), lc.from_array(np.ones((0, 3), "c8")),
              lc.from_array(np.array([np.nan, -np.nan]))[1], lc.from_array(a.T) + lc.from_array(np.asfortranarray(a.T))):
        again = pickle.loads(pickle.dumps(y, protocol))
        assert again.dtype == y.dtype and again.shape == y.shape
        np.testing.assert_array_equal(again.compute(), y.compute(), strict=True)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(again, protocol)).compute(), y.compute())
    big = lc.from_array(np.ones(1 << 21)) + 1
    with lc.options(memory="24MiB"):
        assert pickle.loads(pickle.dumps(big))[-1].compute() == 2
    with lc.options(memory="8MiB"), pytest.raises(lc.CeilingError):
        pickle.dumps(big)
    with h5py.File(path, "r", driver="core") as f, pytest.raises(pickle.PicklingError, match="callback"):
        pickle.dumps(lc.from_array(f["/g/a"]))
