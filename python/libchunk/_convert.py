"""What the bindings call: other objects become arrays, dtypes become names, failures become exceptions."""
import errno
import os
import sys

from libchunk import _core


class CeilingError(MemoryError):
    """The plan, or its result, needs more memory than the ceiling.

    Attributes
    ----------
    needed : int
        The smallest ceiling in bytes that would do.
    """

    def __init__(self, message, needed=0):
        super().__init__(message)
        self.needed = needed

    def __reduce__(self):
        return type(self), (str(self), self.needed)


class CanceledError(RuntimeError):
    """A run was canceled by another thread."""


def size_text(n_bytes):
    """1536 -> "1.5 KiB", rounded up in the last place."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if n_bytes < 1024 or unit == "TiB":
            return f"{n_bytes:.4g} {unit}"
        n_bytes /= 1024


def ceiling_error(text, needed):
    """The error that says the way out."""
    ways = "write the result to a file with .to_hdf5(path, dataset), or into an array of your own with compute(out=...)"
    if needed:
        text += f"; the smallest ceiling that works is {-(-needed // 1024)}KiB ({size_text(needed)}): lc.options(memory=...)"
    return CeilingError(f"{text}; or {ways}", needed)


def error(code, text, needed, op):
    """The exception for a chunk_error; op names the operation that was called."""
    if code == -12:
        return ceiling_error(text, needed)
    if code == -6:
        if op in ("slice", "index", "assign", "put", "take", None):
            return IndexError(text)
        from numpy.exceptions import AxisError

        return AxisError(text)
    if code == -9:
        return OSError(errno.ENOSPC, text)
    if code == -4 and text.startswith("Python integer "):
        return OverflowError(text)
    if code == -4 and "to negative integer powers" in text:
        return ValueError(text)
    if code == -3 and op is not None:
        return ValueError(text)  # a choice that there is not; names of a text are another matter
    kinds = {-2: SyntaxError, -3: NameError, -4: TypeError, -7: OSError, -8: FileExistsError, -10: NotImplementedError, -11: MemoryError,
             -13: CanceledError, -14: RuntimeError, -15: RuntimeError}
    return kinds.get(code, ValueError)(text)


def warn(text):
    """What the engine warns of when a run begins, told at the caller's line."""
    import warnings

    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__package__") == "libchunk":
        level, frame = level + 1, frame.f_back
    warnings.warn(f"libchunk: {text}", RuntimeWarning, stacklevel=level)


def dtype_name(dtype):
    """The engine's name of anything that NumPy takes for a dtype.

    Raises
    ------
    TypeError
        For dtypes that the engine does not have.
    """
    import numpy as np

    name = np.dtype(dtype).name
    if name not in _core.DTYPES:
        raise TypeError(f"libchunk: no dtype {name}: there are {', '.join(_core.DTYPES)}")
    return name


def argument(value, kind):
    """An argument that is no Array and no plain number: an Array where arrays are taken, else a plain value."""
    import numpy as np

    if kind == _core.PARAM_AXIS and isinstance(value, np.ndarray):
        return tuple(value.tolist()) if value.ndim else value.item()
    if kind in (_core.PARAM_ARRAY, _core.PARAM_ARRAYS) or isinstance(value, np.ndarray) and value.ndim:
        return as_array(value)
    if isinstance(value, np.generic) or isinstance(value, np.ndarray):
        return value.item()
    if hasattr(value, "__index__"):
        return value.__index__()
    if hasattr(value, "__iter__"):
        return tuple(value)
    if isinstance(value, (int, float, complex, str)):   # subclasses
        for plain in (int, float, complex, str):
            if isinstance(value, plain):
                return plain(value)
    raise TypeError(f"libchunk: an argument of type {type(value).__name__} is of no use here")


def as_array(value):
    """An Array of anything that NumPy takes for one; NumPy scalars keep their dtype."""
    import numpy as np

    if isinstance(value, _core.Base):
        return value
    if not isinstance(value, (np.ndarray, np.generic)):
        if is_lazy(value):
            return from_object(value)
        if isinstance(value, (list, tuple)) and holds_lazy(value):
            return _core.call("stack", [(None, _core.PARAM_ARRAYS, [as_array(v) for v in value])])
        value = np.asarray(value)
        if value.dtype == object:
            raise TypeError("libchunk: there are no arrays of Python objects")
    name = dtype_name(value.dtype)
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    if value.ndim == 0:
        if value.dtype.kind == "f" and value != value and np.signbit(value):
            return _core.from_buffer(np.array([value]), name)[0]      # constants of expressions have but one NaN
        return _core.from_scalar(np.ascontiguousarray(value).tobytes(), name)
    return _core.from_buffer(value, name)


def holds_lazy(values):
    """Whether there are arrays in nested sequences: NumPy would compute each."""
    return any(isinstance(v, _core.Base) or isinstance(v, (list, tuple)) and holds_lazy(v) for v in values)


def is_lazy(value):
    """Objects that are read box by box: with shape, dtype and __getitem__, but not in memory."""
    return (all(hasattr(value, name) for name in ("shape", "dtype", "__getitem__"))
            and not hasattr(value, "__array_interface__") and not hasattr(value, "__buffer__"))


def from_object(value, chunks=None, thread_safe=False):
    """An Array that reads boxes of any object with shape, dtype and __getitem__."""
    import numpy as np

    if is_hdf5(value):
        native = from_h5py(value)
        if native is not None:
            return native
    if value.shape is None:
        raise TypeError(f"libchunk: {value!r} has no elements and no shape")
    shape, dtype = tuple(int(n) for n in value.shape), np.dtype(str(value.dtype) if not isinstance(value.dtype, np.dtype) else value.dtype)
    name = dtype_name(dtype)
    if chunks is None:
        chunks = regular_chunks(value, shape)

    where = f"{value.file.filename}: the dataset {value.name}" if is_hdf5(value) else None

    def read(box, memory):
        if where and not value.id:      # h5py's error tells of an identifier
            raise OSError(f"{where} was closed before it was read: compute before its file is closed")
        extent = tuple(s.stop - s.start for s in box)
        values = np.asarray(value[box])
        if values.shape != extent:
            raise ValueError(f"{type(value).__qualname__} of shape {shape} gave an array of shape {values.shape} for the box {box}")
        np.frombuffer(memory, name).reshape(extent)[...] = values

    if chunks is not None:
        chunks = tuple(max(1, min(c, n)) for c, n in zip(chunks, shape))
    return _core.from_reader(read, name, shape, chunks, thread_safe, f"reading {type(value).__module__.partition('.')[0]}.{type(value).__qualname__}")


def regular_chunks(value, shape):
    """The chunk shape that an object tells: h5py's and zarr's `chunks`, or the first of Dask's."""
    chunks = getattr(value, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(shape):
        return None
    return tuple(int(c[0] if isinstance(c, tuple) else c) for c in chunks)


def is_hdf5(value):
    h5py = sys.modules.get("h5py")
    return h5py is not None and isinstance(value, h5py.Dataset)


def from_h5py(dataset):
    """The dataset read by the engine itself; None, with a warning, where the file must be read through h5py."""
    file = dataset.file
    if file.driver not in ("sec2", "stdio"):
        return None
    if file.mode != "r":
        import warnings

        warnings.warn(f"{file.filename} is open for writing: {dataset.name} is read through h5py, slowly and one box at a time; close the file, or "
                      "open it with mode 'r'", RuntimeWarning, stacklevel=4)
        return None
    return open_hdf5(file.filename, dataset.name)


def open_hdf5(path, dataset):
    if not isinstance(dataset, str):
        raise TypeError(f"a dataset's name is text, not of type {type(dataset).__name__}")
    if "\0" in dataset:
        raise ValueError("a dataset's name holds no zero byte")
    path = os.path.abspath(os.fsdecode(path))
    try:
        return _core.from_hdf5(os.fsencode(path), dataset.encode())
    except OSError as e:
        if not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, str(e), path) from None
        raise
