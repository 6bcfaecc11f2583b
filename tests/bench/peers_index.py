"""Masks and scattered places, by the tools that have them."""
import h5py
import numpy as np

from peers import dask_array, h5_out, load, peer, probe_out


def probe_line(d):
    """Check value of a 1-D result."""
    n = len(d)
    return n + sum(float(np.asarray(d[k:k + 1000]).sum()) for k in range(0, n, n // 100 or 1))


def line_out(c, n):
    f = h5py.File(c.tmp("out.h5"), "w")
    return f, f.create_dataset("out", (n,), "f8", chunks=(min(n, 1 << 17),))


def probe_line_out(c):
    with h5py.File(c.tmp("out.h5"), "r") as f:
        return probe_line(f["out"])


def places(c, names):
    with h5py.File(c.path("places.h5"), "r") as f:
        return [f[k][()] for k in names]


@peer("dask", "w12")
def w12_dask(c, w):
    da, x = dask_array(c, "xyz.h5", "x")
    with c.timed():
        y = x[x > 0.9]
        y = y.compute_chunk_sizes()  # a dataset needs its shape
        f, d = line_out(c, y.shape[0])
        da.store(y, d)
        f.close()
    return probe_line_out(c)


@peer("numpy", "w12")
def w12_numpy(c, w):
    x, = load(c, "xyz.h5", "x")
    c.note = "in memory, not stored"
    with c.timed():
        y = x[x > 0.9]
    return probe_line(y)


@peer("dask", "elements", "rows")
def scattered_dask(c, w):
    da, x = dask_array(c, "xyz.h5", "x")
    i = places(c, "ij" if w == "elements" else "r")
    with c.timed():
        y = x.vindex[i[0], i[1]] if w == "elements" else x[i[0]]
        f, d = line_out(c, y.shape[0]) if w == "elements" else h5_out(c, y.shape)
        da.store(y, d)
        f.close()
    return probe_line_out(c) if w == "elements" else probe_out(c)
