"""Functions over blocks: NumPy loops over the blocks that the call says."""
import blocks_functions as own
import numpy as np
from cases import Case, data, exact, pick

REGISTER = own.register
SHAPES = [(1,), (7,), (100,), (13, 5), (1, 1, 1), (4, 9, 7), (2, 3, 4, 5), (31, 33), (6, 0)]


def cuts(n, block):
    return [(k, min(k + block, n)) for k in range(0, n, block)]


def blocks_of(shape, blocks):
    """(number of the block an axis, slices) for all blocks in order."""
    axes = [cuts(n, b) for n, b in zip(shape, blocks)]
    for at in np.ndindex(*map(len, axes)):
        yield at, tuple(slice(*axes[a][k]) for a, k in enumerate(at))


def n_blocks(shape, blocks):
    return [len(cuts(n, b)) for n, b in zip(shape, blocks)]


def draw(rng, shape):
    return tuple(int(rng.integers(1, n + 2)) for n in shape)


def text_of(blocks):
    return f"({', '.join(map(str, blocks))},)"


def map_blocks(rng):
    x = data(rng, pick(rng, ["int8", "int32", "float64", "uint16"]), pick(rng, SHAPES), special=0)
    blocks, how = draw(rng, x.shape), pick(rng, ["mark", "total", "two", "drop"])
    n = n_blocks(x.shape, blocks)
    view = f"blocks={text_of(blocks)}"
    if how == "mark":
        def expected():
            out = np.zeros(x.shape, np.int64)
            for at, box in blocks_of(x.shape, blocks):
                out[box] = own.mark([x[box]], at, n, None, None)
            return out
        return Case(f"map_blocks(py_mark, x, dtype=int64, {view})", {"x": x}, expected, exact)
    if how == "total":
        def expected():
            out = np.zeros(n, np.int64)
            for at, box in blocks_of(x.shape, blocks):
                out[at] = x[box].astype(np.int64).sum()
            return out
        return Case(f"map_blocks(py_total, x, dtype=int64, {view}, chunks={text_of([1] * x.ndim)})", {"x": x}, expected, exact)
    if how == "two":
        y = data(rng, "int16", tuple(1 if rng.random() < 0.3 else k for k in x.shape[int(rng.integers(0, x.ndim)):]), special=0)
        return Case(f"map_blocks(py_twice_and, x, y, dtype=float32, {view})", {"x": x, "y": y},
                    lambda: (2 * x.astype(np.int64) + y).astype(np.float32), exact)
    axes = tuple(a for a in range(x.ndim) if rng.random() < 0.5) or (0,)
    kept = [b for a, b in enumerate(blocks) if a not in axes]

    def expected():
        out = np.zeros([n[a] for a in range(x.ndim) if a not in axes] + [1], np.int64)
        whole = [n if a in axes else b for a, (n, b) in enumerate(zip(x.shape, blocks))]
        for at, box in blocks_of(x.shape, [max(w, 1) for w in whole]):
            out[tuple(k for a, k in enumerate(at) if a not in axes)] = x[box].astype(np.int64).sum()
        return out
    entries = text_of([*kept, "None"])
    ones = text_of([1] * (len(kept) + 1))
    return Case(f"map_blocks(py_total_flat, x, dtype=int64, drop_axis={text_of(axes)}, new_axis=-1, blocks={entries}, chunks={ones})",
                {"x": x}, expected, exact)


def blockwise(rng):
    i, j, k = (int(v) for v in rng.integers(1, 40, 3))
    x, y = data(rng, "int16", (i, j), special=0), data(rng, "uint8", (j, k), special=0)
    swap = rng.random() < 0.3
    blocks = draw(rng, (i, k))
    call = f"blockwise(py_dot, 'ik', x, 'ij', y, 'jk', dtype=int64, blocks={text_of(blocks)})"
    want = x.astype(np.int64) @ y
    return Case(f"permute_dims({call})" if swap else call, {"x": x, "y": y}, lambda: want.T if swap else want, exact)


PAD = {"nearest": "edge", "periodic": "wrap", "reflect": "symmetric", "-3": "constant"}  # of dask.array.overlap: of numpy.pad


def map_overlap(rng):
    shape = pick(rng, [(7,), (100,), (13, 5), (1, 3, 1), (4, 9, 7), (31, 33)])
    arrays = {name: data(rng, pick(rng, ["int8", "uint16", "int32"]), shape, special=0) for name in ("x", "y")[: int(rng.integers(1, 3))]}
    if "y" in arrays and 1 in shape:
        del arrays["y"]
    arrays = {k: v.astype(np.int16) for k, v in arrays.items()}
    blocks, depth = draw(rng, shape), [tuple(int(v) for v in rng.integers(0, pick(rng, [3, 12]), 2)) for _ in shape]
    edge = [pick(rng, [*PAD, "none"]) for _ in shape]
    if rng.random() < 0.5:
        edge = edge[:1] * len(shape)

    def padded(a):
        # Corners are those of the axes one after the other; a constant at any axis is the constant everywhere beyond it.
        for axis, (d, e) in enumerate(zip(depth, edge)):
            width = [d if k == axis else (0, 0) for k in range(a.ndim)]
            a = np.pad(a, width, mode=PAD.get(e, "constant"), **({"constant_values": -3} if e == "-3" else {}))
        return a

    def expected():
        out, wide = np.zeros(shape, np.int64), [padded(a) for a in arrays.values()]
        for at, box in blocks_of(shape, blocks):
            cut, shift = [], []
            for s, d, e, n in zip(box, depth, edge, shape):
                lo, hi = s.start, s.stop + d[0] + d[1]
                if e == "none":
                    lo, hi = max(lo, d[0]), min(hi, n + d[0])
                cut.append(slice(lo, hi))
                shift.append(s.start + d[0] - lo)
            out[box] = own.around([w[tuple(cut)] for w in wide], at, None, shift, out[box].shape)
        return out

    names = ", ".join(e if e == "-3" else f"'{e}'" for e in edge)
    text = f"map_overlap(py_around, {', '.join(arrays)}, depth=({', '.join(map(str, depth))},), boundary=({names},), dtype=int64, blocks={text_of(blocks)})"
    return Case(text, arrays, expected, exact)


ORACLES = {"map_overlap": map_overlap, "map_blocks": map_blocks, "blockwise": blockwise}
