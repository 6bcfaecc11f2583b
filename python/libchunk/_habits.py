"""Operations of the table under NumPy's calling habits, where these are wider than the table's: an axis that is not told, several arrays at once."""
import functools
import math
import string

from libchunk import _core
from libchunk._array import call
from libchunk._convert import as_array
from libchunk._operations import TABLE, of_numpy


def names():
    """What the package takes from here, in place of the table's functions of these names."""
    return _NAMES


def also_numpy(function):
    """In functions that a run calls it is NumPy's, as for the functions of the table."""
    @functools.wraps(function)
    def either(*args, **kwargs):
        return (of_numpy(function.__name__) if _core.called_back() else function)(*args, **kwargs)

    return either


def running(name, x, axis, dtype, options):
    """A cumulative operation: along the axis, or over all elements in C order where none is told."""
    x = as_array(x)
    options.pop("method", None)     # Dask's
    if axis is None and x.ndim != 1:
        x, axis = call("reshape", x, -1), 0
    return TABLE[name]((x,), {"axis": axis, "dtype": dtype, **options})


@also_numpy
def cumsum(x, axis=None, dtype=None, out=None, **options):
    """Running sums along an axis; over all elements in C order where none is told.

    Parameters
    ----------
    x : array_like
    axis : int, optional
    dtype : dtype, optional

    Returns
    -------
    Array
    """
    return running("cumulative_sum", x, axis, dtype, {"out": out, **options})


@also_numpy
def cumprod(x, axis=None, dtype=None, out=None, **options):
    """Running products along an axis, as `cumsum`."""
    return running("cumulative_prod", x, axis, dtype, {"out": out, **options})


@also_numpy
def nancumsum(x, axis=None, dtype=None, out=None, **options):
    """Running sums of what is not NaN, as `cumsum`."""
    return running("nancumsum", x, axis, dtype, {"out": out, **options})


@also_numpy
def nancumprod(x, axis=None, dtype=None, out=None, **options):
    """Running products of what is not NaN, as `cumsum`."""
    return running("nancumprod", x, axis, dtype, {"out": out, **options})


@also_numpy
def gradient(x, *varargs, axis=None, edge_order=1, spacing=None):
    """Differences of neighbours divided by their distances, of second order inside; a list of arrays for several axes.

    Parameters
    ----------
    x : array_like
    *varargs : number or array_like
        Distances: one for all axes, or for each axis a number or the coordinates along it.
    axis : int or tuple of int, optional
        Default: all axes.
    edge_order : {1, 2}, optional
        Of the differences at the ends.

    Returns
    -------
    Array or list of Array
    """
    x = as_array(x)
    axes = tuple(range(x.ndim)) if axis is None else tuple(a for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    steps = list(varargs) if spacing is None else [spacing]
    if len(steps) <= 1:
        steps = (steps or [1.0]) * len(axes)
    if len(steps) != len(axes):
        raise TypeError("invalid number of arguments")
    made = [TABLE["gradient"]((x, step), {"axis": a, "edge_order": edge_order}) for a, step in zip(axes, steps)]
    return made[0] if len(axes) == 1 else made


def at_least(name, arrays):
    made = [call(name, as_array(x)) for x in arrays]
    return made[0] if len(made) == 1 else tuple(made)


@also_numpy
def atleast_1d(*arrays):
    """Arrays of at least one dimension: one, or a tuple."""
    return at_least("atleast_1d", arrays)


@also_numpy
def atleast_2d(*arrays):
    """Arrays of at least two dimensions: one, or a tuple."""
    return at_least("atleast_2d", arrays)


@also_numpy
def atleast_3d(*arrays):
    """Arrays of at least three dimensions: one, or a tuple."""
    return at_least("atleast_3d", arrays)


@also_numpy
def where(condition, x1=None, x2=None, /, **named):
    """x1 where the condition is true, else x2; the indices where it is not zero with the condition alone, as `nonzero`.

    Parameters
    ----------
    condition : array_like
    x1, x2 : array_like, optional

    Returns
    -------
    Array, or tuple of Array
    """
    if named:
        return TABLE["where"]((condition, *(x for x in (x1, x2) if x is not None)), named)
    if x1 is None and x2 is None:
        return call("nonzero", as_array(condition))
    if x1 is None or x2 is None:
        raise ValueError("either both or neither of x and y should be given")
    return TABLE["where"]((condition, x1, x2), {})


@also_numpy
def angle(x, deg=False):
    """Angles of complex numbers, in radians, or with deg in degrees."""
    made = call("angle", x)
    return made * (180 / math.pi) if deg else made


@also_numpy
def take(x, indices, axis=None, out=None, mode="raise"):
    """Elements along an axis at indices; of the array in C order where none is told.

    Parameters
    ----------
    x : array_like
    indices : array_like of int
    axis : int, optional
    mode : {"raise", "clip", "wrap"}, optional
        What indices out of range mean: an error, the first or last element, or counting round.

    Returns
    -------
    Array
    """
    if mode not in ("raise", "clip", "wrap"):
        raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got '{mode}')")
    x = as_array(x)
    if mode != "raise":
        import numpy as np

        n = x.size if axis is None else x.shape[axis]
        indices = indices if isinstance(indices, type(x)) else np.asarray(indices)
        indices = call("clip", indices, 0, n - 1) if mode == "clip" else call("remainder", indices, n)
    return call("take", x, indices, axis)


@also_numpy
def einsum(subscripts, *operands, optimize=None):
    """Sums of products in Einstein's notation.

    Parameters
    ----------
    subscripts : str
        "ij,jk->ik"; or the first operand, followed by a list of numbers for its axes, and so on, at last the result's.
    *operands : array_like
    optimize
        NumPy's, ignored: factors are multiplied as they are needed.

    Returns
    -------
    Array
    """
    if not isinstance(subscripts, str):
        given = (subscripts, *operands)
        n = len(given) // 2
        operands, lists = given[:2 * n:2], [*given[1:2 * n:2], *given[2 * n:]]
        numbers = sorted({i for index in lists for i in index if i is not Ellipsis})
        letter = dict(zip(numbers, string.ascii_uppercase + string.ascii_lowercase))
        if len(letter) < len(numbers):
            raise ValueError(f"einsum: {len(numbers)} axes; there are letters for {len(letter)}")
        terms = ["".join("..." if i is Ellipsis else letter[i] for i in index) for index in lists]
        subscripts = ",".join(terms[:n]) + "".join(f"->{t}" for t in terms[n:])
    return TABLE["einsum"]((subscripts, *operands), {})


def spaced(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """numpy.linspace between arrays."""
    import numpy as np

    wide = np.result_type(*(x if isinstance(x, (int, float, complex)) else as_array(x).dtype for x in (start, stop)), 1.0)
    start, stop = as_array(start).astype(wide), as_array(stop).astype(wide)
    parts = num - bool(endpoint)
    delta = stop - start
    step = delta / float(parts) if parts > 0 else delta * np.nan
    at = call("arange", num).astype(wide.type(0).real.dtype)[(slice(None),) + (None,) * delta.ndim]
    made = call("where", call("equal", step, 0), at / float(max(parts, 1)) * delta, at * step) if parts > 0 else at * delta
    made = made + start
    if endpoint and num > 1:
        made = call("concat", [made[:-1], call("broadcast_to", stop.astype(made.dtype), delta.shape)[None]])
    if dtype is not None and np.issubdtype(dtype, np.integer):
        made = call("floor", made)
    made = call("moveaxis", made.astype(wide if dtype is None else dtype), 0, axis)
    return (made, step) if retstep else made


@also_numpy
def coarsen(reduction, x, axes, trim_excess=False, **options):
    """A reduction of neighbouring elements.

    Parameters
    ----------
    reduction : str or callable
        "mean", or NumPy's function of such a name.
    x : array_like
    axes : dict or tuple of int
        How many elements become one: of some axes, or an entry an axis.
    trim_excess : bool, optional
        Leave out what is left at the end of an axis; else ValueError.
    correction : int, optional
        For "std" and "var".

    Returns
    -------
    Array
    """
    x = as_array(x)
    if callable(reduction):
        import numpy as np

        name = {"amax": "max", "amin": "min"}.get(reduction.__name__, reduction.__name__)
        if reduction not in (getattr(np, name, None), getattr(__import__("libchunk"), name, None)):
            raise NotImplementedError(f"coarsen with {reduction!r}: give the name of a reduction, or one of NumPy's functions")
        reduction = name
    if isinstance(axes, dict):
        for axis in axes:
            if not -x.ndim <= axis < x.ndim:
                raise ValueError(f"coarsen: axis {axis} of an array of {x.ndim} dimensions")
        named = {axis % x.ndim: n for axis, n in axes.items()}
        axes = tuple(named.get(axis, 1) for axis in range(x.ndim))
    return TABLE["coarsen"]((reduction, x, axes, trim_excess), options)


_NAMES = frozenset({"coarsen", "angle", "atleast_1d", "atleast_2d", "atleast_3d", "cumprod", "cumsum", "einsum", "gradient", "nancumprod", "nancumsum", "take", "where"})
