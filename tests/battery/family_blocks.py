"""Functions over blocks: NumPy loops over the blocks that the call says."""
import blocks_functions as own
import numpy as np
from cases import DTYPES, Case, any_zero, data, exact, mean_bound, pick, prod_bound, std_bound, sum_bound, var_bound, within

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


def apply_gufunc(rng):
    name, (signature, _, f) = pick(rng, list(own.GUFUNCS.items()))
    extent = {d: int(rng.integers(1, 9)) for d in "ijkn"}
    loop = tuple(int(v) for v in rng.integers(1, 6, int(rng.integers(0, 4))))
    arrays = {}
    for a, core in zip("xy", signature.split("->")[0][1:-1].split("),(")):
        own_loop = tuple(1 if rng.random() < 0.3 else v for v in loop[int(rng.integers(0, len(loop) + 1)):])
        arrays[a] = data(rng, pick(rng, ["int8", "uint16", "int32"]), own_loop + tuple(extent[d] for d in core.split(",")), special=0)
    loop = np.broadcast_shapes(*[v.shape[: v.ndim - (2 if name == "py_matmul" else 1)] for v in arrays.values()])
    blocks = f", blocks={text_of(draw(rng, loop))}" if loop and rng.random() < 0.5 else ""
    return Case(f"apply_gufunc({name}, {', '.join(arrays)}{blocks})", arrays,
                lambda: np.asarray(np.vectorize(f, signature=signature.replace("(n,2)", "(n,m)"))(*[v.astype(np.int64) for v in arrays.values()])), exact)


def apply_along_axis(rng):
    x = data(rng, pick(rng, ["int8", "uint16", "int32"]), tuple(int(v) for v in rng.integers(1, 12, int(rng.integers(1, 5)))), special=0)
    axis = int(rng.integers(-x.ndim, x.ndim))
    name = pick(rng, ["py_lane", "py_fold", "py_max"])
    blocks = f", blocks={text_of(draw(rng, [n for a, n in enumerate(x.shape) if a != axis % x.ndim]))}" if x.ndim > 1 and rng.random() < 0.5 else ""
    return Case(f"apply_along_axis({name}, {axis}, x{blocks})", {"x": x}, lambda: np.apply_along_axis(own.GUFUNCS[name][2], axis, x.astype(np.int64)), exact)


def grouped(x, factors):
    """Each group of neighbours as a last axis; what is over at the ends left out."""
    x = x[tuple(slice(n - n % f) for n, f in zip(x.shape, factors))]
    split = x.reshape([v for n, f in zip(x.shape, factors) for v in (n // f, f)])
    out = split.transpose([*range(0, 2 * x.ndim, 2), *range(1, 2 * x.ndim, 2)])
    return out.reshape(*out.shape[: x.ndim], int(np.prod(factors)))


BOUNDS = {"sum": sum_bound, "prod": prod_bound, "mean": mean_bound, "var": var_bound, "std": std_bound}


def coarsen(rng):
    big = rng.random() < 0.1
    ndim = int(rng.integers(1, 3 if big else 5))
    factors = [int(rng.integers(1, pick(rng, [6000 // ndim**4] if big else [2, 5, 9, 80 // ndim]))) for _ in range(ndim)]
    shape = tuple(f * int(rng.integers(0 if rng.random() < 0.1 else 1, 3 if big else 7)) for f in factors)
    trim = rng.random() < 0.4
    shape = tuple(n + int(rng.integers(0, f)) for n, f in zip(shape, factors)) if trim else shape
    name = pick(rng, ["sum", "mean", "min", "max", "any", "all", "count_nonzero", "prod", "var", "std", *("nan" + n for n in ("sum", "prod", "mean", "var", "std", "min", "max"))])
    dtypes = DTYPES
    if rng.random() < 0.02:  # groups that are read in pieces
        factors, shape, trim, dtypes = [3, 400_000], (6, 400_000), False, ["int8", "uint16", "float32"]
    x = data(rng, pick(rng, dtypes), shape, special=0)
    if x.dtype.kind == "f" and rng.random() < 0.3 and x.size:
        x = np.where(rng.random(x.shape) < 0.05, rng.choice([np.nan, np.inf, -np.inf], x.shape), x).astype(x.dtype)
    bound = BOUNDS.get(name.removeprefix("nan"))
    rest = {"ddof": pick(rng, [0, 1])} if name.endswith(("var", "std")) and rng.random() < 0.5 else {}
    words = (", trim_excess=True" if trim else "") + (f", correction={rest['ddof']}" if rest else "")
    text = f"coarsen('{name}', x, ({', '.join(map(str, factors))},){words})"
    fn = getattr(np, name)
    if name in ("min", "max", "nanmin", "nanmax") and x.dtype.kind == "c":
        x = x.real.copy()
    if not bound:
        return Case(text, {"x": x}, lambda: np.asarray(fn(grouped(x, factors), axis=-1)), any_zero)

    def expected():
        g = grouped(x, factors)
        out = fn(g, axis=-1, **rest)
        if out.dtype.kind in "biu":
            return out
        source = g.astype(np.clongdouble if x.dtype.kind == "c" else np.longdouble)
        return (fn(source, axis=-1, **rest), source, -1, rest), out.dtype

    return Case(text, {"x": x}, expected, lambda got, want: exact(got, want) if got.dtype.kind in "biu" else within(bound, got, *want))


BITS = {"coarsened": lambda n: f"a = coarsen('mean', x, {(3, 2, 4, 1)[:n] + (1,) * (n - 4)}, True); b = coarsen('var', x, {(1, 70, 2, 2)[:n] + (1,) * (n - 4)}, True) + 1"}
MEMORY = {"coarsen": "coarsen('sum', x, (4, 10))"}
WORKLOADS = ["coarsen('mean', xz, (2, 4))", "coarsen('std', x, (600, 2900))"]
FAULTS = {"coarsen": ("coarsen('max', x, (3, 8))", "zip", [])}
ORACLES = {"coarsen": coarsen, "apply_gufunc": apply_gufunc, "apply_along_axis": apply_along_axis, "map_overlap": map_overlap, "map_blocks": map_blocks, "blockwise": blockwise}
