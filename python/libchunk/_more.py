"""Functions of NumPy and the array API that are made of operations of the table, or that are about arrays rather than of them."""
from libchunk import _core
from libchunk._array import Array, call
from libchunk._operations import TABLE


def names():
    """What the package takes from here: nothing that the table has."""
    return _NAMES


def evaluate(text, local_dict=None, global_dict=None, **arrays):
    """The array of an expression in text, with NumExpr's calling habits.

    Parameters
    ----------
    text : str
        "sqrt(x*x + y*y)"; the language of `chunk eval`.
    local_dict, global_dict : dict, optional
        Where names are looked up; default: the caller's variables.
    **arrays
        Names and what they stand for, before all else.

    Returns
    -------
    Array, or tuple of Array for several expressions separated by semicolons
    """
    import sys

    from libchunk._convert import as_array

    frame = sys._getframe(1)
    places = [arrays, frame.f_locals if local_dict is None else local_dict, frame.f_globals if global_dict is None else global_dict]

    def bind(wanted):
        found = []
        for name in wanted:
            for place in places:
                if name in place:
                    found.append(as_array(place[name]))
                    break
            else:
                raise NameError(f"name '{name}' is not defined")
        return found

    made = _core.evaluate(text.encode(), bind)
    return made[0] if len(made) == 1 else tuple(made)


def result_type(*arrays_and_dtypes):
    """The dtype that arrays, dtypes and plain numbers have together, by NumPy's rules."""
    import numpy as np

    return np.result_type(*(x.dtype if isinstance(x, _core.Base) else x for x in arrays_and_dtypes))


def can_cast(from_, to, /):
    """Whether a dtype, or an array's, casts to another by NumPy's "safe" rule."""
    import numpy as np

    return np.can_cast(from_.dtype if isinstance(from_, _core.Base) else from_, to)


def astype(x, dtype, /, *, copy=True, device=None):
    """x with another dtype."""
    return call("astype", x, dtype)


def concat(arrays, /, *, axis=0):
    """Arrays one after the other along an axis; for None their elements in C order."""
    if axis is None:
        arrays, axis = [call("reshape", x, -1) for x in arrays], 0
    return call("concat", arrays, axis)


def concatenate(arrays, axis=0):
    """As `concat`, NumPy's name."""
    return concat(arrays, axis=axis)


def reshape(x, /, shape, order="C", *, copy=None):
    """The same elements under another shape, one extent of which may be -1."""
    return call("reshape", x, shape, order)


def broadcast_arrays(*arrays):
    """Arrays repeated to the shape that they have together."""
    import numpy as np

    from libchunk._convert import as_array

    arrays = [as_array(x) for x in arrays]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return [call("broadcast_to", x, shape) for x in arrays]


def meshgrid(*arrays, indexing="xy"):
    """Coordinate arrays of a grid."""
    from libchunk._convert import as_array

    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    arrays = [as_array(x) for x in arrays]
    n = len(arrays)
    spread = [x[(None,) * i + (...,) + (None,) * (n - 1 - i)] if x.ndim else x[(None,) * n] for i, x in enumerate(arrays)]
    out = broadcast_arrays(*spread)
    return [call("swapaxes", x, 0, 1) for x in out] if indexing == "xy" and n > 1 else out


def unstack(x, /, *, axis=0):
    """The sub-arrays along an axis, a tuple."""
    x = call("moveaxis", x, axis, 0)
    return tuple(x[i] for i in range(x.shape[0]))


def pad(array, pad_width, mode="constant", **options):
    """An array with more elements at its ends, as numpy.pad: modes constant, edge, reflect, symmetric, wrap, empty.

    Parameters
    ----------
    array : array_like
    pad_width : int, sequence or dict
        Elements before and after, for all axes or an entry an axis.
    mode : str, optional
    constant_values : number or sequence, optional
        For the mode "constant".

    Returns
    -------
    Array
    """
    import numpy as np

    from libchunk._convert import as_array

    x = as_array(array)
    values = options.pop("constant_values", 0)
    if options and set(options) != {"reflect_type"} or options.get("reflect_type", "even") != "even":
        raise NotImplementedError(f"pad: {', '.join(options)} for mode '{mode}'")
    if mode not in ("constant", "empty", "edge", "reflect", "symmetric", "wrap"):
        raise NotImplementedError(f"pad: mode '{mode}': there are constant, edge, reflect, symmetric, wrap and empty")
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(a, pad_width.get(a - x.ndim, 0)) for a in range(x.ndim)]
        pad_width = [(w, w) if isinstance(w, int) else w for w in pad_width]
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    fills = np.broadcast_to(np.asarray(values), (x.ndim, 2)).tolist()
    for axis, ((before, after), fill) in enumerate(zip(widths, fills)):
        if before < 0 or after < 0:
            raise ValueError("index can't contain negative values")
        if before or after:
            parts = (padding(x, axis, n, end, fill[end], mode, (before, after)) for end, n in ((0, before), (1, after)))
            head, tail = parts
            x = call("concat", [p for p in (head, x, tail) if p is not None], axis)
    return x


def padding(x, axis, n, end, fill, mode, widths):
    """What pad puts before (end 0) or after x along an axis; None for nothing."""
    import numpy as np

    if not n:
        return None
    if mode in ("constant", "empty"):
        return call("full", (*x.shape[:axis], n, *x.shape[axis + 1:]), np.asarray(fill).astype(x.dtype)[()], x.dtype_name)
    places = np.pad(np.arange(x.shape[axis]), widths, mode=mode)
    return call("take", x, places[:n] if end == 0 else places[-n:], axis)


def tensordot(x1, x2, /, *, axes=2):
    """Sums of products over pairs of axes: the last `axes` of x1 with the first of x2, or those named by two sequences."""
    from libchunk._convert import as_array

    x1, x2 = as_array(x1), as_array(x2)
    if isinstance(axes, int):
        over = (tuple(range(x1.ndim - axes, x1.ndim)), tuple(range(axes)))
    else:
        over = tuple(tuple(a % x.ndim for a in ((side,) if isinstance(side, int) else side)) for side, x in zip(axes, (x1, x2)))
    if [x1.shape[a] for a in over[0]] != [x2.shape[a] for a in over[1]]:
        raise ValueError("shape-mismatch for sum")
    left, right = ([a for a in range(x.ndim) if a not in o] for x, o in zip((x1, x2), over))
    n = 1
    for a in over[0]:
        n *= x1.shape[a]
    a = call("reshape", call("permute_dims", x1, (*left, *over[0])), (-1 if n else size(x1, left), n))
    b = call("reshape", call("permute_dims", x2, (*over[1], *right)), (n, -1 if n else size(x2, right)))
    return call("reshape", call("matmul", a, b), (*(x1.shape[i] for i in left), *(x2.shape[i] for i in right)))


def size(x, axes):
    """Number of elements along axes."""
    n = 1
    for a in axes:
        n *= x.shape[a]
    return n


def einsum(subscripts, *operands, optimize=None):
    """Sums of products in Einstein's notation, letters without repetition in a term, "..." for axes that are broadcast.

    Parameters
    ----------
    subscripts : str
        "ij,jk->ik"; without an arrow the letters that stand once, in order.
    *operands : array_like
    optimize
        NumPy's, ignored: factors are multiplied as they are needed, nothing is stored.

    Returns
    -------
    Array
    """
    from libchunk._convert import as_array

    terms, arrow, result = subscripts.replace(" ", "").partition("->")
    terms, arrays = terms.split(","), [as_array(x) for x in operands]
    if len(terms) != len(arrays):
        raise ValueError(f"einsum: {len(terms)} terms and {len(arrays)} operands")
    spread = max((x.ndim - len(t.replace("...", "")) for t, x in zip(terms, arrays) if "..." in t), default=0)
    dots = "".join(chr(0x3b1 + i) for i in range(spread))
    for k, (t, x) in enumerate(zip(terms, arrays)):
        terms[k] = t = t.replace("...", dots[spread - (x.ndim - len(t.replace("...", ""))):])
        if len(t) != x.ndim or len(set(t)) != len(t):
            raise (ValueError if len(t) != x.ndim else NotImplementedError)(f"einsum: term '{t}' for an operand of {x.ndim} dimensions")
    letters = "".join(terms)
    if arrow:
        result = result.replace("...", dots)
    else:
        result = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    order = result + "".join(sorted(set(letters) - set(result)))
    made = None
    for t, x in zip(terms, arrays):
        x = call("permute_dims", x, tuple(sorted(range(x.ndim), key=lambda a: order.index(t[a]))))
        x = x[tuple(slice(None) if c in t else None for c in order)]
        made = x if made is None else made * x
    over = tuple(range(len(result), len(order)))
    return call("sum", made, over, dtype=made.dtype_name) if over else made


def vecdot(x1, x2, /, *, axis=-1):
    """Sums of products along an axis, the first factor conjugated; in the dtype of the products."""
    from libchunk._convert import as_array

    x1, x2 = as_array(x1), as_array(x2)
    if not x1.ndim or not x2.ndim or x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"vecdot: the axis is not of the same extent in shapes {x1.shape} and {x2.shape}")
    products = call("multiply", call("conj", x1), x2)
    return call("sum", products, axis, dtype=products.dtype_name)


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements are close: an array without axes."""
    return call("all", call("isclose", a, b, rtol, atol, equal_nan))


def array_equal(a, b):
    """Whether shapes and all elements are equal: an array without axes."""
    from libchunk._convert import as_array

    a, b = as_array(a), as_array(b)
    if a.shape != b.shape:
        return call("full", (), False, "bool")
    return call("all", call("equal", a, b))


def average(a, axis=None, weights=None, keepdims=False):
    """Weighted mean over axes."""
    if weights is None:
        return call("mean", a, axis, keepdims=keepdims)
    from libchunk._convert import as_array

    a, weights = as_array(a), as_array(weights)
    if weights.shape != a.shape:
        if axis is None or not isinstance(axis, int) or weights.ndim != 1 or weights.shape[0] != a.shape[axis]:
            raise TypeError("weights must have the shape of a, or be one-dimensional and as long as the axis")
        weights = weights[(slice(None),) + (None,) * (a.ndim - 1 - axis % a.ndim)]
    weights = call("broadcast_to", weights, a.shape)
    return call("sum", a * weights, axis, keepdims=keepdims) / call("sum", weights, axis, keepdims=keepdims)


def isscalar(element):
    """As NumPy's."""
    import numpy as np

    return np.isscalar(element)


def shape(x):
    """The shape of an array."""
    return x.shape if isinstance(x, Array) else __import__("numpy").shape(x)


def ndim(x):
    """The number of axes of an array."""
    return len(shape(x))


_NAMES = frozenset(name for name, value in list(globals().items())
                   if callable(value) and getattr(value, "__module__", None) == __name__ and name not in ("names", "padding", "size")
                   and (name not in TABLE or name in ("astype", "broadcast_arrays", "concat", "concatenate", "meshgrid", "pad", "reshape", "unstack")))
