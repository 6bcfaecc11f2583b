"""Functions of NumPy and Dask that need whole lines of an array, or look values up in small arrays: NumPy's own, called on blocks. Each gives way to an
operation of the table of its name."""
import functools

from libchunk import _core
from libchunk._array import call
from libchunk._convert import as_array
from libchunk._operations import TABLE


def names():
    """What the package takes from here: nothing that the table has."""
    return _NAMES


def along(function, x, axis, keepdims, dtype, **kwargs):
    """A NumPy reduction that needs its axes whole; several axes are made one."""
    from libchunk._blocks import apply_gufunc

    if axis is None and as_array(x).ndim == 1:
        axis = 0
    if axis is None:
        raise NotImplementedError(f"{function.__name__} over all axes would need the whole array in memory: name an axis, or compute() it first")
    x = as_array(x)
    axes = tuple(sorted(a % x.ndim for a in (axis if isinstance(axis, (tuple, list)) else (axis,))))
    line = call("moveaxis", x, axes, tuple(range(-len(axes), 0)))
    line = call("reshape", line, (*line.shape[:x.ndim - len(axes)], -1)) if len(axes) > 1 else line

    def reduced(block):
        return function(block, axis=-1, **kwargs)

    reduced.__name__ = function.__name__
    made = apply_gufunc(reduced, "(i)->()", line, output_dtypes=dtype)
    return call("expand_dims", made, axes) if keepdims else made


def float_of(x):
    import numpy as np

    return np.result_type(as_array(x).dtype, np.float16) if as_array(x).dtype.kind == "f" else np.dtype(float)


def median(a, axis=None, keepdims=False):
    """Median along axes, whose lines must fit into memory.

    Parameters
    ----------
    a : array_like
    axis : int or tuple of int
    keepdims : bool, optional

    Returns
    -------
    Array
    """
    import numpy as np

    return along(np.median, a, axis, keepdims, float_of(a))


def nanmedian(a, axis=None, keepdims=False):
    """Median of what is not NaN: as `median`."""
    import numpy as np

    return along(np.nanmedian, a, axis, keepdims, float_of(a))


def quantiles(function, a, q, axis, keepdims, method):
    import numpy as np

    a = as_array(a)
    dtype = np.asarray(function(np.ones(1, a.dtype), q, method=method)).dtype      # NumPy's: a plain number takes a's dtype, an array keeps its own
    exact = np.asarray(q, a.dtype if type(q) in (int, float) and a.dtype.kind == "f" else None)
    if exact.ndim > 1:
        raise ValueError("q has more than one dimension")
    plain = type(q) in (int, float)
    made = [along(function, a, axis, keepdims, dtype, q=q if plain else np.array(one), method=method) for one in exact.ravel()]
    return call("stack", made) if exact.ndim else made[0]


def quantile(a, q, axis=None, method="linear", keepdims=False):
    """Quantiles along axes, whose lines must fit into memory.

    Parameters
    ----------
    a : array_like
    q : number or sequence of numbers
        From 0 to 1; a sequence makes a new first axis.
    axis : int or tuple of int
    method : str, optional
        NumPy's.
    keepdims : bool, optional

    Returns
    -------
    Array
    """
    import numpy as np

    return quantiles(np.quantile, a, q, axis, keepdims, method)


def nanquantile(a, q, axis=None, method="linear", keepdims=False):
    """Quantiles of what is not NaN: as `quantile`."""
    import numpy as np

    return quantiles(np.nanquantile, a, q, axis, keepdims, method)


def apply_along_axis(func1d, axis, arr, *args, dtype=None, shape=None, **kwargs):
    """A Python function on each line along an axis.

    Parameters
    ----------
    func1d : callable
        Called with lines, as NumPy arrays of one dimension.
    axis : int
    arr : array_like
    *args, **kwargs
        Given to func1d.
    dtype : dtype, optional
        Of what func1d gives; with shape it spares a call on a line of ones.
    shape : tuple of int, optional

    Returns
    -------
    Array
    """
    import numpy as np

    from libchunk._blocks import apply_gufunc

    x = as_array(arr)
    if dtype is None or shape is None:
        told = np.asarray(func1d(np.ones(1 if x.ndim == 0 else x.shape[axis], x.dtype), *args, **kwargs))
        dtype, shape = told.dtype if dtype is None else dtype, told.shape if shape is None else tuple(shape)
    if len(shape) > 1:
        raise NotImplementedError(f"apply_along_axis: the function gives arrays of {len(shape)} dimensions")

    def each(block):
        return np.apply_along_axis(func1d, -1, block, *args, **kwargs)

    if not shape:
        return apply_gufunc(each, "(i)->()", x, axes=[(axis,), ()], output_dtypes=dtype)
    return apply_gufunc(each, "(i)->(j)", x, axes=[(axis,), (axis,)], output_sizes={"j": shape[0]}, output_dtypes=dtype)


def apply_over_axes(func, a, axes):
    """func(a, axis) for one axis after the other, as NumPy's."""
    x = as_array(a)
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        axis %= x.ndim
        y = func(x, axis)
        x = y if y.ndim == x.ndim else call("expand_dims", y, axis)
    return x


def in_memory(x, what):
    import numpy as np

    if isinstance(x, _core.Base):
        raise NotImplementedError(f"{what} must be in memory: compute() it first")
    return np.asarray(x)


def isin(element, test_elements, /, assume_unique=False, invert=False):
    """Whether each element is one of some values.

    Parameters
    ----------
    element : array_like
    test_elements : array_like
        In memory.
    assume_unique, invert : bool, optional
        As numpy.isin.

    Returns
    -------
    Array
    """
    import numpy as np

    from libchunk._blocks import map_blocks

    values = in_memory(test_elements, "isin: test_elements")
    return map_blocks(lambda block: np.isin(block, values, assume_unique, invert), as_array(element), dtype=bool)


def digitize(x, bins, right=False):
    """The number of the bin of each element, as numpy.digitize; bins are in memory."""
    import numpy as np

    from libchunk._blocks import map_blocks

    bins = in_memory(bins, "digitize: bins")
    np.digitize(np.ones(1), bins)      # tells of bins in no order
    return map_blocks(lambda block: np.digitize(block, bins, right), as_array(x), dtype=np.intp)


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    """Where elements of x2 would be put into sorted x1, which is in memory."""
    import numpy as np

    from libchunk._blocks import map_blocks

    values = in_memory(x1, "searchsorted: the sorted array")
    values = values if sorter is None else values[np.asarray(sorter)]
    return map_blocks(lambda block: np.searchsorted(values, block, side), as_array(x2), dtype=np.intp)


def choose(a, choices):
    """From several arrays the element of that which a numbers, as numpy.choose in mode "raise" for numbers that are in range."""
    a = as_array(a)
    made = as_array(choices[-1])
    for i in range(len(choices) - 2, -1, -1):
        made = call("where", call("equal", a, i), choices[i], made)
    return made


def select(condlist, choicelist, default=0):
    """From several arrays the element of the first whose condition is true, as numpy.select."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not condlist:
        raise ValueError("select with an empty condition list is not possible")
    import numpy as np

    dtype = np.result_type(*(as_array(c).dtype for c in choicelist), default)
    made = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1]):
        made = call("where", condition, choice, made)
    return made.astype(dtype)


def bin_edges(arrays, bins, ranges):
    """The edges of each array's bins. Numbers of bins without a range have that of the values, which are read for it, once."""
    import numpy as np

    from libchunk._run import compute

    if any(isinstance(b, str) for b in bins):
        raise NotImplementedError("bins are a number or edges: numpy.histogram_bin_edges has rules for a sample in memory")
    open_ = [k for k, (b, r) in enumerate(zip(bins, ranges)) if np.ndim(b) == 0 and r is None and arrays[k].size]
    ends = dict(zip(open_, compute(*((call("min", arrays[k]), call("max", arrays[k])) for k in open_))))
    return [np.histogram_bin_edges(np.array(ends[k] if k in ends else [], a.dtype), b, r) for k, (a, b, r) in enumerate(zip(arrays, bins, ranges))]


def histogram(a, bins=10, range=None, weights=None, density=False):
    """How many elements lie in each bin.

    Parameters
    ----------
    a : array_like
    bins : int or sequence of numbers
    range : (number, number), optional
        Of a number of bins; without it the smallest and largest element, which are computed at once.
    weights : array_like, optional
        Of the shape of a.
    density : bool, optional

    Returns
    -------
    counts : Array
    edges : numpy.ndarray
    """
    import numpy as np

    from libchunk._blocks import map_blocks

    a = as_array(a)
    edges = bin_edges([a], [bins], [range])[0]
    x = call("reshape", a, -1)
    inputs = [x] if weights is None else [x, call("reshape", as_array(weights), -1)]
    dtype = np.int64 if weights is None else as_array(weights).dtype

    def counted(block, weight=None):
        return np.histogram(block, edges, weights=weight)[0][None]

    if x.size:
        counts = map_blocks(counted, *inputs, dtype=dtype, new_axis=1, chunks=((1,) * x.numblocks[0], (len(edges) - 1,))).sum(0)
    else:
        counts = call("zeros", len(edges) - 1, dtype)
    if density:
        counts = counts / (np.diff(edges) * counts.sum())
    return counts, edges


def histogramdd(sample, bins=10, range=None, normed=None, weights=None, density=None):
    """How many points lie in each box of bins.

    Parameters
    ----------
    sample : array_like of shape (points, axes), or sequence of array_like
        The points, or their coordinates along each axis.
    bins : int, or sequence with an int or a sequence of edges for each axis
    range : sequence of (number, number), optional
        Of numbers of bins, as in `histogram`.
    weights : array_like, optional
        One for each point.
    density, normed : bool, optional

    Returns
    -------
    counts : Array
    edges : list of numpy.ndarray
    """
    import numpy as np

    from libchunk._blocks import map_blocks

    if isinstance(sample, (tuple, list)):
        columns = [as_array(c) for c in sample]
    else:
        sample = as_array(sample)
        columns = list(sample.T)
    bins = [bins] * len(columns) if isinstance(bins, (int, np.integer)) else list(bins)
    ranges = [None] * len(columns) if range is None else list(range)
    if not len(bins) == len(ranges) == len(columns) or any(c.ndim != 1 or c.shape != columns[0].shape for c in columns):
        raise ValueError(f"histogramdd: {len(columns)} axes of points, {len(bins)} of bins, {len(ranges)} ranges; coordinates are of one dimension and one length")
    edges = bin_edges(columns, bins, ranges)
    shape = tuple(len(e) - 1 for e in edges)
    inputs = columns if weights is None else [*columns, as_array(weights)]
    n = len(columns)

    def counted(*blocks):
        return np.histogramdd(blocks[:n], edges, weights=blocks[n] if weights is not None else None)[0].ravel()[None]

    size = int(np.prod(shape))
    counts = map_blocks(counted, *inputs, dtype=np.float64, new_axis=1, chunks=((1,) * columns[0].numblocks[0], (size,))).sum(0).reshape(shape)
    if density or density is None and normed:
        volume = functools.reduce(np.multiply.outer, [np.diff(e) for e in edges])
        counts = counts / (volume * counts.sum())
    return counts, edges


def histogram2d(x, y, bins=10, range=None, normed=None, weights=None, density=None):
    """How many points lie in each bin of a plane: see `histogramdd`.

    Parameters
    ----------
    x, y : array_like
    bins : int, or one int or sequence of edges for each axis, or a sequence of edges for both
    range : ((number, number), (number, number)), optional
    weights : array_like, optional
    density, normed : bool, optional

    Returns
    -------
    counts : Array
    x_edges, y_edges : numpy.ndarray
    """
    both = isinstance(bins, (tuple, list)) and len(bins) == 2 or isinstance(bins, int)
    counts, edges = histogramdd((x, y), bins if both else (bins, bins), range, normed, weights, density)
    return (counts, *edges)


def bincount(x, weights=None, minlength=0):
    """How often each number occurs.

    Parameters
    ----------
    x : array_like
        Whole numbers from 0 on.
    weights : array_like, optional
    minlength : int, optional
        Extent of the result, above all numbers; without it the largest number is computed at once.

    Returns
    -------
    Array
    """
    import numpy as np

    from libchunk._blocks import map_blocks

    x = as_array(x)
    if x.ndim != 1 or minlength < 0:
        raise ValueError("object too deep for desired array" if x.ndim > 1 else "'minlength' must not be negative")
    if minlength == 0:
        minlength = int(call("max", x)) + 1 if x.size else 0
        if minlength < 1:
            if x.size:
                raise ValueError("'list' argument must have no negative elements")
            return call("zeros", 0, np.int64 if weights is None else np.float64)
    inputs = [x] if weights is None else [x, as_array(weights)]

    def counted(block, weight=None):
        found = np.bincount(block, weight, minlength)
        if len(found) > minlength:
            raise ValueError(f"bincount: {len(found) - 1} is not below minlength={minlength}")
        return found[None]

    dtype = np.int64 if weights is None else np.float64
    return map_blocks(counted, *inputs, dtype=dtype, new_axis=1, chunks=((1,) * x.numblocks[0], (minlength,))).sum(0)


_NAMES = frozenset({"median", "nanmedian", "quantile", "nanquantile", "apply_along_axis", "apply_over_axes", "isin", "digitize", "searchsorted", "choose",
                    "select", "histogram", "histogram2d", "histogramdd", "bincount"}) - (TABLE.keys() - {"apply_along_axis"})
