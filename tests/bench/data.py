"""The benchmark's input files: deterministic, made by group, from NumPy and h5py alone. float64 in chunks of 1024 x 1024 unless said."""
import os
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np

from measure import CORES, drop, warm

SCALE = int(os.environ.get("PEERS_SCALE", "1"))  # 8: every side 8 times smaller
N = 16384 // SCALE                               # side of the square arrays
C = 1024                                         # side of a chunk: 8 MiB
R = 16                                           # rows of a chunk of W5r's input
WIDE = 4 * N                                     # columns of its larger one
HUGE = 8 * N                                     # and of the one that is larger than memory, kept as int8 to spare the disk
MANY = 1_000_000 // SCALE                        # chunks of W9, of
MANYC = 256                                      # elements each
SPARSE = (1310720, 1 << 20)                      # 10 TiB
PRESENT = 1000 // SCALE                          # chunks of it that are there
FILTERS = ("gzip4", "lz4", "zstd")


def rnd(seed, i, shape):
    return np.random.default_rng([seed, i]).random(shape)


def smooth(i, lo, hi):
    """A smooth field with 0.1 of noise, kept to 2**-20: compresses about 3 times."""
    r, c = np.arange(lo, hi)[:, None], np.arange(N)[None, :]
    v = 100 * np.sin(r / 300) * np.cos(c / 500) + 0.1 * rnd(11, i, (hi - lo, N))
    return np.round(v * 2 ** 20) / 2 ** 20


def bands(n, rows, fn):
    """fn(i, lo, hi) for each band of rows, on every core."""
    with ThreadPoolExecutor(CORES) as ex:
        list(ex.map(lambda i: fn(i, i * rows, min(n, (i + 1) * rows)), range((n + rows - 1) // rows)))


def shuffled(block):
    return np.ascontiguousarray(np.ascontiguousarray(block).view("u1").reshape(-1, 8).T)


def dataset_filters(name):
    import hdf5plugin as hp
    return {"none": {}, "gzip4": dict(compression="gzip", compression_opts=4, shuffle=True), "lz4": dict(hp.Bitshuffle(cname="lz4")),
            "zstd": dict(shuffle=True, **hp.Zstd(clevel=3)), "plainlz4": dict(hp.LZ4())}[name]


def make_square(path, datasets):
    """datasets: {name: (filter, fn(i, lo, hi) -> rows)}"""
    with h5py.File(path + ".part", "w") as f:
        for name, (kind, fn) in datasets.items():
            d = f.create_dataset(name, (N, N), "f8", chunks=(C, C), **dataset_filters(kind))

            def put(i, lo, hi):
                v = fn(i, lo, hi)
                if kind != "gzip4":
                    d[lo:hi] = v
                    return
                for k in range(0, N, C):  # zlib's bytes as HDF5's filters would write them, but on every core
                    d.id.write_direct_chunk((lo, k), zlib.compress(shuffled(v[:, k:k + C]).tobytes(), 4))
            bands(N, C, put)
    os.rename(path + ".part", path)


ELEMENTS, ROWS = N * N // 27, N // 16
PART = 160 // SCALE


def make_places(dir):
    """Index arrays: elements and rows of x in no order."""
    r = np.random.default_rng(12)
    with h5py.File(os.path.join(dir, "places.h5"), "w") as f:
        for name, n in (("i", ELEMENTS), ("j", ELEMENTS), ("r", ROWS)):
            f[name] = r.integers(0, N, n)


def make_xyz(dir):
    make_square(os.path.join(dir, "xyz.h5"), {k: ("none", lambda i, lo, hi, s=s: rnd(s, i, (hi - lo, N))) for s, k in enumerate("xyz", 1)})


def make_smooth(dir):
    for kind in ("none",) + FILTERS:
        make_square(os.path.join(dir, f"smooth_{kind}.h5"), {"x": (kind, smooth)})


def make_rows(dir):
    """(R, N) chunks of noise (none), and smooth ones: plain, and in two codecs."""
    for kind in ("none", "plain", "lz4", "gzip4"):
        path = os.path.join(dir, f"rows_{kind}.h5")
        with h5py.File(path + ".part", "w") as f:
            d = f.create_dataset("x", (N, N), "f8", chunks=(R, N), **dataset_filters("none" if kind == "plain" else kind))

            def put(i, lo, hi):
                v = rnd(1, i, (hi - lo, N)) if kind == "none" else smooth(i, lo, hi)
                if kind != "gzip4":
                    d[lo:hi] = v
                    return
                for k in range(lo, hi, R):
                    d.id.write_direct_chunk((k, 0), zlib.compress(shuffled(v[k - lo:k - lo + R]).tobytes(), 4))
            bands(N, C, put)
        os.rename(path + ".part", path)


def make_wide(dir):
    path = os.path.join(dir, "rows_wide.h5")
    with h5py.File(path + ".part", "w") as f:
        d = f.create_dataset("x", (N, WIDE), "f8", chunks=(R, WIDE))

        def put(i, lo, hi):
            d[lo:hi] = rnd(1, i, (hi - lo, WIDE))
        bands(N, 64, put)
    os.rename(path + ".part", path)


def make_huge(dir):
    path = os.path.join(dir, "rows_huge.h5")
    with h5py.File(path + ".part", "w") as f:
        d = f.create_dataset("x", (N, HUGE), "i1", chunks=(R, HUGE))

        def put(i, lo, hi):
            d[lo:hi] = np.random.default_rng([17, i]).integers(-128, 128, (hi - lo, HUGE), dtype="i1")
        bands(N, 64, put)
    os.rename(path + ".part", path)


def rows_to_zarr(dir):
    to_zarr(dir, "rows_none.h5", "rows.zarr", (R, N))


HUNDRED = 100                                    # datasets of PART x N


def make_hundred(dir):
    """A hundred datasets, which one concat puts below each other."""
    path = os.path.join(dir, "hundred.h5")
    with h5py.File(path + ".part", "w") as f:
        for i in range(HUNDRED):
            f.create_dataset(f"d{i}", data=rnd(15, i, (PART, N)), chunks=(PART, C))
    os.rename(path + ".part", path)


def make_many(dir):
    """A million chunks of 2 KiB, in the index that HDF5 gives by default."""
    path = os.path.join(dir, "many.h5")
    with h5py.File(path + ".part", "w") as f:
        d = f.create_dataset("x", (MANY * MANYC,), "f8", chunks=(MANYC,))
        step = 8192 * MANYC
        for i, lo in enumerate(range(0, d.size, step)):
            d[lo:lo + step] = rnd(13, i, min(step, d.size - lo))
    os.rename(path + ".part", path)


def sparse_chunks():
    """Which chunks of the 10 TiB are present, in the order they were written, and what value each adds to its block."""
    grid = SPARSE[0] // C, SPARSE[1] // C
    at = np.random.default_rng(14).choice(grid[0] * grid[1], PRESENT, replace=False)
    return [(int(k) // grid[1] * C, int(k) % grid[1] * C, (i % 100) / 128) for i, k in enumerate(at)]


def sparse_block():
    return rnd(14, 0, (C, C))


def make_sparse(dir):
    path = os.path.join(dir, "sparse.h5")
    block = sparse_block()
    with h5py.File(path + ".part", "w") as f:
        d = f.create_dataset("x", SPARSE, "f8", chunks=(C, C))
        for row, col, add in sparse_chunks():
            d.id.write_direct_chunk((row, col), (block + add).tobytes())
    os.rename(path + ".part", path)


def zarr(path, chunks):
    """A new array for TensorStore, uncompressed."""
    import tensorstore as ts
    return ts.open({"driver": "zarr", "kvstore": {"driver": "file", "path": path + "/"},
                    "metadata": {"shape": [N, N], "chunks": list(chunks), "dtype": "<f8", "compressor": None}}, create=True).result()


def to_zarr(dir, source="xyz.h5", name="x.zarr", chunks=(C, C)):
    """x for TensorStore, same chunks."""
    path = os.path.join(dir, name)
    z = zarr(path + ".part", chunks)
    with h5py.File(os.path.join(dir, source)) as f:
        for lo in range(0, N, C):
            z[lo:lo + C].write(f["x"][lo:lo + C]).result()
    os.rename(path + ".part", path)


def to_b2nd(dir, source, name, **cparams):
    """A dataset x as Blosc2's own file, same chunks."""
    import blosc2
    path = os.path.join(dir, name)
    with h5py.File(os.path.join(dir, source)) as f:
        d = f["x"]
        a = blosc2.empty(d.shape, d.dtype, chunks=d.chunks, urlpath=path + ".part", mode="w", cparams=dict(nthreads=CORES, **cparams))
        for lo in range(0, d.shape[0], C):
            a[lo:lo + C] = d[lo:lo + C]
    os.rename(path + ".part", path)


MATRIX, LARGE_MATRIX = N // 2, N * 3 // 2


def make_matrices(dir):
    """Two factors a file; few digits, so that LZ4 has something to do."""
    for name, n, dtype, kind in (("w4.h5", MATRIX, "f8", "none"), ("w4lz4.h5", MATRIX, "f8", "plainlz4"), ("large32.h5", LARGE_MATRIX, "f4", "none")):
        with h5py.File(os.path.join(dir, name) + ".part", "w") as f:
            for seed, k in enumerate("ab", 1):
                d = f.create_dataset(k, (n, n), dtype, chunks=(min(C, n), min(C, n)), **dataset_filters(kind))
                for i in range(0, n, C):
                    d[i:i + C] = np.round(rnd(seed, i, (min(C, n - i), n)), 3)
        os.rename(os.path.join(dir, name) + ".part", os.path.join(dir, name))


CLIMATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "data", "A1B_north_america.nc")
DAYS, CELLS = 7305 // SCALE, 4                   # twenty years of days; copies of the model's region side by side along each axis


def make_climate(dir):
    """The climate model's output of examples/data, enlarged to days with seasons and weather, as netCDF-4; chunks begin and end within months."""
    path = os.path.join(dir, "climate.nc")
    with h5py.File(CLIMATE) as f:
        years = np.tile(f["air_temperature"][:], (1, CELLS, CELLS))
    ny, nx = years.shape[1:]
    with h5py.File(path + ".part", "w") as f:
        d = f.create_dataset("air_temperature", (DAYS, ny, nx), "f4", chunks=(73, ny // 2, nx // 2))
        for lo in range(0, DAYS, 73):
            day = np.arange(lo, min(lo + 73, DAYS))
            weather = np.random.default_rng([16, lo]).normal(12 * np.sin(2 * np.pi * day / 365.25)[:, None, None], 2, (len(day), ny, nx))
            d[lo:lo + 73] = years[day // 365] + weather
        axes = {"time": np.arange(float(DAYS)), "latitude": np.arange(ny, dtype="f4"), "longitude": np.arange(nx, dtype="f4")}
        for axis, (name, values) in enumerate(axes.items()):
            f[name] = values
            f[name].make_scale(name)
            d.dims[axis].attach_scale(f[name])
        f["time"].attrs["units"] = "days since 2000-01-01"
    os.rename(path + ".part", path)


# group: {file: how it is made}; those of a group are in place together, at most 20 GiB with outputs and scratch
GROUPS = {
    "xyz": {"xyz.h5": make_xyz},
    "places": {"xyz.h5": make_xyz, "places.h5": make_places},
    "sparse reads": {"xyz.h5": make_xyz, "x.zarr": to_zarr, "x.b2nd": lambda dir: to_b2nd(dir, "xyz.h5", "x.b2nd", clevel=0)},
    "rows": {**{f"rows_{k}.h5": make_rows for k in ("none", "plain", "lz4", "gzip4")}, "rows.zarr": rows_to_zarr},
    "wide rows": {"rows_none.h5": make_rows, "rows_wide.h5": make_wide},
    "huge rows": {"rows_huge.h5": make_huge},
    "smooth": {**{f"smooth_{k}.h5": make_smooth for k in ("none",) + FILTERS},
               "smooth.b2nd": lambda dir: to_b2nd(dir, "smooth_none.h5", "smooth.b2nd")},
    "many": {"many.h5": make_many},
    "hundred": {"hundred.h5": make_hundred},
    "sparse": {"sparse.h5": make_sparse},
    "matrices": {"w4.h5": make_matrices, "w4lz4.h5": make_matrices, "large32.h5": make_matrices},
    "climate": {"climate.nc": make_climate},
    "none": {},
}


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)


def prepare(dir, group, keep, say):
    """Makes the group's files and removes those of others. A file that needs a missing package is left out: its peer will be absent."""
    os.makedirs(dir, exist_ok=True)
    want = GROUPS[group]
    if not keep:
        for other in GROUPS.values():
            for name in set(other) - set(want):
                remove(os.path.join(dir, name))
    for name, make in want.items():
        if not os.path.exists(os.path.join(dir, name)):
            remove(os.path.join(dir, name + ".part"))
            say(f"making {name}")
            try:
                make(dir)
            except ImportError as e:
                say(f"{name}: left out: {e}")
            os.sync()  # so that no writing-back falls into what is measured next


def settle(dir, group):
    """The group's files in the page cache as one reading from end to end leaves them: pages that were read here and there, or came back after memory was
    short, are single ones, and whoever maps them pays for each."""
    paths = [p for p in (os.path.join(dir, name) for name in GROUPS[group]) if os.path.exists(p)]
    drop(paths)
    warm(paths)


def chunk_list(file, dataset="x"):
    """(offset in the file, stored bytes) of every chunk that is there, in the order of the index."""
    out = []
    with h5py.File(file) as f:
        d = f[dataset]
        base = f.userblock_size
        d.id.chunk_iter(lambda c: out.append((c.chunk_offset, c.byte_offset + base, c.size)))
    return out
