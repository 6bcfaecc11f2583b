"""Products of matrices, by the tools that have them."""
from peers import dask_array, h5_out, load, peer, probe, probe_out


@peer("dask", "w4")
def matmul_dask(c, w):
    da, a, b = dask_array(c, "w4.h5", "a", "b")
    with c.timed():
        f, d = h5_out(c, a.shape)
        da.store(a @ b, d)
        f.close()
    return probe_out(c)


@peer("numpy", "w4")
def matmul_numpy(c, w):
    a, b = load(c, "w4.h5", "a", "b")
    c.note = "in memory, not stored"
    with c.timed():
        y = a @ b
    return probe(y)
