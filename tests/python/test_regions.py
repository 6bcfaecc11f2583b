"""Parts of targets that get new values: of datasets in files, in place; of NumPy arrays, h5py's datasets and other objects."""
import warnings

import h5py
import libchunk as lc
import numpy as np
import pytest

KEYS = [..., 2, -1, np.s_[1:4], np.s_[::2, 3], np.s_[::-1, 1:7:3], np.s_[-3:, ..., -2:], np.s_[5:2], np.s_[8:100, 4::-2], (np.int64(1), slice(None))]


@pytest.fixture
def path(tmp_path, rng):
    with h5py.File(tmp_path / "d.h5", "w") as f:
        f.create_dataset("g/x", data=rng.random((9, 8)), chunks=(4, 3))
        f["i"] = np.arange(12, dtype="i2")
        f.create_dataset("z", data=np.zeros(9), compression="gzip")
    return tmp_path / "d.h5"


def read(path, name):
    with h5py.File(path) as f:
        return f[name][...]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_of_a_dataset_in_place(path, key):
    x = read(path, "g/x")
    want = x.copy()
    want[key] = np.sqrt(x[key]) + 1
    (np.sqrt(lc.from_hdf5(path, "g/x")[key]) + 1).to_hdf5(path, "g/x", region=key)
    np.testing.assert_array_equal(read(path, "g/x"), want)
    lc.store(lc.zeros(()), (path, "g/x"), regions=key)      # broadcast
    want[key] = 0
    np.testing.assert_array_equal(read(path, "g/x"), want)


def test_values_from_what_they_overwrite_and_a_cast(path):
    i = lc.from_hdf5(path, "i")
    (i[::-1] * 2.5).to_hdf5(path, "i", region=..., durable=True)
    np.testing.assert_array_equal(read(path, "i"), (np.arange(12)[::-1] * 2.5).astype("i2"))


@pytest.mark.parametrize("key", [k for k in KEYS if k is not Ellipsis], ids=str)
def test_of_arrays_and_objects(path, rng, key):
    x, a = rng.random((9, 8)), np.zeros((9, 8))
    want = a.copy()
    want[key] = x[key]
    y = lc.from_array(x, chunks=(2, 3))[key]
    lc.store(y, a, regions=key)
    np.testing.assert_array_equal(a, want)

    class Target:
        shape, values = a.shape, np.zeros(a.shape)

        def __setitem__(self, box, block):
            assert self.values[box].shape == block.shape
            self.values[box] = block

    target = Target()
    lc.store([y, lc.ones(3)], [target, a[0]], regions=[key, np.s_[2:5]])
    np.testing.assert_array_equal(target.values, want)
    np.testing.assert_array_equal(a[0, 2:5], 1)
    if not any(isinstance(k, slice) and (k.step or 1) < 0 for k in (key if isinstance(key, tuple) else (key,))):      # h5py has no steps backwards
        with h5py.File(path, "r+") as f:
            f["g/x"][...] = 0
            lc.store([y], [f["g/x"]], regions=[key])
            np.testing.assert_array_equal(f["g/x"][...], want)


def test_what_cannot_be(path):
    x = lc.ones((9, 8))
    for target, options, kind in ((("g/x",), {"region": np.s_[1, 2, 3]}, IndexError), (("g/x",), {"region": [1, 2]}, IndexError),
                                  (("g/x",), {"region": np.s_[..., 1, ...]}, IndexError), (("g/x",), {"region": 9}, IndexError),
                                  (("g/x",), {"region": np.s_[::0]}, ValueError), (("g/x",), {"region": np.s_[:3]}, ValueError),
                                  (("none",), {"region": ...}, OSError), (("g/x",), {"region": ..., "overwrite": True}, ValueError),
                                  (("g/x",), {"region": ..., "filter": "lz4"}, ValueError)):
        with pytest.raises(kind):
            x.to_hdf5(path, *target, **options)
    before = read(path, "g/x")
    with pytest.raises((NotImplementedError, ValueError, OSError), match="filter"):
        lc.ones(9).to_hdf5(path, "z", region=...)
    with pytest.raises(ValueError, match="only"):
        lc.store([x, lc.ones(12)], [(path, "g/x"), (path, "i")], regions=[..., ...])
    for regions, kind in (([np.s_[:9]], ValueError), ([np.s_[:2], None], ValueError)):
        with pytest.raises(kind):
            lc.store([x, x], [np.zeros((9, 8)), np.zeros((9, 8))], regions=regions)
    np.testing.assert_array_equal(read(path, "g/x"), before)


def test_what_a_run_warns_of_is_a_warning(tmp_path):
    """Zeros are written nowhere, but might take 80 TB; a warning that is made an error stops the run."""
    x = lc.zeros((10**7, 10**6), chunks=(10**4, 10**3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="free on its disk, this run may write up to") as raised:
            x.to_hdf5(tmp_path / "huge.h5", "x")
    assert raised.traceback[-1].name == "warn" and not list(tmp_path.iterdir())
