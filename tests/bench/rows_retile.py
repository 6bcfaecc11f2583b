"""Values stored in other chunks than they are read from: rechunking, transposes."""
import os

import h5py
import numpy as np

import data
from data import C, N, R
from engine import Row
from measure import median
from peers import probe
from rows import output, row, some, through_copy

COLUMNS = f"{N}x{R}"


def stored(b, expr, inputs, memory, chunks, filters="none", out="out.h5"):
    return b.chunk(expr, inputs, memory, out=out, extra=("--chunks", chunks, "--filter", filters))


@row("W5r", "rows", stores=True)
def w5r(b):
    x = {"x": "rows_none.h5:/x"}
    for memory in (256, 64):
        r = Row(f"W5r {memory}", f"({R}, {N}) chunks to ({N}, {R})", memory)
        b.versus(r, lambda: stored(b, f"rechunk(x, ({N}, {R}))", x, memory, COLUMNS),
                 {"dask": ("w5r", 9), "h5repack": ("w5r", 30), "h5py": ("w5r", None), "tensorstore": ("w5r", None)}, check=lambda a: probe(output(b)))
        through_copy(b, r, "rows_none.h5")
        yield r


@row("W5t", "sparse reads", stores=True)
def w5t(b):
    r = Row("W5t", f"x.T, chunks {C}x{C}", 64)
    b.versus(r, lambda: stored(b, "permute_dims(x)", some("x"), 64, f"{C}x{C}"),
             {"dask": ("w5t", 9), "tensorstore": ("w5t", 4.5), "numpy": ("w5t", None), "h5py": ("w5t", None), "blosc2": ("w5t", None)},
             check=lambda a: probe(output(b)))
    through_copy(b, r)
    yield r


def codec_seconds(b, way, codec, path, chunk_bytes):
    return b.limit_listed([(at, n) for _, at, n in data.chunk_list(path)], way, codec, path, chunk_bytes)["seconds"]


def coded(b, name, expr, file, plain, kind, codec, spec, chunks, chunk_bytes):
    """From and to a codec, each chunk decoded at most twice: the codec alone on the same values (plain: uncompressed) is the limit."""
    import hdf5plugin  # noqa: F401: reads what was written
    r = Row(f"{name} {kind}", f"{expr}, {dict(lz4='Bitshuffle-LZ4 to LZ4', gzip4='gzip-4 + shuffle')[kind]}", 256)
    b.versus(r, lambda: stored(b, expr, {"x": f"{file}:/x"}, 256, chunks, spec), {}, check=lambda a: probe(output(b)))
    size = os.path.getsize(b.path(file))
    r.floor("reads of x", r.runs[-1]["json"]["bytes_read"] / size, 2.01, at_most=True)
    coding = codec_seconds(b, "decode", codec, b.path(file), chunk_bytes) + codec_seconds(b, "encode", codec, b.path(plain), chunk_bytes)
    r.limit = dict(text="the codec alone on every core", seconds=coding)
    r.floor("of the codec's rate", coding / min(a["seconds"] for a in r.runs), 0.8)
    return r


@row("W5r coded", "rows", stores=True)
def w5r_coded(b):
    for kind, codec, spec in (("lz4", "lz4", "lz4"), ("gzip4", "gzip", "gzip=4,shuffle")):
        yield coded(b, "W5r", f"rechunk(x, ({N}, {R}))", f"rows_{kind}.h5", "rows_plain.h5", kind, codec, spec, COLUMNS, R * N * 8)


@row("W5t coded", "smooth", stores=True)
def w5t_coded(b):
    for kind, codec, spec in (("lz4", "lz4", "lz4"), ("gzip4", "gzip", "gzip=4,shuffle")):
        yield coded(b, "W5t", "permute_dims(x)", f"smooth_{kind}.h5", "smooth_none.h5", kind, codec, spec, f"{C}x{C}", C * C * 8)


@row("W5r 8 GiB", "wide rows", stores=True)
def w5r_large(b):
    """Four times as much: the time must grow by no more than a fifth beyond that."""
    one = Row("W5r 8 GiB", f"({R}, {data.WIDE}) chunks to ({N}, {R})", 256)
    base = [stored(b, "x", {"x": "rows_none.h5:/x"}, 256, COLUMNS)["seconds"] for _ in range(3)]
    one.add(stored(b, "x", {"x": "rows_wide.h5:/x"}, 256, COLUMNS))
    one.floor("times linear", one.runs[-1]["seconds"] / (4 * min(base)), 1.2, at_most=True)
    yield one


@row("W5r 16 GiB", "huge rows", stores=True)
def w5r_huge(b):
    """float64 of 16 GiB, from int8 so that both fit on a small disk: what is written is far more than may wait in memory."""
    r = Row("W5r 16 GiB", f"int8 ({R}, {data.HUGE}) chunks to float64 ({N}, {R})", 256)
    n_bytes, shares = N * data.HUGE * 8, []
    for _ in range(2):
        b.clear_outputs()
        disk = b.measure(1, "write", os.path.join(b.dir, "limit.tmp"), n_bytes)["seconds"]
        a = stored(b, "astype(x, float64)", {"x": "rows_huge.h5:/x"}, 256, COLUMNS)
        r.add(a)
        shares.append(disk / a["seconds"])
    with h5py.File(b.path("rows_huge.h5")) as f:
        got = output(b)
        r.require("the same values", all(np.array_equal(got[:, k:k + R], f["x"][:, k:k + R]) for k in range(0, data.HUGE, data.HUGE // 4)))
    r.floor("of the disk's rate", median(shares), 0.8)
    r.limit = dict(text="writing as much, sequentially", seconds=disk)
    yield r
