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


def alike(rng, shape, most=4):
    """Some arrays of one shape and of any dtypes."""
    return {f"a{i}": data(rng, pick(rng, DTYPES), shape) for i in range(int(rng.integers(1, most + 1)))}


def listed(arrays):
    return "(" + "".join(f"{name}, " for name in arrays) + ")"


def small_shape(rng, least=0):
    while True:
        shape = shape_of(rng)
        if least <= len(shape) < 20:
            return shape


def stack(rng):
    shape = small_shape(rng)
    arrays = alike(rng, shape)
    if rng.random() < 0.05:
        arrays["b"] = data(rng, "float64", (*shape, 2))
    axis = int(rng.integers(-len(shape) - 1, len(shape) + 1))
    return Case(f"stack({listed(arrays)}, axis={axis})", arrays, lambda: np.stack(list(arrays.values()), axis=axis), exact)


def stacked(name):
    def case(rng):
        shape = pick(rng, [(), (5,), (3, 4), (0, 3), (3, 4, 2), (2, 3, 4, 2)])
        arrays = alike(rng, shape)
        if rng.random() < 0.1:
            arrays["b"] = data(rng, "int16", pick(rng, [(5,), (3,), (3, 1)]))
        return Case(f"{name}({listed(arrays)})", arrays, lambda: getattr(np, name)(list(arrays.values())), exact)

    return case


def at_least(name):
    def case(rng):
        x = data(rng, pick(rng, DTYPES), pick(rng, [(), (5,), (3, 4), (0, 3), (3, 4, 2), (2, 3, 4, 2)]))
        return Case(f"{name}(x)", {"x": x}, lambda: getattr(np, name)(x), exact)

    return case


def block(rng):
    rows, columns, deep = int(rng.integers(1, 4)), int(rng.integers(1, 4)), (2,) * int(rng.integers(0, 2))
    heights, widths = rng.integers(1, 9, rows), rng.integers(0, 9, columns)
    dtypes = pick(rng, [["float32", "float64"], [pick(rng, DTYPES)]])  # of more NumPy's result depends on how large they are
    arrays = {f"a{i}{j}": data(rng, pick(rng, dtypes), (*deep, int(heights[i]), int(widths[j]))) for i in range(rows) for j in range(columns)}
    if rng.random() < 0.1:
        arrays["a00"] = data(rng, dtypes[0], (3,))
    text = "".join("(" + "".join(f"a{i}{j}, " for j in range(columns)) + "), " for i in range(rows))
    return Case(f"block(({text}))", arrays, lambda: np.block([[arrays[f"a{i}{j}"] for j in range(columns)] for i in range(rows)]), exact)


def append(rng):
    x = data(rng, pick(rng, DTYPES), pick(rng, [(5,), (3, 4), (0, 3), (3, 4, 2)]))
    axis = None if rng.random() < 0.4 else int(rng.integers(-x.ndim, x.ndim))
    shape = list(x.shape)
    if axis is not None:
        shape[axis] = int(rng.integers(0, 6))
    v = data(rng, pick(rng, DTYPES), tuple(shape))
    return Case(f"append(x, v, axis={axis})", {"x": x, "v": v}, lambda: np.append(x, v, axis=axis), exact)


def places(rng, n, many):
    at = rng.integers(-n, n, int(rng.integers(1, 5))) if n else []
    return tuple(int(i) for i in at) if many else int(at[0]) if n else 0


def delete(rng):
    x = data(rng, pick(rng, DTYPES), pick(rng, [(5,), (3, 4), (0, 3), (3, 4, 2), (40, 30)]))
    axis = None if rng.random() < 0.3 else int(rng.integers(-x.ndim, x.ndim))
    n = x.size if axis is None else x.shape[axis]
    obj = places(rng, n, rng.random() < 0.6)
    if n and rng.random() < 0.2:
        obj = tuple(bool(b) for b in rng.random(n) < 0.1)
    return Case(f"delete(x, {obj}, axis={axis})", {"x": x}, lambda: np.delete(x, list(obj) if isinstance(obj, tuple) else obj, axis=axis), exact)


def insert(rng):
    x = data(rng, pick(rng, DTYPES), pick(rng, [(5,), (3, 4), (3, 4, 2), (40, 30)]))
    axis = None if rng.random() < 0.3 else int(rng.integers(-x.ndim, x.ndim))
    n, shape = x.size if axis is None else x.shape[axis], list(x.shape)
    obj = places(rng, n, rng.random() < 0.5)
    if isinstance(obj, tuple):
        obj = tuple(i % n for i in obj)
    count = len(obj) if isinstance(obj, tuple) else 1
    if axis is None:
        shape = [count]
    else:
        shape[axis] = count
    if rng.random() < 0.3 or (axis is not None and x.ndim > 1 and not isinstance(obj, tuple)):
        return Case(f"insert(x, {obj}, 3, axis={axis})", {"x": x}, lambda: np.insert(x, obj, 3, axis=axis), exact)
    v = data(rng, x.dtype.name, tuple(shape))
    return Case(f"insert(x, {obj}, v, axis={axis})", {"x": x, "v": v}, lambda: np.insert(x, obj, v, axis=axis), exact)


def split(name):
    def case(rng):
        x = data(rng, pick(rng, DTYPES), pick(rng, [(12,), (12, 6), (6, 12, 4), (0, 6), (30, 20)]))
        axis = {"hsplit": 1 if x.ndim > 1 else 0, "vsplit": 0, "dsplit": 2}.get(name, int(rng.integers(-x.ndim, x.ndim)))
        how = int(rng.integers(1, 5)) if rng.random() < 0.5 else tuple(int(i) for i in rng.integers(-14, 16, int(rng.integers(1, 4))))
        given = f", axis={axis}" if name.endswith("split") and name[0] in "sa" else ""
        n = how if isinstance(how, int) else len(how) + 1
        i = int(rng.integers(-n, n))
        picked = f"[{i}]" if rng.random() < 0.5 else ""
        text = f"{name}(x, {how}{given})[{i}]" if picked else f"{name}(x, {how}{given}, part={i})"

        def expected():
            return (getattr(np, name)(x, how, axis=axis) if given else getattr(np, name)(x, how))[i]

        return Case(text, {"x": x}, expected, exact)

    return case


def unstack(rng):
    x = data(rng, pick(rng, DTYPES), pick(rng, [(12,), (12, 6), (6, 12, 4), (30, 20)]))
    axis = int(rng.integers(-x.ndim, x.ndim))
    i = int(rng.integers(-x.shape[axis], x.shape[axis]))
    text = f"stack(unstack(x, axis={axis}))[{i}]" if rng.random() < 0.5 else f"unstack(x, axis={axis}, part={i})"
    return Case(text, {"x": x}, lambda: np.unstack(x, axis=axis)[i], exact)


def meshgrid(rng):
    arrays = {f"a{i}": data(rng, pick(rng, DTYPES), pick(rng, [(), (5,), (1,), (0,), (9,)])) for i in range(int(rng.integers(1, 5)))}
    i = int(rng.integers(0, len(arrays)))
    extra = {k: v for k, v in (("sparse", bool(rng.random() < 0.5)), ("indexing", pick(rng, ["xy", "ij"]))) if rng.random() < 0.6}
    given = ", ".join([*arrays, *(f"{k}={v!r}" for k, v in extra.items())])
    return Case(f"meshgrid({given})[{i}]", arrays, lambda: np.meshgrid(*arrays.values(), **extra)[i], exact)


ORACLES = {"meshgrid": meshgrid, "unstack": unstack, "split": split("split"), "array_split": split("array_split"), "hsplit": split("hsplit"), "vsplit": split("vsplit"), "dsplit": split("dsplit"),
           "concat": concat, "stack": stack, "block": block, "append": append, "delete": delete, "insert": insert}
ORACLES.update({name: stacked(name) for name in ("hstack", "vstack", "dstack", "column_stack")})
ORACLES.update({name: at_least(name) for name in ("atleast_1d", "atleast_2d", "atleast_3d")})
BITS = {"joined": lambda n: "a = concat((x, x[::-1]*2), axis=0); b = sum(concat((x, x + 1), axis=1), axis=0)",
        "stacked": lambda n: "a = stack((x, x*2, x[::-1]), axis=1); b = sum(block(((x, x), (x, x*3))), axis=-1); c = insert(x, (3, 7), 1, axis=0) + 1"}
BITS["parts"] = lambda n: "a, b = array_split(x, 2, axis=0); c = sum(stack(unstack(x[:4], axis=0)), axis=0); d = " + ("meshgrid(x[0], x[:, 0])[1]*x" if n == 2 else "meshgrid(x[0, 0], x[:, 0, 0])[0]")
MEMORY = {"meshgrid": "meshgrid(x[0], y[:, 0])[1]", "unstack": "unstack(x[:4], part=2)", "split": "split(x, 2)[1]", "array_split": "array_split(x, 7, axis=1)[3]", "hsplit": "hsplit(x, 2)[0]", "vsplit": "vsplit(x, (7, 9))[2]",
          "dsplit": "dsplit(expand_dims(x, 2), 1)[0]", "concat": "concat((x, y))", "stack": "stack((x, y), axis=1)", "block": "block(((x, y), (y, x)))", "append": "append(x, y)", "delete": "delete(x, (7, 1000), axis=1)",
          "insert": "insert(x, 7, 1, axis=0)", "hstack": "hstack((x, y))", "vstack": "vstack((x, y))", "dstack": "dstack((x, y))", "column_stack": "column_stack((x, y))"}
WORKLOADS = ["concat((xz, xz), axis=1)", "sum(concat((x, y)))", "sum(concat((x[:, 1:2000], y[:, :100], xz[:3000]), axis=1), axis=0)", "stack((x, y), axis=2)"]
FAULTS = {"join": ("concat((x, x*2), axis=1)", "zip", []), "handed on": ("sum(concat((x, x[::-1])), axis=1)", "plain", []), "stack": ("stack((x, x + 1, x))", "flat", []),
          "split": ("a, b := split(x, 2, axis=1); a + b[:, ::-1]", "zip", []), "unstack": ("stack(unstack(x[:5], axis=0), axis=1)", "plain", []), "meshgrid": ("meshgrid(x[0], x[:, 0])[1]*x", "flat", [])}
