"""Reshaping and joining, by the tools that have them."""
import numpy as np

from data import HUNDRED, N, PART
from peers import dask_array, h5_out, load, peer, probe, probe_out


@peer("dask", "reshape")
def reshape_dask(c, w):
    """By way of one dimension, in whole rows of the result: Dask refuses the direct way."""
    da, x = dask_array(c, "xyz.h5", "x")
    with c.timed():
        f, d = h5_out(c, (N, N - 1))
        flat = x[:N - 1].rechunk((64, N)).reshape(-1)
        da.store(flat.rechunk(64 * (N - 1)).reshape(N, N - 1), d)
        f.close()
    return probe_out(c)


@peer("numpy", "reshape")
def reshape_numpy(c, w):
    x, = load(c, "xyz.h5", "x")
    with c.timed():
        f, d = h5_out(c, (N, N - 1))
        d[...] = x[:N - 1].reshape(N, N - 1)
        f.close()
    c.note = "from memory"
    return probe_out(c)


@peer("dask", "concat")
def concat_dask(c, w):
    da, *parts = dask_array(c, "hundred.h5", *(f"d{i}" for i in range(HUNDRED)))
    with c.timed():
        f, d = h5_out(c, (HUNDRED * PART, N))
        da.store(da.concatenate(parts), d)
        f.close()
    return probe_out(c)


@peer("numpy", "concat")
def concat_numpy(c, w):
    parts = load(c, "hundred.h5", *(f"d{i}" for i in range(HUNDRED)))
    c.note = "in memory, not stored"
    with c.timed():
        y = np.concatenate(parts)
    return probe(y)
