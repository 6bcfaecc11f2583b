"""Laplacians and Gaussians, by the tools that have them."""
import numpy as np

from peers import dask_array, h5_out, load, peer, probe, probe_out


def second_differences(y, x):
    """y = the Laplacian of x's inside; x has a halo of one."""
    np.multiply(x[1:-1, 1:-1], -4, out=y)
    for part in (x[:-2, 1:-1], x[2:, 1:-1], x[1:-1, :-2], x[1:-1, 2:]):
        y += part
    return y


@peer("dask", "laplace")
def laplace_dask(c, w):
    da, x = dask_array(c, "xyz.h5", "x")
    with c.timed():
        f, d = h5_out(c, x.shape)
        y = da.map_overlap(lambda b: second_differences(np.empty((b.shape[0] - 2, b.shape[1] - 2)), b), x, depth=1, boundary="reflect", trim=False,
                           dtype="f8", chunks=x.chunks)
        da.store(y, d)
        f.close()
    return probe_out(c)


@peer("numpy", "laplace")
def laplace_numpy(c, w):
    x, = load(c, "xyz.h5", "x")
    c.note = "in memory, not stored"
    with c.timed():
        y = x * -4
        y[1:] += x[:-1]
        y[:1] += x[:1]
        y[:-1] += x[1:]
        y[-1:] += x[-1:]
        y[:, 1:] += x[:, :-1]
        y[:, :1] += x[:, :1]
        y[:, :-1] += x[:, 1:]
        y[:, -1:] += x[:, -1:]
    return probe(y)


@peer("scipy", "laplace")
def laplace_scipy(c, w):
    from scipy import ndimage
    x, = load(c, "xyz.h5", "x")
    c.note = "in memory, not stored"
    with c.timed():
        y = ndimage.laplace(x)
    return probe(y)


@peer("scipy", "gaussian")
def gaussian_scipy(c, w):
    from scipy import ndimage
    x, = load(c, "xyz.h5", "x")
    c.note = "in memory, not stored"
    with c.timed():
        y = ndimage.gaussian_filter(x, 3)
    return probe(y)
