"""Other chunks."""
import numpy as np
from cases import DTYPES, Case, data, exact, pick, shape_of


def rechunk(rng):
    x = data(rng, pick(rng, DTYPES), shape_of(rng))
    each = [pick(rng, ["-1", "None", "'auto'", str(int(rng.integers(1, 12)))]) for _ in x.shape]
    chunks = f"({', '.join(each)}{',' * (len(each) == 1)})" if each and rng.random() < 0.8 else pick(rng, ["-1", "5", "None", "'auto'"])
    text = f"rechunk(x, {chunks})"
    if x.ndim > 1 and rng.random() < 0.4:
        return Case(f"permute_dims({text})", {"x": x}, lambda: x.T, exact)
    if x.ndim > 1 and rng.random() < 0.3:
        return Case(f"{text}[::-1, 1:]", {"x": x}, lambda: x[::-1, 1:], exact)
    return Case(text, {"x": x}, lambda: x, exact)


ORACLES = {"rechunk": rechunk}
BITS = {"rechunked": lambda n: "a = rechunk(x, -1) + 1; b = sum(rechunk(x, 7), axis=0); c = sum(rechunk(x, 1000), axis=0)"}
MEMORY = {"rechunk": "rechunk(x, (3000, 16))"}
WORKLOADS = ["rechunk(xz, (-1, 8))", "permute_dims(x)", "permute_dims(xz)"]
FAULTS = {"rechunk": ("rechunk(x, (-1, 7))", "zip", [])}
