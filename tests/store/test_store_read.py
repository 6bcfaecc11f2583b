"""Datasets written by h5py, read by the engine through tests/store/store_read_oracle.c: every dtype, layout, chunk index and filter that is
listed as native arrives bit for bit, in any view, without one byte through H5Dread, inside what need() promised; what is not native arrives
through H5Dread; broken files end in one line of text."""
import json
import os
import subprocess

import h5py
import hdf5plugin
import numpy as np
import pytest

ORACLE = os.path.join(os.environ.get("CHUNK_TESTBIN", "build/dev/tests"), "store_read_oracle")
V110 = ("v110", "v110")


def oracle(*args, ok=True, env=None):
    done = subprocess.run([ORACLE, *map(str, args)], capture_output=True, timeout=120, env={**os.environ, **(env or {})})
    if ok:
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout, done.stderr.decode()
    assert done.returncode == 1, (done.returncode, done.stderr.decode())
    text = done.stderr.decode()
    assert text.count("\n") == 1
    return text.strip()


def joined(items):
    return ",".join(map(str, items)) or "-"


def read(path, name, stored, index=None, perm=None, shape=None, tile="grid", boxes=1, native=True, env=None):
    """Reads stored[index].transpose(perm) broadcast to shape; tile: shape of the boxes."""
    index = index or (slice(None),) * stored.ndim
    base, dims = [], []
    for k, n in zip(index, stored.shape):
        if isinstance(k, int):
            base.append((None, k, 0))
            continue
        start, stop, step = k.indices(n)
        count = len(range(start, stop, step))
        base.append((len(dims), start if count else 0, step))
        dims.append(count)
    want = stored[tuple(index)]
    if perm:
        want = want.transpose(perm)
        base = [(a if a is None else perm.index(a), off, step) for a, off, step in base]
    if shape:
        lead = len(shape) - want.ndim
        repeated = [a for a in range(want.ndim) if want.shape[a] != shape[a + lead]]
        base = [(None, off, step) if a is None or a in repeated else (a + lead, off, step) for a, off, step in base]
        want = np.broadcast_to(want, shape)
    spec = [str(off) if a is None else f"{a}:{off}:{step}" for a, off, step in base]
    out, said = oracle("read", path, name, joined(spec), joined(want.shape), tile if isinstance(tile, str) else joined(tile), boxes, env=env)
    said = json.loads(said)
    native_order = want.astype(want.dtype.newbyteorder("="), copy=False)
    assert out == np.ascontiguousarray(native_order).tobytes()
    assert (said["slow_bytes"] == 0) == (native or want.size == 0)
    return said


def values(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)
    x = rng.standard_normal(shape)
    if dtype.kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def info(path, name):
    return json.loads(oracle("info", path, name)[0])


DTYPES = ["?", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"]
BIG = [">i2", ">u4", ">i8", ">f2", ">f4", ">f8", ">c8", ">c16"]
NAMES = {"?": "bool", **{c: np.dtype(c).name for c in DTYPES[1:]}, **{c: np.dtype(c).newbyteorder("<").name + " big-endian" for c in BIG}}


@pytest.mark.parametrize("dtype", DTYPES + BIG)
@pytest.mark.parametrize("how", ["contiguous", "chunked", "shuffled"])
def test_dtypes(tmp_path, dtype, how):
    x = values((23, 17), dtype)
    kw = {} if how == "contiguous" else dict(chunks=(5, 4), fillvalue=x[0, 0])
    if how == "shuffled":
        kw.update(compression="gzip", shuffle=True)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", (23, 17), dtype, **kw)[:] = x
    said = info(tmp_path / "a.h5", "x")
    assert said["known"] and said["native"] and said["type"] == NAMES[dtype] and said["swapped"] == (dtype in BIG)
    if how != "contiguous":
        assert bytes.fromhex(said["fill"]) == x[0, 0].astype(x.dtype.newbyteorder("=")).tobytes() and said["fill_defined"]
    read(tmp_path / "a.h5", "x", x)
    read(tmp_path / "a.h5", "x", x, (slice(None, None, -3), slice(1, 15, 2)), perm=(1, 0))
    read(tmp_path / "a.h5", "x", x, tile=(7, 17), boxes=3)


INDEXES = {
    "btree1": dict(libver=("earliest", "v108")),
    "single": dict(libver=V110, chunks=(37, 29)),
    "implicit": dict(libver=V110, early=True),
    "fixed array": dict(libver=V110),
    "extensible array": dict(libver=V110, maxshape=(None, 29)),
    "btree2": dict(libver=V110, maxshape=(None, None)),
}


def create(f, name, shape, dtype, chunks=None, maxshape=None, early=False, layout=None, filters=(), opts=None, fill=None, fill_time=None, libver=None):
    """A dataset through the low-level interface, for what the high-level one does not offer."""
    dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if chunks:
        dcpl.set_chunk(chunks)
    if layout is not None:
        dcpl.set_layout(layout)
    if early:
        dcpl.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    for args in filters:
        dcpl.set_filter(*args)
    if fill is not None:
        dcpl.set_fill_value(np.asarray(fill, dtype))
    if fill_time is not None:
        dcpl.set_fill_time(fill_time)
    space = h5py.h5s.create_simple(shape, tuple(h5py.h5s.UNLIMITED if n is None else n for n in maxshape or shape))
    return h5py.Dataset(h5py.h5d.create(f.id, name.encode(), h5py.h5t.py_create(np.dtype(dtype), logical=True), space, dcpl))


@pytest.mark.parametrize("index, filtered", [(i, f) for i in INDEXES for f in (False, True) if (i, f) != ("implicit", True)])
def test_indexes(tmp_path, index, filtered):
    """The implicit index holds unfiltered chunks only."""
    how = dict(INDEXES[index])
    libver = how.pop("libver")
    how.setdefault("chunks", (6, 5))
    x = values((37, 29), "f8")
    x[:6] = 0
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as f:
        d = create(f, "x", x.shape, "f8", filters=[(2, 1, (8,)), (1, 1, (4,))] if filtered else [], **how)
        d[6:] = x[6:]                 # the first row of chunks stays absent, but for implicit and single
    said = info(tmp_path / "a.h5", "x")
    assert said["index"] == index and said["native"]
    for boxes in 1, 7:
        read(tmp_path / "a.h5", "x", x, boxes=boxes)
    read(tmp_path / "a.h5", "x", x, (slice(3, 30), slice(2, 28)), tile=(10, 9), boxes=2)


FILTERS = {
    "none": {},
    "gzip": dict(compression="gzip"),
    "shuffle": dict(shuffle=True),
    "fletcher32": dict(fletcher32=True),
    "gzip shuffle": dict(compression="gzip", shuffle=True),
    "gzip shuffle fletcher32": dict(compression="gzip", shuffle=True, fletcher32=True),
    "lz4": dict(hdf5plugin.LZ4()),
    "shuffle lz4": dict(hdf5plugin.LZ4(nbytes=64), shuffle=True),
    "zstd": dict(hdf5plugin.Zstd()),
    "shuffle zstd": dict(hdf5plugin.Zstd(clevel=7), shuffle=True),
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bitshuffle lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
}


@pytest.mark.parametrize("dtype", ["f8", "i2", "?", "c16", ">f4"])
@pytest.mark.parametrize("filters", FILTERS)
def test_filters(tmp_path, filters, dtype):
    x = np.sort(values((61, 47), dtype), axis=0) if dtype != "?" else values((61, 47), dtype)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(16, 11), **FILTERS[filters])
    said = info(tmp_path / "a.h5", "x")
    assert said["native"], said["why"]
    for boxes in 1, 5:
        read(tmp_path / "a.h5", "x", x, boxes=boxes)
    read(tmp_path / "a.h5", "x", x, (slice(None), 3), boxes=2)                  # little of each chunk
    read(tmp_path / "a.h5", "x", x, (slice(50, 2, -1), slice(1, None)), perm=(1, 0), boxes=2)
    read(tmp_path / "a.h5", "x", x, tile=(20, 20), boxes=3)
    read(tmp_path / "a.h5", "x", x, tile=(4, 11), boxes=8)                      # several boxes a chunk


@pytest.mark.parametrize("name, filters", [("lzf", dict(compression="lzf")), ("blosc", dict(hdf5plugin.Blosc()))])
def test_other_filters_go_through_hdf5(tmp_path, name, filters):
    x = np.arange(1200.0).reshape(40, 30)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(8, 8), **filters)
    said = info(tmp_path / "a.h5", "x")
    assert not said["native"] and "filter" in said["why"]
    text = oracle("box", tmp_path / "a.h5", "x", "0,0", "4,4", ok=False, env={"HDF5_PLUGIN_PATH": str(tmp_path)})
    assert "a.h5:/x" in text and "HDF5_PLUGIN_PATH" in text and name in text
    if name == "blosc":
        env = {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH, "ASAN_OPTIONS": "detect_leaks=0"}  # the plugin leaks
        read(tmp_path / "a.h5", "x", x, tile=(9, 9), boxes=2, native=False, env=env)


def test_slow_way_with_a_filter_of_hdf5(tmp_path):
    x = np.round(values((40, 30), "f8") * 100).astype("i4")
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(8, 8), scaleoffset=0)
    assert not info(tmp_path / "a.h5", "x")["native"]
    read(tmp_path / "a.h5", "x", x, native=False, boxes=3)
    read(tmp_path / "a.h5", "x", x, (slice(39, 2, -5), 7), native=False)
    read(tmp_path / "a.h5", "x", x, (slice(1, 33, 4), slice(None, None, -2)), perm=(1, 0), native=False, tile=(3, 5), boxes=2)


@pytest.mark.parametrize("dtype", ["f8", ">i2", "c8"])
def test_layouts(tmp_path, dtype):
    x = values((12, 9), dtype)
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as f:
        create(f, "compact", x.shape, dtype, layout=h5py.h5d.COMPACT)[:] = x
        create(f, "contiguous", x.shape, dtype, layout=h5py.h5d.CONTIGUOUS)[:] = x
        create(f, "unwritten", x.shape, dtype, layout=h5py.h5d.CONTIGUOUS, fill=3)
        create(f, "chunked", x.shape, dtype, chunks=(5, 5))[:] = x
    for name in "compact", "contiguous", "chunked":
        assert info(tmp_path / "a.h5", name)["layout"] == name
        read(tmp_path / "a.h5", name, x)
        read(tmp_path / "a.h5", name, x, (slice(None, None, -2), slice(3, 8)), perm=(1, 0), tile=(2, 3), boxes=4)
        out, _ = oracle("box", tmp_path / "a.h5", name, "2,3", "7,9")
        assert out == x[2:7, 3:9].astype(x.dtype.newbyteorder("=")).tobytes()
    read(tmp_path / "a.h5", "unwritten", np.full(x.shape, 3, dtype))
    assert json.loads(oracle("stored", tmp_path / "a.h5", "unwritten")[0]) == {"chunks": 0, "bytes": 0}


def test_scalars_and_empty_arrays(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["s"] = 7.5
        f.create_dataset("e", (0, 4), "f4")
        f.create_dataset("c", (0, 4), "f4", chunks=(2, 2), maxshape=(None, 4))
        f.create_dataset("n", data=h5py.Empty("f8"))
    read(tmp_path / "a.h5", "s", np.array(7.5))
    read(tmp_path / "a.h5", "s", np.array(7.5), shape=(3, 2))
    read(tmp_path / "a.h5", "e", np.zeros((0, 4), "f4"))
    read(tmp_path / "a.h5", "c", np.zeros((0, 4), "f4"))
    assert not info(tmp_path / "a.h5", "n")["known"]


def test_many_dimensions(tmp_path):
    x = values((2, 1, 3) + (1,) * 27 + (2, 2), "f4")
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(1, 1, 2) + (1,) * 27 + (2, 1))
    read(tmp_path / "a.h5", "x", x, boxes=3)


def test_absent_chunks_and_fill_values(tmp_path):
    x = np.full((20, 20), 42, "i4")
    x[8:12, 8:16] = np.arange(32).reshape(4, 8)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for name, kw in ("plain", {}), ("gzip", dict(compression="gzip", shuffle=True)):
            f.create_dataset(name, (20, 20), ">i4", chunks=(4, 8), fillvalue=42, **kw)[8:12, 8:16] = x[8:12, 8:16]
        create(f, "never", (20, 20), "i4", chunks=(4, 8), fill=42, fill_time=h5py.h5d.FILL_TIME_NEVER)
    for name in "plain", "gzip":
        said = read(tmp_path / "a.h5", name, x.astype(">i4"))
        assert said["bytes_read"] <= 128
        read(tmp_path / "a.h5", name, x.astype(">i4"), tile=(20, 20))
        read(tmp_path / "a.h5", name, x.astype(">i4"), tile=(3, 20), boxes=4)
        assert json.loads(oracle("stored", tmp_path / "a.h5", name)[0])["chunks"] == 1
    read(tmp_path / "a.h5", "never", np.zeros((20, 20), "i4"))  # never filled: reads as zeros, whatever the fill value


def test_early_allocation_not_yet_there(tmp_path):
    """Rule b: a look-up must not make HDF5 allocate or read anything."""
    with h5py.File(tmp_path / "a.h5", "w") as f:
        create(f, "late", (20, 20), "f8", chunks=(4, 8))
        create(f, "early", (20, 20), "f8", chunks=(4, 8), early=True, fill=1.5)
    read(tmp_path / "a.h5", "late", np.zeros((20, 20)))
    read(tmp_path / "a.h5", "early", np.full((20, 20), 1.5))


def test_filter_masks(tmp_path):
    """Chunks whose filters HDF5 skipped, one by one and all."""
    x = values((4, 64), "i4")
    with h5py.File(tmp_path / "a.h5", "w") as f:
        d = f.create_dataset("x", (4, 64), "i4", chunks=(1, 64), compression="gzip", shuffle=True)
        import zlib
        for row, mask in enumerate((0, 1, 2, 3)):
            raw = x[row].tobytes()
            if not mask & 1:
                raw = np.frombuffer(raw, "u1").reshape(64, 4).T.tobytes()
            if not mask & 2:
                raw = zlib.compress(raw)
            d.id.write_direct_chunk((row, 0), raw, mask)
    read(tmp_path / "a.h5", "x", x, boxes=4)


def test_unfiltered_edge_chunks(tmp_path):
    """Rule c: edge chunks may lie raw in the file although their filter mask reads 0."""
    oracle("edges", tmp_path / "a.h5", "x")
    x = np.arange(21 * 13, dtype="f8").reshape(21, 13)
    assert info(tmp_path / "a.h5", "x")["edge_unfiltered"]
    for boxes in 1, 4:
        read(tmp_path / "a.h5", "x", x, boxes=boxes)
    read(tmp_path / "a.h5", "x", x, tile=(6, 13), boxes=2)
    with h5py.File(tmp_path / "a.h5") as f:
        assert (f["x"][:] == x).all()


def test_coalesced_reads_of_tiny_chunks(tmp_path):
    x = np.arange(256 * 600, dtype="f8").reshape(600, 256)
    with h5py.File(tmp_path / "a.h5", "w", libver=V110) as f:
        f.create_dataset("x", data=x, chunks=(1, 256))
    said = read(tmp_path / "a.h5", "x", x, boxes=600)
    assert said["bytes_read"] == x.nbytes and said["arena"] == x.nbytes
    assert said["reads"] <= 20


@pytest.mark.parametrize("windows", ["0", "1"])
def test_windows_and_reads_need_the_same(tmp_path, windows):
    x = values((1030, 700), "f8")
    env = {"CHUNK_WINDOWS": windows}
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(512, 256))
        f.create_dataset("c", data=x)
    said = [read(tmp_path / "a.h5", "x", x, boxes=4, env=env), read(tmp_path / "a.h5", "c", x, boxes=2, env=env),
            read(tmp_path / "a.h5", "x", x, tile=(100, 700), boxes=2, env=env)]
    assert said[0]["arena"] == 4 * (512 * 256 * 8 + 8192) and said[0]["transient"] == 0
    read(tmp_path / "a.h5", "x", x, (slice(5, 1000), slice(None, None, -1)), boxes=3, env=env)


def test_sparse_views_touch_little(tmp_path):
    x = values((1024, 2048), "f8")
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(512, 1024))
        f.create_dataset("c", data=x)
    said = read(tmp_path / "a.h5", "x", x, (slice(None), 5), boxes=2)
    assert said["bytes_read"] == 1024 * 8 and said["reads"] >= 1024
    said = read(tmp_path / "a.h5", "x", x, (slice(None, None, 64), slice(None, None, 64)))
    assert said["bytes_read"] <= 16 * 2 * 1024 * 8 and said["used"] <= 8 * 8192
    for name in "x", "c":
        said = read(tmp_path / "a.h5", name, x, (slice(None), 5), tile=(1024,))
        assert said["bytes_read"] == 1024 * 8


def random_slice(rng, n):
    if rng.random() < 0.2:
        return int(rng.integers(n))
    a, b = sorted(rng.integers(0, n + 1, 2))
    step = int(rng.integers(1, 6))
    k = slice(int(a), int(b), step)
    if rng.random() < 0.4 and b > a:
        k = slice(int(b) - 1, None if a == 0 else int(a) - 1, -step)
    return k


def test_random_views(tmp_path, seed):
    """Shapes, chunks, filters, views, boxes at random; none may differ from NumPy."""
    rng = np.random.default_rng(seed)
    names = sorted(FILTERS)
    for case in range(60):
        ndim = int(rng.integers(1, 5))
        shape = tuple(int(n) for n in rng.integers(1, 14, ndim))
        chunks = tuple(int(rng.integers(1, n + 1)) for n in shape)
        dtype = (DTYPES + BIG)[rng.integers(len(DTYPES + BIG))]
        x = values(shape, dtype, case)
        filters = names[rng.integers(len(names))]
        path = tmp_path / f"{case}.h5"
        with h5py.File(path, "w", libver=V110 if rng.random() < 0.5 else None) as f:
            f.create_dataset("x", data=x, **({} if rng.random() < 0.2 else dict(chunks=chunks, **FILTERS[filters])))
        for _ in range(3):
            index = tuple(random_slice(rng, n) for n in shape)
            left = x[index].ndim
            perm = tuple(int(a) for a in rng.permutation(left))
            dims = x[index].transpose(perm).shape
            wide = (int(rng.integers(1, 4)),) + dims if rng.random() < 0.3 and left < 4 else None
            tile = "grid" if rng.random() < 0.5 else tuple(int(rng.integers(1, max(n, 1) + 1)) for n in wide or dims)
            if tile == ():
                tile = "grid"
            read(path, "x", x, index, perm, wide, tile, int(rng.integers(1, 9)))
        os.unlink(path)


# ---- files and names

def test_walk_and_names(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f["b/deep/x"] = 1
        f["a"] = [1.0]
        f["temperature"] = [2.0]
        f["type"] = np.dtype("f8")
    assert oracle("walk", path, "/")[0].decode().split() == ["/a", "/b/deep/x", "/temperature"]
    assert oracle("walk", path, "b")[0].decode().split() == ["/b/deep/x"]
    assert oracle("walk", path, "/a")[0].decode().split() == ["/a"]
    text = oracle("info", path, "temprature", ok=False)
    assert "a.h5: no dataset /temprature;" in text and "it has /temperature, /a" in text
    text = oracle("info", path, "b", ok=False)
    assert "/b: a group, not a dataset" in text and "/b/deep/x" in text
    assert "named type" in oracle("info", path, "type", ok=False)
    assert "no object /c" in oracle("walk", path, "c", ok=False)


def test_attributes(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        d = f.create_dataset("x", data=[1.0])
        d.attrs["units"] = 'K "quoted" \n \u00e9'
        d.attrs["fixed"] = np.bytes_("abc")
        d.attrs["list"] = [1, 2, 3]
        d.attrs["matrix"] = np.array([[1.5, np.nan], [np.inf, -0.1]])
        d.attrs["names"] = ["a", "bc"]
        d.attrs["flag"] = np.True_
        d.attrs["z"] = 1 + 2j
        d.attrs["big"] = np.array([1, 256], ">u2")
        d.attrs["single"] = np.float32(0.1)
        d.attrs["ref"] = d.ref
        d.attrs["none"] = h5py.Empty("f4")
    assert json.loads(oracle("attrs", path, "x")[0]) == {
        "units": 'K "quoted" \n \u00e9', "fixed": "abc", "list": [1, 2, 3], "matrix": [[1.5, "nan"], ["inf", -0.1]], "names": ["a", "bc"], "flag": True,
        "z": [1.0, 2.0], "big": [1, 256], "single": 0.1, "ref": None, "none": None}


@pytest.mark.parametrize("kind, words", [("string", "string"), ("fixed", "string[4]"), ("compound", "compound{a, b}"), ("vlen", "variable-length list"),
                                         ("array", "array of 3 int32"), ("enum", "enum of 2 values"), ("opaque", "opaque[8]"), ("ref", "reference")])
def test_other_types_are_named(tmp_path, kind, words):
    path = tmp_path / "a.h5"
    dtype = {"string": h5py.string_dtype(), "fixed": "S4", "compound": [("a", "i4"), ("b", "f8")], "vlen": h5py.vlen_dtype("i4"), "array": "(3,)i4",
             "enum": h5py.enum_dtype({"A": 0, "B": 1}, "i1"), "opaque": h5py.opaque_dtype("M8[s]"), "ref": h5py.ref_dtype}[kind]
    with h5py.File(path, "w") as f:
        if kind == "array":
            space = h5py.h5s.create_simple((3,))
            h5py.h5d.create(f.id, b"x", h5py.h5t.array_create(h5py.h5t.NATIVE_INT32, (3,)), space)
        else:
            f.create_dataset("x", (3,), dtype)
    said = info(path, "x")
    assert not said["known"] and words in said["type"]
    assert words in oracle("read", path, "x", "0:0:1", "3", "grid", "1", ok=False)


def test_bad_files(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=np.arange(1000.0), chunks=(100,))
    good = path.read_bytes()
    assert "No such file" in oracle("info", tmp_path / "none.h5", "x", ok=False)
    assert "a folder" in oracle("info", tmp_path, "x", ok=False)
    (tmp_path / "text").write_text("hello " * 400)
    assert oracle("info", tmp_path / "text", "x", ok=False).endswith("text: not an HDF5 file")
    (tmp_path / "empty").write_text("")
    assert "not an HDF5 file" in oracle("info", tmp_path / "empty", "x", ok=False)
    path.write_bytes(good[:-500])
    assert "truncated" in oracle("info", path, "x", ok=False)
    path.write_bytes(good[:60])
    assert "a.h5: " in oracle("info", path, "x", ok=False)
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in oracle("info", tmp_path / "pipe", "x", ok=False)


def test_in_use_by_a_writer(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f["x"] = [1.0]
        f.flush()
        assert "in use" in oracle("info", path, "x", ok=False)
    read(path, "x", np.array([1.0]))


def test_swmr_goes_through_hdf5(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as f:
        f.create_dataset("x", data=np.arange(20.0), chunks=(5,), maxshape=(None,))
        f.swmr_mode = True
        said = info(path, "x")
        assert not said["native"] and "SWMR" in said["why"]
        read(path, "x", np.arange(20.0), native=False)


def test_virtual_and_external(tmp_path):
    x = values((4, 10), "f8")
    for row in range(4):
        with h5py.File(tmp_path / f"part{row}.h5", "w") as f:
            f["d"] = x[row]
    layout = h5py.VirtualLayout((4, 10), "f8")
    for row in range(4):
        layout[row] = h5py.VirtualSource(str(tmp_path / f"part{row}.h5"), "d", (10,))
    with h5py.File(tmp_path / "v.h5", "w", libver=V110) as f:
        f.create_virtual_dataset("x", layout)
        f["own"] = x + 1
        own = h5py.VirtualLayout((4, 10), "f8")
        own[...] = h5py.VirtualSource(f"{tmp_path}/./v.h5", "own", (4, 10))  # h5py writes "." for the very name that it has the file open by
        f.create_virtual_dataset("y", own)
        f.create_dataset("e", data=x, external=[(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)])
    assert info(tmp_path / "v.h5", "x")["layout"] == "virtual"
    read(tmp_path / "v.h5", "x", x, native=False)
    with h5py.File(tmp_path / "v.h5") as f:
        assert f["y"].virtual_sources()[0].file_name == f"{tmp_path}/./v.h5"
    read(tmp_path / "v.h5", "y", x + 1, native=False)
    assert "external" in info(tmp_path / "v.h5", "e")["why"]
    read(tmp_path / "v.h5", "e", x, native=False)


def test_written_by_a_newer_hdf5(tmp_path):
    """HDF5 2.0 writes filtered datasets with libver latest in a form that 1.10 cannot read: the error must say so."""
    if h5py.version.hdf5_version_tuple < (2, 0, 0):
        pytest.skip("h5py is built with an HDF5 below 2.0")
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as f:
        f.create_dataset("x", data=np.arange(100.0), chunks=(10,), compression="gzip")
    done = subprocess.run([ORACLE, "info", tmp_path / "a.h5", "x"], capture_output=True, text=True)
    assert done.returncode == 0 or ("newer HDF5" in done.stderr and "libver" in done.stderr)


def test_chunk_beyond_the_end(tmp_path):
    """A chunk index that points past the end of the file, as in files cut short and then closed by h5clear."""
    path = tmp_path / "a.h5"
    x = np.arange(4000.0)
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=x, chunks=(1000,))
        last = f["x"].id.get_chunk_info(3).byte_offset
    raw = bytearray(path.read_bytes())
    at = raw.index(int(last).to_bytes(8, "little"))
    raw[at:at + 8] = (len(raw) - 1000).to_bytes(8, "little")
    path.write_bytes(raw)
    text = oracle("read", path, "x", "0:0:1", "4000", "grid", "1", ok=False)
    assert "a.h5" in text and ("truncated" in text or "cannot be located" in text)


def test_corrupt_chunk_is_named(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=np.arange(4000.0), chunks=(1000,), compression="gzip")
        c = f["x"].id.get_chunk_info(2)
    raw = bytearray(path.read_bytes())
    raw[c.byte_offset + 20:c.byte_offset + 60] = bytes(40)
    path.write_bytes(raw)
    assert "a.h5:/x: chunk (2,)" in oracle("read", path, "x", "0:0:1", "4000", "grid", "4", ok=False)


@pytest.mark.parametrize("windows", ["0", "1"])
def test_file_shrinks_while_it_is_used(tmp_path, windows):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=values((1024, 256), "f8"), chunks=(256, 256))
    for left in 4096, 300000, 1000001:
        raw = path.read_bytes()
        out = oracle("shrink", path, "x", left, env={"CHUNK_WINDOWS": windows})[0].decode().split("\n")
        said = json.loads(out[0])
        assert said["failed"] == (windows == "1") and (said["windows"] > 0) == (windows == "1")
        assert "truncated" in out[1]
        path.write_bytes(raw)


@pytest.mark.parametrize("kw", [{}, dict(compression="gzip", shuffle=True)])
def test_every_read_fails_once(tmp_path, kw):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("x", data=values((64, 64), "f8"), chunks=(16, 16), **kw)
    counts = oracle("faults", tmp_path / "a.h5", "x", env={"CHUNK_WINDOWS": "0"})[0].split()
    assert all(int(n) > 3 for n in counts)
