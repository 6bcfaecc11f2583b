"""Rechunking and transposing, by the tools that have it."""
import subprocess

import h5py
import numpy as np

from data import C, N, R, zarr
from peers import b2, dask_array, grid, h5, h5_out, load, peer, probe, probe_out


def zarr_open(path):
    import tensorstore as ts
    return ts.open({"driver": "zarr", "kvstore": {"driver": "file", "path": path + "/"}}).result()


def columns_out(c):
    f = h5py.File(c.tmp("out.h5"), "w")
    return f, f.create_dataset("out", (N, N), "f8", chunks=(N, R))


@peer("dask", "w5r")
def w5r_dask(c, w):
    da, x = dask_array(c, "rows_none.h5", "x")
    with c.timed():
        f, d = columns_out(c)
        da.store(x.rechunk((N, R)), d)
        f.close()
    return probe_out(c)


@peer("h5py", "w5r")
def w5r_h5py(c, w):
    """In column panels of 4096: half a GiB."""
    x = h5(c, "rows_none.h5", "x")
    panel = min(4096, N)
    with c.timed():
        f, d = columns_out(c)
        for k in range(0, N, panel):
            d[:, k:k + panel] = x[:, k:k + panel]
        f.close()
    return probe_out(c)


@peer("h5repack", "w5r")
def w5r_h5repack(c, w):
    src, dst = c.path("rows_none.h5"), c.tmp("out.h5")
    with c.timed():
        subprocess.run(["h5repack", "-l", f"x:CHUNK={N}x{R}", src, dst], check=True, capture_output=True)
    c.note = "a process of its own: peak not measured"
    with h5py.File(dst) as f:
        return probe(f["x"])


@peer("tensorstore", "w5r")
def w5r_tensorstore(c, w):
    """In column panels: written at once, it holds all chunks."""
    x = zarr_open(c.path("rows.zarr"))
    panel = min(4096, N)
    with c.timed():
        d = zarr(c.tmp("out.zarr"), (N, R))
        for k in range(0, N, panel):
            d[:, k:k + panel].write(x[:, k:k + panel]).result()
    return probe(d)


@peer("dask", "w5t")
def w5t_dask(c, w):
    da, x = dask_array(c, "xyz.h5", "x")
    with c.timed():
        f, d = h5_out(c, x.shape)
        da.store(x.T, d)
        f.close()
    return probe_out(c)


@peer("h5py", "w5t")
def w5t_h5py(c, w):
    x = h5(c, "xyz.h5", "x")
    with c.timed():
        f, d = h5_out(c, x.shape)
        for i, k in grid(x.shape, (C, C)):
            d[k, i] = np.ascontiguousarray(x[i, k].T)
        f.close()
    return probe_out(c)


@peer("numpy", "w5t")
def w5t_numpy(c, w):
    x, = load(c, "xyz.h5", "x")
    c.note = "in memory, not stored"
    with c.timed():
        y = np.ascontiguousarray(x.T)
    return probe(y)


@peer("tensorstore", "w5t")
def w5t_tensorstore(c, w):
    x = zarr_open(c.path("x.zarr"))
    with c.timed():
        d = zarr(c.tmp("out.zarr"), (C, C))
        d.write(x.T).result()
    return probe(d)


@peer("blosc2", "w5t")
def w5t_blosc2(c, w):
    import blosc2
    x = b2(c, "x")
    with c.timed():
        y = blosc2.permute_dims(x, (1, 0), urlpath=c.tmp("out.b2nd"), mode="w", chunks=(C, C), cparams=dict(clevel=0))
    return probe(y)
