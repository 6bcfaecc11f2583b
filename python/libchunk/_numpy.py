"""NumPy's functions and ufuncs on lazy arrays stay lazy: each is the operation of its name, ufuncs that have none are called on blocks."""
import numpy as np

import libchunk
from libchunk import _core, _run
from libchunk._convert import as_array
from libchunk._operations import TABLE

# NumPy's ufuncs that have another name in the table.
UFUNCS = {"true_divide": "divide", "power": "pow", "invert": "bitwise_invert", "left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift",
          "absolute": "abs", "conjugate": "conj", "degrees": "rad2deg", "radians": "deg2rad", "mod": "remainder"}
REDUCED = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any"}
ACCUMULATED = {"add": "cumulative_sum", "multiply": "cumulative_prod", "maximum": "cummax", "minimum": "cummin"}
FUNCTIONS = {"concatenate": "concat", "around": "round", "amax": "max", "amin": "min", "transpose": "permute_dims"}


def ufunc(ufunc, method, inputs, kwargs):
    """Array.__array_ufunc__."""
    out = kwargs.pop("out", None)
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    casting = kwargs.pop("casting", None)
    name = UFUNCS.get(ufunc.__name__, ufunc.__name__)
    if method == "__call__" and not kwargs:
        made = called(ufunc, name, inputs, dtype, casting)
        if where is not True and made is not NotImplemented:
            made = masked(made, where, out)
    elif method == "reduce" and name in REDUCED:
        made = reduced(REDUCED[name], inputs[0], dtype, where, kwargs)
    elif method == "reduce" and name == "logical_xor" and dtype in (None, bool):
        made = libchunk.remainder(reduced("count_nonzero", inputs[0], None, where, kwargs), 2).astype(bool)
    elif method == "reduceat" and name in REDUCED and where is True:
        made = reduced_at(ufunc, name, dtype, *inputs, **kwargs)
    elif method == "accumulate" and name in ACCUMULATED and where is True:
        axis = kwargs.pop("axis", 0)
        made = libchunk.__getattr__(ACCUMULATED[name])(inputs[0], axis=axis, **kwargs)
        made = made if dtype is None else made.astype(dtype)
    elif method == "outer" and len(inputs) == 2 and ufunc.signature is None and where is True:
        a, b = libchunk.asarray(inputs[0]), libchunk.asarray(inputs[1])
        made = called(ufunc, name, (a[(...,) + (None,) * b.ndim], b), dtype, casting)
    else:
        return NotImplemented
    return made if out is None or made is NotImplemented else put(made, out)


def called(ufunc, name, inputs, dtype, casting):
    """A ufunc: the operation of its name where it is NumPy's, else called on blocks."""
    if ufunc.signature is not None:
        return matrix_ufunc(ufunc, name, inputs) if dtype is None else NotImplemented
    results = None
    if dtype is not None or casting is not None:
        given = tuple(type(x) if type(x) in (int, float, complex) else x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype for x in inputs)
        wanted = {} if dtype is None else {"signature": (None,) * ufunc.nin + (type(np.dtype(dtype)),) * ufunc.nout}
        loop = ufunc.resolve_dtypes((*given, *(None,) * ufunc.nout), casting=casting or "same_kind", **wanted)
        inputs, results = [libchunk.asarray(x).astype(d) for x, d in zip(inputs, loop)], loop[ufunc.nin:]
    known = getattr(np, ufunc.__name__, None) is ufunc
    if known and name in TABLE:
        made = TABLE[name](inputs, {})
    elif known and name in libchunk._numbers.names():
        made = getattr(libchunk, name)(*inputs)
    else:
        made = on_blocks(ufunc, inputs)
    if results is None:
        return made
    several = [x.astype(d) for x, d in zip(made if isinstance(made, tuple) else (made,), results)]
    return tuple(several) if isinstance(made, tuple) else several[0]


def on_blocks(ufunc, inputs):
    """A ufunc that the table lacks, NumPy's or SciPy's, called on blocks."""
    weak = [type(x) in (bool, int, float, complex) for x in inputs]
    arrays = [None if w else as_array(x) for x, w in zip(inputs, weak)]
    ones = ufunc(*(x if w else np.ones(1, a.dtype_name) for x, a, w in zip(inputs, arrays, weak)))
    shape = np.broadcast_shapes(*(a.shape for a in arrays if a is not None))
    tiles = [libchunk.broadcast_to(a, shape) if shape else libchunk.reshape(a, (1,)) for a in arrays if a is not None]

    def call(*given, k=None):
        rest = iter(given)
        values = ufunc(*(x if w else next(rest) for x, w in zip(inputs, weak)))
        return values if k is None else values[k]

    call.__name__ = ufunc.__name__
    if ufunc.nout == 1:
        made = [libchunk.map_blocks(call, *tiles, dtype=ones.dtype)]
    else:
        made = [libchunk.map_blocks(call, *tiles, dtype=one.dtype, k=k) for k, one in enumerate(ones)]
    made = made if shape else [x[0] for x in made]
    return made[0] if ufunc.nout == 1 else tuple(made)


def matrix_ufunc(ufunc, name, inputs):
    """matmul and its kin."""
    if getattr(np, ufunc.__name__, None) is not ufunc:
        return NotImplemented
    if name == "matvec":
        return libchunk.matmul(inputs[0], as_array(inputs[1])[..., None])[..., 0]
    if name == "vecmat":
        return libchunk.matmul(libchunk.conj(as_array(inputs[0]))[..., None, :], inputs[1])[..., 0, :]
    place = TABLE.get(name)
    return place(inputs, {}) if place else getattr(libchunk, name)(*inputs) if name == "vecdot" else NotImplemented


def masked(made, where, out):
    """Results where `where` is true; elsewhere what `out` holds, or 0."""
    results = made if isinstance(made, tuple) else (made,)
    old = out if isinstance(out, tuple) else (out,) * len(results)
    several = []
    for x, o in zip(results, old):
        o = np.zeros((), x.dtype)[()] if o is None else o.copy()
        several.append(libchunk.where(where, x.astype(o.dtype), o))
    return tuple(several) if isinstance(made, tuple) else several[0]


def reduced(name, x, dtype, where, kwargs):
    if kwargs.get("initial", None) is np._NoValue:
        del kwargs["initial"]
    if where is not True:
        kwargs["where"] = where
    axis, keepdims = kwargs.pop("axis", 0), kwargs.pop("keepdims", False)
    if dtype is not None:
        kwargs["dtype"] = dtype
    return TABLE[name]((x,), {"axis": axis, "keepdims": keepdims, **kwargs})


def reduced_at(ufunc, name, dtype, x, indices, axis=0):
    """Reductions of slices between indices, which are in memory; single elements where the next is not larger."""
    x = libchunk.moveaxis(x, axis, 0)
    indices, n = np.asarray(indices), x.shape[0]
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise IndexError(f"{ufunc.__name__}.reduceat: indices are whole numbers in one dimension")
    bad = indices[(indices < 0) | (indices >= n)]
    if bad.size:
        raise IndexError(f"index {bad[0]} out-of-bounds in {ufunc.__name__}.reduceat [0, {n})")
    ends = [b if b > a else a + 1 for a, b in zip(indices, (*indices[1:], n))]
    parts = [reduced(REDUCED[name], x[int(a):int(b)], dtype, True, {"keepdims": True}) for a, b in zip(indices, ends)]
    made = libchunk.concat(parts) if parts else reduced(REDUCED[name], x, dtype, True, {"keepdims": True})[:0]
    return libchunk.moveaxis(made, 0, axis)


def put(made, out):
    """Into arrays of ours by making them the result, into NumPy's by computing."""
    results = made if isinstance(made, tuple) else (made,)
    given = out if isinstance(out, tuple) else (out,)
    for result, target in zip(results, given):
        if target is None:
            continue
        if not np.can_cast(result.dtype, target.dtype, "same_kind"):
            raise TypeError(f"Cannot cast output from {result.dtype!r} to {target.dtype!r} with casting rule 'same_kind'")
        cast = result.astype(target.dtype) if result.dtype != target.dtype else result
        if isinstance(target, _core.Base):
            target._rebind(cast.copy())
        else:
            _run.compute_one(cast, target)
    return given[0] if len(given) == 1 else given


OUR_KINDS = (_core.Base, np.ndarray, np.generic)


def function(func, types, args, kwargs):
    """Array.__array_function__."""
    module, name = func.__module__ or "numpy", func.__name__
    if not all(issubclass(t, OUR_KINDS) for t in types):
        return NotImplemented
    kwargs = {key: value for key, value in kwargs.items() if value is not np._NoValue}
    special = SPECIAL.get(name) if module == "numpy" else None
    if special is not None:
        return special(*args, **kwargs)
    place = libchunk
    if module.startswith("numpy.") and module.split(".")[1] in ("linalg", "fft"):
        place = getattr(libchunk, module.split(".")[1], None)
    target = getattr(place, FUNCTIONS.get(name, name), None) if place is not None else None
    if target is None:
        return NotImplemented
    out = kwargs.pop("out", None)
    made = target(*args, **kwargs)
    return made if out is None else put(made, out)


def like(name):
    """numpy.zeros_like and its kin: memory order and subclasses mean nothing here."""
    def made(a, *args, dtype=None, order="K", subok=True, shape=None, device=None):
        a = as_array(a)
        if shape is None:
            return getattr(libchunk, name)(a, *args, dtype=dtype)
        return getattr(libchunk, name.removesuffix("_like"))(shape, *args, dtype=a.dtype if dtype is None else dtype)

    return made


def created(name):
    """numpy.ones(..., like=x) and its kin."""
    return lambda shape, *args, dtype=None, order="C", device=None: getattr(libchunk, name)(shape, *args, dtype=np.dtype(dtype))


def convolve(a, v, mode="full"):
    """numpy.convolve with one of the two in memory."""
    a, v = (x if isinstance(x, _core.Base) else np.atleast_1d(np.asarray(x)) for x in (a, v))
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise ValueError("convolve takes arrays of one dimension that are not empty")
    a, v = (v, a) if v.size > a.size or not isinstance(a, _core.Base) else (a, v)
    if isinstance(v, _core.Base) or v.size > a.size:
        raise NotImplementedError("convolve: the shorter array must be in memory: compute() it first")
    dtype, n = np.result_type(a.dtype, v.dtype), v.size
    wide = libchunk.pad(a.astype(dtype), n - 1)
    made, weights = None, v.astype(dtype)
    for k in range(n):
        part = wide[n - 1 - k:wide.shape[0] - k] * weights[k]
        made = part if made is None else made + part
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode '{mode}': full, same or valid")
    cut = {"full": 0, "same": (n - 1) // 2, "valid": n - 1}[mode]
    length = {"full": a.size + n - 1, "same": a.size, "valid": a.size - n + 1}[mode]
    return made[cut:cut + length]


def correlate(a, v, mode="valid"):
    """numpy.correlate with one of the two in memory."""
    v = libchunk.flip(libchunk.conj(v)) if isinstance(v, _core.Base) else np.conj(np.atleast_1d(v))[::-1]
    return convolve(a, v, mode)


def interp(x, xp, fp, left=None, right=None, period=None):
    """numpy.interp of lazy x between points in memory."""
    if isinstance(xp, _core.Base) or isinstance(fp, _core.Base):
        raise NotImplementedError("interp: the points must be in memory: compute() them first")
    xp, fp, x = np.asarray(xp), np.asarray(fp), as_array(x)
    made = libchunk.map_blocks(lambda block: np.interp(block, xp, fp, left, right, period), x if x.ndim else libchunk.reshape(x, (1,)),
                               dtype=np.result_type(fp.dtype, np.float64))
    return made if x.ndim else made[0]


SPECIAL = {
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
    "size": lambda a, axis=None: a.size if axis is None else a.shape[axis],
    "array_repr": lambda a, *args, **kwargs: repr(a),
    "array_str": lambda a, *args, **kwargs: repr(a),
    "iscomplexobj": lambda x: x.dtype.kind == "c",
    "isrealobj": lambda x: x.dtype.kind != "c",
    "may_share_memory": lambda a, b, max_work=None: False,
    "shares_memory": lambda a, b, max_work=None: False,
    "min_scalar_type": lambda a: a.dtype if a.ndim else np.min_scalar_type(a.compute()),
    "common_type": lambda *arrays: np.common_type(*(np.empty(0, a.dtype) for a in arrays)),
    "copy": lambda a, order="K", subok=False: a.copy(),
    "copyto": lambda dst, src, casting="same_kind", where=True: put(libchunk.broadcast_to(as_array(src), dst.shape) if where is True else
                                                                    libchunk.where(where, src, dst), dst) and None,
    "array2string": lambda a, *args, **kwargs: repr(a),
    "broadcast_arrays": lambda *arrays, subok=False: tuple(libchunk.broadcast_arrays(*arrays)),
    "meshgrid": lambda *arrays, **kwargs: tuple(libchunk.meshgrid(*arrays, **kwargs)),
    "gradient": lambda f, *varargs, **kwargs: tuple(g) if isinstance(g := libchunk.gradient(f, *varargs, **kwargs), list) else g,
    "interp": interp,
    "eye": lambda N, M=None, k=0, dtype=float, order="C", device=None: libchunk.eye(N, M, k, np.dtype(dtype)),
    "identity": lambda n, dtype=None: libchunk.eye(n, dtype=np.dtype(dtype)),
    **{name: like(name) for name in ("zeros_like", "ones_like", "empty_like", "full_like")},
    "zeros": created("zeros"), "ones": created("ones"), "empty": created("empty"),
    "full": lambda shape, fill_value, dtype=None, order="C", device=None: libchunk.full(shape, fill_value, dtype=dtype),
    "asarray": lambda a, dtype=None, order=None, device=None, copy=None: libchunk.asarray(a, dtype=dtype, copy=copy),
    "convolve": convolve,
    "correlate": correlate,
}
