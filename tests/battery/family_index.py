"""Indexing with integer arrays and masks."""
import numpy as np
from cases import DTYPES, Case, data, exact, pick, shape_of

INTS = "int8 int16 int32 int64 uint8 uint16 uint32".split()


def some_shape(rng, least=1):
    shape = shape_of(rng)
    while len(shape) < least or len(shape) > 30:
        shape = shape_of(rng)
    return tuple(shape)


def indices(rng, n, shape):
    if n == 0:
        shape = tuple(shape) + (0,)
    i = rng.integers(-n, n, shape) if n else np.zeros(shape, np.int64)
    i = (i % n if rng.random() < 0.5 else i) if n else i
    small = [d for d in INTS if n < np.iinfo(d).max and (d[0] == "i" or not i.size or i.min() >= 0)]
    return i.astype(pick(rng, small))


def index_case(rng, text, x, arrays, expected):
    return Case(text, {"x": x, **arrays}, expected, exact)


def take(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng))
    if rng.random() < 0.1:
        i = indices(rng, x.size, (int(rng.integers(0, 40)),))
        return index_case(rng, "take(x, i)", x, {"i": i}, lambda: np.take(x, i.astype(np.int64)))
    axis = int(rng.integers(-x.ndim, x.ndim))
    i = np.asarray(indices(rng, x.shape[axis], some_shape(rng) if rng.random() < 0.2 and x.ndim < 8 and x.size < 500 else (int(rng.integers(0, 40)),)))
    if i.size * x.size > 10**6:
        i = i.reshape(-1)[:5]
    return index_case(rng, f"take(x, i, axis={axis})", x, {"i": i}, lambda: np.take(x, i.astype(np.int64), axis=axis))


def take_along_axis(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng))
    axis = int(rng.integers(-x.ndim, x.ndim))
    shape = list(x.shape)
    shape[axis] = int(rng.integers(0, 9)) if x.shape[axis] else 0
    i = rng.integers(0, x.shape[axis], shape) if x.shape[axis] else np.zeros(shape, np.int64)
    return index_case(rng, f"take_along_axis(x, i, axis={axis})", x, {"i": i}, lambda: np.take_along_axis(x, i, axis=axis))


def index(rng):
    """Everything that may stand in brackets."""
    x = data(rng, pick(rng, DTYPES), some_shape(rng))
    common = (3, 1, 4)[: int(rng.integers(1, 4))]
    words, items, arrays, axis = [], [], {}, 0
    while axis < x.ndim and rng.random() < 0.8:
        n, kind = x.shape[axis], int(rng.integers(6))
        if kind == 0:
            words.append("None")
            items.append(None)
            if len([v for v in items if v is None]) > 3:
                break
            continue
        if kind == 1 and n:
            k = int(rng.integers(-n, n))
            words.append(str(k))
            items.append(k)
        elif kind == 2:
            words.append("::-2")
            items.append(slice(None, None, -2))
        elif kind == 3:
            mask = rng.random(x.shape[axis]) < 0.4
            if mask.sum() not in (1, common[-1]) and any(not isinstance(v, (slice, type(None), int)) for v in items):
                mask = np.arange(n) == 0
            if "m" in arrays:
                words.append(":")
                items.append(slice(None))
            else:
                arrays["m"] = mask
                words.append("m")
                items.append(mask)
        elif n:
            name = f"i{len(arrays)}"
            i = rng.integers(-n, n, common[len(common) - int(rng.integers(1, len(common) + 1)):])
            arrays[name] = i
            words.append(name)
            items.append(i)
        else:
            words.append(":")
            items.append(slice(None))
        axis += 1
    if not arrays:
        return take(rng)
    if rng.random() < 0.3:
        words.append("...")
        items.append(Ellipsis)
    return index_case(rng, f"x[{', '.join(words)}]", x, arrays, lambda: x[tuple(items)])


def masked(rng, like):
    return rng.random(like.shape) < pick(rng, [0.0, 0.1, 0.5, 1.0])


def extract(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng))
    m = masked(rng, x)
    if rng.random() < 0.2:
        m = m.ravel()[:int(rng.integers(0, m.size + 1))]  # another shape: both are raveled
        return index_case(rng, "extract(m, x)", x, {"m": m}, lambda: np.extract(m, x))
    return index_case(rng, pick(rng, ["extract(m, x)", "x[m]"]), x, {"m": m}, lambda: x[m])


def compress(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng))
    axis = int(rng.integers(-x.ndim, x.ndim))
    m = rng.random(x.shape[axis]) < 0.5
    return index_case(rng, f"compress(m, x, axis={axis})", x, {"m": m}, lambda: np.compress(m, x, axis=axis))


def argwhere(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng))
    x = np.where(rng.random(x.shape) < 0.5, x, np.zeros((), x.dtype))
    if rng.random() < 0.5:
        axis = int(rng.integers(-x.ndim, x.ndim))
        return index_case(rng, f"argwhere(x, axis={axis})", x, {}, lambda: np.nonzero(x)[axis])
    return index_case(rng, "argwhere(x)", x, {}, lambda: np.argwhere(x))


def nonzero(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng))
    x = np.where(rng.random(x.shape) < 0.5, x, np.zeros((), x.dtype))
    axis = int(rng.integers(-x.ndim, x.ndim))
    kind = int(rng.integers(3))
    if kind == 0:
        return index_case(rng, f"nonzero(x, part={axis})", x, {}, lambda: np.nonzero(x)[axis])
    if kind == 1:
        return index_case(rng, f"nonzero(x)[{axis}]", x, {}, lambda: np.nonzero(x)[axis])
    return index_case(rng, "stack(nonzero(x))", x, {}, lambda: np.stack(np.nonzero(x)))


def array(rng):
    d = pick(rng, ["bool", "int64", "float64", "complex128"])
    a = data(rng, d, tuple(int(n) for n in rng.integers(0, 5, int(rng.integers(1, 4)))), special=0)
    text = repr(a.tolist())
    return Case(f"array({text}, dtype={d})", {}, lambda: np.array(a.tolist(), dtype=d), lambda got, want: exact(got, want, zeros=False))


def changed(x, change):
    def expected():
        y = x.copy()
        change(y)
        return y

    return expected


def assign(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng), special=0)
    d = x.dtype if x.dtype.kind != "c" or rng.random() < 0.5 else np.dtype("float64")
    kind = int(rng.integers(3))
    if kind == 0:
        m = masked(rng, x)
        v = data(rng, d, (np.count_nonzero(m),) if rng.random() < 0.5 else (), special=0)
        return index_case(rng, "x[m] = v; x", x, {"m": m, "v": v}, changed(x, lambda y: y.__setitem__(m, v)))
    if kind == 1 and 0 not in x.shape:
        n = int(rng.integers(1, x.ndim + 1))
        i = [rng.integers(-k, k, 5) for k in x.shape[:n]]
        v = data(rng, d, (5,) + x.shape[n:] if rng.random() < 0.5 else (), special=0)
        names = [f"i{k}" for k in range(n)]
        return index_case(rng, f"x[{', '.join(names)}] = v; x", x, {**dict(zip(names, i)), "v": v}, changed(x, lambda y: y.__setitem__(tuple(i), v)))
    words, items, shape = [], [], []
    at, array = (int(rng.integers(0, x.ndim)), None) if rng.random() < 0.3 else (-1, None)
    for axis, n in enumerate(x.shape):
        if axis == at:
            array = rng.permutation(n)[:5]
            words.append("i")
            items.append(array)
            shape.append(array.size)
            continue
        if n and at < 0 and rng.random() < 0.3:
            k = int(rng.integers(-n, n))
            words.append(str(k))
            items.append(k)
            continue
        a, b, c = int(rng.integers(-n - 2, n + 2)), int(rng.integers(-n - 2, n + 2)), int(pick(rng, [1, 1, 2, 3, -1, -2]))
        words.append(f"{a}:{b}:{c}")
        items.append(slice(a, b, c))
        shape.append(len(range(n)[slice(a, b, c)]))
    v = data(rng, d, tuple(n if rng.random() < 0.7 else 1 for n in shape) if rng.random() < 0.7 else (), special=0)
    arrays = {"v": v} if array is None else {"v": v, "i": array}
    return index_case(rng, f"x[{', '.join(words)}] = v; x", x, arrays, changed(x, lambda y: y.__setitem__(tuple(items), v)))


def put(rng):
    x = data(rng, pick(rng, DTYPES), some_shape(rng), special=0)
    i = rng.integers(-x.size, x.size, int(rng.integers(0, 20))) if x.size else np.zeros(0, np.int64)
    v = data(rng, x.dtype, i.shape, special=0)
    return index_case(rng, "put(x, i, v)", x, {"i": i, "v": v}, changed(x, lambda y: np.put(y, i, v)))


ORACLES = {"assign": assign, "put": put, "take": take, "take_along_axis": take_along_axis, "index": index, "extract": extract, "compress": compress, "argwhere": argwhere, "nonzero": nonzero, "array": array}
BITS = {"assigned": lambda n: "x[1:-1:2] = -3; a = x + 1" if n == 2 else "x[[0, 1, 0]] = 5; a = x*2",
        "indexed": lambda n: "a = x[[5, 0, -1, 3, 3]]; b = x[::2][[1, 2], [0, -1]]; c = sum(x[x > 0])" if n == 2 else "a = x[[1, 0, -1]]; b = x[x > 0]"}
BITS["scattered"] = lambda n: ("i = astype(abs(x)*100, int64); a = x[i % 37, i // 37 % 41]; b = sum(x[i[:, 0] % 40])" if n == 2 else
                               "a = x[astype(abs(x)*100, int64) % 40]" if n == 1 else "a = x[astype(abs(x)*100, int64) % 5, 2:4]")
BITS["places"] = lambda n: "a = nonzero(x > 0)[0]; b = stack(nonzero(x > 0))"
MEMORY = {"assign": "assign(x, ((10, 2000, 3),), y[0])", "put": "put(x, arange(100)*7, 1)", "take": "take(x, arange(2999, -1, -3), axis=0)", "take_along_axis": "take_along_axis(x, astype(x*2000, int64), axis=1)", "index": "x[arange(0, 3000, 2)]",
          "extract": "extract(x > 0.5, x)", "compress": "compress(x[:, 0] > 0.5, x, axis=0)", "argwhere": "argwhere(x > 0.5)", "nonzero": "nonzero(x > 0.5)[1]", "array": "x*[2.0]"}
WORKLOADS = ["x[x > 0.9]", "xz[xz > 0.9]", "x[arange(0, 3000, 7)]", "x[arange(3000) % 2000, arange(3000) % 2900]",
             "x[i[:300]*97, i[:300]*93]", "xz[i[:300]*97, i[:300]*93 % 2800]", "xz[i[0]*97]"]
FAULTS = {"nonzero": ("stack(nonzero(x > 0.5))", "zip", []), "assign": ("x[5:100:3] = 1; x", "zip", []), "mask": ("x[x > 0.5]", "zip", []), "take": ("x[[5, 1, 7]]", "plain", []),
          "points": ("(x + arange(40)[:, newaxis, newaxis])[astype(abs(x)*1000, int64) % 40, astype(abs(x)*100, int64) % 50, astype(abs(x)*10, int64) % 9]", "zip", [])}
