"""Reshaping and joining."""
from data import HUNDRED, N, PART
from engine import Row
from peers import probe
from rows import ARRAY, output, row, some, through_copy


@row("reshape", "xyz", stores=True)
def reshape(b):
    r = Row("reshape", "x[:-1] reshaped to (N, N - 1), stored", 64)
    b.versus(r, lambda: b.chunk(f"reshape(x[:{N - 1}], ({N}, {N - 1}))", some("x"), 64, out="out.h5"), {"dask": ("reshape", 5), "numpy": ("reshape", None)},
             check=lambda a: probe(output(b)))
    r.floor("reads of x", r.runs[-1]["json"]["bytes_read"] / ARRAY, 1.01, at_most=True)
    through_copy(b, r)
    yield r


@row("concat", "hundred", stores=True)
def concat(b):
    names = [f"d{i}" for i in range(HUNDRED)]
    n_bytes = HUNDRED * PART * N * 8
    r = Row("concat", f"{HUNDRED} datasets below each other, stored", 64)
    b.versus(r, lambda: b.chunk(f"concat(({', '.join(names)}))", {k: f"hundred.h5:/{k}" for k in names}, 64, out="out.h5"), {"dask": ("concat", 5), "numpy": ("concat", None)},
             check=lambda a: probe(output(b)))
    r.floor("reads of each", r.runs[-1]["json"]["bytes_read"] / n_bytes, 1.01, at_most=True)
    through_copy(b, r, "hundred.h5", n_bytes=n_bytes, text="reading all and writing the result")
    yield r
