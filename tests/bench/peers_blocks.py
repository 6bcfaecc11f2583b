"""Functions over blocks and coarsening, by the tools that have them."""
import h5py
import numpy as np

from peers import CORES, dask_array, peer, probe_out
from rows_blocks import BLOCKS, EACH


@peer("dask", "map_blocks")
def map_blocks_dask(c, w):
    import dask
    import dask.array as da
    dask.config.set(scheduler="threads", num_workers=CORES)
    x = da.from_array((np.arange(BLOCKS * EACH) & 1023).astype("f8"), chunks=EACH)
    with c.timed():
        v = float(da.map_blocks(np.copy, x, dtype="f8").sum().compute())
    return v


@peer("dask", "coarsen")
def coarsen_dask(c, w):
    da, x = dask_array(c, "xyz.h5", "x")
    with c.timed():
        y = da.coarsen(np.mean, x, {0: 2, 1: 4})
        f = h5py.File(c.tmp("out.h5"), "w")
        d = f.create_dataset("out", y.shape, "f8", chunks=y.chunksize)
        da.store(y, d)
        f.close()
    return probe_out(c)
