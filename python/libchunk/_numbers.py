"""Functions of NumPy and Dask that are a few operations of the table, or a ufunc of NumPy's on blocks. Each gives way to an operation of its name."""
from libchunk._array import Array, call
from libchunk._convert import as_array
from libchunk._operations import TABLE


def names():
    """What the package takes from here: nothing that the table has."""
    return _NAMES


def blocks(name, x, *others, dtype, **options):
    """NumPy's function on blocks."""
    import numpy as np

    from libchunk._blocks import map_blocks

    function = getattr(np, name)

    def on_block(*tiles):
        return function(*tiles, **options)

    on_block.__name__ = name
    x = as_array(x)
    return map_blocks(on_block, x, *others, dtype=dtype) if x.ndim else map_blocks(on_block, call("reshape", x, (1,)), *others, dtype=dtype)[0]


def float_type(*arrays):
    """The dtype of NumPy's float ufuncs for arrays."""
    import numpy as np

    return np.true_divide(*(np.ones(1, as_array(a).dtype) for a in (*arrays, *arrays)[:2])).dtype


def ufunc_type(name, *arrays):
    """The dtype of the first result of a ufunc of NumPy's."""
    import numpy as np

    made = getattr(np, name)(*(np.ones(1, as_array(a).dtype) for a in arrays))
    return (made[0] if isinstance(made, tuple) else made).dtype


def divmod(x1, x2, /):
    """Quotients rounded down, and remainders: two arrays."""
    return call("floor_divide", x1, x2), call("remainder", x1, x2)


def modf(x, /):
    """Fractions and whole parts, both with the sign of x: two arrays."""
    x = as_array(x).astype(ufunc_type("modf", x))
    whole = call("trunc", x)
    return call("copysign", call("where", call("isinf", x), 0.0, x - whole), x).astype(x.dtype), whole


def frexp(x, /):
    """Mantissas and exponents of two: two arrays."""
    import numpy as np

    from libchunk._blocks import map_blocks

    x = as_array(x).astype(ufunc_type("modf", x))
    return (map_blocks(lambda t: np.frexp(t)[0], x, dtype=x.dtype), map_blocks(lambda t: np.frexp(t)[1], x, dtype=np.int32))


def ldexp(x1, x2, /):
    """x1 times two to the x2."""
    x1, x2 = broadcast(x1, x2)
    return blocks("ldexp", x1, x2, dtype=ufunc_type("ldexp", x1, x2))


def broadcast(x1, x2):
    import numpy as np

    x1, x2 = as_array(x1), as_array(x2)
    shape = np.broadcast_shapes(x1.shape, x2.shape)
    return call("broadcast_to", x1, shape), call("broadcast_to", x2, shape)


def logaddexp2(x1, x2, /):
    """log2(2**x1 + 2**x2) without overflow."""
    x1, x2 = broadcast(x1, x2)
    return blocks("logaddexp2", x1, x2, dtype=ufunc_type("logaddexp2", x1, x2))


def float_power(x1, x2, /):
    """x1 to the power x2 in float64, or complex128."""
    x1, x2 = (as_array(x) for x in (x1, x2))
    return call("pow", *(x.astype("complex128" if x.dtype.kind == "c" else "float64") for x in (x1, x2)))


def i0(x):
    """The modified Bessel function of order 0."""
    return blocks("i0", x, dtype=float_type(x))


def sinc(x):
    """sin(pi x) / (pi x), 1 for 0."""
    return blocks("sinc", x, dtype=float_type(x))


def spacing(x, /):
    """The distance to the next number."""
    return blocks("spacing", x, dtype=ufunc_type("spacing", x))


def isreal(x):
    """Where the imaginary part is 0."""
    x = as_array(x)
    return call("equal", x.imag, 0)


def iscomplex(x):
    """Where the imaginary part is not 0."""
    x = as_array(x)
    return call("not_equal", x.imag, 0)


def isnull(values):
    """Where it is NaN, as pandas.isnull."""
    values = as_array(values)
    return call("isnan", values) if values.dtype.kind in "fc" else call("zeros_like", values, dtype="bool")


def notnull(values):
    """Where it is not NaN, as pandas.notnull."""
    return call("logical_not", isnull(values))


def ediff1d(ary, to_end=None, to_begin=None):
    """Differences of elements in C order, with what is put before and behind them."""
    made = call("diff", call("reshape", as_array(ary), -1))
    parts = [call("reshape", as_array(p), -1) for p in (to_begin, made, to_end) if p is not None]
    return call("concat", parts) if len(parts) > 1 else made


def flatnonzero(a):
    """Indices in C order of the elements that are not zero."""
    return call("argwhere", call("reshape", as_array(a), -1))[:, 0]


def cov(m, y=None, rowvar=True, bias=False, ddof=None, *, fweights=None, aweights=None):
    """Covariances of variables, the rows of m.

    Parameters
    ----------
    m, y : array_like
        At most two dimensions; y's variables are added.
    rowvar : bool, optional
        Whether variables are rows; else columns.
    bias : bool, optional
    ddof : int, optional
    fweights, aweights : array_like, optional
        How often each observation counts, and how much; in memory.

    Returns
    -------
    Array
    """
    x = as_matrix(m, rowvar)
    if y is not None:
        x = call("concat", [x, as_matrix(y, rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    x = x.astype(float_type(x))
    if fweights is not None or aweights is not None:
        w, factor = observation_weights(fweights, aweights, x.shape[1], ddof)
        w = w.astype(x.real.dtype)
        x = x - call("sum", x * w, 1, keepdims=True) / w.sum()
        made = call("matmul", x * w, call("conj", x).T) if x.shape[0] > 1 else call("sum", x * w * call("conj", x))
        return made / float(factor)
    x = x - call("mean", x, 1, keepdims=True)
    return call("matmul", x, call("conj", x).T) / float(x.shape[1] - ddof) if x.shape[0] > 1 else call("sum", x * call("conj", x)) / float(x.shape[1] - ddof)


def observation_weights(fweights, aweights, n, ddof):
    """numpy.cov's weights of observations in memory, checked as NumPy does, and the divisor."""
    import numpy as np

    both = []
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        weights = np.ones(n) if weights is None else np.asarray(weights, float)
        if weights.ndim > 1:
            raise RuntimeError(f"cannot handle multidimensional {name}")
        if weights.shape != (n,):
            raise RuntimeError(f"incompatible numbers of samples and {name}")
        if (weights < 0).any():
            raise ValueError(f"{name} cannot be negative")
        both.append(weights)
    if (both[0] != np.around(both[0])).any():
        raise TypeError("fweights must be integer")
    w = both[0] * both[1]
    if not w.sum():
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    return w, max(0.0, w.sum() - (ddof if aweights is None else ddof * (w * both[1]).sum() / w.sum()))


def as_matrix(m, rowvar):
    m = as_array(m)
    if m.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    m = m[None] if m.ndim < 2 else m
    return m if rowvar or m.shape[0] == 1 else m.T


def corrcoef(x, y=None, rowvar=True):
    """Correlations of variables, the rows of x, and y's."""
    c = cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    d = call("sqrt", call("diagonal", c).real)
    c = c / d[:, None] / d
    return c if c.dtype.kind == "c" else call("clip", c, -1, 1)


def percentile(a, q, axis=None, method="linear", keepdims=False):
    """Percentiles along axes, whose lines must fit into memory: `quantile` of q / 100."""
    import numpy as np

    from libchunk._axis import quantile

    return quantile(a, q / 100 if type(q) in (int, float) else np.true_divide(q, 100), axis, method, keepdims)


def nanpercentile(a, q, axis=None, method="linear", keepdims=False):
    """Percentiles of what is not NaN: `nanquantile` of q / 100."""
    import numpy as np

    from libchunk._axis import nanquantile

    return nanquantile(a, q / 100 if type(q) in (int, float) else np.true_divide(q, 100), axis, method, keepdims)


def push(array, n, axis):
    """The last value along an axis in place of NaN, at most n in a row: `ffill`."""
    return call("ffill", array, axis, limit=n)


def topk(a, k, axis=-1):
    """The k largest elements along an axis, largest first; the smallest for k below 0, smallest first. Lines must fit into memory.

    Parameters
    ----------
    a : array_like
    k : int
    axis : int, optional

    Returns
    -------
    Array
    """
    return kept(a, k, axis, "sort")


def argtopk(a, k, axis=-1):
    """Where the k largest elements along an axis are, or the smallest: as `topk`."""
    return kept(a, k, axis, "argsort")


def kept(a, k, axis, name):
    import numpy as np

    from libchunk._blocks import apply_gufunc

    a = as_array(a)
    function = getattr(np, name)

    def line(block):
        ordered = function(block, -1)
        return ordered[..., ::-1][..., :k] if k > 0 else ordered[..., :-k]

    n = min(abs(k), a.shape[axis])
    return apply_gufunc(line, "(i)->(j)", a, axes=[(axis,), (axis,)], output_sizes={"j": n}, output_dtypes=a.dtype if name == "sort" else np.int64)


def unravel_index(indices, shape, order="C"):
    """Indices of each axis for indices in C or Fortran order: a tuple of arrays."""
    rest, made = as_array(indices).astype("int64"), []
    for n in reversed(shape) if order == "C" else shape:
        rest, at = call("floor_divide", rest, n), call("remainder", rest, n)
        made.append(at)
    return tuple(made[::-1] if order == "C" else made)


def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    """Indices in C or Fortran order for indices of each axis, which are in range with mode "raise"."""
    made, step = 0, 1
    for at, n in (reversed if order == "C" else iter)(list(zip(multi_index, dims))):
        at = as_array(at)
        at = call("clip", at, 0, n - 1) if mode == "clip" else call("remainder", at, n) if mode == "wrap" else at
        made, step = at * step + made, step * n
    return made


def triangle(name, n, k, m):
    import numpy as np

    return tuple(as_array(i) for i in getattr(np, name)(n, k, m))


def tril_indices(n, k=0, m=None):
    """Indices of the lower triangle of a matrix: two arrays, made in memory."""
    return triangle("tril_indices", n, k, m)


def triu_indices(n, k=0, m=None):
    """Indices of the upper triangle of a matrix: two arrays, made in memory."""
    return triangle("triu_indices", n, k, m)


def tril_indices_from(arr, k=0):
    """`tril_indices` for the shape of an array."""
    return tril_indices(arr.shape[-2], k, arr.shape[-1])


def triu_indices_from(arr, k=0):
    """`triu_indices` for the shape of an array."""
    return triu_indices(arr.shape[-2], k, arr.shape[-1])


def indices(dimensions, dtype="int64", chunks="auto"):
    """Arrays of the index along each axis of a grid, in one array."""
    n = len(dimensions)
    each = [call("broadcast_to", call("arange", k, dtype=dtype)[(None,) * i + (slice(None),) + (None,) * (n - 1 - i)], tuple(dimensions))
            for i, k in enumerate(dimensions)]
    if not each:
        return call("zeros", (0,), dtype=dtype)
    made = call("stack", each)
    return made if isinstance(chunks, str) and chunks == "auto" else made.rechunk((1, *(chunks if isinstance(chunks, (tuple, list)) else (chunks,) * n)))


def piecewise(x, condlist, funclist, *args, **kw):
    """Functions of blocks, or numbers, each where its condition is true, as numpy.piecewise: conditions are arrays of x's shape."""
    from libchunk._blocks import map_blocks

    x = as_array(x)
    conditions = [as_array(c) for c in (condlist if isinstance(condlist, (tuple, list)) else [condlist])]
    functions = list(funclist)
    made = call("zeros_like", x)
    if len(functions) == len(conditions) + 1:
        functions, conditions = [functions[-1], *functions[:-1]], [call("full_like", x, True, dtype="bool"), *conditions]
    if len(functions) != len(conditions):
        raise ValueError(f"with {len(conditions)} condition(s), either {len(conditions)} or {len(conditions) + 1} functions are expected")
    for condition, f in zip(conditions, functions):
        value = map_blocks(lambda t, f=f: f(t, *args, **kw), x, dtype=x.dtype) if callable(f) else f
        made = call("where", condition, value, made)
    return made.astype(x.dtype)


def unify_chunks(*args, **kwargs):
    """Arrays and names of their axes in turn: the extents of each name, and the arrays in these chunks."""
    extents, arrays = {}, []
    for x, index in zip(args[::2], args[1::2]):
        for name, chunks in zip(index or (), getattr(x, "chunks", ())):
            if len(chunks) > len(extents.get(name, ())):
                extents[name] = chunks
    for x, index in zip(args[::2], args[1::2]):
        arrays.append(x.rechunk(tuple(extents[name] if n > 1 else (1,) for name, n in zip(index, x.shape))) if isinstance(x, Array) and x.ndim else x)
    return extents, arrays


def from_zarr(url, component=None, **kwargs):
    """An array of zarr, or a path to one: read through zarr, in its chunks."""
    import zarr

    from libchunk._creation import from_array

    return from_array(url if hasattr(url, "__getitem__") and not isinstance(url, str) else zarr.open_array(url, path=component, mode="r", **kwargs))


def to_zarr(arr, url, component=None, overwrite=False, **kwargs):
    """An array into one of zarr, block after block.

    Parameters
    ----------
    arr : Array
    url : str or zarr.Array
        A path, where an array in chunks of arr's is made; or the array that takes the values.
    component : str, optional
        Its name in the path.
    overwrite : bool, optional
    **kwargs
        Given to zarr.create_array.
    """
    from libchunk._run import store

    if isinstance(url, str):
        import zarr

        url = zarr.create_array(url, name=component, shape=arr.shape, chunks=arr.chunksize or "auto", dtype=arr.dtype, overwrite=overwrite, **kwargs)
    store(arr, url)


def moment(a, order, axis=None, dtype=None, keepdims=False, ddof=0):
    """A moment about the mean: mean of (a - mean)**order, with ddof less than the number of elements as divisor."""
    a = as_array(a)
    a = a.astype(float_type(a) if dtype is None else dtype)
    axes = tuple(range(a.ndim)) if axis is None else tuple(k % a.ndim for k in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    n = 1
    for k in axes:
        n *= a.shape[k]
    off = a - call("mean", a, axes, keepdims=True)
    return call("sum", off**order, axes, keepdims=keepdims) / float(n - ddof)


def fromfunction(function, chunks="auto", shape=None, dtype="float64", **kwargs):
    """What a function gives for arrays of the indices of a grid, block by block, as numpy.fromfunction.

    Parameters
    ----------
    function : callable
        Called with an array for each axis.
    chunks : int, tuple or "auto", optional
    shape : tuple of int
    dtype : dtype, optional
        Of the indices and the result.
    **kwargs
        Given to function.

    Returns
    -------
    Array
    """
    import numpy as np

    from libchunk._blocks import map_blocks
    from libchunk._creation import __getattr__ as created

    grid = created("zeros")(tuple(shape), dtype="uint8", chunks=None if isinstance(chunks, str) else chunks)

    def on_block(tile, block_info):
        lows = [lo for lo, _ in block_info[None]["array-location"]]
        at = np.indices(tile.shape, dtype=dtype)
        return function(*(i + np.asarray(lo, dtype) for i, lo in zip(at, lows)), **kwargs)

    on_block.__name__ = getattr(function, "__name__", "function")
    return map_blocks(on_block, grid, dtype=dtype)


def atop(func, out_ind, *args, **kwargs):
    """As `blockwise`, Dask's older name."""
    from libchunk._blocks import blockwise

    return blockwise(func, out_ind, *args, **kwargs)


class gufunc:
    """A Python function of small arrays with its signature, to be called on large ones: see `apply_gufunc`.

    Parameters
    ----------
    pyfunc : callable
    signature : str
        "(i,j),(j)->(i)".
    **options
        Of `apply_gufunc`: vectorize, axes, axis, keepdims, output_sizes, output_dtypes, memory.
    """

    def __init__(self, pyfunc, *, signature, **options):
        self.pyfunc, self.signature, self.options = pyfunc, signature, options
        self.__doc__ = pyfunc.__doc__

    def __call__(self, *args, **kwargs):
        from libchunk._blocks import apply_gufunc

        return apply_gufunc(self.pyfunc, self.signature, *args, **{**self.options, **kwargs})


def as_gufunc(signature, **options):
    """A decorator that makes a `gufunc` of a function."""
    return lambda pyfunc: gufunc(pyfunc, signature=signature, **options)


def to_hdf5(filename, *args, chunks=None, **kwargs):
    """Arrays into datasets of a file: to_hdf5(path, "/x", x), or to_hdf5(path, {"/x": x, "/y": y}), in one run.

    Parameters
    ----------
    filename : str or path-like
    *args : (str, Array) or dict
    chunks : tuple of int, optional
    """
    from libchunk._run import store

    pairs = list(args[0].items()) if len(args) == 1 else [tuple(args)]
    store([x for _, x in pairs], [(filename, name, chunks, kwargs.get("filter")) for name, _ in pairs])


_NAMES = frozenset({"divmod", "modf", "frexp", "ldexp", "logaddexp2", "float_power", "i0", "sinc", "spacing", "isreal", "iscomplex", "isnull", "notnull", "ediff1d",
                    "flatnonzero", "cov", "corrcoef", "percentile", "nanpercentile", "push", "topk", "argtopk", "unravel_index", "ravel_multi_index", "tril_indices",
                    "triu_indices", "tril_indices_from", "triu_indices_from", "indices", "piecewise", "to_zarr", "moment", "fromfunction", "atop", "gufunc", "as_gufunc", "unify_chunks", "from_zarr", "to_hdf5"}) - TABLE.keys()
