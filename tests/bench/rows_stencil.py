"""Stencils."""
import os

from data import remove
from engine import Row
from measure import median
from peers import probe
from rows import ARRAY, output, row, some, through_copy

PASSES = 10


def through(b, r):
    r.floor("reads of x", r.runs[-1]["json"]["bytes_read"] / ARRAY, 1.5, at_most=True)
    through_copy(b, r)


@row("W7", "xyz", stores=True)
def w7(b):
    r = Row("W7", "laplace(x), stored", 64)
    b.versus(r, lambda: b.chunk("laplace(x)", some("x"), 64, out="out.h5"), {"dask": ("laplace", 9), "numpy": ("laplace", 4.5), "scipy": ("laplace", None)},
             check=lambda a: probe(output(b)))
    through(b, r)
    yield r


def ten_passes(b):
    """One after the other, each reading what the one before has stored; the last result stays in the folder of outputs."""
    seconds, source, kept = 0.0, some("x"), "between.h5"
    try:
        for _ in range(PASSES):
            run = b.chunk("laplace(x)", source, 256, out="out.h5")
            seconds += run["seconds"]
            os.replace(os.path.join(b.out, "out.h5"), b.path(kept))
            source = {"x": f"{kept}:/out"}
        os.replace(b.path(kept), os.path.join(b.out, "out.h5"))
    finally:
        remove(b.path(kept))
    return seconds, probe(output(b))


@row("W7 fused", "xyz", stores=True)
def w7_fused(b):
    """Time and bytes: iterations in one expression keep what lies between them in the cache."""
    r = Row("W7 fused", f"laplace {PASSES} times over in one expression, stored", 256)
    nested = "x"
    for _ in range(PASSES):
        nested = f"laplace({nested})"
    shares, passes, values = [], [], set()
    for _ in range(b.repeat):
        r.add(b.chunk(nested, some("x"), 256, out="out.h5"))
        values.add(probe(output(b)))
        seconds, value = ten_passes(b)
        values.add(value)
        passes.append(seconds)
        shares.append(r.runs[-1]["seconds"] / seconds)
    r.require("the bits of ten passes", len(values) == 1)
    r.floor("of the time of ten passes", median(shares), 0.5, at_most=True)
    r.notes.append(f"ten passes {median(passes):.3f} s")
    through(b, r)
    yield r


@row("gaussian", "xyz", stores=True)
def gaussian(b):
    r = Row("gaussian_filter", "gaussian_filter(x, 3), stored", 128)
    b.versus(r, lambda: b.chunk("gaussian_filter(x, 3)", some("x"), 128, out="out.h5"), {"scipy": ("gaussian", 4)}, check=lambda a: probe(output(b)))
    through(b, r)
    yield r
