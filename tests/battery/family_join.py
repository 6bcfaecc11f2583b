"""Joining arrays."""
import numpy as np
from cases import DTYPES, Case, data, exact, pick, shape_of


def concat(rng):
    shape = list(shape_of(rng))
    if not shape:
        shape = [int(rng.integers(1, 9))]
    axis = int(rng.integers(-len(shape), len(shape)))
    arrays = {}
    for i in range(int(rng.integers(1, 5))):
        shape[axis] = int(rng.integers(0, 12))
        arrays[f"a{i}"] = data(rng, pick(rng, DTYPES), tuple(shape))
    return Case(f"concat(({', '.join(arrays)},), axis={axis})", arrays, lambda: np.concatenate(list(arrays.values()), axis=axis), exact)


ORACLES = {"concat": concat}
BITS = {"joined": lambda n: "a = concat((x, x[::-1]*2), axis=0); b = sum(concat((x, x + 1), axis=1), axis=0)"}
MEMORY = {"concat": "concat((x, y))"}
WORKLOADS = ["concat((xz, xz), axis=1)", "sum(concat((x, y)))", "sum(concat((x[:, 1:2000], y[:, :100], xz[:3000]), axis=1), axis=0)"]
FAULTS = {"join": ("concat((x, x*2), axis=1)", "zip", []), "handed on": ("sum(concat((x, x[::-1])), axis=1)", "plain", [])}
