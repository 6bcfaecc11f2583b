"""Our codecs against HDF5's own and the registered plugins, chunk by chunk, both ways: what they write we decode, what we encode they read."""
import os
import struct
import subprocess

import h5py
import hdf5plugin
import numpy as np
import pytest

ORACLE = os.path.join(os.environ["CHUNK_TESTBIN"], "store_write_oracle")
DTYPES = ["u1", "f8", *(pytest.param(t, marks=pytest.mark.slow) for t in ["i2", "f4", "c16"])]
COUNTS = [1, 8, 4099, 70000]

# HDF5's options for what our text says.
TEXTS = {
    "gzip=4": dict(compression="gzip", compression_opts=4),
    "gzip=9,shuffle": dict(compression="gzip", compression_opts=9, shuffle=True),
    "shuffle,fletcher32": dict(shuffle=True, fletcher32=True),
    "fletcher32": dict(fletcher32=True),
    "lz4": dict(hdf5plugin.LZ4()),
    "lz4,shuffle,fletcher32": dict(**hdf5plugin.LZ4(), shuffle=True, fletcher32=True),
    "zstd=3": dict(hdf5plugin.Zstd(clevel=3)),
    "zstd=7,shuffle": dict(**hdf5plugin.Zstd(clevel=7), shuffle=True),
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle,fletcher32": dict(**hdf5plugin.Bitshuffle(cname="lz4"), fletcher32=True),
}
# What only others write.
FOREIGN = {
    "bitshuffle alone": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bitshuffle in blocks of 64": dict(hdf5plugin.Bitshuffle(cname="lz4", nelems=64)),
    "bitshuffle with zstd": dict(hdf5plugin.Bitshuffle(cname="zstd", clevel=2)),
    "lz4 in blocks of 1000 bytes": dict(hdf5plugin.LZ4(nbytes=1000)),
    "gzip=0": dict(compression="gzip", compression_opts=0),
    "lz4 in blocks, checksummed": dict(**hdf5plugin.LZ4(nbytes=4096), fletcher32=True),
}


def data(dtype, n, kind):
    rng = np.random.default_rng([n, kind])
    raw = rng.bytes(n * np.dtype(dtype).itemsize)
    if kind == 0:
        return np.frombuffer(raw, dtype)
    return (100 * np.sin(np.arange(n) / 50) + (rng.random(n) if kind == 1 else 0)).astype(dtype)


def pipeline_of(dataset):
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    return ";".join(f"{f[0]}:{','.join(str(v) for v in f[2])}" for f in filters)


def run(args, data):
    done = subprocess.run([ORACLE, *map(str, args)], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def check_decode(tmp_path, options, dtype):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for n in COUNTS:
            for kind in range(3):
                x = data(dtype, n, kind)
                d = f.create_dataset(f"{n}_{kind}", data=x, chunks=(n,), **options)
                mask, stored = d.id.read_direct_chunk((0,))
                for keep in 0, 1:
                    assert run(["codec-decode", pipeline_of(d), x.itemsize, x.nbytes, mask, keep], stored) == x.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", TEXTS)
def test_we_decode_what_they_encode(tmp_path, text, dtype):
    check_decode(tmp_path, TEXTS[text], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("what", FOREIGN)
def test_we_decode_what_only_they_write(tmp_path, what, dtype):
    check_decode(tmp_path, FOREIGN[what], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", TEXTS)
def test_they_decode_what_we_encode(tmp_path, text, dtype):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for n in COUNTS:
            for kind in range(3):
                x = data(dtype, n, kind)
                out = run(["codec-encode", text, x.itemsize], x.tobytes())
                assert out == run(["codec-encode", text, x.itemsize], x.tobytes())
                d = f.create_dataset(f"{n}_{kind}", x.shape, x.dtype, chunks=(n,), **TEXTS[text])
                d.id.write_direct_chunk((0,), out[4:], struct.unpack("<I", out[:4])[0])
    with h5py.File(tmp_path / "a.h5", "r") as f:
        for n in COUNTS:
            for kind in range(3):
                assert f[f"{n}_{kind}"][:].tobytes() == data(dtype, n, kind).tobytes(), (n, kind)


@pytest.mark.parametrize("level", range(1, 10))
def test_gzip_is_as_small_as_zlib(level):
    """At most 1.02 of zlib's size at the same level, on a shuffled smooth field with noise."""
    import zlib
    r, c = np.arange(512)[:, None], np.arange(512)[None, :]
    noise = np.random.default_rng(11).random((512, 512))
    x = np.round((100 * np.sin(r / 300) * np.cos(c / 500) + 0.1 * noise) * 2**20) / 2**20
    shuffled = np.ascontiguousarray(x.reshape(-1, 1).view("u1").T).tobytes()
    ours = len(run(["codec-encode", f"gzip={level},shuffle", 8], x.tobytes())) - 4
    assert ours <= 1.02 * len(zlib.compress(shuffled, level))
