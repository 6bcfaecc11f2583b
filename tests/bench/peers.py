#!/usr/bin/env python3
"""The tools that users would otherwise pick, on the benchmark's workloads, each as an expert would write it.

    peers.py run PEER WORKLOAD DIR     run one in this process, print one line of JSON
    peers.py list                      the known PEER/WORKLOAD pairs

Families of operations bring theirs in peers_*.py.

seconds: from inputs opened to output closed; imports, warming the page cache and checking are outside. peak_mib: the process's VmHWM,
reset when the clock starts. others: mean cores that other processes used meanwhile. check_value must agree with libchunk's.
"""
import contextlib
import importlib
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import CORES, Load, median, ready, status_mib, warm

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS", "BLOSC_NTHREADS"):
    os.environ.setdefault(variable, str(CORES))

import h5py         # noqa: E402
import numpy as np  # noqa: E402

from data import C, MANY, MANYC, N, dataset_filters, shuffled  # noqa: E402


class Ctx:
    """What a workload gets: paths, the clock, the memory meter."""

    def __init__(self, name, workload, dir):
        self.dir, self.inputs, self.note, self.more, self.result = dir, [], "", {}, {}
        self.out = os.path.join(dir, "out", f"{name}_{workload}")
        shutil.rmtree(self.out, ignore_errors=True)
        os.makedirs(self.out)

    def path(self, name):
        p = os.path.join(self.dir, name)
        self.inputs.append(p)
        return p

    def tmp(self, name):
        return os.path.join(self.out, name)

    @contextlib.contextmanager
    def timed(self):
        with ready():
            warm(self.inputs)
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as f:
            f.write("5")  # VmHWM := VmRSS
        cpu, start = time.process_time(), time.perf_counter()
        with Load() as load:
            yield
        self.seconds = time.perf_counter() - start
        self.result = dict(seconds=self.seconds, peak_mib=status_mib("VmHWM"), others=load.others(time.process_time() - cpu, self.seconds))


REG = {}


def peer(name, *workloads):
    def deco(fn):
        for w in workloads:
            REG[name, w] = fn
        return fn
    return deco


def h5(c, name, ds):
    return h5py.File(c.path(name), "r")[ds]


def load(c, file, *names):
    with h5py.File(os.path.join(c.dir, file)) as f:
        return [f[n][...] for n in names]


def grid(shape, step):
    for i in range(0, shape[0], step[0]):
        for k in range(0, shape[1], step[1]):
            yield np.s_[i:i + step[0], k:k + step[1]]


def probe(d):
    """Check value of a 2-D result: a few rows, a few columns, one block."""
    n, m = d.shape
    s = sum(float(np.abs(np.asarray(d[i, :])).sum()) for i in (0, n // 3, n - 1))
    s += sum(float(np.abs(np.asarray(d[:, k])).sum()) for k in (0, m // 3, m - 1))
    return s + float(np.abs(np.asarray(d[n // 2:n // 2 + 64, m // 2:m // 2 + 64])).sum())


def h5_out(c, shape, **kw):
    f = h5py.File(c.tmp("out.h5"), "w")
    return f, f.create_dataset("out", shape, "f8", chunks=(C, C), **kw)


def probe_out(c):
    c.more["stored"] = os.path.getsize(c.tmp("out.h5"))
    with h5py.File(c.tmp("out.h5"), "r") as f:
        return probe(f["out"])


def b2(c, name):
    import blosc2
    blosc2.set_nthreads(CORES)
    return blosc2.open(c.path(name + ".b2nd"), mode="r")


def dask_array(c, file, *names):
    """Threads, the datasets' own chunks."""
    import dask
    import dask.array as da
    import threadpoolctl
    dask.config.set(scheduler="threads", num_workers=CORES)
    threadpoolctl.threadpool_limits(1)
    f = h5py.File(c.path(file), "r")
    return [da] + [da.from_array(f[n], chunks=f[n].chunks) for n in names]


# ---------------------------------------------------------------- W1 mean(sqrt(x*x + y*y) * sin(z))


@peer("dask", "w1")
def w1_dask(c, w):
    da, x, y, z = dask_array(c, "xyz.h5", *"xyz")
    with c.timed():
        v = float((da.sqrt(x * x + y * y) * da.sin(z)).mean().compute())
    return v


@peer("numexpr", "w1")
def w1_numexpr(c, w):
    import numexpr as ne
    x, y, z = load(c, "xyz.h5", *"xyz")
    ne.set_num_threads(CORES)
    c.note = "in memory"
    with c.timed():  # its own sum() is one thread, so: evaluate, then NumPy's mean
        v = float(ne.evaluate("sqrt(x*x + y*y) * sin(z)").mean())
    return v


@peer("h5py+numexpr", "w1")
def w1_h5pool(c, w):
    """The careful loop: h5py a chunk at a time on a pool of threads, NumExpr with one thread in each."""
    import numexpr as ne
    ne.set_num_threads(1)
    x, y, z = (h5(c, "xyz.h5", k) for k in "xyz")

    def block(sl):
        a, b, d = x[sl], y[sl], z[sl]
        return ne.evaluate("sqrt(a*a + b*b) * sin(d)").sum()
    with c.timed(), ThreadPoolExecutor(CORES) as ex:
        v = float(sum(ex.map(block, grid(x.shape, x.chunks)))) / x.size
    return v


# ---------------------------------------------------------------- W2 exp(-x)*y + 1, stored


@peer("dask", "w2")
def w2_dask(c, w):
    da, x, y = dask_array(c, "xyz.h5", *"xy")
    with c.timed():
        f, d = h5_out(c, x.shape)
        da.store(da.exp(-x) * y + 1, d)
        f.close()
    return probe_out(c)


@peer("numexpr", "w2")
def w2_numexpr(c, w):
    import numexpr as ne
    ne.set_num_threads(CORES)
    x, y = load(c, "xyz.h5", *"xy")
    c.note = "in memory, not stored"
    with c.timed():
        o = ne.evaluate("exp(-x)*y + 1")
    return probe(o)


@peer("h5py", "w2")
def w2_h5loop(c, w):
    x, y = (h5(c, "xyz.h5", k) for k in "xy")
    with c.timed():
        f, o = h5_out(c, x.shape)
        for sl in grid(x.shape, x.chunks):
            a, b = x[sl], y[sl]
            np.negative(a, out=a)
            np.exp(a, out=a)
            a *= b
            a += 1
            o[sl] = a
        f.close()
    return probe_out(c)


# ---------------------------------------------------------------- W3 std along an axis


@peer("dask", "w3a0", "w3a1")
def w3_dask(c, w):
    da, x = dask_array(c, "xyz.h5", "x")
    with c.timed():
        v = float(x.std(axis=int(w[-1])).compute().sum())
    return v


@peer("numpy", "w3a0", "w3a1")
def w3_numpy(c, w):
    x, = load(c, "xyz.h5", "x")
    c.note = "in memory"
    with c.timed():
        s = x.std(axis=int(w[-1]))
    return float(s.sum())


@peer("h5py", "w3a0", "w3a1")
def w3_h5loop(c, w):
    x, ax = h5(c, "xyz.h5", "x"), int(w[-1])
    buf = np.empty((C, C))
    with c.timed():  # shifted sums: one pass, no cancellation to speak of on this data
        s, q = np.zeros(x.shape[1 - ax]), np.zeros(x.shape[1 - ax])
        for sl in grid(x.shape, x.chunks):
            x.read_direct(buf, sl)
            np.subtract(buf, 0.5, out=buf)
            s[sl[1 - ax]] += buf.sum(axis=ax)
            np.multiply(buf, buf, out=buf)
            q[sl[1 - ax]] += buf.sum(axis=ax)
        n = x.shape[ax]
        v = float(np.sqrt(q / n - (s / n) ** 2).sum())
    return v


# ---------------------------------------------------------------- W9 sum(x + 1) over chunks of 256


@peer("numpy loop", "w9")
def w9_pyloop(c, w):
    """One chunk after the other, without any file: less than any Python library can do."""
    a = np.random.default_rng(0).random(MANYC)
    c.note, c.more["own_check"] = "no file, one chunk again and again", True
    with c.timed():
        s = 0.0
        for _ in range(MANY):
            s += (a + 1).sum()
    return float(s)


# ---------------------------------------------------------------- W11 mean of compressed data


@peer("h5py", "w11gzip4", "w11lz4", "w11zstd")
def w11_h5loop(c, w):
    import hdf5plugin  # noqa: F401
    x = h5(c, f"smooth_{w[3:]}.h5", "x")
    buf = np.empty((C, C))
    with c.timed():
        s = 0.0
        for sl in grid(x.shape, x.chunks):
            x.read_direct(buf, sl)
            s += buf.sum()
    return s / x.size


@peer("h5py+libdeflate", "w11gzip4")
def w11_direct(c, w):
    """Stored chunks to libdeflate and NumPy on a pool of threads: the best that Python can do."""
    import deflate
    x = h5(c, "smooth_gzip4.h5", "x")

    def block(sl):
        _, raw = x.id.read_direct_chunk((sl[0].start, sl[1].start))
        b = np.frombuffer(deflate.zlib_decompress(raw, C * C * 8), "u1").reshape(8, C * C)
        return np.ascontiguousarray(b.T).view("f8").sum()
    with c.timed(), ThreadPoolExecutor(CORES) as ex:
        s = float(sum(ex.map(block, grid(x.shape, x.chunks)))) / x.size
    return s


@peer("blosc2", "w11lz4", "w11zstd")
def w11_blosc2(c, w):
    x = b2(c, "smooth")
    c.note = "its own file, zstd 5 + shuffle"
    with c.timed():
        v = float(x.mean())
    return v


# ---------------------------------------------------------------- W11 writing


@peer("h5py", "w11write_lz4")
def w11w_h5loop(c, w):
    import hdf5plugin  # noqa: F401
    x, = load(c, "smooth_none.h5", "x")
    c.note = "from memory"
    with c.timed():
        f, o = h5_out(c, x.shape, **dataset_filters("plainlz4"))
        for sl in grid(x.shape, (C, C)):
            o[sl] = x[sl]
        f.close()
    return probe_out(c)


@peer("libdeflate pool", "w11write_gzip4")
def w11w_direct(c, w):
    import deflate
    x, = load(c, "smooth_none.h5", "x")
    c.note = "from memory"
    with c.timed():
        f, o = h5_out(c, x.shape, **dataset_filters("gzip4"))

        def block(sl):
            o.id.write_direct_chunk((sl[0].start, sl[1].start), bytes(deflate.zlib_compress(shuffled(x[sl]).tobytes(), 4)))
        with ThreadPoolExecutor(CORES) as ex:
            list(ex.map(block, grid(x.shape, (C, C))))
        f.close()
    return probe_out(c)


# ---------------------------------------------------------------- W16 sparse reads, inside one process

N_SPARSE = 7


def repeated(c, read):
    """The median of seven reads of a file opened once; read returns what is summed outside the clock."""
    times = []
    with c.timed():
        for _ in range(N_SPARSE):
            start = time.perf_counter()
            got = read()
            times.append(time.perf_counter() - start)
            total = float(got.sum())
    c.result["seconds"] = median(times)
    return total


def selection(w):
    return np.s_[::64, ::64] if w == "w16s" else np.s_[:, 5]


@peer("h5py", "w16s", "w16c")
def w16_h5(c, w):
    x, sel = h5(c, "xyz.h5", "x"), selection(w)
    return repeated(c, lambda: x[sel])


@peer("tensorstore", "w16s", "w16c")
def w16_ts(c, w):
    import tensorstore as ts
    x, sel = ts.open({"driver": "zarr", "kvstore": {"driver": "file", "path": c.path("x.zarr") + "/"}}).result(), selection(w)
    return repeated(c, lambda: x[sel].read().result())


@peer("blosc2", "w16s", "w16c")
def w16_blosc2(c, w):
    x, sel = b2(c, "x"), selection(w)
    return repeated(c, lambda: x[sel])


# ---------------------------------------------------------------- kernels in cache, one core


@peer("numexpr", "kernels")
def kernels_numexpr(c, w):
    """Millions of elements a second on one thread, operands and result in L2, the call's own cost included."""
    import numexpr as ne
    ne.set_num_threads(1)
    n, rates = 32768, {}
    with c.timed():
        for dtype in ("float64", "float32"):
            x, y = (np.random.default_rng(s).random(n).astype(dtype) + 0.5 for s in (1, 2))
            out = np.empty_like(x)
            for name, text in dict(exp="exp(x)", sin="sin(x)", log="log(x)", pow="x**y", sqrt="sqrt(x)", div="x/y").items():
                ne.evaluate(text, local_dict=dict(x=x, y=y), out=out)
                best = min(timed_rounds(lambda: ne.re_evaluate(local_dict=dict(x=x, y=y)), 20) for _ in range(5))
                rates[f"{name}_{dtype}"] = n / best / 1e6
    c.more["rates"] = rates
    return 0.0


def timed_rounds(fn, n):
    start = time.perf_counter()
    for _ in range(n):
        fn()
    return (time.perf_counter() - start) / n


# ---------------------------------------------------------------- command line


def run(name, workload, dir):
    c = Ctx(name, workload, dir)
    line = dict(peer=name, workload=workload)
    try:
        v = REG[name, workload](c, workload)
        line.update(c.result, check_value=v, note=c.note, **c.more)
    except ImportError as e:
        line.update(absent=str(e))
    except Exception as e:
        line.update(error=f"{type(e).__name__}: {str(e)[:200]}")
    finally:
        shutil.rmtree(c.out, ignore_errors=True)
    print(json.dumps(line), flush=True)


def main():
    for path in sorted(Path(__file__).resolve().parent.glob("peers_*.py")):
        importlib.import_module(path.stem)
    if len(sys.argv) == 5 and sys.argv[1] == "run" and (sys.argv[2], sys.argv[3]) in REG:
        run(*sys.argv[2:])
    elif sys.argv[1:] == ["list"]:
        print("\n".join(f"{p}/{w}" for p, w in REG))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    import peers  # families' files register with the module of this name
    peers.main()
