"""Reductions with NumPy's where= and initial=: the elements that are left out become the operation's neutral element, or are not counted; and std and var
around a mean that is known."""
from libchunk._convert import as_array

NEUTRAL = {"sum": 0, "prod": 1, "any": False, "all": True, "nansum": 0, "nanprod": 1, "count_nonzero": 0}
LARGEST = {"max": "maximum", "min": "minimum", "nanmax": "fmax", "nanmin": "fmin"}
KEYWORDS = frozenset({"where", "initial", "mean"})


def reduce(op, args, kwargs):
    """Operation.__call__ with where=, initial= or mean= among the keywords."""
    import numpy as np

    kwargs = dict(kwargs)
    where, initial, mean = (None if kwargs.get(k) is np._NoValue else kwargs.pop(k, None) for k in ("where", "initial", "mean"))
    kwargs = {k: v for k, v in kwargs.items() if k not in KEYWORDS}
    where = None if where is True else where
    if where is None and initial is None and mean is None:
        return op(args, kwargs)
    if op.name not in NEUTRAL and op.name not in LARGEST and (op.name not in ("mean", "var", "std") or initial is not None):
        raise TypeError(f"{op.name}() has no {'initial' if where is None else 'where'}=")
    if not args:
        first = next((k for k in kwargs if op.parameter(k) == op.params[0][0]), None)
        if first is None:
            return op(args, kwargs)     # says what is missing
        args = (kwargs.pop(first),)
    x, rest = as_array(args[0]), args[1:]
    mask = None if where is None else as_array(where)
    if op.name in LARGEST:
        return largest(op, x, rest, kwargs, mask, initial)
    if op.name in NEUTRAL:
        made = op((x if mask is None else blank(x, mask, NEUTRAL[op.name]), *rest), kwargs)
        if initial is None:
            return made
        return (made * initial if op.name.endswith("prod") else made + initial).astype(made.dtype)
    return moments(op, x, rest, kwargs, mask, mean)


def blank(x, mask, value):
    """x with a value where it is left out."""
    from libchunk._array import call

    return call("where", mask, x, np_scalar(value, x.dtype))


def np_scalar(value, dtype):
    import numpy as np

    return np.asarray(value).astype(dtype)[()]


def largest(op, x, rest, kwargs, mask, initial):
    """The largest or smallest of what is left, and initial."""
    from libchunk._array import call

    if initial is None:
        raise ValueError(f"reduction operation '{LARGEST[op.name]}' does not have an identity, so to use a where mask one has to specify 'initial'")
    start = np_scalar(initial, x.dtype)
    if x.size:
        made = op((x if mask is None else blank(x, mask, start), *rest), kwargs)
        return call(LARGEST[op.name], made, start)
    from libchunk._operations import TABLE

    shape = TABLE["sum"]((x, *rest), kwargs).shape
    return call("full", shape, start, x.dtype_name)


def moments(op, x, rest, kwargs, mask, given):
    """Mean and variance of what is left; of the variance the mean may be given, in the shape that it has with keepdims."""
    from libchunk._array import call
    from libchunk._operations import TABLE

    bound = {name: value for (name, *_), value in zip(op.params, (x, *rest))}
    bound.update((op.parameter(k), v) for k, v in kwargs.items())
    axis, keepdims, ddof = bound.get("axis"), bool(bound.get("keepdims")), bound.get("correction", 0)
    dtype = bound.get("dtype") or call("mean", x, axis).dtype
    wide = "float32" if str(dtype) == "float16" else dtype
    x = x.astype(wide)
    mask = call("broadcast_to", True if mask is None else mask, x.shape).astype(bool)
    total = TABLE["sum"]((mask,), {"axis": axis, "keepdims": True})
    mean = TABLE["sum"]((blank(x, mask, 0),), {"axis": axis, "keepdims": True}) / total if given is None else as_array(given)
    if op.name != "mean":
        off = call("abs", x - mean)
        left = call("maximum", total - ddof, 0)
        mean = TABLE["sum"]((blank(off * off, mask, 0),), {"axis": axis, "keepdims": True}) / left
        mean = call("sqrt", mean) if op.name == "std" else mean
        dtype = mean.dtype if x.dtype.kind == "c" else dtype
    mean = mean.astype(dtype)
    return mean if keepdims else call("squeeze", mean, tuple(range(x.ndim)) if axis is None else axis)
