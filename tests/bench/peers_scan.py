"""Running sums, by the tools that have them."""
import numpy as np

from peers import dask_array, h5_out, load, peer, probe, probe_out


@peer("dask", "cumsum0", "cumsum1")
def cumsum_dask(c, w):
    da, x = dask_array(c, "xyz.h5", "x")
    with c.timed():
        f, d = h5_out(c, x.shape)
        da.store(da.cumsum(x, axis=int(w[-1])), d)
        f.close()
    return probe_out(c)


@peer("numpy", "cumsum0", "cumsum1")
def cumsum_numpy(c, w):
    x, = load(c, "xyz.h5", "x")
    c.note = "in memory, not stored"
    with c.timed():
        y = np.cumsum(x, axis=int(w[-1]))
    return probe(y)
