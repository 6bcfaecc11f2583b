"""The array: an expression over stored data, with NumPy's behaviour. Nothing is read before it is computed."""
from libchunk import _core, _index, _run
from libchunk._operations import TABLE

ARRAY = _core.PARAM_ARRAY

# Methods that are operations of the table under NumPy's names for them: each is there when its operation is.
METHODS = frozenset("""abs all any argmax argmin astype clip conj conjugate cumulative_prod cumulative_sum diagonal dot flatten max
mean min nonzero prod ptp ravel repeat round squeeze std sum swapaxes topk argtopk trace var""".split())

# Methods that are functions of the package.
FUNCTIONS = frozenset({"argtopk", "choose", "cumprod", "cumsum", "moment", "searchsorted", "take", "topk", "to_zarr"})


class Array(_core.Base):
    """A lazy array.

    Made by `from_hdf5`, `from_array`, creation functions and operations; never by its class. Operators, indexing and methods make new arrays;
    `compute`, `to_hdf5` and `store` run them. `x[k] = v` makes x another expression; others that hold the old one keep it.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    ndim : int
    size : int
        Number of elements.
    nbytes : int
    itemsize : int
    chunks : tuple of tuple of int
        Extents of the chunks along each axis.
    """

    __slots__ = ()
    __array_priority__ = 1000
    __hash__ = None

    # ---- what it is

    @property
    def dtype(self):
        """The NumPy dtype."""
        import numpy as np

        return np.dtype(self.dtype_name)

    @property
    def chunks(self):
        """Extents of the chunks along each axis."""
        out = []
        for axis in range(self.ndim):
            bounds = self._bounds(axis)
            out.append(tuple([b - a for a, b in zip(bounds, bounds[1:])]))
        return tuple(out)

    @property
    def chunksize(self):
        """The largest extent of a chunk along each axis."""
        return tuple(max(c, default=0) for c in self.chunks)

    @property
    def numblocks(self):
        """Number of chunks along each axis."""
        return tuple(max(1, self._n_chunks(axis)) for axis in range(self.ndim))

    @property
    def npartitions(self):
        """Number of chunks."""
        n = 1
        for along in self.numblocks:
            n *= along
        return n

    @property
    def blocks(self):
        """The array of chunks that their numbers tell, as in `x.blocks[0, 2:4]`."""
        from libchunk._parts import Blocks

        return Blocks(self)

    @property
    def partitions(self):
        """As `blocks`."""
        return self.blocks

    @property
    def vindex(self):
        """Points that arrays tell together, as in `x.vindex[[1, 2], :, [0, 3]]`; their axes come first."""
        from libchunk._parts import Points

        return Points(self)

    @property
    def device(self):
        """"cpu", as the array API has it."""
        return "cpu"

    def to_device(self, device, /, *, stream=None):
        """The array itself: there is but the "cpu"."""
        if device != "cpu":
            raise ValueError(f"there is no device {device!r}")
        return self

    @property
    def T(self):
        """The axes in reverse order."""
        return call("permute_dims", self)

    @property
    def mT(self):
        """The last two axes exchanged."""
        return call("matrix_transpose", self)

    @property
    def real(self):
        """Real part."""
        return call("real", self) if self.dtype_name.startswith("complex") else self

    @property
    def imag(self):
        """Imaginary part."""
        return call("imag", self) if self.dtype_name.startswith("complex") else call("zeros_like", self)

    def __repr__(self):
        chunks = f", chunks={self.chunksize}" if self.ndim else ""
        return f"libchunk.Array(shape={self.shape}, dtype={self.dtype_name}{chunks})"

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    # ---- running

    def compute(self, out=None):
        """The values.

        Parameters
        ----------
        out : numpy.ndarray, optional
            The array that takes them, of the same shape and dtype. The caller's own array does not count under the ceiling.

        Returns
        -------
        numpy.ndarray
            `out` where it is given; a NumPy scalar for arrays without axes.

        Raises
        ------
        CeilingError
            The plan and its result do not fit under the ceiling.
        """
        return _run.compute_one(self, out)

    def to_hdf5(self, path, dataset, chunks=None, filter=None, overwrite=False, durable=False, region=None):
        """Computes into a dataset of an HDF5 file, which appears whole or not at all; or, with `region`, into a part of one that exists.

        Parameters
        ----------
        path : str or path-like
        dataset : str
            Its name; groups on the way are made.
        chunks : tuple of int, optional
            The chunk shape; default: the array's own chunks, or about 1 MiB.
        filter : str, optional
            "gzip=4,shuffle", "lz4", "zstd=3", "none".
        overwrite : bool, optional
            Replace a dataset that exists.
        durable : bool, optional
            Wait for the disk before the file becomes visible.
        region : int, slice, Ellipsis or tuple of them, optional
            The part of a dataset that exists which gets new values where they lie; `...` is all of it. The array is broadcast to it and cast to the dataset's
            dtype, and may be computed from the dataset. There is no way back: a run that fails or is canceled leaves some elements new and others old.
        """
        _run.to_hdf5(self, path, dataset, chunks, filter, overwrite, durable, region)

    def store(self, target, **options):
        """Computes into a target: see `libchunk.store`."""
        _run.store(self, target, **options)

    def compute_chunk_sizes(self):
        """The array itself: extents of chunks are always known."""
        return self

    def __await__(self):
        """`await x` is x.compute() in another thread; canceling the task cancels the run."""
        from libchunk import _stream

        return _stream.awaited(self).__await__()

    def persist(self):
        """The same array, computed once in a run and kept for all its uses there: in memory while it fits, else in scratch."""
        return _core.persist(self)

    def explain(self, format="text"):
        """The plan: passes, bytes, and the peak of memory; nothing is read.

        Parameters
        ----------
        format : {"text", "json"}, optional
            Text to read, or a dict.
        """
        return _run.explain(self, format=format)

    def visualize(self, filename=None, format=None):
        """Draws the expression as a graph of its operations: see `libchunk.visualize`."""
        from libchunk import _graph

        return _graph.visualize(self, filename=filename, format=format)

    def item(self, *args):
        """The only element, or the one at an index, as a Python number."""
        if len(args) == 1 and isinstance(args[0], tuple):
            args = args[0]
        if len(args) == 1 and self.ndim != 1:
            n = self.size
            if not -n <= args[0] < n:
                raise IndexError(f"index {args[0]} is out of bounds for size {n}")
            args, at = [], args[0] % n
            for extent in reversed(self.shape):
                at, i = divmod(at, extent)
                args.insert(0, i)
            args = tuple(args)
        x = self[args] if args else self
        if x.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return _run.compute_one(x).item()

    def tolist(self):
        """The values as nested lists of Python numbers."""
        return self.__array__().tolist()

    def copy(self):
        """The same expression in a new handle: assignments to it leave this one alone."""
        return _core.again(self)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def _scalar(self, what):
        if self.ndim:
            raise TypeError(f"only 0-dimensional arrays can be converted to {what}")
        return _run.compute_one(self)

    def __bool__(self):
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
                             if self.size else "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not empty.")
        return bool(self.item())

    def __int__(self):
        if self.dtype_name.startswith("complex"):
            raise TypeError("a complex number is no int: take .real")
        return int(self._scalar("an int"))

    def __float__(self):
        if self.dtype_name.startswith("complex"):
            raise TypeError("a complex number is no float: take .real")
        return float(self._scalar("a float"))

    def __complex__(self):
        return complex(self._scalar("a complex number"))

    def __index__(self):
        if self.ndim or "int" not in self.dtype_name:
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(_run.compute_one(self))

    def __format__(self, spec):
        return format(_run.compute_one(self).item(), spec) if spec and not self.ndim else object.__format__(self, spec)

    def __contains__(self, value):
        return bool((self == value).any())

    # ---- making others

    def __getitem__(self, key):
        return _index.get(self, key)

    def __setitem__(self, key, value):
        self._rebind(_index.assigned(self, key, value))

    def astype(self, dtype, copy=True, device=None, casting="unsafe", **ignored):
        """With another dtype.

        Parameters
        ----------
        dtype : dtype
        casting : str, optional
            NumPy's rule: TypeError where it forbids the cast.
        """
        if casting != "unsafe":
            from libchunk._more import cast

            return cast(self, dtype, casting)
        return call("astype", self, dtype)

    def transpose(self, *axes):
        """The axes in another order; without arguments reversed."""
        if not axes or axes == (None,):
            return self.T
        return call("permute_dims", self, tuple(axes[0]) if len(axes) == 1 and not isinstance(axes[0], int) else axes)

    def reshape(self, *shape, **kwargs):
        """With another shape of as many elements, in C order."""
        return call("reshape", self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def compress(self, condition, axis=None):
        """The slices along an axis where a condition holds: see `libchunk.compress`."""
        return call("compress", condition, self, axis)

    def nonzero(self):
        """The indices of the elements that are not zero, one array an axis."""
        return call("nonzero", self)

    def rechunk(self, chunks="auto", **options):
        """The same values in other chunks: see `libchunk.rechunk`."""
        from libchunk import _creation

        return _creation.rechunk(self, chunks, **options)

    def map_blocks(self, func, *args, **kwargs):
        """A Python function on each block: see `libchunk.map_blocks`."""
        from libchunk import _blocks

        return _blocks.map_blocks(func, self, *args, **kwargs)

    def map_overlap(self, func, depth=None, **kwargs):
        """A Python function on each block and what lies around it: see `libchunk.map_overlap`."""
        from libchunk import _blocks

        return _blocks.map_overlap(func, self, depth=depth, **kwargs)

    def __divmod__(self, other):
        return self // other, self % other

    def __rdivmod__(self, other):
        return other // self, other % self

    def __getattr__(self, name):
        if name in METHODS and name in TABLE:
            op = TABLE[name]

            def method(*args, **kwargs):
                return op((self, *args), kwargs)

            method.__name__, method.__doc__ = name, op.docstring()
            return method
        if name in FUNCTIONS:
            import functools

            import libchunk

            return functools.partial(getattr(libchunk, name), self)
        raise AttributeError(f"'Array' has no attribute '{name}'")

    def __dir__(self):
        return sorted({*object.__dir__(self), *(m for m in METHODS if m in TABLE), *FUNCTIONS})

    def __reduce__(self):
        import pickle

        try:
            text, memory = _core.to_json_memory(self)
        except NotImplementedError as e:
            raise pickle.PicklingError(f"{e}: only expressions over files and over arrays in memory can be pickled") from None
        return (restored, (text, list(_run.compute(*memory)))) if memory else (from_json, (text,))

    # ---- protocols

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("a lazy array has no memory to share: it must be computed, which makes a copy")
        import numpy as np

        values = np.asarray(_run.compute_one(self))
        return values if dtype is None else values.astype(dtype, copy=False)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from libchunk import _numpy

        return _numpy.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        from libchunk import _numpy

        return _numpy.function(func, types, args, kwargs)

    def __array_namespace__(self, *, api_version=None):
        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
            raise ValueError(f"libchunk follows the array API of 2024.12, not of {api_version}")
        import libchunk

        return libchunk

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if dl_device not in (None, (1, 0)):
            raise BufferError(f"arrays lie in main memory, not on device {dl_device}")
        return self.__array__().__dlpack__(max_version=max_version)

    def __dlpack_device__(self):
        return (1, 0)

    @property
    def A(self):
        """The values: `compute()`."""
        return self.compute()

    def _repr_html_(self):
        from libchunk import _html

        return _html.array(self)


def call(name, *args, **kwargs):
    if name not in TABLE:
        raise NotImplementedError(f"libchunk: this version has no operation '{name}'")
    return TABLE[name](args, kwargs)


def from_json(text):
    """The array of a JSON form, as pickle and `chunk eval --json` use it."""
    return _core.from_json(text, [])


def restored(text, values):
    """The array of a JSON form and the values of the arrays in memory that it names."""
    import numpy as np

    return _core.from_json(text, [_core.from_buffer(np.asarray(v), v.dtype.name) for v in values])


def binary(name, reflected):
    def forward(self, other):
        try:
            return _core.call(name, [(None, ARRAY, self), (None, ARRAY, other)])
        except TypeError:
            if takes_over(other):
                return NotImplemented
            if name in ("equal", "not_equal") and (other is None or isinstance(other, (str, bytes))):
                return call("full", self.shape, name == "not_equal", "bool")     # as NumPy's: no number equals it
            raise

    def backward(self, other):
        return _core.call(name, [(None, ARRAY, other), (None, ARRAY, self)])

    return backward if reflected else forward


def takes_over(other):
    """Objects that have operators of their own for arrays (xarray's, say)."""
    return not isinstance(other, (_core.Base, int, float, complex, list, tuple)) and getattr(other, "__array_ufunc__", 0) is None


def in_place(name, sign):
    """x += y: NumPy's dtype and shape, those of x, or its error; but x without axes is like one of NumPy's scalars, which become what the operator gives."""
    forward = binary(name, False)

    def rebound(self, other):
        made = forward(self, other)
        if made is NotImplemented or not self.ndim or made.dtype_name == self.dtype_name and made.shape == self.shape:
            return made
        import numpy as np

        if made.shape != self.shape:
            raise ValueError(f"non-broadcastable output operand with shape {self.shape} doesn't match the broadcast shape {made.shape}")
        if not np.can_cast(made.dtype, self.dtype, "same_kind"):
            raise TypeError(f"x {sign}= y: cannot cast from {made.dtype_name} to x's {self.dtype_name}: write x = x {sign} y")
        return call("astype", made, self.dtype_name)

    return rebound


def unary(name):
    return lambda self: _core.call(name, [(None, ARRAY, self)])


SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "and": "&", "or": "|", "xor": "^", "lshift": "<<",
         "rshift": ">>", "matmul": "@"}
OPERATORS = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide", "mod": "remainder", "pow": "pow",
             "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
             "matmul": "matmul"}
for _short, _name in OPERATORS.items():
    if _name in TABLE:
        setattr(Array, f"__{_short}__", binary(_name, False))
        setattr(Array, f"__r{_short}__", binary(_name, True))
        setattr(Array, f"__i{_short}__", in_place(_name, SIGNS[_short]))
for _short, _name in {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}.items():
    setattr(Array, f"__{_short}__", binary(_name, False))
for _short, _name in {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}.items():
    setattr(Array, f"__{_short}__", unary(_name))
del _short, _name
