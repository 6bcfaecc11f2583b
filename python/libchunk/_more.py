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


def concat(arrays, /, *, axis=0, dtype=None, casting="same_kind"):
    """Arrays one after the other along an axis; for None their elements in C order."""
    if dtype is not None:
        arrays = [cast(x, dtype, casting) for x in arrays]
    if axis is None:
        arrays, axis = [call("reshape", x, -1) for x in arrays], 0
    return call("concat", arrays, axis)


def concatenate(arrays, axis=0, *, dtype=None, casting="same_kind"):
    """As `concat`, NumPy's name."""
    return concat(arrays, axis=axis, dtype=dtype, casting=casting)


def cast(x, dtype, casting):
    """With another dtype, where NumPy's rule of casting lets it."""
    import numpy as np

    from libchunk._convert import as_array

    x = as_array(x)
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(f"Cannot cast array data from {x.dtype!r} to {np.dtype(dtype)!r} according to the rule '{casting}'")
    return call("astype", x, dtype)


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


def meshgrid(*arrays, indexing="xy", sparse=False, copy=True):
    """Coordinate arrays of a grid; with sparse of extent 1 along the axes of the others."""
    from libchunk._convert import as_array

    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    arrays = [as_array(x) for x in arrays]
    n = len(arrays)
    spread = [x[(None,) * i + (...,) + (None,) * (n - 1 - i)] if x.ndim else x[(None,) * n] for i, x in enumerate(arrays)]
    out = spread if sparse else broadcast_arrays(*spread)
    return [call("swapaxes", x, 0, 1) for x in out] if indexing == "xy" and n > 1 else out


def unstack(x, /, *, axis=0):
    """The sub-arrays along an axis, a tuple."""
    x = call("moveaxis", x, axis, 0)
    return tuple(x[i] for i in range(x.shape[0]))


def pad(array, pad_width, mode="constant", **options):
    """An array with more elements at its ends, as numpy.pad.

    Parameters
    ----------
    array : array_like
    pad_width : int, sequence or dict
        Elements before and after, for all axes or an entry an axis.
    mode : str, optional
        "constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap", "empty".
    **options
        NumPy's for the mode: constant_values, end_values, stat_length, reflect_type.

    Returns
    -------
    Array
    """
    import numpy as np

    from libchunk._convert import as_array

    x = as_array(array)
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(a, pad_width.get(a - x.ndim, 0)) for a in range(x.ndim)]
        pad_width = [(w, w) if isinstance(w, int) else w for w in pad_width]
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        raise TypeError("`pad_width` must be of integral type.")
    if (widths < 0).any():
        raise ValueError("index can't contain negative values")
    widths = tuple(tuple(pair) for pair in np.broadcast_to(widths, (x.ndim, 2)).tolist())
    return TABLE["pad"]((x, widths, mode), options) if x.ndim else x


def block(arrays):
    """Arrays put together from nested lists of them, the innermost along the last axis, as numpy.block.

    Parameters
    ----------
    arrays : array_like or nested list of them

    Returns
    -------
    Array
    """
    from libchunk._convert import as_array

    def depth_of(nested):
        if isinstance(nested, tuple):
            raise TypeError("arrays is a tuple: only lists put arrays together")
        if not isinstance(nested, list):
            return 0
        depths = {depth_of(n) for n in nested}
        if len(depths) != 1:
            raise ValueError("lists are nested to different depths, or empty")
        return 1 + depths.pop()

    def leaves(nested):
        return [x for n in nested for x in leaves(n)] if isinstance(nested, list) else [as_array(nested)]

    depth = depth_of(arrays)
    ndim = max(depth, *(x.ndim for x in leaves(arrays)))

    def joined(nested, level):
        if not isinstance(nested, list):
            x = as_array(nested)
            return x[(None,) * (ndim - x.ndim)]
        return call("concat", [joined(n, level - 1) for n in nested], -level)

    return joined(arrays, depth)


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


def array_equal(a, b, equal_nan=False):
    """Whether shapes and all elements are equal: an array without axes. With equal_nan NaN equals NaN."""
    from libchunk._convert import as_array

    a, b = as_array(a), as_array(b)
    if a.shape != b.shape:
        return call("full", (), False, "bool")
    same = call("equal", a, b)
    if equal_nan and a.dtype.kind in "fc" and b.dtype.kind in "fc":
        same = same | call("isnan", a) & call("isnan", b)
    return call("all", same)


def array_equiv(a1, a2):
    """Whether shapes broadcast together and all elements are equal then: an array without axes."""
    from libchunk._convert import as_array

    try:
        return call("all", call("equal", *broadcast_arrays(as_array(a1), as_array(a2))))
    except ValueError:
        return call("full", (), False, "bool")


def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    """Weighted mean over axes; with returned also the sum of weights of each."""
    from libchunk._convert import as_array

    a = as_array(a)
    if weights is None:
        mean = call("mean", a, axis, keepdims=keepdims)
        if not returned:
            return mean
        return mean, call("full", mean.shape, a.size / mean.size if mean.size else 0, mean.dtype_name)
    weights = as_array(weights)
    if weights.shape != a.shape:
        if axis is None or not isinstance(axis, int) or weights.ndim != 1 or weights.shape[0] != a.shape[axis]:
            raise TypeError("weights must have the shape of a, or be one-dimensional and as long as the axis")
        weights = weights[(slice(None),) + (None,) * (a.ndim - 1 - axis % a.ndim)]
    weights = call("broadcast_to", weights, a.shape)
    mean, total = call("sum", a * weights, axis, keepdims=keepdims), call("sum", weights, axis, keepdims=keepdims)
    return (mean / total, total.astype((mean / total).dtype)) if returned else mean / total


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
                   if callable(value) and getattr(value, "__module__", None) == __name__ and name not in ("cast", "names", "size")
                   and (name not in TABLE or name in ("astype", "block", "broadcast_arrays", "concat", "concatenate", "meshgrid", "pad", "reshape", "unstack")))
