"""Indexing: a mask, scattered elements, scattered rows."""
from data import ELEMENTS, ROWS, N
from engine import Row
from peers import probe
from peers_index import probe_line
from rows import ARRAY, output, row, some

@row("W12", "xyz")
def w12(b):
    r = Row("W12", "x[x > 0.9] to a new dataset", 64)
    b.versus(r, lambda: b.chunk("x[x > 0.9]", some("x"), 64, out="out.h5"), {"dask": ("w12", 10), "numpy": ("w12", 2)}, check=lambda a: probe_line(output(b)))
    r.limit = dict(text="reading x once and writing what is selected", seconds=b.read_limit("xyz.h5") / 3 + b.write_limit(ARRAY // 10))
    yield r


@row("scattered", "places")
def scattered(b):
    for name, text, names, peer, size in (("scattered elements", "x[i, j]", "ij", "elements", ELEMENTS * 8), ("scattered rows", "x[r]", "r", "rows", ROWS * N * 8)):
        r = Row(name, f"{text}, stored: {ELEMENTS if names == 'ij' else ROWS:,} {peer} in no order", 128)
        b.versus(r, lambda: b.chunk(text, {**some("x"), **{k: f"places.h5:/{k}" for k in names}}, 128, out="out.h5"), {"dask": (peer, 5)}, check=lambda a: (probe_line if names == "ij" else probe)(output(b)))
        touched = ARRAY if names == "ij" else size
        r.limit = dict(text="reading the touched pages once and writing the result", seconds=b.read_limit("xyz.h5") * touched / (3 * ARRAY) + b.write_limit(size))
        yield r
