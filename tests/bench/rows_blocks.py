"""Functions over blocks and coarsening."""
from engine import Row
from measure import median
from peers import probe
from rows import ARRAY, output, row, some

BLOCKS, EACH = 16384, 1024


@row("map_blocks", "none")
def map_blocks(b):
    r = Row("map_blocks", f"sum(map_blocks(copy, x)), {BLOCKS:,} blocks of {EACH:,} elements in memory: C API", 64)
    b.versus(r, lambda: b.inproc("blocks_inproc", BLOCKS * EACH, EACH, 3)[0], {"dask": ("map_blocks", 20)}, check=lambda a: a["check_value"])
    extra = median([a["seconds"] - a["plain_seconds"] for a in r.runs])
    r.floor("us a block beyond an elementwise function", 1e6 * extra / BLOCKS, 10, at_most=True)
    r.limit = dict(text="the same by a registered elementwise function", seconds=median([a["plain_seconds"] for a in r.runs]))
    yield r


@row("coarsen", "xyz")
def coarsen(b):
    r = Row("coarsen", "coarsen('mean', x, (2, 4)), stored", 64)
    b.versus(r, lambda: b.chunk("coarsen('mean', x, (2, 4))", some("x"), 64, out="out.h5"), {"dask": ("coarsen", 3)}, check=lambda a: probe(output(b)))
    r.floor("reads of x", r.runs[-1]["json"]["bytes_read"] / ARRAY, 1.01, at_most=True)
    r.limit = dict(text="reading x and writing an eighth of it", seconds=b.read_limit("xyz.h5") / 3 + b.write_limit(ARRAY // 8))
    yield r
