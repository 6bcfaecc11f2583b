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


def stack(arrays, /, *, axis=0):
    """Arrays of one shape along a new axis."""
    arrays = [call("expand_dims", x, axis) for x in arrays]
    return call("concat", arrays, axis)


def broadcast_arrays(*arrays):
    """Arrays repeated to the shape that they have together."""
    import numpy as np

    from libchunk._convert import as_array

    arrays = [as_array(x) for x in arrays]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(call("broadcast_to", x, shape) for x in arrays)


def meshgrid(*arrays, indexing="xy"):
    """Coordinate arrays of a grid."""
    from libchunk._convert import as_array

    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    arrays = [as_array(x) for x in arrays]
    n = len(arrays)
    spread = [x[(None,) * i + (...,) + (None,) * (n - 1 - i)] if x.ndim else x[(None,) * n] for i, x in enumerate(arrays)]
    out = broadcast_arrays(*spread)
    return tuple(call("swapaxes", x, 0, 1) for x in out) if indexing == "xy" and n > 1 else out


def unstack(x, /, *, axis=0):
    """The sub-arrays along an axis, a tuple."""
    x = call("moveaxis", x, axis, 0)
    return tuple(x[i] for i in range(x.shape[0]))


def nonzero(x, /):
    """The indices of the elements that are not zero, one array an axis."""
    rows = call("argwhere", x)
    return tuple(rows[:, i] for i in range(rows.shape[1]))


def triangle(x, k, upper):
    rows, columns = x.shape[-2:]
    i, j = call("arange", rows)[:, None], call("arange", columns)
    keep = j >= i + k if upper else j <= i + k
    return call("where", keep, x, call("zeros", (), x.dtype_name))


def tril(x, /, *, k=0):
    """The lower triangle of the last two axes, zeros above the k-th diagonal."""
    return triangle(x, k, False)


def triu(x, /, *, k=0):
    """The upper triangle of the last two axes, zeros below the k-th diagonal."""
    return triangle(x, k, True)


def vecdot(x1, x2, /, *, axis=-1):
    """Sums of products along an axis, the first factor conjugated."""
    return call("sum", call("multiply", call("conj", x1), x2), axis)


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
                   if callable(value) and getattr(value, "__module__", None) == __name__ and name not in ("names", "triangle")
                   and (name not in TABLE or name == "astype"))
