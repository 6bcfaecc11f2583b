"""NumPy's functions and ufuncs on lazy arrays stay lazy: each is the operation of its name."""
import numpy as np

import libchunk
from libchunk import _core, _run
from libchunk._operations import TABLE

# NumPy's ufuncs that have another name in the table.
UFUNCS = {"true_divide": "divide", "power": "pow", "float_power": "pow", "invert": "bitwise_invert", "left_shift": "bitwise_left_shift",
          "right_shift": "bitwise_right_shift", "absolute": "abs", "conjugate": "conj", "degrees": "rad2deg", "radians": "deg2rad", "mod": "remainder"}
REDUCED = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any"}
ACCUMULATED = {"add": "cumulative_sum", "multiply": "cumulative_prod", "maximum": "cummax", "minimum": "cummin"}
FUNCTIONS = {"concatenate": "concat", "around": "round", "amax": "max", "amin": "min", "cumsum": "cumulative_sum", "cumprod": "cumulative_prod",
             "transpose": "permute_dims", "array_equiv": "array_equal"}


def ufunc(ufunc, method, inputs, kwargs):
    """Array.__array_ufunc__."""
    out = kwargs.pop("out", None)
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    kwargs.pop("casting", None)
    name = UFUNCS.get(ufunc.__name__, ufunc.__name__)
    if where is not True or ufunc.signature is not None and name not in TABLE:
        return NotImplemented
    if method == "__call__" and (name in TABLE or name == "divmod") and not kwargs:
        made = called(name, inputs, dtype)
    elif method == "reduce" and name in REDUCED:
        made = reduced(REDUCED[name], inputs[0], dtype, kwargs)
    elif method == "accumulate" and name in ACCUMULATED:
        axis = kwargs.pop("axis", 0)
        made = libchunk.__getattr__(ACCUMULATED[name])(inputs[0], axis=axis, **kwargs)
    elif method == "outer" and name in TABLE and len(inputs) == 2:
        a, b = libchunk.asarray(inputs[0]), libchunk.asarray(inputs[1])
        made = called(name, (a[(...,) + (None,) * b.ndim], b), dtype)
    else:
        return NotImplemented
    return made if out is None else put(made, out)


def called(name, inputs, dtype):
    if name == "divmod":
        return called("floor_divide", inputs, dtype), called("remainder", inputs, dtype)
    if dtype is not None:
        inputs = [libchunk.astype(libchunk.asarray(x), dtype) for x in inputs]
    return TABLE[name](inputs, {})


def reduced(name, x, dtype, kwargs):
    if kwargs.pop("initial", None) is not None:
        raise TypeError(f"{name}: 'initial' is not supported")
    axis, keepdims = kwargs.pop("axis", 0), kwargs.pop("keepdims", False)
    if dtype is not None:
        kwargs["dtype"] = dtype
    return TABLE[name]((x,), {"axis": axis, "keepdims": keepdims, **kwargs})


def put(made, out):
    """Into arrays of ours by making them the result, into NumPy's by computing."""
    results = made if isinstance(made, tuple) else (made,)
    given = out if isinstance(out, tuple) else (out,)
    for result, target in zip(results, given):
        if target is None:
            continue
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
    kwargs = {key: value for key, value in kwargs.items() if value is not np._NoValue}
    made = target(*args, **kwargs)
    return made if out is None else put(made, out)


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
    "copy": lambda a, order="K", subok=False: a.copy(),
    "copyto": lambda dst, src, casting="same_kind", where=True: put(libchunk.broadcast_to(src, dst.shape), dst) and None,
    "array2string": lambda a, *args, **kwargs: repr(a),
}
