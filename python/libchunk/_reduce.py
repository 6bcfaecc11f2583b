"""Python functions that make less of an array, and those that make one out of indices: reduction, from_function."""
from libchunk import _blocks
from libchunk._convert import as_array, dtype_name
from libchunk._operations import TABLE

SPLIT = 8        # partial results that are combined at once, along each axis


def reduction(x, chunk, aggregate, axis=None, keepdims=False, dtype=None, split_every=None, combine=None, name=None, out=None, concatenate=True, output_size=1,
              meta=None, memory=None, executor=None):
    """A reduction by Python functions, as dask.array.reduction.

    Parameters
    ----------
    x : array_like
    chunk : callable
        chunk(block, axis=axis, keepdims=True): the partial result of a block, an array with as many axes.
    aggregate : callable
        aggregate(partials, axis=axis, keepdims=keepdims): the result from partial results that lie side by side along the axes.
    axis : int or tuple of int, optional
        Default: all axes.
    keepdims : bool, optional
    dtype : dtype, optional
        Of the result; else found out by calling the functions with arrays of one element.
    split_every : int or dict, optional
        How many partial results are combined at once, along each axis or by axis; default 8. Groups follow from the chunks alone.
    combine : callable, optional
        combine(partials, axis=axis, keepdims=True): makes one partial result of several; default: aggregate.
    output_size : int, optional
        Extent of partial results along the axes.
    memory, executor
        As for `map_blocks`.
    name, out, concatenate, meta
        Dask's: partial results are always arrays that lie side by side; out must be None.

    Returns
    -------
    Array

    Examples
    --------
    >>> def chunk(b, axis, keepdims): return (b * b).sum(axis=axis, keepdims=keepdims)
    >>> def aggregate(p, axis, keepdims): return np.sqrt(p.sum(axis=axis, keepdims=keepdims))
    >>> norm = lc.reduction(x, chunk, aggregate, axis=0, combine=np.sum)
    """
    import numpy as np

    if not concatenate or out is not None:
        raise NotImplementedError("partial results are arrays that lie side by side: concatenate=False and out= are not possible")
    x = as_array(x)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    from numpy.lib.array_utils import normalize_axis_tuple

    axes = tuple(sorted(normalize_axis_tuple(axes, x.ndim)))
    if not x.size:
        raise ValueError("a reduction of an array without elements has no blocks to start from")
    every = {a: (split_every or {}).get(a, SPLIT) if isinstance(split_every, dict) or split_every is None else int(split_every) for a in axes}
    if any(n < 2 for n in every.values()):
        raise ValueError(f"split_every is {split_every}: at least 2 partial results must be combined at once")
    one = partials_of(chunk, x.dtype_name, x.ndim, axes)
    kept = {"axis": axes, "keepdims": True}
    cut = tuple(output_size if a in axes else None for a in range(x.ndim))
    part = _blocks.map_blocks(chunk, x, dtype=one.dtype, chunks=cut, memory=memory, executor=executor, **kept).persist()
    merge = combine or aggregate
    while any(part.numblocks[a] > every[a] for a in axes):
        one = partials_of(merge, one.dtype, x.ndim, axes)
        grouped = tuple(every[a] * output_size if a in axes else part.chunksize[a] for a in range(x.ndim))
        part = _blocks.map_blocks(merge, part, dtype=one.dtype, chunks=cut, blocks=grouped, memory=memory, executor=executor, **kept).persist()
    if dtype is None:
        dtype = np.asarray(called(aggregate, one, axes, keepdims)).dtype
    whole = tuple(part.shape[a] if a in axes else part.chunksize[a] for a in range(x.ndim))

    made = _blocks.map_blocks(Last(aggregate, axes, keepdims), part, dtype=dtype_name(dtype), chunks=tuple(1 if a in axes else None for a in range(x.ndim)),
                              blocks=whole, memory=memory, executor=executor)
    return made if keepdims else TABLE["squeeze"]((made, axes), {})


class Last:
    """The last step of a reduction, with the axes kept."""

    def __init__(self, aggregate, axes, keepdims):
        self.aggregate, self.axes, self.keepdims = aggregate, axes, keepdims
        self.__name__ = self.__qualname__ = _blocks.label(aggregate)

    def __call__(self, partials):
        import numpy as np

        got = self.aggregate(partials, axis=self.axes, keepdims=self.keepdims)
        return got if self.keepdims else np.expand_dims(got, self.axes)


def called(function, values, axes, keepdims):
    import numpy as np

    with np.errstate(all="ignore"):
        return function(values, axis=axes, keepdims=keepdims)


def partials_of(function, dtype, ndim, axes):
    """What a function makes of one element, which must be an array of as many axes."""
    import numpy as np

    got = called(function, np.ones((1,) * ndim, dtype), axes, True)
    if isinstance(got, (dict, tuple, list)) or np.ndim(got) != ndim:
        what = type(got).__name__ if isinstance(got, (dict, tuple, list)) else f"{np.ndim(got)} dimensions"
        raise TypeError(f"{_blocks.label(function)} gives {what}: a partial result is an array of {ndim} dimensions (keepdims=True)")
    return np.asarray(got)


def from_function(function, shape, dtype=None, chunks="auto", memory=None, executor=None, **kwargs):
    """An array whose values a Python function makes from indices, block by block.

    Parameters
    ----------
    function : callable
        function(i, j, ...) gets the indices of a block's elements, an int64 array of the block's shape for each axis (read-only), and gives their values.
        What it raises arrives with its traceback and a note of the block.
    shape : tuple of int
    dtype : dtype, optional
        Of the values; else found out by calling the function with one index.
    chunks : int, tuple, dict or "auto", optional
        The blocks.
    memory, executor
        As for `map_blocks`.
    **kwargs
        Given to function.

    Returns
    -------
    Array

    Examples
    --------
    >>> lc.from_function(lambda i, j: np.hypot(i - 500, j - 500), shape=(1000, 1000), chunks=250)
    """
    shape = (int(shape),) if not isinstance(shape, (tuple, list)) else tuple(int(n) for n in shape)
    import numpy as np

    from libchunk._creation import cut

    if dtype is None:
        dtype = np.asarray(function(*np.zeros((len(shape),) + (1,) * len(shape), "int64"), **kwargs)).dtype
    dtype = dtype_name(dtype)
    grid = cut(TABLE["zeros"]((shape,), {"dtype": "bool"}), chunks if shape else None)
    if chunks == "auto" and shape:      # blocks of about a mebibyte of values, not of the grid's bytes
        from libchunk._creation import auto_chunks

        grid = cut(grid, auto_chunks(("auto",) * len(shape), shape, 1 << 20, dtype, None))

    if memory is None:
        room = np.dtype(dtype).itemsize * 3 + 8
        n = 1
        for extent in grid.chunksize:
            n *= max(1, extent)
        memory = room * n
    return _blocks.map_blocks(Values(function, kwargs), grid, dtype=dtype, memory=memory, executor=executor)


class Values:
    """A function of indices as one of blocks."""

    def __init__(self, function, kwargs):
        self.function, self.kwargs = function, kwargs
        self.__name__ = self.__qualname__ = _blocks.label(function)

    def __call__(self, block, block_info=None):
        import numpy as np

        places = block_info[None]["array-location"]
        extent = tuple(hi - lo for lo, hi in places)
        indices = [np.broadcast_to(np.arange(lo, hi).reshape((-1,) + (1,) * (len(places) - 1 - a)), extent) for a, (lo, hi) in enumerate(places)]
        made = np.asarray(self.function(*indices, **self.kwargs))
        return made if made.shape == extent else np.broadcast_to(made, extent)
