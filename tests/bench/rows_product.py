"""Products of matrices. Limits and rates are those of OpenBLAS's own kernels on matrices in memory, with the kernels that fit this CPU, in the same run."""
import os
import subprocess
import sys

from data import LARGE_MATRIX, MATRIX
from engine import Row
from measure import CORES, median
from peers import probe
from rows import output, row

LONG = 600  # seconds; the large product is 30 TFLOP
GEMM = """
import ctypes as c, os, sys, threading, time
import numpy as np
name, n = sys.argv[1], int(sys.argv[2])
blas = c.CDLL("libopenblas.so.0")
d, real = (np.float64, c.c_double) if name == "dgemm" else (np.float32, c.c_float)
x = np.random.default_rng(1).standard_normal((n, n)).astype(d)
y = np.zeros((n, n), d)
f = getattr(blas, "cblas_" + name)
def once():
    p, i = c.c_void_p, c.c_int
    f(i(101), i(111), i(111), i(n), i(n), i(n), real(1), p(x.ctypes.data), i(n), p(x.ctypes.data), i(n), real(0), p(y.ctypes.data), i(n))
once()
best = 1e9
for _ in range(2):
    t = time.perf_counter()
    once()
    best = min(best, time.perf_counter() - t)
print(2 * n ** 3 / best / 1e9)
"""


def rate(name, n):
    """GFLOP/s of OpenBLAS on all cores, n x n in memory."""
    flags = open("/proc/cpuinfo").read()
    env = dict(os.environ, OPENBLAS_NUM_THREADS=str(CORES), **({"OPENBLAS_CORETYPE": "SKYLAKEX"} if "avx512bw" in flags else {}))
    return float(subprocess.run([sys.executable, "-c", GEMM, name, str(n)], env=env, capture_output=True, text=True, check=True).stdout)


def factors(file):
    return {k: f"{file}:/{k}" for k in "ab"}


def took(r):
    r.seconds = median([run["seconds"] for run in r.runs])


def judged(r, kind, n, share, gflops):
    r.floor(f"of {kind}'s rate in memory", 2 * n ** 3 / r.seconds / 1e9 / gflops, share)
    r.limit = dict(text=f"{kind} in memory, {gflops:.0f} GFLOP/s", seconds=2 * n ** 3 / gflops / 1e9)


@row("W4", "matrices", stores=True)
def w4(b):
    r = Row("W4", f"a @ b, {MATRIX}, stored", 256)
    b.versus(r, lambda: b.chunk("a @ b", factors("w4.h5"), 256, out="out.h5"), {"numpy": ("w4", 1.5), "dask": ("w4", None)}, check=lambda a: probe(output(b)))
    took(r)
    judged(r, "dgemm", MATRIX, 0.9, rate("dgemm", MATRIX))
    yield r
    z = Row("W4 lz4", "the same, both factors lz4", 256)
    b.versus(z, lambda: b.chunk("a @ b", factors("w4lz4.h5"), 256, out="out.h5"), {})
    took(z)
    z.floor("of the time from uncompressed", z.seconds / r.seconds, 1.1, at_most=True)
    yield z
    for name, what, text, least in (("X'X", f"a.T @ a, {MATRIX}, stored", "permute_dims(a) @ a", 0.6), ("a @ b + c", f"2*(a @ b) + 3*b, {MATRIX}, stored", "2*(a @ b) + 3*b", 1.1)):
        e = Row(name, what, 256)
        b.versus(e, lambda text=text: b.chunk(text, {k: v for k, v in factors("w4.h5").items() if k in text.split("(", 1)[1]}, 256, out="out.h5"), {})
        took(e)
        e.floor("of W4's time", e.seconds / r.seconds, least, at_most=True)
        yield e


@row("matmul float32", "matrices", stores=True)
def large(b):
    r = Row("matmul float32", f"a @ b, {LARGE_MATRIX}, stored, once", 256)
    b.versus(r, lambda: b.chunk("a @ b", factors("large32.h5"), 256, out="out.h5", seconds=LONG), {}, repeat=1)
    took(r)
    judged(r, "sgemm", LARGE_MATRIX, 0.85, rate("sgemm", MATRIX))
    yield r
