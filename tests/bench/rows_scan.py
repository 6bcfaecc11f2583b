"""Scans."""
from engine import Row
from peers import probe
from rows import ARRAY, output, row, some, through_copy


@row("cumulative_sum", "xyz", stores=True)
def cumulative_sum(b):
    for axis in (0, 1):
        r = Row(f"cumulative_sum axis {axis}", f"cumulative_sum(x, axis={axis}), stored", 64)
        b.versus(r, lambda: b.chunk(f"cumulative_sum(x, axis={axis})", some("x"), 64, out="out.h5"), {"dask": (f"cumsum{axis}", 8), "numpy": (f"cumsum{axis}", 2)},
                 check=lambda a: probe(output(b)))
        r.floor("reads of x", r.runs[-1]["json"]["bytes_read"] / ARRAY, 1.01, at_most=True)
        through_copy(b, r)
        yield r
